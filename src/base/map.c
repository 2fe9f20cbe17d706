/*
 * A hash map of intrusive nodes in chains. It is resized only when something is added: so deleting during a walk never
 * moves a node, and deleting never allocates. A map that was large and is only emptied keeps its buckets until the next
 * addition.
 *
 * The hash is SipHash-2-4 (Aumasson and Bernstein): keys come from strangers (event ids, endpoint names), and with a
 * hash that they can compute they could put all their keys into one chain. 2-4 and not 1-3 because its test vectors are
 * public and the difference is below ten nanoseconds a key.
 */
#include "base/map.h"

#include <assert.h>

#include "base/mem.h"

#define MAP_SIZE_MIN 16

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void map_free(struct map *m)
{
	mem_free(m->buckets);
	map_init(m);
}

static struct map_node **bucket_of(const struct map *m, uint64_t hash)
{
	return &m->buckets[hash & (m->size - 1)];
}

static void push(struct map *m, struct map_node *node)
{
	struct map_node **bucket = bucket_of(m, node->hash);

	node->next = *bucket;
	*bucket = node;
}

static void resize(struct map *m, size_t size)
{
	struct map old = *m;

	m->size = size;
	m->buckets = mem_zalloc(size * sizeof(*m->buckets));
	for (size_t i = 0; i < old.size; i++)
		for (struct map_node *node = old.buckets[i], *next; node; node = next) {
			next = node->next;
			push(m, node);
		}
	mem_free(old.buckets);
}

void map_add(struct map *m, struct map_node *node, uint64_t hash)
{
	if (m->count >= m->size)
		resize(m, m->size ? m->size * 2 : MAP_SIZE_MIN);
	else if (m->size > MAP_SIZE_MIN && m->count < m->size / 8)
		resize(m, m->size / 4);
	node->hash = hash;
	push(m, node);
	m->count++;
}

void map_del(struct map *m, struct map_node *node)
{
	struct map_node **link;

	assert(m->count > 0);
	link = bucket_of(m, node->hash);
	while (*link != node) {
		assert(*link);
		link = &(*link)->next;
	}
	*link = node->next;
	node->next = NULL;
	m->count--;
}

static struct map_node *skip_others(struct map_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
	return m->count > 0 ? skip_others(*bucket_of(m, hash), hash) : NULL;
}

struct map_node *map_next(const struct map_node *node, uint64_t hash)
{
	return skip_others(node->next, hash);
}

struct map_node *map_walk(const struct map *m, const struct map_node *after)
{
	size_t i = 0;

	if (after && after->next)
		return after->next;
	if (after)
		i = (after->hash & (m->size - 1)) + 1;
	for (; i < m->size; i++)
		if (m->buckets[i])
			return m->buckets[i];
	return NULL;
}

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* Little endian on every machine: two nodes with the same key must agree. */
static uint64_t load_le(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)(uint8_t)p[i] << (8 * i);
	return v;
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

uint64_t hash_bytes(const struct hash_key *key, struct slice s)
{
	uint64_t v[4] = { key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d, key->k0 ^ 0x6c7967656e657261,
			  key->k1 ^ 0x7465646279746573 };
	size_t whole = s.n / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, load_le(s.p + i, 8));
	sip_word(v, (uint64_t)s.n << 56 | (s.n > whole ? load_le(s.p + whole, s.n - whole) : 0));
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The finaliser of splitmix64. */
uint64_t hash_u64(uint64_t v)
{
	v += 0x9e3779b97f4a7c15;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}
