#include "headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/service_account.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/given.h"
#include "base/mem.h"
#include "base/pasted.h"
#include "base/secret.h"
#include "base/text.h"

/* Servers refuse more than 8 to 64 KiB of header fields; variables may hold that much. */
#define HEADERS_MAX ((size_t)256 << 10)

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

/* "${NAME}" or "${env:NAME}" at p: the length of it, 0 when it is something else. *name: where that begins. */
static size_t reference(const char *p, size_t *name)
{
	size_t n;

	*name = strncmp(p, "${env:", 6) == 0 ? 6 : 2;
	n = *name;
	if (p[0] != '$' || p[1] != '{')
		return 0;
	while (is_name_char(p[n]))
		n++;
	return n > *name && p[n] == '}' ? n + 1 : 0;
}

/* The value of a variable as it was meant: files of variables keep the quotes, and an editor its marks. */
static struct pasted variable(const char *name)
{
	const char *value = getenv(name);
	struct pasted s = { value ? value : "", value ? strlen(value) : 0 };

	do
		s = pasted_trim(s);
	while (pasted_unquote(&s));
	return s;
}

static bool add_variable(struct buf *out, const char *p, size_t n, const char *what, struct err *e)
{
	char *name = mem_ndup(p, n), *where = NULL;
	struct pasted value = variable(name);
	bool good;

	given_variable(name, n);
	given_value(value.p, value.n);
	if (!value.n) {
		good = err_set(e, ERR_USAGE,
			"%s refers to ${%s}, which is not set. Set it in the \"env\" block of the "
			"client's entry (clients pass on few other variables)",
			what, name);
	} else {
		where = mem_printf("%s refers to ${%s}, which", what, name);
		good = !pasted_unfilled(value, where, e) &&
		       (buf_add(out, value.p, value.n) ||
			       err_set(e, ERR_LIMIT, "%s is too long", what));
	}
	free(where);
	free(name);
	return good;
}

char *headers_expand(const char *text, const char *what, struct err *e)
{
	struct buf out;
	char *result = NULL;

	buf_init(&out, HEADERS_MAX);
	while (*text) {
		size_t name, n = reference(text, &name), plain = 1 + strcspn(text + 1, "$");

		if (n) {
			if (!add_variable(&out, text + name, n - name - 1, what, e))
				goto out;
		} else if (strncmp(text, "${", 2) == 0) {
			/* A reference in another syntax: what it stands for is not known here. */
			pasted_unfilled((struct pasted){ text, strlen(text) }, what, e);
			goto out;
		} else if (!buf_add(&out, text, plain)) {
			err_set(e, ERR_LIMIT, "%s is too long", what);
			goto out;
		}
		text += n ? n : plain;
	}
	result = buf_take(&out, NULL);
out:
	buf_wipe(&out);
	return result;
}

static void wipe_string(char *s)
{
	if (s)
		secret_wipe(s, strlen(s));
	free(s);
}

static void drop(struct headers *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++) {
		if (strcasecmp(h->item[i].name, name) != 0)
			continue;
		free((char *)h->item[i].name);
		wipe_string((char *)h->item[i].value);
		h->item[i--] = h->item[--h->n];
	}
}

static void keep(struct headers *h, char *name, char *value)
{
	/* An origin (RFC 6454) has no room for a secret, and messages name the endpoint's. */
	if (strcasecmp(name, "Origin") != 0)
		given_value(value, strlen(value));
	if (strcasecmp(name, "Authorization") == 0) {
		wipe_string(h->authorization);
		h->authorization = value;
		free(name);
		return;
	}
	h->item = mem_grow(h->item, h->n + 1, sizeof(*h->item));
	h->item[h->n++] = (struct bridge_header){ name, value };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
			return true;
	return false;
}

static bool is_token(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(s[i] > ' ' && s[i] < 127) || strchr("()<>@,;:\\\"/[]?={}", s[i]))
			return false;
	return n > 0;
}

static bool is_among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i], name) == 0)
			return true;
	return false;
}

/* These describe the message that the bridge itself sends. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { "Host", "Content-Length", "Transfer-Encoding",
		"Connection", "Expect", "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID" };

	return is_among(name, ours, sizeof(ours) / sizeof(ours[0]));
}

/* So do these, and many entries have them: the server gets the right ones all the same. */
static bool is_needless(const char *name)
{
	static const char *const needless[] = { "Accept", "Content-Type" };

	return is_among(name, needless, sizeof(needless) / sizeof(needless[0]));
}

