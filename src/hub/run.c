/*
 * The way of an incoming message through the services of its project, in the order of their priority. A service ends at
 * once, or waits for what its webhook answers; then all that is to be known for going on is written into the message
 * (`_run`), in the commit that also stores the event for the webhook. The answer comes as a report, inside the commit
 * that writes the attempt down (node/book.h): so the run is in exactly one place at any time, and what an answer asks
 * for is done exactly once.
 *
 * When a webhook fails its first attempt the run goes on without it and waits for another
 * event, or for none: a report of an event that nobody waits for any more is late. A late
 * answer still has its messages sent and its variables set, and nothing else follows from it.
 *
 * All that services do has origin script.
 */
#include <assert.h>
#include <stdio.h>

#include "hub/notice.h"
#include "hub/record_parts.h"
#include "hub/service_parts.h"
#include "hub/state.h"
#include "hub/variables.h"

#define RUN	    "_run"
#define NOTES_MAX   ((size_t)16384)
#define PLACE_MAX   ((size_t)2 << 20)
#define LONG_DIGITS 7 /* a number of so many digits is no short code */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- the log --- */

void run_log(struct run *r, const char *type, struct slice content, bool error)
{
	struct reply_scope *s = &r->scope;
	struct service_log entry = {
		.service = s->service, .type = type, .content = content, .elapsed_ms = -1, .error = error
	};

	if (s->message)
		entry.message_id = record_id(s->message);
	if (s->contact)
		entry.contact_id = record_id(s->contact);
	service_log_add(&r->deed, &entry);
}

void run_logf(struct run *r, const char *type, bool error, const char *fmt, ...)
{
	struct buf content;
	va_list ap;

	buf_init(&content, NOTES_MAX);
	va_start(ap, fmt);
	buf_vaddf(&content, fmt, ap);
	va_end(ap);
	run_log(r, type, buf_slice(&content), error);
	buf_free(&content);
}

/* --- sending --- */

void run_send(struct run *r, struct message_send *s)
{
	struct reply_scope *scope = &r->scope;
	struct fault fault = NO_FAULT;
	struct record *message;
	struct sent *sent;

	s->source = SLICE_LIT("service");
	s->service_id = record_id(scope->service);
	s->tell_queued = true;
	s->simulated = scope->message && record_true(scope->message, "simulated");
	if (s->route_id.n == 0 && scope->phone)
		s->route_id = record_id(scope->phone);
	if (message_send(&r->deed, s, &message, &fault)) {
		run_logf(r, "error", true, "a message was not sent: %s %s", fault.param, fault.message);
		return;
	}
	reply_reload(&r->deed, scope);
	r->acted = true;
	sent = arena_alloc(r->deed.arena, sizeof(*sent));
	*sent = (struct sent){ .message = message };
	if (r->last_sent)
		r->last_sent->next = sent;
	else
		r->first_sent = sent;
	r->last_sent = sent;
}

/* --- which services --- */

static bool list_allows(struct record *service, const char *list, struct slice wanted)
{
	struct slice ignored;

	return !record_list_at(service, list, 0, &ignored) || record_list_has(service, list, wanted);
}

/* "text" stands for what is read: SMS, MMS and chat. */
static bool type_fits(struct record *service, struct slice type)
{
	static const char *const texts[] = { "sms", "mms", "chat" };
	bool fits = list_allows(service, "message_types", type);

	for (size_t i = 0; !fits && i < sizeof(texts) / sizeof(texts[0]); i++)
		fits = slice_is(type, texts[i]) && record_list_has(service, "message_types", SLICE_LIT("text"));
	return fits;
}

/* Neither a short code nor a name. */
static bool is_long_number(struct slice number)
{
	size_t digits = 0;

	for (size_t i = 0; i < number.n; i++) {
		char c = number.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			return false;
		digits += is_digit(c);
	}
	return digits >= LONG_DIGITS;
}

static bool fits(struct run *r, struct record *service)
{
	struct record *m = r->scope.message;

	if (!record_true(service, "active") || !service_type_of(record_text(service, "service_type")))
		return false;
	if (r->handled && !slice_is(record_text(service, "apply_mode"), "always"))
		return false;
	if (!slice_is(record_text(service, "contact_number_filter"), "all") &&
	    !is_long_number(record_text(m, "from_number")))
		return false;
	return list_allows(service, "phone_ids", record_text(m, "phone_id")) &&
	       type_fits(service, record_text(m, "message_type"));
}

/* --- the service at hand --- */

