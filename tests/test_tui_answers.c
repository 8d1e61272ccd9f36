/* The views that answers lead through: paths compared, heads, routing, stories,
 * timelines, graphs.  The questions themselves are in test_tui_questions.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/write.h"
#include "tests/tuirig.h"

/* The next keys of a walk are always in sight: in the bar or in the help. */
static void offers(const char *key_and_word)
{
    if (!has_line(key_and_word))
        fail_msg("the screen does not offer \"%s\":\n%s", key_and_word,
                 ui.screen.p);
}

/* At which token did path 3 part from path 1, and why was it computed so? */
static void where_two_paths_part_and_why(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter");
        offers("p paths");
        play("p");
        offers("x compare");
        play("j x");
        SHOWS("Path 1 chosen; x on another path sets them side by side.");
        play("j j x");
        SHOWS("path 1 | 3");
        SHOWS("They first part at token 36, here");
        SHOWS("\u258c 36 First");
        SHOWS("!");
        offers("s story");
        play("s");
        SHOWS("story of token 36");
        play("/ \"complexity\" Enter");
        SHOWS("complexity");            /* the score beside its threshold */
        SHOWS("tokens 32 to 47 choose together");
    }
    SHOWS("mode full: complexity 0.");
    SHOWS("reaches 0.750");
    SHOWS("decided by score 6, guard 0, policy 0, replay 0");
}

/* Which head attends most to some words? */
static void which_head_looks_there_most(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p t j j");
        offers("a heads");
        play("a");
        offers("t aim");
        SHOWS("heads of token 38");
        play("t \"36:39\" Enter");
        SHOWS("tokens 36 to 38");
        SHOWS("weight on the target");
        play("Tab G");
        SHOWS("never evidence.");
        play("Esc x");
    }
    SHOWS("Heads that look there most");
    SHOWS("layer 0 head 0 0.875");      /* a half, a quarter, an eighth */
    play("t \"shop\" Enter");
    SHOWS("\"shop\", tokens 3 to");
    play("t \"nowhere\" Enter");
    SHOWS("\"nowhere\" is not in the text before this token.");
    play("c");
    SHOWS("entropy, nats");
    play("l l j");
    SHOWS("layer 1, head 2:");
}

/* How often did the guard act in this run? */
static void how_often_the_guard_acted(void **state)
{
    (void)state;
    make("guarded", &(struct mkdb_opts){ .n_run = 1, .n_path = 2,
                                         .n_token = 40, .guard = 20 });
    EACH_SIZE(i) {
        browse("guarded", sizes[i].cols, sizes[i].rows, "Enter");
        offers("u routing");
        play("u wait:5,0");
        SHOWS("Guard");
        SHOWS("The guard acted on");
        SHOWS("\u258c all");
    }
    SHOWS("The guard acted on 9 of 157 tokens");
    play("k k Enter");                  /* to the first of path 0 */
    SHOWS("\u258c 0 <|im_start|>");
    play("s");
    SHOWS("the guard stepped in, since the routed result looked unsure");
    browse("plain", 120, 40, "j Enter u wait:5,0");
    SHOWS("The guard acted on 0 of");
}

static int64_t path_id_of(const char *name, const char *address)
{
    struct sor_msg msg = { "" };
    struct db *d = NULL;
    struct db_addr at;

    if (db_open(path_of(name), &d, &msg) || db_find(d, address, &at, &msg))
        fail_msg("%s", msg.text);
    db_close(d);
    return at.path_id;
}

/* Decisions are recorded apart from the layers: at every level. */
static void decisions_of_routing_are_read_where_there_are_any(void **state)
{
    struct db_put_route r = { .pos = 32, .mode = "sparse", .reason = "score",
                              .score = 0.125, .low = 0.25, .high = 0.75 };
    struct sor_msg msg = { "" };
    struct db_writer *w = NULL;

    (void)state;
    make("routed", &(struct mkdb_opts){ .n_run = 1, .n_path = 2, .every = -1 });
    r.path_id = path_id_of("routed", "3fa20000:0");    /* shared up to 36 */
    for (int i = 0; i < DB_ROUTE_PARTS; i++)
        r.part[i] = i ? NAN : 0.5;
    assert_int_equal(db_writer_open(path_of("routed"),
                     &(struct db_writer_opts){ 0 }, &w, &msg), SOR_OK);
    assert_int_equal(db_begin(w, 1, &msg), SOR_OK);
    assert_int_equal(db_put_route(w, &r, &msg), SOR_OK);
    r.path_id = path_id_of("routed", "3fa20000:1");
    r.pos = 40;
    r.mode = "full";
    r.reason = "guard";
    assert_int_equal(db_put_route(w, &r, &msg), SOR_OK);
    assert_int_equal(db_commit(w, NULL, &msg), SOR_OK);
    db_writer_close(w);
    browse("routed", 120, 40, "Enter u");
    SHOWS("The guard acted on 1 of");
    play("k Enter");
    SHOWS("\u258c 40");
    play("s");
    SHOWS("the guard stepped in");
    play("[ [ [ [ C-d");
    SHOWS("complexity 0.125 lies below 0.250");
    SHOWS("made of entropy 0.500");
}

