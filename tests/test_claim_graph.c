/* viz/claim_graph.c and claim_flow.c over rows made by hand: a lane for each
 * path, its steps, a node for each verdict that was given, and where the paths
 * part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/xml.h"
#include "viz/claim_flow.h"
#include "viz/claim_graph.h"
#include "viz/dot.h"

static struct db_claim claims[] = {
    { .id = 1, .ordinal = 0, .name = "a-1", .title = "One", .text = "It is." },
    { .id = 2, .ordinal = 1, .name = "a-2", .text = "It \\N <b>may</b> be." },
    { .id = 3, .ordinal = 2, .name = "a-3", .text = "Nobody decided." },
};
static struct db_verdict verdicts[] = {
    { .id = 1, .claim_id = 1, .verdict = "supported", .confidence = 0.9,
      .p = { 0.9, 0.05, 0.05 }, .stability = 1, .n_count = 1 },
    { .id = 2, .claim_id = 2, .verdict = "needs_review", .confidence = 0.5,
      .p = { 0.5, 0.4, 0.1 }, .stability = 0.5, .n_count = 2, .path_a = 12,
      .path_b = 11 },
};
static struct db_claim_path paths[] = {
    { .id = 1, .claim_id = 1, .path_id = 10, .variant = "plain",
      .verdict = "supported", .counts = 1, .p = { 0.9, 0.05, 0.05 } },
    { .id = 2, .claim_id = 2, .path_id = 11, .variant = "plain",
      .verdict = "contradicted", .counts = 1, .p = { 0.2, 0.7, 0.1 } },
    { .id = 3, .claim_id = 2, .path_id = 12, .variant = "paraphrase",
      .verdict = "supported", .counts = 1, .p = { 0.7, 0.2, 0.1 } },
    { .id = 4, .claim_id = 2, .path_id = 13, .variant = "subset",
      .verdict = "supported", .counts = 0, .p = { 0.7, 0.2, 0.1 } },
};
static struct report_step steps[] = {
    { .path_id = 10, .ordinal = 0, .role = "cite", .origin = "scored",
      .text = "cites 1" },
    { .path_id = 11, .ordinal = 0, .role = "cite", .origin = "scored",
      .text = "cites 1" },
    { .path_id = 11, .ordinal = 1, .role = "conclude", .origin = "rule",
      .text = NULL },
    { .path_id = 12, .ordinal = 0, .role = "cite", .origin = "scored",
      .text = "cites \" > 2" },
};
static struct db_document document = { .id = 1, .name = "x.txt", .text = "" };

#define N(a) ((int)(sizeof(a) / sizeof *(a)))

static void fill(struct report *r)
{
    *r = (struct report){ .uid = "00112233445566778899aabbccddeeff",
                          .step = steps, .n_step = N(steps),
                          .doc = &document };
    r->set[DB_CLAIM] = (struct db_review_set){ claims, N(claims), NULL };
    r->set[DB_VERDICT] = (struct db_review_set){ verdicts, N(verdicts), NULL };
    r->set[DB_CLAIM_PATH] = (struct db_review_set){ paths, N(paths), NULL };
}

static int count(const struct graph *g, enum graph_node_kind kind)
{
    int n = 0;

    for (int i = 0; i < g->n_node; i++)
        n += g->node[i].kind == kind;
    return n;
}

static void claims_are_found(void **state)
{
    struct report r;

    (void)state;
    fill(&r);
    assert_ptr_equal(claim_graph_find(&r, NULL), &claims[1]);
    assert_ptr_equal(claim_graph_find(&r, "a-1"), &claims[0]);
    assert_ptr_equal(claim_graph_find(&r, "2"), &claims[2]);
    assert_null(claim_graph_find(&r, "3"));
    assert_null(claim_graph_find(&r, "-1"));
    assert_null(claim_graph_find(&r, ""));
    r.set[DB_CLAIM].n = 0;
    assert_null(claim_graph_find(&r, NULL));
}

static void paths_stand_side_by_side(void **state)
{
    struct sor_msg msg;
    struct report r;
    struct graph g;

    (void)state;
    fill(&r);
    graph_init(&g);
    assert_int_equal(claim_graph_build(&r, &claims[1], &g, &msg), SOR_OK);
    assert_int_equal(g.n_lane, 3);
    assert_int_equal(count(&g, GRAPH_STEP), 3);
    assert_int_equal(count(&g, GRAPH_VOTE), 2);
    /* those of one verdict together, what does not count last */
    assert_string_equal(g.lane[0].title, "path 2, paraphrase");
    assert_int_equal(g.lane[0].lead, GRAPH_SUPPORTED);
    assert_int_equal(g.lane[1].lead, GRAPH_CONTRADICTED);
    assert_int_equal(g.lane[2].lead, GRAPH_NOT_ADDRESSED);
    assert_non_null(strstr(g.lane[2].detail, "does not count"));
    for (int i = 0; i < g.n_node; i++) {
        const struct graph_node *n = &g.node[i];

        if (n->kind == GRAPH_VOTE)
            assert_true(n->share == 0.5);
        if (strcmp(n->id, "path_1_step_1") == 0) {
            assert_string_equal(n->text, "(forgotten)");
            assert_int_equal(n->origin, GRAPH_RULE);
            assert_string_equal(n->mark, "parts from path 2: contradicted "
                                         "\xE2\x89\xA0 supported");
        }
    }
    graph_release(&g);
}

