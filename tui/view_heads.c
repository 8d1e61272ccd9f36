/* tui/view_heads.c - every head of every layer for one token, as a grid: how
 * spread its attention was, or how much of it went to a place that is asked for
 * (words of the prompt, a clause, positions).
 *
 * Whole rows (`sorites attention --rows all`) give the weight exactly; the
 * positions recorded with a token give what of it is among its heaviest.
 * Attention is where a head looked, never why. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/pack.h"
#include "db/probe.h"
#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/reply.h"
#include "tui/token.h"
#include "tui/view.h"

enum { RANKED = 12, TOP = 5, LEGEND_CELLS = 24, TEXT_MAX = 1 << 20,
       LEFT = 9, HEADS_MAX = 512 };

struct head {
    float entropy, on, max;     /* on: weight on the target; max: heaviest */
    int top;                    /* where that is */
    int known;
};

struct heads {
    struct view v;
    struct head *head;          /* [n_layer][n_head] */
    int n_layer, n_head, layer, at, first;      /* the cursor; first shown */
    int whole;                  /* from whole rows */
    int from, to;               /* the target's positions; from -1: none */
    char target[80];
    uint8_t *packed;            /* heads as recorded; or NULL */
    size_t packed_n;
    int64_t probe;              /* that holds the whole rows */
    int measure;                /* 0 on the target, 1 entropy, 2 heaviest */
};

static const char *const measures[] = { "weight on the target", "entropy, nats",
                                        "its heaviest weight" };

static struct head *head(const struct heads *s, int layer, int at)
{
    return &s->head[layer * s->n_head + at];
}

/* ---- reading ------------------------------------------------------------- */

static void see(const struct heads *s, struct head *h, int pos, float weight)
{
    if (pos >= s->from && pos < s->to && s->from >= 0)
        h->on += weight;
    if (weight > h->max) {
        h->max = weight;
        h->top = pos;
    }
}

static void read_packed(struct heads *s)
{
    int32_t pos[256];           /* n_top is a byte */
    float weight[256];

    for (int i = 0; s->packed && i < s->n_layer * s->n_head; i++) {
        struct head *h = &s->head[i];
        int n = 0;

        h->known = !unpack_head(s->packed, s->packed_n, i / s->n_head,
                                i % s->n_head, &h->entropy, pos, weight, &n);
        for (int k = 0; h->known && k < n; k++)
            see(s, h, pos[k], weight[k]);
    }
}

static void read_whole(struct heads *s)
{
    struct db_cur *c = db_probe_rows(tui_db(s->v.t), DB_ATTENTION_ROW,
                                     s->probe);
    struct db_attention_row r;

    while (db_probe_row_next(c, DB_ATTENTION_ROW, &r) == 1) {
        struct head *h;

        if (r.layer < 0 || r.layer >= s->n_layer || r.head < 0 ||
            r.head >= s->n_head)
            continue;
        h = head(s, r.layer, r.head);
        h->known = 1;
        h->entropy = (float)r.entropy;
        for (int k = 0; k < (int)(r.weights.n / PACK_WEIGHT_BYTES); k++)
            see(s, h, k, unpack_weight(r.weights.p, k));
    }
    tui_end(s->v.t, c);
}

static void measure(struct heads *s)
{
    memset(s->head, 0, (size_t)(s->n_layer * s->n_head) * sizeof *s->head);
    if (s->whole)
        read_whole(s);
    else
        read_packed(s);
}

