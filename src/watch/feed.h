/*
 * The live stream: what happens is noted by the taps, encoded once by the watchman, and given to all who listen. A
 * listener that cannot take what it is given is dropped, never waited for. While nobody listens a tap costs one relaxed
 * load. What a listener gets are server-sent events (docs/api.md, "Live stream").
 */
#ifndef WATCH_FEED_H
#define WATCH_FEED_H

#include "base/blob.h"
#include "node/node.h"
#include "watch/watchman.h"

struct feed;

enum feed_kind { FEED_ACCEPTED, FEED_ATTEMPT, FEED_STATE, FEED_KINDS };
extern const char *const feed_words[FEED_KINDS]; /* "accepted", … */
#define FEED_ALL	  ((1U << FEED_KINDS) - 1)
#define FEED_RATE_DEFAULT 200
#define FEED_RATE_MAX	  5000
#define FEED_SEATS_MAX	  1000
#define FEED_SEATS_OF_ONE 250 /* of one project, so that none takes all */

/* What a listener wants to hear. What is empty or negative is not asked for. */
struct feed_want {
	struct slice project;  /* empty: all projects, and endpoints of organizations */
	unsigned kinds;	       /* 1 << enum feed_kind */
	struct slice endpoint; /* its id; events accepted are of no endpoint, so with it none are given */
	int outcome;	       /* enum attempt_outcome; only attempts have one */
	unsigned rate;	       /* entries a second; what is over is counted, and told as `skipped` */
};

/* A listener's side. begin is called by feed_join, the others on the watchman's thread, end also by feed_close. */
struct feed_sink {
	void *ctx;
	void (*begin)(void *ctx);		     /* it has its place; before all others */
	bool (*take)(void *ctx, struct blob *bytes); /* false: too slow, or gone. Takes a reference of its own */
	bool (*alive)(void *ctx);		     /* asked every second: false when the client has gone */
	bool (*allowed)(void *ctx);		     /* asked every few seconds: false when it may not listen on */
	void (*end)(void *ctx);			     /* the last call, exactly once: frees ctx */
};

struct feed *feed_new(void);
/* Registers its duty; before watchman_start. */
void feed_enlist(struct feed *f, struct watchman *m);
/* Before watchman_start: the node that is read from, on the watchman's thread. */
void feed_attach(struct feed *f, struct node *node);
/* After the watchman and the node have stopped. */
void feed_free(struct feed **f);

/*
 * False: there are FEED_SEATS_MAX already, or FEED_SEATS_OF_ONE of its project, or the feed is closed; the sink was not
 * called. Any thread; may wait for a round to end. No function of a sink may block. What `want` points to is not looked
 * at any more once begin is called: it may be the request's, which ends there.
 */
bool feed_join(struct feed *f, const struct feed_want *want, const struct feed_sink *sink);
/* Ends all listeners and takes no new ones. Any thread. */
void feed_close(struct feed *f);

/* The taps' side (node_taps). */
void feed_accepted(struct feed *f, struct event *const *events, size_t count);
void feed_attempt(struct feed *f, const struct attempt_row *row);
void feed_state(struct feed *f, const struct endpoint *ep, enum lane_state before, enum lane_state now,
		const char *why);

#endif
