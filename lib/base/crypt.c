#include "base/crypt.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/diag.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void crypt_random(unsigned char *out, size_t n)
{
	if (n <= INT_MAX && RAND_bytes(out, (int)n) == 1)
		return;
	diag_error("the system provides no random numbers, which a safe sign-in needs");
	_Exit(EXIT_FAILURE);
}

bool crypt_sha256(const void *p, size_t n, unsigned char out[CRYPT_SHA256_LEN])
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1;
}

bool crypt_md5(const void *p, size_t n, unsigned char out[CRYPT_MD5_LEN])
{
	return EVP_Digest(p, n, out, NULL, EVP_md5(), NULL) == 1; /* not there in FIPS mode */
}

static bool encode(struct buf *out, const unsigned char *p, size_t n, const char *letters, bool pad)
{
	if (n > SIZE_MAX / 2 || !buf_reserve(out, n / 3 * 4 + (n % 3 ? pad ? 4 : n % 3 + 1 : 0)))
		return false;
	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;

		if (have > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (have > 2)
			bits |= p[i + 2];
		for (size_t k = 0; k < (pad ? 4 : have + 1); k++, bits <<= 6)
			out->p[out->len++] = k <= have ? letters[bits >> 18 & 63] : '=';
	}
	out->p[out->len] = '\0';
	return true;
}

bool crypt_base64(struct buf *out, const void *p, size_t n)
{
	return encode(out, p, n, alphabet, true);
}

bool crypt_base64url(struct buf *out, const void *p, size_t n)
{
	return encode(out, p, n, alphabet_url, false);
}

bool crypt_hex(struct buf *out, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = p;

	if (n > SIZE_MAX / 2 || !buf_reserve(out, n * 2))
		return false;
	for (size_t i = 0; i < n; i++) {
		out->p[out->len++] = digits[bytes[i] >> 4];
		out->p[out->len++] = digits[bytes[i] & 15];
	}
	out->p[out->len] = '\0';
	return true;
}

/* What the letter stands for in either alphabet, -1 for no letter. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Takes the padding off. False when there is some, but not what the length asks for. */
static bool unpad(const char *p, size_t *n)
{
	size_t pads = 0;

	while (pads < *n && p[*n - 1 - pads] == '=')
		pads++;
	if (pads && (pads > 2 || *n % 4 != 0))
		return false;
	*n -= pads;
	return true;
}

bool crypt_unbase64(struct buf *out, const char *p, size_t n)
{
	size_t start = out->len;
	uint32_t bits = 0;
	int held = 0; /* bits not yet given out */

	if (!unpad(p, &n) || n % 4 == 1 || !buf_reserve(out, n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0)))
		return false;
	for (size_t i = 0; i < n; i++) {
		int v = value_of(p[i]);

		if (v < 0)
			goto bad;
		bits = (bits << 6 | (uint32_t)v) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out->p[out->len++] = (char)(bits >> held & 0xff);
		}
	}
	/* RFC 4648 section 3.5: otherwise one content had several texts. */
	if (bits & ((1U << held) - 1))
		goto bad;
	out->p[out->len] = '\0';
	return true;
bad:
	out->len = start;
	out->p[start] = '\0';
	return false;
}
