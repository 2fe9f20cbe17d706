/*
 * Numbers of the last hour and day: of the node, of each project, of each endpoint. Every ten seconds, and when
 * somebody asks, a round looks at the counters of all endpoints; what happened in between is written down in rings, so
 * nothing here touches deliveries. All of it is bounded: plots are kept for the node and SERIES_PLOTS_MAX projects that
 * had traffic within a day, and an endpoint that never had any costs 40 bytes.
 *
 * Any thread may call, and waits for a round that is under way: some milliseconds with 10,000 endpoints.
 * Times are the node's milliseconds and handed in.
 */
#ifndef WATCH_SERIES_H
#define WATCH_SERIES_H

#include "node/node.h"
#include "watch/crowd.h"
#include "watch/track.h"

#define SERIES_PLOTS_MAX 500
#define SERIES_ROUND_MS	 10000 /* between two rounds, when nobody asks */

struct series;

struct series *series_new(void);
void series_free(struct series **s);

/* New events; on the store thread, waits for nothing that takes long. */
void series_accepted(struct series *s, struct event *const *events, size_t count);
/* A round over the endpoints of a node. */
void series_round(struct series *s, struct node *node, int64_t now_ms);
/*
 * Before somebody asks: a round, unless the last one is so young that rounds would take more than a fiftieth of the
 * time. With a few endpoints that is always, with 10,000 twice a second.
 */
void series_freshen(struct series *s, struct node *node, int64_t now_ms);
/* A round by hand (tests): begin, look at each endpoint, grouped by their owners, end. */
void series_begin(struct series *s, int64_t now_ms);
void series_look(struct series *s, const struct endpoint *ep, const struct endpoint_stats *stats);
void series_end(struct series *s);

/* --- over a restart: the plots --- */

/* The text of each that has something new, which counts as written then. id: a project's, or "", all of them. */
typedef void series_save_fn(void *ctx, struct slice id, struct slice text);
void series_save(struct series *s, series_save_fn *fn, void *ctx);
/* What was written once, before the first round. False: it cannot be read, or is from too long ago. */
bool series_load(struct series *s, struct slice id, struct slice text, int64_t now_ms);

/* --- asking, as of the last round --- */

/*
 * Between the two no round is made. For who asks of many endpoints, and a must for who does so inside of
 * node_endpoint_list: rounds take the directory's lock while they hold ours, so nobody may do it the other way round.
 */
void series_hold(struct series *s);
void series_release(struct series *s);

struct series_plot {
	uint32_t step_s, count;
	int64_t end_s;			    /* of the last step; it is over */
	uint32_t values[PLOT_COLUMNS][360]; /* oldest first; units as in crowd.h */
};

struct series_numbers {
	int64_t pending, waiting, in_flight, oldest_ms;
	size_t endpoints, states[LANE_DELETED + 1];
	struct rates rates;
	struct window window;
};

/* project empty: of all. plots: NULL, or room for two, the hour and the day. Zeroes when nothing is known of it. */
void series_numbers(struct series *s, struct slice project, struct series_numbers *ret, struct series_plot *plots);

struct series_recent {
	struct window window;
	uint64_t delivered; /* in the minute before this one and so far in this one */
	double per_s;	    /* these, a second */
};
/* Of one endpoint, zeroes when nothing is known of it. */
void series_recent(struct series *s, uint64_t number, struct series_recent *ret);

#define SERIES_MINUTES 60
/* The last minutes, the one that runs included, oldest first; returns how many there are. */
uint32_t series_spark(struct series *s, uint64_t number, uint32_t ret_delivered[SERIES_MINUTES],
		      uint32_t ret_bad[SERIES_MINUTES]);

struct series_track {
	uint32_t step_s, count;
	int64_t end_s; /* of the last step, which runs still */
	uint32_t values[TRACK_COLUMNS][96];
	uint32_t codes[STATS_CODES][96]; /* in the places that they have in struct endpoint_stats */
};
void series_endpoint(struct series *s, uint64_t number, struct series_track *ret_hour, struct series_track *ret_day);

#endif
