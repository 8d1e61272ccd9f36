/* tui/view_sql.c - what a query answers, as a table.  It was asked once, when
 * the view was opened or read again; :sql (tui/prompt.c) puts it. */
#include <stdio.h>
#include <string.h>

#include "tui/reply.h"
#include "tui/state.h"

enum { ROWS_SHOWN = 1000, CELL_MOST = 40 };

struct query {
    struct view v;
    char text[QUERY_BYTES];
    struct reply rows;
    int width[REPLY_COLS];
};

static enum sor_err ask(struct query *q, struct sor_msg *msg)
{
    struct reply *r = &q->rows;
    enum sor_err err = reply_ask_text(r, q->v.t, ROWS_SHOWN, q->text, msg);

    memset(q->width, 0, sizeof q->width);
    for (int row = -1; row < r->n && r->n_col; row++)
        for (int i = 0; i < r->n_col; i++) {
            int n = (int)strlen(reply_text(r, row, i));

            n = n > CELL_MOST ? CELL_MOST : n ? n : 1;
            if (n > q->width[i])
                q->width[i] = n;
        }
    return err;
}

/* ---- the view ------------------------------------------------------------- */

static enum sor_err sql_view_open(struct view *v, struct sor_msg *msg)
{
    struct query *q = (struct query *)v;

    snprintf(q->text, sizeof q->text, "%s", v->t->query);
    v->words = q->text;
    return ask(q, msg);
}

static void sql_view_close(struct view *v)
{
    reply_release(&((struct query *)v)->rows);
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

/* Row -1: the heads. */
static void line(const struct query *q, int row, unsigned style, struct doc *d)
{
    struct pen p = doc_line(d, 0, style);
    int x = p.col, end = p.end;

    for (int i = 0; i < q->rows.n_col && x < end; i++) {
        const char *s = reply_null(&q->rows, row, i) ? "-"
                      : reply_text(&q->rows, row, i);
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
    const struct reply *r = &q->rows;

    doc_text(d, 0, ROLE_DIM, q->text, strlen(q->text));
    doc_gap(d);
    for (int i = -1; r->n_col && i < r->n; i++)
        line(q, i, i < 0 ? ROLE_HEAD : ROLE_TEXT, d);
    doc_gap(d);
    doc_fact(d, "rows", "%d%s", r->n,
             r->result.cut == SQL_CUT_ROWS ? " and more, not shown"
             : r->result.cut == SQL_CUT_TIME ? ", then it took too long" : "");
    if (r->more_cols)
        doc_fact(d, "columns", "%d more, not shown", r->more_cols);
}

const struct view_ops view_sql = {
    .name = "sql", .what = "what a query answers (:sql)",
    .size = sizeof(struct query), .open = sql_view_open,
    .close = sql_view_close, .reload = reload, .crumb = crumb, .body = body
};
