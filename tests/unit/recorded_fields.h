/* Header fields that are written down instead of sent: a stand-in for those of net/http.c. */
#ifndef MPMCP_RECORDED_FIELDS_H
#define MPMCP_RECORDED_FIELDS_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/http.h"

struct http_fields {
	struct buf lines; /* "Name: value\n" each */
};

bool http_fields_add(struct http_fields **f, const char *name, const char *value, struct err *e)
{
	if (strchr(value, '\n') || strchr(value, '\r'))
		return err_set(e, ERR_USAGE, "%s holds a line break", name);
	if (!*f) {
		*f = calloc(1, sizeof(**f));
		buf_init(&(*f)->lines, 1 << 20);
	}
	return buf_addf(&(*f)->lines, "%s: %s\n", name, value) || err_set(e, ERR_LIMIT, "full");
}

void http_fields_free(struct http_fields *f)
{
	if (f)
		buf_free(&f->lines);
	free(f);
}

static inline const char *recorded(const struct http_fields *f)
{
	return f ? buf_str(&f->lines) : "";
}

#endif
