/* Phones over REST: made, shown without secrets, changed, deleted; and what is refused, by name. */
#include "town.h"

#include <stdio.h>
#include <string.h>

static const char *make(struct town *t, const char *params)
{
	static char id[HUB_ID_BYTES];

	if (town_block(t, rest_phone_create, NULL, params) != 200)
		fail_msg("%s", buf_str(&t->answer));
	slice_copy(id, sizeof(id), slice_str(town_text(t, "id")));
	return id;
}

static void test_made(void **state)
{
	struct town *t = *state;
	const char *id =
		make(t, "{\"name\":\"Stage\",\"phone_type\":\"test\",\"phone_number\":\"+1555\",\"country\":\"us\","
			"\"vars\":{\"a\":1}}");

	assert_int_equal(town_read(t, rest_phone, id, NULL), 200);
	town_expect(t, "id", id);
	town_expect(t, "name", "Stage");
	town_expect(t, "phone_type", "test");
	town_expect(t, "phone_number", "+1555");
	town_expect(t, "country", "US");
	town_expect(t, "send_paused", "false");
	town_expect(t, "vars.a", "1");
	town_expect(t, "project_id", "p");
	assert_string_not_equal(town_text(t, "time_created"), "");
}

static void test_changed(void **state)
{
	struct town *t = *state;
	const char *id = make(t, "{\"phone_type\":\"test\",\"vars\":{\"a\":1,\"b\":2}}");

	assert_int_equal(town_block(t, rest_phone_change, id,
				    "{\"name\":\"N\",\"phone_number\":\"+47\",\"vars\":{\"a\":null,\"c\":\"x\"}}"),
			 200);
	assert_int_equal(town_read(t, rest_phone, id, NULL), 200);
	town_expect(t, "name", "N");
	town_expect(t, "phone_number", "+47");
	town_expect(t, "vars.a", "");
	town_expect(t, "vars.b", "2");
	town_expect(t, "vars.c", "x");
	assert_int_equal(town_block(t, rest_phone_change, "PNnone", "{\"name\":\"N\"}"), 404);
}

static void test_secrets(void **state)
{
	struct town *t = *state;
	const char *id = make(t, "{\"phone_type\":\"kannel\",\"config\":{\"url\":\"http://127.0.0.1:13013/cgi-bin/"
				 "sendsms\",\"username\":\"u\",\"password\":\"very secret\"}}");

	town_expect(t, "config.username", "u");
	town_expect(t, "config.password", "***");
	/* what is shown can be sent back */
	assert_int_equal(town_block(t, rest_phone_change, id,
				    "{\"config\":{\"password\":\"***\",\"username\":\"v\",\"smsc\":\"s\"}}"),
			 200);
	town_expect(t, "config.username", "v");
	assert_int_equal(town_read(t, rest_phones, NULL, NULL), 200);
	town_expect(t, "data.0.config.password", "***");
	town_expect(t, "data.0.config.smsc", "s");
	assert_null(strstr(buf_str(&t->answer), "very secret"));
	assert_null(strstr(buf_str(&t->answer), "_config"));
	id = make(t, "{\"phone_type\":\"http\",\"config\":{\"url\":\"http://127.0.0.1/x\",\"auth\":{\"username\":\"u\","
		     "\"password\":\"very secret\"},\"secret\":\"very secret\"}}");
	assert_null(strstr(buf_str(&t->answer), "very secret"));
	assert_int_equal(town_block(t, rest_phone_change, id, "{\"config\":{\"auth\":{\"username\":\"w\"}}}"), 200);
	town_expect(t, "config.auth.username", "w");
	town_expect(t, "config.auth.password", "***");
	town_expect(t, "config.secret", "***");
}

#define GATEWAY(rest) "{\"phone_type\":\"http\",\"config\":{\"url\":\"http://127.0.0.1/x\"" rest "}}"

