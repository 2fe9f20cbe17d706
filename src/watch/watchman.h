/*
 * The watchman: the one thread of the watch. It calls what was registered, each at its own time, one after the other,
 * so that what only these functions touch needs no lock. A duty that takes long holds up the others, and nobody else.
 */
#ifndef WATCH_WATCHMAN_H
#define WATCH_WATCHMAN_H

#include <stdint.h>

#include "base/fault.h"

struct watchman;

#define WATCHMAN_DUTIES_MAX 8
#define WATCHMAN_NEVER	    INT64_MAX

/*
 * Called on the watchman's thread with the moment at which it became due, by clock_mono_us. Returns the moment of the
 * next call, WATCHMAN_NEVER: only when poked. A moment that has passed means at once, after the other duties.
 */
typedef int64_t watchman_duty(void *ctx, int64_t due_us);

struct watchman *watchman_new(void);
/* Before watchman_start; the first call is made at its beginning. Returns the duty's number, for watchman_poke. */
unsigned watchman_add(struct watchman *m, watchman_duty *duty, void *ctx);
int watchman_start(struct watchman *m, struct fault *fault);
/* Any thread, also before the start and after the stop: the duty is due at this moment if it was due later. */
void watchman_poke(struct watchman *m, unsigned duty, int64_t at_us);
/* Waits for the duty that runs; none is called afterwards. Does nothing when it was not started. */
void watchman_stop(struct watchman *m);
void watchman_free(struct watchman **m);

#endif
