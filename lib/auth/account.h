/*
 * Service accounts: what people paste into MIXPANEL_SA_TOKEN, made into the one
 * header value that the service takes: "Bearer Basic <base64 of user:secret>",
 * single blanks. The double scheme is the service's own form, not a mistake.
 * Pure.
 */
#ifndef MPMCP_ACCOUNT_H
#define MPMCP_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Longest token text; real ones are under 120 bytes. */
#define ACCOUNT_MAX 4096

/*
 * Takes the base64 text, "user:secret", or either behind "Basic " or "Bearer Basic " (any case),
 * quotes around it; blanks and line breaks inside base64 are dropped, URL-safe letters and missing
 * padding repaired, a line break that was encoded at the end of the secret (echo without -n) taken
 * off. where names the source in messages ("MIXPANEL_SA_TOKEN"). The value is appended to out. The
 * error never holds any of the text. *repaired (may be NULL) gets a static phrase that says what was
 * mended, or NULL.
 */
bool account_from_token(const char *text, const char *where, struct buf *out, const char **repaired,
	struct err *e) BUF_MUST;

bool account_from_pair(const char *user, const char *secret, struct buf *out, struct err *e) BUF_MUST;

/* A service account found in the environment goes to *.mixpanel.com over https and to loopback; for
 * any other URL e says what to do instead. */
bool account_may_go_to(const char *url, struct err *e) __attribute__((warn_unused_result));

#endif
