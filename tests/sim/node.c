/*
 * The node's life: turns of its engines, start by recovery, stop in order, crash. Like
 * src/node it is nothing but the host that engine.h describes: inputs make a turn due, a
 * turn runs each engine once, and engine_next_ms says when the next one is due by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "node_impl.h"

#define TURNS_MAX   5000 /* in one millisecond: more is a loop without end */
#define STOP_MAX_MS 60000

struct socket *node_socket(struct node *n, uint64_t number)
{
	return &n->sockets[number % n->sim->engine_count];
}

struct engine *node_engine(const struct node *n, unsigned i)
{
	return i < n->sim->engine_count ? n->sockets[i].engine : NULL;
}

static int64_t now(const struct node *n)
{
	return n->sim->world.now_ms;
}

/* --- turns --- */

void node_touch(struct node *n)
{
	if (n->state != NODE_DOWN && !heap_has(&n->turn.node))
		world_set(&n->sim->world, &n->turn, now(n));
}

static void count_turn(struct node *n)
{
	if (n->turn_ms != now(n))
		n->turns_now = 0;
	n->turn_ms = now(n);
	if (++n->turns_now > TURNS_MAX)
		judge_fail(n->sim, "progress", "the engine turns and turns, and no time passes");
}

static void finish_disabling(struct node *n)
{
	for (int i = 0; i < n->sim->endpoint_count; i++) {
		struct sim_endpoint *ep = &n->sim->endpoints[i];

		if (!ep->disable_wanted || ep->deleted || !node_may_change(n))
			continue;
		if (!cast_revision(n->sim, ep, false)) /* the rest of them is for the time after the world is healed */
			continue;
		ep->disable_wanted = false;
		node_change(n, ep, false);
	}
}

static bool engines_are_idle(const struct node *n)
{
	for (unsigned i = 0; i < n->sim->engine_count; i++)
		if (!engine_idle(n->sockets[i].engine))
			return false;
	return !n->changing && simstore_is_idle(n->store);
}

static int64_t floor_of(const struct node *n)
{
	int64_t floor = INT64_MAX;

	for (unsigned i = 0; i < n->sim->engine_count; i++)
		if (engine_floor(n->sockets[i].engine) < floor)
			floor = engine_floor(n->sockets[i].engine);
	return floor;
}

static void go_down(struct node *n)
{
	for (unsigned i = 0; i < n->sim->engine_count; i++)
		engine_free(&n->sockets[i].engine);
	world_cancel(&n->sim->world, &n->turn);
	world_cancel(&n->sim->world, &n->wake);
	world_cancel(&n->sim->world, &n->floor);
	world_cancel(&n->sim->world, &n->deadline);
	n->state = NODE_DOWN;
	n->changing = false;
	for (int i = 0; i < n->sim->endpoint_count; i++) {
		n->sim->endpoints[i].changing = false;
		n->sim->endpoints[i].disable_wanted = false;
	}
}

/* Stopping: once all is still, park; once that is on disk, write the floor and end. */
static void go_on_stopping(struct node *n)
{
	if (!engines_are_idle(n))
		return;
	if (n->state == NODE_STOPPING) {
		n->state = NODE_PARKING;
		for (unsigned i = 0; i < n->sim->engine_count; i++)
			engine_park(n->sockets[i].engine, now(n));
		if (!engines_are_idle(n))
			return;
	}
	if (floor_of(n) != n->floor_asked) {
		node_write_floor(n, floor_of(n));
		return;
	}
	judge_stopped(n->sim, floor_of(n));
	n->clean = true;
	n->sim->totals.stops++;
	go_down(n);
}

static void set_wake(struct node *n)
{
	int64_t at = INT64_MAX;

	for (unsigned i = 0; i < n->sim->engine_count; i++)
		if (engine_next_ms(n->sockets[i].engine) < at)
			at = engine_next_ms(n->sockets[i].engine);
	if (at <= now(n))
		node_touch(n);
	else if (at < INT64_MAX)
		world_set(&n->sim->world, &n->wake, at);
	else
		world_cancel(&n->sim->world, &n->wake);
}

static void take_turn(struct alarm *a)
{
	struct node *n = CONTAINER_OF(a, struct node, turn);

	count_turn(n);
	judge_turn_begin(n->sim);
	for (unsigned i = 0; i < n->sim->engine_count; i++)
		engine_run(n->sockets[i].engine, now(n));
	judge_turn_end(n->sim);
	finish_disabling(n);
	if (n->state >= NODE_STOPPING)
		go_on_stopping(n);
	if (n->state != NODE_DOWN)
		set_wake(n);
}

static void wake(struct alarm *a)
{
	node_touch(CONTAINER_OF(a, struct node, wake));
}

void node_answer(struct node *n, struct exchange *x, const struct http_answer *a)
{
	engine_answer(node_socket(n, x->endpoint->number)->engine, x, a, now(n));
	node_touch(n);
}

/* --- the host --- */

static void host_send(void *ctx, struct exchange *x)
{
	simnet_send(((struct socket *)ctx)->node->sim->net, x);
}

