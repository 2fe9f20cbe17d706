/* What the judge says about the disk, about starts and stops, and at the end. */
#include "judge_impl.h"

#include <inttypes.h>

#include "base/list.h"

static struct sim_endpoint *endpoint_named(struct sim *s, uint64_t number)
{
	return &s->endpoints[number - 1];
}

/* --- ends --- */

static bool is_refusal(int code)
{
	return code == 400 || code == 413 || code == 422;
}

/* Was there no time or no attempt left after this exchange? */
static bool is_exhausted(const struct sim *s, const struct attempt_row *at, const struct endpoint *ep,
			 const struct sim_event *ev)
{
	size_t n = at->attempt - 1, count = ep->retry.delay_count;
	int64_t delay = count ? ep->retry.delays_ms[n < count ? n : count - 1] : 0;

	if (count == 0 || (ep->retry.max_attempts > 0 && at->attempt >= ep->retry.max_attempts))
		return true;
	/* Retry-After comes on top; the latest that the simulator asks for is 400 s. */
	if (at->code == 429 || at->code == 503)
		delay = delay > 400000 ? delay : 400000;
	return s->world.now_ms + delay + 1 - ev->event->accepted_ms >= ep->retry.max_age_ms;
}

/* "A delivery is dead only for a reason that the rules know." */
static void rule_dead(struct sim *s, const struct attempt_row *at, const struct sim_endpoint *ep,
		      const struct sim_event *ev)
{
	const struct endpoint *settings = ep->revisions[at->revision - 1];
	int64_t age = s->world.now_ms - ev->event->accepted_ms;
	bool allowed;

	s->totals.dead++;
	switch (at->code) {
	case -FAILURE_EXPIRED:
		allowed = age >= ep->max_age_ms;
		break;
	case -FAILURE_RENDER:
		allowed = ev->oversize && ep->reads_text;
		break;
	case -FAILURE_DELETED:
		allowed = ep->deleted || ep->changing;
		break;
	default:
		allowed = at->attempt > 0 && (is_exhausted(s, at, settings, ev) || ep->deleted);
		if (is_refusal(at->code) && at->item_count > 1 && age + 1 < ep->max_age_ms && !ep->deleted)
			allowed = false;
		break;
	}
	if (!allowed)
		judge_fail(s, "dead letters",
			   "endpoint %d: event %d ended with code %d at attempt %u, %" PRId64 " ms old", ep->index,
			   ev->index, at->code, at->attempt, age);
}

static enum end end_of(uint8_t fate)
{
	return fate == ITEM_DONE ? END_DONE : fate == ITEM_DEAD ? END_DEAD : fate == ITEM_LEFT ? END_NONE : END_OTHER;
}

static bool has_end(const struct attempt_row *at)
{
	for (uint32_t i = 0; i < at->item_count; i++)
		if (at->items[i].fate != ITEM_LEFT)
			return true;
	return false;
}

static bool is_superseded(const struct attempt_row *at)
{
	return at->code == -FAILURE_SUPERSEDED && at->attempt == 0;
}

/* A newer event of the message that was, or may have been, routed there too. */
static bool has_newer(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	for (int i = 0; i < s->event_count; i++)
		if (s->events[i].message == ev->message && s->events[i].seq > ev->seq &&
		    fate_of(s, &s->events[i], ep)->routed)
			return true;
	return false;
}

/* "Unsent ends only what is superseded by a newer event, or comes after a final status that was acknowledged." */
static void rule_ended(struct sim *s, const struct attempt_row *at, const struct sim_endpoint *ep,
		       const struct sim_event *ev)
{
	bool superseded = is_superseded(at) && ep->acks && has_newer(s, ev, ep);
	bool final =
		at->code == -FAILURE_FINAL && ep->finals && s->judge->watches[ep->index].message_final[ev->message];

	s->totals.superseded += superseded;
	s->totals.finals += final;
	if (!superseded && !final)
		judge_fail(s, "ends", "endpoint %d: event %d ended with code %d and without a reason", ep->index,
			   ev->index, at->code);
}

/* What shared a delivery with something superseded goes on under another id. */
static void regroup(struct sim *s, const struct tx *tx, uint64_t endpoint)
{
	for (const struct change *c = tx->first; c; c = c->next)
		for (uint32_t i = 0;
		     c->kind == CHANGE_PENDING_PUT && c->u.pending.endpoint == endpoint && i < c->u.pending.item_count;
		     i++)
			fate_of(s, cast_by_seq(s, c->u.pending.items[i].event_seq), endpoint_named(s, endpoint))
				->regrouped = true;
}

void judge_final(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	s->judge->watches[ep->index].message_final[ev->message] = true;
}

