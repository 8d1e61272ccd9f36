/* tui/view_sql.c - what a query answers, as a table.  It was asked once, when
 * the view was opened or read again; :sql (tui/prompt.c) puts it. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "db/sql.h"
#include "tui/state.h"

enum { ROWS_SHOWN = 1000, COLS_SHOWN = 24, CELL_MOST = 40, VALUE_BYTES = 300 };

struct query {
    struct view v;
    char text[QUERY_BYTES];
    const char **cell;          /* [(n_row + 1) * n_col], heads first */
    int n_row, n_col, width[COLS_SHOWN];
    int more_cols;              /* that are not shown */
    struct sql_result result;
};

/* ---- asking --------------------------------------------------------------- */

static enum sor_err put(struct query *q, int row, int col, const char *s)
{
    size_t n = strlen(s);
    const char **more;

    if (col == 0) {
        more = mem_realloc(q->cell, ((size_t)row + 1) * (size_t)q->n_col,
                           sizeof *more);
        if (!more)
            return SOR_NOMEM;
        q->cell = more;
    }
    q->cell[row * q->n_col + col] = pool_str(&q->v.pool, s);
    if (n > CELL_MOST)
        n = CELL_MOST;
    if ((int)n > q->width[col])
        q->width[col] = (int)n;
    return SOR_OK;
}

/* Each statement that answers begins the table anew: the last one shows. */
static enum sor_err columns(void *ud, int n, const char *const *name)
{
    struct query *q = ud;
    enum sor_err err = SOR_OK;

    memset(q->width, 0, sizeof q->width);
    q->n_row = 0;
    q->n_col = n < COLS_SHOWN ? n : COLS_SHOWN;
    q->more_cols = n - q->n_col;
    for (int i = 0; i < q->n_col && !err; i++)
        err = put(q, 0, i, name[i]);
    return err;
}

static enum sor_err row(void *ud, int n, const struct sql_value *v)
{
    struct query *q = ud;
    char s[VALUE_BYTES] = "";
    enum sor_err err = SOR_OK;

    (void)n;
    q->n_row++;
    for (int i = 0; i < q->n_col && !err; i++) {
        int len = v[i].n < sizeof s ? (int)v[i].n : (int)sizeof s - 1;
        switch (v[i].kind) {
        case SQL_NULL: snprintf(s, sizeof s, "-"); break;
        case SQL_INT:  snprintf(s, sizeof s, "%lld", (long long)v[i].i); break;
        case SQL_REAL: snprintf(s, sizeof s, "%.6g", v[i].r); break;
        case SQL_TEXT: snprintf(s, sizeof s, "%.*s", len,
                                (const char *)v[i].p); break;
        default:       snprintf(s, sizeof s, "(%zu bytes)", v[i].n); break;
        }
        err = put(q, q->n_row, i, s);
    }
    return err;
}

static enum sor_err ask(struct query *q, struct sor_msg *msg)
{
    struct sql_opts o = { .max_row = ROWS_SHOWN, .max_ms = SQL_MAX_MS };
    struct sql_sink sink = { q, columns, row };
    const char *path = q->v.t->o.db_name;
    struct sql *s = NULL;
    enum sor_err err;

    if (!path)
        return sor_fail(msg, SOR_USAGE, "This database has no file to ask.");
    pool_clear(&q->v.pool);
    q->n_row = q->n_col = 0;
    err = sql_open(path, &o, &s, msg);
    if (!err)
        err = sql_run(s, q->text, &sink, &q->result, msg);
    sql_close(s);
    if (err)
        q->n_row = q->n_col = 0;        /* a row may be half there */
    return err;
}

/* ---- the view ------------------------------------------------------------- */

static enum sor_err sql_view_open(struct view *v, struct sor_msg *msg)
{
    struct query *q = (struct query *)v;

    snprintf(q->text, sizeof q->text, "%s", v->t->query);
    return ask(q, msg);
}

static void sql_view_close(struct view *v)
{
    mem_free(((struct query *)v)->cell);
}

static void reload(struct view *v)
{
    struct sor_msg msg = { "" };

    if (ask((struct query *)v, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "sql");
}

static void line(const struct query *q, int at, unsigned style, struct doc *d)
{
    struct pen p = doc_line(d, 0, style);
    int x = p.col, end = p.end;

    for (int i = 0; i < q->n_col && x < end; i++) {
        const char *s = q->cell[at * q->n_col + i];
        p.end = x + q->width[i] < end ? x + q->width[i] : end;
        pen_line(&p, s, strlen(s));
        x += q->width[i] + 2;
        p.end = end;
        pen_to(&p, x);
    }
}

static void body(struct view *v, struct doc *d)
{
    const struct query *q = (struct query *)v;

    doc_text(d, 0, ROLE_DIM, q->text, strlen(q->text));
    doc_gap(d);
    if (q->n_col)
        line(q, 0, ROLE_HEAD, d);
    for (int i = 1; q->n_col && i <= q->n_row; i++)
        line(q, i, ROLE_TEXT, d);
    doc_gap(d);
    doc_fact(d, "rows", "%d%s", q->n_row,
             q->result.cut == SQL_CUT_ROWS ? " and more, not shown"
             : q->result.cut == SQL_CUT_TIME ? ", then it took too long" : "");
    if (q->more_cols)
        doc_fact(d, "columns", "%d more, not shown", q->more_cols);
}

const struct view_ops view_sql = {
    .name = "sql", .what = "what a query answers (:sql)",
    .size = sizeof(struct query), .open = sql_view_open,
    .close = sql_view_close, .reload = reload, .crumb = crumb, .body = body
};
