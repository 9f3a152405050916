#include "wrap.h"

#include <stdbool.h>
#include <string.h>

#include "os/terminal.h"

#include "columns.h"

size_t wrap_width(FILE *f)
{
	unsigned n = os_terminal_width(f);

	if (!n)
		return WRAP_WIDTH;
	return n < WRAP_WIDTH_MIN ? WRAP_WIDTH_MIN : n;
}

/* marked: where the colour ends; NULL: there is none. */
static void wrap(
	FILE *to, size_t width, size_t at, size_t indent, const char *text, const char *marked)
{
	bool first = true; /* of the line */

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t n = strcspn(text, " "), wide = columns_of(text, n);

		if (!first && at + 1 + wide > width) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(to, "%s", first ? "" : " ");
		if (marked && marked > text && marked <= text + n) {
			size_t part = (size_t)(marked - text);

			fprintf(to, "%.*s\033[0m%.*s", (int)part, text, (int)(n - part), marked);
		} else {
			fprintf(to, "%.*s", (int)n, text);
		}
		at += wide + !first;
		first = false;
		text += n;
	}
	fputc('\n', to);
}

void wrap_text(FILE *to, size_t width, size_t at, size_t indent, const char *text)
{
	wrap(to, width, at, indent, text, NULL);
}

void wrap_marked(FILE *to, size_t width, const char *text, size_t n, const char *colour)
{
	if (colour)
		fprintf(to, "\033[%sm", colour);
	wrap(to, width, 0, 0, text, colour ? text + n : NULL);
}
