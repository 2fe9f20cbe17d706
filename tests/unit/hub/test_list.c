/*
 * Lists over a few thousand contacts: every filter and modifier against what a plain look at all of them gives, every
 * order, paging to the end, and what is refused. Contact number i has all its members made from i.
 */
#include <stdio.h>
#include <stdlib.h>

#include "town.h"

#define CONTACTS 7000 /* more than list.c sorts in memory, so both ways are taken */
#define BASE	 1600000000

static void fill(struct deed *d, void *ctx)
{
	int from = *(int *)ctx;

	for (int i = from; i < from + 1000; i++) {
		char id[16], text[64];
		struct record *r;

		snprintf(id, sizeof(id), "C%04d", (i * 37) % CONTACTS); /* ids do not sort by time */
		r = record_new(d, KIND_CONTACT, id);
		record_set_i64(r, "n", i);
		record_set_i64(r, "time_created", BASE + i);
		snprintf(text, sizeof(text), "%s %04d", i % 2 ? "Bo" : "anna", i);
		record_set_text(r, "name", slice_str(text));
		snprintf(text, sizeof(text), "+46 70-%07d", i);
		record_set_text(r, "phone_number", slice_str(text));
		if (i % 3)
			record_set_i64(r, "last_message_time", BASE + CONTACTS - i);
		record_set_i64(r, "incoming_message_count", i % 10);
		record_set_bool(r, "send_blocked", i % 5 == 0);
		record_list_add(r, "group_ids", SLICE_LIT("G_all"));
		if (i % 700 == 0)
			record_list_add(r, "group_ids", SLICE_LIT("G_few"));
		snprintf(text, sizeof(text), "{\"city\":\"%s\",\"age\":%d}", i % 7 ? "Umeå" : "Luleå", i % 100);
		record_set(r, "vars", slice_str(text));
		record_save(d, r);
	}
}

static int begin(void **state)
{
	town_begin(state);
	for (int from = 0; from < CONTACTS; from += 1000)
		town_do(*state, fill, &from);
	return 0;
}

/* Which contacts are expected: a predicate on i. */
typedef bool wanted_fn(int i);

/* The list with these parameters (a JSON object's inside), all pages; asserts exactly the wanted ones came, once. */
static void check(struct town *t, rest_op *op, const char *id, const char *params, int page_size, wanted_fn *wanted)
{
	static uint8_t seen[CONTACTS];
	char marker[1500] = "", text[3000];
	int64_t count, expected = 0, pages = 0;
	bool truncated = true;

	memset(seen, 0, sizeof(seen));
	while (truncated) {
		struct json_iter it;
		bool full;

		snprintf(text, sizeof(text), "{\"page_size\":\"%d\"%s%s%s%s%s}", page_size, *params ? "," : "", params,
			 *marker ? ",\"marker\":\"" : "", marker, *marker ? "\"" : "");
		if (town_read(t, op, id, text) != 200)
			fail_msg("%s: %s", text, buf_str(&t->answer));
		count = 0;
		it = json_each(town_at(t, "data"));
		while (json_next(&it)) {
			int64_t n;

			assert_true(json_i64(json_get(it.value, "n"), &n));
			if (seen[n]++)
				fail_msg("%s: %d came twice", params, (int)n);
			count++;
		}
		full = count == page_size;
		truncated = json_type(town_at(t, "truncated")) == JSON_TRUE;
		assert_true(full || !truncated);
		slice_copy(marker, sizeof(marker), slice_str(town_text(t, "next_marker")));
		assert_int_equal(*marker != '\0', truncated);
		assert_true(pages++ <= CONTACTS / page_size + 1);
	}
	for (int i = 0; i < CONTACTS; i++) {
		if (seen[i] != wanted(i))
			fail_msg("%s: %d is %s", params, i, seen[i] ? "there" : "missing");
		expected += wanted(i);
	}
	snprintf(text, sizeof(text), "{\"count\":\"1\"%s%s}", *params ? "," : "", params);
	assert_int_equal(town_read(t, op, id, text), 200);
	assert_true(json_i64(town_at(t, "count"), &count));
	if (count != expected)
		fail_msg("%s: count is %d, not %d", params, (int)count, (int)expected);
}

static bool all(int i)
{
	return i >= 0;
}

