#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loopback.h"

static struct loop *loop;
static struct listener *listener;
static struct err e;
static char query[8192];
static int calls;
static struct listen_conn *held;
static bool hold; /* the page comes later */

static void on_callback(void *ctx, struct listen_conn *c, const char *q)
{
	(void)ctx;
	calls++;
	snprintf(query, sizeof(query), "%s", q);
	if (hold)
		held = c;
	else
		loopback_page(c, 200,
			&(struct page){
				.title = "Title <b>", .todo = "Text & \"more\" <script>'x'" });
}

static int start(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	calls = 0;
	query[0] = 0;
	hold = false;
	held = NULL;
	e = (struct err){ 0 };
	/* A port that is free a moment ago; eight are tried. */
	listener = loopback_new(loop, "localhost", 20000 + (unsigned)(getpid() % 20000), 200, "/cb",
		on_callback, NULL, &e);
	return listener ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	loopback_free(listener);
	loop_free(loop);
	return 0;
}

/* ---- a browser ---- */

static int dial(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		fail_msg("cannot connect to port %u", port);
	return fd;
}

static void stop_loop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void peer_ready(void *ctx, int happened)
{
	(void)ctx, (void)happened;
	loop_stop(loop);
}

/* Runs the loop until fd has something to read or is closed; what it says. */
static const char *read_page(int fd)
{
	static char page[65536];
	struct loop_watch *w = loop_watch(loop, fd, LOOP_READ, peer_ready, NULL);
	size_t n = 0;
	ssize_t got;

	do {
		assert_true(loop_run(loop, &e));
		got = recv(fd, page + n, sizeof(page) - 1 - n, 0);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	page[n] = 0;
	loop_watch_free(w);
	return page;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The answer to a request; "%u" in it is the port. */
static const char *ask(const char *format)
{
	const char *place = strstr(format, "%u"), *page;
	char text[1024];
	int fd = dial(loopback_port(listener));

	snprintf(text, sizeof(text), "%.*s%u%s", (int)(place - format), format,
		loopback_port(listener), place + 2);
	send_text(fd, text);
	page = read_page(fd);
	close(fd);
	return page;
}

/* Everything that is due now. */
static void turn(void)
{
	struct loop_timer t;

	loop_timer_init(&t, loop, stop_loop, NULL);
	for (int i = 0; i < 3; i++) {
		loop_timer_set(&t, 1); /* not 0: that would stop it before it looks */
		assert_true(loop_run(loop, &e));
	}
}

/* ---- requests ---- */

static void callback_is_taken_and_answered(void **state)
{
	const char *page = ask("GET /cb?code=1&state=2 HTTP/1.1\r\nHost: localhost:%u\r\n\r\n");

	(void)state;
	assert_int_equal(calls, 1);
	assert_string_equal(query, "code=1&state=2");
	assert_non_null(strstr(page, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(page, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(page, "Referrer-Policy: no-referrer\r\n"));
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_non_null(strstr(page, "<h1>Title &lt;b&gt;</h1>"));
	assert_non_null(strstr(page, "Text &amp; &quot;more&quot; &lt;script&gt;&#39;x&#39;"));
	assert_null(strstr(page, "<script"));
}

static void callback_without_a_query_has_an_empty_one(void **state)
{
	(void)state;
	ask("GET /cb HTTP/1.0\r\nHost: 127.0.0.1:%u\r\n\r\n");
	assert_int_equal(calls, 1);
	assert_string_equal(query, "");
}

static void what_is_no_callback_is_refused(void **state)
{
	static const struct {
		const char *text, *answer;
	} rows[] = {
		{ "GET /favicon.ico HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "404" },
		{ "GET / HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "404" },
		{ "GET /cb/ HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "404" },
		{ "GET /CB HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "404" },
		{ "GET /%63b HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "404" },
		{ "GET http://localhost/cb HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "404" },
		{ "POST /cb HTTP/1.1\r\nHost: localhost:%u\r\nContent-Length: 0\r\n\r\n", "405" },
		{ "HEAD /cb HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "405" },
		{ "OPTIONS * HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", "405" },
		{ "GET /cb HTTP/1.1\r\nHost: evil.example:%u\r\n\r\n", "403" },
		{ "GET /cb HTTP/1.1\r\nHost: evil.example\r\nX: %u\r\n\r\n", "403" },
		{ "GET /cb HTTP/1.1\r\nHost: localhost\r\nX: %u\r\n\r\n", "403" },
		{ "GET /cb HTTP/1.1\r\nHost: localhost:%u.evil.example\r\n\r\n", "403" },
		{ "GET /cb HTTP/1.1\r\nX: %u\r\n\r\n", "403" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *page = ask(rows[i].text);

		if (strncmp(page, "HTTP/1.1 ", 9) != 0 || strncmp(page + 9, rows[i].answer, 3) != 0)
			fail_msg("%s: %.40s", rows[i].text, page);
		if (strcmp(rows[i].answer, "405") == 0)
			assert_non_null(strstr(page, "\r\nAllow: GET\r\n"));
	}
	assert_int_equal(calls, 0);
}

static void garbage_is_hung_up_on(void **state)
{
	static const char *const rows[] = { "\x16\x03\x01\x02%u\r\n\r\n", "GET /cb\r\n\r\n%u",
		"GET /cb HTTP/1.1\r\nHost: a\r\nHost: b%u\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(ask(rows[i]), "");
	assert_int_equal(calls, 0);
}

static void head_that_never_ends_is_hung_up_on(void **state)
{
	int fd = dial(loopback_port(listener));
	static char text[20000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	assert_string_equal(read_page(fd), "");
	close(fd);
}

static void request_may_come_in_drops(void **state)
{
	char text[200];
	int fd = dial(loopback_port(listener));

	(void)state;
	snprintf(text, sizeof(text), "GET /cb?x HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		loopback_port(listener));
	for (const char *p = text; *p; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		turn();
	}
	assert_non_null(strstr(read_page(fd), "200 OK"));
	assert_int_equal(calls, 1);
	close(fd);
}

static void crowd_does_not_keep_the_browser_out(void **state)
{
	int idle[100];
	char byte;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		idle[i] = dial(loopback_port(listener));
		turn();
	}
	assert_non_null(strstr(ask("GET /cb?x HTTP/1.1\r\nHost: localhost:%u\r\n\r\n"), "200 OK"));
	/* It gives way instead of growing: the first is hung up on, the last is not. */
	assert_int_equal(recv(idle[0], &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(idle[99], &byte, 1, MSG_DONTWAIT), -1);
	for (size_t i = 0; i < 100; i++)
		close(idle[i]);
}

static void crowd_does_not_push_out_who_waits_for_the_page(void **state)
{
	char text[200];
	int idle[60], fd = dial(loopback_port(listener));

	(void)state;
	hold = true;
	snprintf(text, sizeof(text), "GET /cb?x HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		loopback_port(listener));
	send_text(fd, text);
	turn();
	assert_int_equal(calls, 1);
	for (size_t i = 0; i < 60; i++) {
		idle[i] = dial(loopback_port(listener));
		turn();
	}
	loopback_redirect(held, "https://done.example/x");
	assert_non_null(strstr(read_page(fd), "Location: https://done.example/x\r\n"));
	close(fd);
	for (size_t i = 0; i < 60; i++)
		close(idle[i]);
}

static void who_went_away_does_no_harm(void **state)
{
	char text[200];
	int fd = dial(loopback_port(listener));

	(void)state;
	hold = true;
	snprintf(text, sizeof(text), "GET /cb?x HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		loopback_port(listener));
	send_text(fd, text);
	turn();
	close(fd);
	turn();
	loopback_page(held, 200, &(struct page){ .title = "late", .todo = "late" });
}

static void no_descriptors_left_is_no_end(void **state)
{
	struct rlimit before, now;
	int idle = dial(loopback_port(listener)), fd, next;
	char text[200];

	(void)state;
	turn();
	fd = dial(loopback_port(listener));
	snprintf(text, sizeof(text), "GET /cb?x HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		loopback_port(listener));
	send_text(fd, text);
	next = dup(fd);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)next; /* none beyond those that are open */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	turn();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(calls, 1);
	assert_non_null(strstr(read_page(fd), "200 OK"));
	close(fd);
	close(idle);
}

/* ---- ports ---- */

static void nobody_from_elsewhere_can_connect(void **state)
{
	/* Of this machine, too, but not the one that is listened on: it stands for all others. */
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	a.sin_port = htons((uint16_t)loopback_port(listener));
	assert_int_not_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
}

static void taken_port_is_walked_past_or_named(void **state)
{
	unsigned port = loopback_port(listener);
	struct listener *next =
		loopback_new(loop, "localhost", port, 8, "/cb", on_callback, NULL, &e);

	(void)state;
	assert_non_null(next);
	assert_true(loopback_port(next) > port);
	loopback_free(next);
	assert_null(loopback_new(loop, "localhost", port, 1, "/cb", on_callback, NULL, &e));
	assert_non_null(strstr(e.msg, "CALLBACK-PORT"));
	loopback_free(NULL);
}

static void port_of_a_stranger_on_the_other_family_is_not_taken(void **state)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
	socklen_t n = sizeof(a);
	struct listener *other;

	(void)state;
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		skip(); /* no IPv6 here */
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	other = loopback_new(
		loop, "localhost", ntohs(a.sin6_port), 1, "/cb", on_callback, NULL, &e);
	assert_null(other);
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(callback_is_taken_and_answered),
		T(callback_without_a_query_has_an_empty_one),
		T(what_is_no_callback_is_refused),
		T(garbage_is_hung_up_on),
		T(head_that_never_ends_is_hung_up_on),
		T(request_may_come_in_drops),
		T(crowd_does_not_keep_the_browser_out),
		T(crowd_does_not_push_out_who_waits_for_the_page),
		T(who_went_away_does_no_harm),
		T(no_descriptors_left_is_no_end),
		T(nobody_from_elsewhere_can_connect),
		T(taken_port_is_walked_past_or_named),
		T(port_of_a_stranger_on_the_other_family_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
