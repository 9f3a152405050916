#include "mcp/http/transport.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/json/message.h"
#include "mcp/http/exchange_impl.h"

/* Pauses before the stream is opened again. Requests are counted by the service, so a server that
 * keeps closing is asked ever more rarely. */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 300000

/* A stream that lived this long was a working one: the next pause is short again. */
#define HEALTHY_MS 60000

/* Openings in a row that failed, of a server that never had a stream: then it has none. A refusal says
 * more than a failure. */
#define FAILURES_MAX 6
#define FAILURES_OF_REFUSAL 2

struct stream {
	struct transport *t;
	struct http_req *req;
	struct fieldset *fields;
	struct sse *sse;
	struct loop_timer timer;
	struct loop_task opening; /* at the end of the round */
	int64_t pause_ms, opened_ms;
	unsigned failures;
	size_t discarded;   /* bytes of an answer that is no event stream */
	char *resumed_from; /* the event id that it was opened behind; NULL: none */
	bool wanted;
	bool events;  /* the answer is an event stream */
	bool opened;  /* it was one before, in this session */
	bool lost;    /* the server has forgotten the session */
	bool refused; /* the answer is no failure of the server, nor a matter of credentials */
	bool due;     /* to be opened as soon as no exchange is about to resume */
	bool spare;   /* the last one ended in order: it left a connection that is free */
	bool busy, dead;
};

static void get_stream_open(struct stream *s);

static bool on_event(void *ctx, struct sse_event *ev)
{
	struct stream *s = ctx;
	struct incoming in = { .p = ev->data, .n = ev->len, .sse = s->sse, .event = ev };

	/* A server that begins again where it was brings nothing new. */
	if (!s->resumed_from || strcmp(ev->id, s->resumed_from) != 0)
		s->pause_ms = PAUSE_MIN_MS;
	s->failures = 0;
	if (ev->message)
		s->t->on->message(s->t->ctx, &in);
	return !s->dead && s->wanted;
}

/* Listening for Messages: 405 says that there is no stream, so does 501. All else may look different next
 * time. */
static void refused(struct stream *s, long status)
{
	s->t->get.none = status == 405 || status == 501;
	s->refused = status != 401 && status != 408 && status != 429 && status < 500;
	if (!s->refused || !s->opened)
		return;
	s->lost = status == 404 && s->t->headers.session;
	if (!s->lost && *sse_last_id(s->sse)) {
		/* It may be the place in the stream that the server does not know any more. */
		transport_parser_free(s->t, s->sse);
		s->sse = transport_parser(s->t, on_event, s);
	}
}

static enum http_flow on_head(void *ctx, struct http_req *r, long status)
{
	struct stream *s = ctx;

	s->events = status == 200 && transport_media(r) == MEDIA_EVENTS;
	if (s->events) {
		s->opened = s->t->get.seen = true;
		s->opened_ms = clock_ms();
		return HTTP_GO;
	}
	refused(s, status);
	diag_debug("no GET stream: HTTP %ld", status);
	http_set_endless(r, false);
	/* Reading a short body to its end keeps the connection; without a length it might never end. */
	return http_answer_field(r, "Content-Length", 0) ? HTTP_GO : HTTP_STOP;
}

static enum http_flow on_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	struct stream *s = ctx;
	enum sse_status st;

	(void)r;
	if (!s->events)
		return (s->discarded += n) > DISCARD_MAX ? HTTP_STOP : HTTP_GO;
	s->busy = true;
	st = sse_feed(s->sse, p, n);
	s->busy = false;
	if (s->dead) {
		get_stream_free(s);
		return HTTP_STOP;
	}
	if (st != SSE_TOO_LONG)
		return HTTP_GO;
	if (s->t->buffered.refused) {
		/* Others' answers are in the way, for the moment: it is opened again. */
		s->t->buffered.refused = false;
		diag_note("a message of the server's GET stream is lost: the responses that arrive "
			  "now are too long");
		transport_parser_free(s->t, s->sse);
		s->sse = transport_parser(s->t, on_event, s);
		return HTTP_STOP;
	}
	diag_note("the server's GET stream sent a message longer than %zu MiB: closed",
		MESSAGE_MAX >> 20);
	s->t->get.none = true;
	return HTTP_STOP;
}

static void open_later(struct stream *s)
{
	int64_t ms = sse_retry_ms(s->sse);

	if (s->events && clock_ms() - s->opened_ms >= HEALTHY_MS)
		s->pause_ms = PAUSE_MIN_MS;
	if (ms < s->pause_ms)
		ms = s->pause_ms;
	s->pause_ms = s->pause_ms * 2 < PAUSE_MAX_MS ? s->pause_ms * 2 : PAUSE_MAX_MS;
	loop_timer_set(&s->timer, ms);
}

