/* tui/view_steps.c - one path as its chain of steps.  A step unfolds into its
 * whole text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/related.h"
#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/fold.h"
#include "tui/view.h"

enum { NEAR_SHOWN = 12, TEXT_COLUMN = 9, TEXT_LEAST = 20, LINES_MAX = 5000 };
enum { C_STEP, C_ROLE, C_ORIGIN, C_MEAN, C_BAR, C_LOW, C_TOKENS, C_TEXT };

static const struct col cols[] = {
    { "Step", 5, COL_RIGHT, 0 },   { "Role", 9, 0, 0 },
    { "Origin", 9, 0, 96 },        { "Mean p", 6, COL_RIGHT, 0 },
    { "", 8, 0, 0 },               { "Lowest", 6, COL_RIGHT, 72 },
    { "Tokens", 6, COL_RIGHT, 110 }, { "Text", 0, COL_FLEX, 0 },
    { NULL, 0, 0, 0 }
};

struct row {
    int64_t id;
    int ordinal, tok_from, tok_to, min_pos;
    double mean, low;
    const char *role, *origin, *text, *answer;
    const char *line;           /* of its text, below it; NULL: the step */
    size_t line_bytes;
    int open;                   /* its text stands below it */
};

struct steps {
    struct view v;
    struct fold fold;
    int wrap;                   /* columns that texts are unfolded to */
    struct row row[LIST_WINDOW];
};

static void load(struct view *v)
{
    struct steps *s = (struct steps *)v;
    struct fold_row at = fold_at(&s->fold, v->list.cur);
    struct db_path p;

    fold_items(&s->fold, db_get_path(tui_db(v->t), v->at.path_id, &p) == 1
                             ? p.n_step : 0);
    v->list.n = fold_rows(&s->fold);
    if (at.item > 0 && at.item < s->fold.n)
        v->list.cur = fold_find(&s->fold, at);
}

static void steps_close(struct view *v)
{
    fold_release(&((struct steps *)v)->fold);
}

static enum sor_err steps_open(struct view *v, struct sor_msg *msg)
{
    (void)msg;
    load(v);
    if (v->at.step > 0)
        list_goto(v, v->at.step);
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    str_printf(out, "path %d", v->at.path);
}

/* The line of a text that begins at *from, which goes on behind it. */
static size_t take_line(const struct steps *s, const char *text, size_t *from)
{
    size_t n = fmt_line(text + *from, strlen(text + *from), s->wrap);

    *from += n;
    return n;
}

static int count_lines(struct view *v, int item)
{
    struct steps *s = (struct steps *)v;
    struct db_cur *c = db_steps(tui_db(v->t), v->at.path_id,
                                (struct db_window){ item, 1, 0 });
    struct db_step in;
    size_t at = 0;
    int n = 0;

    if (db_step_next(c, &in) == 1 && in.text)
        for (; in.text[at] && n < LINES_MAX; n++)
            take_line(s, in.text, &at);
    tui_end(v->t, c);
    return n;
}

/* Where the pane is of another width than texts were unfolded to. */
static void wrap(struct view *v)
{
    struct steps *s = (struct steps *)v;
    int room = v->pane.cols - TEXT_COLUMN - 1;

    room = room > TEXT_LEAST ? room : TEXT_LEAST;
    if (room == s->wrap)
        return;
    s->wrap = room;
    fold_recount(&s->fold, v, count_lines);
}

/* Fills rows from s->row[got] on with a step, or from *at on with the lines of
 * its text, as far as it is unfolded; returns how many are full now. */
