/*
 * The arguments of a tool, as people type them: JSON that goes out byte for
 * byte, or key=value pairs that the tool's own schema gives their types.
 */
#ifndef MPMCP_TOOL_ARGS_H
#define MPMCP_TOOL_ARGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define TOOL_ARGS_MUST __attribute__((warn_unused_result))

/* The word is JSON text, "@FILE" or "-" (standard input) rather than a pair. */
bool tool_args_is_text(const char *word);

/* Its JSON object into out (whose cap is the limit), line breaks between tokens as blanks. */
bool tool_args_text(const char *word, struct buf *out, struct err *e) TOOL_ARGS_MUST;

/*
 * n pairs into one JSON object. "a.b=value" is a member of a member, unless the schema has a property
 * of just that name. A value is read as the type that the schema names; a property of which it says
 * nothing is JSON where it can be, else text. "key=@FILE" and "key=@-" (standard input) take the value from
 * there, without a line end at its end; "@@" is a text that begins with "@". The whole is checked as
 * arguments_fit() does. schema may be NULL.
 */
bool tool_args_pairs(char *const *pairs, size_t n, const json_t *schema, struct buf *out,
	struct err *e) TOOL_ARGS_MUST;

/*
 * The JSON object fits the schema, as far as that says: required, type, enum, minimum, maximum, pattern
 * (see pattern.h), also inside. e names the first argument that does not. schema may be NULL.
 */
bool arguments_fit(const struct buf *arguments, const json_t *schema, struct err *e) TOOL_ARGS_MUST;

#endif
