/* review/recheck.h - does a stored review compute the same again?
 *
 * Every reading of it (each question that was put to the model, with its exact
 * input) is computed once more by the same judge and its logits are compared
 * by digest; likewise the log-probabilities of all clause types.  What the
 * rules made of them follows from the rows alone.
 *
 * On another instruction set the bits differ; then logits are compared within
 * RECHECK_TOLERANCE, which is no proof.
 *
 * Threads  one caller, the engine's. */
#ifndef REVIEW_RECHECK_H
#define REVIEW_RECHECK_H

#include <stdint.h>

#include "db/db.h"
#include "review/judge.h"

/* Of a logit.  Sums in another order can tip the rounding of an activation to
 * 8 bits, which moves a logit by some hundredths. */
#define RECHECK_TOLERANCE 0.5

struct recheck_report {
    int same, exact;
    int64_t n_pair, n_type;             /* readings compared */
    double worst;                       /* !exact: largest |difference| */
    char where[320];                    /* the first that differs: "claim
                                         * nda-4, path 3, clause 7.2: ..." */
};

/* j: opened with the review's model and pack.  SOR_NOTFOUND: it holds no
 * readings.  SOR_INTERRUPTED: the watch said so. */
enum sor_err recheck_review(struct db *d, const struct db_run *run,
                            struct judge *j, const struct judge_watch *watch,
                            struct recheck_report *out, struct sor_msg *msg);

#endif
