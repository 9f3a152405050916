/*
 * Translation between eras: whatever message comes, what goes out is one
 * message again, and what was added or taken away is there, or gone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/json/era.h"
#include "mcp/json/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MOST ((size_t)1 << 20)

static const char members[] = "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"";

/* The text with these edits, scanned; m's spans lie in out. */
static void carry_out(const struct edits *s, struct span text, struct buf *out, struct message *m)
{
	struct span parts[EDIT_PARTS];

	buf_reset(out);
	if (!edit_parts(s, text, parts)) {
		*m = (struct message){ 0 }; /* too many changes: refused as a whole */
		return;
	}
	if (!edit_apply(s, text, out) || message_scan(out->p, out->len, m, NULL) != MESSAGE_OK)
		abort();
}

static void to_modern_and_back(const struct message *m, struct buf *out, struct buf *again)
{
	struct span added = { members, sizeof(members) - 1 };
	struct edits s = { 0 }, back = { 0 };
	struct message n;
	struct buf scratch;

	buf_init(&scratch, SIZE_MOST);
	if (!era_add_meta(&s, m, added, (struct span){ 0 }, &scratch))
		abort();
	carry_out(&s, m->whole, out, &n);
	if (n.whole.p && walk_type(n.params) == WALK_OBJECT &&
		!walk_path(n.params, "_meta", era_version_key, (char *)NULL).p)
		abort();
	if (n.whole.p && walk_type(n.params) == WALK_OBJECT) {
		era_drop_meta(&back, &n);
		carry_out(&back, n.whole, again, &n);
		if (n.whole.p && walk_path(n.params, "_meta", era_version_key, (char *)NULL).p)
			abort();
	}
	buf_free(&scratch);
}

static void result_there_and_back(const struct message *m, struct buf *out, struct buf *again)
{
	static char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
	struct edits s = { 0 }, back = { 0 };
	struct message r, n;

	if (message_scan(request, sizeof(request) - 1, &r, NULL) != MESSAGE_OK)
		abort();
	era_result_to_modern(&s, m->result, &r);
	carry_out(&s, m->whole, out, &n);
	if (!n.whole.p || walk_type(n.result) != WALK_OBJECT)
		return;
	if (era_result_type(n.result) != ERA_COMPLETE || !walk_get(n.result, "resultType", NULL).p)
		abort();
	era_result_to_legacy(&back, n.result);
	carry_out(&back, n.whole, again, &n);
	if (n.whole.p && walk_get(n.result, "resultType", NULL).p)
		abort();
}

/* Answers that are put together hold pieces of the other side's: they must be messages, too. */
static void handshakes(const struct message *m, struct buf *out)
{
	struct span id = { "1", 1 };
	struct message n;

	buf_reset(out);
	if (!era_initialize_answer(out, id, m->params, m->result, "x") ||
		message_scan(out->p, out->len, &n, NULL) != MESSAGE_OK)
		abort();
	buf_reset(out);
	if (!era_discover_answer(out, id, m->result) ||
		message_scan(out->p, out->len, &n, NULL) != MESSAGE_OK)
		abort();
	buf_reset(out);
	if (!era_initialize(out, "i", m->params) ||
		message_scan(out->p, out->len, &n, NULL) != MESSAGE_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct buf out, again;
	struct message m;

	memcpy(copy, data, size);
	buf_init(&out, SIZE_MOST);
	buf_init(&again, SIZE_MOST);
	if (message_scan(copy, size, &m, NULL) == MESSAGE_OK) {
		if (m.kind == MESSAGE_REQUEST)
			to_modern_and_back(&m, &out, &again);
		if (m.kind == MESSAGE_RESPONSE && m.result.p)
			result_there_and_back(&m, &out, &again);
		if (m.kind == MESSAGE_REQUEST || m.kind == MESSAGE_RESPONSE)
			handshakes(&m, &out);
		(void)era_refusal_is_modern(m.error);
		(void)era_refusal_is_of_modern(m.error, 400, true);
	}
	buf_free(&out);
	buf_free(&again);
	free(copy);
	return 0;
}
