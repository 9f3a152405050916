/* Dates and the like in words. */
#ifndef MPMCP_CMD_WORDS_H
#define MPMCP_CMD_WORDS_H

#include "auth/store.h"
#include "mcp/rate.h"

/* "good until 2026-11-24 19:05 (in 9 h 59 min), renewed by itself", "ended, renewed at the next use", ... */
void words_expiry(const struct grant *g, char out[64]);

/* "14 requests from this machine in the last hour; 586 of the 600 that the service allows are left" */
void words_requests(const char *url, const struct rate_seen *seen, char out[256]);

#endif
