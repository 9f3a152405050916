#include "net/http_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

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

/* Of an answer without a header: libcurl could not read it (a folded line that comes first is a bad argument
 * to some versions), or takes an interim one for the end. */
static bool is_malformed(CURLcode rc)
{
	return rc == CURLE_WEIRD_SERVER_REPLY || rc == CURLE_BAD_FUNCTION_ARGUMENT ||
	       rc == CURLE_WRITE_ERROR || rc == CURLE_OK;
}

/* What the proxy said to CONNECT; 0: nothing. */
static long proxy_status(const struct http_req *r)
{
	long status = 0;

	if (origin_proxy_words(r->site))
		curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status;
}

enum http_outcome http_outcome_of(const struct http_req *r, CURLcode rc)
{
	if (r->stopped || (rc == CURLE_OK && (r->head_done || r->way)))
		return HTTP_DONE;
	if (r->timed_out)
		return HTTP_TIMED_OUT;
	if (r->sent)
		return HTTP_BROKEN;
	if (proxy_status(r) >= 300)
		return HTTP_NOT_LET;
	if (is_tls_failure(rc))
		return HTTP_TLS_FAILED;
	return rc == CURLE_OPERATION_TIMEDOUT ? HTTP_SILENT : HTTP_UNREACHABLE;
}

