/* The numbers' calls where no traffic is needed: pages, who counts and who is no row, what is null. */
#include <stdio.h>
#include <string.h>

#include "dialect/event.h"
#include "node/book.h"
#include "rig.h"

#define P1 "/v1/projects/p1"

static void put(struct rig *r, const char *owner, const char *id, const char *more)
{
	char path[200], body[400];

	snprintf(path, sizeof(path), "/v1/%s/endpoints/%s", owner, id);
	snprintf(body, sizeof(body), "{\"url\":\"%s/hook\"%s}", r->receiver_url, more);
	rig_call(r, "PUT", path, body);
	assert_true(r->status == 201 || r->status == 200);
}

/* The ids of all pages of two, each with a comma behind it. */
static const char *pages(struct rig *r, const char *path, struct buf *ids)
{
	char next[600], marker[300] = "";

	buf_reset(ids);
	for (int page = 0; page < 20; page++) {
		snprintf(next, sizeof(next), "%spage_size=2%s%s", path, marker[0] ? "&marker=" : "", marker);
		assert_int_equal(rig_call(r, "GET", next, NULL), 200);
		for (struct json_iter it = json_each(rig_at(r, "data")); json_next(&it);) {
			json_text(json_get(it.value, "id"), ids);
			buf_add_char(ids, ',');
		}
		if (strcmp(rig_text(r, "truncated"), "false") == 0)
			return buf_str(ids);
		slice_copy(marker, sizeof(marker), slice_str(rig_text(r, "next_marker")));
	}
	fail_msg("there is no end to %s", path);
	return NULL;
}

/* Endpoints of a project and of an organization that have the same names stand apart, in both directions. */
static void pages_have_no_gaps(void **state)
{
	struct rig *r = *state;
	struct buf ids;

	buf_init(&ids, 4096);
	rig_project(r);
	rig_call(r, "PUT", "/v1/projects/o1", "{\"name\":\"as the organization\"}");
	for (const char *id = "abc"; *id; id++) {
		char name[] = { *id, '\0' };

		put(r, "projects/p1", name, "");
		put(r, "projects/o1", name, "");
		put(r, "organizations/o1", name, "");
	}
	assert_string_equal(pages(r, "/v1/endpoint_numbers?", &ids), "a,a,b,b,c,c,a,b,c,");
	assert_string_equal(pages(r, "/v1/endpoint_numbers?sort_dir=desc&", &ids), "c,b,a,c,c,b,b,a,a,");
	assert_string_equal(pages(r, "/v1/endpoint_numbers?sort=pending&", &ids), "a,a,b,b,c,c,a,b,c,");
	assert_string_equal(pages(r, "/v1/endpoint_numbers?sort=p99&sort_dir=asc&", &ids), "a,a,b,b,c,c,a,b,c,");
	assert_string_equal(pages(r, P1 "/endpoint_numbers?sort_dir=desc&", &ids), "c,b,a,");
	assert_int_equal(rig_call(r, "GET", "/v1/overview", NULL), 200);
	expect(r, "endpoints.total", "9");
	expect(r, "projects", "2");
	assert_int_equal(rig_call(r, "GET", P1 "/overview", NULL), 200);
	expect(r, "endpoints.total", "3");
	expect(r, "store", "");
	buf_free(&ids);
}

/* Who turns the page while the marker's endpoint is deleted goes on where it stood. */
static void a_marker_outlives_its_endpoint(void **state)
{
	struct rig *r = *state;
	char next[400];

	rig_project(r);
	for (const char *id = "abcd"; *id; id++)
		put(r, "projects/p1", (char[]){ *id, '\0' }, "");
	assert_int_equal(rig_call(r, "GET", P1 "/endpoint_numbers?page_size=2", NULL), 200);
	expect(r, "data.1.id", "b");
	snprintf(next, sizeof(next), P1 "/endpoint_numbers?page_size=2&marker=%s", rig_text(r, "next_marker"));
	assert_int_equal(rig_call(r, "DELETE", P1 "/endpoints/b", NULL), 200);
	assert_int_equal(rig_call(r, "GET", next, NULL), 200);
	expect(r, "data.0.id", "c");
	expect(r, "data.1.id", "d");
	expect(r, "truncated", "false");
}

static void nothing_known_is_null(void **state)
{
	static const char *const nulls[] = { "success_rate", "p50_ms", "p99_ms", "oldest_pending_s" };
	static const char *const row_nulls[] = { "error_rate",	    "p50_ms",	 "p99_ms",	  "oldest_pending_s",
						 "last_code",	    "last_time", "failing_since", "next_retry_time",
						 "disabled_reason", "preset" };
	struct rig *r = *state;

	rig_project(r);
	put(r, "projects/p1", "e1", ",\"active\":false");
	assert_int_equal(rig_call(r, "GET", P1 "/overview", NULL), 200);
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		assert_int_equal(json_type(rig_at(r, nulls[i])), JSON_NULL);
	expect(r, "pending", "0");
	expect(r, "endpoints.disabled", "1");
	expect(r, "trouble", "[]"); /* somebody wanted it so */
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints/e1/numbers", NULL), 200);
	for (size_t i = 0; i < sizeof(row_nulls) / sizeof(row_nulls[0]); i++)
		assert_int_equal(json_type(rig_at(r, row_nulls[i])), JSON_NULL);
	expect(r, "state", "disabled");
	expect(r, "project", "p1");
	expect(r, "organization", "o1");
	expect(r, "series.hour.codes", "{}");
	expect(r, "histogram.attempt.15.count", "0");
}

/* One of the hub's own, with an event for it. */
static void put_order(void *ctx, struct book *b)
{
	struct rig *r = ctx;
	struct fault fault = NO_FAULT;
	struct event *ev;
	char text[500];
	uint64_t number;

	snprintf(text, sizeof(text),
		 "{\"url\":\"%s/\",\"url_from_event\":true,\"content_type\":\"form\",\"reports\":true}",
		 r->receiver_url);
	number = book_endpoint(b, SLICE_LIT("p1"), SLICE_LIT("_status.1"), slice_str(text), &fault);
	snprintf(text, sizeof(text),
		 "{\"type\":\"send_status\",\"id\":\"e1\",\"message\":{\"id\":\"SM1\",\"status\":\"sent\"},"
		 "\"postrider\":{\"to\":%llu,\"url\":\"%s/there\"}}",
		 (unsigned long long)number, r->receiver_url);
	ev = event_make(slice_str(text), SLICE_LIT("p1"), book_now_ms(b));
	book_event(b, ev);
	event_unref(&ev);
}

/* What the hub sends counts in the sums, and its endpoints are nobody's business. */
static void the_hubs_own_are_no_rows(void **state)
{
	struct rig *r = *state;

	rig_project(r);
	r->answer = 500;
	assert_int_equal(node_book_wait(r->node, put_order, r), 0);
	rig_wait_received(r, 1);
	rig_wait(r, P1 "/overview", "waiting", "1");
	expect(r, "pending", "1");
	expect(r, "endpoints.total", "0");
	expect(r, "trouble", "[]");
	assert_int_equal(rig_call(r, "GET", "/v1/endpoint_numbers", NULL), 200);
	expect(r, "data", "[]");
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints/_status.1/numbers", NULL), 404);
	assert_int_equal(rig_call(r, "GET", P1 "/endpoints/_status.1/retries", NULL), 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_have_no_gaps, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(a_marker_outlives_its_endpoint, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(nothing_known_is_null, rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(the_hubs_own_are_no_rows, rig_begin, rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
