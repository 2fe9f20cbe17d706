/*
 * The engine's own structures, shared by its files and by nobody else. Who may change what:
 *   engine.c    the turn, routing, slots and the floor          lane.c     states, window, timers, feedback
 *   delivery.c  accept, deliver, settle                         hold.c     order of the events of one message
 *   backlog.c   what goes to pending and comes back             recover.c  start
 *   newest.c    what needs no delivery any more
 *   report.c    what the hub hears of all that
 */
#ifndef ENGINE_IMPL_H
#define ENGINE_IMPL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "engine/engine.h"
#include "engine/verdict.h"
#include "store/recent.h"

#define BATCH_MOST   1000 /* the bound of batch.max_items */
#define SKIPPED_MOST 64	  /* items left out of one batch because they belong to another */

/* An event above the floor: it holds the floor back until each of its deliveries is settled or pending on disk. */
struct slot {
	struct list link; /* engine.slots, ascending */
	int64_t seq, accepted_ms;
	uint32_t open;
};

/*
 * A pending row that is in memory as well: its lane must not load it a
 * second time. Lives until the commit that changes the row is through.
 */
struct row_ref {
	struct map_node node; /* lane.rows, by id */
	struct lane *lane;
	int64_t id;
};

/* One event on its way to one endpoint. */
struct item {
	struct list link;    /* lane.queue or hold.waiting; alone while it flies */
	struct event *event; /* a reference */
	struct slot *slot;   /* NULL once a pending row stands for it */
	struct row_ref *row; /* its own pending row; NULL when it has none, or when its flight's row stands for it */
	uint32_t attempts;   /* made before */
	bool replayed;	     /* asked for again by somebody: its age does not end it before it was tried */
	bool replaced;	     /* while its answer is settled: a newer one takes its place */
	bool passed;	     /* the hub knows that its first attempt is not now */
	bool released;	     /* it was held behind another delivery and is now first of its message: no hold applies */
};

/* Some items as one request: waiting to be sent again, or on the wire. */
struct flight {
	struct exchange x; /* first: the host's handle */
	struct list link;  /* lane.retries or lane.flying */
	struct lane *lane;
	struct endpoint *endpoint; /* revision; a reference */
	struct item **items;
	uint32_t count, capacity;
	uint32_t attempts;   /* made before */
	struct row_ref *row; /* the pending row that stands for all its items; NULL at first */
	struct request request;
	int64_t started_ms;
};

/*
 * The events of one message at one endpoint leave in order: while
 * one flies or waits for its retry, the later ones are here.
 */
struct hold {
	struct map_node node; /* lane.holds, by order_hash */
	uint64_t order_hash;
	uint32_t first;	     /* items of the delivery that goes first: on the wire or waiting for its retry */
	bool pending;	     /* that delivery has a pending row */
	int64_t newest;	     /* seq of the last event of the message that is here */
	int64_t due_ms, row; /* of that pending row, as it is on disk */
	struct list waiting; /* items in memory; only while !pending */
	int64_t *chain;	     /* ids of held rows, ascending; only while pending */
	uint32_t chain_count, chain_capacity;
};

enum load_kind {
	LOAD_NONE,
	LOAD_READY,
	LOAD_DUE,
	LOAD_OVERTAKEN, /* one row, whatever its time: something newer waits behind it */
	LOAD_ALL	/* waiting and held, due or not: of a deleted endpoint */
};

/* A pending row that holds back something newer. */
struct overtaken {
	int64_t due_ms, id;
};

struct lane {
	struct map_node by_number;
	struct list all, route, dirty;
	struct heap_node timer;
	struct engine *engine;
	uint64_t number;
	struct endpoint *endpoint; /* the current revision; a reference */
	struct endpoint_stats *stats;
	int64_t from_seq;
	enum lane_state state;
	int preparing; /* changes of settings under way: nothing new is sent */

	struct list queue;   /* items never sent, in order of seq */
	size_t items, bytes; /* in queue and in holds' waiting lists */
	struct list retries; /* flights that fell due */
	size_t retry_count;
	struct list flying;
	uint32_t in_flight;
	struct map holds;
	struct map rows;

	/* pending rows that are not in memory */
	int64_t ready_rows, waiting_rows, held_rows;
	int64_t ready_twice;	       /* of ready_rows, such that are in memory after all */
	int64_t ready_cursor;	       /* ready rows up to this id are loaded */
	int64_t due_cursor, id_cursor; /* waiting rows up to this (due, id) are loaded */
	int64_t next_due_ms;
	enum load_kind loading;
	size_t loading_bytes; /* asked for at most, by the load under way or the last one */
	bool load_is_stale;
	int64_t rewind_to; /* rows came before those that are being loaded: look again from here. INT64_MAX: none did */
	struct overtaken *overtaken; /* to be looked at before their time; forgetting one costs time only */
	uint32_t overtaken_count, overtaken_capacity;
	int64_t ready_since_load, waiting_since_load, due_since_load; /* what came while a load was under way */

