#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_iso8601(int64_t wall_us, char out[21])
{
    /* The years that four digits can write, 0000 to 9999, in seconds. */
    const int64_t first = -62167219200, last = 253402300799;
    int64_t sec = wall_us / 1000000 - (wall_us % 1000000 < 0);
    struct tm tm;

    sec = sec < first ? first : sec > last ? last : sec;
    time_t t = (time_t)sec;
    gmtime_r(&t, &tm);
    /* strftime() does not pad years below 1000. */
    int year = tm.tm_year + 1900;
    for (int i = 3; i >= 0; i--, year /= 10)
        out[i] = (char)('0' + year % 10);
    strftime(out + 4, 17, "-%m-%dT%H:%M:%SZ", &tm);
}
