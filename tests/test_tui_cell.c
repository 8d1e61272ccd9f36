/* What the browser draws with: cells and pens, texts, keys, themes, pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/doc.h"
#include "tui/fmt.h"
#include "tui/pool.h"

static struct grid g;
static struct str out;

static int setup(void **state)
{
    (void)state;
    str_init(&out);
    return grid_init(&g, 4, 12) != SOR_OK;
}

static int teardown(void **state)
{
    (void)state;
    str_release(&out);
    grid_release(&g);
    return 0;
}

static struct pen pen_at(int row, int col, int end)
{
    return (struct pen){ &g, row, col, end, ROLE_TEXT };
}

static const char *dump(void)
{
    str_clear(&out);
    grid_dump(&g, &out);
    return out.p;
}

static void wide_characters_take_two_cells(void **state)
{
    struct pen p = pen_at(0, 0, 12);

    (void)state;
    pen_str(&p, "a\u6771b");
    assert_int_equal(p.col, 4);
    assert_int_equal(grid_at(&g, 0, 1)->width, 2);
    assert_int_equal(grid_at(&g, 0, 2)->width, 0);
    assert_string_equal(grid_at(&g, 0, 3)->ch, "b");
    assert_string_equal(dump(), "a\u6771b\n\n\n\n");
}

static void a_wide_character_never_hangs_over_the_end(void **state)
{
    struct pen p = pen_at(0, 0, 4);

    (void)state;
    pen_str(&p, "abc\u6771z");
    assert_string_equal(dump(), "abc\n\n\n\n");
    p = pen_at(1, 10, 12);              /* at the edge of the grid too */
    pen_str(&p, "x\u6771");
    assert_string_equal(grid_at(&g, 1, 10)->ch, "x");
    assert_string_equal(grid_at(&g, 1, 11)->ch, " ");
}

static void overwriting_half_of_a_wide_character_blanks_the_rest(void **state)
{
    struct pen p = pen_at(0, 0, 12);

    (void)state;
    pen_str(&p, "\u6771\u4eac");
    p = pen_at(0, 1, 12);
    pen_str(&p, "xy");
    assert_string_equal(dump(), " xy\n\n\n\n");
    for (int i = 0; i < 12; i++)
        assert_int_equal(grid_at(&g, 0, i)->width, 1);
}

static void combining_marks_join_their_base(void **state)
{
    struct pen p = pen_at(0, 0, 4);

    (void)state;
    pen_str(&p, "cafe\u0301!");         /* the mark comes with the room full */
    assert_string_equal(grid_at(&g, 0, 3)->ch, "e\u0301");
    assert_int_equal(p.col, 4);
    for (int i = 0; i < 40; i++)        /* no cell overflows */
        pen_str(&p, "\u0301");
    assert_true(strlen(grid_at(&g, 0, 3)->ch) < CELL_BYTES);
}

static void nothing_a_terminal_obeys_reaches_a_cell(void **state)
{
    static const char bad[] = "\x1b[2J\x07\x9b" "31m\u202e\u200b\xff\x7f\r\n\t";
    struct pen p = pen_at(0, 0, 12);

    (void)state;
    for (int row = 0; row < 4; row++) {
        p = pen_at(row, 0, 12);
        if (row % 2)
            pen_put(&p, bad + row * 3, sizeof bad - 1 - (size_t)row * 3);
        else
            pen_piece(&p, bad + row * 3, sizeof bad - 1 - (size_t)row * 3);
    }
    dump();
    for (size_t i = 0; i < out.len;) {
        uint32_t cp;
        i += utf8_next(out.p + i, out.len - i, &cp);
        assert_true(cp == '\n' || !text_hidden(cp));
    }
    assert_non_null(strstr(out.p, "\u241b[2J"));
}

static void a_line_too_long_ends_in_an_ellipsis(void **state)
{
    struct pen p = pen_at(0, 0, 8);

    (void)state;
    pen_line(&p, "one\n two three", 14);
    assert_string_equal(dump(), "one two\u2026\n\n\n\n");
    grid_clear(&g);
    p = pen_at(0, 0, 8);
    pen_line(&p, "one  two \n", 10);    /* it fits: nothing was cut */
    assert_string_equal(dump(), "one two\n\n\n\n");
    grid_clear(&g);
    p = pen_at(0, 0, 4);
    pen_line(&p, "abc\u6771", 6);
    assert_string_equal(dump(), "abc\u2026\n\n\n\n");
}

