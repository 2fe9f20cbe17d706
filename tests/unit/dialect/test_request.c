/* Whole requests: the seeds' own examples, batches, trimming, delivery ids, headers and signatures. */
#include "settings.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/text.h"
#include "dialect/request.h"
#include "dialect/sign.h"

#define NOW 1547125300

static struct event *sms(const char *id, const char *to, long sent, const char *more)
{
	char text[2000];

	snprintf(text, sizeof(text),
		 "{'type':'send_status','id':'evt-%s','time':1,'message':{'id':%s,'status':'delivered','to_number':'%s'"
		 ",'time_sent':%ld%s}}",
		 id, id, to, sent, more);
	return event_of(text);
}

/* The three events of the seeds' example. */
static void three(struct event *ret[3])
{
	ret[0] = sms("1000007", "46710000123", 1547125200, "");
	ret[1] = sms("1000088", "46710000456", 1547125204, "");
	ret[2] = sms("1000105", "46710000789", 1547125211, "");
}

static void unref_all(struct event **events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		event_unref(&events[i]);
}

static void render(struct endpoint *ep, struct event *const *events, size_t count, bool trim, struct request *rq,
		   size_t *taken)
{
	struct fault fault;

	if (request_render(ep, events, count, trim, 1, NOW, rq, taken, &fault) != 0)
		fail_msg("%s: %s", fault.param, fault.message);
}

static void assert_text(struct slice got, const char *expected)
{
	char *want = quoted(expected);

	if (!slice_is(got, want))
		fail_msg("expected %s\ngot      %.*s", want, SLICE_ARG(got));
	mem_free(want);
}

/* The body of `count` of the three events at an endpoint of these settings. */
static void check_body(const char *settings, size_t count, size_t expected_taken, const char *expected)
{
	struct endpoint *ep = endpoint_of(settings);
	struct event *events[3];
	struct request rq;
	size_t taken;

	three(events);
	request_init(&rq);
	render(ep, events, count, true, &rq, &taken);
	assert_int_equal(taken, expected_taken);
	assert_text(rq.http.body, expected);
	assert_int_equal(rq.http.method, HTTP_POST);
	request_free(&rq);
	unref_all(events, 3);
	endpoint_unref(&ep);
}

#define URL "'url':'https://push.company.org/r'"
#define EXAMPLE                                                                                                        \
	"'content_type':'json','body':'{\\'id\\':{ID},\\'to\\':\\'{RECIPIENT}\\',\\'when\\':\\'{SENT_DATEISO}\\'}'"
#define ITEM_1 "{'id':1000007,'to':'46710000123','when':'2019-01-10T13:00:00Z'}"
#define ITEM_2 "{'id':1000088,'to':'46710000456','when':'2019-01-10T13:00:04Z'}"
#define ITEM_3 "{'id':1000105,'to':'46710000789','when':'2019-01-10T13:00:11Z'}"

static void test_examples_of_the_seeds(void **state)
{
	(void)state;
	check_body("{" URL "," EXAMPLE ",'batch':{'max_items':3}}", 3, 3,
		   "{'batch':[" ITEM_1 "," ITEM_2 "," ITEM_3 "]}");
	check_body("{" URL "," EXAMPLE "}", 1, 1, ITEM_1);
	check_body("{" URL "," EXAMPLE ",'batch':{'max_items':3}}", 1, 1, "{'batch':[" ITEM_1 "]}"); /* W7 */
	check_body("{" URL
		   ",'content_type':'json','body':'{\\'id\\':{ID},\\'UUID\\':\\'{3}\\',\\'unixtime\\':{DONE_UNIXTIME},"
		   "\\'recipient status\\':\\'{RECIPIENT_STATUS}\\'}'}",
		   1, 1, "{'id':1000007,'UUID':'','unixtime':null,'recipient status':''}");
}

static void test_get(void **state)
{
	struct endpoint *ep = endpoint_of(
		"{'url':'https://push.company.org/receiver.php?contact={RID}&id={ID}&to={RECIPIENT}&status={STATUS}',"
		"'preset':'wiraya-push','method':'GET'}");
	struct event *e = sms("1000007", "46710000123", 1547125200, ",'recipient_id':'991'");
	struct request rq;
	size_t taken;

	(void)state;
	request_init(&rq);
	render(ep, &e, 1, true, &rq, &taken);
	assert_int_equal(rq.http.method, HTTP_GET);
	assert_text(rq.http.url,
		    "https://push.company.org/receiver.php?contact=991&id=1000007&to=46710000123&status=DELIVERED");
	assert_int_equal(rq.http.body.n, 0);
	assert_int_equal(taken, 1);
	for (size_t i = 0; i < rq.http.header_count; i++)
		assert_false(slice_eq_nocase(rq.http.headers[i].name, SLICE_LIT("content-type")));
	request_free(&rq);
	event_unref(&e);
	endpoint_unref(&ep);
}

