#include "probe/ablate.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "probe/logits.h"

/* Timelines in one step: as many as its passes have logits for. */
enum { BATCH = 64, FIRST_TAG = 1000 };

struct ablate {
    struct prefix *p;
    struct engine *e;
    const struct ablate_opts *o;
    struct result *out;
    size_t n_layer, n_embd, n_att, n_vocab;
    double *head_sum, *block_sum;   /* [n_layer][n_att], [n_layer][n_embd] */
    float *head_mean, *block_mean;  /* the same over n_sum rows */
    float *before;              /* [n_embd] residual before the block */
    int64_t n_sum;
    float *base, *logits;       /* [n_vocab], [BATCH][n_vocab] */
    double base_lse;
    struct intervene *iv;       /* [own + BATCH]: the path's, then each
                                 * part's, for the timeline of its tag */
};

const char *ablate_how_name(enum ablate_how how)
{
    static const char *const name[] = { "zero", "mean", "patch", "mask",
                                        "recompute" };
    return name[how];
}

/* --- what parts give on average ------------------------------------------- */

/* Layers of a row come in order, so the residual before each is the last. */
static void on_event(void *ud, const struct hook_event *ev)
{
    struct ablate *a = ud;
    const float *v = ev->u.vec.v;

    if (ev->kind == HOOK_ATTENDED) {
        double *sum = a->head_sum + (size_t)ev->layer * a->n_att;

        for (size_t i = 0; i < a->n_att; i++)
            sum[i] += (double)v[i];
        return;
    }
    float *before = a->before + (size_t)ev->row * a->n_embd;
    if (ev->layer >= 0) {
        double *sum = a->block_sum + (size_t)ev->layer * a->n_embd;

        for (size_t i = 0; i < a->n_embd; i++)
            sum[i] += (double)v[i] - (double)before[i];
    } else {
        a->n_sum++;
    }
    memcpy(before, v, a->n_embd * sizeof *v);
}

static void divide(const double *sum, int64_t n, size_t count, float *mean)
{
    for (size_t i = 0; i < count; i++)
        mean[i] = (float)(sum[i] / (double)n);
}

/* Feeds the prefix, all of it but the row that is read. */
static enum sor_err feed_prefix(struct ablate *a, int with_means,
                                struct sor_msg *msg)
{
    size_t heads = a->n_layer * a->n_att, blocks = a->n_layer * a->n_embd;
    struct hook_observer watch = {
        .mask = 1u << HOOK_RESIDUAL | 1u << HOOK_ATTENDED, .ud = a,
        .on_event = on_event };
    enum sor_err err;

    if (!with_means)
        return prefix_feed(a->p, a->e, a->o->pos, NULL, NULL, msg);
    a->head_sum = mem_calloc(heads, sizeof *a->head_sum);
    a->block_sum = mem_calloc(blocks, sizeof *a->block_sum);
    a->head_mean = mem_calloc(heads, sizeof *a->head_mean);
    a->block_mean = mem_calloc(blocks, sizeof *a->block_mean);
    a->before = mem_calloc(HOOK_ROWS_MAX * a->n_embd, sizeof *a->before);
    if (!a->head_sum || !a->block_sum || !a->head_mean || !a->block_mean ||
        !a->before)
        return sor_fail(msg, SOR_NOMEM, "out of memory for the means");
    err = prefix_feed(a->p, a->e, a->o->pos, &watch, NULL, msg);
    if (!err && a->n_sum == 0)
        return sor_fail(msg, SOR_USAGE, "there is no row before position %d "
                        "to take a mean over", a->o->pos);
    if (!err) {
        divide(a->head_sum, a->n_sum, heads, a->head_mean);
        divide(a->block_sum, a->n_sum, blocks, a->block_mean);
    }
    return err;
}

/* --- the parts ------------------------------------------------------------ */

static void describe(const struct ablate *a, const struct ablate_part *part,
                     struct intervene *iv)
{
    size_t layer = (size_t)(part->layer < 0 ? 0 : part->layer);
    int mean = part->how == ABLATE_MEAN;

