/*
 * POSIX extended regular expressions, where the system has them.
 */
#ifndef MPMCP_OS_PATTERN_H
#define MPMCP_OS_PATTERN_H

/* OS_NOT_KNOWN: it is no expression, there is no memory, or the system has none. */
enum os_match { OS_MATCHES, OS_DIFFERS, OS_NOT_KNOWN };
enum os_match os_match(const char *expression, const char *text);

#endif
