/*
 * Acknowledgements: whatever is doubtful is none. Each row is
 * an answer and the items of 1001, 1002, 1003 that it takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/mem.h"
#include "dialect/ack.h"

#define ITEMS 3

static struct event *status_event(const char *id)
{
	char text[200];
	struct json_doc doc;
	struct event *e;

	snprintf(text, sizeof(text), "{\"type\":\"send_status\",\"message\":{\"id\":\"%s\",\"status\":\"delivered\"}}",
		 id);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(text), &json_limits_default, NULL), 0);
	assert_int_equal(event_parse(json_root(&doc), SLICE_LIT("p"), 1000, &e, NULL), 0);
	json_doc_free(&doc);
	return e;
}

static struct endpoint *endpoint_with(const char *success)
{
	char text[400];
	struct json_doc doc;
	struct endpoint *ep;
	struct fault fault;
	struct endpoint_identity who = { .number = 1,
					 .revision = 1,
					 .owner = SLICE_LIT("p"),
					 .id = SLICE_LIT("e"),
					 .organization_id = SLICE_LIT("") };

	snprintf(text, sizeof(text), "{\"url\":\"http://example.org/\",\"success\":%s}", success);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(text), &json_limits_default, NULL), 0);
	if (endpoint_compile(json_root(&doc), &who, &ep, &fault) != 0)
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&doc);
	return ep;
}

struct answer {
	const char *body, *taken; /* "101": the first and the third */
	bool worthless;
	size_t foreign;
};

static void check(const char *success, const struct answer *rows, size_t count)
{
	struct endpoint *ep = endpoint_with(success);
	struct event *events[ITEMS] = { status_event("1001"), status_event("1002"), status_event("1003") };

	for (size_t i = 0; i < count; i++) {
		bool acked[ITEMS] = { true, true, true };
		char taken[ITEMS + 1] = "";
		struct ack_result result;
		struct buf reason;

		buf_init(&reason, 4096);
		result = ack_read(ep, events, ITEMS, slice_str(rows[i].body), acked, &reason);
		for (int k = 0; k < ITEMS; k++)
			taken[k] = acked[k] ? '1' : '0';
		if (strcmp(taken, rows[i].taken) != 0 || result.worthless != rows[i].worthless ||
		    result.foreign != rows[i].foreign)
			fail_msg("%s: takes %s, worthless %d, foreign %zu (%s)", rows[i].body, taken, result.worthless,
				 result.foreign, buf_str(&reason));
		/* Whoever is told less than everything is told why. */
		assert_int_equal(reason.n > 0, strcmp(taken, "111") != 0 || result.foreign > 0);
		buf_free(&reason);
	}
	for (int k = 0; k < ITEMS; k++)
		event_unref(&events[k]);
	endpoint_unref(&ep);
}
#define CHECK(success, rows) check((success), (rows), sizeof(rows) / sizeof((rows)[0]))

static void test_xml(void **state)
{
	static const struct answer rows[] = {
		{ "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<response>\n <id_sms>1001</id_sms>\n "
		  "<id_sms>1003</id_sms>\n</response>\n",
		  "101", false, 0 },
		{ "<response><id_sms>1001</id_sms><id_sms>1002</id_sms><id_sms>1003</id_sms></response>", "111", false,
		  0 },
		{ "\xEF\xBB\xBF<r><deep><id_sms> 1002\n</id_sms></deep></r>", "010", false, 0 },
		{ "<r><id_sms>1001</id_sms><id_sms>1001</id_sms></r>", "100", false, 0 },
		{ "<r><id_sms>10<!-- x -->01</id_sms><id_sms><![CDATA[1002]]></id_sms><id_sms>&#49;003</id_sms></r>",
		  "111", false, 0 },
		{ "<r><id_sms>7</id_sms><id_sms>1001</id_sms></r>", "100", false, 1 },
		{ "<r/>", "000", false, 0 },
		{ "<r><ID_SMS>1001</ID_SMS><id>1002</id></r>", "000", false, 0 },
		{ "", "000", true, 0 },
		{ "OK", "000", true, 0 },
		{ "<r><id_sms>1001</id_sms>", "000", true, 0 },
		{ "<r><id_sms>1001</id_sms></r>trailing", "000", true, 0 },
		{ "<!DOCTYPE r><r><id_sms>1001</id_sms></r>", "000", true, 0 },
		{ "<!DOCTYPE r [<!ENTITY a \"1001\">]><r><id_sms>&a;</id_sms></r>", "000", true, 0 },
		{ "<r><id_sms>1001</id_sms>&nbsp;</r>", "000", true, 0 },
		{ "<r><id_sms>1001</id_sms>\xff</r>", "000", true, 0 },
		{ "<id_sms>1001</id_sms>", "000", false, 0 }, /* the root itself is no id */
	};

	(void)state;
	CHECK("{\"ack\":\"ids_xml\"}", rows);
}

static void test_json(void **state)
{
	static const struct answer rows[] = {
		{ "[1001, 1003]", "101", false, 0 },
		{ "[\"1001\"]", "100", false, 0 },
		{ "[{\"id_sms\":1001},{\"id_sms\":\"1002\"}]", "110", false, 0 },
		{ "{\"id_sms\":[1001,1002,1003]}", "111", false, 0 },
		{ "{\"id_sms\":1002}", "010", false, 0 },
		{ "{\"response\":[1003]}", "001", false, 0 },
		{ "{\"response\":{\"id_sms\":[1003]}}", "001", false, 0 },
		{ "[1001, 42]", "100", false, 1 },
		{ "[]", "000", false, 0 },
		{ "{}", "000", false, 0 },
		{ "[1001", "000", true, 0 },
		{ "{\"id_sms\":[1001],\"id_sms\":[1002]}", "000", true, 0 },
		{ "", "000", true, 0 },
	};

	(void)state;
	CHECK("{\"ack\":\"ids_json\"}", rows);
}

static void test_bodies(void **state)
{
	static const struct answer equals[] = { { "ACK/Jasmin", "111", false, 0 },
						{ " ACK/Jasmin\r\n", "111", false, 0 },
						{ "ACK", "000", true, 0 },
						{ "", "000", true, 0 } };
	static const struct answer not_empty[] = { { "x", "111", false, 0 }, { "", "000", true, 0 } };
	static const struct answer none[] = { { "", "111", false, 0 }, { "anything", "111", false, 0 } };

	(void)state;
	CHECK("{\"ack\":\"body_equals\",\"body\":\"ACK/Jasmin\"}", equals);
	CHECK("{\"ack\":\"body_not_empty\"}", not_empty);
	CHECK("{}", none);
}

static void test_status(void **state)
{
	struct endpoint *strict = endpoint_with("{\"ack\":\"ids_xml\"}");
	struct endpoint *sloppy = endpoint_with("{\"ack\":\"ids_xml\",\"any_status\":true}");

	(void)state;
	assert_true(ack_status(strict, 200));
	assert_false(ack_status(strict, 500));
	assert_true(ack_status(sloppy, 500));
	endpoint_unref(&strict);
	endpoint_unref(&sloppy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests_name("ack", tests, NULL, NULL);
}
