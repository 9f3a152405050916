#include "mcp/stdio/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/loop.h"

/* One read: what a pipe holds by default. Grows with a long line by doubling, but only so far that
 * the reads of one callback stay bounded. */
#define READ_SIZE ((size_t)64 << 10)
#define READ_SIZE_MAX ((size_t)1 << 20)

/* Reads in one callback, so that a fast writer does not starve everything else. */
#define READS_MAX 16

static bool open_stream(int fd, enum os_stream_use use, struct os_stream *s, struct err *e)
{
	return os_stream_open(fd, use, s) ||
	       err_set(e, ERR_IO, "descriptor %d cannot be used: %s", fd, strerror(errno));
}

/* ---- in ---- */

struct lines_in {
	struct loop *loop;
	struct os_stream stream;
	const struct lines_in_events *on;
	void *ctx;
	struct loop_watch *watch;
	struct loop_task task; /* goes on with lines that were read before a pause */
	struct buf b;
	size_t start;   /* of the line that is being read */
	size_t scanned; /* bytes of it known to hold no LF */
	size_t behind;  /* while a line is given: bytes that follow its LF */
	bool giving;
	size_t line_cap;
	bool skipping; /* the rest of a line that is too long */
	bool began;    /* the first bytes were looked at for a BOM */
	bool paused, at_end, ended;
	bool busy, dead;
	struct err e; /* of a failed read */
};

static void in_ready(void *ctx, int happened);
static void in_task(void *ctx);

struct lines_in *lines_in_new(struct loop *l, int fd, size_t cap, const struct lines_in_events *on,
	void *ctx, struct err *e)
{
	struct lines_in *w = mem_new(sizeof(*w));

	*w = (struct lines_in){ .loop = l, .on = on, .ctx = ctx, .line_cap = cap };
	if (!open_stream(fd, OS_STREAM_INPUT, &w->stream, e)) {
		free(w);
		return NULL;
	}
	/* The line end and the start of the next line lie in the buffer, too. */
	buf_init(&w->b, cap + READ_SIZE + 2);
	w->watch = loop_watch(l, w->stream.fd, LOOP_READ, in_ready, w);
	loop_task_init(&w->task, l, in_task, w);
	return w;
}

void lines_in_free(struct lines_in *w)
{
	if (!w)
		return;
	loop_watch_free(w->watch);
	w->watch = NULL;
	loop_task_clear(&w->task);
	if (w->busy) {
		w->dead = true;
		return;
	}
	os_stream_end(&w->stream);
	buf_free(&w->b);
	free(w);
}

void lines_in_pause(struct lines_in *w, bool paused)
{
	if (w->paused == paused)
		return;
	w->paused = paused;
	if (w->watch)
		loop_watch_set(w->watch, paused || w->at_end ? 0 : LOOP_READ);
	if (!paused)
		loop_task_queue(&w->task);
}

bool lines_in_take(struct lines_in *w, const char *p, size_t n, struct buf *out)
{
	size_t lead = (size_t)(p - w->b.p), behind = w->b.len - lead - n;
	struct buf rest;

	if (n > out->cap)
		return false;
	if (n < READ_SIZE || lead > n / 2 || behind > n / 2) {
		buf_reset(out);
		return buf_add(out, p, n);
	}
	/* The line fills most of the buffer and takes it along; what surrounds it moves instead. */
	buf_init(&rest, w->b.cap);
	if (!buf_add(&rest, p + n, behind))
		return false;
	w->b.len = lead + n;
	buf_drop(&w->b, lead);
	w->b.p[n] = '\0';
	buf_move(out, &w->b);
	buf_move(&w->b, &rest);
	return true;
}

static bool is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			return false;
	return true;
}

/* The n bytes at w->start are a line. */
static void give_line(struct lines_in *w, size_t n)
{
	char *p = w->b.p + w->start;

	if (n && p[n - 1] == '\r')
		n--;
	if (n > w->line_cap)
		w->on->too_long(w->ctx);
	else if (!is_blank(p, n))
		w->on->line(w->ctx, p, n);
}

/* The same for a line that has its LF behind it; what comes then is the next one's. */
static void take_line(struct lines_in *w, size_t n)
{
	size_t behind = w->b.len - w->start - n - 1;

	w->began = true; /* a mark that comes now is no mark */
	w->behind = behind;
	w->giving = true;
	if (w->skipping)
		w->skipping = false;
	else
		give_line(w, n);
	w->giving = false;
	if (w->dead)
		return;
	/* The line may have been taken away with the buffer: count from the end. */
	w->start = w->b.len - behind;
	w->scanned = 0;
}

static void give_too_long(struct lines_in *w)
{
	if (!w->skipping)
		w->on->too_long(w->ctx);
	if (w->dead)
		return;
	w->skipping = true;
	buf_free(&w->b);
	w->start = w->scanned = 0;
}

