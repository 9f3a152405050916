/*
 * Service accounts: what people paste into MIXPANEL_SA_TOKEN, made into the one
 * header value that the service takes: "Bearer Basic <base64 of user:secret>",
 * single blanks. The double scheme is the service's own form, not a mistake.
 * Pure.
 */
#ifndef MPMCP_SERVICE_ACCOUNT_H
#define MPMCP_SERVICE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Longest token text; real ones are under 120 bytes. */
#define SERVICE_ACCOUNT_MAX 4096

/*
 * Takes the base64 text, "user:secret", or either behind "Basic ", "Bearer Basic " (any case), the
 * name of the field or variable, in quotes, with blanks, line breaks or a byte order mark around it.
 * Mended, since it can mean one thing only: blanks and line breaks inside base64, URL-safe letters,
 * missing or percent-encoded padding, a line break or quotes that were encoded with the pair (echo
 * without -n), UTF-16 (PowerShell), base64 of base64. Anything else is refused with its cause: cut
 * text, no colon, blanks or characters outside ASCII in the pair, a variable that nobody replaced.
 * where names the source in messages ("MIXPANEL_SA_TOKEN"). The value is appended to out. The error
 * holds none of the text but the name of such a variable. *repaired (may be NULL) gets a static
 * phrase that says what was mended, or NULL.
 */
bool service_account_from_token(const char *text, const char *where, struct buf *out,
	const char **repaired, struct err *e) BUF_MUST;

/*
 * The value of an Authorization field as a person gives it. With both schemes it is a service account's
 * (see above); any other stays as it is, but for what is taken off around it: quotes, the field's own name,
 * a scheme that appears twice, what nobody sees. Refused: nothing, a variable or placeholder that was
 * not filled in, characters outside ASCII. *repaired as above.
 */
bool service_account_from_header(const char *text, const char *where, struct buf *out,
	const char **repaired, struct err *e) BUF_MUST;

/* Quotes and blanks around either are taken off; a colon in the name is refused. */
bool service_account_from_pair(
	const char *user, const char *secret, struct buf *out, struct err *e) BUF_MUST;

/* What to say where the variable is set but empty, which counts as unset; NULL where it is not. */
const char *service_account_empty(void);

/* The user name in "Bearer Basic <base64 of user:secret>", cleaned and cut; "" when the value is another. */
#define SERVICE_ACCOUNT_NAME 200
void service_account_name(const char *value, char out[SERVICE_ACCOUNT_NAME]);

/* A service account found in the environment goes to *.mixpanel.com over https and to loopback; for
 * any other URL e says what to do instead. */
bool service_account_may_go_to(const char *url, struct err *e) __attribute__((warn_unused_result));

#endif
