/*
 * The rounds. What happened since the last one is written down at the middle between the two, so that a round shortly
 * after a step's end still counts for the step that has ended. A crowd that is silent for a day and an endpoint that is
 * gone are forgotten.
 *
 * Locks: `lock` is held for a whole round and taken before the directory's, so who asks
 * under the directory's lock holds it already (series_hold), and it is recursive; `door`
 * guards what the store thread counts and is never held for longer than it takes to count.
 */
#include "watch/series.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define SECOND_MS INT64_C(1000)
#define FORGET_MS INT64_C(86400000)
#define SHARE	  50 /* rounds for who asks take one part in so many of the time */

/* Events of a project since the last round. */
struct tally {
	struct map_node node;
	uint64_t count;
	char project[];
};

struct series {
	pthread_mutex_t lock;
	struct crowd *all;
	struct map crowds; /* of projects */
	struct map tracks;
	size_t plots;		   /* of projects */
	int64_t since_ms, last_ms; /* the first and the last round; 0: none yet */
	/* the round under way */
	int64_t now_ms, middle_ms;
	uint32_t round;
	size_t seen;
	int64_t cost_us;     /* of the last one */
	struct crowd *owner; /* of the endpoint before */

	pthread_mutex_t door;
	struct map tallies;
};

/* Ids of projects are the operator's, so nobody can choose them to collide. */
static const struct hash_key hash_key = { 0x706f737472696465, 0x7220736572696573 };

static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t recursive;

	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
}

struct series *series_new(void)
{
	struct series *s = mem_zalloc(sizeof(*s));

	lock_init(&s->lock);
	pthread_mutex_init(&s->door, NULL);
	map_init(&s->crowds);
	map_init(&s->tracks);
	map_init(&s->tallies);
	s->all = crowd_new(NULL);
	s->all->plots = mem_zalloc(sizeof(*s->all->plots));
	return s;
}

/* Takes one out, whichever; NULL when m is empty. */
static struct map_node *take_any(struct map *m)
{
	struct map_node *n = map_walk(m, NULL);

	if (n)
		map_del(m, n);
	return n;
}

void series_free(struct series **sp)
{
	struct series *s = *sp;
	struct map_node *n;

	while ((n = take_any(&s->crowds)))
		crowd_free(CONTAINER_OF(n, struct crowd, node));
	while ((n = take_any(&s->tracks)))
		track_free(CONTAINER_OF(n, struct track, node));
	while ((n = take_any(&s->tallies)))
		mem_free(CONTAINER_OF(n, struct tally, node));
	map_free(&s->crowds);
	map_free(&s->tracks);
	map_free(&s->tallies);
	crowd_free(s->all);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->door);
	mem_free(s);
	*sp = NULL;
}

/* --- what is accepted --- */

static struct tally *tally_find(struct series *s, struct slice project)
{
	uint64_t hash = hash_bytes(&hash_key, project);
	struct tally *t;

	for (struct map_node *n = map_first(&s->tallies, hash); n; n = map_next(n, hash)) {
		t = CONTAINER_OF(n, struct tally, node);
		if (slice_is(project, t->project))
			return t;
	}
	t = mem_zalloc(sizeof(*t) + project.n + 1);
	slice_copy(t->project, project.n + 1, project);
	map_add(&s->tallies, &t->node, hash);
	return t;
}

void series_accepted(struct series *s, struct event *const *events, size_t count)
{
	struct tally *t = NULL;

	pthread_mutex_lock(&s->door);
	for (size_t i = 0; i < count; i++) {
		if (events[i]->target) /* the hub's own exchange */
			continue;
		if (!t || !slice_is(events[i]->project, t->project))
			t = tally_find(s, events[i]->project);
		t->count++;
	}
	pthread_mutex_unlock(&s->door);
}

/* --- finding --- */

static struct crowd *crowd_find(const struct series *s, struct slice project)
{
	uint64_t hash = hash_bytes(&hash_key, project);

	for (struct map_node *n = map_first(&s->crowds, hash); n; n = map_next(n, hash)) {
		struct crowd *cr = CONTAINER_OF(n, struct crowd, node);

		if (slice_is(project, cr->id))
			return cr;
	}
	return NULL;
}

static struct crowd *crowd_of(struct series *s, const char *project)
{
	struct crowd *cr = crowd_find(s, slice_str(project));

	if (cr)
		return cr;
	cr = crowd_new(project);
	map_add(&s->crowds, &cr->node, hash_bytes(&hash_key, slice_str(project)));
	cr->heard_ms = s->now_ms;
	return cr;
}

