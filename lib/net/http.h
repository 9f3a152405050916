/*
 * HTTP exchanges on the loop, over libcurl's multi interface driven by its
 * socket callbacks. libcurl is known in this folder alone.
 *
 * What it adds to libcurl: never sends a request twice by itself (libcurl
 * would, when a kept-alive connection dies before the answer), never follows a
 * redirect by itself, splits waiting time into connect, headers and gaps
 * between body pieces, can stand still as a whole (back-pressure), and notices
 * within seconds that a connection is dead (tcp.h): what was on it is lost, and
 * what is suspect, was open when the machine slept or the network changed, or
 * belongs to a failure gets no new request.
 */
#ifndef MPMCP_HTTP_H
#define MPMCP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"
#include "net/origin.h"
#include "net/connect_report.h"

struct http;     /* connections, caches and settings, shared by exchanges */
struct http_req; /* one exchange */

struct http_opts {
	/* The URL that the person gave, or NULL. Other origins are those that servers name: unless the
	 * endpoint is on this machine itself, none of them is connected to here (here.h), whatever its
	 * name stands for. Through a proxy, the proxy decides. */
	const char *endpoint;
	const char *cacert;         /* --cacert FILE, added to nothing: this store alone; or NULL */
	int64_t connect_timeout_ms; /* 0: none */
	int64_t headers_timeout_ms; /* from the request's last byte to the answer's header; 0: none */
	int64_t body_timeout_ms;    /* longest gap between two pieces of a body; 0: none */
	unsigned max_connections;   /* to one host, HTTP/1.1; 0: no limit */
	bool ipv4;                  /* names are resolved to IPv4 only */
	bool cookies;   /* keep cookies, in memory: one jar for each origin (RFC 6265 within it) */
	bool one_proxy; /* without a proxy for https, that for http is used */
};

/* Borrows o only during the call. */
struct http *http_new(struct loop *l, const struct http_opts *o, struct err *e)
	__attribute__((warn_unused_result));
void http_free(struct http *h); /* ends exchanges still running without calling them back */

struct loop *http_loop(const struct http *h); /* what it runs on */

/*
 * While held, nothing is read from or written to any connection: the peers' TCP
 * windows fill and they stop. Time does not count against the time-outs.
 */
void http_hold(struct http *h, bool held);

/*
 * The server keeps idle connections this long ("Keep-Alive: timeout=5"): from now on none is used
 * again that may just be closing, since a request lost that way cannot be repeated.
 */
void http_keep_alive(struct http *h, long server_idle_s);

/* Header fields for requests, in a list that can be shared by many. */
struct http_fields;
/* Name and value must be valid (RFC 9110 section 5); an empty value sends "Name:" with nothing
 * behind it. False, with e set, for CR, LF, NUL, other control characters or a name that is not a
 * token. *f starts as NULL. */
bool http_fields_add(struct http_fields **f, const char *name, const char *value, struct err *e)
	__attribute__((warn_unused_result));
/* *to starts as NULL, and stays so for NULL. False, with e set and nothing in *to, when there is no
 * memory for all of them. */
bool http_fields_copy(struct http_fields **to, const struct http_fields *f, struct err *e)
	__attribute__((warn_unused_result));
/* A User-Agent is among them. NULL: none. */
bool http_fields_name_agent(const struct http_fields *f);
void http_fields_free(struct http_fields *f); /* wipes the values: one of them is a credential */

/* The answer's header, to look up while a callback runs. Values are borrowed, trimmed; NULL when
 * absent. nth counts from 0 for repeated fields. */
const char *http_answer_field(const struct http_req *r, const char *name, size_t nth);

/* The WWW-Authenticate fields (RFC 9110 section 11.6.1), borrowed as above; returns how many. Servers send
 * one or two; more than HTTP_CHALLENGES are not looked at. */
#define HTTP_CHALLENGES 8
size_t http_challenges(const struct http_req *r, const char *out[HTTP_CHALLENGES]);

/* Retry-After in seconds (RFC 9110 section 10.2.3, both forms), at most an hour; -1 when absent or
 * unreadable. */
long http_retry_after_s(const struct http_req *r);

/* The answer's Date (RFC 9110 section 6.6.1), with the Age that a cache adds to it: what the server's
 * clock says now. Seconds since the epoch; -1 when absent or unreadable. */
int64_t http_date_s(const struct http_req *r);

enum http_flow { HTTP_GO, HTTP_STOP /* the exchange ends here, as a success: done() follows */ };

