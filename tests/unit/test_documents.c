/* Documents of OAuth servers: what is taken from them and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/scope.h"
#include "auth/documents.h"
#include "base/clock.h"
#include "base/diag.h"

#define HERE "http://127.0.0.1:7/mcp"
#define THERE "https://mcp.example/mcp"

static void says(const char *what, const struct err *e, const char *text)
{
	if (!strstr(e->msg, text))
		fail_msg("%s: \"%s\" is not in \"%s\"", what, text, e->msg);
}

/* ---- addresses ---- */

static const struct {
	const char *url, *endpoint;
	bool good;
} addresses[] = {
	{ "https://as.example/x", THERE, true },
	{ "https://as.example/x?y=1", THERE, true },
	{ "http://as.example/x", THERE, false },
	{ "http://127.0.0.1:9/x", THERE, false },
	{ "https://localhost/x", THERE, false },
	{ "https://[::1]/x", THERE, false },
	{ "https://127.1/x", THERE, false },
	{ "https://2130706433/x", THERE, false },
	{ "https://a.localhost/x", THERE, false },
	{ "http://localhost:9/x", HERE, true },
	{ "http://127.0.0.1:9/x", HERE, true },
	{ "https://as.example/x", HERE, true },
	{ "http://as.example/x", HERE, false },
	{ "https://user@as.example/x", THERE, false },
	{ "https://as.example/x#y", THERE, false },
	{ "https://as.example/\xc3\xa4", THERE, false },
	{ "https://as.example/\xe2\x80\xae", THERE, false },
	{ "https://\xd0\xb0s.example/", THERE, false },
	{ "javascript:alert(1)", THERE, false },
	{ "file:///etc/passwd", THERE, false },
	{ "--help", THERE, false },
	{ "https://as.example/\n--help", THERE, false },
	{ "https://as.example/ x", THERE, false },
	{ "", THERE, false },
	/* --allow-http is the only way to such an endpoint. */
	{ "http://as.lan/x", "http://mcp.lan/mcp", true },
	{ "http://127.0.0.1/x", "http://mcp.lan/mcp", false },
	{ "http://as.example/x", "https://mcp.lan/mcp", false },
};

static void only_safe_addresses_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct err e = { 0 };

		if (documents_url_ok(addresses[i].url, addresses[i].endpoint, "thing", &e) !=
			addresses[i].good)
			fail_msg("%s for %s", addresses[i].url, addresses[i].endpoint);
		assert_int_equal(e.kind, addresses[i].good ? ERR_NONE : ERR_PROTO);
		assert_true(documents_url_ok(addresses[i].url, addresses[i].endpoint, "x", NULL) ==
			    addresses[i].good);
	}
}

/* ---- resource metadata ---- */

static const struct {
	const char *resource, *endpoint;
	bool covers;
} resources[] = {
	{ "https://h/mcp", "https://h/mcp", true },
	{ "https://h/", "https://h/mcp", true },
	{ "https://h", "https://h/mcp", true },
	{ "https://h/mcp/", "https://h/mcp", true },
	{ "https://H/mcp", "https://h/mcp", true },
	{ "https://h:443/mcp", "https://h/mcp", true },
	{ "https://h/mc", "https://h/mcp", false },
	{ "https://h/mcp/x", "https://h/mcp", false },
	{ "https://h/mcpx", "https://h/mcp", false },
	{ "http://h/mcp", "https://h/mcp", false },
	{ "https://h:444/mcp", "https://h/mcp", false },
	{ "https://other/mcp", "https://h/mcp", false },
	{ "https://h/mcp?tenant=2", "https://h/mcp?tenant=1", false },
	{ "https://h/mcp?tenant=1", "https://h/mcp?tenant=1", true },
	{ "https://h/mcp", "https://h/mcp?tenant=1", true },
	{ "https://h/mcp#x", "https://h/mcp", false },
};

