/* Dates and the like in words; what the terminal can show. */
#ifndef MPMCP_FORMAT_H
#define MPMCP_FORMAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "auth/store.h"
#include "mcp/http/request_count.h"

/* "Mixpanel (EU)"; the host, with its port, of any other server. A host has at most 255 bytes. */
#define FORMAT_SERVICE 280
void format_service(const char *url, char out[FORMAT_SERVICE]);

/* "good until 2026-11-24 19:05 (in 9 h 59 min), refreshed automatically", "ended, renewed at the next use", ... */
void format_expiry(const struct signin_record *g, char out[64]);

/* "; refreshed automatically; 9 h 59 min left": how long that sign-in serves. */
void format_left(const struct signin_record *g, char out[64]);

/* "2026-11-24 19:05 UTC"; "an unknown date" for 0. */
#define FORMAT_DATE 32
void format_date(int64_t s, char out[FORMAT_DATE]);

/* "14 s", "3 min", "2 h 5 min", "12 days" */
#define FORMAT_SPAN 48
void format_span(int64_t s, char out[FORMAT_SPAN]);

/* Requests that the service allows a user in an hour; 0: not known. */
unsigned long format_allowance(const char *url);

/* "14 requests from this machine in the last hour; 586 of the 600 that the service allows are left" */
#define FORMAT_REQUESTS 256
void format_requests(
	const char *url, const struct request_count_seen *seen, char out[FORMAT_REQUESTS]);

/* f is a terminal whose lines can be rewritten; one that also takes colours, which NO_COLOR refuses. */
bool format_terminal(FILE *f);
bool format_coloured(FILE *f);

/* The address in full; on a terminal as a link (OSC 8), which a broken line does not cut. */
void format_link(FILE *f, const char *url);

/* "45 seconds", "5 minutes": a time-out. */
void format_wait(int64_t s, char out[FORMAT_SPAN]);

/* "  name     text", broken at the width of the terminal, on standard output. */
void format_row(const char *name, const char *text);
/* A URL in such a row and as a JSON string: as url_shown() has it. */
void format_url(const char *name, const char *url);
json_t *format_json_url(const char *url) __attribute__((warn_unused_result));

/* Text, broken at the width of f, whose first n bytes are coloured where f takes colours. */
enum format_mood { FORMAT_GOOD, FORMAT_DOUBT, FORMAT_BAD };
void format_lead(FILE *f, enum format_mood mood, const char *text, size_t n);

/* Flags of json_dumps(): compact, but on a terminal for people. */
size_t format_json(FILE *f);

#endif
