/* Any WWW-Authenticate fields: strings stay under their cap, and a challenge that is put behind garbage
 * of another scheme's parameters in a field of its own is always found. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p = malloc(size + 1);
	const char *fields[2] = { p, "Bearer error=\"x\", resource_metadata=\"https://a/b\"" };
	struct challenge c;

	memcpy(p, data, size);
	p[size] = 0;
	challenge_parse(fields, 1, &c);
	if ((c.scope && strlen(c.scope) > CHALLENGE_VALUE_MAX) || (c.scope && !c.bearer))
		abort();
	if (!c.bearer) {
		challenge_clear(&c);
		challenge_parse(fields, 2, &c);
		if (!c.bearer || !c.resource_metadata ||
			strcmp(c.resource_metadata, "https://a/b") != 0)
			abort();
	}
	challenge_clear(&c);
	free(p);
	return 0;
}