static bool none(int i)
{
	return i < 0;
}

static void test_paging(void **state)
{
	check(*state, rest_contacts, NULL, "", 500, all);
	check(*state, rest_contacts, NULL, "\"sort\":\"default\",\"sort_dir\":\"desc\"", 499, all);
	check(*state, rest_contacts, NULL, "\"sort\":\"name\"", 333, all);
	check(*state, rest_contacts, NULL, "\"sort\":\"phone_number\",\"sort_dir\":\"desc\"", 500, all);
	check(*state, rest_contacts, NULL, "\"sort\":\"last_message_time\"", 500, all);
	check(*state, rest_contacts, NULL, "\"sort\":\"last_message_time\",\"sort_dir\":\"desc\"", 500, all);
}

static bool few(int i)
{
	return i % 700 == 0;
}

static void test_where(void **state)
{
	check(*state, rest_contacts, NULL, "\"group_id\":\"G_all\"", 500, all);
	check(*state, rest_contacts, NULL, "\"group_id\":\"G_all\",\"sort_dir\":\"desc\"", 500, all);
	check(*state, rest_contacts, NULL, "\"group_id\":\"G_all\",\"sort\":\"name\"", 500, all);
	check(*state, rest_contacts, NULL, "\"group_id\":\"G_few\"", 3, few);
	check(*state, rest_contacts, NULL, "\"group_id\":\"G_few\",\"sort\":\"name\"", 3, few);
	check(*state, rest_contacts, NULL,
	      "\"group_id\":\"G_few\",\"sort\":\"last_message_time\",\"sort_dir\":\"desc\"", 4, few);
	check(*state, rest_contacts, NULL, "\"group_id\":\"G_nobody\"", 10, none);
}

/* --- filters --- */

static bool is_5(int i)
{
	return i == 5;
}
static bool not_5(int i)
{
	return i != 5;
}
static bool odd(int i)
{
	return i % 2 == 1;
}
static bool even(int i)
{
	return i % 2 == 0;
}
static bool odd_40(int i)
{
	return odd(i) && i >= 4000 && i < 4100;
}
static bool from_6000(int i)
{
	return i >= 6000;
}
static bool above_6000(int i)
{
	return i > 6000;
}
static bool below_6000(int i)
{
	return i < 6000;
}
static bool upto_6000(int i)
{
	return i <= 6000;
}
static bool above_bo_6000(int i)
{
	return odd(i) && i > 6000;
}
static bool from_bo_6001(int i)
{
	return odd(i) && i >= 6001;
}
static bool below_bo_6001(int i)
{
	return even(i) || i < 6001;
}
static bool upto_bo_6001(int i)
{
	return even(i) || i <= 6001;
}
static bool talked(int i)
{
	return i % 3 != 0;
}
static bool silent(int i)
{
	return i % 3 == 0;
}
static bool talked_late(int i)
{
	return talked(i) && CONTACTS - i >= 6900;
}
static bool talked_early(int i)
{
	return talked(i) && CONTACTS - i < 100;
}
static bool count_3(int i)
{
	return i % 10 == 3;
}
static bool count_not_3(int i)
{
	return i % 10 != 3;
}
static bool count_3_up(int i)
{
	return i % 10 >= 3;
}
static bool count_upto_3(int i)
{
	return i % 10 <= 3;
}
static bool count_above_3(int i)
{
	return i % 10 > 3;
}
static bool count_below_3(int i)
{
	return i % 10 < 3;
}
static bool blocked(int i)
{
	return i % 5 == 0;
}
static bool free_(int i)
{
	return i % 5 != 0;
}
static bool lulea(int i)
{
	return i % 7 == 0;
}
static bool umea(int i)
{
	return i % 7 != 0;
}
static bool young(int i)
{
	return i % 100 < 9;
}
static bool aged_9(int i)
{
	return i % 100 == 9;
}
static bool mixed(int i)
{
	return lulea(i) && odd(i) && i >= 6000;
}

