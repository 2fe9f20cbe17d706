/* The contract of objects and of the steps that write them: names, walks along keys, what is due, and the commit. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { KIND_A = 1, KIND_B = 2, BY_NAME = 1, BY_TIME = 2 };

/* --- steps --- */

static void commit_step(struct subject *t, step_fn *run, const void *ctx)
{
	struct tx *tx = tx_new();

	tx_step(tx, run, (void *)ctx);
	commit(t, tx);
}

/* The front of *s up to the first c, which goes with it. */
static struct slice cut(struct slice *s, char c)
{
	size_t n = slice_find(*s, c);
	struct slice front = slice_of(s->p, n);

	*s = slice_from(*s, n < s->n ? n + 1 : n);
	return front;
}

/* "name=text" of KIND_A in project "p", with the keys "field:value …" that follow; due after an '@'. */
static void put(struct store *s, struct slice spec)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	struct object_row row = { .project = SLICE_LIT("p"), .kind = KIND_A, .keys = keys };
	struct slice word = cut(&spec, ' ');
	long long due;

	row.id = cut(&word, '=');
	row.text = word;
	while (spec.n > 0) {
		word = cut(&spec, ' ');
		if (word.p[0] == '@' && slice_to_i64(slice_from(word, 1), &due))
			row.due_ms = due;
		else
			keys[row.key_count++] = (struct object_key){ (uint16_t)(word.p[0] - '0'), slice_from(word, 2) };
	}
	step_object_put(s, &row);
}

/* Each of the lines is put. */
static void put_lines(void *ctx, struct store *s)
{
	struct slice lines = slice_str(ctx);

	while (lines.n > 0)
		put(s, cut(&lines, '\n'));
}

static void put_all(struct subject *t, const char *lines)
{
	commit_step(t, put_lines, lines);
}

static void delete_one(void *ctx, struct store *s)
{
	step_object_delete(s, SLICE_LIT("p"), KIND_A, slice_str(ctx));
}

/* --- answers as text --- */

struct answer {
	struct store *s;
	char text[2000];
	int left; /* calls until false; negative: never */
};

static void add(struct answer *a, struct slice part)
{
	size_t n = strlen(a->text);

	snprintf(a->text + n, sizeof(a->text) - n, "%s%.*s", n > 0 ? " " : "", SLICE_ARG(part));
}

static bool add_object(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct answer *a = ctx;
	char part[700];

	snprintf(part, sizeof(part), "%.*s/%.*s%s%.*s", SLICE_ARG(value), SLICE_ARG(id), text.n > 0 ? "=" : "",
		 SLICE_ARG(text));
	add(a, slice_str(part));
	return --a->left != 0;
}

static const char *walk_some(struct store *s, const struct object_query *q, bool with_text, int most)
{
	static struct answer a;

	a = (struct answer){ .left = most };
	assert_int_equal(store_object_walk(s, q, with_text, add_object, &a, NULL), 0);
	return a.text;
}

static const char *walk(struct store *s, const struct object_query *q)
{
	return walk_some(s, q, false, -1);
}

static struct object_query part(uint16_t field)
{
	return (struct object_query){ .project = SLICE_LIT("p"), .kind = KIND_A, .field = field };
}

static const char *text_of(struct store *s, const char *id)
{
	static char text[1000];
	struct buf b;
	int err;

	buf_init(&b, 1 << 20);
	err = store_object_get(s, SLICE_LIT("p"), KIND_A, slice_str(id), &b, NULL);
	snprintf(text, sizeof(text), "%s", err == ERR_NOT_FOUND ? "none" : err ? err_text(err) : buf_str(&b));
	buf_free(&b);
	return text;
}

