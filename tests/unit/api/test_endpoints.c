/* Endpoints: settings in and out, secrets, and what is done to them. */
#include <stdio.h>
#include <string.h>

#include "rig.h"

#define ENDPOINTS "/v1/projects/p1/endpoints"
#define E1	  ENDPOINTS "/e1"

static void life(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_call(r, "PUT", E1, "{\"url\":\"http://127.0.0.1/\"}"), 404); /* no project */
	rig_project(r);
	assert_int_equal(rig_call(r, "GET", E1, NULL), 404);
	assert_int_equal(rig_call(r, "PATCH", E1, "{}"), 404);
	assert_int_equal(rig_call(r, "PUT", E1, "{\"url\":\"http://127.0.0.1/\",\"name\":\"CRM\"}"), 201);
	expect(r, "id", "e1");
	expect(r, "name", "CRM");
	expect(r, "state", "ready");
	expect(r, "retry.max_age_s", "86400");
	assert_int_equal(rig_number(r, "pending"), 0);
	assert_int_equal(json_type(rig_at(r, "last_code")), JSON_NULL);
	assert_int_equal(rig_call(r, "PUT", E1, "{\"url\":\"http://127.0.0.1/2\"}"), 200);
	expect(r, "name", "");
	assert_int_equal(rig_call(r, "PATCH", E1, "{\"timeout_ms\":2000}"), 200);
	expect(r, "url", "http://127.0.0.1/2");
	expect(r, "timeout_ms", "2000");
	assert_int_equal(rig_call(r, "POST", E1, "{\"timeout_ms\":null}"), 200);
	expect(r, "timeout_ms", "10000");
	assert_int_equal(rig_call(r, "DELETE", E1, NULL), 200);
	assert_string_equal(buf_str(&r->body), "{}");
	assert_int_equal(rig_call(r, "DELETE", E1, NULL), 404);
	assert_int_equal(rig_call(r, "GET", E1, NULL), 404);
}

static void bad_settings(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *param;
	} rows[] = {
		{ "{}", 422, "url" },
		{ "{\"url\":\"ftp://x/\"}", 422, "url" },
		{ "{\"url\":\"http://x.example/\",\"timeout_ms\":1}", 422, "timeout_ms" },
		{ "{\"url\":\"http://x.example/\",\"timout_ms\":1000}", 422, "timout_ms" },
		{ "{\"url\":\"http://x.example/\",\"content_type\":\"json\",\"body\":\"{\\\"a\\\":{NONSENSE}}\"}", 422,
		  "body" },
		{ "{\"url\":\"http://x.example/\",\"preset\":\"wirya-push\"}", 400, "preset" },
		{ "{\"url\":\"http://x.example/\",\"retry\":{\"max_age_s\":2678401}}", 422, "retry.max_age_s" },
		{ "{\"url\":\"http://x.example/\",\"auth\":{\"username\":\"u\",\"password\":\"***\"}}", 422,
		  "auth.password" },
		{ "{\"url\":\"http://x.example/\",\"id\":\"e2\"}", 400, "id" },
	};
	struct rig *r = *state;

	rig_project(r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rig_call(r, "PUT", E1, rows[i].body) != rows[i].status)
			fail_msg("%s: %d %s", rows[i].body, r->status, buf_str(&r->body));
		expect_error(r, "invalid_param", rows[i].param);
	}
	assert_int_equal(rig_call(r, "PUT", E1, rows[4].body), 422);
	assert_non_null(strstr(rig_text(r, "error.message"), "at offset 5"));
	assert_int_equal(rig_number(r, "error.position"), 5);
	assert_int_equal(rig_call(r, "PUT", E1, "{\"url\":"), 400);
	expect_error(r, "invalid_json", "");
	assert_int_equal(rig_call(r, "GET", E1, NULL), 404);
}

