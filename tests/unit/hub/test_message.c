/* Messages: sent, received, their statuses, the calls about them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folk.h"
#include "hub/message.h"
#include "hub/message_parts.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, town_begin, town_end)

static int send_one(struct town *t, const char *params)
{
	return town_write(t, rest_message_send, NULL, params);
}

/* The id of the message that the last call answered with. */
static char *answered_id(struct town *t)
{
	return strdup(town_text(t, "id"));
}

static void a_message_is_sent(void **state)
{
	struct town *t = *state;
	char *id;

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"send_status\"]");
	assert_int_equal(send_one(t, "{\"to_number\":\"+46701112233\",\"content\":\"Hej\",\"vars\":{\"a\":1}}"), 200);
	town_expect(t, "status", "queued");
	town_expect(t, "direction", "outgoing");
	town_expect(t, "message_type", "sms");
	town_expect(t, "source", "api");
	town_expect(t, "from_number", "+46700000001");
	town_expect(t, "to_number", "+46701112233");
	town_expect(t, "phone_id", "PN1");
	town_expect(t, "num_parts", "1");
	town_expect(t, "starred", "false");
	town_expect(t, "vars.a", "1");
	town_expect(t, "project_id", "p");
	id = answered_id(t);
	/* A single message over REST is not told when it is queued: the first one is "sent". */
	assert_string_equal(town_field(t, "/e", 0, "status"), "sent");
	assert_string_equal(town_field(t, "/e", 0, "id"), id);
	assert_string_equal(town_field(t, "/e", 0, "event"), "send_status");
	assert_string_equal(town_field(t, "/e", 0, "contact[phone_number]"), "+46701112233");
	assert_string_equal(town_field(t, "/e", 0, "contact[outgoing_message_count]"), "1");
	assert_null(town_field(t, "/e", 0, "_history"));
	town_read(t, rest_message, id, NULL);
	town_expect(t, "status", "sent");
	town_expect(t, "status_history.0.0", "queued");
	town_expect(t, "status_history.1.0", "sent");
	assert_true(strlen(town_text(t, "time_sent")) > 8);
	free(id);
}

static void the_test_numbers_do_as_they_say(void **state)
{
	static const struct {
		const char *number, *statuses[3], *error;
	} rows[] = {
		{ "+15005550011", { "failed" }, "Example error message." },
		{ "+15005550012", { "sent", "delivered" }, NULL },
		{ "+15005550013", { "sent", "not_delivered" }, "Example delivery failure message." },
		{ "+15005550014", { "failed_queued", "sent" }, NULL },
	};
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char params[512], path[16];
		const char *error;
		size_t last = rows[i].statuses[1] ? 1 : 0;

		snprintf(path, sizeof(path), "/n%zu", i);
		snprintf(params, sizeof(params),
			 "{\"to_number\":\"%s\",\"content\":\"x\",\"status_url\":\"%s%s\",\"status_secret\":\"s\"}",
			 rows[i].number, t->url, path);
		assert_int_equal(send_one(t, params), 200);
		for (size_t k = 0; rows[i].statuses[k]; k++)
			assert_string_equal(town_field(t, path, k, "status"), rows[i].statuses[k]);
		error = town_field(t, path, last, "error_message");
		if (rows[i].error)
			assert_string_equal(error, rows[i].error);
		else
			assert_null(error);
		assert_string_equal(town_field(t, path, last, "simulated"), "1");
	}
}

