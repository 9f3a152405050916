#include "net/http_impl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "os/socket.h"

/* ---- what libcurl calls ---- */

/* The header is there: from now on pieces of the body count. */
void http_watch_silence(struct http_req *r)
{
	if (!r->endless && r->http->opts.body_timeout_ms > 0)
		loop_timer_set(&r->timer, r->http->opts.body_timeout_ms);
	else
		loop_timer_clear(&r->timer);
}

/* Of a proxy's answer to CONNECT; of the page that may follow libcurl hands on nothing. */
static void note_proxy(struct http_req *r, const char *p, size_t n)
{
	char line[sizeof(r->proxy_said)], *at = line;

	if (n < 5 || strncmp(p, "HTTP/", 5) != 0)
		return;
	snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line)), p);
	for (int words = 0; words < 2; words++) { /* the version, the status */
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	snprintf(r->proxy_said, sizeof(r->proxy_said), "%.*s", (int)strcspn(at, "\r\n"), at);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_req *r = ctx;
	long status = 0, version = 0;

	n *= size;
	if (!r->sent) {
		note_proxy(r, p, n);
		return n;
	}
	r->head_len += n;
	if (r->jar && n > 11 && strncasecmp(p, "Set-Cookie:", 11) == 0)
		origin_cookie_came(r->site, r->easy);
	if (r->state == REQ_DEAD || r->head_len > HEAD_MAX)
		return 0;
	if (r->head_done || n > 2 || (p[0] != '\r' && p[0] != '\n'))
		return n;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return n;
	curl_easy_getinfo(r->easy, CURLINFO_HTTP_VERSION, &version);
	origin_set_shares(r->site, version >= CURL_HTTP_VERSION_2_0);
	r->head_done = true;
	r->heard_ms = clock_ms();
	http_watch_silence(r);
	http_answered_by(r);
	if (r->on->head(r->ctx, r, status) == HTTP_STOP)
		r->stopped = true;
	return r->stopped ? 0 : n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_req *r = ctx;

	n *= size;
	/* Without a header: behind "101 Switching Protocols", which nobody asked for. */
	if (r->state == REQ_DEAD || r->stopped || !r->head_done)
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

	(void)ip, (void)local_ip;
	r->port_here = local_port;
	r->port_there = port;
	if (r->state == REQ_DEAD)
		return CURL_PREREQFUNC_ABORT;
	r->resent = r->sent;
	r->sent = true;
	r->heard_ms = clock_ms();
	if (!r->resent && r->http->opts.headers_timeout_ms > 0)
		loop_timer_set(&r->timer, r->http->opts.headers_timeout_ms);
	return r->resent ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* An address of the name, about to be connected to; libcurl goes on with the next one when it is passed
 * over. Here, and not when the connection stands: not even its first bytes are for whoever listens. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_req *r = ctx;
	(void)purpose;
	r->barred = r->barred || origin_is_barred(r->site, &a->addr);
	if (r->look_up_only || origin_is_barred(r->site, &a->addr))
		return CURL_SOCKET_BAD;
	return (curl_socket_t)os_socket(a->family, a->socktype, a->protocol);
}

static int on_new_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	struct http_req *r = ctx;

	(void)purpose;
	if (!r->opened_ms)
		r->opened_ms = clock_ms();
	tcp_guard((int)fd);
	return CURL_SOCKOPT_OK;
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

/* ---- what it is told ---- */

/* What is the same for every request. */
static void easy_common(struct http *h, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Names are resolved in a thread. Without this, giving up a request would wait for it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	/* Decompresses; the field itself is ours, see http_fields_common(). */
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_SIZE);
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

/* Where what is called back for belongs. */
static void easy_point(struct http_req *r)
{
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, (char *)r);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->errbuf);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_PREREQDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_SOCKOPTDATA, r);
}

/* The proxy on the way there, and the jar of cookies; NULL: none are kept or sent. */
static void set_up_for(struct http_req *r, const struct origin *site, CURLSH *jar)
{
	if (r->set.site != site) {
		const char *proxy = origin_proxy(site);

		curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION,
			origin_is_watched(site) ? on_open : NULL);
		curl_easy_setopt(r->easy, CURLOPT_PROXY, proxy);
		curl_easy_setopt(r->easy, CURLOPT_NOPROXY, *proxy ? "" : "*");
		/* For CONNECT; the request itself brings its own. */
		curl_easy_setopt(
			r->easy, CURLOPT_USERAGENT, *proxy ? "mpmcp/" MPMCP_VERSION : NULL);
		r->set.site = site;
	}
	if (r->set.jar == jar)
		return;
	curl_easy_setopt(r->easy, CURLOPT_SHARE, NULL);
	curl_easy_setopt(r->easy, CURLOPT_COOKIEFILE, NULL);
	if (jar) {
		curl_easy_setopt(r->easy, CURLOPT_SHARE, jar);
		curl_easy_setopt(r->easy, CURLOPT_COOKIEFILE, ""); /* no file: it means "yes" */
	}
	r->set.jar = jar;
}

/* In place of the one that it has, if any. False: out of memory, and it has none. */
static bool easy_make(struct http *h, struct http_req *r)
{
	curl_easy_cleanup(r->easy);
	r->set = (struct settings){ 0 };
	r->easy = curl_easy_init();
	if (!r->easy)
		return false;
	easy_common(h, r->easy);
	easy_point(r);
	return true;
}

struct http_req *http_easy_get(struct http *h, const struct origin *site, CURLSH *jar)
{
	struct http_req *r = h->nidle ? h->idle[--h->nidle] : mem_new(sizeof(*r));

