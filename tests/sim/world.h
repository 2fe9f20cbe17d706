/*
 * Time and chance of one simulated world: a queue of alarms that ring in order, one generator for all that is drawn,
 * and a hash over all that happened, by which two runs of one seed are compared.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/heap.h"
#include "base/rand.h"

struct alarm {
	struct heap_node node;
	void (*ring)(struct alarm *a); /* may set the alarm again, or free it */
};

struct world {
	uint64_t seed;
	int64_t now_ms;
	uint64_t serial;
	struct heap alarms;
	struct rand rand;
	uint64_t trace;
	bool verbose;
};

void world_init(struct world *w, uint64_t seed, bool verbose);
void world_free(struct world *w);
/* Alarms of the same millisecond ring in the order in which they were set. */
void world_set(struct world *w, struct alarm *a, int64_t at_ms);
void world_cancel(struct world *w, struct alarm *a);
/* Rings the next alarm that is due until upto_ms; false when there is none, and the time is upto_ms then. */
bool world_step(struct world *w, int64_t upto_ms);
/* Evenly from least to most, both included. */
int64_t world_draw(struct world *w, int64_t least, int64_t most);
bool world_chance(struct world *w, double p);
/* Something happened: into the hash, and onto stderr when verbose. */
void world_note(struct world *w, const char *what, int64_t a, int64_t b, int64_t c);

#endif
