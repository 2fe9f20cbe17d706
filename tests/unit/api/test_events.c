/* Events in, and the history of what became of them. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "rig.h"

#define EVENTS "/v1/projects/p1/events"
#define SENT(id, message)                                                                                              \
	"{\"type\":\"send_status\",\"id\":\"" id "\",\"message\":{\"id\":\"" message "\",\"status\":\"delivered\"}}"

static int post(struct rig *r, const char *body)
{
	return rig_call(r, "POST", EVENTS, body);
}

static void shapes(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	assert_int_equal(post(r, SENT("a", "m1")), 202);
	assert_string_equal(buf_str(&r->body),
			    "{\"accepted\":1,\"duplicates\":0,\"events\":[{\"id\":\"a\",\"duplicate\":false}]}");
	assert_int_equal(post(r, "[" SENT("a", "m1") "," SENT("b", "m1") "]"), 202);
	assert_string_equal(buf_str(&r->body),
			    "{\"accepted\":1,\"duplicates\":1,\"events\":[{\"id\":\"a\",\"duplicate\":true},"
			    "{\"id\":\"b\",\"duplicate\":false}]}");
	assert_int_equal(rig_call_with(r, "POST", EVENTS, "Content-Type: application/x-ndjson; charset=utf-8",
				       SENT("c", "m1") "\r\n\n" SENT("d", "m1"),
				       sizeof(SENT("c", "m1") "\r\n\n" SENT("d", "m1")) - 1),
			 202);
	assert_int_equal(rig_number(r, "accepted"), 2);
	assert_int_equal(post(r, SENT("e", "m1") "\n" SENT("f", "m1") "\n"), 202); /* told by its look */
	assert_int_equal(rig_number(r, "accepted"), 2);
	assert_int_equal(rig_call(r, "POST", EVENTS "?quiet=1", SENT("g", "m1")), 202);
	assert_string_equal(buf_str(&r->body), "{\"accepted\":1,\"duplicates\":0}");
	assert_int_equal(post(r, "[]"), 202);
	assert_string_equal(buf_str(&r->body), "{\"accepted\":0,\"duplicates\":0,\"events\":[]}");
	assert_int_equal(post(r, "{\"type\":\"incoming_message\",\"message\":{\"id\":\"9\",\"from_number\":\"1\"}}"),
			 202);
	assert_true(strlen(rig_text(r, "events.0.id")) > 8); /* made */
}

static void refusals(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *code, *param;
	} rows[] = {
		{ "{\"type\":\"send_status\",\"message\":{\"status\":\"sent\"}}", 400, "invalid_param", "message.id" },
		{ "[" SENT("a", "1") "," SENT("b", "1") "," SENT(
			  "c", "1") ",{\"type\":\"send_status\",\"message\":{\"status\":\"sent\"}}]",
		  400, "invalid_param", "events[3].message.id" },
		{ SENT("a", "1") "\n{\"type\":\"nothing\"}", 400, "invalid_param", "events[1].type" },
		{ "{\"type\":\"send_status\",", 400, "invalid_json", "" },
		{ "", 400, "invalid_json", "" },
		{ "7", 400, "invalid_param", "" },
		{ "[7]", 400, "invalid_param", "events[0]" },
		{ "{\"type\":\"send_status\",\"type\":\"send_status\"}", 400, "invalid_json", "" },
		{ "{\"type\":\"\xff\"}", 400, "invalid_json", "" },
		{ SENT("a", "1") "\n{\"type\":", 400, "invalid_json", "events[1]" },
	};
	struct rig *r = *state;
	struct buf deep;

	rig_project(r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (post(r, rows[i].body) != rows[i].status)
			fail_msg("%s: %d %s", rows[i].body, r->status, buf_str(&r->body));
		expect_error(r, rows[i].code, rows[i].param);
	}
	buf_init(&deep, 4096);
	for (int i = 0; i < 40; i++)
		buf_add_char(&deep, '[');
	assert_int_equal(post(r, buf_str(&deep)), 400);
	expect(r, "error.code", "invalid_json");
	buf_free(&deep);
	/* Nothing of any of them was taken. */
	assert_int_equal(rig_call(r, "GET", EVENTS "?count=1", NULL), 200);
	assert_int_equal(rig_number(r, "count"), 0);
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p9/events", SENT("a", "1")), 404);
	r->key = "wrong-admin-key-0123456789";
	assert_int_equal(post(r, SENT("a", "1")), 401);
}

