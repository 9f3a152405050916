/*
 * How fast a message is read: every way to scan that this processor has, and the
 * plain scanner, over four kinds of text, in GB a second and as a share of
 * memcpy. The best of many rounds, by the processor time of this thread: what
 * else the machine does shows least in it. Reports; asserts nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "mcp/json/message.h"
#include "mcp/json/scan_wide.h"

#define TEXT_SIZE ((size_t)4 << 20)
#define ROUNDS 60

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool no_member(void *ctx, char *key, size_t key_n, char *value, size_t value_n)
{
	(void)ctx;
	(void)key;
	(void)key_n;
	(void)value;
	(void)value_n;
	return true;
}

/* Events as the service exports them. */
static bool add_row(struct buf *b, unsigned long i)
{
	return buf_addf(b,
		"{\"event\":\"Sign Up\",\"properties\":{\"time\":%lu,\"distinct_id\":\"user-%lu\","
		"\"$browser\":\"Chrome\",\"price\":%lu.%02lu,\"ok\":true,\"n\":null,\"tags\":["
		"\"a\",\"b\","
		"\"%lu\"]}}",
		1700000000 + i * 37, i, i * 7 % 100, i * 13 % 100, i);
}

static bool add_rows(struct buf *b)
{
	bool good = buf_addc(b, '[');

	for (unsigned long i = 0; good && b->len < TEXT_SIZE; i++)
		good = (!i || buf_addc(b, ',')) && add_row(b, i);
	return good && buf_addc(b, ']');
}

static bool dense(struct buf *b)
{
	return buf_adds(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"rows\":") && add_rows(b) &&
	       buf_adds(b, "}}");
}

static bool text_result(struct buf *b, const char *text, size_t n)
{
	return buf_adds(b,
		       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\","
		       "\"text\":") &&
	       message_quote(b, text, n) && buf_adds(b, "}]}}");
}

static bool escapes(struct buf *b)
{
	struct buf rows;
	bool good;

	buf_init(&rows, 2 * TEXT_SIZE);
	good = add_rows(&rows) && text_result(b, rows.p, rows.len);
	buf_free(&rows);
	return good;
}

static bool repeated(struct buf *b, const char *piece)
{
	struct buf text;
	bool good = true;

	buf_init(&text, 2 * TEXT_SIZE);
	while (good && text.len < TEXT_SIZE)
		good = buf_adds(&text, piece);
	good = good && text_result(b, text.p, text.len);
	buf_free(&text);
	return good;
}

static bool plain_text(struct buf *b)
{
	return repeated(b, "Retention fell by four points in the second week of the quarter. ");
}

static bool other_scripts(struct buf *b)
{
	return repeated(b, "Gr\u00f6\u00dfe \u4e2d\u6587\u5b57\u7b26 \u30c6\u30b9\u30c8 "
			   "\U0001F389 na\u00efve ");
}

static const struct {
	const char *name;
	bool (*make)(struct buf *b);
} corpora[] = {
	{ "JSON inside a string", escapes },
	{ "dense JSON", dense },
	{ "plain text", plain_text },
	{ "other scripts", other_scripts },
};

/* Way -2: memcpy; -1: the plain scanner. False when the text is refused. */
static bool once(int way, struct buf *b, char *copy)
{
	char *first, *behind;

	if (way == -2) {
		memcpy(copy, b->p, b->len);
		return copy[b->len / 2] == b->p[b->len / 2];
	}
	if (way == -1) {
		struct message m;

		return message_scan_plain(b->p, b->len, &m, NULL) == MESSAGE_OK;
	}
	/* As for any message: what is left to the plain scanner costs that, too. */
	return scan_wide(b->p, b->p + b->len, &first, &behind, no_member, NULL) ||
	       once(-1, b, copy);
}

static double best(int way, struct buf *b, char *copy)
{
	double least = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double t = now();

		if (!once(way, b, copy))
			exit(1);
		t = now() - t;
		if (t < least)
			least = t;
	}
	return (double)b->len / least * 1e-9;
}

int main(void)
{
	char *copy = malloc(3 * TEXT_SIZE);

	if (!copy)
		return 1;
	for (size_t i = 0; i < sizeof(corpora) / sizeof(corpora[0]); i++) {
		struct buf b;
		double floor;

		buf_init(&b, 3 * TEXT_SIZE);
		if (!corpora[i].make(&b))
			return 1;
		floor = best(-2, &b, copy);
		printf("%-22s memcpy %5.1f GB/s  plain %5.2f (%.2f)", corpora[i].name, floor,
			best(-1, &b, copy), best(-1, &b, copy) / floor);
		for (size_t w = 0; scan_wide_name(w); w++) {
			double speed;

			scan_wide_choose(w);
			speed = best((int)w, &b, copy);
			printf("  %s %5.2f (%.2f)", scan_wide_name(w), speed, speed / floor);
		}
		printf("\n");
		buf_free(&b);
	}
	free(copy);
	return 0;
}
