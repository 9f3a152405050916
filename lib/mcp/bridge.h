/*
 * The bridge: MCP messages from standard input to a Streamable HTTP endpoint
 * and back. A map of this folder, in the order a message travels:
 *
 *   wire      lines in, lines out (MCP stdio transport)
 *   envelope  what kind of message is this, whose id
 *   session   who owes whom an answer; session id, revision, re-initialisation
 *             (from_client.c and from_server.c are its two directions, say.c its
 *             way out; legacy_client.c and modern_client.c translate between eras
 *             with era.c, whose changes are edits)
 *   client_info  what the client says of itself: our User-Agent, its patience
 *   mirror    what 2026-07-28 repeats in header fields, with toolbook
 *   policy    which tools may be seen and called, by catalog and annotations, and
 *             for which projects
 *   keepalive pings of our own, which neither session nor client see (--keep-alive)
 *   transport POST, GET, DELETE over HTTP; JSON bodies, resumption; HTTP+SSE
 *   sse       text/event-stream bytes to events
 *   bridge    owns all of them and ties them to the loop; ends when stdin does
 */
#ifndef MPMCP_BRIDGE_H
#define MPMCP_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "base/err.h"
#include "mcp/era.h"
#include "mcp/policy.h"
#include "mcp/rate.h"
#include "mcp/transport.h"
#include "net/http.h"
#include "net/loop.h"

struct bridge_header {
	const char *name, *value;
};

struct bridge_opts {
	const char *url; /* the MCP endpoint */
	const struct bridge_header
		*headers; /* sent with every request to its origin; no Authorization */
	size_t nheaders;
	enum transport_kind transport;
	int64_t ping_interval_ms; /* 0: no pings */
	struct policy *policy;    /* which tools may be seen and called; NULL: all */
	struct rate *rate;        /* counts requests; or NULL */
	enum era era;             /* of the server, when something is known about it */
	bool era_sure;            /* the person says so: no refusal changes it */
	bool asks_only; /* what the server sends unasked concerns nobody: not listened for */
	int in_fd, out_fd;
};

enum bridge_end {
	BRIDGE_END_INPUT, /* end of input: what was due has been delivered, or the drain limit came */
	BRIDGE_END_SIGNAL,    /* SIGTERM, SIGHUP */
	BRIDGE_END_INTERRUPT, /* SIGINT */
	BRIDGE_END_OUTPUT,    /* nobody reads standard output any more */
	BRIDGE_END_PARENT,    /* the process that started us is gone */
	BRIDGE_END_FAILED,    /* e says why */
};

struct bridge;

/*
 * A bridge on the loop, until bridge_free(); borrows everything so long. Once made it ends only in
 * the ways above (those of signals and parents only inside bridge_run()); then it stops the loop and
 * bridge_over() says so. NULL with e set when a descriptor cannot be used.
 */
struct bridge *bridge_new(struct loop *l, struct http *h, struct auth *a,
	const struct bridge_opts *o, struct err *e) __attribute__((warn_unused_result));
bool bridge_over(const struct bridge *b);
enum era bridge_era(const struct bridge *b); /* what the server turned out to be */
void bridge_free(struct bridge *b);          /* what was not delivered is dropped; NULL is fine */

/* The program's own: watches signals and the parent, runs the loop until the bridge is over, delivers
 * what is still to be written. */
enum bridge_end bridge_run(struct bridge *b, struct err *e);

/*
 * For a failure before the bridge could start (an unknown flag, a broken token): clients show the
 * message of a JSON-RPC error, not standard error. Answers the first request of in_fd with why
 * (all requests that arrived with it, too), then returns; also at end of input or a signal.
 */
void bridge_refuse(int in_fd, int out_fd, const struct err *why);

#endif
