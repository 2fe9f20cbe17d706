/*
 * The reference store: the contract in its plainest words. The simulator runs the
 * engine on it, and the contract suite compares the SQLite store with it, read by
 * read; so it prefers walking everything to being clever. Nothing in it can fail.
 *
 * Handles (the writer and its readers) share one set of rows under a lock, because readers belong to other threads.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/memory_objects.h"
#include "store/recent.h"
#include "store/record.h"
#include "store/store_impl.h"

struct memory_rows {
	pthread_mutex_t lock;
	struct rowset log, pending, dead, docs;
	struct memory_objects objects;
	int64_t last_seq, floor;
	int64_t index_run, indexed; /* seqs in a run, and the seq up to which store_index_step went */
	void (*numbers)(struct slice text, store_number_fn *fn, void *ctx); /* store_options.numbers */
	struct recent *recent;
	struct hash_key recent_key;
};

struct memory {
	struct store base;
	struct memory_rows *rows;
};

static struct memory_rows *rows_of(struct store *s)
{
	return ((struct memory *)s)->rows;
}

static struct memory_rows *lock_rows(struct store *s)
{
	struct memory_rows *m = rows_of(s);

	pthread_mutex_lock(&m->lock);
	return m;
}

static int unlock_rows(struct memory_rows *m, int err)
{
	pthread_mutex_unlock(&m->lock);
	return err;
}

/* --- commit --- */

struct same_event {
	const struct memory_rows *m;
	const struct event_row *row;
};

static bool same_event(void *ctx, int64_t seq)
{
	struct same_event *look = ctx;
	const struct log_row *row = rowset_find(&look->m->log, &(struct log_row){ .seq = seq });

	return row && row->is_event && slice_eq(row->u.event.project, look->row->project) &&
	       slice_eq(row->u.event.id, look->row->id);
}

static void apply_event(struct memory_rows *m, struct event_row *row)
{
	struct hash_key key = { m->recent_key.k0 ^ hash_bytes(&m->recent_key, row->project), m->recent_key.k1 };
	uint64_t hash = hash_bytes(&key, row->id);

	row->seq = 0;
	row->duplicate_of = recent_find(m->recent, hash, same_event, &(struct same_event){ m, row });
	if (row->duplicate_of)
		return;
	row->seq = ++m->last_seq;
	rowset_put(&m->log, memory_event(row));
	recent_add(m->recent, hash, row->seq);
}

static struct pending_row *pending_at(const struct memory_rows *m, size_t i, uint64_t endpoint)
{
	struct pending_row *row = i < m->pending.count ? m->pending.rows[i] : NULL;

	return row && row->endpoint == endpoint ? row : NULL;
}

static size_t pending_first(const struct memory_rows *m, uint64_t endpoint)
{
	return rowset_lower(&m->pending, &(struct pending_row){ .endpoint = endpoint, .id = INT64_MIN });
}

static void apply_end(struct memory_rows *m, const struct pending_row *named)
{
	size_t i = rowset_lower(&m->pending, named);
	struct pending_row *row = pending_at(m, i, named->endpoint);

	if (row && row->id == named->id)
		rowset_cut(&m->pending, i, i + 1);
}

static void apply_cancel(struct memory_rows *m, const struct pending_row *named)
{
	size_t i = pending_first(m, named->endpoint);
	struct pending_row *row;

	while ((row = pending_at(m, i, named->endpoint)))
		if (row->replay == named->replay && row->attempts == 0)
			rowset_cut(&m->pending, i, i + 1);
		else
			i++;
}

static void apply_drop(struct memory_rows *m, uint64_t endpoint)
{
	size_t from = pending_first(m, endpoint), upto = from;

	while (pending_at(m, upto, endpoint))
		upto++;
	rowset_cut(&m->pending, from, upto);
}

