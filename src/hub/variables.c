/*
 * Variables. A name is a thing and one of its members (contact.name, state.vars.step), one of the incoming message's
 * own words (content, word1, remainder1), a temporary one that lives as long as a service works on a message ($foo,
 * return_value), or the time. The tables below say what can be read; what can be written is a table as well, since each
 * thing has a way of its own to be changed.
 *
 * A thing that is changed is loaded again where others may have changed it meanwhile, and the copy in the scope takes
 * its place.
 */
#include "hub/variables.h"

#include <assert.h>

#include "base/text.h"
#include "hub/contact.h"
#include "hub/message.h"
#include "hub/record_parts.h"
#include "hub/state.h"

#define TEMPORARY_MAX	((size_t)1 << 20)
#define TEMPORARY_COUNT 100
#define VALUE_MAX	4096
#define PROJECT_TEXT	((size_t)1 << 20)

static const char *const message_members[] = {
	"id",	      "direction",	"status",	 "message_type", "source",	"time_created",
	"time_sent",  "time_updated",	"from_number",	 "to_number",	 "content",	"starred",
	"simulated",  "priority",	"error_message", "error_code",	 "external_id", "num_parts",
	"price",      "price_currency", "duration",	 "ring_time",	 "audio_url",	"tts_lang",
	"tts_voice",  "track_clicks",	"network_code",	 "time_clicked", "service_id",	"phone_id",
	"contact_id", "route_id",	"broadcast_id",	 "scheduled_id", "user_id",	"send_attempts",
	NULL,
};
static const char *const contact_members[] = {
	"id",
	"name",
	"phone_number",
	"time_created",
	"time_updated",
	"send_blocked",
	"conversation_status",
	"last_message_time",
	"last_incoming_message_time",
	"last_outgoing_message_time",
	"message_count",
	"incoming_message_count",
	"outgoing_message_count",
	"last_message_id",
	"default_route_id",
	NULL,
};
static const char *const phone_members[] = { "id",	    "name",	    "phone_number",	"phone_type", "country",
					     "send_paused", "time_created", "last_active_time", NULL };
static const char *const service_members[] = { "id", "name", "service_type", "priority", NULL };
static const char *const state_members[] = { "id", "time_created", "time_updated", "contact_id", "service_id", NULL };

typedef int write_fn(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
		     struct fault *fault);
static write_fn write_message, write_contact, write_phone, write_service, write_state, write_project;

#define NO_RECORD SIZE_MAX
static const struct thing {
	const char *name;
	size_t offset; /* of its record in the scope; NO_RECORD: the project */
	const char *const *members;
	write_fn *write;
} things[] = {
	{ "message", offsetof(struct reply_scope, message), message_members, write_message },
	{ "contact", offsetof(struct reply_scope, contact), contact_members, write_contact },
	{ "phone", offsetof(struct reply_scope, phone), phone_members, write_phone },
	{ "service", offsetof(struct reply_scope, service), service_members, write_service },
	{ "state", offsetof(struct reply_scope, state), state_members, write_state },
	{ "project", NO_RECORD, NULL, write_project },
};

/* "contact.vars.x" to the thing and "vars.x"; NULL: the name begins with none. */
static const struct thing *thing_of(struct slice name, struct slice *ret_member)
{
	size_t dot = slice_find(name, '.');

	for (size_t i = 0; dot < name.n && i < sizeof(things) / sizeof(things[0]); i++)
		if (slice_is(slice_of(name.p, dot), things[i].name)) {
			*ret_member = slice_from(name, dot + 1);
			return &things[i];
		}
	return NULL;
}

static struct record *record_of(const struct thing *t, const struct reply_scope *scope)
{
	struct record *r;

	memcpy(&r, (const char *)scope + t->offset, sizeof(r));
	return r;
}

/* "vars.x" to "x". */
static bool is_var(struct slice member, struct slice *ret)
{
	if (!slice_starts(member, SLICE_LIT("vars.")))
		return false;
	*ret = slice_from(member, 5);
	return true;
}

/* --- reading --- */

static void put_raw(struct deed *d, struct slice raw, struct buf *out)
{
	buf_add_slice(out, record_decode(d->arena, raw));
}

