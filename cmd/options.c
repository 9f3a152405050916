#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/pasted.h"
#include "commands.h"
#include "wrapper.h"

#define O(field) offsetof(struct options, field)

#define CHOICES(...) ((const char *const[]){ __VA_ARGS__, NULL })
const char *const options_regions[] = { "us", "eu", "in", NULL };

/* Few rows have choices; the others leave them out. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off: one row a line */
const struct opt options_options[] = {
	{ "all", NULL, OPT_FLAG, O(all), FOR_LOGOUT | FOR_SETUP | FOR_DOCTOR | FOR_HELP,
		GROUP_COMMAND, "every sign-in, installed client, check; every option of --help" },
	{ "allow-http", NULL, OPT_FLAG, O(allow_http), FOR_SERVICE, GROUP_CONNECTION,
		"allow http:// to other machines" },
	{ "assume-pkce-s256", NULL, OPT_FLAG, O(assume_pkce), FOR_SIGN_IN, GROUP_SIGN_IN,
		"sign in although the server does not announce PKCE" },
	{ "auth-dir", "DIR", OPT_TEXT, O(auth_dir), FOR_SERVICE, GROUP_SIGN_IN,
		"keep sign-ins here instead of ~/.mcp-auth" },
	{ "auth-success-url", "URL", OPT_TEXT, O(auth_success_url), FOR_SIGN_IN, GROUP_SIGN_IN,
		"open this page after signing in" },
	{ "auth-timeout", "SECONDS", OPT_SECONDS, O(auth_timeout_ms), FOR_SIGN_IN, GROUP_SIGN_IN,
		"longest wait for a person to sign in (300)" },
	{ "authorize-param", "NAME=VALUE", OPT_LIST, O(authorize_params), FOR_SERVICE,
		GROUP_SIGN_IN, "another parameter for the sign-in page" },
	{ "body-timeout", "SECONDS", OPT_SECONDS, O(body_timeout_ms), FOR_SERVICE, GROUP_CONNECTION,
		"longest pause inside a response; 0: no limit (300)" },
	{ "cacert", "FILE", OPT_TEXT, O(cacert), FOR_SERVICE, GROUP_CONNECTION,
		"trust only the certificate authorities in FILE" },
	{ "callback-path", "PATH", OPT_TEXT, O(callback_path), FOR_SIGN_IN, GROUP_SIGN_IN,
		"path of the redirect URI (/oauth/callback)" },
	{ "check", NULL, OPT_FLAG, O(check), FOR_STATUS, GROUP_COMMAND,
		"ask the service whether the credential works" },
	{ "client-credentials", NULL, OPT_FLAG, O(client_credentials), FOR_SERVICE, GROUP_SIGN_IN,
		"sign in as a client, without a person" },
	{ "client-metadata-url", "URL", OPT_TEXT, O(client_metadata_url), FOR_SERVICE,
		GROUP_SIGN_IN, "client ID metadata document, if the server supports it" },
	{ "connect-timeout", "SECONDS", OPT_SECONDS, O(connect_timeout_ms), FOR_SERVICE,
		GROUP_CONNECTION, "longest wait for a connection (10)" },
	{ "debug", NULL, OPT_FLAG, O(debug), FOR_SERVICE, GROUP_OUTPUT,
		"write a trace to standard error" },
	{ "device-code", NULL, OPT_FLAG, O(device_code), FOR_SIGN_IN, GROUP_SIGN_IN,
		"sign in with a code on another device" },
	{ "disable-cookies", NULL, OPT_FLAG, O(no_cookies), FOR_SERVICE, GROUP_CONNECTION,
		"neither keep nor send cookies" },
	{ "disable-resource-parameter", NULL, OPT_FLAG, O(no_resource), FOR_SIGN_IN, GROUP_SIGN_IN,
		"send no resource parameter when signing in" },
	{ "enable-proxy", NULL, OPT_FLAG, O(enable_proxy), FOR_SERVICE, GROUP_CONNECTION,
		"use HTTP_PROXY for https too (other proxy variables are always used)" },
	{ "force", NULL, OPT_FLAG, O(force), FOR_LOGIN | FOR_SETUP, GROUP_COMMAND,
		"login: sign in again; setup: replace the whole entry" },
	{ "header", "NAME:VALUE", OPT_LIST, O(headers), FOR_SERVICE, GROUP_CONNECTION,
		"send this header; ${NAME} reads the environment" },
	{ "header-file", "FILE", OPT_LIST, O(header_files), FOR_SERVICE, GROUP_CONNECTION,
		"send the headers in FILE, one per line" },
	{ "headers-timeout", "SECONDS", OPT_SECONDS, O(headers_timeout_ms), FOR_SERVICE,
		GROUP_CONNECTION, "longest wait for a response to begin (300)" },
	{ "help", NULL, OPT_FLAG, O(help), FOR_ALL, GROUP_OUTPUT, "show this help" },
	{ "host", "NAME", OPT_TEXT, O(host), FOR_SIGN_IN, GROUP_SIGN_IN,
		"host of the redirect URI (localhost)" },
	{ "ignore-tool", "GLOB", OPT_LIST, O(ignore_tools), FOR_POLICY, GROUP_RULES,
		"hide and block these tools" },
	{ "import", NULL, OPT_FLAG, O(import), FOR_LOGIN, GROUP_COMMAND,
		"import mcp-remote's sign-in" },
	{ "ipv4", NULL, OPT_FLAG, O(ipv4), FOR_SERVICE, GROUP_CONNECTION,
		"connect over IPv4 only" },
	{ "json", NULL, OPT_FLAG, O(json),
		FOR_LOGIN | FOR_STATUS | FOR_TOOLS | FOR_CALL | FOR_SETUP | FOR_DOCTOR,
		GROUP_OUTPUT, "print JSON, for scripts" },
	{ "keep-alive", NULL, OPT_FLAG, O(keep_alive), FOR_BRIDGE, GROUP_CONNECTION,
		"ping an idle server every 30 seconds: 120 requests per hour" },
	{ "log-calls", "FILE", OPT_TEXT, O(log_calls), FOR_BRIDGE, GROUP_OUTPUT,
		"add a line about each tool call to FILE" },
	{ "log-file", "FILE", OPT_TEXT, O(log_file), FOR_SERVICE, GROUP_OUTPUT,
		"also write messages to FILE" },
	{ "name", "NAME", OPT_TEXT, O(name), FOR_SETUP | FOR_DOCTOR, GROUP_COMMAND,
		"name of the entry (mixpanel)" },
	{ "no-browser", NULL, OPT_FLAG, O(no_browser), FOR_SIGN_IN, GROUP_SIGN_IN,
		"print the address, open no browser" },
	{ "only-project", "ID[,ID]", OPT_LIST, O(only_projects), FOR_POLICY, GROUP_RULES,
		"allow calls only for these projects" },
	{ "only-tool", "GLOB", OPT_LIST, O(only_tools), FOR_POLICY, GROUP_RULES,
		"allow only these tools; @analytics, @boards, ..." },
	{ "output", "FORM", OPT_CHOICE, O(output), FOR_CALL, GROUP_OUTPUT,
		"format of the result (table on a terminal, else json)",
		CHOICES("table", "json", "raw", "csv") },
	{ "ping-interval", "SECONDS", OPT_SECONDS, O(ping_interval_ms), FOR_BRIDGE,
		GROUP_CONNECTION, "ping an idle server this often; turns --keep-alive on" },
	{ "profile", "NAME", OPT_TEXT, O(profile), FOR_SERVICE, GROUP_SIGN_IN,
		"use a separate sign-in called NAME" },
	{ "project", NULL, OPT_FLAG, O(project), FOR_SETUP | FOR_DOCTOR, GROUP_COMMAND,
		"write the project's file, in this folder" },
	{ "protocol", "ERA", OPT_CHOICE, O(protocol), FOR_POLICY, GROUP_CONNECTION,
		"protocol era of the server (auto)", CHOICES("auto", "legacy", "modern") },
	{ "read-only", NULL, OPT_FLAG, O(read_only), FOR_POLICY, GROUP_RULES,
		"block tools that modify data" },
	{ "region", "REGION", OPT_CHOICE, O(region), FOR_SERVICE, GROUP_CONNECTION,
		"used when no URL is given", options_regions },
	{ "remove", NULL, OPT_FLAG, O(remove), FOR_SETUP, GROUP_COMMAND,
		"remove the entry from the client's file" },
	{ "resource", "URL", OPT_TEXT, O(resource), FOR_SERVICE, GROUP_SIGN_IN,
		"resource parameter; makes it a separate sign-in" },
	{ "sa-token-file", "FILE", OPT_TEXT, O(sa_token_file), FOR_SERVICE, GROUP_SIGN_IN,
		"read the service-account token from FILE" },
	{ "service-account", NULL, OPT_FLAG, O(service_account), FOR_LOGIN | FOR_SETUP,
		GROUP_COMMAND, "login: save one; setup: use the one in MIXPANEL_SA_TOKEN" },
	{ "silent", NULL, OPT_FLAG, O(silent), FOR_SERVICE, GROUP_OUTPUT,
		"print nothing but errors" },
	{ "static-oauth-client-info", "JSON", OPT_TEXT, O(client_info), FOR_SERVICE, GROUP_SIGN_IN,
		"preregistered client: JSON or @FILE, with ${NAME}" },
	{ "static-oauth-client-metadata", "JSON", OPT_TEXT, O(client_metadata), FOR_SERVICE,
		GROUP_SIGN_IN, "registration metadata, e.g. scope: JSON or @FILE" },
	{ "timeout", "SECONDS", OPT_SECONDS, O(timeout_ms), FOR_LOGIN, GROUP_SIGN_IN,
		"the same as --auth-timeout" },
	{ "token-endpoint", "URL", OPT_TEXT, O(token_endpoint), FOR_SERVICE, GROUP_SIGN_IN,
		"with --client-credentials: skip discovery" },
	{ "transport", "KIND", OPT_CHOICE, O(transport), FOR_SIGN_IN, GROUP_CONNECTION,
		"transport to use (http-first)",
		CHOICES("http-first", "http-only", "sse-first", "sse-only") },
	{ "undo", NULL, OPT_FLAG, O(undo), FOR_SETUP, GROUP_COMMAND,
		"restore the client's file as it was before" },
	{ "use-id-token", NULL, OPT_FLAG, O(use_id_token), FOR_SIGN_IN, GROUP_SIGN_IN,
		"send the ID token in place of the access token" },
	{ "verbose", NULL, OPT_FLAG, O(verbose), FOR_STATUS, GROUP_OUTPUT,
		"also show scopes and files (-v)" },
	{ "version", NULL, OPT_FLAG, O(version), FOR_ALL, GROUP_OUTPUT, "show versions" },
	{ "words", NULL, OPT_FLAG, O(complete), FOR_COMPLETION, GROUP_COMMAND,
		"print candidates, for the scripts: --words -- WORD..." },
	{ "write", NULL, OPT_FLAG, O(write), FOR_SETUP, GROUP_COMMAND,
		"write the entry into the client's file" },
	{ "wsl", NULL, OPT_FLAG, O(wsl), FOR_SETUP, GROUP_COMMAND,
		"for a client on Windows that starts mpmcp in WSL" },
};
const size_t options_noptions = sizeof(options_options) / sizeof(options_options[0]);

