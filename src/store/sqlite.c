/*
 * The ground under the SQLite store: its statements as one table, SQLite's result codes as another, numbers of its own
 * (meta), and the write transaction in which everything changes.
 *
 * What a failure means is decided here and nowhere else. A full disk is taken back whole and may be
 * tried again. After anything else the outcome is unknown (an fsync that failed may have dropped the
 * pages it did not write, and a second fsync would say OK), so the handle is broken from then on: it
 * commits nothing, and it does not checkpoint when it is closed, because a checkpoint ends by trusting
 * an fsync and throwing the WAL away. Opening anew starts from what the disk holds (sqlite_settle.c).
 *
 * For the same reason SQLite's own automatic checkpoint is off: it drops the errors it meets.
 */
#include "store/sqlite_impl.h"

#include <assert.h>
#include <errno.h>

#include "store/checksum.h"

/* 32 MB: a checkpoint's two fsyncs are noise beside the commits' by then, and a start after a crash reads little. */
#define CHECKPOINT_PAGES 4000

#define FOUR_ROWS "(?),(?),(?),(?)"

/* There is one already only where damage left it behind: it is taken over. OR ROLLBACK: as below. */
#define ADD_ENTRIES "INSERT OR ROLLBACK INTO entry (n, key) VALUES "
#define OR_UPDATE   " ON CONFLICT (key) DO UPDATE SET n = excluded.n"

