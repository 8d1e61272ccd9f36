#include "viz/dot.h"

#include <graphviz/cgraph.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "viz/card.h"
#include "viz/ids.h"
#include "viz/legend.h"
#include "viz/style.h"

enum { PER_ROW = 8, PAGE_ROW = 4 };     /* cards side by side */

#define FONT "Helvetica,Arial,sans-serif"

/* One graph on its way into libcgraph. */
struct dot {
    Agraph_t *root;
    const struct graph *g;
    const struct style_theme *theme;
    struct card_room room;
    Agnode_t **node;        /* [n_node] */
    Agraph_t **lane;        /* [n_lane] */
    struct str text;        /* scratch: one label */
    int failed;             /* an object could not be made */
};

/* obj, after noting where it is NULL: out of memory. */
static void *made(struct dot *d, void *obj)
{
    d->failed |= obj == NULL;
    return obj;
}

/* libcgraph's attributes take char * and copy what they are given.  There may
 * be no object to give them to: see made(). */
static void set(void *obj, const char *name, const char *value)
{
    if (obj)
        agsafeset(obj, (char *)name, (char *)value, "");
}

static void set_num(void *obj, const char *name, double value)
{
    char text[32];

    snprintf(text, sizeof text, "%.3g", value);
    set(obj, name, text);
}

/* The text in d->text as an HTML-like attribute.  cgraph keeps such strings under
 * a count of references; ours is given back at once. */
static void set_html(struct dot *d, void *obj, const char *attr)
{
    char *html = obj ? agstrdup_html(d->root, d->text.p) : NULL;

    d->failed |= !str_ok(&d->text);
    str_clear(&d->text);
    if (!html)
        return;
    agsafeset(obj, (char *)attr, html, "");
    agstrfree(d->root, html);
}

static void set_label(struct dot *d, void *obj)
{
    set_html(d, obj, "label");
}

static void name(char out[24], const char *prefix, int i)
{
    snprintf(out, 24, "%s%d", prefix, i + 1);
}