/*
 * How an exchange went. Exactly one done() per http_start() that returned a request, unless
 * http_cancel() came first; the request is freed when it returns.
 */
enum http_outcome {
	HTTP_DONE,        /* the answer arrived whole (or HTTP_STOP was returned) */
	HTTP_UNREACHABLE, /* no connection came about: the server has not seen the request */
	HTTP_SILENT,      /* the same, and nothing answered within the limit for connecting */
	HTTP_BROKEN,      /* the connection failed later: the server may have acted */
	HTTP_TIMED_OUT,   /* no header, or a gap in the body, beyond the limit */
	HTTP_TLS_FAILED,  /* certificate or handshake: not seen by the server either */
	HTTP_NOT_LET,     /* the proxy does not let us through: the same */
};

struct http_events {
	/* The final header (1xx are passed over) is there; status is the HTTP status code. */
	enum http_flow (*head)(void *ctx, struct http_req *r, long status);
	/* A piece of the body, decompressed. The bytes are the callee's to change until it returns. */
	enum http_flow (*body)(void *ctx, struct http_req *r, char *p, size_t n);
	/* e says what failed (kind ERR_NET), in words for a person; NULL with HTTP_DONE. */
	void (*done)(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e);
};

struct http_call {
	const char *method;               /* "GET", "POST", "DELETE" */
	const char *url;                  /* copied */
	const struct http_fields *shared; /* sent first; borrowed until the end of the exchange */
	struct http_fields *own;          /* taken over, also on failure; or NULL */
	const char *body; /* borrowed until the end of the exchange; NULL: no body */
	size_t body_len;
	bool endless; /* a stream that may be silent for ever: no body time-out */
	bool apart; /* where others would have to wait for its end (HTTP/1.1): on a new connection */
	bool fresh;         /* on a new connection, whatever is open: the last one was lost */
	int64_t total_ms;   /* limit for the whole exchange; 0: none */
	int64_t connect_ms; /* limit for connecting; 0: connect_timeout_ms */
	/* A connection, TLS included, and then done(): no request is sent, so nothing is given away. With
	 * any_peer (heeded only then) whoever answers will do: to look at a certificate. */
	bool connect_only, any_peer;
	/* The name is looked up and nothing is connected to: done() comes with HTTP_UNREACHABLE, and
	 * http_was_barred() tells whether the address would have been one of this machine. */
	bool look_up_only;
	const struct http_events *on; /* borrowed */
	void *ctx;
};

/* NULL with e set when libcurl refuses the request; done() is never called from inside it. */
struct http_req *http_start(struct http *h, const struct http_call *c, struct err *e)
	__attribute__((warn_unused_result));

/* headers_timeout_ms, for those who wait for more than a header. */
int64_t http_headers_timeout_ms(const struct http *h);
/* connect_timeout_ms, for those who connect more than once within it. */
int64_t http_connect_timeout_ms(const struct http *h);

/* From now on the body may be silent for ever, or not (any more); once the header is there. */
void http_set_endless(struct http_req *r, bool endless);

/* Ends an exchange at once, without done(). Fine inside its own callbacks. NULL is fine. */
void http_cancel(struct http_req *r);

/* How far a call with connect_only came; while done() runs. connect_report_clear() frees. */
void http_way(const struct http_req *r, struct connect_report *w);

/* Whose certificates are trusted, see ca_describe(). Borrowed. */
const char *http_trust(const struct http *h);

/* After HTTP_TLS_FAILED: see ca_trouble(). */
const char *http_trust_trouble(struct http *h);
const char *http_trust_remedy(const struct http *h); /* see ca_remedy() */

/* The same, and the server learns of it now. Over HTTP/2 libcurl may keep that to itself until the next
 * request on the connection. */
void http_abort(struct http_req *r);

/* While done() runs, after HTTP_BROKEN: the connection went (or its stream), as opposed to an answer that
 * cannot be used. */
bool http_lost(const struct http_req *r);

/* True once a byte of the request may have reached the server. */
bool http_sent(const struct http_req *r);

/* Its name stands for an address that is not for it: see http_opts.endpoint. While done() runs. */
bool http_was_barred(const struct http_req *r);

/* The proxy on the way to this URL, if any. False with e set when its variable holds none. */
bool http_way_to(struct http *h, const char *url, struct origin_way *out, struct err *e)
	__attribute__((warn_unused_result));

/* "libcurl/7.88.1 OpenSSL/3.0.19 ...": for --version. Borrowed, static. */
const char *http_version(void);

#endif
