#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/session/session_impl.h"
#include "mcp/json/walk.h"

static void check_pressure(struct session *s)
{
	if (lines_out_full(s->out))
		transport_hold(s->transport, true);
}

static bool said(struct session *s, bool good)
{
	if (!good)
		diag_note("out of memory: a message to the client is lost");
	check_pressure(s);
	return good;
}

/* All that comes from the server is in the memory of one event or body: large ones change hands. */
static bool take(struct incoming *in, struct span m, struct buf *whole)
{
	buf_init(whole, MESSAGE_MAX);
	in->n = (size_t)(m.p - in->p) + m.n;
	return incoming_take(in, whole);
}

bool to_client_span(struct session *s, struct incoming *in, struct span m)
{
	struct lines_part part = { m.p, m.n };
	struct buf whole;
	bool good;

	/* Small ones are gathered into one write. */
	if (m.n < LINES_OUT_LOW)
		return said(s, lines_out_addv(s->out, &part, 1));
	good = take(in, m, &whole) && lines_out_take(s->out, &whole);
	buf_free(&whole);
	return said(s, good);
}

/* The pieces up to the last change are copied, what stands behind it goes on as it lies there. */
static bool take_edited(struct session *s, struct incoming *in, struct span m,
	const struct lines_part *parts, size_t n)
{
	size_t from = (size_t)(parts[n - 1].p - in->p);
	struct buf head, whole;
	bool good = true;

	buf_init(&head, MESSAGE_MAX);
	buf_init(&whole, MESSAGE_MAX);
	for (size_t i = 0; good && i + 1 < n; i++)
		good = buf_add(&head, parts[i].p, parts[i].n);
	good = good && take(in, m, &whole) && lines_out_take_behind(s->out, &head, &whole, from);
	buf_free(&head);
	buf_free(&whole);
	return good;
}

bool to_client_edited(struct session *s, struct incoming *in, struct span m, const struct edits *e)
{
	struct lines_part parts[EDIT_PARTS];
	struct span spans[EDIT_PARTS];
	size_t n = edit_parts(e, m, spans);

	if (n == 1)
		return to_client_span(s, in, m);
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct lines_part){ spans[i].p, spans[i].n };
	if (n && m.n >= LINES_OUT_LOW)
		return said(s, take_edited(s, in, m, parts, n));
	return said(s, n && lines_out_addv(s->out, parts, n));
}

bool to_client_text(struct session *s, const struct buf *m)
{
	return said(s, lines_out_add(s->out, buf_str(m), m->len));
}

/* An answer of the bridge's own to what came in. It cannot be held back at the server; if nobody
 * reads, there must be an end to what comes in. Without memory for it nobody could be answered. */
static void said_own(struct session *s, size_t n, bool good)
{
	if (!good)
		mem_exhausted();
	s->client.arriving = (struct span){ 0 };
	s->queue.own_answers = lines_out_full(s->out) ? s->queue.own_answers + n : 0;
	said(s, good);
	queue_check_input(s);
}

void to_client_error(
	struct session *s, struct span id, const struct err *e, const struct error_reply_data *d)
{
	struct buf b;
	bool good;

	buf_init(&b, MESSAGE_MAX);
	good = error_reply(&b, id, e, d) && lines_out_add(s->out, b.p, b.len);
	call_log_ends(
		s->call_log, id, e->kind == ERR_POLICY ? CALL_LOG_BLOCKED : CALL_LOG_FAILED, b.len);
	said_own(s, b.len, good);
	buf_free(&b);
}

void to_client_invalid(struct session *s, struct span id, long code, const char *why)
{
	struct buf b;
	bool good;

	buf_init(&b, MESSAGE_MAX);
	good = message_error(&b, id, code, why, NULL) && lines_out_add(s->out, b.p, b.len);
	said_own(s, b.len, good);
	buf_free(&b);
}

void to_client_empty(struct session *s, struct span id)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":", tail[] = ",\"result\":{}}";
	struct lines_part parts[] = { { head, sizeof(head) - 1 }, { id.p, id.n },
		{ tail, sizeof(tail) - 1 } };

	said_own(s, id.n + sizeof(head) + sizeof(tail), lines_out_addv(s->out, parts, 3));
}

/* ---- last words ---- */

#define LAST_WORDS_MS 1000

static void say_last(void *ctx, struct span id)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
	struct session *s = ctx;
	char tail[160];
	int n = snprintf(tail, sizeof(tail),
		",\"error\":{\"code\":%d,\"message\":\"mpmcp ended because there is no memory "
		"left: "
		"close other programs, then start it again\"}}\n",
		ERROR_REPLY_LOCAL);
	struct lines_part parts[] = { { head, sizeof(head) - 1 }, { id.p, id.n },
		{ tail, (size_t)n } };

	(void)!lines_out_now(s->out, parts, 3, LAST_WORDS_MS);
}

static void refuse_last(struct session *s, const struct message *m)
{
	struct walk w;
	struct walk_item it;

	if (m->kind == MESSAGE_REQUEST)
		say_last(s, m->id);
	if (m->kind != MESSAGE_BATCH || !walk_open(&w, m->whole))
		return;
	while (walk_next(&w, &it)) {
		struct message e;

		if (message_scan((char *)(uintptr_t)it.value.p, it.value.n, &e, NULL) ==
				MESSAGE_OK &&
			e.kind == MESSAGE_REQUEST)
			say_last(s, e.id);
	}
}

void session_last_line(void *s, char *p, size_t n)
{
	struct message m;

	if (message_scan(p, n, &m, NULL) == MESSAGE_OK)
		refuse_last(s, &m);
}

void session_last_words(struct session *s, struct lines_in *in)
{
	if (s->client.arriving.p)
		say_last(s, s->client.arriving);
	pending_each(&s->calls, say_last, s);
	if (in)
		lines_in_rest(in, session_last_line, s);
}
