/*
 * A shard's loop. Everything that happens - messages, answers, timers - is an input of the engine and marks the turn as
 * due; the turn itself runs once per round of the loop, from an idle handle: while that is active the loop does not
 * sleep, so a turn that became due anywhere in a round cannot be slept over. The engine's time is read once a round.
 *
 * Stopping: the engine is told, and after each turn this looks whether it is
 * idle; then it parks what is left, and is idle again once that is on disk.
 */
#include "node/shard.h"

#include <assert.h>
#include <stdio.h>
#include <uv.h>

#include "base/latch.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/client.h"
#include "node/parts.h"
#include "node/shard_host.h"

struct events_message {
	struct message message;
	size_t count, bytes;
	struct event *events[];
};

enum phase { PHASE_RUNNING, PHASE_STOPPING, PHASE_PARKING, PHASE_PARKED };

struct shard {
	struct node *node;
	unsigned index;
	struct engine *engine;
	struct shard_host *host;
	bool started;
	enum phase phase;
	int64_t now_ms, timer_ms;
	_Atomic int64_t floor;
	_Atomic size_t backlog;
	_Atomic bool broken; /* something could not be written: this will never be parked */

	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t timer;
	uv_idle_t turn;
	bool turn_due, halted;
	pthread_t thread;
	struct latch parked, halt;
	struct message beat;
	_Atomic int64_t asked_us; /* when it was asked for a sign of life; 0: it owes none */

	pthread_mutex_t lock; /* over the inbox */
	struct message *first, **end;
};

struct engine *shard_engine(struct shard *sh)
{
	return sh->engine;
}

int64_t shard_now_ms(const struct shard *sh)
{
	return sh->now_ms;
}

int64_t shard_floor(const struct shard *sh)
{
	return atomic_load_explicit(&sh->floor, memory_order_relaxed);
}

size_t shard_backlog(const struct shard *sh)
{
	return atomic_load_explicit(&sh->backlog, memory_order_relaxed);
}

void shard_floor_init(struct shard *sh)
{
	atomic_store(&sh->floor, engine_floor(sh->engine));
}

/* --- the turn --- */

static void on_turn(uv_idle_t *handle);

static void turn_soon(void *ctx)
{
	struct shard *sh = ctx;

	if (sh->turn_due || sh->halted)
		return;
	sh->turn_due = true;
	uv_idle_start(&sh->turn, on_turn);
}

static void on_timer(uv_timer_t *handle)
{
	turn_soon(handle->data);
}

static void timer_arm(struct shard *sh)
{
	int64_t next = engine_next_ms(sh->engine);

	if (next == sh->timer_ms && uv_is_active((uv_handle_t *)&sh->timer))
		return;
	sh->timer_ms = next;
	if (next == INT64_MAX) {
		uv_timer_stop(&sh->timer);
		return;
	}
	uv_update_time(&sh->loop);
	uv_timer_start(&sh->timer, on_timer, next > sh->now_ms ? (uint64_t)(next - sh->now_ms) : 0, 0);
}

static void park(struct shard *sh)
{
	engine_park(sh->engine, sh->now_ms);
	sh->phase = PHASE_PARKING;
}

static void phase_step(struct shard *sh)
{
	if (sh->phase == PHASE_STOPPING && engine_idle(sh->engine))
		park(sh);
	if (sh->phase == PHASE_PARKING && engine_idle(sh->engine)) {
		sh->phase = PHASE_PARKED;
		atomic_store(&sh->floor, engine_floor(sh->engine));
		latch_set(&sh->parked);
	}
}

static void on_turn(uv_idle_t *handle)
{
	struct shard *sh = handle->data;

	sh->turn_due = false;
	uv_idle_stop(&sh->turn);
	sh->now_ms = clock_ms(&sh->node->clock);
	engine_run(sh->engine, sh->now_ms);
	atomic_store_explicit(&sh->floor, engine_floor(sh->engine), memory_order_relaxed);
	phase_step(sh);
	timer_arm(sh);
}

/* --- the inbox --- */

