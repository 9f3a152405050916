#include "setup/old_entry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/url.h"
#include "endpoint.h"

#define MCP_REMOTE "mcp-remote"

bool sounds_secret(const char *name, size_t n)
{
	static const char *const parts[] = { "auth", "token", "key", "secret", "cookie", "passw",
		"cred", "session", "signature" };

	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
		for (size_t i = 0; i + strlen(parts[k]) <= n; i++)
			if (strncasecmp(name + i, parts[k], strlen(parts[k])) == 0)
				return true;
	return false;
}

/* ---- whose command ---- */

static const char *last_part(const char *path)
{
	const char *end = path;

	for (const char *p = path; *p; p++)
		if (*p == '/' || *p == '\\')
			end = p + 1;
	return end;
}

static bool is_program(const char *path, const char *name)
{
	const char *last = last_part(path);
	size_t n = strlen(name);

	return strncmp(last, name, n) == 0 && (!last[n] || strcasecmp(last + n, ".exe") == 0);
}

static void add_word(struct old_entry *o, const char *p, size_t n)
{
	o->argv = mem_grow(o->argv, (size_t)o->argc + 1, sizeof(char *));
	o->argv[o->argc++] = mem_ndup(p, n);
}

/* A whole command line in one word, as "sh -c" takes it. */
static void add_split(struct old_entry *o, const char *text)
{
	if (strpbrk(text, "'\"\\|;&<>`"))
		err_set(&o->unread, ERR_USAGE, "its command line is written for a shell");
	while (*text) {
		size_t n = strcspn(text, " ");

		if (n)
			add_word(o, text, n);
		text += n + strspn(text + n, " ");
	}
}

/* What follows mcp-remote, whether the word is the package, a version of it or its file. */
static bool take_mcp_remote(struct old_entry *o, const char *word)
{
	const char *at = strstr(word, MCP_REMOTE);

	if (!at)
		return false;
	o->kind = OLD_MCP_REMOTE;
	add_split(o, at + strcspn(at, " "));
	return true;
}

/* The words of the command: "args", or an array that begins with the command. */
static json_t *words_of(const struct old_entry *o)
{
	json_t *command = json_object_get(o->value, "command");

	return json_is_array(command) ? command : json_object_get(o->value, "args");
}

static void take_words(struct old_entry *o)
{
	json_t *args = words_of(o), *word;
	bool taken = false;
	size_t i;

	add_word(o, "mpmcp", 5);
	if (is_program(o->command, "mpmcp")) {
		o->kind = OLD_OURS;
		taken = true;
	} else {
		taken = take_mcp_remote(o, o->command);
	}
	json_array_foreach(args, i, word)
	{
		const char *text = json_string_value(word);

		if (text == o->command)
			continue;
		if (!text)
			err_set(&o->unread, ERR_USAGE, "an argument of it is not a string");
		else if (taken)
			add_word(o, text, strlen(text));
		else if (is_program(o->command, "wsl") && is_program(text, "mpmcp"))
			o->kind = OLD_OURS, taken = true;
		else
			taken = take_mcp_remote(o, text);
	}
}

/* ---- where it leads ---- */

/* A member by which clients name a server that they connect to themselves. */
static const char *direct_url(const json_t *value)
{
	static const char *const names[] = { "serverUrl", "httpUrl", "url" };
	const char *url = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !url; i++)
		url = json_string_value(json_object_get(value, names[i]));
	return url;
}

/* Something else that is started may still be told the URL of the service. */
static const char *url_among(const json_t *args)
{
	json_t *word;
	size_t i;

	json_array_foreach(args, i, word)
	{
		const char *text = json_string_value(word);

		if (text && strstr(text, "://"))
			return text;
	}
	return NULL;
}

static void find_url(struct old_entry *o)
{
	const char *region = o->args.region ? options_regions[o->args.region - 1] : NULL;

	if (o->kind == OLD_OTHER)
		o->url = url_among(words_of(o));
	else if (o->args.url)
		o->url = o->args.url;
	else if (region || (region = json_string_value(
				    json_object_get(old_entry_env(o->value), "MIXPANEL_REGION"))))
		o->url = target_region_url(region);
}

void old_entry_read(struct old_entry *o, char *name, json_t *value)
{
	*o = (struct old_entry){ .kind = OLD_OTHER, .name = name, .value = value };
	o->command = json_string_value(json_object_get(value, "command"));
	if (!o->command)
		o->command =
			json_string_value(json_array_get(json_object_get(value, "command"), 0));
	if (!o->command) {
		o->url = direct_url(value);
		o->kind = o->url ? OLD_DIRECT : OLD_OTHER;
		return;
	}
	take_words(o);
	if (o->kind == OLD_OTHER)
		o->unread = (struct err){ 0 };
	else if (!o->unread.kind && options_parse(o->argc, o->argv, &o->args, &o->unread) &&
		 o->args.command->name)
		o->kind = OLD_OTHER;
	find_url(o);
}

void old_entry_clear(struct old_entry *o)
{
	options_clear(&o->args);
	for (int i = 0; i < o->argc; i++)
		free(o->argv[i]);
	free(o->argv);
	free(o->name);
	json_decref(o->value);
	*o = (struct old_entry){ 0 };
}

static bool host_is_service(const char *text)
{
	struct url u;
	bool same;

	if (!url_parse(text, &u, NULL))
		return false;
	same = url_in_domain(&u, "mixpanel.com");
	url_clear(&u);
	return same;
}

