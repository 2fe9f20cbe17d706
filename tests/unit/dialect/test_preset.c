/* The presets of this binary say what api.md and wiraya.md say, and a wrong preset file is found. */
#include <stdio.h>

#include "dialect/preset.h"
#include "settings.h"

static void word_is(const struct endpoint *ep, const char *type, const char *status, bool simulated,
		    const char *expected)
{
	struct buf out;
	bool sent;

	buf_init(&out, 100);
	sent = status_map_word(ep->statuses, slice_str(type), slice_str(status), simulated, &out);
	if (sent != (expected != NULL) || (sent && strcmp(buf_str(&out), expected) != 0))
		fail_msg("%s %s: expected %s, got %s", type, status, expected ? expected : "no event",
			 sent ? buf_str(&out) : "no event");
	buf_free(&out);
}

static void test_all_are_sound(void **state)
{
	struct fault fault = { .message = "" };
	size_t count = 0;

	(void)state;
	if (preset_check_all(&fault) != 0)
		fail_msg("%s: %s", fault.param, fault.message);
	while (preset_name(count))
		count++;
	assert_int_equal(count, 22);
	assert_null(preset_name(count + 5));
}

static void test_find(void **state)
{
	struct slice text;

	(void)state;
	assert_true(preset_find(SLICE_LIT("wiraya-push"), &text));
	assert_int_equal(text.p[0], '{');
	assert_int_equal(text.p[text.n - 1], '\n');
	assert_false(preset_find(SLICE_LIT("wiraya"), &text));
	assert_false(preset_find(SLICE_LIT(""), &text));
}

/* event.md, the two columns of Wiraya: {sms, call}; "" is `(no event)`. */
static const struct {
	const char *status, *sms, *call;
} columns[] = {
	{ "queued", "", "" },
	{ "sent", "", "" },
	{ "delivered", "DELIVERED", "DELIVERED" },
	{ "read", "DELIVERED", "NOTREACHED" },
	{ "partly_delivered", "DELIVERED", "NOTREACHED" },
	{ "not_delivered", "NOT_DELIVERED", "NOTREACHED" },
	{ "expired", "NOT_DELIVERED", "NOTREACHED" },
	{ "failed", "FAILURE", "NOTREACHED" },
	{ "failed_queued", "", "NEXTATTEMPT" },
	{ "cancelled", "FAILURE", "NOTREACHED" },
	{ "next_attempt", "UNKNOWN", "NEXTATTEMPT" },
	{ "not_reached", "UNKNOWN", "NOTREACHED" },
	{ "incorrect_number", "NOT_DELIVERED", "INCORRECTNUMBER" },
	{ "opted_out", "OPTOUT", "OPTOUT" },
	{ "not_whitelisted", "NOT_WHITELISTED", "NOTREACHED" },
	{ "spam", "SPAM", "SPAM" },
	{ "unknown", "UNKNOWN", "NOTREACHED" },
	{ "a word nobody knows", "UNKNOWN", "NOTREACHED" },
};

static void check_wiraya(struct endpoint *ep)
{
	assert_int_equal(ep->event_mask, 1u << EVENT_SEND_STATUS | 1u << EVENT_INCOMING_MESSAGE);
	assert_int_equal(ep->method, HTTP_POST);
	assert_int_equal(ep->content, CONTENT_JSON);
	assert_non_null(ep->body);
	assert_int_equal(ep->batch.max_items, 1);
	assert_int_equal(ep->batch.max_wait_ms, 15000);
	assert_int_equal(ep->peer.verify, TLS_SELF_SIGNED);
	assert_int_equal(ep->peer.tls_min, 12);
	assert_int_equal(ep->retry.delay_count, 10);
	assert_int_equal(ep->retry.delays_ms[0], 60000);
	assert_int_equal(ep->retry.delays_ms[9], 8 * 3600 * 1000);
	assert_int_equal(ep->retry.max_age_ms, 86400000);
	assert_int_equal(ep->ack, ACK_NONE);
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		word_is(ep, "sms", columns[i].status, false, columns[i].sms[0] ? columns[i].sms : NULL);
		word_is(ep, "call", columns[i].status, false, columns[i].call[0] ? columns[i].call : NULL);
		word_is(ep, "sms", columns[i].status, true, "TEST");
		word_is(ep, "call", columns[i].status, true, "TEST");
	}
	endpoint_unref(&ep);
}

static void test_wiraya(void **state)
{
	(void)state;
	check_wiraya(endpoint_of("{'preset':'wiraya-push','url':'http://example.org/r?contact={RID}'}"));
	check_wiraya(endpoint_of("{'preset':'wiraya-callback','url':'https://example.org/r?contact={RID}'}"));
	assert_refused("{'preset':'wiraya-callback','url':'http://example.org/'}", "url", "must begin with https://");
	assert_refused("{'preset':'wiraya-callback','url':'http://example.org/','method':'GET'}", "url",
		       "must begin with https://");
}

