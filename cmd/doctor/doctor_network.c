/* The way to the server: proxy, name, connection, TLS, HTTP, and what its clock says. */
#include "doctor/doctor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/documents.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "format.h"

/* Smaller differences come from slow answers, and do no harm. */
#define SKEW_S 60

/* ---- one connection, looked at by several checks ---- */

struct attempt {
	struct doctor *d;
	struct connect_report *way;
	struct err *why; /* NULL: not wanted */
	bool over;
};

static enum http_flow no_head(void *ctx, struct http_req *r, long status)
{
	(void)ctx, (void)r, (void)status;
	return HTTP_STOP;
}

static enum http_flow no_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	(void)ctx, (void)r, (void)p, (void)n;
	return HTTP_STOP;
}

static void connected(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct attempt *t = ctx;

	(void)how;
	http_way(r, t->way);
	if (e && t->why)
		*t->why = *e;
	t->over = true;
	loop_stop(t->d->c.loop);
}

/* Without an attempt that came to its end (an interruption) *w is empty. */
static void try_to_connect(
	struct doctor *d, bool any_peer, struct connect_report *w, struct err *why)
{
	static const struct http_events events = { no_head, no_body, connected };
	struct attempt t = { .d = d, .way = w, .why = why };
	struct http_call c = { .method = "GET",
		.url = d->c.url,
		.connect_only = true,
		.any_peer = any_peer,
		.total_ms = 2 * d->c.http_opts.connect_timeout_ms,
		.on = &events,
		.ctx = &t };
	struct err e = { 0 };
	struct http_req *r;

	*w = (struct connect_report){ 0 };
	r = http_start(d->c.http, &c, &e);
	if (!r || !loop_run(d->c.loop, &e))
		diag_debug("%s", err_text(&e));
	if (!t.over)
		http_cancel(r);
}

/* ---- proxy ---- */

static bool proxy_failed(const struct doctor *d, const struct origin_way *p)
{
	const struct connect_report *w = &d->way;
	bool tunnel = w->connect_status >= 200 && w->connect_status <= 299;

	return w->step == CONNECT_REPORT_PROXY || w->step == CONNECT_REPORT_CONNECTION ||
	       (w->step == CONNECT_REPORT_TLS && !tunnel && !p->socks);
}

static void describe_proxy_failure(
	const struct doctor *d, const struct origin_way *p, struct finding *f)
{
	const struct connect_report *w = &d->way;

	if (d->way_why.reason == REASON_PROXY_SIGN_IN || d->way_why.reason == REASON_PROXY_SCHEME) {
		failed_as(f, &d->way_why);
	} else if (w->connect_status) {
		failed(f, ERR_NET, "%s (%s) refuses to connect to %s (HTTP %ld)", p->proxy,
			p->variable, d->u.host, w->connect_status);
		advise(f, "Ask whoever runs the proxy to allow it; NO_PROXY=%s bypasses it.",
			d->u.host);
	} else {
		failed(f, ERR_NET, "%s (%s) cannot be used: %s", p->proxy, p->variable, w->why);
		advise(f, "Correct or unset %s; NO_PROXY=%s bypasses it.", p->variable, d->u.host);
	}
}

void doctor_proxy(struct doctor *d, struct finding *f)
{
	struct origin_way p = { 0 };
	struct err e = { 0 };

	if (!http_way_to(d->c.http, d->c.url, &p, &e)) {
		failed_as(f, &e);
		advise(f, "Correct or unset it.");
		return;
	}
	try_to_connect(d, false, &d->way, &d->way_why);
	d->proxied = p.proxy != NULL;
	if (!d->way.tried)
		skipped(f, "no connection was tried");
	else if (!p.variable)
		found(f, "none");
	else if (!d->proxied)
		found(f, "none for %s, though %s is set", d->u.host, p.variable);
	else if (proxy_failed(d, &p))
		describe_proxy_failure(d, &p, f);
	else
		found(f, "%s (%s)", p.proxy, p.variable);
}

