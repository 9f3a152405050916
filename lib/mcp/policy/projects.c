/* Looks through the params of a message for projects, at any depth and in one pass. */
#include "mcp/policy/projects.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/policy/mixpanel_tools.h"
#include "mcp/json/walk.h"

/* Ids in the list: more projects than a service account has. Each id of a call is compared with all. */
#define IDS_MAX 1000

/* Digits of an id: every number of so many fits 64 bits, and no service counts further. */
#define DIGITS_MAX 18

/* JSON in a string in JSON: servers undo one level of it where a client sends an object as text. */
#define LEVELS_MAX 4

/* Of the list, and of a key, in a message for people. */
#define SHOWN_MAX 200
#define KEY_SHOWN 60

struct projects {
	char **id; /* plain digits, no zero in front */
	size_t n;
};

/* ---- the list ---- */

static bool is_id(const char *p, size_t n)
{
	if (!n || n > DIGITS_MAX || *p == '0')
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

static bool has(const struct projects *p, const char *id, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (strlen(p->id[i]) == n && memcmp(p->id[i], id, n) == 0)
			return true;
	return false;
}

static bool add_ids(struct projects *p, const char *word, const char *from, struct err *e)
{
	for (;; word++) {
		size_t n;

		word += strspn(word, " ");
		n = strcspn(word, ", ");
		if (!is_id(word, n)) {
			err_set(e, ERR_USAGE,
				"%s takes project ids separated by commas, such as "
				"2195193,2195194; not \"%.60s\"",
				from, word);
			err_clean(e->msg);
			return false;
		}
		if (!has(p, word, n)) {
			if (p->n == IDS_MAX)
				return err_set(e, ERR_USAGE, "%s takes %d project ids at most",
					from, IDS_MAX);
			p->id = mem_grow(p->id, p->n + 1, sizeof(char *));
			p->id[p->n++] = mem_ndup(word, n);
		}
		word += n;
		word += strspn(word, " ");
		if (!*word)
			return true;
		if (*word != ',')
			return add_ids(
				p, "", from, e); /* two ids without a comma: as an empty one */
	}
}

static void remove_others(struct projects *p, const struct projects *also)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (has(also, p->id[i], strlen(p->id[i])))
			p->id[kept++] = p->id[i];
		else
			free(p->id[i]);
	}
	p->n = kept;
}

struct projects *projects_new(char *const *given, size_t n, const char *also, struct err *e)
{
	static const char option[] = "--only-project", variable[] = "MPMCP_ONLY_PROJECT";
	struct projects *p, *more;
	bool good = true;

	if (!n && (!also || !*also))
		return NULL;
	p = mem_new(sizeof(*p));
	more = mem_new(sizeof(*more));
	for (size_t i = 0; i < n && good; i++)
		good = add_ids(p, given[i], option, e);
	if (good && also && *also) {
		good = add_ids(n ? more : p, also, variable, e);
		if (good && n)
			remove_others(p, more);
	}
	if (good && !p->n)
		good = err_set(e, ERR_USAGE,
			"%s and %s have no project in common, so that no call is allowed", option,
			variable);
	projects_free(more);
	if (good)
		return p;
	projects_free(p);
	return NULL;
}

void projects_free(struct projects *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->id[i]);
	free(p->id);
	free(p);
}

bool projects_list(const struct projects *p, struct buf *out)
{
	bool good = true;

	for (size_t i = 0; i < p->n && good; i++)
		good = (!i || buf_addc(out, ',')) && buf_adds(out, p->id[i]);
	return good;
}

/* ---- what is refused ---- */

