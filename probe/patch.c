#include "probe/patch.h"

#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/intervene.h"

/* Timelines in one step: as many as its passes have logits for.  The tag of the
 * i-th is i + 1. */
enum { BATCH = 64 };

struct patch {
    struct engine *e;
    const struct patch_pair *pair;
    size_t n_layer, n_embd, n_vocab;
    float *resid;               /* [n_layer][n][n_embd] of the clean prompt */
    float *logits;              /* [BATCH][n_vocab] */
};

static void keep(void *ud, const struct hook_event *ev)
{
    struct patch *p = ud;

    if (ev->layer >= 0)
        memcpy(p->resid + ((size_t)ev->layer * (size_t)p->pair->n +
                           (size_t)ev->pos) * p->n_embd,
               ev->u.vec.v, p->n_embd * sizeof *p->resid);
}

/* out[n]: logit of the right answer less that of the wrong one after tok, on n
 * timelines; iv[n], or NULL: what each of them changes, by its tag. */
static enum sor_err differences(struct patch *p, const int32_t *tok,
                                const struct intervene *iv, int n,
                                double *out, struct sor_msg *msg)
{
    struct engine_feed feed[BATCH] = { { .session = NULL } };
    enum sor_err err = SOR_OK;

    for (int i = 0; i < n && !err; i++) {
        feed[i] = (struct engine_feed){
            .tok = tok, .n_tok = p->pair->n, .n_logits = 1,
            .logits = p->logits + (size_t)i * p->n_vocab };
        err = session_open(p->e, (uint64_t)i + 1, p->pair->n,
                           &feed[i].session, msg);
        if (!err && iv)
            err = session_intervene(feed[i].session, iv, n, msg);
    }
    if (!err)
        err = engine_step(p->e, feed, n, msg);
    for (int i = 0; i < n; i++) {
        if (!err)
            out[i] = (double)feed[i].logits[p->pair->right] -
                     (double)feed[i].logits[p->pair->wrong];
        session_close(feed[i].session);
    }
    return err;
}

/* Cells first..first+n-1 of the map: the corrupt prompt with one row of the
 * clean one's stream in each. */
static enum sor_err patch_cells(struct patch *p, size_t first, int n,
                                double *out, struct sor_msg *msg)
{
    struct intervene iv[BATCH];

    for (int i = 0; i < n; i++) {
        size_t cell = first + (size_t)i;
        int pos = (int)(cell % (size_t)p->pair->n);

        iv[i] = (struct intervene){
            .kind = INTERVENE_RESIDUAL, .tag = (uint64_t)i + 1,
            .layer = (int)(cell / (size_t)p->pair->n), .from = pos,
            .to = pos + 1, .vec = p->resid + cell * p->n_embd };
    }
    return differences(p, p->pair->corrupt, iv, n, out, msg);
}

static enum sor_err fill(struct patch *p, double *effect, struct sor_msg *msg)
{
    struct hook_observer watch = { .mask = 1u << HOOK_RESIDUAL, .ud = p,
                                   .on_event = keep };
    size_t total = p->n_layer * (size_t)p->pair->n;
    double clean = 0.0, corrupt = 0.0;
    enum sor_err err = engine_observe(p->e, &watch, msg);

    if (!err)
        err = differences(p, p->pair->clean, NULL, 1, &clean, msg);
    engine_observe(p->e, NULL, NULL);
    if (!err)
        err = differences(p, p->pair->corrupt, NULL, 1, &corrupt, msg);
    if (!err && !(clean > corrupt))
        err = sor_fail(msg, SOR_USAGE, "the model does not tell the two "
                       "prompts apart (%.2f, %.2f)", clean, corrupt);
    for (size_t at = 0; at < total && !err; at += BATCH)
        err = patch_cells(p, at, total - at < BATCH ? (int)(total - at)
                                                    : BATCH,
                          effect + at, msg);
    for (size_t i = 0; i < total && !err; i++)
        effect[i] = (effect[i] - corrupt) / (clean - corrupt);
    return err;
}

enum sor_err patch_map(struct engine *e, const struct patch_pair *pair,
                       double *effect, struct sor_msg *msg)
{
    const struct model_hparams *hp = engine_hparams(e);
    struct patch p = { .e = e, .pair = pair, .n_layer = hp->n_layer,
                       .n_embd = hp->n_embd, .n_vocab = hp->n_vocab };
    enum sor_err err;

    p.resid = mem_calloc(p.n_layer * (size_t)pair->n * p.n_embd,
                         sizeof *p.resid);
    p.logits = mem_alloc(BATCH * p.n_vocab * sizeof *p.logits);
    err = p.resid && p.logits ? fill(&p, effect, msg)
                              : sor_fail(msg, SOR_NOMEM, "out of memory for "
                                         "a patching map");
    mem_free(p.resid);
    mem_free(p.logits);
    return err;
}
