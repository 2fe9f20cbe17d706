/*
 * Start: the lanes as they were, out of pending rows and the log above the floor. A delivery above the floor that an
 * attempt settled, or that has a pending row, is not queued again; every other one is. So a crash can repeat what was
 * on the wire or not yet committed, and lose nothing.
 */
#include "engine/impl.h"

#include "base/mem.h"

struct settled {
	struct map_node node;
	uint64_t endpoint;
	int64_t seq;
};

static uint64_t settled_hash(uint64_t endpoint, int64_t seq)
{
	return hash_u64(hash_u64(endpoint) ^ (uint64_t)seq);
}

bool recover_is_settled(const struct engine *e, uint64_t endpoint, int64_t seq)
{
	uint64_t h = settled_hash(endpoint, seq);
	struct map_node *n;

	for (n = map_first(&e->settled, h); n; n = map_next(n, h)) {
		const struct settled *s = CONTAINER_OF(n, struct settled, node);

		if (s->endpoint == endpoint && s->seq == seq)
			return true;
	}
	return false;
}

void engine_recover_settled(struct engine *e, uint64_t endpoint, int64_t event_seq)
{
	struct settled *s = mem_alloc(sizeof(*s));

	s->endpoint = endpoint;
	s->seq = event_seq;
	map_add(&e->settled, &s->node, settled_hash(endpoint, event_seq));
}

void engine_recover_row(struct engine *e, const struct pending_row *row)
{
	struct lane *lane = lane_find(e, row->endpoint);

	for (uint32_t i = 0; i < row->item_count; i++)
		engine_recover_settled(e, row->endpoint, row->items[i].event_seq);
	if (!lane || row->due_ms == PENDING_READY) /* ready ones are counted by the summary */
		return;
	if (row->due_ms == PENDING_HELD)
		lane->held_rows++;
	else
		backlog_waits(lane, row->due_ms);
	hold_recover(lane, row);
	atomic_fetch_add_explicit(&lane->stats->pending, row->item_count, memory_order_relaxed);
}

void engine_recover_summary(struct engine *e, const struct pending_counts *sum)
{
	struct lane *lane = lane_find(e, sum->endpoint);

	if (!lane)
		return;
	lane->ready_rows = sum->ready;
	atomic_fetch_add_explicit(&lane->stats->pending, sum->ready, memory_order_relaxed);
}

void engine_recover_done(struct engine *e, int64_t last_seq, int64_t now_ms)
{
	struct map_node *n, *next;

	e->now_ms = now_ms;
	e->last_seq = last_seq;
	for (n = map_walk(&e->settled, NULL); n; n = next) { /* from the front each time would be quadratic */
		next = map_walk(&e->settled, n);
		map_del(&e->settled, n);
		mem_free(CONTAINER_OF(n, struct settled, node));
	}
	LIST_EACH (it, &e->all) {
		struct lane *lane = CONTAINER_OF(it, struct lane, all);

		hold_recover_done(lane);
		lane_touch(lane);
	}
}
