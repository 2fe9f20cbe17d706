/*
 * Reading log, dead letters and docs. Every row's checksum is verified before anybody sees
 * it: a damaged log row is handed out as such, so that one bad sector costs one row and
 * not the walk; a damaged doc stops, because settings half believed are worse than none.
 */
#include "store/sqlite_impl.h"

#include "store/checksum.h"

/* --- numbers --- */

int sqlite_read_first_seq(struct sqlite_store *s, int64_t *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_FIRST);
	int rc = sqlite_step(s, stmt);

	*ret = sqlite3_column_int64(stmt, 0); /* NULL, read as 0, in an empty log */
	return sqlite_done(stmt, rc);
}

int sqlite_read_last_seq(struct sqlite_store *s, int64_t *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_LAST);
	int64_t last, pruned = 0;
	int rc = sqlite_step(s, stmt);

	last = sqlite3_column_int64(stmt, 0); /* NULL, read as 0, in an empty log */
	rc = sqlite_done(stmt, rc);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_get(s, "last_seq", &pruned);
	if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND)
		return rc;
	*ret = last > pruned ? last : pruned;
	return SQLITE_OK;
}

/* A reader asks the database; the writer knows, and its memory is what the next commit goes by. */
static int refresh(struct sqlite_store *s)
{
	int rc;

	if (s->base.ops->commit)
		return SQLITE_OK;
	rc = sqlite_meta_get(s, "floor", &s->floor);
	return rc == SQLITE_OK ? sqlite_read_last_seq(s, &s->last_seq) : rc;
}

int64_t sqlite_last_seq(struct store *base)
{
	struct sqlite_store *s = sqlite_of(base);

	refresh(s);
	return s->last_seq;
}

int64_t sqlite_floor(struct store *base)
{
	struct sqlite_store *s = sqlite_of(base);

	refresh(s);
	return s->floor;
}

static int64_t file_bytes(struct sqlite_store *s, int which)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(s->db, NULL, which, &file) != SQLITE_OK || !file || !file->pMethods)
		return 0;
	return file->pMethods->xFileSize(file, &size) == SQLITE_OK ? size : 0;
}

int64_t sqlite_bytes(struct store *base)
{
	struct sqlite_store *s = sqlite_of(base);

	return file_bytes(s, SQLITE_FCNTL_FILE_POINTER) + file_bytes(s, SQLITE_FCNTL_JOURNAL_POINTER);
}

/* --- log --- */

void sqlite_log_row(struct sqlite_store *s, sqlite3_stmt *stmt, struct log_row *ret)
{
	record_read_log(sqlite_bytes_of(stmt, 1), sqlite3_column_int64(stmt, 0), &s->scratch, ret);
}

static int walk_log(struct sqlite_store *s, enum sqlite_statement which, const int64_t bounds[3], store_log_fn *fn,
		    void *ctx, struct fault *fault)
{
	sqlite3_stmt *stmt = sqlite_statement(s, which);
	struct log_row row;
	int rc;

	for (int i = 0; i < 3; i++)
		sqlite3_bind_int64(stmt, i + 1, bounds[i]);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		if (!fn(ctx, &row))
			break;
	}
	return sqlite_fault(s, sqlite_done(stmt, rc), fault);
}

int sqlite_log_walk(struct store *s, int64_t after, int64_t upto, store_log_fn *fn, void *ctx, struct fault *fault)
{
	return walk_log(sqlite_of(s), SQL_LOG_WALK, (int64_t[]){ after, upto, -1 }, fn, ctx, fault);
}

int sqlite_log_back(struct store *s, int64_t before, uint32_t max_rows, store_log_fn *fn, void *ctx,
		    struct fault *fault)
{
	return walk_log(sqlite_of(s), SQL_LOG_BACK, (int64_t[]){ before, INT64_MIN, max_rows }, fn, ctx, fault);
}

int sqlite_log_get(struct store *base, int64_t seq, store_log_fn *fn, void *ctx, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_GET);
	struct log_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, seq);
	rc = sqlite_step(s, stmt);
	if (rc == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		fn(ctx, &row);
	}
	if (sqlite_done(stmt, rc) == SQLITE_OK)
		return rc == SQLITE_ROW ? 0 : ERR_NOT_FOUND;
	return sqlite_fault(s, rc, fault);
}

/* --- dead letters --- */

int sqlite_dead(struct store *base, uint64_t endpoint, int64_t after, uint32_t max_rows, store_dead_fn *fn, void *ctx,
		struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_DEAD_WALK);
	int rc;

	sqlite3_bind_int64(stmt, 1, (int64_t)endpoint);
	sqlite3_bind_int64(stmt, 2, after);
	sqlite3_bind_int64(stmt, 3, max_rows);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		struct dead_row row = { endpoint, sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2),
					sqlite3_column_int64(stmt, 3) };

		if (!fn(ctx, &row))
			break;
	}
	return sqlite_fault(s, sqlite_done(stmt, rc), fault);
}

/* --- docs --- */

int64_t sqlite_doc_sum(const struct doc_row *row)
{
	return (int64_t)checksum(row->text, checksum(row->id, checksum(row->kind, 0)));
}

int sqlite_docs(struct store *base, struct slice kind, struct slice prefix, store_doc_fn *fn, void *ctx,
		struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_DOC_WALK);
	struct doc_row row;
	int rc, err = 0;

	sqlite_bind(stmt, 1, kind);
	sqlite_bind(stmt, 2, prefix);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		row = (struct doc_row){ sqlite_bytes_of(stmt, 0), sqlite_bytes_of(stmt, 1), sqlite_bytes_of(stmt, 2) };
		if (!slice_starts(row.id, prefix))
			break;
		if (sqlite3_column_int64(stmt, 3) != sqlite_doc_sum(&row)) {
			err = sqlite_damaged(s, "the setting", row.id, fault);
			break;
		}
		if (!fn(ctx, &row))
			break;
	}
	rc = sqlite_done(stmt, rc);
	return err ? err : sqlite_fault(s, rc, fault);
}
