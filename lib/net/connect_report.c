#include "net/connect_report.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"
#include "os/socket.h"

void connect_report_clear(struct connect_report *w)
{
	free(w->why);
	free(w->tried);
	free(w->address);
	free(w->certificate.subject);
	free(w->certificate.issuer);
	free(w->certificate.names);
	*w = (struct connect_report){ 0 };
}

/* ---- addresses ---- */

/* Its port; 0 and "" for a family that libcurl does not use. */
static unsigned address_text(const struct sockaddr *a, char text[static INET6_ADDRSTRLEN])
{
	*text = '\0';
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)a;

		inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
		return ntohs(v4->sin_port);
	}
	if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)a;

		inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
		return ntohs(v6->sin6_port);
	}
	return 0;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct connect_report_log *log = ctx;
	char text[INET6_ADDRSTRLEN];
	int s = os_socket(a->family, a->socktype, a->protocol);
	int copy;

	(void)purpose;
	log->port = address_text(&a->addr, text);
	/* A name with so many addresses that they do not fit is shown with the first ones. */
	if (*text && !buf_addf(&log->tried, "%s%s", log->tried.len ? ", " : "", text))
		return (curl_socket_t)s;
	copy = s < 0 ? -1 : os_socket_dup(s);
	if (copy >= 0 && !buf_add(&log->sockets, &copy, sizeof(copy)))
		os_socket_close(copy);
	return (curl_socket_t)s;
}

void connect_report_watch(struct connect_report_log *log, void *easy)
{
	buf_init(&log->tried, CONNECT_REPORT_TRIED_MAX);
	buf_init(&log->sockets, CONNECT_REPORT_TRIED_MAX);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, log);
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
}

static int copy_at(const struct connect_report_log *log, size_t i)
{
	int copy;

	memcpy(&copy, log->sockets.p + i * sizeof(copy), sizeof(copy));
	return copy;
}

void connect_report_log_clear(struct connect_report_log *log)
{
	for (size_t i = 0; i < log->sockets.len / sizeof(int); i++)
		os_socket_close(copy_at(log, i));
	buf_free(&log->sockets);
	buf_free(&log->tried);
}

/*
 * The address that took the connection. libcurl since 8.0 names it only when all
 * layers stand, TLS among them, and has closed the socket when it gave up; our
 * copy of the socket still knows.
 */
static char *connected_address(CURL *easy, const struct connect_report_log *log)
{
	struct sockaddr_storage peer;
	char *known = NULL, text[INET6_ADDRSTRLEN];

	if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &known) == CURLE_OK && known && *known)
		return mem_dup(known);
	for (size_t i = 0; i < log->sockets.len / sizeof(int); i++) {
		socklen_t n = sizeof(peer);

		if (getpeername(copy_at(log, i), (struct sockaddr *)&peer, &n) != 0)
			continue;
		address_text((struct sockaddr *)&peer, text);
		return mem_dup(text);
	}
	return NULL;
}

/* ---- the certificate ---- */

static char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	return err_clean(mem_dup(line + n + 1));
}

static void take(char **to, const char *line, const char *name)
{
	char *value = *to ? NULL : value_of(line, name);

	if (value)
		*to = value;
}

static void take_date(int64_t *to, const char *line, const char *name)
{
	char *value = value_of(line, name);
	time_t t = value ? curl_getdate(value, NULL) : -1;

	if (t > 0)
		*to = t;
	free(value);
}

/* The first one of the chain: the server's own. */
static void read_certificate(CURL *easy, struct connect_report_certificate *c)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
		info->num_of_certs < 1)
		return;
	for (struct curl_slist *i = info->certinfo[0]; i; i = i->next) {
		take(&c->subject, i->data, "Subject");
		take(&c->issuer, i->data, "Issuer");
		take(&c->names, i->data, "X509v3 Subject Alternative Name");
		take_date(&c->from_s, i->data, "Start date");
		take_date(&c->until_s, i->data, "Expire date");
	}
}

/* ---- how far it got ---- */

static int64_t ms_of(CURL *easy, CURLINFO what)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, what, &us);
	return us > 0 && us < 1000 ? 1 : us / 1000;
}

static enum connect_report_step step_of(CURLcode code, const struct connect_report *w)
{
	switch (code) {
	case CURLE_OK:
		return CONNECT_REPORT_THERE;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return CONNECT_REPORT_PROXY;
	case CURLE_COULDNT_RESOLVE_HOST:
		return CONNECT_REPORT_NAME;
	case CURLE_COULDNT_CONNECT:
		return CONNECT_REPORT_CONNECTION;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return CONNECT_REPORT_TLS;
	default:
		break;
	}
	if (w->connect_status && (w->connect_status < 200 || w->connect_status > 299))
		return CONNECT_REPORT_PROXY;
	if (!w->tried[0])
		return CONNECT_REPORT_NAME; /* it took too long */
	return w->address ? CONNECT_REPORT_TLS : CONNECT_REPORT_CONNECTION;
}

static char *why_of(CURL *easy, CURLcode code, const char *said, struct connect_report *w)
{
	long os = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os);
	w->refused = w->step == CONNECT_REPORT_CONNECTION && os == ECONNREFUSED;
	if (w->step == CONNECT_REPORT_CONNECTION && code == CURLE_COULDNT_CONNECT && os)
		return mem_dup(strerror((int)os));
	if (code == CURLE_OPERATION_TIMEDOUT)
		return mem_dup("no answer in time");
	said = said && *said ? said : curl_easy_strerror(code);
	/* "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number" */
	for (const char *p; (p = strstr(said, "::")) != NULL && p[2];)
		said = p + 2;
	return err_clean(mem_dup(said));
}

void connect_report_read(void *easy, int rc, const char *said, const struct connect_report_log *log,
	struct connect_report *w)
{
	CURLcode code = (CURLcode)rc;

	*w = (struct connect_report){ .tried = mem_dup(buf_str(&log->tried)), .port = log->port };
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &w->connect_status);
	w->name_ms = ms_of(easy, CURLINFO_NAMELOOKUP_TIME_T);
	w->connect_ms = ms_of(easy, CURLINFO_CONNECT_TIME_T);
	w->tls_ms = ms_of(easy, CURLINFO_APPCONNECT_TIME_T);
	w->address = connected_address(easy, log);
	w->step = step_of(code, w);
	read_certificate(easy, &w->certificate);
	if (code == CURLE_OK)
		return;
	w->why = why_of(easy, code, said, w);
	/* A chain that is not trusted ends the handshake; the name is looked at behind it. */
	w->wrong_name = code == CURLE_PEER_FAILED_VERIFICATION && w->certificate.subject;
}
