/* probe/patch.h - where a fact is carried: activation patching over pairs of
 * prompts that differ in one word.
 *
 * For a pair (clean "The capital of France is", corrupt "The capital of Italy
 * is") the corrupt prompt runs with the clean prompt's residual stream put in
 * at one layer and one position.  The effect is the share of the difference of
 * logits, right answer less wrong one, that this restores: 0 as corrupt, 1 as
 * clean.  Source: Meng et al. 2022; Heimersheim and Nanda 2024, "How to use
 * and interpret activation patching". */
#ifndef PROBE_PATCH_H
#define PROBE_PATCH_H

#include <stdint.h>

#include "base/err.h"

struct engine;

struct patch_pair {
    const int32_t *clean, *corrupt;     /* [n] tokens each */
    int n;
    int32_t right, wrong;               /* answers to clean and to corrupt */
};

/* effect[n_layer][n]: row l, column i: the stream after layer l at position
 * i.  SOR_USAGE: the pair's answers do not differ in the way assumed (the
 * clean prompt does not prefer `right` more than the corrupt one does). */
enum sor_err patch_map(struct engine *e, const struct patch_pair *pair,
                       double *effect, struct sor_msg *msg);

#endif
