#include "setup/entry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mcp/policy/projects.h"
#include "endpoint.h"
#include "os/file.h"
#include "os/start.h"

#define TOKEN "MIXPANEL_SA_TOKEN"
#define PAIR_USER "MIXPANEL_SA_USERNAME"
#define PAIR_SECRET "MIXPANEL_SA_SECRET"

/* What the bridge reads from the environment; a client that withholds one of these is asked to hand it
 * on when it is set where the entry is made. */
static const char *const wanted[] = { "MPMCP_AUTH_DIR", "MCP_REMOTE_CONFIG_DIR", "SSL_CERT_FILE",
	"SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "https_proxy", "HTTPS_PROXY", "http_proxy",
	"HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" };
/* The same for the browser of a sign-in. */
static const char *const wanted_browser[] = { "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
	"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS" };

static bool has_word(const struct options_list *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->item[i], word) == 0)
			return true;
	return false;
}

static void list_free(struct options_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	*l = (struct options_list){ 0 };
}

/* ---- the command ---- */

/* A client starts in a folder of its own. */
static char *absolute(const char *path)
{
	char *here = os_is_absolute(path) ? NULL : os_current_folder(), *full;

	if (os_is_absolute(path))
		return mem_dup(path);
	if (!here)
		return NULL;
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	full = mem_printf("%s%s%s", here, strcmp(here, "/") == 0 ? "" : "/", path);
	free(here);
	return full;
}

static bool same_file(const char *a, const char *b)
{
	struct os_info x, y;

	return os_info_at(OS_HERE, a, true, &x) && os_info_at(OS_HERE, b, true, &y) &&
	       os_same(&x, &y);
}

/* The file that is running: as it was named, which outlives an upgrade better than what a link leads
 * to today. */
static char *this_program(const char *argv0)
{
	char *link;

	if (strchr(argv0, '/') && os_may(argv0, OS_MAY_RUN))
		return absolute(argv0);
	if (*argv0 && !strchr(argv0, '/') && (link = app_which(argv0)))
		return link;
	return os_program_path();
}

/*
 * The bare name where the client looks in the same PATH as this shell, or where the file is shared
 * with people who have the program elsewhere. A desktop application's PATH is another one.
 */
/* Windows starts the program in this distribution. */
static void start_in_wsl(struct entry *en)
{
	const char *const words[] = { "-d", getenv("WSL_DISTRO_NAME"), "-e", en->command };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		options_list_add(&en->args, mem_dup(words[i]));
	free(en->command);
	en->command = mem_dup("wsl.exe");
}

static bool find_command(struct entry *en, const struct options *a, struct err *e)
{
	char *self = this_program(a->program), *found = app_which("mpmcp");

	en->plain = found && (!self || same_file(self, found)) &&
		    (!en->app->desktop || a->project) && !en->app->windows;
	if (en->plain)
		en->command = mem_dup("mpmcp");
	else if (self && found && same_file(self, found))
		en->command = mem_dup(found);
	else if (self)
		en->command = mem_dup(self);
	if (en->command && en->app->windows)
		start_in_wsl(en);
	free(self);
	free(found);
	return en->command ||
	       err_set(e, ERR_IO, "cannot find the path of this program; run it by its full path");
}

/* ---- the arguments ---- */

/* Several clients replace ${NAME} in arguments, so that a secret would stand in the list of processes
 * even when only its name is in the file. */
static bool check_headers(const struct options *a, struct err *e)
{
	for (size_t i = 0; i < a->headers.n; i++) {
		const char *h = a->headers.item[i];

		if (!sounds_secret(h, strcspn(h, ":")))
			continue;
		err_set(e, ERR_USAGE,
			"the value of the header \"%.*s\" would be visible in the client's file or "
			"in the process list: put the field into a file and use --header-file, or "
			"use --service-account",
			(int)(strcspn(h, ":") > 60 ? 60 : strcspn(h, ":")), h);
		err_clean(e->msg);
		return false;
	}
	return true;
}

