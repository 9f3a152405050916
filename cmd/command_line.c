#include "command_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/shell.h"

struct line {
	struct buf text;
	bool good;
};

static void add_word(struct line *l, const char *word)
{
	l->good = l->good && buf_addc(&l->text, ' ') && shell_word(&l->text, word);
}

/* The first n bytes, and "..." for what follows. */
static void add_hidden(struct line *l, const char *word, size_t n)
{
	char *text = mem_printf("%.*s...", (int)n, word);

	add_word(l, text);
	free(text);
}

static void add_option(void *ctx, const struct opt *o, const char *value)
{
	struct line *l = ctx;
	char *name = mem_printf("--%s", o->name);

	add_word(l, name);
	free(name);
	if (!value)
		return;
	if (strcmp(o->name, "header") == 0 && !strstr(value, "${"))
		add_hidden(l, value, strcspn(value, ":=") + 1);
	else if (strcmp(o->arg, "JSON") == 0 && *value != '@')
		add_hidden(l, "", 0);
	else
		add_word(l, value);
}

static bool is_kept(const struct command *c, const struct opt *o)
{
	return c && options_offers(c, o) && o->group != GROUP_COMMAND && o->group != GROUP_OUTPUT;
}

char *command_line(const struct options *a, const char *command)
{
	const struct command *c = options_command(command);
	struct line l = { .good = true };
	size_t plain = a->url ? strcspn(a->url, "?") : 0;
	char *text;

	buf_init(&l.text, SIZE_MAX / 2);
	l.good = buf_addf(&l.text, "mpmcp %s", command);
	if (a->url && a->url[plain])
		add_hidden(&l, a->url, plain + 1);
	else if (a->url)
		add_word(&l, a->url);
	for (size_t i = 0; i < options_noptions; i++)
		if (is_kept(c, &options_options[i]))
			options_each(a, &options_options[i], add_option, &l);
	text = l.good ? buf_take(&l.text, NULL) : mem_printf("mpmcp %s", command);
	buf_free(&l.text);
	return text;
}
