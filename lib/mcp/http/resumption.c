/*
 * A stream that broke off before its answer came (MCP 2025-11-25, Sending
 * Messages 6, and Resumability): after a rest it is taken up again by GET,
 * behind the last event.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

/* Pause before a broken stream is taken up again when the server named none. */
#define RESUME_DEFAULT_MS 1000
/* Attempts in a row that bring no event. A server that closes and lets the client poll (MCP
 * 2025-11-25, Sending Messages 6) may take a while; half an hour of silence is no answer. */
#define RESUME_TRIES 5
#define RESUME_PATIENCE_MS ((int64_t)30 * 60 * 1000)

/* Polls that follow the server's own pace, however fast; then there is a least pause, which doubles while
 * nothing new comes. Requests are counted by the service. */
#define RESUME_POLLS 3
#define RESUME_SLOW_MS 250

static void set_resuming(struct exchange *x, bool on)
{
	if (on == x->resumption.counted)
		return;
	x->resumption.counted = on;
	if (on) {
		x->t->exchanges.resuming++;
		return;
	}
	x->t->exchanges.resuming--;
	if (!x->t->exchanges.resuming)
		get_stream_kick(x->t->get.stream);
}

bool resumption_may(const struct exchange *x)
{
	return x->c.resumable && x->kind->names_session && x->answer.sse && !x->lingering &&
	       *sse_last_id(x->answer.sse);
}

static void rest_before_resuming(struct exchange *x)
{
	int64_t ms = sse_retry_ms(x->answer.sse);

	if (ms < 0)
		ms = RESUME_DEFAULT_MS;
	if (x->resumption.count++ >= RESUME_POLLS) {
		unsigned doublings = x->resumption.empty > RESUME_POLLS
					     ? x->resumption.empty - RESUME_POLLS - 1
					     : 0;
		int64_t slow = (int64_t)RESUME_SLOW_MS << (doublings < 8 ? doublings : 8);

		ms = ms > slow ? ms : slow;
	}
	if (ms > RESUME_PATIENCE_MS)
		ms = RESUME_PATIENCE_MS;
	x->step = STEP_REST;
	set_resuming(x, true);
	loop_timer_set(&x->timer, ms);
}

void resumption_or_end(struct exchange *x, const struct err *why)
{
	bool failed_again = why && x->resumption.on && x->answer.content != CONTENT_EVENTS;

	x->resumption.failed = failed_again ? x->resumption.failed + 1 : 0;
	if (x->resumption.on)
		x->resumption.empty++;
	if (resumption_may(x) && x->resumption.failed < RESUME_TRIES &&
		clock_ms() - x->resumption.silent_since_ms < RESUME_PATIENCE_MS) {
		rest_before_resuming(x);
		return;
	}
	if (!why) {
		exchange_end_well(x, EXCHANGE_ANSWERED);
		return;
	}
	x->e = *why;
	exchange_end_failed(x, -1);
}

void resumption_due(struct exchange *x)
{
	x->resumption.on = true;
	set_resuming(x, false);
	exchange_send(x);
}

bool resumption_request(struct exchange *x, struct http_call *c)
{
	const char *last = sse_last_id(x->answer.sse);

	c->method = "GET";
	free(x->resumption.from);
	x->resumption.from = mem_dup(last);
	return http_fields_add(&c->own, "Last-Event-ID", last, &x->e);
}

void resumption_note(struct exchange *x, const struct sse_event *ev)
{
	struct resumption *r = &x->resumption;

	r->heard = true;
	/* A server that begins again where it was brings nothing new. */
	if (!r->from || strcmp(ev->id, r->from) != 0)
		r->empty = 0;
}

void resumption_heard(struct exchange *x)
{
	if (x->resumption.heard)
		x->resumption.silent_since_ms = clock_ms(); /* once for all of them */
	x->resumption.heard = false;
}

void resumption_uncount(struct exchange *x)
{
	set_resuming(x, false);
}
