#include "probe/second.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "db/db.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "probe/prompt.h"
#include "trace/rec.h"

/* Rows between two looks at Ctrl-C, and logits held at once. */
enum { CHUNK = 64, TWIN_TAG = 1 << 20 };

struct view {
    const struct second *s;
    struct sor_msg *msg;
    struct rec *rec;
    struct str prompt, system, params;
    int has_system;
    struct str *text;           /* [n_text] */
    int n_text, n_path;
    struct tok_ids ids;         /* of the prompt */
    enum chat_kind chat;
    struct session *root;       /* path 0: the others share its prompt */
    float *logits;              /* [CHUNK + 1][n_vocab]; row 0: of the token
                                 * before the chunk */
    float *first;               /* [n_vocab] after the prompt */
    struct sampler_scratch scratch;
    uint64_t start_ns, prefilled_ns;
};

static uint64_t tag_of(int path) { return (uint64_t)path + 1; }

static int n_vocab(const struct view *v)
{
    return (int)engine_hparams(v->s->e)->n_vocab;
}

static enum sor_err no_memory(const struct view *v)
{
    return sor_fail(v->msg, SOR_NOMEM, "out of memory");
}

/* --- what is looked at --------------------------------------------------- */

static enum sor_err read_paths(struct view *v, struct db *d, int64_t run_id)
{
    struct db_cur *c = db_paths(d, run_id);
    struct db_path p;
    int i = 0;

    while (i < v->n_path && db_path_next(c, &p) > 0)
        str_puts(&v->text[i++], p.text ? p.text : "");
    v->n_path = i;
    return db_cur_close(c);
}

static enum sor_err read_run(struct view *v, struct db *d, const char *of)
{
    struct db_run r;
    struct json j;
    int64_t id;
    enum sor_err err = db_find_run(d, of, &id, v->msg);

    if (err)
        return err;
    if (db_get_run(d, id, &r) != 1 || !r.prompt)
        return sor_fail(v->msg, SOR_NOTFOUND, "run %.8s has no text", of);
    str_puts(&v->prompt, r.prompt);
    if ((v->has_system = r.system != NULL))
        str_puts(&v->system, r.system);
    json_init(&j, &v->params);
    json_obj(&j);
    json_key(&j, "view"), json_str(&j, "the local model's view");
    json_key(&j, "of"), json_str(&j, r.uid);
    json_end_obj(&j);
    if (!(v->text = mem_calloc((size_t)r.n_path + 1, sizeof *v->text)))
        return no_memory(v);
    v->n_text = v->n_path = r.n_path;
    for (int i = 0; i < v->n_text; i++)
        str_init(&v->text[i]);
    err = read_paths(v, d, id);
    return err ? sor_fail(v->msg, err, "run %.8s cannot be read", of)
               : SOR_OK;
}

static enum sor_err read_other(struct view *v, const char *of)
{
    struct db *d = NULL;
    enum sor_err err = db_open(v->s->db, &d, v->msg);

    if (!err)
        err = read_run(v, d, of);
    db_close(d);
    return err;
}

/* --- the recorder -------------------------------------------------------- */

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

/* Nothing is a marker here: the text is what the other model wrote. */
static enum sor_err open_recorder(struct view *v)
{
    const struct model_hparams *hp = engine_hparams(v->s->e);
    struct rec_opts o = {
        .level = REC_LAYERS, .n_layer = (int)hp->n_layer,
        .n_head = (int)hp->n_head, .n_head_kv = (int)hp->n_head_kv,
        .piece = piece,
        /* const is lost, but only piece() sees it again */
        .piece_ud = (void *)engine_tok(v->s->e),
        .cancelled = v->s->cancelled, .cancelled_ud = v->s->ud,
    };

    return rec_open(v->s->db, &o, &v->rec, v->msg);
}

static enum sor_err begin_run(struct view *v, char uid[33])
{
    const struct engine_info *info = engine_info(v->s->e);
    struct db_model model;
    struct str full;
    struct rec_run r = {
        .row = { .kind = "import", .chat = chat_kind_name(v->chat),
                 .route = "off", .kv_type = info->kv_type, .isa = info->isa,
                 .params = v->params.p, .n_prompt = (int)v->ids.n,
                 .n_path = v->n_path, .n_thread = info->n_thread,
                 .n_ctx = info->n_ctx, .temperature = 1.0, .top_p = 1.0 },
        .prompt = v->prompt.p, .system = v->has_system ? v->system.p : NULL,
        .model = &model, .part = v->s->id->part, .n_part = v->s->id->n_part };
    enum sor_err err;

