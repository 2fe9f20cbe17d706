/* The REST calls about single messages, with the parameters of Telerivet's clients. */
#include "hub/message_parts.h"
#include "hub/notice.h"
#include "hub/rest.h"
#include "hub/route.h"

/* --- parameters --- */

static struct json param(struct rest *r, const char *name, struct json otherwise)
{
	struct json v = json_get(r->params, name);

	return json_is_nil(v) ? otherwise : v;
}

int rest_sending(struct rest *r, struct message_send *ret)
{
	const struct {
		const char *name;
		struct slice *to;
	} texts[] = {
		{ "content", &ret->content },
		{ "message_type", &ret->message_type },
		{ "route_id", &ret->route_id },
		{ "status_url", &ret->status_url },
		{ "status_secret", &ret->status_secret },
		{ "service_id", &ret->service_id },
		{ "priority", &ret->priority },
		{ "audio_url", &ret->audio_url },
		{ "tts_lang", &ret->tts_lang },
		{ "tts_voice", &ret->tts_voice },
		{ "to_number", &ret->to_number },
		{ "contact_id", &ret->contact_id },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		rest_text(r, texts[i].name, texts[i].to, &err);
		if (err)
			return err;
	}
	ret->vars = param(r, "vars", ret->vars);
	ret->label_ids = param(r, "label_ids", ret->label_ids);
	ret->media = param(r, "media_urls", ret->media);
	ret->route_params = param(r, "route_params", ret->route_params);
	if (rest_bool(r, "is_template", &ret->replace_variables) != 0 ||
	    rest_bool(r, "replace_variables", &ret->replace_variables) != 0 ||
	    rest_bool(r, "track_clicks", &ret->track_clicks) != 0)
		return ERR_INVALID;
	return rest_bool(r, "simulated", &ret->simulated);
}

/* --- sending --- */

int rest_message_send(struct rest *r)
{
	static const char *const known[] = { SENDING_PARAMS, "to_number", "contact_id", NULL };
	struct message_send ask = { 0 };
	struct record *message;
	int err = rest_only(r, known);

	if (!err)
		err = rest_sending(r, &ask);
	if (!err)
		err = message_send(&r->deed, &ask, &message, r->deed.fault);
	if (!err)
		rest_write(r, message);
	return err;
}

/* --- receiving --- */

/* What messages/receive may say beside the message's own members, as `more` of struct message_receive. */
static int read_more(struct rest *r, struct json_doc *doc, struct json *ret)
{
	static const char *const containers[] = { "label_ids", "vars" };
	struct json_writer w;
	bool starred = false;
	struct buf out;
	int err = rest_bool(r, "starred", &starred);

	if (err)
		return err;
	buf_init(&out, json_raw(r->params).n + 64);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_member_string(&w, "source", message_source(&r->deed));
	json_member_bool(&w, "starred", starred);
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
		struct json v = json_get(r->params, containers[i]);

		if (json_is_nil(v))
			continue;
		json_key(&w, containers[i]);
		json_put_raw(&w, json_raw(v));
	}
	json_end_object(&w);
	json_parse(doc, arena_slice(r->deed.arena, buf_slice(&out)), &json_limits_default, NULL);
	*ret = json_root(doc);
	buf_free(&out);
	return 0;
}

static int check_type_received(struct rest *r, struct message_receive *m)
{
	static const char *const types[] = { "sms", "mms", "ussd", "call", "chat", NULL };
	int err;

	m->message_type = SLICE_LIT("sms");
	if (!rest_text(r, "message_type", &m->message_type, &err))
		return err;
	return slice_among(m->message_type, types)
		       ? 0
		       : fault_param(r->deed.fault, "message_type", "must be sms, mms, ussd, call or chat");
}

/* The phone named, else the one of the number, else the one that messages go out by. */
static int find_receiver(struct rest *r, struct message_receive *m)
{
	struct record *phone;
	int err;

	if (rest_text(r, "phone_id", &m->phone_id, &err)) {
		if (record_load(&r->deed, KIND_PHONE, m->phone_id))
			return 0;
		return fault_param(r->deed.fault, "phone_id", "there is no phone of this id in this project");
	}
	if (err)
		return err;
	if (m->to_number.n == 0) {
		phone = route_choose(&r->deed, SLICE_LIT(""), NULL, NULL);
		if (!phone)
			return fault_param(r->deed.fault, "phone_id",
					   "missing, and there is no phone that could have received it; make a phone");
		m->phone_id = record_id(phone);
		return 0;
	}
	if (!route_with_number(&r->deed, m->to_number))
		return fault_param(r->deed.fault, "to_number", "is no phone's number in this project; give phone_id");
	return 0;
}

