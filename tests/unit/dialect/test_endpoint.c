/*
 * Endpoints: defaults, every bound, what is refused and how it is said, layers
 * over presets, merging, secrets, and the questions that the engine asks.
 */
#include <stdio.h>

#include "pem.h"
#include "settings.h"

#define URL "'url':'https://example.org/'"

/* --- defaults and values --- */

static void test_defaults(void **state)
{
	struct endpoint *ep = endpoint_of("{'url':'https://Example.org:8443/x?id={ID}'}");

	(void)state;
	assert_string_equal(ep->name, "");
	assert_null(ep->preset);
	assert_true(ep->active);
	assert_int_equal(ep->event_mask, (1u << EVENT_POSTED) - 1);
	assert_int_equal(ep->method, HTTP_POST);
	assert_int_equal(ep->content, CONTENT_EVENT_JSON);
	assert_string_equal(ep->content_type_header, "application/json; charset=utf-8");
	assert_null(ep->body);
	assert_string_equal(ep->xml_root, "batch");
	assert_int_equal(ep->header_count, 0);
	assert_true(ep->headers_extra);
	assert_null(ep->statuses);
	assert_int_equal(ep->batch.max_items, 1);
	assert_int_equal(ep->batch.max_wait_ms, 15000);
	assert_int_equal(ep->batch.max_bytes, 1048576);
	assert_true(endpoint_success(ep, 200) && endpoint_success(ep, 299));
	assert_false(endpoint_success(ep, 199) || endpoint_success(ep, 300));
	assert_int_equal(ep->order, ORDER_MESSAGE);
	assert_int_equal(ep->concurrency, 4);
	assert_int_equal(ep->retry.delay_count, 10);
	assert_int_equal(ep->retry.delays_ms[4], 1800000);
	assert_true(ep->retry.jitter == 0.1);
	assert_int_equal(ep->retry.max_attempts, 0);
	assert_int_equal(ep->retry.max_age_ms, 86400000);
	assert_int_equal(ep->disable_after_ms, 432000000);
	assert_int_equal(ep->signature, SIGNATURE_NONE);
	assert_null(ep->secrets[0]);
	assert_int_equal(ep->peer.verify, TLS_STRICT);
	assert_int_equal(ep->peer.tls_min, 12);
	assert_null(ep->peer.username);
	assert_null(ep->peer.ports);
	assert_int_equal(ep->peer.timeout_ms, 10000);
	assert_int_equal(ep->peer.connections_max, 4);
	assert_string_equal(ep->host, "example.org");
	assert_string_equal(ep->owner, "demo");
	assert_string_equal(ep->organization_id, "org");
	assert_int_equal(ep->revision, 3);
	endpoint_unref(&ep);
	assert_null(ep);
}

static void test_example_of_the_specification(void **state)
{
	struct endpoint *ep = endpoint_of(
		"{'name':'CRM','preset':'wiraya-push','active':true,'events':['send_status','incoming_message'],"
		"'message_types':['sms','call'],'statuses':null,'filter':null,'url':'https://push.example.org/"
		"r?contact={RID}',"
		"'method':'POST','content_type':'json','body':'{\\'id\\':{ID}}','headers':{'X-Tenant':'42'},"
		"'auth':{'username':'u','password':'p'},'secret':null,'signature':'none',"
		"'tls':{'verify':'strict','min_version':'1.2','ca':null,'client_cert':null,'client_key':null},"
		"'batch':{'max_items':100,'max_wait_ms':15000,'max_bytes':1048576},'success':{'statuses':'2xx','ack':'"
		"none'},"
		"'timeout_ms':10000,'concurrency':4,'rate_per_s':0,'order':'message',"
		"'retry':{'delays_s':[60,120,300],'jitter':0.1,'max_attempts':0,'max_age_s':86400}}");

	(void)state;
	assert_string_equal(ep->name, "CRM");
	assert_string_equal(ep->preset, "wiraya-push");
	assert_int_equal(ep->peer.verify, TLS_STRICT); /* what the endpoint says itself wins */
	assert_int_equal(ep->batch.max_items, 100);
	assert_int_equal(ep->retry.delay_count, 3);
	assert_int_equal(ep->header_count, 1);
	assert_string_equal(ep->headers[0].name, "X-Tenant");
	assert_string_equal(ep->peer.username, "u");
	assert_string_equal(ep->peer.password, "p");
	assert_non_null(ep->statuses); /* the preset's */
	endpoint_unref(&ep);
}

