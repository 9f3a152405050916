#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/service_account.h"
#include "base/crypt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define USER "my-sa.abc123.mp-service-account"
#define SECRET "Zx81qPlm0aWrTt5kVb72nEyQ9sJdH4cU"
#define PAIR USER ":" SECRET
/* Of PAIR: 64 bytes, so two '=' at the end. */
#define TOKEN \
	"bXktc2EuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpaeDgxcVBsbTBhV3JUdDVrVmI3Mm5FeVE5c0pkSDRjVQ"
#define VALUE "Bearer Basic " TOKEN "=="

/* "a:" and bytes whose base64 holds both letters that differ between the alphabets. */
#define ODD_PAIR "a:>>>???"
#define ODD_TOKEN "YTo+Pj4/Pz8="

static void base64_of(struct buf *out, const char *p, size_t n)
{
	buf_init(out, 8 * SERVICE_ACCOUNT_MAX);
	assert_true(crypt_base64(out, p, n));
}

/* Whether some piece of the text that is longer than a word stands in the message. */
static bool tells(const char *message, const char *text, size_t n)
{
	char piece[9] = "";

	for (size_t i = 0; i + 8 <= n; i++) {
		memcpy(piece, text + i, 8);
		if (strstr(message, piece))
			return true;
	}
	return false;
}

static void tokens_as_people_paste_them_mean_the_same(void **state)
{
	static const struct {
		const char *what, *text;
		bool mended;
	} rows[] = {
		{ "as documented", TOKEN "==", false },
		{ "the pair itself", PAIR, false },
		{ "half the padding lost", TOKEN "=", false },
		{ "padding lost", TOKEN, false },
		{ "too much padding", TOKEN "====", false },
		{ "padding in percent", TOKEN "%3D%3d", false },
		{ "one scheme", "Basic " TOKEN "==", false },
		{ "the whole value", "Bearer Basic " TOKEN "==", false },
		{ "one wrong scheme", "Bearer " TOKEN "==", false },
		{ "schemes in other cases", "BEARER basic " TOKEN "==", false },
		{ "schemes twice", "Bearer Basic Bearer Basic " TOKEN "==", false },
		{ "many blanks", " \t Bearer  \t Basic \n " TOKEN "== \r\n", false },
		{ "blank in percent", "Bearer%20Basic%20" TOKEN "==", false },
		{ "field", "Authorization: Bearer Basic " TOKEN "==", false },
		{ "field without blank", "authorization:Bearer Basic " TOKEN "==", false },
		{ "scheme and pair", "Basic " PAIR, false },
		{ "schemes and pair", "Bearer Basic " PAIR, false },
		{ "pair with a line break behind", PAIR "\r\n", false },
		{ "pair with an escaped line break behind", PAIR "\\n", false },
		{ "blanks around the colon's left", USER " :" SECRET, false },
		{ "double quotes", "\"" TOKEN "==\"", true },
		{ "single quotes", "'" TOKEN "=='", true },
		{ "quotes in quotes", "'\"" TOKEN "==\"'", true },
		{ "quotes around schemes", "\"Bearer Basic " TOKEN "==\"\n", true },
		{ "quotes behind schemes", "Bearer Basic \"" TOKEN "==\"", true },
		{ "quotes around the pair", "'" PAIR "'", true },
		{ "variable in front", "MIXPANEL_SA_TOKEN=" TOKEN "==", true },
		{ "line of a shell", "export MIXPANEL_SA_TOKEN='" TOKEN "=='\n", true },
		{ "byte order mark", "\xef\xbb\xbf" TOKEN "==\r\n", false },
		{ "no-break spaces", "\xc2\xa0" TOKEN "==\xc2\xa0", false },
		{ "zero-width space", TOKEN "==\xe2\x80\x8b", false },
		{ "wrapped by base64",
			"bXktc2EuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpaeDgxcVBsbTBh\nV3JUdDVrVmI3Mm5F"
			"eVE"
			"5c0pkSDRjVQ==\n",
			true },
		{ "wrapped by a terminal",
			"bXktc2EuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpaeDgxcVBsbTBh\r\n   "
			"V3JUdDVrVmI3Mm5F"
			"eVE5c0pkSDRjVQ==",
			true },
		{ "wrapped, and the breaks escaped",
			"bXktc2EuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpaeDgxcVBsbTBh\\nV3JUdDVrVmI3Mm5"
			"FeVE"
			"5c0pkSDRjVQ==\\n",
			true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *mended = "not touched";
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 1024);
		assert_true(buf_adds(&b, "<"));
		if (!service_account_from_token(rows[i].text, "MIXPANEL_SA_TOKEN", &b, &mended, &e))
			fail_msg("%s: refused: %s", rows[i].what, e.msg);
		if (strcmp(buf_str(&b), "<" VALUE) != 0)
			fail_msg("%s: wrong value", rows[i].what);
		if ((mended != NULL) != rows[i].mended)
			fail_msg("%s: mended: %s", rows[i].what, mended ? mended : "nothing");
		assert_false(mended && tells(mended, PAIR, strlen(PAIR)));
		buf_free(&b);
	}
}

