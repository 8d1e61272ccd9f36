/* engine/generate.h - decoding loops over many timelines at once.
 *
 * One call drives N paths to their end: every pass advances each path that is
 * still open by one token (continuous batching: a path that stops leaves the
 * batch).  HOOK_TOKEN is emitted for every token chosen. */
#ifndef ENGINE_GENERATE_H
#define ENGINE_GENERATE_H

#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "engine/sampler.h"

enum gen_stop {
    GEN_RUNNING,
    GEN_EOG,                /* the model ended its turn */
    GEN_LENGTH,             /* max_tok reached */
    GEN_CONTEXT,            /* n_ctx reached */
    GEN_CANCELLED           /* on_token said stop, or the caller did */
};

struct gen_path {
    struct session *session;/* holds the prompt; advanced by the loop */
    struct sampler *sampler;
    int max_tok;            /* new tokens at most */
    float *logits;          /* [n_vocab]: the logits after the prompt on entry;
                             * overwritten by the loop */
    /* filled by the loop */
    int32_t *out;           /* [max_tok], the caller's: chosen ids, the
                             * end-of-generation token included */
    int n_out;
    enum gen_stop stop;
};

struct gen_opts {
    void *ud;
    /* Called after every token of every path, in path order; non-zero ends
     * that path.  May be NULL. */
    int (*on_token)(void *ud, int path, int32_t id, float logprob);
    /* Polled between passes; non-zero ends all paths as GEN_CANCELLED. */
    int (*cancelled)(void *ud);
};

/* 0 <= n_path <= 64. */
enum sor_err gen_run(struct engine *e, struct gen_path *path, int n_path,
                     const struct gen_opts *opts, struct sor_msg *msg);

#endif
