#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cmocka.h>

#include "base/buf.h"
#include "mcp/http/sse.h"

#define CAP ((size_t)1 << 20)

/* ---- pieces that end where memory ends ---- */

static char *guard;       /* the first byte that must not be touched */
static size_t guard_room; /* bytes before it */

static int make_guard(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open("/dev/zero", O_RDWR);
	char *p;

	(void)state;
	if (fd < 0)
		return -1;
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED || mprotect(p + page, page, PROT_NONE) != 0)
		return -1;
	guard = p + page;
	guard_room = page;
	return 0;
}

static int drop_guard(void **state)
{
	(void)state;
	return munmap(guard - guard_room, 2 * guard_room);
}

/* Feeds a copy whose end touches the guard, and spoils it afterwards: nothing may be kept in it. */
static enum sse_status feed(struct sse *s, const char *p, size_t n)
{
	enum sse_status st;

	assert_true(n <= guard_room);
	memcpy(guard - n, p, n);
	st = sse_feed(s, guard - n, n);
	memset(guard - n, '#', n);
	return st;
}

/* ---- what was seen, as text: "name,id,data;" for each event ---- */

struct seen {
	struct buf text;
	size_t events;
	size_t stop_after; /* the callback says stop at this event; 0: never */
};

static void note(struct seen *w, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			assert_true(buf_adds(&w->text, "\\n"));
		else
			assert_true(buf_addc(&w->text, p[i] ? p[i] : '0'));
	}
}

static bool on_event(void *ctx, struct sse_event *ev)
{
	struct seen *w = ctx;

	note(w, ev->name, strlen(ev->name));
	note(w, ",", 1);
	note(w, ev->id, strlen(ev->id));
	note(w, ",", 1);
	note(w, ev->data, ev->len);
	note(w, ";", 1);
	memset(ev->data, '!', ev->len); /* the callee may */
	return ++w->events != w->stop_after;
}

static void seen_init(struct seen *w)
{
	*w = (struct seen){ 0 };
	buf_init(&w->text, 1 << 20);
}

/* ---- rows ---- */

struct row {
	const char *what;
	const char *in;
	size_t n;
	const char *events;
	const char *last_id;
	int64_t retry_ms;
};

#define IN(s) s, sizeof(s) - 1
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

