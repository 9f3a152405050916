#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/url.h"

static void check_part(const char *url, const char *part, const char *got, const char *want)
{
	if ((got && !want) || (!got && want) || (got && strcmp(got, want) != 0))
		fail_msg("%s: %s is %s instead of %s", url, part, got ? got : "(none)",
			want ? want : "(none)");
}

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *scheme, *host, *path, *query, *fragment;
		unsigned port;
	} rows[] = {
		{ "https://mcp.mixpanel.com/mcp", "https", "mcp.mixpanel.com", "/mcp", NULL, NULL,
			443 },
		{ "http://localhost:8080", "http", "localhost", "/", NULL, NULL, 8080 },
		{ "HTTPS://MCP.Example.COM/MCP", "https", "mcp.example.com", "/MCP", NULL, NULL,
			443 },
		{ "https://h/p?q=1&r=/?#f?#", "https", "h", "/p", "q=1&r=/?", "f?#", 443 },
		{ "https://h?q", "https", "h", "/", "q", NULL, 443 },
		{ "https://h#f", "https", "h", "/", NULL, "f", 443 },
		{ "https://h/a//b/../c/./%2e%2E/%7Euser/", "https", "h",
			"/a//b/../c/./%2e%2E/%7Euser/", NULL, NULL, 443 },
		{ "https://h/p%zz", "https", "h", "/p%zz", NULL, NULL, 443 },
		{ "http://[::1]:80/", "http", "[::1]", "/", NULL, NULL, 80 },
		{ "http://[2001:DB8::A]/", "http", "[2001:db8::a]", "/", NULL, NULL, 80 },
		{ "https://xn--bcher-kva.example/", "https", "xn--bcher-kva.example", "/", NULL,
			NULL, 443 },
		{ "https://a_b.example:65535/", "https", "a_b.example", "/", NULL, NULL, 65535 },
		{ "http://0x7f000001/", "http", "127.0.0.1", "/", NULL, NULL, 80 },
		{ "https://h/\xC3\xA9", "https", "h", "/\xC3\xA9", NULL, NULL, 443 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url u;
		struct err e = { 0 };

		if (!url_parse(rows[i].url, &u, &e))
			fail_msg("%s: %s", rows[i].url, e.msg);
		check_part(rows[i].url, "scheme", u.scheme, rows[i].scheme);
		check_part(rows[i].url, "host", u.host, rows[i].host);
		check_part(rows[i].url, "path", u.path, rows[i].path);
		check_part(rows[i].url, "query", u.query, rows[i].query);
		check_part(rows[i].url, "fragment", u.fragment, rows[i].fragment);
		assert_int_equal(u.port, rows[i].port);
		assert_false(u.userinfo);
		url_clear(&u);
		assert_null(u.host);
	}
}