static void test_put(void **state)
{
	static const char *const wrong[] = { "", "a b", "a/b", "..", "0123456789012345678901234567890123456" };
	struct town *t = *state;

	assert_int_equal(town_block(t, rest_phone_put, "my.phone_1-", "{\"phone_type\":\"test\",\"vars\":{\"a\":1}}"),
			 200);
	town_expect(t, "id", "my.phone_1-");
	town_expect(t, "name", "test");
	/* What is not said again is as with a new one; what was stored meanwhile stays. */
	assert_int_equal(town_block(t, rest_phone_change, "my.phone_1-", "{\"name\":\"N\",\"phone_number\":\"+47\"}"),
			 200);
	assert_int_equal(town_block(t, rest_phone_put, "my.phone_1-", "{\"phone_type\":\"test\",\"country\":\"se\"}"),
			 200);
	assert_int_equal(town_read(t, rest_phone, "my.phone_1-", NULL), 200);
	town_expect(t, "name", "test");
	town_expect(t, "phone_number", "");
	town_expect(t, "country", "SE");
	town_expect(t, "vars.a", "1");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"count\":\"1\"}"), 200);
	town_expect(t, "count", "1");
	assert_int_equal(town_block(t, rest_phone_put, "my.phone_1-", GATEWAY("")), 400);
	town_expect_error(t, "invalid_param", "phone_type");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(town_block(t, rest_phone_put, wrong[i], "{\"phone_type\":\"test\"}"), 400);
		town_expect_error(t, "invalid_param", "id");
	}
}

static void test_put_keeps_secrets(void **state)
{
	struct town *t = *state;

	assert_int_equal(town_block(t, rest_phone_put, "g", GATEWAY(",\"secret\":\"***\"")), 400);
	town_expect_error(t, "invalid_param", "config.secret");
	assert_int_equal(
		town_block(t, rest_phone_put, "g", GATEWAY(",\"auth\":{\"username\":\"u\",\"password\":\"***\"}")),
		400);
	town_expect_error(t, "invalid_param", "config.auth.password");
	assert_int_equal(town_block(t, rest_phone_put, "g",
				    GATEWAY(",\"secret\":\"one\",\"headers\":{\"X\":\"1\"},"
					    "\"auth\":{\"username\":\"u\",\"password\":\"two\"}")),
			 200);
	assert_int_equal(town_block(t, rest_phone_put, "g",
				    GATEWAY(",\"secret\":\"***\",\"auth\":{\"username\":\"v\",\"password\":\"***\"}")),
			 200);
	t->admin = true;
	assert_int_equal(town_read(t, rest_phone, "g", "{\"reveal\":\"1\"}"), 200);
	town_expect(t, "config.secret", "one");
	town_expect(t, "config.auth.username", "v");
	town_expect(t, "config.auth.password", "two");
	town_expect(t, "config.headers.X", "");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"reveal\":\"1\"}"), 200);
	town_expect(t, "data.0.config.secret", "one");
	assert_int_equal(town_read(t, rest_phone, "g", NULL), 200);
	town_expect(t, "config.secret", "***");
	t->admin = false;
	assert_int_not_equal(town_read(t, rest_phone, "g", "{\"reveal\":\"1\"}"), 200);
	town_expect_error(t, "forbidden", "reveal");
	assert_int_not_equal(town_read(t, rest_phones, NULL, "{\"reveal\":\"1\"}"), 200);
	town_expect_error(t, "forbidden", "reveal");
}

