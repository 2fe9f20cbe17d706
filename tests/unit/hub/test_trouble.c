/* When somebody is told of failing endpoints, by a clock that the test moves, and what the mail says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "hub/trouble.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define START  INT64_C(1763806210000) /* 2025-11-22 10:10:10 UTC */

static struct endpoint *endpoint(uint64_t number, const char *owner, const char *id)
{
	static const char settings[] = "{\"url\":\"http://crm.example.org/hook?key=SECRET\",\"preset\":\"telerivet\"}";
	struct endpoint_identity who = {
		.number = number, .revision = 1, .owner = slice_str(owner), .id = slice_str(id)
	};
	struct fault fault = NO_FAULT;
	struct endpoint *ep = NULL;
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(settings), &json_limits_default, NULL), 0);
	who.internal = id[0] == '_';
	if (endpoint_compile(json_root(&doc), &who, &ep, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&doc);
	return ep;
}

static bool fails(struct troubles *t, const struct endpoint *ep, int64_t now_ms)
{
	return troubles_note(t, ep, false, 503, SLICE_LIT("it answered 503"), now_ms);
}

static bool works(struct troubles *t, const struct endpoint *ep, int64_t now_ms)
{
	return troubles_note(t, ep, true, 200, SLICE_LIT(""), now_ms);
}

static void expect_nothing(struct troubles *t, int64_t now_ms)
{
	struct trouble_letter l;

	assert_false(troubles_take(t, now_ms, &l));
}

static void expect(struct troubles *t, int64_t now_ms, enum trouble_what what, uint32_t failures)
{
	struct trouble_letter l;

	assert_true(troubles_take(t, now_ms, &l));
	assert_int_equal(l.count, 1);
	assert_int_equal(l.news[0].what, what);
	assert_int_equal(l.news[0].failures, failures);
	trouble_letter_free(&l);
	expect_nothing(t, now_ms);
}

static void told_once(void **state)
{
	struct troubles *t = troubles_new(HOUR);
	struct endpoint *ep = endpoint(1, "shop", "crm");

	(void)state;
	expect_nothing(t, START);
	assert_int_equal(troubles_next(t), INT64_MAX);
	assert_true(fails(t, ep, START));
	assert_int_equal(troubles_next(t), START);
	expect(t, START, TROUBLE_BEGINS, 1);
	for (int i = 1; i <= 90; i++) {
		assert_false(fails(t, ep, START + i * MINUTE / 2));
		expect_nothing(t, START + i * MINUTE / 2);
	}
	assert_int_equal(troubles_next(t), START + HOUR);
	expect(t, START + HOUR, TROUBLE_GOES_ON, 90);
	/* nothing new: silence */
	expect_nothing(t, START + 2 * HOUR);
	assert_true(works(t, ep, START + 3 * HOUR));
	expect(t, START + 3 * HOUR, TROUBLE_RECOVERS, 0);
	expect_nothing(t, START + 4 * HOUR);
	assert_int_equal(troubles_next(t), INT64_MAX); /* forgotten */
	assert_true(fails(t, ep, START + 5 * HOUR));
	expect(t, START + 5 * HOUR, TROUBLE_BEGINS, 1);
	endpoint_unref(&ep);
	troubles_free(&t);
}