bool http_lost(const struct http_req *r)
{
	if (r->resent || r->silent)
		return true;
	switch (r->code) {
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return r->sent && !r->overran && r->head_len <= HEAD_MAX;
	default:
		return false;
	}
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

/* It offers only ways to sign in that take a ticket or a domain's account. A libcurl that was built without
 * them does not list them: then nothing is left. */
static bool wants_single_sign_on(const struct http_req *r)
{
	const int built_in = CURL_VERSION_NTLM | CURL_VERSION_SPNEGO;
	long offered = 0;

	curl_easy_getinfo(r->easy, CURLINFO_PROXYAUTH_AVAIL, &offered);
	if (!offered)
		return !(curl_version_info(CURLVERSION_NOW)->features & built_in);
	return (offered & (long)(CURLAUTH_NTLM | CURLAUTH_NEGOTIATE)) != 0 &&
	       !(offered & (long)CURLAUTH_BASIC);
}

/* What the proxy said to CONNECT. */
static void describe_proxy(struct http_req *r, const char *host, struct err *e)
{
	const char *proxy = origin_proxy_words(r->site), *variable = origin_way(r->site).variable;
	long status = proxy_status(r);

	if (status != 407) {
		err_clean(diag_redact(r->proxy_said));
		err_set(e, ERR_NET, "%s refuses to connect to %s (HTTP %ld%s%s)", proxy, host,
			status, *r->proxy_said ? ": " : "", r->proxy_said);
		err_advise(e, REASON_PROXY_REFUSED,
			"Ask whoever runs the proxy to allow %s; if it can be reached directly, "
			"NO_PROXY=%s bypasses the proxy.",
			host, host);
	} else if (wants_single_sign_on(r)) {
		err_set(e, ERR_NET,
			"%s requires NTLM or Negotiate (HTTP 407), which mpmcp does not support",
			proxy);
		err_advise(e, REASON_PROXY_SIGN_IN,
			"Run a local proxy that does, such as cntlm or px, and name that one in "
			"%s.",
			variable);
	} else {
		err_set(e, ERR_NET,
			"%s requires a user name and password, or does not accept those it got "
			"(HTTP 407)",
			proxy);
		err_advise(e, REASON_PROXY_SIGN_IN,
			"Put them into the variable: %s=http://USER:PASSWORD@HOST:PORT.", variable);
	}
}

/* A variable that says https:// means the way to the proxy, and few proxies speak TLS themselves. Once one
 * has answered CONNECT, it does; so does one whose certificate is not trusted. */
static bool proxy_speaks_no_tls(const struct http_req *r, CURLcode rc)
{
	struct origin_way way = origin_way(r->site);

	return rc != CURLE_PEER_FAILED_VERIFICATION && way.proxy &&
	       strncmp(way.proxy, "https://", 8) == 0 && proxy_status(r) == 0;
}

/* X509_V_*: numbers that do not change (X509_STORE_CTX_get_error(3)). libcurl begins with the first. */
enum { CERT_NOT_JUDGED = 1, CERT_NOT_YET_VALID = 9, CERT_HAS_EXPIRED = 10 };

static void advise_tls(struct http_req *r, CURLcode rc, struct err *e)
{
	const char *trouble = ca_trouble(r->http->ca);
	long verified = 0;

	curl_easy_getinfo(r->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
	if (verified <= CERT_NOT_JUDGED)
		curl_easy_getinfo(r->easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &verified);
	if (verified == CERT_HAS_EXPIRED || verified == CERT_NOT_YET_VALID)
		err_advise(e, REASON_CERT_DATES,
			"Check the clock of this machine; if it is right, whoever runs the server "
			"has to renew the certificate.");
	else if (trouble)
		err_advise(e, REASON_CERT_UNKNOWN, "%c%s. %s", toupper((unsigned char)*trouble),
			trouble + 1, ca_remedy(r->http->ca));
	else if (verified > CERT_NOT_JUDGED)
		err_advise(e, REASON_CERT_UNKNOWN,
			"If a proxy or the server uses a certificate authority of its own, name "
			"its "
			"file with --cacert or SSL_CERT_FILE.");
	else if (rc == CURLE_PEER_FAILED_VERIFICATION)
		err_advise(e, REASON_CERT_NAME,
			"Check the host in the URL: another server answers there, or something in "
			"between.");
	else
		err_advise(e, REASON_TLS,
			"Check the port in the URL; a proxy or firewall in between may also "
			"interrupt TLS.");
}

static void describe_tls(
	struct http_req *r, CURLcode rc, const char *host, const char *said, struct err *e)
{
	struct origin_way way = origin_way(r->site);

	if (!proxy_speaks_no_tls(r, rc)) {
		err_set(e, ERR_NET, "no secure connection to %s: %s", host, said);
		advise_tls(r, rc, e);
		return;
	}
	err_set(e, ERR_NET, "%s does not answer in TLS: %s", origin_proxy_words(r->site), said);
	err_advise(e, REASON_PROXY_SCHEME,
		"Write http:// in place of https:// in %s: it is the scheme of the proxy, not of "
		"the service.",
		way.variable);
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

void http_describe(struct http_req *r, CURLcode rc, enum http_outcome how, struct err *e)
{
	char host[300];
	const char *said = r->errbuf[0] ? r->errbuf : curl_easy_strerror(rc);
	const char *proxy = origin_proxy_words(r->site);

	host_of(r, host, sizeof(host));
	if (how == HTTP_NOT_LET)
		describe_proxy(r, host, e);
	else if (r->head_len > HEAD_MAX)
		err_set(e, ERR_LIMIT, "%s sent more than %zu KiB of header fields", host,
			HEAD_MAX >> 10);
	else if (r->overran)
		err_set(e, ERR_LIMIT,
			"%s sent compressed data that expands to more than %ld MiB at once", host,
			OVERRUN_MAX >> 20);
	else if (!r->head_done && !r->resent && is_malformed(rc))
		err_set(e, ERR_NET, "%s sent an answer that is not valid HTTP", host);
	else if (r->silent)
		err_set(e, ERR_NET, "the connection to %s was lost: no more data arrived", host);
	else if (r->resent || (how == HTTP_BROKEN && !r->head_done))
		err_set(e, ERR_NET, "%s closed the connection before it answered", host);
	else if (how == HTTP_TLS_FAILED || (how == HTTP_SILENT && proxy_speaks_no_tls(r, rc)))
		describe_tls(r, rc, host, said, e);
	else if (how == HTTP_TIMED_OUT)
		err_set(e, ERR_NET, "%s sent %s in time", host,
			r->head_done ? "no more data" : "no answer");
	else if (how == HTTP_UNREACHABLE && r->barred)
		err_set(e, ERR_NET,
			"%s points into this machine or to a link-local address, which is not "
			"allowed for a remote server; no request was sent",
			host);
	else if (how == HTTP_UNREACHABLE || how == HTTP_SILENT)
		err_set(e, ERR_NET, "cannot reach %s%s%s: %s", host, proxy ? " through " : "",
			proxy ? proxy : "", why_unreachable(r, rc, said));
	else
		err_set(e, ERR_NET, "the connection to %s broke: %s", host, said);
	if (e->reason == REASON_NONE && e->kind == ERR_NET)
		e->reason = r->sent ? REASON_INTERRUPTED : REASON_UNREACHABLE;
}
