/*
 * One message (or batch) on its way to the server, from the line that it came
 * in until all that is owed for it was answered and its exchange is over.
 */
#ifndef MPMCP_OUTGOING_H
#define MPMCP_OUTGOING_H

#include <stdbool.h>

#include "mcp/http/transport.h"
#include "mcp/json/era.h"
#include "mcp/json/message.h"

struct between;
struct outgoing;
struct session;

enum outgoing_kind {
	OUTGOING_MESSAGE,
	OUTGOING_INITIALIZE,  /* of the client */
	OUTGOING_INITIALIZED, /* of the client */
	OUTGOING_INTERNAL,    /* ours: ask.fn is told */
};

/* The answer to an internal request: m, or NULL and why there is none. p is freed after. */
typedef void outgoing_answer_fn(struct outgoing *p, const struct message *m, const struct err *why);

struct outgoing *outgoing_new(struct session *s, enum outgoing_kind kind);
/* In no list any more; what it still owes is answered with an error. */
void outgoing_free(struct outgoing *p);
void outgoing_drop(struct outgoing *p); /* takes it out of its list, ends its exchange, frees */
/* The same; whoever waits is told why. */
void outgoing_give_up(struct outgoing *p, const struct err *why);
void outgoing_start(struct outgoing *p);    /* sends it at once; p is in no list */
void outgoing_answered(struct outgoing *p); /* nothing more is owed: its stream may end */
void outgoing_close(struct outgoing *p);    /* a subscription is answered: it ends with us */
/* The message as it goes out. */
const struct message *outgoing_sent(const struct outgoing *p);

/* A request of ours, to be sent with outgoing_start(); body is taken over. fn is called once, later. */
struct outgoing *outgoing_ask(struct session *s, struct buf *body, outgoing_answer_fn *fn);
/* A message that wants no answer. */
void outgoing_tell(struct session *s, const char *body, size_t n);

/* ---- for translators, to whom it is opaque ---- */

struct session *outgoing_session(const struct outgoing *p);
enum outgoing_kind outgoing_kind(const struct outgoing *p);
const struct message *outgoing_message(const struct outgoing *p); /* as the client sent it */
/* Goes out as this text, which is taken over in any case. */
bool outgoing_change(struct outgoing *p, struct buf *text) BUF_MUST;
/* The id that the server knows it by, when that is not the client's; {NULL}: it is. Copied. */
struct span outgoing_id(const struct outgoing *p);
bool outgoing_set_id(struct outgoing *p, struct span id) BUF_MUST;
bool outgoing_in_this_session(const struct outgoing *p); /* it was sent in the one that is open */
/* Who translates it, NULL: nobody; and what that one keeps with it. */
struct between *outgoing_between(const struct outgoing *p);
void outgoing_set_between(struct outgoing *p, struct between *b);
void *outgoing_translation(const struct outgoing *p);
void outgoing_set_translation(struct outgoing *p, void *translation);
/* Of one that outgoing_ask() made. */
void outgoing_set_endless(struct outgoing *p);
void outgoing_set_ctx(struct outgoing *p, void *ctx);
void *outgoing_ctx(const struct outgoing *p);

#endif