static const struct row rows[] = {
	{ "nothing", IN(""), "", "", -1 },
	{ "one event", IN("data: x\n\n"), "message,,x;", "", -1 },
	{ "no blank behind the colon", IN("data:x\n\n"), "message,,x;", "", -1 },
	{ "only one blank is taken off", IN("data:  x \n\n"), "message,, x ;", "", -1 },
	{ "a tab is data", IN("data:\tx\n\n"), "message,,\tx;", "", -1 },
	{ "the standard's stock ticker", IN("data: YHOO\ndata: +2\ndata: 10\n\n"),
		"message,,YHOO\\n+2\\n10;", "", -1 },
	{ "the standard's ids",
		IN(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  "
		   "third event\n\n"),
		"message,1,first event;message,,second event;message,, third event;", "", -1 },
	{ "empty data lines", IN("data\n\ndata\ndata\n\ndata:"), "message,,\\n;", "", -1 },
	{ "empty lines between data stay", IN("data: a\ndata\ndata: b\n\n"), "message,,a\\n\\nb;",
		"", -1 },
	{ "CRLF", IN("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"), "message,,a\\nb;message,,c;", "",
		-1 },
	{ "CR", IN("data: a\rdata: b\r\rdata: c\r\r"), "message,,a\\nb;message,,c;", "", -1 },
	{ "LF CR", IN("data: a\n\rdata: b\n\r"), "message,,a;message,,b;", "", -1 },
	{ "CRLF LF", IN("data: a\r\n\ndata: b\r\n\n"), "message,,a;message,,b;", "", -1 },
	{ "LF CRLF", IN("data: a\n\r\ndata: b\n\r\n"), "message,,a;message,,b;", "", -1 },
	{ "CR CRLF", IN("data: a\r\r\ndata: b\r\r\n"), "message,,a;message,,b;", "", -1 },
	{ "CRLF CR", IN("data: a\r\n\rdata: b\r\n\r"), "message,,a;message,,b;", "", -1 },
	{ "many empty lines", IN("\n\r\n\r\r\ndata: a\n\n\n\n\n"), "message,,a;", "", -1 },
	{ "a BOM",
		IN("\xEF\xBB\xBF"
		   "data: x\n\n"),
		"message,,x;", "", -1 },
	{ "a BOM alone", IN("\xEF\xBB\xBF"), "", "", -1 },
	{ "a BOM and an empty line", IN("\xEF\xBB\xBF\ndata: x\n\n"), "message,,x;", "", -1 },
	{ "two BOMs",
		IN("\xEF\xBB\xBF\xEF\xBB\xBF"
		   "data: x\n\n"),
		"", "", -1 },
	{ "half a BOM",
		IN("\xEF\xBB"
		   "data: x\n\n"),
		"", "", -1 },
	{ "half a BOM and a line end", IN("\xEF\ndata: x\n\n"), "message,,x;", "", -1 },
	{ "a BOM later on",
		IN("data: x\n\n\xEF\xBB\xBF"
		   "data: y\n\n"),
		"message,,x;", "", -1 },
	{ "an event's name", IN("event: ping\ndata: x\n\ndata: y\n\n"), "ping,,x;message,,y;", "",
		-1 },
	{ "the last name counts", IN("event: a\nevent: b\ndata: x\n\n"), "b,,x;", "", -1 },
	{ "a name taken back", IN("event: a\nevent\ndata: x\n\n"), "message,,x;", "", -1 },
	{ "a name goes with an event without data", IN("event: a\n\ndata: x\n\n"), "message,,x;",
		"", -1 },
	{ "a name behind the data", IN("data: x\nevent: a\n\n"), "a,,x;", "", -1 },
	{ "an id stays", IN("id: 7\ndata: x\n\ndata: y\n\n"), "message,7,x;message,7,y;", "7", -1 },
	{ "an id is taken back", IN("id: 7\ndata: x\n\nid:\ndata: y\n\n"),
		"message,7,x;message,,y;", "", -1 },
	{ "an id with NUL is ignored",
		IN("id: 7\n\nid: 8\0"
		   "9\ndata: x\n\n"),
		"message,7,x;", "7", -1 },
	{ "an id without data counts", IN("id: 7\n\n"), "", "7", -1 },
	{ "an id with empty data counts", IN("id: 7\ndata: \n\n"), "", "7", -1 },
	{ "an id counts only when the event ends", IN("id: 7\n\nid: 8\ndata: x\n"), "", "7", -1 },
	{ "an id behind the data", IN("data: x\nid: 7\n\n"), "message,7,x;", "7", -1 },
	{ "ids keep their colons and blanks", IN("id: a: b \ndata: x\n\n"), "message,a: b ,x;",
		"a: b ", -1 },
	{ "retry", IN("retry: 500\n"), "", "", 500 },
	{ "retry needs no blank", IN("retry:0\n"), "", "", 0 },
	{ "the last retry counts", IN("retry: 500\nretry: 20\n"), "", "", 20 },
	{ "an unfinished retry", IN("retry: 500"), "", "", -1 },
	{ "an empty retry", IN("retry: 5\nretry:\nretry\n"), "", "", 5 },
	{ "retry with a sign", IN("retry: 5\nretry: -1\nretry: +1\n"), "", "", 5 },
	{ "retry with a fraction", IN("retry: 5\nretry: 1.5\nretry: 1e3\nretry: 0x10\n"), "", "",
		5 },
	{ "retry with blanks", IN("retry: 5\nretry:  6\nretry: 6 \n"), "", "", 5 },
	{ "retry with NUL", IN("retry: 5\nretry: 6\0\n"), "", "", 5 },
	{ "retry up to a day", IN("retry: 86400000\n"), "", "", DAY_MS },
	{ "retry beyond a day", IN("retry: 86400001\n"), "", "", DAY_MS },
	{ "retry beyond 64 bits", IN("retry: 18446744073709551617000000000000000000\n"), "", "",
		DAY_MS },
	{ "retry with zeros in front", IN("retry: 00000000000000000000000000000000000012\n"), "",
		"", 12 },
	{ "retry does not end an event", IN("data: a\nretry: 5\ndata: b\n\n"), "message,,a\\nb;",
		"", 5 },
	{ "comments", IN(":\n: \n:data: x\ndata: y\n: z\n\n:"), "message,,y;", "", -1 },
	{ "a comment is no empty line", IN("data: x\n:\ndata: y\n\n"), "message,,x\\ny;", "", -1 },
	{ "unknown fields", IN("dat: a\ndatas: b\nData: c\n data: d\ndata : e\nx\ndata: f\n\n"),
		"message,,f;", "", -1 },
	{ "names longer than any known one",
		IN("retrys: 5\nretry-after: 6\nevents: e\nidentifier: 1\ndata: x\n\n"),
		"message,,x;", "", -1 },
	{ "an unfinished line", IN("data: x\n\ndata: y"), "message,,x;", "", -1 },
	{ "an unfinished event", IN("data: x\n\ndata: y\n"), "message,,x;", "", -1 },
	{ "colons in the data", IN("data: {\"a\": \"b:c\"}\n\n"), "message,,{\"a\": \"b:c\"};", "",
		-1 },
	{ "data with NUL", IN("data: a\0b\n\n"), "message,,a0b;", "", -1 },
	{ "an event as MCP servers send it",
		IN("event: message\r\nid: s1_4\r\ndata: "
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r\n\r\n"),
		"message,s1_4,{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}};", "s1_4", -1 },
	{ "a priming event and the answer", IN("id: 1\nretry: 500\ndata:\n\nid: 2\ndata: x\n\n"),
		"message,2,x;", "2", 500 },
};

/* Feeds the row in pieces that end at a, at b, and at the row's end; step bytes each when step is
 * not 0. */
static void check(const struct row *r, size_t a, size_t b, size_t step)
{
	struct seen w;
	struct sse *s;
	size_t at = 0;

	seen_init(&w);
	s = sse_new(CAP, on_event, &w);
	while (at < r->n) {
		size_t to = step ? at + step : at < a ? a : at < b ? b : r->n;

		if (to > r->n)
			to = r->n;
		assert_int_equal(feed(s, r->in + at, to - at), SSE_OK);
		at = to;
	}
	assert_int_equal(feed(s, "", 0), SSE_OK);
	if (strcmp(buf_str(&w.text), r->events) != 0 || strcmp(sse_last_id(s), r->last_id) != 0 ||
		sse_retry_ms(s) != r->retry_ms)
		fail_msg("%s, cut at %zu and %zu, in steps of %zu: events \"%s\", id \"%s\", retry "
			 "%lld",
			r->what, a, b, step, buf_str(&w.text), sse_last_id(s),
			(long long)sse_retry_ms(s));
	sse_free(s);
	buf_free(&w.text);
}

static void streams_mean_what_the_standard_says_wherever_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		check(r, r->n, r->n, 0);
		check(r, 0, 0, 1);
		check(r, 0, 0, 3);
		for (size_t a = 0; a < r->n; a++)
			for (size_t b = a; b < r->n; b++)
				check(r, a, b, 0);
	}
}

