/* Scenarios of the engine, one a rule: what goes when, in which request, and what an answer does. */
#include "play.h"

#include "base/list.h"

#define BATCH3 "{'batch':{'max_items':3,'max_wait_ms':5000}}"

/* --- batches (W6, W10) --- */

static void a_full_batch_goes_at_once(void **state)
{
	struct play *p = play_new(NULL, BATCH3);

	(void)state;
	play_events(p, "a1 b2");
	expect_wire(p, "");
	play_events(p, "c3 d4");
	expect_wire(p, "a,b,c");
	play_free(p);
}

static void a_batch_waits_no_longer_than_max_wait(void **state)
{
	struct play *p = play_new(NULL, BATCH3);

	(void)state;
	play_events(p, "a1");
	play_later(p, 3000);
	play_events(p, "b2");
	play_later(p, 1999);
	expect_wire(p, "");
	play_later(p, 1);
	expect_wire(p, "a,b");
	play_free(p);
}

static void a_stop_does_not_wait_for_a_batch_to_fill(void **state)
{
	struct play *p = play_new(NULL, BATCH3);

	(void)state;
	play_events(p, "a1 b2");
	engine_stop(p->engine);
	play_run(p);
	expect_wire(p, "a,b");
	assert_false(engine_idle(p->engine));
	play_answer(p, "a", 200, "");
	assert_true(engine_idle(p->engine));
	play_free(p);
}

static void items_with_another_url_go_in_a_batch_of_their_own(void **state)
{
	/* Names up to m are "sent", from n on "delivered". */
	struct play *p = play_new(NULL, "{'url':'http://crm.example/?s={STATUS}','concurrency':1,"
					"'batch':{'max_items':4,'max_wait_ms':5000}}");

	(void)state;
	play_events(p, "a1 n1 b2 c1");
	expect_wire(p, "a,b"); /* c is of a's URL, but must not overtake n, an earlier event of its message */
	play_answer(p, "a", 200, "");
	play_later(p, 5000);
	expect_wire(p, "n");
	play_answer(p, "n", 200, "");
	expect_wire(p, "c");
	play_free(p);
}

/* --- order (W20) --- */

static void later_events_of_a_message_wait_for_the_first(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1 b1 c2");
	expect_wire(p, "a c");
	play_answer(p, "a", 200, "");
	expect_wire(p, "c b");
	expect_rows(p, "");
	play_free(p);
}

static void what_waits_behind_a_retry_is_held_on_disk(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1 b1");
	play_answer(p, "a", 500, "");
	expect_rows(p, "due60:a held:b");
	play_events(p, "c1");
	expect_rows(p, "due60:a held:b held:c");
	play_later(p, 60000);
	expect_wire(p, "a");
	play_answer(p, "a", 200, "");
	play_later(p, 1);
	expect_wire(p, "b");
	play_answer(p, "b", 200, "");
	play_later(p, 1);
	play_answer(p, "c", 200, "");
	expect_rows(p, "");
	expect_log(p, "a=500/1 a=200/2 b=200/1 c=200/1");
	play_free(p);
}

static void strict_sends_one_after_the_other(void **state)
{
	struct play *p = play_new(NULL, "{'order':'strict'}");

	(void)state;
	play_events(p, "a1 b2");
	expect_wire(p, "a");
	play_answer(p, "a", 500, "");
	play_later(p, 59000);
	expect_wire(p, "");
	play_later(p, 1000);
	play_answer(p, "a", 200, "");
	expect_wire(p, "b");
	play_free(p);
}

static void without_order_everything_goes(void **state)
{
	struct play *p = play_new(NULL, "{'order':'none'}");

	(void)state;
	play_events(p, "a1 b1 c1");
	expect_wire(p, "a b c");
	play_free(p);
}

/* --- window and rate --- */

static void the_window_is_never_wider_than_concurrency(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':2}");

	(void)state;
	play_events(p, "a1 b2 c3");
	expect_wire(p, "a b");
	play_answer(p, "b", 200, "");
	expect_wire(p, "a c");
	play_free(p);
}

