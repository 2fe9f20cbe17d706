/*
 * The store thread: the only one that writes. What is to be written arrives in one queue and leaves it strictly in
 * order; whatever arrived while the last commit was syncing goes into the next one.
 */
#ifndef NODE_COMMITTER_H
#define NODE_COMMITTER_H

#include "store/store.h"

struct committer;

enum work_kind {
	WORK_EVENTS, /* a transaction of new events: refused when there is no room on the disk */
	WORK_TX,     /* a transaction of what has happened already: kept until it is on disk */
	WORK_JOB     /* no transaction: something to do with the store, after all that was queued before it */
};

/* Embedded in what its sender keeps about it; it belongs to the committer until done runs. */
struct work {
	struct work *next;
	enum work_kind kind;
	struct tx *tx; /* NULL for a job */
	/*
	 * Runs exactly once, on the store thread; must not wait for anything. 0: tx is on disk,
	 * or this is the job's turn. Otherwise nothing of it is to be taken for done: ERR_FULL,
	 * ERR_BUSY (events only) or ERR_IO (the store is broken; store is NULL then).
	 */
	void (*done)(struct work *w, struct store *store, int err);
};

struct committer_host {
	void *ctx;
	/* Before each commit: what the steps of one that failed have left behind is not to count. */
	void (*begins)(void *ctx);
	/* After the done callbacks of a commit's events, before those of the rest. */
	void (*settled)(void *ctx, struct store *store);
	/*
	 * Upkeep, between commits. idle: nothing else is queued. May call committer_now. Returns the milliseconds
	 * (monotonic) until it wants to be called again although nothing happens; it is also called after each commit.
	 */
	int64_t (*upkeep)(void *ctx, struct store *store, bool idle);
	/* The store refuses (full) or takes again. */
	void (*refuses)(void *ctx, bool full, const struct fault *fault);
	/* The store broke for good. Once. */
	void (*broke)(void *ctx, const struct fault *fault);
};

struct committer_numbers {
	uint64_t commits, rows;
};

/* Starts the thread, which owns the store from now on until committer_stop. */
int committer_start(struct store *store, const struct committer_host *host, struct committer **ret,
		    struct fault *fault);
/* From now on a full disk counts as a broken store: nothing is kept to be tried again, a fresh start finds it. */
void committer_last_orders(struct committer *c);
/* Ends the thread once its queue is empty. Nobody may add work any more. */
void committer_stop(struct committer **c);

/* Any thread; never blocks. */
void committer_add(struct committer *c, struct work *w);
/* 0, or why events are refused at this moment: ERR_FULL, ERR_IO. Any thread. */
int committer_state(const struct committer *c);
/*
 * Commits tx at once; only inside a job or upkeep. tx stays the
 * caller's. Errors as store_commit's, after they were dealt with here.
 */
int committer_now(struct committer *c, struct tx *tx, struct fault *fault);
/* Another write of the store's failed, inside upkeep: ERR_IO breaks the store for good. */
void committer_failed(struct committer *c, int err, const struct fault *fault);
/* Runs fn as a job and waits for it: store is NULL when it is broken. Any thread but the store's and the loops. */
void committer_run(struct committer *c, void (*fn)(void *ctx, struct store *store), void *ctx);
/*
 * How long the turn under way - a commit, its callbacks, upkeep - has lasted, in
 * milliseconds; 0 while the thread waits for work. Any thread.
 */
int64_t committer_turn_ms(const struct committer *c);
void committer_count(const struct committer *c, struct committer_numbers *ret);

#endif
