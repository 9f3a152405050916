/*
 * Which endpoint, and which credential goes there.
 */
#ifndef MPMCP_ENDPOINT_H
#define MPMCP_ENDPOINT_H

#include "options.h"
#include "auth/auth.h"
#include "headers.h"

/* The URL to use: given, or by --region, MIXPANEL_REGION, us. Checked: http only to this machine or
 * with --allow-http, no user or password in it. Borrowed; NULL with e set. */
const char *endpoint_url(const struct options *a, struct err *e)
	__attribute__((warn_unused_result));

/* The endpoint of "us", "eu" or "in"; NULL for any other name. */
const char *target_region_url(const char *name);

/* The endpoint that a URL means which names its host and no path; NULL for any other. */
const char *endpoint_meant(const char *url);

/* "us", "eu", "in" for the service's own endpoints, else NULL. */
const char *endpoint_region(const char *url);

/* What stands for such an endpoint on a command line: "" or "--region eu"; NULL for any other. */
const char *endpoint_place(const char *url);

/* What applies, and where it is from. */
struct credential {
	struct auth *auth;    /* NULL: there is none, and a person signs in */
	const char *why;      /* names the source; static */
	const char *repaired; /* what was mended in it; static, or NULL */
	bool kept;            /* by login --service-account */
};

/*
 * The first that applies: an Authorization header of h; a service account (--sa-token-file, MIXPANEL_SA_TOKEN,
 * MIXPANEL_SA_USERNAME and MIXPANEL_SA_SECRET); one that is kept in the token folder under this profile. False
 * with e set when it cannot be used; out->why then names it, where it was found.
 */
bool endpoint_credential(const struct options *a, const char *url, const struct headers *h,
	struct credential *out, struct err *e) __attribute__((warn_unused_result));

#endif
