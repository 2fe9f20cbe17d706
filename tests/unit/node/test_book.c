/*
 * The book: what the hub does inside the commit. Objects, events and endpoints of one function are on disk together or
 * not at all; what the engine reports comes in the commit that records it, and once.
 */
#include "town.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/latch.h"
#include "node/book_impl.h"
#include "node/drop.h"
#include "store/sqlite_impl.h"
#include "store/store_impl.h"

#define THING  7
#define REPORT 9
#define P      SLICE_LIT("p")

static void put(struct book *b, const char *project, uint16_t kind, const char *id, const char *text)
{
	struct object_key key = { 1, slice_str(text) };
	struct object_row row = { .project = slice_str(project),
				  .kind = kind,
				  .id = slice_str(id),
				  .text = slice_str(text),
				  .keys = &key,
				  .key_count = 1 };

	book_put(b, &row);
}

/* The object's text, "" when there is none. */
static void get(struct book *b, const char *project, uint16_t kind, const char *id, char ret[200])
{
	struct buf text;

	buf_init(&text, 199);
	book_get(b, slice_str(project), kind, slice_str(id), &text);
	slice_copy(ret, 200, buf_slice(&text));
	buf_free(&text);
}

struct wanted {
	const char *project, *id;
	uint16_t kind;
	char text[200];
};

static void read_one(void *ctx, struct book *b)
{
	struct wanted *w = ctx;

	get(b, w->project, w->kind, w->id, w->text);
}

/* The same as committed, text valid until the next call. */
static const char *committed(struct town *t, const char *project, uint16_t kind, const char *id)
{
	static struct wanted w;

	w = (struct wanted){ project, id, kind, "" };
	node_book_read(t->node, read_one, &w);
	return w.text;
}

/* --- one commit --- */

static bool count_one(void *ctx, struct slice value, struct slice id, struct slice text)
{
	(void)value;
	(void)id;
	(void)text;
	++*(size_t *)ctx;
	return true;
}

static size_t walk(struct book *b, const char *project, uint16_t kind)
{
	struct object_query q = { .project = slice_str(project), .kind = kind, .field = 1 };
	size_t n = 0;

	book_walk(b, &q, false, count_one, &n);
	return n;
}

static void see_itself(void *ctx, struct book *b)
{
	struct buf settings;
	char text[200];

	(void)ctx;
	put(b, "p", THING, "a", "one");
	put(b, "p", THING, "b", "two");
	get(b, "p", THING, "a", text);
	assert_string_equal(text, "one");
	put(b, "p", THING, "a", "three");
	get(b, "p", THING, "a", text);
	assert_string_equal(text, "three");
	assert_int_equal(walk(b, "p", THING), 2);
	book_delete(b, P, THING, SLICE_LIT("b"));
	assert_int_equal(walk(b, "p", THING), 1);
	assert_false(book_get(b, P, THING, SLICE_LIT("b"), NULL));
	/* Nobody would ever drop it. */
	put(b, "nobody", THING, "x", "y");
	assert_int_equal(walk(b, "nobody", THING), 0);
	buf_init(&settings, 1000);
	assert_true(book_project(b, P, &settings));
	assert_non_null(strstr(buf_str(&settings), "\"P\""));
	assert_false(book_project(b, SLICE_LIT("nobody"), &settings));
	buf_free(&settings);
}

static void test_commit_sees_itself(void **state)
{
	struct town t;

	(void)state;
	town_open(&t, 1);
	assert_int_equal(node_book_wait(t.node, see_itself, NULL), 0);
	assert_string_equal(committed(&t, "p", THING, "a"), "three");
	assert_string_equal(committed(&t, "p", THING, "b"), "");
	town_close(&t);
}

/* --- order --- */

/* A store whose commits wait at a gate. */
struct gated {
	struct store_ops ops;
	int (*commit)(struct store *s, struct tx *const *txs, size_t n, struct fault *fault);
	_Atomic bool closed;
	struct latch waits, open;
};