static void test_values(void **state)
{
	struct endpoint *ep = endpoint_of(
		"{" URL ",'active':false,'order':'strict','concurrency':256,'rate_per_s':0.5,"
		"'retry':{'delays_s':[0,0.25,604800],'max_age_s':2678400,'max_attempts':1000},"
		"'disable_after_s':0,'tls':{'verify':'pin:00ff1122334455667788990011223344556677889900112233"
		"44556677889900','min_version':'1.3'},'secret':'any text','name':'Åsa & Co',"
		"'headers_extra':false,'content_type':'xml','body':'<e>{ID}</e>','xml_root':'list'}");

	(void)state;
	assert_false(ep->active);
	assert_int_equal(ep->peer.connections_max, 1); /* strict: one request at a time */
	assert_true(ep->rate_per_s == 0.5);
	assert_int_equal(ep->retry.delays_ms[0], 0);
	assert_int_equal(ep->retry.delays_ms[1], 250);
	assert_int_equal(ep->retry.delays_ms[2], 604800000);
	assert_int_equal(ep->disable_after_ms, 0);
	assert_int_equal(ep->peer.verify, TLS_PIN);
	assert_int_equal(ep->peer.pin[1], 0xff);
	assert_int_equal(ep->peer.tls_min, 13);
	assert_string_equal(ep->secrets[0], "any text");
	assert_string_equal(ep->name, "Åsa & Co");
	assert_string_equal(ep->content_type_header, "application/xml; charset=utf-8");
	assert_string_equal(ep->xml_root, "list");
	endpoint_unref(&ep);
}

static void test_success_statuses(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL ",'success':{'statuses':'200, 202,204'}}");

	(void)state;
	assert_true(endpoint_success(ep, 200) && endpoint_success(ep, 202) && endpoint_success(ep, 204));
	assert_false(endpoint_success(ep, 201) || endpoint_success(ep, 203));
	endpoint_unref(&ep);
	ep = endpoint_of("{" URL ",'success':{'statuses':['200-204','409','5XX']}}");
	assert_true(endpoint_success(ep, 203) && endpoint_success(ep, 409) && endpoint_success(ep, 503));
	assert_false(endpoint_success(ep, 205) || endpoint_success(ep, 410));
	endpoint_unref(&ep);
	ep = endpoint_of("{" URL ",'success':{'statuses':200}}");
	assert_true(endpoint_success(ep, 200));
	assert_false(endpoint_success(ep, 201));
	endpoint_unref(&ep);
}

/* --- refusals --- */

