#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/signin_record.h"

/* A record with every field set, by way of its JSON form. */
static const char full[] =
	"{\"url\":\"u\",\"resource\":\"r\",\"profile\":\"p\",\"issuer\":\"i\","
	"\"authorization_endpoint\":\"ae\",\"token_endpoint\":\"te\",\"registration_endpoint\":"
	"\"re\","
	"\"revocation_endpoint\":\"ve\",\"device_endpoint\":\"de\",\"auth_methods\":\"none\","
	"\"scopes_offered\":\"so\",\"client_id\":\"ci\",\"client_method\":\"cm\",\"redirect_uri\":"
	"\"ru\","
	"\"scope_asked\":\"sa\",\"scope_granted\":\"sg\",\"scope_wanted\":\"sw\",\"word\":\"w\","
	"\"client_secret\":\"client-secret\",\"access_token\":\"access-token\",\"refresh_token\":"
	"\"refresh-"
	"token\",\"client_secret_expires\":1,\"obtained\":2,\"expires\":3,\"word_at\":4,\"iss_"
	"promised\":"
	"true}";

static struct signin_record parse(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	struct signin_record g;

	assert_true(signin_record_from_json(o, &g));
	json_decref(o);
	return g;
}

static void assert_full(const struct signin_record *g)
{
	json_t *have = signin_record_to_json(g), *want = json_loads(full, 0, NULL);

	assert_true(json_equal(have, want));
	json_decref(have);
	json_decref(want);
}

static void every_field_survives_the_file(void **state)
{
	struct signin_record g = parse(full);

	(void)state;
	assert_full(&g);
	assert_string_equal(g.device_endpoint, "de");
	assert_int_equal(g.client_expires_s, 1);
	assert_string_equal(secret_str(&g.refresh), "refresh-token");
	signin_record_clear(&g);
	assert_null(g.url);
}

static void every_field_is_copied(void **state)
{
	struct signin_record g = parse(full), copy = { 0 };

	(void)state;
	signin_record_copy(&copy, &g);
	signin_record_clear(&g);
	assert_full(&copy);
	signin_record_clear(&copy);
}

static void places_are_taken_as_a_whole(void **state)
{
	struct signin_record
		g = parse(full),
		found = parse("{\"url\":\"x\",\"issuer\":\"new\",\"token_endpoint\":\"newt\"}");

	(void)state;
	signin_record_add_places(&g, &found);
	assert_string_equal(g.issuer, "new");
	assert_string_equal(g.token_endpoint, "newt");
	assert_null(g.revocation_endpoint); /* it has none any more */
	assert_string_equal(g.url, "u");
	assert_string_equal(secret_str(&g.access), "access-token");
	assert_false(g.iss_promised);
	signin_record_clear(&g);
	signin_record_clear(&found);
}

static void wrong_types_are_nothing(void **state)
{
	struct signin_record g =
		parse("{\"url\":\"u\",\"issuer\":7,\"access_token\":[],\"expires\":\"x\","
		      "\"refresh_token\":\"\"}");

	(void)state;
	assert_null(g.issuer);
	assert_false(secret_isset(&g.access));
	assert_false(secret_isset(&g.refresh));
	assert_int_equal(g.expires_s, 0);
	signin_record_clear(&g);
	assert_false(signin_record_from_json(NULL, &g));
	signin_record_clear(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_survives_the_file),
		cmocka_unit_test(every_field_is_copied),
		cmocka_unit_test(places_are_taken_as_a_whole),
		cmocka_unit_test(wrong_types_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
