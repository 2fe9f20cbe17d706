/*
 * The way of a message out: which phone, and what that phone's type makes of it. Gateways get an order, an event with
 * the phone's endpoint as its target, so that waiting, retrying and throttling are the engine's; its reports come back
 * here and become statuses. The test route has no gateway: a script of statuses is read out, a step a second, from the
 * message's own due time.
 *
 * Statuses go through message_status, which ignores what comes late; so nothing here asks what came before.
 */
#include "hub/route.h"

#include <stdio.h>

#include "base/failure.h"
#include "base/text.h"
#include "hub/gsm.h"
#include "hub/hub_impl.h"
#include "hub/message.h"
#include "hub/notice.h"
#include "hub/phone_type.h"
#include "hub/record_parts.h"

#define STEP		"_step" /* of the test route: the number of the next one */
#define PAUSED_MS	10000	/* how often a paused test route looks whether it still is */
#define ACTIVE_EVERY_S	60	/* last_active_time is that exact: it costs a write */
#define ORDER_MAX	((size_t)64 * 1024)
#define ANSWER_WORDS	200 /* of a gateway's answer that are told */
#define EXTERNAL_ID_MAX 255

/* --- choosing a phone --- */

struct choice {
	struct deed *d;
	struct record *first, *active;
};

static bool look_at_phone(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct choice *c = ctx;
	struct record *phone = record_read(c->d, KIND_PHONE, id, text);

	(void)value;
	if (!phone)
		return true;
	if (!c->first)
		c->first = phone;
	if (!record_true(phone, "send_paused"))
		c->active = phone;
	return !c->active;
}

static struct choice look_at_phones(struct deed *d)
{
	struct object_query all = { .project = d->project, .kind = KIND_PHONE, .field = FIELD_ID };
	struct choice c = { .d = d };

	book_walk(d->book, &all, true, look_at_phone, &c);
	return c;
}

struct record *route_choose(struct deed *d, struct slice route_id, struct record *contact, struct fault *fault)
{
	struct record *phone = NULL;
	struct choice c;

	if (route_id.n > 0) {
		phone = record_load(d, KIND_PHONE, route_id);
		if (!phone)
			fault_param(fault, "route_id", "there is no phone \"%.*s\" in this project",
				    SLICE_HEAD(route_id, 80));
		return phone;
	}
	if (contact && record_text(contact, "default_route_id").n > 0)
		phone = record_load(d, KIND_PHONE, record_text(contact, "default_route_id"));
	if (phone)
		return phone;
	c = look_at_phones(d);
	if (!c.first)
		fault_param(
			fault, "route_id",
			"this project has no phone to send by; make one with POST …/phones, of the type test to try");
	return c.active ? c.active : c.first; /* where all are paused, it waits for the first */
}

struct with_key {
	struct deed *d;
	struct slice key;
	struct record *phone;
};

static bool take_equal(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct with_key *w = ctx;

	if (slice_eq(value, w->key))
		w->phone = record_read(w->d, KIND_PHONE, id, text);
	return false;
}

struct record *route_with_number(struct deed *d, struct slice number)
{
	struct with_key w = { .d = d };
	struct object_query q = { .project = d->project, .kind = KIND_PHONE, .field = FIELD_NUMBER };

	w.key = q.from = keys_text(d->arena, FIELD_NUMBER, number);
	if (w.key.n > 0) /* phones without a number have an entry too */
		book_walk(d->book, &q, true, take_equal, &w);
	return w.phone;
}

struct record *route_by_number(struct deed *d, struct slice number)
{
	struct record *phone = number.n > 0 ? route_with_number(d, number) : NULL;

	return phone ? phone : look_at_phones(d).first;
}

/* --- sending --- */

static const struct phone_type *type_of(struct record *phone)
{
	return phone_type_find(record_text(phone, "phone_type"));
}

static struct slice endpoint_id(struct deed *d, struct slice phone)
{
	struct buf text;

	buf_init(&text, 300);
	phone_endpoint_id(phone, &text);
	return arena_take_buf(d->arena, &text);
}

static void refuse(struct deed *d, struct record *message, const struct phone_type *type)
{
	struct slice kind = record_text(message, "message_type");
	char reason[200];

	snprintf(reason, sizeof(reason),
		 "a phone of type %s cannot send messages of type %.*s; only the test route can", type->name,
		 SLICE_ARG(kind));
	message_status(d, message, "failed", slice_str(reason), SLICE_LIT("unsupported"));
}

