/* cli/cmd_score.c - what the model says of given tokens: JSON Lines in, one
 * object of distributions out for each.
 *
 * Position p predicts token p + 1.  Logarithms are natural; the denominator
 * of the softmax is summed in double in the order of the vocabulary
 * (sampler_stats()), so the figures depend on the logits alone. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/routing.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "probe/adapters.h"
#include "probe/model_id.h"

enum { CHUNK = 128 };       /* rows whose logits are held at a time */

static struct {
    int top, layers, chunk, n_ctx, kv, acts, guard;
    double rope_scale;
    const char *lora;
    struct routing_opts route;
} opt = { .top = 10, .chunk = CHUNK, .route = ROUTING_OPTS };

static const struct opt_spec opts[] = {
    { 0, "top", "K", OPT_INT, &opt.top, "likeliest tokens shown (10)",
      0, 100000 },
    { 0, "layers", NULL, OPT_FLAG, &opt.layers,
      "L2 norm of the residual stream after each layer", 0, 0 },
    { 0, "chunk", "N", OPT_INT, &opt.chunk,
      "tokens fed at a time (128); changes no figure", 1, 4096 },
    { 0, "ctx", "N", OPT_INT, &opt.n_ctx, "longest input in tokens", 1,
      1 << 24 },
    { 0, "kv", "f16|q8", OPT_WORD, &opt.kv,
      "how keys and values are kept (f16)", 0, 0 },
    { 0, "acts", "16|8", OPT_WORD, &opt.acts,
      "bits of activations; 8 is quicker and less exact", 0, 0 },
    { 0, "lora", "FILE[:SCALE],...", OPT_STR, &opt.lora,
      "adapters to add to the model", 0, 0 },
    { 0, "route", ROUTING_WORDS, OPT_WORD, &opt.route.choice,
      "which keys tokens read (off: all); adds \"routing\"", 0, 0 },
    ROUTING_FLAGS(opt.route),
    { 0, "rope-scale", "X", OPT_NUM, &opt.rope_scale,
      "divide positions, for contexts over the trained length", 1, 1024 },
    { 0, "guard", NULL, OPT_FLAG, &opt.guard,
      "unsure tokens again in full, as in decoding; a token a pass", 0, 0 },
    OPT_END
};

/* What routing did to a line, summed over tokens, layers and groups. */
struct routed {
    int64_t token[HOOK_FULL + 1], escalated;
    double read, compared, all;     /* blocks; all: what full reads */
};

struct scorer {
    struct cli *cli;
    struct engine *engine;
    const struct tok *tok;
    uint32_t n_vocab, n_layer;
    float *logits;          /* [chunk][n_vocab] */
    struct sampler_alt *top;/* [opt.top] */
    float *norm;            /* [chunk][n_layer], of the chunk at norm_pos */
    int norm_pos;
    int nan_layer, nan_pos; /* where NaN or infinity came first; -1: nowhere */
    struct tok_ids ids;     /* of the line at hand */
    struct json_source line;    /* the one in work */
    const char *where;      /* its file and line */
    double nll;             /* sum over predicted tokens, nats */
    struct str text;        /* scratch, and the line going out */
    struct json json;
    struct progress bar;
    uint64_t n_done, n_line;
    struct routed routed;   /* of the line */
};

static void on_event(void *ud, const struct hook_event *ev)
{
    struct scorer *s = ud;
    int row = ev->pos - s->norm_pos;

    if (ev->kind == HOOK_ROUTE) {
        const struct hook_route *u = &ev->u.route;
        struct routed *r = &s->routed;

        r->token[u->mode] += ev->layer == 0;
        r->escalated += ev->layer == 0 && u->reason == HOOK_BY_GUARD;
        r->read += u->blocks_read;
        r->compared += u->compared;
        if (u->reason != HOOK_BY_GUARD)     /* that is the second time */
            r->all += engine_hparams(s->engine)->n_head_kv *
                      (double)(ev->pos / HOOK_BLOCK + 1);
        return;
    }
    if (ev->kind == HOOK_ROW && ev->u.row.nan_layer >= 0 && s->nan_pos < 0) {
        s->nan_layer = ev->u.row.nan_layer;
        s->nan_pos = ev->pos;
    }
    if (ev->kind == HOOK_LAYER && row >= 0 && row < opt.chunk)
        s->norm[(size_t)row * s->n_layer + (size_t)ev->layer] =
            ev->u.layer.norm_out;
}

