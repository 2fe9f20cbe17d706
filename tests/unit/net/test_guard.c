/*
 * The guard against a table of addresses, each with its verdict by the default settings, and what operators may open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <uv.h>

#include "net/guard.h"

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union any address_of(const char *text, uint16_t port)
{
	union any a = { 0 };

	if (uv_ip4_addr(text, port, &a.in) != 0 && uv_ip6_addr(text, port, &a.in6) != 0)
		fail_msg("%s is no address", text);
	return a;
}

static const char *check(const struct guard *g, const char *text, uint16_t port)
{
	union any a = address_of(text, port);

	return guard_check(g, &a.sa);
}

/* Refused; the second column is a word that the sentence must hold. */
static const struct refused {
	const char *address, *word;
} refused[] = {
	{ "0.0.0.0", "0.0.0.0/8" },
	{ "0.0.0.1", "0.0.0.0/8" },
	{ "0.1.2.3", "0.0.0.0/8" },
	{ "0.255.255.255", "0.0.0.0/8" },
	{ "10.0.0.0", "private" },
	{ "10.0.0.1", "private" },
	{ "10.1.2.3", "private" },
	{ "10.255.255.255", "private" },
	{ "100.64.0.0", "100.64.0.0/10" },
	{ "100.64.0.1", "100.64.0.0/10" },
	{ "100.100.0.1", "100.64.0.0/10" },
	{ "100.127.255.255", "100.64.0.0/10" },
	{ "100.100.100.200", "metadata" },
	{ "127.0.0.0", "loopback" },
	{ "127.0.0.1", "loopback" },
	{ "127.0.1.1", "loopback" },
	{ "127.1.1.1", "loopback" },
	{ "127.255.255.255", "loopback" },
	{ "169.254.0.0", "link-local" },
	{ "169.254.0.1", "link-local" },
	{ "169.254.0.23", "metadata" },
	{ "169.254.169.253", "link-local" },
	{ "169.254.169.254", "metadata" },
	{ "169.254.169.255", "link-local" },
	{ "169.254.170.2", "metadata" },
	{ "169.254.170.23", "metadata" },
	{ "169.254.255.255", "link-local" },
	{ "168.63.129.16", "metadata" },
	{ "172.16.0.0", "private" },
	{ "172.16.0.1", "private" },
	{ "172.17.0.1", "private" },
	{ "172.20.10.1", "private" },
	{ "172.31.255.255", "private" },
	{ "192.0.0.0", "192.0.0.0/24" },
	{ "192.0.0.1", "192.0.0.0/24" },
	{ "192.0.0.8", "192.0.0.0/24" },
	{ "192.0.0.170", "192.0.0.0/24" },
	{ "192.0.0.192", "metadata" },
	{ "192.0.2.0", "documentation" },
	{ "192.0.2.1", "documentation" },
	{ "192.0.2.255", "documentation" },
	{ "192.31.196.1", "AS112" },
	{ "192.52.193.1", "AMT" },
	{ "192.88.99.0", "6to4" },
	{ "192.88.99.1", "6to4" },
	{ "192.88.99.255", "6to4" },
	{ "192.168.0.0", "private" },
	{ "192.168.0.1", "private" },
	{ "192.168.1.254", "private" },
	{ "192.168.255.255", "private" },
	{ "192.175.48.1", "AS112" },
	{ "198.18.0.0", "benchmark" },
	{ "198.18.0.1", "benchmark" },
	{ "198.19.255.255", "benchmark" },
	{ "198.51.100.0", "documentation" },
	{ "198.51.100.7", "documentation" },
	{ "203.0.113.0", "documentation" },
	{ "203.0.113.255", "documentation" },
	{ "224.0.0.0", "multicast" },
	{ "224.0.0.1", "multicast" },
	{ "224.0.0.251", "multicast" },
	{ "233.252.0.1", "multicast" },
	{ "239.255.255.250", "multicast" },
	{ "239.255.255.255", "multicast" },
	{ "240.0.0.0", "reserved" },
	{ "240.0.0.1", "reserved" },
	{ "250.1.2.3", "reserved" },
	{ "255.255.255.254", "reserved" },
	{ "255.255.255.255", "reserved" },
	/* IPv6 of its own */
	{ "::", "unspecified" },
	{ "0:0:0:0:0:0:0:0", "unspecified" },
	{ "::1", "loopback" },
	{ "0:0:0:0:0:0:0:1", "loopback" },
	{ "0000:0000:0000:0000:0000:0000:0000:0001", "loopback" },
	{ "::2", "::/96" },
	{ "100::", "discard" },
	{ "100::1", "discard" },
	{ "100:0:0:1::1", "2000::/3" },
	{ "200::1", "2000::/3" },
	{ "400::1", "2000::/3" },
	{ "1000::1", "2000::/3" },
	{ "1fff:ffff::1", "2000::/3" },
	{ "2001::", "Teredo" },
	{ "2001:1::1", "2001::/23" },
	{ "2001:1::2", "2001::/23" },
	{ "2001:2::1", "2001::/23" },
	{ "2001:3::1", "2001::/23" },
	{ "2001:4:112::1", "2001::/23" },
	{ "2001:10::1", "2001::/23" },
	{ "2001:20::1", "2001::/23" },
	{ "2001:1ff:ffff::1", "2001::/23" },
	{ "2001:db8::", "documentation" },
	{ "2001:db8::1", "documentation" },
	{ "2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation" },
	{ "2620:4f:8000::1", "AS112" },
	{ "3fff::1", "documentation" },
	{ "3fff:fff:ffff::1", "documentation" },
	{ "4000::1", "2000::/3" },
	{ "5f00::1", "segment" },
	{ "6000::1", "2000::/3" },
	{ "8000::1", "2000::/3" },
	{ "e000::1", "2000::/3" },
	{ "fc00::", "private" },
	{ "fc00::1", "private" },
	{ "fd00::1", "private" },
	{ "fd00:ec2::254", "metadata" },
	{ "fd00:0ec2:0000:0000:0000:0000:0000:0254", "metadata" },
	{ "fd00:ec2::23", "metadata" },
	{ "fd20:ce::254", "metadata" },
	{ "fdff:ffff:ffff:ffff::1", "private" },
	{ "fe00::1", "2000::/3" },
	{ "fe80::", "link-local" },
	{ "fe80::1", "link-local" },
	{ "fe80::a9fe:a9fe", "link-local" },
	{ "febf:ffff::1", "link-local" },
	{ "fec0::1", "site-local" },
	{ "feff::1", "site-local" },
	{ "ff00::1", "multicast" },
	{ "ff01::1", "multicast" },
	{ "ff02::1", "multicast" },
	{ "ff02::fb", "multicast" },
	{ "ff05::1:3", "multicast" },
	{ "ff0e::1", "multicast" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast" },
	/* IPv4 mapped, in all spellings */
	{ "::ffff:127.0.0.1", "loopback" },
	{ "::ffff:7f00:1", "loopback" },
	{ "::FFFF:7F00:0001", "loopback" },
	{ "0:0:0:0:0:ffff:127.0.0.1", "loopback" },
	{ "0:0:0:0:0:ffff:7f00:1", "loopback" },
	{ "0000:0000:0000:0000:0000:ffff:7f00:0001", "loopback" },
	{ "::ffff:0.0.0.0", "0.0.0.0/8" },
	{ "::ffff:10.0.0.1", "private" },
	{ "::ffff:a00:1", "private" },
	{ "::ffff:172.16.0.1", "private" },
	{ "::ffff:192.168.0.1", "private" },
	{ "::ffff:c0a8:1", "private" },
	{ "::ffff:169.254.169.254", "metadata" },
	{ "::ffff:a9fe:a9fe", "metadata" },
	{ "::ffff:100.100.100.200", "metadata" },
	{ "::ffff:168.63.129.16", "metadata" },
	{ "::ffff:255.255.255.255", "reserved" },
	{ "::ffff:224.0.0.1", "multicast" },
	/* IPv4 compatible: refused altogether */
	{ "::127.0.0.1", "::/96" },
	{ "::7f00:1", "::/96" },
	{ "::10.0.0.1", "::/96" },
	{ "::8.8.8.8", "::/96" },
	{ "::169.254.169.254", "::/96" },
	/* IPv4 translated */
	{ "::ffff:0:127.0.0.1", "::ffff:0:0:0/96" },
	{ "::ffff:0:8.8.8.8", "::ffff:0:0:0/96" },
	/* NAT64 */
	{ "64:ff9b::127.0.0.1", "loopback" },
	{ "64:ff9b::7f00:1", "loopback" },
	{ "64:ff9b::10.0.0.1", "private" },
	{ "64:ff9b::a9fe:a9fe", "metadata" },
	{ "64:ff9b::192.168.1.1", "private" },
	{ "64:ff9b::0.0.0.0", "0.0.0.0/8" },
	{ "64:ff9b:0:0:0:1::1", "2000::/3" },
	{ "64:ff9b:1::1", "NAT64" },
	{ "64:ff9b:1::8.8.8.8", "NAT64" },
	{ "64:ff9b:1:ffff:ffff:ffff:808:808", "NAT64" },
	{ "64:ff9b:2::1", "2000::/3" },
	/* 6to4 */
	{ "2002::1", "6to4" },
	{ "2002:7f00:1::", "6to4" },
	{ "2002:7f00:0001::1", "6to4" },
	{ "2002:a00:1::1", "6to4" },
	{ "2002:c0a8:101::1", "6to4" },
	{ "2002:a9fe:a9fe::1", "6to4" },
	{ "2002:808:808::1", "6to4" },
	/* Teredo */
	{ "2001:0:7f00:1::1", "Teredo" },
	{ "2001:0:808:808:0:0:80ff:fffe", "Teredo" },
	{ "2001:0000:4136:e378:8000:63bf:3fff:fdd2", "Teredo" },
	/* ISATAP inside a public prefix */
	{ "2606:4700::5efe:127.0.0.1", "loopback" },
	{ "2606:4700::5efe:7f00:1", "loopback" },
	{ "2606:4700::5efe:10.0.0.1", "private" },
	{ "2606:4700:0:0:0:5efe:c0a8:101", "private" },
	{ "2606:4700::200:5efe:169.254.169.254", "metadata" },
	{ "2606:4700:1:2:200:5efe:ac10:1", "private" },
	{ "fe80::5efe:8.8.8.8", "link-local" },
};

static const char *const accepted[] = {
	"1.0.0.0",
	"1.1.1.1",
	"8.8.8.8",
	"9.255.255.255",
	"11.0.0.0",
	"100.63.255.255",
	"100.128.0.0",
	"126.255.255.255",
	"128.0.0.1",
	"168.63.129.15",
	"168.63.129.17",
	"169.253.255.255",
	"169.255.0.0",
	"172.15.255.255",
	"172.32.0.0",
	"191.255.255.255",
	"192.0.1.0",
	"192.0.3.0",
	"192.88.98.255",
	"192.88.100.0",
	"192.167.255.255",
	"192.169.0.0",
	"198.17.255.255",
	"198.20.0.0",
	"198.51.99.255",
	"198.51.101.0",
	"203.0.112.255",
	"203.0.114.0",
	"223.255.255.255",
	"2000::1",
	"2001:200::1",
	"2001:4860:4860::8888",
	"2001:db7::1",
	"2001:db9::1",
	"2003::1",
	"2606:4700:4700::1111",
	"2a00:1450:4001::200e",
	"3ffe::1",
	"3fff:1000::1",
	"::ffff:8.8.8.8",
	"::ffff:808:808",
	"64:ff9b::8.8.8.8",
	"64:ff9b::808:808",
	"2606:4700::5efe:8.8.8.8",
	"2606:4700::5eff:7f00:1",
	"2606:4700::100:5efe:7f00:1",
	"2620:4f:8001::1",
};

static void test_refused(void **state)
{
	struct guard *g = guard_new();
	size_t count = sizeof(refused) / sizeof(refused[0]);

	(void)state;
	assert_true(count >= 150);
	for (size_t i = 0; i < count; i++) {
		const char *why = check(g, refused[i].address, 443);

		if (!why || !strstr(why, refused[i].word))
			fail_msg("%s: %s, expected %s", refused[i].address, why ? why : "accepted", refused[i].word);
	}
	guard_free(&g);
	assert_null(g);
}

static void test_accepted(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const char *why = check(g, accepted[i], 443);

		if (why)
			fail_msg("%s: %s", accepted[i], why);
	}
	guard_free(&g);
}

