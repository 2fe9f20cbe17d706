/*
 * Polls: questions asked one after the other, each answer kept in a variable, actions at the end. The contact's state
 * says which question was asked last: "q1", "q2", …, and "done" after the last answer.
 *
 * A poll begins when it is invoked for a contact, or, if it has a keyword, with a message whose first word is that.
 * Invoked once more it asks the current question again; the keyword, and invoking it when it is done, begin anew. While
 * a question is open every message of the contact is an answer to it. One that is none of the choices handles the
 * message too, and the question comes again, after invalid_text if there is one.
 */
#include <stdio.h>

#include "hub/service_parts.h"
#include "hub/variables.h"

#define QUESTIONS_MAX 100
#define CHOICES_MAX   50
#define DONE	      "done"

/* --- checking --- */

static int check_choices(struct json choices, struct fault *fault)
{
	if (json_is_nil(choices))
		return 0;
	if (json_type(choices) != JSON_ARRAY)
		return fault_param(fault, "choices", "must be a list of texts");
	for (struct json_iter it = json_each(choices); json_next(&it);) {
		if (it.index == CHOICES_MAX)
			return fault_param(fault, "choices", "a question has at most %d choices", CHOICES_MAX);
		if (json_type(it.value) != JSON_STRING || json_raw(it.value).n == 2) {
			fault_param(fault, "", "must be a text");
			fault_within(fault, "choices[%u]", it.index);
			return ERR_INVALID;
		}
	}
	return 0;
}

static int check_question(struct json q, struct fault *fault)
{
	static const char *const names[] = { "text", "variable", "choices", NULL };
	int err;

	if (json_type(q) != JSON_OBJECT)
		return fault_param(fault, "",
				   "a question is an object: {\"text\":\"…\",\"variable\":\"contact.vars.x\"}");
	err = check_members(q, names, fault);
	if (!err)
		err = check_text(q, "text", true, fault);
	if (!err)
		err = check_text(q, "variable", true, fault);
	return err ? err : check_choices(json_get(q, "choices"), fault);
}

static int check_questions(struct json questions, struct fault *fault)
{
	struct json_iter it = json_each(questions);
	uint32_t count = 0;

	if (json_type(questions) != JSON_ARRAY)
		return fault_param(fault, "questions", "must be a list of questions");
	while (json_next(&it)) {
		if (++count > QUESTIONS_MAX)
			return fault_param(fault, "questions", "a poll has at most %d questions", QUESTIONS_MAX);
		if (check_question(it.value, fault)) {
			fault_within(fault, "questions[%u]", it.index);
			return ERR_INVALID;
		}
	}
	return count > 0 ? 0 : fault_param(fault, "questions", "is empty; a poll has at least one question");
}

int poll_check(struct json config, struct fault *fault)
{
	static const char *const names[] = { "questions", "actions", "keyword", "invalid_text", NULL };
	int err = check_members(config, names, fault);

	if (!err)
		err = check_text(config, "keyword", false, fault);
	if (!err)
		err = check_text(config, "invalid_text", false, fault);
	if (!err)
		err = check_questions(json_get(config, "questions"), fault);
	if (err || json_is_nil(json_get(config, "actions")))
		return err;
	err = rules_check(json_get(config, "actions"), fault);
	if (err)
		fault_within(fault, "actions");
	return err;
}

/* --- where the contact is --- */

static struct json config_of(const struct run *r)
{
	return json_root(&r->config);
}

/* Of a question, from 1; 0: none is open. */
static uint32_t open_question(struct run *r)
{
	struct slice id = r->scope.state ? record_text(r->scope.state, "id") : SLICE_LIT("");
	long long number;

	if (!slice_starts(id, SLICE_LIT("q")) || !slice_to_i64(slice_from(id, 1), &number) || number < 1 ||
	    number > QUESTIONS_MAX)
		return 0;
	return (uint32_t)number;
}

/* NONE behind the last one. */
static struct json question(struct run *r, uint32_t number)
{
	char path[24];

	snprintf(path, sizeof(path), "questions.%u", number - 1);
	return json_path(config_of(r), slice_str(path));
}

