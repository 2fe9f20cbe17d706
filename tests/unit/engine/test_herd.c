/* Many lanes with much on disk: what they bring back into memory together stays within the engine's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#define LANES 200

/* What the lanes asked to load, added up. */
struct host {
	size_t loads, bytes;
};

static void host_send(void *ctx, struct exchange *x)
{
	(void)ctx;
	(void)x;
}

static void host_commit(void *ctx, struct tx *tx)
{
	(void)ctx;
	tx_free(&tx);
}

static void host_load(void *ctx, const struct pending_query *query, bool ready, size_t max_bytes)
{
	struct host *h = ctx;

	(void)query;
	(void)ready;
	h->loads++;
	h->bytes += max_bytes;
}

static void host_retire(void *ctx, const struct endpoint *endpoint)
{
	(void)ctx;
	(void)endpoint;
}

static struct endpoint *endpoint_of(uint64_t number)
{
	struct endpoint_identity who = {
		.number = number, .revision = 1, .owner = SLICE_LIT("p"), .id = SLICE_LIT("e")
	};
	struct endpoint *ep = NULL;
	struct fault fault = { 0 };
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(
		json_parse(&doc, SLICE_LIT("{\"url\":\"http://127.0.0.1:9000/\"}"), &json_limits_default, NULL), 0);
	assert_int_equal(endpoint_compile(json_root(&doc), &who, &ep, &fault), 0);
	json_doc_free(&doc);
	return ep;
}

/*
 * A start after an hour without a network: each of the endpoints has a million rows on
 * disk, nothing is in memory yet, and all ask in the same turn. What is under way counts
 * as if it had come; each used to be promised a megabyte, however many they were.
 */
static void test_start_with_many_backlogs(void **state)
{
	struct host host = { 0 };
	struct engine_host calls = {
		.ctx = &host, .send = host_send, .commit = host_commit, .load = host_load, .retire = host_retire
	};
	struct engine_limits limits = engine_limits_default;
	struct endpoint_stats *stats = endpoint_stats_new();
	struct engine *e;

	(void)state;
	limits.memory_bytes = 8u << 20;
	e = engine_new(&calls, &limits, 1, 1000);
	for (uint64_t i = 1; i <= LANES; i++) {
		struct endpoint *ep = endpoint_of(i);

		engine_endpoint_set(e, ep, 0, stats);
		endpoint_unref(&ep);
	}
	for (uint64_t i = 1; i <= LANES; i++)
		engine_recover_summary(e, &(struct pending_counts){ .endpoint = i, .ready = 1000000 });
	engine_recover_done(e, 1000000, 1000);
	engine_run(e, 1000);
	assert_int_equal(host.loads, LANES);
	assert_true(host.bytes <= limits.memory_bytes + limits.lane_bytes + LANES * limits.lane_share);
	engine_free(&e);
	endpoint_stats_unref(&stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_start_with_many_backlogs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
