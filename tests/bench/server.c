/*
 * server [CERTIFICATE KEY]: a fast HTTP/1.1 server for the benchmark: one
 * thread, poll, keep-alive, answers that are made once. What it answers is in
 * the request's tool name:
 *   "json" and "sse"   a small result
 *   "big-json" and "big-sse"  64 MiB
 *   "flood"            EVENTS progress notifications, then a small result
 * Bodies of any length are taken; only their first bytes are looked at. Prints
 * its port, with a certificate a second one for TLS; ends at the end of
 * standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
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
/* Of a body, enough to hold the id and the tool's name. */
#define LOOK_AT 256
#define LISTENERS 2

struct conn {
	SSL *ssl; /* NULL: plain */
	char in[REQUEST_MAX + 1];
	size_t n, skip;  /* skip: bytes of the body that are still to come and mean nothing */
	char head[1024]; /* header and the first bytes of the body */
	size_t head_len;
	const char *body, *tail;
	size_t body_len, tail_len;
	size_t done;
};

/* Standard input, two listeners (the second may be none), connections. */
#define FIRST_CONN (1 + LISTENERS)
static struct pollfd fds[CONNS + FIRST_CONN];
static struct conn *conns[CONNS + FIRST_CONN];
static int nfds = FIRST_CONN;
static SSL_CTX *tls;
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

/* 1: an answer is ready, to be sent as soon as nothing is to be skipped any more. */
static int request(struct conn *c)
{
	char *end, *length, *body;
	size_t n, here;

	c->in[c->n] = 0;
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return 0;
	length = strcasestr(c->in, "content-length:");
	n = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
	body = end + 4;
	here = c->n - (size_t)(body - c->in);
	if (here < (n < LOOK_AT ? n : LOOK_AT))
		return 0;
	if (here > n)
		here = n;
	if (strncmp(c->in, "POST", 4) != 0)
		plain(c, strncmp(c->in, "GET", 3) == 0 ? "405 No" : "200 OK");
	else if (!strstr(body, "\"id\":"))
		plain(c, "202 Accepted");
	else
		answer(c, body);
	c->skip = n - here;
	c->n -= (size_t)(body - c->in) + here;
	memmove(c->in, body + here, c->n);
	return 1;
}

/* Both as recv() and send(): -1 with EAGAIN for "later". */
static ssize_t take_bytes(int fd, struct conn *c, char *p, size_t n)
{
	int got;

	if (!c->ssl)
		return recv(fd, p, n, 0);
	got = SSL_read(c->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
	if (got > 0)
		return got;
	got = SSL_get_error(c->ssl, got);
	errno = got == SSL_ERROR_WANT_READ || got == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return errno == EAGAIN ? -1 : 0;
}

static ssize_t give_bytes(int fd, struct conn *c, const char *p, size_t n)
{
	int done;

	if (!c->ssl)
		return send(fd, p, n, MSG_NOSIGNAL);
	done = SSL_write(c->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
	if (done > 0)
		return done;
	done = SSL_get_error(c->ssl, done);
	errno = done == SSL_ERROR_WANT_READ || done == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return -1;
}

static int send_part(int fd, struct conn *c, const char *p, size_t start, size_t n)
{
	while (c->done >= start && c->done < start + n) {
		ssize_t sent = give_bytes(fd, c, p + (c->done - start), n - (c->done - start));

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
	SSL_free(conns[i]->ssl);
	close(fds[i].fd);
	free(conns[i]);
	fds[i] = fds[--nfds];
	conns[i] = conns[nfds];
}

/* 1: something can be sent, 0: later, -1: gone. */
static int take_in(int fd, struct conn *c)
{
	static char waste[1 << 18];
	ssize_t n = c->skip ? take_bytes(fd, c, waste,
				      c->skip < sizeof(waste) ? c->skip : sizeof(waste))
			    : take_bytes(fd, c, c->in + c->n, REQUEST_MAX - c->n);

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	if (c->skip) {
		c->skip -= (size_t)n;
		return !c->skip;
	}
	c->n += (size_t)n;
	return request(c) && !c->skip;
}

static void serve(int i)
{
	struct conn *c = conns[i];
	int r = 1;

	if (fds[i].events == POLLIN)
		/* What TLS has decrypted already is not seen by poll(). */
		do
			r = take_in(fds[i].fd, c);
		while (!r && c->ssl && SSL_pending(c->ssl));
	while (r > 0 && (r = flush(fds[i].fd, c)) > 0 && request(c) && !c->skip)
		;
	if (r < 0)
		drop(i);
	else
		fds[i].events = c->done < c->head_len + c->body_len + c->tail_len && !c->skip
					? POLLOUT
					: POLLIN;
}

static void take(int listener, int secure)
{
	int fd = accept(listener, NULL, NULL), on = 1;
	struct conn *c;

	if (fd < 0)
		return;
	if (nfds == CONNS + FIRST_CONN) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = calloc(1, sizeof(*c));
	if (!c)
		die("calloc");
	if (secure) {
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, fd);
		SSL_set_accept_state(c->ssl);
	}
	fds[nfds] = (struct pollfd){ .fd = fd, .events = POLLIN };
	conns[nfds] = c;
	nfds++;
}

static int open_listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 512) != 0 ||
		getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		die("listen");
	printf("%u ", ntohs(a.sin_port));
	return fd;
}

static void open_tls(const char *certificate, const char *key)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (!tls || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die(certificate);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	make_bodies();
	fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = open_listener(), .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = -1 };
	if (argc > 2) {
		open_tls(argv[1], argv[2]);
		fds[2] = (struct pollfd){ .fd = open_listener(), .events = POLLIN };
	}
	putchar('\n');
	fflush(stdout);
	for (;;) {
		if (poll(fds, (nfds_t)nfds, -1) < 0)
			die("poll");
		if (fds[0].revents)
			return 0;
		for (int i = nfds - 1; i >= FIRST_CONN; i--)
			if (fds[i].revents)
				serve(i);
		for (int i = 1; i <= LISTENERS; i++)
			if (fds[i].revents)
				take(fds[i].fd, i == 2);
	}
}