static bool add_due(void *ctx, const struct object_row *row)
{
	char part[200];

	assert_false(row->damaged);
	snprintf(part, sizeof(part), "%lld:%.*s/%d/%.*s=%.*s", (long long)row->due_ms, SLICE_ARG(row->project),
		 row->kind, SLICE_ARG(row->id), SLICE_ARG(row->text));
	add(ctx, slice_str(part));
	for (uint32_t i = 0; i < row->key_count; i++)
		add(ctx, row->keys[i].value);
	return --((struct answer *)ctx)->left != 0;
}

static const char *due_some(struct store *s, int64_t upto_ms, uint32_t max, int most)
{
	static struct answer a;

	a = (struct answer){ .left = most };
	assert_int_equal(store_objects_due(s, upto_ms, max, add_due, &a, NULL), 0);
	return a.text;
}

static int64_t next_due(struct store *s)
{
	int64_t due = -1;

	assert_int_equal(store_objects_next_due(s, &due, NULL), 0);
	return due;
}

/* --- names --- */

static void test_put_get_replace_delete(void **state)
{
	struct subject *t = *state;

	assert_string_equal(text_of(t->store, "a"), "none");
	put_all(t, "a=first\nb=second");
	assert_string_equal(text_of(t->store, "a"), "first");
	assert_int_equal(store_object_get(t->store, SLICE_LIT("p"), KIND_A, SLICE_LIT("b"), NULL, NULL), 0);
	assert_int_equal(store_object_get(t->store, SLICE_LIT("p"), KIND_B, SLICE_LIT("b"), NULL, NULL), ERR_NOT_FOUND);
	assert_int_equal(store_object_get(t->store, SLICE_LIT("q"), KIND_A, SLICE_LIT("b"), NULL, NULL), ERR_NOT_FOUND);
	put_all(t, "a=third");
	subject_reopen(t);
	assert_string_equal(text_of(t->store, "a"), "third");
	commit_step(t, delete_one, "a");
	commit_step(t, delete_one, "a");
	assert_string_equal(text_of(t->store, "a"), "none");
	assert_string_equal(text_of(t->store, "b"), "second");
}

/* What an object is made of may be as long as it is allowed to be, and of any bytes. */
static void put_extremes(void *ctx, struct store *s)
{
	static char long_text[100000], long_id[OBJECT_ID_MAX], long_value[OBJECT_VALUE_MAX];
	struct object_key keys[OBJECT_KEYS_MAX];
	struct object_row row = { .project = SLICE_LIT("p"), .kind = KIND_A, .keys = keys };

	(void)ctx;
	memset(long_text, 't', sizeof(long_text));
	memset(long_id, 0xff, sizeof(long_id));
	memset(long_value, 0, sizeof(long_value));
	row.id = slice_of(long_id, sizeof(long_id));
	row.text = slice_of(long_text, sizeof(long_text));
	for (row.key_count = 0; row.key_count < OBJECT_KEYS_MAX; row.key_count++)
		keys[row.key_count] =
			(struct object_key){ BY_NAME, slice_of(long_value, OBJECT_VALUE_MAX - row.key_count) };
	step_object_put(s, &row);
	row.id = SLICE_LIT("nothing");
	row.text = SLICE_LIT("");
	row.key_count = 0;
	step_object_put(s, &row);
}

static bool check_extreme(void *ctx, struct slice value, struct slice id, struct slice text)
{
	size_t *n = ctx;

	assert_int_equal(value.n, ++*n);
	for (size_t i = 0; i < value.n; i++)
		assert_int_equal(value.p[i], 0);
	assert_int_equal(id.n, OBJECT_ID_MAX);
	assert_int_equal(text.n, 100000);
	return true;
}

static void test_extremes(void **state)
{
	struct object_query q = part(BY_NAME);
	struct subject *t = *state;
	size_t n = OBJECT_VALUE_MAX - OBJECT_KEYS_MAX;

	commit_step(t, put_extremes, NULL);
	assert_int_equal(store_object_walk(t->store, &q, true, check_extreme, &n, NULL), 0);
	assert_int_equal(n, OBJECT_VALUE_MAX);
	assert_string_equal(text_of(t->store, "nothing"), "");
}

