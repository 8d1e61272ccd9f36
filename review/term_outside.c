/* review/term_outside.c - terms that another document defines.
 *
 * Some texts say that their capitalised words have the meanings of a cover
 * page or an order form.  Then every capitalised phrase within a sentence
 * that is no term of the text's own is a use of a term from outside. */
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

/* Has this clause a use of that name already?  Edges of a clause stand near
 * the end while uses are read. */
static int used(const struct graph *g, int clause, const char *name)
{
    for (int i = g->n_edge - 1; i >= 0; i--) {
        const struct edge *e = &g->edge[i];

        if (e->dst.kind != NODE_EXTERNAL_TERM || e->src.index < clause)
            return 0;
        if (e->src.index == clause && strcmp(e->dst.name, name) == 0)
            return 1;
    }
    return 0;
}

static void outside_use(struct rules *r, struct span s)
{
    int clause = clauses_holding(r->c, s);
    struct node dst;

    if (clause < 0 || term_fills(r, s))
        return;
    dst = node_named(r, NODE_EXTERNAL_TERM, s);
    if (!dst.name || used(r->g, clause, dst.name))
        mem_free((void *)(uintptr_t)dst.name);
    else
        rule_edge(r, &(struct edge) { EDGE_USES, node_clause(clause), dst, s,
                  1, "term.outside" });
}

void term_outside(struct rules *r)
{
    struct span all = { 0, r->d->n_byte };
    struct hits h = { 0 };

    if (rule_matches(r, "term.outside_said", all, NULL))
        h = rule_hits(r, "term.outside", "term.outside.not");
    for (int i = 0; i < h.n && !r->err; i++)
        outside_use(r, (struct span) { h.at[i].m.from[1], h.at[i].m.to[1] });
    hits_free(&h);
}
