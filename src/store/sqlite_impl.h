/* What the files of the SQLite store share. For sqlite_*.c only. */
#ifndef STORE_SQLITE_IMPL_H
#define STORE_SQLITE_IMPL_H

#include <sqlite3.h>

#include "base/map.h"
#include "store/recent.h"
#include "store/record.h"
#include "store/store_impl.h"

/* Statements kept prepared; each is prepared at its first use from the table in sqlite.c. */
enum sqlite_statement {
	SQL_BEGIN_WRITE,
	SQL_BEGIN_READ,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_META_GET,
	SQL_META_PUT,
	SQL_LOG_ADD,
	SQL_LOG_ADD_MANY,
	SQL_LOG_FIRST,
	SQL_LOG_LAST,
	SQL_LOG_GET,
	SQL_LOG_WALK,
	SQL_LOG_BACK,
	SQL_LOG_CUT,
	SQL_PENDING_PUT,
	SQL_PENDING_END,
	SQL_PENDING_CANCEL,
	SQL_PENDING_DROP,
	SQL_PENDING_GET,
	SQL_PENDING_DUE,
	SQL_PENDING_NEXT_ENDPOINT,
	SQL_PENDING_SUMMARY,
	SQL_DEAD_PUT,
	SQL_DEAD_END,
	SQL_DEAD_WALK,
	SQL_DEAD_NEXT_ENDPOINT,
	SQL_DEAD_PRUNE,
	SQL_DOC_PUT,
	SQL_DOC_DELETE,
	SQL_DOC_WALK,
	SQL_SEARCH_PUT,
	SQL_SEARCH_GET,
	SQL_SEARCH_CUT,
	SQL_OBJECT_LAST,
	SQL_OBJECT_GET,
	SQL_OBJECT_NAMED,
	SQL_OBJECT_ADD,
	SQL_OBJECT_SET,
	SQL_OBJECT_SET_DUE,
	SQL_OBJECT_CUT,
	SQL_OBJECT_DUE,
	SQL_OBJECT_NEXT_DUE,
	SQL_OBJECT_WALK,
	SQL_OBJECT_BACK,
	SQL_ENTRY_TAKE,
	SQL_ENTRY_ADD, /* so many entries of one object, one up to ENTRY_MANY */
	SQL_ENTRY_ADD_2,
	SQL_ENTRY_ADD_3,
	SQL_ENTRY_ADD_4,
	SQL_ENTRY_ADD_5,
	SQL_ENTRY_ADD_6,
	SQL_ENTRY_CUT,
	SQL_ENTRY_CUT_ALL,
	SQL_ENTRY_FIRST,
	SQL_ENTRY_WALK,
	SQL_ENTRY_BACK,
	SQL_COUNT
};

#define LOG_MANY   16 /* rows that SQL_LOG_ADD_MANY takes */
#define ENTRY_MANY 6

struct sqlite_store {
	struct store base;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	char *path;
	char *vfs;
	struct buf body;	       /* a row being written */
	struct buf log_rows;	       /* log rows being collected */
	struct record_scratch scratch; /* the items of a row being read */
	struct buf entries;	       /* entries of the objects' index, to be written or looked for */
	struct hash_key index_key;     /* of the search index and of projects, made when the store was */
	struct buf project;	       /* whose hash was computed last */
	uint64_t project_hash;
	int64_t index_run; /* log seqs in a run of the search index, settled when the store was made */
	/* the writer's only: */
	int lock_fd;
	bool broken; /* an outcome is unknown: no commit any more, no checkpoint at close */
	int64_t last_seq, floor;
	int64_t last_object; /* the highest number of an object */
	struct map near_young, near_old;
	size_t near_bytes;	      /* of the young ones */
	int64_t indexed;	      /* the log seq up to which the search index is filled; whole runs */
	struct sqlite_commit *commit; /* the one that runs, NULL between them */
	/* the first error inside its steps: a full disk ended the transaction, so nothing may be written after it */
	int step_rc;
	struct recent *recent;
	struct hash_key recent_key;
	int wal_pages;	   /* in the WAL after the last commit */
	int checkpoint_at; /* pages in the WAL at which the next checkpoint is tried */
};

static inline struct sqlite_store *sqlite_of(struct store *s)
{
	return (struct sqlite_store *)s;
}

/*
 * --- sqlite.c: statements, errors, transactions, meta. Functions
 * that return `rc` return SQLite's codes, SQLITE_OK for success. ---
 */

/*
 * The statement; NULL when it can't be prepared. Binding to NULL does nothing, and sqlite_step then gives the reason.
 */