static void set(struct run *r, struct slice variable, struct slice text)
{
	struct fault fault = NO_FAULT;

	if (variable_set_text(&r->deed, &r->scope, variable, text, &fault))
		run_logf(r, "error", true, "%.*s was not set: %s", SLICE_ARG(variable), fault.message);
}

static void say(struct run *r, struct json text)
{
	struct reply_scope *s = &r->scope;
	struct message_send send = { .content = reply_text(&r->deed, s, text, NULL) };

	send.to_number = s->message ? record_text(s->message, "from_number") : record_text(s->contact, "phone_number");
	run_send(r, &send);
}

static void ask(struct run *r, uint32_t number)
{
	char id[16];

	snprintf(id, sizeof(id), "q%u", number);
	set(r, SLICE_LIT("state.id"), slice_str(id));
	say(r, json_get(question(r, number), "text"));
}

/* What a poll before this one left is forgotten. */
static void begin(struct run *r)
{
	if (r->scope.state)
		record_delete(&r->deed, r->scope.state);
	r->scope.state = NULL;
	ask(r, 1);
}

/* --- answers --- */

/* The answer as it is kept: of a question with choices the choice, which may be answered by its number. */
static bool read_answer(struct run *r, struct json q, struct slice *ret)
{
	struct slice text = slice_trim(record_text(r->scope.message, "content"));
	struct json choices = json_get(q, "choices");
	long long number = 0;

	*ret = text;
	if (json_is_nil(choices))
		return true;
	slice_to_i64(text, &number);
	for (struct json_iter it = json_each(choices); json_next(&it);) {
		*ret = reply_text(&r->deed, &r->scope, it.value, NULL);
		if (slice_eq_nocase(*ret, text) || (long long)it.index + 1 == number)
			return true;
	}
	return false;
}

/* "color" is short for contact.vars.color. */
static struct slice variable_of(struct run *r, struct json q)
{
	struct slice name = reply_text(&r->deed, &r->scope, json_get(q, "variable"), NULL);
	struct buf out;

	if (slice_find(name, '.') < name.n || slice_starts(name, SLICE_LIT("$")))
		return name;
	buf_init(&out, 255);
	buf_add_str(&out, "contact.vars.");
	buf_add_slice(&out, name);
	return arena_take_buf(r->deed.arena, &out);
}

static enum run_step take(struct run *r, uint32_t number)
{
	struct json q = question(r, number);
	struct slice answer;

	r->acted = true;
	if (!read_answer(r, q, &answer)) {
		if (!json_is_nil(json_get(config_of(r), "invalid_text")))
			say(r, json_get(config_of(r), "invalid_text"));
		ask(r, number);
		return RUN_ENDS;
	}
	set(r, variable_of(r, q), answer);
	if (json_type(question(r, number + 1)) == JSON_OBJECT) {
		ask(r, number + 1);
		return RUN_ENDS;
	}
	set(r, SLICE_LIT("state.id"), SLICE_LIT(DONE));
	return rules_begin(r, json_get(config_of(r), "actions"));
}

static bool is_keyword(struct run *r)
{
	struct buf word, keyword;
	bool is;

	buf_init(&word, 65536);
	buf_init(&keyword, 65536);
	variable_read(&r->deed, &r->scope, SLICE_LIT("word1"), &word);
	json_text(json_get(config_of(r), "keyword"), &keyword);
	is = keyword.n > 0 && slice_eq_nocase(slice_trim(buf_slice(&keyword)), buf_slice(&word));
	buf_free(&word);
	buf_free(&keyword);
	return is;
}

enum run_step poll_start(struct run *r)
{
	uint32_t number = open_question(r);

	if (!r->scope.contact)
		return RUN_ENDS;
	if (json_type(question(r, number > 0 ? number : 1)) != JSON_OBJECT)
		number = 0; /* there are fewer questions than there were */
	if (r->scope.message && is_keyword(r))
		begin(r);
	else if (r->scope.message && number > 0)
		return take(r, number);
	else if (!r->scope.message && number > 0)
		ask(r, number);
	else if (!r->scope.message || r->alone)
		begin(r);
	return RUN_ENDS;
}

enum run_step poll_resume(struct run *r)
{
	return rules_resume(r, json_get(config_of(r), "actions"));
}
