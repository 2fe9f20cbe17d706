/*
 * What the seq of an event stands for: an attempt names its events by seq alone, a reader wants project and ids. Recent
 * ones are remembered, others are read from the log, a bounded number a round. One thread. Private to feed*.c.
 */
#ifndef WATCH_FEED_NAMES_H
#define WATCH_FEED_NAMES_H

#include "base/arena.h"
#include "node/node.h"

struct name {
	struct slice project, id, message_id; /* project empty: not known (any more) */
};

struct feed_names;

struct feed_names *feed_names_new(void);
void feed_names_free(struct feed_names **n);
void feed_names_add(struct feed_names *n, int64_t seq, const struct name *name);
/*
 * Looks one up; what is given lives as long as the round. The first that has to be read begins a reader of the node,
 * which feed_names_rest, at the end of the round, gives back.
 */
struct name feed_names_find(struct feed_names *n, struct node *node, int64_t seq);
void feed_names_rest(struct feed_names *n, struct node *node);

#endif
