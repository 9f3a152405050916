/* A client's name for itself: the User-Agent made of it, and how long such a client waits. */
#include "mcp/http/client_info.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "mcp/json/walk.h"

/* A longer text is no name. */
#define TEXT_MAX ((size_t)4096)

/* The SDKs give a request 60 s; most clients leave it at that. */
#define PATIENCE_MS 55000

/* Measured with the versions of 2026-11, the names compared with the programs' own sources: Inspector is
 * "mcp-inspector" in a browser, "inspector-cli" and "inspector-tui" elsewhere. The whole name, or its beginning where the client puts more behind it. */
static const struct {
	const char *name;
	bool begins;
	int64_t patience_ms;
	int64_t opening_ms; /* 0: the same */
} clients[] = {
	{ "mpmcp", false, 0, 0 },                 /* our own commands: as long as it takes */
	{ "mcp-test-client", false, 4500, 0 },    /* gemini mcp list: 5 s */
	{ "gemini-cli-mcp-client", true, 0, 0 },  /* its agent: 10 min */
	{ "qwen-cli-mcp-client", true, 9000, 0 }, /* 10 s */
	/* 30 s, as the others down to mcporter. To open it has 30 s for two processes, one after the other. */
	{ "claude-code", false, 28000, 12500 }, { "codex-mcp-client", false, 28000, 0 },
	{ "opencode", false, 28000, 0 }, { "mcp-inspector", false, 28000, 0 },
	{ "inspector-", true, 28000, 0 }, { "mcporter", false, 28000, 0 },
	{ "github-copilot-", true, 57000, 0 }, /* 60 s */
};

static void find_patience(const char *name, struct client_info *out)
{
	out->patience_ms = out->opening_ms = PATIENCE_MS;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		size_t n = strlen(clients[i].name) + !clients[i].begins;

		if (strncmp(name, clients[i].name, n) != 0)
			continue;
		out->patience_ms = clients[i].patience_ms;
		out->opening_ms = clients[i].opening_ms ? clients[i].opening_ms : out->patience_ms;
		return;
	}
}

static bool is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* What lies between two pieces of a token becomes one "-". */
static void clean(const char *text, char out[CLIENT_INFO_WORD_MAX + 1])
{
	size_t n = 0;
	bool gap = false;

	for (; *text && n < CLIENT_INFO_WORD_MAX; text++) {
		if (!is_token_char((unsigned char)*text)) {
			gap = n > 0;
			continue;
		}
		if (gap && n + 1 < CLIENT_INFO_WORD_MAX)
			out[n++] = '-';
		gap = false;
		out[n++] = *text;
	}
	out[n] = 0;
}

/* "" when there is none. */
static void text_of(struct span info, const char *member, struct buf *out)
{
	buf_init(out, TEXT_MAX);
	if (!walk_string(walk_get(info, member, NULL), out))
		buf_reset(out);
}

void client_info_read(struct span info, struct client_info *out)
{
	char word[CLIENT_INFO_WORD_MAX + 1], number[CLIENT_INFO_WORD_MAX + 1];
	struct buf name, version;

	text_of(info, "name", &name);
	text_of(info, "version", &version);
	clean(buf_str(&name), word);
	clean(buf_str(&version), number);
	if (strcmp(word, "mpmcp") == 0)
		*word = 0; /* the field says so already */
	snprintf(out->agent, sizeof(out->agent), "mpmcp/" MPMCP_VERSION "%s%s%s%s%s",
		*word ? " (" : "", word, *word && *number ? "/" : "", *word ? number : "",
		*word ? ")" : "");
	find_patience(buf_str(&name), out);
	buf_free(&name);
	buf_free(&version);
}
