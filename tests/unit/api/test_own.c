/* What is the hub's own, seen through the API: events with a target, and secrets that stand in them. */
#include <stdio.h>
#include <string.h>

#include "dialect/event.h"
#include "node/book.h"
#include "rig.h"

#define P1 "/v1/projects/p1"

struct order {
	struct rig *rig;
	uint64_t number;
	int64_t seq;
};

/* The receiver repeats the secret in its answer (rig.c). */
static void put_order(void *ctx, struct book *b)
{
	struct order *o = ctx;
	struct fault fault = NO_FAULT;
	struct event *ev;
	char text[1000];

	snprintf(text, sizeof(text),
		 "{\"url\":\"%s/\",\"url_from_event\":true,\"content_type\":\"form\",\"reports\":true}",
		 o->rig->receiver_url);
	o->number = book_endpoint(b, SLICE_LIT("p1"), SLICE_LIT("_status.1"), slice_str(text), &fault);
	snprintf(text, sizeof(text),
		 "{\"type\":\"send_status\",\"id\":\"e1\",\"message\":{\"id\":\"SM1\",\"status\":\"sent\"},"
		 "\"postrider\":{\"to\":%llu,\"url\":\"%s/there\",\"secret\":\"secretpw\"}}",
		 (unsigned long long)o->number, o->rig->receiver_url);
	ev = event_make(slice_str(text), SLICE_LIT("p1"), book_now_ms(b));
	o->seq = book_event(b, ev);
	event_unref(&ev);
}

static void send_order(struct rig *r)
{
	struct order o = { .rig = r };

	rig_project(r);
	rig_endpoint(r, "");
	assert_int_equal(node_book_wait(r->node, put_order, &o), 0);
	assert_true(o.number > 0 && o.seq > 0);
	rig_wait_received(r, 1);
	rig_wait(r, P1 "/attempts?event_id=e1", "data.0.outcome", "ok");
}

static void expect_silence(struct rig *r, const char *method, const char *path, const char *body)
{
	assert_int_equal(rig_call(r, method, path, body), 200);
	if (strstr(buf_str(&r->body), "secretpw") || strstr(buf_str(&r->body), "\"postrider\""))
		fail_msg("%s shows %s", path, buf_str(&r->body));
}

static void secrets_are_sent_and_not_shown(void **state)
{
	struct rig *r = *state;
	char attempt[200];

	send_order(r);
	assert_string_equal(buf_str(&r->last_body), "event=send_status&id=SM1&direction=outgoing&status=sent&"
						    "message_type=sms&project_id=p1&secret=secretpw");
	expect_silence(r, "GET", P1 "/events", NULL);
	expect(r, "data.0.id", "e1");
	expect(r, "data.0.message.status", "sent");
	expect_silence(r, "GET", P1 "/events/e1", NULL);
	expect(r, "message.id", "SM1");
	expect(r, "endpoints.0.endpoint_id", "_status.1");
	expect(r, "endpoints.0.state", "delivered");
	expect(r, "endpoints.1.endpoint_id", ""); /* e1 would take such a status, but was not meant */
	expect_silence(r, "GET", P1 "/attempts?message_id=SM1", NULL);
	expect(r, "data.0.response.body", "got it, ***");
	assert_non_null(strstr(rig_text(r, "data.0.request.body"), "&secret=***"));
	snprintf(attempt, sizeof(attempt), P1 "/attempts/%s", rig_text(r, "data.0.id"));
	expect_silence(r, "GET", attempt, NULL);
}

static void nobody_posts_such_things(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	assert_int_equal(rig_call(r, "POST", P1 "/events",
				  "{\"type\":\"send_status\",\"message\":{\"id\":\"1\",\"status\":\"sent\"},"
				  "\"postrider\":{\"to\":1}}"),
			 400);
	expect_error(r, "invalid_param", "postrider");
	assert_int_equal(rig_call(r, "POST", P1 "/events", "{\"type\":\"send_message\",\"message\":{\"id\":\"1\"}}"),
			 400);
	expect_error(r, "invalid_param", "type");
	assert_int_equal(rig_call(r, "PUT", P1 "/endpoints/x", "{\"url\":\"http://127.0.0.1:9/\",\"reports\":true}"),
			 422);
	expect(r, "error.param", "reports");
}

static void internal_endpoints_are_not_listed(void **state)
{
	struct rig *r = *state;

	send_order(r);
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints", NULL), 200);
	expect(r, "data.0.id", "e1");
	expect(r, "data.1.id", "");
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints/_status.1", NULL), 404);
	assert_int_equal(rig_call(r, "POST", P1 "/endpoints/_status.1/test", "{}"), 404);
	assert_int_equal(rig_call(r, "PATCH", P1 "/endpoints/_status.1", "{\"name\":\"mine\"}"), 404);
	assert_int_equal(rig_call(r, "DELETE", P1 "/endpoints/_status.1", NULL), 400);
	expect_error(r, "invalid_param", "id");
}

/* Kannel's message: in the query, in a form, in both; any other body is refused. */
static void kannel_takes_forms(void **state)
{
	const char *form = "from=%2B46709&text=hej+p%C3%A5+dig&id=k1",
		   *header = "Content-Type: application/x-www-form-urlencoded";
	struct rig *r = *state;

	rig_project(r);
	assert_int_equal(
		rig_call(r, "POST", P1 "/phones",
			 "{\"phone_type\":\"kannel\",\"phone_number\":\"46701\",\"country\":\"SE\",\"config\":{"
			 "\"url\":\"http://127.0.0.1:9/\",\"username\":\"u\",\"password\":\"pass\"}}"),
		200);
	assert_int_equal(
		rig_call_with(r, "POST", "/ingest/kannel/p1/mo?to=46701&from=%2B46708", header, form, strlen(form)),
		200);
	assert_int_equal(rig_call(r, "GET", P1 "/messages", NULL), 200);
	expect(r, "data.0.content", "hej p\xc3\xa5 dig");
	expect(r, "data.0.from_number", "+46708"); /* the first of two */
	assert_int_equal(rig_call(r, "POST", "/ingest/kannel/p1/mo?to=46701&from=1", "{\"text\":\"x\"}"), 400);
	expect(r, "error.code", "invalid_param");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(secrets_are_sent_and_not_shown, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(nobody_posts_such_things, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(internal_endpoints_are_not_listed, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(kannel_takes_forms, rig_begin, rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