static const struct {
	const char *settings, *param, *word;
} refusals[] = {
	{ "[]", "", "must be an object of settings" },
	{ "{}", "url", "is missing" },
	{ "{'url':null}", "url", "is missing" },
	{ "{" URL ",'time_out_ms':1}", "time_out_ms", "did you mean \"timeout_ms\"?" },
	{ "{" URL ",'id':'x'}", "id", "is no setting" },
	{ "{" URL ",'tls':{'verfy':'off'}}", "tls.verfy", "did you mean \"verify\"?" },
	{ "{" URL ",'tls':'off'}", "tls", "must be an object" },
	{ "{" URL ",'retries':{}}", "retries", "did you mean \"retry\"?" },
	{ "{" URL ",'max_items':5}", "max_items", "is no setting" },
	{ "{" URL ",'preset':'wiraya-pull'}", "preset", "did you mean \"wiraya-push\"?" },
	{ "{" URL ",'preset':5}", "preset", "must be the name of a preset" },
	{ "{" URL ",'name':7}", "name", "must be a string, not 7" },
	{ "{" URL ",'name':'a\\nb'}", "name", "control character at offset 1" },
	{ "{" URL ",'active':1}", "active", "true or false" },
	{ "{" URL ",'events':['send_statuses']}", "events[0]", "did you mean \"send_status\"?" },
	{ "{" URL ",'events':[]}", "events", "empty list" },
	{ "{" URL ",'events':'send_status'}", "events", "must be a list of words" },
	{ "{" URL ",'method':'PUT'}", "method", "must be one of: POST, GET" },
	{ "{" URL ",'content_type':'query'}", "content_type", "use form with POST" },
	{ "{" URL ",'content_type':'form','batch':{'max_items':2}}", "batch.max_items", "those of one event" },
	{ "{" URL ",'content_type':'webcom_xml'}", "events", "[\"send_status\"]" },
	{ "{" URL ",'content_type':'form','body':'{}'}", "body", "leave body out" },
	{ "{" URL ",'fields':{'a':'b'}}", "fields", "content_type form or query" },
	{ "{" URL ",'content_type':'form','fields':[]}", "fields", "an object from names" },
	{ "{" URL ",'content_type':'form','fields':{'a':1}}", "fields.a", "must be a string" },
	{ "{" URL ",'content_type':'form','fields':{'':'x'}}", "fields", "empty" },
	{ "{" URL ",'content_type':'form','fields':{'a':'{STATUZ}'}}", "fields.a", "did you mean {STATUS}" },
	{ "{" URL ",'content_type':'form','fields':{'a':'{STATUS|map:code}'}}", "fields.a", "in the setting maps" },
	{ "{" URL ",'maps':{'code':{'a':1}},'content_type':'form','fields':{'a':'{STATUS|map:cod}'}}", "fields.a",
	  "did you mean \"code\"?" },
	{ "{" URL ",'maps':[]}", "maps", "must be an object" },
	{ "{" URL ",'maps':{'a b':{}}}", "maps.a b", "letters, digits" },
	{ "{" URL ",'maps':{'code':{'x':[]}}}", "maps.code", "not an array" },
	{ "{" URL ",'time_zone':'Europe/Nowhere'}", "time_zone", "IANA" },
	{ "{" URL ",'time_zone':'../../etc/passwd'}", "time_zone", "IANA" },
	{ "{" URL ",'time_zone':'+25:00'}", "time_zone", "IANA" },
	{ "{" URL ",'time_zone':2}", "time_zone", "a time zone such as" },
	{ "{" URL ",'order':'strict','newest_replaces':true}", "newest_replaces", "message" },
	{ "{" URL ",'newest_replaces':'yes'}", "newest_replaces", "true or false" },
	{ "{" URL ",'order':'none','final_statuses':['read']}", "final_statuses", "change order" },
	{ "{" URL ",'final_statuses':['red']}", "final_statuses[0]", "did you mean \"read\"?" },
	{ "{" URL ",'final_statuses':[]}", "final_statuses", "use null for none" },
	{ "{" URL ",'ports':[22]}", "ports[0]", "only the operator" },
	{ "{" URL ",'ports':[80,'443']}", "ports[1]", "a port from 1" },
	{ "{" URL ",'ports':[]}", "ports", "empty list" },
	{ "{" URL ",'batch':{'wrap':''}}", "batch.wrap", "bare array" },
	{ "{" URL ",'content_type':'jsn'}", "content_type", "did you mean \"json\"?" },
	{ "{" URL ",'content_type':'json'}", "body", "is missing" },
	{ "{" URL ",'body':'{}'}", "body", "leave body out" },
	{ "{" URL ",'content_type':'json','body':{}}", "body", "must be a string that holds the template" },
	{ "{" URL ",'content_type':'xml','body':'<a/>','xml_root':'1a'}", "xml_root", "name of an XML element" },
	{ "{" URL ",'xml_root':''}", "xml_root", "name of an XML element" },
	{ "{" URL ",'xml_root':'XmlThing'}", "xml_root", "name of an XML element" },
	{ "{" URL ",'timeout_ms':99}", "timeout_ms", "from 100 to 120000, not 99" },
	{ "{" URL ",'timeout_ms':120001}", "timeout_ms", "from 100 to 120000" },
	{ "{" URL ",'timeout_ms':'10s'}", "timeout_ms", "not a string" },
	{ "{" URL ",'timeout_ms':1e400}", "timeout_ms", "whole number" },
	{ "{" URL ",'concurrency':0}", "concurrency", "from 1 to 256" },
	{ "{" URL ",'concurrency':1.5}", "concurrency", "whole number" },
	{ "{" URL ",'concurrency':257}", "concurrency", "from 1 to 256" },
	{ "{" URL ",'rate_per_s':-1}", "rate_per_s", "from 0 to 100000" },
	{ "{" URL ",'rate_per_s':100001}", "rate_per_s", "from 0 to 100000" },
	{ "{" URL ",'order':'random'}", "order", "none, message, strict" },
	{ "{" URL ",'batch':{'max_items':0}}", "batch.max_items", "from 1 to 1000" },
	{ "{" URL ",'batch':{'max_items':1001}}", "batch.max_items", "from 1 to 1000" },
	{ "{" URL ",'batch':{'max_wait_ms':3600001}}", "batch.max_wait_ms", "from 0 to 3600000" },
	{ "{" URL ",'batch':{'max_bytes':1023}}", "batch.max_bytes", "from 1024 to 4194304" },
	{ "{" URL ",'batch':[]}", "batch", "must be an object" },
	{ "{" URL ",'retry':{'delays_s':5}}", "retry.delays_s", "a list of up to 64" },
	{ "{" URL ",'retry':{'delays_s':[1,-1]}}", "retry.delays_s[1]", "from 0 to 604800, not -1" },
	{ "{" URL ",'retry':{'delays_s':[604801]}}", "retry.delays_s[0]", "from 0 to 604800" },
	{ "{" URL ",'retry':{'jitter':1.1}}", "retry.jitter", "from 0 to 1" },
	{ "{" URL ",'retry':{'max_attempts':1001}}", "retry.max_attempts", "from 0 to 1000" },
	{ "{" URL ",'retry':{'max_age_s':0}}", "retry.max_age_s", "from 1 to 2678400" },
	{ "{" URL ",'disable_after_s':-1}", "disable_after_s", "from 0 to" },
	{ "{" URL ",'success':{'ack':'body_equals'}}", "success.body", "needs the text that acknowledges" },
	{ "{" URL ",'success':{'body':'OK'}}", "success.body", "goes with success.ack body_equals only" },
	{ "{" URL ",'success':{'statuses':'20x'}}", "success.statuses", "must be a status like" },
	{ "{" URL ",'success':{'statuses':'200,,201'}}", "success.statuses", "must be a status like" },
	{ "{" URL ",'success':{'statuses':'204-200'}}", "success.statuses", "must be a status like" },
	{ "{" URL ",'success':{'statuses':['200','abc']}}", "success.statuses[1]", "must be a status like" },
	{ "{" URL ",'success':{'statuses':[]}}", "success.statuses", "nothing would ever succeed" },
	{ "{" URL ",'success':{'statuses':'200-399'}}", "success.statuses", "redirect" },
	{ "{" URL ",'success':{'statuses':'302'}}", "success.statuses", "redirect" },
	{ "{" URL ",'signature':'standard_webhooks'}", "secret", "is missing" },
	{ "{" URL ",'signature':'standard_webhooks','secret':'whsec_AAAA'}", "secret", "24 to 64" },
	{ "{" URL ",'signature':'standard_webhooks','secret':'abc'}", "secret", "must be whsec_" },
	{ "{" URL ",'secret':'***'}", "secret", "is the mask" },
	{ "{" URL ",'auth':{'username':'u'}}", "auth.password", "is missing" },
	{ "{" URL ",'auth':{'password':'p'}}", "auth.username", "is missing" },
	{ "{" URL ",'auth':{'username':'u:v','password':'p'}}", "auth.username", "holds a colon" },
	{ "{" URL ",'auth':{'username':'u','password':'a\\u0000b'}}", "auth.password", "NUL" },
	{ "{" URL ",'auth':{'username':'u','password':'a\\u007fb'}}", "auth.password", "control character" },
	{ "{" URL ",'auth':{'username':'u','password':'***'}}", "auth.password", "is the mask" },
	{ "{" URL ",'tls':{'verify':'none'}}", "tls.verify", "must be strict, self_signed, off, or pin:" },
	{ "{" URL ",'tls':{'verify':'pin:00ff'}}", "tls.verify", "64 hex digits" },
	{ "{" URL ",'tls':{'verify':true}}", "tls.verify", "must be strict" },
	{ "{" URL ",'tls':{'min_version':'1.1'}}", "tls.min_version", "must be one of: 1.2, 1.3" },
	{ "{" URL ",'tls':{'min_version':1.2}}", "tls.min_version", "one of the words: 1.2, 1.3" },
	{ "{" URL ",'tls':{'ca':'/etc/ssl/ca.pem'}}", "tls.ca", "holds no certificate" },
	{ "{" URL ",'tls':{'ca':''}}", "tls.ca", "holds no certificate" },
	{ "{" URL ",'tls':{'ca':'-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n'}}", "tls.ca",
	  "can't be read" },
	{ "{" URL ",'tls':{'client_key':'x'}}", "tls.client_key", "holds no private key" },
	{ "{" URL ",'schemes':['ftp']}", "schemes[0]", "must be one of: http, https" },
	{ "{" URL ",'status_map':{'sms':{},'x':'y'}}", "status_map", "mixes" },
	{ "{" URL ",'headers':[]}", "headers", "must be an object" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++)
		assert_refused(refusals[i].settings, refusals[i].param, refusals[i].word);
}