void shard_post(struct shard *sh, struct message *m)
{
	bool first;

	m->next = NULL;
	pthread_mutex_lock(&sh->lock);
	first = !sh->first;
	*sh->end = m;
	sh->end = &m->next;
	pthread_mutex_unlock(&sh->lock);
	if (first && sh->started)
		uv_async_send(&sh->wake);
}

static void inbox_run(struct shard *sh)
{
	struct message *m;

	pthread_mutex_lock(&sh->lock);
	m = sh->first;
	sh->first = NULL;
	sh->end = &sh->first;
	pthread_mutex_unlock(&sh->lock);
	while (m) {
		struct message *next = m->next;

		m->run(m, sh);
		m = next;
	}
}

static void on_wake(uv_async_t *handle)
{
	struct shard *sh = handle->data;

	sh->now_ms = clock_ms(&sh->node->clock);
	inbox_run(sh);
	turn_soon(sh);
}

static void events_run(struct message *m, struct shard *sh)
{
	struct events_message *em = CONTAINER_OF(m, struct events_message, message);
	struct organization_cache cache = { 0 };

	for (size_t i = 0; i < em->count; i++) {
		struct slice organization = directory_organization(sh->node->directory, em->events[i], &cache);

		engine_event(sh->engine, em->events[i], organization, sh->now_ms);
		event_unref(&em->events[i]);
	}
	atomic_fetch_sub_explicit(&sh->backlog, em->bytes, memory_order_relaxed);
	mem_free(em);
}

void shard_events(struct shard *sh, struct event *const *events, size_t count)
{
	struct events_message *em = mem_alloc(sizeof(*em) + count * sizeof(em->events[0]));

	em->message.run = events_run;
	em->count = count;
	em->bytes = 0;
	for (size_t i = 0; i < count; i++) {
		em->events[i] = event_ref(events[i]);
		em->bytes += events[i]->bytes;
	}
	atomic_fetch_add_explicit(&sh->backlog, em->bytes, memory_order_relaxed);
	shard_post(sh, &em->message);
}

static void beat_run(struct message *m, struct shard *sh)
{
	(void)m;
	atomic_store(&sh->asked_us, 0);
}

int64_t shard_silence_ms(struct shard *sh)
{
	int64_t now = clock_mono_us(), asked = atomic_load(&sh->asked_us);

	if (asked)
		return (now - asked) / 1000;
	atomic_store(&sh->asked_us, now);
	sh->beat.run = beat_run;
	shard_post(sh, &sh->beat);
	return 0;
}

void shard_broke(struct shard *sh)
{
	atomic_store(&sh->broken, true);
	latch_set(&sh->parked);
}

void shard_committed(struct shard *sh, struct tx *tx, int err)
{
	if (err) {
		shard_host_unwritten(sh->host, tx);
		shard_broke(sh);
		return;
	}
	engine_committed(sh->engine, tx);
	tx_free(&tx);
}

/* --- start --- */

struct shard *shard_new(struct node *n, unsigned index)
{
	struct shard *sh = mem_zalloc(sizeof(*sh));
	struct engine_host host;
	uint64_t seed;

	sh->node = n;
	sh->index = index;
	sh->end = &sh->first;
	sh->timer_ms = INT64_MAX;
	sh->now_ms = clock_ms(&n->clock);
	pthread_mutex_init(&sh->lock, NULL);
	latch_init(&sh->parked);
	latch_init(&sh->halt);
	sh->host = shard_host_new(n, sh, &sh->loop, turn_soon, &host);
	random_secure(&seed, sizeof(seed));
	sh->engine = engine_new(&host, &n->options.limits, seed, sh->now_ms);
	return sh;
}

static void *loop_run(void *ctx)
{
	struct shard *sh = ctx;
	char name[16]; /* for those who look with top or perf; the kernel keeps no more */

	snprintf(name, sizeof(name), "shard-%u", sh->index);
	pthread_setname_np(pthread_self(), name);
	uv_run(&sh->loop, UV_RUN_DEFAULT);
	return NULL;
}

static void loop_open(struct shard *sh)
{
	int rc = uv_loop_init(&sh->loop);

	assert(rc == 0);
	rc = uv_async_init(&sh->loop, &sh->wake, on_wake);
	assert(rc == 0);
	uv_timer_init(&sh->loop, &sh->timer);
	uv_idle_init(&sh->loop, &sh->turn);
	sh->wake.data = sh->timer.data = sh->turn.data = sh;
}