static void apply_dead_end(struct memory_rows *m, const struct dead_row *named)
{
	size_t i = rowset_lower(&m->dead, named);

	if (rowset_find(&m->dead, named))
		rowset_cut(&m->dead, i, i + 1);
}

static void apply_doc(struct memory_rows *m, const struct doc_row *row)
{
	size_t i = rowset_lower(&m->docs, row);

	if (row->text.p)
		rowset_put(&m->docs, memory_doc(row));
	else if (rowset_find(&m->docs, row))
		rowset_cut(&m->docs, i, i + 1);
}

static void apply_floor(struct memory_rows *m, int64_t floor)
{
	assert(floor <= m->last_seq);
	m->floor = floor;
}

static void apply(struct store *s, struct change *c, int64_t *last_attempt)
{
	struct memory_rows *m = rows_of(s);
	struct dead_row dead;

	switch (c->kind) {
	case CHANGE_EVENT:
		apply_event(m, &c->u.event);
		break;
	case CHANGE_ATTEMPT:
		c->u.attempt.seq = *last_attempt = ++m->last_seq;
		rowset_put(&m->log, memory_attempt(&c->u.attempt));
		break;
	case CHANGE_PENDING_PUT:
		rowset_put(&m->pending, memory_pending(&c->u.pending));
		break;
	case CHANGE_PENDING_END:
		apply_end(m, &c->u.pending);
		break;
	case CHANGE_PENDING_CANCEL:
		apply_cancel(m, &c->u.pending);
		break;
	case CHANGE_PENDING_DROP:
		apply_drop(m, c->u.pending.endpoint);
		break;
	case CHANGE_DEAD:
		dead = c->u.dead;
		if (dead.attempt_seq == 0)
			dead.attempt_seq = *last_attempt;
		rowset_put(&m->dead, memory_dead(&dead));
		break;
	case CHANGE_DEAD_END:
		apply_dead_end(m, &c->u.dead);
		break;
	case CHANGE_FLOOR:
		apply_floor(m, c->u.floor);
		break;
	case CHANGE_DOC:
		apply_doc(m, &c->u.doc);
		break;
	case CHANGE_STEP:
		store_run_step(s, c);
		break;
	}
}

static int memory_commit(struct store *s, struct tx *const *txs, size_t n, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	for (size_t i = 0; i < n; i++) {
		int64_t last_attempt = 0;

		for (struct change *c = txs[i]->first; c; c = c->next)
			apply(s, c, &last_attempt);
	}
	recent_settle(m->recent);
	return unlock_rows(m, 0);
}

/* --- upkeep --- */

static size_t log_after(const struct memory_rows *m, int64_t seq)
{
	return seq == INT64_MAX ? m->log.count : rowset_lower(&m->log, &(struct log_row){ .seq = seq + 1 });
}

/* A search here reads the whole log, so there is nothing to fill; only the runs are counted. */
static int memory_index_step(struct store *s, bool *ret_more, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	if (m->last_seq - m->indexed >= m->index_run)
		m->indexed += m->index_run;
	*ret_more = m->last_seq - m->indexed >= m->index_run;
	return unlock_rows(m, 0);
}

/* The oldest dead row older than before_ms, by (time, endpoint, event); its place, or count when there is none. */
static size_t oldest_dead(const struct memory_rows *m, int64_t before_ms)
{
	const struct dead_row *oldest = NULL;
	size_t place = m->dead.count;

	for (size_t i = 0; i < m->dead.count; i++) {
		const struct dead_row *row = m->dead.rows[i];

		if (row->time_ms < before_ms && (!oldest || row->time_ms < oldest->time_ms)) {
			oldest = row;
			place = i;
		}
	}
	return place;
}

static uint32_t prune_dead(struct memory_rows *m, int64_t before_ms, uint32_t max_rows)
{
	uint32_t dropped = 0;

	for (size_t i; dropped < max_rows && (i = oldest_dead(m, before_ms)) < m->dead.count; dropped++)
		rowset_cut(&m->dead, i, i + 1);
	return dropped;
}

