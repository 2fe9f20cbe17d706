/*
 * Forms, queries and Webcom's documents: what of an event becomes
 * which bytes. Whole presets are held by the golden tests.
 */
#include <stdio.h>

#include "dialect/encode.h"
#include "dialect/request.h"
#include "settings.h"

#define URL "'url':'https://a.example/p'"

/* The body, or the URL of a GET; mem_free it. events have null behind the last. */
static char *rendered(const char *settings, const char *const *events, struct fault *fault)
{
	struct endpoint *ep = endpoint_of(settings);
	struct event *list[16];
	struct request rq;
	size_t count = 0, taken;
	char *ret = NULL;

	for (; events[count]; count++)
		list[count] = event_of(events[count]);
	request_init(&rq);
	if (request_render(ep, list, count, true, 1, 1547125500, &rq, &taken, fault) == 0)
		ret = slice_dup(ep->method == HTTP_GET ? rq.http.url : rq.http.body);
	request_free(&rq);
	for (size_t i = 0; i < count; i++)
		event_unref(&list[i]);
	endpoint_unref(&ep);
	return ret;
}

static void check(const char *settings, const char *event, const char *expected)
{
	struct fault fault = { .message = "" };
	char *got = rendered(settings, (const char *[]){ event, NULL }, &fault), *want = quoted(expected);

	if (!got)
		fail_msg("%s: %s: %s", event, fault.param, fault.message);
	if (strcmp(got, want) != 0)
		fail_msg("%s\nexpected %s\ngot      %s", event, want, got);
	mem_free(got);
	mem_free(want);
}

/* --- forms --- */

static void tree_is(const char *json, const char *expected)
{
	struct parsed p;
	struct buf out;

	buf_init(&out, 10000);
	encode_tree(slice_str(""), parsed_set(&p, json), &out);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
	parsed_free(&p);
}

/* The example of telerivet.md. */
static void test_notation(void **state)
{
	(void)state;
	tree_is("{'label_ids':['LBa','LBb'],'vars':{'q1':'yes','n':3,'ok':true},'starred':false,'error_message':null,"
		"'contact':{'name':'\xc3\x85sa & Co','vars':{'vip':true},'group_ids':[]}}",
		"label_ids%5B0%5D=LBa&label_ids%5B1%5D=LBb&vars%5Bq1%5D=yes&vars%5Bn%5D=3&vars%5Bok%5D=1&starred=0&"
		"contact%5Bname%5D=%C3%85sa+%26+Co&contact%5Bvars%5D%5Bvip%5D=1");
	tree_is("{'a':[[1,[]],{}],'b c':{'d&e=f':'\\u0000'},'':'x'}", "a%5B0%5D%5B0%5D=1&b+c%5Bd%26e%3Df%5D=%00&=x");
	tree_is("{'i':9223372036854775808,'f':1.10,'g':0.1,'h':1e3,'j':-0.5,'k':1E-7,'l':123456789.123456789}",
		"i=9223372036854775808&f=1.1&g=0.1&h=1000&j=-0.5&k=1e-07&l=123456789.12345679");
	tree_is("{'a':{'b':null},'c':null,'d':''}", "d=");
	tree_is("{}", "");
}

#define FORM "{" URL ",'content_type':'form','secret':'s&t'}"

static void test_nested_order(void **state)
{
	(void)state;
	check(FORM,
	      "{'type':'send_status','contact':{'id':'C'},'message':{'zeta':1,'project_id':'P','status':'delivered','"
	      "alpha':2,"
	      "'id':'7'},'phone':{'id':'N'}}",
	      "event=send_status&id=7&direction=outgoing&status=delivered&message_type=sms&project_id=P&zeta=1&alpha=2&"
	      "contact%5Bid%5D=C&secret=s%26t");
	check("{" URL ",'content_type':'form'}",
	      "{'type':'contact_update','update_type':'add','contact':{'name':'A','id':'C'}}",
	      "event=contact_update&update_type=add&id=C&name=A&project_id=demo");
	check(FORM,
	      "{'type':'send_broadcast','user_name':'Bo','estimated_count':7,'broadcast':{'id':'B','estimated_count':8}"
	      "}",
	      "event=send_broadcast&id=B&estimated_count=8&project_id=demo&user_name=Bo&secret=s%26t");
}

/* PHP takes the last of two parameters of a name: no property may come as another event, or as the secret. */
static void test_names_of_the_form(void **state)
{
	(void)state;
	check("{" URL ",'content_type':'form'}",
	      "{'type':'message_metadata','update_type':'star','message':{'id':'7','event':'x','secret':'y','update_"
	      "type':'u',"
	      "'c\\u006fntact':'c','direction':'incoming','message_type':'call'},'secret':'w','event':'v','project_id':"
	      "'other'}",
	      "event=message_metadata&update_type=star&id=7&direction=incoming&message_type=call&project_id=demo");
}

