/*
 * A sign-in: where, as whom, with which tokens. What store.h keeps in a file
 * and what flow.h brings.
 */
#ifndef MPMCP_SIGNIN_RECORD_H
#define MPMCP_SIGNIN_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

/* All strings owned; NULL when unknown. Times in seconds since the epoch. */
struct signin_record {
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

void signin_record_clear(struct signin_record *g);
void signin_record_copy(struct signin_record *to, const struct signin_record *from); /* to: empty */
/* What a discovery found takes the place of what to says about where. */
void signin_record_add_places(struct signin_record *to, const struct signin_record *found);

/* A new object; NULL when out of memory. */
json_t *signin_record_to_json(const struct signin_record *g);
/* Fills g, which must be cleared either way. False when it is no object with a url. */
bool signin_record_from_json(const json_t *o, struct signin_record *g)
	__attribute__((warn_unused_result));

#endif
