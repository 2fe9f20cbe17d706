/* One line of the console's table of endpoints: who it is, how it is doing now, and the last hour in little. */
#ifndef API_ENDPOINT_ROW_H
#define API_ENDPOINT_ROW_H

#include "base/json.h"
#include "node/node.h"
#include "watch/series.h"

/* The members, into an object that the caller has begun. */
void endpoint_row_write(struct json_writer *w, const struct endpoint_view *v, struct series *series, int64_t now_ms);
/*
 * How badly it stands: 0 when it does not fail, is neither throttled nor disabled by itself, and nothing
 * waits for longer than a minute. Worse is more: first who lets an event wait longest, then who has more of them.
 */
double endpoint_trouble(const struct endpoint_view *v, int64_t now_ms);
/* Seconds; negative when nothing waits. */
double endpoint_oldest_s(const struct endpoint_stats *stats, int64_t now_ms);
/* The share of exchanges that were not ok; negative when there were none. */
double window_error_rate(const struct window *win);
/* A member that is null when its value is negative. */
void member_or_null(struct json_writer *w, const char *name, double value);
/* A member that is a list of numbers over time. */
void member_counts(struct json_writer *w, const char *name, const uint32_t *values, uint32_t count);

#endif
