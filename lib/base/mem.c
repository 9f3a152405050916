#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

/* Not abort(): a core file would hold the credentials. */
static _Noreturn void out_of_memory(void)
{
	diag_error("out of memory");
	_exit(EXIT_FAILURE);
}

void *mem_new(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_grow(void *p, size_t count, size_t size)
{
	void *q;

	if (size && count > SIZE_MAX / size)
		out_of_memory();
	q = realloc(p, count && size ? count * size : 1);
	if (!q)
		out_of_memory();
	return q;
}

char *mem_dup(const char *s)
{
	return mem_ndup(s, strlen(s));
}

char *mem_ndup(const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		out_of_memory();
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
		out_of_memory(); /* what vsnprintf fails on, apart from INT_MAX and more bytes */
	p = mem_new((size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}
