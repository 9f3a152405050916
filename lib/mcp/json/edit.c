#include "mcp/json/edit.h"

#include <string.h>

#include "mcp/json/walk.h"

void edit_replace(struct edits *s, struct span old, struct span put)
{
	size_t i = s->n;

	if (s->n == EDITS_MAX) {
		s->overflow = true;
		return;
	}
	while (i > 0 && s->e[i - 1].at > old.p) {
		s->e[i] = s->e[i - 1];
		i--;
	}
	s->e[i] = (struct edit){ .at = old.p, .cut = old.n, .put = put };
	s->n++;
}

void edit_cut(struct edits *s, struct span old)
{
	edit_replace(s, old, (struct span){ 0 });
}

void edit_put(struct edits *s, const char *at, const char *text)
{
	edit_replace(s, (struct span){ at, 0 }, (struct span){ text, strlen(text) });
}

/* ---- objects ---- */

static bool is_named(const struct walk_item *it, const char *const *names)
{
	for (; names && *names; names++)
		if (walk_key_is(it, *names))
			return true;
	return false;
}

static void cut_between(struct edits *s, const char *from, const char *to)
{
	edit_cut(s, (struct span){ from, (size_t)(to - from) });
}

/* Members that go are cut in runs: up to the next one that stays, which brings its own start, or
 * from the end of the last one that stayed, whose comma goes with them. */
static size_t cut_members(struct edits *s, struct span object, const char *const *names)
{
	const char *run = NULL, *run_end = NULL, *kept_end = object.p + 1;
	struct walk_item it;
	struct walk w;
	size_t kept = 0;

	if (!walk_open(&w, object))
		return 0;
	while (walk_next(&w, &it)) {
		if (is_named(&it, names)) {
			run = run ? run : it.start;
			run_end = it.value.p + it.value.n;
			continue;
		}
		if (run)
			cut_between(s, run, it.start);
		run = NULL;
		kept_end = it.value.p + it.value.n;
		kept++;
	}
	if (run)
		cut_between(s, kept ? kept_end : run, run_end);
	return kept;
}

size_t edit_object(
	struct edits *s, struct span object, const char *const *names, struct span members)
{
	struct edits cuts = { 0 };
	size_t kept = cut_members(&cuts, object, names);

	if (members.p) {
		edit_replace(s, (struct span){ object.p + 1, 0 }, members);
		if (kept)
			edit_put(s, object.p + 1, ",");
	}
	for (size_t i = 0; i < cuts.n; i++)
		edit_cut(s, (struct span){ cuts.e[i].at, cuts.e[i].cut });
	s->overflow = s->overflow || cuts.overflow;
	return kept;
}

/* ---- carrying out ---- */

size_t edit_parts(const struct edits *s, struct span text, struct span out[EDIT_PARTS])
{
	const char *from = text.p;
	size_t n = 0;

	if (s->overflow)
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct edit *e = &s->e[i];

		if (e->at > from)
			out[n++] = (struct span){ from, (size_t)(e->at - from) };
		if (e->put.n)
			out[n++] = e->put;
		if (e->at + e->cut > from)
			from = e->at + e->cut;
	}
	out[n++] = (struct span){ from, (size_t)(text.p + text.n - from) };
	return n;
}

bool edit_apply(const struct edits *s, struct span text, struct buf *out)
{
	struct span parts[EDIT_PARTS];
	size_t n = edit_parts(s, text, parts);

	for (size_t i = 0; i < n; i++)
		if (!buf_add(out, parts[i].p, parts[i].n))
			return false;
	return n > 0;
}
