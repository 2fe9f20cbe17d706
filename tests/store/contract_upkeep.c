/* The contract of what happens behind: pruning with everything that holds it back, the search index and its tail. */
#include "contract.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Ten events with ids "e1" … and times 1 … 10, all settled. */
static void put_ten(struct subject *t)
{
	char id[16];

	for (int i = 1; i <= 10; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		put_event(t, "p", id, i % 2 ? "odd" : "even", i);
	}
	put_floor(t, 10);
}

static bool prune(struct subject *t, int64_t before_ms, int64_t dead_before_ms, int64_t keep_from, uint32_t max_rows)
{
	bool more = false;

	assert_int_equal(store_prune(t->store, before_ms, dead_before_ms, keep_from, max_rows, &more, &t->fault), 0);
	return more;
}

static void test_prune_by_age(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	assert_false(prune(t, 5, 0, 0, 100));
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "5 6 7 8 9 10");
	assert_int_equal(store_log_get(t->store, 4, NULL, NULL, NULL), ERR_NOT_FOUND);
	assert_false(prune(t, 5, 0, 0, 100));
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "5 6 7 8 9 10");
}

static void test_prune_in_chunks(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	assert_true(prune(t, 9, 0, 0, 3));
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "4 5 6 7 8 9 10");
	assert_true(prune(t, 9, 0, 0, 3));
	assert_false(prune(t, 9, 0, 0, 3));
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "9 10");
}

static void test_prune_stops_at_floor(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	put_floor(t, 4);
	prune(t, 1000, 0, 0, 100);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "5 6 7 8 9 10");
}

static void test_prune_stops_at_pending(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	put_pending(t, 9, 7, 0);
	put_pending(t, 8, 8, 0);
	prune(t, 1000, 0, 0, 100);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "7 8 9 10");
}

static void test_prune_stops_at_keep_from(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	prune(t, 1000, 0, 6, 100);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "6 7 8 9 10");
}

static void test_prune_and_dead(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	put_ten(t);
	tx_dead(tx, &(struct dead_row){ 1, 3, 0, 100 });
	tx_dead(tx, &(struct dead_row){ 2, 6, 0, 200 });
	commit(t, tx);
	prune(t, 1000, 0, 0, 100);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "3 4 5 6 7 8 9 10");
	prune(t, 1000, 150, 0, 100); /* the dead row goes first, then what it held */
	assert_string_equal(dead_of(t->store, 1, 0, 9), "");
	assert_string_equal(dead_of(t->store, 2, 0, 9), "6:0:200");
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "6 7 8 9 10");
}

static void test_prune_dead_in_chunks(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	put_ten(t);
	for (int64_t seq = 1; seq <= 5; seq++)
		tx_dead(tx, &(struct dead_row){ 1, seq, 0, 10 - seq });
	commit(t, tx);
	assert_true(prune(t, 0, 100, 0, 2)); /* the oldest first */
	assert_string_equal(dead_of(t->store, 1, 0, 9), "1:0:9 2:0:8 3:0:7");
	assert_true(prune(t, 0, 100, 0, 2));
	assert_false(prune(t, 0, 100, 0, 2));
	assert_string_equal(dead_of(t->store, 1, 0, 9), "");
}

static void test_seq_goes_on_after_prune(void **state)
{
	struct subject *t = *state;
	struct store *reader = NULL;

	put_ten(t);
	prune(t, 1000, 0, 0, 100);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "");
	subject_reopen(t);
	assert_int_equal(store_last_seq(t->store), 10);
	assert_int_equal(store_reader(t->store, &reader, &t->fault), 0);
	assert_int_equal(store_last_seq(reader), 10);
	store_close(&reader);
	assert_int_equal(put_again(t, "p", "e3"), 0); /* a pruned event has no duplicates */
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "11");
}

/* A large commit on an empty log: its seqs go on too. */
static void test_large_commit_after_prune(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	put_ten(t);
	prune(t, 1000, 0, 0, 100);
	subject_reopen(t);
	for (int i = 0; i < 40; i++)
		tx_attempt(tx, &(struct attempt_row){ .endpoint = 1 });
	commit(t, tx);
	assert_int_equal(store_last_seq(t->store), 50);
	assert_string_equal(seqs_of_log(t->store, 0, 12), "11 12");
	assert_string_equal(seqs_of_log(t->store, 47, INT64_MAX), "48 49 50");
}

static bool index_step(struct subject *t)
{
	bool more = false;

	assert_int_equal(store_index_step(t->store, &more, &t->fault), 0);
	return more;
}

static void expect_searches(struct subject *t)
{
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "9 7 5 3 1");
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", 7), "5 3 1");
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "q", "odd", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_EVENT_ID, "p", "e8", INT64_MAX), "8");
	assert_string_equal(found(t->store, SEARCH_EVENT_ID, "p", "odd", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", INT64_MAX), "13 12 11");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", 12), "11");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "4", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "e3", INT64_MAX), "");
}

/* The answers are the same whatever part of the log is in the index; a run has ten seqs here. */
static void test_search(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	for (int i = 0; i < 3; i++)
		put_attempt(t, 3, 20);
	expect_searches(t);
	assert_false(index_step(t));
	expect_searches(t);
	assert_false(index_step(t)); /* three rows are no run */
	for (int i = 0; i < 7; i++)
		put_attempt(t, 5, 20);
	assert_false(index_step(t));
	expect_searches(t);
	subject_reopen(t);
	expect_searches(t);
}

static void put_numbered(struct subject *t, const char *project, const char *id, const char *text)
{
	struct tx *tx = tx_new();

	tx_event(tx,
		 &(struct event_row){ .project = slice_str(project), .id = slice_str(id), .text = slice_str(text) });
	commit(t, tx);
}

