/*
 * A lane: one endpoint's queue, window, state and timer. All that an
 * endpoint's trouble can touch is in its lane, so trouble stays with it.
 *
 *            10 failures in a row, Retry-After              its time came
 *   READY ------------------------------------> THROTTLED ----------------> PROBE
 *     ^  <------------------------------------------+------- success --------'|
 *     |                                             '-------- failure --------'
 *   PAUSED (active: false)   DISABLED (by itself; `active` is about to follow)   DELETED (being drained)
 */
#include "engine/impl.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"

#define WINDOW_FIRST 4.0
#define EXPIRE_MS    10000

static void stat_set(_Atomic int64_t *field, int64_t v)
{
	atomic_store_explicit(field, v, memory_order_relaxed);
}

struct lane *lane_find(const struct engine *e, uint64_t number)
{
	uint64_t h = hash_u64(number);
	struct map_node *n;

	for (n = map_first(&e->lanes, h); n; n = map_next(n, h)) {
		struct lane *lane = CONTAINER_OF(n, struct lane, by_number);

		if (lane->number == number)
			return lane;
	}
	return NULL;
}

struct lane *lane_new(struct engine *e, struct endpoint *ep, struct endpoint_stats *stats)
{
	struct lane *lane = mem_zalloc(sizeof(*lane));

	lane->engine = e;
	lane->number = ep->number;
	lane->endpoint = endpoint_ref(ep);
	lane->stats = endpoint_stats_ref(stats);
	list_init(&lane->queue);
	list_init(&lane->retries);
	list_init(&lane->flying);
	list_init(&lane->dirty);
	list_init(&lane->route);
	map_init(&lane->holds);
	map_init(&lane->rows);
	lane->next_due_ms = lane->due_since_load = PENDING_HELD;
	lane->rewind_to = INT64_MAX;
	lane->window = WINDOW_FIRST;
	lane->tokens = 1;
	lane->tokens_ms = e->now_ms;
	lane->expire_at_ms = e->now_ms + EXPIRE_MS;
	lane->state = LANE_PAUSED;
	map_add(&e->lanes, &lane->by_number, hash_u64(lane->number));
	list_push(&e->all, &lane->all);
	return lane;
}

static void queue_free(struct lane *lane, struct list *queue)
{
	struct list *l;

	while ((l = queue->next) != queue) {
		struct item *it = CONTAINER_OF(l, struct item, link);

		lane_unqueue(lane, it);
		item_free(&it);
	}
}

static void flights_free(struct lane *lane, struct list *flights, bool on_wire)
{
	struct list *l;

	while ((l = list_pop(flights))) {
		struct flight *f = CONTAINER_OF(l, struct flight, link);

		if (on_wire)
			lane->engine->host.cancel(lane->engine->host.ctx, &f->x);
		for (uint32_t i = 0; i < f->count; i++)
			item_free(&f->items[i]);
		f->count = 0;
		flight_free(&f);
	}
}

void lane_free(struct lane *lane)
{
	struct map_node *n, *next;

	flights_free(lane, &lane->flying, true);
	flights_free(lane, &lane->retries, false);
	queue_free(lane, &lane->queue);
	holds_free(lane);
	for (n = map_walk(&lane->rows, NULL); n; n = next) {
		struct row_ref *row = CONTAINER_OF(n, struct row_ref, node);

		next = map_walk(&lane->rows, n);
		row_ref_free(&row);
	}
	map_free(&lane->rows);
	heap_remove(&lane->engine->timers, &lane->timer);
	map_del(&lane->engine->lanes, &lane->by_number);
	list_del(&lane->all);
	list_del(&lane->dirty);
	list_del(&lane->route);
	endpoint_unref(&lane->endpoint);
	endpoint_stats_unref(&lane->stats);
	mem_free(lane->overtaken);
	mem_free(lane);
}

void lane_touch(struct lane *lane)
{
	if (!list_linked(&lane->dirty))
		list_push(&lane->engine->dirty, &lane->dirty);
}

void lane_queue(struct lane *lane, struct item *it, bool front)
{
	if (front)
		list_push_front(&lane->queue, &it->link);
	else
		list_push(&lane->queue, &it->link);
	lane->items++;
	lane->bytes += it->event->bytes;
	lane->engine->bytes += it->event->bytes;
}

void lane_unqueue(struct lane *lane, struct item *it)
{
	list_del(&it->link);
	lane->items--;
	lane->bytes -= it->event->bytes;
	lane->engine->bytes -= it->event->bytes;
}

bool lane_sends(const struct lane *lane)
{
	return lane->state <= LANE_PROBE;
}

bool lane_ordered(const struct lane *lane)
{
	return lane->endpoint->order == ORDER_MESSAGE;
}

/* --- states --- */

void lane_state_set(struct lane *lane, enum lane_state state, const char *why)
{
	const struct engine_host *host = &lane->engine->host;
	enum lane_state before = lane->state;

	if (before == state)
		return;
	assert(before != LANE_DELETED);
	lane->state = state;
	atomic_store_explicit(&lane->stats->state, state, memory_order_relaxed);
	if (host->state)
		host->state(host->ctx, lane->endpoint, before, state, why);
}

