/*
 * The turn: inputs mark lanes, engine_run looks at each marked lane once, then asks for one commit
 * of all that was spilled meanwhile. Here too: which lanes an event goes to, and the floor. The
 * slots are the events above the floor, in order of seq; a slot goes when each delivery of its
 * event is settled or pending, durably. So the floor is the seq before the first slot's.
 */
#include "engine/impl.h"

#include <assert.h>

#include "base/mem.h"
#include "engine/detail.h"

#define JANITOR_MS 1000

const struct engine_limits engine_limits_default = {
	.memory_bytes = 96u << 20,
	.lane_items = 8192,
	.lane_bytes = 8u << 20,
	.lane_share = 16u << 10,
	.lane_waiting = 100000,
	.memory_age_ms = 30000,
	.uncommitted_max = 20000,
	.throttle_after = 10,
	.probe_first_ms = 1000,
	.probe_max_ms = 60000,
	.retry_after_max_ms = 3600000,
	.finals = 1000000,
};

struct engine *engine_new(const struct engine_host *host, const struct engine_limits *limits, uint64_t seed,
			  int64_t now_ms)
{
	struct engine *e = mem_zalloc(sizeof(*e));

	e->host = *host;
	e->limits = *limits;
	rand_seed(&e->rand, seed);
	e->key = (struct hash_key){ rand_u64(&e->rand), rand_u64(&e->rand) };
	e->now_ms = now_ms;
	e->janitor_ms = now_ms + JANITOR_MS;
	map_init(&e->lanes);
	map_init(&e->routes);
	map_init(&e->settled);
	list_init(&e->all);
	list_init(&e->dirty);
	list_init(&e->slots);
	list_init(&e->spare);
	e->finals = recent_new(limits->finals);
	heap_init(&e->timers);
	e->skipped = mem_alloc(SKIPPED_MOST * sizeof(struct item *));
	e->picked = mem_alloc(BATCH_MOST * sizeof(struct item *));
	e->events = mem_alloc(BATCH_MOST * sizeof(struct event *));
	buf_init(&e->detail, DETAIL_FAILED_BODY_MAX + DETAIL_HEADERS_MAX + 4096);
	return e;
}

static void route_free(struct route *r)
{
	mem_free(r->owner);
	mem_free(r);
}

static void routes_free(struct engine *e)
{
	struct map_node *n = map_walk(&e->routes, NULL);

	while (n) {
		struct map_node *next = map_walk(&e->routes, n);

		map_del(&e->routes, n);
		route_free(CONTAINER_OF(n, struct route, node));
		n = next;
	}
	map_free(&e->routes);
}

void engine_free(struct engine **ep)
{
	struct engine *e = *ep;
	struct list *l;

	if (!e)
		return;
	LIST_EACH (it, &e->all)
		lane_free(CONTAINER_OF(it, struct lane, all));
	while ((l = list_pop(&e->slots)))
		mem_free(CONTAINER_OF(l, struct slot, link));
	while ((l = list_pop(&e->spare))) {
		struct flight *f = CONTAINER_OF(l, struct flight, link);

		request_free(&f->request);
		mem_free(f->items);
		mem_free(f);
	}
	tx_free(&e->turn);
	map_free(&e->settled); /* empty once recovery is done */
	recent_free(&e->finals);
	routes_free(e);
	map_free(&e->lanes);
	heap_free(&e->timers);
	mem_free(e->skipped);
	mem_free(e->picked);
	mem_free(e->events);
	buf_free(&e->detail);
	mem_free(e);
	*ep = NULL;
}

void engine_say(struct lane *lane, int level, const char *what, const char *detail)
{
	if (lane->engine->host.say)
		lane->engine->host.say(lane->engine->host.ctx, level, what, lane->endpoint, detail);
}

/* --- transactions --- */

/* The receipt lives in the transaction's arena, so it goes with it, whether the commit happens or not. */
static struct receipt *receipt_of(struct tx *tx)
{
	if (!tx->owner)
		tx->owner = arena_zalloc(&tx->arena, sizeof(struct receipt));
	return tx->owner;
}

