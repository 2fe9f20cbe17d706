/*
 * One transaction to be: an ordered list of changes in an arena, built by one thread,
 * applied by the store's thread together with others in one commit. Building it cannot
 * fail. Out fields of its rows (seq, duplicate_of) are valid once the commit returned 0.
 */
#ifndef STORE_TX_H
#define STORE_TX_H

#include "base/arena.h"
#include "store/rows.h"

enum change_kind {
	CHANGE_EVENT,
	CHANGE_ATTEMPT,
	CHANGE_PENDING_PUT,    /* insert or replace by (endpoint, id) */
	CHANGE_PENDING_END,    /* delete by (endpoint, id); none there is fine */
	CHANGE_PENDING_CANCEL, /* delete rows of (endpoint, replay) that were never attempted */
	CHANGE_PENDING_DROP,   /* delete all rows of an endpoint */
	CHANGE_DEAD,
	CHANGE_DEAD_END, /* delete by (endpoint, event_seq): sent again with success */
	CHANGE_FLOOR,	 /* all events up to seq are settled or pending */
	CHANGE_DOC,	 /* put, or delete when text.p is NULL, by (kind, id) */
	CHANGE_STEP	 /* computed inside the commit (object.h) */
};

struct store;
/*
 * Runs on the store's thread inside the commit, after the changes before it and seeing them. May run more than once (a
 * commit that found the disk full is tried again), so what it leaves in ctx it must set anew each time.
 */
typedef void step_fn(void *ctx, struct store *s);

/*
 * Settings and the like: few, small, all read at start. kind:
 * "project", "endpoint", "revision", "key", "replay", "meta", …
 */
struct doc_row {
	struct slice kind, id, text;
};

struct change {
	enum change_kind kind;
	struct change *next;
	union {
		struct event_row event;
		struct attempt_row attempt;
		struct pending_row pending; /* PUT; END uses endpoint, id; CANCEL endpoint, replay; DROP endpoint */
		struct dead_row dead;
		struct doc_row doc;
		int64_t floor;
		struct {
			step_fn *run;
			void *ctx;
		} step;
	} u;
};

struct tx_end {
	struct tx_end *next;
	void (*run)(void *ctx);
	void *ctx;
};

struct tx {
	struct arena arena;
	struct change *first, *last;
	uint32_t count;
	size_t bytes; /* of payload, for limits on what may wait */
	void *owner;  /* the builder's own, untouched here */
	struct tx_end *ends;
};

struct tx *tx_new(void);
void tx_free(struct tx **tx);

/*
 * Each copies the struct, and what its slices and arrays point to, into
 * the arena, and returns the row for reading its out fields later.
 */
struct event_row *tx_event(struct tx *tx, const struct event_row *row);
/* Like tx_event, without the copies: what the row's slices point to lives as long as the transaction. */
struct event_row *tx_event_lent(struct tx *tx, const struct event_row *row);
struct attempt_row *tx_attempt(struct tx *tx, const struct attempt_row *row);
void tx_pending_put(struct tx *tx, const struct pending_row *row);
void tx_pending_end(struct tx *tx, uint64_t endpoint, int64_t id);
void tx_pending_cancel(struct tx *tx, uint64_t endpoint, uint64_t replay);
void tx_pending_drop(struct tx *tx, uint64_t endpoint);
void tx_dead(struct tx *tx, const struct dead_row *row);
void tx_dead_end(struct tx *tx, uint64_t endpoint, int64_t event_seq);
void tx_floor(struct tx *tx, int64_t floor);
void tx_doc_put(struct tx *tx, struct slice kind, struct slice id, struct slice text);
void tx_step(struct tx *tx, step_fn *run, void *ctx);
/* run is called when tx is freed, committed or not: for references that its steps hold. */
void tx_on_free(struct tx *tx, void (*run)(void *ctx), void *ctx);
void tx_doc_delete(struct tx *tx, struct slice kind, struct slice id);

#endif
