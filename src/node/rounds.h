/* What the clerk looks after from time to time. */
#ifndef NODE_ROUNDS_H
#define NODE_ROUNDS_H

#include <stdint.h>

struct node;

struct rounds {
	int64_t oldest_ms, revisions_ms; /* monotonic: not before */
};

/* One round; milliseconds until the next one. */
int64_t rounds_go(struct rounds *r, struct node *n);

#endif
