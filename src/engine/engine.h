/*
 * The heart: which event goes to which endpoint, when, in which batch, what an answer means and what happens next. It
 * computes only: inputs are events that are committed, answers, loaded rows and time; outputs are calls of its host:
 * send this, commit this, load that. No thread, no clock, no socket, no SQL in here, so a simulator can be the world
 * around it, and many engines live in one process (one a shard).
 *
 * One turn: any number of inputs (each takes the time of the turn), then engine_run once.
 * Host functions are called from the engine's own, none of which may be called from
 * within one of them: answers come as later inputs.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "dialect/endpoint.h"
#include "dialect/request.h"
#include "engine/stats.h"
#include "store/store.h"

struct engine;
struct lane;

/*
 * One HTTP exchange that the engine wants. Owned by the engine; valid
 * until the host has handed its answer in (or cancel was called).
 */
struct exchange {
	const struct endpoint *endpoint;    /* the revision whose connections and rules are to be used */
	const struct http_request *request; /* valid as long as the exchange */
	void *host_data;		    /* the host's own; NULL at first */
};

/* A pending row with what it names, as the host read it. */
struct loaded_row {
	struct pending_row row;
	/* compiled settings of row.revision, one reference; NULL when row.revision is 0 or is not known any more */
	struct endpoint *revision;
	struct event **
		events; /* row.item_count of them, in order, one reference each; NULL for one that is damaged or gone */
};

/* What engine_loaded hands back for one load. The engine takes the references, the host keeps the memory. */
struct loaded_rows {
	struct loaded_row *rows; /* in order of (due, id) */
	size_t count;
	bool ready; /* it was a load of ready rows (due PENDING_READY) */
	bool more;  /* the query stopped at a limit: there may be further rows that match */
	/* when not more and not ready: due of the first waiting row after them, PENDING_HELD if none */
	int64_t next_due_ms;
};

/* Pending rows of one endpoint, as counted at start. */
struct pending_counts {
	uint64_t endpoint;
	int64_t ready, waiting, held;
	int64_t next_due_ms;
};

enum engine_outcome {
	OUTCOME_DELIVERED,
	OUTCOME_LEFT,  /* it will be tried again */
	OUTCOME_DEAD,  /* it ended without a delivery: failed for good, or replaced by something newer */
	OUTCOME_PASSED /* accepted by a lane that is throttled, paused or behind: not tried now */
};

/*
 * DELIVERED and DEAD end an event, each of its deliveries with one of them, in the transaction that settles it; LEFT
 * comes for each failed attempt before. PASSED says only that the first attempt may be far; it can come more than once
 * (after a crash, or when a lane in trouble recovers and fails again), and never after an attempt. An event that is
 * gone or damaged on disk, or was never read from there before it was superseded, ends without a report.
 */
struct engine_report {
	enum engine_outcome outcome;
	const struct endpoint *endpoint;
	struct event *event;
	uint32_t attempt; /* from 1; 0: without an exchange */
	int64_t started_ms;
	int code; /* HTTP status, or -enum failure */
	struct slice reason;
	const struct http_answer *answer; /* NULL: there was no exchange */
	const struct attempt_row *row;	  /* in tx; its seq is known once it is committed. NULL: none */
};

struct engine_host {
	void *ctx;
	/* Start the exchange; its answer comes by engine_answer exactly once, within endpoint->peer.timeout_ms. */
	void (*send)(void *ctx, struct exchange *x);
	/* The answer of this exchange is not wanted any more and must not come (only while the engine is freed). */
	void (*cancel)(void *ctx, struct exchange *x);
	/*
	 * Make tx durable, in the order of the calls; then engine_committed. The
	 * host keeps trying until it succeeds or the process ends. Takes tx over.
	 */
	void (*commit)(void *ctx, struct tx *tx);
	/*
	 * Read pending rows of an endpoint; answered by engine_loaded exactly once, after all commits asked for before
	 * it. ready: rows with due PENDING_READY and id > query->id_after; otherwise rows with 0 < due <=
	 * query->due_upto, (due, id) > (due_from, id_after). At most query->max_rows, and about max_bytes of events.
	 */
	void (*load)(void *ctx, const struct pending_query *query, bool ready, size_t max_bytes);
	/*
	 * This endpoint is to be disabled (410, or failing for too long):
	 * save that and tell the operator. Sending has stopped already.
	 */
	void (*disable)(void *ctx, const struct endpoint *endpoint, const char *reason);
	/* No exchange of this revision is under way and it is not the current one any more: its connections can go. */
	void (*retire)(void *ctx, const struct endpoint *endpoint);
	/*
	 * What became of an item of an endpoint with `reports`, at the place in tx where it stands to be committed: the
	 * host adds what the hub makes of it. answer is NULL without an exchange; all valid during the call. NULL:
	 * nobody wants to know.
	 */
	void (*report)(void *ctx, const struct engine_report *r, struct tx *tx);
	/* An exchange failed, or the first one after failures went well; for every endpoint. May be NULL. */
	void (*trouble)(void *ctx, const struct endpoint *endpoint, bool ok, int code, struct slice reason);
	/* A lane goes from one state to another, both enum lane_state; why is a sentence or empty. May be NULL. */
	void (*state)(void *ctx, const struct endpoint *endpoint, enum lane_state before, enum lane_state now,
		      const char *why);
	/* Something an operator should read; level as in base/log.h. */
	void (*say)(void *ctx, int level, const char *what, const struct endpoint *endpoint, const char *detail);
};

