/* viz/reasoning.h - the reasoning of one run as a graph: the question, each
 * path as a lane of steps, the answers with their votes, and what the votes
 * come to.
 *
 * What is left out is counted and said in graph.left_out: paths and steps by
 * the rule of viz/prune.h; attention to the step just before, and all but the
 * two strongest of a step; links to the question. */
#ifndef VIZ_REASONING_H
#define VIZ_REASONING_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"
#include "viz/graph.h"

struct reasoning_opts {
    int max_node, max_lane, max_step;   /* as in struct prune_limits */
    const char *accuracy;   /* what is known of the model on such a question;
                             * NULL: "accuracy unmeasured" */
};

/* Fills out, which is initialised (the caller releases it, also after an
 * error).  SOR_NOTFOUND: no such run; SOR_IO, SOR_FORMAT: damaged database. */
enum sor_err reasoning_build(struct db *d, int64_t run_id,
                             const struct reasoning_opts *opts,
                             struct graph *out, struct sor_msg *msg);

#endif
