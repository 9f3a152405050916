/*
 * Small allocations that never fail: out of memory for a few hundred bytes
 * leaves no sensible way on, so the program says so and ends. Anything whose
 * size a peer chooses goes through struct buf instead, which can refuse.
 */
#ifndef MPMCP_MEM_H
#define MPMCP_MEM_H

#include <stddef.h>

void *mem_new(size_t n) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_grow(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *mem_dup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_ndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull)); /* adds a NUL */
/* Says that there is no memory left and ends the program. */
_Noreturn void mem_exhausted(void);
/* What is to be done before that, once: without any memory. fn NULL: nothing. */
void mem_set_last_words(void (*fn)(void *ctx), void *ctx);

/* AddressSanitizer watches what was freed: then nothing is kept to be used again. */
#if defined(__SANITIZE_ADDRESS__)
#define MEM_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEM_WATCHED 1
#endif
#endif
#ifndef MEM_WATCHED
#define MEM_WATCHED 0
#endif

/*
 * Blocks of one size that come and go with every message: some of those that were given back are kept for the
 * ones that follow. Starts as { 0 }.
 */
struct mem_pool {
	void *first;
	size_t n;
};
void *mem_pool_get(struct mem_pool *p, size_t size) /* zeroed; the same size each time */
	__attribute__((malloc, returns_nonnull));
void mem_pool_put(struct mem_pool *p, void *block); /* NULL is fine */
void mem_pool_clear(struct mem_pool *p); /* what is kept; what is in use is the owner's */

char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
