#include "setup/toml_edit.h"

#include <string.h>

/* ---- reading ---- */

static bool bad(struct toml_edit *t, const char *why)
{
	t->why = why;
	return false;
}

static char peek(const struct toml_edit *t)
{
	return t->at < t->n ? t->p[t->at] : '\0';
}

static bool ahead(const struct toml_edit *t, const char *what)
{
	size_t k = strlen(what);

	return t->n - t->at >= k && memcmp(t->p + t->at, what, k) == 0;
}

static void skip_blanks(struct toml_edit *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->at++;
}

static void skip_comment(struct toml_edit *t)
{
	const char *end = memchr(t->p + t->at, '\n', t->n - t->at);

	if (peek(t) == '#')
		t->at = end ? (size_t)(end - t->p) : t->n;
}

static bool skip_break(struct toml_edit *t)
{
	if (ahead(t, "\r\n"))
		t->at += 2;
	else if (ahead(t, "\n"))
		t->at++;
	else
		return false;
	return true;
}

/* Behind a value or a header: nothing but a comment. */
static bool end_of_line(struct toml_edit *t)
{
	skip_blanks(t);
	skip_comment(t);
	return t->at == t->n || skip_break(t) || bad(t, "unexpected text after a value");
}

/* Behind the closing quotes; t->at stands on the opening ones. */
static bool skip_long_string(struct toml_edit *t, const char *quotes)
{
	bool basic = *quotes == '"';

	for (t->at += 3; t->at < t->n; t->at++) {
		if (basic && peek(t) == '\\') {
			t->at++;
		} else if (ahead(t, quotes)) {
			t->at += 3;
			/* Up to two more quotes belong to the text. */
			for (int i = 0; i < 2 && peek(t) == *quotes; i++)
				t->at++;
			return true;
		}
	}
	t->at = t->n;
	return bad(t, "a string is not closed");
}

static bool skip_string(struct toml_edit *t)
{
	char quote = peek(t);

	if (ahead(t, "\"\"\"") || ahead(t, "'''"))
		return skip_long_string(t, quote == '"' ? "\"\"\"" : "'''");
	for (t->at++; t->at < t->n && peek(t) != '\n'; t->at++) {
		if (peek(t) == quote) {
			t->at++;
			return true;
		}
		if (quote == '"' && peek(t) == '\\')
			t->at++;
	}
	return bad(t, "a string is not closed");
}

/* Arrays and inline tables: up to the bracket that closes the first one. */
static bool skip_brackets(struct toml_edit *t)
{
	size_t depth = 0;

	while (t->at < t->n) {
		char c = peek(t);

		if (c == '"' || c == '\'') {
			if (!skip_string(t))
				return false;
			continue;
		}
		if (c == '#') {
			skip_comment(t);
			continue;
		}
		t->at++;
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && --depth == 0)
			return true;
	}
	return bad(t, "a bracket is not closed");
}

