#include "auth/scope.h"
#include "auth/documents.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/here.h"
#include "net/url.h"

/* Longest token: header fields of 8 KiB pass everywhere, 16 nearly. */
#define TOKEN_MAX 16384

/* Longest name of a scope, or of whatever else stands in a list. */
#define SCOPE_MAX 1024

/* Ten years: a date further off is nonsense and would overflow sums. */
#define EXPIRES_MAX ((json_int_t)10 * 366 * 86400)

/* An ASCII text in UTF-8 without a mark begins with none of these. */
static bool may_be_marked(const char *text, size_t n)
{
	return n && memchr("\xEF\xFE\xFF", *text, 3);
}

json_t *documents_json(const char *text, size_t n, size_t flags, const char *what, struct err *e)
{
	json_error_t why;
	json_t *o = NULL;
	struct buf plain;

	buf_init(&plain, 2 * DOCUMENTS_BYTES_MAX);
	if (may_be_marked(text, n)) {
		if (!buf_add(&plain, text, n) || !text_plain(&plain, what, e))
			goto out;
		text = buf_str(&plain);
		n = plain.len;
	}
	/* Its own words may repeat a piece of the text, which may be a secret. */
	o = json_loadb(text, n, flags, &why);
	if (!o)
		err_set(e, ERR_PROTO, "%.200s is not valid JSON (byte %d)", what, why.position);
out:
	buf_wipe(&plain);
	return o;
}

static json_t *load(const char *text, size_t n, const char *what, struct err *e)
{
	json_t *o = documents_json(text, n, 0, what, e);

	if (json_is_object(o))
		return o;
	if (o)
		err_set(e, ERR_PROTO, "%s is not a JSON object", what);
	json_decref(o);
	return NULL;
}

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static void replace(char **to, const char *value)
{
	char *copy = value ? mem_dup(value) : NULL;

	free(*to);
	*to = copy;
}

/* Bytes from first to "~", and something. */
static bool is_text(const char *s, char first, size_t max)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] < first || s[n] > '~')
			return false;
	return n > 0 && n <= max;
}

/* Visible ASCII. Of the tokens, that is asked of an access token alone, since it goes into a header field
 * (RFC 6750 section 2.1, and some characters more that services are known to use). */
static bool is_printable(const char *s, size_t max)
{
	return is_text(s, '!', max);
}

/* VSCHAR of RFC 6749 appendix A: client_id, client_secret, code, refresh_token. */
static bool is_vschar(const char *s, size_t max)
{
	return is_text(s, ' ', max);
}

/* An array of strings as one blank-separated text; NULL when it is none. */
static char *joined(const json_t *array)
{
	struct buf b;
	size_t i;
	json_t *v;
	char *text = NULL;

	if (!json_is_array(array))
		return NULL;
	buf_init(&b, SCOPE_LIST_MAX);
	json_array_foreach(array, i, v)
	{
		const char *s = json_string_value(v);

		if (s && is_printable(s, SCOPE_MAX) && !strpbrk(s, "\"\\") &&
			!buf_addf(&b, "%s%s", b.len ? " " : "", s))
			break;
	}
	text = buf_take(&b, NULL);
	return text;
}

static bool contains(const json_t *array, const char *what)
{
	size_t i;
	json_t *v;

	json_array_foreach(array, i, v)
	{
		const char *s = json_string_value(v);

		if (s && strcmp(s, what) == 0)
			return true;
	}
	return false;
}

bool documents_is_document(const char *text, size_t n)
{
	json_t *o = documents_json(text, n, 0, "the document", NULL);
	bool good = json_is_object(o);

	json_decref(o);
	return good;
}

/* Plain http is a matter of the person's own network, once the endpoint itself is there. */
static bool is_plain_network(const struct url *u, const struct url *own)
{
	return own->scheme && strcmp(own->scheme, "http") == 0 && !url_is_loopback(own) &&
	       !url_is_loopback(u);
}

