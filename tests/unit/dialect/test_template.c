/*
 * Templates: what is a placeholder (W1), and that a value stays in
 * its place in JSON (W2), XML (W3), URLs (W4) and headers (W5).
 */
#include "settings.h"

#include <expat.h>

#include "base/rand.h"
#include "base/text.h"

static const char event_text[] = "{'type':'send_status','id':'evt-9','message':{'id':1000007,'status':'delivered','"
				 "from_number':'A&B <\\u0022>','to_number':'46710',"
				 "'time_sent':1547125200,'content':'line\\r\\n]]> \\u0001 "
				 "\\ud800','fields':['Anna','','8f14','../x','..','1e5'],"
				 "'vars':{'order':17,'rate':1.10,'yes':true,'list':[1,{'a':'\\ud800\\\\\\ud83d\\ude00'}"
				 "],'text':'t\\u0022','1e':'x',"
				 "'deep':{'B_2':'deep'},'nil':null}}}";

/* The rendered text, or NULL when it could not be rendered; mem_free it. */
static char *try_render(enum template_grammar grammar, const char *text, const struct event *e)
{
	struct scope scope = {
		.event = e, .organization_id = SLICE_LIT("org"), .delivery_id = SLICE_LIT("d1"), .attempt = 3
	};
	struct template *t = NULL;
	struct fault fault;
	struct buf out;
	int err;

	if (template_compile(grammar, slice_str(text), &t, &fault) != 0)
		fail_msg("%s was refused: %s at %ld", text, fault.message, fault.position);
	buf_init(&out, 100000);
	err = template_render(t, &scope, &out);
	template_free(&t);
	if (err == 0)
		return buf_take(&out);
	assert_int_equal(err, ERR_INVALID);
	buf_free(&out);
	return NULL;
}

/* Both with ' for ". */
static void check(enum template_grammar grammar, const char *text, const char *expected)
{
	char *template = quoted(text), *want = quoted(expected);
	struct event *e = event_of(event_text);
	char *got = try_render(grammar, template, e);

	assert_non_null(got);
	if (strcmp(got, want) != 0)
		fail_msg("%s:\nexpected %s\ngot      %s", template, want, got);
	mem_free(template);
	mem_free(want);
	mem_free(got);
	event_unref(&e);
}

static void check_refused(enum template_grammar grammar, const char *text, long position, const char *word)
{
	char *template = quoted(text);
	struct template *t = NULL;
	struct fault fault = { 0 };

	if (template_compile(grammar, slice_str(template), &t, &fault) != ERR_INVALID)
		fail_msg("%s was accepted", template);
	if (fault.position != position || !strstr(fault.message, word))
		fail_msg("%s: expected …%s… at %ld, got %s at %ld", template, word, position, fault.message,
			 fault.position);
	assert_string_equal(fault.param, "");
	assert_null(t);
	mem_free(template);
}

/* --- W1 --- */

static void test_placeholders(void **state)
{
	(void)state;
	check(TEMPLATE_HEADER, "{ID} {1}{2} {3}", "1000007 Anna 8f14");
	check(TEMPLATE_HEADER, "{message.vars.deep.B_2} {message.fields.2} {message.none.x}", "deep 8f14 ");
	check(TEMPLATE_HEADER, "{0}{01}{100}{1a}{id}{Id}{a}{.a}{a.}{a..b}{A.b}{} {{ID}} {ID {a.b c}",
	      "{0}{01}{100}{1a}{id}{Id}{a}{.a}{a.}{a..b}{A.b}{} {1000007} {ID {a.b c}");
	check(TEMPLATE_HEADER, "{98}{99}{EVENT_ID}-{DELIVERY_ID}-{ATTEMPT}", "evt-9-d1-3");
	check_refused(TEMPLATE_HEADER, "ab{RECIPENT}", 2, "did you mean {RECIPIENT}?");
	check_refused(TEMPLATE_HEADER, "{ID}{NO_SUCH_THING}", 4, "{NO_SUCH_THING} is no metric; write one of");
}

