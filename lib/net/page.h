/*
 * What a person's browser shows when it comes back from a sign-in: one card, as
 * HTML without scripts, links or anything that is loaded, so that it stands
 * under "default-src 'none'". Every text is escaped. Pure.
 */
#ifndef MPMCP_PAGE_H
#define MPMCP_PAGE_H

#include "base/buf.h"

enum page_mark {
	PAGE_DONE,   /* a tick */
	PAGE_FAILED, /* a cross */
	PAGE_ASIDE,  /* an i: nothing came of it, and nothing is wrong */
};

struct page {
	enum page_mark mark;
	const char *title;   /* what happened */
	const char *todo;    /* what to do: the second line */
	const char *command; /* to be run in a terminal; NULL: none */
	const char *more;    /* smaller, below; NULL: nothing */
};

/* Texts are cut nowhere; the longest command and error are some KiB. */
#define PAGE_MAX ((size_t)128 << 10)

/* Appends the document. False when it does not fit. */
bool page_html(const struct page *p, struct buf *out) BUF_MUST;

#endif
