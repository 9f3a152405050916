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

/* The clock of clock_ms() stands still while a machine sleeps, or else another one does. */
#if defined(CLOCK_BOOTTIME)
#define RUNS_ALWAYS CLOCK_BOOTTIME
#define RUNS_AWAKE CLOCK_MONOTONIC
#elif defined(CLOCK_UPTIME_RAW) /* macOS */
#define RUNS_ALWAYS CLOCK_MONOTONIC
#define RUNS_AWAKE CLOCK_UPTIME_RAW
#else
#define RUNS_ALWAYS CLOCK_MONOTONIC
#define RUNS_AWAKE CLOCK_MONOTONIC
#endif

/* Clocks are read one after the other: less than this apart is as before. */
#define SLEEP_MS 1000
/* A wall clock is set right now and then, by less. */
#define WALL_MS 5000

static int64_t read_ms(clockid_t which)
{
	struct timespec now = { 0 };

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool parted(int64_t then, int64_t now, int64_t limit)
{
	return now - then > limit || then - now > limit;
}

bool clock_jumped(struct clock_mark *m)
{
	struct clock_mark now = { .set = true };
	bool jumped;

	if (set_ms < 0)
		now.asleep_ms = read_ms(RUNS_ALWAYS) - read_ms(RUNS_AWAKE);
	now.wall_ms = (set_wall_s >= 0 ? set_wall_s * 1000 : read_ms(CLOCK_REALTIME)) - clock_ms();
	jumped = m->set && (parted(m->asleep_ms, now.asleep_ms, SLEEP_MS) ||
				   parted(m->wall_ms, now.wall_ms, WALL_MS));
	/* A wall clock that is slewed drifts: only the last stretch counts. */
	*m = now;
	return jumped;
}

void clock_set(int64_t ms, int64_t wall_s)
{
	set_ms = ms;
	set_wall_s = wall_s;
}
