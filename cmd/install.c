#include "install.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/userfile.h"
#include "mcp/walk.h"
#include "merge.h"
#include "toml.h"

/* Claude Code keeps its history in the same file; tens of megabytes have been seen. */
#define FILE_MAX ((size_t)128 << 20)

#define PAIRS_MAX 3 /* command, args, env_vars */

static const char *const secrets[] = { "MIXPANEL_SA_TOKEN", "MIXPANEL_SA_USERNAME",
	"MIXPANEL_SA_SECRET" };
#define NSECRETS (sizeof(secrets) / sizeof(secrets[0]))

static bool hint(const struct app *app, const char *path, struct err *e)
{
	char *said = mem_dup(e->msg);

	err_set(e, e->kind,
		"%s is left alone: %s. Add the entry by hand (\"mpmcp setup %s\" shows it)", path,
		said, app->name);
	free(said);
	return false;
}

/* ---- whose entry ---- */

static bool ends_with(const char *p, size_t n, const char *name)
{
	size_t k = strlen(name);

	return n >= k && memcmp(p + n - k, name, k) == 0 && (n == k || p[n - k - 1] == '/');
}

/* Any word of it that is mcp-remote, as the package or as its file. */
static bool names_mcp_remote(const char *p, size_t n)
{
	static const char name[] = "mcp-remote";

	for (size_t i = 0; i + sizeof(name) - 1 <= n; i++)
		if (memcmp(p + i, name, sizeof(name) - 1) == 0)
			return true;
	return false;
}

static enum install_owner owner_of(struct span command, struct span args)
{
	if (ends_with(command.p, command.n, "mpmcp"))
		return INSTALL_OURS;
	if (names_mcp_remote(command.p, command.n) || names_mcp_remote(args.p, args.n))
		return INSTALL_MCP_REMOTE;
	return INSTALL_OTHER;
}

static bool says_read_only(struct span args)
{
	static const char word[] = "--read-only";

	for (size_t i = 0; i + sizeof(word) - 1 <= args.n; i++)
		if (memcmp(args.p + i, word, sizeof(word) - 1) == 0)
			return true;
	return false;
}

static bool has_word(const struct args_list *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->item[i], word) == 0)
			return true;
	return false;
}

/* ---- JSON ---- */

static enum install_owner json_owner(const struct buf *doc, const char *const path[2])
{
	struct span old = merge_get(doc, path, 2);
	enum install_owner owner = INSTALL_NONE;
	struct buf command;

	buf_init(&command, doc->len);
	if (old.p) {
		owner = INSTALL_OTHER;
		if (walk_string(walk_get(old, "command", NULL), &command))
			owner = owner_of((struct span){ buf_str(&command), command.len },
				walk_get(old, "args", NULL));
	}
	buf_wipe(&command);
	return owner;
}

/* A service account that an older entry of ours refers to goes when the new one wants none; one that a
 * person wrote there stays, for it is the only copy. */
static bool drop_references(struct buf *doc, const struct entry *en, const char *const path[2],
	struct install *in, struct err *e)
{
	bool good = true;

	for (size_t i = 0; i < NSECRETS && good; i++) {
		const char *full[] = { path[0], path[1], "env", secrets[i] };
		struct span old = merge_get(doc, full, 4);
		char *reference = entry_reference(en, secrets[i]);

		if (old.p && !entry_refers(en, secrets[i])) {
			if (walk_string_is(old, reference))
				good = merge_unset(doc, full, 4, &in->changed, e);
			else
				in->kept_secret = true;
		}
		free(reference);
	}
	return good;
}

/* Member by member, so that what the person added to the entry stays, "env" included. */
static bool set_members(struct buf *doc, const struct entry *en, const char *const path[2],
	json_t *entry, struct install *in, struct err *e)
{
	bool good = drop_references(doc, en, path, in, e);
	const char *key, *name;
	json_t *value, *one;

	json_object_foreach(entry, key, value)
	{
		const char *full[] = { path[0], path[1], key, NULL };

		if (strcmp(key, "tools") == 0 && merge_get(doc, full, 3).p)
			continue;
		if (!json_is_object(value) || !merge_get(doc, full, 3).p) {
			good = good && merge_set(doc, full, 3, value, &in->changed, e);
			continue;
		}
		json_object_foreach(value, name, one)
		{
			full[3] = name;
			good = good && merge_set(doc, full, 4, one, &in->changed, e);
		}
	}
	return good;
}

static bool change_json(
	struct buf *doc, const struct entry *en, bool whole, struct install *in, struct err *e)
{
	const char *path[] = { en->app->container, en->name, "env" };
	json_t *entry = entry_json(en), *input = entry_input(en);
	bool good = true;

	if (in->before == INSTALL_MCP_REMOTE && !whole)
		good = merge_unset(doc, path, 3, &in->changed, e);
	if (good && (whole || in->before == INSTALL_NONE))
		good = merge_set(doc, path, 2, entry, &in->changed, e);
	else
		good = good && set_members(doc, en, path, entry, in, e);
	if (good && input)
		good = merge_append(doc, "inputs", "id", input, &in->changed, e);
	json_decref(entry);
	json_decref(input);
	return good;
}

static bool look_json(struct buf *doc, const struct entry *en, struct install *in, struct err *e)
{
	const char *path[] = { en->app->container, en->name, "args" };

	if (!merge_check(doc, e))
		return false;
	in->before = json_owner(doc, path);
	in->was_read_only = in->before == INSTALL_OURS && says_read_only(merge_get(doc, path, 3));
	return true;
}

