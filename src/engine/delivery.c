/*
 * One event, three acts, to be read from top to bottom:
 *
 *   accept   the event is on disk and matches this endpoint: into the lane's queue, or to pending when there is no room
 *   deliver  take what may be sent (window, rate, order, batch), render it, send it
 *   settle   judge the answer, tell the lane, decide item by item: delivered, again later, dead; and write all of that
 *            in one transaction
 *
 * In good weather an event costs one item here, one flight a request, and one attempt row a request: no pending row, no
 * read.
 */
#include "engine/impl.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "dialect/ack.h"
#include "engine/detail.h"

#define ACK_WORDS_MAX 2048
#define SPARE_FLIGHTS 256
#define BATCH_MOST    1000 /* the bound of batch.max_items */

/* --- items and flights --- */

struct item *item_new(struct event *ev, struct slot *slot)
{
	struct item *it = mem_zalloc(sizeof(*it));

	list_init(&it->link);
	it->event = event_ref(ev);
	it->slot = slot;
	return it;
}

void item_free(struct item **item)
{
	struct item *it = *item;

	*item = NULL;
	if (!it)
		return;
	assert(!list_linked(&it->link));
	event_unref(&it->event);
	mem_free(it);
}

struct row_ref *row_ref_new(struct lane *lane, int64_t id)
{
	struct row_ref *row = mem_alloc(sizeof(*row));

	row->lane = lane;
	row->id = id;
	map_add(&lane->rows, &row->node, hash_u64((uint64_t)id));
	return row;
}

void row_ref_free(struct row_ref **row)
{
	map_del(&(*row)->lane->rows, &(*row)->node);
	mem_free(*row);
	*row = NULL;
}

struct flight *flight_new(struct lane *lane, struct endpoint *ep, uint32_t capacity)
{
	struct list *l = list_pop(&lane->engine->spare);
	struct flight *f = l ? CONTAINER_OF(l, struct flight, link) : NULL;

	if (f) {
		lane->engine->spare_count--;
	} else {
		f = mem_zalloc(sizeof(*f));
		list_init(&f->link);
		request_init(&f->request);
	}
	if (f->capacity < capacity) {
		f->items = mem_realloc(f->items, capacity * sizeof(struct item *));
		f->capacity = capacity;
	}
	f->lane = lane;
	f->endpoint = endpoint_ref(ep);
	f->count = f->attempts = 0;
	f->row = NULL;
	f->x = (struct exchange){ ep, &f->request.http, NULL };
	return f;
}

/* Its items are gone already. */
void flight_free(struct flight **flight)
{
	struct flight *f = *flight;
	struct engine *e = f->lane->engine;

	*flight = NULL;
	assert(!list_linked(&f->link));
	endpoint_unref(&f->endpoint);
	if (e->spare_count < SPARE_FLIGHTS) {
		request_reset(&f->request);
		list_push_front(&e->spare, &f->link);
		e->spare_count++;
		return;
	}
	request_free(&f->request);
	mem_free(f->items);
	mem_free(f);
}

int64_t items_first_seq(struct item *const *items, uint32_t count)
{
	int64_t first = items[0]->event->seq;

	for (uint32_t i = 1; i < count; i++)
		if (items[i]->event->seq < first)
			first = items[i]->event->seq;
	return first;
}

bool item_expired(const struct lane *lane, const struct item *it)
{
	return !it->replayed && lane->engine->now_ms - it->event->accepted_ms >= lane->endpoint->retry.max_age_ms;
}

static void count_pending(struct lane *lane, int64_t by)
{
	atomic_fetch_add_explicit(&lane->stats->pending, by, memory_order_relaxed);
}

/* --- accept --- */

void delivery_accept(struct lane *lane, struct slot *slot, struct event *ev)
{
	bool passed = report_accepted(lane, ev);
	struct item *it;

	slot->open++;
	count_pending(lane, 1);
	lane_touch(lane);
	if (!backlog_has_room(lane, ev)) {
		backlog_spill(lane, slot, ev);
		return;
	}
	it = item_new(ev, slot);
	it->passed = passed;
	lane_queue(lane, it, false);
}

/* --- ends without an exchange --- */

static const struct attempt_row *write_attempt(struct lane *lane, const struct endpoint *ep, struct attempt_row *row,
					       struct attempt_detail *detail, struct tx *tx)
{
	struct buf *buf = &lane->engine->detail;

