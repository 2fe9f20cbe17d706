/*
 * Start and stop, in one visible order each, and the way in: what is submitted becomes a transaction here, on the
 * caller's thread, and is on its way to the shards once it is committed.
 *
 * Bounds on the way in: events that wait for their commit, and events that are
 * committed but not yet seen by a shard, each up to queue_bytes. Beyond them a
 * submission is refused and its sender tries again; nothing queues up without end.
 */
#include "node/node.h"

#include <assert.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "dialect/number.h"
#include "node/document.h"
#include "node/drop.h"
#include "node/parts.h"
#include "node/recover.h"
#include "node/secret.h"

#define DAY_MS	      INT64_C(86400000)
#define PROGRESS_ROWS 4096

/* --- submissions --- */

struct submitted {
	struct work work;
	struct node *node;
	struct submission s;
	struct event **events; /* our array; references */
	struct event_row **rows;
	struct fresh_answer answer; /* committed, its request not answered yet */
	int64_t *seqs;
	bool *duplicates;
};

static void refuse(struct node *n, struct submission *s, int err)
{
	atomic_fetch_add_explicit(&n->refused_busy, s->count, memory_order_relaxed);
	for (size_t i = 0; i < s->count; i++)
		event_unref(&s->events[i]);
	s->done(s->ctx, err, NULL, NULL);
}

static size_t events_bytes(const struct submission *s)
{
	size_t bytes = 0;

	for (size_t i = 0; i < s->count; i++)
		bytes += s->events[i]->bytes;
	return bytes;
}

int node_may_submit(const struct node *n, size_t bytes)
{
	size_t queued = (size_t)atomic_load_explicit(&n->queue_bytes, memory_order_relaxed);
	int state = committer_state(n->committer);

	if (atomic_load_explicit(&n->stopping, memory_order_relaxed))
		return ERR_BUSY;
	if (state)
		return state;
	if (queued > 0 && queued + bytes > n->options.queue_bytes)
		return ERR_BUSY;
	for (unsigned i = 0; i < n->shard_count; i++)
		if (shard_backlog(n->shards[i]) > n->options.queue_bytes)
			return ERR_BUSY;
	return 0;
}

/* Takes the outcome out of the rows: each event to the shards, or away when it was known. */
static void take_outcome(struct submitted *sub, int64_t *seqs, bool *duplicates)
{
	struct node *n = sub->node;

	for (size_t i = 0; i < sub->s.count; i++) {
		const struct event_row *row = sub->rows[i];

		duplicates[i] = row->duplicate_of != 0;
		seqs[i] = duplicates[i] ? row->duplicate_of : row->seq;
		if (duplicates[i]) {
			atomic_fetch_add_explicit(&n->duplicates, 1, memory_order_relaxed);
			event_unref(&sub->events[i]);
		} else {
			sub->events[i]->seq = row->seq;
			fresh_event(n->fresh, sub->events[i]);
		}
	}
}

static void submitted_free(struct submitted *sub)
{
	tx_free(&sub->work.tx);
	mem_free(sub->events);
	mem_free(sub->rows);
	mem_free(sub);
}

static void submitted_answer(struct fresh_answer *a)
{
	struct submitted *sub = CONTAINER_OF(a, struct submitted, answer);

	sub->s.done(sub->s.ctx, 0, sub->seqs, sub->duplicates);
	submitted_free(sub);
}

/*
 * The answer waits until the shards have the events (on_settled): who gets his 202 and then changes an endpoint must
 * find his events routed by the settings that were in force before.
 */
static void submitted_done(struct work *w, struct store *store, int err)
{
	struct submitted *sub = CONTAINER_OF(w, struct submitted, work);
	struct node *n = sub->node;
	size_t count = sub->s.count;

	(void)store;
	atomic_fetch_sub_explicit(&n->queue_bytes, (int64_t)events_bytes(&sub->s), memory_order_relaxed);
	atomic_fetch_sub_explicit(&n->queue_events, (int64_t)count, memory_order_relaxed);
	if (err) {
		refuse(n, &sub->s, err);
		submitted_free(sub);
		return;
	}
	sub->seqs = arena_alloc(&w->tx->arena, count * sizeof(*sub->seqs) + 1);
	sub->duplicates = arena_alloc(&w->tx->arena, count * sizeof(*sub->duplicates) + 1);
	take_outcome(sub, sub->seqs, sub->duplicates);
	sub->answer.run = submitted_answer;
	fresh_answer(n->fresh, &sub->answer);
}

