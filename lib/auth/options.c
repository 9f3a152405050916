#include "auth/options.h"

#include <string.h>

#include "auth/server.h"
#include "base/buf.h"
#include "base/crypt.h"
#include "base/mem.h"
#include "net/url.h"

/* Made by the flow for every sign-in; a second value could only disagree. */
static const char *const own_params[] = { "state", "code_challenge", "code_challenge_method",
	"client_id", "redirect_uri", "response_type" };

struct store_key oauth_key(const struct oauth_opts *o, char **params)
{
	struct store_key k = { .url = o->url,
		.resource = o->resource,
		.profile = o->profile,
		.client = o->client_metadata_url };
	struct buf b;

	/* The client's secret is no part of a name; its presence tells the client apart well enough. */
	if (o->client_info)
		k.client = "given";
	buf_init(&b, SERVER_DOCUMENT_MAX);
	for (size_t i = 0; i < o->nparams; i++)
		if (!buf_addf(&b, "%s&", o->params[i]))
			break;
	*params = b.len ? buf_take(&b, NULL) : NULL;
	buf_free(&b);
	k.params = *params;
	return k;
}

static bool check_params(const struct oauth_opts *o, struct err *e)
{
	for (size_t i = 0; i < o->nparams; i++) {
		size_t n = strcspn(o->params[i], "=");

		if (!n || !o->params[i][n])
			return err_set(e, ERR_USAGE, "--authorize-param takes NAME=VALUE");
		for (size_t k = 0; k < sizeof(own_params) / sizeof(own_params[0]); k++)
			if (strlen(own_params[k]) == n &&
				memcmp(own_params[k], o->params[i], n) == 0)
				return err_set(e, ERR_USAGE,
					"--authorize-param %s: the sign-in sets this itself",
					own_params[k]);
	}
	return true;
}

static bool check_success_url(const struct oauth_opts *o, struct err *e)
{
	struct url u;
	bool good;

	if (!o->success_url)
		return true;
	if (!url_parse(o->success_url, &u, e))
		return err_prefix(e, "--auth-success-url");
	good = ((url_is_safe(&u) || o->allow_http) && !u.userinfo && !u.query && !u.fragment) ||
	       err_set(e, ERR_USAGE,
		       "--auth-success-url must be https (or this machine, or with --allow-http), "
		       "without user name, query and fragment");
	url_clear(&u);
	return good;
}

static bool check_client_url(const struct oauth_opts *o, struct err *e)
{
	struct url u;
	bool good;

	if (!o->client_metadata_url)
		return true;
	if (!url_parse(o->client_metadata_url, &u, e))
		return err_prefix(e, "--client-metadata-url");
	good = (strcmp(u.scheme, "https") == 0 && strcmp(u.path, "/") != 0) ||
	       err_set(e, ERR_USAGE, "--client-metadata-url must be https and have a path");
	url_clear(&u);
	return good;
}

bool oauth_check(const struct oauth_opts *o, struct err *e)
{
	if (o->callback_path &&
		(o->callback_path[0] != '/' || strpbrk(o->callback_path, "?# \r\n")))
		return err_set(e, ERR_USAGE,
			"--callback-path must start with \"/\" and hold no blank, \"?\" or \"#\"");
	if (o->host && (!*o->host || strpbrk(o->host, "/?#@: \r\n\"<>")))
		return err_set(
			e, ERR_USAGE, "--host takes a host name or address, such as 127.0.0.1");
	if (o->resource && o->no_resource)
		return err_set(
			e, ERR_USAGE, "give --resource or --disable-resource-parameter, not both");
	if (o->client_credentials && !o->client_info)
		return err_set(e, ERR_USAGE,
			"--client-credentials needs the client in --static-oauth-client-info");
	if (o->token_endpoint && !o->client_credentials)
		return err_set(
			e, ERR_USAGE, "--token-endpoint goes with --client-credentials only");
	if (o->token_endpoint && !server_url_ok(o->token_endpoint, o->url, "--token-endpoint", e))
		return false;
	return check_params(o, e) && check_success_url(o, e) && check_client_url(o, e);
}

unsigned oauth_port(const char *url)
{
	unsigned char sum[CRYPT_MD5_LEN];

	if (!crypt_md5(url, strlen(url), sum))
		return 3335;
	return 3335 + (unsigned)(sum[0] << 8 | sum[1]) % 45816;
}