static void find_rows(struct heads *s)
{
    struct db_window w = { s->v.at.pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(s->v.t), s->v.at.path_id, w);
    struct reply r = { 0 };
    struct sor_msg msg;
    struct db_token t;

    mem_free(s->packed);
    s->packed = NULL;
    if (db_token_next(c, &t) == 1 && t.pos == s->v.at.pos && t.heads.n &&
        (s->packed = mem_alloc(t.heads.n))) {
        memcpy(s->packed, t.heads.p, t.heads.n);
        s->packed_n = t.heads.n;
    }
    tui_end(s->v.t, c);
    reply_ask(&r, s->v.t, 1, &msg, "SELECT b.id, count(*) FROM probe b JOIN "
             "attention_row a ON a.probe_id = b.id WHERE b.path_id = %lld AND "
             "b.pos = %d GROUP BY b.id ORDER BY 2 DESC, 1 DESC",
             (long long)s->v.at.path_id, s->v.at.pos);
    s->whole = r.n > 0;
    s->probe = reply_int(&r, 0, 0);
    reply_release(&r);
    measure(s);
}

static void reload(struct view *v)
{
    find_rows((struct heads *)v);
}

static enum sor_err heads_open(struct view *v, struct sor_msg *msg)
{
    struct heads *s = (struct heads *)v;
    struct db_run run;
    struct db_model m;

    s->from = -1;
    s->measure = 1;
    if (db_get_run(tui_db(v->t), v->at.run_id, &run) == 1 &&
        db_get_model(tui_db(v->t), run.model_id, &m) == 1) {
        s->n_layer = m.n_layer;
        s->n_head = m.n_head;
    }
    if (s->n_layer < 1 || s->n_layer > HEADS_MAX || s->n_head < 1 ||
        s->n_head > HEADS_MAX)
        return sor_fail(msg, SOR_NOTFOUND, "This run has no model with heads.");
    s->head = mem_calloc((size_t)(s->n_layer * s->n_head), sizeof *s->head);
    if (!s->head)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    find_rows(s);
    return SOR_OK;
}

static void heads_close(struct view *v)
{
    mem_free(((struct heads *)v)->head);
    mem_free(((struct heads *)v)->packed);
}

static void crumb(const struct view *v, struct str *out)
{
    str_printf(out, "heads of token %d", v->at.pos);
}

/* ---- the target ---------------------------------------------------------- */

/* The path's text up to the token, and where each token begins in it. */
struct text { struct str s; int *start; int n; };

static int read_text(struct heads *s, struct text *t)
{
    struct db_window w = { 0, s->v.at.pos + 1, 0 };
    struct db_cur *c;
    struct db_token in;

    t->n = 0;
    str_init(&t->s);
    t->start = mem_calloc((size_t)s->v.at.pos + 2, sizeof *t->start);
    if (!t->start)
        return 0;
    c = db_tokens(tui_db(s->v.t), s->v.at.path_id, w);
    while (t->n <= s->v.at.pos && t->s.len < TEXT_MAX &&
           db_token_next(c, &in) == 1) {
        t->start[t->n++] = (int)t->s.len;
        str_put(&t->s, in.text.p ? in.text.p : "", in.text.n);
    }
    tui_end(s->v.t, c);
    t->start[t->n] = (int)t->s.len;
    return str_ok(&t->s);
}

static int here(const char *at, const char *word)
{
    for (; *word; at++, word++)
        if (tolower((unsigned char)*at) != tolower((unsigned char)*word))
            return 0;
    return 1;
}

/* Where the word stands, best of all at the beginning of a line, as the number
 * of a clause does; -1: nowhere. */
static int find_word(const char *text, const char *word)
{
    int first = -1;

    for (int i = 0; text[i]; i++)
        if (here(text + i, word)) {
            int after = (unsigned char)text[i + (int)strlen(word)];

            if ((i == 0 || text[i - 1] == '\n') && !isdigit(after))
                return i;
            if (first < 0)
                first = i;
        }
    return first;
}

