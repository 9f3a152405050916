/*
 * The bridge: MCP messages from standard input to a Streamable HTTP endpoint
 * and back. The rooms of this folder, in the order in which they may know one
 * another (tests/checks/layers.sh holds them to it, and this map to the files):
 *
 *   json/        what a message is; pure
 *     message               one JSON-RPC message, read in one pass: kind, id, members
 *     scan_wide             that pass, 64 bytes a step (scan.h, scan_loop.h)
 *     walk                  members on demand, from text that was read
 *     edit                  changes of spans, the rest byte for byte
 *     era                   what the revisions call things, and what they lack
 *     error_reply           errors of ours: codes and data
 *   stdio/       descriptors 0 and 1
 *     lines                 lines in, lines out (MCP stdio transport)
 *   policy/      what may pass; pure
 *     policy                --read-only, --only-tool, --ignore-tool
 *     projects              --only-project
 *     mixpanel_tools        the service's tools and what they do
 *     tools_list            a tools/list without what may not be seen
 *   http/        Streamable HTTP
 *     transport             POST, GET and DELETE of one server, and what all of them share
 *     session_headers       the header fields of a session: built once, shared
 *     redirect              addresses that the server names
 *     session_delete        the DELETE that ends a session
 *     exchange              one message on its way: what it waits for, each try, its one end
 *     http_post             a message in Streamable HTTP: what is different
 *     http_sse_post         a message in HTTP+SSE of 2024-11-05: what is different
 *     http_sse              the event stream of HTTP+SSE
 *     answer                what comes back: a JSON body, an event stream, a refusal
 *     resumption            an event stream that broke off and is taken up again
 *     get_stream            the GET stream: what the server says unasked
 *     sse                   text/event-stream bytes to events
 *     request_headers       what 2026-07-28 repeats in header fields
 *     toolbook              header fields that a tool asks for (Mcp-Param-*)
 *     http_status           a status that is not 2xx, in words
 *     error_text            a server's own words, and what to do
 *     client_info           the client in User-Agent
 *     request_count         requests of the hour, per account
 *   session/     who owes whom an answer
 *     session               all of the parts below, from its start to its end
 *     outgoing              one message on its way to the server
 *     queue                 where messages stand, what waits for what, back-pressure
 *     handshake             how a session is opened
 *     owed                  an answer is given, once
 *     pending               requests by their ids
 *     call_log              --log-calls: a line about each tools/call
 *     reopen                a session opened again behind the client's back
 *     again                 messages that are sent once more, or later
 *     kept                  what the client has set in its session, told to the next one
 *     repeat                which requests may be sent twice
 *     patience              who waits for a sign-in is answered in time
 *     from_client           lines of the client
 *     from_server           messages of the server, and ends of exchanges
 *     to_client             what is written to the client
 *     server_era            which era the server speaks
 *     translator            the seam at which eras are translated, and who does it (translated.h)
 *   translate/   between the eras
 *     translators           the two fillers of session/translator.h
 *     legacy_client         a legacy client, a modern server
 *     legacy_input          questions of the server to a legacy client
 *     legacy_subscriptions  what a legacy client watches
 *     modern_client         a modern client, a legacy server
 *     modern_input          the server's requests as input of a modern client
 *     modern_subscriptions  what a modern client listens to
 *   bridge       owns all of them and ties them to the loop; ends when input does
 *   bridge_refuse  answers the first request when the bridge cannot start
 *   keepalive    pings of our own, which neither session nor client see
 *
 * The way of one tools/call. lines gives the line to bridge and bridge to
 * session/from_client. There json/message reads it, once: what it is, its method,
 * where its members stand goes with it from here on. policy is asked; then the
 * line is taken over into an outgoing (outgoing.h), which owes an answer (owed.h)
 * and waits in the queue. When the handshake allows, queue starts it; between
 * eras a translator prepares it first (translator.h). http/transport makes an
 * exchange of it, which sends it with the credential of auth/auth.h. The answer
 * comes back through exchange (and sse) to session/from_server, which finds by
 * its id what was owed, gives it the client's own id if that differs (between
 * eras a translator answers), and to_client queues it in lines.
 */
#ifndef MPMCP_BRIDGE_H
#define MPMCP_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "base/err.h"
#include "mcp/json/era.h"
#include "mcp/policy/policy.h"
#include "mcp/http/request_count.h"
#include "mcp/http/transport.h"
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
	int64_t ping_interval_ms;   /* 0: no pings */
	struct policy *policy;      /* which tools may be seen and called; NULL: all */
	struct request_count *rate; /* counts requests; or NULL */
	enum era era;               /* of the server, when something is known about it */
	bool era_sure;              /* the person says so: no refusal changes it */
	struct call_log *call_log;  /* notes the calls of tools; or NULL */
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
enum era bridge_era(const struct bridge *b);     /* what the server turned out to be */
bool bridge_has_session(const struct bridge *b); /* the server gave it an id */
void bridge_free(struct bridge *b); /* what was not delivered is dropped; NULL is fine */

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