bool old_entry_is_service(const struct old_entry *o)
{
	if (strcmp(o->name, "mixpanel") == 0)
		return true;
	return o->url ? host_is_service(o->url) : o->kind == OLD_OURS;
}

/* ---- secrets in it ---- */

json_t *old_entry_env(const json_t *value)
{
	json_t *env = json_object_get(value, "env");

	return env ? env : json_object_get(value, "environment");
}

bool old_entry_has_env(const struct old_entry *o, const char *variable)
{
	json_t *names = json_object_get(o->value, "env_vars"), *one;
	size_t i;

	json_array_foreach(names, i, one)
	{
		const char *name = json_string_value(one);

		if (name && strcmp(name, variable) == 0)
			return true;
	}
	return json_object_get(old_entry_env(o->value), variable) != NULL;
}

bool old_entry_has_credential(const struct old_entry *o)
{
	for (size_t i = 0; i < o->args.headers.n; i++)
		if (strncasecmp(o->args.headers.item[i], "authorization:", 14) == 0)
			return true;
	return o->args.sa_token_file || old_entry_has_env(o, "MIXPANEL_SA_TOKEN") ||
	       old_entry_has_env(o, "MIXPANEL_SA_SECRET");
}

static bool is_reference(const char *value)
{
	return strstr(value, "${") || *value == '$' || !*value;
}

static void mask_url(json_t *o, const char *name, const char *text)
{
	char *shown = text && strstr(text, "://") ? url_shown(text) : NULL;

	if (shown)
		json_object_set_new(o, name, json_string(shown));
	free(shown);
}

static void mask_members(json_t *o)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(o, next, name, value)
	{
		const char *text = json_string_value(value);

		if (text && sounds_secret(name, strlen(name)) && !is_reference(text))
			json_object_set_new(o, name, json_string("***"));
		else
			mask_url(o, name, text);
	}
}

static void mask_urls(json_t *o)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(o, next, name, value)
	{
		mask_url(o, name, json_string_value(value));
	}
}

/* "Name: value" with the value hidden; NULL when there is nothing to hide. */
static char *mask_header(const char *field)
{
	size_t n = strcspn(field, ":");

	if (!field[n] || !field[n + 1] || !sounds_secret(field, n) || is_reference(field + n))
		return NULL;
	return mem_printf("%.*s:***", (int)n, field);
}

/* The option at the beginning of a word of the line that has a value; NULL when there is none. */
static const char *find_option(const char *line, const char *option)
{
	size_t n = strlen(option);
	const char *at = line;

	while ((at = strstr(at, option)) && !((at == line || at[-1] == ' ') && strchr(" =", at[n])))
		at++;
	return at && at[n] ? at : NULL;
}

/* A whole command, or an option and its value, in one word: whatever follows such an option is hidden, since
 * it ends nowhere that is certain. */
static char *mask_line(const char *text)
{
	static const char *const options[] = { "--header", "--static-oauth-client-info" };
	const char *end = NULL;
	char *shown, *url, *masked;

	for (size_t i = 0; strchr(text, ' ') && i < sizeof(options) / sizeof(options[0]); i++) {
		const char *at = find_option(text, options[i]);

		if (at && (at > text || at[strlen(options[i])] == ' ') &&
			(!end || at + strlen(options[i]) < end))
			end = at + strlen(options[i]);
	}
	if (!end)
		return NULL;
	shown = mem_ndup(text, (size_t)(end - text));
	url = url_shown(shown);
	masked = mem_printf("%s ***", url ? url : shown);
	free(shown);
	free(url);
	return masked;
}

/* Words behind a header whose value stands apart from its name belong to it (some clients split them). */
static void mask_words(json_t *args)
{
	bool header = false, torn = false, whole = false;
	json_t *word;
	size_t i;

	json_array_foreach(args, i, word)
	{
		const char *text = json_string_value(word) ? json_string_value(word) : "";
		char *masked = mask_line(text);

		if (masked) {
			torn = true;
			header = whole = false;
		} else if (strncmp(text, "--", 2) == 0) {
			torn = false;
			header = strcmp(text, "--header") == 0;
			whole = strcmp(text, "--static-oauth-client-info") == 0;
			if (strncmp(text, "--header=", 9) == 0 &&
				(masked = mask_header(text + 9))) {
				char *joined = mem_printf("--header=%s", masked);

				free(masked);
				masked = joined;
			} else if (strncmp(text, "--static-oauth-client-info=", 27) == 0) {
				masked = mem_dup("--static-oauth-client-info=***");
			}
		} else if (strstr(text, "://")) {
			torn = header = whole = false;
			masked = url_shown(text);
		} else if (header) {
			masked = mask_header(text);
			torn = sounds_secret(text, strcspn(text, ":"));
			header = false;
		} else if ((whole && *text != '@') || (torn && !is_reference(text))) {
			masked = mem_dup("***");
			whole = false;
		}
		if (masked)
			json_array_set_new(args, i, json_string(masked));
		free(masked);
	}
}

json_t *old_entry_masked(const json_t *value)
{
	json_t *copy = json_deep_copy(value);

	mask_urls(copy);
	mask_members(old_entry_env(copy));
	mask_members(json_object_get(copy, "headers"));
	mask_members(json_object_get(copy, "http_headers"));
	mask_words(json_object_get(copy, "args"));
	mask_words(json_object_get(copy, "command"));
	return copy;
}

bool old_entry_holds_secret(const struct old_entry *o)
{
	json_t *masked = old_entry_masked(o->value);
	bool holds = !json_equal(masked, o->value);

	json_decref(masked);
	return holds;
}
