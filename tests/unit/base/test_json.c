/* The JSON reader: what it accepts, what it refuses and how it says so, and what a document answers. */
#include <stdio.h>

#include "base/json.h"
#include "harness.h"

static struct json_doc doc;
static struct fault fault;
static struct buf scratch;

static int fresh(void **state)
{
	(void)state;
	json_doc_init(&doc);
	buf_init(&scratch, 1000000);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	json_doc_free(&doc);
	buf_free(&scratch);
	return 0;
}

static struct json parse(const char *text)
{
	int r = json_parse(&doc, slice_str(text), &json_limits_default, &fault);

	if (r)
		print_message("%s\n%s at %ld\n", text, fault.message, fault.position);
	assert_int_equal(r, 0);
	return json_root(&doc);
}

static void refused_with(struct slice text, const struct json_limits *limits, long position, const char *word)
{
	assert_int_equal(json_parse(&doc, text, limits, &fault), ERR_INVALID);
	if (fault.position != position || !strstr(fault.message, word))
		print_message("%.*s\n%s at %ld\n", SLICE_ARG(text), fault.message, fault.position);
	assert_int_equal(fault.position, position);
	assert_non_null(strstr(fault.message, word));
	assert_string_equal(fault.param, "");
	assert_int_equal(json_type(json_root(&doc)), JSON_NONE);
}

static void reads_every_type(void **state)
{
	struct json v =
		parse(" {\"n\":null,\"f\":false,\"t\":true,\"i\":-12,\"s\":\"x\",\"a\":[],\"o\":{},\"\":0}\r\n\t");
	static const enum json_type types[] = { JSON_NULL,   JSON_FALSE, JSON_TRUE,   JSON_NUMBER,
						JSON_STRING, JSON_ARRAY, JSON_OBJECT, JSON_NUMBER };
	struct json_iter it = json_each(v);

	(void)state;
	assert_int_equal(json_type(v), JSON_OBJECT);
	while (json_next(&it))
		assert_int_equal(json_type(it.value), types[it.index]);
	assert_int_equal(it.index, 7);
	assert_int_equal(json_type(json_get(v, "")), JSON_NUMBER);
	assert_int_equal(json_type(json_get(v, "missing")), JSON_NONE);
	assert_int_equal(json_type(json_get(json_get(v, "s"), "x")), JSON_NONE);
	assert_true(json_is_nil(json_get(v, "n")) && json_is_nil(json_get(v, "missing")) &&
		    !json_is_nil(json_get(v, "f")));
	assert_string_equal(json_type_name(JSON_OBJECT), "an object");
	assert_string_equal(json_type_name(JSON_NONE), "nothing");
}

