/* The fence around typed SQL: it reads, and nothing else. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "db/chain.h"
#include "db/sql.h"
#include "tests/dbtest.h"

static struct sql *s;
static struct sql_value last[8];        /* of the last row; text not kept */
static int n_column;

static int open_at(int write)
{
    struct sql_opts o = { .write = write, .max_row = SQL_MAX_ROW,
                          .max_ms = SQL_MAX_MS };

    return sql_open(t.path, &o, &s, &t.msg) == SOR_OK ? 0 : -1;
}

static int setup(void **state)
{
    if (dbtest_setup(state) != 0)
        return -1;
    dbtest_make(1);
    return open_at(0);
}

static int teardown(void **state)
{
    sql_close(s);
    return dbtest_teardown(state);
}

static enum sor_err columns(void *ud, int n, const char *const *name)
{
    (void)ud;
    n_column = n;
    for (int i = 0; i < n; i++)
        assert_non_null(name[i]);
    return SOR_OK;
}

static enum sor_err row(void *ud, int n, const struct sql_value *v)
{
    (void)ud;
    memcpy(last, v, (size_t)(n < 8 ? n : 8) * sizeof *v);
    return SOR_OK;
}

static const struct sql_sink sink = { NULL, columns, row };

static enum sor_err run(const char *text, struct sql_result *r)
{
    *r = (struct sql_result){ 0 };
    return sql_run(s, text, &sink, r, &t.msg);
}

static void it_reads(void **state)
{
    struct sql_result r;

    (void)state;
    OK(run("SELECT 1, 2.5, NULL, x'00ff', 'a'", &r));
    assert_int_equal(r.n_row, 1);
    assert_int_equal(n_column, 5);
    assert_int_equal(last[0].i, 1);
    assert_true(last[1].r == 2.5);
    assert_int_equal(last[2].kind, SQL_NULL);
    assert_int_equal(last[3].n, 2);
    assert_int_equal(last[4].kind, SQL_TEXT);
    OK(run("SELECT count(*) FROM v_layer WHERE path_id = 1 AND pos = 5; "
           "SELECT count(*) FROM v_vote;  -- and a comment", &r));
    assert_int_equal(r.n_row, 2);
    assert_int_equal(last[0].i, 2);
    OK(run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
           "WHERE i < 10) SELECT sum(i) FROM n", &r));
    assert_int_equal(last[0].i, 55);
    OK(run("EXPLAIN QUERY PLAN SELECT * FROM token", &r));
    OK(run("SELECT count(*) FROM heads(2, 40)", &r));
    assert_true(last[0].i > 100);
    OK(run("SELECT entropy(value) > 0 FROM json_each('[1, 2]')", &r));
    assert_int_equal(last[0].i, 1);
    OK(run("SELECT * FROM v_token LIMIT 0", &r));
    assert_int_equal(r.n_row, 0);
    OK(run("  ;; ", &r));
    OK(run("", &r));
}

static uint64_t folder_digest(int *n_file)
{
    uint64_t sum = 0;
    DIR *d = opendir(t.dir);
    struct dirent *e;

    *n_file = 0;
    while ((e = readdir(d))) {
        char name[400];
        size_t n;

        if (e->d_name[0] == '.' || strstr(e->d_name, "-shm"))
            continue;           /* -shm: the readers' own marks */
        snprintf(name, sizeof name, "%s/%s", t.dir, e->d_name);
        uint8_t *p = dbtest_bytes(name, &n);
        sum ^= hash_xxh3(p, n, 0);
        mem_free(p);
        ++*n_file;
    }
    closedir(d);
    return sum;
}

static void it_does_not_write(void **state)
{
    static const char *const forbidden[] = {
        "INSERT INTO loss VALUES (9, 1, 1, 1, 'x')",
        "UPDATE token SET pos = 1", "DELETE FROM token",
        "REPLACE INTO number VALUES (1)",
        "CREATE TABLE x(a)", "CREATE TEMP TABLE x(a)",
        "CREATE TEMP VIEW x AS SELECT 1", "CREATE VIEW x AS SELECT 1",
        "CREATE INDEX x ON token(pos)", "DROP TABLE token", "DROP VIEW v_vote",
        "CREATE TRIGGER x AFTER DELETE ON token BEGIN SELECT 1; END",
        "ALTER TABLE token RENAME TO x", "CREATE VIRTUAL TABLE x USING fts5(a)",
        "ATTACH '%s/new.db' AS x", "ATTACH ':memory:' AS x",
        "DETACH main", "VACUUM", "VACUUM INTO '%s/new.db'",
        "REINDEX", "ANALYZE", "BEGIN", "BEGIN IMMEDIATE", "COMMIT",
        "SAVEPOINT x", "PRAGMA writable_schema = ON", "PRAGMA user_version",
        "PRAGMA user_version = 9", "PRAGMA journal_mode = DELETE",
        "PRAGMA temp_store_directory = '%s'", "PRAGMA query_only = OFF",
        "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA hard_heap_limit = 1",
        "SELECT load_extension('x')", "SELECT LOAD_EXTENSION('x', 'y')",
        "SELECT writefile('%s/new.db', 'x')", "SELECT readfile('/etc/passwd')",
        "SELECT edit('x')", "SELECT fts3_tokenizer('x', x'00')",
        "SELECT * FROM pragma_journal_mode",
        "CREATE TEMP VIEW x AS SELECT * FROM heads(1, 1)",
        "CREATE VIRTUAL TABLE x USING heads", "DELETE FROM heads",
        "INSERT INTO topk(path) VALUES (1)", "SELECT * FROM heads",
        "SELECT * FROM heads('; DROP TABLE token', 1)",
        "EXPLAIN DELETE FROM token",
        "SELECT 1; DELETE FROM token",
        "WITH x AS (SELECT 1) DELETE FROM token",
        ".shell touch %s/new.db", "SELEKT 1", "SELECT nothing FROM token",
    };
    int before, after;
    struct sql_result r;

    (void)state;
    uint64_t was = folder_digest(&before);
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        char text[300];
        const char *at = strstr(forbidden[i], "%s");

        snprintf(text, sizeof text, "%.*s%s%s",
                 (int)(at ? (size_t)(at - forbidden[i])
                          : strlen(forbidden[i])), forbidden[i],
                 at ? t.dir : "", at ? at + 2 : "");
        t.msg.text[0] = '\0';
        if (run(text, &r) != SOR_USAGE || !t.msg.text[0])
            fail_msg("%s: %s", text, t.msg.text);
    }
    assert_true(folder_digest(&after) == was);
    assert_int_equal(after, before);
    OK(run("SELECT count(*) FROM token", &r));  /* and still works */
    assert_true(last[0].i > 100);
}

