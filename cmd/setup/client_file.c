#include "setup/client_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mcp/json/walk.h"
#include "setup/json_edit.h"
#include "endpoint.h"
#include "setup/toml_edit.h"

/* Claude Code keeps its history in the same file; tens of megabytes have been seen. */
#define FILE_MAX ((size_t)128 << 20)

static bool hint(const struct client_file *cf, struct err *e)
{
	char *said = mem_dup(e->msg);

	err_set(e, e->kind,
		"%s is not modified: %s. Add the entry by hand (\"mpmcp setup %s\" shows it)",
		cf->path, said, cf->app->name);
	free(said);
	return false;
}

/* ---- reading ---- */

static void add_entry(struct client_file *cf, char *name, json_t *value)
{
	cf->entries = mem_grow(cf->entries, cf->nentries + 1, sizeof(*cf->entries));
	old_entry_read(&cf->entries[cf->nentries++], name, value);
}

static char *text_of(const struct walk_item *it)
{
	struct span quoted = { it->key.p - 1, it->key.n + 2 };
	struct buf text;
	char *name;

	buf_init(&text, it->key.n + 1);
	name = walk_string(quoted, &text) ? mem_dup(buf_str(&text)) : mem_dup("");
	buf_wipe(&text);
	return name;
}

/* Member by member: a number that jansson cannot hold must not hide the rest. */
static json_t *members(struct span v)
{
	json_t *o = json_object();
	struct walk_item it;
	struct walk w;

	for (bool more = walk_open(&w, v); more && walk_next(&w, &it);) {
		json_t *value =
			json_loadb(it.value.p, it.value.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		char *name = text_of(&it);

		json_object_set_new(o, name, value ? value : json_null());
		free(name);
	}
	return o;
}

static bool read_json(struct client_file *cf, struct err *e)
{
	const char *path[] = { cf->app->container };
	struct buf plain;
	struct walk_item it;
	struct walk w;

	if (!merge_check(&cf->doc, e))
		return false;
	if (json_plain(&cf->doc, &plain))
		for (bool more = walk_open(&w, merge_get(&plain, path, 1)) && w.object;
			more && walk_next(&w, &it);)
			add_entry(cf, text_of(&it), members(it.value));
	buf_wipe(&plain);
	return true;
}

/* The table can be edited where it is, or added. */
static bool check_toml(const struct client_file *cf, const char *name, struct err *e)
{
	struct toml_edit_found found;
	bool good = toml_edit_find(&cf->doc, cf->app->container, name, &found, e);

	toml_edit_found_clear(&found);
	return good;
}

static bool read_toml(struct client_file *cf, struct err *e)
{
	bool good = check_toml(cf, "mixpanel", e);
	json_t *all = good ? toml_edit_tables(&cf->doc, cf->app->container) : NULL, *value;
	const char *name;

	json_object_foreach(all, name, value)
	{
		add_entry(cf, mem_dup(name), json_incref(value));
	}
	json_decref(all);
	return good;
}

static void forget_entries(struct client_file *cf)
{
	for (size_t i = 0; i < cf->nentries; i++)
		old_entry_clear(&cf->entries[i]);
	free(cf->entries);
	cf->entries = NULL;
	cf->nentries = 0;
}

/* What is written back keeps its encoding, its mark and its line ends. */
static bool read_entries(struct client_file *cf, struct err *e)
{
	if (!text_check(buf_str(&cf->doc), cf->doc.len, "it", e))
		return err_set(e, ERR_IO, "%s", e->msg);
	return cf->app->format == APP_TOML ? read_toml(cf, e) : read_json(cf, e);
}

bool client_file_open(struct client_file *cf, const struct app *app, bool project, struct err *e)
{
	const char *inside = project ? "." : NULL;

	*cf = (struct client_file){ .app = app, .project = project };
	buf_init(&cf->doc, FILE_MAX);
	if (app->file || project) {
		cf->path = app_path(app, project, e);
		if (!cf->path || !userfile_open(&cf->file, cf->path, inside, FILE_MAX, e))
			return false;
	}
	if (!buf_add(&cf->doc, buf_str(&cf->file.text), cf->file.text.len))
		return err_set(e, ERR_LIMIT, "%s is too large", cf->path);
	if (read_entries(cf, e))
		return true;
	return cf->path && hint(cf, e);
}

bool client_file_fresh(struct client_file *cf, struct err *e)
{
	return cf->app->format == APP_TOML || merge_check(&cf->doc, e);
}

void client_file_clear(struct client_file *cf)
{
	forget_entries(cf);
	userfile_clear(&cf->file);
	buf_wipe(&cf->doc);
	free(cf->path);
	free(cf->backup);
	*cf = (struct client_file){ 0 };
}

/* ---- which entry ---- */

static bool fits(const struct old_entry *o, const char *url)
{
	if (!url)
		return old_entry_is_service(o);
	return o->url && strcmp(o->url, url) == 0;
}

static const struct old_entry *by_name(const struct client_file *cf, const char *name)
{
	for (size_t i = 0; i < cf->nentries; i++)
		if (strcmp(cf->entries[i].name, name) == 0)
			return &cf->entries[i];
	return NULL;
}

bool client_file_find(const struct client_file *cf, const char *name, const char *url,
	const struct old_entry **found, struct err *e)
{
	const struct old_entry *usual = by_name(cf, "mixpanel");

	*found = name ? by_name(cf, name) : NULL;
	if (name)
		return true;
	if (usual && (!url || fits(usual, url))) {
		*found = usual;
		return true;
	}
	for (size_t i = 0; i < cf->nentries; i++) {
		const struct old_entry *o = &cf->entries[i];

		if (!fits(o, url))
			continue;
		if (*found)
			return err_set(e, ERR_USAGE,
				"%s has several such entries, \"%.60s\" and \"%.60s\" among them; "
				"--name "
				"NAME chooses one",
				cf->path, (*found)->name, o->name);
		*found = o;
	}
	if (!*found)
		*found = usual;
	return true;
}

/* ---- JSON ---- */

/* Some clients prefer a URL to the command beside it. */
static bool drop_direct(struct client_file *cf, const struct old_entry *old,
	const char *const path[2], struct err *e)
{
	const char *name;
	json_t *value;
	bool good = true;

	json_object_foreach(old->value, name, value)
	{
		const char *full[] = { path[0], path[1], name };

		if (good && entry_is_direct_member(name))
			good = merge_unset(&cf->doc, full, 3, &cf->changed, e);
	}
	return good;
}

/* One by one: the person's own stay. */
static bool set_variables(struct client_file *cf, const char *full[4], json_t *env, struct err *e)
{
	bool good = true;
	const char *name;
	json_t *value;

	json_object_foreach(env, name, value)
	{
		full[3] = name;
		good = good && merge_set(&cf->doc, full, 4, value, &cf->changed, e);
	}
	return good;
}

/* Member by member, so that what the person added to the entry stays, "env" included. */
static bool set_members(struct client_file *cf, const struct entry *en, const struct old_entry *old,
	json_t *entry, struct err *e)
{
	const char *full[] = { cf->app->container, en->name, NULL, NULL };
	bool good = drop_direct(cf, old, full, e);
	const char *key;
	json_t *value;

	json_object_foreach(entry, key, value)
	{
		full[2] = key;
		if ((strcmp(key, "tools") == 0 || strcmp(key, "enabled") == 0) &&
			json_object_get(old->value, key))
			continue;
		if (json_is_object(value) && json_object_get(old->value, key))
			good = good && set_variables(cf, full, value, e);
		else
			good = good && merge_set(&cf->doc, full, 3, value, &cf->changed, e);
	}
	return good;
}

static bool put_json(struct client_file *cf, const struct entry *en, const struct old_entry *old,
	bool whole, struct err *e)
{
	const char *path[] = { cf->app->container, en->name };
	json_t *entry = entry_json(en), *input = entry_input(en);
	bool good;

	if (whole || !old)
		good = merge_set(&cf->doc, path, 2, entry, &cf->changed, e);
	else
		good = set_members(cf, en, old, entry, e);
	if (good && input)
		good = merge_append(&cf->doc, "inputs", "id", input, &cf->changed, e);
	json_decref(entry);
	json_decref(input);
	return good;
}

/* ---- TOML ---- */

/* "[a, b]": the words of array, if there is one, and those of the lists that are not among them. */
static bool toml_list(
	struct buf *out, const json_t *array, const struct options_list *const lists[], size_t n)
{
	bool good = buf_addc(out, '[');
	json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
	{
		good = good && (out->len == 1 || buf_adds(out, ", ")) &&
		       toml_edit_quote(out, json_string_value(one));
	}
	for (size_t k = 0; k < n; k++)
		for (i = 0; i < lists[k]->n && good; i++)
			good = (out->len == 1 || buf_adds(out, ", ")) &&
			       toml_edit_quote(out, lists[k]->item[i]);
	return good && buf_addc(out, ']');
}

/* The names to hand on that are in the file and can be written again. */
static bool old_names(const struct old_entry *old, const json_t **names, struct err *e)
{
	json_t *one;
	size_t i;

	*names = old ? json_object_get(old->value, "env_vars") : NULL;
	json_array_foreach(*names, i, one)
	{
		if (!json_is_string(one))
			return err_set(e, ERR_IO, "\"env_vars\" holds something other than names");
	}
	return true;
}

static bool put_toml(struct client_file *cf, const struct entry *en, const struct old_entry *old,
	bool whole, struct err *e)
{
	const struct options_list *const words[] = { &en->args };
	struct options_list wanted[2] = { { 0 }, { 0 } };
	const struct options_list *const names[] = { &wanted[0], &wanted[1] };
	const struct options_list *from[] = { &en->secrets, &en->env };
	const json_t *known = NULL;
	struct buf command, args, env;
	bool good;

	buf_init(&command, FILE_MAX);
	buf_init(&args, FILE_MAX);
	buf_init(&env, FILE_MAX);
	/* Names that the table has already, there or in "env", are not named twice. */
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < from[k]->n; i++)
			if (whole || !old || !old_entry_has_env(old, from[k]->item[i])) {
				wanted[k].item =
					mem_grow(wanted[k].item, wanted[k].n + 1, sizeof(char *));
				wanted[k].item[wanted[k].n++] = from[k]->item[i];
			}
	good = wanted[0].n + wanted[1].n == 0 || old_names(whole ? NULL : old, &known, e);
	if (good && toml_edit_quote(&command, en->command) && toml_list(&args, NULL, words, 1) &&
		toml_list(&env, known, names, 2)) {
		const struct toml_edit_pair pairs[] = { { "command", buf_str(&command) },
			{ "args", buf_str(&args) }, { "env_vars", buf_str(&env) } };

		good = toml_edit_set(&cf->doc, cf->app->container, en->name, pairs,
			wanted[0].n + wanted[1].n ? 3 : 2, whole, &cf->changed, e);
	} else if (good) {
		good = err_set(e, ERR_LIMIT, "the arguments are too long");
	}
	free(wanted[0].item);
	free(wanted[1].item);
	buf_free(&command);
	buf_free(&args);
	buf_free(&env);
	return good;
}

