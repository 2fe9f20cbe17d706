/* The rules engine: actions, conditions, variables in texts, webhooks in the middle. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "hub/variables.h"
#include "staff.h"

#define CASE(f) cmocka_unit_test_setup_teardown(f, staff_begin, town_end)

#define RULES	  "{\"service_type\":\"custom_actions\",\"name\":\"%s\",\"config\":{\"actions\":[%s]}}"
#define LOG(text) "{\"type\":\"log_message\",\"text\":\"" text "\"}"
#define IF(left, op, right, then)                                                                                      \
	"{\"type\":\"if\",\"condition\":{\"left\":\"" left "\",\"op\":\"" op "\",\"right\":\"" right                   \
	"\"},\"then\":[" then "]}"

static void seed_example(void **state)
{
	struct town *t = *state;
	char id[64], message[64], actions[1024];

	town_answer(t, "/hook", 200, "application/json",
		    "{\"variables\":{\"contact.name\":\"John Smith\",\"$foo\":42}}");
	snprintf(actions, sizeof(actions), "{\"type\":\"notify_webhook\",%s,%s", staff_webhook(t, "/hook", "") + 1,
		 LOG("foo = [[$foo]], name = [[contact.name]]"));
	staff_service(t, id, RULES, "R", actions);
	staff_message(t, message, "x");
	assert_string_equal(town_field(t, "/hook", 0, "secret"), "s3cret");
	staff_settle(t, message);
	assert_int_equal(staff_logged(t, id, "foo = 42, name = John Smith"), 1);
}

static void a_failing_webhook_counts_as_no_answer(void **state)
{
	struct town *t = *state;
	char id[64], message[64], actions[1024];

	town_answer(t, "/hook", 500, "text/plain", "");
	snprintf(actions, sizeof(actions), "%s,{\"type\":\"notify_webhook\",%s,%s", LOG("before"),
		 staff_webhook(t, "/hook", "") + 1, LOG("after [[$foo]]."));
	staff_service(t, id, RULES, "R", actions);
	staff_message(t, message, "x");
	town_body(t, "/hook", 0);
	staff_settle(t, message);
	assert_int_equal(staff_logged(t, id, "after ."), 1);
	assert_int_equal(staff_logged(t, id, "HTTP 500"), 1);
	town_answer(t, "/hook", 200, "application/json",
		    "{\"variables\":{\"$foo\":1},\"messages\":[{\"content\":\"late\"}]}");
	TOWN_WAIT(staff_sent(t, "late") == 1);
	assert_int_equal(staff_logged(t, id, "before"), 1);
	assert_int_equal(staff_logged(t, id, "after"), 1);
}

static void webhooks_inside_ifs(void **state)
{
	struct town *t = *state;
	char id[64], message[64], actions[4096], hook[512];

	town_answer(t, "/a", 200, "application/json", "{\"variables\":{\"$a\":\"from a\"}}");
	town_answer(t, "/b", 200, "application/json", "{\"variables\":{\"$b\":\"from b\"}}");
	snprintf(hook, sizeof(hook), "%s", staff_webhook(t, "/a", "") + 1);
	snprintf(actions, sizeof(actions),
		 "%s,{\"type\":\"if\",\"condition\":{\"left\":\"[[$a]]\",\"op\":\"exists\"},\"then\":[%s],\"else\":["
		 "{\"type\":\"if\",\"condition\":{\"left\":\"1\",\"op\":\"exists\"},\"then\":["
		 "{\"type\":\"notify_webhook\",%s,%s]},%s,{\"type\":\"notify_webhook\",%s,%s]},%s",
		 LOG("start"), LOG("wrong"), hook, LOG("inner [[$a]]"), LOG("outer [[$a]]"),
		 staff_webhook(t, "/b", "") + 1, LOG("outer [[$b]]"), LOG("end [[$a]] [[$b]]"));
	staff_service(t, id, RULES, "R", actions);
	staff_message(t, message, "x");
	town_body(t, "/b", 0);
	staff_settle(t, message);
	assert_int_equal(staff_logged(t, id, "start"), 1);
	assert_int_equal(staff_logged(t, id, "wrong"), 0);
	assert_int_equal(staff_logged(t, id, "inner from a"), 1);
	assert_int_equal(staff_logged(t, id, "outer from a"), 1);
	assert_int_equal(staff_logged(t, id, "outer from b"), 1);
	assert_int_equal(staff_logged(t, id, "end from a from b"), 1);
	assert_int_equal(town_count(t, "/a"), 1);
}

static void actions_act(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	staff_service(t, id, RULES, "R",
		      "{\"type\":\"send_reply\",\"content\":\"Hello [[word1]], rest: [[remainder1]]\"},"
		      "{\"type\":\"send_message\",\"to_number\":\"+46709999999\",\"content\":\"[[contact.name]] "
		      "wrote\"},"
		      "{\"type\":\"set_variable\",\"name\":\"contact.name\",\"value\":\"[[word2]]\"},"
		      "{\"type\":\"set_variable\",\"name\":\"contact.vars.n\",\"value\":7},"
		      "{\"type\":\"set_variable\",\"name\":\"message.vars.m\",\"value\":true},"
		      "{\"type\":\"set_variable\",\"name\":\"service.vars.s\",\"value\":\"x\"},"
		      "{\"type\":\"set_variable\",\"name\":\"phone.vars.p\",\"value\":\"y\"},"
		      "{\"type\":\"set_variable\",\"name\":\"project.vars.j\",\"value\":\"z\"},"
		      "{\"type\":\"set_variable\",\"name\":\"state.id\",\"value\":\"q1\"},"
		      "{\"type\":\"set_variable\",\"name\":\"state.vars.v\",\"value\":\"w\"},"
		      "{\"type\":\"add_group\",\"group\":\"Friends\"},"
		      "{\"type\":\"add_label\",\"label\":\"Seen\"},"
		      "{\"type\":\"log_message\",\"text\":\"[[contact.name]] [[contact.vars.n]] [[message.vars.m]] "
		      "[[service.vars.s]] [[phone.vars.p]] [[project.vars.j]] [[state.id]] [[state.vars.v]] "
		      "[[project.name]] [[service.name]] [[phone.country]]\"},"
		      "{\"type\":\"stop\"},{\"type\":\"log_message\",\"text\":\"never\"}");
	staff_message(t, message, "hi  Bob how are you");
	assert_int_equal(staff_sent(t, "Hello hi, rest: Bob how are you"), 1);
	assert_int_equal(staff_logged(t, id, "Bob 7 true x y z q1 w P R SE"), 1);
	assert_int_equal(staff_logged(t, id, "never"), 0);
	assert_int_equal(town_read(t, rest_message, message, NULL), 200);
	town_expect(t, "service_id", id);
	assert_true(strlen(town_text(t, "label_ids.0")) > 10);
	assert_int_equal(town_read(t, rest_contact, town_text(t, "contact_id"), NULL), 200);
	town_expect(t, "name", "Bob");
	town_expect(t, "outgoing_message_count", "1");
	assert_true(strlen(town_text(t, "group_ids.0")) > 10);
	assert_int_equal(town_read(t, rest_services, NULL, NULL), 200);
	town_expect(t, "data.0.vars.s", "x");
}

static void what_cannot_be_done_is_logged(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	staff_service(t, id, RULES, "R",
		      "{\"type\":\"set_variable\",\"name\":\"contact.id\",\"value\":\"x\"},"
		      "{\"type\":\"set_variable\",\"name\":\"nonsense\",\"value\":\"x\"},"
		      "{\"type\":\"set_variable\",\"name\":\"state.vars.x\",\"value\":\"x\"},"
		      "{\"type\":\"email\",\"to\":\"a@example.org\",\"subject\":\"s\",\"text\":\"t\"},"
		      "{\"type\":\"remove_group\",\"group\":\"Nobody\"},"
		      "{\"type\":\"log_message\",\"text\":\"[[contact.nmae]][[contact.nmae]] [[what]] [[ unclosed\"}");
	staff_message(t, message, "x");
	assert_int_equal(staff_logged(t, id, "contact.id was not set"), 1);
	assert_int_equal(staff_logged(t, id, "nonsense was not set: there is no variable"), 1);
	assert_int_equal(staff_logged(t, id, "state.vars.x was not set: a state without an id"), 1);
	assert_int_equal(staff_logged(t, id, "no mail server"), 1);
	assert_int_equal(staff_logged(t, id, "no such group"), 1);
	assert_int_equal(staff_logged(t, id, "[[contact.nmae]] is no variable"), 1);
	assert_int_equal(staff_logged(t, id, "[[what]] is no variable"), 1);
	assert_int_equal(staff_logged(t, id, "  [[ unclosed"), 1);
	town_read(t, rest_message, message, NULL);
	assert_int_equal(json_type(town_at(t, "service_id")), JSON_NULL);
}

static void a_changed_group_handles(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64];

	staff_service(t, a, RULES, "A", "{\"type\":\"add_group\",\"group\":\"G\"}");
	staff_service(t, b, RULES, "B", LOG("b ran"));
	staff_message(t, message, "1");
	assert_int_equal(staff_logged(t, b, "b ran"), 0);
	/* The second time the contact is in the group already. */
	staff_message(t, message, "2");
	assert_int_equal(staff_logged(t, b, "b ran"), 1);
}

