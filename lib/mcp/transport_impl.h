/*
 * What transport.c, exchange.c and stream.c share; nobody else includes this.
 */
#ifndef MPMCP_TRANSPORT_IMPL_H
#define MPMCP_TRANSPORT_IMPL_H

#include "mcp/transport.h"

/* The header fields of requests of one kind, shared by all that were started while nothing
 * changed. */
struct fieldset {
	struct http_fields *fields;
	unsigned refs;
};

enum fieldset_kind {
	FIELDS_POST,  /* session id and version of the session */
	FIELDS_FRESH, /* POST without them */
	FIELDS_GET,   /* an event stream is asked for */
	FIELDS_DELETE,
	FIELDS_KINDS
};

struct stream; /* the standalone GET stream */

struct transport {
	struct loop *loop;
	struct http *http;
	struct auth *auth;
	char *url;                 /* the endpoint, or where it redirected to inside its origin */
	char *given;               /* the endpoint as it was given */
	struct http_fields *extra; /* borrowed */
	struct rate *rate;
	const struct transport_events *on;
	void *ctx;
	char *session, *version;
	struct fieldset *sets[FIELDS_KINDS];
	unsigned long gen; /* of the authorization in sets */
	struct exchange *exchanges;
	size_t waiting;
	size_t resuming; /* exchanges that are about to GET their stream again */
	struct stream *stream;
	bool no_stream; /* the server answered 405 or the like to GET: remembered for the process */
	struct delete_request *deleting;
};

/* The set for the authorization value at hand; a reference for the caller. NULL with e set when a
 * value cannot be a field. */
struct fieldset *transport_fields(struct transport *t, enum fieldset_kind kind,
	const struct auth_value *v, struct err *e) __attribute__((warn_unused_result));
void fieldset_drop(struct fieldset *s); /* NULL is fine */

/* Where a 307 or 308 leads, when that is inside the origin; t->url is set to it. False with e set
 * otherwise. */
bool transport_redirect(struct transport *t, const char *location, long status, struct err *e)
	__attribute__((warn_unused_result));

/* Media type of an answer, parameters left off. */
bool transport_type_is(const struct http_req *r, const char *type);

/* Challenge fields of an answer, at most TRANSPORT_CHALLENGES; borrowed. */
#define TRANSPORT_CHALLENGES 8
size_t transport_challenges(const struct http_req *r, const char *out[TRANSPORT_CHALLENGES]);

/* The exchanges that waited before reconnecting are through: the GET stream may go on. */
void stream_kick(struct stream *s);
void stream_free(struct stream *s); /* NULL is fine */

#endif