/* What was read so far. False when paused or gone in the middle. */
static bool give_lines(struct lines_in *w)
{
	while (!w->paused && !w->dead && w->start + w->scanned < w->b.len) {
		char *from = w->b.p + w->start + w->scanned;
		char *lf = memchr(from, '\n', w->b.len - w->start - w->scanned);

		if (!lf) {
			w->scanned = w->b.len - w->start;
			break;
		}
		take_line(w, (size_t)(lf - w->b.p) - w->start);
	}
	if (w->dead || w->paused)
		return false;
	/* One byte over the cap may still be the CR of the line's end. */
	if (w->skipping || w->b.len - w->start > w->line_cap + 1)
		give_too_long(w);
	return !w->dead;
}

void lines_in_rest(struct lines_in *w, void (*fn)(void *ctx, char *p, size_t n), void *ctx)
{
	size_t at = w->giving ? w->b.len - w->behind : w->start;
	bool skipping = w->skipping && !w->giving;

	while (at < w->b.len) {
		char *p = w->b.p + at, *lf = memchr(p, '\n', w->b.len - at);

		if (!lf)
			return;
		if (!skipping)
			fn(ctx, p, (size_t)(lf - p));
		skipping = false;
		at += (size_t)(lf - p) + 1;
	}
}

/* Room at the front is won back; a buffer that one huge line made huge is given back. */
static void tidy(struct lines_in *w)
{
	size_t left = w->b.len - w->start;
	struct buf small;

	if (!w->start && left)
		return;
	buf_init(&small, w->b.cap);
	if (w->b.size > 4 * READ_SIZE && left <= READ_SIZE &&
		(!left || buf_add(&small, w->b.p + w->start, left)))
		buf_move(&w->b, &small);
	else
		buf_drop(&w->b, w->start);
	w->start = 0;
}

/* Editors and PowerShell put a byte order mark before what they pipe. */
static void skip_bom(struct lines_in *w)
{
	if (w->began || w->b.len < 3)
		return;
	w->began = true;
	if (memcmp(w->b.p, "\xEF\xBB\xBF", 3) != 0)
		return;
	w->start = 3;
	w->scanned = 0;
}

/* The end of input: what is left is the last line, without a line end. */
static void finish(struct lines_in *w)
{
	size_t left = w->b.len - w->start;

	if (w->ended || w->paused)
		return;
	if (left) {
		give_line(w, left);
		if (w->dead)
			return;
	}
	buf_free(&w->b);
	w->start = w->scanned = 0;
	if (w->paused)
		return;
	w->ended = true;
	w->on->end(w->ctx, w->e.kind ? &w->e : NULL);
}

/* True when there may be more. */
static bool read_some(struct lines_in *w)
{
	size_t room;
	int64_t n;

	tidy(w);
	room = w->b.len > READ_SIZE ? w->b.len : READ_SIZE;
	if (room > READ_SIZE_MAX)
		room = READ_SIZE_MAX;
	if (room > w->b.cap - w->b.len)
		room = w->b.cap - w->b.len;
	if (!buf_reserve(&w->b, room)) {
		if (w->b.len >= READ_SIZE) {
			/* A line that grew until there is no memory is as good as one over the cap. */
			give_too_long(w);
			return true;
		}
		err_set(&w->e, ERR_LIMIT, "no memory to read standard input");
		w->at_end = true;
		return false;
	}
	n = os_receive(w->stream.fd, w->b.p + w->b.len, room);
	if (n > 0) {
		w->b.len += (size_t)n;
		w->b.p[w->b.len] = 0;
		return (size_t)n == room;
	}
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		err_set(&w->e, ERR_IO, "reading standard input: %s", strerror(errno));
	w->at_end = true;
	return false;
}

static void work(struct lines_in *w, bool may_read)
{
	bool more = true, going = true;

	w->busy = true;
	for (int i = 0; i < READS_MAX && more && going; i++) {
		more = may_read && !w->at_end && !w->paused && read_some(w);
		skip_bom(w);
		going = give_lines(w);
		if (going)
			tidy(w);
	}
	if (!w->dead && w->at_end)
		finish(w);
	w->busy = false;
	if (w->dead)
		lines_in_free(w);
	else if (w->at_end)
		loop_watch_set(w->watch, 0);
}

static void in_ready(void *ctx, int happened)
{
	(void)happened;
	work(ctx, true);
}

static void in_task(void *ctx)
{
	work(ctx, false);
}

/* ---- out ---- */

/* Small messages are gathered in chunks of this size; a larger one brings its own memory. */
#define CHUNK_SIZE ((size_t)64 << 10)

