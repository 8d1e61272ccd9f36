/* tui/view_matches.c - the rows of the list below that fit a filter.  All rows
 * are read, some milliseconds at a time, while the screen stays alive; the
 * other pane is that of the row itself, and Enter goes to it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tui/filter.h"
#include "tui/fmt.h"
#include "tui/state.h"

enum { MATCHES_MAX = 10000, LINE_COLS = 300, WORK_NS = 8000000 };

struct match { int64_t row; const char *text; };

struct matches {
    struct view v;
    struct view *of;            /* the list, under this view */
    struct filter filter;
    struct match *match;
    int n, cap, window;
    int64_t read;               /* rows read so far */
    struct pool texts;
    struct grid line;
    char said[QUERY_BYTES];
};

static const struct col cols[] = {
    { "Row", 11, COL_RIGHT, 0 }, { "Reads", 0, COL_FLEX, 0 }, { NULL, 0, 0, 0 }
};

static enum sor_err matches_open(struct view *v, struct sor_msg *msg)
{
    struct matches *s = (struct matches *)v;
    enum sor_err err;

    s->of = tui_top(v->t);
    snprintf(s->said, sizeof s->said, "%s", v->t->query);
    v->words = s->said;
    err = filter_parse(s->said, s->of->ops->cols, &s->filter, msg);
    if (!err && grid_init(&s->line, 1, LINE_COLS))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    v->working = !err;
    return err;
}

static void matches_close(struct view *v)
{
    struct matches *s = (struct matches *)v;

    pool_release(&s->texts);
    grid_release(&s->line);
    mem_free(s->match);
}

static void reload(struct view *v)
{
    struct matches *s = (struct matches *)v;

    s->n = 0;
    s->read = 0;
    pool_clear(&s->texts);
    v->working = 1;
    s->of->list.stale = 1;
}

static int add(struct matches *s, int64_t row, const char *text)
{
    if (s->n == s->cap) {
        struct match *more = mem_realloc(s->match, (size_t)s->cap * 2 + 64,
                                         sizeof *more);
        if (!more)
            return 0;
        s->match = more;
        s->cap = s->cap * 2 + 64;
    }
    s->match[s->n++] = (struct match){ row, pool_str(&s->texts, text) };
    return 1;
}

/* One window of rows; 0: those were the last. */
static int read_window(struct matches *s)
{
    struct view *of = s->of;
    char text[FILTER_TEXT];
    int n, more;

    pool_clear(&of->pool);
    n = of->ops->fetch(of, s->read, LIST_WINDOW);
    more = n == LIST_WINDOW;
    for (int i = 0; i < n && s->n < MATCHES_MAX; i++)
        if (filter_fits(&s->filter, of, i, &s->line, text) &&
            !add(s, s->read + i, text)) {
            tui_say(s->v.t, "Out of memory.");
            more = 0;
            break;
        }
    s->read += n;
    return more && s->n < MATCHES_MAX;
}

static int work(struct view *v)
{
    struct matches *s = (struct matches *)v;
    uint64_t end = clock_mono_ns() + WORK_NS;

    while (v->working && clock_mono_ns() < end)
        v->working = read_window(s);
    s->of->list.stale = 1;
    v->list.n = s->n;
    v->list.stale = 1;
    if (s->n == MATCHES_MAX)
        tui_say(v->t, "Only the first %d; narrow the filter.", MATCHES_MAX);
    return 1;
}

static void crumb(const struct view *v, struct str *out)
{
    const struct matches *s = (const struct matches *)v;
    int64_t all = s->of->list.n;
    char n[32];

    str_printf(out, "%s", s->said);
    fmt_count(n, sizeof n, s->read);
    if (v->working && all > 0)
        str_printf(out, "  (%d %% read)", (int)(100 * s->read / all));
    else if (v->working)
        str_printf(out, "  (%s rows read)", n);
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct matches *s = (struct matches *)v;

    s->window = (int)from;
    return list_part(s->n, from, n);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct match *m =
        &((struct matches *)v)->match[((struct matches *)v)->window + i];
    char buf[32];

    if (col == 0) {
        p->style = ROLE_DIM;
        fmt_count(buf, sizeof buf, m->row + 1);
        pen_str(p, buf);
    } else {
        pen_line(p, m->text, strlen(m->text));
    }
}

/* Puts the list's own cursor on the row. */
static struct view *at_row(struct view *v)
{
    struct matches *s = (struct matches *)v;
    int i = list_here(v);

    if (i < 0)
        return NULL;
    list_goto(s->of, s->match[s->window + i].row);
    return list_here(s->of) >= 0 ? s->of : NULL;
}

static void detail(struct view *v, struct doc *d)
{
    struct view *of = at_row(v);

    if (of && of->ops->detail)
        of->ops->detail(of, d);
}

static void enter(struct view *v)
{
    if (at_row(v))
        tui_pop(v->t);
}

const struct view_ops view_matches = {
    .name = "matches", .what = "the rows that fit a filter",
    .size = sizeof(struct matches), .cols = cols,
    .empty = "No row fits.",
    .open = matches_open, .close = matches_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter, .work = work
};
