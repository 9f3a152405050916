#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps.h"
#include "base/diag.h"
#include "base/mem.h"
#include "client_file.h"
#include "commands.h"
#include "entry.h"
#include "exit.h"
#include "target.h"

/* ---- words ---- */

/* HOME as ~, for people. */
static void print_path(const char *path)
{
	const char *home = getenv("HOME");
	size_t n = home ? strlen(home) : 0;

	if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
		printf("~%s", path + n);
	else
		printf("%s", path);
}

static void print_json(json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text)
		printf("%s\n", text);
	free(text);
	json_decref(o);
}

/* A word as a shell takes it. */
static void print_word(const char *w)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_=/:.,@%+";

	if (*w && strspn(w, plain) == strlen(w)) {
		printf(" %s", w);
		return;
	}
	printf(" '");
	for (; *w; w++)
		if (*w == '\'')
			printf("'\\''");
		else
			putchar(*w);
	printf("'");
}

static void print_references(const struct entry *en, const struct args_list *names)
{
	for (size_t i = 0; i < names->n; i++) {
		char *reference = entry_reference(en, names->item[i]);
		char *pair = mem_printf("%s=%s", names->item[i], reference);

		printf(" %s", en->app->add_env);
		print_word(pair);
		free(pair);
		free(reference);
	}
}

/* The client's own command line for the same entry. */
static void print_add(const struct entry *en, bool project)
{
	const struct app *app = en->app;
	const char *add = project ? app->add_project : app->add;

	if (!add || ((en->secrets.n || en->env.n) && !app->add_env))
		return;
	printf("Or by its own command; \"--\" keeps it from taking our options for its own:\n\n    "
	       "%s %s",
		add, en->name);
	if (app->add_after)
		print_word(en->command);
	print_references(en, &en->secrets);
	print_references(en, &en->env);
	printf(" --");
	if (!app->add_after)
		print_word(en->command);
	for (size_t i = 0; i < en->args.n; i++)
		print_word(en->args.item[i]);
	printf("\n\n");
}

static void print_list(const char *before, const struct args_list *l, const char *behind)
{
	printf("%s", before);
	for (size_t i = 0; i < l->n; i++)
		printf("%s%s", i ? ", " : "", l->item[i]);
	printf("%s\n", behind);
}

static bool has_blank(const struct entry *en)
{
	for (size_t i = 0; i < en->args.n; i++)
		if (strchr(en->args.item[i], ' '))
			return true;
	return strchr(en->command, ' ') != NULL;
}

static void print_token_file(const struct entry *en)
{
	char *folder =
		mem_ndup(en->token_file, (size_t)(strrchr(en->token_file, '/') - en->token_file));

	printf("The token is read from ");
	print_path(en->token_file);
	if (access(en->token_file, R_OK) == 0) {
		printf(".\n");
	} else {
		printf(", which is not there yet. Put it there, for yourself alone:\n\n    (umask "
		       "077; "
		       "mkdir -p");
		print_word(folder);
		printf("; printenv MIXPANEL_SA_TOKEN >");
		print_word(en->token_file);
		printf(")\n\n");
	}
	free(folder);
}

static void print_service_account(const struct entry *en)
{
	const struct app *app = en->app;

	if (!en->token_file || app->secret == APP_FILE)
		printf("%s\n", app->why);
	if (en->token_file) {
		print_token_file(en);
		return;
	}
	if (app->secret == APP_INPUT)
		return;
	print_list("Set ", &en->secrets, " where it starts; the value stays out of the file.");
	if (app->desktop)
		printf("A desktop application has the variables of its session, not those of a "
		       "shell's "
		       "start-up file; --sa-token-file FILE needs none.\n");
}

static void print_sign_in(const struct args *a, const struct entry *en)
{
	const char *profile = a->profile, *region = target_region(en->url);

	if (!profile && en->old)
		profile = en->old->args.profile;
	printf("Sign in with \"mpmcp login");
	if (region)
		printf(" --region %s", region);
	else
		print_word(en->url);
	if (profile) {
		printf(" --profile");
		print_word(profile);
	}
	printf("\" now, or in the browser at the first use.\n");
}