static void resource_must_cover_the_endpoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		char text[300];
		struct signin_record g = { 0 };
		struct documents_issuers issuers;
		struct err e = { 0 };
		int n = snprintf(
			text, sizeof(text), "{\"resource\":\"%s\"}", resources[i].resource);

		if (documents_read_resource(text, (size_t)n, resources[i].endpoint, &g, &issuers,
			    &e) != resources[i].covers)
			fail_msg("%s for %s", resources[i].resource, resources[i].endpoint);
		if (resources[i].covers)
			assert_string_equal(g.resource, resources[i].resource);
		documents_issuers_clear(&issuers);
		signin_record_clear(&g);
	}
}

static bool read_resource(
	const char *text, struct signin_record *g, struct documents_issuers *i, struct err *e)
{
	*g = (struct signin_record){ 0 };
	*e = (struct err){ 0 };
	return documents_read_resource(text, strlen(text), THERE, g, i, e);
}

static void resource_metadata_gives_servers_and_scopes(void **state)
{
	struct documents_issuers i;
	struct signin_record g;
	struct err e;

	(void)state;
	assert_true(read_resource("{\"resource\":\"" THERE
				  "\",\"authorization_servers\":[7,\"http://no.example\","
				  "\"https://a.example/x\",\"https://"
				  "b.example\"],\"scopes_supported\":[\"a\",\"\",\"b "
				  "c\",5,\"d:e\",\"\\u001b[31m\",\"\\\"x\",\"\\\\x\"]}",
		&g, &i, &e));
	assert_int_equal(i.n, 2);
	assert_string_equal(i.item[0], "https://a.example/x");
	assert_string_equal(i.item[1], "https://b.example");
	assert_string_equal(g.scopes_offered, "a d:e");
	documents_issuers_clear(&i);
	signin_record_clear(&g);
	assert_true(read_resource("{\"resource\":\"" THERE "\"}", &g, &i, &e));
	assert_int_equal(i.n, 0);
	assert_null(g.scopes_offered);
	signin_record_clear(&g);
	assert_false(read_resource("{\"resource\":\"" THERE
				   "\",\"authorization_servers\":[\"http://no.example\"]}",
		&g, &i, &e));
	says("http", &e, "not https");
	signin_record_clear(&g);
	for (size_t k = 0; k < 2; k++) {
		static const char *const bad[] = { "{}", "[]" };

		assert_false(read_resource(bad[k], &g, &i, &e));
		assert_int_equal(e.kind, ERR_PROTO);
		signin_record_clear(&g);
	}
}

static void more_servers_than_anybody_needs_are_left_out(void **state)
{
	struct documents_issuers i;
	struct signin_record g;
	struct err e;

	(void)state;
	assert_true(
		read_resource("{\"resource\":\"" THERE
			      "\",\"authorization_servers\":[\"https://a\",\"https://b\",\"https://"
			      "c\",\"https://d\",\"https://e\"]}",
			&g, &i, &e));
	assert_int_equal(i.n, DOCUMENTS_ISSUERS_MAX);
	documents_issuers_clear(&i);
	signin_record_clear(&g);
}

/* ---- server metadata ---- */

#define META(more) \
	"{\"issuer\":\"https://as.example\",\"authorization_endpoint\":\"https://as.example/a\"," \
	"\"token_endpoint\":\"https://as.example/" \
	"t\",\"code_challenge_methods_supported\":[\"S256\"]" more "}"

static bool read_metadata(const char *text, const char *issuer, bool guessed,
	struct signin_record *g, struct server_traits *t, struct err *e)
{
	*g = (struct signin_record){ 0 };
	*t = (struct server_traits){ 0 };
	*e = (struct err){ 0 };
	return documents_read_metadata(text, strlen(text), issuer, guessed, THERE, g, t, e);
}

