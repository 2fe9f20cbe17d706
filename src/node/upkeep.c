/*
 * Upkeep in small steps, because a commit that arrives has to wait for the step under way. The index follows the log
 * run by run; retention and checkpoints have their times. The floor is only a hint for the next start, so once a second
 * is enough; while commits come anyway it costs one more of them.
 */
#include "node/upkeep.h"

#include "base/mem.h"
#include "node/parts.h"

#define FLOOR_MS	   1000
#define INDEX_LOOK	   4096 /* further rows after which it is worth asking whether a run is whole */
#define PRUNE_MS	   60000
#define PRUNE_STEP	   5000
#define CHECKPOINT_ROWS	   50000
#define CHECKPOINT_IDLE_MS 10000
#define BYTES_MS	   5000
#define REST_MS		   1000

struct upkeep {
	struct node *node;
	int64_t floor, floor_ms;
	int64_t index_seq; /* last seq when the index was last asked */
	int64_t prune_ms;
	int64_t checkpoint_rows, checkpoint_ms;
	int64_t bytes_ms;
	bool index_more, prune_more;
};

struct upkeep *upkeep_new(struct node *n)
{
	struct upkeep *u = mem_zalloc(sizeof(*u));

	u->node = n;
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

	/*
	 * All events are settled: what stands above the last of them are attempts,
	 * which nobody needs to read at the next start, nor to keep for ever.
	 */
	if (floor >= atomic_load(&u->node->last_event_seq))
		floor = store_last_seq(store);

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

/* A run is indexed as soon as it is whole, however busy the store is: put off, the work would only be more. */
static void go_index(struct upkeep *u, struct store *store)
{
	int64_t last = store_last_seq(store);
	struct fault fault = NO_FAULT;
	int err;

	if (!u->index_more && last - u->index_seq < INDEX_LOOK)
		return;
	u->index_seq = last;
	err = store_index_step(store, &u->index_more, &fault);
	if (err)
		failed(u, "search index not written", err, &fault);
}

static void go_prune(struct upkeep *u, struct store *store, int64_t now)
{
	const struct node *n = u->node;
	struct fault fault = NO_FAULT;
	int64_t ms = clock_ms(&u->node->clock);
	int err;

	if (now < u->prune_ms && !u->prune_more)
		return;
	u->prune_ms = now + PRUNE_MS;
	err = store_prune(store, ms - atomic_load(&n->retention_ms), ms - atomic_load(&n->dead_retention_ms),
			  replays_keep_from(n->replays), PRUNE_STEP, &u->prune_more, &fault);
	if (err) {
		failed(u, "old rows not dropped", err, &fault);
		u->prune_more = false;
	}
}

static void go_checkpoint(struct upkeep *u, struct store *store, bool idle, int64_t now)
{
	int64_t behind = store_last_seq(store) - u->checkpoint_rows;
	struct fault fault = NO_FAULT;
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
	go_index(u, store);
	go_prune(u, store, now);
	go_checkpoint(u, store, idle, now);
	if (now >= u->bytes_ms) {
		u->bytes_ms = now + BYTES_MS;
		atomic_store_explicit(&u->node->store_bytes, store_bytes(store), memory_order_relaxed);
	}
	return u->prune_more || u->index_more ? 0 : REST_MS;
}
