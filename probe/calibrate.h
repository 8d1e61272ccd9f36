/* probe/calibrate.h - what a routing policy may leave out of a model, measured
 * on a text.
 *
 *   1. Behind a long context, each KV group alone reads few blocks, and what
 *      that does to the predictions (KL from the full ones) ranks the groups.
 *   2. The cheapest budgets with which `sparse` stays within the target, and
 *      `hybrid` within half of it, are those of the policy.
 *   3. A second stretch of text is read in full, sparse and hybrid side by
 *      side: the parts of the complexity score are weighted by how well they
 *      foretell what sparseness costs a block, and the thresholds are set where
 *      the blocks below them keep to the targets; three quarters of the blocks
 *      at most are sparse, and one in twenty is full, however cheap all are.
 *   4. The guard's limits are what the most uncertain and the closest calls of
 *      the sparse reading exceed.
 *
 * The mean KL in nats is the logarithm by which perplexity would grow on text
 * that the full model itself describes rightly; it has far less noise than the
 * perplexity of the text at hand.
 *
 * Threads  one caller; computes on the engine's threads. */
#ifndef PROBE_CALIBRATE_H
#define PROBE_CALIBRATE_H

#include <stdint.h>

#include "base/err.h"
#include "engine/route.h"

struct engine;

struct calibrate_opts {
    const int32_t *id;          /* [n_id] the text */
    int n_id;                   /* where twice as many are there as are read,
                                 * the second stretch is of other text */
    int n_context;              /* tokens before those that are measured */
    int n_tail;                 /* tokens measured behind them */
    double target;              /* perplexity over the full one's, > 1 */
    void (*progress)(void *ud, int64_t done, int64_t total);    /* tokens */
    int (*cancelled)(void *ud); /* polled between passes; both may be NULL */
    void *ud;
};

struct calibrate_report {
    double kl[ROUTE_MODES];     /* nats, mean over the second stretch */
    double ratio[ROUTE_MODES];  /* its perplexity over that in full */
    double work[ROUTE_MODES];   /* attention's multiplications, share of full */
    double corr;                /* of score and cost of a block */
    double kept;                /* share of blocks: not full */
    double guarded;             /* sparse tokens that the guard takes: share */
    double flips, caught;       /* share of sparse tokens whose likeliest token
                                 * is another; of those, that it takes */
};

/* *out is the caller's to route_close(); its choice is auto.  SOR_LIMIT: the
 * text or the context is too short; SOR_INTERRUPTED. */
enum sor_err calibrate(struct engine *e, const struct calibrate_opts *o,
                       struct route **out, struct calibrate_report *report,
                       struct sor_msg *msg);

#endif
