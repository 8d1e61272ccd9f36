/* The readers: what went in comes out, and addresses are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/dbtest.h"
#include "tests/mkdb.h"

/* ---- rows */

static void runs_come_back(void **state)
{
    struct db_run_query q = { 0 };
    struct db_run r;
    struct db *d;

    (void)state;
    dbtest_make(4);
    d = dbtest_reader();

    struct db_cur *c = db_runs(d, &q);
    assert_int_equal(db_run_next(c, &r), 1);            /* newest first */
    assert_string_equal(r.uid + 24, "00000003");
    assert_non_null(strstr(r.prompt, "Question 3."));
    assert_null(r.system);
    assert_string_equal(r.status, "complete");
    assert_string_equal(r.answer, "8");
    assert_int_equal(r.votes, 6);
    assert_int_equal(r.n_voted, 8);
    assert_int_equal(r.n_path_done, 8);
    assert_int_equal(r.n_path, 8);
    assert_int_equal(r.top_k, 40);
    assert_float_equal(r.temperature, 0.7, 0);
    assert_int_equal(r.started_us, 1764000000000000 + 3 * 60000000ll);
    for (int i = 0; i < 3; i++)
        assert_int_equal(db_run_next(c, &r), 1);
    assert_int_equal(db_run_next(c, &r), 0);
    OK(db_cur_close(c));

    q = (struct db_run_query){ .like = "QUESTION 2", .limit = 5 };
    c = db_runs(d, &q);
    assert_int_equal(db_run_next(c, &r), 1);
    assert_string_equal(r.uid + 24, "00000002");
    assert_int_equal(db_run_next(c, &r), 0);
    OK(db_cur_close(c));

    q = (struct db_run_query){ .sort = DB_RUN_UID, .ascending = 1, .skip = 1,
                               .limit = 1 };
    c = db_runs(d, &q);
    assert_int_equal(db_run_next(c, &r), 1);
    assert_string_equal(r.uid + 24, "00000001");
    assert_int_equal(db_run_next(c, &r), 0);
    OK(db_cur_close(c));
    db_close(d);
}

static void paths_and_steps_come_back(void **state)
{
    struct db_addr a;
    struct db_path p;
    struct db_step s;
    struct db *d;
    int n = 0, from = 0;

    (void)state;
    dbtest_make(2);
    d = dbtest_reader();
    OK(db_find(d, "last", &a, &t.msg));
    struct db_cur *c = db_paths(d, a.run_id);
    for (; db_path_next(c, &p) == 1; n++) {
        assert_int_equal(p.ordinal, n);
        assert_string_equal(p.stop, "eog");
        assert_string_equal(p.answer_norm, n % 4 == 2 ? "no" : "yes");
        assert_string_equal(p.answer_kind, "yesno");
        assert_int_equal(p.parent_id != 0, n != 0);
    }
    OK(db_cur_close(c));
    assert_int_equal(n, 8);

    /* The steps of a path, put together, are its text: cut by code points. */
    OK(db_find(d, "last:2", &a, &t.msg));
    assert_int_equal(db_get_path(d, a.path_id, &p), 1);
    c = db_steps(d, a.path_id, (struct db_window){ 0 });
    for (n = 0; db_step_next(c, &s) == 1; n++) {
        assert_int_equal(s.ordinal, n);
        assert_memory_equal(p.text + from, s.text, strlen(s.text));
        from += (int)strlen(s.text);
        assert_true(s.answer ? n == p.n_step - 1 : n < p.n_step - 1);
    }
    OK(db_cur_close(c));
    assert_int_equal(n, p.n_step);
    assert_int_equal(from, strlen(p.text));

    /* Backwards too, with the same words. */
    c = db_steps(d, a.path_id, (struct db_window){ n - 1, 0, 1 });
    for (; db_step_next(c, &s) == 1; n--) {
        assert_int_equal(s.ordinal, n - 1);
        from -= (int)strlen(s.text);
        assert_memory_equal(p.text + from, s.text, strlen(s.text));
    }
    OK(db_cur_close(c));
    assert_int_equal(from, 0);

    c = db_steps(d, a.path_id, (struct db_window){ 1, 1, 1 });
    assert_int_equal(db_step_next(c, &s), 1);
    assert_int_equal(s.ordinal, 1);
    assert_int_equal(db_step_next(c, &s), 0);
    OK(db_cur_close(c));
    db_close(d);
}

