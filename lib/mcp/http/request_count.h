/*
 * How many requests one identity sent within the last hour, counted by all its
 * bridges on this machine together in a small file of the token folder. The
 * service allows so many an hour, whoever sends them.
 *
 * Never in the way: counting is an addition. The file is opened, changed and
 * closed a few seconds after a request went out, at most that often, and once
 * at the end; it is not flushed to disk, and an idle bridge is not woken for it.
 * Whatever goes wrong with the file costs nothing but the count.
 */
#ifndef MPMCP_REQUEST_COUNT_H
#define MPMCP_REQUEST_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "mcp/json/message.h"
#include "net/loop.h"

struct request_count;

/* Where the count is kept: a malloc'ed path, or NULL when there is no place. Asked once, when there
 * is something to read or write. */
typedef char *request_count_where_fn(void *ctx);

struct request_count *request_count_new(struct loop *l, request_count_where_fn *where, void *ctx);
void request_count_free(struct request_count *r); /* writes what is left; NULL is fine */

/* A request goes out. NULL is fine, also below. */
void request_count_count(struct request_count *r);

/* The service said that there were too many; wait_s: for how long to stay away, -1 when it did not
 * say. */
void request_count_refused(struct request_count *r, long wait_s);

/* The error member of a JSON-RPC answer says that there were too many requests: code -32023 (SEP-3304), or
 * -32000 with words to that effect. *wait_s as above, from data.retryAfterMs, data.retryAfter or
 * data.retry_after. */
bool request_count_is_refusal(struct span error, long *wait_s);

/* data.retryAfterMs of the error (SEP-3304), at most an hour; -1 when it is not there. */
int64_t rate_retry_after_ms(struct span error);

struct request_count_seen {
	unsigned long requests; /* of the last hour, to the minute */
	int64_t refused_s; /* when the service last refused, since the epoch; 0: not in this hour */
	int64_t until_s;   /* how long it wants us away; 0: it did not say */
};

/* What is known: of all, as far as they have written it, and of this process. */
void request_count_look(struct request_count *r, struct request_count_seen *seen);
unsigned long request_count_own(const struct request_count *r); /* requests of this process */

#endif
