/*
 * What the node sends to its store and what it does when that comes back: events, results, loads, changes of settings,
 * replays, the floor. Each is one small struct that makes the whole trip.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "node_impl.h"

#define SUBMISSION_MAX 8
#define REPLAY_MAX     20

static int64_t now(const struct node *n)
{
	return n->sim->world.now_ms;
}

/* --- events --- */

struct submission {
	struct work work;
	struct sim_event *events[SUBMISSION_MAX];
	struct event_row *rows[SUBMISSION_MAX];
	int count;
};

static void drop_submission(struct work *w)
{
	tx_free(&w->tx);
	mem_free(CONTAINER_OF(w, struct submission, work));
}

static void events_applied(struct node *n, struct work *w, struct store *disk)
{
	struct submission *sub = CONTAINER_OF(w, struct submission, work);

	(void)n;
	(void)disk;
	for (int i = 0; i < sub->count; i++)
		sub->events[i]->seq = sub->events[i]->event->seq = sub->rows[i]->seq;
}

/* What has a target is taken when that is switched off or being deleted too. */
bool node_routes(const struct sim_endpoint *ep, const struct event *ev)
{
	const struct endpoint *settings = ep->revisions[ep->in_force - 1];

	return endpoint_wants(settings, ev) && (ev->target || (settings->active && !ep->deleted));
}

/* Which endpoints must get it: those whose settings are not just being changed, by the settings in force. */
static void route(struct sim *s, struct sim_event *ev)
{
	for (int i = 0; i < s->endpoint_count; i++) {
		struct sim_endpoint *ep = &s->endpoints[i];

		if (!cast_owns(ep, ev) || (!ep->in_force && !ep->changing))
			continue;
		if (ep->changing)
			judge_routed(s, ev, ep, false);
		else if (node_routes(ep, ev->event))
			judge_routed(s, ev, ep, !ep->deleted);
	}
}

static void events_arrived(struct node *n, struct work *w, bool refused)
{
	struct submission *sub = CONTAINER_OF(w, struct submission, work);
	struct sim *s = n->sim;

	for (int i = 0; !refused && i < sub->count; i++) {
		struct sim_event *ev = sub->events[i];

		ev->entered_ms = now(n);
		route(s, ev);
		for (unsigned k = 0; k < s->engine_count; k++)
			engine_event(n->sockets[k].engine, ev->event, slice_str(cast_organization(ev->project)),
				     now(n));
	}
	drop_submission(w);
	node_touch(n);
}

bool node_submit(struct node *n, struct sim_event **events, int count)
{
	struct submission *sub;

	if (n->state != NODE_UP)
		return false;
	sub = mem_zalloc(sizeof(*sub));
	sub->work = (struct work){ .tx = tx_new(),
				   .events = true,
				   .apply = events_applied,
				   .arrive = events_arrived,
				   .drop = drop_submission };
	for (int i = 0; i < count; i++) {
		const struct event *ev = events[i]->event;
		struct event_row row = { .project = ev->project,
					 .id = ev->id,
					 .message_id = ev->message_id,
					 .accepted_ms = ev->accepted_ms,
					 .text = ev->text };

		sub->events[i] = events[i];
		sub->rows[i] = tx_event(sub->work.tx, &row);
	}
	sub->count = count;
	simstore_add(n->store, &sub->work);
	return true;
}

/* --- results --- */

struct result {
	struct work work;
	struct socket *socket;
};

static void drop_result(struct work *w)
{
	tx_free(&w->tx);
	mem_free(CONTAINER_OF(w, struct result, work));
}

static void result_arrived(struct node *n, struct work *w, bool refused)
{
	(void)refused;
	engine_committed(CONTAINER_OF(w, struct result, work)->socket->engine, w->tx);
	drop_result(w);
	node_touch(n);
}

void node_host_commit(void *ctx, struct tx *tx)
{
	struct socket *sock = ctx;
	struct result *r = mem_zalloc(sizeof(*r));

	judge_asked(sock->node->sim, tx);
	r->socket = sock;
	r->work = (struct work){ .tx = tx, .arrive = result_arrived, .drop = drop_result };
	simstore_add(sock->node->store, &r->work);
}

/* --- the floor --- */

static void floor_arrived(struct node *n, struct work *w, bool refused)
{
	(void)refused;
	drop_result(w);
	node_touch(n);
}

