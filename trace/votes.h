/* trace/votes.h - counting what paths answered, and where two of them part.
 * Pure functions. */
#ifndef TRACE_VOTES_H
#define TRACE_VOTES_H

#include <stdint.h>

/* One answer and who gave it. */
struct vote {
    const char *norm;           /* borrowed from the ballots */
    int n, first;               /* paths; the index of the first of them */
};

struct votes {
    int n_voted;                /* ballots cast */
    int n_answer;               /* different answers */
    double margin;              /* (most - second most) / n_voted; 0: none */
    int is_tie;                 /* two answers or more share the most */
};

/* norm: [n] normalised answers, NULL or "" where a path gave none.  out: [n],
 * the first out_sum->n_answer are filled: most votes first, those of equal
 * number by the path that came first. */
void votes_count(const char *const *norm, int n, struct vote *out,
                 struct votes *sum);

/* Where two token sequences first differ. */
struct parting {
    int pos;                    /* -1: equal to the end of both */
    int32_t a, b;               /* the tokens there; -1: that one had ended */
};
/* Both start at position 0; ids < 0 are tokens that were lost.  1, or 0 where
 * a lost token comes before any difference: then nobody can say. */
int votes_part(const int32_t *a, int n_a, const int32_t *b, int n_b,
               struct parting *out);

#endif
