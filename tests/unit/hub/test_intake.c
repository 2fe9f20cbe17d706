/* Events that callers post meet what the hub has stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folk.h"
#include "hub/intake.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, town_begin, town_end)

static bool wants(struct town *t, const char *type)
{
	struct event ev = { .type = event_type_of(slice_str(type)) };

	return intake_wants(t->hub, SLICE_LIT("p"), &ev);
}

static void a_project_without_objects_goes_the_short_way(void **state)
{
	struct town *t = *state;

	assert_true(wants(t, "incoming_message"));
	assert_false(wants(t, "send_status"));
	assert_false(wants(t, "contact_update"));
	folk_phone(t, "PN1", "+46700000001"); /* its first object */
	assert_true(wants(t, "send_status"));
}

static void what_is_stored_is_found_after_a_start(void **state)
{
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	intake_forget(t->hub); /* as after a restart: the first question reads */
	assert_true(wants(t, "send_status"));
}

#define INCOMING                                                                                                       \
	"{\"type\":\"incoming_message\",\"id\":\"ev1\",\"time\":1547125204,\"message\":{\"id\":1000007,"               \
	"\"from_number\":\"0701112233\",\"to_number\":\"+46700000001\",\"content\":\"Hej\",\"price\":1.10,"            \
	"\"_run\":\"x\",\"fields\":[\"a\"],\"vars\":{\"order\":17}},\"contact\":{\"id\":\"theirs\",\"vars\":{\"vip\":" \
	"true}},"                                                                                                      \
	"\"campaign\":\"Spring\"}"

static void a_posted_message_is_received(void **state)
{
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"incoming_message\"]");
	assert_true(folk_post(t, INCOMING) > 0);
	assert_string_equal(town_field(t, "/e", 0, "id"), "1000007");
	assert_string_equal(town_field(t, "/e", 0, "content"), "Hej");
	assert_string_equal(town_field(t, "/e", 0, "from_number_e164"), "+46701112233");
	assert_string_equal(town_field(t, "/e", 0, "price"), "1.1");
	assert_string_equal(town_field(t, "/e", 0, "campaign"), "Spring");
	assert_string_equal(town_field(t, "/e", 0, "phone_id"), "PN1");
	assert_string_equal(town_field(t, "/e", 0, "status"), "received");
	assert_string_equal(town_field(t, "/e", 0, "_run"), "x"); /* theirs is passed on, and is not ours */
	assert_string_equal(town_field(t, "/e", 0, "contact[id]"), "theirs");
	assert_string_equal(town_field(t, "/e", 0, "contact[vars][vip]"), "1");
	assert_string_equal(town_field(t, "/e", 0, "contact[phone_number]"), "+46701112233");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "1000007", "price"), "1.10");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "1000007", "vars"), "{\"order\":17}");
	assert_string_not_equal(folk_member(t, KIND_MESSAGE, "1000007", "_run"), "\"x\"");
	town_read(t, rest_contacts, NULL, "{}");
	town_expect(t, "data.0.message_count", "1");
	town_expect(t, "data.1", "");
}

/* What is posted is told as it is; what is stored has its types. */
static void members_of_wrong_types_are_not_stored(void **state)
{
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"incoming_message\"]");
	assert_true(folk_post(t,
			      "{\"type\":\"incoming_message\",\"message\":{\"id\":\"m\",\"from_number\":\"1\","
			      "\"time_created\":\"abc\",\"time_sent\":1547125204.75,\"status\":\"delivered\","
			      "\"starred\":\"yes\",\"media\":5,\"price\":\"much\",\"duration\":7,\"own\":[1]}}") > 0);
	assert_string_equal(town_field(t, "/e", 0, "time_created"), "abc");
	assert_string_equal(town_field(t, "/e", 0, "status"), "delivered");
	assert_true(strtoll(folk_member(t, KIND_MESSAGE, "m", "time_created"), NULL, 10) > 1600000000);
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "time_sent"), "1547125204");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "status"), "\"received\"");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "starred"), "false");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "media"), "");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "price"), "");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "duration"), "7");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "m", "own"), "[1]");
	assert_true(folk_post(t, "{\"type\":\"incoming_message\",\"message\":{\"id\":\"n\",\"from_number\":\"1\","
				 "\"time_created\":-1e300}}") > 0);
	assert_true(strtoll(folk_member(t, KIND_MESSAGE, "n", "time_created"), NULL, 10) > 1600000000);
}

static void nothing_is_done_twice(void **state)
{
	struct town *t = *state;

	town_endpoint(t, "e", "/e", "[\"incoming_message\"]");
	assert_true(folk_post(t, INCOMING) > 0);
	assert_int_equal(folk_post(t, INCOMING), 0);
	/* Under another id of the event it is told, but it is the same message. */
	assert_true(
		folk_post(t, "{\"type\":\"incoming_message\",\"message\":{\"id\":\"1000007\",\"from_number\":\"1\"}}") >
		0);
	TOWN_WAIT(town_count(t, "/e") == 2);
	town_read(t, rest_contacts, NULL, "{}");
	town_expect(t, "data.0.message_count", "1");
	town_expect(t, "data.1", "");
	assert_string_equal(folk_member(t, KIND_MESSAGE, "1000007", "from_number"), "\"0701112233\"");
}

