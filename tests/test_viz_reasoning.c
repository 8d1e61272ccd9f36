/* viz/rows.c, prune.c, reasoning.c: a run's rows as a graph, against what
 * tests/mkdb.h put into the database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/mkdb.h"
#include "tests/xml.h"
#include "viz/dot.h"
#include "viz/reasoning.h"
#include "viz/render.h"
#include "viz/rows.h"
#include "viz/style.h"

static char dir[64];
static struct db *db;
static struct graph g;

static void make(const struct mkdb_opts *o, const char *run, int64_t *id)
{
    struct sor_msg msg = { "" };
    char path[96];

    assert_int_equal(mkdb_dir(dir), 0);
    snprintf(path, sizeof path, "%s/t.db", dir);
    if (mkdb(path, o, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    if (db_open(path, &db, &msg) || db_find_run(db, run, id, &msg))
        fail_msg("%s", msg.text);
}

static void build(const struct mkdb_opts *o, const struct reasoning_opts *r)
{
    struct sor_msg msg = { "" };
    int64_t id = 0;

    make(o, "last", &id);
    graph_init(&g);
    if (reasoning_build(db, id, r, &g, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
}

static int teardown(void **state)
{
    (void)state;
    graph_release(&g);
    db_close(db);
    db = NULL;
    if (*dir)
        mkdb_dir_remove(dir);
    *dir = '\0';
    return 0;
}

static int count(enum graph_node_kind kind)
{
    int n = 0;

    for (int i = 0; i < g.n_node; i++)
        n += g.node[i].kind == kind;
    return n;
}

static const struct graph_node *find(const char *id)
{
    for (int i = 0; i < g.n_node; i++)
        if (!strcmp(g.node[i].id, id))
            return &g.node[i];
    fail_msg("no node %s", id);
    return NULL;
}

/* Rows of step, and those that the folds speak for. */
static int steps_told(void)
{
    int folded = 0, n;

    for (int i = 0; i < g.n_node; i++)
        if (g.node[i].kind == GRAPH_FOLD &&
            sscanf(g.node[i].text, "\xE2\x80\xA6 %d more", &n) == 1)
            folded += n;
    return count(GRAPH_STEP) + folded;
}

static int steps_in(struct db *d)
{
    struct db_run_query q = { .limit = 1 };
    struct db_cur *runs = db_runs(d, &q), *paths;
    struct db_run run;
    struct db_path p;
    int n = 0;

    assert_int_equal(db_run_next(runs, &run), 1);
    paths = db_paths(d, run.id);
    while (db_path_next(paths, &p) == 1)
        n += p.n_step;
    db_cur_close(paths);
    db_cur_close(runs);
    return n;
}

static void every_row_is_a_node(void **state)
{
    struct mkdb_opts o = { .n_run = 1 };

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    assert_int_equal(g.n_lane, 8);
    assert_int_equal(count(GRAPH_QUESTION), 1);
    assert_int_equal(count(GRAPH_FOLD), 0);
    assert_int_equal(count(GRAPH_STEP), steps_in(db));
    assert_int_equal(count(GRAPH_VOTE), 2);
    assert_int_equal(count(GRAPH_CONCLUSION), 1);
    assert_string_equal(find("conclusion")->title, "6 of 8 paths say 8");
    assert_string_equal(find("conclusion")->detail, "margin 4");
    assert_non_null(strstr(find("conclusion")->text, "unmeasured"));
    assert_string_equal(find("answer_1")->title, "12");
    /* paths 2 and 6 answer 12 (mkdb.h) and stand last */
    assert_string_equal(g.lane[6].id, "path_2");
    assert_string_equal(g.lane[7].id, "path_6");
    assert_int_equal(g.lane[6].lead, 1);
    assert_int_equal(g.lane[0].lead, 0);
}

/* Each path is marked once, in the step that holds its first difference. */
static void partings_are_marked(void **state)
{
    struct mkdb_opts o = { .n_run = 1 };
    int marks = 0;

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    for (int i = 0; i < g.n_node; i++)
        marks += g.node[i].mark != NULL;
    assert_int_equal(marks, 8);
    assert_non_null(strstr(find("path_0_step_1")->mark, "path 1"));
}