/* --- walks --- */

static void test_walk_order(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);

	put_all(t, "1=x 1:b\n2=y 1:a\n3=z 1:b 2:late\n4=w 1:a 1:c\n5=v 2:early");
	assert_string_equal(walk(t->store, &q), "a/2 a/4 b/1 b/3 c/4");
	q.descending = true;
	assert_string_equal(walk(t->store, &q), "c/4 b/3 b/1 a/4 a/2");
	assert_string_equal(walk_some(t->store, &q, true, 2), "c/4=w b/3=z");
	q = part(BY_TIME);
	assert_string_equal(walk(t->store, &q), "early/5 late/3");
	q = part(0);
	assert_string_equal(walk_some(t->store, &q, true, -1), "1/1=x 2/2=y 3/3=z 4/4=w 5/5=v");
	q.kind = KIND_B;
	assert_string_equal(walk(t->store, &q), "");
}

/* The index follows the keys when an object is replaced, and forgets it when it goes; a key given twice counts once. */
static void test_keys_follow(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);

	put_all(t, "1=x 1:b 1:a 1:b 2:t\n2=y 1:b");
	assert_string_equal(walk(t->store, &q), "a/1 b/1 b/2");
	put_all(t, "1=x 1:c 1:b");
	assert_string_equal(walk(t->store, &q), "b/1 b/2 c/1");
	q.field = BY_TIME;
	assert_string_equal(walk(t->store, &q), "");
	q.field = BY_NAME;
	put_all(t, "2=y2");
	assert_string_equal(walk_some(t->store, &q, true, -1), "b/1=x c/1=x");
	commit_step(t, delete_one, "1");
	assert_string_equal(walk(t->store, &q), "");
	q.field = 0;
	assert_string_equal(walk_some(t->store, &q, true, -1), "2/2=y2");
}

static void test_walk_bounds(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);

	put_all(t, "1=x 1:a\n2=x 1:ab\n3=x 1:abc\n4=x 1:b\n5=x 1:c");
	q.from = SLICE_LIT("ab");
	assert_string_equal(walk(t->store, &q), "ab/2 abc/3 b/4 c/5");
	q.upto = SLICE_LIT("b");
	q.has_upto = true;
	assert_string_equal(walk(t->store, &q), "ab/2 abc/3");
	q.descending = true;
	assert_string_equal(walk(t->store, &q), "abc/3 ab/2");
	q.upto = SLICE_LIT("");
	assert_string_equal(walk(t->store, &q), "");
	q = part(0);
	q.from = SLICE_LIT("2");
	q.upto = SLICE_LIT("4");
	q.has_upto = true;
	assert_string_equal(walk(t->store, &q), "2/2 3/3");
}

/* Page after page, both ways; what was the last of a page may be gone. */
static void test_walk_goes_on(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);

	put_all(t, "1=x 1:a\n2=x 1:a\n3=x 1:a\n4=x 1:b");
	q.has_after = true;
	q.after_value = SLICE_LIT("a");
	q.after_id = SLICE_LIT("2");
	assert_string_equal(walk(t->store, &q), "a/3 b/4");
	q.after_id = SLICE_LIT("20");
	assert_string_equal(walk(t->store, &q), "a/3 b/4");
	q.after_id = SLICE_LIT("9");
	assert_string_equal(walk(t->store, &q), "b/4");
	q.from = SLICE_LIT("b");
	q.after_id = SLICE_LIT("1");
	assert_string_equal(walk(t->store, &q), "b/4");
	q.from = SLICE_LIT("");
	q.descending = true;
	q.after_id = SLICE_LIT("3");
	assert_string_equal(walk(t->store, &q), "a/2 a/1");
	q.after_id = SLICE_LIT("25");
	assert_string_equal(walk(t->store, &q), "a/2 a/1");
	q.after_value = SLICE_LIT("zzz");
	q.upto = SLICE_LIT("b");
	q.has_upto = true;
	assert_string_equal(walk(t->store, &q), "a/3 a/2 a/1");
	q = part(0);
	q.has_after = true;
	q.after_id = q.after_value = SLICE_LIT("2");
	assert_string_equal(walk(t->store, &q), "3/3 4/4");
	q.descending = true;
	assert_string_equal(walk(t->store, &q), "1/1");
}

