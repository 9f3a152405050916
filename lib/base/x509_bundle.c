#include "base/x509_bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* ---- DER (X.690): one element after the other ---- */

enum tag {
	BOOLEAN = 0x01,
	INTEGER = 0x02,
	BIT_STRING = 0x03,
	OCTET_STRING = 0x04,
	NONE = 0x05,
	OBJECT = 0x06,
	UTF8 = 0x0C,
	PRINTABLE = 0x13,
	T61 = 0x14,
	IA5 = 0x16,
	UTC_TIME = 0x17,
	GENERAL_TIME = 0x18,
	SEQUENCE = 0x30,
	SET = 0x31,
	VERSION = 0xA0,    /* [0] */
	EXTENSIONS = 0xA3, /* [3] */
};

struct der {
	const unsigned char *p, *end;
};

static bool at_end(const struct der *in)
{
	return in->p == in->end;
}

static bool next_is(const struct der *in, enum tag tag)
{
	return in->p < in->end && *in->p == tag;
}

/* The length at *p, in its shortest form (10.1), if that many bytes follow. */
static bool take_length(struct der *in, size_t *n)
{
	size_t octets;

	if (at_end(in))
		return false;
	*n = *in->p++;
	octets = *n & 0x7F;
	if (*n >= 0x80) {
		if (octets < 1 || octets > 3 || octets > (size_t)(in->end - in->p) || !*in->p)
			return false;
		for (*n = 0; octets; octets--)
			*n = *n << 8 | *in->p++;
		if (*n < 0x80)
			return false;
	}
	return *n <= (size_t)(in->end - in->p);
}

static bool take(struct der *in, enum tag tag, struct der *content)
{
	size_t n;

	if (!next_is(in, tag))
		return false;
	in->p++;
	if (!take_length(in, &n))
		return false;
	*content = (struct der){ in->p, in->p + n };
	in->p += n;
	return true;
}

static bool take_integer(struct der *in)
{
	struct der i;

	if (!take(in, INTEGER, &i) || at_end(&i))
		return false;
	/* Nine equal bits in front are one byte too many (8.3.2). */
	return i.end - i.p == 1 ||
	       !((i.p[0] == 0 && i.p[1] < 0x80) || (i.p[0] == 0xFF && i.p[1] >= 0x80));
}

static bool take_bits(struct der *in)
{
	struct der b;

	return take(in, BIT_STRING, &b) && b.end - b.p > 1 && *b.p < 8;
}

static bool take_object(struct der *in, struct der *o)
{
	bool starts = true; /* a part of the number, which has no zeros in front (8.19.2) */

	if (!take(in, OBJECT, o) || at_end(o) || o->end[-1] >= 0x80)
		return false;
	for (const unsigned char *p = o->p; p < o->end; p++) {
		if (starts && *p == 0x80)
			return false;
		starts = *p < 0x80;
	}
	return true;
}

/* ---- names ---- */

/* FNV-1a. Names that are made to collide become candidates in vain. */
#define HASH_START 0xCBF29CE484222325u

static uint64_t hash(uint64_t h, unsigned char byte)
{
	return (h ^ byte) * 0x100000001B3u;
}

static bool is_utf8(const struct der *s)
{
	const char *p = (const char *)s->p, *end = (const char *)s->end;

	for (size_t n; p < end; p += n)
		if (!(n = utf8_length(p, end)))
			return false;
	return true;
}

/* Of the strings that OpenSSL compares as text those with a byte for an ASCII character. */
static bool take_string(struct der *in, struct der *s)
{
	if (next_is(in, UTF8))
		return take(in, UTF8, s) && !at_end(s) && is_utf8(s);
	return (take(in, PRINTABLE, s) || take(in, T61, s) || take(in, IA5, s)) && !at_end(s);
}

/* What is compared without regard to case and blanks counts as its letters and digits. */
static uint64_t hash_string(uint64_t h, const struct der *s)
{
	for (const unsigned char *p = s->p; p < s->end; p++) {
		unsigned char c = *p;

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c | 0x20);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			h = hash(h, c);
	}
	return h;
}

/* AttributeTypeAndValue. The members of a set are compared in an order of their own, so they are added up. */
static bool take_attribute(struct der *set, uint64_t *sum)
{
	struct der one, type, value;
	uint64_t h = HASH_START;

	if (!take(set, SEQUENCE, &one) || !take_object(&one, &type) || !take_string(&one, &value) ||
		!at_end(&one))
		return false;
	for (const unsigned char *p = type.p; p < type.end; p++)
		h = hash(h, *p);
	*sum += hash_string(h, &value);
	return true;
}

