#include "mcp/keepalive.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/json/message.h"
#include "mcp/json/walk.h"

struct keepalive {
	const struct transport_events *on;
	void *ctx;
	struct transport *t;
	int64_t interval_ms;
	struct loop_timer timer;
	uint64_t secret; /* in the ids: no client's id is the same */
	unsigned long count;
	struct exchange *ping; /* under way; NULL: none */
	char id[64];
	struct message message; /* of the last one */
};

static void send_ping(struct keepalive *k)
{
	struct exchange_call c = { .quiet = true, .message = &k->message };
	struct buf body;

	snprintf(k->id, sizeof(k->id), "\"mpmcp-ping-%016" PRIx64 "-%lu\"", k->secret, ++k->count);
	buf_init(&body, MESSAGE_MAX);
	if (!buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", k->id) ||
		!message_read(&k->message, &body))
		return;
	k->ping = transport_post(k->t, &c);
}

static void due(void *ctx)
{
	struct keepalive *k = ctx;
	int64_t idle = transport_idle_ms(k->t), next = k->interval_ms;

	if (idle < k->interval_ms)
		next -= idle;
	else if (!k->ping && transport_version(k->t))
		send_ping(k);
	loop_timer_set(&k->timer, next);
}

struct keepalive *keepalive_new(
	struct loop *l, int64_t interval_ms, const struct transport_events *on, void *ctx)
{
	struct keepalive *k = mem_new(sizeof(*k));

	k->on = on;
	k->ctx = ctx;
	k->interval_ms = interval_ms;
	crypt_random((unsigned char *)&k->secret, sizeof(k->secret));
	loop_timer_init(&k->timer, l, due, k);
	return k;
}

void keepalive_start(struct keepalive *k, struct transport *t)
{
	k->t = t;
	loop_timer_set(&k->timer, k->interval_ms);
}

void keepalive_stop(struct keepalive *k)
{
	if (!k)
		return;
	loop_timer_clear(&k->timer);
	exchange_cancel(k->ping);
	k->ping = NULL;
}

void keepalive_free(struct keepalive *k)
{
	if (!k)
		return;
	loop_timer_clear(&k->timer);
	message_free(&k->message);
	free(k);
}

/* An error without an id can only mean the ping, too. */
static bool is_answer(const struct keepalive *k, struct incoming *in)
{
	struct span id = { k->id, strlen(k->id) };
	const struct message *m = &in->message;

	return incoming_read(in) == MESSAGE_OK && m->kind == MESSAGE_RESPONSE &&
	       (!m->id.p || walk_type(m->id) == WALK_NULL || message_id_equal(m->id, id));
}

static void on_message(void *ctx, struct incoming *in)
{
	struct keepalive *k = ctx;

	if (in->from && in->from == k->ping) {
		if (is_answer(k, in)) {
			exchange_linger(k->ping);
			return;
		}
		/* Something else that the server says on the stream of its answer. */
		in->from = NULL;
	}
	k->on->message(k->ctx, in);
}

static void on_ended(void *ctx, struct exchange *x, const struct exchange_end *end)
{
	struct keepalive *k = ctx;

	if (x != k->ping) {
		k->on->ended(k->ctx, x, end);
		return;
	}
	k->ping = NULL;
	if (!exchange_succeeded(end))
		diag_debug("keep-alive: the ping failed: %s", end->e->msg);
}

static void on_session_lost(void *ctx, const char *id)
{
	struct keepalive *k = ctx;

	k->on->session_lost(k->ctx, id);
}

static bool on_repeats(void *ctx, struct exchange *x)
{
	struct keepalive *k = ctx;

	return x != k->ping && k->on->repeats(k->ctx, x);
}

const struct transport_events keepalive_events = { on_message, on_ended, on_session_lost,
	on_repeats };
