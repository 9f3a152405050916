#include "net/loopback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/request_head.h"
#include "os/socket.h"

/* Connections at a time; the oldest one makes room, so that idle ones cannot keep the real one out. */
#define CONNS_MAX 32

/* One request's head, or silence, for this long. */
#define CONN_MS 30000

struct listen_conn {
	struct listener *s;
	struct listen_conn *prev, *next;
	int fd;
	struct loop_watch *watch;
	struct loop_timer timer;
	char in[REQUEST_HEAD_MAX];
	size_t n;
	bool asked; /* the owner has its request and will answer */
};

struct listener {
	struct loop *loop;
	int fds[2];
	struct loop_watch *watches[2];
	char *path, *host;
	unsigned port;
	loopback_fn *fn;
	void *ctx;
	struct listen_conn conns; /* sentinel; oldest first */
	size_t nconns;
};

static void conn_free(struct listen_conn *c)
{
	loop_watch_free(c->watch);
	loop_timer_clear(&c->timer);
	os_socket_close(c->fd);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->s->nconns--;
	free(c);
}

/* ---- answers ---- */

/* Some KiB: the socket's own buffer takes them whole. */
static void send_all(struct listen_conn *c, const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		int64_t n = os_socket_send(c->fd, b->p + done, b->len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	shutdown(c->fd, OS_SHUT_WRITE);
	conn_free(c);
}

static bool head(struct buf *b, int status, const char *extra, size_t length)
{
	return buf_addf(b,
		"HTTP/1.1 %d %s\r\n%sContent-Length: %zu\r\nConnection: close\r\nCache-Control: "
		"no-store\r\n"
		"Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
		"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
		"frame-ancestors 'none'\r\n\r\n",
		status,
		status == 200   ? "OK"
		: status == 302 ? "Found"
				: "Error",
		extra, length);
}

/* fields: further ones, each with its line end. */
static void send_page(struct listen_conn *c, int status, const char *fields, const struct page *p)
{
	char *extra = mem_printf("Content-Type: text/html; charset=utf-8\r\n%s", fields);
	struct buf body, all;

	buf_init(&body, PAGE_MAX);
	buf_init(&all, PAGE_MAX + 4096);
	if (page_html(p, &body) && head(&all, status, extra, body.len) &&
		buf_add(&all, body.p, body.len))
		send_all(c, &all);
	else
		conn_free(c);
	buf_free(&body);
	buf_free(&all);
	free(extra);
}

void loopback_page(struct listen_conn *c, int status, const struct page *p)
{
	send_page(c, status, "", p);
}

void loopback_redirect(struct listen_conn *c, const char *url)
{
	struct buf all;
	char *extra = mem_printf("Location: %s\r\n", url);

	buf_init(&all, 16384);
	if (head(&all, 302, extra, 0))
		send_all(c, &all);
	else
		conn_free(c);
	buf_free(&all);
	free(extra);
}

/* ---- requests ---- */

/* DNS rebinding: a page elsewhere may make a browser connect here, but not with our name. */
static bool host_is_ours(const struct listener *s, const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
	char want[300];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(want, sizeof(want), "%s:%u", names[i], s->port);
		if (strcasecmp(host, want) == 0)
			return true;
	}
	snprintf(want, sizeof(want), "%s:%u", s->host, s->port);
	return strcasecmp(host, want) == 0;
}

static const struct page not_here = { .mark = PAGE_ASIDE,
	.title = "Nothing to see here",
	.todo = "This address only receives the result of a sign-in. You can close this tab." };

static void handle(struct listen_conn *c, const struct request_head *h)
{
	struct listener *s = c->s;
	size_t n = strcspn(h->target, "?");

	if (strcmp(h->method, "GET") != 0)
		send_page(c, 405, "Allow: GET\r\n", &not_here);
	else if (!host_is_ours(s, h->host))
		loopback_page(c, 403, &not_here);
	else if (strlen(s->path) != n || memcmp(h->target, s->path, n) != 0)
		loopback_page(c, 404, &not_here);
	else {
		c->asked = true;
		loop_timer_clear(&c->timer);
		loop_watch_set(c->watch, 0);
		s->fn(s->ctx, c, h->target[n] ? h->target + n + 1 : "");
	}
}

static void conn_ready(void *ctx, int happened)
{
	struct listen_conn *c = ctx;
	struct request_head h;
	int64_t got = recv(c->fd, c->in + c->n, sizeof(c->in) - c->n, 0);
	long used;

	(void)happened;
	if (got < 0 && os_socket_error() == EAGAIN)
		return;
	if (got <= 0) {
		conn_free(c);
		return;
	}
	c->n += (size_t)got;
	used = request_head_parse(c->in, c->n, &h);
	if (used > 0)
		handle(c, &h);
	else if (used < 0 || c->n == sizeof(c->in))
		conn_free(c);
}

