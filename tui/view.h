/* tui/view.h - what a view is.  One file, view_NAME.c, per view; a new one is
 * that file and a place that opens it (a key, or a link in a text).
 *
 * There are three kinds, by which functions a view has:
 *   list   cols, fetch, cell: rows of a table, read by windows around the
 *          cursor so that a million rows cost no more than ten;
 *   text   body: paragraphs and links (tui/doc.h);
 *   other  draw: it paints its pane itself (and may be a list too).
 * `detail` adds a second pane that follows the cursor.
 *
 * Ownership  a view's struct begins with struct view and is ops->size bytes,
 *            zeroed; strings of fetched rows go into v->pool, which lives
 *            until the next fetch.
 * Errors     open() may fail and says why; afterwards a damaged row shows as
 *            tui_say() and an early end of the list. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"
#include "tui/cell.h"
#include "tui/doc.h"
#include "tui/keys.h"
#include "tui/pool.h"

struct tui;
struct view;

enum { COL_RIGHT = 1, COL_FLEX = 2 };       /* align; may grow */

struct col {
    const char *head;           /* NULL ends a table of columns */
    int width, flags;
    int need;                   /* shown in panes at least this wide */
};

/* Window of rows a list may ask for: a tall screen and a margin. */
enum { LIST_MARGIN = 24, LIST_WINDOW = 400 };

struct list {
    int64_t n;                  /* rows; -1: not known yet */
    int64_t top, cur;           /* first row shown; row of the cursor */
    int64_t from;               /* rows from..from+have-1 are in memory */
    int have, height, stale;
};

struct view_ops {
    const char *name;
    const char *what;           /* one sentence for the help */
    size_t size;
    const struct keymap *keys;  /* its own; NULL: none */
    const struct col *cols;
    const char *empty;          /* what to do where there are no rows */
    int passage;                /* no place of its own in the line at the top
                                 * once another view is open on it */

    enum sor_err (*open)(struct view *v, struct sor_msg *msg);
    void (*close)(struct view *v);
    /* Appends its part of the line at the top. */
    void (*crumb)(const struct view *v, struct str *out);
    /* The place under the cursor, as open() takes it: the list may be in
     * another order then.  NULL: `at`, and the row's number. */
    struct db_addr (*here)(struct view *v);
    /* Reads again what open() read, after a change of the database. */
    void (*reload)(struct view *v);

    /* Reads rows from..from+n-1 (n <= LIST_WINDOW); returns how many exist. */
    int (*fetch)(struct view *v, int64_t from, int n);
    /* Draws one cell of a row in the window; i: row - list.from. */
    void (*cell)(struct view *v, int i, int col, struct pen *p);
    void (*body)(struct view *v, struct doc *d);
    void (*draw)(struct view *v, struct grid *g, struct rect r);
    void (*detail)(struct view *v, struct doc *d);

    void (*enter)(struct view *v);
    int (*cmd)(struct view *v, enum tui_cmd cmd);   /* 1: handled */
    /* The next row with needle among some rows from row *from on; -1: none,
     * and *from is where to go on, -1 where that were the last.  NULL: rows
     * are drawn and read, window by window. */
    int64_t (*find)(struct view *v, const char *needle, int64_t *from,
                    int reverse);
    /* Goes on with what takes long (some milliseconds of it) while no key is
     * pressed, for as long as v->working; 1: draw again. */
    int (*work)(struct view *v);
};

struct view {
    const struct view_ops *ops;
    struct tui *t;
    struct db_addr at;          /* what it shows; absent: -1, ids 0 */
    const char *words;          /* what was typed to open it; NULL: nothing */
    struct list list;
    struct doc text, detail;
    int64_t detail_of;          /* the row that detail was drawn for */
    struct pool pool;
    int64_t version;            /* of the database, when last read */
    int sort, sorted_down;      /* column sorted by; -1: none */
    int on_detail, alone;       /* focus; one pane only */
    int working;                /* work() has more to do */
    struct rect pane;           /* where the list's rows were drawn last */
};

/* ---- what a view may ask of the browser ---------------------------------- */

struct db *tui_db(struct tui *t);
/* Opens a view on top.  What it cannot open, it says. */
void tui_push(struct tui *t, const struct view_ops *ops, struct db_addr at);
/* One line at the bottom, until the next key. */
void tui_say(struct tui *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int tui_ascii(const struct tui *t);
int tui_shade(const struct tui *t);     /* no colours: draw shades */
/* The process that is writing to the database; 0: none, -1: one unnamed. */
int tui_recorder(const struct tui *t);
/* One sentence of what is known of a model's accuracy on such a question. */
const char *tui_accuracy(const struct tui *t, const uint8_t sha256[32],
                         const char *question);
/* Something else than looking is offered: jobs can be started. */
int tui_acts(const struct tui *t);

/* A line of text, asked for at the bottom.  done() gets it when Enter ends it,
 * with the view that is on top then. */
struct tui_ask {
    const char *label;          /* a constant */
    const char *given;          /* typed already; NULL: nothing */
    int looks;                  /* it changes nothing: read-only is fine */
    struct db_addr about;
    void (*done)(struct view *v, struct db_addr about, const char *text);
};
void tui_ask(struct tui *t, const struct tui_ask *ask);

/* A name for a file of the user's own, in a folder that goes with the browser;
 * 0: there can be none, and it has said so. */
int tui_temp(struct tui *t, const char *leaf, char *out, size_t cap);
/* Opens the file in the user's editor; done() gets its text afterwards, without
 * the line end that editors add.  The file goes. */
struct tui_edit {
    char path[256];
    struct db_addr about;
    void (*done)(struct view *v, struct db_addr about, const char *text);
};
void tui_edit(struct tui *t, const struct tui_edit *e);

/* The path or run chosen as one side of a comparison; run_id 0: none. */
struct db_addr *tui_chosen(struct tui *t);

/* Whether Enter does something in the pane that has the focus. */
int view_opens(const struct view *v);
/* The view under the one on top, for help to describe; NULL: none. */
const struct view *tui_under(const struct tui *t);
/* Ends a cursor; says so where the database is damaged. */
void tui_end(struct tui *t, struct db_cur *c);

/* ---- lists (tui/list.c) --------------------------------------------------- */

/* Makes the cursor's surroundings the window in memory; called by drawing. */
void list_show(struct view *v, int height);
int list_move(struct view *v, enum tui_cmd cmd);        /* 1: a motion */
void list_goto(struct view *v, int64_t row);
/* What fetch() returns of a list that holds all its rows. */
int list_part(int64_t all, int64_t from, int n);
/* The cursor's row in the window; -1: there is none. */
int list_here(struct view *v);
/* Heads, rows and cursor in r; v->pane becomes where the rows are. */
void list_draw(struct view *v, struct grid *g, struct rect r, int active);
/* A position: { run, path, step, pos } with what is absent as -1 and 0. */
struct db_addr addr_run(int64_t run_id);

extern const struct view_ops view_runs, view_run, view_paths, view_steps,
    view_compare, view_tokens, view_story, view_layers, view_heads, view_heat,
    view_edges, view_depends, view_routing, view_timeline, view_graph,
    view_findings, view_decisions, view_claims, view_document, view_diff,
    view_losses, view_matches, view_marks, view_jobs, view_sql, view_help;
/* Every view, in the order of the help; ends in NULL. */
extern const struct view_ops *const views[];

#endif
