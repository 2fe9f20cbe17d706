/*
 * The front of the objects: hands each call to the implementation behind the handle, and holds what is the same for all
 * of them: what may be called inside a step and inside a walk, and that an object's keys come sorted, none of them
 * twice, whatever order the caller had them in.
 */
#include "store/object.h"

#include <assert.h>

#include "store/store_impl.h"

void store_run_step(struct store *s, struct change *step)
{
	assert(s->use == STORE_BUSY);
	s->use = STORE_STEP;
	step->u.step.run(step->u.step.ctx, s);
	s->use = STORE_BUSY;
}

/* --- reading --- */

static int leave(struct store *s, enum store_use before, int err)
{
	s->use = before;
	return err;
}

int store_object_get(struct store *s, struct slice project, uint16_t kind, struct slice id, struct buf *ret,
		     struct fault *fault)
{
	enum store_use before = s->use;

	assert(before != STORE_BUSY);
	s->use = STORE_BUSY;
	return leave(s, before, s->ops->object_get(s, project, kind, id, ret, fault));
}

static enum store_use enter_walk(struct store *s)
{
	enum store_use before = s->use;

	assert(before == STORE_IDLE || before == STORE_STEP);
	s->use = STORE_WALK;
	return before;
}

int store_object_walk(struct store *s, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx,
		      struct fault *fault)
{
	enum store_use before = enter_walk(s);

	return leave(s, before, s->ops->object_walk(s, q, with_text, fn, ctx, fault));
}

int store_objects_due(struct store *s, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx, struct fault *fault)
{
	enum store_use before = enter_walk(s);

	return leave(s, before, s->ops->objects_due(s, upto_ms, max, fn, ctx, fault));
}

int store_objects_next_due(struct store *s, int64_t *ret, struct fault *fault)
{
	enum store_use before = enter_walk(s);

	return leave(s, before, s->ops->objects_next_due(s, ret, fault));
}

/* --- writing --- */

static int key_cmp(const struct object_key *a, const struct object_key *b)
{
	size_t n = a->value.n < b->value.n ? a->value.n : b->value.n;
	int order = (a->field > b->field) - (a->field < b->field);

	if (order == 0 && n > 0)
		order = memcmp(a->value.p, b->value.p, n);
	return order ? order : (a->value.n > b->value.n) - (a->value.n < b->value.n);
}

/* By insertion: they are few, and mostly come in order. Returns how many are left. */
static uint32_t sort_keys(const struct object_row *row, struct object_key *sorted)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < row->key_count; i++) {
		const struct object_key *key = &row->keys[i];
		uint32_t place = count;
		int order = 1;

		assert(key->field > 0 && key->field < UINT16_MAX && key->value.n <= OBJECT_VALUE_MAX);
		while (place > 0 && (order = key_cmp(&sorted[place - 1], key)) > 0)
			place--;
		if (place > 0 && order == 0)
			continue;
		memmove(sorted + place + 1, sorted + place, (count - place) * sizeof(*sorted));
		sorted[place] = *key;
		count++;
	}
	return count;
}

void step_object_put(struct store *s, const struct object_row *row)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	struct object_row sorted = *row;

	assert(s->use == STORE_STEP);
	assert(row->key_count <= OBJECT_KEYS_MAX && row->id.n <= OBJECT_ID_MAX && row->due_ms >= OBJECT_NEVER_DUE);
	sorted.keys = keys;
	sorted.key_count = sort_keys(row, keys);
	s->ops->object_put(s, &sorted);
}

void step_object_delete(struct store *s, struct slice project, uint16_t kind, struct slice id)
{
	assert(s->use == STORE_STEP);
	s->ops->object_delete(s, project, kind, id);
}

uint32_t step_objects_drop(struct store *s, struct slice project, uint32_t max)
{
	assert(s->use == STORE_STEP);
	return s->ops->objects_drop(s, project, max);
}

void step_event(struct store *s, struct event_row *row)
{
	assert(s->use == STORE_STEP);
	row->seq = row->duplicate_of = 0;
	s->ops->step_event(s, row);
}

void step_doc(struct store *s, const struct doc_row *row)
{
	assert(s->use == STORE_STEP);
	s->ops->step_doc(s, row);
}
