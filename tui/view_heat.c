/* tui/view_heat.c - a map of tokens (down) by layers (across): each cell one
 * measure, as heat. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/pack.h"
#include "tui/fmt.h"
#include "tui/token.h"
#include "tui/view.h"

enum { PIECE_COLUMNS = 10, LEGEND_CELLS = 24 };

static double norm_out(const struct pack_layer *l) { return l->norm_out; }
static double entropy(const struct pack_layer *l) { return l->attn_entropy; }
static double blocks(const struct pack_layer *l) { return l->blocks_read; }
static double time_us(const struct pack_layer *l) { return l->time_us; }
static double mode(const struct pack_layer *l)
{
    return l->skipped ? 3 : l->mode < 3 ? l->mode : 2;
}
static double change(const struct pack_layer *l)
{
    return l->norm_in > 0 ? fabs(l->norm_out / l->norm_in - 1.0) : NAN;
}

/* Values that are no quantities: each has a letter, a colour, a name. */
static const struct kind { char letter[2]; unsigned role; const char *name; }
modes[] = {
    { "s", ROLE_WARN, "sparse" },   { "h", ROLE_ACCENT, "hybrid" },
    { "F", ROLE_TEXT, "full" },     { "-", ROLE_DIM, "left out after an exit" },
};
enum { MODES = sizeof modes / sizeof *modes };

static const struct measure {
    const char *name, *unit;
    double (*of)(const struct pack_layer *l);
    int log;                    /* its scale: a step is a factor */
    double fixed;               /* top of a scale that is known; 0: as seen */
    const struct kind *kind;    /* [fixed + 1]; NULL: a quantity */
} measures[] = {
    { "residual norm out", "", norm_out, 1, 0, NULL },
    { "change of the norm", "share", change, 0, 0, NULL },
    { "attention entropy", "nats", entropy, 0, 0, NULL },
    { "KV blocks read", "blocks", blocks, 0, 0, NULL },
    { "time", "us", time_us, 1, 0, NULL },
    { "mode", "", mode, 0, MODES - 1, modes },
};
enum { MEASURES = sizeof measures / sizeof *measures };

struct row {
    int pos, piece_n;
    const char *piece;
    struct db_blob layers;
};

struct heat {
    struct view v;
    int measure, layer, first, n_layer;     /* first: leftmost layer shown */
    int pos_columns;
    double low[MEASURES], high[MEASURES];   /* seen so far; only widens */
    struct row row[LIST_WINDOW];
};

static void load(struct view *v)
{
    struct heat *s = (struct heat *)v;

    s->pos_columns = 3;
    v->list.n = db_path_len(tui_db(v->t), v->at.path_id);
    for (int64_t n = v->list.n; n > 1000; n /= 10)
        s->pos_columns++;
}

static enum sor_err heat_open(struct view *v, struct sor_msg *msg)
{
    struct heat *s = (struct heat *)v;
    struct db_run run;

    (void)msg;
    load(v);
    if (v->at.pos < 0 && db_get_run(tui_db(v->t), v->at.run_id, &run) == 1)
        v->at.pos = run.n_prompt;
    list_goto(v, v->at.pos);
    for (int i = 0; i < MEASURES; i++) {
        s->low[i] = measures[i].fixed > 0 ? 0 : INFINITY;
        s->high[i] = measures[i].fixed > 0 ? measures[i].fixed : -INFINITY;
    }
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    str_printf(out, "path %d map", v->at.path);
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct heat *s = (struct heat *)v;
    struct db_window w = { from, n, 0 };
    struct db_cur *c = db_tokens(tui_db(v->t), v->at.path_id, w);
    struct db_token in;
    int got = 0;

    while (got < n && db_token_next(c, &in) == 1) {
        struct pack_layers_header head;
        s->row[got++] = (struct row){
            in.pos, (int)in.text.n,
            in.text.p ? pool_dup(&v->pool, in.text.p, in.text.n) : NULL,
            { pool_bytes(&v->pool, in.layers.p, in.layers.n), in.layers.n } };
        if (in.layers.n && unpack_layers_header(in.layers.p, in.layers.n,
                                                &head) == 0 &&
            head.n_layer > s->n_layer)
            s->n_layer = head.n_layer;
    }
    tui_end(v->t, c);
    return got;
}

/* ---- the scale ------------------------------------------------------------ */

static double value(const struct heat *s, const struct row *r, int layer)
{
    struct pack_layer l;

    if (!r->layers.p || unpack_layer(r->layers.p, r->layers.n, layer, &l))
        return NAN;
    return measures[s->measure].of(&l);
}

static void widen(struct heat *s, const struct row *r)
{
    for (int l = 0; l < s->n_layer; l++) {
        double x = value(s, r, l);
        if (isnan(x))
            continue;
        s->low[s->measure] = fmin(s->low[s->measure], x);
        s->high[s->measure] = fmax(s->high[s->measure], x);
    }
}

