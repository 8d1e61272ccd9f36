/* tui/view_layers.c - one token, layer by layer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/pack.h"
#include "tui/fmt.h"
#include "tui/price.h"
#include "tui/reply.h"
#include "tui/view.h"

enum { TOP_COLUMNS = 13, PIECE_COLUMNS = 10, HEADS_SHOWN = 64, BLOCK = 16 };
enum { C_LAYER, C_MODE, C_WHY, C_NORM, C_NORM_BAR, C_CHANGE, C_ENTROPY,
       C_ENTROPY_BAR, C_DENSE, C_BLOCKS, C_TIME, C_EXIT };

static const struct col cols[] = {
    { "Layer", 7, COL_RIGHT, 0 },   { "Mode", 6, 0, 0 },
    { "Why", 6, 0, 90 },            { "Norm", 7, COL_RIGHT, 0 },
    { "", 8, COL_FLEX, 0 },                { "Change", 8, COL_RIGHT, 0 },
    { "Entropy", 9, COL_RIGHT, 0 }, { "", 8, 0, 0 },
    { "Dense", 6, COL_RIGHT, 98 },
    { "Blocks", 8, COL_RIGHT, 76 }, { "us", 6, COL_RIGHT, 86 },
    { "Exit", 5, COL_RIGHT, 106 },  { NULL, 0, 0, 0 }
};

struct row { int layer; struct pack_layer l; };

struct layers {
    struct view v;
    struct row *all;            /* [n], in the order shown */
    int n, n_head, n_group;     /* n_group: of KV */
    double enough;              /* what --exit asked for; NaN: nothing */
    struct pack_layers_header head;
    char piece[24];
    int piece_n;
    uint8_t *heads;             /* the packed heads, or NULL */
    size_t heads_n;
    double max_norm, max_entropy;
    int window;                 /* first row of the window in all */
};

static const int sorts[] = { C_LAYER, C_NORM, C_CHANGE, C_ENTROPY, C_BLOCKS,
                             C_TIME };
enum { N_SORT = sizeof sorts / sizeof *sorts };

/* How much the layer changed the length of the residual: 0.25 is a quarter
 * longer.  NaN where it had none. */
static double change(const struct pack_layer *l)
{
    return l->norm_in > 0 ? l->norm_out / l->norm_in - 1.0 : NAN;
}

static double field(const struct row *r, int col)
{
    switch (col) {
    case C_NORM:    return r->l.norm_out;
    case C_CHANGE:  return change(&r->l);
    case C_ENTROPY: return r->l.attn_entropy;
    case C_BLOCKS:  return r->l.blocks_read;
    case C_TIME:    return r->l.time_us;
    default:        return r->layer;
    }
}

/* ---- reading -------------------------------------------------------------- */

static void take(struct layers *s, const struct db_token *t)
{
    const struct db_blob *b = &t->layers;

    s->piece_n = (int)(t->text.n < sizeof s->piece ? t->text.n
                                                   : sizeof s->piece);
    if (t->text.p)
        memcpy(s->piece, t->text.p, (size_t)s->piece_n);
    if (t->heads.n && (s->heads = mem_alloc(t->heads.n))) {
        memcpy(s->heads, t->heads.p, t->heads.n);
        s->heads_n = t->heads.n;
    }
    if (!b->p || unpack_layers_header(b->p, b->n, &s->head))
        return;
    s->all = mem_calloc((size_t)s->head.n_layer + 1, sizeof *s->all);
    while (s->all && s->n < s->head.n_layer &&
           unpack_layer(b->p, b->n, s->n, &s->all[s->n].l) == 0) {
        struct row *r = &s->all[s->n];
        r->layer = s->n++;
        s->max_norm = fmax(s->max_norm, r->l.norm_out);
        s->max_entropy = fmax(s->max_entropy, r->l.attn_entropy);
    }
}

/* The sureness that let a token leave the network, of this run. */
static void read_exit(struct layers *s)
{
    struct reply r = { 0 };
    struct sor_msg msg;

    s->enough = NAN;
    if (!reply_ask(&r, s->v.t, 1, &msg, "SELECT json_extract(params, "
                   "'$.exit') FROM v_run WHERE id = %lld",
                   (long long)s->v.at.run_id) && r.n == 1)
        s->enough = reply_num(&r, 0, 0);
    reply_release(&r);
}

static enum sor_err layers_open(struct view *v, struct sor_msg *msg)
{
    struct layers *s = (struct layers *)v;
    struct db_window w = { v->at.pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(v->t), v->at.path_id, w);
    struct db_token t;
    struct db_run run;
    struct db_model m;

    (void)msg;
    if (db_token_next(c, &t) == 1 && t.pos == v->at.pos)
        take(s, &t);
    tui_end(v->t, c);
    if (db_get_run(tui_db(v->t), v->at.run_id, &run) == 1 &&
        db_get_model(tui_db(v->t), run.model_id, &m) == 1) {
        s->n_head = m.n_head < HEADS_SHOWN ? m.n_head : HEADS_SHOWN;
        s->n_group = m.n_head_kv;
    }
    read_exit(s);
    v->list.n = s->n;
    v->sort = C_LAYER;
    return SOR_OK;
}

