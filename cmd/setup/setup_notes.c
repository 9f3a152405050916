#include "setup/setup.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/kept_account.h"
#include "base/mem.h"
#include "base/shell.h"
#include "endpoint.h"
#include "net/url.h"
#include "os/file.h"
#include "os/start.h"

/* ---- words ---- */

void setup_print_path(const char *path)
{
	const char *home = os_home();
	size_t n = home ? strlen(home) : 0;

	if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
		printf("~%s", path + n);
	else
		printf("%s", path);
}

static void print_word(const char *w)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	if (shell_word(&b, w))
		printf(" %s", buf_str(&b));
	buf_free(&b);
}

static void print_references(const struct entry *en, const struct options_list *names)
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
void setup_print_add(const struct entry *en, bool project)
{
	const struct app *app = en->app;
	const char *add = project ? app->add_project : app->add;

	if (!add || ((en->secrets.n || en->env.n) && !app->add_env))
		return;
	printf("Or use the client's own command (\"--\" separates mpmcp's options):\n\n    %s %s",
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

static void print_list(const char *before, const struct options_list *l, const char *behind)
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
	printf("The token is read from ");
	setup_print_path(en->token_file);
	printf("%s.\n",
		os_may(en->token_file, OS_MAY_READ)
			? ""
			: ", which does not exist yet. Create it, readable only by you, or remove "
			  "--sa-token-file and run \"mpmcp login --service-account\"");
}

/* "mpmcp login --service-account --region eu --profile work". */
static void print_login(const struct options *a, const struct entry *en, const char *more)
{
	const char *profile = a->profile, *region = endpoint_region(en->url);
	char *url = url_shown(en->url);

	if (!profile && en->old)
		profile = en->old->args.profile;
	printf("\"mpmcp login%s", more);
	if (region)
		printf(" --region %s", region);
	else
		print_word(url);
	if (profile) {
		printf(" --profile");
		print_word(profile);
	}
	printf("\"");
	free(url);
}

static bool is_kept(const struct options *a, const struct entry *en)
{
	struct kept_account k;
	const char *profile = a->profile, *folder = a->auth_dir;
	bool kept;

	if (!profile && en->old)
		profile = en->old->args.profile;
	if (!folder && en->old)
		folder = en->old->args.auth_dir;
	kept = kept_account_load(folder, en->url, profile, &k, NULL) == STORE_OK;
	kept_account_clear(&k);
	return kept;
}

static void print_kept_account(const struct options *a, const struct entry *en)
{
	printf("%s\n", en->app->why);
	if (is_kept(a, en)) {
		printf("The service account is already saved in the token folder.\n");
		return;
	}
	printf("Run ");
	print_login(a, en, " --service-account");
	printf(" once: it asks for the service account, checks it and saves it for you alone.\n");
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

static void print_sign_in(const struct options *a, const struct entry *en)
{
	printf("Sign in with ");
	print_login(a, en, "");
	printf(" now, or in the browser at the first use.\n");
}

/* What else a person has to know or do. */
void setup_print_notes(const struct options *a, const struct entry *en)
{
	const struct app *app = en->app;

	if (en->kept_account)
		print_kept_account(a, en);
	else if (en->secrets.n || en->token_file)
		print_service_account(en);
	else if (!en->service_account)
		print_sign_in(a, en);
	if (en->env.n)
		print_list("Also passed on, because this client would drop them: ", &en->env, ".");
	if (en->withheld.n)
		print_list("Set here, but this client does not pass them to a command: ",
			&en->withheld, ".");
	if (app->tears && has_blank(en))
		printf("%s splits arguments at spaces: avoid spaces in names, and use @FILE for "
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

/* ---- what changes ---- */

static void print_member(char mark, const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	printf("  %c %s: %s\n", mark, name, text ? text : "?");
	free(text);
}

void setup_print_change(const json_t *old, const json_t *now)
{
	json_t *was = old ? old_entry_masked(old) : json_object(), *is = old_entry_masked(now),
	       *value;
	const char *name;

	json_object_foreach(was, name, value)
	{
		const json_t *other = json_object_get(is, name);

		/* Compared unmasked: another secret is a change, too. */
		if (other && json_equal(json_object_get(old, name), json_object_get(now, name))) {
			print_member(' ', name, value);
			continue;
		}
		print_member('-', name, value);
		if (other)
			print_member('+', name, other);
	}
	json_object_foreach(is, name, value) if (!json_object_get(was, name))
		print_member('+', name, value);
	json_decref(was);
	json_decref(is);
}

void setup_print_carried(const struct entry *en)
{
	for (size_t i = 0; i < en->kept.n; i++)
		printf("  %s (kept from the old entry)\n", en->kept.item[i]);
	for (size_t i = 0; i < en->dropped.n; i++)
		printf("  %s (dropped; it was in the old entry)\n", en->dropped.item[i]);
}

/* ---- the copy ---- */

static bool in_repository(const char *path)
{
	char *folder = os_real_path(path), *slash;
	bool found = false;

	while (!found && folder && (slash = strrchr(folder, '/'))) {
		char *git;

		*slash = '\0';
		git = mem_printf("%s/.git", folder);
		found = os_may(git, OS_MAY_SEE);
		free(git);
	}
	free(folder);
	return found;
}

void setup_print_backup(const struct client_file *cf)
{
	bool secret = false;

	if (!cf->backup)
		return;
	printf("The file as it was: ");
	setup_print_path(cf->backup);
	printf(" (--undo restores it)\n");
	for (size_t i = 0; i < cf->nentries && !secret; i++)
		secret = old_entry_holds_secret(&cf->entries[i]);
	if (secret)
		printf("That copy holds a secret; delete it when the new entry works.\n");
	if (in_repository(cf->backup))
		printf("That copy is in a Git repository; do not commit it.\n");
}
