/* Any bytes as a request head: what is taken is clean, and cutting it changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/request_head.h"

static void check(int good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p = malloc(size ? size : 1);
	struct request_head h, cut;
	long n;

	memcpy(p, data, size);
	n = request_head_parse(p, size, &h);
	check(n <= (long)size);
	if (n > 0) {
		for (const char *c = h.target; *c; c++)
			check(*c > ' ' && *c != 127);
		check(h.method[0] && h.target[0]);
		check(request_head_parse(p, (size_t)n - 1, &cut) == 0);
		check(request_head_parse(p, (size_t)n, &cut) == n &&
			memcmp(&h, &cut, sizeof(h)) == 0);
	}
	free(p);
	return 0;
}
