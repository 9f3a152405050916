/*
 * One JSON-RPC 2.0 message, read without a tree.
 *
 * message_scan() goes over the bytes once: it checks the JSON grammar (RFC
 * 8259), UTF-8 (RFC 3629) and depth, turns line breaks between tokens into
 * blanks in place, and notes where the members of the outermost object stand.
 * It allocates nothing. What lies deeper is read with walk.h, from text that
 * this scan has passed. This is the hot loop of the program.
 */
#ifndef MPMCP_MESSAGE_H
#define MPMCP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * The longest message, in either direction. A tool result of 64 MiB is known to
 * happen (exports, replays); four times that is more than any client's own
 * JSON parser takes, and still a size that a laptop has to spare.
 */
#define MESSAGE_MAX ((size_t)256 << 20)

/*
 * Brackets inside brackets. Python's parser stops near 1,000, jansson at 2,048;
 * no real message comes near 100.
 */
#define MESSAGE_DEPTH 1024

/* A piece of the scanned bytes. p NULL: the member is not there. */
struct span {
	const char *p;
	size_t n;
};

enum message_kind {
	MESSAGE_REQUEST,      /* method and id (string or number) */
	MESSAGE_NOTIFICATION, /* method, no id */
	MESSAGE_RESPONSE, /* result or error, not both; id string, number or (error only) null */
	MESSAGE_BATCH,    /* an array, not empty: JSON-RPC batch (MCP 2025-03-26 only) */
	MESSAGE_INVALID,  /* JSON, but none of the above: `why` says what is wrong */
};

enum message_status {
	MESSAGE_OK,
	MESSAGE_BAD_JSON, /* not RFC 8259 */
	MESSAGE_BAD_UTF8,
	MESSAGE_TOO_DEEP, /* over MESSAGE_DEPTH */
};

/* The methods that mean something here; escapes in their names are undone. */
enum method {
	METHOD_OTHER,
	METHOD_INITIALIZE,
	METHOD_PING,
	METHOD_SERVER_DISCOVER,
	METHOD_TOOLS_LIST,
	METHOD_TOOLS_CALL,
	METHOD_PROMPTS_LIST,
	METHOD_PROMPTS_GET,
	METHOD_RESOURCES_LIST,
	METHOD_RESOURCES_TEMPLATES_LIST,
	METHOD_RESOURCES_READ,
	METHOD_RESOURCES_SUBSCRIBE,
	METHOD_RESOURCES_UNSUBSCRIBE,
	METHOD_SUBSCRIPTIONS_LISTEN,
	METHOD_TASKS_GET,
	METHOD_TASKS_LIST,
	METHOD_TASKS_RESULT,
	METHOD_TASKS_UPDATE,
	METHOD_TASKS_CANCEL,
	METHOD_COMPLETION_COMPLETE,
	METHOD_LOGGING_SET_LEVEL,
	METHOD_ELICITATION_CREATE,
	METHOD_SAMPLING_CREATE_MESSAGE,
	METHOD_ROOTS_LIST,
	METHOD_NOTICE_INITIALIZED,
	METHOD_NOTICE_CANCELLED,
	METHOD_NOTICE_PROGRESS,
	METHOD_NOTICE_MESSAGE,
	METHOD_NOTICE_TOOLS_LIST_CHANGED,
	METHOD_NOTICE_PROMPTS_LIST_CHANGED,
	METHOD_NOTICE_RESOURCES_LIST_CHANGED,
	METHOD_NOTICE_RESOURCES_UPDATED,
	METHOD_NOTICE_ROOTS_LIST_CHANGED,
	METHOD_NOTICE_SUBSCRIPTIONS_ACKNOWLEDGED,
	METHOD_NOTICE_ELICITATION_COMPLETE,
	METHOD_NOTICE_TASKS_STATUS,
	METHODS
};

/* What one reading of a message tells. It travels with the message, so that nobody reads that twice. */
struct message {
	enum message_kind kind;
	enum method method; /* METHOD_OTHER also for what has none */
	const char *why;    /* MESSAGE_INVALID: "\"method\" appears twice", ...; static */
	struct span id;     /* raw text, quotes included */
	struct span name;   /* of the method: what stands between the quotes, escapes as they are */
	struct span params; /* raw text of the value */
	struct span result; /* raw text of the value */
	struct span error;  /* raw text of the value */
	struct span whole;  /* the message without white space around it */
	struct buf bytes; /* whole's, when it owns them; else empty and they are somebody else's */
};

/*
 * Reads n bytes. On MESSAGE_OK *out refers into p; otherwise *out has kind
 * MESSAGE_INVALID and `why` in words, and *at (may be NULL) is the offset of
 * the first byte that is wrong. Only CR and LF between tokens are ever changed,
 * and members that are null and mean nothing, which become blanks: "error" beside
 * a result, "result" beside an error, both beside a method, "params" and (in a
 * response) "method". Everything behind reads a message that never had them.
 *
 * A message is invalid when "jsonrpc" is missing or not "2.0", when one of
 * jsonrpc, id, method, params, result, error appears twice at the top (parsers
 * disagree on which one counts, so no filter could be trusted), when a
 * request's id is neither string nor number, or params is neither object nor
 * array. Escapes in those names are undone before they are compared.
 */
enum message_status message_scan(char *p, size_t n, struct message *out, size_t *at)
	__attribute__((warn_unused_result));
/* The same one byte after another, whatever the length: for tests and measurements. */
enum message_status message_scan_plain(char *p, size_t n, struct message *out, size_t *at)
	__attribute__((warn_unused_result));

/* "tools/call", ...; NULL for METHOD_OTHER. */
const char *message_method_name(enum method m);

/* ---- messages that own their bytes: zeroed at first, message_free() at the end ---- */

/* The bytes that began at `from` stand at `to` now. */
void message_moved(struct message *m, const char *from, const char *to);
/* m owns what `read` tells of from now on: bytes hold the text of its whole, and are taken over. */
void message_own(struct message *m, const struct message *read, struct buf *bytes);
/* The same with a copy of the text. */
bool message_keep(struct message *m, const struct message *read) BUF_MUST;
/* Reads bytes, which are taken over in any case: text that was made here, or changed. */
bool message_read(struct message *m, struct buf *bytes) BUF_MUST;
void message_free(struct message *m); /* to the state at first */

/*
 * Two raw ids mean the same: equal bytes, or equal strings with escapes undone,
 * or numbers of equal value (1, 1.0, 1e0). Integers are compared to the last
 * digit, whatever their length: nanoseconds since 1970 make good ids.
 */
bool message_id_equal(struct span a, struct span b);
/* Equal, or numbers that became the same double: what is left of a long id when it has been through
 * a peer that knows no other numbers. */
bool message_id_alike(struct span a, struct span b);
/* The same for ids that are equal or alike. */
size_t message_id_hash(struct span id);

/* ---- making messages ---- */

/* Appends s as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD. */
bool message_quote(struct buf *out, const char *s, size_t n) BUF_MUST;

/*
 * Appends an error response. id: raw text, or {NULL,0} for null. data: raw JSON
 * or NULL. No line break is added.
 */
bool message_error(
	struct buf *out, struct span id, long code, const char *message, const char *data) BUF_MUST;

/* Codes of JSON-RPC 2.0 section 5.1 that the bridge itself uses. */
#define MESSAGE_PARSE_ERROR (-32700L)
#define MESSAGE_INVALID_REQUEST (-32600L)

#endif
