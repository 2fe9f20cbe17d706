/*
 * Trying an endpoint out: the request for a sample event or for one that the caller brings, shown (render) or really
 * sent (test). Neither is recorded, and the endpoint's filters do not matter.
 */
#include "api/exchange_show.h"
#include "api/handlers.h"
#include "api/owner.h"
#include "api/sample.h"
#include "api/tests.h"
#include "api/veil.h"
#include "base/clock.h"

#define RENDER_BODY_MAX ((size_t)1024 * 1024)

/* Events of an organization's endpoint come from any of its projects; a made-up one stands for them. */
static struct slice project_of(const struct endpoint *ep)
{
	return ep->of_organization ? SLICE_LIT("sample") : slice_str(ep->owner);
}

/* The event to try with, one reference. False: answered. */
static bool choose_event(struct call *c, const struct endpoint *ep, struct event **ret)
{
	struct fault fault = NO_FAULT;
	struct json body, given;

	if (!call_body_or_none(c, &body))
		return false;
	given = json_get(body, "event");
	if (json_is_nil(given)) {
		*ret = sample_event(ep, project_of(ep), node_now_ms(c->node));
		return true;
	}
	if (event_parse(given, project_of(ep), node_now_ms(c->node), ret, &fault) == 0)
		return true;
	fault_within(&fault, "event");
	answer_err(c, ERR_INVALID, &fault);
	return false;
}

void endpoint_test(struct call *c)
{
	struct endpoint_view v;
	struct event *ev;

	if (!call_endpoint(c, &v))
		return;
	if (choose_event(c, v.endpoint, &ev)) {
		tests_send(c->api->tests, c, v.endpoint, &ev, 1);
		event_unref(&ev);
	}
	node_endpoint_view_free(&v);
}

static void answer_rendered(struct call *c, const struct endpoint *ep, const struct event *ev, const struct request *rq)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_key(w, "request");
	request_show(w, ep, ev, &rq->http, RENDER_BODY_MAX);
	json_member_bool(w, "matches", endpoint_wants(ep, ev));
	json_key(w, "event");
	event_shown(w, ev);
	json_end_object(w);
	answer_json(c, 200);
}

static void render(struct call *c, struct endpoint *real, struct event *ev)
{
	struct endpoint *ep = NULL;
	struct fault fault = NO_FAULT;
	struct request rq;
	size_t taken;

	request_init(&rq);
	if (veil(c, real, &ep, &fault) ||
	    request_render(ep, &ev, 1, false, 1, clock_wall_ms() / 1000, &rq, &taken, &fault))
		answer_fault(c, 422, &fault);
	else
		answer_rendered(c, ep, ev, &rq);
	request_free(&rq);
	endpoint_unref(&ep);
}

void endpoint_render(struct call *c)
{
	struct endpoint_view v;
	struct event *ev;

	if (!call_endpoint(c, &v))
		return;
	if (choose_event(c, v.endpoint, &ev)) {
		render(c, v.endpoint, ev);
		event_unref(&ev);
	}
	node_endpoint_view_free(&v);
}
