/*
 * What a process that was just forked does first, so that it takes nothing
 * along: descriptors, signals.
 */
#ifndef MPMCP_CHILD_H
#define MPMCP_CHILD_H

#include <stddef.h>

/* Standard input, output and error become /dev/null; everything else is closed but the n descriptors
 * of keep (negative ones are none). */
void child_let_go(const int *keep, size_t n);

/* Every signal back to what a new program expects, none blocked. */
void child_reset_signals(void);

#endif
