/*
 * What needs no delivery any more, though nothing is wrong with it. Two rules, both chosen by settings:
 *
 *   newest_replaces   of one message only the newest event waits. In the queue the older one makes way when both
 *                     meet; behind one on the wire the newest waits, and replaces it if it is not acknowledged
 *                     (delivery.c). An older one that waits for its retry, perhaps in a row with items of other
 *                     messages, is not waited for: its row is loaded before its time, the older items end and the
 *                     others become a row of the same time.
 *   final_statuses    once a final status was acknowledged, later events of its message end unsent. Replays are asked
 *                     for by somebody and are sent.
 *
 * The notes of rows to look at are hints: every way of sending asks hold_has_newer itself, so a lost one costs time
 * only. After a restart they come from the holds.
 */
#include "engine/impl.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"

bool newest_rules(const struct lane *lane)
{
	return lane->endpoint->newest_replaces;
}

bool newest_among(struct lane *lane, struct item **items, uint32_t *count, struct item *it)
{
	struct item *other;
	uint32_t i = 0;

	if (!newest_rules(lane) || it->event->order_hash == 0)
		return true;
	while (i < *count && items[i]->event->order_hash != it->event->order_hash)
		i++;
	if (i == *count)
		return true;
	other = items[i];
	if (other->event->seq > it->event->seq) {
		delivery_end_queued(lane, it, FAILURE_SUPERSEDED, NULL);
		return false;
	}
	items[i] = items[--*count];
	delivery_end_queued(lane, other, FAILURE_SUPERSEDED, NULL);
	return true;
}

/* --- rows that wait for their time --- */

static bool has_overtaken(const struct flight *f)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (hold_has_newer(f->lane, f->items[i]->event->order_hash, f->items[i]->event->seq))
			return true;
	return false;
}

/* The others go back to where they were, with the same attempts and settings; their delivery has another name now. */
static void put_back(struct flight *f, int64_t due_ms, struct tx *tx)
{
	struct lane *lane = f->lane;
	int64_t row = items_first_seq(f->items, f->count);

	backlog_put_flight(f, tx, due_ms, f->attempts);
	backlog_waits(lane, due_ms);
	for (uint32_t i = 0; i < f->count; i++) {
		hold_moved(lane, f->items[i]->event->order_hash, due_ms, row);
		item_free(&f->items[i]);
	}
	f->count = 0;
}

bool newest_split(struct flight *f, int64_t due_ms)
{
	struct lane *lane = f->lane;
	struct item **gone;
	uint32_t kept = 0, count = 0;
	struct tx *tx;

	if (!newest_rules(lane) || !has_overtaken(f))
		return false;
	tx = engine_turn_tx(lane->engine);
	gone = arena_alloc(&tx->arena, f->count * sizeof(struct item *));
	for (uint32_t i = 0; i < f->count; i++) {
		struct item *it = f->items[i];

		it->released = hold_has_newer(lane, it->event->order_hash, it->event->seq);
		if (it->released)
			gone[count++] = it;
		else
			f->items[kept++] = it;
	}
	f->count = kept;
	tx_pending_end(tx, lane->number, f->row->id);
	receipt_row(tx, &f->row);
	if (kept > 0)
		put_back(f, due_ms, tx);
	delivery_end(lane, f->endpoint, gone, count, FAILURE_SUPERSEDED, tx);
	if (list_linked(&f->link)) {
		list_del(&f->link);
		lane->retry_count--;
	}
	flight_free(&f);
	return true;
}

void newest_note(struct lane *lane, int64_t due_ms, int64_t row)
{
	if (lane->overtaken_count > 0 && lane->overtaken[lane->overtaken_count - 1].id == row)
		return;
	if (lane->overtaken_count == lane->overtaken_capacity) {
		lane->overtaken_capacity = lane->overtaken_capacity ? 2 * lane->overtaken_capacity : 8;
		lane->overtaken = mem_realloc(lane->overtaken, lane->overtaken_capacity * sizeof(*lane->overtaken));
	}
	lane->overtaken[lane->overtaken_count++] = (struct overtaken){ due_ms, row };
}

