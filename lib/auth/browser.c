#include "auth/browser.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/url.h"

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

bool browser_possible(void)
{
	char *found;

	if (env("CI"))
		return false;
	if (env("BROWSER") || env("DISPLAY") || env("WAYLAND_DISPLAY"))
		return true;
#ifdef __APPLE__
	return true;
#endif
	found = wayland_socket();
	if (!found)
		found = find_socket("/tmp/.X11-unix", "X");
	if (!found)
		return false;
	free(found);
	return true;
}

/* In the browser's process. Clients withhold these variables; the session is there all the same. */
static void find_display(void)
{
	char *name;

	if (env("DISPLAY") || env("WAYLAND_DISPLAY"))
		return;
	if ((name = wayland_socket())) {
		char *dir = mem_printf("/run/user/%lu", (unsigned long)getuid());

		setenv("WAYLAND_DISPLAY", name, 1);
		setenv("XDG_RUNTIME_DIR", dir, 0);
		free(dir);
	}
	free(name);
	if ((name = find_socket("/tmp/.X11-unix", "X"))) {
		char *display = mem_printf(":%s", name + 1);

		setenv("DISPLAY", display, 1);
		free(display);
	}
	free(name);
}

static void run(const char *program, const char *url)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)url, NULL };

	execvp(program, argv);
}

/* $BROWSER is a list separated by colons; an entry may hold %s (which a program of its own would need
 * a shell for: only the first word and the URL are used). */
static void exec_browser(const char *url)
{
	const char *list = env("BROWSER");

	find_display();
	for (const char *p = list; p && *p;) {
		size_t n = strcspn(p, ":");
		char *program = mem_ndup(p, strcspn(p, ": ") < n ? strcspn(p, ": ") : n);

		run(program, url);
		free(program);
		p += n + (p[n] == ':');
	}
	if (!list) {
		run("xdg-open", url);
		run("open", url);
	}
	_exit(127);
}

/* The child of a child: nobody has to wait for it. */
static void launch(const char *url)
{
	int null = open("/dev/null", O_RDWR);
	pid_t pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	exec_browser(url);
}

bool browser_open(const char *url, struct err *e)
{
	struct url u;
	pid_t pid;

	if (!url_parse(url, &u, e))
		return false;
	url_clear(&u);
	pid = fork();
	if (pid < 0)
		return err_set(e, ERR_IO, "cannot start a browser: %s", strerror(errno));
	if (pid == 0)
		launch(url);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}