static struct track *track_find(const struct series *s, uint64_t number)
{
	uint64_t hash = hash_u64(number);

	for (struct map_node *n = map_first(&s->tracks, hash); n; n = map_next(n, hash)) {
		struct track *t = CONTAINER_OF(n, struct track, node);

		if (t->number == number)
			return t;
	}
	return NULL;
}

static struct track *track_of(struct series *s, uint64_t number)
{
	struct track *t = track_find(s, number);

	if (!t) {
		t = track_new(number);
		map_add(&s->tracks, &t->node, hash_u64(number));
	}
	return t;
}

/* --- a round --- */

static void take_tallies(struct series *s)
{
	struct map tallies;
	struct map_node *n;

	pthread_mutex_lock(&s->door);
	tallies = s->tallies;
	map_init(&s->tallies);
	pthread_mutex_unlock(&s->door);
	while ((n = take_any(&tallies))) {
		struct tally *t = CONTAINER_OF(n, struct tally, node);

		crowd_of(s, t->project)->accepted += t->count;
		s->all->accepted += t->count;
		mem_free(t);
	}
	map_free(&tallies);
}

void series_begin(struct series *s, int64_t now_ms)
{
	pthread_mutex_lock(&s->lock);
	s->now_ms = now_ms;
	s->middle_ms = s->last_ms ? (s->last_ms + now_ms) / 2 : now_ms;
	if (!s->since_ms)
		s->since_ms = now_ms;
	s->round++;
	s->seen = 0;
	s->owner = NULL;
	crowd_begin(s->all);
	for (struct map_node *n = map_walk(&s->crowds, NULL); n; n = map_walk(&s->crowds, n))
		crowd_begin(CONTAINER_OF(n, struct crowd, node));
	take_tallies(s);
}

/* The project's crowd; NULL for an organization's endpoint, whose events are of many projects. */
static struct crowd *owner_of(struct series *s, const struct endpoint *ep)
{
	if (ep->of_organization)
		return NULL;
	if (!s->owner || strcmp(s->owner->id, ep->owner) != 0)
		s->owner = crowd_of(s, ep->owner);
	s->owner->seen = s->round;
	return s->owner;
}

void series_look(struct series *s, const struct endpoint *ep, const struct endpoint_stats *stats)
{
	struct track *t = track_of(s, ep->number);
	struct crowd *owner = owner_of(s, ep);
	struct delta delta;
	bool happened = track_look(t, stats, s->middle_ms, &delta);

	t->seen = s->round;
	s->seen++;
	crowd_count(s->all, ep, stats);
	if (owner)
		crowd_count(owner, ep, stats);
	if (happened)
		crowd_happened(s->all, &delta);
	if (happened && owner)
		crowd_happened(owner, &delta);
}

static void forget_tracks(struct series *s)
{
	struct map_node *n, *next;

	if (s->seen == s->tracks.count)
		return;
	for (n = map_walk(&s->tracks, NULL); n; n = next) {
		struct track *t = CONTAINER_OF(n, struct track, node);

		next = map_walk(&s->tracks, n);
		if (t->seen == s->round)
			continue;
		map_del(&s->tracks, n);
		track_free(t);
	}
}

static void drop_plots(struct series *s, struct crowd *cr)
{
	if (!cr->plots)
		return;
	plots_free(&cr->plots);
	s->plots--;
}

/* False: it is to be forgotten. */
static bool end_crowd(struct series *s, struct crowd *cr)
{
	if (crowd_is_busy(cr) && !cr->plots && s->plots < SERIES_PLOTS_MAX) {
		cr->plots = mem_zalloc(sizeof(*cr->plots));
		s->plots++;
	}
	crowd_end(cr, s->middle_ms, s->now_ms);
	if (s->now_ms - cr->heard_ms < FORGET_MS)
		return true;
	drop_plots(s, cr);
	return cr->seen == s->round;
}

void series_end(struct series *s)
{
	struct map_node *n, *next;

	forget_tracks(s);
	crowd_end(s->all, s->middle_ms, s->now_ms);
	for (n = map_walk(&s->crowds, NULL); n; n = next) {
		struct crowd *cr = CONTAINER_OF(n, struct crowd, node);

		next = map_walk(&s->crowds, n);
		if (end_crowd(s, cr))
			continue;
		map_del(&s->crowds, n);
		crowd_free(cr);
	}
	s->last_ms = s->now_ms;
	pthread_mutex_unlock(&s->lock);
}

