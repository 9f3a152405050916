/*
 * What was met on the way to a server: proxy, name, address, TLS, certificate.
 * Read from libcurl after an attempt to connect, for people to whom a failure
 * has to be explained; the only file besides http.c, ca.c and url.c that knows
 * libcurl.
 */
#ifndef MPMCP_WAY_H
#define MPMCP_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Where an attempt ended, in the order of the way. */
enum way_step {
	WAY_PROXY,      /* the proxy: its name, its address, or its refusal */
	WAY_NAME,       /* the server's name has no address */
	WAY_CONNECTION, /* no TCP connection */
	WAY_TLS,        /* handshake or certificate */
	WAY_THERE,      /* connected */
};

struct way_certificate {
	char *subject, *issuer;  /* "CN = ..., O = ..."; NULL when there is no certificate */
	char *names;             /* "DNS:a.example, IP Address:192.0.2.1"; NULL when it has none */
	int64_t from_s, until_s; /* since the epoch; 0 when unreadable */
};

/* Strings are owned; way_clear() frees. */
struct way {
	enum way_step step;
	char *why;     /* what failed, in libcurl's or the system's words; NULL at WAY_THERE */
	char *tried;   /* addresses that were tried: "192.0.2.1, 2001:db8::1"; "" when none */
	char *address; /* the one that answered, the proxy's when there is one; NULL: none */
	unsigned port; /* of what was tried last; 0: nothing was */
	long connect_status; /* HTTP status of a proxy's answer to CONNECT; 0: not asked */
	int64_t name_ms, connect_ms, tls_ms; /* each from the start on; 0: did not get there */
	bool refused;                        /* nobody listens there (ECONNREFUSED) */
	bool wrong_name;                     /* the certificate is trusted, but for other names */
	struct way_certificate certificate;
};
void way_clear(struct way *w);

/* Addresses as they are tried; put before way_read(). */
#define WAY_TRIED_MAX 256
struct way_log {
	struct buf tried;
	struct buf sockets; /* int each: our copies of what libcurl opened */
	unsigned port;
};
void way_watch(struct way_log *log, void *easy); /* log must live as long as the attempt */
void way_log_clear(struct way_log *log);

/* code: CURLcode of the attempt; said: libcurl's error buffer. */
void way_read(void *easy, int code, const char *said, const struct way_log *log, struct way *w);

#endif
