/*
 * What narrows an endpoint's events, through endpoint_wants:
 * type, kind of message, status, conditions, origin, status map.
 */
#include <stdio.h>

#include "settings.h"

#define DELIVERED                                                                                                      \
	"{'type':'send_status','id':'e1','message':{'id':'1','status':'delivered','message_type':'sms','num_parts':2," \
	"'from_number':'46710000123','campaign_name':null,'fields':['Anna','17'],'vars':{'region':'north','order':17," \
	"'big':9007199254740993,'vip':true,'list':[1]}}}"

static bool wants(const char *settings, const char *event)
{
	struct endpoint *ep = endpoint_of(settings);
	struct event *e = event_of(event);
	bool answer = endpoint_wants(ep, e);

	endpoint_unref(&ep);
	event_unref(&e);
	return answer;
}

/* Does this filter let the event above pass? */
static bool passes(const char *filter)
{
	char settings[600];

	snprintf(settings, sizeof(settings), "{'url':'https://example.org/','filter':%s}", filter);
	return wants(settings, DELIVERED);
}

static void test_types(void **state)
{
	(void)state;
	assert_true(wants("{'url':'https://example.org/'}", DELIVERED));
	assert_true(wants("{'url':'https://example.org/','events':['send_status']}", DELIVERED));
	assert_false(wants("{'url':'https://example.org/','events':['incoming_message','contact_update']}", DELIVERED));
}

static void test_message_types(void **state)
{
	static const char calls[] = "{'url':'https://example.org/','message_types':['call','fax']}";

	(void)state;
	assert_false(wants(calls, DELIVERED));
	assert_true(wants(calls, "{'type':'send_status','message':{'id':'1','status':'sent','message_type':'call'}}"));
	assert_true(wants(calls, "{'type':'send_status','message':{'id':'1','status':'sent','message_type':'fax'}}"));
	/* sms when absent */
	assert_false(wants(calls, "{'type':'send_status','message':{'id':'1','status':'sent'}}"));
	/* no message, no kind */
	assert_true(wants(calls, "{'type':'send_broadcast','broadcast':{'id':'b1'}}"));
}

static void test_statuses(void **state)
{
	static const char some[] = "{'url':'https://example.org/','statuses':['failed','delivered']}";

	(void)state;
	assert_true(wants(some, DELIVERED));
	assert_false(wants(some, "{'type':'send_status','message':{'id':'1','status':'sent'}}"));
	/* only send_status events have a status to speak of */
	assert_true(
		wants(some, "{'type':'incoming_message','message':{'id':'1','from_number':'46','status':'received'}}"));
}

static bool is_final(const char *settings, const char *event)
{
	struct endpoint *ep = endpoint_of(settings);
	struct event *e = event_of(event);
	bool answer = endpoint_is_final(ep, e);

	assert_true(endpoint_has_finals(ep) || !answer);
	endpoint_unref(&ep);
	event_unref(&e);
	return answer;
}

static void test_final_statuses(void **state)
{
	static const char some[] = "{'url':'https://example.org/','final_statuses':['failed','delivered']}";

	(void)state;
	assert_true(is_final(some, DELIVERED));
	assert_false(is_final("{'url':'https://example.org/'}", DELIVERED));
	assert_false(is_final(some, "{'type':'send_status','message':{'id':'1','status':'sent'}}"));
	assert_false(is_final(
		some, "{'type':'incoming_message','message':{'id':'1','from_number':'46','status':'delivered'}}"));
	/* they keep nothing away by themselves */
	assert_true(wants(some, "{'type':'send_status','message':{'id':'1','status':'sent'}}"));
}

static void test_conditions(void **state)
{
	(void)state;
	assert_true(passes("null"));
	assert_true(passes("{}"));
	assert_true(passes("{'message.vars.region':'north'}"));
	assert_false(passes("{'message.vars.region':'south'}"));
	assert_true(passes("{'message.vars.region':['south','north']}"));
	assert_false(passes("{'message.vars.region':[]}"));
	assert_true(passes("{'message.vars.region':'north','message.num_parts':2}"));
	assert_false(passes("{'message.vars.region':'north','message.num_parts':3}"));
	assert_true(passes("{'message.num_parts':2.0}"));
	assert_true(passes("{'message.vars.order':'17'}"));
	assert_true(passes("{'message.fields.1':17}"));
	assert_true(passes("{'message.vars.vip':true}"));
	assert_false(passes("{'message.vars.vip':false}"));
	assert_true(passes("{'message.vars.big':9007199254740993}"));
	assert_false(passes("{'message.vars.big':9007199254740992}")); /* the same double */
}

