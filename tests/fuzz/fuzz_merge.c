/* json_edit.h on any bytes: a document that passes still passes after each change, means what jansson makes
 * of the old one and the change, and differs from it in one piece alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/setup/json_edit.c"

static const char *const path[] = { "mcpServers", "mixpanel" };

static json_t *tree(const struct buf *doc)
{
	struct buf plain;
	struct span root;
	json_t *o;

	if (!json_plain(doc, &plain))
		abort();
	root = root_of(&plain);
	o = json_loadb(root.p, root.n, JSON_ALLOW_NUL, NULL);
	buf_free(&plain);
	return o;
}

static void expect(bool good)
{
	if (!good)
		abort();
}

static void compare(const struct buf *old, const struct buf *doc, const json_t *value)
{
	json_t *want = tree(old), *have = tree(doc), *servers = json_object_get(want, path[0]);

	if (want) {
		if (!servers)
			json_object_set_new(want, path[0], servers = json_object());
		json_object_set_new(servers, path[1], json_deep_copy(value));
		expect(have && json_equal(have, want));
	}
	json_decref(want);
	json_decref(have);
}

static bool is_there(const struct buf *doc)
{
	struct buf plain;
	bool there;

	expect(json_plain(doc, &plain));
	there = merge_get(&plain, path, 2).p != NULL;
	buf_free(&plain);
	return there;
}

static void one_piece(const struct buf *old, const struct buf *doc)
{
	struct span was = merge_get(old, path, 2);
	size_t start = 0, end = 0;
	struct buf plain;
	bool strict;

	/* With comments around, a comma may go elsewhere than the entry. */
	strict = json_plain(old, &plain) && memcmp(buf_str(&plain), buf_str(old), old->len) == 0;
	buf_free(&plain);
	if (!strict)
		return;
	while (start < old->len && start < doc->len && old->p[start] == doc->p[start])
		start++;
	while (end + start < old->len && end + start < doc->len &&
		old->p[old->len - 1 - end] == doc->p[doc->len - 1 - end])
		end++;
	for (size_t i = start; i + end < old->len; i++)
		expect(was.p ? old->p + i >= was.p && old->p + i < was.p + was.n
			     : is_space(old->p[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_pack("{s:s, s:[s]}", "command", "mpmcp", "args", "x"),
	       *element = json_pack("{s:s}", "id", "t");
	struct buf doc, old;
	bool changed = false, again = false;
	struct err e = { 0 };

	buf_init(&doc, 1 << 20);
	buf_init(&old, 1 << 20);
	if (buf_add(&doc, data, size) && merge_check(&doc, &e) && buf_add(&old, doc.p, doc.len)) {
		if (merge_set(&doc, path, 2, value, &changed, &e)) {
			expect(merge_check(&doc, &e));
			one_piece(&old, &doc);
			compare(&old, &doc, value);
			expect(merge_set(&doc, path, 2, value, &again, &e) && !again);
			expect(merge_unset(&doc, path, 2, &changed, &e) && merge_check(&doc, &e));
			expect(!is_there(&doc));
		} else {
			expect(doc.len == old.len && memcmp(doc.p, old.p, doc.len) == 0);
		}
		if (merge_append(&doc, "inputs", "id", element, &changed, &e))
			expect(merge_check(&doc, &e));
	}
	json_decref(value);
	json_decref(element);
	buf_free(&doc);
	buf_free(&old);
	return 0;
}