static void endless_queries_end(void **state)
{
    static const char *const endless[] = {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n",
        "SELECT count(*) FROM number a, number b, number c, number d",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i FROM n ORDER BY i DESC",
        "SELECT count(*) FROM number a, number b, heads(1 + a.n % 4)",
    };
    struct sql_result r;

    (void)state;
    for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
        uint64_t from = clock_mono_ns();
        OK(run(endless[i], &r));
        assert_int_equal(r.cut, SQL_CUT_TIME);
        /* 1 s, and room for a busy machine */
        assert_true(clock_mono_ns() - from < 3000000000u);
    }
}

static void long_results_are_cut(void **state)
{
    struct sql_result r;

    (void)state;
    OK(run("SELECT a.n FROM number a, number b LIMIT 10000", &r));
    assert_int_equal(r.cut, SQL_WHOLE);
    OK(run("SELECT a.n FROM number a, number b LIMIT 10001", &r));
    assert_int_equal(r.cut, SQL_CUT_ROWS);
    assert_int_equal(r.n_row, SQL_MAX_ROW);
}

static void big_values_are_refused(void **state)
{
    struct sql_result r;

    (void)state;
    assert_int_equal(run("SELECT zeroblob(900000000)", &r), SOR_LIMIT);
    OK(run("SELECT coalesce(length(printf('%.900000000c', 'x')), 0)", &r));
    assert_int_equal(last[0].i, 0);     /* SQLite gives nothing instead */
    /* sixty gigabytes to be sorted */
    assert_int_equal(run("SELECT randomblob(60000000) AS b FROM number "
                         "ORDER BY b", &r), SOR_LIMIT);
    OK(run("SELECT count(*) FROM token", &r));
}

static int at_once(void *ud)
{
    (void)ud;
    return 1;
}

static void it_can_be_stopped(void **state)
{
    struct sql_opts o = { .cancelled = at_once };
    struct sql_result r;

    (void)state;
    sql_close(s);
    s = NULL;
    OK(sql_open(t.path, &o, &s, &t.msg));
    assert_int_equal(run("SELECT count(*) FROM number a, number b, number c",
                         &r), SOR_INTERRUPTED);
}

static enum sor_err full(void *ud, int n, const struct sql_value *v)
{
    (void)ud, (void)n, (void)v;
    return SOR_IO;
}

static void a_failing_sink_ends_it(void **state)
{
    const struct sql_sink broken = { NULL, columns, full };
    struct sql_result r;

    (void)state;
    assert_int_equal(sql_run(s, "SELECT n FROM number", &broken, &r, &t.msg),
                     SOR_IO);
}

static void writing_takes_the_lock_and_shows(void **state)
{
    struct sql_result r;
    struct chain_report report;
    struct db_writer *w = NULL;

    (void)state;
    sql_close(s);
    s = NULL;
    assert_int_equal(open_at(1), 0);
    assert_int_equal(db_writer_open(t.path, NULL, &w, &t.msg), SOR_BUSY);
    OK(run("UPDATE run SET temperature = 0", &r));
    assert_int_equal(r.n_changed, 1);
    assert_int_not_equal(run("ATTACH ':memory:' AS x", &r), SOR_OK);
    assert_int_not_equal(run("SELECT load_extension('x')", &r), SOR_OK);
    sql_close(s);
    s = NULL;

    struct db *d = dbtest_reader();
    OK(chain_verify(d, &report, &t.msg));
    assert_int_equal(report.ok, 0);
    db_close(d);
}

static void statements_are_told_from_their_beginnings(void **state)
{
    (void)state;
    assert_int_equal(sql_complete("SELECT 1;"), 1);
    assert_int_equal(sql_complete("SELECT 1"), 0);
    assert_int_equal(sql_complete("SELECT ';"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_reads),
        TEST(it_does_not_write),
        TEST(endless_queries_end),
        TEST(long_results_are_cut),
        TEST(big_values_are_refused),
        TEST(it_can_be_stopped),
        TEST(a_failing_sink_ends_it),
        TEST(writing_takes_the_lock_and_shows),
        TEST(statements_are_told_from_their_beginnings),
    };
    return cmocka_run_group_tests_name("sql_fence", tests, NULL, NULL);
}
