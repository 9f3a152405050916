/*
 * Exit statuses: one value each, one row of the man page each
 * (tests/checks/docs.py compares them).
 */
#ifndef MPMCP_EXIT_H
#define MPMCP_EXIT_H

#include "base/err.h"
#include "os/loop.h"

enum exit_status {
	EXIT_DONE = 0,        /* success */
	EXIT_FAILED = 1,      /* failure */
	EXIT_USAGE = 2,       /* usage */
	EXIT_INTERRUPTED = 3, /* interrupted by the person */
	EXIT_SIGN_IN = 4,     /* sign-in needed or refused */
	EXIT_NETWORK = 5,     /* network or TLS */
	EXIT_REFUSED = 6,     /* refused by the service */
	EXIT_RATE = 7,        /* rate limited */
};

/* The status for a failure of this kind. */
enum exit_status exit_for(enum err_kind kind);

/* What a command returns that a signal ended, once it has cleaned up: main() then lets the signal end the
 * process, so that a shell's loop or script stops, too. EXIT_INTERRUPTED means SIGINT, but for the bridge,
 * whose client looks at the status. */
int exit_by_signal(enum os_signal signal);
/* Ends the process so, when that is what status says. */
void exit_if_signal(int status);

#endif
