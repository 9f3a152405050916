/*
 * A fast HTTP/1.1 server for the benchmark: one thread, poll, keep-alive,
 * answers that are made once. What it answers is in the request's tool name:
 *   "json" and "sse"   a small result
 *   "big-json" and "big-sse"  64 MiB
 *   "flood"            EVENTS progress notifications, then a small result
 * Prints its port, ends at the end of standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNS 1024
#define BIG ((size_t)64 << 20)
#define EVENTS 500000
#define REQUEST_MAX 65536

struct conn {
	char in[REQUEST_MAX + 1];
	size_t n;
	char head[1024]; /* header and the first bytes of the body */
	size_t head_len;
	const char *body, *tail;
	size_t body_len, tail_len;
	size_t done;
};

static struct pollfd fds[CONNS + 2];
static struct conn *conns[CONNS + 2];
static int nfds = 2;
static char *big, *flood;
static size_t flood_len;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void make_bodies(void)
{
	static const char event[] =
		"event: message\r\ndata: "
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		"progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\r\n\r\n";

	big = malloc(BIG);
	flood_len = (sizeof(event) - 1) * EVENTS;
	flood = malloc(flood_len);
	if (!big || !flood)
		die("malloc");
	memset(big, 'x', BIG);
	for (size_t i = 0; i < EVENTS; i++)
		memcpy(flood + i * (sizeof(event) - 1), event, sizeof(event) - 1);
}

/* The raw id of a request, as it stands. */
static void id_of(const char *body, char out[64])
{
	const char *p = strstr(body, "\"id\":");

	snprintf(out, 64, "%.*s", p ? (int)strcspn(p + 5, ",}") : 4, p ? p + 5 : "null");
}

static void answer(struct conn *c, const char *body)
{
	int sse = strstr(body, "sse\"") || strstr(body, "\"flood\"");
	int large = strstr(body, "\"big-") != NULL;
	char id[64], front[256];
	const char *type = sse ? "text/event-stream" : "application/json",
		   *before = sse ? "event: message\r\ndata: " : "";
	const char *result = "{\"content\":[{\"type\":\"text\",\"text\":\"";

	id_of(body, id);
	if (strstr(body, "\"initialize\""))
		result = "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"serverInfo\":{"
			 "\"name\":\"bench\",\"version\":\"1\"},\"x\":[{\"y\":\"";
	c->body = large ? big : strstr(body, "\"flood\"") ? flood : NULL;
	c->body_len = large ? BIG : c->body ? flood_len : 0;
	c->tail = sse ? "\"}]}}\r\n\r\n" : "\"}]}}";
	c->tail_len = strlen(c->tail);
	c->done = 0;
	snprintf(front, sizeof(front), "%s{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s", before, id,
		result);
	if (c->body == flood) {
		/* The events come first: the answer stands behind them, in the tail. */
		static char last[512];

		snprintf(last, sizeof(last), "%s%s", front, c->tail);
		c->tail = last;
		c->tail_len = strlen(last);
		front[0] = 0;
	}
	c->head_len = (size_t)snprintf(c->head, sizeof(c->head),
		"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type,
		strlen(front) + c->body_len + c->tail_len, front);
}

static void plain(struct conn *c, const char *status)
{
	c->head_len = (size_t)snprintf(
		c->head, sizeof(c->head), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);
	c->body_len = c->tail_len = c->done = 0;
}

/* 1: an answer is ready. */
static int request(struct conn *c)
{
	char *end, *length, *body;
	size_t n, total;

	c->in[c->n] = 0;
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return 0;
	length = strcasestr(c->in, "content-length:");
	n = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
	body = end + 4;
	total = (size_t)(body - c->in) + n;
	if (c->n < total)
		return 0;
	if (strncmp(c->in, "POST", 4) != 0)
		plain(c, strncmp(c->in, "GET", 3) == 0 ? "405 No" : "200 OK");
	else if (!strstr(body, "\"id\":"))
		plain(c, "202 Accepted");
	else
		answer(c, body);
	memmove(c->in, c->in + total, c->n - total);
	c->n -= total;
	return 1;
}

static int send_part(int fd, struct conn *c, const char *p, size_t start, size_t n)
{
	while (c->done >= start && c->done < start + n) {
		ssize_t sent = send(fd, p + (c->done - start), n - (c->done - start), MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		c->done += (size_t)sent;
	}
	return 1;
}

/* 1: all sent, 0: later, -1: gone. */
static int flush(int fd, struct conn *c)
{
	int r = send_part(fd, c, c->head, 0, c->head_len);

	if (r > 0)
		r = send_part(fd, c, c->body, c->head_len, c->body_len);
	if (r > 0)
		r = send_part(fd, c, c->tail, c->head_len + c->body_len, c->tail_len);
	return r;
}

static void drop(int i)
{
	close(fds[i].fd);
	free(conns[i]);
	fds[i] = fds[--nfds];
	conns[i] = conns[nfds];
}

static void serve(int i)
{
	struct conn *c = conns[i];
	int r = 1;

	if (fds[i].events == POLLIN) {
		ssize_t n = recv(fds[i].fd, c->in + c->n, REQUEST_MAX - c->n, 0);

		if (n <= 0) {
			drop(i);
			return;
		}
		c->n += (size_t)n;
		if (!request(c))
			return;
	}
	while ((r = flush(fds[i].fd, c)) > 0 && request(c))
		;
	if (r < 0)
		drop(i);
	else
		fds[i].events = r ? POLLIN : POLLOUT;
}

static void take(int listener)
{
	int fd = accept(listener, NULL, NULL), on = 1;

	if (fd < 0)
		return;
	if (nfds == CONNS + 2) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fds[nfds] = (struct pollfd){ .fd = fd, .events = POLLIN };
	conns[nfds] = calloc(1, sizeof(struct conn));
	nfds++;
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	make_bodies();
	if (bind(listener, (struct sockaddr *)&a, n) != 0 || listen(listener, 512) != 0 ||
		getsockname(listener, (struct sockaddr *)&a, &n) != 0)
		die("listen");
	printf("%u\n", ntohs(a.sin_port));
	fflush(stdout);
	fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (;;) {
		if (poll(fds, (nfds_t)nfds, -1) < 0)
			die("poll");
		if (fds[0].revents)
			return 0;
		for (int i = nfds - 1; i > 1; i--)
			if (fds[i].revents)
				serve(i);
		if (fds[1].revents)
			take(listener);
	}
}
