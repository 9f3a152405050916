/* Compiled for macOS, not run there by us. */
#define _DARWIN_C_SOURCE
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* ---- who started us ---- */

/* A queue of events can itself be waited for. */
int os_parent_watch(void)
{
	pid_t parent = getppid();
	struct kevent end;
	int fd, error;

	if (parent == 1) {
		errno = ENOTSUP; /* who is started by the system stays until it is told to go */
		return -1;
	}
	fd = kqueue();
	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	EV_SET(&end, (uintptr_t)parent, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, NULL);
	error = kevent(fd, &end, 1, NULL, 0, NULL) == 0 ? 0 : errno;
	if (!error && getppid() != parent)
		error = ESRCH;
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

void os_parent_end(int fd)
{
	os_stream_close(fd);
}

/* ---- the network ---- */

int os_network_changes(void)
{
	int fd = socket(PF_ROUTE, SOCK_RAW, 0);

	if (fd >= 0) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	return fd;
}