	buf_reset(buf);
	detail_encode(detail, buf);
	row->endpoint = lane->number;
	row->revision = ep->revision;
	row->detail = buf_slice(buf);
	return tx_attempt(tx, row);
}

static const char *why_sentence(enum failure why)
{
	switch (why) {
	case FAILURE_EXPIRED:
		return "older than retry.max_age_s: it was not sent any more";
	case FAILURE_DELETED:
		return "the endpoint was deleted while this waited";
	case FAILURE_SUPERSEDED:
		return "a newer event of the same message took its place";
	case FAILURE_FINAL:
		return "a final status of this message was acknowledged before, so nothing more of it is sent";
	case FAILURE_DAMAGED:
		return "the stored event is damaged or gone, so nothing can be sent; check the disk, and send the "
		       "event again";
	default:
		return failure_word(why);
	}
}

/* Its own row, its slot and its hold: nothing in memory or on disk waits for this item any more. The item is freed. */
static void let_go(struct lane *lane, struct item **item, struct tx *tx)
{
	struct item *it = *item;

	receipt_slot(tx, &it->slot);
	if (it->row) {
		tx_pending_end(tx, lane->number, it->row->id);
		receipt_row(tx, &it->row);
	}
	item_free(item);
}

static void end_items(struct lane *lane, const struct endpoint *ep, struct item **items, uint32_t count,
		      enum failure why, struct slice reason, struct tx *tx)
{
	struct attempt_item *fates = arena_alloc(&tx->arena, count * sizeof(*fates));
	struct event **events = arena_alloc(&tx->arena, count * sizeof(*events));
	bool dead = why != FAILURE_SUPERSEDED && why != FAILURE_FINAL && why != FAILURE_CANCELLED;
	struct attempt_detail detail = { .timings = { -1, -1, -1, -1, -1 }, .reason = reason };
	struct attempt_row row = {
		.outcome = ATTEMPT_FAILED, .code = (int16_t) - (int)why, .time_ms = lane->engine->now_ms, .items = fates
	};
	const struct attempt_row *written;
	char id[DELIVERY_ID_BYTES];
	uint32_t i;

	for (i = 0; i < count; i++) {
		events[i] = items[i]->event;
		fates[i] = (struct attempt_item){ events[i]->seq, items[i]->attempts, dead ? ITEM_DEAD : ITEM_ENDED };
	}
	delivery_id(ep, events, count, id);
	row.delivery_id = slice_str(id);
	row.item_count = count;
	written = write_attempt(lane, ep, &row, &detail, tx);
	for (i = 0; i < count; i++) {
		struct dead_row d = { lane->number, events[i]->seq, 0, lane->engine->now_ms };
		uint64_t order_hash = events[i]->order_hash;
		bool first = items[i]->released;

		if (dead && why != FAILURE_DELETED)
			tx_dead(tx, &d);
		report_item(lane, ep, events[i], OUTCOME_DEAD, written, NULL, reason, tx);
		let_go(lane, &items[i], tx);
		if (first)
			hold_finish(lane, order_hash, tx);
	}
	count_pending(lane, -(int64_t)count);
	if (dead)
		atomic_fetch_add_explicit(why == FAILURE_EXPIRED ? &lane->stats->expired : &lane->stats->dead, count,
					  memory_order_relaxed);
	stats_count_code(lane->stats, row.code, row.outcome);
}

void delivery_end(struct lane *lane, const struct endpoint *ep, struct item **items, uint32_t count, enum failure why,
		  struct tx *tx)
{
	end_items(lane, ep, items, count, why, slice_str(why_sentence(why)), tx);
}

void delivery_end_queued(struct lane *lane, struct item *it, enum failure why, const char *reason)
{
	struct tx *tx = engine_turn_tx(lane->engine);

	lane_unqueue(lane, it);
	end_items(lane, lane->endpoint, &it, 1, why, slice_str(reason ? reason : why_sentence(why)), tx);
}

void delivery_end_held(struct lane *lane, int64_t seq, enum failure why, struct tx *tx)
{
	struct attempt_detail detail = { .timings = { -1, -1, -1, -1, -1 }, .reason = slice_str(why_sentence(why)) };
	struct attempt_item fate = { seq, 0, ITEM_ENDED };
	struct attempt_row row = { .outcome = ATTEMPT_FAILED,
				   .code = (int16_t) - (int)why,
				   .time_ms = lane->engine->now_ms,
				   .items = &fate,
				   .item_count = 1 };

	tx_pending_end(tx, lane->number, seq);
	write_attempt(lane, lane->endpoint, &row, &detail, tx);
	lane->held_rows--;
	count_pending(lane, -1);
	stats_count_code(lane->stats, row.code, row.outcome);
}

