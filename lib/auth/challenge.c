#include "auth/challenge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

static const char *skip_blank(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static const char *skip_separators(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == ',')
		p++;
	return p;
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *token_end(const char *p)
{
	while (is_token_char(*p))
		p++;
	return p;
}

/* token68 (RFC 9110 section 11.2), as in "Negotiate abc==": passed over. */
static const char *token68_end(const char *p)
{
	while (is_token_char(*p) || *p == '/')
		p++;
	while (*p == '=')
		p++;
	return p;
}

/* A value at p, quoted or not, into out (NULL when too long). NULL when the quotes do not close. */
static const char *read_value(const char *p, char **out)
{
	struct buf b;
	bool fits = true;

	*out = NULL;
	if (*p != '"') {
		const char *end = token_end(p);

		/* URLs without quotes are against the grammar, and seen. */
		while (*end && !strchr(" \t,\"", *end))
			end++;
		*out = (size_t)(end - p) <= CHALLENGE_VALUE_MAX ? mem_ndup(p, (size_t)(end - p))
								: NULL;
		return end;
	}
	buf_init(&b, CHALLENGE_VALUE_MAX);
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		fits = buf_addc(&b, *p) && fits;
	}
	if (*p == '"' && fits)
		*out = mem_dup(buf_str(&b));
	buf_free(&b);
	return *p == '"' ? p + 1 : NULL;
}

/* RFC 6749 section 3.3, and blanks between them. People see them, also in files of ours. */
static bool is_scopes(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return true;
}

static void keep(struct challenge *c, const char *name, size_t n, char *value)
{
	const struct {
		const char *name;
		char **to;
	} wanted[] = { { "error", &c->error }, { "error_description", &c->error_description },
		{ "scope", &c->scope }, { "resource_metadata", &c->resource_metadata } };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strlen(wanted[i].name) != n || strncasecmp(wanted[i].name, name, n) != 0 ||
			*wanted[i].to || (wanted[i].to == &c->scope && !is_scopes(value)))
			continue;
		*wanted[i].to = value;
		return;
	}
	free(value);
}

/* Parameters of one challenge; keep them when c is not NULL. Returns where the next challenge starts,
 * NULL when the rest cannot be read. */
static const char *read_params(const char *p, struct challenge *c)
{
	for (;;) {
		const char *name = skip_separators(p), *end = token_end(name),
			   *eq = skip_blank(end);
		char *value;

		if (end == name || *eq != '=')
			return *name ? name : NULL;
		p = read_value(skip_blank(eq + 1), &value);
		if (value && c)
			keep(c, name, (size_t)(end - name), value);
		else
			free(value);
		if (!p)
			return NULL;
	}
}

static void read_field(const char *p, struct challenge *c)
{
	while (p && *(p = skip_separators(p))) {
		const char *end = token_end(p), *after = skip_blank(end);
		bool bearer = end - p == 6 && strncasecmp(p, "Bearer", 6) == 0 && !c->bearer;
		const char *param;

		if (end == p)
			return;
		if (bearer)
			c->bearer = true;
		param = skip_blank(token_end(after));
		if (after > end && *param != '=' && *after != ',')
			after = token68_end(after);
		else if (after > end && *param == '=' &&
			 (param[1] == '=' || !param[1] || param[1] == ',' || param[1] == ' '))
			after = token68_end(after);
		p = read_params(after, bearer ? c : NULL);
	}
}

void challenge_parse(const char *const *fields, size_t n, struct challenge *c)
{
	*c = (struct challenge){ 0 };
	for (size_t i = 0; i < n; i++)
		read_field(fields[i], c);
}

void challenge_clear(struct challenge *c)
{
	free(c->error);
	free(c->error_description);
	free(c->scope);
	free(c->resource_metadata);
	*c = (struct challenge){ 0 };
}
