/*
 * What an error page says, in a few words: for messages to people and models.
 * Pure.
 */
#ifndef MPMCP_WORDS_H
#define MPMCP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Enough for one sentence of the service; a page is never repeated. */
#define WORDS_MAX 240

/*
 * From the body of an error answer: error_description, message, detail or error of a JSON object
 * (error.message of a JSON-RPC error), the title of an HTML page, or the start of plain text. Cleaned
 * of control characters and of registered secrets, cut; "" when nothing is worth repeating. The body
 * may be changed (white space).
 */
void words_from_body(char *body, size_t n, char out[WORDS_MAX + 1]);

/* What to do about an HTTP status or a known text of the service; static, or "" when there is no
 * advice. */
const char *words_hint(long status, const char *text);

#endif