static void statuses_go_to_the_status_url_instead(void **state)
{
	struct town *t = *state;
	char params[512];

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"send_status\"]");
	snprintf(params, sizeof(params),
		 "{\"to_number\":\"+46701112233\",\"content\":\"1\",\"status_url\":\"%s/"
		 "mine?x=1\",\"status_secret\":\"p&=+ \\u00f6\\u0001%%\"}",
		 t->url);
	assert_int_equal(send_one(t, params), 200);
	assert_string_equal(town_text(t, "status_url"), "");
	assert_string_equal(town_field(t, "/mine", 0, "status"), "sent");
	assert_string_equal(town_field(t, "/mine", 0, "secret"), "p&=+ \xc3\xb6\x01%");
	assert_int_equal(send_one(t, "{\"to_number\":\"+46701112244\",\"content\":\"2\"}"), 200);
	assert_string_equal(town_field(t, "/e", 0, "content"), "2");
	assert_int_equal(town_count(t, "/e"), 1);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *params, *param;
	} rows[] = {
		{ "{\"content\":\"x\"}", "to_number" },
		{ "{\"to_number\":\"  \",\"content\":\"x\"}", "to_number" },
		{ "{\"to_number\":[\"+1\"],\"content\":\"x\"}", "to_number" },
		{ "{\"to_number\":\"+1\\u0007\",\"content\":\"x\"}", "to_number" },
		{ "{\"to_number\":\"+46701112233\"}", "content" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"\"}", "content" },
		{ "{\"contact_id\":\"CTnone\",\"content\":\"x\"}", "contact_id" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"route_id\":\"PN9\"}", "route_id" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"label_ids\":[\"CLnone\"]}", "label_ids" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"label_ids\":\"CL\"}", "label_ids" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"vars\":{\"a b\":1}}", "vars.a b" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"vars\":[1]}", "vars" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"priority\":3}", "priority" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"message_type\":\"fax\"}", "message_type" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"simulated\":\"maybe\"}", "simulated" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"media_urls\":\"http://a/\"}", "media_urls" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"route_params\":1}", "route_params" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"route_params\":{\"a\":[[[[[[[[1]]]]]]]]}}",
		  "route_params" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"status_url\":\"ftp://a/\"}", "status_url" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"status_url\":\"http://u:p@a/\"}", "status_url" },
		{ "{\"to_number\":\"+46701112233\",\"content\":\"x\",\"colour\":\"red\"}", "colour" },
	};
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(send_one(t, rows[i].params), 400);
		town_expect_error(t, "invalid_param", rows[i].param);
	}
	town_read(t, rest_messages, NULL, "{\"count\":\"1\"}");
	town_expect(t, "count", "0");
	town_read(t, rest_contacts, NULL, "{\"count\":\"1\"}");
	town_expect(t, "count", "0");
}

static void without_a_phone_nothing_is_sent(void **state)
{
	struct town *t = *state;

	assert_int_equal(send_one(t, "{\"to_number\":\"+46701112233\",\"content\":\"x\"}"), 400);
	town_expect_error(t, "invalid_param", "route_id");
}

static void blocked_contacts_get_nothing(void **state)
{
	struct town *t = *state;
	char id[64];

	folk_phone(t, "PN1", "+46700000001");
	folk_contact(t, "+46701112233", "Anna", id);
	folk_set(t, KIND_CONTACT, id, "send_blocked", "true");
	assert_int_equal(send_one(t, "{\"to_number\":\"+46 70 111 22 33\",\"content\":\"x\"}"), 400);
	town_expect_error(t, "invalid_param", "to_number");
	assert_int_equal(town_write(t, rest_message_multi, NULL,
				    "{\"messages\":[{\"to_number\":\"+46701112233\",\"content\":\"1\"},"
				    "{\"to_number\":\"+46701112244\",\"content\":\"2\"}]}"),
			 200);
	town_expect(t, "messages.0.status", "failed");
	town_expect(t, "messages.1.status", "queued");
}

static void many_at_once(void **state)
{
	struct town *t = *state;
	char *broadcast, params[256];

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"send_status\",\"send_broadcast\"]");
	assert_int_equal(
		town_write(t, rest_message_multi, NULL,
			   "{\"messages\":[{\"to_number\":\"+46701112233\",\"content\":\"1\",\"vars\":{\"b\":2}},"
			   "{\"to_number\":\"+46701112233\",\"content\":\"2\"}],"
			   "\"broadcast_title\":\"Both\",\"vars\":{\"a\":1}}"),
		200);
	town_expect(t, "messages.0.status", "queued");
	assert_true(strncmp(town_text(t, "messages.1.id"), "SM", 2) == 0);
	broadcast = strdup(town_text(t, "broadcast_id"));
	assert_string_equal(town_field(t, "/e", 0, "event"), "send_broadcast");
	assert_string_equal(town_field(t, "/e", 0, "title"), "Both");
	assert_string_equal(town_field(t, "/e", 0, "estimated_count"), "2");
	TOWN_WAIT(town_count(t, "/e") == 5); /* the broadcast, twice queued, twice sent */
	town_read(t, rest_broadcast, broadcast, NULL);
	town_expect(t, "status", "complete");
	town_expect(t, "message_count", "2");
	town_expect(t, "status_counts.sent", "2");
	town_expect(t, "status_counts.queued", "0");
	/* Both went to one contact, whose counts are of both. */
	town_read(t, rest_contacts, NULL, "{}");
	town_expect(t, "data.0.outgoing_message_count", "2");
	snprintf(params, sizeof(params),
		 "{\"broadcast_id\":\"%s\",\"messages\":[{\"to_number\":\"+46701112244\",\"content\":\"3\"}]}",
		 broadcast);
	assert_int_equal(town_write(t, rest_message_multi, NULL, params), 200);
	town_read(t, rest_broadcast, broadcast, NULL);
	town_expect(t, "message_count", "3");
	town_expect(t, "recipients.2.phone_number", "+46701112244");
	free(broadcast);
}