/* What is old enough goes from the log with it. */
static void floor_applied(struct node *n, struct work *w, struct store *disk)
{
	int64_t kept_ms = 0;
	bool more;

	(void)w;
	for (int i = 0; i < n->sim->endpoint_count; i++)
		if (n->sim->endpoints[i].max_age_ms > kept_ms)
			kept_ms = n->sim->endpoints[i].max_age_ms;
	store_prune(disk, now(n) - kept_ms, now(n) - kept_ms, 0, 1000, &more, NULL);
}

void node_write_floor(struct node *n, int64_t floor)
{
	struct result *r = mem_zalloc(sizeof(*r));

	n->floor_asked = floor;
	r->work = (struct work){ .tx = tx_new(), .apply = floor_applied, .arrive = floor_arrived, .drop = drop_result };
	tx_floor(r->work.tx, floor);
	simstore_add(n->store, &r->work);
}

/* --- loads --- */

struct load {
	struct work work;
	struct socket *socket;
	struct pending_query query;
	size_t max_bytes;
	struct arena arena;
	struct loaded_rows rows;
	size_t capacity;
};

static void drop_load(struct work *w)
{
	struct load *l = CONTAINER_OF(w, struct load, work);

	for (size_t i = 0; i < l->rows.count; i++) {
		struct loaded_row *r = &l->rows.rows[i];

		for (uint32_t k = 0; k < r->row.item_count; k++)
			event_unref(&r->events[k]);
		endpoint_unref(&r->revision);
	}
	arena_free(&l->arena);
	mem_free(l->rows.rows);
	mem_free(l);
}

static bool load_event(void *ctx, const struct log_row *row)
{
	const struct event_row *er = &row->u.event;

	if (row->is_event)
		event_load(er->text, er->project, row->seq, er->accepted_ms, ctx);
	return false;
}

static bool load_row(void *ctx, const struct pending_row *row)
{
	struct load *l = ctx;
	struct pending_item *items = arena_alloc(&l->arena, row->item_count * sizeof(*items));

	if (l->rows.count == l->capacity) {
		l->capacity = l->capacity ? 2 * l->capacity : 16;
		l->rows.rows = mem_realloc(l->rows.rows, l->capacity * sizeof(*l->rows.rows));
	}
	memcpy(items, row->items, row->item_count * sizeof(*items));
	l->rows.rows[l->rows.count] = (struct loaded_row){ .row = *row };
	l->rows.rows[l->rows.count].row.items = items;
	l->rows.rows[l->rows.count++].events = arena_zalloc(&l->arena, row->item_count * sizeof(struct event *));
	return true;
}

static size_t fill_row(struct node *n, struct loaded_row *r, struct store *disk)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < r->row.item_count; i++) {
		store_log_get(disk, r->row.items[i].event_seq, load_event, &r->events[i], NULL);
		if (!r->events[i])
			judge_fail(n->sim, "nothing lost", "event seq %" PRId64 " has a pending row and was pruned",
				   r->row.items[i].event_seq);
		else
			bytes += r->events[i]->bytes;
	}
	if (r->row.revision)
		r->revision = endpoint_ref(n->sim->endpoints[r->row.endpoint - 1].revisions[r->row.revision - 1]);
	return bytes;
}

static bool take_due(void *ctx, const struct pending_row *row)
{
	*(int64_t *)ctx = row->due_ms;
	return false;
}

static void load_applied(struct node *n, struct work *w, struct store *disk)
{
	struct load *l = CONTAINER_OF(w, struct load, work);
	struct pending_query later = l->query;
	size_t bytes = 0, filled = 0;

	store_pending(disk, &l->query, load_row, l, NULL);
	l->rows.more = l->rows.count >= l->query.max_rows;
	for (; filled < l->rows.count && (filled == 0 || bytes < l->max_bytes); filled++)
		bytes += fill_row(n, &l->rows.rows[filled], disk);
	l->rows.more |= filled < l->rows.count;
	l->rows.count = filled;
	l->rows.next_due_ms = PENDING_HELD;
	if (l->rows.ready || l->rows.more)
		return;
	later.due_from = l->query.due_upto;
	later.id_after = INT64_MAX;
	later.due_upto = PENDING_HELD - 1;
	later.max_rows = 1;
	store_pending(disk, &later, take_due, &l->rows.next_due_ms, NULL);
}

