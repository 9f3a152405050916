#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_impl.h"

/* A server on the same loop: reads a request up to its blank line, then writes what the test says. */
static struct {
	int listener;
	struct loop_watch *watch;
	char url[64];
	const char *answer; /* NULL: none */
	bool close_after;
	void (*then)(void); /* a request is there; or NULL */
	int requests;
	char last[4096];
} server;

struct peer {
	int fd;
	struct loop_watch *watch;
	char got[4096];
	size_t n;
	struct peer *next;
};
static struct peer *peers;

static struct loop *loop;
static struct http *http;

static void peer_ready(void *ctx, int happened)
{
	struct peer *p = ctx;
	ssize_t n = read(p->fd, p->got + p->n, sizeof(p->got) - 1 - p->n);

	(void)happened;
	if (n <= 0) {
		loop_watch_set(p->watch, 0);
		return;
	}
	p->n += (size_t)n;
	p->got[p->n] = 0;
	if (!strstr(p->got, "\r\n\r\n"))
		return;
	server.requests++;
	strcpy(server.last, p->got);
	p->n = 0;
	if (server.answer)
		assert_int_equal(write(p->fd, server.answer, strlen(server.answer)),
			(ssize_t)strlen(server.answer));
	if (server.close_after)
		shutdown(p->fd, SHUT_RDWR);
	if (server.then)
		server.then();
}

static void take_peer(void *ctx, int happened)
{
	struct peer *p = calloc(1, sizeof(*p));

	(void)ctx, (void)happened;
	p->fd = accept(server.listener, NULL, NULL);
	p->watch = loop_watch(loop, p->fd, LOOP_READ, peer_ready, p);
	p->next = peers;
	peers = p;
}

static const struct http_opts opts = {
	.connect_timeout_ms = 10000, .headers_timeout_ms = 60000, .body_timeout_ms = 60000
};

static int start(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	struct err e = { 0 };

	(void)state;
	memset(&server, 0, sizeof(server));
	loop = loop_new(NULL);
	http = http_new(loop, &opts, &e);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	if (!http || bind(server.listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		listen(server.listener, 16) != 0 ||
		getsockname(server.listener, (struct sockaddr *)&a, &n) != 0)
		return -1;
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%u/x", ntohs(a.sin_port));
	server.watch = loop_watch(loop, server.listener, LOOP_READ, take_peer, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	while (peers) {
		struct peer *p = peers;

		peers = p->next;
		loop_watch_free(p->watch);
		close(p->fd);
		free(p);
	}
	loop_watch_free(server.watch);
	close(server.listener);
	loop_free(loop);
	return 0;
}

/* ---- one exchange and what it may do in its callbacks ---- */

enum what { NOTHING, STOP, CANCEL, WAIT /* the loop stops */ };

struct call {
	struct http_req *req;
	enum what in_head, in_body;
	int heads, bodies, dones;
	enum http_outcome how;
	long status, retry_s;
	char body[256], field[64];
	size_t fields;
	bool was_lost;
	struct err e;
};

static enum http_flow act(struct call *c, enum what w)
{
	if (w == CANCEL) {
		http_cancel(c->req);
		c->req = NULL;
		loop_stop(loop);
	}
	if (w == WAIT)
		loop_stop(loop);
	return w == STOP ? HTTP_STOP : HTTP_GO;
}

static enum http_flow on_head(void *ctx, struct http_req *r, long status)
{
	struct call *c = ctx;
	const char *v = http_answer_field(r, "x-thing", 0);

	c->heads++;
	c->status = status;
	c->retry_s = http_retry_after_s(r);
	snprintf(c->field, sizeof(c->field), "%s", v ? v : "(none)");
	while (http_answer_field(r, "X-Many", c->fields))
		c->fields++;
	return act(c, c->in_head);
}

static enum http_flow on_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	struct call *c = ctx;
	size_t have = strlen(c->body);

	(void)r;
	c->bodies++;
	assert_true(have + n < sizeof(c->body));
	memcpy(c->body + have, p, n);
	c->body[have + n] = 0;
	return act(c, c->in_body);
}

static void on_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct call *c = ctx;

	assert_ptr_equal(r, c->req);
	assert_true((e == NULL) == (how == HTTP_DONE));
	c->req = NULL;
	c->dones++;
	c->how = how;
	c->was_lost = http_lost(r);
	if (e)
		c->e = *e;
	loop_stop(loop);
}

