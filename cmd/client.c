#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/envelope.h"
#include "mcp/transport.h"
#include "mcp/walk.h"

/* Pages of one list: more than any server has; a server that never ends is left. */
#define PAGES_MAX 200

/* The session's DELETE at the end. */
#define FAREWELL_MS 1000

struct client {
	struct context *context;
	struct auth *auth;
	struct transport *transport;
	struct policy *policy;
	struct http_fields *fields;
	struct exchange *x; /* the one under way; earlier ones may still be ending */
	long id;            /* of the request under way */
	bool awaits, answered;
	struct buf sent, reply;
	struct buf *raw;
	json_t *result, *hello;
	struct err e;
};

struct policy *client_policy(const struct args *a, struct err *e)
{
	const char *v = getenv("MPMCP_READ_ONLY");
	/* The variable can only add the restriction, never take it away. */
	struct policy_opts o = { .read_only = a->read_only || (v && *v && strcmp(v, "0") != 0),
		.only = a->only_tools.item,
		.nonly = a->only_tools.n,
		.ignore = a->ignore_tools.item,
		.nignore = a->ignore_tools.n };

	return policy_new(&o, e);
}

/* ---- from the server ---- */

static void take_error(struct client *c, struct span error)
{
	enum err_kind kind = ERR_SERVER;
	struct buf text;
	long wait_s;

	if (rate_is_refusal(error, &wait_s)) {
		transport_limited(c->transport, wait_s);
		kind = ERR_RATE;
	}
	buf_init(&text, ERR_MSG_MAX - 1);
	if (!walk_string(walk_get(error, "message", NULL), &text) && !text.len)
		err_set(&c->e, kind, "the server answered with an error without words");
	else
		err_set(&c->e, kind, "%s", buf_str(&text));
	err_clean(diag_redact(c->e.msg));
	buf_free(&text);
}

static void take_result(struct client *c, struct span result)
{
	json_error_t why;

	if (c->raw && !buf_add(c->raw, result.p, result.n))
		err_set(&c->e, ERR_LIMIT, "the answer is too long");
	/* For showing only: what jansson cannot hold (1e400) is refused here, not passed. */
	c->result = json_loadb(result.p, result.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (!c->result && !c->e.kind)
		err_set(&c->e, ERR_PROTO,
			"the answer cannot be shown: %s; --json prints it as it is", why.text);
}

static void show_progress(const struct envelope *m)
{
	struct buf text;

	if (!isatty(STDERR_FILENO) || !envelope_method_is(m, "notifications/progress"))
		return;
	buf_init(&text, 256);
	(void)!walk_string(walk_get(m->params, "message", NULL), &text);
	fprintf(stderr, "\r\033[K%s", text.len ? err_clean(text.p) : "working...");
	buf_free(&text);
}

/* Nobody here can answer questions: the server is told so at once. */
static void refuse_question(struct client *c, const struct envelope *m)
{
	struct exchange_call call = { .resumable = false };

	buf_reset(&c->reply);
	if (!envelope_error(&c->reply, m->id, -32601, "this client answers no questions", NULL))
		return;
	call.body = c->reply.p;
	call.len = c->reply.len;
	transport_post(c->transport, &call);
}

static void on_message(void *ctx, struct incoming *in)
{
	struct client *c = ctx;
	struct envelope m;
	long long id;

	if (envelope_scan(in->p, in->n, &m, NULL) != ENVELOPE_OK)
		return;
	if (m.kind == ENVELOPE_REQUEST) {
		refuse_question(c, &m);
	} else if (m.kind == ENVELOPE_NOTIFICATION) {
		show_progress(&m);
	} else if (m.kind == ENVELOPE_RESPONSE && c->awaits && !c->answered &&
		   walk_integer(m.id, &id) && id == c->id) {
		struct span version = walk_get(m.result, "protocolVersion", NULL);
		struct buf text;

		c->answered = true;
		buf_init(&text, 64);
		if (c->id == 1 && walk_string(version, &text) &&
			(!transport_set_version(c->transport, buf_str(&text), &c->e) ||
				!transport_set_session(c->transport,
					in->from ? exchange_new_session(in->from) : NULL, &c->e)))
			diag_debug("%s", c->e.msg);
		buf_free(&text);
		if (m.error.p)
			take_error(c, m.error);
		else
			take_result(c, m.result);
		loop_stop(c->context->loop);
	}
}

static void on_ended(void *ctx, struct exchange *x, const struct exchange_end *end)
{
	struct client *c = ctx;

	if (x != c->x)
		return;
	c->x = NULL;
	if (c->answered)
		return;
	if (end->e)
		c->e = *end->e;
	else if (c->awaits)
		err_set(&c->e, ERR_PROTO, "the server took the request but sent no answer");
	loop_stop(c->context->loop);
}

static const struct transport_events events = { on_message, on_ended };

/* ---- to the server ---- */

static bool post(struct client *c, bool awaits, struct err *e)
{
	struct exchange_call call = { .body = c->sent.p,
		.len = c->sent.len,
		.resumable = true,
		.fresh = c->id == 1 && awaits,
		.ctx = c };

	c->awaits = awaits;
	c->answered = false;
	c->e = (struct err){ 0 };
	c->x = transport_post(c->transport, &call);
	if (!loop_run(c->context->loop, e))
		return false;
	if (c->e.kind)
		*e = c->e;
	return !c->e.kind;
}

static bool allowed(struct client *c, struct err *e)
{
	struct envelope m;

	return !c->policy || envelope_scan(c->sent.p, c->sent.len, &m, NULL) != ENVELOPE_OK ||
	       policy_request(c->policy, &m, e);
}

json_t *client_request(
	struct client *c, const char *method, json_t *params, struct buf *raw, struct err *e)
{
	json_t *m = json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id", (json_int_t)++c->id,
		"method", method, "params", params);
	char *text = json_dumps(m, JSON_COMPACT);
	bool good;

	json_decref(m);
	buf_reset(&c->sent);
	good = text && buf_adds(&c->sent, text);
	free(text);
	c->raw = raw;
	c->result = NULL;
	if (!good)
		err_set(e, ERR_LIMIT, "the request is too long");
	else
		good = allowed(c, e) && post(c, true, e);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	if (!good && !(raw && raw->len && c->answered && !c->e.kind)) {
		json_decref(c->result);
		c->result = NULL;
	}
	return c->result;
}

