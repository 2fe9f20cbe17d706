/*
 * Settings tried out before they are saved: what requests they would make of events, shown (render) or really sent once
 * (send). The settings are compiled like any others, so a fault here is the fault that saving would find, at the
 * same place; nothing of them is kept. With an endpoint_id they are laid over those of an endpoint, whose secrets a
 * `***` keeps, and which stay unseen in what is shown.
 *
 * The events are stored ones, by id or the newest that these settings want, or the caller brings them.
 */
#include <stdio.h>

#include "api/endpoint_intake.h"
#include "api/exchange_show.h"
#include "api/handlers.h"
#include "api/log_read.h"
#include "api/owner.h"
#include "api/sample.h"
#include "api/tests.h"
#include "api/veil.h"
#include "base/clock.h"
#include "base/mem.h"

#define EVENTS_MAX	100
#define RENDER_BODY_MAX ((size_t)1024 * 1024)
#define RENDER_MAX	((size_t)8 * 1024 * 1024) /* of all requests together, or drafts would keep the desk busy */
#define SETTINGS_MAX_B	((size_t)16 << 20)

struct draft {
	struct call *call;
	struct endpoint *ep;
	struct event *events[EVENTS_MAX];
	size_t count;
	bool sample; /* made up, because there is none that fits */
};

static void draft_free(struct draft *d)
{
	for (size_t i = 0; i < d->count; i++)
		event_unref(&d->events[i]);
	endpoint_unref(&d->ep);
}

/* --- the settings --- */

static int compile(struct draft *d, struct slice id, struct json settings, struct fault *fault)
{
	struct endpoint_identity who = { .revision = 1,
					 .owner = d->call->params[0],
					 .id = id.n > 0 ? id : SLICE_LIT("draft"),
					 .organization_id = call_organization(d->call, d->call->params[0]) };

	return endpoint_compile(settings, &who, &d->ep, fault);
}

/* What the endpoint has, with the draft laid over it, as a PATCH would. */
static int compile_over(struct draft *d, const struct endpoint *base, struct json settings, struct fault *fault)
{
	struct json_doc old, merged;
	struct buf text;
	int err;

	buf_init(&text, SETTINGS_MAX_B);
	json_doc_init(&old);
	json_doc_init(&merged);
	err = json_parse(&old, base->source, &json_limits_default, fault);
	if (!err)
		endpoint_merge(json_root(&old), settings, &text);
	if (!err)
		err = json_parse(&merged, buf_slice(&text), &json_limits_default, fault);
	if (!err)
		err = compile(d, slice_str(base->id), json_root(&merged), fault);
	json_doc_free(&merged);
	json_doc_free(&old);
	if (text.p)
		mem_wipe(text.p, text.n);
	buf_free(&text);
	return err;
}

static int take_settings(struct draft *d, const struct endpoint *base, struct json settings, struct fault *fault)
{
	struct intake in;
	int err = intake_make(settings, slice_str(base ? base->id : "draft"), base, false, &in, fault);

	if (!err)
		err = base ? compile_over(d, base, intake_root(&in), fault)
			   : compile(d, slice_str(""), intake_root(&in), fault);
	intake_free(&in);
	return err;
}

/* False: answered. */
static bool read_settings(struct draft *d, struct json body)
{
	struct json id = json_get(body, "endpoint_id"), settings = json_get(body, "settings");
	struct owner owner = { d->call->params[0], false };
	struct fault fault = NO_FAULT;
	struct endpoint_view base;
	struct json_doc nothing;
	struct slice name;
	struct buf scratch;
	bool found, over = !json_is_nil(id);
	int err;

	if (!json_is_nil(settings) && json_type(settings) != JSON_OBJECT) {
		answer_error(d->call, 400, "invalid_param", "settings", "must be an object, not %s",
			     json_type_name(json_type(settings)));
		return false;
	}
	buf_init(&scratch, 4096);
	name = json_text_slice(id, &scratch);
	found = over && node_endpoint_get(d->call->node, owner, name, &base) == 0;
	if (over && (!found || base.endpoint->internal)) {
		if (found)
			node_endpoint_view_free(&base);
		answer_error(d->call, 404, "not_found", "endpoint_id", "there is no endpoint \"%.*s\"",
			     SLICE_HEAD(name, 100));
		buf_free(&scratch);
		return false;
	}
	json_doc_init(&nothing);
	json_parse(&nothing, SLICE_LIT("{}"), &json_limits_default, NULL);
	err = take_settings(d, over ? base.endpoint : NULL, json_is_nil(settings) ? json_root(&nothing) : settings,
			    &fault);
	if (err)
		answer_fault(d->call, 422, &fault);
	json_doc_free(&nothing);
	if (over)
		node_endpoint_view_free(&base);
	buf_free(&scratch);
	return !err;
}