/* "... (--only-project 1,2)" */
static bool refuse(const struct projects *p, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static bool refuse(const struct projects *p, struct err *e, const char *fmt, ...)
{
	char why[ERR_MSG_MAX - SHOWN_MAX];
	struct buf list;
	bool whole;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	buf_init(&list, SHOWN_MAX);
	whole = projects_list(p, &list);
	err_set(e, ERR_POLICY, "%s (--only-project %s%s)", why, buf_str(&list), whole ? "" : "...");
	if (e)
		err_clean(e->msg);
	buf_free(&list);
	return false;
}

static bool not_plain(const struct projects *p, struct span key, struct err *e)
{
	return refuse(p, e,
		"\"%.*s\" must be a plain project id: an integer, its digits as a string, or an "
		"array of those",
		(int)(key.n < KEY_SHOWN ? key.n : KEY_SHOWN), key.p);
}

static bool check_id(const struct projects *p, struct span v, struct span key, struct err *e)
{
	bool quoted = walk_type(v) == WALK_STRING;
	char text[DIGITS_MAX + 1];

	if (quoted)
		v = (struct span){ v.p + 1, v.n - 2 };
	if (!v.p || !is_id(v.p, v.n))
		return not_plain(p, key, e);
	if (has(p, v.p, v.n))
		return true;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	return refuse(p, e, "this connection may not use project %s", text);
}

static bool check_ids(const struct projects *p, struct span v, struct span key, struct err *e)
{
	struct walk_item it;
	struct walk w;
	bool any = false;

	if (walk_type(v) == WALK_NULL)
		return true;
	if (walk_type(v) != WALK_ARRAY)
		return check_id(p, v, key, e);
	for (bool open = walk_open(&w, v); open && walk_next(&w, &it); any = true)
		if (!check_id(p, it.value, key, e))
			return false;
	return any || not_plain(p, key, e); /* none may mean all */
}

/* ---- keys ---- */

enum key { KEY_OTHER, KEY_PROJECT, KEY_WORKSPACE, KEY_ORGANIZATION, KEY_UNREADABLE };

/* Any case, without what joins words: project_id, projectId, Project-ID. */
static void simplify(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != '_' && *s != '-' && *s != ' ' && *s != '.')
			*to++ = (char)tolower((unsigned char)*s);
	*to = 0;
}

static bool is_one_of(const char *s, const char *const *names)
{
	while (*names && strcmp(s, *names) != 0)
		names++;
	return *names != NULL;
}

static enum key key_of(const struct walk_item *it, struct buf *text)
{
	static const char *const projects[] = { "project", "projects", NULL };
	static const char *const workspaces[] = { "workspace", "workspaces", NULL };
	static const char *const organizations[] = { "organization", "organizations",
		"organisation", "organisations", "org", "orgs", "orgid", "orgids", NULL };
	char *low;

	buf_reset(text);
	if (!walk_string((struct span){ it->key.p - 1, it->key.n + 2 }, text) ||
		memchr(buf_str(text), 0, text->len))
		return KEY_UNREADABLE;
	if (!text->len)
		return KEY_OTHER;
	low = text->p;
	simplify(low);
	if (strstr(low, "projectid") || is_one_of(low, projects))
		return KEY_PROJECT;
	if (strstr(low, "workspaceid") || is_one_of(low, workspaces))
		return KEY_WORKSPACE;
	if (strstr(low, "organizationid") || strstr(low, "organisationid") ||
		is_one_of(low, organizations))
		return KEY_ORGANIZATION;
	return KEY_OTHER;
}

/* ---- the whole text ---- */

struct search {
	const struct projects *p;
	bool workspace, organization; /* one is named, and not null */
	unsigned level;
	struct buf key;
	struct err *e;
};

static bool check_text(struct search *s, struct span text);

static bool check_member(struct search *s, const struct walk_item *it)
{
	bool null = walk_type(it->value) == WALK_NULL;

	switch (key_of(it, &s->key)) {
	case KEY_UNREADABLE:
		return refuse(s->p, s->e,
			"the message has a key that cannot be read, and this connection is "
			"limited to some projects");
	case KEY_PROJECT:
		return check_ids(s->p, walk_first(it->value), it->key, s->e);
	case KEY_WORKSPACE:
		s->workspace = s->workspace || !null;
		break;
	case KEY_ORGANIZATION:
		s->organization = s->organization || !null;
		break;
	case KEY_OTHER:
		break;
	}
	return true;
}

/* A string that may be JSON itself, which some servers read as what it says. */
static bool check_string(struct search *s, struct span v)
{
	struct buf text;
	const char *p;
	bool good = true, read;

	if (v.n < 3 || !memchr("{[\"\\ \t\r\n", v.p[1], 8))
		return true;
	buf_init(&text, MESSAGE_MAX);
	read = walk_string(v, &text);
	p = buf_str(&text);
	p += strspn(p, " \t\r\n");
	if (!read || (*p && strchr("{[\"", *p))) {
		good = read && s->level < LEVELS_MAX;
		if (!good)
			refuse(s->p, s->e,
				"the message has JSON inside strings that cannot be checked, and "
				"this connection is limited to some projects");
		s->level++;
		good = good && check_text(s, (struct span){ text.p, text.len });
		s->level--;
	}
	buf_free(&text);
	return good;
}

