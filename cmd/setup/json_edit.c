#include "setup/json_edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/json/walk.h"

static const char mark[] = "\xEF\xBB\xBF"; /* byte order mark */
#define MARK_LEN 3

/* How new text is laid out: in lines with this indentation, or within the line. */
struct style {
	bool lines;
	bool blanks; /* within the line: behind colon and comma */
	const char *eol;
	struct span base; /* white space that the line of the change begins with */
	struct span unit; /* what one level adds */
};

/* A member or element with its surroundings. */
struct item {
	struct walk_item it; /* value.p NULL: not there */
	struct span last;    /* value of the item before it (or of the last one); p NULL: none */
	const char *last_start;
	unsigned count; /* how many have the name */
};

static bool no_room(struct err *e)
{
	return err_set(e, ERR_LIMIT, "the file would become too large to edit");
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t marked(const struct buf *doc)
{
	return doc->len >= MARK_LEN && memcmp(doc->p, mark, MARK_LEN) == 0 ? MARK_LEN : 0;
}

static struct span root_of(const struct buf *doc)
{
	const char *p = doc->p + marked(doc), *end = doc->p + doc->len;

	while (p < end && is_space(*p))
		p++;
	while (p < end && is_space(end[-1]))
		end--;
	return (struct span){ p, (size_t)(end - p) };
}

/* ---- comments ---- */

/* Behind the comment at `at`; at itself when there is none, or one that does not end. */
static size_t skip_comment(const struct buf *doc, size_t at)
{
	const char *p = doc->p + at, *end = doc->p + doc->len, *close;

	if (end - p < 2 || *p != '/')
		return at;
	if (p[1] == '/') {
		while (p < end && *p != '\n' && *p != '\r')
			p++;
		return (size_t)(p - doc->p);
	}
	for (close = p + 2; p[1] == '*' && end - close >= 2; close++)
		if (close[0] == '*' && close[1] == '/')
			return (size_t)(close + 2 - doc->p);
	return at;
}

/* Behind white space and comments; with `line`, only as far as the line goes. */
static size_t skip_gap(const struct buf *doc, size_t at, bool line)
{
	for (size_t next = at; at < doc->len; at = next) {
		if (line && (doc->p[at] == '\n' || doc->p[at] == '\r'))
			break;
		next = is_space(doc->p[at]) ? at + 1 : skip_comment(doc, at);
		if (next == at ||
			(line && memchr(doc->p + at, '\n', next - at) && doc->p[at] == '/'))
			break;
	}
	return at;
}

static size_t skip_string(const struct buf *doc, size_t at)
{
	for (at++; at < doc->len && doc->p[at] != '"' && doc->p[at] != '\n'; at++)
		if (doc->p[at] == '\\')
			at++;
	return at < doc->len ? at + 1 : doc->len;
}

static void blank(struct buf *plain, size_t from, size_t to)
{
	for (; from < to; from++)
		if (!is_space(plain->p[from]))
			plain->p[from] = ' ';
}

bool json_plain(const struct buf *doc, struct buf *plain)
{
	size_t at = 0, next;
	char last = ','; /* what stands before: a comma behind it closes nothing */

	buf_init(plain, doc->cap);
	if (!buf_add(plain, buf_str(doc), doc->len))
		return false;
	for (; at < doc->len; at = next) {
		char c = doc->p[at];

		next = c == '"' ? skip_string(doc, at) : skip_gap(doc, at, false);
		if (c != '"' && next > at) {
			blank(plain, at, next);
			continue;
		}
		if (c != '"')
			next = at + 1;
		if (c == ',' && !strchr(",:[{", last)) {
			size_t close = skip_gap(doc, next, false);

			if (close < doc->len && (doc->p[close] == '}' || doc->p[close] == ']'))
				plain->p[at] = ' ';
		}
		last = c ? c : ',';
	}
	return true;
}

/* A document, and the same in strict JSON: every byte at the same place, comments and trailing commas blank. */
struct view {
	struct buf *doc, plain;
};

static bool view_open(struct view *v, struct buf *doc, struct err *e)
{
	v->doc = doc;
	return json_plain(doc, &v->plain) || no_room(e);
}

static bool view_close(struct view *v, bool good)
{
	buf_wipe(&v->plain);
	return good;
}

/* The span of plain holds comments or trailing commas in doc. */
static bool has_more(const struct view *v, const char *from, const char *to)
{
	size_t at = (size_t)(from - v->plain.p);

	return memcmp(from, v->doc->p + at, (size_t)(to - from)) != 0;
}

/* ---- checking ---- */

static bool say_broken(const struct buf *doc, size_t at, const char *why, struct err *e)
{
	size_t line = 1;

	if (at < doc->len && doc->p[at] == '#')
		why = "it holds comments that begin with #";
	for (size_t i = 0; i < at && i < doc->len; i++)
		line += doc->p[i] == '\n';
	return err_set(e, ERR_IO, "line %zu is not valid JSON (%s)", line, why);
}

/* Nothing there but white space and comments. */
static bool begin_object(struct buf *doc)
{
	size_t skip = marked(doc), end = doc->len;

	while (end > skip && is_space(doc->p[end - 1]))
		end--;
	return buf_splice(
		doc, end, doc->len - end, end > skip ? "\n{}\n" : "{}\n", end > skip ? 4 : 3);
}

static bool check_plain(const struct view *v, struct err *e)
{
	size_t skip = marked(&v->plain), at = 0, n = v->plain.len - skip;
	/* The scan turns line breaks into blanks. */
	char *copy = mem_ndup(v->plain.p + skip, n);
	struct message m;
	bool good = message_scan(copy, n, &m, &at) == MESSAGE_OK;

	free(copy);
	if (!good)
		return say_broken(v->doc, skip + at, m.why ? m.why : "it cannot be read", e);
	return *root_of(&v->plain).p == '{' || err_set(e, ERR_IO, "it does not hold a JSON object");
}

bool merge_check(struct buf *doc, struct err *e)
{
	struct view v;

	if (!view_open(&v, doc, e))
		return view_close(&v, false);
	if (!root_of(&v.plain).n)
		return view_close(&v, begin_object(doc) || no_room(e));
	return view_close(&v, check_plain(&v, e));
}

/* ---- finding ---- */

/* The member called name (an array has none: NULL), and what stands before it or last. */
static struct item find(struct span v, const char *name)
{
	struct item found = { 0 };
	struct walk_item it;
	struct walk w;

	if (!walk_open(&w, v))
		return found;
	while (walk_next(&w, &it)) {
		if (name && walk_key_is(&it, name)) {
			found.it = it;
			found.count++;
		} else if (!found.count) {
			found.last = it.value;
			found.last_start = it.start;
		}
	}
	return found;
}

struct span merge_get(const struct buf *doc, const char *const *path, size_t n)
{
	struct span v = root_of(doc);

	for (size_t i = 0; i < n && v.p; i++)
		v = walk_get(v, path[i], NULL);
	return v;
}

/* ---- layout ---- */

/* White space at the beginning of the line that at stands on. */
static struct span line_indent(const struct buf *doc, const char *at)
{
	const char *p = at, *end;

	while (p > doc->p && p[-1] != '\n' && p[-1] != '\r')
		p--;
	for (end = p; end < at && (*end == ' ' || *end == '\t');)
		end++;
	return (struct span){ p, (size_t)(end - p) };
}

static bool begins_line(const struct buf *doc, const char *at)
{
	struct span s = line_indent(doc, at);

	return s.p + s.n == at && s.p > doc->p;
}

static const char *line_end(const struct buf *doc)
{
	const char *p = memchr(doc->p, '\n', doc->len);

	return p && p > doc->p && p[-1] == '\r' ? "\r\n" : "\n";
}

/* The indentation of the outermost members, or two blanks. */
static struct span indent_unit(const struct buf *doc)
{
	struct walk_item it;
	struct walk w;
	struct span s;

	if (walk_open(&w, root_of(doc)) && walk_next(&w, &it) && begins_line(doc, it.start)) {
		s = line_indent(doc, it.start);
		if (s.n)
			return s;
	}
	return (struct span){ "  ", 2 };
}

/* For text that takes the place of, or follows, something that starts at `at`. */
static struct style style_at(const struct buf *doc, const char *at, bool blanks)
{
	return (struct style){ .lines = begins_line(doc, at),
		.blanks = blanks,
		.eol = line_end(doc),
		.base = line_indent(doc, at),
		.unit = indent_unit(doc) };
}

/* ---- printing ---- */

static bool put_break(struct buf *out, const struct style *s, size_t depth)
{
	bool good = buf_adds(out, s->eol) && buf_add(out, s->base.p, s->base.n);

	for (size_t i = 0; i < depth && good; i++)
		good = buf_add(out, s->unit.p, s->unit.n);
	return good;
}

static bool put_scalar(struct buf *out, const json_t *v)
{
	char *text = json_dumps(v, JSON_ENCODE_ANY);
	bool good = text && buf_adds(out, text);

	free(text);
	return good;
}

static bool put_value(struct buf *out, const json_t *v, const struct style *s, size_t depth);

static bool put_key(struct buf *out, const char *key, const struct style *s)
{
	return message_quote(out, key, strlen(key)) &&
	       buf_adds(out, s->lines || s->blanks ? ": " : ":");
}

static bool put_object(struct buf *out, const json_t *v, const struct style *s, size_t depth)
{
	bool good = buf_addc(out, '{');
	const char *key;
	json_t *member;
	size_t i = 0;

	json_object_foreach((json_t *)v, key, member)
	{
		good = good && (!i || buf_addc(out, ','));
		if (s->lines)
			good = good && put_break(out, s, depth + 1);
		else
			good = good && (!i || !s->blanks || buf_addc(out, ' '));
		good = good && put_key(out, key, s) && put_value(out, member, s, depth + 1);
		i++;
	}
	if (i && s->lines)
		good = good && put_break(out, s, depth);
	return good && buf_addc(out, '}');
}

/* Arrays of plain values stay on one line, as people write them. */
static bool put_array(struct buf *out, const json_t *v, const struct style *s, size_t depth)
{
	bool nested = json_is_object(json_array_get(v, 0)), good = buf_addc(out, '[');
	json_t *element;
	size_t i;

	json_array_foreach(v, i, element)
	{
		good = good && (!i || buf_addc(out, ','));
		if (nested && s->lines)
			good = good && put_break(out, s, depth + 1);
		else
			good = good && (!i || !(s->lines || s->blanks) || buf_addc(out, ' '));
		good = good && put_value(out, element, s, depth + 1);
	}
	if (nested && s->lines)
		good = good && put_break(out, s, depth);
	return good && buf_addc(out, ']');
}

static bool put_value(struct buf *out, const json_t *v, const struct style *s, size_t depth)
{
	if (json_is_object(v))
		return put_object(out, v, s, depth);
	if (json_is_array(v))
		return put_array(out, v, s, depth);
	return put_scalar(out, v);
}

/* ---- changing ---- */

/* n bytes at `at` of plain, in both. */
static bool splice(struct view *v, const char *at, size_t n, const struct buf *text, bool *changed,
	struct err *e)
{
	size_t off = (size_t)(at - v->plain.p);

	if (!buf_splice(v->doc, off, n, buf_str(text), text->len) ||
		!buf_splice(&v->plain, off, n, buf_str(text), text->len))
		return no_room(e);
	*changed = true;
	return true;
}

static bool same_meaning(struct span v, const json_t *value)
{
	json_t *old = json_loadb(v.p, v.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool same = old && json_equal(old, value);

	json_decref(old);
	return same;
}

static bool replace(struct view *v, const struct walk_item *it, const json_t *value, bool *changed,
	struct err *e)
{
	struct style s = style_at(&v->plain, it->start, is_space(it->value.p[-1]));
	struct buf text;
	bool good;

	if (same_meaning(it->value, value))
		return true;
	buf_init(&text, v->doc->cap);
	good = put_value(&text, value, &s, 0) || no_room(e);
	good = good && splice(v, it->value.p, it->value.n, &text, changed, e);
	buf_free(&text);
	return good;
}

/* Where a new item goes after the last one: what a person wrote behind that one on its line is about it. */
struct behind {
	size_t at;
	bool comma;  /* there is a trailing comma already */
	bool breaks; /* a comment that ends with the line comes before */
};

static struct behind behind_last(const struct view *v, size_t end)
{
	struct behind b = { .at = end };
	size_t comma = skip_gap(v->doc, end, false), to;

	if (comma < v->doc->len && v->doc->p[comma] == ',') {
		b.comma = true;
		b.at = comma + 1;
	}
	to = skip_gap(v->doc, b.at, true);
	for (size_t p = b.at, next; p < to && !b.breaks; p = next) {
		next = is_space(v->doc->p[p]) ? p + 1 : skip_comment(v->doc, p);
		b.breaks = v->doc->p[p] == '/' && v->doc->p[p + 1] == '/';
	}
	while (to > b.at && is_space(v->doc->p[to - 1]))
		to--;
	b.at = to;
	return b;
}

/* Behind the last item of a parent that has some. */
static bool add_last(struct view *v, const struct item *where, const char *key, const json_t *value,
	bool *changed, struct err *e)
{
	struct style s =
		style_at(&v->plain, where->last_start, !key || is_space(where->last.p[-1]));
	size_t off = (size_t)(where->last.p + where->last.n - v->plain.p);
	struct behind b = behind_last(v, off);
	bool good, apart = b.at != off;
	struct buf text, comma;

	s.lines = s.lines || b.breaks;
	buf_init(&text, v->doc->cap);
	buf_init(&comma, 2);
	good = buf_addc(&comma, ',') && (apart || buf_addc(&text, ','));
	good = good && (s.lines ? put_break(&text, &s, 0) : !s.blanks || buf_addc(&text, ' '));
	good = (good && (!key || put_key(&text, key, &s)) && put_value(&text, value, &s, 0) &&
		       (!b.comma || buf_addc(&text, ','))) ||
	       no_room(e);
	good = good && splice(v, v->plain.p + b.at, 0, &text, changed, e);
	good = good && (!apart || b.comma || splice(v, v->plain.p + off, 0, &comma, changed, e));
	buf_free(&text);
	buf_free(&comma);
	return good;
}

/* Into a parent that has no item; start is where the parent's own item begins. */
static bool add_first(struct view *v, struct span parent, const char *start, const char *key,
	const json_t *value, bool *changed, struct err *e)
{
	struct style s = style_at(&v->plain, start, false);
	const char *from = parent.p + 1, *close = parent.p + parent.n - 1;
	struct buf text;
	bool good;

	if (has_more(v, from, close)) {
		s.lines = true;
		for (from = close; is_space(v->doc->p[from - v->plain.p - 1]);)
			from--;
	}
	s.lines = s.lines || parent.p == root_of(&v->plain).p;
	buf_init(&text, v->doc->cap);
	good = (!s.lines || put_break(&text, &s, 1)) && (!key || put_key(&text, key, &s)) &&
	       put_value(&text, value, &s, 1) && (!s.lines || put_break(&text, &s, 0));
	good = good || no_room(e);
	good = good && splice(v, from, (size_t)(close - from), &text, changed, e);
	buf_free(&text);
	return good;
}

static bool add(struct view *v, struct span parent, const char *start, const char *key,
	const json_t *value, bool *changed, struct err *e)
{
	struct item where = find(parent, NULL);

	return where.last.p ? add_last(v, &where, key, value, changed, e)
			    : add_first(v, parent, start, key, value, changed, e);
}

static bool twice(const char *name, struct err *e)
{
	return err_set(e, ERR_IO, "\"%s\" appears twice; remove one of them", name);
}

static bool set(struct view *v, const char *const *path, size_t n, const json_t *value,
	bool *changed, struct err *e)
{
	struct span at = root_of(&v->plain);
	const char *start = at.p;
	json_t *inner;
	bool good;
	size_t i;

	for (i = 0; i < n; i++) {
		struct item found = find(at, path[i]);

		if (found.count > 1)
			return twice(path[i], e);
		if (!found.count)
			break;
		if (i + 1 == n)
			return replace(v, &found.it, value, changed, e);
		if (walk_type(found.it.value) != WALK_OBJECT)
			return err_set(e, ERR_IO, "\"%s\" in it is not an object", path[i]);
		at = found.it.value;
		start = found.it.start;
	}
	inner = json_deep_copy(value);
	for (size_t k = n; k > i + 1; k--) {
		json_t *outer = json_object();

		json_object_set_new(outer, path[k - 1], inner);
		inner = outer;
	}
	good = add(v, at, start, path[i], inner, changed, e);
	json_decref(inner);
	return good;
}

bool merge_set(struct buf *doc, const char *const *path, size_t n, const json_t *value,
	bool *changed, struct err *e)
{
	struct view v;

	return view_close(&v, view_open(&v, doc, e) && set(&v, path, n, value, changed, e));
}

/* Where the item behind this one starts; NULL when it is the last. */
static const char *start_of_next(struct span parent, const struct walk_item *of)
{
	struct walk_item it;
	struct walk w;

	for (bool more = walk_open(&w, parent); more && (more = walk_next(&w, &it));)
		if (it.start > of->start)
			return it.start;
	return NULL;
}

static bool take(struct view *v, size_t from, size_t to, bool *changed, struct err *e)
{
	struct buf nothing;

	buf_init(&nothing, 1);
	return splice(v, v->plain.p + from, to - from, &nothing, changed, e);
}

/* With comments around: the item with its comma and what stands behind it on its line. Comments above stay. */
static bool cut_between(struct view *v, struct span parent, const struct walk_item *it,
	struct span before, bool *changed, struct err *e)
{
	size_t from = (size_t)(it->start - v->plain.p),
	       to = (size_t)(it->value.p + it->value.n - v->plain.p),
	       comma = skip_gap(v->doc, to, false), prior = 0,
	       indent = line_indent(v->doc, v->doc->p + from).n;
	bool lines = begins_line(v->doc, v->doc->p + from), last = !start_of_next(parent, it);

	if (before.p)
		prior = skip_gap(v->doc, (size_t)(before.p + before.n - v->plain.p), false);
	if (v->doc->p[comma] == ',')
		to = comma + 1, last = false;
	if (lines) {
		from -= indent;
		to = skip_gap(v->doc, to, true);
		if (v->doc->p[to] == '\r')
			to++;
		if (v->doc->p[to] == '\n')
			to++;
		/* The bracket that closes the parent on the same line. */
		else if (!is_space(v->doc->p[to - 1]))
			from += indent;
	}
	return take(v, from, to, changed, e) &&
	       (!prior || !last || take(v, prior, prior + 1, changed, e));
}

/* Takes an item out with its comma; `before` is the value of the one before it, or {NULL,0}. */
static bool cut(struct view *v, struct span parent, const struct walk_item *it, struct span before,
	bool *changed, struct err *e)
{
	const char *from, *to;

	if (has_more(v, parent.p, parent.p + parent.n))
		return cut_between(v, parent, it, before, changed, e);
	if (before.p) {
		from = before.p + before.n;
		to = it->value.p + it->value.n;
	} else if ((to = start_of_next(parent, it))) {
		from = it->start;
	} else {
		from = parent.p + 1;
		to = parent.p + parent.n - 1;
	}
	return take(v, (size_t)(from - v->plain.p), (size_t)(to - v->plain.p), changed, e);
}

static bool unset(struct view *v, const char *const *path, size_t n, bool *changed, struct err *e)
{
	struct span parent = merge_get(&v->plain, path, n - 1);
	struct item found = find(parent, path[n - 1]);

	if (found.count > 1)
		return twice(path[n - 1], e);
	return !found.count || cut(v, parent, &found.it, found.last, changed, e);
}

bool merge_unset(struct buf *doc, const char *const *path, size_t n, bool *changed, struct err *e)
{
	struct view v;

	return view_close(&v, view_open(&v, doc, e) && unset(&v, path, n, changed, e));
}

static bool remove_elements(struct view *v, const char *name, const char *key, const char *id,
	bool *changed, struct err *e)
{
	struct span array = merge_get(&v->plain, &name, 1), before = { 0 };
	struct walk_item it;
	struct walk w;

	if (walk_type(array) != WALK_ARRAY)
		return true;
	for (bool more = walk_open(&w, array); more && walk_next(&w, &it); before = it.value) {
		if (!walk_string_is(walk_get(it.value, key, NULL), id))
			continue;
		/* The text moved: what else is to go is looked for anew. */
		return cut(v, array, &it, before, changed, e) &&
		       remove_elements(v, name, key, id, changed, e);
	}
	array = merge_get(&v->plain, &name, 1);
	return find(array, NULL).last.p || unset(v, &name, 1, changed, e);
}

bool merge_remove(struct buf *doc, const char *name, const char *key, const char *id, bool *changed,
	struct err *e)
{
	struct view v;

	return view_close(
		&v, view_open(&v, doc, e) && remove_elements(&v, name, key, id, changed, e));
}

static bool append(struct view *v, const char *name, const char *key, const json_t *value,
	bool *changed, struct err *e)
{
	const char *id = json_string_value(json_object_get(value, key));
	struct item array = find(root_of(&v->plain), name);
	struct walk_item it;
	struct walk w;
	json_t *list;
	bool good;

	if (array.count > 1)
		return twice(name, e);
	if (!array.count) {
		list = json_array();
		json_array_append_new(list, json_deep_copy(value));
		good = set(v, &name, 1, list, changed, e);
		json_decref(list);
		return good;
	}
	if (walk_type(array.it.value) != WALK_ARRAY || !walk_open(&w, array.it.value))
		return err_set(e, ERR_IO, "\"%s\" in it is not an array", name);
	while (walk_next(&w, &it))
		if (walk_string_is(walk_get(it.value, key, NULL), id))
			return true;
	return add(v, array.it.value, array.it.start, NULL, value, changed, e);
}

bool merge_append(struct buf *doc, const char *name, const char *key, const json_t *value,
	bool *changed, struct err *e)
{
	struct view v;

	return view_close(&v, view_open(&v, doc, e) && append(&v, name, key, value, changed, e));
}