static void text_stays_text(void **state)
{
    struct sor_msg msg;
    struct report r;
    struct graph g;
    struct str dot;

    (void)state;
    fill(&r);
    graph_init(&g);
    str_init(&dot);
    assert_int_equal(claim_graph_build(&r, &claims[1], &g, &msg), SOR_OK);
    assert_int_equal(dot_write(&g, &(struct dot_opts){ 0 }, &dot, &msg),
                     SOR_OK);
    assert_non_null(strstr(dot.p, "It \\\\N &lt;b&gt;may&lt;/b&gt; be."));
    assert_non_null(strstr(dot.p, "frame: contradicted"));
    assert_null(strstr(dot.p, "leading answer"));
    str_release(&dot);
    graph_release(&g);
}

static void without_a_verdict_there_is_nothing(void **state)
{
    struct sor_msg msg;
    struct report r;
    struct graph g;

    (void)state;
    fill(&r);
    graph_init(&g);
    assert_int_equal(claim_graph_build(&r, &claims[2], &g, &msg),
                     SOR_NOTFOUND);
    assert_non_null(strstr(msg.text, "a-3"));
    graph_release(&g);
}

/* Rows go with the report; the graph is drawn after that. */
static void words_outlive_the_rows(void **state)
{
    char word[] = "supported", variant[] = "plain";
    struct db_verdict v = verdicts[0];
    struct db_claim_path p = paths[0];
    struct sor_msg msg;
    struct report r;
    struct graph g;

    (void)state;
    fill(&r);
    v.verdict = p.verdict = word;
    p.variant = variant;
    r.set[DB_VERDICT] = (struct db_review_set){ &v, 1, NULL };
    r.set[DB_CLAIM_PATH] = (struct db_review_set){ &p, 1, NULL };
    graph_init(&g);
    assert_int_equal(claim_graph_build(&r, &claims[0], &g, &msg), SOR_OK);
    memset(word, 'x', sizeof word - 1);
    memset(variant, 'x', sizeof variant - 1);
    assert_string_equal(g.node[g.n_node - 1].title, "supported");
    assert_string_equal(g.lane[0].title, "path 0, plain");
    graph_release(&g);
}

/* A row a path, a bar and a line to its vote for each that counts, and one
 * bracket where two part. */
static void a_page_shows_the_votes(void **state)
{
    char word[] = "<b>\x1b&\"";
    struct db_claim_path p[4];
    struct report r;
    struct str out;
    struct xml x;

    (void)state;
    fill(&r);
    memcpy(p, paths, sizeof p);
    p[2].variant = word;
    r.set[DB_CLAIM_PATH] = (struct db_review_set){ p, 4, NULL };
    str_init(&out);
    claim_flow(&r, &claims[1], &out);
    if (xml_check(out.p, out.len, &x) != 0)
        fail_msg("%s", x.fault);
    assert_int_equal(xml_count(out.p, "class=\"track\""), 2);
    assert_int_equal(xml_count(out.p, "class=\"to "), 2);
    assert_int_equal(xml_count(out.p, "class=\"vote "), 2);
    assert_int_equal(xml_count(out.p, "class=\"tie\""), 1);
    assert_int_equal(xml_count(out.p, "does not count"), 1);
    assert_non_null(strstr(out.p, "1 supported, 1 contradicted, 0 not"));
    assert_null(strchr(out.p, '\x1b'));
    str_clear(&out);
    claim_flow(&r, &claims[0], &out);
    assert_int_equal(xml_count(out.p, "class=\"tie\""), 0);
    str_clear(&out);
    claim_flow(&r, &claims[2], &out);
    p[0].counts = 0;
    claim_flow(&r, &claims[0], &out);
    assert_int_equal(out.len, 0);
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_found),
        cmocka_unit_test(paths_stand_side_by_side),
        cmocka_unit_test(text_stays_text),
        cmocka_unit_test(without_a_verdict_there_is_nothing),
        cmocka_unit_test(words_outlive_the_rows),
        cmocka_unit_test(a_page_shows_the_votes),
    };

    return cmocka_run_group_tests_name("claim_graph", tests, NULL, NULL);
}
