/*
 * What people do: customers send events in bursts, an operator changes settings, pauses, deletes, replays; power fails,
 * disks fill up, somebody restarts the daemon. Until the world is healed.
 */
#include "base/list.h"
#include "base/mem.h"
#include "judge.h"
#include "node.h"

struct operator
{
	struct sim *sim;
	struct alarm traffic, whim, power, errands;
	int64_t end_ms;
	int events_left;
	double crashes; /* how likely a whim is a crash */
};

/* --- customers --- */

static void send_some(struct operator* op)
{
	struct sim *s = op->sim;
	struct sim_event *events[5];
	int count = (int)world_draw(&s->world, 1, 5), made = 0;

	if (!node_is_up(s->node))
		return;
	while (made < count && op->events_left > 0 && (events[made] = cast_event(s))) {
		made++;
		op->events_left--;
	}
	if (made > 0)
		node_submit(s->node, events, made);
}

static void traffic(struct alarm *a)
{
	struct operator* op = CONTAINER_OF(a, struct operator, traffic);
	struct world *w = &op->sim->world;
	int64_t mean = op->sim->traffic_ms / 60 + 1;

	if (w->now_ms >= op->end_ms)
		return;
	send_some(op);
	if (op->events_left > 0)
		world_set(w, a, w->now_ms + (world_chance(w, 0.6) ? world_draw(w, 0, 50) : world_draw(w, 0, 4 * mean)));
}

/* --- the operator --- */

static struct sim_endpoint *any_endpoint(struct sim *s)
{
	return &s->endpoints[world_draw(&s->world, 0, s->endpoint_count - 1)];
}

static void change(struct sim *s, struct sim_endpoint *ep, bool active)
{
	if (ep->deleted || !node_may_change(s->node))
		return;
	if (ep->in_force && cast_revision(s, ep, active))
		node_change(s->node, ep, false);
}

/* Endpoints that are drawn and not known to the node yet are put there, one after the other. */
static void errands(struct alarm *a)
{
	struct operator* op = CONTAINER_OF(a, struct operator, errands);
	struct sim *s = op->sim;

	for (int i = 0; i < s->endpoint_count; i++) {
		struct sim_endpoint *ep = &s->endpoints[i];

		if (ep->in_force || ep->deleted)
			continue;
		node_change(s->node, ep, false);
		world_set(&s->world, a, s->world.now_ms + 50);
	}
}

static void delete_and_replace(struct operator* op)
{
	struct sim *s = op->sim;
	struct sim_endpoint *ep = any_endpoint(s);

	if (!ep->in_force || !node_change(s->node, ep, true))
		return;
	cast_endpoint(s);
	world_set(&s->world, &op->errands, s->world.now_ms + 50);
}

static void power_is_back(struct alarm *a)
{
	struct operator* op = CONTAINER_OF(a, struct operator, power);
	struct world *w = &op->sim->world;

	if (!node_is_up(op->sim->node) && !node_is_stopping(op->sim->node))
		node_start(op->sim->node);
	else if (w->now_ms < op->end_ms && world_chance(w, 0.5))
		node_crash(op->sim->node); /* several in a row */
	if (!node_is_up(op->sim->node) || world_chance(w, 0.2))
		world_set(w, a, w->now_ms + world_draw(w, 0, 300));
}

static void whim(struct alarm *a)
{
	struct operator* op = CONTAINER_OF(a, struct operator, whim);
	struct sim *s = op->sim;
	struct world *w = &s->world;
	struct sim_endpoint *ep = any_endpoint(s);

	if (w->now_ms >= op->end_ms)
		return;
	switch (world_chance(w, op->crashes) ? 0 : world_draw(w, 1, 9)) {
	case 0:
		node_crash(s->node);
		break;
	case 1:
		node_begin_stop(s->node);
		break;
	case 2:
		node_stall_disk(s->node, world_draw(w, 100, world_chance(w, 0.2) ? 90000 : 3000));
		judge_stalled(s, s->world.now_ms + 90000);
		break;
	case 3:
		if (world_chance(w, 0.3))
			delete_and_replace(op);
		break;
	case 4:
		change(s, ep, false);
		break;
	case 5:
	case 6:
		node_replay(s->node, ep);
		break;
	default:
		change(s, ep, true);
		break;
	}
	if (!node_is_up(s->node) && !heap_has(&op->power.node))
		world_set(w, &op->power, w->now_ms + world_draw(w, 1, world_chance(w, 0.3) ? 120000 : 3000));
	world_set(w, a,
		  w->now_ms + (world_chance(w, 0.3) ? world_draw(w, 0, 500) : world_draw(w, 0, s->traffic_ms / 6)));
}

bool operator_heals(struct sim *s)
{
	bool all = true;

	s->healed = true;
	if (!node_is_up(s->node) && !node_is_stopping(s->node) && !heap_has(&s->operator->power.node))
		node_start(s->node);
	for (int i = 0; i < s->endpoint_count; i++) {
		struct sim_endpoint *ep = &s->endpoints[i];

		if (ep->deleted ||
		    (ep->in_force && ep->revisions[ep->in_force - 1]->active && !ep->changing && !ep->disable_wanted))
			continue;
		all = false;
		change(s, ep, true);
	}
	return all && node_is_up(s->node);
}

void operator_start(struct sim *s)
{
	struct operator* op = mem_zalloc(sizeof(*op));
	struct world *w = &s->world;

	s->operator= op;
	op->sim = s;
	op->traffic.ring = traffic;
	op->whim.ring = whim;
	op->power.ring = power_is_back;
	op->errands.ring = errands;
	op->end_ms = w->now_ms + s->traffic_ms;
	op->events_left = (int)world_draw(w, 10, world_chance(w, 0.1) ? EVENTS_MAX : 120);
	op->crashes = world_chance(w, 0.2) ? 0 : (double)world_draw(w, 1, 6) / 10;
	for (int i = (int)world_draw(w, 1, 5); i > 0; i--)
		cast_endpoint(s);
	world_set(w, &op->errands, w->now_ms);
	world_set(w, &op->traffic, w->now_ms + 500);
	world_set(w, &op->whim, w->now_ms + world_draw(w, 0, s->traffic_ms / 4));
}

void operator_free(struct sim *s)
{
	world_cancel(&s->world, &s->operator->traffic);
	world_cancel(&s->world, &s->operator->whim);
	world_cancel(&s->world, &s->operator->power);
	world_cancel(&s->world, &s->operator->errands);
	mem_free(s->operator);
	s->operator= NULL;
}
