/* The browser, by keys played to it and the screens that come of them, at two
 * sizes and more.  No terminal is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/write.h"
#include "tests/mkdb.h"
#include "tui/app.h"

static char dir[64];
static struct grid g;
static struct str screen;
static struct tui_opts opts;
static struct db *db;
static struct tui *tui;

/* ---- a database, a browser, keys ------------------------------------------ */

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s.db", dir, name);
    return path;
}

static void make(const char *name, const struct mkdb_opts *o)
{
    struct sor_msg msg = { "" };

    if (mkdb(path_of(name), o, &msg))
        fail_msg("%s", msg.text);
}

static int setup(void **state)
{
    (void)state;
    if (mkdb_dir(dir))
        return -1;
    make("plain", &(struct mkdb_opts){ .n_token = 40, .heads = 1 });
    make("none", &(struct mkdb_opts){ .n_run = -1 });
    make("many", &(struct mkdb_opts){ .n_run = 150, .n_path = 1, .every = -1 });
    make("hostile", &(struct mkdb_opts){ .n_run = 1, .hostile = 1 });
    str_init(&screen);
    return grid_init(&g, 24, 80) != SOR_OK;
}

static int teardown(void **state)
{
    (void)state;
    mkdb_dir_remove(dir);
    str_release(&screen);
    grid_release(&g);
    return 0;
}

static void close_tui(void)
{
    tui_close(tui);
    db_close(db);
    tui = NULL;
    db = NULL;
}

static int after_each(void **state)
{
    (void)state;
    close_tui();
    opts = (struct tui_opts){ 0 };
    return 0;
}

static void dump(void)
{
    str_clear(&screen);
    grid_dump(&g, &screen);
}

static void keys(const char *script)
{
    struct sor_msg msg = { "" };

    if (tui_play(tui, script, &g, &msg))
        fail_msg("%s", msg.text);
    dump();
}

static void browse(const char *name, int cols, int rows, const char *script)
{
    struct sor_msg msg = { "" };

    close_tui();
    if (db_open(path_of(name), &db, &msg) || tui_open(db, &opts, &tui, &msg))
        fail_msg("%s", msg.text);
    assert_int_equal(grid_resize(&g, rows, cols), SOR_OK);
    keys(script);
}

/* The fast tier runs under tools that slow everything down: less of what is
 * only repetition. */
static int fast(void)
{
    const char *s = getenv("SORITES_FAST");

    return s && *s;
}

/* The screen has a line with all of these words in this order, blanks between
 * them being of any width. */
static int has_line(const char *words)
{
    for (const char *line = screen.p; *line;) {
        size_t n = strcspn(line, "\n");
        const char *at = line, *w = words;
        while (*w) {
            size_t k = strcspn(w, " ");
            while (at + k <= line + n && memcmp(at, w, k) != 0)
                at++;
            if (at + k > line + n)
                break;
            at += k;
            w += k + strspn(w + k, " ");
        }
        if (!*w)
            return 1;
        line += n + (line[n] == '\n');
    }
    return 0;
}

#define SHOWS(words) \
    do { \
        if (!has_line(words)) \
            fail_msg("no line reads \"%s\" in:\n%s", words, screen.p); \
    } while (0)
#define SHOWS_NOT(words) \
    do { \
        if (has_line(words)) \
            fail_msg("a line reads \"%s\" in:\n%s", words, screen.p); \
    } while (0)

static const struct { int cols, rows; } sizes[] = { { 80, 24 }, { 120, 40 },
                                                    { 200, 60 } };
#define EACH_SIZE(i) for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)

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
    keys("I");
    SHOWS("\u258c 0 8");
    keys("i i");                        /* tokens, the other way: most first */
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
    c = grid_at(&g, 1 + 5, 13);
    assert_string_equal(c->ch, "F");
    assert_true((c->style & 0xff) >= ROLE_INK &&
                (c->style & 0xff) < ROLE_SCALE);
    keys("c");
    SHOWS("Colour: entropy");
    keys("c");
    SHOWS("Colour: mode");
    assert_int_equal(grid_at(&g, 1 + 5, 13)->style & 0xff, ROLE_TEXT);
    keys("g");
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
    keys("I");
    SHOWS("\u258c 0 sparse");
}

