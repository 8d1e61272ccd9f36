/* tui/view_graph.c - the logic of a document, or the steps of a path, drawn as
 * a graph in layers (tui/layered.h) on a ground larger than the screen, which
 * follows the cursor. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tui/layered.h"
#include "tui/reviewed.h"
#include "tui/reply.h"
#include "tui/view.h"

enum { LABEL = 22, KINDS_MAX = 16, WORD = 24, NAME = 120 };

struct node {
    char name[NAME];            /* as edges call it: "c12", "term:X" */
    char label[LABEL + 1];
    char kind[12];
    int place;                  /* code point of its text, a step's or a
                                 * claim's ordinal; -1: none */
};
struct edge { int from, to, kind, place; char quote[NAME]; };

struct graph {
    struct view v;
    struct node node[LAYERED_NODES];
    struct edge edge[LAYERED_EDGES];
    int n_node, n_edge, cut;
    char kind[KINDS_MAX][WORD];
    int n_kind, shown;          /* the kind shown; -1: all but `uses` */
    struct layered g;
    int of[LAYERED_EDGES];      /* drawn edge -> edge */
    int n_drawn;
    unsigned char *mask, *own;
    int cur, top, left;         /* the node of the cursor; where the pane is */
};

/* ---- reading ------------------------------------------------------------- */

static int find_node(struct graph *s, const char *name, const char *label,
                     const char *kind, int place)
{
    struct node *n;

    for (int i = 0; i < s->n_node; i++)
        if (strncmp(s->node[i].name, name, NAME - 1) == 0)
            return i;
    if (s->n_node == LAYERED_NODES) {
        s->cut = 1;
        return -1;
    }
    n = &s->node[s->n_node];
    snprintf(n->name, sizeof n->name, "%s", name);
    n->label[text_safe_fit(n->label, sizeof n->label, label, strlen(label),
                           0)] = '\0';
    snprintf(n->kind, sizeof n->kind, "%.11s", kind);
    n->place = place;
    return s->n_node++;
}

static int find_kind(struct graph *s, const char *kind)
{
    for (int i = 0; i < s->n_kind; i++)
        if (strcmp(s->kind[i], kind) == 0)
            return i;
    if (s->n_kind == KINDS_MAX)
        return 0;
    snprintf(s->kind[s->n_kind], WORD, "%.23s", kind);
    return s->n_kind++;
}

/* Of a review: ends by name, clauses by their number.  Of a path: its steps. */
static const char review_sql[] =
    "WITH n AS (SELECT name, coalesce(full_number, number, kind || ' ' || "
    "ordinal) AS label, char_from AS place, 'clause' AS kind FROM v_clause "
    "WHERE run_id = %lld UNION ALL SELECT 'term:' || name, "
    "'\"' || name || '\"', char_from, 'term' FROM v_term WHERE run_id = %lld UNION ALL SELECT 'claim:' || name, "
    "name, ordinal, 'claim' FROM v_claim WHERE run_id = %lld) "
    "SELECT l.kind, l.src, coalesce(a.label, l.src), coalesce(a.kind, "
    "l.src_kind), a.place, l.dst, coalesce(b.label, l.dst), coalesce(b.kind, "
    "l.dst_kind), b.place, l.quote, l.char_from FROM v_logic l LEFT JOIN n a "
    "ON a.name = l.src LEFT JOIN n b ON b.name = l.dst WHERE l.run_id = %lld "
    "ORDER BY l.id";
static const char path_sql[] =
    "WITH n AS (SELECT id, ordinal, ordinal || ' ' || role AS label FROM "
    "v_step WHERE path_id = %lld) "
    "SELECT e.kind, e.src, coalesce(a.label, e.src_kind), e.src_kind, "
    "a.ordinal, e.dst, coalesce(b.label, e.dst_kind), e.dst_kind, b.ordinal, "
    "coalesce(e.note, ''), NULL FROM v_edge e LEFT JOIN n a ON e.src_kind = "
    "'step' AND a.id = e.src_id LEFT JOIN n b ON e.dst_kind = 'step' AND b.id "
    "= e.dst_id WHERE e.run_id = %lld AND (a.id IS NOT NULL OR b.id IS NOT "
    "NULL) AND (e.src_kind <> 'step' OR a.id IS NOT NULL) AND (e.dst_kind <> "
    "'step' OR b.id IS NOT NULL) ORDER BY e.id";

