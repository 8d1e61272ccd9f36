/* probe/diff.h - where and why two paths part.
 *
 * Tokens are aligned by a shortest edit script, steps by the tokens that they
 * share.  Reads rows only.
 * Source: Myers 1986, "An O(ND) Difference Algorithm and Its Variations". */
#ifndef PROBE_DIFF_H
#define PROBE_DIFF_H

#include <stdint.h>

#include "base/err.h"

/* A stretch of both sequences: equal, or only in a (n_b 0), or only in b. */
struct diff_run {
    int a, n_a, b, n_b;         /* equal: n_a == n_b */
    int equal;
};

/* The shortest script from a to b, in order; neighbouring deletions and
 * insertions are separate runs, deletion first.  *out is freed with
 * mem_free().  SOR_LIMIT: more than DIFF_EDITS edits; then the rest is one
 * deletion and one insertion and *cut is 1, which is no error. */
enum { DIFF_EDITS = 4000 };
enum sor_err diff_ids(const int32_t *a, int n_a, const int32_t *b, int n_b,
                      struct diff_run **out, int *n, int *cut,
                      struct sor_msg *msg);

/* Positions of a and b that one aligned token stands at; -1: no partner. */
int diff_partner(const struct diff_run *run, int n, int pos_a);

#endif
