/* How full a run's steps were is what its row of table batching says: read
 * back through the views, beside what the generator counted itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "db/chain.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "tests/dbtest.h"
#include "tests/models.h"
#include "trace/batching.h"
#include "trace/rec.h"

enum { PATHS = 9, SEATS = 3, ROWS = 16, MOST = 24 };

static struct session *session[PATHS];
static struct sampler sampler[PATHS];
static struct gen_path path[PATHS];
static int32_t text[64], out[PATHS][MOST];
static sqlite3 *sq;

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

static void open_paths(struct engine *e, struct rec *r)
{
    for (int i = 0; i < PATHS; i++) {
        uint64_t tag = (uint64_t)i + 1;
        struct rec_path p = { .tag = tag, .ordinal = i, .kind = "greedy",
                              .params = "{}", .text_from = 5 + 4 * i,
                              .max_tok = MOST };

        text[i] = 3 + i;
        OK(rec_path_begin(r, &p, &t.msg));
        OK(session_open(e, tag, 0, &session[i], &t.msg));
        OK(sampler_init(&sampler[i], &sampler_greedy, 0, &t.msg));
        path[i] = (struct gen_path){
            .session = session[i], .sampler = &sampler[i], .prompt = text,
            .n_prompt = 5 + 4 * i, .max_tok = 4 + 5 * i % 20, .out = out[i] };
    }
}

/* A run of nine paths in three seats, recorded at level `steps`. */
static void record(struct gen_stats *st)
{
    struct gen_opts go = { .n_seat = SEATS, .n_row = ROWS, .stats = st };
    struct engine_opts eo = { .n_thread = 1, .n_ctx = 128 };
    struct db_model model = { .sha256 = { 1 }, .name = "m", .path = "m",
                              .arch = "llama", .quant = "F32" };
    struct rec_run run = {
        .row = { .kind = "run", .chat = "none", .route = "off",
                 .kv_type = "f16", .isa = "ref", .params = "{}",
                 .n_prompt = 5, .n_path = PATHS, .top_p = 1.0 },
        .prompt = "?", .model = &model };
    struct engine *e = NULL;
    struct rec *r = NULL;
    char uid[33];

    OK(engine_open(models_small(), &eo, &e, &t.msg));
    struct rec_opts ro = {
        .level = REC_STEPS, .n_layer = (int)engine_hparams(e)->n_layer,
        .n_head = (int)engine_hparams(e)->n_head,
        .n_head_kv = (int)engine_hparams(e)->n_head_kv, .piece = piece,
        .piece_ud = (void *)engine_tok(e) };
    OK(rec_open(t.path, &ro, &r, &t.msg));
    OK(rec_run_begin(r, &run, uid, &t.msg));
    OK(engine_observe(e, rec_observer(r), &t.msg));
    open_paths(e, r);
    OK(gen_run(e, path, PATHS, &go, &t.msg));
    OK(rec_run_end(r, "complete", 1, 1, &t.msg));
    for (int i = 0; i < PATHS; i++)
        session_close(session[i]);
    rec_close(r);
    engine_close(e);
}

static sqlite3_stmt *ask(const char *sql)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
    return st;
}

static double one(const char *sql)
{
    sqlite3_stmt *st = ask(sql);
    double v;

    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_double(st, 0);
    sqlite3_finalize(st);
    return v;
}

