/*
 * What the judge says about the wire. Each rule is a function that begins with the sentence of the rule; a broken one
 * is printed with its name and ends the run.
 */
#include "judge_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/list.h"
#include "base/mem.h"

void judge_fail(struct sim *s, const char *rule, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	if (s->broken != BREAK_NOTHING && !s->world.verbose)
		return; /* it is meant to fail */
	fprintf(stderr, "seed %" PRIu64 ", rule \"%s\": ", s->world.seed, rule);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

struct fate *fate_of(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	return &s->judge->fates[ev->index][ep->index];
}

const struct endpoint *settings_of(const struct sim_endpoint *ep)
{
	return ep->revisions[(ep->in_force ? ep->in_force : 1) - 1];
}

bool is_strict(const struct sim_endpoint *ep)
{
	return ep->revisions[0]->order == ORDER_STRICT;
}

bool is_ordered(const struct sim_endpoint *ep)
{
	return ep->revisions[0]->order == ORDER_MESSAGE;
}

static uint64_t delivery_hash(const struct sim_endpoint *ep, struct slice id)
{
	static const struct hash_key key = { 7, 8 };

	return hash_bytes(&key, id) + ep->number;
}

struct delivery *delivery_find(struct judge *j, const struct sim_endpoint *ep, struct slice id)
{
	uint64_t h = delivery_hash(ep, id);

	for (struct map_node *n = map_first(&j->deliveries, h); n; n = map_next(n, h)) {
		struct delivery *d = CONTAINER_OF(n, struct delivery, node);

		if (d->endpoint == ep && slice_is(id, d->id))
			return d;
	}
	return NULL;
}

void judge_start(struct sim *s)
{
	s->judge = mem_zalloc(sizeof(*s->judge));
	map_init(&s->judge->deliveries);
}

void judge_free(struct sim *s)
{
	struct map_node *n;

	while ((n = map_walk(&s->judge->deliveries, NULL))) {
		map_del(&s->judge->deliveries, n);
		mem_free(CONTAINER_OF(n, struct delivery, node));
	}
	map_free(&s->judge->deliveries);
	mem_free(s->judge);
}

/* --- what is to be delivered --- */

void judge_routed(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep, bool must)
{
	struct fate *f = fate_of(s, ev, ep);

	world_note(&s->world, "routed", ev->index, ep->index, must);
	f->routed = f->may_send = true;
	f->must = must;
	f->free_ms = s->world.now_ms;
}

void judge_replayed(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	struct fate *f = fate_of(s, ev, ep);

	world_note(&s->world, "replayed", ev->index, ep->index, 0);
	f->routed = f->must = f->may_send = f->replayed = true;
	f->asked = f->settled = END_NONE;
	f->free_ms = s->world.now_ms;
}

/* --- a request leaves --- */

/*
 * "Only what was routed to an endpoint is sent to it, and nothing
 * twice without a crash, a lost answer, a failed status or a replay."
 */
static void rule_no_duplicates(struct sim *s, const struct sighting *x)
{
	for (int i = 0; i < x->count; i++) {
		struct fate *f = fate_of(s, &s->events[x->events[i]], x->endpoint);

		if (!f->routed)
			judge_fail(s, "routing", "event %d was never routed to endpoint %d", x->events[i],
				   x->endpoint->index);
		if (!f->may_send)
			judge_fail(s, "duplicates", "event %d is sent to endpoint %d again without a reason",
				   x->events[i], x->endpoint->index);
		f->may_send = false;
		f->sends++;
	}
}

static bool is_before(const struct sighting *x, int upto, int event)
{
	for (int i = 0; i < upto; i++)
		if (x->events[i] == event)
			return true;
	return false;
}

/* An end of this turn is asked for at the end of the turn only, so judgment waits until then. */
static void suspect(struct sim *s, const struct sim_endpoint *ep, int event, int overtaken)
{
	struct judge *j = s->judge;

	if (j->suspicion_count < SUSPICIONS_MAX)
		j->suspicions[j->suspicion_count++] = (struct suspicion){ ep, event, overtaken };
}

void order_judge(struct sim *s)
{
	for (int i = 0; i < s->judge->suspicion_count; i++) {
		const struct suspicion *su = &s->judge->suspicions[i];

		if (!s->judge->fates[su->overtaken][su->endpoint->index].asked)
			judge_fail(s, "order", "endpoint %d (%s): event %d overtakes %d", su->endpoint->index,
				   su->endpoint->order, su->event, su->overtaken);
	}
	s->judge->suspicion_count = 0;
}

/*
 * "Order: events of one message (strict: of one endpoint) leave in the order they came; items keep it inside a batch."
 */
static void rule_order(struct sim *s, const struct sighting *x)
{
	for (int i = 0; i < x->count; i++) {
		const struct sim_event *ev = &s->events[x->events[i]];

		if (i > 0 && s->events[x->events[i - 1]].seq >= ev->seq)
			judge_fail(s, "order in a batch", "endpoint %d: event %d stands behind %d", x->endpoint->index,
				   ev->index, x->events[i - 1]);
		if ((!is_strict(x->endpoint) && !is_ordered(x->endpoint)) || fate_of(s, ev, x->endpoint)->replayed)
			continue;
		for (int k = 0; k < s->event_count; k++) {
			const struct sim_event *other = &s->events[k];
			const struct fate *f = fate_of(s, other, x->endpoint);

			if (other->seq == 0 || other->seq >= ev->seq || !f->must || f->replayed || f->asked ||
			    (is_ordered(x->endpoint) && other->message != ev->message) || is_before(x, i, k))
				continue;
			suspect(s, x->endpoint, ev->index, k);
		}
	}
}

/*
 * "Never more than `concurrency` at once, one when strict; nothing
 * to an endpoint that is paused, deleted or being changed."
 */
static void rule_window(struct sim *s, const struct sighting *x)
{
	const struct sim_endpoint *ep = x->endpoint;
	int most = is_strict(ep) ? 1 : (int)settings_of(ep)->concurrency;
	int under_way = simnet_in_flight(s->net, ep);

	if (under_way >= most)
		judge_fail(s, "window", "endpoint %d: %d are on the wire already", ep->index, under_way);
	if (!settings_of(ep)->active || ep->deleted || ep->changing)
		judge_fail(s, "window", "endpoint %d is not to be sent to", ep->index);
}

/* "A batch has at most max_items items, and max_bytes bytes if it has several." */
static void rule_batch(struct sim *s, const struct sighting *x)
{
	if (x->count == 0 || x->count > (int)x->settings->batch.max_items)
		judge_fail(s, "batch", "endpoint %d: %d items", x->endpoint->index, x->count);
	if (x->count > 1 && x->body_bytes > x->settings->batch.max_bytes)
		judge_fail(s, "batch", "endpoint %d: %zu bytes", x->endpoint->index, x->body_bytes);
}

/* "One state a message in a document, where the newest replaces." */
static void rule_one_state(struct sim *s, const struct sighting *x)
{
	for (int i = 0; i < x->count && x->settings->newest_replaces; i++)
		for (int k = 0; k < i; k++)
			if (s->events[x->events[i]].message == s->events[x->events[k]].message)
				judge_fail(s, "one state", "endpoint %d: events %d and %d of one message together",
					   x->endpoint->index, x->events[k], x->events[i]);
}

/* "Nothing of a message follows its final status once that was acknowledged, but what somebody asks for." */
static void rule_final(struct sim *s, const struct sighting *x)
{
	const struct watch *w = &s->judge->watches[x->endpoint->index];

	for (int i = 0; i < x->count; i++) {
		const struct sim_event *ev = &s->events[x->events[i]];

		if (w->message_final[ev->message] && !fate_of(s, ev, x->endpoint)->replayed)
			judge_fail(s, "final", "endpoint %d: event %d follows a final status of message %d",
				   x->endpoint->index, ev->index, ev->message);
	}
}

static struct delivery *delivery_new(struct judge *j, const struct sighting *x)
{
	struct delivery *d = mem_zalloc(sizeof(*d));

	d->endpoint = x->endpoint;
	memcpy(d->id, x->delivery_id, sizeof(d->id));
	map_add(&j->deliveries, &d->node, delivery_hash(x->endpoint, slice_str(x->delivery_id)));
	return d;
}

/* One of the hub's own goes by the settings in force: never by older ones than the attempt before. */
static bool is_same_request(const struct delivery *d, const struct sighting *x)
{
	if (x->endpoint->internal && x->count == 1 && x->settings->revision > d->revision)
		return true;
	return d->body_hash == x->body_hash && d->revision == x->settings->revision;
}

/*
 * "A retry is byte for byte the same request with the same delivery
 * id, made with the same settings, and its number is the next one."
 */
static void rule_same_bytes(struct sim *s, const struct sighting *x)
{
	struct delivery *d = delivery_find(s->judge, x->endpoint, slice_str(x->delivery_id));
	struct fate *f = fate_of(s, &s->events[x->events[0]], x->endpoint);
	bool first = !d || x->attempt == 1 || f->regrouped;

	if (!d)
		d = delivery_new(s->judge, x);
	if (!first && x->attempt != d->attempt + 1 && !(d->unsure && x->attempt <= d->attempt))
		judge_fail(s, "attempts", "endpoint %d: attempt %u of %s follows %u", x->endpoint->index, x->attempt,
			   x->delivery_id, d->attempt);
	if (!first && !is_same_request(d, x))
		judge_fail(s, "same bytes", "endpoint %d: attempt %u of %s differs from the one before",
			   x->endpoint->index, x->attempt, x->delivery_id);
	d->attempt = x->attempt;
	d->body_hash = x->body_hash;
	d->revision = x->settings->revision;
	d->unsure = false;
	d->regrouped = f->regrouped;
	f->regrouped = false;
}

void judge_sent(struct sim *s, const struct sighting *x)
{
	world_note(&s->world, "sent", x->endpoint->index, x->attempt, x->count);
	for (int i = 0; i < x->count; i++)
		world_note(&s->world, "  item", x->events[i], s->events[x->events[i]].message,
			   (int64_t)s->events[x->events[i]].seq);
	rule_no_duplicates(s, x);
	rule_order(s, x);
	rule_window(s, x);
	rule_batch(s, x);
	rule_one_state(s, x);
	rule_final(s, x);
	time_sent(s, x);
	rule_same_bytes(s, x);
}

/* --- it is seen, it is answered --- */

/* "What was sent once is seen once." */
void judge_arrived(struct sim *s, const struct sighting *x)
{
	world_note(&s->world, "arrived", x->endpoint->index, x->events[0], x->taken[0]);
	for (int i = 0; i < x->count; i++) {
		struct fate *f = fate_of(s, &s->events[x->events[i]], x->endpoint);

		if (++f->sights > f->sends)
			judge_fail(s, "duplicates", "event %d is seen more often than it was sent", x->events[i]);
		f->successes += x->taken[i];
		if (x->taken[i] && f->successes > 1)
			s->totals.duplicates++;
	}
}

/* What the receiver took counts when its answer arrived whole. */
void judge_answered(struct sim *s, const struct sighting *x, const struct http_answer *answer)
{
	bool ok = answer->failure == FAILURE_NONE && endpoint_success(x->settings, answer->status), whole = ok;

	world_note(&s->world, "answered", x->endpoint->index, x->events[0],
		   answer->failure ? -(int)answer->failure : answer->status);
	for (int i = 0; i < x->count; i++) {
		const struct sim_event *ev = &s->events[x->events[i]];
		struct fate *f = fate_of(s, ev, x->endpoint);
		bool acked = ok && x->taken[i];

		f->free_ms = s->world.now_ms;
		if (!acked)
			f->may_send = true;
		f->acked += acked;
		if (acked)
			s->judge->watches[x->endpoint->index].last_acked[ev->message] = ev->index + 1;
		whole = whole && acked;
	}
	time_answered(s, x, answer, ok, whole);
}