struct engine_limits {
	size_t memory_bytes; /* events held in memory by all lanes; further ones go to pending. Default 96 MiB */
	size_t lane_items;   /* and of one lane. Default 8,192 */
	size_t lane_bytes;   /* Default 8 MiB */
	size_t lane_share;   /* what a lane may have even when others have taken all of memory_bytes. Default 16 KiB */
	/* retries an endpoint may have outstanding before its first attempts wait too. Default 100,000 */
	size_t lane_waiting;
	/* what sits in memory longer than this is written to pending, so that the floor moves on. Default 30,000 */
	int64_t memory_age_ms;
	uint32_t uncommitted_max; /* results not yet on disk; with more, nothing new is sent. Default 20,000 */
	uint32_t throttle_after;  /* failed exchanges in a row. Default 10 */
	int64_t probe_first_ms, probe_max_ms; /* 1,000 and 60,000 */
	int64_t retry_after_max_ms;	      /* cap on Retry-After. Default 3,600,000 */
	/*
	 * messages whose final status was acknowledged are known for so
	 * many (X12). Default 1,000,000; 24 bytes each, as they come
	 */
	uint32_t finals;
};
extern const struct engine_limits engine_limits_default;

/*
 * seed: of the jitter. Time starts at now_ms (Unix milliseconds
 * of a clock that never steps back; all now_ms below are of it).
 */
struct engine *engine_new(const struct engine_host *host, const struct engine_limits *limits, uint64_t seed,
			  int64_t now_ms);
/* Cancels what is on the wire, forgets everything. */
void engine_free(struct engine **e);

/* --- settings --- */

/*
 * Before an endpoint is changed or deleted: adds to tx a pending row for each of its deliveries that is in memory or on
 * the wire, so that the old and the new settings never mix. *ret_from_seq is what recovery needs: events after it are
 * routed by the new settings. The caller adds the documents, commits tx through the same queue as host->commit, and
 * then calls engine_endpoint_set or _delete. Until then the lane sends nothing new. Unknown number: nothing is added.
 * engine_committed must be called for this tx too.
 */
void engine_endpoint_prepare(struct engine *e, uint64_t number, struct tx *tx, int64_t *ret_from_seq);
/*
 * Makes ep (a reference is taken) the current revision of its endpoint, new
 * or known. stats is shared with whoever shows it (a reference is taken).
 */
void engine_endpoint_set(struct engine *e, struct endpoint *ep, int64_t from_seq, struct endpoint_stats *stats);
/*
 * Ends all its deliveries, in memory and pending, with FAILURE_DELETED, over as many transactions as it takes; then
 * `retire` is called for its last revision. No event is routed to it any more.
 */
void engine_endpoint_delete(struct engine *e, uint64_t number);
/* Rows were added to pending by somebody else (a replay): count ready rows, the smallest with this id. */
void engine_rows_added(struct engine *e, uint64_t number, int64_t count, int64_t lowest_id);
/* Waiting or ready rows of a replay were taken away again; count of ready ones. */
void engine_rows_removed(struct engine *e, uint64_t number, int64_t count);

/* --- the inputs of a turn --- */

/*
 * Accept: a committed event, in the order of seq. A reference is taken. Projects' endpoints are matched by owner;
 * organization_id is the project's ("" if none). An event with a target goes to that endpoint alone, if it is here,
 * whatever its filters; also when it is switched off, where it waits until it is too old.
 */
void engine_event(struct engine *e, struct event *ev, struct slice organization_id, int64_t now_ms);
/* Settle: the answer to an exchange; x is gone afterwards. */
void engine_answer(struct engine *e, struct exchange *x, const struct http_answer *answer, int64_t now_ms);
/* tx (asked for by host->commit, or prepared above) is on disk; the host frees it afterwards. */
void engine_committed(struct engine *e, struct tx *tx);
void engine_loaded(struct engine *e, uint64_t number, struct loaded_rows *rows, int64_t now_ms);
/* Deliver: sends what may be sent, writes what must be written. */
void engine_run(struct engine *e, int64_t now_ms);
/* When engine_run wants to be called next at the latest; INT64_MAX when nothing is timed. */
int64_t engine_next_ms(const struct engine *e);

/* All events up to this seq are settled or pending, durably, as far as this engine is concerned. */
int64_t engine_floor(const struct engine *e);

/* --- start and stop --- */

/*
 * Recovery, before the first event: engine_endpoint_set for every endpoint, then for each of its pending rows that is
 * waiting or held, and each ready one with id above the floor, recover_row; recover_summary for each endpoint with
 * pending rows; recover_settled for each item of an attempt row above the floor that is not ITEM_LEFT; then
 * recover_event for each event above the floor, ascending; then recover_done with the last seq of the log.
 */
void engine_recover_row(struct engine *e, const struct pending_row *row);
void engine_recover_summary(struct engine *e, const struct pending_counts *sum);
void engine_recover_settled(struct engine *e, uint64_t endpoint, int64_t event_seq);
/*
 * A final status of a message with this order_hash was acknowledged: at any
 * time between engine_endpoint_set and engine_recover_done, oldest first.
 */
void engine_recover_final(struct engine *e, uint64_t endpoint, uint64_t order_hash);
void engine_recover_event(struct engine *e, struct event *ev, struct slice organization_id, int64_t now_ms);
void engine_recover_done(struct engine *e, int64_t last_seq, int64_t now_ms);

/* From now on batches do not wait to fill, and retries and pending rows are not loaded any more. */
void engine_stop(struct engine *e);
/*
 * True when nothing is on the wire and nothing waits for a commit. Then engine_park writes what is left to pending (one
 * more commit), after which engine_floor is the last seq.
 */
bool engine_idle(const struct engine *e);
void engine_park(struct engine *e, int64_t now_ms);

#endif
