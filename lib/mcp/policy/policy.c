#include "mcp/policy/policy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "base/strset.h"
#include "mcp/policy/mixpanel_tools.h"
#include "mcp/policy/projects.h"
#include "mcp/policy/tools_list.h"
#include "mcp/json/walk.h"

/* Longest tool name that is looked at; MCP recommends at most 128. */
#define NAME_MAX_LEN 512

/* Tools that only their annotations allow: more of them than any server has. */
#define ALLOWED_MAX 4096

struct policy {
	struct policy_opts o;
	struct projects *projects; /* NULL: any */
	struct strset allowed;     /* unknown names that annotations call read-only */
};

struct policy *policy_new(const struct policy_opts *o, struct err *e)
{
	struct projects *projects;
	struct err why = { 0 };
	struct policy *p;

	for (size_t i = 0; i < o->nonly; i++) {
		if (o->only[i][0] == '@' && !mixpanel_tools_is_set(o->only[i] + 1)) {
			err_set(e, ERR_USAGE,
				"--only-tool %.40s: the sets are @analytics, @audit, @boards, "
				"@lexicon, "
				"@experiments, @flags and @replays",
				o->only[i]);
			err_clean(e->msg);
			return NULL;
		}
	}
	projects = projects_new(o->projects, o->nprojects, o->projects_also, &why);
	if (why.kind) {
		err_set(e, why.kind, "%s", why.msg);
		return NULL;
	}
	if (!o->read_only && !o->nonly && !o->nignore && !projects)
		return NULL;
	p = mem_new(sizeof(*p));
	p->o = *o;
	p->projects = projects;
	return p;
}

void policy_forget(struct policy *p)
{
	strset_clear(&p->allowed);
}

bool policy_project(const struct policy *p, long long id)
{
	return !p->projects || projects_has(p->projects, id);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	policy_forget(p);
	projects_free(p->projects);
	free(p);
}

/* ---- one name ---- */

static bool in_only(const struct policy *p, const char *name)
{
	const struct mixpanel_tools_tool *t = mixpanel_tools_find(name);

	for (size_t i = 0; i < p->o.nonly; i++) {
		const char *rule = p->o.only[i];

		if (rule[0] == '@' ? t && strcmp(t->set, rule + 1) == 0 : glob_matches(rule, name))
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
		if (glob_matches(rule, low))
			found = p->o.ignore[i];
		free(rule);
	}
	free(low);
	return found;
}

