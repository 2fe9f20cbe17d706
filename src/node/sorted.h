/*
 * Pointers kept in order: the directory's indexes. Few thousands of entries, read far more often than changed, listed
 * in order: an array beats a tree here, and an insertion moves a few kilobytes at most.
 */
#ifndef NODE_SORTED_H
#define NODE_SORTED_H

#include <stdbool.h>
#include <stddef.h>

struct sorted {
	void **items;
	size_t count, cap;
};

/* Below zero, zero, above zero as item stands before, at, after key. */
typedef int sorted_compare_fn(const void *item, const void *key);

void sorted_init(struct sorted *s);
/* Frees the array; the items are the caller's. */
void sorted_free(struct sorted *s);
/* The place of the first item that does not stand before key; *ret_found (may be NULL): it is at key. */
size_t sorted_place(const struct sorted *s, sorted_compare_fn *compare, const void *key, bool *ret_found);
/* The item at key, NULL when there is none. */
void *sorted_find(const struct sorted *s, sorted_compare_fn *compare, const void *key);
void sorted_insert(struct sorted *s, size_t place, void *item);
void sorted_remove(struct sorted *s, size_t place);

#endif
