/* The cell of a step is step modulo cells; a cell that is taken for a new step is filled before anybody reads it. */
#include "watch/ring.h"

#include <string.h>

#include "base/mem.h"

int64_t ring_step(const struct ring_shape *shape, int64_t time_ms)
{
	return time_ms / 1000 / shape->step_s;
}

static uint32_t *cell(const struct ring *r, const struct ring_shape *shape, int64_t step)
{
	return r->values + (size_t)(step % shape->cells) * shape->columns;
}

/* Makes the next step the last one. */
static void go_on(struct ring *r, const struct ring_shape *shape)
{
	const uint32_t *before = cell(r, shape, r->at);
	uint32_t *now = cell(r, shape, r->at + 1);

	for (uint32_t i = 0; i < shape->columns; i++)
		now[i] = shape->lasting & (1u << i) ? before[i] : 0;
	r->at++;
}

uint32_t *ring_at(struct ring *r, const struct ring_shape *shape, int64_t time_ms)
{
	int64_t step = ring_step(shape, time_ms);

	if (!r->values) {
		r->values = mem_zalloc((size_t)shape->cells * shape->columns * sizeof(uint32_t));
		r->at = step;
	}
	/* After a long silence only as many cells as there are. */
	if (step - r->at > (int64_t)shape->cells) {
		memmove(cell(r, shape, step - shape->cells), cell(r, shape, r->at), shape->columns * sizeof(uint32_t));
		r->at = step - shape->cells;
	}
	while (r->at < step)
		go_on(r, shape);
	return cell(r, shape, r->at);
}

uint32_t ring_get(const struct ring *r, const struct ring_shape *shape, int64_t step, uint32_t column)
{
	if (!r->values || step < 0 || step <= r->at - (int64_t)shape->cells)
		return 0;
	if (step <= r->at)
		return cell(r, shape, step)[column];
	return shape->lasting & (1u << column) ? cell(r, shape, r->at)[column] : 0;
}

uint64_t ring_sum(const struct ring *r, const struct ring_shape *shape, int64_t first, int64_t last, uint32_t column)
{
	uint64_t sum = 0;

	for (int64_t step = first; r->values && step <= last; step++)
		sum += ring_get(r, shape, step, column);
	return sum;
}

/* --- on disk --- */

static void shape_write(const struct ring_shape *shape, struct buf *out)
{
	buf_add_varint(out, shape->step_s);
	buf_add_varint(out, shape->cells);
	buf_add_varint(out, shape->columns);
	buf_add_varint(out, shape->lasting);
}

void ring_write(const struct ring *r, const struct ring_shape *shape, struct buf *out)
{
	shape_write(shape, out);
	buf_add_varint(out, r->values ? (uint64_t)r->at : 0);
	for (int64_t step = r->at - shape->cells + 1; r->values && step <= r->at; step++)
		for (uint32_t column = 0; column < shape->columns; column++)
			buf_add_varint(out, ring_get(r, shape, step, column));
}

static bool shape_read(const struct ring_shape *shape, struct slice *s)
{
	const uint32_t wanted[] = { shape->step_s, shape->cells, shape->columns, shape->lasting };
	uint64_t n;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!varint_read(s, &n) || n != wanted[i])
			return false;
	return true;
}

static bool values_read(struct ring *r, const struct ring_shape *shape, struct slice *s)
{
	for (int64_t step = r->at - shape->cells + 1; step <= r->at; step++)
		for (uint32_t column = 0; column < shape->columns; column++) {
			uint64_t n;

			if (!varint_read(s, &n) || n > UINT32_MAX)
				return false;
			cell(r, shape, step)[column] = (uint32_t)n;
		}
	return true;
}

bool ring_read(struct ring *r, const struct ring_shape *shape, struct slice *s)
{
	uint64_t at;

	if (!shape_read(shape, s) || !varint_read(s, &at))
		return false;
	if (at == 0)
		return true;
	if (at < shape->cells || at > INT32_MAX)
		return false;
	r->at = (int64_t)at;
	r->values = mem_zalloc((size_t)shape->cells * shape->columns * sizeof(uint32_t));
	if (values_read(r, shape, s))
		return true;
	ring_free(r);
	return false;
}

void ring_free(struct ring *r)
{
	mem_free(r->values);
	r->values = NULL;
}
