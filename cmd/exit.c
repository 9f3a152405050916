#include "exit.h"

/* As shells count: 128 and the signal. */
#define BY_SIGNAL 128

static const enum exit_status statuses[] = {
	[ERR_NONE] = EXIT_DONE,
	[ERR_USAGE] = EXIT_USAGE,
	[ERR_IO] = EXIT_FAILED,
	[ERR_NET] = EXIT_NETWORK,
	[ERR_PROTO] = EXIT_FAILED,
	[ERR_AUTH] = EXIT_SIGN_IN,
	[ERR_FORBIDDEN] = EXIT_REFUSED,
	[ERR_NOT_FOUND] = EXIT_FAILED,
	[ERR_RATE] = EXIT_RATE,
	[ERR_SERVER] = EXIT_FAILED,
	[ERR_LIMIT] = EXIT_FAILED,
	[ERR_POLICY] = EXIT_REFUSED,
	[ERR_CANCELLED] = EXIT_INTERRUPTED,
};
_Static_assert(
	sizeof(statuses) / sizeof(statuses[0]) == ERR_KINDS, "a status for each kind of failure");

enum exit_status exit_for(enum err_kind kind)
{
	return statuses[kind];
}

int exit_by_signal(enum os_signal signal)
{
	return BY_SIGNAL + os_signal_number(signal);
}

void exit_if_signal(int status)
{
	if (status > BY_SIGNAL)
		os_end_by_signal(status - BY_SIGNAL);
}
