#include "auth/oauth_options.h"
#include "auth/scope.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "base/buf.h"
#include "base/crypt.h"
#include "base/mem.h"
#include "base/shell.h"
#include "base/secret.h"
#include "net/url.h"

/* Made by the flow for every sign-in; a second value could only disagree. */
static const char *const own_params[] = { "state", "code_challenge", "code_challenge_method",
	"client_id", "redirect_uri", "response_type" };

/* ---- documents that were given ---- */

static char *text_in(const char *document, const char *name)
{
	json_t *o = document ? json_loads(document, 0, NULL) : NULL;
	const char *v = json_string_value(json_object_get(o, name));
	char *copy = v ? mem_dup(v) : NULL;

	json_decref(o);
	return copy;
}

char *oauth_metadata_text(const struct oauth_options *o, const char *name)
{
	return text_in(o->client_metadata, name);
}

char *oauth_info_text(const struct oauth_options *o, const char *name)
{
	return text_in(o->client_info, name);
}

char *oauth_scopes_to_gain(
	const struct oauth_options *o, const char *offered, const struct signin_record *g)
{
	char *pinned = oauth_metadata_text(o, "scope");
	char *wanted = scope_union(pinned ? pinned : offered, g->scope_wanted);
	char *held = scope_union(g->scope_asked, g->scope_granted);
	char *more = *held ? scope_missing(wanted, held) : NULL;

	free(pinned);
	free(wanted);
	free(held);
	return more;
}

/* ---- names ---- */

static bool add_params(const struct oauth_options *o, struct buf *b)
{
	char *client = oauth_info_text(o, "client_id");
	/* An ID token is no access token. */
	bool good = (!client || buf_addf(b, "client=%s&", client)) &&
		    (!o->id_token || buf_adds(b, "id_token&"));

	free(client);
	for (size_t i = 0; i < o->nparams && good; i++)
		good = buf_addf(b, "%s&", o->params[i]);
	return good;
}

struct store_key oauth_key(const struct oauth_options *o, char **params)
{
	struct store_key k = { .url = o->url,
		.resource = o->resource,
		.profile = o->profile,
		.client = o->client_info ? "given" : o->client_metadata_url };
	struct buf b;

	buf_init(&b, DOCUMENTS_BYTES_MAX);
	*params = add_params(o, &b) && b.len ? buf_take(&b, NULL) : NULL;
	buf_free(&b);
	k.params = *params;
	return k;
}

/* As that program writes it: a JSON object, compact, sorted. */
static void add_compact(struct buf *out, json_t *o)
{
	char *text = json_object_size(o) ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (text)
		(void)!buf_addf(out, "|%s", text);
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	json_decref(o);
}

static json_t *params_object(const struct oauth_options *o)
{
	json_t *all = json_object();

	for (size_t i = 0; i < o->nparams; i++) {
		size_t n = strcspn(o->params[i], "=");
		char *name = mem_ndup(o->params[i], n);

		json_object_set_new(
			all, name, json_string(o->params[i] + n + (o->params[i][n] == '=')));
		free(name);
	}
	return all;
}

/* It takes a header only where the colon follows the name at once. */
static json_t *headers_object(const struct oauth_options *o)
{
	static const char name_chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	json_t *all = json_object();

	for (size_t i = 0; i < o->nheaders; i++) {
		size_t n = strspn(o->headers[i], name_chars);
		const char *value = o->headers[i] + n + 1;
		char *name;

		if (!n || o->headers[i][n] != ':')
			continue;
		name = mem_ndup(o->headers[i], n);
		value += strspn(value, " \t");
		json_object_set_new(all, name, json_string(value));
		free(name);
	}
	return all;
}

bool oauth_hash(const struct oauth_options *o, unsigned char sum[CRYPT_MD5_LEN])
{
	struct buf text;
	bool good;

	buf_init(&text, (size_t)1 << 20);
	good = buf_adds(&text, o->url) && (!o->resource || buf_addf(&text, "|%s", o->resource));
	add_compact(&text, params_object(o));
	add_compact(&text, headers_object(o));
	good = good &&
	       (!o->client_metadata_url || buf_addf(&text, "|%s", o->client_metadata_url)) &&
	       (!o->token_endpoint || buf_addf(&text, "|%s", o->token_endpoint)) &&
	       crypt_md5(text.p, text.len, sum);
	buf_wipe(&text);
	return good;
}

/* ---- the command ---- */

static bool add_word(struct buf *b, const char *s)
{
	return buf_addc(b, ' ') && shell_word(b, s);
}

static bool add_option(struct buf *b, const char *name, const char *value)
{
	return !value || (buf_addf(b, " --%s", name) && add_word(b, value));
}

static bool is_plain_network(const char *url)
{
	struct url u = { 0 };
	bool plain = url_parse(url, &u, NULL) && !url_is_safe(&u);

	url_clear(&u);
	return plain;
}

static bool add_place(struct buf *b, const struct oauth_options *o)
{
	char *url = url_shown(o->url);
	bool good = o->place ? !*o->place || buf_addf(b, " %s", o->place) : add_word(b, url);

	free(url);
	return good;
}

/* Their values stand in the address of the sign-in page, too. */
static bool add_param_options(struct buf *b, const struct oauth_options *o)
{
	for (size_t i = 0; i < o->nparams; i++)
		if (!add_option(b, "authorize-param", o->params[i]))
			return false;
	return true;
}

