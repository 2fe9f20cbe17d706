/* What only the SQLite store can get wrong: its folder, its lock, its file, and damage done to it behind its back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "folder.h"
#include "old_schema.h"
#include "ops.h"
#include "store/object.h"
#include "store/store.h"

static struct store *open_sound(const char *folder)
{
	struct store_options options = STORE_OPTIONS_DEFAULT;
	struct store *s = NULL;
	struct fault fault;

	if (store_sqlite_open(folder, &options, &s, &fault) != 0)
		fail_msg("open: %s", fault.message);
	return s;
}

static int open_error(const char *folder, struct fault *fault)
{
	struct store_options options = STORE_OPTIONS_DEFAULT;
	struct store *s = NULL;
	int err = store_sqlite_open(folder, &options, &s, fault);

	assert_null(s);
	return err;
}

/* Behind the store's back. */
static void tamper(const char *folder, const char *sql)
{
	char path[300], *error = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/store.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(db);
}

struct seen {
	char text[200];
};

static int64_t number(const char *folder, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value;
	char path[300];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/store.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static void commit(struct store *s, struct tx *tx)
{
	struct fault fault;

	if (store_commit(s, &tx, 1, &fault) != 0)
		fail_msg("commit: %s", fault.message);
	tx_free(&tx);
}

static void put_events(struct store *s, int count)
{
	struct tx *tx = tx_new();
	char id[16];

	for (int i = 1; i <= count; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		tx_event(tx, &(struct event_row){ .project = SLICE_LIT("p"),
						  .id = slice_str(id),
						  .message_id = SLICE_LIT("m"),
						  .text = SLICE_LIT("text") });
	}
	commit(s, tx);
}

/* --- the folder --- */

static void test_folder(void **state)
{
	struct store *s = open_sound(*state);
	struct fault fault;
	struct stat st;

	assert_int_equal(stat(*state, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(open_error(*state, &fault), ERR_BUSY);
	assert_non_null(strstr(fault.message, "another postrider"));
	put_events(s, 1); /* the refused one has harmed nothing */
	store_close(&s);
	s = open_sound(*state);
	assert_int_equal(store_last_seq(s), 1);
	store_close(&s);
}

static off_t wal_size(const char *folder)
{
	struct stat st;
	char path[300];

	snprintf(path, sizeof(path), "%s/store.db-wal", folder);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/*
 * A floor that stays where it was is written all the same: on a full disk that is the question whether there is room,
 * and nothing written was always answered with yes.
 */
static void test_same_floor_is_written(void **state)
{
	const char *folder = *state;
	struct store *s = open_sound(folder);
	struct tx *tx = tx_new();
	off_t before;

	put_events(s, 3);
	tx_floor(tx, 3);
	commit(s, tx);
	before = wal_size(folder);
	tx = tx_new();
	tx_floor(tx, 3);
	commit(s, tx);
	assert_true(wal_size(folder) > before);
	assert_int_equal(store_floor(s), 3);
	store_close(&s);
}

static void test_no_place_for_folder(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(open_error("/proc/none/such", &fault), ERR_SYSTEM);
	assert_non_null(strstr(fault.message, "mkdir"));
	assert_int_equal(open_error("/dev/null", &fault), ERR_SYSTEM);
}

static void test_foreign_database(void **state)
{
	struct fault fault;

	assert_int_equal(mkdir(*state, 0700), 0);
	tamper(*state, "CREATE TABLE theirs (x)");
	assert_int_equal(open_error(*state, &fault), ERR_CORRUPT);
	assert_non_null(strstr(fault.message, "another program"));
	tamper(*state, "INSERT INTO theirs VALUES (1)"); /* and it is left as it was */
}

static void test_no_database(void **state)
{
	struct fault fault;
	char path[300];
	FILE *f;

	assert_int_equal(mkdir(*state, 0700), 0);
	snprintf(path, sizeof(path), "%s/store.db", (const char *)*state);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("no database at all", f);
	fclose(f);
	assert_int_equal(open_error(*state, &fault), ERR_CORRUPT);
}

static void test_newer_schema(void **state)
{
	struct store *s = open_sound(*state);
	struct fault fault;

	store_close(&s);
	tamper(*state, "PRAGMA user_version = 99");
	assert_int_equal(open_error(*state, &fault), ERR_SYSTEM);
	assert_non_null(strstr(fault.message, "newer"));
}

/* --- what an earlier version wrote --- */

static void put_object(void *ctx, struct store *s)
{
	struct object_key keys[] = { { 1, SLICE_LIT("a") }, { 2, SLICE_LIT("b") } };

	(void)ctx;
	for (int i = 1; i <= 3; i++) {
		char id[2] = { (char)('0' + i), '\0' };

		step_object_put(s, &(struct object_row){ .project = SLICE_LIT("p"),
							 .kind = 1,
							 .id = slice_str(id),
							 .text = SLICE_LIT("text"),
							 .due_ms = i,
							 .keys = keys,
							 .key_count = 2 });
	}
}

static void put_objects(struct store *s)
{
	struct tx *tx = tx_new();

	tx_step(tx, put_object, NULL);
	commit(s, tx);
}

static int get_object(struct store *s, const char *id)
{
	struct fault fault;

	return store_object_get(s, SLICE_LIT("p"), 1, slice_str(id), NULL, &fault);
}

static bool note_row(void *ctx, const struct log_row *row);
static bool note_seq(void *ctx, int64_t seq);

/* A folder of the version before objects opens, has what it had, and takes objects. */
static void test_schema_1(void **state)
{
	struct store *s = open_sound(*state);
	struct seen seen = { "" };
	char attach[700], path[300], kept[300];

	put_events(s, 3);
	store_close(&s);
	snprintf(path, sizeof(path), "%s/store.db", (const char *)*state);
	snprintf(kept, sizeof(kept), "%s/kept.db", (const char *)*state);
	assert_int_equal(rename(path, kept), 0);
	tamper(*state, old_schema_1);
	snprintf(
		attach, sizeof(attach),
		"ATTACH '%s' AS kept; INSERT INTO meta SELECT * FROM kept.meta; INSERT INTO log SELECT * FROM kept.log",
		kept);
	tamper(*state, attach);
	for (int open = 0; open < 2; open++) {
		s = open_sound(*state);
		seen.text[0] = '\0';
		assert_int_equal(store_log_walk(s, 0, INT64_MAX, note_row, &seen, NULL), 0);
		assert_string_equal(seen.text, "1 2 3 ");
		assert_int_equal(get_object(s, "2"), open == 0 ? ERR_NOT_FOUND : 0);
		put_objects(s);
		store_close(&s);
	}
	assert_int_equal(number(*state, "PRAGMA user_version"), 3);
}

static void put_numbered(struct store *s, int from, int upto)
{
	struct tx *tx = tx_new();
	char id[16];

	for (int i = from; i <= upto; i++) {
		snprintf(id, sizeof(id), "n%d", i);
		tx_event(tx, &(struct event_row){
				     .project = SLICE_LIT("p"), .id = slice_str(id), .text = SLICE_LIT("4670 text") });
	}
	commit(s, tx);
}

static void index_all(struct store *s)
{
	struct fault fault;
	bool more = true;

	while (more)
		assert_int_equal(store_index_step(s, &more, &fault), 0);
}

static void expect_numbered(struct store *s, const char *seqs)
{
	struct store *reader = NULL;
	struct seen seen = { "" };
	struct fault fault;

	assert_int_equal(store_reader(s, &reader, &fault), 0);
	assert_int_equal(store_numbers_after(reader), 4);
	assert_int_equal(store_search(reader, SEARCH_NUMBER, SLICE_LIT("p"), SLICE_LIT("4670"), INT64_MAX, note_seq,
				      &seen, &fault),
			 0);
	assert_string_equal(seen.text, seqs);
	store_close(&reader);
}

/* What the version before numbers has indexed is not found by them, and the store says where that begins. */
static void test_schema_2(void **state)
{
	struct store_options options = { .recent_ids = 100, .index_run = 4 };
	struct store *s = NULL;
	struct fault fault;

	assert_int_equal(store_sqlite_open(*state, &options, &s, &fault), 0);
	put_numbered(s, 1, 6);
	index_all(s);
	store_close(&s);
	tamper(*state, "DELETE FROM meta WHERE name = 'numbers_after'; PRAGMA user_version = 2");
	options.numbers = op_numbers;
	assert_int_equal(store_sqlite_open(*state, &options, &s, &fault), 0);
	expect_numbered(s, "6 5 ");
	put_numbered(s, 7, 9);
	expect_numbered(s, "9 8 7 6 5 ");
	index_all(s);
	expect_numbered(s, "9 8 7 6 5 ");
	store_close(&s);
	assert_int_equal(store_sqlite_open(*state, &options, &s, &fault), 0);
	expect_numbered(s, "9 8 7 6 5 ");
	store_close(&s);
}

static void test_numbers_damaged(void **state)
{
	struct store *s = open_sound(*state);
	struct fault fault;

	store_close(&s);
	tamper(*state, "UPDATE meta SET value = 7 WHERE name = 'floor'");
	assert_int_equal(open_error(*state, &fault), ERR_CORRUPT);
}

/* --- damaged rows --- */

static bool note_row(void *ctx, const struct log_row *row)
{
	struct seen *seen = ctx;
	size_t n = strlen(seen->text);

	snprintf(seen->text + n, sizeof(seen->text) - n, "%lld%s ", (long long)row->seq, row->damaged ? "!" : "");
	return true;
}

static bool note_seq(void *ctx, int64_t seq)
{
	return note_row(ctx, &(struct log_row){ .seq = seq });
}

/* Every byte of a row flipped once, and the row cut short: each is noticed, and the rows around it are whole. */
static void test_log_row_damaged(void **state)
{
	struct store *s = open_sound(*state);
	struct seen seen;
	char sql[200];

	put_events(s, 3);
	store_close(&s);
	tamper(*state, "CREATE TABLE kept AS SELECT * FROM log");
	for (int i = 0; i < 16; i++) {
		if (i < 15)
			snprintf(sql, sizeof(sql),
				 "UPDATE log SET body = CAST(substr(body, 1, %d) || x'55' || substr(body, %d) AS BLOB) "
				 "WHERE seq = 2",
				 i, i + 2);
		else
			snprintf(sql, sizeof(sql), "UPDATE log SET body = x'' WHERE seq = 2");
		tamper(*state, sql);
		s = open_sound(*state);
		seen.text[0] = '\0';
		assert_int_equal(store_log_walk(s, 0, INT64_MAX, note_row, &seen, NULL), 0);
		assert_string_equal(seen.text, "1 2! 3 ");
		seen.text[0] = '\0';
		assert_int_equal(store_search(s, SEARCH_MESSAGE_ID, SLICE_LIT("p"), SLICE_LIT("m"), INT64_MAX, note_seq,
					      &seen, NULL),
				 0);
		assert_string_equal(seen.text, "3 1 ");
		store_close(&s);
		tamper(*state, "UPDATE log SET body = (SELECT body FROM kept WHERE kept.seq = 2) WHERE seq = 2");
	}
	tamper(*state, "DROP TABLE kept");
}

/* A whole row, in the place of another one. */
static void test_log_row_misplaced(void **state)
{
	struct store *s = open_sound(*state);
	struct seen seen = { "" };

	put_events(s, 3);
	store_close(&s);
	tamper(*state, "UPDATE log SET body = (SELECT body FROM log WHERE seq = 1) WHERE seq = 3");
	s = open_sound(*state);
	assert_int_equal(store_log_walk(s, 0, INT64_MAX, note_row, &seen, NULL), 0);
	assert_string_equal(seen.text, "1 2 3! ");
	store_close(&s);
}

/* A damaged event proves nothing about a new one with its id: that is stored. */
static void test_damaged_has_no_duplicates(void **state)
{
	struct store *s = open_sound(*state);
	struct event_row *again;
	struct fault fault;
	struct tx *tx = tx_new();

	put_events(s, 3);
	store_close(&s);
	tamper(*state, "UPDATE log SET body = CAST(substr(body, 1, length(body) - 1) || x'55' AS BLOB) WHERE seq = 2");
	s = open_sound(*state);
	again = tx_event(tx, &(struct event_row){ .project = SLICE_LIT("p"), .id = SLICE_LIT("e2") });
	assert_int_equal(store_commit(s, &tx, 1, &fault), 0);
	assert_int_equal(again->seq, 4);
	assert_int_equal(again->duplicate_of, 0);
	tx_free(&tx);
	store_close(&s);
}

static bool expect_damaged(void *ctx, const struct pending_row *row)
{
	assert_true(row->damaged);
	assert_int_equal(row->endpoint, 1);
	assert_int_equal(row->id, 5);
	assert_int_equal(row->item_count, 0);
	++*(int *)ctx;
	return true;
}

static void test_pending_row_damaged(void **state)
{
	static const char *const damages[] = {
		"UPDATE pending SET body = CAST(substr(body, 1, 3) || x'55' || substr(body, 5) AS BLOB)",
		"UPDATE pending SET body = x''",
		"UPDATE pending SET attempts = 5",
	};
	struct pending_item item = { 5, 77, 0 };

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct pending_query q = { 1, -1, 0, PENDING_HELD, 9 };
		struct store *s = open_sound(*state);
		struct tx *tx = tx_new();
		int calls = 0;

		tx_pending_put(tx, &(struct pending_row){ .endpoint = 1, .id = 5, .items = &item, .item_count = 1 });
		commit(s, tx);
		store_close(&s);
		tamper(*state, damages[i]);
		s = open_sound(*state);
		assert_int_equal(store_pending(s, &q, expect_damaged, &calls, NULL), 0);
		assert_int_equal(store_pending_get(s, 1, 5, expect_damaged, &calls, NULL), 0);
		assert_int_equal(calls, 2);
		store_close(&s);
	}
}

static bool any_doc(void *ctx, const struct doc_row *row)
{
	(void)row;
	++*(int *)ctx;
	return true;
}

static void test_doc_damaged(void **state)
{
	struct store *s = open_sound(*state);
	struct tx *tx = tx_new();
	struct fault fault;
	int calls = 0;

	tx_doc_put(tx, SLICE_LIT("endpoint"), SLICE_LIT("crm"), SLICE_LIT("{\"url\": \"https://a.example\"}"));
	commit(s, tx);
	store_close(&s);
	tamper(*state, "UPDATE doc SET text = CAST(replace(text, 'a.example', 'b.example') AS BLOB)");
	s = open_sound(*state);
	assert_int_equal(store_docs(s, SLICE_LIT("endpoint"), SLICE_LIT(""), any_doc, &calls, &fault), ERR_CORRUPT);
	assert_int_equal(calls, 0);
	assert_non_null(strstr(fault.message, "\"crm\""));
	store_close(&s);
}

/* --- objects --- */

static bool count_object(void *ctx, struct slice value, struct slice id, struct slice text)
{
	(void)value;
	(void)id;
	(void)text;
	++*(int *)ctx;
	return true;
}

static int objects_along(struct store *s, uint16_t field, bool with_text)
{
	struct object_query q = { .project = SLICE_LIT("p"), .kind = 1, .field = field };
	int count = 0;

	assert_int_equal(store_object_walk(s, &q, with_text, count_object, &count, NULL), 0);
	return count;
}

static bool expect_second_damaged(void *ctx, const struct object_row *row)
{
	int n = ++*(int *)ctx;

	assert_int_equal(row->damaged, n == 2);
	assert_int_equal(row->id.p[0], '0' + n);
	assert_int_equal(row->kind, 1);
	assert_true(slice_eq(row->project, SLICE_LIT("p")));
	assert_int_equal(row->key_count, n == 2 ? 0 : 2);
	return true;
}

static void delete_second(void *ctx, struct store *s)
{
	(void)ctx;
	step_object_delete(s, SLICE_LIT("p"), 1, SLICE_LIT("2"));
}

static void drop_all(void *ctx, struct store *s)
{
	*(uint32_t *)ctx = step_objects_drop(s, SLICE_LIT("p"), 10);
}

/* A damaged object is told apart, costs no other one, and can be replaced or deleted, its keys with it. */
static void test_object_damaged(void **state)
{
	static const char *const damages[] = {
		"UPDATE object SET body = CAST(substr(body, 1, 4) || x'55' || substr(body, 6) AS BLOB) WHERE n = 2",
		"UPDATE object SET body = CAST(substr(body, 1, length(body) - 6) || x'55' || substr(body, length(body) "
		"- 4)"
		" AS BLOB) WHERE n = 2",
		"UPDATE object SET body = x'' WHERE n = 2",
		"UPDATE object SET body = (SELECT o.body FROM object o WHERE o.n = 1) WHERE n = 2",
	};

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct store *s = open_sound(*state);
		struct tx *tx = tx_new();
		uint32_t dropped;
		int calls = 0;

		put_objects(s);
		assert_int_equal(get_object(s, "2"), 0);
		store_close(&s);
		tamper(*state, damages[i]);
		s = open_sound(*state);
		assert_int_equal(get_object(s, "1"), 0);
		assert_int_equal(get_object(s, "2"), ERR_CORRUPT);
		assert_int_equal(objects_along(s, 1, true), 2);
		assert_int_equal(store_objects_due(s, 9, 9, expect_second_damaged, &calls, NULL), 0);
		assert_int_equal(calls, 3);
		if (i % 2)
			tx_step(tx, delete_second, NULL);
		else
			tx_step(tx, put_object, NULL);
		commit(s, tx);
		assert_int_equal(get_object(s, "2"), i % 2 ? ERR_NOT_FOUND : 0);
		assert_int_equal(objects_along(s, 0, true), i % 2 ? 2 : 3);
		assert_int_equal(number(*state, "SELECT count(*) FROM entry"), i % 2 ? 6 : 9);
		tx = tx_new();
		tx_step(tx, drop_all, &dropped);
		commit(s, tx);
		assert_int_equal(dropped, i % 2 ? 2 : 3);
		assert_int_equal(number(*state, "SELECT count(*) FROM entry"), 0);
		assert_int_equal(number(*state, "SELECT count(*) FROM object"), 0);
		store_close(&s);
	}
}

/* Dropping a project gets past what damage left behind: a row that no entry leads to, entries without a row. */
static void test_index_of_objects_damaged(void **state)
{
	struct store *s = open_sound(*state);
	struct tx *tx = tx_new();
	uint32_t dropped;

	put_objects(s);
	store_close(&s);
	tamper(*state, "DELETE FROM object WHERE n = 2; UPDATE object SET body = x'' WHERE n = 3");
	s = open_sound(*state);
	assert_int_equal(get_object(s, "2"), ERR_NOT_FOUND);
	assert_int_equal(objects_along(s, 0, true), 1);
	tx_step(tx, drop_all, &dropped);
	commit(s, tx);
	assert_int_equal(dropped, 3);
	assert_int_equal(number(*state, "SELECT count(*) FROM entry"), 0);
	put_objects(s);
	assert_int_equal(objects_along(s, 1, true), 3);
	store_close(&s);
}

/* --- the index --- */

/*
 * A run goes with the last of its rows, not before; no search
 * would tell, since it takes the log for a run that is missing.
 */
static void test_index_pruned(void **state)
{
	struct store_options options = { .recent_ids = 10, .index_run = 4 };
	struct tx *tx = tx_new();
	struct store *s = NULL;
	struct fault fault;
	bool more = true;

	assert_int_equal(store_sqlite_open(*state, &options, &s, &fault), 0);
	put_events(s, 10);
	while (more)
		assert_int_equal(store_index_step(s, &more, &fault), 0);
	assert_int_equal(number(*state, "SELECT count(*) FROM search"), 2 * 64);
	tx_floor(tx, 10);
	commit(s, tx);
	for (uint32_t seq = 1; seq <= 10; seq++) {
		assert_int_equal(store_prune(s, 1000, 0, 0, 1, &more, &fault), 0);
		assert_int_equal(number(*state, "SELECT min(seq) FROM log"), seq < 10 ? seq + 1 : 0);
		assert_int_equal(number(*state, "SELECT count(*) FROM search"), (seq < 4 ? 2 : seq < 8 ? 1 : 0) * 64);
	}
	store_close(&s);
}

static const char *search_m(struct store *s, struct seen *seen)
{
	seen->text[0] = '\0';
	assert_int_equal(store_search(s, SEARCH_MESSAGE_ID, SLICE_LIT("p"), SLICE_LIT("m"), 9, note_seq, seen, NULL),
			 0);
	return seen->text;
}

/* Nothing is missed: the log is read in place of what is lost. */
static void test_index_damaged(void **state)
{
	static const char *const damages[] = {
		"SELECT 1",
		"UPDATE search SET body = CAST(x'55' || substr(body, 2) AS BLOB)",
		"UPDATE search SET body = x''",
		"UPDATE search SET body = (SELECT s.body FROM search s WHERE s.place = 127) WHERE place < 64",
		"DELETE FROM search",
	};
	struct store_options options = { .recent_ids = 10, .index_run = 4 };
	struct store *s = NULL;
	struct fault fault;
	struct seen seen;
	bool more = true;

	assert_int_equal(store_sqlite_open(*state, &options, &s, &fault), 0);
	put_events(s, 10);
	while (more)
		assert_int_equal(store_index_step(s, &more, &fault), 0);
	store_close(&s);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		tamper(*state, damages[i]);
		s = open_sound(*state);
		assert_string_equal(search_m(s, &seen), "8 7 6 5 4 3 2 1 ");
		store_close(&s);
	}
}

static int set_up(void **state)
{
	*state = folder_new();
	return 0;
}

static int tear_down(void **state)
{
	char *folder = *state;

	folder_free(&folder);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folder),
		TEST(test_same_floor_is_written),
		TEST(test_no_place_for_folder),
		TEST(test_foreign_database),
		TEST(test_no_database),
		TEST(test_newer_schema),
		TEST(test_numbers_damaged),
		TEST(test_log_row_damaged),
		TEST(test_log_row_misplaced),
		TEST(test_damaged_has_no_duplicates),
		TEST(test_pending_row_damaged),
		TEST(test_doc_damaged),
		TEST(test_schema_1),
		TEST(test_schema_2),
		TEST(test_object_damaged),
		TEST(test_index_of_objects_damaged),
		TEST(test_index_pruned),
		TEST(test_index_damaged),
	};

	return cmocka_run_group_tests_name("store/sqlite", tests, NULL, NULL);
}
