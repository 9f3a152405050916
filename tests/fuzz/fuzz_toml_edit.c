/* toml_edit.h on any bytes: what is understood keeps every statement that is not ours, in order, byte for
 * byte, and is understood again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/setup/toml_edit.c"

static const struct toml_edit_pair ours[] = { { "command", "\"mpmcp\"" }, { "args", "[\"x\"]" },
	{ "env_vars", NULL } };

static void expect(bool good)
{
	if (!good)
		abort();
}

static bool find(const struct buf *doc)
{
	struct toml_edit_found f;
	struct err e = { 0 };
	bool good = toml_edit_find(doc, "a", "b", &f, &e);

	toml_edit_found_clear(&f);
	return good;
}

/* All but our pairs, the header of our table and empty lines; a last line gets its break. */
static void others(const struct buf *doc, struct buf *out)
{
	struct toml_edit t = { .p = buf_str(doc), .n = doc->len };
	enum where where = ROOT;
	struct toml_edit_statement s;
	struct edit ed = { .pairs = ours, .npairs = 3 };

	while (toml_edit_next(&t, &s)) {
		size_t n = s.end - s.start;

		if (s.kind == TOML_EDIT_TABLE || s.kind == TOML_EDIT_TABLE_ARRAY)
			where = where_is(&s, "a", "b");
		if ((where == OURS && s.kind != TOML_EDIT_NOTHING &&
			    (s.kind != TOML_EDIT_PAIR || pair_of(&ed, &s))) ||
			(s.kind == TOML_EDIT_NOTHING && strspn(t.p + s.start, " \t\r\n") >= n))
			continue;
		while (n && (t.p[s.start + n - 1] == '\n' || t.p[s.start + n - 1] == '\r'))
			n--;
		expect(buf_add(out, t.p + s.start, n) && buf_addc(out, '\n'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf doc, before, after;
	bool changed = false, again = false;
	struct err e = { 0 };

	buf_init(&doc, 1 << 20);
	buf_init(&before, 1 << 21);
	buf_init(&after, 1 << 21);
	if (buf_add(&doc, data, size) && find(&doc)) {
		others(&doc, &before);
		expect(toml_edit_set(&doc, "a", "b", ours, 3, false, &changed, &e) && find(&doc));
		others(&doc, &after);
		expect(before.len == after.len &&
			memcmp(buf_str(&before), buf_str(&after), before.len) == 0);
		expect(toml_edit_set(&doc, "a", "b", ours, 3, false, &again, &e) && !again);
		expect(toml_edit_set(&doc, "a", "b", ours, 3, true, &changed, &e) && find(&doc));
	}
	buf_free(&doc);
	buf_free(&before);
	buf_free(&after);
	return 0;
}
