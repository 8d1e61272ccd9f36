/* The browser at its limits: any size, hostile text, other writers, any keys, a
 * million tokens, no memory. */
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
#include "tests/tuirig.h"

/* ---- sizes, text that is not ours, costs --------------------------------- */

static void too_small_says_so_and_recovers(void **state)
{
    (void)state;
    browse("plain", 80, 24, "j Enter p resize:79x24");
    SHOWS("The terminal is 79 x 24; please make it 80 x 24.");
    SHOWS_NOT("Answer");
    play("j j resize:80x23");
    SHOWS("80 x 23");
    play("resize:14x5");
    SHOWS("80x24 needed");
    play("resize:10x2 resize:1x1 resize:0x0 resize:200x60");
    SHOWS("\u258c 0 8");                /* keys that moved nothing */
    play("resize:79x24 Q");
    assert_true(tui_done(ui.tui));
}

static void every_view_fits_every_size(void **state)
{
    static const char *const views[] = {
        "", "Enter", "Enter p", "Enter p Enter", "Enter p Enter Enter",
        "Enter p t Enter", "Enter p v", "Enter p Enter j e", "?",
        "Enter p x j x", "Enter p t s", "Enter p t a", "Enter p Enter w",
        "Enter p Enter d", "Enter y", "Enter u", "x j x", "J", "Enter b '",
        "f \"question:a\" Enter", "Enter d" };

    (void)state;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        browse("plain", 80, 24, views[i]);
        for (int cols = 80; cols <= 240; cols += tuirig_fast() ? 40 : 7)
            for (int rows = 24; rows <= 80; rows += tuirig_fast() ? 50 : 11) {
                char script[64];
                snprintf(script, sizeof script, "resize:%dx%d j", cols, rows);
                play(script);
                SHOWS("Sorites");
                /* the bar of keys is always the last line */
                assert_int_equal(grid_at(&ui.g, rows - 1, 1)->style & 0xff,
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
        ui.opts.ascii = ascii;
        browse("hostile", 100, 30, "");
        for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
            play(walk[i]);
            for (size_t k = 0; k < ui.screen.len;) {
                uint32_t cp;
                k += utf8_next(ui.screen.p + k, ui.screen.len - k, &cp);
                assert_true(cp == '\n' || !text_hidden(cp));
                assert_true(!ascii || cp < 127);
            }
        }
    }
    ui.opts.ascii = 0;
    browse("hostile", 100, 30, "");
    SHOWS("Ignore this \u241b[31mred");
}

static void ascii_mode_is_ascii_everywhere(void **state)
{
    (void)state;
    ui.opts.ascii = 1;
    browse("plain", 80, 24, "j Enter p j Enter j Enter v l l c");
    for (size_t i = 0; i < ui.screen.len; i++)
        assert_true((unsigned char)ui.screen.p[i] < 127);
    SHOWS("> path 1 map");
}

static void without_colours_heat_is_shade(void **state)
{
    (void)state;
    ui.opts.theme = theme_find("none");
    browse("plain", 80, 24, "j Enter p v");
    SHOWS("First \u2591");
    SHOWS("\u2588\u2588\u2588\u2588");
}

