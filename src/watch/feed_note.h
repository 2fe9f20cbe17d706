/*
 * What the taps note down for the feed, until the watchman takes it: copies of the few words that an entry needs.
 * Bounded by FEED_NOTES_MAX; what finds no room is counted for those who would have heard of it. Private to feed*.c.
 */
#ifndef WATCH_FEED_NOTE_H
#define WATCH_FEED_NOTE_H

#include "watch/feed.h"

#define FEED_NOTES_MAX 16384

struct note {
	struct note *next;
	enum feed_kind kind;
	int64_t seq; /* 0: none */
	int64_t time_ms;
	struct slice owner;	 /* accepted: the project; state: whose endpoint; attempt: not known yet */
	struct slice id;	 /* accepted: the event's; state: the endpoint's */
	struct slice message_id; /* accepted */
	struct slice reason;
	bool of_organization; /* state */
	bool targeted;	      /* accepted: an order of the hub's, noted for its names only */
	union {
		enum event_type type;
		struct {
			enum lane_state before, now;
		} state;
		struct {
			uint64_t endpoint;
			uint32_t revision, attempt, item_count;
			const struct attempt_item *items;
			int64_t duration_us; /* -1: not known */
			int outcome, code;
		} attempt;
	} u;
};

struct notes;

struct notes *notes_new(void);
void notes_free(struct notes **n);
/* Where endpoints are looked up, before anybody listens. */
void notes_attach(struct notes *n, struct node *node);
/* Somebody hears of this project, or with an empty one of all; no longer. */
void notes_listen(struct notes *n, struct slice project);
void notes_unlisten(struct notes *n, struct slice project);
/* Any thread, never waits for more than a copy. */
void notes_accepted(struct notes *n, struct event *const *events, size_t count);
void notes_attempt(struct notes *n, const struct attempt_row *row);
void notes_state(struct notes *n, const struct endpoint *ep, enum lane_state before, enum lane_state now,
		 const char *why);
/* All that was noted, oldest first; valid until the next call. One thread. */
const struct note *notes_take(struct notes *n);
/*
 * How many of these kinds (1 << enum feed_kind) found no room since `seen` (FEED_KINDS counters, brought up to date).
 */
uint64_t notes_lost(struct notes *n, struct slice project, unsigned kinds, uint64_t seen[FEED_KINDS]);

#endif
