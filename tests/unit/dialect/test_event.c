/*
 * Events at the door: what is taken, what is refused and how it
 * is named, the normalised form and its way through the store.
 */
#include "settings.h"

#include <stdio.h>

static const char full[] =
	"{ 'message': {'id': '1000007', 'status': 'delivered', 'vars': {'order': 17, 'a': [1, [2, {}], 'x']}},"
	" 'type': 'send_status', 'extra' : [ 1.10 , true ], 'id': 'evt-1', 'nothing': null, 'time': 1547125204.5,"
	" 'contact': {}, 'phone': null, 'origin': 'web' }";

static void assert_slice(struct slice s, const char *expected)
{
	char *want = quoted(expected);

	if (!slice_is(s, want))
		fail_msg("expected %s, got %.*s", want, SLICE_ARG(s));
	mem_free(want);
}

/* The moved nodes are those that reading the text anew gives. */
static void assert_nodes_are_right(const struct event *e)
{
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, e->text, &json_limits_default, NULL), 0);
	assert_int_equal(doc.count, e->doc.count);
	assert_memory_equal(doc.nodes, e->doc.nodes, doc.count * sizeof(*doc.nodes));
	json_doc_free(&doc);
}

static void test_normal_form(void **state)
{
	struct event *e = event_of(full);

	(void)state;
	assert_slice(
		e->text,
		"{'type':'send_status','id':'evt-1','time':1547125204.5,'origin':'web',"
		"'message':{'id': '1000007', 'status': 'delivered', 'vars': {'order': 17, 'a': [1, [2, {}], 'x']}},"
		"'extra':[ 1.10 , true ],'contact':{}}");
	assert_nodes_are_right(e);
	assert_int_equal(e->type, EVENT_SEND_STATUS);
	assert_int_equal(e->origin, ORIGIN_WEB);
	assert_slice(e->id, "evt-1");
	assert_slice(e->message_id, "1000007");
	assert_slice(e->project, "demo");
	assert_int_equal(e->accepted_ms, 1547125204000);
	assert_int_equal(e->seq, 0);
	assert_slice(json_raw(event_path(e, SLICE_LIT("message.vars.a.1.0"))), "2");
	assert_int_equal(json_type(event_path(e, SLICE_LIT("message.vars.none"))), JSON_NONE);
	event_unref(&e);
	assert_null(e);
}

static void test_defaults(void **state)
{
	struct event *e = event_of("{'type':'incoming_message','id':null,'message':{'id':12.50,'from_number':46710}}");

	(void)state;
	assert_true(e->id.n > 1 && e->id.n <= 34 && e->id.p[0] == 'e');
	assert_slice(e->message_id, "12.50");
	assert_slice(json_raw(event_path(e, SLICE_LIT("time"))), "1547125204");
	assert_slice(json_raw(event_path(e, SLICE_LIT("origin"))), "'platform'");
	assert_nodes_are_right(e);
	event_unref(&e);
}

