/*
 * One MCP request, to see whether a credential works: initialize, which servers
 * of every era look at the credential of before they say what they think of it.
 * Without one it shows what the server wants (RFC 9728 section 5.1).
 */
#ifndef MPMCP_PROBE_H
#define MPMCP_PROBE_H

#include "auth/challenge.h"
#include "context.h"

struct probe;

enum probe_result {
	PROBE_WORKS,   /* said: what else a person should know, or NULL */
	PROBE_REFUSED, /* the credential itself (HTTP 401); e says so */
	PROBE_FAILED,  /* something else; e */
};
/* wants: the challenge that came with PROBE_REFUSED, whose strings fn may take; else NULL. */
typedef void probe_fn(void *ctx, enum probe_result how, const struct err *e, const char *said,
	struct challenge *wants);

/* authorization: value of that field, or NULL. fn is called once, later, unless probe_cancel() comes first;
 * then the proof is freed. NULL with e set when nothing can be sent. */
struct probe *probe_start(struct context *c, const char *authorization, probe_fn *fn, void *ctx,
	struct err *e) __attribute__((warn_unused_result));
void probe_cancel(struct probe *p); /* NULL is fine */

/*
 * Where a sign-in begins without a request that was refused: asks without a credential and keeps the
 * challenge for challenge_clear(). It is empty when the server has none or does not answer soon: then
 * what the sign-in finds by itself has to do. Runs the loop; who stops it ends the asking.
 */
void probe_wants(struct context *c, struct challenge *wants);

#endif