/* From the word to the end of its line. */
static void take_words(struct heads *s, const char *word)
{
    struct text t;
    int at = -1, end;

    if (read_text(s, &t) && (at = find_word(t.s.p, word)) >= 0) {
        end = at + (int)strcspn(t.s.p + at, "\n");
        s->from = s->to = 0;
        for (int i = 0; i < t.n; i++) {
            if (t.start[i + 1] <= at)
                s->from = i + 1;
            if (t.start[i] < end)
                s->to = i + 1;
        }
    } else {
        tui_say(s->v.t, "\"%s\" is not in the text before this token.", word);
    }
    mem_free(t.start);
    str_release(&t.s);
    if (at >= 0) {
        snprintf(s->target, sizeof s->target, "\"%.40s\", tokens %d to %d",
                 word, s->from, s->to - 1);
        s->measure = 0;
    }
}

/* "12:30", "12", or words of the text. */
static void aim(struct view *v, struct db_addr about, const char *text)
{
    struct heads *s = (struct heads *)v;
    char *end;
    long a = strtol(text, &end, 10), b = a + 1;

    (void)about;
    if (v->ops != &view_heads || !*text)
        return;
    if (end != text && *end == ':')
        b = strtol(end + 1, &end, 10);
    if (end != text && !*end && a >= 0 && b > a && b <= v->at.pos + 1) {
        s->from = (int)a;
        s->to = (int)b;
        s->measure = 0;
        snprintf(s->target, sizeof s->target, "tokens %ld to %ld", a, b - 1);
    } else {
        take_words(s, text);
    }
    measure(s);
}

/* ---- drawing ------------------------------------------------------------- */

static double value(const struct heads *s, const struct head *h)
{
    return !h->known ? NAN : s->measure == 0 ? (double)h->on
         : s->measure == 1 ? (double)h->entropy : (double)h->max;
}

static double highest(const struct heads *s)
{
    double high = 0;

    for (int i = 0; i < s->n_layer * s->n_head; i++)
        high = fmax(high, value(s, &s->head[i]));
    return high;
}

static void draw_cell(struct heads *s, struct pen *p, double share, int wide,
                      int cursor)
{
    int col = p->col;

    if (isnan(share)) {
        p->style = ROLE_FAINT;
        for (int i = 0; i < wide; i++)
            pen_glyph(p, GLYPH_DOT);
    } else {
        pen_heat(p, share, wide, tui_shade(s->v.t));
    }
    if (cursor && wide > 1) {
        struct cell *a = grid_at(p->g, p->row, col),
                    *b = grid_at(p->g, p->row, p->col - 1);
        if (a && b) {
            snprintf(a->ch, sizeof a->ch, "[");
            snprintf(b->ch, sizeof b->ch, "]");
        }
        grid_mark(p->g, (struct rect){ p->row, col, 1, wide }, CELL_BOLD);
    }
}

static void draw_head_line(const struct heads *s, struct grid *g,
                           struct rect r, int wide)
{
    struct pen p = pen_in(g, r, 0, ROLE_HEAD);

    pen_str(&p, "  Layer");
    for (int i = 0; i < s->n_head; i++) {
        p.col = r.col + LEFT + i * wide;
        p.style = i == s->at ? ROLE_STRONG : ROLE_HEAD;
        if (wide > 2 || i == s->at || i % 5 == 0)
            pen_fmt(&p, "%d", i);
    }
}

static void legend(const struct heads *s, struct grid *g, struct rect line)
{
    const struct head *h = head(s, s->layer, s->at);
    struct pen p = pen_in(g, line, 0, ROLE_TEXT);
    char x[24];

    fmt_num(x, sizeof x, value(s, h));
    pen_fmt(&p, "  layer %d, head %d: ", s->layer, s->at);
    p.style = ROLE_STRONG;
    pen_str(&p, x);
    p = pen_in(g, line, 1, ROLE_HEAD);
    pen_fmt(&p, "  %s  ", measures[s->measure]);
    p.style = ROLE_DIM;
    pen_str(&p, "0 ");
    for (int k = 0; k < LEGEND_CELLS; k++)
        pen_heat(&p, (double)k / (LEGEND_CELLS - 1), 1, tui_shade(s->v.t));
    fmt_num(x, sizeof x, highest(s));
    pen_fmt(&p, " %s", x);
}

