/*
 * The store's contract: a log, a floor, and exceptions (see ARCHITECTURE.md).
 * Implementations: memory (the reference, for the simulator and for tests), SQLite;
 * PostgreSQL is to follow. One contract suite (tests/store) runs against all of them.
 *
 * A struct store belongs to one thread at a time, the writer. Other threads read through a handle of their own
 * (store_reader). All functions block; none calls back after it has returned. Callbacks return false to stop the walk;
 * they may not use the handle that calls them.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/fault.h"
#include "store/tx.h"

struct store;

/* --- writing --- */

/*
 * Applies all changes of all n transactions, in order, as one atomic commit that is on disk when 0 is returned: all or
 * nothing. Sets the out fields. Duplicates of event ids (same project and id, among at least the last `recent_ids`, and
 * inside this commit) are found here; a duplicate's row is left out and says of which seq. An event that was pruned or
 * is damaged has no duplicates. ERR_FULL, ERR_BUSY: nothing was applied, trying again later is right. ERR_IO: the
 * outcome is unknown; close the store, open it anew and recover. Never commit again on it.
 */
int store_commit(struct store *s, struct tx *const *txs, size_t n, struct fault *fault);
/*
 * Indexes the next run of log rows (`index_run` seqs) for search, in one commit, once all of them are there; does
 * nothing before, so it may be called at any time. *ret_more: the next run is there as well.
 */
int store_index_step(struct store *s, bool *ret_more, struct fault *fault);
/*
 * Drops log rows older than before_ms, in chunks of at most max_rows, never passing the floor or
 * a seq that a pending row, a dead row or keep_from (0: none) needs; drops dead rows older than
 * dead_before_ms first, at most max_rows of them too. Rows go from the front of the log, up to
 * the first one that must stay. *ret_more: a chunk was full, so calling again may find more.
 */
int store_prune(struct store *s, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from, uint32_t max_rows,
		bool *ret_more, struct fault *fault);
/* Moves what the WAL holds into the database file, as much as goes without waiting. */
int store_checkpoint(struct store *s, struct fault *fault);
/* Waits for nothing; frees all. *s becomes NULL. */
void store_close(struct store **s);

/* --- reading; allowed on the writer (its thread) and on readers --- */

/*
 * Another handle on the same data for one other thread (the caller serialises its use). Sees everything committed
 * before the call that reads. The store must outlive it.
 */
int store_reader(struct store *s, struct store **ret, struct fault *fault);

/* The last seq given out, and the floor. */
int64_t store_last_seq(struct store *s);
int64_t store_floor(struct store *s);

struct log_row {
	bool is_event;
	bool damaged; /* the checksum does not fit; only seq is to be trusted */
	int64_t seq;
	union {
		struct event_row event;
		struct attempt_row attempt;
	} u;
};
typedef bool store_log_fn(void *ctx, const struct log_row *row);
/* Log rows with after < seq <= upto, ascending. */
int store_log_walk(struct store *s, int64_t after, int64_t upto, store_log_fn *fn, void *ctx, struct fault *fault);
/* Log rows with seq < before, descending, at most max_rows of them. */
int store_log_back(struct store *s, int64_t before, uint32_t max_rows, store_log_fn *fn, void *ctx,
		   struct fault *fault);
/* One log row. ERR_NOT_FOUND when there is none. */
int store_log_get(struct store *s, int64_t seq, store_log_fn *fn, void *ctx, struct fault *fault);

enum search_key {
	SEARCH_EVENT_ID,   /* event rows with this id */
	SEARCH_MESSAGE_ID, /* event rows with this message id */
	SEARCH_EVENT_SEQ,  /* attempt rows that name this event (project empty, key the decimal seq) */
	SEARCH_NUMBER	   /* event rows whose text has this number, as store_options.numbers says */
};
typedef bool store_seq_fn(void *ctx, int64_t seq);
/*
 * seqs of matching log rows with seq < before (INT64_MAX: all), descending; the tail that is not in the index yet, then
 * the index. The index may hold more than matches (hash): the implementation verifies.
 */
