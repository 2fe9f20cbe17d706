/*
 * Webcom Mobi's status webhook (seed 002, ../shared/spec/webcom.md): a document of <state> elements, or its twin, a bare JSON array. The words
 * are the status map's; what is fixed here is which attribute stands for which leg of a message (X2) and which of its times is meant (X14).
 */
#include "dialect/encode.h"
#include "dialect/moment.h"
#include "dialect/template_parts.h"

#define WORD_MAX  1024
#define TEXT_MAX  (64 * 1024)
#define NO_STATUS "send" /* "message status not received": its time is empty */

/* What both forms say of one message. */
struct state {
	struct json message, channels;
	struct slice type;
	bool simulated;
	struct buf scratch, type_scratch, word, time;
};

static void state_free(struct state *s)
{
	buf_free(&s->scratch);
	buf_free(&s->type_scratch);
	buf_free(&s->word);
	buf_free(&s->time);
}

/* The word for a canonical status, into out. */
static bool find_word(struct state *s, const struct scope *scope, struct json status, struct buf *out)
{
	buf_reset(out);
	return !json_is_nil(status) &&
	       status_map_word(scope->statuses, s->type, json_text_slice(status, &s->scratch), s->simulated, out);
}

static struct json time_of(const struct state *s, const struct event *e)
{
	static const char *const names[] = { "time_done", "time_updated" };

	for (size_t i = 0; i < 2; i++) {
		struct json v = json_get(s->message, names[i]);

		if (!json_is_nil(v))
			return v;
	}
	return json_get(json_root(&e->doc), "time");
}

static void find_time(struct state *s, const struct scope *scope)
{
	int64_t us;

	if (slice_is(buf_slice(&s->word), NO_STATUS))
		return;
	if (moment_read(json_text_slice(time_of(s, scope->event), &s->scratch), &us))
		moment_add(&s->time, SLICE_LIT("%Y-%m-%d %H:%M:%S"), us, scope->zone);
}

static int state_init(struct state *s, const struct scope *scope, struct fault *fault)
{
	const struct event *e = scope->event;

	buf_init(&s->scratch, TEXT_MAX);
	buf_init(&s->type_scratch, TEXT_MAX);
	buf_init(&s->word, WORD_MAX);
	buf_init(&s->time, WORD_MAX);
	if (e->type != EVENT_SEND_STATUS)
		return fault_param(fault, "type", "is %s; Webcom's documents can say nothing but statuses",
				   event_type_word(e->type));
	s->message = json_get(json_root(&e->doc), "message");
	s->channels = json_get(s->message, "channel_status");
	s->type = event_message_type(e, &s->type_scratch);
	s->simulated = json_type(json_get(s->message, "simulated")) == JSON_TRUE;
	if (!find_word(s, scope, json_get(s->message, "status"), &s->word))
		return fault_param(fault, "message.status", "has no word in the endpoint's status map");
	find_time(s, scope);
	return 0;
}

static void add_attribute(struct buf *out, const char *name, struct slice value)
{
	buf_add_char(out, ' ');
	buf_add_str(out, name);
	buf_add_str(out, "=\"");
	template_put_xml(out, PLACE_XML_ATTRIBUTE, value);
	buf_add_char(out, '"');
}

/* X2: one attribute for each leg; a message that says nothing of legs has the one it was sent as. */
static void add_legs(struct state *s, const struct scope *scope, struct buf *out)
{
	static const char *const names[] = { "sms", "viber" };
	bool any = false;
	struct buf word;

	buf_init(&word, WORD_MAX);
	for (size_t i = 0; i < 2; i++) {
		if (!find_word(s, scope, json_get(s->channels, names[i]), &word))
			continue;
		add_attribute(out, names[i], buf_slice(&word));
		any = true;
	}
	buf_free(&word);
	if (!any)
		add_attribute(out, slice_is(s->type, "viber") ? "viber" : "sms", buf_slice(&s->word));
}

int encode_webcom_xml(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	struct state s;
	int err = state_init(&s, scope, fault);

	(void)ep;
	if (err == 0) {
		buf_add_str(out, "<state");
		add_attribute(out, "id_sms", scope->event->message_id);
		add_attribute(out, "time", buf_slice(&s.time));
		add_legs(&s, scope, out);
		buf_add_char(out, '>');
		template_put_xml(out, PLACE_XML_TEXT, buf_slice(&s.word));
		buf_add_str(out, "</state>\n");
		err = buf_failed(out) ? ERR_TOO_BIG : 0;
	}
	state_free(&s);
	return err;
}

/* X15: the seed's ids are integers, so one that is an integer is written as one, whichever way the platform spelt it. */
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
		buf_add_str(out, ",\"time\":");
		json_add_string(out, buf_slice(&s.time));
		buf_add_str(out, ",\"state\":");
		json_add_string(out, buf_slice(&s.word));
		buf_add_char(out, '}');
		err = buf_failed(out) ? ERR_TOO_BIG : 0;
	}
	state_free(&s);
	return err;
}
