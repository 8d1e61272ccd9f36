/* viz/reasoning.h - the reasoning of one run as a graph: the question, each
 * path as a lane of steps, the answers with their votes, and what the votes
 * come to.
 *
 * What is left out is counted and said in graph.left_out:
 *   paths      beyond max_lane: those of rarer answers first
 *   steps      the less important ones of a long path become one fold
 *              ("... 9 more steps"); kept are the ends, answers, the place
 *              where paths part, checks and what others refer to
 *   edges      of attention: to the step just before, and all but the two
 *              strongest of a step
 * Importance is a rule over rows, the same for every reader. */
#ifndef VIZ_REASONING_H
#define VIZ_REASONING_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"
#include "viz/graph.h"

struct reasoning_opts {
    int max_node;           /* in all; 0: 400 */
    int max_lane;           /* paths drawn; 0: 12 */
    int max_step;           /* steps of a path drawn; 0: by number of lanes */
    const char *accuracy;   /* what is known of the model on such a question;
                             * NULL: "accuracy unmeasured" */
};

/* Fills out, which is initialised (the caller releases it, also after an
 * error).  SOR_NOTFOUND: no such run; SOR_IO, SOR_FORMAT: damaged database. */
enum sor_err reasoning_build(struct db *d, int64_t run_id,
                             const struct reasoning_opts *opts,
                             struct graph *out, struct sor_msg *msg);

#endif
