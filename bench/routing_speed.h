/* bench/routing_speed.h - how fast routed timelines are read and written, at
 * growing depths, beside one that is not routed. */
#ifndef BENCH_ROUTING_SPEED_H
#define BENCH_ROUTING_SPEED_H

#include "base/json.h"
#include "bench/routing_read.h"

/* Reads id[n] under each policy of b and under none, and behind each depth
 * decodes WRITE tokens of the text; prints a table and appends to rows. */
void routing_speed(struct routing_bench *b, const int32_t *id, int n,
                   struct json *rows);

#endif