static void put_bytes(void *ctx, struct store *s)
{
	static const struct slice values[] = { { "", 0 },	{ "\0", 1 },	{ "\0\0", 2 }, { "\0\1", 2 },
					       { "\0\xff", 2 }, { "\1", 1 },	{ "a", 1 },    { "a\0", 2 },
					       { "a\0b", 3 },	{ "a\xff", 2 }, { "b", 1 },    { "\xff", 1 } };
	char id[8];

	(void)ctx;
	for (size_t i = COUNT(values); i-- > 0;) {
		struct object_key key = { BY_NAME, values[i] };

		snprintf(id, sizeof(id), "%c", (char)('z' - i));
		step_object_put(s, &(struct object_row){ .project = SLICE_LIT("p"),
							 .kind = KIND_A,
							 .id = slice_str(id),
							 .keys = &key,
							 .key_count = 1 });
	}
}

struct ids {
	char text[64];
	size_t n;
};

static bool note_id(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct ids *ids = ctx;

	(void)value;
	(void)text;
	ids->text[ids->n++] = id.p[0];
	return true;
}

/* Any bytes are values, and sort as bytes do. */
static void test_values_are_bytes(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);
	struct ids ids = { "", 0 };

	commit_step(t, put_bytes, NULL);
	assert_int_equal(store_object_walk(t->store, &q, true, note_id, &ids, NULL), 0);
	assert_string_equal(ids.text, "zyxwvutsrqpo");
	q.from = slice_of("\0\1", 2);
	q.upto = slice_of("a\0b", 3);
	q.has_upto = true;
	ids = (struct ids){ "", 0 };
	assert_int_equal(store_object_walk(t->store, &q, false, note_id, &ids, NULL), 0);
	assert_string_equal(ids.text, "wvuts");
	q = part(BY_NAME);
	q.has_after = true;
	q.after_value = slice_of("\0\0", 2);
	q.after_id = SLICE_LIT("x");
	q.descending = true;
	ids = (struct ids){ "", 0 };
	assert_int_equal(store_object_walk(t->store, &q, false, note_id, &ids, NULL), 0);
	assert_string_equal(ids.text, "yz");
}

static bool get_each(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct answer *a = ctx;
	struct buf b;

	(void)value;
	(void)text;
	buf_init(&b, 1000);
	assert_int_equal(store_object_get(a->s, SLICE_LIT("p"), KIND_A, id, &b, NULL), 0);
	add(a, buf_slice(&b));
	buf_free(&b);
	return true;
}

static bool get_each_due(void *ctx, const struct object_row *row)
{
	return get_each(ctx, row->id, row->id, row->text) && add_due(ctx, row);
}

static void test_get_inside_walk(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);
	struct answer a = { .s = t->store };

	put_all(t, "1=x 1:b @5\n2=y 1:a @6");
	assert_int_equal(store_object_walk(t->store, &q, true, get_each, &a, NULL), 0);
	assert_string_equal(a.text, "y x");
	a = (struct answer){ .s = t->store };
	assert_int_equal(store_objects_due(t->store, 10, 10, get_each_due, &a, NULL), 0);
	assert_string_equal(a.text, "x 5:p/1/1=x b y 6:p/1/2=y a");
}

/* --- due --- */