static bool skip_value(struct toml_edit *t)
{
	size_t from = t->at;
	char c = peek(t);

	if (c == '"' || c == '\'')
		return skip_string(t);
	if (c == '[' || c == '{')
		return skip_brackets(t);
	while (t->at < t->n && !strchr("#\r\n", peek(t)))
		t->at++;
	while (t->at > from && (t->p[t->at - 1] == ' ' || t->p[t->at - 1] == '\t'))
		t->at--;
	return t->at > from || bad(t, "a value is missing");
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* One name of a key. One with escapes is no name of ours unless somebody means to deceive. */
static bool read_part(struct toml_edit *t, char out[TOML_EDIT_PART_MAX])
{
	size_t from = t->at, to;

	if (peek(t) == '"' || peek(t) == '\'') {
		if (ahead(t, "\"\"\"") || ahead(t, "'''") || !skip_string(t))
			return bad(t, "a key is invalid");
		if (t->p[from] == '"' && memchr(t->p + from, '\\', t->at - from))
			return bad(t, "a key is written with escapes");
		from++;
		to = t->at - 1;
	} else {
		while (is_bare(peek(t)))
			t->at++;
		to = t->at;
		if (to == from)
			return bad(t, "a key is missing");
	}
	out[0] = '\0';
	if (to - from < TOML_EDIT_PART_MAX && !memchr(t->p + from, '\0', to - from)) {
		memcpy(out, t->p + from, to - from);
		out[to - from] = '\0';
	}
	return true;
}

static bool read_key(struct toml_edit *t, struct toml_edit_statement *s)
{
	char spare[TOML_EDIT_PART_MAX] = "";

	for (s->parts = 0;; t->at++) {
		skip_blanks(t);
		if (!read_part(t, s->parts < TOML_EDIT_PARTS ? s->part[s->parts] : spare))
			return false;
		s->parts++;
		skip_blanks(t);
		if (peek(t) != '.')
			return true;
	}
}

static bool read_header(struct toml_edit *t, struct toml_edit_statement *s)
{
	const char *close = ahead(t, "[[") ? "]]" : "]";

	s->kind = close[1] ? TOML_EDIT_TABLE_ARRAY : TOML_EDIT_TABLE;
	t->at += strlen(close);
	if (!read_key(t, s))
		return false;
	if (!ahead(t, close))
		return bad(t, "a table header is not closed");
	t->at += strlen(close);
	return end_of_line(t);
}

static bool read_pair(struct toml_edit *t, struct toml_edit_statement *s)
{
	s->kind = TOML_EDIT_PAIR;
	if (!read_key(t, s))
		return false;
	if (peek(t) != '=')
		return bad(t, "a key has no value");
	t->at++;
	skip_blanks(t);
	s->value = t->at;
	if (!skip_value(t))
		return false;
	s->value_end = t->at;
	return end_of_line(t);
}

bool toml_edit_next(struct toml_edit *t, struct toml_edit_statement *s)
{
	bool good;

	*s = (struct toml_edit_statement){ .kind = TOML_EDIT_NOTHING, .start = t->at };
	if (t->at >= t->n)
		return false;
	if (t->at == 0 && ahead(t, "\xEF\xBB\xBF"))
		t->at += 3;
	skip_blanks(t);
	if (t->at == t->n || peek(t) == '#' || peek(t) == '\n' || peek(t) == '\r')
		good = end_of_line(t);
	else if (peek(t) == '[')
		good = read_header(t, s);
	else
		good = read_pair(t, s);
	s->end = t->at;
	return good;
}

/* ---- whose statement ---- */

static bool is_part(const struct toml_edit_statement *s, size_t i, const char *name)
{
	return i < s->parts && i < TOML_EDIT_PARTS && strcmp(s->part[i], name) == 0;
}

/* Where a statement stands, as far as it matters. */
enum where {
	ELSEWHERE,
	ROOT,   /* before the first header */
	PARENT, /* in [a] */
	OURS,   /* in [a.b] */
	BELOW,  /* in [a.b.c] */
};

static enum where where_is(const struct toml_edit_statement *header, const char *a, const char *b)
{
	if (!is_part(header, 0, a))
		return ELSEWHERE;
	if (header->parts == 1)
		return PARENT;
	if (!is_part(header, 1, b))
		return ELSEWHERE;
	return header->parts == 2 ? OURS : BELOW;
}

/* A pair that defines something of a.b from outside its own table. */
static bool defines_from_outside(
	const struct toml_edit_statement *s, enum where where, const char *a, const char *b)
{
	if (s->kind != TOML_EDIT_PAIR)
		return false;
	return (where == ROOT && is_part(s, 0, a)) || (where == PARENT && is_part(s, 0, b));
}

static bool refuse(const struct toml_edit *t, size_t at, const char *why, struct err *e)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < t->n; i++)
		line += t->p[i] == '\n';
	return err_set(e, ERR_IO, "line %zu: %s", line, why);
}

void toml_edit_found_clear(struct toml_edit_found *f)
{
	buf_wipe(&f->command);
	buf_wipe(&f->args);
}

static bool keep_value(struct buf *out, const struct toml_edit *t,
	const struct toml_edit_statement *s, struct err *e)
{
	return buf_add(out, t->p + s->value, s->value_end - s->value) ||
	       err_set(e, ERR_LIMIT, "a value is too long");
}

bool toml_edit_find(const struct buf *doc, const char *a, const char *b, struct toml_edit_found *f,
	struct err *e)
{
	struct toml_edit t = { .p = buf_str(doc), .n = doc->len };
	enum where where = ROOT;
	struct toml_edit_statement s;