/* --- deliver --- */

static void launch(struct flight *f)
{
	struct lane *lane = f->lane;

	f->started_ms = lane->engine->now_ms;
	list_push(&lane->flying, &f->link);
	if (!f->row && lane_ordered(lane))
		for (uint32_t i = 0; i < f->count; i++)
			hold_begin(lane, f->items[i]);
	lane_sent(lane);
	lane->engine->host.send(lane->engine->host.ctx, &f->x);
}

static bool message_among(struct item *const *items, uint32_t count, uint64_t order_hash)
{
	for (uint32_t i = 0; i < count && order_hash != 0; i++)
		if (items[i]->event->order_hash == order_hash)
			return true;
	return false;
}

/*
 * Two projects of an organization may use the same message id: acknowledged by
 * id, nobody could tell which of them was meant, so they do not go together.
 */
static bool is_ambiguous(const struct endpoint *ep, struct item *const *items, uint32_t count, const struct item *it)
{
	if (!ep->of_organization || (ep->ack != ACK_IDS_XML && ep->ack != ACK_IDS_JSON))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (slice_eq(items[i]->event->message_id, it->event->message_id) &&
		    items[i]->event->order_hash != it->event->order_hash)
			return true;
	return false;
}

/* Ends what need not be sent any more: too old, or something newer waits behind it, or its message is final. */
static bool is_past(struct lane *lane, struct item *it)
{
	enum failure why = FAILURE_NONE;

	if (item_expired(lane, it))
		why = FAILURE_EXPIRED;
	else if (it->released && hold_has_newer(lane, it->event->order_hash, it->event->seq))
		why = FAILURE_SUPERSEDED;
	else if (final_was_before(lane, it))
		why = FAILURE_FINAL;
	if (why == FAILURE_FINAL)
		final_say(lane, it->event);
	if (why != FAILURE_NONE)
		delivery_end_queued(lane, it, why, NULL);
	return why != FAILURE_NONE;
}

/*
 * The queue's next items that may go together in one request, left in the queue: same URL and headers (W9), not held,
 * not past. Where many groups mix, the search for more of the same ends somewhere; and what is left out must not be
 * overtaken by later events of its message (strict: by any).
 */
static uint32_t gather(struct lane *lane, uint32_t most)
{
	struct engine *e = lane->engine;
	uint32_t count = 0, skips = 0;
	uint64_t group = 0;

	LIST_EACH (l, &lane->queue) {
		struct item *it = CONTAINER_OF(l, struct item, link);
		enum hold_answer held;

		if (count == most || skips == SKIPPED_MOST)
			break;
		if (is_past(lane, it) || !newest_among(lane, e->picked, &count, it) ||
		    !newest_among(lane, e->skipped, &skips, it))
			continue;
		held = hold_ask(lane, it);
		if (held == HOLD_IN_MEMORY) {
			hold_wait(lane, it);
			continue;
		}
		if (held == HOLD_ON_DISK) {
			lane_unqueue(lane, it);
			hold_store(lane, it, engine_turn_tx(e));
			continue;
		}
		if (count == 0)
			group = endpoint_group(lane->endpoint, it->event);
		else if (message_among(e->skipped, skips, it->event->order_hash) ||
			 endpoint_group(lane->endpoint, it->event) != group ||
			 is_ambiguous(lane->endpoint, e->picked, count, it)) {
			if (lane->endpoint->order == ORDER_STRICT)
				break;
			e->skipped[skips++] = it;
			continue;
		}
		e->picked[count++] = it;
	}
	return count;
}

/* The queue is in order of seq but for what came back to its front; items keep their order inside a batch. */
static void sort_items(struct item **items, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct item *it = items[i];
		uint32_t k = i;

		for (; k > 0 && items[k - 1]->event->seq > it->event->seq; k--)
			items[k] = items[k - 1];
		items[k] = it;
	}
}

