#include "tools/pretty.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "os/terminal.h"

void pretty_put(FILE *f, const char *p, size_t n)
{
	size_t at;

	if (!os_is_terminal(f)) {
		fwrite(p, 1, n, f);
		return;
	}
	for (; n; p += at, n -= at) {
		char *piece;

		for (at = 0; at < n && p[at] && p[at] != '\n' && p[at] != '\t';)
			at++;
		piece = err_clean(mem_ndup(p, at));
		fputs(piece, f);
		free(piece);
		if (at < n) {
			fputc(p[at] ? p[at] : '?', f);
			at++;
		}
	}
}

static void new_line(FILE *f, int depth)
{
	fprintf(f, "\n%*s", 2 * depth, "");
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p))
		p++;
	return p;
}

/* The end of the string that starts at p. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\' && p + 1 < end;
	return p < end ? p + 1 : end;
}

static void open_bracket(FILE *f, char c, bool empty, int depth)
{
	fputc(c, f);
	if (!empty)
		new_line(f, depth);
}

void pretty_print(FILE *f, struct span v)
{
	const char *end = v.p + v.n, *next;
	bool empty = false;
	int depth = 0;

	for (const char *p = skip_blanks(v.p, end); p < end; p = skip_blanks(next, end)) {
		next = p + 1;
		switch (*p) {
		case '{':
		case '[':
			next = skip_blanks(next, end);
			empty = next < end && (*next == '}' || *next == ']');
			open_bracket(f, *p, empty, ++depth);
			break;
		case '}':
		case ']':
			depth--;
			if (!empty)
				new_line(f, depth);
			empty = false;
			fputc(*p, f);
			break;
		case ',':
			fputc(',', f);
			new_line(f, depth);
			break;
		case ':':
			fputs(": ", f);
			break;
		case '"':
			next = skip_string(p, end);
			pretty_put(f, p, (size_t)(next - p));
			break;
		default:
			fputc(*p, f);
		}
	}
	fputc('\n', f);
}

void pretty_text(FILE *f, const char *p, size_t n)
{
	pretty_put(f, p, n);
	fputc('\n', f);
}
