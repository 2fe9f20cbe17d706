/*
 * GET /v1/projects/{pid}/dead: what failed for good, newest first. A dead letter names an endpoint, an event and the
 * attempt that ended it; what is shown of each is read when it is shown. Those of an organization's endpoints are here
 * as far as the events are the project's, so a page may be short.
 */
#include "api/answer.h"
#include "api/dead_read.h"
#include "api/endpoint_show.h"
#include "api/exchange_show.h"
#include "api/handlers.h"
#include "api/log_read.h"
#include "base/mem.h"
#include "engine/detail.h"

#define COUNT_MOST 100000 /* letters that count=1 looks at */

struct listing {
	struct call *call;
	struct slice project, organization;
	struct dead_letters letters;
	bool more;
};

/* --- one letter --- */

/* What its last attempt says, copied so that the reader is free when it is shown. */
struct verdict {
	struct arena *arena;
	int64_t event_seq;
	bool known;
	uint64_t endpoint;
	uint32_t revision, attempts;
	bool alone; /* the request carried no other event */
	int code;
	struct slice reason, headers;
};

static uint32_t attempts_of(const struct attempt_row *row, int64_t event_seq)
{
	for (uint32_t i = 0; i < row->item_count; i++)
		if (row->items[i].event_seq == event_seq)
			return row->items[i].attempts;
	return row->attempt;
}

static bool take_verdict(void *ctx, const struct log_row *row)
{
	struct verdict *v = ctx;
	const struct attempt_row *a = &row->u.attempt;
	struct attempt_detail d;

	if (row->is_event || row->damaged)
		return false;
	if (!detail_decode(a->detail, &d))
		d = (struct attempt_detail){ .duration_us = -1 };
	v->known = true;
	v->endpoint = a->endpoint;
	v->revision = a->revision;
	v->attempts = attempts_of(a, v->event_seq);
	v->alone = a->item_count == 1;
	v->code = a->code;
	v->reason = arena_slice(v->arena, d.reason);
	v->headers = arena_slice(v->arena, d.headers);
	return false;
}

/* Where an answer to a batch of an organization's leads may be about the events of others. */
static void write_reason(struct call *c, const struct verdict *v, const struct event *ev)
{
	struct endpoint *ep = node_endpoint_revision(c->node, v->endpoint, v->revision);

	json_key(&c->w, "reason");
	if (v->reason.n > 0)
		json_put_string(&c->w, v->reason);
	else if (v->code > 0 && ep)
		status_reason_show(&c->w, ep, ev, v->code,
				   ep->of_organization && !v->alone ? slice_str("") : v->headers);
	else
		json_put_null(&c->w);
	endpoint_unref(&ep);
}

static void write_verdict(struct call *c, const struct verdict *v, const struct event *ev)
{
	json_key(&c->w, "code");
	code_write(&c->w, v->code);
	write_reason(c, v, ev);
	json_key(&c->w, "explanation");
	explanation_show(&c->w, v->code);
	json_member_i64(&c->w, "attempts", v->attempts);
}

/* The attempt is gone sooner than the letter when letters are kept longer. */
static void write_no_verdict(struct json_writer *w)
{
	json_key(w, "code");
	json_put_null(w);
	json_key(w, "reason");
	json_put_null(w);
	json_key(w, "explanation");
	json_put_null(w);
	json_key(w, "attempts");
	json_put_null(w);
}

static void write_endpoint(struct call *c, const struct dead_letter *letter)
{
	struct endpoint_view v;
	bool known = node_endpoint_by_number(c->node, letter->endpoint, &v) == 0;

	json_member_str(&c->w, "endpoint_id", known ? v.endpoint->id : NULL);
	json_member_str(&c->w, "organization_id", known && v.endpoint->of_organization ? v.endpoint->owner : NULL);
	if (known)
		node_endpoint_view_free(&v);
}

static void write_event(struct json_writer *w, const struct event *ev)
{
	json_member_string(w, "event_id", ev->id);
	json_key(w, "message_id");
	if (ev->message_id.n > 0)
		json_put_string(w, ev->message_id);
	else
		json_put_null(w);
	json_member_str(w, "type", event_type_word(ev->type));
	json_member_i64(w, "seq", ev->seq);
	json_member_i64(w, "time_accepted", ev->accepted_ms / 1000);
}