static const struct http_events events = { on_head, on_body, on_done };

static void send_call(struct call *c, const char *method, const char *body, struct http_fields *own)
{
	struct http_call h = { .method = method,
		.url = server.url,
		.own = own,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.on = &events,
		.ctx = c };
	struct err e = { 0 };

	c->req = http_start(http, &h, &e);
	assert_non_null(c->req);
	assert_int_equal(c->dones, 0); /* never from inside */
}

static void run(void)
{
	struct err e = { 0 };

	assert_true(loop_run(loop, &e));
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

#define OK \
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing:  a b \r\nX-Many: 1\r\nX-Many: " \
	"2\r\n\r\nhello"

static void answer_arrives_with_its_fields_and_body(void **state)
{
	struct call c = { 0 };
	struct http_fields *f = NULL;
	struct err e = { 0 };

	(void)state;
	server.answer = "HTTP/1.1 103 Early\r\nX-Thing: early\r\n\r\n" OK;
	assert_true(http_fields_add(&f, "X-Mine", "v", &e));
	assert_true(http_fields_add(&f, "X-Empty", "", &e));
	send_call(&c, "POST", "{}", f);
	run();
	assert_int_equal(c.how, HTTP_DONE);
	assert_int_equal(c.status, 200);
	assert_int_equal(c.retry_s, -1);
	assert_string_equal(c.field, "a b");
	assert_int_equal(c.fields, 2);
	assert_string_equal(c.body, "hello");
	assert_int_equal(c.heads, 1);
	assert_int_equal(c.dones, 1);
	assert_non_null(strstr(server.last, "POST /x HTTP/1.1\r\n"));
	assert_non_null(strstr(server.last, "X-Mine: v\r\n"));
	assert_non_null(strstr(server.last, "X-Empty:\r\n"));
	assert_null(strstr(server.last, "Expect:"));
}

static void methods_without_a_body_have_none(void **state)
{
	static const char *const methods[] = { "GET", "DELETE", "GET" };

	(void)state;
	server.answer = OK;
	for (int i = 0; i < 3; i++) {
		struct call c = { 0 };
		char want[32];

		send_call(&c, methods[i], NULL, NULL);
		run();
		snprintf(want, sizeof(want), "%s /x HTTP/1.1\r\n", methods[i]);
		assert_int_equal(c.how, HTTP_DONE);
		assert_ptr_equal(strstr(server.last, want), server.last);
		assert_null(strstr(server.last, "Content-Length"));
		assert_null(strstr(server.last, "Content-Type"));
	}
	assert_null(peers->next); /* all over one connection */
}

/* What is set on a handle stays set, so each request follows one of every other kind. */
static void handle_that_is_used_again_sends_what_the_next_request_says(void **state)
{
	static const struct {
		const char *method, *body, *path;
	} kinds[] = {
		{ "POST", "{\"a\":1}", "x" },
		{ "GET", NULL, "x" },
		{ "DELETE", NULL, "x" },
		{ "POST", "", "x" },
		{ "PUT", "two", "x" },
		{ "POST", "{}", "another" },
	};
	const size_t n = sizeof(kinds) / sizeof(kinds[0]);
	char origin[sizeof(server.url)];
	struct http_req *first = NULL;

	(void)state;
	http->handles_last = true;
	server.answer = OK;
	snprintf(origin, sizeof(origin), "%.*s", (int)(strlen(server.url) - 1), server.url);
	for (size_t i = 0; i < 2 * n * n; i++) {
		size_t k = i % 2 ? i / 2 % n : i / 2 / n;
		struct http_fields *own = NULL;
		struct call c = { 0 };
		char line[64];

		snprintf(server.url, sizeof(server.url), "%s%s", origin, kinds[k].path);
		assert_true(i % 3 || http_fields_add(&own, "X-Once", "v", NULL));
		send_call(&c, kinds[k].method, kinds[k].body, own);
		/* The memory is the one before, too: nothing is allocated for a request. */
		assert_true(!first || c.req == first);
		first = c.req;
		run();
		assert_int_equal(c.how, HTTP_DONE);
		snprintf(line, sizeof(line), "%s /%s HTTP/1.1\r\n", kinds[k].method, kinds[k].path);
		assert_ptr_equal(strstr(server.last, line), server.last);
		assert_int_equal(strstr(server.last, "X-Once: v\r\n") != NULL, i % 3 == 0);
		snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n",
			kinds[k].body ? strlen(kinds[k].body) : 0);
		assert_int_equal(strstr(server.last, line) != NULL, kinds[k].body != NULL);
		assert_int_equal(
			strstr(server.last, "Content-Length") != NULL, kinds[k].body != NULL);
		if (kinds[k].body)
			assert_string_equal(strstr(server.last, "\r\n\r\n") + 4, kinds[k].body);
	}
	assert_null(peers->next);
}