static void failed(struct stream *s, unsigned weight)
{
	s->failures += weight;
	if (!s->t->get.seen && s->failures >= FAILURES_MAX)
		s->wanted = false; /* another session may have one */
}

/* Ends with another session, perhaps, and then s is gone. */
static void tell_lost(struct stream *s)
{
	char *id = mem_dup(s->t->headers.session);

	s->lost = false;
	s->t->on->session_lost(s->t->ctx, id);
	free(id);
}

static void on_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct stream *s = ctx;

	(void)r;
	s->req = NULL;
	s->spare = how == HTTP_DONE;
	fieldset_drop(s->fields);
	s->fields = NULL;
	if (e)
		diag_debug("GET stream: %s", e->msg);
	if (e && e->kind == ERR_LIMIT)
		s->t->get.none = true;
	/* A network that is away, for a night perhaps, comes back; looking costs the service nothing. */
	if (!s->events && how != HTTP_UNREACHABLE && how != HTTP_SILENT)
		failed(s, s->refused ? FAILURES_OF_REFUSAL : 1);
	s->refused = false;
	if (s->wanted && !s->t->get.none)
		open_later(s);
	if (s->lost && s->t->headers.session)
		tell_lost(s);
}

static const struct http_events stream_events = { on_head, on_body, on_done };

static struct http_req *start(struct stream *s, struct err *e)
{
	struct http_call c = { .method = "GET",
		.url = s->t->at.url,
		.shared = s->fields->fields,
		.endless = true,
		/* Or the next request would have to open one, and wait for it. */
		.apart = !s->spare,
		.on = &stream_events,
		.ctx = s };

	free(s->resumed_from);
	s->resumed_from = *sse_last_id(s->sse) ? mem_dup(sse_last_id(s->sse)) : NULL;
	if (s->resumed_from && !http_fields_add(&c.own, "Last-Event-ID", sse_last_id(s->sse), e)) {
		http_fields_free(c.own);
		return NULL;
	}
	return http_start(s->t->http, &c, e);
}

/* Never starts a sign-in: a POST will, when one is needed. */
static void get_stream_open(struct stream *s)
{
	struct auth_value v = { 0 };
	struct err e = { 0 };

	s->due = s->t->exchanges.resuming > 0;
	if (s->due || s->req || !s->wanted || s->t->get.none)
		return;
	sse_reconnect(s->sse);
	s->events = false;
	s->discarded = 0;
	if (auth_value(s->t->auth, &v, NULL, &e) == AUTH_READY)
		s->fields = transport_fields(s->t, FIELDS_GET, &v, &e);
	if (s->fields)
		s->req = start(s, &e);
	if (s->req) {
		request_count_count(s->t->rate);
		return;
	}
	diag_debug("GET stream: %s", e.msg);
	fieldset_drop(s->fields);
	s->fields = NULL;
	failed(s, 1);
	if (s->wanted)
		open_later(s);
}

static void open_now(void *ctx)
{
	get_stream_open(ctx);
}

void get_stream_kick(struct stream *s)
{
	/* Not at once: the resumption that just started goes first. */
	if (s && s->due)
		loop_timer_set(&s->timer, s->pause_ms);
}

void get_stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->busy) {
		s->dead = true;
		return;
	}
	loop_timer_clear(&s->timer);
	loop_task_clear(&s->opening);
	http_cancel(s->req);
	fieldset_drop(s->fields);
	transport_parser_free(s->t, s->sse);
	free(s->resumed_from);
	free(s);
}

void transport_listen(struct transport *t)
{
	struct stream *s = t->get.stream;

	if (t->get.none || !t->posts->names_session)
		return;
	if (!s) {
		s = t->get.stream = mem_new(sizeof(*s));
		s->t = t;
		s->pause_ms = PAUSE_MIN_MS;
		s->sse = transport_parser(t, on_event, s);
		loop_timer_init(&s->timer, t->loop, open_now, s);
		loop_task_init(&s->opening, t->loop, open_now, s);
	}
	s->wanted = true;
	/* After what the client asks for: requests that were held up until now start in this round. */
	if (!s->req && !s->timer.set)
		loop_task_queue(&s->opening);
}

bool transport_hears(const struct transport *t)
{
	const struct stream *s = t->get.stream;

	return s && (s->req || s->opening.queued) && !t->get.none;
}

/* The session is over, and with it the stream and its event ids. */
void transport_unlisten(struct transport *t)
{
	struct stream *s = t->get.stream;

	t->get.stream = NULL;
	get_stream_free(s);
}