static void a_token_without_layers_says_why(void **state)
{
    (void)state;
    browse("many", 80, 24, "Enter p t Enter");
    SHOWS("No layers are recorded for this token");
    keys("j Enter Tab O G h v");        /* and nothing falls over it */
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
    c = grid_at(&g, 10, 19);
    assert_in_range(c->style & 0xff, ROLE_SCALE, ROLE_SCALE + 3);
    c = grid_at(&g, 10, 19 + 5 * 3);
    assert_in_range(c->style & 0xff, ROLE_SCALE + 8, ROLES - 1);
    keys("c c");
    SHOWS("attention entropy nats");
    keys("c c c");
    SHOWS("mode: 0 sparse, 1 hybrid, 2 full 0.00 2.00");
    keys("Right Right Right Right Right Right Right j");
    SHOWS("token 37, layer 5: 2.00");   /* stops at the last layer */
    keys("Enter");
    SHOWS("token 37");
    SHOWS("Layer Mode");
    keys("< <");
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
    keys("g j Enter");
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
    keys("G");
    SHOWS(":open RUN");
    keys("h");
    SHOWS("\u258c 36 First");
}

/* ---- moving and panes ------------------------------------------------------ */

static void lists_move_by_rows_pages_and_ends(void **state)
{
    (void)state;
    browse("many", 80, 24, "j j j k");
    SHOWS("\u258c 3fa20093");           /* 149 is the newest */
    keys("Space");
    SHOWS("14");
    keys("g C-d");
    SHOWS("\u258c 3fa2008f");
    keys("C-u G");
    SHOWS("150 of 150");
    SHOWS("\u258c 3fa20000");
    keys("k PgUp Home");
    SHOWS("1 of 150");
    keys("PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn "
         "PgDn PgDn PgDn");
    SHOWS("150 of 150");                /* an end met by walking */
}

static void panes_take_turns(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Tab G");
    SHOWS("recorded level layers");     /* the pane below has scrolled */
    SHOWS("\u258c 3fa20000");           /* the list has not */
    keys("O");
    SHOWS_NOT("3fa20001");              /* the pane is alone */
    keys("O Esc g");
    SHOWS("\u258c 3fa20001");
    keys("O");
    SHOWS_NOT("Answers");
    keys("O Tab j Enter");              /* a link, opened from the pane */
    SHOWS("\u203a paths");
}

static void back_returns_where_one_was(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p j j j Enter j Enter Enter h h h h h");
    SHOWS("\u258c 3fa20000");
    assert_false(tui_done(tui));
    keys("h");
    assert_true(tui_done(tui));
    browse("plain", 80, 24, "j Enter p t q Q");
    assert_true(tui_done(tui));
}

static void the_mouse_points_and_opens(void **state)
{
    (void)state;
    browse("plain", 80, 24, "click:3,10");
    SHOWS("\u258c 3fa20000");
    keys("click:3,10");
    SHOWS("runs \u203a 3fa20000");
    keys("h g wheel:3,3");
    SHOWS("\u258c 3fa20000");
    keys("g m click:3,10");
    SHOWS("\u258c 3fa20001");           /* it was freed */
    opts.no_mouse = 1;
    browse("plain", 80, 24, "click:3,10");
    SHOWS("\u258c 3fa20001");
}

/* ---- searching and commands ------------------------------------------------ */

static void search_finds_and_goes_round(void **state)
{
    (void)state;
    browse("many", 80, 24, "/ \"question 77\" Enter");
    SHOWS("\u258c 3fa2004d Question 77.");
    SHOWS("/question 77");
    keys("n");
    SHOWS("Searched on from the first row.");
    SHOWS("\u258c 3fa2004d");
    keys("/ \"Question 1\" Enter N");
    SHOWS("\u258c 3fa20064 Question 100.");
    keys("/ \"nonsense9\" Enter");
    SHOWS("Nothing here reads \"nonsense9\".");
    SHOWS("\u258c 3fa20064");
    keys("Esc n");
    SHOWS("Nothing was searched for yet");
}

static void search_marks_its_matches(void **state)
{
    int marked = 0;

    (void)state;
    browse("plain", 80, 24, "j Enter p / \"change is\" Enter");
    for (int i = 0; i < g.rows * g.cols; i++)
        marked += (g.cell[i].style & CELL_MATCH) != 0;
    SHOWS("\u258c 6");
    assert_int_equal(marked, 9);        /* in the pane, once */
}

static void tokens_are_searched_in_the_database(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p t / \"ANSWER\" Enter");
    SHOWS("\u258c \u00b7answer");
    keys("/ \"shop\" Enter");
    SHOWS("Searched on from the first row.");
    SHOWS("\u258c 3 \u00b7shop");
    keys("/ \"euro\" Enter n N N");       /* backwards past the start */
    SHOWS("Searched on from the last row.");
}

