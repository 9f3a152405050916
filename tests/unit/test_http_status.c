#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/http/exchange_impl.h"

#define ERROR(id, code, text) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" text "\"" \
	"}}"

/* MCP 2025-11-25, Session Management 3 and 4, and what servers make of it. */
static void session_is_lost_when_the_refusal_says_so(void **state)
{
	static const struct {
		const char *what;
		long status;
		bool in_session; /* the request carried a session id */
		bool about;      /* the words are about a session */
		bool resuming;
		const char *body;
		bool lost;
	} rows[] = {
		{ "404 in a session", 404, true, false, false, "", true },
		{ "404 with a page", 404, true, false, false, "<html>Not Found</html>", true },
		{ "404 without one", 404, false, false, false, "", false },
		{ "404 without one, about one", 404, false, true, false, "Session not found",
			false },
		{ "an error without an id", 404, true, false, false,
			ERROR("null", "-32000", "gone"), true },
		{ "an id of the server's own", 404, true, false, false,
			ERROR("\"server-error\"", "-32600", "gone"), true },
		{ "a method that is not there", 404, true, false, false,
			ERROR("null", "-32601", "no"), false },
		{ "the answer to this request", 404, true, false, false,
			ERROR("7", "-32000", "no such tool"), false },
		{ "the same, about the session", 404, true, true, false,
			ERROR("7", "-32000", "Session not found"), true },
		{ "parameters, whatever they are about", 404, true, true, false,
			ERROR("7", "-32602", "session"), false },
		{ "the GET of a resumption", 404, true, false, true, ERROR("7", "-32601", "no"),
			true },
		{ "400 about the session", 400, true, true, false, "Bad Request: no valid session",
			true },
		{ "400 about the session, without an id", 400, false, true, false,
			"not initialized", true },
		{ "400 about something else", 400, true, false, false, "no such project", false },
		{ "400 as the answer to this request", 400, true, true, false,
			ERROR("7", "-32000", "the session of the meeting"), false },
		{ "another status", 410, true, true, false, "session", false },
		{ "a failure of the server", 500, true, true, false, "session", false },
	};

	char request[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\"}";
	struct message sent;

	(void)state;
	assert_int_equal(message_scan(request, strlen(request), &sent, NULL), MESSAGE_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exchange x = { .c = { .message = &sent } };

		buf_init(&x.answer.body, 1000);
		assert_true(buf_adds(&x.answer.body, rows[i].body));
		x.answer.status = rows[i].status;
		x.request.in_session = rows[i].in_session;
		x.resumption.on = rows[i].resuming;
		x.e.reason = rows[i].about ? REASON_SESSION_LOST : REASON_NONE;
		if (refusal_loses_session(&x) != rows[i].lost)
			fail_msg("%s", rows[i].what);
		buf_free(&x.answer.body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_is_lost_when_the_refusal_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
