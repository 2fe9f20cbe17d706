/*
 * Which messages are final for which endpoint (X12): found again in the log at start, the youngest first, until as many
 * are known as the engine keeps. The attempts say what was acknowledged, their events whether it was final; both are
 * bounded, so that a start takes seconds with any log, and nothing is read when no endpoint has final statuses.
 */
#include "node/recover_finals.h"

#include "base/mem.h"
#include "node/parts.h"

#define ROWS_MOST 2000000

/* An item that was acknowledged. */
struct taken {
	uint64_t endpoint;
	int64_t seq;
};

struct finals {
	struct node *node;
	struct taken *taken; /* youngest first */
	size_t count, capacity, most;
};

static const struct endpoint *endpoint_with_finals(const struct node *n, uint64_t number)
{
	const struct entry *en = directory_number(n->directory, number);

	return en && !en->deleted && endpoint_has_finals(en->current) ? en->current : NULL;
}

static bool any_has_finals(const struct node *n)
{
	for (size_t i = 0; i < n->directory->numbers.count; i++) {
		const struct entry *en = n->directory->numbers.items[i];

		if (endpoint_with_finals(n, en->number))
			return true;
	}
	return false;
}

static void take(struct finals *f, uint64_t endpoint, int64_t seq)
{
	if (f->count == f->most)
		return;
	if (f->count == f->capacity) {
		f->capacity = f->capacity ? 2 * f->capacity : 1024;
		f->taken = mem_realloc(f->taken, f->capacity * sizeof(*f->taken));
	}
	f->taken[f->count++] = (struct taken){ endpoint, seq };
}

static bool take_row(void *ctx, const struct log_row *row)
{
	struct finals *f = ctx;
	const struct attempt_row *at = &row->u.attempt;

	node_progress(f->node);
	if (row->is_event || row->damaged || !endpoint_with_finals(f->node, at->endpoint))
		return true;
	for (uint32_t i = 0; i < at->item_count; i++)
		if (at->items[i].fate == ITEM_DONE)
			take(f, at->endpoint, at->items[i].event_seq);
	return f->count < f->most;
}

static bool read_event(void *ctx, const struct log_row *row)
{
	const struct event_row *er = &row->u.event;

	if (row->is_event && !row->damaged)
		event_load(er->text, er->project, row->seq, er->accepted_ms, ctx);
	return false;
}

/* One whose event was pruned meanwhile is too old for anything to follow. */
static void tell_engine(struct node *n, const struct taken *t)
{
	struct event *ev = NULL;

	node_progress(n);
	store_log_get(n->store, t->seq, read_event, &ev, NULL);
	if (ev && endpoint_is_final(endpoint_with_finals(n, t->endpoint), ev))
		engine_recover_final(shard_engine(node_shard(n, t->endpoint)), t->endpoint, ev->order_hash);
	event_unref(&ev);
}

int recover_finals(struct node *n, struct fault *fault)
{
	struct finals f = { .node = n, .most = n->options.limits.finals };
	int err;

	if (!any_has_finals(n))
		return 0;
	err = store_log_back(n->store, INT64_MAX, ROWS_MOST, take_row, &f, fault);
	for (size_t i = f.count; !err && i > 0; i--)
		tell_engine(n, &f.taken[i - 1]);
	mem_free(f.taken);
	return err;
}
