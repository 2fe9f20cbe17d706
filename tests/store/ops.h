/*
 * Random work for a store, made from a seed, and a store's whole content
 * as text: what the differential and the crash tests are made of.
 */
#ifndef TESTS_STORE_OPS_H
#define TESTS_STORE_OPS_H

#include "base/buf.h"
#include "base/rand.h"
#include "store/store.h"

#define OP_RECENT_IDS 40
#define OP_INDEX_RUN  50

enum op_kind { OP_COMMIT, OP_PRUNE, OP_INDEX, OP_CHECKPOINT };

struct op {
	enum op_kind kind;
	struct tx *txs[3];
	size_t count;
	int64_t before_ms, dead_before_ms, keep_from;
	uint32_t max_rows;
};

/* For store_options.numbers: the words of digits that a text begins with. */
void op_numbers(struct slice text, store_number_fn *fn, void *ctx);

/* Some work that is right for a store in the state that `model` is in; time is its last seq. */
void op_make(struct op *op, struct rand *rand, struct store *model);
void op_free(struct op *op);
/* Does it; enum err. *ret_more as the store said it, false where it says nothing. */
int op_run(struct op *op, struct store *s, bool *ret_more, struct fault *fault);

/* Everything that can be read, as lines of text, but for searches. Fails the process when a read fails. */
void dump_store(struct store *s, struct buf *out);
/* Some searches, chosen by rand, as text. */
void dump_searches(struct store *s, struct rand *rand, struct buf *out);

#endif
