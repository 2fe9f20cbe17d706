/*
 * What the hub hears. It waits for some deliveries: a reply stands in the answer of a service's webhook, and whether a
 * gateway took an order is the status of a message. So what becomes of an item at an endpoint with `reports` is told to
 * the host while the transaction that settles it is being built, behind the attempt's row: whatever the hub makes of it
 * is then on disk together with the delivery, or neither is.
 *
 * And it must not wait for long. When a service's webhook is in trouble the next service is to be asked at once, so an
 * item whose first attempt is not to be expected now is PASSED: when it is accepted by a lane that does not send, or
 * when its lane stops sending while it is queued. That is said to internal endpoints only; nobody else asks.
 */
#include "engine/impl.h"

static bool is_wanted(const struct lane *lane, const struct endpoint *ep)
{
	return lane->engine->host.report && ep->reports;
}

void report_item(struct lane *lane, const struct endpoint *ep, struct event *ev, enum engine_outcome outcome,
		 const struct attempt_row *row, const struct http_answer *answer, struct slice reason, struct tx *tx)
{
	const struct engine_host *host = &lane->engine->host;
	struct engine_report r = { .outcome = outcome,
				   .endpoint = ep,
				   .event = ev,
				   .attempt = row ? row->attempt : 0,
				   .started_ms = row ? row->time_ms : lane->engine->now_ms,
				   .code = row ? row->code : 0,
				   .reason = reason,
				   .answer = answer,
				   .row = row };

	if (is_wanted(lane, ep))
		host->report(host->ctx, &r, tx);
}

static void pass(struct lane *lane, struct event *ev)
{
	static const struct slice reason = SLICE_LIT("the endpoint is in trouble or behind: it is not tried now");

	report_item(lane, lane->endpoint, ev, OUTCOME_PASSED, NULL, NULL, reason, engine_turn_tx(lane->engine));
}

static bool is_told(const struct lane *lane)
{
	return lane->endpoint->internal && is_wanted(lane, lane->endpoint);
}

static bool goes_soon(const struct lane *lane, const struct event *ev)
{
	return lane->state == LANE_READY && lane->engine->now_ms >= lane->not_before_ms &&
	       !lane_waits_for_retries(lane) && backlog_has_room(lane, ev);
}

bool report_accepted(struct lane *lane, struct event *ev)
{
	bool passes = is_told(lane) && !goes_soon(lane, ev);

	if (passes)
		pass(lane, ev);
	return passes;
}

void report_queued(struct lane *lane)
{
	if (!lane->endpoint->internal || !lane->endpoint->reports)
		return;
	LIST_EACH (l, &lane->queue) {
		struct item *it = CONTAINER_OF(l, struct item, link);

		if (it->passed || it->attempts > 0)
			continue;
		it->passed = true;
		pass(lane, it->event);
	}
}

void report_trouble(struct lane *lane, const struct endpoint *ep, bool ok, int code, struct slice reason)
{
	const struct engine_host *host = &lane->engine->host;

	if (host->trouble && (!ok || lane->in_trouble))
		host->trouble(host->ctx, ep, ok, code, reason);
	lane->in_trouble = !ok;
}