    *iv = (struct intervene){ .kind = INTERVENE_LAYER, .layer = part->layer,
                              .head = part->head, .from = a->o->pos,
                              .to = a->o->pos + 1 };
    if (part->how == ABLATE_MASK) {
        iv->kind = INTERVENE_MASK;
        iv->key_from = part->from;
        iv->key_to = part->to;
    } else if (part->how == ABLATE_PATCH) {
        iv->kind = INTERVENE_RESIDUAL;
        iv->vec = a->o->patch + (layer + 1) * a->n_embd;
    } else if (part->head >= 0) {
        iv->kind = INTERVENE_HEAD;
        if (mean)
            iv->vec = a->head_mean + layer * a->n_att +
                      (size_t)part->head *
                          engine_hparams(a->e)->head_dim;
    } else if (mean) {
        iv->vec = a->block_mean + layer * a->n_embd;
    }
}

/* The parts first..first+n-1 as one list for all their timelines, which then
 * run in one pass; returns its length. */
static int list_parts(struct ablate *a, int first, int n)
{
    int len = a->p->mask.n;

    for (int i = first; i < first + n; i++)
        if (a->o->part[i].how != ABLATE_RECOMPUTE) {
            describe(a, &a->o->part[i], &a->iv[len]);
            a->iv[len++].tag = FIRST_TAG + (uint64_t)i;
        }
    return len;
}

/* What the timeline of a part keeps of the prefix, and which token it is fed
 * first. */
static void cut(const struct ablate *a, const struct ablate_part *part,
                int *keep, int *next)
{
    int again = part->how == ABLATE_RECOMPUTE;

    *keep = again ? part->from : a->o->pos;
    *next = again ? part->to : a->o->pos;
}

/* As many parts from `first` on as fill a pass, at least one: more of them
 * would hold more KV at once and gain nothing. */
static int batch_size(const struct ablate *a, int first)
{
    int n = 0, rows = 0, keep, next;

    while (n < BATCH && first + n < a->o->n_part) {
        cut(a, &a->o->part[first + n], &keep, &next);
        rows += a->o->pos + 1 - next;
        if (n > 0 && rows > HOOK_ROWS_MAX)
            break;
        n++;
    }
    return n;
}

static void add_effect(struct ablate *a, const struct ablate_part *part,
                       const float *logits)
{
    struct sampler_stats st;
    struct sampler_alt top = { .id = 0 };

    sampler_stats(logits, (uint32_t)a->n_vocab, &st);
    sampler_top(logits, (uint32_t)a->n_vocab, st.lse, 1, &top);
    result_add(a->out, DB_EFFECT, &(struct db_effect){
        .how = ablate_how_name(part->how),
        .measured = part->how == ABLATE_RECOMPUTE ? "causal"
                                                  : "intervention",
        .layer = part->layer, .head = part->head, .span_from = part->from,
        .span_to = part->to,
        .kl = logits_kl((struct logits){ a->base, a->base_lse },
                        (struct logits){ logits, st.lse }, a->n_vocab),
        .logprob = (double)logits[a->out->head.token_id] - st.lse,
        .top_id = top.id });
}

/* A timeline that is altered as part i says and lacks only what is fed. */
static enum sor_err open_branch(struct ablate *a, int i, int n_iv,
                                struct engine_feed *feed, struct sor_msg *msg)
{
    int keep, next;
    enum sor_err err;

    cut(a, &a->o->part[i], &keep, &next);
    feed->tok = a->p->id + next;
    feed->n_tok = a->o->pos + 1 - next;
    feed->n_logits = 1;
    err = session_fork(a->p->s, FIRST_TAG + (uint64_t)i, keep, &feed->session,
                       msg);
    return err ? err : session_intervene(feed->session, a->iv, n_iv, msg);
}

