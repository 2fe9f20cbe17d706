/* The stage; see play.h. */
#include "play.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

#define START_MS INT64_C(1700000000000)

/* --- names --- */

static char *quoted(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return copy;
}

static char name_of(const struct play *p, int64_t seq)
{
	return seq < PLAY_EVENTS_MAX ? p->names[seq] : '?';
}

static int64_t seq_of(const struct play *p, char name)
{
	for (int64_t seq = 1; seq < PLAY_EVENTS_MAX; seq++)
		if (p->names[seq] == name)
			return seq;
	fail_msg("there is no event %c", name);
	return 0;
}

/* The events in a request, by name: ids of one letter; those of messages are numbers. */
static void names_in(struct slice body, struct buf *out)
{
	const char *at = body.p, *end = body.p + body.n;
	bool first = true;

	while ((at = memmem(at, (size_t)(end - at), "\"id\":\"", 6))) {
		at += 6;
		if (*at < 'a' || *at > 'z')
			continue;
		buf_addf(out, "%s%c", first ? "" : ",", *at);
		first = false;
	}
}

/* --- the host --- */

static void host_send(void *ctx, struct exchange *x)
{
	struct play *p = ctx;

	assert_true(p->wire_count < PLAY_WIRE_MAX);
	p->wire[p->wire_count++] = x;
}

static void wire_remove(struct play *p, size_t i)
{
	memmove(p->wire + i, p->wire + i + 1, (--p->wire_count - i) * sizeof(struct exchange *));
}

static void host_cancel(void *ctx, struct exchange *x)
{
	struct play *p = ctx;

	for (size_t i = 0; i < p->wire_count; i++)
		if (p->wire[i] == x)
			wire_remove(p, i--);
}

static void enqueue(struct play *p, const struct errand *e)
{
	assert_true(p->queue_count < PLAY_QUEUE_MAX);
	p->queue[p->queue_count++] = *e;
}

static void host_commit(void *ctx, struct tx *tx)
{
	enqueue(ctx, &(struct errand){ .tx = tx });
}

static void host_load(void *ctx, const struct pending_query *query, bool ready, size_t max_bytes)
{
	struct errand e = { .load = true, .ready = ready, .query = *query, .max_bytes = max_bytes };

	if (!ready && query->due_from == PENDING_READY)
		e.query.id_after = INT64_MAX;
	enqueue(ctx, &e);
}

static void host_disable(void *ctx, const struct endpoint *endpoint, const char *reason)
{
	(void)endpoint;
	slice_copy(((struct play *)ctx)->disabled, 100, slice_str(reason));
}

static void host_retire(void *ctx, const struct endpoint *endpoint)
{
	((struct play *)ctx)->retired = endpoint->revision;
}

/* A report on its way to the disk. In the transaction's arena. */
struct note {
	struct play *play;
	char name;
	enum engine_outcome outcome;
	uint32_t attempt;
	int code;
};

static void note_kept(void *ctx, struct store *s)
{
	static const char *const words[] = { "delivered", "left", "dead", "passed" };
	const struct note *note = ctx;
	char code[20];

	assert_ptr_equal(s, note->play->store);
	failure_code_text(note->code, code);
	buf_addf(&note->play->told, "%c=%s/%u%s%s ", note->name, words[note->outcome], note->attempt,
		 note->code ? "/" : "", note->code ? code : "");
}

static void host_report(void *ctx, const struct engine_report *r, struct tx *tx)
{
	struct note *note = arena_alloc(&tx->arena, sizeof(*note));

	*note = (struct note){ ctx, r->event->id.p[0], r->outcome, r->attempt, r->code };
	assert_int_equal(r->endpoint->number, PLAY_NUMBER);
	assert_int_equal(r->outcome == OUTCOME_PASSED, r->row == NULL);
	assert_int_equal(r->attempt > 0, r->answer != NULL);
	if (r->row)
		assert_int_equal(r->row->time_ms, r->started_ms);
	tx_step(tx, note_kept, note);
}