#define EXAMPLES(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}
const struct command options_commands[] = {
	{ NULL, FOR_BRIDGE, "[OPTION...] [URL] [CALLBACK-PORT]",
		"bridge standard input and output to an MCP server", cmd_bridge,
		EXAMPLES("https://mcp-eu.mixpanel.com/mcp", "--read-only --only-tool @analytics",
			"https://mcp.example.com/mcp --header 'Authorization:${TOKEN}'") },
	{ "login", FOR_LOGIN, "[OPTION...] [URL | REGION] [CALLBACK-PORT]", "sign in, in a browser",
		cmd_login, EXAMPLES("login eu", "login --no-browser", "login --service-account") },
	{ "logout", FOR_LOGOUT, "[OPTION...] [URL | REGION]", "revoke and delete a sign-in",
		cmd_logout, EXAMPLES("logout eu", "logout --all", "logout --all --profile work") },
	{ "status", FOR_STATUS, "[OPTION...] [URL | REGION]",
		"show the sign-ins and the credential in use", cmd_status,
		EXAMPLES("status", "status --check") },
	{ "tools", FOR_TOOLS, "[OPTION...] [URL] [NAME | WORD | GLOB | @GROUP...]",
		"list the tools, or show one with its arguments", cmd_tools,
		EXAMPLES("tools", "tools Run-Query", "tools @boards 'Get-*'") },
	{ "call", FOR_CALL, "[OPTION...] [URL] TOOL [JSON | @FILE | - | KEY=VALUE...]",
		"call a tool", cmd_call,
		EXAMPLES("call Get-Projects", "call Get-Events project_id=2195193",
			"call Run-Query @query.json") },
	{ "setup", FOR_SETUP, "[OPTION...] [CLIENT...] [URL]",
		"print or write a client's entry; without CLIENT: list the clients", cmd_setup,
		EXAMPLES("setup", "setup cursor gemini --region eu --write",
			"setup claude --undo") },
	{ "doctor", FOR_DOCTOR, "[OPTION...] [URL | REGION | CLIENT]",
		"find out why a connection fails", cmd_doctor,
		EXAMPLES("doctor", "doctor eu", "doctor cursor") },
	{ "completion", FOR_COMPLETION, "bash | zsh | fish | --words -- WORD...",
		"print completion for a shell", cmd_completion, EXAMPLES("completion bash") },
	{ "help", FOR_HELP, "[COMMAND]", "show help", cmd_help, EXAMPLES("help login") },
};
/* clang-format on */
const size_t options_ncommands = sizeof(options_commands) / sizeof(options_commands[0]);

