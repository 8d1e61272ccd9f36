/* docs/cookbook.md: every query runs behind the fence, has rows to show, and
 * walks through no table that grows with the tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "db/sql.h"
#include "tests/cookbook.h"
#include "tests/dbtest.h"

static struct cookbook page[COOKBOOK_MAX];
static int n_query;
static struct sql *s;
static struct str told;                 /* the first text of each row */

static int setup(void **state)
{
    struct sql_opts o = { .max_row = SQL_MAX_ROW };

    n_query = cookbook_read("docs/cookbook.md", page);
    str_init(&told);
    if (dbtest_setup(state) != 0)
        return -1;
    OK(cookbook_db(t.path, 4, 100, &t.msg));
    return sql_open(t.path, &o, &s, &t.msg) == SOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sql_close(s);
    str_release(&told);
    return dbtest_teardown(state);
}

static enum sor_err columns(void *ud, int n, const char *const *name)
{
    (void)ud, (void)n, (void)name;
    return SOR_OK;
}

static enum sor_err row(void *ud, int n, const struct sql_value *v)
{
    (void)ud;
    for (int i = 0; i < n; i++)
        if (v[i].kind == SQL_TEXT) {
            str_put(&told, v[i].p, v[i].n);
            str_putc(&told, '\n');
        }
    return SOR_OK;
}

static int64_t run(const char *title, const char *before, const char *sql)
{
    const struct sql_sink sink = { NULL, columns, row };
    struct sql_result r = { 0 };
    struct str text;

    str_init(&text);
    str_puts(&text, before);
    str_puts(&text, sql);
    str_clear(&told);
    if (sql_run(s, text.p, &sink, &r, &t.msg) != SOR_OK)
        fail_msg("%s: %s", title, t.msg.text);
    str_release(&text);
    return r.n_row;
}

static void there_are_thirty(void **state)
{
    (void)state;
    assert_int_equal(n_query, 30);
    for (int i = 0; i < n_query; i++) {
        char number[16];

        snprintf(number, sizeof number, "%d. ", i + 1);
        if (strncmp(page[i].title, number, strlen(number)) != 0 ||
            !sql_complete(page[i].sql))
            fail_msg("%s", page[i].title);
    }
}

static void each_has_an_answer(void **state)
{
    (void)state;
    for (int i = 0; i < n_query; i++)
        if (run(page[i].title, "", page[i].sql) == 0)
            fail_msg("%s: no rows", page[i].title);
}

/* Every table that is walked through, by the name that a plan gives it: those
 * of one row per run, path, finding or decision, and what the database is not
 * asked for. */
static int may_be_scanned(const char *name)
{
    static const char *const names[] = { "v_byte", "CONSTANT ROW", "(", "v",
        "c", "r", "e", "p", "q", "pe", "a", "d", "b", "k", "h", "heads",
        "topk", "lens_at", "path_diff", "v_run", "number", "o", "x",
        "review" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(name, names[i], n) == 0 &&
            (name[n] == '\0' || name[n] == ' ' || name[n] == '\n' ||
             *name == '('))
            return 1;
    }
    return 0;
}

static void none_walks_through_a_large_table(void **state)
{
    (void)state;
    for (int i = 0; i < n_query; i++) {
        assert_true(run(page[i].title, "EXPLAIN QUERY PLAN ", page[i].sql) > 0);
        for (const char *p = told.p; (p = strstr(p, "SCAN ")); p += 5)
            if (!may_be_scanned(p + 5))
                fail_msg("%s:\n%s", page[i].title, told.p);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_are_thirty),
        TEST(each_has_an_answer),
        TEST(none_walks_through_a_large_table),
    };
    return cmocka_run_group_tests_name("cookbook", tests, NULL, NULL);
}
