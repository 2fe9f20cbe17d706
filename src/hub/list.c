/*
 * Lists: a page of a kind's objects in an order, filtered, or their count.
 *
 * Every list has one order, an index (the default one or that of `sort`), and a place in it is (value, id); the
 * marker is that pair, so a page goes on behind an object that has been deleted since. How the objects are found is
 * chosen anew for each page, and no choice changes the order:
 *
 *	walk	along an index whose order is the list's: the order's own, or the entries of one value ("the messages
 *		of a contact") where those are ordered alike; the other filters are tested on each object.
 *	sort	a filter that leaves few objects on another index: all of them are read and sorted.
 *
 * With N objects, a filter that leaves more than FEW of them is met often enough when the order's index is walked: a
 * page of 50 looks at 50 N / FEW of them, as many as FEW are for a million. So both ways cost about the same at worst.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "hub/list_parts.h"

#define FEW	       5000
#define PAGE_DEFAULT   50
#define PAGE_MAX       500
#define OFFSET_MAX     10000
#define CANDIDATES_MAX 16
#define TIME_BYTES     8
#define MARKER_HEAD    4

/* Where an object stands in the list's order. */
struct place {
	struct slice value, id;
};

struct list {
	struct rest *r;	  /* the call */
	struct rest each; /* the same with an arena that is emptied after each object */
	struct arena arena;
	const struct list_spec *spec;
	struct filters filters;
	/* the part of an index that the caller wants; field FIELD_ID: all */
	struct range where;
	/* what was asked for */
	enum field order;
	bool descending, count, has_marker;
	int64_t page_size, offset;
	struct place marker;
	/* what is walked along */
	struct range range;
	bool tests_where, reads; /* where, or anything at all, is tested on the object */
	/* what came of it */
	int64_t passed, written;
	bool truncated;
	struct buf last_value, last_id;
	struct place *found; /* of sorting */
	size_t found_count, found_cap;
};

/* --- what was asked for --- */

static int read_order(struct list *l)
{
	struct slice word = SLICE_LIT(""), dir = SLICE_LIT("");
	struct fault *fault = l->r->deed.fault;
	int err;

	l->order = l->spec->order;
	l->descending = l->spec->descending;
	rest_text(l->r, "sort", &word, &err);
	if (err)
		return err;
	if (rest_text(l->r, "sort_dir", &dir, &err))
		l->descending = slice_is(dir, "desc");
	if (!err && dir.n > 0 && !l->descending && !slice_is(dir, "asc"))
		err = fault_param(fault, "sort_dir", "there is no such direction; send asc or desc");
	if (err || word.n == 0 || slice_is(word, "default"))
		return err;
	for (const struct list_field *f = l->spec->fields; f->name; f++)
		if (f->sorts && slice_is(word, f->name)) {
			l->order = f->index;
			return 0;
		}
	return fault_param(fault, "sort", "this list cannot be sorted by \"%.*s\"; leave it out or see docs/rest.md",
			   SLICE_HEAD(word, 40));
}

/* What a marker must have in common with the list it is used for; the last byte is the value's length. */
static void marker_head(const struct list *l, uint8_t ret[MARKER_HEAD])
{
	ret[0] = (uint8_t)l->spec->kind;
	ret[1] = (uint8_t)l->order;
	ret[2] = l->descending;
	ret[3] = 0;
}

/* The marker in hex: the kind, the order's field, its direction, the length of the value, value, id. */
static void write_marker(const struct list *l, struct buf *out)
{
	uint8_t head[MARKER_HEAD];

	marker_head(l, head);
	head[MARKER_HEAD - 1] = (uint8_t)l->last_value.n;

	hex_add(out, head, sizeof(head));
	hex_add(out, l->last_value.p, l->last_value.n);
	hex_add(out, l->last_id.p, l->last_id.n);
}

static int read_marker(struct list *l)
{
	uint8_t head[MARKER_HEAD], *p;
	struct slice text;
	size_t n;
	int err;

	l->has_marker = rest_text(l->r, "marker", &text, &err);
	if (err || !l->has_marker)
		return err;
	n = text.n / 2;
	p = arena_alloc(l->r->deed.arena, n + 1);
	marker_head(l, head);
	if (text.n % 2 || !hex_read(text, p, n) || n <= MARKER_HEAD || memcmp(p, head, MARKER_HEAD - 1) != 0 ||
	    n < (size_t)MARKER_HEAD + p[MARKER_HEAD - 1])
		return fault_param(l->r->deed.fault, "marker",
				   "this is no marker of this list; send next_marker of the page before, and the same "
				   "sort with it");
	l->marker.value = slice_of(p + MARKER_HEAD, p[MARKER_HEAD - 1]);
	l->marker.id = slice_of(p + MARKER_HEAD + l->marker.value.n, n - MARKER_HEAD - l->marker.value.n);
	return 0;
}

