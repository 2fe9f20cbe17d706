/*
 * Projects, endpoints, keys: what is set is shown, survives a restart, and is refused with its reason when it is wrong.
 */
#include "town.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "node/sorted.h"

static struct town town;

static int open_town(void **state)
{
	(void)state;
	town_open(&town, 1);
	return 0;
}

static int close_town(void **state)
{
	(void)state;
	town_close(&town);
	return 0;
}

static void restart(void)
{
	town_stop(&town);
	town_start(&town);
}

/* --- projects --- */

static int put_project(const char *id, const char *settings, bool merge, bool *ret_created, struct fault *fault)
{
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(settings), &json_limits_default, NULL), 0);
	err = node_project_put(town.node, slice_str(id), json_root(&doc), merge, ret_created, fault);
	json_doc_free(&doc);
	return err;
}

static char *project_text(const char *id)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, 65536);
	json_writer_init(&w, &out);
	if (node_project_write(town.node, slice_str(id), &w)) {
		buf_free(&out);
		return NULL;
	}
	return buf_take(&out);
}

static void assert_project(const char *id, const char *part)
{
	char *text = project_text(id);

	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("%s is not in %s", part, text);
	mem_free(text);
}

static void test_projects(void **state)
{
	struct fault fault = { 0 };
	bool created = false;

	(void)state;
	assert_int_equal(put_project("shop",
				     "{\"name\":\"Shop\",\"organization_id\":\"o1\",\"notify_emails\":[\"a@b.c\"]}",
				     false, &created, &fault),
			 0);
	assert_true(created);
	assert_project("shop", "{\"id\":\"shop\",\"name\":\"Shop\",\"organization_id\":\"o1\",\"notify_emails\":[\"a@b."
			       "c\"],\"timezone\":null");
	assert_int_equal(put_project("shop", "{\"timezone\":\"Europe/Stockholm\"}", true, &created, &fault), 0);
	assert_false(created);
	restart();
	assert_project("shop", "\"name\":\"Shop\",\"organization_id\":\"o1\",\"notify_emails\":[\"a@b.c\"],"
			       "\"timezone\":\"Europe/Stockholm\"");
	assert_true(node_project_exists(town.node, SLICE_LIT("shop")));
	assert_int_equal(node_project_delete(town.node, SLICE_LIT("shop"), &fault), 0);
	assert_int_equal(node_project_delete(town.node, SLICE_LIT("shop"), &fault), ERR_NOT_FOUND);
	restart();
	assert_false(node_project_exists(town.node, SLICE_LIT("shop")));
	assert_null(project_text("shop"));
}

