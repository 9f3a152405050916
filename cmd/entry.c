#include "entry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mcp/projects.h"
#include "target.h"

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

static const char *set_variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static void list_add(struct args_list *l, char *owned)
{
	l->item = mem_grow(l->item, l->n + 1, sizeof(char *));
	l->item[l->n++] = owned;
}

static bool has_word(const struct args_list *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->item[i], word) == 0)
			return true;
	return false;
}

static void list_free(struct args_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	*l = (struct args_list){ 0 };
}

/* ---- the command ---- */

/* A client starts in a folder of its own. */
static char *absolute(const char *path)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0), *full;

	if (*path == '/')
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
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The file that is running: as it was named, which outlives an upgrade better than what a link leads
 * to today. */
static char *this_program(const char *argv0)
{
	char *link;
	ssize_t n;

	if (strchr(argv0, '/') && access(argv0, X_OK) == 0)
		return absolute(argv0);
	if (*argv0 && !strchr(argv0, '/') && (link = app_which(argv0)))
		return link;
	link = mem_new(4097);
	n = readlink("/proc/self/exe", link, 4096);
	if (n > 0)
		return link;
	free(link);
	return NULL;
}

/*
 * The bare name where the client looks in the same PATH as this shell, or where the file is shared
 * with people who have the program elsewhere. A desktop application's PATH is another one.
 */
static bool find_command(struct entry *en, const struct args *a, struct err *e)
{
	char *self = this_program(a->program), *found = app_which("mpmcp");

	en->plain = found && (!self || same_file(self, found)) && (!en->app->desktop || a->project);
	if (en->plain)
		en->command = mem_dup("mpmcp");
	else if (self && found && same_file(self, found))
		en->command = mem_dup(found);
	else if (self)
		en->command = mem_dup(self);
	free(self);
	free(found);
	return en->command ||
	       err_set(e, ERR_IO, "cannot tell where this program lies; call it by its full path");
}

/* ---- the arguments ---- */

static bool sounds_secret(const char *name, size_t n)
{
	static const char *const parts[] = { "auth", "token", "key", "secret", "cookie", "passw",
		"cred", "session", "signature" };

	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
		for (size_t i = 0; i + strlen(parts[k]) <= n; i++)
			if (strncasecmp(name + i, parts[k], strlen(parts[k])) == 0)
				return true;
	return false;
}

/* Several clients replace ${NAME} in arguments, so that a secret would stand in the list of processes
 * even when only its name is in the file. */
static bool check_headers(const struct args *a, struct err *e)
{
	for (size_t i = 0; i < a->headers.n; i++) {
		const char *h = a->headers.item[i];

		if (!sounds_secret(h, strcspn(h, ":")))
			continue;
		err_set(e, ERR_USAGE,
			"the value of the header \"%.*s\" would stand in the client's file or in "
			"the list of "
			"processes: put the field into a file and use --header-file, or use "
			"--service-account",
			(int)(strcspn(h, ":") > 60 ? 60 : strcspn(h, ":")), h);
		err_clean(e->msg);
		return false;
	}
	return true;
}

static bool check_client_info(const struct args *a, struct err *e)
{
	json_t *info = a->client_info && *a->client_info != '@'
			       ? json_loads(a->client_info, 0, NULL)
			       : NULL;
	bool bare = json_is_string(json_object_get(info, "client_secret"));

	json_decref(info);
	if (!bare)
		return true;
	return err_set(e, ERR_USAGE,
		"the client_secret would stand in the client's file: put the JSON into a file and "
		"use "
		"--static-oauth-client-info @FILE");
}

struct repeat {
	struct entry *en;
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

	list_add(&r->en->args, mem_printf("--%s", o->name));
	if (text)
		list_add(&r->en->args, text);
	else if (value)
		r->failed = true;
}

