/*
 * For implementations of the store only: what they put behind the functions of store.h. Each embeds a struct store as
 * its first member and fills the table; a reader's table has no writing functions. A simulator that wants a store with
 * a will of its own (commits that fail) wraps one here.
 */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include "store/object.h"
#include "store/store.h"

#define STORE_INDEX_RUN 16384 /* store_options.index_run by default */

struct store_ops {
	/* NULL in a reader */
	int (*commit)(struct store *s, struct tx *const *txs, size_t n, struct fault *fault);
	int (*index_step)(struct store *s, bool *ret_more, struct fault *fault);
	int (*prune)(struct store *s, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from, uint32_t max_rows,
		     bool *ret_more, struct fault *fault);
	int (*checkpoint)(struct store *s, struct fault *fault);

	void (*close)(struct store *s);
	int (*reader)(struct store *s, struct store **ret, struct fault *fault);
	int64_t (*last_seq)(struct store *s);
	int64_t (*floor)(struct store *s);
	int (*log_walk)(struct store *s, int64_t after, int64_t upto, store_log_fn *fn, void *ctx, struct fault *fault);
	int (*log_back)(struct store *s, int64_t before, uint32_t max_rows, store_log_fn *fn, void *ctx,
			struct fault *fault);
	int (*log_get)(struct store *s, int64_t seq, store_log_fn *fn, void *ctx, struct fault *fault);
	int (*search)(struct store *s, enum search_key what, struct slice project, struct slice key, int64_t before,
		      store_seq_fn *fn, void *ctx, struct fault *fault);
	int64_t (*numbers_after)(struct store *s); /* NULL: 0 */
	int (*pending)(struct store *s, const struct pending_query *q, store_pending_fn *fn, void *ctx,
		       struct fault *fault);
	int (*pending_get)(struct store *s, uint64_t endpoint, int64_t id, store_pending_fn *fn, void *ctx,
			   struct fault *fault);
	int (*pending_summary)(struct store *s, store_summary_fn *fn, void *ctx, struct fault *fault);
	int (*dead)(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows, store_dead_fn *fn, void *ctx,
		    struct fault *fault);
	int (*docs)(struct store *s, struct slice kind, struct slice prefix, store_doc_fn *fn, void *ctx,
		    struct fault *fault);
	int64_t (*bytes)(struct store *s);
	int (*object_get)(struct store *s, struct slice project, uint16_t kind, struct slice id, struct buf *ret,
			  struct fault *fault);
	int (*object_walk)(struct store *s, const struct object_query *q, bool with_text, store_object_fn *fn,
			   void *ctx, struct fault *fault);
	int (*objects_due)(struct store *s, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx,
			   struct fault *fault);
	int (*objects_next_due)(struct store *s, int64_t *ret, struct fault *fault);

	/* called by steps only, so by a commit in its middle; NULL in a reader */
	void (*object_put)(struct store *s, const struct object_row *row); /* keys sorted, none of them twice */
	void (*object_delete)(struct store *s, struct slice project, uint16_t kind, struct slice id);
	uint32_t (*objects_drop)(struct store *s, struct slice project, uint32_t max);
	void (*step_event)(struct store *s, struct event_row *row);
	void (*step_doc)(struct store *s, const struct doc_row *row);
};

/*
 * What a handle is doing, and with it what may be called: a callback that
 * used the handle as it likes would break the walk or the commit it runs in.
 */
enum store_use {
	STORE_IDLE, /* everything */
	STORE_STEP, /* a step runs: reading objects, and step_* */
	STORE_WALK, /* a callback is given objects: store_object_get */
	STORE_BUSY  /* nothing */
};

struct store {
	const struct store_ops *ops;
	enum store_use use;
	void (*numbers)(struct slice text, store_number_fn *fn, void *ctx); /* store_options.numbers; may be NULL */
};

/* For a commit: runs a step at its place in the transaction. */
void store_run_step(struct store *s, struct change *step);

/*
 * Does this row answer the search? The one definition for all implementations; false for damaged rows and an empty key.
 */
bool store_row_matches(const struct store *s, const struct log_row *row, enum search_key what, struct slice project,
		       struct slice key);

#endif
