/*
 * A small MCP client for the commands: one conversation, one request at a
 * time, with a bridge of its own at the other end of two pipes. So it meets
 * servers, credentials and rules as every client does.
 */
#ifndef MPMCP_MCP_CLIENT_H
#define MPMCP_MCP_CLIENT_H

#include <jansson.h>

#include "context.h"
#include "mcp/bridge.h"
#include "mcp/policy/policy.h"

struct mcp_client;

/* Opens the connection: credential, initialize, initialized. NULL with e set. */
struct mcp_client *mcp_client_new(struct context *c, const struct options *a, struct err *e)
	__attribute__((warn_unused_result));
void mcp_client_free(struct mcp_client *c); /* ends the session; NULL is fine */

/* The server's answer to initialize (or what stands for it); borrowed. And whether the server is one
 * of MCP 2026-07-28, so that the bridge translates and the revision in that answer is the bridge's. */
const json_t *mcp_client_hello(const struct mcp_client *c);
bool mcp_client_translated(const struct mcp_client *c);

/* The policy lets calls name this project. */
bool mcp_client_may_use(const struct mcp_client *c, long long project);
/* Rules of the person hide some of the tools. */
bool mcp_client_restricted(const struct mcp_client *c);

/* One request; params is taken over (NULL: none). The result as a document, which the caller frees;
 * NULL with e set: the server's error, or why there was no answer. */
json_t *mcp_client_request(struct mcp_client *c, const char *method, json_t *params, struct err *e)
	__attribute__((warn_unused_result));

/* Calls a tool. The arguments (a JSON object) go out and the result comes into raw byte for byte. */
bool mcp_client_call(struct mcp_client *c, const char *tool, const struct buf *arguments,
	struct buf *raw, struct err *e) __attribute__((warn_unused_result));

/* All tools, asked for over all pages (how many: pages, may be NULL), under the policy; the caller frees. */
json_t *mcp_client_tools(struct mcp_client *c, unsigned *pages, struct err *e)
	__attribute__((warn_unused_result));

/* The list of some minutes ago, under the policy, without asking; NULL when there is none. The caller frees. And
 * what was kept is not so any more. */
json_t *mcp_client_kept_tools(struct mcp_client *c) __attribute__((warn_unused_result));
void mcp_client_forget_tools(struct mcp_client *c);

/* --protocol. */
void mcp_client_protocol(const struct options *a, struct bridge_opts *o);

/* The policy that the arguments ask for; NULL and no error when nothing is restricted. */
struct policy *mcp_client_policy(const struct options *a, struct err *e)
	__attribute__((warn_unused_result));

#endif
