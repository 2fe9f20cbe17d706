/*
 * Upkeep in small steps, because a commit that arrives has to wait for the step under way. The index follows the log when nothing else is to do, and in between when it is far
 * behind; retention and checkpoints have their times. The floor is only a hint for the next start, so once a second is enough; while commits
 * come anyway it costs one more of them.
 */
#include "node/upkeep.h"

#include "base/mem.h"
#include "node/parts.h"

#define FLOOR_MS	   1000
#define INDEX_STEP	   2000
#define INDEX_FAR	   50000 /* rows behind: not only when idle any more */
#define INDEX_IDLE_MS	   900	 /* no index commit for every single event of a trickle */
#define PRUNE_MS	   60000
#define PRUNE_STEP	   5000
#define CHECKPOINT_ROWS	   50000
#define CHECKPOINT_IDLE_MS 10000
#define BYTES_MS	   5000
#define REST_MS		   1000

struct upkeep {
	struct node *node;
	int64_t floor, floor_ms;
	int64_t indexed_rows, index_ms; /* rows of the log when the index was last complete */
	int64_t prune_ms;
	int64_t checkpoint_rows, checkpoint_ms;
	int64_t bytes_ms;
	bool index_more, index_far, prune_more;
};

struct upkeep *upkeep_new(struct node *n)
{
	struct upkeep *u = mem_zalloc(sizeof(*u));

	u->node = n;
	u->index_more = true; /* nobody knows what the last run left */
	return u;
}

void upkeep_free(struct upkeep **u)
{
	mem_free(*u);
	*u = NULL;
}

static void failed(struct upkeep *u, const char *what, int err, const struct fault *fault)
{
	committer_failed(u->node->committer, err, fault);
	log_warn(u->node->log, what, LOG_STR("error", err_text(err)), LOG_STR("detail", fault->message));
}

int upkeep_floor(struct upkeep *u, struct store *store)
{
	int64_t floor = node_floor(u->node);
	struct tx *tx;
	int err;

	if (floor <= store_floor(store))
		return 0;
	tx = tx_new();
	tx_floor(tx, floor);
	err = committer_now(u->node->committer, tx, NULL);
	tx_free(&tx);
	return err;
}

static void go_floor(struct upkeep *u, struct store *store, int64_t now)
{
	if (now < u->floor_ms)
		return;
	u->floor_ms = now + FLOOR_MS;
	upkeep_floor(u, store);
}

static void go_index(struct upkeep *u, struct store *store, bool idle, int64_t now)
{
	int64_t rows = store_last_seq(store), behind = rows - u->indexed_rows;
	struct fault fault = { 0 };
	int err;

	if (behind > 0)
		u->index_more = true;
	if (!u->index_more || !(behind > INDEX_FAR || (idle && (now >= u->index_ms || behind > INDEX_STEP))))
		return;
	err = store_index_step(store, INDEX_STEP, &u->index_more, &fault);
	u->index_ms = now + INDEX_IDLE_MS;
	u->index_far = !err && u->index_more && behind > INDEX_STEP;
	if (err) {
		failed(u, "search index not written", err, &fault);
	} else if (!u->index_more) {
		u->indexed_rows = rows;
	} else if (u->indexed_rows + INDEX_STEP < rows) {
		u->indexed_rows += INDEX_STEP;
	}
}

static void go_prune(struct upkeep *u, struct store *store, int64_t now)
{
	const struct node_options *o = &u->node->options;
	struct fault fault = { 0 };
	int64_t ms = clock_ms(&u->node->clock);
	int err;

	if (now < u->prune_ms && !u->prune_more)
		return;
	u->prune_ms = now + PRUNE_MS;
	err = store_prune(store, ms - o->retention_ms, ms - o->dead_retention_ms, replays_keep_from(u->node->replays),
			  PRUNE_STEP, &u->prune_more, &fault);
	if (err) {
		failed(u, "old rows not dropped", err, &fault);
		u->prune_more = false;
	}
}

static void go_checkpoint(struct upkeep *u, struct store *store, bool idle, int64_t now)
{
	int64_t behind = store_last_seq(store) - u->checkpoint_rows;
	struct fault fault = { 0 };
	int err;

	if (behind <= 0 || (behind < CHECKPOINT_ROWS && !(idle && now >= u->checkpoint_ms)))
		return;
	u->checkpoint_rows += behind;
	u->checkpoint_ms = now + CHECKPOINT_IDLE_MS;
	err = store_checkpoint(store, &fault);
	if (err)
		failed(u, "checkpoint not done", err, &fault);
}

int64_t upkeep_go(struct upkeep *u, struct store *store, bool idle)
{
	int64_t now = clock_mono_us() / 1000;

	go_floor(u, store, now);
	go_index(u, store, idle, now);
	go_prune(u, store, now);
	go_checkpoint(u, store, idle, now);
	if (now >= u->bytes_ms) {
		u->bytes_ms = now + BYTES_MS;
		atomic_store_explicit(&u->node->store_bytes, store_bytes(store), memory_order_relaxed);
	}
	return u->prune_more || u->index_far ? 0 : REST_MS;
}
