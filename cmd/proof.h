/*
 * One MCP request, to see whether a credential works: initialize, which servers
 * of every era look at the credential of before they say what they think of it.
 */
#ifndef MPMCP_PROOF_H
#define MPMCP_PROOF_H

#include "context.h"

struct proof;

enum proof_result {
	PROOF_WORKS,   /* said: what else a person should know, or NULL */
	PROOF_REFUSED, /* the credential itself (HTTP 401); e says so */
	PROOF_FAILED,  /* something else; e */
};
typedef void proof_fn(void *ctx, enum proof_result how, const struct err *e, const char *said);

/* authorization: value of that field. fn is called once, later, unless proof_cancel() comes first; then
 * the proof is freed. NULL with e set when nothing can be sent. */
struct proof *proof_start(struct context *c, const char *authorization, proof_fn *fn, void *ctx,
	struct err *e) __attribute__((warn_unused_result));
void proof_cancel(struct proof *p); /* NULL is fine */

#endif
