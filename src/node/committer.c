/*
 * Group commit. The thread takes from its queue what one commit may hold - transactions
 * up to a number of rows and bytes - writes it as one, tells everybody, and takes what
 * came in the meantime. A job ends a group: it sees everything queued before it on disk.
 *
 * Full disk: the group's events are refused, and all events that wait; transactions of what has happened already
 * (answers, settings) are put back to the front and tried again every RETRY_MS, so that deliveries can go on in memory
 * as long as the engine's bounds allow. With nothing to try again a rewritten floor is the probe.
 *
 * Broken store: the outcome of the last commit is unknown, so nobody hears that it went well; everything is answered
 * with ERR_IO from then on. Only a fresh start, which reads what is on disk, can tell.
 */
#include "node/committer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/list.h"
#include "base/mem.h"

#define GROUP_ROWS  8192
#define GROUP_BYTES (16u * 1024 * 1024)
#define RETRY_MS    200

struct committer {
	struct committer_host host;
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock; /* over the queue and the flags below it */
	pthread_cond_t more;
	struct work *first, **end;
	bool waiting, stopping;
	_Atomic bool last_orders;
	_Atomic int state; /* 0, ERR_FULL, ERR_BUSY, ERR_IO */
	_Atomic uint64_t commits, rows;
	_Atomic int64_t turn_us; /* since when it works on what it took; 0: it waits for more */
	/* the store thread's own */
	int64_t retry_us;  /* not before, while the disk is full */
	int64_t upkeep_us; /* next call of upkeep when nothing happens */
	struct tx **group;
	size_t group_cap;
};

/* A list of work in order, cut out of the queue. */
struct chain {
	struct work *first, **end;
};

static void chain_init(struct chain *ch)
{
	ch->first = NULL;
	ch->end = &ch->first;
}

static void chain_add(struct chain *ch, struct work *w)
{
	w->next = NULL;
	*ch->end = w;
	ch->end = &w->next;
}

static struct work *chain_pop(struct chain *ch)
{
	struct work *w = ch->first;

	if (!w)
		return NULL;
	ch->first = w->next;
	if (!ch->first)
		ch->end = &ch->first;
	return w;
}

void committer_add(struct committer *c, struct work *w)
{
	w->next = NULL;
	pthread_mutex_lock(&c->lock);
	*c->end = w;
	c->end = &w->next;
	if (c->waiting)
		pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

int committer_state(const struct committer *c)
{
	return atomic_load_explicit(&c->state, memory_order_relaxed);
}

int64_t committer_turn_ms(const struct committer *c)
{
	int64_t since = atomic_load_explicit(&c->turn_us, memory_order_relaxed);

	return since ? (clock_mono_us() - since) / 1000 : 0;
}

void committer_count(const struct committer *c, struct committer_numbers *ret)
{
	ret->commits = atomic_load_explicit(&c->commits, memory_order_relaxed);
	ret->rows = atomic_load_explicit(&c->rows, memory_order_relaxed);
}

/* --- the queue, under its lock --- */

static struct work *queue_pop(struct committer *c)
{
	struct work *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->end = &c->first;
	w->next = NULL;
	return w;
}

static bool full(const struct committer *c)
{
	int state = committer_state(c);

	return state == ERR_FULL || state == ERR_BUSY;
}

/* What one commit takes: transactions up to the bounds or the next job; a job stands alone. */
static void queue_take(struct committer *c, struct chain *ret)
{
	size_t rows = 0, bytes = 0;

	chain_init(ret);
	while (c->first && rows < GROUP_ROWS && bytes < GROUP_BYTES) {
		struct work *w = c->first;

		if (w->kind == WORK_JOB && ret->first)
			return;
		queue_pop(c);
		chain_add(ret, w);
		if (w->kind == WORK_JOB)
			return;
		rows += w->tx->count;
		bytes += w->tx->bytes;
	}
}

/* Kept transactions go back to the front, in order. */
static void queue_put_back(struct committer *c, struct chain *kept)
{
	if (!kept->first)
		return;
	pthread_mutex_lock(&c->lock);
	*kept->end = c->first;
	if (!c->first)
		c->end = kept->end;
	c->first = kept->first;
	pthread_mutex_unlock(&c->lock);
}

/* All events that wait are taken out: with a full disk they are refused now and not in the order of the queue. */
static void queue_take_events(struct committer *c, struct chain *ret)
{
	struct chain rest;

	chain_init(ret);
	chain_init(&rest);
	pthread_mutex_lock(&c->lock);
	while (c->first) {
		struct work *w = queue_pop(c);

		chain_add(w->kind == WORK_EVENTS ? ret : &rest, w);
	}
	c->first = rest.first;
	c->end = rest.first ? rest.end : &c->first;
	pthread_mutex_unlock(&c->lock);
}

/* Waits until there is something to do and takes it; an empty chain means upkeep or a probe. false: the end. */
static bool queue_wait(struct committer *c, struct chain *ret)
{
	bool go_on = true;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		int64_t now = clock_mono_us();
		bool held = full(c) && now < c->retry_us && !(c->first && c->first->kind == WORK_JOB);
		int64_t until = full(c) ? c->retry_us : c->upkeep_us;

		if ((!c->first && c->stopping) || (c->first && !held) || now >= until)
			break;
		c->waiting = true;
		cond_wait_until(&c->more, &c->lock, until);
		c->waiting = false;
	}
	queue_take(c, ret);
	if (!ret->first && c->stopping)
		go_on = false;
	pthread_mutex_unlock(&c->lock);
	return go_on;
}