static void texts_are_searched_too(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter / \"temperature\" Enter");
    SHOWS("sampling temperature 0.7");
    keys("/ \"Anna\" Enter");
    SHOWS("Anna buys 4 pens");
}

static void a_prompt_can_be_left_and_corrected(void **state)
{
    (void)state;
    browse("plain", 80, 24, ": \"opex\" Backspace \"n\"");
    SHOWS(":open");
    assert_int_equal(tui_cursor(tui, &(int){ 0 }, &(int){ 0 }), 1);
    keys("Esc");
    SHOWS_NOT(":open");
    assert_int_equal(tui_cursor(tui, &(int){ 0 }, &(int){ 0 }), 0);
    keys("/ \u00e9 \u6771 Backspace Backspace Backspace j");
    SHOWS("\u258c 3fa20000");           /* Backspace on nothing leaves it */
    keys("/ x C-c j k k");
    SHOWS("\u258c 3fa20001");
    assert_false(tui_done(tui));
}

static void open_goes_to_an_address(void **state)
{
    (void)state;
    browse("plain", 80, 24, ": \"open 3fa20000:2:1\" Enter");
    SHOWS("3fa20000 \u203a path 2 \u203a step 1");
    SHOWS("\u258c 45 \u00b7One");
    keys("h");
    SHOWS("\u258c 1 compute");
    keys(": \"open last:0@40\" Enter");
    SHOWS("3fa20001");
    SHOWS("\u258c 40");
    keys(": \"open 3fa20000:1\" Enter");
    SHOWS("path 1");
    SHOWS("0 plan");
    keys(": \"open nothere\" Enter");
    SHOWS("nothere");
    keys(": \"open\" Enter");
    SHOWS(":open RUN[:PATH[:STEP]|:PATH@POS]");
    keys(": \"frobnicate\" Enter");
    SHOWS("There is no command :frobnicate; :help lists them.");
    keys(": \"theme light\" Enter");
    assert_string_equal(tui_theme(tui)->name, "light");
    keys(": \"quit\" Enter");
    assert_true(tui_done(tui));
}

static void unknown_keys_say_so(void **state)
{
    struct sor_msg msg = { "" };

    (void)state;
    browse("plain", 80, 24, "X");
    SHOWS("X does nothing here; ? lists the keys.");
    assert_int_equal(tui_play(tui, "j\nFrob", &g, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "line 2"));
    assert_int_equal(tui_play(tui, "\"open", &g, &msg), SOR_FORMAT);
    assert_int_equal(tui_play(tui, "resize:9x", &g, &msg), SOR_FORMAT);
    keys("# a comment j\n j");
    SHOWS("\u258c 3fa20000");
}

/* ---- sizes, text that is not ours, costs ------------------------------------ */

static void too_small_says_so_and_recovers(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p resize:79x24");
    SHOWS("The terminal is 79 x 24; please make it 80 x 24.");
    SHOWS_NOT("Answer");
    keys("j j resize:80x23");
    SHOWS("80 x 23");
    keys("resize:14x5");
    SHOWS("80x24 needed");
    keys("resize:10x2 resize:1x1 resize:0x0 resize:200x60");
    SHOWS("\u258c 0 8");                /* keys that moved nothing */
    keys("resize:79x24 Q");
    assert_true(tui_done(tui));
}

static void every_view_fits_every_size(void **state)
{
    static const char *const views[] = {
        "", "Enter", "Enter p", "Enter p Enter", "Enter p Enter Enter",
        "Enter p t Enter", "Enter p v", "Enter p Enter j e", "?" };

    (void)state;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        browse("plain", 80, 24, views[i]);
        for (int cols = 80; cols <= 240; cols += fast() ? 40 : 7)
            for (int rows = 24; rows <= 80; rows += fast() ? 50 : 11) {
                char script[64];
                snprintf(script, sizeof script, "resize:%dx%d j", cols, rows);
                keys(script);
                SHOWS("Sorites runs");
                /* the bar of keys is always the last line */
                assert_int_equal(grid_at(&g, rows - 1, 1)->style & 0xff,
                                 ROLE_KEY);
            }
    }
}