static bool check_client_info(const struct options *a, struct err *e)
{
	json_t *info = a->client_info && *a->client_info != '@'
			       ? json_loads(a->client_info, 0, NULL)
			       : NULL;
	bool bare = json_is_string(json_object_get(info, "client_secret"));

	json_decref(info);
	if (!bare)
		return true;
	return err_set(e, ERR_USAGE,
		"the client_secret would be visible in the client's file: put the JSON into a file "
		"and use --static-oauth-client-info @FILE");
}

/* ---- what the old entry says ---- */

/* What is told of an option's value: never what may be a secret. */
static char *told(const struct opt *o, const char *value)
{
	if (!value)
		return mem_printf("--%s", o->name);
	if (strcmp(o->name, "header") == 0)
		return mem_printf("--header %.*s", (int)strcspn(value, ":"), value);
	if (strcmp(o->name, "authorize-param") == 0)
		return mem_printf("--authorize-param %.*s", (int)strcspn(value, "="), value);
	if (strcmp(o->arg, "JSON") == 0 && *value != '@')
		return mem_printf("--%s", o->name);
	return mem_printf("--%s %s", o->name, value);
}

static bool gives_header(const struct options *a, const char *field)
{
	size_t n = strcspn(field, ":") + 1;

	for (size_t i = 0; i < a->headers.n; i++)
		if (strncasecmp(a->headers.item[i], field, n) == 0)
			return true;
	return false;
}

/* A service account that is asked for now takes the place of the credential that is there, which would
 * be used first. */
static bool outdated(
	const struct entry *en, const struct options *a, const struct opt *o, const char *value)
{
	bool account = a->service_account || a->sa_token_file;

	if (strcmp(o->name, "header") == 0)
		return gives_header(a, value) ||
		       (account && strncasecmp(value, "authorization:", 14) == 0);
	return strcmp(o->name, "sa-token-file") == 0 && a->service_account &&
	       en->app->secret != APP_FILE;
}

struct repeat {
	struct entry *en;
	const struct options *a;
	size_t given;
	bool failed;
};

/* A path in a value must hold wherever the client starts us. */
static char *settled(const struct opt *o, const char *value)
{
	char *path, *text;

	if (strcmp(o->arg, "FILE") == 0 || strcmp(o->arg, "DIR") == 0)
		return absolute(value);
	if (strcmp(o->arg, "JSON") != 0 || *value != '@')
		return mem_dup(value);
	path = absolute(value + 1);
	text = path ? mem_printf("@%s", path) : NULL;
	free(path);
	return text;
}

static void repeat_option(void *ctx, const struct opt *o, const char *value)
{
	struct repeat *r = ctx;
	char *text = value ? settled(o, value) : NULL;

	r->given++;
	options_list_add(&r->en->args, mem_printf("--%s", o->name));
	if (text)
		options_list_add(&r->en->args, text);
	else if (value)
		r->failed = true;
}

/* Word for word: where a relative path of the old entry begins is the client's affair. */
static void keep_option(void *ctx, const struct opt *o, const char *value)
{
	struct repeat *r = ctx;

	if (outdated(r->en, r->a, o, value)) {
		options_list_add(&r->en->dropped, told(o, value));
		return;
	}
	options_list_add(&r->en->kept, told(o, value));
	options_list_add(&r->en->args, mem_printf("--%s", o->name));
	if (value)
		options_list_add(&r->en->args, mem_dup(value));
}

static void drop_option(void *ctx, const struct opt *o, const char *value)
{
	struct repeat *r = ctx;

	options_list_add(&r->en->dropped, told(o, value));
}

static char *told_url(const char *url)
{
	const char *region = endpoint_region(url);

	if (!region)
		return mem_printf("URL %.*s", (int)strcspn(url, "?"), url);
	return mem_printf("Region %c%c", region[0] - 'a' + 'A', region[1] - 'a' + 'A');
}

/* The URL itself, for other tools that look into the file for it. */
static bool say_endpoint(
	struct entry *en, const struct options *a, const struct old_entry *old, struct err *e)
{
	bool given = a->url || a->region;
	struct options was = { .url = old ? old->url : NULL,
		.allow_http = a->allow_http || (old && old->args.allow_http) };

