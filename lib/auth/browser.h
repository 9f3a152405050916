/*
 * Shows a page to the person: $BROWSER (programs separated by colons, with
 * arguments, %s for the address), else xdg-open or open. No shell; the browser's
 * output never reaches ours. A program that ends with a failure at once, such as
 * false(1), has opened nothing: the next one is tried.
 */
#ifndef MPMCP_BROWSER_H
#define MPMCP_BROWSER_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"

/* Whether somebody could see it: not with CI set; BROWSER, DISPLAY or WAYLAND_DISPLAY; the sockets of a
 * graphical session of this user, unless we were reached over SSH. */
bool browser_possible(void);

struct browser;

typedef void browser_failed_fn(void *ctx, const struct err *e);

/* url must be http or https without control characters (checked again here); programs get
 * url_add_escaped() of it. Waits for nothing: failed()
 * is called, once and later, when none of the programs can be started, or each ended with a failure within
 * ten seconds. NULL with e set when nothing can be tried. */
struct browser *browser_open(struct loop *l, const char *url, browser_failed_fn *failed, void *ctx,
	struct err *e) __attribute__((warn_unused_result));
/* Nobody listens any more; the browser goes on. Fine from inside failed(); NULL is fine. */
void browser_free(struct browser *b);

#endif
