/*
 * The search index, filled behind the log. Random keys cost five times the append itself, so nothing is indexed on the way in: when the
 * store is idle, or far behind, a step reads the next rows of the log, hashes what can be searched for, sorts, and inserts in order of key.
 * The cursor ("indexed") moves in the same commit, so each row is indexed once.
 *
 * Tables cover a range of seqs each and are dropped with it: no deletes in an index. A hash finds too much now and then, so each seq
 * found is verified against its row. A search walks the unindexed tail first and then the tables, newest first: all seqs of the tail are
 * above all of the index, so that is the merge.
 */
#include "store/sqlite_impl.h"

#include <stdlib.h>

#include "base/mem.h"

#define SQL_TEXT 160

struct entry {
	int64_t range, key, seq;
};

struct index_step {
	uint32_t max_rows, rows;
	int64_t last; /* seq of the last row read */
	bool more;
	struct entry *entries;
	size_t count, cap;
};

/* --- keys --- */

static int64_t search_hash(const struct sqlite_store *s, enum search_key what, struct slice project, struct slice key)
{
	struct hash_key k = { s->index_key.k0 ^ hash_bytes(&s->index_key, project), s->index_key.k1 + what };

	return (int64_t)hash_bytes(&k, key);
}

static int64_t event_seq_hash(const struct sqlite_store *s, int64_t seq)
{
	return (int64_t)hash_u64((uint64_t)seq ^ s->index_key.k0);
}

static void add_entry(const struct sqlite_store *s, struct index_step *step, int64_t key, int64_t seq)
{
	if (step->count == step->cap) {
		step->cap = step->cap ? 2 * step->cap : 256;
		step->entries = mem_realloc(step->entries, step->cap * sizeof(*step->entries));
	}
	step->entries[step->count++] = (struct entry){ seq / s->index_range, key, seq };
}

static void add_row(const struct sqlite_store *s, struct index_step *step, const struct log_row *row)
{
	const struct event_row *e = &row->u.event;

	if (row->damaged)
		return;
	if (!row->is_event) {
		for (uint32_t i = 0; i < row->u.attempt.item_count; i++)
			add_entry(s, step, event_seq_hash(s, row->u.attempt.items[i].event_seq), row->seq);
		return;
	}
	add_entry(s, step, search_hash(s, SEARCH_EVENT_ID, e->project, e->id), row->seq);
	if (e->message_id.n > 0)
		add_entry(s, step, search_hash(s, SEARCH_MESSAGE_ID, e->project, e->message_id), row->seq);
}

/* --- filling --- */

static int entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->range != y->range)
		return x->range < y->range ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int read_rows(struct sqlite_store *s, struct index_step *step)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_WALK);
	struct log_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, s->indexed);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, (int64_t)step->max_rows + 1);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW && step->rows < step->max_rows) {
		sqlite_log_row(s, stmt, &row);
		add_row(s, step, &row);
		step->last = row.seq;
		step->rows++;
	}
	step->more = rc == SQLITE_ROW;
	return sqlite_done(stmt, rc);
}

static sqlite3_stmt *prepare_for(struct sqlite_store *s, const char *format, int64_t range)
{
	sqlite3_stmt *stmt = NULL;
	char sql[SQL_TEXT];

	sqlite3_snprintf(sizeof(sql), sql, format, (long long)range);
	sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
	return stmt;
}

static int make_table(struct sqlite_store *s, int64_t range)
{
	sqlite3_stmt *stmt =
		prepare_for(s,
			    "CREATE TABLE IF NOT EXISTS search_%lld (key INTEGER NOT NULL, seq INTEGER NOT NULL,"
			    " PRIMARY KEY (key, seq)) WITHOUT ROWID",
			    range);
	int rc = sqlite_run(s, stmt);

	sqlite3_finalize(stmt);
	return rc;
}