/* ---- both ---- */

static bool may_replace(
	const struct client_file *cf, const struct old_entry *old, bool whole, struct err *e)
{
	if (whole || !old || old->kind == OLD_OURS || old->kind == OLD_MCP_REMOTE)
		return true;
	return err_set(e, ERR_IO,
		"%s has an entry \"%.60s\" that %s; nothing was written. --force replaces it, "
		"--name "
		"NAME adds another",
		cf->path, old->name,
		old->kind == OLD_DIRECT ? "connects without a command" : "starts something else");
}

bool client_file_put(struct client_file *cf, const struct entry *en, const struct old_entry *old,
	bool whole, struct err *e)
{
	bool good;

	if (!may_replace(cf, old, whole, e))
		return false;
	/* Nothing is written that we could not read again. */
	if (cf->app->format == APP_TOML)
		good = check_toml(cf, en->name, e) && put_toml(cf, en, old, whole, e) &&
		       check_toml(cf, en->name, e);
	else
		good = put_json(cf, en, old, whole, e) && merge_check(&cf->doc, e);
	return good || (cf->path && hint(cf, e));
}

json_t *client_file_entry(const struct client_file *cf, const char *name)
{
	const char *path[] = { cf->app->container, name };
	json_t *all, *one = NULL;
	struct buf plain;
	struct span v;

	if (cf->app->format == APP_TOML) {
		all = toml_edit_tables(&cf->doc, cf->app->container);
		one = json_incref(json_object_get(all, name));
		json_decref(all);
		return one;
	}
	if (json_plain(&cf->doc, &plain) && (v = merge_get(&plain, path, 2)).p)
		one = members(v);
	buf_wipe(&plain);
	return one;
}

