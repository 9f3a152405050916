#include "net/http_impl.h"

#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "os/process.h"

/* Connections kept, busy ones counted: more than are ever busy at once (HTTP/1.1, many calls in
 * flight), or each call of a burst would open one of its own. */
#define CONNECTIONS_KEPT 256L

/* Requests on one connection of HTTP/2, if the server allows as many: more than are ever in flight, or
 * the last of a burst would open a second connection. libcurl's own limit is 100. */
#define STREAMS_MAX 256L

/* Descriptors that are no connections: the standard ones, pipes, the log, name resolution, files of
 * certificates. */
#define OTHER_DESCRIPTORS 16L

/* Fewer connections than this and one stream that stays open would be in everybody's way. */
#define CONNECTIONS_LEAST 4L

/* ---- libcurl's sockets and timer on the loop ---- */

/* libcurl had no memory and does not know on what it waits any more: some transfer would stay as it is for
 * ever. Which one it does not say, so all that are under way end. */
static void check_action(struct http *h, CURLMcode rc)
{
	if (rc <= CURLM_OK)
		return;
	diag_debug("http: %s", curl_multi_strerror(rc));
	for (struct http_req *r = h->reqs.next; r != &h->reqs; r = r->next)
		if (r->state == REQ_RUNNING)
			r->refused = rc;
	loop_task_queue(&h->task);
}

static void act(struct pool *p, curl_socket_t fd, int what)
{
	struct http *h = p->http;
	CURLMcode rc;
	int running;

	http_bury(h);
	h->inside++;
	rc = curl_multi_socket_action(p->multi, fd, what, &running);
	h->inside--;
	check_action(h, rc);
	ca_settle(h->ca);
	http_collect(h);
}

static void socket_ready(void *ctx, int happened)
{
	struct sock *s = ctx;

	act(s->pool, s->fd,
		(happened & LOOP_READ ? CURL_CSELECT_IN : 0) |
			(happened & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
			(happened & LOOP_HANGUP ? CURL_CSELECT_IN | CURL_CSELECT_ERR : 0));
}

static void timer_due(void *ctx)
{
	struct pool *p = ctx;

	if (!p->http->held) /* http_pools_hold() calls again on release */
		act(p, CURL_SOCKET_TIMEOUT, 0);
}

static void sock_free(struct http *h, struct sock *s)
{
	loop_watch_free(s->watch);
	s->prev->next = s->next;
	s->next->prev = s->prev;
	mem_pool_put(&h->spare_socks, s);
}

static struct sock *sock_new(struct pool *p, curl_socket_t fd)
{
	struct http *h = p->http;
	struct sock *s = mem_pool_get(&h->spare_socks, sizeof(*s));

	s->pool = p;
	s->fd = fd;
	s->watch = loop_watch(h->loop, fd, 0, socket_ready, s);
	s->next = &h->socks;
	s->prev = h->socks.prev;
	s->prev->next = s->next->prev = s;
	return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sockctx)
{
	struct pool *p = ctx;
	struct sock *s = sockctx;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			sock_free(p->http, s);
		return 0;
	}
	if (!s) {
		s = sock_new(p, fd);
		curl_multi_assign(p->multi, fd, s);
	}
	s->events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	loop_watch_set(s->watch, p->http->held ? 0 : s->events);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct pool *p = ctx;

	(void)multi;
	if (ms < 0)
		loop_timer_clear(&p->timer);
	else
		loop_timer_set(&p->timer, ms);
	return 0;
}

/* ---- pools ---- */

/* Where few descriptors are allowed, requests wait for a connection instead of failing; 0: enough. */
static long connections_possible(void)
{
	long n = os_descriptors_possible();

	if (n < 0 || n >= 4096)
		return 0;
	n -= OTHER_DESCRIPTORS;
	return n < CONNECTIONS_LEAST ? CONNECTIONS_LEAST : n;
}

struct pool *http_pool_new(struct http *h)
{
	struct pool *p = mem_new(sizeof(*p));
	long at_once = (long)h->opts.max_connections;

	p->multi = curl_multi_init();
	if (!p->multi) {
		free(p);
		return NULL;
	}
	p->http = h;
	loop_timer_init(&p->timer, h->loop, timer_due, p);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_MAX_HOST_CONNECTIONS, at_once);
	curl_multi_setopt(p->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_possible());
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, at_once ? at_once : CONNECTIONS_KEPT);
	return p;
}

