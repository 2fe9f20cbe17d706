/* Portal links: what they open, what they do not, and how they end. Every route of the table is tried with them. */
#include <stdio.h>
#include <string.h>

#include "node/portal.h"
#include "rig.h"

#define P1 "/v1/projects/p1"

static void link_make(struct rig *r, const char *project, bool write, char ret[PORTAL_TOKEN_BYTES])
{
	char path[100];

	snprintf(path, sizeof(path), "/v1/projects/%s/portal_links", project);
	r->key = ADMIN_KEY;
	assert_int_equal(rig_call(r, "POST", path, write ? "{\"write\":true,\"expires_s\":60}" : NULL), 201);
	snprintf(ret, PORTAL_TOKEN_BYTES, "%s", rig_text(r, "token"));
	assert_int_equal(strncmp(ret, PORTAL_PREFIX, strlen(PORTAL_PREFIX)), 0);
}

static void two_projects(struct rig *r)
{
	rig_project(r);
	assert_int_equal(rig_call(r, "PUT", "/v1/projects/p2", "{\"name\":\"Two\",\"organization_id\":\"o1\"}"), 201);
}

/* The route's path with its parameters filled in. */
static void path_of(const struct api_route_info *info, const char *project, char *ret, size_t cap)
{
	struct buf text;
	size_t n = 0;

	buf_init(&text, cap - 1);
	for (const char *p = info->path; *p; p++) {
		if (*p != '{') {
			buf_add_char(&text, *p);
			continue;
		}
		buf_add_str(&text, n++ ? "x1" : project);
		p = strchr(p, '}');
	}
	snprintf(ret, cap, "%s", buf_str(&text));
	buf_free(&text);
}

static bool is_stream(const struct api_route_info *info)
{
	return strstr(info->path, "/stream") != NULL; /* its answer has no end */
}

static void walk_own(struct rig *r, bool write)
{
	struct api_route_info info;
	char path[256];

	for (size_t i = 0; api_route_at(i, &info); i++) {
		bool refused = strcmp(info.portal, "none") == 0 || (!write && strcmp(info.portal, "write") == 0);

		if (strcmp(info.access, "project") != 0 || (is_stream(&info) && !refused))
			continue;
		path_of(&info, "p1", path, sizeof(path));
		rig_call(r, info.method, path, "{}");
		if (refused != (r->status == 403) || r->status == 401)
			fail_msg("%s %s: %d %s", info.method, path, r->status, buf_str(&r->body));
		if (refused)
			expect_error(r, "forbidden", "");
	}
}

/* Whatever is not its project is not there; and nobody learns from the answer whether it is. */
static void walk_foreign(struct rig *r)
{
	struct api_route_info info;
	char path[256];

	for (size_t i = 0; api_route_at(i, &info); i++) {
		if (strcmp(info.access, "none") == 0 || strcmp(info.access, "key") == 0 ||
		    strcmp(info.access, "metrics") == 0)
			continue;
		path_of(&info, "p2", path, sizeof(path));
		if (rig_call(r, info.method, path, "{}") != 404)
			fail_msg("%s %s: %d %s", info.method, path, r->status, buf_str(&r->body));
		expect_error(r, "not_found", "");
		assert_null(strstr(buf_str(&r->body), "Two"));
	}
}

static void reading_link(void **state)
{
	struct rig *r = *state;
	char token[PORTAL_TOKEN_BYTES];

	two_projects(r);
	rig_endpoint(r, "");
	link_make(r, "p1", false, token);
	r->key = token;
	walk_own(r, false);
	walk_foreign(r);
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints/e1?reveal=1", NULL), 403);
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints/e1", NULL), 200);
	assert_int_equal(rig_call(r, "HEAD", P1 "/endpoints/e1", NULL), 200);
	assert_int_equal(rig_call(r, "POST", P1 "/endpoints/e1/render", NULL), 200);
	assert_int_equal(rig_call(r, "POST", P1 "/draft/render", "{\"endpoint_id\":\"e1\"}"), 200);
	assert_int_equal(rig_call(r, "POST", P1 "/draft/send", "{\"endpoint_id\":\"e1\"}"), 403);
	assert_int_equal(rig_call(r, "GET", "/v1/projects", NULL), 200);
	expect(r, "data.0.id", "p1");
	expect(r, "data.1.id", "");
	assert_int_equal(r->received, 0);
}

