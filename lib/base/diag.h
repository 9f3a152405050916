/*
 * Messages for people on standard error and in --log-file; never on standard
 * output. Nothing here blocks: a full pipe drops the message, because one
 * client in use never reads its command's standard error. Registered secrets
 * are replaced by "[hidden]" wherever they turn up.
 */
#ifndef MPMCP_DIAG_H
#define MPMCP_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum diag_level {
	DIAG_ERROR, /* something failed */
	DIAG_NOTE,  /* a person must act, or will want to know */
	DIAG_DEBUG, /* only with --debug */
};

/* The most verbose level that standard error shows; DIAG_NOTE at start. --silent: DIAG_ERROR. */
void diag_set_level(enum diag_level most);
bool diag_debugging(void); /* true when somebody would see DIAG_DEBUG */

/* Everything, DIAG_DEBUG included when debugging, also goes to this file (0600, appended). */
bool diag_open_log(const char *path, struct err *e) __attribute__((warn_unused_result));
void diag_close(void);

void diag_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A note that is not redacted: the address of a sign-in page is of no use with parts of it missing. */
void diag_link(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Called before a message goes to standard error: whoever rewrites a line of the terminal takes it away. NULL:
 * nobody any more. */
typedef void diag_before_fn(void *ctx);
void diag_before(diag_before_fn *fn, void *ctx);

/*
 * From now on this string is hidden in every message and every struct err, as it is and
 * percent-encoded. All of these copy it, and ignore strings under 6 bytes: hiding them would garble
 * everything, and they protect nothing. Thread-free like all of the program.
 *
 * diag_hide: what peers make and nobody here keeps (session ids). The last 512 different ones count;
 * naming one again makes it the newest.
 * diag_hold: as long as some struct secret holds it; diag_release() then leaves it to diag_hide().
 * diag_pin: what the person gave, see given.h; for good. No peer can add to these, so that what bounds
 * them is what the person can say.
 */
void diag_hide(const char *secret, size_t n);
void diag_hold(const char *secret, size_t n);
void diag_release(const char *secret, size_t n);
void diag_pin(const char *secret, size_t n);
/* The i-th of those that are pinned; NULL: no more. For a process of ours, which is told them. */
const char *diag_pinned(size_t i);
/* Replaces every registered secret in s, and the beginning of one where s was cut inside it, by
 * "[hidden]" (stars where that would not fit: s never grows). For texts from peers. */
char *diag_redact(char *s);

#endif
