#include "mcp/http/transport.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/transport_impl.h"
#include "net/url.h"

struct delete_request {
	struct transport *t;
	struct http_req *req;
	struct fieldset *fields;
	struct loop_timer limit;
	void (*done)(void *ctx);
	void *ctx;
};

struct transport *transport_new(struct loop *l, struct http *h, struct auth *a,
	const struct transport_opts *o, const struct transport_events *on, void *ctx)
{
	struct transport *t = mem_new(sizeof(*t));

	t->loop = l;
	t->http = h;
	t->auth = a;
	t->given = mem_dup(o->url);
	t->url = mem_dup(o->url);
	t->extra = o->fields;
	t->rate = o->rate;
	t->sse = o->kind == TRANSPORT_SSE_FIRST || o->kind == TRANSPORT_SSE_ONLY;
	t->undecided = o->kind == TRANSPORT_HTTP_FIRST || o->kind == TRANSPORT_SSE_FIRST;
	t->buffered.cap = TRANSPORT_BUFFERED_MAX;
	t->sent_ms = clock_ms();
	t->on = on;
	t->ctx = ctx;
	return t;
}

/* ---- header fields ---- */

void fieldset_drop(struct fieldset *s)
{
	if (!s || --s->refs)
		return;
	http_fields_free(s->fields);
	free(s);
}

static void forget_fields(struct transport *t)
{
	for (size_t i = 0; i < FIELDS_KINDS; i++) {
		fieldset_drop(t->sets[i]);
		t->sets[i] = NULL;
	}
}

static bool add_fields(struct transport *t, enum fieldset_kind kind, const char *authorization,
	struct http_fields **f, struct err *e)
{
	bool post = kind == FIELDS_POST || kind == FIELDS_FRESH;
	const char *accept = post ? "application/json, text/event-stream" : "text/event-stream";

	if (kind != FIELDS_DELETE && !http_fields_add(f, "Accept", accept, e))
		return false;
	if (post && !http_fields_add(f, "Content-Type", "application/json", e))
		return false;
	if (authorization && !http_fields_add(f, "Authorization", authorization, e))
		return false;
	if (t->agent && !http_fields_name_agent(t->extra) &&
		!http_fields_add(f, "User-Agent", t->agent, e))
		return false;
	if (kind == FIELDS_FRESH)
		return true;
	/* In HTTP+SSE the address says which session it is. */
	return (!t->session || t->sse || http_fields_add(f, "Mcp-Session-Id", t->session, e)) &&
	       (!t->version || http_fields_add(f, "MCP-Protocol-Version", t->version, e));
}

struct fieldset *transport_fields(
	struct transport *t, enum fieldset_kind kind, const struct auth_value *v, struct err *e)
{
	struct fieldset *s;

	if (v->gen != t->gen)
		forget_fields(t);
	t->gen = v->gen;
	if (!t->sets[kind]) {
		s = mem_new(sizeof(*s));
		s->refs = 1;
		if (!http_fields_copy(&s->fields, t->extra, e) ||
			!add_fields(t, kind, v->field, &s->fields, e)) {
			fieldset_drop(s);
			return NULL;
		}
		t->sets[kind] = s;
	}
	t->sets[kind]->refs++;
	return t->sets[kind];
}

/* ---- session ---- */

/* MCP 2025-11-25, Session Management: visible ASCII. The cap only keeps absurdity out of every
 * request; ids known are under 200 bytes. */
#define SESSION_ID_MAX 4096

static bool is_visible(const char *s)
{
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e)
			return false;
	return true;
}

static bool set_value(
	struct transport *t, char **where, const char *value, const char *what, struct err *e)
{
	if (value && (!*value || !is_visible(value) || strlen(value) > SESSION_ID_MAX))
		return err_set(
			e, ERR_PROTO, "the server sent a %s that cannot be a header field", what);
	if (*where && value && strcmp(*where, value) == 0)
		return true;
	free(*where);
	*where = value ? mem_dup(value) : NULL;
	forget_fields(t);
	return true;
}

bool transport_set_session(struct transport *t, const char *id, struct err *e)
{
	if (id)
		diag_hide(id, strlen(id));
	return set_value(t, &t->session, id, "session id", e);
}

