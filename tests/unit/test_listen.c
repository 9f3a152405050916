#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listen.h"

static struct loop *loop;
static struct listener *listener;

/* What the owner was asked. */
static int asked;
static char query[256];
static struct listen_conn *waiting; /* answered later */
static bool later;

static void on_query(void *ctx, struct listen_conn *c, const char *q)
{
	assert_ptr_equal(ctx, &asked);
	asked++;
	snprintf(query, sizeof(query), "%s", q);
	if (later)
		waiting = c;
	else
		listen_page(c, 200, "Title <b>", "Text & \"more\"");
}

static int start(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	listener = listen_new(loop, "localhost", 20000 + (unsigned)getpid() % 20000, 200,
		"/oauth/callback", on_query, &asked, NULL);
	asked = 0;
	later = false;
	waiting = NULL;
	query[0] = 0;
	return listener ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	listen_free(listener);
	loop_free(loop);
	return 0;
}

/* ---- turns of the loop ---- */

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void set_timer(void *ctx)
{
	loop_timer_set(ctx, 0);
}

static void turn(void)
{
	struct loop_timer t;
	struct loop_task begin;
	struct err e = { 0 };

	loop_timer_init(&t, loop, stop, NULL);
	loop_task_init(&begin, loop, set_timer, &t);
	loop_task_queue(&begin);
	assert_true(loop_run(loop, &e));
}

/* ---- a browser ---- */

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)listen_port(listener)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	turn();
	turn();
}

/* All that came until the end of the connection; "" when it was closed without a word. */
static const char *hear(int fd)
{
	static char answer[65536];
	size_t n = 0;
	ssize_t got;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 10000; i++) {
		turn();
		got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);
		if (got > 0)
			n += (size_t)got;
		else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			break;
	}
	answer[n] = 0;
	close(fd);
	return answer;
}

static const char *get(const char *request)
{
	char text[20000];
	int fd = dial();

	snprintf(text, sizeof(text), "%s\r\nHost: localhost:%u\r\n\r\n", request,
		listen_port(listener));
	say(fd, text);
	return hear(fd);
}

/* ---- tests ---- */

static void answer_of_a_sign_in_arrives_and_gets_a_plain_page(void **state)
{
	const char *page = get("GET /oauth/callback?code=a&state=b HTTP/1.1");

	(void)state;
	assert_int_equal(asked, 1);
	assert_string_equal(query, "code=a&state=b");
	assert_ptr_equal(strstr(page, "HTTP/1.1 200 OK\r\n"), page);
	assert_non_null(strstr(page, "Title &lt;b&gt;"));
	assert_non_null(strstr(page, "Text &amp; &quot;more&quot;"));
	assert_null(strstr(page, "<b>"));
	assert_null(strstr(page, "<script"));
	assert_non_null(strstr(page, "Referrer-Policy: no-referrer\r\n"));
	assert_non_null(strstr(page, "Cache-Control: no-store\r\n"));
	get("GET /oauth/callback HTTP/1.1");
	assert_int_equal(asked, 2);
	assert_string_equal(query, "");
}