static struct json config_of(const struct run *r)
{
	return json_root(&r->config);
}

static void take_service(struct run *r, struct record *service)
{
	struct reply_scope *s = &r->scope;

	s->service = service;
	s->state = NULL;
	r->type = NULL;
	json_doc_free(&r->config);
	json_doc_init(&r->config);
	if (!service || json_parse(&r->config, record_raw(service, "_config"), &json_limits_default, NULL))
		return;
	r->type = service_type_of(record_text(service, "service_type"));
	if (s->contact)
		s->state = state_find(&r->deed, record_id(service), record_id(s->contact));
}

/* A service that begins: temporary variables are its own. */
static enum run_step start(struct run *r)
{
	r->acted = false;
	r->path = r->wait = SLICE_LIT("");
	return r->type ? r->type->start(r) : RUN_ENDS;
}

static void end(struct run *r)
{
	bool value, handled = variable_return_value(&r->scope, &value) ? value : r->acted;

	if (handled && !r->handled && r->scope.message && r->scope.service)
		record_set_text(r->scope.message, "service_id", record_id(r->scope.service));
	r->handled |= handled;
}

/* --- the place in the message --- */

static void save_message(struct run *r)
{
	record_save(&r->deed, r->scope.message);
	r->unsaved = false;
}

static void save_place(struct run *r)
{
	struct json_writer w;
	struct buf out;

	assert(r->scope.message && r->scope.service && r->wait.n > 0);
	buf_init(&out, PLACE_MAX);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	json_member_string(&w, "wait", r->wait);
	json_member_string(&w, "service", record_id(r->scope.service));
	json_member_i64(&w, "priority", record_i64(r->scope.service, "priority", 0));
	json_member_i64(&w, "revision", record_i64(r->scope.service, "_revision", 0));
	json_member_bool(&w, "alone", r->alone);
	json_member_bool(&w, "handled", r->handled);
	json_member_bool(&w, "acted", r->acted);
	json_key(&w, "temporary");
	json_put_raw(&w, r->scope.temporary);
	json_key(&w, "path");
	json_put_raw(&w, r->path.n > 0 ? r->path : SLICE_LIT("[]"));
	json_end_object(&w);
	record_set(r->scope.message, RUN, buf_slice(&out));
	save_message(r);
	buf_free(&out);
}

/* The run is over: what it left in the message is saved, if anything. */
static void forget_place(struct run *r)
{
	struct record *m = r->scope.message;

	if (!m || (!r->unsaved && !r->handled && record_raw(m, RUN).n == 0))
		return;
	record_unset(m, RUN);
	save_message(r);
}

bool run_waits(struct record *message)
{
	return record_raw(message, RUN).n > 0;
}

/* --- going on --- */

struct search {
	struct run *run;
	struct record *found;
};

static bool look(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct search *s = ctx;
	struct record *service = record_read(&s->run->deed, KIND_SERVICE, id, text);

	(void)value;
	if (service && fits(s->run, service))
		s->found = service;
	return !s->found;
}

/* The next service that wants the message, behind the place of (priority, id). */
static struct record *next_service(struct run *r, bool has_after, int64_t priority, struct slice id)
{
	struct object_query q = { .project = r->deed.project,
				  .kind = KIND_SERVICE,
				  .field = FIELD_PRIORITY,
				  .has_after = has_after,
				  .after_value = keys_number(r->deed.arena, priority),
				  .after_id = id };
	struct search s = { .run = r };

	book_walk(r->deed.book, &q, true, look, &s);
	return s.found;
}

/* All services from here on, until one waits. */
static void go_on(struct run *r, bool has_after, int64_t priority, struct slice id)
{
	struct record *service;

	while ((service = next_service(r, has_after, priority, id))) {
		has_after = true;
		priority = record_i64(service, "priority", 0);
		id = record_id(service);
		r->scope.temporary = SLICE_LIT("{}");
		take_service(r, service);
		if (start(r) == RUN_WAITS) {
			save_place(r);
			return;
		}
		end(r);
	}
	forget_place(r);
}

void run_start(struct deed *d, struct record *message, struct record *contact, struct record *phone)
{
	struct run r = {
		.deed = *d,
		.scope = { .message = message, .contact = contact, .phone = phone, .temporary = SLICE_LIT("{}") },
		.unsaved = true
	};

	r.deed.origin = ORIGIN_SCRIPT;
	json_doc_init(&r.config);
	go_on(&r, false, 0, SLICE_LIT(""));
	run_close(&r);
}