static void expect_numbers(struct subject *t)
{
	assert_string_equal(found(t->store, SEARCH_NUMBER, "p", "4670", INT64_MAX), "11 8 6 3 1");
	assert_string_equal(found(t->store, SEARCH_NUMBER, "p", "4670", 8), "6 3 1");
	assert_string_equal(found(t->store, SEARCH_NUMBER, "q", "4670", INT64_MAX), "5");
	assert_string_equal(found(t->store, SEARCH_NUMBER, "p", "71120", INT64_MAX), "8 3");
	assert_string_equal(found(t->store, SEARCH_NUMBER, "p", "467", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_NUMBER, "p", "1", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_NUMBER, "p", "", INT64_MAX), "");
	assert_string_equal(found(t->store, SEARCH_EVENT_ID, "p", "4670", INT64_MAX), "");
	assert_int_equal(store_numbers_after(t->store), 0);
}

/* Which ones a text has, the store is told; an event that has one twice is one answer. */
static void test_search_numbers(void **state)
{
	static const char *const texts[] = { "4670 text", "text 4670",	       "71120 4670 x", "",
					     NULL,	  "4670 1111 4670 xx", "46 700",       "4670 71120 4670" };
	struct subject *t = *state;

	for (size_t i = 0; i < COUNT(texts); i++)
		put_numbered(t, texts[i] ? "p" : "q", (char[]){ (char)('a' + i), '\0' }, texts[i] ? texts[i] : "4670 ");
	for (int i = 0; i < 2; i++)
		put_attempt(t, 1, 20);
	put_numbered(t, "p", "last", "4670");
	expect_numbers(t);
	assert_false(index_step(t));
	expect_numbers(t);
	subject_reopen(t);
	expect_numbers(t);
}

static void test_index_run_by_run(void **state)
{
	struct subject *t = *state;

	for (int i = 0; i < 35; i++)
		put_attempt(t, 3, 20);
	assert_true(index_step(t));
	subject_reopen(t);
	assert_true(index_step(t));
	assert_false(index_step(t));
	assert_false(index_step(t));
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", 33),
			    "32 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", 11), "10 9 8 7 6 5 4 3 2 1");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", 2), "1");
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", 1), "");
}

/* An attempt that names an event twice is one answer. */
static void test_search_names_twice(void **state)
{
	struct attempt_item items[] = { { 3, 1, ITEM_LEFT }, { 4, 1, ITEM_DONE }, { 3, 2, ITEM_DONE } };
	struct subject *t = *state;
	struct tx *tx = tx_new();

	tx_attempt(tx, &(struct attempt_row){ .items = items, .item_count = 3 });
	commit(t, tx);
	put_ten(t);
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", INT64_MAX), "1");
	index_step(t);
	assert_string_equal(found(t->store, SEARCH_EVENT_SEQ, "", "3", INT64_MAX), "1");
}

static bool stop_at_two(void *ctx, int64_t seq)
{
	(void)seq;
	return ++*(int *)ctx < 2;
}

static void test_search_stops(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	for (int indexed = 0; indexed < 2; indexed++) {
		int calls = 0;

		assert_int_equal(store_search(t->store, SEARCH_MESSAGE_ID, SLICE_LIT("p"), SLICE_LIT("odd"), INT64_MAX,
					      stop_at_two, &calls, &t->fault),
				 0);
		assert_int_equal(calls, 2);
		index_step(t);
	}
}

static void test_search_after_prune(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	for (int i = 0; i < 5; i++)
		put_event(t, "p", (const char *[]){ "a", "b", "c", "d", "e" }[i], "odd", 11 + i);
	index_step(t);
	put_floor(t, 15);
	prune(t, 6, 0, 0, 100); /* half of a run */
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "15 14 13 12 11 9 7");
	prune(t, 13, 0, 0, 100); /* a whole one */
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "15 14 13");
	assert_false(index_step(t));
}

/* Pruning may pass the index's cursor. */
static void test_prune_before_index(void **state)
{
	struct subject *t = *state;

	put_ten(t);
	for (int i = 11; i <= 25; i++)
		put_event(t, "p", (char[]){ (char)('a' + i), '\0' }, i % 2 ? "odd" : "even", i);
	put_floor(t, 25);
	prune(t, 16, 0, 0, 100);
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "25 23 21 19 17");
	assert_true(index_step(t));
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "25 23 21 19 17");
	assert_false(index_step(t));
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "25 23 21 19 17");
	prune(t, 1000, 0, 0, 100);
	assert_string_equal(found(t->store, SEARCH_MESSAGE_ID, "p", "odd", INT64_MAX), "");
}

const struct CMUnitTest contract_upkeep_tests[] = {
	cmocka_unit_test(test_prune_by_age),
	cmocka_unit_test(test_prune_in_chunks),
	cmocka_unit_test(test_prune_stops_at_floor),
	cmocka_unit_test(test_prune_stops_at_pending),
	cmocka_unit_test(test_prune_stops_at_keep_from),
	cmocka_unit_test(test_prune_and_dead),
	cmocka_unit_test(test_prune_dead_in_chunks),
	cmocka_unit_test(test_seq_goes_on_after_prune),
	cmocka_unit_test(test_large_commit_after_prune),
	cmocka_unit_test(test_search),
	cmocka_unit_test(test_search_numbers),
	cmocka_unit_test(test_index_run_by_run),
	cmocka_unit_test(test_search_names_twice),
	cmocka_unit_test(test_search_stops),
	cmocka_unit_test(test_search_after_prune),
	cmocka_unit_test(test_prune_before_index),
};
const size_t contract_upkeep_count = COUNT(contract_upkeep_tests);