/* What ends the name of an option in its word. */
#define NAME_ENDS "= \t"

/* ---- near misses ---- */

#define WORD_MAX 40

/* Edits (insert, delete, replace) that make b of a. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b), row[WORD_MAX + 1];

	if (strlen(a) > WORD_MAX || n > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = corner + (tolower((unsigned char)*a) !=
						       tolower((unsigned char)b[j - 1]));

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *options_nearest(const char *word, const char *const *names, size_t n)
{
	size_t best = strlen(word) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = names[i] ? distance(word, names[i]) : WORD_MAX;

		if (d <= best && (!found || d < best)) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

static bool unknown_option(const struct command *c, const char *word, struct err *e)
{
	const char *names[sizeof(options_options) / sizeof(options_options[0])];
	const char *near;
	char name[WORD_MAX + 1];
	size_t n = strcspn(word, NAME_ENDS);

	for (size_t i = 0; i < options_noptions; i++)
		names[i] = options_takes(c, &options_options[i]) ? options_options[i].name : NULL;
	n = n > WORD_MAX ? WORD_MAX : n;
	memcpy(name, word, n);
	name[n] = 0;
	near = options_nearest(name, names, options_noptions);
	err_set(e, ERR_USAGE, "unknown option --%s%s%s%s \"mpmcp --help\" lists the options", name,
		near ? "; did you mean --" : "", near ? near : "", near ? "?" : ".");
	err_clean(e->msg);
	return false;
}

static bool unknown_word(const char *word, struct err *e)
{
	const char *names[sizeof(options_commands) / sizeof(options_commands[0])];
	const char *near;

	for (size_t i = 0; i < options_ncommands; i++)
		names[i] = options_commands[i].name;
	near = options_nearest(word, names, options_ncommands);
	err_set(e, ERR_USAGE, "\"%.*s\" is neither a command nor a URL%s%s%s", WORD_MAX, word,
		near ? "; did you mean \"" : " (a URL starts with https://)", near ? near : "",
		near ? "\"?" : "");
	err_clean(e->msg);
	return false;
}

/* ---- lists ---- */

