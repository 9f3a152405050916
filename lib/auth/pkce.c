#include "auth/pkce.h"

#include <string.h>

#include "base/crypt.h"

#define RANDOM_MAX 64

void pkce_random(struct secret *out, unsigned n)
{
	unsigned char raw[RANDOM_MAX];
	struct buf text;

	n = n > RANDOM_MAX ? RANDOM_MAX : n;
	crypt_random(raw, n);
	buf_init(&text, 2 * RANDOM_MAX);
	if (crypt_base64url(&text, raw, n))
		secret_set(out, text.p, text.len);
	buf_wipe(&text);
	secret_wipe(raw, sizeof(raw));
}

void pkce_verifier(struct secret *out)
{
	pkce_random(out, 32);
}

bool pkce_challenge(const char *verifier, char out[PKCE_CHALLENGE_MAX])
{
	unsigned char sum[CRYPT_SHA256_LEN];
	struct buf text;
	bool good;

	buf_init(&text, PKCE_CHALLENGE_MAX - 1);
	good = crypt_sha256(verifier, strlen(verifier), sum) &&
	       crypt_base64url(&text, sum, sizeof(sum));
	if (good)
		memcpy(out, text.p, text.len + 1);
	buf_free(&text);
	return good;
}