void run_service(struct run *r)
{
	struct record *service = r->scope.service;

	r->deed.origin = ORIGIN_SCRIPT;
	json_doc_init(&r->config);
	if (r->scope.temporary.n == 0)
		r->scope.temporary = SLICE_LIT("{}");
	take_service(r, service);
	if (start(r) == RUN_WAITS) {
		save_place(r);
		return;
	}
	end(r);
	forget_place(r);
}

void run_close(struct run *r)
{
	json_doc_free(&r->config);
}

/* --- reports --- */

/* What was on its way, and where the run stands. */
struct outcome {
	const struct report *report;
	struct json_doc place; /* the message's `_run` */
	bool waited;	       /* the run waits for this */
	struct slice url;      /* masked */
	struct buf notes;
};

/* "_service.SV…" and "_action.SV….HASH"; empty for an endpoint of the customer's own. An id may hold dots. */
static struct slice service_of(struct slice endpoint_id)
{
	struct slice id;

	if (slice_starts(endpoint_id, SLICE_LIT("_service.")))
		return slice_from(endpoint_id, 9);
	if (!slice_starts(endpoint_id, SLICE_LIT("_action.")))
		return SLICE_LIT("");
	id = slice_from(endpoint_id, 8);
	while (id.n > 0 && id.p[id.n - 1] != '.')
		id.n--;
	return slice_of(id.p, id.n > 0 ? id.n - 1 : 0);
}

/* text without the secret of the endpoint, wherever it stands: neither answers nor URLs may bring it into the log. */
static struct slice masked(struct deed *d, const struct endpoint *ep, struct slice text)
{
	struct slice secret = slice_str(ep->secrets[0]);
	struct buf out;

	if (secret.n == 0 || text.n < secret.n)
		return text;
	buf_init(&out, 4 * text.n + 4);
	for (size_t i = 0; i < text.n;) {
		if (slice_starts(slice_from(text, i), secret)) {
			buf_add_str(&out, "***");
			i += secret.n;
		} else {
			buf_add_char(&out, text.p[i++]);
		}
	}
	return arena_take_buf(d->arena, &out);
}

/* Of the event where each has its own (status_url), else of the endpoint. */
static struct slice url_of(struct deed *d, const struct report *rep)
{
	const struct endpoint *ep = rep->endpoint;
	struct slice url = SLICE_LIT("");
	struct json_doc doc;
	struct buf scratch;

	json_doc_init(&doc);
	buf_init(&scratch, 65536);
	if (ep->url_from_event)
		url = arena_slice(d->arena, json_text_slice(event_postrider(rep->event, "url"), &scratch));
	else if (!json_parse(&doc, ep->source, &json_limits_default, NULL))
		url = arena_slice(d->arena, json_text_slice(json_get(json_root(&doc), "url"), &scratch));
	buf_free(&scratch);
	json_doc_free(&doc);
	return masked(d, ep, url);
}

static void write_outcome(struct run *r, const struct outcome *o, bool error)
{
	const struct report *rep = o->report;
	struct reply_scope *s = &r->scope;
	struct service_log entry = { .service = s->service,
				     .type = "webhook",
				     .content = masked(&r->deed, rep->endpoint, buf_slice(&o->notes)),
				     .message_id = rep->event->message_id,
				     .elapsed_ms = rep->attempt > 0 ? rep->duration_us / 1000 : -1,
				     .code = rep->code,
				     .attempt_seq = rep->attempt_seq,
				     .url = o->url,
				     .answer = masked(&r->deed, rep->endpoint, rep->body),
				     .error = error };

	if (s->contact)
		entry.contact_id = record_id(s->contact);
	service_log_add(&r->deed, &entry);
}

/* Only an incoming message can be answered. */
static void take_answer(struct run *r, struct outcome *o)
{
	const struct report *rep = o->report;
	struct reply_result result;
	size_t before;

	buf_addf(&o->notes, "%.*s answered HTTP %d\n", SLICE_ARG(o->url), rep->code);
	before = o->notes.n;
	if (rep->reason.n > 0) { /* it is longer than was read */
		buf_addf(&o->notes, "the answer was ignored: %.*s\n", SLICE_ARG(rep->reason));
	} else if (rep->event->type == EVENT_INCOMING_MESSAGE) {
		reply_apply(&r->deed, &r->scope, rep->media_type, rep->body, &o->notes, &result);
		r->acted |= result.messages > 0;
	} else if (slice_trim(rep->body).n > 0) {
		buf_addf(&o->notes, "the answer was ignored: only an incoming_message can be answered, this was a %s\n",
			 event_type_word(rep->event->type));
	}
	write_outcome(r, o, o->notes.n > before);
}

