#include "mcp/json/era.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "mcp/json/walk.h"

const char era_version_key[] = "io.modelcontextprotocol/protocolVersion";
const char era_info_key[] = "io.modelcontextprotocol/clientInfo";
const char era_capabilities_key[] = "io.modelcontextprotocol/clientCapabilities";
const char era_log_key[] = "io.modelcontextprotocol/logLevel";
const char era_subscription_key[] = "io.modelcontextprotocol/subscriptionId";

static const char server_info_key[] = "io.modelcontextprotocol/serverInfo";

/* Tasks are polled for in one era and waited for in the other, so neither side hears of the other's. */
static const char *const legacy_tasks[] = { "tasks", NULL };
static const char *const modern_tasks[] = { "io.modelcontextprotocol/tasks", NULL };

/* ---- errors ---- */

long era_error_code(struct span error)
{
	long long code = 0;

	if (!walk_integer(walk_get(error, "code", NULL), &code) || code < -99999 || code > 99999)
		return 0;
	return (long)code;
}

void era_error_words(struct span error, struct err *e)
{
	struct buf text;

	buf_init(&text, ERR_MSG_MAX - 1);
	if (!walk_string(walk_get(error, "message", NULL), &text) && !text.len)
		err_set(e, ERR_SERVER, "the server returned an error with no message");
	else
		err_set(e, ERR_SERVER, "%s", buf_str(&text));
	err_clean(diag_redact(e->msg));
	buf_free(&text);
}

/* The words of an error may be the only place where a server names its revision. */
static bool mentions(struct span error, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; error.p && i + n <= error.n; i++)
		if (memcmp(error.p + i, what, n) == 0)
			return true;
	return false;
}

bool era_refusal_is_modern(struct span error)
{
	switch (era_error_code(error)) {
	case ERA_HEADER_MISMATCH:
	case ERA_MISSING_CAPABILITY:
	case ERA_UNSUPPORTED_VERSION:
	case -32601: /* every legacy server knows initialize */
		return true;
	default:
		return mentions(error, ERA_MODERN_VERSION) || mentions(error, era_version_key);
	}
}

/* A list of revisions of which one is not known to be a legacy one. */
static bool names_modern(struct span list)
{
	struct walk_item it;
	struct walk w;

	if (!walk_open(&w, list))
		return false;
	while (walk_next(&w, &it))
		if (!era_is_legacy_version(it.value))
			return true;
	return false;
}

bool era_refusal_is_of_modern(struct span error, long status, bool discover)
{
	switch (era_error_code(error)) {
	case ERA_HEADER_MISMATCH:
	case ERA_MISSING_CAPABILITY:
		return true;
	case ERA_UNSUPPORTED_VERSION:
		return names_modern(walk_path(error, "data", "supported", (char *)NULL));
	case -32601:
		/* 404 with this body is how a modern server says it (Protocol Version Header). */
		return !discover && status == 404;
	default:
		return false;
	}
}

bool era_refusal_demands_modern(struct span error, long status)
{
	struct span supported = walk_path(error, "data", "supported", (char *)NULL);

	if (status < 400)
		return false;
	switch (era_error_code(error)) {
	case ERA_HEADER_MISMATCH:
		return true;
	case ERA_UNSUPPORTED_VERSION:
		return names_modern(supported);
	default:
		return mentions(error, era_version_key); /* params._meta lacks it */
	}
}

static bool lists(struct span list, const char *version)
{
	struct walk_item it;
	struct walk w;

	if (walk_type(list) != WALK_ARRAY || !walk_open(&w, list))
		return false;
	while (walk_next(&w, &it))
		if (walk_string_is(it.value, version))
			return true;
	return false;
}

bool era_supports(struct span error, const char *version)
{
	return lists(walk_path(error, "data", "supported", (char *)NULL), version);
}

bool era_is_discovery(struct span result)
{
	return lists(walk_get(result, "supportedVersions", NULL), ERA_MODERN_VERSION);
}