static void server_metadata_gives_endpoints_and_traits(void **state)
{
	struct server_traits t;
	struct signin_record g;
	struct err e;

	(void)state;
	assert_true(read_metadata(
		META(",\"registration_endpoint\":\"https://as.example/r/\",\"scopes_supported\":["
		     "\"x\",\"offline_access\"],\"client_id_metadata_document_supported\":true,"
		     "\"authorization_response_iss_parameter_supported\":true,"
		     "\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_"
		     "basic\"]"),
		"https://as.example", false, &g, &t, &e));
	assert_string_equal(g.issuer, "https://as.example");
	assert_string_equal(g.registration_endpoint, "https://as.example/r/");
	assert_string_equal(g.auth_methods, "none client_secret_basic");
	assert_null(g.revocation_endpoint);
	assert_true(g.iss_promised && t.offline_access && t.client_documents);
	signin_record_clear(&g);
}

static void server_metadata_that_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *what, *text, *issuer;
		bool guessed;
		const char *says;
	} rows[] = {
		{ "slash of a path", META(""), "https://as.example/t", false,
			"another issuer (https://as.example) than the one that was asked "
			"(https://as.example/t)" },
		{ "another host", META(""), "https://as.example.evil/", false, "another issuer" },
		{ "none", "{\"token_endpoint\":\"https://as.example/t\"}", "https://as.example",
			false, "metadata of the sign-in server https://as.example has no issuer" },
		{ "guessed elsewhere", META(""), "https://mcp.example", true, "another issuer" },
		{ "no token endpoint", "{\"issuer\":\"https://as.example\"}", "https://as.example",
			false, "token_endpoint" },
		{ "http", META(",\"registration_endpoint\":\"http://as.example/r\""),
			"https://as.example", false, "registration_endpoint" },
		{ "empty", "{\"issuer\":\"https://as.example\",\"token_endpoint\":\"\"}",
			"https://as.example", false, "has no token_endpoint" },
		{ "no JSON", "<html>", "https://as.example", false, "JSON" },
	};
	struct server_traits t;
	struct signin_record g;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_metadata(rows[i].text, rows[i].issuer, rows[i].guessed, &g, &t, &e))
			fail_msg("%s is taken", rows[i].what);
		says(rows[i].what, &e, rows[i].says);
		signin_record_clear(&g);
	}
}

/* Google names itself without the slash that others write. */
static void slash_of_an_empty_path_is_no_difference(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = { { "https://as.example", "https://as.example/", true },
		{ "https://as.example", "https://as.example", true },
		{ "https://as.example:1", "https://as.example:1/", true },
		{ "https://as.example/t", "https://as.example/t/", false },
		{ "https://as.example", "https://as.example//", false },
		{ "https://as.example", "https://as.example/?", false },
		{ "https://as.example?x", "https://as.example?x/", false },
		{ "https://as.example", "https://as.example.evil", false },
		{ "https://as.example", "https://AS.example/", false }, { "", "/", false } };
	struct server_traits t;
	struct signin_record g;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (documents_same_issuer(rows[i].a, rows[i].b) != rows[i].same ||
			documents_same_issuer(rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	assert_true(read_metadata(META(""), "https://as.example/", false, &g, &t, &e));
	assert_string_equal(
		g.issuer, "https://as.example"); /* its own word: "iss" is compared to it */
	signin_record_clear(&g);
}

static void useless_optional_endpoints_are_left_unused(void **state)
{
	static const char *const names[] = { "revocation_endpoint", "introspection_endpoint",
		"userinfo_endpoint", "device_authorization_endpoint" };
	static const char *const bad[] = { "\"\"", "\"/relative\"", "\"http://as.example/x\"",
		"\"https://as.example/x#f\"", "7", "\"javascript:x\"" };
	struct server_traits t;
	struct signin_record g;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 4 * 6; i++) {
		char text[500];

		snprintf(text, sizeof(text), META(",\"%s\":%s"), names[i % 4], bad[i / 4]);
		if (!read_metadata(text, "https://as.example", false, &g, &t, &e))
			fail_msg("%s: %s", text, e.msg);
		assert_int_equal(t.nunused, 1);
		assert_string_equal(t.unused[0], names[i % 4]);
		assert_true(!g.revocation_endpoint && !g.device_endpoint);
		signin_record_clear(&g);
	}
	assert_true(read_metadata(META(",\"revocation_endpoint\":null,\"registration_endpoint\":"
				       "\"\""),
		"https://as.example", false, &g, &t, &e));
	assert_int_equal(t.nunused, 0);
	assert_null(g.registration_endpoint);
	signin_record_clear(&g);
}

static void server_without_pkce_gives_no_codes(void **state)
{
	static const struct {
		const char *methods;
		bool good;
	} rows[] = {
		{ ",\"code_challenge_methods_supported\":[\"plain\",\"S256\"]", true },
		{ ",\"code_challenge_methods_supported\":[\"plain\"]", false },
		{ ",\"code_challenge_methods_supported\":\"S256\"", false },
		{ "", false },
	};
	struct server_traits t;
	struct signin_record g;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[300];

		snprintf(text, sizeof(text),
			"{\"issuer\":\"https://as.example\",\"token_endpoint\":"
			"\"https://as.example/t\"%s}",
			rows[i].methods);
		assert_true(read_metadata(text, "https://as.example", false, &g, &t, &e));
		assert_int_equal(documents_takes_pkce(&t, &e), rows[i].good);
		if (!rows[i].good)
			says(rows[i].methods, &e, "--assume-pkce-s256");
		signin_record_clear(&g);
	}
}

