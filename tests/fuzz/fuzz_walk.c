/* walk.h on any bytes: stays inside them and comes to an end; quoting any text gives JSON that reads
 * back as that text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/json/message.h"
#include "mcp/json/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p = malloc(size ? size : 1);
	struct span v = { p, size }, got;
	struct walk w;
	struct walk_item it;
	struct buf quoted, back;
	struct message m;
	size_t steps = 0;

	memcpy(p, data, size);
	buf_init(&quoted, 1 << 24);
	buf_init(&back, 1 << 24);
	if (walk_open(&w, v))
		while (walk_next(&w, &it))
			if (++steps > size)
				abort();
	got = walk_get(v, "name", NULL);
	if (got.p && (got.p < p || got.p + got.n > p + size))
		abort();
	if (!message_quote(&quoted, p, size) ||
		message_scan(quoted.p, quoted.len, &m, NULL) != MESSAGE_OK)
		abort();
	if (!walk_string((struct span){ quoted.p, quoted.len }, &back))
		abort();
	if (back.len == size && size && memcmp(back.p, p, size) != 0 &&
		!strstr(buf_str(&back), "\xEF\xBF\xBD"))
		abort();
	buf_free(&quoted);
	buf_free(&back);
	free(p);
	return 0;
}