/* One handle of libcurl serves both, one after the other. */
static void proxy_of_one_site_is_none_of_another(void **state)
{
	static const char *const urls[] = { "http://service.test/a", NULL,
		"http://service.test/a" };
	char own[sizeof(server.url)], proxy[sizeof(server.url)];

	(void)state;
	snprintf(own, sizeof(own), "%s", server.url);
	snprintf(proxy, sizeof(proxy), "%.*s", (int)(strlen(own) - strlen("/x")), own);
	setenv("http_proxy", proxy, 1);
	http_free(http);
	http = http_new(loop, &opts, NULL); /* which looks at the variable */
	assert_non_null(http);
	server.answer = OK;
	for (int i = 0; i < 3; i++) {
		struct call c = { 0 };
		const char *want =
			urls[i] ? "GET http://service.test/a HTTP/1.1\r\n" : "GET /x HTTP/1.1\r\n";

		snprintf(server.url, sizeof(server.url), "%s", urls[i] ? urls[i] : own);
		send_call(&c, "GET", NULL, NULL);
		run();
		assert_int_equal(c.how, HTTP_DONE);
		assert_ptr_equal(strstr(server.last, want), server.last);
	}
	unsetenv("http_proxy");
}

static void stopping_in_a_callback_is_a_success_and_ends_it_once(void **state)
{
	(void)state;
	server.answer = OK;
	for (int in_body = 0; in_body < 2; in_body++) {
		struct call c = { .in_head = in_body ? NOTHING : STOP, .in_body = STOP };

		send_call(&c, "GET", NULL, NULL);
		run();
		assert_int_equal(c.how, HTTP_DONE);
		assert_int_equal(c.dones, 1);
		assert_int_equal(c.bodies, in_body);
	}
}

static void nothing_is_called_after_a_cancellation(void **state)
{
	(void)state;
	server.answer = OK;
	for (int in_body = 0; in_body < 2; in_body++) {
		struct call c = { .in_head = in_body ? NOTHING : CANCEL, .in_body = CANCEL },
			    next = { 0 };

		send_call(&c, "GET", NULL, NULL);
		run();
		assert_int_equal(c.heads, 1);
		assert_int_equal(c.bodies, in_body);
		send_call(&next, "GET", NULL, NULL);
		run();
		assert_int_equal(next.dones, 1);
		assert_int_equal(c.dones, 0);
	}
}

