/*
 * The watch's life: its parts are made before the node, because they are among the node's options, and the watchman's
 * thread lives only while the node does. Taps are passed on to the parts here, so that no part knows another.
 */
#include "watch/watch.h"

#include "base/mem.h"
#include "watch/series.h"
#include "watch/watchman.h"

struct watch {
	struct watch_options options;
	struct node_taps taps;
	struct node *node;
	struct watchman *watchman;
	struct series *series;
};

static void on_accepted(void *ctx, struct event *const *events, size_t count)
{
	struct watch *w = ctx;

	series_accepted(w->series, events, count);
}

/* Shortly after each step of the plots has ended. */
static int64_t count(void *ctx, int64_t due_us)
{
	struct watch *w = ctx;
	int64_t now_ms = node_now_ms(w->node);

	series_round(w->series, w->node, now_ms, 1000);
	return due_us + (SERIES_ROUND_MS - now_ms % SERIES_ROUND_MS + 20) * 1000;
}

struct watch *watch_new(const struct watch_options *options)
{
	struct watch *w = mem_zalloc(sizeof(*w));

	w->options = *options;
	w->watchman = watchman_new();
	w->series = series_new();
	watchman_add(w->watchman, count, w);
	w->taps.ctx = w;
	w->taps.accepted = on_accepted;
	return w;
}

const struct node_taps *watch_taps(struct watch *w)
{
	return &w->taps;
}

int watch_attach(struct watch *w, struct node *node, struct fault *fault)
{
	w->node = node;
	return watchman_start(w->watchman, fault);
}

void watch_detach(struct watch *w)
{
	watchman_stop(w->watchman);
	w->node = NULL;
}

void watch_free(struct watch **wp)
{
	struct watch *w = *wp;

	watchman_free(&w->watchman);
	series_free(&w->series);
	mem_free(w);
	*wp = NULL;
}

struct series *watch_series(struct watch *w)
{
	return w->series;
}
