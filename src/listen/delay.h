/* Something to be done later, by a thread of its own, so that nobody waits for somebody else's delay. */
#ifndef LISTEN_DELAY_H
#define LISTEN_DELAY_H

#include "base/heap.h"

struct delay;

/* Embedded in what is delayed. */
struct delayed {
	struct heap_node node;
};

/* Called once for each, in order of their times, on the thread of struct delay; without its lock. */
typedef void delay_due(void *ctx, struct delayed *what);

struct delay *delay_new(delay_due *due, void *ctx);
/* Any thread. */
void delay_add(struct delay *d, struct delayed *what, int64_t delay_ms);
/* All that waits, and all that is added from now on, is due at once. Any thread. */
void delay_hurry(struct delay *d);
/* Nothing may wait any more. */
void delay_free(struct delay **d);

#endif
