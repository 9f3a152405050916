#define _GNU_SOURCE
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Headers older than the call: it has this number on every machine. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* ---- who started us ---- */

/* Where the kernel has no descriptors of processes (before 5.3), or a sandbox forbids them. */
static struct {
	int ends[2];
	pid_t parent;
	struct sigaction before;
} told;
static volatile sig_atomic_t told_fd = -1;

/* From the kernel: the thread that started us ended. Only when the whole process is gone does that concern us. */
static void on_end(int signo)
{
	int saved = errno;

	if (told_fd >= 0 && getppid() != told.parent && write(told_fd, &signo, 1) < 0)
		errno = saved;
	errno = saved;
}

static int be_told(pid_t parent)
{
	struct sigaction sa = { .sa_handler = on_end, .sa_flags = SA_RESTART };
	sigset_t these;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&these);
	sigaddset(&these, SIGUSR2);
	if (!os_pipe(told.ends))
		return -1;
	told.parent = parent;
	told_fd = told.ends[1];
	if (sigaction(SIGUSR2, &sa, &told.before) == 0 &&
		sigprocmask(SIG_UNBLOCK, &these, NULL) == 0 &&
		prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0)
		return told.ends[0];
	os_parent_end(told.ends[0]);
	return -1;
}

static int open_process(pid_t pid)
{
#ifdef OS_TOLD_BY_SIGNAL /* for tests */
	(void)pid;
	errno = ENOSYS;
	return -1;
#else
	return (int)syscall(SYS_pidfd_open, pid, 0); /* closed in programs that are started */
#endif
}

int os_parent_watch(void)
{
	pid_t parent = getppid();
	int fd;

	if (parent == 1) {
		errno = ENOTSUP; /* who is started by the system stays until it is told to go */
		return -1;
	}
	fd = open_process(parent);
	if (fd < 0)
		fd = be_told(parent);
	if (getppid() == parent)
		return fd;
	os_parent_end(fd);
	errno = ESRCH;
	return -1;
}

void os_parent_end(int fd)
{
	if (fd >= 0 && told_fd >= 0 && fd == told.ends[0]) {
		prctl(PR_SET_PDEATHSIG, 0);
		told_fd = -1;
		sigaction(SIGUSR2, &told.before, NULL);
		os_stream_close(told.ends[1]);
	}
	os_stream_close(fd);
}

/* ---- the network ---- */

int os_network_changes(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV6_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&all, sizeof(all)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}
