/*
 * Bytes of a text/event-stream in, events out.
 * HTML Living Standard, section 9.2.6 "Interpreting an event stream".
 *
 * A push parser: feed the body in pieces of any size; where the cuts fall
 * changes nothing. An event that lies whole in one piece with a single data
 * line is handed over without a copy. Memory stays below cap bytes of data
 * plus one unfinished line.
 */
#ifndef MPMCP_SSE_H
#define MPMCP_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Longest event name or id that is kept; longer fields are ignored, as a whole. */
#define SSE_FIELD_MAX 4096

struct sse_event {        /* valid until the callback returns */
	const char *name; /* "message" when the stream gives none; NUL-terminated */
	const char *id;   /* last event ID so far, "" when none; NUL-terminated */
	char *data;       /* not NUL-terminated; the callee may change it */
	size_t len;       /* bytes in data, never 0 */
	bool message;     /* name is "message" */
};

struct sse; /* one stream */

/* False stops the parser: sse_feed() returns SSE_STOPPED at once. The callee may free nothing of
 * the parser. */
typedef bool sse_fn(void *ctx, struct sse_event *ev);

enum sse_status {
	SSE_OK,
	SSE_STOPPED,  /* the callback said so */
	SSE_TOO_LONG, /* an event's data passed the cap */
};

/* fn is called for every event with data. The standard also dispatches one whose only data line is
 * empty; MCP uses such events to hand out an id and nothing else, so they only change what
 * sse_last_id() says. cap is the most data of one event, its line breaks included. */
struct sse *sse_new(size_t cap, sse_fn *fn, void *ctx) __attribute__((warn_unused_result));
/* What an unfinished event holds counts in there, too, from now on: SSE_TOO_LONG when that is full. */
void sse_share(struct sse *s, struct buf_share *share);
/* As new, with the same cap and share, for another stream; not from inside the callback. */
void sse_reuse(struct sse *s, sse_fn *fn, void *ctx);
void sse_free(struct sse *s); /* NULL is fine; not from inside the callback */

/* After anything but SSE_OK the parser is dead: only sse_free() and sse_last_id() may follow. The
 * bytes of p may be changed by the event callback. */
enum sse_status sse_feed(struct sse *s, char *p, size_t n) __attribute__((warn_unused_result));

/* Inside the callback: replaces out by the event's data (no copy when the parser owns it whole).
 * False when out's cap is too small or memory is short. */
bool sse_take(struct sse *s, const struct sse_event *ev, struct buf *out) BUF_MUST;

/* The last event ID as the standard defines it (set by dispatch, also of events without data; ids
 * with NUL are ignored). "" when none. Borrowed until the next sse_feed(). */
const char *sse_last_id(const struct sse *s);
/* Milliseconds of the last valid retry field, -1 when there was none. */
int64_t sse_retry_ms(const struct sse *s);
/* Starts a new connection of the same stream: unfinished event dropped, last event ID and retry
 * kept, a BOM expected again. */
void sse_reconnect(struct sse *s);

#endif