static void other_requests_are_refused_and_reach_nobody(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = { { "POST /oauth/callback?code=a HTTP/1.1", "405" },
		{ "HEAD /oauth/callback HTTP/1.1", "405" }, { "GET / HTTP/1.1", "404" },
		{ "GET /favicon.ico HTTP/1.1", "404" }, { "GET /oauth/callback/ HTTP/1.1", "404" },
		{ "GET /oauth/callbac HTTP/1.1", "404" },
		{ "GET /OAUTH/callback HTTP/1.1", "404" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(get(rows[i].request) + 9, rows[i].status, 3) != 0)
			fail_msg("%s", rows[i].request);
	assert_int_equal(asked, 0);
}

/* A request with this name in front of the port and this text behind it. */
static const char *get_from(const char *name, const char *behind)
{
	char text[300];
	int fd = dial();

	snprintf(text, sizeof(text), "GET /oauth/callback?n HTTP/1.1\r\nHost: %s%u%s\r\n\r\n", name,
		listen_port(listener), behind);
	say(fd, text);
	return hear(fd);
}

static void names_of_others_are_refused(void **state)
{
	static const char *const bad[] = { "evil.example:", "localhost.evil.example:",
		"localhost:1", "localhost", "", "@localhost:", "127.0.0.2:", "[::2]:" };
	static const char *const good[] = { "LOCALHOST:", "127.0.0.1:", "[::1]:" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strncmp(get_from(bad[i], ""), "HTTP/1.1 403 ", 13) != 0)
			fail_msg("\"%s\"", bad[i]);
	assert_int_equal(strncmp(get_from("localhost:", "0"), "HTTP/1.1 403 ", 13), 0);
	assert_int_equal(asked, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(strncmp(get_from(good[i], ""), "HTTP/1.1 200 ", 13), 0);
	assert_int_equal(asked, 3);
}

static void request_in_single_bytes_is_understood(void **state)
{
	char text[200];
	int fd = dial();

	(void)state;
	snprintf(text, sizeof(text),
		"GET /oauth/callback?x=1 HTTP/1.1\r\nHost: localhost:%u\r\nX: y\r\n\r\n",
		listen_port(listener));
	for (size_t i = 0; text[i]; i++) {
		char one[2] = { text[i], 0 };

		say(fd, one);
	}
	assert_non_null(strstr(hear(fd), "200 OK"));
	assert_string_equal(query, "x=1");
}

static void garbage_and_silence_keep_nobody_out(void **state)
{
	int idle[100];

	(void)state;
	for (int i = 0; i < 100; i++) {
		idle[i] = dial();
		if (i % 3 == 0)
			say(idle[i], "\x16\x03\x01\x02garbage");
		else if (i % 3 == 1)
			say(idle[i], "GET / HT");
		else
			turn();
	}
	assert_non_null(strstr(get("GET /oauth/callback?here HTTP/1.1"), "200 OK"));
	assert_int_equal(asked, 1);
	for (int i = 0; i < 100; i++)
		close(idle[i]);
	turn();
}

static void endless_head_is_cut_off(void **state)
{
	char piece[1025];
	int fd = dial();

	(void)state;
	memset(piece, 'a', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = 0;
	say(fd, "GET /");
	for (int i = 0; i < 40; i++) {
		(void)!send(fd, piece, sizeof(piece) - 1, MSG_NOSIGNAL);
		turn();
	}
	assert_string_equal(hear(fd), "");
	assert_int_equal(asked, 0);
}

static void answer_can_come_later_and_to_nobody(void **state)
{
	int fd;

	(void)state;
	later = true;
	fd = dial();
	say(fd, "");
	{
		char text[200];

		snprintf(text, sizeof(text),
			"GET /oauth/callback?l HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
			listen_port(listener));
		say(fd, text);
	}
	assert_non_null(waiting);
	listen_redirect(waiting, "https://example.com/done");
	assert_non_null(strstr(hear(fd), "Location: https://example.com/done\r\n"));
	fd = dial();
	{
		char text[200];

		snprintf(text, sizeof(text),
			"GET /oauth/callback?g HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
			listen_port(listener));
		say(fd, text);
	}
	close(fd); /* the person closed the page */
	turn();
	listen_page(waiting, 200, "t", "t");
	turn();
}

static void port_that_is_taken_is_passed_over_or_named(void **state)
{
	struct listener *second;
	struct err e = { 0 };

	(void)state;
	second = listen_new(
		loop, "localhost", listen_port(listener), 200, "/x", on_query, &asked, &e);
	assert_non_null(second);
	assert_true(listen_port(second) > listen_port(listener));
	listen_free(second);
	second =
		listen_new(loop, "localhost", listen_port(listener), 1, "/x", on_query, &asked, &e);
	assert_null(second);
	assert_int_equal(e.kind, ERR_IO);
	assert_non_null(strstr(e.msg, "CALLBACK-PORT"));
	listen_free(NULL);
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, start, end)
	const struct CMUnitTest tests[] = {
		ONE(answer_of_a_sign_in_arrives_and_gets_a_plain_page),
		ONE(other_requests_are_refused_and_reach_nobody),
		ONE(names_of_others_are_refused),
		ONE(request_in_single_bytes_is_understood),
		ONE(garbage_and_silence_keep_nobody_out),
		ONE(endless_head_is_cut_off),
		ONE(answer_can_come_later_and_to_nobody),
		ONE(port_that_is_taken_is_passed_over_or_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
