/*
 * Objects in memory: the rows, and the index as a second sorted array that has an entry for each key of each object,
 * and one of field 0 for its id. What is due is looked for among all of them.
 */
#include "store/memory_objects.h"

#include <stdlib.h>

#include "base/mem.h"

struct object {
	struct object_row row;
	uint64_t serial; /* which object was made first */
};

struct entry {
	struct slice project;
	uint16_t kind, field;
	struct slice value, id;
	const struct object *object;
};

/* --- orders --- */

static int number_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int object_cmp(const void *a, const void *b)
{
	const struct object_row *x = &((const struct object *)a)->row, *y = &((const struct object *)b)->row;
	int order = slice_cmp(x->project, y->project);

	if (order == 0)
		order = number_cmp(x->kind, y->kind);
	return order ? order : slice_cmp(x->id, y->id);
}

static int entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = slice_cmp(x->project, y->project);

	if (order == 0)
		order = number_cmp(x->kind, y->kind);
	if (order == 0)
		order = number_cmp(x->field, y->field);
	if (order == 0)
		order = slice_cmp(x->value, y->value);
	return order ? order : slice_cmp(x->id, y->id);
}

static int due_cmp(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a, *y = *(const struct object *const *)b;
	int order = number_cmp((uint64_t)x->row.due_ms, (uint64_t)y->row.due_ms);

	return order ? order : number_cmp(x->serial, y->serial);
}

/* --- rows --- */

static struct slice own(struct slice s)
{
	return slice_of(slice_dup(s), s.n);
}

static void disown(struct slice s)
{
	mem_free((void *)s.p);
}

static struct object *object_new(const struct object_row *row, uint64_t serial)
{
	struct object_key *keys = mem_dup(row->keys, row->key_count * sizeof(*keys));
	struct object *o = mem_alloc(sizeof(*o));

	*o = (struct object){ *row, serial };
	for (uint32_t i = 0; i < row->key_count; i++)
		keys[i].value = own(keys[i].value);
	o->row.keys = keys;
	o->row.project = own(row->project);
	o->row.id = own(row->id);
	o->row.text = own(row->text);
	o->row.damaged = false;
	return o;
}

static void object_free(void *p)
{
	struct object *o = p;

	for (uint32_t i = 0; i < o->row.key_count; i++)
		disown(o->row.keys[i].value);
	mem_free((void *)o->row.keys);
	disown(o->row.project);
	disown(o->row.id);
	disown(o->row.text);
	mem_free(o);
}

void memory_objects_init(struct memory_objects *m)
{
	m->objects = (struct rowset){ .cmp = object_cmp, .row_free = object_free };
	m->entries = (struct rowset){ .cmp = entry_cmp, .row_free = mem_free };
}

void memory_objects_clear(struct memory_objects *m)
{
	rowset_clear(&m->entries);
	rowset_clear(&m->objects);
}

static struct object *find(const struct memory_objects *m, struct slice project, uint16_t kind, struct slice id)
{
	return rowset_find(&m->objects, &(struct object){ { .project = project, .kind = kind, .id = id }, 0 });
}

/* --- reading --- */

int memory_object_get(const struct memory_objects *m, struct slice project, uint16_t kind, struct slice id,
		      struct buf *ret)
{
	const struct object *o = find(m, project, kind, id);

	if (o && ret)
		buf_add_slice(ret, o->row.text);
	return o ? 0 : ERR_NOT_FOUND;
}

static bool in_part(const struct object_query *q, const struct entry *e)
{
	return slice_eq(e->project, q->project) && e->kind == q->kind && e->field == q->field &&
	       slice_cmp(e->value, q->from) >= 0 && (!q->has_upto || slice_cmp(e->value, q->upto) < 0);
}

/* The place of the first entry that is not before (value, id). */
static size_t place_of(const struct memory_objects *m, const struct object_query *q, struct slice value,
		       struct slice id)
{
	return rowset_lower(&m->entries, &(struct entry){ q->project, q->kind, q->field, value, id, NULL });
}

