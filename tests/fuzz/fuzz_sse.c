/*
 * An event stream fed whole, byte by byte and in pieces of the fuzzer's choice
 * must give what the slow reading of the standard below gives.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mcp/http/sse.h"

#define RETRY_MAX_MS ((int64_t)24 * 60 * 60 * 1000)

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* Everything that a stream led to, as bytes that can be compared. */
struct story {
	struct buf events;
	struct buf last_id;
	int64_t retry_ms;
	bool too_long;
};

static void story_init(struct story *t)
{
	*t = (struct story){ .retry_ms = -1 };
	buf_init(&t->events, (size_t)1 << 30);
	buf_init(&t->last_id, SSE_FIELD_MAX);
}

static void story_free(struct story *t)
{
	buf_free(&t->events);
	buf_free(&t->last_id);
}

static void tell(struct story *t, const char *name, const char *id, const char *data, size_t n)
{
	must(buf_addf(&t->events, "%s\n%s\n%zu\n", name, id, n) && buf_add(&t->events, data, n),
		"memory");
}

/* ---- the slow reading: lines first, then fields, then events ---- */

struct slow {
	struct story *t;
	size_t cap;
	struct buf data, name, id;
};

static void slow_dispatch(struct slow *s)
{
	buf_reset(&s->t->last_id);
	must(buf_add(&s->t->last_id, buf_str(&s->id), s->id.len), "memory");
	if (s->data.len > 1)
		tell(s->t, s->name.len ? buf_str(&s->name) : "message", buf_str(&s->id), s->data.p,
			s->data.len - 1);
	buf_reset(&s->data);
	buf_reset(&s->name);
}

static void slow_retry(struct slow *s, const char *v, size_t n)
{
	int64_t ms = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i] < '0' || v[i] > '9')
			return;
		if (ms <= RETRY_MAX_MS)
			ms = ms * 10 + (v[i] - '0');
	}
	if (n)
		s->t->retry_ms = ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

/* ended is false for what stands behind the last line end: only its length can matter. */
static void slow_line(struct slow *s, const char *p, size_t n, bool ended)
{
	const char *colon = n ? memchr(p, ':', n) : NULL;
	size_t name = colon ? (size_t)(colon - p) : n;
	const char *v = colon ? colon + 1 : p + n;
	size_t len = (size_t)(p + n - v);

	if (n == 0) {
		if (ended)
			slow_dispatch(s);
		return;
	}
	if (len && *v == ' ') {
		v++;
		len--;
	}
	if (name == 4 && memcmp(p, "data", 4) == 0 && (colon || ended)) {
		if (s->data.len + len + ended > s->cap + 1) {
			s->t->too_long = true;
			return;
		}
		must(buf_add(&s->data, v, len) && buf_addc(&s->data, '\n'), "memory");
	} else if (ended && len <= SSE_FIELD_MAX) {
		if (name == 5 && memcmp(p, "event", 5) == 0) {
			buf_reset(&s->name);
			must(buf_add(&s->name, v, len), "memory");
		} else if (name == 2 && memcmp(p, "id", 2) == 0 && !(len && memchr(v, 0, len))) {
			buf_reset(&s->id);
			must(buf_add(&s->id, v, len), "memory");
		} else if (name == 5 && memcmp(p, "retry", 5) == 0) {
			slow_retry(s, v, len);
		}
	}
}

static void read_slowly(struct story *t, size_t cap, const char *p, size_t n)
{
	struct slow s = { .t = t, .cap = cap };
	size_t start = 0;

	buf_init(&s.data, (size_t)1 << 30);
	buf_init(&s.name, SSE_FIELD_MAX);
	buf_init(&s.id, SSE_FIELD_MAX);
	if (n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		start = 3;
	for (size_t i = start; i <= n && !t->too_long; i++) {
		if (i < n && p[i] != '\r' && p[i] != '\n')
			continue;
		slow_line(&s, p + start, i - start, i < n);
		if (i + 1 < n && p[i] == '\r' && p[i + 1] == '\n')
			i++;
		start = i + 1;
	}
	buf_free(&s.data);
	buf_free(&s.name);
	buf_free(&s.id);
}

/* ---- the parser ---- */

struct run {
	struct story t;
	struct sse *s;
	bool take;
};

static bool on_event(void *ctx, struct sse_event *ev)
{
	struct run *r = ctx;
	struct buf taken;

	must(ev->len > 0, "no event without data");
	must(strcmp(ev->id, sse_last_id(r->s)) == 0, "the event's id is the stream's");
	buf_init(&taken, (size_t)1 << 30);
	if (r->take) {
		must(sse_take(r->s, ev, &taken), "data can be taken");
		must(taken.len == ev->len && taken.p[taken.len] == 0, "all of it");
		tell(&r->t, ev->name, ev->id, taken.p, taken.len);
	} else {
		tell(&r->t, ev->name, ev->id, ev->data, ev->len);
		memset(ev->data, '\n', ev->len); /* the callee may */
	}
	buf_free(&taken);
	return true;
}

/* Pieces of `step` bytes, or of sizes drawn from seed when step is 0. */
static void read_fast(
	struct run *r, size_t cap, const char *p, size_t n, size_t step, uint32_t seed)
{
	enum sse_status st = SSE_OK;
	size_t at = 0;

	story_init(&r->t);
	r->s = sse_new(cap, on_event, r);
	while (at < n && st == SSE_OK) {
		size_t k = step;
		char *piece;

		seed = seed * 1664525u + 1013904223u;
		if (!k)
			k = (seed >> 24) % (seed >> 23 & 1 ? 8 : 70);
		if (k > n - at)
			k = n - at;
		/* Memory of just that size, so that reading on is caught. */
		piece = malloc(k ? k : 1);
		must(piece, "memory");
		memcpy(piece, p + at, k);
		st = sse_feed(r->s, piece, k);
		free(piece);
		at += k;
	}
	must(st != SSE_STOPPED, "nobody stopped it");
	r->t.too_long = st == SSE_TOO_LONG;
	r->t.retry_ms = sse_retry_ms(r->s);
	must(buf_adds(&r->t.last_id, sse_last_id(r->s)), "ids have a limit");
	sse_free(r->s);
}

static void must_agree(const struct story *want, const struct story *got)
{
	must(want->events.len == got->events.len &&
			memcmp(buf_str(&want->events), buf_str(&got->events), want->events.len) ==
				0,
		"same events");
	must(strcmp(buf_str(&want->last_id), buf_str(&got->last_id)) == 0, "same last id");
	must(want->retry_ms == got->retry_ms, "same retry");
	must(want->too_long == got->too_long, "too long in the same case");
}

/* The first four bytes choose the cap and the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const size_t caps[] = { 0, 1, 7, 40, 300, 5000, 1 << 20, 1 << 20 };
	const char *p = (const char *)bytes + 4;
	size_t n = size - 4, cap;
	struct story want;
	uint32_t seed;

	if (size < 4)
		return 0;
	cap = caps[bytes[0] & 7];
	memcpy(&seed, bytes, 4);
	story_init(&want);
	read_slowly(&want, cap, p, n);
	for (int i = 0; i < 5; i++) {
		static const size_t steps[] = { (size_t)-1, 1, 0, 0, 17 };
		struct run r = { .take = i & 1 };

		read_fast(&r, cap, p, n, steps[i], seed + (uint32_t)i);
		must_agree(&want, &r.t);
		story_free(&r.t);
	}
	story_free(&want);
	return 0;
}
