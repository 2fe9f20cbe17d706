/*
 * What groups and labels have in common: a name that is nobody else's, and going away. Objects carry the ids of the
 * groups and labels they have; so one that goes is taken out of each of them first. These may be very many, and the
 * commit is shared with everybody: each takes a part, and the group itself goes with the last one.
 */
#include "hub/contact_parts.h"

#define PART	       200
#define NAME_BYTES_MAX 255

int rest_name(struct rest *r, struct slice *ret)
{
	int err = rest_need(r, "name", ret);

	if (!err && ret->n > NAME_BYTES_MAX)
		err = fault_param(r->deed.fault, "name", "%zu bytes are too many; a name has at most %d", ret->n,
				  NAME_BYTES_MAX);
	return err;
}

int rest_rename(struct rest *r, struct record *rec)
{
	enum kind kind = record_kind(rec);
	struct record *other;
	struct slice name;
	int err;

	if (json_type(json_get(r->params, "name")) != JSON_NONE) {
		err = rest_name(r, &name);
		if (err)
			return err;
		other = record_first(&r->deed, kind, FIELD_NAME, name);
		if (other && !slice_eq(record_id(other), record_id(rec)))
			return fault_param(r->deed.fault, "name", "another %s has this name; choose one that is free",
					   kind_table[kind].word);
		record_set_text(rec, "name", name);
	}
	return record_vars_merge(rec, "vars", json_get(r->params, "vars"), "vars", r->deed.fault);
}

/* --- going away --- */

struct sweep {
	struct rest *r;
	enum kind kind, of;
	enum field field;
	const char *list;
	struct fault fault;
	int err;
	bool done;
};

struct part {
	struct deed *d;
	struct slice ids[PART];
	size_t count;
};

static bool gather(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct part *part = ctx;

	(void)value;
	(void)text;
	part->ids[part->count++] = arena_slice(part->d->arena, id);
	return part->count < PART;
}

static void sweep_part(struct sweep *s, struct deed *d, struct record *gone)
{
	struct object_query q = record_query(d, s->of, s->field, record_id(gone));
	struct part part = { .d = d };

	book_walk(d->book, &q, false, gather, &part);
	for (size_t i = 0; i < part.count; i++) {
		struct record *rec = record_load(d, s->of, part.ids[i]);

		if (rec && record_list_remove(rec, s->list, record_id(gone)))
			record_save(d, rec);
	}
	s->done = part.count < PART;
	if (s->done)
		record_delete(d, gone);
}

static void in_commit(void *ctx, struct book *b)
{
	struct sweep *s = ctx;
	struct rest sub = *s->r;
	struct record *gone;
	struct arena arena;

	arena_init(&arena);
	sub.deed.book = b;
	sub.deed.arena = &arena;
	sub.deed.fault = &s->fault;
	s->err = rest_load(&sub, s->kind, s->r->id, &gone);
	s->done = s->err != 0;
	if (!s->err)
		sweep_part(s, &sub.deed, gone);
	arena_free(&arena);
}

int rest_delete_list(struct rest *r, enum kind kind, enum kind of, enum field field, const char *list)
{
	struct sweep s = { .r = r, .kind = kind, .of = of, .field = field, .list = list, .fault = NO_FAULT };

	while (!s.done) {
		int err = node_book_wait(r->node, in_commit, &s);

		if (err) {
			fault_set(r->deed.fault, "unavailable", "",
				  "the %s is not gone yet, for nothing can be written: %s; try again later",
				  kind_table[kind].word, err_text(err));
			return err;
		}
	}
	if (s.err)
		*r->deed.fault = s.fault;
	return s.err;
}
