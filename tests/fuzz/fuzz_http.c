/*
 * Answers of a server, several after each other on the handles and connections
 * of one struct http, through the real libcurl: heads, folded lines, chunks,
 * interim answers, trailers, cookies, resets, over HTTP/1 and HTTP/2.
 *
 * The first byte says how (enum how), the rest is what the server does, in
 * steps that begin with 0xff: each request takes one part, up to the next
 * NEXT. Over HTTP/2 what is between two steps is one frame: type, flags, which
 * stream, payload.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"

/* This program's own http_easy.c speaks HTTP/2 without TLS. */
#include <curl/curl.h>
static long spoken;
#define CURL_HTTP_VERSION_2TLS spoken
#include "../../lib/net/http_easy.c"

enum how {
	HTTP2 = 1,
	COOKIES = 2,
	SIDE_BY_SIDE = 4,
	STOP_IN_HEAD = 8,
	CANCEL_IN_HEAD = 16,
	STOP_IN_BODY = 32,
	ABORT_IN_BODY = 64,
	POSTS = 128,
};

/* The second byte of a step. */
enum step {
	NEXT = 0xff,  /* the answer of the next request */
	PIECE = 0xfe, /* written by itself; a frame over HTTP/2 */
	CLOSE = 0xfd, /* the end of what the server sends */
	RESET = 0xfc, /* of the connection */
};

#define REQUESTS_MAX 8
#define PEERS_MAX 24

/* An answer that does not come to its end is ended after this long. */
#define SILENCE_MS 4

struct peer {
	int fd; /* -1: closed */
	struct loop_watch *watch;
	unsigned char got[8192];
	size_t n;
	bool upgraded, greeted, ended;
};

struct call {
	struct http_req *req;
	int heads, dones;
	bool given_up;
};

static struct {
	struct loop *loop;
	struct http *http;
	struct loop_watch *watch;
	struct loop_timer silence;
	struct loop_task next; /* request, on the handle of the last one */
	struct peer peers[PEERS_MAX];
	size_t npeers;
	struct call calls[REQUESTS_MAX];
	size_t started, over, wanted;
	const uint8_t *p, *end; /* what the server has not said yet */
	uint32_t stream;        /* of the last request, HTTP/2 */
	uint8_t how;
} run;

static int listener = -1;
static char url[64];

static void check(int good)
{
	if (!good)
		abort();
}

/* ---- the server ---- */

