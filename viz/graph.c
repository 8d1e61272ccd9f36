#include "viz/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct graph_text {
    struct graph_text *next;
    char s[];
};

void graph_release(struct graph *g)
{
    struct graph_text *t = g->texts;

    while (t) {
        struct graph_text *next = t->next;

        mem_free(t);
        t = next;
    }
    mem_free(g->node);
    mem_free(g->edge);
    mem_free(g->lane);
    graph_init(g);
}

/* `items` with room for one more than n; NULL (items still valid) and failed
 * set where there is none. */
static void *room(struct graph *g, void *items, int n, int *cap, size_t size)
{
    if (g->failed)
        return NULL;
    if (n < *cap)
        return items;
    int want = *cap ? 2 * *cap : 32;
    void *p = mem_realloc(items, (size_t)want, size);
    if (p)
        *cap = want;
    else
        g->failed = 1;
    return p;
}

int graph_add_node(struct graph *g, const struct graph_node *n)
{
    struct graph_node *p = room(g, g->node, g->n_node, &g->cap_node,
                                sizeof *p);

    if (!p)
        return -1;
    g->node = p;
    p[g->n_node] = *n;
    return g->n_node++;
}

int graph_add_edge(struct graph *g, const struct graph_edge *e)
{
    struct graph_edge *p;

    if (e->from < 0 || e->to < 0)
        return -1;
    p = room(g, g->edge, g->n_edge, &g->cap_edge, sizeof *p);
    if (!p)
        return -1;
    g->edge = p;
    p[g->n_edge] = *e;
    return g->n_edge++;
}

int graph_add_lane(struct graph *g, const struct graph_lane *l)
{
    struct graph_lane *p = room(g, g->lane, g->n_lane, &g->cap_lane,
                                sizeof *p);

    if (!p)
        return -1;
    g->lane = p;
    p[g->n_lane] = *l;
    return g->n_lane++;
}

const char *graph_strn(struct graph *g, const char *s, size_t n)
{
    if (!s || g->failed)
        return NULL;
    struct graph_text *t = mem_alloc(sizeof *t + n + 1);
    if (!t) {
        g->failed = 1;
        return NULL;
    }
    memcpy(t->s, s, n);
    t->s[n] = '\0';
    t->next = g->texts;
    g->texts = t;
    return t->s;
}

const char *graph_str(struct graph *g, const char *s)
{
    return s ? graph_strn(g, s, strlen(s)) : NULL;
}

const char *graph_printf(struct graph *g, const char *fmt, ...)
{
    char line[GRAPH_LINE_BYTES];
    va_list ap;
    int want;

    va_start(ap, fmt);
    want = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    size_t n = want < 0 ? 0 : strlen(line);
    if ((size_t)want >= sizeof line)
        n -= utf8_tail(line, n);
    return graph_strn(g, line, n);
}
