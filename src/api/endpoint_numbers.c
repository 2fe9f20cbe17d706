/*
 * Endpoints as a table sorted by what hurts. Of ten thousand endpoints a page shows fifty, so one walk under the
 * directory's lock keeps nothing but what each is sorted by, that is sorted, and only the page's endpoints are looked
 * at again. Who stands at the same value keeps the order of the directory, by owner and id.
 *
 * A marker holds the last row's value and name: the bytes of the one in hex, then `p/PROJECT/ID`. Values change between
 * two pages, so a row may then come twice or not at all; in the order of ids it can't.
 */
#include <stdlib.h>

#include "api/endpoint_row.h"
#include "api/handlers.h"
#include "api/owner.h"
#include "base/mem.h"
#include "base/text.h"

#define MARKER_HEAD (2 * sizeof(double))

/* --- what a table can be sorted by --- */

typedef double sort_value(struct series *series, const struct endpoint_view *v, int64_t now_ms);

static double value_none(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	(void)series, (void)v, (void)now_ms;
	return 0;
}

static double value_pending(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	(void)series, (void)now_ms;
	return (double)atomic_load_explicit(&v->stats->pending, memory_order_relaxed);
}

/* By the moment of acceptance, which stays as it is between two pages. */
static double value_oldest(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	int64_t oldest = endpoint_oldest_ms(v->stats);

	(void)series, (void)now_ms;
	return oldest ? -(double)oldest : -(double)INT64_MAX;
}

static double value_error_rate(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	struct series_recent recent;

	(void)now_ms;
	series_recent(series, v->endpoint->number, &recent);
	return window_error_rate(&recent.window);
}

static double value_p99(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	struct series_recent recent;

	(void)now_ms;
	series_recent(series, v->endpoint->number, &recent);
	return recent.window.p99_ms;
}

/* The count: a rate goes down while one turns the page. */
static double value_rate(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	struct series_recent recent;

	(void)now_ms;
	series_recent(series, v->endpoint->number, &recent);
	return (double)recent.delivered;
}

static double value_trouble(struct series *series, const struct endpoint_view *v, int64_t now_ms)
{
	(void)series;
	return endpoint_trouble(v, now_ms);
}

static const struct sort {
	const char *name;
	sort_value *value;
	const char *order; /* when none is asked for */
} sorts[] = {
	{ "id", value_none, "asc" },	      { "pending", value_pending, "desc" },
	{ "oldest", value_oldest, "desc" },   { "error_rate", value_error_rate, "desc" },
	{ "p99", value_p99, "desc" },	      { "rate", value_rate, "desc" },
	{ "trouble", value_trouble, "desc" },
};
#define SORT_COUNT (sizeof(sorts) / sizeof(sorts[0]))

/* --- the walk --- */

struct entry {
	double value;
	uint32_t place; /* in the walk */
	uint64_t number;
};

struct table {
	struct call *call;
	struct series *series;
	int64_t now_ms;
	/* asked for */
	const struct sort *sort;
	bool descending;
	struct slice q;
	const char *state; /* NULL: any */
	struct page page;
	double after_value;
	struct slice after_name;
	/* found: those behind the marker */
	struct entry *all;
	size_t count, cap;
	uint32_t place;
	int64_t matching; /* before the marker too */
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Is q, in whatever case, a part of s? */
static bool holds(const char *s, struct slice q)
{
	for (; s && *s; s++) {
		size_t i = 0;

		while (i < q.n && s[i] && lower(s[i]) == lower(q.p[i]))
			i++;
		if (i == q.n)
			return true;
	}
	return false;
}

static bool is_wanted(const struct table *t, const struct endpoint_view *v)
{
	const struct endpoint *ep = v->endpoint;

	if (ep->internal)
		return false;
	if (t->state && strcmp(lane_state_word(endpoint_state(ep, v->stats)), t->state) != 0)
		return false;
	return t->q.n == 0 || holds(ep->id, t->q) || holds(ep->name, t->q) || holds(ep->host, t->q);
}

static void write_name(struct buf *out, const struct endpoint *ep)
{
	buf_addf(out, "%c/%s/%s", ep->of_organization ? 'o' : 'p', ep->owner, ep->id);
}

/* The next part of a name, up to the slash. */
static struct slice part(struct slice *name)
{
	size_t n = slice_find(*name, '/');
	struct slice s = slice_of(name->p, n);