/* An endpoint that flaps causes two mails a digest at most, and no mail stands uncorrected. */
static void flapping(void **state)
{
	struct troubles *t = troubles_new(HOUR);
	struct endpoint *ep = endpoint(1, "shop", "crm");
	struct trouble_letter l;
	int mails = 0;

	(void)state;
	for (int64_t now = START; now < START + 3 * HOUR; now += MINUTE) {
		if ((now / MINUTE) % 2)
			fails(t, ep, now);
		else
			works(t, ep, now);
		if (troubles_take(t, now, &l)) {
			mails++;
			trouble_letter_free(&l);
		}
	}
	assert_in_range(mails, 3, 6);
	works(t, ep, START + 3 * HOUR);
	while (troubles_take(t, START + 5 * HOUR, &l))
		trouble_letter_free(&l);
	/* what comes and goes between two mails is told with the digest, once */
	fails(t, ep, START + 10 * HOUR);
	expect(t, START + 10 * HOUR, TROUBLE_BEGINS, 1);
	works(t, ep, START + 10 * HOUR + MINUTE);
	expect(t, START + 10 * HOUR + MINUTE, TROUBLE_RECOVERS, 0);
	for (int i = 2; i < 6; i++)
		troubles_note(t, ep, i % 2, 503, SLICE_LIT(""), START + 10 * HOUR + i * MINUTE);
	expect_nothing(t, START + 11 * HOUR - 1);
	expect(t, START + 11 * HOUR, TROUBLE_PASSED, 2);
	expect_nothing(t, START + 13 * HOUR);
	endpoint_unref(&ep);
	troubles_free(&t);
}

/* It recovers and fails again before anybody was told that it recovered: the digest still holds. */
static void fails_again_at_once(void **state)
{
	struct troubles *t = troubles_new(HOUR);
	struct endpoint *ep = endpoint(1, "shop", "crm");

	(void)state;
	fails(t, ep, START);
	expect(t, START, TROUBLE_BEGINS, 1);
	fails(t, ep, START + MINUTE);
	works(t, ep, START + 2 * MINUTE);
	fails(t, ep, START + 2 * MINUTE);
	expect_nothing(t, START + 3 * MINUTE);
	expect(t, START + HOUR, TROUBLE_GOES_ON, 2);
	endpoint_unref(&ep);
	troubles_free(&t);
}

static void together(void **state)
{
	struct troubles *t = troubles_new(HOUR);
	struct endpoint *eps[30], *other = endpoint(99, "bank", "crm");
	struct trouble_letter l;
	char id[16];

	(void)state;
	for (uint64_t i = 0; i < 30; i++) {
		snprintf(id, sizeof(id), "e%u", (unsigned)i);
		eps[i] = endpoint(i + 1, "shop", id);
		fails(t, eps[i], START + (int64_t)i);
	}
	fails(t, other, START + 5);
	assert_true(troubles_take(t, START + 100, &l));
	assert_int_equal(l.count, TROUBLES_NAMED);
	assert_int_equal(l.more, 30 - TROUBLES_NAMED);
	assert_string_equal(l.news[0].endpoint->id, "e0");
	for (size_t i = 0; i < l.count; i++)
		assert_string_equal(l.news[i].endpoint->owner, "shop");
	trouble_letter_free(&l);
	assert_true(troubles_take(t, START + 100, &l));
	assert_int_equal(l.count, 1);
	assert_string_equal(l.news[0].endpoint->owner, "bank");
	trouble_letter_free(&l);
	expect_nothing(t, START + 100);
	for (int i = 0; i < 30; i++)
		endpoint_unref(&eps[i]);
	endpoint_unref(&other);
	troubles_free(&t);
}

static void bounded(void **state)
{
	struct troubles *t = troubles_new(HOUR);
	struct endpoint *ep = endpoint(1, "shop", "crm");
	struct trouble_letter l;
	size_t named = 0;

	(void)state;
	for (uint64_t i = 0; i < TROUBLES_MAX + 5; i++) {
		struct endpoint *one = endpoint(i + 10, "shop", "e");

		fails(t, one, START);
		endpoint_unref(&one);
	}
	assert_int_equal(troubles_left_out(t), 5);
	assert_int_equal(troubles_left_out(t), 0);
	while (troubles_take(t, START, &l)) {
		named += l.count + l.more;
		trouble_letter_free(&l);
	}
	assert_int_equal(named, TROUBLES_MAX);
	/* those that were heard of last a week ago make room */
	expect_nothing(t, START + 8 * 24 * HOUR);
	assert_true(fails(t, ep, START + 8 * 24 * HOUR));
	expect(t, START + 8 * 24 * HOUR, TROUBLE_BEGINS, 1);
	endpoint_unref(&ep);
	troubles_free(&t);
}

