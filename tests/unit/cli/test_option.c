/* Command lines as tables, and foreign text on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/option.h"
#include "base/terminal.h"

struct values {
	bool flag;
	const char *text, *positional[2];
	int64_t number, ms;
	double share;
};

static int read_line(struct values *v, struct fault *fault, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--flag", NULL, "a flag", OPTION_FLAG, &v->flag, 0, 0, NULL },
		{ "--text", "T", "a text", OPTION_TEXT, &v->text, 0, 0, "POSTRIDER_TEST_TEXT" },
		{ "--number", "N", "a number", OPTION_NUMBER, &v->number, 1, 9, NULL },
		{ "--time", "D", "a duration", OPTION_DURATION, &v->ms, 0, 0, NULL },
		{ "--share", "S", "a share", OPTION_SHARE, &v->share, 0, 0, NULL },
	};

	return options_read(rows, 5, argc, argv, v->positional, 2, fault);
}

#define READ(v, fault, ...)                                                                                            \
	({                                                                                                             \
		const char *const words_[] = { "cmd", __VA_ARGS__ };                                                   \
		read_line((v), (fault), (int)(sizeof(words_) / sizeof(words_[0])), (char **)(uintptr_t)words_);        \
	})

static void test_values(void **state)
{
	struct values v = { 0 };
	struct fault f;

	(void)state;
	assert_int_equal(READ(&v, &f, "one", "--flag", "--text", "--number", "--number=7", "--time", "250ms",
			      "--share=0.5", "--", "--two"),
			 0);
	assert_true(v.flag);
	assert_string_equal(v.text, "--number"); /* a value may begin with a dash */
	assert_int_equal(v.number, 7);
	assert_int_equal(v.ms, 250);
	assert_true(v.share == 0.5);
	assert_string_equal(v.positional[0], "one");
	assert_string_equal(v.positional[1], "--two");
	v = (struct values){ .number = 3 };
	assert_int_equal(READ(&v, &f, "--number=9", "-h", "--rubbish"), OPTIONS_HELP);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *word, *message;
	} rows[] = {
		{ "--nubmer", "there is no option --nubmer; --help lists them" },
		{ "--number", "--number needs a value: --number N" },
		{ "--number=0", "--number takes a number from 1 to 9, not '0'" },
		{ "--number=10", "--number takes a number from 1 to 9, not '10'" },
		{ "--number=", "--number takes a number from 1 to 9, not ''" },
		{ "--time=soon", "--time takes a duration, as 250ms, 10s, 5m, not 'soon'" },
		{ "--share=1.1", "--share takes a share from 0 to 1, as 0.1, not '1.1'" },
		{ "--share=nan", "--share takes a share from 0 to 1, as 0.1, not 'nan'" },
		{ "--flag=yes", "--flag takes no value, not 'yes'" },
	};
	struct values v = { 0 };
	struct fault f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(READ(&v, &f, rows[i].word), ERR_INVALID);
		assert_string_equal(f.message, rows[i].message);
	}
	assert_int_equal(READ(&v, &f, "a", "b", "c"), ERR_INVALID);
	assert_string_equal(f.message, "'c' is one argument too many; --help shows the usage");
}

static void test_environment(void **state)
{
	struct values v = { 0 };
	struct fault f;

	(void)state;
	setenv("POSTRIDER_TEST_TEXT", "from there", 1);
	assert_int_equal(READ(&v, &f, "--flag"), 0);
	assert_string_equal(v.text, "from there");
	assert_int_equal(READ(&v, &f, "--text=from here"), 0);
	assert_string_equal(v.text, "from here");
	unsetenv("POSTRIDER_TEST_TEXT");
}

static void test_terminal(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	terminal_add(
		&out,
		slice_str("a\x1b[31m\n\t\r\x7f\xc2\x9b \xe2\x80\xae \xef\xbb\xbf \xff\xc3 \xc3\xa5\xf0\x9f\x98\x80"));
	assert_string_equal(buf_str(&out),
			    "a\\x1b[31m\\n\\t\\r\\x7f\\u{9b} \\u{202e} \\u{feff} \\xff\\xc3 \xc3\xa5\xf0\x9f\x98\x80");
	buf_reset(&out);
	terminal_add(&out, slice_of("\0", 1));
	assert_string_equal(buf_str(&out), "\\x00");
	buf_reset(&out);
	terminal_add_lines(&out, slice_str("one\r\n\ttwo\x07\n\nthree"), "> ");
	assert_string_equal(buf_str(&out), "> one\n> \ttwo\\x07\n> \n> three");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
