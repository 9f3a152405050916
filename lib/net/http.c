#include "net/http_impl.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* Idle connections are closed after this long even when the server did not say how long it keeps
 * them: most keep them for at least a minute. */
#define IDLE_CONNECTION_S 55L

struct loop *http_loop(const struct http *h)
{
	return h->loop;
}

void http_hold(struct http *h, bool held)
{
	if (h->held == held)
		return;
	h->held = held;
	h->overrun = 0;
	http_pools_hold(h, held);
	if (held)
		return;
	for (struct http_req *r = h->reqs.next; r != &h->reqs; r = r->next)
		r->heard_ms = clock_ms();
	loop_task_queue(&h->task);
}

/* ---- one request ---- */

static void req_detach(struct http_req *r)
{
	loop_timer_clear(&r->timer);
	loop_timer_clear(&r->total);
	r->on = NULL;
}

/* Not inside libcurl, the request is no longer in the multi handle. */
static void req_free(struct http_req *r)
{
	req_detach(r);
	r->prev->next = r->next;
	r->next->prev = r->prev;
	r->http->place.users -= r->placed;
	http_fields_free(r->own);
	if (!r->way && !r->look_up_only) {
		http_easy_release(r);
		return;
	}
	/* Its connection and settings are good for nothing else. */
	if (r->way)
		connect_report_log_clear(r->way);
	free(r->way);
	http_easy_free(r);
}

/* Makes libcurl send what it has queued for the connection that has this port at our end, if another
 * request is on it: a change of its window is always sent at once. */
static void flush_connection(struct http *h, long port)
{
	struct http_req *r = h->reqs.next;
	long other = 0;

	for (; r != &h->reqs; r = r->next)
		if (r->state == REQ_RUNNING && r->head_done &&
			curl_easy_getinfo(r->easy, CURLINFO_LOCAL_PORT, &other) == CURLE_OK &&
			other == port)
			break;
	if (r == &h->reqs)
		return;
	h->inside++;
	curl_easy_pause(r->easy, CURLPAUSE_RECV);
	curl_easy_pause(r->easy, CURLPAUSE_CONT);
	h->inside--;
}

/* Out of libcurl's hands. An aborted one takes its connection along, unless that carries others: then
 * the stream is reset. */
static void take_out(struct http_req *r)
{
	long port = 0;

	if (!r->aborted) {
		http_pool_leave(r);
		return;
	}
	curl_easy_getinfo(r->easy, CURLINFO_LOCAL_PORT, &port);
	curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L);
	http_pool_leave(r);
	curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 0L);
	if (port)
		flush_connection(r->http, port);
}

void http_abort(struct http_req *r)
{
	if (r)
		r->aborted = true;
	http_cancel(r);
}

void http_cancel(struct http_req *r)
{
	struct http *h;

	if (!r)
		return;
	h = r->http;
	req_detach(r);
	if (h->inside) {
		/* libcurl may be in the middle of this very transfer. */
		r->stopped = true;
		if (r->state == REQ_RUNNING) {
			r->state = REQ_DEAD;
			h->any_dead = true;
			/* Of its body, which belongs to the caller again, nothing more is read. */
			curl_easy_pause(r->easy, CURLPAUSE_SEND);
			loop_task_queue(&h->task);
			return;
		}
	}
	if (r->state == REQ_RUNNING || r->state == REQ_DEAD)
		take_out(r);
	req_free(r);
}

static void finish(struct http_req *r, enum http_outcome how, const struct err *e)
{
	const struct http_events *on = r->on;

	req_detach(r);
	if (on)
		on->done(r->ctx, r, how, e);
	req_free(r);
}

/* was: the pool that it was in. */
static void req_done(struct http_req *r, CURLcode rc, const struct pool *was)
{
	enum http_outcome how = http_outcome_of(r, rc);
	struct err e = { 0 };

	if (how == HTTP_DONE) {
		finish(r, how, NULL);
		return;
	}
	/* A server that closed one connection is about to close the others, too; and where none comes about
	 * the name may lead elsewhere by now. A stream that was reset says nothing about the rest. */
	if (how == HTTP_UNREACHABLE || how == HTTP_SILENT ||
		(http_lost(r) && rc != CURLE_HTTP2_STREAM))
		http_retire(r->http, was);
	http_describe(r, rc, how, &e);
	finish(r, how, &e);
}

/* libcurl looks at its clock before it looks at its sockets: when this process was stopped, or had no
 * processor, until long after the limit, it gave up a connection whose other end may have answered in time. */
#define LATE_MS 500

