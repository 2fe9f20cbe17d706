/*
 * Scenarios of receivers that acknowledge item by item, one a sentence of Webcom's rules (X3 - X8, X12): what is
 * acknowledged, what is sent again, what a newer status replaces, and what a final one ends. Names up to m are "sent",
 * from n on "delivered", which is final where a test says so.
 */
#include "play.h"

#include "base/mem.h"

#define WEBCOM(more)                                                                                                   \
	"{'batch':{'max_items':4,'max_wait_ms':0},'success':{'ack':'ids_xml'},'newest_replaces':true," more            \
	"'retry':{'delays_s':[60,120],'max_attempts':5,'jitter':0}}"

static struct play *webcom(void)
{
	return play_new(NULL, WEBCOM(""));
}

static struct play *with_finals(void)
{
	return play_new(NULL, WEBCOM("'final_statuses':['delivered'],"));
}

static void expect_pending(struct play *p, int64_t count)
{
	assert_int_equal(atomic_load(&p->stats->pending), count);
}

/* --- acknowledged, sent again (X3, X4) --- */

static void only_what_was_not_acknowledged_is_sent_again(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2 c3");
	play_ack(p, "a", "1 3");
	expect_rows(p, "due60:b");
	expect_pending(p, 1);
	play_later(p, 60000);
	expect_wire(p, "b");
	play_ack(p, "b", "2");
	expect_rows(p, "");
	expect_log(p, "a,b,c=200/1 b=200/2");
	expect_pending(p, 0);
	play_free(p);
}

static void five_attempts_in_all_then_the_dead_letter(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1");
	for (int i = 0; i < 4; i++) {
		play_ack(p, "a", "");
		expect_dead(p, "");
		play_later(p, 120000);
	}
	play_ack(p, "a", "");
	expect_dead(p, "a");
	expect_log(p, "a=200/1 a=200/2 a=200/3 a=200/4 a=200/5");
	expect_pending(p, 0);
	play_free(p);
}

/* --- worthless and foreign answers (X6 - X8) --- */

static void a_doubtful_answer_acknowledges_nothing(void **state)
{
	static const char *const doubtful[] = {
		"",
		"<response><id_sms>1</id_sms>",
		"<!DOCTYPE r [<!ENTITY x '1'>]><response><id_sms>&x;</id_sms></response>",
		"<response><id>1</id></response>",
		"OK",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(doubtful) / sizeof(doubtful[0]); i++) {
		struct play *p = webcom();

		play_events(p, "a1");
		play_body(p, "a", 200, doubtful[i]);
		expect_rows(p, "due60:a");
		play_free(p);
	}
}

static void ids_that_were_not_sent_mean_nothing(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2");
	play_ack(p, "a", "1 7 1 9");
	expect_rows(p, "due60:b");
	expect_state(p, LANE_READY);
	play_free(p);
}

static void equal_ids_of_two_projects_do_not_go_together(void **state)
{
	struct play *p = play_new_organization(
		"{'batch':{'max_items':3,'max_wait_ms':5000},'success':{'ack':'ids_xml'},'newest_replaces':true}");

	(void)state;
	play_events(p, "a1");
	p->project = "q";
	play_events(p, "b1 c2");
	expect_wire(p, "a,c");
	play_ack(p, "a", "1 2");
	play_later(p, 5000);
	expect_wire(p, "b"); /* neither superseded nor acknowledged by the other's id */
	play_free(p);
}

static void acknowledgements_count_with_a_success_status_only(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1");
	play_body(p, "a", 500, "<response><id_sms>1</id_sms></response>");
	expect_rows(p, "due60:a");
	play_free(p);
	p = play_new(NULL, "{'success':{'ack':'ids_xml','any_status':true}}");
	play_events(p, "a1");
	play_body(p, "a", 500, "<response><id_sms>1</id_sms></response>");
	expect_rows(p, "");
	play_free(p);
}

/* --- the newest replaces (X5) --- */

static void one_state_a_message_in_a_document(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2 c1 d1");
	expect_wire(p, "b,d");
	expect_log(p, "a=superseded/0 c=superseded/0");
	expect_dead(p, "");
	expect_pending(p, 2);
	play_free(p);
}

static void a_newer_one_follows_what_was_acknowledged(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1");
	play_events(p, "b1");
	expect_wire(p, "a");
	play_events(p, "c1"); /* takes the place of b, which waits */
	expect_log(p, "b=superseded/0");
	play_ack(p, "a", "1");
	expect_wire(p, "c");
	play_ack(p, "c", "1");
	expect_rows(p, "");
	expect_pending(p, 0);
	play_free(p);
}

static void a_newer_one_replaces_what_was_not_acknowledged(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2");
	play_events(p, "c1");
	play_ack(p, "a", "2");
	expect_wire(p, "c"); /* at once, and its count starts anew */
	expect_rows(p, "");
	expect_log(p, "a,b=200/1 a=superseded/0");
	play_ack(p, "c", "");
	expect_rows(p, "due60:c");
	expect_dead(p, "");
	expect_pending(p, 1);
	play_free(p);
}