static enum sor_err run_batch(struct ablate *a, int first, int n,
                              struct sor_msg *msg)
{
    struct engine_feed feed[BATCH] = { { .session = NULL } };
    int n_iv = list_parts(a, first, n);
    enum sor_err err = SOR_OK;

    for (int i = 0; i < n && !err; i++) {
        feed[i].logits = a->logits + (size_t)i * a->n_vocab;
        err = open_branch(a, first + i, n_iv, &feed[i], msg);
    }
    if (!err)
        err = engine_step(a->e, feed, n, msg);
    for (int i = 0; i < n; i++) {
        if (!err)
            add_effect(a, &a->o->part[first + i], feed[i].logits);
        session_close(feed[i].session);
    }
    return err;
}

/* --- all of them ---------------------------------------------------------- */

static enum sor_err read_base(struct ablate *a, struct sor_msg *msg)
{
    struct sampler_stats st;
    struct sampler_alt top = { .id = 0 };
    enum sor_err err = prefix_feed(a->p, a->e, a->o->pos + 1, NULL, a->base,
                                   msg);

    if (err)
        return err;
    sampler_stats(a->base, (uint32_t)a->n_vocab, &st);
    sampler_top(a->base, (uint32_t)a->n_vocab, st.lse, 1, &top);
    a->base_lse = st.lse;
    a->out->head.token_id = a->o->target >= 0 ? a->o->target : top.id;
    a->out->head.logprob =
        (double)a->base[a->out->head.token_id] - st.lse;
    return SOR_OK;
}

static enum sor_err run_all(struct ablate *a, struct sor_msg *msg)
{
    const struct ablate_opts *o = a->o;
    enum sor_err err = SOR_OK;

    for (int at = 0, n; at < o->n_part && !err; at += n) {
        if (o->cancelled && o->cancelled(o->ud))
            return sor_fail(msg, SOR_INTERRUPTED, "interrupted after %d of "
                            "%d", at, o->n_part);
        n = batch_size(a, at);
        err = run_batch(a, at, n, msg);
        if (o->progress)
            o->progress(o->ud, at + n, o->n_part);
    }
    return err;
}

static void release(struct ablate *a)
{
    mem_free(a->head_sum);
    mem_free(a->block_sum);
    mem_free(a->head_mean);
    mem_free(a->block_mean);
    mem_free(a->before);
    mem_free(a->base);
    mem_free(a->logits);
    mem_free(a->iv);
}

static int make_room(struct ablate *a)
{
    int own = a->p->mask.n;

    a->base = mem_calloc(a->n_vocab, sizeof *a->base);
    a->logits = mem_calloc(BATCH * a->n_vocab, sizeof *a->logits);
    a->iv = mem_calloc((size_t)own + BATCH, sizeof *a->iv);
    if (a->iv && own)
        memcpy(a->iv, a->p->mask.iv, (size_t)own * sizeof *a->iv);
    return a->base && a->logits && a->iv;
}

enum sor_err ablate_compute(struct prefix *p, struct engine *e,
                            const struct ablate_opts *o, struct result *out,
                            struct sor_msg *msg)
{
    const struct model_hparams *hp = engine_hparams(e);
    struct ablate a = {
        .p = p, .e = e, .o = o, .out = out, .n_layer = hp->n_layer,
        .n_embd = hp->n_embd, .n_att = hp->n_head * hp->head_dim,
        .n_vocab = hp->n_vocab };
    int with_means = 0;
    uint64_t start;
    enum sor_err err;

    for (int i = 0; i < o->n_part; i++)
        with_means |= o->part[i].how == ABLATE_MEAN;
    err = make_room(&a) ? feed_prefix(&a, with_means, msg)
                        : sor_fail(msg, SOR_NOMEM, "out of memory");
    start = clock_mono_ns();
    if (!err)
        err = read_base(&a, msg);
    if (!err)
        err = run_all(&a, msg);
    out->head.wall_ns = (int64_t)(clock_mono_ns() - start);
    release(&a);
    return err;
}