void options_list_add(struct options_list *l, char *owned)
{
	l->item = mem_grow(l->item, l->n + 1, sizeof(char *));
	l->item[l->n++] = owned;
}

void options_list_clear(struct options_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	*l = (struct options_list){ 0 };
}

/* ---- reading ---- */

struct reader {
	char *const *word;
	size_t n, at;
	struct options *a;
	bool placed; /* the command or URL was seen */
	struct err *e;
};

const struct opt *options_find(const char *name, size_t n)
{
	for (size_t i = 0; i < options_noptions; i++)
		if (strlen(options_options[i].name) == n &&
			memcmp(options_options[i].name, name, n) == 0)
			return &options_options[i];
	return NULL;
}

const struct command *options_command(const char *name)
{
	for (size_t i = 0; i < options_ncommands; i++)
		if (options_commands[i].name && strcmp(options_commands[i].name, name) == 0)
			return &options_commands[i];
	return NULL;
}

bool options_takes(const struct command *c, const struct opt *o)
{
	/* What setup is told of the bridge goes into the entry. */
	return (o->commands & c->bit) || (c->bit == FOR_SETUP && (o->commands & FOR_BRIDGE));
}

bool options_offers(const struct command *c, const struct opt *o)
{
	return options_takes(c, o) && !(o->commands & IDLE_IN(c->bit));
}

