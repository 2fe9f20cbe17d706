/*
 * One line, one outcome. `delivered`, `retry` and `failed` are what an attempt can come to; superseded and cancelled
 * events ended because nobody wants them any more, which is no failure and is said only when all is.
 */
#include "watch/outcomes.h"

#include <stdio.h>

#include "base/failure.h"
#include "engine/detail.h"

static bool ended_unwanted(const struct attempt_row *row)
{
	for (uint32_t i = 0; i < row->item_count; i++)
		if (row->items[i].fate != ITEM_ENDED)
			return false;
	return row->item_count > 0;
}

static bool is_wanted(enum outcomes which, const struct attempt_row *row)
{
	if (which == OUTCOMES_ALL)
		return true;
	return which == OUTCOMES_FAILED && row->outcome != ATTEMPT_OK && !ended_unwanted(row);
}

/* What a person reads first. */
static const char *phrase(const struct attempt_row *row)
{
	static const char *const words[] = { "delivered", "retry", "failed" };

	return ended_unwanted(row) ? "ended" : words[row->outcome];
}

static void say(struct log *log, const struct endpoint *ep, const struct attempt_row *row)
{
	struct attempt_detail detail = { .duration_us = -1 };
	char code[20], ms[32] = "";

	failure_code_text(row->code, code);
	if (detail_decode(row->detail, &detail) && detail.duration_us >= 0)
		snprintf(ms, sizeof(ms), "%.1f", (double)detail.duration_us / 1000);
	LOG_LINE(log, row->outcome == ATTEMPT_OK || ended_unwanted(row) ? LOG_INFO : LOG_WARN, phrase(row),
		 LOG_STR(ep->of_organization ? "organization" : "project", ep->owner), LOG_STR("endpoint", ep->id),
		 LOG_STR("code", code), LOG_STR("ms", ms), LOG_INT("attempt", row->attempt),
		 LOG_INT("items", row->item_count), LOG_INT("seq", row->item_count ? row->items[0].event_seq : 0),
		 LOG_SLICE("delivery", row->delivery_id), LOG_INT("id", row->seq));
}

void outcomes_log(enum outcomes which, struct log *log, struct node *node, const struct attempt_row *row)
{
	struct endpoint_view v;

	if (!is_wanted(which, row) || node_endpoint_by_number(node, row->endpoint, &v))
		return;
	say(log, v.endpoint, row);
	node_endpoint_view_free(&v);
}
