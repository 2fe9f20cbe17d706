/*
 * Posted events: the hot path. All of a request is read and validated before
 * anything is submitted, so that one bad event refuses it whole; the answer is given
 * by the store thread when the commit is through, and nobody has waited for it.
 *
 *	server's thread: parse, validate --node_submit--> store thread: commit, done --> server_answer
 *
 * What the messaging side has to look at (incoming messages, statuses of messages
 * that it has) goes the same way through the hub's function inside the commit; a
 * request goes one way or the other as a whole, so it stays all or nothing.
 *
 * Three shapes come in: one object, an array, or a line an object (NDJSON). The
 * last is told by its media type, or by a first line that is whole by itself.
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "base/mem.h"
#include "hub/intake.h"

#define EVENTS_MAX 10000

struct batch {
	struct call *call;
	struct slice project; /* in the server's request: lives until the answer */
	struct slice trace;   /* likewise: the header traceparent */
	int64_t now_ms;
	struct event **events;
	size_t count, cap;
	struct fault fault;
	int status;
	/* when the hub has a part in it */
	int64_t *seqs;
	bool *duplicates;
};

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		event_unref(&b->events[i]);
	mem_free(b->events);
}

/* --- reading --- */

static bool refuse(struct batch *b, int status)
{
	b->status = status;
	return false;
}

static bool add(struct batch *b, struct json object)
{
	struct event *ev;

	if (b->count == EVENTS_MAX) {
		fault_set(&b->fault, "too_large", "events", "more than %d events; send them in several requests",
			  EVENTS_MAX);
		return refuse(b, 413);
	}
	if (event_parse_traced(object, b->trace, b->project, b->now_ms, &ev, &b->fault))
		return refuse(b, 400);
	if (b->count == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4;
		b->events = mem_realloc(b->events, b->cap * sizeof(struct event *));
	}
	b->events[b->count++] = ev;
	return true;
}

static bool add_at(struct batch *b, struct json object, size_t index)
{
	if (add(b, object))
		return true;
	if (b->status == 400)
		fault_within(&b->fault, "events[%zu]", index);
	return false;
}

static bool broken_json(struct batch *b, const char *what, const struct fault *why)
{
	fault_set(&b->fault, "invalid_json", "", "%s is no valid JSON: at offset %ld: %s", what, why->position,
		  why->message);
	b->fault.position = why->position;
	return refuse(b, 400);
}

static struct slice next_line(struct slice *rest)
{
	size_t n = slice_find(*rest, '\n');
	struct slice line = slice_of(rest->p, n);

	*rest = slice_from(*rest, n < rest->n ? n + 1 : n);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return slice_trim(line);
}

static bool read_lines(struct batch *b, struct slice text)
{
	struct json_doc *doc = &b->call->doc;
	struct fault why = NO_FAULT;
	size_t index = 0;

	while (text.n > 0) {
		struct slice line = next_line(&text);

		if (line.n == 0)
			continue;
		if (json_parse(doc, line, &json_limits_default, &why)) {
			broken_json(b, "the line", &why);
			fault_within(&b->fault, "events[%zu]", index);
			return false;
		}
		if (!add_at(b, json_root(doc), index++))
			return false;
	}
	return true;
}

/* Two lines or more, of which the first is a whole object. */
static bool looks_like_lines(struct batch *b, struct slice text)
{
	struct slice rest = text, first = next_line(&rest);

	return first.n > 0 && first.p[0] == '{' && rest.n > 0 &&
	       json_parse(&b->call->doc, first, &json_limits_default, NULL) == 0;
}

static bool read_array(struct batch *b, struct json array)
{
	struct json_iter it = json_each(array);

	while (json_next(&it))
		if (!add_at(b, it.value, it.index))
			return false;
	return true;
}

static bool read_json(struct batch *b, struct slice text)
{
	struct json_doc *doc = &b->call->doc;
	struct fault why = NO_FAULT;
	struct json root;

	if (json_parse(doc, text, &json_limits_default, &why))
		return looks_like_lines(b, text) ? read_lines(b, text) : broken_json(b, "the body", &why);
	root = json_root(doc);
	return json_type(root) == JSON_ARRAY ? read_array(b, root) : add(b, root);
}

static bool is_ndjson(struct slice type)
{
	type = slice_trim(slice_of(type.p, slice_find(type, ';')));
	return slice_eq_nocase(type, SLICE_LIT("application/x-ndjson")) ||
	       slice_eq_nocase(type, SLICE_LIT("application/ndjson")) ||
	       slice_eq_nocase(type, SLICE_LIT("application/jsonl"));
}

