#include "net/here.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/socket.h"

/* ---- addresses ---- */

static enum here of_v4(uint32_t a)
{
	if (a >> 24 == 127 || a == 0)
		return HERE;
	if (a >> 24 ==
		0) /* "this network" in RFC 1122; some systems have taken it for any other since */
		return HERE_MAYBE;
	return a >> 16 == 0xa9fe ? HERE_LINK : HERE_NOT; /* 169.254.0.0/16 */
}

/* IPv4 addresses inside of IPv6 ones, and where they begin. */
static const struct {
	unsigned char prefix[12];
	size_t len, at;
	bool local; /* the system connects by IPv4; else the packet leaves the machine first */
} embedded[] = {
	{ { [10] = 0xff, [11] = 0xff }, 12, 12, true },  /* mapped, RFC 4291 section 2.5.5.2 */
	{ { 0 }, 12, 12, false },                        /* compatible, section 2.5.5.1 */
	{ { [8] = 0xff, [9] = 0xff }, 12, 12, false },   /* translated, RFC 2765 */
	{ { 0, 0x64, 0xff, 0x9b }, 12, 12, false },      /* NAT64, RFC 6052 */
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 6, 12, false }, /* the same, local prefix, RFC 8215 */
	{ { 0x20, 0x02 }, 2, 2, false },                 /* 6to4, RFC 3056 */
};

static enum here of_v6(const unsigned char a[16])
{
	static const unsigned char any[16] = { 0 }, loopback[16] = { [15] = 1 };

	if (memcmp(a, any, 16) == 0 || memcmp(a, loopback, 16) == 0)
		return HERE;
	if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) /* fe80::/10 */
		return HERE_LINK;
	for (size_t i = 0; i < sizeof(embedded) / sizeof(embedded[0]); i++) {
		const unsigned char *p = a + embedded[i].at;
		enum here h;

		if (memcmp(a, embedded[i].prefix, embedded[i].len) != 0)
			continue;
		h = of_v4((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
		return h == HERE && !embedded[i].local ? HERE_MAYBE : h;
	}
	return HERE_NOT;
}

enum here here_address(const struct sockaddr *a)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (a->sa_family == AF_INET) {
		memcpy(&v4, a, sizeof(v4));
		return of_v4(ntohl(v4.sin_addr.s_addr));
	}
	if (a->sa_family == AF_INET6) {
		memcpy(&v6, a, sizeof(v6));
		return of_v6(v6.sin6_addr.s6_addr);
	}
	return HERE_NOT;
}

/* ---- names ---- */

/* What the hosts files of Debian, Fedora and others call this machine besides localhost. */
static const char *const names[] = { "ip6-localhost", "ip6-loopback", "localhost4", "localhost6",
	"localhost.localdomain", "localhost4.localdomain4", "localhost6.localdomain6" };

/* Whether host is `name` or ends in "." name, with something before the dot. */
static bool is_below(const char *host, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n < len || memcmp(host + n - len, name, len) != 0)
		return false;
	return n == len || (n > len + 1 && host[n - len - 1] == '.');
}

static enum here of_name(const char *host, size_t n)
{
	/* A terminating dot only says that the name is complete; hosts files do not know it. */
	bool dot = n > 1 && host[n - 1] == '.';

	n -= dot;
	if (is_below(host, n, "localhost"))
		return dot ? HERE_MAYBE : HERE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_below(host, n, names[i]))
			return HERE_MAYBE;
	return HERE_NOT;
}

/* "[fe80::1%25eth0]": what is behind the '%' only names the interface. */
static bool read_v6(const char *host, unsigned char out[16])
{
	char text[INET6_ADDRSTRLEN];
	size_t skip = *host == '[', n = strcspn(host + skip, "]%");

	if (n >= sizeof(text))
		return false;
	memcpy(text, host + skip, n);
	text[n] = 0;
	return inet_pton(AF_INET6, text, out) == 1;
}

/* One to four numbers, as inet_aton() and browsers read them: decimal, octal or hexadecimal, the last one
 * filling the bytes that are left. */
static bool read_v4(const char *p, size_t n, uint32_t *out)
{
	const char *end = p + n;
	uint64_t address = 0;

	for (unsigned left = 4; left > 0; left--) {
		char *stop;
		unsigned long long part;
		bool last;

		if (p == end || *p < '0' || *p > '9')
			return false;
		part = strtoull(p, &stop, 0);
		last = stop == end;
		if (!last && (*stop != '.' || left == 1))
			return false;
		if (part >> (last ? 8 * left : 8) != 0)
			return false;
		address |= (uint64_t)part << (last ? 0 : 8 * (left - 1));
		p = stop + 1;
		if (last) {
			*out = (uint32_t)address;
			return true;
		}
	}
	return false;
}

/*
 * libcurl makes four plain numbers of every way to write an IPv4 address ("127.1", "0x7f000001") that it
 * knows. What it leaves as it is, such as one with a dot behind it, is a name to it, but not to all.
 */
static bool of_v4_text(const char *host, size_t n, enum here *h)
{
	struct in_addr plain;
	uint32_t a;

	n -= n > 1 && host[n - 1] == '.';
	if (!read_v4(host, n, &a))
		return false;
	*h = of_v4(a);
	if (*h == HERE && inet_pton(AF_INET, host, &plain) != 1)
		*h = HERE_MAYBE;
	return true;
}

enum here here_host(const char *host)
{
	unsigned char v6[16];
	size_t n = strlen(host);
	enum here h;

	if (strchr(host, ':'))
		return read_v6(host, v6) ? of_v6(v6) : HERE_NOT;
	return of_v4_text(host, n, &h) ? h : of_name(host, n);
}

bool here_is_barred(enum here to, enum here from)
{
	if (to == HERE_NOT || from >= HERE_MAYBE)
		return false;
	return to != from;
}
