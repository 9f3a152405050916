#include "base/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Descriptors to look at where the system has no list of the open ones. */
#define FDS_MAX 65536

/* Standard signals; those beyond are of real time and nobody here changes them. */
#define SIGNALS 32

static struct rlimit core_before; /* what other programs get back */
static bool core_changed;

static bool is_kept(int fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return fd < 3;
}

/* False where there is no such list. It is read again until nothing was closed: closing changes it. */
static bool close_listed(const int *keep, size_t n)
{
	bool again = true;

	while (again) {
		DIR *d = opendir("/proc/self/fd");
		struct dirent *f;

		if (!d)
			return false;
		again = false;
		while ((f = readdir(d))) {
			int fd = atoi(f->d_name);

			if (*f->d_name == '.' || fd == dirfd(d) || is_kept(fd, keep, n))
				continue;
			again = close(fd) == 0 || again; /* those of a memory checker stay */
		}
		closedir(d);
	}
	return true;
}

static void close_all(const int *keep, size_t n)
{
	struct rlimit limit = { .rlim_cur = FDS_MAX };
	int most;

	(void)!getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_cur > FDS_MAX ? FDS_MAX : (int)limit.rlim_cur;
	for (int fd = 3; fd < most; fd++)
		if (!is_kept(fd, keep, n))
			close(fd);
}

void child_let_go(const int *keep, size_t n)
{
	int null;

	if (!close_listed(keep, n))
		close_all(keep, n);
	null = open("/dev/null", O_RDWR); /* now there is room for it */
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		while (dup2(null, fd) < 0 && errno == EINTR)
			;
	if (null > 2)
		close(null);
}

void child_no_core(void)
{
	struct rlimit none;

	if (!core_changed && getrlimit(RLIMIT_CORE, &core_before) == 0) {
		none = (struct rlimit){ 0, core_before.rlim_max };
		core_changed = setrlimit(RLIMIT_CORE, &none) == 0;
	}
#ifdef __linux__
	(void)!prctl(PR_SET_DUMPABLE, 0);
#endif
}

void child_restore_core(void)
{
	if (core_changed)
		(void)!setrlimit(RLIMIT_CORE, &core_before);
}

void child_reset_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&plain.sa_mask);
	for (int signo = 1; signo < SIGNALS; signo++)
		(void)!sigaction(signo, &plain, NULL); /* two of them cannot be changed */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
