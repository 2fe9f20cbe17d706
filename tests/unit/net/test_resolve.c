/*
 * Look-ups against a name server of the test's own: what is refused, what is kept and for how long, who waits for whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "names.h"
#include "net/resolve.h"

#define WATCHDOG_MS 20000

struct bench {
	uv_loop_t loop;
	uv_timer_t watchdog;
	struct guard *guard;
	struct names *names;
	struct resolve *resolve;
	bool closed;
};

struct told {
	int count;
	enum failure failure;
	size_t addresses;
	uint64_t serial;
	char first[64];
	char reason[400];
};

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("nothing happened for %d ms", WATCHDOG_MS);
}

static void on_told(void *ctx, const struct resolve_answer *answer)
{
	struct told *t = ctx;

	t->count++;
	t->failure = answer->failure;
	t->addresses = answer->count;
	t->serial = answer->serial;
	t->first[0] = '\0';
	if (answer->count)
		uv_ip_name(&answer->addresses[0].sa, t->first, sizeof(t->first));
	snprintf(t->reason, sizeof(t->reason), "%s", answer->reason);
}

static void bench_open(struct bench *b, int64_t ttl_min_ms, int64_t ttl_max_ms)
{
	struct resolve_options options = { .ttl_min_ms = ttl_min_ms, .ttl_max_ms = ttl_max_ms };

	memset(b, 0, sizeof(*b));
	uv_loop_init(&b->loop);
	uv_timer_init(&b->loop, &b->watchdog);
	uv_timer_start(&b->watchdog, on_watchdog, WATCHDOG_MS, 0);
	b->guard = guard_new();
	assert_int_equal(guard_allow_net(b->guard, SLICE_LIT("127.0.0.0/8"), NULL), 0);
	b->names = names_new(&b->loop);
	options.guard = b->guard;
	options.servers = names_address(b->names);
	assert_int_equal(resolve_new(&b->loop, &options, &b->resolve, NULL), 0);
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static void bench_close(struct bench *b)
{
	if (b->resolve)
		resolve_close(&b->resolve, on_closed, &b->closed);
	names_free(&b->names);
	uv_close((uv_handle_t *)&b->watchdog, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->closed);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	guard_free(&b->guard);
}

static void wait_told(struct bench *b, const struct told *t)
{
	while (t->count == 0)
		uv_run(&b->loop, UV_RUN_ONCE);
	assert_int_equal(t->count, 1);
}

static struct told ask(struct bench *b, const char *name)
{
	struct told t = { 0 };

	resolve_ask(b->resolve, name, on_told, &t);
	assert_int_equal(t.count, 0);
	wait_told(b, &t);
	return t;
}

static void test_answer(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "one.example", "127.0.0.7", 60);
	t = ask(&b, "one.example");
	assert_int_equal(t.failure, FAILURE_NONE);
	assert_int_equal(t.addresses, 1);
	assert_string_equal(t.first, "127.0.0.7");
	assert_non_null(resolve_cached(b.resolve, "one.example"));
	assert_null(resolve_cached(b.resolve, "two.example"));
	bench_close(&b);
}

static void test_both_families(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "both.example", "2606:4700::1 127.0.0.7 2606:4700::2", 60);
	t = ask(&b, "both.example");
	assert_int_equal(t.failure, FAILURE_NONE);
	assert_int_equal(t.addresses, 3);
	bench_close(&b);
}

/* One forbidden address refuses all, wherever it stands and whatever its family. */
static void test_mixed(void **state)
{
	static const char *const mixes[] = {
		"8.8.8.8 10.0.0.1", "10.0.0.1 8.8.8.8",	     "8.8.8.8 ::1",	"8.8.8.8 ::ffff:10.0.0.1",
		"169.254.169.254",  "127.0.0.1 192.168.1.1", "8.8.8.8 fd00::1", "8.8.8.8 64:ff9b::a00:1",
	};
	struct bench b;

	(void)state;
	bench_open(&b, 0, 0);
	for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++) {
		struct told t;

		names_set(b.names, "mix.example", mixes[i], 60);
		t = ask(&b, "mix.example");
		assert_int_equal(t.failure, FAILURE_REFUSED_ADDRESS);
		assert_int_equal(t.addresses, 0);
		assert_non_null(strstr(t.reason, "mix.example"));
		assert_non_null(strstr(t.reason, "--allow-net"));
		assert_null(resolve_cached(b.resolve, "mix.example"));
	}
	bench_close(&b);
}

