/*
 * Mail, against a postman who speaks SMTP by a script: what goes over the wire, byte for byte, and what each kind of
 * refusal is taken for. Real servers, TLS and logging in: tests/e2e/test_mail.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/mail.h"
#include "postman.h"

static struct mail_server server_at(uint16_t port)
{
	return (struct mail_server){ .host = "127.0.0.1", .port = port, .from = "postrider@example.org" };
}

static const struct mail plain = { .to = { "ops@example.org", 15 },
				   .subject = { "Hello", 5 },
				   .text = { "Hello.\n", 7 },
				   .message_id = { "<m1@example.org>", 16 },
				   .date_s = 1763806210 };

/* Sends through a postman who does what the script says; what he heard stays with *ret until postman_free. */
static int exchange(struct postman **ret, const struct script *script, const struct mail *mail, struct fault *fault)
{
	struct mail_server server;

	*ret = postman_new(script, 1);
	server = server_at(postman_port(*ret));
	*fault = (struct fault)NO_FAULT;
	return mail_send(&server, mail, fault);
}

/* Returns the text that arrived. */
static const char *send_well(struct postman **ret, const struct mail *mail)
{
	static const struct script usual;
	struct fault fault;

	if (exchange(ret, &usual, mail, &fault))
		fail_msg("%s", fault.message);
	assert_int_equal(postman_mails(*ret), 1);
	return postman_mail(*ret, 0);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void sent(void **state)
{
	struct postman *p;
	const char *text;

	(void)state;
	text = send_well(&p, &plain);
	assert_has(postman_commands(p), "\nMAIL FROM:<postrider@example.org>");
	assert_has(postman_commands(p), "\nRCPT TO:<ops@example.org>\nDATA\n");
	assert_string_equal(text, "From: postrider <postrider@example.org>\n"
				  "To: ops@example.org\n"
				  "Subject: Hello\n"
				  "Date: Sat, 22 Nov 2025 10:10:10 +0000\n"
				  "Message-ID: <m1@example.org>\n"
				  "MIME-Version: 1.0\n"
				  "Content-Type: text/plain; charset=utf-8\n"
				  "Content-Transfer-Encoding: quoted-printable\n"
				  "Auto-Submitted: auto-generated\n"
				  "\n"
				  "Hello.\n");
	postman_free(&p);
}

static void several_addresses(void **state)
{
	struct mail mail = plain;
	struct postman *p;
	const char *text;

	(void)state;
	mail.to = SLICE_LIT(" a@example.org,, b@example.org ,");
	text = send_well(&p, &mail);
	assert_has(postman_commands(p), "RCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n");
	assert_has(text, "\nTo: a@example.org,\n b@example.org\n");
	postman_free(&p);
}

/* Decodes what stands behind the header's name, encoded words joined. */
static void decode_subject(const char *text, struct buf *out)
{
	const char *p = strstr(text, "\nSubject: "), *end = p ? strstr(p, "\nDate:") : NULL;

	assert_non_null(p);
	for (p = strstr(p, "=?UTF-8?B?"); p && p < end; p = strstr(p, "=?UTF-8?B?")) {
		struct slice word = slice_str(p + 10);

		word.n = slice_find(word, '?');
		assert_true(word.n + 12 <= 75);
		assert_true(base64_read(word, out));
		p += 10;
	}
}

static void subjects(void **state)
{
	static const char *const encoded[] = {
		"Grüße aus Köln",
		"Endpunkt „crm“ nimmt seit zehn Minuten nichts mehr an 🚨🚨🚨🚨🚨🚨🚨🚨🚨🚨🚨🚨 und das ist lang",
		"looks =?UTF-8?B?encoded?=",
		"as long as this is, it does not fit into one line, although it has nothing but ASCII in it",
	};
	struct mail mail = plain;
	struct postman *p;
	const char *text;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(encoded) / sizeof(encoded[0]); i++) {
		mail.subject = slice_str(encoded[i]);
		text = send_well(&p, &mail);
		buf_init(&out, 4096);
		decode_subject(text, &out);
		assert_string_equal(buf_str(&out), encoded[i]);
		buf_free(&out);
		postman_free(&p);
	}
}

/* Nothing that a customer can choose begins another header or another command. */
static void injection(void **state)
{
	static const char *const addresses[] = { "a@b.c\r\nBcc: x@y.z",
						 "a@b.c>\r\nRCPT TO:<x@y.z",
						 "a b@c.d",
						 "nobody",
						 "@b.c",
						 "a@",
						 "<a@b.c>",
						 "\"a\"@b.c",
						 "a@b@c",
						 "" };
	struct mail mail = plain;
	struct fault fault = NO_FAULT;
	struct mail_server server = server_at(9);
	struct postman *p;
	const char *text;

	(void)state;
	mail.subject = SLICE_LIT("Hello\r\nBcc: x@y.z\r\n\r\nBody");
	mail.message_id = SLICE_LIT("<m1@x>\r\nBcc: x@y.z");
	text = send_well(&p, &mail);
	assert_has(text, "\nSubject: Hello  Bcc: x@y.z    Body\n");
	assert_has(text, "\nMessage-ID: <m1@x>  Bcc: x@y.z\n");
	postman_free(&p);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		mail.to = slice_str(addresses[i]);
		assert_int_equal(mail_send(&server, &mail, &fault), ERR_INVALID);
		assert_string_equal(fault.param, "to");
	}
}