static size_t occurrences(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, word)); p++)
		n++;
	return n;
}

static void test_first_recipients(void **state)
{
	const char *events[2] = { NULL, NULL };
	struct fault fault;
	struct buf event;
	char *got;

	(void)state;
	buf_init(&event, 100000);
	buf_add_str(&event, "{'type':'send_broadcast','broadcast':{'id':'B','recipients':[{'id':'C'}");
	for (int i = 1; i < 130; i++)
		buf_add_str(&event, ",{'id':'C'}");
	buf_add_str(&event, "]}}");
	events[0] = buf_str(&event);
	got = rendered(FORM, events, &fault);
	assert_non_null(got);
	assert_int_equal(occurrences(got, "recipients%5B"), 100);
	assert_non_null(strstr(got, "&recipients%5B99%5D%5Bid%5D=C&project_id=demo"));
	mem_free(got);
	buf_free(&event);
}

#define FLAT                                                                                                           \
	"'fields':{'to':'{RECIPIENT}','none':'{message.nothing}','both':'{message.nothing}/{ID}','text':'a "           \
	"b','ex':'x{1}'}"

static void test_flat(void **state)
{
	const char *event = "{'type':'send_status','message':{'id':7,'status':'sent','to_number':'+46'}}";

	(void)state;
	check("{" URL ",'content_type':'form'," FLAT "}", event, "to=%2B46&both=%2F7&text=a+b");
	check("{" URL ",'content_type':'form','fields':{'a[b]':'{ID}'}}", event, "a%5Bb%5D=7");
	check("{" URL ",'content_type':'form','fields':{}}", event, "");
}

static void test_query(void **state)
{
	const char *event = "{'type':'send_status','message':{'id':7,'status':'sent','to_number':'+46'}}";

	(void)state;
	check("{" URL ",'method':'GET','content_type':'query'," FLAT "}", event,
	      "https://a.example/p?to=%2B46&both=%2F7&text=a+b");
	check("{'url':'https://a.example/?k={ID}','method':'GET','content_type':'form','fields':{'a':'{ID}'}}", event,
	      "https://a.example/?k=7&a=7");
	check("{'url':'https://a.example/?','method':'GET','content_type':'form','fields':{'a':'{ID}'}}", event,
	      "https://a.example/?a=7");
	check("{'url':'https://a.example/','method':'GET','content_type':'query','fields':{'a':'{1}'}}", event,
	      "https://a.example/");
	check("{" URL ",'method':'GET','content_type':'query'}", event,
	      "https://a.example/"
	      "p?event=send_status&id=7&direction=outgoing&status=sent&message_type=sms&to_number=%2B46&project_id="
	      "demo");
	check("{" URL ",'method':'GET','preset':'twilio-status','signature':'none'}", event,
	      "https://a.example/p?MessageSid=7&MessageStatus=sent&To=%2B46&AccountSid=org");
	check("{" URL ",'method':'GET','preset':'sinch-sms'}", event, "https://a.example/p"); /* W6 */
}

/* What an endpoint changes in its preset's fields keeps its place; null takes a field away. */
static void test_fields_laid_over(void **state)
{
	(void)state;
	check("{" URL ",'preset':'46elks-dlr','fields':{'status':'{message.status}','delivered':null,'extra':'1'}}",
	      "{'type':'send_status','message':{'id':7,'status':'sent'}}", "id=7&status=sent&extra=1");
}

