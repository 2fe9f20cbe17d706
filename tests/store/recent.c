/* The set of recent ids: hashes that meet, forgetting, taking back; and by seeded chance against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "store/recent.h"

static bool is(void *ctx, int64_t seq)
{
	return seq == *(int64_t *)ctx;
}

static bool known(const struct recent *r, uint64_t hash, int64_t seq)
{
	return recent_find(r, hash, is, &seq) == seq;
}

/* Two ids of one hash: what the caller's comparison says counts, and neither hides the other. */
static void test_collision(void **state)
{
	struct recent *r = recent_new(10);

	(void)state;
	recent_add(r, 42, 1);
	recent_add(r, 42, 2);
	recent_add(r, 42 + 128, 3); /* of another hash, in the slots between */
	assert_true(known(r, 42, 1));
	assert_true(known(r, 42, 2));
	assert_false(known(r, 42, 3));
	assert_true(known(r, 42 + 128, 3));
	recent_undo(r, 2);
	assert_true(known(r, 42, 1));
	assert_false(known(r, 42, 2));
	recent_free(&r);
	assert_null(r);
}

/* A commit larger than the limit forgets nothing before it is settled, and an undo leaves what was. */
static void test_undo_after_many(void **state)
{
	struct recent *r = recent_new(50);

	(void)state;
	for (int64_t i = 1; i <= 50; i++)
		recent_add(r, (uint64_t)i * 7, i);
	recent_settle(r);
	for (int64_t i = 51; i <= 500; i++)
		recent_add(r, (uint64_t)i * 7, i);
	recent_undo(r, 450);
	for (int64_t i = 1; i <= 50; i++)
		assert_true(known(r, (uint64_t)i * 7, i));
	assert_int_equal(recent_count(r), 50);
	recent_add(r, 1, 51);
	recent_settle(r);
	assert_false(known(r, 7, 1));
	assert_true(known(r, 14, 2));
	recent_free(&r);
}

#define LIMIT 300
#define ADDS  20000

/* Few different hashes, so that slots are crowded and wrap around. */
static void test_against_array(void **state)
{
	struct recent *r = recent_new(LIMIT);
	static uint64_t hashes[ADDS + 1];
	int64_t count = 0, first = 1;
	struct rand rand;

	(void)state;
	rand_seed(&rand, 1);
	while (count < ADDS - 20) {
		uint64_t group = 1 + rand_below(&rand, 20);

		for (uint64_t i = 0; i < group; i++) {
			hashes[++count] = rand_below(&rand, 400) * (rand_chance(&rand, 0.5) ? 1 : 0x100000001);
			recent_add(r, hashes[count], count);
		}
		if (rand_chance(&rand, 0.3)) {
			recent_undo(r, group);
			count -= (int64_t)group;
		} else {
			recent_settle(r);
		}
		if (count - first + 1 > LIMIT)
			first = count - LIMIT + 1;
		assert_int_equal(recent_count(r), count - first + 1);
		for (int i = 0; i < 20; i++) {
			int64_t seq = 1 + (int64_t)rand_below(&rand, (uint64_t)count + 1);

			if (seq <= count)
				assert_int_equal(known(r, hashes[seq], seq), seq >= first);
		}
	}
	recent_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collision),
		cmocka_unit_test(test_undo_after_many),
		cmocka_unit_test(test_against_array),
	};

	return cmocka_run_group_tests_name("store/recent", tests, NULL, NULL);
}
