/* tui/view_edges.c - what one step is tied to, and by what. */
#include <stdio.h>
#include <string.h>

#include "db/related.h"
#include "tui/fmt.h"
#include "tui/view.h"

enum { EDGES_MAX = LIST_WINDOW };
enum { C_WAY, C_KIND, C_OTHER, C_WEIGHT, C_BAR, C_HOW, C_NOTE };

static const struct col cols[] = {
    { "", 2, 0, 0 },                { "Edge", 10, 0, 0 },
    { "Other end", 12, 0, 0 },      { "Weight", 6, COL_RIGHT, 0 },
    { "", 10, 0, 0 },               { "Known by", 11, 0, 0 },
    { "Note", 0, COL_FLEX, 0 },     { NULL, 0, 0, 0 }
};

struct edges {
    struct view v;
    int n, window;
    struct db_near row[EDGES_MAX];
};

static void load(struct view *v)
{
    struct edges *s = (struct edges *)v;
    int n = db_near(tui_db(v->t), "step", v->at.step_id, s->row, EDGES_MAX);

    s->n = n > 0 ? n : 0;
    v->list.n = s->n;
    if (n < 0)
        tui_say(v->t, "The database cannot be read here.");
    else if (n == EDGES_MAX)
        tui_say(v->t, "Only the %d heaviest edges are shown.", EDGES_MAX);
}

static enum sor_err edges_open(struct view *v, struct sor_msg *msg)
{
    (void)msg;
    load(v);
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    str_printf(out, "step %d edges", v->at.step);
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct edges *s = (struct edges *)v;

    s->window = (int)from;
    return list_part(s->n, from, n);
}

static const struct db_near *row(struct view *v, int i)
{
    struct edges *s = (struct edges *)v;

    return &s->row[s->window + i];
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct db_near *e = row(v, i);

    switch (col) {
    case C_WAY:
        p->style = ROLE_DIM;
        pen_glyph(p, e->incoming ? GLYPH_FROM : GLYPH_TO);
        break;
    case C_KIND:
        pen_str(p, e->kind);
        break;
    case C_OTHER:
        p->style = ROLE_ACCENT;
        if (e->step >= 0 && e->path == v->at.path)
            pen_fmt(p, "step %d", e->step);
        else if (e->step >= 0)
            pen_fmt(p, "step %d:%d", e->path, e->step);
        else
            pen_str(p, e->other_kind);
        break;
    case C_WEIGHT:
        pen_fmt(p, "%.2f", e->weight);
        break;
    case C_BAR:
        p->style = ROLE_BAR;
        pen_bar(p, e->weight, pen_room(p));
        break;
    case C_HOW:
        p->style = strcmp(e->measured, "causal") ? ROLE_DIM : ROLE_GOOD;
        pen_str(p, e->measured);
        break;
    case C_NOTE:
        pen_line(p, e->note, strlen(e->note));
        break;
    }
}

static void read_text(struct view *v, int64_t path_id, int step,
                      const char *title, struct doc *d)
{
    struct db_window w = { step, 1, 0 };
    struct db_cur *c = db_steps(tui_db(v->t), path_id, w);
    struct db_step in;

    doc_head(d, title);
    if (db_step_next(c, &in) == 1 && in.ordinal == step && in.text)
        doc_text(d, 0, ROLE_TEXT, in.text, strlen(in.text));
    tui_end(v->t, c);
}

static void detail(struct view *v, struct doc *d)
{
    const struct db_near *e = row(v, list_here(v));

    if (strcmp(e->measured, "correlation") == 0)
        doc_say(d, 0, ROLE_WARN, "Attention mass: correlation, not evidence.");
    read_text(v, v->at.path_id, v->at.step, "This step", d);
    if (e->step >= 0)
        read_text(v, e->path_id, e->step, "The other end", d);
}

static void enter(struct view *v)
{
    const struct db_near *e = row(v, list_here(v));
    struct db_addr at = addr_run(v->at.run_id);

    if (e->step < 0) {
        tui_push(v->t, &view_run, at);
        return;
    }
    at.path_id = e->path_id;
    at.path = e->path;
    at.step = e->step;
    tui_push(v->t, &view_steps, at);
}

const struct view_ops view_edges = {
    .name = "edges", .what = "what one step is tied to",
    .size = sizeof(struct edges), .cols = cols,
    .empty = "No edges: nothing ties this step to another.",
    .open = edges_open, .reload = load, .crumb = crumb, .fetch = fetch,
    .cell = cell, .detail = detail, .enter = enter
};