/* What else a person has to know or do. */
static void print_notes(const struct args *a, const struct entry *en)
{
	const struct app *app = en->app;

	if (en->secrets.n || en->token_file)
		print_service_account(en);
	else if (!en->service_account)
		print_sign_in(a, en);
	if (en->env.n)
		print_list("Referred to, because they are set here and this client withholds them "
			   "otherwise: ",
			&en->env, ".");
	if (en->withheld.n)
		print_list("Set here, but this client hands them on to no command: ", &en->withheld,
			".");
	if (app->tears && has_blank(en))
		printf("%s tears arguments apart at blanks: choose names without, and @FILE for "
		       "JSON.\n",
			app->title);
	if (a->project && !en->plain)
		printf("The file names this machine's %s; put mpmcp into PATH before others use "
		       "it.\n",
			en->command);
	if (app->note)
		printf("%s\n", app->note);
	if (app->restart)
		printf("%s\n",
			a->project && app->restart_project ? app->restart_project : app->restart);
}

/* ---- what stays and what goes ---- */

static void print_carried(const struct entry *en)
{
	for (size_t i = 0; i < en->kept.n; i++)
		printf("  %s (kept from the old entry)\n", en->kept.item[i]);
	for (size_t i = 0; i < en->dropped.n; i++)
		printf("  %s (dropped; it was in the old entry)\n", en->dropped.item[i]);
}

/* ---- showing ---- */

/* What the file would hold with nothing else in it. */
static bool example(const struct entry *en, struct buf *out, struct err *e)
{
	struct client_file cf = { .app = en->app };
	bool good;

	buf_init(&cf.doc, 1 << 20);
	good = client_file_fresh(&cf, e) && client_file_put(&cf, en, NULL, true, e);
	buf_move(out, &cf.doc);
	client_file_clear(&cf);
	return good;
}

static bool show(
	const struct args *a, const struct entry *en, const struct client_file *cf, struct err *e)
{
	struct buf text;
	bool good;

	buf_init(&text, 1 << 20);
	good = example(en, &text, e);
	if (good) {
		if (cf->path) {
			printf("%s reads ", en->app->title);
			print_path(cf->path);
			printf(". What belongs there:\n\n");
		}
		printf("%s\n", buf_str(&text));
		print_carried(en);
		if (cf->path)
			printf("The same command with --write puts it there.\n");
		print_add(en, a->project);
		print_notes(a, en);
	}
	buf_free(&text);
	return good;
}

/* ---- writing ---- */

static json_t *words_json(const struct args_list *l)
{
	json_t *array = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(array, json_string(l->item[i]));
	return array;
}

static json_t *result_json(const struct entry *en, const struct client_file *cf)
{
	json_t *o = json_object();

	json_object_set_new(o, "client", json_string(en->app->name));
	json_object_set_new(o, "file", json_string(cf->path));
	json_object_set_new(o, "name", json_string(en->name));
	json_object_set_new(o, "changed", json_boolean(cf->changed));
	json_object_set_new(o, "backup", cf->backup ? json_string(cf->backup) : json_null());
	json_object_set_new(o, "entry", entry_json(en));
	json_object_set_new(o, "kept", words_json(&en->kept));
	json_object_set_new(o, "dropped", words_json(&en->dropped));
	return o;
}

static void print_did(
	const struct entry *en, const struct old_entry *old, const struct client_file *cf)
{
	if (!cf->changed)
		printf("Nothing to do: the entry \"%s\" is as it should be in ", en->name);
	else if (!old)
		printf("Added the entry \"%s\" to ", en->name);
	else if (old->kind == OLD_OURS)
		printf("Changed the entry \"%s\" in ", en->name);
	else if (old->kind == OLD_MCP_REMOTE)
		printf("Replaced mcp-remote by mpmcp in the entry \"%s\" of ", en->name);
	else
		printf("Replaced the entry \"%s\" in ", en->name);
	print_path(cf->path);
	printf(".\n");
}

static void print_result(const struct args *a, const struct entry *en, const struct old_entry *old,
	const struct client_file *cf)
{
	print_did(en, old, cf);
	if (cf->changed)
		print_carried(en);
	if (cf->backup) {
		printf("The file as it was: ");
		print_path(cf->backup);
		printf("\n");
	}
	if (old && !a->force && old_entry_holds_secret(old))
		printf("A secret stands in the entry itself, where every program that reads the "
		       "file "
		       "can see it; --service-account keeps it out.\n");
	if (cf->changed)
		print_notes(a, en);
}

