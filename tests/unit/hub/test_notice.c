/* What is told: how events look to those that get them. */
#include <stdio.h>
#include <string.h>

#include "folk.h"
#include "hub/notice.h"
#include "hub/state.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, town_begin, town_end)

static struct record *make_message(struct deed *d, const char *direction)
{
	struct record *m = record_new(d, KIND_MESSAGE, NULL);

	record_set_text(m, "direction", slice_str(direction));
	record_set_text(m, "from_number", SLICE_LIT("0701112233"));
	record_set_text(m, "content", SLICE_LIT("\"Hej\" \xc3\xa5"));
	record_set_text(m, "contact_id", SLICE_LIT("CT1"));
	record_set_text(m, "service_id", SLICE_LIT("SVhandled"));
	record_set(m, "vars", SLICE_LIT("{\"a\":1}"));
	record_set_text(m, "_hidden", SLICE_LIT("never"));
	return m;
}

/* The settings of a receiver in town, internal as those of services. */
static uint64_t make_internal(struct deed *d, struct town *t, const char *id, const char *path)
{
	struct fault fault = NO_FAULT;
	char settings[300];
	uint64_t number;

	snprintf(settings, sizeof(settings), "{\"preset\":\"telerivet\",\"url\":\"%s%s\",\"secret\":\"own\"}", t->url,
		 path);
	number = book_endpoint(d->book, d->project, slice_str(id), slice_str(settings), &fault);
	if (!number)
		fail_msg("%s: %s", fault.param, fault.message);
	return number;
}

struct scene {
	struct town *t;
	bool with_state;
};

static void call_service(struct deed *d, void *ctx)
{
	struct scene *s = ctx;
	struct record *m = make_message(d, "incoming"), *contact = record_new(d, KIND_CONTACT, "CT1");
	struct record *phone = record_new(d, KIND_PHONE, "PN1");
	struct notice_call call = { .service_id = SLICE_LIT("SV1"), .run = SLICE_LIT("{\"at\":3}") };

	record_set_text(phone, "country", SLICE_LIT("SE"));
	record_set_text(contact, "name", SLICE_LIT("Anna"));
	if (s->with_state) {
		call.state = state_make(d, call.service_id, SLICE_LIT("CT1"));
		record_set_text(call.state, "id", SLICE_LIT("q1"));
		record_set(call.state, "vars", SLICE_LIT("{\"n\":2}"));
	}
	call.endpoint = make_internal(d, s->t, "_service.SV1", "/service");
	notice_incoming(d, m, contact, phone, &call);
	/* What the event shows otherwise is lent to the record and taken back. */
	assert_true(slice_is(record_text(m, "service_id"), "SVhandled"));
	assert_int_equal(record_raw(m, "message_service_id").n, 0);
	assert_int_equal(record_raw(m, "from_number_e164").n, 0);
}

static void a_service_is_called(void **state)
{
	struct town *t = *state;
	struct scene scene = { .t = t };

	town_endpoint(t, "e", "/all", "[\"incoming_message\"]");
	town_do(t, call_service, &scene);
	assert_string_equal(town_field(t, "/service", 0, "event"), "incoming_message");
	assert_string_equal(town_field(t, "/service", 0, "content"), "\"Hej\" \xc3\xa5");
	assert_string_equal(town_field(t, "/service", 0, "service_id"), "SV1");
	assert_string_equal(town_field(t, "/service", 0, "message_service_id"), "SVhandled");
	assert_string_equal(town_field(t, "/service", 0, "from_number_e164"), "+46701112233");
	assert_string_equal(town_field(t, "/service", 0, "contact[name]"), "Anna");
	assert_string_equal(town_field(t, "/service", 0, "phone[country]"), "SE");
	assert_string_equal(town_field(t, "/service", 0, "state[service_id]"), "SV1");
	assert_null(town_field(t, "/service", 0, "state[id]")); /* null at first */
	assert_string_equal(town_field(t, "/service", 0, "secret"), "own");
	assert_null(town_field(t, "/service", 0, "_hidden"));
	assert_int_equal(town_count(t, "/all"), 0);
	scene.with_state = true;
	town_do(t, call_service, &scene);
	assert_string_equal(town_field(t, "/service", 1, "state[id]"), "q1");
	assert_string_equal(town_field(t, "/service", 1, "state[vars][n]"), "2");
}

