#include "mcp/policy.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/catalog.h"
#include "mcp/toollist.h"
#include "mcp/walk.h"

/* Longest tool name that is looked at; MCP recommends at most 128. */
#define NAME_MAX_LEN 512

/* Tools that only their annotations allow: more of them than any server has. */
#define ALLOWED_MAX 4096

struct policy {
	struct policy_opts o;
	char **allowed; /* unknown names that annotations call read-only */
	size_t nallowed;
};

struct policy *policy_new(const struct policy_opts *o, struct err *e)
{
	struct policy *p;

	for (size_t i = 0; i < o->nonly; i++) {
		if (o->only[i][0] == '@' && !catalog_is_set(o->only[i] + 1)) {
			err_set(e, ERR_USAGE,
				"--only-tool %.40s: the sets are @analytics, @boards, @lexicon, "
				"@experiments, @flags and @replays",
				o->only[i]);
			err_clean(e->msg);
			return NULL;
		}
	}
	if (!o->read_only && !o->nonly && !o->nignore)
		return NULL;
	p = mem_new(sizeof(*p));
	p->o = *o;
	return p;
}

static void forget_allowed(struct policy *p)
{
	for (size_t i = 0; i < p->nallowed; i++)
		free(p->allowed[i]);
	free(p->allowed);
	p->allowed = NULL;
	p->nallowed = 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	forget_allowed(p);
	free(p);
}

/* ---- one name ---- */

static bool in_only(const struct policy *p, const char *name)
{
	const struct catalog_tool *t = catalog_find(name);

	for (size_t i = 0; i < p->o.nonly; i++) {
		const char *rule = p->o.only[i];

		if (rule[0] == '@' ? t && strcmp(t->set, rule + 1) == 0
				   : fnmatch(rule, name, 0) == 0)
			return true;
	}
	return p->o.nonly == 0;
}

/* Any case: a rule that forbids should not be escaped by spelling. */
static const char *ignored_by(const struct policy *p, const char *name)
{
	char *low = mem_dup(name);
	const char *found = NULL;

	for (char *c = low; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < p->o.nignore && !found; i++) {
		char *rule = mem_dup(p->o.ignore[i]);

		for (char *c = rule; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		if (fnmatch(rule, low, 0) == 0)
			found = p->o.ignore[i];
		free(rule);
	}
	free(low);
	return found;
}

static bool was_allowed(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->nallowed; i++)
		if (strcmp(p->allowed[i], name) == 0)
			return true;
	return false;
}

static bool is_read(const struct policy *p, const char *name)
{
	const struct catalog_tool *t = catalog_find(name);

	return t ? t->what == CATALOG_READ : was_allowed(p, name);
}

static bool name_ok(const struct policy *p, const char *name, struct err *e)
{
	const char *rule;

	if (!in_only(p, name))
		return err_set(e, ERR_POLICY,
			"the tool \"%.100s\" is not among those that --only-tool allows here",
			name);
	rule = ignored_by(p, name);
	if (rule)
		return err_set(e, ERR_POLICY,
			"the tool \"%.100s\" is shut off here by --ignore-tool %.60s", name, rule);
	if (p->o.read_only && !is_read(p, name))
		return err_set(e, ERR_POLICY,
			"the tool \"%.100s\" may change data, or is not known to change none, and "
			"this connection is read-only "
			"(--read-only)",
			name);
	return true;
}

/* The one "name" of an object, escapes undone; false when it is missing, repeated, or odd. */
static bool read_name(struct span object, struct buf *name)
{
	unsigned count;
	struct span v = walk_get(object, "name", &count);

	return count == 1 && walk_type(v) == WALK_STRING && walk_string(v, name) && name->len &&
	       !memchr(name->p, 0, name->len);
}

/* ---- requests ---- */

/* What a read-only connection may ask besides tools. Anything else may be a way to change something. */
static bool is_harmless(const struct envelope *m)
{
	static const char *const methods[] = { "initialize", "ping", "server/discover",
		"subscriptions/listen", "tools/list", "resources/list", "resources/templates/list",
		"resources/read", "resources/subscribe", "resources/unsubscribe", "prompts/list",
		"prompts/get", "completion/complete", "logging/setLevel", "tasks/get", "tasks/list",
		"tasks/result", "tasks/cancel" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (envelope_method_is(m, methods[i]))
			return true;
	return false;
}

bool policy_request(const struct policy *p, const struct envelope *m, struct err *e)
{
	struct buf name;
	bool good;

	if (m->kind != ENVELOPE_REQUEST && m->kind != ENVELOPE_NOTIFICATION)
		return true;
	if (!envelope_method_is(m, "tools/call"))
		return m->kind == ENVELOPE_NOTIFICATION || !p->o.read_only || is_harmless(m) ||
		       err_set(e, ERR_POLICY,
			       "this method is not known to change nothing, and this connection is "
			       "read-only (--read-only)");
	buf_init(&name, NAME_MAX_LEN);
	if (!read_name(m->params, &name))
		good = err_set(e, ERR_POLICY,
			"the tool's name cannot be read for sure (missing, repeated or too long), "
			"so the rules of this connection forbid the call");
	else
		good = name_ok(p, name.p, e);
	if (!good && e)
		err_clean(e->msg);
	buf_free(&name);
	return good;
}

/* ---- lists ---- */

static bool annotated_read(struct span tool)
{
	unsigned count, reads, destroys;
	struct span a = walk_get(tool, "annotations", &count);
	struct span r = walk_get(a, "readOnlyHint", &reads),
		    d = walk_get(a, "destructiveHint", &destroys);

	return count == 1 && reads == 1 && destroys <= 1 && walk_true(r) && !walk_true(d);
}

static void note_unknown(struct policy *p, const char *name, struct span tool)
{
	if (catalog_find(name) || was_allowed(p, name) || !annotated_read(tool) ||
		p->nallowed == ALLOWED_MAX)
		return;
	p->allowed = mem_grow(p->allowed, p->nallowed + 1, sizeof(char *));
	p->allowed[p->nallowed++] = mem_dup(name);
}

static void retract(struct policy *p, const char *name, struct span tool)
{
	if (annotated_read(tool))
		return;
	for (size_t i = 0; i < p->nallowed; i++) {
		if (strcmp(p->allowed[i], name) != 0)
			continue;
		free(p->allowed[i]);
		p->allowed[i--] = p->allowed[--p->nallowed];
	}
}

bool policy_shows(struct policy *p, struct span tool)
{
	struct buf name;
	bool good;

	buf_init(&name, NAME_MAX_LEN);
	good = walk_type(tool) == WALK_OBJECT && read_name(tool, &name);
	if (good) {
		retract(p, name.p, tool);
		note_unknown(p, name.p, tool);
		good = name_ok(p, name.p, NULL);
	}
	buf_free(&name);
	return good;
}

static bool shows(void *ctx, struct span tool)
{
	return policy_shows(ctx, tool);
}

enum policy_list policy_list(
	struct policy *p, const struct envelope *m, struct buf *out, struct err *e)
{
	switch (toollist_filter(m, shows, p, out, e)) {
	case TOOLLIST_AS_IS:
		return POLICY_AS_IS;
	case TOOLLIST_FILTERED:
		return POLICY_FILTERED;
	case TOOLLIST_UNREADABLE:
		break;
	}
	return POLICY_UNREADABLE;
}
