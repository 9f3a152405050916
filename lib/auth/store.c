#include "auth/store.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strset.h"
#include "os/file.h"
#include "os/start.h"

/* A sign-in is 2 to 4 KiB; tokens that are JWTs may add some. */
#define FILE_MAX ((size_t)256 << 10)

/* Of the SHA-256 of the key: enough that two never meet. */
#define KEY_HEX 24

#define FORMAT 1

struct store {
	char *dir, *path, *broken, *lock, *signin, *note, *count, *tools;
};

/* ---- where ---- */

/* People read these paths, and find nothing by one that is relative to somebody else's folder. */
static char *absolute(const char *dir)
{
	char *here = os_is_absolute(dir) ? NULL : os_current_folder(), *path;

	if (here)
		path = mem_printf("%s/%s/mpmcp", strcmp(here, "/") == 0 ? "" : here, dir);
	else
		path = mem_printf("%s/mpmcp", dir);
	free(here);
	return path;
}

static char *folder(const char *auth_dir, struct err *e)
{
	if (!auth_dir)
		auth_dir = os_variable("MPMCP_AUTH_DIR");
	if (!auth_dir)
		auth_dir = os_variable("MCP_REMOTE_CONFIG_DIR");
	if (auth_dir)
		return absolute(auth_dir);
	if (os_home())
		return mem_printf("%s/.mcp-auth/mpmcp", os_home());
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

/* Takes dir over. */
static struct store *store_of(char *dir, const char *name, size_t n)
{
	struct store *s = mem_new(sizeof(*s));
	int len = (int)n;

	s->dir = dir;
	s->path = mem_printf("%s/%.*s.json", dir, len, name);
	s->broken = mem_printf("%s/%.*s.json.broken", dir, len, name);
	s->lock = mem_printf("%s/%.*s.lock", dir, len, name);
	s->signin = mem_printf("%s/%.*s.signin", dir, len, name);
	s->note = mem_printf("%s/%.*s.note", dir, len, name);
	s->count = mem_printf("%s/%.*s.count", dir, len, name);
	s->tools = mem_printf("%s/%.*s.tools", dir, len, name);
	return s;
}

struct store *store_new(const char *auth_dir, const struct store_key *key, struct err *e)
{
	struct store *s = NULL;
	struct buf name;
	char *dir = folder(auth_dir, e);

	buf_init(&name, 256);
	if (dir && key_name(key, &name)) {
		s = store_of(dir, name.p, name.len);
	} else if (dir) {
		err_set(e, ERR_LIMIT, "the name of the sign-in is too long");
		free(dir);
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
	free(s->broken);
	free(s->lock);
	free(s->signin);
	free(s->note);
	free(s->count);
	free(s->tools);
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

const char *store_tools(const struct store *s)
{
	return s->tools;
}

/* ---- files ---- */

static enum store_status newer(const struct store *s, json_int_t format, struct err *e)
{
	if (format <= FORMAT)
		return STORE_BROKEN;
	err_set(e, ERR_IO,
		"the sign-in in %s was made by a later version of mpmcp: use that, or another "
		"--auth-dir",
		s->path);
	return STORE_FAILED;
}

static enum store_status read_file(const struct store *s, struct signin_record *g, struct err *e)
{
	enum store_status status = STORE_FAILED;
	json_t *o = NULL;
	struct buf text;

	*g = (struct signin_record){ 0 };
	buf_init(&text, FILE_MAX);
	switch (file_read_own(s->path, &text, e)) {
	case FILE_MISSING:
		status = STORE_NONE;
		break;
	case FILE_FAILED:
		if (!file_check_dir(s->dir, e))
			status = STORE_CLOSED;
		break;
	case FILE_OK:
		o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
		status = json_integer_value(json_object_get(o, "format")) == FORMAT &&
					 signin_record_from_json(o, g)
				 ? STORE_OK
				 : newer(s, json_integer_value(json_object_get(o, "format")), e);
		break;
	}
	if (status != STORE_OK)
		signin_record_clear(g);
	json_decref(o);
	buf_wipe(&text);
	return status;
}

/* Under the lock, and after another look: somebody may have put a good one there just now. */
static enum store_status set_aside(const struct store *s, struct signin_record *g, struct err *e)
{
	enum store_status status = STORE_BROKEN;
	bool busy, moved = false;
	int fd = file_trylock(s->lock, &busy, NULL);

	if (fd >= 0) {
		status = read_file(s, g, e);
		moved = status == STORE_BROKEN && os_rename(OS_HERE, s->path, s->broken);
	}
	file_unlock(fd);
	if (status != STORE_BROKEN)
		return status;
	if (moved)
		err_set(e, ERR_IO,
			"the sign-in in %s could not be read; it was set aside as %s. Sign in "
			"again",
			s->path, s->broken);
	else
		err_set(e, ERR_IO, "the sign-in in %s cannot be read: remove it and sign in again",
			s->path);
	return STORE_BROKEN;
}

enum store_status store_load(const struct store *s, struct signin_record *g, struct err *e)
{
	enum store_status status = read_file(s, g, e);

	return status == STORE_BROKEN ? set_aside(s, g, e) : status;
}

static bool write_json(const struct store *s, const char *path, json_t *o, struct err *e)
{
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	bool good = false;

	if (!text)
		err_set(e, ERR_LIMIT, "out of memory");
	else if (strlen(text) > FILE_MAX)
		err_set(e, ERR_LIMIT,
			"the data from the sign-in server is larger than %zu KiB, the limit for a "
			"sign-in",
			FILE_MAX >> 10);
	else
		good = file_make_dir(s->dir, e) && file_replace(path, text, strlen(text), e);

	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	json_decref(o);
	return good;
}

bool store_save(const struct store *s, const struct signin_record *g, struct err *e)
{
	json_t *o = signin_record_to_json(g);

	json_object_set_new(o, "format", json_integer(FORMAT));
	return write_json(s, s->path, o, e);
}

enum store_since store_since(
	const struct store *s, const struct secret *refresh, struct signin_record *now)
{
	enum store_status status = read_file(s, now, NULL);
	bool same = secret_equal(
		secret_str(&now->refresh), now->refresh.len, secret_str(refresh), refresh->len);

	if (status == STORE_NONE && secret_isset(refresh))
		return STORE_GONE;
	if (status == STORE_OK && !same &&
		(secret_isset(&now->refresh) || secret_isset(&now->access)))
		return STORE_OTHER;
	signin_record_clear(now);
	return STORE_SAME;
}

bool store_forget(const struct store *s, struct err *e)
{
	return file_remove(s->path, e) && file_remove(s->broken, e) && file_remove(s->note, e) &&
	       file_remove(s->count, e) && file_remove(s->tools, e);
}

uint64_t store_stamp(const struct store *s)
{
	struct os_info i;

	if (!os_info_at(OS_HERE, s->path, true, &i))
		return 0;
	/* A replaced file has another number; the rest is for file systems that reuse them at once. */
	return (i.id * 1000003u) ^ (uint64_t)i.changed_ns ^ (uint64_t)i.size;
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
	if (err_reason_name(n->reason))
		json_object_set_new(o, "reason", json_string(err_reason_name(n->reason)));
	if (n->advice)
		json_object_set_new(o, "advice", json_string(n->advice));
	if (n->url)
		json_object_set_new(o, "url", json_string(n->url));
	if (n->code)
		json_object_set_new(o, "code", json_string(n->code));
	if (write_json(s, s->note, o, e))
		return true;
	/* What an earlier sign-in left would be taken for ours. */
	(void)!file_remove(s->note, NULL);
	return false;
}

static char *copy(const json_t *o, const char *name)
{
	const char *v = json_string_value(json_object_get(o, name));

	return v ? err_clean(mem_dup(v)) : NULL;
}

bool store_note_read(const struct store *s, struct store_note *n)
{
	struct buf text;
	json_t *o = NULL;
	json_int_t kind;

	*n = (struct store_note){ 0 };
	buf_init(&text, FILE_MAX);
	if (file_read_own(s->note, &text, NULL) == FILE_OK)
		o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	buf_wipe(&text);
	if (!json_is_object(o)) {
		json_decref(o);
		return false;
	}
	kind = json_integer_value(json_object_get(o, "kind"));
	n->at_s = json_integer_value(json_object_get(o, "at"));
	n->kind = kind > 0 && kind < ERR_KINDS ? (enum err_kind)kind : ERR_NONE;
	n->reason = err_reason_named(json_string_value(json_object_get(o, "reason")));
	n->message = copy(o, "message");
	n->advice = copy(o, "advice");
	n->url = copy(o, "url");
	n->code = copy(o, "code");
	json_decref(o);
	return true;
}

void store_note_clear(struct store_note *n)
{
	free(n->message);
	free(n->advice);
	free(n->url);
	free(n->code);
	*n = (struct store_note){ 0 };
}

/* ---- all of them ---- */

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && *name != '.' && strcmp(name + n - m, end) == 0;
}

static bool is_signin(const char *name)
{
	return ends_in(name, ".json");
}

static bool is_rest(const char *name)
{
	return ends_in(name, ".json.broken") || ends_in(name, ".note") || ends_in(name, ".tools");
}

bool store_each(const char *auth_dir,
	bool (*fn)(void *ctx, const struct store *s, const struct signin_record *g), void *ctx,
	struct err *e)
{
	char *dir = folder(auth_dir, e);
	struct strset found = { 0 };
	int error = !dir || file_names(dir, is_signin, &found) ? 0 : errno;
	bool go_on = true, good = dir != NULL;

	/* A folder that is not there holds nothing; one that cannot be looked into may hold anything. */
	if (error && error != ENOENT && error != ENOTDIR)
		good = file_check_dir(dir, e) &&
		       err_set(e, ERR_IO, "cannot look into the folder %s: %s", dir,
			       strerror(error));

	for (size_t i = 0; i < found.n; i++) {
		size_t len = strlen(found.item[i]) - strlen(".json");
		struct store *s = store_of(mem_dup(dir), found.item[i], len);
		struct signin_record g = { 0 };
		struct err why = { 0 };
		enum store_status st = go_on ? store_load(s, &g, &why) : STORE_NONE;

		if (st == STORE_OK)
			go_on = fn(ctx, s, &g);
		else if ((st == STORE_FAILED || st == STORE_CLOSED) && good)
			good = err_set(e, why.kind, "%s", why.msg);
		else if (why.kind)
			diag_note("%s", err_text(&why));
		signin_record_clear(&g);
		store_free(s);
	}
	strset_clear(&found);
	free(dir);
	return good;
}

void store_sweep(const char *auth_dir)
{
	char *dir = folder(auth_dir, NULL);
	struct strset found = { 0 };

	/* What cannot be looked into is met again. */
	if (dir && !file_names(dir, is_rest, &found))
		diag_debug("cannot look into %s: %s", dir, strerror(errno));
	for (size_t i = 0; i < found.n; i++) {
		char *path = mem_printf("%s/%s", dir, found.item[i]);
		struct err e = { 0 };

		if (!file_remove(path, &e))
			diag_note("%s", err_text(&e));
		free(path);
	}
	strset_clear(&found);
	free(dir);
}
