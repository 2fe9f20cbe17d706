/*
 * What has no room in memory, or waits for its time, is a pending row; here it is written and comes back. Three kinds
 * of rows are not in memory:
 *   ready    never sent, in order of id (= seq): loaded when the queue runs low. While there are any, new events become
 *            ready rows too, so order stays.
 *   waiting  to be sent at a time: loaded when due.
 *   held     behind another delivery of its message; hold.c turns it into a waiting one.
 * A cursor for each of the first two says how far loading has come. A row that is in memory stays on disk until its
 * result is, and is in lane.rows for so long: that is how a load that was under way meanwhile is kept from bringing it
 * a second time. One load a lane at a time.
 */
#include "engine/impl.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"

#define LOAD_ROWS	  512
#define LOAD_BYTES	  (1u << 20)
#define RETRIES_IN_MEMORY 64
#define EXPIRE_MS	  10000

/* --- out of memory --- */

/*
 * What other lanes have taken never keeps a lane from its share:
 * they may hang for hours, and this one would wait with them.
 */
static bool memory_has_room(const struct lane *lane, size_t bytes)
{
	const struct engine *e = lane->engine;

	return e->bytes + bytes <= e->limits.memory_bytes || lane->bytes + bytes <= e->limits.lane_share;
}

bool backlog_has_room(const struct lane *lane, const struct event *ev)
{
	const struct engine_limits *limits = &lane->engine->limits;

	return lane->ready_rows == 0 && lane->items < limits->lane_items &&
	       lane->bytes + ev->bytes <= limits->lane_bytes && memory_has_room(lane, ev->bytes);
}

static void put_row(struct lane *lane, int64_t id, uint64_t order_hash, int64_t due_ms, struct tx *tx)
{
	struct pending_item item = { id, order_hash, 0 };
	struct pending_row row = {
		.endpoint = lane->number, .id = id, .due_ms = due_ms, .items = &item, .item_count = 1
	};

	tx_pending_put(tx, &row);
}

void backlog_waits(struct lane *lane, int64_t due_ms)
{
	lane->waiting_rows++;
	lane->waiting_since_load++;
	if (due_ms < lane->next_due_ms)
		lane->next_due_ms = due_ms;
	if (due_ms < lane->due_since_load)
		lane->due_since_load = due_ms;
}

static void counts_ready(struct lane *lane)
{
	lane->ready_rows++;
	lane->ready_since_load++;
}

void backlog_put_single(struct lane *lane, int64_t seq, uint64_t order_hash, int64_t due_ms, struct tx *tx)
{
	put_row(lane, seq, order_hash, due_ms, tx);
	if (due_ms == PENDING_HELD)
		lane->held_rows++;
	else
		backlog_waits(lane, due_ms);
}

void backlog_put_flight(struct flight *f, struct tx *tx, int64_t due_ms, uint32_t attempts)
{
	int64_t id = items_first_seq(f->items, f->count);
	struct pending_item *items = arena_alloc(&tx->arena, f->count * sizeof(*items));
	struct pending_row row = {
		.endpoint = f->lane->number,
		.id = id,
		.revision = f->endpoint->revision,
		.attempts = attempts,
		.due_ms = due_ms,
		.items = items,
		.item_count = f->count,
	};

	for (uint32_t i = 0; i < f->count; i++) {
		const struct item *it = f->items[i];

		if (it->row && it->row->id != id)
			tx_pending_end(tx, f->lane->number, it->row->id);
		items[i] = (struct pending_item){ it->event->seq, it->event->order_hash, it->attempts };
	}
	tx_pending_put(tx, &row);
}

void backlog_spill(struct lane *lane, struct slot *slot, const struct event *ev)
{
	struct tx *tx = engine_turn_tx(lane->engine);

	put_row(lane, ev->seq, ev->order_hash, PENDING_READY, tx);
	counts_ready(lane);
	receipt_slot(tx, &slot);
}