static bool batch_is_ripe(const struct lane *lane)
{
	const struct endpoint *ep = lane->endpoint;
	const struct item *first = CONTAINER_OF(lane->queue.next, struct item, link);

	if (ep->batch.max_items <= 1 || lane->engine->stopping || lane->items >= ep->batch.max_items ||
	    lane->bytes >= ep->batch.max_bytes)
		return true;
	return lane->engine->now_ms >= first->event->accepted_ms + ep->batch.max_wait_ms;
}

/* A flight out of the queue's front, rendered; NULL when there is nothing to send (yet). */
static struct flight *assemble(struct lane *lane)
{
	struct engine *e = lane->engine;

	while (!list_empty(&lane->queue) && batch_is_ripe(lane)) {
		uint32_t count = gather(lane, lane->endpoint->batch.max_items);
		struct flight *f;
		struct fault fault;
		size_t taken;
		int err;

		if (count == 0)
			return NULL;
		sort_items(e->picked, count);
		for (uint32_t i = 0; i < count; i++)
			e->events[i] = e->picked[i]->event;
		f = flight_new(lane, lane->endpoint, count);
		err = request_render(lane->endpoint, e->events, count, true, 1, e->now_ms / 1000, &f->request, &taken,
				     &fault);
		if (err == 0) {
			for (f->count = 0; f->count < taken; f->count++) {
				lane_unqueue(lane, e->picked[f->count]);
				f->items[f->count] = e->picked[f->count];
			}
			return f;
		}
		flight_free(&f);
		delivery_end_queued(lane, e->picked[taken], FAILURE_RENDER, fault.message);
	}
	return NULL;
}

static void end_flight(struct flight *f, enum failure why, const char *reason)
{
	struct lane *lane = f->lane;
	struct tx *tx = engine_turn_tx(lane->engine);

	list_del(&f->link);
	lane->retry_count--;
	for (uint32_t i = 0; i < f->count; i++)
		f->items[i]->released = true; /* what waited is the first of its messages */
	end_items(lane, f->endpoint, f->items, f->count, why, slice_str(reason), tx);
	if (f->row) {
		tx_pending_end(tx, lane->number, f->row->id);
		receipt_row(tx, &f->row);
	}
	f->count = 0;
	flight_free(&f);
}

/* As a whole, once its youngest is too old: what is sent again has the same items as before. */
static bool flight_expired(const struct flight *f)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (!item_expired(f->lane, f->items[i]))
			return false;
	return true;
}

/* The next flight that fell due, rendered with the settings it was first sent with; NULL when there is none. */
static struct flight *next_retry(struct lane *lane)
{
	while (!list_empty(&lane->retries)) {
		struct flight *f = CONTAINER_OF(lane->retries.next, struct flight, link);
		struct event **events = lane->engine->events;
		struct fault fault;
		size_t taken;

		for (uint32_t i = 0; i < f->count; i++)
			events[i] = f->items[i]->event;
		if (newest_split(f, lane->engine->now_ms + 1))
			continue;
		if (flight_expired(f)) {
			end_flight(f, FAILURE_EXPIRED, why_sentence(FAILURE_EXPIRED));
			continue;
		}
		if (request_render(f->endpoint, events, f->count, false, f->attempts + 1, lane->engine->now_ms / 1000,
				   &f->request, &taken, &fault) == 0) {
			list_del(&f->link);
			lane->retry_count--;
			return f;
		}
		end_flight(f, FAILURE_RENDER, fault.message);
	}
	return NULL;
}

void delivery_run(struct lane *lane)
{
	for (;;) {
		struct flight *f = NULL;

		if (lane_may_send(lane, true))
			f = next_retry(lane);
		if (!f && lane_may_send(lane, false))
			f = assemble(lane);
		if (!f)
			return;
		launch(f);
	}
}

/* --- settle --- */

struct settlement {
	struct flight *flight;
	struct lane *lane;
	struct verdict verdict;
	struct tx *tx;
	struct attempt_item *fates;
	bool *acked; /* by item, when the endpoint acknowledges item by item; NULL: the verdict is for all of them */
	struct buf words; /* what the reader of the acknowledgement has to say */
	uint32_t left, dead;
	int64_t due_ms;
	bool split;
};

/*
 * Reads which items the answer takes. A success status that acknowledges nothing is no failure of the endpoint, so its
 * lane goes on; but nothing is delivered that the receiver did not name.
 */