/* Room for one more pointer in an array that grows inside the arena. */
static void *receipt_grow(struct tx *tx, void *array, size_t count, size_t *capacity)
{
	void *bigger;

	if (count < *capacity)
		return array;
	*capacity = *capacity ? 2 * *capacity : 4;
	bigger = arena_alloc(&tx->arena, *capacity * sizeof(void *));
	if (count > 0)
		memcpy(bigger, array, count * sizeof(void *));
	return bigger;
}

void engine_commit(struct engine *e, struct tx *tx)
{
	e->uncommitted++;
	e->host.commit(e->host.ctx, tx);
}

void engine_flush(struct engine *e)
{
	struct tx *tx = e->turn;

	e->turn = NULL;
	if (tx)
		engine_commit(e, tx);
}

struct tx *engine_turn_tx(struct engine *e)
{
	if (!e->turn)
		e->turn = tx_new();
	return e->turn;
}

void receipt_slot(struct tx *tx, struct slot **slot)
{
	struct receipt *r = receipt_of(tx);

	if (!*slot)
		return;
	r->slots = receipt_grow(tx, r->slots, r->slot_count, &r->slot_capacity);
	r->slots[r->slot_count++] = *slot;
	*slot = NULL;
}

void receipt_row(struct tx *tx, struct row_ref **row)
{
	struct receipt *r = receipt_of(tx);

	if (!*row)
		return;
	r->rows = receipt_grow(tx, r->rows, r->row_count, &r->row_capacity);
	r->rows[r->row_count++] = *row;
	*row = NULL;
}

void engine_committed(struct engine *e, struct tx *tx)
{
	struct receipt *r = receipt_of(tx);
	size_t i;

	assert(e->uncommitted > 0);
	/* At the bound lanes stopped sending; from here on they may go on. */
	if (e->uncommitted-- == e->limits.uncommitted_max)
		LIST_EACH (it, &e->all)
			lane_touch(CONTAINER_OF(it, struct lane, all));
	for (i = 0; i < r->slot_count; i++)
		slot_done(&r->slots[i]);
	for (i = 0; i < r->row_count; i++) {
		lane_touch(r->rows[i]->lane);
		row_ref_free(&r->rows[i]);
	}
	r->slot_count = r->row_count = 0;
}

/* --- slots and the floor --- */

struct slot *slot_new(struct engine *e, const struct event *ev)
{
	struct slot *s = mem_alloc(sizeof(*s));

	s->seq = ev->seq;
	s->accepted_ms = ev->accepted_ms;
	s->open = 0;
	list_push(&e->slots, &s->link);
	return s;
}

void slot_done(struct slot **slot)
{
	struct slot *s = *slot;

	*slot = NULL;
	if (--s->open > 0)
		return;
	list_del(&s->link);
	mem_free(s);
}

int64_t engine_floor(const struct engine *e)
{
	if (list_empty(&e->slots))
		return e->last_seq;
	return CONTAINER_OF(e->slots.next, struct slot, link)->seq - 1;
}

/* --- routing --- */

static uint64_t route_hash(const struct engine *e, bool organization, struct slice owner)
{
	return hash_bytes(&e->key, owner) + organization;
}

static struct route *route_find(const struct engine *e, bool organization, struct slice owner)
{
	uint64_t h = route_hash(e, organization, owner);
	struct map_node *n;

	for (n = map_first(&e->routes, h); n; n = map_next(n, h)) {
		struct route *r = CONTAINER_OF(n, struct route, node);

		if (r->organization == organization && slice_is(owner, r->owner))
			return r;
	}
	return NULL;
}

static struct route *route_get(struct engine *e, bool organization, struct slice owner)
{
	struct route *r = route_find(e, organization, owner);

	if (r)
		return r;
	r = mem_zalloc(sizeof(*r));
	r->organization = organization;
	r->owner = slice_dup(owner);
	list_init(&r->lanes);
	map_add(&e->routes, &r->node, route_hash(e, organization, owner));
	return r;
}

static void route_remove(struct engine *e, struct lane *lane)
{
	struct route *r = route_find(e, lane->endpoint->of_organization, slice_str(lane->endpoint->owner));

	list_del(&lane->route);
	if (r && list_empty(&r->lanes)) {
		map_del(&e->routes, &r->node);
		route_free(r);
	}
}

