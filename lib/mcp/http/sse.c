#include "mcp/http/sse.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
#include <emmintrin.h>
#endif

/* A retry of more than a day would be a way to never come back. */
#define RETRY_MAX_MS ((int64_t)24 * 60 * 60 * 1000)

/* Longest name of a field that means something ("event", "retry"); a line is kept until it can be
 * told which field it is. */
#define NAME_MAX_LEN 5

enum field { FIELD_DATA, FIELD_EVENT, FIELD_ID, FIELD_RETRY, FIELD_OTHER };

/* Where in a line the next byte belongs. */
enum place {
	AT_NAME,  /* in the field's name; what came so far is in s->name_part */
	AT_BLANK, /* behind the colon: one blank is not part of the value */
	AT_VALUE,
};

struct sse {
	sse_fn *fn;
	void *ctx;
	struct buf data;      /* of the event so far, each line with its LF */
	bool has_data;        /* a data line has begun: data may be "" and yet be there */
	struct buf event, id; /* fields of the event so far */
	struct buf last_id;
	struct buf value; /* of the line so far, when it is not a data line */
	bool value_too_long;
	int64_t retry_ms;
	enum place place;
	enum field field;
	char name_part[NAME_MAX_LEN + 1];
	size_t name_len; /* may pass NAME_MAX_LEN: then it is FIELD_OTHER */
	bool skip_lf;    /* the last byte was a CR that ended a line */
	size_t bom;      /* bytes of a byte order mark seen; BOM_DONE when over */
};

#define BOM_DONE 3
static const char bom[BOM_DONE + 1] = "\xEF\xBB\xBF";

struct sse *sse_new(size_t cap, sse_fn *fn, void *ctx)
{
	struct sse *s = mem_new(sizeof(*s));

	s->fn = fn;
	s->ctx = ctx;
	s->retry_ms = -1;
	buf_init(&s->data, cap + 1);
	buf_init(&s->event, SSE_FIELD_MAX);
	buf_init(&s->id, SSE_FIELD_MAX);
	buf_init(&s->last_id, SSE_FIELD_MAX);
	buf_init(&s->value, SSE_FIELD_MAX);
	return s;
}

void sse_share(struct sse *s, struct buf_share *share)
{
	buf_free(&s->data);
	s->data.share = share;
}

static void release(struct sse *s)
{
	buf_free(&s->data);
	buf_free(&s->event);
	buf_free(&s->id);
	buf_free(&s->last_id);
	buf_free(&s->value);
}

void sse_reuse(struct sse *s, sse_fn *fn, void *ctx)
{
	release(s);
	*s = (struct sse){ .fn = fn,
		.ctx = ctx,
		.data = s->data,
		.event = s->event,
		.id = s->id,
		.last_id = s->last_id,
		.value = s->value,
		.retry_ms = -1 };
}

void sse_free(struct sse *s)
{
	if (!s)
		return;
	release(s);
	free(s);
}

/*
 * The first CR or LF from p on, or end. Both are looked for in one pass: two
 * calls of memchr() would read a stream with only CRs again for every line.
 */
#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
static char *find_line_end(char *p, char *end)
{
	const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(
			_mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf)));

		if (mask)
			return p + __builtin_ctz(mask);
	}
	while (p < end && *p != '\r' && *p != '\n')
		p++;
	return p;
}
#else
#define EACH_BYTE(b) (~(uint64_t)0 / 255 * (b))

/* Not 0 exactly when one of the eight bytes is 0. */
static uint64_t zero_byte(uint64_t v)
{
	return (v - EACH_BYTE(0x01)) & ~v & EACH_BYTE(0x80);
}

static char *find_line_end(char *p, char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t v;

		memcpy(&v, p, sizeof(v));
		if (zero_byte(v ^ EACH_BYTE('\r')) | zero_byte(v ^ EACH_BYTE('\n')))
			break;
	}
	while (p < end && *p != '\r' && *p != '\n')
		p++;
	return p;
}
#endif

/* ---- events ---- */

/* Memory of one huge event is not kept for the small ones behind it. */
#define KEEP_BYTES ((size_t)64 << 10)

static void clear_event(struct sse *s)
{
	if (s->data.size > KEEP_BYTES)
		buf_free(&s->data);
	else
		buf_reset(&s->data);
	s->has_data = false;
	buf_reset(&s->event);
}

