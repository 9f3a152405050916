/*
 * Two clocks: one that only moves forward, for time-outs, and the wall clock,
 * for expiry dates that are kept in files.
 */
#ifndef MPMCP_CLOCK_H
#define MPMCP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_ms(void);     /* monotonic milliseconds, origin unspecified */
int64_t clock_wall_s(void); /* seconds since the epoch */

/* Where the clocks stood to each other. Zero: not looked at yet. */
struct clock_mark {
	int64_t asleep_ms, wall_ms;
	bool set;
};

/* Since the last call with this mark the machine slept, or was stopped as a whole and then told the time
 * (a virtual one): connections that were open may be gone. False the first time. */
bool clock_jumped(struct clock_mark *m);

/* For tests: both clocks stand at these values until called with -1, -1. */
void clock_set(int64_t ms, int64_t wall_s);

#endif