int options_choice(const char *const *choices, const char *word)
{
	for (int i = 0; choices[i]; i++)
		if (strcmp(choices[i], word) == 0)
			return i + 1;
	return 0;
}

void options_choices(const char *const *choices, char out[OPTIONS_CHOICES_MAX])
{
	size_t at = 0;

	for (size_t i = 0; choices[i] && at < OPTIONS_CHOICES_MAX; i++)
		at += (size_t)snprintf(out + at, OPTIONS_CHOICES_MAX - at, "%s%s",
			!i               ? ""
			: choices[i + 1] ? ", "
					 : " or ",
			choices[i]);
}

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* A word behind a --header that can only be the rest of its value: some clients split arguments at
 * blanks ("Authorization:" "Bearer" "Basic" "..."). */
static bool is_torn_off(const struct reader *r, const char *so_far, const char *word)
{
	size_t n = strlen(so_far);
	bool open = n && so_far[n - 1] == ':'; /* a name whose value has not come yet */

	if (strncmp(word, "--", 2) == 0 || strstr(word, "://"))
		return false;
	if (open)
		return true;
	return !all_digits(word) && (r->placed || !options_command(word));
}

static char *join_torn(struct reader *r, const char *value)
{
	char *text = mem_dup(value);

	while (r->at < r->n && is_torn_off(r, text, r->word[r->at])) {
		char *longer = mem_printf("%s %s", text, r->word[r->at++]);

		free(text);
		text = longer;
	}
	return text;
}

/* "30" or "0.5". What is shorter than a millisecond is one, since 0 often means no limit. */
static bool set_seconds(struct reader *r, int64_t *out, const struct opt *o, const char *value)
{
	size_t whole = strspn(value, "0123456789"), more = 0;
	long ms = 0, unit = 1000;

	if (value[whole] == '.')
		more = strspn(value + whole + 1, "0123456789");
	if (!(whole + more) || value[whole + (value[whole] == '.') + more] || whole > 5 ||
		strtol(value, NULL, 10) > 86400)
		return err_set(
			r->e, ERR_USAGE, "--%s takes a number of seconds from 0 to 86400", o->name);
	for (size_t i = 1; i <= more && unit > 1; i++)
		ms += (value[whole + i] - '0') * (unit /= 10);
	ms += strtol(value, NULL, 10) * 1000;
	*out = ms ? ms : strpbrk(value, "123456789") != NULL;
	return *out || out != &r->a->ping_interval_ms ||
	       err_set(r->e, ERR_USAGE, "--%s must be more than 0", o->name);
}

static const struct options defaults = { .command = &options_commands[0],
	.connect_timeout_ms = 10000,
	.headers_timeout_ms = 300000,
	.body_timeout_ms = 300000,
	.auth_timeout_ms = 300000,
	.timeout_ms = -1 };

