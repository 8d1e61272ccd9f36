/* A heat map is an SVG with one cell per number, and hostile names stay
 * text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "viz/heat.h"

static int count(const char *in, const char *what)
{
    int n = 0;

    while ((in = strstr(in, what))) {
        in += strlen(what);
        n++;
    }
    return n;
}

static void every_number_is_a_cell(void **state)
{
    static const double v[] = { 0, 0.5, 1, -0.25, 2, 0.125 };
    static const char *const name[] = { "a", "</text><script>", "\x1b[31m" };
    struct heat h = { .v = v, .n_row = 2, .n_column = 3, .column = name,
                      .title = "t & u", .note = "n", .row_name = "layer" };
    struct str out;

    (void)state;
    str_init(&out);
    heat_svg(&h, &out);
    assert_int_equal(count(out.p, "<title>"), 6);
    assert_non_null(strstr(out.p, "#ffffff\"><title>0.000"));
    assert_non_null(strstr(out.p, "#08306b\"><title>1.000"));
    assert_null(strstr(out.p, "<script"));
    assert_null(strchr(out.p, 0x1b));
    assert_non_null(strstr(out.p, "t &amp; u"));
    assert_int_equal(count(out.p, "<text"), count(out.p, "</text>"));
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_a_cell),
    };
    return cmocka_run_group_tests_name("heat", tests, NULL, NULL);
}
