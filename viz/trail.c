#include "viz/trail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/pack.h"
#include "db/price.h"
#include "viz/plot.h"
#include "viz/svg.h"

enum { BLOCK = 16,                      /* tokens that a mode is chosen for */
       VOTES = 12, LETTERS = 15, WORDS = 96 };

static const struct { const char *name, *color; } mode_look[TRAIL_MODES] = {
    [TRAIL_SPARSE]  = { "sparse", "#E69F00" },
    [TRAIL_HYBRID]  = { "hybrid", "#56B4E9" },
    [TRAIL_FULL]    = { "full", "#0072B2" },
    [TRAIL_SKIPPED] = { "left out after an exit", "#CC79A7" },
    [TRAIL_NONE]    = { "not recorded", "#8C8C8C" },
};

/* --- reading -------------------------------------------------------------- */

static void read_layers(struct trail *t, int i, const struct db_token *row)
{
    uint8_t *mode = t->mode + (size_t)i * (size_t)t->n_layer;
    double us = 0, read = 0, there = 0;

    memset(mode, TRAIL_NONE, (size_t)t->n_layer);
    for (int k = 0; k < t->n_layer; k++) {
        struct pack_layer l;

        if (unpack_layer(row->layers.p, row->layers.n, k, &l) != 0) {
            us = NAN;
            continue;
        }
        mode[k] = l.skipped ? TRAIL_SKIPPED
                : l.mode <= TRAIL_FULL ? l.mode : TRAIL_NONE;
        us += (double)l.time_us;
        if (l.skipped)
            continue;
        read += (double)l.blocks_read;
        there += t->n_group * (row->pos / BLOCK + 1);
        if (l.mode <= TRAIL_FULL)
            t->dense[l.mode * t->n_layer + k] = l.dense;
    }
    t->us[i] = t->n_layer ? us : (double)NAN;
    t->read[i] = there > 0 ? read / there : (double)NAN;
}

/* Layers of the first token that has any. */
static int count_layers(struct db *d, const struct db_addr *at)
{
    struct db_cur *c = db_tokens(d, at->path_id,
                                 (struct db_window){ 0, TRAIL_TOKENS, 0 });
    struct pack_layers_header h = { 0 };
    struct db_token row;

    while (c && db_token_next(c, &row) == 1)
        if (row.layers.p &&
            unpack_layers_header(row.layers.p, row.layers.n, &h) == 0)
            break;
    db_cur_close(c);
    return h.n_layer;
}

static int room(struct trail *t, int n)
{
    size_t k = (size_t)n, deep = (size_t)t->n_layer;

    t->pos = mem_calloc(k, sizeof *t->pos);
    t->entropy = mem_calloc(k, sizeof *t->entropy);
    t->us = mem_calloc(k, sizeof *t->us);
    t->mode = mem_calloc(k * deep + 1, 1);
    t->read = mem_calloc(k, sizeof *t->read);
    t->local = mem_calloc(k, sizeof *t->local);
    t->total = mem_calloc(k, sizeof *t->total);
    t->exit = mem_calloc(k, sizeof *t->exit);
    t->dense = mem_calloc(3 * deep + 1, sizeof *t->dense);
    return t->pos && t->entropy && t->us && t->mode && t->read && t->local &&
           t->total && t->exit && t->dense;
}

/* What is known of some tokens alone: where they left, what they cost. */
static enum sor_err read_some(struct db *d, const struct db_addr *at,
                              struct trail *t)
{
    int last = (int)t->pos[t->n - 1];
    struct db_priced price;
    struct db_exit left;
    struct db_cur *c = db_exits(d, at->path_id);
    enum sor_err err;