void options_each(const struct options *a, const struct opt *o,
	void (*put)(void *ctx, const struct opt *o, const char *value), void *ctx)
{
	const void *field = (const char *)a + o->offset,
		   *usual = (const char *)&defaults + o->offset;
	const struct options_list *l = field;
	char seconds[48];
	int64_t ms;

	switch (o->type) {
	case OPT_FLAG:
		if (*(const bool *)field)
			put(ctx, o, NULL);
		break;
	case OPT_TEXT:
		if (*(const char *const *)field)
			put(ctx, o, *(const char *const *)field);
		break;
	case OPT_CHOICE:
		if (*(const int *)field)
			put(ctx, o, o->choices[*(const int *)field - 1]);
		break;
	case OPT_LIST:
		for (size_t i = 0; i < l->n; i++)
			put(ctx, o, l->item[i]);
		break;
	case OPT_SECONDS:
		ms = *(const int64_t *)field;
		if (ms == *(const int64_t *)usual)
			break;
		snprintf(seconds, sizeof(seconds), ms % 1000 ? "%lld.%03lld" : "%lld",
			(long long)ms / 1000, (long long)ms % 1000);
		put(ctx, o, seconds);
		break;
	}
}

static bool set_choice(struct reader *r, int *out, const struct opt *o, const char *value)
{
	char words[OPTIONS_CHOICES_MAX];

	*out = options_choice(o->choices, value);
	if (*out)
		return true;
	options_choices(o->choices, words);
	err_set(r->e, ERR_USAGE, "--%s is \"%.20s\"; it can be %s", o->name, value, words);
	err_clean(r->e->msg);
	return false;
}

static bool set_option(struct reader *r, const struct opt *o, const char *value)
{
	void *field = (char *)r->a + o->offset;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)field = true;
		return true;
	case OPT_TEXT:
		*(const char **)field = value;
		/* mcp-remote's older way to say --disable-resource-parameter. */
		if (!*value && o->offset == O(resource))
			return r->a->resource = NULL, r->a->no_resource = true;
		return *value || err_set(r->e, ERR_USAGE, "--%s needs a %s that is not empty",
					 o->name, o->arg);
	case OPT_CHOICE:
		return set_choice(r, field, o, value);
	case OPT_LIST:
		options_list_add(
			field, o->offset == O(headers) ? join_torn(r, value) : mem_dup(value));
		return true;
	case OPT_SECONDS:
		return set_seconds(r, field, o, value);
	}
	return false;
}

static bool misplaced(const struct reader *r, const struct opt *o)
{
	return err_set(r->e, ERR_USAGE, "\"mpmcp %s\" does not accept --%s",
		r->a->command->name ? r->a->command->name : "URL", o->name);
}

/* The rest of a word that holds an option and its value ("--header X-Key: 1"), without quotes. */
static const char *rest_of_word(char *rest)
{
	struct pasted s = pasted_trim((struct pasted){ rest, strlen(rest) });

	while (pasted_unquote(&s))
		s = pasted_trim(s);
	memmove(rest, s.p, s.n);
	rest[s.n] = 0;
	return s.n ? rest : NULL;
}

static bool read_option(struct reader *r, char *word)
{
	size_t n = strcspn(word, NAME_ENDS);
	const struct opt *o = options_find(word, n);
	const char *value = word[n] == '=' ? word + n + 1 : word[n] ? rest_of_word(word + n) : NULL;

	if (!o)
		return unknown_option(r->a->command, word, r->e);
	if (o->type == OPT_FLAG && value)
		return err_set(r->e, ERR_USAGE, "--%s takes no value", o->name);
	if (o->type != OPT_FLAG && !value) {
		if (r->at == r->n && (r->a->lacking = o))
			return err_set(r->e, ERR_USAGE, "--%s needs a value: --%s %s", o->name,
				o->name, o->arg);
		value = r->word[r->at++];
	}
	/* "--help --all" asks for help on every option; whether --help is there is known at the end. */
	if (!options_takes(r->a->command, o) && o->offset != O(all))
		return misplaced(r, o);
	return set_option(r, o, value);
}

/* Commands that take words of their own, and those that take a callback port behind the URL. */
#define FOR_WORDS (FOR_HELP | FOR_DOCTOR | FOR_TOOLS | FOR_CALL | FOR_SETUP | FOR_COMPLETION)
#define FOR_PORT (FOR_BRIDGE | FOR_LOGIN)

static bool read_region(struct reader *r, const char *word)
{
	if ((r->a->command->bit & FOR_PLACE) && !r->a->url && !r->a->region)
		r->a->region = options_choice(options_regions, word);
	else
		return false;
	return r->a->region != 0;
}