static void layers_close(struct view *v)
{
    struct layers *s = (struct layers *)v;

    mem_free(s->all);
    mem_free(s->heads);
}

/* A recorded token never changes: what is read stays. */
static void reload(struct view *v)
{
    v->list.n = ((struct layers *)v)->n;
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct layers *s = (struct layers *)v;

    s->window = (int)from;
    return list_part(s->n, from, n);
}

/* ---- drawing -------------------------------------------------------------- */

static int is_dense(const struct pack_layer *l, int group)
{
    return group < 64 && (l->dense >> group & 1);
}

static int n_dense(const struct layers *s, const struct pack_layer *l)
{
    int n = 0;

    for (int g = 0; g < s->n_group; g++)
        n += is_dense(l, g);
    return n;
}

static void crumb(const struct view *v, struct str *out)
{
    str_printf(out, "token %d", v->at.pos);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct layers *s = (struct layers *)v;
    const struct row *r = &s->all[s->window + i];
    const struct pack_layer *l = &r->l;
    char buf[24];

    switch (col) {
    case C_LAYER:
        pen_fmt(p, "%d", r->layer);
        break;
    case C_MODE:
        p->style = l->skipped || l->mode >= 2 ? ROLE_DIM
                 : l->mode ? ROLE_ACCENT : ROLE_WARN;
        pen_str(p, l->skipped ? "skip" : fmt_mode(l->mode));
        break;
    case C_WHY:
        p->style = ROLE_DIM;
        pen_str(p, fmt_reason(l->reason));
        break;
    case C_NORM_BAR:
        p->style = ROLE_BAR;
        if (s->max_norm > 0)
            pen_bar(p, l->norm_out / s->max_norm, pen_room(p));
        break;
    case C_ENTROPY_BAR:
        p->style = ROLE_BAR;
        if (s->max_entropy > 0)
            pen_bar(p, l->attn_entropy / s->max_entropy, pen_room(p));
        break;
    case C_CHANGE:
        if (!isnan(change(l)))
            pen_fmt(p, "%+.0f %%", change(l) * 100);
        break;
    case C_DENSE:
        if (s->n_group && !l->skipped)
            pen_fmt(p, "%d/%d", n_dense(s, l), s->n_group);
        break;
    case C_BLOCKS:
    case C_TIME:
        pen_fmt(p, "%.0f", field(r, col));
        break;
    case C_EXIT:
        p->style = l->exit_here ? ROLE_GOOD : ROLE_DIM;
        if (l->exit_here)
            pen_str(p, "here");
        else if (l->exit_measure > 0)
            pen_fmt(p, "%.2f", (double)l->exit_measure);
        break;
    default:
        fmt_num(buf, sizeof buf, field(r, col));
        pen_str(p, buf);
        break;
    }
}

/* The piece at a position of this path. */
static void put_token(const struct layers *s, int pos, struct pen *p)
{
    struct db_window w = { pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(s->v.t), s->v.at.path_id, w);
    struct db_token t;
    int end = p->end;

    p->end = p->col + PIECE_COLUMNS < end ? p->col + PIECE_COLUMNS : end;
    if (db_token_next(c, &t) == 1 && t.pos == pos && t.text.p)
        pen_piece(p, t.text.p, t.text.n);
    p->end = end;
    pen_gap(p, 1);
    tui_end(s->v.t, c);
}

static void one_head(const struct layers *s, int layer, int head,
                     struct doc *d)
{
    int32_t pos[256];           /* n_top is a byte */
    float weight[256], entropy;
    struct db_addr at = s->v.at;
    struct pen p;
    int n;

    if (unpack_head(s->heads, s->heads_n, layer, head, &entropy, pos, weight,
                    &n))
        return;
    p = doc_line(d, 0, ROLE_DIM);
    pen_fmt(&p, "head %-3d", head);
    p.style = ROLE_TEXT;
    pen_fmt(&p, "%5.2f  ", (double)entropy);
    for (int i = 0; i < n && pen_room(&p) >= TOP_COLUMNS; i++) {
        p.style = ROLE_ACCENT;
        pen_fmt(&p, "@%d ", (int)pos[i]);
        p.style = ROLE_TEXT;
        if (i == 0)
            put_token(s, (int)pos[i], &p);
        p.style = ROLE_DIM;
        pen_fmt(&p, "%.2f  ", (double)weight[i]);
    }
    if (n > 0) {
        at.pos = pos[0];
        at.step = -1;
        doc_goes(d, &view_tokens, at);
    }
}

static void heads(const struct layers *s, int layer, struct doc *d)
{
    if (!s->heads)
        return;
    doc_head(d, "Heads: entropy in nats, then where most weight went");
    for (int h = 0; h < s->n_head; h++)
        one_head(s, layer, h, d);
    doc_say(d, 0, ROLE_DIM, "Weight is correlation, not evidence.");
}

