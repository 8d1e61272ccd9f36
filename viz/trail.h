/* viz/trail.h - what each token of a path cost and how it was computed, as
 * pictures: modes by token and layer, entropy and time along the path, the
 * work of each mode.
 *
 * Ownership  trail_load()/trail_release(). */
#ifndef VIZ_TRAIL_H
#define VIZ_TRAIL_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

enum { TRAIL_TOKENS = 4096 };           /* held; more are only counted */
enum trail_mode { TRAIL_SPARSE, TRAIL_HYBRID, TRAIL_FULL, TRAIL_SKIPPED,
                  TRAIL_NONE, TRAIL_MODES };

struct trail {
    char title[160];                    /* "3fa2c1d0:1, 220 tokens" */
    int n, n_left, n_layer;             /* n_layer 0: no layers recorded */
    double *pos, *entropy, *us;         /* [n] NaN: not known */
    uint8_t *mode;                      /* [n][n_layer] enum trail_mode */
    double *read;                       /* [n] share of the KV blocks there */
    double *local, *total;              /* [n] price: KL in nats; NaN: not
                                         * audited */
    int n_price;
    struct db_exit *exit;               /* [n_exit] */
    int n_exit, n_group;
    uint64_t *dense;                    /* [3][n_layer] groups that are dense in
                                         * a mode and layer */
};

/* SOR_NOTFOUND: the path has no tokens; SOR_IO, SOR_FORMAT: damaged.  t is
 * released by the caller, also then. */
enum sor_err trail_load(struct db *d, const struct db_addr *at,
                        struct trail *t, struct sor_msg *msg);
void trail_release(struct trail *t);

/* Each appends one SVG.  SOR_NOTFOUND: the trace does not hold what it needs
 * (its level was lower). */
enum sor_err trail_routing(const struct trail *t, struct str *out,
                           struct sor_msg *msg);
enum sor_err trail_entropy(const struct trail *t, struct str *out,
                           struct sor_msg *msg);
enum sor_err trail_cost(const struct trail *t, struct str *out,
                        struct sor_msg *msg);
enum sor_err trail_share(const struct trail *t, struct str *out,
                         struct sor_msg *msg);

/* The votes of a run as bars; SOR_NOTFOUND: no path states an answer. */
enum sor_err trail_votes(struct db *d, int64_t run_id, struct str *out,
                         struct sor_msg *msg);

#endif