bool documents_url_ok(const char *url, const char *endpoint, const char *what, struct err *e)
{
	struct url u = { 0 }, own = { 0 };
	bool good = false, known = url_parse(endpoint, &own, NULL);

	if (!url_parse(url, &u, e)) {
		err_prefix(e, "the %s of the sign-in server cannot be used", what);
		if (e)
			e->kind = ERR_PROTO;
	} else if (u.userinfo || u.fragment || !is_printable(url, URL_MAX)) {
		err_set(e, ERR_PROTO,
			"the %s of the sign-in server cannot be used: it holds a user name, a "
			"fragment or characters that a URL cannot contain",
			what);
	} else if (!url_is_safe(&u) && !is_plain_network(&u, &own)) {
		err_set(e, ERR_PROTO,
			"the %s of the sign-in server is not https, so no credential is sent there",
			what);
	} else if (here_is_barred(here_host(u.host), known ? here_host(own.host) : HERE_NOT)) {
		err_set(e, ERR_PROTO,
			"the %s of the sign-in server points %s, which is not allowed for a remote "
			"server",
			what,
			here_host(u.host) == HERE_LINK ? "to a link-local address"
						       : "into this machine");
	} else {
		good = true;
	}
	url_clear(&u);
	url_clear(&own);
	return good;
}

/* ---- resource metadata ---- */

/* RFC 9728 section 3.3: the resource is the endpoint, or a part of its path on the same origin. One with
 * a query is that alone: another query may be another tenant. */
static bool covers(const char *resource, const char *endpoint)
{
	struct url r = { 0 }, u = { 0 };
	size_t n;
	bool good = false;

	if (strcmp(resource, endpoint) == 0)
		return true;
	if (url_same_origin(resource, endpoint) && url_parse(resource, &r, NULL) && !r.query &&
		!r.fragment && url_parse(endpoint, &u, NULL)) {
		n = strlen(r.path);
		while (n && r.path[n - 1] == '/')
			n--;
		good = strncmp(r.path, u.path, n) == 0 && (u.path[n] == 0 || u.path[n] == '/');
	}
	url_clear(&r);
	url_clear(&u);
	return good;
}

void documents_issuers_clear(struct documents_issuers *i)
{
	for (size_t k = 0; k < i->n; k++)
		free(i->item[k]);
	i->n = 0;
}

/* Those that can be used, in order. */
static bool take_issuers(
	const json_t *array, const char *endpoint, struct documents_issuers *issuers, struct err *e)
{
	struct err first = { 0 }, why;
	size_t i;
	json_t *v;

	json_array_foreach(array, i, v)
	{
		const char *s = json_string_value(v);

		if (!s || issuers->n == DOCUMENTS_ISSUERS_MAX)
			continue;
		why = (struct err){ 0 };
		if (documents_url_ok(s, endpoint, "address", &why))
			issuers->item[issuers->n++] = mem_dup(s);
		else if (!first.kind)
			first = why;
	}
	if (issuers->n || !first.kind)
		return true;
	*e = first;
	return false;
}

bool documents_read_resource(const char *text, size_t n, const char *endpoint,
	struct signin_record *g, struct documents_issuers *issuers, struct err *e)
{
	json_t *o = load(text, n, "the resource metadata", e);
	const char *resource = text_of(o, "resource");
	bool good = false;

	*issuers = (struct documents_issuers){ 0 };
	if (!o)
		return false;
	if (!resource) {
		err_set(e, ERR_PROTO,
			"the resource metadata has no resource, so no sign-in is started");
	} else if (!covers(resource, endpoint)) {
		/* The query of an endpoint may hold a secret. */
		err_set(e, ERR_PROTO,
			"the resource metadata is for another server (%.200s) than the one that "
			"was asked (%.*s), so no sign-in is started",
			resource, (int)strcspn(endpoint, "?#"), endpoint);
	} else if (take_issuers(
			   json_object_get(o, "authorization_servers"), endpoint, issuers, e)) {
		if (!g->resource)
			g->resource = mem_dup(resource);
		free(g->scopes_offered);
		g->scopes_offered = joined(json_object_get(o, "scopes_supported"));
		good = true;
	}
	json_decref(o);
	return good;
}

