/*
 * An outcome told inside the commit that makes it durable, so that what the hub makes of it - a reply's messages, a
 * status - is there exactly when the delivery is. The engine's report is valid only while it calls; what the hub will
 * need stands in the transaction's arena, and the references go with the transaction, whether it was committed or not.
 */
#include "node/told.h"

#include "node/book_impl.h"
#include "node/parts.h"

struct told {
	struct node *node;
	const struct attempt_row *row; /* its seq is known by the time of the step */
	struct endpoint *endpoint;
	struct event *event;
	struct report report;
};

static void tell(void *ctx, struct store *store)
{
	struct told *t = ctx;
	const struct node_hooks *hooks = &t->node->hooks;
	struct book b;

	t->report.attempt_seq = t->row ? t->row->seq : 0;
	book_open(&b, t->node, store, true);
	hooks->report(hooks->ctx, &b, &t->report);
}

static void drop(void *ctx)
{
	struct told *t = ctx;

	endpoint_unref(&t->endpoint);
	event_unref(&t->event);
}

static enum report_kind kind_of(enum engine_outcome outcome)
{
	static const enum report_kind kinds[] = { [OUTCOME_DELIVERED] = REPORT_DELIVERED,
						  [OUTCOME_LEFT] = REPORT_LEFT,
						  [OUTCOME_DEAD] = REPORT_DEAD,
						  [OUTCOME_PASSED] = REPORT_PASSED };

	return kinds[outcome];
}

/* The value of Content-Type up to its parameters. */
static struct slice media_type(struct slice headers)
{
	struct slice v;

	if (!http_header_find(headers, "Content-Type", &v))
		return slice_str("");
	return slice_trim(slice_of(v.p, slice_find(v, ';')));
}

/* Redirects are never followed, but whoever reads the log is to know the URL to use instead. */
static struct slice location(const struct http_answer *answer)
{
	struct slice v;

	if (answer->status < 300 || answer->status > 399 || !http_header_find(answer->headers, "Location", &v))
		return slice_str("");
	return slice_trim(v);
}

static void take_answer(struct report *to, const struct http_answer *answer, struct tx *tx)
{
	to->duration_us = answer->timings.total > 0 ? answer->timings.total : 0;
	if (answer->failure != FAILURE_NONE)
		return;
	to->media_type = arena_slice(&tx->arena, media_type(answer->headers));
	to->body = arena_slice(&tx->arena, answer->body);
	to->location = arena_slice(&tx->arena, location(answer));
	tx->bytes += to->body.n;
}

void told_add(struct node *n, const struct engine_report *r, struct tx *tx)
{
	struct told *t;

	if (!n->hooks.report)
		return;
	t = arena_zalloc(&tx->arena, sizeof(*t));
	t->node = n;
	t->row = r->row;
	t->endpoint = endpoint_ref((struct endpoint *)(uintptr_t)r->endpoint);
	t->event = event_ref(r->event);
	t->report = (struct report){ .kind = kind_of(r->outcome),
				     .endpoint = t->endpoint,
				     .event = t->event,
				     .attempt = r->attempt,
				     .started_ms = r->started_ms,
				     .code = r->code,
				     .reason = arena_slice(&tx->arena, r->reason) };
	if (r->answer)
		take_answer(&t->report, r->answer, tx);
	tx_step(tx, tell, t);
	tx_on_free(tx, drop, t);
}
