/* db/dump.c and db/load.c where a run grew from another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/load.h"
#include "tests/dbtest.h"

static const char first[] = "aaaa000000c0ffee00abcdef00000000";
static const char child[] = "bbbb000000c0ffee00abcdef00000000";

static int64_t put_run(struct db_writer *w, const char *uid, int64_t parent)
{
    struct db_put_path p = { .kind = parent ? "fork" : "greedy",
                             .params = "{}", .parent_id = parent,
                             .fork_pos = parent ? 2 : 0 };
    int64_t path;

    OK(db_begin(w, 0, &t.msg));
    p.run_id = dbtest_put_run(w, uid);
    OK(db_put_path(w, &p, &path, &t.msg));
    for (int pos = p.fork_pos; pos < 4; pos++)
        OK(db_put_token(w, &(struct db_put_token){ .path_id = path, .pos = pos,
            .token_id = 7, .logprob = -0.1, .entropy = (double)NAN,
            .mode = -1, .has_digest = 1, .digest = UINT64_MAX - 1 }, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    return path;
}

static void make(void)
{
    struct db_writer *w = dbtest_writer();

    put_run(w, child, put_run(w, first, 0));
    db_writer_close(w);
}

/* Counts rows; keeps the parent as it goes out. */
struct seen { int n_row; char parent[64]; };

static enum sor_err look(void *ud, const struct dump_row *r,
                         struct sor_msg *msg)
{
    struct seen *s = ud;

    (void)msg;
    s->n_row++;
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->column[i], "parent_id") == 0 &&
            r->v[i].kind == SQL_TEXT)
            snprintf(s->parent, sizeof s->parent, "%.*s", (int)r->v[i].n,
                     (const char *)r->v[i].p);
    return SOR_OK;
}

static void a_parent_of_another_run_has_its_name(void **state)
{
    struct seen s = { 0, "" };
    struct dump_sink sink = { &s, look };
    struct db *d;

    (void)state;
    make();
    d = dbtest_reader();
    OK(dump_run(d, 2, &sink, &t.msg));
    db_close(d);
    assert_string_equal(s.parent, "aaaa000000c0ffee00abcdef00000000:0");
    assert_int_equal(s.n_row, 1 + 1 + 1 + 2 + 2);   /* text, run, path, spans,
                                                     * tokens */
}

static enum sor_err into(void *ud, const struct dump_row *r,
                         struct sor_msg *msg)
{
    return load_row(ud, r, msg);
}

static void it_goes_in_after_its_parent_only(void **state)
{
    struct db_writer *w = NULL;
    struct load *l = NULL;
    struct dump_sink sink;
    struct load_counts n;
    struct db *d;
    int known = 1;

    (void)state;
    make();
    d = dbtest_reader();
    OK(db_writer_open(t.other, NULL, &w, &t.msg));
    OK(load_open(w, &l, &t.msg));
    sink = (struct dump_sink){ l, into };
    OK(load_begin(l, child, &known, &t.msg));
    assert_int_equal(known, 0);
    assert_int_equal(load_is_known(l), 0);
    assert_int_equal(dump_run(d, 2, &sink, &t.msg), SOR_FORMAT);
    assert_non_null(strstr(t.msg.text, "import that run first"));
    OK(load_end(l, &t.msg));            /* it was dropped */
    assert_int_equal(load_begin(l, "xyz", &known, &t.msg), SOR_FORMAT);
    load_close(l);
    OK(load_knows(w, child, &known, &t.msg));
    assert_int_equal(known, 0);

    OK(load_merge(w, t.path, NULL, &n, &t.msg));
    assert_int_equal(n.n_new, 2);
    db_writer_close(w);
    db_close(d);

    struct db_cur *c;
    struct db_token k;
    int n_tok = 0;
    OK(db_open(t.other, &d, &t.msg));
    c = db_tokens(d, 2, (struct db_window){ 0 });
    for (; db_token_next(c, &k) > 0; n_tok++)
        assert_true(k.digest == UINT64_MAX - 1);
    OK(db_cur_close(c));
    assert_int_equal(n_tok, 4);         /* two of them its parent's */
    db_close(d);
}

static void keep(void *ud, const char *sentence)
{
    snprintf(ud, sizeof t.msg.text, "%s", sentence);
}

/* A fork of a run that was forgotten here is left out by name, and those after
 * it come in: what cannot be read cannot be exported and imported again. */
static void a_fork_needs_its_parents_words(void **state)
{
    static const char third[] = "cccc000000c0ffee00abcdef00000000";
    char said[sizeof t.msg.text] = "";
    struct load_refused refused = { said, keep };
    struct load_counts n;
    struct db_writer *w = dbtest_writer();

    (void)state;
    int64_t parent = put_run(w, first, 0);
    db_writer_close(w);
    OK(db_writer_open(t.other, NULL, &w, &t.msg));
    OK(load_merge(w, t.path, NULL, &n, &t.msg));
    OK(db_forget_run(w, 1, &t.msg));
    db_writer_close(w);
    w = dbtest_writer();
    put_run(w, child, parent);
    put_run(w, third, 0);
    db_writer_close(w);

    OK(db_writer_open(t.other, NULL, &w, &t.msg));
    assert_int_equal(load_merge(w, t.path, NULL, &n, &t.msg), SOR_FORMAT);
    assert_int_equal(n.n_known, 1);
    OK(load_merge(w, t.path, &refused, &n, &t.msg));
    assert_int_equal(n.n_refused, 1);
    assert_int_equal(n.n_new, 1);
    assert_non_null(strstr(said, t.path));
    assert_non_null(strstr(said, ": run bbbb0000: its first tokens "));
    assert_non_null(strstr(said, "forgotten here"));

    int known;
    OK(load_knows(w, child, &known, &t.msg));
    assert_int_equal(known, 0);
    OK(load_knows(w, third, &known, &t.msg));
    assert_int_equal(known, 1);
    db_writer_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(a_parent_of_another_run_has_its_name),
        DBTEST(it_goes_in_after_its_parent_only),
        DBTEST(a_fork_needs_its_parents_words),
    };

    return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
