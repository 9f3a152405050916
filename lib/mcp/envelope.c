#include "mcp/envelope.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/scan.h"
#include "mcp/walk.h"

/*
 * The scanner: one pass, one bit of stack for each open bracket. `depth` counts
 * the open brackets; the members of the outermost object are noted as they pass.
 */
struct scanner {
	char *p, *end;
	const char *why;
	enum envelope_status status;
	size_t depth;
	uint64_t objects[ENVELOPE_DEPTH / 64]; /* bit n: bracket n is an object's */
};

static bool fail(struct scanner *s, enum envelope_status status, const char *why)
{
	s->status = status;
	s->why = why;
	return false;
}

static bool bad(struct scanner *s, const char *why)
{
	return fail(s, ENVELOPE_BAD_JSON, why);
}

/* White space between tokens. A message is one line on standard output, so line breaks go. */
static void skip_space(struct scanner *s)
{
	char *p = s->p, *end = s->end;

	while (p < end && (unsigned char)*p <= ' ') {
		if (*p == '\n' || *p == '\r')
			*p = ' ';
		else if (*p != ' ' && *p != '\t')
			break;
		p++;
	}
	s->p = p;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* p stands on a backslash. */
static bool scan_escape(struct scanner *s)
{
	if (s->end - s->p < 2)
		return bad(s, "the text ends inside a string");
	switch (s->p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		s->p += 2;
		return true;
	case 'u':
		if (s->end - s->p < 6)
			return bad(s, "the text ends inside a string");
		for (int i = 2; i < 6; i++)
			if (!is_hex(s->p[i]))
				return bad(s, "an escape \\u needs four hexadecimal digits");
		s->p += 6;
		return true;
	default:
		return bad(s, "an escape that JSON does not know");
	}
}

/* p stands on the opening quote; afterwards behind the closing one. */
static bool scan_json_string(struct scanner *s, bool *escaped)
{
	s->p++;
	for (;;) {
		unsigned char c;
		size_t n;

		s->p += scan_string(s->p, s->end) - s->p;
		if (s->p == s->end)
			return bad(s, "the text ends inside a string");
		c = (unsigned char)*s->p;
		if (c == '"') {
			s->p++;
			return true;
		}
		if (c == '\\') {
			*escaped = true;
			if (!scan_escape(s))
				return false;
		} else if (c < ' ') {
			return bad(s, "a control character inside a string must be escaped");
		} else {
			do {
				n = scan_utf8(s->p, s->end);
				if (!n)
					return fail(s, ENVELOPE_BAD_UTF8, "the text is not UTF-8");
				s->p += n;
			} while (s->p < s->end && (unsigned char)*s->p >= 0x80);
		}
	}
}

static bool digits(struct scanner *s)
{
	char *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > start || bad(s, "a number lacks digits");
}

static bool scan_number(struct scanner *s)
{
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p | 32) == 'e') {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		return digits(s);
	}
	return true;
}

static bool scan_word(struct scanner *s, const char *word, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return bad(s, "a value that is no JSON");
	s->p += n;
	return true;
}

static bool scan_scalar(struct scanner *s)
{
	bool escaped = false;

	switch (*s->p) {
	case '"':
		return scan_json_string(s, &escaped);
	case 't':
		return scan_word(s, "true", 4);
	case 'f':
		return scan_word(s, "false", 5);
	case 'n':
		return scan_word(s, "null", 4);
	default:
		if (*s->p == '-' || (*s->p >= '0' && *s->p <= '9'))
			return scan_number(s);
		return (unsigned char)*s->p >= 0x80 && !scan_utf8(s->p, s->end)
			       ? fail(s, ENVELOPE_BAD_UTF8, "the text is not UTF-8")
			       : bad(s, "a value that is no JSON");
	}
}

static bool push(struct scanner *s, bool object)
{
	uint64_t bit = (uint64_t)1 << (s->depth % 64);

	if (s->depth == ENVELOPE_DEPTH)
		return fail(s, ENVELOPE_TOO_DEEP, "the message is nested too deeply");
	if (object)
		s->objects[s->depth / 64] |= bit;
	else
		s->objects[s->depth / 64] &= ~bit;
	s->depth++;
	return true;
}

static bool in_object(const struct scanner *s)
{
	size_t top = s->depth - 1;

	return s->objects[top / 64] >> (top % 64) & 1;
}

