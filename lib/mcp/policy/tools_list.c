#include "mcp/policy/tools_list.h"

#include "mcp/json/walk.h"

static bool add_kept(
	struct span tools, tools_list_fn *keep, void *ctx, struct buf *out, bool *dropped)
{
	struct walk w;
	struct walk_item it;
	bool first = true, good = buf_addc(out, '[');
	size_t n = 0;

	if (!walk_open(&w, tools))
		return false;
	while (good && walk_next(&w, &it)) {
		if (n++ == TOOLS_LIST_TOOLS_MAX)
			return false;
		if (!keep(ctx, it.value)) {
			*dropped = true;
			continue;
		}
		good = (first || buf_addc(out, ',')) && buf_add(out, it.value.p, it.value.n);
		first = false;
	}
	return good && buf_addc(out, ']');
}

enum tools_list tools_list_filter(
	const struct message *m, tools_list_fn *keep, void *ctx, struct buf *out, struct err *e)
{
	unsigned count;
	struct span tools = walk_get(m->result, "tools", &count);
	const char *end = m->whole.p + m->whole.n;
	bool dropped = false, good;

	if (!m->result.p || (walk_type(m->result) == WALK_OBJECT && count == 0))
		return TOOLS_LIST_AS_IS;
	good = count == 1 && walk_type(tools) == WALK_ARRAY &&
	       buf_add(out, m->whole.p, (size_t)(tools.p - m->whole.p)) &&
	       add_kept(tools, keep, ctx, out, &dropped) &&
	       buf_add(out, tools.p + tools.n, (size_t)(end - tools.p) - tools.n);
	if (!good) {
		err_set(e, ERR_POLICY,
			"the tool list is ambiguous or has more than %d tools, so the rules of "
			"this connection hide it",
			TOOLS_LIST_TOOLS_MAX);
		return TOOLS_LIST_UNREADABLE;
	}
	return dropped ? TOOLS_LIST_FILTERED : TOOLS_LIST_AS_IS;
}