/* The primary key of pending and the index on due hold (endpoint, id): all walks below go along one of them. */
static const char *const statement_texts[SQL_COUNT] = {
	[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_META_GET] = "SELECT value, sum FROM meta WHERE name = ?1",
	[SQL_META_PUT] = "INSERT OR REPLACE INTO meta (name, value, sum) VALUES (?1, ?2, ?3)",
	[SQL_LOG_ADD] = "INSERT INTO log (seq, body) VALUES (?1, ?2)",
	/*
	 * seqs as SQLite counts them, from the last one. OR ROLLBACK: this statement is not taken back alone, for which
	 * SQLite would copy each page that it changes.
	 */
	[SQL_LOG_ADD_MANY] =
		"INSERT OR ROLLBACK INTO log (body) VALUES " FOUR_ROWS "," FOUR_ROWS "," FOUR_ROWS "," FOUR_ROWS,
	[SQL_LOG_FIRST] = "SELECT min(seq) FROM log",
	[SQL_LOG_LAST] = "SELECT max(seq) FROM log",
	[SQL_LOG_GET] = "SELECT seq, body FROM log WHERE seq = ?1",
	[SQL_LOG_WALK] = "SELECT seq, body FROM log WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
	[SQL_LOG_BACK] = "SELECT seq, body FROM log WHERE seq < ?1 AND seq > ?2 ORDER BY seq DESC LIMIT ?3",
	[SQL_LOG_CUT] = "DELETE FROM log WHERE seq <= ?1",
	[SQL_PENDING_PUT] = "INSERT OR REPLACE INTO pending (endpoint, id, due, replay, attempts, body)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_PENDING_END] = "DELETE FROM pending WHERE endpoint = ?1 AND id = ?2",
	[SQL_PENDING_CANCEL] =
		"DELETE FROM pending WHERE endpoint = ?1 AND replay = ?2 AND replay <> 0 AND attempts = 0",
	[SQL_PENDING_DROP] = "DELETE FROM pending WHERE endpoint = ?1",
	[SQL_PENDING_GET] = "SELECT endpoint, id, due, replay, attempts, body FROM pending"
			    " WHERE endpoint = ?1 AND id = ?2",
	[SQL_PENDING_DUE] = "SELECT endpoint, id, due, replay, attempts, body FROM pending"
			    " WHERE endpoint = ?1 AND (due, id) > (?2, ?3) AND due <= ?4 ORDER BY due, id LIMIT ?5",
	[SQL_PENDING_NEXT_ENDPOINT] =
		"SELECT endpoint, id FROM pending WHERE endpoint > ?1 ORDER BY endpoint, id LIMIT 1",
	[SQL_PENDING_SUMMARY] =
		"SELECT (SELECT count(*) FROM pending WHERE endpoint = ?1 AND due = 0),"
		" (SELECT count(*) FROM pending WHERE endpoint = ?1 AND due > 0 AND due < 9223372036854775807),"
		" (SELECT count(*) FROM pending WHERE endpoint = ?1 AND due = 9223372036854775807),"
		" (SELECT id FROM pending WHERE endpoint = ?1 AND due = 0 ORDER BY due, id LIMIT 1),"
		" (SELECT due FROM pending WHERE endpoint = ?1 AND due > 0 ORDER BY due LIMIT 1)",
	[SQL_DEAD_PUT] = "INSERT OR REPLACE INTO dead (endpoint, event_seq, attempt_seq, time) VALUES (?1, ?2, ?3, ?4)",
	[SQL_DEAD_END] = "DELETE FROM dead WHERE endpoint = ?1 AND event_seq = ?2",
	[SQL_DEAD_WALK] = "SELECT endpoint, event_seq, attempt_seq, time FROM dead"
			  " WHERE endpoint = ?1 AND event_seq > ?2 ORDER BY event_seq LIMIT ?3",
	[SQL_DEAD_NEXT_ENDPOINT] =
		"SELECT endpoint, event_seq FROM dead WHERE endpoint > ?1 ORDER BY endpoint, event_seq LIMIT 1",
	[SQL_DEAD_PRUNE] = "DELETE FROM dead WHERE (endpoint, event_seq) IN (SELECT endpoint, event_seq FROM dead"
			   " WHERE time < ?1 ORDER BY time, endpoint, event_seq LIMIT ?2)",
	[SQL_DOC_PUT] = "INSERT OR REPLACE INTO doc (kind, id, text, sum) VALUES (?1, ?2, ?3, ?4)",
	[SQL_DOC_DELETE] = "DELETE FROM doc WHERE kind = ?1 AND id = ?2",
	[SQL_DOC_WALK] = "SELECT kind, id, text, sum FROM doc WHERE kind = ?1 AND id >= ?2 ORDER BY id",
	[SQL_SEARCH_PUT] = "INSERT INTO search (place, body) VALUES (?1, ?2)",
	[SQL_SEARCH_GET] = "SELECT body FROM search WHERE place = ?1",
	[SQL_SEARCH_CUT] = "DELETE FROM search WHERE place < ?1",
	[SQL_OBJECT_LAST] = "SELECT max(n) FROM object",
	[SQL_OBJECT_GET] = "SELECT n, due, body FROM entry JOIN object USING (n) WHERE key = ?1",
	[SQL_OBJECT_NAMED] = "SELECT n, due, body, project, kind, id FROM object WHERE n = ?1",
	[SQL_OBJECT_ADD] = "INSERT INTO object (n, due, body, project, kind, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_OBJECT_SET] = "UPDATE object SET body = ?3 WHERE n = ?1",
	[SQL_OBJECT_SET_DUE] = "UPDATE object SET due = ?2, body = ?3 WHERE n = ?1",
	[SQL_OBJECT_CUT] = "DELETE FROM object WHERE n = ?1",
	[SQL_OBJECT_DUE] = "SELECT n, due, body, project, kind, id FROM object WHERE due > 0 AND due <= ?1"
			   " ORDER BY due, n LIMIT ?2",
	[SQL_OBJECT_NEXT_DUE] = "SELECT due FROM object WHERE due > 0 ORDER BY due LIMIT 1",
	[SQL_ENTRY_TAKE] = "INSERT OR IGNORE INTO entry (n, key) VALUES (?1, ?2)",
	[SQL_ENTRY_ADD] = ADD_ENTRIES "(?1,?2)" OR_UPDATE,
	[SQL_ENTRY_ADD_2] = ADD_ENTRIES "(?1,?2),(?1,?3)" OR_UPDATE,
	[SQL_ENTRY_ADD_3] = ADD_ENTRIES "(?1,?2),(?1,?3),(?1,?4)" OR_UPDATE,
	[SQL_ENTRY_ADD_4] = ADD_ENTRIES "(?1,?2),(?1,?3),(?1,?4),(?1,?5)" OR_UPDATE,
	[SQL_ENTRY_ADD_5] = ADD_ENTRIES "(?1,?2),(?1,?3),(?1,?4),(?1,?5),(?1,?6)" OR_UPDATE,
	[SQL_ENTRY_ADD_6] = ADD_ENTRIES "(?1,?2),(?1,?3),(?1,?4),(?1,?5),(?1,?6),(?1,?7)" OR_UPDATE,
	[SQL_ENTRY_CUT] = "DELETE FROM entry WHERE key = ?1",
	[SQL_ENTRY_CUT_ALL] = "DELETE FROM entry WHERE n = ?1",
	[SQL_ENTRY_FIRST] = "SELECT key, n FROM entry WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1",
	/* CROSS JOIN: SQLite is not to choose by itself which of the tables it walks */
	[SQL_ENTRY_WALK] = "SELECT key FROM entry WHERE key >= ?1 AND key < ?2 ORDER BY key",
	[SQL_ENTRY_BACK] = "SELECT key FROM entry WHERE key >= ?1 AND key < ?2 ORDER BY key DESC",
	[SQL_OBJECT_WALK] = "SELECT key, n, due, body FROM entry CROSS JOIN object USING (n)"
			    " WHERE key >= ?1 AND key < ?2 ORDER BY key",
	[SQL_OBJECT_BACK] = "SELECT key, n, due, body FROM entry CROSS JOIN object USING (n)"
			    " WHERE key >= ?1 AND key < ?2 ORDER BY key DESC",
};

