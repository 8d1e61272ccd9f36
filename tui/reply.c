#include "tui/reply.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/state.h"

static enum sor_err put(struct reply *r, int row, int col, const char *s,
                        size_t n)
{
    int at = row * r->n_col + col;

    if (at >= r->cap) {
        int cap = 2 * r->cap + 256;
        const char **more = mem_realloc(r->cell, (size_t)cap, sizeof *more);

        if (!more)
            return SOR_NOMEM;
        r->cell = more;
        r->cap = cap;
    }
    r->cell[at] = s ? pool_dup(&r->pool, s, n) : NULL;
    return SOR_OK;
}

/* Each statement that answers begins anew: the last one is kept. */
static enum sor_err columns(void *ud, int n, const char *const *name)
{
    struct reply *r = ud;
    enum sor_err err = SOR_OK;

    pool_clear(&r->pool);
    r->n = 0;
    r->n_col = n < REPLY_COLS ? n : REPLY_COLS;
    r->more_cols = n - r->n_col;
    for (int i = 0; i < r->n_col && !err; i++)
        err = put(r, 0, i, name[i], strlen(name[i]));
    return err;
}

static enum sor_err row(void *ud, int n, const struct sql_value *v)
{
    struct reply *r = ud;
    enum sor_err err = SOR_OK;
    char s[40];

    (void)n;
    r->n++;
    for (int i = 0; i < r->n_col && !err; i++) {
        const char *p = s;
        size_t len = v[i].n < REPLY_VALUE ? v[i].n : REPLY_VALUE;

        switch (v[i].kind) {
        case SQL_NULL: p = NULL; break;
        case SQL_TEXT: p = v[i].p; break;
        case SQL_INT:
            len = (size_t)snprintf(s, sizeof s, "%lld", (long long)v[i].i);
            break;
        case SQL_REAL:
            len = (size_t)snprintf(s, sizeof s, "%.9g", v[i].r);
            break;
        default:
            len = (size_t)snprintf(s, sizeof s, "(%zu bytes)", v[i].n);
            break;
        }
        err = put(r, r->n, i, p, len);
    }
    return err;
}

enum sor_err reply_ask_text(struct reply *r, struct tui *t, int max,
                           const char *sql, struct sor_msg *msg)
{
    struct sql_opts o = { .max_row = max, .max_ms = SQL_MAX_MS };
    struct sql_sink sink = { r, columns, row };
    struct sql *s = NULL;
    enum sor_err err;

    r->n = r->n_col = 0;
    if (!t->o.db_name)
        return sor_fail(msg, SOR_USAGE, "This database has no file to ask.");
    err = sql_open(t->o.db_name, &o, &s, msg);
    if (!err)
        err = sql_run(s, sql, &sink, &r->result, msg);
    sql_close(s);
    if (err)
        r->n = r->n_col = 0;            /* a row may be half there */
    return err;
}

enum sor_err reply_ask(struct reply *r, struct tui *t, int max,
                      struct sor_msg *msg, const char *fmt, ...)
{
    char sql[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    return reply_ask_text(r, t, max, sql, msg);
}

void reply_release(struct reply *r)
{
    pool_release(&r->pool);
    mem_free(r->cell);
    memset(r, 0, sizeof *r);
}

int reply_null(const struct reply *r, int row, int col)
{
    return row >= r->n || col >= r->n_col || !r->cell[(row + 1) * r->n_col +
                                                      col];
}

const char *reply_text(const struct reply *r, int row, int col)
{
    return reply_null(r, row, col) ? "" : r->cell[(row + 1) * r->n_col + col];
}

double reply_num(const struct reply *r, int row, int col)
{
    return reply_null(r, row, col) ? NAN
                                   : strtod(reply_text(r, row, col), NULL);
}

int64_t reply_int(const struct reply *r, int row, int col)
{
    return strtoll(reply_text(r, row, col), NULL, 10);
}
