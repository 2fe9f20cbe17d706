/* Parts and alphabets, with the limits of 3GPP TS 23.038 and 23.040. */
#include "hub/gsm.h"
#include "town.h"

#include <string.h>

static struct slice repeat(struct buf *b, const char *s, size_t times)
{
	buf_reset(b);
	while (times-- > 0)
		buf_add_str(b, s);
	return buf_slice(b);
}

static void test_alphabet(void **state)
{
	(void)state;
	assert_true(gsm_fits(SLICE_LIT("")));
	assert_true(gsm_fits(SLICE_LIT("Hej @$_ \r\n !\"#%&'()*+,-./ 09:;<=>? AZ az")));
	assert_true(gsm_fits(SLICE_LIT("£¥èéùìòÇØøÅåÆæßÉ¤¡ÄÖÑÜ§¿äöñüàΔΦΓΛΩΠΨΣΘΞ")));
	assert_true(gsm_fits(SLICE_LIT("^{}\\[~]|€\f")));
	/* the grave accent alone, tab, ç (only its capital is there), á, Cyrillic, an emoji */
	assert_false(gsm_fits(SLICE_LIT("`")));
	assert_false(gsm_fits(SLICE_LIT("a\tb")));
	assert_false(gsm_fits(SLICE_LIT("ç")));
	assert_false(gsm_fits(SLICE_LIT("á")));
	assert_false(gsm_fits(SLICE_LIT("Привет")));
	assert_false(gsm_fits(SLICE_LIT("ok \xf0\x9f\x99\x82")));
	assert_false(gsm_fits(slice_of("a\0b", 3)));
	assert_false(gsm_fits(SLICE_LIT("\x7f")));
}

static void test_parts(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_int_equal(gsm_parts(SLICE_LIT("")), 1);
	assert_int_equal(gsm_parts(repeat(&b, "x", 160)), 1);
	assert_int_equal(gsm_parts(repeat(&b, "x", 161)), 2);
	assert_int_equal(gsm_parts(repeat(&b, "x", 306)), 2);
	assert_int_equal(gsm_parts(repeat(&b, "x", 307)), 3);
	assert_int_equal(gsm_parts(repeat(&b, "€", 80)), 1);
	assert_int_equal(gsm_parts(repeat(&b, "€", 81)), 2);
	assert_int_equal(gsm_parts(repeat(&b, "ж", 70)), 1);
	assert_int_equal(gsm_parts(repeat(&b, "ж", 71)), 2);
	assert_int_equal(gsm_parts(repeat(&b, "ж", 134)), 2);
	assert_int_equal(gsm_parts(repeat(&b, "ж", 135)), 3);
	assert_int_equal(gsm_parts(repeat(&b, "\xf0\x9f\x99\x82", 35)), 1);
	assert_int_equal(gsm_parts(repeat(&b, "\xf0\x9f\x99\x82", 36)), 2);
	buf_free(&b);
}

/* 153 and 67 are odd: what takes two of them goes to the next part as a whole. */
static void test_nothing_is_split(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_int_equal(gsm_parts(repeat(&b, "€", 152)), 2); /* 76 a part, not 76.5 */
	assert_int_equal(gsm_parts(repeat(&b, "€", 153)), 3);
	assert_int_equal(gsm_parts(repeat(&b, "\xf0\x9f\x99\x82", 66)), 2); /* 33 a part */
	assert_int_equal(gsm_parts(repeat(&b, "\xf0\x9f\x99\x82", 67)), 3);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alphabet),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_nothing_is_split),
	};

	return cmocka_run_group_tests_name("gsm", tests, NULL, NULL);
}
