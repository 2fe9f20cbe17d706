/*
 * Reading pending rows. The rows first, into an arena, then their events: no second
 * query runs inside the walk of the first. Revisions come compiled from the
 * directory, so that all loads of one revision share it, and with it its connections.
 */
#include "node/load.h"

#include "base/mem.h"

struct load {
	struct pending_query query;
	bool ready;
	size_t max_bytes;
	struct arena arena;
	struct loaded_rows result;
	size_t cap;
};

struct load *load_new(const struct pending_query *query, bool ready, size_t max_bytes)
{
	struct load *l = mem_zalloc(sizeof(*l));

	l->query = *query;
	l->ready = ready;
	l->max_bytes = max_bytes;
	arena_init(&l->arena);
	return l;
}

uint64_t load_endpoint(const struct load *l)
{
	return l->query.endpoint;
}

struct loaded_rows *load_rows(struct load *l)
{
	return &l->result;
}

void load_free(struct load **lp)
{
	struct load *l = *lp;

	if (!l)
		return;
	arena_free(&l->arena);
	mem_free(l->result.rows);
	mem_free(l);
	*lp = NULL;
}

/* --- rows --- */

static bool take_row(void *ctx, const struct pending_row *row)
{
	struct load *l = ctx;
	struct loaded_row *lr;
	struct pending_item *items = arena_alloc(&l->arena, row->item_count * sizeof(*items));

	if (l->result.count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->result.rows = mem_realloc(l->result.rows, l->cap * sizeof(*l->result.rows));
	}
	memcpy(items, row->items, row->item_count * sizeof(*items));
	lr = &l->result.rows[l->result.count++];
	*lr = (struct loaded_row){ .row = *row };
	lr->row.items = items;
	lr->events = arena_zalloc(&l->arena, row->item_count * sizeof(*lr->events));
	return l->result.count < l->query.max_rows;
}

/* The query as the store wants it: ready rows are those with due 0, waiting ones begin after them. */
static struct pending_query store_query(const struct load *l)
{
	struct pending_query q = l->query;

	if (l->ready) {
		q.due_from = PENDING_READY;
		q.due_upto = PENDING_READY;
	} else if (q.due_from == PENDING_READY) {
		q.id_after = INT64_MAX;
	}
	return q;
}

static bool take_due(void *ctx, const struct pending_row *row)
{
	*(int64_t *)ctx = row->due_ms;
	return false;
}

static int64_t next_due(const struct load *l, struct store *store)
{
	struct pending_query q = { .endpoint = l->query.endpoint,
				   .due_from = l->query.due_upto,
				   .id_after = INT64_MAX,
				   .due_upto = PENDING_HELD - 1,
				   .max_rows = 1 };
	int64_t due = PENDING_HELD;

	store_pending(store, &q, take_due, &due, NULL);
	return due;
}

/* --- events --- */

static bool take_event(void *ctx, const struct log_row *row)
{
	const struct event_row *er = &row->u.event;

	if (row->is_event && !row->damaged)
		event_load(er->text, er->project, row->seq, er->accepted_ms, ctx);
	return false;
}

static size_t read_events(struct loaded_row *lr, struct store *store)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < lr->row.item_count; i++) {
		store_log_get(store, lr->row.items[i].event_seq, take_event, &lr->events[i], NULL);
		if (lr->events[i])
			bytes += lr->events[i]->bytes;
	}
	return bytes;
}

void load_read(struct load *l, struct store *store, struct directory *d, struct log *log)
{
	struct pending_query q = store_query(l);
	struct fault fault = NO_FAULT;
	size_t bytes = 0, i;
	int err = store_pending(store, &q, take_row, l, &fault);

	if (err)
		log_error(log, "pending deliveries could not be read", LOG_INT("endpoint", (int64_t)q.endpoint),
			  LOG_STR("error", err_text(err)), LOG_STR("detail", fault.message));
	l->result.ready = l->ready;
	l->result.more = l->result.count >= q.max_rows;
	for (i = 0; i < l->result.count && (i == 0 || bytes < l->max_bytes); i++) {
		struct loaded_row *lr = &l->result.rows[i];

		bytes += read_events(lr, store);
		if (lr->row.revision)
			lr->revision = directory_revision(d, store, lr->row.endpoint, lr->row.revision);
	}
	if (i < l->result.count) {
		l->result.count = i;
		l->result.more = true;
	}
	l->result.next_due_ms = l->result.more || l->ready ? PENDING_HELD : next_due(l, store);
}
