/*
 * A step is a seed: each time it runs it draws the same numbers, so it does the same on a store in the same state, as
 * often as it is tried. It keeps a checksum of all that it read and of the seqs that it got, and what it writes depends
 * on what it read: two stores that differ once differ for good.
 */
#include "ops_objects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/checksum.h"
#include "store/object.h"

#define KINDS  2
#define FIELDS 3

struct seeded {
	uint64_t seed;
	int64_t last;
	uint64_t told;
};

/* --- choosing --- */

static struct slice some_project(struct rand *r)
{
	return rand_chance(r, 0.7) ? SLICE_LIT("p") : SLICE_LIT("second");
}

static struct slice some_id(struct rand *r, char id[8])
{
	snprintf(id, 8, "o%d", (int)rand_below(r, 25));
	return slice_str(id);
}

static struct slice some_value(struct rand *r)
{
	static const struct slice values[] = { { "", 0 },    { "a", 1 },    { "ab", 2 },      { "b", 1 },
					       { "a\0", 2 }, { "a\0c", 3 }, { "a\xff", 2 },   { "\0\0", 2 },
					       { "o12", 3 }, { "o2", 2 },   { "\xff\xff", 2 } };

	return values[rand_below(r, sizeof(values) / sizeof(values[0]))];
}

static struct slice some_text(struct rand *r, char *p, size_t max)
{
	size_t n = rand_chance(r, 0.03) ? max : rand_below(r, 200);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + (i * 5 + n) % 26);
	return slice_of(p, n);
}

/* --- the steps --- */

static void tell(struct seeded *step, struct slice what)
{
	step->told = checksum(what, step->told);
}

static void put_some(struct seeded *step, struct rand *r, struct store *s)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	struct object_row row = { .project = some_project(r), .keys = keys };
	char id[8], text[9000];

	row.kind = (uint16_t)(1 + rand_below(r, KINDS));
	row.id = some_id(r, id);
	row.text = some_text(r, text, sizeof(text));
	row.due_ms = rand_chance(r, 0.3) ? 1 + (int64_t)(rand_below(r, 9) + step->told % 3) : OBJECT_NEVER_DUE;
	row.key_count = (uint32_t)rand_below(r, rand_chance(r, 0.05) ? OBJECT_KEYS_MAX + 1 : 5);
	for (uint32_t i = 0; i < row.key_count; i++)
		keys[i] = (struct object_key){ (uint16_t)(1 + rand_below(r, FIELDS)), some_value(r) };
	step_object_put(s, &row);
}

static void append_some(struct seeded *step, struct rand *r, struct store *s)
{
	struct event_row row = { .project = some_project(r), .accepted_ms = step->last };
	char id[32], text[9000];

	snprintf(id, sizeof(id), "e%" PRId64, step->last + (int64_t)rand_below(r, 100) - 50);
	row.id = slice_str(id);
	row.text = some_text(r, text, sizeof(text));
	step_event(s, &row);
	tell(step, slice_of(&row.seq, sizeof(row.seq)));
	tell(step, slice_of(&row.duplicate_of, sizeof(row.duplicate_of)));
}

static void read_some(struct seeded *step, struct rand *r, struct store *s)
{
	struct buf b;

	buf_init(&b, 1 << 24);
	dump_walks(s, r, &b);
	tell(step, buf_slice(&b));
	buf_free(&b);
}

static void get_some(struct seeded *step, struct rand *r, struct store *s)
{
	struct slice project = some_project(r);
	char id[8];
	struct buf b;
	int err;

	buf_init(&b, 1 << 20);
	err = store_object_get(s, project, (uint16_t)(1 + rand_below(r, KINDS)), some_id(r, id), &b, NULL);
	buf_addf(&b, "%d", err);
	tell(step, buf_slice(&b));
	buf_free(&b);
}

static void document_some(struct rand *r, struct store *s)
{
	struct doc_row row = { .kind = SLICE_LIT("endpoint") };
	char id[8], text[9000];

	row.id = some_id(r, id);
	if (rand_chance(r, 0.7))
		row.text = some_text(r, text, sizeof(text));
	step_doc(s, &row);
}