static bool read_word(struct reader *r, char *word)
{
	const struct command *c = options_command(word);

	if (!r->placed && (wrapper_bare_url(word) || strstr(word, "://"))) {
		r->placed = true;
		r->a->url = word;
	} else if (!r->placed && c) {
		r->placed = true;
		r->a->command = c;
	} else if (!r->placed && strcmp(word, "version") == 0) {
		r->placed = true;
		r->a->version = true;
	} else if (!r->placed) {
		return unknown_word(word, r->e);
	} else if (r->a->command->name && !r->a->url &&
		   !(r->a->command->bit & (FOR_HELP | FOR_COMPLETION)) && wrapper_bare_url(word)) {
		r->a->url = word;
	} else if (read_region(r, word)) {
		return true;
	} else if (r->a->command->bit & FOR_WORDS) {
		options_list_add(&r->a->words, mem_dup(word));
	} else if (r->a->command->bit & FOR_PORT && !r->a->callback_port && all_digits(word) &&
		   strlen(word) <= 5 && strtol(word, NULL, 10) < 65536) {
		r->a->callback_port = word;
	} else {
		bool place = !r->a->url && strpbrk(word, "./:");

		err_set(r->e, ERR_USAGE, "unexpected argument \"%.*s\"%s", WORD_MAX, word,
			place ? "; a URL starts with https://" : "");
		err_clean(r->e->msg);
		return false;
	}
	return true;
}

/* The command, wherever it stands: options before it are checked against it. */
static void find_place(struct reader *r)
{
	for (size_t i = r->at; i < r->n; i++) {
		const char *word = r->word[i];
		const struct command *c = options_command(word);
		const struct opt *o;

		if (strncmp(word, "--", 2) != 0) {
			if (c)
				r->a->command = c;
			return;
		}
		o = options_find(word + 2, strcspn(word + 2, NAME_ENDS));
		if (o && o->type != OPT_FLAG && !strpbrk(word, NAME_ENDS))
			i++;
	}
}

bool options_parse(int argc, char *const *argv, struct options *a, struct err *e)
{
	struct reader r = { .a = a, .e = e };
	static char verbose[] = "verbose";
	bool words_only = false;

	*a = defaults;
	a->program = argc > 0 ? argv[0] : "";
	if (argc > 1)
		wrapper_open(argv + 1, (size_t)argc - 1, &a->given);
	r.word = a->given.item;
	r.n = a->given.n;
	find_place(&r);
	while (r.at < r.n) {
		char *word = r.word[r.at++];

		if (!words_only && strcmp(word, "--") == 0) {
			words_only = true;
		} else if (!words_only && strcmp(word, "-h") == 0) {
			a->help = true;
		} else if (!words_only && strcmp(word, "-V") == 0) {
			a->version = true;
		} else if (!words_only && strcmp(word, "-v") == 0) {
			if (!read_option(&r, verbose))
				return false;
		} else if (!words_only && strncmp(word, "--", 2) == 0) {
			if (!read_option(&r, word + 2))
				return false;
		} else if (!words_only && word[0] == '-' && word[1]) {
			return err_set(e, ERR_USAGE,
				"unknown option %.*s. \"mpmcp --help\" lists the options", WORD_MAX,
				word);
		} else if (!read_word(&r, word)) {
			return false;
		}
	}
	if (a->all && !a->help && !options_takes(a->command, options_find("all", 3)))
		return misplaced(&r, options_find("all", 3));
	return true;
}

void options_clear(struct options *a)
{
	options_list_clear(&a->words);
	options_list_clear(&a->given);
	options_list_clear(&a->headers);
	options_list_clear(&a->header_files);
	options_list_clear(&a->authorize_params);
	options_list_clear(&a->only_tools);
	options_list_clear(&a->only_projects);
	options_list_clear(&a->ignore_tools);
}

bool options_read_only_variable(void)
{
	static const char *const no[] = { "", "0", "false", "no", "off" };
	const char *v = getenv("MPMCP_READ_ONLY");

	for (size_t i = 0; v && i < sizeof(no) / sizeof(no[0]); i++)
		if (strcasecmp(v, no[i]) == 0)
			return false;
	return v != NULL;
}
