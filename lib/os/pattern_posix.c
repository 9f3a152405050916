#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/pattern.h"

#include <regex.h>
#include <stddef.h>

enum os_match os_match(const char *expression, const char *text)
{
	enum os_match how = OS_NOT_KNOWN;
	regex_t re;
	int code;

	if (regcomp(&re, expression, REG_EXTENDED | REG_NOSUB) != 0)
		return how;
	code = regexec(&re, text, 0, NULL, 0);
	if (code == 0 || code == REG_NOMATCH)
		how = code == 0 ? OS_MATCHES : OS_DIFFERS;
	regfree(&re);
	return how;
}
