/* What `listen` shows and how it judges: bodies made readable, acknowledgements, delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/list.h"
#include "listen/ack.h"
#include "listen/body_text.h"
#include "listen/certificate.h"
#include "listen/delay.h"
#include "listen/json_text.h"
#include "listen/xml_text.h"

static void assert_shown(const char *type, const char *body, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	body_text_add(&out, slice_str(type), slice_str(body), false);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void test_bodies(void **state)
{
	(void)state;
	assert_shown("application/json; charset=utf-8", "{\"a\":[1,{\"b\":\"c\"}],\"d\":{},\"e\":1.10}",
		     "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"c\"\n    }\n  ],\n  \"d\": {},\n  \"e\": 1.10\n}\n");
	assert_shown("application/vnd.x+json", "{\"batch\":[{\"id\":1},{\"id\":2}]}",
		     "item 1 of 2\n  {\n    \"id\": 1\n  }\nitem 2 of 2\n  {\n    \"id\": 2\n  }\n");
	assert_shown("", "[]", "an empty batch\n");
	assert_shown("", " {\"x\":\"\xe2\x80\xae\"}", "{\n  \"x\": \"\\u202e\"\n}\n");
	assert_shown("text/xml", "<b><i k='&lt;'>5 &amp; 6</i><i/>tail</b>",
		     "<b>\n  <i k=\"&lt;\">5 &amp; 6</i>\n  <i></i>\n  tail\n</b>\n");
	assert_shown("application/x-www-form-urlencoded",
		     "a%5Bb%5D=x+y&&c&d=%1b=", "  a[b] = x y\n  c = \n  d = \\x1b=\n");
	assert_shown("text/plain", "a\x1b\nb", "a\\x1b\nb\n");
	assert_shown("image/png", "\xff\xfe", "(2 bytes that are no text) fffe\n");
	assert_shown("text/plain", "", "");
}

/* What claims to be something and is not is shown as it came, with the reason. */
static void test_broken_bodies(void **state)
{
	struct buf out;

	(void)state;
	assert_shown("application/xml", "<a><b></a>", "no valid XML: mismatched tag\n<a><b></a>\n");
	assert_shown("application/xml", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
		     "no valid XML: it has a document type definition, which is not read here\n"
		     "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>\n");
	buf_init(&out, 1 << 20);
	body_text_add(&out, slice_str("application/json"), slice_str("{\"a\":"), false);
	assert_memory_equal(buf_str(&out), "no valid JSON: ", 15);
	assert_non_null(strstr(buf_str(&out), "\n{\"a\":\n"));
	buf_free(&out);
}

/* A document of nothing but opening tags must not grow by the square of its depth. */
static void test_deep_xml(void **state)
{
	enum { DEEP = 20000 };
	struct buf xml, out;
	const char *reason;

	(void)state;
	buf_init(&xml, 1 << 20);
	buf_init(&out, 8 << 20);
	for (int i = 0; i < DEEP; i++)
		buf_add_str(&xml, "<a>");
	for (int i = 0; i < DEEP; i++)
		buf_add_str(&xml, "</a>");
	assert_true(xml_text_add(&out, buf_slice(&xml), &reason));
	assert_true(out.n < (size_t)DEEP * 100);
	buf_free(&xml);
	buf_free(&out);
}