static void the_rate_holds(void **state)
{
	struct play *p = play_new(NULL, "{'rate_per_s':2}");

	(void)state;
	play_later(p, 1000);
	play_events(p, "a1 b2 c3 d4");
	expect_wire(p, "a b");
	play_later(p, 499);
	expect_wire(p, "a b");
	play_later(p, 3);
	expect_wire(p, "a b c");
	play_free(p);
}

/* --- retry, ends (W12, W13) --- */

static void a_retry_has_the_same_id_and_items(void **state)
{
	struct play *p = play_new(NULL, BATCH3);
	char first[DELIVERY_ID_BYTES];

	(void)state;
	play_events(p, "a1 b2 c3");
	play_answer(p, "a", 500, "");
	memcpy(first, p->last_id, sizeof(first));
	expect_rows(p, "due60:a,b,c");
	play_events(p, "d4");
	play_later(p, 60000);
	expect_wire(p, "d a,b,c");
	play_answer(p, "a", 500, "");
	assert_string_equal(p->last_id, first);
	expect_rows(p, "due120:a,b,c");
	play_free(p);
}

static void the_last_attempt_makes_a_dead_letter(void **state)
{
	struct play *p = play_new(NULL, "{'retry':{'max_attempts':2}}");

	(void)state;
	play_events(p, "a1 b1");
	play_answer(p, "a", 500, "");
	play_later(p, 60000);
	play_answer(p, "a", -FAILURE_RESET, "");
	expect_dead(p, "a");
	play_later(p, 1);
	expect_wire(p, "b"); /* its predecessor has ended, well or not */
	expect_log(p, "a=500/1 a=reset/2");
	play_free(p);
}

static void age_ends_what_was_never_sent(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':1}");

	(void)state;
	play_events(p, "a1 b2");
	play_settings(p, "{'active':false}");
	play_answer(p, "a", 200, "");
	play_later(p, 3599000);
	expect_dead(p, "");
	play_later(p, 11000); /* while nothing is sent it is looked after every ten seconds */
	expect_dead(p, "b");
	expect_log(p, "a=200/1 b=expired/0");
	play_free(p);
}

static void a_batch_refused_twice_is_split_until_the_culprit_is_alone(void **state)
{
	struct play *p = play_new(NULL, "{'batch':{'max_items':4,'max_wait_ms':0}}");

	(void)state;
	play_events(p, "a1 b2 c3 d4");
	play_answer(p, "a", 422, "");
	expect_rows(p, "due60:a,b,c,d");
	play_later(p, 60000);
	play_answer(p, "a", 422, "");
	play_later(p, 1);
	expect_wire(p, "a,b"); /* the window has shrunk to one */
	play_answer(p, "a", 422, "");
	expect_wire(p, "c,d");
	play_answer(p, "c", 200, "");
	play_later(p, 60000);
	play_answer(p, "a", 422, "");
	play_later(p, 1);
	expect_wire(p, "a");
	play_answer(p, "a", 422, "");
	expect_wire(p, "b");
	play_answer(p, "b", 200, "");
	expect_log(p, "a,b,c,d=422/1 a,b,c,d=422/2 a,b=422/1 c,d=200/1 a,b=422/2 a=422/1 b=200/1");
	expect_rows(p, "due60:a");
	expect_dead(p, "");
	play_free(p);
}

static void a_batch_is_split_even_when_no_attempt_is_left(void **state)
{
	struct play *p = play_new(NULL, "{'batch':{'max_items':2,'max_wait_ms':0},'retry':{'max_attempts':1}}");

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 400, "");
	play_later(p, 1);
	expect_wire(p, "a b");
	play_answer(p, "a", 400, "");
	play_answer(p, "b", 200, "");
	expect_dead(p, "a");
	play_free(p);
}

static void what_cannot_be_rendered_is_dead_and_the_queue_goes_on(void **state)
{
	struct play *p = play_new(NULL, "{'headers':{'X-Text':'{CONTENT}'}}");

	(void)state;
	play_events(p, "a1 bx c2"); /* messages x have a text that no header can hold */
	expect_wire(p, "a c");
	expect_dead(p, "b");
	expect_log(p, "b=render/0");
	play_free(p);
}

/* --- throttling --- */

