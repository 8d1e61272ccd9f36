/* UTF-8, width, and bytes made safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/text.h"

/* One U+FFFD per maximal subpart.  Source: Unicode 15, section 3.9, the
 * examples of tables 3-8 to 3-11. */
static void invalid_bytes_count_as_the_standard_says(void **state)
{
    static const struct {
        const char *bytes;
        size_t count;
    } cases[] = {
        { "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 9 },
        { "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", 9 },
        { "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 9 },
        { "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 5 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].bytes);

        assert_int_equal(utf8_count(cases[i].bytes, n), cases[i].count);
        assert_false(utf8_valid(cases[i].bytes, n));
    }
}

static void every_code_point_survives(void **state)
{
    char bytes[4];
    uint32_t back;

    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        size_t n = utf8_put(cp, bytes);
        uint32_t want = cp >= 0xD800 && cp <= 0xDFFF ? 0xFFFD : cp;

        if (utf8_next(bytes, n, &back) != n || back != want ||
            !utf8_valid(bytes, n))
            fail_msg("U+%04X came back as U+%04X", cp, back);
    }
    assert_int_equal(utf8_put(0x110000, bytes), 3);
}

static void tail_is_what_a_stream_must_hold_back(void **state)
{
    static const struct {
        const char *bytes;
        size_t tail;
    } cases[] = {
        { "", 0 },              { "a", 0 },             { "\xC3", 1 },
        { "a\xE2\x82", 2 },     { "\xF0\x9F\x98", 3 },  { "\xE2\x82\xAC", 0 },
        { "\xE0\x80", 0 },      { "\x82", 0 },          { "\xFF", 0 },
        { "\xF0\x9F\x98\x80", 0 },  { "\xC3\xC3", 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_tail(cases[i].bytes, strlen(cases[i].bytes)),
                         cases[i].tail);
}

static void offsets_are_code_points(void **state)
{
    const char *s = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    static const size_t byte_at[] = { 0, 1, 3, 6, 10, 11, 11 };
    size_t n = strlen(s);

    (void)state;
    assert_int_equal(utf8_count(s, n), 5);
    for (size_t cp = 0; cp < sizeof byte_at / sizeof *byte_at; cp++)
        assert_int_equal(utf8_offset(s, n, cp), byte_at[cp]);
}

static void width_is_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width_cp('a'), 1);
    assert_int_equal(text_width_cp(0x4E2D), 2);         /* CJK */
    assert_int_equal(text_width_cp(0x0301), 0);         /* combining acute */
    assert_int_equal(text_width_cp('\n'), 0);
    assert_int_equal(text_width_cp(0x200B), 0);
    assert_int_equal(text_width("e\xCC\x81\xE4\xB8\xAD", 6), 3);
    assert_int_equal(text_width("\033", 1), 1);
    assert_int_equal(text_width("\xE2\x80\xAE", 3), (int)strlen("<U+202E>"));
    assert_int_equal(text_width("\xFF", 1), 1);
}

static void check_safe(const char *in, size_t n, unsigned flags,
                       const char *want)
{
    struct str out;

    str_init(&out);
    text_safe(&out, in, n, flags);
    assert_true(str_ok(&out));
    assert_string_equal(out.p, want);
    str_release(&out);
}

static void what_a_terminal_obeys_is_shown(void **state)
{
    (void)state;
    check_safe("\033[2J", 4, 0, "\xE2\x90\x9B[2J");
    check_safe("a\0b", 3, 0, "a\xE2\x90\x80" "b");
    check_safe("\x7F", 1, 0, "\xE2\x90\xA1");
    check_safe("\xC2\x9B", 2, 0, "\\x9B");              /* C1 CSI */
    check_safe("\x9B", 1, 0, "\xEF\xBF\xBD");
    check_safe("\xE2\x80\xAE", 3, 0, "<U+202E>");       /* bidi override */
    check_safe("\xE2\x81\xA6", 3, 0, "<U+2066>");
    check_safe("\xE2\x80\x8B\xEF\xBB\xBF", 6, 0, "<U+200B><U+FEFF>");
    check_safe("\xF3\xA0\x81\x81", 4, 0, "<U+E0041>");  /* a tag */
    check_safe("\n\t", 2, 0, "\xE2\x90\x8A\xE2\x90\x89");
    check_safe("\n\t\r", 3, TEXT_NL | TEXT_TAB, "\n\t\xE2\x90\x8D");
    check_safe("\xE2\x82\xAC \xE4\xB8\xAD", 7, 0, "\xE2\x82\xAC \xE4\xB8\xAD");
}

static void nothing_hidden_gets_through(void **state)
{
    char bytes[4];
    struct str out;
    uint32_t cp;

    (void)state;
    str_init(&out);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        str_clear(&out);
        text_safe(&out, bytes, utf8_put(c, bytes), 0);
        for (size_t i = 0; i < out.len;) {
            i += utf8_next(out.p + i, out.len - i, &cp);
            if (text_hidden(cp))
                fail_msg("U+%04X let U+%04X through", c, cp);
        }
    }
    str_release(&out);
}

static void fitting_cuts_at_a_shown_character(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(text_safe_fit(out, sizeof out, "ab\xE2\x80\xAE", 5, 0), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(text_safe_fit(out, sizeof out, "abcdefgh", 8, 0), 7);
    assert_string_equal(out, "abcdefg");
    assert_int_equal(text_safe_fit(out, 1, "abc", 3, 0), 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invalid_bytes_count_as_the_standard_says),
        cmocka_unit_test(every_code_point_survives),
        cmocka_unit_test(tail_is_what_a_stream_must_hold_back),
        cmocka_unit_test(offsets_are_code_points),
        cmocka_unit_test(width_is_columns),
        cmocka_unit_test(what_a_terminal_obeys_is_shown),
        cmocka_unit_test(nothing_hidden_gets_through),
        cmocka_unit_test(fitting_cuts_at_a_shown_character),
    };
    return cmocka_run_group_tests_name("base_text", tests, NULL, NULL);
}