/* Whatever names its members have, an event that is told is a proper one. */
static void strange_names_pass(void **state)
{
	struct town *t = *state;
	struct buf event;

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"incoming_message\",\"send_status\"]");
	buf_init(&event, 40000);
	buf_add_str(
		&event,
		"{\"type\":\"incoming_message\",\"message\":{\"id\":\"m\",\"from_number\":\"1\",\"a\\u0000b\":1,\"");
	for (int i = 0; i < 5000; i++)
		buf_add_str(&event, "\\u0022");
	buf_add_str(&event, "\":2},\"contact\":{\"\":3,\"n\\u0061me\":\"Eva\"}}");
	assert_true(folk_post(t, buf_str(&event)) > 0);
	assert_true(folk_post(t, buf_str(&event)) > 0);
	assert_string_equal(town_field(t, "/e", 1, "contact[name]"), "Eva");
	buf_free(&event);
}

static char *sent_message(struct town *t, const char *more)
{
	char params[400];

	snprintf(params, sizeof(params), "{\"to_number\":\"+46701112233\",\"content\":\"x\"%s}", more);
	folk_phone(t, "PN1", "+46700000001");
	folk_set(t, KIND_PHONE, "PN1", "send_paused", "true"); /* its statuses come from us alone */
	assert_int_equal(town_write(t, rest_message_send, NULL, params), 200);
	return strdup(town_text(t, "id"));
}

static int64_t post_status(struct town *t, const char *event_id, const char *id, const char *more)
{
	char event[600];

	snprintf(event, sizeof(event), "{\"type\":\"send_status\",\"id\":\"%s\",\"message\":{\"id\":\"%s\",%s}}",
		 event_id, id, more);
	return folk_post(t, event);
}

static void a_posted_status_is_applied(void **state)
{
	struct town *t = *state;
	char *id;

	town_endpoint(t, "e", "/e", "[\"send_status\"]");
	id = sent_message(t, "");
	assert_true(post_status(t, "s1", id, "\"status\":\"delivered\",\"price\":0.25,\"price_currency\":\"SEK\"") > 0);
	assert_string_equal(town_field(t, "/e", 0, "status"), "delivered");
	assert_string_equal(town_field(t, "/e", 0, "content"), "x");
	assert_string_equal(town_field(t, "/e", 0, "price"), "0.25");
	assert_string_equal(town_field(t, "/e", 0, "contact[phone_number]"), "+46701112233");
	assert_non_null(town_field(t, "/e", 0, "time_sent"));
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "status"), "\"delivered\"");
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "price_currency"), "\"SEK\"");
	/* Late: told under its own id, as posted, and no step back for the message. */
	assert_true(post_status(t, "s2", id, "\"status\":\"sent\",\"num_parts\":3") > 0);
	assert_string_equal(town_field(t, "/e", 1, "status"), "sent");
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "status"), "\"delivered\"");
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "num_parts"), "3");
	/* A name that only begins like one that a status does not change. */
	assert_true(post_status(t, "s3", id, "\"status\":\"sent\",\"direction\\u0000x\":\"incoming\"") > 0);
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "direction"), "\"outgoing\"");
	assert_int_equal(post_status(t, "s1", id, "\"status\":\"failed\""), 0);
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "status"), "\"delivered\"");
	free(id);
}

static void a_posted_status_goes_to_the_status_url(void **state)
{
	struct town *t = *state;
	char more[200], *id;

	town_endpoint(t, "e", "/e", "[\"send_status\"]");
	snprintf(more, sizeof(more), ",\"status_url\":\"%s/mine\",\"status_secret\":\"s\"", t->url);
	id = sent_message(t, more);
	assert_true(post_status(t, "s1", id, "\"status\":\"sent\"") > 0);
	assert_string_equal(town_field(t, "/mine", 0, "status"), "sent");
	assert_string_equal(town_field(t, "/mine", 0, "secret"), "s");
	/* A message that the hub has not goes to all. */
	assert_true(post_status(t, "s2", "unknown", "\"status\":\"sent\"") > 0);
	assert_string_equal(town_field(t, "/e", 0, "id"), "unknown");
	assert_int_equal(town_count(t, "/e"), 1);
	free(id);
}

static void what_is_named_by_its_id_is_added(void **state)
{
	struct town *t = *state;
	char contact[64], event[400];

	folk_phone(t, "PN1", "+46700000001");
	folk_contact(t, "+46701112233", "Anna", contact);
	town_endpoint(t, "e", "/e", "[\"contact_update\",\"message_metadata\"]");
	snprintf(event, sizeof(event),
		 "{\"type\":\"contact_update\",\"update_type\":\"update\",\"contact\":{\"id\":\"%s\"}}", contact);
	assert_true(folk_post(t, event) > 0);
	assert_string_equal(town_field(t, "/e", 0, "name"), "Anna");
	snprintf(event, sizeof(event),
		 "{\"type\":\"message_metadata\",\"update_type\":\"star\",\"message\":{\"id\":\"m\",\"contact_id\":\"%"
		 "s\"}}",
		 contact);
	assert_true(folk_post(t, event) > 0);
	assert_string_equal(town_field(t, "/e", 1, "contact[name]"), "Anna");
	/* Whoever says more than the id knows better. */
	snprintf(
		event, sizeof(event),
		"{\"type\":\"contact_update\",\"update_type\":\"update\",\"contact\":{\"id\":\"%s\",\"name\":\"Eva\"}}",
		contact);
	assert_true(folk_post(t, event) > 0);
	assert_string_equal(town_field(t, "/e", 2, "name"), "Eva");
	assert_null(town_field(t, "/e", 2, "phone_number"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_project_without_objects_goes_the_short_way),
		CASE(what_is_stored_is_found_after_a_start),
		CASE(a_posted_message_is_received),
		CASE(members_of_wrong_types_are_not_stored),
		CASE(nothing_is_done_twice),
		CASE(strange_names_pass),
		CASE(a_posted_status_is_applied),
		CASE(a_posted_status_goes_to_the_status_url),
		CASE(what_is_named_by_its_id_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