/* ---- clients ---- */

static const struct {
	const char *what, *document, *given, *offered, *method;
	bool secret;
} clients[] = {
	{ "public", "{\"client_id\":\"x\"}", NULL, NULL, "none", false },
	{ "no secret, whatever it says",
		"{\"client_id\":\"x\",\"token_endpoint_auth_method\":\"client_secret_basic\"}",
		NULL, NULL, "none", false },
	{ "empty secret", "{\"client_id\":\"x\",\"client_secret\":\"\"}", NULL, NULL, "none",
		false },
	{ "nothing said", "{\"client_id\":\"x\",\"client_secret\":\"s3cret\"}", NULL, NULL,
		"client_secret_basic", true },
	{ "by itself",
		"{\"client_id\":\"x\",\"client_secret\":\"s3cret\",\"token_endpoint_auth_method\":"
		"\"client_secret_post\"}",
		"client_secret_basic", NULL, "client_secret_post", true },
	{ "by the person", "{\"client_id\":\"x\",\"client_secret\":\"s3cret\"}",
		"client_secret_post", NULL, "client_secret_post", true },
	{ "by the server", "{\"client_id\":\"x\",\"client_secret\":\"s3cret\"}", NULL,
		"none client_secret_post", "client_secret_post", true },
	{ "basic before post", "{\"client_id\":\"x\",\"client_secret\":\"s3cret\"}", NULL,
		"client_secret_post client_secret_basic", "client_secret_basic", true },
	{ "unknown method",
		"{\"client_id\":\"x\",\"client_secret\":\"s3cret\",\"token_endpoint_auth_method\":"
		"\"private_key_jwt\"}",
		"tls_client_auth", NULL, "client_secret_basic", true },
	{ "public on purpose",
		"{\"client_id\":\"x\",\"client_secret\":\"s3cret\",\"token_endpoint_auth_method\":"
		"\"none\"}",
		NULL, NULL, "none", true },
};

static void clients_authenticate_as_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct signin_record g = {
			.auth_methods = clients[i].offered ? strdup(clients[i].offered) : NULL
		};
		struct err e = { 0 };

		if (!documents_read_client(clients[i].document, strlen(clients[i].document),
			    clients[i].given, &g, &e))
			fail_msg("%s: %s", clients[i].what, e.msg);
		if (strcmp(g.client_method, clients[i].method) != 0)
			fail_msg("%s: %s", clients[i].what, g.client_method);
		assert_int_equal(secret_isset(&g.client_secret), clients[i].secret);
		signin_record_clear(&g);
	}
}

