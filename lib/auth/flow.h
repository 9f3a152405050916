/*
 * One sign-in from beginning to end, as steps on the loop: discover, register,
 * ask the person, exchange. Nothing blocks. It stores nothing: the record is
 * handed to the owner.
 *
 * MCP authorization of 2025-03-26 to 2026-07-28, OAuth 2.1, RFC 8252, 7636,
 * 8707, 9207; RFC 8628 with device_code; RFC 6749 section 4.4 with
 * client_credentials.
 */
#ifndef MPMCP_FLOW_H
#define MPMCP_FLOW_H

#include "auth/oauth_options.h"
#include "net/http.h"
#include "net/loop.h"

struct flow;

struct flow_events {
	/* The person is to open this address (and with a device code to type code there, else NULL). */
	void (*url)(void *ctx, const char *url, const char *code);
	/* What was pasted was not accepted; the sign-in goes on. NULL where nothing is pasted. */
	void (*again)(void *ctx, const struct err *e);
	/* The end, once: g and no e, or e and no g. Both borrowed. The flow is over; free it. */
	void (*done)(void *ctx, const struct signin_record *g, const struct err *e);
};

struct flow_start {
	const struct oauth_options *opts; /* must outlive the flow */
	const struct signin_record
		*known;                /* an earlier sign-in, whose registration may serve and whose
					  scopes are not to be lost; or NULL; copied */
	const char *resource_metadata; /* of the challenge, or NULL */
	const char *scope;             /* of the challenge, or NULL */
	bool step_up;  /* scope is wanted beyond what is held, whatever was pinned */
	bool fresh;    /* register again in any case */
	bool widest;   /* with scope goes all that the resource offers */
	bool no_guess; /* ERR_NOT_FOUND when the service does not say where to sign in */
	bool hidden;   /* nobody sees the address: without a browser it is in vain */
};

/* done() is never called from inside it. */
struct flow *flow_new(struct loop *l, struct http *h, const struct flow_start *s,
	const struct flow_events *on, void *ctx, struct err *e) __attribute__((warn_unused_result));
void flow_free(struct flow *f); /* NULL is fine; not from inside url() */

/* The person was sent to the sign-in page with a registration of earlier. Servers that have forgotten it
 * say so to the person alone: when nothing comes of it, the next sign-in had better register again. */
bool flow_may_be_forgotten(const struct flow *f);

/* What the person pasted: the address the browser was sent back to, or the code alone; as terminals, mails
 * and pages make of it: broken over lines, with &amp;, between quotes or the marks of a bracketed paste.
 * False with e set when it is neither, or belongs to another sign-in; the flow goes on. */
bool flow_paste(struct flow *f, const char *text, struct err *e)
	__attribute__((warn_unused_result));

#endif
