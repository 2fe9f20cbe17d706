/* Numbers: one spelling of many, and which ones an event names, by whatever hand its text was written. */
#include "dialect/number.h"
#include "settings.h"

static const char *digits(const char *text)
{
	static char out[NUMBER_DIGITS_MAX + 1];
	struct slice s = number_digits(slice_str(text), out);

	memmove(out, s.p, s.n);
	out[s.n] = '\0';
	return out;
}

static void test_digits(void **state)
{
	(void)state;
	assert_string_equal(digits("+46 70-123"), "4670123");
	assert_string_equal(digits("004670123"), "4670123");
	assert_string_equal(digits("0 0 46"), "46");
	assert_string_equal(digits("0701"), "0701");
	assert_string_equal(digits("000046"), "0046");
	assert_string_equal(digits("ACME"), "");
	assert_string_equal(digits("00"), "");
	assert_string_equal(digits("0"), "0");
	assert_string_equal(digits("1234567890123456789012345678901234567890"), "12345678901234567890123456789012");
}

static void note(void *ctx, struct slice number)
{
	struct buf *all = ctx;

	buf_addf(all, "%s%.*s", all->n > 0 ? " " : "", SLICE_ARG(number));
}

static void expect_all(const char *event, const char *want)
{
	struct buf all;

	buf_init(&all, 1000);
	number_each(slice_str(event), note, &all);
	assert_string_equal(buf_str(&all), want);
	buf_free(&all);
}

static void test_each(void **state)
{
	(void)state;
	expect_all("{\"message\":{\"from_number\":\"ACME\",\"to_number\":\"+46 70-1\"}}", "46701");
	expect_all("{\"message\":{\"from_number\" :\n\t\"0046701\" , \"to_number\": \"71120\"},"
		   "\"contact\":{\"phone_number\":\"+46701\"}}",
		   "46701 71120 46701");
	expect_all(
		"{\"message\":{\"my_from_number\":\"123\",\"number\":\"124\",\"_number\":\"125\",\"from_number_e164\":"
		"\"126\",\"to_number\":127,\"content\":\"to_number\"},\"x\":[\"to_number\",\"128\"]}",
		"");
	expect_all("{\"message\":{\"content\":\"\\\"to_number\\\":\\\"123\\\"\",\"to_number\":\"12\"}}", "");
	expect_all("{}", "");
}

/* What a skim cannot see through is parsed; a text that is cut off gives nothing that is not there. */
static void test_escapes(void **state)
{
	(void)state;
	expect_all("{\"message\":{\"content\":\"\\u00e5\",\"to_number\":\"4670\"}}", "4670");
	expect_all("{\"message\":{\"to_\\u006eumber\":\"4670\"}}", "4670");
	expect_all("{\"message\":{\"to_number\":\"\\u002B4670\"}}", "4670");
	expect_all("{\"message\":{\"to_number\":\"\\u00c5 12\\\"345\"}}", "12345");
	expect_all("{\"message\":{\"to_number\":\"4670", "");
	expect_all("{\"message\":{\"to_number\":", "");
	expect_all("{\"message\":{\"to_number\"", "");
	expect_all("to_number\"", "");
	expect_all("{\"message\":{\"to_number\":\"\\u00", "");
	expect_all("", "");
}

static bool named(const char *event, const char *number)
{
	return number_is_named(slice_str(event), slice_str(number));
}

static void count(void *ctx, struct slice number)
{
	int *counts = ctx;

	counts[0]++;
	counts[1] += slice_is(number, "4670");
}

/* The index has room for each, and a stranger may write a million of them: the event's own is among those given. */
static void test_many(void **state)
{
	int counts[2] = { 0 };
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_add_str(&text, "{\"message\":{\"vars\":[");
	for (int i = 0; i < 1000; i++)
		buf_addf(&text, "%s{\"to_number\":\"%d\"}", i ? "," : "", 1000 + i);
	buf_add_str(&text, "],\"to_number\":\"4670\"}}");
	number_each(buf_slice(&text), count, counts);
	assert_in_range(counts[0], 1, NUMBERS_MAX);
	assert_int_equal(counts[1], 1);
	assert_true(number_is_named(buf_slice(&text), SLICE_LIT("4670")));
	assert_false(number_is_named(buf_slice(&text), SLICE_LIT("1000")));
	buf_free(&text);
}

static void test_named(void **state)
{
	static const char event[] = "{\"message\":{\"from_number\":\"+46 70 1\",\"to_number\":\"71120\",\"vars\":"
				    "{\"to_number\":\"555\"}},\"contact\":{\"phone_number\":\"4670 2\"},"
				    "\"to_number\":\"666\"}";

	(void)state;
	assert_true(named(event, "46701"));
	assert_true(named(event, "71120"));
	assert_true(named(event, "46702"));
	assert_false(named(event, "555"));
	assert_false(named(event, "666"));
	assert_false(named(event, "4670"));
	assert_false(named(event, ""));
	assert_false(named("{\"message\":{\"to_number\":\"4670\"}", "4670"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits), cmocka_unit_test(test_each),  cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_many),   cmocka_unit_test(test_named),
	};

	return cmocka_run_group_tests_name("dialect/number", tests, NULL, NULL);
}
