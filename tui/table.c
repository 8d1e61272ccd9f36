#include "tui/table.h"

#include <math.h>
#include <string.h>

#include "tui/fmt.h"

enum { ROWS_MAX = 2000 };

/* The query with the id in place of each %ld, which is all it may hold. */
static void with_id(const char *sql, int64_t id, struct str *out)
{
    const char *at;

    for (; (at = strstr(sql, "%ld")) != NULL; sql = at + 3) {
        str_put(out, sql, (size_t)(at - sql));
        str_printf(out, "%lld", (long long)id);
    }
    str_puts(out, sql);
}

static enum sor_err load(struct table *t, struct sor_msg *msg)
{
    const struct table_spec *spec = t->spec;
    struct view *v = &t->v;
    enum sor_err err = SOR_NOMEM;
    struct str sql;

    str_init(&sql);
    with_id(spec->sql, spec->of_path ? v->at.path_id : v->at.run_id, &sql);
    if (str_ok(&sql))
        err = reply_ask_text(&t->rows, v->t, spec->max ? spec->max : ROWS_MAX,
                            sql.p, msg);
    str_release(&sql);
    v->list.n = t->rows.n;
    v->list.stale = 1;
    if (!err && t->rows.result.cut)
        tui_say(v->t, "Only the first %d rows are shown.", t->rows.n);
    return err;
}

enum sor_err table_open(struct view *v, const struct table_spec *spec,
                        struct sor_msg *msg)
{
    ((struct table *)v)->spec = spec;
    return load((struct table *)v, msg);
}

void table_close(struct view *v)
{
    reply_release(&((struct table *)v)->rows);
}

void table_reload(struct view *v)
{
    struct sor_msg msg = { "" };

    if (load((struct table *)v, &msg))
        tui_say(v->t, "%s", msg.text);
}

int table_fetch(struct view *v, int64_t from, int n)
{
    struct table *t = (struct table *)v;

    t->window = (int)from;
    return list_part(t->rows.n, from, n);
}

int table_here(struct view *v)
{
    int i = list_here(v);

    return i < 0 ? -1 : ((struct table *)v)->window + i;
}

void table_cell(struct view *v, int i, int col, struct pen *p)
{
    static const unsigned role[] = {
        [TABLE_TEXT] = ROLE_TEXT, [TABLE_DIM] = ROLE_DIM,
        [TABLE_ACCENT] = ROLE_ACCENT, [TABLE_STRONG] = ROLE_STRONG,
        [TABLE_COUNT] = ROLE_TEXT, [TABLE_DATE] = ROLE_DIM,
        [TABLE_NUM] = ROLE_TEXT, [TABLE_PROB] = ROLE_TEXT,
        [TABLE_BAR] = ROLE_BAR, [TABLE_PIECE] = ROLE_TEXT };
    const struct table *t = (const struct table *)v;
    int row = t->window + i, kind = t->spec->kind[col];
    const char *s = reply_text(&t->rows, row, col);
    double x = reply_num(&t->rows, row, col);
    char buf[40];

    p->style = role[kind];
    if (reply_null(&t->rows, row, col))
        return;
    switch (kind) {
    case TABLE_COUNT:
        fmt_count(buf, sizeof buf, reply_int(&t->rows, row, col));
        pen_str(p, buf);
        break;
    case TABLE_DATE:
        fmt_date(buf, sizeof buf, reply_int(&t->rows, row, col));
        pen_str(p, buf);
        break;
    case TABLE_NUM:
        fmt_num(buf, sizeof buf, x);
        pen_str(p, buf);
        break;
    case TABLE_PROB:
        p->style = (unsigned)(ROLE_INK + fmt_surprise(x));
        fmt_prob(buf, sizeof buf, x);
        pen_str(p, buf);
        break;
    case TABLE_BAR:
        pen_bar(p, x, pen_room(p));
        break;
    case TABLE_PIECE:
        pen_piece(p, s, strlen(s));
        break;
    default:
        pen_line(p, s, strlen(s));
        break;
    }
}
