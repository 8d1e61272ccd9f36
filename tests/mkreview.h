/* tests/mkreview.h - adds one review of known content to a database, for tests
 * of what shows reviews.
 *
 * A contract of three clauses (1, 2 and 2(a) beneath it); two findings, of
 * which Ann rejected the first; claim nda-17, decided along two paths that do
 * not agree and flipped by striking 2(a), and claim "mine", which has no
 * verdict; of more claims, striking clause 2 flips nda-4;
 * clause 2 refers to clause 1 and uses the term "Papers". */
#ifndef TESTS_MKREVIEW_H
#define TESTS_MKREVIEW_H

#include "base/err.h"

struct mkreview_opts {
    int n_more;         /* claims nda-2, nda-3 .. with a finding each besides */
    int open;           /* three claims without a verdict: "unsure", which
                         * nothing opposes; "ranked", on which clause 1 bears
                         * and clause 2 does not; "silent": none does */
    int hostile;        /* escape codes and bidi in what people read */
};

enum sor_err mkreview(const char *path, const struct mkreview_opts *o,
                      struct sor_msg *msg);

#endif