	*name = slice_from(*name, n < name->n ? n + 1 : n);
	return s;
}

static int compare(struct slice a, const char *b)
{
	size_t n = strlen(b), most = a.n < n ? a.n : n;
	int order = most ? memcmp(a.p, b, most) : 0;

	return order ? order : (a.n > n) - (a.n < n);
}

/*
 * Below 0: the marker's endpoint stands before this one in the directory, which is ordered by owner, id, kind of owner.
 */
static int marker_order(struct slice name, const struct endpoint *ep)
{
	bool organization = slice_is(part(&name), "o");
	int order = compare(part(&name), ep->owner);

	if (!order)
		order = compare(name, ep->id);
	return order ? order : (int)organization - (int)ep->of_organization;
}

static bool is_behind_marker(const struct table *t, double value, const struct endpoint *ep)
{
	int order;

	if (t->after_name.n == 0)
		return true;
	if (value != t->after_value)
		return (value < t->after_value) == t->descending;
	order = marker_order(t->after_name, ep);
	return t->sort == sorts && t->descending ? order > 0 : order < 0;
}

static bool collect(void *ctx, const struct endpoint_view *v)
{
	struct table *t = ctx;
	double value;

	if (!is_wanted(t, v))
		return true;
	t->matching++;
	t->place++;
	value = t->sort->value(t->series, v, t->now_ms);
	if (!is_behind_marker(t, value, v->endpoint))
		return true;
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 1024;
		t->all = mem_realloc(t->all, t->cap * sizeof(*t->all));
	}
	t->all[t->count++] = (struct entry){ value, t->place, v->endpoint->number };
	return true;
}

static int ascending(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

static int descending(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	if (a->value != b->value)
		return a->value < b->value ? 1 : -1;
	return (a->place > b->place) - (a->place < b->place);
}

static int last_first(const void *pa, const void *pb)
{
	return ascending(pb, pa);
}

static void sort_entries(struct table *t)
{
	bool by_id = t->sort == sorts;

	if (t->count == 0 || (by_id && !t->descending))
		return;
	qsort(t->all, t->count, sizeof(*t->all), by_id ? last_first : t->descending ? descending : ascending);
}

/* --- what is asked for --- */

/* False: answered. */
static bool read_sort(struct call *c, struct table *t)
{
	struct slice name = SLICE_LIT("id"), order;
	size_t i = 0;

	call_argument(c, "sort", &name);
	if (slice_is(name, "default"))
		name = SLICE_LIT("id");
	while (i < SORT_COUNT && !slice_is(name, sorts[i].name))
		i++;
	if (i == SORT_COUNT) {
		answer_error(c, 400, "invalid_param", "sort",
			     "must be one of id, pending, oldest, error_rate, p99, rate, trouble");
		return false;
	}
	t->sort = &sorts[i];
	if (!call_argument(c, "sort_dir", &order))
		order = slice_str(t->sort->order);
	t->descending = slice_is(order, "desc");
	if (t->descending || slice_is(order, "asc"))
		return true;
	answer_error(c, 400, "invalid_param", "sort_dir", "must be asc or desc");
	return false;
}

static bool read_state(struct call *c, struct table *t)
{
	struct slice text;

	if (!call_argument(c, "state", &text))
		return true;
	for (enum lane_state s = LANE_READY; s <= LANE_DISABLED; s++)
		if (slice_is(text, lane_state_word(s)))
			t->state = lane_state_word(s);
	if (!t->state)
		answer_error(c, 400, "invalid_param", "state", "must be ready, throttled, probe, paused or disabled");
	return t->state;
}

static bool read_marker(struct call *c, struct table *t)
{
	struct slice marker = t->page.marker;

	if (marker.n == 0)
		return true;
	if (marker.n > MARKER_HEAD + 4 &&
	    hex_read(slice_of(marker.p, MARKER_HEAD), &t->after_value, sizeof(t->after_value))) {
		t->after_name = slice_from(marker, MARKER_HEAD);
		return true;
	}
	answer_error(c, 400, "invalid_param", "marker", "must be the next_marker of the page before");
	return false;
}

/* --- the answer --- */

static void write_page(struct table *t)
{
	struct call *c = t->call;
	size_t count = t->count < t->page.size ? t->count : t->page.size;
	struct buf marker;

	buf_init(&marker, 4096);
	page_begin(c);
	for (size_t i = 0; i < count; i++) {
		struct endpoint_view v;

		if (node_endpoint_by_number(c->node, t->all[i].number, &v))
			continue;
		json_begin_object(&c->w);
		endpoint_row_write(&c->w, &v, t->series, t->now_ms);
		json_end_object(&c->w);
		buf_reset(&marker);
		hex_add(&marker, &t->all[i].value, sizeof(t->all[i].value));
		write_name(&marker, v.endpoint);
		node_endpoint_view_free(&v);
	}
	page_end(c, t->count > count, arena_take_buf(&c->arena, &marker));
}

static void list(struct call *c, struct owner owner, bool all_owners)
{
	struct table t = { .call = c, .series = watch_series(c->api->watch), .now_ms = node_now_ms(c->node) };

	if (!read_sort(c, &t) || !read_state(c, &t) ||
	    !page_read(c, t.sort->name, t.descending ? "desc" : "asc", &t.page) || !read_marker(c, &t))
		return;
	call_argument(c, "q", &t.q);
	series_freshen(t.series, c->node, t.now_ms);
	series_hold(t.series);
	node_endpoint_list(c->node, owner, all_owners, SLICE_LIT(""), collect, &t);
	series_release(t.series);
	sort_entries(&t);
	if (t.page.count)
		page_count(c, t.matching);
	else
		write_page(&t);
	mem_free(t.all);
}

void endpoint_numbers_list(struct call *c)
{
	list(c, (struct owner){ SLICE_LIT(""), false }, true);
}

void endpoint_numbers_of_project(struct call *c)
{
	list(c, call_owner(c), false);
}
