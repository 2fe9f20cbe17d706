/*
 * Numbers over time, bounded: a ring of equal steps, each with some columns of 32 bits. A ring that has never had
 * anything to keep has no memory, and nothing has to be done when time goes on: steps that passed without a word are
 * filled in by the next writer, and readers know what they would be.
 */
#ifndef WATCH_RING_H
#define WATCH_RING_H

#include "base/buf.h"

struct ring_shape {
	uint32_t step_s, cells, columns;
	/* bits of the columns that stay as they are until they are set anew; the others begin each step with 0 */
	uint32_t lasting;
};

/* Starts as zeroes. */
struct ring {
	uint32_t *values; /* cells of `columns` each; NULL: nothing yet */
	int64_t at;	  /* the step written last: Unix time / step_s */
};

int64_t ring_step(const struct ring_shape *shape, int64_t time_ms);
/*
 * The columns of the step of this time, to be added to or set; valid until the next call. A
 * time before the step written last counts as that one: what is over is not changed any more.
 */
uint32_t *ring_at(struct ring *r, const struct ring_shape *shape, int64_t time_ms);
/*
 * What a column was in a step; 0 when that is too long ago, or later than all that is known of something that passes.
 */
uint32_t ring_get(const struct ring *r, const struct ring_shape *shape, int64_t step, uint32_t column);
/* The sum over the steps first .. last. */
uint64_t ring_sum(const struct ring *r, const struct ring_shape *shape, int64_t first, int64_t last, uint32_t column);
/* The ring in a few kilobytes. One that has nothing yet is written as such. */
void ring_write(const struct ring *r, const struct ring_shape *shape, struct buf *out);
/*
 * Reads what ring_write wrote off the front of *s into an empty ring. False, and *r
 * stays empty: it is cut short, or the ring had another shape then.
 */
bool ring_read(struct ring *r, const struct ring_shape *shape, struct slice *s);
void ring_free(struct ring *r);

#endif
