/* The functions that we add to SQL: against the packed rows, the views, and
 * what can be worked out by hand; and sorites.so in other people's SQLite. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sqlfunc.h"
#include "tests/dbtest.h"

static sqlite3 *sq;

static int setup(void **state)
{
    if (dbtest_setup(state) != 0)
        return -1;
    dbtest_make(2);
    if (sqlite3_open_v2(t.path, &sq, SQLITE_OPEN_READWRITE, NULL))
        return -1;
    return sqlfunc_register(sq);
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

static double real(const char *sql)
{
    sqlite3_stmt *st = ask(sql);

    if (sqlite3_step(st) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
    double v = sqlite3_column_double(st, 0);
    sqlite3_finalize(st);
    return v;
}

static int64_t one(const char *sql)
{
    return (int64_t)real(sql);
}

static int is_null(const char *sql)
{
    sqlite3_stmt *st = ask(sql);

    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int null = sqlite3_column_type(st, 0) == SQLITE_NULL;
    sqlite3_finalize(st);
    return null;
}

/* The first column of every row, with a space between. */
static const char *list(const char *sql)
{
    static char out[4000];
    sqlite3_stmt *st = ask(sql);
    size_t n = 0;

    out[0] = '\0';
    while (sqlite3_step(st) == SQLITE_ROW)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", n ? " " : "",
                              (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return out;
}

/* It fails, with these words. */
static void refuses(const char *sql, const char *words)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(sq, sql, -1, &st, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW)
        rc = sqlite3_step(st);
    sqlite3_finalize(st);
    if (rc == SQLITE_DONE || !strstr(sqlite3_errmsg(sq), words))
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
}

/* --- rows ---------------------------------------------------------------- */

/* Both ways: no row of one lacks in the other. */
static void agree(const char *a, const char *b)
{
    char sql[1000];

    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s EXCEPT %s)",
                 i ? b : a, i ? a : b);
        if (one(sql) != 0)
            fail_msg("%s", sql);
    }
    snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s)", a);
    assert_true(one(sql) > 0);
}

static void heads_are_those_of_the_view(void **state)
{
    (void)state;
    agree("SELECT layer, head, entropy, rank, key_pos, weight "
          "FROM heads(2, 40)",
          "SELECT layer, head, entropy, rank, key_pos, weight FROM v_head "
          "WHERE path_id = 2 AND pos = 40 AND key_pos IS NOT NULL");
    /* a prompt's token is stored under another path */
    agree("SELECT layer, head, rank, key_pos FROM heads(2, 1)",
          "SELECT layer, head, rank, key_pos FROM v_head "
          "WHERE path_id = 2 AND pos = 1 AND key_pos IS NOT NULL");
    agree("SELECT pos, layer, head, rank, weight FROM heads(3)",
          "SELECT pos, layer, head, rank, weight FROM v_head "
          "WHERE path_id = 3 AND key_pos IS NOT NULL");
    assert_int_equal(one("SELECT count(*) FROM heads(2, 999999)"), 0);
    assert_int_equal(one("SELECT count(*) FROM heads(99, 1)"), 0);
    assert_int_equal(one("SELECT count(*) FROM heads(NULL, 1)"), 0);
    assert_int_equal(one("SELECT count(*) FROM heads(1, NULL)"), 0);
}

static void topk_is_that_of_the_view(void **state)
{
    (void)state;
    agree("SELECT pos, rank, token_id, text, logprob, chosen FROM topk(2)",
          "SELECT pos, rank, token_id, text, logprob, chosen FROM v_alt "
          "WHERE path_id = 2");
    agree("SELECT rank, text FROM topk(2, 45, 3)",
          "SELECT rank, text FROM v_alt WHERE path_id = 2 AND pos = 45 AND "
          "rank <= 3");
    assert_int_equal(one("SELECT count(*) FROM topk(2, 45, 0)"), 0);
    assert_int_equal(one("SELECT count(*) FROM topk(2, 45, -1)"), 0);
    assert_int_equal(one("SELECT count(*) FROM topk(1, 0)"), 0);
}

