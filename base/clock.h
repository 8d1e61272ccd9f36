/* base/clock.h - time.  Durations come from the monotonic clock only; wall
 * time is for people. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);           /* CLOCK_MONOTONIC */
int64_t  clock_wall_us(void);           /* microseconds since 1970, UTC */

/* 2026-11-24T08:05:00Z into out[21]. */
void clock_iso8601(int64_t wall_us, char out[21]);

#endif
