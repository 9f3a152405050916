#define _XOPEN_SOURCE 700 /* posix_openpt() */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cmocka.h>

#include "base/buf.h"
#include "mcp/stdio/lines.h"
#include "net/loop.h"

/* More than a pipe and all buffers on the way hold. */
#define LARGE ((size_t)3 << 20)

/* Bytes that the program holds; 0 where that cannot be asked (then nothing is shown, nothing fails). */
static size_t held(void)
{
#ifdef __GLIBC__
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
#else
	return 0;
#endif
}

static bool is_nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

static void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		assert_true(k > 0);
		p += k;
		n -= (size_t)k;
	}
}

/* ---- in: a feeder writes one piece a round, so that each piece is one read ---- */

enum habit { LOOK, TAKE, PAUSE, FREE };

struct reader {
	struct loop *loop;
	int fd[2];
	struct lines_in *w;
	struct loop_task task;
	const char *in;
	size_t n, at;
	size_t a, b, step; /* as in test_sse.c: where the pieces end */
	enum habit habit;
	bool paused;
	size_t calm_rounds; /* since the pause */
	struct buf text;    /* the lines, '|' behind each; '!' for one too long */
	size_t lines, too_long, ends, most_held;
	enum err_kind failed;
};

static void feed_task(void *ctx)
{
	struct reader *r = ctx;
	size_t to = r->step ? r->at + r->step : r->at < r->a ? r->a : r->at < r->b ? r->b : r->n;

	if (r->paused && ++r->calm_rounds > 3) {
		r->paused = false;
		lines_in_pause(r->w, false);
	}
	if (to > r->n)
		to = r->n;
	if (r->at < r->n) {
		ssize_t k = write(r->fd[1], r->in + r->at, to - r->at);

		assert_true(k > 0 || errno == EAGAIN); /* full during a pause */
		r->at += k > 0 ? (size_t)k : 0;
	} else if (r->fd[1] >= 0) {
		close(r->fd[1]);
		r->fd[1] = -1;
	}
	loop_task_queue(&r->task);
}

static void after_event(struct reader *r)
{
	assert_false(r->paused); /* nothing may happen during a pause */
	if (r->habit == PAUSE) {
		r->paused = true;
		r->calm_rounds = 0;
		lines_in_pause(r->w, true);
	} else if (r->habit == FREE) {
		lines_in_free(r->w);
		r->w = NULL;
		loop_stop(r->loop);
	}
}

static void keep_text(struct reader *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(buf_addc(&r->text, p[i] ? p[i] : '0'));
}

/* All of the line but its first and last byte, as a caller does that leaves out blanks. */
static void take_inner(struct reader *r, char *p, size_t n)
{
	struct buf taken;
	char first = p[0], last = p[n - 1];

	buf_init(&taken, 2 * LARGE);
	assert_true(buf_adds(&taken, "before"));
	assert_true(lines_in_take(r->w, p + 1, n - 2, &taken));
	assert_int_equal(taken.len, n - 2);
	assert_int_equal(taken.p[taken.len], 0);
	assert_int_equal(taken.cap, 2 * LARGE);
	keep_text(r, &first, 1);
	keep_text(r, taken.p, taken.len);
	keep_text(r, &last, 1);
	buf_free(&taken);
}

static void on_line(void *ctx, char *p, size_t n)
{
	struct reader *r = ctx;
	volatile char behind = p[n]; /* may be read */

	(void)behind;
	if (r->habit == TAKE && n > 2) {
		take_inner(r, p, n);
	} else {
		keep_text(r, p, n);
		memset(p, '#', n); /* the callee may */
	}
	assert_true(buf_addc(&r->text, '|'));
	r->lines++;
	after_event(r);
}

static void on_too_long(void *ctx)
{
	struct reader *r = ctx;

	assert_true(buf_addc(&r->text, '!'));
	r->too_long++;
	after_event(r);
}

static void on_end(void *ctx, const struct err *e)
{
	struct reader *r = ctx;

	assert_false(r->paused);
	r->ends++;
	r->failed = e ? e->kind : ERR_NONE;
	if (r->habit == FREE) {
		lines_in_free(r->w);
		r->w = NULL;
	}
	loop_stop(r->loop);
}

static const struct lines_in_events in_events = { on_line, on_too_long, on_end };

static void reader_start(struct reader *r, int fd, size_t cap)
{
	struct err e = { 0 };

	r->loop = loop_new(&e);
	r->w = lines_in_new(r->loop, fd, cap, &in_events, r, &e);
	assert_non_null(r->w);
	buf_init(&r->text, 4 * LARGE);
}

static void reader_end(struct reader *r)
{
	loop_task_clear(&r->task);
	lines_in_free(r->w);
	loop_free(r->loop);
	buf_free(&r->text);
}

