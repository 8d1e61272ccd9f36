/* What every report says beside a claim that got no verdict: why, and which
 * clauses are worth a look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/dbtest.h"
#include "tests/mkreview.h"
#include "viz/report.h"

static struct db *db;
static struct report *report;

static int setup(void **state)
{
    int64_t id;

    if (dbtest_setup(state))
        return -1;
    OK(mkreview(t.path, &(struct mkreview_opts){ .open = 1 }, &t.msg));
    db = dbtest_reader();
    OK(db_find_run(db, "last", &id, &t.msg));
    OK(report_load(db, id, &report, &t.msg));
    return 0;
}

static int teardown(void **state)
{
    report_close(report);
    db_close(db);
    return dbtest_teardown(state);
}

static const struct db_claim *claim(const char *name)
{
    for (int i = 0; i < report_n(report, DB_CLAIM); i++) {
        const struct db_claim *c = report_row(report, DB_CLAIM, i);

        if (strcmp(c->name, name) == 0)
            return c;
    }
    fail_msg("no claim %s", name);
    return NULL;
}

/* A path without the best passage and a clause struck out oppose nothing. */
static void what_is_only_unlikely_says_so(void **state)
{
    const struct db_claim *c = claim("unsure");
    struct str said;

    (void)state;
    str_init(&said);
    report_put_worth(report, c, report_verdict(report, c->id), &said);
    assert_non_null(strstr(said.p, "not likely enough for a verdict"));
    str_clear(&said);
    c = claim("nda-17");
    report_put_worth(report, c, report_verdict(report, c->id), &said);
    assert_null(strstr(said.p, "not likely enough"));
    str_release(&said);
}

static int n_evidence(const char *name)
{
    int at = 0, n = 0;

    while (report_evidence(report, claim(name)->id, &at))
        n++;
    return n;
}

static void clauses_that_hardly_bear_are_left_out(void **state)
{
    struct str md;

    (void)state;
    assert_int_equal(n_evidence("nda-17"), 1);
    assert_int_equal(n_evidence("ranked"), 1);
    assert_int_equal(n_evidence("silent"), 0);
    str_init(&md);
    report_markdown(report, &md);
    assert_non_null(strstr(md.p, "Ranked clauses:"));
    assert_non_null(strstr(md.p, "No clause bears on it."));
    assert_null(strstr(md.p, "(0.00)"));
    str_clear(&md);
    report_html(report, NULL, &md);
    assert_non_null(strstr(md.p, "<p>No clause bears on it.</p>"));
    str_release(&md);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_only_unlikely_says_so, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(clauses_that_hardly_bear_are_left_out,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
