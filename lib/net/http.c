#include "net/http.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/secret.h"
#include "net/ca.h"
#include "net/site.h"

/* Handles kept ready for the next request. Beyond a burst of this size a new one costs a few
 * microseconds. */
#define IDLE_MAX 64

/* All header fields of one answer together: what nginx, Envoy and Node allow, four times over. */
#define HEAD_MAX ((size_t)256 << 10)

/* libcurl's buffer for one read: large enough for full-speed transfers, below the size (128 KiB) at
 * which malloc would ask the kernel for each one. */
#define READ_SIZE 65536L

/* Bodies taken while held: libcurl goes on with all that it has read, and unpacks it. There are ways of
 * packing (Brotli, Zstandard) that make gigabytes of one read; honest data stays far below this. */
#define OVERRUN_MAX (READ_SIZE << 12)

/* Idle connections are closed after this long even when the server did not say how long it keeps
 * them: most keep them for at least a minute. */
#define IDLE_CONNECTION_S 55L

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

/*
 * While requests run, the list may go on behind `last` with another one: a
 * request's own fields with the shared ones, these with fields that all have.
 */
struct http_fields {
	struct curl_slist *list, *last;
	bool agent, encoding; /* holds a User-Agent, an Accept-Encoding of the person's own */
	bool cookie;          /* one of them is Cookie: it takes the place of those that are kept */
};

struct sock {
	struct http *http;
	struct loop_watch *watch;
	curl_socket_t fd;
	int events;
	struct sock *prev, *next;
};

enum req_state {
	REQ_QUEUED,  /* to be given to libcurl at the end of the round */
	REQ_RUNNING, /* libcurl has it */
	REQ_DEAD,    /* cancelled inside one of libcurl's callbacks; freed once outside */
};

struct http_req {
	struct http *http;
	struct site *site;
	CURLSH *jar; /* the site's cookies; NULL: none are kept or sent */
	CURL *easy;
	enum req_state state;
	const struct http_events *on;
	void *ctx;
	struct http_fields *own;
	struct loop_timer timer; /* headers, then body gaps */
	struct loop_timer total;
	int64_t heard_ms; /* when the last piece of the body or the whole header came, or the request
			     went out: a header that comes in drops has no more time than others */
	curl_off_t uploaded; /* at the last look */
	size_t head_len;
	bool head_done, stopped, sent, resent, timed_out, endless, aborted;
	bool overran;        /* OVERRUN_MAX */
	struct way_log *way; /* only with connect_only */
	CURLcode code;       /* how it ended */
	bool placed;         /* counted in http->place */
	char errbuf[CURL_ERROR_SIZE];
	struct http_req *prev, *next;
};

/*
 * A URL that libcurl has parsed: most requests go to the one endpoint. It must
 * stay as it is while requests use it.
 */
struct place {
	char *text;
	CURLU *parsed;
	unsigned users;
};

/* A handle that is kept, and what it was last set up for: mostly that is what comes next, too. */
struct handle {
	CURL *easy;
	const struct site *site;
	CURLSH *jar;
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct http_opts opts;
	struct ca *ca;
	struct sites *sites;
	struct place place;
	struct curl_slist *agent, *encoding; /* fields of every request: agent's list goes on with
					      * encoding's node */
	struct curl_slist *agent_alone;
	struct loop_timer timer; /* libcurl's own */
	struct loop_task task;   /* starts queued requests, frees dead ones */
	struct sock socks;       /* sentinel */
	struct http_req reqs;    /* sentinel of all requests not yet freed */
	struct handle idle[IDLE_MAX];
	size_t nidle;
	long idle_s;     /* how long a connection may have been idle to be used again */
	unsigned inside; /* depth of calls into libcurl that may call us back */
	bool held;
	size_t overrun; /* bytes of bodies taken since */
	bool any_dead;  /* some request is REQ_DEAD and libcurl still has it */
};

/* ---- header fields ---- */

