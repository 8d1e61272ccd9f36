/* Where one was and is: the history of places, steps unfolded, and what is
 * copied from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "tests/tuirig.h"
#include "tui/copy.h"

/* ---- history ------------------------------------------------------------- */

static void back_and_forward_cross_views(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "(");
        SHOWS("This is the first place of all.");
        play("j Enter p j Enter j Enter j j");
        SHOWS("3fa20000 \u203a path 1 \u203a step 1");
        SHOWS("\u258c 48");
        play("(");                      /* the step that it came from */
        SHOWS("3fa20000 \u203a path 1");
        SHOWS("\u258c 1 compute");
        play("( (");
        SHOWS("runs \u203a 3fa20000");
        SHOWS_NOT("\u203a paths");
        play(") )");
        SHOWS("\u258c 1 compute");
        play(")");                      /* to the very row */
        SHOWS("\u203a step 1");
        SHOWS("\u258c 48");
        play(")");
        SHOWS("This is the last place where you were.");
    }
}

static void h_is_a_step_back_too(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p j j Enter h h )");
    SHOWS("\u203a paths");
    SHOWS("\u258c 2 12");
    play(")");
    SHOWS("\u203a path 2");
    play("h h h C-o");                  /* the list of runs was the first */
    SHOWS("This is the first place of all.");
    play("k Enter");                    /* what lay ahead is forgotten */
    play(")");
    SHOWS("This is the last place where you were.");
}

/* Commands, marks and links leave a stack of views behind: it comes back. */
static void back_from_far_away(void **state)
{
    (void)state;
    browse("plain", 120, 40, "j Enter p j j Enter j j Enter j");
    SHOWS("3fa20000 \u203a path 2 \u203a step 2");
    play(": \"open last:0@40\" Enter");
    SHOWS("3fa20001 \u203a path 0");
    play("(");
    SHOWS("3fa20000 \u203a path 2 \u203a step 2");
    play("h");                          /* and its breadcrumbs are real */
    SHOWS("\u258c 2 compute");
    play("h");
    SHOWS("\u258c 2 12");
}

static void jumps_in_a_list_are_places(void **state)
{
    (void)state;
    browse("many", 80, 24, "j j / \"question 77\" Enter");
    SHOWS("\u258c 3fa2004d");
    play("G");
    SHOWS("150 of 150");
    play("(");
    SHOWS("\u258c 3fa2004d");
    play("(");
    SHOWS("3 of 150");
    play(") )");
    SHOWS("150 of 150");
    play("g j j j j (");                /* walking makes no place */
    SHOWS("150 of 150");
}

static void orders_and_filters_come_back(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p i i I Enter (");
    SHOWS("Mean p \u2193");
    play(") ( f \"answer:12\" Enter wait:2,0 j");
    SHOWS("2 of 2");
    play("h Enter ( ( )");
    SHOWS("\u203a paths");
    play(": \"sql select 7 * 6 as six\" Enter h ) ");
    SHOWS("six");
    SHOWS("42");
}

static void history_forgets_the_oldest(void **state)
{
    (void)state;
    browse("plain", 80, 24, "");
    for (int i = 0; i < 40; i++)
        play("j Enter p Enter h h h k Enter h");
    for (int i = 0; i < 200; i++)
        play("(");
    SHOWS("This is the first place of all.");
    for (int i = 0; i < 200; i++)
        play(")");
    SHOWS("This is the last place where you were.");
}

/* ---- steps, unfolded ----------------------------------------------------- */

static void steps_unfold_into_their_text(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p j Enter");
        SHOWS("* text");
        SHOWS("1 of 5");
        play("+ j");
        SHOWS("\u258c First I need the total price");
        play("Enter h j h Enter");      /* a line opens its step */
        play("g -");
        SHOWS("1 of 5");
        play("j *");
        SHOWS("\u258c 1 compute");
        SHOWS_NOT("2 of 5");            /* each has its lines */
        play("resize:80x24 *");
        SHOWS("\u258c 1 compute");
        SHOWS("2 of 5");
    }
}