static void every_edge_joins_nodes(void **state)
{
    struct mkdb_opts o = { .n_run = 1 };
    int kind[GRAPH_EDGE_KINDS] = { 0 };

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    for (int i = 0; i < g.n_edge; i++) {
        const struct graph_edge *e = &g.edge[i];

        assert_in_range(e->from, 0, g.n_node - 1);
        assert_in_range(e->to, 0, g.n_node - 1);
        assert_int_not_equal(e->from, e->to);
        kind[e->kind]++;
    }
    /* each step is followed into once; each path concludes, and the lead */
    assert_int_equal(kind[GRAPH_FOLLOWS], steps_in(db));
    assert_int_equal(kind[GRAPH_CONCLUDES], 8 + 1);
    assert_true(kind[GRAPH_ATTENDS] > 0 && kind[GRAPH_SHARES] > 0);
    assert_int_equal(kind[GRAPH_FORKS], 0);
}

static void long_paths_fold_and_say_so(void **state)
{
    struct mkdb_opts o = { .n_run = 1, .n_token = 400 };

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    assert_true(count(GRAPH_FOLD) >= 8);
    assert_int_equal(steps_told(), steps_in(db));
    assert_non_null(strstr(g.left_out, "steps"));
    /* the end of a path, which gives its answer, is never folded */
    for (int i = 0; i < g.n_edge; i++)
        if (g.edge[i].kind == GRAPH_CONCLUDES && g.edge[i].from != g.n_node - 1)
            assert_int_not_equal(g.node[g.edge[i].from].kind, GRAPH_FOLD);
}

static void caps_hold(void **state)
{
    struct mkdb_opts o = { .n_run = 1, .n_path = 20, .n_token = 200 };
    struct reasoning_opts r = { .max_node = 60, .max_lane = 16 };
    int seen[2] = { 0 };

    (void)state;
    build(&o, &r);
    assert_in_range(g.n_node, 20, 60);
    assert_in_range(g.n_lane, 2, 16);
    assert_non_null(strstr(g.left_out, "paths"));
    for (int i = 0; i < g.n_lane; i++)
        if (g.lane[i].lead >= 0)
            seen[g.lane[i].lead]++;
    assert_true(seen[0] > 0 && seen[1] > 0);    /* no answer goes unseen */
    assert_non_null(strstr(find("conclusion")->title, "of 20 paths"));
}

static void unfinished_runs_are_drawn(void **state)
{
    struct mkdb_opts o = { .n_run = 1, .unfinished = 1 };

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    assert_int_equal(g.n_lane, 8);
    assert_non_null(strstr(g.subtitle, "not ended"));
    assert_non_null(find("conclusion")->title);
}

/* Answers beyond the colours there are get none that another has. */
static void answers_share_no_colour(void **state)
{
    (void)state;
    for (int i = 0; i < STYLE_VOTES; i++)
        for (int j = -1; j < i; j++)
            assert_string_not_equal(style_vote(i), style_vote(j));
    for (int i = STYLE_VOTES; i < 10; i++)
        assert_string_equal(style_vote(i), style_vote(-1));
}

static void one_path_is_enough(void **state)
{
    struct mkdb_opts o = { .n_run = 1, .n_path = 1 };

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    assert_int_equal(g.n_lane, 1);
    assert_string_equal(find("conclusion")->title, "The one path says 8");
    for (int i = 0; i < g.n_node; i++)
        assert_null(g.node[i].mark);
}

/* Escapes, bidi and huge values in every text of the database: the picture is
 * sound and holds the rows' nodes, each once. */
