/* Scenarios of events with a target, of what the hub hears about them, and of what operators hear about trouble. */
#include "play.h"

#define REPORTS	 "{'reports':true}"
#define STATUS13 "{'reports':true,'retry':{'delays_s':[60],'max_age_s':100}}"

/* --- targets --- */

static void a_targeted_event_goes_to_its_endpoint_alone(void **state)
{
	struct play *p = play_new_internal(NULL, REPORTS);

	(void)state;
	play_events(p, "a1");
	expect_wire(p, "a");
	p->target = PLAY_NUMBER + 1;
	play_events(p, "b2");
	expect_wire(p, "a");
	p->target = PLAY_NUMBER;
	p->project = "other";
	play_events(p, "c3");
	expect_wire(p, "a");
	play_answer(p, "a", 200, "");
	assert_int_equal(engine_floor(p->engine), 3); /* what nobody here gets holds nothing back */
	play_free(p);
}

static void filters_of_an_ordinary_endpoint_do_not_matter_to_a_target(void **state)
{
	struct play *p = play_new(NULL, "{'events':['send_broadcast']}");

	(void)state;
	play_events(p, "a1");
	p->target = PLAY_NUMBER;
	play_events(p, "b2");
	expect_wire(p, "b");
	play_free(p);
}

static void an_internal_endpoint_gets_nothing_else(void **state)
{
	struct play *p = play_new_internal(NULL, REPORTS);

	(void)state;
	p->target = 0;
	play_events(p, "a1 n1");
	expect_wire(p, "");
	expect_log(p, "");
	play_free(p);
}

/* One status_url that was gone once silenced all others of its host, for good. */
static void an_internal_endpoint_is_not_switched_off(void **state)
{
	struct play *p = play_new_internal(NULL, STATUS13);

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 410, "");
	assert_string_equal(p->disabled, "");
	play_events(p, "b2");
	expect_wire(p, "b");
	play_free(p);
}

static void a_targeted_event_survives_a_crash_and_is_not_repeated_after_it(void **state)
{
	struct play *p = play_new_internal(NULL, REPORTS);

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 200, "");
	play_crash(p);
	expect_wire(p, "b");
	play_answer(p, "b", 200, "");
	play_crash(p);
	expect_wire(p, "");
	expect_told(p, "a=delivered/1/200 b=delivered/1/200");
	play_free(p);
}

static void what_is_older_than_the_settings_is_not_routed_again(void **state)
{
	struct play *p = play_new_internal(NULL, REPORTS);

	(void)state;
	play_events(p, "a1");
	play_settings(p, "{'reports':true,'name':'new'}");
	play_crash(p);
	expect_rows(p, "due0:a");
	play_later(p, 10);
	expect_wire(p, "a");
	play_free(p);
}

/* --- reports --- */

static void each_attempt_and_the_end_are_told(void **state)
{
	struct play *p = play_new_internal(NULL, REPORTS);

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 500, "");
	expect_told(p, "a=left/1/500");
	play_later(p, 60000);
	play_answer(p, "a", -FAILURE_TIMEOUT, "");
	expect_told(p, "a=left/2/timeout");
	play_later(p, 120000);
	play_answer(p, "a", 200, "");
	expect_told(p, "a=delivered/3/200");
	play_later(p, 4000000);
	expect_told(p, "");
	play_free(p);
}

static void a_report_is_on_disk_with_its_attempt_or_not_at_all(void **state)
{
	struct play *p = play_new_internal(NULL, REPORTS);

	(void)state;
	play_events(p, "a1");
	p->disk_is_slow = true;
	play_answer(p, "a", 200, "");
	expect_told(p, "");
	expect_log(p, "");
	p->disk_is_slow = false;
	play_crash(p);
	play_answer(p, "a", 200, "");
	expect_told(p, "a=delivered/1/200");
	expect_log(p, "a=200/1");
	play_free(p);
}