static void load_arrived(struct node *n, struct work *w, bool refused)
{
	struct load *l = CONTAINER_OF(w, struct load, work);

	(void)refused;
	world_note(&n->sim->world, "loaded", (int64_t)l->query.endpoint - 1, l->rows.ready, (int64_t)l->rows.count);
	engine_loaded(l->socket->engine, l->query.endpoint, &l->rows, now(n));
	l->rows.count = 0; /* the references are the engine's */
	drop_load(w);
	node_touch(n);
}

void node_host_load(void *ctx, const struct pending_query *query, bool ready, size_t max_bytes)
{
	struct socket *sock = ctx;
	struct load *l = mem_zalloc(sizeof(*l));

	l->socket = sock;
	l->query = *query;
	l->max_bytes = max_bytes;
	l->rows.ready = ready;
	arena_init(&l->arena);
	if (!ready && query->due_from == PENDING_READY)
		l->query.id_after = INT64_MAX; /* waiting rows begin after the ready ones */
	if (!ready && sock->node->sim->broken == BREAK_EARLY_RETRY) {
		sock->node->sim->sabotaged = true;
		l->query.due_upto += query->due_upto < PENDING_HELD ? 30000 : 0;
	}
	l->work = (struct work){ .apply = load_applied, .arrive = load_arrived, .drop = drop_load };
	simstore_add(sock->node->store, &l->work);
}

/* --- settings --- */

struct amendment {
	struct work work;
	struct sim_endpoint *endpoint;
	uint32_t revision; /* 0: deletion */
	int64_t from_seq;
};

static void drop_change(struct work *w)
{
	tx_free(&w->tx);
	mem_free(CONTAINER_OF(w, struct amendment, work));
}

static void write_doc(struct tx *tx, const struct sim_endpoint *ep, uint32_t revision, int64_t from_seq, bool deleted)
{
	char id[24], text[64];

	snprintf(id, sizeof(id), "%" PRIu64, ep->number);
	snprintf(text, sizeof(text), "%" PRIu32 " %" PRId64 " %d", revision, from_seq, deleted);
	tx_doc_put(tx, SLICE_LIT("endpoint"), slice_str(id), slice_str(text));
}

static void change_arrived(struct node *n, struct work *w, bool refused)
{
	struct amendment *ch = CONTAINER_OF(w, struct amendment, work);
	struct sim_endpoint *ep = ch->endpoint;
	struct engine *e = node_socket(n, ep->number)->engine;

	(void)refused;
	engine_committed(e, w->tx);
	n->changing = ep->changing = false;
	if (ch->revision) {
		ep->in_force = ch->revision;
		ep->from_seq = ch->from_seq;
		engine_endpoint_set(e, ep->revisions[ch->revision - 1], ch->from_seq, ep->stats);
	} else {
		ep->deleted = true;
		engine_endpoint_delete(e, ep->number);
	}
	judge_settings(n->sim, ep);
	drop_change(w);
	node_touch(n);
}

bool node_may_change(const struct node *n)
{
	return n->state == NODE_UP && !n->changing;
}

bool node_change(struct node *n, struct sim_endpoint *ep, bool removal)
{
	struct amendment *ch;

	if (!node_may_change(n) || ep->deleted || (removal && !ep->in_force))
		return false;
	ch = mem_zalloc(sizeof(*ch));
	n->changing = ep->changing = true;
	if (!ep->stats)
		ep->stats = endpoint_stats_new();
	ch->endpoint = ep;
	ch->revision = removal ? 0 : ep->revision_count;
	ch->work = (struct work){ .tx = tx_new(), .arrive = change_arrived, .drop = drop_change };
	world_note(&n->sim->world, removal ? "delete" : "change", ep->index, ch->revision, 0);
	engine_endpoint_prepare(node_socket(n, ep->number)->engine, ep->number, ch->work.tx, &ch->from_seq);
	write_doc(ch->work.tx, ep, removal ? ep->in_force : ch->revision, ch->from_seq, removal);
	judge_asked(n->sim, ch->work.tx);
	simstore_add(n->store, &ch->work);
	n->sim->totals.changes++;
	return true;
}

static void retired(struct node *n, struct work *w, bool refused)
{
	(void)n;
	(void)refused;
	drop_result(w);
}