/* Neither older than the settings nor settled before a restart. */
static bool is_due_here(const struct lane *lane, const struct event *ev)
{
	return lane->from_seq < ev->seq && !recover_is_settled(lane->engine, lane->number, ev->seq);
}

static void route_to(struct route *r, struct slot *slot, struct event *ev)
{
	if (!r)
		return;
	LIST_EACH (it, &r->lanes) {
		struct lane *lane = CONTAINER_OF(it, struct lane, route);

		if (lane->endpoint->active && is_due_here(lane, ev) && endpoint_wants(lane->endpoint, ev))
			delivery_accept(lane, slot, ev);
	}
}

/*
 * The hub waits for what becomes of it, so it is taken by an endpoint that is
 * switched off too (it will be too old some day), and by one that is being deleted.
 */
static void route_to_target(struct engine *e, struct slot *slot, struct event *ev)
{
	struct lane *lane = lane_find(e, ev->target);

	if (lane && is_due_here(lane, ev) && !lane->endpoint->of_organization &&
	    slice_is(ev->project, lane->endpoint->owner))
		delivery_accept(lane, slot, ev);
}

/* Every lane that the event matches gets it, or its target alone; a slot that nobody needs goes at once. */
static void route_event(struct engine *e, struct event *ev, struct slice organization_id)
{
	struct slot *slot = slot_new(e, ev);

	e->last_seq = ev->seq;
	slot->open = 1; /* ours, while routing */
	if (ev->target)
		route_to_target(e, slot, ev);
	else
		route_to(route_find(e, false, ev->project), slot, ev);
	if (!ev->target && organization_id.n > 0)
		route_to(route_find(e, true, organization_id), slot, ev);
	slot_done(&slot);
}

void engine_event(struct engine *e, struct event *ev, struct slice organization_id, int64_t now_ms)
{
	e->now_ms = now_ms;
	if (ev->seq <= e->last_seq) /* recovery has had it already */
		return;
	route_event(e, ev, organization_id);
}

void engine_recover_event(struct engine *e, struct event *ev, struct slice organization_id, int64_t now_ms)
{
	e->now_ms = now_ms;
	route_event(e, ev, organization_id);
}

/* --- settings --- */

void engine_endpoint_prepare(struct engine *e, uint64_t number, struct tx *tx, int64_t *ret_from_seq)
{
	struct lane *lane = lane_find(e, number);

	*ret_from_seq = e->last_seq;
	e->uncommitted++;
	if (!lane)
		return;
	lane->preparing++;
	backlog_all(lane, tx);
}

void engine_endpoint_set(struct engine *e, struct endpoint *ep, int64_t from_seq, struct endpoint_stats *stats)
{
	struct lane *lane = lane_find(e, ep->number);

	if (!lane) {
		lane = lane_new(e, ep, stats);
		if (!ep->internal) /* a project may have thousands, and each event would walk past all of them */
			list_push(&route_get(e, ep->of_organization, slice_str(ep->owner))->lanes, &lane->route);
	} else if (lane->preparing > 0) {
		lane->preparing--;
	}
	lane->from_seq = from_seq;
	lane_settings(lane, ep);
	lane_touch(lane);
}

void engine_endpoint_delete(struct engine *e, uint64_t number)
{
	struct lane *lane = lane_find(e, number);

	if (!lane || lane->state == LANE_DELETED)
		return;
	route_remove(e, lane);
	lane->preparing = 0;
	holds_free(lane); /* all that waits is ended alike, in any order */
	lane->ready_cursor = lane->due_cursor = lane->id_cursor = 0;
	lane_state_set(lane, LANE_DELETED, "");
	lane_touch(lane);
}

void engine_rows_added(struct engine *e, uint64_t number, int64_t count, int64_t lowest_id)
{
	struct lane *lane = lane_find(e, number);

	if (!lane || count <= 0)
		return;
	lane->ready_rows += count;
	lane->ready_since_load += count;
	/* They may stand before what was loaded last: look from there again. */
	if (lane->ready_cursor >= lowest_id)
		lane->ready_cursor = lowest_id - 1;
	if (lane->rewind_to >= lowest_id)
		lane->rewind_to = lowest_id - 1;
	atomic_fetch_add_explicit(&lane->stats->pending, count, memory_order_relaxed);
	lane_touch(lane);
}