static void test_bounds_of_lists(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 10000);
	buf_add_str(&text, "{" URL ",'retry':{'delays_s':[1");
	for (int i = 0; i < ENDPOINT_DELAYS_MAX; i++)
		buf_add_str(&text, ",1");
	buf_add_str(&text, "]}}");
	assert_refused(buf_str(&text), "retry.delays_s", "more than 64");
	buf_reset(&text);
	buf_add_str(&text, "{" URL ",'success':{'statuses':'200");
	for (int i = 0; i < ENDPOINT_STATUS_RANGES_MAX; i++)
		buf_addf(&text, ",%d", 201 + i);
	buf_add_str(&text, "'}}");
	assert_refused(buf_str(&text), "success.statuses", "more than 16");
	buf_free(&text);
}

/* --- URL --- */

static void test_urls(void **state)
{
	struct fault fault;
	struct endpoint *ep =
		endpoint_of("{'url':'http://[2001:DB8::1]:8080/{message.vars.order}/{odd-brace}?a={1}&b={ID}'}");

	(void)state;
	assert_string_equal(ep->host, "2001:db8::1");
	endpoint_unref(&ep);
	ep = endpoint_of("{'url':'https://example.org?id={ID}'}");
	assert_string_equal(ep->host, "example.org");
	endpoint_unref(&ep);

	assert_refused("{'url':'ftp://example.org/'}", "url", "http");
	assert_refused("{'url':'example.org'}", "url", "http");
	assert_refused("{'url':'https://user:pw@example.org/'}", "url", "");
	assert_refused("{'url':'https://0177.1/'}", "url", "");
	assert_refused("{'url':'https://example.org:0/'}", "url", "");
	assert_refused("{'url':'https://{1}.example.org/'}", "url", "");
	assert_refused("{'url':'https://example.org/a b'}", "url", "at offset 21");
	assert_refused("{'url':'https://example.org/å'}", "url", "at offset 20: a URL holds ASCII only");
	assert_refused("{'url':7}", "url", "must be a string");
	assert_refused("{'url':'http://example.org/','schemes':['https']}", "url", "must begin with https://");

	/* Offsets are those of the text that was given, placeholders and all. */
	fault = assert_refused("{'url':'https://example.org/{ID}/x#frag'}", "url", "#");
	assert_int_equal(fault.position, 26);
	assert_non_null(strstr(fault.message, "at offset 26"));
	fault = assert_refused("{'url':'https://example.org/?x={NOSUCH}'}", "url", "at offset 23");
	assert_int_equal(fault.position, 23);
}