/* Every length around the width of the scan, with bytes beside CR and LF in value. */
static void line_ends_are_found_at_every_place(void **state)
{
	static const char *const ends[] = { "\n", "\r", "\r\n" };
	static const char near[] = { 0x0b, 0x0c, 0x0e, 0x09, (char)0x8a, (char)0x8d, (char)0xff, 1,
		'x' };

	(void)state;
	for (size_t len = 1; len < 80; len++) {
		for (size_t k = 0; k < 3; k++) {
			char in[256], want[128];
			struct seen w;
			struct sse *s;
			int n;

			seen_init(&w);
			s = sse_new(CAP, on_event, &w);
			for (size_t i = 0; i < len; i++)
				want[i] = near[(i + k) % sizeof(near)];
			want[len] = 0;
			n = snprintf(in, sizeof(in), "data:%s%s%sdata:z%s%s", want, ends[k],
				ends[k], ends[k], ends[k]);
			assert_int_equal(feed(s, in, (size_t)n), SSE_OK);
			assert_int_equal(w.events, 2);
			assert_int_equal(w.text.len, strlen("message,,;message,,z;") + len);
			assert_memory_equal(w.text.p + strlen("message,,"), want, len);
			sse_free(s);
			buf_free(&w.text);
		}
	}
}

/* ---- limits ---- */

/* The status for data of n bytes under a cap of 20. */
static enum sse_status capped(size_t n, const char *rest, size_t step, size_t *events)
{
	struct seen w;
	struct sse *s;
	enum sse_status st = SSE_OK;
	char in[256];
	int len;

	seen_init(&w);
	s = sse_new(20, on_event, &w);
	len = snprintf(in, sizeof(in), "data: %.*s%s", (int)n, "abcdefghijklmnopqrstuvwxyz", rest);
	for (size_t at = 0; at < (size_t)len && st == SSE_OK; at += step)
		st = feed(s, in + at, (size_t)len - at < step ? (size_t)len - at : step);
	*events = w.events;
	sse_free(s);
	buf_free(&w.text);
	return st;
}

