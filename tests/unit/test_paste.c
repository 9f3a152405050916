#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/paste.h"
#include "base/mem.h"

static void pasted_text_is_an_address_a_query_or_a_code(void **state)
{
	static const struct {
		const char *text;
		enum paste_kind kind;
		const char *found;
	} rows[] = {
		{ " <http://h/cb?code=a&amp;state=b#x>\n", PASTE_QUERY, "code=a&state=b" },
		{ "\033[200~\"http://h/cb?code=a\n b\"\033[201~", PASTE_QUERY, "code=ab" },
		{ "code=a&state=b", PASTE_QUERY, "code=a&state=b" },
		{ "h/cb?code=a", PASTE_QUERY, "code=a" },
		{ "c0de%2B1", PASTE_CODE, "c0de%2B1" },
		{ "http://h/cb", PASTE_NEITHER, NULL },
		{ "two words", PASTE_NEITHER, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_dup(rows[i].text), *found = NULL;
		struct err e = { 0 };
		enum paste_kind kind = paste_read(paste_trim(text), &found, &e);

		if (kind != rows[i].kind || (rows[i].found && strcmp(found, rows[i].found) != 0))
			fail_msg("%s: %d %s", rows[i].text, (int)kind, found);
		assert_int_equal(e.kind != 0, kind == PASTE_NEITHER);
		free(text);
	}
}

static void pasted_code_is_decoded_where_it_is_encoded(void **state)
{
	static const struct {
		const char *text, *code; /* NULL: cannot be one */
	} rows[] = {
		{ "c0de%2B1", "c0de+1" },
		{ "c0de+1", "c0de+1" },
		{ "c%00de", "c%00de" },
		{ "c\001de", NULL },
		{ "c%01de", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret code = { 0 };
		struct err e = { 0 };
		bool good = paste_code(rows[i].text, &code, &e);

		assert_int_equal(good, rows[i].code != NULL);
		if (good)
			assert_string_equal(secret_str(&code), rows[i].code);
		secret_clear(&code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pasted_text_is_an_address_a_query_or_a_code),
		cmocka_unit_test(pasted_code_is_decoded_where_it_is_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
