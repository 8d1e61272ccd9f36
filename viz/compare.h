/* viz/compare.h - two paths, of one run or of two, as a graph: their steps side
 * by side, equal ones tied, the first that differs marked. */
#ifndef VIZ_COMPARE_H
#define VIZ_COMPARE_H

#include "base/err.h"
#include "db/db.h"
#include "viz/graph.h"

/* path: its ordinal; -1: the first. */
struct compare_side { int64_t run_id; int path; };

/* Fills out, which is initialised (the caller releases it, also after an
 * error).  SOR_NOTFOUND: no such run or path; SOR_LIMIT: more steps than
 * COMPARE_STEPS; SOR_IO, SOR_FORMAT: damaged. */
enum { COMPARE_STEPS = 1024 };
enum sor_err compare_build(struct db *d, const struct compare_side side[2],
                           struct graph *out, struct sor_msg *msg);

#endif