    while (db_exit_next(c, &left) == 1 && t->n_exit < t->n)
        if (left.pos <= last && left.layer >= 0 && left.layer < t->n_layer)
            t->exit[t->n_exit++] = left;
    if ((err = db_cur_close(c)))
        return err;
    for (int i = 0; i < t->n; i++)
        t->local[i] = t->total[i] = NAN;
    c = db_prices(d, at->path_id);
    for (int i = 0; db_price_next(c, &price) == 1; ) {
        while (i < t->n && t->pos[i] < price.pos)
            i++;
        if (i == t->n || t->pos[i] > price.pos)
            continue;
        t->local[i] = price.kl_local;
        t->total[i] = price.kl_total;
        t->n_price++;
    }
    return db_cur_close(c);
}

enum sor_err trail_load(struct db *d, const struct db_addr *at,
                        struct trail *t, struct sor_msg *msg)
{
    int len = db_path_len(d, at->path_id), got = 0;
    int n = len < TRAIL_TOKENS ? len : TRAIL_TOKENS;
    struct db_token row;
    struct db_model model;
    struct db_run run = { .uid = "?" };
    struct db_cur *c;

    *t = (struct trail){ .n_left = len - n };
    if (len <= 0)
        return sor_fail(msg, SOR_NOTFOUND, "no token of path %d was recorded",
                        at->path);
    t->n_layer = count_layers(d, at);
    if (db_get_run(d, at->run_id, &run) == 1 &&
        db_get_model(d, run.model_id, &model) == 1)
        t->n_group = model.n_head_kv;
    if (!room(t, n))
        return sor_fail(msg, SOR_NOMEM, "out of memory for %d tokens", n);
    c = db_tokens(d, at->path_id, (struct db_window){ 0, n, 0 });
    while (c && t->n < n && (got = db_token_next(c, &row)) == 1) {
        t->pos[t->n] = row.pos;
        t->entropy[t->n] = row.entropy;
        read_layers(t, t->n++, &row);
    }
    if (db_cur_close(c) || got < 0 || !c || t->n == 0 ||
        read_some(d, at, t) != SOR_OK)
        return sor_fail(msg, SOR_IO, "cannot read the tokens of path %d",
                        at->path);
    snprintf(t->title, sizeof t->title, "%.8s:%d, %d tokens", run.uid,
             at->path, t->n);
    return SOR_OK;
}

void trail_release(struct trail *t)
{
    mem_free(t->pos);
    mem_free(t->entropy);
    mem_free(t->us);
    mem_free(t->mode);
    mem_free(t->read);
    mem_free(t->local);
    mem_free(t->total);
    mem_free(t->exit);
    mem_free(t->dense);
    *t = (struct trail){ 0 };
}

/* --- the map of modes ----------------------------------------------------- */

/* Two lanes stand below the map, each with its name above it. */
enum { LEFT = 60, TOP = 92, WIDE = 1100, ROW = 10, LANE = 48, NAME = 22,
       FOOT = 46 + 2 * (LANE + NAME) };

static void count_modes(const struct trail *t, int n[TRAIL_MODES])
{
    size_t cells = (size_t)t->n * (size_t)t->n_layer;

    memset(n, 0, TRAIL_MODES * sizeof *n);
    for (size_t i = 0; i < cells; i++)
        n[t->mode[i]]++;
}

static void put_text(struct str *out, double x, double y, const char *how,
                     const char *s)
{
    str_printf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, how);
    svg_text(out, s);
    str_puts(out, "</text>\n");
}

static void put_map_head(const struct trail *t, int height, struct str *out)
{
    static const char style[] =
        "<style>.p{fill:#fff}text{font:12px Helvetica,Arial,sans-serif;"
        "fill:#1b1f24}.t{font-size:16px;font-weight:bold}.m{fill:#59636e}"
        "@media(prefers-color-scheme:dark){.p{fill:#14181d}text{fill:#e8ecf0}"
        ".m{fill:#a3aeb9}}</style>\n";
    int n[TRAIL_MODES];
    double x = LEFT;

    count_modes(t, n);
    str_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
               "height=\"%d\" viewBox=\"0 0 %d %d\">\n%s<rect class=\"p\" "
               "width=\"100%%\" height=\"100%%\"/>\n", LEFT + WIDE + 20,
               height, LEFT + WIDE + 20, height, style);
    put_text(out, LEFT, 28, "class=\"t\"", "How each token was computed");
    put_text(out, LEFT, 48, "class=\"m\"", t->title);
    for (int m = 0; m < TRAIL_MODES; m++) {
        char words[64];

        if (!n[m])
            continue;
        snprintf(words, sizeof words, "%s %.1f %%", mode_look[m].name,
                 100.0 * n[m] / ((double)t->n * t->n_layer));
        str_printf(out, "<rect x=\"%.1f\" y=\"62\" width=\"11\" height=\"11\" "
                   "fill=\"%s\"/>\n", x, mode_look[m].color);
        put_text(out, x + 17, 72, "", words);
        x += 40 + 6.6 * (double)strlen(words);
    }
}

