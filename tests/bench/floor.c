/*
 * The floor: the least that a bridge on libcurl's multi interface can do. Each
 * line of standard input is POSTed, the answer's body (or each data line of an
 * event stream) is written to standard output. No sessions, no errors, no
 * back-pressure: what it costs is what the design costs.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN (1 << 20)

struct call {
	CURL *easy;
	char *line, *body;
	size_t n, size;
	int sse;
};

static struct curl_slist *fields;
static const char *url;
static CURLM *multi;
static long flying;

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

/* Whole lines of the stream go out at once, the rest stays. */
static void take_events(struct call *c)
{
	char *p = c->body, *end = c->body + c->n, *lf;

	while ((lf = memchr(p, '\n', (size_t)(end - p)))) {
		if (lf - p > 6 && memcmp(p, "data: ", 6) == 0) {
			size_t n = (size_t)(lf - p) - 6;

			if (p[6 + n - 1] == '\r')
				p[6 + n - 1] = '\n';
			else
				n++;
			write_all(p + 6, n);
		}
		p = lf + 1;
	}
	memmove(c->body, p, (size_t)(end - p));
	c->n = (size_t)(end - p);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	n *= size;
	if (c->n + n + 1 > c->size) {
		c->size = 2 * (c->n + n + 1);
		c->body = realloc(c->body, c->size);
	}
	memcpy(c->body + c->n, p, n);
	c->n += n;
	if (c->sse)
		take_events(c);
	return n;
}

static void start(const char *line, size_t n)
{
	struct call *c = calloc(1, sizeof(*c));

	c->line = malloc(n);
	memcpy(c->line, line, n);
	c->easy = curl_easy_init();
	curl_easy_setopt(c->easy, CURLOPT_URL, url);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->line);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)n);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, 65536L);
	curl_multi_add_handle(multi, c->easy);
	flying++;
}

static void finish(CURL *easy)
{
	struct call *c;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
	curl_multi_remove_handle(multi, easy);
	curl_easy_cleanup(easy);
	if (!c->sse && c->n) {
		c->body[c->n++] = '\n';
		write_all(c->body, c->n);
	}
	free(c->body);
	free(c->line);
	free(c);
	flying--;
}

static int read_lines(void)
{
	static char in[LINE_MAX_LEN];
	static size_t have;
	ssize_t n = read(0, in + have, sizeof(in) - have);
	char *p = in, *lf;

	if (n <= 0)
		return 0;
	have += (size_t)n;
	while ((lf = memchr(p, '\n', have - (size_t)(p - in)))) {
		start(p, (size_t)(lf - p));
		p = lf + 1;
	}
	have -= (size_t)(p - in);
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
