/* Contacts, groups and labels: found or made, changed by REST and by the hub, imported, told when changed by hand. */
#include <stdio.h>

#include "hub/contact.h"
#include "hub/group.h"
#include "town.h"

#define EVERYTHING "[\"contact_update\",\"message_metadata\"]"

static char ids[8][64];

/* Keeps the answer's id for later calls. */
static const char *keep(struct town *t, int i)
{
	slice_copy(ids[i], sizeof(ids[i]), slice_str(town_text(t, "id")));
	assert_true(ids[i][0] != '\0');
	return ids[i];
}

#define assert_ok(t, call)                                                                                             \
	do {                                                                                                           \
		if ((call) != 200)                                                                                     \
			fail_msg("%d %s", (t)->status, buf_str(&(t)->answer));                                         \
	} while (0)

static int64_t count_of(struct town *t, const char *params)
{
	int64_t n = -1;

	assert_ok(t, town_read(t, rest_contacts, NULL, params));
	assert_true(json_i64(town_at(t, "count"), &n));
	return n;
}

/* --- get or create --- */

static void test_put(void **state)
{
	struct town *t = *state;

	assert_ok(t, town_write(t, rest_contact_put, NULL,
				"{\"phone_number\":\"+46 70 123 45 67\",\"name\":\"Åsa\",\"vars\":{\"a\":1}}"));
	keep(t, 0);
	town_expect(t, "name", "Åsa");
	town_expect(t, "phone_number", "+46 70 123 45 67");
	town_expect(t, "vars.a", "1");
	town_expect(t, "send_blocked", "false");
	town_expect(t, "message_count", "0");
	town_expect(t, "project_id", "p");
	/* the same number, written differently, is the same contact, and stays as it was written */
	assert_ok(t, town_write(t, rest_contact_put, NULL,
				"{\"phone_number\":\"46701234567\",\"vars\":{\"b\":\"x\",\"a\":null}}"));
	town_expect(t, "id", ids[0]);
	town_expect(t, "phone_number", "+46 70 123 45 67");
	town_expect(t, "vars", "{\"b\":\"x\"}");
	/* by name when there is no number; whatever the case */
	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"name\":\"ÅSA\"}"));
	town_expect(t, "id", ids[0]);
	assert_ok(t, town_write(t, rest_contact_put, NULL,
				"{\"lookup_key\":\"name\",\"name\":\"åsa\",\"phone_number\":\"+4670999\"}"));
	town_expect(t, "id", ids[0]);
	town_expect(t, "phone_number", "+4670999");
	assert_ok(t, town_write(t, rest_contact_put, NULL,
				"{\"lookup_key\":\"vars.b\",\"vars\":{\"b\":\"x\"},\"send_blocked\":true}"));
	town_expect(t, "id", ids[0]);
	town_expect(t, "send_blocked", "true");
	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"lookup_key\":\"none\",\"name\":\"åsa\"}"));
	assert_string_not_equal(town_text(t, "id"), ids[0]);
	assert_ok(t, town_read(t, rest_contact, ids[0], NULL));
	town_expect(t, "name", "åsa");
}

static void test_put_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "phone_number", "{}" },
		{ "phone_number", "{\"phone_number\":\"---\"}" },
		{ "phone_number", "{\"phone_number\":[1]}" },
		{ "colour", "{\"phone_number\":\"1\",\"colour\":\"red\"}" },
		{ "vars.a b", "{\"phone_number\":\"1\",\"vars\":{\"a b\":1}}" },
		{ "vars.a", "{\"phone_number\":\"1\",\"vars\":{\"a\":{}}}" },
		{ "vars", "{\"phone_number\":\"1\",\"vars\":\"a\"}" },
		{ "send_blocked", "{\"phone_number\":\"1\",\"send_blocked\":\"maybe\"}" },
		{ "conversation_status", "{\"phone_number\":\"1\",\"conversation_status\":\"odd\"}" },
		{ "default_route_id", "{\"phone_number\":\"1\",\"default_route_id\":\"PNx\"}" },
		{ "lookup_key", "{\"phone_number\":\"1\",\"lookup_key\":\"colour\"}" },
		{ "vars", "{\"phone_number\":\"1\",\"lookup_key\":\"vars.a\"}" },
		{ "id", "{\"phone_number\":\"1\",\"lookup_key\":\"id\"}" },
		{ "add_group_ids", "{\"phone_number\":\"1\",\"add_group_ids\":[\"CGx\"]}" },
		{ "add_group_ids", "{\"phone_number\":\"1\",\"add_group_ids\":\"CGx\"}" },
	};
	struct town *t = *state;
	int64_t before = count_of(t, "{\"count\":1}");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(town_write(t, rest_contact_put, NULL, bad[i][1]), 400);
		town_expect_error(t, "invalid_param", bad[i][0]);
	}
	assert_int_equal(town_write(t, rest_contact_put, NULL, "{\"lookup_key\":\"id\",\"id\":\"CTx\"}"), 404);
	town_expect(t, "error.code", "not_found");
	assert_int_equal(town_read(t, rest_contact, "CTx", NULL), 404);
	/* nothing of it was written */
	assert_int_equal(count_of(t, "{\"count\":1}"), before);
}

