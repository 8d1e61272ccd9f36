/* A plot is well-formed SVG with a mark for every number that is there, at the
 * place that the axis says; hostile names stay text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/xml.h"
#include "viz/plot.h"

static struct str out;

static void draw(const struct plot *p)
{
    struct xml x;

    str_clear(&out);
    plot_svg(p, &out);
    assert_true(str_ok(&out));
    if (xml_check(out.p, out.len, &x))
        fail_msg("%s", x.fault);
}

/* Attribute `name` of the k-th tag that holds `mark`. */
static double attribute(const char *mark, int k, const char *name)
{
    const char *p = out.p, *v;
    char key[32];

    do {
        p = strstr(p, mark);
        assert_non_null(p);
        p += strlen(mark);
    } while (k-- > 0);
    snprintf(key, sizeof key, " %s=\"", name);
    v = strstr(p, key);
    assert_non_null(v);
    return strtod(v + strlen(key), NULL);
}

static const double two[] = { 4, 1, NAN }, three[] = { 2, 8, 6 };
static const double low[] = { 3, NAN, NAN }, high[] = { 5, NAN, NAN };
static const char *const name[] = { "a<b", "</text><script>", "\x1b[31m" };
static const struct plot_series bars[] = {
    { .name = "first & best", .y = two, .low = low, .high = high, .n = 3 },
    { .name = "second", .y = three, .n = 3 },
};
static const struct plot groups = {
    .title = "t & u", .subtitle = "s", .note = "n", .y_name = "times",
    .category = name, .n_category = 3, .series = bars, .n_series = 2,
    .rule = 1, .rule_name = "the peer", .unit = "x",
};

static void every_bar_stands_where_it_says(void **state)
{
    double y, h, unit;

    (void)state;
    draw(&groups);
    assert_int_equal(xml_count(out.p, "class=\"bar\""), 5);     /* one NaN */
    assert_int_equal(xml_count(out.p, "class=\"error\""), 1);
    assert_int_equal(xml_count(out.p, "class=\"rule\""), 2);    /* legend */
    assert_non_null(strstr(out.p, ">the peer</text>"));
    assert_non_null(strstr(out.p, "<title>a&lt;b, first &amp; best: 4 "
                                  "(3 to 5)</title>"));
    assert_null(strstr(out.p, "<script"));
    assert_null(strchr(out.p, 0x1b));
    assert_non_null(strstr(out.p, ">4.0x</text>"));
    /* heights are to each other as values, and all bars stand on one line */
    unit = attribute("class=\"bar\"", 1, "height");             /* of 1 */
    y = attribute("class=\"bar\"", 1, "y") + unit;
    for (int i = 0; i < 5; i++) {
        static const double v[] = { 4, 1, 2, 8, 6 };

        h = attribute("class=\"bar\"", i, "height");
        assert_true(fabs(h - v[i] * unit) < 0.1 * v[i] + 0.1);
        assert_true(fabs(attribute("class=\"bar\"", i, "y") + h - y) < 0.15);
    }
    /* the rule, at 1, runs along the top of the bar of 1 */
    const char *rule = strstr(strstr(out.p, ">the peer<"),
                              "class=\"rule\" d=\"M60 ");
    assert_non_null(rule);
    assert_true(fabs(strtod(rule + strlen("class=\"rule\" d=\"M60 "), NULL) -
                     (y - unit)) < 0.15);
}

static void one_picture_serves_light_and_dark(void **state)
{
    struct str again;

    (void)state;
    draw(&groups);
    assert_int_equal(xml_count(out.p, "prefers-color-scheme:dark"), 1);
    assert_int_equal(xml_count(out.p, ".paper{fill:"), 2);
    str_init(&again);
    plot_svg(&groups, &again);
    assert_string_equal(again.p, out.p);
    str_release(&again);
}

/* A hole in a line lifts the pen. */
static void lines_go_over_numbers(void **state)
{
    static const double x[] = { 0, 512, 1024, 2048, 4096 };
    static const double y[] = { 1, 2, NAN, 4, 5 };
    const struct plot_series line = { .name = "cost", .x = x, .y = y,
                                      .n = 5 };
    const struct plot p = { .series = &line, .n_series = 1,
                            .x_name = "context" };
    const char *d;

    (void)state;
    draw(&p);
    assert_int_equal(xml_count(out.p, "<circle"), 4);
    d = strstr(out.p, "stroke-linejoin=\"round\" d=\"");
    assert_non_null(d);
    d += strlen("stroke-linejoin=\"round\" d=\"");
    assert_int_equal(d[0], 'M');
    assert_int_equal(strcspn(d + 1, "M\""), strcspn(d + 1, "M"));
    assert_non_null(strstr(out.p, ">4000</text>"));
    assert_non_null(strstr(out.p, "cost at 2048: 4</title>"));
    assert_true(attribute("<circle", 0, "cy") > attribute("<circle", 3, "cy"));
    assert_true(attribute("<circle", 0, "cx") < attribute("<circle", 1, "cx"));
}

static void odd_numbers_do_no_harm(void **state)
{
    static const double nothing[] = { NAN, INFINITY }, below[] = { -3, 2 };
    struct plot_series s = { .name = "s", .y = nothing, .n = 2 };
    struct plot p = { .category = name, .n_category = 2, .series = &s,
                      .n_series = 1, .unit = "%" };

    (void)state;
    draw(&(struct plot){ .title = "empty" });
    draw(&p);
    assert_int_equal(xml_count(out.p, "class=\"bar\""), 0);
    assert_null(strstr(out.p, "nan"));
    assert_null(strstr(out.p, "inf"));
    s.y = below;
    draw(&p);
    assert_int_equal(xml_count(out.p, "class=\"bar\""), 2);
    assert_true(attribute("class=\"bar\"", 0, "y") >
                attribute("class=\"bar\"", 1, "y"));
}

static int set_up(void **state)
{
    (void)state;
    str_init(&out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    str_release(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bar_stands_where_it_says),
        cmocka_unit_test(one_picture_serves_light_and_dark),
        cmocka_unit_test(lines_go_over_numbers),
        cmocka_unit_test(odd_numbers_do_no_harm),
    };

    return cmocka_run_group_tests_name("plot", tests, set_up, tear_down);
}
