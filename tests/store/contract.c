/* The suite's own tools, and its run: all tests against memory, then all against SQLite, each on a store of its own. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "folder.h"
#include "ops.h"

#define ANSWER_MAX 4096

/* --- subjects --- */

static void subject_open(struct subject *t)
{
	if (!t->sqlite)
		t->store = store_memory_new(&t->options);
	else if (store_sqlite_open(t->folder, &t->options, &t->store, &t->fault) != 0)
		fail_msg("open: %s", t->fault.message);
}

void subject_reopen(struct subject *t)
{
	if (!t->sqlite)
		return;
	store_close(&t->store);
	subject_open(t);
}

static int set_up(void **state, bool sqlite)
{
	struct subject *t = mem_zalloc(sizeof(*t));

	t->sqlite = sqlite;
	t->options = (struct store_options){ .recent_ids = 100, .index_run = 10, .numbers = op_numbers };
	t->folder = sqlite ? folder_new() : NULL;
	subject_open(t);
	*state = t;
	return 0;
}

static int set_up_memory(void **state)
{
	return set_up(state, false);
}

static int set_up_sqlite(void **state)
{
	return set_up(state, true);
}

static int tear_down(void **state)
{
	struct subject *t = *state;

	store_close(&t->store);
	if (t->folder)
		folder_free(&t->folder);
	mem_free(t);
	return 0;
}

/* --- writing --- */

void commit(struct subject *t, struct tx *tx)
{
	if (store_commit(t->store, &tx, 1, &t->fault) != 0)
		fail_msg("commit: %s", t->fault.message);
	tx_free(&tx);
}

static void commit_event(struct subject *t, struct event_row *row)
{
	struct tx *tx = tx_new();
	struct event_row *out = tx_event(tx, row);

	if (store_commit(t->store, &tx, 1, &t->fault) != 0)
		fail_msg("commit: %s", t->fault.message);
	row->seq = out->seq;
	row->duplicate_of = out->duplicate_of;
	tx_free(&tx);
}

int64_t put_event(struct subject *t, const char *project, const char *id, const char *message_id, int64_t accepted_ms)
{
	struct event_row row = { .project = slice_str(project),
				 .id = slice_str(id),
				 .message_id = slice_str(message_id),
				 .accepted_ms = accepted_ms,
				 .text = SLICE_LIT("text") };

	commit_event(t, &row);
	assert_int_equal(row.duplicate_of, 0);
	return row.seq;
}

int64_t put_again(struct subject *t, const char *project, const char *id)
{
	struct event_row row = { .project = slice_str(project), .id = slice_str(id) };

	commit_event(t, &row);
	assert_true((row.seq == 0) == (row.duplicate_of != 0));
	return row.duplicate_of;
}

int64_t put_attempt(struct subject *t, int64_t event_seq, int64_t time_ms)
{
	struct attempt_item item = { event_seq, 1, ITEM_DONE };
	struct attempt_row row = { .time_ms = time_ms, .items = &item, .item_count = 1 }, *out;
	struct tx *tx = tx_new();
	int64_t seq;

	out = tx_attempt(tx, &row);
	assert_int_equal(store_commit(t->store, &tx, 1, &t->fault), 0);
	seq = out->seq;
	tx_free(&tx);
	return seq;
}

void put_pending(struct subject *t, uint64_t endpoint, int64_t id, int64_t due_ms)
{
	struct pending_item item = { id, 0, 0 };
	struct tx *tx = tx_new();

	tx_pending_put(tx, &(struct pending_row){
				   .endpoint = endpoint, .id = id, .due_ms = due_ms, .items = &item, .item_count = 1 });
	commit(t, tx);
}

void put_floor(struct subject *t, int64_t floor)
{
	struct tx *tx = tx_new();

	tx_floor(tx, floor);
	commit(t, tx);
}

void put_doc(struct subject *t, const char *kind, const char *id, const char *text)
{
	struct tx *tx = tx_new();

	if (text)
		tx_doc_put(tx, slice_str(kind), slice_str(id), slice_str(text));
	else
		tx_doc_delete(tx, slice_str(kind), slice_str(id));
	commit(t, tx);
}

