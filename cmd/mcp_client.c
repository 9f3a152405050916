#include "mcp_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/bridge.h"
#include "mcp/json/message.h"
#include "mcp/http/error_text.h"
#include "mcp/json/error_reply.h"
#include "mcp/policy/tools_list.h"
#include "mcp/json/walk.h"
#include "mcp/stdio/lines.h"
#include "os/loop.h"
#include "tools_cache.h"
#include "waiting.h"

enum { TO_BRIDGE_READ, TO_BRIDGE_WRITE, FROM_BRIDGE_READ, FROM_BRIDGE_WRITE, ENDS };

struct mcp_client {
	struct context *context;
	struct auth *auth;
	struct policy *policy;
	struct bridge *bridge;
	int fds[ENDS];
	struct lines_in *in;
	struct lines_out *out;
	long id; /* of the request under way */
	bool answered;
	bool told, unready; /* it was initialized: the server knows, the server misses that */
	struct waiting *waiting;
	struct buf *raw; /* for the next result; NULL: it becomes a document */
	json_t *result, *hello;
	struct err e;
};

struct policy *mcp_client_policy(const struct options *a, struct err *e)
{
	/* The variables can only add restrictions, never take one away. */
	struct policy_opts o = { .read_only = a->read_only || options_read_only_variable(),
		.only = a->only_tools.item,
		.nonly = a->only_tools.n,
		.ignore = a->ignore_tools.item,
		.nignore = a->ignore_tools.n,
		.projects = a->only_projects.item,
		.nprojects = a->only_projects.n,
		.projects_also = getenv("MPMCP_ONLY_PROJECT") };

	return policy_new(&o, e);
}

void mcp_client_protocol(const struct options *a, struct bridge_opts *o)
{
	/* By the choices of --protocol: auto, legacy, modern. */
	static const enum era eras[] = { ERA_UNKNOWN, ERA_LEGACY, ERA_MODERN };

	o->era = a->protocol ? eras[a->protocol - 1] : ERA_UNKNOWN;
	o->era_sure = o->era != ERA_UNKNOWN;
}

/* ---- from the bridge ---- */

static void text_member(struct span v, const char *name, struct buf *out)
{
	buf_init(out, ERR_MSG_MAX - 1);
	(void)!walk_string(walk_get(v, name, NULL), out);
}

/* An error of the bridge's own: data has the reason, and the advice with which the message ends. */
static void take_own(struct err *e, enum err_kind kind, struct span data, struct buf *message)
{
	struct buf reason, advice;
	const char *tail;

	text_member(data, "reason", &reason);
	text_member(data, "advice", &advice);
	if (advice.len && message->len > advice.len + 2) {
		tail = message->p + message->len - advice.len;
		if (memcmp(tail, advice.p, advice.len) == 0) {
			message->len -= advice.len + 1;
			message->len -= message->p[message->len - 1] == '.';
			message->p[message->len] = '\0';
		}
	}
	err_set(e, kind, "%s", buf_str(message));
	err_advise(e, err_reason_named(buf_str(&reason)), "%s", buf_str(&advice));
	buf_free(&reason);
	buf_free(&advice);
}

/* One of the server's. */
static void take_foreign(struct mcp_client *c, long code, const char *message)
{
	struct error_said said = { .code = code, .text = message, .url = c->context->url };
	struct error_meaning m = error_text_meaning(&said);

	err_set(&c->e, m.kind, "%s",
		*message ? message : "the server returned an error with no message");
	err_advise(&c->e, m.reason, "%s", m.advice);
}

