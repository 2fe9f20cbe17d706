/* Traces: what is one, how it stays with an event unseen, and when a request carries it on. */
#include "dialect/request.h"
#include "dialect/trace.h"
#include "settings.h"

#define ONE   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define OTHER "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"
#define EVENT "{'type':'send_status','id':'e1','time':1,'message':{'id':'m1','status':'sent'}"

static void test_what_is_one(void **state)
{
	static const char *const bad[] = {
		"",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		ONE "-more",
		"01"
		"-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
		"01"
		"-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-a\r\nX: y",
	};

	(void)state;
	assert_true(trace_valid(SLICE_LIT(ONE)));
	assert_true(trace_valid(SLICE_LIT("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(trace_valid(slice_str(bad[i])));
}

static struct event *traced(const char *text, const char *header)
{
	struct fault fault = NO_FAULT;
	struct event *e = NULL;
	struct parsed p;

	if (event_parse_traced(parsed_set(&p, text), slice_str(header), SLICE_LIT("demo"), 5000, &e, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	parsed_free(&p);
	return e;
}

/* Kept over the store, and seen nowhere but in the request's header. */
static void test_kept_unseen(void **state)
{
	struct event *e = traced(EVENT "}", ONE), *loaded = NULL;
	struct buf shown;

	(void)state;
	assert_int_equal(event_load(e->text, SLICE_LIT("demo"), 1, 5000, &loaded), 0);
	assert_true(slice_is(trace_of(&loaded, 1), ONE));
	assert_int_equal(loaded->target, 0);
	assert_int_equal(loaded->doc.count, e->doc.count);
	buf_init(&shown, 10000);
	event_show(json_root(&loaded->doc), &shown);
	assert_null(strstr(buf_str(&shown), "4bf92f"));
	buf_free(&shown);
	event_unref(&loaded);
	event_unref(&e);
}

static void test_which_goes_on(void **state)
{
	struct event *plain = traced(EVENT "}", "no trace"), *one = traced(EVENT "}", ONE),
		     *other = traced(EVENT "}", OTHER);
	struct event *own = traced(EVENT ",'traceparent':'" OTHER "'}", ONE);
	struct event *wrong = traced(EVENT ",'traceparent':'mine'}", ONE);

	(void)state;
	assert_int_equal(trace_of(&plain, 1).n, 0);
	assert_true(slice_is(trace_of(&own, 1), OTHER));
	assert_true(slice_is(trace_of(&wrong, 1), ONE));
	assert_true(slice_is(trace_of((struct event *[]){ one, wrong }, 2), ONE));
	assert_int_equal(trace_of((struct event *[]){ one, other }, 2).n, 0);
	assert_int_equal(trace_of((struct event *[]){ one, plain }, 2).n, 0);
	event_unref(&plain);
	event_unref(&one);
	event_unref(&other);
	event_unref(&own);
	event_unref(&wrong);
}

static struct slice header_of(const char *settings, struct event *e, struct request *rq)
{
	struct endpoint *ep = endpoint_of(settings);
	struct fault fault = NO_FAULT;
	size_t taken;
	struct slice value = SLICE_LIT("");

	assert_int_equal(request_render(ep, &e, 1, false, 1, 1, rq, &taken, &fault), 0);
	for (size_t i = 0; i < rq->http.header_count; i++)
		if (slice_is(rq->http.headers[i].name, "traceparent"))
			value = rq->http.headers[i].value;
	endpoint_unref(&ep);
	return value;
}

static void test_in_the_request(void **state)
{
	struct event *e = traced(EVENT "}", ONE);
	struct request rq;

	(void)state;
	request_init(&rq);
	assert_true(slice_is(header_of("{'url':'https://a.example/'}", e, &rq), ONE));
	assert_null(memmem(rq.body.p, rq.body.n, "4bf92f", 6));
	assert_true(slice_is(header_of("{'url':'https://a.example/','headers':{'Traceparent':'mine'}}", e, &rq), ""));
	request_free(&rq);
	event_unref(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_one),
		cmocka_unit_test(test_kept_unseen),
		cmocka_unit_test(test_which_goes_on),
		cmocka_unit_test(test_in_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