static int gated_commit(struct store *s, struct tx *const *txs, size_t n, struct fault *fault)
{
	struct gated *g = (struct gated *)(uintptr_t)s->ops;

	if (atomic_exchange(&g->closed, false)) {
		latch_set(&g->waits);
		latch_wait(&g->open);
	}
	return g->commit(s, txs, n, fault);
}

static void gated_open(struct town *t, struct gated *g)
{
	struct fault fault = NO_FAULT;
	struct store *s;

	town_open(t, 2);
	town_endpoint(t, "a", "/a", "");
	town_stop(t);
	assert_int_equal(store_sqlite_open(t->dir, &STORE_OPTIONS_DEFAULT, &s, &fault), 0);
	g->ops = *s->ops;
	g->commit = s->ops->commit;
	g->ops.commit = gated_commit;
	atomic_store(&g->closed, false);
	latch_init(&g->waits);
	latch_init(&g->open);
	s->ops = &g->ops;
	t->options.store = s;
	town_start(t);
}

struct poster {
	struct town *town;
	const char *id;
	bool twice;
	int64_t seq;
	_Atomic int done; /* 1 + err negated */
};

static void post_in_book(void *ctx, struct book *b)
{
	struct poster *po = ctx;
	struct event *ev = town_made(po->town, "p", po->id, 0);

	po->seq = book_event(b, ev);
	if (po->twice)
		assert_int_equal(book_event(b, ev), 0);
	event_unref(&ev);
}

static void on_posted(void *ctx, int err)
{
	struct poster *po = ctx;

	atomic_store(&po->done, 1 - err);
}

static void on_submitted(void *ctx, int err, const int64_t *seqs, const bool *duplicates)
{
	struct poster *po = ctx;

	assert_int_equal(err, 0);
	assert_false(duplicates[0]);
	po->seq = seqs[0];
	atomic_store(&po->done, 1);
}

static void submit(struct poster *po)
{
	struct event *ev = town_made(po->town, "p", po->id, 0);
	struct submission s = { &ev, 1, on_submitted, po };

	node_submit(po->town->node, &s);
}

/* An engine takes events in order of seq only: one that came too late to the shards would never be delivered. */
static void test_events_in_order(void **state)
{
	struct poster first, p[4];
	struct node_numbers before, after;
	struct gated g;
	struct town t;

	(void)state;
	gated_open(&t, &g);
	node_numbers(t.node, &before);
	atomic_store(&g.closed, true);
	first = (struct poster){ .town = &t, .id = "0" };
	submit(&first);
	latch_wait(&g.waits);
	p[0] = (struct poster){ .town = &t, .id = "1", .twice = true };
	p[1] = (struct poster){ .town = &t, .id = "2" };
	p[2] = (struct poster){ .town = &t, .id = "3" };
	p[3] = (struct poster){ .town = &t, .id = "4" };
	node_book(t.node, 10, post_in_book, on_posted, &p[0]);
	submit(&p[1]);
	node_book(t.node, 10, post_in_book, on_posted, &p[2]);
	submit(&p[3]);
	latch_set(&g.open);
	TOWN_WAIT(&t, atomic_load(&p[3].done));
	for (int i = 0; i < 4; i++) {
		char needle[16];

		assert_int_equal(p[i].seq, first.seq + 1 + i);
		TOWN_WAIT(&t, atomic_load(&p[i].done) == 1);
		snprintf(needle, sizeof(needle), "e-%s", p[i].id);
		TOWN_WAIT(&t, sink_count(t.sink, "/a", needle) == 1);
	}
	node_numbers(t.node, &after);
	assert_int_equal(after.accepted - before.accepted, 5);
	assert_int_equal(after.queue_bytes, 0);
	/* Known from a submission as well. */
	p[0] = (struct poster){ .town = &t, .id = "2" };
	assert_int_equal(node_book_wait(t.node, post_in_book, &p[0]), 0);
	assert_int_equal(p[0].seq, 0);
	town_close(&t);
	latch_free(&g.waits);
	latch_free(&g.open);
}

