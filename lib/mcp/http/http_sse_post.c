/*
 * A message in HTTP+SSE: what is different from Streamable HTTP. It waits for
 * the channel, its answer comes there, and it ends with it.
 */
#include <stdint.h>

#include "base/diag.h"
#include "mcp/http/exchange_impl.h"

/* The answer came on the stream, yet the POST is still to be acknowledged. That costs the
 * request nothing, but a connection here. */
#define ACKNOWLEDGE_MS 5000

void awaited_read(struct exchange *x)
{
	const struct message *m = x->c.message;

	x->awaited.due = !x->c.one_way && (m->kind == MESSAGE_REQUEST || m->kind == MESSAGE_BATCH);
	if (m->kind != MESSAGE_REQUEST)
		return;
	x->awaited.id = m->id;
	x->awaited.initialize = m->method == METHOD_INITIALIZE;
}

/* The session ended with its stream. */
static void end_lost(struct exchange *x)
{
	err_set(&x->e, ERR_NET, "the server ended the event stream, and the session with it");
	exchange_end_soon(
		x, &(struct exchange_end){ .outcome = EXCHANGE_SESSION_LOST, .retry_after_s = -1 });
}

static void set_awaiting(struct exchange *x, bool on)
{
	if (on == x->awaited.counted)
		return;
	x->awaited.counted = on;
	http_sse_await(x->t, on);
}

void awaited_uncount(struct exchange *x)
{
	set_awaiting(x, false);
}

/* Without a stream, one is opened, or the exchange ends. */
static bool ready(struct exchange *x)
{
	if (x->t->channel.endpoint)
		return true;
	if (!x->c.fresh && x->t->headers.session) {
		end_lost(x);
	} else if (x->c.quiet) {
		err_set(&x->e, ERR_NET, "no event stream is open");
		exchange_end_soon(x,
			&(struct exchange_end){ .outcome = EXCHANGE_FAILED, .retry_after_s = -1 });
	} else {
		x->step = STEP_CHANNEL;
		http_sse_open(x->t);
	}
	return false;
}

static char **endpoint(struct exchange *x)
{
	return &x->t->channel.endpoint;
}

static bool event(struct exchange *x, struct sse_event *ev)
{
	struct incoming in = { .p = ev->data, .n = ev->len, .sse = x->answer.sse, .event = ev };

	if (ev->message)
		answer_deliver(x, &in);
	return true;
}

static bool takes_json(const struct exchange *x)
{
	(void)x;
	return true;
}

static void taken(struct exchange *x)
{
	if (!x->awaited.due) {
		exchange_end_well(x, EXCHANGE_ACCEPTED);
		return;
	}
	x->step = STEP_ANSWER;
	set_awaiting(x, true);
}

/* Its answer came: nothing else is waited for but the acknowledgement of the POST. */
static void came(struct exchange *x)
{
	if (!x->awaited.due)
		return;
	x->awaited.due = false;
	if (x->step == STEP_SENT) {
		x->lingering = true;
		loop_timer_set(&x->timer, ACKNOWLEDGE_MS);
	} else if (x->step != STEP_END) {
		exchange_end_soon(x, &(struct exchange_end){ .outcome = EXCHANGE_ANSWERED,
					     .status = x->answer.status,
					     .stream = true,
					     .retry_after_s = -1 });
	}
}

/* What came back for the POST is the answer itself. */
static bool is_message(struct exchange *x)
{
	const struct message *m = answer_said(x);

	return m && m->kind == MESSAGE_RESPONSE && x->awaited.id.p && m->id.p &&
	       message_id_equal(m->id, x->awaited.id);
}

static const char *session(const struct exchange *x)
{
	return x->t->channel.name;
}

const struct exchange_kind http_sse_post = {
	.begin = awaited_read,
	.ready = ready,
	.target = endpoint,
	.request = http_post_request,
	.event = event,
	.takes_json = takes_json,
	.is_message = is_message,
	.any_body = true, /* "Accepted", say */
	.taken = taken,
	.linger = came,
	.ended = http_post_ended,
	.session = session,
};

/* ---- the way to it ---- */

void awaited_fall_back(struct exchange *x)
{
	diag_debug(
		"initialize was refused (HTTP %ld): is it an HTTP+SSE server?", x->answer.status);
	x->awaited.fallback = true;
	x->step = STEP_CHANNEL;
	http_sse_open(x->t);
}

/* ---- for the channel ---- */

static bool waits_for_channel(const struct exchange *x)
{
	return x->step == STEP_CHANNEL && !x->dead;
}

static struct exchange *find_awaiting(const struct transport *t, struct span id)
{
	struct exchange *x = t->exchanges.first;

	while (x && !(x->awaited.due && !x->dead && x->awaited.id.p &&
			    message_id_equal(x->awaited.id, id)))
		x = x->next;
	return x;
}

void exchanges_deliver(struct transport *t, struct incoming *in)
{
	struct exchange *x = NULL;

	if (incoming_read(in) == MESSAGE_OK && in->message.kind == MESSAGE_RESPONSE &&
		in->message.id.p)
		x = find_awaiting(t, in->message.id);
	in->from = x;
	if (!x) {
		t->on->message(t->ctx, in);
		return;
	}
	exchange_enter(x);
	t->on->message(t->ctx, in);
	if (!x->dead)
		came(x);
	exchange_leave(x);
}

void exchanges_opened(struct transport *t)
{
	for (struct exchange *x = t->exchanges.first, *next; x; x = next) {
		next = x->next;
		if (!waits_for_channel(x))
			continue;
		x->awaited.fallback = false;
		exchange_send(x);
	}
}

void exchanges_refused(struct transport *t, const struct exchange_end *end)
{
	for (struct exchange *x = t->exchanges.first, *next; x; x = next) {
		next = x->next;
		if (!waits_for_channel(x))
			continue;
		if (t->posts != x->kind && !x->awaited.fallback) {
			exchange_send(x);
			continue;
		}
		if (x->awaited.fallback) {
			exchange_end_soon(x, &(struct exchange_end){ .outcome = EXCHANGE_REFUSED,
						     .status = x->answer.status,
						     .retry_after_s = end->retry_after_s,
						     .body = &x->answer.body,
						     .said = answer_said(x) });
		} else {
			x->e = *end->e;
			exchange_end_soon(x, &(struct exchange_end){ .outcome = end->outcome,
						     .status = end->status,
						     .retry_after_s = end->retry_after_s });
		}
	}
}

void exchanges_lost(struct transport *t, const struct err *why)
{
	for (struct exchange *x = t->exchanges.first; x; x = x->next) {
		bool due = x->step == STEP_ANSWER || (x->step == STEP_SENT && x->awaited.due);

		if (!due || x->dead)
			continue;
		http_cancel(x->request.req);
		x->request.req = NULL;
		x->e = *why;
		exchange_end_soon(x,
			&(struct exchange_end){
				.outcome = EXCHANGE_FAILED, .stream = true, .retry_after_s = -1 });
	}
}
