/*
 * What is the hub's own: events with the member `postrider`, which has a target and secrets, and internal endpoints.
 * Nobody outside can make such a thing, and no form that an event is sent or shown in holds that member.
 */
#include <stdio.h>

#include "dialect/ack.h"
#include "dialect/request.h"
#include "settings.h"

#define OWN(more) "'postrider':{'to':17" more "}"
#define INCOMING                                                                                                       \
	"{'type':'incoming_message','id':'e1','time':1547125204,'message':{'id':'SM1','from_number':'+1555','content'" \
	":"                                                                                                            \
	"'Hi','service_id':'SVhandled'},"

static struct event *made(const char *text)
{
	char *json = quoted(text);
	struct event *e = event_make(slice_str(json), SLICE_LIT("demo"), 1547125204000);

	mem_free(json);
	return e;
}

static int compile_internal(const char *settings, struct endpoint **ret, struct fault *fault)
{
	struct endpoint_identity who = { .number = 17,
					 .revision = 1,
					 .internal = true,
					 .owner = SLICE_LIT("demo"),
					 .id = SLICE_LIT("_status.1"),
					 .organization_id = SLICE_LIT("") };
	struct parsed p;
	int err = endpoint_compile(parsed_set(&p, settings), &who, ret, fault);

	parsed_free(&p);
	return err;
}

static struct endpoint *internal_of(const char *settings)
{
	struct fault fault = NO_FAULT;
	struct endpoint *ep = NULL;

	if (compile_internal(settings, &ep, &fault) != 0)
		fail_msg("%s: %s", fault.param, fault.message);
	return ep;
}

/* --- events --- */

static void assert_event_refused(const char *event, const char *param, const char *word)
{
	struct fault fault = NO_FAULT;
	struct event *e = NULL;
	struct parsed p;

	assert_int_equal(event_parse(parsed_set(&p, event), SLICE_LIT("demo"), 0, &e, &fault), ERR_INVALID);
	parsed_free(&p);
	assert_string_equal(fault.code, "invalid_param");
	assert_string_equal(fault.param, param);
	if (!strstr(fault.message, word))
		fail_msg("%s", fault.message);
}

static void test_refused_from_outside(void **state)
{
	struct event *e;

	(void)state;
	assert_event_refused(INCOMING OWN("") "}", "postrider", "reserved");
	assert_event_refused(INCOMING "'post\\u0072ider':1}", "postrider", "reserved");
	assert_event_refused("{'type':'send_message','message':{'id':'1'}}", "type", "no event type");
	assert_int_equal(event_type_of(SLICE_LIT("send_message")), EVENT_TYPES);
	e = event_of(INCOMING "'postrider':null}"); /* null is absent */
	assert_int_equal(e->target, 0);
	event_unref(&e);
}

static void test_made_and_loaded(void **state)
{
	struct event *e = made("{'type':'send_message','message':{'id':'SM1','to_number':'+1'}," OWN(",'url':'u'") "}");
	struct event *back = NULL;
	struct json_doc doc;

	(void)state;
	assert_int_equal(e->type, EVENT_SEND_MESSAGE);
	assert_string_equal(event_type_word(e->type), "send_message");
	assert_int_equal(e->target, 17);
	assert_true(e->id.n > 1);
	assert_false(event_is_incoming(e));
	assert_int_equal(event_load(e->text, SLICE_LIT("demo"), 5, 6, &back), 0);
	assert_int_equal(back->type, EVENT_SEND_MESSAGE);
	assert_int_equal(back->target, 17);
	assert_true(back->order_hash != 0 && back->order_hash == e->order_hash);
	assert_true(json_is(event_postrider(back, "url"), "u"));
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, e->text, &json_limits_default, NULL), 0);
	assert_memory_equal(doc.nodes, e->doc.nodes, doc.count * sizeof(*doc.nodes));
	json_doc_free(&doc);
	event_unref(&e);
	event_unref(&back);
}

/* Stored before the name was reserved: readable as ever, and no target. */
static void test_old_member_of_a_caller(void **state)
{
	static const char *const values[] = { "1", "{'to':'17'}", "{'to':-1}", "[]" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct event *e = NULL;
		char text[200], *json;

		snprintf(text, sizeof(text),
			 "{'type':'send_broadcast','id':'e','time':1,'origin':'web','broadcast':{},'postrider':%s}",
			 values[i]);
		json = quoted(text);
		assert_int_equal(event_load(slice_str(json), SLICE_LIT("demo"), 1, 1, &e), 0);
		assert_int_equal(e->target, 0);
		event_unref(&e);
		mem_free(json);
	}
}