static void put_defaults(struct dot *d)
{
    static const struct {
        int kind;
        const char *name, *value;
    } table[] = {
        { AGRAPH, "rankdir", "TB" },      { AGRAPH, "newrank", "true" },
        { AGRAPH, "nodesep", "0.15" },    { AGRAPH, "ranksep", "0.32" },
        { AGRAPH, "labelloc", "t" },      { AGRAPH, "labeljust", "l" },
        { AGRAPH, "pad", "0.3" },         { AGRAPH, "compound", "true" },
        { AGRAPH, "fontname", FONT },     { AGRAPH, "fontsize", "10" },
        { AGRAPH, "splines", "true" },    { AGRAPH, "charset", "UTF-8" },
        { AGNODE, "fontname", FONT },     { AGNODE, "fontsize", "10" },
        { AGNODE, "margin", "0" },        { AGNODE, "shape", "box" },
        { AGNODE, "height", "0" },        { AGNODE, "width", "0" },
        { AGNODE, "label", "" },
        { AGEDGE, "fontname", FONT },     { AGEDGE, "fontsize", "7.5" },
        { AGEDGE, "arrowsize", "0.6" },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        agattr(d->root, table[i].kind, (char *)table[i].name,
               (char *)table[i].value);
    set(d->root, "id", d->g->id ? d->g->id : "graph");
    set(d->root, "bgcolor", d->theme->paper);
    card_title(&d->text, d->g, d->theme);
    set_label(d, d->root);
}

static void put_lanes(struct dot *d)
{
    char id[24];

    for (int i = 0; i < d->g->n_lane; i++) {
        const struct graph_lane *l = &d->g->lane[i];

        name(id, "cluster", i);
        Agraph_t *c = made(d, agsubg(d->root, id, 1));
        set(c, "id", l->id);
        set(c, "class", "lane");
        set(c, "style", "rounded,filled");
        set(c, "fillcolor", d->theme->lane);
        set(c, "color", style_vote(l->lead));
        set_num(c, "penwidth", l->lead == 0 ? 2 : 1);
        set_num(c, "margin", 10);
        card_lane(&d->text, l, d->room, d->theme);
        set_label(d, c);
        d->lane[i] = c;
    }
}

/* Colours and border of a node, by kind. */
static void paint(struct dot *d, Agnode_t *v, const struct graph_node *n)
{
    const struct style_origin *o = &style_origins[n->origin];

    set(v, "style", "filled");
    switch (n->kind) {
    case GRAPH_QUESTION:
    case GRAPH_CONCLUSION:
        set(v, "fillcolor", d->theme->solid);
        set(v, "color", d->theme->solid);
        set(v, "margin", "0.12,0.08");
        if (n->kind == GRAPH_QUESTION)
            set(v, "style", "rounded,filled");
        break;
    case GRAPH_STEP:
        set(v, "fillcolor", d->theme->card);
        set(v, "color", d->theme->line);
        set_num(v, "penwidth", o->pen);
        set_num(v, "peripheries", o->rings);
        break;
    case GRAPH_CLAUSE:
    case GRAPH_TERM:
        set(v, "fillcolor", d->theme->card);
        set(v, "color", d->theme->muted);
        break;
    case GRAPH_OUTSIDE:
        set(v, "style", "dashed");
        set(v, "margin", "0.1,0.02");
        set(v, "color", n->lead == 0 ? style_verdict("contradicted")
                                     : d->theme->muted);
        break;
    case GRAPH_CLAIM:
        set(v, "fillcolor", d->theme->card);
        set(v, "color", style_verdict(n->role));
        set(v, "margin", "0.12,0.04");
        set_num(v, "penwidth", 2);
        break;
    case GRAPH_VOTE:
        set(v, "fillcolor", d->theme->card);
        set(v, "color", style_vote(n->lead));
        set_num(v, "penwidth", 1 + 4 * n->share);
        break;
    default:
        set(v, "style", "");
    }
}

static void put_nodes(struct dot *d)
{
    char id[24];

    for (int i = 0; i < d->g->n_node; i++) {
        const struct graph_node *n = &d->g->node[i];
        const struct style_node *look = &style_nodes[n->kind];
        Agraph_t *in = n->lane < 0 ? d->root : d->lane[n->lane];

        name(id, "n", i);
        Agnode_t *v = made(d, agnode(in, id, 1));
        set(v, "id", n->id);
        set(v, "class", look->css);
        set(v, "shape", look->shape);
        paint(d, v, n);
        card_node(&d->text, n, d->room, d->theme);
        set_label(d, v);
        d->node[i] = v;
    }
}

/* Explicit links run down the right of a column of steps; attention goes
 * where dot finds room, mostly left.  An edge that comes from outside ends at
 * the lane's border, clear of its heading. */
static void put_edge(struct dot *d, int i)
{
    const struct graph_edge *e = &d->g->edge[i];
    const struct style_edge *look = &style_edges[e->kind];
    int from = d->g->node[e->from].lane, to = d->g->node[e->to].lane;
    Agraph_t *in = from == to && from >= 0 ? d->lane[from] : d->root;
    char id[24];

    name(id, "e", i);
    Agedge_t *a = made(d, agedge(in, d->node[e->from], d->node[e->to], id, 1));
    set(a, "id", id);
    set(a, "class", look->css);
    set(a, "style", look->style);
    set(a, "color", look->color ? look->color : d->theme->muted);
    set(a, "arrowhead", look->arrow);
    set(a, "weight", look->weight);
    set_num(a, "penwidth", look->base + look->gain * e->weight);
    if (look->quoted && e->note) {
        card_quote(&d->text, e->note, d->theme);
        set_html(d, a, "xlabel");
    }
    if (from == to && from >= 0 && look->side) {
        set(a, "tailport", look->side);
        set(a, "headport", look->side);
    }
    if (from >= 0 && to >= 0 && e->kind != GRAPH_FOLLOWS)
        set(a, "constraint", "false");
    if (d->g->in_rows && d->g->node[e->from].kind == GRAPH_CLAUSE &&
        d->g->node[e->to].kind == GRAPH_CLAUSE)
        set(a, "constraint", "false");
    if (to >= 0 && (from < 0 || e->kind == GRAPH_FORKS)) {
        name(id, "cluster", to);
        set(a, "lhead", id);
    }
}

static void put_legend(struct dot *d)
{
    Agnode_t *v = made(d, agnode(d->root, "legend", 1));

    set(v, "id", "legend");
    set(v, "class", "legend");
    set(v, "color", d->theme->line);
    set(v, "margin", "0.08,0.05");
    set(v, "fontsize", "8");
    legend_write(&d->text, d->g, d->theme);
    set_label(d, v);
}

/* An edge that only says where things stand, the straighter the heavier. */
static void tie(struct dot *d, Agnode_t *from, Agnode_t *to,
                const char *weight)
{
    Agedge_t *a = from && to ? agedge(d->root, from, to, NULL, 1) : NULL;

    set(made(d, a), "style", "invis");
    set(a, "weight", weight);
}

static void arrange(struct dot *d, Agnode_t *from, Agnode_t *to)
{
    tie(d, from, to, "10");
}

/* dot places clusters as it likes, but keeps the order of a row of nodes that
 * are in none.  So an unseen peg stands over each lane, in order, beside the
 * question, and tall enough to leave its arrows some room. */
static void put_pegs(struct dot *d)
{
    Agraph_t *row = agsubg(d->root, "pegs", 1);
    Agnode_t *left = NULL;
    int lane = -1;
    char id[24];

    set(row, "rank", "same");
    for (int i = 0; made(d, row) && i < d->g->n_node; i++) {
        if (d->g->node[i].lane <= lane)
            continue;
        lane = d->g->node[i].lane;
        name(id, "peg", lane);
        Agnode_t *peg = made(d, agnode(row, id, 1));
        set(peg, "style", "invis");
        set(peg, "width", "0.05");
        set(peg, "height", "1.5");
        arrange(d, peg, d->node[i]);
        if (left)
            arrange(d, left, peg);
        left = peg;
    }
}

/* A conclusion has all else above it; without one, what ends a lane or stands
 * in none may be lowest. */
static void put_under(struct dot *d, Agnode_t *legend)
{
    const struct graph *g = d->g;
    int n = g->n_node;

    if (n && g->node[n - 1].kind == GRAPH_CONCLUSION) {
        arrange(d, d->node[n - 1], legend);
        return;
    }
    for (int i = 0; i < n; i++)
        if (g->node[i].lane < 0 || i + 1 == n ||
            g->node[i + 1].lane != g->node[i].lane)
            arrange(d, d->node[i], legend);
}

/* Nodes of this kind in rows, one under the other: side by side, many of
 * them would make a picture that nobody can read. */
static void put_rows(struct dot *d, enum graph_node_kind kind)
{
    Agnode_t *above[PER_ROW] = { 0 };
    int n = 0;

    for (int i = 0; i < d->g->n_node; i++) {
        if (d->g->node[i].kind != kind)
            continue;
        if (above[n % PER_ROW])
            arrange(d, above[n % PER_ROW], d->node[i]);
        above[n++ % PER_ROW] = d->node[i];
    }
}

/* The first row of claims stands below the page, tied to it or not. */
static void put_below(struct dot *d, Agnode_t *last)
{
    int n = 0;

    for (int i = 0; last && i < d->g->n_node; i++)
        if (d->g->node[i].kind == GRAPH_CLAIM && n++ < PER_ROW)
            arrange(d, last, d->node[i]);
}

/* Clauses in rows, in the order of a page: dot keeps that of a row of nodes
 * which unseen edges tie. */
static void put_page(struct dot *d)
{
    Agnode_t *above[PAGE_ROW] = { 0 }, *left = NULL;
    Agraph_t *row = NULL;
    char id[24];
    int n = 0;

    for (int i = 0; i < d->g->n_node; i++) {
        if (d->g->node[i].kind != GRAPH_CLAUSE &&
            d->g->node[i].kind != GRAPH_FOLD)
            continue;
        if (n % PAGE_ROW == 0) {
            name(id, "row", n / PAGE_ROW);
            row = made(d, agsubg(d->root, id, 1));
            set(row, "rank", "same");
        } else {
            arrange(d, left, d->node[i]);
        }
        if (row)
            agsubnode(row, d->node[i], 1);
        if (above[n % PAGE_ROW])
            tie(d, above[n % PAGE_ROW], d->node[i], "1000");
        above[n++ % PAGE_ROW] = left = d->node[i];
    }
    put_below(d, left);
}

/* Answers in one row; the legend under everything. */
static void put_ranks(struct dot *d)
{
    Agraph_t *row = agsubg(d->root, "votes", 1);

    set(row, "rank", "same");
    for (int i = 0; made(d, row) && i < d->g->n_node; i++)
        if (d->g->node[i].kind == GRAPH_VOTE)
            agsubnode(row, d->node[i], 1);
    if (d->g->in_rows)
        put_page(d);
    put_rows(d, GRAPH_TERM);
    put_rows(d, GRAPH_CLAIM);
    put_under(d, agnode(d->root, "legend", 0));
}

static int put_str(void *chan, const char *s)
{
    str_puts(chan, s);
    return 0;
}

static int flush(void *chan)
{
    (void)chan;
    return 0;
}

static Agiodisc_t to_str = { .putstr = put_str, .flush = flush };

enum sor_err dot_write(const struct graph *g, const struct dot_opts *opts,
                       struct str *out, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    Agdisc_t disc = { &AgMemDisc, &ids_in_order, &to_str };
    struct dot d = { .g = g, .theme = &style_themes[opts->theme],
                     .room = card_room(g->in_rows ? PAGE_ROW
                                                  : g->n_lane) };

    str_init(&d.text);
    d.node = mem_calloc((size_t)g->n_node + 1, sizeof(Agnode_t *));
    d.lane = mem_calloc((size_t)g->n_lane + 1, sizeof(Agraph_t *));
    d.root = agopen("sorites", Agdirected, &disc);
    d.failed = !d.node || !d.lane || !d.root;
    if (!d.failed) {
        put_defaults(&d);
        put_lanes(&d);
    }
    if (!d.failed)
        put_nodes(&d);
    for (int i = 0; !d.failed && i < g->n_edge; i++)
        put_edge(&d, i);
    if (!d.failed) {
        put_legend(&d);
        put_pegs(&d);
        put_ranks(&d);
    }
    if (!d.failed)
        agwrite(d.root, out);
    if (d.failed || !str_ok(out))
        err = sor_fail(msg, SOR_NOMEM, "graph of %d nodes: out of memory",
                       g->n_node);
    if (d.root)
        agclose(d.root);
    mem_free(d.lane);
    mem_free(d.node);
    str_release(&d.text);
    return err;
}