static void put(struct peer *p, const void *bytes, size_t n)
{
	/* What does not fit in the socket is lost: broken answers are what this is about. */
	if (p->fd >= 0 && !p->ended && n && send(p->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		p->ended = true;
}

static void hang_up(struct peer *p)
{
	loop_watch_free(p->watch);
	p->watch = NULL;
	if (p->fd >= 0)
		close(p->fd); /* a reset, see take_peer() */
	p->fd = -1;
}

static void put_frame(struct peer *p, const uint8_t *at, size_t n)
{
	const uint32_t streams[] = { 0, run.stream, run.stream + 2, run.stream - 2, 2,
		run.stream + 1 };
	unsigned char head[9];
	uint32_t stream;

	if (n < 3)
		return;
	stream = streams[at[2] % (sizeof(streams) / sizeof(streams[0]))];
	n -= 3;
	head[0] = (unsigned char)(n >> 16);
	head[1] = (unsigned char)(n >> 8);
	head[2] = (unsigned char)n;
	head[3] = at[0];
	head[4] = at[1];
	for (int i = 0; i < 4; i++)
		head[5 + i] = (unsigned char)(stream >> (24 - 8 * i));
	put(p, head, sizeof(head));
	put(p, at + 3, n);
}

/* Up to the next step. */
static void say_piece(struct peer *p)
{
	const uint8_t *at = run.p;

	while (run.p < run.end && !(run.p[0] == 0xff && run.end - run.p > 1 && run.p[1] >= RESET))
		run.p++;
	if (run.how & HTTP2)
		put_frame(p, at, (size_t)(run.p - at));
	else
		put(p, at, (size_t)(run.p - at));
}

static void answer(struct peer *p)
{
	loop_timer_set(&run.silence, SILENCE_MS);
	for (;;) {
		uint8_t step;

		say_piece(p);
		if (run.end - run.p < 2)
			return;
		step = run.p[1];
		run.p += 2;
		if (step == NEXT)
			return;
		if (step == CLOSE && p->fd >= 0) {
			shutdown(p->fd, SHUT_WR);
			p->ended = true;
		} else if (step == RESET) {
			hang_up(p);
		}
	}
}

static void eat(struct peer *p, size_t n)
{
	memmove(p->got, p->got + n, p->n - n);
	p->n -= n;
}

/* A request is a head; what follows of its body is the beginning of the next one's. */
static void read_http1(struct peer *p)
{
	for (size_t i = 0; p->watch && i + 4 <= p->n;) {
		if (memcmp(p->got + i, "\r\n\r\n", 4) != 0) {
			i++;
			continue;
		}
		eat(p, i + 4);
		answer(p);
		i = 0;
	}
}

/* From HTTP/1 to 2 (RFC 7540 section 3.2); the request that asked for it becomes stream 1. With prior
 * knowledge instead, libcurl 7.88 could not use a connection twice. */
static void upgrade(struct peer *p)
{
	static const char switching[] =
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		"Upgrade: h2c\r\n\r\n\0\0\0\4\0\0\0\0";

	for (size_t i = 0; i + 4 <= p->n; i++) {
		if (memcmp(p->got + i, "\r\n\r\n", 4) != 0)
			continue;
		eat(p, i + 4);
		put(p, switching, sizeof(switching));
		p->upgraded = true;
		run.stream = 1;
		answer(p);
		return;
	}
}

/* The preface may stand behind the body of the first request. */
static void greet(struct peer *p)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	const size_t n = sizeof(preface) - 1;

	for (size_t i = 0; i + n <= p->n; i++) {
		if (memcmp(p->got + i, preface, n) != 0)
			continue;
		eat(p, i + n);
		p->greeted = true;
		return;
	}
}

static void read_http2(struct peer *p)
{
	if (!p->upgraded)
		upgrade(p);
	if (p->upgraded && !p->greeted)
		greet(p);
	while (p->watch && p->greeted && p->n >= 9) {
		size_t n = 9 + ((size_t)p->got[0] << 16 | (size_t)p->got[1] << 8 | p->got[2]);
		bool request = p->got[3] == 1;

		if (p->n < n)
			return;
		if (request)
			run.stream = (uint32_t)p->got[5] << 24 | (uint32_t)p->got[6] << 16 |
				     (uint32_t)p->got[7] << 8 | p->got[8];
		eat(p, n);
		if (request)
			answer(p);
	}
}

static void peer_ready(void *ctx, int happened)
{
	struct peer *p = ctx;
	ssize_t n = read(p->fd, p->got + p->n, sizeof(p->got) - p->n);

	(void)happened;
	if (n <= 0) {
		hang_up(p);
		return;
	}
	p->n += (size_t)n;
	if (run.how & HTTP2)
		read_http2(p);
	else
		read_http1(p);
}

static void take_peer(void *ctx, int happened)
{
	/* Closing resets the connection: no port waits for stragglers. */
	const struct linger reset = { 1, 0 };
	struct peer *p;
	int fd = accept(listener, NULL, NULL);

	(void)ctx, (void)happened;
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	check(run.npeers < PEERS_MAX);
	p = &run.peers[run.npeers++];
	*p = (struct peer){ .fd = fd };
	p->watch = loop_watch(run.loop, fd, LOOP_READ, peer_ready, p);
}

static void silence(void *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < run.npeers; i++)
		hang_up(&run.peers[i]);
	loop_timer_set(&run.silence, SILENCE_MS);
}

/* ---- the client ---- */

static void one_over(struct call *c)
{
	c->req = NULL;
	run.over++;
	loop_task_queue(&run.next);
	if (run.over == run.wanted)
		loop_stop(run.loop);
}

