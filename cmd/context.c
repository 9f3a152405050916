#include "context.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/oauth.h"
#include "auth/documents.h"
#include "auth/service_account.h"
#include "base/buf.h"
#include "base/crypt.h"
#include "base/given.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "endpoint.h"
#include "net/url.h"

/* Client documents are a few hundred bytes. */
#define DOCUMENT_MAX ((size_t)64 << 10)

static json_t *expanded(json_t *v, const char *what, struct err *e);

static json_t *expanded_object(json_t *o, const char *what, struct err *e)
{
	json_t *copy = json_object(), *v, *new;
	const char *name;

	json_object_foreach(o, name, v)
	{
		new = expanded(v, what, e);
		if (!new) {
			json_decref(copy);
			return NULL;
		}
		json_object_set_new(copy, name, new);
	}
	return copy;
}

/* A copy with ${NAME} replaced in strings: there a value may hold quotes. Lists hold nothing secret. */
static json_t *expanded(json_t *v, const char *what, struct err *e)
{
	char *text;
	json_t *new;

	if (json_is_object(v))
		return expanded_object(v, what, e);
	if (!json_is_string(v))
		return json_incref(v);
	text = headers_expand(json_string_value(v), what, e);
	new = text ? json_string(text) : NULL;
	if (text && !new)
		err_set(e, ERR_USAGE, "%s: a variable in it is not valid UTF-8", what);
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	return new;
}

static bool no_object(const char *what, const struct err *why, struct err *e)
{
	if (why->kind)
		return err_set(
			e, ERR_USAGE, "%s; it takes a JSON object, or @FILE with one", why->msg);
	return err_set(e, ERR_USAGE, "%s is not a JSON object (or @FILE with one)", what);
}

/* A variable may also hold the whole. */
static json_t *parse_document(const struct buf *text, const char *what, struct err *e)
{
	json_t *given =
		       documents_json(buf_str(text), text->len, JSON_REJECT_DUPLICATES, what, NULL),
	       *o;
	struct err why = { 0 };
	char *whole;

	if (json_is_object(given)) {
		o = expanded_object(given, what, e);
		json_decref(given);
		return o;
	}
	json_decref(given);
	whole = headers_expand(buf_str(text), what, e);
	if (!whole)
		return NULL;
	o = documents_json(whole, strlen(whole), JSON_REJECT_DUPLICATES, what, &why);
	secret_wipe(whole, strlen(whole));
	free(whole);
	if (json_is_object(o))
		return o;
	json_decref(o);
	no_object(what, &why, e);
	return NULL;
}

/* "{...}" or "@file", with ${NAME} replaced; checked to be a JSON object. */
static bool read_document(const char *given, const char *option, char **out, struct err *e)
{
	char *what;
	struct buf text;
	json_t *o = NULL;
	bool good;

	if (!given)
		return true;
	what = *given == '@' ? mem_printf("%s %s", option, given) : mem_dup(option);
	buf_init(&text, DOCUMENT_MAX);
	if (*given == '@')
		good = text_read(given + 1, &text, e) || err_prefix(e, "%s", option);
	else
		good = (buf_adds(&text, given) ||
			       err_set(e, ERR_USAGE, "%s is too long", option)) &&
		       text_plain(&text, option, e);
	o = good ? parse_document(&text, what, e) : NULL;
	*out = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	buf_wipe(&text);
	free(what);
	return *out != NULL;
}

static void hide_client_secret(const struct context *c)
{
	char *secret = oauth_info_text(&c->oauth, "client_secret");

	if (!secret)
		return;
	given_secret(secret, strlen(secret));
	secret_wipe(secret, strlen(secret));
	free(secret);
}

static void set_oauth(struct context *c)
{
	const struct options *a = c->a;
	int64_t timeout_ms = a->timeout_ms >= 0 ? a->timeout_ms : a->auth_timeout_ms;

	c->oauth = (struct oauth_options){ .url = c->url,
		.place = endpoint_place(c->url),
		.resource = a->resource,
		.no_resource = a->no_resource,
		.assume_pkce = a->assume_pkce,
		.profile = a->profile,
		.auth_dir = a->auth_dir,
		.host = a->host,
		.callback_port =
			a->callback_port ? (unsigned)strtoul(a->callback_port, NULL, 10) : 0,
		.callback_path = a->callback_path,
		.success_url = a->auth_success_url,
		.client_metadata = c->client_metadata,
		.client_info = c->client_info,
		.client_metadata_url = a->client_metadata_url,
		.params = a->authorize_params.item,
		.nparams = a->authorize_params.n,
		.headers = c->headers.text,
		.nheaders = c->headers.ntexts,
		.token_endpoint = a->token_endpoint,
		.client_credentials = a->client_credentials,
		.device_code = a->device_code,
		.id_token = a->use_id_token,
		.no_browser = a->no_browser,
		.allow_http = a->allow_http,
		.timeout_s = (timeout_ms + 999) / 1000 };
}

/* --transport, whose choices stand in the order of the enum. */
static enum transport_kind transport_of(const struct options *a)
{
	return a->transport ? (enum transport_kind)(a->transport - 1) : TRANSPORT_HTTP_FIRST;
}