static void one_wrong_message_refuses_all(void **state)
{
	static const struct {
		const char *params, *param;
	} rows[] = {
		{ "{}", "messages" },
		{ "{\"messages\":[]}", "messages" },
		{ "{\"messages\":[{\"to_number\":\"+46701112233\",\"content\":\"1\"},3]}", "messages[1]" },
		{ "{\"messages\":[{\"to_number\":\"+46701112233\",\"content\":\"1\"},{\"content\":\"2\"}]}",
		  "messages[1].to_number" },
		{ "{\"messages\":[{\"to_number\":\"+46701112233\",\"content\":\"1\",\"x\":1}]}", "messages[0].x" },
		{ "{\"messages\":[{\"to_number\":\"+46701112233\",\"content\":\"1\"}],\"broadcast_id\":\"BCno\"}",
		  "broadcast_id" },
	};
	struct town *t = *state;

	folk_phone(t, "PN1", "+46700000001");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(town_write(t, rest_message_multi, NULL, rows[i].params), 400);
		town_expect_error(t, "invalid_param", rows[i].param);
	}
	town_read(t, rest_messages, NULL, "{\"count\":\"1\"}");
	town_expect(t, "count", "0");
}

static void variables_and_media(void **state)
{
	struct town *t = *state;
	char id[64], params[256];

	folk_phone(t, "PN1", "+46700000001");
	folk_contact(t, "+46701112233", "Anna", id);
	snprintf(params, sizeof(params),
		 "{\"contact_id\":\"%s\",\"content\":\"Hej [[contact.name]]!\",\"replace_variables\":true,"
		 "\"media_urls\":[\"https://a.example/b.png\"]}",
		 id);
	assert_int_equal(send_one(t, params), 200);
	town_expect(t, "content", "Hej Anna!\nhttps://a.example/b.png");
	town_expect(t, "media.0.url", "https://a.example/b.png");
	town_expect(t, "to_number", "+46701112233");
}

/* --- statuses --- */

struct steps {
	const char *words[8];
	const char *wanted;
	size_t changes;
};

static void take_steps(struct deed *d, void *ctx)
{
	struct steps *s = ctx;
	struct record *m = record_new(d, KIND_MESSAGE, NULL);

	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	status_begin(d, m, "queued");
	for (size_t i = 0; s->words[i]; i++)
		s->changes += message_status(d, m, s->words[i], SLICE_LIT(""), SLICE_LIT(""));
	if (!slice_is(record_text(m, "status"), s->wanted))
		fail_msg("%s ... is %.*s, not %s", s->words[0], SLICE_ARG(record_text(m, "status")), s->wanted);
}

/* Kannel's reports come in any order; the first end stands. */
static void a_late_status_never_overwrites(void **state)
{
	struct steps rows[] = {
		{ { "sent", "delivered" }, "delivered", 0 },
		{ { "delivered", "sent" }, "delivered", 0 },
		{ { "delivered", "failed_queued", "not_delivered" }, "delivered", 0 },
		{ { "failed", "sent", "delivered" }, "failed", 0 },
		{ { "sent", "failed" }, "failed", 0 },
		{ { "failed_queued", "sent", "queued" }, "sent", 0 },
		{ { "sent", "failed_queued", "not_delivered", "delivered" }, "not_delivered", 0 },
		{ { "delivered", "read", "delivered" }, "read", 0 },
		{ { "partly_delivered", "sent", "delivered" }, "delivered", 0 },
		{ { "cancelled", "sent" }, "cancelled", 0 },
		{ { "on_the_moon", "delivered" }, "delivered", 0 },
	};
	static const size_t changes[] = { 2, 1, 1, 1, 2, 2, 3, 2, 2, 1, 2 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		town_do(*state, take_steps, &rows[i]);
		assert_int_equal(rows[i].changes, changes[i]);
	}
}