static void take_error(struct mcp_client *c, struct span error)
{
	struct span data = walk_get(error, "data", NULL);
	long long code = 0, status = 0;
	enum err_kind kind;
	struct buf text;

	(void)!walk_integer(walk_get(error, "code", NULL), &code);
	(void)!walk_integer(walk_get(data, "httpStatus", NULL), &status);
	kind = error_reply_kind((long)code);
	if (code == ERROR_REPLY_SERVER && status >= 200 && status < 300)
		kind = ERR_PROTO; /* it did not fail, it spoke of something else */
	buf_init(&text, ERR_TEXT_MAX - 1);
	(void)!walk_string(walk_get(error, "message", NULL), &text);
	if (text.len && reply_is_own((long)code))
		take_own(&c->e, kind, data, &text);
	else
		take_foreign(c, (long)code, buf_str(&text));
	buf_free(&text);
}

static void take_result(struct mcp_client *c, struct span result)
{
	json_error_t why;

	if (c->raw) {
		if (!buf_add(c->raw, result.p, result.n))
			err_set(&c->e, ERR_LIMIT, "the answer is too long");
		return;
	}
	c->result = json_loadb(result.p, result.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (!c->result)
		err_set(&c->e, ERR_PROTO, "the answer cannot be read: %s", why.text);
}

/* Nobody here can answer questions: the server is told so at once. */
static void refuse_question(struct mcp_client *c, const struct message *m)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (!message_error(&b, m->id, -32601, "this client answers no questions", NULL) ||
		!lines_out_add(c->out, b.p, b.len))
		diag_debug("out of memory");
	buf_free(&b);
}

static void on_line(void *ctx, char *p, size_t n)
{
	struct mcp_client *c = ctx;
	struct message m;
	long long id;

	if (message_scan(p, n, &m, NULL) != MESSAGE_OK)
		return;
	if (m.kind == MESSAGE_REQUEST) {
		refuse_question(c, &m);
	} else if (m.kind == MESSAGE_NOTIFICATION) {
		if (m.method == METHOD_NOTICE_PROGRESS)
			waiting_progress(c->waiting, m.params);
		else if (m.method == METHOD_NOTICE_TOOLS_LIST_CHANGED)
			tools_cache_drop(c->context);
	} else if (m.kind == MESSAGE_RESPONSE && !c->answered &&
		   (walk_type(m.id) == WALK_NULL || (walk_integer(m.id, &id) && id == c->id))) {
		/* One request at a time: an error without an id is about it. */
		c->answered = true;
		c->unready = m.error.p && error_text_era(m.error) == ERROR_ERA_INITIALIZE;
		if (m.error.p)
			take_error(c, m.error);
		else
			take_result(c, m.result);
		loop_stop(c->context->loop);
	}
}

static void on_too_long(void *ctx)
{
	struct mcp_client *c = ctx;

	err_set(&c->e, ERR_LIMIT, "the answer is too long");
	loop_stop(c->context->loop);
}

static void on_input_end(void *ctx, const struct err *e)
{
	(void)ctx, (void)e; /* the bridge says itself that it is over */
}

static const struct lines_in_events in_events = { on_line, on_too_long, on_input_end };

static void on_written(void *ctx)
{
	(void)ctx;
}

static void on_broken(void *ctx, const struct err *e)
{
	(void)ctx, (void)e;
}

static const struct lines_out_events out_events = { on_written, on_written, on_broken };

/* ---- to the bridge ---- */

static bool send_text(struct mcp_client *c, const char *text, size_t n, struct err *e)
{
	return lines_out_add(c->out, text, n) || err_set(e, ERR_LIMIT, "the request is too long");
}

static bool wait_for_answer(struct mcp_client *c, struct err *e)
{
	bool good;

	c->answered = false;
	c->e = (struct err){ 0 };
	waiting_start(c->waiting);
	good = loop_run(c->context->loop, e);
	waiting_stop(c->waiting);
	if (!good)
		return false;
	if (!c->answered && !c->e.kind)
		err_set(&c->e, ERR_PROTO, "the connection ended without an answer");
	*e = c->e;
	return !e->kind;
}

static bool tell_initialized(struct mcp_client *c, struct err *e)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

	return send_text(c, text, sizeof(text) - 1, e);
}

/* One request and its answer. A server without sessions that minds is told that it was initialized, and asked again:
 * it has refused the request. */