/* --- internal endpoints --- */

struct maker {
	struct town *town;
	const char *id, *settings, *event; /* event NULL: none */
	uint64_t number, again;
	int fill; /* so many times the disk is full when all of it is done */
	int runs;
	struct fault fault;
};

static void fill_disk(struct book *b)
{
	((struct sqlite_store *)b->store)->step_rc = SQLITE_FULL;
}

static void make(void *ctx, struct book *b)
{
	struct maker *m = ctx;

	m->fault = (struct fault)NO_FAULT;
	m->runs++;
	m->number = book_endpoint(b, P, slice_str(m->id), slice_str(m->settings), &m->fault);
	m->again = book_endpoint(b, P, slice_str(m->id), slice_str(m->settings), &m->fault);
	if (m->number && m->event) {
		struct event *ev = town_made(m->town, "p", m->event, m->number);

		assert_true(book_event(b, ev) > 0);
		event_unref(&ev);
	}
	put(b, "p", THING, m->id, "made");
	if (m->fill-- > 0)
		fill_disk(b);
}

static void own_settings(struct town *t, const char *path, char ret[200])
{
	snprintf(ret, 200, "{\"url\":\"http://127.0.0.1:%u%s\",\"reports\":true,\"retry\":{\"delays_s\":[0.05]}}",
		 sink_port(t->sink), path);
}

static bool see_internal(void *ctx, const struct endpoint_view *v)
{
	*(size_t *)ctx += v->endpoint->internal;
	return true;
}

static size_t listed_internal(struct town *t, bool all)
{
	size_t n = 0;

	node_endpoint_list(t->node, PROJECT("p"), all, SLICE_LIT(""), see_internal, &n);
	return n;
}

static void assert_kept_from_outside(struct town *t, const char *id)
{
	struct replay_query q = { 0 };
	struct fault fault = NO_FAULT;
	int64_t n;

	assert_int_equal(listed_internal(t, false), 0);
	assert_int_equal(listed_internal(t, true), 1);
	assert_int_equal(town_change(t, PROJECT("p"), id, "{\"active\":false}", ENDPOINT_MERGE, &fault), ERR_INVALID);
	assert_string_equal(fault.param, "id");
	assert_int_equal(
		town_change(t, PROJECT("p"), "_mine", "{\"url\":\"https://a.example/\"}", ENDPOINT_REPLACE, &fault),
		ERR_INVALID);
	assert_int_equal(node_endpoint_delete(t->node, PROJECT("p"), slice_str(id), &fault), ERR_INVALID);
	assert_int_equal(node_replay_count(t->node, PROJECT("p"), slice_str(id), &q, &n, &fault), ERR_NOT_FOUND);
}

static bool is_number(void *ctx, const struct endpoint_view *v)
{
	uint64_t *number = ctx;

	assert_int_equal(v->endpoint->number, *number);
	*number = 0;
	return true;
}

static void assert_route(struct town *t, uint64_t number)
{
	struct event *ev = town_made(t, "p", "route", number);

	node_routes(t->node, ev, is_number, &number);
	assert_int_equal(number, 0);
	event_unref(&ev);
}

