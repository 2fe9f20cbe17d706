/*
 * Events of the past, newest first, each with how it stands at its endpoints. With a message id the search index leads
 * to them; without one the log is read backwards, a bounded number of rows a page: a page may come back short or empty
 * with `truncated`, and the client goes on from its marker.
 */
#include "api/answer.h"
#include "api/deliveries.h"
#include "api/handlers.h"
#include "api/log_read.h"
#include "base/mem.h"

#define OF_MESSAGE_MAX 10000 /* events of one message that a page looks through */

struct finding {
	struct slice project, type_front; /* how the text of the wanted type begins; empty: any */
	struct period period;
	struct seqs found;
	size_t limit;
	uint32_t scanned;
	int64_t last_seen; /* where the next page goes on */
	bool ended;	   /* nothing older can match */
};

/* --- finding --- */

static bool wanted(const struct finding *f, const struct event_row *ev)
{
	return slice_eq(ev->project, f->project) && slice_starts(ev->text, f->type_front) &&
	       period_has(&f->period, ev->accepted_ms);
}

static bool scan_row(void *ctx, const struct log_row *row)
{
	struct finding *f = ctx;

	f->scanned++;
	if (!row->damaged && period_over(&f->period, log_row_ms(row))) {
		f->ended = true;
		return false;
	}
	if (row->is_event && !row->damaged && wanted(f, &row->u.event)) {
		if (f->found.count == f->limit)
			return false;
		seqs_add(&f->found, row->seq);
	}
	f->last_seen = row->seq;
	return true;
}

static int scan(struct finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	int err;

	before = period_seek(&f->period, reader, before);
	err = store_log_back(reader, before, SCAN_ROWS_MAX, scan_row, f, fault);
	*ret_more = !err && !f->ended && (f->found.count == f->limit || f->scanned >= SCAN_ROWS_MAX);
	return err;
}

static bool check_row(void *ctx, const struct log_row *row)
{
	struct finding *f = ctx;

	if (row->is_event && !row->damaged && wanted(f, &row->u.event))
		seqs_add(&f->found, row->seq);
	f->last_seen = row->seq;
	return false;
}

static int search(struct finding *f, struct store *reader, struct slice message_id, int64_t before, bool *ret_more,
		  struct fault *fault)
{
	struct seqs candidates = { .most = OF_MESSAGE_MAX };
	size_t i;
	int err = store_search(reader, SEARCH_MESSAGE_ID, f->project, message_id, before, seqs_collect, &candidates,
			       fault);

	for (i = 0; i < candidates.count && f->found.count < f->limit && !err; i++) {
		err = store_log_get(reader, candidates.all[i], check_row, f, fault);
		err = err == ERR_NOT_FOUND ? 0 : err;
	}
	*ret_more = candidates.more || i < candidates.count;
	seqs_free(&candidates);
	return err;
}

/* --- showing --- */

/* Ours, and the hub's, which holds secrets. */
static bool is_own_member(struct slice name)
{
	return slice_is(name, "seq") || slice_is(name, "time_accepted") || slice_is(name, "endpoints") ||
	       slice_is(name, "postrider");
}

/* The event as it is, and what we know of it. */
static void write_event(struct call *c, struct slice organization, const struct event *ev)
{
	struct json_iter it = json_each(json_root(&ev->doc));
	struct json_writer *w = &c->w;
	struct buf scratch;

	buf_init(&scratch, 64 * 1024);
	json_begin_object(w);
	while (json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		if (is_own_member(name))
			continue;
		json_key_slice(w, name);
		json_put_raw(w, json_raw(it.value));
	}
	json_member_i64(w, "seq", ev->seq);
	json_member_i64(w, "time_accepted", ev->accepted_ms / 1000);
	json_key(w, "endpoints");
	deliveries_write(c, organization, ev);
	json_end_object(w);
	buf_free(&scratch);
}

static void write_found(struct call *c, const struct finding *f)
{
	struct slice organization = call_organization(c, f->project);

	for (size_t i = 0; i < f->found.count && !buf_failed(&c->out); i++) {
		struct store *reader = node_reader_begin(c->node);
		struct event *ev = log_event(reader, f->found.all[i]);

		node_reader_end(c->node, reader);
		if (ev)
			write_event(c, organization, ev);
		event_unref(&ev);
	}
}

/* --- the list --- */

static bool read_type(struct call *c, struct finding *f)
{
	struct slice word;
	struct buf text;

	if (!call_argument(c, "type", &word))
		return true;
	if (event_type_of(word) == EVENT_TYPES) {
		answer_error(
			c, 400, "invalid_param", "type",
			"must be incoming_message, send_status, send_broadcast, contact_update or message_metadata");
		return false;
	}
	buf_init(&text, 64);
	buf_addf(&text, "{\"type\":\"%.*s\"", SLICE_ARG(word));
	f->type_front = arena_take_buf(&c->arena, &text);
	return true;
}

static void answer_found(struct call *c, const struct finding *f, bool count, bool more)
{
	char marker[24] = "";
	struct buf text;

	buf_init(&text, sizeof(marker));
	buf_add_i64(&text, f->last_seen);
	slice_copy(marker, sizeof(marker), buf_slice(&text));
	buf_free(&text);
	if (count) {
		struct json_writer *w = answer_begin(c);

		json_begin_object(w);
		json_member_i64(w, "count", (int64_t)f->found.count);
		json_member_bool(w, "truncated", more);
		json_member_str(w, "next_marker", more ? marker : NULL);
		json_end_object(w);
		answer_json(c, 200);
		return;
	}
	page_begin(c);
	write_found(c, f);
	page_end(c, more, slice_str(marker));
}

void events_list(struct call *c)
{
	struct finding f = { .project = c->params[0] };
	struct fault fault = NO_FAULT;
	struct slice message_id;
	struct store *reader;
	struct page page;
	int64_t before;
	bool more = false;
	int err;

	if (!page_read(c, "time", "desc", &page) || !page_seq(c, &page, &before) || !period_read(c, &f.period) ||
	    !read_type(c, &f))
		return;
	f.limit = page.count ? SIZE_MAX : page.size;
	f.last_seen = before;
	reader = node_reader_begin(c->node);
	if (call_argument(c, "message_id", &message_id))
		err = search(&f, reader, message_id, before, &more, &fault);
	else
		err = scan(&f, reader, before, &more, &fault);
	node_reader_end(c->node, reader);
	if (err)
		answer_err(c, err, &fault);
	else
		answer_found(c, &f, page.count, more);
	seqs_free(&f.found);
}

/* --- one --- */

static struct event *find_event(struct call *c)
{
	struct store *reader = node_reader_begin(c->node);
	struct seqs seqs = { .most = 1 };
	struct event *ev = NULL;
	struct fault fault;

	store_search(reader, SEARCH_EVENT_ID, c->params[0], c->params[1], INT64_MAX, seqs_collect, &seqs, &fault);
	if (seqs.count > 0)
		ev = log_event(reader, seqs.all[0]);
	node_reader_end(c->node, reader);
	seqs_free(&seqs);
	return ev;
}

void event_get(struct call *c)
{
	struct event *ev = find_event(c);

	if (!ev) {
		answer_error(c, 404, "not_found", NULL,
			     "there is no event \"%.*s\", or it is older than events are kept",
			     (int)(c->params[1].n < 300 ? c->params[1].n : 300), c->params[1].p);
		return;
	}
	answer_begin(c);
	write_event(c, call_organization(c, c->params[0]), ev);
	event_unref(&ev);
	answer_json(c, 200);
}
