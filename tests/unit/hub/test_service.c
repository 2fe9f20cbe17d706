/* Services: the way of a message through them, webhooks that fail and come back, and their REST calls. */
#include <stdio.h>
#include <string.h>

#include "hub/service.h"
#include "hub/tick.h"
#include "staff.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, staff_begin, town_end)

#define HOOK "{\"service_type\":\"incoming_message_webhook\",\"name\":\"%s\",\"config\":%s%s}"

static void a_webhook_is_asked_and_answers(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	town_answer(
		t, "/hook", 200, "application/json",
		"{\"messages\":[{\"content\":\"Thanks!\"},],\"variables\":{\"contact.name\":\"Ann\",\"state.vars.n\":2,"
		"\"state.id\":\"q1\"}}");
	staff_service(t, id, HOOK, "A", staff_webhook(t, "/hook", ""), "");
	staff_message(t, message, "Hello world");
	assert_string_equal(town_field(t, "/hook", 0, "event"), "incoming_message");
	assert_string_equal(town_field(t, "/hook", 0, "content"), "Hello world");
	assert_string_equal(town_field(t, "/hook", 0, "secret"), "s3cret");
	assert_string_equal(town_field(t, "/hook", 0, "service_id"), id);
	assert_null(town_field(t, "/hook", 0, "state[id]"));
	staff_settle(t, message);
	assert_int_equal(staff_sent(t, "Thanks!"), 1);
	town_read(t, rest_message, message, NULL);
	town_expect(t, "service_id", id);
	assert_int_equal(town_rest(t, REST_READS, rest_contact, town_text(t, "contact_id"), NULL, NULL), 200);
	town_expect(t, "name", "Ann");
	town_expect(t, "outgoing_message_count", "1");
	town_expect(t, "incoming_message_count", "1");
	/* The second time it knows where the contact stands. */
	staff_message(t, message, "Again");
	assert_string_equal(town_field(t, "/hook", 1, "state[id]"), "q1");
	assert_string_equal(town_field(t, "/hook", 1, "state[vars][n]"), "2");
	assert_string_equal(town_field(t, "/hook", 1, "contact[name]"), "Ann");
	staff_settle(t, message);
	assert_int_equal(staff_logged(t, id, "answered HTTP 200"), 2);
	town_expect(t, "data.0.error", "false");
	town_expect(t, "data.0.code", "200");
	assert_int_equal(staff_logged(t, id, "s3cret"), 0);
}

static void the_first_that_handles_is_the_last(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	town_answer(t, "/b", 200, "application/json", "{\"messages\":[{\"content\":\"from b\"}]}");
	staff_service(t, id, HOOK, "C", staff_webhook(t, "/c", ""), ",\"priority\":30");
	staff_service(t, id, HOOK, "A", staff_webhook(t, "/a", ""), ",\"priority\":10");
	staff_service(t, id, HOOK, "always", staff_webhook(t, "/always", ""),
		      ",\"priority\":40,\"apply_mode\":\"always\"");
	staff_service(t, id, HOOK, "B", staff_webhook(t, "/b", ""), ",\"priority\":20");
	staff_message(t, message, "x");
	assert_string_equal(town_field(t, "/always", 0, "message_service_id"), id);
	staff_settle(t, message);
	assert_int_equal(town_count(t, "/a"), 1);
	assert_int_equal(town_count(t, "/b"), 1);
	assert_int_equal(town_count(t, "/c"), 0);
	assert_int_equal(town_count(t, "/always"), 1);
	assert_int_equal(staff_sent(t, "from b"), 1);
}

static void return_value_decides(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	town_answer(t, "/a", 200, "application/json",
		    "{\"messages\":[{\"content\":\"from a\"}],\"variables\":{\"return_value\":false}}");
	town_answer(t, "/b", 200, "text/json", "{\"variables\":{\"return_value\":1}}");
	staff_service(t, id, HOOK, "A", staff_webhook(t, "/a", ""), "");
	staff_service(t, id, HOOK, "B", staff_webhook(t, "/b", ""), "");
	staff_service(t, id, HOOK, "C", staff_webhook(t, "/c", ""), "");
	staff_message(t, message, "x");
	town_body(t, "/b", 0);
	staff_settle(t, message);
	assert_int_equal(staff_sent(t, "from a"), 1);
	assert_int_equal(town_count(t, "/c"), 0);
}