/*
 * The first failure and the last one are told; those between are in the attempt log, and in mails that count them.
 */
static void tell_failure(struct run *r, struct outcome *o)
{
	const struct report *rep = o->report;

	if (rep->kind == REPORT_LEFT && rep->attempt != 1)
		return;
	explain_failure(rep->code, rep->location.n > 0 ? rep->location : rep->reason, o->url, &o->notes);
	if (rep->kind == REPORT_PASSED)
		buf_add_str(&o->notes, " (it failed before; the message is delivered when it works again)");
	else if (rep->kind == REPORT_DEAD)
		buf_add_str(&o->notes, " (it is not tried again)");
	else
		buf_add_str(&o->notes, " (it is tried again)");
	write_outcome(r, o, true);
}

static void open_place(struct run *r, struct outcome *o)
{
	struct json place;

	if (json_parse(&o->place, record_raw(r->scope.message, RUN), &json_limits_default, NULL))
		return;
	place = json_root(&o->place);
	o->waited = json_is(json_get(place, "wait"), arena_str(r->deed.arena, o->report->event->id));
	if (!o->waited)
		return;
	r->alone = json_type(json_get(place, "alone")) == JSON_TRUE;
	r->handled = json_type(json_get(place, "handled")) == JSON_TRUE;
	r->acted = json_type(json_get(place, "acted")) == JSON_TRUE;
	r->scope.temporary = arena_slice(r->deed.arena, json_raw(json_get(place, "temporary")));
	r->path = arena_slice(r->deed.arena, json_raw(json_get(place, "path")));
}

static void open_report(struct run *r, struct outcome *o)
{
	const struct report *rep = o->report;
	struct slice service = service_of(slice_str(rep->endpoint->id));
	struct reply_scope *s = &r->scope;

	r->deed.origin = ORIGIN_SCRIPT;
	s->temporary = SLICE_LIT("{}");
	s->message = record_load(&r->deed, KIND_MESSAGE, rep->event->message_id);
	if (s->message) {
		s->contact = message_contact(&r->deed, s->message);
		s->phone = message_phone(&r->deed, s->message);
	}
	take_service(r, record_load(&r->deed, KIND_SERVICE, service));
	if (s->message && service.n > 0)
		open_place(r, o);
}

/* on_failure: hold - what follows waits until it is delivered or given up. */
static bool is_held(const struct run *r, const struct report *rep)
{
	return rep->kind != REPORT_DELIVERED && rep->kind != REPORT_DEAD && r->type &&
	       json_is(json_get(config_of(r), "on_failure"), "hold");
}

static void resume(struct run *r, const struct outcome *o)
{
	struct json place = json_root(&o->place);
	struct slice id = arena_slice(r->deed.arena, json_escaped_text(json_get(place, "service")));
	int64_t revision = 0, priority = 0;
	bool same;

	json_i64(json_get(place, "revision"), &revision);
	json_i64(json_get(place, "priority"), &priority);
	same = r->type && record_i64(r->scope.service, "_revision", 0) == revision;
	if (!same && r->path.n > 2)
		run_logf(r, "error", true, "the service was changed while it waited: its other actions are left out");
	if (same && r->type->resume(r) == RUN_WAITS) {
		save_place(r);
		return;
	}
	end(r);
	if (r->alone)
		forget_place(r);
	else
		go_on(r, true, priority, id);
}

/* A status or the like that went well, or only waits: nobody's run hangs on it, and nothing was asked for. */
static bool says_nothing(const struct report *rep)
{
	if (rep->event->type == EVENT_INCOMING_MESSAGE)
		return false;
	return rep->kind == REPORT_PASSED || (rep->kind == REPORT_DELIVERED && slice_trim(rep->body).n == 0);
}

void run_report(struct deed *d, const struct report *report)
{
	struct run r = { .deed = *d };
	struct outcome o = { .report = report };

	if (says_nothing(report))
		return;
	o.url = url_of(d, report);
	json_doc_init(&r.config);
	json_doc_init(&o.place);
	buf_init(&o.notes, NOTES_MAX);
	open_report(&r, &o);
	if (report->kind == REPORT_DELIVERED)
		take_answer(&r, &o);
	else
		tell_failure(&r, &o);
	if (o.waited && !is_held(&r, report))
		resume(&r, &o);
	run_close(&r);
	json_doc_free(&o.place);
	buf_free(&o.notes);
}
