#include "auth/paste.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/url.h"

char *paste_trim(char *text)
{
	static const char *const marks[] = { "\033[200~", "\033[201~" };
	static const char around[] = " \t\r\n\"'<>";
	size_t n;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (char *p = text; (p = strstr(p, marks[i]));)
			memmove(p, p + 6, strlen(p + 6) + 1);
	text += strspn(text, around);
	n = strlen(text);
	while (n && strchr(around, text[n - 1]))
		n--;
	text[n] = 0;
	return text;
}

static bool is_address(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* An address holds no blanks: they are where it was broken. "&amp;" is "&" in the source of a page. */
static void mend_address(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (is_blank(*p))
			continue;
		*to++ = *p;
		if (strncmp(p, "&amp;", 5) == 0)
			p += 4;
	}
	*to = 0;
}

static enum paste_kind neither(struct err *e, const char *why)
{
	err_set(e, ERR_USAGE, "%s", why);
	return PASTE_NEITHER;
}

enum paste_kind paste_read(char *text, char **found, struct err *e)
{
	bool bare = strncmp(text, "code=", 5) == 0; /* a query without its address */
	char *query;

	if (is_address(text) || bare)
		mend_address(text);
	query = strchr(text, '?');
	if (is_address(text) && !query)
		return neither(e, "that address has no sign-in response: paste the one that the "
				  "browser ends at");
	*found = query ? query + 1 : text;
	if (query || bare) {
		(*found)[strcspn(*found, "#")] = 0;
		return PASTE_QUERY;
	}
	if (text[strcspn(text, " \t\r\n")])
		return neither(e, "that is neither an address nor a code: paste one of them alone");
	return PASTE_CODE;
}

bool paste_code(const char *text, struct secret *out, struct err *e)
{
	size_t n = strlen(text);
	char *code = url_form_decode(text, n);
	bool good = true;

	/* A plus sign may be itself here. */
	if (!code || !strchr(text, '%')) {
		free(code);
		code = mem_ndup(text, n);
	}
	for (const char *p = code; *p && good; p++)
		good = *p >= ' ' && *p <= '~';
	if (good)
		secret_set(out, code, strlen(code));
	else
		err_set(e, ERR_USAGE, "that is neither an address nor a code");
	secret_wipe(code, strlen(code));
	free(code);
	return good;
}