static void sizes(void **state)
{
	struct rig *r = *state;
	struct buf body;

	rig_project(r);
	buf_init(&body, 8u << 20);
	buf_add_char(&body, '[');
	for (int i = 0; i < 10001; i++)
		buf_addf(&body, "%s{\"type\":\"send_status\",\"message\":{\"id\":%d,\"status\":\"sent\"}}",
			 i ? "," : "", i);
	buf_add_char(&body, ']');
	assert_int_equal(rig_call_with(r, "POST", EVENTS, NULL, body.p, body.n), 413);
	expect_error(r, "too_large", "events");
	buf_reset(&body);
	while (body.n < (4u << 20) + 10)
		buf_add_str(&body, "                                                                ");
	assert_int_equal(rig_call_with(r, "POST", EVENTS, NULL, body.p, body.n), 413);
	expect(r, "error.code", "too_large");
	buf_free(&body);
}

static void gzip(void **state)
{
	static const char text[] = SENT("z", "m1");
	struct rig *r = *state;
	unsigned char packed[512];
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)text,
		       .avail_in = sizeof(text) - 1,
		       .next_out = packed,
		       .avail_out = sizeof(packed) };

	rig_project(r);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(rig_call_with(r, "POST", EVENTS, "Content-Encoding: gzip", (const char *)packed, z.total_out),
			 202);
	expect(r, "events.0.id", "z");
	deflateEnd(&z);
}

static void states(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	rig_endpoint(r, ",\"retry\":{\"delays_s\":[300],\"max_attempts\":2},\"events\":[\"send_status\"]");
	assert_int_equal(post(r, SENT("good", "m1")), 202);
	rig_wait(r, EVENTS "/good", "endpoints.0.state", "delivered");
	expect(r, "endpoints.0.endpoint_id", "e1");
	expect(r, "endpoints.0.attempts", "1");
	expect(r, "message.id", "m1");
	expect(r, "endpoints.0.last_code", "200");
	r->answer = 500;
	assert_int_equal(post(r, SENT("bad", "m2")), 202);
	rig_wait(r, EVENTS "/bad", "endpoints.0.attempts", "1");
	expect(r, "endpoints.0.state", "pending");
	assert_true(rig_number(r, "endpoints.0.next_attempt_time") > rig_number(r, "time_accepted") + 200);
	/* Deleted endpoints end what waits, and are still known by name. */
	assert_int_equal(rig_call(r, "DELETE", "/v1/projects/p1/endpoints/e1", NULL), 200);
	rig_wait(r, EVENTS "/bad", "endpoints.0.state", "failed");
	expect(r, "endpoints.0.last_code", "deleted");
	expect(r, "endpoints.0.endpoint_id", "e1");
	/* Nobody wants it; an endpoint made later does not get it. */
	assert_int_equal(post(r, SENT("lonely", "m3")), 202);
	rig_endpoint(r, "");
	assert_int_equal(rig_call(r, "GET", EVENTS "/lonely", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "endpoints.0")), JSON_NONE);
	assert_int_equal(rig_call(r, "GET", EVENTS "/never", NULL), 404);
	expect_error(r, "not_found", "");
}

static void waiting_in_memory(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	r->hold = true;
	rig_endpoint(r, ",\"concurrency\":1");
	assert_int_equal(post(r, "[" SENT("one", "m1") "," SENT("two", "m2") "]"), 202);
	rig_wait_received(r, 1);
	rig_wait(r, EVENTS "/two", "endpoints.0.state", "pending");
	expect(r, "endpoints.0.attempts", "0");
	rig_release(r);
	rig_wait(r, EVENTS "/two", "endpoints.0.state", "delivered");
}