void judge_asked(struct sim *s, const struct tx *tx)
{
	for (const struct change *c = tx->first; c; c = c->next) {
		const struct attempt_row *at = &c->u.attempt;

		if (c->kind == CHANGE_ATTEMPT && is_superseded(at))
			regroup(s, tx, at->endpoint);
		for (uint32_t i = 0; c->kind == CHANGE_ATTEMPT && i < at->item_count; i++) {
			const struct sim_event *ev = cast_by_seq(s, at->items[i].event_seq);
			struct sim_endpoint *ep = endpoint_named(s, at->endpoint);
			enum end end = end_of(at->items[i].fate);

			fate_of(s, ev, ep)->tried |= at->attempt > 0;
			if (end == END_NONE) {
				fate_of(s, ev, ep)->regrouped |= has_end(at);
				continue;
			}
			fate_of(s, ev, ep)->asked = (uint8_t)end;
			s->judge->watches[ep->index].message_free_ms[ev->message] = s->world.now_ms;
			if (end == END_DEAD)
				rule_dead(s, at, ep, ev);
			if (end == END_OTHER)
				rule_ended(s, at, ep, ev);
			if (end == END_DONE && ep->finals && ev->final)
				judge_final(s, ev, ep);
		}
	}
}

/* --- rows --- */

/* "Recorded as delivered is only what the receiver said it took, in an answer that arrived whole." */
static void rule_delivered(struct sim *s, struct fate *f, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	if (++f->recorded > f->acked)
		judge_fail(s, "delivered",
			   "endpoint %d: event %d is recorded as delivered %d times, acknowledged %d times", ep->index,
			   ev->index, f->recorded, f->acked);
}

static bool has_row(const struct tx *tx, uint64_t endpoint, int64_t seq)
{
	for (const struct change *c = tx->first; c; c = c->next)
		for (uint32_t i = 0;
		     c->kind == CHANGE_PENDING_PUT && c->u.pending.endpoint == endpoint && i < c->u.pending.item_count;
		     i++)
			if (c->u.pending.items[i].event_seq == seq)
				return true;
	return false;
}

/* An exchange that left it, and then something newer took its place. */
static bool ends_later(const struct tx *tx, const struct attempt_row *left, int64_t seq)
{
	for (const struct change *c = tx->first; c; c = c->next)
		for (uint32_t i = 0; c->kind == CHANGE_ATTEMPT && c->u.attempt.endpoint == left->endpoint &&
				     is_superseded(&c->u.attempt) && i < c->u.attempt.item_count;
		     i++)
			if (c->u.attempt.items[i].event_seq == seq)
				return true;
	return false;
}

static bool has_dead(const struct tx *tx, uint64_t endpoint, int64_t seq)
{
	for (const struct change *c = tx->first; c; c = c->next)
		if (c->kind == CHANGE_DEAD && c->u.dead.endpoint == endpoint && c->u.dead.event_seq == seq)
			return true;
	return false;
}

/* "Attempts on disk count up, as the receivers saw them." */
static void rule_attempts(struct sim *s, const struct attempt_row *at, const struct sim_endpoint *ep)
{
	struct delivery *d = delivery_find(s->judge, ep, at->delivery_id);

	if (at->attempt == 0)
		return;
	if (!d || at->attempt > d->attempt)
		judge_fail(s, "attempts", "endpoint %d: attempt %u is recorded and was not made", ep->index,
			   at->attempt);
	else if (at->attempt != 1 && d->recorded > 0 && at->attempt != d->recorded + 1 && !d->regrouped)
		judge_fail(s, "attempts", "endpoint %d: attempt %u is recorded after %u", ep->index, at->attempt,
			   d->recorded);
	if (!d)
		return;
	d->recorded = at->attempt;
	if (d->attempt == at->attempt)
		d->unsaved = false;
}

static void attempt_applied(struct sim *s, const struct tx *tx, const struct attempt_row *at)
{
	struct sim_endpoint *ep = endpoint_named(s, at->endpoint);

	world_note(&s->world, "recorded", ep->index, at->attempt, at->code);
	rule_attempts(s, at, ep);
	for (uint32_t i = 0; i < at->item_count; i++) {
		const struct sim_event *ev = cast_by_seq(s, at->items[i].event_seq);
		struct fate *f = fate_of(s, ev, ep);
		enum end end = end_of(at->items[i].fate);

		if (end == END_NONE && !has_row(tx, ep->number, ev->seq) && !ends_later(tx, at, ev->seq))
			judge_fail(s, "nothing lost", "endpoint %d: event %d is left and has no row", ep->index,
				   ev->index);
		if (end == END_DEAD && at->code != -FAILURE_DELETED && !ep->deleted &&
		    !has_dead(tx, ep->number, ev->seq))
			judge_fail(s, "dead letters", "endpoint %d: event %d is dead without a letter", ep->index,
				   ev->index);
		if (end == END_OTHER)
			f->code = at->code;
		f->delivered += end == END_DONE;
		f->left += end == END_NONE;
		f->dead += end == END_DEAD || end == END_OTHER;
		if (end == END_DONE)
			rule_delivered(s, f, ev, ep);
		if (end != END_NONE && f->settled)
			judge_fail(s, "ends", "endpoint %d: event %d ends a second time", ep->index, ev->index);
		if (end != END_NONE)
			f->settled = (uint8_t)end;
	}
}

