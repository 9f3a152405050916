/*
 * Notifications for a legacy client of a modern server: one subscription
 * (subscriptions/listen) stays open for the lists that may change and for the
 * resources that the client subscribed to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/translate/legacy_impl.h"
#include "mcp/json/walk.h"

/* Pauses before a subscription that ended is opened again; requests are counted by the service. */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000

const char *const legacy_subscriptions_lists[3] = { "tools", "prompts", "resources" };

/* A resources/subscribe or unsubscribe that waits for the server's acknowledgment. */
struct waiting {
	struct outgoing *p;
	struct waiting *next;
};

static void timer_due(void *ctx)
{
	legacy_subscriptions_open(ctx);
}

void legacy_subscriptions_init(struct legacy_client *l)
{
	l->pause_ms = PAUSE_MIN_MS;
	loop_timer_init(&l->timer, session_loop(l->between.s), timer_due, l);
}

void legacy_subscriptions_forget(struct legacy_client *l, struct outgoing *p)
{
	if (l->stream == p)
		l->stream = NULL;
	if (l->next_stream == p)
		l->next_stream = NULL;
	for (struct waiting **at = &l->waiting, *w; (w = *at);) {
		if (w->p != p) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
}

static bool add_filter(const struct legacy_client *l, struct buf *b)
{
	static const char *const members[] = { "\"toolsListChanged\":true",
		"\"promptsListChanged\":true", "\"resourcesListChanged\":true" };
	const struct kept *k = session_kept(l->between.s);
	struct span uri = kept_watched(k, 0);
	bool good = buf_addc(b, '{'), any = uri.p;
	size_t n = 0;

	for (size_t i = 0; i < 3 && good; i++)
		if (l->lists[i])
			good = (!n++ || buf_addc(b, ',')) && buf_adds(b, members[i]);
	if (any)
		good = good && (!n || buf_addc(b, ',')) &&
		       buf_adds(b, "\"resourceSubscriptions\":[");
	for (size_t i = 0; uri.p && good; uri = kept_watched(k, ++i))
		good = (!i || buf_addc(b, ',')) && buf_add(b, uri.p, uri.n);
	return good && (!any || buf_addc(b, ']')) && buf_addc(b, '}');
}

static struct span uri_of(const struct outgoing *p)
{
	return walk_get(outgoing_message(p)->params, "uri", NULL);
}

static bool lists(struct span list, struct span uri)
{
	struct walk_item it;
	struct walk w;
	struct buf text;
	bool found = false;

	buf_init(&text, MESSAGE_MAX);
	if (walk_string(uri, &text) && walk_open(&w, list))
		while (!found && walk_next(&w, &it))
			found = walk_string_is(it.value, buf_str(&text));
	buf_free(&text);
	return found;
}

/* Whoever waits to watch something is told how that went. honoured: the list that the server
 * acknowledged; {NULL} with why when it refused. What is refused is not watched. */
static void answer_waiting(struct legacy_client *l, struct span honoured, const struct err *why)
{
	while (l->waiting) {
		struct outgoing *p = l->waiting->p;
		struct span uri = uri_of(p);
		bool found = !why && lists(honoured, uri);

		if (!found)
			(void)kept_unwatch(session_kept(l->between.s), uri);
		if (why)
			owed_fail(owed_request(p), why, NULL);
		else if (found)
			owed_empty(owed_request(p));
		else
			owed_invalid(owed_request(p), -32602,
				"the server does not report changes of this resource");
		outgoing_drop(p); /* takes it off the list */
	}
}

static void acknowledged(struct legacy_client *l, const struct message *m)
{
	struct outgoing *old = l->stream;

	l->stream = l->next_stream;
	l->next_stream = NULL;
	l->pause_ms = PAUSE_MIN_MS;
	l->streamed = true;
	if (old)
		outgoing_drop(old);
	answer_waiting(l,
		walk_path(m->params, "notifications", "resourceSubscriptions", (char *)NULL), NULL);
}

/* A stream is over: again after a while, unless the server will have none of it. */
static void stream_over(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct legacy_client *l = legacy_of(p);
	bool refused = m && m->error.p;
	bool unacknowledged = p == l->next_stream;
	struct err e = { 0 };

	if (p != l->stream && p != l->next_stream)
		return;
	if (refused)
		era_error_words(m->error, &e);
	else if (why)
		e = *why;
	else
		err_set(&e, ERR_SERVER, "the server ended its stream");
	diag_debug("subscription: %s", e.msg);
	if (p == l->stream)
		l->stream = NULL;
	else
		l->next_stream = NULL;
	if (unacknowledged)
		answer_waiting(l, (struct span){ 0 }, &e);
	/* Once it worked, a refusal is a moment's. */
	if (l->stream || l->next_stream ||
		(!l->streamed && (refused || e.kind == ERR_NOT_FOUND || e.kind == ERR_PROTO)))
		return;
	loop_timer_set(&l->timer, l->pause_ms);
	l->pause_ms = l->pause_ms * 2 < PAUSE_MAX_MS ? l->pause_ms * 2 : PAUSE_MAX_MS;
}

static bool wants_stream(const struct legacy_client *l)
{
	struct session *s = l->between.s;

	return translator_is_used(&l->between) && handshake_is_greeted(s) && session_hears(s) &&
	       (l->lists[0] || l->lists[1] || l->lists[2] || kept_watched(session_kept(s), 0).p);
}

/* With the filter as it is now; the one before goes on until this one is acknowledged. */
void legacy_subscriptions_open(struct legacy_client *l)
{
	struct session *s = l->between.s;
	struct outgoing *old = l->next_stream, *p;
	struct err e = { 0 };
	struct buf b;

	loop_timer_clear(&l->timer);
	l->next_stream = NULL;
	if (old)
		outgoing_drop(old);
	if (session_input_ended(s))
		return;
	if (!wants_stream(l)) {
		old = l->stream;
		l->stream = NULL;
		if (old)
			outgoing_drop(old);
		return;
	}
	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(s, &b) &&
		buf_adds(&b, ",\"method\":\"subscriptions/listen\",\"params\":{\"_meta\":{") &&
		buf_add(&b, l->meta.p, l->meta.len) && buf_adds(&b, "},\"notifications\":") &&
		add_filter(l, &b) && buf_adds(&b, "}}")) {
		p = l->next_stream = outgoing_ask(s, &b, stream_over);
		outgoing_set_between(p, &l->between);
		outgoing_set_endless(p);
		outgoing_start(p);
	} else {
		err_set(&e, ERR_LIMIT, "out of memory: close other programs, then try again");
		answer_waiting(l, (struct span){ 0 }, &e);
	}
	buf_free(&b);
}