/* ---- lists ---- */

/* The policy reads messages, so the page is given to it as one. */
static json_t *filtered(struct client *c, json_t *result, struct err *e)
{
	json_t *m = json_pack("{s:s, s:i, s:O}", "jsonrpc", "2.0", "id", 1, "result", result);
	char *text = json_dumps(m, JSON_COMPACT);
	struct envelope env;
	struct buf out;
	json_t *page = NULL;

	json_decref(m);
	buf_init(&out, ENVELOPE_MAX);
	if (text && envelope_scan(text, strlen(text), &env, NULL) == ENVELOPE_OK) {
		switch (policy_list(c->policy, &env, &out, e)) {
		case POLICY_AS_IS:
			page = json_incref(result);
			break;
		case POLICY_FILTERED:
			m = json_loadb(out.p, out.len, 0, NULL);
			page = json_incref(json_object_get(m, "result"));
			json_decref(m);
			break;
		case POLICY_UNREADABLE:
			break;
		}
	}
	free(text);
	buf_free(&out);
	return page;
}

static bool add_page(struct client *c, json_t *all, json_t *result, struct err *e)
{
	json_t *page = c->policy ? filtered(c, result, e) : json_incref(result);
	json_t *tools = json_object_get(page, "tools");
	bool good = json_is_array(tools);

	if (good)
		json_array_extend(all, tools);
	else if (!e->kind)
		err_set(e, ERR_PROTO, "the server's list of tools is none");
	json_decref(page);
	return good;
}

json_t *client_tools(struct client *c, struct err *e)
{
	json_t *all = json_array(), *cursor = NULL;

	for (int page = 0; page < PAGES_MAX; page++) {
		json_t *result = client_request(c, "tools/list",
			cursor ? json_pack("{s:o}", "cursor", cursor) : NULL, NULL, e);
		bool good = result && add_page(c, all, result, e);

		cursor = good ? json_incref(json_object_get(result, "nextCursor")) : NULL;
		json_decref(result);
		if (!good) {
			json_decref(all);
			return NULL;
		}
		if (!json_is_string(cursor))
			break;
	}
	json_decref(cursor);
	return all;
}

/* ---- the whole ---- */

static void interrupted(void *ctx, int signo)
{
	struct client *c = ctx;

	(void)signo;
	err_set(&c->e, ERR_CANCELLED, "interrupted");
	loop_stop(c->context->loop);
}

static bool greet(struct client *c, struct err *e)
{
	json_t *hello = json_pack("{s:s, s:{}, s:{s:s, s:s}}", "protocolVersion", "2025-06-18",
		"capabilities", "clientInfo", "name", "mpmcp", "version", MPMCP_VERSION);

	c->hello = client_request(c, "initialize", hello, NULL, e);
	if (!c->hello)
		return false;
	buf_reset(&c->sent);
	return buf_adds(&c->sent,
		       "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}") &&
	       post(c, false, e);
}

static bool open_transport(struct client *c, struct err *e)
{
	struct transport_opts o = { .url = c->context->url, .rate = c->context->rate };

	for (size_t i = 0; i < c->context->headers.n; i++)
		if (!http_fields_add(&c->fields, c->context->headers.item[i].name,
			    c->context->headers.item[i].value, e))
			return false;
	o.fields = c->fields;
	c->auth = context_credential(c->context, e);
	if (c->auth)
		c->transport =
			transport_new(c->context->loop, c->context->http, c->auth, &o, &events, c);
	return c->transport && loop_signal(c->context->loop, SIGINT, interrupted, c, e);
}

const json_t *client_hello(const struct client *c)
{
	return c->hello;
}

struct client *client_new(struct context *context, const struct args *a, struct err *e)
{
	struct client *c = mem_new(sizeof(*c));

	c->context = context;
	buf_init(&c->sent, ENVELOPE_MAX);
	buf_init(&c->reply, (size_t)64 << 10);
	c->policy = client_policy(a, e);
	if (!e->kind && open_transport(c, e) && greet(c, e))
		return c;
	client_free(c);
	return NULL;
}

static void deleted(void *ctx)
{
	struct client *c = ctx;

	loop_stop(c->context->loop);
}

void client_free(struct client *c)
{
	struct err e = { 0 };

	if (!c)
		return;
	if (c->transport && transport_session(c->transport)) {
		transport_delete(c->transport, FAREWELL_MS, deleted, c);
		if (!loop_run(c->context->loop, &e))
			diag_debug("%s", e.msg);
	}
	transport_free(c->transport);
	auth_free(c->auth);
	policy_free(c->policy);
	http_fields_free(c->fields);
	json_decref(c->hello);
	buf_free(&c->sent);
	buf_free(&c->reply);
	free(c);
}