static void event_lists(void **state)
{
	struct rig *r = *state;
	char path[256];

	rig_project(r);
	assert_int_equal(post(r, "[" SENT("a", "m1") "," SENT("b", "m2") "," SENT("c", "m1") "]"), 202);
	assert_int_equal(
		post(r,
		     "{\"type\":\"incoming_message\",\"id\":\"d\",\"message\":{\"id\":\"m1\",\"from_number\":\"1\"}}"),
		202);
	assert_int_equal(rig_call(r, "GET", EVENTS, NULL), 200);
	expect(r, "data.0.id", "d");
	expect(r, "data.3.id", "a");
	expect(r, "truncated", "false");
	assert_int_equal(rig_call(r, "GET", EVENTS "?page_size=2", NULL), 200);
	expect(r, "data.1.id", "c");
	expect(r, "truncated", "true");
	snprintf(path, sizeof(path), EVENTS "?page_size=2&marker=%s", rig_text(r, "next_marker"));
	assert_int_equal(rig_call(r, "GET", path, NULL), 200);
	expect(r, "data.0.id", "b");
	expect(r, "data.1.id", "a");
	assert_int_equal(rig_call(r, "GET", EVENTS "?message_id=m1", NULL), 200);
	expect(r, "data.0.id", "d");
	expect(r, "data.1.id", "c");
	expect(r, "data.2.id", "a");
	expect(r, "truncated", "false");
	assert_int_equal(rig_call(r, "GET", EVENTS "?message_id=m1&type=send_status&page_size=1", NULL), 200);
	expect(r, "data.0.id", "c");
	snprintf(path, sizeof(path), EVENTS "?message_id=m1&type=send_status&marker=%s", rig_text(r, "next_marker"));
	assert_int_equal(rig_call(r, "GET", path, NULL), 200);
	expect(r, "data.0.id", "a");
	assert_int_equal(rig_call(r, "GET", EVENTS "?type=incoming_message", NULL), 200);
	expect(r, "data.0.id", "d");
	assert_int_equal(json_type(rig_at(r, "data.1")), JSON_NONE);
	assert_int_equal(rig_call(r, "GET", EVENTS "?until=2001-01-01", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "data.0")), JSON_NONE);
	assert_int_equal(rig_call(r, "GET", EVENTS "?since=2001-01-01T00:00:00Z&count=1", NULL), 200);
	assert_int_equal(rig_number(r, "count"), 4);
	assert_int_equal(rig_call(r, "GET", EVENTS "?since=yesterday", NULL), 400);
	expect_error(r, "invalid_param", "since");
	assert_int_equal(rig_call(r, "GET", EVENTS "?type=nothing", NULL), 400);
	expect_error(r, "invalid_param", "type");
	assert_int_equal(rig_call(r, "GET", EVENTS "?marker=x", NULL), 400);
	expect_error(r, "invalid_param", "marker");
}

#define ATTEMPTS "/v1/projects/p1/attempts"