static void test_due(void **state)
{
	struct subject *t = *state;

	assert_int_equal(next_due(t->store), INT64_MAX);
	put_all(t, "1=x\n2=y @30 1:k 2:l\n3=z @10\n4=w @30\n5=v @20");
	assert_int_equal(next_due(t->store), 10);
	assert_string_equal(due_some(t->store, 9, 10, -1), "");
	assert_string_equal(due_some(t->store, 30, 10, -1), "10:p/1/3=z 20:p/1/5=v 30:p/1/2=y k l 30:p/1/4=w");
	assert_string_equal(due_some(t->store, 30, 2, -1), "10:p/1/3=z 20:p/1/5=v");
	assert_string_equal(due_some(t->store, 30, 10, 1), "10:p/1/3=z");
	put_all(t, "3=z2\n5=v @40\n4=w2 @30");
	subject_reopen(t);
	assert_string_equal(due_some(t->store, INT64_MAX, 10, -1), "30:p/1/2=y k l 30:p/1/4=w2 40:p/1/5=v");
	commit_step(t, delete_one, "2");
	commit_step(t, delete_one, "4");
	assert_int_equal(next_due(t->store), 40);
}

/* --- steps --- */

struct outs {
	struct event_row event;
	char before[100], after[100];
	int runs;
};

static void events_and_objects(void *ctx, struct store *s)
{
	struct outs *outs = ctx;

	outs->runs++;
	snprintf(outs->before, sizeof(outs->before), "%s", text_of(s, "1"));
	outs->event = (struct event_row){
		.project = SLICE_LIT("p"), .id = SLICE_LIT("e1"), .accepted_ms = 7, .text = SLICE_LIT("text")
	};
	step_event(s, &outs->event);
	put(s, SLICE_LIT("1=inside 1:k"));
	snprintf(outs->after, sizeof(outs->after), "%s", text_of(s, "1"));
}

/* A step sees what came before it in the commit, its event takes the next seq, and what comes after it goes on. */
static void test_step_at_its_place(void **state)
{
	struct subject *t = *state;
	struct tx *txs[2] = { tx_new(), tx_new() };
	struct event_row *first, *last, row = { .project = SLICE_LIT("p"), .id = SLICE_LIT("e0") };
	struct attempt_row *attempt;
	struct outs outs = { .runs = 0 }, again = { .runs = 0 };

	first = tx_event(txs[0], &row);
	tx_step(txs[0], put_lines, (void *)"1=before\n2=two");
	attempt = tx_attempt(txs[0], &(struct attempt_row){ .time_ms = 1 });
	tx_step(txs[0], events_and_objects, &outs);
	tx_dead(txs[0], &(struct dead_row){ .endpoint = 3, .event_seq = 1, .time_ms = 5 });
	tx_step(txs[1], events_and_objects, &again);
	row.id = SLICE_LIT("e1");
	last = tx_event(txs[1], &row);
	assert_int_equal(store_commit(t->store, txs, 2, &t->fault), 0);
	assert_int_equal(first->seq, 1);
	assert_int_equal(attempt->seq, 2);
	assert_int_equal(outs.event.seq, 3);
	assert_int_equal(outs.runs, 1);
	assert_string_equal(outs.before, "before");
	assert_string_equal(outs.after, "inside");
	assert_int_equal(again.event.seq, 0);
	assert_int_equal(again.event.duplicate_of, 3);
	assert_string_equal(again.before, "inside");
	assert_int_equal(last->duplicate_of, 3);
	tx_free(&txs[0]);
	tx_free(&txs[1]);
	assert_int_equal(store_last_seq(t->store), 3);
	assert_string_equal(seqs_of_log(t->store, 0, INT64_MAX), "1 2 3");
	assert_string_equal(dead_of(t->store, 3, 0, 9), "1:2:5");
	assert_string_equal(found(t->store, SEARCH_EVENT_ID, "p", "e1", INT64_MAX), "3");
	assert_int_equal(put_again(t, "p", "e1"), 3);
	subject_reopen(t);
	assert_int_equal(put_again(t, "p", "e1"), 3);
}

