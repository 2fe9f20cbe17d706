/*
 * Order of the events of one message (order: message). While one of its deliveries is on the wire or waits for its retry, the later ones are held: in memory behind
 * one that flies, as held rows behind one that has a pending row. In good weather the map is empty but for what flies.
 *
 * A hold is made when a fresh item goes on the wire and ends with the last delivery of its chain. Items of one message in one batch count together: `first`.
 */
#include "engine/impl.h"

#include <assert.h>

#include "base/mem.h"

static struct hold *hold_find(const struct lane *lane, uint64_t order_hash)
{
	uint64_t h = hash_u64(order_hash);
	struct map_node *n = lane->holds.count > 0 ? map_first(&lane->holds, h) : NULL;

	/* hash_u64 is a bijection, so the map's hash is the key itself. */
	return n ? CONTAINER_OF(n, struct hold, node) : NULL;
}

static struct hold *hold_get(struct lane *lane, uint64_t order_hash)
{
	struct hold *h = hold_find(lane, order_hash);

	if (h)
		return h;
	h = mem_zalloc(sizeof(*h));
	h->order_hash = order_hash;
	list_init(&h->waiting);
	map_add(&lane->holds, &h->node, hash_u64(order_hash));
	return h;
}

static void hold_free(struct lane *lane, struct hold *h)
{
	assert(list_empty(&h->waiting));
	map_del(&lane->holds, &h->node);
	mem_free(h->chain);
	mem_free(h);
}

void holds_free(struct lane *lane)
{
	struct map_node *n;

	while ((n = map_walk(&lane->holds, NULL))) {
		struct hold *h = CONTAINER_OF(n, struct hold, node);

		while (!list_empty(&h->waiting)) {
			struct item *it = CONTAINER_OF(h->waiting.next, struct item, link);

			lane_unqueue(lane, it);
			item_free(&it);
		}
		hold_free(lane, h);
	}
	map_free(&lane->holds);
}

enum hold_answer hold_ask(const struct lane *lane, const struct item *it)
{
	const struct hold *h;

	if (!lane_ordered(lane) || it->released || it->event->order_hash == 0)
		return HOLD_FREE;
	h = hold_find(lane, it->event->order_hash);
	if (!h)
		return HOLD_FREE;
	return h->pending ? HOLD_ON_DISK : HOLD_IN_MEMORY;
}

/* The item stays counted as one of the lane's queue: it takes the same memory. */
void hold_wait(struct lane *lane, struct item *it)
{
	list_del(&it->link);
	list_push(&hold_find(lane, it->event->order_hash)->waiting, &it->link);
}

/* Chains stay short: a message has a handful of statuses. */
static void chain_insert(struct hold *h, int64_t id)
{
	uint32_t i;

	if (h->chain_count == h->chain_capacity) {
		h->chain_capacity = h->chain_capacity ? 2 * h->chain_capacity : 4;
		h->chain = mem_realloc(h->chain, h->chain_capacity * sizeof(int64_t));
	}
	for (i = h->chain_count++; i > 0 && h->chain[i - 1] > id; i--)
		h->chain[i] = h->chain[i - 1];
	h->chain[i] = id;
}

static int64_t chain_pop(struct hold *h)
{
	int64_t id = h->chain[0];

	h->chain_count--;
	memmove(h->chain, h->chain + 1, h->chain_count * sizeof(int64_t));
	return id;
}

/* Writes the item as a row that waits in the chain, and lets it out of memory. */
static void hold_row(struct lane *lane, struct hold *h, struct item *it, struct tx *tx)
{
	int64_t seq = it->event->seq;

	chain_insert(h, seq);
	if (it->row && it->row->id != seq)
		tx_pending_end(tx, lane->number, it->row->id);
	backlog_put_single(lane, seq, it->event->order_hash, PENDING_HELD, tx);
	receipt_slot(tx, &it->slot);
	receipt_row(tx, &it->row);
	item_free(&it);
}

void hold_store(struct lane *lane, struct item *it, struct tx *tx)
{
	hold_row(lane, hold_find(lane, it->event->order_hash), it, tx);
}

void hold_begin(struct lane *lane, const struct item *it)
{
	if (it->event->order_hash != 0 && !it->released)
		hold_get(lane, it->event->order_hash)->first++;
}

void hold_left(struct lane *lane, uint64_t order_hash, struct tx *tx)
{
	struct hold *h = order_hash ? hold_find(lane, order_hash) : NULL;

	if (!h)
		return;
	h->pending = true;
	while (!list_empty(&h->waiting)) {
		struct item *it = CONTAINER_OF(h->waiting.next, struct item, link);

		lane_unqueue(lane, it);
		hold_row(lane, h, it, tx);
	}
}

void hold_demote(struct lane *lane, struct item *it, struct tx *tx)
{
	struct hold *h = hold_get(lane, it->event->order_hash);

	if (h->first > 0)
		h->first--;
	h->pending = true;
	hold_row(lane, h, it, tx);
}

/* The chain's next row may go now. It is written anew, so the store needs no notion of chains. */
static void release_next(struct lane *lane, struct hold *h, struct tx *tx)
{
	lane->held_rows--;
	h->first = 1;
	h->pending = true;
	backlog_put_single(lane, chain_pop(h), h->order_hash, lane->engine->now_ms + 1, tx);
}

void hold_finish(struct lane *lane, uint64_t order_hash, struct tx *tx)
{
	struct hold *h = order_hash ? hold_find(lane, order_hash) : NULL;

	if (!h || (h->first > 0 && --h->first > 0))
		return;
	if (h->chain_count > 0) {
		release_next(lane, h, tx);
		return;
	}
	list_splice_front(&lane->queue, &h->waiting);
	hold_free(lane, h);
}

void hold_empty(struct lane *lane, void (*take)(struct lane *lane, struct item *it, struct tx *tx), struct tx *tx)
{
	struct map_node *n;

	for (n = map_walk(&lane->holds, NULL); n; n = map_walk(&lane->holds, n)) {
		struct hold *h = CONTAINER_OF(n, struct hold, node);

		while (!list_empty(&h->waiting))
			take(lane, CONTAINER_OF(h->waiting.next, struct item, link), tx);
	}
}

/* --- start --- */

void hold_recover(struct lane *lane, const struct pending_row *row)
{
	for (uint32_t i = 0; i < row->item_count; i++) {
		struct hold *h;

		if (row->items[i].order_hash == 0)
			continue;
		h = hold_get(lane, row->items[i].order_hash);
		h->pending = true;
		if (row->due_ms == PENDING_HELD)
			chain_insert(h, row->id);
		else
			h->first++;
	}
}

/* A chain without a first one cannot come about, but if it did its events would wait for ever: let it go. */
void hold_recover_done(struct lane *lane)
{
	struct map_node *n;

	for (n = map_walk(&lane->holds, NULL); n; n = map_walk(&lane->holds, n)) {
		struct hold *h = CONTAINER_OF(n, struct hold, node);

		if (h->first == 0 && h->chain_count > 0)
			release_next(lane, h, engine_turn_tx(lane->engine));
	}
}
