/* doctor CLIENT: what the client's file says, whether its command runs, and the environment that it
 * passes on, in which the other checks are made. */
#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "program_line.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/start.h"
#include "setup/json_edit.h"

/* ---- the file ---- */

static bool has_comments(const struct client_file *cf)
{
	struct buf plain;
	bool more = cf->app->format == APP_JSON && json_plain(&cf->doc, &plain) &&
		    memcmp(buf_str(&plain), buf_str(&cf->doc), plain.len) != 0;

	if (cf->app->format == APP_JSON)
		buf_wipe(&plain);
	return more;
}

/* Antigravity's first editions kept their entries elsewhere. */
static char *old_file(const struct app *app)
{
	const char *home = os_home();
	char *path;

	if (!home || strcmp(app->name, "antigravity") != 0)
		return NULL;
	path = mem_printf("%s/.gemini/antigravity/mcp_config.json", home);
	if (os_may(path, OS_MAY_SEE))
		return path;
	free(path);
	return NULL;
}

void doctor_client(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };
	char *old;

	if (!client_file_open(&d->file, d->app, d->a->project, &e)) {
		failed(f, e.kind, "%s", e.msg);
		advise(f, "%s silently ignores every entry of such a file; fix it.", d->app->title);
		return;
	}
	if (!d->file.file.exists) {
		failed(f, ERR_USAGE, "%s does not exist", d->file.path);
		advise(f, "Run \"mpmcp setup %s --write\".", d->app->name);
		return;
	}
	old = old_file(d->app);
	if (old) {
		warn_of(f, "%s; there is also %s, which newer versions do not read", d->file.path,
			old);
		advise(f, "Move what you need from there, and delete it.");
	} else if (has_comments(&d->file) && !d->app->comments) {
		warn_of(f, "%s holds comments or trailing commas, which %s may not take",
			d->file.path, d->app->title);
	} else {
		found(f, "%s", d->file.path);
	}
	free(old);
}

/* ---- the entry ---- */

/* Another entry beside ours that leads to the service, so that every tool is there twice. */
static const struct old_entry *second_entry(const struct doctor *d)
{
	for (size_t i = 0; i < d->file.nentries; i++) {
		const struct old_entry *o = &d->file.entries[i];

		if (o != d->entry && o->url && d->entry->url && strcmp(o->url, d->entry->url) == 0)
			return o;
	}
	return NULL;
}

/* Why a client drops the entry without a word; NULL: it does not. */
static const char *flaw(const struct old_entry *o)
{
	json_t *env = old_entry_env(o->value), *disabled = json_object_get(o->value, "disabled"),
	       *value;
	const char *name;

	if (env && !json_is_object(env))
		return "\"env\" is not an object";
	json_object_foreach(env, name,
		value) if (!json_is_string(value)) return "a value in \"env\" is not a string";
	if (json_is_true(disabled) || json_is_false(json_object_get(o->value, "enabled")))
		return "it is disabled";
	return o->unread.kind ? o->unread.msg : NULL;
}

/* A value of "env" as the client hands it on: its references replaced where the variable is set. */
static char *expanded(const struct app *app, const char *value)
{
	const char *end, *set;
	struct buf out;
	bool good = true;

	buf_init(&out, (size_t)1 << 20);
	while (good && *value) {
		size_t n = app->reference ? strlen(app->reference) : 0;
		char *name;

		end = n && strncmp(value, app->reference, n) == 0 ? strstr(value, app->behind)
								  : NULL;
		if (!end) {
			good = buf_addc(&out, *value++);
			continue;
		}
		name = mem_ndup(value + n, (size_t)(end - value) - n);
		set = getenv(name);
		end += strlen(app->behind);
		good = set ? buf_adds(&out, set) : buf_add(&out, value, (size_t)(end - value));
		free(name);
		value = end;
	}
	return buf_take(&out, NULL);
}