static void what_depends_says_when_it_was_not_measured(void **state)
{
    (void)state;
    make("effects", &(struct mkdb_opts){ .n_run = 1, .n_path = 2 });
    EACH_SIZE(i) {
        browse("effects", sizes[i].cols, sizes[i].rows, "Enter p j Enter");
        offers("d depends");
        play("d");
        SHOWS("depends on");
        SHOWS("Not measured yet: A removes each step");
        SHOWS("0 plan");
    }
    play("g");
    SHOWS("tied to the end");
}

/* ---- the other views ----------------------------------------------------- */

static void two_paths_are_aligned(void **state)
{
    (void)state;
    browse("plain", 160, 40, "j Enter p x j j x");
    SHOWS("path 0 | 2");
    SHOWS("Right: path 2");
    play("x");                          /* on to the next difference */
    SHOWS("x goes there");
    play("j g / \"answer\" Enter");
    SHOWS("\u258c");
    play("h x x");                      /* chosen, and not */
    SHOWS("Path 2 is no longer chosen.");
    play("x g x G");
    SHOWS("path 2 | 0");
}

static void a_story_moves_from_token_to_token(void **state)
{
    (void)state;
    browse("plain", 120, 60, "j Enter p t s");
    SHOWS("3fa20000:0@36");
    SHOWS("It could have been");
    SHOWS("How it was computed, and why so");
    SHOWS("price none: it was computed in full");
    SHOWS("Not computed yet: L does it, and stores it.");
    play("]");
    SHOWS("3fa20000:0@37");
    play("[ [");
    SHOWS("3fa20000:0@35");
    SHOWS("given: it is part of the prompt");
    play("a");
    SHOWS("heads of token 35");
    play("L");                          /* nothing acts read-only */
    SHOWS("L does nothing here");
    play("< L");
    SHOWS("This browser only looks");
}

static void paths_stand_against_time(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter y j");
        SHOWS("timeline");
        SHOWS("Path 0");
        SHOWS("\u258c 1");
        SHOWS("2 of 8");
    }
    play("l l");
    SHOWS("step 2,");
    play("Enter");
    SHOWS("\u258c 2 compute");
}

static void two_runs_are_compared(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "x");
        SHOWS("3fa20001 chosen; x on another run compares the two.");
        play("j x");
        SHOWS("3fa20001 | 3fa20000");
        SHOWS("question Le caf\u00e9");
        SHOWS("Paths: answer left");
        play("/ \"part at\" Enter");
        SHOWS("path 0 yes 8");
    }
    play("j Enter");
    SHOWS("path 1 | 1");
}

static void steps_are_drawn_as_a_graph(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        browse("plain", sizes[i].cols, sizes[i].rows, "j Enter p j Enter w");
        SHOWS("graph of steps");
        SHOWS("0 plan");
        SHOWS("\u2192 1 compute");
        SHOWS("step 0 plan");
    }
    play("l");
    SHOWS("step 1 compute");
    play("e");
    SHOWS("graph of steps: ");
    play("e e e e e e e e h g G j k Enter");
    SHOWS("path 1");
    ui.opts.ascii = 1;
    browse("plain", 120, 40, "j Enter p j Enter w");
    SHOWS("> 1 compute");
}

static void losses_have_a_view(void **state)
{
    struct db_loss loss = { .from_seq = 1234, .n_event = 56,
                            .reason = "the ring was full" };
    struct sor_msg msg = { "" };
    struct db_writer *w = NULL;

    (void)state;
    make("lossy", &(struct mkdb_opts){ .n_run = 1, .n_path = 1 });
    loss.run_id = 1;
    assert_int_equal(db_writer_open(path_of("lossy"), &(struct db_writer_opts){
        0 }, &w, &msg), SOR_OK);
    assert_int_equal(db_begin(w, 1, &msg), SOR_OK);
    assert_int_equal(db_put_loss(w, &loss, &msg), SOR_OK);
    assert_int_equal(db_commit(w, NULL, &msg), SOR_OK);
    db_writer_close(w);
    browse("lossy", 120, 40, "Enter : \"losses\" Enter");
    SHOWS("1,234 56 the ring was full");
    SHOWS("56 events, from number 1,234");
    browse("plain", 120, 40, "Enter : \"losses\" Enter");
    SHOWS("The recorder lost nothing of this run.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(where_two_paths_part_and_why),
        TUI_TEST(which_head_looks_there_most),
        TUI_TEST(how_often_the_guard_acted),
        TUI_TEST(decisions_of_routing_are_read_where_there_are_any),
        TUI_TEST(what_depends_says_when_it_was_not_measured),
        TUI_TEST(two_paths_are_aligned),
        TUI_TEST(a_story_moves_from_token_to_token),
        TUI_TEST(paths_stand_against_time),
        TUI_TEST(two_runs_are_compared),
        TUI_TEST(steps_are_drawn_as_a_graph),
        TUI_TEST(losses_have_a_view),
    };
    return cmocka_run_group_tests_name("tui_answers", tests, tuirig_setup,
                                       tuirig_teardown);
}
