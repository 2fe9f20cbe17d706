/*
 * Retention. Dead letters that are too old go first, since they hold the log back; then the log loses rows from its
 * front while they are old and nothing names them, in chunks, so that no commit waits long. What is dropped is one
 * contiguous range of the b-tree, and with it whole runs of the search index.
 */
#include "store/sqlite_impl.h"

struct prune {
	int64_t before_ms, dead_before_ms, keep_from;
	uint32_t max_rows;
	bool more;
};

static int prune_dead(struct sqlite_store *s, struct prune *p)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_DEAD_PRUNE);
	int rc;

	sqlite3_bind_int64(stmt, 1, p->dead_before_ms);
	sqlite3_bind_int64(stmt, 2, p->max_rows);
	rc = sqlite_run(s, stmt);
	if (rc == SQLITE_OK && sqlite3_changes64(s->db) == p->max_rows)
		p->more = true;
	return rc;
}

/*
 * Lowers *limit below the smallest seq that a row of a table names: the first of each endpoint, along the primary key.
 */
static int keep_named(struct sqlite_store *s, enum sqlite_statement next, int64_t *limit)
{
	sqlite3_stmt *stmt = sqlite_statement(s, next);
	int64_t endpoint = INT64_MIN;
	int rc;

	do {
		int64_t seq;

		sqlite3_bind_int64(stmt, 1, endpoint);
		rc = sqlite_step(s, stmt);
		endpoint = sqlite3_column_int64(stmt, 0);
		seq = sqlite3_column_int64(stmt, 1);
		if (rc == SQLITE_ROW && seq <= *limit)
			*limit = seq - 1;
		sqlite3_reset(stmt);
	} while (rc == SQLITE_ROW);
	return sqlite_done(stmt, rc);
}

/*
 * The last seq of the old rows at the front, none above limit. A damaged row has no time and goes with those before it.
 */
static int find_cut(struct sqlite_store *s, struct prune *p, int64_t limit, int64_t *ret_cut)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_WALK);
	struct log_row row;
	uint32_t rows = 0;
	int rc;

	*ret_cut = 0;
	sqlite3_bind_int64(stmt, 1, INT64_MIN);
	sqlite3_bind_int64(stmt, 2, limit);
	sqlite3_bind_int64(stmt, 3, p->max_rows);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		if (record_time(&row) >= p->before_ms)
			break;
		*ret_cut = row.seq;
		rows++;
	}
	if (rows == p->max_rows)
		p->more = true;
	return sqlite_done(stmt, rc);
}

/* The seq goes on from the highest ever given out, also when the log ends up empty. */
static int cut_log(struct sqlite_store *s, int64_t cut)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_CUT);
	int rc;

	sqlite3_bind_int64(stmt, 1, cut);
	rc = sqlite_run(s, stmt);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_put(s, "last_seq", s->last_seq);
	return rc == SQLITE_OK ? sqlite_index_cut(s, cut) : rc;
}

static int prune(struct sqlite_store *s, void *ctx)
{
	struct prune *p = ctx;
	int64_t limit = s->floor, cut;
	int rc = prune_dead(s, p);

	if (p->keep_from > 0 && p->keep_from <= limit)
		limit = p->keep_from - 1;
	if (rc == SQLITE_OK)
		rc = keep_named(s, SQL_PENDING_NEXT_ENDPOINT, &limit);
	if (rc == SQLITE_OK)
		rc = keep_named(s, SQL_DEAD_NEXT_ENDPOINT, &limit);
	if (rc == SQLITE_OK)
		rc = find_cut(s, p, limit, &cut);
	return rc == SQLITE_OK && cut > 0 ? cut_log(s, cut) : rc;
}

int sqlite_prune(struct store *base, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from, uint32_t max_rows,
		 bool *ret_more, struct fault *fault)
{
	struct prune p = { before_ms, dead_before_ms, keep_from, max_rows, false };
	int err = sqlite_write(sqlite_of(base), prune, &p, fault);

	if (!err)
		*ret_more = p.more;
	return err;
}