/* Feeds r->in through a pipe until the end of input (or FREE's stop). */
static void feed(struct reader *r, size_t cap)
{
	struct err e = { 0 };

	assert_int_equal(pipe(r->fd), 0);
	fcntl(r->fd[1], F_SETFL, O_NONBLOCK);
	reader_start(r, r->fd[0], cap);
	loop_task_init(&r->task, r->loop, feed_task, r);
	loop_task_queue(&r->task);
	assert_true(loop_run(r->loop, &e));
	loop_task_clear(&r->task);
	if (r->fd[1] >= 0)
		close(r->fd[1]);
}

static void feed_end(struct reader *r)
{
	reader_end(r);
	close(r->fd[0]);
}

struct row {
	const char *what;
	const char *in;
	size_t n;
	const char *want;
};

#define IN(s) s, sizeof(s) - 1

/* The cap is 8 bytes. */
static const struct row rows[] = {
	{ "nothing", IN(""), "" },
	{ "one line", IN("a\n"), "a|" },
	{ "two lines", IN("a\nb\n"), "a|b|" },
	{ "CRLF", IN("a\r\nb\r\n"), "a|b|" },
	{ "the last line has no end", IN("a\nb"), "a|b|" },
	{ "the last line has half an end", IN("a\nb\r"), "a|b|" },
	{ "a CR ends no line", IN("a\rb\n"), "a\rb|" },
	{ "one CR belongs to the end", IN("a\r\r\n"), "a\r|" },
	{ "empty lines", IN("\n\n\r\na\n\n\nb\n\n"), "a|b|" },
	{ "white space", IN(" \n\t\n \t \r\na\n   "), "a|" },
	{ "blanks around a line stay", IN(" a \n"), " a |" },
	{ "NUL", IN("a\0b\n\0\n"), "a0b|0|" },
	{ "a BOM",
		IN("\xEF\xBB\xBF"
		   "a\nb\n"),
		"a|b|" },
	{ "a BOM and a short line", IN("\xEF\xBB\xBF\nb\n"), "b|" },
	{ "a BOM and no line", IN("\xEF\xBB\xBF"), "" },
	{ "half a BOM",
		IN("\xEF\xBB"
		   "a\n"),
		"\xEF\xBB"
		"a|" },
	{ "half a BOM at the end", IN("\xEF\xBB"), "\xEF\xBB|" },
	{ "a BOM later on",
		IN("abc\n\xEF\xBB\xBF"
		   "b\n"),
		"abc|\xEF\xBB\xBF"
		"b|" },
	{ "as long as the cap", IN("12345678\n12345678\r\n12345678"),
		"12345678|12345678|12345678|" },
	{ "as long as the cap, CR at the end", IN("12345678\r"), "12345678|" },
	{ "over the cap", IN("123456789\na\n"), "!a|" },
	{ "over the cap, CRLF", IN("123456789\r\na\n"), "!a|" },
	{ "over the cap at the end", IN("a\n123456789"), "a|!" },
	{ "over the cap, ends in CR", IN("a\n123456789\r"), "a|!" },
	{ "far over the cap", IN("1234567890123456789012345678901234567890\na\n"), "!a|" },
	{ "far over the cap at the end", IN("1234567890123456789012345678901234567890"), "!" },
	{ "twice over the cap", IN("1234567890123\n1234567890123\na\n"), "!!a|" },
	{ "blanks over the cap", IN("               \na\n"), "!a|" },
	{ "a BOM and the cap",
		IN("\xEF\xBB\xBF"
		   "12345678\na\n"),
		"12345678|a|" },
};

static void check(const struct row *row, enum habit habit, size_t a, size_t b, size_t step)
{
	struct reader r = {
		.in = row->in, .n = row->n, .a = a, .b = b, .step = step, .habit = habit
	};

	feed(&r, 8);
	if (strcmp(buf_str(&r.text), row->want) != 0 || r.ends != 1 || r.failed)
		fail_msg("%s, cut at %zu and %zu, in steps of %zu, habit %d: \"%s\"", row->what, a,
			b, step, (int)habit, buf_str(&r.text));
	feed_end(&r);
}

static void lines_are_the_same_wherever_the_input_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (enum habit h = LOOK; h <= PAUSE; h++) {
			check(&rows[i], h, rows[i].n, rows[i].n, 0);
			check(&rows[i], h, 0, 0, 1);
			for (size_t a = 1; a < rows[i].n; a++)
				check(&rows[i], h, a, a + 3, 0);
		}
	}
}

static void a_reader_can_be_freed_by_every_callback(void **state)
{
	static const char *const ins[] = { "a\nb\n", "a", "123456789\nb\n", "123456789", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(ins) / sizeof(ins[0]); i++) {
		struct reader r = { .in = ins[i], .n = strlen(ins[i]), .a = 100, .habit = FREE };

		feed(&r, 8);
		assert_null(r.w);
		assert_int_equal(r.lines + r.too_long + r.ends, 1);
		assert_false(is_nonblocking(r.fd[0]));
		feed_end(&r);
	}
}

