/*
 * Subscriptions of a modern client in front of a legacy server: what the
 * session's GET stream tells of changes goes to those who asked for it
 * (Subscriptions), and resources are subscribed to on their behalf.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/translate/modern_impl.h"
#include "mcp/json/walk.h"

/* Resources in one subscription; more than a client watches. */
#define URIS_MAX 1024

struct sub {
	struct sub *next;
	struct outgoing *p; /* the client's subscriptions/listen: parked, owed until the end */
	uintptr_t serial;   /* by which answers find it that come when it may be gone */
	bool lists[3];
	char **uris; /* raw JSON strings */
	size_t nuris;
	size_t asked; /* resources/subscribe under way */
	bool acknowledged;
};

static const char *const list_names[] = { "tools", "prompts", "resources" };
static const char *const list_members[] = { "toolsListChanged", "promptsListChanged",
	"resourcesListChanged" };
static const enum method list_methods[] = { METHOD_NOTICE_TOOLS_LIST_CHANGED,
	METHOD_NOTICE_PROMPTS_LIST_CHANGED, METHOD_NOTICE_RESOURCES_LIST_CHANGED };

void modern_subscriptions_forget(struct modern_client *c, struct outgoing *p)
{
	for (struct sub **at = &c->subs, *b; (b = *at);) {
		if (b->p != p) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		for (size_t i = 0; i < b->nuris; i++)
			free(b->uris[i]);
		free(b->uris);
		free(b);
	}
}

static bool add_honoured(const struct sub *b, struct buf *out)
{
	bool good = buf_addc(out, '{');
	size_t n = 0;

	for (size_t i = 0; i < 3 && good; i++)
		if (b->lists[i])
			good = (!n++ || buf_addc(out, ',')) &&
			       buf_addf(out, "\"%s\":true", list_members[i]);
	if (b->nuris)
		good = good && (!n || buf_addc(out, ',')) &&
		       buf_adds(out, "\"resourceSubscriptions\":[");
	for (size_t i = 0; i < b->nuris && good; i++)
		good = (!i || buf_addc(out, ',')) && buf_adds(out, b->uris[i]);
	return good && (!b->nuris || buf_addc(out, ']')) && buf_addc(out, '}');
}

static void acknowledge(struct modern_client *c, struct sub *b)
{
	struct span id = owed_id(owed_request(b->p));
	struct buf m;

	b->acknowledged = true;
	buf_init(&m, MESSAGE_MAX);
	if (buf_addf(&m,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
		    "\"params\":{\"_meta\":{\"%s\":",
		    era_subscription_key) &&
		buf_add(&m, id.p, id.n) && buf_adds(&m, "},\"notifications\":") &&
		add_honoured(b, &m) && buf_adds(&m, "}}"))
		to_client_text(c->between.s, &m);
	buf_free(&m);
}

static void drop_uri(struct sub *b, size_t i)
{
	free(b->uris[i]);
	b->uris[i] = b->uris[--b->nuris];
}

static void forget_uri(struct sub *b, struct span uri)
{
	size_t i = 0;

	while (i < b->nuris)
		if (strlen(b->uris[i]) == uri.n && memcmp(b->uris[i], uri.p, uri.n) == 0)
			drop_uri(b, i);
		else
			i++;
}

static struct sub *find_sub(struct modern_client *c, uintptr_t serial)
{
	struct sub *b = c->subs;

	while (b && b->serial != serial)
		b = b->next;
	return b;
}

/* What cannot be watched is not acknowledged. */
static void watched(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct modern_client *c = modern_of(p);
	struct sub *b = find_sub(c, (uintptr_t)outgoing_ctx(p));

	(void)why;
	if (!b)
		return;
	if ((!m || m->error.p) && outgoing_in_this_session(p))
		forget_uri(b, walk_get(outgoing_message(p)->params, "uri", NULL));
	if (!--b->asked && !b->acknowledged)
		acknowledge(c, b);
}

static void unwatched(struct outgoing *p, const struct message *m, const struct err *why)
{
	(void)p, (void)m, (void)why;
}

/* False when there is no memory for it: fn is never called. */
static bool ask_resource(struct modern_client *c, const char *method, const char *uri,
	outgoing_answer_fn *fn, void *ctx)
{
	struct session *s = c->between.s;
	struct buf b;
	struct outgoing *p = NULL;

	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(s, &b) &&
		buf_addf(&b, ",\"method\":\"%s\",\"params\":{\"uri\":", method) &&
		buf_adds(&b, uri) && buf_adds(&b, "}}")) {
		p = outgoing_ask(s, &b, fn);
		outgoing_set_between(p, &c->between);
		outgoing_set_ctx(p, ctx);
		outgoing_start(p);
	}
	buf_free(&b);
	return p != NULL;
}

/* What cannot be asked for is not watched either. */
static void watch_all(struct modern_client *c, struct sub *b)
{
	size_t i = 0;

	while (i < b->nuris) {
		if (!ask_resource(
			    c, "resources/subscribe", b->uris[i], watched, (void *)b->serial)) {
			drop_uri(b, i);
			continue;
		}
		b->asked++;
		i++;
	}
}

