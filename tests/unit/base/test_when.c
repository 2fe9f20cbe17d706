/* Times as callers write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/when.h"

static void read_all(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} rows[] = {
		{ "0", 0 },
		{ "1547125204", 1547125204000 },
		{ "1547125204.25", 1547125204250 },
		{ "2019-01-10", 1547078400000 },
		{ "2019-01-10T13:00:04Z", 1547125204000 },
		{ "2019-01-10T13:00:04.5Z", 1547125204500 },
		{ "2019-01-10 13:00", 1547125200000 },
		{ "2019-01-10T14:00:04+01:00", 1547125204000 },
		{ "2019-01-10T14:00:04 01:00", 1547125204000 }, /* a + that was in a query string */
		{ "2019-01-10T11:00:04-0200", 1547125204000 },
		{ "2020-02-29", 1582934400000 },
		{ "2019-02-29", -1 },
		{ "2019-13-01", -1 },
		{ "2019-01-10T24:00:00Z", -1 },
		{ "2019-01-10T13", -1 },
		{ "2019-01-10T13:00:04+", -1 },
		{ "2019-01-10x", -1 },
		{ "", -1 },
		{ "-5", -1 },
		{ "1e400", -1 },
		{ "1e9", -1 }, /* it was one while this read with strtod */
		{ "1547125204.", -1 },
		{ "0x10", -1 },
		{ "nan", -1 },
		{ "yesterday", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -1;
		bool good = when_read(slice_str(rows[i].text), &ms);

		if (good != (rows[i].ms >= 0) || ms != rows[i].ms)
			fail_msg("\"%s\": %lld", rows[i].text, (long long)ms);
	}
}

static void read_unix(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{ "0", 0 }, { "1.5", 1500000 }, { "1547125204", INT64_C(1547125204000000) }, { "1.1234567", 1123456 }
	};
	static const char *const bad[] = { "", "-1", "1e9", "1.", ".5", "2019-01-10", "99999999999999", "1.x" };
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(when_read_unix(slice_str(good[i].text), &us));
		assert_int_equal(us, good[i].us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (when_read_unix(slice_str(bad[i]), &us))
			fail_msg("\"%s\" was taken for a time", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(read_all), cmocka_unit_test(read_unix) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
