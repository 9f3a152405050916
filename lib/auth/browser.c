#include "auth/browser.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/given.h"
#include "base/mem.h"
#include "net/url.h"

/* A failure after this long is no failure to open: a browser that runs until it is closed may end with any
 * status. */
#define FAILS_S 10

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* The first socket in dir whose name starts with prefix; malloc'ed. Our own only. */
static char *find_socket(const char *dir, const char *prefix)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	char *found = NULL;

	while (d && !found && (f = readdir(d))) {
		char *path = mem_printf("%s/%s", dir, f->d_name);
		struct stat st;

		if (strncmp(f->d_name, prefix, strlen(prefix)) == 0 && lstat(path, &st) == 0 &&
			S_ISSOCK(st.st_mode) && st.st_uid == getuid())
			found = mem_dup(f->d_name);
		free(path);
	}
	if (d)
		closedir(d);
	return found;
}

static char *wayland_socket(void)
{
	char *dir = mem_printf("/run/user/%lu", (unsigned long)getuid());
	char *found = find_socket(dir, "wayland-");

	free(dir);
	return found;
}

/* Whose screen it is matters: over SSH nobody sits in front of this one. */
static bool has_session(void)
{
	char *found;
	bool any;

	if (env("SSH_CONNECTION") || env("SSH_TTY"))
		return false;
	found = wayland_socket();
	if (!found)
		found = find_socket("/tmp/.X11-unix", "X");
	any = found != NULL;
	free(found);
	return any;
}

bool browser_possible(void)
{
	if (env("CI"))
		return false;
	if (env("BROWSER") || env("DISPLAY") || env("WAYLAND_DISPLAY"))
		return true;
#ifdef __APPLE__
	return !env("SSH_CONNECTION") && !env("SSH_TTY");
#else
	return has_session();
#endif
}

/* In the browser's process. Clients withhold these variables; the session is there all the same. */
static void find_session(void)
{
	char *dir = mem_printf("/run/user/%lu", (unsigned long)getuid()), *name;

	if (access(dir, X_OK) == 0)
		setenv("XDG_RUNTIME_DIR", dir, 0); /* the session's bus is found by it, too */
	free(dir);
	if (env("DISPLAY") || env("WAYLAND_DISPLAY"))
		return;
	if ((name = wayland_socket()))
		setenv("WAYLAND_DISPLAY", name, 1);
	free(name);
	if ((name = find_socket("/tmp/.X11-unix", "X"))) {
		char *display = mem_printf(":%s", name + 1);

		setenv("DISPLAY", display, 1);
		free(display);
	}
	free(name);
}

/* Three bytes for each of the longest URL: a cap that url_add_escaped() cannot meet. */
#define ADDRESS_MAX ((size_t)3 * URL_MAX)

/* Words of one entry; more than that is no command line. */
#define WORDS_MAX 16

/* word with every %s replaced. */
static char *fill_in(const char *word, const char *url)
{
	struct buf b;
	char *text;

	buf_init(&b, (size_t)1 << 20);
	while (*word) {
		bool place = word[0] == '%' && word[1] == 's';

		if (place ? !buf_adds(&b, url) : !buf_addc(&b, *word))
			break;
		word += place ? 2 : 1;
	}
	text = buf_take(&b, NULL);
	return text;
}

/* A program whose name holds blanks: the entry as a whole is a file that can be run. */
static void try_whole(const char *entry, size_t n, const char *url)
{
	char *program = mem_ndup(entry, n), *address = mem_dup(url);
	char *argv[] = { program, address, NULL };

	if (strchr(program, '/') && strchr(program, ' ') && access(program, X_OK) == 0)
		execvp(program, argv);
	free(program);
	free(address);
}

/* One entry of the list, n bytes: a program and perhaps arguments, between blanks. Returns when it cannot
 * be started. */
static void try_entry(const char *entry, size_t n, const char *url)
{
	char *argv[WORDS_MAX + 2] = { 0 };
	const char *end = entry + n;
	bool placed = false;
	size_t count = 0;

	try_whole(entry, n, url);
	while (entry < end && count < WORDS_MAX) {
		size_t len = strcspn(entry, " \t");
		char *word;

		len = len > (size_t)(end - entry) ? (size_t)(end - entry) : len;
		if (len) {
			word = mem_ndup(entry, len);
			placed = placed || (count && strstr(word, "%s"));
			argv[count] = count ? fill_in(word, url) : mem_dup(word);
			count++;
			free(word);
		}
		entry += len + 1;
	}
	if (!placed)
		argv[count] = mem_dup(url);
	if (count)
		execvp(argv[0], argv);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
}