static void says_where_and_why(void **state)
{
	static const struct {
		const char *text;
		long position;
		const char *word;
	} rows[] = {
		{ "", 0, "empty" },
		{ "  ", 2, "empty" },
		{ "[1", 2, "ends too early" },
		{ "{\"a\"", 4, "colon" },
		{ "{\"a\":", 5, "ends too early" },
		{ "{\"a\" 1}", 5, "colon" },
		{ "{a:1}", 1, "key" },
		{ "{'a':1}", 1, "key" },
		{ "{\"a\":1,}", 7, "key" },
		{ "[1,]", 3, "value is missing" },
		{ "[,1]", 1, "value is missing" },
		{ "[1 2]", 3, "comma or ]" },
		{ "{\"a\":1 \"b\":2}", 7, "comma or }" },
		{ "[1}", 2, "comma or ]" },
		{ "{\"a\":}", 5, "value is missing" },
		{ "1 2", 2, "follows" },
		{ "[]]", 2, "follows" },
		{ "01", 0, "number" },
		{ "-", 0, "number" },
		{ "1.", 0, "number" },
		{ "1e+", 0, "number" },
		{ "[+1]", 1, "begins" },
		{ ".5", 0, "begins" },
		{ "tru", 0, "begins" },
		{ "True", 0, "begins" },
		{ "nul", 0, "begins" },
		{ "truex", 4, "follows" },
		{ "NaN", 0, "begins" },
		{ "\xef\xbb\xbf{}", 0, "begins" },
		{ "\"abc", 0, "not closed" },
		{ "[\"abc\\\"]", 1, "not closed" },
		{ "\"a\nb\"", 2, "control" },
		{ "\"\\x41\"", 1, "escape" },
		{ "\"\\u12G4\"", 1, "escape" },
		{ "\"\\u12\"", 1, "escape" },
		{ "\"a\xff\"", 2, "UTF-8" },
		{ "\"\xed\xa0\x80\"", 1, "UTF-8" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", 13, "\"a\" occurs twice" },
		{ "{\"a\":1,\"\\u0061\":3}", 7, "occurs twice" },
		{ "{\"\\u0061\":1,\"a\":3}", 12, "occurs twice" },
		{ "{\"\\/\":1,\"/\":3}", 8, "occurs twice" },
		{ "{\"\xc3\xa9\":1,\"\\u00e9\":3}", 8, "occurs twice" },
		{ "{\"\\ud800\":1,\"\\udfff\":3}", 12, "occurs twice" }, /* both are U+FFFD */
		{ "[{\"\":1,\"\":3}]", 7, "occurs twice" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		refused_with(slice_str(rows[i].text), &json_limits_default, rows[i].position, rows[i].word);
	refused_with(slice_of("\"\\\0\"", 4), &json_limits_default, 1, "escape");
	refused_with(slice_of("\"\0\"", 3), &json_limits_default, 1, "control");
	refused_with(slice_of("1\0", 2), &json_limits_default, 1, "follows");
	refused_with(slice_str(NULL), &json_limits_default, 0, "empty");
	assert_int_equal(json_parse(&doc, SLICE_LIT("["), &json_limits_default, NULL), ERR_INVALID);
}

/*
 * Every true prefix of a document is refused, and none is read past its end (the copy is exact, the sanitizer watches).
 */
static void refuses_every_prefix(void **state)
{
	static const char text[] =
		"{\"k\\n\\u00e9\":[1.5e+3,-0,true,false,null,\"\xf0\x9f\x98\x80\"],\"l\":{\"m\":\"\"}}";
	size_t whole = sizeof(text) - 1;

	(void)state;
	for (size_t n = 0; n < whole; n++) {
		char *copy = test_malloc(n ? n : 1);

		memcpy(copy, text, n);
		assert_int_equal(json_parse(&doc, slice_of(copy, n), &json_limits_default, &fault), ERR_INVALID);
		assert_in_range(fault.position, 0, n);
		test_free(copy);
	}
	assert_int_equal(json_parse(&doc, slice_of(text, whole), &json_limits_default, &fault), 0);
}

static void holds_its_limits(void **state)
{
	const struct json_limits few = { .depth = 3, .nodes = 5 };
	char deep[2 * JSON_DEPTH_MAX + 3];
	size_t n = JSON_DEPTH_MAX + 1;

	(void)state;
	memset(deep, '[', n);
	memset(deep + n, ']', n);
	refused_with(slice_of(deep, 2 * n), &json_limits_default, JSON_DEPTH_MAX, "deeply");
	assert_int_equal(json_parse(&doc, slice_of(deep + 1, 2 * (n - 1)), &json_limits_default, NULL), 0);
	json_doc_free(&doc);
	assert_int_equal(json_parse(&doc, SLICE_LIT("[1,2,3,4]"), &few, NULL), 0);
	refused_with(SLICE_LIT("[1,2,3,4,5]"), &few, 9, "too many");
	refused_with(SLICE_LIT("[[[[]]]]"), &few, 3, "deeply");
	json_doc_free(&doc);
	/* the nodes of an earlier, larger document do not lift the limit */
	parse("[1,2,3,4,5,6,7,8,9,10]");
	refused_with(SLICE_LIT("[1,2,3,4,5]"), &few, 9, "too many");
}

static void tolerates_one_trailing_comma_on_request(void **state)
{
	const struct json_limits lax = { .depth = 8, .nodes = 100, .trailing_commas = true };
	static const char *const good[] = { "[1,]", "{\"a\":1,}", "[[1 , ] , ]", "{\"a\":[1,],\"b\":{},}", "[]" };
	static const char *const bad[] = { "[,]", "{,}", "[1,,]", "{\"a\":1,,}", "1,", "[1,}", "{\"a\":1,]" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(json_parse(&doc, slice_str(good[i]), &lax, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(json_parse(&doc, slice_str(bad[i]), &lax, NULL), ERR_INVALID);
}

static void add_many_keys(struct buf *text, unsigned count, const char *format)
{
	buf_add_char(text, '{');
	for (unsigned i = 0; i < count; i++)
		buf_addf(text, "%s\"%s%06x\":[%u]", i ? "," : "", format, i, i);
	buf_add_char(text, '}');
}

/* A quadratic search would take minutes here: the test's own time limit is the check. */
static void large_objects_are_searched_in_linear_time(void **state)
{
	struct json_limits many = { .depth = 8, .nodes = 3000000 };
	struct buf text;
	int64_t v = 0;

	(void)state;
	buf_init(&text, 64000000);
	add_many_keys(&text, 300000, "key");
	assert_int_equal(json_parse(&doc, buf_slice(&text), &many, &fault), 0);
	assert_true(json_i64(json_path(json_root(&doc), SLICE_LIT("key0493df.0")), &v));
	assert_int_equal(v, 299999);
	buf_truncate(&text, text.n - 1);
	buf_add_str(&text, ",\"k\\u0065y000000\":0}");
	assert_int_equal(json_parse(&doc, buf_slice(&text), &many, &fault), ERR_INVALID);
	assert_int_equal(fault.position, text.n - strlen("\"k\\u0065y000000\":0}"));
	buf_free(&text);
}

/* Around the size where the search changes its way: each key but the last doubled in turn. */
static void duplicates_are_found_at_every_size(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 100000);
	for (unsigned count = 1; count < 40; count++)
		for (unsigned twice = 0; twice < count; twice++) {
			buf_reset(&text);
			add_many_keys(&text, count, "");
			assert_int_equal(json_parse(&doc, buf_slice(&text), &json_limits_default, NULL), 0);
			buf_truncate(&text, text.n - 1);
			buf_addf(&text, ",\"%06x\":{\"%06x\":1}}", twice, twice);
			assert_int_equal(json_parse(&doc, buf_slice(&text), &json_limits_default, NULL), ERR_INVALID);
		}
	buf_free(&text);
}

static void decodes_strings(void **state)
{
	static const char *const rows[][2] = {
		{ "\"plain\"", "plain" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"\\ud83d\"", "\xef\xbf\xbd" },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx" },
		{ "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\"\\ud83d\\n\"", "\xef\xbf\xbd\n" },
		{ "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
					"A" },
		{ "\"\\\\u0041\"", "\\u0041" },
		{ "12.50", "12.50" },
		{ "true", "true" },
		{ "null", "" },
		{ " [1, \"a\\n\"] ", "[1, \"a\\n\"]" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct json v = parse(rows[i][0]);

		buf_reset(&out);
		json_text(v, &out);
		ASSERT_BUF(&out, rows[i][1]);
		ASSERT_SLICE(json_text_slice(v, &scratch), rows[i][1]);
		assert_int_equal(json_is(v, rows[i][1]), json_type(v) == JSON_STRING);
		assert_false(json_is(v, "something else"));
	}
	json_text(parse("\"a\\u0000b\""), &scratch);
	assert_memory_equal(scratch.p + scratch.n - 3, "a\0b", 3);
	buf_free(&out);
}

static void keeps_raw_text(void **state)
{
	struct json v = parse("{ \"s\" : \"a\\n\" , \"n\" : 1.10 , \"o\" : { \"x\" : [ ] } }");

	(void)state;
	ASSERT_SLICE(json_raw(json_get(v, "s")), "\"a\\n\"");
	ASSERT_SLICE(json_escaped_text(json_get(v, "s")), "a\\n");
	ASSERT_SLICE(json_escaped_text(json_get(v, "n")), "");
	ASSERT_SLICE(json_raw(json_get(v, "n")), "1.10");
	ASSERT_SLICE(json_raw(json_get(v, "o")), "{ \"x\" : [ ] }");
	ASSERT_SLICE(json_raw(json_get(v, "missing")), "");
	ASSERT_SLICE(json_text_slice(json_get(v, "missing"), &scratch), "");
}

static void reads_numbers(void **state)
{
	struct json v =
		parse("[0,-0,9223372036854775807,-9223372036854775808,9223372036854775808,1.0,1e3,1e999,0.1,\"5\","
		      "0.1000000000000000055511151231257827021181583404541015625000000000000000]");
	int64_t i = 42;
	double d = 42;

	(void)state;
	assert_true(json_i64(json_path(v, SLICE_LIT("0")), &i) && i == 0);
	assert_true(json_i64(json_path(v, SLICE_LIT("1")), &i) && i == 0);
	assert_true(json_i64(json_path(v, SLICE_LIT("2")), &i) && i == INT64_MAX);
	assert_true(json_i64(json_path(v, SLICE_LIT("3")), &i) && i == INT64_MIN);
	i = 42;
	assert_false(json_i64(json_path(v, SLICE_LIT("4")), &i));
	assert_false(json_i64(json_path(v, SLICE_LIT("5")), &i));
	assert_false(json_i64(json_path(v, SLICE_LIT("6")), &i));
	assert_false(json_i64(json_path(v, SLICE_LIT("9")), &i));
	assert_int_equal(i, 42);
	assert_true(json_double(json_path(v, SLICE_LIT("6")), &d) && d == 1000);
	assert_true(json_double(json_path(v, SLICE_LIT("8")), &d) && d == 0.1);
	assert_true(json_double(json_path(v, SLICE_LIT("10")), &d) && d == 0.1);
	assert_false(json_double(json_path(v, SLICE_LIT("7")), &d));
	assert_false(json_double(json_path(v, SLICE_LIT("9")), &d));
	assert_false(json_double(json_path(v, SLICE_LIT("99")), &d));
}

static void follows_paths(void **state)
{
	struct json v = parse("{\"a\":{\"b\":[10,{\"c\":\"deep\"},[]],\"1\":\"one\",\"k\\u0065y\":1},\"\":{\"\":2}}");

	(void)state;
	assert_true(json_is(json_path(v, SLICE_LIT("a.b.1.c")), "deep"));
	assert_true(json_is(json_path(v, SLICE_LIT("a.1")), "one"));
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a.b.2"))), JSON_ARRAY);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a.key"))), JSON_NUMBER);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("."))), JSON_NUMBER);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a.b.3"))), JSON_NONE);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a.b.-1"))), JSON_NONE);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a.b.x"))), JSON_NONE);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a.b.1.c.d"))), JSON_NONE);
	assert_int_equal(json_type(json_path(v, SLICE_LIT("a."))), JSON_NONE);
	assert_int_equal(json_type(json_path(v, slice_str(NULL))), JSON_OBJECT);
}

static void iterates(void **state)
{
	struct json_iter it = json_each(parse("[[1,2],{\"a\":[3]},4]"));

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(json_next(&it));
		assert_int_equal(it.index, i);
		assert_int_equal(json_type(it.key), JSON_NONE);
	}
	ASSERT_SLICE(json_raw(it.value), "4");
	assert_false(json_next(&it));
	assert_false(json_next(&it));
	it = json_each(parse("\"x\""));
	assert_false(json_next(&it));
	it = json_each((struct json){ 0 });
	assert_false(json_next(&it));
	it = json_each(parse("{\"k\":1}"));
	assert_true(json_next(&it));
	assert_true(json_is(it.key, "k"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_every_type),
		TEST(says_where_and_why),
		TEST(refuses_every_prefix),
		TEST(holds_its_limits),
		TEST(tolerates_one_trailing_comma_on_request),
		TEST(large_objects_are_searched_in_linear_time),
		TEST(duplicates_are_found_at_every_size),
		TEST(decodes_strings),
		TEST(keeps_raw_text),
		TEST(reads_numbers),
		TEST(follows_paths),
		TEST(iterates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