static void addresses_name_paths_and_steps(void **state)
{
    (void)state;
    agree("SELECT rank, text FROM topk('3fa20000:2', 45)",
          "SELECT rank, text FROM topk((SELECT p.id FROM v_path p WHERE "
          "p.ordinal = 2 AND p.uid LIKE '3fa20000%'), 45)");
    agree("SELECT op, text FROM path_diff('last:1', 'last:2')",
          "SELECT op, text FROM path_diff((SELECT id FROM path WHERE "
          "ordinal = 1 AND run_id = 2), (SELECT id FROM path WHERE "
          "ordinal = 2 AND run_id = 2))");
    assert_int_equal(one("SELECT count(*) FROM topk('1', 45)"),
                     one("SELECT count(*) FROM topk(1, 45)"));
    refuses("SELECT * FROM topk('3fa20000:99', 1)", "is not there");
    refuses("SELECT * FROM topk('3fa2:1', 1)", "not the only one");
    refuses("SELECT * FROM topk('last', 1)", "neither an id nor RUN:PATH");
    refuses("SELECT * FROM topk('last:1:2', 1)", "neither");
    refuses("SELECT * FROM topk('last:-1', 1)", "neither");
    refuses("SELECT * FROM ancestor_step('last:1')", "RUN:PATH:STEP");
    refuses("SELECT * FROM ancestor_step('last:1:99')", "is not there");
    refuses("SELECT * FROM heads", "an argument is missing");
    refuses("SELECT * FROM path_diff(1)", "an argument is missing");
}

/* --- steps --------------------------------------------------------------- */

static const char add_edges[] =
    "INSERT INTO edge SELECT 9000 + n, 1, 'refers_to', 'step', 9000 + n, "
    "'step', 9001 + n, 1.0, 'rule', NULL FROM number WHERE n < 10;"
    "INSERT INTO edge VALUES (9100, 1, 'shares', 'step', 9002, 'step', 9008, "
    "0.5, 'rule', NULL), (9101, 1, 'follows', 'step', 9010, 'step', 9000, "
    "1.0, 'rule', NULL), (9102, 1, 'concludes', 'step', 9010, 'answer', 1, "
    "1.0, 'rule', NULL)";

/* A chain 9000 .. 9010 with a short cut 9002 -> 9008, closed to a ring. */
static void steps_are_walked_breadth_first(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_exec(sq, add_edges, NULL, NULL, NULL), SQLITE_OK);
    assert_string_equal(list("SELECT id || '/' || depth || '/' || via || '/' "
        "|| kind FROM descendant_step(9001) LIMIT 4"),
        "9002/1/9001/refers_to 9003/2/9002/refers_to 9008/2/9002/shares "
        "9004/3/9003/refers_to");
    assert_string_equal(list("SELECT id FROM ancestor_step(9009) LIMIT 5"),
                        "9008 9007 9002 9006 9001");
    /* a ring ends, and a step is not among its own */
    assert_int_equal(one("SELECT count(*) FROM ancestor_step(9005)"), 10);
    assert_int_equal(one("SELECT count(*) FROM ancestor_step(9005) "
                         "WHERE id = 9005"), 0);
    assert_string_equal(list("SELECT id FROM ancestor_step(9003, "
                             "'refers_to')"), "9002 9001 9000");
    assert_int_equal(one("SELECT count(*) FROM descendant_step(9003, "
                         "'nothing')"), 0);
    assert_int_equal(one("SELECT count(*) FROM ancestor_step(NULL)"), 0);
    assert_int_equal(one("SELECT count(*) FROM ancestor_step(123456)"), 0);
    assert_true(real("SELECT weight FROM ancestor_step(9008) WHERE "
                     "id = 9002") == 0.5);
}

/* As the other table of a join the function is called once for each row. */
static void functions_join(void **state)
{
    (void)state;
    assert_int_equal(one("SELECT count(*) FROM v_step s, ancestor_step(s.id, "
        "'follows') a WHERE s.run_id = 1 AND s.ordinal = 3"),
        3 * one("SELECT count(*) FROM v_step WHERE run_id = 1 AND "
                "ordinal = 3"));
    assert_int_equal(one("SELECT count(*) FROM v_token k JOIN "
        "topk(k.path_id, k.pos, 1) a ON a.chosen WHERE k.path_id = 2"),
        one("SELECT count(*) FROM v_alt WHERE path_id = 2 AND rank = 1 AND "
            "chosen"));
}

