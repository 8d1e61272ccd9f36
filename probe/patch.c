#include "probe/patch.h"

#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/intervene.h"

struct patch {
    struct engine *e;
    const struct patch_pair *pair;
    size_t n_layer, n_embd;
    float *resid;               /* [n_layer][n][n_embd] of the clean prompt */
    float *logits;              /* [n_vocab] */
};

static void keep(void *ud, const struct hook_event *ev)
{
    struct patch *p = ud;

    if (ev->layer >= 0)
        memcpy(p->resid + ((size_t)ev->layer * (size_t)p->pair->n +
                           (size_t)ev->pos) * p->n_embd,
               ev->u.vec.v, p->n_embd * sizeof *p->resid);
}

/* Logit of the right answer less that of the wrong one. */
static enum sor_err difference(struct patch *p, const int32_t *tok,
                               const struct intervene *iv, double *out,
                               struct sor_msg *msg)
{
    struct session *s = NULL;
    enum sor_err err = session_open(p->e, 1, p->pair->n, &s, msg);
    struct engine_feed f = { .session = s, .tok = tok, .n_tok = p->pair->n,
                             .n_logits = 1, .logits = p->logits };

    if (!err && iv)
        err = session_intervene(s, iv, 1, msg);
    if (!err)
        err = engine_step(p->e, &f, 1, msg);
    if (!err)
        *out = (double)p->logits[p->pair->right] -
               (double)p->logits[p->pair->wrong];
    session_close(s);
    return err;
}

static enum sor_err fill(struct patch *p, double *effect, struct sor_msg *msg)
{
    struct hook_observer watch = { .mask = 1u << HOOK_RESIDUAL, .ud = p,
                                   .on_event = keep };
    int n = p->pair->n;
    double clean = 0.0, corrupt = 0.0, now = 0.0;
    enum sor_err err = engine_observe(p->e, &watch, msg);

    if (!err)
        err = difference(p, p->pair->clean, NULL, &clean, msg);
    engine_observe(p->e, NULL, NULL);
    if (!err)
        err = difference(p, p->pair->corrupt, NULL, &corrupt, msg);
    if (!err && !(clean > corrupt))
        err = sor_fail(msg, SOR_USAGE, "the model does not tell the two "
                       "prompts apart (%.2f, %.2f)", clean, corrupt);
    for (size_t i = 0; i < p->n_layer * (size_t)n && !err; i++) {
        int pos = (int)(i % (size_t)n);
        struct intervene iv = {
            .kind = INTERVENE_RESIDUAL, .layer = (int)(i / (size_t)n),
            .from = pos, .to = pos + 1, .vec = p->resid + i * p->n_embd };

        err = difference(p, p->pair->corrupt, &iv, &now, msg);
        if (!err)
            effect[i] = (now - corrupt) / (clean - corrupt);
    }
    return err;
}

enum sor_err patch_map(struct engine *e, const struct patch_pair *pair,
                       double *effect, struct sor_msg *msg)
{
    const struct model_hparams *hp = engine_hparams(e);
    struct patch p = { .e = e, .pair = pair, .n_layer = hp->n_layer,
                       .n_embd = hp->n_embd };
    enum sor_err err;

    p.resid = mem_calloc(p.n_layer * (size_t)pair->n * p.n_embd,
                         sizeof *p.resid);
    p.logits = mem_calloc(hp->n_vocab, sizeof *p.logits);
    err = p.resid && p.logits ? fill(&p, effect, msg)
                              : sor_fail(msg, SOR_NOMEM, "out of memory for "
                                         "a patching map");
    mem_free(p.resid);
    mem_free(p.logits);
    return err;
}
