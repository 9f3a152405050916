/*
 * Text from outside as plain UTF-8: files that a person names, arguments,
 * documents of servers. Editors, PowerShell and exports write a byte order mark
 * or UTF-16; both are read. Line ends stay as they are.
 */
#ifndef MPMCP_TEXT_H
#define MPMCP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Makes the content of b UTF-8 without a byte order mark (Unicode section 23.8): takes the mark off,
 * converts UTF-16 that begins with one. Anything else is refused with ERR_USAGE, as is a NUL, which no
 * text holds: e names the place (`what`), the byte (from 1) and what to do. b->cap holds for the result.
 */
bool text_plain(struct buf *b, const char *what, struct err *e) BUF_MUST;

/* The file (its size is at most out->cap), so read. out must be empty. For files that a person names:
 * links are followed. ERR_USAGE whatever the failure. */
bool text_read(const char *path, struct buf *out, struct err *e) BUF_MUST;

/* Whether a file that is to be edited as it stands is UTF-8, with or without the mark; e as above. */
bool text_check(const char *p, size_t n, const char *what, struct err *e) BUF_MUST;

#endif