/* --- a line in ----------------------------------------------------------- */

static enum sor_err take_tokens(struct scorer *s, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list) {
        double v = cJSON_IsNumber(item) ? item->valuedouble : -1;

        if (v < 0 || v >= s->n_vocab || v != floor(v))
            return sor_fail(&s->cli->msg, SOR_FORMAT, "%s: \"tokens\"[%zu] is "
                            "no token id (0 to %u)", s->where, s->ids.n,
                            s->n_vocab - 1);
        if (tok_ids_push(&s->ids, (int32_t)v) != SOR_OK)
            return sor_fail(&s->cli->msg, SOR_NOMEM, "%s: out of memory",
                            s->where);
    }
    return SOR_OK;
}

static enum sor_err take_text(struct scorer *s, const cJSON *text)
{
    enum sor_err err;

    str_clear(&s->text);
    json_text(text, &s->text);
    err = str_ok(&s->text) ? tok_encode(s->tok, s->text.p, s->text.len,
                                        TOK_SPECIAL, &s->ids) : SOR_NOMEM;
    return err ? sor_fail(&s->cli->msg, err, "%s: cannot be tokenized: %s",
                          s->where, sor_err_text(err)) : SOR_OK;
}

/* Fills s->ids from {"tokens":[..]} or {"text":".."}. */
static enum sor_err take_line(struct scorer *s, const cJSON *line)
{
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(line, "tokens");
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(line, "text");
    int n_ctx = engine_info(s->engine)->n_ctx;
    enum sor_err err;

    s->ids.n = 0;
    if (tokens && text)
        err = sor_fail(&s->cli->msg, SOR_FORMAT, "%s: both \"tokens\" and "
                       "\"text\": which is meant?", s->where);
    else if (cJSON_IsArray(tokens))
        err = take_tokens(s, tokens);
    else if (!tokens && cJSON_IsString(text))
        err = take_text(s, text);
    else
        err = sor_fail(&s->cli->msg, SOR_FORMAT, "%s: not an object with "
                       "\"tokens\":[ids] or \"text\":\"..\"", s->where);
    if (!err && s->ids.n > (size_t)n_ctx)
        err = sor_fail(&s->cli->msg, SOR_LIMIT, "%s: %zu tokens are over the "
                       "context of %d", s->where, s->ids.n, n_ctx);
    return err;
}

/* --- a line out ---------------------------------------------------------- */

static void put_id(struct scorer *s)
{
    json_key(&s->json, "id");
    json_echo_member(&s->json, &s->line, "id");
}

static void put_top(struct scorer *s, const float *logits, double lse)
{
    struct json *j = &s->json;
    uint32_t n = sampler_top(logits, s->n_vocab, lse, (uint32_t)opt.top,
                             s->top);

    json_key(j, "top");
    json_arr(j);
    for (uint32_t i = 0; i < n; i++) {
        size_t len;
        const char *piece = tok_piece(s->tok, s->top[i].id, &len);

        json_obj(j);
        json_key(j, "id");
        json_int(j, s->top[i].id);
        json_key(j, "token");
        json_strn(j, piece, len);
        json_key(j, "logprob");
        json_num(j, s->top[i].logprob);
        json_end_obj(j);
    }
    json_end_arr(j);
}

static enum sor_err not_finite(struct scorer *s, int pos)
{
    char layer[32] = "after the last layer";

    if (s->nan_layer >= 0)
        snprintf(layer, sizeof layer, "after layer %d", s->nan_layer);
    return sor_fail(&s->cli->msg, SOR_FORMAT, "%s: NaN or infinity %s at "
                    "position %d: nothing can be scored%s", s->where, layer,
                    pos, opt.lora ? "; a smaller scale of --lora may help"
                                  : "");
}

static enum sor_err put_position(struct scorer *s, int pos,
                                 const float *logits, const float *norm)
{
    struct json *j = &s->json;
    struct sampler_stats st;

    sampler_stats(logits, s->n_vocab, &st);
    if (st.n_nan || pos == s->nan_pos)
        return not_finite(s, pos);
    json_obj(j);
    json_key(j, "pos");
    json_int(j, pos);
    json_key(j, "entropy");
    json_num(j, st.entropy);
    put_top(s, logits, st.lse);
    if (opt.layers) {
        json_key(j, "resid_norm");
        json_arr(j);
        for (uint32_t i = 0; i < s->n_layer; i++)
            json_num(j, norm[i]);
        json_end_arr(j);
    }
    json_end_obj(j);
    if ((size_t)pos + 1 < s->ids.n)
        s->nll -= logits[s->ids.id[pos + 1]] - st.lse;
    return SOR_OK;
}

