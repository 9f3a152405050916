/*
 * UTF-8, RFC 3629.
 */
#ifndef MPMCP_UTF8_H
#define MPMCP_UTF8_H

#include <stddef.h>

/* The length of the sequence at p (no overlong forms, no surrogates, nothing above U+10FFFF), 0 when
 * there is none before end. A NUL is no continuation byte, so that a string ends the reading, too. */
static inline size_t utf8_length(const char *p, const char *end)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t left = (size_t)(end - p);

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || left < 2 || (s[1] & 0xC0) != 0x80)
		return 0;
	if (s[0] < 0xE0)
		return 2;
	if (left < 3 || (s[2] & 0xC0) != 0x80)
		return 0;
	if (s[0] < 0xF0)
		return (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ? 0 : 3;
	if (left < 4 || (s[3] & 0xC0) != 0x80 || s[0] > 0xF4)
		return 0;
	return (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F) ? 0 : 4;
}

#endif
