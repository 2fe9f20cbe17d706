/*
 * Scenarios of the engine about what is kept: spilling and coming
 * back, changes of settings, deletion, replay, crash, stop.
 */
#include "play.h"

static struct engine_limits tiny(size_t lane_items)
{
	struct engine_limits l = engine_limits_default;

	l.lane_items = lane_items;
	return l;
}

/* --- memory --- */

static void what_has_no_room_comes_back_in_order(void **state)
{
	struct engine_limits limits = tiny(2);
	struct play *p = play_new(&limits, "{'concurrency':1}");

	(void)state;
	play_events(p, "a1 b2 c3 d4 e5");
	expect_wire(p, "a");
	expect_rows(p, "ready:c ready:d ready:e");
	for (const char *n = "abcde"; *n; n++)
		play_answer(p, (char[]){ *n, '\0' }, 200, "");
	expect_rows(p, "");
	expect_log(p, "a=200/1 b=200/1 c=200/1 d=200/1 e=200/1");
	assert_int_equal(atomic_load(&p->stats->pending), 0);
	play_free(p);
}

static void while_rows_are_ready_new_events_go_behind_them(void **state)
{
	struct engine_limits limits = tiny(1);
	struct play *p = play_new(&limits, "{'concurrency':1}");

	(void)state;
	play_events(p, "a1 b2 c3");
	play_answer(p, "a", 200, "");
	expect_wire(p, "b");
	play_events(p, "d4");
	expect_rows(p, "ready:b ready:c ready:d");
	play_free(p);
}

/* Two rows were written in the turn that asked for a load; it must find them. */
static void a_load_finds_what_was_spilled_in_its_own_turn(void **state)
{
	struct engine_limits limits = tiny(1);
	struct play *p = play_new(&limits, "{'batch':{'max_items':2,'max_wait_ms':1000}}");

	(void)state;
	p->disk_is_slow = true;
	play_events(p, "a1 b2");
	play_later(p, 1000);
	expect_wire(p, "a");
	play_answer(p, "a", 200, "");
	play_sync(p);
	play_later(p, 1000);
	expect_wire(p, "b");
	play_free(p);
}

static void old_events_get_rows_so_that_the_floor_moves(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':1}");

	(void)state;
	play_events(p, "a1 b2");
	assert_int_equal(engine_floor(p->engine), 0);
	play_answer(p, "a", 200, "");
	assert_int_equal(engine_floor(p->engine), 1);
	play_events(p, "c3");
	play_later(p, 32000);
	expect_rows(p, "ready:c");
	assert_int_equal(engine_floor(p->engine), 1); /* b is on the wire */
	play_answer(p, "b", 200, "");
	expect_wire(p, "c");
	play_answer(p, "c", 200, "");
	expect_rows(p, "");
	play_free(p);
}

/* --- settings --- */

static void new_settings_find_everything_in_rows(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':1}");

	(void)state;
	play_events(p, "a1 b2 c1");
	play_settings(p, "{'active':false}");
	expect_rows(p, "ready:b ready:c due0:a");
	play_answer(p, "a", 500, "");
	expect_rows(p, "ready:b ready:c due60:a");
	play_later(p, 600000);
	expect_wire(p, "");
	play_settings(p, "{'active':true}");
	play_later(p, 1);
	expect_wire(p, "a b");
	assert_int_equal(p->wire[0]->endpoint->revision, 1); /* sent before: with the settings it was made with */
	assert_int_equal(p->wire[1]->endpoint->revision, 3);
	play_free(p);
}

static void an_answer_after_the_change_still_counts(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1");
	play_settings(p, "{'concurrency':2}");
	play_later(p, 1000);
	expect_wire(p, "a"); /* not a second time */
	assert_int_equal(p->retired, 0);
	play_answer(p, "a", 200, "");
	assert_int_equal(p->retired, 1);
	expect_rows(p, "");
	play_free(p);
}

static void deletion_ends_everything(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':8}");

	(void)state;
	play_events(p, "y8");
	play_answer(p, "y", 200, "");
	play_events(p, "z9");
	play_answer(p, "z", 200, ""); /* the window is six wide, and three after a failure */
	play_events(p, "a1 b1 c2 d3");
	play_answer(p, "a", 500, "");
	play_events(p, "e1");
	expect_rows(p, "due60:a held:b held:e");
	play_delete(p);
	play_later(p, 10);
	expect_rows(p, "due0:c due0:d"); /* what is on the wire may still arrive */
	play_answer(p, "c", 200, "");
	play_answer(p, "d", 500, "");
	play_later(p, 10);
	expect_rows(p, "");
	expect_dead(p, "");
	assert_int_equal(p->retired, 1);
	play_free(p);
}

static void a_replay_goes_through_pending(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 200, "");
	play_answer(p, "b", 200, "");
	play_replay(p, "a b");
	expect_wire(p, "a b");
	play_answer(p, "a", 200, "");
	play_answer(p, "b", 200, "");
	expect_rows(p, "");
	assert_int_equal(atomic_load(&p->stats->pending), 0);
	play_free(p);
}