static void test_escapes(void **state)
{
	struct event *e = event_of(
		"{'ty\\u0070e':'send\\u005fstatus','id':'a\\u0062c','message':{'id':'\\u00e5','status':'sent'}}");

	(void)state;
	assert_slice(e->id, "abc");
	assert_slice(e->message_id, "\xc3\xa5");
	assert_slice(slice_of(e->text.p, 38), "{'type':'send_status','id':'a\\u0062c',");
	assert_nodes_are_right(e);
	event_unref(&e);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *event, *param, *word;
	} rows[] = {
		{ "[]", "", "an array" },
		{ "{}", "type", "missing" },
		{ "{'type':null}", "type", "missing" },
		{ "{'type':7}", "type", "a number" },
		{ "{'type':'sent'}", "type", "send_status" },
		{ "{'type':'send_status'}", "message.id", "missing; send_status" },
		{ "{'type':'send_status','message':{'id':''}}", "message.id", "0 bytes" },
		{ "{'type':'send_status','message':{'id':[1]}}", "message.id", "an array" },
		{ "{'type':'send_status','message':{'id':'a\\u0000b','status':'sent'}}", "message.id", "NUL" },
		{ "{'type':'send_status','message':{'id':'1'}}", "message.status", "missing" },
		{ "{'type':'send_status','message':{'id':'1','status':7}}", "message.status", "a number" },
		{ "{'type':'send_status','message':[]}", "message", "an array" },
		{ "{'type':'send_status','message':{'id':'1','status':'sent'},'contact':'x'}", "contact", "a string" },
		{ "{'type':'send_status','message':{'id':'1','status':'sent'},'contact':{'id':{}}}", "contact.id",
		  "an object" },
		{ "{'type':'incoming_message','message':{'id':1,'from_number':null}}", "message.from_number",
		  "missing" },
		{ "{'type':'message_metadata','message':{'id':1}}", "update_type", "missing" },
		{ "{'type':'contact_update','update_type':'add'}", "contact.id", "missing" },
		{ "{'type':'contact_update','contact':{'id':'c'}}", "update_type", "contact" },
		{ "{'type':'contact_update','contact':{'id':'c','update_type':3}}", "update_type", "a number" },
		{ "{'type':'send_broadcast'}", "broadcast.id", "missing" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'id':5}", "id", "a number" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'id':''}", "id", "0 bytes" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'id':'a b'}", "id", "blank" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'time':'now'}", "time", "Unix seconds" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'time':1547125204000}", "time", "milliseconds" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'time':-1}", "time", "1970" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'origin':'me'}", "origin", "platform" },
		{ "{'type':'send_status','message':{'id':1,'status':'sent','direction':'up'}}", "message.direction",
		  "incoming" },
		{ "{'type':'send_status','message':{'id':1,'status':'sent','message_type':1}}", "message.message_type",
		  "string" },
		{ "{'type':'send_status','message':{'id':1,'status':'sent','fields':{}}}", "message.fields",
		  "an object" },
		{ "{'type':'send_status','message':{'id':1,'status':'sent','fields':[1,[]]}}", "message.fields[1]",
		  "an array" },
		{ "{'type':'send_broadcast','broadcast':{'id':1,'x':[1e999]}}", "", "1e999" },
		{ "{'type':'send_broadcast','broadcast':{'id':1},'x':-1E+400}", "", "-1E+400" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct event *e = NULL;
		struct fault fault = { 0 };
		struct parsed p;
		int err = event_parse(parsed_set(&p, rows[i].event), SLICE_LIT("demo"), 0, &e, &fault);

		if (err != ERR_INVALID || strcmp(fault.param, rows[i].param) != 0 ||
		    !strstr(fault.message, rows[i].word))
			fail_msg("%s: expected %s: …%s…, got %d %s: %s", rows[i].event, rows[i].param, rows[i].word,
				 err, fault.param, fault.message);
		assert_null(e);
		parsed_free(&p);
	}
}

static void test_limits(void **state)
{
	static const char escaped[] = "\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u00e5\\u"
				      "00e5\\u00e5\\u00e5\\u00e5";
	char text[1024], fields[400] = "1";
	struct event *e;
	struct fault fault;
	struct parsed p;

	(void)state;
	snprintf(text, sizeof(text), "{'type':'send_broadcast','broadcast':{'id':1},'id':'%0255d'}", 7);
	e = event_of(text);
	assert_int_equal(e->id.n, 255);
	event_unref(&e);
	snprintf(text, sizeof(text), "{'type':'send_broadcast','broadcast':{'id':1},'id':'%0256d'}", 7);
	assert_int_equal(event_parse(parsed_set(&p, text), SLICE_LIT("demo"), 0, &e, &fault), ERR_INVALID);
	parsed_free(&p);
	/* 255 bytes are counted as the receiver reads them, not as a caller who escapes everything writes them */
	snprintf(text, sizeof(text), "{'type':'send_broadcast','broadcast':{'id':'%s%s%s'}}", escaped, escaped,
		 escaped);
	e = event_of(text);
	event_unref(&e);
	for (int i = 1; i < 99; i++)
		memcpy(fields + 2 * i - 1, ",1", 3);
	snprintf(text, sizeof(text), "{'type':'send_status','message':{'id':1,'status':'x','fields':[%s]}}", fields);
	e = event_of(text);
	event_unref(&e);
	snprintf(text, sizeof(text), "{'type':'send_status','message':{'id':1,'status':'x','fields':[%s,1]}}", fields);
	assert_int_equal(event_parse(parsed_set(&p, text), SLICE_LIT("demo"), 0, &e, &fault), ERR_INVALID);
	assert_string_equal(fault.param, "message.fields");
	parsed_free(&p);
}

