#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setup/clients.h"
#include "base/diag.h"
#include "base/mem.h"
#include "setup/client_file.h"
#include "commands.h"
#include "setup/entry.h"
#include "exit.h"
#include "setup/setup.h"
#include "setup/wsl.h"
#include "endpoint.h"

/* One client's part of a call. */
struct job {
	const struct options *a;
	const struct app *app;
	struct client_file cf;
	const struct old_entry *old;
	struct entry en;
	json_t *result; /* with --json: what is to be printed */
	bool refused;   /* an entry that --write would not put there, ... */
	struct err why; /* ... and why */
};

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

static void show_change(const struct job *j)
{
	json_t *now = client_file_entry(&j->cf, j->en.name);

	setup_print_change(j->old ? j->old->value : NULL, now);
	json_decref(now);
}

static bool show_example(const struct job *j, struct err *e)
{
	struct buf text;
	bool good;

	buf_init(&text, 1 << 20);
	good = example(&j->en, &text, e);
	if (good && j->cf.path) {
		printf("%s reads ", j->app->title);
		setup_print_path(j->cf.path);
		printf(". What belongs there:\n\n");
	}
	if (good)
		printf("%s\n", buf_str(&text));
	buf_free(&text);
	return good;
}

static bool show(struct job *j, struct err *e)
{
	bool writable = j->cf.path && !j->refused;

	if (writable && j->old) {
		setup_print_path(j->cf.path);
		printf(" has the entry \"%s\". %s:\n\n", j->en.name,
			j->cf.changed ? "What --write would change" : "It is up to date");
		show_change(j);
		printf("\n");
		setup_print_carried(&j->en);
	} else if (!show_example(j, e)) {
		return false;
	}
	if (j->refused)
		printf("--write would refuse: %s.\n", j->why.msg);
	else if (writable && j->cf.changed)
		printf("Run the same command with --write to write it.\n");
	/* The client's own command would lose what the entry that is there says. */
	if (!j->old)
		setup_print_add(&j->en, j->a->project);
	setup_print_notes(j->a, &j->en);
	return true;
}

/* ---- writing ---- */

static json_t *words_json(const struct options_list *l)
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
		printf("Nothing to do: the entry \"%s\" is up to date in ", en->name);
	else if (!old)
		printf("Added the entry \"%s\" to ", en->name);
	else if (old->kind == OLD_OURS)
		printf("Changed the entry \"%s\" in ", en->name);
	else if (old->kind == OLD_MCP_REMOTE)
		printf("Replaced mcp-remote with mpmcp in the entry \"%s\" of ", en->name);
	else
		printf("Replaced the entry \"%s\" in ", en->name);
	setup_print_path(cf->path);
	printf(".\n");
}

static void print_not_installed(const struct app *app)
{
	printf("%s does not seem to be installed here", app->title);
	if (app->program)
		printf(" (no command \"%s\", no settings folder)", app->program);
	printf(".\n");
}

static bool write_entry(struct job *j, struct err *e)
{
	bool installed = app_installed(j->app);

	/* A client without a file of its own: says so. */
	if (!j->cf.path) {
		free(app_path(j->app, j->a->project, e));
		return false;
	}
	if (j->refused) {
		*e = j->why;
		return false;
	}
	if (!client_file_save(&j->cf, e))
		return false;
	if (j->a->json) {
		j->result = result_json(&j->en, &j->cf);
		return true;
	}
	print_did(&j->en, j->old, &j->cf);
	if (j->cf.changed) {
		show_change(j);
		setup_print_carried(&j->en);
	}
	setup_print_backup(&j->cf);
	if (j->old && !j->a->force && old_entry_holds_secret(j->old))
		printf("The entry itself contains a secret, which every program that reads the "
		       "file can see; --service-account keeps it out.\n");
	if (!installed && !j->a->project)
		print_not_installed(j->app);
	if (j->cf.changed)
		setup_print_notes(j->a, &j->en);
	return true;
}

/* ---- taking out, putting back ---- */

static void say_file(struct job *j, const char *did)
{
	if (j->a->json) {
		j->result = json_pack("{s:s, s:s, s:b, s:s?}", "client", j->app->name, "file",
			j->cf.path, "changed", j->cf.changed, "backup", j->cf.backup);
		return;
	}
	printf("%s ", did);
	setup_print_path(j->cf.path);
	printf(".\n");
	setup_print_backup(&j->cf);
	if (j->cf.changed && j->app->restart)
		printf("%s\n", j->app->restart);
}

static bool take_out(struct job *j, struct err *e)
{
	char *did;

	if (j->old && (!client_file_remove(&j->cf, j->old, j->a->force, e) ||
			      !client_file_save(&j->cf, e)))
		return false;
	if (j->old)
		did = mem_printf("Removed the entry \"%s\" from", j->old->name);
	else
		did = mem_dup("Nothing to remove: there is no mpmcp entry in");
	say_file(j, did);
	free(did);
	return true;
}

static bool put_back(struct job *j, struct err *e)
{
	char *from = NULL, *did;
	bool good = client_file_undo(&j->cf, &from, e);

	if (good) {
		did = mem_printf("Restored the copy %s as", from);
		say_file(j, did);
		free(did);
	}
	free(from);
	return good;
}

/* ---- one client ---- */

/* Where the entry is to lead, when the person said. */
static const char *given_url(const struct options *a, struct err *e)
{
	return a->url || a->region ? endpoint_url(a, e) : NULL;
}

