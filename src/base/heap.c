/*
 * A binary min-heap whose elements know their place, for timers that are moved and cancelled far more often than they
 * fire. Places are 1-based: the parent of i is i / 2, and 0 is left to mean "in no heap".
 */
#include "base/heap.h"

#include <assert.h>

#include "base/mem.h"

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_free(struct heap *h)
{
	mem_free(h->nodes);
	heap_init(h);
}

static struct heap_node *node_at(const struct heap *h, size_t place)
{
	return h->nodes[place - 1];
}

static void put_at(struct heap *h, struct heap_node *node, size_t place)
{
	h->nodes[place - 1] = node;
	node->place = place;
}

static void sift_up(struct heap *h, struct heap_node *node)
{
	size_t place = node->place;

	for (; place > 1 && node_at(h, place / 2)->key > node->key; place /= 2)
		put_at(h, node_at(h, place / 2), place);
	put_at(h, node, place);
}

static void sift_down(struct heap *h, struct heap_node *node)
{
	size_t place = node->place, child;

	while ((child = place * 2) <= h->count) {
		if (child < h->count && node_at(h, child + 1)->key < node_at(h, child)->key)
			child++;
		if (node_at(h, child)->key >= node->key)
			break;
		put_at(h, node_at(h, child), place);
		place = child;
	}
	put_at(h, node, place);
}

/* At most one of the two moves it. */
static void settle(struct heap *h, struct heap_node *node)
{
	sift_up(h, node);
	sift_down(h, node);
}

static void append(struct heap *h, struct heap_node *node)
{
	if (h->count == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->nodes = mem_realloc(h->nodes, h->cap * sizeof(*h->nodes));
	}
	put_at(h, node, ++h->count);
}

void heap_set(struct heap *h, struct heap_node *node, int64_t key)
{
	node->key = key;
	if (!heap_has(node))
		append(h, node);
	assert(node->place <= h->count && node_at(h, node->place) == node);
	settle(h, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	struct heap_node *last;

	if (!heap_has(node))
		return;
	assert(node->place <= h->count && node_at(h, node->place) == node);
	last = node_at(h, h->count--);
	if (last != node) {
		put_at(h, last, node->place);
		settle(h, last);
	}
	node->place = 0;
}

struct heap_node *heap_peek(const struct heap *h)
{
	return h->count > 0 ? h->nodes[0] : NULL;
}