static struct record *project_record(struct deed *d)
{
	return record_load(d, KIND_PROJECT, SLICE_LIT("project"));
}

static bool read_project(struct deed *d, struct slice member, struct buf *out)
{
	struct json_doc doc;
	struct buf text;

	if (slice_is(member, "id")) {
		buf_add_slice(out, d->project);
		return true;
	}
	if (!slice_is(member, "name"))
		return false;
	json_doc_init(&doc);
	buf_init(&text, PROJECT_TEXT);
	if (book_project(d->book, d->project, &text) && !json_parse(&doc, buf_slice(&text), &json_limits_default, NULL))
		json_text(json_get(json_root(&doc), "name"), out);
	buf_free(&text);
	json_doc_free(&doc);
	return true;
}

static bool read_thing(struct deed *d, const struct thing *t, struct reply_scope *scope, struct slice member,
		       struct buf *out)
{
	struct record *r;
	struct slice var;

	if (is_var(member, &var)) {
		r = t->offset == NO_RECORD ? project_record(d) : record_of(t, scope);
		if (r && record_var_name(var))
			put_raw(d, record_var_raw(r, "vars", var), out);
		return record_var_name(var);
	}
	if (t->offset == NO_RECORD)
		return read_project(d, member, out);
	r = record_of(t, scope);
	if (!slice_among(member, t->members))
		return false;
	if (r)
		put_raw(d, record_raw(r, arena_str(d->arena, member)), out);
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first word of s; s becomes what follows it, without blanks in front. */
static struct slice next_word(struct slice *s)
{
	struct slice word;
	size_t n = 0, from = 0;

	while (from < s->n && is_blank(s->p[from]))
		from++;
	word = slice_from(*s, from);
	while (n < word.n && !is_blank(word.p[n]))
		n++;
	*s = slice_from(word, n);
	while (s->n > 0 && is_blank(s->p[0]))
		*s = slice_from(*s, 1);
	return slice_of(word.p, n);
}

/* "word3": the third one; "remainder3": what follows it. */
static bool read_words(struct deed *d, struct reply_scope *scope, struct slice name, struct buf *out)
{
	bool remainder = slice_starts(name, SLICE_LIT("remainder"));
	struct slice rest, word = SLICE_LIT("");
	long long count;

	if (!remainder && !slice_starts(name, SLICE_LIT("word")))
		return false;
	if (!slice_to_i64(slice_from(name, remainder ? 9 : 4), &count) || count < 1 || count > 1000)
		return false;
	rest = scope->message ? record_decode(d->arena, record_raw(scope->message, "content")) : SLICE_LIT("");
	for (long long i = 0; i < count; i++)
		word = next_word(&rest);
	buf_add_slice(out, remainder ? rest : word);
	return true;
}

static bool is_temporary(struct slice name)
{
	return slice_is(name, "return_value") ||
	       (slice_starts(name, SLICE_LIT("$")) && record_var_name(slice_from(name, 1)));
}

static void read_temporary(const struct reply_scope *scope, struct slice name, struct buf *out)
{
	struct json_doc doc;

	json_doc_init(&doc);
	if (scope->temporary.n > 0 && !json_parse(&doc, scope->temporary, &json_limits_default, NULL))
		json_text(json_get_slice(json_root(&doc), name), out);
	json_doc_free(&doc);
}

bool variable_read(struct deed *d, struct reply_scope *scope, struct slice name, struct buf *out)
{
	struct slice member;
	const struct thing *t = thing_of(name, &member);

	if (t)
		return read_thing(d, t, scope, member, out);
	if (is_temporary(name)) {
		read_temporary(scope, name, out);
		return true;
	}
	if (slice_is(name, "time")) {
		time_add_datetime(out, d->now_ms / 1000);
		return true;
	}
	return read_words(d, scope, name, out) || read_thing(d, &things[0], scope, name, out);
}

/* --- texts --- */

/* One line for each name, however often it stands in the text. */
static void note_unknown(struct slice name, struct buf *notes)
{
	struct buf line;

	if (!notes)
		return;
	buf_init(&line, 200);
	buf_addf(&line, "[[%.*s]] is no variable: nothing stands in its place\n", SLICE_HEAD(name, 80));
	if (!strstr(buf_str(notes), buf_str(&line)))
		buf_add_slice(notes, buf_slice(&line));
	buf_free(&line);
}

/* The offset of two equal characters in a row, or s.n. */
static size_t find_pair(struct slice s, char c)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == c && s.p[i + 1] == c)
			return i;
	return s.n;
}

