#include "auth/import.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/server.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/file.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)256 << 10)

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static char *root_folder(void)
{
	if (env("MCP_REMOTE_CONFIG_DIR"))
		return mem_dup(env("MCP_REMOTE_CONFIG_DIR"));
	return mem_printf("%s/.mcp-auth", env("HOME") ? env("HOME") : "");
}

/* The authorize parameters as that program writes them: compact JSON, sorted. */
static char *params_text(const struct oauth_opts *o)
{
	json_t *all = json_object();
	char *text;

	for (size_t i = 0; i < o->nparams; i++) {
		size_t n = strcspn(o->params[i], "=");
		char *name = mem_ndup(o->params[i], n);

		json_object_set_new(
			all, name, json_string(o->params[i] + n + (o->params[i][n] == '=')));
		free(name);
	}
	text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(all);
	return text;
}

static bool file_hash(const struct oauth_opts *o, struct buf *out)
{
	unsigned char sum[CRYPT_MD5_LEN];
	struct buf text;
	char *params = o->nparams ? params_text(o) : NULL;
	const char *parts[] = { o->resource, params, o->client_metadata_url, o->token_endpoint };
	bool good;

	buf_init(&text, FILE_MAX);
	good = buf_adds(&text, o->url);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		good = good && (!parts[i] || buf_addf(&text, "|%s", parts[i]));
	good = good && crypt_md5(text.p, text.len, sum) && crypt_hex(out, sum, sizeof(sum));
	buf_free(&text);
	free(params);
	return good;
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

static bool take_document(json_t *o,
	bool (*read)(const char *, size_t, struct grant *, struct err *), struct grant *g,
	struct err *e)
{
	char *text = json_dumps(o, JSON_COMPACT);
	bool good = text && read(text, strlen(text), g, e);

	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	return good;
}

static bool read_tokens(const char *text, size_t n, struct grant *g, struct err *e)
{
	return server_read_tokens(text, n, false, g, e);
}

static char *copy_text(const json_t *o, const char *name)
{
	const char *v = json_string_value(json_object_get(o, name));

	return v ? mem_dup(v) : NULL;
}

static bool from_folder(const struct oauth_opts *o, const char *dir, const char *hash,
	struct grant *g, struct err *e)
{
	json_t *tokens = read_document(dir, hash, "tokens"),
	       *client = read_document(dir, hash, "client_info");
	json_int_t until_ms = json_integer_value(json_object_get(tokens, "expires_at"));
	const char *redirect =
		json_string_value(json_array_get(json_object_get(client, "redirect_uris"), 0));
	bool good = tokens && client && take_document(tokens, read_tokens, g, e) &&
		    take_document(client, server_read_client, g, e);

	if (good) {
		g->url = mem_dup(o->url);
		g->profile = o->profile ? mem_dup(o->profile) : NULL;
		g->issuer = copy_text(tokens, "issuer");
		if (!g->issuer)
			g->issuer = copy_text(client, "issuer");
		g->scope_asked = copy_text(tokens, "requested_scope");
		g->redirect_uri = redirect ? mem_dup(redirect) : NULL;
		/* It keeps milliseconds. Without a date the token counts as ended: a refresh is cheap. */
		g->expires_s = until_ms > 0 ? until_ms / 1000 : clock_wall_s();
	}
	json_decref(tokens);
	json_decref(client);
	return good;
}

static int is_store(const struct dirent *d)
{
	return strncmp(d->d_name, "mcp-remote-", 11) == 0;
}

bool import_mcp_remote(const struct oauth_opts *o, struct grant *g, struct err *e)
{
	char *root = root_folder();
	struct dirent **found = NULL;
	struct buf hash;
	bool good = false;
	int n;

	*g = (struct grant){ 0 };
	buf_init(&hash, 64);
	n = file_hash(o, &hash) ? scandir(root, &found, is_store, alphasort) : -1;
	/* "mcp-remote-v1" sorts behind every version number: the newest first. */
	while (n-- > 0) {
		char *dir = mem_printf("%s/%s", root, found[n]->d_name);

		if (!good)
			good = from_folder(o, dir, hash.p, g, e);
		free(dir);
		free(found[n]);
	}
	free(found);
	if (!good && !e->kind)
		err_set(e, ERR_AUTH,
			"no sign-in of mcp-remote for %s was found in %s: run \"mpmcp login\"",
			o->url, root);
	free(root);
	buf_free(&hash);
	return good;
}
