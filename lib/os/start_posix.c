#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/start.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "os/process.h"

const char os_list_separator = ':';

extern char **environ;

/* A client that starts us with a closed descriptor would otherwise have some file of ours there. */
static bool open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool os_start(void)
{
	if (!open_standard())
		return false;
	os_no_core();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
#ifdef __GLIBC__
	/* Nearly all results are below 2 MiB: their memory is used again for the next one, page by page, as
	 * long as no more than two of them are free. What is larger goes back to the system at once. Both
	 * fixed, or freeing one large message would teach malloc to keep the memory of all later ones. */
	mallopt(M_MMAP_THRESHOLD, 2 << 20);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
	return true;
}

const char *os_variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

const char *os_home(void)
{
	const char *home = os_variable("HOME");

	return home && *home == '/' ? home : NULL;
}

char *os_current_folder(void)
{
	return getcwd(NULL, 0);
}

bool os_is_absolute(const char *path)
{
	return *path == '/';
}

bool os_set_variable(const char *name, const char *value)
{
	return (value ? setenv(name, value, 1) : unsetenv(name)) == 0;
}

char **os_variables(void)
{
	return environ;
}