static void read_filter(struct modern_client *c, struct sub *b, struct span filter)
{
	struct span has = modern_capabilities(c->between.s),
		    uris = walk_get(filter, "resourceSubscriptions", NULL);
	struct walk_item it;
	struct walk w;

	for (size_t i = 0; i < 3; i++)
		b->lists[i] = walk_true(walk_get(filter, list_members[i], NULL)) &&
			      walk_true(walk_path(has, list_names[i], "listChanged", (char *)NULL));
	if (!walk_true(walk_path(has, "resources", "subscribe", (char *)NULL)) ||
		!walk_open(&w, uris))
		return;
	while (walk_next(&w, &it) && b->nuris < URIS_MAX) {
		if (walk_type(it.value) != WALK_STRING)
			continue;
		b->uris = mem_grow(b->uris, b->nuris + 1, sizeof(char *));
		b->uris[b->nuris++] = mem_ndup(it.value.p, it.value.n);
	}
}

void modern_subscriptions_add(struct outgoing *p, const struct message *m)
{
	struct modern_client *c = modern_of(p);
	struct sub *b = mem_new(sizeof(*b));

	queue_park(p);
	b->p = p;
	b->serial = ++c->clock;
	b->next = c->subs;
	c->subs = b;
	read_filter(c, b, walk_get(m->params, "notifications", NULL));
	watch_all(c, b);
	if (!b->asked)
		acknowledge(c, b);
}

static bool is_watched(const struct modern_client *c, const struct sub *but, const char *uri)
{
	for (const struct sub *b = c->subs; b; b = b->next)
		for (size_t i = 0; b != but && i < b->nuris; i++)
			if (strcmp(b->uris[i], uri) == 0)
				return true;
	return false;
}

static void end_sub(struct modern_client *c, struct sub *b)
{
	for (size_t i = 0; i < b->nuris; i++)
		if (!is_watched(c, b, b->uris[i]))
			(void)!ask_resource(
				c, "resources/unsubscribe", b->uris[i], unwatched, NULL);
	owed_cancelled(owed_request(b->p));
	outgoing_drop(b->p); /* b goes with it */
}

enum taken modern_subscriptions_cancelled(struct between *between, struct span id)
{
	struct modern_client *c = (struct modern_client *)between;

	for (struct sub *b = c->subs; b && id.p; b = b->next) {
		if (!message_id_equal(owed_id(owed_request(b->p)), id))
			continue;
		end_sub(c, b);
		return TAKEN;
	}
	return NOT_TAKEN;
}

static bool sub_wants(const struct sub *b, const struct message *m)
{
	struct span uri = walk_get(m->params, "uri", NULL);
	struct buf text;
	bool wants = false;

	for (size_t i = 0; i < 3; i++)
		if (b->lists[i] && m->method == list_methods[i])
			return true;
	if (m->method != METHOD_NOTICE_RESOURCES_UPDATED)
		return false;
	buf_init(&text, MESSAGE_MAX);
	if (walk_string(uri, &text))
		for (size_t i = 0; i < b->nuris && !wants; i++)
			wants = walk_string_is(
				(struct span){ b->uris[i], strlen(b->uris[i]) }, buf_str(&text));
	buf_free(&text);
	return wants;
}

/* The notification with the id of the subscription in its _meta. */
static void notify(struct modern_client *c, const struct sub *b, const struct message *m)
{
	struct edits e = { 0 };
	struct span id = owed_id(owed_request(b->p));
	struct buf members, scratch, out;

	buf_init(&members, MESSAGE_MAX);
	buf_init(&scratch, MESSAGE_MAX);
	buf_init(&out, MESSAGE_MAX);
	if (buf_addf(&members, "\"%s\":", era_subscription_key) && buf_add(&members, id.p, id.n) &&
		era_add_meta(&e, m, (struct span){ members.p, members.len }, (struct span){ 0 },
			&scratch) &&
		edit_apply(&e, m->whole, &out))
		to_client_text(c->between.s, &out);
	buf_free(&members);
	buf_free(&scratch);
	buf_free(&out);
}

static bool is_change(const struct message *m)
{
	for (size_t i = 0; i < 3; i++)
		if (m->method == list_methods[i])
			return true;
	return m->method == METHOD_NOTICE_RESOURCES_UPDATED;
}

enum taken modern_subscriptions_changed(struct modern_client *c, const struct message *m)
{
	if (!is_change(m))
		return NOT_TAKEN;
	for (struct sub *b = c->subs; b; b = b->next)
		if (b->acknowledged && sub_wants(b, m))
			notify(c, b, m);
	return TAKEN;
}

void modern_subscriptions_watch_again(struct modern_client *c)
{
	for (struct sub *b = c->subs; b; b = b->next)
		watch_all(c, b);
}

void modern_subscriptions_end(struct modern_client *c)
{
	while (c->subs) {
		struct outgoing *p = c->subs->p;
		struct buf b;

		buf_init(&b, MESSAGE_MAX);
		if (owed_waits(owed_request(p)))
			owed_text(owed_request(p),
				era_subscription_end(&b, owed_id(owed_request(p))) ? &b : NULL);
		buf_free(&b);
		outgoing_drop(p);
	}
}