static void the_last_attempt_of_an_older_one_makes_no_dead_letter(void **state)
{
	struct play *p = play_new(NULL, "{'newest_replaces':true,'retry':{'max_attempts':1}}");

	(void)state;
	play_events(p, "a1 b1");
	play_answer(p, "a", 500, "");
	expect_wire(p, "b");
	expect_dead(p, "");
	expect_log(p, "a=500/1 a=superseded/0");
	play_free(p);
}

static void who_is_left_of_a_refused_batch_is_tried_alone(void **state)
{
	struct play *p = play_new(NULL, "{'batch':{'max_items':2,'max_wait_ms':0},'newest_replaces':true,"
					"'retry':{'max_attempts':1}}");

	(void)state;
	play_events(p, "a1 b2");
	play_events(p, "c1");
	play_answer(p, "a", 400, "");
	expect_dead(p, ""); /* a may have been to blame */
	play_later(p, 1);
	play_answer(p, "b", 200, "");
	expect_log(p, "a,b=400/1 a=superseded/0 b=200/1");
	play_free(p);
}

static void a_newer_one_does_not_wait_for_a_retry(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2 c3");
	play_answer(p, "a", 500, "");
	expect_rows(p, "due60:a,b,c");
	play_later(p, 10000);
	play_events(p, "d1");
	play_later(p, 10);
	expect_wire(p, "d");
	expect_rows(p, "due0:d due49:b,c"); /* d has a row from the time when it waited */
	expect_log(p, "a,b,c=500/1 a=superseded/0");
	play_ack(p, "d", "1");
	expect_rows(p, "due49:b,c");
	expect_pending(p, 2);
	play_later(p, 49989);
	expect_wire(p, "");
	play_later(p, 1);
	expect_wire(p, "b,c");
	play_ack(p, "b", "2 3");
	expect_log(p, "a,b,c=500/1 a=superseded/0 d=200/1 b,c=200/2");
	expect_rows(p, "");
	expect_pending(p, 0);
	play_free(p);
}

static void what_is_due_is_not_sent_when_something_newer_waits(void **state)
{
	struct play *p = play_new(NULL, "{'newest_replaces':true,'concurrency':1}");

	(void)state;
	play_events(p, "a1");
	play_answer(p, "a", 500, "");
	play_events(p, "b2");
	expect_wire(p, "b");
	play_later(p, 60000); /* a is in memory now, b holds the only place */
	play_events(p, "c1");
	play_answer(p, "b", 200, "");
	play_later(p, 10);
	expect_wire(p, "a"); /* nobody has looked at c yet: one place only */
	play_answer(p, "a", 500, "");
	play_later(p, 10);
	expect_wire(p, "c");
	expect_log(p, "a=500/1 b=200/1 a=500/2 a=superseded/0");
	play_free(p);
}

static void a_retry_on_the_wire_is_waited_for(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	play_later(p, 60000);
	expect_wire(p, "a,b");
	play_events(p, "c1");
	play_events(p, "d1");
	expect_rows(p, "due0:a,b held:d");
	expect_log(p, "a,b=500/1 c=superseded/0");
	play_ack(p, "a", "2");
	play_later(p, 1);
	expect_wire(p, "d");
	expect_log(p, "a,b=500/1 c=superseded/0 a,b=200/2 a=superseded/0");
	play_ack(p, "d", "1");
	expect_rows(p, "");
	expect_pending(p, 0);
	play_free(p);
}

static void an_older_one_that_comes_again_is_not_sent_after_a_newer_one_that_waits(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1");
	play_ack(p, "a", "1");
	play_events(p, "b1");
	play_replay(p, "a");
	play_later(p, 10);
	expect_wire(p, "b");
	expect_log(p, "a=200/1 a=superseded/0");
	expect_pending(p, 1);
	play_free(p);
}

static void a_crash_before_the_row_was_looked_at(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	play_events(p, "c1");
	p->disk_is_slow = false;
	play_crash(p);
	play_later(p, 10);
	expect_wire(p, "c");
	expect_rows(p, "due0:c due59:b");
	play_free(p);
	/* and between the held row and the load */
	p = webcom();
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	p->disk_is_slow = true;
	play_events(p, "c1");
	assert_int_equal(p->queue_count, 2); /* the held row; the load, which is lost */
	assert_int_equal(store_commit(p->store, &p->queue[0].tx, 1, NULL), 0);
	p->disk_is_slow = false;
	play_crash(p);
	play_later(p, 10);
	expect_wire(p, "c");
	expect_pending(p, 2);
	play_free(p);
}