static void host_trouble(void *ctx, const struct endpoint *endpoint, bool ok, int code, struct slice reason)
{
	struct play *p = ctx;
	char text[20];

	(void)reason;
	assert_int_equal(endpoint->number, PLAY_NUMBER);
	failure_code_text(code, text);
	buf_addf(&p->trouble, "%s ", ok ? "ok" : text);
}

static void host_say(void *ctx, int level, const char *what, const struct endpoint *endpoint, const char *detail)
{
	(void)ctx;
	(void)level;
	(void)what;
	(void)endpoint;
	(void)detail;
}

/* --- the store --- */

struct reading {
	struct arena arena;
	struct loaded_row rows[600];
	size_t count;
};

static bool read_row(void *ctx, const struct pending_row *row)
{
	struct reading *r = ctx;
	struct loaded_row *lr = &r->rows[r->count++];
	struct pending_item *items = arena_alloc(&r->arena, row->item_count * sizeof(*items));

	memcpy(items, row->items, row->item_count * sizeof(*items));
	*lr = (struct loaded_row){ .row = *row };
	lr->row.items = items;
	lr->events = arena_zalloc(&r->arena, row->item_count * sizeof(struct event *));
	return true;
}

static bool read_event(void *ctx, const struct log_row *row)
{
	const struct event_row *er = &row->u.event;

	return event_load(er->text, er->project, row->seq, er->accepted_ms, ctx) != 0;
}

static bool read_due(void *ctx, const struct pending_row *row)
{
	*(int64_t *)ctx = row->due_ms;
	return false;
}

static struct reading *read_load(struct play *p, const struct errand *e, struct loaded_rows *rows)
{
	struct reading *r = mem_zalloc(sizeof(*r));
	struct pending_query later = { PLAY_NUMBER, e->query.due_upto, INT64_MAX, PENDING_HELD - 1, 1 };
	size_t bytes = 0;

	*rows = (struct loaded_rows){ .rows = r->rows, .ready = e->ready, .next_due_ms = PENDING_HELD };
	arena_init(&r->arena);
	store_pending(p->store, &e->query, read_row, r, NULL);
	rows->more = r->count >= e->query.max_rows;
	for (; rows->count < r->count && (rows->count == 0 || bytes < e->max_bytes); rows->count++) {
		struct loaded_row *lr = &r->rows[rows->count];

		for (uint32_t i = 0; i < lr->row.item_count; i++) {
			store_log_get(p->store, lr->row.items[i].event_seq, read_event, &lr->events[i], NULL);
			bytes += lr->events[i] ? lr->events[i]->bytes : 0;
		}
		if (lr->row.revision)
			lr->revision = endpoint_ref(p->revisions[lr->row.revision - 1]);
	}
	rows->more |= rows->count < r->count;
	if (!rows->ready && !rows->more)
		store_pending(p->store, &later, read_due, &rows->next_due_ms, NULL);
	return r;
}

static void do_load(struct play *p, struct errand *e)
{
	struct loaded_rows rows = e->read_rows;
	struct reading *r = e->read ? e->read : read_load(p, e, &rows);

	engine_loaded(p->engine, PLAY_NUMBER, &rows, p->now_ms);
	arena_free(&r->arena);
	mem_free(r);
}

void play_read_load(struct play *p)
{
	struct errand *e = &p->queue[0];

	assert_true(p->queue_count == 1 && e->load && !e->read);
	e->read = read_load(p, e, &e->read_rows);
}

static void do_errand(struct play *p)
{
	struct errand e = p->queue[0];

	memmove(p->queue, p->queue + 1, --p->queue_count * sizeof(e));
	if (e.load) {
		do_load(p, &e);
		return;
	}
	assert_int_equal(store_commit(p->store, &e.tx, 1, NULL), 0);
	engine_committed(p->engine, e.tx);
	tx_free(&e.tx);
}

void play_sync(struct play *p)
{
	engine_run(p->engine, p->now_ms);
	while (p->queue_count > 0) {
		do_errand(p);
		engine_run(p->engine, p->now_ms);
	}
}

