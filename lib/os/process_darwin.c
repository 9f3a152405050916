/* Compiled for macOS, not run there by us. */
#define _DARWIN_C_SOURCE
#include "os/process.h"

#include <limits.h>
#include <mach-o/dyld.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/process_impl.h"
#include "os/start.h"

const char os_open_descriptors[] = "/dev/fd";

/* By its path: what stands there now may be another version, which says so (worker.h). */
void os_exec_itself(char *const *args, char *const *variables)
{
	char path[PATH_MAX];
	uint32_t size = sizeof(path);

	if (_NSGetExecutablePath(path, &size) == 0)
		execve(path, args, variables);
}

/* Memory of others can be read here by root and by who is entitled to debug alone. */
void os_no_dump(void)
{
}

/* ---- the desktop ---- */

const char *const os_default_browsers = "/usr/bin/open:open";

bool os_has_desktop(void)
{
	return !os_variable("SSH_CONNECTION") && !os_variable("SSH_TTY");
}

/* The program that opens pages asks the session itself. */
char **os_desktop_variables(void)
{
	return calloc(1, sizeof(char *));
}