/* ", dense groups 0 and 2 of 3": those that may read more. */
static void put_dense(const struct trail *t, int mode, int layer,
                      struct str *out)
{
    uint64_t dense = t->dense[mode * t->n_layer + layer];
    int n = 0;

    for (int g = 0; g < t->n_group && g < 64; g++)
        if (dense >> g & 1)
            str_printf(out, "%s%d", n++ ? ", " : "; dense groups ", g);
    if (t->n_group)
        str_printf(out, "%s of %d", n ? "" : "; no dense group", t->n_group);
}

/* A layer as runs of equal modes; layer 0 lowest. */
static void put_map_row(const struct trail *t, int layer, double cell,
                        struct str *out)
{
    int y = TOP + (t->n_layer - 1 - layer) * ROW;

    for (int i = 0, from; i < t->n; ) {
        int m = t->mode[(size_t)i * (size_t)t->n_layer + (size_t)layer];

        for (from = i; i < t->n && t->mode[(size_t)i * (size_t)t->n_layer +
                                           (size_t)layer] == m; i++)
            ;
        str_printf(out, "<rect class=\"run\" x=\"%.2f\" y=\"%d\" "
                   "width=\"%.2f\" height=\"%d\" fill=\"%s\"><title>layer %d, "
                   "tokens %.0f to %.0f: %s", LEFT + from * cell, y,
                   (i - from) * cell, ROW - 1, mode_look[m].color, layer,
                   t->pos[from], t->pos[i - 1], mode_look[m].name);
        if (m < TRAIL_FULL)
            put_dense(t, m, layer, out);
        str_puts(out, "</title></rect>\n");
    }
}

/* Where tokens left the network, and what was measured there. */
static void put_exits(const struct trail *t, double cell, struct str *out)
{
    for (int i = 0; i < t->n_exit; i++) {
        const struct db_exit *x = &t->exit[i];

        str_printf(out, "<rect class=\"exit\" x=\"%.2f\" y=\"%d\" "
                   "width=\"%.2f\" height=\"3\" fill=\"#000\"><title>token %d "
                   "left after layer %d: sure %.3f, and %.3f suffices</title>"
                   "</rect>\n", LEFT + (x->pos - t->pos[0]) * cell,
                   TOP + (t->n_layer - 1 - x->layer) * ROW - 2,
                   cell > 1 ? cell : 1.0, x->pos, x->layer, x->measure,
                   x->threshold);
    }
}

/* Shares from 0 to 1 as bars on y, equal neighbours as one. */
static void put_read(const struct trail *t, double cell, int y,
                     struct str *out)
{
    put_text(out, LEFT, y - LANE - 6, "class=\"m\"", "KV blocks read, of those "
             "there: bars to the top read all");
    for (int i = 0, from; i < t->n; ) {
        double share = t->read[i], high = share > 1 ? LANE : share * LANE;

        /* NaN, not recorded, is equal to nothing: a gap of one token */
        for (from = i++; i < t->n && t->read[i] == share; i++)
            ;
        if (isnan(share))
            continue;
        str_printf(out, "<rect class=\"read\" x=\"%.2f\" y=\"%.2f\" "
                   "width=\"%.2f\" height=\"%.2f\" fill=\"#009E73\"><title>"
                   "tokens %.0f to %.0f: %.1f %% of the blocks</title></rect>"
                   "\n", LEFT + from * cell, y - high, (i - from) * cell, high,
                   t->pos[from], t->pos[i - 1], 100 * share);
    }
}

