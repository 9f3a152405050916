#include "auth/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/secret.h"
#include "os/file.h"

struct worker {
	int fd;
	struct loop_watch *watch;
	struct buf in;
	const struct worker_events *on;
	void *ctx;
	bool busy, left; /* a callback of its owner runs; it was left there */
};

struct worker_out {
	int fd;
};

/* ---- the new process ---- */

void worker_say(struct worker_out *out, const char *line)
{
	/* It is no failure when nobody reads it any more. */
	if (os_write(out->fd, line, strlen(line)))
		(void)!os_write(out->fd, "\n", 1);
}

/* SIGHUP: the terminal that is closed is not ours. SIGPIPE: a reader that is gone is no reason. SIGXFSZ: a
 * file that may not grow is an error like any other. */
static void ignore_some_signals(void)
{
	static const int signals[] = { SIGHUP, SIGPIPE, SIGXFSZ };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&ignore.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &ignore, NULL);
}

/* Two forks: the process in the middle ends at once, so that ours belongs to nobody's tree, and
 * setsid() takes it out of the client's process group. */
static void detach(int lock, int pipe_fd, worker_fn *work, void *ctx)
{
	struct worker_out out = { .fd = pipe_fd };
	int keep[] = { lock, pipe_fd };
	pid_t pid;

	child_reset_signals();
	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	ignore_some_signals();
	diag_close();
	child_let_go(keep, sizeof(keep) / sizeof(keep[0]));
	work(ctx, &out);
	_exit(0);
}

/* ---- its starter ---- */

static void worker_free(struct worker *w)
{
	loop_watch_free(w->watch);
	if (w->fd >= 0)
		close(w->fd);
	buf_wipe(&w->in);
	free(w);
}

void worker_leave(struct worker *w)
{
	if (!w)
		return;
	w->left = true;
	if (!w->busy)
		worker_free(w);
}

static void take_lines(struct worker *w)
{
	char *end;

	while (!w->left && w->in.len && (end = memchr(w->in.p, '\n', w->in.len))) {
		size_t n = (size_t)(end - w->in.p);

		*end = 0;
		w->on->line(w->ctx, w->in.p, n);
		secret_wipe(w->in.p, n);
		buf_drop(&w->in, n + 1);
	}
}

static void readable(void *ctx, int happened)
{
	struct worker *w = ctx;
	char piece[4096];
	ssize_t n = read(w->fd, piece, sizeof(piece));

	(void)happened;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	w->busy = true;
	if (n > 0 && buf_add(&w->in, piece, (size_t)n)) {
		take_lines(w);
		w->busy = false;
		secret_wipe(piece, sizeof(piece));
		if (w->left)
			worker_free(w);
		return;
	}
	if (!w->left)
		w->on->end(w->ctx);
	worker_free(w);
}

static bool make_pipe(int fds[2], struct err *e)
{
	if (pipe(fds) != 0)
		return err_set(e, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return true;
}

struct worker *worker_start(struct loop *l, int lock, worker_fn *work, void *work_ctx,
	const struct worker_events *on, void *ctx, struct err *e)
{
	struct worker *w = NULL;
	int fds[2], status = 0, error;
	pid_t pid;

	if (!make_pipe(fds, e))
		return NULL;
	pid = fork();
	if (pid == 0)
		detach(lock, fds[1], work, work_ctx);
	error = errno;
	close(fds[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || status != 0) {
		err_set(e, ERR_IO, "cannot start a process: %s; close other programs and try again",
			pid < 0 ? strerror(error) : "no more are allowed");
		close(fds[0]);
		return NULL;
	}
	w = mem_new(sizeof(*w));
	*w = (struct worker){ .fd = fds[0], .on = on, .ctx = ctx };
	buf_init(&w->in, WORKER_LINE_MAX);
	w->watch = loop_watch(l, w->fd, LOOP_READ, readable, w);
	return w;
}
