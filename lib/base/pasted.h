/*
 * A value as people paste it: what comes along when they copy it from a page, a
 * terminal or a file. Pure.
 */
#ifndef MPMCP_PASTED_H
#define MPMCP_PASTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

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

/*
 * Whether the value, or a part of it, was to be filled in and was not: "${NAME}", "${env:NAME}",
 * "${input:id}" anywhere; "$NAME", "%NAME%", "{{...}}", "{name}" or "<...>" as the whole; the words of
 * documentation (your-token-here, base64-of-username:secret). e then says which, where (the phrase names
 * the place) and what to do; what could be a secret between such marks is not repeated.
 */
bool pasted_unfilled(struct pasted s, const char *where, struct err *e);

/* What pasted_unfilled() repeats: a reference to a variable, or words of documentation, and nothing else. */
bool pasted_may_be_shown(struct pasted s);

#endif