static void conditions_hold_or_not(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	staff_service(
		t, id, RULES, "R",
		IF("[[word1]]", "equals", "yes", LOG("1")) "," IF("[[word1]]", "not_equals", "no", LOG("2")) "," IF(
			"[[content]]", "contains", "MAYB",
			LOG("3")) "," IF("[[content]]", "begins_with", "yes ",
					 LOG("4")) "," IF("[[from_number]]", "matches_number", "46 70-111 22 33",
							  LOG("5")) "," IF("[[word3]]", "gt", "9",
									   LOG("6")) "," IF("[[word3]]", "lt", "9.5",
											    LOG("no6")) "," IF("[[$x]]",
													       "exists",
													       "",
													       LOG("no"
														   "7")) "," IF("[[word1]]",
																"equals",
																"no",
																LOG("no8")) ",{\"type\":\"if\",\"condition\":{\"any\":[{\"left\":\"[[$x]]\",\"op\":\"exists\"},{\"all\":[{"
																	    "\"left\":\"a\",\"op\":\"exists\"},{\"left\":\"[[word1]]\",\"op\":\"equals\",\"right\":\"yes\"}]}]},"
																	    "\"then\":[" LOG("9") "],\"else\":[" LOG(
																		    "no9") "]}");
	staff_message(t, message, "YES maybe 10");
	for (int i = 1; i <= 9; i++) {
		char wanted[8];

		if (i == 7 || i == 8)
			continue;
		snprintf(wanted, sizeof(wanted), "%d", i);
		assert_int_equal(staff_logged(t, id, wanted), 1);
	}
	assert_int_equal(staff_logged(t, id, "no"), 0);
}