static void test_conditions_on_what_is_absent(void **state)
{
	(void)state;
	assert_true(passes("{'message.vars.none':null}"));
	assert_true(passes("{'message.campaign_name':null}"));
	assert_false(passes("{'message.vars.region':null}"));
	assert_false(passes("{'message.vars.none':''}"));
	assert_true(passes("{'message.vars.region':{'exists':true}}"));
	assert_false(passes("{'message.vars.none':{'exists':true}}"));
	assert_true(passes("{'message.vars.none':{'exists':false}}"));
	assert_true(passes("{'message.vars.none':{'ne':'x'}}"));
	assert_false(passes("{'message.vars.none':{'prefix':''}}"));
	assert_false(passes("{'message.vars':'x'}"));
	assert_false(passes("{'message.vars.list':1}"));
	assert_true(passes("{'message.vars.list':{'ne':1}}"));
}

static void test_operators(void **state)
{
	(void)state;
	assert_true(passes("{'message.from_number':{'prefix':'4671'}}"));
	assert_false(passes("{'message.from_number':{'prefix':'4672'}}"));
	assert_false(passes("{'message.from_number':{'prefix':'467100001234'}}"));
	assert_true(passes("{'message.status':{'ne':['sent','queued']}}"));
	assert_false(passes("{'message.status':{'ne':['sent','delivered']}}"));
	assert_true(passes("{'message.from_number':{'prefix':'46','ne':'46710000124','exists':true}}"));
	assert_false(passes("{'message.from_number':{'prefix':'46','ne':'46710000123'}}"));
}

static void test_refusals(void **state)
{
	(void)state;
	assert_refused("{'url':'https://example.org/','message_types':[]}", "message_types", "empty list");
	assert_refused("{'url':'https://example.org/','message_types':'sms'}", "message_types", "a list of words");
	assert_refused("{'url':'https://example.org/','message_types':['sms',7]}", "message_types[1]",
		       "kind of message");
	assert_refused("{'url':'https://example.org/','statuses':['deliverd']}", "statuses[0]",
		       "did you mean \"delivered\"?");
	assert_refused("{'url':'https://example.org/','filter':[]}", "filter", "must be an object");
	assert_refused("{'url':'https://example.org/','filter':{'message..id':1}}", "filter.message..id",
		       "dotted path");
	assert_refused("{'url':'https://example.org/','filter':{'':1}}", "filter", "dotted path");
	assert_refused("{'url':'https://example.org/','filter':{'a.b':{'gt':1}}}", "filter.a.b",
		       "ne, prefix and exists");
	assert_refused("{'url':'https://example.org/','filter':{'a.b':{'exists':1}}}", "filter.a.b.exists",
		       "true or false");
	assert_refused("{'url':'https://example.org/','filter':{'a.b':{'prefix':1}}}", "filter.a.b.prefix",
		       "must be a text");
	assert_refused("{'url':'https://example.org/','filter':{'a.b':[[1]]}}", "filter.a.b", "can be compared");
}

static void test_origin(void **state)
{
	static const char all[] = "{'url':'https://example.org/'}";

	(void)state;
	assert_true(
		wants(all, "{'type':'contact_update','update_type':'x','contact':{'id':'c1','update_type':'name'}}"));
	assert_true(wants(
		all,
		"{'type':'contact_update','origin':'web','update_type':'x','contact':{'id':'c1','update_type':'n'}}"));
	assert_false(wants(
		all,
		"{'type':'contact_update','origin':'api','update_type':'x','contact':{'id':'c1','update_type':'n'}}"));
	assert_false(wants(all, "{'type':'message_metadata','origin':'script','update_type':'x','message':{'id':'1','"
				"update_type':'n'}}"));
	assert_true(wants(all, "{'type':'send_status','origin':'api','message':{'id':'1','status':'sent'}}"));
}

static void test_status_map_leaves_out(void **state)
{
	static const char map[] = "{'url':'https://example.org/','status_map':{'sent':null,'simulated':'TEST'}}";

	(void)state;
	assert_true(wants(map, DELIVERED));
	assert_false(wants(map, "{'type':'send_status','message':{'id':'1','status':'sent'}}"));
	assert_true(wants(map, "{'type':'send_status','message':{'id':'1','status':'sent','simulated':true}}"));
	assert_true(wants(map, "{'type':'incoming_message','message':{'id':'1','from_number':'46','status':'sent'}}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),	   cmocka_unit_test(test_message_types),
		cmocka_unit_test(test_statuses),   cmocka_unit_test(test_final_statuses),
		cmocka_unit_test(test_conditions), cmocka_unit_test(test_conditions_on_what_is_absent),
		cmocka_unit_test(test_operators),  cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_origin),	   cmocka_unit_test(test_status_map_leaves_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
