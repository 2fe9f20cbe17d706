/*
 * The commit: changes of many transactions, in order, in one SQLite transaction. Good weather is nothing but appends to
 * `log`, at the end of one b-tree, collected and inserted sixteen at a time; the floor is written once, where a change
 * asks for it; what goes wrong pays in `pending` and `dead`.
 *
 * What lives in memory (last seq, floor, recent ids) follows the disk: it is taken back when the transaction is.
 */
#include "store/sqlite_impl.h"

#include <assert.h>

#include "base/digest.h"
#include "base/mem.h"

#define MANY_BYTES                                                                                                     \
	65536 /* collected log rows are written when they come to this, so that a few large ones don't fill memory */

struct sqlite_commit {
	struct tx *const *txs;
	size_t count;
	int64_t last_seq, floor; /* as they will be */
	bool floor_put;		 /* a change asks for it */
	uint64_t events;	 /* ids added to the recent ones */
	int64_t last_attempt;	 /* of the transaction at hand */
	uint64_t *hashes, *hash; /* of all events, in order; of the next one */
	int rows;		 /* collected in s->log_rows, the last of them with seq last_seq */
	size_t ends[LOG_MANY];	 /* where each ends there */
};

/* --- the log --- */

static struct slice log_row_at(const struct sqlite_store *s, const struct sqlite_commit *c, int row)
{
	size_t start = row > 0 ? c->ends[row - 1] : 0;

	return slice_of(s->log_rows.p + start, c->ends[row] - start);
}

/*
 * Half of what an insertion costs is to begin and to end its statement, and a
 * third of the rest to find the place. So: many at once, and SQLite counts.
 */
static int write_many(struct sqlite_store *s, struct sqlite_commit *c)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_ADD_MANY);
	int rc;

	for (int row = 0; row < LOG_MANY; row++)
		sqlite_bind(stmt, row + 1, log_row_at(s, c, row));
	rc = sqlite_run(s, stmt);
	return rc == SQLITE_OK && sqlite3_last_insert_rowid(s->db) != c->last_seq ? SQLITE_CORRUPT : rc;
}

static int write_one(struct sqlite_store *s, struct sqlite_commit *c, int row)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_ADD);

	sqlite3_bind_int64(stmt, 1, c->last_seq - c->rows + row + 1);
	sqlite_bind(stmt, 2, log_row_at(s, c, row));
	return sqlite_run(s, stmt);
}

static int write_log(struct sqlite_store *s, struct sqlite_commit *c)
{
	int rc = SQLITE_OK;

	if (c->rows == LOG_MANY)
		rc = write_many(s, c);
	else
		for (int row = 0; row < c->rows && rc == SQLITE_OK; row++)
			rc = write_one(s, c, row);
	c->rows = 0;
	buf_reset(&s->log_rows);
	return rc;
}

/*
 * The row of last_seq stands at the end of s->log_rows. The first one of a commit goes at once, alone and with its
 * number: where the log was pruned empty SQLite would count from 1.
 */
static int add_log(struct sqlite_store *s, struct sqlite_commit *c)
{
	bool first = c->last_seq == s->last_seq + 1;

	c->ends[c->rows++] = s->log_rows.n;
	return first || c->rows == LOG_MANY || s->log_rows.n >= MANY_BYTES ? write_log(s, c) : SQLITE_OK;
}

/* --- duplicates --- */

static uint64_t event_hash(const struct sqlite_store *s, struct slice project, struct slice id)
{
	struct hash_key key = { s->recent_key.k0 ^ hash_bytes(&s->recent_key, project), s->recent_key.k1 };

	return hash_bytes(&key, id);
}

/*
 * All hashes before the first look-up, each asking for the memory that its look-up will need: a million ids are more
 * than a processor keeps near, and this way it waits for many of them at once.
 */
static void hash_events(struct sqlite_store *s, struct sqlite_commit *c)
{
	size_t changes = 0, events = 0;

	for (size_t i = 0; i < c->count; i++)
		changes += c->txs[i]->count;
	c->hash = c->hashes = mem_alloc(changes * sizeof(*c->hashes));
	for (size_t i = 0; i < c->count; i++)
		for (const struct change *change = c->txs[i]->first; change; change = change->next)
			if (change->kind == CHANGE_EVENT) {
				uint64_t hash = event_hash(s, change->u.event.project, change->u.event.id);

				recent_prefetch(s->recent, hash);
				c->hashes[events++] = hash;
			}
}