/* ---- the attendant: a process that sees how the programs end ---- */

/* What it reports, as one byte; nothing: a program runs, or ended well. */
enum { REPORT_MISSING = 'm', REPORT_FAILED = 'f' };

/* Runs one entry. False when it ended with a failure, *report says which. The alarm ends a wait that is
 * too long for a failure: whoever listens sees the pipe close, as with one that ended well. */
static bool run_entry(const char *entry, size_t n, const char *url, char *report)
{
	int status = 0;
	pid_t pid;

	alarm(FAILS_S);
	pid = fork();
	if (pid == 0) {
		try_entry(entry, n, url);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (pid > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 127))
		*report = REPORT_FAILED;
	return false;
}

/* $BROWSER is a list separated by colons; the address takes the place of %s in an entry, or is added to
 * it. No shell reads any of that. */
static void attend(const char *url, int pipe_fd)
{
	const char *list = env("BROWSER");
	char report = REPORT_MISSING;
	struct buf escaped;
	bool fits;

	child_reset_signals(); /* the browser is no place for what we ignore */
	setsid();
	child_let_go(&pipe_fd, 1);
	child_restore_core();
	given_scrub_environment();
	find_session();
	if (!list)
		list = "xdg-open:open";
	buf_init(&escaped, ADDRESS_MAX);
	fits = url_add_escaped(&escaped, url);
	while (fits && *list) {
		size_t n = strcspn(list, ":");

		if (run_entry(list, n, buf_str(&escaped), &report))
			_exit(0);
		list += n + (list[n] == ':');
	}
	(void)!write(pipe_fd, &report, 1);
	_exit(0);
}

/* ---- its starter ---- */

struct browser {
	pid_t attendant; /* 0: it is gone */
	int fd;
	struct loop_watch *watch;
	browser_failed_fn *failed;
	void *ctx;
};

static void dismiss(struct browser *b)
{
	loop_watch_free(b->watch);
	b->watch = NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	if (!b->attendant)
		return;
	kill(b->attendant, SIGKILL); /* the browser itself goes on */
	while (waitpid(b->attendant, NULL, 0) < 0 && errno == EINTR)
		;
	b->attendant = 0;
}

static const char *why(char report)
{
	if (env("BROWSER"))
		return report == REPORT_FAILED
			       ? "the program that BROWSER names ended with a failure"
			       : "BROWSER names no program that is there";
	return report == REPORT_FAILED ? "xdg-open ended with a failure; set BROWSER"
				       : "there is no xdg-open; set BROWSER";
}

static void reported(void *ctx, int happened)
{
	struct browser *b = ctx;
	struct err e = { 0 };
	char report = 0;
	ssize_t n = read(b->fd, &report, 1);

	(void)happened;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	dismiss(b);
	if (n != 1)
		return;
	err_set(&e, ERR_IO, "no browser could be started: %s", why(report));
	b->failed(b->ctx, &e); /* b may be gone */
}

/* A pipe whose ends no program that is started gets. */
static bool make_pipe(int fds[2])
{
	if (pipe(fds) != 0)
		return false;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return true;
}

struct browser *browser_open(
	struct loop *l, const char *url, browser_failed_fn *failed, void *ctx, struct err *e)
{
	struct browser *b;
	struct url u;
	int fds[2], error;
	pid_t pid;

	if (!url_parse(url, &u, e))
		return NULL;
	url_clear(&u);
	if (!make_pipe(fds)) {
		err_set(e, ERR_IO, "cannot start a browser: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (pid == 0)
		attend(url, fds[1]);
	error = errno;
	close(fds[1]);
	if (pid < 0) {
		err_set(e, ERR_IO, "cannot start a browser: %s", strerror(error));
		close(fds[0]);
		return NULL;
	}
	b = mem_new(sizeof(*b));
	*b = (struct browser){ .attendant = pid, .fd = fds[0], .failed = failed, .ctx = ctx };
	b->watch = loop_watch(l, b->fd, LOOP_READ, reported, b);
	return b;
}

void browser_free(struct browser *b)
{
	if (!b)
		return;
	dismiss(b);
	free(b);
}