/* ---- server metadata ---- */

static bool take_endpoint(const json_t *o, const char *name, const char *endpoint, bool required,
	char **to, struct err *e)
{
	const char *v = text_of(o, name);

	if (v && !*v)
		v = NULL;
	if (!v && required)
		return err_set(e, ERR_PROTO, "the sign-in server's metadata has no %s", name);
	if (v && !documents_url_ok(v, endpoint, name, e))
		return false;
	replace(to, v);
	return true;
}

/* One that cannot be used is left out: a sign-in works without. */
static void take_optional(
	const json_t *o, const char *name, const char *endpoint, char **to, struct server_traits *t)
{
	const json_t *v = json_object_get(o, name);
	const char *url = json_string_value(v);
	bool given = v && !json_is_null(v),
	     good = url && documents_url_ok(url, endpoint, name, NULL);

	if (given && !good)
		t->unused[t->nunused++] = name;
	if (to)
		replace(to, good ? url : NULL);
}

static void take_optionals(
	const json_t *o, const char *endpoint, struct signin_record *g, struct server_traits *t)
{
	t->nunused = 0;
	take_optional(o, "revocation_endpoint", endpoint, &g->revocation_endpoint, t);
	take_optional(o, "device_authorization_endpoint", endpoint, &g->device_endpoint, t);
	/* Nobody asks these here; doctor has a word for who runs the server. */
	take_optional(o, "introspection_endpoint", endpoint, NULL, t);
	take_optional(o, "userinfo_endpoint", endpoint, NULL, t);
}

/* A host and nothing behind it. */
static bool has_no_path(const char *issuer, size_t n)
{
	const char *host = strstr(issuer, "://");

	return host && host + 3 + strcspn(host + 3, "/?#") == issuer + n;
}

bool documents_same_issuer(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	const char *longer = n > m ? a : b;
	size_t least = n > m ? m : n;

	if (strncmp(a, b, least) != 0)
		return false;
	return n == m || (strcmp(longer + least, "/") == 0 && has_no_path(longer, least));
}

/* RFC 8414 section 3.3. Where the issuer was guessed, another origin's name would let this server borrow
 * the "iss" of an honest one (RFC 9207). */
static bool is_issuer(const char *own, const char *asked, bool guessed)
{
	return documents_same_issuer(own, asked) || (guessed && url_same_origin(own, asked));
}

static bool take_metadata(const json_t *o, const char *issuer, bool guessed, const char *endpoint,
	struct signin_record *g, struct server_traits *t, struct err *e)
{
	const char *own = text_of(o, "issuer");

	if (!own)
		return err_set(e, ERR_PROTO,
			"the metadata of the sign-in server %.200s has no issuer", issuer);
	if (!is_issuer(own, issuer, guessed))
		return err_set(e, ERR_PROTO,
			"the sign-in server's metadata names another issuer (%.200s) than the one "
			"that was asked (%.200s)",
			own, issuer);
	if (!take_endpoint(
		    o, "authorization_endpoint", endpoint, false, &g->authorization_endpoint, e) ||
		!take_endpoint(o, "token_endpoint", endpoint, true, &g->token_endpoint, e) ||
		!take_endpoint(
			o, "registration_endpoint", endpoint, false, &g->registration_endpoint, e))
		return false;
	take_optionals(o, endpoint, g, t);
	t->pkce = contains(json_object_get(o, "code_challenge_methods_supported"), "S256");
	replace(&g->issuer, own);
	free(g->auth_methods);
	g->auth_methods = joined(json_object_get(o, "token_endpoint_auth_methods_supported"));
	g->iss_promised =
		json_is_true(json_object_get(o, "authorization_response_iss_parameter_supported"));
	t->offline_access = contains(json_object_get(o, "scopes_supported"), "offline_access");
	t->client_documents =
		json_is_true(json_object_get(o, "client_id_metadata_document_supported"));
	return true;
}

