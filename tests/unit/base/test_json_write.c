/* The JSON writer; what it writes, the reader reads. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/rand.h"
#include "harness.h"

static struct buf out;
static struct json_writer w;

static int fresh(void **state)
{
	(void)state;
	buf_init(&out, 1000000);
	json_writer_init(&w, &out);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static void sets_commas(void **state)
{
	(void)state;
	json_begin_object(&w);
	json_member_str(&w, "s", "x");
	json_member_str(&w, "none", NULL);
	json_member_string(&w, "t", SLICE_LIT("y"));
	json_member_i64(&w, "i", -5);
	json_member_bool(&w, "b", true);
	json_key(&w, "a");
	json_begin_array(&w);
	json_put_i64(&w, 1);
	json_begin_object(&w);
	json_end_object(&w);
	json_begin_array(&w);
	json_end_array(&w);
	json_put_bool(&w, false);
	json_put_null(&w);
	json_put_raw(&w, SLICE_LIT("[1, 2]"));
	json_end_array(&w);
	json_key_slice(&w, SLICE_LIT("a\"b"));
	json_put_double(&w, 0.5);
	json_end_object(&w);
	ASSERT_BUF(&out, "{\"s\":\"x\",\"none\":null,\"t\":\"y\",\"i\":-5,\"b\":true,\"a\":[1,{},[],false,null,[1, "
			 "2]],\"a\\\"b\":0.5}");
}

static void escapes(void **state)
{
	(void)state;
	json_add_string(&out, slice_of("a\"\\/\b\f\n\r\t\x01\x1f\x7f\0z", 14));
	ASSERT_BUF(&out, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000z\"");
	buf_reset(&out);
	json_add_escaped(&out, SLICE_LIT("\xc3\xa9\xff\xf0\x9f\x98\x80\xed\xa0\x80\xe2\x82"));
	ASSERT_BUF(&out,
		   "\xc3\xa9\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	buf_reset(&out);
	json_add_escaped(&out, slice_str(NULL));
	ASSERT_BUF(&out, "");
}

/* Any bytes become a string that the reader takes; valid ones come back as they were. */
static void strings_come_back(void **state)
{
	struct json_doc doc;
	struct rand chance;
	struct buf back;

	(void)state;
	json_doc_init(&doc);
	buf_init(&back, 1000);
	rand_seed(&chance, 4);
	for (int i = 0; i < 5000; i++) {
		char bytes[20];
		size_t n = rand_below(&chance, sizeof(bytes));
		bool ascii = i % 2;

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)rand_below(&chance, ascii ? 128 : 256);
		buf_reset(&out);
		buf_reset(&back);
		json_add_string(&out, slice_of(bytes, n));
		assert_int_equal(json_parse(&doc, buf_slice(&out), &json_limits_default, NULL), 0);
		json_text(json_root(&doc), &back);
		if (ascii)
			assert_true(slice_eq(buf_slice(&back), slice_of(bytes, n)));
	}
	json_doc_free(&doc);
	buf_free(&back);
}

static void put_alone(double v, const char *text)
{
	buf_reset(&out);
	json_writer_init(&w, &out);
	json_put_double(&w, v);
	if (text)
		ASSERT_BUF(&out, text);
}

static void doubles_are_short_and_come_back(void **state)
{
	struct rand chance;

	(void)state;
	put_alone(0.1, "0.1");
	put_alone(1.0, "1");
	put_alone(-0.0, "-0");
	put_alone(1.0 / 3, "0.3333333333333333");
	put_alone(0.1 + 0.2, "0.30000000000000004");
	put_alone(1e100, "1e+100");
	put_alone(DBL_MIN, "2.2250738585072014e-308");
	put_alone(NAN, "null");
	put_alone(-INFINITY, "null");
	rand_seed(&chance, 5);
	for (int i = 0; i < 5000; i++) {
		uint64_t bits = rand_u64(&chance);
		double v;

		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		put_alone(v, NULL);
		assert_true(strtod(buf_str(&out), NULL) == v);
	}
}

static void a_full_buffer_only_fails(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 5);
	json_writer_init(&w, &small);
	json_begin_array(&w);
	json_put_str(&w, "much too long");
	json_put_double(&w, 0.25);
	json_end_array(&w);
	assert_true(buf_failed(&small));
	buf_free(&small);
}

static void goes_to_the_full_depth(void **state)
{
	struct json_doc doc;

	(void)state;
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_begin_array(&w);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_end_array(&w);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, buf_slice(&out), &json_limits_default, NULL), 0);
	json_doc_free(&doc);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sets_commas),
		TEST(escapes),
		TEST(strings_come_back),
		TEST(doubles_are_short_and_come_back),
		TEST(a_full_buffer_only_fails),
		TEST(goes_to_the_full_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