static void test_other_family(void **state)
{
	struct guard *g = guard_new();
	struct sockaddr local = { .sa_family = AF_UNIX };

	(void)state;
	assert_non_null(guard_check(g, &local));
	guard_free(&g);
}

static void allow(struct guard *g, const char *cidr)
{
	assert_int_equal(guard_allow_net(g, slice_str(cidr), NULL), 0);
}

static void test_allow(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	allow(g, "10.1.0.0/16");
	assert_null(check(g, "10.1.0.1", 443));
	assert_null(check(g, "10.1.255.255", 443));
	assert_non_null(check(g, "10.2.0.0", 443));
	assert_non_null(check(g, "10.0.255.255", 443));
	/* What is opened as IPv4 is open inside a mapped or NAT64 address, too; 6to4 stays shut as such. */
	assert_null(check(g, "::ffff:10.1.0.1", 443));
	assert_null(check(g, "64:ff9b::10.1.0.1", 443));
	assert_non_null(check(g, "2002:a01:1::1", 443));
	allow(g, "127.0.0.1");
	assert_null(check(g, "127.0.0.1", 443));
	assert_non_null(check(g, "127.0.0.2", 443));
	assert_non_null(check(g, "::1", 443));
	/* Which has the form of a carried 0.0.0.1. */
	allow(g, "::1");
	assert_null(check(g, "::1", 443));
	assert_non_null(check(g, "::2", 443));
	allow(g, "fd00:1::/32");
	assert_null(check(g, "fd00:1::1", 443));
	assert_non_null(check(g, "fd00:2::1", 443));
	allow(g, "192.168.1.128/25");
	assert_null(check(g, "192.168.1.128", 443));
	assert_non_null(check(g, "192.168.1.127", 443));
	guard_free(&g);
}