static void bars_are_true_to_an_eighth(void **state)
{
    struct pen p = pen_at(0, 0, 12);

    (void)state;
    pen_bar(&p, 0.5, 4);
    pen_bar(&p, 1.0 / 32, 4);
    pen_bar(&p, 0, 4);
    assert_string_equal(dump(), "\u2588\u2588\u2500\u2500"
                        "\u258f\u2500\u2500\u2500\u2500\u2500\u2500\u2500"
                        "\n\n\n\n");
    p = pen_at(1, 0, 12);
    pen_bar(&p, 1e-9, 2);               /* over nothing is never nothing */
    pen_bar(&p, 7, 2);
    pen_bar(&p, NAN, 2);
    assert_string_equal(grid_at(&g, 1, 0)->ch, "\u258f");
    assert_string_equal(grid_at(&g, 1, 3)->ch, "\u2588");
    assert_string_equal(grid_at(&g, 1, 4)->ch, "\u2500");
}

static void ascii_mode_draws_ascii(void **state)
{
    struct pen p = pen_at(0, 0, 12);

    (void)state;
    g.ascii = 1;
    pen_piece(&p, " a\u6771\u00e9e\u0301\n", 11);
    p = pen_at(1, 0, 12);
    pen_bar(&p, 0.6, 12);
    p = pen_at(2, 0, 5);
    pen_line(&p, "abcdefgh", 8);
    for (const char *s = dump(); *s; s++)
        assert_true(*s == '\n' || (*s >= 32 && *s < 127));
    g.ascii = 0;
    assert_memory_equal(out.p, "_a???e$", 7);
}

static void a_search_marks_what_it_found(void **state)
{
    struct pen p = pen_at(0, 2, 12);

    (void)state;
    pen_str(&p, "ab\u6771Cab");
    grid_match(&g, (struct rect){ 0, 0, 1, 12 }, "\u6771c");
    for (int i = 0; i < 12; i++)
        assert_int_equal((grid_at(&g, 0, i)->style & CELL_MATCH) != 0,
                         i >= 4 && i < 7);
    grid_match(&g, (struct rect){ 0, 0, 1, 12 }, "zz");
    assert_false(grid_at(&g, 0, 2)->style & CELL_MATCH);
}

static void heat_is_a_ground_or_a_shade(void **state)
{
    struct pen p = pen_at(0, 0, 12);

    (void)state;
    pen_heat(&p, 0, 1, 0);
    pen_heat(&p, 1, 1, 0);
    pen_heat(&p, 1, 1, 1);
    assert_int_equal(grid_at(&g, 0, 0)->style, ROLE_SCALE);
    assert_int_equal(grid_at(&g, 0, 1)->style, ROLE_SCALE + ROLE_SCALES - 1);
    assert_string_equal(grid_at(&g, 0, 1)->ch, " ");
    assert_string_equal(grid_at(&g, 0, 2)->ch, "\u2588");
}

/* ---- texts ---------------------------------------------------------------- */

static void texts_wrap_between_words(void **state)
{
    struct doc d = { 0 };

    (void)state;
    doc_begin(&d, 10, 0);
    doc_say(&d, 2, ROLE_TEXT, "one two three fourteencharacters\nlast");
    str_clear(&out);
    grid_dump(&d.g, &out);
    assert_memory_equal(out.p, "  one two\n  three\n  fourteen\n  characte\n"
                        "  rs\n  last\n", 51);
    assert_int_equal(d.row, 6);
    doc_release(&d);
}

static void texts_have_links_to_walk(void **state)
{
    struct doc d = { 0 };
    struct db_addr at = { .run_id = 7 };
    struct rect r = { 0, 0, 4, 12 };

    (void)state;
    doc_begin(&d, 12, 0);
    for (int i = 0; i < 30; i++) {
        struct pen p = doc_line(&d, 0, ROLE_TEXT);
        pen_fmt(&p, "line %d", i);
        if (i == 1 || i == 20)
            doc_goes(&d, NULL, at);
    }
    doc_draw(&d, &g, r, 1);
    assert_int_equal(doc_here(&d)->row, 1);
    assert_true(grid_at(&g, 1, 0)->style & CELL_SELECT);
    assert_int_equal(doc_move(&d, CMD_DOWN), 1);        /* none near: scrolls */
    assert_int_equal(d.top, 1);
    doc_move(&d, CMD_LAST);
    assert_int_equal(d.top, 26);
    doc_move(&d, CMD_FIRST);
    for (int i = 0; i < 20; i++)
        doc_move(&d, CMD_DOWN);
    assert_int_equal(doc_here(&d)->row, 20);
    assert_int_equal(doc_here(&d)->at.run_id, 7);
    assert_null(doc_click(&d, 0));
    assert_int_equal(doc_move(&d, CMD_SEARCH), 0);
    doc_release(&d);
}

