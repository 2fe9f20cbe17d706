/*
 * Sending. First everything is looked at and nothing written (sending_check): whom it goes to and whether they want it,
 * what it says, the phone it goes by, labels, variables, the status_url. Then it is done (sending_commit): the contact
 * is made if it is new, the text is filled in, the message is queued, told, and given to its route, which may fail it
 * at once. Contact and message are saved once each.
 *
 * Calls that send many check them all before they send the first.
 */
#include <assert.h>

#include "base/text.h"
#include "hub/broadcast.h"
#include "hub/contact.h"
#include "hub/group.h"
#include "hub/gsm.h"
#include "hub/links.h"
#include "hub/message_parts.h"
#include "hub/notice.h"
#include "hub/route.h"
#include "hub/variables.h"

#define CONTENT_MAX ((size_t)40000) /* bytes; 255 parts of 153 characters are 39,015 */
#define NUMBER_MAX  ((size_t)64)
#define SECRET_MAX  ((size_t)4096)
#define MEDIA_MAX   10

/* --- checks --- */

/* "sms" for "" and "text"; ERR_INVALID for a kind that is not known. */
static int check_type(struct slice asked, struct slice *ret, struct fault *fault)
{
	static const char *const known[] = { "sms", "mms", "ussd", "call", "chat", NULL };

	*ret = SLICE_LIT("sms");
	if (asked.n == 0 || slice_is(asked, "text"))
		return 0;
	*ret = asked;
	if (slice_among(asked, known))
		return 0;
	return fault_param(fault, "message_type", "is \"%.*s\"; use text, sms, mms, ussd, call or chat",
			   SLICE_HEAD(asked, 40));
}

static int check_number(struct slice number, const char *param, struct fault *fault)
{
	if (number.n > NUMBER_MAX)
		return fault_param(fault, param, "has %zu bytes; use at most %zu", number.n, NUMBER_MAX);
	for (size_t i = 0; i < number.n; i++)
		if ((uint8_t)number.p[i] < ' ' || number.p[i] == 0x7f)
			return fault_param(fault, param, "holds a control character; write a phone number");
	return 0;
}

/* The contact by its id, whose number it goes to then; or by the number, when there is one already. */
static int find_recipient(struct deed *d, struct sending *s, struct fault *fault)
{
	const struct message_send *ask = s->ask;

	s->to_number = slice_trim(ask->to_number);
	if (ask->contact_id.n > 0) {
		s->contact = record_load(d, KIND_CONTACT, ask->contact_id);
		if (!s->contact)
			return fault_param(fault, "contact_id", "there is no contact \"%.*s\" in this project",
					   SLICE_HEAD(ask->contact_id, 80));
		if (s->to_number.n == 0)
			s->to_number = record_text(s->contact, "phone_number");
		if (s->to_number.n == 0)
			return fault_param(fault, "contact_id", "the contact has no phone number; give it one");
	}
	if (s->to_number.n == 0)
		return fault_param(fault, "to_number",
				   "missing; say whom the message goes to, with to_number or contact_id");
	if (check_number(s->to_number, "to_number", fault) != 0)
		return ERR_INVALID;
	if (!s->contact)
		s->contact = contact_find(d, s->to_number);
	return 0;
}

static int check_wanted(struct sending *s, struct fault *fault)
{
	if (!s->contact || !record_true(s->contact, "send_blocked"))
		return 0;
	s->blocked = true;
	return fault_param(fault, s->ask->contact_id.n > 0 ? "contact_id" : "to_number",
			   "sending messages to this contact is blocked; unblock it first (send_blocked: false)");
}

static bool has_media(const struct message_send *ask)
{
	struct json_iter it = json_each(ask->media);

	return json_next(&it);
}