	en->url = endpoint_url(!given && was.url ? &was : a, e);
	if (!en->url)
		return false;
	if (!given && was.url)
		options_list_add(&en->kept, told_url(en->url));
	options_list_add(&en->args, mem_dup(en->url));
	if (old && !a->force && old->args.callback_port && was.url && strcmp(en->url, was.url) == 0)
		options_list_add(&en->args, mem_dup(old->args.callback_port));
	return true;
}

static bool repeats(const struct opt *o)
{
	static const char *const own[] = { "help", "version", "region", "only-project" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(o->name, own[i]) == 0)
			return false;
	return (o->commands & FOR_BRIDGE) != 0;
}

/* One word for what option and variable allow together: what holds for the whole machine must not end
 * where a client hands on no variables. */
static bool fill_projects(
	struct entry *en, const struct options *a, const struct old_entry *old, struct err *e)
{
	const struct options_list *given = &a->only_projects;
	struct err why = { 0 };
	struct projects *p;
	struct buf ids;
	bool good;

	if (!given->n && old && !a->force)
		given = &old->args.only_projects;
	else if (!given->n && old && old->args.only_projects.n)
		options_list_add(&en->dropped, mem_dup("--only-project"));
	p = projects_new(given->item, given->n, getenv("MPMCP_ONLY_PROJECT"), &why);
	if (!p)
		return !why.kind || err_set(e, why.kind, "%s", why.msg);
	buf_init(&ids, SIZE_MAX / 2);
	good = projects_list(p, &ids) || err_set(e, ERR_LIMIT, "out of memory");
	options_list_add(&en->args, mem_dup("--only-project"));
	options_list_add(&en->args, mem_dup(buf_str(&ids)));
	if (given != &a->only_projects && given->n)
		options_list_add(&en->kept, mem_printf("--only-project %s", buf_str(&ids)));
	buf_free(&ids);
	projects_free(p);
	return good;
}

/* Each option as it is given now, else as the old entry has it. */
static void fill_options(struct repeat *r, const struct old_entry *old)
{
	for (size_t i = 0; i < options_noptions; i++) {
		const struct opt *o = &options_options[i];
		bool lists = strcmp(o->name, "header") == 0;

		r->given = 0;
		if (!repeats(o))
			continue;
		options_each(r->a, o, repeat_option, r);
		/* An entry that starts another program, or none, has no options of ours. */
		if (old && old->args.command && (!r->given || lists))
			options_each(&old->args, o, r->a->force ? drop_option : keep_option, r);
	}
}

static bool fill_args(
	struct entry *en, const struct options *a, const struct old_entry *old, struct err *e)
{
	struct repeat r = { .en = en, .a = a };

	if (!say_endpoint(en, a, old, e))
		return false;
	fill_options(&r, old);
	if (!fill_projects(en, a, old, e))
		return false;
	/* The same as for projects. */
	if (options_read_only_variable() && !has_word(&en->args, "--read-only"))
		options_list_add(&en->args, mem_dup("--read-only"));
	return !r.failed ||
	       err_set(e, ERR_IO, "cannot find the current folder; change to one that exists");
}

/* ---- secrets and variables ---- */

static bool fill_secret(struct entry *en, const struct options *a)
{
	en->service_account = a->service_account || a->sa_token_file;
	if (a->sa_token_file) {
		en->token_file = absolute(a->sa_token_file);
		return en->token_file != NULL;
	}
	if (!a->service_account)
		return true;
	if (en->app->secret == APP_FILE && en->old && en->old->args.sa_token_file) {
		if (os_is_absolute(en->old->args.sa_token_file))
			en->token_file = mem_dup(en->old->args.sa_token_file);
	} else if (en->app->secret == APP_FILE) {
		en->kept_account = true;
	} else if (en->app->secret != APP_INPUT && !os_variable(TOKEN) && os_variable(PAIR_USER) &&
		   os_variable(PAIR_SECRET)) {
		options_list_add(&en->secrets, mem_dup(PAIR_USER));
		options_list_add(&en->secrets, mem_dup(PAIR_SECRET));
	} else {
		options_list_add(&en->secrets, mem_dup(TOKEN));
	}
	return true;
}

