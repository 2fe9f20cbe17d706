/*
 * What is due. Everything the hub will do later has a due time on disk, beside what it is about, so a restart forgets
 * nothing, and there is one timer in the program for all of it: this thread. It does what is due inside commits, a
 * bounded part each, and sleeps until the next due time or until somebody pokes it.
 *
 * The next due time is read inside the same commit, behind all that was poked for before it: a poke whose object is not
 * on disk yet can not be slept through.
 */
#include "hub/tick.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/mem.h"
#include "hub/hub_impl.h"
#include "hub/links.h"
#include "hub/route.h"
#include "hub/service.h"

/* steps a commit: each is a load, a save and an event; more would hold up what waits behind */
#define PART	     1000
#define MESSAGES     100 /* steps that one of a broadcast is worth: it makes so many messages */
#define SETTINGS_MAX ((size_t)16 << 20)
#define AGAIN_MS     1000 /* after a commit that failed: the disk is full, or the node is stopping */

struct tick {
	struct hub *hub;
	struct node *node; /* NULL: not started */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	/* under the lock */
	bool stop;
	int64_t wake_ms; /* by the node's clock; INT64_MAX: only when poked */
};

/* --- by kind --- */

static const struct {
	void (*fn)(struct deed *d, struct record *r);
} steps[KINDS] = {
	[KIND_MESSAGE] = { route_step },
	[KIND_BROADCAST] = { broadcast_step },
	[KIND_SERVICE_LOG] = { service_log_due },
	[KIND_LINK] = { links_step },
};

struct due {
	struct slice project, id;
	enum kind kind;
};

/* What is written of one that is gone is dropped: its objects, which are about to go, would stay due until then. */
static bool project_is_there(struct book *b, struct slice project)
{
	struct buf settings;
	bool there;

	if (project.n == 0) /* links are of no project */
		return true;
	buf_init(&settings, SETTINGS_MAX);
	there = book_project(b, project, &settings);
	buf_free(&settings);
	return there;
}

static void step(const struct deed *d, const struct due *due)
{
	struct arena arena;
	struct fault fault = NO_FAULT;
	struct deed one = *d;
	struct record *r;

	arena_init(&arena);
	one.arena = &arena;
	one.fault = &fault;
	one.project = due->project;
	r = project_is_there(d->book, due->project) ? record_load(&one, due->kind, due->id) : NULL;
	if (r && record_due(r) != OBJECT_NEVER_DUE && record_due(r) <= d->now_ms)
		steps[due->kind].fn(&one, r);
	else if (!r) /* nobody's, or damaged, as the log says: it would be due for ever */
		book_delete(d->book, due->project, (uint16_t)due->kind, due->id);
	arena_free(&arena);
}

struct found {
	struct deed *d;
	struct due *all;
	uint32_t count;
};

/* Walks may not write, so what is due is noted first. */
static bool note(void *ctx, const struct object_row *row)
{
	struct found *f = ctx;

	f->all[f->count++] = (struct due){ .project = arena_slice(f->d->arena, row->project),
					   .id = arena_slice(f->d->arena, row->id),
					   .kind = (enum kind)row->kind };
	return true;
}

bool tick_due(struct deed *d, int64_t now_ms, uint32_t most)
{
	struct found f = { .d = d, .all = arena_alloc(d->arena, most * sizeof(struct due)) };
	struct deed at = *d;
	uint32_t i, spent = 0;

	at.now_ms = now_ms;
	at.origin = ORIGIN_PLATFORM;
	book_due(d->book, now_ms, most, note, &f);
	for (i = 0; i < f.count && spent < most; i++)
		if (f.all[i].kind < KINDS && steps[f.all[i].kind].fn) {
			step(&at, &f.all[i]);
			spent += f.all[i].kind == KIND_BROADCAST ? MESSAGES : 1;
		}
	return f.count == most || i < f.count;
}

/* --- the thread --- */

struct round {
	struct tick *tick;
	int64_t next_ms;
};

static bool note_next(void *ctx, const struct object_row *row)
{
	*(int64_t *)ctx = row->due_ms;
	return false;
}

static void run_round(void *ctx, struct book *b)
{
	struct round *round = ctx;
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = { .hub = round->tick->hub,
			  .book = b,
			  .origin = ORIGIN_PLATFORM,
			  .now_ms = book_now_ms(b),
			  .arena = &arena,
			  .fault = &fault };

	arena_init(&arena);
	round->next_ms = INT64_MAX;
	tick_due(&d, d.now_ms, PART);
	book_due(b, INT64_MAX, 1, note_next, &round->next_ms);
	arena_free(&arena);
}

/* Waits for the due time; false when it is to end. */
static bool wait_due(struct tick *t)
{
	bool go_on;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		int64_t left_ms = t->wake_ms == INT64_MAX ? INT64_MAX : t->wake_ms - node_now_ms(t->node);

		if (t->stop || left_ms <= 0)
			break;
		if (left_ms == INT64_MAX)
			pthread_cond_wait(&t->cond, &t->lock);
		else
			cond_wait_until(&t->cond, &t->lock, clock_mono_us() + left_ms * 1000);
	}
	go_on = !t->stop;
	t->wake_ms = INT64_MAX; /* pokes from now on count for the next wait */
	pthread_mutex_unlock(&t->lock);
	return go_on;
}

static void *run(void *ctx)
{
	struct tick *t = ctx;

	while (wait_due(t)) {
		struct round round = { .tick = t };
		int err = node_book_wait(t->node, run_round, &round);

		tick_poke(t, err ? node_now_ms(t->node) + AGAIN_MS : round.next_ms);
	}
	return NULL;
}

void tick_poke(struct tick *t, int64_t due_ms)
{
	pthread_mutex_lock(&t->lock);
	if (due_ms < t->wake_ms) {
		t->wake_ms = due_ms;
		pthread_cond_signal(&t->cond);
	}
	pthread_mutex_unlock(&t->lock);
}

struct tick *tick_new(void)
{
	struct tick *t = mem_zalloc(sizeof(*t)); /* due at once: what was due while the daemon was down */

	pthread_mutex_init(&t->lock, NULL);
	cond_init_monotonic(&t->cond);
	return t;
}

int tick_start(struct tick *t, struct hub *h, struct node *node, struct fault *fault)
{
	int err;

	t->hub = h;
	t->node = node;
	t->stop = false;
	err = pthread_create(&t->thread, NULL, run, t);
	if (err) {
		t->node = NULL;
		fault_set(fault, "system", "", "no thread for what is due: %s", strerror(err));
		return ERR_SYSTEM;
	}
	return 0;
}

void tick_stop(struct tick *t)
{
	if (!t->node)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->cond);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	t->node = NULL;
}

void tick_free(struct tick **tp)
{
	struct tick *t = *tp;

	if (!t)
		return;
	pthread_cond_destroy(&t->cond);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
	*tp = NULL;
}
