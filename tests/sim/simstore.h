/*
 * The store thread of the simulated node: works arrive in one queue, are applied in groups and strictly in order, after
 * the time a disk takes, and their outcome travels back to the node.
 */
#ifndef SIM_SIMSTORE_H
#define SIM_SIMSTORE_H

#include "base/list.h"
#include "sim.h"

/*
 * Embedded in what its sender keeps about it. Goes to the store, then back to the node, which frees it in `arrive`; a
 * crash frees it in `drop` wherever it is.
 */
struct work {
	struct list link;
	struct tx *tx; /* applied first; may be NULL */
	bool events;   /* refused while the disk is full */
	void (*apply)(struct node *n, struct work *w,
		      struct store *store); /* on the store's side, after tx is on disk; may be NULL */
	void (*arrive)(struct node *n, struct work *w, bool refused);
	void (*drop)(struct work *w);
	int64_t arrive_ms;
	bool refused;
};

struct simstore;

struct simstore *simstore_new(struct sim *s, struct node *n);
void simstore_free(struct simstore **ss);
void simstore_add(struct simstore *ss, struct work *w);
bool simstore_is_idle(const struct simstore *ss);
/* The disk is full for so long. */
void simstore_stall(struct simstore *ss, int64_t ms);
bool simstore_is_stalled(const struct simstore *ss);
/* What was not applied is lost, and what was applied is not told to anybody. */
void simstore_crash(struct simstore *ss);
/* The disk itself. */
struct store *simstore_disk(struct simstore *ss);

#endif