static void collection(void **state)
{
	struct rig *r = *state;
	char made[40];

	rig_project(r);
	assert_int_equal(rig_call(r, "POST", ENDPOINTS, "{\"id\":\"b\",\"url\":\"http://127.0.0.1/\"}"), 201);
	expect(r, "id", "b");
	assert_int_equal(rig_call(r, "POST", ENDPOINTS, "{\"id\":\"b\",\"url\":\"http://127.0.0.1/\"}"), 409);
	expect_error(r, "exists", "id");
	assert_int_equal(rig_call(r, "POST", ENDPOINTS, "{\"id\":\"a b\",\"url\":\"http://127.0.0.1/\"}"), 400);
	expect_error(r, "invalid_param", "id");
	assert_int_equal(rig_call(r, "POST", ENDPOINTS, "{\"url\":\"http://127.0.0.1/\"}"), 201);
	snprintf(made, sizeof(made), "%s", rig_text(r, "id"));
	assert_true(strncmp(made, "ep", 2) == 0);
	assert_int_equal(rig_call(r, "PUT", ENDPOINTS "/a", "{\"url\":\"http://127.0.0.1/\"}"), 201);
	assert_int_equal(rig_call(r, "GET", ENDPOINTS "?page_size=2", NULL), 200);
	expect(r, "data.0.id", "a");
	expect(r, "data.1.id", "b");
	expect(r, "truncated", "true");
	expect(r, "next_marker", "b");
	assert_int_equal(rig_call(r, "GET", ENDPOINTS "?page_size=2&marker=b", NULL), 200);
	expect(r, "data.0.id", made);
	expect(r, "truncated", "false");
	assert_int_equal(rig_call(r, "GET", ENDPOINTS "?count=1", NULL), 200);
	assert_int_equal(rig_number(r, "count"), 3);
	assert_int_equal(rig_call(r, "GET", "/v1/organizations/o1/endpoints", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "data.0")), JSON_NONE);
}

static void masked(void **state)
{
	struct rig *r = *state;
	char shown[8192];

	rig_project(r);
	rig_endpoint(r, ",\"auth\":{\"username\":\"u\",\"password\":\"secretpw\"}");
	expect(r, "auth.password", "***");
	snprintf(shown, sizeof(shown), "%s", buf_str(&r->body));
	assert_int_equal(rig_call(r, "GET", E1 "?reveal=1", NULL), 200);
	expect(r, "auth.password", "secretpw");
	/* What GET showed goes back as it is, numbers and all: nothing changes, the password stays. */
	assert_int_equal(rig_call(r, "PUT", E1, shown), 200);
	assert_int_equal(rig_call(r, "GET", ENDPOINTS "?reveal=1", NULL), 200);
	expect(r, "data.0.auth.password", "secretpw");
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/keys", NULL), 201);
	char key[80];
	snprintf(key, sizeof(key), "%s", rig_text(r, "key"));
	r->key = key;
	assert_int_equal(rig_call(r, "GET", E1 "?reveal=1", NULL), 403);
	expect_error(r, "forbidden", "reveal");
	assert_int_equal(rig_call(r, "GET", E1, NULL), 200);
	expect(r, "auth.password", "***");
}

/* In a form the secret does not look like itself; nobody may read it there either. */
static void masked_in_forms(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	rig_endpoint(r, ",\"preset\":\"telerivet\",\"secret\":\"s3cret & co\"");
	assert_int_equal(rig_call(r, "POST", E1 "/render", "{}"), 200);
	assert_non_null(strstr(buf_str(&r->body), "&secret=***"));
	assert_null(strstr(buf_str(&r->body), "s3cret"));
}

static void signed_requests(void **state)
{
	struct rig *r = *state;
	char first[80], second[80];

	rig_project(r);
	rig_endpoint(r, ",\"preset\":\"standard-webhooks\"");
	snprintf(first, sizeof(first), "%s", rig_text(r, "secret"));
	assert_true(strncmp(first, "whsec_", 6) == 0);
	rig_endpoint(r, ",\"preset\":\"standard-webhooks\""); /* again: the same secret, not shown any more */
	expect(r, "secret", "***");
	assert_int_equal(rig_call(r, "GET", E1 "?reveal=1", NULL), 200);
	expect(r, "secret", first);
	assert_int_equal(rig_call(r, "POST", E1 "/rotate_secret", NULL), 200);
	snprintf(second, sizeof(second), "%s", rig_text(r, "secret"));
	assert_true(strncmp(second, "whsec_", 6) == 0 && strcmp(first, second) != 0);
	assert_int_equal(rig_call(r, "GET", E1 "?reveal=1", NULL), 200);
	expect(r, "secret", second);
	expect(r, "previous_secret", first);
	assert_int_equal(rig_call(r, "POST", E1 "/test", NULL), 200);
	assert_non_null(strstr(buf_str(&r->last_headers), "webhook-signature: v1,"));
	assert_non_null(strstr(strstr(buf_str(&r->last_headers), "webhook-signature: v1,"), " v1,"));
	assert_int_equal(rig_call(r, "POST", ENDPOINTS "/e9/rotate_secret", NULL), 404);
	/* Signing switched on later makes a secret, too. */
	assert_int_equal(rig_call(r, "PUT", ENDPOINTS "/e2", "{\"url\":\"http://127.0.0.1/\"}"), 201);
	assert_int_equal(rig_call(r, "PATCH", ENDPOINTS "/e2", "{\"signature\":\"standard_webhooks\"}"), 200);
	assert_true(strncmp(rig_text(r, "secret"), "whsec_", 6) == 0);
}