/* --- the text --- */

static bool name_of(void *ctx, struct slice id, struct buf *out)
{
	(void)ctx;
	if (!slice_is(id, "SV1") && !slice_is(id, "my.own"))
		return false;
	buf_add_str(out, "Orders");
	return true;
}

static void write_mail(struct troubles *t, const char *project, int64_t now_ms, struct buf *subject, struct buf *text)
{
	struct trouble_writer w = { .public_url = "https://p.example.org", .name = name_of };
	struct trouble_letter l;
	struct json_doc doc;

	buf_init(subject, 1000);
	buf_init(text, 100000);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(project), &json_limits_default, NULL), 0);
	w.project = json_root(&doc);
	assert_true(troubles_take(t, now_ms, &l));
	trouble_mail(&w, &l, subject, text);
	trouble_letter_free(&l);
	json_doc_free(&doc);
}

static void assert_has(const struct buf *b, const char *part)
{
	if (!strstr(buf_str(b), part))
		fail_msg("no \"%s\" in:\n%s", part, buf_str(b));
}

static void text_of_one(void **state)
{
	struct troubles *t = troubles_new(HOUR);
	struct endpoint *ep = endpoint(1, "shop", "crm");
	struct buf subject, text;

	(void)state;
	fails(t, ep, START);
	fails(t, ep, START + 5000);
	write_mail(t, "{\"name\":\"Åsa & Co\",\"timezone\":\"Europe/Berlin\"}", START + 6000, &subject, &text);
	assert_string_equal(buf_str(&subject), "[Åsa & Co] endpoint \"crm\" is failing");
	assert_has(&text, "Endpoint \"crm\" is failing.");
	assert_has(&text, "URL: http://crm.example.org/hook\n");
	assert_has(&text, "Failing since: 2025-11-22 11:10:10 (Europe/Berlin)\n");
	assert_has(&text, "Last failure: 2025-11-22 11:10:15\n");
	assert_has(&text, "Failed attempts: 2 times\n");
	assert_has(&text, "503");
	assert_has(&text, "https://p.example.org/v1/projects/shop/attempts?endpoint_id=crm\n");
	assert_null(strstr(buf_str(&text), "SECRET"));
	buf_free(&subject);
	buf_free(&text);
	works(t, ep, START + 7000);
	write_mail(t, "{}", START + 7000, &subject, &text);
	assert_string_equal(buf_str(&subject), "[shop] endpoint \"crm\" works again");
	assert_has(&text, "(UTC)");
	buf_free(&subject);
	buf_free(&text);
	endpoint_unref(&ep);
	troubles_free(&t);
}

static void text_of_internal(void **state)
{
	static const struct {
		const char *id, *what;
	} rows[] = {
		{ "_service.SV1", "service \"Orders\" (SV1) is failing" },
		{ "_action.SV1.abc", "a rule of service \"Orders\" (SV1) is failing" },
		{ "_service.my.own", "service \"Orders\" (my.own) is failing" },
		{ "_action.my.own.abc", "a rule of service \"Orders\" (my.own) is failing" },
		{ "_route.my.phone", "phone \"my.phone\" is failing" },
		{ "_route.PN9", "phone \"PN9\" is failing" },
		{ "_status.abc", "the status_url at http://crm.example.org/hook is failing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct troubles *t = troubles_new(HOUR);
		struct endpoint *ep = endpoint(1, "shop", rows[i].id);
		struct buf subject, text;

		fails(t, ep, START);
		write_mail(t, "{\"name\":\"S\"}", START, &subject, &text);
		assert_has(&subject, rows[i].what);
		assert_null(strstr(buf_str(&text), "/attempts"));
		buf_free(&subject);
		buf_free(&text);
		endpoint_unref(&ep);
		troubles_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_once),	    cmocka_unit_test(flapping), cmocka_unit_test(fails_again_at_once),
		cmocka_unit_test(together),	    cmocka_unit_test(bounded),	cmocka_unit_test(text_of_one),
		cmocka_unit_test(text_of_internal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
