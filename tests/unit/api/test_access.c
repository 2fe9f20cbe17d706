/* The door: routes, keys, projects, keys of projects, and that nobody sees what is not his. */
#include <stdio.h>
#include <string.h>

#include "api/metrics.h"
#include "base/text.h"
#include "rig.h"

static void health(void **state)
{
	struct rig *r = *state;

	r->key = NULL;
	assert_int_equal(rig_call(r, "GET", "/healthz", NULL), 200);
	expect(r, "status", "ok");
	assert_int_equal(rig_call(r, "GET", "/readyz", NULL), 200);
	expect(r, "status", "ready");
	assert_int_equal(rig_call(r, "HEAD", "/readyz", NULL), 200);
	assert_int_equal(r->body.n, 0);
}

static void paths(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_call(r, "GET", "/nowhere", NULL), 404);
	expect_error(r, "not_found", "");
	assert_int_equal(rig_call(r, "GET", "/v1/projects/", NULL), 404);
	assert_int_equal(rig_call(r, "GET", "/v1//p1", NULL), 404);
	assert_int_equal(rig_call(r, "DELETE", "/v1/projects", NULL), 405);
	expect_error(r, "method_not_allowed", "");
	assert_non_null(strstr(buf_str(&r->headers), "Allow: GET\r\n"));
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/%2E%2E", "{}"), 400);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/%2E", "{}"), 400);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/a%2Fb", "{}"), 400);
	expect_error(r, "invalid_param", "pid");
	assert_int_equal(rig_call(r, "PUT",
				  "/v1/projects/0123456789012345678901234567890123456789012345678901234567890123",
				  "{}"),
			 201);
	assert_int_equal(rig_call(r, "PUT",
				  "/v1/projects/01234567890123456789012345678901234567890123456789012345678901234",
				  "{}"),
			 400);
}

static void wrong_keys(void **state)
{
	struct rig *r = *state;

	r->key = NULL;
	assert_int_equal(rig_call(r, "GET", "/v1/projects", NULL), 401);
	expect_error(r, "unauthorized", "");
	assert_int_equal(rig_call(r, "GET", "/metrics", NULL), 401);
	r->key = "wrong-admin-key-0123456789";
	assert_int_equal(rig_call(r, "GET", "/v1/projects", NULL), 401);
	r->key = "";
	assert_int_equal(rig_call(r, "GET", "/v1/projects", NULL), 401);
	r->key = NULL;
	assert_int_equal(rig_call_with(r, "GET", "/v1/projects", "Authorization: Basic %%%", NULL, 0), 401);
	assert_int_equal(rig_call_with(r, "GET", "/v1/projects", "Authorization: Digest x", NULL, 0), 401);
}

static void basic_key(void **state)
{
	struct rig *r = *state;
	struct buf header;

	r->key = NULL;
	buf_init(&header, 1024);
	buf_add_str(&header, "Authorization: basic ");
	base64_add(&header, ADMIN_KEY ":", sizeof(ADMIN_KEY ":") - 1);
	assert_int_equal(rig_call_with(r, "GET", "/v1/projects", buf_str(&header), NULL, 0), 200);
	buf_free(&header);
}

static void projects(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1", NULL), 404);
	expect_error(r, "not_found", "");
	assert_int_equal(rig_call(r, "PATCH", "/v1/projects/p1", "{\"name\":\"x\"}"), 404);
	assert_int_equal(
		rig_call(r, "PUT", "/v1/projects/p1",
			 "{\"name\":\"One\",\"organization_id\":\"o1\",\"notify_emails\":[\"a@example.org\"]}"),
		201);
	expect(r, "id", "p1");
	expect(r, "name", "One");
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1", "{\"timezone\":\"Europe/Stockholm\"}"), 200);
	expect(r, "name", "One");
	expect(r, "timezone", "Europe/Stockholm");
	/* What was shown may come back. */
	assert_int_equal(
		rig_call(r, "PATCH", "/v1/projects/p1", "{\"id\":\"p1\",\"time_created\":1,\"name\":\"Eins\"}"), 200);
	expect(r, "name", "Eins");
	assert_int_equal(rig_call(r, "PATCH", "/v1/projects/p1", "{\"id\":\"p2\"}"), 400);
	expect_error(r, "invalid_param", "id");
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", "{\"name\":7}"), 400);
	expect_error(r, "invalid_param", "name");
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", "{\"name\":"), 400);
	expect_error(r, "invalid_json", "");
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", "[1]"), 400);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", ""), 400);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", "{\"nmae\":\"x\"}"), 400);
	assert_int_equal(rig_call(r, "DELETE", "/v1/projects/p1", NULL), 200);
	assert_string_equal(buf_str(&r->body), "{}");
	assert_int_equal(rig_call(r, "DELETE", "/v1/projects/p1", NULL), 404);
}

