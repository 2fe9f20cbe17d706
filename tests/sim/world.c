/*
 * The event queue of simulated time. Nothing in the simulator knows
 * any other time or chance, so a seed is the whole story of a run.
 */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/list.h"

#define START_MS INT64_C(1700000000000)
/* Alarms of one millisecond are kept apart by a serial number in the low bits of the key. */
#define SERIAL_BITS 20

void world_init(struct world *w, uint64_t seed, bool verbose)
{
	*w = (struct world){ .seed = seed, .now_ms = START_MS, .trace = 14695981039346656037u, .verbose = verbose };
	heap_init(&w->alarms);
	rand_seed(&w->rand, seed);
}

void world_free(struct world *w)
{
	heap_free(&w->alarms);
}

void world_set(struct world *w, struct alarm *a, int64_t at_ms)
{
	int64_t serial = (int64_t)(w->serial++ & ((1u << SERIAL_BITS) - 1));

	if (at_ms < w->now_ms)
		at_ms = w->now_ms;
	heap_set(&w->alarms, &a->node, ((at_ms - START_MS) << SERIAL_BITS) + serial);
}

void world_cancel(struct world *w, struct alarm *a)
{
	heap_remove(&w->alarms, &a->node);
}

bool world_step(struct world *w, int64_t upto_ms)
{
	struct heap_node *n = heap_peek(&w->alarms);
	int64_t at_ms = n ? (n->key >> SERIAL_BITS) + START_MS : INT64_MAX;
	struct alarm *a;

	if (at_ms > upto_ms) {
		w->now_ms = upto_ms;
		return false;
	}
	w->now_ms = at_ms;
	heap_remove(&w->alarms, n);
	a = CONTAINER_OF(n, struct alarm, node);
	a->ring(a);
	return true;
}

int64_t world_draw(struct world *w, int64_t least, int64_t most)
{
	return least + (int64_t)rand_below(&w->rand, (uint64_t)(most - least) + 1);
}

bool world_chance(struct world *w, double p)
{
	return rand_chance(&w->rand, p);
}

static void mix(struct world *w, uint64_t v)
{
	w->trace = (w->trace ^ v) * 1099511628211u;
	w->trace ^= w->trace >> 29;
}

void world_note(struct world *w, const char *what, int64_t a, int64_t b, int64_t c)
{
	mix(w, (uint64_t)w->now_ms);
	for (const char *p = what; *p; p++)
		mix(w, (unsigned char)*p);
	mix(w, (uint64_t)a);
	mix(w, (uint64_t)b);
	mix(w, (uint64_t)c);
	if (w->verbose)
		fprintf(stderr, "%10" PRId64 " %-18s %" PRId64 " %" PRId64 " %" PRId64 "\n", w->now_ms - START_MS, what,
			a, b, c);
}