int store_search(struct store *s, enum search_key what, struct slice project, struct slice key, int64_t before,
		 store_seq_fn *fn, void *ctx, struct fault *fault);

/*
 * A search for a number finds rows above this seq alone: what stands below was indexed by a version that knew no
 * numbers. 0, as a rule: it finds everything. INT64_MAX when that cannot be read.
 */
int64_t store_numbers_after(struct store *s);

typedef bool store_pending_fn(void *ctx, const struct pending_row *row);
struct pending_query {
	uint64_t endpoint;
	int64_t due_from, id_after; /* rows with (due, id) > (due_from, id_after), in the order (due, id) */
	int64_t due_upto;	    /* and due <= this; PENDING_HELD includes the held ones */
	uint32_t max_rows;
};
int store_pending(struct store *s, const struct pending_query *q, store_pending_fn *fn, void *ctx, struct fault *fault);
/* The row (endpoint, id). ERR_NOT_FOUND when there is none. */
int store_pending_get(struct store *s, uint64_t endpoint, int64_t id, store_pending_fn *fn, void *ctx,
		      struct fault *fault);

struct pending_summary {
	uint64_t endpoint;
	int64_t ready, waiting, held; /* rows with due = PENDING_READY, between, PENDING_HELD */
	int64_t first_ready_id;	      /* smallest id of the ready ones, 0 when none */
	int64_t next_due_ms;	      /* smallest due of the waiting ones, PENDING_HELD when none */
	int64_t oldest_seq;	      /* smallest id of all */
};
typedef bool store_summary_fn(void *ctx, const struct pending_summary *sum);
/* One call an endpoint that has pending rows. Fast with 1,000,000 ready rows (counts from the index). */
int store_pending_summary(struct store *s, store_summary_fn *fn, void *ctx, struct fault *fault);

typedef bool store_dead_fn(void *ctx, const struct dead_row *row);
/* Dead rows of an endpoint with event_seq > after, ascending, at most max_rows. */
int store_dead(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows, store_dead_fn *fn, void *ctx,
	       struct fault *fault);

typedef bool store_doc_fn(void *ctx, const struct doc_row *row);
/* All docs of a kind whose id begins with prefix, ordered by id. */
int store_docs(struct store *s, struct slice kind, struct slice prefix, store_doc_fn *fn, void *ctx,
	       struct fault *fault);
/* Bytes on disk, 0 in memory. */
int64_t store_bytes(struct store *s);

/* --- opening --- */

typedef void store_number_fn(void *ctx, struct slice number);
struct store_options {
	uint32_t recent_ids; /* event ids known for the duplicate check; at least, 1,000,000 by default */
	/* log seqs in a run of the search index, at most 65,536, when the store is made; 0: the default of 16,384 */
	uint32_t index_run;
	/*
	 * Calls fn for each number to be found by that is in an event's text; NULL: none is. The store's threads call
	 * it, all handles at once; for one text it must always say the same.
	 */
	void (*numbers)(struct slice text, store_number_fn *fn, void *ctx);
	const char *vfs;    /* SQLite VFS, for the crash tests; NULL: the system's */
	bool unsafe_normal; /* synchronous=NORMAL: only for the test that shows that the crash tests bite */
	/*
	 * NULL, or told before what an earlier version wrote is brought up to this one's schema: it knows no way back
	 */
	void (*migrates)(void *ctx, int64_t from, int64_t to);
	void *ctx;
};
#define STORE_OPTIONS_DEFAULT ((struct store_options){ .recent_ids = 1000000 })

/* The reference implementation; lives as long as the handle. */
struct store *store_memory_new(const struct store_options *options);
/*
 * The embedded store in folder dir (made when missing, mode 0700): opens or creates, takes the folder's lock, recovers,
 * migrates, verifies that synchronous=FULL took. ERR_BUSY when another process has it (or this one, through another
 * handle); ERR_CORRUPT, ERR_IO, ERR_SYSTEM otherwise, the fault says what to do.
 */
int store_sqlite_open(const char *dir, const struct store_options *options, struct store **ret, struct fault *fault);

#endif