void engine_rows_removed(struct engine *e, uint64_t number, int64_t count)
{
	struct lane *lane = lane_find(e, number);

	if (!lane)
		return;
	/*
	 * Some of them may be in memory, and not among ready_rows. Rather count too many there, which the next load
	 * finds out, than too few: those would never be loaded.
	 */
	count -= (int64_t)lane->rows.count;
	if (count > lane->ready_rows)
		count = lane->ready_rows;
	if (count < 0)
		count = 0;
	lane->ready_rows -= count;
	atomic_fetch_sub_explicit(&lane->stats->pending, count, memory_order_relaxed);
	lane_touch(lane);
}

/* --- the turn --- */

static void run_janitor(struct engine *e)
{
	e->janitor_ms = e->now_ms + JANITOR_MS;
	backlog_store_old(e, e->now_ms - e->limits.memory_age_ms);
	LIST_EACH (it, &e->all) {
		struct lane *lane = CONTAINER_OF(it, struct lane, all);

		if (e->now_ms >= lane->expire_at_ms)
			backlog_expire(lane);
	}
}

static void run_timers(struct engine *e)
{
	struct heap_node *n;

	while ((n = heap_peek(&e->timers)) && n->key <= e->now_ms) {
		heap_remove(&e->timers, n);
		lane_touch(CONTAINER_OF(n, struct lane, timer));
	}
}

static void run_lane(struct lane *lane)
{
	struct engine *e = lane->engine;

	if (lane->state == LANE_DELETED && backlog_drained(lane)) {
		engine_flush(e); /* whoever forgets the endpoint now does so after its last end */
		e->host.retire(e->host.ctx, lane->endpoint);
		lane_free(lane);
		return;
	}
	delivery_run(lane);
	backlog_refill(lane);
	lane_schedule(lane);
	lane_show(lane);
}

void engine_run(struct engine *e, int64_t now_ms)
{
	struct list *l;

	e->now_ms = now_ms;
	if (now_ms >= e->janitor_ms)
		run_janitor(e);
	run_timers(e);
	while ((l = list_pop(&e->dirty)))
		run_lane(CONTAINER_OF(l, struct lane, dirty));
	engine_flush(e);
}

int64_t engine_next_ms(const struct engine *e)
{
	const struct heap_node *n = heap_peek(&e->timers);

	if (!list_empty(&e->dirty) || e->turn)
		return e->now_ms;
	if (list_empty(&e->all))
		return INT64_MAX;
	return n && n->key < e->janitor_ms ? n->key : e->janitor_ms;
}

/* --- stop --- */

void engine_stop(struct engine *e)
{
	e->stopping = true;
	LIST_EACH (it, &e->all)
		lane_touch(CONTAINER_OF(it, struct lane, all));
}

static bool lane_idle(const struct lane *lane)
{
	if (lane->in_flight > 0 || lane->loading != LOAD_NONE)
		return false;
	/*
	 * What a healthy lane has in memory is still sent; a troubled one's,
	 * or what waits for retries on disk, waits for the next start.
	 */
	if (lane->state != LANE_READY)
		return true;
	return list_empty(&lane->retries) && (list_empty(&lane->queue) || lane_waits_for_retries(lane));
}

bool engine_idle(const struct engine *e)
{
	if (e->uncommitted > 0 || e->turn || !list_empty(&e->dirty))
		return false;
	LIST_EACH (it, &e->all)
		if (!lane_idle(CONTAINER_OF(it, struct lane, all)))
			return false;
	return true;
}

void engine_park(struct engine *e, int64_t now_ms)
{
	e->now_ms = now_ms;
	LIST_EACH (it, &e->all) {
		struct lane *lane = CONTAINER_OF(it, struct lane, all);

		lane->preparing++;
		backlog_all(lane, engine_turn_tx(e));
	}
	engine_run(e, now_ms);
}
