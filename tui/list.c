/* tui/list.c - the lists of view.h: windows, motion and tables. */
#include <string.h>

#include "tui/view.h"

struct db_addr addr_run(int64_t run_id)
{
    return (struct db_addr){ .run_id = run_id, .path = -1, .step = -1,
                             .pos = -1 };
}

/* ---- the window ----------------------------------------------------------- */

static void clamp(struct list *l)
{
    if (l->n >= 0 && l->cur >= l->n)
        l->cur = l->n - 1;
    if (l->cur < 0)
        l->cur = 0;
    if (l->top > l->cur)
        l->top = l->cur;
    if (l->height > 0 && l->top < l->cur - l->height + 1)
        l->top = l->cur - l->height + 1;
    if (l->n >= 0 && l->height > 0 && l->top > l->n - l->height)
        l->top = l->n - l->height;
    if (l->top < 0)
        l->top = 0;
}

static int covered(const struct list *l)
{
    int64_t end = l->top + l->height, have = l->from + l->have;

    return !l->stale && l->top >= l->from &&
           (end <= have || (l->n >= 0 && have >= l->n));
}

/* Reads the rows around the top.  Fewer than asked for means that the end has
 * been seen. */
static void fill(struct view *v)
{
    struct list *l = &v->list;
    int64_t from = l->top > LIST_MARGIN ? l->top - LIST_MARGIN : 0;
    int64_t want = l->top + l->height + LIST_MARGIN - from;
    int n = want > LIST_WINDOW ? LIST_WINDOW : (int)want;

    pool_clear(&v->pool);
    l->from = from;
    l->have = v->ops->fetch(v, from, n);
    l->stale = 0;
    if (l->have < n)
        l->n = l->have || from == 0 ? from + l->have : -1;
}

void list_show(struct view *v, int height)
{
    struct list *l = &v->list;

    if (l->height == 0)                 /* opened in the middle: some context */
        l->top = l->cur - height / 3;
    l->height = height > 1 ? height : 1;
    clamp(l);
    if (covered(l))
        return;
    fill(v);
    if (l->have == 0 && l->from > 0) {  /* past an end not known till now */
        list_goto(v, INT64_MAX);
        fill(v);
    }
    clamp(l);
    if (!covered(l))
        fill(v);
}

/* Whether a row exists, by reading just that one. */
static int exists(struct view *v, int64_t row)
{
    v->list.stale = 1;
    pool_clear(&v->pool);
    return v->ops->fetch(v, row, 1) == 1;
}

/* The number of rows of a list that does not know it: steps that double, then
 * halves, so a long list is never read through. */
static int64_t count(struct view *v)
{
    int64_t low = -1, high = 64;        /* low exists (or -1), high does not */

    while (high < INT64_MAX / 4 && exists(v, high)) {
        low = high;
        high *= 4;
    }
    while (high - low > 1) {
        int64_t mid = low + (high - low) / 2;
        if (exists(v, mid))
            low = mid;
        else
            high = mid;
    }
    return high;
}

void list_goto(struct view *v, int64_t row)
{
    struct list *l = &v->list;

    if (row == INT64_MAX && l->n < 0)
        l->n = count(v);
    l->cur = row;
    if (l->cur < l->top - 1 || l->cur > l->top + l->height)
        l->top = l->cur - l->height / 3;        /* a jump: rows around it */
    clamp(l);
}

int list_part(int64_t all, int64_t from, int n)
{
    return from >= all ? 0 : all - from < n ? (int)(all - from) : n;
}

int list_here(struct view *v)
{
    struct list *l = &v->list;

    if (l->stale)
        list_show(v, l->height);
    return l->cur >= l->from && l->cur < l->from + l->have
               ? (int)(l->cur - l->from) : -1;
}

int list_move(struct view *v, enum tui_cmd cmd)
{
    struct list *l = &v->list;
    int64_t page = l->height > 2 ? l->height - 1 : 1;

    switch (cmd) {
    case CMD_UP:        list_goto(v, l->cur - 1); break;
    case CMD_DOWN:      list_goto(v, l->cur + 1); break;
    case CMD_PAGE_UP:   l->top -= page; list_goto(v, l->cur - page); break;
    case CMD_PAGE_DOWN: l->top += page; list_goto(v, l->cur + page); break;
    case CMD_HALF_UP:   list_goto(v, l->cur - (page + 1) / 2); break;
    case CMD_HALF_DOWN: list_goto(v, l->cur + (page + 1) / 2); break;
    case CMD_FIRST:     list_goto(v, 0); break;
    case CMD_LAST:      list_goto(v, INT64_MAX); break;
    default:            return 0;
    }
    return 1;
}

