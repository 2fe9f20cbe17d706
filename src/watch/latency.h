/* Questions to latency histograms with the buckets of engine/stats.h, whose counts may be of a part of time only. */
#ifndef WATCH_LATENCY_H
#define WATCH_LATENCY_H

#include "engine/stats.h"

/*
 * Milliseconds below which the share q (0 .. 1) of what was counted lies, interpolated in its bucket;
 * negative when nothing was counted. What lies beyond the last bound counts as that bound.
 */
double latency_quantile(const uint32_t counts[STATS_BUCKETS], double q);

#endif
