/*
 * Which encoding a text is in, and the way to UTF-8 from it.
 */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

#define MARK "\xEF\xBB\xBF"
#define MARK_LEN (sizeof(MARK) - 1)

enum encoding { UTF_8, UTF_16LE, UTF_16BE };

static bool begins(const char *p, size_t n, const char *with, size_t len)
{
	return n >= len && memcmp(p, with, len) == 0;
}

static enum encoding encoding_of(const char *p, size_t n)
{
	if (begins(p, n, "\xFF\xFE", 2))
		return UTF_16LE;
	return begins(p, n, "\xFE\xFF", 2) ? UTF_16BE : UTF_8;
}

static bool wrong_byte(const char *what, size_t at, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "%.200s is not text: byte %zu %s. Save it as UTF-8", what,
		at + 1, why);
}

/* ---- UTF-8 ---- */

static bool check_utf8(const char *p, size_t n, const char *what, struct err *e)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_length(p + i, p + n);
		if (!len)
			return wrong_byte(what, i, "is not UTF-8", e);
		if (!p[i])
			return wrong_byte(what, i, "is a NUL, as in UTF-16 without a mark", e);
	}
	return true;
}

bool text_check(const char *p, size_t n, const char *what, struct err *e)
{
	if (encoding_of(p, n) == UTF_8)
		return check_utf8(p, n, what, e);
	return err_set(e, ERR_USAGE, "%.200s is encoded as UTF-16; save it as UTF-8", what);
}

/* ---- UTF-16 ---- */

static uint32_t unit(const char *p, enum encoding as)
{
	const unsigned char *s = (const unsigned char *)p;

	return as == UTF_16LE ? (uint32_t)(s[1] << 8 | s[0]) : (uint32_t)(s[0] << 8 | s[1]);
}

static bool add_utf8(struct buf *out, uint32_t c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3F));
	s[0] = (char)(first[n] | c);
	return buf_add(out, s, n);
}

/* RFC 2781 section 2.2. The mark itself is left out. */
static bool from_utf16(
	struct buf *out, const struct buf *b, enum encoding as, const char *what, struct err *e)
{
	for (size_t i = 2, len; i < b->len; i += len) {
		uint32_t c, low;

		if (b->len - i < 2)
			return wrong_byte(what, i, "is half a character of UTF-16", e);
		c = unit(b->p + i, as);
		len = 2;
		if (c >= 0xD800 && c < 0xDC00 && b->len - i >= 4) {
			low = unit(b->p + i + 2, as);
			if (low >= 0xDC00 && low < 0xE000) {
				c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
				len = 4;
			}
		}
		if (!c || (len == 2 && c >= 0xD800 && c < 0xE000))
			return wrong_byte(what, i, "is not UTF-16", e);
		if (!add_utf8(out, c))
			return err_set(e, ERR_USAGE,
				"%.200s is larger than %zu bytes; is it the right file?", what,
				out->cap);
	}
	return true;
}

bool text_plain(struct buf *b, const char *what, struct err *e)
{
	enum encoding as = encoding_of(buf_str(b), b->len);
	struct buf out;
	bool good;

	if (as == UTF_8) {
		good = check_utf8(buf_str(b), b->len, what, e);
		if (good && begins(buf_str(b), b->len, MARK, MARK_LEN))
			buf_drop(b, MARK_LEN);
		return good;
	}
	buf_init(&out, b->cap);
	good = from_utf16(&out, b, as, what, e);
	if (good) {
		buf_wipe(b); /* it may hold a secret */
		buf_move(b, &out);
	}
	buf_wipe(&out);
	return good;
}

bool text_read(const char *path, struct buf *out, struct err *e)
{
	if (file_read(path, out, e) && text_plain(out, path, e))
		return true;
	if (e)
		e->kind = ERR_USAGE;
	return false;
}