static void tokens_come_back_through_spans(void **state)
{
    struct db_addr a, parent;
    struct db_token tok;
    struct db_path p;
    struct db *d;
    int pos = 0, len, bytes = 0;

    (void)state;
    dbtest_make(2);
    d = dbtest_reader();
    OK(db_find(d, "3fa20000:3", &a, &t.msg));
    OK(db_find(d, "3fa20000:0", &parent, &t.msg));
    assert_int_equal(db_get_path(d, a.path_id, &p), 1);
    len = db_path_len(d, a.path_id);
    struct db_cur *c = db_tokens(d, a.path_id, (struct db_window){ 0 });
    for (; db_token_next(c, &tok) == 1; pos++) {
        assert_int_equal(tok.pos, pos);
        assert_int_equal(tok.path_id, a.path_id);
        assert_int_equal(tok.source_id,
                         pos < p.fork_pos ? parent.path_id : a.path_id);
        assert_int_equal(tok.step >= 0, pos >= p.fork_pos);
        assert_int_equal(isnan(tok.logprob) != 0, pos < p.fork_pos);
        assert_non_null(tok.text.p);
        if (pos >= p.fork_pos) {
            assert_memory_equal(p.text + bytes, tok.text.p, tok.text.n);
            bytes += (int)tok.text.n;
        }
    }
    OK(db_cur_close(c));
    assert_int_equal(pos, len);
    assert_int_equal(bytes, strlen(p.text));

    c = db_tokens(d, a.path_id, (struct db_window){ p.fork_pos, 3, 1 });
    for (int i = 0; i < 3; i++) {
        assert_int_equal(db_token_next(c, &tok), 1);
        assert_int_equal(tok.pos, p.fork_pos - i);
    }
    assert_int_equal(db_token_next(c, &tok), 0);
    OK(db_cur_close(c));

    int at = db_token_search(d, a.path_id, 0, 0, "EUROS");
    assert_true(at >= 0 && at < p.fork_pos);            /* in the prompt */
    assert_true(db_token_search(d, a.path_id, at + 1, 0, "euros") > at);
    assert_int_equal(db_token_search(d, a.path_id, at, 1, "euros"), at);
    assert_int_equal(db_token_search(d, a.path_id, 0, 0, "zebra"), -1);
    db_close(d);
}

static void votes_edges_and_divergences_come_back(void **state)
{
    struct db_addr a;
    struct db_vote v;
    struct db_edge e;
    struct db_divergence dv;
    struct db *d;
    int n;

    (void)state;
    dbtest_make(2);
    d = dbtest_reader();
    OK(db_find(d, "3fa20000", &a, &t.msg));
    struct db_cur *c = db_votes(d, a.run_id);
    assert_int_equal(db_vote_next(c, &v), 1);
    assert_string_equal(v.answer, "8");
    assert_string_equal(v.kind, "number");
    assert_int_equal(v.votes, 6);
    assert_float_equal(v.share, 0.75, 0);
    assert_string_equal(v.paths, "0,1,3,4,5,7");
    assert_int_equal(db_vote_next(c, &v), 1);
    assert_string_equal(v.answer, "12");
    assert_string_equal(v.paths, "2,6");
    assert_int_equal(db_vote_next(c, &v), 0);
    OK(db_cur_close(c));

    c = db_edges(d, a.run_id);
    for (n = 0; db_edge_next(c, &e) == 1; n++)
        if (strcmp(e.kind, "shares") == 0)
            assert_non_null(e.note);
    OK(db_cur_close(c));
    assert_true(n > 8);

    c = db_divergences(d, a.run_id);
    for (n = 0; db_divergence_next(c, &dv) == 1; n++) {
        assert_true(dv.path_a < dv.path_b);
        if (dv.pos >= 0 && dv.token_a >= 0)
            assert_non_null(dv.text_a);
    }
    OK(db_cur_close(c));
    assert_int_equal(n, 28);
    db_close(d);
}

static void models_come_back(void **state)
{
    struct db_model m;
    struct db_model_part part;
    struct db_run r;
    struct db_addr a;
    struct db *d;

    (void)state;
    dbtest_make(1);
    d = dbtest_reader();
    OK(db_find(d, "last", &a, &t.msg));
    assert_int_equal(db_get_run(d, a.run_id, &r), 1);
    assert_int_equal(db_get_model(d, r.model_id, &m), 1);
    assert_string_equal(m.name, "Toy 135M");
    assert_int_equal(m.sha256[0], 0xab);
    assert_int_equal(m.n_head_kv, MKDB_N_HEAD_KV);
    struct db_cur *c = db_model_parts(d, m.id);
    assert_int_equal(db_model_part_next(c, &part), 1);
    assert_string_equal(part.name, "header");
    assert_true(part.xxh3 == 0x1234);
    assert_int_equal(db_model_part_next(c, &part), 0);
    OK(db_cur_close(c));
    assert_int_equal(db_get_model(d, 77, &m), 0);
    assert_int_equal(db_get_run(d, 77, &r), 0);
    db_close(d);
}