/* ---- the table ------------------------------------------------------------ */

enum { COLS_MAX = 16, GAP = 2, MARGIN = 2 };

/* Where columns stand in a pane: x[i] < 0, column i does not fit. */
struct places { int x[COLS_MAX], width[COLS_MAX]; };

/* Of the columns shown that can grow, the last takes what is left. */
static void place(const struct col *c, int width, struct places *p)
{
    int left = width - MARGIN + GAP, grows = -1, at = MARGIN;

    for (int i = 0; i < COLS_MAX && c[i].head; i++)
        if (width >= c[i].need) {
            left -= c[i].width + GAP;
            if (c[i].flags & COL_FLEX)
                grows = i;
        }
    for (int i = 0; i < COLS_MAX && c[i].head; i++) {
        p->x[i] = width >= c[i].need ? at : -1;
        p->width[i] = c[i].width + (i == grows && left > 0 ? left : 0);
        if (p->x[i] >= 0)
            at += p->width[i] + GAP;
    }
}

/* A pen for column i of row r. */
static struct pen column(struct grid *g, struct rect r, const struct places *p,
                         int i, unsigned style)
{
    int from = r.col + p->x[i], end = from + p->width[i];

    if (end > r.col + r.cols)
        end = r.col + r.cols;
    return (struct pen){ g, r.row, from, end, style };
}

static void draw_head(struct view *v, struct grid *g, struct rect r,
                      const struct places *at)
{
    const struct col *c = v->ops->cols;

    for (int i = 0; c[i].head; i++) {
        int len = (int)strlen(c[i].head), tight = len + 2 > at->width[i];
        struct pen p = column(g, r, at, i, ROLE_HEAD);
        if (at->x[i] < 0)
            continue;
        if (v->sort == i) {             /* the arrow may stand in the gap */
            len += tight ? 1 : 2;
            p.end += tight;
        }
        if (c[i].flags & COL_RIGHT)
            pen_gap(&p, at->width[i] - len);
        pen_str(&p, c[i].head);
        if (v->sort == i) {
            pen_gap(&p, !tight);
            pen_glyph(&p, v->sorted_down ? GLYPH_DOWN : GLYPH_UP);
        }
    }
}

/* Right-aligned cells are drawn on the left and moved. */
static void flush_right(struct grid *g, const struct pen *p, int start)
{
    int used = p->col - start, shift = p->end - p->col;

    for (int i = used - 1; i >= 0 && shift > 0; i--) {
        struct cell *from = grid_at(g, p->row, start + i);
        struct cell *to = grid_at(g, p->row, start + i + shift);
        if (from && to) {
            *to = *from;
            *from = (struct cell){ " ", 1, ROLE_TEXT };
        }
    }
}

static void draw_row(struct view *v, struct grid *g, struct rect r,
                     const struct places *at)
{
    const struct col *c = v->ops->cols;
    int i = (int)(v->list.top + r.row - v->pane.row - v->list.from);

    for (int k = 0; c[k].head; k++) {
        struct pen p = column(g, r, at, k, ROLE_TEXT);
        if (at->x[k] < 0)
            continue;
        v->ops->cell(v, i, k, &p);
        if (c[k].flags & COL_RIGHT)
            flush_right(g, &p, r.col + at->x[k]);
    }
}

void list_draw(struct view *v, struct grid *g, struct rect r, int active)
{
    struct places at = { 0 };
    struct list *l = &v->list;

    if (v->pane.cols != r.cols)         /* rows may be cut to its width */
        l->stale = 1;
    v->pane = (struct rect){ r.row + 1, r.col, r.rows - 1, r.cols };
    place(v->ops->cols, r.cols, &at);
    list_show(v, r.rows - 1);
    draw_head(v, g, r, &at);
    for (int i = 0; i < v->pane.rows; i++) {
        int64_t row = l->top + i;
        struct rect line = { v->pane.row + i, r.col, 1, r.cols };
        if (row < l->from || row >= l->from + l->have)
            break;
        draw_row(v, g, line, &at);
        if (row == l->cur) {
            struct pen p = pen_in(g, line, 0, ROLE_ACCENT);
            pen_glyph(&p, GLYPH_CURSOR);
            grid_mark(g, line, active ? CELL_SELECT : CELL_BOLD);
        }
    }
}
