/* cli/diff_steps.h - the steps of two paths, side by side.
 *
 * A fork has steps of its own from where it left its parent; what it reads
 * before that is its parent's, and so are those steps.  The one that the fork
 * cut goes on in the fork's first.
 *
 * Ownership  diff_steps_release() frees. */
#ifndef CLI_DIFF_STEPS_H
#define CLI_DIFF_STEPS_H

#include "db/db.h"
#include "probe/diff.h"

enum { DIFF_STEP_BYTES = 56, DIFF_NAME_BYTES = 40 };

struct diff_step {
    int64_t id;
    int from, to;               /* its tokens, the cut parent's included */
    int is_own;                 /* 0: an ancestor's */
    int is_cut;                 /* it goes on in the next path */
    char name[DIFF_NAME_BYTES]; /* "A:2", or "3fa2a1b0:0:2" of an ancestor's */
    char text[DIFF_STEP_BYTES]; /* its first words, safe to print */
};

struct diff_steps {
    struct diff_step *step;     /* [n] */
    int n, cap;
};

/* All steps that the path reads, in order; letter: what its own are called. */
enum sor_err diff_steps_read(struct db *d, int64_t path_id, char letter,
                             struct diff_steps *out, struct sor_msg *msg);
void diff_steps_release(struct diff_steps *s);  /* a zeroed one is fine */

/* Step a of one path and b of the other; -1: no partner. */
struct diff_pair {
    int a, b;
    int shared;                 /* tokens of a that stand in b too */
    int is_same;                /* the same row, or the same tokens */
};

/* Pairs the steps by row, then by the tokens that run[0..n_run) aligns, in
 * the order of a; those of b that are left come last.  *out is freed with
 * mem_free(). */
enum sor_err diff_steps_pair(const struct diff_steps *a,
                             const struct diff_steps *b,
                             const struct diff_run *run, int n_run,
                             struct diff_pair **out, int *n,
                             struct sor_msg *msg);

#endif