bool era_is_legacy_version(struct span version)
{
	static const char *const known[] = { "2024-11-05", "2025-03-26", "2025-06-18",
		"2025-11-25" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (walk_string_is(version, known[i]))
			return true;
	return false;
}

/* ---- pieces ---- */

static bool add_all(struct buf *out, ...) __attribute__((sentinel));

static bool add_all(struct buf *out, ...)
{
	const char *s;
	bool good = true;
	va_list ap;

	va_start(ap, out);
	while (good && (s = va_arg(ap, const char *)))
		good = buf_adds(out, s);
	va_end(ap);
	return good;
}

static bool add_span(struct buf *out, struct span v, const char *otherwise)
{
	return v.p ? buf_add(out, v.p, v.n) : buf_adds(out, otherwise);
}

/* A capabilities object without what cannot work across eras; "{}" when there is none. */
static bool add_capabilities(struct buf *out, struct span capabilities)
{
	struct edits s = { 0 };
	struct span extensions = walk_get(capabilities, "extensions", NULL);

	if (walk_type(capabilities) != WALK_OBJECT)
		return buf_adds(out, "{}");
	edit_object(&s, capabilities, legacy_tasks, (struct span){ 0 });
	if (walk_type(extensions) == WALK_OBJECT)
		edit_object(&s, extensions, modern_tasks, (struct span){ 0 });
	return edit_apply(&s, capabilities, out);
}

/* ---- legacy client, modern server ---- */

bool era_meta(struct buf *out, struct span params)
{
	struct span info = walk_get(params, "clientInfo", NULL);

	return add_all(out, "\"", era_version_key, "\":\"", ERA_MODERN_VERSION, "\",\"",
		       era_info_key, "\":", (char *)NULL) &&
	       add_span(out, walk_type(info) == WALK_OBJECT ? info : (struct span){ 0 },
		       "{\"name\":\"mpmcp\",\"version\":\"" MPMCP_VERSION "\"}") &&
	       add_all(out, ",\"", era_capabilities_key, "\":", (char *)NULL) &&
	       add_capabilities(out, walk_get(params, "capabilities", NULL));
}

static bool meta_text(struct buf *out, struct span members, struct span more)
{
	return buf_adds(out, "\"_meta\":{") && buf_add(out, members.p, members.n) &&
	       buf_addc(out, '}') &&
	       (!more.p || (buf_addc(out, ',') && buf_add(out, more.p, more.n)));
}

bool era_add_meta(struct edits *s, const struct message *m, struct span members, struct span more,
	struct buf *scratch)
{
	static const char *const no_object[] = { "_meta", NULL };
	struct span meta = walk_get(m->params, "_meta", NULL);

	if (walk_type(meta) == WALK_OBJECT) {
		edit_object(s, meta, NULL, members);
		if (more.p)
			edit_object(s, m->params, NULL, more);
		return true;
	}
	buf_reset(scratch);
	if (walk_type(m->params) == WALK_OBJECT) {
		if (!meta_text(scratch, members, more))
			return false;
		edit_object(s, m->params, no_object, (struct span){ scratch->p, scratch->len });
	} else if (!m->params.p) {
		if (!buf_adds(scratch, ",\"params\":{") || !meta_text(scratch, members, more) ||
			!buf_addc(scratch, '}'))
			return false;
		/* Behind the method: a place that every request has. */
		edit_put(s, m->name.p + m->name.n + 1, buf_str(scratch));
	}
	return true;
}

static bool add_initialize_result(
	struct buf *out, struct span params, struct span discovered, const char *fallback)
{
	struct span version = walk_get(params, "protocolVersion", NULL);
	struct span info = walk_path(discovered, "_meta", server_info_key, (char *)NULL);
	struct span words = walk_get(discovered, "instructions", NULL);

	/* Some servers still say it where initialize had it. */
	if (walk_type(info) != WALK_OBJECT)
		info = walk_get(discovered, "serverInfo", NULL);
	if (!buf_adds(out, "{\"protocolVersion\":") ||
		!add_span(out, era_is_legacy_version(version) ? version : (struct span){ 0 },
			"\"" ERA_LEGACY_VERSION "\"") ||
		!buf_adds(out, ",\"capabilities\":") ||
		!add_capabilities(out, walk_get(discovered, "capabilities", NULL)) ||
		!buf_adds(out, ",\"serverInfo\":"))
		return false;
	if (walk_type(info) == WALK_OBJECT
			? !buf_add(out, info.p, info.n)
			: (!buf_adds(out, "{\"name\":") ||
				  !message_quote(out, fallback, strlen(fallback)) ||
				  !buf_adds(out, ",\"version\":\"\"}")))
		return false;
	if (words.p && (!buf_adds(out, ",\"instructions\":") || !buf_add(out, words.p, words.n)))
		return false;
	return buf_addc(out, '}');
}

bool era_initialize_answer(struct buf *out, struct span id, struct span params,
	struct span discovered, const char *fallback)
{
	return buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":") && buf_add(out, id.p, id.n) &&
	       buf_adds(out, ",\"result\":") &&
	       add_initialize_result(out, params, discovered, fallback) && buf_addc(out, '}');
}

