/*
 * Documents of OAuth servers. The first byte chooses the reader; whatever is
 * taken must be fit for a header, an argument or a terminal.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "net/url.h"

#define ENDPOINT "https://mcp.example/mcp"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_visible(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 127)
			return false;
	return true;
}

static void must_be_url(const char *s)
{
	must(!s || (documents_url_ok(s, ENDPOINT, "x", NULL) && is_visible(s)));
}

static void must_be_list(const char *s)
{
	must(!s || strspn(s, "\r\n\t\x1b\"\\") == 0);
	for (; s && *s; s++)
		must(*s >= ' ' && *s < 127);
}

static void must_be_secret(const struct secret *s)
{
	must(!secret_isset(s) || (s->len && s->len == strlen(s->text) && is_visible(s->text)));
}

static void read_resource(const char *p, size_t n, struct signin_record *g)
{
	struct documents_issuers i;
	struct err e = { 0 };

	if (documents_read_resource(p, n, ENDPOINT, g, &i, &e)) {
		must(g->resource && url_same_origin(g->resource, ENDPOINT));
		must_be_list(g->scopes_offered);
		must(i.n <= DOCUMENTS_ISSUERS_MAX);
	} else {
		must(e.kind != ERR_NONE && !g->resource);
	}
	for (size_t k = 0; k < i.n; k++)
		must_be_url(i.item[k]);
	documents_issuers_clear(&i);
}

static void read_metadata(const char *p, size_t n, struct signin_record *g, bool guessed)
{
	struct server_traits t = { 0 };
	struct err e = { 0 };

	if (!documents_read_metadata(p, n, "https://mcp.example", guessed, ENDPOINT, g, &t, &e)) {
		must(e.kind != ERR_NONE);
		return;
	}
	must(g->issuer && g->token_endpoint);
	must(guessed || strcmp(g->issuer, "https://mcp.example") == 0);
	must_be_url(g->authorization_endpoint);
	must_be_url(g->token_endpoint);
	must_be_url(g->registration_endpoint);
	must_be_url(g->revocation_endpoint);
	must_be_url(g->device_endpoint);
	must_be_list(g->auth_methods);
}

static void read_client(const char *p, size_t n, struct signin_record *g)
{
	struct err e = { 0 };

	if (documents_read_client(p, n, NULL, g, &e)) {
		must(*g->client_id && is_visible(g->client_id));
		must(g->client_method != NULL);
		must_be_secret(&g->client_secret);
		must(secret_isset(&g->client_secret) || strcmp(g->client_method, "none") == 0);
	} else {
		must(e.kind != ERR_NONE && !g->client_id);
	}
}

static void read_tokens(const char *p, size_t n, struct signin_record *g, bool id_token)
{
	struct err e = { 0 };

	if (documents_read_tokens(p, n, id_token, g, &e))
		must(secret_isset(&g->access) && g->expires_s >= 0);
	else
		must(e.kind != ERR_NONE && !secret_isset(&g->access) && !secret_isset(&g->refresh));
	must_be_secret(&g->access);
	must_be_secret(&g->refresh);
	if (g->scope_granted)
		must(strpbrk(g->scope_granted, "\x1b\r\n\t\x7f") == NULL);
}

static void read_error(const char *p, size_t n)
{
	char code[64], words[241];

	documents_read_error(p, n, code, words);
	must(strlen(code) < 64 && strlen(words) < 241);
	must(strpbrk(words, "\x1b\r\n\t\x7f") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signin_record g = { 0 };
	char *p;
	size_t n;

	if (!size)
		return 0;
	/* A copy of its own length, so that reading beyond it is noticed. */
	n = size - 1;
	p = malloc(n ? n : 1);
	memcpy(p, data + 1, n);
	switch (data[0] % 7) {
	case 0:
		read_resource(p, n, &g);
		break;
	case 1:
	case 2:
		read_metadata(p, n, &g, data[0] % 7 == 2);
		break;
	case 3:
		read_client(p, n, &g);
		break;
	case 4:
	case 5:
		read_tokens(p, n, &g, data[0] % 7 == 5);
		break;
	default:
		read_error(p, n);
		break;
	}
	signin_record_clear(&g);
	free(p);
	return 0;
}
