#include "base/shell.h"

#include <string.h>

bool shell_word(struct buf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+=,-";
	bool good;

	if (*s && s[strspn(s, plain)] == 0)
		return buf_adds(b, s);
	good = buf_addc(b, '\'');
	for (; *s && good; s++)
		good = *s == '\'' ? buf_adds(b, "'\\''") : buf_addc(b, *s);
	return good && buf_addc(b, '\'');
}
