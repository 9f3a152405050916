/*
 * The wide scanner against the plain one: every way to scan that this processor
 * has takes exactly what the plain scanner takes, notes the same members and
 * changes the same bytes. The text ends where its memory ends, and is tried at
 * each of 64 places in a block, so that every token meets every boundary.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/json/message.h"
#include "mcp/json/scan_wide.h"

/* White space before a message changes nothing but where the blocks begin. */
#define PLACES 64

static void check(bool good)
{
	if (!good)
		abort();
}

static bool same(struct span a, struct span b)
{
	return a.n == b.n && (!a.p == !b.p) && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

struct seen {
	const char *text;
	uint64_t hash;
};

static bool hash_member(void *ctx, char *key, size_t key_n, char *value, size_t value_n)
{
	struct seen *s = ctx;
	size_t parts[] = { (size_t)(key - s->text), key_n, (size_t)(value - s->text), value_n };

	for (size_t i = 0; i < 4; i++)
		s->hash = (s->hash ^ parts[i]) * 1099511628211u;
	return true;
}

/* The text after `lead` blanks, in memory of just that size. */
static char *placed(const uint8_t *data, size_t n, size_t lead)
{
	char *p = malloc(lead + n + !(lead + n));

	check(p != NULL);
	memset(p, ' ', lead);
	memcpy(p + lead, data, n);
	return p;
}

static void compare(const uint8_t *data, size_t n, size_t lead)
{
	char *plain = placed(data, n, lead);
	struct message m;
	enum message_status st;
	bool bracket, taken;
	uint64_t hash = 0;

	st = message_scan_plain(plain, lead + n, &m, NULL);
	bracket = st == MESSAGE_OK && (*m.whole.p == '{' || *m.whole.p == '[');
	for (size_t i = 0; scan_wide_name(i); i++) {
		char *wide = placed(data, n, lead), *first, *behind;
		struct seen s = { wide, 1 };

		scan_wide_choose(i);
		taken = scan_wide(wide, wide + lead + n, &first, &behind, hash_member, &s);
		check(taken == bracket);
		if (taken) {
			check(first - wide == m.whole.p - plain);
			check((size_t)(behind - first) == m.whole.n);
			check(memcmp(wide, plain, lead + n) == 0);
			check(i == 0 || s.hash == hash);
			hash = s.hash;
		}
		free(wide);
	}
	free(plain);
}

/* The same message behind so many blanks that the wide scanner reads it: the same verdict. */
static void compare_messages(const uint8_t *data, size_t n)
{
	size_t lead = SCAN_WIDE_MIN;
	char *small = placed(data, n, 0), *large = placed(data, n, lead);
	struct message a, b;
	size_t at_a = 0, at_b = lead;
	enum message_status st = message_scan_plain(small, n, &a, &at_a);

	check(message_scan(large, lead + n, &b, &at_b) == st);
	check(at_b == at_a + lead && a.kind == b.kind && a.method == b.method);
	check(st != MESSAGE_OK || memcmp(small, large + lead, n) == 0);
	check(same(a.id, b.id) && same(a.name, b.name) && same(a.params, b.params));
	check(same(a.result, b.result) && same(a.error, b.error) && same(a.whole, b.whole));
	check((!a.why && !b.why) || strcmp(a.why, b.why) == 0);
	free(small);
	free(large);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t lead = 0; lead < PLACES; lead += 1 + size % 7)
		compare(data, size, lead);
	compare_messages(data, size);
	return 0;
}