static void draw(struct view *v, struct grid *g, struct rect r)
{
    struct heads *s = (struct heads *)v;
    int rows = r.rows - 4, room = r.cols - LEFT - 1;
    int wide = room / s->n_head > 6 ? 6 : room / s->n_head < 1 ? 1
             : room / s->n_head;
    double high = highest(s);

    if (s->first > s->layer)
        s->first = s->layer;
    if (s->first + rows <= s->layer)
        s->first = s->layer - rows + 1;
    draw_head_line(s, g, r, wide);
    for (int i = 0; i < rows && s->first + i < s->n_layer; i++) {
        int layer = s->first + i;
        struct pen p = pen_in(g, r, 1 + i, ROLE_ACCENT);

        if (layer == s->layer)
            pen_glyph(&p, GLYPH_CURSOR);
        pen_to(&p, r.col + 2);
        p.style = layer == s->layer ? ROLE_STRONG : ROLE_DIM;
        pen_fmt(&p, "%5d", layer);
        p.col = r.col + LEFT;
        for (int k = 0; k < s->n_head; k++) {
            double x = value(s, head(s, layer, k));

            draw_cell(s, &p, high > 0 ? x / high : x, wide,
                      layer == s->layer && k == s->at);
        }
    }
    legend(s, g, (struct rect){ r.row + r.rows - 2, r.col, 2, r.cols });
}

/* ---- the other pane ------------------------------------------------------ */

static void ranking(const struct heads *s, struct doc *d)
{
    char *taken = mem_calloc((size_t)(s->n_layer * s->n_head), 1);

    doc_head(d, s->measure == 0 ? "Heads that look there most"
              : s->measure == 1 ? "Most spread" : "Most pointed");
    for (int n = 0; taken && n < RANKED; n++) {
        int best = -1;

        for (int i = 0; i < s->n_layer * s->n_head; i++)
            if (!taken[i] && s->head[i].known &&
                (best < 0 || value(s, &s->head[i]) > value(s, &s->head[best])))
                best = i;
        if (best < 0)
            break;
        taken[best] = 1;
        struct pen p = doc_line(d, 0, n ? ROLE_TEXT : ROLE_STRONG);
        double x = value(s, &s->head[best]);

        pen_fmt(&p, "layer %-3d head %-3d %6.3f ", best / s->n_head,
                best % s->n_head, x);
        p.style = ROLE_BAR;
        pen_bar(&p, s->measure == 1 ? x / highest(s) : x, 12);
    }
    mem_free(taken);
}

static void one_head(struct heads *s, struct doc *d)
{
    const struct head *h = head(s, s->layer, s->at);
    struct db_addr at = s->v.at;
    int32_t pos[256];
    float weight[256], entropy;
    char title[48], piece[24];
    int n = 0;

    snprintf(title, sizeof title, "Layer %d, head %d", s->layer, s->at);
    doc_head(d, title);
    if (!h->known) {
        doc_say(d, 0, ROLE_DIM, "Not recorded.");
        return;
    }
    doc_fact(d, "entropy", "%.3f nats", (double)h->entropy);
    if (s->from >= 0)
        doc_fact(d, "on the target", "%s%.4f", s->whole ? "" : "at least ",
                 (double)h->on);
    if (!s->packed || unpack_head(s->packed, s->packed_n, s->layer, s->at,
                                  &entropy, pos, weight, &n)) {
        n = 1;
        pos[0] = h->top;
        weight[0] = h->max;
    }
    for (int i = 0; i < n && i < TOP; i++) {
        struct pen p = doc_line(d, 0, ROLE_ACCENT);

        token_piece(s->v.t, at.path_id, (int)pos[i], piece, sizeof piece);
        pen_fmt(&p, "@%-6d", (int)pos[i]);
        p.style = ROLE_TEXT;
        pen_piece(&p, piece, strlen(piece));
        pen_gap(&p, 1);
        pen_to(&p, 22);
        p.style = ROLE_BAR;
        pen_bar(&p, (double)weight[i], 10);
        p.style = ROLE_DIM;
        pen_fmt(&p, " %.3f", (double)weight[i]);
        at.pos = (int)pos[i];
        doc_goes(d, &view_tokens, at);
    }
}

