/*
 * The few cryptographic primitives that the OAuth client needs, on libcrypto:
 * random bytes, SHA-256, MD5 (only to find mcp-remote's file names), and the
 * alphabets of RFC 4648 sections 4 (base64) and 5 (base64url).
 */
#ifndef MPMCP_CRYPT_H
#define MPMCP_CRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define CRYPT_SHA256_LEN 32
#define CRYPT_MD5_LEN 16

/* Ends the program when the system has no randomness to give: nothing is safe then. */
void crypt_random(unsigned char *out, size_t n);
bool crypt_sha256(const void *p, size_t n, unsigned char out[CRYPT_SHA256_LEN])
	__attribute__((warn_unused_result));
bool crypt_md5(const void *p, size_t n, unsigned char out[CRYPT_MD5_LEN])
	__attribute__((warn_unused_result));

/* Appends. base64 pads with '=', base64url does not. */
bool crypt_base64(struct buf *out, const void *p, size_t n) BUF_MUST;
bool crypt_base64url(struct buf *out, const void *p, size_t n) BUF_MUST;
bool crypt_hex(struct buf *out, const void *p, size_t n) BUF_MUST; /* lower case */

/*
 * Appends the bytes that the text stands for. Takes both alphabets, with or
 * without padding; nothing else (no white space). False on any other character,
 * on an impossible length, or on bits set after the last byte.
 */
bool crypt_unbase64(struct buf *out, const char *p, size_t n) BUF_MUST;

#endif