static void test_template_faults_have_positions(void **state)
{
	struct fault fault =
		assert_refused("{" URL ",'content_type':'json','body':'{\\'id\\':{IDD}}'}", "body", "at offset 6");

	(void)state;
	assert_int_equal(fault.position, 6);
	fault = assert_refused("{" URL ",'headers':{'X-A':'ab{NOSUCH}'}}", "headers.X-A", "at offset 2");
	assert_int_equal(fault.position, 2);
}

/* --- GET --- */

static void test_get(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL ",'preset':'wiraya-push','method':'GET'}");

	(void)state;
	assert_int_equal(ep->method, HTTP_GET);
	assert_null(ep->body);
	assert_null(ep->content_type_header);
	assert_int_equal(ep->batch.max_items, 1);
	endpoint_unref(&ep);
	ep = endpoint_of("{" URL ",'method':'GET','content_type':'json','body':'{'}"); /* not even looked at */
	assert_null(ep->body);
	endpoint_unref(&ep);
	assert_refused("{" URL ",'method':'GET','batch':{'max_items':2}}", "batch.max_items", "use POST");
}

/* --- headers --- */

static void test_header_names(void **state)
{
	static const char *const names[] = {
		"Host",	   "content-length", "Transfer-Encoding", "Connection",		 "TE",	    "Trailer",
		"Upgrade", "Expect",	     "Keep-Alive",	  "Proxy-Authorization", "proxy-x", "Accept-Encoding"
	};
	char settings[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char param[64];

		snprintf(settings, sizeof(settings), "{" URL ",'headers':{'%s':'x'}}", names[i]);
		snprintf(param, sizeof(param), "headers.%s", names[i]);
		assert_refused(settings, param, "set by the transport");
	}
	assert_refused("{" URL ",'headers':{'a b':'x'}}", "headers.a b", "no header name");
	assert_refused("{" URL ",'headers':{'':'x'}}", "headers", "no header name");
	assert_refused("{" URL ",'headers':{'X:':'x'}}", "headers.X:", "no header name");
	assert_refused("{" URL ",'headers':{'X-A':'1','x-a':'2'}}", "headers.x-a", "given twice");
	assert_refused("{" URL ",'headers':{'webhook-id':'x'}}", "headers.webhook-id", "set by headers_extra");
	assert_refused("{" URL ",'auth':{'username':'u','password':''},'headers':{'authorization':'x'}}",
		       "headers.authorization", "set by auth");
}

static void test_header_names_that_are_free(void **state)
{
	struct endpoint *ep = endpoint_of(
		"{" URL ",'headers_extra':false,'headers':{'Authorization':'Bearer x','webhook-id':'{EVENT_ID}',"
		"'Content-Type':'text/plain','User-Agent':'x','Teapot':'1','Hosts':''}}");

	(void)state;
	assert_int_equal(ep->header_count, 6);
	assert_null(ep->content_type_header); /* W19 */
	endpoint_unref(&ep);
}

static void test_header_values(void **state)
{
	struct buf text;

	(void)state;
	assert_refused("{" URL ",'headers':{'X-A':7}}", "headers.X-A", "must be a string");
	assert_refused("{" URL ",'headers':{'X-A':'a\\r\\nB: c'}}", "headers.X-A", "at offset 1: a control character");
	assert_refused("{" URL ",'headers':{'X-A':'a\\u0000'}}", "headers.X-A", "control character");
	assert_refused("{" URL ",'headers':{'X-A':'Å'}}", "headers.X-A", "outside ASCII");
	endpoint_unref(&(struct endpoint *){ endpoint_of("{" URL ",'headers':{'X-A':'a\\tb {ID} c'}}") });

	buf_init(&text, 20000);
	buf_add_str(&text, "{" URL ",'headers':{'X-A':'");
	for (int i = 0; i < 8190; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "'}}");
	assert_refused(buf_str(&text), "headers.X-A", "longer than 8192 bytes in all");
	buf_reset(&text);
	buf_add_str(&text, "{" URL ",'headers':{'X-0':''");
	for (int i = 1; i <= ENDPOINT_HEADERS_MAX; i++)
		buf_addf(&text, ",'X-%d':''", i);
	buf_add_str(&text, "}}");
	assert_refused(buf_str(&text), "headers.X-32", "at most 32");
	buf_free(&text);
}