    str_init(&full);
    model_id_row(v->s->id, v->s->e, &full, &model);
    err = rec_run_begin(v->rec, &r, uid, v->msg);
    str_release(&full);
    return err;
}

static enum sor_err begin_path(struct view *v, int i, int n_tok)
{
    int n = (int)v->ids.n;
    struct rec_path p = {
        .tag = tag_of(i), .ordinal = i, .kind = "score", .params = "{}",
        .parent_tag = i ? tag_of(0) : 0, .fork_pos = i ? n : 0,
        .text_from = n, .max_tok = n_tok,
    };

    return rec_path_begin(v->rec, &p, v->msg);
}

/* --- teacher forcing ----------------------------------------------------- */

/* One chunk, the logits of its last n_logits rows to `logits`. */
static enum sor_err step(struct view *v, const struct engine_feed *f)
{
    if (v->s->cancelled && v->s->cancelled(v->s->ud))
        return sor_fail(v->msg, SOR_INTERRUPTED, "interrupted");
    return engine_step(v->s->e, f, 1, v->msg);
}

/* The prompt; the logits after it to v->first. */
static enum sor_err feed_prompt(struct view *v)
{
    int n = (int)v->ids.n;
    enum sor_err err = SOR_OK;

    for (int at = 0, take; at < n && !err; at += take) {
        take = n - at < CHUNK ? n - at : CHUNK;
        struct engine_feed f = { .session = v->root, .tok = v->ids.id + at,
                                 .n_tok = take, .n_logits = at + take == n,
                                 .logits = v->first };

        err = step(v, &f);
    }
    return err;
}

/* The text, every row with its logits: attention is kept for such rows alone.
 * pick (may be NULL): what the model thought of each token before it saw it. */
static enum sor_err feed_text(struct view *v, struct session *s,
                              const struct tok_ids *text,
                              struct sampler_pick *pick)
{
    size_t width = (size_t)n_vocab(v);
    int n = (int)text->n;
    enum sor_err err = SOR_OK;

    memcpy(v->logits, v->first, width * sizeof *v->logits);
    for (int at = 0, take; at < n && !err; at += take) {
        take = n - at < CHUNK ? n - at : CHUNK;
        struct engine_feed f = { .session = s, .tok = text->id + at,
                                 .n_tok = take, .n_logits = take,
                                 .logits = v->logits + width };

        err = step(v, &f);
        for (int i = 0; pick && i < take && !err; i++)
            sampler_measure(v->logits + (size_t)i * width, text->id[at + i],
                            SAMPLER_TOP, &v->scratch, &pick[at + i]);
        memcpy(v->logits, v->logits + (size_t)take * width,
               width * sizeof *v->logits);
    }
    return err;
}

/* A twin of the timeline runs ahead unobserved, since a token's probability
 * must be told before its row goes in. */
static enum sor_err measure(struct view *v, struct session *s,
                            const struct tok_ids *text,
                            struct sampler_pick *pick)
{
    struct session *twin = NULL;
    enum sor_err err = session_fork(s, TWIN_TAG + session_tag(s),
                                    (int)v->ids.n, &twin, v->msg);

    if (!err)
        err = feed_text(v, twin, text, pick);
    session_close(twin);
    return err;
}

static void tell(struct view *v, struct session *s, int pos,
                 const struct sampler_pick *pick)
{
    int32_t id[SAMPLER_TOP];
    float logprob[SAMPLER_TOP];
    struct hook_event ev = { .kind = HOOK_TOKEN, .tag = session_tag(s),
                             .pos = pos, .row = -1, .layer = -1 };

    for (uint32_t i = 0; i < pick->n_top; i++) {
        id[i] = pick->top[i].id;
        logprob[i] = pick->top[i].logprob;
    }
    ev.u.token = (struct hook_token){
        .id = pick->id, .logprob = pick->logprob, .entropy = pick->entropy,
        .n_alt = (uint16_t)pick->n_top, .alt_id = id, .alt_logprob = logprob,
        .forced = 1,
    };
    engine_emit(v->s->e, &ev);
}

/* The prompt through path 0, recorded; the others fork from it. */
static enum sor_err open_session(struct view *v, int i, struct session **s)
{
    int n = (int)v->ids.n;
    enum sor_err err;