static void a_failing_webhook_does_not_hold_up_the_next(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64];

	town_answer(t, "/a", 403, "text/plain", "the secret s3cret is wrong");
	town_answer(t, "/b", 200, "application/json", "{\"messages\":[{\"content\":\"from b\"}]}");
	staff_service(t, a, HOOK, "A", staff_webhook(t, "/a", ""), "");
	staff_service(t, b, HOOK, "B", staff_webhook(t, "/b", ""), "");
	staff_message(t, message, "x");
	town_body(t, "/b", 0);
	staff_settle(t, message);
	assert_int_equal(staff_sent(t, "from b"), 1);
	TOWN_WAIT(town_count(t, "/a") >= 2);
	assert_int_equal(staff_logged(t, a, "HTTP 403: the secret in the script"), 1);
	town_expect(t, "data.0.answer", "the secret *** is wrong");
	town_expect(t, "data.0.error", "true");
	/* When it works at last what it asks for is done, once, and nothing else runs. */
	town_answer(t, "/a", 200, "application/json",
		    "{\"messages\":[{\"content\":\"late\"}],\"variables\":{\"contact.vars.late\":true}}");
	TOWN_WAIT(staff_sent(t, "late") == 1);
	assert_int_equal(staff_sent(t, "from b"), 1);
	assert_int_equal(town_count(t, "/b"), 1);
	assert_int_equal(staff_logged(t, a, "answered HTTP 200"), 1);
	town_read(t, rest_message, message, NULL);
	town_expect(t, "service_id", b);
	town_read(t, rest_contact, town_text(t, "contact_id"), NULL);
	town_expect(t, "vars.late", "true");
}

/* T1: the log names the URL to use instead. */
static void a_redirect_is_not_followed(void **state)
{
	struct town *t = *state;
	char id[64], message[64], target[160], wanted[200];

	snprintf(target, sizeof(target), "%s/target", t->url);
	snprintf(wanted, sizeof(wanted), "HTTP 302: redirects to %s", target);
	town_answer(t, "/a", 302, "", target);
	staff_service(t, id, HOOK, "A", staff_webhook(t, "/a", ""), "");
	staff_message(t, message, "x");
	town_body(t, "/a", 0);
	staff_settle(t, message);
	assert_int_equal(staff_logged(t, id, wanted), 1);
	assert_int_equal(town_count(t, "/target"), 0);
}

/* A webhook that is down for many messages: each goes on at once, and each late answer counts once. */
static void a_webhook_that_is_down_is_passed_over(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64];
	size_t count = 0;

	town_answer(t, "/a", 503, "text/plain", "");
	staff_service(t, a, HOOK, "A", staff_webhook(t, "/a", ""), "");
	staff_service(t, b, HOOK, "B", staff_webhook(t, "/b", ""), "");
	do {
		staff_message(t, message, "x");
		staff_settle(t, message);
		assert_int_equal(town_count(t, "/b"), ++count);
	} while (count < 60 && staff_logged(t, a, "delivered when it works again") == 0);
	assert_int_equal(staff_logged(t, a, "delivered when it works again"), 1);
	town_answer(t, "/a", 200, "application/json", "{\"messages\":[{\"content\":\"late\"}]}");
	TOWN_WAIT(staff_logged(t, a, "answered HTTP 200") == count);
	assert_int_equal(staff_sent(t, "late"), count);
	assert_int_equal(town_count(t, "/b"), count);
}

static void a_held_run_waits(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64];

	town_answer(t, "/a", 500, "text/plain", "");
	staff_service(t, a, HOOK, "A", staff_webhook(t, "/a", ",\"on_failure\":\"hold\""), "");
	staff_service(t, b, HOOK, "B", staff_webhook(t, "/b", ""), "");
	staff_message(t, message, "x");
	TOWN_WAIT(town_count(t, "/a") >= 2);
	assert_int_equal(town_count(t, "/b"), 0);
	town_answer(t, "/a", 200, "text/plain", "");
	town_body(t, "/b", 0);
	staff_settle(t, message);
	assert_int_equal(town_count(t, "/b"), 1);
}