/* A member's name and its colon. */
static bool scan_key(struct scanner *s)
{
	bool escaped = false;

	if (s->p == s->end || *s->p != '"')
		return bad(s, "a member of an object needs a name in quotes");
	if (!scan_json_string(s, &escaped))
		return false;
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return bad(s, "a member's name needs a colon behind it");
	s->p++;
	skip_space(s);
	return true;
}

/* p stands where a value must start; afterwards behind it. Opened brackets are closed in here. */
static bool scan_value(struct scanner *s)
{
	size_t base = s->depth;

	for (;;) {
		if (s->p == s->end)
			return bad(s, "the text ends too early");
		if (*s->p == '{' || *s->p == '[') {
			bool object = *s->p == '{';

			if (!push(s, object))
				return false;
			s->p++;
			skip_space(s);
			if (s->p < s->end && *s->p == (object ? '}' : ']')) {
				s->p++;
				s->depth--;
			} else {
				if (object && !scan_key(s))
					return false;
				continue;
			}
		} else if (!scan_scalar(s)) {
			return false;
		}
		/* Behind a value: brackets close until a comma asks for the next one. */
		for (;;) {
			if (s->depth == base)
				return true;
			skip_space(s);
			if (s->p == s->end)
				return bad(s, "the text ends too early");
			if (*s->p == ',')
				break;
			if (*s->p != (in_object(s) ? '}' : ']'))
				return bad(s, "a comma or a closing bracket is missing");
			s->p++;
			s->depth--;
		}
		s->p++;
		skip_space(s);
		if (in_object(s) && !scan_key(s))
			return false;
	}
}

/* ---- the outermost object ---- */

enum member { M_JSONRPC, M_ID, M_METHOD, M_PARAMS, M_RESULT, M_ERROR, MEMBERS };

static const struct {
	const char *name, *twice;
} members[] = {
	[M_JSONRPC] = { "jsonrpc", "\"jsonrpc\" appears twice" },
	[M_ID] = { "id", "\"id\" appears twice" },
	[M_METHOD] = { "method", "\"method\" appears twice" },
	[M_PARAMS] = { "params", "\"params\" appears twice" },
	[M_RESULT] = { "result", "\"result\" appears twice" },
	[M_ERROR] = { "error", "\"error\" appears twice" },
};
_Static_assert(sizeof(members) / sizeof(members[0]) == MEMBERS, "a name for each member");

static enum member which(struct span quoted, bool escaped)
{
	for (int i = 0; i < MEMBERS; i++) {
		size_t n = strlen(members[i].name);

		if (escaped ? walk_string_is(quoted, members[i].name)
			    : quoted.n == n + 2 && memcmp(quoted.p + 1, members[i].name, n) == 0)
			return (enum member)i;
	}
	return MEMBERS;
}

struct outline {
	struct span value[MEMBERS];
	const char *twice; /* NULL, or what is wrong */
};

static bool scan_member(struct scanner *s, struct outline *o)
{
	struct span key = { s->p, 0 };
	bool escaped = false;
	enum member m;
	char *start;

	if (s->p == s->end || *s->p != '"')
		return bad(s, "a member of an object needs a name in quotes");
	if (!scan_json_string(s, &escaped))
		return false;
	key.n = (size_t)(s->p - key.p);
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return bad(s, "a member's name needs a colon behind it");
	s->p++;
	skip_space(s);
	start = s->p;
	if (!scan_value(s))
		return false;
	m = which(key, escaped);
	if (m == MEMBERS)
		return true;
	if (o->value[m].p)
		o->twice = members[m].twice;
	o->value[m] = (struct span){ start, (size_t)(s->p - start) };
	return true;
}

/* p stands on the opening brace. */
static bool scan_outline(struct scanner *s, struct outline *o)
{
	if (!push(s, true))
		return false;
	s->p++;
	skip_space(s);
	if (s->p < s->end && *s->p == '}') {
		s->p++;
		return true;
	}
	for (;;) {
		if (!scan_member(s, o))
			return false;
		skip_space(s);
		if (s->p == s->end)
			return bad(s, "the text ends too early");
		if (*s->p == '}')
			break;
		if (*s->p != ',')
			return bad(s, "a comma or a closing bracket is missing");
		s->p++;
		skip_space(s);
	}
	s->p++;
	return true;
}

/* ---- what kind of message ---- */

static void invalid(struct envelope *m, const char *why)
{
	m->kind = ENVELOPE_INVALID;
	m->why = why;
}

static bool is_id(struct span id)
{
	enum walk_type t = walk_type(id);

	return t == WALK_STRING || t == WALK_NUMBER;
}