static bool is_read(const struct policy *p, const char *name)
{
	const struct mixpanel_tools_tool *t = mixpanel_tools_find(name);

	return t ? t->what == MIXPANEL_TOOLS_READ : strset_has(&p->allowed, name);
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
			"the tool \"%.100s\" is blocked by --ignore-tool %.60s", name, rule);
	if (p->projects && !projects_tool(name))
		return err_set(e, ERR_POLICY,
			"the tool \"%.100s\" reads across all projects of an organization, and "
			"this connection is limited to some of them (--only-project)",
			name);
	if (p->o.read_only && !is_read(p, name))
		return err_set(e, ERR_POLICY,
			"the tool \"%.100s\" may modify data; this connection is read-only "
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

/* Another spelling of the name of a member that counts? There are servers that read those in any case (Go's
 * encoding/json, which takes the long s for one, too): theirs would be another message than ours. */
static bool resembles(const struct walk_item *it, const char *name)
{
	struct buf key;
	const char *p;
	bool same;

	if (!it->key.p || walk_key_is(it, name))
		return false;
	buf_init(&key, 2 * strlen(name));
	same = walk_string((struct span){ it->key.p - 1, it->key.n + 2 }, &key);
	for (p = buf_str(&key); same && *name; name++) {
		bool long_s = *name == 's' && strncmp(p, "\xc5\xbf", 2) == 0;

		same = long_s || tolower((unsigned char)*p) == *name;
		p += long_s ? 2 : 1;
	}
	same = same && p == buf_str(&key) + key.len;
	buf_free(&key);
	return same;
}

static bool has_lookalike(struct span object, const char *name)
{
	struct walk_item it;
	struct walk w;

	if (!walk_open(&w, object))
		return false;
	while (walk_next(&w, &it))
		if (resembles(&it, name))
			return true;
	return false;
}

/* A server in C may read a name up to its first zero. */
static bool has_zero_key(struct span text)
{
	struct walk_item it;
	struct walk w;
	bool found = false;

	walk_strings(&w, text);
	while (!found && walk_strings_next(&w, &it)) {
		struct buf key;

		if (!it.key.p || !it.key_escaped)
			continue;
		buf_init(&key, it.key.n);
		found = !walk_string((struct span){ it.key.p - 1, it.key.n + 2 }, &key) ||
			memchr(buf_str(&key), 0, key.len);
		buf_free(&key);
	}
	return found;
}

/* What a client may say, in the revisions 2024-11-05 to 2026-07-28 and the tasks extension; tools/call
 * apart, nothing of it changes the data. */
static bool is_known(const struct message *m)
{
	switch (m->method) {
	case METHOD_INITIALIZE:
	case METHOD_PING:
	case METHOD_SERVER_DISCOVER:
	case METHOD_SUBSCRIPTIONS_LISTEN:
	case METHOD_TOOLS_LIST:
	case METHOD_RESOURCES_LIST:
	case METHOD_RESOURCES_TEMPLATES_LIST:
	case METHOD_RESOURCES_READ:
	case METHOD_RESOURCES_SUBSCRIBE:
	case METHOD_RESOURCES_UNSUBSCRIBE:
	case METHOD_PROMPTS_LIST:
	case METHOD_PROMPTS_GET:
	case METHOD_COMPLETION_COMPLETE:
	case METHOD_LOGGING_SET_LEVEL:
	case METHOD_TASKS_GET:
	case METHOD_TASKS_LIST:
	case METHOD_TASKS_RESULT:
	case METHOD_TASKS_UPDATE:
	case METHOD_TASKS_CANCEL:
		return true;
	case METHOD_NOTICE_INITIALIZED:
	case METHOD_NOTICE_CANCELLED:
	case METHOD_NOTICE_PROGRESS:
	case METHOD_NOTICE_ROOTS_LIST_CHANGED:
	case METHOD_NOTICE_TASKS_STATUS:
		/* With an id it would be a request, which MCP has none of by these names. */
		return m->kind == MESSAGE_NOTIFICATION;
	default:
		return false;
	}
}

static bool may_call(const struct policy *p, const struct message *m, struct err *e)
{
	struct buf name;
	bool good;

	buf_init(&name, NAME_MAX_LEN);
	if (has_lookalike(m->params, "name") || !read_name(m->params, &name))
		good = err_set(e, ERR_POLICY,
			"the tool's name is ambiguous (missing, repeated or too long), so the "
			"rules of this connection forbid the call");
	else if (p->projects && has_lookalike(m->params, "arguments"))
		good = err_set(e, ERR_POLICY,
			"the call has a key that differs from \"arguments\" only in case, so "
			"--only-project forbids it");
	else
		good = name_ok(p, name.p, e) &&
		       (!p->projects || projects_call(p->projects, name.p, m->params, e));
	if (!good && e)
		err_clean(e->msg);
	buf_free(&name);
	return good;
}

bool policy_request(const struct policy *p, const struct message *m, struct err *e)
{
	if (has_lookalike(m->whole, "method") || has_lookalike(m->whole, "params"))
		return err_set(e, ERR_POLICY,
			"the message has a key that differs from \"method\" or \"params\" only in "
			"case, so the rules of this connection forbid it");
	if (has_zero_key(m->whole))
		return err_set(e, ERR_POLICY,
			"the message has a key that contains U+0000, so the rules of this "
			"connection forbid it");
	if (m->kind != MESSAGE_REQUEST && m->kind != MESSAGE_NOTIFICATION)
		return true;
	if (m->method == METHOD_TOOLS_CALL)
		return may_call(p, m, e);
	if (!is_known(m))
		return err_set(e, ERR_POLICY,
			"this method is not one that MCP defines for clients; --read-only, "
			"--only-tool, --ignore-tool and --only-project block all others");
	return !p->projects || projects_request(p->projects, m, e);
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

/* The last definition counts. */
static void note_annotations(struct policy *p, const char *name, struct span tool)
{
	if (!annotated_read(tool))
		strset_remove(&p->allowed, name);
	else if (!mixpanel_tools_find(name))
		(void)strset_add(&p->allowed, name, ALLOWED_MAX);
}

bool policy_shows(struct policy *p, struct span tool)
{
	struct buf name;
	bool good;

	buf_init(&name, NAME_MAX_LEN);
	good = walk_type(tool) == WALK_OBJECT && read_name(tool, &name);
	if (good) {
		note_annotations(p, name.p, tool);
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
	struct policy *p, const struct message *m, struct buf *out, struct err *e)
{
	switch (tools_list_filter(m, shows, p, out, e)) {
	case TOOLS_LIST_AS_IS:
		return POLICY_AS_IS;
	case TOOLS_LIST_FILTERED:
		return POLICY_FILTERED;
	case TOOLS_LIST_UNREADABLE:
		break;
	}
	return POLICY_UNREADABLE;
}
