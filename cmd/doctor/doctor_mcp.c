/* The conversation itself: initialize, the tools, a harmless call, and what is left of the hour. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "mcp/http/error_text.h"
#include "format.h"
#include "projects.h"

/* English prose and JSON come to about so many bytes a token. */
#define BYTES_PER_TOKEN 4

/* From here on the list is a noticeable part of what a model can hold. */
#define MANY_TOKENS 15000

/* Projects that are tried before the answer is that MCP is not enabled. */
#define PROJECTS_TRIED 3

/* Requests left of an hour below which a person will want to know. */
#define FEW_REQUESTS 60

/* ---- initialize ---- */

/* For failures that bring no advice, or one that leads back here. */
static void advise_by_kind(const struct doctor *d, enum err_kind kind, struct finding *f)
{
	switch (kind) {
	case ERR_NET:
		advise(f, "Try again; --debug shows the connection.");
		break;
	case ERR_AUTH:
		advise(f, "%s",
			d->c.headers.authorization
				? "Check the value of the Authorization header."
				: "Check that the account exists, has not expired, and that the "
				  "region is right (--region).");
		break;
	case ERR_FORBIDDEN:
		advise(f, "Ask an admin whether this account may use MCP.");
		break;
	case ERR_PROTO:
		advise(f, "Check the URL: the address answers, but not as an MCP server.");
		break;
	case ERR_RATE:
		advise(f, "Wait, and check which other clients use the same account.");
		break;
	default:
		advise(f, "Try again later; if this persists, tell whoever runs the server.");
		break;
	}
}

static void failed_by(const struct doctor *d, const struct err *e, struct finding *f)
{
	bool person = d->c.signs_in && !d->c.oauth.client_credentials,
	     signs_in = e->kind == ERR_AUTH && person && e->reason != REASON_SCOPE_MISSING;

	failed_as(f, e);
	if (signs_in)
		failed(f, e->kind, "%s",
			d->kept == STORE_OK ? "the service no longer accepts the saved sign-in"
					    : "the service asks for a sign-in, and none is saved");
	if (signs_in || (person && e->reason == REASON_SCOPE_MISSING))
		doctor_login(d, d->kept == STORE_OK ? "--force" : NULL, f);
	else if (e->kind == ERR_NET || !*f->advice)
		advise_by_kind(d, e->kind, f);
}

static void describe_server(const struct mcp_client *c, struct finding *f)
{
	const json_t *hello = mcp_client_hello(c), *server = json_object_get(hello, "serverInfo");
	const char *revision = json_string_value(json_object_get(hello, "protocolVersion")),
		   *name = json_string_value(json_object_get(server, "name")),
		   *version = json_string_value(json_object_get(server, "version"));
	char who[200];

	snprintf(who, sizeof(who), "%.100s%s%.60s", name ? name : "a server without a name",
		version ? " " : "", version ? version : "");
	if (mcp_client_translated(c))
		found(f, "%s, revision " ERA_MODERN_VERSION " (translated for older clients)", who);
	else
		found(f, "%s, revision %.20s", who, revision ? revision : "not said");
}

void doctor_initialize(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };

	d->client = mcp_client_new(&d->c, d->a, &e);
	if (!d->client) {
		failed_by(d, &e, f);
		return;
	}
	describe_server(d->client, f);
}

/* ---- tools ---- */

/* What a client shows to a model of each tool. */
static size_t model_bytes(const json_t *tools)
{
	static const char *const shown[] = { "name", "description", "inputSchema" };
	size_t i, bytes = 0;
	json_t *tool;

	json_array_foreach(tools, i, tool)
	{
		json_t *part = json_object();
		char *text;

		for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++)
			json_object_set(part, shown[k], json_object_get(tool, shown[k]));
		text = json_dumps(part, JSON_COMPACT);
		bytes += text ? strlen(text) : 0;
		free(text);
		json_decref(part);
	}
	return bytes;
}