static int read_paging(struct list *l)
{
	int err;

	l->page_size = PAGE_DEFAULT;
	err = rest_i64(l->r, "page_size", 1, PAGE_MAX, &l->page_size);
	if (!err)
		err = rest_i64(l->r, "offset", 0, OFFSET_MAX, &l->offset);
	if (!err)
		err = rest_bool(l->r, "count", &l->count);
	if (!err)
		err = read_order(l);
	if (!err)
		err = read_marker(l);
	if (l->has_marker)
		l->offset = 0; /* the official client sends both: the offset was for the first page */
	return err;
}

/* --- objects --- */

static bool is_in(const struct range *range, struct slice value)
{
	return slice_compare(value, range->from) >= 0 && (!range->has_upto || slice_compare(value, range->upto) < 0);
}

static bool belongs(struct list *l, struct record *rec)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	uint32_t count = keys_of(rec, keys);

	for (uint32_t i = 0; i < count; i++)
		if (keys[i].field == l->where.field && is_in(&l->where, keys[i].value))
			return true;
	return false;
}

/* The object, in the arena that is emptied after it, if it is in the list. */
static struct record *read_passing(struct list *l, struct slice id, struct slice text)
{
	struct record *rec = record_read(&l->each.deed, l->spec->kind, id, text);

	if (!rec || !filters_pass(&l->filters, rec) || (l->tests_where && !belongs(l, rec)) ||
	    (l->spec->keep && !l->spec->keep(&l->each, rec)))
		return NULL;
	return rec;
}

static void show(struct list *l, struct record *rec)
{
	if (l->spec->show)
		l->spec->show(&l->each, rec);
	else
		rest_write(&l->each, rec);
}

/* One more object of the list; rec NULL: it is to be loaded. False: the page is full, and this one is not in it. */
static bool take(struct list *l, struct place at, struct record *rec)
{
	if (l->passed++ < l->offset)
		return true;
	if (l->written == l->page_size) {
		l->truncated = true;
		return false;
	}
	if (!rec)
		rec = record_load(&l->each.deed, l->spec->kind, at.id);
	if (!rec)
		return true; /* deleted a moment ago */
	show(l, rec);
	l->written++;
	buf_reset(&l->last_value);
	buf_reset(&l->last_id);
	buf_add_slice(&l->last_value, at.value);
	buf_add_slice(&l->last_id, at.id);
	return true;
}

/* --- walking --- */

/* The range holds the objects of one value, ordered by time. */
static bool is_by_time(const struct list *l, const struct range *range)
{
	return range->single && keys_are_timed(l->spec->kind, range->field);
}

/* Walking along the range, do objects come in the list's order? */
static bool is_in_order(const struct list *l, const struct range *range)
{
	return range->field == l->order || (range->single && l->order == FIELD_ID && !is_by_time(l, range)) ||
	       (is_by_time(l, range) && l->order == FIELD_TIME);
}

static struct slice order_value(const struct list *l, struct slice value)
{
	if (l->range.field == l->order)
		return l->order == FIELD_ID ? SLICE_LIT("") : value;
	return l->order == FIELD_TIME ? slice_from(value, value.n - TIME_BYTES) : SLICE_LIT("");
}

static struct slice joined(struct arena *a, struct slice first, struct slice second)
{
	char *p = arena_alloc(a, first.n + second.n + 1);

	if (first.n > 0)
		memcpy(p, first.p, first.n);
	if (second.n > 0)
		memcpy(p + first.n, second.p, second.n);
	return slice_of(p, first.n + second.n);
}

/* The opposite of order_value: the entry of the marker's place in what is walked along. */
static struct slice marker_value(struct list *l)
{
	if (l->range.field == l->order)
		return l->order == FIELD_ID ? l->marker.id : l->marker.value;
	return joined(l->r->deed.arena, l->range.from, l->order == FIELD_TIME ? l->marker.value : SLICE_LIT(""));
}

