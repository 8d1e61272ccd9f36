/* The views of the browser, by keys played to it and the screens that come of
 * them, at three sizes.  No terminal is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tuirig.h"

/* ---- the views ------------------------------------------------------------ */

static void runs_come_newest_first(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "");
        SHOWS("Sorites runs");
        SHOWS("Run Question Answer Votes Tokens");
        SHOWS("\u258c 3fa20001 Le caf\u00e9 \u6771\u4eac yes 6/8");
        SHOWS("3fa20000 A shop sells 8 6/8 554");
        SHOWS("1 of 2");
        SHOWS("Enter open h back Tab pane / search ? help Q quit");
        SHOWS("oui");                   /* the pane beside: the question */
    }
    SHOWS("2025-11-24 16:01 Le caf\u00e9");     /* room for the date */
}

static void an_empty_database_says_what_to_do(void **state)
{
    (void)state;
    browse("none", 80, 24, "j Enter G / x Enter i");
    SHOWS("No runs yet.");
    SHOWS("Record one: sorites run \"your question\"");
}

static void the_overview_says_what_came_out(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter");
        SHOWS("runs \u203a 3fa20000");
        SHOWS("A shop sells pens at 3 euros each.");
        SHOWS("8 \u2588\u2588 75 % 6 paths: 0,1,3,4,5,7");
        SHOWS("12 \u2588\u2588 25 % 2 paths: 2,6");
        SHOWS("unmeasured");
    }
    SHOWS("@36 Let paths 2 3");         /* the tree of where they part */
    SHOWS("@45 \u00b7One path 2");
    SHOWS("time 4.2 s, of it 310 ms");
    SHOWS("model Toy 135M, llama, Q4_1, 98.8 MB");
    SHOWS("sampling temperature 0.7, top-k 40");
}

static void the_overview_leads_to_the_token_where_paths_part(void **state)
{
    (void)state;
    browse("plain", 120, 40, "j Enter j j j j j j Enter");
    SHOWS("path 2 tokens");
    SHOWS("\u258c 45 \u00b7One");
}

static void paths_stand_side_by_side(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p");
        SHOWS("runs \u203a 3fa20000 \u203a paths");
        SHOWS("\u258c 0 8");
        SHOWS("2 12");
        SHOWS("1 of 8");
        SHOWS("First I need the total price");
    }
    browse("plain", 200, 60, "j Enter p j");
    SHOWS("Path Answer Mean p Tokens Steps Leaves 0 Text");
    SHOWS("\u258c 1 8 0.811 66 5 @46 First I need");
    SHOWS("leaves path 0 at token 46");
}

static void paths_sort_by_any_column(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p i");
    SHOWS("Answer \u2191");
    SHOWS("\u258c 2 12");               /* text: 12 before 8 */
    play("I");
    SHOWS("\u258c 0 8");
    play("i i");                        /* tokens, the other way: most first */
    SHOWS("Tokens \u2193");
    SHOWS("\u258c 5 8");
}

static void steps_are_a_chain(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p j Enter j");
        SHOWS("runs \u203a 3fa20000 \u203a path 1");
        SHOWS("0 plan First I need");
        SHOWS("\u258c 1 compute 4 pens times");
        SHOWS("4 conclude");
        SHOWS("2 of 5");
        SHOWS("4 pens times 3 euros is 12 euros.");
    }
    SHOWS("\u2190 attends step 0 correlation");
    SHOWS("\u2192 follows step 2 rule");
    SHOWS("shares step 0 rule 3 euros");
}

static void a_step_opens_at_its_tokens(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows,
               "j Enter p j j Enter j Enter");
        SHOWS("3fa20000 \u203a path 2 \u203a step 1");
        SHOWS("\u258c 45 \u00b7One");
        SHOWS("It could have been");
        SHOWS("46 of 103");
    }
    SHOWS("44 .");                      /* and what stood before it */
    SHOWS("pen is 3 euros, so 4 pens");     /* in its context */
}

static void tokens_are_coloured_by_what_is_asked(void **state)
{
    struct cell *c;

    (void)state;
    browse("plain", 80, 24, "j Enter p t");
    SHOWS("\u258c 36 First");           /* begins at what was generated */
    c = grid_at(&ui.g, 1 + 5, 13);
    assert_string_equal(c->ch, "F");
    assert_true((c->style & 0xff) >= ROLE_INK &&
                (c->style & 0xff) < ROLE_SCALE);
    play("c");
    SHOWS("Colour: entropy");
    play("c");
    SHOWS("Colour: mode");
    assert_int_equal(grid_at(&ui.g, 1 + 5, 13)->style & 0xff, ROLE_TEXT);
    play("g");
    SHOWS("\u258c 0 <|im_start|> prompt");
    SHOWS("part of the prompt");
}