static uint64_t order_of(const char *text)
{
	struct event *e = event_of(text);
	uint64_t hash = e->order_hash;

	event_unref(&e);
	return hash;
}

/* What must keep its order is found by hash: the number and the string are one message, a contact is another thing. */
static void test_order_hash(void **state)
{
	uint64_t a = order_of("{'type':'send_status','message':{'id':17,'status':'sent'}}");

	(void)state;
	assert_true(a != 0);
	assert_true(
		a ==
		order_of("{'type':'incoming_message','message':{'id':'17','from_number':'1'},'contact':{'id':'9'}}"));
	assert_true(a == order_of("{'type':'incoming_message','message':{'id':'1\\u0037','from_number':'1'}}"));
	assert_true(a != order_of("{'type':'send_status','message':{'id':18,'status':'sent'}}"));
	assert_true(a != order_of("{'type':'contact_update','update_type':'x','contact':{'id':17}}"));
	assert_true(a != order_of("{'type':'send_broadcast','broadcast':{'id':17}}"));
}

static void test_direction_and_kind(void **state)
{
	struct event *e = event_of(
		"{'type':'incoming_message','message':{'id':1,'from_number':'1','message_type':'ca\\u006cl'}}");
	struct buf scratch;

	(void)state;
	buf_init(&scratch, 100);
	assert_true(event_is_incoming(e));
	assert_slice(event_message_type(e, &scratch), "call");
	event_unref(&e);
	e = event_of("{'type':'send_status','message':{'id':1,'status':'sent'}}");
	assert_false(event_is_incoming(e));
	assert_slice(event_message_type(e, &scratch), "sms");
	event_unref(&e);
	e = event_of("{'type':'send_status','message':{'id':1,'status':'sent','direction':'incoming'}}");
	assert_true(event_is_incoming(e));
	event_unref(&e);
	buf_free(&scratch);
}

static void test_load(void **state)
{
	struct event *e = event_of(full), *again = NULL;

	(void)state;
	assert_int_equal(event_load(e->text, SLICE_LIT("other"), 42, 1000, &again), 0);
	assert_true(slice_eq(e->text, again->text));
	assert_true(slice_eq(e->id, again->id));
	assert_true(slice_eq(e->message_id, again->message_id));
	assert_int_equal(e->type, again->type);
	assert_int_equal(e->origin, again->origin);
	assert_true(e->order_hash != again->order_hash); /* the same id in another project is another message */
	assert_slice(again->project, "other");
	assert_int_equal(again->seq, 42);
	assert_int_equal(again->accepted_ms, 1000);
	assert_nodes_are_right(again);
	event_unref(&e);
	e = event_ref(again);
	event_unref(&again);
	assert_slice(e->id, "evt-1");
	event_unref(&e);
}

static void test_load_damaged(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"7",
		"{}",
		"{'type':'send_status','id':'x','time':1}x",
		"{'type':'send_stat','id':'x','time':1,'origin':'api'}",
		"{'type':'send_status','id':7,'time':1,'origin':'api'}",
		"{'type':'send_status','id':'x','time':'1','origin':'api'}",
		"{'type':'send_status','id':'x','time':1,'origin':'apj'}",
		"{'type':'send_status','id':'x','time':1,'origin':'api','message':[]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct event *e = NULL;
		char *text = quoted(rows[i]);

		assert_int_equal(event_load(slice_str(text), SLICE_LIT("p"), 1, 1, &e), ERR_CORRUPT);
		assert_null(e);
		mem_free(text);
	}
}

static void test_words(void **state)
{
	(void)state;
	for (enum event_type t = 0; t < EVENT_TYPES; t++)
		assert_int_equal(event_type_of(slice_str(event_type_word(t))), t);
	assert_int_equal(event_type_of(SLICE_LIT("send")), EVENT_TYPES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_form),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_order_hash),
		cmocka_unit_test(test_direction_and_kind),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_damaged),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