static bool hand_over(struct sse *s, char *data, size_t len)
{
	bool named = s->event.len;
	struct sse_event ev = { .name = named ? buf_str(&s->event) : "message",
		.message = !named || (s->event.len == 7 && memcmp(s->event.p, "message", 7) == 0),
		.id = buf_str(&s->last_id),
		.data = data,
		.len = len };

	return s->fn(s->ctx, &ev);
}

/* From now on the id of the event is the stream's. Both hold at most SSE_FIELD_MAX bytes, so only
 * memory can be missing; then rather no id than a wrong one. */
static void settle_id(struct sse *s)
{
	buf_reset(&s->last_id);
	if (s->id.len && !buf_add(&s->last_id, s->id.p, s->id.len))
		buf_reset(&s->last_id);
}

/* An empty line. The id counts even without data. */
static bool dispatch(struct sse *s)
{
	bool go_on = true;

	settle_id(s);
	if (s->has_data && s->data.len > 1) {
		s->data.p[--s->data.len] = 0; /* the final LF */
		go_on = hand_over(s, s->data.p, s->data.len);
	}
	clear_event(s);
	return go_on;
}

bool sse_take(struct sse *s, const struct sse_event *ev, struct buf *out)
{
	if (ev->len > out->cap)
		return false;
	if (ev->data == s->data.p) {
		buf_move(out, &s->data);
		return true;
	}
	buf_reset(out);
	return buf_add(out, ev->data, ev->len);
}

/* ---- lines ---- */

static enum field field_of(const char *name, size_t n)
{
	static const struct {
		const char *name;
		enum field field;
	} fields[] = {
		{ "data", FIELD_DATA },
		{ "event", FIELD_EVENT },
		{ "id", FIELD_ID },
		{ "retry", FIELD_RETRY },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == n && memcmp(fields[i].name, name, n) == 0)
			return fields[i].field;
	return FIELD_OTHER;
}

static void start_line(struct sse *s)
{
	s->place = AT_NAME;
	s->name_len = 0;
	buf_reset(&s->value);
	s->value_too_long = false;
}

static void name_known(struct sse *s)
{
	s->field = s->name_len <= NAME_MAX_LEN ? field_of(s->name_part, s->name_len) : FIELD_OTHER;
	if (s->field == FIELD_DATA)
		s->has_data = true;
}

static bool add_value(struct sse *s, const char *p, size_t n)
{
	if (s->field == FIELD_DATA)
		return buf_add(&s->data, p, n);
	if (s->field != FIELD_OTHER && !buf_add(&s->value, p, n))
		s->value_too_long = true;
	return true;
}

static void set_retry(struct sse *s)
{
	int64_t ms = 0;

	if (!s->value.len)
		return;
	for (size_t i = 0; i < s->value.len; i++) {
		char c = s->value.p[i];

		if (c < '0' || c > '9')
			return;
		ms = ms * 10 + (c - '0');
		if (ms > RETRY_MAX_MS)
			ms = RETRY_MAX_MS;
	}
	s->retry_ms = ms;
}

static bool end_field(struct sse *s)
{
	struct buf *keep = s->field == FIELD_EVENT ? &s->event : &s->id;

	if (s->field == FIELD_DATA)
		return buf_addc(&s->data, '\n');
	if (s->field == FIELD_OTHER || s->value_too_long)
		return true;
	if (s->field == FIELD_RETRY) {
		set_retry(s);
		return true;
	}
	if (s->field == FIELD_ID && s->value.len && memchr(s->value.p, 0, s->value.len))
		return true;
	buf_reset(keep);
	return !s->value.len || buf_add(keep, s->value.p, s->value.len);
}

/* The line is complete. */
static enum sse_status end_line(struct sse *s)
{
	if (s->place == AT_NAME && s->name_len == 0) {
		start_line(s);
		return dispatch(s) ? SSE_OK : SSE_STOPPED;
	}
	if (s->place == AT_NAME)
		name_known(s); /* a name without a colon: the value is empty */
	if (!end_field(s))
		return SSE_TOO_LONG;
	start_line(s);
	return SSE_OK;
}

/* Bytes of one line, without its end. */
static bool line_bytes(struct sse *s, const char *p, const char *end)
{
	while (p < end && s->place == AT_NAME) {
		if (*p == ':') {
			/* A line that starts with a colon is a comment: no field has that name. */
			name_known(s);
			s->place = AT_BLANK;
		} else {
			if (s->name_len < NAME_MAX_LEN)
				s->name_part[s->name_len] = *p;
			if (s->name_len <= NAME_MAX_LEN)
				s->name_len++;
		}
		p++;
	}
	if (p < end && s->place == AT_BLANK) {
		s->place = AT_VALUE;
		if (*p == ' ')
			p++;
	}
	if (p == end)
		return true;
	return add_value(s, p, (size_t)(end - p));
}

