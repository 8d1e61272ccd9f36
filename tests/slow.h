/* tests/slow.h - what a run under a checker cannot say.
 *
 * slow()    valgrind takes thirty times as long: the clock says nothing about
 *           the code.
 * padded()  the address sanitizer keeps what was freed and surrounds what was
 *           not: nor does the memory held. */
#ifndef TESTS_SLOW_H
#define TESTS_SLOW_H

#include <stdlib.h>

static inline int slow(void)
{
    const char *under = getenv("SORITES_TEST_UNDER");

    return under && *under;
}

#ifndef __has_feature
#define __has_feature(x) 0
#endif

static inline int padded(void)
{
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
    return 1;
#else
    return 0;
#endif
}

#endif
