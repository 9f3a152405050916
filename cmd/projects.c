#include "projects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/service_account.h"
#include "base/diag.h"

/* After that nobody waits for a number. */
#define VISIBLE_MS 15000

/* The data of a result: structured, or the JSON that its text is. The caller frees. */
static json_t *data_of(const json_t *result)
{
	json_t *data = json_object_get(result, "structuredContent"), *inner;
	const char *text = json_string_value(
		json_object_get(json_array_get(json_object_get(result, "content"), 0), "text"));

	data = data ? json_incref(data) : json_loads(text ? text : "", 0, NULL);
	/* FastMCP wraps what is no object. */
	inner = json_object_get(data, "result");
	if (inner && json_object_size(data) == 1) {
		json_incref(inner);
		json_decref(data);
		data = inner;
	}
	return data;
}

static bool take_project(const json_t *value, const char *key, struct project *p)
{
	const json_t *id = json_object_get(value, "id");
	const char *name = json_string_value(json_object_get(value, "name"));

	if (json_is_integer(id))
		p->id = json_integer_value(id);
	else if (key && *key && strspn(key, "0123456789") == strlen(key) && strlen(key) < 18)
		p->id = strtoll(key, NULL, 10);
	else
		return false;
	snprintf(p->name, sizeof(p->name), "%.79s", name ? name : "without a name");
	err_clean(p->name);
	return true;
}

static void see_project(
	struct projects *p, const struct mcp_client *c, const json_t *value, const char *key)
{
	struct project one;
	bool good = take_project(value, key, &one);

	if (good && !mcp_client_may_use(c, one.id))
		return; /* --only-project */
	p->all++;
	if (good && p->n < p->room)
		p->first[p->n++] = one;
}

void projects_read(struct projects *p, const struct mcp_client *c, const json_t *result)
{
	json_t *data = data_of(result), *value;
	const char *key;
	size_t i;

	p->n = p->all = 0;
	p->known = json_is_object(data) || json_is_array(data);
	json_object_foreach(data, key, value)
	{
		see_project(p, c, value, key);
	}
	json_array_foreach(data, i, value)
	{
		see_project(p, c, value, NULL);
	}
	json_decref(data);
}

static void took_too_long(void *ctx)
{
	loop_stop(ctx);
}

static long count(struct mcp_client *client)
{
	struct project one;
	struct projects seen = { .first = &one, .room = 1 };
	struct err e = { 0 };
	json_t *result = mcp_client_request(client, "tools/call",
		json_pack("{s:s, s:{}}", "name", "Get-Projects", "arguments"), &e);

	if (result && !json_is_true(json_object_get(result, "isError")))
		projects_read(&seen, client, result);
	json_decref(result);
	return seen.known && (seen.n || !seen.all) ? (long)seen.all : -1;
}

long projects_visible(struct context *c)
{
	struct mcp_client *client;
	struct loop_timer timer;
	struct err e = { 0 };
	long n = -1;

	if (!service_account_may_go_to(c->url, NULL))
		return -1;
	loop_timer_init(&timer, c->loop, took_too_long, c->loop);
	loop_timer_set(&timer, VISIBLE_MS);
	client = mcp_client_new(c, c->a, &e);
	if (client)
		n = count(client);
	else
		diag_debug("%s", err_text(&e));
	mcp_client_free(client);
	loop_timer_clear(&timer);
	return n;
}