static void both_alphabets_of_base64_are_read(void **state)
{
	static const char *const rows[] = { ODD_PAIR, ODD_TOKEN, "YTo-Pj4_Pz8=", "YTo-Pj4_Pz8",
		"YTo%2BPj4%2fPz8%3D" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 1024);
		if (!service_account_from_token(rows[i], "x", &b, NULL, &e))
			fail_msg("%s: refused: %s", rows[i], e.msg);
		assert_string_equal(buf_str(&b), "Bearer Basic " ODD_TOKEN);
		buf_free(&b);
	}
}

static void what_was_encoded_wrongly_is_mended(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t n; /* 0: up to the NUL */
		const char *mended;
	} rows[] = {
		{ "echo without -n", PAIR "\n", 0, "echo without -n" },
		{ "and on Windows", PAIR "\r\n", 0, "echo without -n" },
		{ "blanks around", "  " PAIR " ", 0, "removed" },
		{ "byte order mark", "\xef\xbb\xbf" PAIR, 0, "removed" },
		{ "quotes", "\"" PAIR "\"", 0, "quotes" },
		{ "quotes and a line break", "\"" PAIR "\"\n", 0, "quotes" },
		{ "encoded twice", TOKEN "==", 0, "encoded twice" },
		{ "encoded twice with echo", TOKEN "==\n", 0, "encoded twice" },
		{ "the whole value", "Bearer Basic " TOKEN "==", 0, "encoded twice" },
		{ "UTF-16", "a\0:\0b\0", 6, "UTF-16" },
		{ "UTF-16 with its mark",
			"\xff\xfe"
			"a\0:\0b\0",
			8, "UTF-16" },
		{ "UTF-16 with a line break", "a\0:\0b\0\r\0\n\0", 10, "echo without -n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *mended = NULL;
		struct buf text, b;
		struct err e = { 0 };

		base64_of(&text, rows[i].bytes, rows[i].n ? rows[i].n : strlen(rows[i].bytes));
		buf_init(&b, 1024);
		if (!service_account_from_token(
			    buf_str(&text), "MIXPANEL_SA_TOKEN", &b, &mended, &e))
			fail_msg("%s: refused: %s", rows[i].what, e.msg);
		if (strcmp(buf_str(&b), rows[i].n ? "Bearer Basic YTpi" : VALUE) != 0)
			fail_msg("%s: wrong value", rows[i].what);
		if (!mended || !strstr(mended, rows[i].mended))
			fail_msg("%s: mended: %s", rows[i].what, mended ? mended : "nothing");
		buf_free(&b);
		buf_free(&text);
	}
}

/* The cause is named, and nothing of the text is. */
static void assert_refused(const char *what, const char *text, const char *why)
{
	const char *mended = "not touched";
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1024);
	assert_true(buf_adds(&b, "<"));
	if (service_account_from_token(text, "MIXPANEL_SA_TOKEN", &b, &mended, &e))
		fail_msg("%s: taken", what);
	assert_string_equal(buf_str(&b), "<");
	assert_null(mended);
	assert_int_equal(e.kind, ERR_USAGE);
	if (!strstr(e.msg, "MIXPANEL_SA_TOKEN") || !strstr(e.msg, why))
		fail_msg("%s: message without \"%s\": %s", what, why, e.msg);
	if (tells(e.msg, PAIR, strlen(PAIR)) || tells(e.msg, TOKEN, strlen(TOKEN)))
		fail_msg("%s: message tells the secret: %s", what, e.msg);
	buf_free(&b);
}

