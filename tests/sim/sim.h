/*
 * One simulated world: a node that runs the real engines on the real memory store, receivers
 * with a character, an operator who changes his mind, and a judge who knows the rules. What
 * the files of the simulator share is here; see main.c for how they play together.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "engine/engine.h"
#include "world.h"

#define EVENTS_MAX    400
#define ENDPOINTS_MAX 16
#define REVISIONS_MAX 16
#define MESSAGES_MAX  160
#define PROJECTS      3
#define ENGINES_MAX   2
#define BATCH_MAX     64

/* Deliberate faults of the world around the engine, to see whether the judge notices. */
enum breakage {
	BREAK_NOTHING,
	BREAK_LOSE_COMMIT,     /* a result is reported as on disk and is not */
	BREAK_REORDER_COMMITS, /* two transactions change places */
	BREAK_DOUBLE_SEND,     /* the network delivers a request twice */
	BREAK_FALSE_SUCCESS,   /* a refusal reaches the engine as a success */
	BREAK_EARLY_RETRY,     /* rows are loaded before they are due */
	BREAK_FALSE_ACK,       /* an answer names what the receiver did not take */
	BREAK_LOSE_REPORT,     /* the hub is not told of an end */
	BREAK_DOUBLE_REPORT,   /* or twice */
	BREAK_COUNT
};

/* One event, from its making on. */
struct sim_event {
	int index, project, message;
	char id[16];	     /* "ev%04d" */
	struct event *event; /* as posted */
	int64_t seq;	     /* 0: not on disk */
	int64_t entered_ms;  /* when the engines got it, or it was recovered; 0: not yet */
	bool poison;	     /* picky receivers refuse it for ever */
	bool oversize;	     /* its text does not fit into a header */
	bool final;	     /* its status is one that final_statuses names */
};

enum mood { MOOD_FAST, MOOD_SLOW, MOOD_HANGS, MOOD_BROKEN, MOOD_BUSY, MOOD_RESETS, MOOD_FLAKY, MOOD_GONE, MOODS };

struct receiver {
	enum mood mood;
	int64_t mood_until_ms;
	bool picky;
	int refusal; /* 400, 413 or 422 */
};

struct sim_endpoint {
	int index;
	uint64_t number;
	bool organization;
	bool internal; /* the hub's own: targeted events only, and the hub hears what becomes of them */
	int owner;     /* number of its project or organization */
	char id[16];
	struct endpoint *revisions[REVISIONS_MAX]; /* [r - 1] */
	uint32_t revision_count;
	uint32_t in_force; /* revision that the engine works with, 0: none */
	int64_t from_seq;
	bool deleted;		/* durably */
	bool changing;		/* between prepare and set */
	uint32_t next_revision; /* of that change; 0: deletion */
	bool disable_wanted;
	struct endpoint_stats *stats;
	struct receiver receiver;
	/* drawn once */
	bool acks;	 /* its receiver names the messages that it took */
	bool finals;	 /* it has final_statuses */
	bool reads_text; /* a header of it shows the content: an oversize event cannot be rendered for it */
	int64_t max_age_ms;
	const char *order;
};

struct sim_totals {
	uint64_t events, exchanges, crashes, stops, duplicates, replays, changes, dead, superseded, finals, reports,
		passed;
	int64_t virtual_ms;
};

struct judge;
struct node;
struct simnet;
struct operator;

struct sim {
	struct world world;
	enum breakage broken;
	bool failed, healed, sabotaged;
	struct engine_limits limits;
	unsigned engine_count;
	int64_t traffic_ms; /* how long events come in */
	struct sim_event events[EVENTS_MAX];
	int event_count;
	struct sim_endpoint endpoints[ENDPOINTS_MAX];
	int endpoint_count;
	struct judge *judge;
	struct node *node;
	struct simnet *net;
	struct operator* operator;
	struct sim_totals totals;
};

/* --- cast.c: who is in the play --- */

void cast_limits(struct sim *s);
/* Draws a new endpoint with its first revision, in the sim's table; NULL when the table is full. */
struct sim_endpoint *cast_endpoint(struct sim *s);
/* Draws the next revision of its settings; false when it had enough of them. */
bool cast_revision(struct sim *s, struct sim_endpoint *ep, bool active);
/* Draws the next event; NULL when there are enough. */
struct sim_event *cast_event(struct sim *s);
const char *cast_organization(int project); /* "" when the project has none */
void cast_free(struct sim *s);
struct sim_event *cast_by_seq(struct sim *s, int64_t seq);
/* Does the event belong to this endpoint's owner? */
bool cast_owns(const struct sim_endpoint *ep, const struct sim_event *ev);

/* --- operator.c: what people do --- */

void operator_start(struct sim *s);
/*
 * The world is healed: receivers are well, and step by step the node is up
 * and its endpoints are active. True when they are; until then call it again.
 */
bool operator_heals(struct sim *s);
void operator_free(struct sim *s);

#endif
