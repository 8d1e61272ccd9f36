/* The HTML page of a review: it nests like XML, every link in it lands, its
 * policy lets its one script run and no other, and text from outside adds no
 * element. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/htmltest.h"
#include "tests/prog.h"
#include "tests/xml.h"
#include "viz/html.h"
#include "viz/page.h"

static const char contract[] =
    "SERVICES AGREEMENT\n\nThis Agreement is made between Ann Ltd "
    "(\"Supplier\") and Bo <script>alert(1)</script> LLC (\"Customer\").\n\n"
    "1. Terms & \"quotes\" ' <b>\n\n1.1 \"Fee\" means the amount.\n\n"
    "1.2 Customer shall pay the Fee within 30 days, subject to Section "
    "7.7 & <img src=x onerror=alert(1)>.\n\n1.3 Subject to Section 1.4, "
    "Supplier shall deliver the Goods to Customer.\n\n1.4 Subject to Section "
    "1.3, Supplier may use javascript:alert(1) and [NAME].\n\f\n2. End\n\n"
    "2.1 \xe2\x80\xae This Agreement ends \x1b[31m when ]]> Customer so "
    "says.\n\n</style></title></textarea>--></svg>\n";

static char *page_of(const char *leaf)
{
    char path[128];
    size_t n;

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    char *page = (char *)prog_slurp(path, &n);
    assert_non_null(page);
    assert_int_equal(strlen(page), n);
    return page;
}

static int setup(void **state)
{
    char path[128];

    if (prog_setup(state) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/<i>&.txt", prog_dir);
    prog_spill(path, contract, sizeof contract - 1);
    snprintf(path, sizeof path, "%s/t.db", prog_dir);
    if (prog_run("review --rules-only -q --db t.db '<i>&.txt'") != 0 ||
        prog_run("decide --db t.db last 0 accept --name '\"><script>' "
                 "--reason '<b onclick=x>'") != 0 ||
        prog_run("report --db t.db last -o x.html") != 0) {
        fprintf(stderr, "%s\n", prog_err);
        return -1;
    }
    return 0;
}

static void it_is_sound(void **state)
{
    char *page = page_of("x.html");

    (void)state;
    assert_true(htmltest_sound(page) > 20);
    free(page);
}

/* Every finding leads to its words, and they lead back. */
static void links_lead_both_ways(void **state)
{
    char *page = page_of("x.html");
    int both = 0;

    (void)state;
    for (int i = 0; i < 8; i++) {
        char there[32], back[32];

        snprintf(there, sizeof there, "href=\"#m%d\"", i);
        snprintf(back, sizeof back, "<span id=\"m%d\">", i);
        if (!strstr(page, there))
            continue;
        char *at = strstr(page, back);
        assert_non_null(at);
        snprintf(back, sizeof back, "href=\"#f%d\"", i);
        assert_non_null(strstr(at, back));
        both++;
    }
    assert_true(both >= 4);
    free(page);
}

static void outside_text_stays_text(void **state)
{
    static const char *const never[] = {
        "<img", "<b onclick", "<i>&", "\x1b", "\xe2\x80\xae", "href=\"http",
        "href=\"java", "onerror=alert(1)>", "url(", "@import",
        "<script>alert" };
    char *page = page_of("x.html");

    (void)state;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(page, never[i]))
            fail_msg("the page has %s", never[i]);
    assert_non_null(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(page, "&lt;b onclick=x&gt;"));
    assert_int_equal(xml_count(page, "</style>"), 1);
    assert_int_equal(xml_count(page, "</title>"),
                     1 + xml_count(strstr(page, "<svg"), "</title>"));
    free(page);
}

/* What a reader must find without scrolling far, and without the script. */
static void the_first_screen_has_its_parts(void **state)
{
    static const char *const part[] = {
        "id=\"needs\"", "id=\"unchecked\"", "id=\"reviewer\"",
        "id=\"again\"", "id=\"findings\"", "id=\"text\"",
        "id=\"graph\"", "id=\"terms\"", "id=\"references\"",
        "id=\"duties\"", "id=\"method\"", "</html>" };
    char *page = page_of("x.html"), *at = page;

    (void)state;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        at = strstr(at, part[i]);
        if (!at) {
            fail_msg("no %s, or not in this place", part[i]);
            return;
        }
    }
    assert_non_null(strstr(page, "accepted by &quot;&gt;&lt;script&gt;"));
    free(page);
}

static void equal_reports_are_equal_bytes(void **state)
{
    (void)state;
    assert_int_equal(prog_run("report --db t.db last -o y.html"), 0);
    char *a = page_of("x.html"), *b = page_of("y.html");
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void pieces_escape(void **state)
{
    struct str s;

    (void)state;
    str_init(&s);
    html_bytes(&s, "<a b='c'>&\"\x01\xff\n", 14);
    assert_string_equal(s.p, "&lt;a b=&#39;c&#39;&gt;&amp;&quot;"
                             "\xe2\x90\x81\xef\xbf\xbd\n");
    str_clear(&s);
    html_text(&s, NULL);
    assert_string_equal(s.p, "");
    html_in(&s, "td class=\"x\"", "a<b");
    assert_string_equal(s.p, "<td class=\"x\">a&lt;b</td>\n");
    str_clear(&s);
    html_bar(&s, 0.5, "supported");
    assert_non_null(strstr(s.p, "width:50.0%"));
    str_clear(&s);
    html_picture(&s, "no picture", "x");
    assert_string_equal(s.p, "");
    assert_null(strstr(page_js, "innerHTML"));
    assert_null(strstr(page_js, "</"));
    assert_null(strstr(page_css, "</"));
    str_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_sound),
        cmocka_unit_test(links_lead_both_ways),
        cmocka_unit_test(outside_text_stays_text),
        cmocka_unit_test(the_first_screen_has_its_parts),
        cmocka_unit_test(equal_reports_are_equal_bytes),
        cmocka_unit_test(pieces_escape),
    };

    return cmocka_run_group_tests_name("page", tests, setup, prog_teardown);
}
