/*
 * Receiving. A message comes from a gateway, from REST, or as an event that somebody posts; it is known already when
 * its id is, or the gateway's own id on the same phone. Otherwise its contact is found or made and counted, everybody
 * who wants incoming messages is told, and its way through the services begins.
 *
 * An event that was posted is told as that event, with what is stored of the objects under what was posted; if its id
 * is known to the log, nothing of this is done.
 */
#include "hub/broadcast.h"
#include "hub/contact.h"
#include "hub/intake.h"
#include "hub/message_parts.h"
#include "hub/notice.h"
#include "hub/route.h"
#include "hub/service.h"

/* Members of `more` that are not taken over as they are. */
static const char *const own_members[] = { "id",	 "direction", "status",	    "project_id",
					   "contact_id", "phone_id",  "service_id", "message_service_id",
					   "vars",	 "label_ids", NULL };

#define SENDER_MAX 64

int message_sender_check(struct slice from, const char *param, struct fault *fault)
{
	if (from.n > SENDER_MAX)
		return fault_param(fault, param, "has %zu bytes; use at most %d", from.n, SENDER_MAX);
	for (size_t i = 0; i < from.n; i++)
		if ((unsigned char)from.p[i] < ' ' || from.p[i] == 0x7f)
			return fault_param(fault, param, "has a control character at byte %zu; leave it out", i);
	return 0;
}

/* --- known already? --- */

struct search {
	struct deed *d;
	struct slice external_id, phone_id; /* the index has long values cut */
	bool found;
};

static bool is_on_phone(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct search *s = ctx;
	struct record *m = record_read(s->d, KIND_MESSAGE, id, text);

	(void)value;
	s->found = m && slice_is(record_text(m, "direction"), "incoming") &&
		   slice_eq(record_text(m, "external_id"), s->external_id) &&
		   slice_eq(record_text(m, "phone_id"), s->phone_id);
	return !s->found;
}

/* The gateway has given this one before: its first answer from us was lost. */
static bool was_received(struct deed *d, struct slice external_id, struct record *phone)
{
	struct search s = { .d = d, .external_id = external_id, .phone_id = phone ? record_id(phone) : SLICE_LIT("") };
	struct object_query q;

	if (external_id.n == 0)
		return false;
	q = record_query(d, KIND_MESSAGE, FIELD_EXTERNAL, external_id);
	book_walk(d->book, &q, true, is_on_phone, &s);
	return s.found;
}

/* --- what belongs to it --- */

static struct record *find_phone(struct deed *d, const struct message_receive *m)
{
	struct record *phone = m->phone_id.n > 0 ? record_load(d, KIND_PHONE, m->phone_id) : NULL;

	return phone ? phone : route_by_number(d, m->to_number);
}

/* Of an event that names a contact we have: that one. Otherwise the one with the number. */
static struct record *find_contact(struct deed *d, const struct message_receive *m, struct record *phone)
{
	struct record *contact = NULL;
	struct json id = json_get(m->contact, "id");
	struct buf scratch;

	if (json_is_nil(id))
		id = json_get(m->more, "contact_id");
	if (m->event && !json_is_nil(id)) {
		buf_init(&scratch, json_raw(id).n);
		contact = record_load(d, KIND_CONTACT, json_text_slice(id, &scratch));
		buf_free(&scratch);
	}
	return contact ? contact : contact_for_number(d, contact_number(d, m->from_number, phone));
}

/* --- the record --- */

static void set_default(struct record *m, const char *name, struct slice json)
{
	if (record_raw(m, name).n == 0)
		record_set(m, name, json);
}

/*
 * Variables and labels of a call are checked; those of an event were accepted already, so what breaks the rules is not
 * stored, only told.
 */
