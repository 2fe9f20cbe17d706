/* Ways out: choosing a phone, the test route's scripts, gateways that take, refuse and come back. */
#include "town.h"

#include <stdio.h>
#include <string.h>

#include "hub/message.h"
#include "hub/phone_type.h"
#include "hub/route.h"
#include "hub/tick.h"

#define STEP_MS 20 /* of the town's hub */

/* --- making phones --- */

/* Returns the new phone's id; good until the test ends. */
static const char *make_phone(struct town *t, const char *params)
{
	static char ids[8][HUB_ID_BYTES];
	static size_t next;
	char *id = ids[next++ % 8];

	if (town_block(t, rest_phone_create, NULL, params) != 200)
		fail_msg("%s", buf_str(&t->answer));
	slice_copy(id, HUB_ID_BYTES, slice_str(town_text(t, "id")));
	return id;
}

static const char *make_gateway(struct town *t, const char *retry, const char *more)
{
	char params[1000];

	snprintf(params, sizeof(params),
		 "{\"phone_type\":\"http\",\"phone_number\":\"+46700000001\",\"config\":{\"url\":\"%s/"
		 "gw\",\"ports\":null,"
		 "\"content_type\":\"form\",\"secret\":\"gwsecret\",\"fields\":{\"to\":\"{message.to_number}\","
		 "\"text\":\"{message.content}\",\"coding\":\"{message.coding}\",\"key\":\"{SECRET}\"},"
		 "\"retry\":%s%s}}",
		 t->url, retry, more);
	return make_phone(t, params);
}

#define THREE_TIMES "{\"delays_s\":[0.05],\"max_attempts\":3}"

/* --- messages --- */

struct sent {
	const char *to, *content, *type, *route_id;
	char id[HUB_ID_BYTES];
	char status[40], error[300], code[40], external_id[40], history[600];
	int64_t attempts;
	bool simulated;
};

