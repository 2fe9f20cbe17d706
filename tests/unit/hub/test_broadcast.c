/* Broadcasts: one content to many, in parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folk.h"
#include "hub/contact.h"
#include "hub/group.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, town_begin, town_end)

static char *send_broadcast(struct town *t, const char *params)
{
	if (town_write(t, rest_broadcast_send, NULL, params) != 200)
		fail_msg("%s: %s", town_text(t, "error.param"), town_text(t, "error.message"));
	return strdup(town_text(t, "id"));
}

static bool has_status(struct town *t, const char *id, const char *status)
{
	town_read(t, rest_broadcast, id, NULL);
	return strcmp(town_text(t, "status"), status) == 0;
}

static void to_numbers(void **state)
{
	struct town *t = *state;
	char contact[64], *id;

	folk_phone(t, "PN1", "+46700000001");
	folk_contact(t, "+46701112201", "Alice", contact);
	folk_contact(t, "+46701112202", "Bob", contact);
	folk_set(t, KIND_CONTACT, contact, "send_blocked", "true");
	town_endpoint(t, "b", "/b", "[\"send_broadcast\"]");
	town_endpoint(t, "s", "/s", "[\"send_status\"]");
	id = send_broadcast(t, "{\"to_numbers\":[\"+46701112201\",\"+46701112202\",\"+46701112203\",46701112204],"
			       "\"content\":\"Hej\",\"vars\":{\"a\":1}}");
	town_expect(t, "status", "queuing");
	town_expect(t, "estimated_count", "4");
	town_expect(t, "title", "Alice, Bob and 2 others");
	town_expect(t, "recipients.3.phone_number", "46701112204");
	town_expect(t, "status_counts.queued", "0");
	assert_string_equal(town_field(t, "/b", 0, "id"), id);
	assert_string_equal(town_field(t, "/b", 0, "recipients_str"), "Alice, Bob and 2 others");
	assert_string_equal(town_field(t, "/b", 0, "recipients[0][phone_number]"), "+46701112201");
	TOWN_WAIT(has_status(t, id, "complete"));
	town_expect(t, "message_count", "3"); /* Bob wants none */
	town_expect(t, "status_counts.sent", "3");
	TOWN_WAIT(town_count(t, "/s") == 6); /* queued is told, as it is not of a single message */
	assert_string_equal(town_field(t, "/s", 0, "broadcast_id"), id);
	assert_string_equal(town_field(t, "/s", 0, "vars[a]"), "1");
	free(id);
}

static void replies_are_counted(void **state)
{
	struct town *t = *state;
	char *id;

	folk_phone(t, "PN1", "+46700000001");
	id = send_broadcast(t, "{\"to_numbers\":[\"+46701112201\"],\"content\":\"Hej\",\"title\":\"One\"}");
	town_expect(t, "title", "One");
	TOWN_WAIT(has_status(t, id, "complete"));
	town_write(t, rest_message_receive, NULL,
		   "{\"from_number\":\"+46701112201\",\"content\":\"Ja\",\"phone_id\":\"PN1\"}");
	town_read(t, rest_broadcast, id, NULL);
	town_expect(t, "reply_count", "1");
	free(id);
}

struct crowd {
	size_t count;
	char group[64], first[64];
};

static void gather_crowd(struct deed *d, void *ctx)
{
	struct crowd *c = ctx;
	struct record *group = group_find(d, SLICE_LIT("All"), true);

	slice_copy(c->group, sizeof(c->group), record_id(group));
	for (size_t i = 0; i < c->count; i++) {
		char number[32];
		struct record *contact;

		snprintf(number, sizeof(number), "+4670200%04zu", i);
		contact = contact_for_number(d, slice_str(number));
		contact_group(d, contact, group, true);
		if (i == 0)
			slice_copy(c->first, sizeof(c->first), record_id(contact));
	}
}

