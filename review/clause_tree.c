/* review/clause_tree.c - which marks are clauses, and which holds which. */
#include "review/clause_impl.h"

#include <string.h>

#include "base/mem.h"

/* An open list: its last item and that item's mark. */
struct frame {
    int clause;
    struct mark mark;
    enum mark_place opened; /* where its first item stood */
    int sentences;          /* an item ended with a point */
};

struct grow {
    const struct document *d;
    struct text t;
    const struct marks *marks;
    struct clauses *c;
    int cap;
    struct frame frame[FRAMES_MAX];
    int depth;
    struct mark closed[8];  /* the last item of lists closed, by shape */
    int n_closed;
    enum sor_err err;
};

/* --- values --------------------------------------------------------------- */

/* Are these items of one list, apart from their values? */
static int same_shape(const struct mark *a, const struct mark *b)
{
    if (a->unit != b->unit || (a->n_part > 0) != (b->n_part > 0))
        return 0;
    if (a->n_part > 0 && a->n_part != b->n_part)
        return 0;
    if (a->n_part == 0 && a->upper != b->upper)
        return 0;
    if (a->n_part > 1)
        return 1;       /* "1.1" and "1.2." and "1.3)" are one list */
    return a->delim == b->delim ||
           (a->n_part && a->delim + b->delim == DELIM_POINT + DELIM_BARE);
}

static int same_prefix(const struct mark *a, const struct mark *b)
{
    for (int i = 0; i + 1 < a->n_part; i++)
        if (a->part[i] != b->part[i])
            return 0;
    return 1;
}

/* How many steps is b after a in their list?  0: not comparable, or the same
 * item, or before it.  Letters win over roman numbers where both fit. */
static int steps(const struct mark *a, const struct mark *b)
{
    int by = 0;

    if (a->delim == DELIM_BULLET)
        return b->delim == DELIM_BULLET;
    if (!same_shape(a, b))
        return 0;
    if (a->n_part)
        by = same_prefix(a, b)
            ? b->part[b->n_part - 1] - a->part[a->n_part - 1] : 0;
    else if (a->roman && b->roman && b->roman - a->roman == 1)
        by = 1;
    else if (a->letter && b->letter)
        by = b->letter - a->letter;
    else if (a->roman && b->roman)
        by = b->roman - a->roman;
    return by > 0 ? by : 0;
}

static int is_first(const struct mark *m)
{
    if (m->delim == DELIM_BULLET)
        return 1;
    if (m->n_part)
        return m->part[m->n_part - 1] <= 1;
    return m->letter == 1 || m->roman == 1;
}

/* Does an item that follows `i` as the second follows the first come before
 * another first?  Looked for among the marks that follow, not for ever. */
static int goes_on(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];
    const int weak = m->place < PLACE_GAP;

    for (int j = i + 1; j < g->marks->n && j < i + 200; j++) {
        const struct mark *o = &g->marks->at[j];

        if (steps(m, o) == 1)
            return 1;
        if (weak && (o->from - m->from > 8000 ||
                     (same_shape(m, o) && is_first(o))))
            return 0;
        if (weak && o->place == PLACE_LINE && o->unit == UNIT_NONE &&
            o->delim != m->delim && o->n_part)
            return 0;
    }
    return 0;
}

/* --- the stack ------------------------------------------------------------ */

static int append(struct grow *g, enum clause_kind kind, size_t from)
{
    struct clauses *c = g->c;
    const int parent = g->depth ? g->frame[g->depth - 1].clause : -1;

    if (c->n >= CLAUSES_MAX) {
        g->err = SOR_LIMIT;
        return -1;
    }
    if (c->n == g->cap) {
        const int cap = g->cap ? 2 * g->cap : 64;
        struct clause *at = mem_realloc(c->at, (size_t)cap, sizeof *at);

        if (!at) {
            g->err = SOR_NOMEM;
            return -1;
        }
        c->at = at;
        g->cap = cap;
    }
    c->at[c->n] = (struct clause){
        .kind = kind, .parent = parent,
        .depth = parent < 0 ? 0 : c->at[parent].depth + 1,
        .span = { from, from },
    };
    return c->n++;
}

