/*
 * Delivery attempts, newest first. An attempt row names an endpoint by number and its events by seq; which project it
 * belongs to follows from the endpoint, or, for an endpoint of an organization, from the events. Rows are copied while
 * the log is read, and only then judged and shown, so that never more than one reader is held.
 *
 * The request is not stored: it is rendered again from the events
 * and the revision of the settings, which gives the same bytes.
 */
#include "api/answer.h"
#include "api/endpoint_show.h"
#include "api/exchange_show.h"
#include "api/handlers.h"
#include "api/log_read.h"
#include "base/failure.h"
#include "base/mem.h"
#include "engine/detail.h"

#define OF_EVENTS_MAX 1000 /* events, and attempts of one event, that a search by event or message looks at */

enum belongs { BELONGS_NOT, BELONGS, BELONGS_BY_EVENTS, BELONGS_PERHAPS };

/* What is known of an endpoint number, so that a scan asks once. */
struct known {
	uint64_t number;
	enum belongs belongs;
};

struct finding {
	struct call *call;
	struct slice project, organization, endpoint_id;
	int outcome; /* enum attempt_outcome, -1: any */
	struct period period;
	struct known *known;
	size_t known_count, known_cap;
	struct attempt_row **rows; /* copies in the call's arena */
	size_t count, limit;
	bool counting; /* rows are not kept */
	uint32_t scanned;
	int64_t last_seen;
	bool ended;
};

/* --- whose is it? --- */

static enum belongs judge(const struct finding *f, const struct endpoint *ep)
{
	if (f->endpoint_id.n > 0 && !slice_is(f->endpoint_id, ep->id))
		return BELONGS_NOT;
	if (ep->of_organization)
		return slice_is(f->organization, ep->owner) ? BELONGS_BY_EVENTS : BELONGS_NOT;
	return slice_is(f->project, ep->owner) ? BELONGS : BELONGS_NOT;
}

static enum belongs ask(const struct finding *f, uint64_t number)
{
	struct endpoint_view v;
	enum belongs b;

	if (node_endpoint_by_number(f->call->node, number, &v))
		return BELONGS_PERHAPS; /* deleted: its revision knows */
	b = judge(f, v.endpoint);
	node_endpoint_view_free(&v);
	return b;
}

static struct known *known_of(struct finding *f, uint64_t number)
{
	struct known *k;

	for (size_t i = 0; i < f->known_count; i++)
		if (f->known[i].number == number)
			return &f->known[i];
	if (f->known_count == f->known_cap) {
		f->known_cap = f->known_cap ? f->known_cap * 2 : 16;
		f->known = mem_realloc(f->known, f->known_cap * sizeof(*f->known));
	}
	k = &f->known[f->known_count++];
	*k = (struct known){ number, ask(f, number) };
	return k;
}

/* --- finding --- */

static struct attempt_row *copy_row(struct arena *a, const struct attempt_row *row)
{
	struct attempt_row *copy = arena_alloc(a, sizeof(*copy));
	size_t bytes = row->item_count * sizeof(*row->items);
	struct attempt_item *items = arena_alloc(a, bytes + 1);

	*copy = *row;
	if (bytes > 0)
		memcpy(items, row->items, bytes);
	copy->items = items;
	copy->delivery_id = arena_slice(a, row->delivery_id);
	copy->detail = arena_slice(a, row->detail);
	return copy;
}

static bool passes(struct finding *f, const struct attempt_row *row)
{
	return (f->outcome < 0 || f->outcome == (int)row->outcome) && period_has(&f->period, row->time_ms) &&
	       known_of(f, row->endpoint)->belongs != BELONGS_NOT;
}

static void keep(struct finding *f, const struct attempt_row *row)
{
	if (f->counting) {
		f->count++;
		return;
	}
	if (!f->rows)
		f->rows = arena_alloc(&f->call->arena, f->limit * sizeof(*f->rows));
	f->rows[f->count++] = copy_row(&f->call->arena, row);
}

static bool scan_row(void *ctx, const struct log_row *row)
{
	struct finding *f = ctx;

	f->scanned++;
	if (!row->damaged && period_over(&f->period, log_row_ms(row))) {
		f->ended = true;
		return false;
	}
	if (!row->is_event && !row->damaged && passes(f, &row->u.attempt)) {
		if (f->count == f->limit)
			return false;
		keep(f, &row->u.attempt);
	}
	f->last_seen = row->seq;
	return true;
}