static void detail(struct view *v, struct doc *d)
{
    struct heads *s = (struct heads *)v;

    token_context(v->t, v->at.path_id, v->at.pos, 12, d);
    doc_gap(d);
    doc_fact(d, "target", "%s", s->from >= 0 ? s->target
             : "none: t aims at words of the text, or at positions");
    doc_fact(d, "from", "%s", s->whole ? "whole rows: every key's weight"
             : s->packed ? "the heaviest positions recorded; A computes whole "
             "rows" : "nothing is recorded of this token's heads; A computes "
             "and stores them");
    if (s->whole || s->packed) {
        one_head(s, d);
        ranking(s, d);
    }
    doc_gap(d);
    doc_say(d, 0, ROLE_WARN, "Attention is where a head looked: correlation, "
            "never evidence.");
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key_def defs[] = {
    { 't', CMD_TARGET, "aim: weight on words of the text (7.2), or positions",
      "aim" },
    { 'c', CMD_MEASURE, "next measure: on the target, entropy, heaviest",
      "measure" },
    { 'h', CMD_LEFT, "head to the left", NULL },
    { TK_LEFT, CMD_LEFT, NULL, NULL },
    { 'l', CMD_RIGHT, "head to the right", NULL },
    { TK_RIGHT, CMD_RIGHT, NULL, NULL },
    { 'x', CMD_NEXT, "to the head with the highest value", "highest" },
    { 'A', CMD_ATTEND, "compute whole rows of every head, and store them",
      "compute" },
    { '<', CMD_BACK, "back to the view before", "back" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Heads", defs };

static void to_highest(struct heads *s)
{
    for (int i = 0; i < s->n_layer * s->n_head; i++)
        if (value(s, &s->head[i]) >
            value(s, head(s, s->layer, s->at)) || !head(s, s->layer,
                                                        s->at)->known) {
            s->layer = i / s->n_head;
            s->at = i % s->n_head;
        }
}

static int move(struct heads *s, enum tui_cmd c)
{
    int page = 8, to = s->layer;

    switch (c) {
    case CMD_UP:        to--; break;
    case CMD_DOWN:      to++; break;
    case CMD_PAGE_UP:
    case CMD_HALF_UP:   to -= page; break;
    case CMD_PAGE_DOWN:
    case CMD_HALF_DOWN: to += page; break;
    case CMD_FIRST:     to = 0; break;
    case CMD_LAST:      to = s->n_layer - 1; break;
    case CMD_LEFT:      s->at -= s->at > 0; break;
    case CMD_RIGHT:     s->at += s->at + 1 < s->n_head; break;
    default:            return 0;
    }
    s->layer = to < 0 ? 0 : to >= s->n_layer ? s->n_layer - 1 : to;
    return 1;
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct heads *s = (struct heads *)v;

    switch (c) {
    case CMD_TARGET:
        tui_ask(v->t, &(struct tui_ask){
            .label = "aim at (words, or FROM:TO): ", .looks = 1,
            .done = aim });
        return 1;
    case CMD_MEASURE:
        s->measure = (s->measure + 1) % 3;
        if (s->measure == 0 && s->from < 0)
            s->measure = 1;
        return 1;
    case CMD_NEXT:
        to_highest(s);
        return 1;
    default:
        return move(s, c) || act_at(v, c, v->at);
    }
}

const struct view_ops view_heads = {
    .name = "heads", .what = "every head of one token: where it looked",
    .size = sizeof(struct heads), .keys = &keys,
    .open = heads_open, .close = heads_close, .reload = reload,
    .crumb = crumb, .draw = draw, .detail = detail, .cmd = cmd
};