static void a_run_survives_its_service(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64];

	town_answer(t, "/a", 500, "text/plain", "");
	staff_service(t, a, HOOK, "A", staff_webhook(t, "/a", ",\"on_failure\":\"hold\""), "");
	staff_service(t, b, HOOK, "B", staff_webhook(t, "/b", ""), "");
	staff_message(t, message, "x");
	TOWN_WAIT(town_count(t, "/a") >= 1);
	assert_int_equal(town_block(t, rest_service_delete, a, NULL), 200);
	town_body(t, "/b", 0);
	staff_settle(t, message);
	assert_int_equal(town_read(t, rest_service, a, NULL), 404);
}

static void filters_pass_over_services(void **state)
{
	static const char *const filters[] = {
		",\"phone_ids\":[\"PN2\"]",
		",\"message_types\":[\"call\"]",
		",\"active\":false",
	};
	struct town *t = *state;
	char id[64], message[64], path[8];

	folk_phone(t, "PN2", "+46700000002");
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/f%zu", i);
		staff_service(t, id, HOOK, path, staff_webhook(t, path, ""), filters[i]);
	}
	staff_service(t, id, HOOK, "wants", staff_webhook(t, "/wants", ""),
		      ",\"phone_ids\":[\"PN2\",\"PN1\"],\"message_types\":[\"text\"]");
	staff_message(t, message, "x");
	town_body(t, "/wants", 0);
	staff_settle(t, message);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/f%zu", i);
		assert_int_equal(town_count(t, path), 0);
	}
}

static void short_codes_need_all(void **state)
{
	struct town *t = *state;
	char all[64], longs[64];

	staff_service(t, longs, HOOK, "longs", staff_webhook(t, "/longs", ""), "");
	staff_service(t, all, HOOK, "all", staff_webhook(t, "/all", ""), ",\"contact_number_filter\":\"all\"");
	folk_post(t,
		  "{\"type\":\"incoming_message\",\"id\":\"e1\",\"message\":{\"id\":\"M1\",\"from_number\":\"72345\","
		  "\"content\":\"x\"}}");
	folk_post(t, "{\"type\":\"incoming_message\",\"id\":\"e2\",\"message\":{\"id\":\"M2\",\"from_number\":"
		     "\"Bank12345678\","
		     "\"content\":\"x\"}}");
	town_body(t, "/all", 1);
	assert_int_equal(town_count(t, "/longs"), 0);
}

/* --- an endpoint of the customer's own whose answers are obeyed --- */

