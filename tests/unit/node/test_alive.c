/*
 * What the watchdog asks: a node at rest and at work is alive; one whose store thread or
 * loop hangs is not, and is again when that goes on. They hang in calls of the test's, for real.
 */
#include "town.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/latch.h"

/* Who comes by while it is closed waits until it opens. */
struct gate {
	_Atomic bool closed, reached;
	struct latch open;
};

static void gate_pass(struct gate *g)
{
	if (!atomic_load(&g->closed))
		return;
	atomic_store(&g->reached, true);
	latch_wait(&g->open);
}

static void gate_open(struct gate *g)
{
	atomic_store(&g->closed, false);
	latch_set(&g->open);
}

static void on_attempt(void *ctx, struct node *n, const struct attempt_row *row)
{
	(void)n;
	(void)row;
	gate_pass(ctx);
}

static void on_done(void *ctx, int err, const int64_t *seqs, const bool *duplicates)
{
	(void)seqs;
	(void)duplicates;
	assert_int_equal(err, 0);
	gate_pass(ctx);
}

/* A town of two loops whose attempts pass the gate, which is open. */
static void open_town(struct town *t, struct gate *g)
{
	const struct node_taps taps = { .ctx = g, .attempt = on_attempt };

	atomic_store(&g->closed, false);
	atomic_store(&g->reached, false);
	latch_init(&g->open);
	town_open(t, 2);
	town_stop(t);
	t->options.taps = &taps;
	town_start(t);
	t->options.taps = NULL;
	town_endpoint(t, "a", "/a", "");
}

static void close_town(struct town *t, struct gate *g)
{
	town_close(t);
	latch_free(&g->open);
}

/* Whether the node says so: "" for alive, otherwise who is silent. */
static bool says(struct town *t, const struct node_patience *patience, const char *expected)
{
	const char *who;

	assert_true(node_alive(t->node, patience, &who) == !who[0]);
	return strcmp(who, expected) == 0;
}

static void test_alive_at_work(void **state)
{
	struct gate g;
	struct town t;

	(void)state;
	open_town(&t, &g);
	for (int i = 0; i < 3; i++) {
		assert_true(says(&t, &node_patience_default, ""));
		assert_int_equal(town_status(&t, "p", i ? "1" : "2"), 0);
	}
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "") == 2);
	assert_true(says(&t, &node_patience_default, ""));
	close_town(&t, &g);
}

static void test_loop_hangs(void **state)
{
	static const struct node_patience short_one = { .loop_ms = 50, .store_ms = 60000 };
	struct gate g;
	struct town t;

	(void)state;
	open_town(&t, &g);
	atomic_store(&g.closed, true);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, atomic_load(&g.reached));
	TOWN_WAIT(&t, says(&t, &short_one, "shard"));
	assert_true(says(&t, &node_patience_default, "")); /* it may well come back within ten seconds */
	gate_open(&g);
	TOWN_WAIT(&t, says(&t, &short_one, ""));
	close_town(&t, &g);
}

static void test_store_hangs(void **state)
{
	static const struct node_patience short_one = { .loop_ms = 60000, .store_ms = 50 };
	struct submission s = { .count = 1, .done = on_done };
	struct event *ev;
	struct gate g;
	struct town t;

	(void)state;
	open_town(&t, &g);
	atomic_store(&g.closed, true);
	ev = town_made(&t, "p", "1", 0);
	s.events = &ev;
	s.ctx = &g;
	node_submit(t.node, &s);
	TOWN_WAIT(&t, atomic_load(&g.reached));
	TOWN_WAIT(&t, says(&t, &short_one, "store"));
	assert_true(says(&t, &node_patience_default, "")); /* as long as a slow disk may take */
	gate_open(&g);
	TOWN_WAIT(&t, says(&t, &short_one, ""));
	close_town(&t, &g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alive_at_work),
		cmocka_unit_test(test_loop_hangs),
		cmocka_unit_test(test_store_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
