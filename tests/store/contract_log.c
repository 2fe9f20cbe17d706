/* The contract of the log: seqs, rows as they were, duplicates, walks, readers. */
#include "contract.h"

#include "base/failure.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_empty(void **state)
{
	struct subject *t = *state;

	assert_int_equal(store_last_seq(t->store), 0);
	assert_int_equal(store_floor(t->store), 0);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "");
	assert_int_equal(store_log_get(t->store, 1, NULL, NULL, NULL), ERR_NOT_FOUND);
	assert_true((store_bytes(t->store) > 0) == t->sqlite);
}

/* Both kinds draw from one counter, in the order of the changes over all transactions of the commit. */
static void test_seqs(void **state)
{
	struct subject *t = *state;
	struct tx *txs[2] = { tx_new(), tx_new() };
	struct event_row *e1 = tx_event(txs[0], &(struct event_row){ .project = SLICE_LIT("p"), .id = SLICE_LIT("a") });
	struct attempt_row *a1 = tx_attempt(txs[0], &(struct attempt_row){ .endpoint = 1 });
	struct event_row *e2 = tx_event(txs[1], &(struct event_row){ .project = SLICE_LIT("p"), .id = SLICE_LIT("b") });

	assert_int_equal(store_commit(t->store, txs, 2, &t->fault), 0);
	assert_int_equal(e1->seq, 1);
	assert_int_equal(a1->seq, 2);
	assert_int_equal(e2->seq, 3);
	assert_int_equal(e2->duplicate_of, 0);
	assert_int_equal(store_last_seq(t->store), 3);
	tx_free(&txs[0]);
	tx_free(&txs[1]);
	subject_reopen(t);
	assert_int_equal(store_last_seq(t->store), 3);
	assert_int_equal(put_event(t, "p", "c", "", 0), 4);
}

static void test_empty_commit(void **state)
{
	struct subject *t = *state;
	struct tx *tx = tx_new();

	assert_int_equal(store_commit(t->store, NULL, 0, &t->fault), 0);
	commit(t, tx);
	assert_int_equal(store_last_seq(t->store), 0);
}

static const char odd_bytes[] = "\0\1\377 {\"a\":\"\xc3\xa9\"}\n";

static bool expect_event(void *ctx, const struct log_row *row)
{
	const struct event_row *e = &row->u.event;

	assert_true(row->is_event);
	assert_false(row->damaged);
	assert_int_equal(row->seq, 1);
	assert_int_equal(e->seq, 1);
	assert_int_equal(e->accepted_ms, INT64_C(1794000000123));
	assert_true(slice_is(e->project, "project"));
	assert_true(slice_is(e->id, "evt"));
	assert_int_equal(e->message_id.n, 0);
	assert_non_null(e->message_id.p);
	assert_true(slice_eq(e->text, *(struct slice *)ctx));
	return true;
}

static void event_round_trip(struct subject *t, struct slice text)
{
	struct tx *tx = tx_new();

	tx_event(tx, &(struct event_row){ .project = SLICE_LIT("project"),
					  .id = SLICE_LIT("evt"),
					  .accepted_ms = INT64_C(1794000000123),
					  .text = text });
	commit(t, tx);
	subject_reopen(t);
	assert_int_equal(store_log_get(t->store, 1, expect_event, &text, &t->fault), 0);
}

static void test_event_round_trip(void **state)
{
	event_round_trip(*state, slice_of(odd_bytes, sizeof(odd_bytes)));
}

static void test_big_event(void **state)
{
	struct buf text;

	buf_init(&text, 1 << 22);
	memset(buf_extend(&text, 3000000), 'x', 3000000);
	event_round_trip(*state, buf_slice(&text));
	buf_free(&text);
}

static bool expect_attempt(void *ctx, const struct log_row *row)
{
	const struct attempt_row *a = &row->u.attempt;

	(void)ctx;
	assert_false(row->is_event || row->damaged);
	assert_int_equal(a->seq, 1);
	assert_true(a->endpoint == UINT64_MAX - 1);
	assert_int_equal(a->revision, UINT32_MAX);
	assert_int_equal(a->attempt, 7);
	assert_int_equal(a->time_ms, -5);
	assert_int_equal(a->outcome, ATTEMPT_FAILED);
	assert_int_equal(a->code, -FAILURE_TIMEOUT);
	assert_true(slice_is(a->delivery_id, "delivery"));
	assert_true(slice_eq(a->detail, slice_of(odd_bytes, sizeof(odd_bytes))));
	assert_int_equal(a->item_count, 3);
	assert_int_equal(a->items[0].event_seq, INT64_C(1) << 50);
	assert_int_equal(a->items[1].event_seq, 1);
	assert_int_equal(a->items[2].attempts, UINT32_MAX);
	assert_int_equal(a->items[2].fate, ITEM_ENDED);
	return true;
}