	double window, tokens;
	int64_t tokens_ms;
	uint32_t failures; /* failed exchanges in a row */
	bool in_trouble;   /* the last exchange failed, new settings or not */
	int64_t failing_since_ms;
	int64_t not_before_ms; /* Retry-After */
	int64_t probe_at_ms, probe_delay_ms;
	int64_t expire_at_ms;
};

/* The lanes of one owner. */
struct route {
	struct map_node node;
	bool organization;
	char *owner;
	struct list lanes;
};

/* What a commit sets free; in the transaction's arena. */
struct receipt {
	struct slot **slots;
	size_t slot_count, slot_capacity;
	struct row_ref **rows;
	size_t row_count, row_capacity;
};

struct engine {
	struct engine_host host;
	struct engine_limits limits;
	struct rand rand;
	struct hash_key key;
	int64_t now_ms, janitor_ms, last_seq;
	struct map lanes, routes;
	struct list all, dirty, slots;
	struct heap timers;
	size_t bytes;	      /* of events in all lanes' memory */
	size_t loading_bytes; /* and what loads under way may bring: many lanes ask in one turn */
	uint32_t uncommitted; /* transactions handed to the host */
	struct tx *turn;      /* spills of this turn; NULL while there are none */
	struct list spare;    /* flights for reuse, by link */
	size_t spare_count;
	struct item **skipped; /* scratch of one turn, SKIPPED_MOST */
	struct item **picked;  /* and BATCH_MOST of each */
	struct event **events;
	struct buf detail;     /* of the attempt that is being written */
	struct recent *finals; /* messages of which a final status was acknowledged */
	struct map settled;    /* recovery: (endpoint, seq) that need nothing any more */
	bool stopping;
};

/* --- engine.c --- */
void engine_commit(struct engine *e, struct tx *tx); /* hands it to the host */
struct tx *engine_turn_tx(struct engine *e);	     /* the transaction of this turn's spills */
void engine_flush(struct engine *e);		     /* commits it */
void receipt_slot(struct tx *tx,
		  struct slot **slot); /* the slot is free of this delivery once tx is committed; *slot becomes NULL */
void receipt_row(struct tx *tx, struct row_ref **row); /* the row is out of memory once tx is committed */
struct slot *slot_new(struct engine *e, const struct event *ev);
void slot_done(struct slot **slot);
void engine_say(struct lane *lane, int level, const char *what, const char *detail);

/* --- lane.c --- */
struct lane *lane_find(const struct engine *e, uint64_t number);
struct lane *lane_new(struct engine *e, struct endpoint *ep, struct endpoint_stats *stats);
void lane_free(struct lane *lane);
void lane_touch(struct lane *lane);	  /* look at it at the end of the turn */
bool lane_sends(const struct lane *lane); /* neither paused, disabled nor deleted */
void lane_state_set(struct lane *lane, enum lane_state state, const char *why);
bool lane_may_send(struct lane *lane, bool retry);
bool lane_waits_for_retries(
	const struct lane *lane); /* nothing goes for the first time while there are so many, or any (strict) */
void lane_sent(struct lane *lane);
void lane_schedule(struct lane *lane);
void lane_queue(struct lane *lane, struct item *it, bool front); /* into the queue, counted */
void lane_unqueue(struct lane *lane, struct item *it);		 /* out of the queue or of a hold */
void lane_feedback_ok(struct lane *lane);
void lane_feedback_failed(struct lane *lane, const struct verdict *verdict);
void lane_settings(struct lane *lane, struct endpoint *ep);
bool lane_ordered(const struct lane *lane);
void lane_show(struct lane *lane);

/* --- delivery.c --- */
void delivery_accept(struct lane *lane, struct slot *slot, struct event *ev);
void delivery_run(struct lane *lane);
/* Ends items without an exchange; takes the items. Their flight's row is ended by the caller. */
void delivery_end(struct lane *lane, const struct endpoint *ep, struct item **items, uint32_t count, enum failure why,
		  struct tx *tx);
void delivery_end_queued(struct lane *lane, struct item *it, enum failure why,
			 const char *reason); /* reason NULL: the usual one */
/* The same for one in a held row, whose event is not in memory. */
void delivery_end_held(struct lane *lane, int64_t seq, enum failure why, struct tx *tx);
bool item_expired(const struct lane *lane, const struct item *it);
struct item *item_new(struct event *ev, struct slot *slot);
void item_free(struct item **it);
struct flight *flight_new(struct lane *lane, struct endpoint *ep, uint32_t capacity);
void flight_free(struct flight **f);
struct row_ref *row_ref_new(struct lane *lane, int64_t id);
void row_ref_free(struct row_ref **row);
int64_t items_first_seq(struct item *const *items, uint32_t count);

