/* tui/table.h - a list view that is the answer of one query: its columns say
 * how each value looks, and the view adds what its rows lead to.
 *
 *     struct losses { struct table t; };
 *     static const struct table_spec spec = { "SELECT .. WHERE run_id = %ld",
 *                                             kinds };
 *     .open = open: return table_open(v, &spec, msg);
 *     .close = table_close, .reload = table_reload,
 *     .fetch = table_fetch, .cell = table_cell
 *
 * Values beyond the last column are there for the view's own use. */
#ifndef TUI_TABLE_H
#define TUI_TABLE_H

#include "tui/reply.h"
#include "tui/view.h"

enum table_kind {
    TABLE_TEXT, TABLE_DIM, TABLE_ACCENT, TABLE_STRONG, TABLE_COUNT, TABLE_DATE,
    TABLE_NUM, TABLE_PROB,      /* PROB: of a log-probability */
    TABLE_BAR,                  /* share 0..1 */
    TABLE_PIECE
};

struct table_spec {
    const char *sql;            /* %ld: the run's id, or the path's */
    const unsigned char *kind;  /* enum table_kind of each column */
    int of_path;                /* the id is at.path_id */
    int max;                    /* rows; 0: 2000 */
};

struct table {
    struct view v;
    const struct table_spec *spec;
    struct reply rows;
    int window;
};

enum sor_err table_open(struct view *v, const struct table_spec *spec,
                        struct sor_msg *msg);
void table_close(struct view *v);
void table_reload(struct view *v);
int table_fetch(struct view *v, int64_t from, int n);
void table_cell(struct view *v, int i, int col, struct pen *p);
/* The row under the cursor; -1: none. */
int table_here(struct view *v);

#endif
