#include "auth/worker_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/url.h"

/* ---- members of the options ---- */

#define OF_OPTIONS(member) \
	{ \
#member, offsetof(struct oauth_options, member) \
	}
#define OF_HTTP(member) \
	{ \
#member, offsetof(struct http_opts, member) \
	}

struct member {
	const char *name;
	size_t at;
};

static const struct member texts[] = { OF_OPTIONS(url), OF_OPTIONS(place), OF_OPTIONS(resource),
	OF_OPTIONS(profile), OF_OPTIONS(auth_dir), OF_OPTIONS(host), OF_OPTIONS(callback_path),
	OF_OPTIONS(success_url), OF_OPTIONS(client_metadata), OF_OPTIONS(client_info),
	OF_OPTIONS(client_metadata_url), OF_OPTIONS(token_endpoint) };
static const struct member flags[] = { OF_OPTIONS(no_resource), OF_OPTIONS(client_credentials),
	OF_OPTIONS(device_code), OF_OPTIONS(id_token), OF_OPTIONS(no_browser),
	OF_OPTIONS(assume_pkce), OF_OPTIONS(allow_http) };
static const struct member http_texts[] = { OF_HTTP(endpoint), OF_HTTP(cacert) };
static const struct member http_times[] = { OF_HTTP(connect_timeout_ms),
	OF_HTTP(headers_timeout_ms), OF_HTTP(body_timeout_ms) };
static const struct member http_flags[] = { OF_HTTP(ipv4), OF_HTTP(cookies), OF_HTTP(one_proxy) };
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char **text_at(const void *of, const struct member *m)
{
	return (const char **)((uintptr_t)of + m->at);
}

static bool *flag_at(const void *of, const struct member *m)
{
	return (bool *)((uintptr_t)of + m->at);
}

static int64_t *time_at(const void *of, const struct member *m)
{
	return (int64_t *)((uintptr_t)of + m->at);
}

/* ---- writing ---- */

static void put_texts(json_t *o, const void *of, const struct member *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*text_at(of, &table[i]))
			json_object_set_new(o, table[i].name, worker_text(*text_at(of, &table[i])));
}

static void put_flags(json_t *o, const void *of, const struct member *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_set_new(o, table[i].name, json_boolean(*flag_at(of, &table[i])));
}

static json_t *list_of(char *const *item, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, worker_text(item[i]));
	return all;
}

static json_t *write_options(const struct oauth_options *o)
{
	json_t *j = json_object();

	put_texts(j, o, texts, COUNT(texts));
	put_flags(j, o, flags, COUNT(flags));
	json_object_set_new(j, "callback_port", json_integer(o->callback_port));
	json_object_set_new(j, "timeout_s", json_integer(o->timeout_s));
	json_object_set_new(j, "params", list_of(o->params, o->nparams));
	json_object_set_new(j, "headers", list_of(o->headers, o->nheaders));
	return j;
}

static json_t *write_http(const struct http_opts *h)
{
	json_t *j = json_object();

	put_texts(j, h, http_texts, COUNT(http_texts));
	put_flags(j, h, http_flags, COUNT(http_flags));
	for (size_t i = 0; i < COUNT(http_times); i++)
		json_object_set_new(
			j, http_times[i].name, json_integer(*time_at(h, &http_times[i])));
	json_object_set_new(j, "max_connections", json_integer(h->max_connections));
	return j;
}

json_t *worker_job_new(const char *work, const struct oauth_options *opts,
	const struct http_opts *http, const struct signin_record *g)
{
	return json_pack("{s:s, s:o, s:o, s:o*}", "work", work, "options", write_options(opts),
		"http", write_http(http), "record", g ? signin_record_to_json(g) : NULL);
}

struct worker *worker_job_start(struct loop *l, json_t *job, const struct oauth_options *opts,
	const struct worker_events *on, void *ctx, struct err *e)
{
	struct worker *w;
	struct buf origin;
	struct url u;
	bool known;

	buf_init(&origin, URL_MAX);
	known = url_parse(opts->url, &u, NULL) && url_origin(&u, &origin);
	w = worker_start(l, job, known ? buf_str(&origin) : NULL, on, ctx, e);
	url_clear(&u);
	buf_free(&origin);
	return w;
}

/* ---- reading ---- */

static void take_texts(const json_t *o, void *of, const struct member *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*text_at(of, &table[i]) = json_string_value(json_object_get(o, table[i].name));
}

static void take_flags(const json_t *o, void *of, const struct member *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*flag_at(of, &table[i]) = json_is_true(json_object_get(o, table[i].name));
}

/* Borrowed texts in a list that is the caller's. */
static char *const *take_list(const json_t *all, size_t *n)
{
	size_t count = json_array_size(all);
	const char **list = count ? mem_new(count * sizeof(*list)) : NULL;

	*n = 0;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(all, i));

		if (text)
			list[(*n)++] = text;
	}
	return (char *const *)(uintptr_t)list;
}

static void take_options(const json_t *j, struct oauth_options *o)
{
	take_texts(j, o, texts, COUNT(texts));
	take_flags(j, o, flags, COUNT(flags));
	o->callback_port = (unsigned)json_integer_value(json_object_get(j, "callback_port"));
	o->timeout_s = json_integer_value(json_object_get(j, "timeout_s"));
	o->params = take_list(json_object_get(j, "params"), &o->nparams);
	o->headers = take_list(json_object_get(j, "headers"), &o->nheaders);
}

static void take_http(const json_t *j, struct http_opts *h)
{
	take_texts(j, h, http_texts, COUNT(http_texts));
	take_flags(j, h, http_flags, COUNT(http_flags));
	for (size_t i = 0; i < COUNT(http_times); i++)
		*time_at(h, &http_times[i]) =
			json_integer_value(json_object_get(j, http_times[i].name));
	h->max_connections = (unsigned)json_integer_value(json_object_get(j, "max_connections"));
}

static bool is_endpoint(const char *url)
{
	struct url u = { 0 };
	bool good = url && url_parse(url, &u, NULL);

	url_clear(&u);
	return good;
}

bool worker_job_read(const json_t *job, struct worker_job *out, struct err *e)
{
	struct store_key key;
	char *params = NULL;

	*out = (struct worker_job){ 0 };
	take_options(json_object_get(job, "options"), &out->opts);
	take_http(json_object_get(job, "http"), &out->http);
	if (!is_endpoint(out->opts.url))
		return err_set(e, ERR_USAGE, "this is no job of a worker");
	if (!oauth_check(&out->opts, e))
		return false;
	out->has_record = signin_record_from_json(json_object_get(job, "record"), &out->g);
	key = oauth_key(&out->opts, &params);
	out->store = store_new(out->opts.auth_dir, &key, e);
	free(params);
	return out->store != NULL;
}

void worker_job_clear(struct worker_job *j)
{
	free((void *)(uintptr_t)j->opts.params);
	free((void *)(uintptr_t)j->opts.headers);
	store_free(j->store);
	signin_record_clear(&j->g);
	*j = (struct worker_job){ 0 };
}

bool worker_job_is(const json_t *job, const char *work)
{
	const char *is = worker_job_text(job, "work");

	return is && strcmp(is, work) == 0;
}

const char *worker_job_text(const json_t *job, const char *name)
{
	return json_string_value(json_object_get(job, name));
}

bool worker_job_flag(const json_t *job, const char *name)
{
	return json_is_true(json_object_get(job, name));
}
