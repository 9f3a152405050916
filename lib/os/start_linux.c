#define _GNU_SOURCE
#include "os/start.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *os_program_path(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return strdup(path);
}

/* XDG Base Directory Specification. */
char *os_settings_folder(void)
{
	const char *moved = getenv("XDG_CONFIG_HOME"), *home = os_home();
	char *path = NULL;
	size_t n;

	if (moved && *moved == '/')
		return strdup(moved);
	n = home ? strlen(home) + sizeof("/.config") : 0;
	if (home && (path = malloc(n)))
		snprintf(path, n, "%s/.config", home);
	return path;
}
