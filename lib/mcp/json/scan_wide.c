#include "mcp/json/scan_wide.h"

#include <stdint.h>
#include <string.h>

#include "mcp/json/scan.h"

#if defined(__x86_64__) && !defined(SCAN_PORTABLE)
#include <cpuid.h>
#include <immintrin.h>
#define SCAN_X86 1
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(SCAN_PORTABLE)
#include <arm_neon.h>
#define SCAN_NEON 1
#endif

#if defined(SCAN_X86) || defined(SCAN_NEON)

/* Compiled into the loop of each instruction set, for its own instructions. */
#define SCAN_INLINE static inline __attribute__((always_inline))

/* ---- the grammar ---- */

/* Bit i of each: what byte i of a block is, outside strings. */
struct tokens {
	uint64_t comma, colon, open, close; /* open, close: braces and brackets */
	uint64_t string_start, string_end;  /* the quotes */
	uint64_t scalar; /* all bytes of numbers and words, and of what is neither */
	uint64_t digit;  /* also inside strings; only where there is a scalar */
	uint64_t space;
};

/* What the tokens of one block leave to the next one, one bit each. */
struct carry {
	uint64_t scalar;                  /* the last byte is a scalar's */
	uint64_t value, string, open;     /* the last token, when a blank is the last byte: what */
	uint64_t after_comma, after_open; /* the last of , : { [ } ] is this one */
};

struct wide {
	char *end;
	scan_member_fn *member;
	void *ctx;
	char *first, *behind; /* the value as a whole; behind is set when it is complete */
	char *from, *colon;   /* of the outermost object's present member: where it begins */
	struct carry carry;
	size_t depth; /* open brackets */
	/* Bracket n is an object's; 0: there is none. A block of 64 more is followed to its end. */
	bool object[SCAN_WIDE_DEPTH + 66];
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A member of the outermost object is complete; p is behind its value. */
static bool tell_member(struct wide *w, char *p)
{
	char *key = w->from, *key_end = w->colon, *value = w->colon + 1;

	while (is_space(*key))
		key++;
	while (is_space(key_end[-1]))
		key_end--;
	while (is_space(*value))
		value++;
	while (is_space(p[-1]))
		p--;
	return w->member(w->ctx, key, (size_t)(key_end - key), value, (size_t)(p - value));
}

/* The punctuation of the outermost object; false when the callee wants no more. */
static bool tell_members(struct wide *w, char *p, uint64_t marks)
{
	for (; marks; marks &= marks - 1) {
		char *at = p + __builtin_ctzll(marks);

		if (*at == ':') {
			w->colon = at;
		} else {
			if (w->colon && !tell_member(w, at))
				return false;
			w->from = at + 1;
			w->colon = NULL;
		}
	}
	return true;
}

/*
 * The first byte outside `through` from each place in `start` on, those counted in; a place stands at
 * the beginning of a run of `through`, or in none. An addition carries over each run. *carry: the run
 * goes on in the next block.
 */
SCAN_INLINE uint64_t follow(uint64_t start, uint64_t through, uint64_t *carry)
{
	uint64_t sum;

	*carry = (uint64_t)__builtin_add_overflow(start & through, through, &sum);
	return (start | sum) & ~through;
}

/* Follows each of the brackets in turn, and finds for every byte whether it lies in an object. False
 * when they do not pair. *outermost: what lies in one bracket only. Which bracket comes next is hard
 * to predict, so nothing here branches on it. */
SCAN_INLINE bool brackets(
	struct wide *w, char *p, const struct tokens *t, uint64_t *in_object, uint64_t *outermost)
{
	uint64_t left = t->open | t->close, object = (uint64_t)0 - w->object[w->depth],
		 outer = (uint64_t)0 - (w->depth == 1);
	size_t depth = w->depth;
	bool paired = true;

	for (; left; left &= left - 1) {
		uint64_t upto = left ^ (left - 1); /* the bracket included */
		const char *at = p + __builtin_ctzll(left);
		bool opens = (*at & 7) == 3; /* { and [, not } and ] */
		bool brace = *at > ']';

		paired &= opens ? depth < SCAN_WIDE_DEPTH : w->object[depth] == brace;
		w->object[depth + 1] = brace; /* of no consequence after one that closes */
		depth += opens ? 1 : (size_t)-1;
		object = (object & upto) | (~upto & ((uint64_t)0 - w->object[depth]));
		outer = (outer & upto) | (~upto & ((uint64_t)0 - (depth == 1)));
		if (!depth) {
			w->behind = p + __builtin_ctzll(left) + 1;
			break;
		}
	}
	w->depth = depth;
	*in_object = object;
	*outermost = outer;
	return paired;
}

static const char *digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p > start ? p : NULL;
}

