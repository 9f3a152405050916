/*
 * The token endpoint: exchange of a code (RFC 6749 section 4.1.3), refresh
 * (section 6), client credentials (section 4.4), device code (RFC 8628 section
 * 3.4); with resource (RFC 8707) and the client authentication that was
 * registered (RFC 6749 section 2.3).
 */
#ifndef MPMCP_TOKEN_H
#define MPMCP_TOKEN_H

#include "auth/oauth_options.h"
#include "base/buf.h"
#include "net/http.h"

struct token_request;

enum token_outcome {
	TOKEN_OK,             /* g holds the tokens */
	TOKEN_INVALID_GRANT,  /* the code or refresh token is worth nothing (any more) */
	TOKEN_INVALID_CLIENT, /* the registration is not known (any more) */
	TOKEN_PENDING,        /* device code: ask again later */
	TOKEN_SLOW_DOWN,      /* device code: ask again, later than that */
	TOKEN_REFUSED,        /* another OAuth error: what is held may still be worth something */
	TOKEN_TRANSIENT, /* network, 5xx, nonsense: the tokens held are still worth something */
};

enum token_kind { TOKEN_CODE, TOKEN_REFRESH, TOKEN_CLIENT, TOKEN_DEVICE };

struct token_call {
	enum token_kind kind;
	const char *secret;   /* the code, or device code; unused otherwise */
	const char *verifier; /* TOKEN_CODE */
	const char *scope;    /* TOKEN_CLIENT; NULL: none */
};

/* retry_after_s: what the server said about that, -1 when nothing. e: NULL with TOKEN_OK; its kind tells
 * a server that fails from one that cannot be reached and one that refuses. */
typedef void token_fn(void *ctx, enum token_outcome how, long retry_after_s, const struct err *e);

/* With a code or as a client, an endpoint that fails for a moment is asked again (FETCH_PATIENCE_MS); who
 * refreshes or polls has pauses of his own. g is read at once and changed when the answer is TOKEN_OK; it must live until fn is called, which
 * happens once, later, unless token_cancel() comes first. NULL with e set when nothing can be sent. */
struct token_request *token_start(struct http *h, const struct oauth_options *o,
	struct signin_record *g, const struct token_call *c, token_fn *fn, void *ctx, struct err *e)
	__attribute__((warn_unused_result));
void token_cancel(struct token_request *t); /* NULL is fine */

/* Adds client_id, or fills authorization with Basic, as the client was registered. */
bool token_authenticate(const struct signin_record *g, struct buf *form, struct buf *authorization)
	__attribute__((warn_unused_result));

#endif