static bool check_text(struct search *s, struct span text)
{
	struct walk_item it;
	struct walk w;

	walk_strings(&w, text);
	while (walk_strings_next(&w, &it))
		if (!(it.key.p ? check_member(s, &it) : check_string(s, it.value)))
			return false;
	return true;
}

/* All of params but _meta, which says things about the client. */
static bool check_params(struct search *s, struct span params)
{
	struct walk_item it;
	struct walk w;

	if (walk_type(params) != WALK_OBJECT)
		return check_text(s, params);
	for (bool open = walk_open(&w, params); open && walk_next(&w, &it);)
		if (!walk_key_is(&it, "_meta") &&
			!check_text(s, (struct span){ it.start,
					       (size_t)(it.value.p + it.value.n - it.start) }))
			return false;
	return true;
}

/* ---- requests ---- */

/* The arguments name a project, at their top and by the one name; what it is was looked at. */
static bool names_project(struct span arguments)
{
	unsigned one, many;
	struct span id = walk_get(arguments, "project_id", &one),
		    ids = walk_get(arguments, "project_ids", &many);

	return (one == 1 && walk_type(id) != WALK_NULL) ||
	       (one == 0 && many == 1 && walk_type(ids) != WALK_NULL);
}

static bool check_reach(const struct search *s, const char *tool, struct span params)
{
	const struct mixpanel_tools_tool *t = mixpanel_tools_find(tool);
	bool none = t && t->reach == MIXPANEL_TOOLS_NO_PROJECT;
	unsigned count;
	struct span arguments = walk_get(params, "arguments", &count);
	enum walk_type type = walk_type(arguments);

	if (count > 1 || (count && type != WALK_OBJECT && type != WALK_NULL))
		return refuse(s->p, s->e,
			"the call's arguments are ambiguous (not an object, or given twice), and "
			"this connection is limited to some projects");
	if (s->organization && !none)
		return refuse(s->p, s->e,
			"the call names an organization, which reaches beyond the projects that "
			"this connection is limited to: leave it out");
	if ((!none || s->workspace) && !names_project(arguments))
		return refuse(s->p, s->e,
			"this connection is limited to some projects: give the call one of them "
			"as \"project_id\"");
	return true;
}

bool projects_call(const struct projects *p, const char *tool, struct span params, struct err *e)
{
	struct search s = { .p = p, .e = e };
	bool good;

	buf_init(&s.key, MESSAGE_MAX);
	good = check_params(&s, params) && check_reach(&s, tool, params);
	buf_free(&s.key);
	return good;
}

/* What a resource holds stands in its URI in a way that only the server knows; ui: is the service's
 * widgets, which hold no data. */
static bool is_foreign_resource(const struct message *m)
{
	struct buf uri;
	bool ui;

	if (m->method != METHOD_RESOURCES_READ && m->method != METHOD_RESOURCES_SUBSCRIBE)
		return false;
	buf_init(&uri, MESSAGE_MAX);
	ui = walk_string(walk_get(m->params, "uri", NULL), &uri) &&
	     strncmp(buf_str(&uri), "ui://", 5) == 0;
	buf_free(&uri);
	return !ui;
}

/* Its parameters may name a project. */
static bool asks(const struct message *m)
{
	switch (m->method) {
	case METHOD_PROMPTS_GET:
	case METHOD_COMPLETION_COMPLETE:
	case METHOD_RESOURCES_READ:
	case METHOD_RESOURCES_SUBSCRIBE:
	case METHOD_TASKS_UPDATE:
		return true;
	default:
		return false;
	}
}

bool projects_request(const struct projects *p, const struct message *m, struct err *e)
{
	struct search s = { .p = p, .e = e };
	bool good = true;

	if (is_foreign_resource(m))
		return refuse(p, e,
			"the project of a resource is unknown, and this connection is limited to "
			"some projects");
	buf_init(&s.key, MESSAGE_MAX);
	if (asks(m))
		good = check_params(&s, m->params);
	buf_free(&s.key);
	return good;
}

bool projects_tool(const char *tool)
{
	const struct mixpanel_tools_tool *t = mixpanel_tools_find(tool);

	return !t || t->reach != MIXPANEL_TOOLS_ORGANIZATION;
}

bool projects_has(const struct projects *p, long long id)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", id);
	return has(p, text, strlen(text));
}