static enum http_flow give_up(struct call *c, void (*by)(struct http_req *))
{
	struct http_req *r = c->req;

	c->given_up = true;
	by(r);
	one_over(c);
	return HTTP_GO;
}

static enum http_flow take_head(void *ctx, struct http_req *r, long status)
{
	struct call *c = ctx;
	const char *out[HTTP_CHALLENGES];
	const char *value;

	check(!c->given_up && !c->dones && r == c->req && c->heads++ == 0 && status >= 200);
	for (size_t i = http_challenges(r, out); i > 0; i--)
		check(strlen(out[i - 1]) < HEAD_MAX);
	check(http_retry_after_s(r) >= -1);
	check(http_date_s(r) >= -1);
	for (size_t i = 0; (value = http_answer_field(r, "X", i)); i++)
		check(strlen(value) < HEAD_MAX);
	if (run.how & CANCEL_IN_HEAD)
		return give_up(c, http_cancel);
	return run.how & STOP_IN_HEAD ? HTTP_STOP : HTTP_GO;
}

static enum http_flow take_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	struct call *c = ctx;

	check(!c->given_up && !c->dones && r == c->req && c->heads == 1);
	memset(p, 0, n);
	if (run.how & ABORT_IN_BODY)
		return give_up(c, http_abort);
	return run.how & STOP_IN_BODY ? HTTP_STOP : HTTP_GO;
}

static void take_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct call *c = ctx;

	check(!c->given_up && r == c->req && c->dones++ == 0);
	check((how == HTTP_DONE) == (e == NULL));
	check(how != HTTP_DONE || c->heads == 1);
	check(!e || (e->kind && e->msg[0]));
	one_over(c);
}

static void next_request(void *ctx)
{
	static const struct http_events events = { take_head, take_body, take_done };
	struct call *c;
	struct http_call h = { .method = "GET", .url = url, .on = &events };

	(void)ctx;
	if (run.started == run.wanted)
		return;
	c = &run.calls[run.started++];
	if (run.how & POSTS) {
		h.method = "POST";
		h.body = "{}";
		h.body_len = 2;
	}
	h.ctx = c;
	c->req = http_start(run.http, &h, NULL);
	check(c->req != NULL);
}

static size_t count_answers(const uint8_t *p, size_t n)
{
	size_t answers = 1;

	for (size_t i = 0; i + 1 < n; i++)
		if (p[i] == 0xff && p[i + 1] == NEXT)
			answers++, i++;
	return answers < REQUESTS_MAX ? answers : REQUESTS_MAX;
}

static void open_listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(listener, 64) == 0 &&
		getsockname(listener, (struct sockaddr *)&a, &n) == 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", ntohs(a.sin_port));
	check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_opts o = { 0 };

	if (size < 2)
		return 0;
	if (listener < 0)
		open_listener();
	memset(&run, 0, sizeof(run));
	run.how = data[0];
	run.p = data + 1;
	run.end = data + size;
	run.wanted = count_answers(run.p, size - 1);
	spoken = run.how & HTTP2 ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_1_1;
	o.cookies = run.how & COOKIES;
	run.loop = loop_new(NULL);
	run.http = http_new(run.loop, &o, NULL);
	check(run.loop && run.http);
	run.watch = loop_watch(run.loop, listener, LOOP_READ, take_peer, NULL);
	loop_task_init(&run.next, run.loop, next_request, NULL);
	loop_timer_init(&run.silence, run.loop, silence, NULL);
	loop_timer_set(&run.silence, SILENCE_MS);
	next_request(NULL);
	if (run.how & SIDE_BY_SIDE)
		next_request(NULL);
	check(loop_run(run.loop, NULL));
	http_free(run.http);
	for (size_t i = 0; i < run.npeers; i++)
		hang_up(&run.peers[i]);
	loop_watch_free(run.watch);
	loop_timer_clear(&run.silence);
	loop_task_clear(&run.next);
	loop_free(run.loop);
	return 0;
}