static double share(const struct heat *s, double x)
{
    double low = s->low[s->measure], high = s->high[s->measure];

    if (measures[s->measure].log && low > 0) {
        x = log(x);
        low = log(low);
        high = log(high);
    }
    return high > low ? (x - low) / (high - low) : 0;
}

/* ---- drawing -------------------------------------------------------------- */

struct layout { int wide, n; };     /* columns of a cell; layers shown */

/* Columns before the first cell: margin, position, piece and gaps. */
static int left(const struct heat *s)
{
    return 2 + s->pos_columns + 2 + PIECE_COLUMNS + 1;
}

static struct layout lay_out(struct heat *s, int cols)
{
    int room = cols - left(s) - 1;
    struct layout l = { s->n_layer * 3 <= room ? 3
                      : s->n_layer * 2 <= room ? 2 : 1, s->n_layer };

    if (l.n * l.wide > room)
        l.n = room / l.wide;
    if (s->layer >= s->n_layer)
        s->layer = s->n_layer ? s->n_layer - 1 : 0;
    if (s->first > s->layer)
        s->first = s->layer;
    if (s->first + l.n <= s->layer)
        s->first = s->layer - l.n + 1;
    return l;
}

/* The numbers of the layers, as many as fit. */
static void draw_head(const struct heat *s, struct grid *g, struct rect r,
                      struct layout l)
{
    struct pen p = pen_in(g, r, 0, ROLE_HEAD);
    char num[16];

    pen_gap(&p, 2);
    pen_fmt(&p, "%*s  Token", s->pos_columns, "Pos");
    p.col = r.col + left(s);
    for (int i = 0; i < l.n; i++) {
        int layer = s->first + i, at = r.col + left(s) + i * l.wide;
        int len = snprintf(num, sizeof num, "%d", layer);
        int every = l.wide * 5 > 6 ? 5 : 10;
        if (layer == s->layer || (layer % every == 0 && p.col <= at &&
                                  (at + len < r.col + left(s) + (s->layer -
                                   s->first) * l.wide || layer > s->layer))) {
            p.col = at;
            p.style = layer == s->layer ? ROLE_STRONG : ROLE_HEAD;
            pen_str(&p, num);
            p.col++;
        }
    }
}

static void draw_kind(const struct kind *k, struct pen *p, int wide)
{
    p->style = k->role | CELL_REVERSE;
    for (int i = 0; i < wide; i++)
        pen_str(p, k->letter);
    p->style = ROLE_TEXT;
}

static void draw_cell(const struct heat *s, struct pen *p, double x, int wide,
                      int cursor)
{
    if (isnan(x)) {
        p->style = ROLE_FAINT;
        for (int i = 0; i < wide; i++)
            pen_glyph(p, cursor ? GLYPH_FULL : GLYPH_DOT);
        return;
    }
    if (measures[s->measure].kind)
        draw_kind(&measures[s->measure].kind[(int)x], p, wide);
    else
        pen_heat(p, share(s, x), wide, tui_shade(s->v.t));
    if (cursor) {
        struct cell *c = grid_at(p->g, p->row, p->col - wide);
        struct cell *e = grid_at(p->g, p->row, p->col - 1);
        if (c && e && wide > 1) {
            c->ch[0] = '[';
            e->ch[0] = ']';
            c->ch[1] = e->ch[1] = '\0';
        } else if (c) {
            c->ch[0] = '+';
            c->ch[1] = '\0';
        }
        grid_mark(p->g, (struct rect){ p->row, p->col - wide, 1, wide },
                  CELL_BOLD);
    }
}

static void draw_row(const struct heat *s, struct grid *g, struct rect line,
                     const struct row *r, struct layout l)
{
    int here = r->pos == (int)s->v.list.cur;
    struct pen p = pen_in(g, line, 0, ROLE_ACCENT);
    int end = p.end;

    if (here)
        pen_glyph(&p, GLYPH_CURSOR);
    pen_to(&p, line.col + 2);
    p.style = ROLE_DIM;
    pen_fmt(&p, "%*d  ", s->pos_columns, r->pos);
    p.style = ROLE_TEXT;
    p.end = p.col + PIECE_COLUMNS;
    if (r->piece)
        pen_piece(&p, r->piece, (size_t)r->piece_n);
    p.end = end;
    if (here)
        grid_mark(g, (struct rect){ line.row, line.col, 1, left(s) - 1 },
                  CELL_SELECT);
    p.col = line.col + left(s);
    for (int i = 0; i < l.n; i++) {
        int layer = s->first + i;
        draw_cell(s, &p, value(s, r, layer), l.wide,
                  here && layer == s->layer);
    }
}