enum era_result era_result_type(struct span result)
{
	struct span type = walk_get(result, "resultType", NULL);

	if (!type.p || walk_string_is(type, "complete"))
		return ERA_COMPLETE;
	return walk_string_is(type, "input_required") ? ERA_INPUT_REQUIRED : ERA_OTHER_RESULT;
}

void era_result_to_legacy(struct edits *s, struct span result)
{
	static const char *const names[] = { "resultType", NULL };

	if (walk_type(result) == WALK_OBJECT)
		edit_object(s, result, names, (struct span){ 0 });
}

/* ---- modern client, legacy server ---- */

bool era_initialize(struct buf *out, const char *id, struct span params)
{
	struct span meta = walk_get(params, "_meta", NULL);
	struct span info = walk_get(meta, era_info_key, NULL);

	return add_all(out, "{\"jsonrpc\":\"2.0\",\"id\":\"", id,
		       "\",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"",
		       ERA_LEGACY_VERSION, "\",\"capabilities\":", (char *)NULL) &&
	       add_capabilities(out, walk_get(meta, era_capabilities_key, NULL)) &&
	       buf_adds(out, ",\"clientInfo\":") &&
	       add_span(out, walk_type(info) == WALK_OBJECT ? info : (struct span){ 0 },
		       "{\"name\":\"mpmcp\",\"version\":\"" MPMCP_VERSION "\"}") &&
	       buf_adds(out, "}}");
}

bool era_unsupported(struct buf *out, struct span id, struct span version)
{
	static const char message[] =
		"the server speaks " ERA_LEGACY_VERSION
		" or earlier; it is translated to " ERA_MODERN_VERSION " alone";
	struct buf data;
	bool good;

	buf_init(&data, MESSAGE_MAX);
	good = add_all(&data, "{\"supported\":[\"", ERA_MODERN_VERSION, "\",\"", ERA_LEGACY_VERSION,
		       "\"],\"requested\":", (char *)NULL) &&
	       add_span(&data, version, "null") && buf_addc(&data, '}') &&
	       message_error(out, id, ERA_UNSUPPORTED_VERSION, message, buf_str(&data));
	buf_free(&data);
	return good;
}

static bool all_are_modern(struct span meta)
{
	struct walk_item it;
	struct walk w;

	if (!walk_open(&w, meta))
		return false;
	while (walk_next(&w, &it))
		if (!walk_key_is(&it, era_version_key) && !walk_key_is(&it, era_info_key) &&
			!walk_key_is(&it, era_capabilities_key) && !walk_key_is(&it, era_log_key))
			return false;
	return true;
}

void era_drop_meta(struct edits *s, const struct message *m)
{
	static const char *const whole[] = { "_meta", NULL };
	static const char *const members[] = { era_version_key, era_info_key, era_capabilities_key,
		era_log_key, NULL };
	struct span meta = walk_get(m->params, "_meta", NULL);

	if (all_are_modern(meta))
		edit_object(s, m->params, whole, (struct span){ 0 });
	else if (walk_type(meta) == WALK_OBJECT)
		edit_object(s, meta, members, (struct span){ 0 });
}

