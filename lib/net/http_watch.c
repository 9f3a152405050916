#include "net/http_impl.h"

#include "base/diag.h"

/* How often while there are only streams that may be silent for ever: for the sake of the clocks. */
#define LOOK_IDLE_MS 2000

/* An acknowledgement takes a second where the network is slow. */
#define DOUBTFUL_MS 3000
/* By then a lost segment was sent again half a dozen times. */
#define DEAD_MS 10000

/* HTTP/2: without data for so long it is asked for a sign of life, while an answer is awaited; or only
 * streams are open, which the kernel's probes look after. */
#define QUIET_MS 10000
#define QUIET_IDLE_MS 30000

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

/* Since when the other end does not answer: TCP's acknowledgement of what was sent, or our PING. */
static int64_t silence_ms(struct sock *s, int64_t now)
{
	struct tcp_look l;
	int64_t unacknowledged = 0, unanswered = 0;

	if (!tcp_look((int)s->fd, &l))
		return 0;
	if (l.owed_ms < 0)
		s->owed_since_ms = 0;
	else if (!s->owed_since_ms)
		s->owed_since_ms = now;
	else
		unacknowledged = now - s->owed_since_ms;
	if (unacknowledged > l.owed_ms)
		unacknowledged = l.owed_ms;
	if (l.heard_ms < now - s->pinged_ms)
		s->pinged_ms = 0;
	if (s->pinged_ms)
		unanswered = now - s->pinged_ms;
	return unanswered > unacknowledged ? unanswered : unacknowledged;
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

/* One that should be asked for a sign of life. */
static struct sock *find_quiet(struct http *h, int64_t now, struct tcp_look *l)
{
	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next) {
		int64_t limit = s->awaited ? QUIET_MS : QUIET_IDLE_MS;

		if (!s->broken && !s->pinged_ms && now - s->asked_ms >= limit &&
			tcp_look((int)s->fd, l) && l->heard_ms >= limit)
			return s;
	}
	return NULL;
}

/* A server behind a proxy may be gone while the proxy acknowledges everything. HTTP/1.1 has nothing to ask
 * with, nor have all versions of libcurl: what is written then tells. */
static void ping_quiet(struct http *h)
{
	int64_t now = clock_ms();
	struct tcp_look before, after;
	struct sock *s;

	while ((s = find_quiet(h, now, &before))) {
		int fd = (int)s->fd;

		s->asked_ms = now;
		s = http_ping(s);
		if (s && tcp_look(fd, &after) && after.written > before.written)
			s->pinged_ms = now;
	}
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
	os_socket_close(h->changes_fd);
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
	if (!h->held)
		ping_quiet(h);
	if (any)
		loop_timer_set(&h->watch, waits ? LOOK_MS : LOOK_IDLE_MS);
}