static void switched(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	rig_endpoint(r, "");
	assert_int_equal(rig_call(r, "POST", E1 "/disable", NULL), 200);
	expect(r, "active", "false");
	expect(r, "state", "disabled");
	assert_int_equal(
		rig_call(r, "POST", "/v1/projects/p1/events",
			 "{\"type\":\"send_status\",\"id\":\"x\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
		202);
	assert_int_equal(rig_call(r, "POST", E1 "/enable", "{}"), 200);
	expect(r, "state", "ready");
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1/events/x", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "endpoints.0")), JSON_NONE); /* it was off at that moment */
	assert_int_equal(rig_call(r, "POST", ENDPOINTS "/e9/enable", NULL), 404);
	/* 410 switches it off by itself. */
	r->answer = 410;
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/events",
				  "{\"type\":\"send_status\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
			 202);
	rig_wait(r, E1, "active", "false");
	assert_true(strlen(rig_text(r, "disabled_reason")) > 0);
}

static void tested(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	rig_endpoint(r, ",\"auth\":{\"username\":\"u\",\"password\":\"secretpw\"},\"content_type\":\"json\",\"body\":"
			"\"{\\\"id\\\":{ID}}\"");
	assert_int_equal(rig_call(r, "POST", E1 "/test", NULL), 200);
	expect(r, "outcome", "ok");
	assert_int_equal(rig_number(r, "code"), 200);
	expect(r, "request.body", "{\"id\":1000007}");
	expect(r, "response.body", "got it, ***");
	assert_string_equal(buf_str(&r->last_body), "{\"id\":1000007}");
	assert_int_equal(r->received, 1);
	r->answer = 500;
	assert_int_equal(rig_call(r, "POST", E1 "/test",
				  "{\"event\":{\"type\":\"send_status\",\"message\":{\"id\":5,\"status\":\"sent\"}}}"),
			 200);
	expect(r, "outcome", "failed");
	assert_int_equal(rig_number(r, "code"), 500);
	expect(r, "request.body", "{\"id\":5}");
	assert_int_equal(rig_call(r, "POST", E1 "/test", "{\"event\":{\"type\":\"send_status\"}}"), 400);
	expect_error(r, "invalid_param", "event.message.id");
	assert_int_equal(rig_call(r, "POST", ENDPOINTS "/e9/test", NULL), 404);
	assert_int_equal(rig_call(r, "PATCH", E1, "{\"url\":\"http://10.1.2.3/\"}"), 200);
	assert_int_equal(rig_call(r, "POST", E1 "/test", NULL), 200);
	expect(r, "code", "refused_address");
	assert_int_equal(json_type(rig_at(r, "response")), JSON_NULL);
	/* Nothing of it is in the history. */
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1/attempts", NULL), 200);
	assert_int_equal(json_type(rig_at(r, "data.0")), JSON_NONE);
}

/* A stop does not wait for a receiver that is silent. */
struct slow_call {
	struct rig *r;
	struct rig own; /* url, key and answer of the thread */
};

static void *slow_main(void *arg)
{
	struct slow_call *s = arg;

	rig_call(&s->own, "POST", E1 "/test", NULL);
	return NULL;
}

