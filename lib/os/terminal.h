/*
 * The person's terminal.
 */
#ifndef MPMCP_OS_TERMINAL_H
#define MPMCP_OS_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

bool os_is_terminal(FILE *f);

/* Columns; 0: not a terminal, or it does not say. */
unsigned os_terminal_width(FILE *f);

/* It shows colours and obeys escape sequences, from now on where that has to be switched on. */
bool os_terminal_obeys(FILE *f);

/*
 * How a terminal as standard input is read. OS_BY_KEY: each character as it is typed; showing and editing them is left to us, since
 * one that waits for whole lines cuts them after some 4,000 bytes. OS_HIDDEN: by line, and not shown; what was typed
 * before does not count. In the background the terminal is not ours: reading then fails instead of stopping us. NULL:
 * nothing was changed.
 */
enum os_typing { OS_BY_KEY, OS_HIDDEN };
struct os_terminal;
struct os_terminal *os_terminal_take(enum os_typing how) __attribute__((warn_unused_result));
void os_terminal_give_back(struct os_terminal *t); /* as it was; NULL is fine */

#endif