static void test_endpoint_made_in_a_commit(void **state)
{
	struct maker m = { .id = "_own.A", .event = "1" }, bad = { .id = "_own.B", .settings = "{\"url\":\"x\"}" };
	struct fault fault = NO_FAULT;
	struct endpoint_view v;
	char settings[200];
	struct town t;
	uint64_t number;

	(void)state;
	town_open(&t, 2);
	town_endpoint(&t, "a", "/a", "");
	own_settings(&t, "/own", settings);
	m.town = &t;
	m.settings = settings;
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	assert_true(m.number > 0 && m.again == m.number);
	number = m.number;
	TOWN_WAIT(&t, sink_count(t.sink, "/own", "e-1") == 1);
	assert_kept_from_outside(&t, "_own.A");
	assert_route(&t, number);
	assert_int_equal(node_book_wait(t.node, make, &bad), 0);
	assert_int_equal(bad.number, 0);
	assert_string_equal(bad.fault.param, "url");

	/* It is there after a start, and numbers go on behind it. */
	town_stop(&t);
	town_start(&t);
	v = town_view(&t, "_own.A");
	assert_true(v.endpoint->internal && v.endpoint->reports && v.endpoint->number == number);
	node_endpoint_view_free(&v);
	town_endpoint(&t, "b", "/b", "");
	v = town_view(&t, "b");
	assert_true(v.endpoint->number > number);
	node_endpoint_view_free(&v);
	m.event = "2";
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	assert_int_equal(m.number, number);
	TOWN_WAIT(&t, sink_count(t.sink, "/own", "e-2") == 1);

	own_settings(&t, "/moved", settings);
	assert_int_equal(node_internal_endpoint(t.node, P, SLICE_LIT("_own.A"), slice_str(settings), &fault), 0);
	m.event = "3";
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	assert_int_equal(m.number, number);
	TOWN_WAIT(&t, sink_count(t.sink, "/moved", "e-3") == 1);

	assert_int_equal(node_internal_endpoint_delete(t.node, P, SLICE_LIT("_own.A"), &fault), 0);
	assert_int_equal(node_internal_endpoint_delete(t.node, P, SLICE_LIT("_own.A"), &fault), ERR_NOT_FOUND);
	assert_int_equal(node_internal_endpoint_delete(t.node, P, SLICE_LIT("a"), &fault), ERR_NOT_FOUND);
	assert_int_equal(node_internal_endpoint(t.node, P, SLICE_LIT("_own.A"), slice_str(settings), &fault), 0);
	m.event = "4";
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	assert_true(m.number > number);
	TOWN_WAIT(&t, sink_count(t.sink, "/moved", "e-4") == 1);
	assert_int_equal(
		node_internal_endpoint(t.node, SLICE_LIT("nobody"), SLICE_LIT("_own.A"), slice_str(settings), &fault),
		ERR_NOT_FOUND);
	assert_int_equal(node_internal_endpoint(t.node, P, SLICE_LIT("_own.C"), SLICE_LIT("{}"), &fault), ERR_INVALID);
	assert_int_equal(sink_count(t.sink, "/a", ""), 0);
	town_close(&t);
}

/* --- reports --- */

struct listener {
	struct town *town;
	struct node_hooks hooks;
	int fill; /* so many reports find the disk full */
	_Atomic int calls, troubles, recoveries;
	/* of the last report; the store thread's until `calls` is read */
	char media_type[64], body[64], reason[200];
};

/* One object an event: how often it was delivered, left, given up. */
static void on_report(void *ctx, struct book *b, const struct report *r)
{
	static const char kinds[] = "DLXP";
	struct listener *l = ctx;
	char id[64], text[200];
	size_t n;

	slice_copy(id, sizeof(id), r->event->id);
	get(b, "p", REPORT, id, text);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, "%c%d/%d ", kinds[r->kind], r->code, r->attempt);
	put(b, "p", REPORT, id, text);
	assert_true(!r->attempt == !r->attempt_seq);
	slice_copy(l->media_type, sizeof(l->media_type), r->media_type);
	slice_copy(l->body, sizeof(l->body), r->body);
	slice_copy(l->reason, sizeof(l->reason), r->reason);
	if (r->kind == REPORT_DELIVERED) {
		struct event *ev = town_made(l->town, "p", "reply", 0);

		book_event(b, ev);
		event_unref(&ev);
	}
	if (l->fill-- > 0)
		fill_disk(b);
	atomic_fetch_add(&l->calls, 1);
}

static void on_trouble(void *ctx, const struct endpoint *ep, bool ok, int code, struct slice reason)
{
	struct listener *l = ctx;

	(void)ep;
	(void)code;
	(void)reason;
	atomic_fetch_add(ok ? &l->recoveries : &l->troubles, 1);
}

