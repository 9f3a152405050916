/* Questions to the person at the terminal: yes or no, and what nobody is to see. */
#ifndef MPMCP_QUESTION_H
#define MPMCP_QUESTION_H

#include <stdbool.h>

#include "base/buf.h"
#include "net/loop.h"

/* Standard input and standard error are a terminal. */
bool question_possible(void);

/* Asks on standard error and runs the loop until a line comes, or somebody stops it: that is no yes. Enter
 * alone is `otherwise`. */
bool question_yes(struct loop *l, const char *text, bool otherwise);

/* Asks on standard error for a line (or several, pasted at once) that the terminal does not show. False when
 * there is none, or somebody stopped the loop. */
bool question_hidden(struct loop *l, const char *text, struct buf *out);

#endif
