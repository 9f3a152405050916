/*
 * A machine that sleeps, for one program: its clocks, as far as they run on while a machine sleeps, are ahead
 * by the milliseconds that the file CLOCK_FILE names holds. The second number in it counts who asked.
 * Preloaded; built by the case that needs it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static int64_t none[2], *shared = none;

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("CLOCK_FILE");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		shared = p;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(which, now);
	shared[1]++;
	if (which == CLOCK_BOOTTIME || which == CLOCK_REALTIME)
		now->tv_sec += shared[0] / 1000;
	return result;
}
