/* What --help and --version print, made from the tables in args.c. */
#ifndef MPMCP_HELP_H
#define MPMCP_HELP_H

#include <stdio.h>

#include "args.h"

void help_short(FILE *to);                            /* for a lone "mpmcp" on a terminal */
void help_command(FILE *to, const struct command *c); /* all options of a command */
void help_version(FILE *to);

#endif