static void cancelled_before_it_was_sent_it_is_not_sent(void **state)
{
	struct call c = { 0 }, next = { 0 };

	(void)state;
	server.answer = OK;
	send_call(&c, "GET", NULL, NULL);
	http_cancel(c.req);
	http_cancel(NULL);
	send_call(&next, "GET", NULL, NULL);
	run();
	assert_int_equal(server.requests, 1);
	assert_int_equal(c.dones, 0);
}

static void cancel_next(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct call *c = ctx;

	on_done(c, r, how, e);
	http_cancel(c[1].req);
}

static const struct http_events refused_events = { on_head, on_body, cancel_next };

static void one_that_is_not_taken_may_cancel_those_behind_it(void **state)
{
	struct call c[3] = { { 0 } };
	CURLM *elsewhere = curl_multi_init();
	CURL *easy;

	(void)state;
	http->handles_last = true; /* or it would be gone before it is taken out of there */
	server.answer = OK;
	for (size_t i = 0; i < 3; i++)
		send_call(&c[i], "GET", NULL, NULL);
	easy = c[0].req->easy;
	c[0].req->on = &refused_events;
	/* A handle that has a place already is refused. */
	assert_int_equal(curl_multi_add_handle(elsewhere, easy), CURLM_OK);
	while (!c[0].dones || !c[2].dones)
		run();
	assert_int_equal(c[0].how, HTTP_UNREACHABLE);
	assert_int_equal(c[1].dones, 0);
	assert_int_equal(c[2].how, HTTP_DONE);
	assert_int_equal(server.requests, 1);
	curl_multi_remove_handle(elsewhere, easy);
	curl_multi_cleanup(elsewhere);
}

/* ---- one that is cancelled in the callbacks of another ---- */

/* More than the buffers between two sockets hold. */
#define LARGE ((size_t)64 << 20)

static struct {
	struct call first, second;
	struct loop_task over;
	struct loop_watch *watch;
	int listener, fd; /* where the second one goes; nobody reads there by himself */
	char url[64], *body;
} both;

static enum http_flow cancel_second(void *ctx, struct http_req *r, char *p, size_t n)
{
	(void)ctx, (void)r, (void)p, (void)n;
	http_cancel(both.second.req);
	if (both.body)
		memset(both.body, '!', LARGE); /* it is ours again */
	return HTTP_GO;
}

static void first_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	(void)r, (void)e;
	((struct call *)ctx)->how = how;
	((struct call *)ctx)->dones++;
	loop_task_queue(&both.over); /* the round goes on */
}

static const struct http_events first_events = { on_head, cancel_second, first_done };

static void start_first(void)
{
	struct http_call h = {
		.method = "GET", .url = server.url, .on = &first_events, .ctx = &both.first
	};

	loop_task_init(&both.over, loop, stop, NULL);
	both.first.req = http_start(http, &h, NULL);
	assert_non_null(both.first.req);
}

static void start_second(void)
{
	struct http_call h = { .method = "POST",
		.url = both.url,
		.body = both.body,
		.body_len = LARGE,
		.on = &events,
		.ctx = &both.second };

	server.then = NULL;
	both.second.req = http_start(http, &h, NULL);
	assert_non_null(both.second.req);
}

/* What has come so far; true when there is a '!' in it. */
static bool drain(void)
{
	static char piece[1 << 16];
	bool found = false;
	ssize_t n;

	while ((n = read(both.fd, piece, sizeof(piece))) > 0)
		found = found || memchr(piece, '!', (size_t)n);
	return found;
}

/* In one round of the loop the first one is answered and the second one can go on. */
static void second_comes(void *ctx, int happened)
{
	(void)ctx, (void)happened;
	loop_watch_set(both.watch, 0);
	assert_false(drain());
	assert_int_equal(write(peers->fd, OK, strlen(OK)), (ssize_t)strlen(OK));
}