	*f = (struct toml_edit_found){ 0 };
	buf_init(&f->command, doc->len);
	buf_init(&f->args, doc->len);
	while (toml_edit_next(&t, &s)) {
		if (defines_from_outside(&s, where, a, b))
			return refuse(&t, s.start,
				"the entry is an inline table, which setup does not edit", e);
		if (s.kind == TOML_EDIT_TABLE || s.kind == TOML_EDIT_TABLE_ARRAY) {
			where = where_is(&s, a, b);
			if (s.kind == TOML_EDIT_TABLE_ARRAY && (where == PARENT || where == OURS))
				return refuse(&t, s.start, "an array of tables is not expected", e);
			if (where == OURS && f->there)
				return refuse(&t, s.start, "the table appears twice", e);
			f->there = f->there || where == OURS;
		} else if (s.kind == TOML_EDIT_PAIR && where == OURS && s.parts == 1) {
			struct buf *out = is_part(&s, 0, "command") ? &f->command
					  : is_part(&s, 0, "args")  ? &f->args
								    : NULL;

			if (out && (out->len || !keep_value(out, &t, &s, e)))
				return refuse(&t, s.start, "a key appears twice", e);
		} else if (s.kind == TOML_EDIT_PAIR && where == OURS && is_part(&s, 0, "command")) {
			return refuse(&t, s.start, "\"command\" is not expected to be a table", e);
		}
	}
	return !t.why || refuse(&t, t.at, t.why, e);
}

/* ---- changing ---- */

/* The new text is built from the old, piece by piece. */
struct edit {
	const struct buf *doc;
	struct buf out;
	const struct toml_edit_pair *pairs;
	size_t npairs;
	const char *eol;
	bool whole, changed, good;
};

static void put(struct edit *ed, const char *p, size_t n)
{
	ed->good = ed->good && buf_add(&ed->out, p, n);
}

static void put_text(struct edit *ed, const char *s)
{
	put(ed, s, strlen(s));
}

static void put_pair(struct edit *ed, const struct toml_edit_pair *pair)
{
	if (!pair->value)
		return;
	put_text(ed, pair->key);
	put_text(ed, " = ");
	put_text(ed, pair->value);
	put_text(ed, ed->eol);
	ed->changed = true;
}

static void put_old(struct edit *ed, const struct toml_edit_statement *s)
{
	put(ed, ed->doc->p + s->start, s->end - s->start);
}

static const struct toml_edit_pair *pair_of(
	const struct edit *ed, const struct toml_edit_statement *s)
{
	for (size_t i = 0; i < ed->npairs; i++)
		if (s->parts == 1 && is_part(s, 0, ed->pairs[i].key))
			return &ed->pairs[i];
	return NULL;
}

/* A pair of our table. */
static void put_ours(struct edit *ed, const struct toml_edit_statement *s)
{
	const struct toml_edit_pair *pair = pair_of(ed, s);
	const char *old = ed->doc->p + s->value;
	size_t n = s->value_end - s->value;

	if (!pair && !ed->whole) {
		put_old(ed, s);
	} else if (!pair || !pair->value) {
		ed->changed = true;
	} else if (strlen(pair->value) == n && memcmp(pair->value, old, n) == 0) {
		put_old(ed, s);
	} else {
		put(ed, ed->doc->p + s->start, s->value - s->start);
		put_text(ed, pair->value);
		put(ed, ed->doc->p + s->value_end, s->end - s->value_end);
		ed->changed = true;
	}
}

/* The pairs that our table does not have yet. */
static void put_missing(struct edit *ed, const char *a, const char *b)
{
	struct toml_edit t = { .p = buf_str(ed->doc), .n = ed->doc->len };
	enum where where = ROOT;
	struct toml_edit_statement s;
	bool there[8] = { false };

	while (toml_edit_next(&t, &s)) {
		const struct toml_edit_pair *pair = pair_of(ed, &s);

		if (s.kind == TOML_EDIT_TABLE || s.kind == TOML_EDIT_TABLE_ARRAY)
			where = where_is(&s, a, b);
		else if (s.kind == TOML_EDIT_PAIR && where == OURS && pair)
			there[pair - ed->pairs] = true;
	}
	for (size_t i = 0; i < ed->npairs; i++)
		if (!there[i])
			put_pair(ed, &ed->pairs[i]);
}

static void put_table(struct edit *ed, const char *a, const char *b)
{
	const struct buf *doc = ed->doc;

	if (doc->len && doc->p[doc->len - 1] != '\n')
		put_text(ed, ed->eol);
	if (doc->len)
		put_text(ed, ed->eol);
	put_text(ed, "[");
	put_text(ed, a);
	put_text(ed, ".");
	put_text(ed, b);
	put_text(ed, "]");
	put_text(ed, ed->eol);
	for (size_t i = 0; i < ed->npairs; i++)
		put_pair(ed, &ed->pairs[i]);
}

