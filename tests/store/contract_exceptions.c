/* The contract of the exceptions: pending rows and dead letters. */
#include "contract.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *all_pending(struct store *s, uint64_t endpoint)
{
	return pending_ids(s, &(struct pending_query){ endpoint, -1, 0, PENDING_HELD, UINT32_MAX });
}

static bool copy_pending(void *ctx, const struct pending_row *row)
{
	*(struct pending_row *)ctx = *row;
	((struct pending_row *)ctx)->items = NULL;
	return true;
}

static struct pending_row get_pending(struct subject *t, uint64_t endpoint, int64_t id)
{
	struct pending_row row;

	assert_int_equal(store_pending_get(t->store, endpoint, id, copy_pending, &row, &t->fault), 0);
	return row;
}

static bool expect_whole(void *ctx, const struct pending_row *row)
{
	(void)ctx;
	assert_false(row->damaged);
	assert_int_equal(row->endpoint, 3);
	assert_int_equal(row->id, 10);
	assert_int_equal(row->revision, 8);
	assert_int_equal(row->attempts, 2);
	assert_int_equal(row->due_ms, 777);
	assert_int_equal(row->replay, 5);
	assert_int_equal(row->item_count, 2);
	assert_int_equal(row->items[0].event_seq, 10);
	assert_true(row->items[0].order_hash == UINT64_MAX);
	assert_int_equal(row->items[1].event_seq, 12);
	assert_int_equal(row->items[1].attempts, 2);
	return true;
}

static void test_pending_round_trip(void **state)
{
	struct pending_item items[] = { { 10, UINT64_MAX, 1 }, { 12, 0, 2 } };
	struct pending_row row = { .endpoint = 3,
				   .id = 10,
				   .revision = 8,
				   .attempts = 2,
				   .due_ms = 777,
				   .replay = 5,
				   .items = items,
				   .item_count = 2 };
	struct subject *t = *state;
	struct tx *tx = tx_new();

	tx_pending_put(tx, &row);
	commit(t, tx);
	subject_reopen(t);
	assert_int_equal(store_pending_get(t->store, 3, 10, expect_whole, NULL, &t->fault), 0);
	assert_int_equal(store_pending_get(t->store, 3, 12, expect_whole, NULL, &t->fault), ERR_NOT_FOUND);
	assert_int_equal(store_pending_get(t->store, 2, 10, expect_whole, NULL, &t->fault), ERR_NOT_FOUND);
}

static void test_put_replaces(void **state)
{
	struct subject *t = *state;

	put_pending(t, 1, 5, 0);
	put_pending(t, 1, 5, 900);
	assert_string_equal(all_pending(t->store, 1), "5");
	assert_int_equal(get_pending(t, 1, 5).due_ms, 900);
}

static void test_end_and_drop(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	for (int64_t id = 1; id <= 4; id++) {
		put_pending(t, 1, id, 0);
		put_pending(t, 2, id, 0);
	}
	tx_pending_end(tx, 1, 2);
	tx_pending_end(tx, 1, 99); /* none there is fine */
	commit(t, tx);
	assert_string_equal(all_pending(t->store, 1), "1 3 4");
	assert_string_equal(all_pending(t->store, 2), "1 2 3 4");
	tx = tx_new();
	tx_pending_drop(tx, 2);
	commit(t, tx);
	assert_string_equal(all_pending(t->store, 2), "");
	assert_string_equal(all_pending(t->store, 1), "1 3 4");
}

static void test_cancel(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	tx_pending_put(tx, &(struct pending_row){ .endpoint = 1, .id = 1, .replay = 7 });
	tx_pending_put(tx, &(struct pending_row){ .endpoint = 1, .id = 2, .replay = 7, .attempts = 1 });
	tx_pending_put(tx, &(struct pending_row){ .endpoint = 1, .id = 3, .replay = 8 });
	tx_pending_put(tx, &(struct pending_row){ .endpoint = 1, .id = 4 });
	tx_pending_put(tx, &(struct pending_row){ .endpoint = 2, .id = 1, .replay = 7 });
	tx_pending_cancel(tx, 1, 7);
	commit(t, tx);
	assert_string_equal(all_pending(t->store, 1), "2 3 4");
	assert_string_equal(all_pending(t->store, 2), "1");
}

