/* probe/fork.h - another path from a point of a recorded one.
 *
 * The prefix is replayed and held against its record; from `pos` on the fork
 * goes its own way: given tokens first, then what the model draws, with heads
 * or layers zeroed where asked.  It is recorded as a run of kind `fork` whose
 * path has the old one as its parent, so that it shares the prefix's rows, and
 * replays like any run. */
#ifndef PROBE_FORK_H
#define PROBE_FORK_H

#include "base/err.h"
#include "engine/generate.h"
#include "engine/sampler.h"
#include "probe/prefix.h"

struct fork_opts {
    const char *db_path;
    int pos;                    /* the first position that is its own */
    const int32_t *put;         /* [n_put] tokens given in its place */
    int n_put;
    struct sampler_params sampler;
    int max_tok;                /* drawn tokens at most; >= 1 */
    struct prefix_mask mask;    /* acts from pos on; borrowed */
    struct gen_opts gen;        /* path is 0 in on_token() */
};

/* d is rested and read from before recording starts.  uid: the new run.
 * SOR_DIFFERS: the prefix does not compute as recorded. */
enum sor_err fork_run(struct db *d, struct prefix *p, struct engine *e,
                      const struct fork_opts *o, char uid[33],
                      struct sor_msg *msg);

#endif