sqlite3_stmt *sqlite_statement(struct sqlite_store *s, enum sqlite_statement which);
/* sqlite3_step, or the error of preparing when stmt is NULL. */
int sqlite_step(struct sqlite_store *s, sqlite3_stmt *stmt);
/* Runs a statement that gives no rows, and resets it. */
int sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt);
/* Ends a walk: resets stmt; rc is the last step's. SQLITE_ROW (walk stopped early) and SQLITE_DONE become SQLITE_OK. */
int sqlite_done(sqlite3_stmt *stmt, int rc);
/* Binds bytes that stay where they are until the statement was run; never as NULL. */
void sqlite_bind(sqlite3_stmt *stmt, int place, struct slice bytes);
/* The bytes of a column; p is never NULL. */
struct slice sqlite_bytes_of(sqlite3_stmt *stmt, int column);
/* enum err for SQLite's code, with a fault that says what to do; 0 for SQLITE_OK. */
int sqlite_fault(struct sqlite_store *s, int rc, struct fault *fault);
/* A row of `what` that is not what was written: ERR_CORRUPT. */
int sqlite_damaged(struct sqlite_store *s, const char *what, struct slice name, struct fault *fault);

/* A number of the store's own. SQLITE_NOTFOUND when it was never put, SQLITE_CORRUPT when its checksum does not fit. */
int sqlite_meta_get(struct sqlite_store *s, const char *name, int64_t *ret);
int sqlite_meta_put(struct sqlite_store *s, const char *name, int64_t value);

/*
 * One write transaction: begins, calls work (which returns a rc), commits, or takes everything back. Refuses once the
 * handle is broken; breaks it when the outcome is unknown.
 */
typedef int sqlite_work_fn(struct sqlite_store *s, void *ctx);
int sqlite_write(struct sqlite_store *s, sqlite_work_fn *work, void *ctx, struct fault *fault);
/* One read transaction around several statements. end: rc of the reads; returns rc. */
int sqlite_read_begin(struct sqlite_store *s);
int sqlite_read_end(struct sqlite_store *s, int rc);

/* From now on commits checkpoint when the WAL has grown enough. */
void sqlite_watch_wal(struct sqlite_store *s);
/* Copies WAL pages into the database file, as many as go without waiting. */
int sqlite_checkpoint(struct sqlite_store *s, struct fault *fault);

/* --- sqlite_schema.c --- */

/* What a statement's first column says, -1 when it cannot be asked; an rc for what gives nothing back. */
int64_t sqlite_number(struct sqlite_store *s, const char *sql);
int sqlite_execute(struct sqlite_store *s, const char *sql);
/* The schema of a database of ours, 0 for an empty one; one of somebody else, or newer than this, is refused. */
int sqlite_schema_check(struct sqlite_store *s, int64_t *ret_version, struct fault *fault);
/* Brings it up to the newest schema, step by step, each in one transaction. */
int sqlite_schema(struct sqlite_store *s, const struct store_options *options, struct fault *fault);

/* What a restore has made and not yet put in its place; see sqlite_restore.c. */
#define RESTORED_NAME "store.db.restored"

/* --- sqlite_open.c, for sqlite_backup.c and sqlite_restore.c --- */

/* A handle without a database yet; sqlite_close_any frees it, without a checkpoint unless it is a sound writer's. */
struct sqlite_store *sqlite_reading(const char *path, const char *vfs);
int sqlite_connect(struct sqlite_store *s, int flags); /* rc */
void sqlite_close_any(struct sqlite_store **s);
/* The numbers of the store's own, of which readers need some. Returns a rc. */
int sqlite_load_numbers(struct sqlite_store *s);
/* The folder, made when it is missing; its lock, into *ret_fd; a change of names in it made durable. */
int sqlite_make_folder(const char *dir, struct fault *fault);
int sqlite_lock_folder(const char *dir, int *ret_fd, struct fault *fault);
int sqlite_sync_folder(const char *dir, struct fault *fault);

/* --- sqlite_settle.c --- */

/* Makes what the files of a store are read to be what the disk holds; see there. Before the database is opened. */
int sqlite_settle(const char *path, const char *vfs, struct fault *fault);
/*
 * Makes the names of the files durable, after opening and before anything is acknowledged. SQLite syncs the folder only
 * with the first sync of a WAL that it just made; one found there may have a name that a power cut takes away, and a
 * journal deleted without a sync may come back and roll the whole store back to nothing. Deleting a file is the one way
 * to sync a folder that every VFS offers.
 */
int sqlite_sync_names(struct sqlite_store *s, struct fault *fault);

/* --- the parts of the contract --- */

int sqlite_commit(struct store *s, struct tx *const *txs, size_t n, struct fault *fault); /* sqlite_commit.c */
int sqlite_recent_fill(struct sqlite_store *s, uint32_t limit);				  /* rc */
void sqlite_step_event(struct store *s, struct event_row *row);
void sqlite_step_doc(struct store *s, const struct doc_row *row);