/* Mode, who decided it, what was read of what there is. */
static void reading(const struct layers *s, const struct pack_layer *l,
                    struct doc *d)
{
    int there = s->n_group * (s->v.at.pos / BLOCK + 1);
    struct str dense;

    if (l->skipped)
        return;
    doc_fact(d, "mode", "%s, decided by %s", fmt_mode(l->mode),
             fmt_reason(l->reason));
    str_init(&dense);
    for (int g = 0; g < s->n_group; g++)
        if (is_dense(l, g))
            str_printf(&dense, "%s%d", dense.len ? ", " : "", g);
    if (s->n_group && l->mode >= 2)
        doc_fact(d, "dense groups", "all %d: each reads every block",
                 s->n_group);
    else if (s->n_group)
        doc_fact(d, "dense groups", "%s of %d: more blocks than the others",
                 dense.len ? dense.p : "none", s->n_group);
    if (there)
        doc_fact(d, "blocks read", "%.0f of the %d there, over all KV groups "
                 "(%.0f %%)", (double)l->blocks_read, there,
                 100.0 * (double)l->blocks_read / there);
    else
        doc_fact(d, "blocks read", "%.0f, over all KV groups",
                 (double)l->blocks_read);
    str_release(&dense);
}

/* The exit: what was measured against what would have sufficed. */
static void left(const struct layers *s, const struct pack_layer *l,
                 struct doc *d)
{
    if (l->skipped)
        doc_fact(d, "exit", "the token had left before: nothing ran here");
    else if (isnan(s->enough))
        doc_fact(d, "exit", "not asked: the run had no --exit");
    else if (l->exit_measure > 0)
        doc_fact(d, "exit", "%s: sure %.3f, and %.3f suffices",
                 l->exit_here ? "left here" : "stayed",
                 (double)l->exit_measure, s->enough);
    else
        doc_fact(d, "exit", "not asked after this layer");
}

static void detail(struct view *v, struct doc *d)
{
    const struct layers *s = (struct layers *)v;
    const struct row *r = &s->all[s->window + list_here(v)];
    const struct pack_layer *l = &r->l;
    struct pen p = doc_line(d, 0, ROLE_STRONG);

    pen_piece(&p, s->piece, (size_t)s->piece_n);
    p.style = ROLE_DIM;
    pen_fmt(&p, "   token %d of path %d, layer %d of %d", v->at.pos,
            v->at.path, r->layer, s->n);
    doc_gap(d);
    doc_fact(d, "residual norm", "%.2f in, %.2f out", (double)l->norm_in,
             (double)l->norm_out);
    doc_fact(d, "attention", "entropy %.3f nats, mean over heads",
             (double)l->attn_entropy);
    reading(s, l, d);
    left(s, l, d);
    if (s->head.high > 0)
        doc_fact(d, "routing score", "%.3f (sparse below %.2f, full from "
                 "%.2f)", (double)s->head.score, (double)s->head.low,
                 (double)s->head.high);
    price_say(s->v.t, s->v.at, d);
    doc_fact(d, "time", "%.0f microseconds", (double)l->time_us);
    doc_fact(d, "residual digest", "%04x", l->digest);
    heads(s, r->layer, d);
}

/* ---- sorting -------------------------------------------------------------- */

/* qsort() takes no argument for its function; see view_paths.c. */
static int sort_col, sort_down;

static int order(const void *pa, const void *pb)
{
    double a = field(pa, sort_col), b = field(pb, sort_col);
    int by = isnan(a) || isnan(b) ? isnan(b) - isnan(a) : (a > b) - (a < b);

    return sort_down ? -by : by;
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct layers *s = (struct layers *)v;

    if (c == CMD_STORY || c == CMD_HEADS) {
        tui_push(v->t, c == CMD_STORY ? &view_story : &view_heads, v->at);
        return 1;
    }
    if (c == CMD_SORT) {
        int i = 0;
        while (sorts[i] != v->sort)
            i++;
        v->sort = sorts[(i + 1) % N_SORT];
        v->sorted_down = v->sort != C_LAYER;
    } else if (c == CMD_REVERSE) {
        v->sorted_down = !v->sorted_down;
    } else {
        return 0;
    }
    sort_col = v->sort;
    sort_down = v->sorted_down;
    if (s->n)
        qsort(s->all, (size_t)s->n, sizeof *s->all, order);
    v->list.stale = 1;
    list_goto(v, 0);
    return 1;
}

static const struct key_def defs[] = {
    { 's', CMD_STORY, "all that is known of this token", "story" },
    { 'a', CMD_HEADS, "where each head looked", "heads" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Layers", defs };

const struct view_ops view_layers = {
    .name = "layers", .what = "one token, layer by layer",
    .size = sizeof(struct layers), .keys = &keys, .cols = cols,
    .empty = "No layers are recorded for this token: the last one of a path "
             "never went in,\nand levels below  --trace layers  keep none.",
    .open = layers_open, .close = layers_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail, .cmd = cmd
};