static void pool_free(struct pool *p)
{
	if (p->multi)
		curl_multi_cleanup(p->multi);
	loop_timer_clear(&p->timer);
	free(p);
}

void http_pools_free(struct http *h)
{
	while (h->pool) {
		struct pool *p = h->pool;

		h->pool = p->older;
		pool_free(p);
	}
	while (h->socks.next != &h->socks)
		sock_free(h, h->socks.next);
}

void http_pools_sweep(struct http *h)
{
	struct pool **at = h->pool ? &h->pool->older : &h->pool;

	while (*at) {
		struct pool *p = *at;

		if (p->users) {
			at = &p->older;
			continue;
		}
		*at = p->older;
		pool_free(p);
	}
}

void http_pools_hold(struct http *h, bool held)
{
	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next)
		loop_watch_set(s->watch, held ? 0 : s->events);
	for (struct pool *p = h->pool; p && !held; p = p->older)
		loop_timer_set(&p->timer, 0);
}

CURLMcode http_pool_enter(struct http_req *r)
{
	CURLMcode rc = curl_multi_add_handle(r->http->pool->multi, r->easy);

	if (rc == CURLM_OK) {
		r->pool = r->http->pool;
		r->pool->users++;
	}
	return rc;
}

void http_pool_leave(struct http_req *r)
{
	if (!r->pool)
		return;
	curl_multi_remove_handle(r->pool->multi, r->easy);
	r->pool->users--;
	if (!r->pool->users && r->pool != r->http->pool)
		loop_task_queue(&r->http->task);
	r->pool = NULL;
}

void http_pool_go(struct pool *p)
{
	loop_timer_clear(&p->timer);
	timer_due(p);
}

void http_retire(struct http *h, const struct pool *p)
{
	struct pool *next;

	if (!p || p != h->pool)
		return; /* it is already */
	next = http_pool_new(h);
	if (!next)
		return; /* without memory for it, the old connections are better than none */
	diag_debug("http: what comes from now on goes to new connections");
	/* Those that become idle while others are still busy close. */
	curl_multi_setopt(h->pool->multi, CURLMOPT_MAXCONNECTS, 1L);
	next->older = h->pool;
	h->pool = next;
	loop_task_queue(&h->task);
}

/* It works on the pool that a handle is in, and that must not have a connection itself. */
static void keep_up(struct pool *p)
{
	CURL *easy = curl_easy_init();

	if (easy && curl_multi_add_handle(p->multi, easy) == CURLM_OK) {
		curl_easy_setopt(easy, CURLOPT_UPKEEP_INTERVAL_MS, 1L);
		p->http->inside++;
		curl_easy_upkeep(easy);
		p->http->inside--;
		curl_multi_remove_handle(p->multi, easy);
	}
	curl_easy_cleanup(easy);
}

struct sock *http_ping(struct sock *s)
{
	struct http *h = s->pool->http;
	curl_socket_t fd = s->fd;

	keep_up(s->pool);
	/* What it wrote lies in libcurl's buffer until a request on that connection has its turn. */
	act(s->pool, fd, CURL_CSELECT_IN);
	for (s = h->socks.next; s != &h->socks; s = s->next)
		if (s->fd == fd)
			return s;
	return NULL;
}

const struct tcp_ends *http_sock_ends(struct sock *s)
{
	if (!s->ends.n)
		tcp_ends((int)s->fd, &s->ends);
	return &s->ends;
}

struct sock *http_sock_of(const struct http_req *r)
{
	for (struct sock *s = r->http->socks.next; r->sent && s != &r->http->socks; s = s->next)
		if (s->pool == r->pool && tcp_port(&http_sock_ends(s)->here) == r->port_here &&
			tcp_port(&s->ends.there) == r->port_there)
			return s;
	return NULL;
}

void http_break(struct sock *s)
{
	struct pool *p = s->pool;
	curl_socket_t fd = s->fd;

	http_retire(p->http, p);
	for (struct http_req *r = p->http->reqs.next; r != &p->http->reqs; r = r->next)
		r->silent = r->silent || http_sock_of(r) == s;
	s->broken = true;
	tcp_break((int)fd);
	act(p, fd, CURL_CSELECT_IN | CURL_CSELECT_ERR);
}