static void test_items(void **state)
{
	static const struct {
		const char *type, *body;
		size_t items;
	} rows[] = {
		{ "application/json", "{\"batch\":[1,2,3]}", 3 },
		{ "application/json", "[1,2]", 2 },
		{ "application/json", "{\"a\":[1,2],\"b\":1}", 1 },
		{ "application/json", "{", 1 },
		{ "application/xml", "<b><i/><i><x/></i></b>", 2 },
		{ "application/xml", "<b>1</b>", 1 },
		{ "text/plain", "", 0 },
		{ "", "a=1", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(body_items(slice_str(rows[i].type), slice_str(rows[i].body)), rows[i].items);
}

/* --- Webcom's documents and what acknowledges them --- */

#define DOCUMENT                                                                                                       \
	"<?xml version='1.0' encoding='utf-8' ?>\n<response>\n <state id_sms='1001' time='2011-01-01 12:57:46' "       \
	"sms='deliver'>deliver</state>\n <state id_sms='1002' time='2011-01-01 12:57:50' sms='expired' "               \
	"viber='read'>read</state>\n <state id_sms='1003' time='' viber='send'>send</state>\n</response>"

static void test_webcom_shown(void **state)
{
	(void)state;
	assert_shown("text/xml; charset=utf-8", DOCUMENT,
		     "item 1 of 3\n  id_sms 1001  state deliver  time 2011-01-01 12:57:46  sms deliver\n"
		     "item 2 of 3\n  id_sms 1002  state read  time 2011-01-01 12:57:50  sms expired  viber read\n"
		     "item 3 of 3\n  id_sms 1003  state send  viber send\n");
	assert_shown("text/xml", "<response><state>x</state></response>",
		     "<response>\n  <state>x</state>\n</response>\n"); /* no ids: shown as any XML */
}

static void assert_acked(enum ack_kind kind, struct ack_choice *choice, const char *body, const char *expected)
{
	struct ack_answer a;

	ack_answer_make(kind, choice, slice_str(body), &a);
	assert_string_equal(buf_str(&a.body), expected);
	assert_int_equal(a.request.fault == NULL, a.request.count > 0);
	ack_answer_free(&a);
}

static void test_acks(void **state)
{
	struct ack_choice all = { .share = 1 }, none = { .share = 0 };

	(void)state;
	assert_acked(ACK_WITH_XML, &all, DOCUMENT,
		     "<response><id_sms>1001</id_sms><id_sms>1002</id_sms><id_sms>1003</id_sms></response>");
	assert_acked(ACK_WITH_XML, &none, DOCUMENT, "<response></response>");
	assert_acked(ACK_WITH_XML, &all, "<r><state id_sms='a&amp;&lt;'/></r>",
		     "<response><id_sms>a&amp;&lt;</id_sms></response>");
	assert_acked(ACK_WITH_JSON, &all, "[{\"id_sms\":3234,\"time\":\"\",\"state\":\"send\"},{\"id_sms\":\"x-1\"}]",
		     "[3234,\"x-1\"]");
	assert_acked(ACK_WITH_JSON, &all, "{\"batch\":[{\"id_sms\":1}]}", "[1]");
}

/* Every second id of all that come, so that what is sent again is taken in the end. */
static void test_ack_part(void **state)
{
	struct ack_choice half = { .share = 0.5 }, tenth = { .share = 0.1 };
	size_t taken = 0;

	(void)state;
	assert_acked(ACK_WITH_XML, &half, DOCUMENT, "<response><id_sms>1001</id_sms><id_sms>1003</id_sms></response>");
	assert_acked(ACK_WITH_XML, &half, "<r><state id_sms='1002'/></r>", "<response></response>");
	assert_acked(ACK_WITH_XML, &half, "<r><state id_sms='1002'/></r>",
		     "<response><id_sms>1002</id_sms></response>");
	for (int i = 0; i < 100; i++) {
		struct ack_answer a;

		ack_answer_make(ACK_WITH_JSON, &tenth, SLICE_LIT("[{\"id_sms\":1}]"), &a);
		taken += a.taken_count;
		ack_answer_free(&a);
	}
	assert_int_equal(taken, 10);
}

/* A document that cannot be read to its end acknowledges nothing, not even what came before the damage. */
static void test_ack_nothing(void **state)
{
	static const char *const xml[] = {
		"",
		"x",
		"<r><state id_sms='1'/>",
		"<r><state id_sms='1'/><state/></r>",
		"<r/>",
		"<!DOCTYPE r [<!ENTITY a '1'>]><r><state id_sms='&a;'/></r>",
		"[{\"id_sms\":1}]",
	};
	static const char *const json[] = {
		"", "[]", "{}", "[1]", "[{\"id_sms\":1},{\"id\":2}]", "[{\"id_sms\":1}", DOCUMENT
	};
	struct ack_choice all = { .share = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(xml) / sizeof(xml[0]); i++)
		assert_acked(ACK_WITH_XML, &all, xml[i], "<response></response>");
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		assert_acked(ACK_WITH_JSON, &all, json[i], "[]");
}

struct order {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int seen[3], count;
};

struct job {
	struct delayed delayed;
	int number;
};

static void on_due(void *ctx, struct delayed *what)
{
	struct order *o = ctx;

	pthread_mutex_lock(&o->lock);
	o->seen[o->count++] = CONTAINER_OF(what, struct job, delayed)->number;
	pthread_cond_signal(&o->moved);
	pthread_mutex_unlock(&o->lock);
}

static void test_delays(void **state)
{
	struct order o = { .count = 0 };
	struct job jobs[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	struct delay *d;

	(void)state;
	pthread_mutex_init(&o.lock, NULL);
	pthread_cond_init(&o.moved, NULL);
	d = delay_new(on_due, &o);
	delay_add(d, &jobs[0].delayed, 3600 * 1000);
	delay_add(d, &jobs[1].delayed, 20);
	delay_add(d, &jobs[2].delayed, 1);
	pthread_mutex_lock(&o.lock);
	while (o.count < 2)
		pthread_cond_wait(&o.moved, &o.lock);
	assert_int_equal(o.seen[0], 2);
	assert_int_equal(o.seen[1], 1);
	pthread_mutex_unlock(&o.lock);
	delay_hurry(d); /* nobody waits for the hour */
	pthread_mutex_lock(&o.lock);
	while (o.count < 3)
		pthread_cond_wait(&o.moved, &o.lock);
	pthread_mutex_unlock(&o.lock);
	delay_free(&d);
	pthread_cond_destroy(&o.moved);
	pthread_mutex_destroy(&o.lock);
}

static void test_certificate(void **state)
{
	struct certificate a, b;
	struct fault fault;

	(void)state;
	assert_int_equal(certificate_make(&a, &fault), 0);
	assert_int_equal(certificate_make(&b, &fault), 0);
	assert_int_equal(strlen(a.pin), 64);
	assert_string_not_equal(a.pin, b.pin);
	assert_non_null(strstr(buf_str(&a.cert_pem), "BEGIN CERTIFICATE"));
	assert_non_null(strstr(buf_str(&a.key_pem), "PRIVATE KEY"));
	certificate_free(&a);
	certificate_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),	     cmocka_unit_test(test_broken_bodies),
		cmocka_unit_test(test_deep_xml),     cmocka_unit_test(test_items),
		cmocka_unit_test(test_webcom_shown), cmocka_unit_test(test_acks),
		cmocka_unit_test(test_ack_part),     cmocka_unit_test(test_ack_nothing),
		cmocka_unit_test(test_delays),	     cmocka_unit_test(test_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
