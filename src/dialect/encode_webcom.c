/*
 * Webcom Mobi's status webhook (docs/webcom.md): a document of <state> elements, or its twin, a
 * bare JSON array. The words are the status map's; what is fixed here is which attribute stands for which leg of a
 * message (X2) and which of its times is meant (X14).
 */
#include "base/when.h"
#include "dialect/encode.h"
#include "dialect/moment.h"
#include "dialect/template_parts.h"

#define TEXT_MAX  (64 * 1024)
#define NO_STATUS "send" /* "message status not received": its time is empty */

enum member {
	MESSAGE_STATUS,
	MESSAGE_TYPE,
	MESSAGE_SIMULATED,
	MESSAGE_CHANNELS,
	MESSAGE_DONE,
	MESSAGE_UPDATED,
	MEMBERS
};

/* What both forms say of one message. */
struct state {
	const struct scope *scope;
	struct json members[MEMBERS]; /* of the message */
	struct slice type, word;
	bool simulated;
	struct buf type_scratch, status_scratch, scratch; /* used where the caller wrote escapes */
};

static void state_free(struct state *s)
{
	buf_free(&s->type_scratch);
	buf_free(&s->status_scratch);
	buf_free(&s->scratch);
}

/* All that is wanted, in one walk: a hundred messages go into a document. */
static void find_members(struct state *s)
{
	static const struct slice names[MEMBERS] = {
		[MESSAGE_STATUS] = SLICE_LIT("status"),	      [MESSAGE_TYPE] = SLICE_LIT("message_type"),
		[MESSAGE_SIMULATED] = SLICE_LIT("simulated"), [MESSAGE_CHANNELS] = SLICE_LIT("channel_status"),
		[MESSAGE_DONE] = SLICE_LIT("time_done"),      [MESSAGE_UPDATED] = SLICE_LIT("time_updated"),
	};
	struct json_iter it = json_each(json_get(json_root(&s->scope->event->doc), "message"));

	while (json_next(&it)) {
		struct slice name = json_escaped_text(it.key);

		for (size_t i = 0; i < MEMBERS; i++)
			if (slice_eq(name, names[i]))
				s->members[i] = it.value;
	}
}

/* The word for a canonical status; scratch may be what the word points into. */
static bool find_word(const struct state *s, struct json status, struct buf *scratch, struct slice *ret)
{
	return !json_is_nil(status) &&
	       status_map_find(s->scope->statuses, s->type, json_text_slice(status, scratch), s->simulated, ret);
}

static struct json time_of(const struct state *s)
{
	if (!json_is_nil(s->members[MESSAGE_DONE]))
		return s->members[MESSAGE_DONE];
	if (!json_is_nil(s->members[MESSAGE_UPDATED]))
		return s->members[MESSAGE_UPDATED];
	return json_get(json_root(&s->scope->event->doc), "time");
}

/* Digits and marks that need no escape anywhere. */
static void add_time(struct state *s, struct buf *out)
{
	int64_t us;

	if (slice_is(s->word, NO_STATUS))
		return;
	if (when_read_unix(json_text_slice(time_of(s), &s->scratch), &us))
		moment_add(out, SLICE_LIT("%Y-%m-%d %H:%M:%S"), us, s->scope->zone);
}

static int state_init(struct state *s, const struct scope *scope, struct fault *fault)
{
	const struct event *e = scope->event;

	*s = (struct state){ .scope = scope };
	buf_init(&s->type_scratch, TEXT_MAX);
	buf_init(&s->status_scratch, TEXT_MAX);
	buf_init(&s->scratch, TEXT_MAX);
	if (e->type != EVENT_SEND_STATUS)
		return fault_param(fault, "type", "is %s; Webcom's documents can say nothing but statuses",
				   event_type_word(e->type));
	find_members(s);
	s->type = SLICE_LIT("sms");
	if (!json_is_nil(s->members[MESSAGE_TYPE]))
		s->type = json_text_slice(s->members[MESSAGE_TYPE], &s->type_scratch);
	s->simulated = json_type(s->members[MESSAGE_SIMULATED]) == JSON_TRUE;
	if (!find_word(s, s->members[MESSAGE_STATUS], &s->status_scratch, &s->word))
		return fault_param(fault, "message.status", "has no word in the endpoint's status map");
	return 0;
}

static void add_attribute(struct buf *out, const char *name, struct slice value)
{
	buf_add_str(out, name);
	template_put_xml(out, PLACE_XML_ATTRIBUTE, value);
}

/* X2: one attribute for each leg; a message that says nothing of legs has the one it was sent as. */
static void add_legs(struct state *s, struct buf *out)
{
	static const struct {
		const char *leg, *begin;
	} legs[] = { { "sms", "\" sms=\"" }, { "viber", "\" viber=\"" } };
	bool any = false;

	for (size_t i = 0; i < 2; i++) {
		struct slice word;

		if (!find_word(s, json_get(s->members[MESSAGE_CHANNELS], legs[i].leg), &s->scratch, &word))
			continue;
		add_attribute(out, legs[i].begin, word);
		any = true;
	}
	if (!any)
		add_attribute(out, legs[slice_is(s->type, "viber")].begin, s->word);
}

int encode_webcom_xml(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	struct state s;
	int err = state_init(&s, scope, fault);

	(void)ep;
	if (err == 0) {
		add_attribute(out, "<state id_sms=\"", scope->event->message_id);
		buf_add_str(out, "\" time=\"");
		add_time(&s, out);
		add_legs(&s, out);
		buf_add_str(out, "\">");
		template_put_xml(out, PLACE_XML_TEXT, s.word);
		buf_add_str(out, "</state>\n");
		err = buf_failed(out) ? ERR_TOO_BIG : 0;
	}
	state_free(&s);
	return err;
}

/*
 * X15: the seed's ids are integers, so one that is an integer is written as one, whichever way the platform spelt it.
 */
static void add_id(struct buf *out, struct slice id)
{
	long long number;

	if (slice_to_i64(id, &number) && is_json_number(id))
		buf_add_slice(out, id);
	else
		json_add_string(out, id);
}

int encode_webcom_json(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	struct state s;
	int err = state_init(&s, scope, fault);

	(void)ep;
	if (err == 0) {
		buf_add_str(out, "{\"id_sms\":");
		add_id(out, scope->event->message_id);
		buf_add_str(out, ",\"time\":\"");
		add_time(&s, out);
		buf_add_str(out, "\",\"state\":");
		json_add_string(out, s.word);
		buf_add_char(out, '}');
		err = buf_failed(out) ? ERR_TOO_BIG : 0;
	}
	state_free(&s);
	return err;
}
