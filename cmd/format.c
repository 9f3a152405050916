#include "format.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "endpoint.h"
#include "wrap.h"
#include "net/url.h"
#include "os/start.h"
#include "os/terminal.h"
#include "os/time.h"

void format_service(const char *url, char out[FORMAT_SERVICE])
{
	const char *region = endpoint_region(url), *host = strstr(url, "://");

	host = host ? host + 3 : url;
	if (region)
		snprintf(out, FORMAT_SERVICE, "Mixpanel (%s)",
			strcmp(region, "us") == 0   ? "US"
			: strcmp(region, "eu") == 0 ? "EU"
						    : "IN");
	else
		snprintf(out, FORMAT_SERVICE, "%.*s", (int)strcspn(host, "/?#"), host);
	err_clean(out);
}

void format_expiry(const struct signin_record *g, char out[64])
{
	const char *renewed = secret_isset(&g->refresh) ? ", refreshed automatically" : "";
	long long left = (long long)g->expires_s - (long long)clock_wall_s();

	if (!secret_isset(&g->access))
		snprintf(out, 64, "none");
	else if (!g->expires_s)
		snprintf(out, 64, "good until the service refuses it%s", renewed);
	else if (left <= 0)
		snprintf(out, 64, "ended%s",
			secret_isset(&g->refresh) ? ", refreshed at the next use"
						  : "; sign in again");
	else if (left < 3600)
		snprintf(out, 64, "good for %lld min%s", (left + 59) / 60, renewed);
	else if (left < 48 * 3600)
		snprintf(out, 64, "good for %lld h %lld min%s", left / 3600, left / 60 % 60,
			renewed);
	else
		snprintf(out, 64, "good for %lld days%s", left / 86400, renewed);
}

void format_left(const struct signin_record *g, char out[64])
{
	const char *renewed = secret_isset(&g->refresh) ? "; refreshed automatically" : "";
	int64_t left = g->expires_s - clock_wall_s();
	char span[FORMAT_SPAN] = "";

	if (secret_isset(&g->access) && g->expires_s && left > 0)
		format_span(left, span);
	snprintf(out, 64, "%s%s%s%s", renewed, *span ? "; " : "", span, *span ? " left" : "");
}

void format_date(int64_t s, char out[FORMAT_DATE])
{
	struct tm tm;

	if (!s || !os_utc(s, &tm) || !strftime(out, FORMAT_DATE, "%Y-%m-%d %H:%M UTC", &tm))
		snprintf(out, FORMAT_DATE, "an unknown date");
}

void format_span(int64_t s, char out[FORMAT_SPAN])
{
	long long n = (long long)s;

	if (n < 120)
		snprintf(out, FORMAT_SPAN, "%lld s", n);
	else if (n < 2 * 3600)
		snprintf(out, FORMAT_SPAN, "%lld min", n / 60);
	else if (n < 48 * 3600)
		snprintf(out, FORMAT_SPAN, "%lld h %lld min", n / 3600, n / 60 % 60);
	else
		snprintf(out, FORMAT_SPAN, "%lld days", n / 86400);
}

/* Mixpanel's documentation: for each user and hour. */
#define MIXPANEL_HOURLY 600

unsigned long format_allowance(const char *url)
{
	struct url u;
	unsigned long n =
		url_parse(url, &u, NULL) && url_in_domain(&u, "mixpanel.com") ? MIXPANEL_HOURLY : 0;

	url_clear(&u);
	return n;
}

void format_requests(
	const char *url, const struct request_count_seen *seen, char out[FORMAT_REQUESTS])
{
	unsigned long most = format_allowance(url), n = seen->requests;
	int64_t now = clock_wall_s();
	char rest[100] = "", refused[100] = "", span[FORMAT_SPAN];

	if (most)
		snprintf(rest, sizeof(rest), "; %lu of the %lu that the service allows are left",
			n < most ? most - n : 0, most);
	if (seen->until_s) {
		format_span(seen->until_s - now, span);
		snprintf(refused, sizeof(refused), "; rate limited, no more for another %s", span);
	} else if (seen->refused_s) {
		format_span(now - seen->refused_s, span);
		snprintf(refused, sizeof(refused), "; rate limited %s ago", span);
	}
	snprintf(out, FORMAT_REQUESTS, "%lu request%s from this machine in the last hour%s%s", n,
		n == 1 ? "" : "s", rest, refused);
}

bool format_terminal(FILE *f)
{
	return os_terminal_obeys(f);
}

bool format_coloured(FILE *f)
{
	return format_terminal(f) && !os_variable("NO_COLOR");
}

/* The console of Linux shows the sequence. */
static bool takes_links(FILE *f)
{
	const char *term = getenv("TERM");

	return format_terminal(f) && !(term && strcmp(term, "linux") == 0);
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

void format_link(FILE *f, const char *url)
{
	if (takes_links(f) && is_printable(url))
		fprintf(f, "\033]8;;%s\033\\%s\033]8;;\033\\", url, url);
	else
		fprintf(f, "%s", url);
}

void format_wait(int64_t s, char out[FORMAT_SPAN])
{
	long long n = (long long)(s < 120 ? s : (s + 59) / 60);

	snprintf(
		out, FORMAT_SPAN, "%lld %s%s", n, s < 120 ? "second" : "minute", n == 1 ? "" : "s");
}

void format_row(const char *name, const char *text)
{
	enum { INDENT = 11 };

	printf("  %-8s ", name);
	wrap_text(stdout, wrap_width(stdout), INDENT, INDENT, text);
}

void format_url(const char *name, const char *url)
{
	char *shown = url_shown(url);

	format_row(name, shown);
	free(shown);
}

json_t *format_json_url(const char *url)
{
	char *shown = url_shown(url);
	json_t *text = json_string(shown);

	free(shown);
	return text;
}

static const char *const moods[] = {
	[FORMAT_GOOD] = "32",
	[FORMAT_DOUBT] = "33",
	[FORMAT_BAD] = "1;31",
};
_Static_assert(sizeof(moods) / sizeof(moods[0]) == FORMAT_BAD + 1, "a colour for each mood");

void format_lead(FILE *f, enum format_mood mood, const char *text, size_t n)
{
	wrap_marked(f, wrap_width(f), text, n, format_coloured(f) ? moods[mood] : NULL);
}

size_t format_json(FILE *f)
{
	return os_is_terminal(f) ? JSON_INDENT(2) : JSON_COMPACT;
}