/* What a result must carry besides its own content; the values promise nothing that a legacy server
 * did not say. */
static const char complete[] = "\"resultType\":\"complete\"";
static const char cacheable[] =
	"\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"";

bool era_discover_answer(struct buf *out, struct span id, struct span initialized)
{
	struct span version = walk_get(initialized, "protocolVersion", NULL);
	struct span info = walk_get(initialized, "serverInfo", NULL);
	struct span words = walk_get(initialized, "instructions", NULL);

	if (!buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":") || !buf_add(out, id.p, id.n) ||
		!add_all(out, ",\"result\":{", cacheable, ",\"supportedVersions\":[\"",
			ERA_MODERN_VERSION, "\"", (char *)NULL))
		return false;
	if (walk_type(version) == WALK_STRING &&
		(!buf_addc(out, ',') || !buf_add(out, version.p, version.n)))
		return false;
	if (!buf_adds(out, "],\"capabilities\":") ||
		!add_capabilities(out, walk_get(initialized, "capabilities", NULL)))
		return false;
	if (words.p && (!buf_adds(out, ",\"instructions\":") || !buf_add(out, words.p, words.n)))
		return false;
	if (walk_type(info) == WALK_OBJECT &&
		(!add_all(out, ",\"_meta\":{\"", server_info_key, "\":", (char *)NULL) ||
			!buf_add(out, info.p, info.n) || !buf_addc(out, '}')))
		return false;
	return buf_adds(out, "}}");
}

/* Caching, Cacheable Results. */
static bool is_cacheable(const struct message *request)
{
	switch (request->method) {
	case METHOD_SERVER_DISCOVER:
	case METHOD_TOOLS_LIST:
	case METHOD_PROMPTS_LIST:
	case METHOD_RESOURCES_LIST:
	case METHOD_RESOURCES_TEMPLATES_LIST:
	case METHOD_RESOURCES_READ:
		return true;
	default:
		return false;
	}
}

void era_result_to_modern(struct edits *s, struct span result, const struct message *request)
{
	/* A legacy server may say some of it already; ours goes first, so theirs must go. */
	static const char *const names[] = { "resultType", "ttlMs", "cacheScope", NULL };
	static const char *const type[] = { "resultType", NULL };
	bool hints = is_cacheable(request);
	const char *members = hints ? cacheable : complete;

	if (walk_type(result) == WALK_OBJECT)
		edit_object(
			s, result, hints ? names : type, (struct span){ members, strlen(members) });
}

bool era_subscription_end(struct buf *out, struct span id)
{
	return buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":") && buf_add(out, id.p, id.n) &&
	       add_all(out, ",\"result\":{", complete, ",\"_meta\":{\"", era_subscription_key,
		       "\":", (char *)NULL) &&
	       buf_add(out, id.p, id.n) && buf_adds(out, "}}}");
}

int era_log_level(struct span level)
{
	static const char *const names[] = { "debug", "info", "notice", "warning", "error",
		"critical", "alert", "emergency" };

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (walk_string_is(level, names[i]))
			return i;
	return -1;
}

/* ---- what an era is ---- */

const char *era_word(enum era e)
{
	return e == ERA_MODERN ? "modern" : e == ERA_LEGACY ? "legacy" : NULL;
}

enum era era_of_word(const char *word)
{
	if (word && strcmp(word, "modern") == 0)
		return ERA_MODERN;
	return word && strcmp(word, "legacy") == 0 ? ERA_LEGACY : ERA_UNKNOWN;
}

bool era_has_sessions(enum era e)
{
	return e == ERA_LEGACY;
}

bool era_is_stateless(enum era e)
{
	return e == ERA_MODERN;
}

enum era era_of(const struct message *m)
{
	bool named = (m->kind == MESSAGE_REQUEST || m->kind == MESSAGE_NOTIFICATION) &&
		     walk_type(walk_path(m->params, "_meta", era_version_key, (char *)NULL)) ==
			     WALK_STRING;

	return named ? ERA_MODERN : ERA_LEGACY;
}
