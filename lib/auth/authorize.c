#include "auth/authorize.h"

#include <stdlib.h>
#include <string.h>

#include "auth/pkce.h"
#include "auth/scope.h"
#include "base/mem.h"
#include "net/url.h"

/* ---- the request ---- */

const char *authorize_param(const struct oauth_options *o, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < o->nparams; i++)
		if (strncmp(o->params[i], name, n) == 0 && o->params[i][n] == '=')
			return o->params[i] + n + 1;
	return NULL;
}

static bool add_params(const struct oauth_options *o, struct buf *url)
{
	for (size_t i = 0; i < o->nparams; i++) {
		size_t n = strcspn(o->params[i], "=");
		char *name = mem_ndup(o->params[i], n);
		bool good = url_form_add(url, name, o->params[i] + n + 1);

		free(name);
		if (!good)
			return false;
	}
	return true;
}

/* OpenID Connect Core section 11: without it a server ignores offline_access. */
static bool wants_consent(const struct oauth_options *o, const struct signin_record *g)
{
	return g->scope_asked && scope_has(g->scope_asked, "offline_access", 14) &&
	       !authorize_param(o, "prompt");
}

bool authorize_url(const struct oauth_options *o, const struct signin_record *g,
	const struct secret *verifier, const struct secret *state, struct buf *url)
{
	const char *resource = o->resource ? o->resource : g->resource;
	const char *scope = g->scope_asked;
	char challenge[PKCE_CHALLENGE_MAX];

	if (o->no_resource || authorize_param(o, "resource"))
		resource = NULL;
	if (authorize_param(o, "scope"))
		scope = NULL;
	return pkce_challenge(secret_str(verifier), challenge) &&
	       url_add_escaped(url, g->authorization_endpoint) &&
	       buf_addc(url, strchr(g->authorization_endpoint, '?') ? '&' : '?') &&
	       url_form_add(url, "response_type", "code") &&
	       url_form_add(url, "client_id", g->client_id) &&
	       url_form_add(url, "redirect_uri", g->redirect_uri) &&
	       url_form_add(url, "state", secret_str(state)) &&
	       url_form_add(url, "code_challenge", challenge) &&
	       url_form_add(url, "code_challenge_method", "S256") &&
	       (!scope || url_form_add(url, "scope", scope)) &&
	       (!wants_consent(o, g) || url_form_add(url, "prompt", "consent")) &&
	       (!resource || url_form_add(url, "resource", resource)) && add_params(o, url);
}

/* ---- the response ---- */

bool authorize_is_ours(const char *query, const struct secret *want)
{
	unsigned count = 0;
	char *state = url_form_get(query, "state", &count);
	bool ours = count == 1 && state && secret_isset(want) &&
		    secret_equal(state, strlen(state), secret_str(want), want->len);

	free(state);
	return ours;
}

bool authorize_is_response(const char *query)
{
	unsigned codes = 0, errors = 0;

	free(url_form_get(query, "code", &codes));
	free(url_form_get(query, "error", &errors));
	return codes || errors;
}

/* RFC 9207, and MCP 2026-07-28: promised must be there, and what is there must be right. */
static bool check_iss(const char *query, const struct signin_record *g, struct err *e)
{
	unsigned count = 0;
	char *iss = url_form_get(query, "iss", &count);
	bool good =
		count == 0 ? !g->iss_promised : count == 1 && iss && strcmp(iss, g->issuer) == 0;

	free(iss);
	return good || err_set(e, ERR_AUTH,
			       "the sign-in response comes from another issuer, or its issuer "
			       "cannot be checked");
}

/* Some servers say by the redirect what the token endpoint would say. */
static enum authorize_outcome outcome_of(const char *error)
{
	if (strcmp(error, "invalid_client") == 0 || strcmp(error, "unauthorized_client") == 0)
		return AUTHORIZE_CLIENT_UNKNOWN;
	return strcmp(error, "invalid_scope") == 0 ? AUTHORIZE_SCOPE_UNKNOWN : AUTHORIZE_FAILED;
}

static enum authorize_outcome refused(
	const struct oauth_options *o, const char *error, const char *description, struct err *e)
{
	enum authorize_outcome how = outcome_of(error);
	char *anew = oauth_command(o, "--force");

	err_set(e, ERR_AUTH, "the sign-in was refused: %.80s%s%.300s", error,
		description && *description ? ": " : "", description ? description : "");
	/* RFC 6749 section 4.1.2.1; some servers say it of themselves, too. */
	if (strcmp(error, "access_denied") == 0)
		err_advise(e, REASON_DECLINED, "%s", "");
	/* A scope that was held before may be known no more. */
	if (how == AUTHORIZE_SCOPE_UNKNOWN)
		err_advise(e, REASON_SIGN_IN, "Run \"%s\".", anew);
	free(anew);
	return how;
}

enum authorize_outcome authorize_read(const char *query, const struct oauth_options *o,
	const struct signin_record *g, struct secret *out, struct err *e)
{
	unsigned codes = 0, errors = 0;
	char *code = url_form_get(query, "code", &codes),
	     *error = url_form_get(query, "error", &errors);
	char *description = url_form_get(query, "error_description", NULL);
	enum authorize_outcome how = AUTHORIZE_FAILED;

	if (!check_iss(query, g, e)) {
		how = AUTHORIZE_FAILED;
	} else if (errors) {
		how = refused(o, error ? error : "an error that cannot be read",
			error ? description : NULL, e);
	} else if (codes != 1 || !code || !*code) {
		err_set(e, ERR_AUTH, "the sign-in response has no code");
	} else {
		secret_set(out, code, strlen(code));
		how = AUTHORIZE_OK;
	}
	if (code)
		secret_wipe(code, strlen(code));
	free(code);
	free(error);
	free(description);
	return how;
}