static void walk_and_delete(void *ctx, struct store *s)
{
	struct object_query q = part(BY_NAME);
	struct answer *a = ctx;

	put(s, SLICE_LIT("3=z 1:c @9"));
	snprintf(a->text, sizeof(a->text), "%s", walk_some(s, &q, true, -1));
	add(a, slice_str(due_some(s, 10, 10, -1)));
	assert_int_equal(next_due(s), 9);
	step_object_delete(s, SLICE_LIT("p"), KIND_A, SLICE_LIT("1"));
	add(a, slice_str(walk_some(s, &q, false, -1)));
}

static void test_step_walks(void **state)
{
	struct subject *t = *state;
	struct answer a = { .left = 0 };

	put_all(t, "1=x 1:b\n2=y 1:a");
	commit_step(t, walk_and_delete, &a);
	assert_string_equal(a.text, "a/2=y b/1=x c/3=z 9:p/1/3=z c a/2 c/3");
}

struct drop {
	const char *project;
	uint32_t max, count;
};

static void drop_some(void *ctx, struct store *s)
{
	struct drop *d = ctx;

	d->count = step_objects_drop(s, slice_str(d->project), d->max);
}

static void put_others(void *ctx, struct store *s)
{
	struct object_key key = { BY_NAME, SLICE_LIT("k") };
	struct object_row row = { .project = SLICE_LIT("p"), .id = SLICE_LIT("b"), .keys = &key, .key_count = 1 };

	(void)ctx;
	row.kind = KIND_B;
	step_object_put(s, &row);
	row.project = SLICE_LIT("other");
	step_object_put(s, &row);
	row.project = SLICE_LIT("");
	step_object_put(s, &row);
}

static void test_drop(void **state)
{
	struct subject *t = *state;
	struct drop d = { "p", 2, 0 };
	struct object_query q = part(0), other = part(BY_NAME);

	put_all(t, "1=x 1:b\n2=y 1:a 2:t\n3=z @7");
	commit_step(t, put_others, NULL);
	commit_step(t, drop_some, &d);
	assert_int_equal(d.count, 2);
	assert_string_equal(walk(t->store, &q), "3/3");
	commit_step(t, drop_some, &d);
	assert_int_equal(d.count, 2);
	commit_step(t, drop_some, &d);
	assert_int_equal(d.count, 0);
	assert_int_equal(next_due(t->store), INT64_MAX);
	q.kind = KIND_B;
	assert_string_equal(walk(t->store, &q), "");
	other.kind = KIND_B;
	other.project = SLICE_LIT("other");
	assert_string_equal(walk(t->store, &other), "k/b");
	other.project = SLICE_LIT("");
	assert_string_equal(walk(t->store, &other), "k/b");
}

static void test_reader_sees_objects(void **state)
{
	struct subject *t = *state;
	struct object_query q = part(BY_NAME);
	struct store *reader;

	put_all(t, "1=x 1:b @3");
	assert_int_equal(store_reader(t->store, &reader, &t->fault), 0);
	put_all(t, "2=y 1:a");
	assert_string_equal(walk_some(reader, &q, true, -1), "a/2=y b/1=x");
	assert_string_equal(text_of(reader, "2"), "y");
	assert_int_equal(next_due(reader), 3);
	assert_string_equal(due_some(reader, 3, 9, -1), "3:p/1/1=x b");
	store_close(&reader);
}

const struct CMUnitTest contract_object_tests[] = {
	cmocka_unit_test(test_put_get_replace_delete),
	cmocka_unit_test(test_extremes),
	cmocka_unit_test(test_walk_order),
	cmocka_unit_test(test_keys_follow),
	cmocka_unit_test(test_walk_bounds),
	cmocka_unit_test(test_walk_goes_on),
	cmocka_unit_test(test_values_are_bytes),
	cmocka_unit_test(test_get_inside_walk),
	cmocka_unit_test(test_due),
	cmocka_unit_test(test_step_at_its_place),
	cmocka_unit_test(test_step_walks),
	cmocka_unit_test(test_drop),
	cmocka_unit_test(test_reader_sees_objects),
};
const size_t contract_object_count = COUNT(contract_object_tests);