static void test_properties(void **state)
{
	static const struct {
		const char *text;
		bool constant, delivery;
	} rows[] = {
		{ "plain {x}", true, false },	  { "{ID}", false, false },	    { "{a.b}", false, false },
		{ "{DELIVERY_ID}", false, true }, { "x{1}{ATTEMPT}", false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct template *t = NULL;

		assert_int_equal(template_compile(TEMPLATE_HEADER, slice_str(rows[i].text), &t, NULL), 0);
		assert_int_equal(template_is_constant(t), rows[i].constant);
		assert_int_equal(template_uses_delivery(t), rows[i].delivery);
		template_free(&t);
		assert_null(t);
	}
}

static void test_texts_that_are_none(void **state)
{
	(void)state;
	check_refused(TEMPLATE_HEADER, "a\xff", 1, "UTF-8");
	check_refused(TEMPLATE_JSON, "\xef\xbb\xbf{}", 0, "byte order mark");
	check_refused(TEMPLATE_JSON, "", 0, "");
}

/* --- W2 --- */

static void test_json(void **state)
{
	(void)state;
	/* the seed's own */
	check(TEMPLATE_JSON,
	      "{'id':{ID},'UUID':'{3}','unixtime':{DONE_UNIXTIME},'recipient status':'{RECIPIENT_STATUS}'}",
	      "{'id':1000007,'UUID':'8f14','unixtime':null,'recipient status':''}");
	check(TEMPLATE_JSON, "{ 'when' : '{SENT_DATEISO}',\n'n':{SENT_UNIXTIME} }",
	      "{ 'when' : '2019-01-10T13:00:00Z',\n'n':1547125200 }");
	check(TEMPLATE_JSON, "[{RECIPIENT},{1},{6},{2},{7},'{2}{7}']", "['46710','Anna','1e5','',null,'']");
	check(TEMPLATE_JSON, "{CONTENT}", "'line\\r\\n]]> \\u0001 \xef\xbf\xbd'");
	check(TEMPLATE_JSON, "'<{SENDER}>'", "'<A&B <\\'>>'");
	check(TEMPLATE_JSON, "[{ATTEMPT},{DELIVERY_ID},{EVENT_ID},{CID}]", "[3,'d1','evt-9','org']");
	check(TEMPLATE_JSON, "{'{1}':1,'{1}{3}':{},'a':{ }}", "{'Anna':1,'Anna8f14':{},'a':{ }}");
}

static void test_json_paths(void **state)
{
	(void)state;
	check(TEMPLATE_JSON,
	      "[{message.vars.order},{message.vars.rate},{message.vars.yes},{message.vars.nil},{message.x}]",
	      "[17,1.10,true,null,null]");
	check(TEMPLATE_JSON, "[{message.id},'{message.id}','{message.vars.deep}']",
	      "[1000007,'1000007','{\\'B_2\\':\\'deep\\'}']");
	check(TEMPLATE_JSON, "{message.vars.list}", "[1,{'a':'\\ufffd\\\\\\ud83d\\ude00'}]");
	check(TEMPLATE_JSON, "{message.vars.deep}", "{'B_2':'deep'}");
}

static void test_json_refused(void **state)
{
	(void)state;
	check_refused(TEMPLATE_JSON, "{'id':{IDD}}", 6, "did you mean {ID}?");
	check_refused(TEMPLATE_JSON, "{'id':'{IDD}'}", 7, "did you mean {ID}?");
	check_refused(TEMPLATE_JSON, "{{ID}:1}", 1, "");
	check_refused(TEMPLATE_JSON, "{'a':1{ID}}", 6, "");
	check_refused(TEMPLATE_JSON, "{'a':{ID}1}", 9, "");
	check_refused(TEMPLATE_JSON, "[{ID}{ID}]", 5, "");
	check_refused(TEMPLATE_JSON, "{ID}{ID}", 4, "");
	check_refused(TEMPLATE_JSON, "[-{ID}]", 1, "");
	check_refused(TEMPLATE_JSON, "'\\{ID}'", 1, "");
	check_refused(TEMPLATE_JSON, "'\\u00{1}41'", 1, "");
	check_refused(TEMPLATE_JSON, "{'id':{ID}", 10, "");
	check_refused(TEMPLATE_JSON, "{'id':{ID},}", 11, "");
	check_refused(TEMPLATE_JSON, "{'a':{0}}", 6, "");
	check_refused(TEMPLATE_JSON, "{'a':{id}}", 6, "");
}

/* --- W3 --- */

static void test_xml(void **state)
{
	(void)state;
	check(TEMPLATE_XML,
	      "<?xml version='1.0' encoding='utf-8'?>\n<sms id='{ID}' to=\"{SENDER}\"><!-- {x} "
	      "--><t>{SENDER}</t></sms>",
	      "<?xml version='1.0' encoding='utf-8'?>\n<sms id='1000007' to='A&amp;B &lt;&quot;&gt;'><!-- {x} "
	      "--><t>A&amp;B &lt;'&gt;</t></sms>");
	check(TEMPLATE_XML, "<a b='{CONTENT}'>{CONTENT}</a>",
	      "<a b='line&#13;&#10;]]&gt; \xef\xbf\xbd \xef\xbf\xbd'>line&#13;\n]]&gt; \xef\xbf\xbd \xef\xbf\xbd</a>");
	check(TEMPLATE_XML, "<a><![CDATA[{CONTENT}]]></a>",
	      "<a><![CDATA[line]]>&#13;<![CDATA[\n]]]]><![CDATA[> \xef\xbf\xbd \xef\xbf\xbd]]></a>");
	check(TEMPLATE_XML, "<a>{7}<b/>{2}{ {id}</a>", "<a><b/>{ {id}</a>");
	check(TEMPLATE_XML, "<a>]{1}]]{1}></a>", "<a>]Anna]]Anna&gt;</a>");
	check(TEMPLATE_XML, "<a>{1}]>{1}></a>", "<a>Anna]&gt;Anna&gt;</a>");
	check(TEMPLATE_XML, "<a><![CDATA[{1}]>{1}>x>]]></a>",
	      "<a><![CDATA[Anna]]]><![CDATA[>Anna]]><![CDATA[>x>]]></a>");
	check(TEMPLATE_XML, "<a><?x y?></a><!-- > -->", "<a><?x y?></a><!-- > -->");
}

static void test_xml_refused(void **state)
{
	(void)state;
	check_refused(TEMPLATE_XML, "<{ID}/>", 1, "in a tag");
	check_refused(TEMPLATE_XML, "<a {1}='x'/>", 3, "in a tag");
	check_refused(TEMPLATE_XML, "<a b={1}/>", 5, "in a tag");
	check_refused(TEMPLATE_XML, "<a></a{ID}>", 6, "in a tag");
	check_refused(TEMPLATE_XML, "<a><!-- {ID} --></a>", 8, "in a comment");
	check_refused(TEMPLATE_XML, "<a><?x {ID}?></a>", 7, "processing instruction");
	check_refused(TEMPLATE_XML, "<!DOCTYPE a><a/>", 0, "document type");
	check_refused(TEMPLATE_XML, "<a>{IDD}</a>", 3, "did you mean {ID}?");
	check_refused(TEMPLATE_XML, "<a>&{ID};</a>", 4, "well-formed");
	check_refused(TEMPLATE_XML, "<a>&#6{1}5;</a>", 6, "well-formed");
	check_refused(TEMPLATE_XML, "<a>&nbsp;</a>", 3, "undefined entity");
	check_refused(TEMPLATE_XML, "<a></b>", 5, "mismatched");
	check_refused(TEMPLATE_XML, "<a>", 3, "well-formed");
	check_refused(TEMPLATE_XML, "<a/><b/>", 4, "well-formed");
	check_refused(TEMPLATE_XML, "<a/>{ID}", 4, "well-formed");
	check_refused(TEMPLATE_XML, "<a>]]></a>", 5, "well-formed");
	check_refused(TEMPLATE_XML, "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 0, "UTF-8");
}

/* --- W4, W5 --- */

static void test_url(void **state)
{
	(void)state;
	check(TEMPLATE_URL,
	      "https://push.company.org/receiver.php?contact={RID}&id={ID}&to={RECIPIENT}&status={STATUS}",
	      "https://push.company.org/receiver.php?contact=&id=1000007&to=46710&status=delivered");
	check(TEMPLATE_URL, "http://h:8080/{1}/x?{SENDER}={CONTENT}",
	      "http://h:8080/Anna/x?A%26B%20%3C%22%3E=line%0D%0A%5D%5D%3E%20%01%20%EF%BF%BD");
	check(TEMPLATE_URL, "http://h/{4}", "http://h/..%2Fx");
	check(TEMPLATE_URL, "http://h?{5}", "http://h?..");
	check(TEMPLATE_URL, "http://h/a{5}", "http://h/a..");
	check_refused(TEMPLATE_URL, "https://{ID}.example.org/", 8, "scheme, user name, host or port");
	check_refused(TEMPLATE_URL, "https://example.org{ID}", 19, "scheme, user name, host or port");
	check_refused(TEMPLATE_URL, "https://example.org:{ID}/", 20, "scheme, user name, host or port");
	check_refused(TEMPLATE_URL, "{1}://example.org/", 0, "scheme, user name, host or port");
	check_refused(TEMPLATE_URL, "{RID}&id={ID}", 0, "http");
	check_refused(TEMPLATE_URL, "ftp://example.org/{ID}", 0, "http");
	check_refused(TEMPLATE_URL, "http://h/%{1}", 9, "%25");
	check_refused(TEMPLATE_URL, "http://h/%4{1}", 9, "%25");
	check_refused(TEMPLATE_URL, "http://h/\xc3\xa5", 9, "percent-encoded");
	check_refused(TEMPLATE_URL, "http://h/a/../b", 8, "segment");
	check_refused(TEMPLATE_URL, "http://h/{ID}?a b", 15, "blank");
	check_refused(TEMPLATE_URL, "http://h/{IDD}", 9, "did you mean {ID}?");
}

/* A value of dots would climb out of the folder that the operator allowed, whatever the encoding. */
static void test_url_dots(void **state)
{
	struct event *e = event_of(event_text);

	(void)state;
	assert_null(try_render(TEMPLATE_URL, "http://h/push/{5}/x", e));
	assert_null(try_render(TEMPLATE_URL, "http://h/push/{5}", e));
	assert_null(try_render(TEMPLATE_URL, "http://h/push/.{7}/x", e));
	assert_null(try_render(TEMPLATE_URL, "http://h/push/%2e{7}?x", e));
	event_unref(&e);
}

static void test_header(void **state)
{
	struct event *e = event_of(event_text);

	(void)state;
	check(TEMPLATE_HEADER, "a\t{1}; {SENDER}", "a\tAnna; A&B <'>");
	assert_null(try_render(TEMPLATE_HEADER, "x{CONTENT}", e));
	check_refused(TEMPLATE_HEADER, "a\r\nb: c", 1, "line break");
	check_refused(TEMPLATE_HEADER, "a\x7f", 1, "control character");
	event_unref(&e);
}

/* --- any value whatsoever --- */

#define CASES 30000

/* Pieces of JSON string text, chosen for what they could break. */
static const char *const nasty[] = {
	"\\u0000",
	"\\u0001",
	"\\t",
	"\\n",
	"\\r",
	"\\r\\n",
	"\\\"",
	"\\\\",
	"\\/",
	"'",
	"<",
	">",
	"&",
	"&amp;",
	"]",
	"]]",
	"]]>",
	"-->",
	"<!--",
	"?>",
	"<![CDATA[",
	"</a>",
	"\\ud800",
	"\\udc00",
	"\\ud83d\\ude00",
	"\\uffff",
	"\xef\xbf\xbe",
	"\xf0\x9f\x98\x80",
	"\xc3\xa5",
	"\\u0085",
	"\\u2028",
	"\x7f",
	"{",
	"}",
	"{ID}",
	"%",
	"%41",
	",",
	":",
	"null",
	"1",
};

static void add_nasty(struct rand *r, struct buf *out)
{
	for (uint64_t n = rand_below(r, 6); n > 0; n--)
		buf_add_str(out, nasty[rand_below(r, COUNT_OF(nasty))]);
}

/* An event whose first three data fields are nasty. */
static struct event *nasty_event(struct rand *r, struct slice ret_fields[3])
{
	struct json_doc doc;
	struct event *e = NULL;
	struct buf text;

	buf_init(&text, 10000);
	json_doc_init(&doc);
	buf_add_str(&text, "{\"type\":\"send_status\",\"message\":{\"id\":1,\"status\":\"x\",\"fields\":[\"");
	add_nasty(r, &text);
	buf_add_str(&text, "\",\"");
	add_nasty(r, &text);
	buf_add_str(&text, "\",\"");
	add_nasty(r, &text);
	buf_add_str(&text, "\"]}}");
	assert_int_equal(json_parse(&doc, buf_slice(&text), &json_limits_default, NULL), 0);
	assert_int_equal(event_parse(json_root(&doc), SLICE_LIT("p"), 0, &e, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		struct buf field;
		char path[] = "message.fields.0";

		path[sizeof(path) - 2] = (char)('0' + i);
		buf_init(&field, 1000);
		json_text(event_path(e, slice_str(path)), &field);
		ret_fields[i].n = field.n;
		ret_fields[i].p = buf_take(&field);
	}
	json_doc_free(&doc);
	buf_free(&text);
	return e;
}

static void free_fields(struct slice fields[3])
{
	for (size_t i = 0; i < 3; i++)
		mem_free((void *)(uintptr_t)fields[i].p);
}

/* What the receiver must read for a value, between these two. */
static void assert_reads(struct slice got, const char *before, struct slice value, const char *after)
{
	struct buf want;

	buf_init(&want, 100000);
	buf_add_str(&want, before);
	buf_add_slice(&want, value);
	buf_add_str(&want, after);
	if (!slice_eq(got, buf_slice(&want)))
		fail_msg("expected %s, got %.*s", buf_str(&want), SLICE_ARG(got));
	buf_free(&want);
}

static void test_any_value_in_json(void **state)
{
	static const char text[] = "{\"a\":\"<{1}>\",\"b\":[{2},{ID}],\"k{3}\":{\"c\":{message.fields}}}";
	struct rand r;

	(void)state;
	rand_seed(&r, 20261121);
	for (int i = 0; i < CASES; i++) {
		struct slice fields[3];
		struct event *e = nasty_event(&r, fields);
		char *got = try_render(TEMPLATE_JSON, text, e);
		struct buf scratch;
		struct json_doc doc;
		struct json root;
		struct json_iter it;

		json_doc_init(&doc);
		buf_init(&scratch, 100000);
		assert_int_equal(json_parse(&doc, slice_str(got), &json_limits_default, NULL), 0);
		root = json_root(&doc);
		assert_int_equal(doc.count, 14);
		assert_reads(json_text_slice(json_get(root, "a"), &scratch), "<", fields[0], ">");
		assert_reads(json_text_slice(json_path(root, SLICE_LIT("b.0")), &scratch), "", fields[1], "");
		assert_true(slice_is(json_raw(json_path(root, SLICE_LIT("b.1"))), "1"));
		it = json_each(root);
		while (json_next(&it) && it.index < 2)
			;
		assert_reads(json_text_slice(it.key, &scratch), "k", fields[2], "");
		it = json_each(json_get(it.value, "c"));
		while (json_next(&it))
			assert_reads(json_text_slice(it.value, &scratch), "", fields[it.index], "");
		buf_free(&scratch);
		json_doc_free(&doc);
		mem_free(got);
		free_fields(fields);
		event_unref(&e);
	}
}

/* Reads back what an XML document says. */
struct reading {
	int elements;
	struct buf text, attribute;
};

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = arg;

	(void)name;
	reading->elements++;
	for (; attributes[0]; attributes += 2)
		buf_add_str(&reading->attribute, attributes[1]);
}

static void on_text(void *arg, const XML_Char *s, int n)
{
	struct reading *reading = arg;

	buf_add(&reading->text, s, (size_t)n);
}

static void read_xml(const char *text, struct reading *ret)
{
	XML_Parser parser = XML_ParserCreate("UTF-8");

	ret->elements = 0;
	buf_init(&ret->text, 100000);
	buf_init(&ret->attribute, 100000);
	XML_SetUserData(parser, ret);
	XML_SetStartElementHandler(parser, on_start);
	XML_SetCharacterDataHandler(parser, on_text);
	if (XML_Parse(parser, text, (int)strlen(text), 1) != XML_STATUS_OK)
		fail_msg("%s: %s", text, XML_ErrorString(XML_GetErrorCode(parser)));
	XML_ParserFree(parser);
}

/* The value with U+FFFD for all that XML 1.0 cannot say. */
static void add_sayable(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		bool end_of_plane =
			c == 0xef && i + 2 < s.n && (uint8_t)s.p[i + 1] == 0xbf && (uint8_t)s.p[i + 2] >= 0xbe;

		if (end_of_plane || (c < 0x20 && !(c == 9 || c == 10 || c == 13)))
			buf_add_str(out, "\xef\xbf\xbd");
		else
			buf_add_char(out, s.p[i]);
		if (end_of_plane)
			i += 2;
	}
}

static void test_any_value_in_xml(void **state)
{
	static const char text[] = "<a><b x=\"={1}\" y='{1}'/>{1}]{2}]]{3}>|<![CDATA[{2}]]{3}>{1}]>{3}]]]></a>";
	struct rand r;

	(void)state;
	rand_seed(&r, 20261122);
	for (int i = 0; i < CASES; i++) {
		struct slice f[3];
		struct event *e = nasty_event(&r, f);
		char *got = try_render(TEMPLATE_XML, text, e);
		struct reading reading;
		struct buf want;

		read_xml(got, &reading);
		assert_int_equal(reading.elements, 2);
		buf_init(&want, 100000);
		buf_add_str(&want, "=");
		add_sayable(&want, f[0]);
		add_sayable(&want, f[0]);
		assert_string_equal(buf_str(&want), buf_str(&reading.attribute));
		buf_reset(&want);
		add_sayable(&want, f[0]);
		buf_add_str(&want, "]");
		add_sayable(&want, f[1]);
		buf_add_str(&want, "]]");
		add_sayable(&want, f[2]);
		buf_add_str(&want, ">|");
		add_sayable(&want, f[1]);
		buf_add_str(&want, "]]");
		add_sayable(&want, f[2]);
		buf_add_str(&want, ">");
		add_sayable(&want, f[0]);
		buf_add_str(&want, "]>");
		add_sayable(&want, f[2]);
		buf_add_str(&want, "]");
		assert_string_equal(buf_str(&want), buf_str(&reading.text));
		buf_free(&want);
		buf_free(&reading.text);
		buf_free(&reading.attribute);
		mem_free(got);
		free_fields(f);
		event_unref(&e);
	}
}

static void test_any_value_in_url(void **state)
{
	struct rand r;

	(void)state;
	rand_seed(&r, 20261123);
	for (int i = 0; i < CASES / 10; i++) {
		struct slice fields[3];
		struct event *e = nasty_event(&r, fields);
		char *got = try_render(TEMPLATE_URL, "http://h/a{1}/{2}b?{3}&c", e);
		struct slice query;
		struct buf decoded;

		assert_non_null(got);
		for (const char *p = got; *p; p++)
			assert_true(*p > ' ' && *p < 0x7f && !strchr("<>\"{}#", *p));
		buf_init(&decoded, 10000);
		query = slice_str(strchr(got, '?') + 1);
		percent_decode(&decoded, slice_of(query.p, slice_find(query, '&')), false);
		assert_reads(buf_slice(&decoded), "", fields[2], "");
		buf_free(&decoded);
		mem_free(got);
		free_fields(fields);
		event_unref(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_texts_that_are_none),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_paths),
		cmocka_unit_test(test_json_refused),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_xml_refused),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_dots),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_any_value_in_json),
		cmocka_unit_test(test_any_value_in_xml),
		cmocka_unit_test(test_any_value_in_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