/* Dead letters are sent again when the receiver is well after days: their age must not end them at once. */
static void a_replay_of_old_events_is_tried(void **state)
{
	struct play *p = play_new(NULL, "{'retry':{'max_attempts':1}}");

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	play_answer(p, "b", 500, "");
	expect_dead(p, "ab");
	play_later(p, 86400000);
	play_replay(p, "a b");
	expect_wire(p, "a"); /* the window has shrunk */
	play_answer(p, "a", 200, "");
	expect_wire(p, "b");
	play_answer(p, "b", 500, "");
	expect_log(p, "a=500/1 b=500/1 a=200/1 b=500/1");
	expect_rows(p, "");
	play_free(p);
}

/* The rows of a second replay lie before those that are just being loaded. */
static void rows_added_during_a_load_are_found(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 200, "");
	play_answer(p, "b", 200, "");
	p->disk_is_slow = true;
	play_replay(p, "b");
	play_sync(p);
	play_answer(p, "b", 200, "");
	play_sync(p);
	play_replay(p, "b");
	assert_int_equal(p->queue_count, 1); /* the load */
	play_read_load(p);
	play_replay(p, "a");
	play_sync(p);
	expect_wire(p, "b a");
	play_free(p);
}

/* --- crash and stop --- */

static void a_crash_repeats_only_what_was_on_the_wire(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':2}");

	(void)state;
	play_events(p, "a1 b2 c3 d1");
	play_answer(p, "a", 200, "");
	expect_wire(p, "b c");
	play_crash(p);
	expect_wire(p, "b c");
	play_answer(p, "b", 200, "");
	play_answer(p, "c", 200, "");
	play_answer(p, "d", 200, "");
	expect_log(p, "a=200/1 b=200/1 c=200/1 d=200/1");
	play_free(p);
}

static void an_answer_that_was_not_on_disk_is_forgotten(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1");
	p->disk_is_slow = true;
	play_answer(p, "a", 200, "");
	play_crash(p);
	expect_wire(p, "a");
	play_free(p);
}

static void chains_survive_a_crash(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1 b1 c1");
	play_answer(p, "a", 500, "");
	play_crash(p);
	play_events(p, "d1");
	expect_rows(p, "due60:a held:b held:c held:d");
	play_later(p, 60000);
	play_answer(p, "a", 200, "");
	for (const char *n = "bcd"; *n; n++) {
		play_later(p, 1);
		expect_wire(p, (char[]){ *n, '\0' });
		play_answer(p, (char[]){ *n, '\0' }, 200, "");
	}
	expect_rows(p, "");
	play_free(p);
}

static void parking_leaves_the_floor_at_the_last_event(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':1}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 503, "Retry-After: 600\r\n");
	play_events(p, "b2 c3");
	engine_stop(p->engine);
	play_run(p);
	assert_true(engine_idle(p->engine)); /* it was asked to wait, so it does not hold up the stop */
	engine_park(p->engine, p->now_ms);
	play_sync(p);
	expect_rows(p, "ready:b ready:c due600:a");
	assert_int_equal(engine_floor(p->engine), 4); /* a, its attempt, b, c */
	play_free(p);
}

static void a_strict_endpoint_that_waits_does_not_hold_up_a_stop(void **state)
{
	struct play *p = play_new(NULL, "{'order':'strict'}");

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	engine_stop(p->engine);
	play_run(p);
	assert_true(engine_idle(p->engine));
	play_free(p);
}

/* With no memory left a look at what grows too old may bring no more than the lane's share. */
static void a_paused_backlog_is_looked_at_within_the_limits(void **state)
{
	struct engine_limits limits = engine_limits_default;
	struct play *p;

	(void)state;
	limits.memory_bytes = 1;
	limits.lane_share = 512;
	p = play_new(&limits, "{'concurrency':1}");
	play_events(p, "a1 b2 c3 d4");
	play_settings(p, "{'active':false}");
	play_answer(p, "a", 200, "");
	p->disk_is_slow = true;
	play_later(p, 20000);
	assert_int_equal(p->queue_count, 1);
	assert_true(p->queue[0].load && p->queue[0].ready);
	assert_true(p->queue[0].max_bytes <= limits.lane_share);
	p->disk_is_slow = false;
	play_later(p, 3600000);
	expect_rows(p, "");
	expect_log(p, "a=200/1 b=expired/0 c=expired/0 d=expired/0");
	play_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_no_room_comes_back_in_order),
		cmocka_unit_test(while_rows_are_ready_new_events_go_behind_them),
		cmocka_unit_test(a_load_finds_what_was_spilled_in_its_own_turn),
		cmocka_unit_test(old_events_get_rows_so_that_the_floor_moves),
		cmocka_unit_test(new_settings_find_everything_in_rows),
		cmocka_unit_test(an_answer_after_the_change_still_counts),
		cmocka_unit_test(deletion_ends_everything),
		cmocka_unit_test(a_replay_goes_through_pending),
		cmocka_unit_test(a_replay_of_old_events_is_tried),
		cmocka_unit_test(rows_added_during_a_load_are_found),
		cmocka_unit_test(a_crash_repeats_only_what_was_on_the_wire),
		cmocka_unit_test(an_answer_that_was_not_on_disk_is_forgotten),
		cmocka_unit_test(chains_survive_a_crash),
		cmocka_unit_test(parking_leaves_the_floor_at_the_last_event),
		cmocka_unit_test(a_strict_endpoint_that_waits_does_not_hold_up_a_stop),
		cmocka_unit_test(a_paused_backlog_is_looked_at_within_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
