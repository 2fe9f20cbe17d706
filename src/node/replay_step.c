/*
 * Moving replays on. A step finds up to STEP candidates with a reader, on the clerk's thread, and hands them to a job
 * on the store thread, which adds pending rows for those that do not wait already and moves the cursor, in one
 * transaction: after a crash the task goes on where its rows end. Then the engine is told.
 *
 * Only events up to the shard's floor are looked at: those are settled or pending at the
 * endpoint, so nothing is queued a second time behind the engine's back. The events of a
 * replay's time that are above it still are waited for. While the endpoint has much waiting the
 * task rests, so that a replay of a million events needs no more room than a few thousand rows.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "node/replay_parts.h"
#include "node/scan.h"

#define STEP	    1000
#define LOOK	    20000
#define PENDING_MAX 5000
#define REST_MS	    100
#define NOTHING_MS  60000

/* --- what waits already --- */

struct waiting {
	int64_t *seqs;
	size_t count, cap;
};

static bool take_waiting(void *ctx, const struct pending_row *row)
{
	struct waiting *w = ctx;

	while (w->count + row->item_count > w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->seqs = mem_realloc(w->seqs, w->cap * sizeof(*w->seqs));
	}
	for (uint32_t i = 0; i < row->item_count; i++)
		w->seqs[w->count++] = row->items[i].event_seq;
	return true;
}

