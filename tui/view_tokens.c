/* tui/view_tokens.c - one path as its stream of tokens, with how sure the
 * model was of each. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/token.h"
#include "tui/view.h"

enum { BAR_MAX = 32 };
enum { C_POS, C_TOKEN, C_PROB, C_ENTROPY, C_MODE, C_STEP, C_BAR };

static const struct col cols[] = {
    { "Pos", 9, COL_RIGHT, 0 },     { "Token", 14, 0, 0 },
    { "p", 6, COL_RIGHT, 0 },       { "Entropy", 7, COL_RIGHT, 0 },
    { "Mode", 6, 0, 76 },            { "Step", 5, COL_RIGHT, 0 },
    { "Probability", 0, COL_FLEX, 0 }, { NULL, 0, 0, 0 }
};

struct row {
    int pos, mode, step, has_digest, has_layers;
    int32_t token_id;
    const char *piece;
    int piece_n;
    double logprob, entropy;
    uint64_t digest;
    int64_t source_id;
    struct db_blob alt;
};

/* What the colour of a piece says. */
enum { INK_PROB, INK_ENTROPY, INK_MODE, INK_NONE, INKS };
static const char *const ink_name[INKS] = {
    "Colour: probability, stronger is less likely",
    "Colour: entropy, stronger is less sure",
    "Colour: mode (sparse, hybrid, full)", "Colour: none"
};

struct tokens {
    struct view v;
    int64_t model_id;
    int ink;
    struct row row[LIST_WINDOW];
};

static void load(struct view *v)
{
    v->list.n = db_path_len(tui_db(v->t), v->at.path_id);
}

/* A path opened at its start begins at what it generated. */
static enum sor_err tokens_open(struct view *v, struct sor_msg *msg)
{
    struct tokens *s = (struct tokens *)v;
    struct db_run run;
    int first = 0;

    (void)msg;
    load(v);
    if (db_get_run(tui_db(v->t), v->at.run_id, &run) == 1) {
        s->model_id = run.model_id;
        first = run.n_prompt;
    }
    if (v->at.pos < 0 && v->at.step >= 0) {
        struct db_window w = { v->at.step, 1, 0 };
        struct db_cur *c = db_steps(tui_db(v->t), v->at.path_id, w);
        struct db_step step;
        if (db_step_next(c, &step) == 1 && step.ordinal == v->at.step)
            v->at.pos = step.tok_from;
        tui_end(v->t, c);
    }
    list_goto(v, v->at.pos >= 0 ? v->at.pos : first);
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    if (v->at.step >= 0)
        str_printf(out, "step %d", v->at.step);
    else
        str_printf(out, "path %d tokens", v->at.path);
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct tokens *s = (struct tokens *)v;
    struct db_window w = { from, n, 0 };
    struct db_cur *c = db_tokens(tui_db(v->t), v->at.path_id, w);
    struct db_token in;
    int got = 0;

    while (got < n && db_token_next(c, &in) == 1)
        s->row[got++] = (struct row){
            .pos = in.pos, .mode = in.mode, .step = in.step,
            .has_digest = in.has_digest, .digest = in.digest,
            .has_layers = in.layers.n > 0, .token_id = in.token_id,
            .piece = in.text.p ? pool_dup(&v->pool, in.text.p, in.text.n)
                               : NULL,
            .piece_n = (int)in.text.n, .logprob = in.logprob,
            .entropy = in.entropy, .source_id = in.source_id,
            .alt = { pool_bytes(&v->pool, in.alt.p, in.alt.n), in.alt.n } };
    tui_end(v->t, c);
    return got;
}

/* ---- drawing -------------------------------------------------------------- */

static unsigned ink(const struct tokens *s, const struct row *r)
{
    double e = r->entropy;

    switch (s->ink) {
    case INK_PROB:
        return isnan(r->logprob) ? ROLE_DIM
                                 : (unsigned)(ROLE_INK +
                                              fmt_surprise(r->logprob));
    case INK_ENTROPY:               /* half a nat each */
        return isnan(e) ? ROLE_DIM
                        : (unsigned)(ROLE_INK + (e > 2.5 ? 5 : (int)(e * 2)));
    case INK_MODE:
        return r->mode == 0 ? ROLE_WARN : r->mode == 1 ? ROLE_ACCENT
             : r->mode == 2 ? ROLE_TEXT : ROLE_DIM;
    default:
        return ROLE_TEXT;
    }
}

static void put_piece(struct pen *p, const struct row *r)
{
    if (r->piece)
        pen_piece(p, r->piece, (size_t)r->piece_n);
    else
        pen_fmt(p, "#%d", (int)r->token_id);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct tokens *s = (struct tokens *)v;
    const struct row *r = &s->row[i];
    char buf[32];

    switch (col) {
    case C_POS:
        p->style = ROLE_DIM;
        fmt_count(buf, sizeof buf, r->pos);
        pen_str(p, buf);
        break;
    case C_TOKEN:
        p->style = ink(s, r);
        put_piece(p, r);
        break;
    case C_PROB:
        if (!isnan(r->logprob)) {
            p->style = (unsigned)(ROLE_INK + fmt_surprise(r->logprob));
            fmt_prob(buf, sizeof buf, r->logprob);
            pen_str(p, buf);
        }
        break;
    case C_ENTROPY:
        if (!isnan(r->entropy))
            pen_fmt(p, "%.2f", r->entropy);
        break;
    case C_MODE:
        p->style = ROLE_DIM;
        pen_str(p, fmt_mode(r->mode));
        break;
    case C_STEP:
        p->style = ROLE_DIM;
        if (r->step >= 0)
            pen_fmt(p, "%d", r->step);
        break;
    case C_BAR:
        p->style = ROLE_BAR;
        if (!isnan(r->logprob))
            pen_bar(p, exp(r->logprob),
                    pen_room(p) < BAR_MAX ? pen_room(p) : BAR_MAX);
        else {
            p->style = ROLE_FAINT;
            pen_str(p, "prompt");
        }
        break;
    }
}