static bool look(void *ctx, const struct endpoint_view *v)
{
	series_look(ctx, v->endpoint, v->stats);
	return true;
}

void series_round(struct series *s, struct node *node, int64_t now_ms)
{
	int64_t begin_us = clock_mono_us();

	series_begin(s, now_ms);
	node_endpoint_list(node, (struct owner){ SLICE_LIT(""), false }, true, SLICE_LIT(""), look, s);
	s->cost_us = clock_mono_us() - begin_us;
	series_end(s);
}

void series_freshen(struct series *s, struct node *node, int64_t now_ms)
{
	bool young;

	pthread_mutex_lock(&s->lock);
	young = s->last_ms && (now_ms - s->last_ms) * 1000 < s->cost_us * SHARE;
	pthread_mutex_unlock(&s->lock);
	if (!young)
		series_round(s, node, now_ms);
}

/* --- over a restart --- */

static void save(const struct series *s, struct plots *p, const char *id, struct buf *text, series_save_fn *fn,
		 void *ctx)
{
	if (!p->unsaved)
		return;
	buf_reset(text);
	plots_write(p, s->since_ms, text);
	fn(ctx, slice_str(id), buf_slice(text));
	p->unsaved = false;
}

void series_save(struct series *s, series_save_fn *fn, void *ctx)
{
	struct buf text;
	struct map_node *n;

	buf_init(&text, (size_t)1 << 20);
	pthread_mutex_lock(&s->lock);
	save(s, s->all->plots, "", &text, fn, ctx);
	for (n = map_walk(&s->crowds, NULL); n; n = map_walk(&s->crowds, n)) {
		const struct crowd *cr = CONTAINER_OF(n, struct crowd, node);

		if (cr->plots)
			save(s, cr->plots, cr->id, &text, fn, ctx);
	}
	pthread_mutex_unlock(&s->lock);
	buf_free(&text);
}

/*
 * Neither too old, nor from after now: the clock has been set back, and all would count for that step until it comes.
 */
static bool is_recent(const struct plots *p, int64_t now_ms)
{
	int64_t step_ms = plot_day.step_s * SECOND_MS, age_ms = now_ms - p->day.ring.at * step_ms;

	return age_ms > -step_ms && age_ms <= FORGET_MS;
}

