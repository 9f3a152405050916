/* What a program says: the first line of its output. */
#ifndef MPMCP_PROGRAM_LINE_H
#define MPMCP_PROGRAM_LINE_H

#include <stdint.h>

/* args: its path or name in PATH first, NULL at the end; it gets no input, and its errors go nowhere. malloc'ed; NULL
 * when it is missing, fails, says nothing, or takes longer than within_ms: then it is ended. */
char *program_line(const char *const *args, int64_t within_ms);

#endif
