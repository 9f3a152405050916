/* The list of clients: which are here, and what their files say about us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/url.h"
#include "os/file.h"
#include "setup/setup.h"

/* An entry that is worth a line. */
static bool concerns(const struct options *a, const struct old_entry *o)
{
	if (a->name)
		return strcmp(o->name, a->name) == 0;
	return o->kind == OLD_OURS || o->kind == OLD_MCP_REMOTE || old_entry_is_service(o);
}

static bool command_found(const char *command)
{
	char *found = strchr(command, '/') ? NULL : app_which(command);
	bool there = found || (strchr(command, '/') && os_may(command, OS_MAY_RUN));

	free(found);
	return there;
}

static bool is_gone(const struct old_entry *o)
{
	return o->kind == OLD_OURS && !command_found(o->command);
}

static const char *state(const struct options *a, const struct client_file *cf)
{
	static const char *const states[] = {
		[OLD_OURS] = "set up",
		[OLD_MCP_REMOTE] = "mcp-remote",
		[OLD_DIRECT] = "another entry",
		[OLD_OTHER] = "another entry",
	};
	const struct old_entry *first = NULL;

	for (size_t i = 0; i < cf->nentries; i++) {
		const struct old_entry *o = &cf->entries[i];

		if (!concerns(a, o))
			continue;
		if (is_gone(o))
			return "command gone";
		if (!first || o->kind < first->kind)
			first = o;
	}
	if (first)
		return states[first->kind];
	return app_installed(cf->app) ? "installed" : "-";
}

/* ---- for programs ---- */

static json_t *entry_json_of(const struct old_entry *o)
{
	static const char *const kinds[] = { "mpmcp", "mcp-remote", "direct", "other" };
	char *url = o->url ? url_shown(o->url) : NULL;
	json_t *item = json_pack("{s:s, s:s, s:s?, s:s?}", "name", o->name, "kind", kinds[o->kind],
		"url", url, "command", o->command);

	if (o->command)
		json_object_set_new(item, "command_found", json_boolean(command_found(o->command)));
	free(url);
	return item;
}

static json_t *client_json(const struct options *a, const struct client_file *cf, const char *state)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < cf->nentries; i++)
		if (concerns(a, &cf->entries[i]))
			json_array_append_new(entries, entry_json_of(&cf->entries[i]));
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o}", "client", cf->app->name, "application",
		cf->app->title, "file", cf->path, "installed", app_installed(cf->app), "state",
		state, "entries", entries);
}

/* ---- for people ---- */

static void print_entry(
	const struct options *a, const struct client_file *cf, const struct old_entry *o)
{
	const struct old_entry *usual = NULL;
	char *url = o->url ? url_shown(o->url) : NULL;
	bool named = !client_file_find(cf, NULL, NULL, &usual, NULL) || usual != o;

	printf("  \"%s\": ", o->name);
	if (is_gone(o))
		printf("its command %s is gone: ", o->command);
	else if (o->kind == OLD_MCP_REMOTE)
		printf("mcp-remote: ");
	else
		printf("%s%s",
			o->kind == OLD_OTHER    ? "starts "
			: o->kind == OLD_DIRECT ? "connects without a command to "
						: "",
			o->kind == OLD_OTHER && o->command ? o->command
			: url                              ? url
							   : "the URL by region");
	if (is_gone(o) || o->kind == OLD_MCP_REMOTE) {
		printf("mpmcp setup %s%s%s%s --write replaces it", cf->app->name,
			named ? " --name " : "", named ? o->name : "",
			a->project ? " --project" : "");
		if (url)
			printf(" (%s)", url);
	}
	printf("\n");
	free(url);
}

static void print_client(const struct options *a, const struct client_file *cf, const char *state,
	const struct err *why)
{
	printf("%-12s %-18s %-14s ", cf->app->name, cf->app->title, state);
	setup_print_path(cf->path);
	printf("\n");
	if (why->kind)
		printf("  %s\n", why->msg);
	for (size_t i = 0; i < cf->nentries; i++)
		if (concerns(a, &cf->entries[i]))
			print_entry(a, cf, &cf->entries[i]);
}

static bool each(const struct options *a, json_t *all, struct err *e)
{
	for (size_t i = 0; i < napps; i++) {
		const struct app *app = &apps[i];
		struct err why = { 0 };
		struct client_file cf;
		const char *now;

		if (!app->file || (a->project && !app->project))
			continue;
		now = client_file_open(&cf, app, a->project, &why) ? state(a, &cf) : "unreadable";
		if (!cf.path) {
			*e = why;
			client_file_clear(&cf);
			return false;
		}
		if (all)
			json_array_append_new(all, client_json(a, &cf, now));
		else
			print_client(a, &cf, now, &why);
		client_file_clear(&cf);
	}
	return true;
}

json_t *setup_list_json(const struct options *a, struct err *e)
{
	json_t *all = json_array();

	if (each(a, all, e))
		return all;
	json_decref(all);
	return NULL;
}

bool setup_list(const struct options *a, struct err *e)
{
	printf("%-12s %-18s %-14s %s\n", "CLIENT", "APPLICATION", "STATE", "FILE");
	if (!each(a, NULL, e))
		return false;
	printf("\n\"mpmcp setup CLIENT\" shows an entry, --write puts it into the file. For any "
	       "other "
	       "client: \"mpmcp setup json\".\n");
	return true;
}
