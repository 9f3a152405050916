#include "tools/result.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mcp/json/walk.h"
#include "tools/csv.h"
#include "tools/pretty.h"
#include "tools/view.h"

/* ---- what there is ---- */

/* The JSON text of one string, read as JSON itself: an object or array, or nothing. In brackets, since
 * message_scan() changes members of the outermost object that mean something in a message. */
static struct span json_in(struct span string, struct buf *text)
{
	struct walk_item only, more;
	struct message m;
	struct walk w;

	if (!buf_addc(text, '[') || !walk_string(string, text) || !buf_addc(text, ']') ||
		message_scan(text->p, text->len, &m, NULL) != MESSAGE_OK ||
		!walk_open(&w, m.whole) || !walk_next(&w, &only) || walk_next(&w, &more) ||
		(walk_type(only.value) != WALK_OBJECT && walk_type(only.value) != WALK_ARRAY))
		return (struct span){ 0 };
	return only.value;
}

/* {"result": "text"}: how a widely used server library wraps a text. */
static bool is_wrapped_text(struct span v)
{
	struct walk_item it;
	struct walk w;

	return walk_type(v) == WALK_OBJECT && walk_open(&w, v) && walk_next(&w, &it) &&
	       walk_key_is(&it, "result") && walk_type(it.value) == WALK_STRING &&
	       !walk_next(&w, &it);
}

/* The value of the result: structured content, or the one text that is JSON, which *text keeps. */
static struct span value_of(struct span result, struct buf *text)
{
	struct span structured = walk_get(result, "structuredContent", NULL);
	struct walk_item only, more;
	struct walk content;

	if (is_wrapped_text(structured))
		return json_in(walk_get(structured, "result", NULL), text);
	if (walk_type(structured) == WALK_OBJECT || walk_type(structured) == WALK_ARRAY)
		return structured;
	if (walk_open(&content, walk_get(result, "content", NULL)) && walk_next(&content, &only) &&
		!walk_next(&content, &more))
		return json_in(walk_get(only.value, "text", NULL), text);
	return (struct span){ 0 };
}

/* ---- content ---- */

/* What is no text, in a line: an image in base64 is for no terminal. */
static void print_other(FILE *f, struct span block)
{
	static const char *const told[] = { "type", "mimeType", "name", "uri" };
	struct span data = walk_get(block, "data", NULL);
	const char *blank = "";
	struct buf b;
	bool good;

	buf_init(&b, MESSAGE_MAX);
	good = buf_addc(&b, '[');
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct span v = walk_get(block, told[i], NULL);

		if (walk_type(v) != WALK_STRING)
			continue;
		good = good && buf_adds(&b, blank) && walk_string(v, &b);
		blank = " ";
	}
	if (data.n)
		good = good && buf_addf(&b, "%s%zu KB; --json prints it", ", ", data.n / 1366 + 1);
	if (good && buf_addc(&b, ']'))
		pretty_text(f, buf_str(&b), b.len);
	buf_free(&b);
}

/* The text of a block, or of the resource in it. */
static struct span text_in(struct span block)
{
	struct span text = walk_get(block, "text", NULL);

	return text.p ? text : walk_path(block, "resource", "text", (char *)NULL);
}

static void print_content(FILE *f, struct span result, bool whole)
{
	struct walk_item item;
	struct walk content;
	struct buf text;

	if (!walk_open(&content, walk_get(result, "content", NULL)))
		return;
	while (walk_next(&content, &item)) {
		buf_init(&text, MESSAGE_MAX);
		if (walk_string(text_in(item.value), &text))
			pretty_text(f, buf_str(&text), text.len);
		else if (whole)
			pretty_text(f, item.value.p, item.value.n);
		else
			print_other(f, item.value);
		buf_free(&text);
	}
}

void result_print_text(FILE *f, struct span result)
{
	print_content(f, result, true);
}

/* ---- the forms ---- */

static void print_json(FILE *f, struct span result)
{
	struct span structured = walk_get(result, "structuredContent", NULL);

	if (walk_type(structured) == WALK_OBJECT || walk_type(structured) == WALK_ARRAY)
		pretty_print(f, structured);
	else
		print_content(f, result, true);
}

static void print_wrapped(FILE *f, struct span structured)
{
	struct buf text;

	buf_init(&text, MESSAGE_MAX);
	if (walk_string(walk_get(structured, "result", NULL), &text))
		pretty_text(f, buf_str(&text), text.len);
	buf_free(&text);
}

static void print_table(FILE *f, struct span result, struct span value)
{
	struct span structured = walk_get(result, "structuredContent", NULL);

	if (value.p)
		view_print(f, value);
	else if (is_wrapped_text(structured))
		print_wrapped(f, structured);
	else
		print_content(f, result, false);
}

bool result_print(FILE *f, struct span result, enum result_form form, struct err *e)
{
	struct span value = { 0 };
	struct buf text;
	bool good = true;

	buf_init(&text, MESSAGE_MAX);
	if (form == RESULT_TABLE || form == RESULT_CSV)
		value = value_of(result, &text);
	switch (form) {
	case RESULT_TABLE:
		print_table(f, result, value);
		break;
	case RESULT_JSON:
		print_json(f, result);
		break;
	case RESULT_RAW:
		print_content(f, result, true);
		break;
	case RESULT_CSV:
		good = (value.p && csv_print(f, value)) ||
		       err_set(e, ERR_USAGE, "the result has no rows for --output csv");
		if (!good)
			err_advise(e, REASON_NONE, "Use --output json or raw.");
		break;
	}
	buf_free(&text);
	return good;
}