static void the_frame_says_what_is_open(void **state)
{
    (void)state;
    ui.opts.readonly = 1;
    ui.opts.db_name = "/some/where/trace.db";
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
    ui.opts.accuracy = well_known;
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
    assert_int_equal(tui_idle(ui.tui), 0);
    play("Z");
    SHOWS("Nothing is being followed; F follows.");
    play("F");
    assert_true(tui_following(ui.tui));
    assert_int_equal(tui_idle(ui.tui), 0); /* nothing new: nothing to draw */
    make("live", &more);
    assert_int_equal(tui_idle(ui.tui), 1);
    tui_draw(ui.tui, &ui.g);
    take();
    SHOWS("following");
    play("Enter j j j");
    SHOWS("state cut off: 0 of 2 paths ended");
    play("p");
    SHOWS("Cut off while it was recorded");
    play("h h");
    SHOWS("\u258c 3fa20007 Question 7. 8 2/2 0/2 done");
    play("Z");
    make("live", &last);
    assert_int_equal(tui_idle(ui.tui), 0); /* paused */
    play("Z");
    assert_int_equal(tui_idle(ui.tui), 1);
    play("F");
    assert_false(tui_following(ui.tui));
    play("r g");
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
    ui.opts.db_name = name;
    browse("killed", 80, 24, "F Enter");
    make("killed", &more);
    assert_int_equal(tui_idle(ui.tui), 1); /* the view on top has read it ... */
    play("h");
    SHOWS("3fa20007 Question 7. 8 2/2 0/2 done");   /* ... so has this one */
    play("Enter p");
    assert_int_equal(db_writer_open(name, &(struct db_writer_opts){ 0 }, &w,
                                    &msg), SOR_OK);
    tui_idle(ui.tui);
    play("r");
    SHOWS("Still being recorded");
    db_writer_close(w);
    assert_int_equal(tui_idle(ui.tui), 1);
    assert_int_equal(tui_idle(ui.tui), 0); /* once */
    play("");
    SHOWS("Cut off while it was recorded");
}

static void queries_and_exports(void **state)
{
    char name[128], file[192], script[400];
    struct str s;
    FILE *f;

    (void)state;
    snprintf(name, sizeof name, "%s", path_of("plain"));
    ui.opts.db_name = name;
    browse("plain", 80, 24, ": \"sql select uid, 7 * 6 as six from run\" "
           "Enter");
    SHOWS("uid six");
    SHOWS("42");
    SHOWS("rows 2");
    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/screen.%s", ui.dir, i ? "svg" : "txt");
        snprintf(script, sizeof script, ": \"export %s\" Enter", file);
        play(script);
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
        play(script);                   /* what is there stays */
        SHOWS("File exists");
    }
    snprintf(file, sizeof file, "%s/rows.csv", ui.dir);
    snprintf(script, sizeof script, "h j Enter p : \"export %s\" Enter", file);
    play(script);
    SHOWS("8 rows are in");
    f = fopen(file, "r");
    assert_non_null(f);
    assert_non_null(fgets(script, sizeof script, f));
    assert_string_equal(script, "\"Path\",\"Answer\",\"Mean p\",\"\","
                        "\"Tokens\",\"Steps\",\"Leaves 0\",\"Ended\","
                        "\"Text\"\r\n");
    assert_non_null(fgets(script, sizeof script, f));
    assert_memory_equal(script, "\"0\",\"8\",\"0.811\",\"\",\"55\"", 23);
    fclose(f);
    play(script[0] ? ": \"export x.html\" Enter" : "");
    SHOWS("This browser only looks");   /* a report is a job */
    play("h : \"sql delete from run\" Enter");
    assert_null(strstr(ui.screen.p, "rows"));
    play(": \"sql select\" Enter");
    assert_null(strstr(ui.screen.p, "rows"));
}