/* Opening a range that carries IPv4 addresses does not open these. */
static void test_allow_embedding(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	allow(g, "::/0");
	assert_null(check(g, "fd00::1", 443));
	assert_null(check(g, "2002:808:808::1", 443));
	assert_non_null(check(g, "2002:7f00:1::1", 443));
	assert_non_null(check(g, "2001:0:808:808:0:0:80ff:fffe", 443)); /* client 127.0.0.1, turned over */
	assert_null(check(g, "2001:0:808:808:0:0:f7f7:f7f7", 443));
	assert_non_null(check(g, "2001:0:7f00:1:0:0:f7f7:f7f7", 443)); /* server 127.0.0.1 */
	assert_non_null(check(g, "64:ff9b:1::10.0.0.1", 443));
	assert_non_null(check(g, "::10.0.0.1", 443));
	assert_non_null(check(g, "::ffff:0:10.0.0.1", 443));
	assert_non_null(check(g, "::ffff:10.0.0.1", 443));
	assert_non_null(check(g, "fd00::5efe:127.0.0.1", 443));
	guard_free(&g);
}

/* The metadata services open only to those who name them. */
static void test_allow_metadata(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	allow(g, "0.0.0.0/0");
	allow(g, "fd00::/8");
	assert_null(check(g, "169.254.1.1", 443));
	assert_non_null(check(g, "169.254.169.254", 443));
	assert_non_null(check(g, "100.100.100.200", 443));
	assert_non_null(check(g, "fd00:ec2::254", 443));
	allow(g, "169.254.169.254");
	allow(g, "fd00:ec2::254/128");
	assert_null(check(g, "169.254.169.254", 443));
	assert_null(check(g, "fd00:ec2::254", 443));
	guard_free(&g);
}