static void test_query(void **state)
{
	struct subject *t = *state;

	put_pending(t, 1, 30, PENDING_READY);
	put_pending(t, 1, 10, PENDING_READY);
	put_pending(t, 1, 40, 500);
	put_pending(t, 1, 20, 500);
	put_pending(t, 1, 50, 400);
	put_pending(t, 1, 5, PENDING_HELD);
	put_pending(t, 2, 1, PENDING_READY);
	assert_string_equal(all_pending(t->store, 1), "10 30 50 20 40 5"); /* by (due, id) */
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 1, -1, 0, PENDING_READY, 9 }), "10 30");
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 1, 0, 10, 499, 9 }), "30 50");
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 1, 500, 20, 500, 9 }), "40");
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 1, 0, 30, INT64_MAX - 1, 2 }), "50 20");
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 1, 500, 40, PENDING_HELD, 9 }), "5");
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 1, -1, 0, PENDING_HELD, 0 }), "");
	assert_string_equal(pending_ids(t->store, &(struct pending_query){ 3, -1, 0, PENDING_HELD, 9 }), "");
}

static bool add_summary(void *ctx, const struct pending_summary *sum)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 400 - n, "%llu: %lld %lld %lld, %lld %lld %lld; ", (unsigned long long)sum->endpoint,
		 (long long)sum->ready, (long long)sum->waiting, (long long)sum->held, (long long)sum->first_ready_id,
		 sum->next_due_ms == PENDING_HELD ? -1LL : (long long)sum->next_due_ms, (long long)sum->oldest_seq);
	return true;
}

static void test_summary(void **state)
{
	struct subject *t = *state;
	char text[400] = "";

	assert_int_equal(store_pending_summary(t->store, add_summary, text, &t->fault), 0);
	assert_string_equal(text, "");
	put_pending(t, 1, 7, PENDING_READY);
	put_pending(t, 1, 9, PENDING_READY);
	put_pending(t, 1, 4, 600);
	put_pending(t, 1, 5, 500);
	put_pending(t, 1, 6, 700);
	put_pending(t, 1, 3, PENDING_HELD);
	put_pending(t, 8, 2, PENDING_HELD);
	put_pending(t, 9, 1, PENDING_READY);
	assert_int_equal(store_pending_summary(t->store, add_summary, text, &t->fault), 0);
	assert_string_equal(text, "1: 2 3 1, 7 500 3; 8: 0 0 1, 0 -1 2; 9: 1 0 0, 1 -1 1; ");
}

static void test_dead(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	put_event(t, "p", "a", "", 0);
	put_event(t, "p", "b", "", 0);
	tx_dead(tx, &(struct dead_row){ 1, 2, 0, 50 }); /* no attempt before it in this transaction */
	tx_attempt(tx, &(struct attempt_row){ .endpoint = 1 });
	tx_dead(tx, &(struct dead_row){ 1, 1, 0, 60 });
	tx_dead(tx, &(struct dead_row){ 2, 1, 99, 70 });
	commit(t, tx);
	subject_reopen(t);
	assert_string_equal(dead_of(t->store, 1, 0, 9), "1:3:60 2:0:50");
	assert_string_equal(dead_of(t->store, 1, 1, 9), "2:0:50");
	assert_string_equal(dead_of(t->store, 1, 0, 1), "1:3:60");
	assert_string_equal(dead_of(t->store, 2, 0, 9), "1:99:70");
	tx = tx_new();
	tx_dead_end(tx, 1, 1);
	tx_dead_end(tx, 5, 5); /* none there is fine */
	commit(t, tx);
	assert_string_equal(dead_of(t->store, 1, 0, 9), "2:0:50");
	assert_string_equal(dead_of(t->store, 2, 0, 9), "1:99:70");
}

/* The last attempt of this transaction, not of the one before it in the same commit. */
static void test_dead_names_its_own_attempt(void **state)
{
	struct subject *t = *state;
	struct tx *txs[2] = { tx_new(), tx_new() };

	tx_attempt(txs[0], &(struct attempt_row){ .endpoint = 1 });
	tx_attempt(txs[1], &(struct attempt_row){ .endpoint = 2 });
	tx_dead(txs[0], &(struct dead_row){ 1, 7, 0, 0 });
	tx_dead(txs[1], &(struct dead_row){ 2, 7, 0, 0 });
	assert_int_equal(store_commit(t->store, txs, 2, &t->fault), 0);
	assert_string_equal(dead_of(t->store, 1, 0, 9), "7:1:0");
	assert_string_equal(dead_of(t->store, 2, 0, 9), "7:2:0");
	tx_free(&txs[0]);
	tx_free(&txs[1]);
}

const struct CMUnitTest contract_exception_tests[] = {
	cmocka_unit_test(test_pending_round_trip),
	cmocka_unit_test(test_put_replaces),
	cmocka_unit_test(test_end_and_drop),
	cmocka_unit_test(test_cancel),
	cmocka_unit_test(test_query),
	cmocka_unit_test(test_summary),
	cmocka_unit_test(test_dead),
	cmocka_unit_test(test_dead_names_its_own_attempt),
};
const size_t contract_exception_count = COUNT(contract_exception_tests);
