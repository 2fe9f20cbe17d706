/*
 * What the answer to an incoming message asks for: variables to be set, then messages to be sent. The answer was
 * delivered whatever stands in it, so nothing here fails: what is wrong gets a line in the notes, which become the
 * service log's entry, and the rest is done.
 */
#include "hub/message.h"
#include "hub/record_parts.h"
#include "hub/service_parts.h"
#include "hub/variables.h"

#define BODY_MAX     (256 * 1024)
#define MESSAGES_MAX 20
#define NAME_SHOWN   80
#define TEXT_MAX     ((size_t)128 * 1024) /* three of the longest messages, and then some */

static const struct json_limits limits = { .depth = JSON_DEPTH_MAX, .nodes = 100000, .trailing_commas = true };

struct reply {
	struct deed *d;
	struct reply_scope *scope;
	struct buf *notes;
	struct reply_result *result;
};

void reply_reload(struct deed *d, struct reply_scope *scope)
{
	struct record *fresh = scope->contact ? record_load(d, KIND_CONTACT, record_id(scope->contact)) : NULL;

	if (fresh)
		scope->contact = fresh;
}

/* The text of a value, in the arena. */
static struct slice text_of(struct deed *d, struct json v)
{
	return json_is_nil(v) ? SLICE_LIT("") : record_decode(d->arena, arena_slice(d->arena, json_raw(v)));
}

struct slice reply_text(struct deed *d, struct reply_scope *scope, struct json text, struct buf *notes)
{
	struct deed reading = *d; /* a variable that stands in it a thousand times is decoded as often, and not kept */
	struct arena arena;
	struct slice full;
	struct buf out;

	arena_init(&arena);
	reading.arena = &arena;
	buf_init(&out, TEXT_MAX);
	variables_expand(&reading, scope, text_of(&reading, text), &out, notes);
	if (buf_failed(&out) && notes)
		buf_addf(notes, "the text was cut off: with its variables it has more than %zu bytes\n", TEXT_MAX);
	full = arena_slice(d->arena, buf_slice(&out));
	buf_free(&out);
	arena_free(&arena);
	return full;
}

static bool is_container(struct json v)
{
	return json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT;
}

/* --- variables --- */

static void set_variable(struct reply *y, struct json key, struct json value)
{
	struct slice name = text_of(y->d, key);
	struct fault fault = NO_FAULT;

	if (variable_set(y->d, y->scope, name, value, &fault))
		buf_addf(y->notes, "variables: %.*s was not set: %s\n", SLICE_HEAD(name, NAME_SHOWN), fault.message);
}

/* The state's id goes first: a state without one keeps no variables, and nobody writes JSON in the right order. */
static void set_variables(struct reply *y, struct json variables)
{
	struct json_iter it;

	if (json_is_nil(variables) || (json_type(variables) == JSON_ARRAY && json_raw(variables).n == 2))
		return; /* PHP writes an empty array for an empty object */
	if (json_type(variables) != JSON_OBJECT) {
		buf_addf(y->notes, "variables was ignored: it must be an object of names and values, not %s\n",
			 json_type_name(json_type(variables)));
		return;
	}
	for (it = json_each(variables); json_next(&it);)
		if (json_is(it.key, "state.id"))
			set_variable(y, it.key, it.value);
	for (it = json_each(variables); json_next(&it);)
		if (!json_is(it.key, "state.id"))
			set_variable(y, it.key, it.value);
}

/* --- messages --- */

static const char *const message_members[] = { "content",  "to_number", "message_type", "status_url", "status_secret",
					       "route_id", NULL };

/* Notes members that are not known or no texts; false when the message cannot be sent for it. */
static bool members_fit(struct reply *y, uint32_t index, struct json message)
{
	bool fit = true;

	for (struct json_iter it = json_each(message); json_next(&it);) {
		struct slice name = text_of(y->d, it.key);
		const char *const *known = message_members;

		while (*known && !slice_is(name, *known))
			known++;
		if (!*known)
			buf_addf(y->notes, "messages[%u].%.*s was ignored: there is no such parameter\n", index,
				 SLICE_HEAD(name, NAME_SHOWN));
		else if (is_container(it.value)) {
			buf_addf(y->notes, "messages[%u] was not sent: %s must be a text, not %s\n", index, *known,
				 json_type_name(json_type(it.value)));
			fit = false;
		}
	}
	return fit;
}

static bool type_fits(struct reply *y, uint32_t index, struct slice type)
{
	if (type.n == 0 || slice_is(type, "sms") || slice_is(type, "ussd"))
		return true;
	buf_addf(y->notes, "messages[%u] was not sent: message_type is \"%.*s\"; use sms or ussd\n", index,
		 SLICE_HEAD(type, NAME_SHOWN));
	return false;
}

static struct slice or_else(struct slice s, struct slice otherwise)
{
	return s.n > 0 ? s : otherwise;
}

static struct message_send ask_for(struct reply *y, struct json message)
{
	struct reply_scope *s = y->scope;
	struct deed *d = y->d;
	struct message_send ask = { .to_number = text_of(d, json_get(message, "to_number")),
				    .content = text_of(d, json_get(message, "content")),
				    .message_type = text_of(d, json_get(message, "message_type")),
				    .route_id = text_of(d, json_get(message, "route_id")),
				    .status_url = text_of(d, json_get(message, "status_url")),
				    .status_secret = text_of(d, json_get(message, "status_secret")),
				    .source = SLICE_LIT("webhook"),
				    .tell_queued = true };