static struct event_row *add_event(struct tx *tx, const struct event *ev)
{
	struct event_row row = { .project = ev->project,
				 .id = ev->id,
				 .message_id = ev->message_id,
				 .accepted_ms = ev->accepted_ms,
				 .text = ev->text };

	return tx_event_lent(tx, &row); /* the event is there until the commit is through */
}

void node_submit(struct node *n, struct submission *s)
{
	size_t bytes = events_bytes(s);
	int err = node_may_submit(n, bytes);
	struct submitted *sub;

	if (err) {
		refuse(n, s, err);
		return;
	}
	sub = mem_zalloc(sizeof(*sub));
	sub->work = (struct work){ .kind = WORK_EVENTS, .tx = tx_new(), .done = submitted_done };
	sub->node = n;
	sub->s = *s;
	sub->events = sub->s.events = mem_dup(s->events, s->count * sizeof(struct event *));
	sub->rows = mem_alloc(s->count * sizeof(struct event_row *) + 1);
	for (size_t i = 0; i < s->count; i++)
		sub->rows[i] = add_event(sub->work.tx, s->events[i]);
	atomic_fetch_add_explicit(&n->queue_bytes, (int64_t)bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&n->queue_events, (int64_t)s->count, memory_order_relaxed);
	committer_add(n->committer, &sub->work);
}

/* --- what the store thread tells --- */

static void on_begins(void *ctx)
{
	struct node *n = ctx;

	fresh_begin(n->fresh);
}

static void on_settled(void *ctx, struct store *store)
{
	struct node *n = ctx;

	atomic_store_explicit(&n->last_seq, store_last_seq(store), memory_order_relaxed);
	fresh_give(n->fresh);
}

static int64_t on_upkeep(void *ctx, struct store *store, bool idle)
{
	struct node *n = ctx;

	return upkeep_go(n->upkeep, store, idle);
}

static void on_refuses(void *ctx, bool full, const struct fault *fault)
{
	struct node *n = ctx;

	if (full)
		log_error(n->log, "the store takes nothing: events are refused until it does",
			  LOG_STR("detail", fault ? fault->message : ""));
	else
		log_info(n->log, "the store takes again", LOG_STR("data", n->data_dir));
}

static void on_broke(void *ctx, const struct fault *fault)
{
	struct node *n = ctx;
	uint64_t one = 1;

	log_error(n->log, "the store is broken: restart to recover", LOG_STR("detail", fault ? fault->message : ""));
	if (write(n->broken_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		log_error(n->log, "nobody could be told of it", LOG_STR("data", n->data_dir));
}

/* --- start --- */

static void set_default(int64_t *v, int64_t value)
{
	if (*v == 0)
		*v = value;
}

void node_tune(struct node *n, const struct node_tuning *t)
{
	atomic_store(&n->retention_ms, t->retention_ms);
	atomic_store(&n->dead_retention_ms, t->dead_retention_ms);
	atomic_store(&n->stop_ms, t->stop_ms);
}

static void take_options(struct node *n, const struct node_options *o)
{
	struct node_options *own = &n->options;

	*own = *o;
	own->data_dir = n->data_dir = mem_strdup(o->data_dir);
	own->bind_address = n->bind_address = mem_strdup(o->bind_address);
	own->dns_servers = n->dns_servers = mem_strdup(o->dns_servers);
	set_default(&own->retention_ms, 31 * DAY_MS);
	set_default(&own->dead_retention_ms, 31 * DAY_MS);
	set_default(&own->stop_ms, 15000);
	if (own->recent_ids == 0)
		own->recent_ids = 1000000;
	if (own->queue_bytes == 0)
		own->queue_bytes = 32u << 20;
	if (own->limits.memory_bytes == 0)
		own->limits = engine_limits_default;
	node_tune(n, &(struct node_tuning){ own->retention_ms, own->dead_retention_ms, own->stop_ms });
	n->shard_count = own->shards ? own->shards : 1;
	n->log = own->log;
	if (own->hooks)
		n->hooks = *own->hooks;
	own->hooks = &n->hooks;
	if (own->taps)
		n->taps = *own->taps;
	own->taps = &n->taps;
}

static void on_migration(void *ctx, int64_t from, int64_t to)
{
	const struct node *n = ctx;

	log_warn(n->log,
		 "the store is brought to a new schema; only a backup from before leads back to the old version",
		 LOG_INT("from", from), LOG_INT("to", to), LOG_STR("data", n->data_dir));
	if (n->options.progress)
		n->options.progress(n->options.progress_ctx, 0);
}

static int open_store(struct node *n, struct fault *fault)
{
	struct store_options options = STORE_OPTIONS_DEFAULT;

	options.numbers = number_each;
	options.migrates = on_migration;
	options.ctx = n;
	options.recent_ids = n->options.recent_ids;
	n->store = n->options.store;
	if (n->store)
		return 0;
	return store_sqlite_open(n->data_dir, &options, &n->store, fault);
}

void node_progress(struct node *n)
{
	if (++n->recovered_rows % PROGRESS_ROWS == 0 && n->options.progress)
		n->options.progress(n->options.progress_ctx, n->recovered_rows);
}

static int load(struct node *n, struct fault *fault)
{
	int err = readers_open(n->store, &n->readers, fault);

	if (!err)
		err = document_load(n->directory, n->store, fault);
	if (!err && n->hooks.secret)
		err = secret_open(n->store, n->hooks.secret, fault);
	if (!err)
		err = replays_load(n->replays, n->store, fault);
	if (err)
		return err;
	n->shards = mem_zalloc(n->shard_count * sizeof(*n->shards));
	for (unsigned i = 0; i < n->shard_count; i++)
		n->shards[i] = shard_new(n, i);
	err = recover(n, fault);
	atomic_store(&n->last_seq, store_last_seq(n->store));
	atomic_store(&n->last_event_seq, store_last_seq(n->store));
	return err;
}

static int start_threads(struct node *n, struct fault *fault)
{
	struct committer_host host = { .ctx = n,
				       .begins = on_begins,
				       .settled = on_settled,
				       .upkeep = on_upkeep,
				       .refuses = on_refuses,
				       .broke = on_broke };
	int err = committer_start(n->store, &host, &n->committer, fault);

	n->clerk = clerk_new(n);
	for (unsigned i = 0; i < n->shard_count && !err; i++)
		err = shard_start(n->shards[i], fault);
	return err ? err : clerk_start(n->clerk, fault);
}

/* Endpoints whose project has moved to another organization just before the last run ended. */
static void check_organizations(struct node *n)
{
	directory_read(n->directory);
	for (size_t i = 0; i < n->directory->names.count; i++) {
		const struct entry *en = n->directory->names.items[i];
		const struct project *p = directory_project(n->directory, slice_str(en->current->owner));

		if (!en->current->of_organization && p && strcmp(p->organization, en->current->organization_id) != 0)
			clerk_organization(n->clerk, p->id);
	}
	directory_release(n->directory);
}

/* Ends everything that runs and frees everything there is, in the order in which nobody misses anything. */
static void node_free(struct node **np)
{
	struct node *n = *np;

	clerk_stop(n->clerk);
	for (unsigned i = 0; n->shards && i < n->shard_count; i++)
		shard_halt(n->shards[i]);
	committer_stop(&n->committer);
	for (unsigned i = 0; n->shards && i < n->shard_count; i++)
		shard_free(&n->shards[i]);
	mem_free(n->shards);
	clerk_free(&n->clerk);
	replays_free(&n->replays);
	upkeep_free(&n->upkeep);
	readers_close(&n->readers);
	directory_free(&n->directory);
	if (n->store)
		store_close(&n->store);
	if (n->broken_fd >= 0)
		close(n->broken_fd);
	pthread_mutex_destroy(&n->change_lock);
	fresh_free(&n->fresh);
	mem_free(n->data_dir);
	mem_free(n->bind_address);
	mem_free(n->dns_servers);
	mem_free(n);
	*np = NULL;
}

int node_start(const struct node_options *options, struct node **ret, struct fault *fault)
{
	struct node *n = mem_zalloc(sizeof(*n));
	int err;

	n->fresh = fresh_new(n);
	clock_start(&n->clock);
	n->started_ms = clock_ms(&n->clock);
	take_options(n, options);
	pthread_mutex_init(&n->change_lock, NULL);
	n->broken_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->directory = directory_new();
	n->replays = replays_new(n);
	n->upkeep = upkeep_new(n);
	err = open_store(n, fault);
	if (!err)
		err = load(n, fault);
	if (!err)
		err = start_threads(n, fault);
	if (err) {
		node_free(&n);
		return err;
	}
	check_organizations(n);
	drops_resume(n);
	*ret = n;
	return 0;
}

/* --- stop --- */

static void nothing(void *ctx, struct store *store)
{
	(void)ctx;
	(void)store;
}

static void write_floor(void *ctx, struct store *store)
{
	struct node *n = ctx;

	if (store)
		upkeep_floor(n->upkeep, store);
}

void node_stop(struct node **np)
{
	struct node *n = *np;
	int64_t deadline_us = clock_mono_us() + atomic_load(&n->stop_ms) * 1000;
	bool parked = true;

	atomic_store(&n->stopping, true);
	committer_last_orders(n->committer);
	clerk_stop(n->clerk);
	/* A change under way has ended, and what was submitted has reached the inboxes. */
	pthread_mutex_lock(&n->change_lock);
	pthread_mutex_unlock(&n->change_lock);
	committer_run(n->committer, nothing, NULL);
	for (unsigned i = 0; i < n->shard_count; i++)
		shard_begin_stop(n->shards[i]);
	for (unsigned i = 0; i < n->shard_count; i++)
		parked &= shard_wait_parked(n->shards[i], deadline_us);
	committer_run(n->committer, write_floor, n);
	log_info(n->log, parked ? "stopped" : "stopped before all was parked",
		 LOG_INT("last_seq", atomic_load(&n->last_seq)), LOG_INT("floor", node_floor(n)));
	node_free(np);
}

/* --- state --- */

int64_t node_floor(const struct node *n)
{
	int64_t floor = INT64_MAX;

	for (unsigned i = 0; i < n->shard_count; i++) {
		int64_t of_shard = shard_floor(n->shards[i]);

		floor = of_shard < floor ? of_shard : floor;
	}
	return floor;
}

bool node_ready(const struct node *n, const char **ret_reason)
{
	int state = committer_state(n->committer);
	const char *reason = NULL;

	if (atomic_load(&n->stopping))
		reason = "postrider is stopping";
	else if (state == ERR_IO)
		reason = "the store is broken: restart to recover";
	else if (state == ERR_FULL)
		reason = "the disk is full: make room";
	else if (state)
		reason = "the store is busy";
	if (ret_reason)
		*ret_reason = reason;
	return !reason;
}

const struct node_patience node_patience_default = { .loop_ms = 10000, .store_ms = 120000 };

bool node_alive(struct node *n, const struct node_patience *patience, const char **ret_who)
{
	bool loops = true, store = committer_turn_ms(n->committer) <= patience->store_ms;

	for (unsigned i = 0; i < n->shard_count; i++) /* all are asked, also behind a silent one */
		loops &= shard_silence_ms(n->shards[i]) <= patience->loop_ms;
	*ret_who = !store ? "store" : !loops ? "shard" : "";
	return store && loops;
}

int node_broken_fd(const struct node *n)
{
	return n->broken_fd;
}

int node_may_change(struct node *n, struct fault *fault)
{
	int state = committer_state(n->committer);

	if (atomic_load(&n->stopping)) {
		fault_set(fault, "unavailable", "", "postrider is stopping: try again when it is back");
		return ERR_BUSY;
	}
	return state ? node_store_fault(state, fault) : 0;
}

int node_store_fault(int err, struct fault *fault)
{
	if (err == ERR_FULL)
		fault_set(fault, "unavailable", "", "the disk is full: nothing was changed; make room and try again");
	else if (err == ERR_BUSY)
		fault_set(fault, "unavailable", "", "the store is busy: nothing was changed; try again");
	else
		fault_set(fault, "unavailable", "", "the store failed (%s): postrider has to be restarted",
			  err_text(err));
	return err;
}

struct store *node_reader_begin(struct node *n)
{
	return readers_take(n->readers);
}

void node_reader_end(struct node *n, struct store *reader)
{
	readers_give(n->readers, reader);
}

void node_numbers(const struct node *n, struct node_numbers *ret)
{
	struct committer_numbers commits;

	committer_count(n->committer, &commits);
	*ret = (struct node_numbers){ .accepted = atomic_load(&n->accepted),
				      .duplicates = atomic_load(&n->duplicates),
				      .refused_busy = atomic_load(&n->refused_busy),
				      .commits = commits.commits,
				      .committed_rows = commits.rows,
				      .queue_bytes = atomic_load(&n->queue_bytes),
				      .queue_events = atomic_load(&n->queue_events),
				      .last_seq = atomic_load(&n->last_seq),
				      .floor = node_floor(n),
				      .store_bytes = atomic_load(&n->store_bytes),
				      .started_ms = n->started_ms };
	directory_read(n->directory);
	ret->projects = n->directory->projects.count;
	ret->endpoints = n->directory->names.count;
	directory_release(n->directory);
}

int64_t node_now_ms(const struct node *n)
{
	return clock_ms(&n->clock);
}

void node_send_once(struct node *n, struct endpoint *ep, struct event *const *events, size_t count,
		    void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer,
				 const struct fault *fault),
		    void *ctx)
{
	shard_send_once(node_shard(n, ep->number), ep, events, count, done, ctx);
}
