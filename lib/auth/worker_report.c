#include "auth/worker_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void worker_report_say(const struct worker_report *r)
{
	json_t *o = json_pack("{s:s*, s:s*, s:b, s:b, s:i, s:I, s:i, s:s, s:s, s:s*, s:b, s:o*}",
		"url", r->url, "code", r->code, "over", r->over, "again", r->again, "how",
		(int)r->how, "retry_after", (json_int_t)r->retry_after_s, "kind", (int)r->e.kind,
		"message", r->e.msg, "advice", r->e.advice, "reason", err_reason_name(r->e.reason),
		"kept", r->kept, "grant", r->has_record ? signin_record_to_json(&r->g) : NULL);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text) {
		worker_say(text);
		secret_wipe(text, strlen(text));
	}
	free(text);
	json_decref(o);
}

static char *copy(const json_t *o, const char *name)
{
	const char *v = json_string_value(json_object_get(o, name));

	return v ? mem_dup(v) : NULL;
}

static long long number(const json_t *o, const char *name, long long most)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	return n >= 0 && n <= most ? n : most;
}

bool worker_report_read(const char *text, size_t n, struct worker_report *r)
{
	json_t *o = json_loadb(text, n, 0, NULL);
	const char *message = json_string_value(json_object_get(o, "message"));
	const char *advice = json_string_value(json_object_get(o, "advice"));
	enum err_kind kind = (enum err_kind)number(o, "kind", ERR_KINDS - 1);
	bool good = json_is_object(o);

	*r = (struct worker_report){ 0 };
	r->url = copy(o, "url");
	r->code = copy(o, "code");
	r->over = json_is_true(json_object_get(o, "over"));
	r->again = json_is_true(json_object_get(o, "again"));
	r->how = (enum token_outcome)number(o, "how", TOKEN_TRANSIENT);
	r->retry_after_s = (long)json_integer_value(json_object_get(o, "retry_after"));
	r->kept = json_is_true(json_object_get(o, "kept"));
	r->has_record = signin_record_from_json(json_object_get(o, "grant"), &r->g);
	if (kind)
		err_set(&r->e, kind, "%s", message ? message : "");
	if (kind)
		err_advise(&r->e, err_reason_named(json_string_value(json_object_get(o, "reason"))),
			"%s", advice ? advice : "");
	json_decref(o);
	return good;
}

void worker_report_clear(struct worker_report *r)
{
	free(r->url);
	free(r->code);
	signin_record_clear(&r->g);
	*r = (struct worker_report){ 0 };
}
