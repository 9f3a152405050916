/*
 * The stdio transport of MCP: messages delimited by newlines, in on one
 * descriptor, out on another. Both are set non-blocking while in use and get
 * their flags back.
 */
#ifndef MPMCP_LINES_H
#define MPMCP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

/* ---- in ---- */

struct lines_in;

struct lines_in_events {
	/* One line without its line end (LF or CRLF); lines of white space alone are passed over. The
	 * last line needs no line end. p is the callee's to change until it returns; p[n] may be
	 * read and is no part of the line. */
	void (*line)(void *ctx, char *p, size_t n);
	/* A line (without its end) passed the cap, or the memory there is; the rest of it is
	 * skipped. */
	void (*too_long)(void *ctx);
	/* End of input, or a read error (e set): nothing follows. */
	void (*end)(void *ctx, const struct err *e);
};

struct lines_in *lines_in_new(struct loop *l, int fd, size_t cap, const struct lines_in_events *on,
	void *ctx, struct err *e) __attribute__((warn_unused_result));
/* Restores the descriptor's flags. NULL is fine; fine inside callbacks. */
void lines_in_free(struct lines_in *w);

/* Inside line(), once: replaces out by the line (or a stretch of it), without a copy when it is
 * large. False when out's cap is too small or memory is short. */
bool lines_in_take(struct lines_in *w, const char *p, size_t n, struct buf *out) BUF_MUST;

/* Paused, it reads nothing and calls nothing back (lines already read wait, the end too). */
void lines_in_pause(struct lines_in *w, bool paused);

/* The lines that were read and not given yet, as they are; for a program that is about to end, also inside
 * line(). fn must not use w. */
void lines_in_rest(struct lines_in *w, void (*fn)(void *ctx, char *p, size_t n), void *ctx);

/* ---- out ---- */

struct lines_out;

struct lines_out_events {
	/* The backlog fell to lines_out's low mark after having passed the high one. */
	void (*drained)(void *ctx);
	/* Everything was written. */
	void (*emptied)(void *ctx);
	/* The reader is gone (kind ERR_CANCELLED) or the descriptor failed (ERR_IO: a full disk):
	 * nothing can be written any more. */
	void (*broken)(void *ctx, const struct err *e);
};

/* Backlog at which lines_out_full() turns true, and at which drained() is called. One big message
 * may pass the high mark by its own size; the marks bound everything behind it. */
#define LINES_OUT_HIGH ((size_t)1 << 20)
#define LINES_OUT_LOW ((size_t)256 << 10)

struct lines_out *lines_out_new(struct loop *l, int fd, const struct lines_out_events *on,
	void *ctx, struct err *e) __attribute__((warn_unused_result));
/* Restores the descriptor's flags. What was not written is dropped. NULL is fine; fine inside
 * callbacks. */
void lines_out_free(struct lines_out *w);

/* Queues one message and the newline after it; written whole and in order, at the end of the
 * round or when the descriptor takes it. False when there is no memory. After broken(), true and
 * dropped. */
bool lines_out_add(struct lines_out *w, const char *p, size_t n) BUF_MUST;
/* The same for a message in several parts (for messages with a replaced span). */
struct lines_part {
	const char *p;
	size_t n;
};
bool lines_out_addv(struct lines_out *w, const struct lines_part *parts, size_t count) BUF_MUST;
/* The same, taking over the memory of m (empty afterwards): for large messages. */
bool lines_out_take(struct lines_out *w, struct buf *m) BUF_MUST;
/* The same for a message that begins with head and goes on with m from this offset on: for large
 * messages with a replaced span. head is emptied, too. */
bool lines_out_take_behind(
	struct lines_out *w, struct buf *head, struct buf *m, size_t from) BUF_MUST;

bool lines_out_full(const struct lines_out *w);
size_t lines_out_backlog(const struct lines_out *w);   /* bytes not yet written */
uint64_t lines_out_written(const struct lines_out *w); /* bytes written so far */
/* Tries to write the backlog, waiting for the reader at most ms: only for the end of the program. */
void lines_out_flush(struct lines_out *w, int ms);
/* Writes the backlog and then these parts, of which the last brings the line end: for a program that is
 * about to end and has no memory. False when that did not go within ms; nothing may be written then. */
bool lines_out_now(struct lines_out *w, const struct lines_part *parts, size_t count, int ms);

#endif
