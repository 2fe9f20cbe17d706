/* Status maps: both shapes, the rules for what they do not name, and what they refuse. */
#include "settings.h"

static struct status_map *map_of(const char *text)
{
	struct status_map *m = NULL;
	struct fault fault;
	struct parsed p;

	if (status_map_compile(parsed_set(&p, text), &m, &fault) != 0)
		fail_msg("%s was refused: %s: %s", text, fault.param, fault.message);
	parsed_free(&p);
	return m;
}

/* expected NULL: no event is sent */
static void check(const struct status_map *m, const char *type, const char *status, bool simulated,
		  const char *expected)
{
	struct buf out;

	buf_init(&out, 1000);
	assert_int_equal(status_map_word(m, slice_str(type), slice_str(status), simulated, &out), expected != NULL);
	assert_string_equal(buf_str(&out), expected ? expected : "");
	buf_free(&out);
}

static void refused(const char *text, const char *param, const char *word)
{
	struct status_map *m = NULL;
	struct fault fault;
	struct parsed p;

	assert_int_equal(status_map_compile(parsed_set(&p, text), &m, &fault), ERR_INVALID);
	assert_string_equal(fault.param, param);
	if (!strstr(fault.message, word))
		fail_msg("%s: expected …%s…, got %s", text, word, fault.message);
	assert_null(m);
	parsed_free(&p);
}

static void test_no_map_passes_through(void **state)
{
	(void)state;
	check(NULL, "sms", "delivered", false, "delivered");
	check(NULL, "sms", "word of its own", true, "word of its own");
}

static void test_flat_map_counts_for_all_kinds(void **state)
{
	struct status_map *m = map_of("{'delivered':'OK','queued':null}");

	(void)state;
	check(m, "sms", "delivered", false, "OK");
	check(m, "call", "delivered", false, "OK");
	check(m, "sms", "queued", false, NULL);
	check(m, "sms", "failed", false, "failed"); /* without "*" others pass through */
	check(m, "sms", "delivered", true, "OK");   /* and simulated is nothing special */
	status_map_free(&m);
	assert_null(m);
}

static void test_kinds(void **state)
{
	struct status_map *m =
		map_of("{'sms':{'failed':'FAILURE','*':'UNKNOWN','simulated':'TEST'},'call':{'*':'NOTREACHED'}}");

	(void)state;
	check(m, "sms", "failed", false, "FAILURE");
	check(m, "sms", "whatever", false, "UNKNOWN");
	check(m, "sms", "", false, "UNKNOWN");
	check(m, "sms", "failed", true, "TEST");
	check(m, "call", "failed", false, "NOTREACHED");
	check(m, "call", "failed", true, "NOTREACHED");
	check(m, "mms", "failed", false, "FAILURE"); /* a kind not named is like sms */
	status_map_free(&m);

	m = map_of("{'sms':{'failed':'A'},'*':{'failed':'B','*':null}}");
	check(m, "sms", "failed", false, "A");
	check(m, "chat", "failed", false, "B");
	check(m, "chat", "sent", false, NULL);
	status_map_free(&m);

	m = map_of("{'call':{'failed':'A'}}");
	check(m, "sms", "failed", false, "failed");
	status_map_free(&m);

	m = map_of("{}");
	check(m, "sms", "failed", false, "failed");
	status_map_free(&m);
}

static void test_refusals(void **state)
{
	(void)state;
	refused("[]", "", "must be an object");
	refused("{'delivered':1}", "delivered", "must be a string, or null");
	refused("{'sms':{'delivered':true}}", "sms.delivered", "must be a string, or null");
	refused("{'sms':{},'delivered':'X'}", "", "mixes words and kinds");
	refused("{'delivered':'a\\u0001b'}", "delivered", "control characters");
	refused("{'':'x'}", "", "empty");
	refused("{'':{'delivered':'x'}}", "", "kind of message");
	/* a nested object is no word */
	refused("{'sms':{'delivered':{}}}", "sms.delivered", "must be a string, or null");
}

/* n members, each "NUMBER": value, as an object */
static char *many(int n, const char *value)
{
	struct buf text;

	buf_init(&text, 100000);
	for (int i = 0; i < n; i++)
		buf_addf(&text, "%s'%d':%s", i ? "," : "{", i, value);
	buf_add_char(&text, '}');
	return buf_take(&text);
}

static void test_bounds(void **state)
{
	char *words = many(64, "'x'"), *kinds = many(16, "{'*':'x'}");
	struct status_map *m = map_of(words);

	(void)state;
	check(m, "sms", "63", false, "x");
	status_map_free(&m);
	m = map_of(kinds);
	check(m, "15", "sent", false, "x");
	status_map_free(&m);
	mem_free(words);
	mem_free(kinds);
	words = many(65, "'x'");
	kinds = many(17, "{}");
	refused(words, "", "more than 64 words");
	refused(kinds, "", "more than 16 kinds");
	mem_free(words);
	mem_free(kinds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_map_passes_through),
		cmocka_unit_test(test_flat_map_counts_for_all_kinds),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