/* --- statements --- */

sqlite3_stmt *sqlite_statement(struct sqlite_store *s, enum sqlite_statement which)
{
	if (!s->statements[which])
		sqlite3_prepare_v3(s->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[which],
				   NULL);
	return s->statements[which];
}

int sqlite_done(sqlite3_stmt *stmt, int rc)
{
	/* reset repeats the error of the last step, which the caller has */
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sqlite_step(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	return stmt ? sqlite3_step(stmt) : sqlite3_extended_errcode(s->db);
}

int sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	return sqlite_done(stmt, sqlite_step(s, stmt));
}

void sqlite_bind(sqlite3_stmt *stmt, int place, struct slice bytes)
{
	sqlite3_bind_blob64(stmt, place, bytes.p ? bytes.p : "", bytes.n, SQLITE_STATIC);
}

struct slice sqlite_bytes_of(sqlite3_stmt *stmt, int column)
{
	const char *p = sqlite3_column_blob(stmt, column);

	return slice_of(p ? p : "", p ? (size_t)sqlite3_column_bytes(stmt, column) : 0);
}

/* --- errors --- */

struct sqlite_meaning {
	int rc; /* a primary code */
	enum err err;
	const char *code, *cure;
};

static const struct sqlite_meaning meanings[] = {
	{ SQLITE_FULL, ERR_FULL, "disk_full", "free space on the disk of the data folder" },
	{ SQLITE_BUSY, ERR_BUSY, "busy", "end the other program that has the data folder open" },
	{ SQLITE_LOCKED, ERR_BUSY, "busy", "end the other program that has the data folder open" },
	{ SQLITE_IOERR, ERR_IO, "disk_failure", "look at the system's log for the disk, then start again" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, "damaged", "check the disk, and restore the data folder from a backup" },
	{ SQLITE_NOTADB, ERR_CORRUPT, "damaged",
	  "this is no postrider data folder, or its file is damaged: restore it" },
	{ SQLITE_CANTOPEN, ERR_SYSTEM, "cannot_open", "check that the folder exists and belongs to postrider's user" },
	{ SQLITE_PERM, ERR_SYSTEM, "cannot_open", "check that the folder belongs to postrider's user" },
	{ SQLITE_READONLY, ERR_SYSTEM, "cannot_write", "check that the folder and its disk can be written" },
	{ SQLITE_NOMEM, ERR_SYSTEM, "no_memory", "give the process more memory" },
};

static const struct sqlite_meaning *meaning_of(struct sqlite_store *s, int rc)
{
	static const struct sqlite_meaning other = { 0, ERR_SYSTEM, "storage_error", "report this with the message" };

	/* over quota is a full disk; SQLite knows only ENOSPC as one. A failed fsync stays one, whatever its reason. */
	if (rc == SQLITE_IOERR_WRITE && s->db && sqlite3_system_errno(s->db) == EDQUOT)
		return &meanings[0];
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].rc == (rc & 0xff))
			return &meanings[i];
	return &other;
}

int sqlite_fault(struct sqlite_store *s, int rc, struct fault *fault)
{
	const struct sqlite_meaning *m;

	if (rc == SQLITE_OK)
		return 0;
	m = meaning_of(s, rc);
	fault_set(fault, m->code, "", "%s: %s (SQLite %d); %s", s->path, sqlite3_errstr(rc), rc, m->cure);
	return m->err;
}