/* USSD has a code and no content; a call says what its service or audio_url says. */
static int check_content(const struct sending *s, struct fault *fault)
{
	const struct message_send *ask = s->ask;
	bool needed = !slice_is(s->message_type, "ussd") && !slice_is(s->message_type, "call");

	if (needed && ask->content.n == 0 && !has_media(ask))
		return fault_param(fault, "content", "missing; write the text of the message");
	if (ask->content.n > CONTENT_MAX)
		return fault_param(fault, "content", "has %zu bytes; use at most %zu", ask->content.n, CONTENT_MAX);
	return 0;
}

static int check_media(const struct message_send *ask, struct fault *fault)
{
	if (!json_is_nil(ask->media) && json_type(ask->media) != JSON_ARRAY)
		return fault_param(fault, "media_urls", "is %s; write an array of URLs",
				   json_type_name(json_type(ask->media)));
	for (struct json_iter it = json_each(ask->media); json_next(&it);)
		if (it.index >= MEDIA_MAX || json_type(it.value) != JSON_STRING || json_raw(it.value).n > 2050)
			return fault_param(fault, "media_urls",
					   "must hold at most %d URLs, each a string of up to 2,048 bytes", MEDIA_MAX);
	return 0;
}

static int check_priority(const struct message_send *ask, struct fault *fault)
{
	if (ask->priority.n == 0 || slice_is(ask->priority, "1") || slice_is(ask->priority, "2"))
		return 0;
	return fault_param(fault, "priority", "must be 1 or 2");
}

static int check_status_url(struct deed *d, const struct message_send *ask, struct fault *fault)
{
	if (ask->status_secret.n > SECRET_MAX)
		return fault_param(fault, "status_secret", "has %zu bytes; use at most %zu", ask->status_secret.n,
				   SECRET_MAX);
	return ask->status_url.n > 0 ? notice_url_check(d, ask->status_url, fault) : 0;
}

int message_labels(struct deed *d, struct record *message, struct json label_ids, struct fault *fault)
{
	struct buf id;
	int err = 0;

	if (!json_is_nil(label_ids) && json_type(label_ids) != JSON_ARRAY)
		return fault_param(fault, "label_ids", "is %s; write an array of ids",
				   json_type_name(json_type(label_ids)));
	buf_init(&id, json_raw(label_ids).n);
	for (struct json_iter it = json_each(label_ids); !err && json_next(&it);) {
		struct slice text = json_text_slice(it.value, &id);
		struct record *label = json_type(it.value) == JSON_STRING ? label_find(d, text, false) : NULL;

		if (it.index >= MESSAGE_LABELS_MAX)
			err = fault_param(fault, "label_ids", "holds more than %d ids", MESSAGE_LABELS_MAX);
		else if (!label)
			err = fault_param(fault, "label_ids", "there is no label \"%.*s\" in this project",
					  SLICE_HEAD(text, 80));
		else
			record_list_add(message, "label_ids", record_id(label));
	}
	buf_free(&id);
	return err;
}

/* It comes to stand inside events, whose depth is limited as that of the call is. */
static int check_route_params(struct json params, struct fault *fault)
{
	static const struct json_limits limits = { .depth = 8, .nodes = 10000 };
	struct json_doc doc;
	int err = 0;

	if (json_is_nil(params))
		return 0;
	if (json_type(params) != JSON_OBJECT)
		return fault_param(fault, "route_params", "is %s; write an object", json_type_name(json_type(params)));
	json_doc_init(&doc);
	if (json_parse(&doc, json_raw(params), &limits, NULL) != 0)
		err = fault_param(fault, "route_params",
				  "is nested deeper than %u or has more than %u values; make it smaller", limits.depth,
				  limits.nodes);
	json_doc_free(&doc);
	return err;
}

static int check_extras(struct deed *d, struct sending *s, struct fault *fault)
{
	const struct message_send *ask = s->ask;
	int err = message_labels(d, s->message, ask->label_ids, fault);

	if (!err && !json_is_nil(ask->vars))
		err = record_vars_merge(s->message, "vars", ask->vars, "vars", fault);
	return err ? err : check_route_params(ask->route_params, fault);
}

