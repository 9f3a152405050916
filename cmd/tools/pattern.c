#include "tools/pattern.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "os/pattern.h"

/* A pattern that tells people what to type is short; text that is typed is, too. */
#define PATTERN_MAX 256
#define TEXT_MAX 4096

/* regcomp() makes that many copies of what is repeated: of one character or class only. */
#define REPEATS_MAX 255

static bool is_plain(const char *p, size_t max)
{
	size_t n = 0;

	for (; p[n]; n++)
		if (p[n] < 0x20 || p[n] > 0x7e || n == max)
			return false;
	return true;
}

/* What stands in brackets for the class \c; NULL when it is none. */
static const char *class_of(char c)
{
	switch (c) {
	case 'd':
		return "0-9";
	case 'w':
		return "A-Za-z0-9_";
	case 's':
		return "[:space:]";
	default:
		return NULL;
	}
}

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* An escape outside of brackets; *p is behind the backslash. */
static bool add_escape(const char **p, struct buf *out)
{
	char c = *(*p)++;
	const char *class = class_of(c);

	if (class)
		return buf_addf(out, "[%s]", class);
	class = c == 'D' || c == 'W' || c == 'S' ? class_of((char)(c - 'A' + 'a')) : NULL;
	if (class)
		return buf_addf(out, "[^%s]", class);
	if (!c || is_letter_or_digit(c))
		return false;
	return (!strchr("^.[$()|*+?{\\", c) || buf_addc(out, '\\')) && buf_addc(out, c);
}

/* A class in brackets; *p is behind the first. What means another thing in another place is left. */
static bool add_brackets(const char **p, struct buf *out)
{
	const char *s = *p, *class;
	bool good = buf_addc(out, '[');

	if (*s == '^')
		good = good && buf_addc(out, *s++);
	if (*s == ']')
		return false;
	for (; good && *s != ']'; s++) {
		if (!*s || *s == '[')
			return false;
		if (*s != '\\') {
			good = buf_addc(out, *s);
			continue;
		}
		class = class_of(*++s);
		if (class && (s[-2] == '-' || (s[1] == '-' && s[2] != ']')))
			return false; /* no range */
		if (class)
			good = buf_adds(out, class);
		else if (!*s || is_letter_or_digit(*s) || strchr("^-[]", *s))
			return false;
		else
			good = buf_addc(out, *s);
	}
	*p = s + 1;
	return good && buf_addc(out, ']');
}

/* {n}, {n,} or {n,m}; *p is behind the brace. */
static bool add_repeats(const char **p, struct buf *out)
{
	const char *s = *p;
	int n = 0, digits = 0, commas = 0;

	for (; *s && *s != '}'; s++) {
		if (*s == ',' && digits && !commas++) {
			n = 0;
			continue;
		}
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (*s - '0');
		digits++;
		if (n > REPEATS_MAX)
			return false;
	}
	if (!digits || !*s)
		return false;
	s++;
	if (!buf_addc(out, '{') || !buf_add(out, *p, (size_t)(s - *p)))
		return false;
	*p = s;
	return true;
}

static bool is_quantifier(char c)
{
	return c && strchr("*+?{", c) != NULL;
}

static bool translate(const char *p, struct buf *out)
{
	bool good = true, repeatable = false; /* by a number */

	while (good && *p) {
		char c = *p++;

		if (c == '\\') {
			good = add_escape(&p, out);
		} else if (c == '[') {
			good = add_brackets(&p, out);
		} else if (c == '(') {
			if (*p == '?' && (p[1] != ':' || !(p += 2)))
				return false;
			good = buf_addc(out, c);
		} else if (is_quantifier(c)) {
			good = c == '{' ? repeatable && add_repeats(&p, out) : buf_addc(out, c);
			if (is_quantifier(*p))
				return false; /* a lazy one */
		} else {
			good = buf_addc(out, c);
		}
		repeatable = !is_quantifier(c) && !strchr("()|^$", c);
	}
	return good;
}

bool pattern_refuses(const char *pattern, const char *text)
{
	struct buf posix;
	bool refuses;

	if (!is_plain(pattern, PATTERN_MAX) || !is_plain(text, TEXT_MAX))
		return false;
	buf_init(&posix, 16 * PATTERN_MAX);
	refuses = translate(pattern, &posix) && os_match(buf_str(&posix), text) == OS_DIFFERS;
	buf_free(&posix);
	return refuses;
}