static void write_extra(struct deed *d, struct record *message, const struct phone_type *type, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	/* of Kannel, and of others that ask the same: 0 is the GSM alphabet, 2 is UTF-16 */
	json_member_i64(&w, "coding", gsm_fits(record_text(message, "content")) ? 0 : 2);
	if (type->order)
		type->order(d, message, &w);
	json_end_object(&w);
}

static void order(struct deed *d, struct record *message, struct record *phone, const struct phone_type *type)
{
	struct endpoint *ep = book_endpoint_get(d->book, d->project, endpoint_id(d, record_id(phone)));
	struct buf extra;

	if (!ep) { /* the phone is just being deleted */
		message_status(d, message, "failed", SLICE_LIT("the phone's gateway does not exist any more"),
			       SLICE_LIT("deleted"));
		return;
	}
	buf_init(&extra, ORDER_MAX);
	write_extra(d, message, type, &extra);
	notice_order(d, message, ep->number, slice_of(extra.p + 1, extra.n - 2)); /* its members */
	buf_free(&extra);
	endpoint_unref(&ep);
}

void route_send(struct deed *d, struct record *message, struct record *phone)
{
	const struct phone_type *type = type_of(phone);

	if (!type || !type->settings || record_true(message, "simulated")) {
		record_set_bool(message, "simulated", true);
		record_set_i64(message, STEP, 0);
		record_set_due(message, d->now_ms + d->hub->options.test_step_ms);
	} else if (!phone_type_sends(type, record_text(message, "message_type"))) {
		refuse(d, message, type);
	} else {
		order(d, message, phone, type);
	}
}

/* --- the test route --- */

/* Telerivet's test numbers ("Simulating Status Codes"). */
static const struct script {
	const char *digits;
	struct {
		const char *status, *error;
	} steps[2];
} scripts[] = {
	{ "15005550011", { { "failed", "Example error message." } } },
	{ "15005550012", { { "sent", "" }, { "delivered", "" } } },
	{ "15005550013", { { "sent", "" }, { "not_delivered", "Example delivery failure message." } } },
	{ "15005550014", { { "failed_queued", "Example temporary failure message." }, { "sent", "" } } },
	{ "", { { "sent", "" } } }, /* all others */
};
#define STEPS 2

static bool has_digits(struct slice number, const char *digits)
{
	for (size_t i = 0; i < number.n; i++)
		if (number.p[i] >= '0' && number.p[i] <= '9' && number.p[i] != *digits++)
			return false;
	return *digits == '\0';
}

static const struct script *script_for(struct slice number)
{
	const struct script *s = scripts;

	while (s->digits[0] && !has_digits(number, s->digits))
		s++;
	return s;
}

static void end_steps(struct record *message)
{
	record_unset(message, STEP);
	record_set_due(message, OBJECT_NEVER_DUE);
}

/* A message that was cancelled meanwhile stays so; its script ends as any other. */
void route_step(struct deed *d, struct record *message)
{
	int64_t step = record_i64(message, STEP, STEPS);
	const struct script *script = script_for(record_text(message, "to_number"));
	struct record *phone = message_phone(d, message);

	if (phone && record_true(phone, "send_paused")) {
		record_set_due(message, d->now_ms + PAUSED_MS);
		record_save(d, message);
		return;
	}
	if (step + 1 < STEPS && script->steps[step + 1].status) {
		record_set_i64(message, STEP, step + 1);
		record_set_due(message, d->now_ms + d->hub->options.test_step_ms);
	} else {
		end_steps(message);
	}
	if (step >= STEPS || !message_status(d, message, script->steps[step].status,
					     slice_str(script->steps[step].error), SLICE_LIT("")))
		record_save(d, message);
}

/* --- what gateways answered --- */

static bool holds(struct slice s, const char *secret)
{
	return secret && *secret && s.n > 0 && memmem(s.p, s.n, secret, strlen(secret));
}

/*
 * A gateway's words, on one line and not too many, behind what the engine says: they mostly name the cause. Some repeat
 * what they refuse; with a secret in it that is not for messages.
 */