static void test_change(void **state)
{
	struct town *t = *state;

	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"phone_number\":\"+1\",\"name\":\"One\"}"));
	keep(t, 0);
	assert_ok(t, town_write(t, rest_contact_change, ids[0],
				"{\"name\":\"Two\",\"conversation_status\":\"handled\",\"vars\":{\"x\":true}}"));
	assert_ok(t, town_read(t, rest_contact, ids[0], NULL));
	town_expect(t, "name", "Two");
	town_expect(t, "conversation_status", "handled");
	town_expect(t, "vars.x", "true");
	town_expect(t, "phone_number", "+1");
	assert_int_equal(town_write(t, rest_contact_change, ids[0], "{\"message_count\":7}"), 400);
	town_expect_error(t, "invalid_param", "message_count");
	assert_int_equal(town_write(t, rest_contact_change, ids[0], "{\"name\":null,\"phone_number\":null}"), 400);
	assert_ok(t, town_write(t, rest_contact_change, ids[0], "{\"name\":null}"));
	assert_int_equal(json_type(town_at(t, "name")), JSON_NULL);
	assert_int_equal(town_write(t, rest_contact_change, "CTx", "{}"), 404);
}

/* --- groups --- */

static void test_groups(void **state)
{
	struct town *t = *state;
	char params[400];

	assert_ok(t, town_write(t, rest_group_put, NULL, "{\"name\":\"Friends\"}"));
	keep(t, 0);
	town_expect(t, "num_members", "0");
	assert_ok(t, town_write(t, rest_group_put, NULL, "{\"name\":\"FRIENDS\"}"));
	town_expect(t, "id", ids[0]);
	assert_ok(t, town_write(t, rest_group_put, NULL, "{\"name\":\"Others\"}"));
	keep(t, 1);
	assert_ok(t, town_write(t, rest_group_change, ids[0], "{\"add_time_variable\":\"joined\",\"vars\":{\"a\":1}}"));
	snprintf(params, sizeof(params), "{\"phone_number\":\"+2\",\"add_group_ids\":[\"%s\",\"%s\"]}", ids[0], ids[1]);
	assert_ok(t, town_write(t, rest_contact_put, NULL, params));
	keep(t, 2);
	town_expect(t, "group_ids.1", ids[1]);
	assert_true(town_text(t, "vars.joined")[0] != '\0');
	assert_ok(t, town_read(t, rest_group, ids[0], NULL));
	town_expect(t, "num_members", "1");
	assert_ok(t, town_read(t, rest_group_contacts, ids[0], "{}"));
	town_expect(t, "data.0.id", ids[2]);
	assert_ok(t, town_read(t, rest_contact_groups, ids[2], "{\"sort\":\"name\",\"sort_dir\":\"desc\"}"));
	town_expect(t, "data.0.name", "Others");
	town_expect(t, "data.1.name", "Friends");
	/* by the group's own calls */
	assert_ok(t, town_rest(t, REST_WRITES, rest_group_remove, ids[0], ids[2], NULL));
	assert_ok(t, town_rest(t, REST_WRITES, rest_group_remove, ids[0], ids[2], NULL));
	assert_ok(t, town_read(t, rest_group, ids[0], NULL));
	town_expect(t, "num_members", "0");
	assert_ok(t, town_rest(t, REST_WRITES, rest_group_add, ids[0], ids[2], NULL));
	assert_int_equal(town_rest(t, REST_WRITES, rest_group_add, ids[0], "CTx", NULL), 404);
	assert_int_equal(town_rest(t, REST_WRITES, rest_group_add, "CGx", ids[2], NULL), 404);
	assert_int_equal(town_write(t, rest_group_change, ids[0], "{\"name\":\"others\"}"), 400);
	town_expect_error(t, "invalid_param", "name");
	assert_int_equal(town_write(t, rest_group_put, NULL, "{}"), 400);
	town_expect_error(t, "invalid_param", "name");
	/* a contact that goes leaves its groups */
	assert_ok(t, town_write(t, rest_contact_delete, ids[2], NULL));
	assert_int_equal(town_read(t, rest_contact, ids[2], NULL), 404);
	assert_ok(t, town_read(t, rest_group, ids[0], NULL));
	town_expect(t, "num_members", "0");
}

