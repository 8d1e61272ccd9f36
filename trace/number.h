/* trace/number.h - finds numbers in running text and writes each in one
 * canonical way, so that "$1,200.00", "1200" and "\$1{,}200" count as equal.
 *
 * Canonical  no thousands separators, no leading or trailing zeros, no sign on
 *            zero.  A fraction (3/4, \frac{3}{4}) is reduced, and becomes a
 *            decimal where that is exact ("0.75"; 1/3 stays "1/3").  Currency
 *            signs, percent and degree signs are dropped, never converted:
 *            "50%" is "50".
 * Pure functions of their text; linear in it. */
#ifndef TRACE_NUMBER_H
#define TRACE_NUMBER_H

#include <stddef.h>

enum { NUMBER_BYTES = 48 };

struct number {
    size_t from, to;            /* bytes, sign, currency and percent included */
    char norm[NUMBER_BYTES];    /* canonical */
};

/* The first number at or after byte `at` of s[0..n): 1 found, 0 none.  Digits
 * inside a word ("H2O", "x1") are no number; one with more digits than fit
 * norm is skipped. */
int number_next(const char *s, size_t n, size_t at, struct number *out);

#endif