static bool is_token(const char *s)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
			    strchr(more, c)))
			return false;
	}
	return true;
}

static bool is_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
			return false;
	return true;
}

static bool append_line(struct http_fields **f, const char *line)
{
	struct curl_slist *list;

	if (!*f)
		*f = mem_new(sizeof(**f));
	if ((*f)->last)
		(*f)->last->next = NULL;
	list = curl_slist_append((*f)->last, line);
	if (!list)
		return false;
	if (!(*f)->list)
		(*f)->list = list;
	(*f)->last = (*f)->last ? (*f)->last->next : list;
	(*f)->agent |= strncasecmp(line, "User-Agent", 10) == 0 && strchr(":;", line[10]);
	(*f)->encoding |= strncasecmp(line, "Accept-Encoding", 15) == 0 && strchr(":;", line[15]);
	return true;
}

bool http_fields_add(struct http_fields **f, const char *name, const char *value, struct err *e)
{
	char *line;
	bool good;

	if (!is_token(name))
		return err_set(
			e, ERR_USAGE, "a header name holds characters that HTTP does not allow");
	if (!is_value(value))
		return err_set(e, ERR_USAGE,
			"the value of header \"%.100s\" holds a line break or another control "
			"character",
			name);
	/* libcurl's spelling of a field that is there and empty. */
	line = *value ? mem_printf("%s: %s", name, value) : mem_printf("%s;", name);
	good = append_line(f, line);
	(*f)->cookie = (*f)->cookie || strcasecmp(name, "Cookie") == 0;
	secret_wipe(line, strlen(line));
	free(line);
	return good || err_set(e, ERR_LIMIT, "out of memory");
}

struct http_fields *http_fields_copy(const struct http_fields *f)
{
	struct http_fields *copy = NULL;

	for (struct curl_slist *i = f ? f->list : NULL; i; i = i == f->last ? NULL : i->next)
		if (!append_line(&copy, i->data))
			break;
	if (copy)
		copy->cookie = f->cookie;
	return copy;
}

void http_fields_free(struct http_fields *f)
{
	if (!f)
		return;
	if (f->last)
		f->last->next = NULL;
	for (struct curl_slist *i = f->list; i; i = i->next)
		secret_wipe(i->data, strlen(i->data));
	curl_slist_free_all(f->list);
	free(f);
}

