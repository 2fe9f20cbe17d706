/*
 * Events of the past, newest first, each with how it stands at its endpoints. Which ones those are is found by
 * event_find.c.
 */
#include "api/answer.h"
#include "api/deliveries.h"
#include "api/event_find.h"
#include "api/handlers.h"

/* --- showing --- */

/* Ours, and the hub's, which holds secrets. */
static bool is_own_member(struct slice name)
{
	return slice_is(name, "seq") || slice_is(name, "time_accepted") || slice_is(name, "endpoints") ||
	       slice_is(name, "postrider");
}

/* The event as it is, and what we know of it; nothing when a state is given in which it is nowhere. */
static void write_event(struct call *c, struct slice organization, struct slice state, const struct event *ev)
{
	struct deliveries *d = deliveries_of(c, organization, ev);
	struct json_iter it = json_each(json_root(&ev->doc));
	struct json_writer *w = &c->w;
	struct buf scratch;

	if (state.n > 0 && !deliveries_any(d, state)) {
		deliveries_end(d, false);
		return;
	}
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
	deliveries_end(d, true);
	json_end_object(w);
	buf_free(&scratch);
}

static void write_found(struct call *c, const struct event_finding *f)
{
	for (size_t i = 0; i < f->found.count && !buf_failed(&c->out); i++) {
		struct store *reader = node_reader_begin(c->node);
		struct event *ev = log_event(reader, f->found.all[i]);

		node_reader_end(c->node, reader);
		if (ev)
			write_event(c, f->organization, f->state, ev);
		event_unref(&ev);
	}
}

/* --- the list --- */

static void answer_found(struct call *c, const struct event_finding *f, bool count, bool more)
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
	struct fault fault = NO_FAULT;
	struct event_finding f;
	struct page page;
	int64_t before;
	bool more;
	int err;

	if (!page_read(c, "time", "desc", &page) || !page_seq(c, &page, &before) || !event_finding_read(&f, c))
		return;
	f.limit = page.count ? SIZE_MAX : page.size;
	err = event_find(&f, before, &more, &fault);
	if (err)
		answer_err(c, err, &fault);
	else
		answer_found(c, &f, page.count, more);
	event_finding_end(&f);
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
	write_event(c, call_organization(c, c->params[0]), slice_str(""), ev);
	event_unref(&ev);
	answer_json(c, 200);
}