/* port: the command takes one. */
static char *command(const struct oauth_options *o, const char *words, bool port)
{
	struct buf b;
	char *text;

	buf_init(&b, DOCUMENTS_BYTES_MAX);
	if (!buf_addf(&b, "mpmcp %s", words) || !add_place(&b, o) ||
		(port && o->callback_port && !buf_addf(&b, " %u", o->callback_port)) ||
		!add_option(&b, "host", o->host) ||
		!add_option(&b, "callback-path", o->callback_path) ||
		!add_option(&b, "profile", o->profile) ||
		!add_option(&b, "auth-dir", o->auth_dir) ||
		!add_option(&b, "resource", o->resource) ||
		!add_option(&b, "client-metadata-url", o->client_metadata_url) ||
		(o->device_code && !buf_adds(&b, " --device-code")) ||
		(o->no_resource && !buf_adds(&b, " --disable-resource-parameter")) ||
		(o->id_token && !buf_adds(&b, " --use-id-token")) ||
		(o->assume_pkce && !buf_adds(&b, " --assume-pkce-s256")) ||
		(is_plain_network(o->url) && !buf_adds(&b, " --allow-http")) ||
		!add_param_options(&b, o) ||
		(o->client_metadata && !buf_adds(&b, " --static-oauth-client-metadata ...")) ||
		(o->client_info && !buf_adds(&b, " --static-oauth-client-info ...")))
		buf_reset(&b);
	text = b.len ? buf_take(&b, NULL) : mem_printf("mpmcp %s", words);
	buf_free(&b);
	return text;
}

char *oauth_command(const struct oauth_options *o, const char *more)
{
	char *words = mem_printf("login%s%s", more ? " " : "", more ? more : "");
	char *text = command(o, words, true);

	free(words);
	return text;
}

char *oauth_command_for(const struct oauth_options *o, const char *words)
{
	return command(o, words, false);
}

bool oauth_needs_pkce(const struct oauth_options *o)
{
	return !o->client_credentials && !o->device_code && !o->assume_pkce;
}

/* ---- checks ---- */

static bool check_params(const struct oauth_options *o, struct err *e)
{
	for (size_t i = 0; i < o->nparams; i++) {
		size_t n = strcspn(o->params[i], "=");

		if (!n || !o->params[i][n])
			return err_set(e, ERR_USAGE, "--authorize-param takes NAME=VALUE");
		for (size_t k = 0; k < sizeof(own_params) / sizeof(own_params[0]); k++)
			if (strlen(own_params[k]) == n &&
				memcmp(own_params[k], o->params[i], n) == 0)
				return err_set(e, ERR_USAGE,
					"--authorize-param %s: the sign-in sets this itself",
					own_params[k]);
	}
	return true;
}

static bool check_success_url(const struct oauth_options *o, struct err *e)
{
	struct url u;
	bool good;

	if (!o->success_url)
		return true;
	if (!url_parse(o->success_url, &u, e))
		return err_prefix(e, "--auth-success-url");
	good = ((url_is_safe(&u) || o->allow_http) && !u.userinfo && !u.query && !u.fragment) ||
	       err_set(e, ERR_USAGE,
		       "--auth-success-url must be https (or this machine, or with --allow-http), "
		       "without user name, query and fragment");
	url_clear(&u);
	return good;
}

static bool check_client_url(const struct oauth_options *o, struct err *e)
{
	struct url u;
	bool good;

	if (!o->client_metadata_url)
		return true;
	if (!url_parse(o->client_metadata_url, &u, e))
		return err_prefix(e, "--client-metadata-url");
	good = (strcmp(u.scheme, "https") == 0 && strcmp(u.path, "/") != 0) ||
	       err_set(e, ERR_USAGE, "--client-metadata-url must be https and have a path");
	url_clear(&u);
	return good;
}

static bool check_documents(const struct oauth_options *o, struct err *e)
{
	json_t *m = o->client_metadata ? json_loads(o->client_metadata, 0, NULL) : NULL;
	const json_t *scope = json_object_get(m, "scope");
	char *id = oauth_info_text(o, "client_id");
	bool good = true;

	if (scope && !json_is_string(scope))
		good = err_set(e, ERR_USAGE,
			"--static-oauth-client-metadata: scope must be one string, with blanks "
			"between the scopes");
	else if (o->client_info && (!id || !*id))
		good = err_set(e, ERR_USAGE, "--static-oauth-client-info holds no client_id");
	json_decref(m);
	free(id);
	return good;
}

bool oauth_check(const struct oauth_options *o, struct err *e)
{
	if (o->callback_path &&
		(o->callback_path[0] != '/' || strpbrk(o->callback_path, "?# \r\n")))
		return err_set(e, ERR_USAGE,
			"--callback-path must start with \"/\" and hold no blank, \"?\" or \"#\"");
	if (o->host && (!*o->host || strpbrk(o->host, "/?#@: \r\n\"<>")))
		return err_set(
			e, ERR_USAGE, "--host takes a host name or address, such as 127.0.0.1");
	if (o->resource && o->no_resource)
		return err_set(
			e, ERR_USAGE, "give --resource or --disable-resource-parameter, not both");
	if (o->device_code && o->client_credentials)
		return err_set(
			e, ERR_USAGE, "give --device-code or --client-credentials, not both");
	if (o->client_credentials && !o->client_info)
		return err_set(e, ERR_USAGE,
			"--client-credentials needs the client in --static-oauth-client-info");
	if (o->token_endpoint && !o->client_credentials)
		return err_set(e, ERR_USAGE, "--token-endpoint requires --client-credentials");
	if (o->token_endpoint &&
		!documents_url_ok(o->token_endpoint, o->url, "--token-endpoint", e))
		return false;
	return check_params(o, e) && check_success_url(o, e) && check_client_url(o, e) &&
	       check_documents(o, e);
}

unsigned oauth_port(const struct oauth_options *o)
{
	unsigned char sum[CRYPT_MD5_LEN];

	if (!oauth_hash(o, sum))
		return 3335;
	return 3335 + (unsigned)(sum[0] << 8 | sum[1]) % 45816;
}