static void test_attempt_round_trip(void **state)
{
	struct attempt_item items[] = { { INT64_C(1) << 50, 1, ITEM_DONE },
					{ 1, 0, ITEM_LEFT },
					{ 2, UINT32_MAX, ITEM_ENDED } };
	struct attempt_row row = { .endpoint = UINT64_MAX - 1,
				   .revision = UINT32_MAX,
				   .attempt = 7,
				   .time_ms = -5,
				   .outcome = ATTEMPT_FAILED,
				   .code = -FAILURE_TIMEOUT,
				   .delivery_id = SLICE_LIT("delivery"),
				   .items = items,
				   .item_count = 3,
				   .detail = slice_of(odd_bytes, sizeof(odd_bytes)) };
	struct subject *t = *state;
	struct tx *tx = tx_new();

	tx_attempt(tx, &row);
	memset(items, 0, sizeof(items)); /* the transaction has its own copy */
	commit(t, tx);
	subject_reopen(t);
	assert_int_equal(store_log_get(t->store, 1, expect_attempt, NULL, &t->fault), 0);
}

/*
 * Each event twice in one commit, as far apart as can be and
 * side by side; and rows too large to be collected between them.
 */
static void test_duplicates_in_large_commit(void **state)
{
	struct subject *t = *state;
	struct event_row *out[90];
	struct tx *tx = tx_new();
	char id[16], *text = mem_zalloc(40000);

	for (int i = 0; i < 90; i++) {
		snprintf(id, sizeof(id), "%d", i < 60 ? i % 30 : i / 2);
		out[i] = tx_event(tx, &(struct event_row){ .project = SLICE_LIT("p"),
							   .id = slice_str(id),
							   .text = slice_of(text, i % 5 == 4 ? 40000 : 5) });
	}
	assert_int_equal(store_commit(t->store, &tx, 1, &t->fault), 0);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(out[i]->seq, i + 1);
		assert_int_equal(out[30 + i]->duplicate_of, i + 1);
		assert_int_equal(i % 2 ? out[60 + i]->duplicate_of : out[60 + i]->seq, 31 + i / 2);
	}
	assert_int_equal(store_last_seq(t->store), 45);
	tx_free(&tx);
	mem_free(text);
}

static bool stop_at_two(void *ctx, const struct log_row *row)
{
	(void)row;
	return ++*(int *)ctx < 2;
}

static void test_walks(void **state)
{
	struct subject *t = *state;
	int calls = 0;

	for (int i = 0; i < 6; i++)
		put_attempt(t, 1, 0);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "1 2 3 4 5 6");
	assert_string_equal(seqs_of_log(t->store, 2, 5), "3 4 5");
	assert_string_equal(seqs_of_log(t->store, 6, INT64_MAX), "");
	assert_string_equal(seqs_back(t->store, INT64_MAX, 3), "6 5 4");
	assert_string_equal(seqs_back(t->store, 3, 100), "2 1");
	assert_string_equal(seqs_back(t->store, 3, 0), "");
	store_log_walk(t->store, 0, INT64_MAX, stop_at_two, &calls, NULL);
	assert_int_equal(calls, 2);
	calls = 0;
	store_log_back(t->store, INT64_MAX, 100, stop_at_two, &calls, NULL);
	assert_int_equal(calls, 2);
}

static void test_duplicates(void **state)
{
	struct subject *t = *state;
	int64_t a = put_event(t, "p", "a", "", 0);

	assert_int_equal(put_again(t, "p", "a"), a);
	assert_int_equal(put_again(t, "other", "a"), 0);
	assert_int_equal(put_again(t, "pa", ""), 0); /* project and id do not run into each other */
	assert_int_equal(store_last_seq(t->store), 3);
	subject_reopen(t);
	assert_int_equal(put_again(t, "p", "a"), a);
	assert_int_equal(store_last_seq(t->store), 3); /* a duplicate takes no seq */
}

static void test_duplicate_inside_commit(void **state)
{
	struct event_row row = { .project = SLICE_LIT("p"), .id = SLICE_LIT("a") };
	struct subject *t = *state;
	struct tx *txs[2] = { tx_new(), tx_new() };
	struct event_row *first = tx_event(txs[0], &row), *second = tx_event(txs[0], &row),
			 *third = tx_event(txs[1], &row);

	assert_int_equal(store_commit(t->store, txs, 2, &t->fault), 0);
	assert_int_equal(first->seq, 1);
	assert_int_equal(second->duplicate_of, 1);
	assert_int_equal(third->duplicate_of, 1);
	assert_int_equal(third->seq, 0);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "1");
	tx_free(&txs[0]);
	tx_free(&txs[1]);
}

/* At least the last recent_ids, which are 100 here; attempts in between do not count. */
static void test_duplicates_remembered(void **state)
{
	struct subject *t = *state;
	char id[16];

	for (int i = 1; i <= 150; i++) {
		snprintf(id, sizeof(id), "%d", i);
		put_event(t, "p", id, "", 0);
		put_attempt(t, 1, 0);
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 51; i <= 150; i++) {
			snprintf(id, sizeof(id), "%d", i);
			assert_int_equal(put_again(t, "p", id), 2 * i - 1);
		}
		subject_reopen(t);
	}
}

