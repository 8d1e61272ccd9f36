/* tui/view_story.c - all that is known of one token: what it stood among, what
 * else it could have been, why it was computed so and what that cost, what each
 * layer thought, and what followed when a part was changed.  What is not
 * recorded says how to get it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/price.h"
#include "tui/route.h"
#include "tui/reply.h"
#include "tui/token.h"
#include "tui/view.h"

enum { AROUND = 40, EFFECTS_SHOWN = 10, BAR = 20, PIECE = 24 };

struct story {
    struct view v;
    struct reply lens, effect;
    int found, has_layers, has_heads, step;
    int32_t token_id;
    int64_t model_id;
    double logprob, entropy;
    uint64_t digest;
    struct db_blob alt;
    char piece[PIECE], uid[16];
};

static void read_token(struct story *s)
{
    struct db_window w = { s->v.at.pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(s->v.t), s->v.at.path_id, w);
    struct db_token t;

    s->found = db_token_next(c, &t) == 1 && t.pos == s->v.at.pos;
    if (s->found) {
        s->token_id = t.token_id;
        s->logprob = t.logprob;
        s->entropy = t.entropy;
        s->digest = t.has_digest ? t.digest : 0;
        s->has_layers = t.layers.n > 0;
        s->has_heads = t.heads.n > 0;
        s->step = t.step;
        pool_clear(&s->v.pool);
        s->alt = (struct db_blob){ pool_bytes(&s->v.pool, t.alt.p, t.alt.n),
                                   t.alt.n };
    }
    tui_end(s->v.t, c);
}

/* Experiments read a row of the model, which says what comes next: this token
 * is what the row before it answered. */
static void read_experiments(struct story *s)
{
    long long path = (long long)s->v.at.path_id;
    int row = s->v.at.pos - 1;
    struct sor_msg msg;

    reply_ask(&s->lens, s->v.t, 512, &msg, "SELECT layer, text, rank, logprob, "
             "kl, top_text, top_logprob FROM v_lens WHERE path_id = %lld AND "
             "pos = %d AND probe_id = (SELECT max(probe_id) FROM v_lens WHERE "
             "path_id = %lld AND pos = %d) ORDER BY layer", path, row, path,
             row);
    reply_ask(&s->effect, s->v.t, EFFECTS_SHOWN, &msg, "SELECT how, measured, "
             "layer, head, span_from, span_to, change, top_text FROM v_effect "
             "WHERE path_id = %lld AND pos = %d ORDER BY abs(change) DESC",
             path, row);
}

static void load(struct view *v)
{
    struct story *s = (struct story *)v;

    read_token(s);
    read_experiments(s);
    token_piece(v->t, v->at.path_id, v->at.pos, s->piece, sizeof s->piece);
}

static enum sor_err story_open(struct view *v, struct sor_msg *msg)
{
    struct story *s = (struct story *)v;
    struct db_run run;
    struct db_path p;

    if (db_get_run(tui_db(v->t), v->at.run_id, &run) == 1) {
        s->model_id = run.model_id;
        fmt_uid(s->uid, sizeof s->uid, run.uid);
    }
    if (db_get_path(tui_db(v->t), v->at.path_id, &p) == 1)
        v->at.path = p.ordinal;
    load(v);
    return s->found ? SOR_OK
                    : sor_fail(msg, SOR_NOTFOUND, "There is no token %d.",
                               v->at.pos);
}

static void story_close(struct view *v)
{
    struct story *s = (struct story *)v;

    reply_release(&s->lens);
    reply_release(&s->effect);
}

static void crumb(const struct view *v, struct str *out)
{
    str_printf(out, "story of token %d", v->at.pos);
}

/* ---- its parts ----------------------------------------------------------- */

static void said(const struct story *s, struct doc *d)
{
    struct db_addr at = s->v.at;
    char prob[16];

    doc_head(d, "The token, in its words");
    token_context(s->v.t, at.path_id, at.pos, AROUND, d);
    doc_gap(d);
    if (isnan(s->logprob)) {
        doc_fact(d, "probability", "given: it is part of the prompt");
    } else {
        fmt_prob(prob, sizeof prob, s->logprob);
        doc_fact(d, "probability", "%s, where the model was %s sure (entropy "
                 "%.2f nats)", prob, s->entropy < 0.5 ? "quite" :
                 s->entropy < 1.5 ? "fairly" : "little", s->entropy);
    }
    doc_fact(d, "position", "%d of path %d, token id %d", at.pos, at.path,
             (int)s->token_id);
    doc_goes(d, &view_tokens, at);
    if (s->step >= 0) {
        at.step = s->step;
        at.pos = -1;
        doc_fact(d, "step", "%d", s->step);
        doc_goes(d, &view_steps, at);
    }
    if (s->digest)
        doc_fact(d, "logits digest", "%016" PRIx64, s->digest);
    if (s->alt.n > 0) {
        doc_head(d, "It could have been");
        token_alternatives(s->v.t, s->model_id, s->alt, s->token_id, d);
    }
}

static void computed(const struct story *s, struct doc *d)
{
    doc_head(d, "How it was computed, and why so");
    route_say(s->v.t, s->v.at, d);
    if (s->has_layers) {
        doc_fact(d, "layer by layer", "norms, entropy, blocks read, time");
        doc_goes(d, &view_layers, s->v.at);
        doc_fact(d, "around it", "the map of tokens and layers");
        doc_goes(d, &view_heat, s->v.at);
    }
    if (s->has_heads) {
        doc_fact(d, "heads", "where each looked");
        doc_goes(d, &view_heads, s->v.at);
    }
    price_say(s->v.t, s->v.at, d);
}