/* The last seq that nothing needs. */
static int64_t prune_limit(const struct memory_rows *m, int64_t keep_from)
{
	int64_t limit = m->floor;

	for (size_t i = 0; i < m->pending.count; i++) {
		const struct pending_row *row = m->pending.rows[i];

		limit = row->id <= limit ? row->id - 1 : limit;
	}
	for (size_t i = 0; i < m->dead.count; i++) {
		const struct dead_row *row = m->dead.rows[i];

		limit = row->event_seq <= limit ? row->event_seq - 1 : limit;
	}
	return keep_from > 0 && keep_from <= limit ? keep_from - 1 : limit;
}

static int memory_prune(struct store *s, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from,
			uint32_t max_rows, bool *ret_more, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	uint32_t dead = prune_dead(m, dead_before_ms, max_rows);
	int64_t limit = prune_limit(m, keep_from);
	size_t n = 0;

	(void)fault;
	for (; n < m->log.count && n < max_rows; n++) {
		const struct log_row *row = m->log.rows[n];

		if (row->seq > limit || record_time(row) >= before_ms)
			break;
	}
	rowset_cut(&m->log, 0, n);
	*ret_more = dead == max_rows || n == max_rows;
	return unlock_rows(m, 0);
}

static int memory_checkpoint(struct store *s, struct fault *fault)
{
	(void)s;
	(void)fault;
	return 0;
}

/* --- reading --- */

static int64_t memory_last_seq(struct store *s)
{
	struct memory_rows *m = lock_rows(s);
	int64_t seq = m->last_seq;

	unlock_rows(m, 0);
	return seq;
}

static int64_t memory_floor(struct store *s)
{
	struct memory_rows *m = lock_rows(s);
	int64_t floor = m->floor;

	unlock_rows(m, 0);
	return floor;
}

static int memory_log_walk(struct store *s, int64_t after, int64_t upto, store_log_fn *fn, void *ctx,
			   struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	for (size_t i = log_after(m, after); i < m->log.count; i++) {
		const struct log_row *row = m->log.rows[i];

		if (row->seq > upto || !fn(ctx, row))
			break;
	}
	return unlock_rows(m, 0);
}

static int memory_log_back(struct store *s, int64_t before, uint32_t max_rows, store_log_fn *fn, void *ctx,
			   struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	size_t i = rowset_lower(&m->log, &(struct log_row){ .seq = before });

	(void)fault;
	while (i > 0 && max_rows-- > 0)
		if (!fn(ctx, m->log.rows[--i]))
			break;
	return unlock_rows(m, 0);
}

static int memory_log_get(struct store *s, int64_t seq, store_log_fn *fn, void *ctx, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	const struct log_row *row = rowset_find(&m->log, &(struct log_row){ .seq = seq });

	(void)fault;
	if (row)
		fn(ctx, row);
	return unlock_rows(m, row ? 0 : ERR_NOT_FOUND);
}

static int memory_search(struct store *s, enum search_key what, struct slice project, struct slice key, int64_t before,
			 store_seq_fn *fn, void *ctx, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	for (size_t i = rowset_lower(&m->log, &(struct log_row){ .seq = before }); i-- > 0;) {
		const struct log_row *row = m->log.rows[i];

		if (store_row_matches(s, row, what, project, key) && !fn(ctx, row->seq))
			break;
	}
	return unlock_rows(m, 0);
}