const char *http_answer_field(const struct http_req *r, const char *name, size_t nth)
{
	struct curl_header *h;

	if (curl_easy_header(r->easy, name, nth, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

/* One hour: what the service's REST side sends can be absurdly large. */
#define RETRY_AFTER_MAX_S 3600

static long seconds_at_most(const char *digits, long most)
{
	long s = 0;

	for (; *digits >= '0' && *digits <= '9' && s <= most; digits++)
		s = s * 10 + (*digits - '0');
	return s < most ? s : most;
}

long http_retry_after_s(const struct http_req *r)
{
	const char *said = http_answer_field(r, "Retry-After", 0);
	int64_t s;
	time_t when;

	if (!said || !*said)
		return -1;
	/* Not through CURLINFO_RETRY_AFTER: libcurl takes a number that is too large, a date that is
	 * over, and any other text, for 0. */
	if (said[strspn(said, "0123456789")] == 0)
		return seconds_at_most(said, RETRY_AFTER_MAX_S);
	when = curl_getdate(said, NULL);
	if (when < 0)
		return -1;
	s = (int64_t)when - clock_wall_s();
	return s < 0 ? 0 : s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (long)s;
}

int64_t http_date_s(const struct http_req *r)
{
	const char *date = http_answer_field(r, "Date", 0), *age = http_answer_field(r, "Age", 0);
	time_t t = date ? curl_getdate(date, NULL) : -1;

	if (t < 0)
		return -1;
	/* A day at the most: caches keep such documents for minutes. */
	return (int64_t)t + (age ? seconds_at_most(age, 86400) : 0);
}

void http_way(const struct http_req *r, struct way *w)
{
	way_read(r->easy, (int)r->code, r->errbuf, r->way, w);
}

const char *http_trust(const struct http *h)
{
	return ca_describe(h->ca);
}

/* ---- libcurl's sockets and timer on the loop ---- */

static void collect(struct http *h);
static void bury(struct http *h);

static void socket_ready(void *ctx, int happened)
{
	struct sock *s = ctx;
	struct http *h = s->http;
	curl_socket_t fd = s->fd;
	int running;
	int what = (happened & LOOP_READ ? CURL_CSELECT_IN : 0) |
		   (happened & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
		   (happened & LOOP_HANGUP ? CURL_CSELECT_IN | CURL_CSELECT_ERR : 0);

	bury(h);
	h->inside++;
	curl_multi_socket_action(h->multi, fd, what, &running);
	h->inside--;
	ca_settle(h->ca);
	collect(h);
}

static void timer_due(void *ctx)
{
	struct http *h = ctx;
	int running;

	if (h->held)
		return; /* http_hold() calls again on release */
	bury(h);
	h->inside++;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	h->inside--;
	ca_settle(h->ca);
	collect(h);
}

static void sock_free(struct sock *s)
{
	loop_watch_free(s->watch);
	s->prev->next = s->next;
	s->next->prev = s->prev;
	free(s);
}

static struct sock *sock_new(struct http *h, curl_socket_t fd)
{
	struct sock *s = mem_new(sizeof(*s));

	s->http = h;
	s->fd = fd;
	s->watch = loop_watch(h->loop, fd, 0, socket_ready, s);
	s->next = &h->socks;
	s->prev = h->socks.prev;
	s->prev->next = s->next->prev = s;
	return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sockctx)
{
	struct http *h = ctx;
	struct sock *s = sockctx;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			sock_free(s);
		return 0;
	}
	if (!s) {
		s = sock_new(h, fd);
		curl_multi_assign(h->multi, fd, s);
	}
	s->events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	loop_watch_set(s->watch, h->held ? 0 : s->events);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	if (ms < 0)
		loop_timer_clear(&h->timer);
	else
		loop_timer_set(&h->timer, ms);
	return 0;
}

void http_hold(struct http *h, bool held)
{
	if (h->held == held)
		return;
	h->held = held;
	h->overrun = 0;
	for (struct sock *s = h->socks.next; s != &h->socks; s = s->next)
		loop_watch_set(s->watch, held ? 0 : s->events);
	if (held)
		return;
	for (struct http_req *r = h->reqs.next; r != &h->reqs; r = r->next)
		r->heard_ms = clock_ms();
	loop_timer_set(&h->timer, 0);
	loop_task_queue(&h->task);
}

/* ---- one request ---- */

static void req_detach(struct http_req *r)
{
	loop_timer_clear(&r->timer);
	loop_timer_clear(&r->total);
	r->on = NULL;
}

static void easy_release(struct http_req *r)
{
	struct http *h = r->http;
	CURL *easy = r->easy;

	if (h->nidle == IDLE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	/* What the next request may not inherit or would keep alive; the rest is the same for all. */
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
	h->idle[h->nidle++] = (struct handle){ easy, r->site, r->jar };
}

/* Not inside libcurl, the request is no longer in the multi handle. */
static void req_free(struct http_req *r)
{
	req_detach(r);
	r->prev->next = r->next;
	r->next->prev = r->prev;
	if (r->way) {
		/* Its connection and settings are good for nothing else. */
		curl_easy_cleanup(r->easy);
		way_log_clear(r->way);
		free(r->way);
	} else {
		easy_release(r);
	}
	r->http->place.users -= r->placed;
	http_fields_free(r->own);
	free(r);
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
		curl_multi_remove_handle(r->http->multi, r->easy);
		return;
	}
	curl_easy_getinfo(r->easy, CURLINFO_LOCAL_PORT, &port);
	curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_multi_remove_handle(r->http->multi, r->easy);
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

static bool is_tls_failure(CURLcode rc)
{
	switch (rc) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		return true;
	default:
		return false;
	}
}

/* What the proxy said to CONNECT; 0: nothing. */
static long proxy_status(const struct http_req *r)
{
	long status = 0;

	if (site_proxy_words(r->site))
		curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status;
}

static enum http_outcome outcome_of(const struct http_req *r, CURLcode rc)
{
	if (rc == CURLE_OK || r->stopped)
		return HTTP_DONE;
	if (r->timed_out)
		return HTTP_TIMED_OUT;
	if (r->sent)
		return HTTP_BROKEN;
	if (proxy_status(r) >= 300)
		return HTTP_NOT_LET;
	return is_tls_failure(rc) ? HTTP_TLS_FAILED : HTTP_UNREACHABLE;
}

/* "host" of a URL, for messages. */
static void host_of(const struct http_req *r, char *out, size_t size)
{
	char *url = NULL;
	const char *p;

	curl_easy_getinfo(r->easy, CURLINFO_EFFECTIVE_URL, &url);
	p = url ? strstr(url, "://") : NULL;
	p = p ? p + 3 : "the server";
	snprintf(out, size, "%.*s", (int)strcspn(p, "/?#"), p);
}

static void describe_proxy(const struct http_req *r, const char *host, struct err *e)
{
	const char *proxy = site_proxy_words(r->site);
	long status = proxy_status(r);

	if (status == 407)
		err_set(e, ERR_NET,
			"%s wants a user name and password, or others than it got: they are part "
			"of the variable, http://user:password@host:port",
			proxy);
	else
		err_set(e, ERR_NET, "%s does not let us through to %s (HTTP %ld)", proxy, host,
			status);
}

/* libcurl repeats the address and says what went wrong in general; the system knows it in particular. */
static const char *why_unreachable(const struct http_req *r, CURLcode rc, const char *said)
{
	long number = 0;

	if (rc == CURLE_OPERATION_TIMEDOUT)
		return "no connection in time";
	if (rc == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &number);
	return number ? strerror((int)number) : said;
}

static void describe(const struct http_req *r, CURLcode rc, enum http_outcome how, struct err *e)
{
	char host[300];
	const char *said = r->errbuf[0] ? r->errbuf : curl_easy_strerror(rc);
	const char *proxy = site_proxy_words(r->site);

	host_of(r, host, sizeof(host));
	if (how == HTTP_NOT_LET)
		describe_proxy(r, host, e);
	else if (r->head_len > HEAD_MAX)
		err_set(e, ERR_LIMIT, "%s sent more than %zu KiB of header fields", host,
			HEAD_MAX >> 10);
	else if (r->overran)
		err_set(e, ERR_LIMIT, "%s sent packed data that comes to more than %ld MiB at once",
			host, OVERRUN_MAX >> 20);
	else if (r->resent || (how == HTTP_BROKEN && !r->head_done))
		err_set(e, ERR_NET, "%s closed the connection before it answered", host);
	else if (how == HTTP_TLS_FAILED && ca_bad_file(r->http->ca))
		err_set(e, ERR_NET,
			"no secure connection to %s: no certificate can be read from %s. Give a "
			"file in PEM format",
			host, ca_bad_file(r->http->ca));
	else if (how == HTTP_TLS_FAILED)
		err_set(e, ERR_NET,
			"no secure connection to %s: %s. If a proxy or the server uses a "
			"certificate authority of its own, name its file with --cacert or "
			"SSL_CERT_FILE",
			host, said);
	else if (how == HTTP_TIMED_OUT)
		err_set(e, ERR_NET, "%s sent %s in time", host,
			r->head_done ? "no more data" : "no answer");
	else if (how == HTTP_UNREACHABLE)
		err_set(e, ERR_NET, "cannot reach %s%s%s: %s", host, proxy ? " through " : "",
			proxy ? proxy : "", why_unreachable(r, rc, said));
	else
		err_set(e, ERR_NET, "the connection to %s broke: %s", host, said);
	err_clean(e->msg);
}

static void req_done(struct http_req *r, CURLcode rc)
{
	enum http_outcome how = outcome_of(r, rc);
	struct err e = { 0 };

	if (how == HTTP_DONE) {
		finish(r, how, NULL);
		return;
	}
	describe(r, rc, how, &e);
	finish(r, how, &e);
}

/* Takes what libcurl finished. Only here and in start_queued() do requests end. */
static void collect(struct http *h)
{
	CURLMsg *m;
	int left;

	if (h->inside)
		return;
	while ((m = curl_multi_info_read(h->multi, &left))) {
		CURLcode rc = m->data.result;
		struct http_req *r = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		curl_multi_remove_handle(h->multi, r->easy);
		if (r->state == REQ_DEAD) {
			req_free(r);
			continue;
		}
		r->state = REQ_DEAD;
		r->code = rc;
		req_done(r, rc);
	}
}

/* ---- libcurl's callbacks ---- */

/* The header is there: from now on pieces of the body count. */
static void watch_silence(struct http_req *r)
{
	if (!r->endless && r->http->opts.body_timeout_ms > 0)
		loop_timer_set(&r->timer, r->http->opts.body_timeout_ms);
	else
		loop_timer_clear(&r->timer);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_req *r = ctx;
	long status = 0;

	n *= size;
	r->head_len += n;
	if (r->jar && n > 11 && strncasecmp(p, "Set-Cookie:", 11) == 0)
		site_cookie_came(r->site, r->easy);
	if (r->state == REQ_DEAD || r->head_len > HEAD_MAX)
		return 0;
	if (r->head_done || n > 2 || (p[0] != '\r' && p[0] != '\n'))
		return n;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return n;
	r->head_done = true;
	r->heard_ms = clock_ms();
	watch_silence(r);
	if (r->on->head(r->ctx, r, status) == HTTP_STOP)
		r->stopped = true;
	return r->stopped ? 0 : n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_req *r = ctx;

	n *= size;
	if (r->state == REQ_DEAD || r->stopped)
		return n ? 0 : 1;
	r->overran = r->http->held && (r->http->overrun += n) > OVERRUN_MAX;
	if (r->overran)
		return n ? 0 : 1;
	r->heard_ms = clock_ms();
	if (r->on->body(r->ctx, r, p, n) == HTTP_STOP)
		r->stopped = true;
	return r->stopped ? (n ? 0 : 1) : n;
}

/*
 * Called when a connection stands and the request is about to go out; a second
 * time when libcurl wants to send it again because a reused connection died
 * without an answer. The server may have acted on the first, so no.
 */
static int on_prereq(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct http_req *r = ctx;

	(void)ip, (void)local_ip, (void)port, (void)local_port;
	if (r->state == REQ_DEAD)
		return CURL_PREREQFUNC_ABORT;
	r->resent = r->sent;
	r->sent = true;
	r->heard_ms = clock_ms();
	if (!r->resent && r->http->opts.headers_timeout_ms > 0)
		loop_timer_set(&r->timer, r->http->opts.headers_timeout_ms);
	return r->resent ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Among libcurl's notes are the fields of a request over HTTP/2, and cookies. */
static bool is_telling(const char *p, size_t n)
{
	if (n >= 6 && (strncmp(p, "h2h3 [", 6) == 0 || strncmp(p, "[HTTP/", 6) == 0))
		return true;
	for (size_t i = 0; i + 5 <= n; i++)
		if (strncmp(p + i, "ookie", 5) == 0)
			return true;
	return false;
}

/* Only with --debug: lines about connections and certificates, never headers or bodies. */
static int on_trace(CURL *easy, curl_infotype type, char *p, size_t n, void *ctx)
{
	(void)easy, (void)ctx;
	if (type == CURLINFO_TEXT && !is_telling(p, n)) {
		while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
			n--;
		diag_debug("http: %.*s", (int)(n > 500 ? 500 : n), p);
	}
	return 0;
}

/* ---- time-outs ---- */

static void time_out(struct http_req *r)
{
	struct err e = { 0 };

	r->timed_out = true;
	r->code = CURLE_OPERATION_TIMEDOUT;
	describe(r, CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT, &e);
	if (r->state == REQ_RUNNING)
		curl_multi_remove_handle(r->http->multi, r->easy);
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

void http_set_endless(struct http_req *r, bool endless)
{
	r->endless = endless;
	r->heard_ms = clock_ms();
	if (r->head_done)
		watch_silence(r);
}

/* ---- starting ---- */

/* What is the same for every request. */
static void easy_common(struct http *h, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Names are resolved in a thread. Without this, giving up a request would wait for it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* Decompresses; the field itself is ours, see make_common_fields(). */
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_SIZE);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		h->opts.connect_timeout_ms > 0 ? (long)h->opts.connect_timeout_ms : 0x7fffffffL);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_prereq);
	if (h->opts.ipv4)
		curl_easy_setopt(easy, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
	ca_apply(h->ca, easy);
	if (diag_debugging()) {
		curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_trace);
		curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	}
}

/* The proxy on the way there, and the jar of cookies; NULL: none are kept or sent. */
static void set_up_for(struct handle *k, const struct site *site, CURLSH *jar)
{
	const char *proxy = site_proxy(site);

	if (k->site != site) {
		curl_easy_setopt(k->easy, CURLOPT_PROXY, proxy);
		curl_easy_setopt(k->easy, CURLOPT_NOPROXY, *proxy ? "" : "*");
		/* For CONNECT; the request itself brings its own. */
		curl_easy_setopt(
			k->easy, CURLOPT_USERAGENT, *proxy ? "mpmcp/" MPMCP_VERSION : NULL);
	}
	if (k->jar == jar)
		return;
	curl_easy_setopt(k->easy, CURLOPT_SHARE, NULL);
	curl_easy_setopt(k->easy, CURLOPT_COOKIEFILE, NULL);
	if (jar) {
		curl_easy_setopt(k->easy, CURLOPT_SHARE, jar);
		curl_easy_setopt(k->easy, CURLOPT_COOKIEFILE, ""); /* no file: it means "yes" */
	}
}

static CURL *easy_get(struct http *h, const struct site *site, CURLSH *jar)
{
	struct handle k = { 0 };

	if (h->nidle) {
		k = h->idle[--h->nidle];
	} else {
		k.easy = curl_easy_init();
		if (!k.easy)
			return NULL;
		easy_common(h, k.easy);
	}
	set_up_for(&k, site, jar);
	return k.easy;
}

static void set_method(CURL *easy, const struct http_call *c)
{
	if (c->body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, c->body);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	if (strcmp(c->method, c->body ? "POST" : "GET") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, c->method);
}

static void set_connect_only(struct http_req *r, const struct http_call *c)
{
	r->way = mem_new(sizeof(*r->way));
	way_watch(r->way, r->easy);
	curl_easy_setopt(r->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(r->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, c->any_peer ? 0L : 1L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, c->any_peer ? 0L : 2L);
}

/* libcurl asks servers for leave ("Expect: 100-continue") before it sends a body of a MiB; that
 * delays it, and some servers never answer. */
#define EXPECT_FROM ((size_t)1 << 20)

/* The fields that all requests have hang behind the last list, unless the person gave such a field. */
static void chain_common(const struct http *h, const struct http_fields *f)
{
	struct curl_slist *common = f->agent      ? h->encoding
				    : f->encoding ? h->agent_alone
						  : h->agent;

	f->last->next = f->agent && f->encoding ? NULL : common;
}

static bool chain_fields(struct http_req *r, const struct http_call *c, struct curl_slist **fields)
{
	const struct http_fields *shared = c->shared;

	if (c->body_len >= EXPECT_FROM && !append_line(&r->own, "Expect:"))
		return false;
	*fields = r->own ? r->own->list : shared ? shared->list : r->http->agent;
	if (shared)
		chain_common(r->http, shared);
	if (r->own && shared)
		r->own->last->next = shared->list;
	else if (r->own)
		chain_common(r->http, r->own);
	return true;
}

static CURLcode set_url(struct http_req *r, const char *url)
{
	struct place *at = &r->http->place;

	if (!at->users && (!at->text || strcmp(at->text, url) != 0)) {
		curl_url_cleanup(at->parsed);
		free(at->text);
		at->text = mem_dup(url);
		at->parsed = curl_url();
		if (!at->parsed || curl_url_set(at->parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS) !=
					   CURLUE_OK) {
			curl_url_cleanup(at->parsed);
			at->parsed = NULL;
		}
	}
	r->placed = at->parsed && strcmp(at->text, url) == 0;
	at->users += r->placed;
	curl_easy_setopt(r->easy, CURLOPT_CURLU, r->placed ? at->parsed : NULL);
	/* Beside a parsed one it is only what messages show. */
	return curl_easy_setopt(r->easy, CURLOPT_URL, url);
}

static bool own_cookie(const struct http_call *c)
{
	return (c->shared && c->shared->cookie) || (c->own && c->own->cookie);
}

static CURLcode set_request(struct http_req *r, const struct http_call *c)
{
	struct curl_slist *fields;

	if (!chain_fields(r, c, &fields))
		return CURLE_OUT_OF_MEMORY;
	set_method(r->easy, c);
	if (c->connect_only)
		set_connect_only(r, c);
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, (char *)r);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->errbuf);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_PREREQDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_MAXAGE_CONN, r->http->idle_s);
	/* Waits for a connection that is being opened, in case it will carry many requests. Only over
	 * TLS is that known before the first answer; elsewhere one slow request would hold up all. */
	curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, strncmp(c->url, "https:", 6) == 0 ? 1L : 0L);
	return set_url(r, c->url);
}

