/*
 * The floor: the least that a bridge on libcurl's multi interface can do. Each
 * line of standard input is POSTed, the answer's body (or each data line of an
 * event stream) is written to standard output. No sessions, no errors, no
 * back-pressure, no credential: what it costs is what the design costs.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE (1 << 20)

/* Used again with its handle: libcurl's setting up of one costs a third of a small call. */
struct call {
	struct call *next; /* idle one */
	CURL *easy;
	char *line, *body;
	size_t n, size;
	size_t seen; /* bytes of body known to hold no line end */
	int sse;
};

static struct curl_slist *fields;
static const char *url;
static CURLM *multi;
static long flying;
static struct call *idle;

static void *grow(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		exit(1);
	return p;
}

static void write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(1, p, n);

		if (w <= 0)
			exit(1);
		p += w;
		n -= (size_t)w;
	}
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	if (size * n > 31 && strncasecmp(p, "Content-Type: text/event-stream", 31) == 0)
		c->sse = 1;
	return size * n;
}

/* Whole lines of the stream go out, gathered to one write for each piece that came. */
static void take_events(struct call *c)
{
	char *p = c->body, *end = c->body + c->n, *out = c->body, *lf;

	while ((lf = memchr(p + c->seen, '\n', (size_t)(end - p) - c->seen))) {
		size_t n = (size_t)(lf - p);

		if (n && p[n - 1] == '\r')
			n--;
		if (n > 6 && memcmp(p, "data: ", 6) == 0) {
			if (n > 1 << 20) {
				/* Not worth moving; what came before it goes first. */
				write_all(c->body, (size_t)(out - c->body));
				out = c->body;
				p[n] = '\n';
				write_all(p + 6, n - 5);
			} else {
				memmove(out, p + 6, n - 6);
				out[n - 6] = '\n';
				out += n - 5;
			}
		}
		c->seen = 0;
		p = lf + 1;
	}
	write_all(c->body, (size_t)(out - c->body));
	c->n = c->seen = (size_t)(end - p);
	if (p > c->body)
		memmove(c->body, p, c->n);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	n *= size;
	if (c->n + n + 1 > c->size) {
		c->size = 2 * (c->n + n + 1);
		c->body = grow(c->body, c->size);
	}
	memcpy(c->body + c->n, p, n);
	c->n += n;
	if (c->sse)
		take_events(c);
	return n;
}

static struct call *call_new(void)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		exit(1);
	c->easy = curl_easy_init();
	curl_easy_setopt(c->easy, CURLOPT_URL, url);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, 65536L);
	if (getenv("SSL_CERT_DIR") || getenv("SSL_CERT_FILE")) {
		curl_easy_setopt(c->easy, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
		curl_easy_setopt(c->easy, CURLOPT_CAPATH, getenv("SSL_CERT_DIR"));
	}
	return c;
}

/* With line NULL the call takes over `own`. */
static void start(const char *line, char *own, size_t n)
{
	struct call *c = idle;

	if (c)
		idle = c->next;
	else
		c = call_new();
	c->line = own ? own : grow(NULL, n);
	if (line)
		memcpy(c->line, line, n);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->line);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)n);
	curl_multi_add_handle(multi, c->easy);
	flying++;
}

/* What a small answer needs stays; a large one's memory goes. */
static void keep(struct call *c)
{
	if (c->size > FIRST_SIZE) {
		free(c->body);
		c->body = NULL;
		c->size = 0;
	}
	free(c->line);
	c->n = c->seen = 0;
	c->sse = 0;
	c->next = idle;
	idle = c;
}

static void finish(CURL *easy)
{
	struct call *c;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
	curl_multi_remove_handle(multi, easy);
	if (!c->sse && c->n) {
		c->body[c->n++] = '\n';
		write_all(c->body, c->n);
	}
	keep(c);
	flying--;
}

static int read_lines(void)
{
	static char *in;
	static size_t have, size, seen;
	ssize_t n;
	char *p, *lf;

	if (have + FIRST_SIZE / 2 > size) {
		size = size ? 2 * size : FIRST_SIZE;
		in = grow(in, size);
	}
	n = read(0, in + have, size - have);
	if (n <= 0)
		return 0;
	have += (size_t)n;
	p = in;
	while ((lf = memchr(p + seen, '\n', have - seen - (size_t)(p - in)))) {
		seen = 0;
		if (p == in && lf == in + have - 1 && have > FIRST_SIZE) {
			start(NULL, in, (size_t)(lf - p));
			in = NULL;
			have = size = 0;
			return 1;
		}
		start(p, NULL, (size_t)(lf - p));
		p = lf + 1;
	}
	have -= (size_t)(p - in);
	seen = have;
	if (p > in)
		memmove(in, p, have);
	return 1;
}

int main(int argc, char **argv)
{
	struct curl_waitfd in = { .fd = 0, .events = CURL_WAIT_POLLIN };
	int open = 1, running, left;
	CURLMsg *m;

	if (argc < 2)
		return 2;
	url = argv[1];
	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 256L);
	fields = curl_slist_append(NULL, "Content-Type: application/json");
	fields = curl_slist_append(fields, "Accept: application/json, text/event-stream");
	/* Or libcurl would wait a second for leave to send a large body. */
	fields = curl_slist_append(fields, "Expect:");
	while (open || flying) {
		curl_multi_poll(multi, &in, open ? 1 : 0, 60000, NULL);
		if (open && in.revents)
			open = read_lines();
		in.revents = 0;
		curl_multi_perform(multi, &running);
		while ((m = curl_multi_info_read(multi, &left)))
			if (m->msg == CURLMSG_DONE)
				finish(m->easy_handle);
	}
	return 0;
}