static void data_may_fill_the_cap_but_not_pass_it(void **state)
{
	static const struct {
		const char *what, *rest;
		size_t most;
	} cases[] = {
		{ "one line", "\n\n", 20 },
		{ "one line, CRLF", "\r\n\r\n", 20 },
		{ "a name behind it", "\nevent: a\n\n", 20 },
		{ "two lines, one break", "\ndata: 0123456789\n\n", 9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step < 60; step++) {
			size_t events;

			if (capped(cases[i].most, cases[i].rest, step, &events) != SSE_OK ||
				events != 1)
				fail_msg("%s in steps of %zu: %zu bytes were refused",
					cases[i].what, step, cases[i].most);
			if (capped(cases[i].most + 1, cases[i].rest, step, &events) !=
					SSE_TOO_LONG ||
				events)
				fail_msg("%s in steps of %zu: %zu bytes were taken", cases[i].what,
					step, cases[i].most + 1);
		}
	}
}

/* A line that never ends must not wait for its end to be refused. */
static void endless_data_is_refused_at_the_cap(void **state)
{
	struct seen w;
	struct sse *s;
	enum sse_status st = SSE_OK;
	size_t fed = 0;

	(void)state;
	seen_init(&w);
	s = sse_new(1000, on_event, &w);
	assert_int_equal(feed(s, "data: ", 6), SSE_OK);
	for (; st == SSE_OK && fed < 5000; fed += 10)
		st = feed(s, "0123456789", 10);
	assert_int_equal(st, SSE_TOO_LONG);
	assert_true(fed <= 1020);
	sse_free(s);
	buf_free(&w.text);
}

