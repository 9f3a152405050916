/*
 * Taking off what surrounds a value.
 */
#include "base/pasted.h"

#include <string.h>

/* Characters that editors put in front and web pages around: byte order mark, no-break space, zero-width
 * ones. */
static const char *const invisible[] = {
	"\xef\xbb\xbf",
	"\xc2\xa0",
	"\xe2\x80\x8b",
	"\xe2\x80\x8c",
	"\xe2\x80\x8d",
	"\xe2\x81\xa0",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t hidden_first(struct pasted s)
{
	if (s.n && is_blank(s.p[0]))
		return 1;
	for (size_t i = 0; i < sizeof(invisible) / sizeof(invisible[0]); i++) {
		size_t n = strlen(invisible[i]);

		if (s.n >= n && memcmp(s.p, invisible[i], n) == 0)
			return n;
	}
	return 0;
}

static size_t hidden_last(struct pasted s)
{
	if (s.n && is_blank(s.p[s.n - 1]))
		return 1;
	/* Files of variables leave an escape as it stands. */
	if (s.n > 1 && s.p[s.n - 2] == '\\' && (s.p[s.n - 1] == 'n' || s.p[s.n - 1] == 'r'))
		return 2;
	for (size_t i = 0; i < sizeof(invisible) / sizeof(invisible[0]); i++) {
		size_t n = strlen(invisible[i]);

		if (s.n >= n && memcmp(s.p + s.n - n, invisible[i], n) == 0)
			return n;
	}
	return 0;
}

struct pasted pasted_trim(struct pasted s)
{
	size_t n;

	while ((n = hidden_first(s)) > 0)
		s = (struct pasted){ s.p + n, s.n - n };
	while ((n = hidden_last(s)) > 0)
		s.n -= n;
	return s;
}

bool pasted_unquote(struct pasted *s)
{
	char c = s->n > 1 ? s->p[0] : '\0';

	if ((c != '"' && c != '\'' && c != '`') || s->p[s->n - 1] != c)
		return false;
	*s = (struct pasted){ s->p + 1, s->n - 2 };
	return true;
}
