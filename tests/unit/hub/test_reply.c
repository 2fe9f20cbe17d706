/* What an answer may ask for, and what is noted when it asks for something else (telerivet.md, T4 to T8). */
#include <stdio.h>
#include <string.h>

#include "hub/contact.h"
#include "hub/service.h"
#include "hub/variables.h"
#include "staff.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, staff_begin, town_end)
#define JSON	"application/json"

struct answering {
	const char *media_type;
	struct slice body;
	/* what came of it */
	struct reply_result result;
	bool has_return_value, return_value;
	struct buf notes;
};

/* Answers a message from STAFF_SENDER that is not stored. */
static void answer(struct deed *d, void *ctx)
{
	struct answering *a = ctx;
	struct reply_scope scope = { .message = record_new(d, KIND_MESSAGE, "M1"),
				     .contact = contact_for_number(d, SLICE_LIT(STAFF_SENDER)),
				     .phone = record_load(d, KIND_PHONE, SLICE_LIT(STAFF_PHONE)),
				     .temporary = SLICE_LIT("{}") };

	d->origin = ORIGIN_SCRIPT;
	record_set_text(scope.message, "from_number", SLICE_LIT(STAFF_SENDER));
	buf_reset(&a->notes);
	reply_apply(d, &scope, slice_str(a->media_type), a->body, &a->notes, &a->result);
	a->has_return_value = variable_return_value(&scope, &a->return_value);
}

static void apply(struct town *t, struct answering *a, const char *media_type, const char *body)
{
	a->media_type = media_type;
	a->body = slice_str(body);
	town_do(t, answer, a);
}

static void expect_note(const struct answering *a, const char *note)
{
	if (!strstr(buf_str(&a->notes), note))
		fail_msg("no \"%s\" in \"%s\"", note, buf_str(&a->notes));
}

static void only_json_is_read(void **state)
{
	static const struct {
		const char *media_type;
		uint32_t messages;
	} rows[] = {
		{ "application/json", 1 },
		{ "Application/JSON", 1 },
		{ "text/json", 1 },
		{ "application/vnd.api+json", 1 },
		{ "text/html", 0 },
		{ "text/plain", 0 },
		{ "", 0 },
		{ "+json", 0 },
	};
	struct answering a = { 0 };

	buf_init(&a.notes, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		apply(*state, &a, rows[i].media_type, "{\"messages\":[{\"content\":\"x\",},],}");
		assert_int_equal(a.result.messages, rows[i].messages);
		if (rows[i].messages > 0)
			assert_int_equal(a.notes.n, 0);
		else
			expect_note(&a, "send application/json");
	}
	apply(*state, &a, "text/html", "<p>thank you</p>");
	assert_int_equal(a.notes.n, 0);
	buf_free(&a.notes);
}

static void what_is_no_answer_is_noted(void **state)
{
	static const struct {
		const char *body, *note;
	} rows[] = {
		{ "{\"messages\":[", "it is no JSON, at byte" },
		{ "<html>", "it is no JSON" },
		{ "[1]", "it must be an object" },
		{ "\"x\"", "it must be an object" },
		{ "{\"message\":1}", "message was ignored" },
		{ "{\"messages\":{}}", "messages was ignored: it must be a list" },
		{ "{\"variables\":[1]}", "variables was ignored" },
		{ "{\"variables\":{\"x\":1}}", "variables: x was not set: there is no variable" },
		{ "{\"variables\":{\"contact.id\":1}}", "variables: contact.id was not set" },
		{ "{\"variables\":{\"contact.vars.a\":[]}}", "variables: contact.vars.a was not set" },
		{ "{\"variables\":{\"message.content\":\"x\"}}", "use message.vars.NAME" },
		{ "{\"variables\":{\"phone.name\":\"x\"}}", "only its vars can" },
		{ "{\"variables\":{\"state.id\":\"x\"}}", "there is no state here" },
		{ "{\"messages\":[7]}", "messages[0] was not sent: it must be an object" },
		{ "{\"messages\":[{\"content\":[]}]}", "messages[0] was not sent: content must be a text" },
		{ "{\"messages\":[{}]}", "messages[0] was not sent: content" },
		{ "{\"messages\":[{\"content\":\"x\",\"message_type\":\"fax\"}]}", "use sms or ussd" },
		{ "{\"messages\":[{\"content\":\"x\",\"route_id\":\"PN9\"}]}", "messages[0] was not sent: route_id" },
		{ "{\"messages\":[{\"content\":\"x\",\"status_url\":\"nonsense\"}]}",
		  "messages[0] was not sent: status_url" },
	};
	static const char *const nothing[] = {
		"", " \r\n", "{}", "[]", "null", "{\"messages\":null,\"variables\":[]}"
	};
	struct answering a = { 0 };

	buf_init(&a.notes, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		apply(*state, &a, JSON, rows[i].body);
		expect_note(&a, rows[i].note);
		assert_int_equal(a.result.messages, 0);
	}
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		apply(*state, &a, JSON, nothing[i]);
		assert_string_equal(buf_str(&a.notes), "");
	}
	buf_free(&a.notes);
}

static void a_bad_message_does_not_hold_up_the_others(void **state)
{
	struct answering a = { 0 };
	struct town *t = *state;

	buf_init(&a.notes, 65536);
	apply(t, &a, JSON,
	      "{\"messages\":[{\"content\":\"first\"},{\"content\":{}},{\"content\":\"third\",\"colour\":1}]}");
	assert_int_equal(a.result.messages, 2);
	expect_note(&a, "messages[1] was not sent");
	expect_note(&a, "messages[2].colour was ignored");
	assert_int_equal(staff_sent(t, "first"), 1);
	assert_int_equal(staff_sent(t, "third"), 1);
	buf_free(&a.notes);
}

