/*
 * What the client has set in its session. It knows of one session and one
 * server; the next ones, which come behind its back, are told the same.
 */
#ifndef MPMCP_KEPT_H
#define MPMCP_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "mcp/json/message.h"

struct session;
struct outgoing;

/* What the client has set in its session and believes to be in force. */
struct kept {
	char *level;    /* raw, of logging/setLevel; NULL: none */
	char **watched; /* raw JSON strings, of resources/subscribe */
	size_t nwatched;
};

/* Does a request of this method change what is kept? */
bool kept_is_set_by(const struct message *m);
/* It has, with a result. */
void kept_note(struct session *s, struct outgoing *p);
/* Raw values; false when there is no place for one more. */
void kept_set_level(struct kept *k, struct span level);
bool kept_watch(struct kept *k, struct span uri) __attribute__((warn_unused_result));
bool kept_unwatch(struct kept *k, struct span uri); /* true when it was there */
/* Another session: what was set in the one before is set again. */
void kept_restore(struct session *s);
void kept_clear(struct kept *k);

/* Raw; {NULL}: none. And the resources, from 0 on; {NULL} after the last one. */
struct span kept_level(const struct kept *k);
struct span kept_watched(const struct kept *k, size_t i);

#endif
