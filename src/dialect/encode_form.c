/*
 * Forms and queries. Flat ones are the endpoint's `fields`, a template each. The nested one is Telerivet's
 * (docs/telerivet.md): `event`, then the object that the event is about with its properties at the top, in the
 * order of the REST API's lists and unknown ones behind, then the objects beside it in brackets as PHP's
 * http_build_query writes them, then `secret`.
 *
 * All property names of one object are told apart in one walk over its members; each known one is put at its place, and
 * then they are written in order. So the caller's order never shows, and a property costs one search among short names.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "dialect/encode.h"
#include "dialect/metric.h"

#define KEY_MAX	       (64 * 1024)
#define VALUE_MAX      (16 * 1024 * 1024)
#define PROPERTIES_MAX 64
#define RECIPIENTS_MAX 100 /* of a broadcast, as the seed's platform sends them */

/* --- the notation --- */

/* A form under construction. key is the name in brackets so far, encoded. */
struct form {
	struct buf *out;
	bool begun;
	struct buf key, scratch;
};

static void form_init(struct form *f, struct buf *out)
{
	*f = (struct form){ .out = out };
	buf_init(&f->key, KEY_MAX);
	buf_init(&f->scratch, VALUE_MAX);
}

static int form_end(struct form *f)
{
	bool failed = buf_failed(f->out) || buf_failed(&f->key) || buf_failed(&f->scratch);

	buf_free(&f->key);
	buf_free(&f->scratch);
	return failed ? ERR_TOO_BIG : 0;
}

static void put_pair(struct form *f, struct slice key, struct slice value)
{
	if (f->begun)
		buf_add_char(f->out, '&');
	f->begun = true;
	buf_add_slice(f->out, key);
	buf_add_char(f->out, '=');
	form_add(f->out, value);
}

static bool is_integer(struct slice number)
{
	for (size_t i = 0; i < number.n; i++)
		if (number.p[i] == '.' || number.p[i] == 'e' || number.p[i] == 'E')
			return false;
	return true;
}

/* Integers keep their digits, however many; fractions become the shortest text that reads back the same. */
static struct slice number_text(struct json v, struct buf *scratch)
{
	char text[40];
	double number;

	if (is_integer(json_raw(v)) || !json_double(v, &number))
		return json_raw(v);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	buf_reset(scratch);
	buf_add_str(scratch, text);
	return buf_slice(scratch);
}

static void put_tree(struct form *f, struct json v);

/* Member or element, under the key so far. */
static void put_child(struct form *f, const struct json_iter *it)
{
	size_t before = f->key.n;

	if (before > 0)
		buf_add_str(&f->key, "%5B");
	if (it->object)
		form_add(&f->key, json_text_slice(it->key, &f->scratch));
	else
		buf_add_i64(&f->key, it->index);
	if (before > 0)
		buf_add_str(&f->key, "%5D");
	put_tree(f, it->value);
	if (!buf_failed(&f->key))
		buf_truncate(&f->key, before);
}

/* Anything but an array or object. */
static void put_scalar(struct form *f, struct slice key, struct json v)
{
	switch (json_type(v)) {
	case JSON_FALSE:
		put_pair(f, key, SLICE_LIT("0"));
		break;
	case JSON_TRUE:
		put_pair(f, key, SLICE_LIT("1"));
		break;
	case JSON_NUMBER:
		put_pair(f, key, number_text(v, &f->scratch));
		break;
	case JSON_STRING:
		put_pair(f, key, json_text_slice(v, &f->scratch));
		break;
	default:
		break; /* as http_build_query does it: null is left out */
	}
}

/*
 * As deep as the JSON reader lets through, JSON_DEPTH_MAX. An
 * empty array or object leaves nothing, as with http_build_query.
 */
static void put_tree(struct form *f, struct json v)
{
	struct json_iter it = json_each(v);

	if (json_type(v) < JSON_ARRAY)
		put_scalar(f, buf_slice(&f->key), v);
	while (json_next(&it))
		put_child(f, &it);
}

/* A value under a name that needs no encoding. */
static void put_named(struct form *f, struct slice name, struct json v)
{
	if (json_type(v) < JSON_ARRAY) {
		put_scalar(f, name, v);
		return;
	}
	buf_reset(&f->key);
	buf_add_slice(&f->key, name);
	put_tree(f, v);
	buf_reset(&f->key);
}

