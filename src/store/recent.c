/*
 * A ring of (hash, seq) in the order of arrival, and over it an open addressing table of places in the ring. The ring
 * says what is the oldest (to forget) and the newest (to take back after a failed commit); the table finds. Both double
 * as they fill: an idle daemon holds a few KB, one that has seen a million ids 24 MB.
 *
 * Invariants: entries are the positions [first, next), never more than cap; the
 * table has twice as many slots as the ring, so probing ends; two entries may have
 * the same hash, because a hash is no proof, so adding never looks for an equal one.
 */
#include "store/recent.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define SETTLE_AHEAD 16 /* entries; the limit is larger, or nothing is lost but a prefetch */
#define RECENT_FIRST 64 /* entries at first; a power of two, as all later sizes */

struct recent_entry {
	uint64_t hash;
	int64_t seq;
};

struct recent {
	uint32_t limit;
	uint64_t first, next; /* positions, counted up for ever; the place in the ring is position & (cap - 1) */
	size_t cap;
	struct recent_entry *ring;
	unsigned place_bits; /* 2^place_bits = 2 * cap */
	uint32_t *slots;     /* 2 * cap of them: 0 is free, otherwise place + 1, and above it some bits of the hash */
};

static size_t slot_mask(const struct recent *r)
{
	return 2 * r->cap - 1;
}

static struct recent_entry *entry_at(const struct recent *r, uint64_t position)
{
	return &r->ring[position & (r->cap - 1)];
}

/* The bits of the hash in a slot: nearly every look at a stranger ends there, without a cache miss in the ring. */
static uint32_t tag_of(const struct recent *r, uint64_t hash)
{
	return (uint32_t)(hash >> 32) << r->place_bits;
}

static uint32_t slot_of(const struct recent *r, uint64_t position)
{
	return tag_of(r, entry_at(r, position)->hash) | ((uint32_t)(position & (r->cap - 1)) + 1);
}

static const struct recent_entry *slot_entry(const struct recent *r, size_t i)
{
	return &r->ring[(r->slots[i] & slot_mask(r)) - 1];
}

static void slot_add(struct recent *r, uint64_t position)
{
	size_t mask = slot_mask(r), i = entry_at(r, position)->hash & mask;

	while (r->slots[i])
		i = (i + 1) & mask;
	r->slots[i] = slot_of(r, position);
}

/* Frees slot i and moves up what was pushed past it, so that no search ends early at the hole. */
static void slot_close(struct recent *r, size_t i)
{
	size_t mask = slot_mask(r);

	for (size_t j = (i + 1) & mask; r->slots[j]; j = (j + 1) & mask) {
		size_t home = slot_entry(r, j)->hash & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			r->slots[i] = r->slots[j];
			i = j;
		}
	}
	r->slots[i] = 0;
}

static void slot_remove(struct recent *r, uint64_t position)
{
	size_t mask = slot_mask(r), i = entry_at(r, position)->hash & mask;
	uint32_t wanted = slot_of(r, position);

	while (r->slots[i] != wanted) {
		assert(r->slots[i]);
		i = (i + 1) & mask;
	}
	slot_close(r, i);
}

static void recent_resize(struct recent *r, size_t cap)
{
	struct recent old = *r;

	assert(cap <= UINT32_MAX / 4);
	r->cap = cap;
	r->place_bits = (unsigned)__builtin_ctzll(2 * cap);
	r->ring = mem_alloc(cap * sizeof(*r->ring));
	r->slots = mem_zalloc(2 * cap * sizeof(*r->slots));
	for (uint64_t i = r->first; i < r->next; i++) {
		*entry_at(r, i) = *entry_at(&old, i);
		slot_add(r, i);
	}
	mem_free(old.ring);
	mem_free(old.slots);
}

struct recent *recent_new(uint32_t limit)
{
	struct recent *r = mem_zalloc(sizeof(*r));

	r->limit = limit;
	recent_resize(r, RECENT_FIRST);
	return r;
}

void recent_free(struct recent **r)
{
	if (!*r)
		return;
	mem_free((*r)->ring);
	mem_free((*r)->slots);
	mem_free(*r);
	*r = NULL;
}

void recent_add(struct recent *r, uint64_t hash, int64_t seq)
{
	if (r->next - r->first == r->cap)
		recent_resize(r, 2 * r->cap);
	*entry_at(r, r->next) = (struct recent_entry){ hash, seq };
	slot_add(r, r->next++);
}

void recent_prefetch(const struct recent *r, uint64_t hash)
{
	__builtin_prefetch(&r->slots[hash & slot_mask(r)]);
}

void recent_settle(struct recent *r)
{
	while (r->next - r->first > r->limit) {
		recent_prefetch(r, entry_at(r, r->first + SETTLE_AHEAD)->hash);
		slot_remove(r, r->first++);
	}
}

void recent_undo(struct recent *r, uint64_t count)
{
	assert(count <= r->next - r->first);
	for (; count > 0; count--)
		slot_remove(r, --r->next);
}

int64_t recent_find(const struct recent *r, uint64_t hash, recent_same_fn *same, void *ctx)
{
	size_t mask = slot_mask(r);

	uint32_t tag = tag_of(r, hash);

	for (size_t i = hash & mask; r->slots[i]; i = (i + 1) & mask) {
		const struct recent_entry *e = slot_entry(r, i);

		if ((r->slots[i] & ~(uint32_t)mask) == tag && e->hash == hash && same(ctx, e->seq))
			return e->seq;
	}
	return 0;
}

uint64_t recent_count(const struct recent *r)
{
	return r->next - r->first;
}
