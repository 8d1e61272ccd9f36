/* tests/kerntest.c - see kerntest.h. */
#include "tests/kerntest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

uint64_t kerntest_seed;

uint32_t random32(void)
{
    kerntest_seed = kerntest_seed * 6364136223846793005u +
                    1442695040888963407u;
    return (uint32_t)(kerntest_seed >> 32);
}

float random_float(void)
{
    return (float)((double)random32() / 2147483648.0 - 1.0);
}

void near(double have, double want, double within)
{
    if (!(fabs(have - want) <= within))
        fail_msg("%.9g is not within %g of %.9g", have, within, want);
}

const struct kern_table *table(void **state)
{
    const struct kern_table *k = *state;

    if (!kern_runs(k))
        skip();
    return k;
}
