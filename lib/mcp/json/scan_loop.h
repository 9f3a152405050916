/*
 * The loop of scan_wide.c, written once and compiled for each instruction set.
 * Before it is included:
 *
 *   SCAN_TARGET     attributes of every function ("target(...)"), or nothing
 *   SCAN_(name)     name with the suffix of the instruction set
 *   SCAN_PATIENCE   blocks in a row with something outside strings, after which it gives up; 0: none
 *   SCAN_LANE       bytes in one vector; wide_SUFFIX is that vector type
 *   SCAN_(load_wide) one such vector from anywhere in memory
 *   SCAN_(signs)    the highest bits of four or two vectors' bytes as one 64-bit mask
 *   SCAN_(movemask) four or two vectors of 0 or -1 into one 64-bit mask
 *   SCAN_(prefix)   bit i of the result: parity of bits 0 to i
 *
 * No guard: it is meant to be included more than once.
 */

#define SCAN_FN static inline __attribute__((always_inline)) SCAN_TARGET
#define LANES (64 / SCAN_LANE)
#define UNROLL _Pragma("GCC unroll 4")
#define WIDE SCAN_(wide)

struct SCAN_(block) {
	WIDE v[LANES];
};

SCAN_FN struct SCAN_(block) SCAN_(load)(const char *p)
{
	struct SCAN_(block) b;

	UNROLL for (int i = 0; i < LANES; i++) b.v[i] = SCAN_(load_wide)(p + i * SCAN_LANE);
	return b;
}

/* One bit for each byte that equals c. */
SCAN_FN uint64_t SCAN_(equal)(const struct SCAN_(block) * b, unsigned char c)
{
	struct SCAN_(block) m;

	UNROLL for (int i = 0; i < LANES; i++) m.v[i] = (WIDE)(b->v[i] == c);
	return SCAN_(movemask)(m.v);
}

/* The same with the bit 0x20 of each byte set first: braces and brackets alike. */
SCAN_FN uint64_t SCAN_(folded)(const struct SCAN_(block) * b, unsigned char c)
{
	struct SCAN_(block) m;

	UNROLL for (int i = 0; i < LANES; i++) m.v[i] = (WIDE)((b->v[i] | 0x20) == c);
	return SCAN_(movemask)(m.v);
}

/* From lo to hi, both included. */
SCAN_FN uint64_t SCAN_(range)(const struct SCAN_(block) * b, unsigned char lo, unsigned char hi)
{
	struct SCAN_(block) m;

	UNROLL for (int i = 0; i < LANES; i++) m.v[i] =
		(WIDE)((b->v[i] - lo) <= (unsigned char)(hi - lo));
	return SCAN_(movemask)(m.v);
}

/*
 * UTF-8 by RFC 3629, section 4: every byte that continues a character stands where a lead byte asks
 * for it and nowhere else; four lead bytes narrow what may come next.
 */
SCAN_FN bool SCAN_(utf8)(struct utf8 *u, const struct SCAN_(block) * b, uint64_t high)
{
	uint64_t more = SCAN_(range)(b, 0x80, 0xBF), two = SCAN_(range)(b, 0xC2, 0xDF),
		 three = SCAN_(range)(b, 0xE0, 0xEF), four = SCAN_(range)(b, 0xF0, 0xF4);
	uint64_t e0 = SCAN_(equal)(b, 0xE0), ed = SCAN_(equal)(b, 0xED), f0 = SCAN_(equal)(b, 0xF0),
		 f4 = SCAN_(equal)(b, 0xF4);
	uint64_t due = (two | three | four) << 1 | (three | four) << 2 | four << 3 | u->due;
	bool good = due == more && high == (more | two | three | four);

	if (e0 | ed | f0 | f4 | u->e0 | u->ed | u->f0 | u->f4) {
		uint64_t below_a0 = SCAN_(range)(b, 0x80, 0x9F),
			 below_90 = SCAN_(range)(b, 0x80, 0x8F);

		/* No overlong forms, no surrogates, nothing above U+10FFFF. */
		good = good && !((e0 << 1 | u->e0) & below_a0) &&
		       !((ed << 1 | u->ed) & ~below_a0) && !((f0 << 1 | u->f0) & below_90) &&
		       !((f4 << 1 | u->f4) & ~below_90);
	}
	*u = (struct utf8){ (two | three | four) >> 63 | (three | four) >> 62 | four >> 61,
		e0 >> 63, ed >> 63, f0 >> 63, f4 >> 63 };
	return good;
}

SCAN_FN uint64_t SCAN_(spaces)(const struct SCAN_(block) * b)
{
	struct SCAN_(block) m;

	UNROLL for (int i = 0; i < LANES; i++) m.v[i] =
		(WIDE)((b->v[i] == ' ') | (b->v[i] == '\n') | (b->v[i] == '\r') |
			(b->v[i] == '\t'));
	return SCAN_(movemask)(m.v);
}

