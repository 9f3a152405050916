#define _GNU_SOURCE
#include "os/process.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/file.h"
#include "os/process_impl.h"
#include "os/start.h"

const char os_open_descriptors[] = "/proc/self/fd";

/* The file of this process, whatever became of its path; the path where /proc is not there. */
void os_exec_itself(char *const *args, char *const *variables)
{
	execve("/proc/self/exe", args, variables);
	execve((const char *)(uintptr_t)getauxval(AT_EXECFN), args, variables);
}

/* A program that takes cores from a pipe (apport, systemd-coredump) does not look at the limit. */
void os_no_dump(void)
{
	(void)!prctl(PR_SET_DUMPABLE, 0);
}

/* ---- the desktop ---- */

const char *const os_default_browsers = "xdg-open:open";

static const char x11_folder[] = "/tmp/.X11-unix";

/* The first socket of ours in the folder whose name starts with prefix. */
static bool find_socket(const char *folder, const char *prefix, char *out, size_t size)
{
	int fd = os_open_folder(OS_HERE, folder, true, true);
	struct os_names *names = os_names(os_dup(fd));
	const char *name;
	struct os_info i;
	bool found = false;

	while (names && !found && (name = os_next_name(names))) {
		found = strncmp(name, prefix, strlen(prefix)) == 0 && strlen(name) < size &&
			os_info_at(fd, name, false, &i) && i.kind == OS_SOCKET && i.ours;
		if (found)
			snprintf(out, size, "%s", name);
	}
	os_names_free(names);
	os_close(fd);
	return found;
}

static void runtime_folder(char *out, size_t size)
{
	snprintf(out, size, "/run/user/%ld", os_user());
}

bool os_has_desktop(void)
{
	char folder[64], name[256];

	if (os_variable("SSH_CONNECTION") || os_variable("SSH_TTY"))
		return false;
	runtime_folder(folder, sizeof(folder));
	return find_socket(folder, "wayland-", name, sizeof(name)) ||
	       find_socket(x11_folder, "X", name, sizeof(name));
}

/* One that is given on, and means nothing to us. */
static bool is_missing(const char *name)
{
	return !os_variable(name);
}

/* Clients withhold these variables; the session is there all the same. */
char **os_desktop_variables(void)
{
	char **v = calloc(4, sizeof(*v)), **to = v, folder[64], name[256], text[300];

	if (!v)
		return NULL;
	runtime_folder(folder, sizeof(folder));
	/* The session's bus is found by it, too. */
	if (is_missing("XDG_RUNTIME_DIR") && os_may(folder, OS_MAY_RUN)) {
		snprintf(text, sizeof(text), "XDG_RUNTIME_DIR=%s", folder);
		*to++ = strdup(text);
	}
	if (os_variable("DISPLAY") || os_variable("WAYLAND_DISPLAY"))
		return v;
	if (find_socket(folder, "wayland-", name, sizeof(name))) {
		snprintf(text, sizeof(text), "WAYLAND_DISPLAY=%s", name);
		*to++ = strdup(text);
	}
	if (find_socket(x11_folder, "X", name, sizeof(name))) {
		snprintf(text, sizeof(text), "DISPLAY=:%s", name + 1);
		*to++ = strdup(text);
	}
	return v;
}
