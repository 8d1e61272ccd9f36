/* tui/reply.h - the answer of one SQL query, in memory: for screens that show
 * what has no cursor of its own (experiments, routing, decisions).
 *
 * It is asked through db/sql.h's fence, so it reads only, ends after a second
 * and after so many rows, and says when it was cut.
 *
 * Ownership  values belong to the rows until they are asked again or
 *            released.
 * Errors     the sentence is in msg; the rows are empty then. */
#ifndef TUI_REPLY_H
#define TUI_REPLY_H

#include "db/sql.h"
#include "tui/pool.h"

enum { REPLY_COLS = 24, REPLY_VALUE = 4000 };   /* bytes kept of a value */

struct tui;

struct reply {
    struct pool pool;
    const char **cell;          /* [(n + 1) * n_col]; row 0 is the heads; NULL
                                 * is SQL NULL */
    int n, n_col, cap, more_cols;
    struct sql_result result;
};

/* Asks for at most max rows.  A zeroed struct, or one asked before.  The last
 * statement that answers is what is kept. */
enum sor_err reply_ask(struct reply *r, struct tui *t, int max,
                      struct sor_msg *msg, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The same with the query as it stands. */
enum sor_err reply_ask_text(struct reply *r, struct tui *t, int max,
                           const char *sql, struct sor_msg *msg);
void reply_release(struct reply *r);              /* a zeroed one is fine */

/* Row 0..n-1, or -1: the heads.  Where it is NULL: text "", numbers NaN, 0. */
const char *reply_text(const struct reply *r, int row, int col);
int reply_null(const struct reply *r, int row, int col);
double reply_num(const struct reply *r, int row, int col);
int64_t reply_int(const struct reply *r, int row, int col);

#endif
