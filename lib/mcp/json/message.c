#include "mcp/json/message.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mcp/json/scan.h"
#include "mcp/json/scan_wide.h"
#include "mcp/json/walk.h"

/*
 * The scanner: one pass, one bit of stack for each open bracket. `depth` counts
 * the open brackets; the members of the outermost object are noted as they pass.
 *
 * The place in the text is handed from function to function and not kept in
 * here: a store into the text could be one into this struct, for all the
 * compiler knows, and it would read everything again after each byte. NULL for
 * a place means that the text is no good, and why.
 */
struct scanner {
	char *end;
	char *at; /* where it failed */
	const char *why;
	enum message_status status;
	size_t depth;
	uint64_t objects[MESSAGE_DEPTH / 64]; /* bit n: bracket n is an object's */
};

static char *fail(struct scanner *s, char *p, enum message_status status, const char *why)
{
	s->at = p;
	s->status = status;
	s->why = why;
	return NULL;
}

static char *bad(struct scanner *s, char *p, const char *why)
{
	return fail(s, p, MESSAGE_BAD_JSON, why);
}

/* White space between tokens. A message is one line on standard output, so line breaks go. */
static char *skip_blanks(char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ') {
		if (*p == '\n' || *p == '\r')
			*p = ' ';
		else if (*p != ' ' && *p != '\t')
			break;
		p++;
	}
	return p;
}

/* Most messages have none. */
static inline char *skip_space(char *p, const char *end)
{
	return p < end && (unsigned char)*p > ' ' ? p : skip_blanks(p, end);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* p stands on a backslash. */
static char *scan_escape(struct scanner *s, char *p)
{
	if (s->end - p < 2)
		return bad(s, p, "the text ends inside a string");
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		if (s->end - p < 6)
			return bad(s, p, "the text ends inside a string");
		for (int i = 2; i < 6; i++)
			if (!is_hex(p[i]))
				return bad(s, p, "an escape \\u needs four hexadecimal digits");
		return p + 6;
	default:
		return bad(s, p, "an escape that JSON does not know");
	}
}

/* Characters outside ASCII from p on. */
static char *scan_others(struct scanner *s, char *p)
{
	do {
		size_t n = utf8_length(p, s->end);

		if (!n)
			return fail(s, p, MESSAGE_BAD_UTF8, "the text is not UTF-8");
		p += n;
	} while (p < s->end && (unsigned char)*p >= 0x80);
	return p;
}

/* p stands on the opening quote; the result behind the closing one. */
static inline char *scan_json_string(struct scanner *s, char *p, bool *escaped)
{
	p++;
	while (p) {
		p += scan_string(p, s->end) - p;
		if (p == s->end)
			return bad(s, p, "the text ends inside a string");
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			*escaped = true;
			p = scan_escape(s, p);
		} else if ((unsigned char)*p < ' ') {
			return bad(s, p, "a control character inside a string must be escaped");
		} else {
			p = scan_others(s, p);
		}
	}
	return p;
}

static char *digits(struct scanner *s, char *p)
{
	char *start = p;

	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p > start ? p : bad(s, p, "a number lacks digits");
}

static char *scan_number(struct scanner *s, char *p)
{
	if (*p == '-')
		p++;
	if (p < s->end && *p == '0')
		p++;
	else if (!(p = digits(s, p)))
		return NULL;
	if (p < s->end && *p == '.' && !(p = digits(s, p + 1)))
		return NULL;
	if (p < s->end && (*p | 32) == 'e') {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		return digits(s, p);
	}
	return p;
}

static char *scan_word(struct scanner *s, char *p, const char *word, size_t n)
{
	if ((size_t)(s->end - p) < n || memcmp(p, word, n) != 0)
		return bad(s, p, "expected a value");
	return p + n;
}

