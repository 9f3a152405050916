/* A sorted array of strings that are looked up by halving. */
#include "base/strset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Where text stands, or would stand. */
static size_t place(const struct strset *s, const char *text, bool *there)
{
	size_t low = 0, high = s->n;

	*there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(text, s->item[middle]);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool strset_has(const struct strset *s, const char *text)
{
	bool there;

	place(s, text, &there);
	return there;
}

bool strset_add(struct strset *s, const char *text, size_t max)
{
	bool there;
	size_t at = place(s, text, &there);

	if (there || s->n >= max)
		return there;
	s->item = mem_grow(s->item, s->n + 1, sizeof(char *));
	memmove(&s->item[at + 1], &s->item[at], (s->n++ - at) * sizeof(char *));
	s->item[at] = mem_dup(text);
	return true;
}

void strset_remove(struct strset *s, const char *text)
{
	bool there;
	size_t at = place(s, text, &there);

	if (!there)
		return;
	free(s->item[at]);
	memmove(&s->item[at], &s->item[at + 1], (--s->n - at) * sizeof(char *));
}

void strset_clear(struct strset *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->item[i]);
	free(s->item);
	*s = (struct strset){ 0 };
}