bool series_load(struct series *s, struct slice id, struct slice text, int64_t now_ms)
{
	struct plots *p = plots_read(text);
	struct crowd *cr = s->all;
	char *name;

	if (!p || !is_recent(p, now_ms) || s->plots >= SERIES_PLOTS_MAX) {
		plots_free(&p);
		return false;
	}
	pthread_mutex_lock(&s->lock);
	if (id.n > 0) {
		s->now_ms = now_ms;
		name = slice_dup(id);
		cr = crowd_of(s, name);
		mem_free(name);
		s->plots += cr->plots == NULL;
	}
	plots_free(&cr->plots);
	cr->plots = p;
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* --- asking --- */

void series_hold(struct series *s)
{
	pthread_mutex_lock(&s->lock);
}

void series_release(struct series *s)
{
	pthread_mutex_unlock(&s->lock);
}

/* The steps that are over, no more than there are and none from before the first round. */
static void read_plot(const struct series *s, const struct crowd *cr, const struct ring_shape *shape,
		      const struct plot *p, struct series_plot *ret)
{
	int64_t last = ring_step(shape, s->last_ms) - 1, first = last + 1 - (int64_t)shape->cells;
	bool older = cr && cr->plots && cr->plots->since_ms;
	int64_t born = ring_step(shape, older ? cr->plots->since_ms : s->since_ms);

	if (first < born)
		first = born;
	ret->step_s = shape->step_s;
	ret->end_s = (last + 1) * shape->step_s;
	ret->count = cr && cr->plots && last >= first ? (uint32_t)(last + 1 - first) : 0;
	for (uint32_t i = 0; i < ret->count; i++)
		for (uint32_t c = 0; c < PLOT_COLUMNS; c++)
			ret->values[c][i] = ring_get(&p->ring, shape, first + i, c);
}

static void read_crowd(const struct series *s, const struct crowd *cr, struct series_numbers *ret)
{
	ret->pending = cr->pending;
	ret->waiting = cr->waiting;
	ret->in_flight = cr->in_flight;
	ret->oldest_ms = cr->oldest_ms;
	ret->endpoints = cr->endpoints;
	memcpy(ret->states, cr->states, sizeof(ret->states));
	crowd_rates(cr, s->since_ms, s->last_ms, &ret->rates);
	window_read(&cr->recent, s->last_ms, &ret->window);
}

void series_numbers(struct series *s, struct slice project, struct series_numbers *ret, struct series_plot *plots)
{
	static const struct ring none = { 0 };
	const struct plots *p;
	const struct crowd *cr;

	*ret = (struct series_numbers){ 0 };
	pthread_mutex_lock(&s->lock);
	cr = project.n > 0 ? crowd_find(s, project) : s->all;
	if (cr)
		read_crowd(s, cr, ret);
	else
		window_read(&none, s->last_ms, &ret->window);
	p = cr && cr->plots ? cr->plots : s->all->plots;
	if (plots) {
		read_plot(s, cr, &plot_hour, &p->hour, &plots[0]);
		read_plot(s, cr, &plot_day, &p->day, &plots[1]);
	}
	pthread_mutex_unlock(&s->lock);
}

/* The steps up to the one that runs, no more than there are and none from before the first round. */
static uint32_t steps(const struct series *s, const struct ring_shape *shape, int64_t *ret_first)
{
	int64_t last = ring_step(shape, s->last_ms), first = last + 1 - (int64_t)shape->cells;
	int64_t born = ring_step(shape, s->since_ms);

	*ret_first = first < born ? born : first;
	return (uint32_t)(last + 1 - *ret_first);
}

static void read_recent(const struct series *s, const struct track_work *w, struct series_recent *ret)
{
	int64_t last = ring_step(&track_hour, s->last_ms), begin_ms = (last - 1) * track_hour.step_s * 1000;
	int64_t from_ms = begin_ms < s->since_ms ? s->since_ms : begin_ms;
	double seconds = s->last_ms - from_ms < 1000 ? 1 : (double)(s->last_ms - from_ms) / 1000;

	window_read(&w->recent, s->last_ms, &ret->window);
	ret->delivered = ring_sum(&w->hour, &track_hour, last - 1, last, TRACK_DELIVERED);
	ret->per_s = (double)ret->delivered / seconds;
}

void series_recent(struct series *s, uint64_t number, struct series_recent *ret)
{
	const struct track *t;

	*ret = (struct series_recent){ .window = { .p50_ms = -1, .p99_ms = -1 } };
	pthread_mutex_lock(&s->lock);
	t = track_find(s, number);
	if (t && t->work)
		read_recent(s, t->work, ret);
	pthread_mutex_unlock(&s->lock);
}

uint32_t series_spark(struct series *s, uint64_t number, uint32_t ret_delivered[SERIES_MINUTES],
		      uint32_t ret_bad[SERIES_MINUTES])
{
	const struct track *t;
	uint32_t count;
	int64_t first;

	pthread_mutex_lock(&s->lock);
	t = track_find(s, number);
	count = steps(s, &track_hour, &first);
	for (uint32_t i = 0; i < count; i++) {
		const struct ring *hour = t && t->work ? &t->work->hour : NULL;

		ret_delivered[i] = hour ? ring_get(hour, &track_hour, first + i, TRACK_DELIVERED) : 0;
		ret_bad[i] = hour ? ring_get(hour, &track_hour, first + i, TRACK_BAD) : 0;
	}
	pthread_mutex_unlock(&s->lock);
	return count;
}

static void read_track(const struct series *s, const struct track_work *w, bool day, struct series_track *ret)
{
	const struct ring_shape *shape = day ? &track_day : &track_hour;
	int64_t first;

	*ret = (struct series_track){ .step_s = shape->step_s, .count = steps(s, shape, &first) };
	ret->end_s = (first + ret->count) * shape->step_s;
	for (uint32_t i = 0; w && i < ret->count; i++) {
		for (uint32_t c = 0; c < TRACK_COLUMNS; c++)
			ret->values[c][i] = ring_get(day ? &w->day : &w->hour, shape, first + i, c);
		for (uint32_t c = 0; c < STATS_CODES; c++)
			ret->codes[c][i] = day ? ring_get(&w->codes[c].day, &code_day, first + i, 0)
					       : ring_get(&w->codes[c].hour, &code_hour, first + i, 0);
	}
}

void series_endpoint(struct series *s, uint64_t number, struct series_track *ret_hour, struct series_track *ret_day)
{
	const struct track *t;

	pthread_mutex_lock(&s->lock);
	t = track_find(s, number);
	read_track(s, t ? t->work : NULL, false, ret_hour);
	read_track(s, t ? t->work : NULL, true, ret_day);
	pthread_mutex_unlock(&s->lock);
}