static void a_load_that_comes_too_late_changes_nothing(void **state)
{
	struct play *p = webcom();

	(void)state;
	play_events(p, "a1 b2");
	play_answer(p, "a", 500, "");
	p->disk_is_slow = true;
	play_events(p, "c1");
	p->disk_is_slow = false;
	play_settings(p, WEBCOM("'active':false,"));
	play_later(p, 10);
	expect_wire(p, "");
	expect_rows(p, "due59:a,b held:c");
	play_settings(p, WEBCOM(""));
	play_later(p, 10);
	expect_wire(p, "c");
	expect_pending(p, 2);
	play_free(p);
}

static void without_the_setting_each_goes_in_turn(void **state)
{
	struct play *p = play_new(NULL, "{'batch':{'max_items':4,'max_wait_ms':0}}");

	(void)state;
	play_events(p, "a1 b1");
	expect_wire(p, "a,b");
	play_free(p);
}

/* --- final (X12) --- */

static void nothing_follows_a_final_status_that_was_acknowledged(void **state)
{
	struct play *p = with_finals();

	(void)state;
	play_events(p, "n1 a2");
	play_ack(p, "n", "1 2");
	play_events(p, "b1 c2");
	expect_wire(p, "c");
	expect_log(p, "n,a=200/1 b=final/0");
	expect_dead(p, "");
	expect_pending(p, 1);
	play_free(p);
}

static void a_final_status_that_was_not_acknowledged_ends_nothing(void **state)
{
	struct play *p = with_finals();

	(void)state;
	play_events(p, "n1");
	play_ack(p, "n", "");
	play_events(p, "b1");
	play_later(p, 10);
	expect_wire(p, "b");
	play_free(p);
}

static void what_waited_behind_a_final_status_ends(void **state)
{
	struct play *p = with_finals();

	(void)state;
	play_events(p, "n1");
	play_events(p, "b1");
	play_ack(p, "n", "1");
	expect_wire(p, "");
	expect_log(p, "n=200/1 b=final/0");
	expect_pending(p, 0);
	play_free(p);
}

static void finality_outlives_a_crash(void **state)
{
	struct play *p = with_finals();

	(void)state;
	play_events(p, "n1");
	play_ack(p, "n", "1");
	play_crash(p);
	play_events(p, "b1");
	expect_log(p, "n=200/1 b=final/0");
	play_free(p);
}

static void a_replay_is_sent_though_it_is_final(void **state)
{
	struct play *p = with_finals();

	(void)state;
	play_events(p, "n1");
	play_ack(p, "n", "1");
	play_replay(p, "n");
	play_later(p, 10);
	expect_wire(p, "n");
	play_free(p);
}

static void only_so_many_finals_are_known(void **state)
{
	struct engine_limits limits = engine_limits_default;
	struct play *p;
	char name[] = "a1 ";

	(void)state;
	limits.finals = 2;
	p = play_new(&limits, "{'final_statuses':['sent']}");
	for (int i = 0; i < 9; i++) {
		name[0] = (char)('a' + i);
		name[1] = (char)('1' + i);
		name[2] = '\0';
		play_events(p, name);
		play_answer(p, name, 200, "");
	}
	play_events(p, "n9 o1");
	expect_wire(p, "o"); /* 1 is forgotten, 9 is not */
	play_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_not_acknowledged_is_sent_again),
		cmocka_unit_test(five_attempts_in_all_then_the_dead_letter),
		cmocka_unit_test(a_doubtful_answer_acknowledges_nothing),
		cmocka_unit_test(ids_that_were_not_sent_mean_nothing),
		cmocka_unit_test(equal_ids_of_two_projects_do_not_go_together),
		cmocka_unit_test(acknowledgements_count_with_a_success_status_only),
		cmocka_unit_test(one_state_a_message_in_a_document),
		cmocka_unit_test(a_newer_one_follows_what_was_acknowledged),
		cmocka_unit_test(a_newer_one_replaces_what_was_not_acknowledged),
		cmocka_unit_test(the_last_attempt_of_an_older_one_makes_no_dead_letter),
		cmocka_unit_test(who_is_left_of_a_refused_batch_is_tried_alone),
		cmocka_unit_test(a_newer_one_does_not_wait_for_a_retry),
		cmocka_unit_test(what_is_due_is_not_sent_when_something_newer_waits),
		cmocka_unit_test(a_retry_on_the_wire_is_waited_for),
		cmocka_unit_test(an_older_one_that_comes_again_is_not_sent_after_a_newer_one_that_waits),
		cmocka_unit_test(a_crash_before_the_row_was_looked_at),
		cmocka_unit_test(a_load_that_comes_too_late_changes_nothing),
		cmocka_unit_test(without_the_setting_each_goes_in_turn),
		cmocka_unit_test(nothing_follows_a_final_status_that_was_acknowledged),
		cmocka_unit_test(a_final_status_that_was_not_acknowledged_ends_nothing),
		cmocka_unit_test(what_waited_behind_a_final_status_ends),
		cmocka_unit_test(finality_outlives_a_crash),
		cmocka_unit_test(a_replay_is_sent_though_it_is_final),
		cmocka_unit_test(only_so_many_finals_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
