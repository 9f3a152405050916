#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/here.h"
#include "net/origin.h"

static void hosts_that_lead_here_are_known_in_every_spelling(void **state)
{
	static const struct {
		const char *host;
		enum here here;
	} rows[] = {
		{ "localhost", HERE },
		{ "app.localhost", HERE },
		{ "127.0.0.1", HERE },
		{ "127.255.255.254", HERE },
		{ "0.0.0.0", HERE },
		{ "[::1]", HERE },
		{ "::1", HERE },
		{ "[::]", HERE },
		{ "[0:0::0]", HERE },
		{ "[::ffff:127.0.0.1]", HERE },
		{ "[::ffff:7f00:1]", HERE },
		{ "[::ffff:0.0.0.0]", HERE },
		{ "[::1%25lo]", HERE },
		/* Of the spellings of an IPv4 address some are names to some resolvers. */
		{ "127.1", HERE_MAYBE },
		{ "127.0.1", HERE_MAYBE },
		{ "0x7f000001", HERE_MAYBE },
		{ "0X7F.1", HERE_MAYBE },
		{ "2130706433", HERE_MAYBE },
		{ "017700000001", HERE_MAYBE },
		{ "0177.0.0.1", HERE_MAYBE },
		{ "127.0.0.1.", HERE_MAYBE },
		{ "0", HERE_MAYBE },
		{ "0x0", HERE_MAYBE },
		{ "0.1.2.3", HERE_MAYBE },
		{ "localhost.", HERE_MAYBE },
		{ "app.localhost.", HERE_MAYBE },
		{ "ip6-localhost", HERE_MAYBE },
		{ "ip6-loopback", HERE_MAYBE },
		{ "ip6-localhost.", HERE_MAYBE },
		{ "localhost6", HERE_MAYBE },
		{ "localhost.localdomain", HERE_MAYBE },
		{ "x.localhost.localdomain.", HERE_MAYBE },
		{ "[::127.0.0.1]", HERE_MAYBE },
		{ "[::ffff:0:127.0.0.1]", HERE_MAYBE },
		{ "[64:ff9b::7f00:1]", HERE_MAYBE },
		{ "[64:ff9b:1::127.0.0.1]", HERE_MAYBE },
		{ "[2002:7f00:1::1]", HERE_MAYBE },
		{ "169.254.169.254", HERE_LINK },
		{ "0xa9fea9fe", HERE_LINK },
		{ "2852039166", HERE_LINK },
		{ "[::ffff:169.254.169.254]", HERE_LINK },
		{ "[64:ff9b::a9fe:a9fe]", HERE_LINK },
		{ "[fe80::1]", HERE_LINK },
		{ "[fe80::1%eth0]", HERE_LINK },
		{ "[febf::1]", HERE_LINK },
		{ "localhost.evil.com", HERE_NOT },
		{ "127.0.0.1.evil.com", HERE_NOT },
		{ "evil-localhost", HERE_NOT },
		{ "evillocalhost", HERE_NOT },
		{ ".localhost", HERE_NOT },
		{ "localdomain", HERE_NOT },
		{ "128.0.0.1", HERE_NOT },
		{ "1.0.0.127", HERE_NOT },
		{ "127.0.0.256", HERE_NOT },
		{ "127.0.0.1.1", HERE_NOT },
		{ "127.0.083.1", HERE_NOT },
		{ "127..1", HERE_NOT },
		{ "127.16777216", HERE_NOT },
		{ "0x", HERE_NOT },
		{ "4294967296", HERE_NOT },
		{ "18446744073709551616", HERE_NOT },
		{ "169.253.1.1", HERE_NOT },
		{ "10.0.0.1", HERE_NOT },
		{ "192.168.0.1", HERE_NOT },
		{ "100.64.0.1", HERE_NOT },
		{ "[::2]", HERE_MAYBE }, /* 0.0.0.2 in the compatible form */
		{ "[::ffff:10.0.0.1]", HERE_NOT },
		{ "[fec0::1]", HERE_NOT },
		{ "[fd00::1]", HERE_NOT },
		{ "[2002:a00:1::1]", HERE_NOT },
		{ "[bad", HERE_NOT },
		{ ".", HERE_NOT },
		{ "", HERE_NOT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (here_host(rows[i].host) != rows[i].here)
			fail_msg("%s: %d", rows[i].host, here_host(rows[i].host));
}

/* What a connection would be made to; the family's text form. */
static bool may_lead_to(const char *endpoint, const char *url, const char *address)
{
	struct origins *all = origins_new(false, false, endpoint);
	struct origin *s = origins_of(all, url, NULL);
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool barred = false;

	assert_non_null(s);
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		barred = origin_is_barred(s, (const struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
		barred = origin_is_barred(s, (const struct sockaddr *)&v6);
	else
		fail_msg("%s", address);
	origins_free(all);
	return !barred;
}

static void addresses_here_are_for_the_endpoint_and_what_is_here_with_it(void **state)
{
	static const struct {
		const char *endpoint, *url, *address;
		bool may;
	} rows[] = {
		{ "https://a.example/mcp", "https://b.example/x", "127.0.0.1", false },
		{ "https://a.example/mcp", "https://b.example/x", "::1", false },
		{ "https://a.example/mcp", "https://b.example/x", "::", false },
		{ "https://a.example/mcp", "https://b.example/x", "::ffff:127.0.0.1", false },
		{ "https://a.example/mcp", "https://b.example/x", "0.0.0.0", false },
		{ "https://a.example/mcp", "https://b.example/x", "169.254.169.254", false },
		{ "https://a.example/mcp", "https://b.example/x", "fe80::1", false },
		{ "https://a.example/mcp", "https://b.example/x", "192.0.2.1", true },
		{ "https://a.example/mcp", "https://b.example/x", "10.0.0.1", true },
		{ "https://a.example/mcp", "https://b.example/x", "2001:db8::1", true },
		/* The person's own address may be wherever it likes; another port of it is not that. */
		{ "https://a.example/mcp", "https://a.example/x", "127.0.0.1", true },
		{ "https://a.example/mcp", "https://a.example:444/x", "127.0.0.1", false },
		{ "https://a.example/mcp", "http://a.example/x", "127.0.0.1", false },
		{ "http://localhost:80/mcp", "https://b.example/x", "127.0.0.1", true },
		{ "http://127.0.0.1/mcp", "http://localhost:81/x", "::1", true },
		{ "http://ip6-localhost/mcp", "https://b.example/x", "127.0.0.1", true },
		{ "http://127.0.0.1/mcp", "https://b.example/x", "169.254.1.1", true },
		{ "http://169.254.1.1/mcp", "https://b.example/x", "169.254.1.2", true },
		{ "http://169.254.1.1/mcp", "https://b.example/x", "127.0.0.1", false },
		{ NULL, "https://b.example/x", "127.0.0.1", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (may_lead_to(rows[i].endpoint, rows[i].url, rows[i].address) != rows[i].may)
			fail_msg("%s sends to %s at %s", rows[i].endpoint, rows[i].url,
				rows[i].address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_that_lead_here_are_known_in_every_spelling),
		cmocka_unit_test(addresses_here_are_for_the_endpoint_and_what_is_here_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