static void classify_call(struct envelope *m, const struct outline *o)
{
	struct span name = o->value[M_METHOD];
	enum walk_type params = walk_type(m->params);

	if (walk_type(name) != WALK_STRING) {
		invalid(m, "\"method\" must be a string");
		return;
	}
	m->method = (struct span){ name.p + 1, name.n - 2 };
	m->method_escaped = memchr(name.p, '\\', name.n) != NULL;
	if (m->result.p || m->error.p)
		invalid(m, "a message with \"method\" cannot have \"result\" or \"error\"");
	else if (m->params.p && params != WALK_OBJECT && params != WALK_ARRAY)
		invalid(m, "\"params\" must be an object or an array");
	else if (m->id.p && !is_id(m->id))
		invalid(m, "a request's \"id\" must be a string or a number");
	else
		m->kind = m->id.p ? ENVELOPE_REQUEST : ENVELOPE_NOTIFICATION;
}

static void classify_response(struct envelope *m)
{
	if (m->result.p && m->error.p)
		invalid(m, "a response has either \"result\" or \"error\", not both");
	else if (m->result.p && !is_id(m->id))
		invalid(m, "a response needs an \"id\" that is a string or a number");
	else if (m->error.p && m->id.p && !is_id(m->id) && walk_type(m->id) != WALK_NULL)
		invalid(m, "a response needs an \"id\" that is a string or a number");
	else
		m->kind = ENVELOPE_RESPONSE;
}

static void classify(struct envelope *m, const struct outline *o)
{
	m->id = o->value[M_ID];
	m->params = o->value[M_PARAMS];
	m->result = o->value[M_RESULT];
	m->error = o->value[M_ERROR];
	if (o->twice) {
		/* Which of them counts is anybody's guess: not even the id can be trusted. */
		m->id = (struct span){ 0 };
		invalid(m, o->twice);
	} else if (!walk_string_is(o->value[M_JSONRPC], "2.0")) {
		invalid(m, "\"jsonrpc\" must be \"2.0\"");
	} else if (o->value[M_METHOD].p) {
		classify_call(m, o);
	} else if (m->result.p || m->error.p) {
		classify_response(m);
	} else {
		invalid(m, "neither \"method\" nor \"result\" nor \"error\" is there");
	}
}

static bool scan_message(struct scanner *s, struct envelope *out)
{
	struct outline o = { 0 };
	char *start;

	skip_space(s);
	start = s->p;
	if (s->p == s->end)
		return bad(s, "the text is empty");
	if (*s->p == '{' ? !scan_outline(s, &o) : !scan_value(s))
		return false;
	out->whole = (struct span){ start, (size_t)(s->p - start) };
	skip_space(s);
	if (s->p != s->end)
		return bad(s, "something follows the JSON value");
	if (*start == '{') {
		classify(out, &o);
	} else if (*start == '[') {
		struct walk w;
		struct walk_item it;

		out->kind = ENVELOPE_BATCH;
		if (!walk_open(&w, out->whole) || !walk_next(&w, &it))
			invalid(out, "an empty batch");
	} else {
		invalid(out, "a message must be an object");
	}
	return true;
}

enum envelope_status envelope_scan(char *p, size_t n, struct envelope *out, size_t *at)
{
	struct scanner s;

	/* Not the stack of bits: it is written before it is read. */
	s.p = p;
	s.end = p + n;
	s.why = NULL;
	s.status = ENVELOPE_OK;
	s.depth = 0;
	*out = (struct envelope){ .kind = ENVELOPE_INVALID };
	if (scan_message(&s, out))
		return ENVELOPE_OK;
	*out = (struct envelope){ .kind = ENVELOPE_INVALID, .why = s.why };
	if (at)
		*at = (size_t)(s.p - p);
	return s.status;
}

bool envelope_method_is(const struct envelope *m, const char *name)
{
	size_t n = strlen(name);

	if (!m->method.p)
		return false;
	if (m->method_escaped)
		return walk_string_is((struct span){ m->method.p - 1, m->method.n + 2 }, name);
	return m->method.n == n && memcmp(m->method.p, name, n) == 0;
}

/* ---- ids ---- */

/* Longer ids are compared by their bytes alone; nobody writes one number in two such ways. */
#define ID_NUMBER_MAX 128