/* What may follow a backslash beside quote and backslash: / b f n r t u. */
SCAN_FN uint64_t SCAN_(escapable)(const struct SCAN_(block) * b)
{
	struct SCAN_(block) m;

	UNROLL for (int i = 0; i < LANES; i++) m.v[i] =
		(WIDE)((b->v[i] == '/') | (b->v[i] == 'b') | (b->v[i] == 'f') | (b->v[i] == 'n') |
			(b->v[i] == 'r') | (b->v[i] == 't') | (b->v[i] == 'u'));
	return SCAN_(movemask)(m.v);
}

/* The bytes after a backslash that counts. An odd run of backslashes escapes what follows it: an
 * addition carries through each run, and whether it ends on an odd or an even place tells. */
SCAN_FN uint64_t SCAN_(escaped)(uint64_t backslash, uint64_t *carry)
{
	const uint64_t even = 0x5555555555555555u;
	uint64_t follows, odd_starts, sum, flips;

	if (!backslash) {
		follows = *carry;
		*carry = 0;
		return follows;
	}
	backslash &= ~*carry; /* the first one is escaped itself */
	follows = backslash << 1 | *carry;
	odd_starts = backslash & ~even & ~follows;
	*carry = (uint64_t)__builtin_add_overflow(odd_starts, backslash, &sum);
	flips = sum << 1;
	return (even ^ flips) & follows;
}

/* What lies outside strings in one block: the masks that block_is_good() judges. */
SCAN_FN bool SCAN_(outside)(struct wide *w, char *p, const struct SCAN_(block) * b, uint64_t quote,
	uint64_t string, uint64_t control)
{
	uint64_t outside = ~string, space = SCAN_(spaces)(b) & outside;
	struct tokens t = {
		.comma = SCAN_(equal)(b, ',') & outside,
		.colon = SCAN_(equal)(b, ':') & outside,
		.open = SCAN_(folded)(b, '{') & outside,
		.close = SCAN_(folded)(b, '}') & outside,
		.string_start = quote & string,
		.string_end = quote & outside,
		.space = space,
	};

	t.scalar = outside & ~(t.comma | t.colon | t.open | t.close | space | quote);
	if (control & ~space)
		return false;
	if (t.scalar)
		t.digit = SCAN_(range)(b, '0', '9');
	if (!block_is_good(w, p, &t))
		return false;
	if (control)
		blank_lines(p, control);
	return true;
}

/* Escapes inside strings name something: quote, backslash, one of seven letters. */
SCAN_FN bool SCAN_(escapes)(
	const struct wide *w, const char *p, const struct SCAN_(block) * b, uint64_t escaped)
{
	return !(escaped & ~SCAN_(escapable)(b)) && unicode_escapes(p, w->end, escaped);
}

SCAN_TARGET static bool SCAN_(scan)(struct wide *w, char *p)
{
	uint64_t escape_carry = 0, string_carry = 0;
	struct utf8 utf8 = { 0 };
	unsigned visited = 0; /* blocks in a row with something outside strings */
	char *const end = w->end;
	char pad[64];

	for (; p < end && !w->behind; p += 64) {
		struct SCAN_(block) b;
		uint64_t quote, backslash, control, high, escaped, string;

		if (end - p >= 64) {
			b = SCAN_(load)(p);
		} else {
			memset(pad, ' ', sizeof(pad));
			memcpy(pad, p, (size_t)(end - p));
			b = SCAN_(load)(pad);
		}
		quote = SCAN_(equal)(&b, '"');
		backslash = SCAN_(equal)(&b, '\\');
		control = SCAN_(range)(&b, 0, ' ' - 1);
		high = SCAN_(signs)(b.v);
		if ((high | utf8.due) && !SCAN_(utf8)(&utf8, &b, high))
			return false;
		escaped = SCAN_(escaped)(backslash, &escape_carry);
		if (escaped & ~(quote | backslash) &&
			!SCAN_(escapes)(w, p, &b, escaped & ~(quote | backslash)))
			return false;
		quote &= ~escaped;
		string = SCAN_(prefix)(quote) ^ string_carry;
		string_carry = (uint64_t)0 - (string >> 63);
		if ((control & string) || (backslash & ~string))
			return false;
		if (~string) {
			if (SCAN_PATIENCE && ++visited > SCAN_PATIENCE)
				return false;
			if (!SCAN_(outside)(w, p, &b, quote, string, control))
				return false;
			continue;
		}
		visited = 0;
		if (!(quote | backslash | high) && end - p > 64) {
			/* The middle of a long string: on to the block with what matters next. */
			p += (scan_string(p + 64, end) - p - 64) & ~(ptrdiff_t)63;
		}
	}
	return w->behind;
}

#undef SCAN_FN
#undef LANES
#undef UNROLL
#undef WIDE
