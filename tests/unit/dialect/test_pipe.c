/* What a placeholder can do with its value, the times and zones behind it, and value maps. */
#include <stdlib.h>
#include <time.h>

#include "dialect/moment.h"
#include "settings.h"

static const char event_text[] =
	"{'type':'send_status','id':'evt-1','time':1547125204.25,'message':{'id':1000007,'status':'delivered','to_"
	"number':'+46 71-000 "
	"01 23','from_number':'ACME','num_parts':2,'time_done':1547125204.5,'content':'Ärger & <b>','error_code':'11',"
	"'media':[{'url':'a'},{'url':'b'}],'vars':{'empty':'','digits':'0046710','local':'0701','short':'72500','plain'"
	":46710000123,"
	"'late':1562763600,'soon':'no time'},'channel_status':{'viber':'sent'}}}";

struct fixture {
	struct event *event;
	struct maps *maps;
	struct status_map *statuses;
	struct zone *zone;
};

static int set_up(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	struct parsed p;

	f->event = event_of(event_text);
	assert_int_equal(
		maps_compile(parsed_set(&p, "{'code':{'delivered':1,'expired':'4','sent':null,'*':0},'words':{'1':"
					    "'one','11':'eleven'}}"),
			     &f->maps, NULL),
		0);
	parsed_free(&p);
	assert_int_equal(status_map_compile(parsed_set(&p, "{'delivered':'OK','sent':'GONE'}"), &f->statuses, NULL), 0);
	parsed_free(&p);
	assert_int_equal(zone_read(SLICE_LIT("Europe/Stockholm"), &f->zone, NULL), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	event_unref(&f->event);
	maps_free(&f->maps);
	status_map_free(&f->statuses);
	zone_free(&f->zone);
	mem_free(f);
	return 0;
}

static void check(struct fixture *f, enum template_grammar grammar, const char *text, const char *expected)
{
	struct scope scope = {
		.event = f->event, .statuses = f->statuses, .attempt = 3, .zone = f->zone, .secret = SLICE_LIT("sec")
	};
	char *source = quoted(text), *want = quoted(expected);
	struct template *t = NULL;
	struct fault fault;
	struct buf out;

	if (template_compile_with(grammar, slice_str(source), f->maps, &t, &fault) != 0)
		fail_msg("%s was refused: %s at %ld", text, fault.message, fault.position);
	buf_init(&out, 10000);
	assert_int_equal(template_render(t, &scope, &out), 0);
	if (strcmp(buf_str(&out), want) != 0)
		fail_msg("%s: expected %s, got %s", source, want, buf_str(&out));
	buf_free(&out);
	template_free(&t);
	mem_free(source);
	mem_free(want);
}

static void header(struct fixture *f, const char *text, const char *expected)
{
	check(f, TEMPLATE_HEADER, text, expected);
}

static void test_numbers(void **state)
{
	header(*state, "{RECIPIENT|msisdn} {RECIPIENT|e164}", "46710000123 +46710000123");
	header(*state, "{SENDER|msisdn} {SENDER|e164}", "ACME ACME");
	header(*state, "{message.vars.digits|msisdn} {message.vars.digits|e164}", "46710 +46710");
	header(*state, "{message.vars.local|e164} {message.vars.short|e164}", "0701 72500");
	header(*state, "{message.vars.plain|e164}", "+46710000123");
	header(*state, "[{message.vars.none|e164}]", "[]");
}

static void test_words(void **state)
{
	header(*state, "{STATUS} {message.channel_status.viber|status} {STATUS|lower}", "OK GONE ok");
	header(*state, "{message.status|upper} {CONTENT|upper}", "DELIVERED \xc3\x84RGER & <B>"); /* ASCII alone */
	header(*state, "{message.status|map:code} {SENDER|map:code}", "1 0");
	header(*state, "{message.error_code|map:words} {message.status|map:code|map:words}", "eleven one");
	header(*state, "{message.status|map:words}", "delivered"); /* no word, no star: as it is */
	header(*state, "[{message.channel_status.viber|map:code}]", "[]");
	header(*state, "{message.channel_status.viber|map:code|default:none}", "none");
}

static void test_missing(void **state)
{
	header(*state, "{message.vars.none|default:a b:c} {message.vars.empty|default:x}.", "a b:c .");
	header(*state, "{message.vars.none|or:message.vars.no|or:SENDER}", "ACME");
	header(*state, "{message.vars.none|or:time|time:unix} {message.vars.none|or:ATTEMPT}", "1547125204 3");
	header(*state, "{message.time_done|when:message.status=delivered,read|time:unix}", "1547125204");
	header(*state, "[{message.time_done|when:STATUS=GONE|time:unix}]", "[]");
	header(*state, "[{message.time_done|when:message.vars.none=}]", "[]");
	header(*state, "{message.media|count} {message.vars.none|count|default:0} {CONTENT|count}", "2 0 0");
}

static void test_types_in_json(void **state)
{
	check(*state, TEMPLATE_JSON,
	      "[{message.status|map:code},{message.vars.none|default:7},{message.vars.none|default:seven}]",
	      "[1,7,'seven']");
	check(*state, TEMPLATE_JSON, "[{message.time_done|time:unix_ms},{message.time_done|utc:iso_ms}]",
	      "[1547125204500,'2019-01-10T13:00:04.500Z']");
	check(*state, TEMPLATE_JSON, "[{RECIPIENT|msisdn},{message.media|count},{ID|upper},'{ID}']",
	      "['46710000123',2,1000007,'1000007']");
	check(*state, TEMPLATE_JSON, "[{message.channel_status.viber|map:code},{message.vars.soon|time:unix}]",
	      "[null,null]");
}

static void test_every_grammar(void **state)
{
	check(*state, TEMPLATE_URL, "https://a.example/{CONTENT|upper}?t={message.time_done|time:%d %H:%M}",
	      "https://a.example/%C3%84RGER%20%26%20%3CB%3E?t=10%2014%3A00");
	check(*state, TEMPLATE_XML, "<a b='{CONTENT|lower}'>{CONTENT|upper}<![CDATA[{CONTENT|upper}]]></a>",
	      "<a b='\xc3\x84rger &amp; &lt;b&gt;'>\xc3\x84RGER &amp; &lt;B&gt;<![CDATA[\xc3\x84RGER & <B>]]></a>");
	check(*state, TEMPLATE_FORM, "1 & {CONTENT|upper}", "1+%26+%C3%84RGER+%26+%3CB%3E");
	check(*state, TEMPLATE_JSON, "{'a':'{message.vars.none|default:/ x}'}", "{'a':'/ x'}");
}

static void test_times(void **state)
{
	header(*state, "{message.time_done|time:%Y-%m-%d %H:%M:%S} {message.time_done|utc:%H}",
	       "2019-01-10 14:00:04 13");
	header(*state, "{message.vars.late|time:iso} {message.vars.late|utc:iso}",
	       "2019-07-10T15:00:00+02:00 2019-07-10T13:00:00Z");
	header(*state, "{message.time_done|time:%y%m%d%H%M %b %a %z %:z %L %f %s %% %F %T}",
	       "1901101400 Jan Thu +0100 +01:00 500 500000 1547125204 % 2019-01-10 14:00:04");
	header(*state, "{DONE_UNIXTIME|time:%F}", "2019-01-10");
	header(*state, "[{message.vars.soon|time:iso}]", "[]");
}

static void test_proof(void **state)
{
	header(*state, "{ID|secret_sha1}", "ad7c43e6dddcc82628d4ae78eec1cc237b0578ad");
}

static void refused(const char *text, long position, const char *word)
{
	struct template *t = NULL;
	struct fault fault = { 0 };

	if (template_compile(TEMPLATE_HEADER, slice_str(text), &t, &fault) != ERR_INVALID)
		fail_msg("%s was accepted", text);
	if (fault.position != position || !strstr(fault.message, word))
		fail_msg("%s: expected %ld …%s…, got %ld %s", text, position, word, fault.position, fault.message);
}

static void test_refusals(void **state)
{
	(void)state;
	refused("ab{ID|uper}", 6, "did you mean |upper?");
	refused("{ID|upper:x}", 9, "takes no argument");
	refused("{ID|default}", 11, "needs an argument");
	refused("{ID|map:code}", 8, "in the setting maps");
	refused("{ID|time:%Q}", 9, "not %Q");
	refused("{ID|time:seconds}", 9, "unix, unix_ms");
	refused("{ID|time:%}", 9, "and %%");
	refused("{ID|or:}", 7, "or needs a name");
	refused("{ID|or:RECIPIENTS}", 7, "did you mean {RECIPIENT}?");
	refused("{ID|when:ID}", 9, "when needs");
	refused("{ID|default:a\"b}", 13, "can't stand there");
	refused("{ID|default:a{b}", 13, "can't stand there");
	refused("{ID|lower|lower|lower|lower|lower|lower|lower|lower|lower}", 52, "more than 8");
	refused("{IDD|lower}", 0, "did you mean {ID}?");
}

static void test_literal_braces_stay(void **state)
{
	header(*state, "{a|b} {|upper} {x y|upper}", "{a|b} {|upper} {x y|upper}");
}

/* --- zones, against the C library's own reading of the same files --- */

static void compare_zone(const char *name)
{
	struct zone *zone = NULL;
	struct fault fault;

	if (zone_read(slice_str(name), &zone, &fault) != 0)
		fail_msg("%s: %s", name, fault.message);
	setenv("TZ", name, 1);
	tzset();
	for (int64_t t = 0; t < INT64_C(4102444800); t += 1234567 + t % 7919) { /* 1970 to 2100 */
		time_t at = (time_t)t;
		struct tm tm;

		localtime_r(&at, &tm);
		if (zone_offset_s(zone, t) != tm.tm_gmtoff)
			fail_msg("%s at %lld: %d, not %ld", name, (long long)t, zone_offset_s(zone, t), tm.tm_gmtoff);
	}
	zone_free(&zone);
}

static void test_zones_of_the_database(void **state)
{
	static const char *const names[] = { "Europe/Berlin",  "America/New_York",  "Australia/Lord_Howe",
					     "Asia/Kolkata",   "America/Sao_Paulo", "Africa/Casablanca",
					     "Europe/Dublin",  "Pacific/Apia",	    "America/Nuuk",
					     "Asia/Jerusalem", "Etc/GMT+5",	    "UTC" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		compare_zone(names[i]);
}

static void offset_is(const char *name, int32_t expected)
{
	struct zone *zone = NULL;

	assert_int_equal(zone_read(slice_str(name), &zone, NULL), 0);
	assert_int_equal(zone_offset_s(zone, 1547125204), expected);
	zone_free(&zone);
}

static void test_fixed_zones(void **state)
{
	static const char *const wrong[] = {
		"",	"+",	 "+24:00", "+1:60",	     "02:00", "Europe",		"Europe/", "/etc/passwd",
		"a//b", "-2400", "+9999",  "Europe/Berlin/", ".",     "../zoneinfo/UTC"
	};

	(void)state;
	offset_is("UTC", 0);
	offset_is("Z", 0);
	offset_is("+02:00", 7200);
	offset_is("-0330", -12600);
	offset_is("+5", 18000);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct zone *zone = NULL;
		struct fault fault = { .message = "" };

		if (zone_read(slice_str(wrong[i]), &zone, &fault) != ERR_INVALID || zone || !fault.message[0])
			fail_msg("\"%s\" was taken for a zone", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_types_in_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_grammar, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_proof, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_literal_braces_stay, set_up, tear_down),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_zones_of_the_database),
		cmocka_unit_test(test_fixed_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
