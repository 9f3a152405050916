/* Words of a command line for people to paste, as a POSIX shell reads them. */
#ifndef MPMCP_SHELL_H
#define MPMCP_SHELL_H

#include "base/buf.h"

/* Appends s as one word: as it stands when no shell makes anything of it, else in single quotes. */
bool shell_word(struct buf *b, const char *s) BUF_MUST;

#endif
