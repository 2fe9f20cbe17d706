/*
 * The clerk's rounds. How old the oldest stored delivery of an endpoint is comes from
 * the store, with a reader of its own, because counting a million rows would hold up
 * the commits. Superseded settings stay a day longer than the rows that may name them.
 */
#include "node/rounds.h"

#include "base/mem.h"
#include "node/document.h"
#include "node/parts.h"

#define OLDEST_MS    5000
#define REVISIONS_MS 3600000
#define DAY_MS	     86400000

/* --- the oldest stored delivery of each endpoint --- */

struct oldest {
	uint64_t endpoint;
	int64_t seq, accepted_ms;
};

struct oldest_list {
	struct oldest *items;
	size_t count, cap;
};

static bool take_summary(void *ctx, const struct pending_summary *sum)
{
	struct oldest_list *list = ctx;

	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->items = mem_realloc(list->items, list->cap * sizeof(*list->items));
	}
	list->items[list->count++] = (struct oldest){ .endpoint = sum->endpoint, .seq = sum->oldest_seq };
	return true;
}

static bool take_time(void *ctx, const struct log_row *row)
{
	if (row->is_event && !row->damaged)
		*(int64_t *)ctx = row->u.event.accepted_ms;
	return false;
}

static bool anything_pending(struct directory *d)
{
	bool any = false;

	directory_read(d);
	for (size_t i = 0; i < d->numbers.count && !any; i++) {
		const struct endpoint_stats *s = ((const struct entry *)d->numbers.items[i])->stats;

		any = atomic_load_explicit(&s->pending, memory_order_relaxed) > 0 ||
		      atomic_load_explicit(&s->oldest_stored_ms, memory_order_relaxed) != 0;
	}
	directory_release(d);
	return any;
}

static void show_oldest(struct directory *d, const struct oldest_list *list)
{
	directory_read(d);
	for (size_t i = 0; i < d->numbers.count; i++) {
		const struct entry *en = d->numbers.items[i];

		atomic_store_explicit(&en->stats->oldest_stored_ms, 0, memory_order_relaxed);
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *en = directory_number(d, list->items[i].endpoint);

		if (en)
			atomic_store_explicit(&en->stats->oldest_stored_ms, list->items[i].accepted_ms,
					      memory_order_relaxed);
	}
	directory_release(d);
}

static void go_oldest(struct node *n)
{
	struct oldest_list list = { 0 };
	struct store *reader;

	if (!anything_pending(n->directory))
		return;
	reader = node_reader_begin(n);
	store_pending_summary(reader, take_summary, &list, NULL);
	for (size_t i = 0; i < list.count; i++)
		store_log_get(reader, list.items[i].seq, take_time, &list.items[i].accepted_ms, NULL);
	node_reader_end(n, reader);
	show_oldest(n->directory, &list);
	mem_free(list.items);
}

/* --- old settings --- */

struct old_revisions {
	struct node *node;
	int64_t before_ms;
};

static void drop_revisions(void *ctx, struct store *store)
{
	const struct old_revisions *old = ctx;
	struct directory *d = old->node->directory;
	struct tx *tx;

	if (!store)
		return;
	tx = tx_new();
	directory_read(d);
	for (size_t i = 0; i < d->revisions.count; i++) {
		const struct revision *r = d->revisions.items[i];

		if (r->superseded_ms < old->before_ms)
			document_delete_revision(tx, r->number, r->revision);
	}
	directory_release(d);
	if (tx->count > 0 && committer_now(old->node->committer, tx, NULL) == 0) {
		directory_write(d);
		directory_drop_revisions(d, old->before_ms);
		directory_release(d);
	}
	tx_free(&tx);
}

static void go_revisions(struct node *n)
{
	int64_t events = atomic_load(&n->retention_ms), dead = atomic_load(&n->dead_retention_ms);
	int64_t kept = (events > dead ? events : dead) + DAY_MS;
	struct old_revisions old = { n, clock_ms(&n->clock) - kept };

	committer_run(n->committer, drop_revisions, &old);
	replays_forget(n->replays, old.before_ms);
}

int64_t rounds_go(struct rounds *r, struct node *n)
{
	int64_t now = clock_mono_us() / 1000, next = replays_go(n->replays);

	if (now >= r->oldest_ms) {
		r->oldest_ms = now + OLDEST_MS;
		go_oldest(n);
	}
	if (now >= r->revisions_ms) {
		r->revisions_ms = now + REVISIONS_MS;
		go_revisions(n);
	}
	return next < OLDEST_MS ? next : OLDEST_MS;
}
