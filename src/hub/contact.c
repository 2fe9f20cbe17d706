/*
 * Contacts as the hub itself uses them: found by number for each message, made when there is none, counted, changed by
 * an answer or a rule. The number is compared by its digits (keys.c), so what differs in plus signs, blanks and
 * brackets alone is one contact.
 */
#include "hub/contact_parts.h"
#include "hub/e164.h"
#include "hub/notice.h"
#include "hub/record_parts.h"

#define NAME_MAX_BYTES	 255
#define NUMBER_MAX_BYTES 64

struct record *contact_find(struct deed *d, struct slice number)
{
	if (keys_text(d->arena, FIELD_NUMBER, number).n == 0)
		return NULL;
	return record_first(d, KIND_CONTACT, FIELD_NUMBER, number);
}

struct record *contact_by_name(struct deed *d, struct slice name)
{
	return name.n > 0 ? record_first(d, KIND_CONTACT, FIELD_NAME, name) : NULL;
}

/* --- making --- */

struct record *contact_draft(struct deed *d, struct slice number, struct slice name)
{
	static const char *const counts[] = { "message_count", "incoming_message_count", "outgoing_message_count" };
	struct record *contact = record_new(d, KIND_CONTACT, NULL);

	record_set_given(contact, "name", name);
	record_set_given(contact, "phone_number", number);
	record_set_i64(contact, "time_updated", d->now_ms / 1000);
	record_set_bool(contact, "send_blocked", false);
	record_set_text(contact, "conversation_status", SLICE_LIT("closed"));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		record_set_i64(contact, counts[i], 0);
	record_set(contact, "group_ids", SLICE_LIT("[]"));
	record_set(contact, "vars", SLICE_LIT("{}"));
	return contact;
}

struct record *contact_create(struct deed *d, struct slice number, struct slice name, const char *update_type)
{
	struct record *contact = contact_draft(d, number, name);

	record_save(d, contact);
	if (update_type)
		notice_contact(d, contact, update_type);
	return contact;
}

static bool note_one(void *ctx, struct slice value, struct slice id, struct slice text)
{
	(void)value, (void)id, (void)text;
	*(bool *)ctx = true;
	return false;
}

bool contact_hub_used(struct deed *d)
{
	static const enum kind signs[] = { KIND_PHONE, KIND_SERVICE };
	bool used = false;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && !used; i++) {
		struct object_query q = { .project = d->project, .kind = (uint16_t)signs[i], .field = FIELD_ID };

		book_walk(d->book, &q, false, note_one, &used);
	}
	return used;
}

struct slice contact_number(struct deed *d, struct slice number, struct record *phone)
{
	struct slice country = phone ? record_text(phone, "country") : SLICE_LIT("");
	struct buf out;

	buf_init(&out, 64);
	if (e164_of(number, country, &out))
		number = arena_slice(d->arena, buf_slice(&out));
	buf_free(&out);
	return number;
}

struct record *contact_for_number(struct deed *d, struct slice number)
{
	struct record *contact = contact_find(d, number);
	struct deed platform = *d;

	if (contact)
		return contact;
	platform.origin = ORIGIN_PLATFORM; /* nobody asked for this contact: it is told whoever caused the message */
	return contact_create(&platform, number, SLICE_LIT(""), contact_hub_used(d) ? "auto_add" : NULL);
}

/* --- counting --- */

static void count_up(struct record *r, const char *name)
{
	record_set_i64(r, name, record_i64(r, name, 0) + 1);
}

void contact_count(struct deed *d, struct record *contact, const struct record *message, bool incoming)
{
	int64_t time = record_i64(message, "time_created", d->now_ms / 1000);

	count_up(contact, "message_count");
	count_up(contact, incoming ? "incoming_message_count" : "outgoing_message_count");
	record_set_i64(contact, "last_message_time", time);
	record_set_i64(contact, incoming ? "last_incoming_message_time" : "last_outgoing_message_time", time);
	record_set_text(contact, "last_message_id", record_id(message));
	if (incoming)
		record_set_text(contact, "conversation_status", SLICE_LIT("active"));
}