/* --- certificates --- */

static int try_certificates(const char *cert, const char *key, const char *ca, struct fault *fault)
{
	struct endpoint_identity who = { .owner = SLICE_LIT("p"), .id = SLICE_LIT("e") };
	struct endpoint *ep = NULL;
	struct json_writer w;
	struct json_doc doc;
	struct buf text;
	int err;

	buf_init(&text, 100000);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	json_member_str(&w, "url", "https://example.org/");
	json_key(&w, "tls");
	json_begin_object(&w);
	json_member_str(&w, "client_cert", cert);
	json_member_str(&w, "client_key", key);
	json_member_str(&w, "ca", ca);
	json_end_object(&w);
	json_end_object(&w);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, buf_slice(&text), &json_limits_default, fault), 0);
	err = endpoint_compile(json_root(&doc), &who, &ep, fault);
	if (!err) {
		assert_true(!cert || strcmp(ep->peer.client_cert_pem, cert) == 0);
		endpoint_unref(&ep);
	}
	json_doc_free(&doc);
	buf_free(&text);
	return err;
}

static void certificates_refused(const char *cert, const char *key, const char *param, const char *word)
{
	struct fault fault;

	assert_int_equal(try_certificates(cert, key, NULL, &fault), ERR_INVALID);
	assert_string_equal(fault.param, param);
	assert_non_null(strstr(fault.message, word));
}

static void test_certificates(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(try_certificates(pem_cert, pem_key, pem_cert, &fault), 0);
	assert_int_equal(try_certificates(NULL, NULL, pem_cert, &fault), 0);
	certificates_refused(pem_cert, NULL, "tls.client_key", "is missing");
	certificates_refused(NULL, pem_key, "tls.client_cert", "is missing");
	certificates_refused(pem_cert, pem_other_key, "tls.client_key", "does not belong");
	certificates_refused(pem_cert, pem_encrypted_key, "tls.client_key", "is encrypted");
	certificates_refused(pem_cert, pem_cert, "tls.client_key", "no private key");
	certificates_refused(pem_key, pem_key, "tls.client_cert", "no certificate");
}

/* --- layers, merging, secrets --- */

static void test_preset_layers(void **state)
{
	struct endpoint *ep;

	(void)state;
	/* objects member by member */
	ep = endpoint_of("{" URL ",'preset':'wiraya-push','batch':{'max_items':3},'tls':{'min_version':'1.3'}}");
	assert_int_equal(ep->batch.max_items, 3);
	assert_int_equal(ep->batch.max_wait_ms, 15000);
	assert_int_equal(ep->peer.verify, TLS_SELF_SIGNED);
	assert_int_equal(ep->peer.tls_min, 13);
	endpoint_unref(&ep);
	/* null is the fallback, not the preset */
	ep = endpoint_of("{" URL ",'preset':'wiraya-push','tls':null,'status_map':null}");
	assert_int_equal(ep->peer.verify, TLS_STRICT);
	assert_null(ep->statuses);
	endpoint_unref(&ep);
	/* another content type needs another body */
	assert_refused("{" URL ",'preset':'wiraya-push','content_type':'xml'}", "body", "is missing");
	ep = endpoint_of("{" URL ",'preset':'wiraya-push','content_type':'event_json'}");
	assert_null(ep->body);
	endpoint_unref(&ep);
}

static void test_status_map_over_preset(void **state)
{
	struct endpoint *ep =
		endpoint_of("{" URL ",'preset':'wiraya-push','status_map':{'sms':{'delivered':null,'sent':'SENT'}}}");
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_false(status_map_word(ep->statuses, SLICE_LIT("sms"), SLICE_LIT("delivered"), false, &out));
	assert_true(status_map_word(ep->statuses, SLICE_LIT("sms"), SLICE_LIT("sent"), false, &out));
	assert_true(status_map_word(ep->statuses, SLICE_LIT("sms"), SLICE_LIT("spam"), false, &out));
	assert_true(status_map_word(ep->statuses, SLICE_LIT("call"), SLICE_LIT("delivered"), false, &out));
	assert_string_equal(buf_str(&out), "SENTSPAMDELIVERED");
	buf_free(&out);
	endpoint_unref(&ep);
}

typedef void combiner(struct json old, struct json new, struct buf *out);

static void combined(combiner *combine, const char *old, const char *new, const char *expected)
{
	struct parsed a, b;
	struct json before = parsed_set(&a, old), after = parsed_set(&b, new);
	char *text = quoted(expected);
	struct buf out;

	buf_init(&out, 10000);
	combine(before, after, &out);
	assert_string_equal(buf_str(&out), text);
	buf_free(&out);
	mem_free(text);
	parsed_free(&a);
	parsed_free(&b);
}