/* A line of n bytes that tells every place from every other one nearby. */
static void add_long_line(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(buf_addc(b, (char)('a' + (i ^ i >> 8 ^ i >> 16) % 26)));
	assert_true(buf_addc(b, '\n'));
}

static void long_lines_arrive_whole_and_among_others(void **state)
{
	(void)state;
	for (enum habit h = LOOK; h <= PAUSE; h++) {
		for (size_t step = 8000; step <= 64000; step += 28000) {
			struct buf in, want;
			struct reader r = { .habit = h, .step = step };

			buf_init(&in, 4 * LARGE);
			assert_true(buf_adds(&in, "\xEF\xBB\xBF"));
			add_long_line(&in, (size_t)90 << 10);
			assert_true(buf_adds(&in, "second\n"));
			add_long_line(&in, LARGE);
			assert_true(buf_adds(&in, "x\n"));
			add_long_line(&in, (size_t)100 << 10);
			add_long_line(&in, (size_t)70 << 10);
			assert_true(buf_adds(&in, "last\n"));
			r.in = in.p;
			r.n = in.len;
			feed(&r, LARGE);
			buf_init(&want, 4 * LARGE);
			assert_true(buf_add(&want, in.p + 3, in.len - 3));
			for (size_t i = 0; i < want.len; i++)
				if (want.p[i] == '\n')
					want.p[i] = '|';
			assert_int_equal(r.lines, 7);
			assert_int_equal(r.text.len, want.len);
			assert_memory_equal(r.text.p, want.p, want.len);
			feed_end(&r);
			buf_free(&in);
			buf_free(&want);
		}
	}
}

static void take_too_much(void *ctx, char *p, size_t n)
{
	struct reader *r = ctx;
	struct buf small;

	buf_init(&small, n - 1);
	assert_false(lines_in_take(r->w, p, n, &small));
	assert_int_equal(small.len, 0);
	/* The line is still there. */
	assert_int_equal(p[n - 1], 'z');
	r->lines++;
	buf_free(&small);
}

static void taking_into_too_small_a_buffer_fails(void **state)
{
	static const struct lines_in_events on = { take_too_much, on_too_long, on_end };

	(void)state;
	for (size_t n = 10; n < LARGE; n *= 100) {
		struct reader r = { .step = 50000 };
		struct err e = { 0 };
		char *in = malloc(n + 1);

		assert_non_null(in);
		memset(in, 'z', n);
		in[n] = '\n';
		r.in = in;
		r.n = n + 1;
		assert_int_equal(pipe(r.fd), 0);
		r.loop = loop_new(&e);
		r.w = lines_in_new(r.loop, r.fd[0], LARGE, &on, &r, &e);
		loop_task_init(&r.task, r.loop, feed_task, &r);
		loop_task_queue(&r.task);
		assert_true(loop_run(r.loop, &e));
		assert_int_equal(r.lines, 1);
		reader_end(&r);
		close(r.fd[0]);
		free(in);
	}
}

/* ---- in: memory ---- */

/* Only the short lines are of interest: what is held while they are read. */
static void measure_line(void *ctx, char *p, size_t n)
{
	struct reader *r = ctx;

	(void)p;
	r->lines++;
	if (n < 100 && held() > r->most_held)
		r->most_held = held();
}

static void measure_too_long(void *ctx)
{
	struct reader *r = ctx;

	r->too_long++;
}

static const struct lines_in_events measure = { measure_line, measure_too_long, on_end };

static void a_huge_line_leaves_no_memory_behind(void **state)
{
	struct buf in;

	(void)state;
	buf_init(&in, 2 * LARGE);
	add_long_line(&in, LARGE);
	assert_true(buf_adds(&in, "one\ntwo\n"));
	for (int over = 0; over < 2; over++) {
		struct reader r = { .in = in.p, .n = in.len, .a = LARGE + 1, .b = LARGE + 5 };
		struct err e = { 0 };
		size_t before;

		assert_int_equal(pipe(r.fd), 0);
		fcntl(r.fd[1], F_SETFL, O_NONBLOCK);
		r.loop = loop_new(&e);
		before = held();
		r.w = lines_in_new(r.loop, r.fd[0], over ? LARGE / 2 : LARGE, &measure, &r, &e);
		loop_task_init(&r.task, r.loop, feed_task, &r);
		loop_task_queue(&r.task);
		assert_true(loop_run(r.loop, &e));
		assert_int_equal(r.lines, over ? 2 : 3);
		assert_int_equal(r.too_long, over);
		assert_true(r.most_held <= before + LARGE / 8);
		reader_end(&r);
		close(r.fd[0]);
	}
	buf_free(&in);
}

