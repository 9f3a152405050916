#include "auth/store.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

/* A sign-in is 2 to 4 KiB; tokens that are JWTs may add some. */
#define FILE_MAX ((size_t)256 << 10)

/* Of the SHA-256 of the key: enough that two never meet. */
#define KEY_HEX 24

#define FORMAT 1

struct store {
	char *dir, *path, *lock, *signin, *note, *count;
};

/* ---- where ---- */

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static char *folder(const char *auth_dir, struct err *e)
{
	if (!auth_dir)
		auth_dir = env("MPMCP_AUTH_DIR");
	if (!auth_dir)
		auth_dir = env("MCP_REMOTE_CONFIG_DIR");
	if (auth_dir)
		return mem_printf("%s/mpmcp", auth_dir);
	if (env("HOME"))
		return mem_printf("%s/.mcp-auth/mpmcp", env("HOME"));
	err_set(e, ERR_USAGE,
		"HOME is not set, so there is no place for sign-ins: give --auth-dir");
	return NULL;
}

/* A readable beginning, so that a person finds the file. */
static void host_of(const char *url, char *out, size_t size)
{
	const char *p = strstr(url, "://");
	size_t n = 0;

	for (p = p ? p + 3 : url; *p && !strchr("/?#", *p) && n + 1 < size; p++)
		out[n++] = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '.' ||
					   *p == '-'
				   ? *p
				   : '_';
	out[n] = 0;
}

static bool key_name(const struct store_key *k, struct buf *out)
{
	const char *parts[] = { k->url, k->resource, k->profile, k->client, k->params };
	unsigned char sum[CRYPT_SHA256_LEN];
	struct buf text;
	char host[80];
	bool good = true;

	buf_init(&text, FILE_MAX);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		good = good && buf_addf(&text, "%zu:%s|", parts[i] ? strlen(parts[i]) : 0,
				       parts[i] ? parts[i] : "");
	host_of(k->url, host, sizeof(host));
	good = good && crypt_sha256(text.p, text.len, sum) && buf_addf(out, "%s-", host) &&
	       crypt_hex(out, sum, KEY_HEX / 2);
	buf_free(&text);
	return good;
}

struct store *store_new(const char *auth_dir, const struct store_key *key, struct err *e)
{
	struct store *s = mem_new(sizeof(*s));
	struct buf name;