static void one_layer(const struct reply *r, int i, struct doc *d)
{
    int rank = (int)reply_int(r, i, 2);
    struct pen p = doc_line(d, 0, rank == 1 ? ROLE_STRONG : ROLE_TEXT);
    const char *top = reply_text(r, i, 5);
    double logprob = reply_num(r, i, 3);
    char prob[16];

    if (reply_int(r, i, 0) < 0)
        pen_str(&p, "embed ");
    else
        pen_fmt(&p, "%5d ", (int)reply_int(r, i, 0));
    fmt_prob(prob, sizeof prob, logprob);
    pen_fmt(&p, "rank %-6d %6s ", rank, prob);
    p.style = rank == 1 ? ROLE_BAR : ROLE_DIM;
    pen_bar(&p, exp(logprob), BAR);
    p.style = ROLE_DIM;
    pen_fmt(&p, " KL %5.2f  likeliest ", reply_num(r, i, 4));
    p.style = rank == 1 ? ROLE_STRONG : ROLE_TEXT;
    pen_piece(&p, top, strlen(top));
}

static void lens(const struct story *s, struct doc *d)
{
    doc_head(d, "What each layer would have said (logit lens)");
    for (int i = 0; i < s->lens.n; i++)
        one_layer(&s->lens, i, d);
    if (s->lens.n == 0)
        doc_text(d, 0, ROLE_DIM, "Not computed yet: L does it, and stores it.",
                 43);
}

/* "layer 3, head 2", "tokens 12 to 30 removed". */
static void part_name(const struct reply *r, int i, char *out, size_t cap)
{
    int layer = (int)reply_int(r, i, 2), head = (int)reply_int(r, i, 3);
    const char *how = reply_text(r, i, 0);

    if (!reply_null(r, i, 4) && reply_int(r, i, 4) >= 0)
        snprintf(out, cap, "tokens %lld to %lld %s",
                 (long long)reply_int(r, i, 4),
                 (long long)reply_int(r, i, 5) - 1,
                 strcmp(how, "mask") ? "removed" : "hidden");
    else if (!reply_null(r, i, 3) && head >= 0)
        snprintf(out, cap, "layer %d, head %d: %s", layer, head, how);
    else
        snprintf(out, cap, "layer %d: %s", layer, how);
}

static void effects(const struct story *s, struct doc *d)
{
    const struct reply *r = &s->effect;
    char part[64];

    doc_head(d, "What followed when a part was changed");
    for (int i = 0; i < r->n; i++) {
        struct pen p = doc_line(d, 0, ROLE_TEXT);
        const char *top = reply_text(r, i, 7), *how = reply_text(r, i, 1);
        double change = reply_num(r, i, 6);

        part_name(r, i, part, sizeof part);
        pen_str(&p, part);
        pen_gap(&p, 1);
        pen_to(&p, 30);
        p.style = change < -0.1 ? ROLE_BAD : ROLE_DIM;
        pen_fmt(&p, "%+8.3f ", change);
        p.style = strcmp(how, "causal") ? ROLE_DIM : ROLE_GOOD;
        pen_fmt(&p, "%-13s", how);
        p.style = ROLE_DIM;
        pen_str(&p, "then ");
        p.style = ROLE_TEXT;
        pen_piece(&p, top, strlen(top));
    }
    if (r->n > 0)
        doc_say(d, 0, ROLE_DIM, "change of its log-probability, in nats");
    else
        doc_say(d, 0, ROLE_DIM, "Nothing was changed yet: A ablates every "
                 "layer in turn, and stores it.");
}

static void body(struct view *v, struct doc *d)
{
    const struct story *s = (const struct story *)v;
    struct pen p = doc_line(d, 0, ROLE_STRONG);

    pen_piece(&p, s->piece, strlen(s->piece));
    p.style = ROLE_DIM;
    pen_fmt(&p, "   %s:%d@%d", s->uid, v->at.path, v->at.pos);
    said(s, d);
    computed(s, d);
    lens(s, d);
    effects(s, d);
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "follow the line under the cursor", "open" },
    { 'a', CMD_HEADS, "where each head looked", "heads" },
    { ']', CMD_NEXT, "the next token's story", "next" },
    { '[', CMD_PREVIOUS, "the story of the token before", NULL },
    { 'L', CMD_LENS, "logit lens: what each layer would have said", "lens" },
    { 'A', CMD_ABLATE, "ablate: every layer in turn gives nothing", "ablate" },
    { 'B', CMD_FORK, "branch off: another path from here", "branch" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Story", defs };

static void move(struct view *v, int by)
{
    struct story *s = (struct story *)v;

    v->at.pos += by;
    read_token(s);
    if (!s->found) {
        v->at.pos -= by;
        tui_say(v->t, by > 0 ? "That was the last token."
                             : "That was the first token.");
    }
    load(v);
    v->text.top = v->text.at_link = 0;
}

static int cmd(struct view *v, enum tui_cmd c)
{
    switch (c) {
    case CMD_HEADS:    tui_push(v->t, &view_heads, v->at); return 1;
    case CMD_NEXT:     move(v, 1); return 1;
    case CMD_PREVIOUS: move(v, -1); return 1;
    default:           return act_at(v, c, v->at);
    }
}

const struct view_ops view_story = {
    .name = "story", .what = "all that is known of one token",
    .size = sizeof(struct story), .keys = &keys,
    .open = story_open, .close = story_close, .reload = load, .crumb = crumb,
    .body = body, .cmd = cmd
};