static void attempts(void **state)
{
	struct rig *r = *state;
	char path[128];

	rig_project(r);
	rig_endpoint(r, ",\"auth\":{\"username\":\"u\",\"password\":\"secretpw\"},\"headers\":{\"X-Copy\":\"say "
			"secretpw\"},\"retry\":{\"delays_s\":[300]}");
	assert_int_equal(post(r, SENT("a", "m1")), 202);
	rig_wait(r, EVENTS "/a", "endpoints.0.state", "delivered");
	assert_non_null(strstr(buf_str(&r->last_headers), "say secretpw"));
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "?event_id=a", NULL), 200);
	expect(r, "data.0.endpoint_id", "e1");
	expect(r, "data.0.outcome", "ok");
	assert_int_equal(rig_number(r, "data.0.code"), 200);
	assert_int_equal(rig_number(r, "data.0.attempt"), 1);
	expect(r, "data.0.request.method", "POST");
	expect(r, "data.0.request.headers.Authorization", "***");
	expect(r, "data.0.request.headers.X-Copy", "say ***");
	expect(r, "data.0.response.body", "got it, ***");
	expect(r, "data.0.items.0.event_id", "a");
	expect(r, "data.0.items.0.message_id", "m1");
	expect(r, "data.0.items.0.acked", "true");
	assert_null(strstr(buf_str(&r->body), "secretpw"));
	assert_string_equal(rig_text(r, "data.0.request.body"),
			    buf_str(&r->last_body)); /* rendered again: the same bytes */
	snprintf(path, sizeof(path), ATTEMPTS "/%s", rig_text(r, "data.0.id"));
	assert_int_equal(rig_call(r, "GET", path, NULL), 200);
	expect(r, "endpoint_id", "e1");
	r->answer = 500;
	assert_int_equal(post(r, SENT("b", "m2")), 202);
	rig_wait(r, ATTEMPTS "?message_id=m2", "data.0.outcome", "retry");
	assert_int_equal(rig_number(r, "data.0.code"), 500);
	expect(r, "data.0.items.0.acked", "false");
	assert_int_equal(rig_call(r, "GET", ATTEMPTS, NULL), 200);
	expect(r, "data.0.outcome", "retry");
	expect(r, "data.1.outcome", "ok");
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "?outcome=ok", NULL), 200);
	expect(r, "data.0.items.0.event_id", "a");
	assert_int_equal(json_type(rig_at(r, "data.1")), JSON_NONE);
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "?endpoint_id=e1&count=1", NULL), 200);
	assert_int_equal(rig_number(r, "count"), 2);
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "?endpoint_id=e2", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "data.0")), JSON_NONE);
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "?outcome=good", NULL), 400);
	expect_error(r, "invalid_param", "outcome");
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "/999", NULL), 404);
	assert_int_equal(rig_call(r, "GET", ATTEMPTS "/x", NULL), 404);
	/* Another project sees none of them. */
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p2", "{\"organization_id\":\"o1\"}"), 201);
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p2/attempts", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "data.0")), JSON_NONE);
	snprintf(path, sizeof(path), "/v1/projects/p2/attempts/%d", 2);
	assert_int_equal(rig_call(r, "GET", path, NULL), 404);
}

/*
 * An organization's endpoint serves two projects, in one batch:
 * each sees its own items, and not the body that holds the other's.
 */
static void organization_batch(void **state)
{
	struct rig *r = *state;
	char body[512];

	rig_project(r);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p2", "{\"organization_id\":\"o1\"}"), 201);
	snprintf(body, sizeof(body), "{\"url\":\"%s/o\",\"batch\":{\"max_items\":2,\"max_wait_ms\":60000}}",
		 r->receiver_url);
	assert_int_equal(rig_call(r, "PUT", "/v1/organizations/o1/endpoints/all", body), 201);
	expect(r, "organization_id", "o1");
	assert_int_equal(post(r, SENT("mine", "m1")), 202);
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p2/events", SENT("theirs", "m1")), 202);
	rig_wait(r, EVENTS "/mine", "endpoints.0.state", "delivered");
	expect(r, "endpoints.0.organization_id", "o1");
	assert_int_equal(rig_call(r, "GET", ATTEMPTS, NULL), 200);
	expect(r, "data.0.endpoint_id", "all");
	expect(r, "data.0.items.0.event_id", "mine");
	assert_int_equal(json_type(rig_at(r, "data.0.items.1")), JSON_NONE);
	assert_int_equal(json_type(rig_at(r, "data.0.request")), JSON_NULL);
	assert_null(strstr(buf_str(&r->body), "theirs"));
}

static void after_quiesce(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	api_quiesce(r->api);
	assert_int_equal(rig_call(r, "GET", "/readyz", NULL), 503);
	assert_int_equal(post(r, SENT("a", "1")), 503);
	expect_error(r, "busy", "");
	assert_non_null(strstr(buf_str(&r->headers), "Retry-After: 1\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shapes, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(refusals, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(sizes, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(gzip, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(states, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(waiting_in_memory, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(event_lists, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(attempts, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(organization_batch, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(after_quiesce, rig_begin, rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
