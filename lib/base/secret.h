/*
 * A string that is overwritten before its memory is given back, and that no
 * printf sees by accident: the text is reached through secret_str() only.
 */
#ifndef MPMCP_SECRET_H
#define MPMCP_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
	char *text; /* NUL-terminated, or NULL when unset */
	size_t len;
};

/* Copies; hidden in all messages as long as it is held, see diag_hold(). */
void secret_set(struct secret *s, const char *text, size_t n);
void secret_clear(struct secret *s);
bool secret_isset(const struct secret *s);
const char *secret_str(const struct secret *s); /* borrowed; "" when unset */
/* Same length and bytes, in time that depends on the length alone (CRYPTO_memcmp). */
bool secret_equal(const char *a, size_t alen, const char *b, size_t blen);
/* memset that the compiler keeps. */
void secret_wipe(void *p, size_t n);

#endif