static int put_rows(struct steps *s, struct row *step, struct fold_row *at,
                    int got, int n)
{
    const char *text = step->text ? step->text : "";
    int item = at->item;
    size_t from = 0;

    step->open = fold_open(&s->fold, *at);
    for (int k = 0; k < at->child && text[from]; k++)
        take_line(s, text, &from);
    for (; got < n && at->item == item; *at = fold_next(&s->fold, *at)) {
        step->line = at->child >= 0 ? text + from : NULL;
        step->line_bytes = step->line && text[from]
                               ? take_line(s, text, &from) : 0;
        s->row[got++] = *step;
    }
    return got;
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct steps *s = (struct steps *)v;
    struct fold_row at;
    struct db_cur *c;
    struct db_step in;
    int got = 0;

    wrap(v);
    at = fold_at(&s->fold, from);
    c = db_steps(tui_db(v->t), v->at.path_id,
                 (struct db_window){ at.item, n, 0 });
    while (got < n && db_step_next(c, &in) == 1) {
        struct row step = {
            in.id, in.ordinal, in.tok_from, in.tok_to, in.min_pos,
            in.logprob_mean, in.logprob_min, pool_str(&v->pool, in.role),
            pool_str(&v->pool, in.origin),
            in.text ? pool_str(&v->pool, in.text) : NULL,
            in.answer ? pool_str(&v->pool, in.answer) : NULL, NULL, 0, 0 };

        got = put_rows(s, &step, &at, got, n);
    }
    tui_end(v->t, c);
    return got;
}

static const struct row *here(struct view *v)
{
    return &((struct steps *)v)->row[list_here(v)];
}

static struct db_addr place(struct view *v)
{
    struct db_addr at = v->at;

    if (list_here(v) >= 0)
        at.step = here(v)->ordinal;
    return at;
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct row *r = &((struct steps *)v)->row[i];
    char buf[32];

    if (r->line) {
        if (col != C_ROLE)
            return;
        p->end = v->pane.col + v->pane.cols - 1;
        pen_line(p, r->line, r->line_bytes);
        return;
    }
    switch (col) {
    case C_STEP:
        pen_fmt(p, "%d", r->ordinal);
        break;
    case C_ROLE:
        p->style = ROLE_ACCENT;
        pen_str(p, r->role);
        break;
    case C_ORIGIN:
        p->style = ROLE_DIM;
        pen_str(p, r->origin);
        break;
    case C_MEAN:
    case C_LOW:
        fmt_prob(buf, sizeof buf, col == C_MEAN ? r->mean : r->low);
        if (col == C_LOW)
            p->style = (unsigned)(ROLE_INK + fmt_surprise(r->low));
        pen_str(p, buf);
        break;
    case C_BAR:
        p->style = ROLE_BAR;
        if (!isnan(r->mean))
            pen_bar(p, exp(r->mean), pen_room(p));
        break;
    case C_TOKENS:
        pen_fmt(p, "%d", r->tok_to - r->tok_from);
        break;
    case C_TEXT:
        if (r->open)
            break;
        p->style = r->text ? ROLE_TEXT : ROLE_FAINT;
        if (r->text)
            pen_line(p, r->text, strlen(r->text));
        else
            pen_str(p, "(forgotten)");
        break;
    }
}

/* ---- the other pane ------------------------------------------------------- */

static void one_near(const struct view *v, const struct db_near *e,
                     struct doc *d)
{
    struct db_addr at = addr_run(v->at.run_id);
    struct pen p = doc_line(d, 0, ROLE_DIM);
    char name[32];

