#include "endpoint.h"

#include <string.h>

#include "auth/kept_account.h"
#include "auth/service_account.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/given.h"
#include "base/pasted.h"
#include "base/text.h"
#include "net/url.h"
#include "os/start.h"

/* Beside options_regions. */
static const char *const urls[] = {
	"https://mcp.mixpanel.com/mcp",
	"https://mcp-eu.mixpanel.com/mcp",
	"https://mcp-in.mixpanel.com/mcp",
};
#define NREGIONS (sizeof(urls) / sizeof(urls[0]))

const char *target_region_url(const char *name)
{
	int region = options_choice(options_regions, name);

	return region ? urls[region - 1] : NULL;
}

const char *endpoint_region(const char *url)
{
	for (size_t i = 0; i < NREGIONS; i++)
		if (strcmp(urls[i], url) == 0)
			return options_regions[i];
	return NULL;
}

const char *endpoint_meant(const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	for (size_t i = 0; i < NREGIONS; i++)
		if (n == strlen(urls[i]) - strlen("/mcp") && strncmp(urls[i], url, n) == 0)
			return urls[i];
	return NULL;
}

const char *endpoint_place(const char *url)
{
	static const char *const places[] = { "--region us", "--region eu", "--region in" };
	_Static_assert(sizeof(places) / sizeof(places[0]) == NREGIONS, "a place for each region");

	for (size_t i = 0; i < NREGIONS; i++)
		if (strcmp(urls[i], url) == 0)
			return i || os_variable("MIXPANEL_REGION") ? places[i] : "";
	return NULL;
}

static const char *url_by_variable(struct err *e)
{
	const char *name = os_variable("MIXPANEL_REGION"),
		   *url = name ? target_region_url(name) : urls[0];
	char words[OPTIONS_CHOICES_MAX];

	if (url)
		return url;
	options_choices(options_regions, words);
	err_set(e, ERR_USAGE, "MIXPANEL_REGION is \"%.20s\"; it can be %s", name, words);
	err_clean(e->msg);
	return NULL;
}

static bool check_url(const char *text, bool allow_http, struct err *e)
{
	struct url u;
	bool good = false;

	given_url(text);
	if (!url_parse(text, &u, e))
		return false;
	if (u.userinfo)
		err_set(e, ERR_USAGE,
			"the URL holds a user name or password: use --header or a service account "
			"instead");
	else if (!url_is_safe(&u) && !allow_http)
		err_set(e, ERR_USAGE,
			"http://%s would send the credential in the clear: use https, or "
			"--allow-http inside a "
			"network you trust",
			u.host);
	else
		good = true;
	url_clear(&u);
	return good;
}

const char *endpoint_url(const struct options *a, struct err *e)
{
	const char *url = a->url;

	if (url && a->region) {
		err_set(e, ERR_USAGE, "give a URL or --region, not both");
		return NULL;
	}
	if (!url)
		url = a->region ? urls[a->region - 1] : url_by_variable(e);
	return url && check_url(url, a->allow_http, e) ? url : NULL;
}

static bool token_from_file(
	const char *path, struct buf *value, const char **repaired, struct err *e)
{
	struct buf text;
	bool good;

	buf_init(&text, SERVICE_ACCOUNT_MAX);
	good = text_read(path, &text, e) || err_prefix(e, "--sa-token-file");
	given_value(buf_str(&text), text.len);
	good = good && service_account_from_token(
			       buf_str(&text), "the file of --sa-token-file", value, repaired, e);
	buf_wipe(&text);
	return good;
}

static bool pair_from_env(struct buf *value, const char **why, struct err *e)
{
	const char *user = os_variable("MIXPANEL_SA_USERNAME"),
		   *secret = os_variable("MIXPANEL_SA_SECRET");

	if (!user && !secret)
		return true;
	*why = "the service account in MIXPANEL_SA_USERNAME and MIXPANEL_SA_SECRET";
	if (!user || !secret)
		return err_set(e, ERR_USAGE,
			"%s is set, but %s is not: a service account needs both",
			user ? "MIXPANEL_SA_USERNAME" : "MIXPANEL_SA_SECRET",
			user ? "MIXPANEL_SA_SECRET" : "MIXPANEL_SA_USERNAME");
	/* Messages name what was not filled in. */
	if (!pasted_may_be_shown((struct pasted){ secret, strlen(secret) }))
		given_secret(secret, strlen(secret));
	return service_account_from_pair(user, secret, value, e);
}

static bool given_account(
	const struct options *a, struct buf *value, struct credential *out, struct err *e)
{
	if (a->sa_token_file) {
		out->why = "the service account in the file of --sa-token-file";
		return token_from_file(a->sa_token_file, value, &out->repaired, e);
	}
	if (!os_variable("MIXPANEL_SA_TOKEN"))
		return pair_from_env(value, &out->why, e);
	out->why = "the service account in MIXPANEL_SA_TOKEN";
	given_value(os_variable("MIXPANEL_SA_TOKEN"), strlen(os_variable("MIXPANEL_SA_TOKEN")));
	return service_account_from_token(
		os_variable("MIXPANEL_SA_TOKEN"), "MIXPANEL_SA_TOKEN", value, &out->repaired, e);
}

/* A person's client, or a machine's, is given by who wants that one. */
static bool kept_account(const struct options *a, const char *url, struct buf *value,
	struct credential *out, struct err *e)
{
	struct kept_account k;
	bool good = true;

	if (a->client_credentials || !service_account_may_go_to(url, NULL))
		return true;
	switch (kept_account_load(a->auth_dir, url, a->profile, &k, e)) {
	case STORE_OK:
		out->kept = true;
		out->why = "the service account that \"mpmcp login --service-account\" keeps";
		good = buf_add(value, secret_str(&k.value), k.value.len);
		break;
	case STORE_BROKEN:
	case STORE_FAILED:
		good = false;
		break;
	case STORE_NONE:
	case STORE_CLOSED:
		break;
	}
	kept_account_clear(&k);
	return good;
}

bool endpoint_credential(const struct options *a, const char *url, const struct headers *h,
	struct credential *out, struct err *e)
{
	struct buf value;
	bool good = false;

	*out = (struct credential){ .why = "no credential" };
	if (h->authorization) {
		out->why = "the Authorization header that was given";
		out->repaired = h->repaired;
		out->auth = auth_new_fixed(h->authorization, out->why,
			"Check its value; for a service account it reads \"Bearer Basic <base64 of "
			"username:secret>\".");
		return true;
	}
	buf_init(&value, 2 * SERVICE_ACCOUNT_MAX);
	if (!given_account(a, &value, out, e) ||
		(value.len && !service_account_may_go_to(url, e)) ||
		(!value.len && !kept_account(a, url, &value, out, e)))
		goto out;
	if (out->repaired)
		diag_debug("%s: %s", out->why, out->repaired);
	if (value.len)
		out->auth = auth_new_fixed(buf_str(&value), out->why,
			"Check that the account exists, has not expired, and that the region is "
			"right (--region).");
	good = true;
out:
	buf_wipe(&value);
	return good;
}
