#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/loop.h"

/* See loop_posix.c. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

int os_socket_error(void)
{
	return errno == EWOULDBLOCK || errno == EINTR ? EAGAIN : errno;
}

static int ours_alone(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

int os_socket(int family, int type, int protocol)
{
	return ours_alone(socket(family, type, protocol));
}

int os_socket_accept(int listener)
{
	return ours_alone(accept(listener, NULL, NULL));
}

int os_socket_dup(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void os_socket_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

bool os_socket_set_blocking(int fd, bool blocking)
{
	return os_set_blocking(fd, blocking, NULL);
}

bool os_socket_own_port(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
}

int64_t os_socket_send(int fd, const void *p, size_t n)
{
	return send(fd, p, n, MSG_NOSIGNAL);
}