/* ---- in: descriptors ---- */

static void flags_are_given_back(void **state)
{
	(void)state;
	for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
		struct loop *l = loop_new(NULL);
		struct lines_in *w;
		int fd[2];

		assert_int_equal(pipe(fd), 0);
		if (nonblocking)
			fcntl(fd[0], F_SETFL, O_NONBLOCK);
		w = lines_in_new(l, fd[0], 8, &in_events, NULL, NULL);
		assert_true(is_nonblocking(fd[0]));
		/* Somebody else's change meanwhile is not undone. */
		fcntl(fd[0], F_SETFL, fcntl(fd[0], F_GETFL) | O_APPEND);
		lines_in_free(w);
		assert_int_equal(is_nonblocking(fd[0]), nonblocking);
		assert_true(fcntl(fd[0], F_GETFL) & O_APPEND);
		loop_free(l);
		close(fd[0]);
		close(fd[1]);
	}
}

static void a_closed_descriptor_is_an_error(void **state)
{
	struct loop *l = loop_new(NULL);
	struct err e = { 0 };

	(void)state;
	assert_null(lines_in_new(l, 9999, 8, &in_events, NULL, &e));
	assert_int_equal(e.kind, ERR_IO);
	loop_free(l);
	lines_in_free(NULL);
}

static void read_until_end(struct reader *r, int fd, size_t cap)
{
	struct err e = { 0 };

	assert_true(fd >= 0);
	reader_start(r, fd, cap);
	assert_true(loop_run(r->loop, &e));
	assert_int_equal(r->ends, 1);
}

static void files_and_dev_null_can_be_the_input(void **state)
{
	struct reader file = { .habit = LOOK }, null = { .habit = LOOK };
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	fputs("a\nb\r\nc", f);
	rewind(f);
	read_until_end(&file, fileno(f), 8);
	assert_string_equal(buf_str(&file.text), "a|b|c|");
	reader_end(&file);
	fclose(f);

	read_until_end(&null, open("/dev/null", O_RDONLY), 8);
	assert_string_equal(buf_str(&null.text), "");
	assert_int_equal(null.failed, ERR_NONE);
	reader_end(&null);
}

static void a_read_error_is_told_with_the_end(void **state)
{
	struct reader r = { .habit = LOOK };
	int fd = open("/", O_RDONLY);

	(void)state;
	read_until_end(&r, fd, 8);
	assert_int_equal(r.failed, ERR_IO);
	reader_end(&r);
	close(fd);
}

static void a_terminal_can_be_the_input(void **state)
{
	struct reader r = { .habit = LOOK };
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	write_all(master, "hello\nyou\n\x04", 11);
	read_until_end(&r, slave, 8);
	assert_string_equal(buf_str(&r.text), "hello|you|");
	assert_int_equal(r.failed, ERR_NONE);
	reader_end(&r);
	close(slave);
	close(master);
}

/* ---- in: fairness ---- */

struct pace {
	struct reader r;
	struct loop_task tick;
	size_t before, most; /* lines at the last round, most lines in a round */
};

static void tick(void *ctx)
{
	struct pace *p = ctx;

	if (p->r.lines - p->before > p->most)
		p->most = p->r.lines - p->before;
	p->before = p->r.lines;
	loop_task_queue(&p->tick);
}

static void input_that_is_always_there_does_not_starve_the_loop(void **state)
{
	struct pace p = { .before = 0 };
	struct err e = { 0 };
	FILE *f = tmpfile();
	size_t total = 1000000;

	(void)state;
	assert_non_null(f);
	for (size_t i = 0; i < total; i++)
		fputs("1234567\n", f);
	rewind(f);
	reader_start(&p.r, fileno(f), 8);
	buf_free(&p.r.text);
	buf_init(&p.r.text, 16 * total);
	loop_task_init(&p.tick, p.r.loop, tick, &p);
	loop_task_queue(&p.tick);
	assert_true(loop_run(p.r.loop, &e));
	tick(&p);
	assert_int_equal(p.r.lines, total);
	assert_true(p.most < total / 4);
	loop_task_clear(&p.tick);
	reader_end(&p.r);
	fclose(f);
}

/* ---- out ---- */

struct writer {
	struct loop *loop;
	int fd[2]; /* we read [0], wire writes [1] */
	struct lines_out *w;
	size_t drained, emptied, broken;
	enum err_kind kind;
	bool free_in_callback;
	struct loop_watch *watch;
	struct buf got;
	size_t want;            /* stop when this much was read */
	size_t backlog_drained; /* at the call of drained */
};

static void maybe_free(struct writer *o)
{
	if (!o->free_in_callback)
		return;
	lines_out_free(o->w);
	o->w = NULL;
	loop_stop(o->loop);
}

