/*
 * Wide scanning of JSON text, shared by message.c and walk.c: sixteen bytes at
 * a time with SSE2, eight with plain 64-bit words elsewhere. SCAN_PORTABLE
 * chooses the latter everywhere (for tests).
 */
#ifndef MPMCP_SCAN_H
#define MPMCP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
#include <emmintrin.h>
#define SCAN_SSE2 1
#endif

/*
 * The first byte from p on that means something inside a string: a quote, a
 * backslash, a control character, or one that is not ASCII. end when there is
 * none. Reads nothing at or behind end.
 */
static inline const char *scan_string(const char *p, const char *end)
{
#ifdef SCAN_SSE2
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
		      space = _mm_set1_epi8(' ');

	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed comparison: bytes from 0x80 on are negative and so below the blank, too. */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space),
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);

		if (mask)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#else
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;

	while (end - p >= 8) {
		uint64_t v, q, b;

		memcpy(&v, p, 8);
		q = v ^ (ones * '"');
		b = v ^ (ones * '\\');
		/* The classic "is one of these bytes zero, or below 0x20": false alarms only above
		 * a true hit, and the loop below looks at single bytes anyway. */
		if (((v - ones * ' ') | v | (q - ones) | (b - ones)) & highs)
			break;
		p += 8;
	}
#endif
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < ' ' || c >= 0x80 || c == '"' || c == '\\')
			return p;
	}
	return end;
}

/* The same for text that is known to be valid: only quotes and backslashes stop. */
static inline const char *scan_quote(const char *p, const char *end)
{
#ifdef SCAN_SSE2
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');

	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));

		if (mask)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif
