/*
 * The engine's hands. A peer - the connections of one revision of an endpoint - is made at its first exchange and goes
 * when the engine retires the revision. Transactions and loads go to the committer and come back as messages; both are
 * embedded in one allocation that makes the whole trip.
 */
#include "node/shard_host.h"

#include <assert.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/client.h"
#include "node/load.h"
#include "node/parts.h"
#include "node/told.h"

struct shard_host {
	struct node *node;
	struct shard *shard;
	uv_loop_t *loop;
	void (*touch)(void *shard);
	void (*closed)(void *shard);
	struct client *client;
	struct map peers;  /* by address of the endpoint */
	struct list calls; /* exchanges of the engine */
	struct list onces; /* and those outside the queue */
	bool halted;
	struct tx **unwritten;
	size_t unwritten_count;
};

struct peer {
	struct map_node node;
	struct endpoint *endpoint; /* a reference */
	struct client_peer *peer;
};

struct call {
	struct list link;
	struct shard_host *host;
	struct exchange *exchange;
	struct client_call *call;
};

/* --- sending --- */

static uint64_t peer_hash(const struct endpoint *ep)
{
	return hash_u64((uint64_t)(uintptr_t)ep);
}

static struct peer *peer_find(struct shard_host *h, const struct endpoint *ep)
{
	uint64_t hash = peer_hash(ep);

	for (struct map_node *n = map_first(&h->peers, hash); n; n = map_next(n, hash))
		if (CONTAINER_OF(n, struct peer, node)->endpoint == ep)
			return CONTAINER_OF(n, struct peer, node);
	return NULL;
}

static struct peer *peer_get(struct shard_host *h, const struct endpoint *ep)
{
	struct peer *p = peer_find(h, ep);

	if (p)
		return p;
	p = mem_zalloc(sizeof(*p));
	/* References are counted inside; the engine hands a const view of what it holds. */
	p->endpoint = endpoint_ref((struct endpoint *)(uintptr_t)ep);
	p->peer = client_peer_new(h->client, &ep->peer);
	map_add(&h->peers, &p->node, peer_hash(ep));
	return p;
}

static void peer_drop(struct shard_host *h, struct peer *p)
{
	map_del(&h->peers, &p->node);
	client_peer_free(&p->peer);
	endpoint_unref(&p->endpoint);
	mem_free(p);
}

static void call_done(void *ctx, const struct http_answer *answer)
{
	struct call *call = ctx;
	struct shard_host *h = call->host;
	struct exchange *x = call->exchange;

	list_del(&call->link);
	mem_free(call);
	engine_answer(shard_engine(h->shard), x, answer, clock_ms(&h->node->clock));
	h->touch(h->shard);
}

static void host_send(void *ctx, struct exchange *x)
{
	struct shard_host *h = ctx;
	struct call *call = mem_alloc(sizeof(*call));

	call->host = h;
	call->exchange = x;
	list_push(&h->calls, &call->link);
	x->host_data = call;
	call->call = client_send(peer_get(h, x->endpoint)->peer, x->request, call_done, call);
}

static void host_cancel(void *ctx, struct exchange *x)
{
	struct call *call = x->host_data;

	(void)ctx;
	client_cancel(&call->call);
	list_del(&call->link);
	mem_free(call);
}

static void host_retire(void *ctx, const struct endpoint *endpoint)
{
	struct shard_host *h = ctx;
	struct peer *p = peer_find(h, endpoint);

	if (p)
		peer_drop(h, p);
	clerk_retired(h->node->clerk, endpoint->number, endpoint->revision);
}

void shard_host_cut_off(struct shard_host *h)
{
	struct http_answer answer = { .failure = FAILURE_INTERNAL,
				      .timings = { -1, -1, -1, -1, -1 },
				      .reason =
					      SLICE_LIT("postrider stopped before the answer came; it is sent again") };

	LIST_EACH (it, &h->calls) {
		struct call *call = CONTAINER_OF(it, struct call, link);

		client_cancel(&call->call);
		call_done(call, &answer);
	}
}

/* --- committing --- */

struct shard_tx {
	struct work work;
	struct message message;
	struct shard_host *host;
	int err;
};

static void tap_attempts(const struct shard_host *h, const struct tx *tx)
{
	const struct node_taps *taps = &h->node->taps;

	if (!taps->attempt)
		return;
	for (const struct change *c = tx->first; c; c = c->next)
		if (c->kind == CHANGE_ATTEMPT)
			taps->attempt(taps->ctx, h->node, &c->u.attempt);
}

static void tx_back(struct message *m, struct shard *sh)
{
	struct shard_tx *st = CONTAINER_OF(m, struct shard_tx, message);

	if (!st->err)
		tap_attempts(st->host, st->work.tx);
	shard_committed(sh, st->work.tx, st->err);
	mem_free(st);
}

static void tx_done(struct work *w, struct store *store, int err)
{
	struct shard_tx *st = CONTAINER_OF(w, struct shard_tx, work);

	(void)store;
	st->err = err;
	shard_post(st->host->shard, &st->message);
}

static void host_commit(void *ctx, struct tx *tx)
{
	struct shard_host *h = ctx;
	struct shard_tx *st;

	if (h->halted) {
		shard_host_unwritten(h, tx);
		return;
	}
	st = mem_zalloc(sizeof(*st));
	st->work = (struct work){ .kind = WORK_TX, .tx = tx, .done = tx_done };
	st->message.run = tx_back;
	st->host = h;
	committer_add(h->node->committer, &st->work);
}

void shard_host_halt(struct shard_host *h)
{
	h->halted = true;
}

void shard_host_unwritten(struct shard_host *h, struct tx *tx)
{
	h->unwritten = mem_realloc(h->unwritten, (h->unwritten_count + 1) * sizeof(struct tx *));
	h->unwritten[h->unwritten_count++] = tx;
}

void shard_host_release(struct shard_host *h, struct engine *e)
{
	for (size_t i = 0; i < h->unwritten_count; i++) {
		engine_committed(e, h->unwritten[i]);
		tx_free(&h->unwritten[i]);
	}
	mem_free(h->unwritten);
	h->unwritten = NULL;
	h->unwritten_count = 0;
}

/* --- loading --- */

struct shard_load {
	struct work work;
	struct message message;
	struct shard_host *host;
	struct load *load;
};

static void load_back(struct message *m, struct shard *sh)
{
	struct shard_load *sl = CONTAINER_OF(m, struct shard_load, message);

	if (sl->load) {
		engine_loaded(shard_engine(sh), load_endpoint(sl->load), load_rows(sl->load), shard_now_ms(sh));
		load_free(&sl->load);
	} else {
		shard_broke(sh); /* the engine waits for this load until the end, which is near */
	}
	mem_free(sl);
}

static void load_done(struct work *w, struct store *store, int err)
{
	struct shard_load *sl = CONTAINER_OF(w, struct shard_load, work);

	if (err)
		load_free(&sl->load);
	else
		load_read(sl->load, store, sl->host->node->directory, sl->host->node->log);
	shard_post(sl->host->shard, &sl->message);
}

static void host_load(void *ctx, const struct pending_query *query, bool ready, size_t max_bytes)
{
	struct shard_host *h = ctx;
	struct shard_load *sl;

	if (h->halted)
		return;
	sl = mem_zalloc(sizeof(*sl));
	sl->work = (struct work){ .kind = WORK_JOB, .done = load_done };
	sl->message.run = load_back;
	sl->host = h;
	sl->load = load_new(query, ready, max_bytes);
	committer_add(h->node->committer, &sl->work);
}

/* --- the rest --- */

static void host_disable(void *ctx, const struct endpoint *endpoint, const char *reason)
{
	struct shard_host *h = ctx;

	clerk_disable(h->node->clerk, endpoint->number, endpoint->revision, reason);
}

static void host_report(void *ctx, const struct engine_report *r, struct tx *tx)
{
	struct shard_host *h = ctx;

	told_add(h->node, r, tx);
}

static void host_trouble(void *ctx, const struct endpoint *endpoint, bool ok, int code, struct slice reason)
{
	struct shard_host *h = ctx;
	const struct node_hooks *hooks = &h->node->hooks;

	if (hooks->trouble)
		hooks->trouble(hooks->ctx, endpoint, ok, code, reason);
}

static void host_state(void *ctx, const struct endpoint *endpoint, enum lane_state before, enum lane_state now,
		       const char *why)
{
	struct shard_host *h = ctx;
	const struct node_taps *taps = &h->node->taps;

	if (taps->state)
		taps->state(taps->ctx, endpoint, before, now, why);
}

static void host_say(void *ctx, int level, const char *what, const struct endpoint *endpoint, const char *detail)
{
	struct shard_host *h = ctx;

	if (endpoint)
		LOG_LINE(h->node->log, (enum log_level)level, what, LOG_STR("owner", endpoint->owner),
			 LOG_STR("endpoint", endpoint->id), LOG_STR("detail", detail));
	else
		LOG_LINE(h->node->log, (enum log_level)level, what, LOG_STR("detail", detail));
}

/* --- one exchange outside the queue --- */

struct once {
	struct message message;
	struct list link;
	struct shard_host *host;
	struct endpoint *endpoint;
	struct event **events;
	size_t count;
	struct request request;
	struct client_peer *peer; /* its own: a test must not outlive or share a revision's connections */
	struct client_call *call;
	void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer, const struct fault *fault);
	void *ctx;
};