/* A queued item becomes a row: a ready one, or the waiting one that it came from. */
static void park_item(struct lane *lane, struct item *it, struct tx *tx)
{
	lane_unqueue(lane, it);
	if (it->released) {
		backlog_waits(lane, lane->engine->now_ms);
	} else {
		if (!it->row)
			put_row(lane, it->event->seq, it->event->order_hash, PENDING_READY, tx);
		counts_ready(lane);
	}
	receipt_slot(tx, &it->slot);
	receipt_row(tx, &it->row);
	item_free(&it);
}

void backlog_put_back(struct lane *lane, struct item **items, uint32_t count, struct tx *tx)
{
	for (uint32_t i = 0; i < count; i++) {
		struct item *it = items[i];

		put_row(lane, it->event->seq, it->event->order_hash, PENDING_READY, tx);
		counts_ready(lane);
		receipt_slot(tx, &it->slot);
		receipt_row(tx, &it->row);
		item_free(&it);
	}
	while (!list_empty(&lane->queue))
		park_item(lane, CONTAINER_OF(lane->queue.next, struct item, link), tx);
	lane->ready_cursor = 0;
	lane->load_is_stale = lane->loading == LOAD_READY;
}

static void park_retry(struct lane *lane, struct flight *f, struct tx *tx)
{
	list_del(&f->link);
	lane->retry_count--;
	backlog_waits(lane, lane->engine->now_ms);
	receipt_row(tx, &f->row);
	for (uint32_t i = 0; i < f->count; i++)
		item_free(&f->items[i]);
	f->count = 0;
	flight_free(&f);
}

/* What is on the wire stays there, but from now on a row stands for it, with the settings it was sent with. */
static void park_flying(struct lane *lane, struct flight *f, struct tx *tx)
{
	if (f->row)
		return;
	backlog_put_flight(f, tx, lane->engine->now_ms + 1, f->attempts);
	for (uint32_t i = 0; i < f->count; i++) {
		receipt_slot(tx, &f->items[i]->slot);
		receipt_row(tx, &f->items[i]->row);
	}
	f->row = row_ref_new(lane, items_first_seq(f->items, f->count));
}

void backlog_all(struct lane *lane, struct tx *tx)
{
	while (!list_empty(&lane->queue))
		park_item(lane, CONTAINER_OF(lane->queue.next, struct item, link), tx);
	hold_empty(lane, park_item, tx);
	LIST_EACH (it, &lane->retries)
		park_retry(lane, CONTAINER_OF(it, struct flight, link), tx);
	LIST_EACH (it, &lane->flying)
		park_flying(lane, CONTAINER_OF(it, struct flight, link), tx);
}

static void store_item(struct lane *lane, struct item *it, struct tx *tx)
{
	put_row(lane, it->event->seq, it->event->order_hash, PENDING_READY, tx);
	it->row = row_ref_new(lane, it->event->seq);
	receipt_slot(tx, &it->slot);
}

/* What sits in memory for long gets a row as well, so that the floor moves on and a restart has little to read. */
static void store_old_items(struct lane *lane, int64_t accepted_before_ms)
{
	LIST_EACH (l, &lane->queue) {
		struct item *it = CONTAINER_OF(l, struct item, link);

		if (it->event->accepted_ms >= accepted_before_ms)
			break;
		if (it->slot)
			store_item(lane, it, engine_turn_tx(lane->engine));
	}
}

void backlog_store_old(struct engine *e, int64_t accepted_before_ms)
{
	if (list_empty(&e->slots) || CONTAINER_OF(e->slots.next, struct slot, link)->accepted_ms >= accepted_before_ms)
		return;
	LIST_EACH (it, &e->all)
		store_old_items(CONTAINER_OF(it, struct lane, all), accepted_before_ms);
}

/* --- back into memory --- */

