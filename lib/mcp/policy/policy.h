/*
 * Which tools may be seen and called, and for which projects: --read-only,
 * --only-tool, --ignore-tool, --only-project (projects.h).
 * Fails closed: what cannot be read for sure is refused. Known names first
 * (mixpanel_tools.h), then the server's annotations (readOnlyHint and not
 * destructiveHint), else no. Under any rule, only methods that MCP has pass: one
 * that is not known may be another way to call a tool.
 */
#ifndef MPMCP_POLICY_H
#define MPMCP_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/json/message.h"

struct policy_opts {
	bool read_only;
	char *const *only; /* globs, or "@set"; borrowed for the policy's life */
	size_t nonly;
	char *const *ignore; /* globs, any case */
	size_t nignore;
	char *const *projects; /* words of project ids, and one that can only narrow them */
	size_t nprojects;
	const char *projects_also; /* NULL or empty: not there */
};

struct policy;

/* NULL, without an error, when nothing is restricted; NULL with e set (ERR_USAGE) for an unknown set, or
 * project ids that are none (projects.h). */
struct policy *policy_new(const struct policy_opts *o, struct err *e)
	__attribute__((warn_unused_result));
void policy_free(struct policy *p); /* NULL is fine */

/* A message of the client. False with e set (ERR_POLICY, naming the rule) when it must not be sent. */
bool policy_request(const struct policy *p, const struct message *m, struct err *e)
	__attribute__((warn_unused_result));

/* Whether calls may name this project. */
bool policy_project(const struct policy *p, long long id) __attribute__((warn_unused_result));

/* What annotations allowed so far holds no longer: the list of tools has changed, or the session. */
void policy_forget(struct policy *p);

/* Whether this tool definition may be seen. Remembers which unknown tools the annotations allow. */
bool policy_shows(struct policy *p, struct span tool) __attribute__((warn_unused_result));

/*
 * The answer to a tools/list. POLICY_AS_IS: pass it on. POLICY_FILTERED: out holds the message without
 * the tools that may not be seen, everything else byte for byte. POLICY_UNREADABLE: it must not be
 * passed on; e says why. Remembers which unknown tools the annotations allow.
 */
enum policy_list { POLICY_AS_IS, POLICY_FILTERED, POLICY_UNREADABLE };
enum policy_list policy_list(struct policy *p, const struct message *m, struct buf *out,
	struct err *e) __attribute__((warn_unused_result));

#endif
