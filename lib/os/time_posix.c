#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/time.h"

/* One of the clocks stands still while the machine sleeps, the other does not. */
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

static int64_t read_ms(clockid_t which)
{
	struct timespec now = { 0 };

	clock_gettime(which, &now); /* cannot fail with these clocks and a valid pointer */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t os_steady_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t os_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t os_asleep_ms(void)
{
	return read_ms(RUNS_ALWAYS) - read_ms(RUNS_AWAKE);
}

bool os_utc(int64_t s, struct tm *out)
{
	time_t t = (time_t)s;

	return gmtime_r(&t, out) != NULL;
}

void os_sleep_ms(int ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&pause, NULL);
}