static void ids_and_names_that_are_too_long_are_ignored_as_a_whole(void **state)
{
	static const struct {
		const char *field;
		size_t len;
		bool kept;
	} cases[] = {
		{ "id", SSE_FIELD_MAX, true },
		{ "id", SSE_FIELD_MAX + 1, false },
		{ "event", SSE_FIELD_MAX, true },
		{ "event", SSE_FIELD_MAX + 1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen w;
		struct sse *s;
		struct buf in;
		bool found;

		seen_init(&w);
		s = sse_new(CAP, on_event, &w);
		buf_init(&in, CAP);
		assert_true(buf_addf(&in, "id: old\n\n%s: ", cases[i].field));
		for (size_t k = 0; k < cases[i].len; k++)
			assert_true(buf_addc(&in, 'v'));
		assert_true(buf_adds(&in, "\ndata: x\n\n"));
		for (size_t at = 0; at < in.len; at += 1000)
			assert_int_equal(
				feed(s, in.p + at, in.len - at < 1000 ? in.len - at : 1000),
				SSE_OK);
		assert_int_equal(w.events, 1);
		found = w.text.len > cases[i].len;
		assert_int_equal(found, cases[i].kept);
		if (!cases[i].kept)
			assert_string_equal(buf_str(&w.text), "message,old,x;");
		sse_free(s);
		buf_free(&in);
		buf_free(&w.text);
	}
}

/* Comments and unknown fields have no cap: they are not kept. */
static void what_means_nothing_may_be_as_long_as_it_likes(void **state)
{
	static const char *const starts[] = { ":", "unknown: ", "withoutcolon" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct seen w;
		struct sse *s;

		seen_init(&w);
		s = sse_new(10, on_event, &w);
		assert_int_equal(feed(s, starts[i], strlen(starts[i])), SSE_OK);
		for (int k = 0; k < 1000; k++)
			assert_int_equal(feed(s, "0123456789", 10), SSE_OK);
		assert_int_equal(feed(s, "\ndata: x\n\n", 10), SSE_OK);
		assert_string_equal(buf_str(&w.text), "message,,x;");
		sse_free(s);
		buf_free(&w.text);
	}
}

/* ---- stopping, starting again, taking ---- */

static void the_callback_can_stop_the_parser_at_every_event(void **state)
{
	static const char in[] = "data: a\n\ndata: b\ndata\n\nid: 3\ndata: c\n\n";

	(void)state;
	for (size_t stop = 1; stop <= 3; stop++) {
		for (size_t step = 1; step <= sizeof(in); step++) {
			struct seen w;
			struct sse *s;
			enum sse_status st = SSE_OK;

			seen_init(&w);
			w.stop_after = stop;
			s = sse_new(CAP, on_event, &w);
			for (size_t at = 0; at < sizeof(in) - 1 && st == SSE_OK; at += step)
				st = feed(s, in + at,
					sizeof(in) - 1 - at < step ? sizeof(in) - 1 - at : step);
			assert_int_equal(st, SSE_STOPPED);
			assert_int_equal(w.events, stop);
			assert_string_equal(sse_last_id(s), stop == 3 ? "3" : "");
			sse_free(s);
			buf_free(&w.text);
		}
	}
}

static void a_new_connection_keeps_id_and_retry_and_drops_the_rest(void **state)
{
	static const char first[] = "id: 1\nretry: 9\ndata: a\n\nid: 2\nevent: e\ndata: lost\nda";
	static const struct {
		const char *what;
		size_t cut; /* where the first connection ends */
	} cases[] = {
		{ "in a name", sizeof(first) - 1 },
		{ "behind a line", sizeof(first) - 3 },
		{ "in a value", sizeof(first) - 6 },
		{ "in an id", sizeof("id: 1\nretry: 9\ndata: a\n\nid: 2") - 1 },
		{ "behind an event", sizeof("id: 1\nretry: 9\ndata: a\n\n") - 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen w;
		struct sse *s;

		seen_init(&w);
		s = sse_new(CAP, on_event, &w);
		assert_int_equal(feed(s, first, cases[i].cut), SSE_OK);
		sse_reconnect(s);
		assert_string_equal(sse_last_id(s), "1");
		assert_int_equal(sse_retry_ms(s), 9);
		assert_int_equal(feed(s,
					 "\xEF\xBB\xBF"
					 "data: b\n\n",
					 12),
			SSE_OK);
		if (strcmp(buf_str(&w.text), "message,1,a;message,1,b;") != 0)
			fail_msg("cut %s: %s", cases[i].what, buf_str(&w.text));
		sse_free(s);
		buf_free(&w.text);
	}
}

struct taker {
	struct sse *s;
	struct buf out;
	const char *data; /* where the event's data was */
	bool good;
};

static bool take(void *ctx, struct sse_event *ev)
{
	struct taker *t = ctx;

	t->data = ev->data;
	t->good = sse_take(t->s, ev, &t->out);
	return true;
}

static void data_can_be_taken_from_a_piece_and_from_the_parser(void **state)
{
	static const char in[] = "data: first\n\ndata: second\n\ndata: third\n\n";

	(void)state;
	for (size_t step = 1; step <= sizeof(in) - 1; step++) {
		struct taker t = { .good = false };

		t.s = sse_new(CAP, take, &t);
		buf_init(&t.out, 6);
		assert_true(buf_adds(&t.out, "before"));
		for (size_t at = 0; at < sizeof(in) - 1; at += step)
			assert_int_equal(
				feed(t.s, in + at,
					sizeof(in) - 1 - at < step ? sizeof(in) - 1 - at : step),
				SSE_OK);
		assert_true(t.good);
		assert_string_equal(buf_str(&t.out), "third");
		assert_int_equal(t.out.len, 5);
		assert_int_equal(t.out.cap, 6);
		sse_free(t.s);
		buf_free(&t.out);
	}
}

static void data_that_was_gathered_changes_hands_without_a_copy(void **state)
{
	struct taker t = { .good = false };
	char block[1000];

	(void)state;
	memset(block, 'x', sizeof(block));
	t.s = sse_new(CAP, take, &t);
	buf_init(&t.out, CAP);
	assert_int_equal(feed(t.s, "data: ", 6), SSE_OK);
	for (int i = 0; i < 500; i++)
		assert_int_equal(feed(t.s, block, sizeof(block)), SSE_OK);
	assert_int_equal(feed(t.s, "\n\n", 2), SSE_OK);
	assert_true(t.good);
	assert_int_equal(t.out.len, 500 * sizeof(block));
	assert_ptr_equal(t.out.p, t.data);
	sse_free(t.s);
	buf_free(&t.out);
}

/* Where the event lies in the piece, the data is the piece's own. */
static void a_whole_event_is_handed_over_without_a_copy(void **state)
{
	static const char *const heads[] = {
		"data: ", "data:", "id: 1\nevent: message\ndata: ", "\r\n\r\ndata: "
	};
	struct taker t = { .good = false };

	(void)state;
	t.s = sse_new(CAP, take, &t);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		char piece[100];
		int n = snprintf(piece, sizeof(piece), "%sxyz\n\n", heads[i]);

		buf_init(&t.out, CAP);
		assert_int_equal(sse_feed(t.s, piece, (size_t)n), SSE_OK);
		assert_ptr_equal(t.data, piece + strlen(heads[i]));
		assert_string_equal(buf_str(&t.out), "xyz");
		buf_free(&t.out);
	}
	sse_free(t.s);
}

static void taking_into_too_small_a_buffer_fails(void **state)
{
	static const char in[] = "data: 123456\n\n";

	(void)state;
	for (size_t step = 1; step < sizeof(in); step++) {
		struct taker t = { .good = true };

		t.s = sse_new(CAP, take, &t);
		buf_init(&t.out, 5);
		for (size_t at = 0; at < sizeof(in) - 1; at += step)
			assert_int_equal(
				feed(t.s, in + at,
					sizeof(in) - 1 - at < step ? sizeof(in) - 1 - at : step),
				SSE_OK);
		assert_false(t.good);
		assert_int_equal(t.out.len, 0);
		sse_free(t.s);
		buf_free(&t.out);
	}
}

#ifdef __GLIBC__
/* Under a sanitizer or valgrind this shows nothing, since they have a malloc of their own. */
static void a_huge_event_leaves_no_memory_behind(void **state)
{
	struct seen w;
	struct sse *s;
	struct mallinfo2 m;
	size_t before;
	char block[1000];

	(void)state;
	memset(block, 'x', sizeof(block));
	seen_init(&w);
	assert_true(buf_reserve(&w.text, CAP));
	s = sse_new(CAP, on_event, &w);
	m = mallinfo2();
	before = m.uordblks + m.hblkhd;
	assert_int_equal(feed(s, "data: ", 6), SSE_OK);
	for (int i = 0; i < 900; i++)
		assert_int_equal(feed(s, block, sizeof(block)), SSE_OK);
	assert_int_equal(feed(s, "\n\n", 2), SSE_OK);
	assert_int_equal(w.events, 1);
	m = mallinfo2();
	assert_true(m.uordblks + m.hblkhd <= before + (128 << 10));
	sse_free(s);
	buf_free(&w.text);
}
#endif

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	sse_free(NULL);
}