static void end_of_a_secret_counts_where_there_is_one(void **state)
{
	static const char with[] = "{\"client_id\":\"x\",\"client_secret\":\"s3cret\",\"client_"
				   "secret_expires_at\":99}";
	static const char without[] = "{\"client_id\":\"x\",\"client_secret_expires_at\":99}";
	struct signin_record g = { 0 };

	(void)state;
	assert_true(documents_read_client(with, strlen(with), NULL, &g, NULL));
	assert_int_equal(g.client_expires_s, 99);
	assert_true(documents_read_client(without, strlen(without), NULL, &g, NULL));
	assert_int_equal(g.client_expires_s, 0);
	signin_record_clear(&g);
}

static void clients_without_a_usable_name_are_refused(void **state)
{
	static const char *const rows[] = { "{}", "[]", "{\"client_id\":7}", "{\"client_id\":\"\"}",
		"{\"client_id\":\"a\\nb\"}", "{\"client_id\":\"a\\u00e4\"}",
		"{\"client_id\":\"a\",\"client_secret\":\"s\\u0000s\"}",
		"{\"client_id\":\"a\",\"client_secret\":\"s\\ts\"}" };
	struct signin_record g = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (documents_read_client(rows[i], strlen(rows[i]), NULL, &g, &e))
			fail_msg("%s is taken", rows[i]);
	signin_record_clear(&g);
}

/* RFC 6749 appendix A: client_id, client_secret and refresh_token are VSCHAR, blanks among it. */
static void names_and_tokens_may_hold_blanks(void **state)
{
	static const char client[] = "{\"client_id\":\"my client ~\",\"client_secret\":\"s s\"}";
	static const char tokens[] = "{\"access_token\":\"acc\",\"refresh_token\":\"ref 1 ~\"}";
	struct signin_record g = { 0 };
	struct err e = { 0 };

	(void)state;
	if (!documents_read_client(client, strlen(client), NULL, &g, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(g.client_id, "my client ~");
	assert_string_equal(secret_str(&g.client_secret), "s s");
	assert_true(documents_read_tokens(tokens, strlen(tokens), false, &g, &e));
	assert_string_equal(secret_str(&g.refresh), "ref 1 ~");
	signin_record_clear(&g);
}

static void registration_says_who_we_are(void **state)
{
	struct signin_record g = { .redirect_uri = strdup("http://localhost:1/cb") };
	char *text = documents_registration(&g, NULL, "a b", NULL);

	(void)state;
	assert_string_equal(text,
		"{\"client_name\":\"mpmcp\",\"redirect_uris\":[\"http://localhost:1/cb\"],"
		"\"grant_types\":[\"authorization_code\",\"refresh_token\"],\"response_types\":["
		"\"code\"],\"token_endpoint_auth_method\":\"none\",\"application_type\":\"native\","
		"\"scope\":\"a b\"}");
	free(text);
	g.device_endpoint = strdup("https://as.example/d");
	text = documents_registration(&g, "{\"client_name\":\"mine\",\"scope\":\"x\"}", NULL, NULL);
	assert_non_null(strstr(text, "\"client_name\":\"mine\""));
	assert_non_null(strstr(text, "\"scope\":\"x\""));
	assert_non_null(strstr(text, "device_code"));
	free(text);
	signin_record_clear(&g);
}

/* ---- tokens ---- */

static bool read_tokens(const char *text, bool id, struct signin_record *g, struct err *e)
{
	*e = (struct err){ 0 };
	return documents_read_tokens(text, strlen(text), id, g, e);
}

/* Each name is looked up in other lists, which a server must not make a matter of minutes. */
static void lists_of_scopes_are_cut_between_names(void **state)
{
	static char text[65536];
	struct documents_issuers i;
	struct signin_record g;
	struct err e;
	int n = snprintf(text, sizeof(text), "{\"resource\":\"" THERE "\",\"scopes_supported\":[");

	(void)state;
	for (int k = 0; k < 5000; k++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "\"s%04d\",", k);
	snprintf(text + n - 1, sizeof(text) - (size_t)n, "]}");
	assert_true(read_resource(text, &g, &i, &e));
	assert_in_range(strlen(g.scopes_offered), SCOPE_LIST_MAX - 6, SCOPE_LIST_MAX);
	assert_int_equal(strrchr(g.scopes_offered, ' ')[1], 's');
	assert_int_equal(strlen(strrchr(g.scopes_offered, ' ')), 6);
	signin_record_clear(&g);
	n = snprintf(text, sizeof(text), "{\"access_token\":\"acc\",\"scope\":\"");
	memset(text + n, 'x', SCOPE_LIST_MAX + 1);
	strcpy(text + n + SCOPE_LIST_MAX + 1, "\"}");
	g = (struct signin_record){ .scope_asked = strdup("a b") };
	assert_true(documents_read_tokens(text, strlen(text), false, &g, &e));
	assert_string_equal(g.scope_granted, "a b");
	signin_record_clear(&g);
}

static void token_answers_are_taken(void **state)
{
	struct signin_record g = { .scope_asked = strdup("a b") };
	struct err e;

	(void)state;
	clock_set(1000, 5000);
	assert_true(read_tokens(
		"{\"access_token\":\"acc-1\",\"token_type\":\"bearer\",\"expires_in\":60,"
		"\"refresh_token\":\"ref-1\"}",
		false, &g, &e));
	assert_string_equal(secret_str(&g.access), "acc-1");
	assert_string_equal(g.scope_granted, "a b");
	assert_int_equal(g.expires_s, 5060);
	assert_true(read_tokens(
		"{\"access_token\":\"acc-2\",\"scope\":\"a \\u001b[31m\"}", false, &g, &e));
	assert_string_equal(secret_str(&g.refresh), "ref-1"); /* kept */
	assert_string_equal(g.scope_granted, "a ?[31m");
	assert_int_equal(g.expires_s, 0);
	assert_true(read_tokens("{\"access_token\":\"acc-3\",\"scope\":\"\"}", false, &g, &e));
	assert_string_equal(g.scope_granted, "a ?[31m");
	assert_true(read_tokens(
		"{\"access_token\":\"acc-4\",\"refresh_token\":\"ref\\r\\n2\"}", false, &g, &e));
	assert_string_equal(secret_str(&g.refresh), "ref-1"); /* no token can read like that */
	clock_set(-1, -1);
	signin_record_clear(&g);
}

static void token_answers_that_are_wrong_are_refused(void **state)
{
	static const char *const rows[] = { "", "{}", "[]", "<html>", "{\"access_token\":\"\"}",
		"{\"access_token\":7}", "{\"access_token\":\"a\\r\\nb\"}",
		"{\"access_token\":\"a b\"}", "{\"access_token\":\"a\\u00e4\"}",
		"{\"access_token\":\"a\\u0000b\"}",
		"{\"access_token\":\"abc\",\"token_type\":\"mac\"}",
		"{\"access_token\":\"abc\",\"token_type\":\"DPoP\"}" };
	struct signin_record g = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_tokens(rows[i], false, &g, &e))
			fail_msg("%s is taken", rows[i]);
		assert_int_equal(e.kind, ERR_PROTO);
		assert_false(secret_isset(&g.access));
	}
	signin_record_clear(&g);
}

