/* tui/state.h - the inside of struct tui, for app.c, screen.c and prompt.c, and
 * the views of what is typed (help, sql); others use view.h. */
#ifndef TUI_STATE_H
#define TUI_STATE_H

#include "tui/app.h"
#include "tui/keyfile.h"
#include "tui/search.h"
#include "tui/view.h"

enum { STACK_MAX = 24, NEEDLE_BYTES = 128, SAY_BYTES = 256,
       QUERY_BYTES = 512 };

struct history;
struct jobs;
struct kept;

struct tui {
    struct db *db;
    struct tui_opts o;
    const struct theme *theme;
    struct view *stack[STACK_MAX];
    int depth;
    char prompt;                    /* '/' ':' '&' (filter) or '?' (what
                                     * `ask` asks) while typing, else 0 */
    struct tui_ask ask;
    struct tui_edit edit;           /* path "": nothing to edit */
    struct search search;
    int64_t origin;                 /* the row where a search began */
    int recall;                     /* lines back in what was typed before */
    struct str typed;
    char needle[NEEDLE_BYTES];      /* what was searched for last */
    char say[SAY_BYTES];
    struct str copied;              /* for tui_copied(), while `copying` */
    char query[QUERY_BYTES];        /* for the next view_sql, view_matches */
    struct jobs *jobs;              /* NULL: none yet (tui/job.h) */
    struct kept *kept;              /* between starts (tui/kept.h) */
    struct history *history;        /* NULL: nowhere yet (tui/history.h) */
    struct db_addr chosen;          /* one side of a comparison */
    struct keyfile keyfile;
    char temp[64];                  /* a folder for files; "" none yet */
    int n_temp;
    int rows, cols;                 /* of the screen, when last drawn */
    int follow, paused, done, mouse, repaint, small, copying;
    int recorder;                   /* as tui_recorder(), when last looked */
    int cursor_row, cursor_col;     /* of the prompt; row -1: none */
    struct rect main, detail;       /* the panes, as last drawn */
};

static inline struct view *tui_top(const struct tui *t)
{
    return t->depth ? t->stack[t->depth - 1] : NULL;
}

/* edit.c */
void tui_temp_remove(struct tui *t);

void tui_pop(struct tui *t);
void tui_reload(struct tui *t);

/* prompt.c: keys while typing; commands by name. */
void prompt_begin(struct tui *t, char kind);
void prompt_key(struct tui *t, int key);
extern const struct keymap keys_prompt;
struct prompt_command {
    const char *name, *operand, *help;
    void (*run)(struct tui *t, const char *arg);
};
extern const struct prompt_command prompt_commands[];   /* name NULL: end */

#endif