/*
 * New settings begin with a clean slate: a customer who has
 * mended the receiver should not wait for the old one's probes.
 */
void lane_settings(struct lane *lane, struct endpoint *ep)
{
	struct endpoint *old = lane->endpoint;

	lane->endpoint = endpoint_ref(ep);
	if (old->revision != ep->revision) {
		bool flying = false;

		LIST_EACH (it, &lane->flying)
			flying |= CONTAINER_OF(it, struct flight, link)->endpoint == old;
		if (!flying)
			lane->engine->host.retire(lane->engine->host.ctx, old);
	}
	endpoint_unref(&old);
	lane->failures = 0;
	lane->failing_since_ms = 0;
	lane->not_before_ms = lane->probe_at_ms = lane->probe_delay_ms = 0;
	lane->ready_cursor = lane->due_cursor = lane->id_cursor = 0;
	if (lane->waiting_rows > 0)
		lane->next_due_ms = lane->engine->now_ms;
	stat_set(&lane->stats->failing_since_ms, 0);
	lane_state_set(lane, ep->active ? LANE_READY : LANE_PAUSED, "");
}

/* --- may it send? --- */

static void refill_tokens(struct lane *lane)
{
	double rate = lane->endpoint->rate_per_s;
	double most = rate > 1 ? rate : 1;

	lane->tokens += rate * (double)(lane->engine->now_ms - lane->tokens_ms) / 1000.0;
	if (lane->tokens > most)
		lane->tokens = most;
	lane->tokens_ms = lane->engine->now_ms;
}

static uint32_t window_of(const struct lane *lane)
{
	uint32_t most = lane->endpoint->order == ORDER_STRICT ? 1 : lane->endpoint->concurrency;
	uint32_t w = (uint32_t)lane->window;

	return w < most ? w : most;
}

bool lane_waits_for_retries(const struct lane *lane)
{
	if (lane->endpoint->order == ORDER_STRICT && (lane->waiting_rows > 0 || lane->retry_count > 0))
		return true;
	return (size_t)lane->waiting_rows >= lane->engine->limits.lane_waiting;
}

/* retry: something that was sent before and is due, which may also go as a probe. */
bool lane_may_send(struct lane *lane, bool retry)
{
	struct engine *e = lane->engine;

	if (!lane_sends(lane) || lane->preparing > 0 || e->uncommitted >= e->limits.uncommitted_max)
		return false;
	if (lane->in_flight >= window_of(lane) || e->now_ms < lane->not_before_ms)
		return false;
	if (lane->state != LANE_READY && (lane->in_flight > 0 || (!retry && e->now_ms < lane->probe_at_ms)))
		return false;
	if (!retry && lane_waits_for_retries(lane))
		return false;
	if (lane->endpoint->rate_per_s <= 0)
		return true;
	refill_tokens(lane);
	return lane->tokens >= 1;
}

void lane_sent(struct lane *lane)
{
	lane->in_flight++;
	if (lane->endpoint->rate_per_s > 0)
		lane->tokens -= 1;
	if (lane->state == LANE_THROTTLED)
		lane_state_set(lane, LANE_PROBE, "");
}

/* --- feedback --- */

void lane_feedback_ok(struct lane *lane)
{
	if (lane->window < lane->endpoint->concurrency)
		lane->window += 1;
	lane->failures = 0;
	lane->failing_since_ms = 0;
	lane->probe_delay_ms = 0;
	stat_set(&lane->stats->failing_since_ms, 0);
	/* A success of what was under way before does not take back a Retry-After. */
	if (lane->state == LANE_PROBE ||
	    (lane->state == LANE_THROTTLED && lane->engine->now_ms >= lane->not_before_ms)) {
		lane_state_set(lane, LANE_READY, "");
		engine_say(lane, LOG_INFO, "endpoint recovered", "");
	}
}

static void throttle(struct lane *lane, const char *why)
{
	const struct engine_limits *limits = &lane->engine->limits;

	/*
	 * What was under way before says no more than is known; only a probe's failure makes the next one wait longer.
	 */
	if (lane->state == LANE_THROTTLED)
		return;
	lane->probe_delay_ms = lane->probe_delay_ms ? 2 * lane->probe_delay_ms : limits->probe_first_ms;
	if (lane->probe_delay_ms > limits->probe_max_ms)
		lane->probe_delay_ms = limits->probe_max_ms;
	lane->probe_at_ms = lane->engine->now_ms + lane->probe_delay_ms;
	if (lane->state == LANE_READY)
		engine_say(lane, LOG_WARN, "endpoint throttled", why);
	lane_state_set(lane, LANE_THROTTLED, why);
	report_queued(lane);
}

static void disable(struct lane *lane, const char *why)
{
	lane_state_set(lane, LANE_DISABLED, why);
	report_queued(lane);
	lane->engine->host.disable(lane->engine->host.ctx, lane->endpoint, why);
}