/* "Name: value" in place of the value, as a variable may hold it. */
static const char *behind_name(const char *value, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(value, name, n) != 0)
		return value;
	n += strspn(value + n, " \t");
	if (value[n] != ':')
		return value;
	n++;
	return value + n + strspn(value + n, " \t");
}

/* The value as it was meant; a new one in place of the old. Nothing that was to be filled in is sent. */
static bool mend(
	struct headers *h, const char *name, char **value, const char *where, struct err *e)
{
	const char *bare = behind_name(*value, name), *repaired = NULL;
	size_t n = strlen(bare);
	struct buf out;
	bool good;

	buf_init(&out, HEADERS_MAX);
	while (n && is_blank(bare[n - 1]))
		n--;
	if (strcasecmp(name, "Authorization") == 0) {
		good = service_account_from_header(bare, where, &out, &repaired, e);
		h->repaired = repaired;
	} else {
		good = !pasted_unfilled((struct pasted){ bare, n }, where, e) &&
		       (buf_add(&out, bare, n) || err_set(e, ERR_LIMIT, "%s is too long", where));
	}
	if (good) {
		wipe_string(*value);
		*value = buf_take(&out, NULL);
	}
	buf_wipe(&out);
	return good;
}

/* text: "Name: value"; what: where it stands. The value of a header never goes into a message. */
static bool add(struct headers *h, const char *text, const char *what, bool replace, struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char where[200];
	char *name, *value;

	while (n && is_blank(text[n - 1]))
		n--;
	if (!colon || !is_token(text, n))
		return err_set(e, ERR_USAGE, "%s must read \"Name: value\"", what);
	name = mem_ndup(text, n);
	snprintf(where, sizeof(where), "%s \"%.80s\"", what, name);
	for (colon++; is_blank(*colon);)
		colon++;
	value = headers_expand(colon, where, e);
	if (!value)
		goto fail;
	if (!mend(h, name, &value, where, e))
		goto fail;
	if (has_control(value)) {
		err_set(e, ERR_USAGE,
			"%s holds a line break or another control character: check for a copied "
			"line end",
			where);
		goto fail;
	}
	if (is_ours(name)) {
		err_set(e, ERR_USAGE, "%s cannot be set: the bridge sends it itself", where);
		goto fail;
	}
	if (replace)
		drop(h, name);
	if (is_needless(name)) {
		diag_note("%s is ignored: mpmcp sends its own; remove it", where);
		free(name);
		wipe_string(value);
	} else {
		keep(h, name, value);
	}
	/* All of them: mcp-remote's name for a sign-in is made of these, too. */
	h->text = mem_grow(h->text, h->ntexts + 1, sizeof(*h->text));
	h->text[h->ntexts++] = mem_dup(text);
	return true;
fail:
	free(name);
	wipe_string(value);
	return false;
}

static bool read_file(struct headers *h, const char *path, struct err *e)
{
	struct buf text;
	char what[160];
	bool good = false;
	unsigned line = 0;

	buf_init(&text, HEADERS_MAX);
	if (!text_read(path, &text, e)) {
		err_prefix(e, "--header-file");
		goto out;
	}
	for (char *p = text.len ? text.p : NULL, *next; p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		line++;
		p[strcspn(p, "\r")] = 0;
		while (is_blank(*p))
			p++;
		snprintf(what, sizeof(what), "--header-file %.80s, line %u,", path, line);
		if (*p && *p != '#' && !add(h, p, what, false, e))
			goto out;
	}
	good = true;
out:
	buf_wipe(&text);
	return good;
}

/* An argument, which a client may have left in its quotes. */
static bool add_given(struct headers *h, const char *text, struct err *e)
{
	struct pasted s = pasted_trim((struct pasted){ text, strlen(text) });
	char *bare;
	bool good;

	if (!pasted_unquote(&s))
		return add(h, text, "--header", true, e);
	bare = mem_ndup(s.p, s.n);
	good = add(h, bare, "--header", true, e);
	wipe_string(bare);
	return good;
}

bool headers_read(const struct options *a, struct headers *h, struct err *e)
{
	*h = (struct headers){ 0 };
	for (size_t i = 0; i < a->header_files.n; i++)
		if (!read_file(h, a->header_files.item[i], e))
			return false;
	for (size_t i = 0; i < a->headers.n; i++)
		if (!add_given(h, a->headers.item[i], e))
			return false;
	return true;
}

void headers_clear(struct headers *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free((char *)h->item[i].name);
		wipe_string((char *)h->item[i].value);
	}
	free(h->item);
	for (size_t i = 0; i < h->ntexts; i++)
		wipe_string(h->text[i]);
	free(h->text);
	wipe_string(h->authorization);
	*h = (struct headers){ 0 };
}