static int place_of(const struct reply *r, int i, int col)
{
    return reply_null(r, i, col) ? -1 : (int)reply_int(r, i, col);
}

static enum sor_err read_edges(struct graph *s, struct sor_msg *msg)
{
    long long run = (long long)s->v.at.run_id, path = s->v.at.path_id;
    struct reply r = { 0 };
    enum sor_err err = path > 0
        ? reply_ask(&r, s->v.t, LAYERED_EDGES, msg, path_sql, path, run)
        : reply_ask(&r, s->v.t, LAYERED_EDGES, msg, review_sql, run, run, run,
                   run);

    s->n_node = s->n_edge = s->n_kind = 0;
    s->cut = r.result.cut != SQL_WHOLE;
    for (int i = 0; i < r.n; i++) {
        struct edge *e = &s->edge[s->n_edge];

        e->kind = find_kind(s, reply_text(&r, i, 0));
        e->from = find_node(s, reply_text(&r, i, 1), reply_text(&r, i, 2),
                            reply_text(&r, i, 3), place_of(&r, i, 4));
        e->to = find_node(s, reply_text(&r, i, 5), reply_text(&r, i, 6),
                          reply_text(&r, i, 7), place_of(&r, i, 8));
        e->place = place_of(&r, i, 10);
        snprintf(e->quote, sizeof e->quote, "%s", reply_text(&r, i, 9));
        s->n_edge += e->from >= 0 && e->to >= 0;
    }
    reply_release(&r);
    return err;
}

/* ---- laying out ---------------------------------------------------------- */

/* All kinds together leave out `uses`: every clause uses some term. */
static int is_shown(const struct graph *s, const struct edge *e)
{
    return s->shown >= 0 ? e->kind == s->shown
                         : s->n_kind == 1 || strcmp(s->kind[e->kind], "uses");
}

static enum sor_err lay_out(struct graph *s, struct sor_msg *msg)
{
    static struct layered_edge edge[LAYERED_EDGES];
    static int width[LAYERED_NODES];
    enum sor_err err;
    size_t n;

    s->n_drawn = 0;
    for (int i = 0; i < s->n_edge; i++)
        if (is_shown(s, &s->edge[i])) {
            edge[s->n_drawn] = (struct layered_edge){ s->edge[i].from,
                                                      s->edge[i].to };
            s->of[s->n_drawn++] = i;
        }
    for (int i = 0; i < s->n_node; i++)
        width[i] = text_width(s->node[i].label, strlen(s->node[i].label)) + 2;
    layered_free(&s->g);
    err = layered_make(&s->g, s->n_node, width, edge, s->n_drawn);
    if (err)
        return sor_fail(msg, err, "This graph is too large to draw; e shows "
                        "one kind of edge.");
    mem_free(s->mask);
    mem_free(s->own);
    n = (size_t)s->g.rows * (size_t)s->g.cols + 1;
    s->mask = mem_calloc(n, 1);
    s->own = mem_calloc(n, 1);
    if (!s->mask || !s->own)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (s->cur >= s->n_node || s->cur < 0 || s->g.at[s->cur] < 0) {
        s->cur = -1;
        for (int i = 0; i < s->n_node && s->cur < 0; i++)
            if (s->g.at[i] >= 0)
                s->cur = i;
    }
    return SOR_OK;
}

static void say_cut(struct graph *s)
{
    if (s->cut)
        tui_say(s->v.t, "Only a part is drawn: the first %d nodes, %d edges.",
                s->n_node, s->n_edge);
}

static enum sor_err graph_open(struct view *v, struct sor_msg *msg)
{
    struct graph *s = (struct graph *)v;
    enum sor_err err;

    s->shown = -1;
    s->cur = -1;
    err = read_edges(s, msg);
    for (int i = 0; i < s->n_node && v->at.pos >= 0 && !err; i++)
        if (s->node[i].place == v->at.pos && !strcmp(s->node[i].kind, "clause"))
            s->cur = i;
    for (int i = 0; i < s->n_node && v->at.path_id > 0 && !err; i++)
        if (s->node[i].place == v->at.step)
            s->cur = i;
    if (!err)
        err = lay_out(s, msg);
    say_cut(s);
    return err;
}

