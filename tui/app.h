/* tui/app.h - the browser: a stack of views over one database.
 *
 * It knows no terminal: keys come in by tui_key(), the screen goes out by
 * tui_draw() into a grid.  term.c connects it to a terminal, play.c to a
 * script of keys.
 *
 * Ownership  the database is the caller's and outlives the browser.
 * Threads    one. */
#ifndef TUI_APP_H
#define TUI_APP_H

#include "base/err.h"
#include "db/db.h"
#include "tui/cell.h"
#include "tui/keys.h"
#include "tui/theme.h"

enum { TUI_ROWS_MIN = 24, TUI_COLS_MIN = 80, TUI_FRAME_MS = 100,
       TUI_IDLE_MS = 1000 };

struct tui;

struct tui_opts {
    const char *db_name;        /* path; its end is shown; borrowed */
    const struct theme *theme;  /* NULL: the best that the terminal shows */
    int ascii, no_mouse, readonly;
    int colors;                 /* of the terminal; -1 none, 0 not known */
    int clipboard;              /* what tui_copied() gives is sent to one */
    const char *program;        /* what jobs run (tui/job.h); NULL: none */
    const char *model;          /* of -m, for them; NULL: as they find it */
    const char *state;          /* the file of what is kept between starts;
                                 * NULL: nothing is */
    const char *keys;           /* the user's file of keys; NULL: none */
    /* What is known of how often a model is right on such a question, one
     * sentence; NULL: nothing, for any.  question may be NULL. */
    const char *(*accuracy)(const uint8_t sha256[32], const char *question);
};

struct tui_event { int key; int row, col; };    /* row, col of the mouse */

enum sor_err tui_open(struct db *d, const struct tui_opts *o,
                      struct tui **out, struct sor_msg *msg);
void tui_close(struct tui *t);                  /* accepts NULL */

void tui_key(struct tui *t, struct tui_event ev);
void tui_draw(struct tui *t, struct grid *g);
/* Time has passed: looks whether the database changed.  1: draw again. */
int tui_idle(struct tui *t);

int tui_done(const struct tui *t);              /* the user quits */
int tui_following(const struct tui *t);
/* How long a key may be waited for until tui_idle(). */
int tui_wait_ms(const struct tui *t);
/* Text for the clipboard, once after it was asked for: safe to show anywhere,
 * COPY_BYTES at most (tui/copy.h), good until the next key.  NULL: none. */
const char *tui_copied(struct tui *t);
/* Something goes on in the background: a job, a long search. */
int tui_busy(const struct tui *t);
/* A file wants the user's editor: hand the terminal over, call
 * tui_edit_now(), take the terminal back. */
int tui_wants_edit(const struct tui *t);
void tui_edit_now(struct tui *t);
int tui_mouse(const struct tui *t);             /* wants mouse events */
int tui_repaint(struct tui *t);                 /* once after C-l */
/* Where text is being typed; 0: nowhere. */
int tui_cursor(const struct tui *t, int *row, int *col);
const struct theme *tui_theme(const struct tui *t);
void tui_set_theme(struct tui *t, const struct theme *theme);

/* Runs it on the terminal until the user quits (tui/term.c).  SOR_USAGE: no
 * terminal.  The terminal is as before on every way out, signals included. */
enum sor_err tui_run(struct db *d, const struct tui_opts *o,
                     struct sor_msg *msg);

/* Plays a script of keys (tui/play.c) and leaves the last screen in g, whose
 * size is the screen's.  The script: names of keys between blanks
 * ("j Enter C-d / f o o Enter"), "quoted text" typed key by key, # comments,
 * resize:80x24, click:ROW,COL.  SOR_FORMAT names what it cannot read. */
enum sor_err tui_play(struct tui *t, const char *script, struct grid *g,
                      struct sor_msg *msg);

/* Appends the grid as a picture, with the theme's colours (cell_svg.c). */
void cell_svg(const struct grid *g, const struct theme *theme, struct str *out);

/* The curses library's own version (tui/term.c), "ncurses 6.4.20221231". */
const char *tui_curses_version(void);

#endif