struct chunk {
	struct chunk *next;
	struct buf b;
	size_t done; /* bytes written */
};

struct lines_out {
	struct loop *loop;
	struct os_stream stream;
	const struct lines_out_events *on;
	void *ctx;
	struct loop_watch *watch;
	struct loop_task task;
	struct chunk *first, *last;
	struct chunk *spare; /* one empty chunk is kept */
	size_t backlog;
	uint64_t written;
	bool was_full, blocked, broken, told;
	bool busy, dead;
	struct err e;
};

static void out_ready(void *ctx, int happened);
static void out_task(void *ctx);

struct lines_out *lines_out_new(
	struct loop *l, int fd, const struct lines_out_events *on, void *ctx, struct err *e)
{
	struct lines_out *w = mem_new(sizeof(*w));

	*w = (struct lines_out){ .loop = l, .on = on, .ctx = ctx };
	if (!open_stream(fd, OS_STREAM_OUTPUT, &w->stream, e)) {
		free(w);
		return NULL;
	}
	/* A reader that goes away is noticed even when there is nothing to say. */
	w->watch = loop_watch(l, w->stream.fd, LOOP_HANGUP, out_ready, w);
	loop_task_init(&w->task, l, out_task, w);
	return w;
}

static void chunk_free(struct chunk *c)
{
	if (!c)
		return;
	buf_free(&c->b);
	free(c);
}

static void drop_all(struct lines_out *w)
{
	while (w->first) {
		struct chunk *c = w->first;

		w->first = c->next;
		chunk_free(c);
	}
	w->last = NULL;
	w->backlog = 0;
}

void lines_out_free(struct lines_out *w)
{
	if (!w)
		return;
	loop_watch_free(w->watch);
	w->watch = NULL;
	loop_task_clear(&w->task);
	if (w->busy) {
		w->dead = true;
		return;
	}
	drop_all(w);
	chunk_free(w->spare);
	os_stream_end(&w->stream);
	free(w);
}

static struct chunk *chunk_new(struct lines_out *w)
{
	struct chunk *c = w->spare;

	if (c) {
		w->spare = NULL;
		buf_reset(&c->b);
	} else {
		c = mem_new(sizeof(*c));
		buf_init(&c->b, (size_t)-1 >> 2);
	}
	c->next = NULL;
	c->done = 0;
	return c;
}

static void append(struct lines_out *w, struct chunk *c)
{
	if (w->last)
		w->last->next = c;
	else
		w->first = c;
	w->last = c;
}

static void added(struct lines_out *w, size_t n)
{
	w->backlog += n;
	if (w->backlog >= LINES_OUT_HIGH)
		w->was_full = true;
	if (!w->blocked)
		loop_task_queue(&w->task);
}

bool lines_out_addv(struct lines_out *w, const struct lines_part *parts, size_t count)
{
	struct chunk *c = w->last;
	size_t n = 1;
	char *to;

	if (w->broken)
		return true;
	for (size_t i = 0; i < count; i++)
		n += parts[i].n;
	if (!c || c->b.len + n > CHUNK_SIZE)
		append(w, c = chunk_new(w));
	/* All or nothing: half a message would spoil every one behind it. A chunk that fills up gets
	 * all of its memory at once. */
	if (!buf_reserve(&c->b, c->b.len + n > CHUNK_SIZE / 16 && c->b.len + n <= CHUNK_SIZE
					? CHUNK_SIZE - c->b.len
					: n))
		return false;
	to = c->b.p + c->b.len;
	for (size_t i = 0; i < count; i++) {
		memcpy(to, parts[i].p, parts[i].n);
		to += parts[i].n;
	}
	*to++ = '\n';
	*to = '\0';
	c->b.len += n;
	added(w, n);
	return true;
}

bool lines_out_add(struct lines_out *w, const char *p, size_t n)
{
	struct lines_part part = { p, n };

	return lines_out_addv(w, &part, 1);
}

/* The chunk c is m from now on, from an offset on. */
static void append_taken(struct lines_out *w, struct chunk *c, struct buf *m, size_t from)
{
	buf_free(&c->b);
	buf_move(&c->b, m);
	c->done = from;
	append(w, c);
	added(w, c->b.len - from);
}

bool lines_out_take_behind(struct lines_out *w, struct buf *head, struct buf *m, size_t from)
{
	bool good = w->broken;

	/* The line end and the chunks first: after that nothing can fail, and nothing half is written. A
	 * message of the greatest length still gets one. */
	m->cap = (size_t)-1 >> 2;
	if (!good && buf_addc(m, '\n')) {
		struct chunk *before = head->len ? chunk_new(w) : NULL, *c = chunk_new(w);

		if (before)
			append_taken(w, before, head, 0);
		append_taken(w, c, m, from);
		good = true;
	}
	buf_free(head);
	buf_free(m);
	return good;
}

