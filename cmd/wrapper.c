/*
 * Entries that people have: which words of them are not for us.
 */
#include "wrapper.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/pasted.h"

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i], word) == 0)
			return true;
	return false;
}
#define IS_ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof((list)[0]))

static const char *base_name(const char *path)
{
	for (const char *p = path; *p; p++)
		if (*p == '/' || *p == '\\')
			path = p + 1;
	return path;
}

/* What starts a package of npm, and what starts that on Windows. */
static bool is_runner(const char *word)
{
	static const char *const names[] = { "npx", "npx.cmd", "npx.exe", "bunx", "pnpx", "npm",
		"pnpm", "yarn", "bun", "exec", "dlx", "x", "node", "node.exe", "cmd", "cmd.exe" };

	return strcasecmp(word, "/c") == 0 || IS_ONE_OF(base_name(word), names);
}

static bool is_runners_flag(const char *word)
{
	static const char *const flags[] = { "-y", "--yes", "-q", "--quiet", "--" };

	return IS_ONE_OF(word, flags) || strncmp(word, "--package=", 10) == 0;
}

static bool takes_package(const char *word)
{
	return strcmp(word, "-p") == 0 || strcmp(word, "--package") == 0;
}

static bool is_program(const char *word)
{
	static const char *const names[] = { "mcp-remote", "mcp-remote.cmd", "mpmcp", "mpmcp.exe" };
	const char *name = base_name(word);

	return IS_ONE_OF(name, names) || strncmp(name, "mcp-remote@", 11) == 0 ||
	       (strcmp(name, "proxy.js") == 0 && strstr(word, "mcp-remote"));
}

/* How many words at the front are not for us. */
static size_t around(char *const *words, size_t n)
{
	/* As it was always taken: "mpmcp -y URL". */
	size_t yes = n && (strcmp(words[0], "-y") == 0 || strcmp(words[0], "--yes") == 0), i = 0;

	while (i < n && !is_program(words[i])) {
		if (takes_package(words[i]) && i + 1 < n)
			i += 2;
		else if (is_runner(words[i]) || is_runners_flag(words[i]))
			i++;
		else
			return yes;
	}
	if (i == n)
		return yes;
	i++;
	return i < n && strcmp(words[i], "--") == 0 ? i + 1 : i;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word of the line at *p, quotes taken off; NULL at the end. malloc'ed. */
static char *next_word(const char **p)
{
	char *word, *to, quote = 0;

	while (is_blank(**p))
		++*p;
	if (!**p)
		return NULL;
	to = word = mem_new(strlen(*p) + 1);
	for (; **p && (quote || !is_blank(**p)); ++*p) {
		char c = **p, next = (*p)[1];

		if (c == quote && quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		else if (c == '\\' && quote != '\'' && next && strchr("\"' ", next))
			*to++ = *++*p;
		else
			*to++ = c;
	}
	*to = 0;
	return word;
}

static bool starts_as_url(const char *word)
{
	return strncasecmp(word, "https://", 8) == 0 || strncasecmp(word, "http://", 7) == 0;
}

static bool is_around(const char *word)
{
	return is_runner(word) || is_runners_flag(word) || takes_package(word) || is_program(word);
}

/* The words of a whole command; false when it is not one. */
static bool split(const char *word, struct options_list *out)
{
	const char *p = word;
	char *first = next_word(&p), *next;

	p += strspn(p, " \t\r\n");
	if (!first || !*p || !(is_around(first) || starts_as_url(first))) {
		free(first);
		return false;
	}
	options_list_add(out, first);
	while ((next = next_word(&p)))
		options_list_add(out, next);
	return true;
}

void wrapper_open(char *const *words, size_t n, struct options_list *out)
{
	struct options_list all = { 0 };
	bool front = true;
	size_t skip;

	for (size_t i = 0; i < n; i++) {
		if (front && split(words[i], &all)) {
			front = false;
			continue;
		}
		/* What follows an option is a package, or else ends the front with the next word. */
		front = front && (is_around(words[i]) || (i && takes_package(words[i - 1])));
		options_list_add(&all, mem_dup(words[i]));
	}
	skip = around(all.item, all.n);
	for (size_t i = skip; i < all.n; i++) {
		options_list_add(out, all.item[i]);
		all.item[i] = NULL;
	}
	options_list_clear(&all);
}

bool wrapper_bare_url(char *word)
{
	struct pasted s = { word, strlen(word) };
	size_t before;

	do {
		before = s.n;
		s = pasted_trim(s);
		if (!pasted_unquote(&s) && s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>')
			s = (struct pasted){ s.p + 1, s.n - 2 };
	} while (s.n < before);
	if (!starts_as_url(s.p))
		return false;
	memmove(word, s.p, s.n);
	word[s.n] = 0;
	return true;
}
