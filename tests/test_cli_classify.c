/* sorites classify, as a script meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/models.h"
#include "tests/prog.h"

static char domains[1024];

static int setup(void **state)
{
    char cwd[900];

    if (prog_setup(state) || !getcwd(cwd, sizeof cwd))
        return -1;
    snprintf(domains, sizeof domains, "%s/domains/legal", cwd);
    return 0;
}

static void spill(const char *leaf, const char *text)
{
    char path[96];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    prog_spill(path, text, strlen(text));
}

static const char *model(void)
{
    if (!models_real()) {
        print_message("no $SORITES_TEST_MODEL\n");
        skip();
    }
    return models_real();
}

static void lines_are_answered_in_their_order(void **state)
{
    const char *first, *second, *third;

    (void)state;
    spill("in", "{\"id\":\"a\",\"text\":\"This Agreement shall be governed by "
                "the laws of the State of Delaware.\"}\n"
                "{\"id\":7,\"text\":\"The Receiving Party may disclose "
                "Confidential Information to its employees who need to know "
                "it.\",\"context\":\"\",\"statements\":[\"The Receiving Party "
                "may share the information with some of its employees.\"]}\n"
                "{\"text\":\"The weather was fine and the children played in "
                "the garden.\"}\n"
                "{\"id\":\"e\",\"text\":\" (1)\"}\n");
    assert_int_equal(prog_run("classify -m %s --domain %s in", model(),
                              domains), 0);
    assert_string_equal(prog_err, "");
    first = strstr(prog_out, "{\"id\":\"a\",\"label\":\"Governing Law\","
                             "\"score\":0.9");
    second = strstr(prog_out, "\n{\"id\":7,\"relations\":[{\"statement\":");
    third = strstr(prog_out, "\n{\"id\":null,\"label\":\"None\",");
    assert_true(first && second && third && first < second &&
                second < third);
    assert_non_null(strstr(third, "\n{\"id\":\"e\",\"label\":\"None\","
                                  "\"score\":null,\"scores\":{}}\n"));
    assert_non_null(strstr(first, "\"scores\":{\"Affiliate "));
    assert_non_null(strstr(second, "\"supports\":0.9"));
}

static void wrong_lines_are_named(void **state)
{
    (void)state;
    spill("no", "{\"id\":1}\n");
    assert_int_equal(prog_run("classify -m %s --domain %s no", model(),
                              domains), 3);
    prog_expect_sentence("no:1: not an object with \"text\"");
    spill("bad", "{\"text\":\"x\",\"statements\":[1]}\n");
    assert_int_equal(prog_run("classify -m %s --domain %s bad", model(),
                              domains), 3);
    prog_expect_sentence("\"statements\" is no list of strings");
    assert_int_equal(prog_run("classify -m %s --domain ./nowhere no",
                              model()), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_answered_in_their_order),
        cmocka_unit_test(wrong_lines_are_named),
    };

    return cmocka_run_group_tests_name("classify", tests, setup,
                                       prog_teardown);
}
