/* bench/routing_mass.h - eviction by attention mass, to measure routing
 * against: after Zhang et al. 2023, "H2O: Heavy-Hitter Oracle for Efficient
 * Generative Inference of Large Language Models", algorithm 1.
 *
 * As there, half of a budget is recent keys and the other half those that have
 * drawn most attention since they came, summed over all tokens that read them;
 * what falls out of both is gone for good.  Not as there:
 *   - what is kept or evicted is a block of 16 keys, not a key;
 *   - heads of a KV group share keys, so they share the sum too;
 *   - sums take in the last tokens once a block of positions is full, not after
 *     each;
 *   - a prompt is read as if it were being written, token by token.
 *
 * Ownership  one for each timeline; routing_mass_close() frees. */
#ifndef BENCH_ROUTING_MASS_H
#define BENCH_ROUTING_MASS_H

#include "engine/hook.h"
#include "engine/route.h"

struct model_hparams;
struct routing_mass;

/* For timelines of up to n_ctx tokens; NULL: no memory. */
struct routing_mass *routing_mass_open(const struct model_hparams *hp,
                                       int n_ctx);
void routing_mass_close(struct routing_mass *m);        /* accepts NULL */
void routing_mass_clear(struct routing_mass *m);        /* a new timeline */

/* What ranks blocks in a policy: borrowed. */
const struct route_judge *routing_mass_judge(const struct routing_mass *m);

/* A HOOK_HEAD of the timeline. */
void routing_mass_hear(struct routing_mass *m, const struct hook_event *ev);

#endif