void play_run(struct play *p)
{
	if (p->disk_is_slow)
		engine_run(p->engine, p->now_ms);
	else
		play_sync(p);
}

void play_later(struct play *p, int64_t ms)
{
	int64_t end_ms = p->now_ms + ms, next;

	while ((next = engine_next_ms(p->engine)) <= end_ms) {
		p->now_ms = next > p->now_ms ? next : p->now_ms + 1;
		play_run(p);
	}
	p->now_ms = end_ms;
	play_run(p);
}

/* --- start --- */

static void start_engine(struct play *p)
{
	struct engine_host host = { .ctx = p,
				    .send = host_send,
				    .cancel = host_cancel,
				    .commit = host_commit,
				    .load = host_load,
				    .disable = host_disable,
				    .retire = host_retire,
				    .report = host_report,
				    .trouble = host_trouble,
				    .say = host_say };

	p->engine = engine_new(&host, &p->limits, 1, p->now_ms);
	endpoint_stats_unref(&p->stats);
	p->stats = endpoint_stats_new();
}

static struct endpoint *compile(struct play *p, const char *settings)
{
	static const char base[] = "{'url':'http://crm.example/','content_type':'event_json','disable_after_s':0,"
				   "'retry':{'delays_s':[60,120],'jitter':0,'max_age_s':3600}}";
	struct endpoint_identity who = { .number = PLAY_NUMBER,
					 .revision = ++p->revision_count,
					 .of_organization = p->organization,
					 .internal = p->internal,
					 .owner = slice_str(p->organization ? "o" : "p"),
					 .id = SLICE_LIT("crm"),
					 .organization_id = SLICE_LIT("") };
	char *old_text = quoted(base), *new_text = quoted(settings);
	struct json_doc old, patch, whole;
	struct buf merged;
	struct fault fault = { 0 };
	struct endpoint *ep = NULL;

	json_doc_init(&old);
	json_doc_init(&patch);
	json_doc_init(&whole);
	buf_init(&merged, 65536);
	assert_int_equal(json_parse(&old, slice_str(old_text), &json_limits_default, NULL), 0);
	assert_int_equal(json_parse(&patch, slice_str(new_text), &json_limits_default, NULL), 0);
	endpoint_merge(json_root(&old), json_root(&patch), &merged);
	assert_int_equal(json_parse(&whole, buf_slice(&merged), &json_limits_default, NULL), 0);
	if (endpoint_compile(json_root(&whole), &who, &ep, &fault) != 0)
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&old);
	json_doc_free(&patch);
	json_doc_free(&whole);
	buf_free(&merged);
	mem_free(old_text);
	mem_free(new_text);
	return ep;
}

enum owner { OWNER_PROJECT, OWNER_ORGANIZATION, OWNER_HUB };

static struct play *open_stage(const struct engine_limits *limits, const char *settings, enum owner owner)
{
	struct play *p = mem_zalloc(sizeof(*p));
	struct store_options options = { .recent_ids = 100 };

	p->limits = limits ? *limits : engine_limits_default;
	p->project = "p";
	p->organization = owner == OWNER_ORGANIZATION;
	p->internal = owner == OWNER_HUB;
	p->target = p->internal ? PLAY_NUMBER : 0;
	buf_init(&p->told, 65536);
	buf_init(&p->trouble, 65536);
	p->store = store_memory_new(&options);
	p->start_ms = p->now_ms = START_MS;
	start_engine(p);
	engine_recover_done(p->engine, 0, p->now_ms);
	play_settings(p, settings);
	return p;
}

struct play *play_new(const struct engine_limits *limits, const char *settings)
{
	return open_stage(limits, settings, OWNER_PROJECT);
}

struct play *play_new_organization(const char *settings)
{
	return open_stage(NULL, settings, OWNER_ORGANIZATION);
}

struct play *play_new_internal(const struct engine_limits *limits, const char *settings)
{
	return open_stage(limits, settings, OWNER_HUB);
}

static void drop_queue(struct play *p)
{
	for (size_t i = 0; i < p->queue_count; i++)
		tx_free(&p->queue[i].tx);
	p->queue_count = 0;
}

