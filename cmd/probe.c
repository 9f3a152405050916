#include "probe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/secret.h"
#include "mcp/http/error_text.h"
#include "net/fetch.h"
#include "net/url.h"

#define PROOF_MS 30000

/* Inside the origin, as the bridge follows them. */
#define REDIRECTS_MAX 5

static const char message[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"mpmcp\",\"version\":"
	"\"" MPMCP_VERSION "\"}}}";

struct probe {
	struct context *c;
	struct secret authorization;
	char *url;
	int64_t total_ms;
	unsigned redirects;
	struct fetch *fetch;
	probe_fn *fn;
	void *ctx;
};

static bool ask(struct probe *p, struct err *e);

static void proof_free(struct probe *p)
{
	fetch_cancel(p->fetch);
	secret_clear(&p->authorization);
	free(p->url);
	free(p);
}

static void finish(struct probe *p, enum probe_result how, const struct err *e, const char *said,
	struct challenge *wants)
{
	probe_fn *fn = p->fn;
	void *ctx = p->ctx;

	proof_free(p);
	fn(ctx, how, e, said, wants);
}

/* A server of another era refuses the method; that it looked at it means that it took the credential. */
static bool is_message(const struct buf *body)
{
	json_t *o = json_loadb(buf_str(body), body->len, 0, NULL);
	bool is = json_object_get(o, "jsonrpc") != NULL;

	json_decref(o);
	return is;
}

/* What the answer says about the credential. */
static enum probe_result judge(
	const struct probe *p, const struct fetch_answer *a, const char **said, struct err *e)
{
	char words[ERROR_TEXT_MAX + 1];
	struct error_said what = { .status = a->status, .text = words, .url = p->c->url };

	if (a->how != HTTP_DONE) {
		*e = *a->e;
		err_prefix(e, "the service cannot be asked");
	} else if (a->status == 404 && !is_message(a->body)) {
		*said = "nothing answers at that address (HTTP 404): check the URL";
	} else if (a->status >= 500 || a->status == 401 || a->status == 402 || a->status == 403 ||
		   a->status == 407 || a->status == 429 || a->status == 451) {
		error_text_read(a->body->p, a->body->len, words);
		what.page = error_text_is_page(a->body->p, a->body->len);
		error_text_refusal(e, &what, a->retry_after_s);
	}
	if (a->status == 401 && e->kind)
		return PROBE_REFUSED;
	return e->kind ? PROBE_FAILED : PROBE_WORKS;
}

static bool follow(struct probe *p, const struct fetch_answer *a, struct err *e)
{
	const char *location = http_answer_field(a->req, "Location", 0);
	char *next =
		location && p->redirects < REDIRECTS_MAX ? url_join(p->url, location, NULL) : NULL;

	if (!next || !url_same_origin(next, p->url)) {
		free(next);
		return err_set(e, ERR_PROTO,
			"the service redirects elsewhere (HTTP %ld), where no credential is sent",
			a->status);
	}
	p->redirects++;
	free(p->url);
	p->url = next;
	return ask(p, e);
}

static void read_challenge(const struct http_req *r, struct challenge *c)
{
	const char *fields[HTTP_CHALLENGES];

	challenge_parse(fields, http_challenges(r, fields), c);
}

static void answered(void *ctx, const struct fetch_answer *a)
{
	struct probe *p = ctx;
	struct err e = { 0 };
	struct challenge wants = { 0 };
	const char *said = NULL;
	enum probe_result how = PROBE_FAILED;

	p->fetch = NULL;
	if (a->how == HTTP_DONE && (a->status == 307 || a->status == 308)) {
		if (follow(p, a, &e))
			return;
	} else {
		how = judge(p, a, &said, &e);
	}
	if (how == PROBE_REFUSED)
		read_challenge(a->req, &wants);
	finish(p, how, e.kind ? &e : NULL, said, how == PROBE_REFUSED ? &wants : NULL);
	challenge_clear(&wants);
}

static bool add_headers(const struct context *c, struct http_fields **f, struct err *e)
{
	for (size_t i = 0; i < c->headers.n; i++)
		if (!http_fields_add(f, c->headers.item[i].name, c->headers.item[i].value, e))
			return false;
	return true;
}

static bool ask(struct probe *p, struct err *e)
{
	struct http_fields *more = NULL;
	struct fetch_call c = { .url = p->url,
		.content_type = "application/json",
		.body = message,
		.accept = "application/json, text/event-stream",
		.authorization =
			secret_isset(&p->authorization) ? secret_str(&p->authorization) : NULL,
		.cap = (size_t)4 << 20,
		.total_ms = p->total_ms };

	if (!add_headers(p->c, &more, e)) {
		http_fields_free(more);
		return false;
	}
	c.more = more;
	p->fetch = fetch_start(p->c->http, &c, answered, p, e);
	if (p->fetch)
		request_count_count(p->c->rate);
	return p->fetch != NULL;
}

static struct probe *start(struct context *c, const char *authorization, int64_t total_ms,
	probe_fn *fn, void *ctx, struct err *e)
{
	struct probe *p = mem_new(sizeof(*p));

	*p = (struct probe){
		.c = c, .url = mem_dup(c->url), .total_ms = total_ms, .fn = fn, .ctx = ctx
	};
	if (authorization)
		secret_set(&p->authorization, authorization, strlen(authorization));
	if (ask(p, e))
		return p;
	proof_free(p);
	return NULL;
}

struct probe *probe_start(
	struct context *c, const char *authorization, probe_fn *fn, void *ctx, struct err *e)
{
	return start(c, authorization, PROOF_MS, fn, ctx, e);
}

void probe_cancel(struct probe *p)
{
	if (p)
		proof_free(p);
}

/* ---- without a credential ---- */

/* A person waits for a page. */
#define WANTS_MS 10000

struct asking {
	struct context *c;
	struct probe *proof;
	struct challenge *wants;
};

static void take_challenge(void *ctx, enum probe_result how, const struct err *e, const char *said,
	struct challenge *wants)
{
	struct asking *a = ctx;

	(void)said;
	a->proof = NULL;
	if (how == PROBE_FAILED)
		diag_debug("%s", err_text(e));
	if (wants) {
		*a->wants = *wants;
		*wants = (struct challenge){ 0 };
	}
	loop_stop(a->c->loop);
}

void probe_wants(struct context *c, struct challenge *wants)
{
	struct asking a = { .c = c, .wants = wants };
	struct err e = { 0 };

	*wants = (struct challenge){ 0 };
	a.proof = start(c, NULL, WANTS_MS, take_challenge, &a, &e);
	if (!a.proof || !loop_run(c->loop, &e))
		diag_debug("%s", err_text(&e));
	probe_cancel(a.proof);
}
