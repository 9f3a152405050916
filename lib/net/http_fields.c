#include "net/http_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"

/* ---- of requests ---- */

static bool is_token(const char *s)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
			    strchr(more, c)))
			return false;
	}
	return true;
}

static bool is_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
			return false;
	return true;
}

/* They come and go with each request of 2026-07-28. One thread uses it. */
static struct mem_pool spare;

static bool append_line(struct http_fields **f, const char *line)
{
	struct curl_slist *list;

	if (!*f)
		*f = mem_pool_get(&spare, sizeof(**f));
	if ((*f)->last)
		(*f)->last->next = NULL;
	list = curl_slist_append((*f)->last, line);
	if (!list)
		return false;
	if (!(*f)->list)
		(*f)->list = list;
	(*f)->last = (*f)->last ? (*f)->last->next : list;
	(*f)->agent |= strncasecmp(line, "User-Agent", 10) == 0 && strchr(":;", line[10]);
	(*f)->encoding |= strncasecmp(line, "Accept-Encoding", 15) == 0 && strchr(":;", line[15]);
	return true;
}

/* libcurl sends no request whose head is longer. */
#define FIELD_MAX ((size_t)1 << 20)

bool http_fields_add(struct http_fields **f, const char *name, const char *value, struct err *e)
{
	struct buf line;
	bool good;

	if (!is_token(name))
		return err_set(
			e, ERR_USAGE, "a header name holds characters that HTTP does not allow");
	if (!is_value(value))
		return err_set(e, ERR_USAGE,
			"the value of header \"%.100s\" holds a line break or another control "
			"character",
			name);
	/* libcurl's spelling of a field that is there and empty. */
	buf_init(&line, FIELD_MAX);
	good = buf_adds(&line, name) && buf_adds(&line, *value ? ": " : ";") &&
	       buf_adds(&line, value) && append_line(f, buf_str(&line));
	if (good && strcasecmp(name, "Cookie") == 0)
		(*f)->cookie = true;
	buf_wipe(&line);
	return good || err_set(e, ERR_LIMIT,
			       "header \"%.100s\" is too long, or there is no memory for it", name);
}

bool http_fields_copy(struct http_fields **to, const struct http_fields *f, struct err *e)
{
	for (struct curl_slist *i = f ? f->list : NULL; i; i = i == f->last ? NULL : i->next) {
		if (append_line(to, i->data))
			continue;
		http_fields_free(*to);
		*to = NULL;
		return err_set(e, ERR_LIMIT, "out of memory");
	}
	if (*to)
		(*to)->cookie = f->cookie;
	return true;
}

bool http_fields_name_agent(const struct http_fields *f)
{
	return f && f->agent;
}

void http_fields_free(struct http_fields *f)
{
	if (!f)
		return;
	if (f->last)
		f->last->next = NULL;
	for (struct curl_slist *i = f->list; i; i = i->next)
		secret_wipe(i->data, strlen(i->data));
	curl_slist_free_all(f->list);
	mem_pool_put(&spare, f);
}

/*
 * What libcurl would add by itself, but at several times the cost: it makes
 * such a field anew for each request, letter by letter.
 */
bool http_fields_common(struct http *h)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	char encoding[64];

	snprintf(encoding, sizeof(encoding), "Accept-Encoding: deflate, gzip%s%s",
		v->features & CURL_VERSION_BROTLI ? ", br" : "",
		v->features & CURL_VERSION_ZSTD ? ", zstd" : "");
	h->encoding = curl_slist_append(NULL, encoding);
	h->agent = curl_slist_append(NULL, "User-Agent: mpmcp/" MPMCP_VERSION);
	h->agent_alone = curl_slist_append(NULL, "User-Agent: mpmcp/" MPMCP_VERSION);
	if (!h->encoding || !h->agent || !h->agent_alone)
		return false;
	h->agent->next = h->encoding;
	return true;
}

void http_fields_common_free(struct http *h)
{
	if (h->agent)
		h->agent->next = NULL;
	curl_slist_free_all(h->agent);
	curl_slist_free_all(h->agent_alone);
	curl_slist_free_all(h->encoding);
	mem_pool_clear(&spare);
}

/* libcurl asks servers for leave ("Expect: 100-continue") before it sends a body of a MiB; that
 * delays it, and some servers never answer. */
#define EXPECT_FROM ((size_t)1 << 20)

/* The fields that all requests have hang behind the last list, unless the person gave such a field. */
static void chain_common(const struct http *h, const struct http_fields *f)
{
	struct curl_slist *common = f->agent      ? h->encoding
				    : f->encoding ? h->agent_alone
						  : h->agent;

	f->last->next = f->agent && f->encoding ? NULL : common;
}

bool http_fields_chain(struct http_req *r, const struct http_call *c, struct curl_slist **fields)
{
	const struct http_fields *shared = c->shared;

	if (c->body_len >= EXPECT_FROM && !append_line(&r->own, "Expect:"))
		return false;
	*fields = r->own ? r->own->list : shared ? shared->list : r->http->agent;
	if (shared)
		chain_common(r->http, shared);
	if (r->own && shared)
		r->own->last->next = shared->list;
	else if (r->own)
		chain_common(r->http, r->own);
	return true;
}

/* ---- of the answer ---- */

const char *http_answer_field(const struct http_req *r, const char *name, size_t nth)
{
	struct curl_header *h;

	if (curl_easy_header(r->easy, name, nth, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

size_t http_challenges(const struct http_req *r, const char *out[HTTP_CHALLENGES])
{
	size_t n = 0;

	while (n < HTTP_CHALLENGES && (out[n] = http_answer_field(r, "WWW-Authenticate", n)))
		n++;
	return n;
}

/* One hour: what the service's REST side sends can be absurdly large. */
#define RETRY_AFTER_MAX_S 3600

static long seconds_at_most(const char *digits, long most)
{
	long s = 0;

	for (; *digits >= '0' && *digits <= '9' && s <= most; digits++)
		s = s * 10 + (*digits - '0');
	return s < most ? s : most;
}

long http_retry_after_s(const struct http_req *r)
{
	const char *said = http_answer_field(r, "Retry-After", 0);
	int64_t s;
	time_t when;

	if (!said || !*said)
		return -1;
	/* Not through CURLINFO_RETRY_AFTER: libcurl takes a number that is too large, a date that is
	 * over, and any other text, for 0. */
	if (said[strspn(said, "0123456789")] == 0)
		return seconds_at_most(said, RETRY_AFTER_MAX_S);
	when = curl_getdate(said, NULL);
	if (when < 0)
		return -1;
	s = (int64_t)when - clock_wall_s();
	return s < 0 ? 0 : s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (long)s;
}

int64_t http_date_s(const struct http_req *r)
{
	const char *date = http_answer_field(r, "Date", 0), *age = http_answer_field(r, "Age", 0);
	time_t t = date ? curl_getdate(date, NULL) : -1;

	if (t < 0)
		return -1;
	/* A day at the most: caches keep such documents for minutes. */
	return (int64_t)t + (age ? seconds_at_most(age, 86400) : 0);
}
