/*
 * Any text as a service-account token. What is taken is a value of the one form that the service
 * reads, and taking it again changes nothing; what is refused says why and repeats nothing of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/service_account.h"
#include "base/crypt.h"

#define SCHEMES "Bearer Basic "
#define WHERE "MIXPANEL_SA_TOKEN"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* "Bearer Basic ", padded base64 of the standard alphabet, printable text with a colon in it. */
static void check_value(const char *value)
{
	const char *text = value + strlen(SCHEMES), *colon;
	struct buf pair, again;

	must(strncmp(value, SCHEMES, strlen(SCHEMES)) == 0);
	must(strlen(text) % 4 == 0);
	buf_init(&pair, 4 * SERVICE_ACCOUNT_MAX);
	buf_init(&again, 4 * SERVICE_ACCOUNT_MAX);
	must(crypt_unbase64(&pair, text, strlen(text)));
	must(crypt_base64(&again, pair.p, pair.len));
	must(strcmp(buf_str(&again), text) == 0);
	for (size_t i = 0; i < pair.len; i++)
		must(pair.p[i] > ' ' && pair.p[i] < 0x7f);
	colon = strchr(buf_str(&pair), ':');
	must(colon && colon > pair.p && colon[1]);
	must(!strstr(buf_str(&pair), "${"));
	buf_free(&pair);
	buf_free(&again);
}

/* Long values grow by a third in each encoding, so only those that fit are tried again. */
static void check_stable(const char *value)
{
	struct buf again;

	if (strlen(value) > SERVICE_ACCOUNT_MAX)
		return;
	buf_init(&again, 4 * SERVICE_ACCOUNT_MAX);
	must(service_account_from_token(value, WHERE, &again, NULL, NULL));
	must(strcmp(buf_str(&again), value) == 0);
	buf_free(&again);
}

/*
 * A message holds the source, fixed words, and at most the name of a variable. So where the text has
 * no mark of a variable, no eight bytes of it may be in the message, but for those that are words of
 * ours: these hold no digit other than those of "base64", "UTF-16" and the cap.
 */
static void check_refusal(const struct err *e, const char *text)
{
	size_t n = strlen(text);

	must(e->kind == ERR_USAGE || e->kind == ERR_LIMIT);
	must(strncmp(e->msg, WHERE, strlen(WHERE)) == 0);
	if (strpbrk(text, "$%"))
		return;
	for (size_t i = 0; i + 8 <= n; i++) {
		char piece[9] = "";

		memcpy(piece, text + i, 8);
		if (strpbrk(piece, "23578"))
			must(!strstr(e->msg, piece));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *repaired = "";
	struct err e = { 0 };
	struct buf out;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	buf_init(&out, 4 * SERVICE_ACCOUNT_MAX);
	must(buf_adds(&out, "<"));
	if (service_account_from_token(text, WHERE, &out, &repaired, &e)) {
		check_value(out.p + 1);
		check_stable(out.p + 1);
	} else {
		must(out.len == 1 && !repaired);
		check_refusal(&e, text);
	}
	buf_free(&out);
	free(text);
	return 0;
}