/* Walks all views and checks every cell for what a terminal could obey. */
static void hostile_text_never_reaches_the_screen(void **state)
{
    static const char *const walk[] = {
        "", "Tab G", "Esc O", "O Enter", "G", "p", "Tab G Esc Enter", "j e",
        "h Enter", "j j j", "c c", "Enter", "h v", "h / \"[31m\" Enter", "?",
        "h : \"open \x1b[31m\" Enter" };

    (void)state;
    for (int ascii = 0; ascii < 2; ascii++) {
        opts.ascii = ascii;
        browse("hostile", 100, 30, "");
        for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
            keys(walk[i]);
            for (size_t k = 0; k < screen.len;) {
                uint32_t cp;
                k += utf8_next(screen.p + k, screen.len - k, &cp);
                assert_true(cp == '\n' || !text_hidden(cp));
                assert_true(!ascii || cp < 127);
            }
        }
    }
    opts.ascii = 0;
    browse("hostile", 100, 30, "");
    SHOWS("Ignore this \u241b[31mred");
}

static void ascii_mode_is_ascii_everywhere(void **state)
{
    (void)state;
    opts.ascii = 1;
    browse("plain", 80, 24, "j Enter p j Enter j Enter v l l c");
    for (size_t i = 0; i < screen.len; i++)
        assert_true((unsigned char)screen.p[i] < 127);
    SHOWS("> path 1 map");
}

static void without_colours_heat_is_shade(void **state)
{
    (void)state;
    opts.theme = theme_find("none");
    browse("plain", 80, 24, "j Enter p v");
    SHOWS("First \u2591");
    SHOWS("\u2588\u2588\u2588\u2588");
}

static void the_frame_says_what_is_open(void **state)
{
    (void)state;
    opts.readonly = 1;
    opts.db_name = "/some/where/trace.db";
    browse("plain", 80, 24, "");
    SHOWS("Sorites runs read-only trace.db");
    SHOWS_NOT("where");
}

static const char *well_known(const uint8_t sha256[32], const char *question)
{
    return sha256[0] == 0xab && strstr(question, "pens")
               ? "Right in 31 of 100 such questions." : "unknown";
}

static void known_accuracy_is_shown(void **state)
{
    (void)state;
    opts.accuracy = well_known;
    browse("plain", 80, 24, "j Enter");
    SHOWS("Right in 31 of 100 such questions.");
}

static void following_shows_new_rows(void **state)
{
    struct mkdb_opts more = { .n_run = 1, .first = 7, .n_path = 2,
                              .unfinished = 1 };
    struct mkdb_opts last = { .n_run = 1, .first = 8, .n_path = 2 };

    (void)state;
    make("live", &(struct mkdb_opts){ .n_run = 1, .n_path = 2 });
    browse("live", 80, 24, "");
    assert_int_equal(tui_idle(tui), 0);
    keys("Z");
    SHOWS("Nothing is being followed; F follows.");
    keys("F");
    assert_true(tui_following(tui));
    assert_int_equal(tui_idle(tui), 0); /* nothing new: nothing to draw */
    make("live", &more);
    assert_int_equal(tui_idle(tui), 1);
    tui_draw(tui, &g);
    dump();
    SHOWS("following");
    keys("Enter j j j");
    SHOWS("state cut off: 0 of 2 paths ended");
    keys("p");
    SHOWS("Cut off while it was recorded");
    keys("h h");
    SHOWS("\u258c 3fa20007 Question 7. 8 2/2 0/2 done");
    keys("Z");
    make("live", &last);
    assert_int_equal(tui_idle(tui), 0); /* paused */
    keys("Z");
    assert_int_equal(tui_idle(tui), 1);
    keys("F");
    assert_false(tui_following(tui));
    keys("r g");
    SHOWS("\u258c 3fa20008");
}

/* A recorder that is killed says nothing more; what it wrote last shows all
 * the same, also in views that were not on top when it was written. */
static void an_end_of_recording_is_seen(void **state)
{
    struct mkdb_opts more = { .n_run = 1, .first = 7, .n_path = 2,
                              .unfinished = 1 };
    struct db_writer *w = NULL;
    struct sor_msg msg = { "" };
    char name[128];

    (void)state;
    make("killed", &(struct mkdb_opts){ .n_run = 1, .n_path = 2 });
    snprintf(name, sizeof name, "%s", path_of("killed"));
    opts.db_name = name;
    browse("killed", 80, 24, "F Enter");
    make("killed", &more);
    assert_int_equal(tui_idle(tui), 1); /* the view on top has read it ... */
    keys("h");
    SHOWS("3fa20007 Question 7. 8 2/2 0/2 done");   /* ... so has this one */
    keys("Enter p");
    assert_int_equal(db_writer_open(name, &(struct db_writer_opts){ 0 }, &w,
                                    &msg), SOR_OK);
    tui_idle(tui);
    keys("r");
    SHOWS("Still being recorded");
    db_writer_close(w);
    assert_int_equal(tui_idle(tui), 1);
    assert_int_equal(tui_idle(tui), 0); /* once */
    keys("");
    SHOWS("Cut off while it was recorded");
}

