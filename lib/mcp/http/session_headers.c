/*
 * The header fields that all requests of one kind carry: built once for a
 * session, its revision and the credential at hand, then shared.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

void fieldset_drop(struct fieldset *s)
{
	if (!s || --s->refs)
		return;
	http_fields_free(s->fields);
	free(s);
}

static void forget_fields(struct session_headers *h)
{
	for (size_t i = 0; i < FIELDS_KINDS; i++) {
		fieldset_drop(h->sets[i]);
		h->sets[i] = NULL;
	}
}

static bool add_fields(const struct transport *t, enum fieldset_kind kind,
	const char *authorization, struct http_fields **f, struct err *e)
{
	const struct session_headers *h = &t->headers;
	bool post = kind == FIELDS_POST || kind == FIELDS_FRESH;
	const char *accept = post ? "application/json, text/event-stream" : "text/event-stream";

	if (kind != FIELDS_DELETE && !http_fields_add(f, "Accept", accept, e))
		return false;
	if (post && !http_fields_add(f, "Content-Type", "application/json", e))
		return false;
	if (authorization && !http_fields_add(f, "Authorization", authorization, e))
		return false;
	if (h->agent && !http_fields_name_agent(h->extra) &&
		!http_fields_add(f, "User-Agent", h->agent, e))
		return false;
	if (kind == FIELDS_FRESH)
		return true;
	/* In HTTP+SSE the address says which session it is. */
	return (!h->session || !t->posts->names_session ||
		       http_fields_add(f, "Mcp-Session-Id", h->session, e)) &&
	       (!h->version || http_fields_add(f, "MCP-Protocol-Version", h->version, e));
}

struct fieldset *transport_fields(
	struct transport *t, enum fieldset_kind kind, const struct auth_value *v, struct err *e)
{
	struct session_headers *h = &t->headers;
	struct fieldset *s;

	if (v->gen != h->gen)
		forget_fields(h);
	h->gen = v->gen;
	if (!h->sets[kind]) {
		s = mem_new(sizeof(*s));
		s->refs = 1;
		if (!http_fields_copy(&s->fields, h->extra, e) ||
			!add_fields(t, kind, v->field, &s->fields, e)) {
			fieldset_drop(s);
			return NULL;
		}
		h->sets[kind] = s;
	}
	h->sets[kind]->refs++;
	return h->sets[kind];
}

/* ---- session ---- */

/* MCP 2025-11-25, Session Management: visible ASCII. The cap only keeps absurdity out of every
 * request; ids known are under 200 bytes. */
#define SESSION_ID_MAX 4096

static bool is_visible(const char *s)
{
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e)
			return false;
	return true;
}

static bool set_value(
	struct session_headers *h, char **where, const char *value, const char *what, struct err *e)
{
	if (value && (!*value || !is_visible(value) || strlen(value) > SESSION_ID_MAX))
		return err_set(
			e, ERR_PROTO, "the server sent a %s that cannot be a header field", what);
	if (*where && value && strcmp(*where, value) == 0)
		return true;
	free(*where);
	*where = value ? mem_dup(value) : NULL;
	forget_fields(h);
	return true;
}

bool transport_set_session(struct transport *t, const char *id, struct err *e)
{
	if (id)
		diag_hide(id, strlen(id));
	return set_value(&t->headers, &t->headers.session, id, "session id", e);
}

bool transport_set_version(struct transport *t, const char *version, struct err *e)
{
	return set_value(&t->headers, &t->headers.version, version, "protocol version", e);
}

void transport_set_agent(struct transport *t, const char *agent)
{
	struct session_headers *h = &t->headers;

	if (h->agent && strcmp(h->agent, agent) == 0)
		return;
	free(h->agent);
	h->agent = mem_dup(agent);
	forget_fields(h);
}

void session_headers_forget(struct transport *t)
{
	struct session_headers *h = &t->headers;

	free(h->session);
	free(h->version);
	h->session = h->version = NULL;
	forget_fields(h);
}

void session_headers_free(struct transport *t)
{
	session_headers_forget(t);
	free(t->headers.agent);
}

const char *transport_session(const struct transport *t)
{
	return t->headers.session;
}

const char *transport_version(const struct transport *t)
{
	return t->headers.version;
}