static void test_shown_without(void **state)
{
	struct event *e = made(INCOMING OWN(",'secret':'s3'") ",'contact':{'id':'CT1'}}");
	char *want =
		quoted("{'type':'incoming_message','id':'e1','time':1547125204,'origin':'platform','message':{'id':"
		       "'SM1','from_number':'+1555','content':'Hi','service_id':'SVhandled'},'contact':{'id':"
		       "'CT1'}}");
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	event_show(json_root(&e->doc), &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
	mem_free(want);
	assert_int_equal(json_type(event_path(e, SLICE_LIT("postrider.secret"))), JSON_NONE);
	assert_int_equal(json_type(event_path(e, SLICE_LIT("postrider"))), JSON_NONE);
	assert_true(json_is(event_path(e, SLICE_LIT("contact.id")), "CT1"));
	assert_true(json_is(event_postrider(e, "secret"), "s3"));
	event_unref(&e);
}

static void test_only_its_target_wants_it(void **state)
{
	struct event *e = made(INCOMING OWN("") "}"), *other = event_of(INCOMING "'x':1}");
	struct endpoint *ordinary = endpoint_of("{'url':'https://a.example/'}");
	struct endpoint *target = internal_of("{'url':'https://a.example/','events':['send_status']}");

	(void)state;
	assert_false(endpoint_wants(ordinary, e));
	assert_true(endpoint_wants(target, e));
	assert_true(endpoint_wants(ordinary, other));
	assert_false(endpoint_wants(target, other));
	event_unref(&e);
	event_unref(&other);
	endpoint_unref(&ordinary);
	endpoint_unref(&target);
}

/* --- no encoder shows it --- */

static void render(const char *settings, const struct event *event, struct buf *out)
{
	struct endpoint *ep = internal_of(settings);
	struct event *e = event_ref((struct event *)event);
	struct fault fault = NO_FAULT;
	struct request rq;
	size_t taken;

	request_init(&rq);
	if (request_render(ep, &e, 1, false, 1, 1547125300, &rq, &taken, &fault) != 0)
		buf_addf(out, "%s: %s", fault.param, fault.message);
	else
		buf_addf(out, "%.*s\n%.*s", SLICE_ARG(rq.http.url), SLICE_ARG(rq.http.body));
	request_free(&rq);
	event_unref(&e);
	endpoint_unref(&ep);
}

static void test_no_form_holds_it(void **state)
{
	static const char *const contents[] = {
		"'content_type':'event_json'",
		"'content_type':'event_json','batch':{'max_items':5}",
		"'content_type':'form'",
		"'content_type':'query','method':'GET'",
		"'content_type':'form','fields':{'a':'{postrider.secret}','b':'{message.id|or:postrider}','c':"
		"'{message.none|or:postrider}'}",
		"'content_type':'json','body':'{\\'a\\':{postrider.secret|default:none},\\'b\\':{message.x|or:"
		"postrider}}'",
		"'content_type':'xml','body':'<a b=\\'{postrider.url}\\'>{postrider.to}</a>'",
		"'content_type':'event_json','headers':{'X-A':'{postrider.secret}'}",
	};
	struct event *e = made(INCOMING OWN(",'secret':'s3cret','url':'http://there.example/'") "}");

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		struct buf out;
		char settings[500];

		snprintf(settings, sizeof(settings), "{'url':'https://a.example/?x={postrider.secret}',%s}",
			 contents[i]);
		buf_init(&out, 10000);
		render(settings, e, &out);
		assert_non_null(strstr(buf_str(&out), "https://a.example/?x="));
		if (strstr(buf_str(&out), "s3cret") || strstr(buf_str(&out), "postrider") ||
		    strstr(buf_str(&out), "there"))
			fail_msg("%s: %s", contents[i], buf_str(&out));
		buf_free(&out);
	}
	event_unref(&e);
}