/* --- path_diff ----------------------------------------------------------- */

/* A path over these token ids, at the end of run 1. */
static void put_path(int id, const char *tokens)
{
    char sql[300];
    int pos = 0;

    snprintf(sql, sizeof sql, "INSERT INTO path VALUES (%d, 1, %d, 'sample', "
             "NULL, 0, 1, '{}'); INSERT INTO path_span VALUES (%d, %d, %d, 0, "
             "2147483647)", id, id, id, id, id);
    assert_int_equal(sqlite3_exec(sq, sql, NULL, NULL, NULL), SQLITE_OK);
    for (const char *p = tokens; *p; p++, pos++) {
        snprintf(sql, sizeof sql, "INSERT INTO token (path_id, pos, token_id, "
                 "logprob) VALUES (%d, %d, %d, -0.5)", id, pos, *p);
        assert_int_equal(sqlite3_exec(sq, sql, NULL, NULL, NULL), SQLITE_OK);
    }
}

static const char script[] =
    "SELECT group_concat(op || char(token_id), ' ') FROM path_diff(801, 802)";

static void diff_is_the_shortest(void **state)
{
    static const struct { const char *a, *b, *script; int edits; } pairs[] = {
        { "abc", "abc", "=a =b =c", 0 },
        { "abc", "axc", "=a -b +x =c", 2 },
        { "abc", "abcd", "=a =b =c +d", 1 },
        { "abcd", "bcd", "-a =b =c =d", 1 },
        { "", "ab", "+a +b", 2 },
        { "ab", "", "-a -b", 2 },
        { "abcabba", "cbabac", NULL, 5 },       /* Myers' own example */
        { "xaxbxc", "abc", NULL, 3 },
        { "kitten", "sitting", NULL, 5 },
        { "aaaaaaaa", "aaaa", NULL, 4 },
        { "abcdefgh", "hgfedcba", NULL, 14 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        put_path(801, pairs[i].a);
        put_path(802, pairs[i].b);
        if (pairs[i].script)
            assert_string_equal(list(script), pairs[i].script);
        if (one("SELECT count(*) FROM path_diff(801, 802) WHERE op <> '='") !=
            pairs[i].edits)
            fail_msg("%s %s: %s", pairs[i].a, pairs[i].b, list(script));
        /* whatever it says, it leads from a to b */
        assert_string_equal(list("SELECT coalesce(group_concat(char(token_id),"
            " ''), '') FROM path_diff(801, 802) WHERE op <> '+'"), pairs[i].a);
        assert_string_equal(list("SELECT coalesce(group_concat(char(token_id),"
            " ''), '') FROM path_diff(801, 802) WHERE op <> '-'"), pairs[i].b);
        assert_int_equal(sqlite3_exec(sq, "DELETE FROM token WHERE path_id > "
            "800; DELETE FROM path_span WHERE path_id > 800; DELETE FROM path "
            "WHERE id > 800", NULL, NULL, NULL), SQLITE_OK);
    }
}

/* Too far apart to be aligned: still from a to b, and soon. */
static void diff_gives_up_in_time(void **state)
{
    (void)state;
    put_path(801, "a");
    put_path(802, "a");
    assert_int_equal(sqlite3_exec(sq, "INSERT INTO token (path_id, pos, "
        "token_id) SELECT p.n, 1 + a.n + 1024 * b.n, 2 * (a.n + 1024 * b.n) + "
        "(p.n = 802) FROM number p, number a, number b WHERE p.n IN (801, 802)"
        " AND b.n < 9", NULL, NULL, NULL), SQLITE_OK);
    assert_string_equal(list("SELECT group_concat(op || n, ' ') FROM (SELECT "
        "op, count(*) AS n FROM path_diff(801, 802) GROUP BY op ORDER BY op)"),
        "+9216 -9216 =1");
}

static void diff_tells_the_numbers(void **state)
{
    (void)state;
    agree("SELECT pos_a, text, logprob_a FROM path_diff(1, 3) WHERE op <> '+'",
          "SELECT pos, text, logprob FROM v_token WHERE path_id = 1");
    agree("SELECT pos_b, text, logprob_b FROM path_diff(1, 3) WHERE op <> '-'",
          "SELECT pos, text, logprob FROM v_token WHERE path_id = 3");
    /* it starts to differ where the recorder found so */
    assert_int_equal(one("SELECT min(coalesce(pos_a, pos_b)) FROM "
        "path_diff(1, 3) WHERE op <> '='"),
        one("SELECT pos FROM divergence WHERE path_a = 1 AND path_b = 3"));
    assert_int_equal(one("SELECT count(*) FROM path_diff(2, 2) WHERE "
                         "op <> '='"), 0);
}

/* --- experiments --------------------------------------------------------- */

/* Lenses of path 2 in the prompt, which all paths share, and behind it. */
static const char add_probes[] =
    "INSERT INTO probe SELECT n, 1, 2, 1, CASE n WHEN 3 THEN 'ablate' ELSE "
    "'lens' END, CASE n WHEN 1 THEN 20 ELSE 45 END, zeroblob(32), '{}', "
    "(SELECT min(token_id) FROM piece), -0.5, 'ref', '1', 1, 1 FROM number "
    "WHERE n IN (1, 2, 3);"
    "INSERT INTO lens VALUES (1, 1, -1, 900, -9.0, 5.0, 3.0), "
    "(2, 1, 0, 1, -0.5, 1.0, 0.0), (3, 2, 0, 1, -0.5, 1.0, 0.0);"
    "INSERT INTO lens_top SELECT 1, 1, 0, 1, min(token_id), -0.5 FROM piece;"
    "INSERT INTO effect VALUES (1, 3, 'zero', 'intervention', 2, 4, -1, -1, "
    "-0.75, 0.1, 7), (2, 3, 'recompute', 'causal', -1, -1, 5, 9, -2.5, 0.9, 7)";

static void experiments_are_read_or_named(void **state)
{
    (void)state;
    assert_string_equal(list("SELECT compute FROM lens_at(2, 20)"),
                        "sorites lens 3fa20000:1@20");
    assert_int_equal(sqlite3_exec(sq, add_probes, NULL, NULL, NULL),
                     SQLITE_OK);
    assert_string_equal(list("SELECT layer || '/' || rank || '/' || "
        "coalesce(top_text = text, '') || '/' || (compute IS NULL) FROM "
        "lens_at(2, 20)"), "-1/900//1 0/1/1/1");
    /* what holds for a prefix holds for all paths that begin with it */
    assert_int_equal(one("SELECT count(layer) FROM lens_at(1, 20)"), 2);
    assert_int_equal(one("SELECT count(layer) FROM lens_at('3fa20000:7', "
                         "20)"), 2);
    assert_int_equal(one("SELECT count(layer) FROM lens_at(2, 45)"), 1);
    assert_string_equal(list("SELECT compute FROM lens_at(3, 45)"),
                        "sorites lens 3fa20000:2@45");
    assert_string_equal(list("SELECT how || '/' || measured || '/' || layer "
        "|| '/' || span_from || '/' || logprob_after FROM ablation_at(2, 45)"),
        "recompute/causal/-1/5/-2.5 zero/intervention/2/-1/-0.75");
    assert_string_equal(list("SELECT compute FROM ablation_at(2, 44)"),
                        "sorites ablate 3fa20000:1@44");
    assert_int_equal(one("SELECT count(*) FROM lens_at(99, 1)"), 0);
    assert_int_equal(one("SELECT count(*) FROM lens_at(1, NULL)"), 0);
    refuses("SELECT * FROM lens_at(1)", "an argument is missing");
}

/* --- aggregates ---------------------------------------------------------- */

static void near(const char *sql, double want)
{
    double got = real(sql);

    if (!(fabs(got - want) < 1e-12))
        fail_msg("%s: %.17g, not %.17g", sql, got, want);
}

static void entropy_is_in_nats(void **state)
{
    (void)state;
    near("SELECT entropy(n >= 0) FROM number WHERE n < 8", log(8));
    near("SELECT entropy(column1) FROM (VALUES (3), (1))",
         -0.75 * log(0.75) - 0.25 * log(0.25));
    near("SELECT entropy(column1) FROM (VALUES (5.0), (0), (NULL))", 0.0);
    near("SELECT entropy(column1) FROM (VALUES (1e300), (1e300))", log(2));
    assert_true(is_null("SELECT entropy(1) FROM number WHERE n < 0"));
    assert_true(is_null("SELECT entropy(0)"));
    refuses("SELECT entropy(-1)", "negative");
    refuses("SELECT entropy(9e999)", "not finite");
}

static void softmax_sums_to_one(void **state)
{
    (void)state;
    near("SELECT softmax(column1, column1 = 0) FROM (VALUES (0), (1), (-1))",
         1.0 / (1.0 + exp(1.0) + exp(-1.0)));
    near("SELECT softmax(column1, column1 > 1e6) FROM (VALUES (1e6), "
         "(1e6 + 1))", 1.0 / (1.0 + exp(-1.0)));
    near("SELECT softmax(column1, 1) FROM (VALUES (-900), (-901), (NULL))",
         1.0);
    near("SELECT sum(value) FROM json_each((SELECT softmax(n / 10.0) FROM "
         "number))", 1.0);
    near("SELECT value FROM json_each((SELECT softmax(column1) FROM "
         "(VALUES (1e4), (NULL), (1e4 + 2)))) WHERE key = 2",
         1.0 / (1.0 + exp(-2.0)));
    assert_true(is_null("SELECT softmax(1) FROM number WHERE n < 0"));
    assert_true(is_null("SELECT softmax(NULL, 1)"));
    assert_string_equal(list("SELECT softmax(7)"), "[1.0]");
}

/* --- the fence ----------------------------------------------------------- */

/* A file whose `token` is the function over `token` must not recurse: the
 * schema of a stranger may not call what runs SQL of its own. */
static void schemas_may_not_call_them(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_exec(sq, "CREATE VIEW a AS SELECT * FROM "
        "heads(1, 1); CREATE VIEW b AS SELECT entropy(n) FROM number", NULL,
        NULL, NULL), SQLITE_OK);
    refuses("SELECT * FROM a", "unsafe use");
    sqlite3_db_config(sq, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    refuses("SELECT * FROM a", "unsafe use");
    assert_true(real("SELECT * FROM b") > 0);   /* arithmetic is harmless */
    refuses("CREATE VIRTUAL TABLE x USING heads", "no such module");
    refuses("DELETE FROM heads", "may not be modified");
}

/* Damaged blobs give fewer rows, never a crash. */
static void damaged_blobs_end_early(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_exec(sq, "UPDATE token SET heads = "
        "substr(heads, 1, length(heads) - pos % 7), alt = substr(alt, 1, "
        "pos % 31); UPDATE token SET heads = randomblob(40) WHERE pos % 7 = 1;"
        "UPDATE token SET heads = zeroblob(0) WHERE pos % 7 = 2; "
        "UPDATE token SET heads = x'01ffffffffff' WHERE pos % 7 = 3", NULL,
        NULL, NULL), SQLITE_OK);
    assert_true(one("SELECT count(*) FROM heads(1)") > 0);
    assert_int_equal(one("SELECT count(*) FROM heads(1) WHERE pos % 7 <> 0"),
                     0);
    assert_true(one("SELECT count(*) FROM topk(2)") > 0);
}