static void project_lists(void **state)
{
	struct rig *r = *state;
	char path[64];

	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "/v1/projects/list%d", i);
		assert_int_equal(rig_call(r, "PUT", path, i % 2 ? "{\"organization_id\":\"odd\"}" : "{}"), 201);
	}
	assert_int_equal(rig_call(r, "GET", "/v1/projects?page_size=2", NULL), 200);
	expect(r, "data.0.id", "list0");
	expect(r, "data.1.id", "list1");
	expect(r, "truncated", "true");
	expect(r, "next_marker", "list1");
	assert_int_equal(rig_call(r, "GET", "/v1/projects?page_size=2&marker=list1", NULL), 200);
	expect(r, "data.0.id", "list2");
	assert_int_equal(rig_call(r, "GET", "/v1/projects?page_size=2&marker=list3", NULL), 200);
	expect(r, "truncated", "false");
	assert_int_equal(json_type(rig_at(r, "next_marker")), JSON_NULL);
	assert_int_equal(rig_call(r, "GET", "/v1/projects?count=1", NULL), 200);
	assert_int_equal(rig_number(r, "count"), 5);
	assert_int_equal(rig_call(r, "GET", "/v1/organizations/odd/projects", NULL), 200);
	expect(r, "data.0.id", "list1");
	expect(r, "data.1.id", "list3");
	expect(r, "truncated", "false");
	assert_int_equal(rig_call(r, "GET", "/v1/projects?page_size=501", NULL), 400);
	expect_error(r, "invalid_param", "page_size");
	assert_int_equal(rig_call(r, "GET", "/v1/projects?page_size=0", NULL), 400);
	assert_int_equal(rig_call(r, "GET", "/v1/projects?sort=name", NULL), 400);
	expect_error(r, "invalid_param", "sort");
	assert_int_equal(rig_call(r, "GET", "/v1/projects?sort_dir=desc", NULL), 400);
	expect_error(r, "invalid_param", "sort_dir");
}

static void project_keys(void **state)
{
	struct rig *r = *state;
	char key[80], kid[40], path[128];

	rig_project(r);
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/keys", "{\"name\":\"shop\"}"), 201);
	snprintf(key, sizeof(key), "%s", rig_text(r, "key"));
	snprintf(kid, sizeof(kid), "%s", rig_text(r, "id"));
	expect(r, "name", "shop");
	assert_true(strlen(key) >= 40 &&
		    strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(key));
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1/keys", NULL), 200);
	expect(r, "data.0.id", kid);
	assert_null(strstr(buf_str(&r->body), key));
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/keys", "{\"name\":\"second\"}"), 201);
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1/keys?count=1", NULL), 200);
	expect(r, "count", "2");
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1/keys?page_size=1", NULL), 200);
	expect(r, "truncated", "true");
	snprintf(path, sizeof(path), "/v1/projects/p1/keys?page_size=1&marker=%s", rig_text(r, "next_marker"));
	assert_int_equal(rig_call(r, "GET", path, NULL), 200);
	expect(r, "truncated", "false");
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1/keys?name[prefix]=x", NULL), 400);
	expect_error(r, "invalid_param", "name[prefix]");
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/keys", "{\"name\":5}"), 400);
	expect_error(r, "invalid_param", "name");

	assert_int_equal(rig_call(r, "PATCH", "/v1/projects/p1", "{\"organization_id\":\"a/b\"}"), 400);
	expect_error(r, "invalid_param", "organization_id");

	r->key = key;
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1", NULL), 200);
	assert_int_equal(rig_call(r, "GET", "/v1/projects", NULL), 200);
	expect(r, "data.0.id", "p1");
	assert_int_equal(rig_call(r, "PATCH", "/v1/projects/p1", "{\"name\":\"Mine\"}"), 200);
	assert_int_equal(rig_call(r, "PATCH", "/v1/projects/p1", "{\"organization_id\":\"other\"}"), 403);
	expect_error(r, "forbidden", "organization_id");
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", "{\"name\":\"Mine\"}"), 403);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1", "{\"name\":\"Mine\",\"organization_id\":\"o1\"}"), 200);
	assert_int_equal(rig_call(r, "DELETE", "/v1/projects/p1", NULL), 403);

	r->key = ADMIN_KEY;
	snprintf(path, sizeof(path), "/v1/projects/p1/keys/%s", kid);
	assert_int_equal(rig_call(r, "DELETE", path, NULL), 200);
	assert_int_equal(rig_call(r, "DELETE", path, NULL), 404);
	r->key = key;
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p1", NULL), 401);
}

