/*
 * Lines in and messages out over pipes, in pieces of any size, with pauses,
 * lines that are taken away, and a cap that is soon reached, against a reading
 * that has the whole input before it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mcp/stdio/lines.h"

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* What came of the input: "<line>\n" each, "!\n" for one that is too long (no line is that: it would
 * be "<!>"), "$\n" for the end. */
struct record {
	struct buf text;
};

static void note(struct record *r, const char *p, size_t n, const char *end)
{
	check(buf_add(&r->text, p, n) && buf_adds(&r->text, end), "memory");
}

/* ---- the naive reading ---- */

static bool is_blank(const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		n--;
	return n == 0;
}

static void read_naively(const char *p, size_t n, size_t cap, struct record *r)
{
	if (n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		p += 3, n -= 3;
	while (n) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf ? (size_t)(lf - p) : n, used = lf ? len + 1 : n;

		if (len && p[len - 1] == '\r')
			len--;
		if (len > cap)
			note(r, "", 0, "!\n");
		else if (!is_blank(p, len))
			note(r, p, len, "\n");
		p += used;
		n -= used;
	}
	note(r, "", 0, "$\n");
}

/* ---- the real one ---- */

struct play {
	struct loop *loop;
	struct lines_in *in;
	struct lines_out *out;
	struct record got;
	const uint8_t *habits; /* what to do at each line, in turn */
	size_t nhabits, at;
	bool ended, paused;
};

static unsigned habit(struct play *y)
{
	return y->nhabits ? y->habits[y->at++ % y->nhabits] : 0;
}

static void on_line(void *ctx, char *p, size_t n)
{
	struct play *y = ctx;
	unsigned h = habit(y);
	struct buf taken;

	check(!y->paused && !y->ended, "a line while paused, or after the end");
	note(&y->got, p, n, "\n");
	(void)*(volatile char *)(p + n); /* may be read */
	memset(p, 'x', n);               /* is the callee's to change */
	if (h & 1) {
		buf_init(&taken, 1 << 20);
		check(lines_in_take(y->in, p, n, &taken) && taken.len == n, "taking a line");
		memset(taken.p, 'y', n);
		buf_free(&taken);
	}
	if (h & 2) {
		y->paused = true;
		lines_in_pause(y->in, true);
	}
}

static void on_too_long(void *ctx)
{
	struct play *y = ctx;

	check(!y->paused && !y->ended, "a long line while paused, or after the end");
	note(&y->got, "", 0, "!\n");
}

static void on_end(void *ctx, const struct err *e)
{
	struct play *y = ctx;

	check(!e && !y->ended && !y->paused, "the end");
	note(&y->got, "", 0, "$\n");
	y->ended = true;
}

static const struct lines_in_events in_events = { on_line, on_too_long, on_end };

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void set_timer(void *ctx)
{
	loop_timer_set(ctx, 0);
}

/* One whole round: a timer that a task sets is due when the descriptors have had their turn. */
static void turn(struct play *y)
{
	struct loop_timer end;
	struct loop_task begin;
	struct err e = { 0 };

	loop_timer_init(&end, y->loop, stop, y->loop);
	loop_task_init(&begin, y->loop, set_timer, &end);
	loop_task_queue(&begin);
	check(loop_run(y->loop, &e), "the loop");
	if (y->paused) {
		y->paused = false;
		lines_in_pause(y->in, false);
	}
}

/* ---- out ---- */

static void on_drained(void *ctx)
{
	(void)ctx;
}

static void on_broken(void *ctx, const struct err *e)
{
	(void)ctx, (void)e;
	check(false, "the output broke");
}

static const struct lines_out_events out_events = { on_drained, on_drained, on_broken };

static size_t read_back(int fd, char *to, size_t room)
{
	ssize_t n = read(fd, to, room);

	return n > 0 ? (size_t)n : 0;
}

/* Each habit is a message: how long, and how it is handed over. */
static void check_out(struct play *y)
{
	struct record want;
	struct buf got, m, head;
	char piece[70000];
	int fd[2];
	size_t n;

	check(pipe(fd) == 0, "a pipe");
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	y->out = lines_out_new(y->loop, fd[1], &out_events, y, NULL);
	buf_init(&want.text, 1 << 26);
	buf_init(&got, 1 << 26);
	buf_init(&m, 1 << 20);
	buf_init(&head, 1 << 20);
	for (size_t i = 0; i < y->nhabits && i < 64; i++) {
		size_t len = (size_t)(y->habits[i] >> 2) * (y->habits[i] & 1 ? 700 : 3);
		struct lines_part parts[2];

		memset(piece, 'a' + (int)(i % 26), len);
		note(&want, piece, len, "\n");
		switch (y->habits[i] & 3) {
		case 0:
			check(lines_out_add(y->out, piece, len), "memory");
			break;
		case 1:
			parts[0] = (struct lines_part){ piece, len / 2 };
			parts[1] = (struct lines_part){ piece + len / 2, len - len / 2 };
			check(lines_out_addv(y->out, parts, 2), "memory");
			break;
		case 2:
			check(buf_add(&m, piece, len) && lines_out_take(y->out, &m), "memory");
			break;
		case 3:
			check(buf_add(&head, piece, len / 3) && buf_add(&m, "???", 3) &&
					buf_add(&m, piece + len / 3, len - len / 3) &&
					lines_out_take_behind(y->out, &head, &m, 3),
				"memory");
			break;
		}
		if (y->habits[i] & 64)
			turn(y);
		if (y->habits[i] & 128 && (n = read_back(fd[0], piece, y->habits[i])))
			check(buf_add(&got, piece, n), "memory");
	}
	while (lines_out_backlog(y->out) || got.len < want.text.len) {
		turn(y);
		while ((n = read_back(fd[0], piece, sizeof(piece))))
			check(buf_add(&got, piece, n), "memory");
	}
	check(got.len == want.text.len && (!got.len || memcmp(got.p, want.text.p, got.len) == 0),
		"what was written");
	lines_out_free(y->out);
	buf_free(&want.text);
	buf_free(&got);
	buf_free(&m);
	buf_free(&head);
	close(fd[0]);
	close(fd[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play y = { .at = 0 };
	struct record want;
	size_t cap, off = 0, n;
	int fd[2];

	if (size < 2)
		return 0;
	cap = data[0] % 64;
	y.nhabits = data[1] % 16;
	data += 2, size -= 2;
	y.nhabits = y.nhabits < size ? y.nhabits : size;
	y.habits = data;
	data += y.nhabits, size -= y.nhabits;
	size = size < 60000 ? size : 60000; /* what a pipe takes at once */

	y.loop = loop_new(NULL);
	buf_init(&y.got.text, 1 << 22);
	buf_init(&want.text, 1 << 22);
	read_naively((const char *)data, size, cap, &want);
	check(pipe(fd) == 0, "a pipe");
	y.in = lines_in_new(y.loop, fd[0], cap, &in_events, &y, NULL);
	for (size_t i = 0; off < size; i++) {
		n = y.nhabits ? 1u + y.habits[i % y.nhabits] % 32 : size;
		n = n < size - off ? n : size - off;
		check(write(fd[1], data + off, n) == (ssize_t)n, "a pipe");
		off += n;
		turn(&y);
	}
	close(fd[1]);
	while (!y.ended)
		turn(&y);
	check(y.got.text.len == want.text.len &&
			memcmp(y.got.text.p, want.text.p, want.text.len) == 0,
		"the lines");
	lines_in_free(y.in);
	close(fd[0]);
	check_out(&y);
	buf_free(&y.got.text);
	buf_free(&want.text);
	loop_free(y.loop);
	return 0;
}
