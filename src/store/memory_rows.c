/*
 * Rows in memory. A set is a sorted array of pointers: the slowest thing that is obviously right, and fast enough for a
 * reference whose sets are small or (the log) only grow at the end.
 */
#include "store/memory_rows.h"

#include "base/mem.h"

/* --- sets --- */

size_t rowset_lower(const struct rowset *set, const void *key)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->cmp(set->rows[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *rowset_find(const struct rowset *set, const void *key)
{
	size_t i = rowset_lower(set, key);

	return i < set->count && set->cmp(set->rows[i], key) == 0 ? set->rows[i] : NULL;
}

void rowset_put(struct rowset *set, void *row)
{
	size_t i = rowset_lower(set, row);

	if (i < set->count && set->cmp(set->rows[i], row) == 0) {
		set->row_free(set->rows[i]);
		set->rows[i] = row;
		return;
	}
	if (set->count == set->cap) {
		set->cap = set->cap ? 2 * set->cap : 16;
		set->rows = mem_realloc(set->rows, set->cap * sizeof(*set->rows));
	}
	memmove(set->rows + i + 1, set->rows + i, (set->count - i) * sizeof(*set->rows));
	set->rows[i] = row;
	set->count++;
}

void rowset_cut(struct rowset *set, size_t from, size_t upto)
{
	if (from == upto)
		return;
	for (size_t i = from; i < upto; i++)
		set->row_free(set->rows[i]);
	memmove(set->rows + from, set->rows + upto, (set->count - upto) * sizeof(*set->rows));
	set->count -= upto - from;
}

void rowset_clear(struct rowset *set)
{
	rowset_cut(set, 0, set->count);
	mem_free(set->rows);
	set->rows = NULL;
	set->cap = 0;
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

struct log_row *memory_event(const struct event_row *row)
{
	struct log_row *copy = mem_zalloc(sizeof(*copy));
	struct event_row *e = &copy->u.event;

	copy->is_event = true;
	copy->seq = row->seq;
	*e = *row;
	e->project = own(row->project);
	e->id = own(row->id);
	e->message_id = own(row->message_id);
	e->text = own(row->text);
	return copy;
}

struct log_row *memory_attempt(const struct attempt_row *row)
{
	struct log_row *copy = mem_zalloc(sizeof(*copy));
	struct attempt_row *a = &copy->u.attempt;

	copy->seq = row->seq;
	*a = *row;
	a->delivery_id = own(row->delivery_id);
	a->detail = own(row->detail);
	a->items = mem_dup(row->items, row->item_count * sizeof(*row->items));
	return copy;
}

static void log_row_free(void *p)
{
	struct log_row *row = p;

	if (row->is_event) {
		disown(row->u.event.project);
		disown(row->u.event.id);
		disown(row->u.event.message_id);
		disown(row->u.event.text);
	} else {
		disown(row->u.attempt.delivery_id);
		disown(row->u.attempt.detail);
		mem_free((void *)row->u.attempt.items);
	}
	mem_free(row);
}

struct pending_row *memory_pending(const struct pending_row *row)
{
	struct pending_row *copy = mem_dup(row, sizeof(*row));

	copy->items = mem_dup(row->items, row->item_count * sizeof(*row->items));
	return copy;
}

static void pending_row_free(void *p)
{
	struct pending_row *row = p;

	mem_free((void *)row->items);
	mem_free(row);
}

struct dead_row *memory_dead(const struct dead_row *row)
{
	return mem_dup(row, sizeof(*row));
}

struct doc_row *memory_doc(const struct doc_row *row)
{
	struct doc_row *copy = mem_alloc(sizeof(*copy));

	*copy = (struct doc_row){ own(row->kind), own(row->id), own(row->text) };
	return copy;
}

static void doc_row_free(void *p)
{
	struct doc_row *row = p;

	disown(row->kind);
	disown(row->id);
	disown(row->text);
	mem_free(row);
}

/* --- orders --- */

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int log_cmp(const void *a, const void *b)
{
	return compare(((const struct log_row *)a)->seq, ((const struct log_row *)b)->seq);
}

static int pending_cmp(const void *a, const void *b)
{
	const struct pending_row *x = a, *y = b;
	int order = compare((int64_t)x->endpoint, (int64_t)y->endpoint);

	return order ? order : compare(x->id, y->id);
}

static int dead_cmp(const void *a, const void *b)
{
	const struct dead_row *x = a, *y = b;
	int order = compare((int64_t)x->endpoint, (int64_t)y->endpoint);

	return order ? order : compare(x->event_seq, y->event_seq);
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int doc_cmp(const void *a, const void *b)
{
	const struct doc_row *x = a, *y = b;
	int order = slice_cmp(x->kind, y->kind);

	return order ? order : slice_cmp(x->id, y->id);
}

struct rowset memory_log_set(void)
{
	return (struct rowset){ .cmp = log_cmp, .row_free = log_row_free };
}

struct rowset memory_pending_set(void)
{
	return (struct rowset){ .cmp = pending_cmp, .row_free = pending_row_free };
}

struct rowset memory_dead_set(void)
{
	return (struct rowset){ .cmp = dead_cmp, .row_free = mem_free };
}

struct rowset memory_doc_set(void)
{
	return (struct rowset){ .cmp = doc_cmp, .row_free = doc_row_free };
}
