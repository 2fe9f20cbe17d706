/* Records: members, variables and lists of ids; what is saved is what is loaded, keys and due times included. */
#include <stdio.h>

#include "town.h"

#define assert_text(r, name, wanted)                                                                                   \
	do {                                                                                                           \
		struct slice text_ = record_text((r), (name));                                                         \
		if (!slice_is(text_, (wanted)))                                                                        \
			fail_msg("%s is \"%.*s\", not \"%s\"", (name), SLICE_ARG(text_), (wanted));                    \
	} while (0)

static struct record *again(struct deed *d, struct record *r)
{
	struct record *loaded;

	record_save(d, r);
	loaded = record_load(d, record_kind(r), record_id(r));
	assert_non_null(loaded);
	return loaded;
}

static void members(struct deed *d, void *ctx)
{
	struct record *r = record_new(d, KIND_CONTACT, "CT1");

	(void)ctx;
	assert_true(record_is_new(r));
	record_set_text(r, "name", SLICE_LIT("Åsa \"&\" Co\n"));
	record_set_text(r, "odd \"name\"\n", SLICE_LIT("1"));
	record_set_text(r, "empty", SLICE_LIT(""));
	record_set_i64(r, "count", -5);
	record_set_bool(r, "yes", true);
	record_set_bool(r, "no", false);
	record_set(r, "object", SLICE_LIT("{\"a\":[1,null]}"));
	record_set(r, "gone", SLICE_LIT("1"));
	record_set(r, "gone", SLICE_LIT("null"));
	record_set_text(r, "_own", SLICE_LIT("hidden"));
	record_set_due(r, 12345);
	r = again(d, r);
	assert_false(record_is_new(r));
	assert_text(r, "id", "CT1");
	assert_text(r, "name", "Åsa \"&\" Co\n");
	assert_text(r, "odd \"name\"\n", "1");
	assert_text(r, "empty", "");
	assert_true(slice_is(record_raw(r, "empty"), "\"\""));
	assert_text(r, "gone", "");
	assert_int_equal(record_raw(r, "gone").n, 0);
	assert_int_equal(record_i64(r, "count", 0), -5);
	assert_int_equal(record_i64(r, "name", 7), 7);
	assert_true(record_true(r, "yes"));
	assert_false(record_true(r, "no"));
	assert_text(r, "object", "{\"a\":[1,null]}");
	assert_int_equal(record_i64(r, "time_created", 0), d->now_ms / 1000);
	assert_int_equal(record_due(r), 12345);
	assert_int_equal(record_raw(r, "_due_ms").n, 0);
	record_unset(r, "count");
	record_set_due(r, 0);
	r = again(d, r);
	assert_int_equal(record_raw(r, "count").n, 0);
	assert_int_equal(record_due(r), 0);
	for (int i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%d", i);
		record_set_i64(r, name, i);
	}
	r = again(d, r);
	assert_int_equal(record_i64(r, "m199", 0), 199);
	record_delete(d, r);
	assert_null(record_load(d, KIND_CONTACT, SLICE_LIT("CT1")));
	assert_null(record_load(d, KIND_CONTACT, SLICE_LIT("")));
}

static void shown(struct deed *d, void *ctx)
{
	struct record *r = record_new(d, KIND_LABEL, "CL1");
	struct json_writer w;
	struct buf out;

	(void)ctx;
	record_set_text(r, "name", SLICE_LIT("A"));
	record_set_text(r, "_own", SLICE_LIT("hidden"));
	record_set_text(r, "a\"b", SLICE_LIT("c"));
	record_unset(r, "time_created");
	buf_init(&out, 1000);
	json_writer_init(&w, &out);
	record_write(d, r, &w);
	assert_string_equal(buf_str(&out), "{\"id\":\"CL1\",\"name\":\"A\",\"a\\\"b\":\"c\",\"project_id\":\"p\"}");
	buf_free(&out);
}

/* A state's id is a member; its record's is made of service and contact. */
static void states(struct deed *d, void *ctx)
{
	struct record *r = record_new(d, KIND_STATE, "SV1.CT1");

	(void)ctx;
	assert_text(r, "id", "");
	record_set_text(r, "id", SLICE_LIT("q1"));
	r = again(d, r);
	assert_text(r, "id", "q1");
	assert_true(slice_is(record_id(r), "SV1.CT1"));
}

