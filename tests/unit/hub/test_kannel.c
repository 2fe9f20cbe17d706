/* Kannel's calls: messages once each and in any charset it has, reports in no order, signatures, and orders to it. */
#include "town.h"

#include <stdio.h>
#include <string.h>

#include "dialect/endpoint.h"
#include "hub/kannel.h"
#include "hub/message.h"
#include "hub/phone_type.h"

/* --- messages --- */

struct call {
	int (*fn)(struct deed *d, struct json params);
	const char *params;
	int err;
	struct fault fault;
};

static void run_call(struct deed *d, void *ctx)
{
	struct call *c = ctx;
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(c->params), &json_limits_default, NULL), 0);
	c->err = c->fn(d, json_root(&doc));
	c->fault = *d->fault;
	json_doc_free(&doc);
}

static struct call call(struct town *t, int (*fn)(struct deed *d, struct json params), const char *params)
{
	struct call c = { .fn = fn, .params = params };

	town_do(t, run_call, &c);
	return c;
}

static void make_phone(struct town *t)
{
	char params[600];

	snprintf(params, sizeof(params),
		 "{\"phone_type\":\"kannel\",\"phone_number\":\"+46 70 1\",\"country\":\"se\",\"config\":{\"url\":\"%s/"
		 "cgi-bin/sendsms\",\"username\":\"u\",\"password\":\"pass\"}}",
		 t->url);
	if (town_block(t, rest_phone_create, NULL, params) != 200)
		fail_msg("%s", buf_str(&t->answer));
}

/* The newest messages first. */
static size_t messages(struct town *t)
{
	size_t count = 0;
	struct json_iter it;

	assert_int_equal(town_read(t, rest_messages, NULL, "{\"sort_dir\":\"desc\"}"), 200);
	for (it = json_each(town_at(t, "data")); json_next(&it);)
		count++;
	return count;
}

static void test_received(void **state)
{
	struct town *t = *state;

	make_phone(t);
	assert_int_equal(call(t, kannel_received,
			      "{\"id\":\"k-1\",\"from\":\"+46709\",\"to\":\"46701\",\"text\":\"Hej på dig\",\"ts\":"
			      "\"1547125204\",\"charset\":\"utf-8\",\"smsc\":\"x\"}")
				 .err,
			 0);
	assert_int_equal(messages(t), 1);
	town_expect(t, "data.0.content", "Hej på dig");
	town_expect(t, "data.0.from_number", "+46709");
	town_expect(t, "data.0.direction", "incoming");
	town_expect(t, "data.0.external_id", "k-1");
	town_expect(t, "data.0.time_sent", "1547125204");
	/* Kannel had no answer and asks again: the same message */
	assert_int_equal(
		call(t, kannel_received, "{\"id\":\"k-1\",\"from\":\"+46709\",\"to\":\"46701\",\"text\":\"Hej\"}").err,
		0);
	assert_int_equal(messages(t), 1);
	assert_int_equal(
		call(t, kannel_received, "{\"id\":\"k-2\",\"from\":\"+46709\",\"to\":\"46701\",\"text\":\"\"}").err, 0);
	assert_int_equal(messages(t), 2);
	assert_int_equal(town_read(t, rest_phones, NULL, NULL), 200);
	assert_string_not_equal(town_text(t, "data.0.last_active_time"), "");
}

static void test_charsets(void **state)
{
	struct town *t = *state;

	make_phone(t);
	assert_int_equal(call(t, kannel_received,
			      "{\"id\":\"1\",\"from\":\"1\",\"to\":\"46701\",\"charset\":\"UTF-16BE\","
			      "\"text_hex\":\"0048006500e50416d83dde42d83d\"}")
				 .err,
			 0);
	assert_int_equal(messages(t), 1);
	town_expect(t, "data.0.content", "HeåЖ\xf0\x9f\x99\x82\xef\xbf\xbd");
}