void play_free(struct play *p)
{
	engine_free(&p->engine);
	drop_queue(p);
	store_close(&p->store);
	for (uint32_t i = 0; i < p->revision_count; i++)
		endpoint_unref(&p->revisions[i]);
	endpoint_stats_unref(&p->stats);
	buf_free(&p->told);
	buf_free(&p->trouble);
	mem_free(p);
}

static void change(struct play *p)
{
	struct tx *tx = tx_new();

	engine_endpoint_prepare(p->engine, PLAY_NUMBER, tx, &p->from_seq);
	enqueue(p, &(struct errand){ .tx = tx });
	while (p->queue_count > 0)
		do_errand(p);
}

void play_settings(struct play *p, const char *settings)
{
	struct endpoint *ep = compile(p, settings);

	p->revisions[ep->revision - 1] = ep;
	change(p);
	p->current = ep->revision;
	engine_endpoint_set(p->engine, ep, p->from_seq, p->stats);
	play_run(p);
}

void play_delete(struct play *p)
{
	change(p);
	engine_endpoint_delete(p->engine, PLAY_NUMBER);
	play_run(p);
}

/* --- inputs --- */

static struct event *make_targeted(struct play *p, char name, char message)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "{\"type\":\"incoming_message\",\"id\":\"%c\",\"message\":{\"id\":\"%c\",\"from_number\":\"+1\"},"
		 "\"postrider\":{\"to\":%d}}",
		 name, message, p->target);
	return event_make(slice_str(text), slice_str(p->project), p->now_ms);
}

static struct event *make_event(struct play *p, char name, char message)
{
	char text[10000];
	struct json_doc doc;
	struct event *ev = NULL;

	snprintf(text, sizeof(text),
		 "{\"type\":\"send_status\",\"id\":\"%c\",\"time\":1,\"message\":{\"id\":\"%c\",\"status\":\"%s\","
		 "\"content\":\"%*s\"}}",
		 name, message, name < 'n' ? "sent" : "delivered", message == 'x' ? 9000 : 2, "Hi");
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(text), &json_limits_default, NULL), 0);
	assert_int_equal(event_parse(json_root(&doc), slice_str(p->project), p->now_ms, &ev, NULL), 0);
	json_doc_free(&doc);
	return ev;
}

void play_events(struct play *p, const char *names)
{
	for (; *names; names += names[2] ? 3 : 2) {
		struct event *ev = p->target ? make_targeted(p, names[0], names[1]) : make_event(p, names[0], names[1]);
		struct tx *tx = tx_new();
		struct event_row row = { .project = ev->project,
					 .id = ev->id,
					 .message_id = ev->message_id,
					 .accepted_ms = p->now_ms,
					 .text = ev->text };
		struct event_row *stored = tx_event(tx, &row);

		assert_int_equal(store_commit(p->store, &tx, 1, NULL), 0);
		ev->seq = stored->seq;
		p->names[ev->seq] = names[0];
		engine_event(p->engine, ev, slice_str(p->organization ? "o" : ""), p->now_ms);
		event_unref(&ev);
		tx_free(&tx);
	}
	play_run(p);
}

static void answer(struct play *p, const char *event, int status, const char *headers, const char *body)
{
	struct http_answer a = { .failure = status < 0 ? (enum failure) - status : FAILURE_NONE,
				 .status = status < 0 ? 0 : status,
				 .headers = slice_str(headers),
				 .body = slice_str(body) };
	char id[10];

	snprintf(id, sizeof(id), "\"id\":\"%c\"", event[0]);
	for (size_t i = 0; i < p->wire_count; i++) {
		struct exchange *x = p->wire[i];

		if (!memmem(x->request->body.p, x->request->body.n, id, strlen(id)))
			continue;
		for (size_t h = 0; h < x->request->header_count; h++)
			if (slice_is(x->request->headers[h].name, "webhook-id"))
				slice_copy(p->last_id, sizeof(p->last_id), x->request->headers[h].value);
		wire_remove(p, i);
		engine_answer(p->engine, x, &a, p->now_ms);
		play_run(p);
		return;
	}
	fail_msg("event %s is not on the wire", event);
}