static void hostile_rows_draw_soundly(void **state)
{
    struct mkdb_opts o = { .n_run = 1, .hostile = 1, .n_token = 100 };
    struct render_limits limits = { 0 };
    struct sor_msg msg = { "" };
    struct str dot, svg;
    struct xml x;

    (void)state;
    build(&o, &(struct reasoning_opts){ 0 });
    str_init(&dot);
    str_init(&svg);
    assert_int_equal(dot_write(&g, &(struct dot_opts){ 0 }, &dot, &msg),
                     SOR_OK);
    if (render(dot.p, "svg", &limits, &svg, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    if (xml_check(svg.p, svg.len, &x) != 0)
        fail_msg("%s", x.fault);
    assert_int_equal(xml_count(svg.p, "class=\"node "), g.n_node + 1);
    assert_null(memchr(svg.p, 0x1b, svg.len));
    assert_null(strstr(svg.p, "\xe2\x80\xae"));
    str_release(&svg);
    str_release(&dot);
}

static void same_rows_same_text(void **state)
{
    struct mkdb_opts o = { .n_run = 1 };
    struct str a, b;
    int64_t id = 0;

    (void)state;
    str_init(&a);
    str_init(&b);
    build(&o, &(struct reasoning_opts){ 0 });
    dot_write(&g, &(struct dot_opts){ 0 }, &a, NULL);
    graph_release(&g);
    assert_int_equal(db_find_run(db, "last", &id, NULL), SOR_OK);
    assert_int_equal(reasoning_build(db, id, &(struct reasoning_opts){ 0 }, &g,
                                     NULL), SOR_OK);
    dot_write(&g, &(struct dot_opts){ 0 }, &b, NULL);
    assert_string_equal(a.p, b.p);
    str_release(&a);
    str_release(&b);
}

/* Each allocation fails once: an error or, where SQLite or Graphviz made the
 * allocation, a whole graph; never a crash or half of one. */
static void out_of_memory_is_an_error(void **state)
{
    struct mkdb_opts o = { .n_run = 1, .n_path = 3 };
    int64_t id = 0;
    int failed = 0, n_node;
    uint64_t n_alloc;

    (void)state;
    make(&o, "last", &id);
    graph_init(&g);
    n_alloc = mem_count();
    assert_int_equal(reasoning_build(db, id, &(struct reasoning_opts){ 0 }, &g,
                                     NULL), SOR_OK);
    n_alloc = mem_count() - n_alloc;
    n_node = g.n_node;
    for (uint64_t n = 1; n <= n_alloc + 40; n++) {
        struct sor_msg msg = { "" };
        struct str dot;
        enum sor_err err;

        graph_release(&g);
        str_init(&dot);
        mem_fail_at(n);
        err = reasoning_build(db, id, &(struct reasoning_opts){ 0 }, &g, &msg);
        err = err ? err : dot_write(&g, &(struct dot_opts){ 0 }, &dot, &msg);
        mem_fail_at(0);
        failed += err != SOR_OK;
        assert_true(err == SOR_OK ? g.n_node == n_node : msg.text[0] != 0);
        str_release(&dot);
    }
    assert_true(failed > 20);
}

static void no_such_run(void **state)
{
    struct mkdb_opts o = { .n_run = 1 };
    struct sor_msg msg = { "" };
    int64_t id = 0;

    (void)state;
    make(&o, "last", &id);
    graph_init(&g);
    assert_int_equal(reasoning_build(db, id + 99, &(struct reasoning_opts){ 0 },
                                     &g, &msg), SOR_NOTFOUND);
    assert_true(msg.text[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_row_is_a_node, teardown),
        cmocka_unit_test_teardown(partings_are_marked, teardown),
        cmocka_unit_test_teardown(every_edge_joins_nodes, teardown),
        cmocka_unit_test_teardown(long_paths_fold_and_say_so, teardown),
        cmocka_unit_test_teardown(caps_hold, teardown),
        cmocka_unit_test_teardown(unfinished_runs_are_drawn, teardown),
        cmocka_unit_test(answers_share_no_colour),
        cmocka_unit_test_teardown(one_path_is_enough, teardown),
        cmocka_unit_test_teardown(hostile_rows_draw_soundly, teardown),
        cmocka_unit_test_teardown(same_rows_same_text, teardown),
        cmocka_unit_test_teardown(out_of_memory_is_an_error, teardown),
        cmocka_unit_test_teardown(no_such_run, teardown),
    };
    return cmocka_run_group_tests_name("viz_reasoning", tests, NULL, NULL);
}