/* The handles of this file; the client closes its own. */
static void loop_close_handles(void *ctx)
{
	struct shard *sh = ctx;

	uv_close((uv_handle_t *)&sh->wake, NULL);
	uv_close((uv_handle_t *)&sh->timer, NULL);
	uv_close((uv_handle_t *)&sh->turn, NULL);
}

static void loop_finish(struct shard *sh)
{
	int rc;

	uv_run(&sh->loop, UV_RUN_DEFAULT);
	rc = uv_loop_close(&sh->loop);
	assert(rc == 0);
}

int shard_start(struct shard *sh, struct fault *fault)
{
	int err;

	loop_open(sh);
	err = shard_host_open(sh->host, fault);
	if (err) {
		loop_close_handles(sh);
		loop_finish(sh);
		return err;
	}
	sh->started = true;
	turn_soon(sh);
	uv_async_send(&sh->wake);
	if (pthread_create(&sh->thread, NULL, loop_run, sh)) {
		sh->started = false;
		shard_host_close(sh->host, loop_close_handles, sh);
		loop_finish(sh);
		fault_set(fault, "system", "", "no thread for a loop: raise the limit of processes (ulimit -u)");
		return ERR_SYSTEM;
	}
	return 0;
}

/* --- stop --- */

static void stop_run(struct message *m, struct shard *sh)
{
	mem_free(m);
	if (sh->phase != PHASE_RUNNING)
		return;
	sh->phase = PHASE_STOPPING;
	engine_stop(sh->engine);
}

/* Parked first: otherwise the lanes would send what comes next in the place of what was cut off, and never be idle. */
static void cut_off_run(struct message *m, struct shard *sh)
{
	mem_free(m);
	if (sh->phase == PHASE_STOPPING)
		park(sh);
	shard_host_cut_off(sh->host);
}

static void halt_run(struct message *m, struct shard *sh)
{
	mem_free(m);
	sh->halted = true;
	uv_idle_stop(&sh->turn);
	uv_timer_stop(&sh->timer);
	shard_host_halt(sh->host);
	latch_set(&sh->halt);
}

static void quit_run(struct message *m, struct shard *sh)
{
	mem_free(m);
	assert(sh->halted);
	shard_host_release(sh->host, sh->engine);
	engine_free(&sh->engine);
	shard_host_close(sh->host, loop_close_handles, sh);
}

static void post_new(struct shard *sh, void (*run)(struct message *m, struct shard *sh))
{
	struct message *m = mem_alloc(sizeof(*m));

	m->run = run;
	shard_post(sh, m);
}

void shard_begin_stop(struct shard *sh)
{
	post_new(sh, stop_run);
}

bool shard_wait_parked(struct shard *sh, int64_t deadline_us)
{
	bool ended = latch_wait_until(&sh->parked, deadline_us);

	if (!ended) {
		post_new(sh, cut_off_run);
		ended = latch_wait_until(&sh->parked, clock_mono_us() + 1000000);
	}
	return ended && !atomic_load(&sh->broken);
}

void shard_halt(struct shard *sh)
{
	if (!sh->started)
		return;
	post_new(sh, halt_run);
	latch_wait(&sh->halt);
}

void shard_free(struct shard **shp)
{
	struct shard *sh = *shp;

	if (!sh)
		return;
	if (sh->started) {
		post_new(sh, quit_run);
		pthread_join(sh->thread, NULL);
		uv_loop_close(&sh->loop);
	} else {
		engine_free(&sh->engine);
	}
	shard_host_free(&sh->host);
	latch_free(&sh->parked);
	latch_free(&sh->halt);
	pthread_mutex_destroy(&sh->lock);
	mem_free(sh);
	*shp = NULL;
}

void shard_send_once(struct shard *sh, struct endpoint *ep, struct event *const *events, size_t count,
		     void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer,
				  const struct fault *fault),
		     void *ctx)
{
	shard_post(sh, shard_host_once(sh->host, ep, events, count, done, ctx));
}
