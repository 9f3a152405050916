#include "mcp/http/request_count.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"
#include "mcp/http/error_text.h"
#include "mcp/json/walk.h"
#include "os/file.h"
#include "os/time.h"

/* From the first request that is not yet written to its writing. */
#define WRITE_MS 5000

/* The hour, in minutes, and the one that is going on. */
#define MINUTES 61

/* More requests a minute than anybody sends: a larger number is garbage. */
#define COUNT_MAX 100000000

/* Header and 61 lines of two numbers come to 1.5 KiB. */
#define FILE_MAX ((size_t)4096)

/* Nobody is made to wait longer: some of what services send is absurdly large. */
#define WAIT_MAX_S 3600

/* A longer message is no notice of a limit. */
#define NOTICE_MAX ((size_t)4096)

/* At the end somebody else may just be writing, for some 50 microseconds. */
#define LAST_TRIES 10
#define LAST_PAUSE_MS 1

/* What the file says. */
struct count {
	int64_t refused_s, until_s;
	struct {
		int64_t minute; /* since the epoch, ascending */
		unsigned long n;
	} row[MINUTES];
	size_t rows;
};

struct request_count {
	request_count_where_fn *where;
	void *ctx;
	char *path;
	bool asked; /* where() */
	struct loop_timer timer;
	unsigned long own, written; /* requests of this process; those of them in the file */
	int64_t refused_s, until_s; /* not yet written; 0: none */
};

/* ---- the file ---- */

static bool number(const char **p, int64_t max, int64_t *out)
{
	int64_t v = 0;
	const char *s = *p;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		v = v * 10 + (*s - '0');
		if (v > max)
			return false;
	}
	*p = s + (*s == ' ');
	*out = v;
	return true;
}

/* "1 REFUSED UNTIL", then "MINUTE COUNT" a line. Reading ends at the first line that is none, or
 * that is not later than the one before: the rest of an older, longer file may be there. What lies
 * in the future was written by another clock, and what is old does not count any more. */
static void read_count(const char *p, int64_t now_s, struct count *c)
{
	int64_t format, minute, n, last = 0, now = now_s / 60;

	*c = (struct count){ 0 };
	if (!number(&p, 1, &format) || format != 1 || !number(&p, now_s + 60, &c->refused_s) ||
		!number(&p, now_s + 2 * 3600, &c->until_s) || *p++ != '\n') {
		*c = (struct count){ 0 };
		return;
	}
	if (c->refused_s <= now_s - 3600)
		c->refused_s = c->until_s = 0;
	while (c->rows < MINUTES && number(&p, now + 1, &minute) && number(&p, COUNT_MAX, &n) &&
		*p++ == '\n' && minute > last) {
		last = minute;
		if (minute <= now - 60)
			continue;
		c->row[c->rows].minute = minute;
		c->row[c->rows++].n = (unsigned long)n;
	}
}

static bool write_count(const struct count *c, struct buf *out)
{
	bool good = buf_addf(out, "1 %lld %lld\n", (long long)c->refused_s, (long long)c->until_s);

	for (size_t i = 0; i < c->rows; i++)
		good = good &&
		       buf_addf(out, "%lld %lu\n", (long long)c->row[i].minute, c->row[i].n);
	return good;
}

static void add_requests(struct count *c, int64_t minute, unsigned long n)
{
	size_t last = c->rows - 1;

	/* The clock was put back by less than a minute, or it still is that minute. */
	if (c->rows && c->row[last].minute >= minute) {
		c->row[last].n += n;
		return;
	}
	if (c->rows == MINUTES) {
		memmove(&c->row[0], &c->row[1], (MINUTES - 1) * sizeof(c->row[0]));
		c->rows--;
	}
	c->row[c->rows].minute = minute;
	c->row[c->rows++].n = n;
}

/* ---- writing ---- */

static bool unwritten(const struct request_count *r)
{
	return r->own > r->written || r->refused_s;
}

static const char *path_of(struct request_count *r)
{
	if (!r->asked)
		r->path = r->where(r->ctx);
	r->asked = true;
	return r->path;
}

static void merge(struct request_count *r, int fd)
{
	char text[FILE_MAX];
	int64_t n =
		os_read(fd, text, sizeof(text) - 1); /* the lock is new, so from the beginning */
	struct count c;
	struct buf out;
	int64_t now_s = clock_wall_s();

	text[n > 0 ? n : 0] = 0;
	read_count(text, now_s, &c);
	if (r->own > r->written)
		add_requests(&c, now_s / 60, r->own - r->written);
	if (r->refused_s) {
		c.refused_s = r->refused_s;
		c.until_s = r->until_s;
	}
	buf_init(&out, FILE_MAX);
	/* Shorter than before is no harm: see read_count(). Only garbage is longer than FILE_MAX. */
	if (write_count(&c, &out) && os_rewrite(fd, out.p, out.len)) {
		r->written = r->own;
		r->refused_s = 0;
	}
	buf_free(&out);
}

