/*
 * How fast event streams are read, without a network: events a second and
 * megabytes a second, each shape in pieces as libcurl hands them over, and how
 * much memory one huge event takes at its peak.
 *
 *   cc -O2 -Ilib -o bench_sse tests/bench/bench_sse.c build/libmpmcp.a -lcrypto
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buf.h"
#include "mcp/http/sse.h"

#define HUGE ((size_t)64 << 20)

/* Every shape is measured for at least this long. */
#define MEASURE_S 0.5

struct count {
	struct sse *s;
	size_t events, bytes;
	bool take;
};

static bool on_event(void *ctx, struct sse_event *ev)
{
	struct count *c = ctx;

	c->events++;
	c->bytes += ev->len;
	if (c->take) {
		struct buf out;

		buf_init(&out, 2 * HUGE);
		if (!sse_take(c->s, ev, &out))
			abort();
		buf_free(&out);
	}
	return true;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

static void must(bool good)
{
	if (!good) {
		fputs("the parser or the memory failed\n", stderr);
		exit(1);
	}
}

static void measure(const char *what, struct buf *in, size_t piece)
{
	struct count c = { .take = false };
	double start = now_s(), s;
	size_t fed = 0;

	c.s = sse_new(2 * HUGE, on_event, &c);
	do {
		for (size_t at = 0; at < in->len; at += piece)
			must(sse_feed(c.s, in->p + at,
				     in->len - at < piece ? in->len - at : piece) == SSE_OK);
		fed += in->len;
	} while ((s = now_s() - start) < MEASURE_S);
	printf("%-38s %6zu KiB pieces %9.2f M events/s %8.0f MB/s\n", what, piece >> 10,
		(double)c.events / s / 1e6, (double)fed / s / 1e6);
	sse_free(c.s);
}

static void small_events(const char *what, const char *event)
{
	struct buf in;

	buf_init(&in, (size_t)1 << 30);
	for (int i = 0; i < 20000; i++)
		must(buf_adds(&in, event));
	measure(what, &in, (size_t)16 << 10);
	measure(what, &in, (size_t)256 << 10);
	buf_free(&in);
}

/* Made piece by piece, so that the peak is the parser's alone. */
static void huge_event(void)
{
	static char piece[(size_t)256 << 10];
	long before = peak_kib(), after;
	double s = 1e9;

	for (int round = 0; round < 5; round++) {
		struct count c = { .take = true };
		double start;
		char head[] = "data: ", tail[] = "\n\n";

		memset(piece, 'x', sizeof(piece));
		c.s = sse_new(2 * HUGE, on_event, &c);
		start = now_s();
		must(sse_feed(c.s, head, 6) == SSE_OK);
		for (size_t n = 0; n < HUGE; n += sizeof(piece))
			must(sse_feed(c.s, piece, sizeof(piece)) == SSE_OK);
		must(sse_feed(c.s, tail, 2) == SSE_OK && c.events == 1 && c.bytes == HUGE);
		if (now_s() - start < s)
			s = now_s() - start;
		sse_free(c.s);
	}
	after = peak_kib();
	printf("%-38s %6zu KiB pieces %9.1f ms %18.0f MB/s, peak %.2f of its size\n",
		"one event of 64 MiB, taken", sizeof(piece) >> 10, s * 1e3, (double)HUGE / s / 1e6,
		(double)(after - before) * 1024 / (double)HUGE);
}

int main(void)
{
	huge_event();
	small_events("31 bytes, LF", "data: {\"jsonrpc\":\"2.0\",\"a\":1}\n\n");
	small_events("as MCP servers send them, LF",
		"event: message\nid: s1_4711\n"
		"data: "
		"{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"content\":[{\"type\":\"text\","
		"\"text\":\"hello\"}]}}\n\n");
	small_events("as MCP servers send them, CRLF",
		"event: message\r\nid: s1_4711\r\n"
		"data: "
		"{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"content\":[{\"type\":\"text\","
		"\"text\":\"hello\"}]}}\r\n\r\n");
	small_events("31 bytes, CR", "data: {\"jsonrpc\":\"2.0\",\"a\":1}\r\r");
	small_events("three data lines",
		"data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":4711,\ndata: \"result\":{}}\n\n");
	return 0;
}