static bool ask(struct mcp_client *c, const char *text, size_t n, struct err *e)
{
	bool good = send_text(c, text, n, e) && wait_for_answer(c, e);

	if (good || !c->unready || c->told)
		return good;
	c->told = true;
	*e = (struct err){ 0 };
	return tell_initialized(c, e) && send_text(c, text, n, e) && wait_for_answer(c, e);
}

json_t *mcp_client_request(struct mcp_client *c, const char *method, json_t *params, struct err *e)
{
	json_t *m = json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id", (json_int_t)++c->id,
		"method", method, "params", params);
	char *text = json_dumps(m, JSON_COMPACT);
	json_t *result;
	bool good;

	json_decref(m);
	c->raw = NULL;
	good = text ? ask(c, text, strlen(text), e)
		    : err_set(e, ERR_USAGE, "the request is not valid JSON");
	free(text);
	if (!good)
		json_decref(c->result);
	result = good ? c->result : NULL;
	c->result = NULL;
	return result;
}

bool mcp_client_call(struct mcp_client *c, const char *tool, const struct buf *arguments,
	struct buf *raw, struct err *e)
{
	struct buf m;
	bool good;

	buf_init(&m, MESSAGE_MAX);
	good = (buf_addf(&m,
			"{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/"
			"call\",\"params\":{\"name\":",
			++c->id) &&
		       message_quote(&m, tool, strlen(tool)) && buf_adds(&m, ",\"arguments\":") &&
		       buf_add(&m, arguments->p, arguments->len) &&
		       buf_adds(&m, ",\"_meta\":{\"progressToken\":1}}}")) ||
	       err_set(e, ERR_LIMIT, "the arguments are too long");
	c->raw = raw;
	good = good && ask(c, m.p, m.len, e);
	c->raw = NULL;
	buf_free(&m);
	return good;
}

/* ---- lists ---- */

json_t *mcp_client_tools(struct mcp_client *c, unsigned *pages, struct err *e)
{
	json_t *all = json_array(), *cursor = NULL;
	unsigned n = 0;

	while (n++ < TOOLS_LIST_PAGES_MAX) {
		json_t *result = mcp_client_request(
			c, "tools/list", cursor ? json_pack("{s:o}", "cursor", cursor) : NULL, e);
		json_t *tools = json_object_get(result, "tools");

		if (json_is_array(tools))
			json_array_extend(all, tools);
		else if (result)
			err_set(e, ERR_PROTO, "the server returned an invalid tool list");
		cursor = json_incref(json_object_get(result, "nextCursor"));
		json_decref(result);
		if (e->kind) {
			json_decref(cursor);
			json_decref(all);
			return NULL;
		}
		if (!json_is_string(cursor))
			break;
	}
	json_decref(cursor);
	if (pages)
		*pages = n;
	/* What the rules of the person hide is not in it. */
	if (!c->policy)
		tools_cache_write(c->context, all);
	return all;
}

static bool is_shown(struct mcp_client *c, const json_t *tool)
{
	char *text = json_dumps(tool, JSON_COMPACT);
	bool shown = text && policy_shows(c->policy, (struct span){ text, strlen(text) });

	free(text);
	return shown;
}

json_t *mcp_client_kept_tools(struct mcp_client *c)
{
	json_t *tools = tools_cache_read(c->context, TOOLS_CACHE_FRESH);

	for (size_t i = json_array_size(tools); c->policy && i-- > 0;)
		if (!is_shown(c, json_array_get(tools, i)))
			json_array_remove(tools, i);
	return tools;
}

void mcp_client_forget_tools(struct mcp_client *c)
{
	tools_cache_drop(c->context);
}

/* ---- the whole ---- */

static void interrupted(void *ctx, enum os_signal signal)
{
	struct mcp_client *c = ctx;

	(void)signal;
	err_set(&c->e, ERR_CANCELLED, "interrupted");
	loop_stop(c->context->loop);
}

