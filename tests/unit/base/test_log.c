/* Log lines as they arrive in a pipe. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "harness.h"

struct sink {
	int ends[2];
	struct log *log;
	char line[20000];
};

static int sink_open(void **state)
{
	struct sink *s = calloc(1, sizeof(*s));

	*state = s;
	if (!s || pipe(s->ends) != 0)
		return -1;
	s->log = log_new(s->ends[1], LOG_INFO);
	return 0;
}

static int sink_close(void **state)
{
	struct sink *s = *state;

	log_free(&s->log);
	assert_null(s->log);
	close(s->ends[0]);
	close(s->ends[1]);
	free(s);
	return 0;
}

/* What one read gets, without the time, whose shape is checked. */
static const char *written(struct sink *s)
{
	ssize_t n = read(s->ends[0], s->line, sizeof(s->line) - 1);

	assert_true(n > 26);
	s->line[n] = '\0';
	assert_int_equal(s->line[10], 'T');
	assert_int_equal(s->line[23], 'Z');
	assert_int_equal(s->line[24], ' ');
	return s->line + 25;
}

static void a_line_of_fields(void **state)
{
	struct sink *s = *state;

	log_info(s->log, "delivered", LOG_STR("endpoint", "crm"), LOG_INT("code", 200), LOG_INT("ms", -12));
	assert_string_equal(written(s), "info delivered endpoint=crm code=200 ms=-12\n");
	log_fields(s->log, LOG_ERROR, "stopped", NULL, 0);
	assert_string_equal(written(s), "error stopped\n");
}

static void strangers_cannot_forge_fields_or_lines(void **state)
{
	struct sink *s = *state;
	const char *nothing = NULL;

	log_warn(s->log, "odd", LOG_STR("a", "x code=200"), LOG_STR("b", "1\n2\x1b[2J\x7f"), LOG_STR("c", ""),
		 LOG_STR("d", "say \"\\\""), LOG_STR("e", nothing),
		 LOG_STR("f", "\xc2\x9b"
			      "31m\xff"),
		 LOG_STR("g", "gr\xc3\xbc\xc3\x9f"), LOG_SLICE("h", slice_of("a\0b", 3)));
	assert_string_equal(written(s),
			    "warn odd a=\"x code=200\" b=\"1\\x0a2\\x1b[2J\\x7f\" c=\"\" d=\"say \\\"\\\\\\\"\" e=\"\" "
			    "f=\"\\xc2\\x9b31m\\xff\" g=gr\xc3\xbc\xc3\x9f h=\"a\\x00b\"\n");
}

static void levels_below_are_silent(void **state)
{
	struct sink *s = *state;

	log_fields(s->log, LOG_DEBUG, "not seen", NULL, 0);
	log_info(NULL, "not seen", LOG_INT("a", 1));
	log_info(s->log, "seen", LOG_INT("a", 1));
	assert_string_equal(written(s), "info seen a=1\n");
}

static void long_values_are_cut_and_the_line_ends(void **state)
{
	struct sink *s = *state;
	struct log_field fields[40];
	static char large[5000];
	size_t n;

	memset(large, 1, sizeof(large) - 1);
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		fields[i] = LOG_STR("x", large);
	log_fields(s->log, LOG_INFO, "large", fields, COUNT_OF(fields));
	n = strlen(written(s));
	assert_in_range(n, 8000, 16384);
	assert_string_equal(s->line + 25 + n - 5, "\"...\n");
	assert_null(strchr(s->line, 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, sink_open, sink_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_of_fields),
		TEST(strangers_cannot_forge_fields_or_lines),
		TEST(levels_below_are_silent),
		TEST(long_values_are_cut_and_the_line_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