static void graph_close(struct view *v)
{
    struct graph *s = (struct graph *)v;

    layered_free(&s->g);
    mem_free(s->mask);
    mem_free(s->own);
}

static void again(struct graph *s, int read)
{
    struct sor_msg msg = { "" };
    enum sor_err err = read ? read_edges(s, &msg) : SOR_OK;

    if (!err)
        err = lay_out(s, &msg);
    if (err)
        tui_say(s->v.t, "%s", msg.text);
}

static void reload(struct view *v)
{
    again((struct graph *)v, 1);
}

static void crumb(const struct view *v, struct str *out)
{
    const struct graph *s = (const struct graph *)v;

    str_puts(out, v->at.path_id > 0 ? "graph of steps" : "logic");
    if (s->shown >= 0)
        str_printf(out, ": %s", s->kind[s->shown]);
}

/* ---- drawing ------------------------------------------------------------- */

static const char *line_glyph(int bits, int ascii)
{
    static const char *const lines[16] = {
        " ", "\u2575", "\u2576", "\u2514", "\u2577", "\u2502", "\u250c",
        "\u251c", "\u2574", "\u2518", "\u2500", "\u2534", "\u2510", "\u2524",
        "\u252c", "\u253c" };
    static const char *const plain[16] = { " ", "|", "-", "+", "|", "|", "+",
                                           "+", "-", "+", "-", "+", "+", "+",
                                           "+", "+" };

    return ascii ? plain[bits & 15] : lines[bits & 15];
}

static int touches(void *ud, int drawn)
{
    const struct graph *s = ud;
    const struct edge *e = &s->edge[s->of[drawn]];

    return e->from == s->cur || e->to == s->cur;
}

/* Keeps the node of the cursor in the pane, with some of its surroundings. */
static void pan(struct graph *s, struct rect r)
{
    const struct layered_spot *at;
    int margin = r.cols / 6;

    if (s->cur < 0)
        return;
    at = &s->g.spot[s->g.at[s->cur]];
    if (at->row < s->top + 2)
        s->top = at->row - 2;
    if (at->row > s->top + r.rows - 3)
        s->top = at->row - r.rows + 3;
    if (at->col < s->left + margin)
        s->left = at->col - margin;
    if (at->col + at->width > s->left + r.cols - margin)
        s->left = at->col + at->width - r.cols + margin;
    if (s->left > s->g.cols - r.cols)
        s->left = s->g.cols - r.cols;
    if (s->top > s->g.rows - r.rows)
        s->top = s->g.rows - r.rows;
    if (s->left < 0)
        s->left = 0;
    if (s->top < 0)
        s->top = 0;
}

static void draw_lines(const struct graph *s, struct grid *g, struct rect r)
{
    for (int row = 0; row < r.rows; row++)
        for (int col = 0; col < r.cols; col++) {
            int y = s->top + row, x = s->left + col, i = y * s->g.cols + x;
            struct pen p = { g, r.row + row, r.col + col, r.col + col + 1, 0 };

            if (y >= s->g.rows || x >= s->g.cols || !s->mask[i])
                continue;
            p.style = s->own[i] ? ROLE_ACCENT : ROLE_FAINT;
            if (g->ascii)
                pen_put(&p, line_glyph(s->mask[i], 1), 1);
            else
                pen_str(&p, line_glyph(s->mask[i], 0));
        }
}

/* An arrow where an edge ends: before its target, or, of one that was turned
 * round, behind it. */
static void draw_arrows(const struct graph *s, struct grid *g, struct rect r)
{
    for (int i = 0; i < s->g.n_link; i++) {
        const struct layered_link *l = &s->g.link[i];
        const struct layered_spot *a = &s->g.spot[l->from],
                                  *b = &s->g.spot[l->to];
        int row = (l->turned ? a->row : b->row) - s->top;
        int col = (l->turned ? a->col + a->width : b->col - 1) - s->left;
        struct pen p = { g, r.row + row, r.col + col, r.col + r.cols, 0 };

        if ((l->turned ? a->node : b->node) < 0 || row < 0 || row >= r.rows ||
            col < 0 || col >= r.cols)
            continue;
        p.style = touches((void *)(uintptr_t)s, l->edge) ? ROLE_ACCENT
                                                         : ROLE_DIM;
        pen_glyph(&p, l->turned ? GLYPH_FROM : GLYPH_TO);
    }
}