static void fail_all(struct play *p, const char *names)
{
	for (; *names; names++)
		play_answer(p, (char[]){ *names, '\0' }, 500, "");
}

static void ten_failures_throttle_and_one_probe_goes_at_a_time(void **state)
{
	struct play *p = play_new(NULL, "{'concurrency':16,'retry':{'delays_s':[1800]}}");

	(void)state;
	for (const char *n = "abcdefghij"; *n; n++) {
		play_events(p, (char[]){ *n, *n, '\0' });
		fail_all(p, (char[]){ *n, '\0' });
	}
	expect_state(p, LANE_THROTTLED);
	play_events(p, "k1 l2 m3");
	expect_wire(p, "");
	play_later(p, 1000);
	expect_wire(p, "k");
	expect_state(p, LANE_PROBE);
	play_later(p, 5000);
	expect_wire(p, "k");
	play_answer(p, "k", 500, "");
	play_later(p, 1999);
	expect_wire(p, "");
	play_later(p, 1);
	expect_wire(p, "l"); /* the second probe comes after two seconds */
	play_answer(p, "l", 200, "");
	expect_state(p, LANE_READY);
	expect_wire(p, "m");
	play_free(p);
}

static void retry_after_is_obeyed_by_all(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 503, "Retry-After: 90\r\n");
	expect_rows(p, "due90:a");
	play_events(p, "b2");
	play_later(p, 89999);
	expect_wire(p, "");
	play_later(p, 1);
	assert_int_equal(p->wire_count, 1);
	play_free(p);
}

static void a_late_success_does_not_take_back_a_retry_after(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 429, "Retry-After: 30\r\n");
	play_answer(p, "b", 200, "");
	expect_state(p, LANE_THROTTLED);
	play_free(p);
}

static void gone_disables(void **state)
{
	struct play *p = play_new(NULL, "{}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 410, "");
	expect_state(p, LANE_DISABLED);
	assert_string_equal(p->disabled, "the receiver answered 410 Gone");
	play_events(p, "b2");
	play_later(p, 120000);
	expect_wire(p, "");
	play_settings(p, "{'active':true}");
	play_later(p, 10);
	expect_wire(p, "a b"); /* both waited, and go now */
	play_free(p);
}

static void failing_for_too_long_disables(void **state)
{
	struct play *p = play_new(NULL, "{'disable_after_s':90}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 500, "");
	play_later(p, 60000);
	play_answer(p, "a", 500, "");
	expect_state(p, LANE_READY);
	play_later(p, 120000);
	play_answer(p, "a", 500, "");
	expect_state(p, LANE_DISABLED);
	play_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_batch_goes_at_once),
		cmocka_unit_test(a_batch_waits_no_longer_than_max_wait),
		cmocka_unit_test(a_stop_does_not_wait_for_a_batch_to_fill),
		cmocka_unit_test(items_with_another_url_go_in_a_batch_of_their_own),
		cmocka_unit_test(later_events_of_a_message_wait_for_the_first),
		cmocka_unit_test(what_waits_behind_a_retry_is_held_on_disk),
		cmocka_unit_test(strict_sends_one_after_the_other),
		cmocka_unit_test(without_order_everything_goes),
		cmocka_unit_test(the_window_is_never_wider_than_concurrency),
		cmocka_unit_test(the_rate_holds),
		cmocka_unit_test(a_retry_has_the_same_id_and_items),
		cmocka_unit_test(the_last_attempt_makes_a_dead_letter),
		cmocka_unit_test(age_ends_what_was_never_sent),
		cmocka_unit_test(a_batch_refused_twice_is_split_until_the_culprit_is_alone),
		cmocka_unit_test(a_batch_is_split_even_when_no_attempt_is_left),
		cmocka_unit_test(what_cannot_be_rendered_is_dead_and_the_queue_goes_on),
		cmocka_unit_test(ten_failures_throttle_and_one_probe_goes_at_a_time),
		cmocka_unit_test(retry_after_is_obeyed_by_all),
		cmocka_unit_test(a_late_success_does_not_take_back_a_retry_after),
		cmocka_unit_test(gone_disables),
		cmocka_unit_test(failing_for_too_long_disables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