static void what_is_no_web_url_is_refused_with_a_reason(void **state)
{
	static const char *const rows[] = {
		"",
		"h",
		"//h/p",
		"/p",
		"https",
		"https:",
		"https:/h",
		"https://",
		"https:///h",
		"https://?q",
		"https://#f",
		"https://user@",
		"https://user@/p",
		"https://:443/",
		"ftp://h/",
		"file:///etc/passwd",
		"javascript:alert(1)",
		"-https://h/",
		" https://h/",
		"https://h/ ",
		"https://h /",
		"https://h/a b",
		"https://h/\ta",
		"https://h/\n",
		"https://h/\r\nX: y",
		"https://h/\x7f",
		"https://h/\x01",
		"https:\\\\h\\p",
		"https://h\\@evil.com/",
		"https://h/\\..",
		"https://h:0/",
		"https://h:65536/",
		"https://h:-1/",
		"https://h:80x/",
		"https://h:80:80/",
		"https://h:4294967739/",
		"https://[::1/",
		"https://::1/",
		"https://[::1]x/",
		"https://[::1].evil.com/",
		"https://[::1%25lo]/",
		"https://[fe80::1%eth0]/",
		"https://[v1.x]/",
		"https://[]/",
		"https://local%68ost/",
		"https://127.0.0.1%00.evil.com/",
		"https://evil.com%2f.mixpanel.com/",
		"https://evil.com%23.mixpanel.com/",
		"https://evil.com;.mixpanel.com/",
		"https://evil.com|.mixpanel.com/",
		"https://evil.com,mixpanel.com/",
		"https://evil.com*.mixpanel.com/",
		"https://evil\xE3\x80\x82mixpanel.com/",
		"https://\xE2\x93\x9Bocalhost/",
		"https://b\xC3\xBCnzli.example/",
		"https://h<x>/",
		"https://\"h\"/",
		"https://a!b/",
		"https://${HOST}/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url u;
		struct err e = { 0 };

		if (url_parse(rows[i], &u, &e))
			fail_msg("%s was taken: host %s, path %s", rows[i], u.host, u.path);
		assert_true(e.kind != ERR_NONE);
		assert_true(e.msg[0]);
		assert_null(u.host);
		url_clear(&u);
		assert_false(url_parse(rows[i], &u, NULL));
	}
}

static void the_length_has_a_limit(void **state)
{
	char text[URL_MAX + 2];
	struct url u;
	struct err e = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://h/", 10);
	text[URL_MAX] = 0;
	assert_true(url_parse(text, &u, &e));
	assert_int_equal(strlen(u.path), URL_MAX - 9);
	url_clear(&u);
	text[URL_MAX] = 'a';
	text[URL_MAX + 1] = 0;
	assert_false(url_parse(text, &u, &e));
}