static void variables(struct deed *d, void *ctx)
{
	struct record *r = record_new(d, KIND_CONTACT, NULL);
	struct fault fault = NO_FAULT;
	struct json_doc doc;
	struct buf big;

	(void)ctx;
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("a"), SLICE_LIT("\"x\""), &fault), 0);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("b_2"), SLICE_LIT("1.5"), &fault), 0);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("c"), SLICE_LIT("true"), &fault), 0);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("a"), SLICE_LIT("\"y\""), &fault), 0);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("b_2"), SLICE_LIT("null"), &fault), 0);
	assert_text(r, "vars", "{\"a\":\"y\",\"c\":true}");
	r = again(d, r);
	assert_true(slice_is(record_var_raw(r, "vars", SLICE_LIT("a")), "\"y\""));
	assert_int_equal(record_var_raw(r, "vars", SLICE_LIT("b_2")).n, 0);

	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("bad name"), SLICE_LIT("1"), &fault), ERR_INVALID);
	assert_string_equal(fault.param, "vars.bad name");
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT(""), SLICE_LIT("1"), &fault), ERR_INVALID);
	assert_int_equal(
		record_var_set(r, "vars", SLICE_LIT("a23456789012345678901234567890123"), SLICE_LIT("1"), &fault),
		ERR_INVALID);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("a"), SLICE_LIT("[1]"), &fault), ERR_INVALID);
	assert_string_equal(fault.param, "vars.a");
	buf_init(&big, 10000);
	buf_add_char(&big, '"');
	for (int i = 0; i < 4096; i++)
		buf_add_char(&big, 'x');
	buf_add_char(&big, '"');
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("a"), buf_slice(&big), &fault), 0);
	buf_truncate(&big, big.n - 1);
	buf_add_str(&big, "x\"");
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("a"), buf_slice(&big), &fault), ERR_INVALID);
	buf_free(&big);

	json_doc_init(&doc);
	/* all or nothing: the good one before the bad one is not set */
	json_parse(&doc, SLICE_LIT("{\"new\":1,\"a\":{}}"), &json_limits_default, NULL);
	assert_int_equal(record_vars_merge(r, "vars", json_root(&doc), "vars", &fault), ERR_INVALID);
	assert_int_equal(record_var_raw(r, "vars", SLICE_LIT("new")).n, 0);
	/* another spelling of the same name is the same name */
	json_parse(&doc, SLICE_LIT("{\"\\u0061\":2,\"c\":null,\"d\":3}"), &json_limits_default, NULL);
	assert_int_equal(record_vars_merge(r, "vars", json_root(&doc), "vars", &fault), 0);
	assert_text(r, "vars", "{\"a\":2,\"d\":3}");
	json_parse(&doc, SLICE_LIT("[1]"), &json_limits_default, NULL);
	assert_int_equal(record_vars_merge(r, "vars", json_root(&doc), "vars", &fault), ERR_INVALID);
	assert_string_equal(fault.param, "vars");
	json_doc_free(&doc);

	for (int i = 0; i < 98; i++) {
		char name[16];

		snprintf(name, sizeof(name), "v%d", i);
		assert_int_equal(record_var_set(r, "vars", slice_str(name), SLICE_LIT("1"), &fault), 0);
	}
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("one_more"), SLICE_LIT("1"), &fault), ERR_INVALID);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("v5"), SLICE_LIT("null"), &fault), 0);
	assert_int_equal(record_var_set(r, "vars", SLICE_LIT("one_more"), SLICE_LIT("1"), &fault), 0);
}

static void lists(struct deed *d, void *ctx)
{
	struct record *r = record_new(d, KIND_MESSAGE, NULL);
	struct slice id;

	(void)ctx;
	assert_true(record_list_add(r, "label_ids", SLICE_LIT("CL1")));
	assert_true(record_list_add(r, "label_ids", SLICE_LIT("CL\"2")));
	assert_false(record_list_add(r, "label_ids", SLICE_LIT("CL1")));
	r = again(d, r);
	assert_true(record_list_has(r, "label_ids", SLICE_LIT("CL\"2")));
	assert_false(record_list_has(r, "label_ids", SLICE_LIT("CL")));
	assert_true(record_list_at(r, "label_ids", 1, &id));
	assert_true(slice_is(id, "CL\"2"));
	assert_false(record_list_at(r, "label_ids", 2, &id));
	assert_true(record_list_remove(r, "label_ids", SLICE_LIT("CL1")));
	assert_false(record_list_remove(r, "label_ids", SLICE_LIT("CL1")));
	assert_true(record_list_remove(r, "label_ids", SLICE_LIT("CL\"2")));
	assert_text(r, "label_ids", "[]");
	assert_false(record_list_at(r, "label_ids", 0, &id));
}

struct walk {
	char ids[200];
};

static bool note(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct walk *w = ctx;
	size_t n = strlen(w->ids);

	(void)value;
	(void)text;
	slice_copy(w->ids + n, sizeof(w->ids) - n, id);
	return true;
}