static char *scan_scalar(struct scanner *s, char *p)
{
	bool escaped = false;

	switch (*p) {
	case '"':
		return scan_json_string(s, p, &escaped);
	case 't':
		return scan_word(s, p, "true", 4);
	case 'f':
		return scan_word(s, p, "false", 5);
	case 'n':
		return scan_word(s, p, "null", 4);
	default:
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			return scan_number(s, p);
		return (unsigned char)*p >= 0x80 && !utf8_length(p, s->end)
			       ? fail(s, p, MESSAGE_BAD_UTF8, "the text is not UTF-8")
			       : bad(s, p, "expected a value");
	}
}

static bool push(struct scanner *s, char *p, bool object)
{
	uint64_t bit = (uint64_t)1 << (s->depth % 64);

	if (s->depth == MESSAGE_DEPTH) {
		fail(s, p, MESSAGE_TOO_DEEP, "the message is nested too deeply");
		return false;
	}
	if (s->depth % 64 == 0)
		s->objects[s->depth / 64] = 0;
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

/* A member's name and its colon. `key` gets the name with its quotes. */
static inline char *scan_key(struct scanner *s, char *p, struct span *key, bool *escaped)
{
	char *start = p;

	if (p == s->end || *p != '"')
		return bad(s, p, "a member of an object needs a name in quotes");
	p = scan_json_string(s, p, escaped);
	if (!p)
		return NULL;
	*key = (struct span){ start, (size_t)(p - start) };
	p = skip_space(p, s->end);
	if (p == s->end || *p != ':')
		return bad(s, p, "expected a colon after a member's name");
	return skip_space(p + 1, s->end);
}

/* p stands where a value must start; the result is behind it. Opened brackets are closed in here. */
static char *scan_value(struct scanner *s, char *p)
{
	size_t base = s->depth;
	struct span key;
	bool escaped;

	for (;;) {
		if (p == s->end)
			return bad(s, p, "the text ends too early");
		if (*p == '{' || *p == '[') {
			bool object = *p == '{';

			if (!push(s, p, object))
				return NULL;
			p = skip_space(p + 1, s->end);
			if (p < s->end && *p == (object ? '}' : ']')) {
				p++;
				s->depth--;
			} else {
				if (object && !(p = scan_key(s, p, &key, &escaped)))
					return NULL;
				continue;
			}
		} else if (!(p = scan_scalar(s, p))) {
			return NULL;
		}
		/* Behind a value: brackets close until a comma asks for the next one. */
		for (;;) {
			if (s->depth == base)
				return p;
			p = skip_space(p, s->end);
			if (p == s->end)
				return bad(s, p, "the text ends too early");
			if (*p == ',')
				break;
			if (*p != (in_object(s) ? '}' : ']'))
				return bad(s, p, "a comma or a closing bracket is missing");
			p++;
			s->depth--;
		}
		p = skip_space(p + 1, s->end);
		if (in_object(s) && !(p = scan_key(s, p, &key, &escaped)))
			return NULL;
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

/* The name without its quotes; by length, so that it is compared with a few only. */
static enum member which(const char *p, size_t n)
{
	switch (n) {
	case 2:
		return memcmp(p, "id", 2) == 0 ? M_ID : MEMBERS;
	case 5:
		return memcmp(p, "error", 5) == 0 ? M_ERROR : MEMBERS;
	case 6:
		return memcmp(p, "method", 6) == 0   ? M_METHOD
		       : memcmp(p, "params", 6) == 0 ? M_PARAMS
		       : memcmp(p, "result", 6) == 0 ? M_RESULT
						     : MEMBERS;
	case 7:
		return memcmp(p, "jsonrpc", 7) == 0 ? M_JSONRPC : MEMBERS;
	default:
		return MEMBERS;
	}
}

static enum member which_escaped(struct span quoted)
{
	int i = 0;

	while (i < MEMBERS && !walk_string_is(quoted, members[i].name))
		i++;
	return (enum member)i;
}

struct outline {
	struct span value[MEMBERS];
	char *start[MEMBERS]; /* of the member: its name's opening quote */
	const char *twice;    /* NULL, or what is wrong */
};

/* A member from its name's opening quote on; n bytes of name, quotes included. */
static void note_member(struct outline *o, char *name, size_t n, struct span value)
{
	enum member m = memchr(name, '\\', n) ? which_escaped((struct span){ name, n })
					      : which(name + 1, n - 2);

	if (m == MEMBERS)
		return;
	if (o->value[m].p)
		o->twice = members[m].twice;
	o->value[m] = value;
	o->start[m] = name;
}

static char *scan_member(struct scanner *s, char *p, struct outline *o)
{
	struct span key = { 0 };
	bool escaped = false;
	char *name = p, *start = p = scan_key(s, p, &key, &escaped);

	if (!p || !(p = scan_value(s, p)))
		return NULL;
	note_member(o, name, key.n, (struct span){ start, (size_t)(p - start) });
	return p;
}

static bool wide_member(void *ctx, char *key, size_t key_n, char *value, size_t value_n)
{
	note_member(ctx, key, key_n, (struct span){ value, value_n });
	return true;
}

/* p stands on the opening brace. */
static char *scan_outline(struct scanner *s, char *p, struct outline *o)
{
	if (!push(s, p, true))
		return NULL;
	p = skip_space(p + 1, s->end);
	if (p < s->end && *p == '}')
		return p + 1;
	for (;;) {
		p = scan_member(s, p, o);
		if (!p)
			return NULL;
		p = skip_space(p, s->end);
		if (p == s->end)
			return bad(s, p, "the text ends too early");
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return bad(s, p, "a comma or a closing bracket is missing");
		p = skip_space(p + 1, s->end);
	}
}

/* ---- what kind of message ---- */

static void invalid(struct message *m, const char *why)
{
	m->kind = MESSAGE_INVALID;
	m->why = why;
}

static bool is_id(struct span id)
{
	enum walk_type t = walk_type(id);

	return t == WALK_STRING || t == WALK_NUMBER;
}

/* ---- members that are null ---- */

/* Between tokens that were scanned. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The member becomes blanks, with the comma behind it, or else the one before it. */
static void blank(struct outline *o, enum member m)
{
	char *from = o->start[m], *to = from + (o->value[m].p - from) + o->value[m].n;
	char *next = to;

	while (is_blank(*next))
		next++;
	if (*next == ',') {
		to = next + 1;
	} else {
		for (next = from - 1; is_blank(*next);)
			next--;
		if (*next == ',')
			from = next;
	}
	memset(from, ' ', (size_t)(to - from));
	o->value[m] = (struct span){ 0 };
}

static bool is_null(const struct outline *o, enum member m)
{
	return o->value[m].p && walk_type(o->value[m]) == WALK_NULL;
}

static bool is_real(const struct outline *o, enum member m)
{
	return o->value[m].p && !is_null(o, m);
}

/* Many programs write all members that their type of message has. A null that stands for nothing goes:
 * strict clients (the schemas of the TypeScript SDK) take no message that has both "result" and "error",
 * and would wait for the answer for ever. A result may be null. */
static void drop_nulls(struct outline *o)
{
	bool call = is_real(o, M_METHOD), failed = is_real(o, M_ERROR);
	bool response = !call && (failed || o->value[M_RESULT].p);

	if (is_null(o, M_PARAMS) && (call || response))
		blank(o, M_PARAMS);
	if (is_null(o, M_ERROR) && (call || response))
		blank(o, M_ERROR);
	if (is_null(o, M_RESULT) && (call || failed))
		blank(o, M_RESULT);
	if (is_null(o, M_METHOD) && response)
		blank(o, M_METHOD);
}

static const struct {
	const char *name;
	size_t n;
} methods[METHODS] = {
#define M(method, text) [method] = { text, sizeof(text) - 1 }
	M(METHOD_INITIALIZE, "initialize"),
	M(METHOD_PING, "ping"),
	M(METHOD_SERVER_DISCOVER, "server/discover"),
	M(METHOD_TOOLS_LIST, "tools/list"),
	M(METHOD_TOOLS_CALL, "tools/call"),
	M(METHOD_PROMPTS_LIST, "prompts/list"),
	M(METHOD_PROMPTS_GET, "prompts/get"),
	M(METHOD_RESOURCES_LIST, "resources/list"),
	M(METHOD_RESOURCES_TEMPLATES_LIST, "resources/templates/list"),
	M(METHOD_RESOURCES_READ, "resources/read"),
	M(METHOD_RESOURCES_SUBSCRIBE, "resources/subscribe"),
	M(METHOD_RESOURCES_UNSUBSCRIBE, "resources/unsubscribe"),
	M(METHOD_SUBSCRIPTIONS_LISTEN, "subscriptions/listen"),
	M(METHOD_TASKS_GET, "tasks/get"),
	M(METHOD_TASKS_LIST, "tasks/list"),
	M(METHOD_TASKS_RESULT, "tasks/result"),
	M(METHOD_TASKS_UPDATE, "tasks/update"),
	M(METHOD_TASKS_CANCEL, "tasks/cancel"),
	M(METHOD_COMPLETION_COMPLETE, "completion/complete"),
	M(METHOD_LOGGING_SET_LEVEL, "logging/setLevel"),
	M(METHOD_ELICITATION_CREATE, "elicitation/create"),
	M(METHOD_SAMPLING_CREATE_MESSAGE, "sampling/createMessage"),
	M(METHOD_ROOTS_LIST, "roots/list"),
	M(METHOD_NOTICE_INITIALIZED, "notifications/initialized"),
	M(METHOD_NOTICE_CANCELLED, "notifications/cancelled"),
	M(METHOD_NOTICE_PROGRESS, "notifications/progress"),
	M(METHOD_NOTICE_MESSAGE, "notifications/message"),
	M(METHOD_NOTICE_TOOLS_LIST_CHANGED, "notifications/tools/list_changed"),
	M(METHOD_NOTICE_PROMPTS_LIST_CHANGED, "notifications/prompts/list_changed"),
	M(METHOD_NOTICE_RESOURCES_LIST_CHANGED, "notifications/resources/list_changed"),
	M(METHOD_NOTICE_RESOURCES_UPDATED, "notifications/resources/updated"),
	M(METHOD_NOTICE_ROOTS_LIST_CHANGED, "notifications/roots/list_changed"),
	M(METHOD_NOTICE_SUBSCRIPTIONS_ACKNOWLEDGED, "notifications/subscriptions/acknowledged"),
	M(METHOD_NOTICE_ELICITATION_COMPLETE, "notifications/elicitation/complete"),
	M(METHOD_NOTICE_TASKS_STATUS, "notifications/tasks/status"),
#undef M
};

const char *message_method_name(enum method m)
{
	return methods[m].name;
}

static enum method method_of(struct span quoted)
{
	bool escaped = memchr(quoted.p, '\\', quoted.n) != NULL;
	size_t n = quoted.n - 2;

	for (unsigned m = METHOD_OTHER + 1; m < METHODS; m++)
		if (escaped ? walk_string_is(quoted, methods[m].name)
			    : methods[m].n == n && memcmp(methods[m].name, quoted.p + 1, n) == 0)
			return (enum method)m;
	return METHOD_OTHER;
}

static void classify_call(struct message *m, const struct outline *o)
{
	struct span name = o->value[M_METHOD];
	enum walk_type params = walk_type(m->params);

	if (walk_type(name) != WALK_STRING) {
		invalid(m, "\"method\" must be a string");
		return;
	}
	m->name = (struct span){ name.p + 1, name.n - 2 };
	m->method = method_of(name);
	if (m->result.p || m->error.p)
		invalid(m, "a message with \"method\" cannot have \"result\" or \"error\"");
	else if (m->params.p && params != WALK_OBJECT && params != WALK_ARRAY)
		invalid(m, "\"params\" must be an object or an array");
	else if (m->id.p && !is_id(m->id))
		invalid(m, "a request's \"id\" must be a string or a number");
	else
		m->kind = m->id.p ? MESSAGE_REQUEST : MESSAGE_NOTIFICATION;
}

static void classify_response(struct message *m)
{
	if (m->result.p && m->error.p)
		invalid(m, "a response has either \"result\" or \"error\", not both");
	else if (m->result.p && !is_id(m->id))
		invalid(m, "a response needs an \"id\" that is a string or a number");
	else if (m->error.p && m->id.p && !is_id(m->id) && walk_type(m->id) != WALK_NULL)
		invalid(m, "a response needs an \"id\" that is a string or a number");
	else
		m->kind = MESSAGE_RESPONSE;
}

/* Nobody writes it with an escape, but somebody may. */
static bool is_version(struct span v)
{
	return (v.n == 5 && memcmp(v.p, "\"2.0\"", 5) == 0) || walk_string_is(v, "2.0");
}

static void classify(struct message *m, struct outline *o)
{
	if (!o->twice)
		drop_nulls(o);
	m->id = o->value[M_ID];
	m->params = o->value[M_PARAMS];
	m->result = o->value[M_RESULT];
	m->error = o->value[M_ERROR];
	if (o->twice) {
		/* Which of them counts is anybody's guess: not even the id can be trusted. */
		m->id = (struct span){ 0 };
		invalid(m, o->twice);
	} else if (!is_version(o->value[M_JSONRPC])) {
		invalid(m, "\"jsonrpc\" must be \"2.0\"");
	} else if (o->value[M_METHOD].p) {
		classify_call(m, o);
	} else if (m->result.p || is_real(o, M_ERROR)) {
		classify_response(m);
	} else {
		invalid(m, "neither \"method\" nor \"result\" nor \"error\" is present");
	}
}

/* One value and nothing behind it, with the members of an object in *o; NULL when it is no good.
 * *start is where it begins, the result where it ends. */
static char *scan_text(struct scanner *s, char *p, char **start, struct outline *o)
{
	*start = p = skip_space(p, s->end);
	if (p == s->end)
		return bad(s, p, "the text is empty");
	p = *p == '{' ? scan_outline(s, p, o) : scan_value(s, p);
	if (!p)
		return NULL;
	if (skip_space(p, s->end) != s->end)
		return bad(s, skip_space(p, s->end), "something follows the JSON value");
	return p;
}

static bool scan_message(struct scanner *s, char *p, bool wide, struct message *out)
{
	struct outline o = { 0 };
	char *start, *behind;

	if (!wide || s->end - p < (ptrdiff_t)SCAN_WIDE_MIN ||
		!scan_wide(p, s->end, &start, &behind, wide_member, &o)) {
		/* Short, or no good: the plain scanner says why. */
		o = (struct outline){ 0 };
		behind = scan_text(s, p, &start, &o);
		if (!behind)
			return false;
	}
	out->whole = (struct span){ start, (size_t)(behind - start) };
	if (*start == '{') {
		classify(out, &o);
	} else if (*start == '[') {
		struct walk w;
		struct walk_item it;

		out->kind = MESSAGE_BATCH;
		if (!walk_open(&w, out->whole) || !walk_next(&w, &it))
			invalid(out, "an empty batch");
	} else {
		invalid(out, "a message must be an object");
	}
	return true;
}

static enum message_status scan(char *p, size_t n, bool wide, struct message *out, size_t *at)
{
	struct scanner s;

	/* Not the stack of bits: push() writes it before it is read. */
	s.end = n ? p + n : p; /* p may be NULL then */
	s.at = NULL;
	s.why = NULL;
	s.status = MESSAGE_OK;
	s.depth = 0;
	*out = (struct message){ .kind = MESSAGE_INVALID };
	if (scan_message(&s, p, wide, out))
		return MESSAGE_OK;
	*out = (struct message){ .kind = MESSAGE_INVALID, .why = s.why };
	if (at)
		*at = (size_t)(s.at - p);
	return s.status;
}

enum message_status message_scan(char *p, size_t n, struct message *out, size_t *at)
{
	return scan(p, n, true, out, at);
}

enum message_status message_scan_plain(char *p, size_t n, struct message *out, size_t *at)
{
	return scan(p, n, false, out, at);
}

/* ---- messages that own their bytes ---- */

static void move_span(struct span *s, const char *from, const char *to)
{
	if (s->p)
		s->p = to + (s->p - from);
}

void message_moved(struct message *m, const char *from, const char *to)
{
	move_span(&m->id, from, to);
	move_span(&m->name, from, to);
	move_span(&m->params, from, to);
	move_span(&m->result, from, to);
	move_span(&m->error, from, to);
	move_span(&m->whole, from, to);
}

void message_own(struct message *m, const struct message *read, struct buf *bytes)
{
	struct message now = *read;

	message_moved(&now, read->whole.p, bytes->p);
	buf_init(&now.bytes, MESSAGE_MAX);
	buf_move(&now.bytes, bytes);
	message_free(m);
	*m = now;
}

bool message_keep(struct message *m, const struct message *read)
{
	struct buf bytes;

	buf_init(&bytes, MESSAGE_MAX);
	if (!buf_add(&bytes, read->whole.p, read->whole.n))
		return false;
	message_own(m, read, &bytes);
	return true;
}

bool message_read(struct message *m, struct buf *bytes)
{
	struct message now;
	bool good;

	message_free(m);
	good = bytes->len && message_scan(bytes->p, bytes->len, &now, NULL) == MESSAGE_OK;
	if (good) {
		*m = now;
		buf_init(&m->bytes, MESSAGE_MAX);
		buf_move(&m->bytes, bytes);
	}
	buf_free(bytes);
	return good;
}

void message_free(struct message *m)
{
	buf_free(&m->bytes);
	*m = (struct message){ 0 };
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
	buf_init(&x, MESSAGE_MAX);
	buf_init(&y, MESSAGE_MAX);
	same = walk_string(a, &x) && walk_string(b, &y) && x.len == y.len &&
	       (!x.len || memcmp(x.p, y.p, x.len) == 0);
	buf_free(&x);
	buf_free(&y);
	return same;
}

bool message_id_equal(struct span a, struct span b)
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

bool message_id_alike(struct span a, struct span b)
{
	return message_id_equal(a, b) ||
	       (a.p && b.p && *a.p != '"' && *b.p != '"' && same_double(a, b));
}

static size_t hash_bytes(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

size_t message_id_hash(struct span id)
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
	buf_init(&text, MESSAGE_MAX);
	h = walk_string(id, &text) ? hash_bytes(text.p ? text.p : "", text.len) : 0;
	buf_free(&text);
	return h;
}

/* ---- making messages ---- */

bool message_quote(struct buf *out, const char *s, size_t n)
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
			m = utf8_length(s, end);
			good = m ? buf_add(out, s, m) : buf_adds(out, "\xEF\xBF\xBD");
			s += m ? m : 1;
		}
	}
	return good && buf_addc(out, '"');
}

bool message_error(
	struct buf *out, struct span id, long code, const char *message, const char *data)
{
	return buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":") &&
	       (id.p ? buf_add(out, id.p, id.n) : buf_adds(out, "null")) &&
	       buf_addf(out, ",\"error\":{\"code\":%ld,\"message\":", code) &&
	       message_quote(out, message, strlen(message)) &&
	       (!data || (buf_adds(out, ",\"data\":") && buf_adds(out, data))) &&
	       buf_adds(out, "}}");
}
