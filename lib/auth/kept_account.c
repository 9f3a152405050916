#include "auth/kept_account.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/service_account.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"

/* A token and a URL. */
#define FILE_MAX ((size_t)64 << 10)

#define FORMAT 1
#define ENDING ".account"
#define SCHEMES "Bearer Basic "

void kept_account_clear(struct kept_account *k)
{
	free(k->url);
	free(k->profile);
	free(k->path);
	secret_clear(&k->value);
	*k = (struct kept_account){ 0 };
}

/* ---- where ---- */

char *kept_account_path(const char *auth_dir, const char *url, const char *profile, struct err *e)
{
	struct store_key key = { .url = url, .profile = profile };
	struct store *s = store_new(auth_dir, &key, e);
	const char *sign_in = s ? store_path(s) : NULL;
	char *path = sign_in ? mem_printf("%.*s" ENDING, (int)(strlen(sign_in) - strlen(".json")),
				       sign_in)
			     : NULL;

	store_free(s);
	return path;
}

static char *folder_of(const char *path)
{
	return mem_ndup(path, (size_t)(strrchr(path, '/') - path));
}

/* ---- reading ---- */

static bool from_json(const json_t *o, struct kept_account *k)
{
	const char *url = json_string_value(json_object_get(o, "url")),
		   *profile = json_string_value(json_object_get(o, "profile")),
		   *token = json_string_value(json_object_get(o, "token"));
	struct buf value;
	bool good;

	if (json_integer_value(json_object_get(o, "format")) != FORMAT || !url || !token)
		return false;
	buf_init(&value, 2 * SERVICE_ACCOUNT_MAX);
	good = service_account_from_token(token, "the file", &value, NULL, NULL);
	if (good) {
		k->url = mem_dup(url);
		k->profile = profile ? mem_dup(profile) : NULL;
		secret_set(&k->value, value.p, value.len);
	}
	buf_wipe(&value);
	return good;
}

static enum store_status read_file(const char *path, struct kept_account *k, struct err *e)
{
	enum store_status status = STORE_FAILED;
	json_t *o = NULL;
	struct buf text;

	*k = (struct kept_account){ 0 };
	buf_init(&text, FILE_MAX);
	switch (file_read_own(path, &text, e)) {
	case FILE_MISSING:
		status = STORE_NONE;
		break;
	case FILE_FAILED:
		break;
	case FILE_OK:
		o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
		status = from_json(o, k) ? STORE_OK : STORE_BROKEN;
		break;
	}
	if (status == STORE_OK)
		k->path = mem_dup(path);
	if (status == STORE_BROKEN)
		err_set(e, ERR_USAGE, "%s does not hold a service account", path);
	if (status == STORE_BROKEN || status == STORE_FAILED)
		err_advise(e, REASON_NONE,
			"Run \"mpmcp login --service-account\" again, or remove the file.");
	json_decref(o);
	buf_wipe(&text);
	return status;
}

/* A folder that nothing can be kept in holds nothing of ours. */
static bool is_closed(const char *path)
{
	char *dir = folder_of(path);
	bool closed = !file_check_dir(dir, NULL);

	free(dir);
	return closed;
}

enum store_status kept_account_load(const char *auth_dir, const char *url, const char *profile,
	struct kept_account *k, struct err *e)
{
	struct err why = { 0 };
	char *path = kept_account_path(auth_dir, url, profile, &why);
	enum store_status status = STORE_NONE;

	*k = (struct kept_account){ 0 };
	if (path)
		status = read_file(path, k, &why);
	if (status == STORE_OK && strcmp(k->url, url) != 0) {
		kept_account_clear(k);
		err_set(&why, ERR_USAGE, "%s is for another endpoint; remove it", path);
		status = STORE_BROKEN;
	}
	if (status == STORE_FAILED && is_closed(path))
		status = STORE_NONE;
	if (e && (status == STORE_BROKEN || status == STORE_FAILED))
		*e = why;
	free(path);
	return status;
}

/* ---- writing ---- */

static bool write_file(const char *path, json_t *o, struct err *e)
{
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL, *dir = folder_of(path);
	bool good = false;

	if (!text)
		err_set(e, ERR_LIMIT, "out of memory");
	else
		good = file_make_dir(dir, e) && file_replace(path, text, strlen(text), e);
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	free(dir);
	return good;
}

bool kept_account_save(const char *auth_dir, const char *url, const char *profile,
	const struct secret *value, struct err *e)
{
	char *path = kept_account_path(auth_dir, url, profile, e);
	json_t *o;
	bool good;

	if (!path)
		return false;
	o = json_pack("{s:i, s:s, s:s*, s:s}", "format", FORMAT, "url", url, "profile", profile,
		"token", secret_str(value) + strlen(SCHEMES));
	good = write_file(path, o, e);
	json_decref(o);
	free(path);
	return good;
}

/* ---- all of them ---- */

static bool is_account(const char *name)
{
	size_t n = strlen(name);

	return n > strlen(ENDING) && *name != '.' && strcmp(name + n - strlen(ENDING), ENDING) == 0;
}

static bool show(const char *dir, const char *name,
	bool (*fn)(void *ctx, const struct kept_account *k), void *ctx)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct kept_account k;
	struct err e = { 0 };
	bool go_on = true;

	switch (read_file(path, &k, &e)) {
	case STORE_OK:
		go_on = fn(ctx, &k);
		break;
	case STORE_BROKEN:
	case STORE_FAILED:
		diag_note("%s", err_text(&e));
		break;
	case STORE_NONE:
	case STORE_CLOSED:
		break;
	}
	kept_account_clear(&k);
	free(path);
	return go_on;
}

void kept_account_each(
	const char *auth_dir, bool (*fn)(void *ctx, const struct kept_account *k), void *ctx)
{
	char *any = kept_account_path(auth_dir, "", NULL, NULL);
	char *dir = any ? folder_of(any) : NULL;
	struct strset found = { 0 };

	/* Sign-ins are looked for in the same folder; who does says what is wrong with it. */
	if (dir && !file_names(dir, is_account, &found))
		diag_debug("no service account is looked for in %s", dir);
	for (size_t i = 0; i < found.n && show(dir, found.item[i], fn, ctx); i++)
		;
	strset_clear(&found);
	free(dir);
	free(any);
}