/* RFC 8259 section 6; NULL when it is no number. */
static const char *number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!(p = digits(p, end)))
		return NULL;
	if (p < end && *p == '.' && !(p = digits(p + 1, end)))
		return NULL;
	if (p < end && (*p | 32) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		return digits(p, end);
	}
	return p;
}

static bool ends_scalar(char c)
{
	return is_space(c) || c == ',' || c == ':' || c == '"' || (c | 0x20) == '{' ||
	       (c | 0x20) == '}';
}

/* A number, true, false or null from p to where a token may end. */
static bool scalar_is_good(const char *p, const char *end)
{
	static const char *const words[] = { "true", "false", "null" };

	if (*p == '-' || (*p >= '0' && *p <= '9')) {
		p = number(p, end);
		return p && (p == end || ends_scalar(*p));
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(end - p) >= n && memcmp(p, words[i], n) == 0)
			return p + n == end || ends_scalar(p[n]);
	}
	return false;
}

/* Words as four bytes in memory are one number. */
static const union {
	char text[4];
	uint32_t word;
} true_text = { "true" }, null_text = { "null" }, fals_text = { "fals" };
#define TRUE_WORD true_text.word
#define NULL_WORD null_text.word
#define FALS_WORD fals_text.word

/* How many bits from the lowest one on are set; at most 63, so that the highest one may be. */
SCAN_INLINE unsigned ones(uint64_t bits)
{
	return (unsigned)__builtin_ctzll(~bits | (uint64_t)1 << 63);
}

/* The scalar at bit i is an integer, has decimals, or is a word, all within the block: the masks tell
 * which, without a branch for each. False when it may still be good. */
SCAN_INLINE bool is_common_scalar(const char *p, const struct tokens *t, unsigned i)
{
	unsigned n = ones(t->scalar >> i), minus = p[i] == '-', whole, decimals;
	uint64_t digit = t->digit >> i >> minus;
	uint32_t start;
	bool integer, decimal, word;

	memcpy(&start, p + i, 4);
	p += i + minus;
	whole = ones(digit);
	decimals = ones(digit >> whole >> 1);
	integer = whole + minus == n;
	decimal = (p[whole] == '.') & (decimals > 0) & (whole + minus + 1 + decimals == n);
	word = ((n == 4) & ((start == TRUE_WORD) | (start == NULL_WORD))) |
	       ((n == 5) & (start == FALS_WORD) & (p[4] == 'e'));
	return ((whole > 0) & ((whole == 1) | (*p != '0')) & (integer | decimal)) | word;
}

SCAN_INLINE bool scalars_are_good(
	const struct wide *w, const char *p, const struct tokens *t, uint64_t starts)
{
	for (; starts; starts &= starts - 1) {
		unsigned i = (unsigned)__builtin_ctzll(starts);

		/* Those that reach the end of the block are read where they stand. */
		if ((i + ones(t->scalar >> i) >= 60 || w->end - p < 72 ||
			    !is_common_scalar(p, t, i)) &&
			!scalar_is_good(p + i, w->end))
			return false;
	}
	return true;
}

/*
 * The grammar of RFC 8259 as sums over one block. Tokens know what came before them, blanks apart: a
 * value, an opening bracket, a comma or a colon. And punctuation knows which one of its kind came
 * before: in an object a colon follows an opening brace or a comma, and what follows either of them is
 * a colon; in an array there is none.
 */