/* --- committing --- */

static void refuse_events(struct committer *c, int err)
{
	struct chain events;
	struct work *w;

	queue_take_events(c, &events);
	while ((w = chain_pop(&events)))
		w->done(w, c->store, err);
}

static void set_full(struct committer *c, int err, const struct fault *fault)
{
	bool news = !full(c);

	atomic_store(&c->state, err);
	c->retry_us = clock_mono_us() + RETRY_MS * 1000;
	if (news)
		c->host.refuses(c->host.ctx, true, fault);
	refuse_events(c, err);
}

static void set_broken(struct committer *c, const struct fault *fault)
{
	if (committer_state(c) == ERR_IO)
		return;
	atomic_store(&c->state, ERR_IO);
	c->host.broke(c->host.ctx, fault);
}

/* The one place that writes, and the one that changes the state. Returns 0, ERR_FULL, ERR_BUSY or ERR_IO. */
static int commit(struct committer *c, struct tx *const *txs, size_t n, struct fault *fault)
{
	uint64_t rows = 0;
	int err;

	if (committer_state(c) == ERR_IO)
		return ERR_IO;
	c->host.begins(c->host.ctx);
	err = store_commit(c->store, txs, n, fault);
	if ((err == ERR_FULL || err == ERR_BUSY) && !atomic_load(&c->last_orders)) {
		set_full(c, err, fault);
		return err;
	}
	if (err) {
		set_broken(c, fault);
		return ERR_IO;
	}
	for (size_t i = 0; i < n; i++)
		rows += txs[i]->count;
	atomic_fetch_add_explicit(&c->commits, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->rows, rows, memory_order_relaxed);
	if (full(c)) {
		atomic_store(&c->state, 0);
		c->host.refuses(c->host.ctx, false, NULL);
	}
	return 0;
}

int committer_now(struct committer *c, struct tx *tx, struct fault *fault)
{
	struct fault own = NO_FAULT;

	assert(pthread_equal(pthread_self(), c->thread));
	return commit(c, &tx, 1, fault ? fault : &own);
}

void committer_failed(struct committer *c, int err, const struct fault *fault)
{
	if (err == ERR_IO)
		set_broken(c, fault);
}

static size_t group_fill(struct committer *c, const struct chain *ch)
{
	size_t n = 0;

	for (const struct work *w = ch->first; w; w = w->next) {
		if (n == c->group_cap) {
			c->group_cap = c->group_cap ? c->group_cap * 2 : 64;
			c->group = mem_realloc(c->group, c->group_cap * sizeof(*c->group));
		}
		c->group[n++] = w->tx;
	}
	return n;
}

/* First the events of all, then (settled) to the shards and the answers, then those who only have to take note. */
static void tell(struct committer *c, struct chain *ch, int err)
{
	struct chain rest;
	struct work *w;

	chain_init(&rest);
	while ((w = chain_pop(ch))) {
		if (w->kind == WORK_EVENTS)
			w->done(w, c->store, err);
		else
			chain_add(&rest, w);
	}
	if (!err)
		c->host.settled(c->host.ctx, c->store);
	while ((w = chain_pop(&rest)))
		w->done(w, err == ERR_IO ? NULL : c->store, err);
}

