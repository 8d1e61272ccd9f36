/* sorites browse as a script meets it: keys in, screen out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mkdb.h"
#include "tests/prog.h"

static int setup(void **state)
{
    char path[128];
    struct sor_msg msg;

    if (prog_setup(state))
        return -1;
    snprintf(path, sizeof path, "%s/a.db", prog_dir);
    return mkdb(path, &(struct mkdb_opts){ .n_token = 40 }, &msg) ? -1 : 0;
}

static void keys_lead_to_a_screen(void **state)
{
    char path[128];

    (void)state;
    assert_int_equal(prog_run("browse a.db --dump -"), 0);
    assert_non_null(strstr(prog_out, "A shop sells"));
    snprintf(path, sizeof path, "%s/keys", prog_dir);
    prog_spill(path, "j Enter p # the paths\n", 22);
    assert_int_equal(prog_run("browse a.db --keys keys --dump - --size 120x40 "
                              "--no-unicode --readonly"), 0);
    assert_non_null(strstr(prog_out, "runs > 3fa20000 > paths"));
    assert_non_null(strstr(prog_out, "read-only"));
    assert_int_equal(prog_run("browse --db a.db --keys - --dump x.txt "
                              "</dev/null"), 0);
    assert_string_equal(prog_out, "");
}

static void pictures_and_texts_go_to_files(void **state)
{
    size_t n;
    char path[128];
    unsigned char *svg;

    (void)state;
    assert_int_equal(prog_run("browse a.db --dump-svg x.svg --theme light"), 0);
    snprintf(path, sizeof path, "%s/x.svg", prog_dir);
    svg = prog_slurp(path, &n);
    assert_non_null(svg);
    assert_true(n > 1000);
    assert_memory_equal(svg, "<svg ", 5);
    assert_memory_equal(svg + n - 7, "</svg>\n", 7);
    free(svg);
}

static void what_cannot_be_done_is_one_sentence(void **state)
{
    (void)state;
    assert_int_equal(prog_run("browse a.db </dev/null"), 2);
    assert_non_null(strstr(prog_err, "needs a terminal"));
    assert_int_equal(prog_run("browse nothere.db --dump -"), 3);
    prog_expect_sentence("nothere.db");
    assert_int_equal(prog_run("browse a.db --dump - --size 80"), 2);
    assert_int_equal(prog_run("browse a.db --dump - --size 80x99999"), 2);
    assert_int_equal(prog_run("browse a.db --dump - --keys nothere"), 3);
    prog_expect_sentence("nothere");
    assert_int_equal(prog_run("browse a.db --dump /nothere/x"), 3);
    prog_expect_sentence("/nothere/x");
    assert_int_equal(prog_run("browse a.db --dump - --theme mauve"), 2);
    assert_int_equal(prog_run("browse . --dump -"), 3);
    prog_expect_sentence("directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_lead_to_a_screen),
        cmocka_unit_test(pictures_and_texts_go_to_files),
        cmocka_unit_test(what_cannot_be_done_is_one_sentence),
    };
    return cmocka_run_group_tests_name("cli_browse", tests, setup,
                                       prog_teardown);
}
