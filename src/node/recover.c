/*
 * Recovery, in the order that engine.h asks for: endpoints, their pending rows, what the attempts above the floor
 * settled, the events above the floor. Its cost is what was in memory and what waits for a retry, not what is stored.
 *
 * An endpoint whose deletion had not ended yet is set up like the others and deleted again. Pending rows of an endpoint
 * that nobody knows cannot be sent by anybody and are dropped.
 */
#include "node/recover.h"

#include <inttypes.h>

#include "base/mem.h"
#include "node/parts.h"
#include "node/recover_finals.h"

struct recovery {
	struct node *node;
	struct pending_summary *sums;
	size_t sum_count, sum_cap;
	struct organization_cache cache;
	int64_t now_ms;
	size_t events, damaged;
	struct engine *engine; /* of the endpoint whose pending rows are read */
};

static struct engine *engine_of(const struct recovery *r, uint64_t number)
{
	return shard_engine(node_shard(r->node, number));
}

static void set_endpoints(struct recovery *r)
{
	const struct directory *d = r->node->directory;

	for (size_t i = 0; i < d->numbers.count; i++) {
		const struct entry *en = d->numbers.items[i];

		/* The deletion has written all of its deliveries to pending: nothing of the log is for it any more. */
		engine_endpoint_set(engine_of(r, en->number), en->current, en->deleted ? INT64_MAX : en->from_seq,
				    en->stats);
	}
}

static void delete_endpoints(struct recovery *r)
{
	const struct directory *d = r->node->directory;

	for (size_t i = 0; i < d->numbers.count; i++) {
		const struct entry *en = d->numbers.items[i];

		if (en->deleted)
			engine_endpoint_delete(engine_of(r, en->number), en->number);
	}
}

/* --- pending rows --- */

static bool take_summary(void *ctx, const struct pending_summary *sum)
{
	struct recovery *r = ctx;

	if (r->sum_count == r->sum_cap) {
		r->sum_cap = r->sum_cap ? r->sum_cap * 2 : 64;
		r->sums = mem_realloc(r->sums, r->sum_cap * sizeof(*r->sums));
	}
	r->sums[r->sum_count++] = *sum;
	return true;
}

static bool take_row(void *ctx, const struct pending_row *row)
{
	struct recovery *r = ctx;

	node_progress(r->node);
	engine_recover_row(r->engine, row);
	return true;
}

static int recover_rows(struct recovery *r, const struct pending_summary *sum, struct fault *fault)
{
	struct store *store = r->node->store;
	struct pending_query ready = { .endpoint = sum->endpoint,
				       .due_from = PENDING_READY,
				       .id_after = store_floor(store),
				       .due_upto = PENDING_READY,
				       .max_rows = UINT32_MAX };
	struct pending_query later = { .endpoint = sum->endpoint,
				       .due_from = PENDING_READY,
				       .id_after = INT64_MAX,
				       .due_upto = PENDING_HELD,
				       .max_rows = UINT32_MAX };
	int err;

	r->engine = engine_of(r, sum->endpoint);
	err = store_pending(store, &later, take_row, r, fault);
	return err ? err : store_pending(store, &ready, take_row, r, fault);
}

static int drop_rows(struct recovery *r, uint64_t number, struct fault *fault)
{
	struct tx *tx = tx_new();
	int err;

	log_warn(r->node->log, "pending deliveries of an unknown endpoint dropped", LOG_INT("number", (int64_t)number));
	tx_pending_drop(tx, number);
	err = store_commit(r->node->store, &tx, 1, fault);
	tx_free(&tx);
	return err;
}

static int recover_pending(struct recovery *r, struct fault *fault)
{
	int err = store_pending_summary(r->node->store, take_summary, r, fault);

	for (size_t i = 0; i < r->sum_count && !err; i++) {
		const struct pending_summary *sum = &r->sums[i];

		if (directory_number(r->node->directory, sum->endpoint))
			err = recover_rows(r, sum, fault);
		else
			err = drop_rows(r, sum->endpoint, fault);
	}
	for (size_t i = 0; i < r->sum_count && !err; i++) {
		const struct pending_summary *sum = &r->sums[i];
		struct pending_counts counts = { sum->endpoint, sum->ready, sum->waiting, sum->held, sum->next_due_ms };

		engine_recover_summary(engine_of(r, sum->endpoint), &counts);
	}
	return err;
}

/* --- the log above the floor --- */

static bool take_attempt(void *ctx, const struct log_row *row)
{
	struct recovery *r = ctx;
	const struct attempt_row *at = &row->u.attempt;

	node_progress(r->node);
	if (row->is_event || row->damaged)
		return true;
	for (uint32_t i = 0; i < at->item_count; i++)
		if (at->items[i].fate != ITEM_LEFT)
			engine_recover_settled(engine_of(r, at->endpoint), at->endpoint, at->items[i].event_seq);
	return true;
}

static bool take_event(void *ctx, const struct log_row *row)
{
	struct recovery *r = ctx;
	const struct event_row *er = &row->u.event;
	struct event *ev;

	node_progress(r->node);
	if (!row->is_event)
		return true;
	if (row->damaged || event_load(er->text, er->project, row->seq, er->accepted_ms, &ev)) {
		log_error(r->node->log, "stored event is damaged and cannot be delivered", LOG_INT("seq", row->seq));
		r->damaged++;
		return true;
	}
	for (unsigned i = 0; i < r->node->shard_count; i++)
		engine_recover_event(shard_engine(r->node->shards[i]), ev,
				     directory_organization(r->node->directory, ev, &r->cache), r->now_ms);
	event_unref(&ev);
	r->events++;
	return true;
}

static int recover_log(struct recovery *r, struct fault *fault)
{
	struct store *store = r->node->store;
	int64_t floor = store_floor(store), last = store_last_seq(store);
	int err = store_log_walk(store, floor, last, take_attempt, r, fault);

	return err ? err : store_log_walk(store, floor, last, take_event, r, fault);
}

int recover(struct node *n, struct fault *fault)
{
	struct recovery r = { .node = n, .now_ms = clock_ms(&n->clock) };
	int64_t last = store_last_seq(n->store), floor = store_floor(n->store);
	int err;

	set_endpoints(&r);
	err = recover_pending(&r, fault);
	if (!err)
		err = recover_finals(n, fault);
	if (!err)
		err = recover_log(&r, fault);
	if (!err) {
		for (unsigned i = 0; i < n->shard_count; i++) {
			engine_recover_done(shard_engine(n->shards[i]), last, r.now_ms);
			shard_floor_init(n->shards[i]);
		}
		delete_endpoints(&r);
		log_info(n->log, "recovered", LOG_INT("last_seq", last), LOG_INT("floor", floor),
			 LOG_INT("events", (int64_t)r.events), LOG_INT("damaged", (int64_t)r.damaged),
			 LOG_INT("endpoints_pending", (int64_t)r.sum_count));
	}
	mem_free(r.sums);
	return err;
}
