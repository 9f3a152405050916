#include "auth/device.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "base/buf.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "net/url.h"

#define DEVICE_MS 15000

/* RFC 8628 section 3.2: seconds between two questions when the server says nothing. */
#define INTERVAL_S 5
#define INTERVAL_MAX_S 120

/* Codes are made to be typed. */
#define CODE_MAX 100

#define FORM_MAX ((size_t)64 << 10)

struct device {
	struct http *http;
	const struct oauth_options *o;
	struct signin_record *g;
	const struct device_events *on;
	void *ctx;
	struct fetch *fetch;
	struct token_request *token;
	struct secret code;
	int64_t interval_s;
	struct loop_timer timer;
};

static void failed(struct device *d, const struct err *e)
{
	d->on->done(d->ctx, TOKEN_REFUSED, e);
}

static void answered(void *ctx, enum token_outcome how, long retry_after_s, const struct err *e)
{
	struct device *d = ctx;

	(void)retry_after_s;
	d->token = NULL;
	if (how != TOKEN_PENDING && how != TOKEN_SLOW_DOWN && how != TOKEN_TRANSIENT) {
		d->on->done(d->ctx, how, e);
		return;
	}
	if (how == TOKEN_SLOW_DOWN)
		d->interval_s += INTERVAL_S;
	else if (how == TOKEN_TRANSIENT)
		d->interval_s *= 2; /* section 3.5 */
	if (d->interval_s > INTERVAL_MAX_S)
		d->interval_s = INTERVAL_MAX_S;
	loop_timer_set(&d->timer, d->interval_s * 1000);
}

static void ask(void *ctx)
{
	struct device *d = ctx;
	struct token_call c = { .kind = TOKEN_DEVICE, .secret = secret_str(&d->code) };
	struct err e = { 0 };

	d->token = token_start(d->http, d->o, d->g, &c, answered, d, &e);
	if (!d->token)
		failed(d, &e);
}

static bool read_codes(struct device *d, const struct buf *body, struct err *e)
{
	json_t *o = documents_json(buf_str(body), body->len, 0, "the answer", NULL);
	const char *code = json_string_value(json_object_get(o, "device_code")),
		   *shown = json_string_value(json_object_get(o, "user_code"));
	const char *url = json_string_value(json_object_get(o, "verification_uri"));
	json_int_t interval = json_integer_value(json_object_get(o, "interval"));
	bool good = code && *code && shown && *shown && strlen(shown) < CODE_MAX && url;

	if (!good)
		err_set(e, ERR_PROTO,
			"the device authorization response lacks device_code, user_code or "
			"verification_uri");
	good = good && documents_url_ok(url, d->o->url, "verification_uri", e);
	if (good) {
		char *clean = err_clean(mem_dup(shown));

		secret_set(&d->code, code, strlen(code));
		d->interval_s = interval > 0 && interval < INTERVAL_MAX_S ? interval : INTERVAL_S;
		loop_timer_set(&d->timer, d->interval_s * 1000);
		d->on->show(d->ctx, url, clean);
		free(clean);
	}
	json_decref(o);
	return good;
}

static void got_codes(void *ctx, const struct fetch_answer *a)
{
	struct device *d = ctx;
	char code[64], words[241];
	struct err e = { 0 };

	d->fetch = NULL;
	if (a->how != HTTP_DONE) {
		e = *a->e;
		err_prefix(&e, "asking for a device code");
	} else if (a->status < 200 || a->status >= 300) {
		documents_read_error(buf_str(a->body), a->body->len, code, words);
		err_set(&e, a->status >= 500 ? ERR_SERVER : ERR_AUTH,
			"the sign-in server issued no device code (HTTP %ld)%s%s", a->status,
			*words ? ": " : "", words);
	} else if (read_codes(d, a->body, &e)) {
		return;
	}
	failed(d, &e);
}

static bool make_form(const struct device *d, struct buf *form, struct buf *authorization)
{
	const char *resource = d->o->resource ? d->o->resource : d->g->resource;

	return token_authenticate(d->g, form, authorization) &&
	       (!d->g->scope_asked || url_form_add(form, "scope", d->g->scope_asked)) &&
	       (d->o->no_resource || !resource || url_form_add(form, "resource", resource));
}

struct device *device_start(struct loop *l, struct http *h, const struct oauth_options *o,
	struct signin_record *g, const struct device_events *on, void *ctx, struct err *e)
{
	struct device *d = mem_new(sizeof(*d));
	struct fetch_call c = { .url = g->device_endpoint,
		.content_type = "application/x-www-form-urlencoded",
		.cap = DOCUMENTS_BYTES_MAX,
		.total_ms = DEVICE_MS };
	struct buf form, authorization;

	*d = (struct device){ .http = h, .o = o, .g = g, .on = on, .ctx = ctx };
	loop_timer_init(&d->timer, l, ask, d);
	buf_init(&form, FORM_MAX);
	buf_init(&authorization, 2 * FORM_MAX);
	if (!c.url) {
		err_set(e, ERR_AUTH,
			"the sign-in server does not support device codes: sign in without "
			"--device-code");
	} else if (!make_form(d, &form, &authorization)) {
		err_set(e, ERR_LIMIT, "the request for a device code is too long");
	} else {
		c.body = buf_str(&form);
		c.authorization = authorization.len ? authorization.p : NULL;
		d->fetch = fetch_start(h, &c, got_codes, d, e);
	}
	buf_wipe(&form);
	buf_wipe(&authorization);
	if (d->fetch)
		return d;
	device_free(d);
	return NULL;
}

void device_free(struct device *d)
{
	if (!d)
		return;
	fetch_cancel(d->fetch);
	token_cancel(d->token);
	loop_timer_clear(&d->timer);
	secret_clear(&d->code);
	free(d);
}