static void send_message(struct deed *d, void *ctx)
{
	struct sent *s = ctx;
	struct message_send ask = { .to_number = slice_str(s->to),
				    .content = slice_str(s->content ? s->content : "hej"),
				    .message_type = slice_str(s->type),
				    .route_id = slice_str(s->route_id) };
	struct fault fault = NO_FAULT;
	struct record *m;

	if (message_send(d, &ask, &m, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	slice_copy(s->id, sizeof(s->id), record_id(m));
}

static void look(struct deed *d, void *ctx)
{
	struct sent *s = ctx;
	struct record *m = record_load(d, KIND_MESSAGE, slice_str(s->id));

	assert_non_null(m);
	slice_copy(s->status, sizeof(s->status), record_text(m, "status"));
	slice_copy(s->error, sizeof(s->error), record_text(m, "error_message"));
	slice_copy(s->code, sizeof(s->code), record_text(m, "error_code"));
	slice_copy(s->external_id, sizeof(s->external_id), record_text(m, "external_id"));
	slice_copy(s->history, sizeof(s->history), record_raw(m, "_history"));
	s->attempts = record_i64(m, "send_attempts", 0);
	s->simulated = record_true(m, "simulated");
}

static const char *status_of(struct town *t, struct sent *s)
{
	town_look(t, look, s);
	return s->status;
}

static struct sent send_by(struct town *t, const char *to, const char *route_id)
{
	struct sent s = { .to = to, .route_id = route_id };

	town_do(t, send_message, &s);
	return s;
}

/* --- the test route --- */

static void play(struct deed *d, const char *to, const char *const wanted[2], const char *error)
{
	struct sent s = { .to = to };
	int64_t now = d->now_ms;

	send_message(d, &s);
	tick_due(d, now + STEP_MS - 1, 100);
	look(d, &s);
	assert_string_equal(s.status, "queued");
	assert_true(s.simulated);
	for (int i = 0; i < 2; i++) {
		now += STEP_MS;
		tick_due(d, now, 100);
		look(d, &s);
		assert_string_equal(s.status, wanted[i]);
	}
	assert_string_equal(s.error, error);
	tick_due(d, now + 1000, 100); /* it has ended: no further step */
	look(d, &s);
	assert_string_equal(s.status, wanted[1]);
}

static void play_all(struct deed *d, void *ctx)
{
	static const struct {
		const char *to, *wanted[2], *error;
	} all[] = {
		{ "+15005550011", { "failed", "failed" }, "Example error message." },
		{ "+15005550012", { "sent", "delivered" }, "" },
		{ "1 (500) 555-0013", { "sent", "not_delivered" }, "Example delivery failure message." },
		{ "+15005550014", { "failed_queued", "sent" }, "" },
		{ "+15005550015", { "sent", "sent" }, "" },
		{ "+150055500111", { "sent", "sent" }, "" },
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		play(d, all[i].to, all[i].wanted, all[i].error);
}

static void test_scripts(void **state)
{
	make_phone(*state, "{\"phone_type\":\"test\",\"name\":\"T\"}");
	town_do(*state, play_all, NULL);
}

/* The hub's own thread steps too, each status is told once. */
static void test_thread(void **state)
{
	struct town *t = *state;
	struct sent s;

	make_phone(t, "{\"phone_type\":\"test\"}");
	town_endpoint(t, "all", "/all", "[\"send_status\"]");
	s = send_by(t, "+15005550013", NULL);
	TOWN_WAIT(strcmp(status_of(t, &s), "not_delivered") == 0);
	assert_string_equal(town_field(t, "/all", 0, "status"), "sent");
	assert_string_equal(town_field(t, "/all", 0, "simulated"), "1");
	assert_string_equal(town_field(t, "/all", 1, "status"), "not_delivered");
	assert_string_equal(town_field(t, "/all", 1, "error_message"), "Example delivery failure message.");
}

static void send_paused(struct deed *d, void *ctx)
{
	struct sent s = { .to = "+15005550012", .route_id = ctx };
	int64_t now = d->now_ms;

	send_message(d, &s);
	tick_due(d, now + STEP_MS, 100);
	look(d, &s);
	assert_string_equal(s.status, "queued");
	record_set_bool(record_load(d, KIND_PHONE, slice_str(ctx)), "send_paused", false);
}

static void test_paused_test_phone(void **state)
{
	const char *id = make_phone(*state, "{\"phone_type\":\"test\",\"send_paused\":true}");

	town_do(*state, send_paused, (void *)(uintptr_t)id);
}

/* --- choosing --- */

static void choose(struct deed *d, void *ctx)
{
	const char *const *ids = ctx;
	struct fault fault = NO_FAULT;
	struct record *contact = record_new(d, KIND_CONTACT, NULL), *phone;

	phone = route_choose(d, SLICE_LIT(""), NULL, &fault);
	assert_string_equal(arena_str(d->arena, record_id(phone)), ids[1]); /* the first is paused */
	phone = route_choose(d, slice_str(ids[2]), NULL, &fault);
	assert_string_equal(arena_str(d->arena, record_id(phone)), ids[2]);
	record_set_text(contact, "default_route_id", slice_str(ids[0]));
	phone = route_choose(d, SLICE_LIT(""), contact, &fault);
	assert_string_equal(arena_str(d->arena, record_id(phone)), ids[0]);
	record_set_text(contact, "default_route_id", SLICE_LIT("PNgone"));
	phone = route_choose(d, SLICE_LIT(""), contact, &fault);
	assert_string_equal(arena_str(d->arena, record_id(phone)), ids[1]);
	assert_null(route_choose(d, SLICE_LIT("PNgone"), NULL, &fault));
	assert_string_equal(fault.param, "route_id");

	assert_string_equal(arena_str(d->arena, record_id(route_by_number(d, SLICE_LIT("46 70-2")))), ids[2]);
	assert_string_equal(arena_str(d->arena, record_id(route_by_number(d, SLICE_LIT("+4699")))), ids[0]);
	assert_null(route_with_number(d, SLICE_LIT("+4699")));
	assert_null(route_with_number(d, SLICE_LIT("+")));
	assert_null(route_with_number(d, SLICE_LIT("")));
}

static void choose_none(struct deed *d, void *ctx)
{
	struct fault fault = NO_FAULT;

	(void)ctx;
	assert_null(route_choose(d, SLICE_LIT(""), NULL, &fault));
	assert_string_equal(fault.param, "route_id");
	assert_null(route_by_number(d, SLICE_LIT("+461")));
}

static void test_choose(void **state)
{
	const char *ids[3];

	town_look(*state, choose_none, NULL);
	ids[0] = make_phone(*state, "{\"phone_type\":\"test\",\"send_paused\":true}");
	ids[1] = make_phone(*state, "{\"phone_type\":\"test\",\"phone_number\":\"+46701\"}");
	ids[2] = make_phone(*state, "{\"phone_type\":\"test\",\"phone_number\":\"+46702\"}");
	town_look(*state, choose, ids);
}

/* --- gateways --- */

static void test_gateway_takes(void **state)
{
	struct town *t = *state;
	struct sent s;

	town_answer(t, "/gw", 200, "application/json", "{\"result\":{\"ids\":[\"ext-1\"]}}");
	make_gateway(t, THREE_TIMES, ",\"external_id_path\":\"result.ids.0\"");
	s = send_by(t, "+46709999999", NULL);
	TOWN_WAIT(strcmp(status_of(t, &s), "sent") == 0);
	assert_string_equal(town_field(t, "/gw", 0, "to"), "+46709999999");
	assert_string_equal(town_field(t, "/gw", 0, "text"), "hej");
	assert_string_equal(town_field(t, "/gw", 0, "coding"), "0");
	assert_string_equal(town_field(t, "/gw", 0, "key"), "gwsecret");
	assert_string_equal(s.external_id, "ext-1");
	assert_int_equal(s.attempts, 1);
	assert_false(s.simulated);
}

static void test_external_id_prefix(void **state)
{
	struct town *t = *state;
	struct sent s;

	town_answer(t, "/gw", 200, "text/plain", "OK\r\nID: 4711\r\nmore");
	make_gateway(t, THREE_TIMES, ",\"external_id_prefix\":\"ID:\"");
	s = send_by(t, "+46709999999", NULL);
	TOWN_WAIT(strcmp(status_of(t, &s), "sent") == 0);
	assert_string_equal(s.external_id, "4711");
}

/* Says why, tries again, and is sent when the gateway is back; its secret stays out of what is told. */
static void test_gateway_comes_back(void **state)
{
	struct town *t = *state;
	struct sent s;

	town_answer(t, "/gw", 500, "text/plain", "no credit\nleft");
	make_gateway(t, "{\"delays_s\":[0.3]}", "");
	s = send_by(t, "+46709999999", NULL);
	TOWN_WAIT(strcmp(status_of(t, &s), "failed_queued") == 0);
	assert_non_null(strstr(s.error, "no credit left"));
	assert_string_equal(s.code, "500");
	town_answer(t, "/gw", 200, "text/plain", "");
	TOWN_WAIT(strcmp(status_of(t, &s), "sent") == 0);
	assert_true(s.attempts >= 2);
	assert_string_equal(s.error, "");
}

static void test_gateway_refuses_for_good(void **state)
{
	struct town *t = *state;
	struct sent s;

	town_answer(t, "/gw", 500, "text/plain", "wrong key gwsecret");
	make_gateway(t, THREE_TIMES, "");
	s = send_by(t, "+46709999999", NULL);
	TOWN_WAIT(strcmp(status_of(t, &s), "failed") == 0);
	assert_null(strstr(s.error, "gwsecret"));
	assert_int_equal(s.attempts, 3);
	assert_non_null(strstr(s.history, "failed_queued"));
}

static void test_no_ussd(void **state)
{
	struct town *t = *state;
	struct sent s = { .to = "*100#", .type = "ussd" };

	make_gateway(t, THREE_TIMES, "");
	town_do(t, send_message, &s);
	assert_string_equal(status_of(t, &s), "failed");
	assert_non_null(strstr(s.error, "ussd"));
	assert_int_equal(town_count(t, "/gw"), 0);
}

/*
 * Orders wait while the phone is paused, and go when it is not any more; that they will not is not to be promised.
 */
static void test_paused_gateway(void **state)
{
	struct town *t = *state;
	const char *id = make_gateway(t, THREE_TIMES, "");
	struct sent s;

	assert_int_equal(town_block(t, rest_phone_change, id, "{\"send_paused\":true}"), 200);
	town_expect(t, "send_paused", "true");
	s = send_by(t, "+46709999999", id);
	assert_int_equal(town_write(t, rest_message_cancel, s.id, NULL), 400);
	town_expect(t, "error.code", "not_cancellable");
	assert_non_null(strstr(town_text(t, "error.message"), "gateway"));
	assert_string_equal(status_of(t, &s), "queued");
	assert_int_equal(town_block(t, rest_phone_change, id, "{\"send_paused\":false}"), 200);
	TOWN_WAIT(strcmp(status_of(t, &s), "sent") == 0);
	assert_int_equal(town_count(t, "/gw"), 1);
}

/* What waits at a gateway that is deleted fails, with that reason. */
static void test_deleted(void **state)
{
	struct town *t = *state;
	const char *id;
	struct sent s;

	town_answer(t, "/gw", 503, "text/plain", "");
	id = make_gateway(t, "{\"delays_s\":[3600]}", "");
	s = send_by(t, "+46709999999", id);
	TOWN_WAIT(strcmp(status_of(t, &s), "failed_queued") == 0);
	assert_int_equal(town_block(t, rest_phone_delete, id, NULL), 200);
	TOWN_WAIT(strcmp(status_of(t, &s), "failed") == 0);
	assert_string_equal(s.code, "deleted");
	assert_int_equal(town_read(t, rest_phone, id, NULL), 404);
	assert_int_equal(town_block(t, rest_phone_delete, id, NULL), 404);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, town_begin, town_end)
	const struct CMUnitTest tests[] = {
		TEST(test_scripts),
		TEST(test_thread),
		TEST(test_paused_test_phone),
		TEST(test_choose),
		TEST(test_gateway_takes),
		TEST(test_external_id_prefix),
		TEST(test_gateway_comes_back),
		TEST(test_gateway_refuses_for_good),
		TEST(test_no_ussd),
		TEST(test_paused_gateway),
		TEST(test_deleted),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