static int read_received(struct rest *r, struct message_receive *m)
{
	int err = rest_need(r, "from_number", &m->from_number);

	if (!err)
		err = message_sender_check(m->from_number, "from_number", r->deed.fault);
	if (!err)
		err = check_type_received(r, m);
	if (!err)
		rest_text(r, "content", &m->content, &err);
	if (!err && m->content.n == 0 && !slice_is(m->message_type, "call"))
		err = fault_param(r->deed.fault, "content", "missing; write the text of the message");
	if (!err)
		rest_text(r, "to_number", &m->to_number, &err);
	if (!err)
		err = rest_bool(r, "simulated", &m->simulated);
	return err ? err : find_receiver(r, m);
}

int rest_message_receive(struct rest *r)
{
	static const char *const known[] = { "content",	  "message_type", "from_number", "phone_id", "to_number",
					     "simulated", "starred",	  "label_ids",	 "vars",     NULL };
	struct message_receive m = { 0 };
	struct record *message;
	struct json_doc doc;
	int err = rest_only(r, known);

	json_doc_init(&doc);
	if (!err)
		err = read_received(r, &m);
	if (!err)
		err = read_more(r, &doc, &m.more);
	if (!err)
		err = message_receive(&r->deed, &m, &message, r->deed.fault);
	if (!err)
		rest_write(r, message);
	json_doc_free(&doc);
	return err;
}

/* --- one message --- */

int rest_message(struct rest *r)
{
	struct record *m;
	int err = rest_load(r, KIND_MESSAGE, r->id, &m);

	if (err)
		return err;
	record_set(m, "status_history", record_raw(m, "_history"));
	rest_write(r, m);
	return 0;
}

/* Labels as the call gives them: those not in the list are taken off. */
static int change_labels(struct rest *r, struct record *m)
{
	struct json label_ids = json_get(r->params, "label_ids");

	if (json_is_nil(label_ids))
		return 0;
	record_set(m, "label_ids", SLICE_LIT("[]"));
	return message_labels(&r->deed, m, label_ids, r->deed.fault);
}

static int change_members(struct rest *r, struct record *m)
{
	struct json vars = json_get(r->params, "vars");
	struct slice error_message;
	bool starred = record_true(m, "starred");
	int err = rest_bool(r, "starred", &starred);

	record_set_bool(m, "starred", starred);
	if (!err && rest_text(r, "error_message", &error_message, &err))
		record_set_text(m, "error_message", error_message);
	if (!err && !json_is_nil(vars))
		err = record_vars_merge(m, "vars", vars, "vars", r->deed.fault);
	return err ? err : change_labels(r, m);
}

/* What has changed is told once for each thing, when it was done by hand. */
static void tell_change(struct rest *r, struct record *m, bool was_starred, struct slice labels)
{
	bool starred = record_true(m, "starred");
	size_t before = labels.n, now = record_raw(m, "label_ids").n;

	if (starred != was_starred)
		notice_metadata(&r->deed, m, NULL, starred ? "star" : "unstar");
	if (!json_is_nil(json_get(r->params, "vars")))
		notice_metadata(&r->deed, m, NULL, "set_variable");
	if (!slice_eq(labels, record_raw(m, "label_ids")))
		notice_metadata(&r->deed, m, NULL, now >= before ? "add_label" : "remove_label");
}

int rest_message_change(struct rest *r)
{
	static const char *const known[] = { "starred", "vars", "label_ids", "error_message", NULL };
	struct record *m = NULL;
	struct slice labels;
	bool starred;
	int err = rest_only(r, known);

	if (!err)
		err = rest_load(r, KIND_MESSAGE, r->id, &m);
	if (err)
		return err;
	starred = record_true(m, "starred");
	labels = record_raw(m, "label_ids");
	err = change_members(r, m);
	if (err)
		return err;
	record_set_i64(m, "time_updated", r->deed.now_ms / 1000);
	tell_change(r, m, starred, labels);
	record_save(&r->deed, m);
	rest_write(r, m);
	return 0;
}