static void other_databases_are_refused(void **state)
{
    (void)state;
    sqlite3_close(sq);
    assert_int_equal(sqlite3_open(":memory:", &sq), SQLITE_OK);
    assert_int_equal(sqlfunc_register(sq), SQLITE_OK);
    refuses("SELECT * FROM heads(1, 1)", "no such table");
    refuses("SELECT * FROM ancestor_step(1)", "no such table");
    refuses("SELECT * FROM path_diff('x:1', 2)", "no such table");
    near("SELECT entropy(1) FROM (VALUES (1), (1))", log(2));
}

/* --- out of memory ------------------------------------------------------- */

static sqlite3_mem_methods real_heap;
static int fail_at, failed;             /* the nth from now; 0: none */

static int fails(void)
{
    if (fail_at && --fail_at == 0)
        failed = 1;
    return failed;                      /* once out, it stays out */
}

static void *heap_malloc(int n)
{
    return fails() ? NULL : real_heap.xMalloc(n);
}

static void *heap_realloc(void *p, int n)
{
    return fails() ? NULL : real_heap.xRealloc(p, n);
}

/* Before SQLite is used at all. */
static void watch_the_heap(void)
{
    sqlite3_mem_methods mine;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_heap);
    mine = real_heap;
    mine.xMalloc = heap_malloc;
    mine.xRealloc = heap_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &mine);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

