/*
 * What the client is owed for a message: one answer for each request in it. Each
 * function is for a request that waits for its answer; nothing happens to one
 * that had it.
 */
#ifndef MPMCP_OWED_H
#define MPMCP_OWED_H

#include <stdbool.h>
#include <stddef.h>

#include "mcp/http/transport.h"
#include "mcp/json/edit.h"
#include "mcp/json/error_reply.h"

struct outgoing;
struct owed_request; /* one request that is owed an answer */

void owed_add(struct outgoing *p, struct owed_request *c, struct span id);
/* It waits in another call from now on, of the message p, where its id stands, too. */
void owed_move(
	struct owed_request *from, struct outgoing *p, struct owed_request *to, struct span id);
void owed_cancelled(struct owed_request *c); /* the client wants no answer any more */
void owed_fail(struct owed_request *c, const struct err *e, const struct error_reply_data *d);
void owed_invalid(struct owed_request *c, long code, const char *why);
void owed_empty(struct owed_request *c); /* {"result":{}} */
void owed_text(struct owed_request *c,
	const struct buf *m); /* its whole answer; NULL: there was no memory */
/* The answer m of the server, under the client's own id, with these edits. */
void owed_answer(
	struct owed_request *c, struct incoming *in, const struct message *m, struct edits *e);
void owed_no_memory(struct owed_request *c);
void owed_give_up(struct outgoing *p); /* p goes, and nobody thought of its calls */

void owed_fail_all(struct outgoing *p, const struct err *e,
	const struct error_reply_data *d); /* all of its calls */

/* The first request of p, or the one that it is: it owes no answer when it has none, or had it. */
struct owed_request *owed_request(struct outgoing *p);
bool owed_is_call(const struct outgoing *p); /* p is one request */
struct outgoing *owed_of(const struct owed_request *c);
struct span owed_id(const struct owed_request *c); /* raw, as the client knows it */
bool owed_waits(const struct owed_request *c);
/* p, whose request had its answer, is owed one under another id: the client goes on with it. */
bool owed_take_up(struct outgoing *p, struct span id) BUF_MUST;
bool owed_is_taken_up(const struct outgoing *p);

#endif