static void the_last_failure_is_told_as_the_end(void **state)
{
	struct play *p = play_new_internal(NULL, "{'reports':true,'retry':{'max_attempts':2}}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 500, "");
	play_later(p, 60000);
	play_answer(p, "a", 404, "");
	expect_told(p, "a=left/1/500 a=dead/2/404");
	expect_dead(p, "a");
	play_free(p);
}

static void what_grows_too_old_is_told(void **state)
{
	struct play *p = play_new_internal(NULL, STATUS13);

	(void)state;
	play_settings(p, "{'reports':true,'active':false,'retry':{'max_age_s':100}}");
	play_events(p, "a1"); /* taken although it is switched off: the hub waits for an end */
	expect_told(p, "a=passed/0");
	play_later(p, 120000);
	expect_told(p, "a=dead/0/expired");
	play_free(p);
}

static void what_cannot_be_rendered_is_told(void **state)
{
	struct play *p = play_new_internal(NULL, "{'reports':true,'url_from_event':true}");

	(void)state;
	play_events(p, "a1");
	expect_wire(p, "");
	expect_told(p, "a=dead/0/render");
	play_free(p);
}

static void what_waits_at_a_deleted_endpoint_is_told(void **state)
{
	struct play *p = play_new_internal(NULL, "{'reports':true,'concurrency':1}");

	(void)state;
	play_events(p, "a1 b2");
	play_delete(p);
	expect_told(p, "b=dead/0/deleted");
	play_events(p, "c3"); /* it was on its way when the endpoint went */
	expect_told(p, "c=passed/0 c=dead/0/deleted");
	play_answer(p, "a", 500, "");
	expect_told(p, "a=dead/1/500");
	play_free(p);
}

static void nobody_hears_of_an_endpoint_without_reports(void **state)
{
	struct play *p = play_new_internal(NULL, "{}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 500, "");
	expect_told(p, "");
	play_free(p);
}

static void actions_make_reports_of_every_event(void **state)
{
	struct play *p = play_new(NULL, "{'actions':'telerivet'}");

	(void)state;
	play_events(p, "a1");
	p->target = PLAY_NUMBER; /* the stage's way to make an incoming message */
	play_events(p, "b2");
	play_answer(p, "a", 200, "");
	play_answer(p, "b", 200, "");
	expect_told(p, "a=delivered/1/200 b=delivered/1/200");
	play_free(p);
}

/* --- passed --- */

static void a_throttled_lane_passes_what_comes(void **state)
{
	struct engine_limits limits = engine_limits_default;
	struct play *p;

	(void)state;
	limits.throttle_after = 1;
	p = play_new_internal(&limits, "{'reports':true,'concurrency':1}");
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	expect_told(p, "a=left/1/500 b=passed/0"); /* b was queued in good weather */
	play_events(p, "c3");
	expect_told(p, "c=passed/0");
	play_later(p, 1000);
	expect_wire(p, "b"); /* the probe */
	play_answer(p, "b", 500, "");
	expect_told(p, "b=left/1/500"); /* c is not told again */
	play_later(p, 2000);
	play_answer(p, "c", 200, "");
	expect_told(p, "c=delivered/1/200");
	play_events(p, "d4");
	expect_told(p, "");
	play_free(p);
}

static void what_has_no_room_is_passed(void **state)
{
	struct engine_limits limits = engine_limits_default;
	struct play *p;

	(void)state;
	limits.lane_items = 1;
	p = play_new_internal(&limits, "{'reports':true,'concurrency':1}");
	play_events(p, "a1 b2 c3");
	expect_rows(p, "ready:b ready:c");
	expect_told(p, "b=passed/0 c=passed/0");
	play_answer(p, "a", 200, "");
	play_answer(p, "b", 200, "");
	play_answer(p, "c", 200, "");
	expect_told(p, "a=delivered/1/200 b=delivered/1/200 c=delivered/1/200");
	play_free(p);
}

static void a_lane_that_waits_for_its_retries_passes_what_comes(void **state)
{
	struct play *p = play_new_internal(NULL, "{'reports':true,'order':'strict'}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 500, "");
	play_events(p, "b2");
	expect_told(p, "a=left/1/500 b=passed/0");
	play_free(p);
}

/* --- trouble --- */

static void trouble_is_told_at_each_failure_and_once_when_it_is_over(void **state)
{
	struct play *p = play_new(NULL, "{'success':{'ack':'body_prefix','body_prefix':['0: ','3: ']}}");

	(void)state;
	play_events(p, "a1 b2 c3");
	play_body(p, "a", 202, "0: Accepted for delivery");
	expect_trouble(p, "");
	play_answer(p, "b", 503, "");
	play_answer(p, "c", -FAILURE_TIMEOUT, "");
	expect_trouble(p, "503 timeout");
	play_settings(p, "{'name':'mended','success':{'ack':'body_prefix','body_prefix':['0: ','3: ']}}");
	play_later(p, 60000);
	play_body(p, "b", 202, "1: no");
	expect_trouble(p, "bad_ack");
	play_body(p, "c", 202, "3: Queued for later delivery");
	expect_trouble(p, "ok");
	play_later(p, 60000);
	play_later(p, 60000);
	play_body(p, "b", 200, "0: ");
	expect_trouble(p, "");
	play_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_targeted_event_goes_to_its_endpoint_alone),
		cmocka_unit_test(filters_of_an_ordinary_endpoint_do_not_matter_to_a_target),
		cmocka_unit_test(an_internal_endpoint_gets_nothing_else),
		cmocka_unit_test(an_internal_endpoint_is_not_switched_off),
		cmocka_unit_test(a_targeted_event_survives_a_crash_and_is_not_repeated_after_it),
		cmocka_unit_test(what_is_older_than_the_settings_is_not_routed_again),
		cmocka_unit_test(each_attempt_and_the_end_are_told),
		cmocka_unit_test(a_report_is_on_disk_with_its_attempt_or_not_at_all),
		cmocka_unit_test(the_last_failure_is_told_as_the_end),
		cmocka_unit_test(what_grows_too_old_is_told),
		cmocka_unit_test(what_cannot_be_rendered_is_told),
		cmocka_unit_test(what_waits_at_a_deleted_endpoint_is_told),
		cmocka_unit_test(nobody_hears_of_an_endpoint_without_reports),
		cmocka_unit_test(actions_make_reports_of_every_event),
		cmocka_unit_test(a_throttled_lane_passes_what_comes),
		cmocka_unit_test(what_has_no_room_is_passed),
		cmocka_unit_test(a_lane_that_waits_for_its_retries_passes_what_comes),
		cmocka_unit_test(trouble_is_told_at_each_failure_and_once_when_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