static void check(const char *settings, const char *event, const char *expected)
{
	struct event *e = made(event);
	struct buf out;

	buf_init(&out, 10000);
	render(settings, e, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
	event_unref(&e);
}

/* The service that calls, and the one that handled. */
static void test_services_in_the_form(void **state)
{
	static const char settings[] = "{'url':'https://a.example/','content_type':'form','secret':'x'}";
	static const char front[] = "https://a.example/\nevent=incoming_message&id=SM1&direction=incoming&message_type="
				    "sms&from_number=%2B1555&content=Hi&service_id=";
	char expected[500];

	(void)state;
	snprintf(expected, sizeof(expected), "%s%s", front,
		 "SVcalls&message_service_id=SVhandled&project_id=demo&state%5Bvars%5D%5Bn%5D=1&secret=x");
	check(settings, INCOMING OWN(",'service_id':'SVcalls'") ",'state':{'id':null,'vars':{'n':1}}}", expected);
	snprintf(expected, sizeof(expected), "%s%s", front, "SVhandled&project_id=demo&secret=x");
	check(settings, INCOMING OWN("") "}", expected);
	snprintf(expected, sizeof(expected), "%s%s",
		 "https://a.example/"
		 "\nevent=incoming_message&id=SM1&direction=incoming&message_type=sms&from_number=%2B1&",
		 "service_id=SVcalls&project_id=demo&secret=x");
	check(settings,
	      "{'type':'incoming_message','id':'e','time':1,'message':{'id':'SM1','from_number':'+1'},"
	      "'postrider':{'to':17,'service_id':'SVcalls'}}",
	      expected);
}

/* --- a URL and a secret of the event's own --- */

#define STATUS(more)                                                                                                   \
	"{'type':'send_status','id':'e','time':1,'message':{'id':'SM1','status':'sent'},'postrider':{'to':17" more "}" \
	"}"
#define FROM_EVENT "'url':'https://there.example:8443/','url_from_event':true,'content_type':'form'"
#define FORM	   "event=send_status&id=SM1&direction=outgoing&status=sent&message_type=sms&project_id=demo"

static void test_url_from_event(void **state)
{
	(void)state;
	check("{" FROM_EVENT "}",
	      STATUS(",'url':'https://there.example:8443/s?a={STATUS}','secret':'a&b \\u0000\\u00e5'"),
	      "https://there.example:8443/s?a={STATUS}\n" FORM "&secret=a%26b+%00%C3%A5");
	check("{" FROM_EVENT ",'secret':'not this'}", STATUS(",'url':'http://there.example/'"),
	      "http://there.example/\n" FORM);
	check("{" FROM_EVENT "}", STATUS(",'url':'http://there.example/','secret':''"),
	      "http://there.example/\n" FORM "&secret=");
	check("{" FROM_EVENT ",'secret':'endpoint'}", STATUS(",'url':'http://there.example/','secret':null"),
	      "http://there.example/\n" FORM);
}

static void test_url_from_event_refused(void **state)
{
	(void)state;
	check("{" FROM_EVENT "}", STATUS(""), "url: is missing: the event says nowhere to go");
	check("{" FROM_EVENT ",'schemes':['https']}", STATUS(",'url':'http://there.example/'"),
	      "url: begins with http://, which is not allowed here");
	/* ports: not here, the client knows what the operator has opened */
	check("{" FROM_EVENT ",'ports':[443,8443]}", STATUS(",'url':'https://there.example:9000/'"),
	      "https://there.example:9000/\n" FORM);
}

static void test_bad_urls_are_refused(void **state)
{
	static const char *const urls[] = { "ftp://x/", "http://a:b@there.example/", "http://0x7f/", "there", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct event *e;
		struct buf out;
		char text[300];

		snprintf(text, sizeof(text), STATUS(",'url':'%s'"), urls[i]);
		e = made(text);
		buf_init(&out, 10000);
		render("{" FROM_EVENT "}", e, &out);
		if (strncmp(buf_str(&out), "url", 3) != 0)
			fail_msg("%s: %s", urls[i], buf_str(&out));
		buf_free(&out);
		event_unref(&e);
	}
}

/* --- an order to a gateway (kannel.md) --- */

static void test_order_to_kannel(void **state)
{
	(void)state;
	check("{'url':'http://127.0.0.1:13013/cgi-bin/sendsms','method':'GET','content_type':'query','secret':'p&w',"
	      "'headers_extra':false,'success':{'statuses':'202','ack':'body_prefix','body_prefix':['0: ','3: ']},"
	      "'fields':{'username':'me','password':'{SECRET}','from':'{message.from_number}','to':'{message.to_number}"
	      "',"
	      "'text':'{message.content}','charset':'UTF-8','coding':'{order.coding}','dlr-mask':'31','dlr-url':"
	      "'{order.dlr_url}'},'reports':true}",
	      "{'type':'send_message','message':{'id':'SM1','from_number':'ACME','to_number':'+46 70','content':"
	      "'\xc3\xb8 & 1'},'order':{'coding':0,'dlr_url':'https://pr.example/dlr?mid=SM1&d=%d'}," OWN("") "}",
	      "http://127.0.0.1:13013/cgi-bin/"
	      "sendsms?username=me&password=p%26w&from=ACME&to=%2B46+70&text=%C3%B8+%26+1&"
	      "charset=UTF-8&coding=0&dlr-mask=31&dlr-url=https%3A%2F%2Fpr.example%2Fdlr%3Fmid%3DSM1%26d%3D%25d\n");
}

/* --- internal endpoints --- */

static void test_internal_settings(void **state)
{
	struct fault fault = NO_FAULT;
	struct endpoint *ep = internal_of("{'url':'https://a.example/','reports':true,'url_from_event':true}");
	char *shown;

	(void)state;
	assert_true(ep->internal && ep->reports && ep->url_from_event);
	assert_int_equal(ep->event_mask, 0);
	shown = written(ep, true);
	assert_null(strstr(shown, "reports"));
	assert_null(strstr(shown, "url_from_event"));
	mem_free(shown);
	endpoint_unref(&ep);
	assert_int_equal(compile_internal("{'url':'https://a.example/','url_from_event':true,'batch':{'max_items':2}}",
					  &ep, &fault),
			 ERR_INVALID);
	assert_string_equal(fault.param, "batch.max_items");
}

static void test_not_for_others(void **state)
{
	static const char *const names[] = { "reports", "url_from_event" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fault fault = NO_FAULT;
		struct endpoint *ep = NULL;
		char settings[100];

		snprintf(settings, sizeof(settings), "{'url':'https://a.example/','%s':true}", names[i]);
		assert_int_equal(try_settings(settings, &ep, &fault), ERR_INVALID);
		assert_string_equal(fault.param, names[i]);
		assert_null(strstr(fault.message, "url_from_event")); /* nor is it proposed */
	}
}

/* --- settings for everyone that the messaging side brought --- */

static void test_actions(void **state)
{
	struct endpoint *none = endpoint_of("{'url':'https://a.example/'}");
	struct endpoint *with = endpoint_of("{'url':'https://a.example/','actions':'telerivet'}");
	char *shown;

	(void)state;
	assert_false(none->reports);
	assert_true(with->reports);
	shown = written(with, false);
	assert_non_null(strstr(shown, "\"actions\":\"telerivet\""));
	mem_free(shown);
	assert_refused("{'url':'https://a.example/','actions':'twilio'}", "actions", "telerivet");
	endpoint_unref(&none);
	endpoint_unref(&with);
}

static void check_success(const char *success, const char *param, const char *word)
{
	char settings[400];

	snprintf(settings, sizeof(settings), "{'url':'https://a.example/','success':%s}", success);
	assert_refused(settings, param, word);
}

static void test_body_prefix_settings(void **state)
{
	(void)state;
	check_success("{'ack':'body_prefix'}", "success.body_prefix", "is missing");
	check_success("{'ack':'body_prefix','body_prefix':[]}", "success.body_prefix", "is missing");
	check_success("{'body_prefix':['OK']}", "success.body_prefix", "goes with");
	check_success("{'ack':'body_prefix','body_prefix':'OK'}", "success.body_prefix", "a list");
	check_success("{'ack':'body_prefix','body_prefix':['OK',1]}", "success.body_prefix[1]", "a string");
	check_success("{'ack':'body_prefix','body_prefix':['']}", "success.body_prefix[0]", "empty");
	check_success("{'ack':'body_prefix','body_prefix':['a\\nb']}", "success.body_prefix[0]", "control");
	check_success("{'ack':'body_prefix','body_prefix':['1','2','3','4','5','6','7','8','9']}",
		      "success.body_prefix[8]", "at most 8");
}

static void test_body_prefix(void **state)
{
	static const struct {
		const char *body;
		bool taken;
	} cases[] = {
		{ "0: Accepted for delivery", true },
		{ "3: Queued for later delivery", true },
		{ "0: ", true },
		{ "0:", false },
		{ " 0: Accepted", false },
		{ "", false },
		{ "10: ", false },
	};
	struct endpoint *ep =
		endpoint_of("{'url':'https://a.example/','success':{'ack':'body_prefix','body_prefix':['0: ','3: ']}}");
	struct event *e = event_of(INCOMING "'x':1}");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ack_result result;
		struct buf reason;
		bool acked;

		buf_init(&reason, 1000);
		result = ack_read(ep, &e, 1, slice_str(cases[i].body), &acked, &reason);
		if (acked != cases[i].taken || result.worthless == cases[i].taken || (reason.n == 0) != cases[i].taken)
			fail_msg("\"%s\": %s", cases[i].body, buf_str(&reason));
		buf_free(&reason);
	}
	event_unref(&e);
	endpoint_unref(&ep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_from_outside),	 cmocka_unit_test(test_made_and_loaded),
		cmocka_unit_test(test_old_member_of_a_caller),	 cmocka_unit_test(test_shown_without),
		cmocka_unit_test(test_only_its_target_wants_it), cmocka_unit_test(test_no_form_holds_it),
		cmocka_unit_test(test_services_in_the_form),	 cmocka_unit_test(test_url_from_event),
		cmocka_unit_test(test_url_from_event_refused),	 cmocka_unit_test(test_bad_urls_are_refused),
		cmocka_unit_test(test_order_to_kannel),		 cmocka_unit_test(test_internal_settings),
		cmocka_unit_test(test_not_for_others),		 cmocka_unit_test(test_actions),
		cmocka_unit_test(test_body_prefix_settings),	 cmocka_unit_test(test_body_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
