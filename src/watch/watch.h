/*
 * What is to be seen of a running node, for people: numbers over time, the live stream, and operational events. It
 * listens to the node (node_taps), never changes what it does, and everything it keeps is bounded, so that neither ten
 * thousand endpoints nor a hundred browsers cost deliveries much.
 *
 *	series      numbers over the last hour and day, of all, of a project, of an endpoint
 *	feed        the live stream: what happens is encoded once and given to all who listen
 *	operations  an endpoint fails, recovers, is disabled; dead letters: told to the operator as ordinary events
 *
 * One thread of its own, the watchman, wakes once a second, and sooner while somebody listens to the feed.
 */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include "base/fault.h"
#include "base/log.h"
#include "node/node.h"
#include "watch/outcomes.h"

struct watch;
struct series;
struct feed;

struct watch_options {
	struct log *log;		/* borrowed */
	enum outcomes outcomes;		/* which of them the log gets a line of */
	const char *operations_project; /* whom operational events go to; NULL: nobody. Copied */
};

/* Before node_start: its taps are part of the node's options. */
struct watch *watch_new(const struct watch_options *options);
const struct node_taps *watch_taps(struct watch *w);
/* After node_start: the watchman starts. The node is borrowed until watch_detach, before node_stop. */
int watch_attach(struct watch *w, struct node *node, struct fault *fault);
void watch_detach(struct watch *w);
struct series *watch_series(struct watch *w);
struct feed *watch_feed(struct watch *w);
/* After node_stop. */
void watch_free(struct watch **w);

#endif
