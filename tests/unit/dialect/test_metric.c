/* Every metric of both seeds, for the four kinds of communication: what it is, and for what it is missing. */
#include "settings.h"

#include <stdio.h>

#include "dialect/metric.h"

static const char outgoing_sms[] =
	"{'type':'send_status','id':'evt-9','message':{'id':1000007,'status':'delivered','from_number':'ACME','to_"
	"number':'46710000123',"
	"'content':'Hello','num_parts':2,'time_created':1547125199,'time_sent':1547125200.9,'time_done':1547125204,"
	"'recipient_id':991,'recipient_status':'EXISTS','fields':['Anna',null,'8f14e45f',7],'campaign_name':'Spring',"
	"'key_choices':['1'],'duration':5,'bulk':'b','identifier':'i','prefix':'p'},'contact':{'id':'c7'}}";
static const char incoming_sms[] =
	"{'type':'incoming_message','id':'evt-9','message':{'id':'x1','from_number':'46710000123','to_number':'72000','"
	"content':'yes',"
	"'time_created':1547125199,'time_sent':1547125100,'time_done':1547125204,'status':'received','num_parts':1,"
	"'campaign_name':'Spring','identifier':'VOTE','prefix':'V'},'contact':{'id':'c7'}}";
static const char outgoing_call[] = "{'type':'send_status','id':'evt-9','message':{'id':5,'status':'delivered','"
				    "message_type':'call','from_number':'4610',"
				    "'to_number':'4620','time_sent':0,'time_done':1547125204,'duration':61.7,'key_"
				    "choices':['1',2,'#'],'num_parts':1,"
				    "'recipient_status':'EXISTS','simulated':true}}";
static const char incoming_call[] =
	"{'type':'incoming_message','id':'evt-9','message':{'id':6,'message_type':'call','from_number':'4610','to_"
	"number':'4620',"
	"'time_created':1547125199,'time_done':1547125204,'duration':61,'key_choices':['1'],'bulk':'b','content':'c'}}";

#define MISSING NULL

static const struct {
	const char *name, *outgoing_sms, *incoming_sms, *outgoing_call, *incoming_call;
} rows[] = {
	{ "TYPE", "OUTGOING_SMS", "INCOMING_SMS", "OUTGOING_CALL", "INCOMING_CALL" },
	{ "ID", "1000007", "x1", "5", "6" },
	{ "CID", "org", "org", "org", "org" },
	{ "RID", "991", "c7", MISSING, MISSING },
	{ "PRID", "demo", "demo", "demo", "demo" },
	{ "RECIPIENT", "46710000123", "72000", "4620", "4620" },
	{ "SENDER", "ACME", "46710000123", "4610", "4610" },
	{ "STATUS", "DELIVERED", MISSING, "TEST", MISSING },
	{ "CONTENT", "Hello", "yes", MISSING, "c" },
	{ "SMS_PARTS", "2", MISSING, MISSING, MISSING },
	{ "SENT_UNIXTIME", "1547125200", "1547125199", "0", "1547125199" },
	{ "SENT_DATETIME", "2019-01-10 13:00:00", "2019-01-10 12:59:59", "1970-01-01 00:00:00", "2019-01-10 12:59:59" },
	{ "SENT_DATEISO", "2019-01-10T13:00:00Z", "2019-01-10T12:59:59Z", "1970-01-01T00:00:00Z",
	  "2019-01-10T12:59:59Z" },
	{ "DONE_UNIXTIME", "1547125204", MISSING, "1547125204", "1547125204" },
	{ "DONE_DATETIME", "2019-01-10 13:00:04", MISSING, "2019-01-10 13:00:04", "2019-01-10 13:00:04" },
	{ "DONE_DATEISO", "2019-01-10T13:00:04Z", MISSING, "2019-01-10T13:00:04Z", "2019-01-10T13:00:04Z" },
	{ "RECIPIENT_STATUS", "EXISTS", MISSING, MISSING, MISSING },
	{ "CAMPAIGN_NAME", "Spring", MISSING, MISSING, MISSING },
	{ "CALL_LENGTH", MISSING, MISSING, "61", MISSING },
	{ "KEY_CHOICES", MISSING, MISSING, "1,2,#", MISSING },
	{ "BULK", MISSING, "yes", MISSING, MISSING },
	{ "IDENTIFIER", MISSING, "VOTE", MISSING, MISSING },
	{ "PREFIX", MISSING, "V", MISSING, MISSING },
	{ "EVENT_ID", "evt-9", "evt-9", "evt-9", "evt-9" },
	{ "SECRET", "s3cret", "s3cret", "s3cret", "s3cret" },
	{ "DELIVERY_ID", "d1", "d1", "d1", "d1" },
	{ "ATTEMPT", "3", "3", "3", "3" },
};

static struct scope scope_of(const struct event *e, const struct status_map *statuses)
{
	return (struct scope){ .event = e,
			       .statuses = statuses,
			       .organization_id = SLICE_LIT("org"),
			       .delivery_id = SLICE_LIT("d1"),
			       .attempt = 3,
			       .secret = SLICE_LIT("s3cret") };
}