static bool greet(struct mcp_client *c, struct err *e)
{
	json_t *hello =
		json_pack("{s:s, s:{}, s:{s:s, s:s}}", "protocolVersion", ERA_LEGACY_VERSION,
			"capabilities", "clientInfo", "name", "mpmcp", "version", MPMCP_VERSION);

	c->hello = mcp_client_request(c, "initialize", hello, e);
	/* Without a session there is nothing that could be initialized, and the hour has 600 requests. */
	c->told = bridge_has_session(c->bridge);
	return c->hello && (!c->told || tell_initialized(c, e));
}

const json_t *mcp_client_hello(const struct mcp_client *c)
{
	return c->hello;
}

bool mcp_client_translated(const struct mcp_client *c)
{
	return bridge_era(c->bridge) == ERA_MODERN;
}

bool mcp_client_may_use(const struct mcp_client *c, long long project)
{
	return !c->policy || policy_project(c->policy, project);
}

bool mcp_client_restricted(const struct mcp_client *c)
{
	return c->policy != NULL;
}

static bool make_pipes(struct mcp_client *c, struct err *e)
{
	return (os_pipe(&c->fds[TO_BRIDGE_READ]) && os_pipe(&c->fds[FROM_BRIDGE_READ])) ||
	       err_set(e, ERR_IO, "cannot make a pipe: %s", strerror(errno));
}

static bool connect_ends(struct mcp_client *c, const struct options *a, struct err *e)
{
	struct context *x = c->context;
	struct bridge_opts o = { .url = x->url,
		.headers = x->headers.item,
		.nheaders = x->headers.n,
		.transport = x->transport,
		.policy = c->policy,
		.asks_only = true };

	mcp_client_protocol(a, &o);
	if (!make_pipes(c, e))
		return false;
	c->auth = context_credential(x, e);
	if (!c->auth)
		return false;
	o.rate = x->rate;
	o.in_fd = c->fds[TO_BRIDGE_READ];
	o.out_fd = c->fds[FROM_BRIDGE_WRITE];
	c->in = lines_in_new(x->loop, c->fds[FROM_BRIDGE_READ], MESSAGE_MAX, &in_events, c, e);
	c->out = c->in ? lines_out_new(x->loop, c->fds[TO_BRIDGE_WRITE], &out_events, c, e) : NULL;
	c->bridge = c->out ? bridge_new(x->loop, x->http, c->auth, &o, e) : NULL;
	return c->bridge && loop_signal(x->loop, OS_INTERRUPT, interrupted, c, e);
}

struct mcp_client *mcp_client_new(struct context *context, const struct options *a, struct err *e)
{
	struct mcp_client *c = mem_new(sizeof(*c));

	c->context = context;
	c->waiting = waiting_new(context->loop, a->silent);
	for (int i = 0; i < ENDS; i++)
		c->fds[i] = -1;
	c->policy = mcp_client_policy(a, e);
	if (!e->kind && connect_ends(c, a, e) && greet(c, e))
		return c;
	mcp_client_free(c);
	return NULL;
}

static void close_end(struct mcp_client *c, int end)
{
	os_stream_close(c->fds[end]);
	c->fds[end] = -1;
}

void mcp_client_free(struct mcp_client *c)
{
	struct err e = { 0 };

	if (!c)
		return;
	loop_signals_drop(c->context->loop, c);
	/* The end of its input lets the bridge delete the session and leave. */
	lines_out_free(c->out);
	close_end(c, TO_BRIDGE_WRITE);
	if (c->bridge && c->e.kind != ERR_CANCELLED)
		while (!bridge_over(c->bridge) && loop_run(c->context->loop, &e))
			;
	bridge_free(c->bridge);
	lines_in_free(c->in);
	for (int i = 0; i < ENDS; i++)
		close_end(c, i);
	auth_free(c->auth);
	waiting_free(c->waiting);
	policy_free(c->policy);
	json_decref(c->hello);
	json_decref(c->result);
	free(c);
}