/* ---- name and connection ---- */

static bool is_address(const char *host)
{
	return *host == '[' || strspn(host, "0123456789.") == strlen(host);
}

static bool is_loopback(const struct doctor *d)
{
	return url_is_loopback(&d->u);
}

void doctor_name(struct doctor *d, struct finding *f)
{
	const struct connect_report *w = &d->way;

	if (d->proxied)
		found(f, "%s, which the proxy resolves", d->u.host);
	else if (is_address(d->u.host))
		found(f, "%s is an address", d->u.host);
	else if (w->step == CONNECT_REPORT_NAME) {
		failed(f, ERR_NET, "%s has no address: %s", d->u.host, w->why);
		advise(f, "Check the host in the URL, then this machine's network, VPN and DNS.");
	} else
		found(f, "%s is %s (%lld ms)", d->u.host, w->tried, (long long)w->name_ms);
}

static void advise_connection(const struct doctor *d, struct finding *f)
{
	if (d->way.refused && is_loopback(d))
		advise(f, "Nothing listens there: start the server, or correct the port in the "
			  "URL.");
	else if (d->way.refused)
		advise(f, "Nothing listens there: correct the host or port in the URL.");
	else
		advise(f, "A firewall or VPN may be in the way. If a proxy is required, set "
			  "https_proxy; if IPv6 is broken, use --ipv4.");
}

void doctor_connection(struct doctor *d, struct finding *f)
{
	const struct connect_report *w = &d->way;
	int64_t ms = w->connect_ms - w->name_ms;

	if (d->proxied) {
		found(f, "through the proxy");
	} else if (w->step == CONNECT_REPORT_CONNECTION) {
		failed(f, ERR_NET, "no connection to port %u of %s: %s", d->u.port, w->tried,
			w->why);
		advise_connection(d, f);
	} else {
		found(f, "port %u of %s (%lld ms)", d->u.port, w->address ? w->address : w->tried,
			(long long)(ms > 1 ? ms : 1));
	}
}

/* ---- TLS ---- */

/* "CN = a.example, O = Example" is long; the common name says it, or the organisation. */
static void short_name(const char *dn, char out[100])
{
	static const char *const parts[] = { "CN = ", "CN=", "O = ", "O=" };
	const char *p = NULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !p && dn; i++) {
		p = strstr(dn, parts[i]);
		p = p ? p + strlen(parts[i]) : NULL;
	}
	if (!p)
		p = dn && *dn ? dn : "nobody";
	snprintf(out, 100, "%.*s", (int)strcspn(p, ","), p);
}

/* The certificate of a peer that is not trusted, from a second look; false when there is none. */
static bool bad_dates(
	struct doctor *d, const struct connect_report_certificate *c, struct finding *f)
{
	int64_t now = clock_wall_s();
	char from[FORMAT_DATE], until[FORMAT_DATE], today[FORMAT_DATE];

	format_date(c->from_s, from);
	format_date(c->until_s, until);
	format_date(now, today);
	if (c->until_s && now > c->until_s) {
		failed(f, ERR_NET,
			"the certificate of %s expired on %s; this machine's clock says %s",
			d->u.host, until, today);
		advise(f, "If the clock of this machine is right, whoever runs the server must "
			  "renew it; otherwise set the clock.");
		return true;
	}
	if (now < c->from_s) {
		failed(f, ERR_NET,
			"the certificate of %s is not valid before %s; this machine's clock says "
			"%s",
			d->u.host, from, today);
		advise(f, "Set the clock of this machine.");
		return true;
	}
	return false;
}

static void untrusted(
	struct doctor *d, const struct connect_report_certificate *c, struct finding *f)
{
	char subject[100], issuer[100];
	const char *trouble = http_trust_trouble(d->c.http);

