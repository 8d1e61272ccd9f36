/* review/bearing.h - the sentences of a text that bear on a question.
 *
 * A rule over a pack's patterns and facts; no model reads anything, and no
 * answer is given, since none was measured to be better than always giving the
 * most frequent one. */
#ifndef REVIEW_BEARING_H
#define REVIEW_BEARING_H

#include "review/document.h"
#include "review/pack.h"

enum { BEARING_CUES = 8 };
struct bearing {                /* a sentence that bears on the question */
    struct span span;           /* in bytes of the text */
    double score;
    const struct fact *cue[BEARING_CUES];   /* group "cue": what counted */
    int n_cue;
};

/* The sentences of text[0..n), best first, at most cap into out; returns how
 * many.  Those that have nothing to say are left out. */
int bearing_read(const struct pack *p, const char *question, const char *text,
                 struct bearing *out, int cap);

#endif