static void host_cancel(void *ctx, struct exchange *x)
{
	simnet_cancel(((struct socket *)ctx)->node->sim->net, x);
}

static void host_disable(void *ctx, const struct endpoint *endpoint, const char *reason)
{
	struct sim *s = ((struct socket *)ctx)->node->sim;

	(void)reason;
	world_note(&s->world, "disable", (int64_t)endpoint->number, endpoint->revision, 0);
	s->endpoints[endpoint->number - 1].disable_wanted = true;
}

static void host_say(void *ctx, int level, const char *what, const struct endpoint *endpoint, const char *detail)
{
	(void)level;
	(void)detail;
	world_note(&((struct socket *)ctx)->node->sim->world, what, (int64_t)endpoint->number, 0, 0);
}

static void make_engines(struct node *n)
{
	for (unsigned i = 0; i < n->sim->engine_count; i++) {
		struct engine_host host = { .ctx = &n->sockets[i],
					    .send = host_send,
					    .cancel = host_cancel,
					    .commit = node_host_commit,
					    .load = node_host_load,
					    .disable = host_disable,
					    .retire = node_host_retire,
					    .report = node_host_report,
					    .say = host_say };

		n->sockets[i] = (struct socket){ .node = n };
		n->sockets[i].engine = engine_new(&host, &n->sim->limits, rand_u64(&n->sim->world.rand), now(n));
	}
}

/* --- start --- */

/* Takes a number and the blank behind it off the front. */
static int64_t next_number(struct slice *text)
{
	size_t end = slice_find(*text, ' ');
	long long n;

	if (!slice_to_i64(slice_of(text->p, end), &n))
		abort();
	*text = slice_from(*text, end < text->n ? end + 1 : end);
	return n;
}

static bool recover_endpoint(void *ctx, const struct doc_row *doc)
{
	struct node *n = ctx;
	uint64_t number = strtoull(doc->id.p, NULL, 10);
	struct sim_endpoint *ep = &n->sim->endpoints[number - 1];
	struct slice text = doc->text;

	ep->in_force = (uint32_t)next_number(&text);
	ep->from_seq = next_number(&text);
	ep->deleted = next_number(&text) != 0;
	endpoint_stats_unref(&ep->stats);
	ep->stats = endpoint_stats_new();
	engine_endpoint_set(node_socket(n, number)->engine, ep->revisions[ep->in_force - 1], ep->from_seq, ep->stats);
	return true;
}

static bool recover_row(void *ctx, const struct pending_row *row)
{
	engine_recover_row(node_socket(ctx, row->endpoint)->engine, row);
	return true;
}

static bool recover_summary(void *ctx, const struct pending_summary *sum)
{
	struct node *n = ctx;
	struct pending_counts counts = { sum->endpoint, sum->ready, sum->waiting, sum->held, sum->next_due_ms };

	engine_recover_summary(node_socket(n, sum->endpoint)->engine, &counts);
	return true;
}

static bool recover_attempt(void *ctx, const struct log_row *row)
{
	struct node *n = ctx;
	const struct attempt_row *at = &row->u.attempt;

	for (uint32_t i = 0; !row->is_event && i < at->item_count; i++)
		if (at->items[i].fate != ITEM_LEFT)
			engine_recover_settled(node_socket(n, at->endpoint)->engine, at->endpoint,
					       at->items[i].event_seq);
	return true;
}

/* Here the attempts on disk are walked once for each event, which is slow and plain. */
struct final_look {
	struct node *node;
	const struct sim_event *ev;
};

static bool look_for_final(void *ctx, const struct log_row *row)
{
	const struct final_look *look = ctx;
	const struct attempt_row *at = &row->u.attempt;
	const struct sim_endpoint *ep = row->is_event ? NULL : &look->node->sim->endpoints[at->endpoint - 1];

	for (uint32_t i = 0; ep && ep->finals && ep->in_force && !ep->deleted && i < at->item_count; i++) {
		if (at->items[i].event_seq != look->ev->seq || at->items[i].fate != ITEM_DONE)
			continue;
		engine_recover_final(node_socket(look->node, ep->number)->engine, ep->number,
				     look->ev->event->order_hash);
		judge_final(look->node->sim, look->ev, ep);
	}
	return true;
}

static void recover_finals(struct node *n, struct store *disk, int64_t last)
{
	for (int i = 0; i < n->sim->event_count; i++) {
		struct final_look look = { .node = n, .ev = &n->sim->events[i] };

		if (look.ev->final && look.ev->seq > 0)
			store_log_walk(disk, look.ev->seq, last, look_for_final, &look, NULL);
	}
}

