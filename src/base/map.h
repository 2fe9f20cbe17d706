/*
 * A hash map of intrusive nodes: the caller embeds a map_node, computes the hash (map_hash below, keyed, so that
 * strangers cannot choose collisions) and compares candidates itself. Grows and shrinks by itself.
 *
 *	for (n = map_first(m, h); n; n = map_next(n, h))
 *		if (same(CONTAINER_OF(n, struct thing, node), key)) …
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdint.h>

#include "base/slice.h"

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **buckets;
	size_t size;  /* number of buckets, a power of two; 0 at first */
	size_t count; /* nodes */
};

void map_init(struct map *m);
/* Frees the buckets; the nodes are the caller's. */
void map_free(struct map *m);
void map_add(struct map *m, struct map_node *node, uint64_t hash);
/* node must be in m. */
void map_del(struct map *m, struct map_node *node);
/* The first node of this hash, then the next one; NULL at the end. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next(const struct map_node *node, uint64_t hash);
/* Any walk over all nodes: map_walk(m, NULL) first, then with the node before. Deleting the node returned last,
 * after asking for its successor, is allowed; adding is not. */
struct map_node *map_walk(const struct map *m, const struct map_node *after);

/* A 64-bit SipHash-1-3 (or 2-4) of bytes under a key; two processes with the same key agree. */
struct hash_key {
	uint64_t k0, k1;
};
uint64_t hash_bytes(const struct hash_key *key, struct slice s);
/* A good mix of one 64-bit value, unkeyed: for ids that we made. */
uint64_t hash_u64(uint64_t v);

#endif
