/*
 * Reading what is pending. The engine feeds on this while an endpoint catches up, a hundred
 * rows at a time out of a million, so every walk here starts where the last one ended and
 * goes along an index; the summary counts in the index of one endpoint after another.
 */
#include "store/sqlite_impl.h"

static void pending_row_of(struct sqlite_store *s, sqlite3_stmt *stmt, struct pending_row *ret)
{
	*ret = (struct pending_row){
		.endpoint = (uint64_t)sqlite3_column_int64(stmt, 0),
		.id = sqlite3_column_int64(stmt, 1),
		.due_ms = sqlite3_column_int64(stmt, 2),
		.replay = (uint64_t)sqlite3_column_int64(stmt, 3),
		.attempts = (uint32_t)sqlite3_column_int64(stmt, 4),
	};
	record_read_pending(sqlite_bytes_of(stmt, 5), &s->scratch, ret);
}

int sqlite_pending(struct store *base, const struct pending_query *q, store_pending_fn *fn, void *ctx,
		   struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_PENDING_DUE);
	struct pending_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, (int64_t)q->endpoint);
	sqlite3_bind_int64(stmt, 2, q->due_from);
	sqlite3_bind_int64(stmt, 3, q->id_after);
	sqlite3_bind_int64(stmt, 4, q->due_upto);
	sqlite3_bind_int64(stmt, 5, q->max_rows);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		pending_row_of(s, stmt, &row);
		if (!fn(ctx, &row))
			break;
	}
	return sqlite_fault(s, sqlite_done(stmt, rc), fault);
}

int sqlite_pending_get(struct store *base, uint64_t endpoint, int64_t id, store_pending_fn *fn, void *ctx,
		       struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_PENDING_GET);
	struct pending_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, (int64_t)endpoint);
	sqlite3_bind_int64(stmt, 2, id);
	rc = sqlite_step(s, stmt);
	if (rc == SQLITE_ROW) {
		pending_row_of(s, stmt, &row);
		fn(ctx, &row);
	}
	if (sqlite_done(stmt, rc) == SQLITE_OK)
		return rc == SQLITE_ROW ? 0 : ERR_NOT_FOUND;
	return sqlite_fault(s, rc, fault);
}

/* The first endpoint above this one that has rows, and its smallest id. SQLITE_DONE when there is none. */
static int next_endpoint(struct sqlite_store *s, int64_t above, struct pending_summary *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_PENDING_NEXT_ENDPOINT);
	int rc, end;

	sqlite3_bind_int64(stmt, 1, above);
	rc = sqlite_step(s, stmt);
	*ret = (struct pending_summary){ .endpoint = (uint64_t)sqlite3_column_int64(stmt, 0),
					 .oldest_seq = sqlite3_column_int64(stmt, 1) };
	end = sqlite_done(stmt, rc);
	return end == SQLITE_OK ? rc : end;
}

static int summarize(struct sqlite_store *s, struct pending_summary *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_PENDING_SUMMARY);
	int rc;

	sqlite3_bind_int64(stmt, 1, (int64_t)ret->endpoint);
	rc = sqlite_step(s, stmt);
	ret->ready = sqlite3_column_int64(stmt, 0);
	ret->waiting = sqlite3_column_int64(stmt, 1);
	ret->held = sqlite3_column_int64(stmt, 2);
	ret->first_ready_id = sqlite3_column_int64(stmt, 3);
	ret->next_due_ms = ret->waiting > 0 ? sqlite3_column_int64(stmt, 4) : PENDING_HELD;
	return sqlite_done(stmt, rc);
}

int sqlite_pending_summary(struct store *base, store_summary_fn *fn, void *ctx, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	struct pending_summary sum;
	int64_t above = INT64_MIN;
	int rc = sqlite_read_begin(s);

	while (rc == SQLITE_OK && (rc = next_endpoint(s, above, &sum)) == SQLITE_ROW) {
		rc = summarize(s, &sum);
		above = (int64_t)sum.endpoint;
		if (rc == SQLITE_OK && !fn(ctx, &sum))
			break;
	}
	return sqlite_fault(s, sqlite_read_end(s, rc == SQLITE_DONE ? SQLITE_OK : rc), fault);
}
