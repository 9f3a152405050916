/* Dates and the like in words. */
#ifndef MPMCP_CMD_WORDS_H
#define MPMCP_CMD_WORDS_H

#include <stdint.h>

#include "auth/store.h"
#include "mcp/rate.h"

/* "good until 2026-11-24 19:05 (in 9 h 59 min), renewed by itself", "ended, renewed at the next use", ... */
void words_expiry(const struct signin_record *g, char out[64]);

/* "2026-11-24 19:05 UTC"; "an unknown date" for 0. */
#define WORDS_DATE 32
void words_date(int64_t s, char out[WORDS_DATE]);

/* "14 s", "3 min", "2 h 5 min", "12 days" */
#define WORDS_SPAN 48
void words_span(int64_t s, char out[WORDS_SPAN]);

/* Requests that the service allows a user in an hour; 0: not known. */
unsigned long words_allowance(const char *url);

/* "14 requests from this machine in the last hour; 586 of the 600 that the service allows are left" */
void words_requests(const char *url, const struct rate_seen *seen, char out[256]);

#endif