static void what_cannot_be_meant_is_refused_with_its_cause(void **state)
{
	static const struct {
		const char *what, *text, *why;
	} rows[] = {
		{ "nothing", "", "is empty" },
		{ "blanks", " \r\n\t", "is empty" },
		{ "quotes around nothing", "\"\"", "is empty" },
		{ "schemes alone", "Bearer Basic ", "is empty" },
		{ "scheme in percent alone", "Basic%20", "is empty" },
		{ "no base64", "!!!" TOKEN "!!!", "neither base64 nor" },
		{ "one quote", "\"" TOKEN "==", "neither base64 nor" },
		{ "other escape", TOKEN "%41", "percent-encoded" },
		{ "pair in percent", USER "%3A" SECRET, "percent-encoded" },
		{ "typographic quotes", "\xe2\x80\x9c" TOKEN "\xe2\x80\x9d", "outside ASCII" },
		{ "one letter lost", "bXktc2EuYWJjMTIzL", "looks truncated" },
		{ "cut inside a byte", "bXktc2EuYWJjMTIzLm", "looks truncated" },
		{ "two tokens", TOKEN "==" TOKEN "==", "continues after" },
		{ "padding alone", "====", "looks truncated" },
		{ "secret alone", SECRET, "MIXPANEL_SA_SECRET" },
		{ "a token of OAuth", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
			"neither base64 nor" },
		{ "no colon", "bm9jb2xvbmhlcmU=", "no colon" },
		{ "no colon, twice encoded", "Ym05amIyeHZibWhsY21VPQ==", "no colon" },
		{ "encoded three times", "V1ZSd2FRPT0=", "no colon" },
		{ "no user", ":" SECRET, "no username" },
		{ "no user but a blank", " :" SECRET, "no username" },
		{ "no secret", USER ":", "no secret" },
		{ "no secret but a line break", USER ":\n", "no secret" },
		{ "no secret, encoded", "dXNlcjo=", "no secret" },
		{ "no user, encoded", "OnNlY3JldA==", "no username" },
		{ "blank in the secret", USER ":Zx81qPlm 0aWrTt5k", "blank in the middle" },
		{ "blank behind the colon", USER ": " SECRET, "blank in the middle" },
		{ "blank in the user", "my sa:" SECRET, "blank in the middle" },
		{ "two lines", USER ":" SECRET "\nother:" SECRET, "line break in the middle" },
		{ "carriage return", USER ":Zx81\rqPlm", "line break in the middle" },
		{ "header put in", USER ":" SECRET "\r\nX-Evil: 1", "line break in the middle" },
		{ "control character", USER ":\x01" SECRET, "control character" },
		{ "delete", USER ":" SECRET "\x7f", "control character" },
		{ "letter outside ASCII", USER ":Z\xc3\xa9" SECRET, "outside ASCII" },
		{ "not even UTF-8", USER ":\xff" SECRET, "outside ASCII" },
		{ "encoded control character", "dXNlcjphAWI=", "control character" },
		{ "encoded blank", "dXNlcjphIGI=", "blank in the middle" },
		{ "encoded NUL", "dXNlcjphAGI=", "control character" },
		{ "quotes around the secret", USER ":\"" SECRET "\"", "quotes or brackets" },
		{ "a quote lost", "\"" PAIR, "quotes or brackets" },
		{ "JSON", "{\"Authorization\":\"Bearer Basic " TOKEN "==\"}", "holds" },
		{ "URL", "https://" PAIR "@mcp.mixpanel.com/", "holds a URL" },
		{ "example in angle brackets", "<base64 of the pair>", "placeholder" },
		{ "example in braces", "{{token}}", "placeholder" },
		{ "example of a secret", USER ":<secret>", "placeholder" },
		{ "UTF-16 file",
			"\xff\xfe"
			"b",
			"UTF-16" },
		{ "UTF-16 file, other order", "\xfe\xff", "UTF-16" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(rows[i].what, rows[i].text, rows[i].why);
}

static void a_variable_that_nobody_replaced_is_named(void **state)
{
	static const struct {
		const char *what, *text, *why;
	} rows[] = {
		{ "alone", "${MY_TOKEN}", "${MY_TOKEN}" },
		{ "itself", "${MIXPANEL_SA_TOKEN}", "${MIXPANEL_SA_TOKEN}" },
		{ "where to set it", "${MY_TOKEN}", "\"env\" block" },
		{ "in quotes", "\"${MY_TOKEN}\"", "${MY_TOKEN}" },
		{ "behind schemes", "Bearer Basic ${MY_TOKEN}", "${MY_TOKEN}" },
		{ "as Cursor writes them", "${env:MY_TOKEN}", "${MY_TOKEN}" },
		{ "with a default", "${MY_TOKEN:-" SECRET "}", "${MY_TOKEN}" },
		{ "small letters", "${sa_token}", "${sa_token}" },
		{ "as the secret", USER ":${SA_SECRET}", "${SA_SECRET}" },
		{ "as the user", "${SA_USER}:" SECRET, "${SA_USER}" },
		{ "as both", "${SA_USER}:${SA_SECRET}", "${SA_USER}" },
		{ "without braces", "$MY_TOKEN", "${MY_TOKEN}" },
		{ "without braces in a pair", USER ":$SA_SECRET", "${SA_SECRET}" },
		{ "as Windows writes them", "%MY_TOKEN%", "${MY_TOKEN}" },
		{ "encoded", "dXNlcjoke1NBX1NFQ1JFVH0=", "${SA_SECRET}" },
		/* What may be the secret itself is not repeated. */
		{ "secret in braces", "${" SECRET "}", "${NAME}" },
		{ "token in braces", "${" TOKEN "}", "${NAME}" },
		{ "pair in braces", "${" PAIR "}", "${NAME}" },
		{ "no end", "${MY_TOKEN", "${NAME}" },
		{ "no name", "${}", "${NAME}" },
		{ "odd name", "${MY TOKEN\n}", "${NAME}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(rows[i].what, rows[i].text, rows[i].why);
}

static void a_dollar_that_is_no_variable_is_part_of_the_secret(void **state)
{
	static const char *const rows[] = { "a:$x1", "a:b$CD", "a:100%", "a:b:c", "a:$$" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf want, b;
		struct err e = { 0 };

		buf_init(&b, 64);
		base64_of(&want, rows[i], strlen(rows[i]));
		if (!service_account_from_token(rows[i], "x", &b, NULL, &e))
			fail_msg("%s: %s", rows[i], e.msg);
		assert_string_equal(buf_str(&b) + strlen("Bearer Basic "), buf_str(&want));
		buf_free(&b);
		buf_free(&want);
	}
}

static void texts_beyond_the_cap_are_refused(void **state)
{
	static char text[SERVICE_ACCOUNT_MAX + 2];
	struct err e = { 0 };
	struct buf b;

	(void)state;
	memset(text, 'A', sizeof(text) - 1);
	memcpy(text, "user:", 5);
	buf_init(&b, 8 * SERVICE_ACCOUNT_MAX);
	assert_false(service_account_from_token(text, "the file", &b, NULL, &e));
	assert_non_null(strstr(e.msg, "the file is longer than 4096 bytes"));
	text[SERVICE_ACCOUNT_MAX] = '\0';
	assert_true(service_account_from_token(text, "the file", &b, NULL, &e));
	buf_free(&b);
	buf_init(&b, 20); /* a buffer that is too small for the answer */
	assert_false(service_account_from_token(PAIR, "the file", &b, NULL, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

/* Cut wherever a copy may end, the token is either refused, or a shorter one of the right form. */
static void a_token_cut_anywhere_is_refused_or_a_pair(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < strlen(TOKEN); cut++) {
		char text[sizeof(TOKEN)];
		struct err e = { 0 };
		struct buf b;

		snprintf(text, sizeof(text), "%.*s", (int)cut, TOKEN);
		buf_init(&b, 1024);
		if (service_account_from_token(text, "x", &b, NULL, &e)) {
			assert_int_equal(cut % 4 == 1, 0);
			assert_true(cut > strlen(USER) * 4 / 3);
		} else {
			assert_false(tells(e.msg, TOKEN, strlen(TOKEN)));
		}
		buf_free(&b);
	}
}

static void a_pair_of_variables_makes_the_same_value(void **state)
{
	static const struct {
		const char *user, *secret;
	} rows[] = {
		{ USER, SECRET },
		{ USER "\n", SECRET "\r\n" },
		{ " " USER, "\t" SECRET " " },
		{ "\"" USER "\"", "'" SECRET "'" },
		{ "\xef\xbb\xbf" USER, SECRET "\\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 1024);
		if (!service_account_from_pair(rows[i].user, rows[i].secret, &b, &e))
			fail_msg("row %zu: %s", i, e.msg);
		assert_string_equal(buf_str(&b), VALUE);
		buf_free(&b);
	}
}

static void a_secret_may_begin_like_the_user(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_true(service_account_from_pair("a", "ab", &b, NULL));
	assert_string_equal(buf_str(&b), "Bearer Basic YTphYg==");
	buf_free(&b);
}

static void a_pair_that_cannot_be_meant_names_the_variable(void **state)
{
	static const struct {
		const char *user, *secret, *where, *why;
	} rows[] = {
		{ "", SECRET, "MIXPANEL_SA_USERNAME", "is empty" },
		{ USER, " ", "MIXPANEL_SA_SECRET", "is empty" },
		{ PAIR, SECRET, "MIXPANEL_SA_USERNAME", "colon" },
		{ USER, PAIR, "MIXPANEL_SA_SECRET", "begins with the username" },
		{ "my sa", SECRET, "MIXPANEL_SA_USERNAME", "blank" },
		{ USER, "Zx81\nqPlm", "MIXPANEL_SA_SECRET", "line break" },
		{ USER, "Zx81\xe2\x82\xacqPlm", "MIXPANEL_SA_SECRET", "outside ASCII" },
		{ USER, "\"" SECRET, "MIXPANEL_SA_SECRET", "quotes" },
		{ "${SA_USER}", SECRET, "MIXPANEL_SA_USERNAME", "${SA_USER}" },
		{ USER, "${SA_SECRET}", "MIXPANEL_SA_SECRET", "${SA_SECRET}" },
		{ USER, "${" SECRET "}", "MIXPANEL_SA_SECRET", "${NAME}" },
		{ USER, "$SA_SECRET", "MIXPANEL_SA_SECRET", "${SA_SECRET}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 1024);
		assert_false(service_account_from_pair(rows[i].user, rows[i].secret, &b, &e));
		assert_int_equal(b.len, 0);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.msg, rows[i].where) || !strstr(e.msg, rows[i].why))
			fail_msg("row %zu: %s", i, e.msg);
		assert_false(tells(e.msg, SECRET, strlen(SECRET)));
		buf_free(&b);
	}
}

static void an_account_goes_to_mixpanel_and_to_this_machine_only(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{ "https://mcp.mixpanel.com/mcp", true },
		{ "https://mcp-eu.mixpanel.com/mcp", true },
		{ "https://MCP.Mixpanel.com:443/mcp", true },
		{ "https://a.b.mixpanel.com/", true },
		{ "http://127.0.0.1:8080/mcp", true },
		{ "http://localhost/mcp", true },
		{ "http://[::1]:1/mcp", true },
		{ "http://mcp.mixpanel.com/mcp", false },
		{ "https://mixpanel.com.example.com/mcp", false },
		{ "https://notmixpanel.com/mcp", false },
		{ "https://mcp.mixpanel.com@example.com/mcp", false },
		{ "https://example.com/mcp?mcp.mixpanel.com", false },
		{ "https://example.com/.mixpanel.com", false },
		{ "https://example.com#.mixpanel.com", false },
		{ "https://localhost.example.com/", false },
		{ "https://127.0.0.1.example.com/", false },
		{ "https://10.0.0.1/mcp", false },
		{ "ftp://mcp.mixpanel.com/", false },
		{ "mcp.mixpanel.com", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };

		if (service_account_may_go_to(rows[i].url, &e) != rows[i].good)
			fail_msg("%s: %s", rows[i].url, e.msg);
		assert_int_equal(e.kind == ERR_NONE, rows[i].good);
	}
}

static void the_refused_address_comes_with_another_way(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_false(service_account_may_go_to("https://mcp.example.com/mcp", &e));
	assert_non_null(strstr(e.msg, "https://mcp.example.com"));
	assert_non_null(strstr(e.msg, "--header"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: secrets that are known are hidden in messages, and would not be found there. */
		cmocka_unit_test(what_cannot_be_meant_is_refused_with_its_cause),
		cmocka_unit_test(a_variable_that_nobody_replaced_is_named),
		cmocka_unit_test(a_pair_that_cannot_be_meant_names_the_variable),
		cmocka_unit_test(a_token_cut_anywhere_is_refused_or_a_pair),
		cmocka_unit_test(tokens_as_people_paste_them_mean_the_same),
		cmocka_unit_test(both_alphabets_of_base64_are_read),
		cmocka_unit_test(what_was_encoded_wrongly_is_mended),
		cmocka_unit_test(a_dollar_that_is_no_variable_is_part_of_the_secret),
		cmocka_unit_test(texts_beyond_the_cap_are_refused),
		cmocka_unit_test(a_pair_of_variables_makes_the_same_value),
		cmocka_unit_test(a_secret_may_begin_like_the_user),
		cmocka_unit_test(an_account_goes_to_mixpanel_and_to_this_machine_only),
		cmocka_unit_test(the_refused_address_comes_with_another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