static void test_wrong_projects_are_refused(void **state)
{
	static const struct {
		const char *id, *settings, *param;
	} wrong[] = {
		{ "a/b", "{}", "id" },
		{ "", "{}", "id" },
		{ "x", "[]", "" },
		{ "x", "{\"name\":1}", "name" },
		{ "x", "{\"colour\":\"red\"}", "colour" },
		{ "x", "{\"notify_emails\":[\"nobody\"]}", "notify_emails" },
		{ "x", "{\"notify_emails\":\"a@b.c\"}", "notify_emails" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct fault fault = { 0 };

		assert_int_equal(put_project(wrong[i].id, wrong[i].settings, false, NULL, &fault), ERR_INVALID);
		assert_string_equal(fault.param, wrong[i].param);
		assert_true(fault.message[0] != '\0');
	}
	assert_int_equal(put_project("nobody", "{}", true, NULL, NULL), ERR_NOT_FOUND);
}

static void test_project_list(void **state)
{
	struct json_writer w;
	struct buf out;
	bool more;

	(void)state;
	assert_int_equal(put_project("b", "{\"organization_id\":\"o\"}", false, NULL, NULL), 0);
	assert_int_equal(put_project("a", "{\"organization_id\":\"o\"}", false, NULL, NULL), 0);
	assert_int_equal(put_project("c", "{}", false, NULL, NULL), 0);
	buf_init(&out, 65536);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	node_project_list(town.node, SLICE_LIT("o"), SLICE_LIT(""), 1, &w, &more);
	assert_true(more);
	assert_non_null(strstr(buf_str(&out), "\"a\""));
	assert_null(strstr(buf_str(&out), "\"b\""));
	node_project_list(town.node, SLICE_LIT("o"), SLICE_LIT("a"), 5, &w, &more);
	assert_false(more);
	assert_non_null(strstr(buf_str(&out), "\"b\""));
	assert_null(strstr(buf_str(&out), "\"c\""));
	buf_free(&out);
}

/* --- endpoints --- */

static void assert_source(const char *id, const char *part, bool there)
{
	struct endpoint_view v = town_view(&town, id);
	char *text = slice_dup(v.endpoint->source);

	if ((strstr(text, part) != NULL) != there)
		fail_msg("%s in %s", part, text);
	mem_free(text);
	node_endpoint_view_free(&v);
}

static uint32_t revision(const char *id)
{
	struct endpoint_view v = town_view(&town, id);
	uint32_t r = v.endpoint->revision;

	node_endpoint_view_free(&v);
	return r;
}

static void test_endpoint_changes(void **state)
{
	struct fault fault = { 0 };
	struct endpoint *old;
	struct endpoint_view v;

	(void)state;
	town_endpoint(&town, "e", "/e", ",\"auth\":{\"username\":\"u\",\"password\":\"secret1\"}");
	assert_int_equal(revision("e"), 1);
	/* The same again changes nothing. */
	town_endpoint(&town, "e", "/e", ",\"auth\":{\"username\":\"u\",\"password\":\"secret1\"}");
	assert_int_equal(revision("e"), 1);
	/* What was shown as *** stays. */
	town_endpoint(&town, "e", "/e2", ",\"auth\":{\"username\":\"u2\",\"password\":\"***\"}");
	assert_int_equal(revision("e"), 2);
	assert_source("e", "secret1", true);
	assert_source("e", "u2", true);
	assert_int_equal(town_change(&town, PROJECT("p"), "e", "{\"timeout_ms\":2000,\"auth\":{\"password\":\"***\"}}",
				     ENDPOINT_MERGE, &fault),
			 0);
	assert_int_equal(revision("e"), 3);
	assert_source("e", "secret1", true);
	restart();
	v = town_view(&town, "e");
	assert_int_equal(v.endpoint->revision, 3);
	assert_int_equal(v.endpoint->peer.timeout_ms, 2000);
	assert_string_equal(v.endpoint->peer.password, "secret1");
	/* Settings of before, as rows may name them. */
	old = node_endpoint_revision(town.node, v.endpoint->number, 1);
	assert_non_null(old);
	assert_string_equal(old->peer.username, "u");
	endpoint_unref(&old);
	assert_null(node_endpoint_revision(town.node, v.endpoint->number, 9));
	node_endpoint_view_free(&v);
}

static void test_wrong_endpoints_are_refused(void **state)
{
	struct fault fault = { 0 };

	(void)state;
	assert_int_equal(
		town_change(&town, PROJECT("nobody"), "e", "{\"url\":\"http://127.0.0.1/\"}", ENDPOINT_REPLACE, &fault),
		ERR_NOT_FOUND);
	assert_int_equal(town_change(&town, PROJECT("p"), "e", "{\"active\":true}", ENDPOINT_MERGE, &fault),
			 ERR_NOT_FOUND);
	assert_int_equal(
		town_change(&town, PROJECT("p"), "e/f", "{\"url\":\"http://127.0.0.1/\"}", ENDPOINT_REPLACE, &fault),
		ERR_INVALID);
	assert_string_equal(fault.param, "id");
	assert_int_equal(town_change(&town, PROJECT("p"), "e", "{}", ENDPOINT_REPLACE, &fault), ERR_INVALID);
	assert_string_equal(fault.param, "url");
	assert_int_equal(
		town_change(&town, PROJECT("p"), "e",
			    "{\"url\":\"http://127.0.0.1/\",\"retry\":{\"delays_s\":[1],\"max_age_s\":8640000}}",
			    ENDPOINT_REPLACE, &fault),
		ERR_INVALID);
	assert_string_equal(fault.param, "retry.max_age_s");
}

struct names {
	char text[256];
	size_t max;
};

static bool add_name(void *ctx, const struct endpoint_view *v)
{
	struct names *n = ctx;
	size_t used = strlen(n->text);

	snprintf(n->text + used, sizeof(n->text) - used, "%s/%s ", v->endpoint->owner, v->endpoint->id);
	return --n->max > 0;
}

static void test_endpoint_lists(void **state)
{
	struct owner organization = { SLICE_LIT("o"), true };
	struct fault fault = { 0 };
	struct names names = { .max = 10 };
	struct event *ev;
	struct json_doc doc;

	(void)state;
	assert_int_equal(put_project("p", "{\"organization_id\":\"o\"}", false, NULL, NULL), 0);
	assert_int_equal(put_project("q", "{}", false, NULL, NULL), 0);
	town_endpoint(&town, "b", "/b", "");
	town_endpoint(&town, "a", "/a", "");
	town_endpoint(&town, "off", "/a", ",\"active\":false");
	town_endpoint(&town, "other", "/a", ",\"events\":[\"incoming_message\"]");
	assert_int_equal(
		town_change(&town, organization, "org", "{\"url\":\"http://127.0.0.1/\"}", ENDPOINT_REPLACE, &fault),
		0);
	assert_int_equal(
		town_change(&town, PROJECT("q"), "z", "{\"url\":\"http://127.0.0.1/\"}", ENDPOINT_REPLACE, &fault), 0);
	node_endpoint_list(town.node, PROJECT("p"), false, SLICE_LIT("a"), add_name, &names);
	assert_string_equal(names.text, "p/b p/off p/other ");
	names = (struct names){ .max = 2 };
	node_endpoint_list(town.node, PROJECT(""), true, SLICE_LIT("p/off"), add_name, &names);
	assert_string_equal(names.text, "p/other q/z ");
	names = (struct names){ .max = 10 };
	json_doc_init(&doc);
	assert_int_equal(
		json_parse(&doc, SLICE_LIT("{\"type\":\"send_status\",\"message\":{\"id\":\"1\",\"status\":\"sent\"}}"),
			   &json_limits_default, NULL),
		0);
	assert_int_equal(event_parse(json_root(&doc), SLICE_LIT("p"), node_now_ms(town.node), &ev, &fault), 0);
	node_routes(town.node, ev, add_name, &names);
	assert_string_equal(names.text, "p/a p/b o/org ");
	event_unref(&ev);
	json_doc_free(&doc);
}

static bool organization_is(const char *id, const char *organization)
{
	struct endpoint_view v = town_view(&town, id);
	bool is = strcmp(v.endpoint->organization_id, organization) == 0;

	node_endpoint_view_free(&v);
	return is;
}

static void test_organization_moves(void **state)
{
	struct owner one = { SLICE_LIT("o1"), true }, two = { SLICE_LIT("o2"), true };
	struct fault fault = { 0 };
	char text[128];

	(void)state;
	assert_int_equal(put_project("p", "{\"organization_id\":\"o1\"}", false, NULL, NULL), 0);
	town_endpoint(&town, "a", "/a", "");
	snprintf(text, sizeof(text), "{\"url\":\"http://127.0.0.1:%u/one\"}", sink_port(town.sink));
	assert_int_equal(town_change(&town, one, "e", text, ENDPOINT_REPLACE, &fault), 0);
	snprintf(text, sizeof(text), "{\"url\":\"http://127.0.0.1:%u/two\"}", sink_port(town.sink));
	assert_int_equal(town_change(&town, two, "e", text, ENDPOINT_REPLACE, &fault), 0);
	assert_int_equal(town_status(&town, "p", "1"), 0);
	TOWN_WAIT(&town, sink_count(town.sink, "/one", "e-1") == 1);
	assert_int_equal(put_project("p", "{\"organization_id\":\"o2\"}", false, NULL, NULL), 0);
	TOWN_WAIT(&town, organization_is("a", "o2"));
	restart();
	assert_int_equal(town_status(&town, "p", "2"), 0);
	TOWN_WAIT(&town, sink_count(town.sink, "/two", "e-2") == 1);
	assert_int_equal(sink_count(town.sink, "/two", "e-1"), 0);
	assert_int_equal(sink_count(town.sink, "/one", "e-2"), 0);
}

/* --- keys --- */

static enum key_role role(const char *key, char project[256])
{
	project[0] = '\0';
	return node_key_check(town.node, slice_str(key), project);
}

static void test_project_keys(void **state)
{
	char id[ID_BYTES], key[64], project[256];
	struct fault fault = { 0 };
	struct json_writer w;
	struct buf out;
	bool more;

	(void)state;
	assert_int_equal(node_key_create(town.node, SLICE_LIT("nobody"), SLICE_LIT("k"), id, key, &fault),
			 ERR_NOT_FOUND);
	assert_int_equal(node_key_create(town.node, SLICE_LIT("p"), SLICE_LIT("front"), id, key, &fault), 0);
	assert_int_equal(strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), strlen(key));
	assert_int_equal(strncmp(key, "prk_", 4), 0);
	assert_int_equal(role(key, project), KEY_PROJECT);
	assert_string_equal(project, "p");
	restart();
	assert_int_equal(role(key, project), KEY_PROJECT);
	buf_init(&out, 4096);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	assert_int_equal(node_key_list(town.node, SLICE_LIT("p"), SLICE_LIT(""), 1, &w, &more), 1);
	json_end_array(&w);
	assert_false(more);
	assert_int_equal(node_key_list(town.node, SLICE_LIT("p"), SLICE_LIT(""), 0, NULL, &more), 0);
	assert_true(more);
	assert_int_equal(node_key_list(town.node, SLICE_LIT("p"), slice_str(id), 1, NULL, &more), 0);
	assert_false(more);
	assert_non_null(strstr(buf_str(&out), "\"name\":\"front\""));
	assert_null(strstr(buf_str(&out), key));
	buf_free(&out);
	assert_int_equal(node_key_delete(town.node, SLICE_LIT("other"), slice_str(id), &fault), ERR_NOT_FOUND);
	key[strlen(key) - 1] ^= 1;
	assert_int_equal(role(key, project), KEY_NONE);
	key[strlen(key) - 1] ^= 1;
	assert_int_equal(node_key_delete(town.node, SLICE_LIT("p"), slice_str(id), &fault), 0);
	assert_int_equal(role(key, project), KEY_NONE);
	restart();
	assert_int_equal(role(key, project), KEY_NONE);
}