bool documents_read_metadata(const char *text, size_t n, const char *issuer, bool guessed,
	const char *endpoint, struct signin_record *g, struct server_traits *t, struct err *e)
{
	json_t *o = load(text, n, "the sign-in server's metadata", e);
	bool good = o && take_metadata(o, issuer, guessed, endpoint, g, t, e);

	json_decref(o);
	return good;
}

bool documents_takes_pkce(const struct server_traits *t, struct err *e)
{
	return t->pkce ||
	       err_set(e, ERR_PROTO,
		       "the sign-in server does not announce PKCE with S256 "
		       "(code_challenge_methods_supported), which MCP requires. If the server is "
		       "known to support it anyway, as Entra and Cognito are, add "
		       "--assume-pkce-s256");
}

/* ---- registration ---- */

/* How a client with or without a secret shows who it is. Where the server does not say what it takes, the
 * default counts (RFC 8414 section 2). */
static const char *pick_method(const struct signin_record *g, bool secret)
{
	const char *offered = g->auth_methods;

	if (!secret)
		return !offered || scope_has(offered, "none", 4)      ? "none"
		       : scope_has(offered, "client_secret_post", 18) ? "client_secret_post"
								      : "client_secret_basic";
	if (!offered || scope_has(offered, "client_secret_basic", 19))
		return "client_secret_basic";
	return scope_has(offered, "none", 4) && !scope_has(offered, "client_secret_post", 18)
		       ? "none"
		       : "client_secret_post";
}

static json_t *registration(const struct signin_record *g, const char *scope)
{
	json_t *o = json_pack("{s:s, s:[s], s:[s,s], s:[s], s:s, s:s, s:s*}", "client_name",
		"mpmcp", "redirect_uris", g->redirect_uri, "grant_types", "authorization_code",
		"refresh_token", "response_types", "code", "token_endpoint_auth_method",
		pick_method(g, false), "application_type", "native", "scope", scope);

	/* A server may refuse a grant that the client did not register for (RFC 7591, section 2). */
	if (g->device_endpoint)
		json_array_append_new(json_object_get(o, "grant_types"),
			json_string("urn:ietf:params:oauth:grant-type:device_code"));
	return o;
}

char *documents_registration(
	const struct signin_record *g, const char *metadata, const char *scope, struct err *e)
{
	json_t *more = NULL, *o;
	char *text;

	if (metadata) {
		more = load(metadata, strlen(metadata), "--static-oauth-client-metadata", e);
		if (!more) {
			e->kind = ERR_USAGE;
			return NULL;
		}
	}
	o = registration(g, scope);
	if (more)
		json_object_update(o, more);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	json_decref(more);
	if (!text)
		err_set(e, ERR_LIMIT, "out of memory");
	return text;
}

static bool is_method(const char *method)
{
	return method &&
	       (strcmp(method, "none") == 0 || strcmp(method, "client_secret_basic") == 0 ||
		       strcmp(method, "client_secret_post") == 0);
}

static void take_client(
	const json_t *o, const char *secret, const char *method, struct signin_record *g)
{
	const char *own = text_of(o, "token_endpoint_auth_method");

	secret_clear(&g->client_secret);
	if (secret)
		secret_set(&g->client_secret, secret, strlen(secret));
	/* Servers name an end for clients that have no secret, too; it means nothing then. */
	g->client_expires_s =
		secret ? json_integer_value(json_object_get(o, "client_secret_expires_at")) : 0;
	method = is_method(own) ? own : is_method(method) ? method : NULL;
	replace(&g->client_method, !secret ? "none" : method ? method : pick_method(g, true));
}

bool documents_read_client(
	const char *text, size_t n, const char *method, struct signin_record *g, struct err *e)
{
	json_t *o = load(text, n, "the registration response", e);
	const char *id = text_of(o, "client_id"), *secret = text_of(o, "client_secret");
	bool good = false;

	if (!o)
		return false;
	if (secret && !*secret)
		secret = NULL;
	if (!id || !is_vschar(id, 2048) || (secret && !is_vschar(secret, TOKEN_MAX))) {
		err_set(e, ERR_PROTO, "the registration response has no usable client_id");
	} else {
		replace(&g->client_id, id);
		take_client(o, secret, method, g);
		good = true;
	}
	json_decref(o);
	return good;
}