/* The value of a number, for ids. False when it has none that a double could hold. */
static bool id_value(struct span id, long long *whole, double *value)
{
	char text[ID_NUMBER_MAX + 1];
	char *end;

	if (id.n > ID_NUMBER_MAX)
		return false;
	if (id.n <= 18 && walk_integer(id, whole)) {
		*value = (double)*whole;
		return true;
	}
	memcpy(text, id.p, id.n);
	text[id.n] = 0;
	*value = strtod(text, &end);
	*whole = 0;
	return *value <= DBL_MAX && *value >= -DBL_MAX;
}

static bool is_integer(struct span id)
{
	for (size_t i = *id.p == '-'; i < id.n; i++)
		if (id.p[i] < '0' || id.p[i] > '9')
			return false;
	return true;
}

static bool is_zero(struct span id)
{
	return id.p[id.n - 1] == '0' && (id.n == 1 || (id.n == 2 && *id.p == '-'));
}

static bool same_double(struct span a, struct span b)
{
	long long i;
	double x, y;

	return id_value(a, &i, &x) && id_value(b, &i, &y) && !(x < y) && !(x > y);
}

static bool same_string(struct span a, struct span b)
{
	struct buf x, y;
	bool same;

	if (!memchr(a.p, '\\', a.n) && !memchr(b.p, '\\', b.n))
		return false; /* the bytes differ already */
	buf_init(&x, ENVELOPE_MAX);
	buf_init(&y, ENVELOPE_MAX);
	same = walk_string(a, &x) && walk_string(b, &y) && x.len == y.len &&
	       (!x.len || memcmp(x.p, y.p, x.len) == 0);
	buf_free(&x);
	buf_free(&y);
	return same;
}

bool envelope_id_equal(struct span a, struct span b)
{
	if (!a.p || !b.p)
		return false;
	if (a.n == b.n && memcmp(a.p, b.p, a.n) == 0)
		return true;
	if (*a.p == '"' || *b.p == '"')
		return *a.p == '"' && *b.p == '"' && same_string(a, b);
	/* JSON writes an integer in one way only, zero apart. */
	if (is_integer(a) && is_integer(b))
		return is_zero(a) && is_zero(b);
	return same_double(a, b);
}

bool envelope_id_alike(struct span a, struct span b)
{
	return envelope_id_equal(a, b) ||
	       (a.p && b.p && *a.p != '"' && *b.p != '"' && same_double(a, b));
}

static size_t hash_bytes(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

size_t envelope_id_hash(struct span id)
{
	struct buf text;
	long long whole;
	double value;
	size_t h;

	if (*id.p != '"') {
		if (!id_value(id, &whole, &value))
			return hash_bytes(id.p, id.n);
		value += 0.0; /* -0.0 and 0.0 are equal */
		return hash_bytes((const char *)&value, sizeof(value));
	}
	if (!memchr(id.p, '\\', id.n))
		return hash_bytes(id.p + 1, id.n - 2);
	buf_init(&text, ENVELOPE_MAX);
	h = walk_string(id, &text) ? hash_bytes(text.p ? text.p : "", text.len) : 0;
	buf_free(&text);
	return h;
}

/* ---- making messages ---- */

bool envelope_quote(struct buf *out, const char *s, size_t n)
{
	const char *end = s + n;
	bool good = buf_addc(out, '"');

	while (good && s < end) {
		const char *stop = scan_string(s, end);
		size_t m;

		good = buf_add(out, s, (size_t)(stop - s));
		s = stop;
		if (!good || s == end)
			break;
		if (*s == '"' || *s == '\\') {
			good = buf_addc(out, '\\') && buf_addc(out, *s++);
		} else if ((unsigned char)*s < ' ') {
			good = *s == '\n' ? buf_adds(out, "\\n")
					  : buf_addf(out, "\\u%04x", (unsigned char)*s);
			s++;
		} else {
			m = scan_utf8(s, end);
			good = m ? buf_add(out, s, m) : buf_adds(out, "\xEF\xBF\xBD");
			s += m ? m : 1;
		}
	}
	return good && buf_addc(out, '"');
}

bool envelope_error(
	struct buf *out, struct span id, long code, const char *message, const char *data)
{
	return buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":") &&
	       (id.p ? buf_add(out, id.p, id.n) : buf_adds(out, "null")) &&
	       buf_addf(out, ",\"error\":{\"code\":%ld,\"message\":", code) &&
	       envelope_quote(out, message, strlen(message)) &&
	       (!data || (buf_adds(out, ",\"data\":") && buf_adds(out, data))) &&
	       buf_adds(out, "}}");
}