static const struct {
	const char *params;
	wanted_fn *wanted;
} filters[] = {
	/* text, indexed, in any case */
	{ "\"name\":\"BO 0005\"", is_5 },
	{ "\"name[eq]\":\"bo 0005\"", is_5 },
	{ "\"name[ne]\":\"Bo 0005\"", not_5 },
	{ "\"name[prefix]\":\"BO\"", odd },
	{ "\"name[prefix]\":\"bo 40\"", odd_40 },
	{ "\"name[not_prefix]\":\"bo\"", even },
	{ "\"name[gt]\":\"bo 6000\"", above_bo_6000 },
	{ "\"name[gte]\":\"bo 6001\"", from_bo_6001 },
	{ "\"name[min]\":\"bo 6001\"", from_bo_6001 },
	{ "\"name[lt]\":\"bo 6001\"", below_bo_6001 },
	{ "\"name[lte]\":\"bo 6001\"", upto_bo_6001 },
	{ "\"name[max]\":\"bo 6001\"", upto_bo_6001 },
	{ "\"name[exists]\":\"1\"", all },
	{ "\"name\":\"nobody\"", none },
	{ "\"name[prefix]\":\"bo 40\",\"sort\":\"name\"", odd_40 },
	{ "\"name[prefix]\":\"bo 40\",\"sort\":\"phone_number\",\"sort_dir\":\"desc\"", odd_40 },
	{ "\"name[prefix]\":\"bo\",\"sort\":\"phone_number\",\"sort_dir\":\"desc\"", odd },
	/* numbers by their digits */
	{ "\"phone_number\":\"46700000005\"", is_5 },
	{ "\"phone_number\":\"+46 70 000 00 05\"", is_5 },
	{ "\"phone_number[ne]\":\"46700000005\"", not_5 },
	{ "\"phone_number[prefix]\":\"+4670000\"", all },
	{ "\"phone_number[gte]\":\"+46700006000\"", from_6000 },
	{ "\"phone_number[gt]\":\"+46700006000\"", above_6000 },
	{ "\"phone_number[lt]\":\"+46700006000\"", below_6000 },
	{ "\"phone_number[lte]\":\"+46700006000\"", upto_6000 },
	{ "\"phone_number[exists]\":\"0\"", none },
	/* times */
	{ "\"time_created[min]\":\"1600006000\"", from_6000 },
	{ "\"time_created[gte]\":\"1600006000\"", from_6000 },
	{ "\"time_created[gt]\":\"1600006000\"", above_6000 },
	{ "\"time_created[max]\":\"1600006000\"", below_6000 },
	{ "\"time_created[lt]\":\"1600006000\"", below_6000 },
	{ "\"time_created[lte]\":\"1600006000\"", upto_6000 },
	{ "\"time_created\":\"1600000005\"", is_5 },
	{ "\"time_created[ne]\":\"1600000005\"", not_5 },
	{ "\"time_created[min]\":\"1600000004.5\",\"time_created[max]\":\"1600000005.5\"", is_5 },
	{ "\"time_created[min]\":\"-5\"", all },
	{ "\"time_created[max]\":\"-5\"", none },
	{ "\"time_created[min]\":\"1e300\"", none },
	{ "\"time_created[min]\":1600006000,\"sort\":\"name\"", from_6000 },
	{ "\"last_message_time[exists]\":\"1\"", talked },
	{ "\"last_message_time[exists]\":\"0\"", silent },
	{ "\"last_message_time[exists]\":\"true\",\"sort\":\"last_message_time\"", talked },
	{ "\"last_message_time[exists]\":\"false\",\"sort\":\"name\"", silent },
	{ "\"last_message_time[min]\":\"1600006900\"", talked_late },
	{ "\"last_message_time[max]\":\"1600000100\"", talked_early },
	{ "\"last_message_time[max]\":\"1600000100\",\"sort\":\"last_message_time\"", talked_early },
	/* numbers */
	{ "\"incoming_message_count\":\"3\"", count_3 },
	{ "\"incoming_message_count[ne]\":\"3\"", count_not_3 },
	{ "\"incoming_message_count[min]\":\"3\"", count_3_up },
	{ "\"incoming_message_count[gte]\":\"3.0\"", count_3_up },
	{ "\"incoming_message_count[max]\":\"3\"", count_upto_3 },
	{ "\"incoming_message_count[lte]\":\"3\"", count_upto_3 },
	{ "\"incoming_message_count[gt]\":\"3\"", count_above_3 },
	{ "\"incoming_message_count[lt]\":\"3\"", count_below_3 },
	/* truths */
	{ "\"send_blocked\":\"1\"", blocked },
	{ "\"send_blocked\":\"false\"", free_ },
	{ "\"send_blocked[ne]\":\"true\"", free_ },
	/* variables: texts, and numbers where both are */
	{ "\"vars[city]\":\"Luleå\"", lulea },
	{ "\"vars[city][ne]\":\"Luleå\"", umea },
	{ "\"vars[city][prefix]\":\"Lu\"", lulea },
	{ "\"vars[city][not_prefix]\":\"Lu\"", umea },
	{ "\"vars[city][exists]\":\"1\"", all },
	{ "\"vars[town][exists]\":\"1\"", none },
	{ "\"vars[town][ne]\":\"x\"", all },
	{ "\"vars[town]\":\"x\"", none },
	{ "\"vars[age][lt]\":\"9\"", young },
	{ "\"vars[age]\":\"9\"", aged_9 },
	/* several */
	{ "\"vars[city]\":\"Luleå\",\"name[prefix]\":\"bo\",\"time_created[min]\":\"1600006000\"", mixed },
	{ "\"vars[city]\":\"Luleå\",\"name[prefix]\":\"bo\",\"time_created[min]\":\"1600006000\",\"group_id\":\"G_"
	  "all\"",
	  mixed },
	{ "\"vars[city]\":\"Luleå\",\"name[prefix]\":\"bo\",\"time_created[min]\":\"1600006000\",\"sort\":\"name\"",
	  mixed },
};