/* All entries of one range, which are sorted. OR IGNORE: an attempt may name an event twice, and hashes may meet. */
static int insert_range(struct sqlite_store *s, const struct entry *entries, size_t count)
{
	int rc = make_table(s, entries[0].range);
	sqlite3_stmt *stmt;

	if (rc != SQLITE_OK)
		return rc;
	stmt = prepare_for(s, "INSERT OR IGNORE INTO search_%lld (key, seq) VALUES (?1, ?2)", entries[0].range);
	if (!stmt)
		rc = sqlite3_extended_errcode(s->db);
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
		sqlite3_bind_int64(stmt, 1, entries[i].key);
		sqlite3_bind_int64(stmt, 2, entries[i].seq);
		rc = sqlite_run(s, stmt);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int index_rows(struct sqlite_store *s, void *ctx)
{
	struct index_step *step = ctx;
	int rc = read_rows(s, step);

	if (rc != SQLITE_OK || step->rows == 0)
		return rc;
	if (step->count > 0)
		qsort(step->entries, step->count, sizeof(*step->entries), entry_cmp);
	for (size_t from = 0, upto; from < step->count && rc == SQLITE_OK; from = upto) {
		for (upto = from; upto < step->count && step->entries[upto].range == step->entries[from].range;)
			upto++;
		rc = insert_range(s, step->entries + from, upto - from);
	}
	return rc == SQLITE_OK ? sqlite_meta_put(s, "indexed", step->last) : rc;
}

int sqlite_index_step(struct store *base, uint32_t max_rows, bool *ret_more, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	struct index_step step = { .max_rows = max_rows };
	int err;

	if (s->indexed >= s->last_seq) { /* no empty commit for nothing */
		*ret_more = false;
		return 0;
	}
	err = sqlite_write(s, index_rows, &step, fault);
	mem_free(step.entries);
	if (err)
		return err;
	if (step.rows > 0)
		s->indexed = step.last;
	*ret_more = step.more;
	return 0;
}

/* --- searching --- */

struct search {
	enum search_key what;
	struct slice project, key;
	int64_t hash, before;
	store_seq_fn *fn;
	void *ctx;
	bool stopped;
};

static void search_row(struct search *q, const struct log_row *row)
{
	if (store_row_matches(row, q->what, q->project, q->key) && !q->fn(q->ctx, row->seq))
		q->stopped = true;
}

static int search_tail(struct sqlite_store *s, struct search *q, int64_t indexed)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_BACK);
	struct log_row row;
	int rc = SQLITE_DONE;

	sqlite3_bind_int64(stmt, 1, q->before);
	sqlite3_bind_int64(stmt, 2, indexed);
	sqlite3_bind_int64(stmt, 3, -1);
	while (!q->stopped && (rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		search_row(q, &row);
	}
	return sqlite_done(stmt, rc);
}

static int search_seq(struct sqlite_store *s, struct search *q, int64_t seq)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_GET);
	struct log_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, seq);
	rc = sqlite_step(s, stmt);
	if (rc == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		search_row(q, &row);
	}
	return sqlite_done(stmt, rc);
}

static int search_range(struct sqlite_store *s, int64_t range, void *ctx)
{
	struct search *q = ctx;
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE, end = SQLITE_OK;

	if (q->stopped)
		return SQLITE_OK;
	stmt = prepare_for(s, "SELECT seq FROM search_%lld WHERE key = ?1 AND seq < ?2 ORDER BY seq DESC", range);
	sqlite3_bind_int64(stmt, 1, q->hash);
	sqlite3_bind_int64(stmt, 2, q->before);
	while (end == SQLITE_OK && !q->stopped && (rc = sqlite_step(s, stmt)) == SQLITE_ROW)
		end = search_seq(s, q, sqlite3_column_int64(stmt, 0));
	rc = sqlite_done(stmt, rc);
	sqlite3_finalize(stmt);
	return end == SQLITE_OK ? rc : end;
}

int sqlite_ranges(struct sqlite_store *s, sqlite_range_fn *fn, void *ctx)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_SEARCH_TABLES);
	int64_t *ranges = NULL;
	size_t count = 0;
	int rc;

	/* collected first: fn may drop the tables that this reads about */
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		ranges = mem_realloc(ranges, (count + 1) * sizeof(*ranges));
		ranges[count++] = sqlite3_column_int64(stmt, 0);
	}
	rc = sqlite_done(stmt, rc);
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
		rc = fn(s, ranges[i], ctx);
	mem_free(ranges);
	return rc;
}

static int search_all(struct sqlite_store *s, struct search *q)
{
	int64_t indexed;
	int rc = sqlite_meta_get(s, "indexed", &indexed);

	if (rc == SQLITE_OK)
		rc = search_tail(s, q, indexed);
	return rc == SQLITE_OK && !q->stopped ? sqlite_ranges(s, search_range, q) : rc;
}

int sqlite_search(struct store *base, enum search_key what, struct slice project, struct slice key, int64_t before,
		  store_seq_fn *fn, void *ctx, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	struct search q = { .what = what, .project = project, .key = key, .before = before, .fn = fn, .ctx = ctx };
	long long seq;
	int rc;

	if (key.n == 0 || (what == SEARCH_EVENT_SEQ && !slice_to_i64(key, &seq)))
		return 0; /* matches nothing */
	q.hash = what == SEARCH_EVENT_SEQ ? event_seq_hash(s, seq) : search_hash(s, what, project, key);
	rc = sqlite_read_begin(s); /* cursor, tail and tables of one moment */
	if (rc == SQLITE_OK)
		rc = sqlite_read_end(s, search_all(s, &q));
	return sqlite_fault(s, rc, fault);
}

/* --- dropping --- */

static int cut_range(struct sqlite_store *s, int64_t range, void *ctx)
{
	const int64_t *upto = ctx;
	sqlite3_stmt *stmt;
	int rc;

	if ((range + 1) * s->index_range - 1 > *upto)
		return SQLITE_OK;
	stmt = prepare_for(s, "DROP TABLE search_%lld", range);
	rc = sqlite_run(s, stmt);
	sqlite3_finalize(stmt);
	return rc;
}

int sqlite_index_cut(struct sqlite_store *s, int64_t upto)
{
	return sqlite_ranges(s, cut_range, &upto);
}