/* ---- tokens ---- */

static json_int_t lifetime(const json_t *o)
{
	const json_t *v = json_object_get(o, "expires_in");
	json_int_t s = json_integer_value(v);

	if (json_is_real(v) && json_real_value(v) >= 0 && json_real_value(v) <= EXPIRES_MAX)
		s = (json_int_t)json_real_value(v);
	if (json_is_string(v)) {
		const char *t = json_string_value(v);

		s = *t && strspn(t, "0123456789") == strlen(t) && strlen(t) < 12
			    ? strtoll(t, NULL, 10)
			    : 0;
	}
	return s > 0 && s <= EXPIRES_MAX ? s : 0;
}

/* The end of a JWT (RFC 7519 section 4.1.4), 0 when it cannot be read. Nobody's signature is checked: the
 * token is only passed on, to who will. */
static int64_t jwt_end(const char *token)
{
	const char *dot = strchr(token, '.');
	struct buf claims;
	json_t *o = NULL;
	json_int_t end;

	buf_init(&claims, TOKEN_MAX);
	if (dot && crypt_unbase64(&claims, dot + 1, strcspn(dot + 1, ".")))
		o = json_loadb(buf_str(&claims), claims.len, 0, NULL);
	end = json_integer_value(json_object_get(o, "exp"));
	json_decref(o);
	buf_wipe(&claims);
	return end > 0 ? end : 0;
}

static void take_times(const json_t *o, const char *id_token, struct signin_record *g)
{
	json_int_t s = lifetime(o);
	int64_t end = id_token ? jwt_end(id_token) : 0;

	g->obtained_s = clock_wall_s();
	g->expires_s = end ? end : s ? g->obtained_s + s : 0;
}

static bool take_tokens(const json_t *o, bool id_token, struct signin_record *g, struct err *e)
{
	const char *access = text_of(o, id_token ? "id_token" : "access_token"),
		   *refresh = text_of(o, "refresh_token");
	const char *type = text_of(o, "token_type"), *scope = text_of(o, "scope");

	if (!access || !is_printable(access, TOKEN_MAX))
		return err_set(e, ERR_PROTO, "the token endpoint's response has no usable %s%s",
			id_token ? "id_token" : "access_token",
			id_token ? "; ask for the scope openid" : "");
	if (type && strcasecmp(type, "Bearer") != 0)
		return err_set(e, ERR_PROTO,
			"the token endpoint issued a token that is not of type Bearer");
	secret_set(&g->access, access, strlen(access));
	if (refresh && is_vschar(refresh, TOKEN_MAX))
		secret_set(&g->refresh, refresh, strlen(refresh));
	take_times(o, id_token ? access : NULL, g);
	if (scope && *scope && strlen(scope) <= SCOPE_LIST_MAX) {
		replace(&g->scope_granted, scope);
		err_clean(g->scope_granted); /* people will see it */
	} else if (!g->scope_granted) {
		replace(&g->scope_granted, g->scope_asked);
	}
	return true;
}

bool documents_read_tokens(
	const char *text, size_t n, bool id_token, struct signin_record *g, struct err *e)
{
	json_t *o = load(text, n, "the token endpoint's response", e);
	bool good = o && take_tokens(o, id_token, g, e);

	json_decref(o);
	return good;
}

bool documents_read_error(const char *text, size_t n, char code[64], char words[241])
{
	json_t *o = documents_json(text, n, 0, "the answer", NULL);
	const char *error = text_of(o, "error"), *description = text_of(o, "error_description");
	const char *shown = description && *description ? description : error;
	bool is = error && *error && strlen(error) < 64;

	if (code)
		strcpy(code, is ? error : "");
	if (words) {
		size_t m = !shown ? 0 : strlen(shown) > 240 ? 240 : strlen(shown);

		memcpy(words, m ? shown : "", m);
		words[m] = 0;
		err_clean(diag_redact(words));
	}
	json_decref(o);
	return is;
}