/* Larger ones OpenSSL does not read. */
#define NAME_MAX_BYTES ((size_t)64 << 10)

static bool take_name(struct der *in, uint64_t *key)
{
	struct der name, set;

	*key = HASH_START;
	if (!take(in, SEQUENCE, &name) || at_end(&name) ||
		(size_t)(name.end - name.p) > NAME_MAX_BYTES)
		return false;
	while (!at_end(&name)) {
		uint64_t sum = 0;

		if (!take(&name, SET, &set) || at_end(&set))
			return false;
		while (!at_end(&set))
			if (!take_attribute(&set, &sum))
				return false;
		for (unsigned i = 0; i < 64; i += 8)
			*key = hash(*key, (unsigned char)(sum >> i));
	}
	*key += *key == X509_BUNDLE_ANY;
	return true;
}

uint64_t x509_bundle_key(const unsigned char *der, size_t n)
{
	struct der in = { der, der + n };
	uint64_t key;

	return take_name(&in, &key) && at_end(&in) ? key : X509_BUNDLE_ANY;
}

/* ---- certificates (RFC 5280 section 4.1) ---- */

/* AlgorithmIdentifier: with parameters that are NULL or an object, or none. */
static bool take_algorithm(struct der *in)
{
	struct der a, o;

	if (!take(in, SEQUENCE, &a) || !take_object(&a, &o))
		return false;
	if (next_is(&a, NONE))
		return take(&a, NONE, &o) && at_end(&o) && at_end(&a);
	return at_end(&a) || (take_object(&a, &o) && at_end(&a));
}

static bool take_version(struct der *in)
{
	struct der v;

	return !next_is(in, VERSION) || (take(in, VERSION, &v) && take_integer(&v) && at_end(&v));
}

static bool take_time(struct der *in)
{
	struct der t;

	return next_is(in, UTC_TIME) ? take(in, UTC_TIME, &t) && t.end - t.p == 13
				     : take(in, GENERAL_TIME, &t) && t.end - t.p == 15;
}

static bool take_validity(struct der *in)
{
	struct der v;

	return take(in, SEQUENCE, &v) && take_time(&v) && take_time(&v) && at_end(&v);
}

/* SubjectPublicKeyInfo. Whether the key is one OpenSSL only asks when it uses it. */
static bool take_public_key(struct der *in)
{
	struct der k;

	return take(in, SEQUENCE, &k) && take_algorithm(&k) && take_bits(&k) && at_end(&k);
}

/* What is in them OpenSSL only asks when it verifies. */
static bool take_extension(struct der *in)
{
	struct der x, part;

	if (!take(in, SEQUENCE, &x) || !take_object(&x, &part))
		return false;
	if (next_is(&x, BOOLEAN) && !(take(&x, BOOLEAN, &part) && part.end - part.p == 1))
		return false;
	return take(&x, OCTET_STRING, &part) && at_end(&x);
}

static bool take_extensions(struct der *in)
{
	struct der outer, list;

	if (at_end(in))
		return true;
	if (!take(in, EXTENSIONS, &outer) || !take(&outer, SEQUENCE, &list) || !at_end(&outer))
		return false;
	while (!at_end(&list))
		if (!take_extension(&list))
			return false;
	return true;
}

/* TBSCertificate */
static bool take_body(struct der *in, uint64_t *subject)
{
	struct der t;
	uint64_t issuer;

	return take(in, SEQUENCE, &t) && take_version(&t) && take_integer(&t) &&
	       take_algorithm(&t) && take_name(&t, &issuer) && take_validity(&t) &&
	       take_name(&t, subject) && take_public_key(&t) && take_extensions(&t) && at_end(&t);
}

static uint64_t subject_of(const unsigned char *der, size_t n)
{
	struct der in = { der, der + n }, c;
	uint64_t subject;

	return take(&in, SEQUENCE, &c) && at_end(&in) && take_body(&c, &subject) &&
			       take_algorithm(&c) && take_bits(&c) && at_end(&c)
		       ? subject
		       : X509_BUNDLE_ANY;
}

/* ---- PEM ---- */

#define BEGIN "-----BEGIN "
#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE "-----END CERTIFICATE-----"
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* OpenSSL reads longer ones in pieces, and a piece may look like the begin of a block. */
#define LINE_MAX_BYTES ((size_t)250)

/* What is left of the text, and where decoded bytes go: never beyond what was read. */
struct pem {
	const char *p, *end;
	unsigned char *out;
	unsigned char value[256]; /* of base64's characters; NO_VALUE */
};
#define NO_VALUE 0xFF

struct line {
	const char *p;
	size_t n; /* without blanks at its end */
};

