/* URLs: every refusal of the contract has its row, with the place where it is found. */
#include "base/url.h"
#include "harness.h"

static void reads_the_parts(void **state)
{
	static const struct {
		const char *text;
		bool https, ip, port_given;
		uint16_t port;
		const char *host, *target;
	} rows[] = {
		{ "http://example.com", false, false, false, 80, "example.com", "" },
		{ "HTTPS://Example.COM/", true, false, false, 443, "example.com", "/" },
		{ "https://example.com.:8443/a/b?c=d:@[]", true, false, true, 8443, "example.com", "/a/b?c=d:@[]" },
		{ "http://my_host-1.x:80?q", false, false, true, 80, "my_host-1.x", "?q" },
		{ "http://10.0.0.255:1/", false, true, true, 1, "10.0.0.255", "/" },
		{ "http://0.0.0.0", false, true, false, 80, "0.0.0.0", "" },
		{ "http://[::1]:65535/x", false, true, true, 65535, "::1", "/x" },
		{ "http://[2001:DB8:0:0::1]/", false, true, false, 80, "2001:db8::1", "/" },
		{ "http://[::ffff:1.2.3.4]", false, true, false, 80, "::ffff:1.2.3.4", "" },
		{ "http://127.0.0.1.example", false, false, false, 80, "127.0.0.1.example", "" },
		{ "http://1a", false, false, false, 80, "1a", "" },
		{ "http://0xg", false, false, false, 80, "0xg", "" },
		{ "http://xn--bcher-kva.example/b%C3%BCcher", false, false, false, 80, "xn--bcher-kva.example",
		  "/b%C3%BCcher" },
		{ "http://a/../b//c", false, false, false, 80, "a", "/../b//c" },
		{ "http://a/http://user@b/", false, false, false, 80, "a", "/http://user@b/" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice text = slice_str(rows[i].text);
		struct fault fault = { 0 };
		struct url url;
		int r = url_parse(text, &url, &fault);

		if (r)
			print_message("%s: %s\n", rows[i].text, fault.message);
		assert_int_equal(r, 0);
		assert_int_equal(url.https, rows[i].https);
		assert_int_equal(url.host_is_ip, rows[i].ip);
		assert_int_equal(url.port_given, rows[i].port_given);
		assert_int_equal(url.port, rows[i].port);
		assert_string_equal(url.host, rows[i].host);
		ASSERT_SLICE(url.target, rows[i].target);
		assert_int_equal(url.authority_end, text.n - url.target.n);
		assert_ptr_equal(url.target.p, text.p + url.authority_end);
	}
}

static void refused(struct slice text, long position, const char *word)
{
	struct url url = { .port = 42 };
	struct fault fault = { 0 };

	assert_int_equal(url_parse(text, &url, &fault), ERR_INVALID);
	if (fault.position != position || !strstr(fault.message, word))
		print_message("%.*s: %s at %ld\n", SLICE_ARG(text), fault.message, fault.position);
	assert_int_equal(fault.position, position);
	assert_non_null(strstr(fault.message, word));
	assert_string_equal(fault.code, "invalid_param");
	assert_string_equal(fault.param, "");
	assert_int_equal(url.port, 42);
	assert_int_equal(url_parse(text, &url, NULL), ERR_INVALID);
}

static void refuses_with_place_and_cure(void **state)
{
	static const struct {
		const char *text;
		long position;
		const char *word;
	} rows[] = {
		/* other schemes */
		{ "", 0, "begin with" },
		{ "ftp://a/", 0, "begin with" },
		{ "//a/", 0, "begin with" },
		{ "http:/a", 0, "begin with" },
		{ "https:a", 0, "begin with" },
		{ "example.com", 0, "begin with" },
		{ "file:///etc/passwd", 0, "begin with" },
		{ "httpss://a", 0, "begin with" },
		/* user info */
		{ "http://user:pw@host/", 7, "user name" },
		{ "http://user@host", 7, "user name" },
		{ "http://@host", 7, "user name" },
		/* bytes */
		{ "http://a/\x01", 9, "control" },
		{ "http://a\n/", 8, "control" },
		{ "http://a/\x7f", 9, "control" },
		{ "\thttp://a", 0, "control" },
		{ "http://a/b c", 10, "blank" },
		{ " http://a", 0, "blank" },
		{ "http://a\\@b", 8, "backslash" },
		{ "http://a/\\", 9, "backslash" },
		{ "http://a/#f", 9, "fragment" },
		{ "http://a#@b/", 8, "fragment" },
		/* host */
		{ "http://b\xc3\xbc"
		  "cher.example",
		  8, "punycode" },
		{ "http://a%2eb/", 8, "percent" },
		{ "http://", 7, "host is missing" },
		{ "http:///x", 7, "host is missing" },
		{ "http://?x", 7, "host is missing" },
		{ "http://:80", 7, "host is missing" },
		{ "http://.", 7, "empty part" },
		{ "http://a..b", 9, "empty part" },
		{ "http://.a", 7, "empty part" },
		{ "http://a..", 9, "empty part" },
		{ "http://a,b", 8, "only letters" },
		{ "http://a;b", 8, "only letters" },
		{ "http://a[::1]", 8, "only letters" },
		{ "http://a*", 8, "only letters" },
		/* hosts that only look numeric */
		{ "http://0177.1", 7, "number" },
		{ "http://0x7f", 7, "number" },
		{ "http://0X7F", 7, "number" },
		{ "http://0x", 7, "number" },
		{ "http://a.0x7f", 7, "number" },
		{ "http://2130706433", 7, "number" },
		{ "http://127.1", 7, "number" },
		{ "http://127.0.0.01", 7, "number" },
		{ "http://127.0.0.256", 7, "number" },
		{ "http://1.2.3.4.5", 7, "number" },
		{ "http://127.0.0.1.", 7, "number" },
		{ "http://a.1", 7, "number" },
		{ "http://0300.0.0.1", 7, "number" },
		/* IPv6 */
		{ "http://[::1", 7, "not closed" },
		{ "http://[]", 7, "no IPv6" },
		{ "http://[::1%25eth0]", 11, "percent" },
		{ "http://[127.0.0.1]", 7, "no IPv6" },
		{ "http://[1:2]", 7, "no IPv6" },
		{ "http://[v1.x]", 7, "no IPv6" },
		{ "http://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", 7, "no IPv6" },
		{ "http://[::1]80", 12, "stands between" },
		{ "http://[::1].:80", 12, "stands between" },
		/* port */
		{ "http://a:", 9, "port is missing" },
		{ "http://a:/", 9, "port is missing" },
		{ "http://[::1]:", 13, "port is missing" },
		{ "http://a:0", 9, "port must be" },
		{ "http://a:65536", 9, "port must be" },
		{ "http://a:080", 9, "port must be" },
		{ "http://a:99999999999999999999", 9, "port must be" },
		{ "http://a:-1", 9, "port must be" },
		{ "http://a:+80", 9, "port must be" },
		{ "http://a:8a", 9, "port must be" },
		{ "http://a:80:80", 9, "port must be" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		refused(slice_str(rows[i].text), rows[i].position, rows[i].word);
	refused(slice_of("http://a\0.b/", 12), 8, "control");
	refused(slice_str(NULL), 0, "begin with");
}

static void names_have_their_lengths(void **state)
{
	char text[400] = "http://";
	struct url url;

	(void)state;
	for (size_t i = 0; i < 63; i++)
		text[7 + i] = 'a';
	assert_int_equal(url_parse(slice_of(text, 7 + 63), &url, NULL), 0);
	text[7 + 63] = 'a';
	refused(slice_of(text, 7 + 64), 7, "63");
	for (size_t i = 0; i < 254; i++)
		text[7 + i] = i % 2 ? '.' : 'a';
	assert_int_equal(url_parse(slice_of(text, 7 + 253), &url, NULL), 0);
	assert_int_equal(strlen(url.host), 253);
	assert_int_equal(url_parse(slice_of(text, 7 + 254), &url, NULL), 0); /* the last dot is dropped */
	assert_int_equal(strlen(url.host), 253);
	text[7 + 254] = 'a';
	refused(slice_of(text, 7 + 255), 7, "253");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_parts),
		cmocka_unit_test(refuses_with_place_and_cure),
		cmocka_unit_test(names_have_their_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
