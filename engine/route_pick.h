/* engine/route_pick.h - the blocks that one routed row reads in one KV group.
 *
 * Which they are depends on the row's own queries and on the hulls of blocks
 * before it, so it is the same however the work is cut. */
#ifndef ENGINE_ROUTE_PICK_H
#define ENGINE_ROUTE_PICK_H

#include "engine/forward_impl.h"

/* Work space of one thread, for timelines of up to n_block blocks. */
int route_pick_init(struct route_pick *p, int n_block);     /* 0: no memory */
void route_pick_release(struct route_pick *p);

/* Fills p->place[] with the blocks that `row` reads of `group` in this layer,
 * in rising order, and p->block[] with where they lie; returns how many.
 * q[n_query][head_dim]: the group's queries. */
int route_pick(const struct forward *f, struct route_pick *p, int row,
               int group, const float *const *q);

/* The keys of a row that read n blocks, the last of them its own. */
int route_pick_keys(const struct forward *f, int row, int n);

/* Moves what was written of n blocks side by side to where they belong, and
 * clears what lies between; of the row's n_block blocks. */
void route_spread_mass(const struct route_pick *p, int n, int n_block,
                       float *mass);
void route_spread_scores(const struct route_pick *p, int n, int n_block,
                         float *score);

#endif