static void say_endpoint(struct entry *en, const struct args *a)
{
	const char *region = a->region ? a->region : set_variable("MIXPANEL_REGION");

	if (a->url) {
		list_add(&en->args, mem_dup(a->url));
		return;
	}
	list_add(&en->args, mem_dup("--region"));
	list_add(&en->args, mem_dup(region ? region : "us"));
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
static bool fill_projects(struct entry *en, const struct args *a, struct err *e)
{
	struct err why = { 0 };
	struct projects *p = projects_new(
		a->only_projects.item, a->only_projects.n, getenv("MPMCP_ONLY_PROJECT"), &why);
	struct buf ids;
	bool good;

	if (!p)
		return !why.kind || err_set(e, why.kind, "%s", why.msg);
	buf_init(&ids, SIZE_MAX / 2);
	good = projects_list(p, &ids) || err_set(e, ERR_LIMIT, "out of memory");
	list_add(&en->args, mem_dup("--only-project"));
	list_add(&en->args, mem_dup(buf_str(&ids)));
	buf_free(&ids);
	projects_free(p);
	return good;
}

static bool fill_args(struct entry *en, const struct args *a, struct err *e)
{
	struct repeat r = { .en = en };

	say_endpoint(en, a);
	for (size_t i = 0; i < args_noptions; i++)
		if (repeats(&args_options[i]))
			args_each(a, &args_options[i], repeat_option, &r);
	if (!fill_projects(en, a, e))
		return false;
	/* The same as for projects. */
	if (set_variable("MPMCP_READ_ONLY") && strcmp(getenv("MPMCP_READ_ONLY"), "0") != 0 &&
		!a->read_only)
		list_add(&en->args, mem_dup("--read-only"));
	return !r.failed ||
	       err_set(e, ERR_IO, "cannot tell which folder this is; go to one that exists");
}

/* ---- secrets and variables ---- */

static char *token_file(struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config == '/')
		return mem_printf("%s/mpmcp/sa-token", config);
	if (home && *home == '/')
		return mem_printf("%s/.config/mpmcp/sa-token", home);
	err_set(e, ERR_USAGE, "HOME is not set: use --sa-token-file FILE");
	return NULL;
}

static bool fill_secret(struct entry *en, const struct args *a, struct err *e)
{
	en->service_account = a->service_account || a->sa_token_file;
	if (a->sa_token_file) {
		en->token_file = absolute(a->sa_token_file);
		return en->token_file != NULL;
	}
	if (!a->service_account)
		return true;
	if (en->app->secret == APP_FILE) {
		en->token_file = token_file(e);
		if (!en->token_file)
			return false;
		list_add(&en->args, mem_dup("--sa-token-file"));
		list_add(&en->args, mem_dup(en->token_file));
	} else if (en->app->secret != APP_INPUT && !set_variable(TOKEN) &&
		   set_variable(PAIR_USER) && set_variable(PAIR_SECRET)) {
		list_add(&en->secrets, mem_dup(PAIR_USER));
		list_add(&en->secrets, mem_dup(PAIR_SECRET));
	} else {
		list_add(&en->secrets, mem_dup(TOKEN));
	}
	return true;
}

static void want(struct entry *en, const char *name)
{
	struct args_list *l = en->app->secret == APP_FILE ? &en->withheld : &en->env;

	if (app_withholds(en->app, name) && !entry_refers(en, name) && !has_word(l, name))
		list_add(l, mem_dup(name));
}

static void want_set(struct entry *en, const char *name)
{
	if (set_variable(name))
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

/* ---- the whole ---- */

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
	return good ||
	       err_set(e, ERR_USAGE,
		       "a path or argument is not UTF-8, and the client's file can hold no other");
}

bool entry_make(const struct args *a, const struct app *app, struct entry *en, struct err *e)
{
	*en = (struct entry){ .app = app, .name = a->name ? a->name : "mixpanel" };
	if (!check_name(en->name, e) || !target_url(a, e) || !check_headers(a, e) ||
		!check_client_info(a, e) || !find_command(en, a, e) || !fill_args(en, a, e) ||
		!fill_secret(en, a, e) || !check_text(en, e))
		return false;
	fill_env(en);
	return true;
}

void entry_clear(struct entry *en)
{
	list_free(&en->args);
	list_free(&en->secrets);
	list_free(&en->env);
	list_free(&en->withheld);
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

static void add_words(json_t *array, const struct args_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(array, json_string(l->item[i]));
}

static void add_references(json_t *env, const struct entry *en, const struct args_list *names)
{
	for (size_t i = 0; i < names->n; i++) {
		char *reference = entry_reference(en, names->item[i]);

		json_object_set_new(env, names->item[i], json_string(reference));
		free(reference);
	}
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
	json_object_set_new(o, names ? "env_vars" : "env", env);
}

json_t *entry_json(const struct entry *en)
{
	json_t *o = json_object(), *args = json_array();

	if (en->app->type)
		json_object_set_new(o, "type", json_string(en->app->type));
	json_object_set_new(o, "command", json_string(en->command));
	add_words(args, &en->args);
	json_object_set_new(o, "args", args);
	add_env(o, en);
	if (en->app->tools)
		json_object_set_new(o, "tools", json_pack("[s]", "*"));
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