void variables_expand(struct deed *d, struct reply_scope *scope, struct slice text, struct buf *out, struct buf *notes)
{
	while (text.n > 0 && !buf_failed(out)) {
		size_t open = find_pair(text, '['), end;
		struct slice name;

		buf_add(out, text.p, open);
		text = slice_from(text, open);
		end = find_pair(text, ']');
		if (end == text.n) { /* never closed: it is text */
			buf_add_slice(out, text);
			return;
		}
		name = slice_trim(slice_of(text.p + 2, end - 2));
		if (!variable_read(d, scope, name, out))
			note_unknown(name, notes);
		text = slice_from(text, end + 2);
	}
}

/* --- writing --- */

static int read_only(const char *thing, struct slice member, const char *writable, struct fault *fault)
{
	return fault_param(fault, "", "%s.%.*s cannot be set; %s", thing, SLICE_HEAD(member, 80), writable);
}

static int is_absent(const char *thing, struct fault *fault)
{
	return fault_param(fault, "", "there is no %s here whose variables could be set", thing);
}

static int write_message(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
			 struct fault *fault)
{
	struct slice var;

	if (!is_var(member, &var))
		return read_only("message", member, "use message.vars.NAME", fault);
	if (!scope->message)
		return is_absent("message", fault);
	return message_var(d, scope->message, var, json_raw(value), fault);
}

static int write_contact(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
			 struct fault *fault)
{
	int err;

	if (!scope->contact)
		return is_absent("contact", fault);
	err = contact_set(d, scope->contact, member, json_raw(value), fault);
	if (err)
		return err;
	record_save(d, scope->contact);
	return 0;
}

/* vars.NAME of a record whose other members are not to be set; *r is loaded again and saved. */
static int write_var(struct deed *d, struct record **r, const char *thing, struct slice member, struct json value,
		     struct fault *fault)
{
	struct record *fresh;
	struct slice var;
	int err;

	if (!is_var(member, &var))
		return read_only(thing, member, "only its vars can", fault);
	fresh = *r ? record_load(d, record_kind(*r), record_id(*r)) : NULL;
	if (!fresh)
		return is_absent(thing, fault);
	err = record_var_set(fresh, "vars", var, json_raw(value), fault);
	if (!err) {
		record_save(d, fresh);
		*r = fresh;
	}
	return err;
}

static int write_phone(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
		       struct fault *fault)
{
	return write_var(d, &scope->phone, "phone", member, value, fault);
}

static int write_service(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
			 struct fault *fault)
{
	return write_var(d, &scope->service, "service", member, value, fault);
}

static int write_project(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
			 struct fault *fault)
{
	struct record *r = project_record(d);
	struct slice var;
	int err;

	(void)scope;
	if (!is_var(member, &var))
		return read_only("project", member, "only its vars can", fault);
	if (!r)
		r = record_new(d, KIND_PROJECT, "project");
	err = record_var_set(r, "vars", var, json_raw(value), fault);
	if (!err)
		record_save(d, r);
	return err;
}

static int write_state_id(struct deed *d, struct reply_scope *scope, struct json value, struct fault *fault)
{
	struct record *state = scope->state;
	int err;

	if (json_is_nil(value)) {
		if (state)
			record_delete(d, state);
		scope->state = NULL;
		return 0;
	}
	if (!state)
		state = state_make(d, record_id(scope->service), record_id(scope->contact));
	err = state_set_id(state, value, fault);
	if (err)
		return err;
	record_set_i64(state, "time_updated", d->now_ms / 1000);
	record_save(d, state);
	scope->state = state;
	return 0;
}

static int write_state(struct deed *d, struct reply_scope *scope, struct slice member, struct json value,
		       struct fault *fault)
{
	struct slice var;
	int err;

