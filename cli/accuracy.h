/* cli/accuracy.h - what has been measured of a model on a kind of question.
 * Only figures that `make accuracy` makes stand in the table. */
#ifndef CLI_ACCURACY_H
#define CLI_ACCURACY_H

#include <stdint.h>

/* One sentence for the screen; it says "unmeasured" where nothing is known.
 * question may be NULL (forgotten).  Constant. */
const char *accuracy_known(const uint8_t sha256[32], const char *question);

/* The figures behind that sentence: `right` of `n`, and the share that the
 * best constant answer gets right.  0: nothing is known. */
struct accuracy {
    int right, n;
    double chance;
};
int accuracy_figures(const uint8_t sha256[32], const char *question,
                     struct accuracy *out);

#endif