static bool recover_event(void *ctx, const struct log_row *row)
{
	struct node *n = ctx;
	struct sim *s = n->sim;
	const struct event_row *er = &row->u.event;
	struct sim_event *known;
	struct event *ev;

	if (!row->is_event)
		return true;
	if (event_load(er->text, er->project, row->seq, er->accepted_ms, &ev) != 0)
		abort();
	known = cast_by_seq(s, row->seq);
	for (int i = 0; known->entered_ms == 0 && i < s->endpoint_count; i++) {
		struct sim_endpoint *ep = &s->endpoints[i];

		if (ep->in_force && ep->from_seq < row->seq && cast_owns(ep, known) && node_routes(ep, ev))
			judge_routed(s, known, ep, !ep->deleted);
	}
	known->entered_ms = now(n);
	for (unsigned i = 0; i < s->engine_count; i++)
		engine_recover_event(n->sockets[i].engine, ev, slice_str(cast_organization(known->project)), now(n));
	event_unref(&ev);
	return true;
}

static void recover_pending(struct node *n, struct store *disk)
{
	for (int i = 0; i < n->sim->endpoint_count; i++) {
		struct pending_query ready = { (uint64_t)i + 1, PENDING_READY, store_floor(disk), PENDING_READY,
					       UINT32_MAX };
		struct pending_query later = { (uint64_t)i + 1, PENDING_READY, INT64_MAX, PENDING_HELD, UINT32_MAX };

		if (!n->sim->endpoints[i].in_force)
			continue;
		store_pending(disk, &later, recover_row, n, NULL);
		store_pending(disk, &ready, recover_row, n, NULL);
	}
	store_pending_summary(disk, recover_summary, n, NULL);
}

static int count_above(struct sim *s, int64_t floor)
{
	int count = 0;

	for (int i = 0; i < s->event_count; i++)
		count += s->events[i].seq > floor;
	return count;
}

static void ring_floor(struct alarm *a)
{
	struct node *n = CONTAINER_OF(a, struct node, floor);
	struct world *w = &n->sim->world;

	if (floor_of(n) > n->floor_asked)
		node_write_floor(n, floor_of(n));
	world_set(w, &n->floor, w->now_ms + world_draw(w, 1, 20) * 1000);
}

void node_start(struct node *n)
{
	struct store *disk = simstore_disk(n->store);
	int64_t floor = store_floor(disk), last = store_last_seq(disk);

	for (int i = 0; i < n->sim->endpoint_count; i++)
		n->sim->endpoints[i].in_force = 0;
	world_note(&n->sim->world, "start", floor, last, n->clean);
	make_engines(n);
	judge_started(n->sim);
	if (n->clean)
		judge_restarted(n->sim, count_above(n->sim, floor));
	n->clean = false;
	n->state = NODE_UP;
	n->floor_asked = floor;
	store_docs(disk, SLICE_LIT("endpoint"), SLICE_LIT(""), recover_endpoint, n, NULL);
	recover_pending(n, disk);
	for (int i = 0; i < n->sim->endpoint_count; i++)
		if (n->sim->endpoints[i].in_force && n->sim->endpoints[i].deleted)
			engine_endpoint_delete(node_socket(n, (uint64_t)i + 1)->engine, (uint64_t)i + 1);
	recover_finals(n, disk, last);
	store_log_walk(disk, floor, last, recover_attempt, n, NULL);
	store_log_walk(disk, floor, last, recover_event, n, NULL);
	for (unsigned i = 0; i < n->sim->engine_count; i++)
		engine_recover_done(n->sockets[i].engine, last, now(n));
	world_set(&n->sim->world, &n->floor, now(n) + 1000);
	node_touch(n);
}

bool node_is_up(const struct node *n)
{
	return n->state == NODE_UP;
}

/* --- the end --- */

void node_crash(struct node *n)
{
	if (n->state == NODE_DOWN)
		return;
	world_note(&n->sim->world, "crash", 0, 0, 0);
	go_down(n);
	simstore_crash(n->store);
	judge_crashed(n->sim);
	n->sim->totals.crashes++;
}

static void give_up(struct alarm *a)
{
	node_crash(CONTAINER_OF(a, struct node, deadline));
}

void node_begin_stop(struct node *n)
{
	if (n->state != NODE_UP)
		return;
	world_note(&n->sim->world, "stop", 0, 0, 0);
	n->state = NODE_STOPPING;
	for (unsigned i = 0; i < n->sim->engine_count; i++)
		engine_stop(n->sockets[i].engine);
	world_set(&n->sim->world, &n->deadline, now(n) + STOP_MAX_MS);
	node_touch(n);
}

bool node_is_stopping(const struct node *n)
{
	return n->state >= NODE_STOPPING;
}

bool node_is_settled(const struct node *n)
{
	return simstore_is_idle(n->store);
}

void node_stall_disk(struct node *n, int64_t ms)
{
	simstore_stall(n->store, ms);
}

struct store *node_disk(struct node *n)
{
	return simstore_disk(n->store);
}

struct node *node_new(struct sim *s)
{
	struct node *n = mem_zalloc(sizeof(*n));

	n->sim = s;
	n->store = simstore_new(s, n);
	n->turn.ring = take_turn;
	n->wake.ring = wake;
	n->floor.ring = ring_floor;
	n->deadline.ring = give_up;
	return n;
}

void node_free(struct node **np)
{
	struct node *n = *np;

	if (n->state != NODE_DOWN)
		go_down(n);
	simstore_free(&n->store);
	mem_free(n);
	*np = NULL;
}