static void users_and_passwords_are_reported(void **state)
{
	static const struct {
		const char *url;
		bool userinfo;
		const char *host;
	} rows[] = {
		{ "https://user@h/", true, "h" },
		{ "https://user:secret@h/", true, "h" },
		{ "https://:secret@h/", true, "h" },
		{ "https://@h/", true, "h" },
		{ "https://localhost@evil.com/", true, "evil.com" },
		{ "https://mcp.mixpanel.com:443@evil.com/", true, "evil.com" },
		{ "https://a%40b@h/", true, "h" },
		{ "https://h/@evil.com", false, "h" },
		{ "https://h?@evil.com", false, "h" },
		{ "https://h#@evil.com", false, "h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url u;

		assert_true(url_parse(rows[i].url, &u, NULL));
		if (u.userinfo != rows[i].userinfo || strcmp(u.host, rows[i].host) != 0)
			fail_msg("%s: user %d, host %s", rows[i].url, u.userinfo, u.host);
		url_clear(&u);
	}
}

static void origins_are_scheme_host_and_port(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "https://h/a", "https://h/b?c#d", true },
		{ "https://h", "https://H:443/", true },
		{ "http://h:80", "HTTP://h/", true },
		{ "http://127.0.0.1/", "http://2130706433/", true },
		{ "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", true },
		{ "https://h", "http://h", false },
		{ "https://h", "http://h:443", false },
		{ "https://h", "https://h:444", false },
		{ "https://h", "https://h.", false },
		{ "https://h", "https://h.evil.com", false },
		{ "https://h", "https://h@evil.com", false },
		{ "https://[fe80::1%251]/", "https://[fe80::1%252]/", false },
		{ "https://h", "not a url", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (url_same_origin(rows[i].a, rows[i].b) != rows[i].same ||
			url_same_origin(rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void an_origin_is_written_without_the_default_port(void **state)
{
	static const struct {
		const char *url, *origin;
	} rows[] = {
		{ "https://H:443/p?q", "https://h" },
		{ "https://h:80/", "https://h:80" },
		{ "http://h:80/", "http://h" },
		{ "http://h:443/", "http://h:443" },
		{ "http://[::1]:3335/", "http://[::1]:3335" },
		{ "https://user:secret@h/", "https://h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url u;
		struct buf b;

		buf_init(&b, 100);
		assert_true(url_parse(rows[i].url, &u, NULL));
		assert_true(url_origin(&u, &b));
		assert_string_equal(buf_str(&b), rows[i].origin);
		buf_free(&b);
		buf_init(&b, 7);
		assert_false(url_origin(&u, &b));
		buf_free(&b);
		url_clear(&u);
	}
}

static void loopback_is_not_to_be_imitated(void **state)
{
	static const struct {
		const char *host;
		bool loopback;
	} rows[] = {
		{ "localhost", true },
		{ "LocalHost", true },
		{ "app.localhost", true },
		{ "127.0.0.1", true },
		{ "127.255.255.254", true },
		{ "[::1]", true },
		{ "[0:0:0:0:0:0:0:1]", true },
		/* Other ways to write 127.0.0.1: libcurl connects there. */
		{ "127.1", true },
		{ "0x7f000001", true },
		{ "2130706433", true },
		{ "0177.0.0.1", true },
		{ "localhost.", false },
		{ "127.0.0.1.", false },
		{ "localhost.evil.com", false },
		{ "127.0.0.1.evil.com", false },
		{ "evil-localhost", false },
		{ "evillocalhost", false },
		{ ".localhost", false },
		{ "localhost-evil.com", false },
		{ "localhost@evil.com", false },
		{ "127.0.0.1@evil.com", false },
		{ "127.0.0.1:80@evil.com", false },
		{ "evil.com/localhost", false },
		{ "evil.com?.localhost", false },
		{ "evil.com#.localhost", false },
		{ "[::ffff:127.0.0.1]", true },
		{ "[::127.0.0.1]", false },
		{ "[::2]", false },
		{ "[::]", true },
		{ "0.0.0.0", true },
		{ "0", true },
		{ "128.0.0.1", false },
		{ "12.7.0.0.1", false },
		{ "126.255.255.255", false },
		{ "127.0.0.256", false },
		{ "127.0.0", true }, /* 127.0.0.0 */
		{ "127.0.0.1.1", false },
		{ "127.0.0.1a", false },
		{ "127.0.083.3", false }, /* no octal number: a name */
		{ "0127.0.0.1", false },
		{ "1127.0.0.1", false },
		{ "10.0.0.1", false },
		{ "192.168.127.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		struct url u;

		snprintf(text, sizeof(text), "http://%s/", rows[i].host);
		assert_true(url_parse(text, &u, NULL));
		if (url_is_loopback(&u) != rows[i].loopback || url_is_safe(&u) != rows[i].loopback)
			fail_msg("%s (host %s)", text, u.host);
		url_clear(&u);
		snprintf(text, sizeof(text), "https://%s/", rows[i].host);
		assert_true(url_parse(text, &u, NULL));
		assert_true(url_is_safe(&u));
		url_clear(&u);
	}
}

static void a_domain_holds_itself_and_what_is_below(void **state)
{
	static const struct {
		const char *host;
		bool inside;
	} rows[] = {
		{ "mixpanel.com", true },
		{ "mcp.mixpanel.com", true },
		{ "MCP.EU.Mixpanel.Com", true },
		{ "mixpanel.com.", false },
		{ "evilmixpanel.com", false },
		{ "mixpanel.com.evil.com", false },
		{ "mixpanel.com@evil.com", false },
		{ "evil.com/mixpanel.com", false },
		{ "com", false },
		{ "ixpanel.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		struct url u;

		snprintf(text, sizeof(text), "https://%s/", rows[i].host);
		assert_true(url_parse(text, &u, NULL));
		if (url_in_domain(&u, "mixpanel.com") != rows[i].inside)
			fail_msg("%s", text);
		url_clear(&u);
	}
}

static void locations_are_resolved(void **state)
{
	static const struct {
		const char *base, *ref, *want; /* NULL: refused */
	} rows[] = {
		{ "https://h/a/b?q", "c", "https://h/a/c" },
		{ "https://h/a/b?q", "/c?d", "https://h/c?d" },
		{ "https://h/a/b", "../c", "https://h/c" },
		{ "https://h/a/b", "//other/c", "https://other/c" },
		{ "https://h:8443/a", "/c", "https://h:8443/c" },
		{ "https://h/a", "http://other:81/c?d#e", "http://other:81/c?d#e" },
		{ "https://h/a", "https://h/a/", "https://h/a/" },
		{ "https://h/a", "", NULL },
		{ "https://h/a", "/b c", NULL },
		{ "https://h/a", "/b\r\nX: y", NULL },
		{ "https://h/a", "\\\\evil\\c", NULL },
		{ "https://h/a", "nosuchscheme://x/", NULL },
		{ "https://h/a", "ftp://x/", NULL },
		{ "https://h/a", "file:///etc/passwd", NULL },
		{ "https://h/a", "https://a%7fb/", NULL },
		{ "ftp://h/a", "b", NULL },
		{ "", "/c", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		char *got = url_join(rows[i].base, rows[i].ref, &e);

		check_part(rows[i].ref, "target", got, rows[i].want);
		assert_int_equal(e.kind != ERR_NONE, got == NULL);
		free(got);
	}
}

static void well_known_documents_are_where_the_standards_put_them(void **state)
{
#define PRM "oauth-protected-resource"
#define ASM "oauth-authorization-server"
#define OID "openid-configuration"
	static const struct {
		const char *base, *name, *before, *root, *behind;
	} rows[] = {
		{ "https://h/mcp", PRM, "https://h/.well-known/" PRM "/mcp",
			"https://h/.well-known/" PRM, "https://h/mcp/.well-known/" PRM },
		{ "https://h", PRM, "https://h/.well-known/" PRM, "https://h/.well-known/" PRM,
			"https://h/.well-known/" PRM },
		{ "https://h/", PRM, "https://h/.well-known/" PRM, "https://h/.well-known/" PRM,
			"https://h/.well-known/" PRM },
		/* A resource's path and query stay what they are. */
		{ "https://h/mcp/", PRM, "https://h/.well-known/" PRM "/mcp/",
			"https://h/.well-known/" PRM, "https://h/mcp//.well-known/" PRM },
		{ "https://h/mcp?a=b#c", PRM, "https://h/.well-known/" PRM "/mcp?a=b",
			"https://h/.well-known/" PRM, "https://h/mcp/.well-known/" PRM },
		{ "https://h/?a=b", PRM, "https://h/.well-known/" PRM "?a=b",
			"https://h/.well-known/" PRM, "https://h/.well-known/" PRM },
		{ "https://h/a/../%7eb//c;d", PRM, "https://h/.well-known/" PRM "/a/../%7eb//c;d",
			"https://h/.well-known/" PRM, "https://h/a/../%7eb//c;d/.well-known/" PRM },
		/* An issuer loses its terminating slash. */
		{ "https://as.example.com/tenant1", ASM,
			"https://as.example.com/.well-known/" ASM "/tenant1",
			"https://as.example.com/.well-known/" ASM,
			"https://as.example.com/tenant1/.well-known/" ASM },
		{ "https://as.example.com/tenant1/", ASM,
			"https://as.example.com/.well-known/" ASM "/tenant1",
			"https://as.example.com/.well-known/" ASM,
			"https://as.example.com/tenant1/.well-known/" ASM },
		{ "https://h/tenant1/", OID, "https://h/.well-known/" OID "/tenant1",
			"https://h/.well-known/" OID, "https://h/tenant1/.well-known/" OID },
		{ "http://localhost:3000/x", OID, "http://localhost:3000/.well-known/" OID "/x",
			"http://localhost:3000/.well-known/" OID,
			"http://localhost:3000/x/.well-known/" OID },
		{ "HTTPS://H:443/X", ASM, "https://h/.well-known/" ASM "/X",
			"https://h/.well-known/" ASM, "https://h/X/.well-known/" ASM },
		{ "https://user:secret@h/x", ASM, "https://h/.well-known/" ASM "/x",
			"https://h/.well-known/" ASM, "https://h/x/.well-known/" ASM },
		{ "ftp://h/x", ASM, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		char *before = url_well_known(rows[i].base, rows[i].name, &e);
		char *root = url_well_known_root(rows[i].base, rows[i].name, &e);
		char *behind = url_well_known_behind(rows[i].base, rows[i].name, &e);

		check_part(rows[i].base, "before the path", before, rows[i].before);
		check_part(rows[i].base, "root", root, rows[i].root);
		check_part(rows[i].base, "behind the path", behind, rows[i].behind);
		assert_int_equal(e.kind != ERR_NONE, !before);
		free(before);
		free(root);
		free(behind);
	}
}

/* ---- forms ---- */

static void form_fields_are_encoded_and_joined(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_true(url_form_add(&b, "a", "1"));
	assert_true(url_form_add(&b, "b c", "x&y=z+ %\xC3\xA9/?#"));
	assert_true(url_form_add(&b, "d", ""));
	assert_true(url_form_add(&b, "e", "AZaz09-._~"));
	assert_string_equal(
		buf_str(&b), "a=1&b%20c=x%26y%3Dz%2B%20%25%C3%A9%2F%3F%23&d=&e=AZaz09-._~");
	buf_reset(&b);
	assert_true(buf_adds(&b, "https://h/p?"));
	assert_true(url_form_add(&b, "a", "1"));
	assert_true(url_form_add(&b, "b", "2"));
	assert_string_equal(buf_str(&b), "https://h/p?a=1&b=2");
	buf_reset(&b);
	assert_true(buf_adds(&b, "https://h/p?x=y"));
	assert_true(url_form_add(&b, "a", "1"));
	assert_string_equal(buf_str(&b), "https://h/p?x=y&a=1");
	buf_free(&b);
	buf_init(&b, 4);
	assert_false(url_form_add(&b, "a", "%"));
	buf_free(&b);
}

static void form_values_are_decoded(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: refused */
	} rows[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "a+b%20c", "a b c" },
		{ "%41%6a%6A%2b%2B", "Ajj++" },
		{ "%C3%A9", "\xC3\xA9" },
		{ "%25%32%35", "%25" },
		{ "%", NULL },
		{ "a%4", NULL },
		{ "%4g", NULL },
		{ "%g4", NULL },
		{ "%%41", NULL },
		{ "%+1", NULL },
		{ "% 1", NULL },
		{ "%00", NULL },
		{ "a%00b", NULL },
		{ "%@A", NULL },
		{ "%`a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = url_form_decode(rows[i].in, strlen(rows[i].in));

		check_part(rows[i].in, "value", got, rows[i].want);
		free(got);
	}
	assert_null(url_form_decode("a\0b", 3));
	assert_null(url_form_decode("%41", 2)); /* the length counts, not the NUL */
}

static void form_fields_are_found(void **state)
{
	static const struct {
		const char *query, *want;
		unsigned count;
	} rows[] = {
		{ "code=x", "x", 1 },
		{ "a=b&code=x+y%21&c=d", "x y!", 1 },
		{ "code=", "", 1 },
		{ "code", "", 1 },
		{ "code=a&code=b", "a", 2 },
		{ "code&code&code", "", 3 },
		{ "code=a=b", "a=b", 1 },
		{ "c%6Fde=x", "x", 1 },
		{ "&&code=x&&", "x", 1 },
		{ "code=%zz&code=b", NULL, 2 },
		{ "code=%00", NULL, 1 },
		{ "Code=x", NULL, 0 },
		{ "xcode=x&codex=y&=code", NULL, 0 },
		{ "a=code=x", NULL, 0 },
		{ "a;code=x", NULL, 0 },
		{ "", NULL, 0 },
		{ NULL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned count = 99;
		char *got = url_form_get(rows[i].query, "code", &count);

		check_part(rows[i].query ? rows[i].query : "(null)", "code", got, rows[i].want);
		assert_int_equal(count, rows[i].count);
		free(got);
		free(url_form_get(rows[i].query, "code", NULL));
	}
}

static void what_is_encoded_comes_back_the_same(void **state)
{
	char all[256];
	struct buf b;
	char *got;

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = 0;
	buf_init(&b, 10000);
	assert_true(url_form_add(&b, all, all));
	got = url_form_get(buf_str(&b), all, NULL);
	assert_non_null(got);
	assert_string_equal(got, all);
	for (size_t i = 0; i < b.len; i++)
		assert_true(b.p[i] > ' ' && b.p[i] < 127);
	free(got);
	buf_free(&b);
}

static void no_shell_finds_anything_in_an_escaped_url(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "https://h:1/a-._~b/?c=d&e=f,g+h!*#i[j]@k",
			"https://h:1/a-._~b/?c=d&e=f,g+h!*#i[j]@k" },
		{ "https://h/$(id)';`x`", "https://h/%24%28id%29%27%3B%60x%60" },
		{ "https://h/\"<>^{|}\\ ", "https://h/%22%3C%3E%5E%7B%7C%7D%5C%20" },
		{ "https://h/%2f%24%", "https://h/%2f%24%25" },
		{ "https://h/%zz%4", "https://h/%25zz%254" },
		{ "https://h/\xe2\x80\xae\x01", "https://h/%E2%80%AE%01" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf once, twice;

		buf_init(&once, 1000);
		buf_init(&twice, 1000);
		assert_true(url_add_escaped(&once, rows[i].in));
		assert_string_equal(buf_str(&once), rows[i].want);
		assert_true(url_add_escaped(&twice, buf_str(&once)));
		assert_string_equal(buf_str(&twice), rows[i].want);
		buf_free(&once);
		buf_free(&twice);
	}
}

static void url_for_people_has_neither_userinfo_nor_query(void **state)
{
	static const char *const rows[][2] = {
		{ "https://h/p", "https://h/p" },
		{ "https://h/p?key=k", "https://h/p?***" },
		{ "https://h?key=k/x@y", "https://h?***" },
		{ "https://u:p@h:1/p?", "https://***@h:1/p?***" },
		{ "https://u:p@w@h/a@b", "https://***@h/a@b" },
		{ "u:p@h/p", "***@h/p" },
		{ "h?next=https://u:p@h", "h?***" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *shown = url_shown(rows[i][0]);

		assert_string_equal(shown, rows[i][1]);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_for_people_has_neither_userinfo_nor_query),
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(what_is_no_web_url_is_refused_with_a_reason),
		cmocka_unit_test(the_length_has_a_limit),
		cmocka_unit_test(users_and_passwords_are_reported),
		cmocka_unit_test(origins_are_scheme_host_and_port),
		cmocka_unit_test(an_origin_is_written_without_the_default_port),
		cmocka_unit_test(loopback_is_not_to_be_imitated),
		cmocka_unit_test(a_domain_holds_itself_and_what_is_below),
		cmocka_unit_test(locations_are_resolved),
		cmocka_unit_test(well_known_documents_are_where_the_standards_put_them),
		cmocka_unit_test(form_fields_are_encoded_and_joined),
		cmocka_unit_test(form_values_are_decoded),
		cmocka_unit_test(form_fields_are_found),
		cmocka_unit_test(what_is_encoded_comes_back_the_same),
		cmocka_unit_test(no_shell_finds_anything_in_an_escaped_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