static void test_floor(void **state)
{
	struct subject *t = *state;
	struct tx *tx;

	put_event(t, "p", "a", "", 0);
	put_event(t, "p", "b", "", 0);
	put_floor(t, 1);
	assert_int_equal(store_floor(t->store), 1);
	tx = tx_new();
	tx_event(tx, &(struct event_row){ .project = SLICE_LIT("p"), .id = SLICE_LIT("c") });
	tx_floor(tx, 3); /* of an event of the same commit */
	commit(t, tx);
	subject_reopen(t);
	assert_int_equal(store_floor(t->store), 3);
}

static void test_docs(void **state)
{
	struct subject *t = *state;

	put_doc(t, "endpoint", "p/b", "two");
	put_doc(t, "endpoint", "p/a", "one");
	put_doc(t, "endpoint", "q/a", "");
	put_doc(t, "key", "p/a", "key");
	put_doc(t, "endpoint", "p/b", "three");
	put_doc(t, "endpoint", "none", NULL);
	subject_reopen(t);
	assert_string_equal(docs_of(t->store, "endpoint", ""), "p/a=one p/b=three q/a=");
	assert_string_equal(docs_of(t->store, "endpoint", "p/"), "p/a=one p/b=three");
	assert_string_equal(docs_of(t->store, "endpoint", "p/b"), "p/b=three");
	assert_string_equal(docs_of(t->store, "key", ""), "p/a=key");
	assert_string_equal(docs_of(t->store, "nothing", ""), "");
	put_doc(t, "endpoint", "p/a", NULL);
	assert_string_equal(docs_of(t->store, "endpoint", ""), "p/b=three q/a=");
}

static void test_reader(void **state)
{
	struct subject *t = *state;
	struct store *reader = NULL;

	put_event(t, "p", "a", "m", 0);
	assert_int_equal(store_reader(t->store, &reader, &t->fault), 0);
	assert_string_equal(seqs_of_log(reader, 0, INT64_MAX), "1");
	put_event(t, "p", "b", "m", 0);
	put_pending(t, 1, 2, 0);
	put_floor(t, 2);
	put_doc(t, "key", "k", "v");
	assert_string_equal(seqs_of_log(reader, 0, INT64_MAX), "1 2");
	assert_int_equal(store_last_seq(reader), 2);
	assert_int_equal(store_floor(reader), 2);
	assert_string_equal(found(reader, SEARCH_MESSAGE_ID, "p", "m", INT64_MAX), "2 1");
	assert_string_equal(docs_of(reader, "key", ""), "k=v");
	assert_string_equal(pending_ids(reader, &(struct pending_query){ 1, -1, 0, PENDING_HELD, 9 }), "2");
	assert_int_equal(store_checkpoint(t->store, &t->fault), 0);
	assert_string_equal(seqs_of_log(reader, 0, INT64_MAX), "1 2");
	store_close(&reader);
	assert_null(reader);
}

struct watch {
	struct store *reader;
	int64_t upto;
	bool gapless;
};

static bool note_gap(void *ctx, const struct log_row *row)
{
	struct watch *w = ctx;

	w->gapless = w->gapless && row->seq == w->upto + 1 && !row->damaged;
	w->upto = row->seq;
	return true;
}

/* Reads until it has seen all 300 rows. */
static void *watch_log(void *ctx)
{
	struct watch *w = ctx;

	while (w->upto < 300 && w->gapless)
		if (store_log_walk(w->reader, w->upto, INT64_MAX, note_gap, w, NULL) != 0)
			w->gapless = false;
	return NULL;
}

static void test_reader_on_its_thread(void **state)
{
	struct subject *t = *state;
	struct watch w = { .gapless = true };
	bool more = false;
	pthread_t thread;
	char id[16];

	assert_int_equal(store_reader(t->store, &w.reader, &t->fault), 0);
	assert_int_equal(pthread_create(&thread, NULL, watch_log, &w), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "%d", i);
		put_event(t, "p", id, "", 0);
		if (i % 50 == 0) {
			assert_int_equal(store_index_step(t->store, &more, &t->fault), 0);
			assert_int_equal(store_checkpoint(t->store, &t->fault), 0);
		}
	}
	pthread_join(thread, NULL);
	assert_true(w.gapless);
	assert_int_equal(w.upto, 300);
	store_close(&w.reader);
}

const struct CMUnitTest contract_log_tests[] = {
	cmocka_unit_test(test_empty),
	cmocka_unit_test(test_seqs),
	cmocka_unit_test(test_empty_commit),
	cmocka_unit_test(test_event_round_trip),
	cmocka_unit_test(test_big_event),
	cmocka_unit_test(test_attempt_round_trip),
	cmocka_unit_test(test_walks),
	cmocka_unit_test(test_duplicates),
	cmocka_unit_test(test_duplicate_inside_commit),
	cmocka_unit_test(test_duplicates_in_large_commit),
	cmocka_unit_test(test_duplicates_remembered),
	cmocka_unit_test(test_floor),
	cmocka_unit_test(test_docs),
	cmocka_unit_test(test_reader),
	cmocka_unit_test(test_reader_on_its_thread),
};
const size_t contract_log_count = COUNT(contract_log_tests);