bool lines_out_take(struct lines_out *w, struct buf *m)
{
	struct buf none;

	buf_init(&none, 0);
	return lines_out_take_behind(w, &none, m, 0);
}

bool lines_out_full(const struct lines_out *w)
{
	return w->backlog >= LINES_OUT_HIGH;
}

size_t lines_out_backlog(const struct lines_out *w)
{
	return w->backlog;
}

uint64_t lines_out_written(const struct lines_out *w)
{
	return w->written;
}

/* n bytes went out. */
static void written(struct lines_out *w, size_t n)
{
	w->backlog -= n;
	w->written += n;
	while (w->first) {
		struct chunk *c = w->first;
		size_t left = c->b.len - c->done;

		if (n < left) {
			c->done += n;
			return;
		}
		n -= left;
		w->first = c->next;
		if (!w->first)
			w->last = NULL;
		if (!w->spare && c->b.size <= 2 * CHUNK_SIZE)
			w->spare = c;
		else
			chunk_free(c);
	}
}

/* Nothing can be written any more; what waits is dropped. */
static void break_off(struct lines_out *w)
{
	w->broken = true;
	drop_all(w);
}

static void reader_gone(struct lines_out *w)
{
	err_set(&w->e, ERR_CANCELLED, "nobody reads standard output any more");
	break_off(w);
}

/* Writes what goes; false when the descriptor takes no more (or never will). */
static bool write_some(struct lines_out *w)
{
	struct os_part v[OS_PARTS_MAX];
	size_t count = 0;
	int64_t n;

	for (struct chunk *c = w->first; c && count < OS_PARTS_MAX; c = c->next)
		v[count++] =
			(struct os_part){ c->b.p ? c->b.p + c->done : NULL, c->b.len - c->done };
	if (!count)
		return false;
	n = os_send(w->stream.fd, v, count);
	if (n >= 0) {
		written(w, (size_t)n);
		return true;
	}
	if (errno == EPIPE || errno == ECONNRESET) {
		reader_gone(w);
	} else if (errno != EAGAIN) {
		err_set(&w->e, ERR_IO, "writing standard output: %s", strerror(errno));
		break_off(w);
	}
	return false;
}

static void tell_broken(struct lines_out *w)
{
	if (w->told)
		return;
	w->told = true;
	loop_watch_set(w->watch, 0);
	w->on->broken(w->ctx, &w->e);
}

static void write_all(struct lines_out *w)
{
	while (w->backlog && write_some(w))
		;
	if (w->broken)
		return;
	w->blocked = w->backlog > 0;
	loop_watch_set(w->watch, w->blocked ? LOOP_WRITE : LOOP_HANGUP);
	if (w->was_full && w->backlog <= LINES_OUT_LOW) {
		w->was_full = false;
		w->on->drained(w->ctx);
	}
	if (!w->backlog && !w->dead)
		w->on->emptied(w->ctx);
}

static void out_task(void *ctx)
{
	struct lines_out *w = ctx;

	w->busy = true;
	if (!w->broken)
		write_all(w);
	if (w->broken && !w->dead)
		tell_broken(w);
	w->busy = false;
	if (w->dead)
		lines_out_free(w);
}

static void out_ready(void *ctx, int happened)
{
	struct lines_out *w = ctx;

	if (happened & LOOP_HANGUP && !w->broken)
		reader_gone(w);
	out_task(w);
}

/* Waits until the descriptor takes more. False when it does not in time. */
static bool may_write(struct lines_out *w, int64_t until)
{
	struct os_wait p = { .fd = w->stream.fd, .want = OS_CAN_WRITE };
	int64_t left = until - clock_ms();

	return left > 0 && (os_wait(&p, 1, (int)left) >= 0 || errno == EINTR);
}

void lines_out_flush(struct lines_out *w, int ms)
{
	int64_t until = clock_ms() + ms;

	while (!w->broken && w->backlog) {
		if (!write_some(w) && (w->broken || !may_write(w, until)))
			return;
	}
}

bool lines_out_now(struct lines_out *w, const struct lines_part *parts, size_t count, int ms)
{
	int64_t until = clock_ms() + ms;

	lines_out_flush(w, ms);
	if (w->broken || w->backlog)
		return false;
	for (size_t i = 0; i < count; i++) {
		for (size_t done = 0; done < parts[i].n;) {
			struct os_part rest = { parts[i].p + done, parts[i].n - done };
			int64_t n = os_send(w->stream.fd, &rest, 1);

			if (n > 0)
				done += (size_t)n;
			else if (n < 0 && errno != EAGAIN)
				return false;
			else if (!may_write(w, until))
				return false;
		}
	}
	return true;
}
