/* The projects that an account sees, as Get-Projects tells them. */
#ifndef MPMCP_PROJECTS_H
#define MPMCP_PROJECTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "mcp_client.h"

struct project {
	json_int_t id;
	char name[80]; /* cleaned and cut */
};

struct projects {
	struct project *first; /* filled: those that come first, `room` at most */
	size_t room, n;
	size_t all; /* that a call may name here */
	bool known; /* the answer has a form that is known */
};

/* Of a result of Get-Projects: an object keyed by id, or an array. first and room are given. */
void projects_read(struct projects *p, const struct mcp_client *c, const json_t *result);

/* Asks a service that is Mixpanel's, with the credential of c: how many there are. -1 when it is another
 * server's, or does not say within some seconds. Three requests, or four. */
long projects_visible(struct context *c);

#endif