int rest_message_delete(struct rest *r)
{
	struct record *m;
	int err = rest_load(r, KIND_MESSAGE, r->id, &m);

	if (!err)
		record_delete(&r->deed, m);
	return err;
}

/* --- again, and not at all --- */

/* The message itself is queued once more. */
static void requeue(struct rest *r, struct record *m, struct record *phone)
{
	struct deed *d = &r->deed;
	struct slice before = record_text(m, "status");

	record_unset(m, "error_message");
	record_unset(m, "error_code");
	record_unset(m, "time_done");
	record_set_text(m, "phone_id", record_id(phone));
	record_set_text(m, "from_number", record_text(phone, "phone_number"));
	status_begin(d, m, "queued");
	status_count(d, m, before);
	notice_status(d, m, message_contact(d, m));
	route_send(d, m, phone);
	record_save(d, m);
}

/* A new message that says the same. */
static int send_copy(struct rest *r, struct record *m, struct record *phone, struct record **ret)
{
	struct json_doc vars;
	struct message_send ask = { .to_number = record_text(m, "to_number"),
				    .contact_id = record_text(m, "contact_id"),
				    .content = record_text(m, "content"),
				    .message_type = record_text(m, "message_type"),
				    .route_id = record_id(phone),
				    .status_url = record_text(m, "_status_url"),
				    .status_secret = record_text(m, "_status_secret"),
				    .simulated = record_true(m, "simulated"),
				    .tell_queued = true };
	int err;

	json_doc_init(&vars);
	if (record_raw(m, "vars").n > 0 && json_parse(&vars, record_raw(m, "vars"), &json_limits_default, NULL) == 0)
		ask.vars = json_root(&vars);
	if (!message_contact(&r->deed, m))
		ask.contact_id = SLICE_LIT(""); /* deleted since */
	err = message_send(&r->deed, &ask, ret, r->deed.fault);
	json_doc_free(&vars);
	return err;
}

static int find_resend_phone(struct rest *r, struct record *m, struct record **ret)
{
	struct slice route = record_text(m, "phone_id");
	int err;

	if (!rest_text(r, "route_id", &route, &err) && !err && !record_load(&r->deed, KIND_PHONE, route))
		route = SLICE_LIT(""); /* deleted since */
	if (err)
		return err;
	*ret = route_choose(&r->deed, route, message_contact(&r->deed, m), r->deed.fault);
	return *ret ? 0 : ERR_INVALID;
}

/*
 * What waits is on its way already: a second order would send it twice, so it is given back as it is.
 */
int rest_message_resend(struct rest *r)
{
	static const char *const known[] = { "route_id", NULL };
	struct record *m = NULL, *phone = NULL;
	struct slice status;
	int err = rest_only(r, known);

	if (!err)
		err = rest_load(r, KIND_MESSAGE, r->id, &m);
	if (!err && !slice_is(record_text(m, "direction"), "outgoing"))
		err = fault_set(r->deed.fault, "not_resendable", "", "an incoming message can't be sent again");
	if (!err)
		err = find_resend_phone(r, m, &phone);
	if (err)
		return err;
	status = record_text(m, "status");
	if (slice_is(status, "failed") || slice_is(status, "cancelled"))
		requeue(r, m, phone);
	else if (!message_waits(m))
		err = send_copy(r, m, phone, &m);
	if (!err)
		rest_write(r, m);
	return err;
}

static int refuse_cancel(struct rest *r, struct record *m)
{
	if (message_waits(m))
		return fault_set(r->deed.fault, "not_cancellable", "",
				 "the order to send the message is with its gateway and cannot be taken back; only "
				 "messages that wait on a phone of type test can be cancelled");
	return fault_set(r->deed.fault, "not_cancellable", "",
			 "the message is %.*s; only messages that wait (queued, failed_queued) can be cancelled",
			 SLICE_ARG(record_text(m, "status")));
}

int rest_message_cancel(struct rest *r)
{
	static const char *const known[] = { NULL };
	struct record *m = NULL;
	int err = rest_only(r, known);

	if (!err)
		err = rest_load(r, KIND_MESSAGE, r->id, &m);
	if (err)
		return err;
	if (!message_cancel(&r->deed, m) && !slice_is(record_text(m, "status"), "cancelled"))
		return refuse_cancel(r, m);
	rest_write(r, m);
	return 0;
}