static struct object_query query_of(struct list *l, const struct range *range)
{
	return (struct object_query){ .project = l->r->deed.project,
				      .kind = (uint16_t)l->spec->kind,
				      .field = (uint16_t)range->field,
				      .from = range->from,
				      .upto = range->upto,
				      .has_upto = range->has_upto };
}

static bool on_page(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct list *l = ctx;
	struct record *rec = read_passing(l, id, text);
	bool more = !rec || take(l, (struct place){ order_value(l, value), id }, rec);

	arena_reset(&l->arena);
	return more;
}

/* Times asked for beside one value whose entries are ordered by time: only the part between them. */
static struct range part_by_time(struct list *l, const struct range *times)
{
	struct arena *a = l->r->deed.arena;
	struct range part = l->range;

	part.from = joined(a, l->range.from, times->from);
	if (times->has_upto) {
		part.upto = joined(a, l->range.from, times->upto);
		part.has_upto = true;
	}
	return part;
}

struct skipping {
	struct list *l;
	struct object_query *q;
};

static bool on_skipped(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct skipping *s = ctx;

	(void)text;
	if (++s->l->passed < s->l->offset)
		return true;
	s->q->has_after = true;
	s->q->after_value = arena_slice(s->l->r->deed.arena, value);
	s->q->after_id = arena_slice(s->l->r->deed.arena, id);
	return false;
}

static struct object_query nothing(const struct object_query *q)
{
	struct object_query none = *q;

	none.upto = none.from;
	none.has_upto = true;
	return none;
}

/* Goes over `offset` objects that nothing has to be tested of, along the index alone; q begins behind them then. */
static void skip(struct list *l, struct object_query *q)
{
	struct object_query entries = *q;
	struct skipping s = { l, q };

	book_walk(l->r->deed.book, &entries, false, on_skipped, &s);
	if (l->passed < l->offset)
		*q = nothing(q);
}

static void walk(struct list *l, const struct range *order)
{
	struct range part = l->range;
	struct object_query q;

	if (is_by_time(l, &l->range) && l->order == FIELD_TIME)
		part = part_by_time(l, order);
	q = query_of(l, &part);
	q.descending = l->descending;
	if (l->has_marker) {
		q.has_after = true;
		q.after_value = marker_value(l);
		q.after_id = l->marker.id;
	}
	if (l->offset > 0 && !l->reads)
		skip(l, &q);
	book_walk(l->r->deed.book, &q, true, on_page, l);
}

/* --- sorting --- */

static struct slice order_key(struct list *l, struct record *rec)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	uint32_t count = l->order == FIELD_ID ? 0 : keys_of(rec, keys);

	for (uint32_t i = 0; i < count; i++)
		if (keys[i].field == l->order)
			return keys[i].value;
	return SLICE_LIT("");
}

static bool on_few(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct list *l = ctx;
	struct arena *a = l->r->deed.arena;
	struct record *rec = read_passing(l, id, text);

	(void)value;
	if (rec) {
		if (l->found_count == l->found_cap) {
			l->found_cap += l->found_cap + 64;
			l->found = mem_realloc(l->found, l->found_cap * sizeof(*l->found));
		}
		l->found[l->found_count++] = (struct place){ arena_slice(a, order_key(l, rec)), arena_slice(a, id) };
	}
	arena_reset(&l->arena);
	return true;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = slice_compare(x->value, y->value);

	return order ? order : slice_compare(x->id, y->id);
}

static void sort(struct list *l)
{
	struct object_query q = query_of(l, &l->range);
	bool more = true;

	book_walk(l->r->deed.book, &q, true, on_few, l);
	if (l->found_count > 1)
		qsort(l->found, l->found_count, sizeof(*l->found), compare_places);
	for (size_t i = 0; more && i < l->found_count; i++) {
		const struct place *at = &l->found[l->descending ? l->found_count - 1 - i : i];
		int order = l->has_marker ? compare_places(at, &l->marker) : 0;

		if (!l->has_marker || (l->descending ? order < 0 : order > 0))
			more = take(l, *at, NULL);
		arena_reset(&l->arena);
	}
}

/* --- choosing --- */

static bool count_entry(void *ctx, struct slice value, struct slice id, struct slice text)
{
	int64_t *left = ctx;

	(void)value;
	(void)id;
	(void)text;
	return --*left > 0;
}

/* How many entries the range has, at most FEW + 1. */
static int64_t size_of(struct list *l, const struct range *range)
{
	struct object_query q = query_of(l, range);
	int64_t left = FEW + 1;

	book_walk(l->r->deed.book, &q, false, count_entry, &left);
	return FEW + 1 - left;
}

