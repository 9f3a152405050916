/* Compiled for macOS, not run there by us. */
#define _DARWIN_C_SOURCE
#include "os/start.h"

#include <limits.h>
#include <mach-o/dyld.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *os_program_path(void)
{
	char given[PATH_MAX];
	uint32_t size = sizeof(given);

	/* As it was started, links and all. */
	return _NSGetExecutablePath(given, &size) == 0 ? realpath(given, NULL) : NULL;
}

char *os_settings_folder(void)
{
	static const char behind[] = "/Library/Application Support";
	const char *home = os_home();
	size_t n = home ? strlen(home) + sizeof(behind) : 0;
	char *path = home ? malloc(n) : NULL;

	if (path)
		snprintf(path, n, "%s%s", home, behind);
	return path;
}