static void check(const struct scope *scope, const char *name, const char *expected)
{
	const struct metric *metric = metric_find(slice_str(name));
	struct slice text = SLICE_LIT("");
	struct subject subject;
	struct buf scratch;
	bool found;

	buf_init(&scratch, 1000);
	subject_init(&subject, scope);
	assert_non_null(metric);
	found = metric->text(&subject, &scratch, &text);
	if (found != (expected != MISSING) || (found && !slice_is(text, expected)))
		fail_msg("{%s}: expected %s, got %s %.*s", name, expected ? expected : "nothing",
			 found ? "text" : "nothing", SLICE_ARG(text));
	buf_free(&scratch);
}

static struct status_map *wiraya_map(void)
{
	struct status_map *map = NULL;
	struct parsed p;
	struct fault fault;

	assert_int_equal(
		status_map_compile(parsed_set(&p, "{'*':{'delivered':'DELIVERED','simulated':'TEST'}}"), &map, &fault),
		0);
	parsed_free(&p);
	return map;
}

static void check_all(const char *event, size_t column)
{
	struct event *e = event_of(event);
	struct status_map *map = wiraya_map();
	struct scope scope = scope_of(e, map);

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(&scope, rows[i].name, (&rows[i].outgoing_sms)[column]);
	status_map_free(&map);
	event_unref(&e);
}

static void test_all(void **state)
{
	(void)state;
	check_all(outgoing_sms, 0);
	check_all(incoming_sms, 1);
	check_all(outgoing_call, 2);
	check_all(incoming_call, 3);
	for (size_t i = 0; metric_at(i); i++) {
		bool tested = false;

		for (size_t j = 0; j < COUNT_OF(rows); j++)
			tested = tested || strcmp(rows[j].name, metric_at(i)->name) == 0;
		assert_true(tested);
	}
}

static void test_other_events(void **state)
{
	struct event *e = event_of("{'type':'contact_update','update_type':'x','contact':{'id':'c7'}}");
	struct scope scope = scope_of(e, NULL);

	(void)state;
	check(&scope, "TYPE", MISSING);
	check(&scope, "ID", MISSING);
	check(&scope, "RID", "c7");
	check(&scope, "SENT_UNIXTIME", MISSING);
	event_unref(&e);
}

static void check_message(const char *properties, const char *name, const char *expected)
{
	char text[500];
	struct event *e;
	struct scope scope;

	snprintf(text, sizeof(text), "{'type':'send_status','message':{'id':1,'status':'sent',%s}}", properties);
	e = event_of(text);
	scope = scope_of(e, NULL);
	check(&scope, name, expected);
	event_unref(&e);
}

static void test_corners(void **state)
{
	(void)state;
	check_message("'message_type':'call','duration':-1", "CALL_LENGTH", MISSING);
	check_message("'message_type':'call','duration':null", "CALL_LENGTH", MISSING);
	check_message("'message_type':'call','duration':0", "CALL_LENGTH", "0");
	check_message("'message_type':'call','key_choices':[]", "KEY_CHOICES", "");
	check_message("'message_type':'call','key_choices':'12'", "KEY_CHOICES", "12");
	check_message("'message_type':'mms'", "TYPE", "OUTGOING_MMS");
	check_message("'time_sent':'yesterday'", "SENT_DATEISO", MISSING);
	check_message("'time_sent':1e300", "SENT_DATEISO", MISSING);
	check_message("'time_sent':253402300799", "SENT_DATEISO", "9999-12-31T23:59:59Z");
	check_message("'time_sent':null", "SENT_UNIXTIME", MISSING);
	check_message("'content':'\\ud800 \\ud83d\\ude00'", "CONTENT", "\xef\xbf\xbd \xf0\x9f\x98\x80");
	check_message("'content':''", "CONTENT", "");
	check_message("'x':1", "STATUS", "sent");
	check_message("'direction':'incoming','content':'c','bulk':'all of it'", "BULK", "all of it");
}

static void test_fields(void **state)
{
	struct event *e = event_of(outgoing_sms);
	struct scope scope = scope_of(e, NULL);
	struct slice text = SLICE_LIT("");
	struct subject subject;
	struct buf scratch;

	(void)state;
	buf_init(&scratch, 100);
	subject_init(&subject, &scope);
	assert_true(metric_field(&subject, 1, &scratch, &text) && slice_is(text, "Anna"));
	assert_false(metric_field(&subject, 2, &scratch, &text));
	assert_true(metric_field(&subject, 3, &scratch, &text) && slice_is(text, "8f14e45f"));
	assert_true(metric_field(&subject, 4, &scratch, &text) && slice_is(text, "7"));
	assert_false(metric_field(&subject, 5, &scratch, &text));
	assert_false(metric_field(&subject, 99, &scratch, &text));
	buf_free(&scratch);
	event_unref(&e);
}

static void test_near(void **state)
{
	(void)state;
	assert_string_equal(metric_near(SLICE_LIT("RECIPENT"))->name, "RECIPIENT");
	assert_string_equal(metric_near(SLICE_LIT("SENT_DATE_ISO"))->name, "SENT_DATEISO");
	assert_null(metric_near(SLICE_LIT("X")));
	assert_null(metric_near(SLICE_LIT("SOMETHING_ELSE")));
	assert_null(metric_find(SLICE_LIT("id")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),    cmocka_unit_test(test_other_events), cmocka_unit_test(test_corners),
		cmocka_unit_test(test_fields), cmocka_unit_test(test_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