static void take_second(void *ctx, int happened)
{
	(void)ctx, (void)happened;
	both.fd = accept(both.listener, NULL, NULL);
	fcntl(both.fd, F_SETFL, O_NONBLOCK);
	loop_watch_free(both.watch);
	both.watch = loop_watch(loop, both.fd, LOOP_READ, second_comes, NULL);
}

static void listen_for_second(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	both.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(both.listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(both.listener, 1), 0);
	assert_int_equal(getsockname(both.listener, (struct sockaddr *)&a, &n), 0);
	snprintf(both.url, sizeof(both.url), "http://127.0.0.1:%u/x", ntohs(a.sin_port));
	both.watch = loop_watch(loop, both.listener, LOOP_READ, take_second, NULL);
}

static void body_is_not_read_after_a_cancellation(void **state)
{
	(void)state;
	memset(&both, 0, sizeof(both));
	both.body = malloc(LARGE);
	memset(both.body, 'b', LARGE);
	listen_for_second();
	server.then = start_second;
	start_first();
	run();
	assert_int_equal(both.first.how, HTTP_DONE);
	assert_int_equal(both.second.dones, 0);
	assert_false(drain());
	loop_watch_free(both.watch);
	close(both.listener);
	close(both.fd);
	free(both.body);
}

static void cancelled_while_it_waits_for_a_connection_it_is_not_sent(void **state)
{
	struct http_opts o = { .max_connections = 1 };
	struct call next = { 0 };

	(void)state;
	http_free(http);
	http = http_new(loop, &o, NULL);
	memset(&both, 0, sizeof(both));
	server.answer = OK;
	start_first();
	send_call(&both.second, "DELETE", NULL, NULL);
	run();
	assert_int_equal(both.first.dones, 1);
	send_call(&next, "GET", NULL, NULL);
	run();
	assert_int_equal(next.how, HTTP_DONE);
	assert_int_equal(server.requests, 2);
	assert_int_equal(both.second.dones, 0);
}

static void failures_are_told_apart(void **state)
{
	struct call c = { 0 };

	(void)state;
	server.close_after = true;
	send_call(&c, "POST", "{}", NULL);
	run();
	assert_int_equal(c.how, HTTP_BROKEN);
	assert_int_equal(c.e.kind, ERR_NET);
	assert_int_equal(server.requests, 1);

	c = (struct call){ 0 };
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
	send_call(&c, "POST", "{}", NULL);
	run();
	assert_int_equal(c.how, HTTP_BROKEN);
	assert_string_equal(c.body, "short");

	c = (struct call){ 0 };
	loop_watch_free(server.watch);
	server.watch = NULL;
	close(server.listener);
	send_call(&c, "POST", "{}", NULL);
	run();
	assert_int_equal(c.how, HTTP_UNREACHABLE);
	server.listener = dup(0);
}

static void reused_connection_that_dies_is_not_tried_twice(void **state)
{
	struct call c = { 0 };

	(void)state;
	server.answer = OK;
	send_call(&c, "POST", "{}", NULL);
	run();
	c = (struct call){ 0 };
	server.answer = NULL;
	server.close_after = true;
	send_call(&c, "POST", "{}", NULL);
	run();
	assert_int_equal(c.how, HTTP_BROKEN);
	assert_int_equal(server.requests, 2);
}

static void let_go(void *ctx)
{
	(void)ctx;
	http_hold(http, false);
}

static void held_nothing_moves_until_it_is_let_go(void **state)
{
	struct loop_timer t;
	struct call c = { 0 };

	(void)state;
	server.answer = OK;
	http_hold(http, true);
	send_call(&c, "GET", NULL, NULL);
	loop_timer_init(&t, loop, stop, NULL);
	loop_timer_set(&t, 20);
	run();
	assert_int_equal(server.requests, 0);
	loop_timer_init(&t, loop, let_go, NULL);
	loop_timer_set(&t, 0);
	run();
	assert_int_equal(c.how, HTTP_DONE);
}

