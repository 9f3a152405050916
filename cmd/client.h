/*
 * A small MCP client for the commands: one conversation, one request at a
 * time, with a bridge of its own at the other end of two pipes. So it meets
 * servers, credentials and rules as every client does.
 */
#ifndef MPMCP_CLIENT_H
#define MPMCP_CLIENT_H

#include <jansson.h>

#include "context.h"
#include "mcp/bridge.h"
#include "mcp/policy.h"

struct client;

/* Opens the connection: credential, initialize, initialized. NULL with e set. */
struct client *client_new(struct context *c, const struct args *a, struct err *e)
	__attribute__((warn_unused_result));
void client_free(struct client *c); /* ends the session; NULL is fine */

/* The server's answer to initialize (or what stands for it); borrowed. And whether the server is one
 * of MCP 2026-07-28, so that the bridge translates and the revision in that answer is the bridge's. */
const json_t *client_hello(const struct client *c);
bool client_translated(const struct client *c);

/* The policy lets calls name this project. */
bool client_may_use(const struct client *c, long long project);
/* Rules of the person hide some of the tools. */
bool client_restricted(const struct client *c);

/* One request; params is taken over (NULL: none). The result as a document, which the caller frees;
 * NULL with e set: the server's error, or why there was no answer. */
json_t *client_request(struct client *c, const char *method, json_t *params, struct err *e)
	__attribute__((warn_unused_result));

/* Calls a tool. The arguments (a JSON object) go out and the result comes into raw byte for byte. */
bool client_call(struct client *c, const char *tool, const struct buf *arguments, struct buf *raw,
	struct err *e) __attribute__((warn_unused_result));

/* All tools, over all pages (how many: pages, may be NULL), under the policy; the caller frees. */
json_t *client_tools(struct client *c, unsigned *pages, struct err *e)
	__attribute__((warn_unused_result));

/* --protocol. */
bool client_protocol(const struct args *a, struct bridge_opts *o, struct err *e)
	__attribute__((warn_unused_result));

/* The policy that the arguments ask for; NULL and no error when nothing is restricted. */
struct policy *client_policy(const struct args *a, struct err *e)
	__attribute__((warn_unused_result));

#endif