void play_answer(struct play *p, const char *event, int status, const char *headers)
{
	answer(p, event, status, headers, "");
}

void play_body(struct play *p, const char *event, int status, const char *body)
{
	answer(p, event, status, "", body);
}

void play_ack(struct play *p, const char *event, const char *messages)
{
	struct buf body;

	buf_init(&body, 1000);
	buf_add_str(&body, "<response>");
	for (; *messages; messages += messages[1] ? 2 : 1)
		buf_addf(&body, "<id_sms>%c</id_sms>", *messages);
	buf_add_str(&body, "</response>");
	play_body(p, event, 200, buf_str(&body));
	buf_free(&body);
}

void play_replay(struct play *p, const char *names)
{
	struct tx *tx = tx_new();
	int64_t count = 0, lowest = INT64_MAX;

	for (; *names; names += names[1] ? 2 : 1, count++) {
		struct pending_item item = { seq_of(p, names[0]), 0, 0 };
		struct pending_row row = {
			.endpoint = PLAY_NUMBER, .id = item.event_seq, .replay = 1, .items = &item, .item_count = 1
		};

		lowest = item.event_seq < lowest ? item.event_seq : lowest;
		tx_pending_put(tx, &row);
	}
	assert_int_equal(store_commit(p->store, &tx, 1, NULL), 0);
	tx_free(&tx);
	engine_rows_added(p->engine, PLAY_NUMBER, count, lowest);
	play_run(p);
}

/* --- crash --- */

static bool recover_row(void *ctx, const struct pending_row *row)
{
	engine_recover_row(((struct play *)ctx)->engine, row);
	return true;
}

static bool recover_summary(void *ctx, const struct pending_summary *sum)
{
	struct pending_counts counts = { sum->endpoint, sum->ready, sum->waiting, sum->held, sum->next_due_ms };

	engine_recover_summary(((struct play *)ctx)->engine, &counts);
	return true;
}

static bool recover_attempt(void *ctx, const struct log_row *row)
{
	for (uint32_t i = 0; !row->is_event && i < row->u.attempt.item_count; i++)
		if (row->u.attempt.items[i].fate != ITEM_LEFT)
			engine_recover_settled(((struct play *)ctx)->engine, PLAY_NUMBER,
					       row->u.attempt.items[i].event_seq);
	return true;
}

static bool recover_event(void *ctx, const struct log_row *row)
{
	struct play *p = ctx;
	struct event *ev = NULL;

	if (row->is_event && !read_event(&ev, row)) {
		engine_recover_event(p->engine, ev, slice_str(p->organization ? "o" : ""), p->now_ms);
		event_unref(&ev);
	}
	return true;
}

static bool find_done(void *ctx, const struct log_row *row)
{
	bool *done = ctx;

	for (uint32_t i = 0; !row->is_event && i < row->u.attempt.item_count; i++)
		done[row->u.attempt.items[i].event_seq] |= row->u.attempt.items[i].fate == ITEM_DONE;
	return true;
}

static void recover_finals(struct play *p, int64_t last)
{
	bool done[PLAY_EVENTS_MAX] = { false };

	store_log_walk(p->store, 0, last, find_done, done, NULL);
	for (int64_t seq = 1; seq < PLAY_EVENTS_MAX; seq++) {
		struct event *ev = NULL;

		if (!done[seq])
			continue;
		store_log_get(p->store, seq, read_event, &ev, NULL);
		if (endpoint_is_final(p->revisions[p->current - 1], ev))
			engine_recover_final(p->engine, PLAY_NUMBER, ev->order_hash);
		event_unref(&ev);
	}
}