static void queries_and_exports(void **state)
{
    char name[128], file[192], script[400];
    struct str s;
    FILE *f;

    (void)state;
    snprintf(name, sizeof name, "%s", path_of("plain"));
    opts.db_name = name;
    browse("plain", 80, 24, ": \"sql select uid, 7 * 6 as six from run\" "
           "Enter");
    SHOWS("uid six");
    SHOWS("42");
    SHOWS("rows 2");
    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/screen.%s", dir, i ? "svg" : "txt");
        snprintf(script, sizeof script, ": \"export %s\" Enter", file);
        keys(script);
        SHOWS("This screen is in");
        f = fopen(file, "r");
        assert_non_null(f);
        str_init(&s);
        for (int c; (c = fgetc(f)) != EOF; )
            str_put(&s, &(char){ (char)c }, 1);
        fclose(f);
        assert_non_null(strstr(s.p, "42"));
        assert_int_equal(strstr(s.p, "<svg") != NULL, i);
        str_release(&s);
        keys(script);                   /* what is there stays */
        SHOWS("File exists");
    }
    keys("h : \"sql delete from run\" Enter");
    assert_null(strstr(screen.p, "rows"));
    keys(": \"sql select\" Enter");
    assert_null(strstr(screen.p, "rows"));
}

static void enter_is_not_offered_where_nothing_opens(void **state)
{
    (void)state;
    browse("plain", 80, 24, "Enter p t Enter");
    SHOWS("token 0");
    assert_null(strstr(screen.p, "Enter open"));
    keys("Enter");
    SHOWS("Enter opens nothing here");
    keys("?");
    assert_null(strstr(screen.p, "open the row"));
    keys("h h ?");
    SHOWS("open the row");
}

/* Any keys, at any size: nothing hidden on the screen, and it stays up.  More
 * rounds and another seed: $SORITES_FUZZ_ROUNDS, $SORITES_FUZZ_SEED. */
static void random_keys_do_no_harm(void **state)
{
    static const int keys_tried[] = {
        'j', 'k', 'l', 'h', 'g', 'G', TK_ENTER, TK_ENTER, TK_ENTER, TK_TAB,
        'O', '/', 'n', 'N', ':', 'i', 'I', 'c', 'v', 't', 'e', 'p', 'F', 'Z',
        'r', ' ', TK_PGDN, TK_PGUP, 4, 21, TK_ESC, TK_BACKSPACE, '?', 'm',
        TK_LEFT, TK_RIGHT, TK_CLICK, TK_DOUBLE, TK_WHEEL_UP, TK_WHEEL_DOWN,
        'a', '1', 0x6771, 0x301, 0x202e, TK_RESIZE, TK_NONE };
    static const char *const names[] = { "plain", "hostile", "none", "many" };
    const char *rounds = getenv("SORITES_FUZZ_ROUNDS");
    const char *seed = getenv("SORITES_FUZZ_SEED");
    long n = rounds ? strtol(rounds, NULL, 10) : fast() ? 300 : 1500;
    uint32_t x = seed ? (uint32_t)strtoul(seed, NULL, 10) : 1;

    (void)state;
    for (long i = 0; i < n; i++) {
        struct tui_event ev;
        x = x * 1664525 + 1013904223;           /* Numerical Recipes, 7.1 */
        if (i % 400 == 0 || !tui || tui_done(tui))
            browse(names[x >> 8 & 3], 80 + (int)(x >> 12 & 63),
                   24 + (int)(x >> 20 & 31), "");
        ev.key = keys_tried[(x >> 10) % (sizeof keys_tried / sizeof(int))];
        ev.row = (int)(x >> 16) % (g.rows + 2);
        ev.col = (int)(x >> 4 & 0xfff) % (g.cols + 2);
        if (ev.key == TK_RESIZE)
            assert_int_equal(grid_resize(&g, (int)(x >> 9 & 63),
                                         (int)(x >> 15 & 255)), SOR_OK);
        tui_key(tui, ev);
        if (tui_done(tui))
            continue;
        tui_idle(tui);
        tui_draw(tui, &g);
        dump();
        for (size_t k = 0; k < screen.len;) {
            uint32_t cp;
            k += utf8_next(screen.p + k, screen.len - k, &cp);
            assert_true(cp == '\n' || !text_hidden(cp));
        }
    }
}