static void tell_changes(struct deed *d, void *ctx)
{
	struct record *contact = record_new(d, KIND_CONTACT, "CT1");

	(void)ctx;
	record_set_text(contact, "name", SLICE_LIT("Anna"));
	record_save(d, contact);
	notice_contact(d, contact, "update");
	notice_metadata(d, make_message(d, "incoming"), NULL, "add_label");
}

static void what_programs_do_is_not_told(void **state)
{
	static const enum event_origin origins[] = { ORIGIN_API, ORIGIN_SCRIPT, ORIGIN_WEB };
	struct town *t = *state;

	town_endpoint(t, "e", "/e", "[\"contact_update\",\"message_metadata\"]");
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		t->origin = origins[i];
		town_do(t, tell_changes, NULL);
	}
	TOWN_WAIT(town_count(t, "/e") == 2);
	for (size_t i = 0; i < 2; i++) {
		bool contact = strcmp(town_field(t, "/e", i, "event"), "contact_update") == 0;

		assert_string_equal(town_field(t, "/e", i, "update_type"), contact ? "update" : "add_label");
		assert_string_equal(town_field(t, "/e", i, contact ? "name" : "contact[name]"), "Anna");
	}
}

static void tell_broadcast(struct deed *d, void *ctx)
{
	struct record *b = record_new(d, KIND_BROADCAST, NULL);
	struct buf recipients;

	(void)ctx;
	buf_init(&recipients, 100000);
	for (int i = 0; i < 120; i++)
		buf_addf(&recipients, "%c{\"type\":\"phone_number\",\"phone_number\":\"+%d,\"}", i ? ',' : '[', i);
	buf_add_char(&recipients, ']');
	record_set(b, "recipients", buf_slice(&recipients));
	record_set_i64(b, "estimated_count", 120);
	notice_broadcast(d, b, SLICE_LIT("A, B and 118 others"), SLICE_LIT("Eve"), SLICE_LIT("e@x.example"));
	assert_true(slice_eq(record_raw(b, "recipients"), buf_slice(&recipients)));
	assert_int_equal(record_raw(b, "recipients_str").n, 0);
	buf_free(&recipients);
}

static void a_broadcast_names_its_first_recipients(void **state)
{
	struct town *t = *state;
	struct owner owner = { SLICE_LIT("p"), false };
	struct json_doc doc;
	char settings[200];

	/* One that gets events as they are sees how many the event itself holds. */
	json_doc_init(&doc);
	snprintf(settings, sizeof(settings), "{\"url\":\"%s/json\"}", t->url);
	json_parse(&doc, slice_str(settings), &json_limits_default, NULL);
	assert_int_equal(
		node_endpoint_change(t->node, owner, SLICE_LIT("j"), json_root(&doc), ENDPOINT_REPLACE, NULL, NULL), 0);
	town_endpoint(t, "e", "/e", "[\"send_broadcast\"]");
	town_do(t, tell_broadcast, NULL);
	assert_string_equal(town_field(t, "/e", 0, "recipients_str"), "A, B and 118 others");
	assert_string_equal(town_field(t, "/e", 0, "recipients[99][phone_number]"), "+99,");
	assert_null(town_field(t, "/e", 0, "recipients[100][phone_number]"));
	assert_string_equal(town_field(t, "/e", 0, "estimated_count"), "120");
	assert_string_equal(town_field(t, "/e", 0, "user_name"), "Eve");
	json_parse(&doc, slice_str(town_body(t, "/json", 0)), &json_limits_default, NULL);
	assert_false(json_is_nil(json_path(json_root(&doc), SLICE_LIT("broadcast.recipients.99"))));
	assert_true(json_is_nil(json_path(json_root(&doc), SLICE_LIT("broadcast.recipients.100"))));
	json_doc_free(&doc);
}