/* Cut anywhere, also in the middle of a field, a name or a byte order mark. */
static void a_parser_that_is_used_again_knows_nothing_of_the_stream_before(void **state)
{
	static const char first[] = "\xEF\xBB\xBF"
				    "id: 1\nretry: 9\ndata: a\n\nid: 2\nevent: x\ndata: b\r";
	struct seen w;

	(void)state;
	for (size_t cut = 0; cut < sizeof(first); cut++) {
		struct sse *s;

		seen_init(&w);
		s = sse_new(CAP, on_event, &w);
		assert_int_equal(feed(s, first, cut), SSE_OK);
		buf_reset(&w.text);
		sse_reuse(s, on_event, &w);
		assert_string_equal(sse_last_id(s), "");
		assert_int_equal(sse_retry_ms(s), -1);
		assert_int_equal(feed(s, "\ndata: c\n\n", 11), SSE_OK);
		if (strcmp(buf_str(&w.text), "message,,c;") != 0)
			fail_msg("cut at %zu: %s", cut, buf_str(&w.text));
		sse_free(s);
		buf_free(&w.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_mean_what_the_standard_says_wherever_they_are_cut),
		cmocka_unit_test(line_ends_are_found_at_every_place),
		cmocka_unit_test(data_may_fill_the_cap_but_not_pass_it),
		cmocka_unit_test(endless_data_is_refused_at_the_cap),
		cmocka_unit_test(ids_and_names_that_are_too_long_are_ignored_as_a_whole),
		cmocka_unit_test(what_means_nothing_may_be_as_long_as_it_likes),
		cmocka_unit_test(the_callback_can_stop_the_parser_at_every_event),
		cmocka_unit_test(a_new_connection_keeps_id_and_retry_and_drops_the_rest),
		cmocka_unit_test(data_can_be_taken_from_a_piece_and_from_the_parser),
		cmocka_unit_test(data_that_was_gathered_changes_hands_without_a_copy),
		cmocka_unit_test(a_whole_event_is_handed_over_without_a_copy),
		cmocka_unit_test(taking_into_too_small_a_buffer_fails),
#ifdef __GLIBC__
		cmocka_unit_test(a_huge_event_leaves_no_memory_behind),
#endif
		cmocka_unit_test(freeing_nothing_is_fine),
		cmocka_unit_test(a_parser_that_is_used_again_knows_nothing_of_the_stream_before),
	};

	return cmocka_run_group_tests(tests, make_guard, drop_guard);
}