int sqlite_damaged(struct sqlite_store *s, const char *what, struct slice name, struct fault *fault)
{
	fault_set(fault, "damaged", "",
		  "%s: %s \"%.*s\" is not what was written; check the disk, and restore the data folder", s->path, what,
		  SLICE_HEAD(name, 100));
	return ERR_CORRUPT;
}

/* --- numbers of the store's own --- */

static int64_t meta_sum(const char *name, int64_t value)
{
	return (int64_t)checksum(slice_str(name), (uint64_t)value);
}

int sqlite_meta_get(struct sqlite_store *s, const char *name, int64_t *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_META_GET);
	int64_t value, sum;
	int rc;

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite_step(s, stmt);
	value = sqlite3_column_int64(stmt, 0);
	sum = sqlite3_column_int64(stmt, 1);
	if (sqlite_done(stmt, rc) != SQLITE_OK)
		return rc;
	if (rc == SQLITE_DONE)
		return SQLITE_NOTFOUND;
	if (sum != meta_sum(name, value))
		return SQLITE_CORRUPT;
	*ret = value;
	return SQLITE_OK;
}

int sqlite_meta_put(struct sqlite_store *s, const char *name, int64_t value)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_META_PUT);

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, value);
	sqlite3_bind_int64(stmt, 3, meta_sum(name, value));
	return sqlite_run(s, stmt);
}

/* --- transactions --- */

/* Only where SQLite took everything back for sure may the next commit go on from what was before. */
static bool outcome_known(int err)
{
	return err == 0 || err == ERR_FULL || err == ERR_BUSY;
}

static int take_back(struct sqlite_store *s)
{
	if (sqlite3_get_autocommit(s->db))
		return SQLITE_OK; /* SQLite did it by itself */
	return sqlite_run(s, sqlite_statement(s, SQL_ROLLBACK));
}

int sqlite_write(struct sqlite_store *s, sqlite_work_fn *work, void *ctx, struct fault *fault)
{
	int rc, err;

	if (s->broken) {
		fault_set(fault, "disk_failure", "",
			  "%s: the disk failed before; start again, to recover what is on it", s->path);
		return ERR_IO;
	}
	rc = sqlite_run(s, sqlite_statement(s, SQL_BEGIN_WRITE));
	if (rc == SQLITE_OK)
		rc = work(s, ctx);
	if (rc == SQLITE_OK)
		rc = sqlite_run(s, sqlite_statement(s, SQL_COMMIT));
	err = sqlite_fault(s, rc, fault);
	if (err && take_back(s) != SQLITE_OK)
		s->broken = true;
	if (!outcome_known(err))
		s->broken = true;
	if (!err && s->wal_pages >= s->checkpoint_at)
		sqlite_checkpoint(
			s, NULL); /* its failure is not this commit's: it breaks the handle, or waits for more room */
	if (err && s->broken)
		return ERR_IO;
	return err;
}

int sqlite_read_begin(struct sqlite_store *s)
{
	return sqlite_run(s, sqlite_statement(s, SQL_BEGIN_READ));
}

int sqlite_read_end(struct sqlite_store *s, int rc)
{
	int end = take_back(s);

	return rc == SQLITE_OK ? end : rc;
}

static int note_pages(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_store *s = ctx;

	(void)db;
	(void)name;
	if (pages < s->wal_pages) /* the WAL began anew, since all of it was copied */
		s->checkpoint_at = CHECKPOINT_PAGES;
	s->wal_pages = pages;
	return SQLITE_OK;
}

void sqlite_watch_wal(struct sqlite_store *s)
{
	s->checkpoint_at = CHECKPOINT_PAGES;
	sqlite3_wal_hook(s->db, note_pages, s); /* takes the place of SQLite's automatic checkpoint */
}

int sqlite_checkpoint(struct sqlite_store *s, struct fault *fault)
{
	int err;

	if (s->broken)
		return sqlite_fault(s, SQLITE_IOERR, fault);
	err = sqlite_fault(s, sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), fault);
	if (!outcome_known(err))
		s->broken = true;
	/* what a reader or a full disk held back is tried again when the WAL has grown by as much once more */
	s->checkpoint_at = s->wal_pages + CHECKPOINT_PAGES;
	return err == ERR_BUSY ? 0 : err;
}