static unsigned role_of(const struct node *n)
{
    return strcmp(n->kind, "clause") == 0 ? ROLE_STRONG
         : strcmp(n->kind, "term") == 0 ? ROLE_HEAD
         : strcmp(n->kind, "claim") == 0 ? ROLE_WARN
         : strcmp(n->kind, "step") == 0 ? ROLE_STRONG
         : strcmp(n->kind, "dangling") == 0 ? ROLE_BAD : ROLE_DIM;
}

static void draw_nodes(const struct graph *s, struct grid *g, struct rect r)
{
    for (int i = 0; i < s->n_node; i++) {
        const struct layered_spot *at;
        int row, col;

        if (s->g.at[i] < 0)
            continue;
        at = &s->g.spot[s->g.at[i]];
        row = at->row - s->top;
        col = at->col - s->left;
        if (row < 0 || row >= r.rows || col < 0 || col >= r.cols)
            continue;                   /* one cut off at the left is lines */
        struct pen p = { g, r.row + row, r.col + col, r.col + r.cols,
                         role_of(&s->node[i]) };
        if (i == s->cur)
            p.style |= CELL_REVERSE | CELL_BOLD;
        if (p.end > r.col + col + at->width)
            p.end = r.col + col + at->width;
        pen_gap(&p, 1);
        pen_str(&p, s->node[i].label);
        pen_gap(&p, pen_room(&p));
    }
}

static void draw(struct view *v, struct grid *g, struct rect r)
{
    struct graph *s = (struct graph *)v;
    struct rect body = { r.row, r.col, r.rows - 1, r.cols };
    struct pen p = pen_in(g, r, r.rows - 1, ROLE_DIM);

    if (s->cur < 0) {
        p = pen_in(g, r, r.rows / 3, ROLE_STRONG);
        pen_gap(&p, 2);
        pen_str(&p, s->n_edge ? "No edge of this kind." : "No edges are "
                "recorded here.");
        return;
    }
    pan(s, body);
    layered_lines(&s->g, s->mask, s->own, touches, s);
    draw_lines(s, g, body);
    draw_arrows(s, g, body);
    draw_nodes(s, g, body);
    pen_fmt(&p, "  %s: %d of %d edges, %d layers",
            s->shown >= 0 ? s->kind[s->shown]
            : s->n_drawn < s->n_edge ? "all kinds but uses" : "all kinds",
            s->n_drawn, s->n_edge, s->g.n_layer);
}

/* ---- the other pane ------------------------------------------------------ */

static struct db_addr node_addr(const struct graph *s, const struct node *n,
                                const struct view_ops **to)
{
    struct db_addr at = s->v.at;

    *to = NULL;
    if (n->place < 0)
        return at;
    if (strcmp(n->kind, "step") == 0) {
        *to = &view_steps;
        at.step = n->place;
        at.pos = -1;
    } else if (strcmp(n->kind, "claim") == 0) {
        *to = &view_claims;
        at = addr_item(at.run_id, n->place);
    } else {
        *to = &view_document;
        at = addr_place(at.run_id, n->place);
    }
    return at;
}

static void one_edge(const struct graph *s, const struct edge *e, struct doc *d)
{
    int out = e->from == s->cur;
    const struct node *n = &s->node[out ? e->to : e->from];
    struct pen p = doc_line(d, 0, ROLE_DIM);
    const struct view_ops *to;
    struct db_addr at = node_addr(s, n, &to);

    pen_glyph(&p, out ? GLYPH_TO : GLYPH_FROM);
    pen_fmt(&p, " %-14s ", s->kind[e->kind]);
    p.style = role_of(n);
    pen_str(&p, n->label);
    if (to)
        doc_goes(d, to, at);
    if (e->quote[0])
        doc_text(d, 4, ROLE_DIM, e->quote, strlen(e->quote));
}