/* The first elements of an array. */
static void put_first(struct form *f, struct slice name, struct json v, uint32_t most)
{
	buf_reset(&f->key);
	buf_add_slice(&f->key, name);
	for (struct json_iter it = json_each(v); json_next(&it) && it.index < most;)
		put_child(f, &it);
	buf_reset(&f->key);
}

void encode_tree(struct slice name, struct json v, struct buf *out)
{
	struct form f;

	form_init(&f, out);
	form_add(&f.key, name);
	put_tree(&f, v);
	form_end(&f);
}

/* --- Telerivet's objects --- */

/* The order of the REST API's property lists; project_id is the last of each. */
enum { MESSAGE_DIRECTION = 1, MESSAGE_STATUS, MESSAGE_TYPE, MESSAGE_SERVICE = 37, MESSAGE_HANDLER };
enum { BROADCAST_RECIPIENTS = 2 };
#define P(name) SLICE_LIT(name)
static const struct slice message_names[] = {
	P("id"),
	[MESSAGE_DIRECTION] = P("direction"),
	[MESSAGE_STATUS] = P("status"),
	[MESSAGE_TYPE] = P("message_type"),
	P("source"),
	P("time_created"),
	P("time_sent"),
	P("time_updated"),
	P("from_number"),
	P("from_number_e164"),
	P("to_number"),
	P("content"),
	P("starred"),
	P("simulated"),
	P("label_ids"),
	P("route_params"),
	P("vars"),
	P("priority"),
	P("send_attempts"),
	P("error_message"),
	P("error_code"),
	P("external_id"),
	P("num_parts"),
	P("price"),
	P("price_currency"),
	P("duration"),
	P("ring_time"),
	P("audio_url"),
	P("tts_lang"),
	P("tts_voice"),
	P("track_clicks"),
	P("short_urls"),
	P("network_code"),
	P("media"),
	P("mms_parts"),
	P("time_clicked"),
	P("in_progress"),
	[MESSAGE_SERVICE] = P("service_id"),
	[MESSAGE_HANDLER] = P("message_service_id"),
	P("phone_id"),
	P("contact_id"),
	P("route_id"),
	P("broadcast_id"),
	P("scheduled_id"),
	P("user_id"),
	P("project_id"),
};
static const struct slice contact_names[] = {
	P("id"),
	P("name"),
	P("phone_number"),
	P("time_created"),
	P("time_updated"),
	P("send_blocked"),
	P("conversation_status"),
	P("last_message_time"),
	P("last_incoming_message_time"),
	P("last_outgoing_message_time"),
	P("message_count"),
	P("incoming_message_count"),
	P("outgoing_message_count"),
	P("last_message_id"),
	P("default_route_id"),
	P("group_ids"),
	P("vars"),
	P("project_id"),
};
static const struct slice broadcast_names[] = {
	P("id"),
	P("recipients_str"),
	[BROADCAST_RECIPIENTS] = P("recipients"),
	P("title"),
	P("time_created"),
	P("last_message_time"),
	P("last_send_time"),
	P("status_counts"),
	P("message_count"),
	P("estimated_count"),
	P("num_parts"),
	P("message_type"),
	P("content"),
	P("audio_url"),
	P("tts_lang"),
	P("tts_voice"),
	P("replace_variables"),
	P("status"),
	P("source"),
	P("simulated"),
	P("track_clicks"),
	P("clicked_count"),
	P("label_ids"),
	P("media"),
	P("vars"),
	P("route_params"),
	P("price"),
	P("price_currency"),
	P("reply_count"),
	P("last_reply_time"),
	P("route_id"),
	P("service_id"),
	P("user_id"),
	P("user_name"),
	P("user_email"),
	P("project_id"),
#undef P
};

/* What an event of one type is about, and what else of it is sent, after that. */
struct shape {
	const char *object;
	const struct slice *names;
	size_t count;
	const char *beside[3];
};