/* Bars as high as the root of the price: small ones are to be seen too. */
static void put_prices(const struct trail *t, double cell, int y,
                       struct str *out)
{
    double most = 0, wide = cell > 2 ? cell : 2;
    char words[128];

    for (int i = 0; i < t->n; i++)
        if (t->total[i] > most)
            most = t->total[i];
    if (t->n_price)
        snprintf(words, sizeof words, "price of the %d tokens audited: KL from "
                 "all in full, %.4f nats at the top (root scale)", t->n_price,
                 most);
    else
        snprintf(words, sizeof words, "price: not audited (sorites replay RUN "
                 "--audit RATE)");
    put_text(out, LEFT, y - LANE - 6, "class=\"m\"", words);
    for (int i = 0; i < t->n; i++) {
        double high = most > 0 ? sqrt(t->total[i] / most) * LANE : 0;

        if (isnan(t->total[i]))
            continue;
        str_printf(out, "<rect class=\"price\" x=\"%.2f\" y=\"%.2f\" "
                   "width=\"%.2f\" height=\"%.2f\" fill=\"#D55E00\"><title>"
                   "token %.0f: KL %.5f nats alone in full, %.5f all in full"
                   "</title></rect>\n", LEFT + i * cell, y - high - 1, wide,
                   high + 1, t->pos[i], t->local[i], t->total[i]);
    }
}

enum sor_err trail_routing(const struct trail *t, struct str *out,
                           struct sor_msg *msg)
{
    int low = TOP + t->n_layer * ROW;
    double cell = (double)WIDE / t->n;
    char words[80];

    if (!t->n_layer)
        return sor_fail(msg, SOR_NOTFOUND, "no layers were recorded; run with "
                        "--trace layers");
    put_map_head(t, low + FOOT, out);
    for (int k = 0; k < t->n_layer; k++)
        put_map_row(t, k, cell, out);
    put_exits(t, cell, out);
    put_read(t, cell, low + 28 + NAME + LANE, out);
    put_prices(t, cell, low + 28 + 2 * (NAME + LANE), out);
    snprintf(words, sizeof words, "layer %d", t->n_layer - 1);
    put_text(out, LEFT - 6, TOP + 9, "class=\"m\" text-anchor=\"end\"",
             words);
    put_text(out, LEFT - 6, low - 1, "class=\"m\" text-anchor=\"end\"",
             "layer 0");
    put_text(out, LEFT, low + 18, "class=\"m\"", "position 0");
    snprintf(words, sizeof words, "position %.0f", t->pos[t->n - 1]);
    put_text(out, LEFT + WIDE, low + 18, "class=\"m\" text-anchor=\"end\"",
             words);
    if (t->n_left) {
        snprintf(words, sizeof words, "Not drawn: %d more tokens", t->n_left);
        put_text(out, LEFT, low + FOOT - 8, "class=\"m\"", words);
    }
    str_puts(out, "</svg>\n");
    return SOR_OK;
}

/* --- lines and bars ------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of v[0..n) without its gaps; NaN: nothing there. */
static double median(const double *v, int n)
{
    double some[BLOCK] = { 0 };
    int k = 0;

    for (int i = 0; i < n; i++)
        if (!isnan(v[i]))
            some[k++] = v[i];
    qsort(some, (size_t)k, sizeof *some, by_size);
    return k ? some[k / 2] : (double)NAN;
}

/* One line over positions, a point for each block of tokens. */
struct line {
    const char *title, *y_name;
    const double *v;                    /* [t->n] */
    const char *lack;                   /* what to say where there is none */
};