static void write_letter(struct call *c, const struct dead_letter *letter, const struct event *ev)
{
	struct verdict v = { .arena = &c->arena, .event_seq = letter->event_seq };
	struct store *reader = node_reader_begin(c->node);

	store_log_get(reader, letter->attempt_seq, take_verdict, &v, NULL);
	node_reader_end(c->node, reader);
	json_begin_object(&c->w);
	write_endpoint(c, letter);
	write_event(&c->w, ev);
	json_member_i64(&c->w, "time_failed", letter->time_ms / 1000);
	json_member_i64(&c->w, "attempt_id", letter->attempt_seq);
	if (v.known)
		write_verdict(c, &v, ev);
	else
		write_no_verdict(&c->w);
	json_end_object(&c->w);
}

/* --- the list --- */

/* One endpoint when it is asked for, of the project or its organization. False: there is none, and it is answered. */
static bool choose_endpoints(struct listing *l, uint64_t **ret, size_t *ret_count)
{
	struct call *c = l->call;
	struct endpoint_view v;
	struct slice id;

	if (!call_argument(c, "endpoint_id", &id)) {
		*ret_count = dead_endpoints(c, l->project, l->organization, ret);
		return true;
	}
	if (node_endpoint_get(c->node, (struct owner){ l->project, false }, id, &v) &&
	    (l->organization.n == 0 || node_endpoint_get(c->node, (struct owner){ l->organization, true }, id, &v))) {
		answer_error(c, 404, "not_found", "endpoint_id", "there is no endpoint \"%.*s\"", SLICE_HEAD(id, 100));
		return false;
	}
	*ret = mem_alloc(sizeof(**ret));
	**ret = v.endpoint->number;
	*ret_count = 1;
	node_endpoint_view_free(&v);
	return true;
}

static struct event *event_of(struct listing *l, const struct dead_letter *letter)
{
	struct store *reader = node_reader_begin(l->call->node);
	struct event *ev = log_event(reader, letter->event_seq);

	node_reader_end(l->call->node, reader);
	if (ev && !slice_eq(ev->project, l->project))
		event_unref(&ev);
	return ev;
}

static void answer_page(struct listing *l)
{
	struct call *c = l->call;
	struct buf marker;

	buf_init(&marker, 24);
	if (l->letters.count > 0)
		buf_add_i64(&marker, l->letters.all[l->letters.count - 1].event_seq);
	page_begin(c);
	for (size_t i = 0; i < l->letters.count && !buf_failed(&c->out); i++) {
		struct event *ev = event_of(l, &l->letters.all[i]);

		if (ev)
			write_letter(c, &l->letters.all[i], ev);
		event_unref(&ev);
	}
	page_end(c, l->more, buf_slice(&marker));
	buf_free(&marker);
}

static void answer_count(struct listing *l)
{
	struct json_writer *w;
	int64_t n = 0;

	for (size_t i = 0; i < l->letters.count; i++) {
		struct event *ev = event_of(l, &l->letters.all[i]);

		n += ev != NULL;
		event_unref(&ev);
	}
	w = answer_begin(l->call);
	json_begin_object(w);
	json_member_i64(w, "count", n);
	json_member_bool(w, "truncated", l->more);
	json_end_object(w);
	answer_json(l->call, 200);
}

void dead_list(struct call *c)
{
	struct listing l = { .call = c, .project = c->params[0] };
	struct fault fault = NO_FAULT;
	struct store *reader;
	struct page page;
	uint64_t *endpoints = NULL;
	size_t count;
	int64_t before;
	int err;

	if (!page_read(c, "time", "desc", &page) || !page_seq(c, &page, &before))
		return;
	l.organization = call_organization(c, l.project);
	if (!choose_endpoints(&l, &endpoints, &count))
		return;
	reader = node_reader_begin(c->node);
	err = dead_newest(reader, endpoints, count, before, page.count ? COUNT_MOST : page.size, &l.letters, &l.more,
			  &fault);
	node_reader_end(c->node, reader);
	if (err)
		answer_err(c, err, &fault);
	else if (page.count)
		answer_count(&l);
	else
		answer_page(&l);
	dead_letters_free(&l.letters);
	mem_free(endpoints);
}
