/* What a policy and a review must refuse, as a script meets it: verdicts that
 * nobody gave, words that mean nothing, sides that nobody is on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/prog.h"

static const char contract[] =
    "NON-DISCLOSURE AGREEMENT\n\n"
    "This Agreement is made between Acme Ltd (\"Discloser\") and Widget Inc. "
    "(\"Recipient\").\n\n"
    "1. Recipient shall keep the Confidential Information secret and shall "
    "use it for the purpose of this Agreement alone.\n\n"
    "2. This Agreement is governed by the laws of Denmark.\n";

static void spill(const char *name, const char *text)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", prog_dir, name);
    prog_spill(path, text, strlen(text));
}

static int setup(void **state)
{
    static char domains[4096];
    char cwd[3072];
    int rc = prog_setup(state);

    if (rc == 0) {
        spill("n.txt", contract);
        if (!getenv("SORITES_DOMAINS") && getcwd(cwd, sizeof cwd)) {
            snprintf(domains, sizeof domains, "%s/domains", cwd);
            setenv("SORITES_DOMAINS", domains, 1);
        }
    }
    return rc;
}

static int verify(const char *policy)
{
    spill("p.json", policy);
    return prog_run("verify last --policy p.json");
}

/* A review by rules alone has no verdict that a policy could vouch for. */
static void no_verdict_is_no_pass(void **state)
{
    static const char *const on_verdicts[] = {
        "{\"minimum_confidence\": 0.9}", "{\"minimum_stability\": 0}",
        "{\"maximum_error_rate\": 1}", "{\"measured\": true}",
        "{\"contrast_passed\": true}", "{\"checks_passed\": true}",
        "{\"coverage\": true}", "{\"located\": true}",
        "{\"forbidden_verdicts\": [\"contradicted\"]}",
    };

    (void)state;
    assert_int_equal(prog_run("review --rules-only -q n.txt"), 0);
    for (size_t i = 0; i < sizeof on_verdicts / sizeof *on_verdicts; i++) {
        assert_int_equal(verify(on_verdicts[i]), 1);
        assert_non_null(strstr(prog_out, "no verdict was given"));
    }
    assert_int_equal(verify("{\"complete\": true}"), 0);
    assert_int_equal(verify("{\"minimum_confidence\": 0.9, "
                            "\"measured\": false}"), 1);
}

static void unknown_verdicts_are_refused(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only -q n.txt"), 0);
    assert_int_equal(verify("{\"forbidden_verdicts\": [\"contradicts\"]}"), 3);
    prog_expect_sentence("no verdict \"contradicts\"");
    assert_int_equal(verify("{\"forbidden_verdicts\": [7]}"), 3);
}

/* A rule that stands twice, or whose number is beyond its scale, would hold or
 * fail whatever the review says. */
static void what_binds_nothing_is_refused(void **state)
{
    static const char *const beyond[] = {
        "{\"minimum_stability\": 2}", "{\"minimum_confidence\": -0.1}",
        "{\"maximum_error_rate\": 1.01}", "{\"maximum_severity\": 9}",
    };

    (void)state;
    assert_int_equal(prog_run("review --rules-only -q n.txt"), 0);
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        assert_int_equal(verify(beyond[i]), 3);
        prog_expect_sentence("must be from 0 to");
    }
    assert_int_equal(verify("{\"maximum_severity\": 3}"), 0);
    assert_int_equal(verify("{\"complete\": true, \"complete\": false}"), 3);
    prog_expect_sentence("the rule \"complete\" stands twice");
}

/* A side is taken by the playbook's word, a role or a name, or refused. */
static void sides_are_known_or_refused(void **state)
{
    static const char *const known[] = {
        "receiving", "Receiving Party", "recipient", "the Recipient",
        "Discloser", "disclosing", "Acme Ltd", "acme",
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(prog_run("review --rules-only -q --party '%s' n.txt",
                                  known[i]), 0);
    assert_int_equal(prog_run("review --rules-only --party Martian n.txt"), 2);
    assert_non_null(strstr(prog_err, "--party Martian"));
    assert_non_null(strstr(prog_err, "receiving, disclosing"));
    assert_non_null(strstr(prog_err, "Acme Ltd (Discloser)"));
    assert_int_equal(prog_run("review --rules-only --party customer n.txt"),
                     2);
}

/* "Nothing was found" must not come from a pack that looks for nothing. */
static void packs_without_contracts_are_refused(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only --domain finance n.txt"),
                     2);
    assert_string_equal(prog_out, "");
    assert_non_null(strstr(prog_err, "assess --domain finance"));
    assert_int_equal(prog_run("review --domain medical -j 2 n.txt n.txt"), 2);
}

/* A claim of one's own ties no clause to itself: that would be a verdict. */
static void what_is_unmeasured_has_no_edges(void **state)
{
    const char *model = getenv("SORITES_TEST_MODEL");

    (void)state;
    if (!model || getenv("SORITES_FAST")) {
        print_message("$SORITES_TEST_MODEL names no model\n");
        skip();
    }
    spill("x.json", "[{\"id\":\"x1\",\"text\":\"Both parties wear hats at "
          "meetings.\"}]");
    assert_int_equal(prog_run("review -m %s -n 1 --claims x.json --json -q "
                              "n.txt", model), 0);
    assert_non_null(strstr(prog_out, "\"id\":\"x1\""));
    assert_non_null(strstr(prog_out, "\"verdict\":\"not_measured\""));
    assert_null(strstr(prog_out, "claim:x1"));
    assert_int_equal(prog_run("sql \"SELECT 'none' AS n WHERE NOT EXISTS "
                              "(SELECT 1 FROM logic WHERE dst_kind = "
                              "'claim')\""), 0);
    assert_non_null(strstr(prog_out, "none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_verdict_is_no_pass),
        cmocka_unit_test(unknown_verdicts_are_refused),
        cmocka_unit_test(what_binds_nothing_is_refused),
        cmocka_unit_test(sides_are_known_or_refused),
        cmocka_unit_test(packs_without_contracts_are_refused),
        cmocka_unit_test(what_is_unmeasured_has_no_edges),
    };

    return cmocka_run_group_tests_name("policy", tests, setup, prog_teardown);
}