static bool write_entry(const struct args *a, const struct entry *en, const struct old_entry *old,
	struct client_file *cf, struct err *e)
{
	/* A client without a file of its own: says so. */
	if (!cf->path)
		return app_path(cf->app, a->project, e) != NULL;
	if (!client_file_put(cf, en, old, a->force, e) || !client_file_save(cf, e))
		return false;
	if (a->json)
		print_json(result_json(en, cf));
	else
		print_result(a, en, old, cf);
	return true;
}

/* ---- the list ---- */

static const char *state(const struct app *app, bool project)
{
	static const char *const states[] = {
		[OLD_OURS] = "set up",
		[OLD_MCP_REMOTE] = "mcp-remote",
		[OLD_DIRECT] = "another entry",
		[OLD_OTHER] = "another entry",
	};
	const struct old_entry *old = NULL;
	const char *found = NULL;
	struct client_file cf;
	struct err e = { 0 };

	if (!client_file_open(&cf, app, project, &e) ||
		!client_file_find(&cf, NULL, NULL, &old, &e))
		found = "unreadable";
	else if (old)
		found = states[old->kind];
	client_file_clear(&cf);
	return found ? found : app_installed(app) ? "installed" : "-";
}

static json_t *list_item(const struct app *app, const char *path, const char *state)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s}", "client", app->name, "application",
		app->title, "file", path, "installed", app_installed(app), "state", state);
}

static bool list(const struct args *a, struct err *e)
{
	json_t *all = json_array();
	bool good = true;

	if (!a->json)
		printf("%-12s %-15s %-14s %s\n", "CLIENT", "APPLICATION", "STATE", "FILE");
	for (size_t i = 0; i < napps && good; i++) {
		const struct app *app = &apps[i];
		char *path;

		if (!app->file || (a->project && !app->project))
			continue;
		path = app_path(app, a->project, e);
		good = path != NULL;
		if (good && a->json)
			json_array_append_new(all, list_item(app, path, state(app, a->project)));
		if (good && !a->json) {
			printf("%-12s %-15s %-14s ", app->name, app->title, state(app, a->project));
			print_path(path);
			printf("\n");
		}
		free(path);
	}
	if (good && a->json)
		print_json(json_incref(all));
	else if (good)
		printf("\n\"mpmcp setup CLIENT\" shows an entry, --write puts it into the file. "
		       "\"json\" is for any other client.\n");
	json_decref(all);
	return good;
}

/* ---- the command ---- */

/* Where the entry is to lead, when the person said. */
static const char *given_url(const struct args *a, struct err *e)
{
	return a->url || a->region ? target_url(a, e) : NULL;
}

static bool one_client(const struct args *a, struct err *e)
{
	const struct app *app = app_find(a->words.item[0], e);
	const struct old_entry *old = NULL;
	struct client_file cf = { 0 };
	struct entry en = { 0 };
	struct err unread = { 0 };
	const char *url;
	bool good;

	if (!app)
		return false;
	if (a->words.n > 1)
		return err_set(e, ERR_USAGE, "setup takes one client at a time");
	if (!(url = given_url(a, e)) && e->kind)
		return false;
	/* A file that cannot be read does not keep from showing an entry. */
	good = client_file_open(&cf, app, a->project, &unread) ||
	       (!a->write && unread.kind == ERR_IO);
	if (!good)
		*e = unread;
	good = good && client_file_find(&cf, a->name, url, &old, e) &&
	       entry_make(a, app, old, &en, e);
	if (good && a->write)
		good = write_entry(a, &en, old, &cf, e);
	else if (good && a->json)
		print_json(entry_json(&en));
	else if (good)
		good = show(a, &en, &cf, e);
	entry_clear(&en);
	client_file_clear(&cf);
	return good;
}

int cmd_setup(const struct args *a)
{
	struct err e = { 0 };
	bool good;

	if (a->words.n)
		good = one_client(a, &e);
	else if (a->write)
		good = err_set(&e, ERR_USAGE, "--write needs a client: mpmcp setup CLIENT --write");
	else
		good = list(a, &e);
	if (!good)
		diag_error("%s", e.msg);
	return (int)exit_for(e.kind);
}