static void listener_open(struct listener *l, struct town *t)
{
	*l = (struct listener){ .town = t };
	l->hooks = (struct node_hooks){ .ctx = l, .report = on_report, .trouble = on_trouble };
	town_open(t, 2);
	town_hook(t, &l->hooks);
	town_endpoint(t, "a", "/a", "");
}

static bool reported(struct town *t, const char *event, const char *text)
{
	return strcmp(committed(t, "p", REPORT, event), text) == 0;
}

static void test_reports(void **state)
{
	struct maker m = { .id = "_own.A", .event = "1" };
	struct fault fault = NO_FAULT;
	struct listener l;
	char settings[200];
	struct town t;

	(void)state;
	listener_open(&l, &t);
	own_settings(&t, "/own", settings);
	m.town = &t;
	m.settings = settings;
	sink_reply(t.sink, "/own", 200, "application/json; charset=utf-8", "{\"reply\":1}");
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	TOWN_WAIT(&t, reported(&t, "e-1", "D200/1 "));
	assert_string_equal(l.media_type, "application/json");
	assert_string_equal(l.body, "{\"reply\":1}");
	/* What the hub appends in a report goes on its way. */
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-reply") == 1);

	sink_reply(t.sink, "/own", 500, "", "no");
	m.event = "2";
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	TOWN_WAIT(&t, strncmp(committed(&t, "p", REPORT, "e-2"), "L500/1 ", 7) == 0);
	TOWN_WAIT(&t, atomic_load(&l.troubles) >= 1);
	sink_reply(t.sink, "/own", 200, "", "");
	TOWN_WAIT(&t, strstr(committed(&t, "p", REPORT, "e-2"), " D200/"));
	TOWN_WAIT(&t, atomic_load(&l.recoveries) == 1);

	sink_answer(t.sink, "/own", SINK_HOLD);
	m.event = "3";
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/own", "e-3") == 1);
	assert_int_equal(node_internal_endpoint_delete(t.node, P, SLICE_LIT("_own.A"), &fault), 0);
	TOWN_WAIT(&t, committed(&t, "p", REPORT, "e-3")[0] == 'X');
	t.options.stop_ms = 200;
	town_close(&t);
}

/* --- the disk is full --- */

static void test_runs_again_after_a_full_disk(void **state)
{
	struct maker m = { .id = "_own.A", .event = "1" }, lost = { .id = "_own.B", .event = "2", .fill = 1 };
	struct node_numbers numbers;
	struct endpoint_view v;
	struct listener l;
	char settings[200];
	struct town t;

	(void)state;
	listener_open(&l, &t);
	own_settings(&t, "/own", settings);
	lost.town = m.town = &t;
	lost.settings = m.settings = settings;
	l.fill = 2;
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	TOWN_WAIT(&t, reported(&t, "e-1", "D200/1 "));
	assert_int_equal(atomic_load(&l.calls), 3);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-reply") >= 1);

	TOWN_WAIT(&t, node_ready(t.node, NULL));
	assert_int_equal(node_book_wait(t.node, make, &lost), ERR_FULL);
	assert_int_equal(lost.runs, 1);
	assert_string_equal(committed(&t, "p", THING, "_own.B"), "");
	assert_int_equal(node_endpoint_get(t.node, PROJECT("p"), SLICE_LIT("_own.B"), &v), ERR_NOT_FOUND);
	TOWN_WAIT(&t, node_ready(t.node, NULL));
	assert_int_equal(node_book_wait(t.node, make, &lost), 0);
	TOWN_WAIT(&t, reported(&t, "e-2", "D200/1 "));
	assert_int_equal(sink_count(t.sink, "/own", "e-2"), 1);
	assert_int_equal(sink_count(t.sink, "/a", "e-reply"), 1);
	node_numbers(t.node, &numbers);
	assert_int_equal(numbers.queue_bytes, 0);
	town_close(&t);
}

/* --- the end of a project --- */

struct crowd {
	const char *project;
	int count;
};

static void put_crowd(void *ctx, struct book *b)
{
	struct crowd *c = ctx;
	char id[16];

	for (int i = 0; i < c->count; i++) {
		snprintf(id, sizeof(id), "%d", i);
		put(b, c->project, THING, id, "x");
	}
}

