/* The views: they unpack what db/pack.c packs, in plain SQL, through indexes;
 * and every table is in the chain with all its columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "db/pack.h"
#include "db/table.h"
#include "tests/dbtest.h"
#include "tests/mkdb.h"

static sqlite3 *sq;                     /* any SQLite client */

static int setup(void **state)
{
    if (dbtest_setup(state) != 0)
        return -1;
    dbtest_make(2);
    return sqlite3_open_v2(t.path, &sq, SQLITE_OPEN_READONLY, NULL);
}

static int teardown(void **state)
{
    sqlite3_close(sq);
    return dbtest_teardown(state);
}

static sqlite3_stmt *ask(const char *sql)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
    return st;
}

static int64_t one(const char *sql)
{
    sqlite3_stmt *st = ask(sql);

    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

static const char *text(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);

    return s ? s : "";
}

static const char *const modes[] = { "sparse", "hybrid", "full" };
static const char *const reasons[] = { "policy", "score", "guard", "replay" };

/* Every value of every layer of a path, against the packed rows. */
static void v_layer_and_v_route_unpack(void **state)
{
    struct db_token tok;
    int n_row = 0;

    (void)state;
    struct db *d = dbtest_reader();
    struct db_cur *c = db_tokens(d, 3, (struct db_window){ 0 });
    sqlite3_stmt *st = ask(
        "SELECT l.mode, l.reason, l.blocks_read, l.norm_in, l.norm_out, "
        "l.attn_entropy, l.exit_measure, l.time_us, l.digest, l.dense, "
        "l.exit_here, l.skipped, r.score, r.low, r.high, r.mode, r.reason, "
        "r.dense, r.blocks_read FROM v_layer l JOIN v_route r "
        "ON r.path_id = l.path_id AND r.pos = l.pos AND r.layer = l.layer "
        "WHERE l.path_id = 3 AND l.pos = ? AND l.layer = ?");
    while (db_token_next(c, &tok) == 1) {
        struct pack_layers_header head;

        assert_int_equal(unpack_layers_header(tok.layers.p, tok.layers.n,
                                              &head), 0);
        for (int l = 0; l < head.n_layer; l++, n_row++) {
            struct pack_layer want;

            assert_int_equal(unpack_layer(tok.layers.p, tok.layers.n, l,
                                          &want), 0);
            sqlite3_bind_int(st, 1, tok.pos);
            sqlite3_bind_int(st, 2, l);
            assert_int_equal(sqlite3_step(st), SQLITE_ROW);
            const float values[] = { want.blocks_read, want.norm_in,
                want.norm_out, want.attn_entropy, want.exit_measure,
                want.time_us };
            for (int i = 0; i < 6; i++)         /* the same sixteen bits */
                assert_true((float)sqlite3_column_double(st, 2 + i) ==
                            values[i]);
            assert_string_equal(text(st, 0), modes[want.mode]);
            assert_string_equal(text(st, 1), reasons[want.reason]);
            assert_int_equal(sqlite3_column_int(st, 8), want.digest);
            assert_int_equal(sqlite3_column_int64(st, 9), want.dense);
            assert_int_equal(sqlite3_column_int(st, 10), want.exit_here);
            assert_int_equal(sqlite3_column_int(st, 11), want.skipped);
            assert_true((float)sqlite3_column_double(st, 12) == head.score);
            assert_true((float)sqlite3_column_double(st, 13) == head.low);
            assert_true((float)sqlite3_column_double(st, 14) == head.high);
            assert_string_equal(text(st, 15), modes[want.mode]);
            assert_string_equal(text(st, 16), reasons[want.reason]);
            assert_int_equal(sqlite3_column_int64(st, 17), want.dense);
            assert_true((float)sqlite3_column_double(st, 18) ==
                        want.blocks_read);
            assert_int_equal(sqlite3_step(st), SQLITE_DONE);
            sqlite3_reset(st);
        }
    }
    sqlite3_finalize(st);
    OK(db_cur_close(c));
    db_close(d);
    assert_true(n_row > 100);
}

static void v_head_unpacks(void **state)
{
    struct db_token tok;
    int32_t pos[8];
    float entropy, weight[8];
    int n_top, n_row = 0;

    (void)state;
    struct db *d = dbtest_reader();
    struct db_cur *c = db_tokens(d, 2, (struct db_window){ 30, 3, 0 });
    sqlite3_stmt *st = ask("SELECT entropy, rank, key_pos, weight FROM v_head "
                           "WHERE path_id = 2 AND pos = ? AND layer = ? AND "
                           "head = ? AND key_pos IS NOT NULL ORDER BY rank");
    while (db_token_next(c, &tok) == 1)
        for (int l = 0; l < 6; l++)
            for (int h = 0; h < MKDB_N_HEAD; h++) {
                assert_int_equal(unpack_head(tok.heads.p, tok.heads.n, l, h,
                                             &entropy, pos, weight, &n_top),
                                 0);
                sqlite3_bind_int(st, 1, tok.pos);
                sqlite3_bind_int(st, 2, l);
                sqlite3_bind_int(st, 3, h);
                for (int i = 0; i < n_top; i++, n_row++) {
                    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
                    assert_true((float)sqlite3_column_double(st, 0) ==
                                entropy);
                    assert_int_equal(sqlite3_column_int(st, 1), i + 1);
                    assert_int_equal(sqlite3_column_int(st, 2), pos[i]);
                    assert_true((float)sqlite3_column_double(st, 3) ==
                                weight[i]);
                }
                assert_int_equal(sqlite3_step(st), SQLITE_DONE);
                sqlite3_reset(st);
            }
    sqlite3_finalize(st);
    OK(db_cur_close(c));
    db_close(d);
    assert_true(n_row > 100);
}