static void join_many(struct deed *d, void *ctx)
{
	struct record *group = group_find(d, slice_str(ctx), false);

	for (int i = 0; i < 450; i++)
		assert_true(contact_group(d, contact_create(d, SLICE_LIT(""), SLICE_LIT("Many"), "add"), group, true));
}

/* More members than one commit takes out. */
static void test_group_delete(void **state)
{
	struct town *t = *state;

	assert_ok(t, town_write(t, rest_group_put, NULL, "{\"name\":\"Many\"}"));
	keep(t, 0);
	town_do(t, join_many, ids[0]);
	assert_ok(t, town_read(t, rest_group, ids[0], NULL));
	town_expect(t, "num_members", "450");
	assert_ok(t, town_block(t, rest_group_delete, ids[0], NULL));
	assert_int_equal(town_read(t, rest_group, ids[0], NULL), 404);
	assert_int_equal(town_block(t, rest_group_delete, ids[0], NULL), 404);
	assert_int_equal(count_of(t, "{\"count\":1,\"name\":\"many\"}"), 450);
	assert_ok(t, town_read(t, rest_contacts, NULL, "{\"name\":\"many\",\"page_size\":1}"));
	town_expect(t, "data.0.group_ids", "[]");
}

static void test_group_limit(void **state)
{
	struct town *t = *state;
	char name[64];

	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"phone_number\":\"+20\"}"));
	keep(t, 0);
	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "{\"name\":\"limit %d\"}", i);
		assert_ok(t, town_write(t, rest_group_put, NULL, name));
		keep(t, 1);
		assert_int_equal(town_rest(t, REST_WRITES, rest_group_add, ids[1], ids[0], NULL), i < 20 ? 200 : 400);
	}
	town_expect(t, "error.code", "invalid_param");
}

/* --- labels --- */

static void put_message(struct deed *d, void *ctx)
{
	const char *const *id = ctx;
	struct record *r = record_new(d, KIND_MESSAGE, *id);

	record_set_text(r, "direction", SLICE_LIT("incoming"));
	record_set_text(r, "contact_id", slice_str(ids[7]));
	record_save(d, r);
}

static void test_labels(void **state)
{
	const char *message = "SMlabel";
	struct town *t = *state;

	ids[7][0] = '\0';
	town_do(t, put_message, &message);
	assert_ok(t, town_write(t, rest_label_put, NULL, "{\"name\":\"Hot\"}"));
	keep(t, 0);
	assert_ok(t, town_rest(t, REST_WRITES, rest_label_add, ids[0], "SMlabel", NULL));
	town_expect(t, "label_ids.0", ids[0]);
	assert_ok(t, town_read(t, rest_label_messages, ids[0], "{\"direction\":\"incoming\"}"));
	town_expect(t, "data.0.id", "SMlabel");
	assert_ok(t, town_write(t, rest_label_change, ids[0], "{\"name\":\"Hotter\",\"vars\":{\"a\":1}}"));
	assert_ok(t, town_read(t, rest_labels, NULL, "{\"name[prefix]\":\"hot\"}"));
	town_expect(t, "data.0.name", "Hotter");
	assert_ok(t, town_rest(t, REST_WRITES, rest_label_remove, ids[0], "SMlabel", NULL));
	town_expect(t, "label_ids", "[]");
	assert_ok(t, town_rest(t, REST_WRITES, rest_label_add, ids[0], "SMlabel", NULL));
	assert_ok(t, town_block(t, rest_label_delete, ids[0], NULL));
	assert_ok(t, town_read(t, rest_message, "SMlabel", NULL));
	town_expect(t, "label_ids", "[]");
	assert_int_equal(town_rest(t, REST_WRITES, rest_label_add, ids[0], "SMlabel", NULL), 404);
}

/* --- import --- */