static void to_a_group_in_parts(void **state)
{
	struct town *t = *state;
	struct crowd crowd = { .count = 230 };
	char params[300], *id;

	folk_phone(t, "PN1", "+46700000001");
	town_do(t, gather_crowd, &crowd);
	snprintf(params, sizeof(params), "{\"group_id\":\"%s\",\"content\":\"Hej\",\"exclude_contact_id\":\"%s\"}",
		 crowd.group, crowd.first);
	id = send_broadcast(t, params);
	town_expect(t, "estimated_count", "229");
	town_expect(t, "title", "All");
	town_expect(t, "recipients.0.group_name", "All");
	TOWN_WAIT(has_status(t, id, "complete"));
	town_expect(t, "message_count", "229");
	town_expect(t, "status_counts.sent", "229");
	free(id);
}

static void what_still_waits_is_cancelled(void **state)
{
	struct town *t = *state;
	struct crowd crowd = { .count = 150 };
	char params[300], *id;

	folk_phone(t, "PN1", "+46700000001");
	folk_set(t, KIND_PHONE, "PN1", "send_paused", "true");
	town_do(t, gather_crowd, &crowd);
	snprintf(params, sizeof(params), "{\"group_id\":\"%s\",\"content\":\"Hej\"}", crowd.group);
	id = send_broadcast(t, params);
	TOWN_WAIT(has_status(t, id, "sending"));
	town_expect(t, "status_counts.queued", "150");
	assert_int_equal(town_write(t, rest_broadcast_cancel, id, NULL), 200);
	town_expect(t, "status", "cancelled");
	TOWN_WAIT(town_read(t, rest_broadcast, id, NULL) == 200 &&
		  strcmp(town_text(t, "status_counts.cancelled"), "150") == 0);
	town_expect(t, "status_counts.queued", "0");
	town_expect(t, "status", "cancelled");
	free(id);
}

static void the_old_call_answers_as_it_did(void **state)
{
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	assert_int_equal(
		town_write(t, rest_message_batch, NULL, "{\"to_numbers\":[\"+46701112201\"],\"content\":\"Hej\"}"),
		200);
	town_expect(t, "count_queued", "1");
	assert_true(strncmp(town_text(t, "broadcast_id"), "BC", 2) == 0);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *params, *param;
	} rows[] = {
		{ "{\"content\":\"x\"}", "to_numbers" },
		{ "{\"to_numbers\":[],\"content\":\"x\"}", "to_numbers" },
		{ "{\"to_numbers\":\"+46\",\"content\":\"x\"}", "to_numbers" },
		{ "{\"to_numbers\":[\"+46\",\"\"],\"content\":\"x\"}", "to_numbers[1]" },
		{ "{\"to_numbers\":[{}],\"content\":\"x\"}", "to_numbers[0]" },
		{ "{\"to_numbers\":[\"+46\"]}", "content" },
		{ "{\"group_id\":\"CGno\",\"content\":\"x\"}", "group_id" },
		{ "{\"to_numbers\":[\"+46\"],\"content\":\"x\",\"message_type\":\"service\"}", "message_type" },
		{ "{\"to_numbers\":[\"+46\"],\"content\":\"x\",\"route_id\":\"PNno\"}", "route_id" },
		{ "{\"to_numbers\":[\"+46\"],\"content\":\"x\",\"status_url\":\"x\"}", "status_url" },
		{ "{\"to_numbers\":[\"+46\"],\"content\":\"x\",\"colour\":1}", "colour" },
	};
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(town_write(t, rest_broadcast_send, NULL, rows[i].params), 400);
		town_expect_error(t, "invalid_param", rows[i].param);
	}
	town_read(t, rest_broadcasts, NULL, "{\"count\":\"1\"}");
	town_expect(t, "count", "0");
	assert_int_equal(town_read(t, rest_broadcast, "BCno", NULL), 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(to_numbers),
		CASE(replies_are_counted),
		CASE(to_a_group_in_parts),
		CASE(what_still_waits_is_cancelled),
		CASE(the_old_call_answers_as_it_did),
		CASE(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