    if (i > 0)
        return session_fork(v->root, tag_of(i), n, s, v->msg);
    if ((err = session_open(v->s->e, tag_of(0), 0, &v->root, v->msg)) ||
        (err = engine_observe(v->s->e, rec_observer(v->rec), v->msg)) ||
        (err = feed_prompt(v)))
        return err;
    v->prefilled_ns = clock_mono_ns();
    *s = v->root;
    return SOR_OK;
}

static enum sor_err force(struct view *v, struct session *s,
                          const struct tok_ids *text)
{
    struct sampler_pick *pick = mem_alloc((text->n + 1) * sizeof *pick);
    enum sor_err err;

    if (!pick)
        return no_memory(v);
    engine_observe(v->s->e, NULL, NULL);
    err = measure(v, s, text, pick);
    if (!err)
        err = engine_observe(v->s->e, rec_observer(v->rec), v->msg);
    for (size_t i = 0; i < text->n && !err; i++)
        tell(v, s, (int)(v->ids.n + i), &pick[i]);
    if (!err)
        err = feed_text(v, s, text, NULL);
    mem_free(pick);
    return err;
}

static enum sor_err view_path(struct view *v, int i)
{
    size_t room = (size_t)engine_info(v->s->e)->n_ctx - v->ids.n;
    struct tok_ids text = { .n = 0 };
    struct session *s = NULL;
    int cut;
    enum sor_err err = tok_encode(engine_tok(v->s->e), v->text[i].p,
                                  v->text[i].len, 0, &text);

    if (err)
        return no_memory(v);
    cut = text.n > room;
    if (cut)
        text.n = room;
    if (!(err = begin_path(v, i, (int)text.n)) &&
        !(err = open_session(v, i, &s)))
        err = force(v, s, &text);
    rec_path_end(v->rec, tag_of(i), err ? "cancelled" : cut ? "context"
                                                            : "scored");
    if (s != v->root)
        session_close(s);
    tok_ids_release(&text);
    return err;
}

/* --- the whole ----------------------------------------------------------- */

static enum sor_err prepare(struct view *v)
{
    struct prompt p = { .text = v->prompt.p, .n = v->prompt.len,
                        .system = v->has_system ? v->system.p : NULL };
    size_t width = (size_t)n_vocab(v);
    enum sor_err err = prompt_encode(v->s->e, &p, &v->ids, &v->chat, v->msg);

    if (err)
        return err;
    if ((int)v->ids.n >= engine_info(v->s->e)->n_ctx)
        return sor_fail(v->msg, SOR_LIMIT, "the question has %zu tokens and "
                        "the context %d", v->ids.n,
                        engine_info(v->s->e)->n_ctx);
    v->logits = mem_calloc((CHUNK + 1) * width, sizeof *v->logits);
    v->first = mem_calloc(width, sizeof *v->first);
    if (!v->logits || !v->first)
        return no_memory(v);
    return sampler_scratch_init(&v->scratch, (uint32_t)width) ? no_memory(v)
                                                              : SOR_OK;
}

static enum sor_err record(struct view *v, char uid[33])
{
    enum sor_err err = begin_run(v, uid), ended;

    if (err)
        return err;
    v->start_ns = v->prefilled_ns = clock_mono_ns();
    for (int i = 0; i < v->n_path && !err; i++)
        err = view_path(v, i);
    engine_observe(v->s->e, NULL, NULL);
    ended = rec_run_end(v->rec, err ? "interrupted" : "complete",
                        (int64_t)(clock_mono_ns() - v->start_ns),
                        (int64_t)(v->prefilled_ns - v->start_ns),
                        err ? NULL : v->msg);
    return err ? err : ended;
}

static void release(struct view *v)
{
    session_close(v->root);
    rec_close(v->rec);
    for (int i = 0; i < v->n_text; i++)
        str_release(&v->text[i]);
    mem_free(v->text);
    tok_ids_release(&v->ids);
    mem_free(v->logits);
    mem_free(v->first);
    sampler_scratch_release(&v->scratch);
    str_release(&v->prompt);
    str_release(&v->system);
    str_release(&v->params);
}

enum sor_err second_opinion(const struct second *s, const char *of,
                            char uid[33], struct sor_msg *msg)
{
    struct view v = { .s = s, .msg = msg };
    enum sor_err err;

    str_init(&v.prompt);
    str_init(&v.system);
    str_init(&v.params);
    if (!(err = read_other(&v, of)) && !(err = prepare(&v)) &&
        !(err = open_recorder(&v)))
        err = record(&v, uid);
    release(&v);
    return err;
}
