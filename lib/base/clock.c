#include "base/clock.h"

#include <time.h>

#include "os/time.h"

/* -1: the clock runs. */
static int64_t set_ms = -1, set_wall_s = -1;

int64_t clock_ms(void)
{
	return set_ms >= 0 ? set_ms : os_steady_ms();
}

int64_t clock_wall_s(void)
{
	return set_wall_s >= 0 ? set_wall_s : (int64_t)time(NULL);
}

/* Clocks are read one after the other: less than this apart is as before. */
#define SLEEP_MS 1000
/* A wall clock is set right now and then, by less. */
#define WALL_MS 5000

static bool parted(int64_t then, int64_t now, int64_t limit)
{
	return now - then > limit || then - now > limit;
}

bool clock_jumped(struct clock_mark *m)
{
	struct clock_mark now = { .set = true };
	bool jumped;

	if (set_ms < 0)
		now.asleep_ms = os_asleep_ms();
	now.wall_ms = (set_wall_s >= 0 ? set_wall_s * 1000 : os_wall_ms()) - clock_ms();
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
