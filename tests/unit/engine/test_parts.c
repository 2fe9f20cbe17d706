/*
 * The engine's small parts: half an answer (the other ones:
 * test_verdict.c), the codec of an attempt's detail, the numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/detail.h"
#include "engine/stats.h"
#include "engine/verdict.h"

#define NOW_MS INT64_C(784111777000)

static struct endpoint *plain_endpoint(void)
{
	static const struct slice text = SLICE_LIT("{\"url\":\"http://crm.example/\"}");
	struct endpoint_identity who = { .number = 1, .revision = 1, .owner = SLICE_LIT("p"), .id = SLICE_LIT("e") };
	struct json_doc doc;
	struct endpoint *ep = NULL;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, text, &json_limits_default, NULL), 0);
	assert_int_equal(endpoint_compile(json_root(&doc), &who, &ep, NULL), 0);
	json_doc_free(&doc);
	return ep;
}

/* A status and a broken connection: the answer was not whole, so it is no success. */
static void half_an_answer_is_none(void **state)
{
	struct endpoint *ep = plain_endpoint();
	struct http_answer a = { .failure = FAILURE_RESET, .status = 200 };

	(void)state;
	assert_int_equal(verdict_of(ep, &a, NOW_MS, 0).kind, VERDICT_RETRY);
	assert_int_equal(verdict_of(ep, &a, NOW_MS, 0).code, -FAILURE_RESET);
	endpoint_unref(&ep);
}

static void detail_round(void **state)
{
	struct attempt_detail in = { .duration_us = 1234567,
				     .timings = { -1, 0, 250, 3000, INT64_C(9000000000) },
				     .reason = SLICE_LIT("connection refused; is it running?"),
				     .headers = SLICE_LIT("Server: x\r\n"),
				     .body = { "a\0b", 3 },
				     .body_size = 70000 };
	struct attempt_detail out;
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	detail_encode(&in, &buf);
	assert_true(detail_decode(buf_slice(&buf), &out));
	assert_int_equal(out.duration_us, in.duration_us);
	assert_memory_equal(&out.timings, &in.timings, sizeof(in.timings));
	assert_true(slice_eq(out.reason, in.reason) && slice_eq(out.headers, in.headers) &&
		    slice_eq(out.body, in.body));
	assert_int_equal(out.body_size, in.body_size);
	for (size_t n = 0; n < buf.n; n++) /* cut anywhere, it is no detail */
		assert_false(detail_decode(slice_of(buf.p, n), &out));
	buf_add_char(&buf, 'x');
	assert_false(detail_decode(buf_slice(&buf), &out));
	buf.p[0] = 2;
	assert_false(detail_decode(buf_slice(&buf), &out));
	buf_free(&buf);
}

static void histogram(void **state)
{
	struct endpoint_stats *s = endpoint_stats_new();

	(void)state;
	stats_observe(&s->attempt, -5);
	stats_observe(&s->attempt, 1000); /* bounds belong to their bucket */
	stats_observe(&s->attempt, 1001);
	stats_observe(&s->attempt, INT64_C(90000000000));
	assert_int_equal(s->attempt.counts[0], 2);
	assert_int_equal(s->attempt.counts[1], 1);
	assert_int_equal(s->attempt.counts[STATS_BUCKETS - 1], 1);
	assert_int_equal(s->attempt.count, 4);
	endpoint_stats_unref(&s);
	assert_null(s);
}

static void codes(void **state)
{
	struct endpoint_stats *s = endpoint_stats_new();

	(void)state;
	stats_count_code(s, 200, 0);
	stats_count_code(s, 500, 1);
	stats_count_code(s, 200, 0);
	assert_int_equal(s->codes[0].code, 200);
	assert_int_equal(s->codes[0].counts[0], 2);
	assert_int_equal(s->codes[1].counts[1], 1);
	for (int code = 300; code < 350; code++)
		stats_count_code(s, code, 2);
	assert_int_equal(s->codes[STATS_CODES - 1].code, -FAILURE_INTERNAL);
	assert_int_equal(s->codes[STATS_CODES - 1].counts[2], 50 - (STATS_CODES - 3));
	endpoint_stats_unref(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(detail_round),
		cmocka_unit_test(histogram),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