	buf_init(&name, 256);
	s->dir = folder(auth_dir, e);
	if (!s->dir || !key_name(key, &name)) {
		if (s->dir)
			err_set(e, ERR_LIMIT, "the name of the sign-in is too long");
		store_free(s);
		s = NULL;
	} else {
		s->path = mem_printf("%s/%s.json", s->dir, name.p);
		s->lock = mem_printf("%s/%s.lock", s->dir, name.p);
		s->signin = mem_printf("%s/%s.signin", s->dir, name.p);
		s->note = mem_printf("%s/%s.note", s->dir, name.p);
		s->count = mem_printf("%s/%s.count", s->dir, name.p);
	}
	buf_free(&name);
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	free(s->dir);
	free(s->path);
	free(s->lock);
	free(s->signin);
	free(s->note);
	free(s->count);
	free(s);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

const char *store_count(const struct store *s)
{
	return s->count;
}

/* ---- a grant as JSON ---- */

struct text_field {
	const char *name;
	size_t offset;
};
#define T(n) \
	{ \
#n, offsetof(struct grant, n) \
	}
static const struct text_field texts[] = { T(url), T(resource), T(profile), T(issuer),
	T(authorization_endpoint), T(token_endpoint), T(registration_endpoint),
	T(revocation_endpoint), T(device_endpoint), T(auth_methods), T(scopes_offered),
	T(client_id), T(client_method), T(redirect_uri), T(scope_asked), T(scope_granted),
	T(word) };
#define NTEXTS (sizeof(texts) / sizeof(texts[0]))

static const struct text_field secrets[] = { { "client_secret",
						     offsetof(struct grant, client_secret) },
	{ "access_token", offsetof(struct grant, access) },
	{ "refresh_token", offsetof(struct grant, refresh) } };
#define NSECRETS (sizeof(secrets) / sizeof(secrets[0]))

static char **text_at(const struct grant *g, size_t i)
{
	return (char **)(void *)((char *)(uintptr_t)g + texts[i].offset);
}

static struct secret *secret_at(const struct grant *g, size_t i)
{
	return (struct secret *)(void *)((char *)(uintptr_t)g + secrets[i].offset);
}

void grant_clear(struct grant *g)
{
	for (size_t i = 0; i < NTEXTS; i++)
		free(*text_at(g, i));
	for (size_t i = 0; i < NSECRETS; i++)
		secret_clear(secret_at(g, i));
	*g = (struct grant){ 0 };
}

static json_t *to_json(const struct grant *g)
{
	json_t *o = json_object();

	json_object_set_new(o, "format", json_integer(FORMAT));
	for (size_t i = 0; i < NTEXTS; i++)
		if (*text_at(g, i))
			json_object_set_new(o, texts[i].name, json_string(*text_at(g, i)));
	for (size_t i = 0; i < NSECRETS; i++)
		if (secret_isset(secret_at(g, i)))
			json_object_set_new(
				o, secrets[i].name, json_string(secret_str(secret_at(g, i))));
	json_object_set_new(o, "iss_promised", json_boolean(g->iss_promised));
	json_object_set_new(o, "obtained", json_integer(g->obtained_s));
	json_object_set_new(o, "expires", json_integer(g->expires_s));
	if (g->word)
		json_object_set_new(o, "word_at", json_integer(g->word_s));
	return o;
}

static bool from_json(const json_t *o, struct grant *g)
{
	if (!json_is_object(o) || json_integer_value(json_object_get(o, "format")) != FORMAT)
		return false;
	for (size_t i = 0; i < NTEXTS; i++) {
		const char *v = json_string_value(json_object_get(o, texts[i].name));

		*text_at(g, i) = v ? mem_dup(v) : NULL;
	}
	for (size_t i = 0; i < NSECRETS; i++) {
		const char *v = json_string_value(json_object_get(o, secrets[i].name));

		if (v && *v)
			secret_set(secret_at(g, i), v, strlen(v));
	}
	g->iss_promised = json_is_true(json_object_get(o, "iss_promised"));
	g->obtained_s = json_integer_value(json_object_get(o, "obtained"));
	g->expires_s = json_integer_value(json_object_get(o, "expires"));
	g->word_s = json_integer_value(json_object_get(o, "word_at"));
	return g->url != NULL;
}

/* ---- files ---- */

static void set_aside(const char *path, struct err *e)
{
	char *aside = mem_printf("%s.broken", path);

	if (rename(path, aside) == 0)
		err_set(e, ERR_IO,
			"the sign-in in %s could not be read; it was set aside as %s. Sign in "
			"again",
			path, aside);
	else
		err_set(e, ERR_IO, "the sign-in in %s cannot be read: remove it and sign in again",
			path);
	free(aside);
}

static enum store_status load_path(const char *path, struct grant *g, struct err *e)
{
	enum store_status status = STORE_FAILED;
	json_t *o = NULL;
	struct buf text;

