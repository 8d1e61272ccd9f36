/* viz/prune.h - which paths and steps of a run are worth drawing.
 *
 * A rule over rows, the same for every reader: paths are taken in turn from
 * each answer; of a long path the ends stay, and of the rest what states an
 * answer, where paths part, checks and what others refer to.  The rest folds.
 *
 * Ownership  prune()/prune_release(); paths belong to the rows. */
#ifndef VIZ_PRUNE_H
#define VIZ_PRUNE_H

#include "base/err.h"
#include "viz/rows.h"

struct prune_limits {
    int max_node;           /* nodes in all, `others` included; 0: 400 */
    int max_lane;           /* paths; 0: 12 */
    int max_step;           /* nodes of a lane, >= 4; 0: by number of lanes */
    int others;             /* nodes that are in no lane */
};

struct prune_lane {
    struct rows_path *path;
    char *keep;             /* [n_step] 1: drawn, 0: part of a fold */
    int mark;               /* the step where it parts from another, or -1 */
    int *node;              /* [n_step] for the builder: graph node, or -1 */
    int first, last;        /* for the builder: nodes of its ends */
};

struct prune {
    struct prune_lane *lane;    /* [n_lane] leading answer first, none last */
    int n_lane;
};

/* Chooses; SOR_NOMEM only.  *out is released by the caller, also then. */
enum sor_err prune(const struct rows *r, const struct prune_limits *limits,
                   struct prune *out, struct sor_msg *msg);
void prune_release(struct prune *p);

/* The step of p that holds the token at pos, or the last one before it, or
 * the first; -1 where p has no steps. */
int prune_step_at(const struct rows_path *p, int pos);

#endif