static int scan(struct finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	int err;

	before = period_seek(&f->period, reader, before);
	err = store_log_back(reader, before, SCAN_ROWS_MAX, scan_row, f, fault);
	*ret_more = !err && !f->ended && (f->count == f->limit || f->scanned >= SCAN_ROWS_MAX);
	return err;
}

static bool check_row(void *ctx, const struct log_row *row)
{
	struct finding *f = ctx;

	if (!row->is_event && !row->damaged && passes(f, &row->u.attempt))
		keep(f, &row->u.attempt);
	f->last_seen = row->seq;
	return false;
}

/* Attempts that name any of these events. */
static int attempts_of(struct store *reader, const struct seqs *events, int64_t before, struct seqs *ret,
		       struct fault *fault)
{
	int err = 0;

	for (size_t i = 0; i < events->count && !err; i++) {
		struct seqs some = { .most = OF_EVENTS_MAX };
		struct buf text;

		buf_init(&text, 24);
		buf_add_i64(&text, events->all[i]);
		err = store_search(reader, SEARCH_EVENT_SEQ, slice_str(""), buf_slice(&text), before, seqs_collect,
				   &some, fault);
		for (size_t j = 0; j < some.count; j++)
			seqs_add(ret, some.all[j]);
		ret->more |= some.more;
		buf_free(&text);
		seqs_free(&some);
	}
	return err;
}

static int search(struct finding *f, struct store *reader, enum search_key what, struct slice key, int64_t before,
		  bool *ret_more, struct fault *fault)
{
	struct seqs events = { .most = OF_EVENTS_MAX }, found = { 0 };
	size_t i = 0;
	int err = store_search(reader, what, f->project, key, INT64_MAX, seqs_collect, &events, fault);

	if (!err)
		err = attempts_of(reader, &events, before, &found, fault);
	seqs_order(&found, SIZE_MAX);
	while (i < found.count && f->count < f->limit && !err) {
		err = store_log_get(reader, found.all[i++], check_row, f, fault);
		err = err == ERR_NOT_FOUND ? 0 : err;
	}
	*ret_more = found.more || i < found.count;
	seqs_free(&events);
	seqs_free(&found);
	return err;
}

/* --- showing one --- */

/* An attempt with everything that it names. */
struct shown {
	const struct attempt_row *row;
	struct endpoint *ep;   /* the revision it was sent with; NULL when it is not known any more */
	struct event **events; /* NULL where one is gone */
	bool mixed;	       /* holds events of other projects: only the items of ours are shown, and no bodies */
};

static void load_events(struct call *c, struct shown *s)
{
	struct store *reader = node_reader_begin(c->node);

	s->events = arena_alloc(&c->arena, s->row->item_count * sizeof(struct event *) + 1);
	for (uint32_t i = 0; i < s->row->item_count; i++)
		s->events[i] = log_event(reader, s->row->items[i].event_seq);
	node_reader_end(c->node, reader);
}

static bool is_ours(const struct finding *f, const struct shown *s, uint32_t i)
{
	return s->events[i] && slice_eq(s->events[i]->project, f->project);
}

/* False: the attempt is none of this project's. */
static bool shown_begin(struct finding *f, const struct attempt_row *row, struct shown *s)
{
	enum belongs b = known_of(f, row->endpoint)->belongs;
	bool ours = false;

	*s = (struct shown){ .row = row, .ep = node_endpoint_revision(f->call->node, row->endpoint, row->revision) };
	if (b == BELONGS_PERHAPS)
		b = s->ep ? judge(f, s->ep) : BELONGS_NOT;
	if (b == BELONGS_NOT)
		return false;
	load_events(f->call, s);
	for (uint32_t i = 0; i < row->item_count; i++) {
		ours |= is_ours(f, s, i);
		s->mixed |= b == BELONGS_BY_EVENTS && !is_ours(f, s, i);
	}
	return b == BELONGS || ours;
}

static void shown_end(struct shown *s)
{
	for (uint32_t i = 0; s->events && i < s->row->item_count; i++)
		event_unref(&s->events[i]);
	endpoint_unref(&s->ep);
}

/* May it be rendered again? */
static bool complete(const struct shown *s)
{
	if (!s->ep || (s->row->item_count > 1 && (s->ep->batch.max_items < 2 || s->ep->method != HTTP_POST)))
		return false;
	for (uint32_t i = 0; i < s->row->item_count; i++)
		if (!s->events[i])
			return false;
	return s->row->attempt > 0 && s->row->item_count > 0;
}

static const struct event *first_event(const struct shown *s)
{
	return s->row->item_count > 0 ? s->events[0] : NULL;
}

/* What the receiver repeated of a secret can't be masked once the event that holds it is gone. */
static bool may_tell_secret(const struct shown *s)
{
	return s->ep && s->ep->url_from_event && !first_event(s);
}

static void write_request(struct json_writer *w, const struct shown *s)
{
	struct fault fault;
	struct request rq;
	size_t taken;

	if (s->mixed || !complete(s)) {
		json_put_null(w);
		return;
	}
	request_init(&rq);
	if (request_render(s->ep, s->events, s->row->item_count, false, s->row->attempt, s->row->time_ms / 1000, &rq,
			   &taken, &fault))
		json_put_null(w);
	else
		request_show(w, s->ep, s->events[0], &rq.http, SHOWN_BODY_MAX);
	request_free(&rq);
}

static void write_response(struct json_writer *w, const struct shown *s, const struct attempt_detail *d)
{
	if (s->mixed || !s->ep || may_tell_secret(s) || (s->row->code < 0 && d->headers.n == 0))
		json_put_null(w);
	else
		response_show(w, s->ep, first_event(s), d->headers, d->body, d->body_size);
}

static void write_items(struct json_writer *w, const struct finding *f, const struct shown *s)
{
	json_begin_array(w);
	for (uint32_t i = 0; i < s->row->item_count; i++) {
		const struct event *ev = s->events[i];

		if (s->mixed && !is_ours(f, s, i))
			continue;
		json_begin_object(w);
		json_key(w, "event_id");
		if (ev)
			json_put_string(w, ev->id);
		else
			json_put_null(w);
		json_key(w, "message_id");
		if (ev && ev->message_id.n > 0)
			json_put_string(w, ev->message_id);
		else
			json_put_null(w);
		json_member_bool(w, "acked", s->row->items[i].fate == ITEM_DONE);
		json_end_object(w);
	}
	json_end_array(w);
}

/* A success status that comes with a reason of its own is an answer that did not acknowledge. */
static void write_explanation(struct json_writer *w, const struct attempt_row *row, struct slice reason)
{
	int code = row->outcome == ATTEMPT_OK ? 0 : row->code;

	if (code >= 200 && code <= 299 && reason.n > 0)
		code = -(int)FAILURE_BAD_ACK;
	json_key(w, "explanation");
	explanation_show(w, code);
}

static void write_detail(struct json_writer *w, const struct shown *s)
{
	struct attempt_detail d = { .duration_us = -1, .timings = { -1, -1, -1, -1, -1 } };

	if (!detail_decode(s->row->detail, &d))
		d = (struct attempt_detail){ .duration_us = -1, .timings = { -1, -1, -1, -1, -1 } };
	json_key(w, "reason");
	if (d.reason.n > 0)
		json_put_string(w, d.reason);
	else if (s->row->outcome != ATTEMPT_OK && s->row->code > 0 && s->ep)
		status_reason_show(w, s->ep, first_event(s), s->row->code,
				   s->mixed || may_tell_secret(s) ? slice_str("") : d.headers);
	else
		json_put_null(w);
	write_explanation(w, s->row, d.reason);
	json_key(w, "duration_ms");
	ms_write(w, d.duration_us);
	json_key(w, "timings");
	timings_show(w, &d.timings);
	json_key(w, "request");
	write_request(w, s);
	json_key(w, "response");
	write_response(w, s, &d);
}

static void write_attempt(struct json_writer *w, const struct finding *f, const struct shown *s)
{
	static const char *const outcomes[] = { "ok", "retry", "failed" };
	const struct attempt_row *row = s->row;

	struct buf text;

	buf_init(&text, 24);
	buf_add_i64(&text, row->seq);
	json_begin_object(w);
	json_member_string(w, "id", buf_slice(&text));
	buf_free(&text);
	json_member_str(w, "endpoint_id", s->ep ? s->ep->id : NULL);
	if (s->ep && s->ep->of_organization)
		json_member_str(w, "organization_id", s->ep->owner);
	json_member_string(w, "delivery_id", row->delivery_id);
	json_member_i64(w, "attempt", row->attempt);
	json_member_i64(w, "time", row->time_ms / 1000);
	json_member_i64(w, "time_ms", row->time_ms);
	json_member_str(w, "outcome", outcomes[row->outcome <= ATTEMPT_FAILED ? row->outcome : ATTEMPT_FAILED]);
	json_key(w, "code");
	code_write(w, row->code);
	write_detail(w, s);
	json_key(w, "items");
	write_items(w, f, s);
	json_end_object(w);
}

