/*
 * A stage for the engine: one engine, a memory store, a clock that is moved by hand, and a host that keeps what the
 * engine wants until the test lets it happen. Events are named by one letter and belong to the message of a number:
 * "a1" is event a of message 1. The text of message x is 9,000 bytes long. What is on the wire, in rows, in the log
 * reads as text, so that a scenario reads like its rule:
 *
 *	play_events(p, "a1 b1 c2");
 *	expect_wire(p, "a c");
 *	play_answer(p, "a", 200, "");
 *	expect_wire(p, "b c");
 */
#ifndef TESTS_UNIT_ENGINE_PLAY_H
#define TESTS_UNIT_ENGINE_PLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#define PLAY_EVENTS_MAX 64
#define PLAY_WIRE_MAX	64
#define PLAY_QUEUE_MAX	256
#define PLAY_NUMBER	7 /* of the endpoint */

/* Something for the store, in order. */
struct errand {
	struct tx *tx;
	bool load, ready;
	struct pending_query query;
	size_t max_bytes;
	struct reading *read; /* the rows, read already and not handed over yet */
	struct loaded_rows read_rows;
};

struct play {
	struct engine *engine;
	struct engine_limits limits;
	struct store *store;
	struct endpoint *revisions[8];
	uint32_t revision_count, current;
	int64_t from_seq;
	struct endpoint_stats *stats;
	int64_t start_ms, now_ms;
	char names[PLAY_EVENTS_MAX]; /* by seq */
	const char *project;	     /* whose the next events are; "p" at first */
	bool internal;		     /* the endpoint is the hub's own */
	int target;		     /* of the next events; 0: none, they are statuses as callers post them */
	struct buf told;	     /* what the hub heard, in the order of the commits */
	struct buf trouble;	     /* and the operator */
	bool organization;	     /* the endpoint is the organization's, and gets those of all projects */
	struct exchange *wire[PLAY_WIRE_MAX];
	size_t wire_count;
	struct errand queue[PLAY_QUEUE_MAX];
	size_t queue_count;
	bool disk_is_slow;		 /* commits and loads wait for play_sync */
	char disabled[100];		 /* why, once it was */
	uint32_t retired;		 /* the last revision retired */
	char last_id[DELIVERY_ID_BYTES]; /* of the exchange answered last */
};

/*
 * limits NULL: the default. settings: JSON with ' for ", laid over {url,
 * one event a request, retries after 60 s and 120 s without jitter}.
 */
struct play *play_new(const struct engine_limits *limits, const char *settings);
struct play *play_new_organization(const char *settings);
/* The endpoint is internal, and the events name it as their target. */
struct play *play_new_internal(const struct engine_limits *limits, const char *settings);
void play_free(struct play *p);
void play_settings(struct play *p, const char *settings);
void play_delete(struct play *p);
/* Commits events in one go and hands them to the engine. */
void play_events(struct play *p, const char *names);
/* Answers the exchange that holds this event; status below 0: -enum failure. */
void play_answer(struct play *p, const char *event, int status, const char *headers);
void play_body(struct play *p, const char *event, int status, const char *body);
/* The same with 200 and a body that names these messages: "1 3". */
void play_ack(struct play *p, const char *event, const char *messages);
void play_later(struct play *p, int64_t ms);
void play_run(struct play *p);
void play_sync(struct play *p);
/* The one load that waits is read now; the engine gets its rows at the next play_sync. */
void play_read_load(struct play *p);
/* Power fails; what is not on disk is lost; a new engine recovers. */
void play_crash(struct play *p);
/* Events that were sent before are sent again: ready rows. */
void play_replay(struct play *p, const char *names);

/* "a,b c": two exchanges, in the order of their events. */
void expect_wire(struct play *p, const char *expected);
/* "ready:a due60:b,c held:d": pending rows, with the seconds from now. */
void expect_rows(struct play *p, const char *expected);
/* "a,b=200/1 c=expired/0": the attempt rows so far, code and attempt. */
void expect_log(struct play *p, const char *expected);
/*
 * "a=delivered/1/200 b=left/1/500": what has been reported since the last call and is on disk. Each report of an
 * exchange stands behind the attempt's row.
 */
void expect_told(struct play *p, const char *expected);
/* "500 timeout ok": calls of host.trouble since the last call. */
void expect_trouble(struct play *p, const char *expected);
void expect_dead(struct play *p, const char *expected);
void expect_state(struct play *p, enum lane_state state);

#endif
