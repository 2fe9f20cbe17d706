/* What the judge says about the hub: it hears of each outcome once, in the transaction that writes it down. */
#include "judge_impl.h"

/* "Passed is only what was not tried yet; an exchange is told with its answer, an end without one with none." */
void judge_reported(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep,
		    const struct engine_report *r)
{
	const struct fate *f = fate_of(s, ev, ep);

	s->totals.reports += r->outcome != OUTCOME_PASSED;
	s->totals.passed += r->outcome == OUTCOME_PASSED;
	if (!ep->internal)
		judge_fail(s, "reports", "endpoint %d has none and event %d is reported", ep->index, ev->index);
	if (r->outcome == OUTCOME_PASSED && (f->tried || f->asked))
		judge_fail(s, "passed", "endpoint %d: event %d is passed after an attempt", ep->index, ev->index);
	if ((r->attempt > 0) != (r->answer != NULL) || (r->outcome == OUTCOME_PASSED) != (r->row == NULL))
		judge_fail(s, "reports", "endpoint %d: event %d, outcome %d, attempt %u: answer or row is wrong",
			   ep->index, ev->index, r->outcome, r->attempt);
}

/* "What the hub made of a delivery is on disk exactly once, and together with it." */
static void rule_heard(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	const struct fate *f = fate_of(s, ev, ep);
	struct heard h = node_heard(s->node, ev, ep);

	if (h.delivered != f->delivered || h.left != f->left || h.dead != f->dead)
		judge_fail(
			s, "exactly once",
			"endpoint %d, event %d: delivered, left, ended are %d %d %d on disk, and %d %d %d for the hub",
			ep->index, ev->index, f->delivered, f->left, f->dead, h.delivered, h.left, h.dead);
}

void rule_reports(struct sim *s, const struct tx *tx)
{
	for (const struct change *c = tx->first; c; c = c->next) {
		const struct attempt_row *at = &c->u.attempt;

		if (c->kind != CHANGE_ATTEMPT || !s->endpoints[at->endpoint - 1].internal)
			continue;
		for (uint32_t i = 0; i < at->item_count; i++)
			rule_heard(s, cast_by_seq(s, at->items[i].event_seq), &s->endpoints[at->endpoint - 1]);
	}
}

void rule_all_reports(struct sim *s)
{
	for (int i = 0; i < s->endpoint_count; i++)
		for (int k = 0; k < s->event_count && s->endpoints[i].internal; k++)
			rule_heard(s, &s->events[k], &s->endpoints[i]);
}