static void order_one(struct deed *d, void *ctx)
{
	struct fault fault = NO_FAULT;
	struct town *t = ctx;
	char settings[300];
	uint64_t number;

	snprintf(settings, sizeof(settings),
		 "{\"url\":\"%s/gateway\",\"content_type\":\"json\",\"body\":\"[{message.coding}]\"}", t->url);
	number = book_endpoint(d->book, d->project, SLICE_LIT("_route.PN1"), slice_str(settings), &fault);
	if (!number)
		fail_msg("%s: %s", fault.param, fault.message);
	notice_order(d, make_message(d, "outgoing"), number, SLICE_LIT("\"coding\":2"));
}

static void an_order_has_what_the_route_adds(void **state)
{
	struct town *t = *state;

	town_do(t, order_one, t);
	assert_non_null(strstr(town_body(t, "/gateway", 0), "[2]"));
}

/* --- status_urls --- */

static void check_urls(struct deed *d, void *ctx)
{
	static const char *const wrong[] = {
		"", "a.example/x", "ftp://a.example/", "http://a.example:0/", "http://a b/", "https://user@a.example/"
	};
	struct fault fault = NO_FAULT;

	(void)ctx;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fault = (struct fault)NO_FAULT;
		assert_int_equal(notice_url_check(d, slice_str(wrong[i]), &fault), ERR_INVALID);
		assert_string_equal(fault.code, "invalid_param");
		assert_string_equal(fault.param, "status_url");
		assert_true(strlen(fault.message) > 10);
	}
	assert_int_equal(notice_url_check(d, SLICE_LIT("https://a.example/x?y=1"), &fault), 0);
	assert_int_equal(notice_url_check(d, SLICE_LIT("http://a.example:8080"), &fault), 0);
}

static void status_urls_are_checked(void **state)
{
	town_do(*state, check_urls, NULL);
}

struct sent {
	struct town *t;
	const char *path, *secret, *status;
	const char *id; /* NULL: another message each time */
};

static void tell_status(struct deed *d, void *ctx)
{
	struct sent *s = ctx;
	struct record *m = record_new(d, KIND_MESSAGE, s->id);
	char url[200];

	snprintf(url, sizeof(url), "%s%s", s->t->url, s->path);
	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	record_set_text(m, "status", slice_str(s->status));
	record_set_text(m, "_status_url", slice_str(url));
	if (s->secret)
		record_set_text(m, "_status_secret", slice_str(s->secret));
	notice_status(d, m, NULL);
}

/* Messages of one host share an endpoint; URL and secret are each one's own. */
static void each_message_has_its_own_url_and_secret(void **state)
{
	struct town *t = *state;
	struct sent a = { t, "/a?q=1", "one", "sent", NULL }, b = { t, "/b", NULL, "failed", NULL };

	town_do(t, tell_status, &a);
	town_do(t, tell_status, &b);
	assert_string_equal(town_field(t, "/a", 0, "secret"), "one");
	assert_string_equal(town_field(t, "/a", 0, "status"), "sent");
	assert_null(town_field(t, "/b", 0, "secret"));
	assert_string_equal(town_field(t, "/b", 0, "status"), "failed");
}

/* A status that is tried again holds back the next one of its message, and of no other. */
static void statuses_of_a_message_come_in_order(void **state)
{
	struct town *t = *state;
	struct sent sent = { t, "/a", NULL, "sent", "SM1" }, delivered = { t, "/a", NULL, "delivered", "SM1" };
	struct sent other = { t, "/b", NULL, "delivered", "SM2" };

	town_answer(t, "/a", 500, "text/plain", "not now");
	town_do(t, tell_status, &sent);
	assert_string_equal(town_field(t, "/a", 0, "status"), "sent");
	town_do(t, tell_status, &delivered);
	town_do(t, tell_status, &other);
	assert_string_equal(town_field(t, "/b", 0, "status"), "delivered");
	assert_int_equal(town_count(t, "/a"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_service_is_called),
		CASE(what_programs_do_is_not_told),
		CASE(a_broadcast_names_its_first_recipients),
		CASE(an_order_has_what_the_route_adds),
		CASE(status_urls_are_checked),
		CASE(each_message_has_its_own_url_and_secret),
		CASE(statuses_of_a_message_come_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