static int run_all(const char *sql)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(sq, sql, -1, &st, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW)
        rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc;
}

/* Each allocation of each function fails once, with all that follow: the
 * query fails, and the next one works. */
static void out_of_memory_is_an_error(void **state)
{
    static const char *const queries[] = {
        "SELECT * FROM heads('last:2', 40)", "SELECT * FROM topk(2, 45)",
        "SELECT * FROM ancestor_step(5)", "SELECT * FROM path_diff(1, 3)",
        "SELECT * FROM lens_at(1, 40)",
        "SELECT entropy(n), softmax(n), softmax(n, 1) FROM number",
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        int rc = SQLITE_NOMEM, n = 0;

        while (rc != SQLITE_DONE && ++n < 5000) {
            fail_at = n;
            rc = run_all(queries[i]);
            fail_at = failed = 0;
            if (rc != SQLITE_DONE && rc != SQLITE_NOMEM && rc != SQLITE_ERROR)
                fail_msg("%s: %d at allocation %d", queries[i], rc, n);
            /* also reads the schema again, which SQLite forgot */
            assert_int_equal(run_all("SELECT 1 FROM run"), SQLITE_DONE);
        }
        if (n <= 5 || n == 5000)
            fail_msg("%s: %d allocations", queries[i], n);
        assert_int_equal(run_all(queries[i]), SQLITE_DONE);
    }
}