	if (!scope->service || !scope->contact)
		return is_absent("state", fault);
	if (slice_is(member, "id"))
		return write_state_id(d, scope, value, fault);
	if (!is_var(member, &var))
		return read_only("state", member, "use state.id or state.vars.NAME", fault);
	if (!scope->state)
		return fault_param(fault, "", "a state without an id keeps no variables; set state.id as well");
	err = record_var_set(scope->state, "vars", var, json_raw(value), fault);
	if (err)
		return err;
	record_set_i64(scope->state, "time_updated", d->now_ms / 1000);
	record_save(d, scope->state);
	return 0;
}

/* Writes old without name, and name behind it; returns how many there are then. */
static uint32_t lay_over(struct json old, struct slice name, struct json value, struct buf *out)
{
	struct json_writer w;
	uint32_t count = 0;

	json_writer_init(&w, out);
	json_begin_object(&w);
	for (struct json_iter it = json_each(old); json_next(&it);) {
		if (slice_eq(json_escaped_text(it.key), name))
			continue;
		json_key_slice(&w, json_escaped_text(it.key));
		json_put_raw(&w, json_raw(it.value));
		count++;
	}
	if (json_type(value) != JSON_NULL) {
		json_key_slice(&w, name);
		json_put_raw(&w, json_raw(value));
		count++;
	}
	json_end_object(&w);
	return count;
}

static int write_temporary(struct deed *d, struct reply_scope *scope, struct slice name, struct json value,
			   struct fault *fault)
{
	struct slice old = scope->temporary.n > 0 ? scope->temporary : SLICE_LIT("{}");
	struct json_doc doc;
	struct buf text;
	int err;

	if (json_raw(value).n > 6 * VALUE_MAX)
		return fault_param(fault, "", "%.*s is too long; a variable holds at most %d bytes", SLICE_ARG(name),
				   VALUE_MAX);
	json_doc_init(&doc);
	buf_init(&text, TEMPORARY_MAX);
	err = json_parse(&doc, old, &json_limits_default, NULL);
	assert(!err); /* made here */
	if (lay_over(json_root(&doc), name, value, &text) > TEMPORARY_COUNT || buf_failed(&text))
		err = fault_param(fault, "", "there are at most %d temporary variables", TEMPORARY_COUNT);
	else
		scope->temporary = arena_slice(d->arena, buf_slice(&text));
	buf_free(&text);
	json_doc_free(&doc);
	return err;
}

int variable_set(struct deed *d, struct reply_scope *scope, struct slice name, struct json value, struct fault *fault)
{
	struct slice member;
	const struct thing *t = thing_of(name, &member);

	if (json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT)
		return fault_param(fault, "", "a variable is a string, a number, true, false or null, not %s",
				   json_type_name(json_type(value)));
	if (t)
		return t->write(d, scope, member, value, fault);
	if (is_temporary(name))
		return write_temporary(d, scope, name, value, fault);
	return fault_param(fault, "",
			   "there is no variable of this name; use contact.name, contact.vars.NAME, state.id, $NAME, "
			   "return_value and so on");
}

int variable_set_text(struct deed *d, struct reply_scope *scope, struct slice name, struct slice text,
		      struct fault *fault)
{
	struct json_doc doc;
	struct buf json;
	int err;

	json_doc_init(&doc);
	buf_init(&json, 6 * text.n + 2);
	json_add_string(&json, text);
	err = json_parse(&doc, buf_slice(&json), &json_limits_default, fault);
	assert(!err);
	err = variable_set(d, scope, name, json_root(&doc), fault);
	buf_free(&json);
	json_doc_free(&doc);
	return err;
}

bool variable_return_value(const struct reply_scope *scope, bool *ret)
{
	static const char *const untrue[] = { "", "0", "false" };
	struct json_doc doc;
	struct buf text;
	struct json v;
	bool is_set = false;

	json_doc_init(&doc);
	buf_init(&text, TEMPORARY_MAX);
	if (scope->temporary.n > 0 && !json_parse(&doc, scope->temporary, &json_limits_default, NULL)) {
		v = json_get(json_root(&doc), "return_value");
		is_set = !json_is_nil(v);
		json_text(v, &text);
	}
	*ret = is_set;
	for (size_t i = 0; i < sizeof(untrue) / sizeof(untrue[0]); i++)
		*ret = *ret && !slice_is(buf_slice(&text), untrue[i]);
	buf_free(&text);
	json_doc_free(&doc);
	return is_set;
}