static bool make_folder(const char *path, struct err *e)
{
	char *folder = mem_ndup(path, (size_t)(strrchr(path, '/') - path));
	bool good = file_make_dir(folder, e);

	free(folder);
	return good;
}

/* False when somebody else is at it: it can be tried again. */
static bool write_now(struct request_count *r)
{
	const char *path = path_of(r);
	struct err e = { 0 };
	bool busy = false;
	int fd = path && make_folder(path, &e) ? file_trylock(path, &busy, &e) : -1;

	if (fd >= 0) {
		merge(r, fd);
		file_unlock(fd);
	} else if (!busy) {
		diag_debug("requests are not counted: %s", path ? e.msg : "there is no place");
		/* And will not be tried for every few seconds: the next start may do better. */
		free(r->path);
		r->path = NULL;
	}
	return !busy;
}

static void timer_due(void *ctx)
{
	struct request_count *r = ctx;

	if (!write_now(r))
		loop_timer_set(&r->timer, WRITE_MS);
}

static void write_later(struct request_count *r)
{
	if (!r->timer.set && (!r->asked || r->path))
		loop_timer_set(&r->timer, WRITE_MS);
}

/* ---- counting ---- */

struct request_count *request_count_new(struct loop *l, request_count_where_fn *where, void *ctx)
{
	struct request_count *r = mem_new(sizeof(*r));

	r->where = where;
	r->ctx = ctx;
	loop_timer_init(&r->timer, l, timer_due, r);
	return r;
}

void request_count_free(struct request_count *r)
{
	if (!r)
		return;
	loop_timer_clear(&r->timer);
	for (int i = 0; i < LAST_TRIES && unwritten(r) && !write_now(r); i++)
		os_sleep_ms(LAST_PAUSE_MS);
	free(r->path);
	free(r);
}

void request_count_count(struct request_count *r)
{
	if (!r)
		return;
	r->own++;
	write_later(r);
}

void request_count_refused(struct request_count *r, long wait_s)
{
	if (!r)
		return;
	r->refused_s = clock_wall_s();
	r->until_s = wait_s > 0 ? r->refused_s + wait_s : 0;
	write_later(r);
}

static bool says_too_many(struct span error, long code)
{
	struct error_said said = { .code = code };
	struct buf text;
	bool found;

	buf_init(&text, NOTICE_MAX);
	if (walk_string(walk_get(error, "message", NULL), &text))
		said.text = buf_str(&text);
	found = error_text_meaning(&said).reason == REASON_RATE_LIMITED;
	buf_free(&text);
	return found;
}

int64_t rate_retry_after_ms(struct span error)
{
	struct span ms = walk_get(walk_get(error, "data", NULL), "retryAfterMs", NULL);
	long long n;

	if (!walk_integer(ms, &n) || n < 0)
		return -1;
	return n > WAIT_MAX_S * 1000 ? WAIT_MAX_S * 1000 : n;
}

bool request_count_is_refusal(struct span error, long *wait_s)
{
	static const char *const names[] = { "retryAfter", "retry_after" };
	struct span data = walk_get(error, "data", NULL);
	int64_t ms = rate_retry_after_ms(error);
	long long code = 0, s;

	*wait_s = -1;
	if (!walk_integer(walk_get(error, "code", NULL), &code) || code > -32000 || code < -32768 ||
		!says_too_many(error, (long)code))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (walk_integer(walk_get(data, names[i], NULL), &s) && s >= 0)
			*wait_s = s > WAIT_MAX_S ? WAIT_MAX_S : (long)s;
	if (ms >= 0)
		*wait_s = (long)((ms + 999) / 1000);
	return true;
}

/* ---- looking ---- */

void request_count_look(struct request_count *r, struct request_count_seen *seen)
{
	struct count c = { 0 };
	struct buf text;
	int64_t now_s = clock_wall_s();

	*seen = (struct request_count_seen){ 0 };
	if (!r)
		return;
	buf_init(&text, FILE_MAX);
	if (path_of(r) && file_read_own(r->path, &text, NULL) == FILE_OK)
		read_count(buf_str(&text), now_s, &c);
	buf_free(&text);
	for (size_t i = 0; i < c.rows; i++)
		seen->requests += c.row[i].n;
	seen->requests += r->own - r->written;
	seen->refused_s = r->refused_s ? r->refused_s : c.refused_s;
	seen->until_s = r->refused_s ? r->until_s : c.until_s;
	if (seen->until_s <= now_s)
		seen->until_s = 0;
}

unsigned long request_count_own(const struct request_count *r)
{
	return r ? r->own : 0;
}
