#include "net/request_head.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Copies up to a blank or the end; false when it does not fit, is empty, or holds anything but visible
 * ASCII. */
static bool word(const char **p, const char *end, char *out, size_t size)
{
	size_t n = 0;

	while (*p < end && **p != ' ') {
		unsigned char c = (unsigned char)*(*p)++;

		if (c < '!' || c > '~' || n + 1 >= size)
			return false;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return n > 0;
}

static bool request_line(const char *p, const char *end, struct request_head *h)
{
	if (!word(&p, end, h->method, sizeof(h->method)) || p == end)
		return false;
	p++;
	if (!word(&p, end, h->target, sizeof(h->target)) || p == end)
		return false;
	p++;
	return end - p == 8 && memcmp(p, "HTTP/1.", 7) == 0 && (p[7] == '0' || p[7] == '1');
}

static bool field_line(const char *p, const char *end, struct request_head *h)
{
	const char *colon = memchr(p, ':', (size_t)(end - p));
	size_t n;

	if (!colon || colon == p)
		return false;
	if (colon - p != 4 || strncasecmp(p, "Host", 4) != 0)
		return true;
	for (p = colon + 1; p < end && (*p == ' ' || *p == '\t');)
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	n = (size_t)(end - p);
	/* Two Host fields are an attack on somebody. */
	if (h->host[0] || n >= sizeof(h->host) || memchr(p, 0, n))
		return false;
	memcpy(h->host, p, n);
	h->host[n] = 0;
	return true;
}

long request_head_parse(const char *p, size_t n, struct request_head *h)
{
	const char *start = p, *end = p + n;
	bool first = true;

	*h = (struct request_head){ 0 };
	for (;;) {
		const char *lf = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		const char *stop;

		if (!lf)
			return n >= REQUEST_HEAD_MAX ? -1 : 0;
		stop = lf > p && lf[-1] == '\r' ? lf - 1 : lf;
		if (stop == p && !first)
			return lf + 1 - start > REQUEST_HEAD_MAX ? -1 : (long)(lf + 1 - start);
		if (first ? !request_line(p, stop, h) : !field_line(p, stop, h))
			return -1;
		first = false;
		p = lf + 1;
	}
}
