/*
 * The parts of http.h: http.c has the exchanges and their time-outs; http_pool.c
 * connections and their sockets on the loop; http_watch.c which of those are dead;
 * http_fields.c the header fields of both directions; http_easy.c what is set on
 * libcurl's handle of one exchange and what it calls back; http_fail.c what
 * becomes of one that failed, in words.
 */
#ifndef MPMCP_HTTP_IMPL_H
#define MPMCP_HTTP_IMPL_H

#include <curl/curl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/ca.h"
#include "net/http.h"
#include "net/tcp.h"

/* Handles kept ready for the next request. Beyond a burst of this size a new one costs a few
 * microseconds. */
#define IDLE_MAX 64

/*
 * libcurl from 8.2.0 on lets a handle be used again. Before, the handle still points at the last field of
 * its last answer, which is freed: an answer that begins with a folded line is then written behind it
 * (lib/headers.c, prevhead). Decided by the library that is loaded, not by the one that we were built with.
 */
#define HANDLES_LAST_SINCE 0x080200u

/* libcurl's buffer for one read: large enough for full-speed transfers, below the size (128 KiB) at
 * which malloc would ask the kernel for each one. */
#define READ_SIZE 65536L

/* Bodies taken while held: libcurl goes on with all that it has read, and unpacks it. There are ways of
 * packing (Brotli, Zstandard) that make gigabytes of one read; honest data stays far below this. */
#define OVERRUN_MAX (READ_SIZE << 12)

/* How often connections are looked at while an answer is awaited on one. */
#define LOOK_MS 1000

/* All header fields of one answer together: what nginx, Envoy and Node allow, four times over. */
#define HEAD_MAX ((size_t)256 << 10)

/*
 * While requests run, the list may go on behind `last` with another one: a
 * request's own fields with the shared ones, these with fields that all have.
 */
struct http_fields {
	struct curl_slist *list, *last;
	bool agent, encoding; /* holds a User-Agent, an Accept-Encoding of the person's own */
	bool cookie;          /* one of them is Cookie: it takes the place of those that are kept */
};

/* What libcurl waits for: of connections those that carry requests. */
struct sock {
	struct pool *pool;
	struct loop_watch *watch;
	curl_socket_t fd;
	int events;
	struct tcp_ends ends;  /* of a connection that stands */
	int64_t owed_since_ms; /* seen with something unacknowledged since; 0: not */
	int64_t pinged_ms;     /* a PING went out then; 0: none that is not answered */
	int64_t asked_ms;      /* when one should have */
	bool awaited;          /* some request on it waits for its answer, at the last look */
	bool broken;           /* http_break() */
	bool probed;           /* tcp_await() */
	struct sock *prev, *next;
};

/*
 * Connections and names. Requests begin in the newest pool; an older one only
 * goes on with those that it has. So a doubtful connection gets nothing new, which
 * libcurl has no other way to say while it carries a request.
 */
struct pool {
	struct http *http;
	CURLM *multi;
	struct loop_timer timer; /* libcurl's own */
	struct pool *older;
	size_t users;         /* requests */
	struct tcp_ends ends; /* of the newest connection that brought an answer */
};

enum req_state {
	REQ_QUEUED,  /* to be given to libcurl at the end of the round */
	REQ_RUNNING, /* libcurl has it */
	REQ_DEAD,    /* cancelled inside one of libcurl's callbacks; freed once outside */
};

/* What is set on a handle: mostly it is what the next request needs, too. */
struct settings {
	const struct origin *site; /* its proxy, its rules for addresses */
	CURLSH *jar;
	unsigned long place;     /* the number of the parsed URL; 0: another URL */
	long connect_ms, idle_s; /* 0: not set yet */
	bool post, custom;       /* has a body; a method of its own */
	bool fresh, waits;       /* CURLOPT_FRESH_CONNECT, CURLOPT_PIPEWAIT */
	bool spent;              /* not to be used again: HANDLES_LAST_SINCE */
};

struct http_req {
	/* These two are kept for the next request, and with them the memory, to which the handle points. */
	CURL *easy;
	struct settings set;

	struct http *http;
	struct pool *pool; /* that it is in; NULL: in none */
	struct origin *site;
	CURLSH *jar; /* the site's cookies; NULL: none are kept or sent */
	enum req_state state;
	const struct http_events *on;
	void *ctx;
	struct http_fields *own;
	struct loop_timer timer; /* headers, then body gaps */
	struct loop_timer total;
	int64_t heard_ms; /* when the last piece of the body or the whole header came, or the request
			     went out: a header that comes in drops has no more time than others */
	int64_t opened_ms;   /* when its first socket was; 0: it has a connection, or none yet */
	curl_off_t uploaded; /* at the last look */
	size_t head_len;
	bool head_done, stopped, sent, resent, timed_out, endless, aborted;
	bool overran; /* OVERRUN_MAX */
	bool barred;  /* an address was passed over: origin_is_barred() */
	bool look_up_only;
	bool silent;                    /* its connection was given up: the other end is silent */
	int port_here, port_there;      /* of its connection, once sent */
	struct connect_report_log *way; /* only with connect_only */
	CURLMcode refused; /* CURLM_OK: libcurl was not asked yet, or took it and did not lose it */
	CURLcode code;     /* how it ended */
	bool placed;       /* counted in http->place */
	char errbuf[CURL_ERROR_SIZE];
	char proxy_said[100]; /* the reason in its answer to CONNECT */
	struct http_req *prev, *next;
};