static void test_filters(void **state)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		check(*state, rest_contacts, NULL, filters[i].params, 500, filters[i].wanted);
}

/* --- order --- */

/* The n of the data, as "1 2 3". */
static const char *order(struct town *t, const char *params)
{
	static char text[4000];
	struct json_iter it;
	size_t n = 0;

	if (town_read(t, rest_contacts, NULL, params) != 200)
		fail_msg("%s: %s", params, buf_str(&t->answer));
	it = json_each(town_at(t, "data"));
	text[0] = '\0';
	while (json_next(&it)) {
		struct slice raw = json_raw(json_get(it.value, "n"));

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n ? " " : "", SLICE_ARG(raw));
	}
	return text;
}

static void test_order(void **state)
{
	struct town *t = *state;

	assert_string_equal(order(t, "{\"page_size\":3}"), "0 1 2");
	assert_string_equal(order(t, "{\"page_size\":3,\"sort_dir\":\"desc\"}"), "6999 6998 6997");
	assert_string_equal(order(t, "{\"page_size\":3,\"sort\":\"name\"}"), "0 2 4");
	assert_string_equal(order(t, "{\"page_size\":3,\"sort\":\"name\",\"sort_dir\":\"desc\"}"), "6999 6997 6995");
	assert_string_equal(order(t, "{\"page_size\":2,\"sort\":\"phone_number\"}"), "0 1");
	assert_string_equal(order(t, "{\"page_size\":3,\"sort\":\"last_message_time\",\"sort_dir\":\"desc\"}"),
			    "1 2 4");
	assert_string_equal(order(t, "{\"page_size\":3,\"group_id\":\"G_few\",\"sort_dir\":\"desc\"}"),
			    "6300 5600 4900");
	assert_string_equal(order(t, "{\"page_size\":3,\"group_id\":\"G_few\",\"sort\":\"phone_number\","
				     "\"sort_dir\":\"desc\"}"),
			    "6300 5600 4900");
	assert_string_equal(order(t, "{\"page_size\":3,\"group_id\":\"G_all\",\"time_created[min]\":1600000100}"),
			    "100 101 102");
	assert_string_equal(order(t, "{\"page_size\":2,\"offset\":5000}"), "5000 5001");
	assert_string_equal(order(t, "{\"page_size\":2,\"offset\":4,\"group_id\":\"G_few\",\"sort\":\"name\"}"),
			    "2800 3500");
	assert_string_equal(order(t, "{\"offset\":10000}"), "");
}

static void drop(struct deed *d, void *ctx)
{
	char id[16];

	snprintf(id, sizeof(id), "C%04d", (*(int *)ctx * 37) % CONTACTS);
	record_delete(d, record_load(d, KIND_CONTACT, slice_str(id)));
}

