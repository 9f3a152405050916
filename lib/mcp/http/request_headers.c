#include "mcp/http/request_headers.h"

#include <string.h>

#include "base/crypt.h"
#include "mcp/json/era.h"
#include "mcp/json/walk.h"

static struct span version_of(const struct message *m)
{
	return walk_path(m->params, "_meta", era_version_key, (const char *)NULL);
}

static bool is_edge(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_plain(const char *p, size_t n)
{
	static const char open[] = "=?base64?", close[] = "?=";

	if (n && (is_edge(p[0]) || is_edge(p[n - 1])))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' && p[i] != '\t') || p[i] > '~')
			return false;
	return n < sizeof(open) - 1 || memcmp(p, open, sizeof(open) - 1) != 0 ||
	       memcmp(p + n - 2, close, 2) != 0;
}

bool request_headers_encode(struct buf *out, const char *p, size_t n)
{
	if (is_plain(p, n))
		return buf_add(out, p, n);
	return buf_adds(out, "=?base64?") && crypt_base64(out, p, n) && buf_adds(out, "?=");
}

/* The member of params that Mcp-Name repeats; NULL when the method has none. */
static const char *named_by(const struct message *m)
{
	if (m->method == METHOD_TOOLS_CALL || m->method == METHOD_PROMPTS_GET)
		return "name";
	return m->method == METHOD_RESOURCES_READ ? "uri" : NULL;
}

/* v: a raw JSON string. */
static bool add_text(
	struct http_fields **f, const char *name, struct span v, bool encode, struct err *e)
{
	struct buf text, value;
	bool good;

	buf_init(&text, REQUEST_HEADERS_VALUE_MAX);
	buf_init(&value, 2 * REQUEST_HEADERS_VALUE_MAX);
	good = walk_string(v, &text) &&
	       (encode ? request_headers_encode(&value, buf_str(&text), text.len)
		       : buf_add(&value, buf_str(&text), text.len));
	if (!good || (value.len && memchr(value.p, 0, value.len)))
		good = err_set(e, ERR_LIMIT, "the request's %s cannot be a header field", name);
	else
		good = http_fields_add(f, name, buf_str(&value), e);
	buf_free(&text);
	buf_free(&value);
	return good;
}

bool request_headers_fields(
	const struct message *m, const struct toolbook *b, struct http_fields **f, struct err *e)
{
	struct span method = { m->name.p - 1, m->name.n + 2 };
	const char *named = named_by(m);
	struct span name = named ? walk_get(m->params, named, NULL) : (struct span){ 0 };

	return add_text(f, "MCP-Protocol-Version", version_of(m), false, e) &&
	       add_text(f, "Mcp-Method", method, false, e) &&
	       (walk_type(name) != WALK_STRING || add_text(f, "Mcp-Name", name, true, e)) &&
	       (!b || m->method != METHOD_TOOLS_CALL || toolbook_fields(b, m->params, f, e));
}
