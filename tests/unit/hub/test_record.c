/* Records: members, variables and lists of ids; what is saved is what is loaded, keys and due times included. */
#include "town.h"

static void is_stored(struct deed *d, void *ctx)
{
	struct record *r;

	(void)ctx;
	r = record_new(d, KIND_CONTACT, "CT1");
	assert_non_null(r);
	record_set_text(r, "name", SLICE_LIT("Åsa"));
	record_save(d, r);
	assert_non_null(record_load(d, KIND_CONTACT, SLICE_LIT("CT1")));
}

static void test_stored(void **state)
{
	town_do(*state, is_stored, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stored, town_begin, town_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