static void v_alt_unpacks(void **state)
{
    struct db_token tok;
    int n_row = 0;

    (void)state;
    struct db *d = dbtest_reader();
    struct db_cur *c = db_tokens(d, 2, (struct db_window){ 0 });
    sqlite3_stmt *st = ask("SELECT rank, token_id, logprob, chosen FROM v_alt "
                           "WHERE path_id = 2 AND pos = ? ORDER BY rank");
    while (db_token_next(c, &tok) == 1) {
        int32_t id;
        float logprob;

        sqlite3_bind_int(st, 1, tok.pos);
        for (int i = 0; unpack_alt(tok.alt.p, tok.alt.n, i, &id, &logprob);
             i++, n_row++) {
            assert_int_equal(sqlite3_step(st), SQLITE_ROW);
            assert_int_equal(sqlite3_column_int(st, 0), i + 1);
            assert_int_equal(sqlite3_column_int(st, 1), id);
            assert_true((float)sqlite3_column_double(st, 2) == logprob);
            assert_int_equal(sqlite3_column_int(st, 3), id == tok.token_id);
        }
        assert_int_equal(sqlite3_step(st), SQLITE_DONE);
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    OK(db_cur_close(c));
    db_close(d);
    assert_true(n_row > 100);
}

/* Every number a uf16 can hold, through the view's own expression. */
static void uf16_is_the_same_in_sql(void **state)
{
    (void)state;
    sqlite3_stmt *st = ask("SELECT ((?1 & 2047) << (?1 >> 11)) / 65536.0, "
        "((?2 + ((?3 & 7) << 8)) << (?3 >> 3)) / 65536.0");
    for (int v = 0; v <= 0xffff; v++) {
        sqlite3_bind_int(st, 1, v);
        sqlite3_bind_int(st, 2, v & 255);
        sqlite3_bind_int(st, 3, v >> 8);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_true((float)sqlite3_column_double(st, 0) ==
                    unpack_uf16((uint16_t)v));
        assert_true((float)sqlite3_column_double(st, 1) ==
                    unpack_uf16((uint16_t)v));
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    assert_int_equal(one("SELECT length(bytes) FROM v_byte"), 256);
}

/* A table that is read whole would take seconds on a million tokens. */
static void keys_use_indexes(void **state)
{
    static const char *const by_key[] = {
        "SELECT * FROM v_layer WHERE path_id = 1 AND pos = 5",
        "SELECT * FROM v_layer WHERE path_id = 1 AND pos = 5 AND layer = 2",
        "SELECT * FROM v_route WHERE path_id = 1 AND pos = 5",
        "SELECT * FROM v_head WHERE path_id = 1 AND pos = 5 AND head = 1",
        "SELECT * FROM v_alt WHERE path_id = 1 AND pos = 5",
        "SELECT * FROM v_token WHERE path_id = 1 AND pos BETWEEN 5 AND 9",
        "SELECT * FROM v_step WHERE path_id = 1 AND ordinal = 1",
        "SELECT * FROM v_step WHERE run_id = 1 AND path = 1",
        "SELECT * FROM v_path WHERE run_id = 1",
        "SELECT * FROM v_run WHERE id = 1",
        "SELECT * FROM v_run ORDER BY started_us DESC LIMIT 5",
        "SELECT * FROM v_vote WHERE run_id = 1",
        "SELECT * FROM v_edge WHERE run_id = 1",
        "SELECT * FROM v_divergence WHERE run_id = 1",
    };
    /* small, or the run itself in the order of its index */
    static const char *const may_scan[] = { "SCAN v_byte", "SCAN v",
        "SCAN CONSTANT ROW", "SCAN (", "SCAN c", "SCAN r USING INDEX" };

    (void)state;
    for (size_t i = 0; i < sizeof by_key / sizeof by_key[0]; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", by_key[i]);
        sqlite3_stmt *st = ask(sql);
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *step = text(st, 3);
            int fine = strncmp(step, "SCAN", 4) != 0;

            for (size_t k = 0; k < sizeof may_scan / sizeof may_scan[0]; k++)
                fine |= strncmp(step, may_scan[k], strlen(may_scan[k])) == 0;
            if (!fine)
                fail_msg("%s: %s", by_key[i], step);
        }
        sqlite3_finalize(st);
    }
}

static void votes_and_edges_read_well(void **state)
{
    (void)state;
    assert_int_equal(one("SELECT count(*) FROM v_vote WHERE run_id = 1 AND "
        "rank = 1 AND answer = '8' AND votes = 6 AND n_voted = 8 AND "
        "share = 0.75 AND margin = 0.5 AND paths = '0,1,3,4,5,7'"), 1);
    assert_int_equal(one("SELECT count(*) FROM v_vote WHERE run_id = 1 AND "
        "rank = 2 AND answer = '12' AND margin = -0.5 AND paths = '2,6'"), 1);
    assert_int_equal(one("SELECT count(*) FROM v_edge WHERE run_id = 1 AND "
        "src = '3fa20000:2:0' AND dst = '3fa20000:2:1' AND kind = 'follows'"),
        1);
    assert_int_equal(one("SELECT count(*) FROM v_edge WHERE kind = 'attends' "
        "AND measured <> 'correlation'"), 0);
    assert_true(one("SELECT count(*) FROM v_edge WHERE note = '3 euros'") > 0);
    assert_int_equal(one("SELECT count(*) FROM v_divergence WHERE run_id = 1"),
                     28);
    assert_int_equal(one("SELECT count(*) FROM v_run WHERE answer = '8' AND "
        "votes = 6 AND n_voted = 8 AND started LIKE '2025-11-24T16:%Z'"), 1);
    assert_int_equal(one("SELECT sum(n_row) FROM v_batch"),
                     one("SELECT sum(n_row) FROM batch_part"));
    assert_int_equal(one("SELECT n_run FROM v_model"), 2);
    /* a step's text is a part of its path's text */
    assert_int_equal(one("SELECT count(*) FROM v_step s JOIN v_path p ON "
        "p.id = s.path_id WHERE NOT instr(p.text, s.text)"), 0);
}

/* The views of another version are made anew by the next writer. */
static void old_views_are_remade(void **state)
{
    sqlite3 *rw;
    char *said = NULL;

    (void)state;
    sqlite3_close(sq);
    assert_int_equal(sqlite3_open(t.path, &rw), SQLITE_OK);
    if (sqlite3_exec(rw, "DROP VIEW v_vote; CREATE VIEW v_old AS SELECT 1; "
                     "UPDATE views_made SET sha256 = zeroblob(32)", NULL, NULL,
                     &said) != SQLITE_OK)
        fail_msg("%s", said);
    sqlite3_close(rw);
    db_writer_close(dbtest_writer());
    sq = NULL;
    sqlite3_open_v2(t.path, &sq, SQLITE_OPEN_READONLY, NULL);
    assert_int_equal(one("SELECT count(*) FROM v_vote WHERE run_id = 1"), 2);
    assert_int_equal(one("SELECT count(*) FROM sqlite_schema "
                         "WHERE name = 'v_old'"), 0);
}

/* A new database is sound, and says what it is. */
static void migrations_are_sound(void **state)
{
    (void)state;
    assert_int_equal(one("PRAGMA user_version"), 8);
    assert_int_equal(one("PRAGMA application_id"), 0x534f5249);
    assert_int_equal(one("PRAGMA page_size"), 8192);
    assert_int_equal(one("SELECT integrity_check = 'ok' FROM "
                         "pragma_integrity_check"), 1);
    assert_int_equal(one("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(one("SELECT count(*) FROM pragma_table_list WHERE "
                         "type = 'table' AND schema = 'main' AND NOT strict "
                         "AND name NOT LIKE 'sqlite%'"), 0);
}

/* A column that a migration adds must not stay out of the chain. */
static void every_table_is_in_the_chain(void **state)
{
    (void)state;
    for (int i = 0; i < TABLES; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT group_concat(name, ', ') || '/' || "
                 "count(*) FROM pragma_table_info('%s')", tables[i].name);
        sqlite3_stmt *st = ask(sql);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        snprintf(sql, sizeof sql, "%s/%d", tables[i].columns,
                 tables[i].n_column);
        assert_string_equal(text(st, 0), sql);
        sqlite3_finalize(st);
        assert_true(tables[i].n_hashed == tables[i].n_column ||
                    i == TABLE_TEXT);
        assert_int_equal(table_find(tables[i].name), i);
    }
    assert_int_equal(table_find("nothing"), TABLES);
    /* and these four are checked in other ways: see chain.c */
    assert_int_equal(one("SELECT count(*) FROM sqlite_schema "
                         "WHERE type = 'table'"), TABLES + 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(v_layer_and_v_route_unpack),
        TEST(v_head_unpacks),
        TEST(v_alt_unpacks),
        TEST(uf16_is_the_same_in_sql),
        TEST(keys_use_indexes),
        TEST(votes_and_edges_read_well),
        TEST(old_views_are_remade),
        TEST(migrations_are_sound),
        TEST(every_table_is_in_the_chain),
    };
    return cmocka_run_group_tests_name("db_views", tests, NULL, NULL);
}
