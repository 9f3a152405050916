/*
 * --header and --header-file: "Name: value" texts, with ${NAME} replaced from
 * the environment.
 */
#ifndef MPMCP_HEADERS_H
#define MPMCP_HEADERS_H

#include "options.h"
#include "mcp/bridge.h"

struct headers {
	struct bridge_header *item; /* names and values owned */
	size_t n;
	char **text; /* all of them as given, variables not replaced */
	size_t ntexts;
	const char *
		repaired; /* what was mended in the Authorization header, a static phrase; or NULL */
	char *authorization; /* value of an Authorization header, taken out of the list; or NULL */
};

/* Reads files first, then --header, which wins over a file's field of the same name. False with e set
 * for an unreadable file, a line without a colon, an unset ${NAME}, a CR, LF or NUL. */
bool headers_read(const struct options *a, struct headers *h, struct err *e)
	__attribute__((warn_unused_result));
void headers_clear(struct headers *h);

/* Replaces every ${NAME} and ${env:NAME} by the variable's value, without quotes around it and what nobody sees. malloc'ed; NULL with e set when one is not set, or was not filled in itself (pasted.h). what
 * names the place in messages. */
char *headers_expand(const char *text, const char *what, struct err *e)
	__attribute__((warn_unused_result));

#endif
