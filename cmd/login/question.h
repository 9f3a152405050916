/* A question with the answers yes and no, to the person at the terminal. */
#ifndef MPMCP_QUESTION_H
#define MPMCP_QUESTION_H

#include <stdbool.h>

#include "net/loop.h"

/* Standard input and standard error are a terminal. */
bool question_possible(void);

/* Asks on standard error and runs the loop until a line comes, or somebody stops it: that is no yes. Enter
 * alone is `otherwise`. */
bool question_yes(struct loop *l, const char *text, bool otherwise);

#endif