static void once_free(struct once *o)
{
	if (list_linked(&o->link))
		list_del(&o->link);
	if (o->peer)
		client_peer_free(&o->peer);
	request_free(&o->request);
	endpoint_unref(&o->endpoint);
	for (size_t i = 0; i < o->count; i++)
		event_unref(&o->events[i]);
	mem_free(o->events);
	mem_free(o);
}

static void once_free_run(struct message *m, struct shard *sh)
{
	(void)sh;
	once_free(CONTAINER_OF(m, struct once, message));
}

static void once_answer(void *ctx, const struct http_answer *answer)
{
	struct once *o = ctx;

	o->done(o->ctx, &o->request, answer, NULL);
	/* Its peer may still be at work inside this call, so it goes in a later turn. */
	o->call = NULL;
	o->message.run = once_free_run;
	shard_post(o->host->shard, &o->message);
}

static void once_refuse(struct once *o, const struct fault *fault)
{
	o->done(o->ctx, &o->request, NULL, fault);
	once_free(o);
}

static void once_run(struct message *m, struct shard *sh)
{
	struct once *o = CONTAINER_OF(m, struct once, message);
	struct fault fault = NO_FAULT;
	size_t taken;

	(void)sh;
	if (request_render(o->endpoint, o->events, o->count, false, 1, clock_wall_ms() / 1000, &o->request, &taken,
			   &fault)) {
		once_refuse(o, &fault);
		return;
	}
	list_push(&o->host->onces, &o->link);
	o->peer = client_peer_new(o->host->client, &o->endpoint->peer);
	o->call = client_send(o->peer, &o->request.http, once_answer, o);
}

struct message *shard_host_once(struct shard_host *h, struct endpoint *ep, struct event *const *events, size_t count,
				void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer,
					     const struct fault *fault),
				void *ctx)
{
	struct once *o = mem_zalloc(sizeof(*o));

	o->message.run = once_run;
	list_init(&o->link);
	o->host = h;
	o->endpoint = endpoint_ref(ep);
	o->events = mem_dup(events, count * sizeof(struct event *));
	o->count = count;
	for (size_t i = 0; i < count; i++)
		event_ref(o->events[i]);
	o->done = done;
	o->ctx = ctx;
	request_init(&o->request);
	return &o->message;
}

static void onces_end(struct shard_host *h)
{
	struct fault fault;

	fault_set(&fault, "unavailable", "", "postrider is stopping: try again when it is back");
	LIST_EACH (it, &h->onces) {
		struct once *o = CONTAINER_OF(it, struct once, link);

		if (!o->call)
			continue; /* answered; its message is on the way to free it */
		client_cancel(&o->call);
		once_refuse(o, &fault);
	}
}

/* --- life --- */

struct shard_host *shard_host_new(struct node *n, struct shard *sh, uv_loop_t *loop, void (*touch)(void *shard),
				  struct engine_host *ret)
{
	struct shard_host *h = mem_zalloc(sizeof(*h));

	h->node = n;
	h->shard = sh;
	h->loop = loop;
	h->touch = touch;
	map_init(&h->peers);
	list_init(&h->calls);
	list_init(&h->onces);
	*ret = (struct engine_host){
		.ctx = h,
		.send = host_send,
		.cancel = host_cancel,
		.commit = host_commit,
		.load = host_load,
		.disable = host_disable,
		.retire = host_retire,
		.report = host_report,
		.trouble = host_trouble,
		.state = host_state,
		.say = host_say,
	};
	return h;
}

int shard_host_open(struct shard_host *h, struct fault *fault)
{
	const struct node_options *o = &h->node->options;
	struct client_options options = {
		.guard = o->guard, .bind_address = o->bind_address, .dns_servers = o->dns_servers, .idle_peer_ms = 60000
	};

	return client_new(h->loop, &options, &h->client, fault);
}

static void client_gone(void *ctx)
{
	struct shard_host *h = ctx;

	h->closed(h->shard);
}

void shard_host_close(struct shard_host *h, void (*closed)(void *shard), void *shard)
{
	struct map_node *n, *next;

	assert(shard == h->shard || !h->closed);
	onces_end(h);
	for (n = map_walk(&h->peers, NULL); n; n = next) {
		next = map_walk(&h->peers, n);
		peer_drop(h, CONTAINER_OF(n, struct peer, node));
	}
	h->closed = closed;
	client_close(&h->client, client_gone, h);
}

void shard_host_free(struct shard_host **hp)
{
	map_free(&(*hp)->peers);
	mem_free(*hp);
	*hp = NULL;
}
