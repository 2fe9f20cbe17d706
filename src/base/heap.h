/* An intrusive binary min-heap of times, for timers: the element knows its place, so it can be moved or removed. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;  /* smallest first; equal keys in any order */
	size_t place; /* 1-based; 0 while not in a heap */
};

struct heap {
	struct heap_node **nodes;
	size_t count, cap;
};

void heap_init(struct heap *h);
/* Frees the heap's own memory; the elements are the caller's. */
void heap_free(struct heap *h);
/* Puts node in with this key, or moves it when it is in already. */
void heap_set(struct heap *h, struct heap_node *node, int64_t key);
/* Takes node out; nothing happens when it is not in. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The element with the smallest key, still in the heap; NULL when empty. */
struct heap_node *heap_peek(const struct heap *h);

static inline bool heap_has(const struct heap_node *node)
{
	return node->place != 0;
}

#endif