static void freeing_all_ends_what_runs_without_a_call(void **state)
{
	struct call c[20] = { 0 };
	struct loop_timer t;

	(void)state;
	for (int i = 0; i < 20; i++)
		send_call(&c[i], "GET", NULL, NULL);
	loop_timer_init(&t, loop, stop, NULL);
	loop_timer_set(&t, 20);
	run();
	http_free(http);
	http = NULL;
	for (int i = 0; i < 20; i++)
		assert_int_equal(c[i].dones, 0);
}

static void silence_is_a_time_out_of_its_own(void **state)
{
	struct http_opts o = { .headers_timeout_ms = 20, .body_timeout_ms = 20 };
	struct call c = { 0 };

	(void)state;
	http_free(http);
	http = http_new(loop, &o, NULL);
	send_call(&c, "GET", NULL, NULL);
	run();
	assert_int_equal(c.how, HTTP_TIMED_OUT);
	assert_int_equal(c.heads, 0);
	c = (struct call){ 0 };
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
	send_call(&c, "GET", NULL, NULL);
	run();
	assert_int_equal(c.how, HTTP_TIMED_OUT);
	assert_int_equal(c.heads, 1);
}

/*
 * A line that continues the one before (RFC 9112 section 5.2) may come first, where there is none: libcurl
 * before 8.1.0 took the last one of its handle's answer before, which it had freed. Versions that do not take
 * such an answer at all are right, too.
 */
static void answer_that_begins_with_a_folded_line_has_nothing_of_the_one_before(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct call c = { 0 };

		server.answer = i % 2 ? "HTTP/1.1 200 OK\r\n X-Thing: folded\r\n"
					"Content-Length: 2\r\n\r\nhi"
				      : OK;
		send_call(&c, "GET", NULL, NULL);
		run();
		if (c.how == HTTP_DONE)
			assert_string_equal(c.body, i % 2 ? "hi" : "hello");
		else
			assert_true(i % 2 && c.how == HTTP_BROKEN && !c.heads);
		assert_int_equal(c.fields, i % 2 ? 0 : 2);
	}
}

/* ---- what servers elsewhere lead to ---- */

static bool was_barred;

static void note_barred(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	was_barred = http_was_barred(r);
	on_done(ctx, r, how, e);
}

static const struct http_events barred_events = { on_head, on_body, note_barred };

/* With this endpoint, to the server of the test, which is at 127.0.0.1. */
static struct call ask_from(const char *endpoint, bool look_up_only)
{
	struct http_opts o = { .endpoint = endpoint };
	struct call c = { 0 };
	struct http_call h = { .method = "GET",
		.url = server.url,
		.look_up_only = look_up_only,
		.on = &barred_events,
		.ctx = &c };

	http_free(http);
	http = http_new(loop, &o, NULL);
	assert_non_null(http);
	server.requests = 0;
	server.answer = OK;
	c.req = http_start(http, &h, NULL);
	assert_non_null(c.req);
	run();
	return c;
}

static void server_elsewhere_leads_to_no_connection_here(void **state)
{
	static const char *const elsewhere[] = { "http://192.0.2.1/mcp", "https://mcp.test/mcp",
		"https://169.254.0.1/mcp" };
	struct call c;

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		c = ask_from(elsewhere[i], false);
		assert_int_equal(c.how, HTTP_UNREACHABLE);
		assert_true(was_barred);
		assert_non_null(strstr(c.e.msg, "points into this machine"));
		assert_null(peers);
	}
	c = ask_from("http://localhost:1/mcp", false);
	assert_int_equal(c.how, HTTP_DONE);
	c = ask_from(server.url, false);
	assert_int_equal(c.how, HTTP_DONE);
	c = ask_from(NULL, false);
	assert_int_equal(c.how, HTTP_DONE);
	assert_false(was_barred);
}