void play_crash(struct play *p)
{
	int64_t floor = store_floor(p->store), last = store_last_seq(p->store);
	struct pending_query all = { PLAY_NUMBER, PENDING_READY, floor, PENDING_HELD, UINT32_MAX };

	engine_free(&p->engine);
	drop_queue(p);
	start_engine(p);
	engine_endpoint_set(p->engine, p->revisions[p->current - 1], p->from_seq, p->stats);
	store_pending(p->store, &all, recover_row, p, NULL);
	store_pending_summary(p->store, recover_summary, p, NULL);
	recover_finals(p, last);
	store_log_walk(p->store, floor, last, recover_attempt, p, NULL);
	store_log_walk(p->store, floor, last, recover_event, p, NULL);
	engine_recover_done(p->engine, last, p->now_ms);
	play_run(p);
}

/* --- what is expected --- */

static void compare(struct buf *got, const char *expected)
{
	if (got->n > 0 && got->p[got->n - 1] == ' ')
		buf_truncate(got, got->n - 1);
	if (!slice_is(buf_slice(got), expected))
		fail_msg("expected \"%s\", got \"%.*s\"", expected, SLICE_ARG(buf_slice(got)));
	buf_free(got);
}

void expect_wire(struct play *p, const char *expected)
{
	struct buf got;

	buf_init(&got, 4096);
	for (size_t i = 0; i < p->wire_count; i++) {
		names_in(p->wire[i]->request->body, &got);
		buf_add_char(&got, ' ');
	}
	compare(&got, expected);
}

struct telling {
	const struct play *play;
	struct buf text;
};

static void add_name(struct telling *t, uint32_t i, int64_t seq)
{
	buf_addf(&t->text, "%s%c", i ? "," : "", name_of(t->play, seq));
}

static bool tell_row(void *ctx, const struct pending_row *row)
{
	struct telling *t = ctx;

	if (row->due_ms == PENDING_READY)
		buf_add_str(&t->text, "ready:");
	else if (row->due_ms == PENDING_HELD)
		buf_add_str(&t->text, "held:");
	else
		buf_addf(&t->text, "due%d:", (int)((row->due_ms - t->play->now_ms) / 1000));
	for (uint32_t i = 0; i < row->item_count; i++)
		add_name(t, i, row->items[i].event_seq);
	buf_add_char(&t->text, ' ');
	return true;
}

void expect_rows(struct play *p, const char *expected)
{
	struct pending_query all = { PLAY_NUMBER, PENDING_READY, 0, PENDING_HELD, UINT32_MAX };
	struct telling t = { .play = p };

	buf_init(&t.text, 4096);
	store_pending(p->store, &all, tell_row, &t, NULL);
	compare(&t.text, expected);
}

static bool tell_attempt(void *ctx, const struct log_row *row)
{
	struct telling *t = ctx;
	const struct attempt_row *at = &row->u.attempt;
	char code[20];

	if (row->is_event)
		return true;
	for (uint32_t i = 0; i < at->item_count; i++)
		add_name(t, i, at->items[i].event_seq);
	failure_code_text(at->code, code);
	buf_addf(&t->text, "=%s/%u ", code, at->attempt);
	return true;
}

void expect_log(struct play *p, const char *expected)
{
	struct telling t = { .play = p };

	buf_init(&t.text, 4096);
	store_log_walk(p->store, 0, INT64_MAX, tell_attempt, &t, NULL);
	compare(&t.text, expected);
}

static bool tell_dead(void *ctx, const struct dead_row *row)
{
	add_name(ctx, 0, row->event_seq);
	return true;
}

void expect_told(struct play *p, const char *expected)
{
	compare(&p->told, expected);
	buf_init(&p->told, 65536);
}

void expect_trouble(struct play *p, const char *expected)
{
	compare(&p->trouble, expected);
	buf_init(&p->trouble, 65536);
}

void expect_dead(struct play *p, const char *expected)
{
	struct telling t = { .play = p };

	buf_init(&t.text, 4096);
	store_dead(p->store, PLAY_NUMBER, 0, 100, tell_dead, &t, NULL);
	compare(&t.text, expected);
}

void expect_state(struct play *p, enum lane_state state)
{
	assert_string_equal(lane_state_word((enum lane_state)atomic_load(&p->stats->state)), lane_state_word(state));
}