static size_t part_end(const struct memory_objects *m, const struct object_query *q)
{
	if (q->has_upto)
		return place_of(m, q, q->upto, SLICE_LIT(""));
	return rowset_lower(
		&m->entries,
		&(struct entry){ .project = q->project, .kind = q->kind, .field = (uint16_t)(q->field + 1) });
}

static bool tell(const struct entry *e, bool with_text, store_object_fn *fn, void *ctx)
{
	return fn(ctx, e->value, e->id, with_text ? e->object->row.text : SLICE_LIT(""));
}

void memory_object_walk(const struct memory_objects *m, const struct object_query *q, bool with_text,
			store_object_fn *fn, void *ctx)
{
	struct slice after_value = q->field > 0 ? q->after_value : q->after_id;
	size_t low = place_of(m, q, q->from, SLICE_LIT("")), high = part_end(m, q);

	if (q->has_after) {
		size_t after = place_of(m, q, after_value, q->after_id);
		const struct entry *e = after < m->entries.count ? m->entries.rows[after] : NULL;

		if (q->descending)
			high = after < high ? after : high;
		else if (e && in_part(q, e) && slice_eq(e->value, after_value) && slice_eq(e->id, q->after_id))
			after++;
		if (!q->descending && after > low)
			low = after;
	}
	while (low < high)
		if (!tell(m->entries.rows[q->descending ? --high : low++], with_text, fn, ctx))
			break;
}

void memory_objects_due(const struct memory_objects *m, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx)
{
	const struct object **found = mem_alloc(m->objects.count * sizeof(*found));
	size_t count = 0;

	for (size_t i = 0; i < m->objects.count; i++) {
		const struct object *o = m->objects.rows[i];

		if (o->row.due_ms != OBJECT_NEVER_DUE && o->row.due_ms <= upto_ms)
			found[count++] = o;
	}
	qsort(found, count, sizeof(struct object *), due_cmp);
	for (size_t i = 0; i < count && i < max; i++)
		if (!fn(ctx, &found[i]->row))
			break;
	mem_free(found);
}

int64_t memory_objects_next_due(const struct memory_objects *m)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < m->objects.count; i++) {
		const struct object *o = m->objects.rows[i];

		if (o->row.due_ms != OBJECT_NEVER_DUE && o->row.due_ms < next)
			next = o->row.due_ms;
	}
	return next;
}

/* --- writing --- */

/* Its entries, that of the id first. */
static struct entry entry_of(const struct object *o, uint32_t i)
{
	const struct object_row *row = &o->row;
	struct entry e = { row->project, row->kind, 0, row->id, row->id, o };

	if (i > 0) {
		e.field = row->keys[i - 1].field;
		e.value = row->keys[i - 1].value;
	}
	return e;
}

static void drop(struct memory_objects *m, const struct object *o)
{
	size_t place = rowset_lower(&m->objects, o);

	for (uint32_t i = 0; i <= o->row.key_count; i++) {
		struct entry e = entry_of(o, i);
		size_t at = rowset_lower(&m->entries, &e);

		rowset_cut(&m->entries, at, at + 1);
	}
	rowset_cut(&m->objects, place, place + 1);
}

void memory_object_put(struct memory_objects *m, const struct object_row *row)
{
	const struct object *before = find(m, row->project, row->kind, row->id);
	struct object *o = object_new(row, before ? before->serial : ++m->made);

	if (before)
		drop(m, before);
	rowset_put(&m->objects, o);
	for (uint32_t i = 0; i <= o->row.key_count; i++) {
		struct entry e = entry_of(o, i);

		rowset_put(&m->entries, mem_dup(&e, sizeof(e)));
	}
}

void memory_object_delete(struct memory_objects *m, struct slice project, uint16_t kind, struct slice id)
{
	const struct object *o = find(m, project, kind, id);

	if (o)
		drop(m, o);
}

uint32_t memory_objects_drop(struct memory_objects *m, struct slice project, uint32_t max)
{
	struct object first = { { .project = project }, 0 };
	size_t place = rowset_lower(&m->objects, &first);
	uint32_t count = 0;

	for (; count < max && place < m->objects.count; count++) {
		const struct object *o = m->objects.rows[place];

		if (!slice_eq(o->row.project, project))
			break;
		drop(m, o);
	}
	return count;
}
