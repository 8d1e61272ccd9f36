/* engine/forward.h - one pass of some rows through the network.
 *
 * A row is one token of one timeline.  Rows of one timeline are neighbours and
 * in order; rows of several timelines may share a pass.  Nothing about a row's
 * result depends on the others: see kern.h.
 *
 * Ownership  struct forward is the caller's; its scratch is allocated by
 *            forward_init() and forward_observe(), never inside a pass.
 * Threads    one pass at a time; the pool works inside. */
#ifndef ENGINE_FORWARD_H
#define ENGINE_FORWARD_H

#include <stdint.h>

#include "base/err.h"
#include "engine/exit.h"
#include "engine/hook.h"
#include "engine/hparams.h"
#include "engine/intervene.h"
#include "engine/kern.h"
#include "engine/kv.h"
#include "engine/lora.h"
#include "engine/pool.h"
#include "engine/route.h"
#include "engine/weights.h"

enum {
    FORWARD_ROWS = HOOK_ROWS_MAX,   /* rows in a pass */
    FORWARD_LOGITS = 64             /* of which so many may want logits */
};

/* KV blocks that the first n_pos positions fill. */
static inline int forward_blocks(int n_pos)
{
    return (n_pos + KERN_KVBLOCK - 1) / KERN_KVBLOCK;
}

struct forward_row {
    int32_t id, pos;
    uint64_t tag;
    const int32_t *block;   /* the timeline's block table, pos / 16 included */
    float *logits;          /* [n_vocab], or NULL: not wanted */
    const struct lora_set *lora;    /* the same for all rows of a pass; NULL:
                                     * no adapter */
    const struct intervene *iv;     /* [n_iv], likewise */
    int n_iv;
    int blas;               /* likewise: the layers' products by OpenBLAS */
    int n_layer;            /* likewise: so many layers, and no events; 0: all */
    uint8_t is_draft;       /* see hook_row */
    /* A row that may leave early is alone in its pass. */
    const struct exit_rule *exit;   /* NULL: it may not */
    int depth;              /* layers that it goes through; 0: the rule says */
    const struct route *route;      /* NULL: routing is off */
    const struct route_decision *decision;  /* what mode was made from */
    uint8_t mode, reason;   /* enum hook_mode, hook_reason; full, by policy
                             * where routing is off */
    uint8_t is_guarded;     /* it wants logits, and forward_unsure() is asked */
};

/* 1 where the row leaves out some block in some layer. */
static inline int forward_leaves_out(const struct forward_row *r)
{
    return r->route && r->mode != HOOK_FULL &&
           forward_blocks(r->pos + 1) > r->route->least[r->mode];
}

struct forward_parts {      /* what a pass works with; all borrowed */
    const struct model_hparams *hp;
    const struct weights *w;
    const struct kern_table *kern;
    struct pool *pool;
    struct kv *kv;
    enum kern_kvtype kv_type;
    int narrow;                 /* as in struct engine_opts */
    int n_ctx;
};

struct forward;

enum sor_err forward_open(const struct forward_parts *parts,
                          struct forward **out, struct sor_msg *msg);
void forward_close(struct forward *f);          /* accepts NULL */

/* Watches later passes; allocates what the mask needs. */
enum sor_err forward_observe(struct forward *f, const struct hook_observer *o,
                             struct sor_msg *msg);
void forward_emit(struct forward *f, struct hook_event *ev);

/* Rows and rows with logits that a pass may hold under the observer's mask. */
int forward_max_rows(const struct forward *f);
int forward_max_logits(const struct forward *f);

/* Makes room for the adapters of a set. */
enum sor_err forward_adapt(struct forward *f, const struct lora_set *set,
                           struct sor_msg *msg);

/* Checks a list of interventions and makes room for them. */
enum sor_err forward_intervene(struct forward *f, const struct intervene *iv,
                               int n, struct sor_msg *msg);

/* Makes room for passes with OpenBLAS; see blas.h for its errors.  SOR_UNSUP
 * also: a matrix of a layer is quantised. */
enum sor_err forward_blas(struct forward *f, struct sor_msg *msg);

/* Keeps hulls from now on, and makes room for routed rows. */
enum sor_err forward_route(struct forward *f, struct sor_msg *msg);
/* 1 where `row` of the pass before was guarded and its logits are unsure: the
 * row is void, and nobody was told that it ended. */
int forward_unsure(const struct forward *f, int row);

/* Logits of residual streams: row i of resid[n][n_embd] -> logits[i], n <=
 * FORWARD_LOGITS.  Uses the scratch of a pass. */
void forward_unembed(struct forward *f, const float *resid, int n,
                     float *logits);
/* out[n_embd] = Wo of `layer` times mid[n_head * head_dim]. */
void forward_project(struct forward *f, int layer, const float *mid,
                     float *out);

/* Computes K/V for every row and logits where wanted.  The blocks that rows
 * write must not be shared.  n <= forward_max_rows(). */
void forward_run(struct forward *f, const struct forward_row *row, int n);

#endif