static void an_endpoint_may_answer(void **state)
{
	struct owner owner = { SLICE_LIT("p"), false };
	struct town *t = *state;
	struct fault fault = NO_FAULT;
	struct json_doc doc;
	char message[64], text[512];

	json_doc_init(&doc);
	snprintf(text, sizeof(text),
		 "{\"preset\":\"telerivet\",\"url\":\"%s/own\",\"ports\":null,\"actions\":\"telerivet\",\"events\":"
		 "[\"incoming_message\"]}",
		 t->url);
	assert_int_equal(json_parse(&doc, slice_str(text), &json_limits_default, NULL), 0);
	if (node_endpoint_change(t->node, owner, SLICE_LIT("own"), json_root(&doc), ENDPOINT_REPLACE, NULL, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&doc);
	town_answer(t, "/own", 200, "application/json", "{\"messages\":[{\"content\":\"own\"}]}");
	staff_message(t, message, "x");
	TOWN_WAIT(staff_sent(t, "own") == 1);
	assert_int_equal(staff_logged(t, "", "answered HTTP 200"), 1);
}

/* --- REST --- */

static void services_are_made_and_changed(void **state)
{
	struct town *t = *state;
	char a[64], b[64];

	staff_service(t, a, HOOK, "A", staff_webhook(t, "/a", ""), ",\"vars\":{\"x\":1}");
	town_expect(t, "active", "true");
	town_expect(t, "apply_mode", "unhandled");
	town_expect(t, "contact_number_filter", "long_number");
	town_expect(t, "priority", "1");
	town_expect(t, "config.secret", "***");
	town_expect(t, "contexts.message.incoming_message", "true");
	town_expect(t, "vars.x", "1");
	staff_service(t, b, "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[]}}");
	town_expect(t, "name", "Custom Actions");
	town_expect(t, "priority", "2");
	assert_int_equal(town_block(t, rest_service_change, b, "{\"priority\":0,\"name\":\"B\"}"), 200);
	assert_int_equal(town_read(t, rest_services, NULL, NULL), 200);
	town_expect(t, "data.0.id", b);
	town_expect(t, "data.1.id", a);
	assert_int_equal(town_read(t, rest_services, NULL, "{\"context\":\"contact\"}"), 200);
	town_expect(t, "data.0.id", b);
	town_expect(t, "data.1.id", "");
	assert_int_equal(town_block(t, rest_service_delete, b, NULL), 200);
	assert_int_equal(town_block(t, rest_service_delete, b, NULL), 404);
	town_expect_error(t, "not_found", "");
}

struct revision {
	const char *id;
	uint32_t revision;
};

static void read_revision(struct deed *d, void *ctx)
{
	struct revision *r = ctx;
	char id[80];
	struct endpoint *ep;

	snprintf(id, sizeof(id), "_service.%s", r->id);
	ep = book_endpoint_get(d->book, d->project, slice_str(id));
	r->revision = ep ? ep->revision : 0;
	endpoint_unref(&ep);
}

static uint32_t revision_of(struct town *t, const char *service)
{
	struct revision r = { .id = service };

	town_look(t, read_revision, &r);
	return r.revision;
}

/* A crash while a service was deleted leaves its endpoint; a service of the same id does not call the old URL. */
static void an_endpoint_that_was_left_behind_is_mended(void **state)
{
	struct town *t = *state;
	char text[1024], message[64];
	struct fault fault = NO_FAULT;

	snprintf(text, sizeof(text), "{\"preset\":\"telerivet\",\"reports\":true,\"url\":\"%s/old\",\"ports\":null}",
		 t->url);
	if (node_internal_endpoint(t->node, SLICE_LIT("p"), SLICE_LIT("_service.SVmine"), slice_str(text), &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	snprintf(text, sizeof(text), HOOK, "A", staff_webhook(t, "/new", ""), "");
	assert_int_equal(town_block(t, rest_service_put, "SVmine", text), 200);
	staff_message(t, message, "x");
	assert_string_equal(town_field(t, "/new", 0, "service_id"), "SVmine");
	assert_int_equal(town_count(t, "/old"), 0);
}

static void a_shown_secret_comes_back_as_it_was(void **state)
{
	struct town *t = *state;
	char id[64], message[64], config[512];

	staff_service(t, id, HOOK, "A", staff_webhook(t, "/a", ""), "");
	assert_int_equal(town_read(t, rest_service_config, id, NULL), 200);
	town_expect(t, "secret", "***");
	snprintf(config, sizeof(config), "{\"url\":\"%s/new\",\"secret\":\"***\"}", t->url);
	assert_int_equal(town_block(t, rest_service_config_change, id, config), 200);
	assert_int_equal(revision_of(t, id), 2);
	assert_int_equal(town_block(t, rest_service_change, id, "{\"name\":\"B\"}"), 200);
	assert_int_equal(revision_of(t, id), 2);
	staff_message(t, message, "x");
	assert_string_equal(town_field(t, "/new", 0, "secret"), "s3cret");
	assert_int_equal(town_count(t, "/a"), 0);
	staff_settle(t, message);
	assert_int_equal(town_block(t, rest_service_config_change, id, "{\"url\":\"ftp://x\"}"), 400);
	town_expect_error(t, "invalid_param", "url");
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *params, *code, *param;
	} rows[] = {
		{ "{}", "invalid_param", "service_type" },
		{ "{\"service_type\":\"x\"}", "invalid_param", "service_type" },
		{ "{\"service_type\":\"contact_script\"}", "not_implemented", "service_type" },
		{ "{\"service_type\":\"custom_actions\"}", "invalid_param", "config" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{}}", "invalid_param", "config.actions" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[{\"type\":\"stop\"},{\"type\":\"x\"}]}"
		  "}",
		  "invalid_param", "config.actions[1].type" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[{\"type\":\"notify_webhook\",\"url\":"
		  "\"http://x:99999/\"}]}}",
		  "invalid_param", "config.actions[0].url" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[{\"type\":\"if\",\"condition\":{"
		  "\"left\":"
		  "\"a\",\"op\":\"is\"},\"then\":[]}]}}",
		  "invalid_param", "config.actions[0].condition.op" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[{\"type\":\"if\",\"condition\":{"
		  "\"left\":"
		  "\"a\",\"op\":\"exists\"},\"then\":[{\"type\":\"send_reply\"}]}]}}",
		  "invalid_param", "config.actions[0].then[0].content" },
		{ "{\"service_type\":\"incoming_message_webhook\",\"config\":{\"url\":\"nonsense\"}}", "invalid_param",
		  "config.url" },
		{ "{\"service_type\":\"incoming_message_webhook\",\"config\":{\"url\":\"http://h/"
		  "\",\"secret\":\"***\"}}",
		  "invalid_param", "config.secret" },
		{ "{\"service_type\":\"incoming_message_webhook\",\"config\":{\"url\":\"http://h/\",\"x\":1}}",
		  "invalid_param", "config.x" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[]},\"phone_ids\":[\"PN9\"]}",
		  "invalid_param", "phone_ids[0]" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[]},\"apply_mode\":\"x\"}",
		  "invalid_param", "apply_mode" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[]},\"name\":\"taken\"}",
		  "invalid_param", "name" },
		{ "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[]},\"colour\":1}", "invalid_param",
		  "colour" },
		{ "{\"service_type\":\"messaging_poll\",\"config\":{\"questions\":[{\"text\":\"?\"}]}}",
		  "invalid_param", "config.questions[0].variable" },
	};
	struct town *t = *state;
	char id[64];

	staff_service(t, id, "{\"service_type\":\"custom_actions\",\"name\":\"Taken\",\"config\":{\"actions\":[]}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (town_block(t, rest_service_create, NULL, rows[i].params) == 200)
			fail_msg("taken: %s", rows[i].params);
		town_expect_error(t, rows[i].code, rows[i].param);
	}
	assert_int_equal(town_read(t, rest_services, NULL, "{\"count\":\"1\"}"), 200);
	town_expect(t, "count", "1");
}

static void put_makes_and_replaces(void **state)
{
	struct town *t = *state;
	char message[64], params[1000], created[32];

	snprintf(params, sizeof(params), HOOK, "Mine", staff_webhook(t, "/mine", ""), ",\"priority\":7");
	assert_int_equal(town_block(t, rest_service_put, "my.own", params), 200);
	town_expect(t, "id", "my.own");
	slice_copy(created, sizeof(created), slice_str(town_text(t, "time_created")));
	town_answer(t, "/mine", 200, "application/json",
		    "{\"messages\":[{\"content\":\"ok\"}],\"variables\":{\"service.vars.n\":1}}");
	staff_message(t, message, "x");
	town_body(t, "/mine", 0);
	staff_settle(t, message);
	assert_int_equal(staff_sent(t, "ok"), 1);
	assert_int_equal(staff_logged(t, "my.own", "answered HTTP 200"), 1);
	/* The same again, then with another URL: secret, place and what it learned stay, the rest is said anew. */
	assert_int_equal(town_block(t, rest_service_put, "my.own", params), 200);
	snprintf(params, sizeof(params),
		 "{\"service_type\":\"incoming_message_webhook\",\"config\":{\"url\":\"%s/other\",\"secret\":\"***\","
		 "\"ports\":null}}",
		 t->url);
	assert_int_equal(town_block(t, rest_service_put, "my.own", params), 200);
	town_expect(t, "name", "Webhook");
	town_expect(t, "priority", "7");
	town_expect(t, "vars.n", "1");
	town_expect(t, "time_created", created);
	town_expect(t, "config.secret", "***");
	town_expect(t, "config.retry.delays_s", "");
	staff_message(t, message, "x");
	assert_string_equal(town_field(t, "/other", 0, "secret"), "s3cret");
	staff_settle(t, message);
	t->admin = true;
	assert_int_equal(town_read(t, rest_service, "my.own", "{\"reveal\":\"1\"}"), 200);
	town_expect(t, "config.secret", "s3cret");
	assert_int_equal(town_read(t, rest_services, NULL, "{\"reveal\":\"1\"}"), 200);
	town_expect(t, "data.0.config.secret", "s3cret");
	t->admin = false;
	assert_int_not_equal(town_read(t, rest_services, NULL, "{\"reveal\":\"1\"}"), 200);
	town_expect_error(t, "forbidden", "reveal");
}

static void put_refuses(void **state)
{
	struct town *t = *state;
	char id[64];

	staff_service(t, id, "{\"service_type\":\"custom_actions\",\"name\":\"Taken\",\"config\":{\"actions\":[]}}");
	assert_int_equal(town_block(t, rest_service_put, "a b", "{}"), 400);
	town_expect_error(t, "invalid_param", "id");
	assert_int_equal(town_block(t, rest_service_put, "new", "{\"service_type\":\"custom_actions\"}"), 400);
	town_expect_error(t, "invalid_param", "config");
	assert_int_equal(town_block(t, rest_service_put, "new",
				    "{\"service_type\":\"incoming_message_webhook\",\"config\":{\"url\":\"http://h/\","
				    "\"secret\":\"***\"}}"),
			 400);
	town_expect_error(t, "invalid_param", "config.secret");
	assert_int_equal(town_block(t, rest_service_put, id,
				    "{\"service_type\":\"messaging_poll\",\"config\":{\"questions\":[]}}"),
			 400);
	town_expect_error(t, "invalid_param", "service_type");
	assert_int_equal(town_read(t, rest_services, NULL, "{\"count\":\"1\"}"), 200);
	town_expect(t, "count", "1");
}

static void states_over_rest(void **state)
{
	struct town *t = *state;
	char id[64], contact[64];

	folk_contact(t, STAFF_SENDER, "Ann", contact);
	staff_service(t, id, HOOK, "A", staff_webhook(t, "/a", ""), "");
	assert_int_equal(town_rest(t, REST_READS, rest_service_state, id, contact, NULL), 200);
	assert_int_equal(json_type(town_at(t, "id")), JSON_NULL);
	town_expect(t, "contact_id", contact);
	assert_int_equal(town_rest(t, REST_WRITES, rest_service_state_set, id, contact, "{\"vars\":{\"a\":1}}"), 400);
	town_expect_error(t, "invalid_param", "id");
	assert_int_equal(
		town_rest(t, REST_WRITES, rest_service_state_set, id, contact, "{\"id\":\"q2\",\"vars\":{\"a\":1}}"),
		200);
	town_expect(t, "id", "q2");
	town_expect(t, "vars.a", "1");
	assert_int_equal(town_read(t, rest_service_states, id, "{\"id\":\"q2\"}"), 200);
	town_expect(t, "data.0.service_id", id);
	assert_int_equal(town_read(t, rest_service_states, id, "{\"vars[a]\":\"2\"}"), 200);
	town_expect(t, "data.0.id", "");
	assert_int_equal(town_rest(t, REST_WRITES, rest_service_state_reset, id, contact, NULL), 200);
	assert_int_equal(json_type(town_at(t, "id")), JSON_NULL);
	assert_int_equal(town_read(t, rest_service_states, id, NULL), 200);
	town_expect(t, "data.0.id", "");
	assert_int_equal(town_rest(t, REST_READS, rest_service_state, id, "CTnone", NULL), 404);
}

static void a_deleted_service_leaves_no_states(void **state)
{
	struct town *t = *state;
	char id[64], contact[64], key[160];

	folk_contact(t, STAFF_SENDER, "Ann", contact);
	staff_service(t, id, "{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[]}}");
	town_rest(t, REST_WRITES, rest_service_state_set, id, contact, "{\"id\":\"q\"}");
	snprintf(key, sizeof(key), "%s.%s", id, contact);
	assert_string_equal(folk_member(t, KIND_STATE, key, "id"), "\"q\"");
	assert_int_equal(town_block(t, rest_service_delete, id, NULL), 200);
	assert_string_equal(folk_member(t, KIND_STATE, key, "service_id"), "");
}

static void services_are_invoked_by_hand(void **state)
{
	struct town *t = *state;
	char hook[64], rules[64], message[64], params[256];

	staff_service(t, hook, HOOK, "A", staff_webhook(t, "/a", ""), ",\"contact_number_filter\":\"all\"");
	staff_service(
		t, rules,
		"{\"service_type\":\"custom_actions\",\"config\":{\"actions\":[{\"type\":\"send_reply\",\"content\":"
		"\"Hi [[contact.phone_number]] [[$who]]\"}]},\"message_types\":[\"call\"]}");
	assert_int_equal(
		town_write(
			t, rest_service_invoke, rules,
			"{\"context\":\"contact\",\"phone_number\":\"+46709998877\",\"variables\":{\"who\":\"you\"}}"),
		200);
	town_expect(t, "sent_messages.0.content", "Hi +46709998877 you");
	town_expect(t, "sent_messages.0.service_id", rules);
	town_expect(t, "sent_messages.1.id", "");
	staff_message(t, message, "x");
	town_body(t, "/a", 0);
	staff_settle(t, message);
	snprintf(params, sizeof(params),
		 "{\"context\":\"message\",\"event\":\"incoming_message\",\"message_id\":\"%s\"}", message);
	assert_int_equal(town_write(t, rest_service_invoke, hook, params), 200);
	town_expect(t, "sent_messages.0", "");
	town_body(t, "/a", 1);
	staff_settle(t, message);
	assert_int_equal(town_write(t, rest_service_invoke, hook, "{\"context\":\"contact\",\"contact_id\":\"x\"}"),
			 400);
	town_expect_error(t, "invalid_param", "context");
	assert_int_equal(town_write(t, rest_service_invoke, rules, "{\"context\":\"contact\"}"), 400);
	town_expect_error(t, "invalid_param", "contact_id");
	assert_int_equal(
		town_write(t, rest_service_invoke, rules,
			   "{\"context\":\"contact\",\"phone_number\":\"+46709998877\",\"variables\":{\"a\":[]}}"),
		400);
	town_expect_error(t, "invalid_param", "variables.$a");
}

/* --- the log --- */

static void add_entry(struct deed *d, void *ctx)
{
	struct service_log entry = { .type = "log_message", .content = SLICE_LIT("old"), .elapsed_ms = -1 };

	(void)ctx;
	service_log_add(d, &entry);
}

static void grow_old(struct deed *d, void *ctx)
{
	int64_t *days = ctx;

	tick_due(d, d->now_ms + *days * 86400000, 100);
}

static void log_entries_go_after_a_month(void **state)
{
	struct town *t = *state;
	int64_t days = 30;

	town_do(t, add_entry, NULL);
	town_do(t, grow_old, &days);
	assert_int_equal(staff_logged(t, "", "old"), 1);
	days = 32;
	town_do(t, grow_old, &days);
	assert_int_equal(staff_logged(t, "", "old"), 0);
}

static void failures_are_explained(void **state)
{
	static const struct {
		int code;
		const char *reason, *says;
	} rows[] = {
		{ 403, "", "HTTP 403: the secret" },
		{ 301, "https://new.example/x", "use that URL instead" },
		{ 302, "https://new.example/x", "redirects to https://new.example/x" },
		{ 201, "", "only exactly 200" },
		{ 503, "", "HTTP 503: the server could not reach" },
		{ 599, "", "HTTP 599: the server failed" },
		{ 418, "", "HTTP 418: the server refused" },
		{ 700, "", "HTTP 700" },
		{ -FAILURE_TIMEOUT, "no whole answer within 10000 ms", "timed out: answer sooner" },
		{ -FAILURE_DNS, "", "check the host" },
		{ -FAILURE_CONNECT, "connection refused", "connect: connection refused" },
		{ -FAILURE_TLS, "", "certificate" },
		{ -FAILURE_TOO_LARGE, "", "256 KiB" },
		{ -FAILURE_REFUSED_ADDRESS, "", "80, 443, 8000, 8080, 8443" },
		{ 0, "it was not tried", "it was not tried" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		explain_failure(rows[i].code, slice_str(rows[i].reason), SLICE_LIT("http://h/"), &out);
		if (!strstr(buf_str(&out), rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", buf_str(&out), rows[i].says);
		assert_int_equal(strncmp(buf_str(&out), "http://h/: ", 11), 0);
	}
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_webhook_is_asked_and_answers),
		CASE(the_first_that_handles_is_the_last),
		CASE(return_value_decides),
		CASE(a_failing_webhook_does_not_hold_up_the_next),
		CASE(a_redirect_is_not_followed),
		CASE(a_webhook_that_is_down_is_passed_over),
		CASE(a_held_run_waits),
		CASE(a_run_survives_its_service),
		CASE(filters_pass_over_services),
		CASE(short_codes_need_all),
		CASE(an_endpoint_may_answer),
		CASE(services_are_made_and_changed),
		CASE(a_shown_secret_comes_back_as_it_was),
		CASE(an_endpoint_that_was_left_behind_is_mended),
		CASE(what_is_wrong_is_named),
		CASE(put_makes_and_replaces),
		CASE(put_refuses),
		CASE(states_over_rest),
		CASE(a_deleted_service_leaves_no_states),
		CASE(services_are_invoked_by_hand),
		CASE(log_entries_go_after_a_month),
		cmocka_unit_test(failures_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