static void test_batches(void **state)
{
	const char *events[] = { "{'type':'send_status','message':{'id':1,'status':'sent'}}",
				 "{'type':'send_status','message':{'id':2,'status':'sent'}}", NULL };
	static const struct {
		const char *wrap, *expected;
	} rows[] = { { "'wrap':'results',", "{\"results\":[1,2]}" },
		     { "'wrap':'[]',", "[1,2]" },
		     { "", "{\"batch\":[1,2]}" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char settings[300], *got;
		struct fault fault;

		snprintf(settings, sizeof(settings),
			 "{" URL ",'content_type':'json','body':'{ID}','batch':{%s'max_items':5}}", rows[i].wrap);
		got = rendered(settings, events, &fault);
		assert_non_null(got);
		assert_string_equal(got, rows[i].expected);
		mem_free(got);
	}
}

/* --- Webcom --- */

#define XML_HEAD "<?xml version='1.0' encoding='utf-8' ?>\n<response>\n"

static void state_is(const char *message, const char *expected)
{
	char event[600], want[600];

	snprintf(event, sizeof(event), "{'type':'send_status','time':1547125300,'message':{%s}}", message);
	snprintf(want, sizeof(want), XML_HEAD "%s\n</response>\n", expected);
	check("{" URL ",'preset':'webcom-status'}", event, want);
}

static void test_webcom_legs(void **state)
{
	(void)state;
	state_is("'id':1001,'status':'delivered','time_done':1293886666",
		 "<state id_sms='1001' time='2011-01-01 12:57:46' sms='deliver'>deliver</state>");
	state_is("'id':1002,'status':'expired','channel_status':{'viber':'read','sms':'expired'}",
		 "<state id_sms='1002' time='2019-01-10 13:01:40' sms='expired' viber='read'>expired</state>");
	state_is("'id':1003,'status':'queued','time_done':1,'channel_status':{'viber':'sent','sms':null}",
		 "<state id_sms='1003' time='' viber='send'>send</state>");
	state_is("'id':4,'status':'read','message_type':'viber'",
		 "<state id_sms='4' time='2019-01-10 13:01:40' viber='read'>read</state>");
	state_is("'id':5,'status':'partly_delivered','channel_status':{'rcs':'read'},'simulated':true",
		 "<state id_sms='5' time='2019-01-10 13:01:40' sms='partly_deliver'>partly_deliver</state>");
}

static void test_webcom_times(void **state)
{
	(void)state;
	state_is("'id':1,'status':'failed','time_updated':1547125200,'time_done':1547125204.9",
		 "<state id_sms='1' time='2019-01-10 13:00:04' sms='not_deliver'>not_deliver</state>");
	state_is("'id':1,'status':'failed','time_updated':1547125200",
		 "<state id_sms='1' time='2019-01-10 13:00:00' sms='not_deliver'>not_deliver</state>");
	state_is("'id':1,'status':'unknown','time_done':1547125200",
		 "<state id_sms='1' time='' sms='send'>send</state>");
	check("{" URL ",'preset':'webcom-status','time_zone':'Europe/Kyiv'}",
	      "{'type':'send_status','time':1562763600,'message':{'id':1,'status':'read'}}",
	      XML_HEAD "<state id_sms='1' time='2019-07-10 16:00:00' sms='read'>read</state>\n</response>\n");
}

static void test_webcom_escapes(void **state)
{
	(void)state;
	state_is("'id':'<\\u0022&>','status':'a<b'",
		 "<state id_sms='&lt;&quot;&amp;&gt;' time='2019-01-10 13:01:40' sms='a&lt;b'>a&lt;b</state>");
}

static void test_webcom_json(void **state)
{
	const char *settings = "{" URL ",'preset':'webcom-status-json'}";

	(void)state;
	check(settings, "{'type':'send_status','time':1547125300,'message':{'id':'3234','status':'delivered'}}",
	      "[{'id_sms':3234,'time':'2019-01-10 13:01:40','state':'deliver'}]");
	check(settings, "{'type':'send_status','message':{'id':'007','status':'sent'}}",
	      "[{'id_sms':'007','time':'','state':'send'}]");
	check(settings, "{'type':'send_status','message':{'id':'a/b','status':'sent'}}",
	      "[{'id_sms':'a/b','time':'','state':'send'}]");
	check(settings, "{'type':'send_status','message':{'id':123456789012345678901,'status':'sent'}}",
	      "[{'id_sms':'123456789012345678901','time':'','state':'send'}]");
}

static void test_webcom_says_statuses_only(void **state)
{
	struct fault fault = { .message = "" };
	const char *events[] = { "{'type':'incoming_message','message':{'id':1,'from_number':'1'}}", NULL };

	(void)state;
	assert_null(rendered("{" URL ",'preset':'webcom-status'}", events, &fault));
	assert_non_null(strstr(fault.message, "nothing but statuses"));
	events[0] = "{'type':'send_status','message':{'id':1,'status':'queued'}}";
	assert_null(rendered("{" URL ",'preset':'webcom-status','status_map':{'queued':null}}", events, &fault));
	assert_string_equal(fault.param, "message.status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notation),
		cmocka_unit_test(test_nested_order),
		cmocka_unit_test(test_names_of_the_form),
		cmocka_unit_test(test_first_recipients),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_fields_laid_over),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_webcom_legs),
		cmocka_unit_test(test_webcom_times),
		cmocka_unit_test(test_webcom_escapes),
		cmocka_unit_test(test_webcom_json),
		cmocka_unit_test(test_webcom_says_statuses_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