/* Feeds the line's tokens, chunk by chunk, and writes each position. */
static enum sor_err put_positions(struct scorer *s, struct session *session)
{
    enum sor_err err = SOR_OK;
    int n = (int)s->ids.n;

    for (int at = 0; !err && at < n; at += opt.chunk) {
        int rows = n - at < opt.chunk ? n - at : opt.chunk;
        struct engine_feed feed = { .session = session, .tok = s->ids.id + at,
                                    .n_tok = rows, .n_logits = rows,
                                    .logits = s->logits };

        if (cli_stopped())
            return sor_fail(&s->cli->msg, SOR_INTERRUPTED, "interrupted");
        s->norm_pos = at;
        err = engine_step(s->engine, &feed, 1, &s->cli->msg);
        for (int i = 0; !err && i < rows; i++)
            err = put_position(s, at + i, s->logits + (size_t)i * s->n_vocab,
                               s->norm + (size_t)i * s->n_layer);
        s->n_done += (uint64_t)rows;
        progress_set(&s->bar, s->n_done);
    }
    return err;
}

static void put_number(struct json *j, const char *key, double v)
{
    json_key(j, key);
    json_num(j, v);
}

/* A token that the guard sent to full did the work of both and counts in both
 * modes. */
static void put_routing(struct scorer *s)
{
    const struct routed *r = &s->routed;
    const struct model_hparams *hp = engine_hparams(s->engine);
    struct route_work did = route_work(hp, opt.kv, r->read, r->compared);
    struct route_work all = route_work(hp, opt.kv, r->all, 0.0);
    struct json *j = &s->json;

    json_key(j, "routing");
    json_obj(j);
    json_key(j, "tokens");
    json_obj(j);
    for (int m = 0; m <= HOOK_FULL; m++)
        put_number(j, route_mode_name(m), (double)r->token[m]);
    json_end_obj(j);
    put_number(j, "escalated", (double)r->escalated);
    put_number(j, "attention_macs", did.macs);
    put_number(j, "attention_macs_full", all.macs);
    put_number(j, "kv_bytes", did.bytes);
    put_number(j, "kv_bytes_full", all.bytes);
    json_end_obj(j);
}

static enum sor_err put_line(struct scorer *s, struct session *session)
{
    struct json *j = &s->json;
    size_t predicted = s->ids.n ? s->ids.n - 1 : 0;
    enum sor_err err;

    str_clear(&s->text);
    json_init(j, &s->text);
    s->nll = 0;
    s->routed = (struct routed){ .read = 0.0 };
    s->nan_layer = s->nan_pos = -1;
    json_obj(j);
    put_id(s);
    json_key(j, "tokens");
    json_arr(j);
    for (size_t i = 0; i < s->ids.n; i++)
        json_int(j, s->ids.id[i]);
    json_end_arr(j);
    json_key(j, "positions");
    json_arr(j);
    err = put_positions(s, session);
    json_end_arr(j);
    json_key(j, "nll");
    json_num(j, predicted ? s->nll / (double)predicted : NAN);
    json_key(j, "ppl");
    json_num(j, predicted ? exp(s->nll / (double)predicted) : NAN);
    if (opt.route.choice)
        put_routing(s);
    json_end_obj(j);
    str_putc(&s->text, '\n');
    if (!err && !str_ok(&s->text))
        err = sor_fail(&s->cli->msg, SOR_NOMEM, "%s: out of memory", s->where);
    return err;
}

static enum sor_err score_line(struct scorer *s, const struct str *line)
{
    struct session *session = NULL;
    cJSON *tree = NULL;
    FILE *to = cli_out(s->cli);
    enum sor_err err;