struct http_req *http_start(struct http *h, const struct http_call *c, struct err *e)
{
	struct site *site = sites_of(h->sites, c->url, e);
	CURLSH *jar = site && !own_cookie(c) ? site_jar(site) : NULL;
	CURL *easy = site ? easy_get(h, site, jar) : NULL;
	struct http_req *r;

	if (!site) {
		http_fields_free(c->own);
		return NULL;
	}
	if (!easy) {
		http_fields_free(c->own);
		err_set(e, ERR_LIMIT, "out of memory");
		return NULL;
	}
	r = mem_new(sizeof(*r));
	*r = (struct http_req){ .http = h,
		.site = site,
		.jar = jar,
		.easy = easy,
		.on = c->on,
		.ctx = c->ctx,
		.own = c->own,
		.endless = c->endless };
	loop_timer_init(&r->timer, h->loop, silence_due, r);
	loop_timer_init(&r->total, h->loop, total_due, r);
	r->next = &h->reqs;
	r->prev = h->reqs.prev;
	r->prev->next = r->next->prev = r;
	if (set_request(r, c) != CURLE_OK) {
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
	CURLMcode rc = curl_multi_add_handle(r->http->multi, r->easy);
	struct err e = { 0 };

	if (rc == CURLM_OK) {
		r->state = REQ_RUNNING;
		return;
	}
	r->code = CURLE_FAILED_INIT;
	err_set(&e, ERR_NET, "libcurl does not take the request: %s", curl_multi_strerror(rc));
	finish(r, HTTP_UNREACHABLE, &e);
}

/* Those that were cancelled inside libcurl go, before it can go on with them. */
static void bury(struct http *h)
{
	if (!h->any_dead)
		return;
	h->any_dead = false;
	for (struct http_req *r = h->reqs.next, *next; r != &h->reqs; r = next) {
		next = r->next;
		if (r->state == REQ_DEAD) {
			take_out(r);
			req_free(r);
		}
	}
}

/* The end of a round: requests queued in it start together. */
static void run_queue(void *ctx)
{
	struct http *h = ctx;
	struct http_req *r, *next;
	bool started = false;

	if (h->held)
		return;
	bury(h);
	for (r = h->reqs.next; r != &h->reqs; r = next) {
		next = r->next;
		if (r->state == REQ_QUEUED) {
			start_one(r);
			started = true;
		}
	}
	if (started) {
		loop_timer_clear(&h->timer);
		timer_due(h);
	}
}

bool http_sent(const struct http_req *r)
{
	return r->sent;
}

/* ---- the whole ---- */

/*
 * What libcurl would add by itself, but at several times the cost: it makes
 * such a field anew for each request, letter by letter.
 */
static bool make_common_fields(struct http *h)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	char encoding[64];

