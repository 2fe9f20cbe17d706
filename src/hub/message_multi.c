/*
 * Many messages in one REST call, each with a content of its own. All of them are checked before the first is sent;
 * then the only thing that can befall one is that its contact blocks messages, which its place in the answer says.
 */
#include "hub/broadcast.h"
#include "hub/message_parts.h"
#include "hub/notice.h"
#include "hub/rest.h"

#define MULTI_MAX 100

/* Messages of one call to send_multi. */
struct multi {
	struct message_send common, *asks;
	struct sending *sendings;
	size_t count;
	struct record *broadcast; /* NULL: they are of none */
	bool is_new;
};

static int check_element(struct rest *r, struct multi *m, size_t i, struct json element)
{
	static const char *const known[] = { "content", "to_number", "contact_id", "status_url",   "status_secret",
					     "vars",	"priority",  "media_urls", "message_type", NULL };
	struct rest inner = *r;
	int err;

	if (json_type(element) != JSON_OBJECT)
		return fault_param(r->deed.fault, "", "is %s; write an object with content and to_number",
				   json_type_name(json_type(element)));
	inner.params = element;
	m->asks[i] = m->common;
	err = rest_only(&inner, known);
	if (!err)
		err = rest_sending(&inner, &m->asks[i]);
	if (!err)
		err = sending_check(&r->deed, &m->asks[i], &m->sendings[i], r->deed.fault);
	m->sendings[i].several = true;
	return err && !m->sendings[i].blocked ? err : 0;
}

static int check_elements(struct rest *r, struct multi *m)
{
	struct json messages = json_get(r->params, "messages");
	int err = 0;

	if (json_type(messages) != JSON_ARRAY)
		return fault_param(r->deed.fault, "messages", "missing; write an array of at most %d objects",
				   MULTI_MAX);
	m->asks = arena_zalloc(r->deed.arena, MULTI_MAX * sizeof(*m->asks));
	m->sendings = arena_zalloc(r->deed.arena, MULTI_MAX * sizeof(*m->sendings));
	for (struct json_iter it = json_each(messages); !err && json_next(&it); m->count++) {
		if (it.index == MULTI_MAX)
			return fault_param(r->deed.fault, "messages",
					   "has more than %d elements; send the rest in another call", MULTI_MAX);
		err = check_element(r, m, it.index, it.value);
		if (err)
			fault_within(r->deed.fault, "messages[%u]", it.index);
	}
	if (!err && m->count == 0)
		return fault_param(r->deed.fault, "messages", "is empty; write at least one");
	return err;
}

/* An existing broadcast, or a new one when it is given a title. */
static int find_broadcast(struct rest *r, struct multi *m)
{
	struct slice id = SLICE_LIT(""), title = SLICE_LIT("");
	int err;

	if (rest_text(r, "broadcast_id", &id, &err)) {
		m->broadcast = record_load(&r->deed, KIND_BROADCAST, id);
		if (!m->broadcast)
			return fault_param(r->deed.fault, "broadcast_id",
					   "there is no broadcast of this id in this project");
		if (slice_is(record_text(m->broadcast, "status"), "cancelled"))
			return fault_param(r->deed.fault, "broadcast_id",
					   "this broadcast was cancelled; begin another one");
		return 0;
	}
	if (!err && rest_text(r, "broadcast_title", &title, &err) && title.n > 0) {
		m->broadcast = broadcast_new(&r->deed);
		m->is_new = true;
		record_set_text(m->broadcast, "title", title);
	}
	return err;
}

static void put_recipient(struct json_writer *w, struct slice number)
{
	json_begin_object(w);
	json_member_str(w, "type", "phone_number");
	json_member_string(w, "phone_number", number);
	json_end_object(w);
}

/* Whom the new messages go to, behind those it had. */
static void extend_broadcast(struct rest *r, struct multi *m)
{
	struct record *b = m->broadcast;
	struct slice before = record_raw(b, "recipients");
	struct json_doc doc;
	struct json_writer w;
	struct buf out;

	buf_init(&out, (size_t)16 << 20);
	json_doc_init(&doc);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	if (before.n > 0 && json_parse(&doc, before, &json_limits_default, NULL) == 0)
		for (struct json_iter it = json_each(json_root(&doc)); json_next(&it);)
			json_put_raw(&w, json_raw(it.value));
	for (size_t i = 0; i < m->count; i++)
		if (!m->sendings[i].blocked)
			put_recipient(&w, m->sendings[i].to_number);
	json_end_array(&w);
	record_set(b, "recipients", buf_slice(&out));
	record_set_i64(b, "estimated_count", record_i64(b, "estimated_count", 0) + (int64_t)m->count);
	record_set_text(b, "status", SLICE_LIT("queuing"));
	if (m->is_new)
		notice_broadcast(&r->deed, b, record_text(b, "title"), SLICE_LIT(""), SLICE_LIT(""));
	record_save(&r->deed, b);
	json_doc_free(&doc);
	buf_free(&out);
}

static void put_result(struct rest *r, struct record *message)
{
	json_begin_object(r->w);
	if (message) {
		json_member_string(r->w, "id", record_id(message));
		json_member_string(r->w, "status", record_text(message, "status"));
		if (record_raw(message, "error_message").n > 0)
			json_member_string(r->w, "error_message", record_text(message, "error_message"));
	} else {
		json_member_str(r->w, "id", NULL);
		json_member_str(r->w, "status", "failed");
		json_member_str(r->w, "error_message", "Sending messages to this contact is blocked.");
	}
	json_end_object(r->w);
}

static void send_multi(struct rest *r, struct multi *m)
{
	struct slice id = m->broadcast ? record_id(m->broadcast) : SLICE_LIT("");

	if (m->broadcast)
		extend_broadcast(r, m);
	json_begin_object(r->w);
	json_key(r->w, "messages");
	json_begin_array(r->w);
	for (size_t i = 0; i < m->count; i++) {
		m->asks[i].broadcast_id = id;
		put_result(r, m->sendings[i].blocked ? NULL : sending_commit(&r->deed, &m->sendings[i]));
	}
	json_end_array(r->w);
	if (m->broadcast)
		json_member_string(r->w, "broadcast_id", id);
	json_end_object(r->w);
	if (m->broadcast)
		broadcast_close(&r->deed, id);
}

int rest_message_multi(struct rest *r)
{
	static const char *const known[] = { SENDING_PARAMS, "messages", "broadcast_id", "broadcast_title", NULL };
	struct multi m = { .common = { .tell_queued = true } };
	int err = rest_only(r, known);

	if (!err)
		err = rest_sending(r, &m.common);
	if (!err)
		err = check_elements(r, &m);
	if (!err)
		err = find_broadcast(r, &m);
	if (!err)
		send_multi(r, &m);
	return err;
}