static void what_is_null_stays_null(void **state)
{
    struct db_put_path p = { .kind = "score", .params = "{}" };
    struct db_put_token k = { .logprob = NAN, .entropy = -0.0, .mode = -1 };
    struct db_loss l = { .from_seq = 9, .n_event = 2, .reason = "lossy" };
    struct db_token tok;
    struct db_loss loss;
    struct db *d;

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    OK(db_put_path(w, &p, &k.path_id, &t.msg));
    OK(db_put_token(w, &k, &t.msg));
    l.run_id = p.run_id;
    OK(db_put_loss(w, &l, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    db_writer_close(w);

    d = dbtest_reader();
    struct db_cur *c = db_tokens(d, k.path_id, (struct db_window){ 0 });
    assert_int_equal(db_token_next(c, &tok), 1);
    assert_true(isnan(tok.logprob));
    assert_true(tok.entropy == 0);
    assert_int_equal(tok.mode, -1);
    assert_int_equal(tok.has_digest, 0);
    assert_null(tok.layers.p);
    assert_null(tok.text.p);
    assert_int_equal(tok.step, -1);
    OK(db_cur_close(c));
    c = db_losses(d, p.run_id);
    assert_int_equal(db_loss_next(c, &loss), 1);
    assert_int_equal(loss.n_event, 2);
    assert_string_equal(loss.reason, "lossy");
    OK(db_cur_close(c));
    db_close(d);
}

static void a_grandchild_reads_three_paths(void **state)
{
    struct db_put_path p = { .kind = "score", .params = "{}" };
    struct db_put_token k = { .mode = -1 };
    struct db_token tok;
    int64_t path[3];

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    for (int i = 0; i < 3; i++) {       /* forks at 4 and at 6, then at 3 */
        p.ordinal = i;
        p.fork_pos = i == 0 ? 0 : i == 1 ? 4 : 6;
        OK(db_put_path(w, &p, &path[i], &t.msg));
        for (int pos = p.fork_pos; pos < 10; pos++) {
            k.path_id = path[i];
            k.pos = pos;
            k.token_id = 100 * i + pos;
            OK(db_put_token(w, &k, &t.msg));
        }
        p.parent_id = path[i];
    }
    p.ordinal = 3;
    p.fork_pos = 3;                     /* within what path 2 shares */
    OK(db_put_path(w, &p, &k.path_id, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    db_writer_close(w);

    static const int32_t want[] = { 0, 1, 2, 3, 104, 105, 206, 207, 208, 209 };
    struct db *d = dbtest_reader();
    struct db_cur *c = db_tokens(d, path[2], (struct db_window){ 0 });
    for (int i = 0; i < 10; i++) {
        assert_int_equal(db_token_next(c, &tok), 1);
        assert_int_equal(tok.token_id, want[i]);
    }
    assert_int_equal(db_token_next(c, &tok), 0);
    OK(db_cur_close(c));
    assert_int_equal(db_path_len(d, k.path_id), 3);
    db_close(d);
}

/* ---- addresses */

static void addresses(void **state)
{
    static const struct { const char *text; enum sor_err err; } bad[] = {
        { "3fa2", SOR_NOTFOUND },               /* two runs begin with it */
        { "beef", SOR_NOTFOUND }, { "", SOR_NOTFOUND },
        { "xyz", SOR_NOTFOUND }, { "last:99", SOR_NOTFOUND },
        { "last:0:999", SOR_NOTFOUND }, { "last:0@99999", SOR_NOTFOUND },
        { "last:0@99999999999999999999", SOR_NOTFOUND },
        { "last:", SOR_USAGE }, { "last:x", SOR_USAGE },
        { "last:0:", SOR_USAGE }, { "last:0@", SOR_USAGE },
        { "last:-1", SOR_USAGE }, { "last@3", SOR_USAGE },
        { "last:0:1:2", SOR_USAGE }, { "last:0@1x", SOR_USAGE },
    };
    struct db_addr a;

    (void)state;
    dbtest_make(2);
    struct db *d = dbtest_reader();
    OK(db_find(d, "3fa20001:4:2", &a, &t.msg));
    assert_int_equal(a.path, 4);
    assert_int_equal(a.step, 2);
    assert_int_equal(a.pos, -1);
    assert_true(a.run_id > 0 && a.path_id > 0 && a.step_id > 0);
    OK(db_find(d, "last:7@11", &a, &t.msg));
    assert_int_equal(a.pos, 11);
    assert_int_equal(a.step_id, -1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        t.msg.text[0] = '\0';
        if (db_find(d, bad[i].text, &a, &t.msg) != bad[i].err)
            fail_msg("\"%s\": %s", bad[i].text, t.msg.text);
        assert_true(t.msg.text[0] != '\0');
    }
    db_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(runs_come_back),
        DBTEST(paths_and_steps_come_back),
        DBTEST(tokens_come_back_through_spans),
        DBTEST(votes_edges_and_divergences_come_back),
        DBTEST(models_come_back),
        DBTEST(what_is_null_stays_null),
        DBTEST(a_grandchild_reads_three_paths),
        DBTEST(addresses),
    };
    return cmocka_run_group_tests_name("db_read", tests, NULL, NULL);
}
