/*
 * The watch's life: its parts are made before the node, because they are among the node's options, and the watchman's
 * thread lives only while the node does. Taps are passed on to the parts here, so that no part knows another.
 */
#include "watch/watch.h"

#include "base/mem.h"
#include "watch/watchman.h"

struct watch {
	struct watch_options options;
	struct node_taps taps;
	struct node *node;
	struct watchman *watchman;
};

struct watch *watch_new(const struct watch_options *options)
{
	struct watch *w = mem_zalloc(sizeof(*w));

	w->options = *options;
	w->watchman = watchman_new();
	w->taps.ctx = w;
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
	mem_free(w);
	*wp = NULL;
}