static enum sor_err put_line(const struct trail *t, const struct line *l,
                             struct str *out, struct sor_msg *msg)
{
    double x[TRAIL_TOKENS / BLOCK], y[TRAIL_TOKENS / BLOCK];
    struct plot_series s = { .name = l->y_name, .x = x, .y = y };
    struct plot p = { .title = l->title, .subtitle = t->title,
                      .x_name = "position", .y_name = l->y_name,
                      .note = "each point: the median of 16 tokens",
                      .series = &s, .n_series = 1 };
    int known = 0;

    for (int i = 0; i < t->n; i += BLOCK) {
        int n = t->n - i < BLOCK ? t->n - i : BLOCK;

        x[s.n] = t->pos[i];
        y[s.n] = median(l->v + i, n);
        known |= !isnan(y[s.n++]);
    }
    if (!known)
        return sor_fail(msg, SOR_NOTFOUND, "%s", l->lack);
    plot_svg(&p, out);
    return SOR_OK;
}

enum sor_err trail_entropy(const struct trail *t, struct str *out,
                           struct sor_msg *msg)
{
    return put_line(t, &(struct line){
        "How unsure each choice was", "entropy, nats", t->entropy,
        "no entropies were recorded; run with --trace tokens" }, out, msg);
}

enum sor_err trail_cost(const struct trail *t, struct str *out,
                        struct sor_msg *msg)
{
    return put_line(t, &(struct line){
        "Cost of a token against its context",
        "time in all layers, microseconds", t->us,
        "no times were recorded; run with --trace layers" }, out, msg);
}

enum sor_err trail_share(const struct trail *t, struct str *out,
                         struct sor_msg *msg)
{
    const char *name[TRAIL_MODES];
    double share[TRAIL_MODES];
    struct plot_series s = { .name = "share of tokens and layers",
                             .y = share };
    struct plot p = { .title = "How the layers were computed",
                      .subtitle = t->title, .category = name, .unit = "%",
                      .y_name = "per cent", .series = &s, .n_series = 1 };
    int n[TRAIL_MODES];

    if (!t->n_layer)
        return sor_fail(msg, SOR_NOTFOUND, "no layers were recorded; run with "
                        "--trace layers");
    count_modes(t, n);
    for (int m = 0; m < TRAIL_MODES; m++)
        if (n[m] || m <= TRAIL_FULL) {
            name[s.n] = mode_look[m].name;
            share[s.n++] = 100.0 * n[m] / ((double)t->n * t->n_layer);
        }
    p.n_category = s.n;
    plot_svg(&p, out);
    return SOR_OK;
}

/* Bytes of an answer that fit below its bar. */
static int shown(const char *answer)
{
    return answer ? (int)utf8_offset(answer, strlen(answer), LETTERS)
                  : WORDS;
}

enum sor_err trail_votes(struct db *d, int64_t run_id, struct str *out,
                         struct sor_msg *msg)
{
    char word[VOTES][WORDS];
    const char *name[VOTES];
    double votes[VOTES];
    struct plot_series s = { .name = "paths that say so", .y = votes };
    struct plot p = { .title = "Votes", .subtitle = "agreement is stability, "
                      "not truth", .y_name = "paths", .category = name,
                      .series = &s, .n_series = 1 };
    struct db_cur *c = db_votes(d, run_id);
    struct db_vote row;
    int got = 0;

    while (c && (got = db_vote_next(c, &row)) == 1) {
        if (s.n == VOTES)
            continue;
        snprintf(word[s.n], WORDS, "%.*s: %d", shown(row.answer),
                 row.answer ? row.answer : "(forgotten)", row.votes);
        name[s.n] = word[s.n];
        votes[s.n++] = row.votes;
    }
    if (db_cur_close(c) || got < 0 || !c)
        return sor_fail(msg, SOR_IO, "cannot read the votes of the run");
    if (s.n == 0)
        return sor_fail(msg, SOR_NOTFOUND, "no path of this run states an "
                        "answer, so there are no votes");
    p.n_category = s.n;
    plot_svg(&p, out);
    return SOR_OK;
}