bool transport_set_version(struct transport *t, const char *version, struct err *e)
{
	return set_value(t, &t->version, version, "protocol version", e);
}

void transport_set_agent(struct transport *t, const char *agent)
{
	if (t->agent && strcmp(t->agent, agent) == 0)
		return;
	free(t->agent);
	t->agent = mem_dup(agent);
	forget_fields(t);
}

void transport_forget_session(struct transport *t)
{
	http_sse_close(t, NULL);
	free(t->session);
	free(t->version);
	t->session = t->version = NULL;
	forget_fields(t);
}

const char *transport_session(const struct transport *t)
{
	return t->session;
}

const char *transport_version(const struct transport *t)
{
	return t->version;
}

size_t transport_waiting(const struct transport *t)
{
	return t->waiting;
}

void transport_limited(struct transport *t, long wait_s)
{
	request_count_refused(t->rate, wait_s);
}

unsigned long transport_sent(const struct transport *t)
{
	return t->sent;
}

int64_t transport_idle_ms(const struct transport *t)
{
	return clock_ms() - t->sent_ms;
}

void transport_hold(struct transport *t, bool held)
{
	http_hold(t->http, held);
}

/* ---- small things about answers ---- */

struct sse *transport_parser(struct transport *t, sse_fn *fn, void *ctx)
{
	struct sse *s = sse_new(MESSAGE_MAX, fn, ctx);

	sse_share(s, &t->buffered);
	return s;
}

bool transport_type_is(const struct http_req *r, const char *type)
{
	const char *have = http_answer_field(r, "Content-Type", 0);
	size_t n = strlen(type);

	return have && strncasecmp(have, type, n) == 0 && strchr("; \t", have[n]) != NULL;
}

/* An address for a message: without its query, where services put what nobody else is to see. */
static char *shown(const struct url *u)
{
	struct buf b;
	char *text;

	buf_init(&b, URL_MAX);
	text = url_origin(u, &b) && buf_adds(&b, u->path) ? mem_dup(buf_str(&b)) : mem_dup("?");
	buf_free(&b);
	return text;
}

/* A page where a person signs in, as gateways lead to that know browsers only. */
static bool is_web_sign_in(const struct url *u)
{
	static const char *const marks[] = { "login", "signin", "sign-in", "sign_in", "logon",
		"sso", "saml", "adfs", "authorize" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (const char *p = u->path; *p; p++)
			if (strncasecmp(p, marks[i], strlen(marks[i])) == 0)
				return true;
	return false;
}

static bool is_https_to_http(const struct url *from, const struct url *to)
{
	return strcmp(from->scheme, "https") == 0 && strcmp(to->scheme, "http") == 0 &&
	       strcmp(from->host, to->host) == 0;
}

/* Behind a proxy that speaks TLS for it, a server often takes itself for one without. */
static bool other_scheme(const struct url *from, const struct url *to, long status, struct err *e)
{
	struct url https = *from;
	char *address;

	https.path = to->path;
	address = shown(&https);
	err_set(e, ERR_PROTO,
		"the server redirects (HTTP %ld) from https to http://%s%s, where this credential "
		"must not go",
		status, to->host, to->path);
	err_advise(e, REASON_REDIRECT,
		"Use %s as the URL. The server does not know that it is reached over TLS: whoever "
		"runs it has to pass the scheme on (X-Forwarded-Proto).",
		address);
	free(address);
	return false;
}

/* Where a message cannot follow: out of the origin, or as a GET. */
static bool leads_elsewhere(const struct transport *t, const char *to, long status, struct err *e)
{
	struct url from = { 0 }, u = { 0 };
	bool other = !url_same_origin(to, t->given);
	char *address;

	if (!url_parse(t->given, &from, NULL) || !url_parse(to, &u, NULL)) {
		err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) to another origin", status);
		goto out;
	}
	if (is_https_to_http(&from, &u)) {
		other_scheme(&from, &u, status, e);
		goto out;
	}
	address = shown(&u);
	if (is_web_sign_in(&u)) {
		err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) to a web sign-in, %.400s",
			status, address);
		err_advise(e, REASON_REDIRECT,
			"A program cannot pass it. Check that the URL is that of an MCP endpoint; "
			"if it is, give the credential that this gateway takes with --header.");
	} else {
		err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) to %s%.400s%s", status,
			other ? "another origin, " : "", address,
			other ? ", where this credential must not go"
			      : "; a message cannot be repeated there");
		err_advise(e, REASON_REDIRECT, "%s address as the URL.",
			other ? "If you trust it, use that" : "Use that");
	}
	free(address);