static void read_ack(struct settlement *s, const struct http_answer *answer)
{
	struct flight *f = s->flight;
	struct event **events = s->lane->engine->events;
	struct ack_result result;

	if (f->endpoint->ack == ACK_NONE || answer->failure != FAILURE_NONE || !ack_status(f->endpoint, answer->status))
		return;
	s->acked = arena_alloc(&s->tx->arena, f->count * sizeof(*s->acked));
	for (uint32_t i = 0; i < f->count; i++)
		events[i] = f->items[i]->event;
	result = ack_read(f->endpoint, events, f->count, answer->body, s->acked, &s->words);
	if (s->verdict.kind != VERDICT_OK && result.acked > 0)
		s->verdict.kind =
			VERDICT_OK; /* any_status: what is acknowledged is delivered, whatever the status says */
	if (s->verdict.kind == VERDICT_OK && result.worthless)
		s->verdict.code = -FAILURE_BAD_ACK;
}

static bool is_taken(const struct settlement *s, uint32_t i)
{
	return s->verdict.kind == VERDICT_OK && (!s->acked || s->acked[i]);
}

static bool all_in_time(const struct flight *f, int64_t due_ms)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (due_ms - f->items[i]->event->accepted_ms >= f->endpoint->retry.max_age_ms)
			return false;
	return true;
}

/* Marks what was not taken and has something newer behind it. */
static void find_replaced(struct settlement *s)
{
	struct flight *f = s->flight;

	for (uint32_t i = 0; i < f->count; i++) {
		struct item *it = f->items[i];

		it->replaced = !is_taken(s, i) && hold_has_newer(s->lane, it->event->order_hash, it->event->seq);
	}
}

/* Decides what becomes of each item; nothing is changed yet. */
static void decide(struct settlement *s)
{
	struct flight *f = s->flight;
	struct engine *e = s->lane->engine;
	uint32_t attempt = f->attempts + 1;
	int64_t delay = endpoint_delay_ms(f->endpoint, attempt, rand_unit(&e->rand));
	bool again = delay >= 0;
	uint32_t i;

	find_replaced(s);
	/* Refused again, or for the last time: there may be no other chance to find the one item that is to blame. */
	if (s->verdict.kind == VERDICT_REFUSED && f->count > 1 &&
	    (attempt >= 2 || !again || !all_in_time(f, e->now_ms + delay))) {
		s->split = again = true;
		delay = 0;
	}
	if (delay < s->verdict.retry_after_ms)
		delay = s->verdict.retry_after_ms;
	s->due_ms = e->now_ms + (delay > 0 ? delay : 1);
	for (i = 0; i < f->count; i++) {
		struct item *it = f->items[i];
		bool in_time = s->due_ms - it->event->accepted_ms < f->endpoint->retry.max_age_ms;
		enum item_fate fate = ITEM_DONE;

		if (it->replaced)
			fate = ITEM_LEFT; /* by this exchange; end_replaced says what became of it */
		else if (!is_taken(s, i))
			fate = again && in_time && s->lane->state != LANE_DELETED ? ITEM_LEFT : ITEM_DEAD;
		s->left += fate == ITEM_LEFT;
		s->dead += fate == ITEM_DEAD;
		s->fates[i] = (struct attempt_item){ it->event->seq, it->attempts + 1, (uint8_t)fate };
	}
}

static struct slice cut(struct slice s, size_t most)
{
	return slice_of(s.p, s.n < most ? s.n : most);
}

/* The operator learns the key that a `pin:` would hold, and that it changed. */
static void note_key(struct lane *lane, const struct http_answer *answer)
{
	struct buf text;

	if (!answer->tls_key_known || !stats_tls_key_set(lane->stats, answer->tls_key))
		return;
	buf_init(&text, 128);
	buf_add_str(&text, "sha256 ");
	hex_add(&text, answer->tls_key, sizeof(answer->tls_key));
	engine_say(lane, LOG_INFO, "receiver's key", buf_str(&text));
	buf_free(&text);
}

static struct slice reason_of(const struct settlement *s, const struct http_answer *answer)
{
	return s->words.n > 0 ? buf_slice(&s->words) : answer->reason;
}

static void tell_hub(const struct settlement *s, const struct attempt_row *row, const struct http_answer *answer)
{
	static const enum engine_outcome outcomes[] = {
		[ITEM_DONE] = OUTCOME_DELIVERED, [ITEM_DEAD] = OUTCOME_DEAD, [ITEM_LEFT] = OUTCOME_LEFT
	};
	struct flight *f = s->flight;

	for (uint32_t i = 0; i < f->count; i++)
		report_item(s->lane, f->endpoint, f->items[i]->event, outcomes[s->fates[i].fate], row, answer,
			    reason_of(s, answer), s->tx);
}

