#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/walk.h"

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
	return err_set(e, ERR_LIMIT, "the file would become larger than can be edited here");
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

/* ---- checking ---- */

static const char *broken(const struct buf *doc, size_t at)
{
	const char *p = doc->p + at;

	if (at < doc->len && (*p == '/' || *p == '#'))
		return "it holds comments";
	if (at < doc->len && (*p == '}' || *p == ']')) {
		while (p > doc->p && is_space(p[-1]))
			p--;
		if (p > doc->p && p[-1] == ',')
			return "it holds a comma before a closing bracket";
	}
	return NULL;
}

static bool say_broken(const struct buf *doc, size_t at, const char *why, struct err *e)
{
	const char *known = broken(doc, at);
	size_t line = 1;

	for (size_t i = 0; i < at && i < doc->len; i++)
		line += doc->p[i] == '\n';
	return err_set(e, ERR_IO, "line %zu is not plain JSON (%s)", line, known ? known : why);
}

bool merge_check(struct buf *doc, struct err *e)
{
	size_t skip = marked(doc), at = 0;
	struct envelope m;
	struct span root;
	char *copy;
	bool good;

	root = root_of(doc);
	if (!root.n)
		return buf_splice(doc, skip, doc->len - skip, "{}\n", 3) || no_room(e);
	/* The scan turns line breaks into blanks. */
	copy = mem_ndup(doc->p + skip, doc->len - skip);
	good = envelope_scan(copy, doc->len - skip, &m, &at) == ENVELOPE_OK;
	free(copy);
	if (!good)
		return say_broken(doc, skip + at, m.why ? m.why : "it cannot be read", e);
	return *root.p == '{' || err_set(e, ERR_IO, "it does not hold a JSON object");
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
	return envelope_quote(out, key, strlen(key)) &&
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

static bool splice(struct buf *doc, const char *at, size_t n, const struct buf *text, bool *changed,
	struct err *e)
{
	if (!buf_splice(doc, (size_t)(at - doc->p), n, buf_str(text), text->len))
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

static bool replace(struct buf *doc, const struct walk_item *it, const json_t *value, bool *changed,
	struct err *e)
{
	struct style s = style_at(doc, it->start, is_space(it->value.p[-1]));
	struct buf text;
	bool good;

	if (same_meaning(it->value, value))
		return true;
	buf_init(&text, doc->cap);
	good = put_value(&text, value, &s, 0) || no_room(e);
	good = good && splice(doc, it->value.p, it->value.n, &text, changed, e);
	buf_free(&text);
	return good;
}

/* Behind the last item of a parent that has some. */
static bool add_last(struct buf *doc, const struct item *where, const char *key,
	const json_t *value, bool *changed, struct err *e)
{
	struct style s = style_at(doc, where->last_start, !key || is_space(where->last.p[-1]));
	struct buf text;
	bool good;

	buf_init(&text, doc->cap);
	good = buf_addc(&text, ',');
	good = good && (s.lines ? put_break(&text, &s, 0) : !s.blanks || buf_addc(&text, ' '));
	good = (good && (!key || put_key(&text, key, &s)) && put_value(&text, value, &s, 0)) ||
	       no_room(e);
	good = good && splice(doc, where->last.p + where->last.n, 0, &text, changed, e);
	buf_free(&text);
	return good;
}

/* Into a parent that has no item; start is where the parent's own item begins. */
static bool add_first(struct buf *doc, struct span parent, const char *start, const char *key,
	const json_t *value, bool *changed, struct err *e)
{
	struct style s = style_at(doc, start, false);
	struct buf text;
	bool good;

	s.lines = s.lines || parent.p == root_of(doc).p;
	buf_init(&text, doc->cap);
	good = (!s.lines || put_break(&text, &s, 1)) && (!key || put_key(&text, key, &s)) &&
	       put_value(&text, value, &s, 1) && (!s.lines || put_break(&text, &s, 0));
	good = good || no_room(e);
	good = good && splice(doc, parent.p + 1, parent.n - 2, &text, changed, e);
	buf_free(&text);
	return good;
}

static bool add(struct buf *doc, struct span parent, const char *start, const char *key,
	const json_t *value, bool *changed, struct err *e)
{
	struct item where = find(parent, NULL);

	return where.last.p ? add_last(doc, &where, key, value, changed, e)
			    : add_first(doc, parent, start, key, value, changed, e);
}

static bool twice(const char *name, struct err *e)
{
	return err_set(e, ERR_IO, "\"%s\" stands there twice; remove one of them", name);
}

bool merge_set(struct buf *doc, const char *const *path, size_t n, const json_t *value,
	bool *changed, struct err *e)
{
	struct span at = root_of(doc);
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
			return replace(doc, &found.it, value, changed, e);
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
	good = add(doc, at, start, path[i], inner, changed, e);
	json_decref(inner);
	return good;
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

/* Takes an item out with its comma; `before` is the value of the one before it, or {NULL,0}. */
static bool cut(struct buf *doc, struct span parent, const struct walk_item *it, struct span before,
	bool *changed, struct err *e)
{
	const char *from, *to;

	if (before.p) {
		from = before.p + before.n;
		to = it->value.p + it->value.n;
	} else if ((to = start_of_next(parent, it))) {
		from = it->start;
	} else {
		from = parent.p + 1;
		to = parent.p + parent.n - 1;
	}
	if (!buf_splice(doc, (size_t)(from - doc->p), (size_t)(to - from), "", 0))
		return no_room(e);
	*changed = true;
	return true;
}

bool merge_unset(struct buf *doc, const char *const *path, size_t n, bool *changed, struct err *e)
{
	struct span parent = merge_get(doc, path, n - 1);
	struct item found = find(parent, path[n - 1]);

	if (found.count > 1)
		return twice(path[n - 1], e);
	return !found.count || cut(doc, parent, &found.it, found.last, changed, e);
}

bool merge_remove(struct buf *doc, const char *name, const char *key, const char *id, bool *changed,
	struct err *e)
{
	struct span array = merge_get(doc, &name, 1), before = { 0 };
	struct walk_item it;
	struct walk w;

	if (walk_type(array) != WALK_ARRAY)
		return true;
	for (bool more = walk_open(&w, array); more && walk_next(&w, &it); before = it.value) {
		if (!walk_string_is(walk_get(it.value, key, NULL), id))
			continue;
		/* The text moved: what else is to go is looked for anew. */
		return cut(doc, array, &it, before, changed, e) &&
		       merge_remove(doc, name, key, id, changed, e);
	}
	array = merge_get(doc, &name, 1);
	return find(array, NULL).last.p || merge_unset(doc, &name, 1, changed, e);
}

bool merge_append(struct buf *doc, const char *name, const char *key, const json_t *value,
	bool *changed, struct err *e)
{
	const char *id = json_string_value(json_object_get(value, key));
	struct item array = find(root_of(doc), name);
	struct walk_item it;
	struct walk w;
	json_t *list;
	bool good;

	if (array.count > 1)
		return twice(name, e);
	if (!array.count) {
		list = json_array();
		json_array_append_new(list, json_deep_copy(value));
		good = merge_set(doc, &name, 1, list, changed, e);
		json_decref(list);
		return good;
	}
	if (walk_type(array.it.value) != WALK_ARRAY || !walk_open(&w, array.it.value))
		return err_set(e, ERR_IO, "\"%s\" in it is not an array", name);
	while (walk_next(&w, &it))
		if (walk_string_is(walk_get(it.value, key, NULL), id))
			return true;
	return add(doc, array.it.value, array.it.start, NULL, value, changed, e);
}