static void twenty_messages_at_most(void **state)
{
	struct answering a = { 0 };
	struct town *t = *state;
	struct buf body;

	buf_init(&body, 65536);
	buf_init(&a.notes, 65536);
	buf_add_str(&body, "{\"messages\":[");
	for (int i = 0; i < 25; i++)
		buf_addf(&body, "%s{\"content\":\"same\"}", i ? "," : "");
	buf_add_str(&body, "]}");
	apply(t, &a, JSON, buf_str(&body));
	assert_int_equal(a.result.messages, 20);
	expect_note(&a, "messages[20] and what follows was not sent");
	assert_int_equal(staff_sent(t, "same"), 20);
	buf_free(&body);
	buf_free(&a.notes);
}

static void too_much_and_too_deep(void **state)
{
	struct answering a = { 0 };
	struct buf body;

	buf_init(&body, 1u << 20);
	buf_init(&a.notes, 65536);
	for (int i = 0; i < 40; i++)
		buf_add_str(&body, "{\"variables\":");
	apply(*state, &a, JSON, buf_str(&body));
	expect_note(&a, "it is no JSON");
	buf_reset(&body);
	buf_add_str(&body, "{\"x\":\"");
	for (int i = 0; i < 256 * 1024; i++)
		buf_add_char(&body, 'x');
	buf_add_str(&body, "\"}");
	apply(*state, &a, JSON, buf_str(&body));
	expect_note(&a, "more than 262144 bytes");
	buf_free(&body);
	buf_free(&a.notes);
}

static void defaults_and_parameters(void **state)
{
	struct answering a = { 0 };
	struct town *t = *state;

	folk_phone(t, "PN2", "+46700000002");
	buf_init(&a.notes, 65536);
	apply(t, &a, JSON, "{\"messages\":[{\"content\":7}]}");
	assert_int_equal(a.result.messages, 1);
	assert_int_equal(town_read(t, rest_messages, NULL, "{\"direction\":\"outgoing\"}"), 200);
	town_expect(t, "data.0.content", "7");
	town_expect(t, "data.0.to_number", STAFF_SENDER);
	town_expect(t, "data.0.phone_id", STAFF_PHONE);
	town_expect(t, "data.0.message_type", "sms");
	town_expect(t, "data.0.source", "webhook");
	apply(t, &a, JSON,
	      "{\"messages\":[{\"content\":\"ignored\",\"to_number\":\"*104#\",\"message_type\":\"ussd\",\"route_id\":"
	      "\"PN2\"}]}");
	assert_int_equal(a.result.messages, 1);
	assert_int_equal(town_read(t, rest_messages, NULL, "{\"phone_id\":\"PN2\"}"), 200);
	town_expect(t, "data.0.message_type", "ussd");
	town_expect(t, "data.0.to_number", "*104#");
	assert_int_equal(staff_sent(t, "ignored"), 0);
	buf_free(&a.notes);
}

static void statuses_go_where_the_answer_says(void **state)
{
	struct answering a = { 0 };
	struct town *t = *state;
	char body[512];

	buf_init(&a.notes, 65536);
	snprintf(body, sizeof(body),
		 "{\"messages\":[{\"content\":\"x\",\"status_url\":\"%s/status\",\"status_secret\":\"sec & ret\"}]}",
		 t->url);
	apply(t, &a, JSON, body);
	assert_string_equal(buf_str(&a.notes), "");
	assert_string_equal(town_field(t, "/status", 0, "status"), "queued");
	assert_string_equal(town_field(t, "/status", 0, "secret"), "sec & ret");
	assert_string_equal(town_field(t, "/status", 1, "status"), "sent");
	buf_free(&a.notes);
}

static void variables_come_first_and_cause_no_contact_update(void **state)
{
	struct answering a = { 0 };
	struct town *t = *state;
	char contact[64];

	folk_contact(t, STAFF_SENDER, "Ann", contact);
	town_endpoint(t, "e", "/e", "[\"contact_update\",\"message_metadata\",\"send_status\"]");
	buf_init(&a.notes, 65536);
	apply(t, &a, JSON,
	      "{\"messages\":[{\"content\":\"x\"}],\"variables\":{\"contact.name\":\"Eve\",\"contact.vars.a\":\"b\","
	      "\"return_value\":0}}");
	assert_string_equal(buf_str(&a.notes), "");
	assert_true(a.has_return_value);
	assert_false(a.return_value);
	assert_string_equal(town_field(t, "/e", 0, "event"), "send_status");
	assert_string_equal(town_field(t, "/e", 0, "contact[name]"), "Eve");
	assert_string_equal(town_field(t, "/e", 1, "event"), "send_status");
	assert_int_equal(town_read(t, rest_contact, contact, NULL), 200);
	town_expect(t, "name", "Eve");
	town_expect(t, "vars.a", "b");
	town_expect(t, "outgoing_message_count", "1");
	buf_free(&a.notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_json_is_read),
		CASE(what_is_no_answer_is_noted),
		CASE(a_bad_message_does_not_hold_up_the_others),
		CASE(twenty_messages_at_most),
		CASE(too_much_and_too_deep),
		CASE(defaults_and_parameters),
		CASE(statuses_go_where_the_answer_says),
		CASE(variables_come_first_and_cause_no_contact_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
