/*
 * A sign-in: where, as whom, with which tokens. What store.h keeps in a file
 * and what flow.h brings.
 */
#ifndef MPMCP_GRANT_H
#define MPMCP_GRANT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

/* All strings owned; NULL when unknown. Times in seconds since the epoch. */
struct grant {
	char *url, *resource, *profile;
	/* where */
	char *issuer, *authorization_endpoint, *token_endpoint, *registration_endpoint,
		*revocation_endpoint;
	char *device_endpoint;
	bool iss_promised;
	char *auth_methods; /* token_endpoint_auth_methods_supported, blank-separated; NULL: not said */
	char *scopes_offered; /* of the resource metadata, when last seen */
	/* who */
	char *client_id,
		*client_method; /* token endpoint authentication: none, client_secret_basic, client_secret_post */
	struct secret client_secret;
	int64_t client_expires_s; /* end of client_secret; 0: none */
	char *redirect_uri;
	/* what */
	struct secret access, refresh;
	int64_t obtained_s, expires_s; /* expires_s 0: not known */
	char *scope_asked, *scope_granted;
	char *scope_wanted; /* the service asked for more, and nobody could be asked: for the next time */
	/* about the server, see auth_remember(); and when that was learnt */
	char *word;
	int64_t word_s;
};

void grant_clear(struct grant *g);
void grant_copy(struct grant *to, const struct grant *from); /* to: empty */
/* What a discovery found takes the place of what to says about where. */
void grant_add_places(struct grant *to, const struct grant *found);

/* A new object; NULL when out of memory. */
json_t *grant_to_json(const struct grant *g);
/* Fills g, which must be cleared either way. False when it is no object with a url. */
bool grant_from_json(const json_t *o, struct grant *g) __attribute__((warn_unused_result));

#endif
