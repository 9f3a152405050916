/*
 * One MCP request, to see whether a credential works: initialize, which servers
 * of every era look at the credential of before they say what they think of it.
 * Without one it shows what the server wants (RFC 9728 section 5.1).
 */
#ifndef MPMCP_PROOF_H
#define MPMCP_PROOF_H

#include "auth/challenge.h"
#include "context.h"

struct proof;

enum proof_result {
	PROOF_WORKS,   /* said: what else a person should know, or NULL */
	PROOF_REFUSED, /* the credential itself (HTTP 401); e says so */
	PROOF_FAILED,  /* something else; e */
};
/* wants: the challenge that came with PROOF_REFUSED, whose strings fn may take; else NULL. */
typedef void proof_fn(void *ctx, enum proof_result how, const struct err *e, const char *said,
	struct challenge *wants);

/* authorization: value of that field, or NULL. fn is called once, later, unless proof_cancel() comes first;
 * then the proof is freed. NULL with e set when nothing can be sent. */
struct proof *proof_start(struct context *c, const char *authorization, proof_fn *fn, void *ctx,
	struct err *e) __attribute__((warn_unused_result));
void proof_cancel(struct proof *p); /* NULL is fine */

/*
 * Where a sign-in begins without a request that was refused: asks without a credential and keeps the
 * challenge for challenge_clear(). It is empty when the server has none or does not answer soon: then
 * what the sign-in finds by itself has to do. Runs the loop; who stops it ends the asking.
 */
void proof_wants(struct context *c, struct challenge *wants);

#endif