/* A number in the phone's country's own way of writing it is known in the international one. */
static int find_by_country(struct deed *d, struct sending *s, struct fault *fault)
{
	if (s->contact || s->to_number.n == 0)
		return 0;
	s->contact = contact_find(d, contact_number(d, s->to_number, s->phone));
	return check_wanted(s, fault);
}

/* All but whom it goes to. */
static int check_rest(struct deed *d, struct sending *s, struct fault *fault)
{
	if (check_content(s, fault) != 0 || check_media(s->ask, fault) != 0 || check_priority(s->ask, fault) != 0 ||
	    check_extras(d, s, fault) != 0)
		return ERR_INVALID;
	s->phone = route_choose(d, s->ask->route_id, s->contact, fault);
	if (!s->phone || find_by_country(d, s, fault) != 0)
		return ERR_INVALID;
	return check_status_url(d, s->ask, fault);
}

static void begin_check(struct deed *d, const struct message_send *ask, struct sending *ret)
{
	*ret = (struct sending){ .ask = ask, .message = record_new(d, KIND_MESSAGE, NULL) };
	record_set(ret->message, "label_ids", SLICE_LIT("[]"));
	record_set(ret->message, "vars", SLICE_LIT("{}"));
}

int sending_check_template(struct deed *d, const struct message_send *ask, struct sending *ret, struct fault *fault)
{
	begin_check(d, ask, ret);
	return check_type(ask->message_type, &ret->message_type, fault) != 0 ? ERR_INVALID : check_rest(d, ret, fault);
}

int sending_check(struct deed *d, const struct message_send *ask, struct sending *ret, struct fault *fault)
{
	begin_check(d, ask, ret);
	if (check_type(ask->message_type, &ret->message_type, fault) != 0 || find_recipient(d, ret, fault) != 0 ||
	    check_wanted(ret, fault) != 0)
		return ERR_INVALID;
	return check_rest(d, ret, fault);
}

/* --- doing it --- */

struct slice message_source(const struct deed *d)
{
	return d->origin == ORIGIN_WEB ? SLICE_LIT("web") : SLICE_LIT("api");
}

/* Media of a text: their URLs follow it, a line each. */
static void add_media_lines(const struct sending *s, struct buf *content)
{
	struct buf url;

	if (!slice_is(s->message_type, "sms"))
		return;
	buf_init(&url, 4096);
	for (struct json_iter it = json_each(s->ask->media); json_next(&it);) {
		if (content->n > 0)
			buf_add_char(content, '\n');
		buf_add_slice(content, json_text_slice(it.value, &url));
	}
	buf_free(&url);
}

static struct slice final_content(struct deed *d, const struct sending *s)
{
	struct reply_scope scope = { .message = s->message, .contact = s->contact, .phone = s->phone };
	struct slice content;
	struct buf out;

	buf_init(&out, 8 * CONTENT_MAX);
	if (s->ask->replace_variables)
		variables_expand(d, &scope, s->ask->content, &out, NULL);
	else
		buf_add_slice(&out, s->ask->content);
	add_media_lines(s, &out);
	/* variables may have made it long: what does not fit into 255 parts is cut off */
	content = utf8_cut(arena_take_buf(d->arena, &out), CONTENT_MAX);
	return s->ask->track_clicks ? links_shorten(d, s->message, content) : content;
}

static void set_content(struct deed *d, struct sending *s)
{
	struct slice content = final_content(d, s);

	if (slice_is(s->message_type, "ussd"))
		return;
	record_set_text(s->message, "content", content);
	if (slice_is(s->message_type, "sms"))
		record_set_i64(s->message, "num_parts", gsm_parts(content));
	if (s->ask->track_clicks)
		record_set_bool(s->message, "track_clicks", true);
}