static size_t skip_bom(struct sse *s, const char *p, size_t n)
{
	size_t used = 0;

	while (s->bom < BOM_DONE && used < n) {
		if (p[used] != bom[s->bom]) {
			/* Not a mark after all: what looked like one belongs to the first line. */
			size_t held = s->bom;

			s->bom = BOM_DONE;
			if (held)
				(void)line_bytes(s, bom, bom + held);
			return used;
		}
		s->bom++;
		used++;
	}
	return used;
}

/*
 * The common case without a copy: at the start of an event, "data: ...", its line end and the empty
 * line stand in this piece whole. Returns the bytes used, 0 when it is not that case.
 */
static size_t whole_event(struct sse *s, char *p, char *end, char *line_end, enum sse_status *st)
{
	size_t skip = 5;
	char *next;

	if (s->place != AT_NAME || s->name_len || s->has_data || line_end - p < 6 ||
		memcmp(p, "data:", 5) != 0)
		return 0;
	if (p[5] == ' ')
		skip++;
	next = line_end + 1;
	if (*line_end == '\r' && next < end && *next == '\n')
		next++;
	if (next >= end || (*next != '\n' && *next != '\r'))
		return 0;
	/* An LF that comes in the next piece is an empty line, which changes nothing here. */
	if (*next == '\r' && next + 1 < end && next[1] == '\n')
		next++;
	if ((size_t)(line_end - p) - skip + 1 > s->data.cap) {
		*st = SSE_TOO_LONG;
		return 1;
	}
	settle_id(s);
	if ((size_t)(line_end - p) > skip && !hand_over(s, p + skip, (size_t)(line_end - p) - skip))
		*st = SSE_STOPPED;
	buf_reset(&s->event);
	return (size_t)(next + 1 - p);
}

static bool set_field(struct buf *keep, const char *p, const char *end)
{
	size_t n;

	if (p < end && *p == ' ')
		p++;
	n = (size_t)(end - p);
	if (n > SSE_FIELD_MAX)
		return true; /* ignored, as in end_field() */
	buf_reset(keep);
	return buf_add(keep, p, n);
}

/* The same for the other lines that come with every event: comments, and names and ids that stand in
 * this piece whole. False when the line has to go the long way. */
static bool whole_field(struct sse *s, const char *p, const char *line_end)
{
	size_t n = (size_t)(line_end - p);

	if (s->place != AT_NAME || s->name_len || !n)
		return false;
	if (*p == ':')
		return true;
	if (n >= 6 && memcmp(p, "event:", 6) == 0)
		return set_field(&s->event, p + 6, line_end);
	return n >= 3 && memcmp(p, "id:", 3) == 0 && !memchr(p, 0, n) &&
	       set_field(&s->id, p + 3, line_end);
}

enum sse_status sse_feed(struct sse *s, char *p, size_t n)
{
	char *end = p + n;
	enum sse_status st = SSE_OK;

	if (s->bom < BOM_DONE)
		p += skip_bom(s, p, n);
	while (p < end && st == SSE_OK) {
		char *stop;
		size_t used;

		if (s->skip_lf) {
			s->skip_lf = false;
			if (*p == '\n') {
				p++;
				continue;
			}
		}
		stop = find_line_end(p, end);
		used = stop < end ? whole_event(s, p, end, stop, &st) : 0;
		if (used) {
			p += used;
			continue;
		}
		if (stop < end && whole_field(s, p, stop)) {
			s->skip_lf = *stop == '\r';
			p = stop + 1;
			continue;
		}
		if (!line_bytes(s, p, stop))
			return SSE_TOO_LONG;
		if (stop == end)
			break;
		s->skip_lf = *stop == '\r';
		st = end_line(s);
		p = stop + 1;
	}
	return st;
}

const char *sse_last_id(const struct sse *s)
{
	return buf_str(&s->last_id);
}

int64_t sse_retry_ms(const struct sse *s)
{
	return s->retry_ms;
}

void sse_reconnect(struct sse *s)
{
	clear_event(s);
	buf_reset(&s->id);
	if (s->last_id.len && !buf_add(&s->id, s->last_id.p, s->last_id.len))
		buf_reset(&s->id);
	start_line(s);
	s->skip_lf = false;
	s->bom = 0;
}
