/*
 * What HTTP+SSE makes different for an exchange: it waits for the channel, its
 * answer comes there, and it ends with it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

/* The answer came on the stream, yet the POST is still to be acknowledged. That costs the
 * request nothing, but a connection here. */
#define ACKNOWLEDGE_MS 5000

void awaited_read(struct exchange *x)
{
	struct message m;

	/* Scanned before, so nothing is left in it that the scan would change. */
	if (message_scan((char *)(uintptr_t)x->c.body, x->c.len, &m, NULL) != MESSAGE_OK)
		return;
	x->awaits = !x->c.one_way && (m.kind == MESSAGE_REQUEST || m.kind == MESSAGE_BATCH);
	if (m.kind != MESSAGE_REQUEST)
		return;
	x->id = m.id;
	x->initialize = message_method_is(&m, "initialize");
}

/* The session ended with its stream. */
static void end_lost(struct exchange *x)
{
	err_set(&x->e, ERR_NET, "the server ended the event stream, and the session with it");
	x->end = (struct exchange_end){
		.outcome = EXCHANGE_SESSION_LOST, .retry_after_s = -1, .e = &x->e
	};
	exchange_end_soon(x);
}

void awaited_wait(struct exchange *x)
{
	if (!x->c.fresh && x->t->session) {
		end_lost(x);
	} else if (x->c.quiet) {
		err_set(&x->e, ERR_NET, "no event stream is open");
		x->end = (struct exchange_end){
			.outcome = EXCHANGE_FAILED, .retry_after_s = -1, .e = &x->e
		};
		exchange_end_soon(x);
	} else {
		x->step = STEP_CHANNEL;
		http_sse_open(x->t);
	}
}

void awaited_came(struct exchange *x)
{
	if (!x->awaits)
		return;
	x->awaits = false;
	if (x->step == STEP_SENT) {
		x->lingering = true;
		loop_timer_set(&x->timer, ACKNOWLEDGE_MS);
	} else if (x->step != STEP_END) {
		x->end = (struct exchange_end){ .outcome = EXCHANGE_ANSWERED,
			.status = x->status,
			.stream = true,
			.retry_after_s = -1 };
		exchange_end_soon(x);
	}
}

bool awaited_is(const struct exchange *x)
{
	struct message m;

	return x->body.len && message_scan(x->body.p, x->body.len, &m, NULL) == MESSAGE_OK &&
	       m.kind == MESSAGE_RESPONSE && x->id.p && m.id.p && message_id_equal(m.id, x->id);
}

/* ---- for the channel ---- */

struct exchange *exchange_open_channel(struct transport *t, int64_t pause_ms)
{
	struct exchange_call none = { .fresh = true };
	struct exchange *x = exchange_new(t, &none);

	x->channel = true;
	exchange_pause(x, pause_ms);
	return x;
}

void exchange_heed_silence(struct exchange *x, bool on)
{
	if (x->req)
		http_set_endless(x->req, !on);
}

static struct exchange *find_awaiting(const struct transport *t, struct span id)
{
	struct exchange *x = t->exchanges;

	while (x && !(x->awaits && !x->dead && x->id.p && message_id_equal(x->id, id)))
		x = x->next;
	return x;
}

void exchanges_deliver(struct transport *t, struct incoming *in)
{
	struct message m;
	struct exchange *x = NULL;

	if (message_scan(in->p, in->n, &m, NULL) == MESSAGE_OK && m.kind == MESSAGE_RESPONSE &&
		m.id.p)
		x = find_awaiting(t, m.id);
	in->from = x;
	if (!x) {
		t->on->message(t->ctx, in);
		return;
	}
	exchange_enter(x);
	t->on->message(t->ctx, in);
	if (!x->dead)
		awaited_came(x);
	exchange_leave(x);
}

void exchanges_opened(struct transport *t)
{
	for (struct exchange *x = t->exchanges, *next; x; x = next) {
		next = x->next;
		if (x->step != STEP_CHANNEL || x->channel || x->dead)
			continue;
		x->fallback = false;
		exchange_send(x);
	}
}

void exchanges_refused(struct transport *t, const struct exchange_end *end)
{
	for (struct exchange *x = t->exchanges, *next; x; x = next) {
		next = x->next;
		if (x->step != STEP_CHANNEL || x->channel || x->dead)
			continue;
		if (!t->sse && !x->fallback) {
			exchange_send(x);
			continue;
		}
		x->end = (struct exchange_end){ .outcome = end->outcome,
			.status = end->status,
			.retry_after_s = end->retry_after_s,
			.e = &x->e };
		if (x->fallback) {
			x->end.outcome = EXCHANGE_REFUSED;
			x->end.status = x->status;
			x->end.body = &x->body;
		} else {
			x->e = *end->e;
		}
		exchange_end_soon(x);
	}
}

void exchanges_lost(struct transport *t, const struct err *why)
{
	for (struct exchange *x = t->exchanges; x; x = x->next) {
		bool due = x->step == STEP_ANSWER || (x->step == STEP_SENT && x->awaits);

		if (!due || x->channel || x->dead)
			continue;
		http_cancel(x->req);
		x->req = NULL;
		x->e = *why;
		x->end = (struct exchange_end){
			.outcome = EXCHANGE_FAILED, .stream = true, .retry_after_s = -1, .e = &x->e
		};
		exchange_end_soon(x);
	}
}