#define NAMES(list) (list), sizeof(list) / sizeof((list)[0])
static const struct shape shapes[EVENT_TYPES + 1] = {
	[EVENT_INCOMING_MESSAGE] = { "message", NAMES(message_names), { "contact", "state", "phone" } },
	[EVENT_SEND_STATUS] = { "message", NAMES(message_names), { "contact" } },
	[EVENT_SEND_BROADCAST] = { "broadcast", NAMES(broadcast_names), { NULL } },
	[EVENT_CONTACT_UPDATE] = { "contact", NAMES(contact_names), { NULL } },
	[EVENT_MESSAGE_METADATA] = { "message", NAMES(message_names), { "contact" } },
	[EVENT_ENDPOINT_FAILING] = { "endpoint", NULL, 0, { NULL } },
	[EVENT_ENDPOINT_RECOVERED] = { "endpoint", NULL, 0, { NULL } },
	[EVENT_ENDPOINT_DISABLED] = { "endpoint", NULL, 0, { NULL } },
	[EVENT_DEAD_LETTER] = { "endpoint", NULL, 0, { "message" } },
	[EVENT_SEND_MESSAGE] = { "message", NAMES(message_names), { "contact" } },
};
static_assert(sizeof(message_names) / sizeof(message_names[0]) <= PROPERTIES_MAX, "sorted on the stack");
static_assert(sizeof(broadcast_names) / sizeof(broadcast_names[0]) <= PROPERTIES_MAX, "sorted on the stack");

/* One event on its way into a form. */
struct telerivet {
	struct form form;
	const struct scope *scope;
	const struct shape *shape;
	struct json object;
	struct json known[PROPERTIES_MAX]; /* the properties of the list that the object has */
	struct buf others;		   /* the other ones, as pairs with & before each */
};

/* count when the name is in the list nowhere. A name with an escape in it is unknown, and stands behind the others. */
static size_t place_in(const struct slice *names, size_t count, struct slice name)
{
	size_t i = 0;

	if (name.n == 0)
		return count;
	while (i < count && (names[i].n != name.n || names[i].p[name.n - 1] != name.p[name.n - 1] ||
			     memcmp(names[i].p, name.p, name.n) != 0)) /* few names of a length end alike */
		i++;
	return i;
}

/* Telerivet's own word for the status of a message; what has none is passed on as it is. */
static bool put_status(struct telerivet *t, struct json status)
{
	struct slice word;
	struct buf type;
	bool found;

	buf_init(&type, VALUE_MAX);
	found = status_map_find(t->scope->statuses, event_message_type(t->scope->event, &type),
				json_text_slice(status, &t->form.scratch),
				json_type(json_get(t->object, "simulated")) == JSON_TRUE, &word);
	if (found)
		put_pair(&t->form, SLICE_LIT("status"), word);
	buf_free(&type);
	return found;
}

/* What the event model leaves to a default is said, because the seed promises it to receivers. */
static void put_default(struct telerivet *t, size_t place)
{
	const struct event *e = t->scope->event;

	if (place == t->shape->count - 1)
		put_pair(&t->form, SLICE_LIT("project_id"), e->project);
	else if (t->shape->names == message_names && place == MESSAGE_DIRECTION)
		put_pair(&t->form, SLICE_LIT("direction"),
			 event_is_incoming(e) ? SLICE_LIT("incoming") : SLICE_LIT("outgoing"));
	else if (t->shape->names == message_names && place == MESSAGE_TYPE)
		put_pair(&t->form, SLICE_LIT("message_type"), SLICE_LIT("sms"));
}

/* Names that the form itself uses: PHP lets the last one of a name win, so a property must not come as one of them. */
static bool is_reserved(const struct telerivet *t, struct json key)
{
	bool reserved = json_is(key, "event") || json_is(key, "update_type") || json_is(key, "secret");

	for (size_t i = 0; i < 3 && t->shape->beside[i]; i++)
		reserved = reserved || json_is(key, t->shape->beside[i]);
	return reserved;
}

/* Known ones to their places, the others into a form of their own. */
static int sort_properties(struct telerivet *t)
{
	struct form others;

	form_init(&others, &t->others);
	others.begun = true; /* an & before the first one too */
	for (struct json_iter it = json_each(t->object); json_next(&it);) {
		size_t place = place_in(t->shape->names, t->shape->count, json_escaped_text(it.key));

		if (place < t->shape->count)
			t->known[place] = it.value;
		else if (!is_reserved(t, it.key))
			put_child(&others, &it);
	}
	return form_end(&others);
}

