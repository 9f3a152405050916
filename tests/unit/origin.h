/*
 * An HTTP server on the loop of a test: each request is handed to a function of
 * the test, which fills in the answer. One request a connection.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"

struct origin_request {
	char method[8], path[2048]; /* path: with the query */
	const char *head, *body;    /* head: all of it, with the request line */
};

struct origin_answer {
	int status;
	const char *fields; /* "Name: value\r\n" each; NULL: none */
	char body[65536];
};

typedef void origin_fn(const struct origin_request *r, struct origin_answer *a);

static struct {
	struct loop *loop;
	struct loop_watch *watch;
	int listener;
	char url[64]; /* "http://127.0.0.1:PORT" */
	origin_fn *fn;
	int requests;
	char log[8192]; /* "GET /path\n" each */
} origin;

struct origin_peer {
	int fd;
	struct loop_watch *watch;
	char got[65536];
	size_t n;
	struct origin_peer *next;
};
static struct origin_peer *origin_peers;

static void origin_reply(struct origin_peer *p, const struct origin_answer *a)
{
	char head[2048];
	int n = snprintf(head, sizeof(head),
		"HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", a->status,
		a->fields ? a->fields : "", strlen(a->body));

	if (write(p->fd, head, (size_t)n) == n && write(p->fd, a->body, strlen(a->body)) >= 0)
		shutdown(p->fd, SHUT_WR);
	loop_watch_set(p->watch, 0);
}

/* The length of the body is known once the head is there. */
static bool origin_whole(const struct origin_peer *p, const char **body)
{
	const char *end = strstr(p->got, "\r\n\r\n"), *length = strstr(p->got, "Content-Length:");
	size_t n = length ? strtoul(length + 15, NULL, 10) : 0;

	*body = end ? end + 4 : NULL;
	return end && p->n >= (size_t)(end + 4 - p->got) + n;
}

static void origin_ready(void *ctx, int happened)
{
	static struct origin_answer a;
	struct origin_peer *p = ctx;
	struct origin_request r = { .head = p->got };
	ssize_t n = read(p->fd, p->got + p->n, sizeof(p->got) - 1 - p->n);

	(void)happened;
	if (n <= 0) {
		loop_watch_set(p->watch, 0);
		return;
	}
	p->n += (size_t)n;
	p->got[p->n] = 0;
	if (!origin_whole(p, &r.body) || sscanf(p->got, "%7s %2047s", r.method, r.path) != 2)
		return;
	origin.requests++;
	snprintf(origin.log + strlen(origin.log), sizeof(origin.log) - strlen(origin.log),
		"%s %s\n", r.method, r.path);
	memset(&a, 0, sizeof(a));
	a.status = 404;
	origin.fn(&r, &a);
	origin_reply(p, &a);
}

static void origin_take(void *ctx, int happened)
{
	struct origin_peer *p = calloc(1, sizeof(*p));

	(void)ctx, (void)happened;
	p->fd = accept(origin.listener, NULL, NULL);
	p->watch = loop_watch(origin.loop, p->fd, LOOP_READ, origin_ready, p);
	p->next = origin_peers;
	origin_peers = p;
}

static void origin_start(struct loop *l, origin_fn *fn)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	memset(&origin, 0, sizeof(origin));
	origin.loop = l;
	origin.fn = fn;
	origin.listener = socket(AF_INET, SOCK_STREAM, 0);
	if (origin.listener < 0 || bind(origin.listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		listen(origin.listener, 32) != 0 ||
		getsockname(origin.listener, (struct sockaddr *)&a, &n) != 0)
		abort();
	snprintf(origin.url, sizeof(origin.url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	origin.watch = loop_watch(l, origin.listener, LOOP_READ, origin_take, NULL);
}

static void origin_stop(void)
{
	while (origin_peers) {
		struct origin_peer *p = origin_peers;

		origin_peers = p->next;
		loop_watch_free(p->watch);
		close(p->fd);
		free(p);
	}
	loop_watch_free(origin.watch);
	close(origin.listener);
}