/* Out of this environment, the one that the client gives its commands. */
static void pass_on(const struct doctor *d)
{
	json_t *env = old_entry_env(d->entry->value), *given = json_object(), *value;
	const char *name;

	json_object_foreach(env, name, value)
	{
		char *text = expanded(d->app, json_string_value(value));

		json_object_set_new(given, name, json_string(text));
		free(text);
	}
	for (char **p = os_variables(); *p;) {
		char *variable = mem_ndup(*p, strcspn(*p, "="));

		if (app_withholds(d->app, variable) && !old_entry_has_env(d->entry, variable) &&
			os_set_variable(variable, NULL))
			p = os_variables();
		else
			p++;
		free(variable);
	}
	json_object_foreach(given, name, value)
	{
		if (!os_set_variable(name, json_string_value(value)))
			mem_exhausted();
	}
	json_decref(given);
}

void doctor_entry(struct doctor *d, struct finding *f)
{
	const struct old_entry *second;
	struct err e = { 0 };
	const char *why;

	if (!client_file_find(&d->file, d->a->name, d->a->url, &d->entry, &e)) {
		failed(f, e.kind, "%s", e.msg);
		return;
	}
	if (!d->entry || d->entry->kind == OLD_DIRECT || d->entry->kind == OLD_OTHER) {
		failed(f, ERR_USAGE, "%s%s%s",
			d->entry ? "the entry \"" : "there is no entry for mpmcp",
			d->entry ? d->entry->name : "", d->entry ? "\" does not start mpmcp" : "");
		advise(f, "Run \"mpmcp setup %s --write%s\".", d->app->name,
			d->entry ? " --force" : "");
		return;
	}
	if ((why = flaw(d->entry))) {
		failed(f, ERR_USAGE, "\"%s\": %s", d->entry->name, why);
		advise(f, "%s does not start such an entry and may not report it.", d->app->title);
		return;
	}
	pass_on(d);
	d->entry_args = d->entry->args;
	d->entry_args.json = d->a->json;
	d->a = &d->entry_args;
	if (d->entry->kind == OLD_MCP_REMOTE) {
		warn_of(f,
			"\"%s\" starts mcp-remote; the following checks run mpmcp with its options",
			d->entry->name);
		advise(f, "\"mpmcp setup %s --name %s --write\" replaces it.", d->app->name,
			d->entry->name);
	} else if ((second = second_entry(d))) {
		warn_of(f, "\"%s\" and \"%s\" lead to the same server, so every tool appears twice",
			d->entry->name, second->name);
		advise(f, "Remove one of them.");
	} else {
		found(f, "\"%s\", tested with the variables that %s passes on", d->entry->name,
			d->app->title);
	}
}

/* ---- the command ---- */

/* A program that says its version does so at once; a slow machine gets this long. */
#define VERSION_MS 10000

/* The first line of "COMMAND --version"; malloc'ed, NULL when it does not run or says nothing. */
static char *version_of(const char *command)
{
	const char *const args[] = { command, "--version", NULL };

	return program_line(args, VERSION_MS);
}

void doctor_command(struct doctor *d, struct finding *f)
{
	const char *command = d->entry->command;
	char *path, *version;

	if (d->entry->kind != OLD_OURS) {
		skipped(f, "it is not mpmcp");
		return;
	}
	path = strchr(command, '/') ? mem_dup(command) : app_which(command);
	if (!path || !os_may(path, OS_MAY_RUN)) {
		failed(f, ERR_USAGE,
			path ? "%s does not exist or cannot be run" : "%s is not in PATH", command);
		advise(f, "\"mpmcp setup %s --name %s --write\" corrects it.", d->app->name,
			d->entry->name);
	} else if (!(version = version_of(path))) {
		failed(f, ERR_USAGE, "%s does not run: \"%s --version\" failed", command, path);
		advise(f, "Install it again.");
	} else {
		if (d->app->desktop && !strchr(command, '/')) {
			warn_of(f, "%s is found here, but %s may have another PATH", command,
				d->app->title);
			advise(f, "\"mpmcp setup %s --name %s --write\" writes its full path.",
				d->app->name, d->entry->name);
		} else {
			found(f, "%s: %s", path, version);
		}
		free(version);
	}
	free(path);
}
