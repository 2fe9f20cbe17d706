/*
 * The book: the objects of the messaging side (store/object.h) as the hub reads and writes them. What changes something
 * is a function that runs inside a commit, on the store thread, one after the other; so it needs no lock, sees the work
 * of all before it, and whatever it writes (objects, new events) is on disk together with what caused it. Reading alone
 * works on a book that is opened over a reader, on any thread.
 */
#ifndef NODE_BOOK_H
#define NODE_BOOK_H

#include "base/json.h"
#include "dialect/endpoint.h"
#include "node/node.h"
#include "store/object.h"

struct book;

/* --- reading --- */

/* The node's clock, milliseconds; the same throughout one function. */
int64_t book_now_ms(const struct book *b);
/* Appends the text to *ret (NULL: only asks). False: there is none (or it is damaged, which the log says). */
bool book_get(struct book *b, struct slice project, uint16_t kind, struct slice id, struct buf *ret);
void book_walk(struct book *b, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx);
void book_due(struct book *b, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx);
/* The project's settings (JSON text), appended; false when there is no such project. */
bool book_project(struct book *b, struct slice project, struct buf *ret);
/* The compiled settings in force of the project's endpoint of this id, one reference; NULL when there is none. */
struct endpoint *book_endpoint_get(struct book *b, struct slice project, struct slice id);

/* --- writing: only inside a commit --- */

void book_put(struct book *b, const struct object_row *row);
void book_delete(struct book *b, struct slice project, uint16_t kind, struct slice id);
/*
 * Appends an event to the log (a reference is taken) and has it delivered after the commit. Returns its seq; 0 when the
 * same project has an event of this id already (then nothing is stored).
 */
int64_t book_event(struct book *b, struct event *ev);
/*
 * The number of the project's internal endpoint `id` ("_status.…"), which is made with these settings (endpoint_compile
 * with identity.internal) when there is none, in this commit. 0: settings are refused (*fault says why).
 */
uint64_t book_endpoint(struct book *b, struct slice project, struct slice id, struct slice settings,
		       struct fault *fault);

/* --- getting there --- */

typedef void book_fn(void *ctx, struct book *b);
/*
 * Runs fn inside the next commit; then done, exactly once, on the store thread, which must not block. err: 0, ERR_BUSY
 * (too much waits, or stopping; may come before this returns), ERR_FULL, ERR_IO: nothing of it was written. fn may run
 * more than once (tx.h). bytes: what it holds in memory until then, for the limit. Any thread, never blocks.
 */
void node_book(struct node *n, size_t bytes, book_fn *fn, void (*done)(void *ctx, int err), void *ctx);
/* The same, waiting for it; not on the store thread, a loop, or the server's threads. */
int node_book_wait(struct node *n, book_fn *fn, void *ctx);
/* fn reads on the caller's thread what is committed; may wait for a free reader. */
void node_book_read(struct node *n, book_fn *fn, void *ctx);

/*
 * The project's internal endpoint `id` gets these settings, new or changed; blocks like node_endpoint_change. For
 * services and routes, whose settings change.
 */
int node_internal_endpoint(struct node *n, struct slice project, struct slice id, struct slice settings,
			   struct fault *fault);
int node_internal_endpoint_delete(struct node *n, struct slice project, struct slice id, struct fault *fault);

/* --- what the engine reports to the hub (node_options.hooks) --- */

enum report_kind {
	REPORT_DELIVERED, /* taken by the receiver */
	REPORT_LEFT,	  /* an attempt failed; it will be tried again */
	REPORT_DEAD,	  /* failed for good, by an attempt or without one (expired, render, deleted, …) */
	REPORT_PASSED	  /* accepted, but its endpoint is throttled: it is not tried now */
};

/* What became of a targeted event at an endpoint with `reports`. Valid during the call. */
struct report {
	enum report_kind kind;
	const struct endpoint *endpoint;
	const struct event *event;
	uint32_t attempt;    /* from 1; 0: without an exchange */
	int64_t attempt_seq; /* the attempt's row in the log; 0: none */
	int64_t started_ms, duration_us;
	int code;		 /* HTTP status, or -enum failure */
	struct slice reason;	 /* a sentence; may be empty */
	struct slice media_type; /* of the answer, without parameters */
	struct slice body;	 /* of the answer, at most 256 KiB; empty when not delivered and not an HTTP answer */
	struct slice location;	 /* where a redirect leads; empty when the answer is none */
};

#define NODE_SECRET_BYTES 32

struct node_hooks {
	void *ctx;
	/* Inside the commit that writes the outcome: exactly once an outcome that is on disk. */
	void (*report)(void *ctx, struct book *b, const struct report *r);
	/*
	 * An exchange failed (ok false), or the first one succeeded after failures (ok true); also for endpoints
	 * without `reports`. On a loop thread, must not block.
	 */
	void (*trouble)(void *ctx, const struct endpoint *ep, bool ok, int code, struct slice reason);
	/*
	 * NODE_SECRET_BYTES, NULL: not wanted. Filled in by node_start, before the first report: what the hub signs
	 * with, the same for as long as the data folder lives.
	 */
	uint8_t *secret;
};

#endif