static void writing_link(void **state)
{
	struct rig *r = *state;
	char token[PORTAL_TOKEN_BYTES];

	two_projects(r);
	link_make(r, "p1", true, token);
	r->key = token;
	walk_own(r, true);
	walk_foreign(r);
	rig_endpoint(r, "");
	assert_int_equal(rig_call(r, "POST", P1 "/endpoints/e1/test", NULL), 200);
	rig_wait_received(r, 1);
}

/* By what it is about, not by what the table says: a row that is marked wrongly is found here. */
static void what_no_link_opens(void **state)
{
	struct api_route_info info;
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; api_route_at(i, &info); i++) {
		bool of_keys = strstr(info.path, "/keys") || strstr(info.path, "/portal_links");
		bool of_gateways = strncmp(info.path, "/ingest/", 8) == 0;
		bool of_project = strcmp(info.path, "/v1/projects/{pid}") == 0 && strcmp(info.method, "GET") != 0;

		if (strcmp(info.access, "project") != 0 || !(of_keys || of_gateways || of_project))
			continue;
		if (strcmp(info.portal, "none") != 0)
			fail_msg("%s %s is open to links", info.method, info.path);
		seen++;
	}
	assert_true(seen >= 11);
}

static void who(void **state)
{
	struct rig *r = *state;
	char token[PORTAL_TOKEN_BYTES], key[80];

	two_projects(r);
	assert_int_equal(rig_call(r, "GET", "/v1/whoami", NULL), 200);
	expect(r, "role", "admin");
	expect(r, "project", "");
	assert_int_equal(rig_call(r, "POST", P1 "/keys", NULL), 201);
	snprintf(key, sizeof(key), "%s", rig_text(r, "key"));
	link_make(r, "p1", true, token);
	r->key = key;
	assert_int_equal(rig_call(r, "GET", "/v1/whoami", NULL), 200);
	expect(r, "role", "project");
	expect(r, "project", "p1");
	expect(r, "portal", "");
	r->key = token;
	assert_int_equal(rig_call(r, "GET", "/v1/whoami", NULL), 200);
	expect(r, "role", "portal");
	expect(r, "name", "One");
	expect(r, "portal.write", "true");
	assert_true(rig_number(r, "portal.time_expires") <= rig_number(r, "time") + 60);
}

static void ends_by_itself(void **state)
{
	struct portal_link link = { .write = true };
	struct rig *r = *state;
	char token[PORTAL_TOKEN_BYTES];

	two_projects(r);
	slice_copy(link.project, sizeof(link.project), SLICE_LIT("p1"));
	link.ends_s = node_now_ms(r->node) / 1000 - 1;
	assert_int_equal(node_portal_make(r->node, &link, token, NULL), 0);
	r->key = token;
	assert_int_equal(rig_call(r, "GET", P1, NULL), 401);
	expect_error(r, "expired", "");
	assert_null(strstr(buf_str(&r->body), "p1"));
	assert_int_equal(rig_call(r, "GET", "/v1/whoami", NULL), 401);
}

static void is_ended(void **state)
{
	struct rig *r = *state;
	char first[PORTAL_TOKEN_BYTES], other[PORTAL_TOKEN_BYTES], later[PORTAL_TOKEN_BYTES];

	two_projects(r);
	link_make(r, "p1", true, first);
	link_make(r, "p2", true, other);
	assert_int_equal(rig_call(r, "DELETE", P1 "/portal_links", NULL), 200);
	link_make(r, "p1", true, later);
	r->key = first;
	assert_int_equal(rig_call(r, "GET", P1, NULL), 401);
	expect_error(r, "unauthorized", "");
	r->key = later;
	assert_int_equal(rig_call(r, "GET", P1, NULL), 200);
	r->key = other;
	assert_int_equal(rig_call(r, "GET", "/v1/projects/p2", NULL), 200);
	/* A project of the same name, made anew, does not open to the links of the old one; changing it keeps them. */
	r->key = ADMIN_KEY;
	assert_int_equal(rig_call(r, "PATCH", P1, "{\"name\":\"Other\"}"), 200);
	r->key = first;
	assert_int_equal(rig_call(r, "GET", P1, NULL), 401);
	r->key = later;
	assert_int_equal(rig_call(r, "GET", P1, NULL), 200);
	r->key = ADMIN_KEY;
	assert_int_equal(rig_call(r, "DELETE", P1, NULL), 200);
	rig_project(r);
	r->key = later;
	assert_int_equal(rig_call(r, "GET", P1, NULL), 401);
}

