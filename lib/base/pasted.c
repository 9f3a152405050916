/*
 * Taking off what surrounds a value.
 */
#include "base/pasted.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Longest name of a variable that a message repeats. */
#define NAME_MAX_SHOWN 64

/* Longest text that is compared with words of documentation. */
#define EXAMPLE_MAX 96

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

/* ---- what nobody filled in ---- */

static bool starts(struct pasted s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static struct pasted skip(struct pasted s, size_t n)
{
	return (struct pasted){ s.p + n, s.n - n };
}

/*
 * Whether a message may repeat this as the name of a variable. It must not be a secret that
 * somebody put between the marks: those mix the cases, names do not.
 */
static bool is_name(struct pasted s)
{
	bool upper = false, lower = false, line = false;

	if (s.n == 0 || s.n > NAME_MAX_SHOWN || isdigit((unsigned char)s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			upper = true;
		else if (c >= 'a' && c <= 'z')
			lower = true;
		else if (c == '_')
			line = true;
		else if (c < '0' || c > '9')
			return false;
	}
	return upper ? !lower : line;
}

static bool unfilled_name(struct pasted name, const char *where, struct err *e)
{
	static const char cause[] =
		"the client that started mpmcp did not replace it. Put the value itself into the "
		"\"env\" block of the client's entry, or set the variable where the client starts";

	if (is_name(name))
		err_set(e, ERR_USAGE, "%s still holds the text ${%.*s}: %s", where, (int)name.n,
			name.p, cause);
	else
		err_set(e, ERR_USAGE, "%s still holds a variable like ${NAME}: %s", where, cause);
	return true;
}

static bool unfilled_input(const char *where, struct err *e)
{
	err_set(e, ERR_USAGE,
		"%s still holds the text ${input:...}: this client does not support inputs. Put "
		"the value into the \"env\" block of the client's entry, or set a variable and "
		"refer to it",
		where);
	return true;
}

/* "${NAME}", "${env:NAME}", "${NAME:-otherwise}", "${input:id}", anywhere. */
static bool has_braced(struct pasted s, const char *where, struct err *e)
{
	struct pasted name;
	const char *end;

	while (s.n && !starts(s, "${"))
		s = skip(s, 1);
	if (!s.n)
		return false;
	name = skip(s, 2);
	if (starts(name, "input:"))
		return unfilled_input(where, e);
	if (starts(name, "env:"))
		name = skip(name, 4);
	end = memchr(name.p, '}', name.n);
	if (!end)
		end = name.p; /* no end, no name */
	for (name.n = 0; name.p + name.n < end && name.p[name.n] != ':'; name.n++)
		;
	return unfilled_name(name, where, e);
}

/* "$NAME" or "%NAME%", and nothing else. */
static bool is_bare_variable(struct pasted s, const char *where, struct err *e)
{
	if (s.n > 1 && s.p[0] == '$' && is_name(skip(s, 1)))
		return unfilled_name(skip(s, 1), where, e);
	if (s.n > 2 && s.p[0] == '%' && s.p[s.n - 1] == '%' &&
		is_name((struct pasted){ s.p + 1, s.n - 2 }))
		return unfilled_name((struct pasted){ s.p + 1, s.n - 2 }, where, e);
	return false;
}

/* ---- examples ---- */

/* Words of which documentation makes its placeholders; one at least must be of the first row. */
static const char *const telling[] = { "your", "here", "base64", "placeholder", "insert", "replace",
	"changeme", "change", "paste", "enter", "xxx", "***", "...", "username:secret" };
static const char *const common[] = { "token", "key", "api", "secret", "username", "user", "name",
	"password", "service", "account", "sa", "mp", "my", "me", "this", "with", "the", "a", "of",
	"and", "or", "is", "in", "to", "goes", "encoded", "encode", "credentials", "credential",
	"mixpanel", "access", "oauth", "bearer", "basic", "auth", "header", "value", "string",
	"text", "id", "client", "project", "actual", "real", "own", "x" };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Nothing but such words, with what may stand between them. Each row of flags says for the first i bytes
 * that they are: of any words, and of words with a telling one among them. */
static bool is_example(struct pasted s)
{
	bool any[EXAMPLE_MAX + 1] = { true }, told[EXAMPLE_MAX + 1] = { false };

	for (size_t i = 0; i < s.n && s.n <= EXAMPLE_MAX; i++) {
		struct pasted rest = skip(s, i);

		if (!any[i] && !told[i])
			continue;
		if (memchr(" -_:,/<>{}[]()", s.p[i], 14)) {
			any[i + 1] |= any[i];
			told[i + 1] |= told[i];
		}
		for (size_t w = 0; w < COUNT(common); w++)
			if (starts(rest, common[w])) {
				any[i + strlen(common[w])] |= any[i];
				told[i + strlen(common[w])] |= told[i];
			}
		for (size_t w = 0; w < COUNT(telling); w++)
			if (starts(rest, telling[w]))
				told[i + strlen(telling[w])] = true;
	}
	return s.n <= EXAMPLE_MAX && told[s.n];
}

static bool within(struct pasted s, const char *first, const char *last)
{
	size_t n = strlen(first), m = strlen(last);

	return s.n >= n + m && memcmp(s.p, first, n) == 0 && memcmp(s.p + s.n - m, last, m) == 0;
}

/* "{name}"; other braces may be JSON. */
static bool is_braced_name(struct pasted s)
{
	if (!within(s, "{", "}"))
		return false;
	for (size_t i = 1; i + 1 < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && !strchr(" _-", s.p[i]))
			return false;
	return true;
}

static bool is_link(struct pasted s)
{
	return starts(s, "<http://") || starts(s, "<https://");
}

bool pasted_unfilled(struct pasted s, const char *where, struct err *e)
{
	if (has_braced(s, where, e) || is_bare_variable(s, where, e))
		return true;
	if (is_example(s))
		err_set(e, ERR_USAGE,
			"%s holds \"%.*s\", a placeholder of the documentation: put your own value "
			"there",
			where, (int)s.n, s.p);
	else if (within(s, "$(", ")"))
		err_set(e, ERR_USAGE,
			"%s still holds a command, $(...): no shell reads this. Put the value "
			"there, "
			"or set a variable and refer to it as ${NAME}",
			where);
	else if (within(s, "{{", "}}") || is_braced_name(s) || (within(s, "<", ">") && !is_link(s)))
		err_set(e, ERR_USAGE,
			"%s still holds the placeholder of an example: put your own value there, "
			"without the brackets",
			where);
	else
		return false;
	return true;
}

bool pasted_may_be_shown(struct pasted s)
{
	while (pasted_unquote(&s))
		;
	if (within(s, "${env:", "}"))
		return is_name((struct pasted){ s.p + 6, s.n - 7 });
	if (within(s, "${", "}"))
		return is_name((struct pasted){ s.p + 2, s.n - 3 });
	return is_bare_variable(s, "", NULL) || is_example(s);
}