/* Long text is wrapped to the pane, and anew when that changes. */
static void unfolded_text_follows_the_width(void **state)
{
    (void)state;
    browse("hostile", 80, 24, "Enter p Enter *");
    SHOWS("\u241b[2J\u241b[H plan");
    play("G resize:200x60 resize:80x24 resize:130x30 j j k g G");
    SHOWS("\u258c");
    play("* G");
    SHOWS("\u258c");
}

/* ---- copying ------------------------------------------------------------- */

static void text_is_copied_on_request(void **state)
{
    const char *s;

    (void)state;
    browse("plain", 120, 40, "Y");
    SHOWS("Nothing is copied: this is no terminal.");
    assert_null(tui_copied(ui.tui));
    ui.opts.clipboard = 1;
    browse("plain", 120, 40, "j");
    assert_null(tui_copied(ui.tui));
    play("Y");
    SHOWS("Copied");
    SHOWS("characters: 3fa20000 2025-");
    s = tui_copied(ui.tui);
    assert_non_null(s);
    assert_memory_equal(s, "3fa20000\t2025-", 14);
    assert_non_null(strstr(s, "\tA shop sells pens at 3 euros each."));
    assert_null(strchr(s, '\n'));
    assert_null(tui_copied(ui.tui));    /* once */
    play("Enter p j Enter j Tab Y");    /* a paragraph is one line again */
    s = tui_copied(ui.tui);
    assert_non_null(strstr(s, "4 pens times 3 euros is 12 euros."));
    assert_null(strstr(s, "\u2500\u2500"));     /* rules say nothing */
    play("resize:80x24 Y");
    assert_non_null(tui_copied(ui.tui));
    play("? / \"copy the row\" Enter");
    SHOWS("Y copy the row; in the other pane, its text");
    play("Y");
    assert_non_null(strstr(tui_copied(ui.tui), "While typing"));
}

static void what_is_copied_is_safe_and_has_a_limit(void **state)
{
    static char longer[COPY_BYTES + 2];
    const char *s;

    (void)state;
    ui.opts.clipboard = 1;
    browse("hostile", 120, 40, "Y");
    s = tui_copied(ui.tui);
    assert_non_null(s);
    assert_non_null(strstr(s, "\u241b[31mred"));
    for (; *s; s++)
        assert_true((unsigned char)*s >= ' ' || *s == '\t');
    browse("hostile", 120, 40, "Enter Y");
    s = tui_copied(ui.tui);
    for (; s && *s; s++)
        assert_true((unsigned char)*s >= ' ' || *s == '\n');
    memset(longer, 'a', sizeof longer - 1);
    make("long", &(struct mkdb_opts){ .n_run = 1, .n_path = 1, .every = -1,
                                      .prompt = longer });
    browse("long", 80, 24, "Y");
    SHOWS("Not copied: it is over 48 KiB; :export FILE writes it.");
    assert_null(tui_copied(ui.tui));
    browse("none", 80, 24, "Y");
    SHOWS("There is nothing here to copy.");
    assert_null(tui_copied(ui.tui));
}

static void base64_is_padded(void **state)
{
    static const char *const want[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==",
                                        "Zm9vYmE=", "Zm9vYmFy" };
    struct str s;

    (void)state;                        /* RFC 4648, section 10 */
    for (size_t n = 0; n <= 6; n++) {
        str_init(&s);
        base64_put(&s, "foobar", n);
        assert_string_equal(s.p, want[n]);
        str_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(back_and_forward_cross_views),
        TUI_TEST(h_is_a_step_back_too),
        TUI_TEST(back_from_far_away),
        TUI_TEST(jumps_in_a_list_are_places),
        TUI_TEST(orders_and_filters_come_back),
        TUI_TEST(history_forgets_the_oldest),
        TUI_TEST(steps_unfold_into_their_text),
        TUI_TEST(unfolded_text_follows_the_width),
        TUI_TEST(text_is_copied_on_request),
        TUI_TEST(what_is_copied_is_safe_and_has_a_limit),
        TUI_TEST(base64_is_padded),
    };
    return cmocka_run_group_tests_name("tui_places", tests, tuirig_setup,
                                       tuirig_teardown);
}
