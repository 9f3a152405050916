#include "mcp/json/walk.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/json/scan.h"

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* p stands on a quote; the result behind the closing one, or NULL. */
static const char *string_end(const char *p, const char *end)
{
	for (p++; (p = scan_quote(p, end)) < end; p += 2) {
		if (*p == '"')
			return p + 1;
		if (end - p < 2)
			break;
	}
	return NULL;
}

/* The same, or end. */
static const char *skip_string(const char *p, const char *end)
{
	const char *behind = string_end(p, end);

	return behind ? behind : end;
}

static const char *skip_brackets(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		char c = *p;

		if (c == '"') {
			p = skip_string(p, end);
			continue;
		}
		p++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return p;
	}
	return end;
}

static const char *skip_value(const char *p, const char *end)
{
	if (p == end)
		return end;
	if (*p == '"')
		return skip_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_brackets(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
		p++;
	return p;
}

bool walk_open(struct walk *w, struct span v)
{
	if (!v.p || v.n < 2 || (*v.p != '{' && *v.p != '['))
		return false;
	*w = (struct walk){ .p = v.p + 1, .end = v.p + v.n - 1, .object = *v.p == '{' };
	return true;
}

static bool next_key(struct walk *w, struct walk_item *it)
{
	const char *start = w->p;

	if (*start != '"')
		return false;
	w->p = skip_string(start, w->end);
	if (w->p - start < 2)
		return false;
	it->key = (struct span){ start + 1, (size_t)(w->p - start - 2) };
	it->key_escaped = memchr(it->key.p, '\\', it->key.n) != NULL;
	w->p = skip_space(w->p, w->end);
	if (w->p == w->end || *w->p != ':')
		return false;
	w->p = skip_space(w->p + 1, w->end);
	return true;
}

bool walk_next(struct walk *w, struct walk_item *it)
{
	const char *start;

	w->p = skip_space(w->p, w->end);
	if (w->p < w->end && *w->p == ',')
		w->p = skip_space(w->p + 1, w->end);
	*it = (struct walk_item){ .start = w->p };
	if (w->p >= w->end || (w->object && !next_key(w, it)) || w->p >= w->end)
		return false;
	start = w->p;
	w->p = skip_value(start, w->end);
	it->value = (struct span){ start, (size_t)(w->p - start) };
	return w->p > start;
}

bool walk_key_is(const struct walk_item *it, const char *name)
{
	size_t n = strlen(name);

	if (!it->key.p)
		return false;
	if (it->key_escaped)
		return walk_string_is((struct span){ it->key.p - 1, it->key.n + 2 }, name);
	return it->key.n == n && memcmp(it->key.p, name, n) == 0;
}

struct span walk_get(struct span v, const char *name, unsigned *count)
{
	struct span found = { 0 };
	struct walk_item it;
	struct walk w;
	unsigned n = 0;

	if (walk_type(v) == WALK_OBJECT && walk_open(&w, v)) {
		while (walk_next(&w, &it)) {
			if (!walk_key_is(&it, name))
				continue;
			found = it.value;
			n++;
		}
	}
	if (count)
		*count = n;
	return found;
}

struct span walk_path(struct span v, ...)
{
	const char *name;
	va_list ap;

	va_start(ap, v);
	while (v.p && (name = va_arg(ap, const char *)))
		v = walk_get(v, name, NULL);
	va_end(ap);
	return v;
}

void walk_strings(struct walk *w, struct span v)
{
	*w = (struct walk){ .p = v.p, .end = v.p + v.n };
}

bool walk_strings_next(struct walk *w, struct walk_item *it)
{
	const char *quote = w->p < w->end ? memchr(w->p, '"', (size_t)(w->end - w->p)) : NULL;
	const char *behind = quote ? string_end(quote, w->end) : NULL, *colon;
	struct span inner;

	if (!behind)
		return false;
	*it = (struct walk_item){ .start = quote, .value = { quote, (size_t)(behind - quote) } };
	colon = skip_space(behind, w->end);
	w->p = behind;
	if (colon == w->end || *colon != ':')
		return true;
	inner = (struct span){ quote + 1, it->value.n - 2 };
	it->key = inner;
	it->key_escaped = memchr(inner.p, '\\', inner.n) != NULL;
	w->p = skip_space(colon + 1, w->end);
	it->value = (struct span){ w->p, (size_t)(w->end - w->p) };
	return true;
}

struct span walk_first(struct span text)
{
	const char *end = text.p + text.n;

	return (struct span){ text.p, (size_t)(skip_value(text.p, end) - text.p) };
}

enum walk_type walk_type(struct span v)
{
	if (!v.p || !v.n)
		return WALK_NONE;
	switch (*v.p) {
	case '{':
		return WALK_OBJECT;
	case '[':
		return WALK_ARRAY;
	case '"':
		return WALK_STRING;
	case 't':
		return WALK_TRUE;
	case 'f':
		return WALK_FALSE;
	case 'n':
		return WALK_NULL;
	default:
		return *v.p == '-' || (*v.p >= '0' && *v.p <= '9') ? WALK_NUMBER : WALK_NONE;
	}
}

/* ---- strings ---- */

static bool hex4(const char *p, const char *end, unsigned *out)
{
	*out = 0;
	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		unsigned d = c >= '0' && c <= '9'                 ? (unsigned)(c - '0')
			     : (c | 32) >= 'a' && (c | 32) <= 'f' ? (unsigned)((c | 32) - 'a' + 10)
								  : 16;

		if (d == 16)
			return false;
		*out = *out * 16 + d;
	}
	return true;
}

