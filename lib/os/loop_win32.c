#include "os/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "os/socket.h"
#include "os/win32_impl.h"

/* ---- waiting ---- */

/* What WSAPoll() gets: the loop's array without what is not waited for, which it would refuse. */
static struct {
	WSAPOLLFD *fds;
	size_t room;
} waiting;

static bool make_room(size_t n)
{
	WSAPOLLFD *more;

	if (n <= waiting.room)
		return true;
	if (!(more = realloc(waiting.fds, (n + 16) * sizeof(*more)))) {
		errno = ENOMEM;
		return false;
	}
	waiting.fds = more;
	waiting.room = n + 16;
	return true;
}

static short happened(short theirs)
{
	int got = 0;

	got |= theirs & (POLLRDNORM | POLLRDBAND) ? OS_CAN_READ : 0;
	got |= theirs & POLLWRNORM ? OS_CAN_WRITE : 0;
	got |= theirs & POLLERR ? OS_FAILED : 0;
	got |= theirs & POLLHUP ? OS_HUNG_UP : 0;
	got |= theirs & POLLNVAL ? OS_NOT_OPEN : 0;
	return (short)got;
}

int os_wait(struct os_wait *fds, size_t n, int ms)
{
	size_t count = 0, k = 0;
	SOCKET s;
	int done, seen = 0;

	if (!make_room(n))
		return -1;
	for (size_t i = 0; i < n; i++) {
		fds[i].got = 0;
		if (!win32_is_socket(fds[i].fd, &s))
			continue;
		waiting.fds[count++] = (WSAPOLLFD){ .fd = s,
			.events = (short)((fds[i].want & OS_CAN_READ ? POLLRDNORM : 0) |
					  (fds[i].want & OS_CAN_WRITE ? POLLWRNORM : 0)) };
	}
	if (count == 0) { /* nothing could ever happen */
		Sleep(ms < 0 ? INFINITE : (DWORD)ms);
		return 0;
	}
	done = WSAPoll(waiting.fds, (ULONG)count, ms);
	if (done == SOCKET_ERROR) {
		errno = os_socket_error();
		if (errno == ENOBUFS)
			errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (!win32_is_socket(fds[i].fd, &s))
			continue;
		fds[i].got = happened(waiting.fds[k++].revents);
		seen += fds[i].got != 0;
	}
	return seen;
}

/* ---- streams ---- */

bool os_pipe(int ends[2])
{
	return win32_pair(ends);
}

void os_stream_close(int fd)
{
	os_socket_close(fd);
}

/* The system does not say how it was: streams of ours block until they are told not to. */
bool os_set_blocking(int fd, bool blocking, bool *before)
{
	u_long off = !blocking;
	SOCKET s;

	if (before)
		*before = true;
	if (!win32_is_socket(fd, &s)) {
		errno = EBADF;
		return false;
	}
	if (ioctlsocket(s, (long)FIONBIO, &off) == 0)
		return true;
	errno = os_socket_error();
	return false;
}

int64_t os_receive(int fd, void *p, size_t n)
{
	SOCKET s;
	int got;

	if (!win32_is_socket(fd, &s))
		return os_read(fd, p, n);
	got = recv(s, p, n > INT_MAX ? INT_MAX : (int)n, 0);
	if (got < 0)
		errno = os_socket_error();
	/* Who wrote ended without a word: a pipe would be at its end. */
	if (got < 0 && (errno == ECONNRESET || errno == ECONNABORTED))
		got = 0;
	return got;
}

int64_t os_send(int fd, const struct os_part *parts, size_t count)
{
	WSABUF v[OS_PARTS_MAX];
	DWORD done = 0, n = 0;
	SOCKET s;

	if (!win32_is_socket(fd, &s)) {
		errno = EBADF;
		return -1;
	}
	for (; n < count && n < OS_PARTS_MAX; n++)
		v[n] = (WSABUF){ parts[n].n > INT_MAX ? INT_MAX : (ULONG)parts[n].n,
			(char *)(uintptr_t)parts[n].p };
	if (WSASend(s, v, n, &done, 0, NULL, NULL) == 0)
		return done;
	errno = os_socket_error();
	if (errno == ECONNABORTED)
		errno = EPIPE;
	return -1;
}

bool os_send_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		struct os_part rest = { p, n };
		int64_t done = os_send(fd, &rest, 1);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}
