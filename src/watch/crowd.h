/*
 * Numbers of many endpoints together: of the whole node, or of a project. What is now is counted anew in every round;
 * what happened is added to rings. The plots, the larger part, are there for a bounded number of crowds.
 */
#ifndef WATCH_CROWD_H
#define WATCH_CROWD_H

#include "node/node.h"
#include "watch/track.h"

enum plot_column {
	PLOT_ACCEPTED, /* events in a step */
	PLOT_DELIVERED,
	PLOT_FAILED,
	PLOT_PENDING, /* at its end */
	PLOT_OLDEST,  /* seconds */
	PLOT_P50,     /* PLOT_LATENCY_UNITS a millisecond; 0: nothing was delivered */
	PLOT_P99,
	PLOT_COLUMNS
};
#define PLOT_LATENCY_UNITS 100
extern const struct ring_shape plot_hour, plot_day;

struct plot {
	struct ring ring;
	int64_t step; /* of the histogram */
	uint32_t delivery[STATS_BUCKETS];
};

struct plots {
	struct plot hour, day;
	int64_t since_ms; /* they began in an earlier run of the daemon; 0: with this one */
	bool unsaved;	  /* something happened since they were written to disk */
};

struct crowd {
	struct map_node node; /* of a project's: by id */
	char *id;	      /* NULL: the node's */
	uint32_t seen;	      /* the last round that had an endpoint of it */
	int64_t heard_ms;     /* when something happened last */
	/* now */
	int64_t pending, waiting, in_flight, oldest_ms; /* oldest: when it was accepted, 0 when nothing waits */
	size_t endpoints, states[LANE_DELETED + 1];
	/* in this round so far */
	uint64_t accepted;
	struct delta delta;
	/* over time */
	struct ring now; /* the last seconds: accepted, delivered, failed */
	struct ring recent;
	struct plots *plots; /* NULL when it has none */
};

void plots_write(const struct plots *p, int64_t since_ms, struct buf *out);
/* NULL when text is none, or of another version. */
struct plots *plots_read(struct slice text);
void plots_free(struct plots **p);
struct crowd *crowd_new(const char *id);
void crowd_free(struct crowd *cr);
/* A round: crowd_begin, crowd_count for each endpoint, crowd_end. */
void crowd_begin(struct crowd *cr);
void crowd_count(struct crowd *cr, const struct endpoint *ep, const struct endpoint_stats *stats);
/* Something that happened to one of them. */
void crowd_happened(struct crowd *cr, const struct delta *d);
/* Has anything happened, or does anything wait? A crowd that never had either needs no plots. */
bool crowd_is_busy(const struct crowd *cr);
/* What happened counts as of time_ms; now_ms: the age of what waits. */
void crowd_end(struct crowd *cr, int64_t time_ms, int64_t now_ms);

/* A second, over the last 10 to 20 of them; since_ms: nothing was counted before. */
struct rates {
	double accepted, delivered, failed;
};
void crowd_rates(const struct crowd *cr, int64_t since_ms, int64_t now_ms, struct rates *ret);

/* What people call the state of an endpoint: one that is switched off is disabled, by whomever. */
enum lane_state endpoint_state(const struct endpoint *ep, const struct endpoint_stats *stats);
/* When the oldest of an endpoint's events was accepted; 0 when none waits. */
int64_t endpoint_oldest_ms(const struct endpoint_stats *stats);

#endif