/* Not one character of a token may be another one. */
static void forged(void **state)
{
	struct rig *r = *state;
	char token[PORTAL_TOKEN_BYTES], wrong[2 * PORTAL_TOKEN_BYTES];
	struct portal_link link;
	size_t n;

	two_projects(r);
	link_make(r, "p1", false, token);
	assert_int_equal(node_portal_check(r->node, slice_str(token), &link), PORTAL_VALID);
	assert_string_equal(link.project, "p1");
	n = strlen(token);
	for (size_t i = strlen(PORTAL_PREFIX); i + 1 < n; i++) { /* the last one has bits that are nobody's */
		snprintf(wrong, sizeof(wrong), "%s", token);
		wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
		assert_int_equal(node_portal_check(r->node, slice_str(wrong), &link), PORTAL_UNKNOWN);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(node_portal_check(r->node, slice_of(token, i), &link), PORTAL_UNKNOWN);
	snprintf(wrong, sizeof(wrong), "%sAAAA", token);
	assert_int_equal(node_portal_check(r->node, slice_str(wrong), &link), PORTAL_UNKNOWN);
	snprintf(wrong, sizeof(wrong), "%s=", token);
	assert_int_equal(node_portal_check(r->node, slice_str(wrong), &link), PORTAL_UNKNOWN);
	memset(wrong, 'A', sizeof(wrong) - 1);
	wrong[sizeof(wrong) - 1] = '\0';
	memcpy(wrong, PORTAL_PREFIX, strlen(PORTAL_PREFIX));
	assert_int_equal(node_portal_check(r->node, slice_str(wrong), &link), PORTAL_UNKNOWN);
}

static void what_is_asked_for(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"expires_s\":59}", "expires_s" },
		{ "{\"expires_s\":2592001}", "expires_s" },
		{ "{\"expires_s\":\"60\"}", "expires_s" },
		{ "{\"expires_s\":60.5}", "expires_s" },
		{ "{\"write\":1}", "write" },
		{ "{\"name\":7}", "name" },
		{ "{\"exprires_s\":60}", "exprires_s" },
	};
	struct rig *r = *state;

	two_projects(r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rig_call(r, "POST", P1 "/portal_links", bad[i][0]), 400);
		expect_error(r, "invalid_param", bad[i][1]);
	}
	assert_int_equal(rig_call(r, "POST", P1 "/portal_links", "{\"expires_s\":2592000,\"name\":\"for Ann\"}"), 201);
	expect(r, "write", "false");
}

/* An operator chooses his key; it may begin as links do. */
static void a_key_that_looks_like_a_link(void **state)
{
	struct rig *r = *state;
	struct fault fault = NO_FAULT;
	char made[64];

	assert_int_equal(node_admin_key(r->node, PORTAL_PREFIX "0123456789abcdef", made, &fault), 0);
	r->key = PORTAL_PREFIX "0123456789abcdef";
	assert_int_equal(rig_call(r, "GET", "/v1/whoami", NULL), 200);
	expect(r, "role", "admin");
	r->key = PORTAL_PREFIX "0123456789abcdee";
	assert_int_equal(rig_call(r, "GET", "/v1/whoami", NULL), 401);
	expect_error(r, "unauthorized", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reading_link, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(writing_link, rig_begin, rig_end),
		cmocka_unit_test(what_no_link_opens),
		cmocka_unit_test_setup_teardown(who, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(ends_by_itself, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(is_ended, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(forged, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(what_is_asked_for, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(a_key_that_looks_like_a_link, rig_begin, rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
