/* Encodings, times and numbers with units. */
#include "base/rand.h"
#include "base/text.h"
#include "harness.h"

static struct buf out;

static int fresh(void **state)
{
	(void)state;
	buf_init(&out, 100000);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static void utf8_refuses_what_is_malformed(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xc3",
		"\xe0\x80\xaf",
		"\xe2\x82",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\xaf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"a\xe2(\xa1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(utf8_valid(slice_str(bad[i])));
	assert_true(utf8_valid(slice_of("\0", 1)));
	assert_true(utf8_valid(slice_str(NULL)));
	assert_int_equal(utf8_next(SLICE_LIT(""), NULL), 0);
}

static void utf8_takes_every_rune_there_and_back(void **state)
{
	uint32_t rune, back;

	(void)state;
	for (rune = 0; rune <= 0x10ffff; rune += rune < 0x900 ? 1 : 0x3f) {
		if (rune >= 0xd800 && rune <= 0xdfff)
			continue;
		buf_reset(&out);
		utf8_add(&out, rune);
		assert_int_equal(utf8_next(buf_slice(&out), &back), out.n);
		assert_int_equal(back, rune);
		assert_int_equal(utf8_next(slice_of(out.p, out.n - 1), NULL), 0);
	}
	buf_reset(&out);
	utf8_add(&out, 0x20ac);
	utf8_add(&out, 0x1f600);
	ASSERT_BUF(&out, "\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void hex_both_ways(void **state)
{
	uint8_t bytes[3];

	(void)state;
	hex_add(&out, "\x00\xab\x7f", 3);
	ASSERT_BUF(&out, "00ab7f");
	assert_true(hex_read(SLICE_LIT("00aB7f"), bytes, 3));
	assert_memory_equal(bytes, "\x00\xab\x7f", 3);
	assert_false(hex_read(SLICE_LIT("00ab7"), bytes, 3));
	assert_false(hex_read(SLICE_LIT("00ab7g"), bytes, 3));
	assert_false(hex_read(SLICE_LIT("00ab7f00"), bytes, 3));
}

/* RFC 4648, section 10. */
static void base64_has_the_rfc_vectors(void **state)
{
	static const char *const pairs[][2] = { { "", "" },
						{ "f", "Zg==" },
						{ "fo", "Zm8=" },
						{ "foo", "Zm9v" },
						{ "foob", "Zm9vYg==" },
						{ "fooba", "Zm9vYmE=" },
						{ "foobar", "Zm9vYmFy" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		buf_reset(&out);
		base64_add(&out, pairs[i][0], strlen(pairs[i][0]));
		ASSERT_BUF(&out, pairs[i][1]);
		buf_reset(&out);
		assert_true(base64_read(slice_str(pairs[i][1]), &out));
		ASSERT_BUF(&out, pairs[i][0]);
	}
	buf_reset(&out);
	base64url_add(&out, "\xfb\xff\xfe\xff", 4);
	ASSERT_BUF(&out, "-__-_w");
}

static void base64_read_is_strict(void **state)
{
	static const char *const bad[] = { "Zg",   "Zg=",    "Zg===", "Z===",	  "====", "Zh==",
					   "Zm9=", "Zm9v\n", "Zm 9",  "Zg==Zg==", "-__-", "=Zg=" };

	(void)state;
	buf_add_str(&out, "before");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(base64_read(slice_str(bad[i]), &out));
		ASSERT_BUF(&out, "before");
	}
}

static void percent_and_form(void **state)
{
	(void)state;
	percent_add(&out, SLICE_LIT("aZ09-._~ *+/\xc3\xa9"));
	ASSERT_BUF(&out, "aZ09-._~%20%2A%2B%2F%C3%A9");
	buf_reset(&out);
	form_add(&out, slice_of("a b*-._~&\0", 10));
	ASSERT_BUF(&out, "a+b*-._%7E%26%00");
	buf_reset(&out);
	percent_decode(&out, SLICE_LIT("a+b%20%c3%A9%zz%4"), true);
	ASSERT_BUF(&out, "a b \xc3\xa9%zz%4");
	buf_reset(&out);
	percent_decode(&out, SLICE_LIT("a+b%"), false);
	ASSERT_BUF(&out, "a+b%");
}

static void times_as_text(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01 00:00:00" },
		{ 1547125200, "2019-01-10 13:00:00" },
		{ 951782400, "2000-02-29 00:00:00" },
		{ 4107542399, "2100-02-28 23:59:59" },
		{ 4107542400, "2100-03-01 00:00:00" },
		{ -1, "1969-12-31 23:59:59" },
		{ -62135596800, "0001-01-01 00:00:00" },
		{ -62135596801, "" },
		{ 253402300799, "9999-12-31 23:59:59" },
		{ 253402300800, "" },
		{ INT64_MAX, "" },
		{ INT64_MIN, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buf_reset(&out);
		time_add_datetime(&out, rows[i].t);
		ASSERT_BUF(&out, rows[i].text);
	}
	buf_reset(&out);
	time_add_iso(&out, 1547125200);
	time_add_iso_ms(&out, 1547125200123);
	time_add_iso_ms(&out, -1);
	time_add_iso_ms(&out, INT64_MIN);
	ASSERT_BUF(&out, "2019-01-10T13:00:00Z2019-01-10T13:00:00.123Z1969-12-31T23:59:59.999Z");
}

static void http_dates(void **state)
{
	static const char *const good[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
					    "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994" };
	static const char *const bad[] = { "",
					   "Sun",
					   "120",
					   "Sun, 06 Nov 1994 08:49:37",
					   "Sun, 06 Nov 1994 08:49:37 GMT ",
					   "Sun, 06 Nov 1994 08:49:37 CET",
					   "Sun, 6 Nov 1994 08:49:37 GMT",
					   "Sun, 31 Nov 1994 08:49:37 GMT",
					   "Sun, 29 Feb 1900 08:49:37 GMT",
					   "Sun, 00 Nov 1994 08:49:37 GMT",
					   "Sun, 06 Nov 0000 08:49:37 GMT",
					   "Sun, 06 Nov 1994 24:00:00 GMT",
					   "Sun, 06 Nov 1994 08:60:37 GMT",
					   "Sun, 06 nov 1994 08:49:37 GMT",
					   "Sun, -6 Nov 1994 08:49:37 GMT",
					   "Sun Nov  6 08:49:37 94",
					   "Xxx, 06 Nov 1994 08:49:37 GMT" };
	int64_t t = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(time_read_http(slice_str(good[i]), &t));
		assert_int_equal(t, 784111777);
	}
	assert_true(time_read_http(SLICE_LIT("Wednesday, 01-Jan-69 00:00:00 GMT"), &t) && t == 3124224000);
	assert_true(time_read_http(SLICE_LIT("Tue, 29 Feb 2000 23:59:60 GMT"), &t) && t == 951868800);
	t = 42;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(time_read_http(slice_str(bad[i]), &t));
	assert_int_equal(t, 42);
}

/* What the writer prints, the reader understands: over all years, so leap days and centuries are hit. */
static void http_dates_come_back(void **state)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct rand chance;
	struct buf http;

	(void)state;
	rand_seed(&chance, 3);
	buf_init(&http, 100);
	for (int i = 0; i < 3000; i++) {
		int64_t t = (int64_t)rand_below(&chance, 315537897600) - 62135596800, back;
		const char *p;

		buf_reset(&out);
		buf_reset(&http);
		time_add_datetime(&out, t);
		p = buf_str(&out);
		buf_addf(&http, "Mon, %.2s %s %.4s %s GMT", p + 8, months[(p[5] - '0') * 10 + p[6] - '0' - 1], p,
			 p + 11);
		assert_true(time_read_http(buf_slice(&http), &back));
		assert_int_equal(back, t);
	}
	buf_free(&http);
}

static void durations_and_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} durations[] = { { "250ms", 250 },   { "10s", 10000 }, { "5m", 300000 }, { "2h", 7200000 },
			  { "1d", 86400000 }, { "7", 7000 },	{ "0", 0 } };
	static const char *const bad[] = { "",
					   "s",
					   "-1s",
					   "+1",
					   "1 s",
					   "1S",
					   "1w",
					   "1.5s",
					   "1sm",
					   " 1",
					   "9223372036854775807d",
					   "99999999999999999999" };
	int64_t v = 42;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(duration_read(slice_str(bad[i]), &v));
		assert_false(size_read(slice_str(bad[i]), &v));
	}
	assert_false(duration_read(slice_str(NULL), &v));
	assert_false(size_read(SLICE_LIT("1k"), &v));
	assert_false(size_read(SLICE_LIT("1KB"), &v));
	assert_false(size_read(SLICE_LIT("8589934592G"), &v));
	assert_int_equal(v, 42);
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		assert_true(duration_read(slice_str(durations[i].text), &v));
		assert_int_equal(v, durations[i].ms);
	}
	assert_true(size_read(SLICE_LIT("100"), &v) && v == 100);
	assert_true(size_read(SLICE_LIT("16K"), &v) && v == 16384);
	assert_true(size_read(SLICE_LIT("4M"), &v) && v == 4194304);
	assert_true(size_read(SLICE_LIT("8G"), &v) && v == 8589934592);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(utf8_refuses_what_is_malformed),
		TEST(utf8_takes_every_rune_there_and_back),
		TEST(hex_both_ways),
		TEST(base64_has_the_rfc_vectors),
		TEST(base64_read_is_strict),
		TEST(percent_and_form),
		TEST(times_as_text),
		TEST(http_dates),
		TEST(http_dates_come_back),
		TEST(durations_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