static void conn_late(void *ctx)
{
	conn_free(ctx);
}

/* Those who wait for their page stay. */
static struct listen_conn *oldest_idle(struct listener *s)
{
	struct listen_conn *c = s->conns.next;

	while (c != &s->conns && c->asked)
		c = c->next;
	return c == &s->conns ? NULL : c;
}

static void make_room(struct listener *s)
{
	struct listen_conn *c;

	while (s->nconns >= CONNS_MAX && (c = oldest_idle(s)))
		conn_free(c);
}

static void accept_one(struct listener *s, int from)
{
	struct listen_conn *c;
	int fd = os_socket_accept(from), error = fd < 0 ? os_socket_error() : 0;

	if ((error == EMFILE || error == ENFILE) && (c = oldest_idle(s))) {
		conn_free(c);
		fd = os_socket_accept(from);
	}
	if (fd < 0)
		return;
	if (!os_socket_set_blocking(fd, false)) {
		os_socket_close(fd);
		return;
	}
	make_room(s);
	c = mem_new(sizeof(*c));
	c->s = s;
	c->fd = fd;
	c->next = &s->conns;
	c->prev = s->conns.prev;
	c->prev->next = c->next->prev = c;
	s->nconns++;
	c->watch = loop_watch(s->loop, fd, LOOP_READ, conn_ready, c);
	loop_timer_init(&c->timer, s->loop, conn_late, c);
	loop_timer_set(&c->timer, CONN_MS);
	/* A browser has said all by now: nobody who comes behind it can push it out. */
	conn_ready(c, LOOP_READ);
}

static void ready4(void *ctx, int happened)
{
	struct listener *s = ctx;

	(void)happened;
	accept_one(s, s->fds[0]);
}

static void ready6(void *ctx, int happened)
{
	struct listener *s = ctx;

	(void)happened;
	accept_one(s, s->fds[1]);
}

/* ---- sockets ---- */

static int bind_socket(const struct sockaddr *a, socklen_t n, int *error)
{
	int fd = os_socket(a->sa_family, SOCK_STREAM, 0), on = 1;

	*error = 0;
	if (fd >= 0 && a->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, (const void *)&on, sizeof(on));
	if (fd >= 0 && os_socket_set_blocking(fd, false) && os_socket_own_port(fd) &&
		bind(fd, a, n) == 0 && listen(fd, 64) == 0)
		return fd;
	*error = os_socket_error();
	os_socket_close(fd);
	return -1;
}

/* Both families on the same port: a browser may take "localhost" for either, and a stranger on the
 * other one would get the code. A machine without IPv6 does with one. */
static bool bind_port(struct listener *s, unsigned port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = in6addr_loopback };
	int error;

	s->fds[0] = bind_socket((struct sockaddr *)&v4, sizeof(v4), &error);
	if (s->fds[0] < 0)
		return false;
	s->fds[1] = bind_socket((struct sockaddr *)&v6, sizeof(v6), &error);
	if (s->fds[1] < 0 && error == EADDRINUSE) {
		os_socket_close(s->fds[0]);
		s->fds[0] = -1;
		return false;
	}
	s->port = port;
	return true;
}

struct listener *loopback_new(struct loop *l, const char *host, unsigned port, unsigned tries,
	const char *path, loopback_fn *fn, void *ctx, struct err *e)
{
	struct listener *s = mem_new(sizeof(*s));
	unsigned first = port;

	*s = (struct listener){ .loop = l, .fds = { -1, -1 }, .fn = fn, .ctx = ctx };
	s->conns.prev = s->conns.next = &s->conns;
	s->path = mem_dup(path);
	s->host = mem_dup(host);
	while (tries-- && port < 65536 && !bind_port(s, port))
		port++;
	if (!s->port) {
		if (port == first + 1)
			err_set(e, ERR_IO,
				"port %u, which the sign-in redirects to, is in use: free it or "
				"give another as CALLBACK-PORT",
				first);
		else
			err_set(e, ERR_IO,
				"no port from %u on is free for the sign-in's redirect: give one "
				"as CALLBACK-PORT",
				first);
		loopback_free(s);
		return NULL;
	}
	s->watches[0] = loop_watch(l, s->fds[0], LOOP_READ, ready4, s);
	if (s->fds[1] >= 0)
		s->watches[1] = loop_watch(l, s->fds[1], LOOP_READ, ready6, s);
	return s;
}

unsigned loopback_port(const struct listener *s)
{
	return s->port;
}

void loopback_free(struct listener *s)
{
	if (!s)
		return;
	while (s->conns.next != &s->conns)
		conn_free(s->conns.next);
	for (int i = 0; i < 2; i++) {
		loop_watch_free(s->watches[i]);
		os_socket_close(s->fds[i]);
	}
	free(s->path);
	free(s->host);
	free(s);
}
