/*
 * What the client has set in its session: the log level, resources that it
 * subscribed to. It knows of one session and one server; the next ones, which
 * come behind its back, are told the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/session/session_impl.h"
#include "mcp/json/walk.h"

/* More than a client watches. */
#define WATCHED_MAX 1024

bool kept_is_set_by(const struct message *m)
{
	return m->method == METHOD_LOGGING_SET_LEVEL || m->method == METHOD_RESOURCES_SUBSCRIBE ||
	       m->method == METHOD_RESOURCES_UNSUBSCRIBE;
}

void kept_set_level(struct kept *k, struct span level)
{
	free(k->level);
	k->level = level.p ? mem_ndup(level.p, level.n) : NULL;
}

static size_t find(const struct kept *k, struct span uri)
{
	size_t i = 0;

	while (i < k->nwatched &&
		(strlen(k->watched[i]) != uri.n || memcmp(k->watched[i], uri.p, uri.n) != 0))
		i++;
	return i;
}

bool kept_watch(struct kept *k, struct span uri)
{
	if (find(k, uri) < k->nwatched)
		return true;
	if (k->nwatched == WATCHED_MAX)
		return false;
	k->watched = mem_grow(k->watched, k->nwatched + 1, sizeof(char *));
	k->watched[k->nwatched++] = mem_ndup(uri.p, uri.n);
	return true;
}

bool kept_unwatch(struct kept *k, struct span uri)
{
	size_t i = find(k, uri);

	if (i == k->nwatched)
		return false;
	free(k->watched[i]);
	k->watched[i] = k->watched[--k->nwatched];
	return true;
}

void kept_note(struct session *s, struct outgoing *p)
{
	struct kept *k = &s->client.kept;
	struct span level, uri;
	const struct message *m = &p->message;

	level = walk_get(m->params, "level", NULL);
	uri = walk_get(m->params, "uri", NULL);
	if (m->method == METHOD_LOGGING_SET_LEVEL) {
		kept_set_level(k, level);
	} else if (walk_type(uri) == WALK_STRING) {
		(void)kept_unwatch(k, uri);
		if (m->method == METHOD_RESOURCES_SUBSCRIBE)
			(void)!kept_watch(k, uri);
	}
}

static void restored(struct outgoing *p, const struct message *m, const struct err *why)
{
	(void)p;
	if (why || m->error.p)
		diag_debug("something that the client had set is lost with its session");
}

static void ask(struct session *s, const char *method, const char *member, const char *value)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(s, &b) &&
		buf_addf(&b, ",\"method\":\"%s\",\"params\":{\"%s\":", method, member) &&
		buf_adds(&b, value) && buf_adds(&b, "}}"))
		outgoing_start(outgoing_ask(s, &b, restored));
	buf_free(&b);
}

void kept_restore(struct session *s)
{
	if (s->client.kept.level)
		ask(s, "logging/setLevel", "level", s->client.kept.level);
	for (size_t i = 0; i < s->client.kept.nwatched; i++)
		ask(s, "resources/subscribe", "uri", s->client.kept.watched[i]);
}

void kept_clear(struct kept *k)
{
	free(k->level);
	for (size_t i = 0; i < k->nwatched; i++)
		free(k->watched[i]);
	free(k->watched);
	*k = (struct kept){ 0 };
}

static struct span raw(const char *text)
{
	return text ? (struct span){ text, strlen(text) } : (struct span){ 0 };
}

struct span kept_level(const struct kept *k)
{
	return raw(k->level);
}

struct span kept_watched(const struct kept *k, size_t i)
{
	return raw(i < k->nwatched ? k->watched[i] : NULL);
}
