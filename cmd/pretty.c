#include "pretty.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

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
			fwrite(p, 1, (size_t)(next - p), f);
			break;
		default:
			fputc(*p, f);
		}
	}
	fputc('\n', f);
}

void pretty_text(FILE *f, const char *p, size_t n)
{
	bool terminal = isatty(fileno(f));

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		bool high = i && (unsigned char)p[i - 1] == 0xC2 && c >= 0x80 && c < 0xA0;

		if (terminal && ((c < ' ' && c != '\n' && c != '\t') || c == 127 || high))
			fputc('?', f);
		else
			fputc(c, f);
	}
	fputc('\n', f);
}