static void test_import(void **state)
{
	struct town *t = *state;
	char params[600];

	assert_ok(t, town_write(t, rest_group_put, NULL, "{\"name\":\"Imported\"}"));
	keep(t, 0);
	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"phone_number\":\"+301\",\"name\":\"Old\"}"));
	keep(t, 1);
	snprintf(params, sizeof(params),
		 "{\"contacts\":[{\"phone_number\":\"301\",\"vars\":{\"k\":1}},{\"phone_number\":\"+302\"},"
		 "{\"phone_number\":\"302\",\"name\":\"Twice\"}],\"add_group_ids\":[\"%s\"]}",
		 ids[0]);
	assert_ok(t, town_write(t, rest_contacts_import, NULL, params));
	town_expect(t, "contacts.0.id", ids[1]);
	town_expect(t, "contacts.0.created", "false");
	town_expect(t, "contacts.1.created", "true");
	town_expect(t, "contacts.2.created", "false");
	town_expect(t, "num_created", "1");
	assert_ok(t, town_read(t, rest_group, ids[0], NULL));
	town_expect(t, "num_members", "2");
	assert_ok(t, town_read(t, rest_contacts, NULL, "{\"phone_number\":\"302\"}"));
	town_expect(t, "data.0.name", "Twice");
	assert_int_equal(json_type(town_at(t, "data.1")), JSON_NONE);

	/* one that is wrong, and none is written */
	assert_int_equal(town_write(t, rest_contacts_import, NULL,
				    "{\"contacts\":[{\"phone_number\":\"303\"},{\"phone_number\":\"304\","
				    "\"vars\":{\"a b\":1}}]}"),
			 400);
	town_expect_error(t, "invalid_param", "contacts[1].vars.a b");
	assert_int_equal(count_of(t, "{\"count\":1,\"phone_number\":\"303\"}"), 0);
	assert_int_equal(town_write(t, rest_contacts_import, NULL, "{\"contacts\":{}}"), 400);
	town_expect_error(t, "invalid_param", "contacts");
	assert_int_equal(town_write(t, rest_contacts_import, NULL, "{\"contacts\":[1]}"), 400);
	town_expect_error(t, "invalid_param", "contacts[0]");
}

/* --- as the hub uses them --- */

static void used(struct deed *d, void *ctx)
{
	struct record *contact = contact_for_number(d, SLICE_LIT("+46700000001")), *message;
	struct fault fault = NO_FAULT;

	(void)ctx;
	assert_true(record_is_new(contact));
	assert_true(slice_eq(record_id(contact_for_number(d, SLICE_LIT("46 70 000 00 01"))), record_id(contact)));
	assert_null(contact_find(d, SLICE_LIT("")));
	assert_null(contact_find(d, SLICE_LIT("+")));
	assert_null(contact_find(d, SLICE_LIT("Telerivet")));
	contact = contact_for_number(d, SLICE_LIT("Telerivet"));
	assert_true(slice_eq(record_id(contact_find(d, SLICE_LIT("Telerivet"))), record_id(contact)));

	message = record_new(d, KIND_MESSAGE, "SMcount");
	contact_count(d, contact, message, true);
	contact_count(d, contact, message, false);
	contact_count(d, contact, message, false);
	assert_int_equal(record_i64(contact, "message_count", 0), 3);
	assert_int_equal(record_i64(contact, "incoming_message_count", 0), 1);
	assert_int_equal(record_i64(contact, "outgoing_message_count", 0), 2);
	assert_int_equal(record_i64(contact, "last_message_time", 0), d->now_ms / 1000);
	assert_true(slice_is(record_text(contact, "last_message_id"), "SMcount"));

	assert_int_equal(contact_set(d, contact, SLICE_LIT("vars.x"), SLICE_LIT("\"1\""), &fault), 0);
	assert_int_equal(contact_set(d, contact, SLICE_LIT("name"), SLICE_LIT("17"), &fault), 0);
	assert_true(slice_is(record_text(contact, "name"), "17"));
	assert_int_equal(contact_set(d, contact, SLICE_LIT("message_count"), SLICE_LIT("1"), &fault), ERR_INVALID);
	assert_string_equal(fault.param, "message_count");
	assert_int_equal(contact_set(d, contact, SLICE_LIT("name"), SLICE_LIT("[]"), &fault), ERR_INVALID);
	assert_int_equal(contact_set(d, contact, SLICE_LIT("vars.x"), SLICE_LIT("{}"), &fault), ERR_INVALID);
}

static void test_used(void **state)
{
	town_do(*state, used, NULL);
}

/* --- what is told --- */

static void auto_add(struct deed *d, void *ctx)
{
	(void)ctx;
	contact_for_number(d, SLICE_LIT("+46700000099"));
}

static void put_phone(struct deed *d, void *ctx)
{
	(void)ctx;
	record_save(d, record_new(d, KIND_PHONE, "PN1"));
}