static void name_that_is_looked_up_is_not_connected_to(void **state)
{
	struct call c = ask_from("https://mcp.test/mcp", true);

	(void)state;
	assert_int_equal(c.how, HTTP_UNREACHABLE);
	assert_true(was_barred);
	c = ask_from("http://localhost:1/mcp", true);
	assert_int_equal(c.how, HTTP_UNREACHABLE);
	assert_false(was_barred);
	assert_null(peers);
	c = ask_from("http://localhost:1/mcp", false); /* the handle has forgotten */
	assert_int_equal(c.how, HTTP_DONE);
}

/* What is behind it is no body to anybody who has had no header. */
static void interim_answer_that_is_the_last_is_no_answer(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: "
		"Upgrade\r\n\r\nhi",
		"HTTP/1.1 101 X\r\n\r\n2\r\nhi\r\n",
		"HTTP/1.1 101 X\r\nContent-Length: 0\r\n\r\n",
	};

	(void)state;
	server.close_after = true;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct call c = { 0 };

		server.answer = answers[i];
		send_call(&c, "GET", NULL, NULL);
		run();
		assert_int_equal(c.how, HTTP_BROKEN);
		assert_int_equal(c.heads + c.bodies, 0);
	}
}

static void retry_after_is_read_in_its_forms(void **state)
{
	static const struct {
		const char *value;
		long s;
	} rows[] = { { "0", 0 }, { "7", 7 }, { "86400", 3600 }, { "99999999999999999999", 3600 },
		{ "-5", -1 }, { "soon", -1 }, { "", -1 }, { "Fri, 01 Jan 2100 00:00:00 GMT", 3600 },
		{ "Thu, 01 Jan 1970 00:00:10 GMT", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call c = { 0 };
		char answer[200];

		snprintf(answer, sizeof(answer),
			"HTTP/1.1 429 No\r\nContent-Length: 0\r\nRetry-After: %s\r\n\r\n",
			rows[i].value);
		server.answer = answer;
		send_call(&c, "GET", NULL, NULL);
		run();
		if (c.retry_s != rows[i].s)
			fail_msg("\"%s\" gave %ld", rows[i].value, c.retry_s);
	}
}

/* ---- fields ---- */

static void fields_that_would_break_the_header_are_refused(void **state)
{
	static const struct {
		const char *name, *value;
	} bad[] = { { "", "v" }, { "a b", "v" }, { "a:", "v" }, { "a\r\nb", "v" },
		{ "\xc3\xa4", "v" }, { "a", "v\r\nX: y" }, { "a", "v\n" }, { "a", "\x01" },
		{ "a", "\x7f" } };
	struct http_fields *f = NULL, *copy = NULL;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e.kind = ERR_NONE;
		assert_false(http_fields_add(&f, bad[i].name, bad[i].value, &e));
		assert_int_equal(e.kind, ERR_USAGE);
	}
	assert_null(f);
	assert_true(http_fields_add(&f, "a", "tab\tand \xc3\xa4", &e));
	assert_true(http_fields_copy(&copy, f, &e));
	assert_non_null(copy);
	http_fields_free(f);
	http_fields_free(copy);
	copy = NULL;
	assert_true(http_fields_copy(&copy, NULL, &e));
	assert_null(copy);
	http_fields_free(NULL);
}

/* Copies of strings that libcurl may still make; below 0: as many as it likes. */
static int strings_left = -1;

static char *scarce_strdup(const char *s)
{
	if (strings_left == 0)
		return NULL;
	strings_left -= strings_left > 0;
	return strdup(s);
}

/* A request without some of its fields would be another request. */
static void fields_are_copied_whole_or_not_at_all(void **state)
{
	struct http_fields *f = NULL, *copy = NULL;
	struct err e = { 0 };

	(void)state;
	assert_true(http_fields_add(&f, "a", "1", &e) && http_fields_add(&f, "b", "2", &e));
	for (strings_left = 0; strings_left < 2;) {
		int left = strings_left;

		e.kind = ERR_NONE;
		assert_false(http_fields_copy(&copy, f, &e));
		assert_int_equal(e.kind, ERR_LIMIT);
		assert_null(copy);
		strings_left = left + 1;
	}
	assert_true(http_fields_copy(&copy, f, &e));
	strings_left = -1;
	http_fields_free(f);
	http_fields_free(copy);
}

