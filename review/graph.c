/* review/graph.c - reads the logic graph: runs the rules in order, sorts what
 * they found, and names it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

static const char *const edge_names[EDGE_KINDS] = {
    [EDGE_DEFINES] = "defines",         [EDGE_USES] = "uses",
    [EDGE_REFERS_TO] = "refers_to",     [EDGE_CONDITION_OF] = "condition_of",
    [EDGE_EXCEPTION_TO] = "exception_to", [EDGE_OVERRIDES] = "overrides",
    [EDGE_CONFLICTS_WITH] = "conflicts_with",
    [EDGE_SUPPORTS] = "supports",       [EDGE_CONTRADICTS] = "contradicts",
};

const char *edge_kind_name(enum edge_kind k)
{
    return edge_names[k];
}

const char *norm_kind_name(enum norm_kind k)
{
    static const char *const names[] = {
        [NORM_OBLIGATION] = "obligation", [NORM_PERMISSION] = "permission",
        [NORM_PROHIBITION] = "prohibition" };

    return names[k];
}

const char *value_kind_name(enum value_kind k)
{
    static const char *const names[] = {
        [VALUE_PERIOD] = "period", [VALUE_DATE] = "date",
        [VALUE_AMOUNT] = "amount", [VALUE_PERCENT] = "percent",
        [VALUE_LAW] = "law",       [VALUE_PARTY] = "party" };

    return names[k];
}

int value_kind_of(const char *name)
{
    for (int k = 0; k <= VALUE_PARTY; k++)
        if (strcmp(value_kind_name((enum value_kind)k), name) == 0)
            return k;
    return -1;
}

const char *node_name(const struct graph *g, const struct node *n, char *buf,
                      size_t size)
{
    switch (n->kind) {
    case NODE_CLAUSE:
        snprintf(buf, size, "c%d", n->index + 1);
        break;
    case NODE_TERM:
        snprintf(buf, size, "term:%s", g->term[n->index].name);
        break;
    case NODE_EXTERNAL:
        snprintf(buf, size, "external:%s", n->name);
        break;
    case NODE_EXTERNAL_TERM:
        snprintf(buf, size, "external:term:%s", n->name);
        break;
    case NODE_DANGLING:
        snprintf(buf, size, "dangling:%s", n->name);
        break;
    case NODE_DOCUMENT:
        snprintf(buf, size, "document");
        break;
    case NODE_CLAIM:
        snprintf(buf, size, "claim:%s", n->name ? n->name : "");
        break;
    }
    return buf;
}

static int by_span(struct span a, struct span b)
{
    if (a.from != b.from)
        return a.from < b.from ? -1 : 1;
    return a.to == b.to ? 0 : a.to < b.to ? -1 : 1;
}

static int edge_order(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    int c = by_span(x->span, y->span);

    if (!c && x->kind != y->kind)
        c = x->kind < y->kind ? -1 : 1;
    if (!c && x->dst.index != y->dst.index)
        c = x->dst.index < y->dst.index ? -1 : 1;
    return c ? c : (x->src.index > y->src.index) -
                   (x->src.index < y->src.index);
}

static int norm_order(const void *a, const void *b)
{
    return by_span(((const struct norm *)a)->span,
                   ((const struct norm *)b)->span);
}

static int value_order(const void *a, const void *b)
{
    return by_span(((const struct value *)a)->span,
                   ((const struct value *)b)->span);
}

static void sort(void *at, int n, size_t size,
                 int (*order)(const void *, const void *))
{
    if (n > 1)
        qsort(at, (size_t)n, size, order);
}

/* The lists of matches that more than one rule looks into. */
static void share_hits(struct rules *r)
{
    static const struct { const char *purpose, *but_not; }
    of[HITS_SHARED] = {
        [HITS_SENTENCE] = { "sentence.end", "sentence.not" },
        [HITS_STOP] = { "logic.stop", "logic.stop.not" },
        [HITS_ASIDE] = { "logic.aside", NULL },
        [HITS_MAIN] = { "logic.main", "logic.main.not" },
        [HITS_LIST] = { "logic.list", NULL },
        [HITS_VERB] = { "logic.verb", NULL },
        [HITS_REFERENCE] = { "reference", "reference.external" },
    };

    for (int i = 0; i < HITS_SHARED; i++)
        r->hits[i] = rule_hits(r, of[i].purpose, of[i].but_not);
}

enum sor_err graph_read(const struct document *d, const struct clauses *c,
                        const struct pack *p, struct graph **out,
                        struct sor_msg *msg)
{
    struct rules r = { .d = d, .c = c, .p = p };

    r.g = mem_calloc(1, sizeof *r.g);
    if (!r.g)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", d->name);
    share_hits(&r);
    term_read(&r);
    reference_read(&r);
    logic_read(&r);
    value_read(&r);                     /* norms point to values */
    norm_read(&r);
    for (int i = 0; i < HITS_SHARED; i++)
        hits_free(&r.hits[i]);
    if (r.err) {
        graph_close(r.g);
        return sor_fail(msg, r.err, "%s: out of memory for the logic graph",
                        d->name);
    }
    sort(r.g->edge, r.g->n_edge, sizeof *r.g->edge, edge_order);
    sort(r.g->norm, r.g->n_norm, sizeof *r.g->norm, norm_order);
    sort(r.g->value, r.g->n_value, sizeof *r.g->value, value_order);
    *out = r.g;
    return SOR_OK;
}

static void free_name(const struct node *n)
{
    if (n->kind == NODE_EXTERNAL || n->kind == NODE_EXTERNAL_TERM ||
        n->kind == NODE_DANGLING)
        mem_free((void *)(uintptr_t)n->name);
}

void graph_close(struct graph *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_term; i++)
        mem_free(g->term[i].name);
    for (int i = 0; i < g->n_edge; i++) {
        free_name(&g->edge[i].src);
        free_name(&g->edge[i].dst);
    }
    for (int i = 0; i < g->n_norm; i++) {
        mem_free(g->norm[i].bearer);
        mem_free(g->norm[i].modal);
    }
    for (int i = 0; i < g->n_value; i++)
        mem_free(g->value[i].norm);
    for (int i = 0; i < g->n_party; i++) {
        mem_free(g->party[i].name);
        mem_free(g->party[i].role);
    }
    mem_free(g->term);
    mem_free(g->edge);
    mem_free(g->norm);
    mem_free(g->value);
    mem_free(g->party);
    mem_free(g);
}
