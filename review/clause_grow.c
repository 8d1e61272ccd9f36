/* review/clause_grow.c - the stack of what is open, and the walk over marks and
 * starts. */
#include "review/clause_grow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- the stack ------------------------------------------------------------ */

struct frame *grow_top(struct grow *g)
{
    return g->depth ? &g->frame[g->depth - 1] : NULL;
}

int grow_add(struct grow *g, enum clause_kind kind, size_t from)
{
    struct clauses *c = g->c;
    const int parent = g->depth ? grow_top(g)->clause : -1;

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
        .span = { from, from }, .text = { from, from },
    };
    return c->n++;
}

char *grow_copy(struct grow *g, struct span s)
{
    char *p = mem_strndup(g->t.p + s.from, s.to - s.from);

    if (!p)
        g->err = SOR_NOMEM;
    return p;
}

/* Of a list inside a sentence, the last item ends with that sentence; what
 * follows is the lead-in's. */
size_t grow_item_end(const struct grow *g, const struct frame *f, size_t end)
{
    const struct clause *k = &g->c->at[f->clause];
    size_t from = k->text.from;

    if (f->level != LEVEL_LIST || f->opened > PLACE_ITEM || f->sentences ||
        f->mark.delim == DELIM_POINT)
        return end;
    for (int i = f->clause + 1; i < g->c->n; i++)       /* its own items */
        if (g->c->at[i].span.to > from)
            from = g->c->at[i].span.to - 1;
    return from < end ? text_sentence(g->t, from, end) : end;
}

static void drop_last(struct clauses *c)
{
    struct clause *k = &c->at[--c->n];

    mem_free(k->number);
    mem_free(k->heading);
    mem_free(k->unit);
}

/* Closes what is above depth `keep`: the text up to `at` is theirs. */
void grow_close(struct grow *g, int keep, size_t at)
{
    const size_t end = page_back(g->t, g->c, at);

    while (g->depth > keep) {
        struct frame *f = &g->frame[--g->depth];
        struct clause *k = &g->c->at[f->clause];

        k->span.to = grow_item_end(g, f, end);
        if (k->span.to <= k->span.from) {       /* a title, as it turned out */
            drop_last(g->c);
            continue;
        }
        if (f->level != LEVEL_LIST)
            continue;
        if (g->n_closed == CLOSED_MAX) {
            memmove(g->closed, g->closed + 1,
                    (CLOSED_MAX - 1) * sizeof *g->closed);
            g->n_closed--;
        }
        g->closed[g->n_closed++] = *f;
    }
}

/* How many frames at the bottom are headings or exhibits of a level above
 * `level`: what a new heading or section of that level does not close. */
int grow_depth_above(const struct grow *g, int level)
{
    int keep = 0;

    while (keep < g->depth &&
           ((g->frame[keep].level && g->frame[keep].level < level) ||
            g->frame[keep].mark.unit == UNIT_ATTACHED))
        keep++;
    return keep;
}

void grow_open(struct grow *g, struct frame f)
{
    if (f.clause >= 0)
        g->frame[g->depth++] = f;
}

/* --- furniture ------------------------------------------------------------ */

void grow_furniture(struct grow *g, enum furniture_kind kind,
                          size_t from, size_t to)
{
    to = page_back(g->t, g->c, to);
    if (to <= from)
        return;
    if (g->n_found == g->cap_found) {
        const int cap = g->cap_found ? 2 * g->cap_found : 16;
        struct furniture *f = mem_realloc(g->found, (size_t)cap, sizeof *f);

        if (!f) {
            g->err = SOR_NOMEM;
            return;
        }
        g->found = f;
        g->cap_found = cap;
    }
    g->found[g->n_found++] = (struct furniture){ kind, { from, to } };
}

void grow_unsign(struct grow *g, size_t at)
{
    if (g->signed_from)
        grow_furniture(g, FURNITURE_SIGNATURE, g->signed_from, at);
    g->signed_from = 0;
}

/* --- the walk ------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct furniture *x = a, *y = b;

    return x->span.from < y->span.from ? -1 : x->span.from > y->span.from;
}

/* The signatures and titles join the pages' furniture. */
static void merge_furniture(struct grow *g)
{
    struct clauses *c = g->c;
    const int n = c->n_furniture + g->n_found;
    struct furniture *f = mem_realloc(c->furniture, (size_t)n + 1, sizeof *f);

    if (!f) {
        g->err = SOR_NOMEM;
        return;
    }
    memcpy(f + c->n_furniture, g->found,
           (size_t)g->n_found * sizeof *g->found);
    qsort(f, (size_t)n, sizeof *f, by_place);
    c->furniture = f;
    c->n_furniture = n;
}

enum sor_err clauses_grow(const struct document *d, const struct marks *marks,
                          const struct starts *starts, struct clauses *c,
                          struct sor_msg *msg)
{
    struct grow g = {
        .d = d, .t = { d->text, d->n_byte }, .marks = marks,
        .starts = starts, .c = c,
    };
    int i = 0, j = 0;

    while (!g.err && (i < marks->n || j < starts->n)) {
        /* "## 1. Term": the number before the line that it stands in */
        if (j >= starts->n ||
            (i < marks->n && (marks->at[i].from < starts->at[j].from ||
                              (starts->at[j].numbered &&
                               marks->at[i].from < starts->at[j].from + 16))))
            grow_take_mark(&g, i++);
        else
            grow_take_start(&g, j++);
    }
    grow_close(&g, 0, d->n_byte);
    grow_unsign(&g, d->n_byte);
    if (!g.err && g.n_found)
        merge_furniture(&g);
    mem_free(g.found);
    if (g.err == SOR_LIMIT)
        return sor_fail(msg, SOR_LIMIT, "%s: over %d clauses", d->name,
                        CLAUSES_MAX);
    if (g.err)
        return sor_fail(msg, g.err, "%s: out of memory for its clauses",
                        d->name);
    return SOR_OK;
}