static void test_refused(void **state)
{
	static const struct {
		const char *params;
		int err;
		const char *param;
	} all[] = {
		{ "{\"from\":\"1\",\"to\":\"999\",\"text\":\"x\"}", ERR_NOT_FOUND, "to" },
		{ "{\"to\":\"46701\",\"text\":\"x\"}", ERR_INVALID, "from" },
		{ "{\"from\":\"1\",\"text\":\"x\"}", ERR_INVALID, "to" },
		{ "{\"from\":\"1\",\"to\":\"46701\",\"ts\":\"soon\"}", ERR_INVALID, "ts" },
		{ "{\"from\":\"1\\u0000\",\"to\":\"46701\",\"text\":\"x\"}", ERR_INVALID, "from" },
		{ "{\"from\":\"1\\r\\n\",\"to\":\"46701\",\"text\":\"x\"}", ERR_INVALID, "from" },
		{ "{\"from\":\"12345678901234567890123456789012345678901234567890123456789012345\",\"to\":\"46701\"}",
		  ERR_INVALID, "from" },
		{ "{\"from\":\"1\",\"to\":\"46701\",\"charset\":\"KOI8-R\",\"text_hex\":\"ff\"}", ERR_INVALID,
		  "charset" },
		{ "{\"from\":\"1\",\"to\":\"46701\",\"charset\":\"UTF-16BE\",\"text_hex\":\"0048ff\"}", ERR_INVALID,
		  "text" },
	};
	struct town *t = *state;

	make_phone(t);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct call c = call(t, kannel_received, all[i].params);

		assert_int_equal(c.err, all[i].err);
		assert_string_equal(c.fault.param, all[i].param);
	}
	assert_int_equal(messages(t), 0);
}

/* --- reports --- */

struct fate {
	const char *types[4], *status, *error, *code;
};

static void report(struct deed *d, const char *mid, const char *type)
{
	char params[200];
	struct call c = { .fn = kannel_reported, .params = params };

	snprintf(params, sizeof(params),
		 "{\"mid\":\"%s\",\"sig\":\"\",\"type\":\"%s\",\"id\":\"smsc-7\",\"answer\":\"%s\"}", mid, type,
		 strcmp(type, "16") == 0 ? "NACK/0x45" : "");
	run_call(d, &c);
	assert_int_equal(c.err, 0);
}

static void meet_fate(struct deed *d, void *ctx)
{
	const struct fate *f = ctx;
	struct record *m = record_new(d, KIND_MESSAGE, NULL);
	const char *mid = arena_str(d->arena, record_id(m));

	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	record_set_text(m, "status", SLICE_LIT("queued"));
	record_save(d, m);
	for (size_t i = 0; i < 4 && f->types[i]; i++)
		report(d, mid, f->types[i]);
	m = record_load(d, KIND_MESSAGE, slice_str(mid));
	assert_string_equal(arena_str(d->arena, record_text(m, "status")), f->status);
	assert_string_equal(arena_str(d->arena, record_text(m, "error_message")), f->error);
	assert_string_equal(arena_str(d->arena, record_text(m, "error_code")), f->code);
	assert_string_equal(arena_str(d->arena, record_text(m, "external_id")), "smsc-7");
}

static void test_reports(void **state)
{
	static const struct fate fates[] = {
		{ { "8" }, "sent", "", "" },
		{ { "4", "8" }, "sent", "", "" },
		{ { "8", "1" }, "delivered", "", "" },
		{ { "1", "8", "4", "1" }, "delivered", "", "" },
		{ { "2", "8" }, "not_delivered", "the message could not be delivered", "2" },
		{ { "16", "8", "1" }, "failed", "NACK/0x45", "16" },
	};

	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		town_do(*state, meet_fate, (void *)(uintptr_t)&fates[i]);
}

static void test_wrong_reports(void **state)
{
	struct call c = call(*state, kannel_reported, "{\"mid\":\"SMx\",\"type\":\"8\"}");

	assert_int_equal(c.err, ERR_NOT_FOUND);
	assert_string_equal(c.fault.param, "mid");
	c = call(*state, kannel_reported, "{\"mid\":\"SMx\",\"type\":\"3\"}");
	assert_int_equal(c.err, ERR_INVALID);
	assert_string_equal(c.fault.param, "type");
}

