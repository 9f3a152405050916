/*
 * message_scan() against jansson, which refuses more: lone surrogates, numbers
 * outside its range, \u0000 in keys. What jansson takes, the scan must take; what
 * the scan takes must come back the same, but for line breaks between tokens.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/json/message.h"
#include "mcp/json/walk.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_span(const char *p, size_t n, struct span s)
{
	check(!s.p || (s.p >= p && s.p + s.n <= p + n));
}

static void walk_all(struct span v, int depth)
{
	struct walk w;
	struct walk_item it;

	if (depth > 20 || !walk_open(&w, v))
		return;
	while (walk_next(&w, &it)) {
		check_span(v.p, v.n, it.value);
		check_span(v.p, v.n, it.key);
		walk_all(it.value, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p = malloc(size + 1), *again;
	struct message m, twice;
	enum message_status st;
	json_t *theirs =
		json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	memcpy(p, data, size);
	st = message_scan(p, size, &m, NULL);
	/* jansson takes a NUL for the end of the text. */
	if (theirs && size && !memchr(data, 0, size) && st != MESSAGE_TOO_DEEP)
		check(st == MESSAGE_OK);
	for (size_t i = 0; i < size; i++)
		check((uint8_t)p[i] == data[i] ||
			(p[i] == ' ' && (data[i] == '\n' || data[i] == '\r')));
	if (st == MESSAGE_OK) {
		check_span(p, size, m.id);
		check_span(p, size, m.name);
		check_span(p, size, m.whole);
		check(!m.whole.n || !memchr(m.whole.p, '\n', m.whole.n));
		walk_all(m.whole, 0);
		again = malloc(size + 1);
		memcpy(again, p, size);
		check(message_scan(again, size, &twice, NULL) == MESSAGE_OK &&
			twice.kind == m.kind);
		if (m.id.p && m.kind == MESSAGE_REQUEST)
			check(message_id_equal(m.id, m.id) &&
				message_id_hash(m.id) == message_id_hash(twice.id));
		free(again);
	} else {
		check(m.why != NULL);
	}
	json_decref(theirs);
	free(p);
	return 0;
}
