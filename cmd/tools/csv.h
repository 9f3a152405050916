/*
 * Rows as CSV, RFC 4180: CRLF at the end of lines, quotes around what needs them. A text that a spreadsheet
 * would take for a formula (= + - @ at its start, or a tab) begins with a ' instead: who sends the service
 * events chooses such texts. Numbers stay as they are.
 */
#ifndef MPMCP_CSV_H
#define MPMCP_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "mcp/json/message.h"

/* The rows of v, or of the first member in it that has rows; an object without any is one row, a list of
 * plain values one column. False, and nothing printed, when it has none. */
bool csv_print(FILE *f, struct span v);

#endif
