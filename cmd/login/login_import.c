/* login --import: takes over mcp-remote's sign-in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "auth/mcp_remote.h"
#include "base/clock.h"
#include "base/diag.h"
#include "login/login.h"
#include "login/question.h"
#include "probe.h"

/* Only the person can know whether that is where mcp-remote signed in. */
static bool may_be_sent(struct login *l, const struct signin_record *found)
{
	if (l->json || !question_possible())
		return false;
	fprintf(stderr,
		"mcp-remote did not record which server issued this sign-in. %s now names\n\n"
		"    %s\n\n",
		l->c->url, found->token_endpoint);
	return question_yes(l->c->loop, "Send the refresh token there?", false) && !l->e.kind;
}

static bool import_access(struct login *l, const struct signin_record *found)
{
	mcp_remote_access_alone(&l->g);
	if (l->e.kind)
		return false;
	if (l->g.expires_s <= clock_wall_s())
		return err_set(&l->e, ERR_AUTH,
			"mcp-remote did not record which server issued this sign-in, %s is "
			"elsewhere, and the access token has expired: run \"mpmcp login\" without "
			"--import",
			found->token_endpoint);
	diag_note("imported the access token alone: mcp-remote did not record which server issued "
		  "this sign-in, and %s is not on the endpoint's own site. Run \"mpmcp login\" "
		  "when it expires",
		found->token_endpoint);
	return true;
}

static bool same_server(struct login *l, bool found, const struct signin_record *offered)
{
	if (l->e.kind)
		return false;
	if (!found)
		return err_set(&l->e, ERR_PROTO,
			"the sign-in server of %s cannot be found now; try again later", l->c->url);
	if (l->g.issuer && !documents_same_issuer(l->g.issuer, offered->issuer))
		return err_set(&l->e, ERR_AUTH,
			"mcp-remote's sign-in is from another issuer than the server's current "
			"one: run \"mpmcp login\" without --import");
	return true;
}

/* mcp-remote keeps no endpoints: they are looked up. */
static bool add_endpoints(struct login *l)
{
	struct discover_call c = { .endpoint = l->c->url, .known_issuer = l->g.issuer };
	struct signin_record offered = { 0 };
	struct challenge wants;
	bool good, found = false;

	probe_wants(l->c, &wants);
	c.named = wants.resource_metadata;
	if (!l->e.kind)
		found = login_discover(l, &c, 0, &offered);
	good = same_server(l, found, &offered);
	if (good && !l->g.issuer && !mcp_remote_stays_on_site(l->c->url, &offered) &&
		!may_be_sent(l, &offered))
		good = import_access(l, &offered);
	if (good)
		signin_record_add_places(&l->g, &offered);
	challenge_clear(&wants);
	signin_record_clear(&offered);
	return good;
}

bool login_import(struct login *l)
{
	if (!mcp_remote_read(&l->c->oauth, &l->g, &l->e) || !add_endpoints(l) ||
		!login_keep(l, "imported"))
		return false;
	if (secret_isset(&l->g.refresh))
		diag_note("mcp-remote must sign in again when it is used next: refresh tokens "
			  "work only once");
	return true;
}