static void test_wiraya_kinds(void **state)
{
	struct endpoint *ep = endpoint_of("{'preset':'wiraya-push','url':'https://example.org/'}");
	struct event *call =
		event_of("{'type':'send_status','message':{'id':'1','status':'next_attempt','message_type':'call'}}");
	struct event *mms =
		event_of("{'type':'send_status','message':{'id':'1','status':'delivered','message_type':'mms'}}");

	(void)state;
	assert_true(endpoint_wants(ep, call));
	assert_false(endpoint_wants(ep, mms));
	event_unref(&call);
	event_unref(&mms);
	endpoint_unref(&ep);
}

/* event.md, the columns of Webcom and Telerivet. */
static const struct {
	const char *status, *webcom, *telerivet;
} open_columns[] = {
	{ "queued", "send", "queued" },
	{ "sent", "send", "sent" },
	{ "delivered", "deliver", "delivered" },
	{ "read", "read", "delivered" },
	{ "partly_delivered", "partly_deliver", "sent" },
	{ "not_delivered", "not_deliver", "not_delivered" },
	{ "expired", "expired", "not_delivered" },
	{ "failed", "not_deliver", "failed" },
	{ "failed_queued", "send", "failed_queued" },
	{ "cancelled", "not_deliver", "cancelled" },
	{ "next_attempt", "send", "failed_queued" },
	{ "not_reached", "not_deliver", "not_delivered" },
	{ "incorrect_number", "not_deliver", "failed" },
	{ "opted_out", "not_deliver", "failed" },
	{ "not_whitelisted", "not_deliver", "failed" },
	{ "spam", "not_deliver", "failed" },
	{ "unknown", "send", "sent" },
	{ "a word nobody knows", "a word nobody knows", "a word nobody knows" },
};

static void check_webcom(struct endpoint *ep, enum content_type content, enum ack_rule ack, const char *media_type)
{
	static const int64_t delays_ms[] = { 60000, 300000, 900000, 3600000 };

	assert_int_equal(ep->event_mask, 1u << EVENT_SEND_STATUS);
	assert_int_equal(ep->method, HTTP_POST);
	assert_int_equal(ep->content, content);
	assert_string_equal(ep->content_type_header, media_type);
	assert_int_equal(ep->batch.max_items, 100);
	assert_int_equal(ep->batch.max_wait_ms, 15000);
	assert_int_equal(ep->ack, ack);
	assert_int_equal(ep->retry.max_attempts, 5);
	assert_true(ep->newest_replaces);
	assert_true(endpoint_has_finals(ep));
	assert_int_equal(ep->retry.delay_count, COUNT_OF(delays_ms));
	for (size_t i = 0; i < COUNT_OF(delays_ms); i++)
		assert_int_equal(ep->retry.delays_ms[i], delays_ms[i]);
	assert_null(ep->zone);
	for (size_t i = 0; i < COUNT_OF(open_columns); i++)
		for (int simulated = 0; simulated < 2; simulated++)
			word_is(ep, "chat", open_columns[i].status, simulated, open_columns[i].webcom);
	endpoint_unref(&ep);
}

static void test_webcom(void **state)
{
	(void)state;
	check_webcom(endpoint_of("{'preset':'webcom-status','url':'https://example.org/'}"), CONTENT_WEBCOM_XML,
		     ACK_IDS_XML, "text/xml; charset=utf-8");
	check_webcom(endpoint_of("{'preset':'webcom-status-json','url':'https://example.org/'}"), CONTENT_WEBCOM_JSON,
		     ACK_IDS_JSON, "application/json; charset=utf-8");
}

static void test_telerivet(void **state)
{
	static const uint16_t ports[] = { 80, 443, 8000, 8080, 8443 };
	static const int64_t delays_s[] = { 60, 120, 240, 480, 900, 1800, 3600, 7200, 14400, 21600, 28800 };
	struct endpoint *ep = endpoint_of("{'preset':'telerivet','url':'http://example.org:8000/'}");

	(void)state;
	assert_int_equal(ep->event_mask, (1u << EVENT_POSTED) - 1);
	assert_int_equal(ep->content, CONTENT_FORM);
	assert_string_equal(ep->content_type_header, "application/x-www-form-urlencoded");
	assert_int_equal(ep->batch.max_items, 1);
	assert_int_equal(ep->peer.timeout_ms, 10000);
	for (int status = 200; status < 600; status++)
		assert_int_equal(endpoint_success(ep, status), status == 200);
	assert_int_equal(ep->peer.port_count, COUNT_OF(ports));
	assert_memory_equal(ep->peer.ports, ports, sizeof(ports));
	assert_int_equal(ep->retry.delay_count, COUNT_OF(delays_s));
	for (size_t i = 0; i < COUNT_OF(delays_s); i++)
		assert_int_equal(ep->retry.delays_ms[i], delays_s[i] * 1000);
	assert_int_equal(ep->retry.max_age_ms, 86400000);
	for (size_t i = 0; i < COUNT_OF(open_columns); i++)
		word_is(ep, "sms", open_columns[i].status, false, open_columns[i].telerivet);
	endpoint_unref(&ep);
	ep = endpoint_of("{'preset':'telerivet','ports':null,'url':'http://example.org:9/'}"); /* those of the daemon */
	assert_null(ep->peer.ports);
	endpoint_unref(&ep);
}