/*
 * Why the endpoint is to be switched off; NULL: it is not. The hub's own never are: one message's status_url that is
 * gone says nothing of the others on that host, and nobody could switch them on again. They are throttled instead.
 */
static const char *reason_to_disable(const struct lane *lane, const struct verdict *verdict)
{
	const struct endpoint *ep = lane->endpoint;

	if (ep->internal)
		return NULL;
	if (verdict->kind == VERDICT_GONE)
		return "the receiver answered 410 Gone";
	if (ep->disable_after_ms > 0 && lane->engine->now_ms - lane->failing_since_ms >= ep->disable_after_ms)
		return "it failed without a success for disable_after_s";
	return NULL;
}

void lane_feedback_failed(struct lane *lane, const struct verdict *verdict)
{
	const char *reason;
	int64_t retry_after_ms = verdict->retry_after_ms;
	struct engine *e = lane->engine;

	lane->window = lane->window / 2 < 1 ? 1 : lane->window / 2;
	lane->failures++;
	if (lane->failing_since_ms == 0)
		lane->failing_since_ms = e->now_ms;
	stat_set(&lane->stats->failing_since_ms, lane->failing_since_ms);
	if (!lane_sends(lane))
		return;
	reason = reason_to_disable(lane, verdict);
	if (reason) {
		disable(lane, reason);
		return;
	}
	if (retry_after_ms > 0 && e->now_ms + retry_after_ms > lane->not_before_ms)
		lane->not_before_ms = e->now_ms + retry_after_ms;
	if (retry_after_ms > 0)
		throttle(lane, "the receiver asked to wait (Retry-After)");
	else if (verdict->throttle)
		throttle(lane, "the receiver answered with one of throttle.statuses");
	else if (lane->state != LANE_READY || lane->failures >= e->limits.throttle_after)
		throttle(lane, "too many failures in a row");
}

/* --- when to look again --- */

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When the oldest in the queue has waited long enough for its batch to fill. */
static int64_t batch_ripe_ms(const struct lane *lane)
{
	const struct item *first = CONTAINER_OF(lane->queue.next, struct item, link);

	if (lane->endpoint->batch.max_items <= 1 || lane->items >= lane->endpoint->batch.max_items ||
	    lane->engine->stopping)
		return 0;
	return first->event->accepted_ms + lane->endpoint->batch.max_wait_ms;
}

static int64_t token_ms(const struct lane *lane)
{
	if (lane->endpoint->rate_per_s <= 0 || lane->tokens >= 1)
		return 0;
	return lane->tokens_ms + (int64_t)((1 - lane->tokens) * 1000 / lane->endpoint->rate_per_s) + 1;
}

/* Only times to come count: what is held by something else is touched by an answer, a commit or a load. */
static void consider(const struct lane *lane, int64_t *at, int64_t t)
{
	if (t > lane->engine->now_ms && t < *at)
		*at = t;
}

void lane_schedule(struct lane *lane)
{
	int64_t at = INT64_MAX;

	if (lane_sends(lane) && lane->preparing == 0) {
		int64_t gate = max64(lane->not_before_ms, token_ms(lane));

		if (!list_empty(&lane->queue))
			consider(lane, &at,
				 max64(gate,
				       max64(batch_ripe_ms(lane), lane->state == LANE_READY ? 0 : lane->probe_at_ms)));
		if (lane->retry_count > 0)
			consider(lane, &at, gate);
		if (lane->waiting_rows > 0 && lane->loading == LOAD_NONE)
			consider(lane, &at, lane->next_due_ms);
	}
	if (at == INT64_MAX)
		heap_remove(&lane->engine->timers, &lane->timer);
	else
		heap_set(&lane->engine->timers, &lane->timer, at);
}

static int64_t oldest_in_memory_ms(const struct lane *lane)
{
	int64_t oldest = INT64_MAX;

	if (!list_empty(&lane->queue))
		oldest = CONTAINER_OF(lane->queue.next, struct item, link)->event->accepted_ms;
	LIST_EACH (it, &lane->flying)
		oldest = min64(oldest, CONTAINER_OF(it, struct flight, link)->items[0]->event->accepted_ms);
	LIST_EACH (it, &lane->retries)
		oldest = min64(oldest, CONTAINER_OF(it, struct flight, link)->items[0]->event->accepted_ms);
	return oldest == INT64_MAX ? 0 : oldest;
}

/* Writes down for other threads what changed in this turn. */
void lane_show(struct lane *lane)
{
	struct endpoint_stats *s = lane->stats;
	bool waits = lane->waiting_rows > 0 && lane->next_due_ms < PENDING_HELD;

	stat_set(&s->in_flight, lane->in_flight);
	stat_set(&s->window, window_of(lane));
	stat_set(&s->waiting, lane->waiting_rows + (int64_t)lane->retry_count + lane->held_rows);
	stat_set(&s->next_retry_ms, waits ? lane->next_due_ms : 0);
	stat_set(&s->oldest_memory_ms, oldest_in_memory_ms(lane));
}