/* The forbidden one hides behind many: all are checked, though only some are handed on. */
static void test_many(void **state)
{
	struct bench b;
	struct told t;
	struct buf list;

	(void)state;
	bench_open(&b, 0, 0);
	buf_init(&list, 4000);
	for (int i = 1; i <= 60; i++)
		buf_addf(&list, "8.8.8.%d ", i);
	names_set(b.names, "many.example", buf_str(&list), 60);
	t = ask(&b, "many.example");
	assert_int_equal(t.failure, FAILURE_NONE);
	assert_int_equal(t.addresses, RESOLVE_ADDRESSES_MAX);
	buf_add_str(&list, "10.9.9.9");
	names_set(b.names, "more.example", buf_str(&list), 60);
	t = ask(&b, "more.example");
	assert_int_equal(t.failure, FAILURE_REFUSED_ADDRESS);
	buf_free(&list);
	bench_close(&b);
}

/* Behind another name: its addresses are checked the same, and the shorter of both lives counts. */
static void test_alias(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	bench_open(&b, 0, 300000);
	names_set(b.names, "host.example", "127.0.0.7", 60);
	names_alias(b.names, "www.example", "host.example", 60);
	t = ask(&b, "www.example");
	assert_int_equal(t.failure, FAILURE_NONE);
	assert_string_equal(t.first, "127.0.0.7");
	assert_non_null(resolve_cached(b.resolve, "www.example"));
	names_alias(b.names, "short.example", "host.example", 0);
	assert_int_equal(ask(&b, "short.example").failure, FAILURE_NONE);
	assert_null(resolve_cached(b.resolve, "short.example"));
	names_set(b.names, "inner.example", "10.0.0.1", 60);
	names_alias(b.names, "bad.example", "inner.example", 60);
	assert_int_equal(ask(&b, "bad.example").failure, FAILURE_REFUSED_ADDRESS);
	names_alias(b.names, "nowhere.example", "none.example", 60);
	assert_int_equal(ask(&b, "nowhere.example").failure, FAILURE_DNS);
	bench_close(&b);
}

/* An answer that does not fit into a packet is asked for again over TCP. */
static void test_tcp(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "long.example", "127.0.0.7 127.0.0.8", 60);
	names_truncate(b.names, "long.example");
	t = ask(&b, "long.example");
	assert_int_equal(t.failure, FAILURE_NONE);
	assert_int_equal(t.addresses, 2);
	assert_true(names_asked_tcp(b.names) > 0);
	names_set(b.names, "mixed.example", "127.0.0.7 10.0.0.1", 60);
	names_truncate(b.names, "mixed.example");
	assert_int_equal(ask(&b, "mixed.example").failure, FAILURE_REFUSED_ADDRESS);
	bench_close(&b);
}

static void test_no_such_name(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	bench_open(&b, 0, 0);
	t = ask(&b, "none.example");
	assert_int_equal(t.failure, FAILURE_DNS);
	assert_non_null(strstr(t.reason, "none.example"));
	names_set(b.names, "empty.example", "", 60);
	t = ask(&b, "empty.example");
	assert_int_equal(t.failure, FAILURE_DNS);
	/* A failure is not kept: once the name is there, it is found. */
	names_set(b.names, "none.example", "127.0.0.1", 60);
	t = ask(&b, "none.example");
	assert_int_equal(t.failure, FAILURE_NONE);
	bench_close(&b);
}

