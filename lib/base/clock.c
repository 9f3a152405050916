#include "base/clock.h"

#include <time.h>

/* -1: the clock runs. */
static int64_t set_ms = -1, set_wall_s = -1;

int64_t clock_ms(void)
{
	struct timespec now;

	if (set_ms >= 0)
		return set_ms;
	clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock and a valid pointer */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
	return set_wall_s >= 0 ? set_wall_s : (int64_t)time(NULL);
}

void clock_set(int64_t ms, int64_t wall_s)
{
	set_ms = ms;
	set_wall_s = wall_s;
}
