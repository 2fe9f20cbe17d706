/*
 * Running a service by hand: for a message, as if it were the only service, or for a contact. What it sends at once is
 * the answer; what a webhook's answer asks for comes later.
 */
#include "hub/contact.h"
#include "hub/route.h"
#include "hub/service_parts.h"
#include "hub/variables.h"

#define VARIABLES_MAX 25

struct invoke {
	struct rest *r;
	struct run run;
	struct slice phone_number; /* of a contact that may have to be made */
};

/* --- what it is invoked for --- */

static int check_context(struct invoke *v, const struct service_type *type, struct slice context)
{
	struct fault *fault = v->r->deed.fault;
	struct slice event;
	struct json_doc doc;
	struct json events;
	int err;

	json_doc_init(&doc);
	json_parse(&doc, slice_str(type->contexts), &json_limits_default, NULL);
	events = json_get_slice(json_root(&doc), context);
	if (json_type(events) != JSON_OBJECT)
		err = fault_param(fault, "context", "a %s is not invoked for this; its `contexts` says for what",
				  type->word);
	else if (rest_text(v->r, "event", &event, &err) && !slice_is(event, "default") &&
		 json_type(json_get_slice(events, event)) == JSON_NONE)
		err = fault_param(fault, "event", "a %s has no such event in this context; leave it out", type->word);
	json_doc_free(&doc);
	return err;
}

static int read_message(struct invoke *v)
{
	struct reply_scope *s = &v->run.scope;
	struct rest *r = v->r;
	struct slice id;
	int err = rest_need(r, "message_id", &id);

	if (err)
		return err;
	s->message = record_load(&r->deed, KIND_MESSAGE, id);
	if (!s->message)
		return fault_param(r->deed.fault, "message_id", "there is no message \"%.*s\" in this project",
				   SLICE_HEAD(id, 80));
	if (!slice_is(record_text(s->message, "direction"), "incoming"))
		return fault_param(r->deed.fault, "message_id", "the message is not an incoming one");
	if (run_waits(s->message))
		return fault_param(
			r->deed.fault, "message_id",
			"the services are still at work on this message: a webhook has not answered; try again "
			"later");
	s->contact = message_contact(&r->deed, s->message);
	s->phone = message_phone(&r->deed, s->message);
	return 0;
}

static int read_contact(struct invoke *v)
{
	struct reply_scope *s = &v->run.scope;
	struct rest *r = v->r;
	struct slice id;
	int err;

	if (rest_text(r, "contact_id", &id, &err)) {
		s->contact = record_load(&r->deed, KIND_CONTACT, id);
		return s->contact ? 0
				  : fault_param(r->deed.fault, "contact_id",
						"there is no contact \"%.*s\" in this project", SLICE_HEAD(id, 80));
	}
	if (err)
		return err;
	if (!rest_text(r, "phone_number", &v->phone_number, &err) || v->phone_number.n == 0)
		return err ? err
			   : fault_param(r->deed.fault, "contact_id",
					 "missing; say for whom, with contact_id or phone_number");
	s->contact = contact_find(&r->deed, v->phone_number);
	return 0;
}

/* --- what it is given --- */

static int read_route(struct invoke *v)
{
	struct slice id;
	int err;

	if (!rest_text(v->r, "route_id", &id, &err) || id.n == 0)
		return err;
	v->run.scope.phone = route_choose(&v->r->deed, id, v->run.scope.contact, v->r->deed.fault);
	return v->run.scope.phone ? 0 : ERR_INVALID;
}

/* Names with or without their $. */
static int read_variable(struct invoke *v, struct json key, struct json value)
{
	struct fault *fault = v->r->deed.fault;
	struct buf name;
	int err;

	buf_init(&name, 256);
	if (!slice_starts(json_escaped_text(key), SLICE_LIT("$")))
		buf_add_char(&name, '$');
	json_text(key, &name);
	err = variable_set(&v->r->deed, &v->run.scope, buf_slice(&name), value, fault);
	if (err)
		fault_set(fault, "invalid_param", "", "%s", arena_str(v->r->deed.arena, slice_str(fault->message)));
	if (err)
		fault_within(fault, "variables.%s", buf_str(&name));
	buf_free(&name);
	return err;
}

static int read_variables(struct invoke *v)
{
	struct json variables = json_get(v->r->params, "variables");
	int err = 0;

	if (!json_is_nil(variables) && json_type(variables) != JSON_OBJECT)
		return fault_param(v->r->deed.fault, "variables", "must be an object of names and values");
	for (struct json_iter it = json_each(variables); !err && json_next(&it);)
		err = it.index < VARIABLES_MAX ? read_variable(v, it.key, it.value)
					       : fault_param(v->r->deed.fault, "variables",
							     "holds more than %d variables", VARIABLES_MAX);
	return err;
}

static int read_service(struct invoke *v, const struct service_type **ret)
{
	struct rest *r = v->r;
	struct record **service = &v->run.scope.service;
	int err = rest_load(r, KIND_SERVICE, r->id, service);

	if (err)
		return err;
	if (!record_true(*service, "active"))
		return fault_param(r->deed.fault, "", "the service is not active; activate it first (active: true)");
	*ret = service_type_of(record_text(*service, "service_type"));
	return *ret ? 0 : fault_param(r->deed.fault, "", "services of this type are not known");
}

static int read(struct invoke *v)
{
	static const char *const names[] = { "context",	  "event",    "message_id", "contact_id", "phone_number",
					     "variables", "route_id", "async",	    NULL };
	const struct service_type *type;
	struct slice context;
	bool async;
	int err = rest_only(v->r, names);

	if (err || (err = read_service(v, &type)) || (err = rest_need(v->r, "context", &context)) ||
	    (err = check_context(v, type, context)) || (err = rest_bool(v->r, "async", &async)))
		return err;
	err = slice_is(context, "message") ? read_message(v) : read_contact(v);
	if (err || (err = read_route(v)))
		return err;
	return read_variables(v);
}

int rest_service_invoke(struct rest *r)
{
	struct invoke v = { .r = r, .run = { .deed = r->deed, .alone = true } };
	int err = read(&v);

	if (err)
		return err;
	if (!v.run.scope.contact && v.phone_number.n > 0)
		v.run.scope.contact = contact_for_number(&r->deed, v.phone_number);
	run_service(&v.run);
	json_begin_object(r->w);
	json_key(r->w, "sent_messages");
	json_begin_array(r->w);
	for (const struct sent *sent = v.run.first_sent; sent; sent = sent->next)
		rest_write(r, sent->message);
	json_end_array(r->w);
	json_end_object(r->w);
	run_close(&v.run);
	return 0;
}