static void test_and_stop(void **state)
{
	struct rig *r = *state;
	struct slow_call s = { .r = r };
	pthread_t thread;

	rig_project(r);
	rig_endpoint(r, "");
	r->hold = true;
	memcpy(s.own.url, r->url, sizeof(s.own.url));
	s.own.key = ADMIN_KEY;
	buf_init(&s.own.body, 1u << 20);
	buf_init(&s.own.headers, 1u << 20);
	buf_init(&s.own.scratch, 1u << 20);
	assert_int_equal(pthread_create(&thread, NULL, slow_main, &s), 0);
	rig_wait_received(r, 1);
	api_quiesce(r->api);
	pthread_join(thread, NULL);
	assert_int_equal(s.own.status, 503);
	buf_free(&s.own.body);
	buf_free(&s.own.headers);
	buf_free(&s.own.scratch);
	json_doc_free(&s.own.doc);
}

static void rendered(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	rig_endpoint(r, ",\"preset\":\"wiraya-push\",\"events\":[\"incoming_message\"]");
	assert_int_equal(rig_call(r, "POST", E1 "/render", NULL), 200);
	expect(r, "matches", "true");
	expect(r, "event.type", "incoming_message");
	expect(r, "request.method", "POST");
	assert_true(strncmp(rig_text(r, "request.body"), "{\"id\":1000009,\"type\":\"INCOMING_SMS\"", 35) == 0);
	assert_int_equal(
		rig_call(r, "POST", E1 "/render",
			 "{\"event\":{\"type\":\"send_status\",\"message\":{\"id\":7,\"status\":\"delivered\"}}}"),
		200);
	expect(r, "matches", "false");
	assert_int_equal(r->received, 0);
	assert_int_equal(rig_call(r, "POST", E1 "/render", "{\"event\":7}"), 400);
	expect_error(r, "invalid_param", "event");
}

static void replays(void **state)
{
	struct rig *r = *state;
	char path[128], cancelled[128];

	rig_project(r);
	rig_endpoint(r, ",\"retry\":{\"delays_s\":[]}");
	r->answer = 500;
	assert_int_equal(
		rig_call(r, "POST", "/v1/projects/p1/events",
			 "{\"type\":\"send_status\",\"id\":\"x\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
		202);
	rig_wait(r, "/v1/projects/p1/events/x", "endpoints.0.state", "failed");
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"count_only\":true}"), 200);
	assert_int_equal(rig_number(r, "count"), 1);
	assert_int_equal(
		rig_call(r, "POST", E1 "/replay", "{\"count_only\":true,\"outcome\":\"all\",\"until\":\"2001-01-01\"}"),
		200);
	assert_int_equal(rig_number(r, "count"), 0);
	r->answer = 200;
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"outcome\":\"failed\",\"since\":1}"), 202);
	snprintf(path, sizeof(path), E1 "/replays/%s", rig_text(r, "id"));
	rig_wait(r, path, "state", "done");
	rig_wait(r, "/v1/projects/p1/events/x", "endpoints.0.state", "delivered");
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"outcome\":\"some\"}"), 400);
	expect_error(r, "invalid_param", "outcome");
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"sicne\":5}"), 400);
	expect_error(r, "invalid_param", "sicne");
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"since\":\"noon\"}"), 400);
	expect_error(r, "invalid_param", "since");
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"since\":9,\"until\":8}"), 400);
	expect_error(r, "invalid_param", "until");
	assert_int_equal(rig_call(r, "POST", ENDPOINTS "/e9/replay", "{}"), 404);
	assert_int_equal(rig_call(r, "GET", E1 "/replays/none", NULL), 404);
	assert_int_equal(rig_call(r, "DELETE", E1 "/replays/none", NULL), 404);
	r->hold = true;
	assert_int_equal(rig_call(r, "POST", E1 "/replay", "{\"outcome\":\"all\"}"), 202);
	snprintf(cancelled, sizeof(cancelled), E1 "/replays/%s", rig_text(r, "id"));
	assert_int_equal(rig_call(r, "DELETE", cancelled, NULL), 200);
	assert_string_equal(buf_str(&r->body), "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(life, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(bad_settings, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(collection, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(masked, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(masked_in_forms, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(signed_requests, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(switched, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(tested, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_and_stop, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(rendered, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(replays, rig_begin, rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
