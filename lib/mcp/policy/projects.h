/*
 * The projects that calls may name: --only-project, MPMCP_ONLY_PROJECT.
 *
 * Fails closed: an id that is not written in the plainest way, a key that only
 * resembles "project_id", and a call that names no project although its tool may
 * need one are refused. What the service makes of a workspace_id is its own
 * affair: that belongs to a project, so it needs a project_id beside it.
 */
#ifndef MPMCP_PROJECTS_H
#define MPMCP_PROJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/json/message.h"

struct projects;

/*
 * Each of the n words given, and also (NULL or empty: not there), holds ids with commas between them.
 * Both there: only what is in both is allowed, so that neither can widen the other. NULL without an
 * error when there is neither; NULL with e set (ERR_USAGE) for what is no list of ids, and when
 * nothing is in both.
 */
struct projects *projects_new(char *const *given, size_t n, const char *also, struct err *e)
	__attribute__((warn_unused_result));
void projects_free(struct projects *p); /* NULL is fine */

/* Appends the ids as one word, commas between them. */
bool projects_list(const struct projects *p, struct buf *out) BUF_MUST;

/* The params of a tools/call. False with e set (ERR_POLICY) when they must not be sent. */
bool projects_call(const struct projects *p, const char *tool, struct span params, struct err *e)
	__attribute__((warn_unused_result));
/* The same for another request: it needs to name no project, but may name no other one. */
bool projects_request(const struct projects *p, const struct message *m, struct err *e)
	__attribute__((warn_unused_result));
bool projects_has(const struct projects *p, long long id) __attribute__((warn_unused_result));
/* Whether a tool can be called at all. */
bool projects_tool(const char *tool) __attribute__((warn_unused_result));

#endif