static void on_drained(void *ctx)
{
	struct writer *o = ctx;

	o->drained++;
	o->backlog_drained = lines_out_backlog(o->w);
	maybe_free(o);
}

static void on_emptied(void *ctx)
{
	struct writer *o = ctx;

	o->emptied++;
	assert_int_equal(lines_out_backlog(o->w), 0);
	maybe_free(o);
	if (!o->watch)
		loop_stop(o->loop);
}

static void on_broken(void *ctx, const struct err *e)
{
	struct writer *o = ctx;

	o->broken++;
	o->kind = e->kind;
	assert_true(e->msg[0]);
	maybe_free(o);
	loop_stop(o->loop);
}

static const struct lines_out_events out_events = { on_drained, on_emptied, on_broken };

static void writer_on(struct writer *o, int fd)
{
	struct err e = { 0 };

	o->loop = loop_new(&e);
	o->w = lines_out_new(o->loop, fd, &out_events, o, &e);
	assert_non_null(o->w);
	buf_init(&o->got, 8 * LARGE);
}

static void writer_start(struct writer *o)
{
	assert_int_equal(pipe(o->fd), 0);
	fcntl(o->fd[0], F_SETFL, O_NONBLOCK);
	writer_on(o, o->fd[1]);
}

static void writer_end(struct writer *o)
{
	loop_watch_free(o->watch);
	lines_out_free(o->w);
	loop_free(o->loop);
	buf_free(&o->got);
	if (o->fd[0] >= 0)
		close(o->fd[0]);
	close(o->fd[1]);
}

/* A slow reader: an odd number of bytes at a time. */
static void read_little(void *ctx, int happened)
{
	struct writer *o = ctx;
	char piece[7001];
	ssize_t n = read(o->fd[0], piece, sizeof(piece));

	(void)happened;
	assert_true(n > 0);
	assert_true(buf_add(&o->got, piece, (size_t)n));
	if (o->got.len >= o->want)
		loop_stop(o->loop);
}

static void run(struct writer *o)
{
	struct err e = { 0 };

	assert_true(loop_run(o->loop, &e));
}

/* Runs until want bytes came out at the other end. */
static void read_all(struct writer *o, size_t want)
{
	o->want = want;
	o->watch = loop_watch(o->loop, o->fd[0], LOOP_READ, read_little, o);
	run(o);
	assert_int_equal(o->got.len, want);
}

static void messages_come_out_whole_and_in_order(void **state)
{
	struct writer o = { .drained = 0 };
	struct buf want, m;

	(void)state;
	writer_start(&o);
	buf_init(&want, 8 * LARGE);
	for (size_t i = 0; i < 300; i++) {
		struct lines_part parts[3] = { { "{", 1 }, { NULL, 0 }, { "}", 1 } };
		size_t n = i % 7 == 0 ? 90000 : i * 13;

		buf_init(&m, LARGE);
		for (size_t k = 0; k < n; k++)
			assert_true(buf_addc(&m, (char)('a' + (i + k) % 26)));
		if (i % 3 != 1) {
			assert_true(buf_add(&want, m.p, m.len));
		} else {
			assert_true(buf_addf(&want, "{%s}", buf_str(&m)));
			parts[1] = (struct lines_part){ m.p, m.len };
			assert_true(lines_out_addv(o.w, parts, 3));
		}
		assert_true(buf_addc(&want, '\n'));
		if (i % 3 == 0)
			assert_true(lines_out_add(o.w, m.p, m.len));
		if (i % 3 == 2) {
			assert_true(lines_out_take(o.w, &m));
			assert_int_equal(m.len, 0);
		}
		buf_free(&m);
	}
	assert_int_equal(lines_out_backlog(o.w), want.len);
	read_all(&o, want.len);
	assert_memory_equal(o.got.p, want.p, want.len);
	assert_int_equal(o.emptied, 1);
	assert_int_equal(o.drained, 1);
	assert_int_equal(o.broken, 0);
	buf_free(&want);
	writer_end(&o);
}

/* Each write to such a socket is a packet of its own. */
static void small_messages_of_one_round_are_one_write(void **state)
{
	struct writer o = { .drained = 0 };
	char packet[2000];
	size_t n = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, o.fd), 0);
	writer_on(&o, o.fd[1]);
	for (size_t i = 0; i < 50; i++) {
		assert_true(lines_out_add(o.w, "0123456789012345678901234567890", i % 32));
		n += i % 32 + 1;
	}
	assert_int_equal(
		recv(o.fd[0], packet, sizeof(packet), MSG_DONTWAIT), -1); /* nothing inside add */
	run(&o);
	assert_int_equal(recv(o.fd[0], packet, sizeof(packet), MSG_DONTWAIT), n);
	assert_memory_equal(packet, "\n0\n01\n012\n", 10);
	assert_int_equal(o.emptied, 1);
	writer_end(&o);
}

