/*
 * Linked into build/torture/mpmcp, in front of the C library: one allocation
 * of the whole process, libraries included, or one poll() fails.
 *
 *   MPMCP_TORTURE=alloc:N     the Nth allocation fails
 *   MPMCP_TORTURE=allocs:N    the Nth and the four after it
 *   MPMCP_TORTURE=poll:N      the Nth poll() of several descriptors fails with ENOMEM
 *   MPMCP_TORTURE=polls:N     this one and all after it
 *   MPMCP_TORTURE_COUNT=FILE  how many of both there were, at the end of the process
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* glibc's own names for what is replaced here. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

enum kind { ALLOC, POLL, KINDS };

static atomic_ulong count[KINDS];
static unsigned long first[KINDS], last[KINDS]; /* those that fail; 0: none */
static const char *report;

/* A crash inside a library whose memory ran out is not for us to mend: it is told apart by this status. */
#define LIBRARY_CRASHED 77

static bool is_libc(const Dl_info *at)
{
	Dl_info libc;

	return dladdr((void *)(uintptr_t)&fork, &libc) && libc.dli_fbase == at->dli_fbase;
}

static void crashed(int signo)
{
	void *frames[64];
	int n = backtrace(frames, 64);
	Dl_info self, at;

	dladdr((void *)(uintptr_t)&crashed, &self);
	/* The first ones are this function and the way into it. */
	for (int i = 2; i < n; i++) {
		if (!dladdr(frames[i], &at) || is_libc(&at))
			continue;
		if (at.dli_fbase == self.dli_fbase)
			break;
		dprintf(STDERR_FILENO, "signal %d inside %s\n", signo, at.dli_fname);
		_exit(LIBRARY_CRASHED);
	}
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	raise(signo);
}

static void watch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL };
	struct sigaction sa = { .sa_handler = crashed, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
	void *frame;

	(void)backtrace(&frame, 1); /* loads what it needs */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

/* Before main; what was allocated earlier is the loader's and is not counted. */
__attribute__((constructor)) static void begin(void)
{
	const char *what = getenv("MPMCP_TORTURE"), *n = what ? strchr(what, ':') : NULL;
	enum kind k = what && strncmp(what, "poll", 4) == 0 ? POLL : ALLOC;

	report = getenv("MPMCP_TORTURE_COUNT");
	watch_crashes();
	for (int i = 0; i < KINDS; i++)
		atomic_store(&count[i], 0);
	if (!n)
		return;
	first[k] = last[k] = strtoul(n + 1, NULL, 10);
	if (n[-1] == 's')
		last[k] = k == POLL ? (unsigned long)-1 : first[k] + 4;
}

__attribute__((destructor)) static void end(void)
{
	char line[64];
	int n, fd;

	if (!report || (fd = open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
		return;
	n = snprintf(line, sizeof(line), "%lu %lu\n", atomic_load(&count[ALLOC]),
		atomic_load(&count[POLL]));
	if (write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static int fails(enum kind k)
{
	unsigned long n = atomic_fetch_add(&count[k], 1) + 1;

	if (!first[k] || n < first[k] || n > last[k])
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails(ALLOC) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails(ALLOC) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails(ALLOC) ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n)
{
	return fails(ALLOC) ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
	void *p = memalign(align, n);

	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	/* One descriptor takes no memory of the kernel's. */
	return n > 1 && fails(POLL) ? -1 : ppoll(fds, n, ms < 0 ? NULL : &t, NULL);
}
