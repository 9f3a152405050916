#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/process.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- this one ---- */

long os_process_number(void)
{
	return (long)getpid();
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