static void test_bad_nets(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"10",
		"10.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/8x",
		"10.0.0.1/8",
		"010.0.0.0/8",
		"localhost",
		"fd00::/129",
		"fd00::1/8",
		"[fd00::]/8",
		"::ffff:10.0.0.0/104",
		"10.0.0.0/8/8",
		" 10.0.0.0/8",
		"0x0a000000",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct guard *g = guard_new();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault fault = { .code = "" };

		if (guard_allow_net(g, slice_str(bad[i]), &fault) != ERR_INVALID || !fault.message[0])
			fail_msg("%s was taken", bad[i]);
	}
	assert_non_null(check(g, "10.0.0.0", 443));
	guard_free(&g);
}

static void test_ports(void **state)
{
	static const char *const bad[] = { "",	  ",",	   "80,",  "0",	     "65536",  "80-",
					   "-80", "90-80", "http", "80;443", "1-65536" };
	struct guard *g = guard_new();

	(void)state;
	assert_true(guard_port(g, 80) && guard_port(g, 443) && guard_port(g, 1024) && guard_port(g, 65535));
	assert_false(guard_port(g, 22) || guard_port(g, 25) || guard_port(g, 1023) || guard_port(g, 0));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (guard_allow_ports(g, slice_str(bad[i]), NULL) != ERR_INVALID)
			fail_msg("%s was taken", bad[i]);
	assert_true(guard_port(g, 8080));
	assert_int_equal(guard_allow_ports(g, SLICE_LIT("25, 8000-9000"), NULL), 0);
	assert_true(guard_port(g, 25) && guard_port(g, 8000) && guard_port(g, 9000));
	assert_false(guard_port(g, 80) || guard_port(g, 7999) || guard_port(g, 9001));
	guard_free(&g);
}