/* ---- the other pane ------------------------------------------------------- */

static int piece_width(const struct row *r)
{
    return r->piece ? text_width(r->piece, (size_t)r->piece_n) : 8;
}

/* The tokens around the cursor as running text in their inks, two lines of
 * it. */
static void context(const struct tokens *s, int here, struct doc *d)
{
    struct pen p = doc_line(d, 0, ROLE_TEXT);
    int before = pen_room(&p), after = pen_room(&p), from = here, to = here;

    while (from > 0 && before > piece_width(&s->row[from - 1]))
        before -= piece_width(&s->row[--from]);
    while (to < s->v.list.have && after > piece_width(&s->row[to]))
        after -= piece_width(&s->row[to++]);
    for (int i = from; i < to; i++) {
        const struct row *r = &s->row[i];
        if (piece_width(r) > pen_room(&p))
            p = doc_line(d, 0, ROLE_TEXT);
        p.style = ink(s, r) | (i == here ? CELL_REVERSE : 0);
        if (r->piece && !strpbrk(r->piece, "\n\t"))
            pen_put(&p, r->piece, (size_t)r->piece_n);
        else
            put_piece(&p, r);
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct tokens *s = (struct tokens *)v;
    int i = list_here(v);
    const struct row *r = &s->row[i];
    struct db_addr at = v->at;
    char prob[16];

    context(s, i, d);
    if (r->alt.p) {
        doc_head(d, "It could have been");
        token_alternatives(v->t, s->model_id, r->alt, r->token_id, d);
    }
    doc_gap(d);
    doc_say(d, 0, ROLE_FAINT, ink_name[s->ink]);
    doc_head(d, "Token");
    doc_fact(d, "position", "%d, token id %d", r->pos, (int)r->token_id);
    if (!isnan(r->logprob)) {
        fmt_prob(prob, sizeof prob, r->logprob);
        doc_fact(d, "probability", "%s, log %.4f", prob, r->logprob);
        doc_fact(d, "entropy", "%.3f nats", r->entropy);
    } else {
        doc_fact(d, "probability", "given: it is part of the prompt");
    }
    if (r->mode >= 0)
        doc_fact(d, "mode", "%s", fmt_mode(r->mode));
    if (r->has_digest)
        doc_fact(d, "logits digest", "%016" PRIx64, r->digest);
    if (r->source_id != v->at.path_id)
        doc_fact(d, "stored by", "an earlier path that shares it");
    if (r->has_layers) {
        at.pos = r->pos;
        doc_fact(d, "layers", "open them");
        doc_goes(d, &view_layers, at);
    }
}

/* ---- keys ----------------------------------------------------------------- */

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "layers of this token", "layers" },
    { 's', CMD_STORY, "all that is known of this token", "story" },
    { 'a', CMD_HEADS, "where each head looked", "heads" },
    { 'c', CMD_COLOR, "what the colour says: probability, entropy, mode",
      "colour" },
    { 'v', CMD_HEAT, "map of tokens and layers from here", "map" },
    { 'B', CMD_FORK, "branch off: another path from here", NULL },
    { 'L', CMD_LENS, "logit lens: what each layer would have said", NULL },
    { 'A', CMD_ABLATE, "ablate: every layer in turn gives nothing", NULL },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Tokens", defs };

static void go(struct view *v, const struct view_ops *to)
{
    struct db_addr at = v->at;

    at.pos = ((struct tokens *)v)->row[list_here(v)].pos;
    tui_push(v->t, to, at);
}

static void enter(struct view *v)
{
    go(v, &view_layers);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct tokens *s = (struct tokens *)v;

    if (c == CMD_COLOR) {
        s->ink = (s->ink + 1) % INKS;
        tui_say(v->t, "%s.", ink_name[s->ink]);
    } else if (list_here(v) >= 0 && (c == CMD_HEAT || c == CMD_STORY ||
                                     c == CMD_HEADS)) {
        go(v, c == CMD_HEAT ? &view_heat : c == CMD_STORY ? &view_story
                                                          : &view_heads);
    } else if (list_here(v) >= 0) {
        struct db_addr at = v->at;
        at.pos = s->row[list_here(v)].pos;
        return act_at(v, c, at);
    } else {
        return 0;
    }
    return 1;
}

static int64_t find(struct view *v, const char *needle, int64_t *from,
                    int reverse)
{
    return token_find(v->t, v->at.path_id, needle, from, reverse);
}

const struct view_ops view_tokens = {
    .name = "tokens", .what = "one path as its stream of tokens",
    .size = sizeof(struct tokens), .keys = &keys, .cols = cols,
    .empty = "No tokens are recorded here.\n"
             "Record them:  sorites run --trace tokens \"...\"",
    .open = tokens_open, .reload = load, .crumb = crumb, .fetch = fetch,
    .cell = cell, .detail = detail, .enter = enter, .cmd = cmd, .find = find
};