/* --- orders, and the URL in them --- */

static void order(struct deed *d, void *ctx)
{
	struct record *m = record_new(d, KIND_MESSAGE, "SMmine");
	struct json_writer w;
	struct buf out;

	(void)ctx;
	buf_init(&out, 4096);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	kannel_order(d, m, &w);
	json_end_object(&w);
	slice_copy(ctx, 1000, buf_slice(&out));
	buf_free(&out);
}

static void test_signed(void **state)
{
	struct town *t = *state;
	char text[1000], sig[33];
	const char *begin = "{\"dlr_url\":\"http://127.0.0.1:8420/ingest/kannel/p/dlr?mid=SMmine&sig=";
	struct slice p = SLICE_LIT("p"), mid = SLICE_LIT("SMmine");

	town_do(t, order, text);
	assert_memory_equal(text, begin, strlen(begin));
	slice_copy(sig, sizeof(sig), slice_str(text + strlen(begin)));
	assert_string_equal(text + strlen(begin) + 32, "&type=%d&id=%F&answer=%A\"}");
	assert_true(kannel_signed(t->hub, p, mid, slice_str(sig)));
	assert_false(kannel_signed(t->hub, SLICE_LIT("q"), mid, slice_str(sig)));
	assert_false(kannel_signed(t->hub, p, SLICE_LIT("SMother"), slice_str(sig)));
	assert_false(kannel_signed(t->hub, p, mid, slice_of(sig, 31)));
	assert_false(kannel_signed(t->hub, p, mid, SLICE_LIT("")));
	sig[0] = sig[0] == '0' ? '1' : '0';
	assert_false(kannel_signed(t->hub, p, mid, slice_str(sig)));
}

static void send_one(struct deed *d, void *ctx)
{
	struct message_send ask = { .to_number = SLICE_LIT("+46709"), .content = SLICE_LIT("hej") };
	struct record *m;

	assert_int_equal(message_send(d, &ask, &m, d->fault), 0);
	slice_copy(ctx, HUB_ID_BYTES, record_id(m));
}

static const char *status_of(struct town *t, const char *id)
{
	assert_int_equal(town_read(t, rest_message, id, NULL), 200);
	return town_text(t, "status");
}

/* "0:" and "3:" are a promise to send; anything else is none, whatever the status. */
static void test_answers(void **state)
{
	struct town *t = *state;
	char id[HUB_ID_BYTES];

	make_phone(t);
	town_answer(t, "/cgi-bin/sendsms", 202, "text/plain", "0: Accepted for delivery");
	town_do(t, send_one, id);
	TOWN_WAIT(strcmp(status_of(t, id), "sent") == 0);
	town_answer(t, "/cgi-bin/sendsms", 202, "text/plain", "3: Queued for later delivery");
	town_do(t, send_one, id);
	TOWN_WAIT(strcmp(status_of(t, id), "sent") == 0);
	town_answer(t, "/cgi-bin/sendsms", 403, "text/plain", "Authorization failed for sendsms");
	town_do(t, send_one, id);
	TOWN_WAIT(strcmp(status_of(t, id), "failed_queued") == 0);
	assert_non_null(strstr(town_text(t, "error_message"), "Authorization failed for sendsms"));
	town_answer(t, "/cgi-bin/sendsms", 200, "text/html", "<h1>Welcome</h1>");
	town_do(t, send_one, id);
	TOWN_WAIT(strcmp(status_of(t, id), "failed_queued") == 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, town_begin, town_end)
	const struct CMUnitTest tests[] = {
		TEST(test_received),	  TEST(test_charsets), TEST(test_refused), TEST(test_reports),
		TEST(test_wrong_reports), TEST(test_signed),   TEST(test_answers),
	};

	return cmocka_run_group_tests_name("kannel", tests, NULL, NULL);
}
