/*
 * What the judge says about time. Too early is simple. Too late means: while nothing stood in its way. What may stand
 * in the way of an endpoint's requests (its own state, window, rate, retries before new ones; a crash, a full disk) is
 * noted at the end of each turn; never among it is another endpoint, and that is what isolation means.
 */
#include "judge_impl.h"

#include <inttypes.h>

#define SLACK_MS 3000 /* some commits and loads on the way */

static int64_t later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void time_reset(struct sim *s, const struct sim_endpoint *ep)
{
	struct watch *w = &s->judge->watches[ep->index];

	w->failures = 0;
	w->not_before_ms = 0;
	w->blocked_ms = s->world.now_ms;
	w->tokens = 1e9; /* full, whatever the rate */
}

void judge_settings(struct sim *s, const struct sim_endpoint *ep)
{
	world_note(&s->world, "in force", ep->index, ep->in_force, ep->deleted);
	time_reset(s, ep);
}

/* --- what stands in the way --- */

static bool is_blocked(struct sim *s, const struct sim_endpoint *ep)
{
	const struct endpoint_stats *st = ep->stats;
	int64_t waiting = st ? atomic_load(&st->waiting) : 0;

	if (!ep->in_force || ep->deleted || ep->changing || atomic_load(&st->state) != LANE_READY)
		return true;
	if (atomic_load(&st->in_flight) >= atomic_load(&st->window))
		return true;
	if ((size_t)waiting >= s->limits.lane_waiting || (is_strict(ep) && waiting > 0))
		return true;
	/* With hardly any memory, items that wait for one on the wire take the place of others. */
	if (s->limits.lane_items < 1000 && is_ordered(ep) && atomic_load(&st->in_flight) > 0)
		return true;
	return settings_of(ep)->rate_per_s > 0 &&
	       (double)(s->world.now_ms - s->judge->watches[ep->index].sent_ms) < 2000 / settings_of(ep)->rate_per_s;
}

void judge_turn_begin(struct sim *s)
{
	for (int i = 0; i < s->endpoint_count; i++)
		if (s->judge->watches[i].blocked)
			s->judge->watches[i].blocked_ms = s->world.now_ms;
}

static void refill(struct sim *s, const struct sim_endpoint *ep)
{
	struct watch *w = &s->judge->watches[ep->index];
	double rate = settings_of(ep)->rate_per_s, most = rate > 1 ? rate : 1;

	w->tokens += rate * (double)(s->world.now_ms - w->tokens_ms) / 1000;
	if (w->tokens > most)
		w->tokens = most;
	w->tokens_ms = s->world.now_ms;
}

void judge_turn_end(struct sim *s)
{
	order_judge(s);
	for (unsigned i = 0; i < s->engine_count; i++)
		rule_memory(s, node_engine(s->node, i));
	for (int i = 0; i < s->endpoint_count; i++) {
		refill(s, &s->endpoints[i]);
		s->judge->watches[i].blocked = is_blocked(s, &s->endpoints[i]);
		if (s->judge->watches[i].blocked)
			s->judge->watches[i].blocked_ms = s->world.now_ms;
	}
}

void judge_stalled(struct sim *s, int64_t until_ms)
{
	s->judge->trouble_ms = later_of(s->judge->trouble_ms, until_ms);
}

/* --- too early --- */

/* "Never more than rate_per_s, with bursts of one second's worth." */
static void rule_rate(struct sim *s, const struct sighting *x)
{
	struct watch *w = &s->judge->watches[x->endpoint->index];

	refill(s, x->endpoint);
	if (settings_of(x->endpoint)->rate_per_s > 0 && w->tokens < 0.99)
		judge_fail(s, "rate", "endpoint %d is sent to too often", x->endpoint->index);
	w->tokens -= 1;
}

/*
 * "After throttle_after failures in a row, or a Retry-After,
 * one probe at a time; new ones not before the probe's time."
 */
static void rule_throttle(struct sim *s, const struct sighting *x)
{
	const struct watch *w = &s->judge->watches[x->endpoint->index];

	if (s->world.now_ms < w->not_before_ms)
		judge_fail(s, "Retry-After", "endpoint %d asked to wait until %" PRId64, x->endpoint->index,
			   w->not_before_ms - s->world.now_ms);
	if (w->failures < s->limits.throttle_after)
		return;
	if (simnet_in_flight(s->net, x->endpoint) > 0)
		judge_fail(s, "throttle", "endpoint %d is throttled and gets a second request", x->endpoint->index);
}