/* Every route with a foreign project's key: the same answer as for a project that does not exist. */
static void isolation(void **state)
{
	struct rig *r = *state;
	struct api_route_info info;
	char key[80], foreign[1024], path[256];

	rig_project(r);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p2", "{}"), 201);
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p2/keys", NULL), 201);
	snprintf(key, sizeof(key), "%s", rig_text(r, "key"));
	r->key = key;
	for (size_t i = 0; api_route_at(i, &info); i++) {
		struct buf text;
		size_t n = 0;

		/* What any key may call shows its own project, or none; the description of the calls is open to all. */
		if (strncmp(info.path, "/v1/", 4) != 0 || strcmp(info.access, "key") == 0 ||
		    strcmp(info.access, "none") == 0)
			continue;
		buf_init(&text, sizeof(path) - 1);
		for (const char *p = info.path; *p; p++) {
			if (*p != '{') {
				buf_add_char(&text, *p);
				continue;
			}
			buf_add_str(&text, n++ ? "x1" : "p1");
			p = strchr(p, '}');
		}
		snprintf(path, sizeof(path), "%s", buf_str(&text));
		buf_free(&text);
		assert_int_equal(rig_call(r, info.method, path, "{}"), 404);
		expect_error(r, "not_found", "");
		if (strncmp(info.path, "/v1/projects/", 13) != 0)
			continue;
		/* p9 does not exist: but for the name the answers are the same. */
		snprintf(foreign, sizeof(foreign), "%s", buf_str(&r->body));
		*strstr(foreign, "p1") = 'P';
		path[14] = '9';
		assert_int_equal(rig_call(r, info.method, path, "{}"), 404);
		*strstr(r->body.p, "p9") = 'P';
		*strstr(r->body.p, "P9") = 'P';
		r->body.p[strcspn(r->body.p, "9")] = '1';
		assert_string_equal(buf_str(&r->body), foreign);
	}
	assert_int_equal(rig_call(r, "GET", "/metrics", NULL), 404);
}

static void metrics(void **state)
{
	static const char *const lines[] = {
		"# TYPE postrider_events_accepted_total counter\n",
		"postrider_events_accepted_total 1\n",
		"postrider_endpoint_pending{project=\"p1\",endpoint=\"e1\"} 0\n",
		"postrider_attempts_total{project=\"p1\",endpoint=\"e1\",outcome=\"ok\",code=\"200\"} 1\n",
		"# TYPE postrider_attempt_seconds histogram\n",
		"postrider_attempt_seconds_bucket{le=\"+Inf\"} 1\n",
		"postrider_attempt_seconds_count 1\n",
		"postrider_delivery_seconds_bucket{le=\"+Inf\"} 1\n",
		"process_resident_memory_bytes ",
		"postrider_build_info{version=\"",
		"postrider_endpoint_oldest_pending_seconds{project=\"p1\",endpoint=\"e1\"} 0\n",
		"postrider_endpoint_pending{project=\"\",endpoint=\"e1\",organization=\"o1\"} 0\n",
	};
	struct rig *r = *state;
	char body[256];

	rig_project(r);
	rig_endpoint(r, "");
	snprintf(body, sizeof(body), "{\"url\":\"%s/o\",\"events\":[\"send_broadcast\"]}", r->receiver_url);
	assert_int_equal(rig_call(r, "PUT", "/v1/organizations/o1/endpoints/e1", body), 201);
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/events",
				  "{\"type\":\"send_status\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
			 202);
	rig_wait(r, "/v1/projects/p1/endpoints/e1", "delivered", "1");
	assert_int_equal(rig_call(r, "GET", "/metrics", NULL), 200);
	assert_non_null(strstr(buf_str(&r->headers), "text/plain; version=0.0.4"));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(buf_str(&r->body), lines[i]))
			fail_msg("no %s in\n%s", lines[i], buf_str(&r->body));
}

/* With more endpoints than lines the busiest has its own, and the others are one. */
static void metrics_of_many(void **state)
{
	struct rig *r = *state;
	struct buf out;

	rig_project(r);
	rig_endpoint(r, "");
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1/endpoints/a",
				  "{\"url\":\"http://127.0.0.1/\",\"events\":[\"send_broadcast\"]}"),
			 201);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p1/endpoints/z",
				  "{\"url\":\"http://127.0.0.1/\",\"events\":[\"send_broadcast\"]}"),
			 201);
	assert_int_equal(rig_call(r, "POST", "/v1/projects/p1/events",
				  "{\"type\":\"send_status\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
			 202);
	rig_wait(r, "/v1/projects/p1/endpoints/e1", "delivered", "1");
	buf_init(&out, 1u << 20);
	metrics_write(r->node, 1, &out);
	assert_non_null(strstr(buf_str(&out), "postrider_endpoint_up{project=\"p1\",endpoint=\"e1\"} 1\n"));
	assert_non_null(strstr(buf_str(&out), "postrider_endpoint_up{project=\"\",endpoint=\"other\"} 2\n"));
	assert_null(strstr(buf_str(&out), "endpoint=\"a\""));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(health, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(paths, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(wrong_keys, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(basic_key, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(projects, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(project_lists, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(project_keys, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(isolation, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(metrics, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(metrics_of_many, rig_begin, rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