static int due_cmp(const void *a, const void *b)
{
	const struct pending_row *x = *(const struct pending_row *const *)a, *y = *(const struct pending_row *const *)b;

	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static bool query_takes(const struct pending_query *q, const struct pending_row *row)
{
	return row->due_ms <= q->due_upto &&
	       (row->due_ms > q->due_from || (row->due_ms == q->due_from && row->id > q->id_after));
}

static int memory_pending_walk(struct store *s, const struct pending_query *q, store_pending_fn *fn, void *ctx,
			       struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	const struct pending_row **found = mem_alloc(m->pending.count * sizeof(*found)), *row;
	size_t count = 0;

	(void)fault;
	for (size_t i = pending_first(m, q->endpoint); (row = pending_at(m, i, q->endpoint)); i++)
		if (query_takes(q, row))
			found[count++] = row;
	qsort(found, count, sizeof(struct pending_row *), due_cmp);
	for (size_t i = 0; i < count && i < q->max_rows; i++)
		if (!fn(ctx, found[i]))
			break;
	mem_free(found);
	return unlock_rows(m, 0);
}

static int memory_pending_get(struct store *s, uint64_t endpoint, int64_t id, store_pending_fn *fn, void *ctx,
			      struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	struct pending_row *row = rowset_find(&m->pending, &(struct pending_row){ .endpoint = endpoint, .id = id });

	(void)fault;
	if (row)
		fn(ctx, row);
	return unlock_rows(m, row ? 0 : ERR_NOT_FOUND);
}

static void summary_add(struct pending_summary *sum, const struct pending_row *row)
{
	if (row->due_ms == PENDING_READY && sum->ready++ == 0)
		sum->first_ready_id = row->id;
	if (row->due_ms == PENDING_HELD)
		sum->held++;
	if (row->due_ms == PENDING_READY || row->due_ms == PENDING_HELD)
		return;
	sum->waiting++;
	if (row->due_ms < sum->next_due_ms)
		sum->next_due_ms = row->due_ms;
}

static int memory_pending_summary(struct store *s, store_summary_fn *fn, void *ctx, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	const struct pending_row *row;

	(void)fault;
	for (size_t i = 0; i < m->pending.count;) {
		struct pending_summary sum = { .next_due_ms = PENDING_HELD };

		row = m->pending.rows[i];
		sum.endpoint = row->endpoint;
		sum.oldest_seq = row->id;
		for (; (row = pending_at(m, i, sum.endpoint)); i++)
			summary_add(&sum, row);
		if (!fn(ctx, &sum))
			break;
	}
	return unlock_rows(m, 0);
}

static int memory_dead_walk(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows, store_dead_fn *fn,
			    void *ctx, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);
	size_t i = rowset_lower(&m->dead, &(struct dead_row){ .endpoint = endpoint, .event_seq = after });

	(void)fault;
	for (; i < m->dead.count && max_rows > 0; i++) {
		const struct dead_row *row = m->dead.rows[i];

		if (row->endpoint != endpoint)
			break;
		if (row->event_seq == after)
			continue;
		max_rows--;
		if (!fn(ctx, row))
			break;
	}
	return unlock_rows(m, 0);
}

static int memory_docs(struct store *s, struct slice kind, struct slice prefix, store_doc_fn *fn, void *ctx,
		       struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	for (size_t i = rowset_lower(&m->docs, &(struct doc_row){ .kind = kind, .id = prefix }); i < m->docs.count;
	     i++) {
		const struct doc_row *row = m->docs.rows[i];

		if (!slice_eq(row->kind, kind) || !slice_starts(row->id, prefix) || !fn(ctx, row))
			break;
	}
	return unlock_rows(m, 0);
}

static int64_t memory_bytes(struct store *s)
{
	(void)s;
	return 0;
}

/* --- objects: readers belong to other threads, and a step reads while its commit holds the lock --- */

static int get_object(struct store *s, struct slice project, uint16_t kind, struct slice id, struct buf *ret,
		      struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	return unlock_rows(m, memory_object_get(&m->objects, project, kind, id, ret));
}

static int walk_objects(struct store *s, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx,
			struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	memory_object_walk(&m->objects, q, with_text, fn, ctx);
	return unlock_rows(m, 0);
}

static int walk_due(struct store *s, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	memory_objects_due(&m->objects, upto_ms, max, fn, ctx);
	return unlock_rows(m, 0);
}