static void test_xml_batch(void **state)
{
	(void)state;
	check_body("{" URL ",'content_type':'xml','body':'<?xml version=\\'1.0\\'?>\\n<sms "
		   "id=\\'{ID}\\'/>','batch':{'max_items':2}}",
		   2, 2, "<?xml version='1.0' encoding='UTF-8'?><batch><sms id='1000007'/><sms id='1000088'/></batch>");
	check_body("{" URL ",'content_type':'xml','body':'<?xml version=\\'1.0\\'?>\\n<sms id=\\'{ID}\\'/>'}", 1, 1,
		   "<?xml version='1.0'?>\n<sms id='1000007'/>");
}

#define EVENT_1                                                                                                        \
	"{'type':'send_status','id':'evt-1000007','time':1,'origin':'platform','message':{'id':1000007,'status':'"     \
	"delivered',"                                                                                                  \
	"'to_number':'46710000123','time_sent':1547125200}}"

static void test_event_json(void **state)
{
	(void)state;
	check_body("{" URL ",'content_type':'event_json'}", 1, 1, EVENT_1);
	check_body("{" URL ",'content_type':'event_json','batch':{'max_items':5}}", 1, 1, "{'batch':[" EVENT_1 "]}");
}

/* The limit counts the whole body; the item that passes it waits, and the first one goes whatever its size. */
static void test_trim(void **state)
{
	struct endpoint *ep;
	struct event *events[3];
	struct request rq;
	size_t one = sizeof(ITEM_1) - 1, wrap = sizeof("{'batch':[]}") - 1, taken;
	char settings[500];

	(void)state;
	three(events);
	request_init(&rq);
	for (size_t items = 1; items <= 3; items++) {
		size_t exact = wrap + items * one + items - 1;

		for (size_t limit = exact; limit <= exact + 1 && items < 3; limit++) {
			snprintf(settings, sizeof(settings), "{" URL "," EXAMPLE ",'batch':{'max_items':3}}");
			ep = endpoint_of(settings);
			ep->batch.max_bytes = limit;
			render(ep, events, 3, true, &rq, &taken);
			assert_int_equal(taken, items);
			assert_int_equal(rq.http.body.n, exact);
			ep->batch.max_bytes = limit - (limit - exact) - 1;
			render(ep, events, 3, true, &rq, &taken);
			assert_int_equal(taken, items > 1 ? items - 1 : 1);
			render(ep, events, 3, false, &rq, &taken); /* a retry takes them all */
			assert_int_equal(taken, 3);
			endpoint_unref(&ep);
		}
	}
	request_free(&rq);
	unref_all(events, 3);
}

/* The id in the body is that of what really went, and the header's. */
static void test_delivery_in_body(void **state)
{
	struct endpoint *ep = endpoint_of(
		"{" URL ",'content_type':'json','body':'[{DELIVERY_ID},{ATTEMPT},{ID}]','batch':{'max_items':3}}");
	struct event *events[3];
	struct request rq;
	size_t taken;
	char expected[500], id[DELIVERY_ID_BYTES];

	(void)state;
	three(events);
	request_init(&rq);
	ep->batch.max_bytes = 130;
	render(ep, events, 3, true, &rq, &taken);
	assert_int_equal(taken, 2);
	delivery_id(ep, events, 2, id);
	assert_string_equal(rq.delivery_id, id);
	snprintf(expected, sizeof(expected), "{'batch':[['%s',1,1000007],['%s',1,1000088]]}", id, id);
	assert_text(rq.http.body, expected);
	request_free(&rq);
	unref_all(events, 3);
	endpoint_unref(&ep);
}

static void test_delivery_id(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL "}");
	struct event *events[3];
	char a[DELIVERY_ID_BYTES], b[DELIVERY_ID_BYTES];

	(void)state;
	three(events);
	delivery_id(ep, events, 2, a);
	assert_int_equal(strlen(a), 33);
	assert_int_equal(a[0], 'd');
	delivery_id(ep, events, 2, b);
	assert_string_equal(a, b);
	delivery_id(ep, events, 1, b);
	assert_string_not_equal(a, b);
	delivery_id(ep, events + 1, 2, b);
	assert_string_not_equal(a, b);
	ep->of_organization = true;
	delivery_id(ep, events, 2, b);
	assert_string_not_equal(a, b);
	unref_all(events, 3);
	endpoint_unref(&ep);
}

static void assert_header(const struct request *rq, size_t i, const char *name, const char *value)
{
	assert_true(i < rq->http.header_count);
	assert_text(rq->http.headers[i].name, name);
	assert_text(rq->http.headers[i].value, value);
}