    if (!to)
        return SOR_IO;
    err = json_parse_nul(line->p, line->len, s->where, &tree, &s->cli->msg);
    s->line = (struct json_source){ line->p, line->len, tree };
    err = err ? err : take_line(s, tree);
    err = err ? err : session_open(s->engine, ++s->n_line, (int)s->ids.n,
                                   &session, &s->cli->msg);
    err = err ? err : put_line(s, session);
    if (!err && (fwrite(s->text.p, 1, s->text.len, to) != s->text.len ||
                 fflush(to) != 0))
        err = sor_fail(&s->cli->msg, SOR_IO, "cannot write: %s",
                       strerror(errno));
    session_close(session);
    cJSON_Delete(tree);
    return err;
}

/* --- the command --------------------------------------------------------- */

static enum sor_err open_route(struct scorer *s)
{
    struct model_id id = { .n_part = 0 };
    struct route *r = NULL;
    enum sor_err err = model_id_read(cli_model(s->cli), &id, &s->cli->msg);

    if (!err)
        err = routing_open(s->cli, s->engine, id.sha256, &opt.route, &r);
    if (!err && !opt.guard)
        r->unsure_entropy = r->unsure_margin = 0.0f;
    model_id_release(&id);
    return err ? err : engine_give_route(s->engine, r, &s->cli->msg);
}

static enum sor_err open_scorer(struct scorer *s)
{
    struct engine_opts o = { .n_thread = s->cli->threads, .n_ctx = opt.n_ctx,
                             .kv_type = opt.kv, .narrow = opt.acts,
                             .rope_scale = opt.rope_scale };
    enum sor_err err = engine_open(cli_model(s->cli), &o, &s->engine,
                                   &s->cli->msg);

    if (!err && opt.lora)
        err = adapters_open(s->engine, opt.lora, NULL, &s->cli->msg);
    if (!err && opt.route.choice)
        err = open_route(s);
    if (err)
        return err;
    s->tok = engine_tok(s->engine);
    s->n_vocab = engine_hparams(s->engine)->n_vocab;
    s->n_layer = engine_hparams(s->engine)->n_layer;
    if ((uint32_t)opt.top > s->n_vocab)
        opt.top = (int)s->n_vocab;
    s->logits = mem_calloc((size_t)opt.chunk * s->n_vocab, sizeof *s->logits);
    s->norm = mem_calloc((size_t)opt.chunk * s->n_layer, sizeof *s->norm);
    s->top = mem_calloc((size_t)opt.top, sizeof *s->top);
    if (!s->logits || !s->norm || !s->top)
        return sor_fail(&s->cli->msg, SOR_NOMEM, "logits of %d tokens: out of "
                        "memory; try a smaller --chunk", opt.chunk);
    return SOR_OK;
}

static void close_scorer(struct scorer *s)
{
    tok_ids_release(&s->ids);
    str_release(&s->text);
    mem_free(s->top);
    mem_free(s->norm);
    mem_free(s->logits);
    engine_close(s->engine);
}

static enum sor_err run(struct cli *cli)
{
    struct scorer s = { .cli = cli };
    unsigned routes = opt.route.choice != 0, layers = opt.layers != 0;
    struct hook_observer watch = {
        1u << HOOK_ROW | routes << HOOK_ROUTE | layers << HOOK_LAYER, &s,
        on_event };
    struct input in = { 0 };
    enum sor_err err = routing_settle(cli, &opt.route);

    str_init(&s.text);
    err = err ? err : input_open(&in, cli->argv[0], &cli->msg);
    err = err ? err : open_scorer(&s);
    if (!err) {
        cli_catch_signals();
        err = engine_observe(s.engine, &watch, &cli->msg);
        s.where = in.where;
        progress_begin(&s.bar, cli, "scoring", "tokens", 0);
        while (!err && input_next(&in, &err, &cli->msg) == 1)
            err = score_line(&s, &in.text);
        progress_end(&s.bar);
        if (cli_stopped() && err != SOR_OK)
            err = SOR_INTERRUPTED;
    }
    input_close(&in);
    close_scorer(&s);
    return err;
}

const struct cmd cmd_score = {
    .name = "score", .operands = "FILE|-", .min = 1, .max = 1,
    .summary = "what the model says of given tokens",
    .text = "Reads JSON Lines {\"id\":..,\"tokens\":[..]} or {\"id\":..,"
            "\"text\":\"..\"}; special tokens in text are parsed.  Position p "
            "predicts token p+1; natural logarithms.",
    .opts = opts, .run = run
};