static void a_large_buffer_is_written_without_a_copy(void **state)
{
	struct writer o = { .drained = 0 };
	struct buf m;
	size_t before;

	(void)state;
	writer_start(&o);
	buf_init(&m, 2 * LARGE);
	for (size_t i = 0; i < LARGE; i++)
		assert_true(buf_addc(&m, 'x'));
	assert_true(buf_reserve(&m, 1));
	assert_true(buf_reserve(&o.got, LARGE + 1)); /* what the reader needs does not count */
	before = held();
	assert_true(lines_out_take(o.w, &m));
	assert_true(held() < before + LARGE / 2);
	assert_int_equal(lines_out_backlog(o.w), LARGE + 1);
	read_all(&o, LARGE + 1);
	assert_true(!before || held() < before);
	writer_end(&o);
}

static void a_slow_reader_is_noticed_at_the_marks(void **state)
{
	struct writer o = { .drained = 0 };
	char message[1000];
	size_t n = 0;

	(void)state;
	writer_start(&o);
	memset(message, 'm', sizeof(message));
	while (!lines_out_full(o.w)) {
		assert_true(lines_out_add(o.w, message, sizeof(message)));
		n++;
	}
	assert_true(lines_out_backlog(o.w) >= LINES_OUT_HIGH);
	assert_true(lines_out_backlog(o.w) < LINES_OUT_HIGH + 2 * sizeof(message));
	/* What fits into the pipe goes; the rest waits, and nothing is called meanwhile. */
	lines_out_flush(o.w, 0);
	assert_true(lines_out_backlog(o.w) > LINES_OUT_LOW);
	assert_int_equal(o.drained, 0);
	read_all(&o, n * (sizeof(message) + 1));
	assert_int_equal(o.drained, 1);
	assert_true(o.backlog_drained <= LINES_OUT_LOW);
	assert_int_equal(o.emptied, 1);
	assert_false(lines_out_full(o.w));
	writer_end(&o);
}

static void below_the_high_mark_nothing_is_called_drained(void **state)
{
	struct writer o = { .drained = 0 };
	char message[1000];
	size_t n = 0;

	(void)state;
	writer_start(&o);
	memset(message, 'm', sizeof(message));
	for (; lines_out_backlog(o.w) < LINES_OUT_HIGH - 2000; n++)
		assert_true(lines_out_add(o.w, message, sizeof(message)));
	read_all(&o, n * (sizeof(message) + 1));
	assert_int_equal(o.drained, 0);
	assert_int_equal(o.emptied, 1);
	writer_end(&o);
}

/* ---- out: a reader that goes away ---- */

static void check_broken(struct writer *o, enum err_kind why)
{
	assert_int_equal(o->broken, 1);
	assert_int_equal(o->kind, why);
	assert_int_equal(o->emptied, 0);
	/* From now on all is taken and dropped, and nothing is told again. */
	assert_true(lines_out_add(o->w, "x", 1));
	assert_int_equal(lines_out_backlog(o->w), 0);
	assert_false(lines_out_full(o->w));
	lines_out_flush(o->w, 1000);
}

static void stop_soon(void *ctx)
{
	loop_stop(ctx);
}

/* Two more rounds, in which nothing may be called. */
static void run_on(struct writer *o)
{
	struct loop_timer t;

	loop_timer_init(&t, o->loop, stop_soon, o->loop);
	for (int i = 0; i < 2; i++) {
		loop_timer_set(&t, 0);
		run(o);
	}
	assert_int_equal(o->broken, 1);
}

static void a_reader_that_is_gone_is_noticed_without_a_write(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct writer o = { .drained = 0 };
		bool written = i & 1;

		if (i & 2) {
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, o.fd), 0);
			writer_on(&o, o.fd[1]);
		} else {
			writer_start(&o);
		}
		/* Also after something was written. */
		if (written) {
			assert_true(lines_out_add(o.w, "x", 1));
			run(&o);
			assert_int_equal(o.emptied, 1);
			o.emptied = 0;
		}
		close(o.fd[0]);
		o.fd[0] = -1;
		run(&o);
		check_broken(&o, ERR_CANCELLED);
		run_on(&o);
		writer_end(&o);
	}
}

static void a_broken_pipe_is_told_once_and_not_inside_add(void **state)
{
	struct writer o = { .drained = 0 };

	(void)state;
	writer_start(&o);
	close(o.fd[0]);
	o.fd[0] = -1;
	assert_true(lines_out_add(o.w, "x", 1));
	assert_true(lines_out_add(o.w, "y", 1));
	assert_int_equal(o.broken, 0);
	run(&o);
	check_broken(&o, ERR_CANCELLED);
	run_on(&o);
	writer_end(&o);
}

