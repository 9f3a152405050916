#include "mcp/session/repeat.h"

#include <string.h>

#include "mcp/policy/mixpanel_tools.h"
#include "mcp/policy/tools_list.h"
#include "mcp/json/walk.h"

/* Longest tool name that is looked at; MCP recommends at most 128. */
#define NAME_MAX_LEN 512

/* The one "name" of an object, escapes undone. */
static bool read_name(struct span object, struct buf *name)
{
	unsigned count;
	struct span v = walk_get(object, "name", &count);

	return count == 1 && walk_type(v) == WALK_STRING && walk_string(v, name) && name->len &&
	       !memchr(name->p, 0, name->len);
}

static bool says(struct span annotations, const char *hint)
{
	unsigned count;
	struct span v = walk_get(annotations, hint, &count);

	return count == 1 && walk_true(v);
}

static bool is_reader(struct span tool)
{
	unsigned count;
	struct span a = walk_get(tool, "annotations", &count);

	return count == 1 && says(a, "readOnlyHint") && says(a, "idempotentHint") &&
	       !says(a, "destructiveHint");
}

void repeat_learn(struct strset *readers, struct span result)
{
	struct span tools = walk_get(result, "tools", NULL);
	struct walk_item it;
	struct walk w;

	if (walk_type(tools) != WALK_ARRAY || !walk_open(&w, tools))
		return;
	for (size_t n = 0; n < TOOLS_LIST_TOOLS_MAX && walk_next(&w, &it); n++) {
		struct buf name;

		buf_init(&name, NAME_MAX_LEN);
		if (!read_name(it.value, &name))
			;
		else if (!is_reader(it.value))
			strset_remove(readers, name.p);
		else if (!mixpanel_tools_find(name.p))
			(void)strset_add(readers, name.p, TOOLS_LIST_TOOLS_MAX);
		buf_free(&name);
	}
}

static bool calls_reader(struct span params, const struct strset *readers)
{
	struct buf name;
	bool reads = false;

	buf_init(&name, NAME_MAX_LEN);
	if (read_name(params, &name)) {
		const struct mixpanel_tools_tool *t = mixpanel_tools_find(name.p);

		reads = t ? t->what == MIXPANEL_TOOLS_READ : strset_has(readers, name.p);
	}
	buf_free(&name);
	return reads;
}

bool repeat_may(const struct message *m, const struct strset *readers)
{
	if (m->kind != MESSAGE_REQUEST)
		return false;
	switch (m->method) {
	case METHOD_INITIALIZE:
	case METHOD_PING:
	case METHOD_SERVER_DISCOVER:
	case METHOD_TOOLS_LIST:
	case METHOD_RESOURCES_LIST:
	case METHOD_RESOURCES_TEMPLATES_LIST:
	case METHOD_RESOURCES_READ:
	case METHOD_PROMPTS_LIST:
	case METHOD_PROMPTS_GET:
	case METHOD_TASKS_LIST:
	case METHOD_COMPLETION_COMPLETE:
		return true;
	case METHOD_TOOLS_CALL:
		return calls_reader(m->params, readers);
	default:
		return false;
	}
}