static int set_extras(struct deed *d, struct record *rec, const struct message_receive *m, struct fault *fault)
{
	struct json vars = json_get(m->more, "vars"), labels = json_get(m->more, "label_ids");
	struct fault ignored = NO_FAULT;
	struct fault *f = m->event ? &ignored : fault;
	int err = json_is_nil(vars) ? 0 : record_vars_merge(rec, "vars", vars, "vars", f);

	if (!err || m->event)
		err = message_labels(d, rec, labels, f);
	return m->event ? 0 : err;
}

static void set_properties(struct record *rec, const struct message_receive *m, struct record *phone)
{
	record_set_text(rec, "direction", SLICE_LIT("incoming"));
	record_set_text(rec, "status", SLICE_LIT("received"));
	set_default(rec, "source", SLICE_LIT("\"phone\""));
	record_set_given(rec, "message_type", m->message_type);
	set_default(rec, "message_type", SLICE_LIT("\"sms\""));
	record_set_text(rec, "from_number", m->from_number);
	if (m->to_number.n > 0)
		record_set_text(rec, "to_number", m->to_number);
	else if (phone)
		record_set_text(rec, "to_number", record_text(phone, "phone_number"));
	record_set_given(rec, "content", m->content);
	set_default(rec, "starred", SLICE_LIT("false"));
	record_set_bool(rec, "simulated", m->simulated);
	if (m->time_sent > 0)
		record_set_i64(rec, "time_sent", m->time_sent);
	record_set_given(rec, "external_id", m->external_id);
	if (phone)
		record_set_text(rec, "phone_id", record_id(phone));
}

static int make_record(struct deed *d, const struct message_receive *m, struct record *phone, struct record **ret,
		       struct fault *fault)
{
	struct record *rec = record_new(d, KIND_MESSAGE, m->id.n > 0 ? arena_str(d->arena, m->id) : NULL);
	int err;

	intake_lay(d, rec, m->more, own_members);
	err = set_extras(d, rec, m, fault);
	if (err)
		return err;
	set_properties(rec, m, phone);
	record_set_i64(rec, "time_updated", d->now_ms / 1000);
	*ret = rec;
	return 0;
}

/* --- what follows --- */

/*
 * The event goes out with the contact as it is now; where the hub is not in use it goes out as it was posted. Returns
 * its place in the log, 0 when the posted one was known.
 */
static int64_t tell(struct deed *d, const struct message_receive *m, struct record *message, struct record *contact,
		    struct record *phone)
{
	contact_count(d, contact, message, true);
	if (m->event && !phone && !contact_hub_used(d))
		return intake_tell(d, m->event, NULL, NULL, NULL);
	if (m->event)
		return intake_tell(d, m->event, message, contact, phone);
	notice_incoming(d, message, contact, phone, NULL);
	return 1;
}

static void keep_contact(struct deed *d, struct record *contact)
{
	struct slice broadcast = record_text(contact, "_broadcast_id");

	if (broadcast.n > 0)
		broadcast_replied(d, broadcast);
	record_save(d, contact);
}

int message_take(struct deed *d, const struct message_receive *m, struct record **ret, int64_t *ret_seq,
		 struct fault *fault)
{
	struct record *phone = find_phone(d, m), *contact, *message;
	int err;

	*ret = NULL;
	*ret_seq = 0;
	if (was_received(d, m->external_id, phone))
		return 0;
	err = make_record(d, m, phone, &message, fault);
	if (err)
		return err;
	contact = find_contact(d, m, phone);
	record_set_text(message, "contact_id", record_id(contact));
	*ret_seq = tell(d, m, message, contact, phone);
	if (*ret_seq == 0)
		return 0;
	keep_contact(d, contact);
	*ret = message;
	run_start(d, message, contact, phone); /* saves it, with its place there if it has to wait */
	return 0;
}

int message_receive(struct deed *d, const struct message_receive *m, struct record **ret, struct fault *fault)
{
	struct record *message = NULL;
	int64_t seq;
	int err = message_take(d, m, &message, &seq, fault);

	if (!err && ret)
		*ret = message;
	return err;
}
