/*
 * Any bytes as a text: what is taken is UTF-8 that could be edited as it
 * stands, holds no NUL, and is taken again; what is refused names a byte of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define CAP ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct buf b;
	size_t at;

	buf_init(&b, CAP);
	if (!buf_add(&b, data, size))
		return 0;
	if (text_plain(&b, "f", &e)) {
		must(b.len <= CAP && strlen(buf_str(&b)) == b.len);
		/* A mark behind the first one, or one that was a character of UTF-16, is text. */
		must(text_check(buf_str(&b), b.len, "f", &e));
		must(text_plain(&b, "f", &e));
	} else if (sscanf(e.msg, "f is not text: byte %zu", &at) == 1) {
		must(at >= 1 && at <= size);
	} else {
		must(strncmp(e.msg, "f is larger than", 16) == 0);
	}
	buf_free(&b);
	return 0;
}