/* --- sorites.so ---------------------------------------------------------- */

/* Runs a command that finds the two files in $DB and $SO, and looks for `want`
 * in what it says.  Skips where the extension or the program is not here. */
static void says(const char *program, const char *command, const char *want)
{
    const char *prog = getenv("SORITES_PROG");
    char so[300], test[100], out[4000];
    size_t n;
    FILE *p;

    snprintf(so, sizeof so, "%s.so", prog ? prog : "");
    snprintf(test, sizeof test, "command -v %s >/dev/null", program);
    if (access(so, R_OK) != 0 || system(test) != 0)
        skip();
    setenv("DB", t.path, 1);
    setenv("SO", so, 1);
    p = popen(command, "r");
    assert_non_null(p);
    n = fread(out, 1, sizeof out - 1, p);
    out[n] = '\0';
    pclose(p);
    if (!strstr(out, want))
        fail_msg("%s: %s", command, out);
}

static void it_loads_in_the_sqlite3_shell(void **state)
{
    (void)state;
    says("sqlite3", "sqlite3 \"$DB\" \".load $SO\" 'SELECT count(*) FROM "
         "heads(2, 40)' 2>&1", "216\n");
}

static void it_loads_in_python(void **state)
{
    (void)state;
    says("python3", "python3 -c 'import os, sqlite3\n"
         "c = sqlite3.connect(os.environ[\"DB\"])\n"
         "if hasattr(c, \"enable_load_extension\"):\n"
         "    c.enable_load_extension(True)\n"
         "    c.load_extension(os.environ[\"SO\"])\n"
         "    print(c.execute(\"SELECT count(*), entropy(weight) > 0 FROM "
         "heads(2, 40)\").fetchall())\n"
         "else:\n"
         "    print(\"(216, 1) if it could load any\")' 2>&1", "(216, 1)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heads_are_those_of_the_view),
        TEST(topk_is_that_of_the_view),
        TEST(addresses_name_paths_and_steps),
        TEST(steps_are_walked_breadth_first),
        TEST(functions_join),
        TEST(diff_is_the_shortest),
        TEST(diff_gives_up_in_time),
        TEST(diff_tells_the_numbers),
        TEST(experiments_are_read_or_named),
        TEST(entropy_is_in_nats),
        TEST(softmax_sums_to_one),
        TEST(schemas_may_not_call_them),
        TEST(damaged_blobs_end_early),
        TEST(other_databases_are_refused),
        TEST(out_of_memory_is_an_error),
        TEST(it_loads_in_the_sqlite3_shell),
        TEST(it_loads_in_python),
    };
    watch_the_heap();
    return cmocka_run_group_tests_name("sqlfunc", tests, NULL, NULL);
}