struct pending_look {
	struct sim *s;
	bool seen[EVENTS_MAX];
	int rows;
};

static bool see_pending(void *ctx, const struct pending_row *row)
{
	struct pending_look *look = ctx;

	look->rows++;
	for (uint32_t i = 0; i < row->item_count; i++) {
		const struct sim_event *ev = cast_by_seq(look->s, row->items[i].event_seq);

		if (look->seen[ev->index])
			judge_fail(look->s, "pending rows", "event %d is in two rows of endpoint %" PRIu64, ev->index,
				   row->endpoint);
		look->seen[ev->index] = true;
	}
	return true;
}

static void look_at_pending(struct sim *s, const struct sim_endpoint *ep, struct pending_look *look)
{
	struct pending_query all = { ep->number, PENDING_READY, 0, PENDING_HELD, UINT32_MAX };

	*look = (struct pending_look){ .s = s };
	store_pending(node_disk(s->node), &all, see_pending, look, NULL);
}

/* "The floor never passes an event that is neither settled nor pending." */
static void rule_floor(struct sim *s, int64_t floor)
{
	struct pending_look look;

	for (int i = 0; i < s->endpoint_count; i++) {
		look_at_pending(s, &s->endpoints[i], &look);
		for (int k = 0; k < s->event_count; k++) {
			const struct fate *f = fate_of(s, &s->events[k], &s->endpoints[i]);

			if (s->events[k].seq > 0 && s->events[k].seq <= floor && f->must && !f->settled &&
			    !look.seen[k])
				judge_fail(s, "floor", "event %d is below it and open at endpoint %d", k, i);
		}
	}
}

void judge_applied(struct sim *s, const struct tx *tx)
{
	for (const struct change *c = tx->first; c; c = c->next) {
		if (c->kind == CHANGE_ATTEMPT)
			attempt_applied(s, tx, &c->u.attempt);
		else if (c->kind == CHANGE_FLOOR)
			rule_floor(s, c->u.floor);
	}
	rule_reports(s, tx);
}

/* --- starts and stops --- */

static void forget_unsaved(struct sim *s)
{
	struct map_node *n;

	for (n = map_walk(&s->judge->deliveries, NULL); n; n = map_walk(&s->judge->deliveries, n))
		CONTAINER_OF(n, struct delivery, node)->unsure = true;
}

static void all_anew(struct sim *s)
{
	if (s->judge->trouble_ms < s->world.now_ms)
		s->judge->trouble_ms = s->world.now_ms;
	for (int i = 0; i < s->endpoint_count; i++) {
		time_reset(s, &s->endpoints[i]);
		s->judge->watches[i].blocked = true;
		for (int k = 0; k < s->event_count; k++)
			fate_of(s, &s->events[k], &s->endpoints[i])->free_ms = s->world.now_ms;
	}
}

/* What was on the wire or not yet on disk may come again; nothing else. */
void judge_crashed(struct sim *s)
{
	for (int i = 0; i < s->endpoint_count; i++)
		for (int k = 0; k < s->event_count; k++) {
			struct fate *f = fate_of(s, &s->events[k], &s->endpoints[i]);

			s->judge->watches[i].message_final[s->events[k].message] = false;
			f->asked = f->settled;
			f->tried = f->delivered + f->left > 0;
			if (f->routed && !f->settled)
				f->may_send = true;
		}
	forget_unsaved(s);
	all_anew(s);
}

void judge_started(struct sim *s)
{
	s->judge->up = true;
	all_anew(s);
}

/* "A clean stop leaves nothing: the floor is the last event, and a start finds nothing to send but pending rows." */
void judge_stopped(struct sim *s, int64_t floor)
{
	world_note(&s->world, "stopped", floor, 0, 0);
	for (int k = 0; k < s->event_count; k++)
		if (s->events[k].seq > floor)
			judge_fail(s, "clean stop", "the floor %" PRId64 " is below event %d", floor, k);
	for (int i = 0; i < s->endpoint_count; i++)
		if (simnet_in_flight(s->net, &s->endpoints[i]) > 0)
			judge_fail(s, "clean stop", "something is on the wire to endpoint %d", i);
}