static void a_text_without_end_says_that_it_is_cut(void **state)
{
    struct doc d = { 0 };

    (void)state;
    doc_begin(&d, 40, 0);
    for (int i = 0; i < 3 * DOC_ROWS; i++)
        doc_say(&d, 0, ROLE_TEXT, "again");
    assert_int_equal(d.row, DOC_ROWS);
    str_clear(&out);
    grid_dump(&d.g, &out);
    assert_non_null(strstr(out.p, "The rest is too long"));
    doc_release(&d);
}

static void a_text_survives_want_of_memory(void **state)
{
    struct doc d = { 0 };

    (void)state;
    for (uint64_t n = 1; n < 4; n++) {
        mem_fail_at(n);
        doc_begin(&d, 30, 0);
        for (int i = 0; i < 100; i++)
            doc_say(&d, 0, ROLE_TEXT, "words");
        mem_fail_at(0);
        assert_true(d.row <= 100);
        doc_draw(&d, &g, (struct rect){ 0, 0, 4, 12 }, 1);
    }
    doc_release(&d);
}

/* ---- keys, themes, numbers, pools ------------------------------------------ */

static void keys_have_names_both_ways(void **state)
{
    static const int keys[] = { 'j', '?', TK_ENTER, TK_ESC, TK_PGDN, TK_F1, 4,
                                ' ', 0xe9, TK_WHEEL_UP };
    char name[32];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        keys_name(keys[i], name, sizeof name);
        assert_int_equal(keys_parse(name, strlen(name)), keys[i]);
    }
    assert_int_equal(keys_parse("Frob", 4), -1);
    assert_int_equal(keys_parse("", 0), -1);
    assert_int_equal(keys_find(&keys_move, 'G'), CMD_LAST);
    assert_int_equal(keys_find(NULL, 'G'), CMD_NONE);
}

static void no_key_means_two_things_in_one_table(void **state)
{
    const struct keymap *m[] = { &keys_move, &keys_common };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (const struct key_def *a = m[i]->def; a->cmd; a++) {
            for (const struct key_def *b = a + 1; b->cmd; b++)
                assert_int_not_equal(a->key, b->key);
            assert_int_equal(keys_find(m[!i], a->key), CMD_NONE);
        }
}

static void every_theme_has_every_role(void **state)
{
    (void)state;
    for (int i = 0; themes[i]; i++) {
        assert_ptr_equal(theme_find(themes[i]->name), themes[i]);
        for (unsigned r = 0; r < ROLES; r++) {
            struct ink k = theme_ink(themes[i], r);
            /* an entry left out would be black on black */
            assert_false(k.fg == 0 && k.bg == 0);
            if (themes[i]->colors == 0)
                assert_true(k.fg == -1 && k.bg == -1);
        }
    }
    assert_null(theme_find("mauve"));
    assert_string_equal(theme_for(256)->name, "dark");
    assert_string_equal(theme_for(8)->name, "basic");
    assert_string_equal(theme_for(0)->name, "none");
}

/* Relative luminance, as WCAG 2.1 defines it but for its gamma (2.2 is near
 * enough to put colours in order). */
static double light(int color)
{
    uint32_t c = theme_rgb(color);

    return 0.2126 * pow((c >> 16 & 255) / 255.0, 2.2) +
           0.7152 * pow((c >> 8 & 255) / 255.0, 2.2) +
           0.0722 * pow((c & 255) / 255.0, 2.2);
}

static void heat_grows_lighter_and_stays_readable(void **state)
{
    (void)state;
    for (int i = 0; themes[i]; i++)
        for (unsigned s = 0; themes[i]->colors == 256 && s < ROLE_SCALES; s++) {
            struct ink k = theme_ink(themes[i], ROLE_SCALE + s);
            double a = light(k.bg), b = light(k.fg);
            if (s)
                assert_true(a > light(theme_ink(themes[i],
                                                ROLE_SCALE + s - 1).bg));
            /* WCAG 2.1, 1.4.11: 3 to 1 for signs */
            assert_true((fmax(a, b) + 0.05) / (fmin(a, b) + 0.05) >= 3);
        }
}

