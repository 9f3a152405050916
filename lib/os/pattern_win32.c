#include "os/pattern.h"

/* The system's C library has none; the remote service, which has the last word, checks the value. */
enum os_match os_match(const char *expression, const char *text)
{
	(void)expression, (void)text;
	return OS_NOT_KNOWN;
}
