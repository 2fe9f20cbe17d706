/*
 * What each metric of the two Wiraya seeds is for an event, as one table of names and small functions. Where a seed
 * says "for outgoing SMS" or "for outgoing calls", the metric is missing for anything else, even if the event happens
 * to carry the property: a receiver that was promised "only for" must be able to tell by it.
 *
 * "SMS" here is every kind of message but a call: MMS and chats are passed on, and their parts mean the same.
 */
#include "dialect/metric.h"

#include "base/text.h"
#include "dialect/nearest.h"
#include "dialect/status.h"

#define YEAR_10000 253402300800

void subject_init(struct subject *ret, const struct scope *scope)
{
	struct json message = json_get(json_root(&scope->event->doc), "message");

	*ret = (struct subject){ .scope = scope,
				 .message = message,
				 .exists = !json_is_nil(message),
				 .incoming = event_is_incoming(scope->event),
				 .call = json_is(json_get(message, "message_type"), "call") };
}

static bool take(struct json v, struct buf *scratch, struct slice *ret)
{
	if (json_is_nil(v))
		return false;
	*ret = json_text_slice(v, scratch);
	return true;
}

static bool take_message(const struct subject *s, const char *name, struct buf *scratch, struct slice *ret)
{
	return take(json_get(s->message, name), scratch, ret);
}

/* What buf_add… calls have put into scratch. */
static bool take_scratch(struct buf *scratch, struct slice *ret)
{
	*ret = buf_slice(scratch);
	return true;
}

/* --- who and what --- */

static bool outgoing(const struct subject *s)
{
	return s->exists && !s->incoming;
}

static bool outgoing_sms(const struct subject *s)
{
	return outgoing(s) && !s->call;
}

static bool outgoing_call(const struct subject *s)
{
	return outgoing(s) && s->call;
}

