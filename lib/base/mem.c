#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

static void (*last_words)(void *ctx);
static void *last_words_ctx;

void mem_set_last_words(void (*fn)(void *ctx), void *ctx)
{
	last_words = fn;
	last_words_ctx = ctx;
}

/* Not abort(): a core file would hold the credentials. */
_Noreturn void mem_exhausted(void)
{
	void (*fn)(void *ctx) = last_words;

	last_words = NULL; /* it may want memory itself, against the rule */
	if (fn)
		fn(last_words_ctx);
	diag_error("out of memory");
	_Exit(EXIT_FAILURE);
}

void *mem_new(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		mem_exhausted();
	return p;
}

void *mem_grow(void *p, size_t count, size_t size)
{
	void *q;

	if (size && count > SIZE_MAX / size)
		mem_exhausted();
	q = realloc(p, count && size ? count * size : 1);
	if (!q)
		mem_exhausted();
	return q;
}

/* As many as requests are in flight where many are. */
#define POOL_MAX 64

/* A block that is kept begins with the address of the next one. */
void *mem_pool_get(struct mem_pool *p, size_t size)
{
	void *block = p->first;

	if (!block)
		return mem_new(size > sizeof(void *) ? size : sizeof(void *));
	p->n--;
	memcpy(&p->first, block, sizeof(void *));
	return memset(block, 0, size);
}

void mem_pool_put(struct mem_pool *p, void *block)
{
	if (!block)
		return;
	if (p->n == POOL_MAX || MEM_WATCHED) {
		free(block);
		return;
	}
	memcpy(block, &p->first, sizeof(void *));
	p->first = block;
	p->n++;
}

void mem_pool_clear(struct mem_pool *p)
{
	while (p->first) {
		void *block = p->first;

		memcpy(&p->first, block, sizeof(void *));
		free(block);
	}
	p->n = 0;
}

char *mem_dup(const char *s)
{
	return mem_ndup(s, strlen(s));
}

char *mem_ndup(const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		mem_exhausted();
	p = mem_new(n + 1);
	if (n)
		memcpy(p, s, n);
	return p;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted(); /* what vsnprintf fails on, apart from INT_MAX and more bytes */
	p = mem_new((size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}
