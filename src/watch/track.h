/*
 * One endpoint's numbers over time, made of what its counters are from look to look. An endpoint that
 * never had anything to do costs the few words of struct track; the rest is made when there is something.
 */
#ifndef WATCH_TRACK_H
#define WATCH_TRACK_H

#include "base/map.h"
#include "engine/stats.h"
#include "watch/ring.h"

/* What happened between two looks. */
struct delta {
	uint64_t delivered, failed; /* events; failed for good, expired ones too */
	uint64_t ok, bad;	    /* exchanges */
	uint32_t delivery[STATS_BUCKETS];
};

/* The last minutes, of an endpoint or of many: WINDOW_MINUTES and the one that runs. */
#define WINDOW_MINUTES 5
#define WINDOW_OK      STATS_BUCKETS
#define WINDOW_BAD     (STATS_BUCKETS + 1)
extern const struct ring_shape window_shape;
/* Adds to a ring of window_shape. */
void window_add(struct ring *recent, int64_t time_ms, const struct delta *d);

struct window {
	uint64_t ok, bad;      /* exchanges */
	double p50_ms, p99_ms; /* acceptance to delivery; negative when nothing was delivered */
};
void window_read(const struct ring *recent, int64_t now_ms, struct window *ret);

enum track_column { TRACK_DELIVERED, TRACK_BAD, TRACK_PENDING, TRACK_COLUMNS };
extern const struct ring_shape track_hour, track_day, code_hour, code_day;

struct track_codes {
	struct ring hour, day;
	uint32_t ok, bad; /* the counters at the last look */
};

/* Of an endpoint that has had something to do. */
struct track_work {
	uint64_t delivered, failed, exchanges; /* the counters at the last look */
	uint32_t pending;
	uint32_t delivery[STATS_BUCKETS];
	struct ring recent, hour, day;
	struct track_codes codes[STATS_CODES];
};

struct track {
	struct map_node node; /* by number */
	uint64_t number;
	uint32_t seen; /* the look that found it last */
	struct track_work *work;
};

struct track *track_new(uint64_t number);
void track_free(struct track *t);
/*
 * Looks at the counters; what they have grown by counts as having happened
 * at time_ms. False: nothing has changed, and *ret is untouched.
 */
bool track_look(struct track *t, const struct endpoint_stats *stats, int64_t time_ms, struct delta *ret);

#endif
