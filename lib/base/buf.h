/*
 * A byte buffer with a ceiling. Every buffer is made with the most it may ever
 * hold; passing that, or running out of memory, fails the call and leaves the
 * content as it was.
 */
#ifndef MPMCP_BUF_H
#define MPMCP_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* A second ceiling, for what several buffers have allocated together. */
struct buf_share {
	size_t used, cap; /* bytes */
	bool refused;     /* a buffer could not grow because of it; whoever reads this resets it */
};

struct buf {
	char *p;                 /* NULL while empty and never written; else p[len] is NUL */
	size_t len;              /* bytes of content */
	size_t size;             /* bytes allocated */
	size_t cap;              /* most bytes of content */
	struct buf_share *share; /* NULL: none; outlives the buffer */
};

void buf_init(struct buf *b, size_t cap);
void buf_free(struct buf *b);  /* to the state after buf_init */
void buf_reset(struct buf *b); /* empties, keeps the memory */
void buf_wipe(struct buf *b);  /* overwrites, then frees: for content that was secret */

#define BUF_MUST __attribute__((warn_unused_result))

bool buf_reserve(struct buf *b, size_t more) BUF_MUST; /* room for `more` bytes behind len */
bool buf_add(struct buf *b, const void *p, size_t n) BUF_MUST;
bool buf_adds(struct buf *b, const char *s) BUF_MUST;
bool buf_addc(struct buf *b, char c) BUF_MUST;
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3))) BUF_MUST;

/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* Replaces the n bytes at off by the m bytes at p (which must not lie in b). */
bool buf_splice(struct buf *b, size_t off, size_t n, const void *p, size_t m) BUF_MUST;

/* The content as a NUL-terminated string, never NULL; borrowed until the next change. */
const char *buf_str(const struct buf *b);

/* Hands the memory to the caller, who frees it with free(); b is empty afterwards.
 * Never NULL. *len (may be NULL) gets the number of bytes before the final NUL. */
char *buf_take(struct buf *b, size_t *len) BUF_MUST;

/* Moves the content of src into dst (whose own content is freed); src is empty afterwards.
 * Each keeps its own cap and share; the content counts in that of dst, even beyond its ceiling. */
void buf_move(struct buf *dst, struct buf *src);

#endif
