/*
 * Order of the events of one message (order: message). While one of its deliveries is on the wire or waits for its
 * retry, the later ones are held: in memory behind one that flies, as held rows behind one that has a pending row. In
 * good weather the map is empty but for what flies.
 *
 * Where the newest replaces (X5), not more than one waits: what comes supersedes what waited.
 *
 * A hold is made when a fresh item goes on the wire and ends with the last delivery
 * of its chain. Items of one message in one batch count together: `first`.
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
	struct map_node *n, *next;

	for (n = map_walk(&lane->holds, NULL); n; n = next) {
		struct hold *h = CONTAINER_OF(n, struct hold, node);

		next = map_walk(&lane->holds, n);
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

static void meets(struct hold *h, int64_t seq)
{
	if (seq > h->newest)
		h->newest = seq;
}

bool hold_has_newer(const struct lane *lane, uint64_t order_hash, int64_t seq)
{
	const struct hold *h = order_hash && newest_rules(lane) ? hold_find(lane, order_hash) : NULL;

	return h && h->newest > seq;
}

/* The item stays counted as one of the lane's queue: it takes the same memory. */
void hold_wait(struct lane *lane, struct item *it)
{
	struct hold *h = hold_find(lane, it->event->order_hash);

	if (hold_has_newer(lane, h->order_hash, it->event->seq)) {
		delivery_end_queued(lane, it, FAILURE_SUPERSEDED, NULL);
		return;
	}
	while (newest_rules(lane) && !list_empty(&h->waiting))
		delivery_end_queued(lane, CONTAINER_OF(h->waiting.next, struct item, link), FAILURE_SUPERSEDED, NULL);
	list_del(&it->link);
	list_push(&h->waiting, &it->link);
	meets(h, it->event->seq);
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
	meets(h, seq);
	if (it->row && it->row->id != seq)
		tx_pending_end(tx, lane->number, it->row->id);
	backlog_put_single(lane, seq, it->event->order_hash, PENDING_HELD, tx);
	receipt_slot(tx, &it->slot);
	receipt_row(tx, &it->row);
	item_free(&it);
}

/* What waits in the chain before the last one has been superseded by it. */
static void keep_newest(struct lane *lane, struct hold *h, struct tx *tx)
{
	while (h->chain_count > 1)
		delivery_end_held(lane, chain_pop(h), FAILURE_SUPERSEDED, tx);
}

void hold_store(struct lane *lane, struct item *it, struct tx *tx)
{
	struct hold *h = hold_find(lane, it->event->order_hash);

	if (hold_has_newer(lane, h->order_hash, it->event->seq)) {
		delivery_end(lane, lane->endpoint, &it, 1, FAILURE_SUPERSEDED, tx);
		return;
	}
	hold_row(lane, h, it, tx);
	if (newest_rules(lane)) {
		keep_newest(lane, h, tx);
		newest_note(lane, h->due_ms, h->row);
	}
}

void hold_begin(struct lane *lane, const struct item *it)
{
	struct hold *h;

	if (it->event->order_hash == 0 || it->released)
		return;
	h = hold_get(lane, it->event->order_hash);
	h->first++;
	meets(h, it->event->seq);
}

void hold_moved(struct lane *lane, uint64_t order_hash, int64_t due_ms, int64_t row)
{
	struct hold *h = order_hash ? hold_find(lane, order_hash) : NULL;

	if (h) {
		h->due_ms = due_ms;
		h->row = row;
	}
}

void hold_left(struct lane *lane, uint64_t order_hash, int64_t due_ms, int64_t row, struct tx *tx)
{
	struct hold *h = order_hash ? hold_find(lane, order_hash) : NULL;

	if (!h)
		return;
	h->pending = true;
	h->due_ms = due_ms;
	h->row = row;
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
	if (newest_rules(lane))
		keep_newest(lane, h, tx);
	lane->held_rows--;
	h->first = 1;
	h->pending = true;
	h->due_ms = lane->engine->now_ms + 1;
	h->row = chain_pop(h);
	backlog_put_single(lane, h->row, h->order_hash, h->due_ms, tx);
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
		meets(h, row->items[i].event_seq);
		if (row->due_ms == PENDING_HELD) {
			chain_insert(h, row->id);
			continue;
		}
		h->first++;
		h->due_ms = row->due_ms;
		h->row = row->id;
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
		else if (h->chain_count > 0 && newest_rules(lane))
			newest_note(lane, h->due_ms, h->row);
	}
}