	snprintf(encoding, sizeof(encoding), "Accept-Encoding: deflate, gzip%s%s",
		v->features & CURL_VERSION_BROTLI ? ", br" : "",
		v->features & CURL_VERSION_ZSTD ? ", zstd" : "");
	h->encoding = curl_slist_append(NULL, encoding);
	h->agent = curl_slist_append(NULL, "User-Agent: mpmcp/" MPMCP_VERSION);
	h->agent_alone = curl_slist_append(NULL, "User-Agent: mpmcp/" MPMCP_VERSION);
	if (!h->encoding || !h->agent || !h->agent_alone)
		return false;
	h->agent->next = h->encoding;
	return true;
}

/* Where few descriptors are allowed, requests wait for a connection instead of failing; 0: enough. */
static long connections_possible(void)
{
	struct rlimit r;
	long n;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= 4096)
		return 0;
	n = (long)r.rlim_cur - OTHER_DESCRIPTORS;
	return n < CONNECTIONS_LEAST ? CONNECTIONS_LEAST : n;
}

struct http *http_new(struct loop *l, const struct http_opts *o, struct err *e)
{
	struct http *h = mem_new(sizeof(*h));

	h->loop = l;
	h->opts = *o;
	h->opts.cacert = NULL; /* read by ca_new(); not ours to keep */
	h->idle_s = IDLE_CONNECTION_S;
	h->socks.prev = h->socks.next = &h->socks;
	h->reqs.prev = h->reqs.next = &h->reqs;
	loop_timer_init(&h->timer, l, timer_due, h);
	loop_task_init(&h->task, l, run_queue, h);
	h->sites = sites_new(o->cookies, o->one_proxy);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(h->multi = curl_multi_init()) ||
		!make_common_fields(h)) {
		err_set(e, ERR_NET, "libcurl does not start");
		goto fail;
	}
	if (!(h->ca = ca_new(o->cacert, e)))
		goto fail;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)o->max_connections);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_possible());
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS,
		o->max_connections ? (long)o->max_connections : CONNECTIONS_KEPT);
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
		curl_easy_cleanup(h->idle[--h->nidle].easy);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	while (h->socks.next != &h->socks)
		sock_free(h->socks.next);
	sites_free(h->sites);
	loop_timer_clear(&h->timer);
	loop_task_clear(&h->task);
	ca_free(h->ca);
	curl_url_cleanup(h->place.parsed);
	free(h->place.text);
	if (h->agent)
		h->agent->next = NULL;
	curl_slist_free_all(h->agent);
	curl_slist_free_all(h->agent_alone);
	curl_slist_free_all(h->encoding);
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

bool http_way_to(struct http *h, const char *url, struct site_way *out, struct err *e)
{
	struct site *s = sites_of(h->sites, url, e);

	if (s)
		*out = site_way(s);
	return s != NULL;
}

const char *http_version(void)
{
	return curl_version();
}
