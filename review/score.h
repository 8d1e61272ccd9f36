/* review/score.h - an application scored with its reasons.
 *
 * A rule over a pack's facts; no model reads anything.  It decides no more than
 * was measured: a decision is given where its error rate on other data, by its
 * 95 % interval, is below that of always giving the more frequent answer.
 * Protected attributes are named by the pack and take no part.
 *
 * Ownership  a score borrows the pack. */
#ifndef REVIEW_SCORE_H
#define REVIEW_SCORE_H

#include "base/json.h"
#include "review/pack.h"

/* What one attribute of the application adds to the score. */
struct reason {
    const struct fact *attribute, *value;   /* group "attribute"; "code" or
                                             * "band": its weight counts */
    const struct fact *why;                 /* group "reason"; NULL: none */
};

enum { SCORE_REASONS = 64 };
struct score {
    double p;                   /* probability of repayment */
    int granted;                /* p >= 1/2 */
    int decides;                /* the decision is better than none, as
                                 * measured; 0: reasons only */
    struct measured error;      /* of that decision */
    double base;                /* how often it is right without any score */
    struct reason reason[SCORE_REASONS];    /* most against first */
    int n_reason;
    const struct fact *missing[SCORE_REASONS];  /* attributes not given */
    int n_missing;
};

/* row: an object with the pack's attributes as keys; protected ones and others
 * are not read.  SOR_FORMAT: a value that the pack does not know, or no
 * attribute at all; SOR_UNSUP: a pack without a score. */
enum sor_err score_read(const struct pack *p, const cJSON *row,
                        struct score *out, struct sor_msg *msg);

#endif