static const char *found(struct deed *d, struct walk *w, enum kind kind, enum field field, const char *value)
{
	struct object_query q = record_query(d, kind, field, slice_str(value));

	w->ids[0] = '\0';
	book_walk(d->book, &q, false, note, w);
	return w->ids;
}

static void put_message(struct deed *d, const char *id, int64_t time, const char *contact)
{
	struct record *r = record_new(d, KIND_MESSAGE, id);

	record_set_i64(r, "time_created", time);
	record_set_text(r, "contact_id", slice_str(contact));
	record_save(d, r);
}

static void keys(struct deed *d, void *ctx)
{
	struct record *r;
	struct walk w;

	(void)ctx;
	/* ids that do not sort by time: the entries of a contact do; CT1 is not CT11 */
	put_message(d, "z", 100, "CT1");
	put_message(d, "a", 300, "CT1");
	put_message(d, "m", 200, "CT1");
	put_message(d, "o", 250, "CT11");
	assert_string_equal(found(d, &w, KIND_MESSAGE, FIELD_CONTACT, "CT1"), "zma");
	assert_string_equal(found(d, &w, KIND_MESSAGE, FIELD_CONTACT, "CT11"), "o");
	assert_string_equal(found(d, &w, KIND_MESSAGE, FIELD_CONTACT, "CT"), "");
	r = record_load(d, KIND_MESSAGE, SLICE_LIT("m"));
	record_set_text(r, "contact_id", SLICE_LIT("CT2"));
	record_set_bool(r, "starred", true);
	record_save(d, r);
	assert_string_equal(found(d, &w, KIND_MESSAGE, FIELD_CONTACT, "CT1"), "za");
	assert_string_equal(found(d, &w, KIND_MESSAGE, FIELD_CONTACT, "CT2"), "m");
	assert_string_equal(found(d, &w, KIND_MESSAGE, FIELD_STARRED, "1"), "m");

	r = record_new(d, KIND_CONTACT, "c");
	record_set_text(r, "name", SLICE_LIT("ÅSA Östlund ЖЁ"));
	record_set_text(r, "phone_number", SLICE_LIT("+46 (70) 123-45 67"));
	record_list_add(r, "group_ids", SLICE_LIT("CG1"));
	record_list_add(r, "group_ids", SLICE_LIT("CG2"));
	record_save(d, r);
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_NAME, "åsa östlund жё"), "c");
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_NUMBER, "46701234567"), "c");
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_GROUP, "CG2"), "c");
	record_set_text(r, "phone_number", SLICE_LIT("ACME 24"));
	record_list_remove(r, "group_ids", SLICE_LIT("CG2"));
	record_save(d, r);
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_NUMBER, "46701234567"), "");
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_NUMBER, "ACME 24"), "c");
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_NUMBER, "24"), "");
	assert_string_equal(found(d, &w, KIND_CONTACT, FIELD_GROUP, "CG2"), "");
	/* sorted lists have those without a value too */
	assert_non_null(strchr(found(d, &w, KIND_CONTACT, FIELD_UPDATED, ""), 'c'));
}

/* Ids sort by the time they were made, within one millisecond too, and never twice the same. */
static void ids(struct deed *d, void *ctx)
{
	char before[HUB_ID_BYTES] = "SM", id[HUB_ID_BYTES];

	(void)ctx;
	for (int i = 0; i < 1000; i++) {
		kind_id(d->hub, KIND_MESSAGE, d->now_ms + i / 100, id);
		assert_int_equal(strlen(id), 24);
		assert_true(strcmp(before, id) < 0);
		memcpy(before, id, sizeof(id));
	}
	/* a clock that stands still, or goes back, changes nothing */
	kind_id(d->hub, KIND_MESSAGE, d->now_ms - 5000, id);
	assert_true(strcmp(before, id) < 0);
}

static void test_members(void **state)
{
	town_do(*state, members, NULL);
}

static void test_shown(void **state)
{
	town_do(*state, shown, NULL);
}

static void test_states(void **state)
{
	town_do(*state, states, NULL);
}

static void test_variables(void **state)
{
	town_do(*state, variables, NULL);
}

static void test_lists(void **state)
{
	town_do(*state, lists, NULL);
}

static void test_keys(void **state)
{
	town_do(*state, keys, NULL);
}

static void test_ids(void **state)
{
	town_do(*state, ids, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),	  cmocka_unit_test(test_shown), cmocka_unit_test(test_states),
		cmocka_unit_test(test_variables), cmocka_unit_test(test_lists), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, town_begin, town_end);
}
