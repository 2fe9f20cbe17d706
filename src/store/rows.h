/*
 * What the store keeps, as plain rows. Slices are borrowed: on the way in they must live as long as the tx they were
 * added to (put them in its arena), on the way out until the callback returns. Times are Unix milliseconds.
 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <stdint.h>

#include "base/slice.h"

/* --- the log: append-only, one counter `seq` for both kinds --- */

struct event_row {
	int64_t seq;	      /* out: set by the commit */
	int64_t duplicate_of; /* out: 0, or the seq of the same project's event with this id; nothing was stored then */
	struct slice project, id, message_id;
	int64_t accepted_ms;
	struct slice text;
};

enum attempt_outcome { ATTEMPT_OK, ATTEMPT_RETRY, ATTEMPT_FAILED };
enum item_fate {
	ITEM_DONE, /* delivered (acknowledged, where the endpoint asks for that) */
	ITEM_DEAD, /* failed for good */
	/* not delivered; there is a pending row for it in the same tx, or a later attempt row that ends it */
	ITEM_LEFT,
	ITEM_ENDED /* needs no delivery any more (superseded, final, cancelled): settled, not dead, not delivered */
};

struct attempt_item {
	int64_t event_seq;
	uint32_t attempts; /* made so far for this item, this one included; 0 for an end without an exchange */
	uint8_t fate;	   /* enum item_fate */
};

/* One HTTP exchange, or one end without an exchange. */
struct attempt_row {
	int64_t seq;	   /* out */
	uint64_t endpoint; /* number */
	uint32_t revision;
	uint32_t attempt; /* number of this attempt of the delivery, from 1; 0 for an end without an exchange */
	int64_t time_ms;  /* when it began */
	uint8_t outcome;  /* enum attempt_outcome */
	int16_t code;	  /* HTTP status, or -enum failure */
	struct slice delivery_id;
	const struct attempt_item *items;
	uint32_t item_count;
	struct slice detail; /* the engine's own: timings, reason, capped answer */
};

/* --- exceptions --- */

struct pending_item {
	int64_t event_seq;
	uint64_t order_hash; /* struct event's; 0: none */
	uint32_t attempts;   /* made so far */
};

#define PENDING_READY INT64_C(0) /* due: never attempted, goes as soon as there is room, in order of id */
#define PENDING_HELD  INT64_MAX	 /* due: waits until a delivery before it ends; the engine then writes it anew */

/*
 * A delivery that did not go through at once. Its name is (endpoint, id), id being the smallest event seq among its
 * items: an event is in at most one pending delivery of an endpoint.
 */
struct pending_row {
	uint64_t endpoint;
	int64_t id;
	uint32_t revision; /* of the settings it was first sent with; 0: never sent, the current ones count */
	uint32_t attempts; /* of the delivery as a whole */
	int64_t due_ms;	   /* PENDING_READY, PENDING_HELD, or when to send it again */
	uint64_t replay;   /* number of the replay that made it, 0 if none */
	const struct pending_item *items;
	uint32_t item_count;
	/*
	 * out: the checksum does not fit; only endpoint, id, due_ms
	 * and replay are to be trusted, and there are no items
	 */
	bool damaged;
};

/* A delivery that failed for good, per item. */
struct dead_row {
	uint64_t endpoint;
	int64_t event_seq;
	int64_t attempt_seq; /* the attempt row that says why; 0 in: the last attempt row added to this tx before it */
	int64_t time_ms;
};

#endif