/* --- answers as text --- */

struct answer {
	char text[ANSWER_MAX];
};

static void answer_add(struct answer *a, const char *part)
{
	size_t n = strlen(a->text);

	snprintf(a->text + n, sizeof(a->text) - n, "%s%s", n > 0 ? " " : "", part);
}

static bool add_seq(void *ctx, int64_t seq)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)seq);
	answer_add(ctx, text);
	return true;
}

static bool add_log(void *ctx, const struct log_row *row)
{
	return add_seq(ctx, row->seq);
}

static bool add_pending(void *ctx, const struct pending_row *row)
{
	return add_seq(ctx, row->id);
}

static bool add_dead(void *ctx, const struct dead_row *row)
{
	char text[80];

	snprintf(text, sizeof(text), "%lld:%lld:%lld", (long long)row->event_seq, (long long)row->attempt_seq,
		 (long long)row->time_ms);
	answer_add(ctx, text);
	return true;
}

static bool add_doc(void *ctx, const struct doc_row *row)
{
	char text[200];

	assert_non_null(row->text.p);
	snprintf(text, sizeof(text), "%.*s=%.*s", SLICE_ARG(row->id), SLICE_ARG(row->text));
	answer_add(ctx, text);
	return true;
}

const char *seqs_of_log(struct store *s, int64_t after, int64_t upto)
{
	static struct answer a;

	a.text[0] = '\0';
	assert_int_equal(store_log_walk(s, after, upto, add_log, &a, NULL), 0);
	return a.text;
}

const char *seqs_back(struct store *s, int64_t before, uint32_t max_rows)
{
	static struct answer a;

	a.text[0] = '\0';
	assert_int_equal(store_log_back(s, before, max_rows, add_log, &a, NULL), 0);
	return a.text;
}

const char *found(struct store *s, enum search_key what, const char *project, const char *key, int64_t before)
{
	static struct answer a;

	a.text[0] = '\0';
	assert_int_equal(store_search(s, what, slice_str(project), slice_str(key), before, add_seq, &a, NULL), 0);
	return a.text;
}

const char *pending_ids(struct store *s, const struct pending_query *q)
{
	static struct answer a;

	a.text[0] = '\0';
	assert_int_equal(store_pending(s, q, add_pending, &a, NULL), 0);
	return a.text;
}

const char *dead_of(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows)
{
	static struct answer a;

	a.text[0] = '\0';
	assert_int_equal(store_dead(s, endpoint, after, max_rows, add_dead, &a, NULL), 0);
	return a.text;
}

const char *docs_of(struct store *s, const char *kind, const char *prefix)
{
	static struct answer a;

	a.text[0] = '\0';
	assert_int_equal(store_docs(s, slice_str(kind), slice_str(prefix), add_doc, &a, NULL), 0);
	return a.text;
}

/* --- the run --- */

static size_t take(struct CMUnitTest *tests, size_t at, const struct CMUnitTest *from, size_t count, bool sqlite)
{
	for (size_t i = 0; i < count; i++) {
		tests[at + i] = from[i];
		tests[at + i].setup_func = sqlite ? set_up_sqlite : set_up_memory;
		tests[at + i].teardown_func = tear_down;
	}
	return at + count;
}

int main(void)
{
	struct CMUnitTest tests[80];
	int failed = 0;

	assert_true(contract_log_count + contract_exception_count + contract_upkeep_count + contract_object_count <=
		    sizeof(tests) / sizeof(tests[0]));
	for (int sqlite = 0; sqlite < 2; sqlite++) {
		size_t count = take(tests, 0, contract_log_tests, contract_log_count, sqlite);

		count = take(tests, count, contract_exception_tests, contract_exception_count, sqlite);
		count = take(tests, count, contract_upkeep_tests, contract_upkeep_count, sqlite);
		count = take(tests, count, contract_object_tests, contract_object_count, sqlite);
		failed += _cmocka_run_group_tests(sqlite ? "store/contract sqlite" : "store/contract memory", tests,
						  count, NULL, NULL);
	}
	return failed;
}