static void test_merge(void **state)
{
	(void)state;
	combined(endpoint_merge, "{'name':'a','url':'u'}", "{'name':'b'}", "{'url':'u','name':'b'}");
	combined(endpoint_merge, "{'name':'a','url':'u'}", "{'name':null}", "{'url':'u'}");
	combined(endpoint_merge, "{'batch':{'max_items':5,'max_wait_ms':1.50}}", "{'batch':{'max_items':6}}",
		 "{'batch':{'max_wait_ms':1.50,'max_items':6}}");
	combined(endpoint_merge, "{'batch':{'max_items':5}}", "{'batch':{'max_items':null}}", "{'batch':{}}");
	combined(endpoint_merge, "{'batch':{'max_items':5}}", "{'batch':null}", "{}");
	combined(endpoint_merge, "{'headers':{'A':'1','B':'2'}}", "{'headers':{'A':null,'C':'3'}}",
		 "{'headers':{'B':'2','C':'3'}}");
	combined(endpoint_merge, "{'filter':{'a':1}}", "{'filter':{'b':null}}", "{'filter':{'b':null}}");
	combined(endpoint_merge, "{'status_map':{'sms':{'a':'A','b':'B'}}}", "{'status_map':{'sms':{'a':null}}}",
		 "{'status_map':{'sms':{'a':null,'b':'B'}}}");
	combined(endpoint_merge, "{'a\\u0062c':1}", "{'abc':2}", "{'abc':2}");
	combined(endpoint_merge, "{'name':'a'}", "[1]", "[1]");
	combined(endpoint_merge, "{'batch':{'max_items':5}}", "{'batch':7}", "{'batch':7}");
}

static void test_masked_secrets_are_kept(void **state)
{
	(void)state;
	combined(endpoint_merge, "{'secret':'s'}", "{'secret':'***'}", "{'secret':'s'}");
	combined(endpoint_merge, "{'name':'a'}", "{'secret':'***'}", "{'name':'a'}");
	combined(endpoint_merge, "{'auth':{'username':'u','password':'p'}}",
		 "{'auth':{'username':'v','password':'***'}}", "{'auth':{'username':'v','password':'p'}}");
	combined(endpoint_merge, "{'name':'a'}", "{'name':'***'}", "{'name':'***'}");

	combined(endpoint_keep_secrets, "{'secret':'s','name':'a'}", "{'secret':'***','active':true}",
		 "{'secret':'s','active':true}");
	combined(endpoint_keep_secrets, "{'secret':'s','previous_secret':'r'}", "{'secret':'***'}",
		 "{'secret':'s','previous_secret':'r'}");
	combined(endpoint_keep_secrets, "{'secret':'s','previous_secret':'r'}", "{'secret':'t'}", "{'secret':'t'}");
	combined(endpoint_keep_secrets, "{'tls':{'client_key':'k','ca':'c'}}", "{'tls':{'client_key':'***','ca':null}}",
		 "{'tls':{'client_key':'k','ca':null}}");
	combined(endpoint_keep_secrets, "{'name':'a'}", "{'auth':{'password':'***'},'filter':{'x':null}}",
		 "{'auth':{'password':'***'},'filter':{'x':null}}");
	combined(endpoint_keep_secrets, "{'secret':null}", "{'secret':'***'}", "{'secret':'***'}");
	combined(endpoint_keep_secrets, "{'name':'a'}", "{'name':'***'}", "{'name':'***'}");
}

static void assert_holds(const char *text, const char *part)
{
	char *wanted = quoted(part);

	if (!strstr(text, wanted))
		fail_msg("%s is not in %s", wanted, text);
	mem_free(wanted);
}

static void test_write_shows_what_is_in_force(void **state)
{
	struct endpoint *ep = endpoint_of(
		"{'preset':'wiraya-push','url':'https://example.org/?k=geheim','timeout_ms':5000,'secret':'s3cret',"
		"'previous_secret':'older','auth':{'username':'u','password':'pa55'}}");
	char *text = written(ep, false);

	(void)state;
	assert_holds(text, "'preset':'wiraya-push'");
	assert_holds(text, "'url':'https://example.org/?k=geheim'");
	assert_holds(text, "'timeout_ms':5000");
	assert_holds(text, "'verify':'self_signed'");
	assert_holds(text, "'filter':null");
	assert_holds(text, "'delays_s':[60,120");
	assert_holds(text, "'auth':{'username':'u','password':'***'}");
	assert_holds(text, "'secret':'***'");
	assert_holds(text, "'client_key':null");
	assert_null(strstr(text, "s3cret"));
	assert_null(strstr(text, "pa55"));
	assert_null(strstr(text, "previous_secret"));
	mem_free(text);
	text = written(ep, true);
	assert_holds(text, "'secret':'s3cret','previous_secret':'older'");
	assert_holds(text, "'password':'pa55'");
	mem_free(text);
	endpoint_unref(&ep);
}