static void lifetimes_that_make_no_sense_count_as_unknown(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} rows[] = { { "60", 60 }, { "60.7", 60 }, { "\"60\"", 60 }, { "0", 0 }, { "-5", 0 },
		{ "\"-5\"", 0 }, { "\"\"", 0 }, { "\"soon\"", 0 }, { "1e300", 0 }, { "1e18", 0 },
		{ "\"99999999999999\"", 0 }, { "null", 0 }, { "[]", 0 } };

	(void)state;
	clock_set(1000, 5000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signin_record g = { 0 };
		struct err e;
		char text[200];

		snprintf(text, sizeof(text), "{\"access_token\":\"abc\",\"expires_in\":%s}",
			rows[i].text);
		assert_true(read_tokens(text, false, &g, &e));
		if (g.expires_s != (rows[i].s ? 5000 + rows[i].s : 0))
			fail_msg("%s gives %lld", rows[i].text, (long long)g.expires_s);
		signin_record_clear(&g);
	}
	clock_set(-1, -1);
}

static void id_token_ends_when_it_says(void **state)
{
	/* {"exp":7000} between two dots */
	static const char good[] = "{\"access_token\":\"abc\",\"expires_in\":60,\"id_token\":\"e30."
				   "eyJleHAiOjcwMDB9.c2ln\"}";
	static const char odd[] =
		"{\"access_token\":\"abc\",\"expires_in\":60,\"id_token\":\"opaque\"}";
	struct signin_record g = { 0 };
	struct err e;

	(void)state;
	clock_set(1000, 5000);
	assert_true(read_tokens(good, true, &g, &e));
	assert_int_equal(g.expires_s, 7000);
	assert_true(read_tokens(odd, true, &g, &e));
	assert_int_equal(g.expires_s, 5060);
	assert_false(read_tokens("{\"access_token\":\"abc\"}", true, &g, &e));
	says("no id_token", &e, "openid");
	clock_set(-1, -1);
	signin_record_clear(&g);
}

