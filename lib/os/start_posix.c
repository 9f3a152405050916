#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char os_list_separator = ':';

extern char **environ;

const char *os_home(void)
{
	const char *home = getenv("HOME");

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