static void read_and_leave(void *ctx, int happened)
{
	struct writer *o = ctx;
	char piece[100];

	(void)happened;
	assert_true(read(o->fd[0], piece, sizeof(piece)) > 0);
	loop_watch_free(o->watch);
	o->watch = NULL;
	close(o->fd[0]);
	o->fd[0] = -1;
}

static void add_something(void *ctx, int happened)
{
	struct writer *o = ctx;

	(void)happened;
	assert_true(lines_out_add(o->w, "x", 1));
}

static void a_hang_up_beside_a_message_is_told_once(void **state)
{
	struct writer o = { .drained = 0 };
	int other[2];

	(void)state;
	assert_int_equal(pipe(other), 0);
	write_all(other[1], "x", 1);
	assert_int_equal(pipe(o.fd), 0);
	close(o.fd[0]);
	o.fd[0] = -1;
	/* Watched before the output is, so that it has its turn first in the round. */
	o.loop = loop_new(NULL);
	o.watch = loop_watch(o.loop, other[0], LOOP_READ, add_something, &o);
	o.w = lines_out_new(o.loop, o.fd[1], &out_events, &o, NULL);
	buf_init(&o.got, 1);
	run(&o);
	loop_watch_free(o.watch);
	o.watch = NULL;
	check_broken(&o, ERR_CANCELLED);
	run_on(&o);
	writer_end(&o);
	close(other[0]);
	close(other[1]);
}

static void a_reader_that_leaves_in_the_middle_is_noticed(void **state)
{
	struct writer o = { .drained = 0 };
	char *message = calloc(LARGE, 1);

	(void)state;
	writer_start(&o);
	assert_true(lines_out_add(o.w, message, LARGE));
	o.watch = loop_watch(o.loop, o.fd[0], LOOP_READ, read_and_leave, &o);
	run(&o);
	check_broken(&o, ERR_CANCELLED);
	run_on(&o);
	writer_end(&o);
	free(message);
}

/* /dev/full takes nothing, and poll() finds nothing wrong with it. */
static void a_descriptor_that_fails_is_told_from_the_loop(void **state)
{
	(void)state;
	for (int by_flush = 0; by_flush < 2; by_flush++) {
		struct writer o = { .fd = { -1, open("/dev/full", O_WRONLY) } };

		if (o.fd[1] < 0)
			skip();
		writer_on(&o, o.fd[1]);
		assert_true(lines_out_add(o.w, "x", 1));
		if (by_flush)
			lines_out_flush(o.w, 1000);
		assert_int_equal(o.broken, 0);
		run(&o);
		check_broken(&o, ERR_IO);
		run_on(&o);
		writer_end(&o);
	}
}

static void a_writer_can_be_freed_by_every_callback(void **state)
{
	char *message = calloc(LARGE, 1);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct writer o = { .free_in_callback = true };

		/* 0: emptied, 1: drained, 2: broken, 3: drained and empty at once */
		if (i < 3) {
			writer_start(&o);
		} else {
			o.fd[0] = -1;
			o.fd[1] = open("/dev/null", O_WRONLY);
			writer_on(&o, o.fd[1]);
		}
		assert_true(lines_out_add(o.w, message, i & 1 ? LARGE : 10));
		if (i == 1) {
			o.want = LARGE + 1;
			o.watch = loop_watch(o.loop, o.fd[0], LOOP_READ, read_little, &o);
		} else if (i == 2) {
			close(o.fd[0]);
			o.fd[0] = -1;
		}
		run(&o);
		assert_null(o.w);
		assert_int_equal(o.emptied, i == 0);
		assert_int_equal(o.drained, i & 1);
		assert_int_equal(o.broken, i == 2);
		assert_false(is_nonblocking(o.fd[1]));
		writer_end(&o);
	}
	free(message);
}

/* ---- out: the end of the program ---- */

static void a_flush_writes_what_goes_and_then_gives_up(void **state)
{
	struct writer o = { .drained = 0 };
	char *message = calloc(LARGE, 1);
	char got[10];

	(void)state;
	writer_start(&o);
	assert_true(lines_out_add(o.w, "small", 5));
	lines_out_flush(o.w, 0);
	assert_int_equal(lines_out_backlog(o.w), 0);
	assert_int_equal(read(o.fd[0], got, sizeof(got)), 6);
	assert_true(lines_out_add(o.w, message, LARGE));
	lines_out_flush(o.w, 0);
	assert_true(lines_out_backlog(o.w) > 0);
	lines_out_flush(o.w, 1);
	assert_true(lines_out_backlog(o.w) > 0);
	writer_end(&o);
	free(message);
}

static int slow_fd; /* read by the signal handler below */
static volatile sig_atomic_t slow_reads;