/*
 * A URL that libcurl has parsed: most requests go to the one endpoint. It must
 * stay as it is while requests use it.
 */
struct place {
	char *text;
	CURLU *parsed;
	unsigned long number; /* counts the URLs that were here */
	unsigned users;
};

struct http {
	struct loop *loop;
	struct pool *pool; /* the newest */
	struct http_opts opts;
	struct ca *ca;
	struct origins *sites;
	struct place place;
	struct curl_slist *agent, *encoding; /* fields of every request: agent's list goes on with
					      * encoding's node */
	struct curl_slist *agent_alone;
	struct loop_timer watch; /* looks at connections while any is in use */
	struct clock_mark clocks;
	struct loop_watch *changes; /* tcp_changes(); NULL: not watched (yet) */
	int changes_fd;
	bool changes_tried;
	struct loop_timer settling; /* after a change, until the next has not come */
	struct loop_task task;      /* starts queued requests, frees dead ones */
	struct loop_task renewal;   /* of spent handles, once the answer has been passed on */
	struct sock socks;          /* sentinel */
	struct http_req reqs;       /* sentinel of all requests not yet freed */
	struct mem_pool spare_socks;
	bool handles_last; /* HANDLES_LAST_SINCE */
	struct http_req *idle[IDLE_MAX];
	size_t nidle;
	long idle_s;     /* how long a connection may have been idle to be used again */
	unsigned inside; /* depth of calls into libcurl that may call us back */
	bool held;
	size_t overrun; /* bytes of bodies taken since */
	bool any_dead;  /* some request is REQ_DEAD and libcurl still has it */
};

/* ---- http.c ---- */

/* Takes what libcurl finished. */
void http_collect(struct http *h);
/* Those that were cancelled inside libcurl go, before it can go on with them. */
void http_bury(struct http *h);

/* ---- http_pool.c: none of these inside libcurl, but for http_retire() ---- */

struct pool *http_pool_new(struct http *h)
	__attribute__((warn_unused_result)); /* NULL: no memory */
void http_pools_free(struct http *h);
void http_pools_sweep(struct http *h); /* old ones without requests go */
void http_pools_hold(struct http *h, bool held);
/* Gives the request's handle to the newest pool; takes it back. */
CURLMcode http_pool_enter(struct http_req *r) __attribute__((warn_unused_result));
void http_pool_leave(struct http_req *r);
void http_pool_go(struct pool *p); /* libcurl goes on at once */
/* If p is the newest pool, another one takes its place. */
void http_retire(struct http *h, const struct pool *p);
/* Sends a PING, if it is HTTP/2 (from libcurl 8.10 on) and others may get one, too. NULL: it ended
 * meanwhile. */
struct sock *http_ping(struct sock *s);
/* What it connects; n is 0 as long as it does not. */
const struct tcp_ends *http_sock_ends(struct sock *s);
/* The connection that carries the request; NULL: none does (yet). libcurl itself only tells after the end
 * (CURLINFO_ACTIVESOCKET). */
struct sock *http_sock_of(const struct http_req *r);
/* Ends a connection with all that is on it, as lost. */
void http_break(struct sock *s);

/* ---- http_watch.c ---- */

void http_watch_due(void *ctx); /* the watch timer; ctx: the struct http */
/* Before requests start: did the machine sleep, did the network change? */
void http_look_around(struct http *h);
/* The first answer over a connection. */
void http_answered_by(struct http_req *r);
void http_watch_free(struct http *h);

/* ---- http_fields.c ---- */

/* The fields that every request has, made once. False: out of memory. */
bool http_fields_common(struct http *h) __attribute__((warn_unused_result));
void http_fields_common_free(struct http *h);
/* All fields of the request r for c as one list, its own first; valid until r is freed or another
 * request is given the same shared ones. False: out of memory. */
bool http_fields_chain(struct http_req *r, const struct http_call *c, struct curl_slist **fields)
	__attribute__((warn_unused_result));

/* ---- http_easy.c ---- */

/* A request to this site, with its handle and nothing else in it; a kept one if there is any. NULL: out of
 * memory. */
struct http_req *http_easy_get(struct http *h, const struct origin *site, CURLSH *jar)
	__attribute__((warn_unused_result));
/* Back to those that are kept; or away with it. */
void http_easy_release(struct http_req *r);
void http_easy_free(struct http_req *r);
/* A task: new handles in the places of those that are spent. To make one costs 10 us, a fifth of a small
 * call; so it is done when the answer is on its way and the client busy with it. ctx: the struct http. */
void http_easy_renew(void *ctx);
CURLcode http_easy_set(struct http_req *r, const struct http_call *c)
	__attribute__((warn_unused_result));
/* The header is there: from now on pieces of the body count. */
void http_watch_silence(struct http_req *r);

/* ---- http_fail.c ---- */

enum http_outcome http_outcome_of(const struct http_req *r, CURLcode rc);
void http_describe(struct http_req *r, CURLcode rc, enum http_outcome how, struct err *e);

#endif