static size_t connections(void)
{
	size_t n = 0;

	for (struct peer *p = peers; p; p = p->next)
		n++;
	return n;
}

static void get(struct call *c, bool endless)
{
	struct http_call h = {
		.method = "GET", .url = server.url, .endless = endless, .on = &events, .ctx = c
	};
	struct err e = { 0 };

	c->req = http_start(http, &h, &e);
	assert_non_null(c->req);
	run();
}

/* A laptop slept; its time-outs did, too. */
static void connection_of_before_a_sleep_gets_nothing_new(void **state)
{
	struct call first = { 0 }, second = { 0 }, third = { 0 };

	(void)state;
	server.answer = OK;
	clock_set(1000, 1795512600);
	get(&first, false);
	get(&second, false);
	assert_int_equal(connections(), 1);
	clock_set(2000, 1795512900);
	get(&third, false);
	assert_int_equal(third.how, HTTP_DONE);
	assert_int_equal(connections(), 2);
	clock_set(-1, -1);
}

static void stream_of_before_a_sleep_ends(void **state)
{
	struct call stream = { .in_body = WAIT }, call = { 0 };

	(void)state;
	server.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n";
	clock_set(1000, 1795512600);
	get(&stream, true);
	assert_int_equal(stream.bodies, 1);
	server.answer = OK;
	clock_set(2000, 1795512900);
	get(&call, false); /* ends with the first that is done */
	assert_int_equal(stream.dones, 1);
	assert_int_equal(stream.how, HTTP_BROKEN);
	assert_true(stream.was_lost);
	run();
	assert_int_equal(call.how, HTTP_DONE);
	assert_int_equal(connections(), 2);
	clock_set(-1, -1);
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, start, end)
	const struct CMUnitTest tests[] = {
		ONE(answer_arrives_with_its_fields_and_body),
		ONE(methods_without_a_body_have_none),
		ONE(handle_that_is_used_again_sends_what_the_next_request_says),
		ONE(proxy_of_one_site_is_none_of_another),
		ONE(stopping_in_a_callback_is_a_success_and_ends_it_once),
		ONE(nothing_is_called_after_a_cancellation),
		ONE(cancelled_before_it_was_sent_it_is_not_sent),
		ONE(one_that_is_not_taken_may_cancel_those_behind_it),
		ONE(body_is_not_read_after_a_cancellation),
		ONE(cancelled_while_it_waits_for_a_connection_it_is_not_sent),
		ONE(failures_are_told_apart),
		ONE(reused_connection_that_dies_is_not_tried_twice),
		ONE(held_nothing_moves_until_it_is_let_go),
		ONE(freeing_all_ends_what_runs_without_a_call),
		ONE(silence_is_a_time_out_of_its_own),
		ONE(connection_of_before_a_sleep_gets_nothing_new),
		ONE(stream_of_before_a_sleep_ends),
		ONE(answer_that_begins_with_a_folded_line_has_nothing_of_the_one_before),
		ONE(server_elsewhere_leads_to_no_connection_here),
		ONE(name_that_is_looked_up_is_not_connected_to),
		ONE(interim_answer_that_is_the_last_is_no_answer),
		ONE(retry_after_is_read_in_its_forms),
		cmocka_unit_test(fields_that_would_break_the_header_are_refused),
		cmocka_unit_test(fields_are_copied_whole_or_not_at_all),
	};

	/* Before anybody else sets libcurl up: later it keeps what it has. */
	if (curl_global_init_mem(
		    CURL_GLOBAL_DEFAULT, malloc, free, realloc, scarce_strdup, calloc) != CURLE_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
