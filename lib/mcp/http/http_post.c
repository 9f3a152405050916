/* A message in Streamable HTTP: what is different from HTTP+SSE. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

static void begin(struct exchange *x)
{
	if (x->t->undecided)
		awaited_read(x);
}

static char **endpoint(struct exchange *x)
{
	return &x->t->at.url;
}

bool http_post_request(struct exchange *x, struct http_call *c, enum fieldset_kind *fields)
{
	*fields = x->c.fresh ? FIELDS_FRESH : FIELDS_POST;
	c->method = "POST";
	c->body = x->c.message->whole.p;
	c->body_len = x->c.message->whole.n;
	c->endless = x->c.endless;
	c->fresh = x->tries.repeated;
	return http_fields_copy(&c->own, x->c.own, &x->e);
}

static bool post_or_resume(struct exchange *x, struct http_call *c, enum fieldset_kind *fields)
{
	if (!x->resumption.on)
		return http_post_request(x, c, fields);
	*fields = FIELDS_GET;
	return resumption_request(x, c);
}

static void accepted(struct exchange *x, struct http_req *r)
{
	const char *id;

	transport_speaks(x->t, &streamable_post);
	if (x->resumption.on)
		return;
	id = http_answer_field(r, "Mcp-Session-Id", 0);
	/* Many servers repeat it with every answer. */
	if (id && !x->c.fresh && x->t->headers.session && strcmp(id, x->t->headers.session) == 0)
		id = NULL;
	free(x->answer.session);
	x->answer.session = id ? mem_dup(id) : NULL;
}

static bool message_event(struct exchange *x, struct sse_event *ev)
{
	struct incoming in = { .p = ev->data, .n = ev->len, .sse = x->answer.sse, .event = ev };

	if (ev->message) {
		resumption_note(x, ev);
		answer_deliver(x, &in);
	}
	return true;
}

static bool takes_json(const struct exchange *x)
{
	return !x->resumption.on;
}

static bool is_message(struct exchange *x)
{
	(void)x;
	return true;
}

static void taken(struct exchange *x)
{
	exchange_end_well(x, EXCHANGE_ACCEPTED);
}

static bool repeats(const struct exchange *x)
{
	return !x->resumption.on && !x->c.endless && !resumption_may(x);
}

/*
 * MCP 2025-11-25, Backwards Compatibility: a server that knows only HTTP+SSE refuses the POST of
 * initialize with 400, 404 or 405. One that explains itself by a JSON-RPC error understood the
 * message, unless POST itself is what it does not know.
 */
static bool falls_back(struct exchange *x)
{
	long status = x->answer.status;

	if (!x->t->undecided || !x->awaited.initialize ||
		(status != 400 && status != 404 && status != 405))
		return false;
	if (answer_error(x) && status != 405)
		return false;
	awaited_fall_back(x);
	return true;
}

void http_post_ended(struct exchange *x)
{
	x->t->on->ended(x->t->ctx, x, &x->end);
}

static const char *session(const struct exchange *x)
{
	return x->answer.session;
}

const struct exchange_kind streamable_post = {
	.names_session = true,
	.begin = begin,
	.target = endpoint,
	.request = post_or_resume,
	.accepted = accepted,
	.event = message_event,
	.takes_json = takes_json,
	.is_message = is_message,
	.taken = taken,
	.repeats = repeats,
	.falls_back = falls_back,
	.linger = answer_linger,
	.ended = http_post_ended,
	.session = session,
};