static void layers_of_one_token(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p t Enter j");
        SHOWS("token 36");
        SHOWS("Layer Mode Norm Change Entropy");
        SHOWS("\u258c 1 hybrid");
        SHOWS("5 full");
        SHOWS("2 of 6");
        SHOWS("layer 1 of 6");
    }
    SHOWS("head 0");                    /* heads were recorded */
    SHOWS("head 8");
    SHOWS("@36 First 0.50");
    SHOWS("decided by score");
}

static void layers_sort_by_their_numbers(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p t Enter i");
    SHOWS("Norm \u2193");
    SHOWS("\u258c 5 full");             /* the norm grows with depth */
    play("I");
    SHOWS("\u258c 0 sparse");
}

static void a_token_without_layers_says_why(void **state)
{
    (void)state;
    browse("many", 80, 24, "Enter p t Enter");
    SHOWS("No layers are recorded for this token");
    play("j Enter Tab O G h v");        /* and nothing falls over it */
    SHOWS("not recorded for these tokens");
}

static void the_map_shows_layers_as_heat(void **state)
{
    const struct cell *c;

    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p v l l");
        SHOWS("path 0 map");
        SHOWS("Pos Token 0");
        SHOWS("36 First");
        SHOWS("token 36, layer 2:");
        SHOWS("residual norm out (log scale)");
    }
    /* lowest at layer 0, highest at the last: 3 columns each from 19 on */
    c = grid_at(&ui.g, 10, 19);
    assert_in_range(c->style & 0xff, ROLE_SCALE, ROLE_SCALE + 3);
    c = grid_at(&ui.g, 10, 19 + 5 * 3);
    assert_in_range(c->style & 0xff, ROLE_SCALE + 8, ROLES - 1);
    play("c c");
    SHOWS("attention entropy nats");
    play("c c c");
    SHOWS("mode s sparse h hybrid F full - left out after an exit");
    play("Right Right Right Right Right Right Right j");
    SHOWS("token 37, layer 5: full");   /* stops at the last layer */
    play("Enter");
    SHOWS("token 37");
    SHOWS("Layer Mode");
    play("< <");
    SHOWS("\u203a paths");
}

static void edges_of_one_step(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows,
               "j Enter p j Enter j e j j");
        SHOWS("step 1 edges");
        SHOWS("Edge Other end Weight Known by");
        SHOWS("\u2190 follows step 0 1.00 rule");
        SHOWS("\u2192 follows step 2 1.00 rule");
        SHOWS("attends step 0 correlation");
        SHOWS("This step");
    }
    SHOWS("Attention mass: correlation, not evidence.");
    play("g j Enter");
    SHOWS("\u258c 2 compute");          /* the step at the other end */
}

static void help_comes_from_the_tables(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p t ?");
        SHOWS("tokens: one path as its stream of tokens");
        SHOWS("c what the colour says");
        SHOWS("h Left <");
    }
    play("G");
    SHOWS(":open RUN");
    play("h");
    SHOWS("\u258c 36 First");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(runs_come_newest_first),
        TUI_TEST(an_empty_database_says_what_to_do),
        TUI_TEST(the_overview_says_what_came_out),
        TUI_TEST(the_overview_leads_to_the_token_where_paths_part),
        TUI_TEST(paths_stand_side_by_side),
        TUI_TEST(paths_sort_by_any_column),
        TUI_TEST(steps_are_a_chain),
        TUI_TEST(a_step_opens_at_its_tokens),
        TUI_TEST(tokens_are_coloured_by_what_is_asked),
        TUI_TEST(layers_of_one_token),
        TUI_TEST(layers_sort_by_their_numbers),
        TUI_TEST(a_token_without_layers_says_why),
        TUI_TEST(the_map_shows_layers_as_heat),
        TUI_TEST(edges_of_one_step),
        TUI_TEST(help_comes_from_the_tables),
    };
    return cmocka_run_group_tests_name("tui", tests, tuirig_setup,
                                       tuirig_teardown);
}
