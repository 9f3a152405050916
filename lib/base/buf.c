#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#define FIRST_SIZE 64

/* So much at once is asked for by somebody who knows the length: no more than that is allocated. */
#define KNOWN_SIZE ((size_t)64 << 10)

void buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf){ .cap = cap < SIZE_MAX ? cap : SIZE_MAX - 1 };
}

/*
 * Small memory that was given back, for the buffers that follow: each message fills a few of about the size
 * that the one before had. None under AddressSanitizer, which watches what was freed. One thread uses it.
 */
#define KEPT_SIZE 4096
#define KEPT_MAX 16

static struct memory {
	char *p;
	size_t size;
} kept[KEPT_MAX];
static size_t nkept;

static void give_back(struct buf *b)
{
	if (b->size && b->size <= KEPT_SIZE && nkept < KEPT_MAX && !MEM_WATCHED)
		kept[nkept++] = (struct memory){ b->p, b->size };
	else
		free(b->p);
}

/* The last one that is large enough; { NULL } when there is none. */
static struct memory kept_for(size_t need)
{
	struct memory found = { 0 };
	size_t i = nkept;

	while (i && kept[i - 1].size < need)
		i--;
	if (!i)
		return found;
	found = kept[i - 1];
	kept[i - 1] = kept[--nkept];
	return found;
}

/* What b has allocated is somebody else's, or nobody's. */
static void forget(struct buf *b)
{
	struct buf_share *share = b->share;

	if (share)
		share->used -= b->size;
	buf_init(b, b->cap);
	b->share = share;
}

void buf_free(struct buf *b)
{
	give_back(b);
	forget(b);
}

static bool share_allows(struct buf *b, size_t size)
{
	struct buf_share *s = b->share;
	size_t others = s ? s->used - b->size : 0;

	if (!s || (others <= s->cap && size <= s->cap - others))
		return true;
	s->refused = true;
	return false;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_wipe(struct buf *b)
{
	if (b->p)
		secret_wipe(b->p, b->size);
	buf_free(b);
}

/* Bytes to allocate for `need`: doubling keeps the copies linear, the ceiling ends it. */
static size_t grown(const struct buf *b, size_t need)
{
	size_t size = b->size ? b->size : FIRST_SIZE;

	if (!b->size && need > KNOWN_SIZE)
		return need;
	while (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	return size > b->cap + 1 && need <= b->cap + 1 ? b->cap + 1 : size;
}

bool buf_reserve(struct buf *b, size_t more)
{
	struct memory old = { 0 };
	size_t need, size;
	char *p;

	/* buf_move() may have brought in more than this cap allows. */
	if (b->len > b->cap || more > b->cap - b->len)
		return false;
	need = b->len + more + 1;
	if (need <= b->size)
		return true;
	if (!b->size)
		old = kept_for(need);
	size = old.p ? old.size : grown(b, need);
	p = !share_allows(b, size) ? NULL : old.p ? old.p : realloc(b->p, size);
	if (!p) {
		free(old.p);
		return false;
	}
	if (b->share)
		b->share->used += size - b->size;
	b->p = p;
	b->size = size;
	b->p[b->len] = '\0';
	return true;
}

bool buf_add(struct buf *b, const void *p, size_t n)
{
	if (!buf_reserve(b, n))
		return false;
	if (n)
		memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
	return true;
}

bool buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	bool good = false;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && buf_reserve(b, (size_t)n)) {
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
		good = true;
	}
	va_end(again);
	va_end(ap);
	return good;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_reset(b);
		return;
	}
	b->len -= n;
	memmove(b->p, b->p + n, b->len + 1);
}

bool buf_splice(struct buf *b, size_t off, size_t n, const void *p, size_t m)
{
	size_t tail;

	if (off > b->len || n > b->len - off)
		return false;
	if (m > n && !buf_reserve(b, m - n))
		return false;
	if (!b->p)
		return true; /* nothing replaced by nothing */
	tail = b->len - off - n;
	memmove(b->p + off + m, b->p + off + n, tail + 1);
	if (m)
		memcpy(b->p + off, p, m);
	b->len = off + m + tail;
	return true;
}

const char *buf_str(const struct buf *b)
{
	return b->p ? b->p : "";
}

char *buf_take(struct buf *b, size_t *len)
{
	char *p = b->p ? b->p : mem_new(1);

	if (len)
		*len = b->len;
	forget(b);
	return p;
}

void buf_move(struct buf *dst, struct buf *src)
{
	struct buf old = *dst;

	if (dst == src)
		return;
	buf_free(dst);
	*dst = *src;
	dst->cap = old.cap;
	dst->share = old.share;
	if (dst->share)
		dst->share->used += dst->size;
	forget(src);
}