static void cancelling_and_sending_again(void **state)
{
	struct town *t = *state;
	char *id;

	folk_phone(t, "PN1", "+46700000001");
	folk_set(t, KIND_PHONE, "PN1", "send_paused", "true");
	assert_int_equal(send_one(t, "{\"to_number\":\"+46701112233\",\"content\":\"x\"}"), 200);
	id = answered_id(t);
	assert_int_equal(town_write(t, rest_message_cancel, id, NULL), 200);
	town_expect(t, "status", "cancelled");
	assert_int_equal(town_write(t, rest_message_cancel, id, NULL), 200); /* once more is the same */
	folk_set(t, KIND_PHONE, "PN1", "send_paused", "false");
	assert_int_equal(town_write(t, rest_message_resend, id, NULL), 200);
	town_expect(t, "id", id);
	town_expect(t, "status", "queued");
	TOWN_WAIT(strcmp(folk_member(t, KIND_MESSAGE, id, "status"), "\"sent\"") == 0);
	assert_int_equal(town_write(t, rest_message_cancel, id, NULL), 400);
	town_expect(t, "error.code", "not_cancellable");
	/* What was sent is sent again as another message. */
	assert_int_equal(town_write(t, rest_message_resend, id, NULL), 200);
	assert_string_not_equal(town_text(t, "id"), id);
	town_expect(t, "content", "x");
	assert_int_equal(town_write(t, rest_message_resend, "SMnone", NULL), 404);
	free(id);
}

/* --- receiving --- */

static void a_message_comes_in(void **state)
{
	struct town *t = *state;
	char *id;

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"incoming_message\",\"contact_update\"]");
	assert_int_equal(town_write(t, rest_message_receive, NULL,
				    "{\"from_number\":\"070-111 22 33\",\"content\":\"Hej\",\"phone_id\":\"PN1\","
				    "\"starred\":\"1\",\"vars\":{\"a\":true}}"),
			 200);
	town_expect(t, "direction", "incoming");
	town_expect(t, "status", "received");
	town_expect(t, "to_number", "+46700000001");
	town_expect(t, "starred", "true");
	town_expect(t, "vars.a", "true");
	id = answered_id(t);
	assert_string_equal(town_field(t, "/e", 0, "event"), "contact_update");
	assert_string_equal(town_field(t, "/e", 0, "update_type"), "auto_add");
	assert_string_equal(town_field(t, "/e", 1, "event"), "incoming_message");
	assert_string_equal(town_field(t, "/e", 1, "id"), id);
	assert_string_equal(town_field(t, "/e", 1, "from_number"), "070-111 22 33");
	assert_string_equal(town_field(t, "/e", 1, "from_number_e164"), "+46701112233");
	assert_string_equal(town_field(t, "/e", 1, "contact[incoming_message_count]"), "1");
	assert_string_equal(town_field(t, "/e", 1, "phone[country]"), "SE");
	assert_null(town_field(t, "/e", 1, "service_id"));
	assert_string_equal(folk_member(t, KIND_MESSAGE, id, "from_number_e164"), "");
	free(id);
}

static void what_cannot_be_received_is_named(void **state)
{
	static const struct {
		const char *params, *param;
	} rows[] = {
		{ "{\"content\":\"x\",\"phone_id\":\"PN1\"}", "from_number" },
		{ "{\"from_number\":\"+46701112233\",\"phone_id\":\"PN1\"}", "content" },
		{ "{\"from_number\":\"+46701112233\",\"content\":\"x\",\"phone_id\":\"PN2\"}", "phone_id" },
		{ "{\"from_number\":\"+46701112233\",\"content\":\"x\",\"to_number\":\"+47\"}", "to_number" },
		{ "{\"from_number\":\"+46701112233\",\"content\":\"x\",\"phone_id\":\"PN1\",\"message_type\":\"x\"}",
		  "message_type" },
		{ "{\"from_number\":\"+46701112233\",\"content\":\"x\",\"phone_id\":\"PN1\",\"vars\":{\"a\":[]}}",
		  "vars.a" },
	};
	struct town *t = *state;

	assert_int_equal(
		town_write(t, rest_message_receive, NULL, "{\"from_number\":\"+46701112233\",\"content\":\"x\"}"), 400);
	town_expect_error(t, "invalid_param", "phone_id"); /* there is none that could have */
	folk_phone(t, "PN1", "+46700000001");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(town_write(t, rest_message_receive, NULL, rows[i].params), 400);
		town_expect_error(t, "invalid_param", rows[i].param);
	}
	town_read(t, rest_contacts, NULL, "{\"count\":\"1\"}");
	town_expect(t, "count", "0");
	assert_int_equal(
		town_write(t, rest_message_receive, NULL,
			   "{\"from_number\":\"+46701112233\",\"phone_id\":\"PN1\",\"message_type\":\"call\"}"),
		200);
}

