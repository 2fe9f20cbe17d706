/*
 * The reference and the SQLite store are given the same seeded work, and everything that can be read of them is
 * compared, in the middle and after reopening. SEEDS=n runs n seeds, SEED=k one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "folder.h"
#include "ops.h"
#include "ops_objects.h"

#define STEPS 400

static struct store_options options(void)
{
	return (struct store_options){ .recent_ids = OP_RECENT_IDS, .index_run = OP_INDEX_RUN, .numbers = op_numbers };
}

static struct store *open_folder(const char *folder)
{
	struct store_options opt = options();
	struct store *s = NULL;
	struct fault fault;

	if (store_sqlite_open(folder, &opt, &s, &fault) != 0)
		fail_msg("open: %s", fault.message);
	return s;
}

static void compare(uint64_t seed, int step, struct store *a, struct store *b)
{
	struct buf x, y;
	struct rand r;

	buf_init(&x, 1 << 26);
	buf_init(&y, 1 << 26);
	rand_seed(&r, seed + (uint64_t)step);
	dump_store(a, &x);
	dump_searches(a, &r, &x);
	rand_seed(&r, seed + (uint64_t)step);
	dump_store(b, &y);
	dump_searches(b, &r, &y);
	if (!slice_eq(buf_slice(&x), buf_slice(&y))) {
		fprintf(stderr, "SEED=%llu step %d\n--- memory\n%s\n--- sqlite\n%s\n", (unsigned long long)seed, step,
			buf_str(&x), buf_str(&y));
		fail();
	}
	buf_free(&x);
	buf_free(&y);
}

/* What the commit said of each row: seqs and duplicates; and what its steps saw. */
static void tell_outs(const struct op *op, struct buf *out)
{
	for (size_t i = 0; i < op->count; i++)
		for (const struct change *c = op->txs[i]->first; c; c = c->next)
			if (c->kind == CHANGE_EVENT)
				buf_addf(out, "%lld/%lld ", (long long)c->u.event.seq,
					 (long long)c->u.event.duplicate_of);
			else if (c->kind == CHANGE_ATTEMPT)
				buf_addf(out, "%lld ", (long long)c->u.attempt.seq);
			else if (c->kind == CHANGE_STEP)
				buf_addf(out, "step %llx ", (unsigned long long)step_told(c));
}

static void step_both(struct rand *r, struct store *model, struct store *s)
{
	struct fault fault = { 0 };
	bool more_a, more_b;
	struct buf a, b;
	struct op op;

	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	op_make(&op, r, model);
	assert_int_equal(op_run(&op, model, &more_a, &fault), 0);
	tell_outs(&op, &a);
	if (op_run(&op, s, &more_b, &fault) != 0)
		fail_msg("op: %s", fault.message);
	tell_outs(&op, &b);
	assert_string_equal(buf_str(&a), buf_str(&b));
	assert_int_equal(more_a, more_b);
	op_free(&op);
	buf_free(&a);
	buf_free(&b);
}

static void run_seed(uint64_t seed)
{
	struct store_options opt = options();
	struct store *model = store_memory_new(&opt), *s, *reader = NULL;
	struct fault fault;
	struct rand r;
	char *folder = folder_new();

	rand_seed(&r, seed);
	s = open_folder(folder);
	assert_int_equal(store_reader(s, &reader, &fault), 0);
	for (int step = 1; step <= STEPS; step++) {
		step_both(&r, model, s);
		if (step % 25 == 0) {
			compare(seed, step, model, s);
			compare(seed, step, model, reader);
		}
		if (rand_chance(&r, 0.01)) {
			store_close(&reader);
			store_close(&s);
			s = open_folder(folder);
			assert_int_equal(store_reader(s, &reader, &fault), 0);
			compare(seed, step, model, s);
		}
	}
	store_close(&reader);
	store_close(&s);
	store_close(&model);
	folder_free(&folder);
}

static void test_same(void **state)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	uint64_t seeds = many ? strtoull(many, NULL, 10) : 20;

	(void)state;
	if (one) {
		run_seed(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= seeds; seed++)
		run_seed(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_same) };

	return cmocka_run_group_tests_name("store/differential", tests, NULL, NULL);
}
