/*
 * Shows a page to the person: $BROWSER (programs separated by colons, with
 * arguments, %s for the address), else xdg-open or open. No shell; the browser's
 * output never reaches ours; nobody waits for it.
 */
#ifndef MPMCP_BROWSER_H
#define MPMCP_BROWSER_H

#include <stdbool.h>

#include "base/err.h"

/* Whether somebody could see it: not with CI set; BROWSER, DISPLAY or WAYLAND_DISPLAY; the sockets of a
 * graphical session of this user, unless we were reached over SSH. */
bool browser_possible(void);

/* url must be http or https without control characters (checked again here). Waits for the program to
 * start, two seconds at most. False with e set when none can be started; one that fails afterwards is not
 * noticed: whoever waits has the URL, and a deadline. */
bool browser_open(const char *url, struct err *e) __attribute__((warn_unused_result));

#endif
