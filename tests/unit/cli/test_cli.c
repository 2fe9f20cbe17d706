/*
 * The commands' own parts: tables, times, the set-up file's shape,
 * a line of `tail`; and the API client against a real server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "cli/api_client.h"
#include "cli/cmd_tail.h"
#include "cli/duration.h"
#include "cli/setup_file.h"
#include "cli/table.h"
#include "net/server.h"

static void test_table(void **state)
{
	struct table t;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	table_init(&t, "lrl");
	table_add_str(&t, "NAME");
	table_add_str(&t, "N");
	table_add_str(&t, "X");
	table_add_str(&t, "\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5");
	table_add_str(&t, "1000");
	table_add_str(&t, "a\x1b");
	table_write(&t, &out);
	assert_string_equal(buf_str(&out), "NAME       N  X\n"
					   "\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5  1000  a\\x1b\n");
	table_free(&t);
	buf_free(&out);
}

static void test_durations(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} rows[] = { { 0, "-" },      { -5, "-" },	   { 4, "4s" },		{ 60, "1m" },
		     { 61, "1m 1s" }, { 3600, "1h" },	   { 12000, "3h 20m" }, { 3605, "1h" },
		     { 86400, "1d" }, { 190800, "2d 5h" }, { 86460, "1d" },	{ 8640000, "100d" } };
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		duration_add(&out, rows[i].s);
		assert_string_equal(buf_str(&out), rows[i].text);
	}
	buf_free(&out);
}

static void test_moments(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} rows[] = { { "1547125200", 1547125200 },
		     { "2019-01-10T13:00:00Z", 1547125200 },
		     { "2019-01-10 13:00:00", 1547125200 },
		     { "2019-01-10", 1547078400 },
		     { "2019-01-10T14:00:00+01:00", 1547125200 },
		     { "2h", 2000000000 - 7200 },
		     { "1d", 2000000000 - 86400 } };
	static const char *const wrong[] = { "", "soon", "-5", "2019-13-01", "2019-01-10T13", "10.1.2019" };
	int64_t s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(since_read(slice_str(rows[i].text), 2000000000, &s));
		assert_int_equal(s, rows[i].s);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(since_read(slice_str(wrong[i]), 2000000000, &s));
}

static int check_text(const char *text, struct fault *fault)
{
	struct json_doc doc;
	int rc;

	json_doc_init(&doc);
	rc = json_parse(&doc, slice_str(text), &json_limits_default, fault);
	assert_int_equal(rc, 0);
	rc = setup_check(json_root(&doc), fault);
	json_doc_free(&doc);
	return rc;
}

static void test_setup_shape(void **state)
{
	static const struct {
		const char *text, *param, *says;
	} wrong[] = {
		{ "[]", "", "the file's value is" },
		{ "{\"project\":[]}", "", "no member 'project'" },
		{ "{\"projects\":{}}", "projects", "projects is" },
		{ "{\"projects\":[{\"id\":\"a\"},1]}", "projects[1]", "a project is" },
		{ "{\"projects\":[{\"name\":\"x\"}]}", "projects[0].id", "needs an id" },
		{ "{\"projects\":[{\"id\":7}]}", "projects[0].id", "needs an id" },
		{ "{\"projects\":[{\"id\":\"a\"},{\"id\":\"a\"}]}", "projects[1].id", "stands at place 0 already" },
		{ "{\"projects\":[{\"id\":\"a\",\"colour\":1}]}", "projects[0]", "no member 'colour'" },
		{ "{\"projects\":[{\"id\":\"a\",\"endpoints\":1}]}", "projects[0].endpoints", "endpoints is" },
		{ "{\"projects\":[{\"id\":\"a\",\"endpoints\":[{\"id\":\"e\"},{\"url\":\"u\"}]}]}",
		  "projects[0].endpoints[1].id", "needs an id" },
		{ "{\"projects\":[{\"id\":\"a\",\"phones\":[{\"id\":\"P\"}],\"services\":[{\"id\":\"P\"},{\"id\":\"P\"}"
		  "]}]}",
		  "projects[0].services[1].id", "stands at place 0 already" },
		{ "{\"projects\":[{\"id\":\"a\",\"phones\":[1]}]}", "projects[0].phones[0]", "a phone is" },
		{ "{\"organizations\":[{\"id\":\"o\",\"name\":\"n\"}]}", "organizations[0]", "no member 'name'" },
		{ "{\"organizations\":[{\"id\":\"o\",\"phones\":[]}]}", "organizations[0]", "no member 'phones'" },
	};
	struct fault fault;

	(void)state;
	assert_int_equal(check_text("{\"projects\":[{\"id\":\"a\",\"name\":null,\"endpoints\":[{\"id\":\"e\",\"url\":"
				    "\"x\",\"new\":1}]}],"
				    "\"organizations\":[{\"id\":\"o\",\"endpoints\":[]}]}",
				    &fault),
			 0);
	assert_int_equal(check_text("{}", &fault), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(check_text(wrong[i].text, &fault), ERR_INVALID);
		assert_string_equal(fault.param, wrong[i].param);
		assert_non_null(strstr(fault.message, wrong[i].says));
	}
}

static void test_setup_settings(void **state)
{
	static const char shown[] = "{\"id\":\"e\",\"url\":\"u\",\"retry\":{\"jitter\":0.1},\"pending\":5,\"state\":"
				    "\"ready\",\"time_created\":1}";
	static const char later[] = "{\"id\":\"e\",\"url\":\"u\",\"retry\":{\"jitter\":0.1},\"pending\":9,\"state\":"
				    "\"paused\",\"time_created\":1}";
	static const char other[] = "{\"id\":\"e\",\"url\":\"v\",\"retry\":{\"jitter\":0.1}}";
	struct json_doc a, b, c;
	struct json_writer w;
	struct buf out;

	(void)state;
	json_doc_init(&a);
	json_doc_init(&b);
	json_doc_init(&c);
	assert_int_equal(json_parse(&a, slice_str(shown), &json_limits_default, NULL), 0);
	assert_int_equal(json_parse(&b, slice_str(later), &json_limits_default, NULL), 0);
	assert_int_equal(json_parse(&c, slice_str(other), &json_limits_default, NULL), 0);
	assert_true(setup_same_element(&setup_lists[0], json_root(&a), json_root(&b)));
	assert_false(setup_same_element(&setup_lists[0], json_root(&a), json_root(&c)));
	buf_init(&out, 4096);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	setup_write_element(&setup_lists[0], json_root(&a), &w);
	json_end_object(&w);
	assert_string_equal(buf_str(&out), "{\"url\":\"u\",\"retry\":{\"jitter\":0.1}}");
	buf_free(&out);
	json_doc_free(&a);
	json_doc_free(&b);
	json_doc_free(&c);
}

static bool same_service(const char *a, const char *b)
{
	struct json_doc da, db;
	bool same;

	json_doc_init(&da);
	json_doc_init(&db);
	assert_int_equal(json_parse(&da, slice_str(a), &json_limits_default, NULL), 0);
	assert_int_equal(json_parse(&db, slice_str(b), &json_limits_default, NULL), 0);
	same = setup_same_element(&setup_lists[2], json_root(&da), json_root(&db));
	json_doc_free(&da);
	json_doc_free(&db);
	return same;
}

/* By what is said, not by how it is written; configs are shown as they were given. */
static void test_setup_same(void **state)
{
	static const char actions[] = "{\"config\":{\"actions\":[{\"type\":\"stop\"},1]},\"project_id\":\"p\"}";
	static const char *const same[] = {
		"{\"config\": {\"actions\": [ {\"type\":\"stop\"}, 1 ]}}",
		"{\"config\":{\"actions\":[{\"type\":\"st\\u006fp\"},1]}}",
	};
	static const char *const others[] = {
		"{\"config\":{\"actions\":[{\"type\":\"stop\"}]}}",
		"{\"config\":{\"actions\":[{\"type\":\"stop\"},1,2]}}",
		"{\"config\":{\"actions\":[{\"type\":\"stop\",\"x\":null},1]}}",
		"{\"config\":{\"actions\":[{},1]}}",
		"{\"config\":{\"actions\":[{\"type\":\"stop\"},\"1\"]}}",
		"{\"config\":{}}",
		"{\"config\":{\"actions\":[{\"type\":\"stop\"},1]},\"active\":false}",
	};

	(void)state;
	assert_true(same_service("{\"config\":{\"a\":1,\"b\":2}}", "{\"config\":{\"b\":2,\"a\":1}}"));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(same_service(actions, same[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(same_service(actions, others[i]));
}

static void test_tail_line(void **state)
{
	static const char attempt[] = "{\"id\":\"9\",\"endpoint_id\":\"crm\",\"attempt\":2,\"time\":1547125200.5,"
				      "\"outcome\":\"retry\",\"code\":503,"
				      "\"reason\":\"busy\\u001b\",\"duration_ms\":12,\"items\":[{\"message_id\":\"m1\"}"
				      ",{\"message_id\":\"m2\"}]}";
	struct json_doc doc;
	struct buf out;

	(void)state;
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(attempt), &json_limits_default, NULL), 0);
	buf_init(&out, 4096);
	tail_line_add(&out, json_root(&doc), false);
	assert_string_equal(
		buf_str(&out),
		"2019-01-10T13:00:00.500Z retry  crm attempt 2 code 503 12 ms message m1 and 1 more: busy\\x1b\n");
	buf_free(&out);
	json_doc_free(&doc);
}

/* --- the client --- */

static void serve(void *ctx, struct server_request *rq)
{
	static const char two[] = "{\"data\":[{\"id\":\"c\"}],\"truncated\":false,\"next_marker\":null}";
	static const char one[] =
		"{\"data\":[{\"id\":\"a b\"},{\"id\":\"b\"}],\"truncated\":true,\"next_marker\":\"a&b\"}";
	static const char error[] =
		"{\"error\":{\"code\":\"invalid_param\",\"message\":\"no such thing\",\"param\":\"url\"}}";
	struct slice marker;
	const char *answer = error;
	int status = 400;

	if (!slice_is(server_header(rq, "Authorization"), ctx)) {
		status = 401;
	} else if (slice_is(server_path(rq), "/v1/list")) {
		status = 200;
		answer = server_argument(rq, "marker", &marker) && slice_is(marker, "a&b") ? two : one;
	} else if (slice_is(server_path(rq), "/v1/html")) {
		status = 200;
		answer = "<html>";
	} else if (slice_is(server_path(rq), "/v1/a%2Fb")) {
		status = 404;
	} else if (slice_is(server_path(rq), "/v1/busy")) {
		status = 503;
	} else if (slice_is(server_method(rq), "PUT") && slice_is(server_body(rq), "{}") &&
		   slice_is(server_header(rq, "Content-Type"), "application/json")) {
		status = 201;
		answer = "{\"ok\":true}";
	}
	server_answer(rq, status, "application/json", slice_str(answer), NULL, 0);
}

static void test_client(void **state)
{
	static char expected[] = "Bearer k-1";
	struct server_options options = {
		.address = "127.0.0.1:0", .threads = 1, .body_max = 1 << 20, .connections_max = 10, .idle_timeout_s = 10
	};
	struct api_options o = { NULL, "k-1" };
	struct api_path put = api_path("/v1/%s", "x"), missing = api_path("/v1/%s", "a/b"), list = api_path("/v1/list"),
			html = api_path("/v1/html"), busy = api_path("/v1/busy"), bad = api_path("/v1/bad");
	struct names ids = { NULL, 0 };
	struct server *server;
	struct fault fault;
	struct api api;
	char address[64], url[80];

	(void)state;
	assert_int_equal(server_start(&options, serve, expected, &server, &fault), 0);
	server_address(server, address, sizeof(address));
	snprintf(url, sizeof(url), "http://%s/", address);
	o.url = url;
	assert_int_equal(api_open(&api, &o, &fault), 0);
	assert_int_equal(api_call(&api, "PUT", &put, slice_str("{}"), NULL, &fault), 0);
	assert_true(json_type(json_get(json_root(&api.doc), "ok")) == JSON_TRUE);
	assert_int_equal(api_get(&api, &missing, &fault), ERR_NOT_FOUND);
	assert_int_equal(api_get(&api, &busy, &fault), ERR_BUSY);
	assert_int_equal(api_get(&api, &bad, &fault), ERR_INVALID);
	assert_string_equal(fault.param, "url");
	assert_string_equal(fault.message, "no such thing");
	assert_int_equal(api_get(&api, &html, &fault), ERR_SYSTEM);
	assert_int_equal(api_ids(&api, &list, &ids, &fault), 0);
	assert_int_equal(ids.count, 3);
	assert_string_equal(ids.items[0], "a b");
	assert_string_equal(ids.items[2], "c");
	names_free(&ids);
	server_stop(&server);
	assert_int_equal(api_get(&api, &list, &fault), ERR_SYSTEM);
	assert_non_null(strstr(fault.message, "postrider serve"));
	api_close(&api);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	       cmocka_unit_test(test_durations),
		cmocka_unit_test(test_moments),	       cmocka_unit_test(test_setup_shape),
		cmocka_unit_test(test_setup_settings), cmocka_unit_test(test_setup_same),
		cmocka_unit_test(test_tail_line),      cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
