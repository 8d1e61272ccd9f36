/* Moving about in the browser: lists, panes, mouse, searches, commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tuirig.h"

/* ---- moving and panes --------------------------------------------------- */

static void lists_move_by_rows_pages_and_ends(void **state)
{
    (void)state;
    browse("many", 80, 24, "j j j k");
    SHOWS("\u258c 3fa20093");           /* 149 is the newest */
    play("Space");
    SHOWS("14");
    play("g C-d");
    SHOWS("\u258c 3fa2008f");
    play("C-u G");
    SHOWS("150 of 150");
    SHOWS("\u258c 3fa20000");
    play("k PgUp Home");
    SHOWS("1 of 150");
    play("PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn "
         "PgDn PgDn PgDn");
    SHOWS("150 of 150");                /* an end met by walking */
}

static void panes_take_turns(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Tab G");
    SHOWS("recorded level layers");     /* the pane below has scrolled */
    SHOWS("\u258c 3fa20000");           /* the list has not */
    play("O");
    SHOWS_NOT("3fa20001");              /* the pane is alone */
    play("O Esc g");
    SHOWS("\u258c 3fa20001");
    play("O");
    SHOWS_NOT("Answers");
    play("O Tab j Enter");              /* a link, opened from the pane */
    SHOWS("\u203a paths");
}

static void back_returns_where_one_was(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p j j j Enter j Enter Enter h h h h h");
    SHOWS("\u258c 3fa20000");
    assert_false(tui_done(ui.tui));
    play("h");
    assert_true(tui_done(ui.tui));
    browse("plain", 80, 24, "j Enter p t q Q");
    assert_true(tui_done(ui.tui));
}

static void the_mouse_points_and_opens(void **state)
{
    (void)state;
    browse("plain", 80, 24, "click:3,10");
    SHOWS("\u258c 3fa20000");
    play("click:3,10");
    SHOWS("runs \u203a 3fa20000");
    play("h g wheel:3,3");
    SHOWS("\u258c 3fa20000");
    play("g m click:3,10");
    SHOWS("\u258c 3fa20001");           /* it was freed */
    ui.opts.no_mouse = 1;
    browse("plain", 80, 24, "click:3,10");
    SHOWS("\u258c 3fa20001");
}

/* ---- searching and commands --------------------------------------------- */

static void search_finds_and_goes_round(void **state)
{
    (void)state;
    browse("many", 80, 24, "/ \"question 77\" Enter");
    SHOWS("\u258c 3fa2004d Question 77.");
    SHOWS("/question 77");
    play("n");
    SHOWS("Searched on from the first row.");
    SHOWS("\u258c 3fa2004d");
    play("/ \"Question 1\" Enter N");
    SHOWS("\u258c 3fa20064 Question 100.");
    play("/ \"nonsense9\" Enter");
    SHOWS("Nothing here reads \"nonsense9\".");
    SHOWS("\u258c 3fa20064");
    play("Esc n");
    SHOWS("Nothing was searched for yet");
}

static void search_marks_its_matches(void **state)
{
    int marked = 0;

    (void)state;
    browse("plain", 80, 24, "j Enter p / \"change is\" Enter");
    for (int i = 0; i < ui.g.rows * ui.g.cols; i++)
        marked += (ui.g.cell[i].style & CELL_MATCH) != 0;
    SHOWS("\u258c 6");
    assert_int_equal(marked, 9);        /* in the pane, once */
}

static void tokens_are_searched_in_the_database(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p t / \"ANSWER\" Enter");
    SHOWS("\u258c \u00b7answer");
    play("/ \"shop\" Enter");
    SHOWS("Searched on from the first row.");
    SHOWS("\u258c 3 \u00b7shop");
    play("/ \"euro\" Enter n N N");       /* backwards past the start */
    SHOWS("Searched on from the last row.");
}

static void texts_are_searched_too(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter / \"temperature\" Enter");
    SHOWS("sampling temperature 0.7");
    play("/ \"Anna\" Enter");
    SHOWS("Anna buys 4 pens");
}

static void a_prompt_can_be_left_and_corrected(void **state)
{
    (void)state;
    browse("plain", 80, 24, ": \"opex\" Backspace \"n\"");
    SHOWS(":open");
    assert_int_equal(tui_cursor(ui.tui, &(int){ 0 }, &(int){ 0 }), 1);
    play("Esc");
    SHOWS_NOT(":open");
    assert_int_equal(tui_cursor(ui.tui, &(int){ 0 }, &(int){ 0 }), 0);
    play("/ \u00e9 \u6771 Backspace Backspace Backspace j");
    SHOWS("\u258c 3fa20000");           /* Backspace on nothing leaves it */
    play("/ x C-c j k k");
    SHOWS("\u258c 3fa20001");
    assert_false(tui_done(ui.tui));
}

static void open_goes_to_an_address(void **state)
{
    (void)state;
    browse("plain", 80, 24, ": \"open 3fa20000:2:1\" Enter");
    SHOWS("3fa20000 \u203a path 2 \u203a step 1");
    SHOWS("\u258c 45 \u00b7One");
    play("h");
    SHOWS("\u258c 1 compute");
    play(": \"open last:0@40\" Enter");
    SHOWS("3fa20001");
    SHOWS("\u258c 40");
    play(": \"open 3fa20000:1\" Enter");
    SHOWS("path 1");
    SHOWS("0 plan");
    play(": \"open nothere\" Enter");
    SHOWS("nothere");
    play(": \"open\" Enter");
    SHOWS(":open RUN[:PATH[:STEP]|:PATH@POS]");
    play(": \"frobnicate\" Enter");
    SHOWS("There is no command :frobnicate; :help lists them.");
    play(": \"theme light\" Enter");
    assert_string_equal(tui_theme(ui.tui)->name, "light");
    play(": \"quit\" Enter");
    assert_true(tui_done(ui.tui));
}

static void unknown_keys_say_so(void **state)
{
    struct sor_msg msg = { "" };

    (void)state;
    browse("plain", 80, 24, "X");
    SHOWS("X does nothing here; ? lists the keys.");
    assert_int_equal(tui_play(ui.tui, "j\nFrob", &ui.g, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "line 2"));
    assert_int_equal(tui_play(ui.tui, "\"open", &ui.g, &msg), SOR_FORMAT);
    assert_int_equal(tui_play(ui.tui, "resize:9x", &ui.g, &msg), SOR_FORMAT);
    play("# a comment j\n j");
    SHOWS("\u258c 3fa20000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(lists_move_by_rows_pages_and_ends),
        TUI_TEST(panes_take_turns),
        TUI_TEST(back_returns_where_one_was),
        TUI_TEST(the_mouse_points_and_opens),
        TUI_TEST(search_finds_and_goes_round),
        TUI_TEST(search_marks_its_matches),
        TUI_TEST(tokens_are_searched_in_the_database),
        TUI_TEST(texts_are_searched_too),
        TUI_TEST(a_prompt_can_be_left_and_corrected),
        TUI_TEST(open_goes_to_an_address),
        TUI_TEST(unknown_keys_say_so),
    };
    return cmocka_run_group_tests_name("tui_keys", tests, tuirig_setup,
                                       tuirig_teardown);
}
