/*
 * The store's front: hands each call to the implementation behind the handle, and holds what is the same for all of
 * them: a handle is used by one call at a time, a reader never writes, and what it means that a row matches a search.
 * (The front of the objects, which are used inside a commit too, is object.c.)
 */
#include "store/store.h"

#include <assert.h>

#include "store/store_impl.h"

static const struct store_ops *enter(struct store *s)
{
	assert(s->use == STORE_IDLE);
	s->use = STORE_BUSY;
	return s->ops;
}

static int leave(struct store *s, int err)
{
	s->use = STORE_IDLE;
	return err;
}

int store_commit(struct store *s, struct tx *const *txs, size_t n, struct fault *fault)
{
	const struct store_ops *ops = enter(s);

	assert(ops->commit);
	return leave(s, ops->commit(s, txs, n, fault));
}

int store_index_step(struct store *s, bool *ret_more, struct fault *fault)
{
	const struct store_ops *ops = enter(s);

	assert(ops->index_step);
	return leave(s, ops->index_step(s, ret_more, fault));
}

int store_prune(struct store *s, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from, uint32_t max_rows,
		bool *ret_more, struct fault *fault)
{
	const struct store_ops *ops = enter(s);

	assert(ops->prune && max_rows > 0);
	return leave(s, ops->prune(s, before_ms, dead_before_ms, keep_from, max_rows, ret_more, fault));
}

int store_checkpoint(struct store *s, struct fault *fault)
{
	const struct store_ops *ops = enter(s);

	assert(ops->checkpoint);
	return leave(s, ops->checkpoint(s, fault));
}

void store_close(struct store **s)
{
	if (!*s)
		return;
	enter(*s)->close(*s);
	*s = NULL;
}

int store_reader(struct store *s, struct store **ret, struct fault *fault)
{
	return leave(s, enter(s)->reader(s, ret, fault));
}

int64_t store_last_seq(struct store *s)
{
	int64_t seq = enter(s)->last_seq(s);

	leave(s, 0);
	return seq;
}

int64_t store_floor(struct store *s)
{
	int64_t floor = enter(s)->floor(s);

	leave(s, 0);
	return floor;
}

int store_log_walk(struct store *s, int64_t after, int64_t upto, store_log_fn *fn, void *ctx, struct fault *fault)
{
	return leave(s, enter(s)->log_walk(s, after, upto, fn, ctx, fault));
}

int store_log_back(struct store *s, int64_t before, uint32_t max_rows, store_log_fn *fn, void *ctx, struct fault *fault)
{
	return leave(s, enter(s)->log_back(s, before, max_rows, fn, ctx, fault));
}

int store_log_get(struct store *s, int64_t seq, store_log_fn *fn, void *ctx, struct fault *fault)
{
	return leave(s, enter(s)->log_get(s, seq, fn, ctx, fault));
}

int store_search(struct store *s, enum search_key what, struct slice project, struct slice key, int64_t before,
		 store_seq_fn *fn, void *ctx, struct fault *fault)
{
	return leave(s, enter(s)->search(s, what, project, key, before, fn, ctx, fault));
}

int64_t store_numbers_after(struct store *s)
{
	const struct store_ops *ops = enter(s);
	int64_t seq = ops->numbers_after ? ops->numbers_after(s) : 0;

	leave(s, 0);
	return seq;
}

int store_pending(struct store *s, const struct pending_query *q, store_pending_fn *fn, void *ctx, struct fault *fault)
{
	return leave(s, enter(s)->pending(s, q, fn, ctx, fault));
}

int store_pending_get(struct store *s, uint64_t endpoint, int64_t id, store_pending_fn *fn, void *ctx,
		      struct fault *fault)
{
	return leave(s, enter(s)->pending_get(s, endpoint, id, fn, ctx, fault));
}

int store_pending_summary(struct store *s, store_summary_fn *fn, void *ctx, struct fault *fault)
{
	return leave(s, enter(s)->pending_summary(s, fn, ctx, fault));
}

int store_dead(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows, store_dead_fn *fn, void *ctx,
	       struct fault *fault)
{
	return leave(s, enter(s)->dead(s, endpoint, after, max_rows, fn, ctx, fault));
}

int store_docs(struct store *s, struct slice kind, struct slice prefix, store_doc_fn *fn, void *ctx,
	       struct fault *fault)
{
	return leave(s, enter(s)->docs(s, kind, prefix, fn, ctx, fault));
}

int64_t store_bytes(struct store *s)
{
	int64_t bytes = enter(s)->bytes(s);

	leave(s, 0);
	return bytes;
}

static bool names_event(const struct attempt_row *row, struct slice key)
{
	long long seq;

	if (!slice_to_i64(key, &seq))
		return false;
	for (uint32_t i = 0; i < row->item_count; i++)
		if (row->items[i].event_seq == seq)
			return true;
	return false;
}

struct number_look {
	struct slice number;
	bool found;
};

static void look_at_number(void *ctx, struct slice number)
{
	struct number_look *look = ctx;

	look->found |= slice_eq(number, look->number);
}

static bool has_number(const struct store *s, const struct event_row *event, struct slice number)
{
	struct number_look look = { .number = number };

	if (s->numbers)
		s->numbers(event->text, look_at_number, &look);
	return look.found;
}

bool store_row_matches(const struct store *s, const struct log_row *row, enum search_key what, struct slice project,
		       struct slice key)
{
	const struct event_row *event = &row->u.event;

	if (row->damaged || key.n == 0 || row->is_event != (what != SEARCH_EVENT_SEQ))
		return false;
	if (what == SEARCH_EVENT_SEQ)
		return names_event(&row->u.attempt, key);
	if (!slice_eq(event->project, project))
		return false;
	if (what == SEARCH_NUMBER)
		return has_number(s, event, key);
	return slice_eq(what == SEARCH_EVENT_ID ? event->id : event->message_id, key);
}