static void test_headers(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL "," EXAMPLE ",'headers':{'X-Tenant':'42','X-Name':'{1}'}}");
	struct event *e = sms("1", "2", 3, ",'fields':['Anna']");
	struct request rq;
	struct fault fault;
	size_t taken;

	(void)state;
	request_init(&rq);
	assert_int_equal(request_render(ep, &e, 1, true, 7, NOW, &rq, &taken, &fault), 0);
	assert_int_equal(rq.http.header_count, 7);
	assert_header(&rq, 0, "Content-Type", "application/json; charset=utf-8");
	assert_header(&rq, 1, "User-Agent", "postrider/" POSTRIDER_VERSION);
	assert_header(&rq, 2, "X-Tenant", "42");
	assert_header(&rq, 3, "X-Name", "Anna");
	assert_header(&rq, 4, "webhook-id", rq.delivery_id);
	assert_header(&rq, 5, "webhook-timestamp", "1547125300");
	assert_header(&rq, 6, "webhook-attempt", "7");
	endpoint_unref(&ep);

	ep = endpoint_of("{" URL "," EXAMPLE ",'headers_extra':false,'headers':{'content-type':'text/x'}}");
	assert_int_equal(request_render(ep, &e, 1, true, 7, NOW, &rq, &taken, &fault), 0);
	assert_int_equal(rq.http.header_count, 2);
	assert_header(&rq, 0, "User-Agent", "postrider/" POSTRIDER_VERSION);
	assert_header(&rq, 1, "content-type", "text/x");
	request_free(&rq);
	event_unref(&e);
	endpoint_unref(&ep);
}

static void check_fails(const char *settings, const char *fields, const char *param, const char *word)
{
	struct endpoint *ep = endpoint_of(settings);
	struct event *e = sms("1", "2", 3, fields);
	struct request rq;
	struct fault fault = { 0 };
	size_t taken = 99;

	request_init(&rq);
	assert_int_equal(request_render(ep, &e, 1, true, 1, NOW, &rq, &taken, &fault), ERR_INVALID);
	assert_int_equal(taken, 0);
	assert_string_equal(fault.param, param);
	assert_non_null(strstr(fault.message, word));
	request_free(&rq);
	event_unref(&e);
	endpoint_unref(&ep);
}

/* W17: what cannot be rendered says why, for the dead letter. */
static void test_failures(void **state)
{
	(void)state;
	check_fails("{" URL "," EXAMPLE ",'headers':{'X-Name':'{1}'}}", ",'fields':['a\\r\\nb']", "headers.X-Name",
		    "line break");
	check_fails("{'url':'https://h.example/{1}/'," EXAMPLE "}", ",'fields':['..']", "url", "segment");
}

/* The example of the Standard Webhooks specification's reference libraries. */
static void test_signature(void **state)
{
	char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", broken[] = "whsec_MfKQ9r8GKYq=TwjU",
	     bare[] = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	char *one[2] = { secret, NULL }, *two[2] = { secret, secret }, *bad[2] = { broken, NULL },
	     *none[2] = { bare, NULL };
	struct slice id = SLICE_LIT("msg_p5jXN8AQM9LWM0D4loKWxJek"), body = SLICE_LIT("{\"test\": 2432232314}");
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_true(sign_standard(one, id, 1614265330, body, &out));
	assert_text(buf_slice(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	buf_reset(&out);
	assert_true(sign_standard(two, id, 1614265330, body, &out));
	assert_text(buf_slice(&out),
		    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	assert_false(sign_standard(bad, id, 1614265330, body, &out));
	assert_false(sign_standard(none, id, 1614265330, body, &out));
	buf_free(&out);
}

static void test_signed_request(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL ",'preset':'standard-webhooks','headers_extra':false,"
					  "'secret':'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'}");
	struct event *e = sms("1", "2", 3, "");
	struct request rq;
	struct buf want;
	size_t taken;

	(void)state;
	request_init(&rq);
	buf_init(&want, 1000);
	render(ep, &e, 1, true, &rq, &taken);
	assert_int_equal(rq.http.header_count, 5);
	assert_header(&rq, 2, "webhook-id", rq.delivery_id);
	assert_header(&rq, 3, "webhook-timestamp", "1547125300");
	assert_true(sign_standard(ep->secrets, slice_str(rq.delivery_id), NOW, e->text, &want));
	assert_header(&rq, 4, "webhook-signature", buf_str(&want));
	buf_free(&want);
	request_free(&rq);
	event_unref(&e);
	endpoint_unref(&ep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples_of_the_seeds),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_xml_batch),
		cmocka_unit_test(test_event_json),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_delivery_in_body),
		cmocka_unit_test(test_delivery_id),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_signed_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