static bool given_up_late(const struct http_req *r, CURLcode rc)
{
	return rc == CURLE_OPERATION_TIMEDOUT && !r->sent && r->opened_ms &&
	       clock_ms() - r->opened_ms > r->set.connect_ms + LATE_MS;
}

static void start_again(struct http_req *r)
{
	r->opened_ms = 0;
	r->state = REQ_QUEUED;
	loop_task_queue(&r->http->task);
}

static void take_finished(CURLM *multi)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left))) {
		CURLcode rc = m->data.result;
		struct http_req *r = NULL;
		const struct pool *was;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		was = r->pool;
		http_pool_leave(r);
		if (r->state == REQ_DEAD) {
			req_free(r);
			continue;
		}
		if (given_up_late(r, rc)) {
			start_again(r);
			continue;
		}
		r->state = REQ_DEAD;
		r->code = rc;
		req_done(r, rc, was);
	}
}

void http_collect(struct http *h)
{
	if (h->inside)
		return;
	/* None of them goes meanwhile: http_pools_sweep(). */
	for (struct pool *p = h->pool; p; p = p->older)
		take_finished(p->multi);
}

/* ---- time-outs ---- */

static void time_out(struct http_req *r)
{
	struct err e = { 0 };

	r->timed_out = true;
	r->code = CURLE_OPERATION_TIMEDOUT;
	http_describe(r, CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT, &e);
	if (r->sent)
		http_retire(r->http, r->pool);
	if (r->state == REQ_RUNNING)
		http_pool_leave(r);
	r->state = REQ_DEAD;
	finish(r, HTTP_TIMED_OUT, &e);
}

static bool still_uploading(struct http_req *r)
{
	curl_off_t now = 0;

	if (r->head_done)
		return false;
	curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &now);
	if (now == r->uploaded)
		return false;
	r->uploaded = now;
	return true;
}

/* The timer is not moved for every piece that arrives: when it fires it looks how long the silence
 * really was. */
static void silence_due(void *ctx)
{
	struct http_req *r = ctx;
	int64_t limit =
		r->head_done ? r->http->opts.body_timeout_ms : r->http->opts.headers_timeout_ms;
	int64_t left = r->heard_ms + limit - clock_ms();

	if (r->http->held || still_uploading(r))
		left = limit;
	if (left > 0)
		loop_timer_set(&r->timer, left);
	else
		time_out(r);
}

static void total_due(void *ctx)
{
	time_out(ctx);
}

int64_t http_headers_timeout_ms(const struct http *h)
{
	return h->opts.headers_timeout_ms;
}

int64_t http_connect_timeout_ms(const struct http *h)
{
	return h->opts.connect_timeout_ms;
}

void http_set_endless(struct http_req *r, bool endless)
{
	r->endless = endless;
	r->heard_ms = clock_ms();
	if (r->head_done)
		http_watch_silence(r);
}

/* ---- starting ---- */

static bool own_cookie(const struct http_call *c)
{
	return (c->shared && c->shared->cookie) || (c->own && c->own->cookie);
}

struct http_req *http_start(struct http *h, const struct http_call *c, struct err *e)
{
	struct origin *site = origins_of(h->sites, c->url, e);
	CURLSH *jar = site && !own_cookie(c) ? origin_jar(site) : NULL;
	struct http_req *r = site ? http_easy_get(h, site, jar) : NULL;

	if (!site) {
		http_fields_free(c->own);
		return NULL;
	}
	if (!r) {
		http_fields_free(c->own);
		err_set(e, ERR_LIMIT, "out of memory");
		return NULL;
	}
	*r = (struct http_req){ .easy = r->easy,
		.set = r->set,
		.http = h,
		.site = site,
		.jar = jar,
		.on = c->on,
		.ctx = c->ctx,
		.own = c->own,
		.endless = c->endless };
	loop_timer_init(&r->timer, h->loop, silence_due, r);
	loop_timer_init(&r->total, h->loop, total_due, r);
	r->next = &h->reqs;
	r->prev = h->reqs.prev;
	r->prev->next = r->next->prev = r;
	if (http_easy_set(r, c) != CURLE_OK) {
		req_free(r);
		err_set(e, ERR_LIMIT, "out of memory");
		return NULL;
	}
	if (c->total_ms > 0)
		loop_timer_set(&r->total, c->total_ms);
	loop_task_queue(&h->task);
	return r;
}

static void start_one(struct http_req *r)
{
	r->refused = http_pool_enter(r);
	if (r->refused == CURLM_OK)
		r->state = REQ_RUNNING;
}

/* Those that libcurl did not take or has lost. done() may cancel any other one: each time the list is looked
 * at anew. */