/* ---- TOML ---- */

/* out holds the words so far, behind a bracket. */
static bool toml_words(struct buf *out, const struct args_list *l)
{
	bool good = true;

	for (size_t i = 0; i < l->n && good; i++)
		good = (out->len == 1 || buf_adds(out, ", ")) && toml_quote(out, l->item[i]);
	return good;
}

static bool change_toml(
	struct buf *doc, const struct entry *en, bool whole, struct install *in, struct err *e)
{
	struct buf command, args, env;
	bool good;

	buf_init(&command, FILE_MAX);
	buf_init(&args, FILE_MAX);
	buf_init(&env, FILE_MAX);
	good = toml_quote(&command, en->command) && buf_addc(&args, '[') &&
	       toml_words(&args, &en->args) && buf_addc(&args, ']') && buf_addc(&env, '[') &&
	       toml_words(&env, &en->secrets) && toml_words(&env, &en->env) && buf_addc(&env, ']');
	if (good) {
		const struct toml_pair pairs[PAIRS_MAX] = { { "command", buf_str(&command) },
			{ "args", buf_str(&args) },
			{ "env_vars", env.len > 2 ? buf_str(&env) : NULL } };

		good = toml_set(doc, en->app->container, en->name, pairs, PAIRS_MAX,
			whole || in->before == INSTALL_MCP_REMOTE, &in->changed, e);
	} else {
		err_set(e, ERR_LIMIT, "the arguments are too long");
	}
	buf_free(&command);
	buf_free(&args);
	buf_free(&env);
	return good;
}

/* What stands between the quotes of a plain string. */
static struct span unquoted(const struct buf *value)
{
	if (value->len < 2)
		return (struct span){ "", 0 };
	return (struct span){ value->p + 1, value->len - 2 };
}

static bool look_toml(struct buf *doc, const struct entry *en, struct install *in, struct err *e)
{
	struct toml_found found;
	bool good = toml_find(doc, en->app->container, en->name, &found, e);

	if (good && found.there) {
		struct span args = { buf_str(&found.args), found.args.len };

		in->before = owner_of(unquoted(&found.command), args);
		in->was_read_only = in->before == INSTALL_OURS && says_read_only(args);
	}
	toml_found_clear(&found);
	return good;
}

/* ---- both ---- */

static bool look(struct buf *doc, const struct entry *en, struct install *in, struct err *e)
{
	/* What is written back keeps its encoding, its mark and its line ends. */
	if (!text_check(buf_str(doc), doc->len, "it", e))
		return err_set(e, ERR_IO, "%s", e->msg);
	return en->app->format == APP_TOML ? look_toml(doc, en, in, e) : look_json(doc, en, in, e);
}

static bool change(
	struct buf *doc, const struct entry *en, bool whole, struct install *in, struct err *e)
{
	struct install after = { 0 };

	if (!(en->app->format == APP_TOML ? change_toml(doc, en, whole, in, e)
					  : change_json(doc, en, whole, in, e)))
		return false;
	/* Nothing is written that we could not read again. */
	return look(doc, en, &after, e);
}

static bool may_replace(const struct entry *en, const struct install *in, bool force, struct err *e)
{
	if (force || in->before != INSTALL_OTHER)
		return true;
	return err_set(e, ERR_IO,
		"%s has an entry \"%s\" that starts something else; nothing was written. --force "
		"replaces it, --name NAME adds another",
		in->path, en->name);
}

bool install_look(const struct app *app, const char *name, bool project, enum install_owner *owner,
	struct err *e)
{
	struct entry en = { .app = app, .name = name };
	char *path = app_path(app, project, e);
	struct install in = { 0 };
	struct userfile f = { 0 };
	bool good = path && userfile_open(&f, path, project ? "." : NULL, FILE_MAX, e) &&
		    (!f.exists || look(&f.text, &en, &in, e));

	*owner = in.before;
	userfile_clear(&f);
	free(path);
	return good;
}

bool install_entry(
	const struct entry *en, bool project, bool force, struct install *in, struct err *e)
{
	struct userfile f = { 0 };
	struct buf doc;
	bool good = false;

	*in = (struct install){ .path = app_path(en->app, project, e) };
	buf_init(&doc, FILE_MAX);
	if (!in->path || !userfile_open(&f, in->path, project ? "." : NULL, FILE_MAX, e))
		goto out;
	if (!buf_add(&doc, buf_str(&f.text), f.text.len) || !look(&doc, en, in, e)) {
		hint(en->app, in->path, e);
		goto out;
	}
	if (!may_replace(en, in, force, e))
		goto out;
	if (!change(&doc, en, force, in, e)) {
		hint(en->app, in->path, e);
		goto out;
	}
	in->was_read_only = in->was_read_only && !has_word(&en->args, "--read-only");
	good = !in->changed ||
	       userfile_replace(&f, buf_str(&doc), doc.len, !project, &in->backup, e);
out:
	buf_wipe(&doc);
	userfile_clear(&f);
	return good;
}

void install_clear(struct install *in)
{
	free(in->path);
	free(in->backup);
	*in = (struct install){ 0 };
}

bool install_example(const struct entry *en, struct buf *out, struct err *e)
{
	struct install in = { 0 };

	return (en->app->format == APP_TOML || merge_check(out, e)) &&
	       change(out, en, false, &in, e);
}
