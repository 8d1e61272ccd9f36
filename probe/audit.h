/* probe/audit.h - the price of routing, token by token.
 *
 * After a routed run its tokens go through the engine once more in two
 * timelines side by side: one in the recorded modes, one in full from its first
 * token.  From the first a token that is audited branches off and runs in full
 * by itself.  So of each there are three distributions of the token after it:
 * as routed, in full behind what was recorded (the local price), in full
 * behind what full would have kept (the total price).
 *
 * Computed afterwards, an audit cannot touch the run; and the logits of the
 * recorded modes are held against the recorded digests, so what it prices is
 * what was computed.
 *
 * Which tokens: those that left something out, each with the probability
 * `rate`, by a hash of the path's seed and the position.  A token that has a
 * price keeps it.
 *
 * Threads  one caller; computes on the engine's threads. */
#ifndef PROBE_AUDIT_H
#define PROBE_AUDIT_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"

struct engine;

struct audit_opts {
    double rate;                    /* over 0, to 1 */
    int (*cancelled)(void *ud);     /* polled between passes; may be NULL */
    void (*progress)(void *ud, int64_t done, int64_t total);    /* tokens */
    void *ud;
};

/* Of this audit; NaN where it priced nothing. */
struct audit_report {
    int64_t n_routed;               /* tokens of the run that left something
                                     * out */
    int64_t n_known;                /* of which an earlier audit priced */
    int64_t n_audited;              /* and this one */
    double kl_local, kl_total;      /* nats, mean */
    double same_local, same_total;  /* share whose likeliest token is the same
                                     * in full */
    int exact;                      /* on the run's instruction set */
};

/* Prices tokens of a run and stores them in db_path.  e: as replay_engine()
 * opens it, or the one that ran.  SOR_USAGE: the run was not routed; SOR_DIFFERS:
 * it does not compute again what was recorded; SOR_BUSY: somebody records into
 * the file. */
enum sor_err audit_run(struct db *d, const char *db_path,
                       const struct db_run *run, struct engine *e,
                       const struct audit_opts *o, struct audit_report *out,
                       struct sor_msg *msg);

#endif