static bool take_line(struct pem *in, struct line *l)
{
	size_t left = (size_t)(in->end - in->p);
	const char *lf = memchr(in->p, '\n', left);

	*l = (struct line){ in->p, lf ? (size_t)(lf - in->p) : left };
	if (l->n > LINE_MAX_BYTES)
		return false;
	in->p = lf ? lf + 1 : in->end;
	while (l->n && (l->p[l->n - 1] == '\r' || l->p[l->n - 1] == ' ' || l->p[l->n - 1] == '\t'))
		l->n--;
	return true;
}

static bool starts_with(const struct line *l, const char *with)
{
	size_t n = strlen(with);

	return l->n >= n && memcmp(l->p, with, n) == 0;
}

static bool is_line(const struct line *l, const char *text)
{
	return l->n == strlen(text) && starts_with(l, text);
}

static void learn_values(unsigned char value[256])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(value, NO_VALUE, 256);
	for (unsigned char i = 0; i < 64; i++)
		value[(unsigned char)alphabet[i]] = i;
}

/* The 24 bits of a group; `seen` collects what its characters stand for. */
static unsigned group(const unsigned char value[256], const char *p, unsigned *seen)
{
	const unsigned char *c = (const unsigned char *)p;
	unsigned a = value[c[0]], b = value[c[1]], d = value[c[2]], e = value[c[3]];

	*seen |= a | b | d | e;
	return a << 18 | b << 12 | d << 6 | e;
}

/* A line of whole groups; *last: it ends in padding, so no other one follows. */
static bool decode_line(struct pem *in, const struct line *l, bool *last)
{
	size_t n = l->n;
	size_t pad = n > 1 && l->p[n - 1] == '=' ? 1 + (l->p[n - 2] == '=') : 0;
	unsigned char *out = in->out;
	unsigned bits, seen = 0;
	char end[4];

	if (!n || n % 4 || *last)
		return false;
	*last = pad > 0;
	for (const char *p = l->p, *whole = l->p + n - 4; p < whole; p += 4, out += 3) {
		bits = group(in->value, p, &seen);
		out[0] = (unsigned char)(bits >> 16);
		out[1] = (unsigned char)(bits >> 8);
		out[2] = (unsigned char)bits;
	}
	memcpy(end, l->p + n - 4, 4);
	memset(end + 4 - pad, 'A', pad); /* which stands for zero */
	bits = group(in->value, end, &seen);
	for (size_t i = 0; i < 3 - pad; i++)
		out[i] = (unsigned char)(bits >> (16 - 8 * i));
	in->out = out + 3 - pad;
	return seen < 64;
}

/* From the line after its begin to its end. */
static bool take_block(struct pem *in, struct x509_bundle_cert *cert)
{
	unsigned char *from = in->out;
	struct line l;
	bool last = false;

	for (;;) {
		if (in->p == in->end || !take_line(in, &l))
			return false;
		if (is_line(&l, END_CERTIFICATE))
			break;
		if (!decode_line(in, &l, &last))
			return false;
	}
	*cert = (struct x509_bundle_cert){ .der = from, .len = (size_t)(in->out - from) };
	cert->key = subject_of(cert->der, cert->len);
	return cert->len > 0;
}

static struct x509_bundle_cert *add(struct x509_bundle *b, size_t *room)
{
	if (b->n == *room) {
		*room = *room ? 2 * *room : 256;
		b->certs = mem_grow(b->certs, *room, sizeof(*b->certs));
	}
	return &b->certs[b->n++];
}

static bool take_blocks(struct pem *in, struct x509_bundle *b)
{
	size_t room = 0;
	struct line l;

	while (in->p < in->end) {
		if (!take_line(in, &l))
			return false;
		if (is_line(&l, BEGIN_CERTIFICATE)) {
			if (!take_block(in, add(b, &room)))
				return false;
		} else if (starts_with(&l, BEGIN) || starts_with(&l, BYTE_ORDER_MARK)) {
			return false;
		}
	}
	return b->n > 0;
}

bool x509_bundle_index(struct x509_bundle *b, char *text, size_t n)
{
	struct pem in = { .p = text, .end = text + n, .out = (unsigned char *)text };
	size_t mark = strlen(BYTE_ORDER_MARK);

	*b = (struct x509_bundle){ 0 };
	learn_values(in.value);
	if (n >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0)
		in.p += mark;
	/* OpenSSL takes a NUL for the end of its line. */
	if (!memchr(text, 0, n) && take_blocks(&in, b))
		return true;
	x509_bundle_free(b);
	return false;
}

void x509_bundle_free(struct x509_bundle *b)
{
	free(b->certs);
	*b = (struct x509_bundle){ 0 };
}