	short_name(c->subject, subject);
	short_name(c->issuer, issuer);
	if (bad_dates(d, c, f))
		return;
	if (d->way.wrong_name) {
		failed(f, ERR_NET, "the certificate is not valid for %s, only for: %s", d->u.host,
			c->names ? c->names : subject);
		advise(f, "Check the host in the URL: another server answers there, or something "
			  "in between.");
	} else if (trouble) {
		failed(f, ERR_NET, "the certificate of %s could not be checked: %s", d->u.host,
			trouble);
		advise(f, "%s", http_trust_remedy(d->c.http));
	} else if (c->subject && c->issuer && strcmp(c->subject, c->issuer) == 0) {
		failed(f, ERR_NET, "the certificate of %s is self-signed (%s) and not in %s",
			d->u.host, subject, http_trust(d->c.http));
		advise(f, "If that server is yours, trust its certificate: --cacert FILE or "
			  "SSL_CERT_FILE.");
	} else {
		failed(f, ERR_NET, "the certificate of %s is issued by \"%s\", which is not in %s",
			d->u.host, issuer, http_trust(d->c.http));
		advise(f, "A company's proxy or server often has its own certificate authority: "
			  "name its file with --cacert, SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.");
	}
}

static void tls_failed(struct doctor *d, struct finding *f)
{
	struct connect_report second;

	try_to_connect(d, true, &second, NULL);
	if (second.step == CONNECT_REPORT_THERE && second.certificate.subject) {
		untrusted(d, &second.certificate, f);
	} else {
		failed(f, ERR_NET, "%s does not speak TLS: %s", d->u.host, d->way.why);
		if (is_loopback(d))
			advise(f, "A server on this machine often uses plain HTTP: write http:// "
				  "in the URL.");
		else
			advise(f, "Check the port in the URL; https is on 443. A proxy or firewall "
				  "in between may also interrupt it.");
	}
	connect_report_clear(&second);
}

void doctor_tls(struct doctor *d, struct finding *f)
{
	const struct connect_report_certificate *c = &d->way.certificate;
	char issuer[100], until[FORMAT_DATE];

	if (strcmp(d->u.scheme, "https") != 0 && is_loopback(d)) {
		skipped(f, "http, inside this machine");
	} else if (strcmp(d->u.scheme, "https") != 0) {
		warn_of(f, "http: the credential crosses the network in the clear");
		advise(f, "Use https where the server has it.");
	} else if (d->way.step != CONNECT_REPORT_THERE) {
		tls_failed(d, f);
	} else {
		short_name(c->issuer, issuer);
		format_date(c->until_s, until);
		found(f, "certificate by \"%s\", good until %s; trusted: %s", issuer, until,
			http_trust(d->c.http));
	}
}

/* ---- HTTP ---- */

/* The first question is one that has to be asked anyway: where to sign in. */
void doctor_http(struct doctor *d, struct finding *f)
{
	doctor_discover(d, NULL);
	if (d->first.status) {
		found(f, "answers (HTTP %ld)", d->first.status);
		return;
	}
	failed_as(f, &d->first.e);
	advise(f, "What answers there is not a web server, or is too slow: check the port in the "
		  "URL.");
}

/* ---- clock ---- */

void doctor_clock(struct doctor *d, struct finding *f)
{
	int64_t skew = d->first.heard_s - d->first.date_s;
	char words[FORMAT_SPAN];

	if (d->first.date_s < 0) {
		skipped(f, "the server sent no date to compare with");
		return;
	}
	format_span(skew < 0 ? -skew : skew, words);
	if (skew <= SKEW_S && skew >= -SKEW_S) {
		found(f, "matches the server's within %d s", SKEW_S);
		return;
	}
	warn_of(f, "this machine's clock is %s %s the server's", words,
		skew < 0 ? "behind" : "ahead of");
	advise(f,
		"Set the clock (timedatectl set-ntp true): certificates and tokens depend on it.");
}