void backlog_load(struct lane *lane, enum load_kind kind, const struct pending_query *q, size_t most_bytes)
{
	/* What is counted must be on its way to the disk before the load is, or the load would not find it. */
	engine_flush(lane->engine);
	lane->loading = kind;
	lane->loading_bytes = most_bytes < LOAD_BYTES ? most_bytes : LOAD_BYTES;
	lane->engine->loading_bytes += lane->loading_bytes;
	lane->rewind_to = INT64_MAX;
	lane->ready_since_load = lane->waiting_since_load = 0;
	lane->due_since_load = PENDING_HELD;
	lane->engine->host.load(lane->engine->host.ctx, q, kind == LOAD_READY, lane->loading_bytes);
}

/*
 * What others hold and wait for counts here too, or a thousand lanes that look at their backlog in one turn would bring
 * a gigabyte. A load brings one row at least, so a small one only takes longer.
 */
static size_t affordable(const struct lane *lane, size_t most_bytes)
{
	const struct engine *e = lane->engine;
	size_t taken = e->bytes + e->loading_bytes;
	size_t room = taken < e->limits.memory_bytes ? e->limits.memory_bytes - taken : 0;

	if (room < e->limits.lane_share)
		room = e->limits.lane_share;
	return most_bytes < room ? most_bytes : room;
}

static void load(struct lane *lane, enum load_kind kind, size_t most_rows, size_t most_bytes)
{
	struct pending_query q = {
		.endpoint = lane->number,
		.due_from = kind == LOAD_READY ? PENDING_READY : lane->due_cursor,
		.id_after = kind == LOAD_READY ? lane->ready_cursor : lane->id_cursor,
		.due_upto = kind == LOAD_READY ? PENDING_READY
			    : kind == LOAD_DUE ? lane->engine->now_ms
					       : PENDING_HELD,
		.max_rows = (uint32_t)(most_rows < LOAD_ROWS ? most_rows : LOAD_ROWS),
	};

	backlog_load(lane, kind, &q, affordable(lane, most_bytes));
}

static void drain_deleted(struct lane *lane)
{
	while (!list_empty(&lane->queue))
		delivery_end_queued(lane, CONTAINER_OF(lane->queue.next, struct item, link), FAILURE_DELETED, NULL);
	if (lane->ready_rows > 0)
		load(lane, LOAD_READY, LOAD_ROWS, LOAD_BYTES);
	else if (lane->waiting_rows + lane->held_rows > 0)
		load(lane, LOAD_ALL, LOAD_ROWS, LOAD_BYTES);
}

/* One that is throttled sends one at a time, so it needs no more in memory. */
static size_t retries_wanted(const struct lane *lane)
{
	size_t most = lane->state == LANE_READY ? RETRIES_IN_MEMORY : 1;

	return lane->retry_count < most ? most - lane->retry_count : 0;
}

static void load_ready(struct lane *lane)
{
	const struct engine_limits *limits = &lane->engine->limits;
	size_t most_bytes = limits->lane_share;

	if (lane->ready_rows == 0 || lane->items * 4 >= limits->lane_items)
		return;
	if (lane->engine->bytes + lane->engine->loading_bytes < limits->memory_bytes)
		most_bytes = limits->lane_bytes > lane->bytes ? limits->lane_bytes - lane->bytes : 1;
	else if (lane->items > 0 && lane->bytes * 2 >= limits->lane_share)
		return;
	load(lane, LOAD_READY, limits->lane_items - lane->items, most_bytes);
}

void backlog_refill(struct lane *lane)
{
	if (lane->loading != LOAD_NONE || lane->preparing > 0 || lane->engine->stopping)
		return;
	if (lane->state == LANE_DELETED) {
		drain_deleted(lane);
		return;
	}
	if (!lane_sends(lane) || newest_load(lane))
		return;
	if (lane->waiting_rows > 0 && lane->next_due_ms <= lane->engine->now_ms && retries_wanted(lane) > 0)
		load(lane, LOAD_DUE, retries_wanted(lane), LOAD_BYTES);
	else
		load_ready(lane);
}

