/* tests/kerntest.h - what the tests of the kernels share: numbers from a fixed
 * generator, and the table that a test is for (its *state). */
#ifndef TESTS_KERNTEST_H
#define TESTS_KERNTEST_H

#include <stdint.h>

#include "engine/kern.h"

extern uint64_t kerntest_seed;          /* set by a test before its numbers */

uint32_t random32(void);
float random_float(void);               /* -1 <= x < 1 */
/* Fails the test unless |have - want| <= within. */
void near(double have, double want, double within);
/* *state; where this CPU has not got it, the test is skipped. */
const struct kern_table *table(void **state);

#endif