/* Closes the lists above depth `keep`: the text up to `at` is theirs. */
static void close_above(struct grow *g, int keep, size_t at)
{
    const size_t end = page_back(g->t, g->c, at);

    while (g->depth > keep) {
        struct frame *f = &g->frame[--g->depth];

        g->c->at[f->clause].span.to = end;
        if (g->n_closed == 8) {
            memmove(g->closed, g->closed + 1, 7 * sizeof *g->closed);
            g->n_closed--;
        }
        g->closed[g->n_closed++] = f->mark;
    }
}

static void open_frame(struct grow *g, const struct mark *m, int clause)
{
    g->frame[g->depth++] = (struct frame){
        .clause = clause, .mark = *m, .opened = m->place,
    };
}

static int add_clause(struct grow *g, const struct mark *m)
{
    int i = append(g, m->delim == DELIM_BULLET || m->place < PLACE_SENTENCE
                   ? CLAUSE_ITEM : CLAUSE_NUMBERED, m->from);
    struct clause *k;

    if (i < 0)
        return -1;
    k = &g->c->at[i];
    k->text.from = m->after;
    if (m->number.to > m->number.from) {
        k->number = mem_strndup(g->t.p + m->number.from,
                                m->number.to - m->number.from);
        if (!k->number)
            g->err = SOR_NOMEM;
    }
    if (m->unit_name) {
        k->unit = mem_strdup(m->unit_name);
        if (!k->unit)
            g->err = SOR_NOMEM;
    }
    return i;
}

/* --- one mark ------------------------------------------------------------- */

/* The list that m goes on with, innermost first; -1: none. */
static int list_continued(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];
    const int most = m->place >= PLACE_GAP ? 4 : 1;

    for (int by = 1; by <= most; by++)
        for (int k = g->depth - 1; k >= 0; k--)
            if (steps(&g->frame[k].mark, m) == by)
                return k;
    return -1;
}

/* "2.1": the depth below which it opens a list, under "2" or "Article II". */
static int depth_for_decimal(const struct grow *g, const struct mark *m)
{
    for (int k = g->depth - 1; k >= 0; k--) {
        const struct mark *o = &g->frame[k].mark;

        if (o->n_part == m->n_part - 1 && same_prefix(m, o) &&
            o->part[o->n_part - 1] == m->part[m->n_part - 2])
            return k + 1;
        if (m->n_part == 2 && o->unit == UNIT_ARTICLE &&
            o->roman == m->part[0])
            return k + 1;
    }
    return -1;
}

static void take(struct grow *g, int i)
{
    struct mark m = g->marks->at[i];
    int k = list_continued(g, i);

    if (k >= 0) {
        close_above(g, k, m.from);
        open_frame(g, &m, add_clause(g, &m));
        return;
    }
    if (m.n_part > 1) {
        k = depth_for_decimal(g, &m);
        if (k < 0)
            return;
        close_above(g, k, m.from);
    } else if (!is_first(&m) ||
               !(m.place >= PLACE_GAP || goes_on(g, i))) {
        return;
    }
    if (g->depth < FRAMES_MAX)
        open_frame(g, &m, add_clause(g, &m));
}

enum sor_err clauses_grow(const struct document *d, const struct marks *marks,
                          struct clauses *c, struct sor_msg *msg)
{
    struct grow g = {
        .d = d, .t = { d->text, d->n_byte }, .marks = marks, .c = c,
    };

    for (int i = 0; i < marks->n && !g.err; i++)
        take(&g, i);
    close_above(&g, 0, d->n_byte);
    if (g.err == SOR_LIMIT)
        return sor_fail(msg, SOR_LIMIT, "%s: over %d clauses", d->name,
                        CLAUSES_MAX);
    if (g.err)
        return sor_fail(msg, g.err, "%s: out of memory for its clauses",
                        d->name);
    return SOR_OK;
}