/* Records that an event cannot be sent because what the store kept of it is damaged or gone. */
static void end_damaged(struct lane *lane, const struct pending_row *row, const struct pending_item *item)
{
	struct tx *tx = engine_turn_tx(lane->engine);
	struct attempt_item fate = { item->event_seq, item->attempts, ITEM_DEAD };
	struct attempt_row end = { .endpoint = lane->number,
				   .revision = lane->endpoint->revision,
				   .outcome = ATTEMPT_FAILED,
				   .code = -FAILURE_DAMAGED,
				   .time_ms = lane->engine->now_ms,
				   .items = &fate,
				   .item_count = 1 };
	struct dead_row dead = { lane->number, item->event_seq, 0, lane->engine->now_ms };

	tx_attempt(tx, &end);
	tx_dead(tx, &dead);
	if (row->due_ms != PENDING_READY) /* it was among the first of its message */
		hold_finish(lane, item->order_hash, tx);
	atomic_fetch_sub_explicit(&lane->stats->pending, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&lane->stats->dead, 1, memory_order_relaxed);
	engine_say(lane, LOG_ERROR, "stored event damaged or gone", "");
}

static void keep_item(struct lane *lane, struct loaded_row *r, bool released)
{
	struct item *it = item_new(r->events[0], NULL);

	it->row = row_ref_new(lane, r->row.id);
	it->released = released;
	it->replayed = r->row.replay != 0;
	it->attempts = r->row.items[0].attempts;
	it->passed = true; /* told when it was written, or before a restart */
	lane_queue(lane, it, released);
}

/*
 * A customer's endpoint gets the same bytes again. The hub's own are gateways and webhooks of services: who mends a
 * password or an address there wants what waits to go by the new one. (A batch stays what it was made as.)
 */
static struct endpoint *settings_of(struct lane *lane, const struct loaded_row *r)
{
	bool by_new = lane->endpoint->internal && r->row.item_count == 1;

	return r->revision && !by_new ? r->revision : lane->endpoint;
}

struct flight *backlog_flight(struct lane *lane, const struct loaded_row *r)
{
	struct flight *f = flight_new(lane, settings_of(lane, r), r->row.item_count);

	f->attempts = r->row.attempts;
	f->row = row_ref_new(lane, r->row.id);
	for (uint32_t i = 0; i < r->row.item_count; i++) {
		if (!r->events[i])
			continue;
		f->items[f->count] = item_new(r->events[i], NULL);
		f->items[f->count++]->attempts = r->row.items[i].attempts;
	}
	return f;
}

static void keep_flight(struct lane *lane, struct loaded_row *r)
{
	struct flight *f = backlog_flight(lane, r);

	list_push(&lane->retries, &f->link);
	lane->retry_count++;
}

/* Ends a row as a whole, because it is too old or its endpoint is gone. */
static void end_row(struct lane *lane, struct loaded_row *r, enum failure why)
{
	struct tx *tx = engine_turn_tx(lane->engine);
	struct item **items = arena_alloc(&tx->arena, r->row.item_count * sizeof(*items));
	uint32_t count = 0;

	for (uint32_t i = 0; i < r->row.item_count; i++) {
		if (!r->events[i])
			continue;
		items[count] = item_new(r->events[i], NULL);
		items[count]->attempts = r->row.items[i].attempts;
		items[count++]->released = r->row.due_ms != PENDING_READY && r->row.due_ms != PENDING_HELD;
	}
	tx_pending_end(tx, lane->number, r->row.id);
	if (count > 0)
		delivery_end(lane, lane->endpoint, items, count, why, tx);
}