SCAN_INLINE bool block_is_good(struct wide *w, char *p, const struct tokens *t)
{
	const uint64_t ends = t->string_end | t->close,
		       marks = t->comma | t->colon | t->open | t->close,
		       scalar_starts = t->scalar & ~(t->scalar << 1 | w->carry.scalar);
	struct carry c;
	uint64_t after_value = follow(
		ends << 1 | w->carry.value | ((t->scalar << 1 | w->carry.scalar) & ~t->scalar),
		t->space, &c.value);
	uint64_t after_string = follow(t->string_end << 1 | w->carry.string, t->space, &c.string);
	uint64_t after_open = follow(t->open << 1 | w->carry.open, t->space, &c.open);
	uint64_t comma_before =
		follow(t->comma << 1 | w->carry.after_comma, ~marks, &c.after_comma);
	uint64_t open_before = follow(t->open << 1 | w->carry.after_open, ~marks, &c.after_open);
	uint64_t in_object, outermost, bad;

	if (!brackets(w, p, t, &in_object, &outermost))
		return false;
	bad = (t->string_start | scalar_starts | t->open) & after_value;
	bad |= (t->comma | t->close) & ~(after_value | (t->close & after_open));
	bad |= t->colon & ~(after_string & in_object & (comma_before | open_before));
	bad |= in_object & (t->comma | t->open) & (comma_before | open_before);
	bad |= in_object & t->close & (comma_before | (open_before & ~after_open));
	if (bad || !scalars_are_good(w, p, t, scalar_starts))
		return false;
	outermost &= t->comma | t->colon | t->close;
	c.value |= ends >> 63;
	c.string |= t->string_end >> 63;
	c.open |= t->open >> 63;
	c.after_comma |= t->comma >> 63;
	c.after_open |= t->open >> 63;
	c.scalar = t->scalar >> 63;
	w->carry = c;
	return !outermost || *w->first != '{' || tell_members(w, p, outermost);
}

/* ---- the rarer parts of a block ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* Blanks around the value; a message is one line on standard output, so line breaks go. */
static char *skip_blanks(char *p, const char *end)
{
	for (; p < end && is_space(*p); p++)
		if (*p != '\t')
			*p = ' ';
	return p;
}

/* Those of the escaped characters that are a "u" have four hexadecimal digits behind them. */
static bool unicode_escapes(const char *p, const char *end, uint64_t escaped)
{
	for (; escaped; escaped &= escaped - 1) {
		const char *u = p + __builtin_ctzll(escaped);

		if (u >= end)
			return false;
		if (*u != 'u')
			continue;
		if (end - u < 5)
			return false;
		for (int i = 1; i < 5; i++)
			if (!is_hex(u[i]))
				return false;
	}
	return true;
}

/* A message is one line on standard output. Control characters between tokens are line breaks or
 * tabs here. */
static void blank_lines(char *p, uint64_t control)
{
	for (; control; control &= control - 1) {
		char *c = p + __builtin_ctzll(control);

		if (*c != '\t')
			*c = ' ';
	}
}

/* What a block leaves to the next one: the places where characters must go on, and whether its last
 * byte is one of the lead bytes that narrow what may follow. */
struct utf8 {
	uint64_t due, e0, ed, f0, f4;
};

/* Bit i is the parity of bits 0 to i. */
SCAN_INLINE uint64_t prefix_by_shifts(uint64_t bits)
{
	for (int n = 1; n < 64; n *= 2)
		bits ^= bits << n;
	return bits;
}

/* ---- instruction sets ---- */

#ifdef SCAN_X86
typedef unsigned char wide_sse2 __attribute__((vector_size(16)));
typedef unsigned char wide_avx2 __attribute__((vector_size(32)));
#define AVX2 __attribute__((target("avx2,bmi,pclmul")))

SCAN_INLINE wide_sse2 load_wide_sse2(const char *p)
{
	return (wide_sse2)_mm_loadu_si128((const __m128i *)(const void *)p);
}

SCAN_INLINE uint64_t movemask_sse2(const wide_sse2 v[4])
{
	uint64_t m = 0;

	for (int i = 0; i < 4; i++)
		m |= (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)v[i]) << (16 * i);
	return m;
}

#define signs_sse2 movemask_sse2
#define prefix_sse2 prefix_by_shifts

AVX2 static inline wide_avx2 load_wide_avx2(const char *p)
{
	return (wide_avx2)_mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline uint64_t movemask_avx2(const wide_avx2 v[2])
{
	return (uint64_t)(unsigned)_mm256_movemask_epi8((__m256i)v[0]) |
	       (uint64_t)(unsigned)_mm256_movemask_epi8((__m256i)v[1]) << 32;
}

#define signs_avx2 movemask_avx2

/* A product without carries, by all ones, is that sum of shifts in one instruction. */
AVX2 static inline uint64_t prefix_avx2(uint64_t bits)
{
	return (uint64_t)_mm_cvtsi128_si64(
		_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8('\xFF'), 0));
}

/* Where there is no long string the plain scanner is faster than SSE2, by half. 8 KiB tell. */
#define SCAN_PATIENCE 128
#define SCAN_LANE 16
#define SCAN_TARGET
#define SCAN_(name) name##_sse2
#include "mcp/json/scan_loop.h"
#undef SCAN_PATIENCE
#undef SCAN_LANE
#undef SCAN_TARGET
#undef SCAN_

