#include "net/page.h"

/* Colours of the system's scheme; the card is as wide as a phone and no wider than a line that reads well. */
static const char style[] =
	":root{color-scheme:light dark;--page:#f3f4f6;--card:#fff;--line:#e3e5ea;--text:#17181c;"
	"--soft:#5b5f6b;--code:#f3f4f6;--done:#12733b;--failed:#b3261e;--aside:#4a5fc1}"
	"@media(prefers-color-scheme:dark){:root{--page:#131418;--card:#1d1f25;--line:#31343d;"
	"--text:#eceef2;--soft:#a2a7b4;--code:#131418;--done:#5bd08c;--failed:#ff8a80;"
	"--aside:#9fb0ff}}"
	"*{box-sizing:border-box}"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;"
	"background:var(--page);color:var(--text);font:17px/1.5 system-ui,-apple-system,"
	"\"Segoe UI\",Roboto,sans-serif}"
	"main{width:100%;max-width:31rem;padding:2.5rem 2rem;text-align:center;"
	"background:var(--card);border:1px solid var(--line);border-radius:16px}"
	"svg{width:56px;height:56px;fill:none;stroke:currentColor;stroke-width:3;"
	"stroke-linecap:round;stroke-linejoin:round}"
	".done{color:var(--done)}.failed{color:var(--failed)}.aside{color:var(--aside)}"
	"h1{margin:1rem 0 .5rem;font-size:1.5rem;line-height:1.25;text-wrap:balance}"
	"p{margin:.5rem 0 0;overflow-wrap:anywhere;text-wrap:balance}"
	"pre{margin:1rem 0 0;padding:.75rem 1rem;background:var(--code);border-radius:8px;"
	"font:.85rem/1.5 ui-monospace,Menlo,Consolas,monospace;text-align:left;"
	"white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}"
	".more{margin-top:1.25rem;padding-top:1.25rem;border-top:1px solid var(--line);"
	"color:var(--soft);font-size:.9rem}"
	"@media(max-width:30rem){body{place-items:start center}main{padding:2rem 1.25rem}}";

static const struct {
	const char *name, *path;
} marks[] = {
	[PAGE_DONE] = { "done", "M17 29l8 8 15-17" },
	[PAGE_FAILED] = { "failed", "M20 20l16 16M36 20L20 36" },
	[PAGE_ASIDE] = { "aside", "M28 26v13M28 18v.5" },
};
_Static_assert(sizeof(marks) / sizeof(marks[0]) == PAGE_ASIDE + 1, "a drawing for each mark");

static bool add_escaped(struct buf *b, const char *s)
{
	for (; *s; s++) {
		const char *as = *s == '<'    ? "&lt;"
				 : *s == '>'  ? "&gt;"
				 : *s == '&'  ? "&amp;"
				 : *s == '"'  ? "&quot;"
				 : *s == '\'' ? "&#39;"
					      : NULL;

		if (as ? !buf_adds(b, as) : !buf_addc(b, *s))
			return false;
	}
	return true;
}

/* NULL: no such element. */
static bool add_element(struct buf *b, const char *open, const char *text, const char *close)
{
	return !text || (buf_adds(b, open) && add_escaped(b, text) && buf_adds(b, close));
}

bool page_html(const struct page *p, struct buf *out)
{
	return buf_adds(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
			     "<meta name=\"viewport\" content=\"width=device-width\">") &&
	       add_element(out, "<title>", p->title, "</title>") &&
	       buf_addf(out, "<style>%s</style></head><body><main>", style) &&
	       buf_addf(out,
		       "<svg class=\"%s\" viewBox=\"0 0 56 56\" aria-hidden=\"true\">"
		       "<circle cx=\"28\" cy=\"28\" r=\"26\"/><path d=\"%s\"/></svg>",
		       marks[p->mark].name, marks[p->mark].path) &&
	       add_element(out, "<h1>", p->title, "</h1>") &&
	       add_element(out, "<p>", p->todo, "</p>") &&
	       add_element(out, "<pre>", p->command, "</pre>") &&
	       add_element(out, "<p class=\"more\">", p->more, "</p>") &&
	       buf_adds(out, "</main></body></html>\n");
}