	*g = (struct grant){ 0 };
	buf_init(&text, FILE_MAX);
	switch (file_read_own(path, &text, e)) {
	case FILE_MISSING:
		status = STORE_NONE;
		break;
	case FILE_FAILED:
		break;
	case FILE_OK:
		o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
		status = o && from_json(o, g) ? STORE_OK : STORE_BROKEN;
		break;
	}
	if (status == STORE_BROKEN) {
		grant_clear(g);
		set_aside(path, e);
	}
	json_decref(o);
	buf_wipe(&text);
	return status;
}

enum store_status store_load(const struct store *s, struct grant *g, struct err *e)
{
	return load_path(s->path, g, e);
}

static bool write_json(const struct store *s, const char *path, json_t *o, struct err *e)
{
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	bool good = text ? file_make_dir(s->dir, e) && file_replace(path, text, strlen(text), e)
			 : err_set(e, ERR_LIMIT, "out of memory");

	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	json_decref(o);
	return good;
}

bool store_save(const struct store *s, const struct grant *g, struct err *e)
{
	return write_json(s, s->path, to_json(g), e);
}

bool store_forget(const struct store *s, struct err *e)
{
	return store_remove(s->path, e);
}

uint64_t store_stamp(const struct store *s)
{
	struct stat st;

	if (stat(s->path, &st) != 0)
		return 0;
	/* A replaced file has another inode; the rest is for file systems that reuse them at once. */
	return ((uint64_t)st.st_ino * 1000003u) ^ ((uint64_t)st.st_mtim.tv_sec << 20) ^
	       (uint64_t)st.st_mtim.tv_nsec ^ (uint64_t)st.st_size;
}

static int lock(const struct store *s, const char *path, bool *busy, struct err *e)
{
	*busy = false;
	return file_make_dir(s->dir, e) ? file_trylock(path, busy, e) : -1;
}

int store_lock(const struct store *s, bool *busy, struct err *e)
{
	return lock(s, s->lock, busy, e);
}

int store_lock_signin(const struct store *s, bool *busy, struct err *e)
{
	return lock(s, s->signin, busy, e);
}

void store_unlock(int fd)
{
	if (fd >= 0)
		file_unlock(fd);
}

/* ---- notes ---- */

bool store_note_write(const struct store *s, const struct store_note *n, struct err *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "at", json_integer(n->at_s));
	json_object_set_new(o, "kind", json_integer(n->kind));
	if (n->message)
		json_object_set_new(o, "message", json_string(n->message));
	if (n->url)
		json_object_set_new(o, "url", json_string(n->url));
	return write_json(s, s->note, o, e);
}

bool store_note_read(const struct store *s, struct store_note *n)
{
	struct buf text;
	json_t *o = NULL;
	const char *message, *url;
	json_int_t kind;

	*n = (struct store_note){ 0 };
	buf_init(&text, FILE_MAX);
	if (file_read_own(s->note, &text, NULL) == FILE_OK)
		o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	buf_free(&text);
	if (!json_is_object(o)) {
		json_decref(o);
		return false;
	}
	kind = json_integer_value(json_object_get(o, "kind"));
	message = json_string_value(json_object_get(o, "message"));
	url = json_string_value(json_object_get(o, "url"));
	n->at_s = json_integer_value(json_object_get(o, "at"));
	n->kind = kind > 0 && kind < ERR_KINDS ? (enum err_kind)kind : ERR_NONE;
	n->message = message ? err_clean(mem_dup(message)) : NULL;
	n->url = url ? mem_dup(url) : NULL;
	json_decref(o);
	return true;
}

void store_note_clear(struct store_note *n)
{
	free(n->message);
	free(n->url);
	*n = (struct store_note){ 0 };
}

/* ---- all of them ---- */

static int is_signin(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && d->d_name[0] != '.' && strcmp(d->d_name + n - 5, ".json") == 0;
}

bool store_each(const char *auth_dir,
	bool (*fn)(void *ctx, const char *path, const struct grant *g), void *ctx, struct err *e)
{
	char *dir = folder(auth_dir, e);
	struct dirent **found = NULL;
	int n = dir ? scandir(dir, &found, is_signin, alphasort) : -1;
	bool go_on = true, good = dir != NULL; /* a folder that is not there holds nothing */

	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", dir, found[i]->d_name);
		struct grant g;
		struct err why = { 0 };
		enum store_status st = go_on ? load_path(path, &g, &why) : STORE_NONE;

		if (st == STORE_OK) {
			go_on = fn(ctx, path, &g);
			grant_clear(&g);
		} else if (why.kind) {
			diag_note("%s", why.msg);
		}
		free(path);
		free(found[i]);
	}
	free(found);
	free(dir);
	return good;
}

bool store_remove(const char *path, struct err *e)
{
	size_t n = strlen(path) - strlen("json");
	char *note = mem_printf("%.*snote", (int)n, path);
	char *count = mem_printf("%.*scount", (int)n, path);
	/* The lock files stay: somebody may hold them, and a new one would not be the same lock. */
	bool good = file_remove(path, e) && file_remove(note, e) && file_remove(count, e);

	free(note);
	free(count);
	return good;
}