/* --- changing --- */

static int refuse_type(struct fault *fault, const char *member, struct slice json)
{
	return fault_param(fault, member, "\"%s\" cannot be %.*s; send a text", member, SLICE_HEAD(json, 40));
}

static bool is_container(struct slice json)
{
	return json.n > 0 && (json.p[0] == '[' || json.p[0] == '{');
}

static int set_text(struct deed *d, struct record *contact, const char *member, struct slice json, size_t most,
		    struct fault *fault)
{
	struct slice text = record_decode(d->arena, json);

	if (is_container(json))
		return refuse_type(fault, member, json);
	if (text.n > most)
		return fault_param(fault, member, "%zu bytes are too many; at most %zu will do", text.n, most);
	if (text.n > 0)
		record_set_text(contact, member, text);
	else
		record_unset(contact, member);
	return 0;
}

static int set_name(struct deed *d, struct record *contact, struct slice json, struct fault *fault)
{
	return set_text(d, contact, "name", json, NAME_MAX_BYTES, fault);
}

static int set_number(struct deed *d, struct record *contact, struct slice json, struct fault *fault)
{
	struct slice text = record_decode(d->arena, json);

	if (text.n > 0 && !is_container(json) && keys_text(d->arena, FIELD_NUMBER, text).n == 0)
		return fault_param(fault, "phone_number", "there is neither a digit nor a letter in it; send a number");
	return set_text(d, contact, "phone_number", json, NUMBER_MAX_BYTES, fault);
}

static int set_blocked(struct deed *d, struct record *contact, struct slice json, struct fault *fault)
{
	struct slice text = record_decode(d->arena, json);
	bool yes = slice_is(text, "true") || slice_is(text, "1");

	if (!yes && !slice_is(text, "false") && !slice_is(text, "0") && text.n > 0)
		return fault_param(fault, "send_blocked", "this is neither true nor false; send one of them");
	record_set_bool(contact, "send_blocked", yes);
	return 0;
}

static int set_conversation(struct deed *d, struct record *contact, struct slice json, struct fault *fault)
{
	struct slice text = record_decode(d->arena, json);

	if (!slice_is(text, "closed") && !slice_is(text, "active") && !slice_is(text, "handled"))
		return fault_param(fault, "conversation_status",
				   "this is no such status; send closed, active or handled");
	record_set_text(contact, "conversation_status", text);
	return 0;
}

static int set_route(struct deed *d, struct record *contact, struct slice json, struct fault *fault)
{
	struct slice text = record_decode(d->arena, json);

	if (text.n > 0 && !record_load(d, KIND_PHONE, text))
		return fault_param(fault, "default_route_id",
				   "there is no phone \"%.*s\" in this project; see the list of phones",
				   SLICE_HEAD(text, 80));
	return set_text(d, contact, "default_route_id", json, NAME_MAX_BYTES, fault);
}

static const struct {
	const char *member;
	int (*set)(struct deed *d, struct record *contact, struct slice json, struct fault *fault);
} writable[] = {
	{ "name", set_name },
	{ "phone_number", set_number },
	{ "send_blocked", set_blocked },
	{ "conversation_status", set_conversation },
	{ "default_route_id", set_route },
};

int contact_set(struct deed *d, struct record *contact, struct slice member, struct slice json, struct fault *fault)
{
	struct slice vars = SLICE_LIT("vars.");
	int err = ERR_NOT_FOUND;

	if (slice_starts(member, vars))
		err = record_var_set(contact, "vars", slice_from(member, vars.n), json, fault);
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		if (slice_is(member, writable[i].member))
			err = writable[i].set(d, contact, json, fault);
	if (err == ERR_NOT_FOUND)
		return fault_param(
			fault, arena_str(d->arena, slice_of(member.p, member.n < 80 ? member.n : 80)),
			"a contact has no member of this name that can be set; there are name, phone_number, "
			"send_blocked, conversation_status, default_route_id and vars");
	if (!err)
		record_set_i64(contact, "time_updated", d->now_ms / 1000);
	return err;
}
