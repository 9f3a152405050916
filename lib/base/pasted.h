/*
 * A value as people paste it: what comes along when they copy it from a page, a
 * terminal or a file. Pure.
 */
#ifndef MPMCP_PASTED_H
#define MPMCP_PASTED_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of a text, borrowed. */
struct pasted {
	const char *p;
	size_t n;
};

/* Takes off what nobody sees at either end: blanks, line breaks (at the end also those written as \n or
 * \r), byte order marks, no-break and zero-width spaces. */
struct pasted pasted_trim(struct pasted s);

/* Takes off one pair of quotes ("", '', ``) around all of it; false when there is none. */
bool pasted_unquote(struct pasted *s);

#endif