static bool row_expired(const struct lane *lane, const struct loaded_row *r)
{
	if (r->row.replay != 0)
		return false;
	for (uint32_t i = 0; i < r->row.item_count; i++)
		if (r->events[i] && lane->engine->now_ms - r->events[i]->accepted_ms < lane->endpoint->retry.max_age_ms)
			return false;
	return true;
}

/* Still on disk, not in memory: counted as before. */
static void forget_row(struct lane *lane, const struct loaded_row *r)
{
	if (r->row.due_ms == PENDING_READY)
		counts_ready(lane);
	else
		backlog_waits(lane, r->row.due_ms);
}

/*
 * How many of the row's items can be sent; the others are ended
 * here. Of a damaged row only the name is known: its first event.
 */
static uint32_t usable_items(struct lane *lane, const struct loaded_row *r)
{
	const struct pending_item first = { r->row.id, 0, 0 };
	uint32_t count = 0;

	if (r->row.damaged)
		end_damaged(lane, &r->row, &first);
	for (uint32_t i = 0; i < r->row.item_count; i++) {
		if (r->events[i])
			count++;
		else
			end_damaged(lane, &r->row, &r->row.items[i]);
	}
	return count;
}

static void take_row(struct lane *lane, struct loaded_row *r)
{
	if (lane->state == LANE_DELETED) {
		end_row(lane, r, FAILURE_DELETED);
	} else if (!lane_sends(lane) || lane->preparing > 0 || lane->engine->stopping) {
		if (row_expired(lane, r))
			end_row(lane, r, FAILURE_EXPIRED);
		else
			forget_row(lane, r);
	} else if (usable_items(lane, r) == 0) {
		tx_pending_end(engine_turn_tx(lane->engine), lane->number, r->row.id);
	} else if (r->row.revision == 0 && r->row.item_count == 1) {
		keep_item(lane, r, r->row.due_ms != PENDING_READY);
	} else {
		keep_flight(lane, r);
	}
}

bool backlog_in_memory(const struct lane *lane, int64_t id)
{
	uint64_t h = hash_u64((uint64_t)id);

	return map_first(&lane->rows, h) != NULL; /* hash_u64 is a bijection */
}

static void drop_references(struct loaded_row *r)
{
	for (uint32_t i = 0; i < r->row.item_count; i++)
		event_unref(&r->events[i]);
	endpoint_unref(&r->revision);
}

static void uncount(struct lane *lane, const struct pending_row *row)
{
	int64_t *counter = row->due_ms == PENDING_READY	 ? &lane->ready_rows
			   : row->due_ms == PENDING_HELD ? &lane->held_rows
							 : &lane->waiting_rows;

	if (*counter > 0)
		--*counter;
}

static void move_cursor(struct lane *lane, const struct pending_row *row)
{
	if (row->due_ms == PENDING_READY) {
		lane->ready_cursor = row->id;
	} else {
		lane->due_cursor = row->due_ms;
		lane->id_cursor = row->id;
	}
}

/* Did the load bring the last row of its kind? */
static bool is_last_load(const struct loaded_rows *rows)
{
	return !rows->more && (rows->ready || rows->next_due_ms == PENDING_HELD);
}

/*
 * What was counted and is not there any more was a replay's that was cancelled. More than
 * was counted were written while the load was under way: from now on those are counted as
 * ready and are in memory as well, which the next load must not take for gone.
 */
static void trust_ready(struct lane *lane, const struct loaded_rows *rows)
{
	int64_t gone = lane->ready_rows - lane->ready_since_load - lane->ready_twice;

	for (size_t i = 0; i < rows->count; i++)
		gone -= !backlog_in_memory(lane, rows->rows[i].row.id);
	if (gone > 0)
		atomic_fetch_sub_explicit(&lane->stats->pending, gone, memory_order_relaxed);
	lane->ready_twice = gone < 0 ? -gone : 0;
	lane->ready_rows = lane->ready_since_load;
}

