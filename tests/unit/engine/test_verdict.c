/* What an answer means: the table of statuses, Retry-After, and the statuses that throttle. */
#include "../dialect/settings.h"

#include "engine/verdict.h"

#define NOW_MS 1547125300000

static struct verdict judge(const char *settings, int status, const char *headers)
{
	struct endpoint *ep = endpoint_of(settings);
	struct http_answer answer = { .status = status, .headers = slice_str(headers) };
	struct verdict v = verdict_of(ep, &answer, NOW_MS, 3600000);

	endpoint_unref(&ep);
	return v;
}

#define PLAIN "{'url':'https://h.example/'}"
#define STANDARD                                                                                                       \
	"{'url':'https://h.example/','preset':'standard-webhooks','secret':'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'}"

static void test_kinds(void **state)
{
	static const struct {
		int status;
		enum verdict_kind kind;
	} rows[] = { { 200, VERDICT_OK },    { 299, VERDICT_OK },    { 302, VERDICT_RETRY },   { 400, VERDICT_REFUSED },
		     { 404, VERDICT_RETRY }, { 410, VERDICT_GONE },  { 413, VERDICT_REFUSED }, { 422, VERDICT_REFUSED },
		     { 429, VERDICT_RETRY }, { 500, VERDICT_RETRY }, { 503, VERDICT_RETRY } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct verdict v = judge(PLAIN, rows[i].status, "");

		assert_int_equal(v.kind, rows[i].kind);
		assert_int_equal(v.code, rows[i].status);
		assert_false(v.throttle);
	}
}

/* Longer than we read: a success where only the status counts, worthless where the answer says what it takes. */
static void test_too_long(void **state)
{
	static const struct {
		const char *settings;
		int status;
		size_t body;
		enum verdict_kind kind;
	} rows[] = {
		{ PLAIN, 200, 262144, VERDICT_OK },
		{ PLAIN, 500, 262144, VERDICT_RETRY },
		{ PLAIN, 200, 0, VERDICT_RETRY }, /* its headers were too long */
		{ "{'url':'https://h.example/','preset':'webcom-status'}", 200, 262144, VERDICT_RETRY },
	};
	static char body[262144];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct endpoint *ep = endpoint_of(rows[i].settings);
		struct http_answer answer = { .failure = FAILURE_TOO_LARGE,
					      .status = rows[i].status,
					      .body = slice_of(body, rows[i].body) };
		struct verdict v = verdict_of(ep, &answer, NOW_MS, 0);

		assert_int_equal(v.kind, rows[i].kind);
		assert_int_equal(v.code, v.kind == VERDICT_OK ? 200 : -FAILURE_TOO_LARGE);
		endpoint_unref(&ep);
	}
}

/* The specification of Standard Webhooks: 410 disables; 429, 502 and 504 ask to slow down. */
static void test_throttle(void **state)
{
	static const int slow[] = { 429, 502, 504 }, not_slow[] = { 200, 404, 410, 500, 503 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(slow); i++) {
		assert_true(judge(STANDARD, slow[i], "").throttle);
		assert_int_equal(judge(STANDARD, slow[i], "").kind, VERDICT_RETRY);
	}
	for (size_t i = 0; i < COUNT_OF(not_slow); i++)
		assert_false(judge(STANDARD, not_slow[i], "").throttle);
	assert_int_equal(judge(STANDARD, 410, "").kind, VERDICT_GONE);
	assert_true(judge("{'url':'https://h.example/','throttle':{'statuses':'5xx'}}", 507, "").throttle);
	assert_false(
		judge("{'url':'https://h.example/','throttle':{'statuses':'4xx'},'success':{'statuses':['2xx','409']}}",
		      409, "")
			.throttle);
}

static void test_retry_after(void **state)
{
	(void)state;
	assert_int_equal(judge(PLAIN, 503, "Retry-After: 7\r\n").retry_after_ms, 7000);
	assert_int_equal(judge(PLAIN, 429, "Retry-After: 999999\r\n").retry_after_ms, 3600000);
	assert_int_equal(judge(PLAIN, 503, "Retry-After: Thu, 10 Jan 2019 13:01:50 GMT\r\n").retry_after_ms, 10000);
	assert_int_equal(judge(PLAIN, 502, "Retry-After: 7\r\n").retry_after_ms, 0);
	assert_int_equal(judge(STANDARD, 502, "Retry-After: 7\r\n").retry_after_ms, 7000);
	assert_int_equal(judge(PLAIN, 503, "").retry_after_ms, 0);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("{'url':'https://h.example/','throttle':{'statuses':'200'}}", "throttle.statuses", "4xx or 5xx");
	assert_refused("{'url':'https://h.example/','throttle':{'statuses':['429','x']}}", "throttle.statuses[1]",
		       "must be");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	    cmocka_unit_test(test_too_long), cmocka_unit_test(test_throttle),
		cmocka_unit_test(test_retry_after), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