/* The last revision of a deleted endpoint: nothing of it is left, so it is forgotten. */
void node_host_retire(void *ctx, const struct endpoint *endpoint)
{
	struct socket *sock = ctx;
	struct sim_endpoint *ep = &sock->node->sim->endpoints[endpoint->number - 1];
	struct result *r;
	char id[24];

	world_note(&sock->node->sim->world, "retire", ep->index, endpoint->revision, ep->deleted);
	if (!ep->deleted || endpoint->revision != ep->in_force)
		return;
	r = mem_zalloc(sizeof(*r));
	r->work = (struct work){ .tx = tx_new(), .arrive = retired, .drop = drop_result };
	snprintf(id, sizeof(id), "%" PRIu64, ep->number);
	tx_doc_delete(r->work.tx, SLICE_LIT("endpoint"), slice_str(id));
	simstore_add(sock->node->store, &r->work);
}

/* --- replay --- */

struct replay {
	struct work work;
	struct sim_endpoint *endpoint;
	int64_t seqs[REPLAY_MAX], lowest;
	int count, inserted;
};

static void drop_replay(struct work *w)
{
	mem_free(CONTAINER_OF(w, struct replay, work));
}

struct names {
	int64_t seq;
	bool found;
};

static bool names_event(void *ctx, const struct pending_row *row)
{
	struct names *look = ctx;

	for (uint32_t i = 0; i < row->item_count; i++)
		look->found |= row->items[i].event_seq == look->seq;
	return !look->found;
}

static bool found(void *ctx, const struct log_row *row)
{
	*(bool *)ctx = row->is_event;
	return false;
}

/* Decided on the store's side, in the order of commits: an event is in at most one pending delivery of an endpoint. */
static bool may_replay(struct store *disk, const struct sim_endpoint *ep, int64_t seq)
{
	struct pending_query all = { ep->number, PENDING_READY, 0, PENDING_HELD, UINT32_MAX };
	struct names look = { seq, false };
	bool stored = false;

	store_log_get(disk, seq, found, &stored, NULL);
	store_pending(disk, &all, names_event, &look, NULL);
	return stored && !look.found && seq <= store_floor(disk);
}

static void replay_applied(struct node *n, struct work *w, struct store *disk)
{
	struct replay *rp = CONTAINER_OF(w, struct replay, work);
	struct tx *tx = tx_new();
	struct fault fault;

	for (int i = 0; i < rp->count && !rp->endpoint->deleted; i++) {
		const struct sim_event *ev = cast_by_seq(n->sim, rp->seqs[i]);
		struct pending_item item = { rp->seqs[i], ev->event->order_hash, 0 };
		struct pending_row row = { .endpoint = rp->endpoint->number,
					   .id = rp->seqs[i],
					   .replay = 1,
					   .items = &item,
					   .item_count = 1 };

		if (!may_replay(disk, rp->endpoint, rp->seqs[i]))
			continue;
		if (rp->inserted++ == 0 || rp->seqs[i] < rp->lowest)
			rp->lowest = rp->seqs[i];
		tx_pending_put(tx, &row);
		judge_replayed(n->sim, ev, rp->endpoint);
	}
	if (store_commit(disk, &tx, 1, &fault) != 0)
		abort();
	tx_free(&tx);
}

static void replay_arrived(struct node *n, struct work *w, bool refused)
{
	struct replay *rp = CONTAINER_OF(w, struct replay, work);

	(void)refused;
	if (rp->inserted > 0)
		engine_rows_added(node_socket(n, rp->endpoint->number)->engine, rp->endpoint->number, rp->inserted,
				  rp->lowest);
	drop_replay(w);
	node_touch(n);
}

static bool is_chosen(const struct replay *rp, int64_t seq)
{
	for (int i = 0; i < rp->count; i++)
		if (rp->seqs[i] == seq)
			return true;
	return false;
}

bool node_replay(struct node *n, struct sim_endpoint *ep)
{
	struct sim *s = n->sim;
	struct replay *rp;
	int wanted = (int)world_draw(&s->world, 1, REPLAY_MAX);

	if (n->state != NODE_UP || n->changing || !ep->in_force || ep->deleted || s->event_count == 0)
		return false;
	rp = mem_zalloc(sizeof(*rp));
	rp->endpoint = ep;
	for (int i = 0; i < wanted; i++) {
		const struct sim_event *ev = &s->events[world_draw(&s->world, 0, s->event_count - 1)];

		if (ev->seq > 0 && cast_owns(ep, ev) && !is_chosen(rp, ev->seq))
			rp->seqs[rp->count++] = ev->seq;
	}
	rp->work = (struct work){ .apply = replay_applied, .arrive = replay_arrived, .drop = drop_replay };
	world_note(&s->world, "replay", ep->index, rp->count, 0);
	simstore_add(n->store, &rp->work);
	s->totals.replays += (uint64_t)rp->count;
	return true;
}