enum taken legacy_subscriptions_notified(
	struct between *b, struct incoming *in, struct outgoing *from, const struct message *m)
{
	struct legacy_client *l = (struct legacy_client *)b;
	bool opening = from && from == l->next_stream;

	(void)in;
	if (session_era(b->s) != ERA_MODERN)
		return NOT_TAKEN;
	if (m->method == METHOD_NOTICE_SUBSCRIPTIONS_ACKNOWLEDGED) {
		if (opening)
			acknowledged(l, m);
		return TAKEN;
	}
	/* A stream that is not acknowledged, and the end of one: nothing that a client knows. */
	return opening || m->method == METHOD_NOTICE_CANCELLED ? TAKEN : NOT_TAKEN;
}

void legacy_subscriptions_add(struct legacy_client *l, struct outgoing *p, struct span uri)
{
	struct session *s = l->between.s;
	struct waiting *w;
	struct err e = { 0 };

	if (!legacy_anybody(s, &e)) {
		owed_fail_all(p, &e, NULL);
		outgoing_free(p);
		return;
	}
	if (walk_type(uri) != WALK_STRING || !kept_watch(session_kept(s), uri)) {
		owed_invalid(owed_request(p), -32602,
			walk_type(uri) == WALK_STRING ? "too many resources are watched already"
						      : "\"uri\" must be a string");
		outgoing_free(p);
		return;
	}
	queue_park(p);
	w = mem_new(sizeof(*w));
	*w = (struct waiting){ p, l->waiting };
	l->waiting = w;
	handshake_greet(s);
	legacy_subscriptions_open(l);
}

/* They asked to watch it and the server has not said yet whether they may: nobody will, now. */
static void forget_waiting(struct legacy_client *l, struct span uri)
{
	struct waiting *w = l->waiting;

	while (w) {
		struct outgoing *p = w->p;
		struct span own = uri_of(p);

		w = w->next;
		if (own.n != uri.n || memcmp(own.p, uri.p, uri.n) != 0)
			continue;
		owed_empty(owed_request(p));
		outgoing_drop(p); /* takes it off the list */
	}
}

void legacy_subscriptions_remove(struct legacy_client *l, struct outgoing *p, struct span uri)
{
	owed_empty(owed_request(p));
	if (!kept_unwatch(session_kept(l->between.s), uri)) {
		outgoing_free(p);
		return;
	}
	forget_waiting(l, uri);
	outgoing_free(p); /* uri lies in its body */
	legacy_subscriptions_open(l);
}

void legacy_subscriptions_end(struct legacy_client *l, const struct err *why)
{
	loop_timer_clear(&l->timer);
	answer_waiting(l, (struct span){ 0 }, why);
}

static void drop(struct outgoing **stream)
{
	struct outgoing *p = *stream;

	*stream = NULL;
	if (p)
		outgoing_drop(p);
}

void legacy_subscriptions_leave(struct legacy_client *l)
{
	loop_timer_clear(&l->timer);
	drop(&l->next_stream);
	drop(&l->stream);
	l->streamed = false;
	l->pause_ms = PAUSE_MIN_MS;
	while (l->waiting) {
		struct waiting *w = l->waiting;

		l->waiting = w->next;
		queue_add(w->p, false);
		free(w);
	}
}