/* ---- taking out ---- */

/* The questions of VS Code that nothing asks for any more. */
static bool drop_inputs(struct client_file *cf, const struct old_entry *old, struct err *e)
{
	static const char begin[] = "${input:";
	char *text = json_dumps(old->value, 0);
	bool good = true;

	for (const char *p = text; good && p && (p = strstr(p, begin)); p++) {
		size_t n = strcspn(p, "}\"");
		char *reference = mem_ndup(p, n + 1),
		     *id = mem_ndup(p + sizeof(begin) - 1, n - (sizeof(begin) - 1));

		if (p[n] == '}' && !strstr(buf_str(&cf->doc), reference))
			good = merge_remove(&cf->doc, "inputs", "id", id, &cf->changed, e);
		free(reference);
		free(id);
	}
	free(text);
	return good;
}

bool client_file_remove(
	struct client_file *cf, const struct old_entry *old, bool force, struct err *e)
{
	const char *path[] = { cf->app->container, old->name };
	bool good;

	if (old->kind != OLD_OURS && !force)
		return err_set(e, ERR_IO,
			"the entry \"%.60s\" in %s does not start mpmcp; nothing was removed. "
			"--force "
			"removes it",
			old->name, cf->path);
	if (cf->app->format == APP_TOML)
		good = check_toml(cf, old->name, e) &&
		       toml_edit_unset(&cf->doc, path[0], path[1], &cf->changed, e);
	else
		good = merge_unset(&cf->doc, path, 2, &cf->changed, e) && drop_inputs(cf, old, e) &&
		       merge_check(&cf->doc, e);
	return good || hint(cf, e);
}

bool client_file_undo(struct client_file *cf, char **from, struct err *e)
{
	cf->changed = cf->file.place && userfile_undo(&cf->file, cf->project ? "." : NULL, FILE_MAX,
						from, &cf->backup, e);
	return cf->changed;
}

bool client_file_save(struct client_file *cf, struct err *e)
{
	return !cf->changed || userfile_replace(&cf->file, buf_str(&cf->doc), cf->doc.len,
				       !cf->project, &cf->backup, e);
}