int sqlite_index_step(struct store *s, bool *ret_more, struct fault *fault); /* sqlite_index.c */
int sqlite_search(struct store *s, enum search_key what, struct slice project, struct slice key, int64_t before,
		  store_seq_fn *fn, void *ctx, struct fault *fault);
int64_t sqlite_numbers_after(struct store *s);
/* For a store whose runs have no numbers: notes up to where they go. A sqlite_work_fn. */
int sqlite_index_note_numbers(struct sqlite_store *s, void *ctx);
/* Drops the runs of which no seq is above upto. Returns a rc. */
int sqlite_index_cut(struct sqlite_store *s, int64_t upto);

int sqlite_prune(struct store *s, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from, uint32_t max_rows,
		 bool *ret_more, struct fault *fault); /* sqlite_prune.c */

int64_t sqlite_last_seq(struct store *s); /* sqlite_read.c */
int64_t sqlite_floor(struct store *s);
int sqlite_log_walk(struct store *s, int64_t after, int64_t upto, store_log_fn *fn, void *ctx, struct fault *fault);
int sqlite_log_back(struct store *s, int64_t before, uint32_t max_rows, store_log_fn *fn, void *ctx,
		    struct fault *fault);
int sqlite_log_get(struct store *s, int64_t seq, store_log_fn *fn, void *ctx, struct fault *fault);
int sqlite_dead(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows, store_dead_fn *fn, void *ctx,
		struct fault *fault);
int sqlite_docs(struct store *s, struct slice kind, struct slice prefix, store_doc_fn *fn, void *ctx,
		struct fault *fault);
int64_t sqlite_bytes(struct store *s);
/* The first seq in the log, 0 when it is empty. Returns a rc. */
int sqlite_read_first_seq(struct sqlite_store *s, int64_t *ret);
/* The last seq ever given out: of the log, or where it was pruned empty, what the pruning noted. Returns a rc. */
int sqlite_read_last_seq(struct sqlite_store *s, int64_t *ret);
/* The checksum that stands beside a doc. */
int64_t sqlite_doc_sum(const struct doc_row *row);
/* The log row a statement stands at (columns seq, body); valid until its next step. */
void sqlite_log_row(struct sqlite_store *s, sqlite3_stmt *stmt, struct log_row *ret);

int sqlite_pending(struct store *s, const struct pending_query *q, store_pending_fn *fn, void *ctx,
		   struct fault *fault); /* sqlite_pending.c */
int sqlite_pending_get(struct store *s, uint64_t endpoint, int64_t id, store_pending_fn *fn, void *ctx,
		       struct fault *fault);
int sqlite_pending_summary(struct store *s, store_summary_fn *fn, void *ctx, struct fault *fault);

int sqlite_object_get(struct store *s, struct slice project, uint16_t kind, struct slice id, struct buf *ret,
		      struct fault *fault); /* sqlite_object.c */
int sqlite_objects_due(struct store *s, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx,
		       struct fault *fault);
int sqlite_objects_next_due(struct store *s, int64_t *ret, struct fault *fault);
void sqlite_object_put(struct store *s, const struct object_row *row);
void sqlite_object_delete(struct store *s, struct slice project, uint16_t kind, struct slice id);
uint32_t sqlite_objects_drop(struct store *s, struct slice project, uint32_t max);
/* The highest number of an object, 0 when there is none. Returns a rc. */
int sqlite_object_last(struct sqlite_store *s, int64_t *ret);
/* What a reading function returns: inside a step an error fails the commit, too. */
int sqlite_object_result(struct sqlite_store *s, int rc, struct fault *fault);

/* --- sqlite_near.c: objects near at hand; inside steps only. Names are those of their entries. --- */

struct sqlite_near {
	int64_t n, due_ms;
	struct slice body; /* as record_object wrote it */
};
/* *ret is valid until the next put or drop of any object. */
bool sqlite_near_find(struct sqlite_store *s, struct slice name, struct sqlite_near *ret);
void sqlite_near_put(struct sqlite_store *s, struct slice name, const struct sqlite_near *object);
void sqlite_near_drop(struct sqlite_store *s, struct slice name);
void sqlite_near_clear(struct sqlite_store *s);

/*
 * --- sqlite_entry.c: the index of the objects. An entry's bytes are ordered as the contract orders its
 * (project, kind, field, value, id); that of field 0 has no value and is the object's name. ---
 */

void sqlite_entry(struct sqlite_store *s, struct buf *b, struct slice project, uint16_t kind,
		  const struct object_key *key, struct slice id); /* appends; key NULL: the name */
/* Appends the bounds of all entries of a project: at or after the first, before the second. */
void sqlite_entry_bounds(struct sqlite_store *s, struct slice project, struct buf *low, struct buf *high);
int sqlite_object_walk(struct store *s, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx,
		       struct fault *fault);

#endif