/* The value under the cursor, in words. */
static void said(const struct heat *s, struct grid *g, struct rect line)
{
    struct pen p = pen_in(g, line, 0, ROLE_TEXT);
    int64_t i = s->v.list.cur - s->v.list.from;
    const struct measure *m = &measures[s->measure];
    double x;
    char at[24];

    if (i < 0 || i >= s->v.list.have || s->n_layer == 0)
        return;
    x = value(s, &s->row[i], s->layer);
    fmt_num(at, sizeof at, x);
    pen_gap(&p, 2);
    pen_fmt(&p, "token %d, layer %d: ", s->row[i].pos, s->layer);
    p.style = ROLE_STRONG;
    if (m->kind && !isnan(x))
        pen_str(&p, m->kind[(int)x].name);
    else
        pen_fmt(&p, "%s %s", at, m->unit);
}

/* What the heat means: name, low end, the scale, high end. */
static void legend(const struct heat *s, struct grid *g, struct rect line)
{
    const struct measure *m = &measures[s->measure];
    struct pen p = pen_in(g, line, 0, ROLE_HEAD);
    char low[24], high[24];

    pen_gap(&p, 2);
    pen_str(&p, m->name);
    pen_gap(&p, 2);
    p.style = ROLE_DIM;
    if (!(s->high[s->measure] >= s->low[s->measure])) {
        pen_str(&p, "not recorded for these tokens");
        return;
    }
    for (int k = 0; m->kind && k <= (int)m->fixed; k++) {
        draw_kind(&m->kind[k], &p, 1);
        pen_fmt(&p, " %s  ", m->kind[k].name);
    }
    if (m->kind)
        return;
    fmt_num(low, sizeof low, s->low[s->measure]);
    fmt_num(high, sizeof high, s->high[s->measure]);
    pen_fmt(&p, "%s ", low);
    for (int k = 0; k < LEGEND_CELLS; k++)
        pen_heat(&p, (double)k / (LEGEND_CELLS - 1), 1, tui_shade(s->v.t));
    pen_fmt(&p, " %s %s%s", high, m->unit, m->log ? " (log scale)" : "");
}

static void draw(struct view *v, struct grid *g, struct rect r)
{
    struct heat *s = (struct heat *)v;
    struct layout l;
    int rows = r.rows - 4;              /* heads, a gap, two lines below */

    v->pane = (struct rect){ r.row + 1, r.col, rows, r.cols };
    list_show(v, rows);
    l = lay_out(s, r.cols);
    draw_head(s, g, r, l);
    for (int pass = 0; pass < 2; pass++)        /* the scale, then the cells */
        for (int i = 0; i < rows; i++) {
            int64_t k = v->list.top + i - v->list.from;
            struct rect line = { r.row + 1 + i, r.col, 1, r.cols };
            if (k < 0 || k >= v->list.have)
                break;
            if (pass == 0)
                widen(s, &s->row[k]);
            else
                draw_row(s, g, line, &s->row[k], l);
        }
    said(s, g, (struct rect){ r.row + r.rows - 2, r.col, 1, r.cols });
    legend(s, g, (struct rect){ r.row + r.rows - 1, r.col, 1, r.cols });
}

/* ---- keys ----------------------------------------------------------------- */

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "all layers of this token", "layers" },
    { 's', CMD_STORY, "all that is known of this token", "story" },
    { 'c', CMD_MEASURE, "next measure", "measure" },
    { 'h', CMD_LEFT, "layer to the left", NULL },
    { TK_LEFT, CMD_LEFT, NULL, NULL },
    { 'l', CMD_RIGHT, "layer to the right", NULL },
    { TK_RIGHT, CMD_RIGHT, NULL, NULL },
    { '<', CMD_BACK, "back to the view before", "back" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Map", defs };

static void go(struct view *v, const struct view_ops *to)
{
    struct db_addr at = v->at;

    at.pos = ((struct heat *)v)->row[list_here(v)].pos;
    tui_push(v->t, to, at);
}

static void enter(struct view *v)
{
    go(v, &view_layers);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct heat *s = (struct heat *)v;

    if (c == CMD_STORY && list_here(v) >= 0)
        go(v, &view_story);
    else if (c == CMD_MEASURE)
        s->measure = (s->measure + 1) % MEASURES;
    else if (c == CMD_LEFT)
        s->layer -= s->layer > 0;
    else if (c == CMD_RIGHT)
        s->layer += s->layer + 1 < s->n_layer;
    else
        return 0;
    return 1;
}

static int64_t find(struct view *v, const char *needle, int64_t *from,
                    int reverse)
{
    return token_find(v->t, v->at.path_id, needle, from, reverse);
}

const struct view_ops view_heat = {
    .name = "map", .what = "tokens by layers, one measure at a time",
    .size = sizeof(struct heat), .keys = &keys,
    .open = heat_open, .reload = load, .crumb = crumb, .fetch = fetch,
    .draw = draw, .enter = enter, .cmd = cmd, .find = find
};