/* --- hold.c --- */
enum hold_answer { HOLD_FREE, HOLD_IN_MEMORY, HOLD_ON_DISK };
enum hold_answer hold_ask(const struct lane *lane, const struct item *it);
void hold_wait(struct lane *lane, struct item *it); /* after HOLD_IN_MEMORY: out of the queue, into the hold */
void hold_store(struct lane *lane, struct item *it,
		struct tx *tx); /* after HOLD_ON_DISK, out of the queue already: a held row; frees the item */
void hold_begin(struct lane *lane, const struct item *it); /* a fresh item goes on the wire */
/* the first delivery has a pending row now */
void hold_left(struct lane *lane, uint64_t order_hash, int64_t due_ms, int64_t row, struct tx *tx);
void hold_moved(struct lane *lane, uint64_t order_hash, int64_t due_ms, int64_t row); /* and now another one */
bool hold_has_newer(const struct lane *lane, uint64_t order_hash,
		    int64_t seq); /* in a lane where the newest replaces */
void hold_demote(struct lane *lane, struct item *it,
		 struct tx *tx); /* one of the first delivery's items is to wait for the others; frees it */
void hold_finish(struct lane *lane, uint64_t order_hash,
		 struct tx *tx); /* an item of the first delivery ended; after the last one it is the next one's turn */
void hold_recover(struct lane *lane, const struct pending_row *row);
void hold_recover_done(struct lane *lane);
void hold_empty(struct lane *lane, void (*take)(struct lane *lane, struct item *it, struct tx *tx),
		struct tx *tx); /* gives up the waiting items in memory */
void holds_free(struct lane *lane);

/* --- backlog.c --- */
bool backlog_has_room(const struct lane *lane, const struct event *ev);
void backlog_spill(struct lane *lane, struct slot *slot, const struct event *ev);
void backlog_refill(struct lane *lane);
/* Writes the flight's items as one row of its revision; their own rows are ended. */
void backlog_put_flight(struct flight *f, struct tx *tx, int64_t due_ms, uint32_t attempts);
/*
 * Sent, but not to be sent again as they were: ready rows, and all that
 * is queued behind them too, so that they come first. Frees the items.
 */
void backlog_put_back(struct lane *lane, struct item **items, uint32_t count, struct tx *tx);
void backlog_put_single(struct lane *lane, int64_t seq, uint64_t order_hash, int64_t due_ms, struct tx *tx);
void backlog_waits(struct lane *lane, int64_t due_ms); /* one more waiting row that is not in memory */
struct flight *backlog_flight(struct lane *lane, const struct loaded_row *r); /* the row's items, in no list */
/* Asks for rows: one load a lane at a time. */
void backlog_load(struct lane *lane, enum load_kind kind, const struct pending_query *q, size_t most_bytes);
bool backlog_in_memory(const struct lane *lane, int64_t id); /* is the row of this id? */
void backlog_store_old(struct engine *e, int64_t accepted_before_ms);
void backlog_expire(struct lane *lane);
void backlog_all(struct lane *lane,
		 struct tx *tx); /* a row for everything in memory and on the wire; the memory is emptied */
bool backlog_drained(const struct lane *lane);

/* --- newest.c --- */
bool newest_rules(const struct lane *lane); /* newest_replaces is set */
/*
 * Of the items gathered so far, the one of the same message
 * goes; false when it is the newer one, and `it` went instead.
 */
bool newest_among(struct lane *lane, struct item **items, uint32_t *count, struct item *it);
/*
 * Ends those items of a flight that waits for its time behind which something newer waits; the others become a row for
 * due_ms. False: there are none, nothing was done.
 */
bool newest_split(struct flight *f, int64_t due_ms);
void newest_note(struct lane *lane, int64_t due_ms, int64_t row); /* look at this row before its time */
bool newest_load(struct lane *lane);				  /* asks for the next such row; false: there is none */
void newest_loaded(struct lane *lane, struct loaded_rows *rows);
void final_acknowledged(struct lane *lane, const struct event *ev);
void final_say(struct lane *lane, const struct event *ev); /* tells the operator that this one is not sent */
bool final_was_before(const struct lane *lane, const struct item *it);

/* --- report.c --- */
/* What became of one item: row is in tx. answer NULL: without an exchange. */
void report_item(struct lane *lane, const struct endpoint *ep, struct event *ev, enum engine_outcome outcome,
		 const struct attempt_row *row, const struct http_answer *answer, struct slice reason, struct tx *tx);
bool report_accepted(struct lane *lane, struct event *ev); /* before it is queued or spilled; true: it is PASSED */
void report_queued(struct lane *lane);			   /* the lane stops sending: what waits in its queue is told */
void report_trouble(struct lane *lane, const struct endpoint *ep, bool ok, int code, struct slice reason);

/* --- recover.c --- */
bool recover_is_settled(const struct engine *e, uint64_t endpoint, int64_t seq);

#endif
