/* Numbers relative to a country: what can be said in E.164 and what cannot. */
#include "hub/e164.h"
#include "town.h"

static const struct {
	const char *number, *country, *wanted; /* NULL: cannot be */
} cases[] = {
	/* international, whatever the country */
	{ "+46701234567", "", "+46701234567" },
	{ "+46 (0)70-123 45 67", "US", "+46701234567" },
	{ "0046701234567", "SE", "+46701234567" },
	{ "0046701234567", "", "+46701234567" },
	{ "01146701234567", "US", "+46701234567" },
	{ "+88213000000", "", "+88213000000" },
	/* national, with and without the trunk prefix */
	{ "070-123 45 67", "SE", "+46701234567" },
	{ "701234567", "se", "+46701234567" },
	{ "(650) 555-0123", "US", "+16505550123" },
	{ "16505550123", "US", "+16505550123" },
	{ "6505550123", "CA", "+16505550123" },
	{ "20123456", "DK", "+4520123456" },
	{ "0612345678", "FR", "+33612345678" },
	{ "06301234567", "HU", "+36301234567" },
	{ "89161234567", "RU", "+79161234567" },
	{ "0612345678", "IT", "+390612345678" }, /* Italy's zero belongs to the number */
	{ "0712345678", "KE", "+254712345678" },
	{ "09171234567", "PH", "+639171234567" },
	{ "212345", "FO", "+298212345" },
	/* the plus was lost on the way */
	{ "46701234567", "SE", "+46701234567" },
	{ "4520123456", "DK", "+4520123456" },
	{ "254712345678", "KE", "+254712345678" },
	{ "79161234567", "RU", "+79161234567" },
	{ "45201234", "DK", "+4545201234" }, /* eight digits are a whole number there */
	/* none in the world */
	{ "Telerivet", "SE", NULL },
	{ "ACME46701234567", "SE", NULL },
	{ "71120", "SE", NULL },
	{ "123456", "US", NULL },
	{ "5550123", "US", NULL },
	{ "*101#", "SE", NULL },
	{ "701234567", "", NULL },
	{ "701234567", "ZZ", NULL },
	{ "+999123456789", "SE", NULL },
	{ "+4670123456789012", "SE", NULL },
	{ "+46", "SE", NULL },
	{ "", "SE", NULL },
	{ "+", "", NULL },
	{ "070123456789012345678901234567890", "SE", NULL },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		bool can;

		buf_init(&out, 100);
		can = e164_of(slice_str(cases[i].number), slice_str(cases[i].country), &out);
		if (can != (cases[i].wanted != NULL) || (can && strcmp(buf_str(&out), cases[i].wanted) != 0))
			fail_msg("%s in \"%s\": %s, not %s", cases[i].number, cases[i].country,
				 can ? buf_str(&out) : "none", cases[i].wanted ? cases[i].wanted : "none");
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