static void receive_twice(struct deed *d, void *ctx)
{
	struct message_receive m = { .from_number = SLICE_LIT("+46701112233"),
				     .content = SLICE_LIT("x"),
				     .phone_id = SLICE_LIT("PN1"),
				     .external_id = SLICE_LIT("gw-1") };
	struct record *first, *again, *other;

	(void)ctx;
	assert_int_equal(message_receive(d, &m, &first, d->fault), 0);
	assert_non_null(first);
	assert_int_equal(message_receive(d, &m, &again, d->fault), 0);
	assert_null(again);
	m.phone_id = SLICE_LIT("PN2");
	assert_int_equal(message_receive(d, &m, &other, d->fault), 0);
	assert_non_null(other);
}

static void the_gateways_id_tells_a_message_again(void **state)
{
	folk_phone(*state, "PN1", "+46700000001");
	folk_phone(*state, "PN2", "+46700000002");
	town_do(*state, receive_twice, NULL);
}

/* --- changing, listing --- */

static void a_message_is_changed_by_hand(void **state)
{
	struct town *t = *state;
	char *id;

	folk_phone(t, "PN1", "+46700000001");
	town_endpoint(t, "e", "/e", "[\"message_metadata\"]");
	town_write(t, rest_message_receive, NULL,
		   "{\"from_number\":\"+46701112233\",\"content\":\"x\",\"phone_id\":\"PN1\"}");
	id = answered_id(t);
	assert_int_equal(town_write(t, rest_message_change, id, "{\"vars\":{\"a\":1}}"),
			 200); /* by a program: not told */
	t->origin = ORIGIN_WEB;
	assert_int_equal(town_write(t, rest_message_change, id, "{\"starred\":true}"), 200);
	town_expect(t, "starred", "true");
	town_expect(t, "vars.a", "1");
	assert_string_equal(town_field(t, "/e", 0, "update_type"), "star");
	assert_string_equal(town_field(t, "/e", 0, "starred"), "1");
	assert_string_equal(town_field(t, "/e", 0, "contact[phone_number]"), "+46701112233");
	assert_int_equal(town_write(t, rest_message_change, id, "{\"content\":\"y\"}"), 400);
	town_expect_error(t, "invalid_param", "content");
	assert_int_equal(town_write(t, rest_message_delete, id, NULL), 200);
	assert_int_equal(town_read(t, rest_message, id, NULL), 404);
	free(id);
}

static void messages_are_listed(void **state)
{
	struct town *t = *state;
	char contact[64], params[128];

	folk_phone(t, "PN1", "+46700000001");
	folk_contact(t, "+46701112233", "Anna", contact);
	town_write(t, rest_message_receive, NULL,
		   "{\"from_number\":\"+46701112233\",\"content\":\"in\",\"phone_id\":\"PN1\"}");
	send_one(t, "{\"to_number\":\"+46701112233\",\"content\":\"out\"}");
	send_one(t, "{\"to_number\":\"+46701112244\",\"content\":\"other\"}");
	town_read(t, rest_messages, NULL, "{\"count\":\"1\"}");
	town_expect(t, "count", "3");
	town_read(t, rest_messages, NULL, "{\"direction\":\"incoming\"}");
	town_expect(t, "data.0.content", "in");
	town_expect(t, "data.1", "");
	snprintf(params, sizeof(params), "{\"contact_id\":\"%s\",\"count\":\"1\"}", contact);
	town_read(t, rest_messages, NULL, params);
	town_expect(t, "count", "2");
	snprintf(params, sizeof(params), "{\"contact_id[ne]\":\"%s\"}", contact);
	town_read(t, rest_messages, NULL, params);
	town_expect(t, "data.0.content", "other");
	town_read(t, rest_messages, NULL, "{\"group_id\":\"CGnone\",\"count\":\"1\"}");
	town_expect(t, "count", "0");
	assert_int_equal(town_read(t, rest_messages, NULL, "{\"colour\":\"red\"}"), 400);
	town_expect_error(t, "invalid_param", "colour");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_message_is_sent),
		CASE(the_test_numbers_do_as_they_say),
		CASE(statuses_go_to_the_status_url_instead),
		CASE(what_is_wrong_is_named),
		CASE(without_a_phone_nothing_is_sent),
		CASE(blocked_contacts_get_nothing),
		CASE(many_at_once),
		CASE(one_wrong_message_refuses_all),
		CASE(variables_and_media),
		CASE(a_late_status_never_overwrites),
		CASE(cancelling_and_sending_again),
		CASE(a_message_comes_in),
		CASE(what_cannot_be_received_is_named),
		CASE(the_gateways_id_tells_a_message_again),
		CASE(a_message_is_changed_by_hand),
		CASE(messages_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