static void numbers_read_as_people_write_them(void **state)
{
    char s[32];

    (void)state;
    fmt_count(s, sizeof s, 1234567);
    assert_string_equal(s, "1,234,567");
    fmt_count(s, sizeof s, -999);
    assert_string_equal(s, "-999");
    fmt_count(s, sizeof s, INT64_MIN);
    assert_string_equal(s, "-9,223,372,036,854,775,808");
    fmt_bytes(s, sizeof s, 98765432);
    assert_string_equal(s, "98.8 MB");
    fmt_time(s, sizeof s, 4200000000);
    assert_string_equal(s, "4.2 s");
    fmt_time(s, sizeof s, 310000000);
    assert_string_equal(s, "310 ms");
    fmt_time(s, sizeof s, 7384000000000);
    assert_string_equal(s, "2 h 3 min");
    fmt_date(s, sizeof s, 1764000000000000);
    assert_string_equal(s, "2025-11-24 16:00");
    fmt_prob(s, sizeof s, log(0.5));
    assert_string_equal(s, "0.500");
    fmt_prob(s, sizeof s, -40);
    assert_string_equal(s, "<0.001");
    fmt_prob(s, sizeof s, NAN);
    assert_string_equal(s, "-");
    assert_int_equal(fmt_surprise(log(0.9)), 0);
    assert_int_equal(fmt_surprise(log(0.3)), 1);
    assert_int_equal(fmt_surprise(-1e300), 5);
    assert_int_equal(fmt_surprise(NAN), 0);
    assert_string_equal(fmt_mode(2), "full");
    assert_string_equal(fmt_mode(99), "");
}

static void pools_hold_strings_till_cleared(void **state)
{
    struct pool p = { 0 };
    const char *first = pool_str(&p, "first");

    (void)state;
    for (int i = 0; i < 5000; i++)
        assert_string_equal(pool_str(&p, "more of it"), "more of it");
    assert_string_equal(first, "first");
    assert_string_equal(pool_str(&p, NULL), "");
    assert_null(pool_bytes(&p, "x", 0));
    mem_fail_at(1);
    for (int i = 0; i < 5000; i++)
        assert_non_null(pool_str(&p, "more of it"));
    mem_fail_at(0);
    pool_clear(&p);
    assert_string_equal(pool_dup(&p, "abcdef", 3), "abc");
    pool_release(&p);
}

/* ---- pictures ------------------------------------------------------------- */

static int count(const char *in, const char *what)
{
    int n = 0;

    while ((in = strstr(in, what))) {
        n++;
        in++;
    }
    return n;
}

static void a_picture_places_every_word(void **state)
{
    struct pen p = pen_at(1, 0, 12);

    (void)state;
    pen_str(&p, "<a> & \u6771x");
    p = pen_at(2, 0, 12);
    pen_bar(&p, 0.5, 4);
    str_clear(&out);
    cell_svg(&g, theme_find("dark"), &out);
    assert_non_null(strstr(out.p, ">&lt;a&gt;</text>"));
    assert_non_null(strstr(out.p, ">&amp;</text>"));
    assert_non_null(strstr(out.p, ">\u6771</text>"));   /* alone: it is wide */
    assert_non_null(strstr(out.p, ">x</text>"));
    assert_int_equal(count(out.p, "<text "), 4);
    assert_int_equal(count(out.p, "<rect "), 1 + 4);    /* page, bar cells */
    assert_int_equal(count(out.p, "<svg "), count(out.p, "</svg>"));
}

#define DRAWN(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(wide_characters_take_two_cells),
        DRAWN(a_wide_character_never_hangs_over_the_end),
        DRAWN(overwriting_half_of_a_wide_character_blanks_the_rest),
        DRAWN(combining_marks_join_their_base),
        DRAWN(nothing_a_terminal_obeys_reaches_a_cell),
        DRAWN(a_line_too_long_ends_in_an_ellipsis),
        DRAWN(bars_are_true_to_an_eighth),
        DRAWN(ascii_mode_draws_ascii),
        DRAWN(a_search_marks_what_it_found),
        DRAWN(heat_is_a_ground_or_a_shade),
        DRAWN(texts_wrap_between_words),
        DRAWN(texts_have_links_to_walk),
        DRAWN(a_text_without_end_says_that_it_is_cut),
        DRAWN(a_text_survives_want_of_memory),
        cmocka_unit_test(keys_have_names_both_ways),
        cmocka_unit_test(no_key_means_two_things_in_one_table),
        cmocka_unit_test(every_theme_has_every_role),
        cmocka_unit_test(heat_grows_lighter_and_stays_readable),
        cmocka_unit_test(numbers_read_as_people_write_them),
        cmocka_unit_test(pools_hold_strings_till_cleared),
        DRAWN(a_picture_places_every_word),
    };
    return cmocka_run_group_tests_name("tui_cell", tests, NULL, NULL);
}