static void write_found(struct finding *f)
{
	for (size_t i = 0; i < f->count && !buf_failed(&f->call->out); i++) {
		struct shown s;

		if (shown_begin(f, f->rows[i], &s))
			write_attempt(&f->call->w, f, &s);
		shown_end(&s);
	}
}

/* --- the list --- */

static bool read_outcome(struct call *c, int *ret)
{
	struct slice word;

	*ret = -1;
	if (!call_argument(c, "outcome", &word))
		return true;
	if (slice_is(word, "ok"))
		*ret = ATTEMPT_OK;
	else if (slice_is(word, "retry"))
		*ret = ATTEMPT_RETRY;
	else if (slice_is(word, "failed"))
		*ret = ATTEMPT_FAILED;
	else
		answer_error(c, 400, "invalid_param", "outcome", "must be ok, retry or failed");
	return *ret >= 0;
}

static int find(struct finding *f, int64_t before, bool *ret_more, struct fault *fault)
{
	struct store *reader = node_reader_begin(f->call->node);
	struct slice id;
	int err;

	if (call_argument(f->call, "event_id", &id))
		err = search(f, reader, SEARCH_EVENT_ID, id, before, ret_more, fault);
	else if (call_argument(f->call, "message_id", &id))
		err = search(f, reader, SEARCH_MESSAGE_ID, id, before, ret_more, fault);
	else
		err = scan(f, reader, before, ret_more, fault);
	node_reader_end(f->call->node, reader);
	return err;
}

static void finding_begin(struct finding *f, struct call *c)
{
	*f = (struct finding){ .call = c, .project = c->params[0], .outcome = -1, .limit = 1 };
	f->organization = call_organization(c, f->project);
	f->endpoint_id = slice_str("");
}

static void answer_found(struct finding *f, bool more)
{
	struct json_writer *w;
	struct buf marker;

	buf_init(&marker, 24);
	buf_add_i64(&marker, f->last_seen);
	if (f->counting) {
		w = answer_begin(f->call);
		json_begin_object(w);
		json_member_i64(w, "count", (int64_t)f->count);
		json_member_bool(w, "truncated", more);
		json_member_str(w, "next_marker", more ? buf_str(&marker) : NULL);
		json_end_object(w);
		answer_json(f->call, 200);
	} else {
		page_begin(f->call);
		write_found(f);
		page_end(f->call, more, buf_slice(&marker));
	}
	buf_free(&marker);
}

void attempts_list(struct call *c)
{
	struct fault fault = NO_FAULT;
	struct finding f;
	struct page page;
	int64_t before;
	bool more = false;
	int err;

	finding_begin(&f, c);
	call_argument(c, "endpoint_id", &f.endpoint_id);
	if (!page_read(c, "time", "desc", &page) || !page_seq(c, &page, &before) || !period_read(c, &f.period) ||
	    !read_outcome(c, &f.outcome))
		return;
	f.counting = page.count;
	f.limit = page.count ? SIZE_MAX : page.size;
	f.last_seen = before;
	err = find(&f, before, &more, &fault);
	if (err)
		answer_err(c, err, &fault);
	else
		answer_found(&f, more);
	mem_free(f.known);
}

/* --- one --- */

static void answer_one(struct finding *f)
{
	struct shown s = { 0 };

	if (f->count > 0 && shown_begin(f, f->rows[0], &s)) {
		answer_begin(f->call);
		write_attempt(&f->call->w, f, &s);
		shown_end(&s);
		answer_json(f->call, 200);
		return;
	}
	shown_end(&s);
	answer_error(f->call, 404, "not_found", NULL,
		     "there is no such attempt, or it is older than attempts are kept");
}

void attempt_get(struct call *c)
{
	struct store *reader;
	struct finding f;
	struct fault fault;
	long long seq;

	finding_begin(&f, c);
	if (slice_to_i64(c->params[1], &seq)) {
		reader = node_reader_begin(c->node);
		store_log_get(reader, seq, check_row, &f, &fault);
		node_reader_end(c->node, reader);
	}
	answer_one(&f);
	mem_free(f.known);
}