static void read_by_signal(int signo)
{
	static char piece[60000];
	ssize_t n = read(slow_fd, piece, sizeof(piece));

	(void)signo;
	slow_reads += n > 0;
}

/* The reader is a signal handler, so that every wait of the flush is interrupted, too. */
static void what_is_written_now_stands_behind_what_waited(void **state)
{
	static const struct lines_part parts[] = { { "no", 2 }, { "w", 1 }, { "\n", 1 } };
	struct writer o = { .drained = 0 };
	char text[32] = "", *fill = calloc(LARGE, 1);

	(void)state;
	writer_start(&o);
	assert_true(lines_out_add(o.w, "first", 5));
	assert_true(lines_out_now(o.w, parts, 3, 1000));
	assert_int_equal(read(o.fd[0], text, sizeof(text) - 1), 10);
	assert_string_equal(text, "first\nnow\n");
	/* Nothing may stand inside what waits. */
	assert_true(lines_out_add(o.w, fill, LARGE));
	assert_false(lines_out_now(o.w, parts, 3, 1));
	close(o.fd[0]);
	o.fd[0] = -1;
	assert_false(lines_out_now(o.w, parts, 3, 1000));
	free(fill);
	writer_end(&o);
}

static void a_flush_waits_for_a_slow_reader(void **state)
{
	struct writer o = { .drained = 0 };
	struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = read_by_signal }, before;
	char *message = calloc(LARGE, 1);

	(void)state;
	writer_start(&o);
	slow_fd = o.fd[0];
	assert_true(lines_out_add(o.w, message, LARGE / 6));
	sigemptyset(&sa.sa_mask);
	assert_int_equal(sigaction(SIGALRM, &sa, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	lines_out_flush(o.w, 60000);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	assert_int_equal(lines_out_backlog(o.w), 0);
	assert_true(slow_reads > 2);
	writer_end(&o);
	free(message);
}

static void flags_of_the_output_are_given_back(void **state)
{
	(void)state;
	for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
		struct writer o = { .drained = 0 };

		assert_int_equal(pipe(o.fd), 0);
		if (nonblocking)
			fcntl(o.fd[1], F_SETFL, O_NONBLOCK);
		writer_on(&o, o.fd[1]);
		assert_true(is_nonblocking(o.fd[1]));
		assert_true(lines_out_add(o.w, "dropped", 7));
		lines_out_free(o.w);
		o.w = NULL;
		assert_int_equal(is_nonblocking(o.fd[1]), nonblocking);
		writer_end(&o);
	}
}

static void a_closed_output_is_an_error(void **state)
{
	struct loop *l = loop_new(NULL);
	struct err e = { 0 };

	(void)state;
	assert_null(lines_out_new(l, 9999, &out_events, NULL, &e));
	assert_int_equal(e.kind, ERR_IO);
	loop_free(l);
	lines_out_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_wherever_the_input_is_cut),
		cmocka_unit_test(a_reader_can_be_freed_by_every_callback),
		cmocka_unit_test(long_lines_arrive_whole_and_among_others),
		cmocka_unit_test(taking_into_too_small_a_buffer_fails),
		cmocka_unit_test(a_huge_line_leaves_no_memory_behind),
		cmocka_unit_test(flags_are_given_back),
		cmocka_unit_test(a_closed_descriptor_is_an_error),
		cmocka_unit_test(files_and_dev_null_can_be_the_input),
		cmocka_unit_test(a_read_error_is_told_with_the_end),
		cmocka_unit_test(a_terminal_can_be_the_input),
		cmocka_unit_test(input_that_is_always_there_does_not_starve_the_loop),
		cmocka_unit_test(messages_come_out_whole_and_in_order),
		cmocka_unit_test(small_messages_of_one_round_are_one_write),
		cmocka_unit_test(a_large_buffer_is_written_without_a_copy),
		cmocka_unit_test(a_slow_reader_is_noticed_at_the_marks),
		cmocka_unit_test(below_the_high_mark_nothing_is_called_drained),
		cmocka_unit_test(a_reader_that_is_gone_is_noticed_without_a_write),
		cmocka_unit_test(a_broken_pipe_is_told_once_and_not_inside_add),
		cmocka_unit_test(a_hang_up_beside_a_message_is_told_once),
		cmocka_unit_test(a_reader_that_leaves_in_the_middle_is_noticed),
		cmocka_unit_test(a_descriptor_that_fails_is_told_from_the_loop),
		cmocka_unit_test(a_writer_can_be_freed_by_every_callback),
		cmocka_unit_test(a_flush_writes_what_goes_and_then_gives_up),
		cmocka_unit_test(what_is_written_now_stands_behind_what_waited),
		cmocka_unit_test(a_flush_waits_for_a_slow_reader),
		cmocka_unit_test(flags_of_the_output_are_given_back),
		cmocka_unit_test(a_closed_output_is_an_error),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