static int compare_seqs(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* All events that have a pending row of this endpoint: any item of it, not only the one that names the row. */
static int read_waiting(struct waiting *w, struct store *store, uint64_t endpoint)
{
	struct pending_query q = {
		.endpoint = endpoint, .due_from = INT64_MIN, .due_upto = PENDING_HELD, .max_rows = UINT32_MAX
	};
	int err = store_pending(store, &q, take_waiting, w, NULL);

	if (!err && w->count > 0)
		qsort(w->seqs, w->count, sizeof(*w->seqs), compare_seqs);
	return err;
}

static bool waits(const struct waiting *w, int64_t seq)
{
	return w->count > 0 && bsearch(&seq, w->seqs, w->count, sizeof(seq), compare_seqs);
}

/* --- a step --- */

struct step {
	struct replays *replays;
	struct replay *replay;
	const struct scan *scan;
	bool endpoint_gone;
	int64_t added, lowest;
	int err;
};

static bool take_first_dead(void *ctx, const struct dead_row *row)
{
	*(int64_t *)ctx = row->event_seq;
	return false;
}

static bool still_dead(struct store *store, uint64_t endpoint, int64_t seq)
{
	int64_t first = 0;

	store_dead(store, endpoint, seq - 1, 1, take_first_dead, &first, NULL);
	return first == seq;
}

/* dead: it is a dead letter, and will be one no more. */
static void add_row(struct step *st, const struct candidate *c, bool dead, struct tx *tx)
{
	const struct replay *r = st->replay;
	struct pending_item item = { .event_seq = c->seq, .order_hash = c->order_hash };
	struct pending_row row = { .endpoint = r->endpoint,
				   .id = c->seq,
				   .due_ms = PENDING_READY,
				   .replay = r->number,
				   .items = &item,
				   .item_count = 1 };

	tx_pending_put(tx, &row);
	if (dead)
		tx_dead_end(tx, r->endpoint, c->seq);
	if (st->added++ == 0)
		st->lowest = c->seq;
}

static void add_rows(struct step *st, struct store *store, struct tx *tx)
{
	const struct replay *r = st->replay;
	struct waiting w = { 0 };

	st->err = read_waiting(&w, store, r->endpoint);
	for (size_t i = 0; i < st->scan->count && !st->err; i++) {
		const struct candidate *c = &st->scan->found[i];

		bool dead = (r->query.failed_only || r->query.seqs) && still_dead(store, r->endpoint, c->seq);

		if (!waits(&w, c->seq) && (dead || !r->query.failed_only))
			add_row(st, c, dead, tx);
	}
	mem_free(w.seqs);
}

static void step_job(void *ctx, struct store *store)
{
	struct step *st = ctx;
	struct node *n = st->replays->node;
	struct replay as = *st->replay; /* only jobs on this thread change it */
	struct tx *tx;

	if (!store || as.state != REPLAY_RUNNING) {
		st->err = store ? 0 : ERR_IO;
		return;
	}
	tx = tx_new();
	if (st->endpoint_gone) {
		as.state = REPLAY_CANCELLED;
	} else {
		add_rows(st, store, tx);
		as.cursor = st->scan->cursor;
		as.queued += st->added;
		if (as.cursor >= as.last_seq)
			as.state = REPLAY_DONE;
	}
	if (as.state != REPLAY_RUNNING)
		as.ended_ms = clock_ms(&n->clock);
	replay_put(tx, &as);
	if (!st->err)
		st->err = committer_now(n->committer, tx, NULL);
	tx_free(&tx);
	if (st->err)
		return;
	replay_becomes(st->replays, st->replay, &as);
	replay_tell(n, as.endpoint, st->added, st->lowest, false);
}

/* The endpoint with its stats; false when it is gone. */
static bool view_endpoint(struct node *n, uint64_t number, struct endpoint_view *ret)
{
	const struct entry *en;
	bool gone;

	if (node_endpoint_by_number(n, number, ret))
		return false;
	directory_read(n->directory);
	en = directory_number(n->directory, number);
	gone = !en || en->deleted;
	directory_release(n->directory);
	if (gone)
		node_endpoint_view_free(ret);
	return !gone;
}

static void scan_once(struct node *n, struct scan *scan, int *ret_err)
{
	struct store *reader = node_reader_begin(n);
	struct fault fault = NO_FAULT;

	*ret_err = scan_step(scan, reader, &fault);
	node_reader_end(n, reader);
	if (*ret_err)
		log_error(n->log, "replay cannot read the log", LOG_STR("detail", fault.message));
}

/*
 * One step of a running replay, which looks like now (a cancel
 * may change it meanwhile); milliseconds until the next one.
 */
static int64_t go(struct replays *rs, struct replay *r, const struct replay *now)
{
	struct node *n = rs->node;
	struct scan scan = {
		.directory = n->directory, .query = now->query, .cursor = now->cursor, .max = STEP, .look = LOOK
	};
	struct step st = { .replays = rs, .replay = r, .scan = &scan };
	struct endpoint_view view;
	int64_t floor = shard_floor(node_shard(n, now->endpoint));

	st.endpoint_gone = !view_endpoint(n, now->endpoint, &view);
	if (st.endpoint_gone) {
		committer_run(n->committer, step_job, &st);
		return st.err ? REST_MS : 0;
	}
	scan.endpoint = view.endpoint;
	scan.upto = floor < now->last_seq ? floor : now->last_seq;
	if (atomic_load_explicit(&view.stats->pending, memory_order_relaxed) > PENDING_MAX ||
	    (scan.cursor >= scan.upto && scan.cursor < now->last_seq)) {
		node_endpoint_view_free(&view);
		return REST_MS;
	}
	scan_once(n, &scan, &st.err);
	if (!st.err)
		committer_run(n->committer, step_job, &st);
	scan_free(&scan);
	node_endpoint_view_free(&view);
	return st.err ? REST_MS : 0;
}

int64_t replays_go(struct replays *rs)
{
	int64_t wait = NOTHING_MS;
	struct replay *r, now;

	/* Replays are only removed on this thread, so what was found stays while the lock is not held. */
	for (size_t i = 0;; i++) {
		pthread_mutex_lock(&rs->lock);
		r = i < rs->by_id.count ? rs->by_id.items[i] : NULL;
		if (r)
			now = *r;
		pthread_mutex_unlock(&rs->lock);
		if (!r)
			return wait;
		if (now.state == REPLAY_RUNNING) {
			int64_t ms = go(rs, r, &now);

			wait = ms < wait ? ms : wait;
		}
	}
}
