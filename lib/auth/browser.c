#include "auth/browser.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* A program on a slow disk may take a moment; then it is taken for started. */
#define START_MS 2000

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

/* $BROWSER is a list separated by colons; the address takes the place of %s in an entry, or is added to
 * it. No shell reads any of that. A byte in report: none could be started. */
static void exec_browser(const char *url, int report)
{
	const char *list = env("BROWSER");

	child_restore_core();
	given_scrub_environment();
	find_session();
	if (!list)
		list = "xdg-open:open";
	while (*list) {
		size_t n = strcspn(list, ":");

		try_entry(list, n, url);
		list += n + (list[n] == ':');
	}
	(void)!write(report, "", 1);
	_exit(127);
}

/* The child of a child: nobody has to wait for it. */
static void launch(const char *url, int report)
{
	pid_t pid;

	child_reset_signals(); /* the browser is no place for what we ignore */
	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	child_let_go(&report, 1);
	exec_browser(url, report);
}

/* The pipe closes when a program takes over. */
static bool has_started(int report)
{
	struct pollfd p = { .fd = report, .events = POLLIN };
	char byte;

	return poll(&p, 1, START_MS) <= 0 || read(report, &byte, 1) != 1;
}

bool browser_open(const char *url, struct err *e)
{
	struct url u;
	int fds[2];
	bool started = false;
	pid_t pid;

	if (!url_parse(url, &u, e))
		return false;
	url_clear(&u);
	if (pipe(fds) != 0)
		return err_set(e, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == 0)
		launch(url, fds[1]);
	if (pid < 0)
		err_set(e, ERR_IO, "cannot start a browser: %s", strerror(errno));
	close(fds[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (pid > 0)
		started = has_started(fds[0]) ||
			  err_set(e, ERR_IO, "no browser could be started: %s",
				  env("BROWSER") ? "BROWSER names no program that is there"
						 : "there is no xdg-open; set BROWSER");
	close(fds[0]);
	return started;
}