static void test_admin_key(void **state)
{
	char made[64], again[64], project[256];
	struct fault fault = { 0 };

	(void)state;
	assert_int_equal(node_admin_key(town.node, NULL, made, &fault), 0);
	assert_true(strlen(made) >= 32);
	assert_int_equal(role(made, project), KEY_ADMIN);
	restart();
	assert_int_equal(node_admin_key(town.node, NULL, again, &fault), 0);
	assert_string_equal(again, "");
	assert_int_equal(role(made, project), KEY_ADMIN);
	assert_int_equal(node_admin_key(town.node, "short", again, &fault), ERR_INVALID);
	assert_int_equal(node_admin_key(town.node, "with a blank in it", again, &fault), ERR_INVALID);
	assert_int_equal(node_admin_key(town.node, "my own (admin) key!", again, &fault), ERR_INVALID);
	assert_int_equal(node_admin_key(town.node, "my-own-(admin)-key!", again, &fault), 0);
	assert_int_equal(role("my-own-(admin)-key!", project), KEY_ADMIN);
	assert_int_equal(role("my-own-(admin)-key?", project), KEY_NONE);
	assert_int_equal(role("", project), KEY_NONE);
}

/* --- parts --- */

static int by_value(const void *item, const void *key)
{
	return *(const int *)item - *(const int *)key;
}

static void test_sorted(void **state)
{
	int values[100], key;
	struct sorted s;
	bool found;

	(void)state;
	sorted_init(&s);
	for (int i = 0; i < 100; i++) {
		values[i] = i * 37 % 100;
		sorted_insert(&s, sorted_place(&s, by_value, &values[i], &found), &values[i]);
		assert_false(found);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(*(int *)s.items[i], i);
	key = 50;
	sorted_remove(&s, sorted_place(&s, by_value, &key, &found));
	assert_true(found);
	assert_null(sorted_find(&s, by_value, &key));
	assert_int_equal(s.count, 99);
	sorted_free(&s);
}

#define IN_TOWN(test) cmocka_unit_test_setup_teardown(test, open_town, close_town)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		IN_TOWN(test_projects),
		IN_TOWN(test_wrong_projects_are_refused),
		IN_TOWN(test_project_list),
		IN_TOWN(test_endpoint_changes),
		IN_TOWN(test_wrong_endpoints_are_refused),
		IN_TOWN(test_endpoint_lists),
		IN_TOWN(test_organization_moves),
		IN_TOWN(test_project_keys),
		IN_TOWN(test_admin_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