/* Writing with reveal and compiling that again gives the same, whatever the preset. */
static void test_write_compiles_again(void **state)
{
	static const char *const settings[] = {
		"{" URL "}",
		"{" URL ",'preset':'wiraya-push'}",
		"{" URL ",'preset':'wiraya-push','method':'GET'}",
		"{" URL ",'preset':'wiraya-push','tls':null,'status_map':null,'headers':{'A':'b'}}",
		"{" URL
		",'preset':'wiraya-callback','content_type':'xml','body':'<a>{ID}</a>','batch':{'max_items':9}}",
		"{" URL ",'preset':'standard-webhooks','secret':'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		struct endpoint *ep = endpoint_of(settings[i]), *again;
		char *first = written(ep, true), *second;

		again = endpoint_of(first);
		second = written(again, true);
		assert_string_equal(first, second);
		mem_free(first);
		mem_free(second);
		endpoint_unref(&ep);
		endpoint_unref(&again);
	}
}

static void test_references(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL "}"), *second = endpoint_ref(ep);

	(void)state;
	assert_ptr_equal(ep, second);
	endpoint_unref(&ep);
	assert_string_equal(second->host, "example.org");
	endpoint_unref(&second);
	endpoint_unref(&second); /* NULL is fine */
}

/* --- the engine's questions --- */

static void test_delays(void **state)
{
	struct endpoint *ep = endpoint_of("{" URL ",'retry':{'delays_s':[1,2.5],'jitter':0.1,'max_attempts':5}}");

	(void)state;
	assert_int_equal(endpoint_delay_ms(ep, 1, 0), 1000);
	assert_int_equal(endpoint_delay_ms(ep, 2, 0), 2500);
	assert_int_equal(endpoint_delay_ms(ep, 4, 0), 2500); /* the last one repeats */
	assert_int_equal(endpoint_delay_ms(ep, 5, 0), -1);
	assert_int_equal(endpoint_delay_ms(ep, 1, 0.5), 950);
	assert_int_equal(endpoint_delay_ms(ep, 1, 0.999999), 900);
	endpoint_unref(&ep);
	ep = endpoint_of("{" URL ",'retry':{'delays_s':[]}}");
	assert_int_equal(endpoint_delay_ms(ep, 1, 0), -1);
	endpoint_unref(&ep);
	ep = endpoint_of("{" URL "}");
	assert_int_equal(endpoint_delay_ms(ep, 1000000, 0), 28800000);
	endpoint_unref(&ep);
}

static uint64_t group_of(const char *settings, const char *event)
{
	struct endpoint *ep = endpoint_of(settings);
	struct event *e = event_of(event);
	uint64_t group = endpoint_group(ep, e);

	event_unref(&e);
	endpoint_unref(&ep);
	return group;
}

static void test_groups(void **state)
{
	static const char batch[] =
		"{'url':'https://example.org/?c={RID}','batch':{'max_items':9},'headers':{'X-P':'{CAMPAIGN_NAME}'}}";
	static const char a1[] = "{'type':'send_status','id':'1','message':{'id':'1','status':'sent','recipient_id':'a'"
				 ",'campaign_name':'x'}}";
	static const char a2[] = "{'type':'send_status','id':'2','message':{'id':'2','status':'sent','recipient_id':'a'"
				 ",'campaign_name':'x'}}";
	static const char b[] = "{'type':'send_status','id':'3','message':{'id':'3','status':'sent','recipient_id':'b',"
				"'campaign_name':'x'}}";
	static const char y[] = "{'type':'send_status','id':'4','message':{'id':'4','status':'sent','recipient_id':'a',"
				"'campaign_name':'y'}}";

	(void)state;
	assert_int_not_equal(group_of(batch, a1), 0);
	assert_true(group_of(batch, a1) == group_of(batch, a2));
	assert_true(group_of(batch, a1) != group_of(batch, b));
	assert_true(group_of(batch, a1) != group_of(batch, y));
	assert_int_equal(group_of("{" URL ",'batch':{'max_items':9}}", a1), 0);
	assert_int_equal(group_of("{'url':'https://example.org/?c={RID}'}", a1), 0);
	/* the delivery's own metrics do not tell events apart */
	assert_true(group_of("{'url':'https://example.org/?d={DELIVERY_ID}','batch':{'max_items':9}}", a1) ==
		    group_of("{'url':'https://example.org/?d={DELIVERY_ID}','batch':{'max_items':9}}", b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_example_of_the_specification),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_success_statuses),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds_of_lists),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_template_faults_have_positions),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_header_names),
		cmocka_unit_test(test_header_names_that_are_free),
		cmocka_unit_test(test_header_values),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_preset_layers),
		cmocka_unit_test(test_status_map_over_preset),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_masked_secrets_are_kept),
		cmocka_unit_test(test_write_shows_what_is_in_force),
		cmocka_unit_test(test_write_compiles_again),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