    pen_glyph(&p, e->incoming ? GLYPH_FROM : GLYPH_TO);
    pen_gap(&p, 1);
    p.style = ROLE_TEXT;
    pen_str(&p, e->kind);
    pen_to(&p, 13);
    if (e->step >= 0 && e->path == v->at.path)
        snprintf(name, sizeof name, "step %d", e->step);
    else if (e->step >= 0)
        snprintf(name, sizeof name, "%d:%d", e->path, e->step);
    else
        snprintf(name, sizeof name, "%s", e->other_kind);
    p.style = ROLE_ACCENT;
    pen_str(&p, name);
    pen_gap(&p, 1);
    pen_to(&p, 23);
    p.style = ROLE_BAR;
    pen_bar(&p, e->weight, 6);
    p.style = ROLE_DIM;
    pen_fmt(&p, " %.2f %s", e->weight, e->measured);
    if (e->note[0]) {
        pen_str(&p, "  ");
        pen_line(&p, e->note, strlen(e->note));
    }
    if (e->step >= 0) {
        at.path_id = e->path_id;
        at.path = e->path;
        at.step = e->step;
        doc_goes(d, &view_steps, at);
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct row *r = here(v);
    struct db_addr at = v->at;
    struct db_near near[NEAR_SHOWN];
    int n = db_near(tui_db(v->t), "step", r->id, near, NEAR_SHOWN);
    char low[24];

    if (r->text)
        doc_text(d, 0, ROLE_TEXT, r->text, strlen(r->text));
    doc_gap(d);
    if (r->answer)
        doc_fact(d, "states", "%s", r->answer);
    if (r->min_pos >= 0) {
        fmt_prob(low, sizeof low, r->low);
        doc_fact(d, "least likely", "token %d, probability %s", r->min_pos,
                 low);
        at.pos = r->min_pos;
        doc_goes(d, &view_tokens, at);
    }
    doc_fact(d, "tokens", "%d to %d", r->tok_from, r->tok_to - 1);
    doc_fact(d, "origin", "%s", r->origin);
    if (n > 0)
        doc_head(d, "Tied to");
    for (int i = 0; i < n; i++)
        one_near(v, &near[i], d);
    if (n == NEAR_SHOWN)
        doc_say(d, 0, ROLE_DIM, "the heaviest; e lists them all");
}

/* ---- keys ----------------------------------------------------------------- */

static const struct key_def defs[] = {
    { '+', CMD_UNFOLD, "unfold a step: its whole text", NULL },
    { '-', CMD_FOLD, "fold it", NULL },
    { '*', CMD_FOLD_ALL, "unfold every step, to read on; and fold them",
      "text" },
    { 't', CMD_TOKENS, "tokens of this step", "tokens" },
    { 'e', CMD_EDGES, "edges of this step", "edges" },
    { 'v', CMD_HEAT, "map of its tokens and layers", "map" },
    { 'd', CMD_DEPENDS, "which steps the conclusion depends on", "depends" },
    { 'w', CMD_GRAPH, "the steps as a graph", "graph" },
    { 'B', CMD_FORK, "branch off here: another path from this step",
      "branch" },
    { 'E', CMD_EDIT, "edit the step in $EDITOR and branch off with that",
      "edit" },
    { 'A', CMD_ABLATE, "remove each step in turn and see what follows", NULL },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Steps", defs };

static void go(struct view *v, const struct view_ops *to)
{
    struct db_addr at = v->at;
    int i = list_here(v);

    at.pos = -1;
    if (i >= 0) {
        at.step_id = here(v)->id;
        at.step = here(v)->ordinal;
        at.pos = here(v)->tok_from;
    } else if (to == &view_edges) {
        return;
    }
    tui_push(v->t, to, at);
}

static void enter(struct view *v)
{
    go(v, &view_tokens);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    if (fold_cmd(&((struct steps *)v)->fold, v, c, count_lines))
        return 1;
    switch (c) {
    case CMD_TOKENS: go(v, &view_tokens); return 1;
    case CMD_EDGES:  go(v, &view_edges); return 1;
    case CMD_HEAT:   go(v, &view_heat); return 1;
    case CMD_DEPENDS: go(v, &view_depends); return 1;
    case CMD_GRAPH:  go(v, &view_graph); return 1;
    case CMD_FORK:
    case CMD_EDIT:
    case CMD_ABLATE:
        if (list_here(v) >= 0) {
            struct db_addr at = v->at;
            at.step = here(v)->ordinal;
            at.pos = -1;
            return act_at(v, c, at);
        }
        return 1;
    default:         return 0;
    }
}

const struct view_ops view_steps = {
    .name = "steps", .what = "one path as its chain of steps",
    .size = sizeof(struct steps), .keys = &keys, .cols = cols,
    .empty = "No steps: a path is cut into steps when it ends.\n"
             "t opens its tokens.",
    .open = steps_open, .close = steps_close, .reload = load, .crumb = crumb,
    .here = place, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter, .cmd = cmd
};
