/* What is due is done once, in its order and bounded; the thread wakes for what is saved with a due time. */
#include "town.h"

#include "hub/hub_impl.h"
#include "hub/tick.h"

static void make_due(struct deed *d, int64_t due_ms)
{
	struct record *m = record_new(d, KIND_MESSAGE, NULL);

	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	record_set_text(m, "status", SLICE_LIT("queued"));
	record_set_text(m, "to_number", SLICE_LIT("+15005550015"));
	record_set_i64(m, "_step", 0);
	record_set_due(m, due_ms);
	record_save(d, m);
}

static bool count_one(void *ctx, const struct object_row *row)
{
	(void)row;
	(*(uint32_t *)ctx)++;
	return true;
}

static uint32_t left(struct deed *d)
{
	uint32_t count = 0;

	book_due(d->book, INT64_MAX, 1000, count_one, &count);
	return count;
}

/* All in one commit, so that the hub's own thread has no part in it. */
static void parts(struct deed *d, void *ctx)
{
	int64_t now = d->now_ms + 100000;

	(void)ctx;
	for (int i = 0; i < 10; i++)
		make_due(d, now + i);
	assert_false(tick_due(d, now - 1, 4));
	assert_int_equal(left(d), 10);
	assert_true(tick_due(d, now + 20, 4));
	assert_int_equal(left(d), 6);
	assert_true(tick_due(d, now + 20, 4));
	assert_false(tick_due(d, now + 20, 4));
	assert_int_equal(left(d), 0);
}

static void test_parts(void **state)
{
	town_do(*state, parts, NULL);
}

static void make_broadcasts(struct deed *d, int count)
{
	for (int i = 0; i < count; i++) {
		struct record *b = record_new(d, KIND_BROADCAST, NULL);

		record_set_text(b, "status", SLICE_LIT("cancelled")); /* nothing of it is left to be cancelled */
		record_set_due(b, d->now_ms + 100000);
		record_save(d, b);
	}
}

/* A broadcast makes a hundred messages a step: a thousand of them in one commit would hold up all others. */
static void broadcasts(struct deed *d, void *ctx)
{
	(void)ctx;
	make_broadcasts(d, 4);
	assert_true(tick_due(d, d->now_ms + 100000, 200));
	assert_int_equal(left(d), 2);
	assert_false(tick_due(d, d->now_ms + 100000, 200));
	assert_int_equal(left(d), 0);
}

static void test_broadcasts(void **state)
{
	town_do(*state, broadcasts, NULL);
}

static void make_many(struct deed *d, void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 3000; i++)
		make_due(d, d->now_ms + 100000);
}

static void step_many(struct deed *d, void *ctx)
{
	(void)ctx;
	assert_false(tick_due(d, d->now_ms + 200000, 4000));
	assert_int_equal(left(d), 0);
}

/* Nothing of it can be written any more, so its messages would stay due, and be told, until the last one has gone. */
static void test_deleted_project(void **state)
{
	struct town *t = *state;
	struct fault fault = NO_FAULT;

	town_do(t, make_many, NULL);
	assert_int_equal(node_project_delete(t->node, SLICE_LIT("p"), &fault), 0);
	town_do(t, step_many, NULL);
}

static void one(struct deed *d, void *ctx)
{
	make_due(d, d->now_ms + *(int *)ctx);
}

static void look(struct deed *d, void *ctx)
{
	*(uint32_t *)ctx = left(d);
}

static bool nothing_left(struct town *t)
{
	uint32_t count;

	town_look(t, look, &count);
	return count == 0;
}

static void test_thread(void **state)
{
	int later = 50, now = 0;

	town_do(*state, one, &later);
	town_do(*state, one, &now);
	TOWN_WAIT(nothing_left(*state));
}

/* A thread that is stopped leaves what is due; started again it does it, without a poke. */
static void test_start_again(void **state)
{
	struct town *t = *state;
	struct fault fault = NO_FAULT;
	int now = 0;

	tick_stop(t->hub->tick);
	town_do(t, one, &now);
	assert_false(nothing_left(t));
	assert_int_equal(tick_start(t->hub->tick, t->hub, t->node, &fault), 0);
	TOWN_WAIT(nothing_left(t));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, town_begin, town_end)
	const struct CMUnitTest tests[] = { TEST(test_parts), TEST(test_broadcasts), TEST(test_deleted_project),
					    TEST(test_thread), TEST(test_start_again) };

	return cmocka_run_group_tests_name("tick", tests, NULL, NULL);
}
