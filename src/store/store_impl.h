/*
 * For implementations of the store only: what they put behind the functions of store.h. Each embeds a struct store as
 * its first member and fills the table; a reader's table has no writing functions. A simulator that wants a store with
 * a will of its own (commits that fail) wraps one here.
 */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

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
};

struct store {
	const struct store_ops *ops;
	/* inside one of its functions: a callback that used the same handle would break the walk it runs in */
	bool busy;
};

/*
 * Does this row answer the search? The one definition for all implementations; false for damaged rows and an empty key.
 */
bool store_row_matches(const struct log_row *row, enum search_key what, struct slice project, struct slice key);

#endif