/* --- the events --- */

static bool too_many(struct call *c, const char *param, struct json list)
{
	size_t n = 0;

	for (struct json_iter it = json_each(list); json_next(&it);)
		n++;
	if (json_type(list) == JSON_ARRAY && n > 0 && n <= EVENTS_MAX)
		return false;
	answer_error(c, 400, "invalid_param", param, "must be a list of 1 to %d of them", EVENTS_MAX);
	return true;
}

static bool take_given(struct draft *d, struct json events)
{
	struct json_iter it = json_each(events);
	struct fault fault = NO_FAULT;

	if (too_many(d->call, "events", events))
		return false;
	while (json_next(&it)) {
		if (event_parse(it.value, d->call->params[0], node_now_ms(d->call->node), &d->events[d->count],
				&fault)) {
			fault_within(&fault, "events[%zu]", d->count);
			answer_err(d->call, ERR_INVALID, &fault);
			return false;
		}
		d->count++;
	}
	return true;
}

static struct event *stored(struct call *c, struct slice id)
{
	struct store *reader = node_reader_begin(c->node);
	struct seqs seqs = { .most = 1 };
	struct event *ev = NULL;

	store_search(reader, SEARCH_EVENT_ID, c->params[0], id, INT64_MAX, seqs_collect, &seqs, NULL);
	if (seqs.count > 0)
		ev = log_event(reader, seqs.all[0]);
	node_reader_end(c->node, reader);
	seqs_free(&seqs);
	return ev;
}

static bool take_named(struct draft *d, struct json ids)
{
	struct json_iter it = json_each(ids);
	struct buf scratch;
	char param[32];
	bool good = true;

	if (too_many(d->call, "event_ids", ids))
		return false;
	buf_init(&scratch, 4096);
	while (good && json_next(&it)) {
		d->events[d->count] = stored(d->call, json_text_slice(it.value, &scratch));
		good = d->events[d->count] != NULL;
		d->count += good;
	}
	buf_free(&scratch);
	if (!good) {
		snprintf(param, sizeof(param), "event_ids[%zu]", d->count);
		answer_error(d->call, 404, "not_found", param,
			     "there is no such event, or it is older than events are kept");
	}
	return good;
}

/* The newest first; a bounded part of the log. */
struct newest {
	struct draft *draft;
	size_t wanted;
};

static bool take_newest(void *ctx, const struct log_row *row)
{
	struct newest *n = ctx;
	struct draft *d = n->draft;
	const struct event_row *er = &row->u.event;
	struct event *ev;

	if (!row->is_event || row->damaged || !slice_eq(er->project, d->call->params[0]) ||
	    event_load(er->text, er->project, row->seq, er->accepted_ms, &ev))
		return true;
	if (endpoint_wants(d->ep, ev))
		d->events[d->count++] = ev;
	else
		event_unref(&ev);
	return d->count < n->wanted;
}

/* As a delivery would have them: the oldest in front. */
static void reverse(struct draft *d)
{
	for (size_t i = 0; i < d->count / 2; i++) {
		struct event *ev = d->events[i];

		d->events[i] = d->events[d->count - 1 - i];
		d->events[d->count - 1 - i] = ev;
	}
}

static bool take_latest(struct draft *d, struct json latest)
{
	struct newest n = { d, 1 };
	struct store *reader;
	long long wanted;

	if (!json_is_nil(latest)) {
		if (json_type(latest) != JSON_NUMBER || !slice_to_i64(json_raw(latest), &wanted) || wanted < 1 ||
		    wanted > EVENTS_MAX) {
			answer_error(d->call, 400, "invalid_param", "latest", "must be a number from 1 to %d",
				     EVENTS_MAX);
			return false;
		}
		n.wanted = (size_t)wanted;
	}
	reader = node_reader_begin(d->call->node);
	store_log_back(reader, INT64_MAX, SCAN_ROWS_MAX, take_newest, &n, NULL);
	node_reader_end(d->call->node, reader);
	reverse(d);
	d->sample = d->count == 0;
	if (d->sample)
		d->events[d->count++] = sample_event(d->ep, d->call->params[0], node_now_ms(d->call->node));
	return true;
}

/* False: answered. */
static bool read_events(struct draft *d, struct json body)
{
	struct json ids = json_get(body, "event_ids"), events = json_get(body, "events");

	if (!json_is_nil(events))
		return take_given(d, events);
	if (!json_is_nil(ids))
		return take_named(d, ids);
	return take_latest(d, json_get(body, "latest"));
}

