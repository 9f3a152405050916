/* What is written to the client. */
#ifndef MPMCP_TO_CLIENT_H
#define MPMCP_TO_CLIENT_H

#include <stdbool.h>

#include "mcp/http/transport.h"
#include "mcp/json/edit.h"
#include "mcp/json/error_reply.h"

struct session;

/* False when there is no memory for it. */
bool to_client_span(struct session *s, struct incoming *in, struct span m);
bool to_client_edited(struct session *s, struct incoming *in, struct span m, const struct edits *e);
bool to_client_text(struct session *s, const struct buf *m);
void to_client_error(
	struct session *s, struct span id, const struct err *e, const struct error_reply_data *d);
void to_client_invalid(struct session *s, struct span id, long code, const char *why);
void to_client_empty(struct session *s, struct span id); /* {"result":{}} */

#endif