/* A TTL of 0 is kept for the least time all the same; with no least time every look-up asks and sees the flip. */
static void test_ttl(void **state)
{
	struct bench b;
	struct told first, second;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "flip.example", "127.0.0.1", 0);
	first = ask(&b, "flip.example");
	assert_int_equal(first.failure, FAILURE_NONE);
	names_set(b.names, "flip.example", "10.0.0.1", 0);
	assert_non_null(resolve_cached(b.resolve, "flip.example"));
	assert_int_equal(resolve_cached(b.resolve, "flip.example")->serial, first.serial);
	bench_close(&b);

	bench_open(&b, 0, 1);
	names_set(b.names, "flip.example", "127.0.0.1", 0);
	assert_int_equal(ask(&b, "flip.example").failure, FAILURE_NONE);
	assert_null(resolve_cached(b.resolve, "flip.example"));
	names_set(b.names, "flip.example", "10.0.0.1", 0);
	second = ask(&b, "flip.example");
	assert_int_equal(second.failure, FAILURE_REFUSED_ADDRESS);
	bench_close(&b);
}

/* Two who ask for one name wait for one question; a third that was cancelled hears nothing. */
static void test_shared_and_cancelled(void **state)
{
	struct bench b;
	struct told one = { 0 }, two = { 0 }, three = { 0 };
	struct resolve_query *query;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "one.example", "127.0.0.7", 60);
	resolve_ask(b.resolve, "one.example", on_told, &one);
	query = resolve_ask(b.resolve, "one.example", on_told, &three);
	resolve_ask(b.resolve, "one.example", on_told, &two);
	resolve_cancel(&query);
	assert_null(query);
	wait_told(&b, &two);
	assert_int_equal(one.count, 1);
	assert_int_equal(one.serial, two.serial);
	assert_int_equal(three.count, 0);
	assert_int_equal(names_asked(b.names), 2);
	bench_close(&b);
}

/* A silent server delays only those who ask for its names. */
static void test_silent(void **state)
{
	struct bench b;
	struct told silent = { 0 };
	struct resolve_query *query;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "silent.example", NULL, 60);
	names_set(b.names, "one.example", "127.0.0.7", 60);
	query = resolve_ask(b.resolve, "silent.example", on_told, &silent);
	assert_int_equal(ask(&b, "one.example").failure, FAILURE_NONE);
	assert_int_equal(silent.count, 0);
	resolve_cancel(&query);
	bench_close(&b);
}

static void test_hosts_file(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "localhost", "8.8.8.8", 60);
	t = ask(&b, "localhost");
	/* 127.0.0.1, and perhaps ::1 which this guard refuses: in any case not the name server's answer. */
	assert_true(t.failure == FAILURE_REFUSED_ADDRESS || strcmp(t.first, "127.0.0.1") == 0);
	assert_int_equal(names_asked(b.names), 0);
	bench_close(&b);
}

static void test_close_while_asking(void **state)
{
	struct bench b;
	struct told t = { 0 };

	(void)state;
	bench_open(&b, 0, 0);
	names_set(b.names, "silent.example", NULL, 60);
	resolve_ask(b.resolve, "silent.example", on_told, &t);
	uv_run(&b.loop, UV_RUN_NOWAIT);
	bench_close(&b);
	assert_int_equal(t.count, 0);
}

/* Many names, all of them short-lived: the cache lets go of the old ones, and nothing leaks. */
static void test_many_names(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 0, 1);
	for (int i = 0; i < 200; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_equal(ask(&b, name).failure, FAILURE_DNS);
	}
	bench_close(&b);
}

static void test_bad_servers(void **state)
{
	struct resolve_options options = { .servers = "not an address" };
	struct fault fault = { .code = "" };
	struct resolve *r = NULL;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(resolve_new(&loop, &options, &r, &fault), ERR_INVALID);
	assert_null(r);
	assert_string_equal(fault.param, "dns_servers");
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_no_such_name),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_shared_and_cancelled),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_hosts_file),
		cmocka_unit_test(test_close_while_asking),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_bad_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
