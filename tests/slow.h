/* tests/slow.h - is this run slowed down thirtyfold (valgrind)?  Then the clock
 * says nothing about the code. */
#ifndef TESTS_SLOW_H
#define TESTS_SLOW_H

#include <stdlib.h>

static inline int slow(void)
{
    const char *under = getenv("SORITES_TEST_UNDER");

    return under && *under;
}

#endif