static void want(struct entry *en, const char *name)
{
	struct options_list *l = en->app->secret == APP_FILE ? &en->withheld : &en->env;

	if (en->old && old_entry_has_env(en->old, name))
		return;
	if (app_withholds(en->app, name) && !entry_refers(en, name) && !has_word(l, name))
		options_list_add(l, mem_dup(name));
}

static void want_set(struct entry *en, const char *name)
{
	if (os_variable(name))
		want(en, name);
}

/* ${NAME} in what is repeated is replaced by us, out of what the client hands on. */
static void want_named(struct entry *en, const char *text)
{
	const char *p = text, *end;

	while ((p = strstr(p, "${")) && (end = strchr(p, '}'))) {
		char *name = mem_ndup(p + 2, (size_t)(end - p) - 2);

		want(en, name);
		free(name);
		p = end;
	}
}

static void fill_env(struct entry *en)
{
	for (size_t i = 0; i < en->args.n; i++)
		want_named(en, en->args.item[i]);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		want_set(en, wanted[i]);
	for (size_t i = 0;
		i < sizeof(wanted_browser) / sizeof(wanted_browser[0]) && !en->service_account; i++)
		want_set(en, wanted_browser[i]);
}

/* Members that a new entry sets itself, or that stand for a connection without us. */
static bool is_own_member(const char *name)
{
	static const char *const own[] = { "type", "command", "args", "env", "env_vars",
		"environment" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], name) == 0)
			return true;
	return false;
}

static void tell_variables(struct entry *en, struct options_list *l, const json_t *old)
{
	json_t *env = old_entry_env(old), *names = json_object_get(old, "env_vars"), *value;
	const char *name;
	size_t i;

	json_object_foreach(env, name, value)
	{
		if (!has_word(&en->secrets, name))
			options_list_add(l, mem_printf("env %s", name));
	}
	json_array_foreach(names, i, value)
	{
		if (json_is_string(value) && !has_word(&en->secrets, json_string_value(value)))
			options_list_add(l, mem_printf("env %s", json_string_value(value)));
	}
}

/* The members stay where they are (client_file.h); here they are told. */
static void tell_members(struct entry *en, const struct options *a, const json_t *old)
{
	struct options_list *l = a->force ? &en->dropped : &en->kept;
	const char *name;
	json_t *value;

	tell_variables(en, l, old);
	json_object_foreach((json_t *)old, name, value)
	{
		if (!is_own_member(name))
			options_list_add(
				entry_is_direct_member(name) ? &en->dropped : l, mem_dup(name));
	}
}

/* ---- the whole ---- */

bool entry_is_direct_member(const char *name)
{
	static const char *const direct[] = { "url", "serverUrl", "httpUrl", "headers" };

	for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++)
		if (strcmp(direct[i], name) == 0)
			return true;
	return false;
}