struct same_event {
	struct sqlite_store *s;
	struct sqlite_commit *c;
	const struct event_row *row;
	int rc;
};

/* A hash is no proof. A row that is pruned or damaged is no proof either: then the event is stored (again). */
static bool same_event(void *ctx, int64_t seq)
{
	struct same_event *look = ctx;
	sqlite3_stmt *stmt = sqlite_statement(look->s, SQL_LOG_GET);
	struct log_row row;
	bool same = false;
	int rc = write_log(look->s, look->c); /* it may be one of those */

	if (rc != SQLITE_OK) {
		look->rc = rc;
		return false;
	}
	sqlite3_bind_int64(stmt, 1, seq);
	rc = sqlite_step(look->s, stmt);
	if (rc == SQLITE_ROW) {
		sqlite_log_row(look->s, stmt, &row);
		same = store_row_matches(&look->s->base, &row, SEARCH_EVENT_ID, look->row->project, look->row->id);
	}
	rc = sqlite_done(stmt, rc);
	if (rc != SQLITE_OK)
		look->rc = rc;
	return same;
}

/* Collects the newest ids backwards, then adds them in the order in which they came. */
int sqlite_recent_fill(struct sqlite_store *s, uint32_t limit)
{
	struct found {
		uint64_t hash;
		int64_t seq;
	} *found = NULL;
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_BACK);
	size_t count = 0, cap = 0;
	struct slice project, id;
	int rc = SQLITE_DONE;

	random_secure(&s->recent_key, sizeof(s->recent_key));
	s->recent = recent_new(limit);
	sqlite3_bind_int64(stmt, 1, INT64_MAX);
	sqlite3_bind_int64(stmt, 2, INT64_MIN);
	sqlite3_bind_int64(stmt, 3, -1);
	while (count < limit && (rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		if (!record_peek_event(sqlite_bytes_of(stmt, 1), &project, &id))
			continue;
		if (count == cap) {
			cap = cap ? 2 * cap : 64;
			found = mem_realloc(found, cap * sizeof(*found));
		}
		found[count++] = (struct found){ event_hash(s, project, id), sqlite3_column_int64(stmt, 0) };
	}
	rc = sqlite_done(stmt, rc);
	while (count > 0) {
		count--;
		recent_add(s->recent, found[count].hash, found[count].seq);
	}
	mem_free(found);
	return rc;
}

/* --- the changes --- */

static int apply_event(struct sqlite_store *s, struct sqlite_commit *c, struct event_row *row, uint64_t hash)
{
	struct same_event look = { s, c, row, SQLITE_OK };

	row->seq = 0;
	row->duplicate_of = recent_find(s->recent, hash, same_event, &look);
	if (look.rc != SQLITE_OK || row->duplicate_of)
		return look.rc;
	row->seq = ++c->last_seq;
	recent_add(s->recent, hash, row->seq);
	c->events++;
	record_event(&s->log_rows, row->seq, row);
	return add_log(s, c);
}

static int apply_attempt(struct sqlite_store *s, struct sqlite_commit *c, struct attempt_row *row)
{
	row->seq = c->last_attempt = ++c->last_seq;
	record_attempt(&s->log_rows, row->seq, row);
	return add_log(s, c);
}

static int put_pending(struct sqlite_store *s, const struct pending_row *row)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_PENDING_PUT);

	buf_reset(&s->body);
	record_pending(&s->body, row);
	sqlite3_bind_int64(stmt, 1, (int64_t)row->endpoint);
	sqlite3_bind_int64(stmt, 2, row->id);
	sqlite3_bind_int64(stmt, 3, row->due_ms);
	sqlite3_bind_int64(stmt, 4, (int64_t)row->replay);
	sqlite3_bind_int64(stmt, 5, row->attempts);
	sqlite_bind(stmt, 6, buf_slice(&s->body));
	return sqlite_run(s, stmt);
}

void sqlite_step_event(struct store *base, struct event_row *row)
{
	struct sqlite_store *s = sqlite_of(base);

	if (s->step_rc == SQLITE_OK)
		s->step_rc = apply_event(s, s->commit, row, event_hash(s, row->project, row->id));
	if (s->step_rc != SQLITE_OK)
		row->seq = row->duplicate_of = 0;
}

/* The statements that name rows by up to three numbers. */
static int run_named(struct sqlite_store *s, enum sqlite_statement which, const int64_t *names, int count)
{
	sqlite3_stmt *stmt = sqlite_statement(s, which);

	for (int i = 0; i < count; i++)
		sqlite3_bind_int64(stmt, i + 1, names[i]);
	return sqlite_run(s, stmt);
}