#define SCAN_PATIENCE 0 /* never gives up */

#define SCAN_LANE 32
#define SCAN_TARGET AVX2
#define SCAN_(name) name##_avx2
#include "mcp/json/scan_loop.h"

#else /* NEON */
typedef unsigned char wide_neon __attribute__((vector_size(16)));

SCAN_INLINE wide_neon load_wide_neon(const char *p)
{
	return (wide_neon)vld1q_u8((const unsigned char *)p);
}

SCAN_INLINE uint64_t movemask_neon(const wide_neon v[4])
{
	const uint8x16_t bit = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	uint8x16_t low =
		vpaddq_u8(vandq_u8((uint8x16_t)v[0], bit), vandq_u8((uint8x16_t)v[1], bit));
	uint8x16_t high =
		vpaddq_u8(vandq_u8((uint8x16_t)v[2], bit), vandq_u8((uint8x16_t)v[3], bit));

	low = vpaddq_u8(low, high);
	low = vpaddq_u8(low, low);
	return vgetq_lane_u64(vreinterpretq_u64_u8(low), 0);
}

SCAN_INLINE uint64_t signs_neon(const wide_neon v[4])
{
	wide_neon high[4];

	for (int i = 0; i < 4; i++)
		high[i] = (wide_neon)(v[i] >= 0x80);
	return movemask_neon(high);
}

#define prefix_neon prefix_by_shifts

#define SCAN_PATIENCE 0
#define SCAN_LANE 16
#define SCAN_TARGET
#define SCAN_(name) name##_neon
#include "mcp/json/scan_loop.h"
#endif

/* ---- the choice ---- */

typedef bool scan_fn(struct wide *w, char *p);

static const struct {
	const char *name;
	scan_fn *scan;
} ways[] = {
#ifdef SCAN_X86
	{ "sse2", scan_sse2 },
	{ "avx2", scan_avx2 },
#else
	{ "neon", scan_neon },
#endif
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static scan_fn *chosen;

#ifdef SCAN_X86
#define XCR0_SSE_AVX 6u /* the system saves these registers */

/*
 * Asked by hand: __builtin_cpu_supports() wants a table of the compiler's run-time
 * library, which not every one has. Intel's Software Developer's Manual, volume 1,
 * "Detection of AVX2".
 */
static bool has_avx2(void)
{
	unsigned a, b, c, d, saved, unused;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_PCLMUL))
		return false;
	__asm__("xgetbv" : "=a"(saved), "=d"(unused) : "c"(0));
	if ((saved & XCR0_SSE_AVX) != XCR0_SSE_AVX)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2) && (b & bit_BMI);
}
#endif

static size_t usable(void)
{
#ifdef SCAN_X86
	return has_avx2() ? WAYS : WAYS - 1;
#else
	return WAYS;
#endif
}

const char *scan_wide_name(size_t i)
{
	return i < usable() ? ways[i].name : NULL;
}

void scan_wide_choose(size_t i)
{
	if (i < usable())
		chosen = ways[i].scan;
}

bool scan_wide(char *p, char *end, char **first, char **behind, scan_member_fn *member, void *ctx)
{
	struct wide w;

	if (!chosen)
		scan_wide_choose(usable() - 1);
	p = skip_blanks(p, end);
	if (p == end || (*p != '{' && *p != '['))
		return false;
	/* Not the whole stack: brackets() writes it before it is read. */
	w.end = end;
	w.member = member;
	w.ctx = ctx;
	w.first = p;
	w.behind = w.colon = NULL;
	w.from = p + 1;
	w.carry = (struct carry){ 0 };
	w.depth = 0;
	w.object[0] = false;
	if (!chosen(&w, p) || skip_blanks(w.behind, end) != end)
		return false;
	*first = w.first;
	*behind = w.behind;
	return true;
}

#else /* neither SSE2 nor NEON */

const char *scan_wide_name(size_t i)
{
	(void)i;
	return NULL;
}

void scan_wide_choose(size_t i)
{
	(void)i;
}

bool scan_wide(char *p, char *end, char **first, char **behind, scan_member_fn *member, void *ctx)
{
	(void)p;
	(void)end;
	(void)first;
	(void)behind;
	(void)member;
	(void)ctx;
	return false;
}

#endif