static void test_standard_webhooks(void **state)
{
	struct endpoint *ep = endpoint_of("{'preset':'standard-webhooks','url':'https://example.org/',"
					  "'secret':'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'}");

	(void)state;
	assert_int_equal(ep->event_mask, (1u << EVENT_POSTED) - 1);
	assert_int_equal(ep->content, CONTENT_EVENT_JSON);
	assert_int_equal(ep->signature, SIGNATURE_STANDARD_WEBHOOKS);
	assert_int_equal(ep->peer.verify, TLS_STRICT);
	assert_true(ep->headers_extra);
	endpoint_unref(&ep);
	assert_refused("{'preset':'standard-webhooks','url':'https://example.org/'}", "secret", "is missing");
}

/* param without the file's name: "LINE: member". */
static void wrong(const char *text, const char *param, const char *word)
{
	struct fault fault = { .message = "" };
	char expected[200], *json = quoted(text);

	snprintf(expected, sizeof(expected), "presets/mine.json:%s", param);
	assert_int_equal(preset_check("mine", slice_str(json), &fault), ERR_INVALID);
	if (strcmp(fault.param, expected) != 0 || !strstr(fault.message, word))
		fail_msg("%s: expected %s: …%s…, got %s: %s", text, expected, word, fault.param, fault.message);
	assert_int_equal(fault.position, -1);
	mem_free(json);
}

static void test_wrong_files_are_found(void **state)
{
	struct fault fault;
	static const char sound[] = "{\"about\":\"x\",\"timeout_ms\":5000}";

	(void)state;
	assert_int_equal(preset_check("mine", slice_str(sound), &fault), 0);
	wrong("{'timeout_ms':5000}", "1: about", "first member");
	wrong("{'timeout_ms':5000,\n'about':'x'}", "2: about", "first member");
	wrong("{\n'about':''}", "2: about", "must be a text");
	wrong("[]", "1: about", "first member");
	wrong("\n\n[]", "3: about", "first member");
	wrong("{'about':'x','time_out_ms':5}", "1: time_out_ms", "did you mean \"timeout_ms\"?");
	wrong("{'about':'x',\n'batch':{\n'max_itmes':\n5}}", "3: batch.max_itmes", "did you mean \"max_items\"?");
	wrong("{'about':'x',\n\n\n'concurrency':0}", "4: concurrency", "from 1 to 256");
	wrong("{'about':'x',\n'content_type':'json',\n'body':'{'}", "3: body", "");
	wrong("{'about':'x',\n'timeout_ms':12,\n\n}", "4", "");
	wrong("{'about':'x'", "1", "");
	wrong("", "1", "");
}

/* Values inside of values, keys with dots, and what is wrong only because of something that is not there. */
static void test_the_nearest_line(void **state)
{
	(void)state;
	wrong("{'about':'x',\n'retry':{\n'delays_s':[1,\n2,\n-3]}}", "5: retry.delays_s[2]", "must be a number");
	wrong("{'about':'x',\n'headers':{\n'X-A':'1',\n'X-B':'{STAUTS}'}}", "4: headers.X-B", "STATUS");
	wrong("{'about':'x','content_type':'form',\n'fields':{\n'a':'1',\n'a.b':'2',\n'a.b.c':'{STAUTS}'}}",
	      "5: fields.a.b.c", "STATUS");
	wrong("{'about':'x',\n'signature':'plivo',\n'method':'GET'}", "2: signature", "");
	wrong("{'about':'x',\n'preset':'none'}", "2: preset", "there is no preset");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_sound),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_wiraya),
		cmocka_unit_test(test_wiraya_kinds),
		cmocka_unit_test(test_webcom),
		cmocka_unit_test(test_telerivet),
		cmocka_unit_test(test_standard_webhooks),
		cmocka_unit_test(test_wrong_files_are_found),
		cmocka_unit_test(test_the_nearest_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