static bool incoming_sms(const struct subject *s)
{
	return s->exists && s->incoming && !s->call;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* --- the metrics --- */

/* INCOMING_SMS, OUTGOING_CALL; kinds that the seeds do not know follow the pattern: OUTGOING_MMS. */
static bool text_type(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	struct json kind = json_get(s->message, "message_type");
	size_t at;

	if (!s->exists)
		return false;
	buf_reset(scratch);
	buf_add_str(scratch, s->incoming ? "INCOMING_" : "OUTGOING_");
	at = scratch->n;
	if (json_is_nil(kind))
		buf_add_str(scratch, "sms");
	else
		json_text(kind, scratch);
	for (; at < scratch->n; at++)
		scratch->p[at] = upper(scratch->p[at]);
	return take_scratch(scratch, ret);
}

static bool text_id(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return take_message(s, "id", scratch, ret);
}

static bool take_if_any(struct slice s, struct slice *ret)
{
	if (s.n == 0)
		return false;
	*ret = s;
	return true;
}

static bool text_cid(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	(void)scratch;
	return take_if_any(s->scope->organization_id, ret);
}

static bool text_prid(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	(void)scratch;
	return take_if_any(s->scope->event->project, ret);
}

static bool text_rid(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return take_message(s, "recipient_id", scratch, ret) ||
	       take(json_get(json_get(json_root(&s->scope->event->doc), "contact"), "id"), scratch, ret);
}

static bool text_recipient(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return take_message(s, "to_number", scratch, ret);
}

static bool text_sender(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return take_message(s, "from_number", scratch, ret);
}

static bool text_status(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	struct json message = s->message, status = json_get(message, "status");
	struct buf kind, word;
	bool found;

	if (!outgoing(s) || json_is_nil(status))
		return false;
	buf_init(&kind, scratch->max);
	buf_init(&word, scratch->max);
	buf_reset(scratch);
	found = status_map_word(s->scope->statuses, event_message_type(s->scope->event, &kind),
				json_text_slice(status, &word), json_type(json_get(message, "simulated")) == JSON_TRUE,
				scratch);
	buf_free(&kind);
	buf_free(&word);
	return found && take_scratch(scratch, ret);
}

static bool text_content(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return take_message(s, "content", scratch, ret);
}

static bool text_sms_parts(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return outgoing_sms(s) && take_message(s, "num_parts", scratch, ret);
}

static bool text_recipient_status(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return outgoing_sms(s) && take_message(s, "recipient_status", scratch, ret);
}

static bool text_campaign_name(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return outgoing(s) && take_message(s, "campaign_name", scratch, ret);
}

static bool text_bulk(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return incoming_sms(s) && (take_message(s, "bulk", scratch, ret) || take_message(s, "content", scratch, ret));
}

static bool text_identifier(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return incoming_sms(s) && take_message(s, "identifier", scratch, ret);
}

static bool text_prefix(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	return incoming_sms(s) && take_message(s, "prefix", scratch, ret);
}

/* A number of seconds, cut to whole ones; false when v is none or no date can be made of it. */
static bool whole_seconds(struct json v, int64_t *ret)
{
	double seconds;

	if (json_i64(v, ret)) /* nearly always, and much cheaper */
		return *ret >= 0 && *ret < YEAR_10000;
	if (json_type(v) != JSON_NUMBER || !json_double(v, &seconds) || !(seconds >= 0 && seconds < YEAR_10000))
		return false;
	*ret = (int64_t)seconds;
	return true;
}

static bool text_call_length(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t seconds;

	if (!outgoing_call(s) || !whole_seconds(json_get(s->message, "duration"), &seconds))
		return false; /* -1: not answered */
	buf_reset(scratch);
	buf_add_i64(scratch, seconds);
	return take_scratch(scratch, ret);
}

/* "as CSV": a choice is a key of the telephone, so nothing needs quotes. A single string is taken as it is. */
static bool text_key_choices(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	struct json choices = json_get(s->message, "key_choices");
	struct json_iter it = json_each(choices);

	if (!outgoing_call(s) || json_is_nil(choices))
		return false;
	if (json_type(choices) != JSON_ARRAY)
		return take(choices, scratch, ret);
	buf_reset(scratch);
	while (json_next(&it)) {
		if (it.index > 0)
			buf_add_char(scratch, ',');
		json_text(it.value, scratch);
	}
	return take_scratch(scratch, ret);
}

/* --- times --- */

static bool sent_time(const struct subject *s, int64_t *ret)
{
	return whole_seconds(json_get(s->message, s->incoming ? "time_created" : "time_sent"), ret);
}

/* The delivery report of an outgoing SMS, or the end of any call. */
static bool done_time(const struct subject *s, int64_t *ret)
{
	return !incoming_sms(s) && whole_seconds(json_get(s->message, "time_done"), ret);
}

/* seconds is what `found` was asked for, so it is read only after that. */
static bool take_time(bool found, const int64_t *seconds, void (*add)(struct buf *, int64_t), struct buf *scratch,
		      struct slice *ret)
{
	if (!found)
		return false;
	buf_reset(scratch);
	add(scratch, *seconds);
	return take_scratch(scratch, ret);
}

static bool text_sent_unixtime(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t t;

	return take_time(sent_time(s, &t), &t, buf_add_i64, scratch, ret);
}

static bool text_sent_datetime(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t t;

	return take_time(sent_time(s, &t), &t, time_add_datetime, scratch, ret);
}

static bool text_sent_dateiso(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t t;

	return take_time(sent_time(s, &t), &t, time_add_iso, scratch, ret);
}

static bool text_done_unixtime(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t t;

	return take_time(done_time(s, &t), &t, buf_add_i64, scratch, ret);
}

static bool text_done_datetime(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t t;

	return take_time(done_time(s, &t), &t, time_add_datetime, scratch, ret);
}

static bool text_done_dateiso(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	int64_t t;

	return take_time(done_time(s, &t), &t, time_add_iso, scratch, ret);
}

/* --- postrider's own --- */

static bool text_event_id(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	(void)scratch;
	return take_if_any(s->scope->event->id, ret);
}

static bool text_secret(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	(void)scratch;
	return take_if_any(s->scope->secret, ret);
}

static bool text_delivery_id(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	(void)scratch;
	return take_if_any(s->scope->delivery_id, ret);
}

static bool text_attempt(const struct subject *s, struct buf *scratch, struct slice *ret)
{
	buf_reset(scratch);
	buf_add_i64(scratch, s->scope->attempt);
	return take_scratch(scratch, ret);
}

static const struct metric metrics[] = {
	/* name, numeric, delivery, text */
	{ "TYPE", false, false, text_type },
	{ "ID", true, false, text_id },
	{ "CID", true, false, text_cid },
	{ "RID", true, false, text_rid },
	{ "PRID", true, false, text_prid },
	{ "RECIPIENT", false, false, text_recipient },
	{ "SENDER", false, false, text_sender },
	{ "STATUS", false, false, text_status },
	{ "CONTENT", false, false, text_content },
	{ "SMS_PARTS", true, false, text_sms_parts },
	{ "SENT_UNIXTIME", true, false, text_sent_unixtime },
	{ "SENT_DATETIME", false, false, text_sent_datetime },
	{ "SENT_DATEISO", false, false, text_sent_dateiso },
	{ "DONE_UNIXTIME", true, false, text_done_unixtime },
	{ "DONE_DATETIME", false, false, text_done_datetime },
	{ "DONE_DATEISO", false, false, text_done_dateiso },
	{ "RECIPIENT_STATUS", false, false, text_recipient_status },
	{ "CAMPAIGN_NAME", false, false, text_campaign_name },
	{ "CALL_LENGTH", true, false, text_call_length },
	{ "KEY_CHOICES", false, false, text_key_choices },
	{ "BULK", false, false, text_bulk },
	{ "IDENTIFIER", false, false, text_identifier },
	{ "PREFIX", false, false, text_prefix },
	{ "EVENT_ID", false, false, text_event_id },
	{ "SECRET", false, false, text_secret },
	{ "DELIVERY_ID", false, true, text_delivery_id },
	{ "ATTEMPT", true, true, text_attempt },
};
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

const struct metric *metric_at(size_t n)
{
	return n < METRICS ? &metrics[n] : NULL;
}

const struct metric *metric_find(struct slice name)
{
	for (size_t i = 0; i < METRICS; i++)
		if (slice_is(name, metrics[i].name))
			return &metrics[i];
	return NULL;
}

bool metric_field(const struct subject *s, unsigned number, struct buf *scratch, struct slice *ret)
{
	struct json_iter it = json_each(json_get(s->message, "fields"));

	while (!it.object && json_next(&it))
		if (it.index + 1 == number)
			return take(it.value, scratch, ret);
	return false;
}

const struct metric *metric_near(struct slice name)
{
	struct nearest nearest;

	nearest_begin(&nearest, name);
	for (size_t i = 0; i < METRICS; i++)
		nearest_offer(&nearest, slice_str(metrics[i].name));
	return nearest.distance <= name.n / 3 ? metric_find(nearest.best)
					      : NULL; /* more wrong letters: no misspelling */
}
