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

struct names;

struct names *names_new(void);
void names_free(struct names **n);
void names_add(struct names *n, int64_t seq, const struct name *name);
/*
 * Looks one up; what is given lives as long as the round. The first that has to be read begins a reader of the node,
 * which names_rest, at the end of the round, gives back.
 */
struct name names_find(struct names *n, struct node *node, int64_t seq);
void names_rest(struct names *n, struct node *node);

#endif