out:
	url_clear(&from);
	url_clear(&u);
	return false;
}

/* libcurl would take a user name in the address for a credential. */
static bool names_user(const char *url)
{
	struct url u;
	bool yes = url_parse(url, &u, NULL) && u.userinfo;

	url_clear(&u);
	return yes;
}

char *transport_join(const char *base, const char *ref, struct err *e)
{
	char *to = url_join(base, ref, e);

	if (to && names_user(to)) {
		err_set(e, ERR_PROTO, "the address holds a user name or password");
		free(to);
		return NULL;
	}
	return to;
}

bool transport_redirect(struct transport *t, char **url, bool post, const char *location,
	long status, struct err *e)
{
	char *to;

	if (!location)
		return err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) without saying where",
			status);
	to = transport_join(*url, location, e);
	if (!to)
		return err_prefix(e,
			"the server redirects (HTTP %ld) to an address that cannot be used",
			status);
	if (url_same_origin(to, t->given) && (!post || status == 307 || status == 308)) {
		free(*url);
		*url = to;
		return true;
	}
	leads_elsewhere(t, to, status, e);
	free(to);
	return false;
}

/* ---- DELETE ---- */

static void delete_free(struct delete_request *d)
{
	http_cancel(d->req);
	loop_timer_clear(&d->limit);
	fieldset_drop(d->fields);
	free(d);
}

static void delete_over(struct delete_request *d)
{
	struct transport *t = d->t;
	void (*done)(void *ctx) = d->done;
	void *ctx = d->ctx;

	t->deleting = NULL;
	delete_free(d);
	done(ctx);
}

static enum http_flow delete_head(void *ctx, struct http_req *r, long status)
{
	(void)ctx, (void)r;
	diag_debug("DELETE of the session answered HTTP %ld", status);
	return HTTP_STOP;
}

static enum http_flow delete_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	(void)ctx, (void)r, (void)p, (void)n;
	return HTTP_STOP;
}

static void delete_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct delete_request *d = ctx;

	(void)r, (void)how;
	if (e)
		diag_debug("DELETE of the session: %s", e->msg);
	d->req = NULL;
	delete_over(d);
}

static void delete_late(void *ctx)
{
	delete_over(ctx);
}

static const struct http_events delete_events = { delete_head, delete_body, delete_done };

void transport_delete(struct transport *t, int64_t ms, void (*done)(void *ctx), void *ctx)
{
	struct delete_request *d = mem_new(sizeof(*d));
	struct auth_value v = { 0 };
	struct err e = { 0 };

	*d = (struct delete_request){ .t = t, .done = done, .ctx = ctx };
	if (t->deleting)
		delete_free(t->deleting);
	loop_timer_init(&d->limit, t->loop, delete_late, d);
	t->deleting = d;
	http_sse_close(t, NULL);
	loop_timer_set(&d->limit, t->session && !t->sse ? ms : 0);
	if (!t->session || t->sse || auth_value(t->auth, &v, NULL, &e) != AUTH_READY)
		return;
	d->fields = transport_fields(t, FIELDS_DELETE, &v, &e);
	if (d->fields) {
		struct http_call c = { .method = "DELETE",
			.url = t->url,
			.shared = d->fields->fields,
			.on = &delete_events,
			.ctx = d };

		d->req = http_start(t->http, &c, &e);
	}
	if (d->req)
		request_count_count(t->rate);
	else
		loop_timer_set(&d->limit, 0);
}

void transport_free(struct transport *t)
{
	if (!t)
		return;
	http_sse_free(t);
	while (t->exchanges)
		exchange_cancel(t->exchanges);
	get_stream_free(t->stream);
	if (t->deleting)
		delete_free(t->deleting);
	forget_fields(t);
	free(t->url);
	free(t->given);
	free(t->session);
	free(t->version);
	free(t->agent);
	free(t);
}
