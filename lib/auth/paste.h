/*
 * What a person pasted in place of the redirect: the address that the browser
 * ended at, or the code alone; as terminals, mails and pages make of it: broken
 * over lines, with &amp;, between quotes or the marks of a bracketed paste. Pure.
 */
#ifndef MPMCP_PASTE_H
#define MPMCP_PASTE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

enum paste_kind {
	PASTE_NEITHER,
	PASTE_QUERY, /* the query of an address */
	PASTE_CODE,
};

/* The text without what stands around it; changed in place, the result points into it. */
char *paste_trim(char *text) __attribute__((warn_unused_result));
/* text: trimmed; changed in place, *found points into it. e is set with PASTE_NEITHER. */
enum paste_kind paste_read(char *text, char **found, struct err *e)
	__attribute__((warn_unused_result));
/* The code as it stands in an address is encoded. False with e set when it cannot be a code. */
bool paste_code(const char *text, struct secret *code, struct err *e)
	__attribute__((warn_unused_result));

#endif