static void keep(struct committer *c, struct chain *ch, int err)
{
	struct chain kept;
	struct work *w;

	chain_init(&kept);
	while ((w = chain_pop(ch))) {
		if (w->kind == WORK_EVENTS)
			w->done(w, c->store, err);
		else
			chain_add(&kept, w);
	}
	queue_put_back(c, &kept);
}

static void commit_group(struct committer *c, struct chain *ch)
{
	struct fault fault = NO_FAULT;
	size_t n = group_fill(c, ch); /* may move c->group */
	int err = commit(c, c->group, n, &fault);

	if (err == ERR_FULL || err == ERR_BUSY)
		keep(c, ch, err);
	else
		tell(c, ch, err);
}

/* The disk was full and nothing is kept that would show whether it still is. */
static void probe(struct committer *c)
{
	struct fault fault = NO_FAULT;
	struct tx *tx = tx_new();

	tx_floor(tx, store_floor(c->store));
	commit(c, &tx, 1, &fault);
	tx_free(&tx);
}

static bool queue_empty(struct committer *c)
{
	bool empty;

	pthread_mutex_lock(&c->lock);
	empty = !c->first;
	pthread_mutex_unlock(&c->lock);
	return empty;
}

static void upkeep(struct committer *c)
{
	int64_t wait_ms = c->host.upkeep(c->host.ctx, c->store, queue_empty(c));

	c->upkeep_us = clock_mono_us() + wait_ms * 1000;
}

static void *run(void *ctx)
{
	struct committer *c = ctx;
	struct chain ch;

	pthread_setname_np(pthread_self(), "store");
	while (queue_wait(c, &ch)) {
		bool broken = committer_state(c) == ERR_IO;

		atomic_store_explicit(&c->turn_us, clock_mono_us(), memory_order_relaxed);
		if (ch.first && ch.first->kind == WORK_JOB) {
			struct work *w = chain_pop(&ch);

			w->done(w, broken ? NULL : c->store, broken ? ERR_IO : 0);
		} else if (ch.first) {
			commit_group(c, &ch);
		} else if (full(c)) {
			probe(c);
		}
		if (committer_state(c) == 0)
			upkeep(c);
		else
			c->upkeep_us = clock_mono_us() + 1000000;
		atomic_store_explicit(&c->turn_us, 0, memory_order_relaxed);
	}
	return NULL;
}

void committer_last_orders(struct committer *c)
{
	atomic_store(&c->last_orders, true);
}

/* --- start, stop, jobs that are waited for --- */

int committer_start(struct store *store, const struct committer_host *host, struct committer **ret, struct fault *fault)
{
	struct committer *c = mem_zalloc(sizeof(*c));
	int rc;

	c->host = *host;
	c->store = store;
	c->end = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	cond_init_monotonic(&c->more);
	/*
	 * The thread's callbacks find the committer through *ret, and committer_now
	 * compares itself with c->thread: both are there before it runs.
	 */
	*ret = c;
	pthread_mutex_lock(&c->lock);
	rc = pthread_create(&c->thread, NULL, run, c);
	pthread_mutex_unlock(&c->lock);
	if (rc == 0)
		return 0;
	*ret = NULL;
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
	fault_set(fault, "system", "", "no thread for the store: raise the limit of processes (ulimit -u)");
	return ERR_SYSTEM;
}

void committer_stop(struct committer **cp)
{
	struct committer *c = *cp;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	mem_free(c->group);
	mem_free(c);
	*cp = NULL;
}

struct waited_job {
	struct work work;
	struct latch latch;
	void (*fn)(void *ctx, struct store *store);
	void *ctx;
};

static void waited_job_done(struct work *w, struct store *store, int err)
{
	struct waited_job *job = CONTAINER_OF(w, struct waited_job, work);

	job->fn(job->ctx, err ? NULL : store);
	latch_set(&job->latch);
}

void committer_run(struct committer *c, void (*fn)(void *ctx, struct store *store), void *ctx)
{
	struct waited_job job = { .work = { .kind = WORK_JOB, .done = waited_job_done }, .fn = fn, .ctx = ctx };

	latch_init(&job.latch);
	committer_add(c, &job.work);
	latch_wait(&job.latch);
	latch_free(&job.latch);
}