static void add_words(struct buf *out, const struct report *r)
{
	struct slice words = utf8_cut(slice_trim(r->body), ANSWER_WORDS);

	if (words.n == 0 || holds(r->body, r->endpoint->secrets[0]) || holds(r->body, r->endpoint->secrets[1]) ||
	    holds(r->body, r->endpoint->peer.password))
		return;
	buf_add_str(out, ": ");
	for (size_t i = 0; i < words.n; i++)
		buf_add_char(out, (unsigned char)words.p[i] < ' ' ? ' ' : words.p[i]);
}

static struct slice reason_of(struct deed *d, const struct report *r)
{
	struct buf out;

	buf_init(&out, 4096);
	if (r->reason.n > 0)
		buf_add_slice(&out, slice_of(r->reason.p, r->reason.n < 1000 ? r->reason.n : 1000));
	else if (r->code > 0)
		buf_addf(&out, "the gateway answered %d", r->code);
	else
		buf_add_str(&out, "the gateway could not be asked");
	add_words(&out, r);
	return arena_take_buf(d->arena, &out);
}

/* external_id_path into a JSON answer, or what stands behind external_id_prefix on its line. */
static void find_external_id(struct json config, struct slice body, struct buf *ret)
{
	struct json path = json_get(config, "external_id_path"), prefix = json_get(config, "external_id_prefix");
	struct json_doc doc;
	struct buf text;

	json_doc_init(&doc);
	buf_init(&text, 4096);
	if (!json_is_nil(path) && json_parse(&doc, body, &json_limits_default, NULL) == 0) {
		json_text(json_path(json_root(&doc), json_text_slice(path, &text)), ret);
	} else if (!json_is_nil(prefix)) {
		struct slice before = json_text_slice(prefix, &text);
		const char *at = before.n > 0 && body.n > 0 ? memmem(body.p, body.n, before.p, before.n) : NULL;

		if (at) {
			struct slice rest = slice_from(body, (size_t)(at - body.p) + before.n);

			rest.n = slice_find(rest, '\n');
			buf_add_slice(ret,
				      slice_trim(slice_of(rest.p, rest.n - (rest.n && rest.p[rest.n - 1] == '\r'))));
		}
	}
	buf_free(&text);
	json_doc_free(&doc);
}

static void take_external_id(struct record *message, struct record *phone, struct slice body)
{
	struct json_doc config;
	struct buf id;

	json_doc_init(&config);
	buf_init(&id, EXTERNAL_ID_MAX);
	if (json_parse(&config, record_raw(phone, "_config"), &json_limits_default, NULL) == 0)
		find_external_id(json_root(&config), body, &id);
	if (id.n > 0 && !buf_failed(&id))
		record_set_text(message, "external_id", buf_slice(&id));
	buf_free(&id);
	json_doc_free(&config);
}

void phone_active(struct deed *d, struct record *phone)
{
	int64_t now_s = d->now_ms / 1000;

	if (record_i64(phone, "last_active_time", 0) + ACTIVE_EVERY_S > now_s)
		return;
	record_set_i64(phone, "last_active_time", now_s);
	record_save(d, phone);
}

static bool delivered(struct deed *d, struct record *message, struct record *phone, const struct report *r)
{
	if (phone) {
		phone_active(d, phone);
		take_external_id(message, phone, r->body);
	}
	return message_status(d, message, "sent", SLICE_LIT(""), SLICE_LIT(""));
}

static bool failed(struct deed *d, struct record *message, const char *status, const struct report *r)
{
	char code[20];

	failure_code_text(r->code, code); /* "503", "timeout" */
	return message_status(d, message, status, reason_of(d, r), slice_str(code));
}

void route_report(struct deed *d, const struct report *r)
{
	struct slice phone_id = slice_from(slice_str(r->endpoint->id), sizeof(PHONE_ENDPOINT) - 1);
	struct record *message = record_load(d, KIND_MESSAGE, r->event->message_id);
	bool saved = false;

	if (!message || r->kind == REPORT_PASSED) /* it waits, and is queued as before */
		return;
	if (r->attempt > 0)
		record_set_i64(message, "send_attempts", r->attempt);
	if (r->kind == REPORT_DELIVERED)
		saved = delivered(d, message, record_load(d, KIND_PHONE, phone_id), r);
	else
		saved = failed(d, message, r->kind == REPORT_LEFT ? "failed_queued" : "failed", r);
	if (!saved)
		record_save(d, message);
}
