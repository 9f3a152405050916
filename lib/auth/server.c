#include "auth/server.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/url.h"

/* Longest token: header fields of 8 KiB pass everywhere, 16 nearly. */
#define TOKEN_MAX 16384

/* Ten years: a date further off is nonsense and would overflow sums. */
#define EXPIRES_MAX ((json_int_t)10 * 366 * 86400)

static json_t *load(const char *text, size_t n, const char *what, struct err *e)
{
	json_t *o = json_loadb(text, n, 0, NULL);

	if (json_is_object(o))
		return o;
	json_decref(o);
	err_set(e, ERR_PROTO, "%s is not a JSON object", what);
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

/* An array of strings as one blank-separated text; NULL when it is none. */
static char *joined(const json_t *array)
{
	struct buf b;
	size_t i;
	json_t *v;
	char *text = NULL;

	if (!json_is_array(array))
		return NULL;
	buf_init(&b, SERVER_DOCUMENT_MAX);
	json_array_foreach(array, i, v)
	{
		const char *s = json_string_value(v);

		if (s && *s && !strpbrk(s, " \r\n\t\"\\") &&
			(!buf_adds(&b, b.len ? " " : "") || !buf_adds(&b, s)))
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

bool server_url_ok(const char *url, const char *endpoint, const char *what, struct err *e)
{
	struct url u = { 0 }, own = { 0 };
	bool good = false;

	if (!url_parse(url, &u, e)) {
		err_prefix(e, "the %s of the sign-in server cannot be used", what);
		e->kind = ERR_PROTO;
	} else if (u.userinfo || !url_is_safe(&u)) {
		err_set(e, ERR_PROTO,
			"the %s of the sign-in server is not https, so no credential goes there",
			what);
	} else if (url_is_loopback(&u) && url_parse(endpoint, &own, NULL) &&
		   !url_is_loopback(&own)) {
		err_set(e, ERR_PROTO, "the %s of the sign-in server points into this machine",
			what);
	} else {
		good = true;
	}
	url_clear(&u);
	url_clear(&own);
	return good;
}

/* ---- resource metadata ---- */

/* RFC 9728 section 3.3: the resource is the endpoint, or a part of its path on the same origin. */
static bool covers(const char *resource, const char *endpoint)
{
	struct url r = { 0 }, u = { 0 };
	size_t n;
	bool good = false;

	if (strcmp(resource, endpoint) == 0)
		return true;
	if (url_same_origin(resource, endpoint) && url_parse(resource, &r, NULL) &&
		url_parse(endpoint, &u, NULL)) {
		n = strlen(r.path);
		while (n && r.path[n - 1] == '/')
			n--;
		good = strncmp(r.path, u.path, n) == 0 && (u.path[n] == 0 || u.path[n] == '/');
	}
	url_clear(&r);
	url_clear(&u);
	return good;
}

bool server_read_resource(const char *text, size_t n, const char *endpoint, struct grant *g,
	char **issuer, struct err *e)
{
	json_t *o = load(text, n, "the resource metadata", e);
	const char *resource = text_of(o, "resource");
	const char *as =
		json_string_value(json_array_get(json_object_get(o, "authorization_servers"), 0));
	bool good = false;

	*issuer = NULL;
	if (!o)
		return false;
	if (!resource || !covers(resource, endpoint)) {
		err_set(e, ERR_PROTO,
			"the resource metadata is for another server (%.200s), so nobody is asked "
			"to sign in",
			resource ? resource : "none");
		err_clean(e->msg);
	} else if (as && !server_url_ok(as, endpoint, "address", e)) {
		good = false;
	} else {
		if (!g->resource)
			g->resource = mem_dup(resource);
		free(g->scopes_offered);
		g->scopes_offered = joined(json_object_get(o, "scopes_supported"));
		*issuer = as ? mem_dup(as) : NULL;
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

	if (!v && required)
		return err_set(e, ERR_PROTO, "the sign-in server's metadata has no %s", name);
	if (v && !server_url_ok(v, endpoint, name, e))
		return false;
	replace(to, v);
	return true;
}

/* RFC 8414 section 3.3. Where the issuer was guessed, another origin's name would let this server borrow
 * the "iss" of an honest one (RFC 9207). */
static bool is_issuer(const char *own, const char *asked, bool guessed)
{
	return own && (strcmp(own, asked) == 0 || (guessed && url_same_origin(own, asked)));
}

static bool take_metadata(const json_t *o, const char *issuer, bool guessed, const char *endpoint,
	struct grant *g, struct server_traits *t, struct err *e)
{
	const char *own = text_of(o, "issuer");

	if (!is_issuer(own, issuer, guessed))
		return err_set(e, ERR_PROTO,
			"the sign-in server's metadata names another issuer than the one that was "
			"asked");
	if (!take_endpoint(
		    o, "authorization_endpoint", endpoint, false, &g->authorization_endpoint, e) ||
		!take_endpoint(o, "token_endpoint", endpoint, true, &g->token_endpoint, e) ||
		!take_endpoint(o, "registration_endpoint", endpoint, false,
			&g->registration_endpoint, e) ||
		!take_endpoint(
			o, "revocation_endpoint", endpoint, false, &g->revocation_endpoint, e) ||
		!take_endpoint(o, "device_authorization_endpoint", endpoint, false,
			&g->device_endpoint, e))
		return false;
	if (!contains(json_object_get(o, "code_challenge_methods_supported"), "S256"))
		return err_set(e, ERR_PROTO,
			"the sign-in server does not offer PKCE with S256, which MCP demands");
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

bool server_read_metadata(const char *text, size_t n, const char *issuer, bool guessed,
	const char *endpoint, struct grant *g, struct server_traits *t, struct err *e)
{
	json_t *o = load(text, n, "the sign-in server's metadata", e);
	bool good = o && take_metadata(o, issuer, guessed, endpoint, g, t, e);

	json_decref(o);
	return good;
}

/* ---- registration ---- */

static const char *pick_method(const struct grant *g)
{
	if (!g->auth_methods || server_scope_has(g->auth_methods, "none", 4))
		return "none";
	if (server_scope_has(g->auth_methods, "client_secret_post", 18))
		return "client_secret_post";
	return "client_secret_basic";
}

char *server_registration(
	const struct grant *g, const char *metadata, const char *scope, struct err *e)
{
	json_t *more = NULL, *o;
	const char *device;
	char *text;

	if (metadata) {
		more = load(metadata, strlen(metadata), "--static-oauth-client-metadata", e);
		if (!more) {
			e->kind = ERR_USAGE;
			return NULL;
		}
	}
	/* A server may refuse a grant that the client did not register for (RFC 7591, section 2). */
	device = g->device_endpoint ? "urn:ietf:params:oauth:grant-type:device_code" : NULL;
	o = json_pack("{s:s, s:[s], s:[s,s,s*], s:[s], s:s, s:s}", "client_name", "mpmcp",
		"redirect_uris", g->redirect_uri, "grant_types", "authorization_code",
		"refresh_token", device, "response_types", "code", "token_endpoint_auth_method",
		pick_method(g), "application_type", "native");
	if (scope)
		json_object_set_new(o, "scope", json_string(scope));
	if (more)
		json_object_update(o, more);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	json_decref(more);
	if (!text)
		err_set(e, ERR_LIMIT, "out of memory");
	return text;
}

static bool is_printable(const char *s, size_t max)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= ' ' || s[n] >= 127)
			return false;
	return n > 0 && n <= max;
}

bool server_read_client(const char *text, size_t n, struct grant *g, struct err *e)
{
	json_t *o = load(text, n, "the registration's answer", e);
	const char *id = text_of(o, "client_id"), *secret = text_of(o, "client_secret"),
		   *method = text_of(o, "token_endpoint_auth_method");
	bool good = false;

	if (!o)
		return false;
	if (!id || !is_printable(id, 2048) ||
		(secret && *secret && !is_printable(secret, TOKEN_MAX))) {
		err_set(e, ERR_PROTO, "the registration's answer has no usable client_id");
	} else {
		replace(&g->client_id, id);
		secret_clear(&g->client_secret);
		if (secret && *secret)
			secret_set(&g->client_secret, secret, strlen(secret));
		if (!method || (strcmp(method, "client_secret_basic") != 0 &&
				       strcmp(method, "client_secret_post") != 0))
			method = secret && *secret && !method
					 ? (strcmp(pick_method(g), "none") == 0
							   ? "client_secret_post"
							   : pick_method(g))
					 : "none";
		replace(&g->client_method, method);
		good = true;
	}
	json_decref(o);
	return good;
}

/* ---- tokens ---- */

static json_int_t lifetime(const json_t *o)
{
	const json_t *v = json_object_get(o, "expires_in");
	json_int_t s = json_is_real(v) ? (json_int_t)json_real_value(v) : json_integer_value(v);

	if (json_is_string(v)) {
		const char *t = json_string_value(v);

		s = *t && strspn(t, "0123456789") == strlen(t) && strlen(t) < 12
			    ? strtoll(t, NULL, 10)
			    : 0;
	}
	return s > 0 && s <= EXPIRES_MAX ? s : 0;
}

static bool take_tokens(const json_t *o, bool id_token, struct grant *g, struct err *e)
{
	const char *access = text_of(o, id_token ? "id_token" : "access_token"),
		   *refresh = text_of(o, "refresh_token");
	const char *type = text_of(o, "token_type"), *scope = text_of(o, "scope");
	json_int_t s = lifetime(o);

	if (!access || !is_printable(access, TOKEN_MAX))
		return err_set(e, ERR_PROTO, "the token endpoint's answer has no usable %s",
			id_token ? "id_token" : "access_token");
	if (type && strcasecmp(type, "Bearer") != 0)
		return err_set(
			e, ERR_PROTO, "the token endpoint gave a token that is not of type Bearer");
	secret_set(&g->access, access, strlen(access));
	if (refresh && is_printable(refresh, TOKEN_MAX))
		secret_set(&g->refresh, refresh, strlen(refresh));
	g->obtained_s = clock_wall_s();
	g->expires_s = s ? g->obtained_s + s : 0;
	if (scope)
		replace(&g->scope_granted, scope);
	else if (!g->scope_granted)
		replace(&g->scope_granted, g->scope_asked);
	return true;
}

bool server_read_tokens(const char *text, size_t n, bool id_token, struct grant *g, struct err *e)
{
	json_t *o = load(text, n, "the token endpoint's answer", e);
	bool good = o && take_tokens(o, id_token, g, e);

	json_decref(o);
	return good;
}

void server_read_error(const char *text, size_t n, char code[64], char words[241])
{
	json_t *o = json_loadb(text, n, 0, NULL);
	const char *error = text_of(o, "error"), *description = text_of(o, "error_description");
	const char *shown = description && *description ? description : error;

	code[0] = words[0] = 0;
	if (error && strlen(error) < 64)
		strcpy(code, error);
	if (shown) {
		size_t m = strlen(shown) > 240 ? 240 : strlen(shown);

		memcpy(words, shown, m);
		words[m] = 0;
		err_clean(diag_redact(words));
	}
	json_decref(o);
}

/* ---- scopes ---- */

bool server_scope_has(const char *list, const char *scope, size_t n)
{
	for (const char *p = list; p && *p;) {
		size_t m = strcspn(p, " ");

		if (m == n && memcmp(p, scope, n) == 0)
			return true;
		p += m + strspn(p + m, " ");
	}
	return false;
}

char *server_scope_union(const char *a, const char *b)
{
	struct buf out;

	buf_init(&out, SERVER_DOCUMENT_MAX);
	for (int i = 0; i < 2; i++) {
		for (const char *p = i ? b : a; p && *p;) {
			size_t m = strcspn(p, " ");

			if (m && !server_scope_has(buf_str(&out), p, m) &&
				(!buf_adds(&out, out.len ? " " : "") || !buf_add(&out, p, m)))
				break;
			p += m + strspn(p + m, " ");
		}
	}
	return buf_take(&out, NULL);
}
