#include "headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/given.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

/* Servers refuse more than 8 to 64 KiB of header fields; variables may hold that much. */
#define HEADERS_MAX ((size_t)256 << 10)

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

/* "${NAME}" at p: the length of it, 0 when it is something else. */
static size_t reference(const char *p)
{
	size_t n = 2;

	if (p[0] != '$' || p[1] != '{')
		return 0;
	while (is_name_char(p[n]))
		n++;
	return n > 2 && p[n] == '}' ? n + 1 : 0;
}

static bool add_variable(struct buf *out, const char *p, size_t n, const char *what, struct err *e)
{
	char *name = mem_ndup(p + 2, n - 3);
	const char *value = getenv(name);
	bool good = value && *value;

	given_variable(name, n - 3);

	if (!good)
		err_set(e, ERR_USAGE,
			"%s refers to ${%s}, which is not set. Set it in the \"env\" block of the "
			"client's entry "
			"(clients pass on few other variables)",
			what, name);
	else if (reference(value) == strlen(value))
		good = err_set(e, ERR_USAGE,
			"%s refers to ${%s}, which holds the text \"%.60s\" itself: the client did "
			"not replace "
			"it, because that variable is not set where the client runs",
			what, name, value);
	else
		good = buf_adds(out, value) || err_set(e, ERR_LIMIT, "%s is too long", what);
	if (good)
		given_value(value, strlen(value));
	free(name);
	return good;
}

char *headers_expand(const char *text, const char *what, struct err *e)
{
	struct buf out;
	char *result = NULL;

	buf_init(&out, HEADERS_MAX);
	while (*text) {
		size_t n = reference(text);
		size_t plain = n ? 0 : 1 + strcspn(text + 1, "$");

		if (n ? !add_variable(&out, text, n, what, e) : !buf_add(&out, text, plain)) {
			if (!n)
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

/* text: "Name: value"; what: where it stands. The value of a header never goes into a message. */
static bool add(struct headers *h, const char *text, const char *what, bool replace, struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char where[200];
	char *name, *value, *end;

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
	for (end = value + strlen(value); end > value && is_blank(end[-1]);)
		*--end = 0;
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

bool headers_read(const struct args *a, struct headers *h, struct err *e)
{
	*h = (struct headers){ 0 };
	for (size_t i = 0; i < a->header_files.n; i++)
		if (!read_file(h, a->header_files.item[i], e))
			return false;
	for (size_t i = 0; i < a->headers.n; i++)
		if (!add(h, a->headers.item[i], "--header", true, e))
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