void judge_restarted(struct sim *s, int events_above_floor)
{
	if (events_above_floor > 0)
		judge_fail(s, "clean stop", "%d events above the floor at the next start", events_above_floor);
}

/* --- the end --- */

/* What came while settings were changed may be on its way or not, so what is pending is asked for too. */
static bool has_pending(struct sim *s, const struct sim_endpoint *ep)
{
	struct pending_look look;

	look_at_pending(s, ep, &look);
	return look.rows > 0 || (ep->stats && !ep->deleted && atomic_load(&ep->stats->pending) != 0);
}

bool judge_is_quiet(struct sim *s)
{
	for (int i = 0; i < s->endpoint_count; i++) {
		if (simnet_in_flight(s->net, &s->endpoints[i]) > 0 || has_pending(s, &s->endpoints[i]))
			return false;
		for (int k = 0; k < s->event_count; k++) {
			const struct fate *f = fate_of(s, &s->events[k], &s->endpoints[i]);

			if (f->must && !f->settled)
				return false;
		}
	}
	return node_is_settled(s->node);
}

/* "Nothing accepted is lost: each event is delivered or dead at every endpoint that it was routed to." */
static void rule_nothing_lost(struct sim *s)
{
	for (int i = 0; i < s->endpoint_count; i++)
		for (int k = 0; k < s->event_count; k++) {
			const struct fate *f = fate_of(s, &s->events[k], &s->endpoints[i]);

			if (f->must && !f->settled)
				judge_fail(s, "nothing lost", "event %d is open at endpoint %d (%s), sent %d times", k,
					   i, s->endpoints[i].order, f->sends);
		}
}

/* "When all is quiet nothing is pending: neither in rows nor in the numbers that are shown." */
static void rule_nothing_left(struct sim *s)
{
	struct pending_look look;

	for (int i = 0; i < s->endpoint_count; i++) {
		const struct sim_endpoint *ep = &s->endpoints[i];
		int64_t pending = ep->stats && !ep->deleted ? atomic_load(&ep->stats->pending) : 0;
		int64_t waiting = ep->stats && !ep->deleted ? atomic_load(&ep->stats->waiting) : 0;

		look_at_pending(s, ep, &look);
		if (look.rows > 0)
			judge_fail(s, "nothing left", "endpoint %d has %d pending rows", i, look.rows);
		if (pending != 0 || waiting != 0)
			judge_fail(s, "numbers", "endpoint %d shows %" PRId64 " pending, %" PRId64 " waiting", i,
				   pending, waiting);
	}
}

/*
 * The newest event of a message that must be delivered there; NULL when
 * somebody asked for one of them again, which may come in any order.
 */
static const struct sim_event *newest_of(struct sim *s, const struct sim_endpoint *ep, int message)
{
	const struct sim_event *newest = NULL;

	for (int i = 0; i < s->event_count; i++) {
		const struct sim_event *ev = &s->events[i];
		const struct fate *f = fate_of(s, ev, ep);

		if (ev->message != message)
			continue;
		if (f->replayed)
			return NULL;
		if (f->must && (!newest || ev->seq > newest->seq))
			newest = ev;
	}
	return newest;
}

/*
 * "In the end the last status that a receiver acknowledged is the
 * newest, unless that one is dead, or not needed after a final one."
 */
static void rule_last_is_newest(struct sim *s, const struct sim_endpoint *ep, int message)
{
	const struct sim_event *newest = newest_of(s, ep, message);
	int last = s->judge->watches[ep->index].last_acked[message];
	const struct fate *f;

	if (!newest || (last > 0 && s->events[last - 1].seq >= newest->seq))
		return;
	f = fate_of(s, newest, ep);
	if (f->settled == END_DONE)
		judge_fail(s, "last is newest", "endpoint %d: message %d: event %d was acknowledged after %d",
			   ep->index, message, last - 1, newest->index);
	else if (f->settled == END_OTHER && f->code == -FAILURE_SUPERSEDED && !has_newer(s, newest, ep))
		judge_fail(s, "last is newest", "endpoint %d: event %d is superseded by nothing", ep->index,
			   newest->index);
}

void judge_verdict(struct sim *s)
{
	for (int i = 0; i < s->endpoint_count; i++)
		for (int m = 0; m < MESSAGES_MAX && is_ordered(&s->endpoints[i]) && !s->endpoints[i].deleted; m++)
			rule_last_is_newest(s, &s->endpoints[i], m);
	rule_nothing_lost(s);
	rule_nothing_left(s);
	rule_all_reports(s);
}