static void record(struct settlement *s, const struct http_answer *answer)
{
	struct flight *f = s->flight;
	bool all_well = s->left + s->dead == 0;
	struct attempt_detail detail = {
		.duration_us = answer->timings.total,
		.timings = answer->timings,
		.reason = reason_of(s, answer),
		.headers = cut(answer->headers, DETAIL_HEADERS_MAX),
		.body = cut(answer->body, all_well ? DETAIL_OK_BODY_MAX : DETAIL_FAILED_BODY_MAX),
		.body_size = (uint32_t)answer->body.n,
	};
	struct attempt_row row = {
		.attempt = f->attempts + 1,
		.time_ms = f->started_ms,
		.outcome = s->left   ? ATTEMPT_RETRY
			   : s->dead ? ATTEMPT_FAILED
				     : ATTEMPT_OK,
		.code = (int16_t)s->verdict.code,
		.delivery_id = slice_str(f->request.delivery_id),
		.items = s->fates,
		.item_count = f->count,
	};
	struct endpoint_stats *stats = s->lane->stats;

	tell_hub(s, write_attempt(s->lane, f->endpoint, &row, &detail, s->tx), answer);
	stats_count_code(stats, row.code, row.outcome);
	stats_observe(&stats->attempt, answer->timings.total);
	atomic_store_explicit(&stats->last_code, row.code, memory_order_relaxed);
	atomic_store_explicit(&stats->last_time_ms, s->lane->engine->now_ms, memory_order_relaxed);
	note_key(s->lane, answer);
}

/* Takes out of the flight the items that ended, delivered or dead; those that are left move together. */
static void finish_ended(struct settlement *s)
{
	struct flight *f = s->flight;
	struct lane *lane = s->lane;
	int64_t now_ms = lane->engine->now_ms;
	uint32_t kept = 0, ended = 0;

	for (uint32_t i = 0; i < f->count; i++) {
		struct item *it = f->items[i];
		uint64_t order_hash = it->event->order_hash;

		if (s->fates[i].fate == ITEM_LEFT) {
			f->items[kept++] = it;
			continue;
		}
		ended++;
		if (s->fates[i].fate == ITEM_DONE) {
			stats_observe(&lane->stats->delivery, (now_ms - it->event->accepted_ms) * 1000);
			final_acknowledged(lane, it->event);
		} else if (lane->state != LANE_DELETED) {
			tx_dead(s->tx, &(struct dead_row){ lane->number, it->event->seq, 0, now_ms });
		}
		let_go(lane, &it, s->tx);
		hold_finish(lane, order_hash, s->tx);
	}
	f->count = kept;
	count_pending(lane, -(int64_t)ended);
	atomic_fetch_add_explicit(&lane->stats->dead, s->dead, memory_order_relaxed);
	atomic_fetch_add_explicit(&lane->stats->delivered, ended - s->dead, memory_order_relaxed);
}

/* What something newer replaces ends in the same transaction, and the newer one goes next. */
static void end_replaced(struct settlement *s)
{
	struct flight *f = s->flight;
	struct item **gone = arena_alloc(&s->tx->arena, f->count * sizeof(struct item *));
	uint32_t kept = 0, count = 0;

	for (uint32_t i = 0; i < f->count; i++) {
		struct item *it = f->items[i];

		if (!it->replaced) {
			f->items[kept++] = it;
			continue;
		}
		it->attempts++;
		it->released = true; /* as one of the first of its message */
		gone[count++] = it;
	}
	f->count = kept;
	if (count > 0)
		delivery_end(s->lane, f->endpoint, gone, count, FAILURE_SUPERSEDED, s->tx);
}

/*
 * Of a batch that is split, the second half's items whose message is also in the first half must wait for it: they
 * become held rows of their own. Returns how many items are left; the others move up.
 */
static uint32_t demote_second_half(struct settlement *s, uint32_t half)
{
	struct flight *f = s->flight;
	uint32_t kept = half;

	for (uint32_t i = half; i < f->count; i++) {
		struct item *it = f->items[i];

		if (lane_ordered(s->lane) && message_among(f->items, half, it->event->order_hash))
			hold_demote(s->lane, it, s->tx);
		else
			f->items[kept++] = it;
	}
	return kept;
}

