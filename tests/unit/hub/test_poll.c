/* Polls: begun by keyword or by hand, answered, invalid answers, what is done at the end. */
#include <stdio.h>
#include <string.h>

#include "staff.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, staff_begin, town_end)

#define POLL                                                                                                           \
	"{\"service_type\":\"messaging_poll\",\"config\":{\"keyword\":\"poll\",\"invalid_text\":\"What?\","            \
	"\"questions\":"                                                                                               \
	"[{\"text\":\"Name?\",\"variable\":\"contact.name\"},{\"text\":\"Colour, [[contact.name]]?\",\"variable\":"    \
	"\"colour\",\"choices\":[\"Red\",\"Blue\"]}],\"actions\":[{\"type\":\"send_reply\",\"content\":"               \
	"\"[[contact.vars.colour]] it is\"}]}}"

static void expect_state(struct town *t, const char *service, const char *id)
{
	assert_int_equal(town_read(t, rest_service_states, service, NULL), 200);
	town_expect(t, "data.0.id", id);
}

static void a_poll_is_answered(void **state)
{
	struct town *t = *state;
	char id[64], after[64], message[64];

	staff_service(t, id, POLL);
	staff_service(
		t, after,
		"{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[{\"type\":\"log_message\",\"text\":"
		"\"not the poll's: [[content]]\"}]}}");
	staff_message(t, message, "hello");
	assert_int_equal(staff_logged(t, after, "not the poll's: hello"), 1);
	staff_message(t, message, "POLL please");
	assert_int_equal(staff_sent(t, "Name?"), 1);
	expect_state(t, id, "q1");
	staff_message(t, message, "Bob");
	assert_int_equal(staff_sent(t, "Colour, Bob?"), 1);
	expect_state(t, id, "q2");
	staff_message(t, message, "green");
	assert_int_equal(staff_sent(t, "What?"), 1);
	assert_int_equal(staff_sent(t, "Colour, Bob?"), 2);
	expect_state(t, id, "q2");
	staff_message(t, message, "2");
	assert_int_equal(staff_sent(t, "Blue it is"), 1);
	expect_state(t, id, "done");
	staff_message(t, message, "more");
	assert_int_equal(staff_logged(t, after, "not the poll's"), 2);
	/* The keyword begins anew. */
	staff_message(t, message, "poll");
	assert_int_equal(staff_sent(t, "Name?"), 2);
	expect_state(t, id, "q1");
}

static void a_poll_is_sent_by_hand(void **state)
{
	static const char invoke[] = "{\"context\":\"contact\",\"phone_number\":\"" STAFF_SENDER "\"}";
	struct town *t = *state;
	char id[64], message[64];

	staff_service(t, id, POLL);
	assert_int_equal(town_write(t, rest_service_invoke, id, invoke), 200);
	town_expect(t, "sent_messages.0.content", "Name?");
	staff_message(t, message, "Ann");
	expect_state(t, id, "q2");
	/* Once more: the question that is open, again. */
	assert_int_equal(town_write(t, rest_service_invoke, id, invoke), 200);
	town_expect(t, "sent_messages.0.content", "Colour, Ann?");
	staff_message(t, message, "red");
	expect_state(t, id, "done");
	assert_int_equal(town_write(t, rest_service_invoke, id, invoke), 200);
	town_expect(t, "sent_messages.0.content", "Name?");
}

static void a_poll_may_end_with_a_webhook(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	town_answer(t, "/end", 200, "application/json", "{\"variables\":{\"$points\":3}}");
	staff_service(
		t, id,
		"{\"service_type\":\"messaging_poll\",\"config\":{\"keyword\":\"go\",\"questions\":[{\"text\":\"?\","
		"\"variable\":\"state.vars.a\"}],\"actions\":[{\"type\":\"notify_webhook\",%s,{\"type\":\"send_reply\","
		"\"content\":\"[[$points]] points for [[state.vars.a]]\"}]}}",
		staff_webhook(t, "/end", "") + 1);
	staff_message(t, message, "go");
	staff_message(t, message, "42");
	assert_string_equal(town_field(t, "/end", 0, "state[vars][a]"), "42");
	staff_settle(t, message);
	assert_int_equal(staff_sent(t, "3 points for 42"), 1);
	expect_state(t, id, "done");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_poll_is_answered),
		CASE(a_poll_is_sent_by_hand),
		CASE(a_poll_may_end_with_a_webhook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
