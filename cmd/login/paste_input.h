/*
 * The terminal of a sign-in whose browser is on another machine: the person
 * pastes the address of its last page, or the code in it, however it was
 * broken. Beside it stands how long the sign-in waits yet.
 */
#ifndef MPMCP_PASTE_INPUT_H
#define MPMCP_PASTE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"

struct paste_input;

/* Takes what was pasted (see flow_paste()); false with e set when it is not that. */
typedef bool paste_input_fn(void *ctx, const char *text, struct err *e);

/* ends_ms: on the clock of clock_ms(), when the sign-in gives up. Reads where standard input is a terminal,
 * and counts down where standard error is one. take NULL: nothing is pasted here. */
struct paste_input *paste_input_new(
	struct loop *l, int64_t ends_ms, paste_input_fn *take, void *ctx);
/* Puts the terminal back as it was; NULL is fine. */
void paste_input_free(struct paste_input *p);

/* What the terminal shows is about to change: takes the countdown's line away. paste_input_prompt() puts it
 * there again, below. NULL is fine. */
void paste_input_hide(struct paste_input *p);
void paste_input_prompt(struct paste_input *p);

#endif