static void enter_is_not_offered_where_nothing_opens(void **state)
{
    (void)state;
    browse("plain", 80, 24, "Enter p t Enter");
    SHOWS("token 0");
    assert_null(strstr(ui.screen.p, "Enter open"));
    play("Enter");
    SHOWS("Enter opens nothing here");
    play("?");
    assert_null(strstr(ui.screen.p, "open the row"));
    play("h h ?");
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
        'x', 's', 'a', 'd', 'w', 'y', 'u', 'f', 'b', '\'', 'J', 'L', 'A', 'B',
        'E', 'S', 'R', 'C', 'P', '[', ']', '+', '-', '*', 'c', ' ', 'm', '<',
        TK_UP, TK_DOWN, TK_LEFT, TK_RIGHT, TK_CLICK, TK_DOUBLE,
        TK_WHEEL_UP, TK_WHEEL_DOWN,
        'a', '1', 0x6771, 0x301, 0x202e, TK_RESIZE, TK_NONE };
    static const char *const names[] = { "plain", "hostile", "none", "many" };
    const char *rounds = getenv("SORITES_FUZZ_ROUNDS");
    const char *seed = getenv("SORITES_FUZZ_SEED");
    long n = rounds ? strtol(rounds, NULL, 10) : tuirig_fast() ? 300 : 1500;
    uint32_t x = seed ? (uint32_t)strtoul(seed, NULL, 10) : 1;

    (void)state;
    for (long i = 0; i < n; i++) {
        struct tui_event ev;
        x = x * 1664525 + 1013904223;           /* Numerical Recipes, 7.1 */
        if (i % 400 == 0 || !ui.tui || tui_done(ui.tui))
            browse(names[x >> 8 & 3], 80 + (int)(x >> 12 & 63),
                   24 + (int)(x >> 20 & 31), "");
        ev.key = keys_tried[(x >> 10) % (sizeof keys_tried / sizeof(int))];
        ev.row = (int)(x >> 16) % (ui.g.rows + 2);
        ev.col = (int)(x >> 4 & 0xfff) % (ui.g.cols + 2);
        if (ev.key == TK_RESIZE)
            assert_int_equal(grid_resize(&ui.g, (int)(x >> 9 & 63),
                                         (int)(x >> 15 & 255)), SOR_OK);
        tui_key(ui.tui, ev);
        if (tui_done(ui.tui))
            continue;
        tui_idle(ui.tui);
        tui_draw(ui.tui, &ui.g);
        take();
        for (size_t k = 0; k < ui.screen.len;) {
            uint32_t cp;
            k += utf8_next(ui.screen.p + k, ui.screen.len - k, &cp);
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
                                     .n_token = tuirig_fast() ? 30000
                                                              : 1000000 });
    assert_int_equal(db_open(path_of("big"), &ui.db, &msg), SOR_OK);
    assert_int_equal(tui_open(ui.db, &ui.opts, &ui.tui, &msg), SOR_OK);
    assert_int_equal(grid_resize(&ui.g, 60, 200), SOR_OK);
    for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
        before = db_rows_read(ui.db);
        play(walk[i]);
        if (db_rows_read(ui.db) - before >= 400)
            fail_msg("\"%s\" read %lld rows", walk[i],
                     (long long)(db_rows_read(ui.db) - before));
    }
    browse("big", 80, 24, "");
    assert_true(db_rows_read(ui.db) < 200);
    before = db_rows_read(ui.db);
    play("Enter p t");
    assert_true(db_rows_read(ui.db) - before < 200);
    play("G");
    SHOWS(tuirig_fast() ? "30,0" : "1,000,0");
}

static void want_of_memory_never_ends_it(void **state)
{
    struct sor_msg msg = { "" };

    (void)state;
    browse("plain", 120, 40, "");
    for (uint64_t n = 1; n < 60; n += tuirig_fast() ? 9 : 1) {
        mem_fail_at(n);
        tui_play(ui.tui, "j Enter p j Enter j Enter Enter h v h h / \"a\" "
                 "Enter",
                 &ui.g, &msg);
        mem_fail_at(0);
        play("Esc h h h h h h g");
        if (tui_done(ui.tui))
            browse("plain", 120, 40, "");
    }
    SHOWS("3fa20000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(known_accuracy_is_shown),
        TUI_TEST(too_small_says_so_and_recovers),
        TUI_TEST(every_view_fits_every_size),
        TUI_TEST(hostile_text_never_reaches_the_screen),
        TUI_TEST(ascii_mode_is_ascii_everywhere),
        TUI_TEST(without_colours_heat_is_shade),
        TUI_TEST(the_frame_says_what_is_open),
        TUI_TEST(following_shows_new_rows),
        TUI_TEST(an_end_of_recording_is_seen),
        TUI_TEST(queries_and_exports),
        TUI_TEST(enter_is_not_offered_where_nothing_opens),
        TUI_TEST(random_keys_do_no_harm),
        TUI_TEST(a_million_tokens_cost_a_screen),
        TUI_TEST(want_of_memory_never_ends_it),
    };
    return cmocka_run_group_tests_name("tui_limits", tests, tuirig_setup,
                                       tuirig_teardown);
}