/* A first screen costs what it shows, whatever the database holds. */
static void a_million_tokens_cost_a_screen(void **state)
{
    static const char *const walk[] = {     /* each from the one before */
        "", "Enter", "p", "t", "G", "PgUp", "v", "h h Enter" };
    struct sor_msg msg = { "" };
    int64_t before;

    (void)state;
    make("big", &(struct mkdb_opts){ .n_run = 1, .n_path = 1, .every = -1,
                                     .n_token = fast() ? 30000 : 1000000 });
    assert_int_equal(db_open(path_of("big"), &db, &msg), SOR_OK);
    assert_int_equal(tui_open(db, &opts, &tui, &msg), SOR_OK);
    assert_int_equal(grid_resize(&g, 60, 200), SOR_OK);
    for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
        before = db_rows_read(db);
        keys(walk[i]);
        if (db_rows_read(db) - before >= 400)
            fail_msg("\"%s\" read %lld rows", walk[i],
                     (long long)(db_rows_read(db) - before));
    }
    browse("big", 80, 24, "");
    assert_true(db_rows_read(db) < 200);
    before = db_rows_read(db);
    keys("Enter p t");
    assert_true(db_rows_read(db) - before < 200);
    keys("G");
    SHOWS(fast() ? "30,0" : "1,000,0");
}

static void want_of_memory_never_ends_it(void **state)
{
    struct sor_msg msg = { "" };

    (void)state;
    browse("plain", 120, 40, "");
    for (uint64_t n = 1; n < 60; n += fast() ? 9 : 1) {
        mem_fail_at(n);
        tui_play(tui, "j Enter p j Enter j Enter Enter h v h h / \"a\" Enter",
                 &g, &msg);
        mem_fail_at(0);
        keys("Esc h h h h h h g");
        if (tui_done(tui))
            browse("plain", 120, 40, "");
    }
    SHOWS("3fa20000");
}

#define VIEW(f) cmocka_unit_test_teardown(f, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIEW(runs_come_newest_first),
        VIEW(an_empty_database_says_what_to_do),
        VIEW(the_overview_says_what_came_out),
        VIEW(the_overview_leads_to_the_token_where_paths_part),
        VIEW(known_accuracy_is_shown),
        VIEW(paths_stand_side_by_side),
        VIEW(paths_sort_by_any_column),
        VIEW(steps_are_a_chain),
        VIEW(a_step_opens_at_its_tokens),
        VIEW(tokens_are_coloured_by_what_is_asked),
        VIEW(layers_of_one_token),
        VIEW(layers_sort_by_their_numbers),
        VIEW(a_token_without_layers_says_why),
        VIEW(the_map_shows_layers_as_heat),
        VIEW(edges_of_one_step),
        VIEW(help_comes_from_the_tables),
        VIEW(lists_move_by_rows_pages_and_ends),
        VIEW(panes_take_turns),
        VIEW(back_returns_where_one_was),
        VIEW(the_mouse_points_and_opens),
        VIEW(search_finds_and_goes_round),
        VIEW(search_marks_its_matches),
        VIEW(tokens_are_searched_in_the_database),
        VIEW(texts_are_searched_too),
        VIEW(a_prompt_can_be_left_and_corrected),
        VIEW(open_goes_to_an_address),
        VIEW(unknown_keys_say_so),
        VIEW(too_small_says_so_and_recovers),
        VIEW(every_view_fits_every_size),
        VIEW(hostile_text_never_reaches_the_screen),
        VIEW(ascii_mode_is_ascii_everywhere),
        VIEW(without_colours_heat_is_shade),
        VIEW(the_frame_says_what_is_open),
        VIEW(following_shows_new_rows),
        VIEW(an_end_of_recording_is_seen),
        VIEW(queries_and_exports),
        VIEW(enter_is_not_offered_where_nothing_opens),
        VIEW(random_keys_do_no_harm),
        VIEW(a_million_tokens_cost_a_screen),
        VIEW(want_of_memory_never_ends_it),
    };
    return cmocka_run_group_tests_name("tui", tests, setup, teardown);
}
