#include "tests/htmltest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "tests/xml.h"

static int digit(char c)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(all, c);

    assert_true(c && at);
    return (int)(at - all);
}

static void expect_script(const char *page)
{
    const char *at = strstr(page, "'sha256-"), *from, *to;
    uint8_t want[SHA256_BYTES];

    assert_non_null(at);
    assert_int_equal(xml_count(page, "<script"), 1);
    from = strstr(page, "<script>") + 8;
    to = strstr(from, "</script>");
    assert_non_null(to);
    sha256_bytes(from, (size_t)(to - from), want);
    at += 8;
    for (int i = 0; i < SHA256_BYTES; i++) {
        int k = i / 3 * 4, v = digit(at[k]) << 18 | digit(at[k + 1]) << 12;

        v |= at[k + 2] == '=' ? 0 : digit(at[k + 2]) << 6;
        v |= at[k + 3] == '=' ? 0 : digit(at[k + 3]);
        assert_int_equal(want[i], v >> (16 - 8 * (i % 3)) & 255);
    }
}

/* href="#name" of each link, then how many elements have that id. */
static int expect_links(const char *page)
{
    static const char link[] = "href=\"#";
    int n = 0;

    for (const char *at = page; (at = strstr(at, link)); n++) {
        char id[64];
        int len = (int)strcspn(at += sizeof link - 1, "\"");

        snprintf(id, sizeof id, " id=\"%.*s\"", len, at);
        if (xml_count(page, id) != 1)
            fail_msg("%d elements have%s", xml_count(page, id), id);
    }
    return n;
}

/* Cuts everything between two marks out of s, all times. */
static void cut_out(char *s, const char *open, const char *close)
{
    char *at;

    while ((at = strstr(s, open)) != NULL) {
        char *end = strstr(at, close);

        assert_non_null(end);
        end += strlen(close);
        memmove(at, end, strlen(end) + 1);
    }
}

int htmltest_sound(char *page)
{
    char *html = strstr(page, "<html");
    struct xml x;
    int n;

    assert_non_null(html);
    expect_script(page);
    n = expect_links(page);
    cut_out(html, "<style>", "</style>");
    cut_out(html, "<script>", "</script>");
    cut_out(html, "<!--", "-->");
    if (xml_check(html, strlen(html), &x) != 0)
        fail_msg("%s", x.fault);
    return n;
}
