/*
 * What a transport consists of, for the files of this folder; nobody else
 * includes this.
 */
#ifndef MPMCP_TRANSPORT_IMPL_H
#define MPMCP_TRANSPORT_IMPL_H

#include "base/mem.h"
#include "mcp/http/transport.h"

/* Of a body that nobody reads, not more than this is taken to save the connection. */
#define DISCARD_MAX ((size_t)64 << 10)

struct exchange_kind; /* exchange_impl.h */

/* ---- session_headers.c ---- */

/* The header fields of requests of one kind, shared by all that were started while nothing
 * changed. */
struct fieldset {
	struct http_fields *fields;
	unsigned refs;
};

enum fieldset_kind {
	FIELDS_POST,  /* session id and version of the session */
	FIELDS_FRESH, /* POST without them */
	FIELDS_GET,   /* an event stream is asked for */
	FIELDS_DELETE,
	FIELDS_KINDS
};

struct session_headers {
	struct http_fields *extra; /* of every request; borrowed */
	char *session, *version;
	char *agent; /* User-Agent; NULL: that of all requests */
	struct fieldset *sets[FIELDS_KINDS];
	unsigned long gen; /* of the authorization in sets */
};

/* The set for the current authorization value; a reference for the caller. NULL with e set when a
 * value cannot be a field. */
struct fieldset *transport_fields(struct transport *t, enum fieldset_kind kind,
	const struct auth_value *v, struct err *e) __attribute__((warn_unused_result));
void fieldset_drop(struct fieldset *s); /* NULL is fine */
void session_headers_forget(struct transport *t);
void session_headers_free(struct transport *t);

/* ---- redirect.c ---- */

struct address {
	char *url;   /* the endpoint, or where it redirected to inside its origin */
	char *given; /* the endpoint as it was given */
};

/* What an address from the server means, relative to base; malloc'ed. NULL with e set when it cannot
 * be used. */
char *transport_join(const char *base, const char *ref, struct err *e)
	__attribute__((warn_unused_result));

/* Where a redirect of *url leads, when that is inside the origin; *url is set to it. A POST follows
 * 307 and 308 only. False with e set otherwise. */
bool transport_redirect(struct transport *t, char **url, bool post, const char *location,
	long status, struct err *e) __attribute__((warn_unused_result));

/* ---- http_sse.c ---- */

/* The event stream of HTTP+SSE, which brings every answer. */
struct channel {
	struct exchange *x;      /* its GET; NULL: closed */
	char *endpoint;          /* where messages are POSTed; NULL until the server has said it */
	struct loop_timer limit; /* for the server to say it */
	int64_t closed_ms;       /* when the last one ended */
	int64_t retry_ms;        /* and how long the server wants to be left alone after that */
	unsigned long count;     /* of those that were opened */
	char name[24];           /* stands for the session id */
	unsigned waiting;        /* exchanges whose answer is awaited on it */
};

/* Opens the stream unless it is open or being opened; exchanges_opened() or exchanges_refused()
 * follows, later. */
void http_sse_open(struct transport *t);
/* Ends it, if there is one: whoever awaits an answer on it is told why. NULL: the session is given
 * up. */
void http_sse_close(struct transport *t, const struct err *why);
void http_sse_free(struct transport *t); /* nobody is told */
/* Another answer is awaited on it, or one less: silence counts while any is. */
void http_sse_await(struct transport *t, bool more);
/* How long the server wants to be left alone after the end, by its retry field (-1: it says none). */
void http_sse_retry(struct transport *t, int64_t ms);

/* ---- get_stream.c ---- */

/* The standalone GET stream of Streamable HTTP. */
struct get_stream {
	struct stream *stream; /* NULL: not wanted */
	bool none; /* the server answered 405 or 501 to GET: remembered for the process */
	bool seen; /* there was one once, in any session */
};

/* The exchanges that waited before reconnecting are through: the GET stream may go on. */
void get_stream_kick(struct stream *s);
void get_stream_free(struct stream *s); /* NULL is fine */

/* ---- session_delete.c ---- */

struct delete_request;
void session_delete_free(struct transport *t);

/* ---- transport.c ---- */

/*
 * What all answers that are not complete yet may hold together, beside MESSAGE_MAX for each: two of the
 * longest, or eight of the longest results that are known to happen. A machine with 2 GiB has that to
 * spare; 128 streams of MESSAGE_MAX each are 32 GiB. Past it the answer that grows fails. To hold it back
 * until there is room would not do: all of them may be unfinished, and none would ever end.
 */
#define TRANSPORT_BUFFERED_MAX (2 * MESSAGE_MAX)

/* Those that have not ended. */
struct exchanges {
	struct exchange *first;
	struct mem_pool spare;
	size_t waiting;  /* for a person to sign in */
	size_t resuming; /* about to GET their stream again */
	int64_t sent_ms; /* when the last message was POSTed */
};

struct transport {
	struct loop *loop;
	struct http *http;
	struct auth *auth;
	struct request_count *rate;
	const struct transport_events *on;
	void *ctx;
	const struct exchange_kind *posts; /* what is spoken: Streamable HTTP or HTTP+SSE */
	bool undecided; /* the other one may still turn out to be the right one */
	struct address at;
	struct session_headers headers;
	struct channel channel;
	struct get_stream get;
	struct exchanges exchanges;
	struct delete_request *deleting;
	struct buf_share buffered; /* of all answers that are not complete yet */
	struct sse *spare;         /* a parser for the next stream; or NULL */
};

/* The server has shown that it speaks this. */
void transport_speaks(struct transport *t, const struct exchange_kind *posts);

/* Media type of an answer; parameters do not count. */
enum media { MEDIA_OTHER, MEDIA_JSON, MEDIA_EVENTS };
enum media transport_media(const struct http_req *r);

/* A parser of one of the transport's streams, which counts in `buffered`. */
struct sse *transport_parser(struct transport *t, sse_fn *fn, void *ctx)
	__attribute__((warn_unused_result));
void transport_parser_free(struct transport *t, struct sse *s); /* NULL is fine */

#endif