/* Line ends of any kind, dots, equals signs, long lines, other scripts. */
static void bodies(void **state)
{
	static const struct {
		const char *text, *wire;
	} rows[] = {
		{ "a\nb\r\nc\rd", "\n\na\nb\nc\nd\n" },
		{ ".\n..\n.x", "\n\n..\n...\n..x\n" },
		{ "a=b", "\n\na=3Db\n" },
		{ "blank \ntab\t\n", "\n\nblank=20\ntab=09\n" },
		{ "ü", "\n\n=C3=BC\n" },
		{ "a\n\n\nb\n", "\n\na\n\n\nb\n" },
		{ "1234567890123456789012345678901234567890123456789012345678901234567890123456789",
		  "\n\n123456789012345678901234567890123456789012345678901234567890123456789012345=\n6789\n" },
	};
	struct mail mail = plain;
	struct postman *p;
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mail.text = slice_str(rows[i].text);
		text = send_well(&p, &mail);
		assert_has(text, rows[i].wire);
		assert_string_equal(strstr(text, "\n\n"), rows[i].wire);
		postman_free(&p);
	}
}

static void refusals(void **state)
{
	static const struct {
		struct script script;
		int err;
		const char *code, *part;
	} rows[] = {
		{ { .rcpt = "550 5.1.1 no such user" }, ERR_INVALID, "refused", "550 5.1.1 no such user" },
		{ { .mail = "553 not you" }, ERR_INVALID, "refused", "553 not you" },
		{ { .end = "554 spam" }, ERR_INVALID, "refused", "554 spam" },
		{ { .data = "554 no" }, ERR_INVALID, "refused", "554 no" },
		{ { .rcpt = "451 greylisted" }, ERR_BUSY, "try_later", "451 greylisted" },
		{ { .end = "452 no room" }, ERR_BUSY, "try_later", "452 no room" },
		{ { .mail = "530 log in first" }, ERR_BUSY, "unreachable", "530 log in first" },
		{ { .greeting = "554 go away" }, ERR_BUSY, "unreachable", "554 go away" },
		{ { .greeting = "421 too busy" }, ERR_BUSY, "unreachable", "421 too busy" },
		{ { .greeting = "" }, ERR_BUSY, "unreachable", "" },
		{ { .mail = "" }, ERR_BUSY, "broken_off", "" },
		{ { .end = "" }, ERR_BUSY, "broken_off", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault fault;
		struct postman *p;
		int err = exchange(&p, &rows[i].script, &plain, &fault);

		if (err != rows[i].err || strcmp(fault.code, rows[i].code) != 0 || !strstr(fault.message, rows[i].part))
			fail_msg("row %zu: %d %s: %s", i, err, fault.code, fault.message);
		postman_free(&p);
	}
}

/* TLS was asked for: without it nothing of the mail is said. */
static void tls_or_nothing(void **state)
{
	static const struct script usual;
	struct fault fault = NO_FAULT;
	struct mail_server server;
	struct postman *p;

	(void)state;
	p = postman_new(&usual, 1);
	server = server_at(postman_port(p));
	server.tls = MAIL_TLS_STARTTLS;
	server.user = "me";
	server.password = "secret";
	assert_int_equal(mail_send(&server, &plain, &fault), ERR_BUSY);
	assert_string_equal(fault.code, "unreachable");
	assert_null(strstr(postman_commands(p), "MAIL"));
	assert_null(strstr(postman_commands(p), "AUTH"));
	postman_free(&p);
}

static void nobody_there(void **state)
{
	struct mail_server server = server_at(1);
	struct fault fault = NO_FAULT;

	(void)state;
	setenv("all_proxy", "http://127.0.0.1:2", 1); /* would be named in the error */
	assert_int_equal(mail_send(&server, &plain, &fault), ERR_BUSY);
	unsetenv("all_proxy");
	assert_string_equal(fault.code, "unreachable");
	assert_non_null(strstr(fault.message, "port 1"));
	server.host = NULL;
	assert_int_equal(mail_send(&server, &plain, &fault), ERR_BUSY);
}

static void bounded(void **state)
{
	static const struct script silent = { .silent = true };
	atomic_bool give_up = true;
	struct fault fault = NO_FAULT;
	int64_t begun = clock_mono_us();
	struct mail_server server;
	struct postman *p;

	(void)state;
	p = postman_new(&silent, 1);
	server = server_at(postman_port(p));
	server.timeout_ms = 200;
	assert_int_equal(mail_send(&server, &plain, &fault), ERR_BUSY);
	postman_free(&p);
	p = postman_new(&silent, 1);
	server = server_at(postman_port(p));
	server.give_up = &give_up;
	assert_int_equal(mail_send(&server, &plain, &fault), ERR_BUSY);
	postman_free(&p);
	assert_true(clock_mono_us() - begun < 20000000); /* without give_up: 30 s */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sent),		  cmocka_unit_test(several_addresses),
		cmocka_unit_test(subjects),	  cmocka_unit_test(injection),
		cmocka_unit_test(bodies),	  cmocka_unit_test(refusals),
		cmocka_unit_test(tls_or_nothing), cmocka_unit_test(nobody_there),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