static bool check_name(const char *name, struct err *e)
{
	static const char fit[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strlen(name);

	return (n <= 60 && strspn(name, fit) == n) ||
	       err_set(e, ERR_USAGE, "--name takes up to 60 letters, digits, \"-\" and \"_\"");
}

static bool is_utf8(const char *word)
{
	json_t *text = json_string(word);

	json_decref(text);
	return text != NULL;
}

/* Neither JSON nor TOML can hold anything else. */
static bool check_text(const struct entry *en, struct err *e)
{
	bool good = is_utf8(en->command);

	for (size_t i = 0; i < en->args.n; i++)
		good = good && is_utf8(en->args.item[i]);
	return good || err_set(e, ERR_USAGE,
			       "a path or argument is not UTF-8, which the client's file requires");
}

static bool check_old(const struct options *a, const struct old_entry *old, struct err *e)
{
	if (!old || a->force || !old->unread.kind)
		return true;
	return err_set(e, ERR_USAGE,
		"the entry \"%s\" cannot be carried over: %s. Change it by hand, or use --force to "
		"replace it as a whole",
		old->name, old->unread.msg);
}

bool entry_make(const struct options *a, const struct app *app, const struct old_entry *old,
	struct entry *en, struct err *e)
{
	*en = (struct entry){ .app = app, .old = a->force ? NULL : old, .name = a->name };
	if (!en->name)
		en->name = old ? old->name : "mixpanel";
	if ((a->name && !check_name(en->name, e)) || !check_old(a, old, e) ||
		!check_headers(a, e) || !check_client_info(a, e) || !find_command(en, a, e) ||
		!fill_args(en, a, old, e) || !fill_secret(en, a) || !check_text(en, e))
		return false;
	en->service_account = en->service_account || (en->old && old_entry_has_credential(en->old));
	fill_env(en);
	if (old)
		tell_members(en, a, old->value);
	return true;
}

void entry_clear(struct entry *en)
{
	list_free(&en->args);
	list_free(&en->secrets);
	list_free(&en->env);
	list_free(&en->withheld);
	list_free(&en->kept);
	list_free(&en->dropped);
	free(en->command);
	free(en->token_file);
	*en = (struct entry){ 0 };
}

bool entry_refers(const struct entry *en, const char *variable)
{
	return has_word(&en->secrets, variable) || has_word(&en->env, variable);
}

static bool is_asked_for(const struct entry *en, const char *variable)
{
	return en->app->secret == APP_INPUT && strcmp(variable, TOKEN) == 0;
}

char *entry_reference(const struct entry *en, const char *variable)
{
	if (is_asked_for(en, variable))
		return mem_printf("${input:%s-sa-token}", en->name);
	if (!en->app->reference)
		return mem_dup("");
	return mem_printf("%s%s%s", en->app->reference, variable, en->app->behind);
}

static void add_words(json_t *array, const struct options_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(array, json_string(l->item[i]));
}

static void add_references(json_t *env, const struct entry *en, const struct options_list *names)
{
	for (size_t i = 0; i < names->n; i++) {
		char *reference = entry_reference(en, names->item[i]);

		json_object_set_new(env, names->item[i], json_string(reference));
		free(reference);
	}
}

static const char *env_member(const struct app *app)
{
	if (app->env_member)
		return app->env_member;
	return app->secret == APP_NAMES ? "env_vars" : "env";
}

static void add_env(json_t *o, const struct entry *en)
{
	bool names = en->app->secret == APP_NAMES;
	json_t *env = names ? json_array() : json_object();

	if (!en->secrets.n && !en->env.n) {
		json_decref(env);
		return;
	}
	if (names) {
		add_words(env, &en->secrets);
		add_words(env, &en->env);
	} else {
		add_references(env, en, &en->secrets);
		add_references(env, en, &en->env);
	}
	json_object_set_new(o, env_member(en->app), env);
}

static void add_command(json_t *o, const struct entry *en)
{
	const char *member = en->app->command_member ? en->app->command_member : "command";
	json_t *words = json_array();

	if (en->app->joined)
		json_array_append_new(words, json_string(en->command));
	else
		json_object_set_new(o, member, json_string(en->command));
	add_words(words, &en->args);
	json_object_set_new(o, en->app->joined ? member : "args", words);
}

json_t *entry_json(const struct entry *en)
{
	json_t *o = json_object();

	if (en->app->type)
		json_object_set_new(o, "type", json_string(en->app->type));
	add_command(o, en);
	add_env(o, en);
	if (en->app->tools)
		json_object_set_new(o, "tools", json_pack("[s]", "*"));
	if (en->app->enabled)
		json_object_set_new(o, "enabled", json_true());
	return o;
}

json_t *entry_input(const struct entry *en)
{
	char *id;
	json_t *o;

	if (en->app->secret != APP_INPUT || !en->secrets.n)
		return NULL;
	id = mem_printf("%s-sa-token", en->name);
	o = json_pack("{s:s, s:s, s:s, s:b}", "type", "promptString", "id", id, "description",
		"Mixpanel service account: base64 of username:secret", "password", 1);
	free(id);
	return o;
}