static void deny(struct guard *g, const char *text, uint16_t port)
{
	union any a = address_of(text, port);

	guard_deny_own(g, &a.sa);
}

static void test_own(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	allow(g, "0.0.0.0/0");
	allow(g, "::1");
	deny(g, "127.0.0.1", 8025);
	assert_non_null(check(g, "127.0.0.1", 8025));
	assert_non_null(check(g, "::ffff:127.0.0.1", 8025));
	assert_non_null(check(g, "0.0.0.0", 8025));
	assert_null(check(g, "127.0.0.1", 8026));
	assert_null(check(g, "127.0.0.2", 8025));
	assert_null(check(g, "::1", 8025));
	deny(g, "::", 9025);
	assert_non_null(check(g, "::1", 9025));
	assert_non_null(check(g, "127.0.0.1", 9025));
	assert_non_null(check(g, "127.8.8.8", 9025));
	assert_null(check(g, "8.8.8.8", 9025));
	guard_free(&g);
}

/* Another set of ranges and ports while somebody asks; what was our own stays so. */
static void test_replaced(void **state)
{
	struct guard *g = guard_new(), *fresh = guard_new();
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(8420) }, ten = own;
	unsigned version = guard_version(g);

	(void)state;
	inet_pton(AF_INET, "10.1.2.3", &own.sin_addr);
	inet_pton(AF_INET, "10.1.2.4", &ten.sin_addr);
	guard_deny_own(g, (struct sockaddr *)&own);
	assert_non_null(guard_check(g, (struct sockaddr *)&ten));
	assert_int_equal(guard_allow_net(fresh, SLICE_LIT("10.0.0.0/8"), NULL), 0);
	assert_int_equal(guard_allow_ports(fresh, SLICE_LIT("8420"), NULL), 0);
	guard_replace(g, fresh);
	guard_free(&fresh);
	assert_null(guard_check(g, (struct sockaddr *)&ten));
	assert_non_null(guard_check(g, (struct sockaddr *)&own));
	assert_true(guard_port(g, 8420) && !guard_port(g, 443) && guard_ports_chosen(g));
	assert_int_not_equal(guard_version(g), version);
	fresh = guard_new();
	guard_replace(g, fresh);
	guard_free(&fresh);
	assert_non_null(guard_check(g, (struct sockaddr *)&ten));
	assert_true(guard_port(g, 443) && !guard_ports_chosen(g));
	guard_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_allow_embedding),
		cmocka_unit_test(test_allow_metadata),
		cmocka_unit_test(test_bad_nets),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
