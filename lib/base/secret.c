#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"

void secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

void secret_set(struct secret *s, const char *text, size_t n)
{
	char *copy = mem_ndup(text, n); /* first: text may be the old value or a part of it */

	secret_clear(s);
	s->text = copy;
	s->len = n;
	diag_hold(copy, n);
}

void secret_clear(struct secret *s)
{
	if (s->text) {
		diag_release(s->text, s->len);
		secret_wipe(s->text, s->len);
	}
	free(s->text);
	*s = (struct secret){ 0 };
}

bool secret_isset(const struct secret *s)
{
	return s->text != NULL;
}

const char *secret_str(const struct secret *s)
{
	return s->text ? s->text : "";
}

bool secret_equal(const char *a, size_t alen, const char *b, size_t blen)
{
	return alen == blen && CRYPTO_memcmp(a, b, alen) == 0;
}
