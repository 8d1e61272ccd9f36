/* bench/routing_family.h - the policies that are held against each other, each
 * by a few numbers.  All but the guarded ones recompute nothing: they are for
 * texts that are read as prompts.
 *
 * Errors  as routing_read.h. */
#ifndef BENCH_ROUTING_FAMILY_H
#define BENCH_ROUTING_FAMILY_H

#include "bench/routing_read.h"

/* The calibrated policy with this choice. */
void routing_add_named(struct routing_bench *b, enum route_choice choice);
/* The same with its guard, as `run` decodes. */
void routing_add_guarded(struct routing_bench *b, enum route_choice choice);
/* auto, its thresholds times a factor: the larger, the more is sparse. */
void routing_add_thresholds(struct routing_bench *b, float times);
/* sparse: groups pick `best` blocks, dense ones ROUTE_DENSE_TIMES as many. */
void routing_add_budget(struct routing_bench *b, int best);
/* The first block and the `last` ones in all groups (Xiao et al. 2023,
 * StreamingLLM), or in those that are not dense; dense ones read everything
 * (Xiao et al. 2024, DuoAttention). */
void routing_add_window(struct routing_bench *b, int last, int with_dense);
/* routing_mass.h; blocks: kept in every group. */
void routing_add_eviction(struct routing_bench *b, int blocks);

#endif