static size_t all_bytes(const json_t *tools)
{
	char *text = json_dumps(tools, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0;

	free(text);
	return n;
}

void doctor_tools(struct doctor *d, struct finding *f)
{
	unsigned pages;
	struct err e = { 0 };
	size_t count, bytes, tokens;
	char in[40] = "";

	d->tools = mcp_client_tools(d->client, &pages, &e);
	if (!d->tools) {
		failed_by(d, &e, f);
		return;
	}
	count = json_array_size(d->tools);
	bytes = all_bytes(d->tools);
	tokens = model_bytes(d->tools) / BYTES_PER_TOKEN;
	if (pages > 1)
		snprintf(in, sizeof(in), " in %u pages", pages);
	if (!count) {
		warn_of(f, "none");
		advise(f, "A policy (--only-tool, --ignore-tool, --only-project, --read-only) may "
			  "hide them, or this account may not use any.");
		return;
	}
	found(f, "%zu%s, %zu KiB; about %zu tokens of a model's context", count, in,
		(bytes + 1023) / 1024, (tokens + 50) / 100 * 100);
	if (tokens >= MANY_TOKENS)
		advise(f, "--only-tool and --ignore-tool show a model fewer of them.");
}

/* ---- a harmless call ---- */

static bool has_tool(const struct doctor *d, const char *name)
{
	size_t i;
	json_t *tool;

	json_array_foreach(d->tools, i, tool)
	{
		const char *have = json_string_value(json_object_get(tool, "name"));

		if (have && strcmp(have, name) == 0)
			return true;
	}
	return false;
}

/* All text of a result, cleaned. */
static void text_of(const json_t *result, char *out, size_t size)
{
	const json_t *content = json_object_get(result, "content"), *item;
	size_t i, n = 0;

	*out = 0;
	json_array_foreach(content, i, item)
	{
		const char *text = json_string_value(json_object_get(item, "text"));
		int m = text ? snprintf(out + n, size - n, "%s%s", n ? " " : "", text) : 0;

		n += m > 0 ? (size_t)m : 0;
		if (n >= size)
			break;
	}
	err_clean(diag_redact(out));
}

/* The words of an error result; what they mean decides about the advice. */
static void refused_by(const struct doctor *d, const char *text, struct finding *f)
{
	struct error_said said = { .text = text, .url = d->c.url };
	struct error_meaning m = error_text_meaning(&said);

	if (m.reason == REASON_SCOPE_MISSING && d->c.signs_in)
		doctor_login(d, "--force", f);
	else if (*m.advice)
		advise(f, "%s", m.advice);
}

static enum err_reason reason_of(const struct doctor *d, const char *text)
{
	struct error_said said = { .text = text, .url = d->c.url };

	return error_text_meaning(&said).reason;
}

enum access { ACCESS_GOOD, ACCESS_DISABLED, ACCESS_TROUBLE };

/* Asks for the events of a project; f says what is wrong when that is not that MCP is disabled. */
static enum access try_project(struct doctor *d, const struct project *p, struct finding *f)
{
	char text[400] = "";
	struct err e = { 0 };
	json_t *result = mcp_client_request(d->client, "tools/call",
		json_pack("{s:s, s:{s:I}}", "name", "Get-Events", "arguments", "project_id", p->id),
		&e);
	bool error = json_is_true(json_object_get(result, "isError"));
	enum err_reason reason;

	text_of(result, text, sizeof(text));
	json_decref(result);
	/* The service says so in a result that is no error, too. */
	reason = result ? reason_of(d, text) : e.reason;
	if (reason == REASON_MCP_DISABLED)
		return ACCESS_DISABLED;
	if (result && !error)
		return ACCESS_GOOD;
	if (!result) {
		failed_by(d, &e, f);
	} else {
		warn_of(f, "Get-Events for \"%s\" (%lld) answers: %s", p->name, (long long)p->id,
			text);
		refused_by(d, text, f);
	}
	return ACCESS_TROUBLE;
}

static void try_projects(
	struct doctor *d, const struct project *p, size_t n, size_t all, struct finding *f)
{
	static const char how[] = "An organisation admin enables MCP in Mixpanel's organisation "
				  "settings; it takes up to 15 minutes.";

	for (size_t i = 0; i < n && !d->interrupted; i++) {
		switch (try_project(d, &p[i], f)) {
		case ACCESS_TROUBLE:
			return;
		case ACCESS_DISABLED:
			continue;
		case ACCESS_GOOD:
			break;
		}
		if (i == 0) {
			found(f, "%zu project%s; MCP is enabled for \"%s\" (%lld)", all,
				all == 1 ? "" : "s", p[0].name, (long long)p[0].id);
			return;
		}
		warn_of(f,
			"%zu projects; MCP is enabled for \"%s\" (%lld), but not for \"%s\" (%lld)",
			all, p[i].name, (long long)p[i].id, p[0].name, (long long)p[0].id);
		advise(f, "%s", how);
		return;
	}
	failed(f, ERR_FORBIDDEN, "MCP access is not enabled for \"%s\" (%lld)%s", p[0].name,
		(long long)p[0].id, n > 1 ? " and the others that were tried" : "");
	advise(f, "%s", how);
}

void doctor_access(struct doctor *d, struct finding *f)
{
	struct project first[PROJECTS_TRIED];
	struct projects seen = { .first = first, .room = PROJECTS_TRIED };
	struct err e = { 0 };
	json_t *result;

	if (!has_tool(d, "Get-Projects") || !has_tool(d, "Get-Events")) {
		skipped(f, "the server has no Get-Projects and Get-Events, or they are hidden");
		return;
	}
	result = mcp_client_request(d->client, "tools/call",
		json_pack("{s:s, s:{}}", "name", "Get-Projects", "arguments"), &e);
	if (!result) {
		failed_by(d, &e, f);
		return;
	}
	projects_read(&seen, d->client, result);
	if (json_is_true(json_object_get(result, "isError")) || !seen.known ||
		(seen.all && !seen.n)) {
		char text[400];

		text_of(result, text, sizeof(text));
		warn_of(f, "Get-Projects answers: %.300s", text);
		refused_by(d, text, f);
	} else if (!seen.n) {
		failed(f, ERR_FORBIDDEN, "this account sees no project here");
		advise(f,
			"Its projects may be in another region (--region us, eu or in), a service "
			"account may have to be added to them, or --only-project excludes them.");
	} else {
		try_projects(d, seen.first, seen.n, seen.all, f);
	}
	json_decref(result);
}

/* ---- requests ---- */

void doctor_requests(struct doctor *d, struct finding *f)
{
	struct request_count_seen seen;
	char words[256];

	request_count_look(d->c.rate, &seen);
	format_requests(d->c.url, &seen, words);
	if (seen.until_s && d->tools) {
		seen.until_s = seen.refused_s = 0;
		format_requests(d->c.url, &seen, words);
		warn_of(f, "rate limited earlier; accepting requests again now; %s", words);
		advise(f, "Send few requests, and check which other clients use this account.");
	} else if (seen.until_s) {
		failed(f, ERR_RATE, "%s", words);
		advise(f, "Wait that long, and check which other clients use this account.");
	} else if (format_allowance(d->c.url) &&
		   seen.requests + FEW_REQUESTS > format_allowance(d->c.url)) {
		warn_of(f, "%s", words);
		advise(f, "Check which clients use this account; they are counted together.");
	} else {
		found(f, "%s", words);
	}
}