/* Each side the same letter a hundred thousand times, which took minutes when it was compared place by place. */
static void what_subscribers_write_holds_nothing_up(void **state)
{
	struct town *t = *state;
	char id[64], message[64], *content = mem_alloc(39001);

	memset(content, 'a', 39000);
	content[39000] = '\0';
	staff_service(t, id, RULES, "R",
		      IF("[[content]][[content]][[content]]", "contains", "[[content]]B",
			 LOG("no")) "," IF("[[content]][[content]]b", "contains", "[[content]]B",
					   LOG("yes")) "," LOG("[[content]][[content]][[content]][[content]]"));
	staff_message(t, message, content);
	assert_int_equal(staff_logged(t, id, "yes"), 1);
	assert_int_equal(staff_logged(t, id, "no"), 0);
	assert_int_equal(staff_logged(t, id, "the text was cut off"), 1);
	mem_free(content);
}

/* The texts of one message have 1 MiB in all, those of conditions with them. */
static void a_service_does_not_expand_for_ever(void **state)
{
	struct town *t = *state;
	char id[64], message[64], *content = mem_alloc(39001);
	const char *big = IF("[[content]]", "equals", "x", "") "," LOG("[[content]]") ",";
	struct buf actions;

	memset(content, 'a', 39000);
	content[39000] = '\0';
	buf_init(&actions, 4096);
	for (int i = 0; i < 12; i++)
		buf_add_str(&actions, big);
	buf_add_str(&actions, LOG("enough left"));
	staff_service(t, id, RULES, "R", buf_str(&actions));
	staff_message(t, message, content);
	assert_int_equal(staff_logged(t, id, "enough left"), 1); /* 24 times 39,000 */
	assert_int_equal(staff_logged(t, id, "was skipped"), 0);
	buf_truncate(&actions, actions.n - strlen(LOG("enough left")));
	for (int i = 0; i < 2; i++)
		buf_add_str(&actions, big);
	buf_add_str(&actions, LOG("none left"));
	staff_service(t, id, RULES, "R2", buf_str(&actions));
	staff_message(t, message, content);
	assert_int_equal(staff_logged(t, id, "none left"), 0); /* 28 times */
	assert_int_equal(staff_logged(t, id, "the rest of the actions was skipped"), 1);
	buf_free(&actions);
	mem_free(content);
}

static void addresses_that_are_none_are_named(void **state)
{
	struct town *t = *state;
	char id[64], message[64];

	staff_service(t, id, RULES, "R",
		      "{\"type\":\"email\",\"to\":\"[[content]]\",\"subject\":\"s\",\"text\":\"t\"}");
	staff_message(t, message, "\xc3\xa9@z.zz, a@example.org, <a@b.c>");
	assert_int_equal(staff_logged(t, id, "no mail to \"\xc3\xa9@z.zz\": that is no mail address"), 1);
	assert_int_equal(staff_logged(t, id, "no mail to \"<a@b.c>\""), 1);
	assert_int_equal(staff_logged(t, id, "a@example.org\""), 0);
	assert_int_equal(staff_logged(t, id, "no mail server is set up"), 1);
	staff_message(t, message, "<a@b.c>");
	assert_int_equal(staff_logged(t, id, "there is nobody to send it to"), 1);
}