static void drop_some(struct seeded *step, struct rand *r, struct store *s)
{
	uint32_t count = step_objects_drop(s, some_project(r), 1 + (uint32_t)rand_below(r, 30));

	tell(step, slice_of(&count, sizeof(count)));
}

static void run_seeded(void *ctx, struct store *s)
{
	struct seeded *step = ctx;
	struct rand r;
	char id[8];

	rand_seed(&r, step->seed);
	step->told = 0;
	for (uint64_t n = rand_below(&r, 8); n > 0; n--) {
		uint64_t dice = rand_below(&r, 100);

		if (dice < 50)
			put_some(step, &r, s);
		else if (dice < 65)
			append_some(step, &r, s);
		else if (dice < 75)
			step_object_delete(s, some_project(&r), (uint16_t)(1 + rand_below(&r, KINDS)), some_id(&r, id));
		else if (dice < 80)
			document_some(&r, s);
		else if (dice < 85)
			read_some(step, &r, s);
		else if (dice < 98)
			get_some(step, &r, s);
		else
			drop_some(step, &r, s);
	}
}

void make_step(struct tx *tx, struct rand *r, int64_t last)
{
	struct seeded *step = arena_zalloc(&tx->arena, sizeof(*step));

	step->seed = rand_u64(r);
	step->last = last;
	tx_step(tx, run_seeded, step);
}

uint64_t step_told(const struct change *step)
{
	return ((const struct seeded *)step->u.step.ctx)->told;
}

/* --- telling --- */

static bool dump_object(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct buf *out = ctx;

	buf_add_char(out, ' ');
	buf_add_slice(out, value);
	buf_add_char(out, '/');
	buf_add_slice(out, id);
	buf_add_char(out, '=');
	buf_add_slice(out, text);
	return true;
}

/* An error is told as well: in a step a walk may fail when the disk is full. */
static void dump_part(struct store *s, const struct object_query *q, bool with_text, struct buf *out)
{
	int err;

	buf_addf(out, "%.*s %d along %d%s:", SLICE_ARG(q->project), q->kind, q->field, q->descending ? " back" : "");
	err = store_object_walk(s, q, with_text, dump_object, out, NULL);
	buf_addf(out, " %s\n", err ? err_text(err) : "end");
}

static bool dump_due(void *ctx, const struct object_row *row)
{
	struct buf *out = ctx;

	buf_addf(out, "due %" PRId64 " %.*s %d %.*s%s", row->due_ms, SLICE_ARG(row->project), row->kind,
		 SLICE_ARG(row->id), row->damaged ? " damaged" : "");
	for (uint32_t i = 0; i < row->key_count; i++) {
		buf_addf(out, " %d:", row->keys[i].field);
		buf_add_slice(out, row->keys[i].value);
	}
	dump_object(out, SLICE_LIT(""), SLICE_LIT(""), row->text);
	buf_add_char(out, '\n');
	return true;
}

void dump_objects(struct store *s, struct buf *out)
{
	static const char *const projects[] = { "p", "second" };
	struct object_query q = { .kind = 1 };
	int64_t due = 0;

	for (int project = 0; project < 2; project++)
		for (q.kind = 1; q.kind <= KINDS; q.kind++)
			for (q.field = 0; q.field <= FIELDS; q.field++) {
				q.project = slice_str(projects[project]);
				dump_part(s, &q, true, out);
			}
	if (store_objects_due(s, INT64_MAX, UINT32_MAX, dump_due, out, NULL) != 0 ||
	    store_objects_next_due(s, &due, NULL) != 0)
		abort();
	buf_addf(out, "next due %" PRId64 "\n", due);
}

void dump_walks(struct store *s, struct rand *r, struct buf *out)
{
	char id[8];

	for (int i = 0; i < 4; i++) {
		struct object_query q = { .project = some_project(r), .from = some_value(r), .upto = some_value(r) };

		q.kind = (uint16_t)(1 + rand_below(r, KINDS));
		q.field = (uint16_t)rand_below(r, FIELDS + 1);
		q.has_upto = rand_chance(r, 0.5);
		q.descending = rand_chance(r, 0.5);
		q.has_after = rand_chance(r, 0.5);
		q.after_value = some_value(r);
		q.after_id = some_id(r, id);
		dump_part(s, &q, rand_chance(r, 0.5), out);
	}
}