static void end_refused(struct http *h)
{
	struct http_req *r = h->reqs.next;

	while (r != &h->reqs) {
		struct err e = { 0 };

		if (r->refused == CURLM_OK) {
			r = r->next;
			continue;
		}
		if (r->state == REQ_RUNNING) {
			http_pool_leave(r);
			r->state = REQ_DEAD;
			r->code = CURLE_OUT_OF_MEMORY;
			req_done(r, r->code, NULL);
			r = h->reqs.next;
			continue;
		}
		r->code = CURLE_FAILED_INIT;
		err_set(&e, ERR_NET, "libcurl refuses the request: %s",
			curl_multi_strerror(r->refused));
		finish(r, HTTP_UNREACHABLE, &e);
		r = h->reqs.next;
	}
}

void http_bury(struct http *h)
{
	if (!h->any_dead)
		return;
	h->any_dead = false;
	for (struct http_req *r = h->reqs.next, *next; r != &h->reqs; r = next) {
		bool dead = r->state == REQ_DEAD;

		if (dead)
			take_out(r);
		next = r->next; /* not before: libcurl may call back meanwhile */
		if (dead)
			req_free(r);
	}
}

/* The end of a round: requests queued in it start together. */
static void run_queue(void *ctx)
{
	struct http *h = ctx;
	bool started = false;

	if (h->held)
		return;
	http_bury(h);
	http_look_around(h);
	for (struct http_req *r = h->reqs.next; r != &h->reqs; r = r->next) {
		if (r->state != REQ_QUEUED)
			continue;
		start_one(r);
		started = true;
	}
	end_refused(h);
	if (started) {
		http_pool_go(h->pool);
		if (!h->watch.set)
			loop_timer_set(&h->watch, LOOK_MS);
	}
	http_pools_sweep(h);
}

bool http_was_barred(const struct http_req *r)
{
	return r->barred;
}

bool http_sent(const struct http_req *r)
{
	return r->sent;
}

/* ---- the whole ---- */

struct http *http_new(struct loop *l, const struct http_opts *o, struct err *e)
{
	struct http *h = mem_new(sizeof(*h));

	h->loop = l;
	h->opts = *o;
	h->opts.cacert = h->opts.endpoint = NULL; /* read by ca_new() and origins_new(); not ours */
	h->idle_s = IDLE_CONNECTION_S;
	h->handles_last = curl_version_info(CURLVERSION_NOW)->version_num >= HANDLES_LAST_SINCE;
	h->socks.prev = h->socks.next = &h->socks;
	h->reqs.prev = h->reqs.next = &h->reqs;
	loop_timer_init(&h->watch, l, http_watch_due, h);
	loop_task_init(&h->task, l, run_queue, h);
	loop_task_init(&h->renewal, l, http_easy_renew, h);
	h->sites = origins_new(o->cookies, o->one_proxy, o->endpoint);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(h->pool = http_pool_new(h)) ||
		!http_fields_common(h)) {
		err_set(e, ERR_NET, "libcurl does not start");
		goto fail;
	}
	if (!(h->ca = ca_new(o->cacert, e)))
		goto fail;
	return h;
fail:
	http_free(h);
	return NULL;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->reqs.next != &h->reqs)
		http_cancel(h->reqs.next);
	while (h->nidle)
		http_easy_free(h->idle[--h->nidle]);
	http_pools_free(h);
	http_watch_free(h);
	origins_free(h->sites);
	loop_timer_clear(&h->watch);
	loop_task_clear(&h->task);
	loop_task_clear(&h->renewal);
	ca_free(h->ca);
	curl_url_cleanup(h->place.parsed);
	free(h->place.text);
	http_fields_common_free(h);
	mem_pool_clear(&h->spare_socks);
	free(h);
	curl_global_cleanup();
}

void http_keep_alive(struct http *h, long server_idle_s)
{
	/* A second's margin, so that our request and the server's close do not cross. */
	long s = server_idle_s > 1 ? server_idle_s - 1 : 1;

	if (s < h->idle_s)
		h->idle_s = s;
}

bool http_way_to(struct http *h, const char *url, struct origin_way *out, struct err *e)
{
	struct origin *s = origins_of(h->sites, url, e);

	if (s)
		*out = origin_way(s);
	return s != NULL;
}

void http_way(const struct http_req *r, struct connect_report *w)
{
	connect_report_read(r->easy, (int)r->code, r->errbuf, r->way, w);
}

const char *http_trust(const struct http *h)
{
	return ca_describe(h->ca);
}

const char *http_trust_trouble(struct http *h)
{
	return ca_trouble(h->ca);
}

const char *http_trust_remedy(const struct http *h)
{
	return ca_remedy(h->ca);
}

const char *http_version(void)
{
	return curl_version();
}
