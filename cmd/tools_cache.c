#include "tools_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"

/* A person who tries calls asks every minute or so; a tool that was added is seen after that long. */
#define FRESH_S 300

/* The lists of known servers have some 100 KB. */
#define BYTES_MAX ((size_t)4 << 20)

#define FORMAT 1

/* What the list depends on beside endpoint and account, in hex: header fields, and the file of the sign-in,
 * which changes with its scopes and when somebody else signs in. False without memory. */
static bool depends_on(const struct context *c, const struct store *s, struct buf *hex)
{
	unsigned char sum[CRYPT_SHA256_LEN];
	struct buf text;
	bool good;

	buf_init(&text, SIZE_MAX / 2);
	good = buf_addf(&text, "%s\n%llu\n", c->url,
		(unsigned long long)(c->signs_in ? store_stamp(s) : 0));
	for (size_t i = 0; i < c->headers.n; i++)
		good = good && buf_addf(&text, "%s:%s\n", c->headers.item[i].name,
				       c->headers.item[i].value);
	good = good && crypt_sha256(text.p, text.len, sum) && crypt_hex(hex, sum, sizeof(sum));
	buf_wipe(&text);
	return good;
}

/* Files of endpoints and accounts that are used no more must not pile up. */
#define FILES_MAX 32

static bool is_list(const char *name)
{
	size_t n = strlen(name), suffix = strlen(".tools");

	return n > suffix && strcmp(name + n - suffix, ".tools") == 0;
}

static void make_room(const char *folder)
{
	struct strset found = { 0 };
	struct err e = { 0 };

	if (file_names(folder, is_list, &found) && found.n >= FILES_MAX) {
		for (size_t i = 0; i < found.n; i++) {
			char *path = mem_printf("%s/%s", folder, found.item[i]);

			if (!file_remove(path, &e))
				diag_debug("%s", err_text(&e));
			free(path);
		}
	}
	strset_clear(&found);
}

static bool write_at(const char *path, const char *text, struct err *e)
{
	char *folder = mem_ndup(path, (size_t)(strrchr(path, '/') - path));
	bool good = file_make_dir(folder, e);

	if (good)
		make_room(folder);
	good = good && file_replace(path, text, strlen(text), e);
	free(folder);
	return good;
}

static bool is_usable(const json_t *o, const char *depends, enum tools_cache_age age)
{
	const char *kept = json_string_value(json_object_get(o, "depends"));
	int64_t at = json_integer_value(json_object_get(o, "at")), now = clock_wall_s();

	return json_integer_value(json_object_get(o, "format")) == FORMAT && kept &&
	       strcmp(kept, depends) == 0 && json_is_array(json_object_get(o, "tools")) &&
	       (age == TOOLS_CACHE_ANY || (at <= now && now - at < FRESH_S));
}

static json_t *read_at(const char *path, const char *depends, enum tools_cache_age age)
{
	struct err e = { 0 };
	json_t *o = NULL, *tools = NULL;
	struct buf text;

	buf_init(&text, BYTES_MAX);
	switch (file_read_own(path, &text, &e)) {
	case FILE_OK:
		o = json_loadb(text.p, text.len, JSON_ALLOW_NUL, NULL);
		break;
	case FILE_FAILED:
		diag_debug("the cached tool list: %s", err_text(&e));
		break;
	case FILE_MISSING:
		break;
	}
	if (is_usable(o, depends, age))
		tools = json_incref(json_object_get(o, "tools"));
	json_decref(o);
	buf_free(&text);
	return tools;
}

json_t *tools_cache_read(struct context *c, enum tools_cache_age age)
{
	struct err e = { 0 };
	struct store *s = context_identity(c, &e);
	json_t *tools = NULL;
	struct buf depends;

	buf_init(&depends, 2 * CRYPT_SHA256_LEN);
	if (s && depends_on(c, s, &depends))
		tools = read_at(store_tools(s), buf_str(&depends), age);
	buf_free(&depends);
	store_free(s);
	return tools;
}

void tools_cache_write(struct context *c, const json_t *tools)
{
	struct err e = { 0 };
	struct store *s = context_identity(c, &e);
	char *text = NULL;
	struct buf depends;
	json_t *o = NULL;

	buf_init(&depends, 2 * CRYPT_SHA256_LEN);
	if (!s || !depends_on(c, s, &depends))
		goto out;
	o = json_pack("{s:i, s:I, s:s, s:O}", "format", FORMAT, "at", (json_int_t)clock_wall_s(),
		"depends", buf_str(&depends), "tools", tools);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (text && strlen(text) <= BYTES_MAX && !strstr(text, "\"x-mcp-header\"") &&
		!write_at(store_tools(s), text, &e))
		diag_debug("the tool list is not cached: %s", err_text(&e));
out:
	json_decref(o);
	free(text);
	buf_free(&depends);
	store_free(s);
}

void tools_cache_drop(struct context *c)
{
	struct err e = { 0 };
	struct store *s = context_identity(c, &e);

	if (s && !file_remove(store_tools(s), &e))
		diag_debug("the cached tool list: %s", err_text(&e));
	store_free(s);
}