static bool make_entry(struct job *j, struct err *e)
{
	const struct options *a = j->a;

	if (!entry_make(a, j->app, j->old, &j->en, e))
		return false;
	j->refused = j->refused ||
		     (j->cf.path && !client_file_put(&j->cf, &j->en, j->old, a->force, &j->why));
	if (a->write)
		return write_entry(j, e);
	if (a->json)
		j->result = entry_json(&j->en);
	return a->json || show(j, e);
}

static bool run(struct job *j, struct err *e)
{
	const struct options *a = j->a;
	const char *url = given_url(a, e);
	bool shows = !a->write && !a->remove && !a->undo;

	if (!url && e->kind)
		return false;
	if (!client_file_open(&j->cf, j->app, a->project, &j->why)) {
		/* A file that cannot be read does not keep from showing an entry, or from putting back. */
		if (j->why.kind != ERR_IO || !(shows || a->undo)) {
			*e = j->why;
			return false;
		}
		j->refused = true;
	}
	if ((a->remove || a->undo) && !j->cf.path) {
		free(app_path(j->app, a->project, e));
		return false;
	}
	if (a->undo)
		return put_back(j, e);
	if (!client_file_find(&j->cf, a->name, url, &j->old, e))
		return false;
	return a->remove ? take_out(j, e) : make_entry(j, e);
}

static bool one_client(
	const struct options *a, const struct app *app, json_t *results, struct err *e)
{
	struct job j = { .a = a, .app = app };
	bool good = run(&j, e);

	if (j.result)
		json_array_append_new(results, j.result);
	entry_clear(&j.en);
	client_file_clear(&j.cf);
	return good;
}

/* ---- the command ---- */

static void print_json(json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text)
		printf("%s\n", text);
	free(text);
	json_decref(o);
}

struct clients {
	const struct app **item;
	size_t n;
	char *profile;    /* with --wsl: the person's folder on Windows */
	struct app **wsl; /* nwsl copies of clients, as they are there */
	size_t nwsl;
};

static const struct app *as_placed(struct clients *c, const struct app *app)
{
	if (!c->profile || !app)
		return app;
	c->wsl = mem_grow(c->wsl, c->nwsl + 1, sizeof(struct app *));
	c->wsl[c->nwsl] = wsl_app(app, c->profile);
	return c->wsl[c->nwsl++];
}

static void clients_clear(struct clients *c)
{
	for (size_t i = 0; i < c->nwsl; i++)
		free(c->wsl[i]);
	free(c->wsl);
	free(c->profile);
	free(c->item);
}

static void add_client(struct clients *c, const struct app *app)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->item[i]->name, app->name) == 0)
			return;
	c->item = mem_grow(c->item, c->n + 1, sizeof(const struct app *));
	c->item[c->n++] = app;
}

static bool find_clients(const struct options *a, struct clients *c, struct err *e)
{
	if (a->wsl && !a->words.n && !a->all)
		return err_set(e, ERR_USAGE, "--wsl needs a client, or --all");
	if (a->wsl && !(c->profile = wsl_profile(e)))
		return false;
	for (size_t i = 0; i < a->words.n; i++) {
		const struct app *app = as_placed(c, app_find(a->words.item[i], e));

		if (!app)
			return false;
		add_client(c, app);
	}
	for (size_t i = 0; a->all && i < napps; i++) {
		const struct app *app = as_placed(c, &apps[i]);

		if (app->file && (!a->project || app->project) && app_installed(app))
			add_client(c, app);
	}
	return c->n || !a->all ||
	       err_set(e, ERR_USAGE,
		       "no client that setup knows seems to be installed here; name one");
}

/* Every client gets its turn; the first failure gives the exit status. */
static enum err_kind each_client(const struct options *a, const struct clients *c)
{
	json_t *results = json_array();
	enum err_kind failed = ERR_NONE;

	for (size_t i = 0; i < c->n; i++) {
		struct err e = { 0 };

		if (i && !a->json)
			printf("\n");
		if (one_client(a, c->item[i], results, &e))
			continue;
		fflush(stdout);
		diag_error("%s", err_text(&e));
		failed = failed ? failed : e.kind;
	}
	if (a->json)
		print_json(json_incref(c->n > 1 || a->all ? results : json_array_get(results, 0)));
	json_decref(results);
	return failed;
}

static bool check_mode(const struct options *a, struct err *e)
{
	const char *mode = a->write ? "--write" : a->remove ? "--remove" : "--undo";

	if (a->write + a->remove + a->undo > 1)
		return err_set(e, ERR_USAGE, "give only one of --write, --remove and --undo");
	if ((a->write || a->remove || a->undo) && !a->words.n && !a->all)
		return err_set(
			e, ERR_USAGE, "%s needs a client: mpmcp setup CLIENT %s", mode, mode);
	return true;
}

int cmd_setup(const struct options *a)
{
	struct clients c = { 0 };
	struct err e = { 0 };
	bool good = check_mode(a, &e) && find_clients(a, &c, &e);
	enum err_kind failed = ERR_NONE;

	if (good && c.n)
		failed = each_client(a, &c);
	else if (good && a->json)
		print_json(setup_list_json(a, &e));
	else
		good = good && setup_list(a, &e);
	if (!good || e.kind)
		diag_error("%s", err_text(&e));
	clients_clear(&c);
	return (int)exit_for(e.kind ? e.kind : failed);
}