static int put_dead(struct sqlite_store *s, const struct sqlite_commit *c, const struct dead_row *row)
{
	int64_t attempt = row->attempt_seq ? row->attempt_seq : c->last_attempt;
	int64_t values[] = { (int64_t)row->endpoint, row->event_seq, attempt, row->time_ms };

	return run_named(s, SQL_DEAD_PUT, values, 4);
}

static int put_doc(struct sqlite_store *s, const struct doc_row *row)
{
	sqlite3_stmt *stmt = sqlite_statement(s, row->text.p ? SQL_DOC_PUT : SQL_DOC_DELETE);

	sqlite_bind(stmt, 1, row->kind);
	sqlite_bind(stmt, 2, row->id);
	if (row->text.p) {
		sqlite_bind(stmt, 3, row->text);
		sqlite3_bind_int64(stmt, 4, sqlite_doc_sum(row));
	}
	return sqlite_run(s, stmt);
}

void sqlite_step_doc(struct store *base, const struct doc_row *row)
{
	struct sqlite_store *s = sqlite_of(base);

	if (s->step_rc == SQLITE_OK)
		s->step_rc = put_doc(s, row);
}

static int apply(struct sqlite_store *s, struct sqlite_commit *c, struct change *change)
{
	const struct pending_row *p = &change->u.pending;
	int64_t endpoint = (int64_t)p->endpoint;

	switch (change->kind) {
	case CHANGE_EVENT:
		return apply_event(s, c, &change->u.event, *c->hash++);
	case CHANGE_ATTEMPT:
		return apply_attempt(s, c, &change->u.attempt);
	case CHANGE_PENDING_PUT:
		return put_pending(s, p);
	case CHANGE_PENDING_END:
		return run_named(s, SQL_PENDING_END, (int64_t[]){ endpoint, p->id }, 2);
	case CHANGE_PENDING_CANCEL:
		return run_named(s, SQL_PENDING_CANCEL, (int64_t[]){ endpoint, (int64_t)p->replay }, 2);
	case CHANGE_PENDING_DROP:
		return run_named(s, SQL_PENDING_DROP, &endpoint, 1);
	case CHANGE_DEAD:
		return put_dead(s, c, &change->u.dead);
	case CHANGE_DEAD_END:
		return run_named(s, SQL_DEAD_END,
				 (int64_t[]){ (int64_t)change->u.dead.endpoint, change->u.dead.event_seq }, 2);
	case CHANGE_FLOOR:
		assert(change->u.floor <= c->last_seq);
		c->floor = change->u.floor;
		c->floor_put = true;
		return SQLITE_OK;
	case CHANGE_DOC:
		return put_doc(s, &change->u.doc);
	case CHANGE_STEP:
		store_run_step(&s->base, change);
		return s->step_rc;
	}
	return SQLITE_INTERNAL;
}

static int apply_all(struct sqlite_store *s, void *ctx)
{
	struct sqlite_commit *c = ctx;
	int rc = SQLITE_OK;

	hash_events(s, c);
	for (size_t i = 0; i < c->count; i++) {
		c->last_attempt = 0;
		for (struct change *change = c->txs[i]->first; change && rc == SQLITE_OK; change = change->next)
			rc = apply(s, c, change);
	}
	if (rc == SQLITE_OK)
		rc = write_log(s, c);
	/* Also when it is the same as before: that is how the node asks a full disk whether there is room again. */
	if (rc == SQLITE_OK && c->floor_put)
		rc = sqlite_meta_put(s, "floor", c->floor);
	return rc;
}

int sqlite_commit(struct store *base, struct tx *const *txs, size_t n, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	struct sqlite_commit c = { .txs = txs, .count = n, .last_seq = s->last_seq, .floor = s->floor };
	int64_t last_object = s->last_object;
	int err;

	buf_reset(&s->log_rows);
	s->commit = &c;
	err = sqlite_write(s, apply_all, &c, fault);
	s->commit = NULL;
	s->step_rc = SQLITE_OK;
	mem_free(c.hashes);
	if (err) {
		recent_undo(s->recent, c.events);
		sqlite_near_clear(s);
		s->last_object = last_object;
		return err;
	}
	recent_settle(s->recent);
	s->last_seq = c.last_seq;
	s->floor = c.floor;
	return 0;
}