/* Parts of indexes that the filters leave; those of the order's index narrow *order instead. */
static size_t find_candidates(struct list *l, struct range *order, struct range candidates[CANDIDATES_MAX])
{
	size_t count = 0;

	if (l->where.field != FIELD_ID)
		candidates[count++] = l->where;
	for (size_t i = 0; i < l->filters.count && count < CANDIDATES_MAX; i++) {
		struct range range;
		size_t same = 0;

		if (!filter_range(l->r->deed.arena, l->spec->kind, &l->filters.items[i], &range))
			continue;
		while (same < count &&
		       (range.single || candidates[same].single || candidates[same].field != range.field))
			same++;
		if (!range.single && range.field == l->order)
			range_narrow(order, &range);
		else if (same < count)
			range_narrow(&candidates[same], &range);
		else
			candidates[count++] = range;
	}
	return count;
}

/* Sets what is walked along; returns whether what it gives has to be sorted. */
static bool choose(struct list *l, const struct range *order, const struct range *candidates, size_t count)
{
	int64_t size, smallest = FEW + 1;

	l->range = *order;
	if (count == 1 && (l->count || is_in_order(l, &candidates[0]))) {
		l->range = candidates[0];
		return false;
	}
	for (size_t i = count; i-- > 0;) {
		size = size_of(l, &candidates[i]);
		/* among large ones, one that needs no sorting, and of those the caller's */
		if (size < smallest || (size == smallest && (l->count || is_in_order(l, &candidates[i])))) {
			smallest = size;
			l->range = candidates[i];
		}
	}
	return !l->count && !is_in_order(l, &l->range);
}

/* --- answering --- */

static bool on_counted(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct list *l = ctx;

	(void)value;
	if (!l->reads || read_passing(l, id, text))
		l->passed++;
	arena_reset(&l->arena);
	return true;
}

static void answer_count(struct list *l)
{
	struct object_query q = query_of(l, &l->range);
	struct json_writer *w = l->r->w;

	book_walk(l->r->deed.book, &q, l->reads, on_counted, l);
	json_begin_object(w);
	json_member_i64(w, "count", l->passed);
	json_end_object(w);
}

static void answer_page(struct list *l, const struct range *order, bool sorts)
{
	struct json_writer *w = l->r->w;
	struct buf marker;

	json_begin_object(w);
	json_key(w, "data");
	json_begin_array(w);
	if (sorts)
		sort(l);
	else
		walk(l, order);
	json_end_array(w);
	json_member_bool(w, "truncated", l->truncated);
	json_key(w, "next_marker");
	buf_init(&marker, 4096);
	if (l->truncated)
		write_marker(l, &marker);
	if (l->truncated)
		json_put_string(w, buf_slice(&marker));
	else
		json_put_null(w);
	buf_free(&marker);
	json_end_object(w);
}

static void answer(struct list *l)
{
	struct range candidates[CANDIDATES_MAX], order = { .field = l->order, .exact = true };
	size_t count = find_candidates(l, &order, candidates);
	bool sorts = choose(l, &order, candidates, count);
	size_t conditions = l->filters.count + (l->where.field != FIELD_ID);

	l->tests_where = l->where.field != FIELD_ID && !(l->range.field == l->where.field && l->range.single &&
							 slice_eq(l->range.from, l->where.from));
	l->reads = l->spec->keep || !l->range.exact || l->range.filters < conditions;
	if (l->count)
		answer_count(l);
	else
		answer_page(l, &order, sorts);
}

int rest_list(struct rest *r, const struct list_spec *spec, enum field where, struct slice value)
{
	struct list l = { .r = r, .each = *r, .spec = spec };
	int err;

	err = filters_read(r, spec, &l.filters);
	if (!err)
		err = read_paging(&l);
	if (err)
		return err;
	assert(keys_are_complete(spec->kind, l.order));
	if (where != FIELD_ID)
		l.where = range_of_value(r->deed.arena, spec->kind, where, value);
	arena_init(&l.arena);
	l.each.deed.arena = &l.arena;
	buf_init(&l.last_value, OBJECT_VALUE_MAX);
	buf_init(&l.last_id, OBJECT_VALUE_MAX);
	answer(&l);
	arena_free(&l.arena);
	buf_free(&l.last_value);
	buf_free(&l.last_id);
	mem_free(l.found);
	return 0;
}
