/*
 * A sorted array of pointers, found by binary search. Comparison is the
 * caller's, so one item can stand in several of these under different keys.
 */
#include "node/sorted.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void sorted_init(struct sorted *s)
{
	*s = (struct sorted){ 0 };
}

void sorted_free(struct sorted *s)
{
	mem_free(s->items);
	sorted_init(s);
}

size_t sorted_place(const struct sorted *s, sorted_compare_fn *compare, const void *key, bool *ret_found)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(s->items[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (ret_found)
		*ret_found = low < s->count && compare(s->items[low], key) == 0;
	return low;
}

void *sorted_find(const struct sorted *s, sorted_compare_fn *compare, const void *key)
{
	bool found;
	size_t place = sorted_place(s, compare, key, &found);

	return found ? s->items[place] : NULL;
}

void sorted_insert(struct sorted *s, size_t place, void *item)
{
	assert(place <= s->count);
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->items = mem_realloc(s->items, s->cap * sizeof(*s->items));
	}
	memmove(s->items + place + 1, s->items + place, (s->count - place) * sizeof(*s->items));
	s->items[place] = item;
	s->count++;
}

void sorted_remove(struct sorted *s, size_t place)
{
	assert(place < s->count);
	s->count--;
	memmove(s->items + place, s->items + place + 1, (s->count - place) * sizeof(*s->items));
}
