#include "wrap.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "columns.h"

size_t wrap_width(FILE *f)
{
	struct winsize size;

	if (ioctl(fileno(f), TIOCGWINSZ, &size) != 0 || !size.ws_col)
		return WRAP_WIDTH;
	return size.ws_col < WRAP_WIDTH_MIN ? WRAP_WIDTH_MIN : size.ws_col;
}

void wrap_text(FILE *to, size_t width, size_t at, size_t indent, const char *text)
{
	bool first = true; /* of the line */

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t n = strcspn(text, " "), wide = columns_of(text, n);

		if (!first && at + 1 + wide > width) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(to, "%s%.*s", first ? "" : " ", (int)n, text);
		at += wide + !first;
		first = false;
		text += n;
	}
	fputc('\n', to);
}