static bool read_body(struct batch *b)
{
	struct slice text = server_body(b->call->rq);

	if (is_ndjson(server_header(b->call->rq, "Content-Type")))
		return read_lines(b, text);
	if (!call_has_body(b->call)) {
		fault_set(&b->fault, "invalid_json", "",
			  "the body is empty; send an event, an array of events, or NDJSON");
		return refuse(b, 400);
	}
	return read_json(b, text);
}

/* --- answering --- */

static void write_events(struct json_writer *w, const struct batch *b, const bool *duplicates)
{
	json_key(w, "events");
	json_begin_array(w);
	for (size_t i = 0; i < b->count; i++) {
		json_begin_object(w);
		json_member_string(w, "id", b->events[i]->id);
		json_member_bool(w, "duplicate", duplicates[i]);
		json_end_object(w);
	}
	json_end_array(w);
}

static void answer_accepted(struct call *c, const struct batch *b, const bool *duplicates)
{
	struct json_writer *w = answer_begin(c);
	int64_t known = 0;

	for (size_t i = 0; i < b->count; i++)
		known += duplicates[i];
	json_begin_object(w);
	json_member_i64(w, "accepted", (int64_t)b->count - known);
	json_member_i64(w, "duplicates", known);
	if (!call_flag(c, "quiet"))
		write_events(w, b, duplicates);
	json_end_object(w);
	answer_json(c, 202);
}

static void on_done(void *ctx, int err, const int64_t *seqs, const bool *duplicates)
{
	struct batch *b = ctx;

	(void)seqs;
	if (err)
		answer_not_taken(b->call, err);
	else
		answer_accepted(b->call, b, duplicates);
	batch_free(b);
	mem_free(b);
}

static void submit(struct batch *b)
{
	struct submission s = { .count = b->count, .done = on_done, .ctx = b };

	/*
	 * The node takes these references; ours keep the ids for the
	 * answer. The array is in the arena, which lives until the answer.
	 */
	s.events = arena_alloc(&b->call->arena, b->count * sizeof(struct event *));
	for (size_t i = 0; i < b->count; i++)
		s.events[i] = event_ref(b->events[i]);
	node_submit(b->call->node, &s);
}

/* --- events that the messaging side has to look at (hub/intake.h) --- */

static bool hub_wants(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (intake_wants(b->call->api->hub, b->project, b->events[i]))
			return true;
	return false;
}

static void take(void *ctx, struct book *book)
{
	struct batch *b = ctx;
	struct deed d = { .hub = b->call->api->hub,
			  .book = book,
			  .project = b->project,
			  .origin = ORIGIN_PLATFORM,
			  .now_ms = book_now_ms(book),
			  .arena = &b->call->arena,
			  .fault = &b->fault };

	intake_events(&d, b->events, b->count, b->seqs, b->duplicates);
}

static void on_taken(void *ctx, int err)
{
	struct batch *b = ctx;

	on_done(b, err, b->seqs, b->duplicates);
}

static void give_to_hub(struct batch *b)
{
	size_t bytes = 0;

	b->seqs = arena_alloc(&b->call->arena, b->count * sizeof(*b->seqs));
	b->duplicates = arena_alloc(&b->call->arena, b->count * sizeof(*b->duplicates));
	for (size_t i = 0; i < b->count; i++)
		bytes += b->events[i]->bytes;
	node_book(b->call->node, bytes, take, on_taken, b);
}

void events_post(struct call *c)
{
	struct batch *b;

	if (atomic_load(&c->api->stopping)) {
		answer_error(c, 503, "busy", NULL, "postrider is stopping; nothing was taken, try again");
		return;
	}
	b = mem_zalloc(sizeof(*b));
	b->call = c;
	b->project = c->params[0];
	b->trace = server_header(c->rq, "traceparent");
	b->now_ms = node_now_ms(c->node);
	b->fault.position = -1;
	if (!read_body(b)) {
		answer_fault(c, b->status, &b->fault);
		batch_free(b);
		mem_free(b);
	} else if (b->count == 0) {
		answer_accepted(c, b, NULL);
		batch_free(b);
		mem_free(b);
	} else if (hub_wants(b)) {
		give_to_hub(b);
	} else {
		submit(b);
	}
}