static void test_told(void **state)
{
	static const char *const types[] = { "add",	     "update",	  "update_field", "block_send", "unblock_send",
					     "remove_group", "add_group", "delete",	  "auto_add" };
	struct town *t = *state;
	char params[400];

	town_endpoint(t, "hook", "/told", EVERYTHING);
	/* of programs nothing is told */
	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"phone_number\":\"+500\",\"name\":\"Quiet\"}"));
	t->origin = ORIGIN_WEB;
	assert_ok(t, town_write(t, rest_group_put, NULL, "{\"name\":\"Told\"}"));
	keep(t, 0);
	snprintf(params, sizeof(params), "{\"phone_number\":\"+501\",\"vars\":{\"a\":1},\"add_group_ids\":[\"%s\"]}",
		 ids[0]);
	assert_ok(t, town_write(t, rest_contact_put, NULL, params));
	keep(t, 1);
	assert_ok(t, town_write(t, rest_contact_change, ids[1],
				"{\"name\":\"Loud\",\"vars\":{\"a\":2},\"send_blocked\":true}"));
	assert_ok(t, town_write(t, rest_contact_change, ids[1], "{\"name\":\"Loud\",\"vars\":{\"a\":2}}"));
	assert_ok(t, town_write(t, rest_contact_change, ids[1], "{\"send_blocked\":false}"));
	assert_ok(t, town_rest(t, REST_WRITES, rest_group_remove, ids[0], ids[1], NULL));
	assert_ok(t, town_rest(t, REST_WRITES, rest_group_add, ids[0], ids[1], NULL));
	assert_ok(t, town_write(t, rest_contact_delete, ids[1], NULL));
	t->origin = ORIGIN_API;
	town_body(t, "/told", 7);    /* another contact's need not wait for this one's */
	town_do(t, put_phone, NULL); /* from here on the project uses the hub, and is told of whom it comes to know */
	town_do(t, auto_add, NULL);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_string_equal(town_field(t, "/told", i, "update_type"), types[i]);
	assert_string_equal(town_field(t, "/told", 0, "event"), "contact_update");
	assert_string_equal(town_field(t, "/told", 0, "phone_number"), "+501");
	assert_string_equal(town_field(t, "/told", 0, "vars[a]"), "1");
	assert_string_equal(town_field(t, "/told", 0, "group_ids[0]"), ids[0]);
	assert_string_equal(town_field(t, "/told", 2, "vars[a]"), "2");
	assert_string_equal(town_field(t, "/told", 3, "send_blocked"), "1");
	assert_string_equal(town_field(t, "/told", 0, "secret"), "s3cret");
	assert_int_equal(town_count(t, "/told"), sizeof(types) / sizeof(types[0]));
}

/* The messages and states of a contact. */
static void put_state(struct deed *d, void *ctx)
{
	struct record *r = record_new(d, KIND_STATE, "SV1.CT");

	(void)ctx;
	record_set_text(r, "id", SLICE_LIT("q1"));
	record_set_text(r, "service_id", SLICE_LIT("SV1"));
	record_set_text(r, "contact_id", slice_str(ids[7]));
	record_save(d, r);
}

static void test_belongings(void **state)
{
	const char *message = "SMown";
	struct town *t = *state;

	assert_ok(t, town_write(t, rest_contact_put, NULL, "{\"phone_number\":\"+600\"}"));
	keep(t, 7);
	town_do(t, put_message, &message);
	town_do(t, put_state, NULL);
	assert_ok(t, town_read(t, rest_contact_messages, ids[7], "{\"sort_dir\":\"desc\"}"));
	town_expect(t, "data.0.id", "SMown");
	assert_int_equal(json_type(town_at(t, "data.1")), JSON_NONE);
	assert_ok(t, town_read(t, rest_contact_states, ids[7], "{\"id[prefix]\":\"q\"}"));
	town_expect(t, "data.0.id", "q1");
	town_expect(t, "data.0.service_id", "SV1");
	assert_int_equal(town_read(t, rest_contact_messages, "CTx", "{}"), 404);
	assert_ok(t, town_write(t, rest_contact_delete, ids[7], NULL));
	assert_ok(t, town_read(t, rest_messages, NULL, "{\"contact_id[exists]\":1,\"count\":1}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),    cmocka_unit_test(test_put_refused),  cmocka_unit_test(test_change),
		cmocka_unit_test(test_groups), cmocka_unit_test(test_group_delete), cmocka_unit_test(test_group_limit),
		cmocka_unit_test(test_labels), cmocka_unit_test(test_import),	    cmocka_unit_test(test_used),
		cmocka_unit_test(test_told),   cmocka_unit_test(test_belongings),
	};

	return cmocka_run_group_tests(tests, town_begin, town_end);
}