static void errors_are_read_and_cleaned(void **state)
{
	static const char text[] =
		"{\"error\":\"invalid_grant\",\"error_description\":\"No\\u001b[31m.\\nGo\"}";
	char code[64], words[241];

	(void)state;
	documents_read_error(text, strlen(text), code, words);
	assert_string_equal(code, "invalid_grant");
	assert_string_equal(words, "No?[31m. Go");
	documents_read_error("<html>", 6, code, words);
	assert_string_equal(code, "");
	assert_string_equal(words, "");
}

/* They go to pages, notes and logs alike. */
static void errors_repeat_no_secret(void **state)
{
	static const char text[] =
		"{\"error\":\"invalid_grant\",\"error_description\":\"r3fresh-t0ken-77 is over\"}";
	char code[64], words[241];

	(void)state;
	diag_hide("r3fresh-t0ken-77", 16);
	documents_read_error(text, strlen(text), code, words);
	assert_string_equal(words, "[hidden] is over");
}

static void errors_are_cut_to_their_room(void **state)
{
	char code[64], words[241], error[301] = { 0 }, text[400];
	int n;

	(void)state;
	for (size_t len = 63; len <= 300; len += len == 63 ? 1 : 236) {
		memset(error, 'e', len);
		n = snprintf(text, sizeof(text), "{\"error\":\"%s\"}", error);
		documents_read_error(text, (size_t)n, code, words);
		/* A part of a name would be another name. */
		assert_int_equal(strlen(code), len < sizeof(code) ? len : 0);
		assert_int_equal(strlen(words), len < sizeof(words) ? len : sizeof(words) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_safe_addresses_are_taken),
		cmocka_unit_test(resource_must_cover_the_endpoint),
		cmocka_unit_test(resource_metadata_gives_servers_and_scopes),
		cmocka_unit_test(more_servers_than_anybody_needs_are_left_out),
		cmocka_unit_test(server_metadata_gives_endpoints_and_traits),
		cmocka_unit_test(server_metadata_that_is_wrong_is_refused),
		cmocka_unit_test(slash_of_an_empty_path_is_no_difference),
		cmocka_unit_test(useless_optional_endpoints_are_left_unused),
		cmocka_unit_test(server_without_pkce_gives_no_codes),
		cmocka_unit_test(clients_authenticate_as_said),
		cmocka_unit_test(end_of_a_secret_counts_where_there_is_one),
		cmocka_unit_test(clients_without_a_usable_name_are_refused),
		cmocka_unit_test(names_and_tokens_may_hold_blanks),
		cmocka_unit_test(registration_says_who_we_are),
		cmocka_unit_test(lists_of_scopes_are_cut_between_names),
		cmocka_unit_test(token_answers_are_taken),
		cmocka_unit_test(token_answers_that_are_wrong_are_refused),
		cmocka_unit_test(lifetimes_that_make_no_sense_count_as_unknown),
		cmocka_unit_test(id_token_ends_when_it_says),
		cmocka_unit_test(errors_are_read_and_cleaned),
		cmocka_unit_test(errors_repeat_no_secret),
		cmocka_unit_test(errors_are_cut_to_their_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
