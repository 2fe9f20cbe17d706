/* Buffers: growth, the ceiling that sticks, numbers, varints. */
#include <limits.h>

#include "base/mem.h"
#include "harness.h"

static void grows_and_stays_terminated(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	ASSERT_BUF(&b, "");
	for (int i = 0; i < 10000; i++) {
		buf_add(&b, "abc", 3);
		assert_int_equal(buf_str(&b)[b.n], '\0');
	}
	assert_int_equal(b.n, 30000);
	assert_memory_equal(b.p + 29997, "abc", 4);
	buf_truncate(&b, 4);
	ASSERT_BUF(&b, "abca");
	buf_free(&b);
	assert_null(b.p);
}

static void failure_sticks_until_reset(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_add_str(&b, "12345");
	assert_false(buf_failed(&b));
	buf_add(&b, "", 0);
	assert_false(buf_failed(&b));
	buf_add_char(&b, '6');
	assert_true(buf_failed(&b));
	buf_truncate(&b, 0);
	buf_add_char(&b, 'x');
	assert_int_equal(b.n, 0);
	assert_null(buf_extend(&b, 1));
	buf_reset(&b);
	buf_add_str(&b, "again");
	ASSERT_BUF(&b, "again");
	buf_free(&b);
}

static void an_addition_is_all_or_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_add_str(&b, "ab");
	buf_addf(&b, "%s-%d", "c", 7);
	assert_true(buf_failed(&b));
	assert_string_equal(buf_str(&b), "ab");
	buf_free(&b);
}

static void adds_numbers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_add_i64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_i64(&b, INT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_i64(&b, INT64_MIN);
	buf_addf(&b, " %s/%d", "x", 12);
	ASSERT_BUF(&b, "0 9223372036854775807 -9223372036854775808 x/12");
	buf_free(&b);
}

static void take_hands_the_memory_over(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 10);
	p = buf_take(&b);
	assert_string_equal(p, "");
	mem_free(p);
	buf_add_str(&b, "kept");
	p = buf_take(&b);
	assert_string_equal(p, "kept");
	assert_int_equal(b.n, 0);
	assert_int_equal(b.max, 10);
	mem_free(p);
}

static void varints_come_back(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX };
	struct slice s;
	struct buf b;
	uint64_t v;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		buf_add_varint(&b, values[i]);
	s = buf_slice(&b);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		assert_true(varint_read(&s, &v));
		assert_true(v == values[i]);
	}
	assert_int_equal(s.n, 0);
	buf_free(&b);
}

static void bad_varints_are_refused(void **state)
{
	static const struct slice bad[] = {
		{ "", 0 },
		{ "\x80", 1 },					    /* cut short */
		{ "\x80\x00", 2 },				    /* a longer spelling of 0 */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, /* 65 bits */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct slice s = bad[i];
		uint64_t v = 42;

		assert_false(varint_read(&s, &v));
		assert_int_equal(v, 42);
		assert_int_equal(s.n, bad[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),	 cmocka_unit_test(failure_sticks_until_reset),
		cmocka_unit_test(an_addition_is_all_or_nothing), cmocka_unit_test(adds_numbers),
		cmocka_unit_test(take_hands_the_memory_over),	 cmocka_unit_test(varints_come_back),
		cmocka_unit_test(bad_varints_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