static int next_due(struct store *s, int64_t *ret, struct fault *fault)
{
	struct memory_rows *m = lock_rows(s);

	(void)fault;
	*ret = memory_objects_next_due(&m->objects);
	return unlock_rows(m, 0);
}

static void put_object(struct store *s, const struct object_row *row)
{
	memory_object_put(&rows_of(s)->objects, row);
}

static void delete_object(struct store *s, struct slice project, uint16_t kind, struct slice id)
{
	memory_object_delete(&rows_of(s)->objects, project, kind, id);
}

static uint32_t drop_objects(struct store *s, struct slice project, uint32_t max)
{
	return memory_objects_drop(&rows_of(s)->objects, project, max);
}

static void put_event(struct store *s, struct event_row *row)
{
	apply_event(rows_of(s), row);
}

static void put_doc(struct store *s, const struct doc_row *row)
{
	apply_doc(rows_of(s), row);
}

/* --- handles --- */

static int memory_reader(struct store *s, struct store **ret, struct fault *fault);

static void memory_close_reader(struct store *s)
{
	mem_free(s);
}

static void memory_close(struct store *s)
{
	struct memory_rows *m = rows_of(s);

	rowset_clear(&m->log);
	rowset_clear(&m->pending);
	rowset_clear(&m->dead);
	rowset_clear(&m->docs);
	memory_objects_clear(&m->objects);
	recent_free(&m->recent);
	pthread_mutex_destroy(&m->lock);
	mem_free(m);
	mem_free(s);
}

#define MEMORY_READS                                                                                                   \
	.reader = memory_reader, .last_seq = memory_last_seq, .floor = memory_floor, .log_walk = memory_log_walk,      \
	.log_back = memory_log_back, .log_get = memory_log_get, .search = memory_search,                               \
	.pending = memory_pending_walk, .pending_get = memory_pending_get, .pending_summary = memory_pending_summary,  \
	.dead = memory_dead_walk, .docs = memory_docs, .bytes = memory_bytes, .object_get = get_object,                \
	.object_walk = walk_objects, .objects_due = walk_due, .objects_next_due = next_due

static const struct store_ops memory_writer_ops = {
	MEMORY_READS,
	.commit = memory_commit,
	.index_step = memory_index_step,
	.prune = memory_prune,
	.checkpoint = memory_checkpoint,
	.close = memory_close,
	.object_put = put_object,
	.object_delete = delete_object,
	.objects_drop = drop_objects,
	.step_event = put_event,
	.step_doc = put_doc,
};

static const struct store_ops memory_reader_ops = { MEMORY_READS, .close = memory_close_reader };

static struct store *memory_handle(const struct store_ops *ops, struct memory_rows *rows)
{
	struct memory *handle = mem_zalloc(sizeof(*handle));

	handle->base.ops = ops;
	handle->base.numbers = rows->numbers;
	handle->rows = rows;
	return &handle->base;
}

static int memory_reader(struct store *s, struct store **ret, struct fault *fault)
{
	(void)fault;
	*ret = memory_handle(&memory_reader_ops, rows_of(s));
	return 0;
}

/* Recursive: steps, and walks over objects, read with the handle that holds it. */
static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

struct store *store_memory_new(const struct store_options *options)
{
	struct memory_rows *m = mem_zalloc(sizeof(*m));

	init_lock(&m->lock);
	m->log = memory_log_set();
	m->pending = memory_pending_set();
	m->dead = memory_dead_set();
	m->docs = memory_doc_set();
	memory_objects_init(&m->objects);
	m->index_run = options->index_run > 0 ? options->index_run : STORE_INDEX_RUN;
	m->numbers = options->numbers;
	m->recent = recent_new(options->recent_ids);
	random_secure(&m->recent_key, sizeof(m->recent_key));
	return memory_handle(&memory_writer_ops, m);
}
