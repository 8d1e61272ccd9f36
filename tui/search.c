#include "tui/search.h"

#include <stdio.h>

#include "base/clock.h"
#include "tui/state.h"

enum { LINE_COLS = 600, CELL_COLS = 100, MOMENT_NS = 8000000,
       WORK_NS = 8000000 };

static int grid_has(struct grid *g, const char *needle)
{
    grid_match(g, (struct rect){ 0, 0, 1, g->cols }, needle);
    for (int i = 0; i < g->cols; i++)
        if (g->cell[i].style & CELL_MATCH)
            return 1;
    return 0;
}

/* Draws row i of the window into one long line and looks there: what is found
 * is what would be read. */
static int row_has(struct view *v, struct grid *line, int i, const char *needle)
{
    const struct col *c = v->ops->cols;
    struct pen p = { line, 0, 0, 0, ROLE_TEXT };

    grid_clear(line);
    for (int k = 0; c[k].head; k++) {
        p.end = c[k].flags & COL_FLEX ? line->cols : p.col + CELL_COLS;
        v->ops->cell(v, i, k, &p);
        p.end = line->cols;
        pen_gap(&p, 2);
    }
    return grid_has(line, needle);
}

static int find_in_text(struct doc *d, const char *needle, int reverse)
{
    struct grid line;
    int found = -1;

    if (grid_init(&line, 1, d->g.cols))
        return 0;
    for (int k = 1; k <= d->row && found < 0; k++) {
        int row = (d->top + (reverse ? d->row - k : k) % d->row) % d->row;
        grid_clear(&line);
        grid_blit(&line, (struct rect){ 0, 0, 1, line.cols }, &d->g, row);
        if (grid_has(&line, needle))
            found = row;
    }
    grid_release(&line);
    if (found >= 0)
        d->top = found;
    return found >= 0;
}

/* Looks at one window of rows from *from on.  The row, or -1; then *from is
 * where to go on, -1 where there is nothing more that way. */
static int64_t look(struct view *v, const char *needle, int64_t *from,
                    int reverse)
{
    int64_t first = reverse ? *from - LIST_WINDOW + 1 : *from, found = -1;
    int want = LIST_WINDOW, n;
    struct grid line;

    if (v->ops->find)
        return v->ops->find(v, needle, from, reverse);
    if (grid_init(&line, 1, LINE_COLS)) {
        *from = -1;
        return -1;
    }
    if (first < 0) {
        first = 0;
        want = (int)*from + 1;
    }
    pool_clear(&v->pool);
    v->list.stale = 1;
    n = v->ops->fetch(v, first, want);
    for (int k = 0; k < n && found < 0; k++) {
        int i = reverse ? n - 1 - k : k;

        if (row_has(v, &line, i, needle))
            found = first + i;
    }
    *from = reverse ? first - 1 : n == want ? first + n : -1;
    grid_release(&line);
    return found;
}

/* The rows that way are done: once around, or at an end of it all. */
static void turn(struct tui *t, struct view *v, struct search *s)
{
    if (!s->wrapped) {
        s->wrapped = 1;
        if (s->reverse)
            list_goto(v, INT64_MAX);
        s->from = s->reverse ? v->list.cur : 0;
        return;
    }
    s->on = 0;
    list_goto(v, s->was);
    tui_say(t, "Nothing here reads \"%s\".", t->needle);
}

static void step(struct tui *t, struct search *s)
{
    struct view *v = tui_top(t);
    int64_t found = s->from < 0 ? -1
                  : look(v, t->needle, &s->from, s->reverse);

    if (found >= 0) {
        s->on = 0;
        list_goto(v, found);
        if (s->wrapped)
            tui_say(t, s->reverse ? "Searched on from the last row."
                                  : "Searched on from the first row.");
    } else if (s->from < 0 || (s->wrapped && (s->reverse ? s->from < s->was
                                              : s->from > s->was))) {
        turn(t, v, s);
    }
}

static void go_on(struct tui *t, uint64_t ns)
{
    uint64_t end = clock_mono_ns() + ns;
    int64_t n = tui_top(t)->list.n;

    while (t->search.on && clock_mono_ns() < end)
        step(t, &t->search);
    if (t->search.on && n > 0)
        tui_say(t, "Searching: %d %%; any key stops.",
                (int)(100 * (t->search.reverse ? n - t->search.from
                                               : t->search.from) / n));
    else if (t->search.on)
        tui_say(t, "Searching; any key stops.");
}

int search_work(struct tui *t)
{
    if (!t->search.on)
        return 0;
    go_on(t, WORK_NS);
    return 1;
}

void search_find(struct tui *t, int reverse)
{
    struct view *v = tui_top(t);
    struct doc *d = v->on_detail ? &v->detail : v->ops->body ? &v->text : NULL;

    if (!t->needle[0]) {
        tui_say(t, "Nothing was searched for yet; / searches.");
    } else if (d) {
        if (!find_in_text(d, t->needle, reverse))
            tui_say(t, "Nothing here reads \"%s\".", t->needle);
    } else if (!v->ops->find && !(v->ops->fetch && v->ops->cell)) {
        tui_say(t, "There are no words here to search; Tab goes to the pane.");
    } else {
        t->search = (struct search){ 1, reverse, 0,
                                     v->list.cur + (reverse ? -1 : 1),
                                     v->list.cur };
        go_on(t, MOMENT_NS);
    }
}

void search_in_sight(struct tui *t)
{
    struct view *v = tui_top(t);
    struct grid line;

    if (!v->ops->fetch || !v->ops->cell || v->on_detail || !t->needle[0] ||
        grid_init(&line, 1, LINE_COLS))
        return;
    list_goto(v, t->origin);
    list_show(v, v->list.height);
    for (int i = (int)(t->origin - v->list.from); i < v->list.have; i++)
        if (i >= 0 && row_has(v, &line, i, t->needle)) {
            list_goto(v, v->list.from + i);
            break;
        }
    grid_release(&line);
}