/* "The n-th retry starts not before its delay, shortened by jitter at most, and soon after it." */
static void rule_retry_time(struct sim *s, const struct sighting *x)
{
	const struct delivery *d = delivery_find(s->judge, x->endpoint, slice_str(x->delivery_id));
	const struct watch *w = &s->judge->watches[x->endpoint->index];
	int64_t latest;

	if (!d || x->attempt == 1 || d->unsure || fate_of(s, &s->events[x->events[0]], x->endpoint)->regrouped)
		return;
	if (s->world.now_ms < d->earliest_ms)
		judge_fail(s, "retry time", "endpoint %d: attempt %u of %s is %" PRId64 " ms early", x->endpoint->index,
			   x->attempt, x->delivery_id, d->earliest_ms - s->world.now_ms);
	latest = later_of(d->latest_ms, later_of(w->blocked_ms, s->judge->trouble_ms));
	if (s->limits.lane_items < 1000)
		latest = later_of(latest, w->sent_ms);
	if (s->world.now_ms > latest + SLACK_MS)
		judge_fail(s, "retry time", "endpoint %d: attempt %u of %s is %" PRId64 " ms late", x->endpoint->index,
			   x->attempt, x->delivery_id, s->world.now_ms - latest);
}

/* "Nobody waits longer than max_wait_ms while the way is free, whatever happens to other endpoints." */
static void rule_prompt(struct sim *s, const struct sighting *x)
{
	const struct watch *w = &s->judge->watches[x->endpoint->index];
	int64_t wait = x->settings->batch.max_items > 1 ? x->settings->batch.max_wait_ms : 0;
	int64_t free = later_of(w->blocked_ms, s->judge->trouble_ms);

	if (s->limits.lane_items < 1000)
		free = later_of(free, w->sent_ms);
	for (int i = 0; i < x->count && x->attempt == 1; i++) {
		const struct sim_event *ev = &s->events[x->events[i]];
		int64_t since =
			later_of(free, later_of(fate_of(s, ev, x->endpoint)->free_ms, w->message_free_ms[ev->message]));

		if (s->world.now_ms > since + wait + SLACK_MS)
			judge_fail(s, "prompt", "endpoint %d: event %d waited %" PRId64 " ms for nothing",
				   x->endpoint->index, ev->index, s->world.now_ms - since);
	}
}

void time_sent(struct sim *s, const struct sighting *x)
{
	rule_rate(s, x);
	rule_throttle(s, x);
	rule_retry_time(s, x);
	rule_prompt(s, x);
	s->judge->watches[x->endpoint->index].sent_ms = s->world.now_ms;
}

/* --- what the next attempt must wait for --- */

static int64_t full_delay(const struct endpoint *ep, uint32_t attempt)
{
	size_t n = attempt - 1;

	if (ep->retry.delay_count == 0)
		return 0;
	return ep->retry.delays_ms[n < ep->retry.delay_count ? n : ep->retry.delay_count - 1];
}

static int64_t asked_to_wait(const struct sim *s, const struct http_answer *answer)
{
	struct slice text;
	long long seconds = 0;

	if (answer->failure || (answer->status != 429 && answer->status != 503) ||
	    !http_header_find(answer->headers, "Retry-After", &text))
		return 0;
	slice_to_i64(slice_trim(text), &seconds);
	return seconds * 1000 < s->limits.retry_after_max_ms ? seconds * 1000 : s->limits.retry_after_max_ms;
}

void time_answered(struct sim *s, const struct sighting *x, const struct http_answer *answer, bool ok, bool whole)
{
	struct watch *w = &s->judge->watches[x->endpoint->index];
	struct delivery *d = delivery_find(s->judge, x->endpoint, slice_str(x->delivery_id));
	int64_t delay = full_delay(x->settings, x->attempt), asked = asked_to_wait(s, answer);

	w->failures = ok ? 0 : w->failures + 1;
	if (whole)
		return;
	if (!ok)
		w->failed_ms = s->world.now_ms;
	if (asked > 0)
		w->not_before_ms = later_of(w->not_before_ms, s->world.now_ms + asked);
	d->unsaved = true;
	d->earliest_ms =
		s->world.now_ms + later_of((int64_t)((double)delay * (1 - x->settings->retry.jitter)) - 1, asked);
	d->latest_ms = s->world.now_ms + later_of(delay, asked);
}
