/* Proof Key for Code Exchange, RFC 7636, method S256. */
#ifndef MPMCP_PKCE_H
#define MPMCP_PKCE_H

#include <stdbool.h>

#include "base/secret.h"

#define PKCE_CHALLENGE_MAX 64

/* A fresh verifier of 43 characters (section 4.1). */
void pkce_verifier(struct secret *out);
/* BASE64URL(SHA256(verifier)), section 4.2. */
bool pkce_challenge(const char *verifier, char out[PKCE_CHALLENGE_MAX])
	__attribute__((warn_unused_result));
/* An unguessable text of n random bytes in base64url: for state. */
void pkce_random(struct secret *out, unsigned n);

#endif
