/* tui/keys.h - keys, their names, and the one table per context that says what
 * each does.  Help, the bottom bar and the dispatcher all read that table.
 *
 * A key is a Unicode code point, a control character (C-a is 1), or one of
 * enum tui_key.  "The thing that a key does" is a command. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include <stddef.h>

#include "base/str.h"

enum tui_key {
    TK_TAB = 9, TK_ENTER = 13, TK_ESC = 27,
    TK_UP = 0x110000, TK_DOWN, TK_LEFT, TK_RIGHT, TK_PGUP, TK_PGDN, TK_HOME,
    TK_END, TK_BACKSPACE, TK_F1, TK_RESIZE, TK_CLICK, TK_DOUBLE, TK_WHEEL_UP,
    TK_WHEEL_DOWN,
    TK_NONE                     /* no key: time has passed */
};

/* What a view or the browser is asked to do. */
enum tui_cmd {
    CMD_NONE,
    CMD_UP, CMD_DOWN, CMD_PAGE_UP, CMD_PAGE_DOWN, CMD_HALF_UP, CMD_HALF_DOWN,
    CMD_FIRST, CMD_LAST, CMD_OPEN, CMD_BACK, CMD_PANE, CMD_MAXIMISE,
    CMD_SEARCH, CMD_NEXT_MATCH, CMD_PREV_MATCH, CMD_PROMPT, CMD_HELP,
    CMD_SORT, CMD_REVERSE, CMD_FOLLOW, CMD_PAUSE, CMD_RELOAD, CMD_REDRAW,
    CMD_MOUSE, CMD_QUIT, CMD_CANCEL, CMD_ENDED,
    CMD_FILTER, CMD_MARK, CMD_MARKS, CMD_JOBS, CMD_INTERRUPT, CMD_COPY,
    CMD_EARLIER, CMD_LATER,
    /* a view's own, from here */
    CMD_LEFT, CMD_RIGHT, CMD_MEASURE, CMD_COLOR, CMD_OVERVIEW, CMD_EDGES,
    CMD_HEAT, CMD_TOKENS, CMD_LAYERS, CMD_WRAP,
    CMD_COMPARE, CMD_STORY, CMD_HEADS, CMD_NEXT, CMD_PREVIOUS, CMD_TARGET,
    CMD_DEPENDS, CMD_ROUTING, CMD_TIMELINE, CMD_GRAPH, CMD_DECISIONS, CMD_KIND,
    CMD_FOLD, CMD_UNFOLD, CMD_FOLD_ALL,
    /* what acts */
    CMD_LENS, CMD_ABLATE, CMD_ATTEND, CMD_FORK, CMD_EDIT, CMD_REPLAY,
    CMD_STRIKE, CMD_ACCEPT, CMD_REJECT, CMD_CORRECT
};

struct key_def {
    int          key;
    enum tui_cmd cmd;           /* CMD_NONE ends a table */
    const char  *help;          /* NULL: as the entry before */
    const char  *bar;           /* a word for the bottom bar; NULL: not there */
};

struct keymap {
    const char           *title;
    const struct key_def *def;
};

/* Moving about, and everything that every view has. */
extern const struct keymap keys_move, keys_common;

/* CMD_NONE: the key means nothing there.  m may be NULL. */
enum tui_cmd keys_find(const struct keymap *m, int key);

/* The name of a key ("j", "Enter", "C-d", "PgDn") into out[cap]. */
void keys_name(int key, char *out, size_t cap);
/* The key of a name; -1: none of that name. */
int keys_parse(const char *name, size_t n);

#endif