static bool check_names(struct call *c, struct json body)
{
	static const char *const names[] = { "endpoint_id", "settings", "event_ids", "events", "latest", NULL };
	struct json_iter it = json_each(body);
	char param[64];

	while (json_next(&it)) {
		struct slice name = json_escaped_text(it.key);

		if (slice_among(name, names))
			continue;
		slice_copy(param, sizeof(param), name);
		answer_error(c, 400, "invalid_param", param,
			     "is not known here; endpoint_id, settings, event_ids, events and latest are");
		return false;
	}
	return true;
}

/* False: answered; draft_free in any case. */
static bool draft_read(struct draft *d, struct call *c)
{
	struct json body;

	*d = (struct draft){ .call = c };
	return call_body(c, &body) && check_names(c, body) && read_settings(d, body) && read_events(d, body);
}

/* --- render --- */

/* So many events from place i on agree in what one request must agree in, and fit into one. */
static size_t batch_of(const struct draft *d, size_t i)
{
	size_t most = d->ep->batch.max_items > 1 && d->ep->method == HTTP_POST ? d->ep->batch.max_items : 1, n = 1;
	uint64_t group = endpoint_group(d->ep, d->events[i]);

	while (n < most && i + n < d->count && endpoint_group(d->ep, d->events[i + n]) == group)
		n++;
	return n;
}

static void write_request(struct json_writer *w, const struct draft *d, size_t i, size_t n, const struct request *rq)
{
	json_begin_object(w);
	json_key(w, "request");
	request_show(w, d->ep, d->events[i], &rq->http, RENDER_BODY_MAX);
	json_key(w, "event_ids");
	json_begin_array(w);
	for (size_t k = i; k < i + n; k++)
		json_put_string(w, d->events[k]->id);
	json_end_array(w);
	json_end_object(w);
}

static int write_requests(struct json_writer *w, const struct draft *d, struct fault *fault)
{
	size_t bytes = 0;
	int err = 0;

	json_begin_array(w);
	for (size_t i = 0, taken = 0; i < d->count && !err; i += taken) {
		struct request rq;

		request_init(&rq);
		err = request_render(d->ep, &d->events[i], batch_of(d, i), true, 1, clock_wall_ms() / 1000, &rq, &taken,
				     fault);
		bytes += rq.http.body.n;
		if (!err && i > 0 && bytes > RENDER_MAX)
			err = fault_set(fault, "too_large", "",
					"the requests are larger than %zu bytes together; take fewer events",
					RENDER_MAX);
		if (!err)
			write_request(w, d, i, taken, &rq);
		request_free(&rq);
	}
	json_end_array(w);
	return err;
}

static void answer_rendered(struct call *c, const struct draft *d)
{
	struct json_writer *w = answer_begin(c);
	struct fault fault = NO_FAULT;

	json_begin_object(w);
	json_key(w, "requests");
	if (write_requests(w, d, &fault)) {
		answer_fault(c, 422, &fault);
		return;
	}
	json_key(w, "events");
	json_begin_array(w);
	for (size_t i = 0; i < d->count; i++)
		event_shown(w, d->events[i]);
	json_end_array(w);
	json_key(w, "matches");
	json_begin_array(w);
	for (size_t i = 0; i < d->count; i++)
		json_put_bool(w, endpoint_wants(d->ep, d->events[i]));
	json_end_array(w);
	json_member_bool(w, "sample", d->sample);
	json_end_object(w);
	answer_json(c, 200);
}

/* False: answered. */
static bool draft_veil(struct draft *d)
{
	struct endpoint *real = d->ep;
	struct fault fault = NO_FAULT;
	int err = veil(d->call, real, &d->ep, &fault);

	if (err) {
		d->ep = NULL;
		answer_fault(d->call, 422, &fault);
	}
	endpoint_unref(&real);
	return !err;
}

void draft_render(struct call *c)
{
	struct draft d;

	if (draft_read(&d, c) && draft_veil(&d))
		answer_rendered(c, &d);
	draft_free(&d);
}

/* --- send --- */

/* As many as go into the first request. */
static void send_first(struct call *c, const struct draft *d)
{
	struct fault fault = NO_FAULT;
	struct request rq;
	size_t taken;

	request_init(&rq);
	if (request_render(d->ep, d->events, batch_of(d, 0), true, 1, clock_wall_ms() / 1000, &rq, &taken, &fault))
		answer_fault(c, 422, &fault);
	else
		tests_send(c->api->tests, c, d->ep, d->events, taken);
	request_free(&rq);
}

void draft_send(struct call *c)
{
	struct draft d;

	if (draft_read(&d, c))
		send_first(c, &d);
	draft_free(&d);
}