/*
 * A load that found everything knows better than the counters
 * what is left: only what was written since it was asked for.
 */
static void trust_load(struct lane *lane, const struct loaded_rows *rows)
{
	if (is_last_load(rows) && rows->ready)
		trust_ready(lane, rows);
	else if (is_last_load(rows))
		lane->waiting_rows = lane->waiting_since_load;
	if (is_last_load(rows) && lane->loading == LOAD_ALL)
		lane->held_rows = 0;
	if (rows->ready)
		return;
	lane->next_due_ms = rows->more ? lane->engine->now_ms : rows->next_due_ms;
	if (lane->due_since_load < lane->next_due_ms)
		lane->next_due_ms = lane->due_since_load;
}

static void sweep_queue(struct lane *lane)
{
	while (!list_empty(&lane->queue)) {
		struct item *first = CONTAINER_OF(lane->queue.next, struct item, link);

		if (!item_expired(lane, first))
			return;
		delivery_end_queued(lane, first, FAILURE_EXPIRED, NULL);
	}
}

void engine_loaded(struct engine *e, uint64_t number, struct loaded_rows *rows, int64_t now_ms)
{
	struct lane *lane = lane_find(e, number);
	/* what it brings has fallen behind rows that were put before it: it is loaded again after them */
	bool stale = false;
	size_t i;

	e->now_ms = now_ms;
	if (lane && lane->loading == LOAD_OVERTAKEN) {
		e->loading_bytes -= lane->loading_bytes;
		newest_loaded(lane, rows);
		for (i = 0; i < rows->count; i++)
			drop_references(&rows->rows[i]);
		return;
	}
	if (lane) {
		stale = lane->load_is_stale;
		if (!stale)
			trust_load(lane, rows);
		lane->loading = LOAD_NONE;
		e->loading_bytes -= lane->loading_bytes;
		lane->load_is_stale = false;
	}
	for (i = 0; i < rows->count; i++) {
		struct loaded_row *r = &rows->rows[i];

		if (lane && !stale) /* past those in memory too, or the next load would bring them again and again */
			move_cursor(lane, &r->row);
		if (lane && !stale && !backlog_in_memory(lane, r->row.id)) {
			if (!is_last_load(rows))
				uncount(lane, &r->row);
			take_row(lane, r);
		}
		drop_references(r);
	}
	if (!lane)
		return;
	if (rows->ready && lane->ready_cursor > lane->rewind_to)
		lane->ready_cursor = lane->rewind_to;
	if (lane->state != LANE_READY)
		sweep_queue(lane);
	lane_touch(lane);
}

/* --- age runs on while nothing is sent --- */

void backlog_expire(struct lane *lane)
{
	lane->expire_at_ms = lane->engine->now_ms + EXPIRE_MS;
	if (lane->state == LANE_DELETED)
		return;
	sweep_queue(lane);
	if (lane_sends(lane) || lane->loading != LOAD_NONE || lane->preparing > 0 || lane->engine->stopping)
		return;
	/*
	 * Look at the oldest rows from the front: ready ones and
	 * due ones in turn. What is not too old stays where it is.
	 */
	lane->ready_cursor = lane->due_cursor = lane->id_cursor = 0;
	if (lane->ready_rows > 0 && (lane->waiting_rows == 0 || lane->engine->now_ms / EXPIRE_MS % 2 == 0))
		load(lane, LOAD_READY, LOAD_ROWS, LOAD_BYTES);
	else if (lane->waiting_rows > 0)
		load(lane, LOAD_DUE, LOAD_ROWS, LOAD_BYTES);
}

bool backlog_drained(const struct lane *lane)
{
	return lane->in_flight == 0 && lane->ready_rows + lane->waiting_rows + lane->held_rows == 0 &&
	       lane->loading == LOAD_NONE && lane->rows.count == 0 && list_empty(&lane->queue) &&
	       lane->retry_count == 0;
}
