/*
 * What a legacy client has set in its session with a legacy server: the log
 * level, resources that it subscribed to. The client knows of one session; the
 * next one, opened behind its back, is told the same.
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
	return message_method_is(m, "logging/setLevel") ||
	       message_method_is(m, "resources/subscribe") ||
	       message_method_is(m, "resources/unsubscribe");
}

static void watch(struct kept *k, struct span uri)
{
	if (k->nwatched == WATCHED_MAX)
		return;
	k->watched = mem_grow(k->watched, k->nwatched + 1, sizeof(char *));
	k->watched[k->nwatched++] = mem_ndup(uri.p, uri.n);
}

/* True when it was there. */
static bool unwatch(struct kept *k, struct span uri)
{
	for (size_t i = 0; i < k->nwatched; i++) {
		if (strlen(k->watched[i]) != uri.n || memcmp(k->watched[i], uri.p, uri.n) != 0)
			continue;
		free(k->watched[i]);
		k->watched[i] = k->watched[--k->nwatched];
		return true;
	}
	return false;
}

void kept_note(struct session *s, struct post *p)
{
	struct kept *k = &s->kept;
	struct span level, uri;
	struct message m;

	if (!post_message(p, &m))
		return;
	level = walk_get(m.params, "level", NULL);
	uri = walk_get(m.params, "uri", NULL);
	if (message_method_is(&m, "logging/setLevel")) {
		free(k->level);
		k->level = level.p ? mem_ndup(level.p, level.n) : NULL;
	} else if (walk_type(uri) == WALK_STRING) {
		(void)unwatch(k, uri);
		if (message_method_is(&m, "resources/subscribe"))
			watch(k, uri);
	}
}

static void restored(struct post *p, const struct message *m, const struct err *why)
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
		post_start(session_ask(s, &b, ERA_LEGACY, restored));
	buf_free(&b);
}

void kept_restore(struct session *s)
{
	if (s->kept.level)
		ask(s, "logging/setLevel", "level", s->kept.level);
	for (size_t i = 0; i < s->kept.nwatched; i++)
		ask(s, "resources/subscribe", "uri", s->kept.watched[i]);
}

void kept_clear(struct kept *k)
{
	free(k->level);
	for (size_t i = 0; i < k->nwatched; i++)
		free(k->watched[i]);
	free(k->watched);
	*k = (struct kept){ 0 };
}