static void names_that_are_too_long_make_nothing(void **state)
{
	struct town *t = *state;
	char id[64], message[64], content[301];

	memset(content, 'a', 300);
	content[300] = '\0';
	staff_service(t, id, RULES, "R",
		      "{\"type\":\"add_group\",\"group\":\"[[content]]\"},"
		      "{\"type\":\"add_label\",\"label\":\"[[content]]\"}");
	staff_message(t, message, content);
	assert_int_equal(staff_logged(t, id, "there is no such group"), 1);
	assert_int_equal(staff_logged(t, id, "there is no such label"), 1);
}

static void temporary_variables_end_with_the_service(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64];

	staff_service(t, a, RULES, "A", "{\"type\":\"set_variable\",\"name\":\"$x\",\"value\":\"1\"}," LOG("x=[[$x]]"));
	staff_service(t, b, RULES, "B", LOG("x=[[$x]]."));
	staff_message(t, message, "m");
	assert_int_equal(staff_logged(t, a, "x=1"), 1);
	assert_int_equal(staff_logged(t, b, "x=."), 1);
}

static void changing_a_service_ends_its_waiting_actions(void **state)
{
	struct town *t = *state;
	char a[64], b[64], message[64], actions[1024];

	town_answer(t, "/hook", 500, "text/plain", "");
	snprintf(actions, sizeof(actions), "{\"type\":\"notify_webhook\",%s,%s", staff_webhook(t, "/hook", "") + 1,
		 LOG("after"));
	staff_service(t, a, RULES, "A", actions);
	staff_service(t, b, RULES, "B", LOG("b ran"));
	staff_message(t, message, "m");
	staff_settle(t, message);
	assert_int_equal(staff_logged(t, b, "b ran"), 1);
	/* The endpoint of an action that is gone goes, and what it would have tried again with it. */
	assert_int_equal(town_block(t, rest_service_config_change, a, "{\"actions\":[]}"), 200);
	TOWN_WAIT(staff_logged(t, a, "it is not tried again") == 1);
}

/* --- reading variables --- */

struct reading {
	const char *name;
	bool known;
	char value[64];
};

static void read_one(struct deed *d, void *ctx)
{
	struct reply_scope scope = { .message = record_new(d, KIND_MESSAGE, "M1"),
				     .temporary = SLICE_LIT("{\"$a\":1.50,\"return_value\":false}") };
	struct reading *r = ctx;
	struct buf out;

	record_set_text(scope.message, "content", SLICE_LIT(" one\ttwo  three "));
	buf_init(&out, 1024);
	r->known = variable_read(d, &scope, slice_str(r->name), &out);
	slice_copy(r->value, sizeof(r->value), buf_slice(&out));
	buf_free(&out);
}

static void names_are_read(void **state)
{
	static const struct {
		const char *name, *value; /* NULL: no such variable */
	} rows[] = {
		{ "word1", "one" },
		{ "word2", "two" },
		{ "word3", "three" },
		{ "word4", "" },
		{ "word0", NULL },
		{ "wordx", NULL },
		{ "remainder1", "two  three " },
		{ "remainder3", "" },
		{ "message.id", "M1" },
		{ "id", "M1" },
		{ "contact.name", "" },
		{ "contact.vars.x", "" },
		{ "contact.vars.x y", NULL },
		{ "contact.x", NULL },
		{ "$a", "1.50" },
		{ "$b", "" },
		{ "$", NULL },
		{ "return_value", "false" },
		{ "project.id", "p" },
		{ "project.name", "P" },
		{ "project.vars.x", "" },
		{ "state.id", "" },
		{ "", NULL },
		{ "nothing.at.all", NULL },
		{ "message._run", NULL },
		{ "service._config", NULL },
		{ "service.config", NULL },
	};
	struct town *t = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reading r = { .name = rows[i].name };

		town_do(t, read_one, &r);
		if (r.known != (rows[i].value != NULL))
			fail_msg("%s: known %d", r.name, r.known);
		if (strcmp(r.value, rows[i].value ? rows[i].value : "") != 0)
			fail_msg("%s: \"%s\"", r.name, r.value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(seed_example),
		CASE(a_failing_webhook_counts_as_no_answer),
		CASE(webhooks_inside_ifs),
		CASE(actions_act),
		CASE(what_cannot_be_done_is_logged),
		CASE(a_changed_group_handles),
		CASE(conditions_hold_or_not),
		CASE(what_subscribers_write_holds_nothing_up),
		CASE(a_service_does_not_expand_for_ever),
		CASE(addresses_that_are_none_are_named),
		CASE(names_that_are_too_long_make_nothing),
		CASE(temporary_variables_end_with_the_service),
		CASE(changing_a_service_ends_its_waiting_actions),
		CASE(names_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
