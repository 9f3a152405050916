/* Between fork() and execve() only calls that are safe there: libraries may have threads, and locks of theirs stand as they
 * stood. All that needs memory is made before. */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/loop.h"
#include "os/process_impl.h"
#include "os/start.h"

/* One more than the last; those of real time are among them where the system has such. */
#ifdef SIGRTMAX
#define NUMBERS (SIGRTMAX + 1)
#else
#define NUMBERS 32
#endif

/* What a shell has for a command that cannot be started. */
#define NOT_STARTED 127

/* Descriptors to look at where the system has no list of the open ones. */
#define FDS_MAX 65536

static struct rlimit core_before; /* what other programs get back */
static bool core_changed;

/* ---- this one ---- */

long os_process_number(void)
{
	return (long)getpid();
}

long os_descriptors_possible(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > (rlim_t)INT32_MAX
		       ? -1
		       : (long)r.rlim_cur;
}

void os_no_core(void)
{
	struct rlimit none;

	if (!core_changed && getrlimit(RLIMIT_CORE, &core_before) == 0) {
		none = (struct rlimit){ 0, core_before.rlim_max };
		core_changed = setrlimit(RLIMIT_CORE, &none) == 0;
	}
	os_no_dump();
}

bool os_is_first_process(void)
{
	return getpid() == 1;
}

void os_take_orphans(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* ---- programs that are there ---- */

char *os_find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	size_t room = strlen(name) + 2;
	struct os_info i;

	for (path = path ? path : "/usr/bin:/bin"; *path; path = *end ? end + 1 : end) {
		char *file;

		end = path + strcspn(path, ":");
		if (*path != '/' || !(file = malloc((size_t)(end - path) + room)))
			continue;
		memcpy(file, path, (size_t)(end - path));
		file[end - path] = '/';
		strcpy(file + (end - path) + 1, name);
		if (os_info_at(OS_HERE, file, true, &i) && i.kind == OS_FILE &&
			os_may(file, OS_MAY_RUN))
			return file;
		free(file);
	}
	return NULL;
}

/* ---- what a new program does not get ---- */

/* What came with us from whoever started us: ours are closed in programs anyway. In this process, so that nothing is to
 * be looked up between fork() and execve(). */
