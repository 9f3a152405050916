/*
 * What was met on the way to a server: proxy, name, address, TLS, certificate.
 * Read from libcurl after an attempt to connect, for people to whom a failure
 * has to be explained; the only file besides http.c, ca.c and url.c that knows
 * libcurl.
 */
#ifndef MPMCP_CONNECT_REPORT_H
#define MPMCP_CONNECT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Where an attempt ended, in the order of the way. */
enum connect_report_step {
	CONNECT_REPORT_PROXY,      /* the proxy: its name, its address, or its refusal */
	CONNECT_REPORT_NAME,       /* the server's name has no address */
	CONNECT_REPORT_CONNECTION, /* no TCP connection */
	CONNECT_REPORT_TLS,        /* handshake or certificate */
	CONNECT_REPORT_THERE,      /* connected */
};

struct connect_report_certificate {
	char *subject, *issuer;  /* "CN = ..., O = ..."; NULL when there is no certificate */
	char *names;             /* "DNS:a.example, IP Address:192.0.2.1"; NULL when it has none */
	int64_t from_s, until_s; /* since the epoch; 0 when unreadable */
};

/* Strings are owned; connect_report_clear() frees. */
struct connect_report {
	enum connect_report_step step;
	char *why; /* what failed, in libcurl's or the system's words; NULL at CONNECT_REPORT_THERE */
	char *tried;         /* addresses that were tried: "192.0.2.1, 2001:db8::1"; "" when none */
	char *address;       /* the one that answered, the proxy's when there is one; NULL: none */
	unsigned port;       /* of what was tried last; 0: nothing was */
	long connect_status; /* HTTP status of a proxy's answer to CONNECT; 0: not asked */
	int64_t name_ms, connect_ms, tls_ms; /* each from the start on; 0: did not get there */
	bool refused;                        /* nobody listens there (ECONNREFUSED) */
	bool wrong_name;                     /* the certificate is trusted, but for other names */
	struct connect_report_certificate certificate;
};
void connect_report_clear(struct connect_report *w);

/* Addresses as they are tried; put before connect_report_read(). */
#define CONNECT_REPORT_TRIED_MAX 256
struct connect_report_log {
	struct buf tried;
	struct buf sockets; /* int each: our copies of what libcurl opened */
	unsigned port;
};
void connect_report_watch(
	struct connect_report_log *log, void *easy); /* log must live as long as the attempt */
void connect_report_log_clear(struct connect_report_log *log);

/* code: CURLcode of the attempt; said: libcurl's error buffer. */
void connect_report_read(void *easy, int code, const char *said,
	const struct connect_report_log *log, struct connect_report *w);

#endif