struct head_count {
	const char *project;
	size_t n;
};

static void count_crowd(void *ctx, struct book *b)
{
	struct head_count *hc = ctx;

	hc->n = walk(b, hc->project, THING);
}

static size_t crowd_of(struct town *t, const char *project)
{
	struct head_count hc = { project, 0 };

	node_book_read(t->node, count_crowd, &hc);
	return hc.n;
}

static void project_put(struct town *t, const char *id)
{
	struct fault fault = NO_FAULT;
	struct json_doc doc;

	json_doc_init(&doc);
	json_parse(&doc, SLICE_LIT("{}"), &json_limits_default, NULL);
	assert_int_equal(node_project_put(t->node, slice_str(id), json_root(&doc), false, NULL, &fault), 0);
	json_doc_free(&doc);
}

static void test_deleted_project_drops_its_objects(void **state)
{
	struct crowd many = { "p", 1200 }, few = { "p", 3 }, other = { "q", 5 };
	struct maker m = { .id = "_own.A" };
	struct fault fault = NO_FAULT;
	struct endpoint_view v;
	char settings[200];
	struct town t;

	(void)state;
	town_open(&t, 1);
	project_put(&t, "q");
	own_settings(&t, "/own", settings);
	m.town = &t;
	m.settings = settings;
	assert_int_equal(node_book_wait(t.node, make, &m), 0);
	assert_int_equal(node_book_wait(t.node, put_crowd, &many), 0);
	assert_int_equal(node_book_wait(t.node, put_crowd, &other), 0);
	assert_int_equal(node_project_delete(t.node, P, &fault), 0);
	assert_int_equal(node_endpoint_get(t.node, PROJECT("p"), SLICE_LIT("_own.A"), &v), ERR_NOT_FOUND);
	/* A new project of the same id has nothing of the old one, and keeps its own. */
	project_put(&t, "p");
	assert_int_equal(crowd_of(&t, "p"), 0);
	assert_int_equal(node_book_wait(t.node, put_crowd, &few), 0);
	town_stop(&t);
	town_start(&t);
	assert_int_equal(crowd_of(&t, "p"), 3);
	assert_int_equal(node_project_delete(t.node, P, &fault), 0);
	TOWN_WAIT(&t, crowd_of(&t, "p") == 0);
	assert_int_equal(crowd_of(&t, "q"), 5);
	town_close(&t);
}

static void leave_objects(void *ctx, struct store *s)
{
	char id[16];

	(void)ctx;
	for (int i = 0; i < 1200; i++) {
		struct object_row row = { .project = SLICE_LIT("gone"), .kind = THING, .text = SLICE_LIT("{}") };

		snprintf(id, sizeof(id), "%d", i);
		row.id = slice_str(id);
		step_object_put(s, &row);
	}
}

/* The process ended between the commit that deleted the project and the last of those that drop. */
static void test_dropping_goes_on_after_a_start(void **state)
{
	struct fault fault = NO_FAULT;
	struct tx *tx = tx_new();
	struct store *s;
	struct town t;

	(void)state;
	town_open(&t, 1);
	town_stop(&t);
	assert_int_equal(store_sqlite_open(t.dir, &STORE_OPTIONS_DEFAULT, &s, &fault), 0);
	tx_step(tx, leave_objects, NULL);
	drop_mark(tx, SLICE_LIT("gone"));
	assert_int_equal(store_commit(s, &tx, 1, &fault), 0);
	tx_free(&tx);
	store_close(&s);
	town_start(&t);
	TOWN_WAIT(&t, crowd_of(&t, "gone") == 0);
	town_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_sees_itself),
		cmocka_unit_test(test_events_in_order),
		cmocka_unit_test(test_endpoint_made_in_a_commit),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_runs_again_after_a_full_disk),
		cmocka_unit_test(test_deleted_project_drops_its_objects),
		cmocka_unit_test(test_dropping_goes_on_after_a_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
