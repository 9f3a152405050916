/*
 * What a process that was just forked does first, so that it takes nothing
 * along: descriptors, signals; and what it inherits on purpose: no core files.
 */
#ifndef MPMCP_CHILD_H
#define MPMCP_CHILD_H

#include <stddef.h>

/* Standard input, output and error become /dev/null; everything else is closed but the n descriptors
 * of keep (negative ones are none). */
void child_let_go(const int *keep, size_t n);

/* Every signal back to what a new program expects, none blocked. */
void child_reset_signals(void);

/*
 * This process, and those it forks, leave no core file: it would hold tokens, and lie in the client's
 * folder. On Linux not dumpable either, since a program that takes cores from a pipe (apport,
 * systemd-coredump) does not look at the limit; that also keeps other processes of the same user from
 * reading the memory. Another program that is started is dumpable again; child_restore_core() gives it
 * back the limit.
 */
void child_no_core(void);
void child_restore_core(void);

#endif
