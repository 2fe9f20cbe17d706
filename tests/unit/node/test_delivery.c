/*
 * Events through the running node: in at one end, at the receiver at the
 * other, whatever happens to settings, endpoints and the process in between.
 */
#include "town.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/latch.h"

#define RETRY ",\"retry\":{\"delays_s\":[0.05],\"max_age_s\":86400}"

static int64_t pending(struct town *t, const char *id)
{
	struct endpoint_view v = town_view(t, id);
	int64_t n = atomic_load(&v.stats->pending);

	node_endpoint_view_free(&v);
	return n;
}

static uint64_t dead(struct town *t, const char *id)
{
	struct endpoint_view v = town_view(t, id);
	uint64_t n = atomic_load(&v.stats->dead);

	node_endpoint_view_free(&v);
	return n;
}

static void test_submit_is_delivered(void **state)
{
	struct town t;
	bool duplicate = true;

	(void)state;
	town_open(&t, 2);
	town_endpoint(&t, "a", "/a", "");
	town_endpoint(&t, "b", "/b", "");
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") == 1 && sink_count(t.sink, "/b", "e-1") == 1);
	assert_int_equal(
		town_post(&t, "p",
			  "{\"type\":\"send_status\",\"id\":\"e-1\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}",
			  &duplicate),
		0);
	assert_true(duplicate);
	assert_int_equal(town_status(&t, "p", "2"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-2") == 1);
	assert_int_equal(sink_count(t.sink, "/a", "e-1"), 1);
	TOWN_WAIT(&t, pending(&t, "a") == 0 && pending(&t, "b") == 0);
	town_close(&t);
}

static void test_projects_do_not_mix(void **state)
{
	struct town t;

	(void)state;
	town_open(&t, 1);
	town_endpoint(&t, "a", "/a", "");
	assert_int_equal(town_status(&t, "other", "1"), 0);
	assert_int_equal(town_status(&t, "p", "2"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-2") == 1);
	assert_int_equal(sink_count(t.sink, "/a", "e-1"), 0);
	town_close(&t);
}

static void test_change_under_traffic_loses_nothing(void **state)
{
	enum { EVENTS = 300 };
	struct town t;
	char id[32];

	(void)state;
	town_open(&t, 2);
	town_endpoint(&t, "a", "/a", RETRY);
	for (int i = 0; i < EVENTS; i++) {
		snprintf(id, sizeof(id), "%04d", i);
		assert_int_equal(town_status(&t, "p", id), 0);
		if (i % 50 == 20)
			town_endpoint(&t, "a", i % 100 == 20 ? "/b" : "/a", RETRY);
	}
	for (int i = 0; i < EVENTS; i++) {
		snprintf(id, sizeof(id), "e-%04d", i);
		TOWN_WAIT(&t, sink_count(t.sink, "/a", id) + sink_count(t.sink, "/b", id) >= 1);
	}
	TOWN_WAIT(&t, pending(&t, "a") == 0);
	town_close(&t);
}

static void test_delete_ends_what_waits(void **state)
{
	struct fault fault = { 0 };
	struct endpoint_view v;
	struct node_numbers before, after;
	struct town t;
	uint64_t number;

	(void)state;
	town_open(&t, 1);
	sink_answer(t.sink, "/a", 500);
	town_endpoint(&t, "a", "/a", ",\"retry\":{\"delays_s\":[3600]}");
	v = town_view(&t, "a");
	number = v.endpoint->number;
	node_endpoint_view_free(&v);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") == 1);
	node_numbers(t.node, &before);
	assert_int_equal(node_endpoint_delete(t.node, PROJECT("p"), SLICE_LIT("a"), &fault), 0);
	assert_int_equal(node_endpoint_get(t.node, PROJECT("p"), SLICE_LIT("a"), &v), ERR_NOT_FOUND);
	assert_int_equal(node_endpoint_delete(t.node, PROJECT("p"), SLICE_LIT("a"), &fault), ERR_NOT_FOUND);
	/* Its number goes when the last delivery has ended, and its settings stay for the history. */
	TOWN_WAIT(&t,
		  node_endpoint_by_number(t.node, number, &v) == ERR_NOT_FOUND || (node_endpoint_view_free(&v), false));
	v.endpoint = node_endpoint_revision(t.node, number, 1);
	assert_non_null(v.endpoint);
	endpoint_unref(&v.endpoint);
	node_numbers(t.node, &after);
	assert_true(after.last_seq > before.last_seq); /* the end is in the history */
	/* The same name again is another endpoint. */
	town_endpoint(&t, "a", "/a2", "");
	v = town_view(&t, "a");
	assert_true(v.endpoint->number > number);
	assert_int_equal(atomic_load(&v.stats->pending), 0);
	node_endpoint_view_free(&v);
	town_close(&t);
}

static bool is_active(struct town *t, const char *id, bool *ret_reason)
{
	struct endpoint_view v = town_view(t, id);
	bool active = v.endpoint->active;

	*ret_reason = v.disabled_reason[0] != '\0' && v.disabled_ms > 0;
	node_endpoint_view_free(&v);
	return active;
}

static void test_gone_disables_for_good(void **state)
{
	struct fault fault = { 0 };
	struct town t;
	bool reason;

	(void)state;
	town_open(&t, 1);
	sink_answer(t.sink, "/a", 410);
	town_endpoint(&t, "a", "/a", RETRY);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, !is_active(&t, "a", &reason) && reason);
	town_stop(&t);
	town_start(&t);
	assert_false(is_active(&t, "a", &reason));
	assert_true(reason);
	/* Enabled again it forgets why, and what waited goes. */
	sink_answer(t.sink, "/a", 200);
	assert_int_equal(town_change(&t, PROJECT("p"), "a", "{\"active\":true}", ENDPOINT_MERGE, &fault), 0);
	assert_true(is_active(&t, "a", &reason));
	assert_false(reason);
	assert_int_equal(town_status(&t, "p", "2"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-2") == 1);
	town_close(&t);
}

/* The attempts of before the start say that the message is final, though they are below the floor. */
static void test_finality_outlives_a_restart(void **state)
{
	static const char late[] = "{\"type\":\"send_status\",\"id\":\"e-late\",\"message\":{\"id\":\"m-1\","
				   "\"status\":\"sent\"}}";
	struct town t;

	(void)state;
	town_open(&t, 1);
	town_endpoint(&t, "a", "/a", ",\"final_statuses\":[\"delivered\"],\"concurrency\":1");
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") == 1);
	town_stop(&t);
	town_start(&t);
	assert_int_equal(town_post(&t, "p", late, NULL), 0);
	assert_int_equal(town_status(&t, "p", "2"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-2") == 1);
	assert_int_equal(sink_count(t.sink, "/a", "e-late"), 0);
	town_close(&t);
}

static void test_restart_delivers_what_was_left(void **state)
{
	struct town t;

	(void)state;
	town_open(&t, 2);
	sink_answer(t.sink, "/a", 500);
	sink_answer(t.sink, "/b", SINK_HOLD);
	t.options.stop_ms = 300;
	town_stop(&t);
	town_start(&t);
	town_endpoint(&t, "a", "/a", RETRY);
	town_endpoint(&t, "b", "/b", RETRY);
	for (int i = 0; i < 20; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%02d", i);
		assert_int_equal(town_status(&t, "p", id), 0);
	}
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "") >= 2 && sink_count(t.sink, "/b", "") >= 1);
	town_stop(&t);
	sink_answer(t.sink, "/a", 204);
	sink_answer(t.sink, "/b", 204);
	town_start(&t);
	TOWN_WAIT(&t, pending(&t, "a") == 0 && pending(&t, "b") == 0);
	assert_true(sink_count(t.sink, "/a", "e-19") >= 1);
	assert_true(sink_count(t.sink, "/b", "e-19") >= 1);
	town_close(&t);
}

static bool replay_is(struct town *t, const char *id, const char *text)
{
	struct json_writer w;
	struct buf out;
	bool is;

	buf_init(&out, 4096);
	json_writer_init(&w, &out);
	assert_int_equal(node_replay_write(t->node, PROJECT("p"), SLICE_LIT("a"), slice_str(id), &w), 0);
	is = strstr(buf_str(&out), text) != NULL;
	buf_free(&out);
	return is;
}

static void test_replay_of_dead_letters(void **state)
{
	struct replay_query q = { .failed_only = true };
	struct fault fault = { 0 };
	char id[ID_BYTES];
	struct town t;
	int64_t n = -1;

	(void)state;
	town_open(&t, 1);
	sink_answer(t.sink, "/a", 400);
	town_endpoint(&t, "a", "/a", ",\"retry\":{\"delays_s\":[]}");
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(town_status(&t, "p", id), 0);
	}
	TOWN_WAIT(&t, dead(&t, "a") == 5);
	TOWN_WAIT(&t, node_replay_count(t.node, PROJECT("p"), SLICE_LIT("a"), &q, &n, &fault) == 0 && n == 5);
	sink_answer(t.sink, "/a", 200);
	assert_int_equal(node_replay_start(t.node, PROJECT("p"), SLICE_LIT("a"), &q, id, &fault), 0);
	TOWN_WAIT(&t, replay_is(&t, id, "\"done\""));
	assert_true(replay_is(&t, id, "\"total\":5,\"queued\":5"));
	for (int i = 0; i < 5; i++) {
		char needle[16];

		snprintf(needle, sizeof(needle), "e-%d", i);
		TOWN_WAIT(&t, sink_count(t.sink, "/a", needle) == 2);
	}
	assert_int_equal(node_replay_count(t.node, PROJECT("p"), SLICE_LIT("a"), &q, &n, &fault), 0);
	assert_int_equal(n, 0);
	town_close(&t);
}

static void test_replay_of_everything_over_a_restart(void **state)
{
	struct replay_query q = { 0 };
	struct fault fault = { 0 };
	char id[ID_BYTES];
	struct town t;

	(void)state;
	town_open(&t, 1);
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(town_status(&t, "p", id), 0);
	}
	/* Later endpoints get earlier events only by replay. */
	town_endpoint(&t, "a", "/a", ",\"active\":false");
	assert_int_equal(node_replay_start(t.node, PROJECT("p"), SLICE_LIT("a"), &q, id, &fault), 0);
	town_stop(&t);
	town_start(&t);
	TOWN_WAIT(&t, replay_is(&t, id, "\"done\""));
	assert_int_equal(sink_count(t.sink, "/a", ""), 0);
	town_endpoint(&t, "a", "/a", "");
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "") == 10);
	TOWN_WAIT(&t, pending(&t, "a") == 0);
	town_close(&t);
}

static void test_replay_cancelled(void **state)
{
	struct replay_query q = { 0 };
	struct fault fault = { 0 };
	char id[ID_BYTES];
	struct town t;

	(void)state;
	town_open(&t, 1);
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(town_status(&t, "p", id), 0);
	}
	town_endpoint(&t, "a", "/a", ",\"active\":false");
	assert_int_equal(node_replay_start(t.node, PROJECT("p"), SLICE_LIT("a"), &q, id, &fault), 0);
	TOWN_WAIT(&t, replay_is(&t, id, "\"done\"") && pending(&t, "a") == 10);
	assert_int_equal(node_replay_cancel(t.node, PROJECT("p"), SLICE_LIT("a"), slice_str(id), &fault), 0);
	assert_true(replay_is(&t, id, "\"cancelled\""));
	TOWN_WAIT(&t, pending(&t, "a") == 0);
	town_endpoint(&t, "a", "/a", "");
	assert_int_equal(town_status(&t, "p", "new"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-new") == 1);
	assert_int_equal(sink_count(t.sink, "/a", ""), 1);
	town_close(&t);
}

/*
 * A cancelled replay's rows among others, some of both in memory. The engine took all
 * that had gone from its count of rows on disk, also those in memory, which were not
 * in that count: the last of the others were never loaded again before a restart.
 */
static void test_replay_cancelled_among_others(void **state)
{
	struct replay_query q = { 0 };
	struct fault fault = { 0 };
	char id[ID_BYTES], name[16];
	struct town t;

	(void)state;
	town_open(&t, 1);
	town_stop(&t);
	t.options.limits.lane_items = 8;
	town_start(&t);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "old%d", i);
		assert_int_equal(town_status(&t, "p", name), 0);
	}
	sink_answer(t.sink, "/a", SINK_HOLD);
	town_endpoint(&t, "a", "/a", ",\"order\":\"none\",\"concurrency\":1,\"timeout_ms\":1500" RETRY);
	assert_int_equal(node_replay_start(t.node, PROJECT("p"), SLICE_LIT("a"), &q, id, &fault), 0);
	TOWN_WAIT(&t, replay_is(&t, id, "\"done\"") && sink_count(t.sink, "/a", "") == 1);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "new%d", i);
		assert_int_equal(town_status(&t, "p", name), 0);
	}
	TOWN_WAIT(&t, pending(&t, "a") == 30);
	assert_int_equal(node_replay_cancel(t.node, PROJECT("p"), SLICE_LIT("a"), slice_str(id), &fault), 0);
	sink_answer(t.sink, "/a", 200);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-new") >= 20);
	TOWN_WAIT(&t, pending(&t, "a") == 0);
	town_close(&t);
}

