/*
 * A transaction to be. Requests, shards and the janitor each build one on their own thread; the
 * store's thread later applies many of them in one commit. Everything is copied into the
 * transaction's arena, so a builder may forget its own buffers at once, and the rows it got back
 * stay where they are until tx_free: that is how it reads the seqs that the commit gave out.
 */
#include "store/tx.h"

#include <assert.h>

#include "base/mem.h"

struct tx *tx_new(void)
{
	struct tx *tx = mem_zalloc(sizeof(*tx));

	arena_init(&tx->arena);
	return tx;
}

void tx_free(struct tx **tx)
{
	if (!*tx)
		return;
	for (struct tx_end *end = (*tx)->ends; end; end = end->next)
		end->run(end->ctx);
	arena_free(&(*tx)->arena);
	mem_free(*tx);
	*tx = NULL;
}

static struct change *tx_add(struct tx *tx, enum change_kind kind)
{
	struct change *c = arena_zalloc(&tx->arena, sizeof(*c));

	c->kind = kind;
	if (tx->last)
		tx->last->next = c;
	else
		tx->first = c;
	tx->last = c;
	tx->count++;
	return c;
}

static struct slice tx_slice(struct tx *tx, struct slice s)
{
	tx->bytes += s.n;
	return arena_slice(&tx->arena, s);
}

static void *tx_array(struct tx *tx, const void *items, size_t size, uint32_t count)
{
	void *copy = arena_alloc(&tx->arena, size * count);

	if (count > 0)
		memcpy(copy, items, size * count);
	tx->bytes += size * count;
	return copy;
}

struct event_row *tx_event(struct tx *tx, const struct event_row *row)
{
	struct event_row *copy = &tx_add(tx, CHANGE_EVENT)->u.event;

	copy->project = tx_slice(tx, row->project);
	copy->id = tx_slice(tx, row->id);
	copy->message_id = tx_slice(tx, row->message_id);
	copy->accepted_ms = row->accepted_ms;
	copy->text = tx_slice(tx, row->text);
	return copy;
}

struct event_row *tx_event_lent(struct tx *tx, const struct event_row *row)
{
	struct event_row *copy = &tx_add(tx, CHANGE_EVENT)->u.event;

	*copy = *row;
	copy->seq = copy->duplicate_of = 0;
	tx->bytes += row->project.n + row->id.n + row->message_id.n + row->text.n;
	return copy;
}

struct attempt_row *tx_attempt(struct tx *tx, const struct attempt_row *row)
{
	struct attempt_row *copy = &tx_add(tx, CHANGE_ATTEMPT)->u.attempt;

	*copy = *row;
	copy->seq = 0;
	copy->delivery_id = tx_slice(tx, row->delivery_id);
	copy->detail = tx_slice(tx, row->detail);
	copy->items = tx_array(tx, row->items, sizeof(*row->items), row->item_count);
	return copy;
}

void tx_pending_put(struct tx *tx, const struct pending_row *row)
{
	struct pending_row *copy = &tx_add(tx, CHANGE_PENDING_PUT)->u.pending;

	assert(row->due_ms >= PENDING_READY);
	*copy = *row;
	copy->damaged = false;
	copy->items = tx_array(tx, row->items, sizeof(*row->items), row->item_count);
}

void tx_pending_end(struct tx *tx, uint64_t endpoint, int64_t id)
{
	struct pending_row *row = &tx_add(tx, CHANGE_PENDING_END)->u.pending;

	row->endpoint = endpoint;
	row->id = id;
}

void tx_pending_cancel(struct tx *tx, uint64_t endpoint, uint64_t replay)
{
	struct pending_row *row = &tx_add(tx, CHANGE_PENDING_CANCEL)->u.pending;

	assert(replay != 0);
	row->endpoint = endpoint;
	row->replay = replay;
}

void tx_pending_drop(struct tx *tx, uint64_t endpoint)
{
	tx_add(tx, CHANGE_PENDING_DROP)->u.pending.endpoint = endpoint;
}

void tx_dead(struct tx *tx, const struct dead_row *row)
{
	tx_add(tx, CHANGE_DEAD)->u.dead = *row;
}

void tx_dead_end(struct tx *tx, uint64_t endpoint, int64_t event_seq)
{
	struct dead_row *row = &tx_add(tx, CHANGE_DEAD_END)->u.dead;

	row->endpoint = endpoint;
	row->event_seq = event_seq;
}

void tx_floor(struct tx *tx, int64_t floor)
{
	tx_add(tx, CHANGE_FLOOR)->u.floor = floor;
}

void tx_doc_put(struct tx *tx, struct slice kind, struct slice id, struct slice text)
{
	struct doc_row *row = &tx_add(tx, CHANGE_DOC)->u.doc;

	row->kind = tx_slice(tx, kind);
	row->id = tx_slice(tx, id);
	row->text = tx_slice(tx, text);
}

void tx_doc_delete(struct tx *tx, struct slice kind, struct slice id)
{
	struct doc_row *row = &tx_add(tx, CHANGE_DOC)->u.doc;

	row->kind = tx_slice(tx, kind);
	row->id = tx_slice(tx, id);
}

void tx_step(struct tx *tx, step_fn *run, void *ctx)
{
	struct change *c = tx_add(tx, CHANGE_STEP);

	c->u.step.run = run;
	c->u.step.ctx = ctx;
}

void tx_on_free(struct tx *tx, void (*run)(void *ctx), void *ctx)
{
	struct tx_end *end = arena_alloc(&tx->arena, sizeof(*end));

	*end = (struct tx_end){ tx->ends, run, ctx };
	tx->ends = end;
}