static void test_refused(void **state)
{
#define KANNEL(more) "{\"phone_type\":\"kannel\",\"config\":{\"url\":\"http://k:13013/s\"" more "}}"
	static const struct {
		const char *params, *param;
	} all[] = {
		{ "{}", "phone_type" },
		{ "{\"phone_type\":\"android\"}", "phone_type" },
		{ "{\"phone_type\":\"test\",\"colour\":1}", "colour" },
		{ "{\"phone_type\":\"test\",\"country\":\"Sweden\"}", "country" },
		{ "{\"phone_type\":\"test\",\"name\":\"a\\nb\"}", "name" },
		{ "{\"phone_type\":\"test\",\"send_paused\":\"maybe\"}", "send_paused" },
		{ "{\"phone_type\":\"test\",\"config\":{\"url\":\"x\"}}", "config" },
		{ "{\"phone_type\":\"kannel\"}", "config.url" },
		{ "{\"phone_type\":\"kannel\",\"config\":[]}", "config" },
		{ KANNEL(""), "config.username" },
		{ KANNEL(",\"username\":\"u\""), "config.password" },
		{ KANNEL(",\"username\":\"u\",\"password\":\"***\""), "config.password" },
		{ KANNEL(",\"username\":\"u\",\"password\":\"p\",\"dlr_mask\":32"), "config.dlr_mask" },
		{ KANNEL(",\"username\":\"u\",\"password\":\"p\",\"body\":\"x\""), "config.body" },
		{ KANNEL(",\"username\":\"u\",\"password\":\"p\",\"retry\":{\"delays_s\":[-1]}"),
		  "config.retry.delays_s[0]" },
		{ "{\"phone_type\":\"kannel\",\"config\":{\"url\":\"ftp://k\",\"username\":\"u\",\"password\":\"p\"}}",
		  "config.url" },
		{ "{\"phone_type\":\"http\",\"config\":{}}", "config.url" },
		{ "{\"phone_type\":\"http\",\"config\":{\"url\":\"http://x/\",\"reports\":false}}", "config.reports" },
		{ "{\"phone_type\":\"http\",\"config\":{\"url\":\"http://x/\",\"external_id_path\":1}}",
		  "config.external_id_path" },
		{ "{\"phone_type\":\"http\",\"config\":{\"url\":\"http://x/\",\"fields\":{\"a\":\"{NOSUCH}\"},"
		  "\"content_type\":\"form\"}}",
		  "config.fields.a" },
	};
	struct town *t = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (town_block(t, rest_phone_create, NULL, all[i].params) != 400)
			fail_msg("%s: %s", all[i].params, buf_str(&t->answer));
		town_expect_error(t, "invalid_param", all[i].param);
	}
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"count\":\"1\"}"), 200);
	town_expect(t, "count", "0");
}

static void test_listed(void **state)
{
	struct town *t = *state;

	make(t, "{\"phone_type\":\"test\",\"name\":\"b\",\"phone_number\":\"+2\"}");
	make(t, "{\"phone_type\":\"test\",\"name\":\"A\",\"phone_number\":\"+1\"}");
	assert_int_equal(town_read(t, rest_phones, NULL, NULL), 200);
	town_expect(t, "data.0.name", "b");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"sort\":\"name\"}"), 200);
	town_expect(t, "data.0.name", "A");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"sort\":\"phone_number\",\"sort_dir\":\"desc\"}"), 200);
	town_expect(t, "data.0.name", "b");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"name[prefix]\":\"a\"}"), 200);
	town_expect(t, "data.0.name", "A");
	town_expect(t, "data.1.name", "");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"last_active_time[exists]\":\"1\"}"), 200);
	town_expect(t, "data", "[]");
	assert_int_equal(town_read(t, rest_phones, NULL, "{\"colour\":\"1\"}"), 400);
	assert_int_equal(town_read(t, rest_routes, NULL, NULL), 200);
	town_expect(t, "data", "[]");
	town_expect(t, "truncated", "false");
	assert_int_equal(town_read(t, rest_route, "RT1", NULL), 404);
	town_expect(t, "error.code", "not_found");
}

/* --- phone and endpoint --- */

struct in_force {
	char source[600];
};

static void look_in_force(struct deed *d, void *ctx)
{
	struct endpoint *ep = book_endpoint_get(d->book, d->project, SLICE_LIT("_route.g"));
	struct in_force *f = ctx;

	slice_copy(f->source, sizeof(f->source), ep ? ep->source : SLICE_LIT(""));
	endpoint_unref(&ep);
}

static const char *in_force(struct town *t)
{
	static struct in_force f;

	town_look(t, look_in_force, &f);
	return f.source;
}

