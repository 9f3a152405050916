/*
 * A command line that does something else with the same server: hints name it, so that what is pasted
 * meets the endpoint, the sign-in and the rules of the command that gave the hint.
 */
#ifndef MPMCP_COMMAND_LINE_H
#define MPMCP_COMMAND_LINE_H

#include "options.h"

/* "mpmcp COMMAND", the URL and those options of a that act in that command, shell-quoted. What may be a
 * secret (the value of a header without ${NAME}, a client document, the query of a URL) appears as
 * "...". malloc'ed. */
char *command_line(const struct options *a, const char *command);

#endif