static void detail(struct view *v, struct doc *d)
{
    const struct graph *s = (const struct graph *)v;
    const struct node *n;
    const struct view_ops *to;
    struct db_addr at;

    if (s->cur < 0)
        return;
    n = &s->node[s->cur];
    at = node_addr(s, n, &to);
    struct pen p = doc_line(d, 0, ROLE_STRONG);
    pen_fmt(&p, "%s %s", n->kind, n->label);
    if (to)
        doc_goes(d, to, at);
    doc_head(d, "Its edges, and the words that say so");
    for (int i = 0; i < s->n_edge; i++)
        if ((s->edge[i].from == s->cur || s->edge[i].to == s->cur) &&
            is_shown(s, &s->edge[i]))
            one_edge(s, &s->edge[i], d);
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "what the node stands for", "open" },
    { 'e', CMD_KIND, "edges of the next kind, then all", "kind" },
    { 'h', CMD_LEFT, "along an edge to the left", NULL },
    { TK_LEFT, CMD_LEFT, NULL, NULL },
    { 'l', CMD_RIGHT, "along an edge to the right", "follow" },
    { TK_RIGHT, CMD_RIGHT, NULL, NULL },
    { '<', CMD_BACK, "back to the view before", "back" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Graph", defs };

/* The node nearest in row: by way of an edge, else in the layer beside. */
static void sideways(struct graph *s, int by)
{
    const struct layered_spot *at = &s->g.spot[s->g.at[s->cur]];
    int best = -1, best_cost = 0;

    for (int i = 0; i < s->n_node; i++) {
        const struct layered_spot *x;
        int cost, tied = 0;

        if (s->g.at[i] < 0 || i == s->cur)
            continue;
        x = &s->g.spot[s->g.at[i]];
        if (by > 0 ? x->layer <= at->layer : x->layer >= at->layer)
            continue;
        for (int k = 0; k < s->n_drawn; k++) {
            const struct edge *e = &s->edge[s->of[k]];
            tied |= (e->from == s->cur && e->to == i) ||
                    (e->to == s->cur && e->from == i);
        }
        cost = (x->row > at->row ? x->row - at->row : at->row - x->row) +
               (tied ? 0 : 100000) + 10 * by * (x->layer - at->layer);
        if (best < 0 || cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    if (best >= 0)
        s->cur = best;
}

/* The next node of the layer, n of them on. */
static void along(struct graph *s, int n)
{
    int by = n < 0 ? -1 : 1;

    for (; n; n -= by) {
        const struct layered_spot *at = &s->g.spot[s->g.at[s->cur]];
        int best = -1;

        for (int i = 0; i < s->n_node; i++) {
            const struct layered_spot *x = s->g.at[i] < 0 ? NULL
                                         : &s->g.spot[s->g.at[i]];
            if (x && x->layer == at->layer && (x->row - at->row) * by > 0 &&
                (best < 0 ||
                 (x->row - s->g.spot[s->g.at[best]].row) * by < 0))
                best = i;
        }
        if (best < 0)
            return;
        s->cur = best;
    }
}

static void enter(struct view *v)
{
    const struct graph *s = (const struct graph *)v;
    const struct view_ops *to = NULL;
    struct db_addr at = v->at;

    if (s->cur >= 0)
        at = node_addr(s, &s->node[s->cur], &to);
    if (to)
        tui_push(v->t, to, at);
    else
        tui_say(v->t, "That is a name without a place of its own.");
}

static int cmd(struct view *v, enum tui_cmd c)
{
    enum { PAGE = 8, ALL = 10000 };
    struct graph *s = (struct graph *)v;

    if (c == CMD_KIND) {
        s->shown = s->shown + 1 < s->n_kind ? s->shown + 1 : -1;
        again(s, 0);
        return 1;
    }
    if (c == CMD_OPEN) {
        enter(v);
        return 1;
    }
    if (s->cur < 0)
        return 0;
    switch (c) {
    case CMD_LEFT:      sideways(s, -1); return 1;
    case CMD_RIGHT:     sideways(s, 1); return 1;
    case CMD_UP:        along(s, -1); return 1;
    case CMD_DOWN:      along(s, 1); return 1;
    case CMD_PAGE_UP:
    case CMD_HALF_UP:   along(s, -PAGE); return 1;
    case CMD_PAGE_DOWN:
    case CMD_HALF_DOWN: along(s, PAGE); return 1;
    case CMD_FIRST:     along(s, -ALL); return 1;
    case CMD_LAST:      along(s, ALL); return 1;
    default:            return 0;
    }
}

const struct view_ops view_graph = {
    .name = "graph", .what = "clauses, terms and claims, or steps, as a graph",
    .size = sizeof(struct graph), .keys = &keys,
    .open = graph_open, .close = graph_close, .reload = reload,
    .crumb = crumb, .draw = draw, .detail = detail, .enter = enter, .cmd = cmd
};
