/*
 * The watch's life: its parts are made before the node, because they are among the node's options, and the watchman's
 * thread lives only while the node does. Taps are passed on to the parts here, so that no part knows another.
 */
#include "watch/watch.h"

#include "base/mem.h"
#include "watch/feed.h"
#include "watch/keep.h"
#include "watch/operations.h"
#include "watch/outcomes.h"
#include "watch/series.h"
#include "watch/watchman.h"

#define TELL_US INT64_C(1000000)

struct watch {
	struct watch_options options;
	struct node_taps taps;
	struct node *node;
	struct watchman *watchman;
	struct series *series;
	struct feed *feed;
	struct operations *operations;
};

static void on_accepted(void *ctx, struct event *const *events, size_t count)
{
	struct watch *w = ctx;

	series_accepted(w->series, events, count);
	feed_accepted(w->feed, events, count);
}

static void on_attempt(void *ctx, struct node *n, const struct attempt_row *row)
{
	struct watch *w = ctx;

	feed_attempt(w->feed, row);
	operations_attempt(w->operations, row);
	outcomes_log(w->options.outcomes, w->options.log, n, row);
}

static void on_state(void *ctx, const struct endpoint *ep, enum lane_state before, enum lane_state now, const char *why)
{
	struct watch *w = ctx;

	feed_state(w->feed, ep, before, now, why);
	operations_state(w->operations, ep, now, why);
}

static int64_t tell(void *ctx, int64_t due_us)
{
	struct watch *w = ctx;

	operations_tell(w->operations, w->node, node_now_ms(w->node));
	return due_us + TELL_US;
}

/* Shortly after each step of the plots has ended. */
static int64_t count(void *ctx, int64_t due_us)
{
	struct watch *w = ctx;
	int64_t now_ms = node_now_ms(w->node);

	series_round(w->series, w->node, now_ms);
	return due_us + (SERIES_ROUND_MS - now_ms % SERIES_ROUND_MS + 20) * 1000;
}

static int64_t keep(void *ctx, int64_t due_us)
{
	struct watch *w = ctx;

	keep_save(w->series, w->node, w->options.log);
	return due_us + KEEP_EVERY_US;
}

struct watch *watch_new(const struct watch_options *options)
{
	struct watch *w = mem_zalloc(sizeof(*w));

	w->options = *options;
	w->watchman = watchman_new();
	w->series = series_new();
	watchman_add(w->watchman, count, w);
	watchman_add(w->watchman, keep, w);
	w->feed = feed_new();
	feed_enlist(w->feed, w->watchman);
	w->operations = operations_new(options->operations_project, options->log);
	watchman_add(w->watchman, tell, w);
	w->taps.ctx = w;
	w->taps.accepted = on_accepted;
	w->taps.attempt = on_attempt;
	w->taps.state = on_state;
	return w;
}

const struct node_taps *watch_taps(struct watch *w)
{
	return &w->taps;
}

int watch_attach(struct watch *w, struct node *node, struct fault *fault)
{
	w->node = node;
	feed_attach(w->feed, node);
	keep_load(w->series, node);
	return watchman_start(w->watchman, fault);
}

void watch_detach(struct watch *w)
{
	watchman_stop(w->watchman);
	if (w->node) {
		series_round(w->series, w->node, node_now_ms(w->node));
		keep_save(w->series, w->node, w->options.log);
	}
	w->node = NULL;
}

void watch_free(struct watch **wp)
{
	struct watch *w = *wp;

	watchman_free(&w->watchman);
	series_free(&w->series);
	feed_free(&w->feed);
	operations_free(&w->operations);
	mem_free(w);
	*wp = NULL;
}

struct series *watch_series(struct watch *w)
{
	return w->series;
}

struct feed *watch_feed(struct watch *w)
{
	return w->feed;
}
