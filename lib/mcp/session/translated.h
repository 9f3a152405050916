/*
 * The session as its translators see it: functions, and no struct of its.
 */
#ifndef MPMCP_TRANSLATED_H
#define MPMCP_TRANSLATED_H

#include "mcp/session/handshake.h"
#include "mcp/session/kept.h"
#include "mcp/session/outgoing.h"
#include "mcp/session/owed.h"
#include "mcp/session/queue.h"
#include "mcp/session/server_era.h"
#include "mcp/session/session.h"
#include "mcp/session/to_client.h"
#include "mcp/session/translator.h"

/* An id of ours, unlike any that a client uses; appended with quotes. */
bool session_own_id(struct session *s, struct buf *out) BUF_MUST;

/* Another number for those ids. */
unsigned long session_serial(struct session *s);

struct loop *session_loop(const struct session *s);
struct kept *session_kept(struct session *s);
bool session_input_ended(const struct session *s);
bool session_hears(const struct session *s); /* what the server sends unasked concerns somebody */
/* The client has one more question of the server to answer, or one less. */
void session_question_put(struct session *s);
void session_question_over(struct session *s);

/* Tells the server that p, which it knows by another id than the client, is not wanted any more. */
void tell_cancelled(struct session *s, struct span id);
/* Answers a request of the server that the client never sees. */
void refuse_question(struct session *s, struct span id, const char *why);
/* A batch that waited while the server turned out to know none: its messages go on one by one. p goes. */
void client_batch_split(struct outgoing *p);

#endif
