/*
 * Two clocks: one that only moves forward, for time-outs, and the wall clock,
 * for expiry dates that are kept in files.
 */
#ifndef MPMCP_CLOCK_H
#define MPMCP_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);     /* monotonic milliseconds, origin unspecified */
int64_t clock_wall_s(void); /* seconds since the epoch */

/* For tests: both clocks stand at these values until called with -1, -1. */
void clock_set(int64_t ms, int64_t wall_s);

#endif
