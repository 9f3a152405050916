#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* macOS has no such flag; SIGPIPE is ignored by the whole program, the flag only spares a call of ours
 * from depending on that. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- waiting ---- */

/* The loop's array is the system's. */
_Static_assert(sizeof(struct os_wait) == sizeof(struct pollfd) &&
		       offsetof(struct os_wait, want) == offsetof(struct pollfd, events) &&
		       offsetof(struct os_wait, got) == offsetof(struct pollfd, revents) &&
		       offsetof(struct os_wait, fd) == offsetof(struct pollfd, fd),
	"struct os_wait is struct pollfd");
_Static_assert(OS_CAN_READ == POLLIN && OS_CAN_WRITE == POLLOUT && OS_FAILED == POLLERR &&
		       OS_HUNG_UP == POLLHUP && OS_NOT_OPEN == POLLNVAL,
	"and so are its flags");

int os_wait(struct os_wait *fds, size_t n, int ms)
{
	return poll((struct pollfd *)(void *)fds, (nfds_t)n, ms);
}

/* ---- streams ---- */

bool os_pipe(int ends[2])
{
	if (pipe(ends) != 0)
		return false;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return true;
}

void os_stream_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

bool os_set_blocking(int fd, bool blocking, bool *before)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return false;
	if (before)
		*before = !(flags & O_NONBLOCK);
	if (blocking == !(flags & O_NONBLOCK))
		return true;
	return fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0;
}

static bool is_nothing_now(int error)
{
	return error == EWOULDBLOCK || error == EINTR;
}

int64_t os_receive(int fd, void *p, size_t n)
{
	ssize_t got = read(fd, p, n);

	if (got < 0 && is_nothing_now(errno))
		errno = EAGAIN;
	return got;
}

int64_t os_send(int fd, const struct os_part *parts, size_t count)
{
	struct iovec v[OS_PARTS_MAX];
	ssize_t done;
	size_t n = 0;

	for (; n < count && n < OS_PARTS_MAX; n++)
		v[n] = (struct iovec){ (void *)(uintptr_t)parts[n].p, parts[n].n };
	do
		done = writev(fd, v, (int)n);
	while (done < 0 && errno == EINTR);
	if (done < 0 && errno == EWOULDBLOCK)
		errno = EAGAIN;
	return done;
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

bool os_stream_open(int fd, enum os_stream_use use, struct os_stream *s)
{
	*s = (struct os_stream){ .fd = fd };
	if (use == OS_STREAM_TYPED || os_set_blocking(fd, false, &s->blocked))
		return true;
	s->fd = -1;
	return false;
}

/* Only the one flag that was changed here: others may have changed the rest meanwhile. */
void os_stream_end(struct os_stream *s)
{
	if (s->fd >= 0 && s->blocked && !os_set_blocking(s->fd, true, NULL))
		s->blocked = false; /* it is closed already */
	s->fd = -1;
}

int os_write_error(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP))
		return EPIPE;
	return p.revents & POLLOUT && write(fd, "\n", 1) < 0 ? errno : 0;
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes; a socket can be told per call. */
int64_t os_write_at_once(const void *p, size_t n)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t done = send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done >= 0 || errno != ENOTSOCK)
		return done;
	if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
		return -1;
	return write(STDERR_FILENO, p, n < PIPE_BUF ? n : PIPE_BUF);
}

/* ---- signals ---- */

static const int numbers[OS_SIGNALS] = { [OS_NO_SIGNAL] = 0,
	[OS_INTERRUPT] = SIGINT,
	[OS_TERMINATE] = SIGTERM,
	[OS_HANG_UP] = SIGHUP,
	[OS_CHILD_ENDED] = SIGCHLD };

static struct {
	int ends[2];
	bool open, caught[OS_SIGNALS];
	struct sigaction before[OS_SIGNALS];
} signals;

/* Where the handler writes: it gets no context. */
static volatile sig_atomic_t signal_fd = -1;

static void on_signal(int signo)
{
	unsigned char b = (unsigned char)signo;
	int saved = errno;

	/* A full pipe means that the loop has plenty of signals to look at already. */
	if (signal_fd >= 0 && write(signal_fd, &b, 1) < 0)
		errno = saved;
	errno = saved;
}

int os_signals_open(void)
{
	if (!os_pipe(signals.ends))
		return -1;
	if (!os_set_blocking(signals.ends[0], false, NULL) ||
		!os_set_blocking(signals.ends[1], false, NULL)) {
		os_stream_close(signals.ends[0]);
		os_stream_close(signals.ends[1]);
		return -1;
	}
	signals.open = true;
	signal_fd = signals.ends[1];
	return signals.ends[0];
}

bool os_signal_catch(enum os_signal s)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	sigset_t these;

	sigemptyset(&sa.sa_mask);
	if (sigaction(numbers[s], &sa, signals.caught[s] ? NULL : &signals.before[s]) != 0)
		return false;
	signals.caught[s] = true;
	/* Whoever started us may have had it blocked, and that is inherited. */
	sigemptyset(&these);
	sigaddset(&these, numbers[s]);
	return sigprocmask(SIG_UNBLOCK, &these, NULL) == 0;
}

enum os_signal os_signal_next(void)
{
	unsigned char b;
	int s = OS_NO_SIGNAL;

	while (s == OS_NO_SIGNAL && read(signals.ends[0], &b, 1) == 1)
		for (s = OS_SIGNALS - 1; s != OS_NO_SIGNAL && numbers[s] != b;)
			s--;
	return (enum os_signal)s;
}

void os_signals_ignore(void)
{
	for (int s = 0; s < OS_SIGNALS; s++) {
		if (!signals.caught[s])
			continue;
		signals.before[s] = (struct sigaction){ .sa_handler = SIG_IGN };
		sigaction(numbers[s], &signals.before[s], NULL);
	}
}

void os_signals_close(void)
{
	if (!signals.open)
		return;
	for (int s = 0; s < OS_SIGNALS; s++) {
		if (signals.caught[s])
			sigaction(numbers[s], &signals.before[s], NULL);
		signals.caught[s] = false;
	}
	signal_fd = -1;
	os_stream_close(signals.ends[0]);
	os_stream_close(signals.ends[1]);
	signals.open = false;
}

bool os_signal_is_ignored(enum os_signal s)
{
	struct sigaction now;

	return sigaction(numbers[s], NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int os_signal_number(enum os_signal s)
{
	return numbers[s];
}

void os_end_by_signal(int number)
{
	sigset_t these;

	signal(number, SIG_DFL);
	sigemptyset(&these);
	sigaddset(&these, number);
	sigprocmask(SIG_UNBLOCK, &these, NULL);
	raise(number);
}