bool newest_load(struct lane *lane)
{
	while (lane->overtaken_count > 0) {
		const struct overtaken *o = &lane->overtaken[--lane->overtaken_count];
		struct pending_query q = { .endpoint = lane->number,
					   .due_from = o->due_ms,
					   .id_after = o->id - 1,
					   .due_upto = o->due_ms,
					   .max_rows = 1 };

		/*
		 * What is due comes by itself. One that is in memory may
		 * be on its way to the disk, so it is asked for too.
		 */
		if (o->due_ms <= lane->engine->now_ms)
			continue;
		backlog_load(lane, LOAD_OVERTAKEN, &q, SIZE_MAX);
		return true;
	}
	return false;
}

/* Something damaged is left to its time, when it is ended with all that belongs to it. */
static bool is_whole(const struct loaded_row *r)
{
	for (uint32_t i = 0; i < r->row.item_count; i++)
		if (!r->events[i])
			return false;
	return !r->row.damaged && r->row.item_count > 0;
}

static bool holds_back(const struct lane *lane, const struct loaded_row *r)
{
	for (uint32_t i = 0; i < r->row.item_count; i++)
		if (hold_has_newer(lane, r->row.items[i].order_hash, r->row.items[i].event_seq))
			return true;
	return false;
}

void newest_loaded(struct lane *lane, struct loaded_rows *rows)
{
	int64_t soon_ms = lane->engine->now_ms + 1;
	bool sends = lane_sends(lane) && lane->preparing == 0 && !lane->engine->stopping;

	lane->loading = LOAD_NONE;
	lane->load_is_stale = false;
	lane_touch(lane);
	for (size_t i = 0; i < rows->count; i++) {
		const struct loaded_row *r = &rows->rows[i];
		struct flight *f;
		bool split;

		if (!is_whole(r) || !holds_back(lane, r) || backlog_in_memory(lane, r->row.id))
			continue;
		if (!sends) {
			newest_note(lane, r->row.due_ms, r->row.id);
			continue;
		}
		f = backlog_flight(lane, r);
		lane->waiting_rows--;
		split = newest_split(f, r->row.due_ms > soon_ms ? r->row.due_ms : soon_ms);
		assert(split);
	}
}

/* --- final statuses --- */

/* hash_u64 is a bijection, so hash and order_hash together are endpoint and message. */
static uint64_t final_hash(uint64_t endpoint, uint64_t order_hash)
{
	return hash_u64(hash_u64(endpoint) ^ order_hash);
}

static bool is_same(void *ctx, int64_t order_hash)
{
	return *(const uint64_t *)ctx == (uint64_t)order_hash;
}

static bool final_known(const struct engine *e, uint64_t endpoint, uint64_t order_hash)
{
	return recent_find(e->finals, final_hash(endpoint, order_hash), is_same, &order_hash) != 0;
}

static void final_add(struct engine *e, uint64_t endpoint, uint64_t order_hash)
{
	if (order_hash == 0 || final_known(e, endpoint, order_hash))
		return;
	recent_add(e->finals, final_hash(endpoint, order_hash), (int64_t)order_hash);
	recent_settle(e->finals);
}

void final_acknowledged(struct lane *lane, const struct event *ev)
{
	if (endpoint_is_final(lane->endpoint, ev))
		final_add(lane->engine, lane->number, ev->order_hash);
}

bool final_was_before(const struct lane *lane, const struct item *it)
{
	return !it->replayed && endpoint_has_finals(lane->endpoint) && it->event->order_hash != 0 &&
	       final_known(lane->engine, lane->number, it->event->order_hash);
}

void final_say(struct lane *lane, const struct event *ev)
{
	char id[256];

	slice_copy(id, sizeof(id), ev->id);
	engine_say(lane, LOG_INFO, "event not sent: a final status of its message was acknowledged before", id);
}

void engine_recover_final(struct engine *e, uint64_t endpoint, uint64_t order_hash)
{
	final_add(e, endpoint, order_hash);
}