static void the_row_is_what_happened(void **state)
{
    struct gen_stats s;
    sqlite3_stmt *st;
    int64_t n = 0;
    int k = 0;

    (void)state;
    record(&s);
    assert_int_equal(sqlite3_open(t.path, &sq), SQLITE_OK);
    st = ask("SELECT n_seat, n_row, n_step, seats, n_fed FROM batching");
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), SEATS);
    assert_int_equal(sqlite3_column_int(st, 1), ROWS);
    assert_int_equal(sqlite3_column_int64(st, 2), s.n_step);
    assert_int_equal(sqlite3_column_int64(st, 3), s.seats);
    assert_int_equal(sqlite3_column_int64(st, 4), s.rows);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    assert_true(one("SELECT seat_share FROM v_batching") ==
                (double)s.seats / (double)(s.n_step * SEATS));
    /* each step is in one stretch; together they are the sums */
    st = ask("SELECT step_from, n, seats, n_fed FROM v_batching_step");
    while (sqlite3_step(st) == SQLITE_ROW) {
        assert_int_equal(sqlite3_column_int64(st, 0), n);
        n += sqlite3_column_int64(st, 1);
        for (int64_t i = sqlite3_column_int64(st, 0); i < n; i++) {
            int used = 0;

            for (int p = 0; p < PATHS; p++)
                used += path[p].joined <= i && i < path[p].left;
            assert_int_equal(sqlite3_column_int(st, 2), used);
        }
    }
    sqlite3_finalize(st);
    assert_int_equal(n, s.n_step);
    assert_true(one("SELECT sum(n * n_fed) FROM v_batching_step") ==
                (double)s.rows);
    /* stretches are shorter than steps: like ones were joined */
    assert_true(one("SELECT count(*) FROM v_batching_step") <
                (double)s.n_step);
    st = ask("SELECT path, step FROM v_batching_join ORDER BY ordinal");
    for (k = 0; sqlite3_step(st) == SQLITE_ROW; k++) {
        assert_int_equal(sqlite3_column_int(st, 0), k);
        assert_int_equal(sqlite3_column_int(st, 1), path[k].joined);
    }
    sqlite3_finalize(st);
    assert_int_equal(k, PATHS);
    sqlite3_close(sq);
}

static void it_is_in_the_chain_and_goes_with_the_run(void **state)
{
    struct chain_report report;
    struct gen_stats s;
    struct db_writer *w;
    struct db *d;

    (void)state;
    record(&s);
    d = dbtest_reader();
    OK(chain_verify(d, &report, &t.msg));
    assert_true(report.ok);
    db_close(d);
    assert_int_equal(sqlite3_open(t.path, &sq), SQLITE_OK);
    sqlite3_finalize(ask("SELECT 1"));
    assert_int_equal(sqlite3_exec(sq, "UPDATE batching SET seats = seats + 1",
                                  NULL, NULL, NULL), SQLITE_OK);
    d = dbtest_reader();
    OK(chain_verify(d, &report, &t.msg));
    assert_false(report.ok);
    assert_non_null(strstr(report.where, "batching"));
    db_close(d);
    sqlite3_exec(sq, "UPDATE batching SET seats = seats - 1", NULL, NULL,
                 NULL);
    sqlite3_close(sq);
    w = dbtest_writer();
    OK(db_remove_run(w, 1, &t.msg));
    db_writer_close(w);
    assert_int_equal(sqlite3_open(t.path, &sq), SQLITE_OK);
    assert_true(one("SELECT count(*) FROM batching") == 0);
    sqlite3_close(sq);
}

/* More stretches and paths than the numbers that one join gives. */
static void long_runs_unpack_whole(void **state)
{
    enum { N = 3000 };
    struct hook_batch step = { .n_seat = 64, .max_row = 256 };
    struct db_writer *w = dbtest_writer();
    struct batching b;
    int64_t run_id;

    (void)state;
    batching_init(&b);
    for (int i = 0; i < N; i++) {
        batching_join(&b, i + 70000);
        step.n_used = (uint16_t)(1 + i % 64);
        step.n_row = (uint16_t)(256 - i % 200);
        batching_step(&b, &step);
        if (i % 3 == 0)
            batching_step(&b, &step);
    }
    OK(db_begin(w, 0, &t.msg));
    run_id = dbtest_put_run(w, "00000000000000000000000000000000");
    OK(batching_put(&b, w, run_id, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    /* the next run begins with nothing, and without steps there is no row */
    batching_clear(&b);
    OK(db_begin(w, run_id, &t.msg));
    OK(batching_put(&b, w, run_id, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    batching_release(&b);
    db_writer_close(w);
    assert_int_equal(sqlite3_open(t.path, &sq), SQLITE_OK);
    assert_true(one("SELECT count(*) FROM batching") == 1);
    assert_true(one("SELECT count(*) FROM v_batching_step") == N);
    assert_true(one("SELECT sum(n) FROM v_batching_step") == N + N / 3);
    assert_true(one("SELECT max(step_from) FROM v_batching_step") ==
                N + N / 3 - 1);
    assert_true(one("SELECT min(n_fed) FROM v_batching_step") == 57);
    assert_true(one("SELECT count(*) FROM v_batching_join WHERE "
                    "path = ordinal + 70000") == N);
    sqlite3_close(sq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(the_row_is_what_happened),
        DBTEST(it_is_in_the_chain_and_goes_with_the_run),
        DBTEST(long_runs_unpack_whole),
    };

    return cmocka_run_group_tests_name("batching", tests, NULL, NULL);
}