/* [{"url":…,"type":null,"filename":null,"size":null}]: nobody fetches them to find out. */
static void set_media(struct sending *s)
{
	struct json_writer w;
	struct buf out, url;

	if (!has_media(s->ask))
		return;
	buf_init(&out, (size_t)1 << 20);
	buf_init(&url, 4096);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	for (struct json_iter it = json_each(s->ask->media); json_next(&it);) {
		json_begin_object(&w);
		json_member_string(&w, "url", json_text_slice(it.value, &url));
		json_member_str(&w, "type", NULL);
		json_member_str(&w, "filename", NULL);
		json_member_str(&w, "size", NULL);
		json_end_object(&w);
	}
	json_end_array(&w);
	record_set(s->message, "media", buf_slice(&out));
	buf_free(&url);
	buf_free(&out);
}

void sending_set_given(struct record *r, const struct message_send *ask)
{
	if (!json_is_nil(ask->route_params))
		record_set(r, "route_params", json_raw(ask->route_params));
	record_set_given(r, "service_id", ask->service_id);
	record_set_given(r, "audio_url", ask->audio_url);
	record_set_given(r, "tts_lang", ask->tts_lang);
	record_set_given(r, "tts_voice", ask->tts_voice);
	record_set_given(r, "_status_url", ask->status_url);
	record_set_given(r, "_status_secret", ask->status_secret);
}

static void set_properties(struct deed *d, struct sending *s)
{
	const struct message_send *ask = s->ask;
	struct record *m = s->message;

	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	record_set_text(m, "message_type", s->message_type);
	record_set_text(m, "source", ask->source.n > 0 ? ask->source : message_source(d));
	record_set_text(m, "from_number", record_text(s->phone, "phone_number"));
	record_set_text(m, "to_number", s->to_number);
	record_set_bool(m, "starred", false);
	record_set_bool(m, "simulated", ask->simulated);
	record_set_text(m, "phone_id", record_id(s->phone));
	record_set_text(m, "contact_id", record_id(s->contact));
	record_set(m, "priority", ask->priority.n > 0 ? ask->priority : SLICE_LIT("1"));
	record_set_given(m, "broadcast_id", ask->broadcast_id);
	sending_set_given(m, ask);
	set_media(s);
	set_content(d, s);
}

/* An answer to a broadcast is known by the contact: the last message it got was one of it. */
static void count(struct deed *d, struct sending *s)
{
	contact_count(d, s->contact, s->message, false);
	if (s->ask->broadcast_id.n > 0)
		record_set_text(s->contact, "_broadcast_id", s->ask->broadcast_id);
	else
		record_unset(s->contact, "_broadcast_id");
	record_save(d, s->contact);
	if (s->ask->broadcast_id.n > 0)
		broadcast_count(d, s->ask->broadcast_id, SLICE_LIT(""), SLICE_LIT("queued"));
}

/* When several were checked before the first was sent, that one may have made the contact, or counted in it. */
static void fetch_contact(struct deed *d, struct sending *s)
{
	struct record *now = NULL;

	if (s->contact && s->several)
		now = record_load(d, KIND_CONTACT, record_id(s->contact));
	if (now)
		s->contact = now;
	if (!s->contact)
		s->contact = contact_for_number(d, contact_number(d, s->to_number, s->phone));
	assert(s->contact);
}

struct record *sending_commit(struct deed *d, struct sending *s)
{
	fetch_contact(d, s);
	set_properties(d, s);
	status_begin(d, s->message, "queued");
	count(d, s);
	if (s->ask->tell_queued)
		notice_status(d, s->message, s->contact);
	route_send(d, s->message, s->phone);
	record_save(d, s->message);
	return s->message;
}

int message_send(struct deed *d, const struct message_send *ask, struct record **ret, struct fault *fault)
{
	struct sending s;
	struct record *message;
	int err = sending_check(d, ask, &s, fault);

	if (err)
		return err;
	message = sending_commit(d, &s);
	if (ret)
		*ret = message;
	return 0;
}