	if ((!r->easy || r->set.spent) && !easy_make(h, r)) {
		free(r);
		return NULL;
	}
	set_up_for(r, site, jar);
	return r;
}

void http_easy_free(struct http_req *r)
{
	curl_easy_cleanup(r->easy);
	free(r);
}

/* The handle still points at what the request borrowed: whoever uses it again points it elsewhere. */
void http_easy_release(struct http_req *r)
{
	struct http *h = r->http;

	if (h->nidle == IDLE_MAX) {
		http_easy_free(r);
		return;
	}
	r->set.spent = !h->handles_last;
	h->idle[h->nidle++] = r;
	if (r->set.spent)
		loop_task_queue(&h->renewal);
}

void http_easy_renew(void *ctx)
{
	struct http *h = ctx;
	size_t n = 0;

	for (size_t i = 0; i < h->nidle; i++) {
		struct http_req *r = h->idle[i];
		struct settings was = r->set;

		if (was.spent && !easy_make(h, r)) {
			free(r);
			continue;
		}
		if (was.spent)
			set_up_for(r, was.site, was.jar);
		h->idle[n++] = r;
	}
	h->nidle = n;
}

static void set_method(struct http_req *r, const struct http_call *c)
{
	bool post = c->body != NULL, custom = strcmp(c->method, post ? "POST" : "GET") != 0;

	/* Beside a GET it would be the body of the request before. */
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, c->body);
	if (post)
		curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
	/* Setting a body has changed the method, too. */
	if (post && !r->set.post)
		curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
	if (!post)
		curl_easy_setopt(r->easy, CURLOPT_HTTPGET, 1L);
	if (custom || r->set.custom)
		curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, custom ? c->method : NULL);
	r->set.post = post;
	r->set.custom = custom;
}

static void set_connect_only(struct http_req *r, const struct http_call *c)
{
	r->way = mem_new(sizeof(*r->way));
	connect_report_watch(r->way, r->easy);
	curl_easy_setopt(r->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, c->any_peer ? 0L : 1L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, c->any_peer ? 0L : 2L);
}

/* Longer bodies may take their time; the limit for the header counts from their end. */
#define UPLOAD_SMALL ((size_t)64 << 10)

static CURLcode set_url(struct http_req *r, const char *url)
{
	struct place *at = &r->http->place;

	if (!at->users && (!at->text || strcmp(at->text, url) != 0)) {
		curl_url_cleanup(at->parsed);
		free(at->text);
		at->text = mem_dup(url);
		at->parsed = curl_url();
		at->number++;
		if (!at->parsed || curl_url_set(at->parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS) !=
					   CURLUE_OK) {
			curl_url_cleanup(at->parsed);
			at->parsed = NULL;
		}
	}
	r->placed = at->parsed && strcmp(at->text, url) == 0;
	at->users += r->placed;
	if (r->placed && r->set.place == at->number)
		return CURLE_OK;
	r->set.place = r->placed ? at->number : 0;
	curl_easy_setopt(r->easy, CURLOPT_CURLU, r->placed ? at->parsed : NULL);
	/* Beside a parsed one it is only what messages show. */
	return curl_easy_setopt(r->easy, CURLOPT_URL, url);
}

static bool needs_new_connection(const struct http_req *r, const struct http_call *c)
{
	return c->connect_only || c->look_up_only || (c->apart && !origin_shares(r->site));
}

/* libcurl takes 0 for a limit of its own. */
static long connect_limit(const struct http *h, const struct http_call *c)
{
	int64_t ms = c->connect_ms > 0 ? c->connect_ms : h->opts.connect_timeout_ms;

	return ms > 0 && ms < INT_MAX ? (long)ms : INT_MAX;
}

/* Of an https URL: its host is an address, so that there is no wait for a name. */
static bool names_address(const char *url)
{
	const char *host = url + strlen("https://");

	return *host == '[' || strchr(":/?#", host[strspn(host, "0123456789.")]);
}

/* A number that is mostly the one that is set already. */
static void set_number(CURL *easy, CURLoption what, long *is, long value)
{
	if (*is != value)
		curl_easy_setopt(easy, what, value);
	*is = value;
}

static void set_flag(CURL *easy, CURLoption what, bool *is, bool value)
{
	if (*is != value)
		curl_easy_setopt(easy, what, value ? 1L : 0L);
	*is = value;
}

CURLcode http_easy_set(struct http_req *r, const struct http_call *c)
{
	bool tls = strncmp(c->url, "https:", 6) == 0;
	struct curl_slist *fields;

	if (!http_fields_chain(r, c, &fields))
		return CURLE_OUT_OF_MEMORY;
	set_method(r, c);
	r->look_up_only = c->look_up_only;
	if (c->look_up_only)
		curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	/* What a socket takes at once is no upload that could still be going on. */
	if (c->body_len <= UPLOAD_SMALL)
		r->uploaded = (curl_off_t)c->body_len;
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, fields);
	set_number(
		r->easy, CURLOPT_CONNECTTIMEOUT_MS, &r->set.connect_ms, connect_limit(r->http, c));
	set_number(r->easy, CURLOPT_MAXAGE_CONN, &r->set.idle_s, r->http->idle_s);
	set_flag(r->easy, CURLOPT_FRESH_CONNECT, &r->set.fresh,
		c->fresh || needs_new_connection(r, c));
	if (c->connect_only)
		set_connect_only(r, c);
	if (tls && !names_address(c->url))
		ca_expect(r->http->ca);
	/* Waits for a connection that is being opened, in case it will carry many requests. Only over
	 * TLS is that known before the first answer; elsewhere one slow request would hold up all. */
	set_flag(r->easy, CURLOPT_PIPEWAIT, &r->set.waits, tls);
	return set_url(r, c->url);
}