static size_t put_utf8(unsigned c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* p stands behind "\u"; a pair of surrogates is one character, a lone one U+FFFD. */
static const char *unescape_u(const char *p, const char *end, char out[4], size_t *n)
{
	unsigned c, low;

	if (!hex4(p, end, &c))
		return NULL;
	p += 4;
	if (c >= 0xD800 && c < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
		hex4(p + 2, end, &low) && low >= 0xDC00 && low < 0xE000) {
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		p += 6;
	} else if (c >= 0xD800 && c < 0xE000) {
		c = 0xFFFD;
	}
	*n = put_utf8(c, out);
	return p;
}

/* One escape at p (on the backslash); NULL when it is none. */
static const char *unescape(const char *p, const char *end, char out[4], size_t *n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (end - p < 2)
		return NULL;
	if (p[1] == 'u')
		return unescape_u(p + 2, end, out, n);
	at = p[1] ? strchr(from, p[1]) : NULL;
	if (!at)
		return NULL;
	out[0] = to[at - from];
	*n = 1;
	return p + 2;
}

static bool is_string(struct span v)
{
	return v.p && v.n >= 2 && *v.p == '"' && v.p[v.n - 1] == '"';
}

bool walk_string(struct span v, struct buf *out)
{
	const char *p, *end;
	char one[4];
	size_t n;

	if (!is_string(v))
		return false;
	p = v.p + 1;
	end = v.p + v.n - 1;
	while (p < end) {
		const char *stop = memchr(p, '\\', (size_t)(end - p));

		if (!stop)
			stop = end;
		if (!buf_add(out, p, (size_t)(stop - p)))
			return false;
		if (stop == end)
			break;
		p = unescape(stop, end, one, &n);
		if (!p || !buf_add(out, one, n))
			return false;
	}
	return true;
}

bool walk_string_is(struct span v, const char *text)
{
	const char *p, *end;
	size_t left = strlen(text);

	if (!is_string(v))
		return false;
	p = v.p + 1;
	end = v.p + v.n - 1;
	while (p < end) {
		char one[4] = { *p };
		size_t n = 1;

		p = *p == '\\' ? unescape(p, end, one, &n) : p + 1;
		if (!p || n > left || memcmp(one, text, n) != 0)
			return false;
		text += n;
		left -= n;
	}
	return left == 0;
}

bool walk_integer(struct span v, long long *out)
{
	char text[24];
	char *end;
	long long n;

	if (walk_type(v) != WALK_NUMBER || v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end)
		return false;
	*out = n;
	return true;
}

bool walk_true(struct span v)
{
	return walk_type(v) == WALK_TRUE;
}