	if (slice_is(ask.message_type, "ussd"))
		ask.content = SLICE_LIT("");
	if (ask.to_number.n == 0 && s->contact)
		ask.contact_id = record_id(s->contact);
	if (s->message) {
		ask.to_number = or_else(ask.to_number, record_text(s->message, "from_number"));
		ask.simulated = record_true(s->message, "simulated");
	}
	if (s->phone)
		ask.route_id = or_else(ask.route_id, record_id(s->phone));
	if (s->service)
		ask.service_id = record_id(s->service);
	return ask;
}

static void send_one(struct reply *y, uint32_t index, struct json message)
{
	struct fault fault = NO_FAULT;
	struct message_send ask;

	if (json_type(message) != JSON_OBJECT) {
		buf_addf(y->notes, "messages[%u] was not sent: it must be an object, not %s\n", index,
			 json_type_name(json_type(message)));
		return;
	}
	if (!members_fit(y, index, message))
		return;
	ask = ask_for(y, message);
	if (!type_fits(y, index, ask.message_type))
		return;
	if (message_send(y->d, &ask, NULL, &fault)) {
		buf_addf(y->notes, "messages[%u] was not sent: %s%s%s\n", index, fault.param,
			 fault.param[0] ? ": " : "", fault.message);
		return;
	}
	reply_reload(y->d, y->scope);
	y->result->messages++;
}

static void send_all(struct reply *y, struct json messages)
{
	if (json_is_nil(messages))
		return;
	if (json_type(messages) != JSON_ARRAY) {
		buf_addf(y->notes, "messages was ignored: it must be a list, not %s\n",
			 json_type_name(json_type(messages)));
		return;
	}
	for (struct json_iter it = json_each(messages); json_next(&it);) {
		if (it.index == MESSAGES_MAX) {
			buf_addf(y->notes,
				 "messages[%d] and what follows was not sent: an answer sends at most %d "
				 "messages; use the REST API for more\n",
				 MESSAGES_MAX, MESSAGES_MAX);
			return;
		}
		send_one(y, it.index, it.value);
	}
}

/* --- the answer --- */

/* Parameters are cut off already: application/json, text/json, application/vnd.x+json. */
static bool is_json(struct slice media_type)
{
	struct slice plus = SLICE_LIT("+json");

	return slice_eq_nocase(media_type, SLICE_LIT("application/json")) ||
	       slice_eq_nocase(media_type, SLICE_LIT("text/json")) ||
	       (media_type.n > plus.n && slice_eq_nocase(slice_from(media_type, media_type.n - plus.n), plus));
}

static bool is_blank(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(" \t\r\n", s.p[i]) || s.p[i] == '\0')
			return false;
	return true;
}

/* The most common mistake in a script: it says what it wants, and forgets to say that this is JSON. */
static void note_type(struct slice media_type, struct slice body, struct buf *notes)
{
	body = slice_trim(body);
	if (body.n > 0 && body.p[0] == '{')
		buf_addf(notes, "the answer was ignored: its Content-Type is \"%.*s\"; send application/json\n",
			 SLICE_HEAD(media_type, NAME_SHOWN));
}

static void note_members(struct reply *y, struct json answer)
{
	for (struct json_iter it = json_each(answer); json_next(&it);)
		if (!json_is(it.key, "messages") && !json_is(it.key, "variables"))
			buf_addf(y->notes, "%.*s was ignored: an answer has `messages` and `variables`\n",
				 SLICE_HEAD(json_escaped_text(it.key), NAME_SHOWN));
}

static void apply(struct reply *y, struct json answer)
{
	bool is_empty_list =
		json_type(answer) == JSON_ARRAY && json_type(json_path(answer, SLICE_LIT("0"))) == JSON_NONE;

	if (json_type(answer) != JSON_OBJECT) {
		if (!is_empty_list && json_type(answer) != JSON_NULL) /* what PHP's json_encode makes of nothing */
			buf_addf(y->notes, "the answer was ignored: it must be an object, not %s\n",
				 json_type_name(json_type(answer)));
		return;
	}
	note_members(y, answer);
	set_variables(y, json_get(answer, "variables"));
	send_all(y, json_get(answer, "messages"));
}

void reply_apply(struct deed *d, struct reply_scope *scope, struct slice media_type, struct slice body,
		 struct buf *notes, struct reply_result *ret)
{
	struct reply y = { d, scope, notes, ret };
	struct fault fault = NO_FAULT;
	struct json_doc doc;

	*ret = (struct reply_result){ 0 };
	if (!is_json(media_type))
		note_type(media_type, body, notes);
	if (!is_json(media_type) || is_blank(body))
		return;
	json_doc_init(&doc);
	if (body.n > BODY_MAX)
		buf_addf(notes, "the answer was ignored: it has more than %d bytes\n", BODY_MAX);
	else if (json_parse(&doc, body, &limits, &fault))
		buf_addf(notes, "the answer was ignored: it is no JSON, at byte %ld: %s\n", fault.position,
			 fault.message);
	else
		apply(&y, json_root(&doc));
	json_doc_free(&doc);
}
