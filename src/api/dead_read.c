/*
 * The store keeps dead letters by endpoint and seq, and walks them upwards. A list wants the newest of many endpoints
 * first, so it is read in windows of seqs from the end of the log down: all of a window, sorted. A window that held
 * nothing makes the next one wider, one that held too much is read again as a narrower one; so a few letters in a
 * log of a hundred million rows take a dozen looks, and many letters never more memory than a page or two.
 */
#include "api/dead_read.h"

#include <stdlib.h>

#include "base/mem.h"

#define WIDTH_FIRST INT64_C(4096)
#define WIDTH_MOST  (INT64_C(1) << 40)
#define WINDOW_MOST 20000 /* letters that one window may hold */

void dead_letters_free(struct dead_letters *l)
{
	mem_free(l->all);
	*l = (struct dead_letters){ NULL, 0, 0 };
}

static void add(struct dead_letters *l, const struct dead_row *row)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->all = mem_realloc(l->all, l->cap * sizeof(*l->all));
	}
	l->all[l->count++] = (struct dead_letter){ row->endpoint, row->event_seq, row->attempt_seq, row->time_ms };
}

/* --- endpoints --- */

struct numbers {
	uint64_t *all;
	size_t count, cap;
};

static bool take_number(void *ctx, const struct endpoint_view *v)
{
	struct numbers *n = ctx;

	if (n->count == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->all = mem_realloc(n->all, n->cap * sizeof(*n->all));
	}
	n->all[n->count++] = v->endpoint->number;
	return true;
}

size_t dead_endpoints(struct call *c, struct slice project, struct slice organization, uint64_t **ret)
{
	struct numbers n = { 0 };

	node_endpoint_list(c->node, (struct owner){ project, false }, false, slice_str(""), take_number, &n);
	if (organization.n > 0)
		node_endpoint_list(c->node, (struct owner){ organization, true }, false, slice_str(""), take_number,
				   &n);
	*ret = n.all;
	return n.count;
}

/* --- windows --- */

struct window {
	struct dead_letters *into;
	int64_t low, high; /* low <= event_seq < high */
	bool too_much;
};

static bool take_row(void *ctx, const struct dead_row *row)
{
	struct window *w = ctx;

	if (row->event_seq >= w->high)
		return false;
	w->too_much = w->into->count >= WINDOW_MOST;
	if (!w->too_much)
		add(w->into, row);
	return !w->too_much;
}

static bool take_any(void *ctx, const struct dead_row *row)
{
	(void)row;
	*(bool *)ctx = true;
	return false;
}

/* Most endpoints have none; they are not asked again for each window. */
static size_t with_any(struct store *reader, const uint64_t *endpoints, size_t count, uint64_t *ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool any = false;

		store_dead(reader, endpoints[i], 0, 1, take_any, &any, NULL);
		if (any)
			ret[kept++] = endpoints[i];
	}
	return kept;
}

static int read_window(struct store *reader, const uint64_t *endpoints, size_t count, struct window *w,
		       struct fault *fault)
{
	int err = 0;

	for (size_t i = 0; i < count && !err && !w->too_much; i++)
		err = store_dead(reader, endpoints[i], w->low - 1, WINDOW_MOST + 1, take_row, w, fault);
	return err;
}

static int newer_first(const void *a, const void *b)
{
	const struct dead_letter *x = a, *y = b;

	if (x->event_seq != y->event_seq)
		return x->event_seq < y->event_seq ? 1 : -1;
	return x->endpoint < y->endpoint ? -1 : x->endpoint > y->endpoint;
}

/* At most so many, but an event is not torn apart. */
static bool cut(struct dead_letters *l, size_t least)
{
	size_t n = least;

	while (n > 0 && n < l->count && l->all[n].event_seq == l->all[n - 1].event_seq)
		n++;
	if (n >= l->count)
		return false;
	l->count = n;
	return true;
}

static int walk_down(struct store *reader, const uint64_t *endpoints, size_t count, int64_t high, size_t least,
		     struct dead_letters *ret, struct fault *fault)
{
	int64_t width = WIDTH_FIRST;
	int err = 0;

	while (!err && high > 1 && ret->count <= least) {
		struct dead_letters some = { NULL, 0, 0 };
		struct window w = { .into = &some, .low = high > width ? high - width : 1, .high = high };

		err = read_window(reader, endpoints, count, &w, fault);
		if (w.too_much && width > 1) {
			width /= 8;
			width += width == 0;
		} else {
			if (some.count > 0)
				qsort(some.all, some.count, sizeof(*some.all), newer_first);
			for (size_t i = 0; i < some.count; i++)
				add(ret, &(struct dead_row){ some.all[i].endpoint, some.all[i].event_seq,
							     some.all[i].attempt_seq, some.all[i].time_ms });
			high = w.low;
			width = some.count == 0 && width < WIDTH_MOST ? width * 4 : width;
		}
		dead_letters_free(&some);
	}
	return err;
}

int dead_newest(struct store *reader, const uint64_t *endpoints, size_t count, int64_t before, size_t least,
		struct dead_letters *ret, bool *ret_more, struct fault *fault)
{
	uint64_t *some = mem_alloc((count + 1) * sizeof(*some));
	int64_t end = store_last_seq(reader) + 1;
	int err = 0;

	*ret = (struct dead_letters){ NULL, 0, 0 };
	count = with_any(reader, endpoints, count, some);
	if (count > 0)
		err = walk_down(reader, some, count, before < end ? before : end, least, ret, fault);
	*ret_more = cut(ret, least);
	mem_free(some);
	return err;
}