/*
 * Retries of an old event, and no new one: the next start need not
 * read all those attempts, and they need not be kept for ever.
 */
static void test_floor_passes_attempts(void **state)
{
	struct store_options options = STORE_OPTIONS_DEFAULT;
	struct fault fault = { 0 };
	struct store *store;
	struct town t;

	(void)state;
	town_open(&t, 1);
	sink_answer(t.sink, "/a", 500);
	town_endpoint(&t, "a", "/a", RETRY);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "") >= 5);
	town_stop(&t);
	assert_int_equal(store_sqlite_open(t.dir, &options, &store, &fault), 0);
	assert_true(store_last_seq(store) >= 5);
	assert_int_equal(store_floor(store), store_last_seq(store));
	store_close(&store);
	town_close(&t);
}

struct once {
	struct latch *latch;
	int status;
	char code[24];
};

static void on_once(void *ctx, const struct request *rq, const struct http_answer *answer, const struct fault *fault)
{
	struct once *o = ctx;

	(void)rq;
	o->status = answer ? answer->status : -1;
	if (fault)
		slice_copy(o->code, sizeof(o->code), slice_str(fault->code));
	latch_set(o->latch);
}

static void test_send_once(void **state)
{
	struct fault fault = { 0 };
	struct endpoint_view v;
	struct latch latch;
	struct once o = { .latch = &latch };
	struct json_doc doc;
	struct event *ev;
	struct town t;

	(void)state;
	town_open(&t, 1);
	sink_answer(t.sink, "/a", 418);
	town_endpoint(&t, "a", "/a", "");
	v = town_view(&t, "a");
	json_doc_init(&doc);
	assert_int_equal(
		json_parse(&doc, SLICE_LIT("{\"type\":\"send_status\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
			   &json_limits_default, &fault),
		0);
	assert_int_equal(event_parse(json_root(&doc), SLICE_LIT("p"), node_now_ms(t.node), &ev, &fault), 0);
	json_doc_free(&doc);
	latch_init(&latch);
	node_send_once(t.node, v.endpoint, &ev, 1, on_once, &o);
	event_unref(&ev);
	latch_wait(&latch);
	latch_free(&latch);
	assert_int_equal(o.status, 418);
	node_endpoint_view_free(&v);
	town_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_submit_is_delivered),
		cmocka_unit_test(test_projects_do_not_mix),
		cmocka_unit_test(test_change_under_traffic_loses_nothing),
		cmocka_unit_test(test_delete_ends_what_waits),
		cmocka_unit_test(test_gone_disables_for_good),
		cmocka_unit_test(test_restart_delivers_what_was_left),
		cmocka_unit_test(test_finality_outlives_a_restart),
		cmocka_unit_test(test_replay_of_dead_letters),
		cmocka_unit_test(test_replay_of_everything_over_a_restart),
		cmocka_unit_test(test_replay_cancelled),
		cmocka_unit_test(test_replay_cancelled_among_others),
		cmocka_unit_test(test_floor_passes_attempts),
		cmocka_unit_test(test_send_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