/* As a crash between the two leaves it. */
static void change_endpoint_alone(struct town *t)
{
	struct fault fault = NO_FAULT;

	if (node_internal_endpoint(t->node, SLICE_LIT("p"), SLICE_LIT("_route.g"),
				   SLICE_LIT("{\"url\":\"http://127.0.0.1/other\"}"), &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	assert_non_null(strstr(in_force(t), "/other"));
}

/* The phone counts: whatever is changed next, its endpoint is what it says again. */
static void test_endpoint_follows(void **state)
{
	struct town *t = *state;
	char wanted[600];

	assert_int_equal(town_block(t, rest_phone_put, "g",
				    GATEWAY(",\"content_type\":\"form\", \"fields\" : { \"a\" : \"b\" }")),
			 200);
	slice_copy(wanted, sizeof(wanted), slice_str(in_force(t)));
	assert_non_null(strstr(wanted, "http://127.0.0.1/x"));
	change_endpoint_alone(t);
	assert_int_equal(town_block(t, rest_phone_change, "g", "{\"name\":\"N\"}"), 200);
	assert_string_equal(in_force(t), wanted);
	change_endpoint_alone(t);
	assert_int_equal(town_block(t, rest_phone_put, "g",
				    GATEWAY(",\"content_type\":\"form\", \"fields\" : { \"a\" : \"b\" }")),
			 200);
	assert_string_equal(in_force(t), wanted);
	assert_int_equal(town_block(t, rest_phone_delete, "g", NULL), 200);
	assert_string_equal(in_force(t), "");
	change_endpoint_alone(t);
	assert_int_equal(town_block(t, rest_phone_put, "g", "{\"phone_type\":\"test\"}"), 200);
	assert_string_equal(in_force(t), "");
}

#define CHANGES 20

struct changer {
	struct town *town;
	char which;
	pthread_t thread;
};

static void *change_often(void *ctx)
{
	struct changer *c = ctx;

	for (int i = 0; i < CHANGES; i++) {
		struct fault fault = NO_FAULT;
		struct json_writer w;
		struct json_doc doc;
		struct arena arena;
		struct buf out;
		struct rest r = {
			.deed = { .hub = c->town->hub, .project = SLICE_LIT("p"), .arena = &arena, .fault = &fault },
			.id = SLICE_LIT("g"),
			.node = c->town->node,
			.w = &w,
			.status = 200
		};
		char params[100];

		snprintf(params, sizeof(params), "{\"config\":{\"url\":\"http://127.0.0.1/%c%d\"}}", c->which, i);
		arena_init(&arena);
		buf_init(&out, 10000);
		json_writer_init(&w, &out);
		json_doc_init(&doc);
		json_parse(&doc, slice_str(params), &json_limits_default, NULL);
		r.params = json_root(&doc);
		if (rest_phone_change(&r))
			c->which = '?';
		json_doc_free(&doc);
		buf_free(&out);
		arena_free(&arena);
	}
	return NULL;
}

static void test_two_at_once(void **state)
{
	struct town *t = *state;
	struct changer c[2] = { { .town = t, .which = 'a' }, { .town = t, .which = 'b' } };

	assert_int_equal(town_block(t, rest_phone_put, "g", GATEWAY("")), 200);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&c[i].thread, NULL, change_often, &c[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(c[i].thread, NULL);
	assert_int_not_equal(c[0].which, '?');
	assert_int_not_equal(c[1].which, '?');
	assert_int_equal(town_read(t, rest_phone, "g", NULL), 200);
	assert_non_null(strstr(in_force(t), town_text(t, "config.url")));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, town_begin, town_end)
	const struct CMUnitTest tests[] = {
		TEST(test_made),   TEST(test_changed),		 TEST(test_secrets),
		TEST(test_put),	   TEST(test_put_keeps_secrets), TEST(test_refused),
		TEST(test_listed), TEST(test_endpoint_follows),	 TEST(test_two_at_once),
	};

	return cmocka_run_group_tests_name("phone", tests, NULL, NULL);
}
