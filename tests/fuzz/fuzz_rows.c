/* rows.h and csv.h on any JSON: cells lie in the text, and what is printed reads back as RFC 4180 has it,
 * with as many fields in each record as in the first, none of them a formula. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/tools/csv.c"
#include "../../cmd/tools/pretty.c"
#include "../../cmd/tools/rows.c"

static void expect(bool good)
{
	if (!good)
		abort();
}

static void check_cells(const struct rows *r, struct span text)
{
	expect(r->n && r->ncolumns && r->ncolumns <= ROWS_COLUMNS_MAX);
	for (size_t i = 0; i < r->n * r->ncolumns; i++)
		expect(!r->cells[i].p || (r->cells[i].p >= text.p && r->cells[i].n <= text.n &&
						 r->cells[i].p + r->cells[i].n <= text.p + text.n));
}

/* The end of the field at p, which is a comma or CR. */
static const char *skip_field(const char *p, const char *end)
{
	if (*p != '"') {
		expect(!strchr("=+@\t", *p) || *p == '\0');
		while (p < end && *p != ',' && *p != '\r')
			expect(*p != '"' && *p != '\n'), p++;
		return p;
	}
	expect(p + 1 < end && (p[1] == '"' || !strchr("=+-@\t\r", p[1]) || !p[1]));
	for (p++; p < end; p++) {
		if (*p != '"')
			continue;
		if (p + 1 < end && p[1] == '"')
			p++;
		else
			return p + 1;
	}
	abort();
}

static void check_csv(const char *p, size_t n)
{
	const char *end = p + n;
	size_t fields = 0, first = 0;

	while (p < end) {
		p = skip_field(p, end);
		fields++;
		expect(p < end);
		if (*p == ',') {
			p++;
			continue;
		}
		expect(p + 1 < end && p[0] == '\r' && p[1] == '\n');
		p += 2;
		if (!first)
			first = fields;
		expect(fields == first);
		fields = 0;
	}
	expect(!fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_ndup((const char *)data, size), *out = NULL;
	struct message m;
	struct rows r;
	size_t n = 0;
	FILE *f;

	if (size && message_scan(text, size, &m, NULL) == MESSAGE_OK) {
		if (rows_read(m.whole, &r))
			check_cells(&r, m.whole);
		rows_clear(&r);
		f = open_memstream(&out, &n);
		expect(f != NULL);
		(void)!csv_print(f, m.whole);
		fclose(f);
		check_csv(out, n);
		free(out);
	}
	free(text);
	return 0;
}