/* The object of the marker is gone: the next page begins where it stood. */
static void test_marker_survives(void **state)
{
	struct town *t = *state;
	char params[1000];
	int last = 51;

	assert_string_equal(order(t, "{\"page_size\":2,\"offset\":50}"), "50 51");
	snprintf(params, sizeof(params), "{\"page_size\":2,\"offset\":50,\"marker\":\"%s\"}",
		 town_text(t, "next_marker"));
	town_do(t, drop, &last);
	assert_string_equal(order(t, params), "52 53");
}

/* A marker is of one list in one order. */
static void test_marker_of_another(void **state)
{
	static const char *const others[] = { "\"sort_dir\":\"desc\"", "\"sort\":\"name\"" };
	struct town *t = *state;
	char marker[400], params[1000];

	assert_int_equal(town_read(t, rest_contacts, NULL, "{\"page_size\":2}"), 200);
	slice_copy(marker, sizeof(marker), slice_str(town_text(t, "next_marker")));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(params, sizeof(params), "{%s,\"marker\":\"%s\"}", others[i], marker);
		assert_int_equal(town_read(t, rest_contacts, NULL, params), 400);
		town_expect_error(t, "invalid_param", "marker");
	}
	snprintf(params, sizeof(params), "{\"marker\":\"%s\"}", marker);
	assert_int_equal(town_read(t, rest_messages, NULL, params), 400);
	assert_int_equal(town_read(t, rest_contacts, NULL, params), 200);
}

static void test_shape(void **state)
{
	struct town *t = *state;

	assert_int_equal(town_read(t, rest_contacts, NULL, "{\"page_size\":1}"), 200);
	town_expect(t, "data.0.id", "C0000");
	town_expect(t, "data.0.project_id", "p");
	assert_int_equal(json_type(town_at(t, "data.0.default_route_id")), JSON_NULL);
	assert_int_equal(json_type(town_at(t, "data.0.vars")), JSON_OBJECT);
	assert_int_equal(json_type(town_at(t, "truncated")), JSON_TRUE);
}

/* --- what is refused --- */

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "colour", "{\"colour\":\"red\"}" },
		{ "name[like]", "{\"name[like]\":\"x\"}" },
		{ "name[prefix][ne]", "{\"name[prefix][ne]\":\"x\"}" },
		{ "name[prefix", "{\"name[prefix\":\"x\"}" },
		{ "name[]", "{\"name[]\":\"x\"}" },
		{ "vars", "{\"vars\":\"x\"}" },
		{ "vars[a][b]", "{\"vars[a][b]\":\"x\"}" },
		{ "send_blocked[prefix]", "{\"send_blocked[prefix]\":\"x\"}" },
		{ "send_blocked", "{\"send_blocked\":\"maybe\"}" },
		{ "time_created[min]", "{\"time_created[min]\":\"yesterday\"}" },
		{ "time_created[prefix]", "{\"time_created[prefix]\":\"1\"}" },
		{ "last_message_time[exists]", "{\"last_message_time[exists]\":\"2\"}" },
		{ "name", "{\"name\":{\"a\":1}}" },
		{ "page_size", "{\"page_size\":\"0\"}" },
		{ "page_size", "{\"page_size\":\"501\"}" },
		{ "page_size", "{\"page_size\":\"ten\"}" },
		{ "offset", "{\"offset\":\"-1\"}" },
		{ "offset", "{\"offset\":\"10001\"}" },
		{ "sort", "{\"sort\":\"time\"}" },
		{ "sort", "{\"sort\":\"incoming_message_count\"}" },
		{ "sort_dir", "{\"sort_dir\":\"up\"}" },
		{ "marker", "{\"marker\":\"nonsense\"}" },
		{ "marker", "{\"marker\":\"00\"}" },
		{ "marker", "{\"marker\":\"01ff00\"}" },
		{ "marker", "{\"marker\":\"0900616263\"}" },
		{ "count", "{\"count\":\"many\"}" },
	};
	struct town *t = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(town_read(t, rest_contacts, NULL, bad[i][1]), 400);
		town_expect_error(t, "invalid_param", bad[i][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paging),		cmocka_unit_test(test_where),
		cmocka_unit_test(test_filters),		cmocka_unit_test(test_order),
		cmocka_unit_test(test_shape),		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_marker_survives), cmocka_unit_test(test_marker_of_another),
	};

	return cmocka_run_group_tests(tests, begin, town_end);
}