static bool rewrite(struct edit *ed, const char *a, const char *b)
{
	struct toml_edit t = { .p = buf_str(ed->doc), .n = ed->doc->len };
	enum where where = ROOT;
	struct toml_edit_statement s;
	bool there = false;

	while (toml_edit_next(&t, &s)) {
		if (s.kind == TOML_EDIT_TABLE || s.kind == TOML_EDIT_TABLE_ARRAY)
			where = where_is(&s, a, b);
		if (where == BELOW && ed->whole && s.kind != TOML_EDIT_NOTHING) {
			ed->changed = true;
		} else if (where == OURS && s.kind == TOML_EDIT_PAIR) {
			put_ours(ed, &s);
		} else {
			put_old(ed, &s);
		}
		if (where == OURS && s.kind == TOML_EDIT_TABLE) {
			if (ed->out.len && ed->out.p[ed->out.len - 1] != '\n')
				put_text(ed, ed->eol);
			put_missing(ed, a, b);
			there = true;
		}
	}
	if (!there)
		put_table(ed, a, b);
	return ed->good;
}

bool toml_edit_set(struct buf *doc, const char *a, const char *b,
	const struct toml_edit_pair *pairs, size_t npairs, bool whole, bool *changed, struct err *e)
{
	const char *lf = memchr(buf_str(doc), '\n', doc->len);
	struct edit ed = { .doc = doc,
		.pairs = pairs,
		.npairs = npairs,
		.eol = lf && lf > doc->p && lf[-1] == '\r' ? "\r\n" : "\n",
		.whole = whole,
		.good = true };

	buf_init(&ed.out, doc->cap);
	if (!rewrite(&ed, a, b)) {
		buf_wipe(&ed.out);
		return err_set(e, ERR_LIMIT, "the file would become too large to edit");
	}
	if (ed.changed) {
		buf_move(doc, &ed.out);
		*changed = true;
	}
	buf_wipe(&ed.out);
	return true;
}

/* out ends in an empty line, or is empty. */
static bool after_gap(const struct buf *out)
{
	const char *p = out->p;
	size_t n = out->len;

	if (!n)
		return true;
	if (n < 2 || p[n - 1] != '\n')
		return false;
	return p[n - 2] == '\n' || (n >= 4 && p[n - 2] == '\r' && p[n - 3] == '\n');
}

static size_t eol_at(const char *p, const char *end)
{
	return end - p >= 2 && *p == '\r' && p[1] == '\n' ? 2 : p < end && *p == '\n' ? 1 : 0;
}

/* Text that follows a table which was taken out. The empty lines before and after it would stand together. */
static void put_after_gap(struct edit *ed, size_t from, size_t to)
{
	const char *p = buf_str(ed->doc) + from, *end = buf_str(ed->doc) + to;
	size_t eol;

	while (after_gap(&ed->out) && (eol = eol_at(p, end)))
		p += eol;
	put(ed, p, (size_t)(end - p));
}

static void trim_gap(struct buf *out)
{
	while (out->len > 1 && after_gap(out))
		out->len -= out->p[out->len - 2] == '\r' ? 2 : 1;
	if (out->p)
		out->p[out->len] = '\0';
}

bool toml_edit_unset(struct buf *doc, const char *a, const char *b, bool *changed, struct err *e)
{
	struct toml_edit t = { .p = buf_str(doc), .n = doc->len };
	struct edit ed = { .doc = doc, .good = true };
	bool inside = false, left = false; /* in one of ours; the last statement was in one */
	struct toml_edit_statement s;
	size_t from = 0; /* what is not put yet begins here */

	buf_init(&ed.out, doc->cap);
	while (toml_edit_next(&t, &s)) {
		if (s.kind == TOML_EDIT_TABLE || s.kind == TOML_EDIT_TABLE_ARRAY)
			inside = where_is(&s, a, b) >= OURS;
		if (inside && s.kind != TOML_EDIT_NOTHING) {
			from = s.end;
			ed.changed = left = true;
		} else if (!inside) {
			if (left)
				put_after_gap(&ed, from, s.end);
			else
				put_old(&ed, &s);
			left = false;
			from = s.end;
		}
	}
	if (left) {
		put_after_gap(&ed, from, doc->len);
		trim_gap(&ed.out);
	}
	if (ed.good && ed.changed) {
		buf_move(doc, &ed.out);
		*changed = true;
	}
	buf_wipe(&ed.out);
	return ed.good || err_set(e, ERR_LIMIT, "the file would become too large to edit");
}

bool toml_edit_quote(struct buf *out, const char *s)
{
	bool good = buf_addc(out, '"');

	for (; *s && good; s++) {
		if (*s == '"' || *s == '\\')
			good = buf_addc(out, '\\') && buf_addc(out, *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			good = buf_addf(out, "\\u%04X", (unsigned)(unsigned char)*s);
		else
			good = buf_addc(out, *s);
	}
	return good && buf_addc(out, '"');
}
