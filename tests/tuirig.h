/* tests/tuirig.h - a browser over databases of known content (tests/mkdb.h),
 * keys played to it, and its screen as text.
 *
 * One browser at a time, in `ui`.  The databases: "plain" (two runs, heads),
 * "none" (no run), "many" (150 runs), "hostile".  They lie in ui.dir, which
 * goes with tuirig_teardown(). */
#ifndef TESTS_TUIRIG_H
#define TESTS_TUIRIG_H

#include "tests/mkdb.h"
#include "tui/app.h"

struct tuirig {
    char dir[64], name[128];    /* name: of the database that is open */
    struct grid g;
    struct str screen;          /* the grid as text, by take() */
    struct tui_opts opts;       /* of the next browse(); zeroed after a test */
    struct db *db;
    struct tui *tui;
};
extern struct tuirig ui;

int tuirig_setup(void **state);         /* of a group */
int tuirig_teardown(void **state);
int tuirig_after(void **state);         /* after each test: see TUI_TEST */
/* The fast tier runs under tools that slow everything down: less of what is
 * only repetition. */
int tuirig_fast(void);

/* Where the database of this name lies; good until the next call. */
const char *path_of(const char *name);
void make(const char *name, const struct mkdb_opts *o);
/* Opens the browser on one and plays keys to it (tui_play()). */
void browse(const char *name, int cols, int rows, const char *script);
void play(const char *script);
void take(void);
void close_tui(void);

/* The screen has a line with all of these words in this order, blanks between
 * them being of any width. */
int has_line(const char *words);

#define SHOWS(words)                                                          \
    do {                                                                      \
        if (!has_line(words))                                                 \
            fail_msg("no line reads \"%s\" in:\n%s", words, ui.screen.p);     \
    } while (0)
#define SHOWS_NOT(words)                                                      \
    do {                                                                      \
        if (has_line(words))                                                  \
            fail_msg("a line reads \"%s\" in:\n%s", words, ui.screen.p);      \
    } while (0)

enum { TUIRIG_SIZES = 3 };
extern const struct tuirig_size { int cols, rows; } sizes[TUIRIG_SIZES];
#define EACH_SIZE(i) for (int i = 0; i < TUIRIG_SIZES; i++)

#define TUI_TEST(f) cmocka_unit_test_teardown(f, tuirig_after)

#endif
