/* The page that a browser shows after a sign-in: escaped, and nothing in it that would be loaded or run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/page.h"

static struct buf out;

static const char *html(struct page p)
{
	buf_free(&out);
	buf_init(&out, PAGE_MAX);
	assert_true(page_html(&p, &out));
	return buf_str(&out);
}

static void what_to_do_is_the_second_line(void **state)
{
	const char *text =
		html((struct page){ .mark = PAGE_DONE, .title = "Done", .todo = "Go on." });

	(void)state;
	assert_non_null(strstr(text, "<h1>Done</h1><p>Go on.</p>"));
	assert_non_null(strstr(text, "class=\"done\""));
	assert_null(strstr(text, "<pre>"));
	assert_null(strstr(text, "<p class=\"more\">"));
}

static void every_text_is_escaped(void **state)
{
	static const char bad[] = "<script>&\"'</p>";
	const char *text = html((struct page){
		.mark = PAGE_FAILED, .title = bad, .todo = bad, .command = bad, .more = bad });
	size_t n = 0;

	(void)state;
	assert_null(strstr(text, "<script"));
	for (const char *p = text; (p = strstr(p, "&lt;script&gt;&amp;&quot;&#39;&lt;/p&gt;")); p++)
		n++;
	assert_int_equal(n, 5); /* the title stands there twice */
}

static void nothing_is_loaded(void **state)
{
	const char *text = html((struct page){
		.mark = PAGE_ASIDE, .title = "T", .todo = "D", .command = "C", .more = "M" });

	(void)state;
	assert_null(strstr(text, "http"));
	assert_null(strstr(text, "url("));
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "href"));
	assert_null(strstr(text, " on"));
	assert_null(strstr(text, "style=\""));
}

static void page_that_does_not_fit_is_refused(void **state)
{
	struct page p = { .title = "T", .todo = "D" };

	(void)state;
	buf_free(&out);
	buf_init(&out, 1000);
	assert_false(page_html(&p, &out));
}

static int clear(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_to_do_is_the_second_line, clear),
		cmocka_unit_test_teardown(every_text_is_escaped, clear),
		cmocka_unit_test_teardown(nothing_is_loaded, clear),
		cmocka_unit_test_teardown(page_that_does_not_fit_is_refused, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
