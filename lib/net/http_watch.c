#include "net/http_impl.h"

#include <unistd.h>

#include "base/diag.h"

/* How often while there are only streams that may be silent for ever: for the sake of the clocks. */
#define LOOK_IDLE_MS 2000

/* An acknowledgement takes a second where the network is slow. */
#define DOUBTFUL_MS 3000
/* By then a lost segment was sent again half a dozen times. */
#define DEAD_MS 10000

/* Routes come and go in several steps. */
#define SETTLING_MS 200

static bool awaits(const struct http_req *r)
{
	return r->state == REQ_RUNNING && r->sent && !(r->head_done && r->endless);
}

/* Which connections somebody waits for. True when there are any requests. */
static bool note_awaited(struct http *h)
{
	bool any = false;

	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next)
		s->awaited = false;
	for (struct http_req *r = h->reqs.next; r != &h->reqs; r = r->next) {
		struct sock *s = awaits(r) ? http_sock_of(r) : NULL;

		any = any || r->state == REQ_RUNNING;
		if (s)
			s->awaited = true;
	}
	return any;
}

/* ---- the other end is silent ---- */

static int64_t silence_ms(struct sock *s, int64_t now)
{
	int64_t owed = tcp_owed_ms((int)s->fd);

	if (owed < 0)
		s->owed_since_ms = 0;
	else if (!s->owed_since_ms)
		s->owed_since_ms = now;
	if (owed < 0)
		return 0;
	return owed < now - s->owed_since_ms ? owed : now - s->owed_since_ms;
}

static struct sock *find_dead(struct http *h, int64_t now)
{
	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next) {
		int64_t ms = silence_ms(s, now);

		if (ms >= DEAD_MS && !s->broken)
			return s;
		if (ms >= DOUBTFUL_MS)
			http_retire(h, s->pool);
	}
	return NULL;
}

static void find_silent(struct http *h)
{
	int64_t now = clock_ms();
	struct sock *dead;

	/* One at a time: with its requests others may go. */
	while ((dead = find_dead(h, now)))
		http_break(dead);
}

/* ---- the machine slept ---- */

static struct sock *find_unawaited(struct http *h)
{
	struct sock *s = h->socks.next;

	for (; s != &h->socks; s = s->next)
		if (http_sock_ends(s)->n && !s->broken && !s->awaited && s->pool != h->pool)
			return s;
	return NULL;
}

/* What somebody waits for may still come: the peer goes on sending for minutes. The rest begins anew. */
static void begin_anew(struct http *h)
{
	struct sock *s;

	http_retire(h, h->pool);
	(void)note_awaited(h);
	while ((s = find_unawaited(h)))
		http_break(s);
}

static void look_at_clocks(struct http *h)
{
	if (!clock_jumped(&h->clocks))
		return;
	diag_debug("http: the machine slept, or its clock was set");
	begin_anew(h);
}

/* ---- the network changed ---- */

static struct sock *find_cut(struct http *h)
{
	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next)
		if (!s->broken && tcp_way(http_sock_ends(s)) == TCP_CUT)
			return s;
	return NULL;
}

static void settled(void *ctx)
{
	struct http *h = ctx;
	struct sock *s;

	if (tcp_way(&h->pool->ends) == TCP_AS_BEFORE)
		return;
	diag_debug("http: the way to the server changed");
	http_retire(h, h->pool);
	while ((s = find_cut(h)))
		http_break(s);
}

static void changed(void *ctx, int happened)
{
	struct http *h = ctx;

	tcp_drain(h->changes_fd);
	if (happened & LOOP_HANGUP)
		loop_watch_set(h->changes, 0);
	loop_timer_set(&h->settling, SETTLING_MS);
}

void http_answered_by(struct http_req *r)
{
	struct http *h = r->http;
	struct sock *s;
	long opened = 0;

	curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &opened);
	if (!opened || !r->pool || !(s = http_sock_of(r)))
		return;
	r->pool->ends = s->ends;
	if (h->changes_tried || tcp_is_loopback(&s->ends))
		return;
	h->changes_tried = true;
	h->changes_fd = tcp_changes();
	if (h->changes_fd < 0)
		return;
	loop_timer_init(&h->settling, h->loop, settled, h);
	h->changes = loop_watch(h->loop, h->changes_fd, LOOP_READ, changed, h);
}

void http_watch_free(struct http *h)
{
	loop_timer_clear(&h->settling);
	if (!h->changes)
		return;
	loop_watch_free(h->changes);
	close(h->changes_fd);
}

/* ---- all of it ---- */

void http_look_around(struct http *h)
{
	look_at_clocks(h);
	if (!h->settling.set)
		return;
	loop_timer_clear(&h->settling);
	settled(h);
}

void http_watch_due(void *ctx)
{
	struct http *h = ctx;
	bool any = false, waits = false;

	/* Nothing is read while held, so silence says nothing. */
	if (!h->held) {
		look_at_clocks(h);
		find_silent(h);
	}
	any = note_awaited(h);
	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next) {
		if (s->awaited != s->probed)
			tcp_await((int)s->fd, s->awaited);
		s->probed = s->awaited;
		waits = waits || s->awaited;
	}
	if (any)
		loop_timer_set(&h->watch, waits ? LOOK_MS : LOOK_IDLE_MS);
}
