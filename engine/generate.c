/* engine/generate.c - see generate.h. */
#include "engine/generate.h"

#include "base/mem.h"
#include "engine/hparams.h"
#include "engine/pool.h"
#include "engine/tok.h"

enum { MAX_PATHS = 64, N_ALT = 5 };     /* alternatives that a token records */

struct gen {
    struct engine *e;
    struct gen_path *path;
    int n_path;
    uint32_t n_vocab;
    struct sampler_scratch scratch[POOL_MAX_THREADS];
    struct sampler_pick pick[MAX_PATHS];
    int open[MAX_PATHS], n_open;        /* paths that still run */
};

static void pick_task(void *ctx, int i, int thread)
{
    struct gen *g = ctx;
    struct gen_path *p = &g->path[g->open[i]];

    sampler_pick(p->sampler, p->logits, N_ALT, &g->scratch[thread],
                 &g->pick[g->open[i]]);
}

static void tell(struct gen *g, const struct gen_path *p,
                 const struct sampler_pick *pick)
{
    int32_t id[SAMPLER_TOP];
    float logprob[SAMPLER_TOP];
    struct hook_event ev = {
        .kind = HOOK_TOKEN, .tag = session_tag(p->session),
        .pos = session_len(p->session), .row = -1, .layer = -1,
    };

    for (uint32_t i = 0; i < pick->n_top; i++) {
        id[i] = pick->top[i].id;
        logprob[i] = pick->top[i].logprob;
    }
    ev.u.token = (struct hook_token){
        .id = pick->id, .logprob = pick->logprob, .entropy = pick->entropy,
        .n_alt = (uint16_t)pick->n_top, .alt_id = id, .alt_logprob = logprob,
    };
    engine_emit(g->e, &ev);
}

/* Takes the pick of path i; sets p->stop where it was the last. */
static void take(struct gen *g, int i, const struct gen_opts *opts)
{
    struct gen_path *p = &g->path[i];
    const struct sampler_pick *pick = &g->pick[i];

    tell(g, p, pick);
    p->out[p->n_out++] = pick->id;
    if (tok_is_eog(engine_tok(g->e), pick->id))
        p->stop = GEN_EOG;
    else if (p->n_out >= p->max_tok)
        p->stop = GEN_LENGTH;
    else if (session_len(p->session) >= engine_info(g->e)->n_ctx)
        p->stop = GEN_CONTEXT;
    if (opts->on_token && opts->on_token(opts->ud, i, pick->id, pick->logprob)
        && p->stop == GEN_RUNNING)
        p->stop = GEN_CANCELLED;
}

/* One token for every open path: choose, tell, feed. */
static enum sor_err advance(struct gen *g, const struct gen_opts *opts,
                            struct sor_msg *msg)
{
    struct engine_feed feed[MAX_PATHS];
    int n = 0;

    pool_run(engine_pool(g->e), g->n_open, pick_task, g);
    for (int i = 0; i < g->n_open; i++) {
        struct gen_path *p = &g->path[g->open[i]];

        take(g, g->open[i], opts);
        if (p->stop != GEN_RUNNING)
            continue;
        feed[n] = (struct engine_feed){
            .session = p->session, .tok = &p->out[p->n_out - 1], .n_tok = 1,
            .n_logits = 1, .logits = p->logits,
        };
        g->open[n++] = g->open[i];
    }
    g->n_open = n;
    return n ? engine_step(g->e, feed, n, msg) : SOR_OK;
}

static enum sor_err begin(struct gen *g, struct sor_msg *msg)
{
    for (int i = 0; i < pool_threads(engine_pool(g->e)); i++)
        if (sampler_scratch_init(&g->scratch[i], g->n_vocab))
            return sor_fail(msg, SOR_NOMEM, "sampler: out of memory");
    for (int i = 0; i < g->n_path; i++) {
        struct gen_path *p = &g->path[i];

        p->n_out = 0;
        p->stop = p->max_tok > 0 ? GEN_RUNNING : GEN_LENGTH;
        if (p->stop == GEN_RUNNING)
            g->open[g->n_open++] = i;
    }
    return SOR_OK;
}

enum sor_err gen_run(struct engine *e, struct gen_path *path, int n_path,
                     const struct gen_opts *opts, struct sor_msg *msg)
{
    struct gen *g;
    enum sor_err err;

    if (n_path < 0 || n_path > MAX_PATHS)
        return sor_fail(msg, SOR_LIMIT, "%d paths asked for; at most %d run "
                        "together", n_path, MAX_PATHS);
    g = mem_calloc(1, sizeof *g);
    if (!g)
        return sor_fail(msg, SOR_NOMEM, "paths: out of memory");
    g->e = e;
    g->path = path;
    g->n_path = n_path;
    g->n_vocab = engine_hparams(e)->n_vocab;
    err = begin(g, msg);
    while (!err && g->n_open > 0) {
        if (opts->cancelled && opts->cancelled(opts->ud))
            break;
        err = advance(g, opts, msg);
    }
    for (int i = 0; i < n_path; i++)
        if (path[i].stop == GEN_RUNNING)
            path[i].stop = GEN_CANCELLED;
    for (int i = 0; i < POOL_MAX_THREADS; i++)
        sampler_scratch_release(&g->scratch[i]);
    mem_free(g);
    return err;
}
