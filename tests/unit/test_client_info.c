#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/http/client_info.h"

static struct client_info read_text(const char *text)
{
	struct client_info c;

	client_info_read((struct span){ text, strlen(text) }, &c);
	return c;
}

static void agent_names_the_client_in_tokens(void **state)
{
	static const struct {
		const char *info, *want;
	} rows[] = {
		{ "{\"name\":\"claude-code\",\"version\":\"2.1.330\"}", " (claude-code/2.1.330)" },
		{ "{\"version\":\"1\",\"name\":\" Visual  Studio Code \"}",
			" (Visual-Studio-Code/1)" },
		{ "{\"name\":\"a)\\r\\nX: (b\\\\\",\"version\":\"\\u0000\"}", " (a-X-b)" },
		{ "{\"name\":\"caf\\u00e9 x\",\"version\":[]}", " (caf-x)" },
		{ "{\"name\":\"\\u540d\",\"version\":\"1\"}", "" },
		{ "{\"name\":\"\",\"version\":\"1\"}", "" },
		{ "{\"name\":\"mpmcp\",\"version\":\"1\"}", "" },
		{ "{\"name\":7}", "" },
		{ "{}", "" },
		{ "[]", "" },
		{ "7", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[200];

		snprintf(want, sizeof(want), "mpmcp/" MPMCP_VERSION "%s", rows[i].want);
		assert_string_equal(read_text(rows[i].info).agent, want);
	}
}

static void long_names_are_cut(void **state)
{
	char text[3000], want[300];

	(void)state;
	snprintf(text, sizeof(text), "{\"name\":\"%0999d\",\"version\":\"%063d (x)\"}", 0, 0);
	snprintf(want, sizeof(want), "mpmcp/" MPMCP_VERSION " (%064d/%063dx)", 0, 0);
	assert_string_equal(read_text(text).agent, want);
}

static void each_client_has_its_patience(void **state)
{
	static const struct {
		const char *name;
		int64_t ms;
	} rows[] = {
		{ "mpmcp", 0 },
		{ "mcp-test-client", 4500 },
		{ "mcp-test-client-2", 55000 },
		{ "gemini-cli-mcp-client", 0 },
		{ "gemini-cli-mcp-client-mixpanel", 0 },
		{ "qwen-cli-mcp-client-mixpanel", 9000 },
		{ "claude-code", 28000 },
		{ "codex-mcp-client", 28000 },
		{ "opencode", 28000 },
		{ "mcp-inspector", 28000 },
		{ "inspector-cli", 28000 },
		{ "inspector-tui", 28000 },
		{ "mcporter", 28000 },
		{ "github-copilot-developer", 57000 },
		{ "cursor-vscode", 55000 },
		{ "", 55000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "{\"name\":\"%s\",\"version\":\"1\"}", rows[i].name);
		assert_int_equal(read_text(text).patience_ms, rows[i].ms);
		/* Claude Code tries two processes within 30 s. */
		assert_int_equal(read_text(text).opening_ms,
			strcmp(rows[i].name, "claude-code") == 0 ? 12500 : rows[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_names_the_client_in_tokens),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(each_client_has_its_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
