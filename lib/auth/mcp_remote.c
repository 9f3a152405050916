#include "auth/mcp_remote.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/file.h"
#include "base/mem.h"
#include "net/url.h"
#include "os/start.h"

#define FILE_MAX ((size_t)256 << 10)

static char *root_folder(void)
{
	if (os_variable("MCP_REMOTE_CONFIG_DIR"))
		return mem_dup(os_variable("MCP_REMOTE_CONFIG_DIR"));
	return mem_printf("%s/.mcp-auth", os_home() ? os_home() : "");
}

static json_t *read_document(const char *dir, const char *hash, const char *what)
{
	char *path = mem_printf("%s/%s_%s.json", dir, hash, what);
	struct buf text;
	json_t *o = NULL;

	buf_init(&text, FILE_MAX);
	if (file_read_own(path, &text, NULL) == FILE_OK)
		o = json_loadb(buf_str(&text), text.len, 0, NULL);
	buf_wipe(&text);
	free(path);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

static char *copy_text(const json_t *o, const char *name)
{
	const char *v = json_string_value(json_object_get(o, name));

	return v ? mem_dup(v) : NULL;
}

static bool take_tokens(
	const struct oauth_options *o, const json_t *tokens, struct signin_record *g, struct err *e)
{
	json_int_t until_ms = json_integer_value(json_object_get(tokens, "expires_at"));
	char *text = json_dumps(tokens, JSON_COMPACT);
	bool good = text && documents_read_tokens(text, strlen(text), o->id_token, g, e);

	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	/* It keeps milliseconds. Without a date the token counts as ended: a refresh is cheap. */
	if (!o->id_token || !g->expires_s)
		g->expires_s = until_ms > 0 ? until_ms / 1000 : clock_wall_s();
	return good;
}

/* A client that is given need not be in the folder. */
static bool take_client(
	const struct oauth_options *o, const json_t *client, struct signin_record *g, struct err *e)
{
	const char *redirect =
		json_string_value(json_array_get(json_object_get(client, "redirect_uris"), 0));
	char *text = o->client_info ? mem_dup(o->client_info) : json_dumps(client, JSON_COMPACT);
	char *method = oauth_metadata_text(o, "token_endpoint_auth_method");
	bool good = text && documents_read_client(text, strlen(text), method, g, e);

	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	free(method);
	g->redirect_uri = redirect ? mem_dup(redirect) : NULL;
	return good;
}

static bool from_folder(const struct oauth_options *o, const char *dir, const char *hash,
	struct signin_record *g, struct err *e)
{
	json_t *tokens = read_document(dir, hash, "tokens"),
	       *client = read_document(dir, hash, "client_info");
	bool good = tokens && (client || o->client_info) && take_tokens(o, tokens, g, e) &&
		    take_client(o, client, g, e);

	if (good) {
		g->url = mem_dup(o->url);
		g->profile = o->profile ? mem_dup(o->profile) : NULL;
		g->issuer = copy_text(tokens, "issuer");
		if (!g->issuer)
			g->issuer = copy_text(client, "issuer");
		g->scope_asked = copy_text(tokens, "requested_scope");
	} else {
		signin_record_clear(g);
	}
	json_decref(tokens);
	json_decref(client);
	return good;
}

/* ---- whom it may be sent to ---- */

/* A name of one label is a public suffix or a machine of a local network. */
static bool is_above(const struct url *above, const struct url *below)
{
	return strchr(above->host, '.') && url_in_domain(below, above->host);
}

static bool is_own_site(const struct url *a, const struct url *b)
{
	static const char service[] = "mixpanel.com";

	return strcmp(a->host, b->host) == 0 || is_above(a, b) || is_above(b, a) ||
	       (url_in_domain(a, service) && url_in_domain(b, service));
}

static bool stays_on_site(const char *endpoint, const char *other)
{
	struct url a = { 0 }, b = { 0 };
	bool stays =
		url_parse(endpoint, &a, NULL) && url_parse(other, &b, NULL) && is_own_site(&a, &b);

	url_clear(&a);
	url_clear(&b);
	return stays;
}

bool mcp_remote_stays_on_site(const char *endpoint, const struct signin_record *found)
{
	return found->token_endpoint && stays_on_site(endpoint, found->token_endpoint) &&
	       (!found->revocation_endpoint || stays_on_site(endpoint, found->revocation_endpoint));
}

void mcp_remote_access_alone(struct signin_record *g)
{
	secret_clear(&g->refresh);
	secret_clear(&g->client_secret);
	free(g->client_id);
	free(g->client_method);
	free(g->redirect_uri);
	g->client_id = g->client_method = g->redirect_uri = NULL;
}

/* ---- which folder ---- */

static bool is_store(const char *name)
{
	return strncmp(name, "mcp-remote-", 11) == 0;
}

/* "mcp-remote-0.1.29" in one number; "mcp-remote-v1", which took the place of all those, is beyond. */
static long rank(const char *name)
{
	long sum = 0;

	name += 11;
	if (*name == 'v')
		return LONG_MAX;
	for (int i = 0; i < 3; i++) {
		char *end;
		long part = strtol(name, &end, 10);

		sum = sum * 1000 + (part < 0 ? 0 : part > 999 ? 999 : part);
		name = *end == '.' ? end + 1 : end;
	}
	return sum;
}

static int newest_first(const void *a, const void *b)
{
	long x = rank(*(char *const *)a), y = rank(*(char *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

bool mcp_remote_read(const struct oauth_options *o, struct signin_record *g, struct err *e)
{
	char *root = root_folder();
	struct strset found = { 0 };
	unsigned char sum[CRYPT_MD5_LEN];
	struct err why = { 0 };
	struct buf hash;
	bool good = false;

	*g = (struct signin_record){ 0 };
	buf_init(&hash, 64);
	if (oauth_hash(o, sum) && crypt_hex(&hash, sum, sizeof(sum)) &&
		file_names(root, is_store, &found))
		qsort(found.item, found.n, sizeof(found.item[0]), newest_first);
	for (size_t i = 0; i < found.n; i++) {
		char *dir = mem_printf("%s/%s", root, found.item[i]);

		good = good || from_folder(o, dir, hash.p, g, &why);
		free(dir);
	}
	strset_clear(&found);
	if (!good) {
		char *command = oauth_command(o, NULL);

		err_set(e, ERR_AUTH, "no sign-in of mcp-remote for %s %s in %s. Run \"%s\"", o->url,
			why.kind ? "that can be used is" : "is", root, command);
		free(command);
	}
	free(root);
	buf_free(&hash);
	return good;
}
