/* What --help and --version print, made from the tables in options.c. */
#ifndef MPMCP_HELP_H
#define MPMCP_HELP_H

#include <stdio.h>

#include "options.h"

void help_short(FILE *to);                            /* one screen: commands, common options */
void help_command(FILE *to, const struct command *c); /* its options, in groups */
void help_all(FILE *to);                              /* every option of every command */
void help_asked(FILE *to, const struct options *a);   /* what --help means there */
void help_version(FILE *to);

#endif