static void seal_inherited(void)
{
	struct os_names *names = os_names(os_open_folder(OS_HERE, os_open_descriptors, true, true));
	const char *name;

	while (names && (name = os_next_name(names))) {
		int fd = atoi(name);

		if (fd > STDERR_FILENO)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	for (int fd = STDERR_FILENO + 1; !names && fd < FDS_MAX; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	os_names_free(names);
}

static void reset_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&plain.sa_mask);
	for (int signo = 1; signo < NUMBERS; signo++)
		sigaction(signo, &plain, NULL); /* some of them cannot be changed */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void ignore(int signo)
{
	struct sigaction none = { .sa_handler = SIG_IGN };

	sigemptyset(&none.sa_mask);
	sigaction(signo, &none, NULL);
}

static bool put_at(int fd, int at)
{
	int done;

	do
		done = dup2(fd, at);
	while (done < 0 && errno == EINTR);
	return done == at;
}

/* First out of the way of one another. */
static bool put_standard(const struct os_command *c, int null)
{
	int from[] = { c->in, c->out, c->err };

	for (int i = 0; i < 3; i++) {
		from[i] = fcntl(from[i] < 0 ? null : from[i], F_DUPFD_CLOEXEC, 3);
		if (from[i] < 0)
			return false;
	}
	return put_at(from[0], 0) && put_at(from[1], 1) && put_at(from[2], 2);
}

/* ---- programs ---- */

struct os_process {
	pid_t pid;
};

static void exec_command(const struct os_command *c, int null)
{
	char *const *args = (char *const *)(uintptr_t)c->args;

	if (!put_standard(c, null))
		return;
	if (!c->program) {
		os_exec_itself(args, c->variables);
		return;
	}
	if (core_changed)
		(void)!setrlimit(RLIMIT_CORE, &core_before);
	execve(c->program, args, c->variables);
}

/* In the new process. */
static void become(const struct os_command *c, int null)
{
	reset_signals();
	exec_command(c, null);
	_exit(NOT_STARTED);
}

/* *null: for the standard descriptors that are to be nothing. */
static bool make_ready(const struct os_command *c, struct os_command *ready, int *null)
{
	*ready = *c;
	if (!c->variables)
		ready->variables = os_variables();
	*null = os_open(OS_HERE, "/dev/null", OS_READ | OS_WRITE, 0);
	if (*null < 0)
		return false;
	seal_inherited();
	return true;
}

struct os_process *os_process_start(const struct os_command *given)
{
	struct os_process *p = malloc(sizeof(*p));
	struct os_command c;
	int null = -1, error;

	if (!p || !make_ready(given, &c, &null)) {
		free(p);
		return NULL;
	}
	p->pid = fork();
	if (p->pid == 0)
		become(&c, null);
	error = errno;
	os_close(null);
	if (p->pid > 0)
		return p;
	free(p);
	errno = error;
	return NULL;
}

static int end_of(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int os_process_wait(struct os_process *p)
{
	int status = end_of(p->pid);

	free(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void os_process_stop(struct os_process *p)
{
	kill(p->pid, SIGKILL);
	(void)os_process_wait(p);
}

/* Two forks: the process in the middle ends at once, so that the other belongs to nobody's tree, and setsid() takes it
 * out of the client's process group. */
static void detach(const struct os_command *c, int null)
{
	pid_t pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	reset_signals();
	ignore(SIGHUP); /* the terminal that is closed is not its own */
	exec_command(c, null);
	_exit(NOT_STARTED);
}

bool os_start_detached(const struct os_command *given)
{
	struct os_command c;
	int null, error, status;
	pid_t pid;

	if (!make_ready(given, &c, &null))
		return false;
	pid = fork();
	if (pid == 0)
		detach(&c, null);
	error = errno;
	os_close(null);
	status = pid > 0 ? end_of(pid) : -1;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	errno = pid > 0 ? EAGAIN : error; /* no more processes are allowed */
	return false;
}

/* ---- showing a page ---- */

void os_free_variables(char **v)
{
	for (char **p = v; p && *p; p++)
		free(*p);
	free(v);
}

struct os_showing {
	pid_t attendant; /* sees how the programs end */
	int fd;
	int *fds; /* that it does not keep */
	size_t nfds;
};

/* What the attendant reports, as one byte; nothing: a program runs, or ended well. */
enum { REPORT_MISSING = 'm', REPORT_FAILED = 'f' };

static bool add_open(struct os_showing *s, int fd)
{
	int *more = s->nfds % 64 ? s->fds : realloc(s->fds, (s->nfds + 64) * sizeof(*more));

	if (!more)
		return false;
	s->fds = more;
	s->fds[s->nfds++] = fd;
	return true;
}

/* The attendant is no other program, so it closes what it has of ours: all that is open now. */
static bool list_open(struct os_showing *s)
{
	struct os_names *names = os_names(os_open_folder(OS_HERE, os_open_descriptors, true, true));
	const char *name;
	bool good = true;

	while (names && good && (name = os_next_name(names)))
		good = add_open(s, atoi(name));
	for (int fd = 0; !names && good && fd < FDS_MAX; fd++)
		good = fcntl(fd, F_GETFD) < 0 || add_open(s, fd);
	os_names_free(names);
	return good;
}

static void let_go(const struct os_showing *s, int keep, int null)
{
	for (size_t i = 0; i < s->nfds; i++)
		if (s->fds[i] != keep && s->fds[i] != null)
			close(s->fds[i]);
	for (int fd = 0; fd < 3; fd++)
		put_at(null, fd);
	close(null);
}

/* False when the program ended with a failure, *report says which. The alarm ends a wait that is too long for a failure:
 * whoever listens sees the pipe close, as with one that ended well. */
static bool run_one(char *const *args, char *const *variables, int fails_s, char *report)
{
	int status = -1;
	pid_t pid;

	alarm((unsigned)fails_s);
	pid = fork();
	if (pid == 0) {
		alarm(0);
		execve(args[0], args, variables);
		_exit(NOT_STARTED);
	}
	if (pid > 0)
		status = end_of(pid);
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (pid > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED))
		*report = REPORT_FAILED;
	return false;
}

static void attend(const struct os_showing *s, char **const *programs, char *const *variables,
	int fails_s, int pipe_fd, int null)
{
	char report = REPORT_MISSING;

	reset_signals();
	setsid();
	let_go(s, pipe_fd, null);
	if (core_changed)
		(void)!setrlimit(RLIMIT_CORE, &core_before);
	for (; *programs; programs++)
		if (run_one(*programs, variables, fails_s, &report))
			_exit(0);
	(void)!write(pipe_fd, &report, 1);
	_exit(0);
}

struct os_showing *os_show(
	const char *address, char **const *programs, char *const *variables, int fails_s)
{
	struct os_showing *s = calloc(1, sizeof(*s));
	int ends[2] = { -1, -1 }, null = os_open(OS_HERE, "/dev/null", OS_READ | OS_WRITE, 0),
	    error;

	(void)address; /* it stands among the arguments */
	if (!s || null < 0 || !os_pipe(ends) || !os_set_blocking(ends[0], false, NULL) ||
		!list_open(s))
		goto fail;
	s->fd = ends[0];
	s->attendant = fork();
	if (s->attendant == 0)
		attend(s, programs, variables, fails_s, ends[1], null);
	if (s->attendant < 0)
		goto fail;
	os_close(ends[1]);
	os_close(null);
	return s;
fail:
	error = errno;
	os_close(ends[0]);
	os_close(ends[1]);
	os_close(null);
	if (s)
		free(s->fds);
	free(s);
	errno = error;
	return NULL;
}

int os_showing_fd(const struct os_showing *s)
{
	return s->fd;
}

enum os_shown os_showing_result(struct os_showing *s)
{
	char report = 0;
	int64_t n = os_receive(s->fd, &report, 1);

	if (n < 0 && errno == EAGAIN)
		return OS_SHOW_AGAIN;
	if (n != 1)
		return OS_SHOWN;
	return report == REPORT_FAILED ? OS_SHOW_FAILED : OS_SHOW_MISSING;
}

void os_showing_free(struct os_showing *s)
{
	if (!s)
		return;
	os_close(s->fd);
	kill(s->attendant, SIGKILL); /* the browser itself goes on */
	(void)end_of(s->attendant);
	free(s->fds);
	free(s);
}