/* To the receiver `service_id` is the service that calls it; the one that handled the message has a name of its own. */
static void name_services(struct telerivet *t)
{
	const struct event *e = t->scope->event;
	struct json caller = event_postrider(e, "service_id");

	if (e->type != EVENT_INCOMING_MESSAGE || json_is_nil(caller))
		return;
	if (json_is_nil(t->known[MESSAGE_HANDLER]))
		t->known[MESSAGE_HANDLER] = t->known[MESSAGE_SERVICE];
	t->known[MESSAGE_SERVICE] = caller;
}

static void put_properties(struct telerivet *t)
{
	for (size_t i = 0; i < t->shape->count; i++) {
		struct json v = t->known[i];

		if (json_is_nil(v))
			put_default(t, i);
		else if (t->shape->names == broadcast_names && i == BROADCAST_RECIPIENTS)
			put_first(&t->form, t->shape->names[i], v, RECIPIENTS_MAX);
		else if (t->shape->names != message_names || i != MESSAGE_STATUS || !put_status(t, v))
			put_named(&t->form, t->shape->names[i], v);
	}
	buf_add_slice(t->form.out, buf_slice(&t->others));
}

static bool is_of_the_event(struct json key)
{
	static const struct slice names[] = {
		SLICE_LIT("type"),	SLICE_LIT("id"),	  SLICE_LIT("time"),	  SLICE_LIT("origin"),
		SLICE_LIT("message"),	SLICE_LIT("contact"),	  SLICE_LIT("phone"),	  SLICE_LIT("state"),
		SLICE_LIT("broadcast"), SLICE_LIT("update_type"), SLICE_LIT("postrider"),
	};
	size_t count = sizeof(names) / sizeof(names[0]);

	return place_in(names, count, json_escaped_text(key)) < count;
}

/* A caller's own members of the event: estimated_count and others that belong to no object. The object's come first. */
static void put_own(struct telerivet *t)
{
	struct buf name;

	buf_init(&name, KEY_MAX);
	for (struct json_iter it = json_each(json_root(&t->scope->event->doc)); json_next(&it);) {
		if (is_of_the_event(it.key) || is_reserved(t, it.key) || json_is(it.key, "project_id"))
			continue;
		if (json_is_nil(json_get_slice(t->object, json_text_slice(it.key, &name))))
			put_child(&t->form, &it);
	}
	buf_free(&name);
}

static int encode_nested(const struct scope *scope, struct buf *out)
{
	const struct event *e = scope->event;
	struct json root = json_root(&e->doc);
	struct telerivet t = { .scope = scope, .shape = &shapes[e->type] };
	int sorted, ended;

	form_init(&t.form, out);
	buf_init(&t.others, out->max);
	t.object = json_get(root, t.shape->object);
	put_pair(&t.form, SLICE_LIT("event"), slice_str(event_type_word(e->type)));
	put_named(&t.form, SLICE_LIT("update_type"), json_get(root, "update_type"));
	sorted = sort_properties(&t);
	name_services(&t);
	put_properties(&t);
	put_own(&t);
	for (size_t i = 0; i < 3 && t.shape->beside[i]; i++)
		put_named(&t.form, slice_str(t.shape->beside[i]), json_get(root, t.shape->beside[i]));
	if (scope->secret.p)
		put_pair(&t.form, SLICE_LIT("secret"), scope->secret);
	buf_free(&t.others);
	ended = form_end(&t.form);
	return sorted ? sorted : ended;
}

/* --- flat forms --- */

static int encode_fields(const struct endpoint *ep, const struct scope *scope, struct buf *out)
{
	struct scope looked_up = *scope; /* once, for all fields */
	struct subject subject;
	size_t begin = out->n;
	int err = 0;

	subject_init(&subject, scope);
	looked_up.subject = &subject;
	for (size_t i = 0; i < ep->field_count && err == 0; i++) {
		size_t before = out->n;
		bool missing = false;

		if (before > begin)
			buf_add_char(out, '&');
		buf_add_str(out, ep->fields[i].name);
		buf_add_char(out, '=');
		err = template_render_field(ep->fields[i].value, &looked_up, out, &missing);
		if (missing && !buf_failed(out))
			buf_truncate(out, before);
	}
	return err;
}

int encode_form(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	(void)fault;
	return ep->fields ? encode_fields(ep, scope, out) : encode_nested(scope, out);
}