static void put_part(struct settlement *s, uint32_t from, uint32_t count, uint32_t attempts)
{
	struct flight *f = s->flight;
	struct item **all = f->items;
	uint32_t total = f->count;

	f->items = all + from;
	f->count = count;
	backlog_put_flight(f, s->tx, s->due_ms, attempts);
	backlog_waits(s->lane, s->due_ms);
	f->items = all;
	f->count = total;
}

/* Writes the items that are left as one pending row, or as two when the batch is split, and lets them out of memory. */
static void put_off(struct settlement *s)
{
	struct flight *f = s->flight;
	bool split = s->split && f->count > 1;
	uint32_t half = split ? f->count / 2 : f->count;
	/*
	 * The only one left of a batch that was refused, because the others were replaced, may not be to blame either.
	 */
	uint32_t attempts = s->split ? 0 : f->attempts + 1;
	int64_t first_row, second_row;
	uint32_t i;

	for (i = 0; i < f->count; i++)
		f->items[i]->attempts = s->split ? 0 : f->items[i]->attempts + 1;
	if (split && f->endpoint->order == ORDER_STRICT && s->lane->endpoint->order == ORDER_STRICT) {
		/*
		 * Two rows that fall due at once would not keep their order
		 * for ever: the second half begins anew, behind the first.
		 */
		backlog_put_back(s->lane, f->items + half, f->count - half, s->tx);
		f->count = half;
	} else if (split) {
		f->count = demote_second_half(s, half);
	}
	put_part(s, 0, half, attempts);
	if (half < f->count)
		put_part(s, half, f->count - half, 0);
	first_row = items_first_seq(f->items, half);
	second_row = half < f->count ? items_first_seq(f->items + half, f->count - half) : 0;
	for (i = 0; i < f->count; i++) {
		uint64_t order_hash = f->items[i]->event->order_hash;

		receipt_slot(s->tx, &f->items[i]->slot);
		receipt_row(s->tx, &f->items[i]->row);
		item_free(&f->items[i]);
		hold_left(s->lane, order_hash, s->due_ms, i < half ? first_row : second_row, s->tx);
	}
	f->count = 0;
}

static void tell_lane(struct settlement *s, const struct http_answer *answer)
{
	struct flight *f = s->flight;
	bool ok = s->verdict.kind == VERDICT_OK && s->verdict.code != -FAILURE_BAD_ACK;

	report_trouble(s->lane, f->endpoint, ok, s->verdict.code, reason_of(s, answer));
	if (s->verdict.kind == VERDICT_OK)
		lane_feedback_ok(s->lane);
	else
		lane_feedback_failed(s->lane, &s->verdict);
	/* The last exchange of an old revision: its connections are of no use any more. */
	if (f->endpoint != s->lane->endpoint) {
		LIST_EACH (it, &s->lane->flying)
			if (CONTAINER_OF(it, struct flight, link)->endpoint == f->endpoint)
				return;
		s->lane->engine->host.retire(s->lane->engine->host.ctx, f->endpoint);
	}
}

void engine_answer(struct engine *e, struct exchange *x, const struct http_answer *answer, int64_t now_ms)
{
	struct flight *f = (struct flight *)(void *)x;
	struct settlement s = { .flight = f, .lane = f->lane };

	e->now_ms = now_ms;
	list_del(&f->link);
	s.lane->in_flight--;
	s.verdict = verdict_of(f->endpoint, answer, now_ms, e->limits.retry_after_max_ms);
	s.tx = tx_new();
	buf_init(&s.words, ACK_WORDS_MAX);
	read_ack(&s, answer);
	s.fates = arena_alloc(&s.tx->arena, f->count * sizeof(*s.fates));
	decide(&s);
	record(&s, answer);
	/*
	 * The flight's row is replaced or ended: a row of the same id
	 * that put_off writes comes after this in the transaction.
	 */
	if (f->row) {
		tx_pending_end(s.tx, s.lane->number, f->row->id);
		receipt_row(s.tx, &f->row);
	}
	finish_ended(&s);
	if (f->count > 0)
		end_replaced(&s);
	if (f->count > 0)
		put_off(&s);
	tell_lane(&s, answer);
	flight_free(&f);
	buf_free(&s.words);
	lane_touch(s.lane);
	engine_commit(e, s.tx);
}