bool context_open(const struct options *a, struct context *c, struct err *e)
{
	*c = (struct context){ .a = a };
	c->http_opts = (struct http_opts){ .cacert = a->cacert,
		.connect_timeout_ms = a->connect_timeout_ms,
		.headers_timeout_ms = a->headers_timeout_ms,
		.body_timeout_ms = a->body_timeout_ms,
		.ipv4 = a->ipv4,
		.cookies = !a->no_cookies,
		.one_proxy = a->enable_proxy };
	c->url = endpoint_url(a, e);
	c->shown = c->url ? url_shown(c->url) : NULL;
	if (!c->url || !headers_read(a, &c->headers, e) ||
		!read_document(a->client_info, "--static-oauth-client-info", &c->client_info, e) ||
		!read_document(a->client_metadata, "--static-oauth-client-metadata",
			&c->client_metadata, e))
		return false;
	c->http_opts.endpoint = c->url;
	c->transport = transport_of(a);
	set_oauth(c);
	hide_client_secret(c);
	if (!oauth_check(&c->oauth, e))
		return false;
	c->loop = loop_new(e);
	c->http = c->loop ? http_new(c->loop, &c->http_opts, e) : NULL;
	return c->http != NULL;
}

void context_close(struct context *c)
{
	request_count_free(c->rate);
	secret_clear(&c->value);
	http_free(c->http);
	loop_free(c->loop);
	headers_clear(&c->headers);
	if (c->client_info)
		secret_wipe(c->client_info, strlen(c->client_info));
	free(c->shown);
	free(c->client_info);
	free(c->client_metadata);
	free(c->params);
}

struct store *context_store(struct context *c, struct err *e)
{
	struct store_key key;

	free(c->params);
	key = oauth_key(&c->oauth, &c->params);
	return store_new(c->oauth.auth_dir, &key, e);
}

/* Between two tries for a lock that another process holds. */
#define LOCK_MS 50
#define LOCK_TRIES 600

static void try_again(void *ctx)
{
	loop_stop(ctx);
}

int context_lock(struct context *c, const struct store *s, struct err *e)
{
	struct loop_timer timer;
	bool busy = false, runs = true;
	int lock = store_lock(s, &busy, e);

	loop_timer_init(&timer, c->loop, try_again, c->loop);
	for (int i = 0; i < LOCK_TRIES && lock < 0 && busy && runs; i++) {
		loop_timer_set(&timer, LOCK_MS);
		runs = loop_run(c->loop, e);
		loop_timer_clear(&timer);
		lock = store_lock(s, &busy, e);
	}
	if (lock < 0 && busy)
		err_set(e, ERR_IO, "another process keeps %s locked; try again", store_path(s));
	return lock;
}

/* The hash of who a given credential is for: a service account's name, whose secret may change, else the
 * credential itself. */
static bool identity(const struct secret *value, struct buf *hex)
{
	unsigned char sum[CRYPT_SHA256_LEN];
	char name[SERVICE_ACCOUNT_NAME];

	service_account_name(secret_str(value), name);
	return (*name ? crypt_sha256(name, strlen(name), sum)
		      : crypt_sha256(secret_str(value), value->len, sum)) &&
	       crypt_hex(hex, sum, sizeof(sum));
}

/* Where requests with this credential are counted. The service counts for a person or an account, however
 * often either signed in, and with whatever options: a profile is a person. */
static char *count_path(void *ctx)
{
	struct context *c = ctx;
	struct store_key key = { .url = c->url, .profile = c->signs_in ? c->a->profile : NULL };
	struct store *s = NULL;
	struct err e = { 0 };
	struct buf hex;
	char *path;

	buf_init(&hex, 2 * CRYPT_SHA256_LEN + 1);
	key.client = "person";
	if (!c->signs_in)
		key.client = identity(&c->value, &hex) ? hex.p : NULL;
	if (key.client)
		s = store_new(c->oauth.auth_dir, &key, &e);
	path = s ? mem_dup(store_count(s)) : NULL;
	store_free(s);
	buf_free(&hex);
	return path;
}

struct store *context_identity(struct context *c, struct err *e)
{
	struct store_key key = { .url = c->url };
	struct store *s = NULL;
	struct buf hex;

	if (c->signs_in)
		return context_store(c, e);
	buf_init(&hex, 2 * CRYPT_SHA256_LEN + 1);
	key.client = identity(&c->value, &hex) ? hex.p : NULL;
	if (key.client)
		s = store_new(c->oauth.auth_dir, &key, e);
	else
		err_set(e, ERR_LIMIT, "the credential has no name");
	buf_free(&hex);
	return s;
}

static void use_value(struct context *c, const char *value)
{
	secret_set(&c->value, value, strlen(value));
	c->signs_in = false;
}

void context_use_account(struct context *c, const char *value)
{
	use_value(c, value);
	if (!c->rate)
		c->rate = request_count_new(c->loop, count_path, c);
}

struct auth *context_credential(struct context *c, struct err *e)
{
	struct credential found;
	struct auth_value v = { 0 };
	bool good = endpoint_credential(c->a, c->url, &c->headers, &found, e);

	c->why = found.why;
	c->repaired = found.repaired;
	c->kept_account = found.kept;
	if (!good)
		return NULL;
	c->signs_in = !found.auth;
	if (!c->rate)
		c->rate = request_count_new(c->loop, count_path, c);
	if (c->signs_in) {
		c->why = "a sign-in (OAuth)";
		return auth_new_oauth(c->loop, c->http, &c->http_opts, &c->oauth, e);
	}
	if (auth_value(found.auth, &v, NULL, e) == AUTH_READY && v.field)
		use_value(c, v.field);
	return found.auth;
}
