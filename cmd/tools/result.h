/*
 * The result of a tools/call, shown: as tables and bars for people, as JSON for programs, as the text that
 * it is, as CSV for spreadsheets.
 */
#ifndef MPMCP_RESULT_H
#define MPMCP_RESULT_H

#include <stdio.h>

#include "base/err.h"
#include "mcp/json/message.h"

/* The choices of --output, in their order there. */
enum result_form { RESULT_TABLE = 1, RESULT_JSON, RESULT_RAW, RESULT_CSV };

/* Structured content comes before text; text that is JSON counts as such. False with e set when it
 * has no rows and CSV was asked for. */
bool result_print(FILE *f, struct span result, enum result_form form, struct err *e)
	__attribute__((warn_unused_result));

/* The text of its content, block after block: what a failed tool has to say. */
void result_print_text(FILE *f, struct span result);

#endif
